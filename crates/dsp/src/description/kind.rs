//! A processor's static description.

use super::{Group, Param, Values};
use crate::Processor;
use audio::Spec;
use num_complex::Complex64;

/// The shelf of the rack a kind stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Gain, polarity, panning, width.
    Level,
    /// Equalisers and filters.
    Equaliser,
    /// Compressors, gates, de-essers, limiters.
    Dynamics,
    /// What takes faults out of a recording.
    Restoration,
    /// Saturation and character.
    Saturation,
    /// Chorus, phaser, tremolo and other movement.
    Modulation,
    /// Width, placing and phase of two channels.
    Stereo,
    /// Reverbs and delays.
    Space,
}

impl Family {
    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Family::Level => "level",
            Family::Equaliser => "equaliser",
            Family::Dynamics => "dynamics",
            Family::Restoration => "restoration",
            Family::Saturation => "saturation",
            Family::Modulation => "modulation",
            Family::Stereo => "stereo",
            Family::Space => "space",
        }
    }
}

/// The frequency response of a linear kind: settings, spec, frequency in hertz to complex gain.
///
/// The gain is that of the first channel for the same signal in every channel, the latency taken away.
pub type Response = fn(&Values, &Spec, f64) -> Complex64;

/// A processor's static description.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in the session file; never changes and is never used again for another.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Where it stands in the rack.
    pub family: Family,
    /// What it does to the sound, and when to use it.
    pub help: &'static str,
    /// Rises when the same settings begin to sound different.
    pub revision: u32,
    /// What can be set.
    pub params: &'static [Param],
    /// What can be set repeatedly.
    pub groups: &'static [Group],
    /// Listens to another signal when given one.
    pub key_input: bool,
    /// Is built from an impulse response that the session names; see [`crate::ImpulseResponse`].
    pub impulse_response: bool,
    /// Equal channels in give equal channels out, whatever the settings. False for kinds that place or
    /// spread: pan, width of a reverb, ping-pong.
    pub keeps_mono: bool,
    /// Builds it; every value within its range gives a working processor.
    pub build: fn(&Values, &Spec) -> Box<dyn Processor>,
    /// The response of a linear, time-invariant kind.
    pub response: Option<Response>,
}
