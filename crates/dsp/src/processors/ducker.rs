//! Ducker: makes room for another strip: music under a voice, a bass under a kick.
//!
//! While the key's level is over the threshold the gain goes down by the range and no further; below, for as long as
//! the hold, it stays, and then comes back. Path of the detector: key, high-pass, low-pass, peak envelope of the loudest
//! channel, the demand (an S-shaped knee from nothing to the whole range), hold, sliding maximum over the lookahead,
//! attack and release in decibels, averaging over the lookahead. One gain for all channels.
//!
//! In the band mode only what stands in the key's way is turned down, by a pair of shelves of minimum phase
//! ([`crate::blocks::three_bands`]); where nothing is turned down the input passes untouched.

use crate::blocks::dynamics::{
    KeyFilter, LOW_PASS_OFF_HZ, POWER_FLOOR, Pass, Smoother, Times, gains, one_pole, settle,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::blocks::three_bands::{Edges, ThreeBands};
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};

choices! {
    /// What is turned down.
    pub enum Mode {
        /// Everything.
        Wide = "wide",
        /// What lies between the two edges.
        Band = "band",
    }
}

settings! {
    /// Settings of the ducker.
    pub struct Settings {
        /// Level of the key from which it ducks.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -80.0, max: 0.0, default: -40.0 },
        /// How far it turns down; 0 does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 60.0 },
        /// Over how many decibels around the threshold it goes from nothing to the whole range.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0, default: 6.0 },
        /// Time to 63 % of the way down.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.1, max: 500.0, default: 20.0,
            taper: Taper::Logarithmic,
        },
        /// How long it stays down after the key.
        hold_ms: f64 { label: "Hold", unit: Unit::Millisecond, max: 2000.0, default: 150.0 },
        /// Time to 63 % of the way back.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 5.0, max: 5000.0, default: 400.0,
            taper: Taper::Logarithmic,
        },
        /// How far the detector hears ahead; the audio waits as long.
        lookahead_ms: f64 { label: "Lookahead", unit: Unit::Millisecond, max: 100.0, fixed: true },
        /// The detector does not hear what is below; 0 is off.
        key_high_pass_hz: f64 { label: "Key high-pass", unit: Unit::Hertz, max: 8000.0 },
        /// The detector does not hear what is above; 24000 is off.
        key_low_pass_hz: f64 {
            label: "Key low-pass", unit: Unit::Hertz, min: 40.0, max: LOW_PASS_OFF_HZ,
            default: LOW_PASS_OFF_HZ, taper: Taper::Logarithmic,
        },
        /// What is turned down.
        mode: Mode { label: "Mode", fixed: true },
        /// Lower edge of the band.
        low_hz: f64 {
            label: "Band from", unit: Unit::Hertz, min: 20.0, max: 2000.0, default: 150.0,
            taper: Taper::Logarithmic,
        },
        /// Upper edge of the band.
        high_hz: f64 {
            label: "Band to", unit: Unit::Hertz, min: 500.0, max: 16_000.0, default: 4000.0,
            taper: Taper::Logarithmic,
        },
    }
}

/// Ducker.
pub static KIND: Kind = Kind {
    id: "ducker",
    label: "Ducker",
    family: Family::Dynamics,
    help: "Steps back while another track sounds: give it that track as its key. 2 to 4 dB let a voice stand in \
           front of guitars; in the band mode only the voice's range goes, and bass and air stay. Fast times and a \
           key high-pass at 0 let a kick through a bass.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Ducker::new(Settings::from_values(values), spec)),
    response: None,
};

/// Fall of the peak envelope: bridges the gaps between the peaks of a low note.
const ENVELOPE_MS: f64 = 10.0;
/// Bounds the sums of the averaging filter.
const LARGEST_DB: f64 = 64.0;
/// A reduction under this is none: its step cannot be heard, and the input passes untouched again.
const LEAST_DB: f64 = 1e-6;

struct Ducker {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    hold: Frames,
    times: Times,
    /// Fall of the envelope, of power, per frame.
    fall: f64,
    threshold_db: Ramp,
    range_db: Ramp,
    knee_db: Ramp,
    edges: Edges,
    high_pass: KeyFilter,
    low_pass: KeyFilter,
    envelope: f64,
    /// The share of the range that is held, 0 to 1, and for how many frames more.
    held: (f64, Frames),
    ahead: SlidingMaximum,
    smooth: Smoother,
    average: BoxCascade,
    bands: Vec<ThreeBands>,
    delays: Vec<Delay>,
    grid: Grid,
    deepest_db: f64,
}

impl Ducker {
    fn new(settings: Settings, spec: &Spec) -> Ducker {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0);
        // A mono track may have a stereo key.
        let sources = spec.channels.max(2);
        Ducker {
            sample_rate_hz: rate,
            lookahead,
            hold: frames_of(settings.hold_ms, rate),
            times: Times::new(settings.attack_ms, settings.release_ms, rate),
            fall: one_pole(ENVELOPE_MS, rate).powi(2),
            threshold_db: Ramp::new(settings.threshold_db),
            range_db: Ramp::new(settings.range_db),
            knee_db: Ramp::new(settings.knee_db),
            edges: Edges::new(settings.low_hz, settings.high_hz, rate),
            high_pass: KeyFilter::new(Pass::High, settings.key_high_pass_hz, rate, sources),
            low_pass: KeyFilter::new(Pass::Low, settings.key_low_pass_hz, rate, sources),
            envelope: 0.0,
            held: (0.0, 0),
            ahead: SlidingMaximum::new(lookahead + 1),
            smooth: Smoother::default(),
            average: BoxCascade::new(lookahead + 1, LARGEST_DB),
            bands: vec![ThreeBands::default(); spec.channels],
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }

