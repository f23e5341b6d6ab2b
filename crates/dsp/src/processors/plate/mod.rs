//! Plate: the reverb of a hung steel sheet.
//!
//! Dattorro's plate (*Effect design, part 1: reverberator and other filters*, JAES 45, 1997), lengths scaled from his
//! 29,761 Hz, with three things added. The dispersion of a plate stands before it: bending waves run the faster the
//! higher they are, which gives a plate its whiplash, and takes the place of the single echoes that the tank alone begins
//! with (its echo density after 100 ms is 0.46 as published, 0.99 here). Two more diffusers per input, and an input for
//! each channel. And every delay absorbs for itself, so that the decay time is the set one in every octave.
//!
//! Path: predelay -> low cut, high cut -> dispersion -> diffusers -> tank -> tone -> width -> mix.

mod drive;
mod tank;
#[cfg(test)]
mod tests;

use crate::blocks::approach::{Approach, LONGEST_PREDELAY_MS, Lasting};
use crate::blocks::cut::Cut;
use crate::blocks::decay::{Decay, Times, Tone};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec};
use drive::{Diffusers, Dispersion};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4};
use tank::Tank;

settings! {
    /// Settings of the plate.
    pub struct Settings {
        /// How large the plate is: 50 is Dattorro's, 0 half and 100 twice as large.
        size_percent: f64 { label: "Size", unit: Unit::Percent, min: 0.0, max: 100.0, default: 50.0, fixed: true },
        /// Time in which the middle of the spectrum falls by 60 dB.
        decay_s: f64 {
            label: "Decay", unit: Unit::Second, min: 0.1, max: 30.0, default: 1.8, taper: Taper::Logarithmic,
        },
        /// Decay time of the bass as a part of the decay time; a plate's bass rings on.
        low_decay_ratio: f64 {
            label: "Low decay", min: 0.2, max: 3.0, default: 1.2, taper: Taper::Logarithmic,
        },
        /// Decay time of the treble as a part of the decay time.
        high_decay_ratio: f64 {
            label: "High decay", min: 0.05, max: 1.5, default: 0.6, taper: Taper::Logarithmic,
        },
        /// Below it the bass's decay time holds.
        low_crossover_hz: f64 {
            label: "Low crossover", unit: Unit::Hertz, min: 80.0, max: 1000.0, default: 250.0,
            taper: Taper::Logarithmic,
        },
        /// Above it the treble's decay time holds.
        high_crossover_hz: f64 {
            label: "High crossover", unit: Unit::Hertz, min: 1000.0, max: 12_000.0, default: 5000.0,
            taper: Taper::Logarithmic,
        },
        /// Time before the plate answers: keeps the source in front of it.
        predelay_ms: f64 { label: "Predelay", unit: Unit::Millisecond, min: 0.0, max: LONGEST_PREDELAY_MS },
        /// Takes bass away from what drives the plate, 12 dB per octave.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 10.0, max: 1000.0, default: 10.0, taper: Taper::Logarithmic,
        },
        /// Takes treble away from what drives the plate, 12 dB per octave.
        high_cut_hz: f64 {
            label: "High cut", unit: Unit::Hertz, min: 1000.0, max: 22_000.0, default: 22_000.0,
            taper: Taper::Logarithmic,
        },
        /// How far the two pickups stand apart: 0 mono, 100 they have nothing in common.
        width_percent: f64 { label: "Width", unit: Unit::Percent, min: 0.0, max: 100.0, default: 100.0 },
        /// How far two delays of the tank sway: dissolves what rings.
        modulation_percent: f64 {
            label: "Modulation", unit: Unit::Percent, min: 0.0, max: 100.0, default: 50.0,
        },
        /// Dry against wet at constant power: 0 only dry, 100 only wet (on a return).
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// By how much the wet sound steps back while the dry one plays.
        ducking_db: f64 { label: "Ducking", unit: Unit::Decibel, min: 0.0, max: 24.0 },
    }
}

/// A steel plate.
pub static KIND: Kind = Kind {
    id: "plate",
    label: "Plate",
    family: Family::Space,
    help: "The reverb of a hung steel plate: dense and bright from the first instant, without the walls of a room. \
           The usual one for voices and snares. Use it on a return with the mix at 100 %.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Plate::new(Settings::from_values(values), spec, values.still)),
    response: None,
};

/// The decay that the settings ask for.
fn times(settings: &Settings) -> Times {
    Times {
        middle_s: settings.decay_s,
        low_ratio: settings.low_decay_ratio,
        high_ratio: settings.high_decay_ratio,
        low_crossover_hz: settings.low_crossover_hz,
        high_crossover_hz: settings.high_crossover_hz,
    }
}

/// Gains of dry, own pickup and other pickup.
fn balance(settings: &Settings) -> [f64; 3] {
    let (dry, wet) = dry_wet(settings.mix_percent);
    let side = (1.0 - settings.width_percent / 100.0) * FRAC_PI_4;
    [dry, wet * side.cos(), wet * side.sin()]
}

