//! Gate and expander: turns down what is quieter than a threshold.
//!
//! It opens when the level reaches the threshold and closes when the level has stayed below the threshold
//! less the hysteresis for the hold time; while closed it follows the expander's curve, the mirror image of a
//! compressor's (Giannoulis, Massberg & Reiss 2012, section 2.2), down to the range. The gain moves in
//! decibels. Upward it is the same curve the other way up: what is louder than the threshold is raised, by
//! `ratio - 1` decibels per decibel and no further than the range. Path of the detector: key or input, high-pass, low-pass, peak envelope of the loudest channel,
//! state and curve, minimum over the lookahead, attack and release. One gain for all channels.

use crate::blocks::dynamics::{
    KeyFilter, LOW_PASS_OFF_HZ, POWER_FLOOR, Pass, Smoother, Times, gains, knee_scale, one_pole,
    reduction_db, settle,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};

choices! {
    /// What it moves.
    pub enum Direction {
        /// Turns down what is below the threshold.
        Downward = "downward",
        /// Turns up what is above the threshold; hysteresis and hold have no part in it.
        Upward = "upward",
    }
}

settings! {
    /// Settings of the gate.
    pub struct Settings {
        /// Level at which it opens.
        threshold_db: f64 {
            label: "Threshold", unit: Unit::Decibel, min: -80.0, max: 0.0, default: -50.0,
        },
        /// It closes this far below the threshold: keeps a level at the threshold from rattling.
        hysteresis_db: f64 { label: "Hysteresis", unit: Unit::Decibel, max: 24.0, default: 6.0 },
        /// How far it turns down at most; 0 does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 100.0 },
        /// Decibels of output per decibel of input below the threshold: 1.5 to 4 expands, 100 gates.
        ratio: f64 { label: "Ratio", min: 1.0, max: 100.0, default: 100.0, taper: Taper::Logarithmic },
        /// Width of the bend around the threshold; then it opens at the bend's upper end.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0 },
        /// Time to 63 % of the opening.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.05, max: 100.0, default: 0.5,
            taper: Taper::Logarithmic,
        },
        /// How long the level must stay low before it closes.
        hold_ms: f64 { label: "Hold", unit: Unit::Millisecond, max: 1000.0, default: 50.0 },
        /// Time to 63 % of the closing.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 2000.0, default: 150.0,
            taper: Taper::Logarithmic,
        },
        /// How far the detector hears ahead; the audio waits as long. Ten times the attack opens in time.
        lookahead_ms: f64 { label: "Lookahead", unit: Unit::Millisecond, max: 20.0, fixed: true },
        /// The detector does not hear what is below; 0 is off.
        key_high_pass_hz: f64 { label: "Key high-pass", unit: Unit::Hertz, max: 8000.0 },
        /// The detector does not hear what is above; 24000 is off.
        key_low_pass_hz: f64 {
            label: "Key low-pass", unit: Unit::Hertz, min: 40.0, max: LOW_PASS_OFF_HZ,
            default: LOW_PASS_OFF_HZ, taper: Taper::Logarithmic,
        },
        /// What it moves.
        direction: Direction { label: "Direction", fixed: true },
    }
}

/// Gate and expander.
pub static KIND: Kind = Kind {
    id: "gate",
    label: "Gate / expander",
    family: Family::Dynamics,
    help: "Turns down what is between the notes: bleed in drum microphones, noise in pauses. With a low ratio \
           it expands gently; upward, it gives flat playing its accents back. Let the key filters hear only the drum that shall open it.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Gate::new(Settings::from_values(values), spec)),
    response: None,
};

/// Fall of the peak envelope: bridges the gaps between the peaks of a low note.
const ENVELOPE_MS: f64 = 5.0;

/// What follows from the settings at a sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficients {
    hold: Frames,
    times: Times,
}

fn design(settings: &Settings, sample_rate_hz: f64) -> Coefficients {
    Coefficients {
        hold: (settings.hold_ms / 1000.0 * sample_rate_hz).round() as Frames,
        // More reduction is the closing: its time is the release.
        times: Times::new(settings.release_ms, settings.attack_ms, sample_rate_hz),
    }
}

struct Gate {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    coefficients: Coefficients,
    /// Fall of the envelope, of power, per frame.
    fall: f64,
    threshold_db: Ramp,
    slope: Ramp,
    knee_db: Ramp,
    range_db: Ramp,
    high_pass: KeyFilter,
    low_pass: KeyFilter,
    envelope: f64,
    open: bool,
    /// Frames it stays open without a level above the lower threshold.
    held: Frames,
    /// Takes the negated reduction: the least reduction over the lookahead.
    ahead: SlidingMaximum,
    smooth: Smoother,
    delays: Vec<Delay>,
    grid: Grid,
    deepest_db: f64,
}

