//! Dynamic equaliser: bands that move with the level within them.
//!
//! Each band listens to its own part of the spectrum (a filter of the same frequency and Q), works out by a
//! compressor's law how far to go, and moves the gain of a bell or shelf there. Everything behind the detector is as in
//! Giannoulis, Massberg & Reiss, *Digital dynamic range compressor design*, J. Audio Eng. Soc. 60 (2012).
//!
//! A bell is the parallel form `y = x + (G - 1) BP(x)` of a state-variable filter whose poles stand still, so that the
//! gain is one multiplication and touches no state (A. Wishnick, *Time-varying filters for musical applications*, DAFx
//! 2014, for why that matters). Its poles are those of the audio-EQ cookbook's bell at the full range. A shelf moves
//! its coefficients in every frame, which trapezoidal filters bear (A. Simper, *Linear trapezoidal integrated state
//! variable filter*).
//!
//! A bell's level is the amplitude of the tone in its band, found without ripple: of a tone's band-pass `a cos` the
//! low-pass is `a f0/f sin` and the high-pass `-a f/f0 sin`, hence band² - low high = a² at every instant.

use super::eq::Channel;
use crate::blocks::dynamics::{
    MeanPower, POWER_FLOOR, Smoother, StateVariable, Times, knee_scale, loop_gain, one_pole, reduction_db,
    tangent,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

choices! {
    /// The shape of a band.
    pub enum Shape {
        /// The surroundings of a frequency.
        Bell = "bell",
        /// Everything below a frequency.
        LowShelf = "low_shelf",
        /// Everything above a frequency.
        HighShelf = "high_shelf",
    }
}

choices! {
    /// When a band moves.
    pub enum Trigger {
        /// When its level is above the threshold.
        Above = "above",
        /// When its level is below the threshold.
        Below = "below",
    }
}

settings! {
    /// Settings of one band.
    pub struct Band {
        /// The shape of the band.
        r#type: Shape { label: "Type", fixed: true },
        /// Centre of a bell, corner of a shelf; also of what the band listens to.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 1_000.0,
            taper: Taper::Logarithmic,
        },
        /// Narrowness of a bell, steepness of a shelf.
        q: f64 { label: "Q", min: 0.1, max: 10.0, default: FRAC_1_SQRT_2, taper: Taper::Logarithmic },
        /// How far the band is moved at most: below 0 it turns down, above 0 it turns up, at 0 it does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// Whether it moves when the band is loud or when it is quiet.
        trigger: Trigger { label: "Trigger", fixed: true },
        /// Level within the band at which it begins to move; a tone at full scale is 0 dB.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -80.0, max: 0.0, default: -30.0 },
        /// The threshold is compared with the band's share of the whole level, so that soft and loud passages are
        /// treated alike: 0 dB is when there is nothing beside the band.
        relative: bool { label: "Relative threshold", fixed: true },
        /// Every decibel beyond the threshold moves the band by 1 - 1/ratio decibels; 1 does nothing.
        ratio: f64 { label: "Ratio", min: 1.0, max: 100.0, default: 4.0, taper: Taper::Logarithmic },
        /// Width of the bend around the threshold; 0 is a hard corner.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0, default: 6.0 },
        /// Time to 63 % of the way out.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.1, max: 300.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of the way back.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 5_000.0, default: 120.0,
            taper: Taper::Logarithmic,
        },
        /// The part of a stereo signal that the band hears and changes.
        channel: Channel { label: "Channel", fixed: true },
    }
}

settings! {
    /// Settings of the dynamic equaliser.
    pub struct Settings {
        /// How far the bands hear ahead; the audio waits as long.
        lookahead_ms: f64 { label: "Lookahead", unit: Unit::Millisecond, max: 20.0, fixed: true },
        /// Gain after all bands.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
    }
    groups {
        /// The bands, in the order they are applied. All listen to the input or the key.
        bands: Band { label: "Band", max: 12 },
    }
}