struct Plate {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    approach: Approach,
    dispersion: Dispersion,
    diffusers: Diffusers,
    tank: Tank,
    tone: Tone,
    levels: [Ramp; 2],
    balance: [Ramp; 3],
    wet: [[f64; CONTROL_FRAMES]; 2],
}

impl Plate {
    /// With room for every pre-delay, or, where nothing will be set, for the one that is.
    fn new(settings: Settings, spec: &Spec, still: bool) -> Plate {
        let rate = spec.sample_rate_hz;
        let (predelay_ms, ducking_db) = (settings.predelay_ms, settings.ducking_db);
        let lasting = still.then_some(Lasting { predelay_ms, ducking_db });
        let scale = 2f64.powf((settings.size_percent - 50.0) / 50.0);
        let mut plate = Plate {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            approach: Approach::new(settings.low_cut_hz, settings.high_cut_hz, rate, lasting),
            dispersion: Dispersion::new(rate),
            diffusers: Diffusers::new(rate),
            tank: Tank::new(scale, rate),
            tone: Tone::default(),
            levels: [Ramp::new(1.0); 2],
            balance: balance(&settings).map(Ramp::new),
            wet: [[0.0; CONTROL_FRAMES]; 2],
            settings,
        };
        plate.reset();
        plate
    }

    fn swing(&self) -> f64 {
        self.settings.modulation_percent / 100.0
    }

    /// Sends everything that moves to where the settings want it.
    fn retarget(&mut self) {
        let decay = Decay::new(&times(&self.settings), self.sample_rate_hz);
        self.tank.absorb(&decay);
        self.tone.go_to(self.tank.tone(&decay));
        let levels = self.tank.levels(&decay, self.settings.decay_s);
        self.levels.iter_mut().zip(levels).for_each(|(ramp, value)| ramp.go_to(value));
        self.approach.go_to(self.settings.low_cut_hz, self.settings.high_cut_hz);
        let targets = balance(&self.settings);
        self.balance.iter_mut().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.changed = false;
    }

    /// Prepares the next control period.
    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        self.approach.control(self.settings.predelay_ms, self.settings.ducking_db);
        self.tank.control(self.swing());
        self.dispersion.flush();
        self.tone.flush();
    }

    /// Turns the first `frames` of `wet` from what comes in to what the pickups hear.
    fn hear(&mut self, frames: Frames) {
        let [left, right] = self.wet.each_mut().map(|c| &mut c[..frames]);
        self.approach.process(left, right);
        self.dispersion.process(left, right);
        self.diffusers.process(left, right);
        // Sum and difference: a sound from any side drives both halves, and equally loud.
        for (left, right) in left.iter_mut().zip(right.iter_mut()) {
            (*left, *right) = (FRAC_1_SQRT_2 * (*left + *right), FRAC_1_SQRT_2 * (*left - *right));
        }
        self.tank.process(left, right);
        self.tone.process(left, right);
        self.levels[0].scale(left);
        self.levels[1].scale(right);
    }

    fn is_neutral(&self) -> bool {
        let [dry, own, other] = &self.balance;
        let still = |ramp: &Ramp, value: f64| !ramp.moves() && ramp.target() == value;
        still(dry, 1.0) && still(own, 0.0) && still(other, 0.0)
    }
}

impl Gridded for Plate {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (channels, frames) = (block.channels().min(2), block.frames());
        for c in 0..2 {
            // One channel is both sides.
            let samples = block.channel(c.min(channels - 1));
            self.wet[c][..frames].copy_from_slice(samples);
        }
        let [left, right] = &self.wet;
        let ducking = self.approach.duck([&left[..frames], &right[..frames]]);
        self.hear(frames);
        if !self.is_neutral() {
            let [dry, own, other] = self.balance.each_mut().map(|ramp| ramp.path(frames));
            for c in 0..channels {
                let (near, far) = (&self.wet[c], &self.wet[1 - c]);
                let samples = block.channel_mut(c);
                for (n, sample) in samples.iter_mut().enumerate().take(CONTROL_FRAMES) {
                    *sample = dry[n] * *sample + ducking[n] * (own[n] * near[n] + other[n] * far[n]);
                }
            }
        }
    }
}

impl Processor for Plate {
    fn tail(&self) -> Tail {
        let longest_s = Decay::new(&times(&self.settings), self.sample_rate_hz).longest_s();
        // 120 dB are twice the decay time, and a tenth more for what sways; a fifth of a second for the diffusers'
        // own decay and the dispersion; one passage of the tank without a loss at its taps; what ducking held back comes up
        // again.
        let seconds = (2.2 + self.settings.ducking_db / 60.0) * longest_s
            + Cut::decay_s(self.settings.low_cut_hz, 120.0)
            + 0.2;
        let frames = (seconds * self.sample_rate_hz).ceil() as Frames;
        Tail::Frames(frames + self.approach.frames(self.settings.predelay_ms) + 2 * self.tank.frames())
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.approach.reset(self.settings.predelay_ms);
        self.dispersion.reset();
        self.diffusers.reset();
        self.tank.reset(self.swing());
        self.tone.reset();
        self.levels.iter_mut().chain(&mut self.balance).for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        self.changed = true;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if block.channels() > 0 {
            self.on_grid(block, None);
        }
    }
}
