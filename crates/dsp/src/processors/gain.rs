//! Gain, polarity and pan.
//!
//! Multiplies each channel by a constant. Pan on two channels is a balance after the sine/cosine constant
//! power law (see [`crate::blocks::pan`]); on one channel it does nothing. Path: polarity, gain, pan.

use crate::blocks::pan;
use crate::blocks::ramp::Ramp;
use crate::{Address, Complex64, Family, Kind, Processor, Unit, Values, settings};
use audio::{Block, BlockRef, Spec, db_to_gain};

settings! {
    /// Settings of the gain stage.
    pub struct Settings {
        /// Gain of all channels.
        gain_db: f64 { label: "Gain", unit: Unit::Decibel, min: -120.0, max: 60.0 },
        /// Turns the polarity of the left (or only) channel.
        invert_left: bool { label: "Invert left" },
        /// Turns the polarity of the right channel.
        invert_right: bool { label: "Invert right" },
        /// Balance of a stereo signal: -100 left, 100 right.
        pan: f64 { label: "Pan", min: -100.0, max: 100.0 },
    }
}

/// Gain, polarity and pan.
pub static KIND: Kind = Kind {
    id: "gain",
    label: "Gain",
    family: Family::Level,
    help: "Changes level, polarity and balance. Use it where a trim in the middle of a chain is needed.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Gain::new(Settings::from_values(values), spec)),
    response: Some(|values, spec, _| response(values, spec)),
};

/// Factor of channel `channel` among `channels`.
fn factor(settings: &Settings, channel: usize, channels: usize) -> f64 {
    let balance = pan::balance(settings.pan);
    let side = match (channels, channel) {
        (2, 0) => balance.0,
        (2, _) => balance.1,
        _ => 1.0,
    };
    let invert = if channel == 0 { settings.invert_left } else { settings.invert_right };
    db_to_gain(settings.gain_db) * side * if invert { -1.0 } else { 1.0 }
}

fn response(values: &Values, spec: &Spec) -> Complex64 {
    Complex64::new(factor(&Settings::from_values(values), 0, spec.channels), 0.0)
}

struct Gain {
    settings: Settings,
    factors: Vec<Ramp>,
}

impl Gain {
    fn new(settings: Settings, spec: &Spec) -> Gain {
        let factors = (0..spec.channels).map(|c| Ramp::new(factor(&settings, c, spec.channels))).collect();
        Gain { settings, factors }
    }
}

impl Processor for Gain {
    fn reset(&mut self) {
        self.factors.iter_mut().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        let channels = self.factors.len();
        for (channel, ramp) in self.factors.iter_mut().enumerate() {
            ramp.go_to(factor(&self.settings, channel, channels));
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        for (samples, ramp) in block.iter_mut().zip(&mut self.factors) {
            ramp.scale(samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_gets_its_factor() {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 8 };
        let settings = Settings { gain_db: -6.0, invert_right: true, pan: -50.0, ..Settings::default() };
        let mut gain = Gain::new(settings, &spec);
        let mut buffer = audio::Buffer::from_channels(&[vec![1.0; 8], vec![1.0; 8]]);
        gain.process(&mut buffer.as_block_mut(), None);
        let level = 10f64.powf(-6.0 / 20.0);
        // Half way left: the right side falls to sqrt(2) sin(22.5 degrees).
        let right = -level * 2f64.sqrt() * (22.5f64).to_radians().sin();
        assert!((buffer.channel(0)[3] - level).abs() < 1e-15);
        assert!((buffer.channel(1)[3] - right).abs() < 1e-15);
    }
}