impl Gate {
    fn new(settings: Settings, spec: &Spec) -> Gate {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0);
        // A mono track may have a stereo key.
        let sources = spec.channels.max(2);
        Gate {
            sample_rate_hz: rate,
            lookahead,
            coefficients: design(&settings, rate),
            fall: one_pole(ENVELOPE_MS, rate).powi(2),
            threshold_db: Ramp::new(settings.threshold_db),
            slope: Ramp::new(settings.ratio - 1.0),
            knee_db: Ramp::new(settings.knee_db),
            range_db: Ramp::new(settings.range_db),
            high_pass: KeyFilter::new(Pass::High, settings.key_high_pass_hz, rate, sources),
            low_pass: KeyFilter::new(Pass::Low, settings.key_low_pass_hz, rate, sources),
            envelope: 0.0,
            open: false,
            held: 0,
            ahead: SlidingMaximum::new(lookahead + 1),
            smooth: Smoother::default(),
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }

    /// Decibels of the loudest channel's peak envelope, per frame.
    fn levels(&mut self, key: &BlockRef, levels_db: &mut [f64]) {
        let frames = key.frames();
        levels_db.fill(0.0);
        for source in 0..key.channels().min(self.delays.len().max(2)) {
            let mut heard = [0.0; CONTROL_FRAMES];
            let heard = &mut heard[..frames];
            heard.copy_from_slice(key.channel(source));
            self.high_pass.process(source, heard);
            self.low_pass.process(source, heard);
            for (power, sample) in levels_db.iter_mut().zip(heard) {
                *power = greater(*sample * *sample, *power);
            }
        }
        self.high_pass.advance(frames);
        self.low_pass.advance(frames);
        let (mut envelope, fall) = (self.envelope, self.fall);
        for power in levels_db.iter_mut() {
            envelope = greater(*power, fall * envelope);
            *power = envelope;
        }
        self.envelope = envelope;
        for level in levels_db {
            *level = math::power_to_db(greater(*level, POWER_FLOOR));
        }
    }

    /// Turns levels into the reduction that state and curve ask for.
    fn decide(&mut self, values: &mut [f64]) {
        let (mut open, mut held) = (self.open, self.held);
        for value in values {
            let (level_db, threshold_db) = (*value, self.threshold_db.next_value());
            let (slope, knee_db) = (self.slope.next_value(), self.knee_db.next_value());
            let range_db = self.range_db.next_value();
            let opens_at_db = threshold_db + 0.5 * knee_db;
            if level_db >= opens_at_db {
                open = true;
            }
            if level_db >= opens_at_db - self.settings.hysteresis_db {
                held = self.coefficients.hold;
            } else if held > 0 {
                held -= 1;
            } else {
                open = false;
            }
            // Below the threshold is above it with all signs turned.
            let asked = reduction_db(-level_db, -threshold_db, slope, knee_db, knee_scale(knee_db));
            *value = if open { 0.0 } else { asked.min(range_db) };
        }
        (self.open, self.held) = (open, held);
    }

    /// Turns levels into the rise that the curve asks for, as a negative reduction.
    fn raise(&mut self, values: &mut [f64]) {
        for value in values {
            let (level_db, threshold_db) = (*value, self.threshold_db.next_value());
            let (slope, knee_db) = (self.slope.next_value(), self.knee_db.next_value());
            let asked = reduction_db(level_db, threshold_db, slope, knee_db, knee_scale(knee_db));
            *value = -asked.min(self.range_db.next_value());
        }
    }
}

impl Gridded for Gate {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.high_pass.flush();
        self.low_pass.flush();
        self.envelope = settle(self.envelope);
        self.smooth.flush();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let mut values = [0.0; CONTROL_FRAMES];
        let values = &mut values[..block.frames()];
        match key {
            Some(key) if key.channels() > 0 => self.levels(key, values),
            _ => self.levels(&block.as_ref(), values),
        }
        let upward = self.settings.direction == Direction::Upward;
        if upward {
            self.raise(values)
        } else {
            self.decide(values)
        }
        if self.lookahead > 0 {
            values.iter_mut().for_each(|v| *v = -self.ahead.next_value(-*v));
        }
        self.smooth.branching(values, self.coefficients.times);
        if upward {
            values.iter_mut().for_each(|value| *value = math::db_to_gain(-*value));
        } else {
            self.deepest_db = gains(values, self.deepest_db);
        }
        for (samples, delay) in block.iter_mut().zip(&mut self.delays) {
            delay.pass(samples);
            samples.iter_mut().zip(&*values).for_each(|(sample, gain)| *sample *= gain);
        }
    }
}

impl Processor for Gate {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn reset(&mut self) {
        for ramp in [&mut self.threshold_db, &mut self.slope, &mut self.knee_db, &mut self.range_db] {
            ramp.finish();
        }
        self.high_pass.reset();
        self.low_pass.reset();
        self.envelope = 0.0;
        self.open = false;
        self.held = 0;
        self.ahead.reset();
        self.smooth = Smoother::default();
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.lookahead_ms = before.lookahead_ms;
        self.settings.direction = before.direction;
        self.coefficients = design(&self.settings, self.sample_rate_hz);
        for (ramp, target) in [
            (&mut self.threshold_db, self.settings.threshold_db),
            (&mut self.slope, self.settings.ratio - 1.0),
            (&mut self.knee_db, self.settings.knee_db),
            (&mut self.range_db, self.settings.range_db),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
        if before.key_high_pass_hz != self.settings.key_high_pass_hz {
            self.high_pass.set(self.settings.key_high_pass_hz);
        }
        if before.key_low_pass_hz != self.settings.key_low_pass_hz {
            self.low_pass.set(self.settings.key_low_pass_hz);
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
