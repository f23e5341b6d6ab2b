//! One optimiser over the mix, on power in auditory bands: levels and broad tone are solved together.
//!
//! A mix is here what gains and slopes do to band powers that were measured once; nothing is rendered. What is
//! wanted of it are [`Ask`]s: that some tracks together stand at a level against the whole, against other tracks or
//! among their like, each with the spread within which good mixes differ. Beside them stand what is known of the
//! tone of each source ([`Tone`]) and of the spectrum of the sum ([`Spectrum`]), and, for every slope, the wish to do
//! nothing. All of it is one sum of squares in units of its own spread,
//!
//! ```text
//! sum_k ((L_k(g, t) - goal_k) / spread_k)^2 + sum_s ((t_s + tilt_s) / varies_s)^2 + (t_s / chain)^2
//!     + sum_o (dead((D_o(g, t)) / spread_o)^2
//! ```
//!
//! over the gains `g` in dB and the slopes `t` in dB per octave, minimised by Gauss and Newton's method. Only ratios of
//! gains matter (Wilson & Fazenda, *Navigating the mix-space*, 2016): the level to which all of them refer is a
//! variable too, and the common gain is set afterwards by headroom.

mod newton;

use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;

/// A number for each band.
pub(crate) type Bands = [f64; ERB_BANDS];

/// Loudness of nothing, in dB.
const NOTHING_DB: f64 = -200.0;
/// The slope turns around this, in hertz.
pub(crate) const PIVOT_HZ: f64 = 1_000.0;
/// Slopes of recordings differ by so much without anybody's will, in dB per octave: microphones, places and rooms
/// that differ by 6 dB between 100 Hz and 10 kHz. It is how far a slope is believed to be an accident.
pub(crate) const CHAIN_DB_PER_OCT: f64 = 0.8;
/// Most that a slope is turned, in dB per octave: 6 dB at 16 kHz.
const MOST_DB_PER_OCT: f64 = 1.5;
/// At most so many steps; convergence takes about eight.
const STEPS: usize = 60;
/// At most so far in one step, in dB: far from the solution sums of powers are not straight.
const LONGEST_DB: f64 = 6.0;

/// What a level is held against.
#[derive(Debug, Clone)]
pub(crate) enum Against {
    /// The level that all expectations refer to.
    Whole,
    /// Other tracks together: mean weighted powers by track and band.
    Tracks(Vec<Bands>),
    /// The mean of the levels of several.
    Alike(Vec<Vec<Bands>>),
}

/// A wish about a level.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Mean weighted powers by track and band; zero for tracks that it is not about.
    pub(crate) of: Vec<Bands>,
    pub(crate) against: Against,
    pub(crate) goal_lu: f64,
    pub(crate) spread_lu: f64,
}

/// How far a source's spectrum is sloped against what is usual for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tone {
    /// Brighter (positive) or darker than usual, in dB per octave.
    pub(crate) tilt_db_per_oct: f64,
    /// How far that varies between good recordings, in dB per octave.
    pub(crate) varies_db_per_oct: f64,
}

/// What is expected of the spectrum of the sum.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    /// Mean powers by track and band, not weighted.
    pub(crate) of: Vec<Bands>,
    /// Ranges of bands with their level in dB against each other, and how far that varies.
    pub(crate) ranges: Vec<Range>,
}

/// A range of the spectrum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) low_hz: f64,
    pub(crate) high_hz: f64,
    pub(crate) level_db: f64,
    pub(crate) spread_db: f64,
}

/// The whole problem.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// The source of each track: sources have one gain and one slope.
    pub(crate) sources: Vec<usize>,
    /// Centres of the bands in hertz.
    pub(crate) centres_hz: Vec<f64>,
    pub(crate) asks: Vec<Ask>,
    /// By source: gains from which to begin, in dB; those that a person has set stay.
    pub(crate) start_db: Vec<f64>,
    pub(crate) fixed: Vec<bool>,
    /// By source; without one the slope stays.
    pub(crate) tones: Vec<Option<Tone>>,
    pub(crate) spectrum: Option<Spectrum>,
    /// Where the level begins that all refer to, in LUFS.
    pub(crate) whole_lufs: f64,
}

/// Gains and slopes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Solution {
    /// By source, in dB.
    pub(crate) gains_db: Vec<f64>,
    /// By source, in dB per octave around [`PIVOT_HZ`].
    pub(crate) tilts_db_per_oct: Vec<f64>,
    /// The sum of squares that is left.
    pub(crate) cost: f64,
}

/// A value and its slopes by the variables.
type Sloped = (f64, Vec<f64>);

/// Octaves from the pivot, held inside hearing, by band.
pub(crate) fn octaves(centres_hz: &[f64]) -> Bands {
    let mut octaves = [0.0; ERB_BANDS];
    for (octave, hz) in octaves.iter_mut().zip(centres_hz) {
        *octave = (hz.clamp(40.0, 16_000.0) / PIVOT_HZ).log2();
    }
    octaves
}

