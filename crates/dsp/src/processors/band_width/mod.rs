//! Stereo width by band.
//!
//! The side signal `(L - R)/2` is parted into bands by a crossover of linear phase
//! ([`crate::blocks::linear_crossover`]) and each band scaled; what changes is added to the delayed channels. So the
//! middle is not filtered, images do not shift at the edges, and a width of 100 % everywhere changes no bit. A width of
//! 0 % in the lowest band makes the low end mono without turning any phase.
//!
//! More side is more loudness. On request the middle gives way: `g^2 P(M) + P(S') = P(M) + P(S)`, with the powers
//! weighted as loudness is measured (ITU-R BS.1770-5, annex 1, the two K filters) and averaged over 3 s. It gives way
//! by 0.5 dB at most, so that the sum to mono stays as loud as it was within half a decibel.

use crate::blocks::crossover::{Bands, MAX_BANDS, Slope};
use crate::blocks::dynamics::{one_pole, settle};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::linear_crossover::LinearCrossover;
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::matched;
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Buffer, Frames, Spec, db_to_gain};

choices! {
    /// How steeply the bands are parted.
    pub enum Steepness {
        /// 24 dB per octave.
        Db24 = "24_db_per_oct",
        /// 48 dB per octave.
        Db48 = "48_db_per_oct",
    }
}

settings! {
    /// One band of the side signal.
    pub struct Band {
        /// Upper edge; that of the last band counts for nothing. Edges rise: one below its predecessor stands there.
        freq_hz: f64 {
            label: "Upper edge", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 20_000.0,
            taper: Taper::Logarithmic,
        },
        /// Level of the side in this band: 0 is mono, 100 as it came, 200 twice as much side.
        width_percent: f64 { label: "Width", unit: Unit::Percent, max: 200.0, default: 100.0 },
    }
}

settings! {
    /// Settings of the width by band.
    pub struct Settings {
        /// How steeply the bands are parted.
        slope: Steepness { label: "Slope", fixed: true },
        /// Lets the middle give way by up to 0.5 dB, so that a wider signal is not a louder one.
        keep_loudness: bool { label: "Keep loudness" },
    }
    groups {
        /// The bands, the lowest first. One band alone works on the whole side.
        bands: Band { label: "Band", max: MAX_BANDS },
    }
}

/// Stereo width by band.
pub static KIND: Kind = Kind {
    id: "band_width",
    label: "Width by band",
    family: Family::Stereo,
    help: "Narrows or widens the stereo image by frequency, in linear phase: a mono low end and open highs without \
           images that wander. On signals that are not stereo it does nothing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(BandWidth::new(Settings::from_values(values), spec)),
    response: None,
};

/// The most that the middle gives way.
const LARGEST_CHANGE_DB: f64 = 0.5;
/// Time over which powers are compared: as long as a short-term loudness.
const MEAN_S: f64 = 3.0;
/// Keeps the quotient of silences a number: -120 dBFS.
const POWER_FLOOR: f64 = 1e-12;

/// One edge: no lower than those before it.
fn edge_hz(settings: &Settings, edge: usize) -> f64 {
    settings.bands[..=edge].iter().fold(0.0, |highest, band| greater(band.freq_hz, highest))
}

/// The two K filters of BS.1770: figures of its tables as corner, gain and Q (B. De Man, *Evaluation of implementations
/// of the EBU R128 loudness measurement*, AES 145th Convention, 2018).
fn weighting(sample_rate_hz: f64) -> [Coefficients; 2] {
    let mut shelf = [matched::high_shelf(3.999_843_853_97, 0.707_175_236_955_420)];
    matched::digital(&mut shelf, 1_681.974_450_955_533 / sample_rate_hz);
    // Second order, Q of one half: two real poles.
    let q = 0.500_327_037_323_877;
    let mut high_pass = [matched::Fraction { numerator: [0.0, 0.0, 1.0], denominator: [1.0, 1.0 / q, 1.0] }];
    matched::digital(&mut high_pass, 38.135_470_876_024 / sample_rate_hz);
    [Coefficients::from_fraction(&shelf[0]), Coefficients::from_fraction(&high_pass[0])]
}

/// Finds the middle's gain from the powers of middle, side as it came, and side as it goes.
struct Balance {
    filters: Chain,
    heard: Buffer,
    powers: [f64; 3],
    /// Share of the newest frame in the means: plain means at first, exponential later.
    share: f64,
    least: f64,
    gain: Ramp,
}

impl Balance {
    fn new(sample_rate_hz: f64) -> Balance {
        Balance {
            filters: Chain::new(weighting(sample_rate_hz), 3),
            heard: Buffer::new(3, CONTROL_FRAMES),
            powers: [0.0; 3],
            share: 1.0,
            least: 1.0 - one_pole(MEAN_S * 1000.0, sample_rate_hz),
            gain: Ramp::new(1.0),
        }
    }

    fn reset(&mut self) {
        self.filters.reset();
        self.powers = [0.0; 3];
        self.share = 1.0;
        self.gain = Ramp::new(1.0);
    }

