//! FET compressor: very fast, forward, and coloured by what it does.
//!
//! After the limiting amplifiers with a field-effect transistor as a voltage-controlled resistor: the level is set by
//! driving into a fixed threshold; a peak detector hears the output, so the loop is closed and solved without a delay
//! ([`crate::blocks::gain_cell`]); attack and release branch (Giannoulis, Massberg & Reiss 2012, equation 16). Attack
//! is the time to 63 % of a rise above the knee, release of the way back to none. It works at four times the sample
//! rate, for a gain that moves in 20 microseconds makes sidebands that would fold back.
//!
//! | ratio | threshold at 0 dB of drive | knee | attack |
//! |---|---|---|---|
//! | off | colour alone | | |
//! | 4 | -20 dBFS | 6 dB | as set |
//! | 8 | -18.5 dBFS | 4 dB | as set |
//! | 12 | -17.5 dBFS | 3 dB | as set |
//! | 20 | -16 dBFS | 2 dB | as set |
//! | all | -18 dBFS, ratio 16 | 12 dB | three times: a transient's beginning passes; twice the colour |
//!
//! Harmonics of a sine with a peak of -20 dBFS at the gain element's output, with all of the colour, against the
//! fundamental; the transistor bends the more the more it conducts:
//!
//! | reduction | 2nd | 3rd | together |
//! |---|---|---|---|
//! | none | -52.5 dB | -54 dB | -50.2 dB |
//! | 10 dB | -42.0 dB | -43.5 dB | -39.7 dB |
//! | 20 dB and more | -37.5 dB | -39 dB | -35.2 dB |
//!
//! The figures follow published specifications of the hardware.

use crate::blocks::dynamics::{Times, one_pole};
use crate::blocks::gain_cell::colour::Harmonics;
use crate::blocks::gain_cell::curve::{Knee, inside_loop};
use crate::blocks::gain_cell::element::{Follower, FollowerLaw, NO_SLOW_STAGE};
use crate::blocks::gain_cell::{Controls, GainCell, Model, Structure};
use crate::{Address, Family, Kind, Taper, Unit, choices, settings};

choices! {
    /// The buttons of the ratio.
    pub enum Ratio {
        /// None pressed: no compression, colour alone.
        Off = "off",
        /// 4 to 1.
        Four = "4_to_1",
        /// 8 to 1.
        Eight = "8_to_1",
        /// 12 to 1.
        Twelve = "12_to_1",
        /// 20 to 1.
        Twenty = "20_to_1",
        /// All pressed: a wide knee, a late attack, more colour.
        All = "all",
    }
}

settings! {
    /// Settings of the FET compressor.
    pub struct Settings {
        /// Gain into the fixed threshold.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -20.0, max: 48.0 },
        /// Gain after the compression.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -48.0, max: 20.0 },
        /// The buttons of the ratio.
        ratio: Ratio { label: "Ratio" },
        /// Time to 63 % of a rise in gain reduction.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.02, max: 0.8, default: 0.2, taper: Taper::Logarithmic,
        },
        /// Time to 63 % of the way back.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 50.0, max: 1100.0, default: 250.0,
            taper: Taper::Logarithmic,
        },
        /// The detector does not hear what is below; 0 is off.
        sidechain_high_pass_hz: f64 { label: "Sidechain high-pass", unit: Unit::Hertz, max: 1000.0 },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 { label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true },
        /// Harmonics of the transistor; 0 is clean.
        colour_percent: f64 { label: "Colour", unit: Unit::Percent, max: 100.0 },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
}

/// FET compressor.
pub static KIND: Kind = Kind {
    id: "fet_compressor",
    label: "FET compressor",
    family: Family::Dynamics,
    help: "Brings a voice, a bass or a room microphone forward. Drive into it until it turns down, lower the \
           output as much. Ratio 4 for voices, all buttons for rooms, blended in with the mix.",
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
            factor: 4,
            link_percent: settings.link_percent,
            mid_side: false,
            harmonics: HARMONICS,
            transformer: None,
        };
        Box::new(GainCell::new(Fet { settings }, Follower::default(), structure, spec))
    },
    response: None,
};

/// The colour's reference is the threshold of the lowest ratio.
const HARMONICS: Harmonics =
    Harmonics { reference: 0.1, second_db: [-52.5, -37.5], third_db: [-54.0, -39.0], full_at_db: 20.0 };

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Button {
    ratio: f64,
    knee_db: f64,
    threshold_db: f64,
    attack: f64,
    colour: f64,
}

fn button(ratio: Ratio) -> Button {
    let plain = |ratio: f64, knee_db: f64, threshold_db: f64| Button {
        ratio,
        knee_db,
        threshold_db,
        attack: 1.0,
        colour: 1.0,
    };
    match ratio {
        Ratio::Off => plain(1.0, 6.0, -20.0),
        Ratio::Four => plain(4.0, 6.0, -20.0),
        Ratio::Eight => plain(8.0, 4.0, -18.5),
        Ratio::Twelve => plain(12.0, 3.0, -17.5),
        Ratio::Twenty => plain(20.0, 2.0, -16.0),
        Ratio::All => Button { attack: 3.0, colour: 2.0, ..plain(16.0, 12.0, -18.0) },
    }
}

fn design(settings: &Settings, raised_hz: f64) -> FollowerLaw<Knee> {
    let button = button(settings.ratio);
    let curve = Knee::feedback(button.ratio, button.knee_db);
    let pole = one_pole(button.attack * settings.attack_ms, raised_hz);
    FollowerLaw {
        curve,
        feedback: true,
        times: Times {
            attack: inside_loop(pole, curve.slope),
            release: one_pole(settings.release_ms, raised_hz),
        },
        slow: NO_SLOW_STAGE,
    }
}

struct Fet {
    settings: Settings,
}

impl Model for Fet {
    type Element = Follower<Knee>;

    fn set(&mut self, address: Address, value: f64) {
        if !KIND.param(address).fixed {
            self.settings.set(address, value);
        }
    }

    fn controls(&self, raised_hz: f64) -> Controls<FollowerLaw<Knee>> {
        let settings = &self.settings;
        let button = button(settings.ratio);
        Controls {
            law: design(settings, raised_hz),
            threshold_db: button.threshold_db,
            mean: 0.0,
            drive_db: settings.drive_db,
            makeup_db: settings.output_db,
            mix_percent: settings.mix_percent,
            colour_percent: settings.colour_percent * button.colour,
            high_pass_hz: settings.sidechain_high_pass_hz,
        }
    }
}
