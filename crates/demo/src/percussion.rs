//! Tambourine and shaker: many small collisions.
//!
//! P. Cook, *Physically informed sonic modeling (PhISM): synthesis of percussive sounds*, CMJ 21(3), 1997:
//! a shake puts energy into a system of particles, their collisions come at random and excite the
//! instrument's resonances.

use crate::filter::Biquad;
use crate::random::Random;
use crate::score::{Hand, Part, Score};

struct Shake {
    at_s: f64,
    velocity: f64,
}

/// The tambourine: sixteenths in the choruses with the weight on two and four.
pub(crate) fn tambourine(score: &Score, frames: usize, rate_hz: f64) -> Vec<f64> {
    let mut hand = Hand::new(Random::for_part(score.seed, "tambourine hand"), 5.0, 3.0);
    let mut shakes = Vec::new();
    for bar in 0..score.bars() {
        if !score.part(bar).is_chorus() {
            continue;
        }
        for sixteenth in 0..16 {
            let velocity = match sixteenth {
                4 | 12 => 1.0,
                n if n % 4 == 0 => 0.34,
                n if n % 4 == 2 => 0.26,
                _ => 0.11,
            };
            let at_s = hand.time(score.at(bar, f64::from(sixteenth) * 0.25));
            shakes.push(Shake { at_s, velocity: hand.touch(velocity) });
        }
    }
    if score.bars() > 16 {
        shakes.push(Shake { at_s: hand.time(score.at(16, 0.0)), velocity: 0.9 });
    }
    let jingles = [(2300.0, 4.0, 0.2), (5600.0, 7.0, 0.8), (8100.0, 8.0, 1.0), (11_300.0, 5.0, 0.7)];
    let system = System { decay_s: 0.042, collision_s: 0.003, collisions_per_s: 2600.0 };
    collide(&shakes, &jingles, system, Random::for_part(score.seed, "jingles"), frames, rate_hz)
}

/// The shaker: eighths and sixteenths that carry the verse.
pub(crate) fn shaker(score: &Score, frames: usize, rate_hz: f64) -> Vec<f64> {
    let mut hand = Hand::new(Random::for_part(score.seed, "shaker hand"), 5.0, -2.0);
    let mut shakes = Vec::new();
    for bar in 0..score.bars() {
        if !matches!(score.part(bar), Part::Verse | Part::Break) {
            continue;
        }
        for sixteenth in 0..16 {
            let velocity = match sixteenth % 4 {
                0 => 0.75,
                2 => 1.0,
                _ => 0.4,
            };
            let at_s = hand.time(score.at(bar, f64::from(sixteenth) * 0.25));
            shakes.push(Shake { at_s, velocity: hand.touch(velocity) });
        }
    }
    let grains = [(3200.0, 1.6, 0.8), (6200.0, 1.8, 1.0), (9500.0, 2.0, 0.6)];
    let system = System { decay_s: 0.035, collision_s: 0.0012, collisions_per_s: 5200.0 };
    collide(&shakes, &grains, system, Random::for_part(score.seed, "grains"), frames, rate_hz)
}

/// How a system of particles loses its energy and how often they meet.
#[derive(Debug, Clone, Copy)]
struct System {
    decay_s: f64,
    collision_s: f64,
    collisions_per_s: f64,
}

/// Runs the particles; `resonances` are frequency, q and gain.
fn collide(
    shakes: &[Shake],
    resonances: &[(f64, f64, f64)],
    system: System,
    mut random: Random,
    frames: usize,
    rate_hz: f64,
) -> Vec<f64> {
    let mut bank: Vec<(Biquad, f64)> =
        resonances.iter().map(|&(hz, q, gain)| (Biquad::band_pass(hz, q, rate_hz), gain)).collect();
    let loss = (-1.0 / (system.decay_s * rate_hz)).exp();
    let ring = (-1.0 / (system.collision_s * rate_hz)).exp();
    let chance = system.collisions_per_s / rate_hz;
    // The wrist's push lasts some milliseconds: the energy comes in a ramp, not at once.
    let push_frames = (0.011 * rate_hz) as usize;
    let mut out = vec![0.0; frames];
    let (mut energy, mut sound, mut next, mut pushing) = (0.0, 0.0, 0, (0_usize, 0.0));
    for (n, x) in out.iter_mut().enumerate() {
        if next < shakes.len() && shakes[next].at_s * rate_hz <= n as f64 {
            pushing = (push_frames, shakes[next].velocity / push_frames as f64);
            next += 1;
        }
        if pushing.0 > 0 {
            pushing.0 -= 1;
            energy += pushing.1;
        }
        if energy < 1e-4 && sound < 1e-5 {
            continue;
        }
        energy *= loss;
        if random.unit() < chance {
            sound += energy * random.between(0.3, 1.0);
        }
        sound *= ring;
        let hiss = sound * random.noise();
        *x = bank.iter_mut().map(|(filter, gain)| *gain * filter.process(hiss)).sum();
    }
    out
}