    /// Listens to the piece that stands in `heard`.
    fn listen(&mut self, frames: usize) {
        self.filters.process(&mut self.heard.range_mut(0, frames));
        for n in 0..frames {
            for (c, power) in self.powers.iter_mut().enumerate() {
                let sample = self.heard.channel(c)[n];
                *power += self.share * (sample * sample - *power);
            }
            self.share = greater(self.share / (1.0 + self.share), self.least);
        }
    }

    /// Work for a point of the control grid.
    fn aim(&mut self, active: bool) {
        self.powers = self.powers.map(settle);
        let [mid, came, goes] = self.powers;
        // Exactly one where the side goes as it came.
        let wished = (mid + POWER_FLOOR + (came - goes)) / (mid + POWER_FLOOR);
        let (least, most) = (db_to_gain(-LARGEST_CHANGE_DB), db_to_gain(LARGEST_CHANGE_DB));
        let target = if active { greater(wished, 0.0).sqrt().clamp(least, most) } else { 1.0 };
        if target != self.gain.target() {
            self.gain.go_to(target);
        }
    }
}

struct BandWidth {
    settings: Settings,
    stereo: bool,
    crossover: LinearCrossover,
    bands: [Bands; 1],
    more: Vec<Ramp>,
    delays: [Delay; 2],
    balance: Balance,
    grid: Grid,
}

/// What a width adds of its band.
fn more(band: &Band) -> f64 {
    band.width_percent / 100.0 - 1.0
}

impl BandWidth {
    fn new(settings: Settings, spec: &Spec) -> BandWidth {
        let stereo = spec.channels == 2;
        let slope = match settings.slope {
            Steepness::Db24 => Slope::Db24,
            Steepness::Db48 => Slope::Db48,
        };
        let count = if stereo { settings.bands.len().saturating_sub(1) } else { 0 };
        let edges: Vec<f64> = (0..count).map(|edge| edge_hz(&settings, edge)).collect();
        let crossover = LinearCrossover::new(slope, &edges, spec.sample_rate_hz, 1);
        BandWidth {
            stereo,
            bands: [[[0.0; CONTROL_FRAMES]; MAX_BANDS]],
            more: settings.bands.iter().map(|band| Ramp::new(more(band))).collect(),
            delays: [0, 1].map(|_| Delay::new(crossover.latency())),
            balance: Balance::new(spec.sample_rate_hz),
            grid: Grid::default(),
            crossover,
            settings,
        }
    }

    /// Compares loudness before and after, and sets the level of the middle.
    fn weigh(&mut self, left: &mut [f64], right: &mut [f64], added: &[f64]) {
        let frames = left.len();
        for n in 0..frames {
            let side = 0.5 * (left[n] - right[n]);
            for (c, value) in [0.5 * (left[n] + right[n]), side, side + added[n]].into_iter().enumerate() {
                self.balance.heard.channel_mut(c)[n] = value;
            }
        }
        self.balance.listen(frames);
        for (left, right) in left.iter_mut().zip(right) {
            let change = 0.5 * (*left + *right) * (self.balance.gain.next_value() - 1.0);
            if change != 0.0 {
                *left += change;
                *right += change;
            }
        }
    }
}

impl Gridded for BandWidth {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.balance.aim(self.settings.keep_loudness);
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (left, right) = block.stereo_mut();
        let frames = left.len();
        let mut side = [0.0; CONTROL_FRAMES];
        for n in 0..frames {
            side[n] = 0.5 * (left[n] - right[n]);
        }
        self.crossover.split(&BlockRef::from_mono(&side[..frames]), &mut self.bands);
        let [left_delay, right_delay] = &mut self.delays;
        left_delay.pass(left);
        right_delay.pass(right);
        // The same for equal channels to the bit, as nothing is added to them.
        let mut added = [0.0; CONTROL_FRAMES];
        for (band, more) in self.bands[0].iter().zip(&mut self.more) {
            if more.moves() || more.target() != 0.0 {
                added[..frames].iter_mut().zip(band).for_each(|(sum, x)| *sum += more.next_value() * x);
            }
        }
        if self.settings.keep_loudness || self.balance.gain.moves() {
            self.weigh(left, right, &added[..frames]);
        }
        for n in 0..frames {
            if added[n] != 0.0 {
                left[n] += added[n];
                right[n] -= added[n];
            }
        }
    }
}

impl Processor for BandWidth {
    fn latency(&self) -> Frames {
        self.crossover.latency()
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.crossover.tail())
    }

    fn reset(&mut self) {
        self.crossover.reset();
        self.more.iter_mut().for_each(Ramp::finish);
        self.delays.iter_mut().for_each(Delay::reset);
        self.balance.reset();
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        let slope = self.settings.slope;
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.slope = slope;
        for edge in 0..self.crossover.bands() - 1 {
            self.crossover.go_to(edge, edge_hz(&self.settings, edge));
        }
        for (ramp, band) in self.more.iter_mut().zip(&self.settings.bands) {
            if ramp.target() != more(band) {
                ramp.go_to(more(band));
            }
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if self.stereo && block.channels() == 2 && !self.settings.bands.is_empty() {
            self.on_grid(block, None);
        }
    }
}

#[cfg(test)]
mod tests;