/// Dynamic equaliser.
pub static KIND: Kind = Kind {
    id: "dynamic_eq",
    label: "Dynamic equaliser",
    family: Family::Equaliser,
    help: "Turns parts of the spectrum down or up as they get loud or quiet: boom, harshness, a voice that needs room. \
           Gentler than an equaliser, since it works only when needed; with a key it makes room for another track.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    // A band of one channel alone does not.
    keeps_mono: false,
    build: |values, spec| Box::new(DynamicEqualiser::new(Settings::from_values(values), spec)),
    response: None,
};

/// What follows from a band's settings at a sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficients {
    /// tan(w0/2).
    g: f64,
    /// Damping of the filter that changes the audio, and of the one that listens.
    damping: f64,
    ear: f64,
    slope: f64,
    times: Times,
    /// Of the mean power in the band, and of that of the whole.
    window: f64,
    whole: f64,
}

/// Gain in decibels that is as high above 0 dB as `db`, halved in the exponent: the cookbook's A.
fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 40.0)
}

fn design(band: &Band, sample_rate_hz: f64) -> Coefficients {
    // Two periods of the centre even out beats with what is beside the band. A low shelf hears everything down to the
    // lowest notes, whose halves must not show; a relative threshold compares equal windows.
    let window_ms = match band.r#type {
        Shape::LowShelf => 40.0,
        _ if band.relative => 20.0,
        _ => (2_000.0 / band.freq_hz).clamp(0.5, 20.0),
    };
    Coefficients {
        g: tangent(band.freq_hz, sample_rate_hz),
        damping: match band.r#type {
            Shape::Bell => 1.0 / (band.q * amplitude(band.range_db)),
            _ => 1.0 / band.q,
        },
        ear: 1.0 / if band.r#type == Shape::Bell { band.q } else { FRAC_1_SQRT_2 },
        slope: 1.0 - 1.0 / band.ratio,
        times: Times::new(band.attack_ms, band.release_ms, sample_rate_hz),
        window: one_pole(window_ms, sample_rate_hz),
        whole: one_pole(if band.relative { window_ms } else { 20.0 }, sample_rate_hz),
    }
}

/// Decibels, zero or positive, by which a band moves at a steady level, all in decibels but the ratio.
///
/// `level_db` is the level within the band (relative to the whole where that is asked). Giannoulis et al. 2012,
/// equation 4, bounded by the range.
pub fn static_move_db(level_db: f64, band: &Band) -> f64 {
    let (level, threshold) = match band.trigger {
        Trigger::Above => (level_db, band.threshold_db),
        Trigger::Below => (-level_db, -band.threshold_db),
    };
    let slope = 1.0 - 1.0 / band.ratio.max(1.0);
    reduction_db(level, threshold, slope, band.knee_db, knee_scale(band.knee_db)).min(band.range_db.abs())
}

/// Values of one piece, one per frame.
type Piece = [f64; CONTROL_FRAMES];

/// A band at work.
struct Mover {
    band: Band,
    /// What the channel means on this signal; a part that is not there is never heard.
    part: Option<Channel>,
    /// Its range was other than 0 since the start: it goes on listening when the range passes 0.
    awake: bool,
    coefficients: Coefficients,
    g: Ramp,
    damping: Ramp,
    ear: Ramp,
    range_db: Ramp,
    threshold_db: Ramp,
    slope: Ramp,
    knee_db: Ramp,
    /// One per changed channel.
    states: Vec<StateVariable>,
    /// One per heard channel.
    ears: Vec<StateVariable>,
    means: Vec<MeanPower>,
    wholes: Vec<MeanPower>,
    smoother: Smoother,
    tuning: Box<Tuning>,
    /// Power in the band and of the whole; then decibels of movement.
    moved_db: Piece,
    whole: Piece,
}

/// Where the filters stand in each frame of a piece.
struct Tuning {
    g: Piece,
    damping: Piece,
    scale: Piece,
    ear: Piece,
    ear_scale: Piece,
}

