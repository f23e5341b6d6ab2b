//! Vari-mu compressor: the broad, slow hand of a tube whose gain is its bias.
//!
//! A remote cut-off tube turns down along an exponential of its control voltage: the ratio that the input meets grows
//! in a straight line from 1.5 at the threshold to 6 at 20 dB above it, without any corner
//! ([`crate::blocks::gain_cell::curve::Remote`]). The detector hears the output's peaks; the loop is solved without a
//! delay. Because the curve is steeper the further it is driven, the loop is faster the more it turns down: the attack
//! is as stated where the ratio is 3, about 7 dB above the threshold. The dual release has a second stage that fills
//! up in [`CHARGE_S`] and comes back [`SLOWER`] times slower.
//!
//! Sum and difference of two channels can be compressed in place of left and right (lateral and vertical, as for
//! cutting records). The colour is the tube's second harmonic, which grows with reduction, and a transformer's low
//! shelf of [`SHELF_DB`] at [`SHELF_HZ`].
//!
//! Harmonics of a sine of 1 kHz at -18 dBFS RMS at the tube's output with all of the colour, against the fundamental:
//!
//! | reduction | 2nd | 3rd |
//! |---|---|---|
//! | none | -46 dB | -66 dB |
//! | 12 dB and more | -36 dB | -58 dB |

use crate::blocks::dynamics::{Times, one_pole};
use crate::blocks::gain_cell::colour::Harmonics;
use crate::blocks::gain_cell::curve::{Remote, inside_loop};
use crate::blocks::gain_cell::element::{Follower, FollowerLaw, NO_SLOW_STAGE};
use crate::blocks::gain_cell::{Controls, GainCell, Model, NOMINAL, Structure};
use crate::{Address, Family, Kind, Taper, Unit, choices, settings};

choices! {
    /// What the two lanes of a stereo signal are.
    pub enum Lanes {
        /// Left and right.
        LeftRight = "left_right",
        /// Sum and difference.
        MidSide = "mid_side",
    }
}

choices! {
    /// How the gain comes back.
    pub enum Release {
        /// In the time set.
        Single = "single",
        /// In the time set after a peak, slower after long reduction.
        Dual = "dual",
    }
}

settings! {
    /// Settings of the vari-mu compressor.
    pub struct Settings {
        /// Level at which the ratio is 1.5; 20 dB above it is 6.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -60.0, max: 20.0, default: 20.0 },
        /// Time to 63 % of a rise in gain reduction where the ratio is 3.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 1.0, max: 25.0, default: 5.0, taper: Taper::Logarithmic,
        },
        /// Time to 63 % of the way back.
        release_s: f64 {
            label: "Release", unit: Unit::Second, min: 0.2, max: 5.0, default: 0.5, taper: Taper::Logarithmic,
        },
        /// How the gain comes back.
        release: Release { label: "Release mode", fixed: true },
        /// What the two lanes of a stereo signal are.
        lanes: Lanes { label: "Lanes", fixed: true },
        /// The detector does not hear what is below; 0 is off.
        sidechain_high_pass_hz: f64 { label: "Sidechain high-pass", unit: Unit::Hertz, max: 1000.0 },
        /// 100 moves both lanes alike, 0 each by itself.
        link_percent: f64 { label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true },
        /// Harmonics of the tube and shelf of the transformer; 0 is clean.
        colour_percent: f64 { label: "Colour", unit: Unit::Percent, max: 100.0 },
        /// Gain after the compression.
        makeup_db: f64 { label: "Make-up", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
}

/// Vari-mu compressor.
pub static KIND: Kind = Kind {
    id: "vari_mu_compressor",
    label: "Vari-mu compressor",
    family: Family::Dynamics,
    help: "Glues a mix or a group of voices softly: the ratio grows with the level. Lower the threshold until 1 to \
           3 dB go away, dual release, some colour. On sum and difference it holds the centre and lets the sides live.",
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
            mid_side: settings.lanes == Lanes::MidSide,
            harmonics: HARMONICS,
            transformer: Some((SHELF_HZ, SHELF_DB)),
        };
        Box::new(GainCell::new(VariMu { settings }, Follower::default(), structure, spec))
    },
    response: None,
};

/// How long reduction lasts before the second stage holds, to 63 %.
pub const CHARGE_S: f64 = 0.4;
/// How much slower the second stage comes back.
pub const SLOWER: f64 = 4.0;
/// Corner of the transformer's shelf.
pub const SHELF_HZ: f64 = 60.0;
/// Its gain with all of the colour.
pub const SHELF_DB: f64 = 0.8;
/// Slope of the curve, heard from the output, where the ratio is 3.
const SLOPE_OF_ATTACK: f64 = 2.0;

const HARMONICS: Harmonics =
    Harmonics { reference: NOMINAL, second_db: [-46.0, -36.0], third_db: [-66.0, -58.0], full_at_db: 12.0 };

fn design(settings: &Settings, raised_hz: f64) -> FollowerLaw<Remote> {
    let release_ms = 1000.0 * settings.release_s;
    FollowerLaw {
        curve: Remote,
        feedback: true,
        times: Times {
            attack: inside_loop(one_pole(settings.attack_ms, raised_hz), SLOPE_OF_ATTACK),
            release: one_pole(release_ms, raised_hz),
        },
        slow: match settings.release {
            Release::Single => NO_SLOW_STAGE,
            Release::Dual => Times::new(1000.0 * CHARGE_S, SLOWER * release_ms, raised_hz),
        },
    }
}

struct VariMu {
    settings: Settings,
}

impl Model for VariMu {
    type Element = Follower<Remote>;

    fn set(&mut self, address: Address, value: f64) {
        if !KIND.param(address).fixed {
            self.settings.set(address, value);
        }
    }

    fn controls(&self, raised_hz: f64) -> Controls<FollowerLaw<Remote>> {
        let settings = &self.settings;
        Controls {
            law: design(settings, raised_hz),
            threshold_db: settings.threshold_db,
            mean: 0.0,
            drive_db: 0.0,
            makeup_db: settings.makeup_db,
            mix_percent: settings.mix_percent,
            colour_percent: settings.colour_percent,
            high_pass_hz: settings.sidechain_high_pass_hz,
        }
    }
}
