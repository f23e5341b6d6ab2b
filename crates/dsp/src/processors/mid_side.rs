//! Balance of middle and side.
//!
//! Middle `(L + R)/2` and side `(L - R)/2` (A. D. Blumlein, British patent 394 325, 1931), each with a gain of its
//! own. What a gain changes is added to the channels, so that a gain of 0 dB changes no bit.

use crate::blocks::ramp::Ramp;
use crate::{Address, Complex64, Family, Kind, Processor, Unit, Values, settings};
use audio::{Block, BlockRef, Spec, db_to_gain};

settings! {
    /// Settings of the balance.
    pub struct Settings {
        /// Gain of what is equal in both channels.
        mid_db: f64 { label: "Middle", unit: Unit::Decibel, min: -48.0, max: 24.0 },
        /// Gain of what differs between the channels.
        side_db: f64 { label: "Side", unit: Unit::Decibel, min: -48.0, max: 24.0 },
    }
}

/// Balance of middle and side.
pub static KIND: Kind = Kind {
    id: "mid_side",
    label: "Mid/side balance",
    family: Family::Stereo,
    help: "Sets the levels of middle and side by themselves: more middle brings voice, bass and kick forward, more \
           side the room and the wide parts. On signals that are not stereo it does nothing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(MidSide::new(&Settings::from_values(values), spec)),
    response: Some(response),
};

/// Gains of middle and side.
fn design(settings: &Settings) -> [f64; 2] {
    [db_to_gain(settings.mid_db), db_to_gain(settings.side_db)]
}

/// Equal channels are all middle.
fn response(values: &Values, spec: &Spec, _hz: f64) -> Complex64 {
    let [mid, _] = design(&Settings::from_values(values));
    Complex64::new(if spec.channels == 2 { mid } else { 1.0 }, 0.0)
}

struct MidSide {
    settings: Settings,
    gains: [Ramp; 2],
}

impl MidSide {
    fn new(settings: &Settings, _spec: &Spec) -> MidSide {
        MidSide { gains: design(settings).map(Ramp::new), settings: settings.clone() }
    }
}

impl Processor for MidSide {
    fn reset(&mut self) {
        self.gains.iter_mut().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        for (ramp, target) in self.gains.iter_mut().zip(design(&self.settings)) {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if block.channels() != 2 || self.gains.iter().all(|g| !g.moves() && g.target() == 1.0) {
            return;
        }
        let (left, right) = block.stereo_mut();
        let [mid, side] = &mut self.gains;
        for (left, right) in left.iter_mut().zip(right) {
            let more_mid = 0.5 * (*left + *right) * (mid.next_value() - 1.0);
            let more_side = 0.5 * (*left - *right) * (side.next_value() - 1.0);
            *left += more_mid + more_side;
            *right += more_mid - more_side;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    fn balanced(mid_db: f64, side_db: f64, frame: [f64; 2]) -> [f64; 2] {
        let mut audio = Buffer::from_channels(&[vec![frame[0]], vec![frame[1]]]);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 1 };
        MidSide::new(&Settings { mid_db, side_db }, &spec).process(&mut audio.as_block_mut(), None);
        [audio.channel(0)[0], audio.channel(1)[0]]
    }

    #[test]
    fn each_part_has_its_own_gain() {
        for (mid_db, side_db) in [(0.0, 0.0), (6.0, -3.0), (-48.0, 0.0), (2.0, 2.0), (24.0, -48.0)] {
            let [left, right] = balanced(mid_db, side_db, [0.7, -0.2]);
            let (mid, side) = (10f64.powf(mid_db / 20.0), 10f64.powf(side_db / 20.0));
            // The definition; rounding of a few sums.
            assert!((0.5 * (left + right) - 0.25 * mid).abs() < 1e-14, "{mid_db} {side_db}");
            assert!((0.5 * (left - right) - 0.45 * side).abs() < 1e-14, "{mid_db} {side_db}");
        }
    }
}