impl Mover {
    fn new(band: Band, spec: &Spec) -> Mover {
        let coefficients = design(&band, spec.sample_rate_hz);
        let part = band.channel.on(spec.channels);
        let changed = if part == Some(Channel::Stereo) { spec.channels } else { 1 };
        // A mono track may have a stereo key.
        let heard = changed.max(2);
        let zero = [0.0; CONTROL_FRAMES];
        Mover {
            part,
            awake: band.range_db != 0.0,
            coefficients,
            g: Ramp::new(coefficients.g),
            damping: Ramp::new(coefficients.damping),
            ear: Ramp::new(coefficients.ear),
            range_db: Ramp::new(band.range_db),
            threshold_db: Ramp::new(band.threshold_db),
            slope: Ramp::new(coefficients.slope),
            knee_db: Ramp::new(band.knee_db),
            states: vec![StateVariable::default(); changed],
            ears: vec![StateVariable::default(); heard],
            means: vec![MeanPower::default(); heard],
            wholes: vec![MeanPower::default(); heard],
            smoother: Smoother::default(),
            tuning: Box::new(Tuning { g: zero, damping: zero, scale: zero, ear: zero, ear_scale: zero }),
            moved_db: zero,
            whole: zero,
            band,
        }
    }

    fn set(&mut self, field: usize, value: f64, sample_rate_hz: f64) {
        self.band.set_field(field, value);
        let to = design(&self.band, sample_rate_hz);
        self.g.go_to(to.g);
        self.damping.go_to(to.damping);
        self.ear.go_to(to.ear);
        self.range_db.go_to(self.band.range_db);
        self.threshold_db.go_to(self.band.threshold_db);
        self.slope.go_to(to.slope);
        self.knee_db.go_to(self.band.knee_db);
        self.coefficients = to;
        self.awake |= self.band.range_db != 0.0;
    }

    fn ramps(&mut self) -> [&mut Ramp; 7] {
        [
            &mut self.g,
            &mut self.damping,
            &mut self.ear,
            &mut self.range_db,
            &mut self.threshold_db,
            &mut self.slope,
            &mut self.knee_db,
        ]
    }

    fn reset(&mut self) {
        self.ramps().into_iter().for_each(Ramp::finish);
        self.awake = self.band.range_db != 0.0;
        self.states.fill(StateVariable::default());
        self.ears.fill(StateVariable::default());
        self.means.fill(MeanPower::default());
        self.wholes.fill(MeanPower::default());
        self.smoother = Smoother::default();
    }

    /// False for a band that does nothing and never did.
    fn works(&self) -> bool {
        self.part.is_some() && self.awake
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        self.states.iter_mut().chain(&mut self.ears).for_each(StateVariable::flush);
        self.means.iter_mut().chain(&mut self.wholes).for_each(MeanPower::flush);
        self.smoother.flush();
    }

    /// Finds where the filters stand in the next `frames` frames.
    fn tune(&mut self, frames: usize) {
        let tuning = &mut *self.tuning;
        for n in 0..frames {
            tuning.g[n] = self.g.next_value();
            tuning.damping[n] = self.damping.next_value();
            tuning.ear[n] = self.ear.next_value();
            tuning.scale[n] = loop_gain(tuning.g[n], tuning.damping[n]);
            tuning.ear_scale[n] = loop_gain(tuning.g[n], tuning.ear[n]);
        }
    }

    /// Listens to a piece of the key and finds how far to move.
    fn listen(&mut self, key: &BlockRef) {
        let frames = key.frames();
        self.moved_db[..frames].fill(POWER_FLOOR);
        self.whole[..frames].fill(POWER_FLOOR);
        let mut heard = [0.0; CONTROL_FRAMES];
        let parts = match self.part {
            Some(Channel::Stereo) => key.channels().min(self.ears.len()),
            _ => 1,
        };
        for source in 0..parts {
            let samples = &mut heard[..frames];
            hear(self.part, key, source, samples);
            if self.band.relative {
                let whole = &mut self.wholes[source];
                for (most, x) in self.whole.iter_mut().zip(&*samples) {
                    // A tone's power is half the square of its amplitude.
                    *most = greater(whole.next(2.0 * x * x, self.coefficients.whole), *most);
                }
            }
            self.follow(source, samples);
        }
        self.decide(frames);
    }