    /// Power of the loudest channel's peak envelope, per frame.
    fn envelopes(&mut self, key: &BlockRef, powers: &mut [f64]) {
        let frames = key.frames();
        powers.fill(0.0);
        for source in 0..key.channels().min(self.delays.len().max(2)) {
            let mut heard = [0.0; CONTROL_FRAMES];
            let heard = &mut heard[..frames];
            heard.copy_from_slice(key.channel(source));
            self.high_pass.process(source, heard);
            self.low_pass.process(source, heard);
            for (power, sample) in powers.iter_mut().zip(heard) {
                *power = greater(*sample * *sample, *power);
            }
        }
        self.high_pass.advance(frames);
        self.low_pass.advance(frames);
        let (mut envelope, fall) = (self.envelope, self.fall);
        for power in powers {
            envelope = greater(*power, fall * envelope);
            *power = envelope;
        }
        self.envelope = envelope;
    }

    /// Turns the envelope into the reduction asked for, hold included.
    fn decide(&mut self, values: &mut [f64]) {
        let (mut held, mut left) = self.held;
        for value in values {
            let over_db = math::power_to_db(greater(*value, POWER_FLOOR)) - self.threshold_db.next_value();
            let asked = demand(over_db, self.knee_db.next_value());
            if asked >= held {
                (held, left) = (asked, self.hold);
            } else if left > 0 {
                left -= 1;
            } else {
                held = asked;
            }
            *value = held * self.range_db.next_value();
        }
        self.held = (held, left);
    }

    /// Turns down what lies between the edges.
    fn cut(&mut self, block: &mut Block, gains: &[f64]) {
        let one = [1.0; CONTROL_FRAMES];
        let mut edges = self.edges;
        for (samples, bands) in block.iter_mut().zip(&mut self.bands) {
            edges = self.edges;
            bands.process(samples, [&one, gains, &one], &mut edges);
        }
        self.edges = edges;
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        self.high_pass.flush();
        self.low_pass.flush();
        self.envelope = settle(self.envelope);
        self.smooth.clear_below(LEAST_DB);
        self.bands.iter_mut().for_each(ThreeBands::flush);
    }
}

/// Share of the range that is asked for at a level over the threshold: 0, an S-shaped rise over the knee, 1.
fn demand(over_db: f64, knee_db: f64) -> f64 {
    let place = (over_db + 0.5 * knee_db) / greater(knee_db, 1e-9);
    let place = place.clamp(0.0, 1.0);
    place * place * (3.0 - 2.0 * place)
}

fn frames_of(ms: f64, sample_rate_hz: f64) -> Frames {
    (ms / 1000.0 * sample_rate_hz).round() as Frames
}

impl Gridded for Ducker {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.flush();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let mut values = [0.0; CONTROL_FRAMES];
        let values = &mut values[..block.frames()];
        match key {
            Some(key) if key.channels() > 0 => self.envelopes(key, values),
            _ => self.envelopes(&block.as_ref(), values),
        }
        self.decide(values);
        if self.lookahead > 0 {
            self.ahead.process(values);
        }
        self.smooth.branching(values, self.times);
        if self.lookahead > 0 {
            self.average.process(values);
        }
        self.deepest_db = gains(values, self.deepest_db);
        for (samples, delay) in block.iter_mut().zip(&mut self.delays) {
            delay.pass(samples);
        }
        match self.settings.mode {
            Mode::Wide => {
                for samples in block.iter_mut() {
                    samples.iter_mut().zip(&*values).for_each(|(sample, gain)| *sample *= gain);
                }
            }
            Mode::Band => self.cut(block, values),
        }
    }
}

impl Processor for Ducker {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn tail(&self) -> Tail {
        if self.settings.mode == Mode::Wide {
            return Tail::Frames(0);
        }
        Tail::Frames((Edges::tail_s(self.settings.low_hz) * self.sample_rate_hz).ceil() as Frames)
    }

    fn reset(&mut self) {
        [&mut self.threshold_db, &mut self.range_db, &mut self.knee_db].into_iter().for_each(Ramp::finish);
        self.edges.finish();
        self.high_pass.reset();
        self.low_pass.reset();
        self.envelope = 0.0;
        self.held = (0.0, 0);
        self.ahead.reset();
        self.smooth = Smoother::default();
        self.average.reset();
        self.bands.fill(ThreeBands::default());
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        let before = self.settings.clone();
        self.settings.set(address, value);
        let (settings, rate) = (&self.settings, self.sample_rate_hz);
        self.hold = frames_of(settings.hold_ms, rate);
        self.held.1 = self.held.1.min(self.hold);
        self.times = Times::new(settings.attack_ms, settings.release_ms, rate);
        self.edges.go_to(settings.low_hz, settings.high_hz);
        for (ramp, target) in [
            (&mut self.threshold_db, settings.threshold_db),
            (&mut self.range_db, settings.range_db),
            (&mut self.knee_db, settings.knee_db),
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
