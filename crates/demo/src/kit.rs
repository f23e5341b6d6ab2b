//! The kit before its microphones: every microphone hears every drum, at its distance.

use crate::drums::{DRUMS, Drum, Stroke, TAKES, stroke};
use crate::filter::OnePole;
use crate::groove::Hit;
use crate::random::Random;

/// Speed of sound at 20 degrees Celsius.
const SOUND_M_PER_S: f64 = 343.0;
/// Where a close microphone stands: gains are relative to this distance.
const CLOSE_M: f64 = 0.06;

/// A microphone at the kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mic {
    KickIn,
    KickOut,
    SnareTop,
    SnareBottom,
    HiHat,
    FloorTom,
    OverheadLeft,
    OverheadRight,
}

/// A place in the room in metres: drummer's right, forward, up.
type Place = [f64; 3];

impl Mic {
    fn place(self) -> Place {
        match self {
            Mic::KickIn => [0.0, 0.06, 0.30],
            Mic::KickOut => [0.0, 0.41, 0.30],
            Mic::SnareTop => [-0.25, -0.40, 0.70],
            Mic::SnareBottom => [-0.25, -0.41, 0.54],
            Mic::HiHat => [-0.66, -0.42, 1.06],
            Mic::FloorTom => [0.50, -0.46, 0.66],
            // Both overheads stand 1.02 m from the snare, as engineers measure them with a cable.
            Mic::OverheadLeft => [-0.80, -0.60, 1.50],
            Mic::OverheadRight => [0.45, -0.50, 1.395],
        }
    }

    /// The drums a microphone is there for; all else is bleed.
    fn is_for(self, drum: Drum) -> bool {
        match self {
            Mic::KickIn | Mic::KickOut => drum == Drum::Kick,
            Mic::SnareTop | Mic::SnareBottom => matches!(drum, Drum::Snare | Drum::Wires),
            Mic::HiHat => matches!(drum, Drum::HatClosed | Drum::HatOpen),
            Mic::FloorTom => drum == Drum::FloorTom,
            Mic::OverheadLeft | Mic::OverheadRight => true,
        }
    }

    /// How this microphone turns a drum's sound, beyond distance: gain and dullness.
    fn ear(self, drum: Drum) -> (f64, f64) {
        match (self, drum) {
            (Mic::KickIn, Drum::Kick) => (1.0, 14_000.0),
            // Outside the shell: the boom without the beater.
            (Mic::KickOut, Drum::Kick) => (4.2, 1_500.0),
            (Mic::SnareTop, Drum::Wires) => (0.62, 14_000.0),
            (Mic::SnareBottom, Drum::Snare) => (0.55, 3_000.0),
            (Mic::OverheadLeft | Mic::OverheadRight, Drum::Kick) => (3.0, 5_000.0),
            (Mic::OverheadLeft | Mic::OverheadRight, _) => (11.0, 18_000.0),
            // Bleed comes in at the side of a cardioid: weaker and duller.
            _ if !self.is_for(drum) => (0.45, 6_500.0),
            _ => (1.0, 18_000.0),
        }
    }
}

fn place(drum: Drum) -> Place {
    match drum {
        Drum::Kick => [0.0, 0.0, 0.30],
        Drum::Snare => [-0.25, -0.45, 0.65],
        Drum::Wires => [-0.25, -0.45, 0.60],
        Drum::HatClosed | Drum::HatOpen => [-0.65, -0.45, 1.0],
        Drum::RackTom => [-0.12, -0.15, 0.75],
        Drum::FloorTom => [0.50, -0.50, 0.60],
        Drum::Crash => [-0.55, -0.05, 1.20],
    }
}

/// How loud a drum is at the close distance.
fn power(drum: Drum) -> f64 {
    match drum {
        Drum::Kick => 0.9,
        Drum::Snare => 0.85,
        Drum::Wires => 0.55,
        Drum::HatClosed => 0.62,
        Drum::HatOpen => 0.58,
        Drum::RackTom => 0.8,
        Drum::FloorTom => 0.85,
        Drum::Crash => 1.25,
    }
}

fn distance_m(a: Place, b: Place) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Frames between a stroke on `drum` and its arrival at `mic`.
pub(crate) fn delay_frames(mic: Mic, drum: Drum, rate_hz: f64) -> usize {
    (distance_m(mic.place(), place(drum)) / SOUND_M_PER_S * rate_hz).round() as usize
}

/// All takes of all drums.
pub(crate) struct Kit {
    strokes: Vec<Vec<Stroke>>,
    rate_hz: f64,
}

impl Kit {
    pub(crate) fn new(seed: u64, rate_hz: f64) -> Kit {
        let mut random = Random::for_part(seed, "drum kit");
        let takes = DRUMS
            .iter()
            .map(|&drum| (0..TAKES).map(|_| stroke(drum, &mut random, rate_hz)).collect())
            .collect();
        Kit { strokes: takes, rate_hz }
    }

    /// What one microphone hears of the whole performance. `bleed` scales what it is not there for: 1 is
    /// what the geometry gives.
    pub(crate) fn record(&self, mic: Mic, hits: &[Hit], bleed: f64, frames: usize) -> Vec<f64> {
        let mut out = vec![0.0; frames];
        for (index, &drum) in DRUMS.iter().enumerate() {
            let away_m = distance_m(mic.place(), place(drum)).max(CLOSE_M);
            let (gain, cutoff_hz) = mic.ear(drum);
            let own = if mic.is_for(drum) { 1.0 } else { bleed };
            let gain = gain * own * power(drum) * CLOSE_M / away_m;
            let delay = delay_frames(mic, drum, self.rate_hz);
            let dulled: Vec<Stroke> =
                self.strokes[index].iter().map(|s| dull(s, cutoff_hz, self.rate_hz)).collect();
            for hit in hits.iter().filter(|hit| hit.drum == drum) {
                self.add(&mut out, &dulled[hit.take], hit, gain, delay);
            }
        }
        out
    }

    fn add(&self, out: &mut [f64], stroke: &Stroke, hit: &Hit, gain: f64, delay: usize) {
        let start = (hit.at_s * self.rate_hz).round() as usize + delay;
        let choke = hit.choked_at_s.map_or(usize::MAX, |at_s| (at_s * self.rate_hz).round() as usize + delay);
        // 8 ms: how fast two plates stop each other.
        let damping = (-1.0 / (0.008 * self.rate_hz)).exp();
        let layers = [(&stroke.body, hit.velocity.powf(1.1)), (&stroke.attack, hit.velocity.powf(1.7))];
        for (layer, loud) in layers {
            let mut level = gain * loud;
            for (n, x) in layer.iter().enumerate().take(out.len().saturating_sub(start)) {
                out[start + n] += level * x;
                if start + n >= choke {
                    level *= damping;
                }
            }
        }
    }
}

/// A stroke as it sounds from the side.
fn dull(stroke: &Stroke, cutoff_hz: f64, rate_hz: f64) -> Stroke {
    let dull_layer = |layer: &[f64]| {
        let mut filter = OnePole::low_pass(cutoff_hz, rate_hz);
        layer.iter().map(|&x| filter.process(x)).collect()
    };
    Stroke { body: dull_layer(&stroke.body), attack: dull_layer(&stroke.attack) }
}