    /// Adds the power that one channel has in the band.
    fn follow(&mut self, source: usize, samples: &[f64]) {
        let (mut ear, mut mean) = (self.ears[source], self.means[source]);
        let tuning = &*self.tuning;
        for (n, x) in samples.iter().enumerate() {
            let damping = tuning.ear[n];
            let out = ear.next(*x, tuning.g[n], damping, tuning.ear_scale[n]);
            let power = match self.band.r#type {
                Shape::Bell => damping * damping * (out.band * out.band - out.low * out.high),
                Shape::LowShelf => 2.0 * out.low * out.low,
                Shape::HighShelf => 2.0 * out.high * out.high,
            };
            self.moved_db[n] = greater(mean.next(power, self.coefficients.window), self.moved_db[n]);
        }
        (self.ears[source], self.means[source]) = (ear, mean);
    }

    /// Turns power into decibels of movement.
    fn decide(&mut self, frames: usize) {
        let sign = if self.band.trigger == Trigger::Above { 1.0 } else { -1.0 };
        for (power, whole) in self.moved_db[..frames].iter_mut().zip(&self.whole) {
            let mut level_db = math::power_to_db(*power);
            if self.band.relative {
                level_db -= math::power_to_db(*whole);
            }
            let (threshold, knee) = (self.threshold_db.next_value(), self.knee_db.next_value());
            let slope = self.slope.next_value();
            let moved = reduction_db(sign * level_db, sign * threshold, slope, knee, knee_scale(knee));
            let most = self.range_db.target().abs();
            *power = if moved < most { moved } else { most };
        }
        self.smoother.decoupled(&mut self.moved_db[..frames], self.coefficients.times);
        // Bounded again by a range that moves, and with its sign.
        for moved in &mut self.moved_db[..frames] {
            let range = self.range_db.next_value();
            let most = range.abs();
            *moved = if *moved < most { *moved } else { most } * range.signum();
        }
    }

    /// Changes a piece of audio. Gives the deepest cut in decibels.
    fn change(&mut self, block: &mut Block) -> f64 {
        let frames = block.frames();
        match self.part {
            Some(Channel::Stereo) => {
                for (channel, samples) in block.iter_mut().enumerate() {
                    self.run(channel, samples);
                }
            }
            Some(part) => {
                let mut heard = [0.0; CONTROL_FRAMES];
                let samples = &mut heard[..frames];
                hear(Some(part), &block.as_ref(), 0, samples);
                let mut changed = [0.0; CONTROL_FRAMES];
                changed[..frames].copy_from_slice(samples);
                self.run(0, &mut changed[..frames]);
                let (left, right) = match part {
                    Channel::Left => (1.0, 0.0),
                    Channel::Right => (0.0, 1.0),
                    Channel::Side => (1.0, -1.0),
                    _ => (1.0, 1.0),
                };
                for (channel, share) in [left, right].into_iter().enumerate() {
                    for (n, sample) in block.channel_mut(channel).iter_mut().enumerate() {
                        *sample += share * (changed[n] - heard[n]);
                    }
                }
            }
            None => {}
        }
        self.moved_db[..frames].iter().fold(0.0, |most, moved| greater(-*moved, most))
    }

    fn run(&mut self, channel: usize, samples: &mut [f64]) {
        let mut state = self.states[channel];
        let tuning = &*self.tuning;
        let moved = &self.moved_db;
        match self.band.r#type {
            Shape::Bell => {
                for (n, x) in samples.iter_mut().enumerate() {
                    let damping = tuning.damping[n];
                    let out = state.next(*x, tuning.g[n], damping, tuning.scale[n]);
                    *x += (math::db_to_gain(moved[n]) - 1.0) * (damping * out.band);
                }
            }
            shape => {
                let low = shape == Shape::LowShelf;
                for (n, x) in samples.iter_mut().enumerate() {
                    let (root, damping) = (math::db_to_gain(0.25 * moved[n]), tuning.damping[n]);
                    let a = root * root;
                    let g = if low { tuning.g[n] / root } else { tuning.g[n] * root };
                    let out = state.next(*x, g, damping, loop_gain(g, damping));
                    let beyond = if low { out.low } else { out.high };
                    // The other side of the corner keeps its bits, and so does everything where nothing moves.
                    *x += damping * (a - 1.0) * out.band + (a * a - 1.0) * beyond;
                }
            }
        }
        self.states[channel] = state;
    }

    /// Frames for which the filter sounds on: until its poles have fallen by 120 dB and the gain.
    fn tail(&self, sample_rate_hz: f64) -> Frames {
        if !self.works() {
            return 0;
        }
        let damping = self.coefficients.damping;
        let shift =
            if self.band.r#type == Shape::Bell { 1.0 } else { amplitude(self.band.range_db.abs()).sqrt() };
        // The slower of two real poles, or the real part of a pair; in units of the corner.
        let half = 0.5 * damping;
        let rate = if half > 1.0 { half - (half * half - 1.0).sqrt() } else { half };
        let nepers = (120.0 + self.band.range_db.abs()) / 20.0 * std::f64::consts::LN_10;
        let seconds = nepers * shift / (rate * 2.0 * PI * self.band.freq_hz);
        (1.3 * seconds * sample_rate_hz).ceil() as Frames + 64
    }
}

