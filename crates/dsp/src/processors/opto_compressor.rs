//! Opto compressor: a lamp and a photoresistor, which remembers.
//!
//! The gain element is a photoresistor lit by the output's mean power, a closed loop that is solved without a delay
//! ([`crate::blocks::gain_cell`]). It darkens in [`ATTACK_MS`]. It comes back in two parts: after [`HALF_MS`] half of
//! the reduction is gone, however long it lasted; the rest goes in 0.5 s after a short reduction and in up to
//! 5 s after a long and deep one, because light that was stored in the resistor has to leave it.
//!
//! | mode | ratio | knee |
//! |---|---|---|
//! | compress | 3 | 16 dB |
//! | limit | 10 | 10 dB |
//!
//! Harmonics of a sine of 1 kHz at -18 dBFS RMS at the output of the element with all of the colour, which is the
//! tube amplifier's behind it:
//!
//! | reduction | 2nd | 3rd |
//! |---|---|---|
//! | none | -56 dB | -70 dB |
//! | 12 dB and more | -50 dB | -62 dB |
//!
//! The times are those published for such elements.

use crate::blocks::dynamics::{one_pole, one_pole_of_signal, settle};
use crate::blocks::gain_cell::colour::Harmonics;
use crate::blocks::gain_cell::curve::{Curve, Knee, inside_loop};
use crate::blocks::gain_cell::element::Element;
use crate::blocks::gain_cell::{Controls, GainCell, Model, NOMINAL, Structure};
use crate::blocks::math::{exp2, log2};
use crate::{Address, Family, Kind, Taper, Unit, choices, settings};
use std::f64::consts::LOG2_E;

choices! {
    /// How firmly it acts.
    pub enum Mode {
        /// Ratio 3 with a knee of 16 dB.
        Compress = "compress",
        /// Ratio 10 with a knee of 10 dB.
        Limit = "limit",
    }
}

settings! {
    /// Settings of the opto compressor.
    pub struct Settings {
        /// Level around which it bends: from 4 dB below to 12 dB above (limit: 0.9 dB to 9.1 dB).
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -60.0, max: 20.0, default: 20.0 },
        /// How firmly it acts.
        mode: Mode { label: "Mode" },
        /// Time to 63 % of the second half of the way back, after the longest reduction.
        slow_release_s: f64 {
            label: "Slow release", unit: Unit::Second, min: 0.5, max: 5.0, default: 5.0, taper: Taper::Logarithmic,
        },
        /// The detector does not hear what is below; 0 is off.
        sidechain_high_pass_hz: f64 { label: "Sidechain high-pass", unit: Unit::Hertz, max: 1000.0 },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 { label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true },
        /// Harmonics of the amplifier; 0 is clean.
        colour_percent: f64 { label: "Colour", unit: Unit::Percent, max: 100.0 },
        /// Gain after the compression.
        makeup_db: f64 { label: "Make-up", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
}

/// Opto compressor.
pub static KIND: Kind = Kind {
    id: "opto_compressor",
    label: "Opto compressor",
    family: Family::Dynamics,
    help: "Evens out a voice, a bass or a guitar without showing it: slow, soft, and slower the more it has done. \
           Lower the threshold until the loud words lose 3 to 6 dB.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| {
        let settings = Settings::from_values(values);
        let structure = Structure {
            factor: 2,
            link_percent: settings.link_percent,
            mid_side: false,
            harmonics: HARMONICS,
            transformer: None,
        };
        let opto = Opto { settings };
        let cell = Cell::new(&opto.controls(spec.sample_rate_hz * 2.0).law);
        Box::new(GainCell::new(opto, cell, structure, spec))
    },
    response: None,
};

/// Time to 63 % of a rise in reduction above the knee.
pub const ATTACK_MS: f64 = 10.0;
/// Half of the reduction is gone after this.
pub const HALF_MS: f64 = 60.0;
/// The rest goes in this after a short reduction.
pub const SHORT_REST_S: f64 = 0.5;
/// Averaging time of the detector's power.
const MEAN_MS: f64 = 4.0;
/// Part of the attack that this averaging takes by itself at a rise of 5 dB.
const TAKEN_MS: f64 = 3.3;
/// The store fills in this time.
const STORE_MS: f64 = 4_000.0;
/// Reduction that can fill the store entirely.
const FULL_DB: f64 = 6.0;

