//! VCA compressor: the tight, even hand of a bus compressor.
//!
//! After the voltage-controlled amplifiers of consoles: a detector near the mean power, a hard or a 6 dB knee, and a
//! gain cell that acts in decibels. It hears its input (feed-forward, the grip of later consoles) or its output
//! (feedback, the softer hand of earlier ones: [`crate::blocks::gain_cell`]). The level is the mean power over a
//! quarter of the attack. Attack is the time to 63 % of a rise above the knee, in either topology; the release that
//! of the way back from reduction to none. The automatic release has two stages: [`FAST_MS`] after a single peak, and
//! [`SLOW_MS`] once reduction has lasted for [`CHARGE_MS`].
//!
//! Harmonics of a sine of 1 kHz at -18 dBFS RMS with all of the colour, against the fundamental:
//!
//! | reduction | 2nd | 3rd |
//! |---|---|---|
//! | none | -60 dB | -66 dB |
//! | 12 dB and more | -54 dB | -60 dB |
//!
//! The output level counts: they fall by 6 and 12 dB with each 6 dB less.

use crate::blocks::dynamics::{Times, one_pole};
use crate::blocks::gain_cell::colour::Harmonics;
use crate::blocks::gain_cell::curve::{Knee, inside_loop};
use crate::blocks::gain_cell::element::{Follower, FollowerLaw, NO_SLOW_STAGE};
use crate::blocks::gain_cell::{Controls, GainCell, Model, NOMINAL, Structure};
use crate::{Address, Family, Kind, Taper, Unit, choices, settings};

choices! {
    /// What the detector hears.
    pub enum Topology {
        /// The input: exact and firm.
        FeedForward = "feed_forward",
        /// The output: gentler at the beginning of reduction.
        Feedback = "feedback",
    }
}

choices! {
    /// The bend of the curve around the threshold.
    pub enum Bend {
        /// A corner.
        Hard = "hard",
        /// 6 dB wide.
        Soft = "soft",
    }
}

choices! {
    /// How the gain comes back.
    pub enum Release {
        /// In the time set.
        Manual = "manual",
        /// Quick after a peak, slow after long reduction.
        Auto = "auto",
    }
}

settings! {
    /// Settings of the VCA compressor.
    pub struct Settings {
        /// Level above which it turns down.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -60.0, max: 20.0, default: 20.0 },
        /// Decibels of input per decibel of output above the threshold.
        ratio: f64 { label: "Ratio", min: 1.0, max: 20.0, default: 4.0, taper: Taper::Logarithmic },
        /// The bend of the curve around the threshold.
        knee: Bend { label: "Knee" },
        /// Time to 63 % of a rise in gain reduction.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.1, max: 30.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of the way back, when it is not automatic.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 50.0, max: 1200.0, default: 300.0,
            taper: Taper::Logarithmic,
        },
        /// How the gain comes back.
        release: Release { label: "Release mode", fixed: true },
        /// What the detector hears.
        topology: Topology { label: "Topology", fixed: true },
        /// The detector does not hear what is below; 0 is off.
        sidechain_high_pass_hz: f64 { label: "Sidechain high-pass", unit: Unit::Hertz, max: 1000.0 },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 { label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true },
        /// Harmonics of the gain cell; 0 is clean.
        colour_percent: f64 { label: "Colour", unit: Unit::Percent, max: 100.0 },
        /// Gain after the compression.
        makeup_db: f64 { label: "Make-up", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
}

/// VCA compressor.
pub static KIND: Kind = Kind {
    id: "vca_compressor",
    label: "VCA compressor",
    family: Family::Dynamics,
    help: "Holds a drum bus or a mix together. Ratio 2 or 4, 10 to 30 ms of attack for the punch, automatic \
           release, 2 to 4 dB of reduction.",
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
        Box::new(GainCell::new(Vca { settings }, Follower::default(), structure, spec))
    },
    response: None,
};

/// Automatic release after a peak.
pub const FAST_MS: f64 = 80.0;
/// Automatic release after long reduction.
pub const SLOW_MS: f64 = 1200.0;
/// How long reduction lasts before the slow release holds, to 63 %.
pub const CHARGE_MS: f64 = 250.0;

const HARMONICS: Harmonics =
    Harmonics { reference: NOMINAL, second_db: [-60.0, -54.0], third_db: [-66.0, -60.0], full_at_db: 12.0 };

/// Window of the mean power against the attack.
const WINDOW: f64 = 0.25;
/// Part of the attack that this window takes by itself at a rise of 10 dB: the logarithm of a rising mean reaches
/// 63 % of its way in half a window's time, and the rest follows that much later.
const TAKEN: f64 = 0.14;

struct Vca {
    settings: Settings,
}

fn design(settings: &Settings, raised_hz: f64) -> FollowerLaw<Knee> {
    let knee_db = if settings.knee == Bend::Soft { 6.0 } else { 0.0 };
    let feedback = settings.topology == Topology::Feedback;
    let curve = if feedback {
        Knee::feedback(settings.ratio, knee_db)
    } else {
        Knee::feed_forward(settings.ratio, knee_db)
    };
    let pole = one_pole((1.0 - TAKEN) * settings.attack_ms, raised_hz);
    let (release_ms, slow) = match settings.release {
        Release::Manual => (settings.release_ms, NO_SLOW_STAGE),
        Release::Auto => (FAST_MS, Times::new(CHARGE_MS, SLOW_MS, raised_hz)),
    };
    FollowerLaw {
        curve,
        feedback,
        times: Times {
            attack: if feedback { inside_loop(pole, curve.slope) } else { pole },
            release: one_pole(release_ms, raised_hz),
        },
        slow,
    }
}

impl Model for Vca {
    type Element = Follower<Knee>;

    fn set(&mut self, address: Address, value: f64) {
        if !KIND.param(address).fixed {
            self.settings.set(address, value);
        }
    }

    fn controls(&self, raised_hz: f64) -> Controls<FollowerLaw<Knee>> {
        let settings = &self.settings;
        Controls {
            law: design(settings, raised_hz),
            threshold_db: settings.threshold_db,
            mean: one_pole(WINDOW * settings.attack_ms, raised_hz),
            drive_db: 0.0,
            makeup_db: settings.makeup_db,
            mix_percent: settings.mix_percent,
            colour_percent: settings.colour_percent,
            high_pass_hz: settings.sidechain_high_pass_hz,
        }
    }
}