/// One channel of a part of the key.
fn hear(part: Option<Channel>, key: &BlockRef, source: usize, samples: &mut [f64]) {
    let right = if key.channels() > 1 { key.channel(1) } else { key.channel(0) };
    let left = key.channel(0);
    match part {
        Some(Channel::Right) => samples.copy_from_slice(right),
        Some(Channel::Left) => samples.copy_from_slice(left),
        Some(Channel::Mid) => {
            samples.iter_mut().zip(left.iter().zip(right)).for_each(|(x, (l, r))| *x = 0.5 * (l + r));
        }
        Some(Channel::Side) => {
            samples.iter_mut().zip(left.iter().zip(right)).for_each(|(x, (l, r))| *x = 0.5 * (l - r));
        }
        _ => samples.copy_from_slice(key.channel(source)),
    }
}

struct DynamicEqualiser {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    movers: Vec<Mover>,
    delays: Vec<Delay>,
    output: Ramp,
    grid: Grid,
    deepest_db: f64,
}

impl DynamicEqualiser {
    fn new(settings: Settings, spec: &Spec) -> DynamicEqualiser {
        let lookahead = spec.frames(settings.lookahead_ms / 1_000.0);
        DynamicEqualiser {
            sample_rate_hz: spec.sample_rate_hz,
            lookahead,
            movers: settings.bands.iter().map(|band| Mover::new(band.clone(), spec)).collect(),
            delays: vec![Delay::new(lookahead); spec.channels],
            output: Ramp::new(db_to_gain(settings.output_db)),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }
}

impl Gridded for DynamicEqualiser {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.movers.iter_mut().for_each(Mover::flush);
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let frames = block.frames();
        // All bands hear the input before any of them changes it.
        for mover in self.movers.iter_mut().filter(|m| m.works()) {
            mover.tune(frames);
            match key {
                Some(key) if key.channels() > 0 => mover.listen(key),
                _ => mover.listen(&block.as_ref()),
            }
        }
        block.iter_mut().zip(&mut self.delays).for_each(|(samples, delay)| delay.pass(samples));
        for mover in self.movers.iter_mut().filter(|m| m.works()) {
            self.deepest_db = greater(mover.change(block), self.deepest_db);
        }
        let ramp = self.output;
        for samples in block.iter_mut() {
            self.output = ramp;
            self.output.scale(samples);
        }
    }
}

impl Processor for DynamicEqualiser {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.movers.iter().map(|m| m.tail(self.sample_rate_hz)).sum())
    }

    fn reset(&mut self) {
        self.movers.iter_mut().for_each(Mover::reset);
        self.delays.iter_mut().for_each(Delay::reset);
        self.output.finish();
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        match address {
            Address::Item { item, field, .. } => {
                if let Some(mover) = self.movers.get_mut(item) {
                    mover.set(field, value, self.sample_rate_hz);
                }
            }
            Address::Field(field) => {
                self.settings.set_field(field, value);
                self.output.go_to(db_to_gain(self.settings.output_db));
            }
        }
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        self.on_grid(block, key);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}

#[cfg(test)]
mod tests;