const HARMONICS: Harmonics =
    Harmonics { reference: NOMINAL, second_db: [-56.0, -50.0], third_db: [-70.0, -62.0], full_at_db: 12.0 };

/// What the photoresistor goes by.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    curve: Knee,
    attack: f64,
    store: f64,
    slow_release_s: f64,
    raised_hz: f64,
}

fn design(settings: &Settings, raised_hz: f64) -> Law {
    let (ratio, knee_db) = match settings.mode {
        Mode::Compress => (3.0, 16.0),
        Mode::Limit => (10.0, 10.0),
    };
    let curve = Knee::feedback(ratio, knee_db);
    Law {
        curve,
        attack: inside_loop(one_pole(ATTACK_MS - TAKEN_MS, raised_hz), curve.slope),
        store: one_pole(STORE_MS, raised_hz),
        slow_release_s: settings.slow_release_s,
        raised_hz,
    }
}

/// Release coefficients of the quick and the slow part for a store filled to a share of 0 to 1.
///
/// With both parts equal at the beginning, `exp(-t/quick) + exp(-t/slow) = 1` at the time to one half.
fn releases(law: &Law, store: f64) -> [f64; 2] {
    let slow_ms = 1000.0 * SHORT_REST_S * exp2(store * log2(law.slow_release_s / SHORT_REST_S));
    let slow_left = exp2(-LOG2_E * HALF_MS / slow_ms);
    let quick_ms = -HALF_MS * LOG2_E / log2(1.0 - slow_left);
    [quick_ms, slow_ms].map(|ms| one_pole_of_signal(ms, law.raised_hz))
}

/// The photoresistor: two parts that darken together and come back apart, and the store of light.
#[derive(Debug, Clone)]
struct Cell {
    parts: [f64; 2],
    store: f64,
    releases: [f64; 2],
    at_rest: [f64; 2],
}

impl Cell {
    fn new(law: &Law) -> Cell {
        let at_rest = releases(law, 0.0);
        Cell { parts: [0.0; 2], store: 0.0, releases: at_rest, at_rest }
    }
}

impl Element for Cell {
    type Law = Law;

    fn toward(from: &Law, to: &Law, share: f64) -> Law {
        Law { curve: from.curve.toward(&to.curve, share), ..*to }
    }

    fn reduce(&mut self, levels_db: &mut [f64], law: &Law) {
        let ([mut quick, mut slow], mut store) = (self.parts, self.store);
        let [release_quick, release_slow] = self.releases;
        for level in levels_db {
            let asked = law.curve.reduction_db(*level - 0.5 * (quick + slow));
            let keep_quick = if asked > quick { law.attack } else { release_quick };
            let keep_slow = if asked > slow { law.attack } else { release_slow };
            let offset = 0.5 * (keep_quick * quick + keep_slow * slow);
            let share = 1.0 - 0.5 * (keep_quick + keep_slow);
            let reduction = law.curve.solve(*level, offset, share);
            let light = if share > 0.0 { (reduction - offset) / share } else { 0.0 };
            quick = light + keep_quick * (quick - light);
            slow = light + keep_slow * (slow - light);
            let filling = if reduction < FULL_DB { reduction * (1.0 / FULL_DB) } else { 1.0 };
            store = filling + law.store * (store - filling);
            *level = reduction;
        }
        (self.parts, self.store) = ([quick, slow], store);
    }

    fn flush(&mut self, law: &Law) {
        self.parts = self.parts.map(settle);
        self.store = settle(self.store).clamp(0.0, 1.0);
        self.releases = releases(law, self.store);
    }

    fn reset(&mut self) {
        *self = Cell { parts: [0.0; 2], store: 0.0, releases: self.at_rest, at_rest: self.at_rest };
    }
}

struct Opto {
    settings: Settings,
}

impl Model for Opto {
    type Element = Cell;

    fn set(&mut self, address: Address, value: f64) {
        if !KIND.param(address).fixed {
            self.settings.set(address, value);
        }
    }

    fn controls(&self, raised_hz: f64) -> Controls<Law> {
        let settings = &self.settings;
        Controls {
            law: design(settings, raised_hz),
            threshold_db: settings.threshold_db,
            mean: one_pole(MEAN_MS, raised_hz),
            drive_db: 0.0,
            makeup_db: settings.makeup_db,
            mix_percent: settings.mix_percent,
            colour_percent: settings.colour_percent,
            high_pass_hz: settings.sidechain_high_pass_hz,
        }
    }
}
