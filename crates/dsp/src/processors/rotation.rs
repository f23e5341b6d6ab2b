//! Turns the stereo field.
//!
//! The pair of channels is rotated like a vector: `L' = L cos a - R sin a`, `R' = L sin a + R cos a`. The power of
//! both together stays, whatever the angle. A source panned by the sine/cosine law to the angle `p` (0 degrees left,
//! 45 the centre, 90 right) stands at `p + a` afterwards, every other one turned as far: the way to bring the middle
//! of a recording whose microphones or levels were askew back to the centre, where a balance would only make one
//! channel softer. It equals a rotation of middle against side (M. A. Gerzon, *Signal processing for simulating
//! realistic stereo images*, AES 93rd Convention, 1992).

use crate::blocks::ramp::Ramp;
use crate::{Address, Complex64, Family, Kind, Processor, Unit, Values, settings};
use audio::{Block, BlockRef, Spec};

settings! {
    /// Settings of the rotation.
    pub struct Settings {
        /// How far everything is turned, to the right where positive. 45 brings the left to the centre and the
        /// centre to the right; what was at the right comes out at the left, inverted.
        angle_degrees: f64 { label: "Angle", unit: Unit::Degree, min: -45.0, max: 45.0 },
    }
}

/// Rotation of the stereo field.
pub static KIND: Kind = Kind {
    id: "rotation",
    label: "Rotation",
    family: Family::Stereo,
    help: "Turns the whole stereo field to the left or right at constant power: re-centres a recording that leans \
           to one side. On signals that are not stereo it does nothing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Rotation::new(&Settings::from_values(values), spec)),
    response: Some(response),
};

/// Cosine and sine of the angle; exactly 1 and 0 at none.
fn design(settings: &Settings) -> [f64; 2] {
    let (sin, cos) = settings.angle_degrees.to_radians().sin_cos();
    [cos, sin]
}

fn response(values: &Values, spec: &Spec, _hz: f64) -> Complex64 {
    let [cos, sin] = design(&Settings::from_values(values));
    Complex64::new(if spec.channels == 2 { cos - sin } else { 1.0 }, 0.0)
}

/// The angle in degrees by which `audio` must be rotated so that the direction most of its power comes from stands
/// in the centre; `None` when it is silent, not stereo, or has no such direction (both directions at right angles
/// within 0.5 dB).
///
/// The direction is the principal axis of the channels' covariance: `tan 2p = 2 E[LR] / (E[LL] - E[RR])`.
pub fn angle_to_centre_degrees(audio: &BlockRef) -> Option<f64> {
    if audio.channels() != 2 {
        return None;
    }
    let (mut ll, mut rr, mut lr) = (0.0, 0.0, 0.0);
    for (left, right) in audio.channel(0).iter().zip(audio.channel(1)) {
        ll += left * left;
        rr += right * right;
        lr += left * right;
    }
    // The two principal powers are (sum +- spread)/2.
    let (sum, spread) = (ll + rr, f64::hypot(2.0 * lr, ll - rr));
    // 10^0.05: 0.5 dB.
    if sum <= 0.0 || (sum + spread) < 1.122 * (sum - spread) {
        return None;
    }
    let axis = 0.5 * f64::atan2(2.0 * lr, ll - rr).to_degrees();
    Some((45.0 - axis).clamp(-45.0, 45.0)).filter(|_| axis >= 0.0)
}

struct Rotation {
    settings: Settings,
    turn: [Ramp; 2],
}

impl Rotation {
    fn new(settings: &Settings, _spec: &Spec) -> Rotation {
        Rotation { turn: design(settings).map(Ramp::new), settings: settings.clone() }
    }
}

impl Processor for Rotation {
    fn reset(&mut self) {
        self.turn.iter_mut().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        for (ramp, target) in self.turn.iter_mut().zip(design(&self.settings)) {
            ramp.go_to(target);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let [cos, sin] = &mut self.turn;
        if block.channels() != 2 || (!sin.moves() && !cos.moves() && sin.target() == 0.0) {
            return;
        }
        let (left, right) = block.stereo_mut();
        for (left, right) in left.iter_mut().zip(right) {
            let (cos, sin) = (cos.next_value(), sin.next_value());
            (*left, *right) = (*left * cos - *right * sin, *left * sin + *right * cos);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use proptest::prelude::*;

    fn rotated(angle_degrees: f64, audio: &Buffer) -> Buffer {
        let mut audio = audio.clone();
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: audio.frames() };
        Rotation::new(&Settings { angle_degrees }, &spec).process(&mut audio.as_block_mut(), None);
        audio
    }

    fn panned(position_degrees: f64, frames: usize) -> Buffer {
        let (right, left) = position_degrees.to_radians().sin_cos();
        let source: Vec<f64> = (0..frames).map(|n| (n as f64 * 0.37).sin()).collect();
        let plane = |gain: f64| source.iter().map(|x| gain * x).collect();
        Buffer::from_channels(&[plane(left), plane(right)])
    }

    proptest! {
        #[test]
        fn sources_stand_further_by_the_angle_at_constant_power(from in 0.0f64..90.0, angle in -45.0f64..45.0) {
            let (seen, expected) = (rotated(angle, &panned(from, 50)), panned(from + angle, 50));
            for n in 0..50 {
                for c in 0..2 {
                    prop_assert!((seen.channel(c)[n] - expected.channel(c)[n]).abs() < 1e-14);
                }
            }
        }
    }

    #[test]
    fn a_leaning_recording_is_centred() {
        for position in [5.0, 30.0, 44.0, 60.0, 85.0] {
            // A source and, 14 dB below, something unrelated on both sides.
            let mut audio = panned(position, 9_000);
            for n in 0..9_000 {
                audio.channel_mut(0)[n] += 0.2 * (n as f64 * 0.91).sin();
                audio.channel_mut(1)[n] += 0.2 * (n as f64 * 1.13).sin();
            }
            let angle = angle_to_centre_degrees(&audio.as_block()).expect("a direction");
            // The unrelated sounds are equally strong on both sides and pull nowhere.
            assert!((angle - (45.0 - position)).abs() < 0.1, "{position}: {angle}");
            let after = angle_to_centre_degrees(&rotated(angle, &audio).as_block()).expect("a direction");
            assert!(after.abs() < 1e-6, "{position}: {after}");
        }
        let silence = Buffer::new(2, 100);
        assert_eq!(angle_to_centre_degrees(&silence.as_block()), None);
        assert_eq!(angle_to_centre_degrees(&Buffer::new(1, 100).as_block()), None);
    }
}