impl Model {
    /// The minimum. Depends on neither where the gains stood nor on the order of sources.
    pub(crate) fn solve(&self) -> Solution {
        let count = self.start_db.len();
        let mut variables = self.start_db.clone();
        variables.resize(2 * count, 0.0);
        variables.push(self.whole_lufs);
        let mut free: Vec<usize> = (0..count).filter(|source| !self.fixed[*source]).collect();
        free.extend((0..count).filter(|source| self.tones[*source].is_some()).map(|s| count + s));
        free.push(2 * count);
        for _ in 0..STEPS {
            let (residuals, slopes) = self.residuals(&variables);
            let step = newton::step(&residuals, &slopes, &free);
            let longest = step.iter().fold(0.0f64, |most, s| most.max(s.abs()));
            let short = (LONGEST_DB / longest.max(1e-12)).min(1.0);
            free.iter().zip(&step).for_each(|(place, step)| variables[*place] += short * step);
            for tilt in &mut variables[count..2 * count] {
                *tilt = tilt.clamp(-MOST_DB_PER_OCT, MOST_DB_PER_OCT);
            }
            if longest < 1e-6 {
                break;
            }
        }
        let cost = self.residuals(&variables).0.iter().map(|r| r * r).sum();
        Solution {
            gains_db: variables[..count].to_vec(),
            tilts_db_per_oct: variables[count..2 * count].to_vec(),
            cost,
        }
    }

    /// Factors on power by track and band.
    pub(crate) fn factors(&self, gains_db: &[f64], tilts: &[f64]) -> Vec<Bands> {
        let octaves = octaves(&self.centres_hz);
        let of = |source: &usize| octaves.map(|x| db_to_power(gains_db[*source] + tilts[*source] * x));
        self.sources.iter().map(of).collect()
    }

    /// Deviations in units of their spread, and their slopes by gains, slopes and the level of the whole.
    fn residuals(&self, variables: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let count = self.start_db.len();
        let factors = self.factors(&variables[..count], &variables[count..2 * count]);
        let level = |power: &[Bands]| self.level(power, &factors, 0..ERB_BANDS);
        let mut whole = (variables[2 * count], vec![0.0; variables.len()]);
        whole.1[2 * count] = 1.0;
        let (mut residuals, mut slopes) = (Vec::new(), Vec::new());
        let mut push = |value: f64, slope: Vec<f64>, spread: f64| {
            residuals.push(value / spread);
            slopes.push(slope.into_iter().map(|s| s / spread).collect::<Vec<f64>>());
        };
        for ask in &self.asks {
            let against = match &ask.against {
                Against::Whole => whole.clone(),
                Against::Tracks(power) => level(power),
                Against::Alike(all) => mean(all.iter().map(|power| level(power)).collect()),
            };
            let (value, slope) = minus(level(&ask.of), &against);
            push(value - ask.goal_lu, slope, ask.spread_lu);
        }
        for (source, tone) in self.tones.iter().enumerate() {
            let Some(tone) = tone else { continue };
            let tilt = variables[count + source];
            let mut slope = vec![0.0; variables.len()];
            slope[count + source] = 1.0;
            push(tilt + tone.tilt_db_per_oct, slope.clone(), tone.varies_db_per_oct);
            push(tilt, slope, CHAIN_DB_PER_OCT);
        }
        for (value, slope, spread) in self.spectrum_residuals(&factors) {
            push(value, slope, spread);
        }
        (residuals, slopes)
    }

    /// What the spectrum of the sum is off by, beyond the dead zone in which good mixes differ.
    fn spectrum_residuals(&self, factors: &[Bands]) -> Vec<(f64, Vec<f64>, f64)> {
        /// Deviations inside this share of the spread are style.
        const DEAD: f64 = 0.7;
        let Some(spectrum) = &self.spectrum else { return Vec::new() };
        let inside = |range: &Range| {
            let place = |hz: f64| self.centres_hz.iter().position(|c| *c >= hz).unwrap_or(ERB_BANDS);
            place(range.low_hz)..place(range.high_hz)
        };
        let level = |range: &Range| {
            let (db, slope) = self.level(&spectrum.of, factors, inside(range));
            (db - range.level_db, slope)
        };
        let levels: Vec<Sloped> = spectrum.ranges.iter().map(level).collect();
        let middle = mean(levels.clone());
        let one = |(range, level): (&Range, Sloped)| {
            let (value, slope) = minus(level, &middle);
            let dead = DEAD * range.spread_db;
            let beyond = value - value.clamp(-dead, dead);
            let slope = if beyond == 0.0 { vec![0.0; slope.len()] } else { slope };
            (beyond, slope, range.spread_db)
        };
        spectrum.ranges.iter().zip(levels).map(one).collect()
    }

    /// Level in dB of powers under factors, over some bands, and its slopes: those by a gain are the share of its
    /// source, those by a slope the share's mean place in octaves.
    pub(crate) fn level(&self, power: &[Bands], factors: &[Bands], bands: std::ops::Range<usize>) -> Sloped {
        let count = self.start_db.len();
        let octaves = octaves(&self.centres_hz);
        let mut sum = 0.0;
        let mut slope = vec![0.0; 2 * count + 1];
        for ((source, power), factor) in self.sources.iter().zip(power).zip(factors) {
            for band in bands.clone() {
                let own = power[band] * factor[band];
                sum += own;
                slope[*source] += own;
                slope[count + source] += own * octaves[band];
            }
        }
        slope.iter_mut().for_each(|s| *s /= sum.max(1e-300));
        (if sum > 0.0 { power_to_db(sum).max(NOTHING_DB) } else { NOTHING_DB }, slope)
    }
}

fn minus(a: Sloped, b: &Sloped) -> Sloped {
    (a.0 - b.0, a.1.iter().zip(&b.1).map(|(a, b)| a - b).collect())
}

fn mean(all: Vec<Sloped>) -> Sloped {
    let count = all.len().max(1) as f64;
    let length = all.first().map_or(0, |(_, slope)| slope.len());
    let slope = (0..length).map(|n| all.iter().map(|(_, slope)| slope[n]).sum::<f64>() / count);
    (all.iter().map(|(value, _)| value).sum::<f64>() / count, slope.collect())
}

#[cfg(test)]
mod tests;
