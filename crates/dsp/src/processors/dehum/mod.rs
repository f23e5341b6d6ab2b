//! Takes the hum of the mains out: its lines are followed and subtracted, nothing is filtered.
//!
//! A notch rings and takes the notes beside the line along. Here every harmonic is a sinusoid that is measured
//! and subtracted. The signal is looked at below 2.5 kHz in windows of 1.4 s, four to a window:
//!
//! 1. *Is there hum?* The median over 4 s of the power in every bin keeps what is always there and drops notes
//!    that come and go. Hum has at least two lines, one of them among the first three, that stand 12 dB above
//!    what lies beside them.
//! 2. *Where?* The fundamental within 0.3 Hz of 50 or 60 Hz by the sum over harmonics; then from the phases:
//!    a line that is off by d turns by 2 pi d per second (least squares of amplitude and slope under the window),
//!    harmonic k tells k times as exactly. From window to window the phases of all lines tie the track.
//! 3. *How much?* Against the tracked phase of the fundamental the complex amplitude of a line of hum stands
//!    still. What the windows within 4 s agree on is the line, each weighed by how quiet it is beside the line and
//!    how near it lies to the others; a note on the same frequency comes and goes, or turns, and is not. A line
//!    counts when it is 6 dB above what lies beside it and most of what the windows know agrees.
//!
//! The sinusoids of neighbouring windows are faded into one another and subtracted. See S. Godsill & P. Rayner,
//! *Digital Audio Restoration* (1998), on sinusoidal noise; J. C. Brown & M. S. Puckette, JASA 1993, for frequency
//! from the phase of a transform. Where no hum is found every sample keeps its bits.

mod lines;
#[cfg(test)]
mod tests;
mod tracker;

use crate::{Address, Family, Kind, Processor, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use lines::MOST;
use tracker::Tracker;

choices! {
    /// The frequency of the mains.
    pub enum Mains {
        /// Nothing is removed.
        Off = "off",
        /// Whichever is found.
        Auto = "auto",
        /// 50 Hz.
        Hz50 = "50",
        /// 60 Hz.
        Hz60 = "60",
    }
}

settings! {
    /// Settings of the hum removal.
    pub struct Settings {
        /// The frequency of the mains.
        mains: Mains { label: "Mains", fixed: true },
        /// The highest multiple of the mains that is removed.
        harmonics: f64 { label: "Harmonics", min: 1.0, max: MOST as f64, default: 30.0 },
    }
}

/// Hum removal.
pub static KIND: Kind = Kind {
    id: "dehum",
    label: "Hum removal",
    family: Family::Restoration,
    help: "Follows the hum of the mains and its harmonics and subtracts them; notes on the same pitch stay. Use \
           it on recordings of at least a few seconds that hum all the time.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Dehum::new(Settings::from_values(values), spec)),
    response: None,
};

struct Dehum {
    settings: Settings,
    /// One per channel; none when it is off.
    trackers: Vec<Tracker>,
}

impl Dehum {
    fn new(settings: Settings, spec: &Spec) -> Dehum {
        let mains: &[f64] = match settings.mains {
            Mains::Off => &[],
            Mains::Auto => &[50.0, 60.0],
            Mains::Hz50 => &[50.0],
            Mains::Hz60 => &[60.0],
        };
        let channels = if mains.is_empty() { 0 } else { spec.channels };
        let mut trackers: Vec<Tracker> =
            (0..channels).map(|_| Tracker::new(mains, spec.sample_rate_hz)).collect();
        trackers.iter_mut().for_each(|tracker| tracker.harmonics = settings.harmonics as usize);
        Dehum { settings, trackers }
    }
}

impl Processor for Dehum {
    fn latency(&self) -> Frames {
        self.trackers.first().map_or(0, Tracker::latency)
    }

    fn reset(&mut self) {
        self.trackers.iter_mut().for_each(Tracker::reset);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        let harmonics = self.settings.harmonics as usize;
        self.trackers.iter_mut().for_each(|tracker| tracker.harmonics = harmonics);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        for (samples, tracker) in block.iter_mut().zip(&mut self.trackers) {
            tracker.process(samples);
        }
    }
}
