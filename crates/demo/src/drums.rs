//! The drum kit: each drum once, as a bank of strokes; `kit` puts the strokes before the microphones.
//!
//! Membranes ring at the zeros of the Bessel functions and metal plates at many close, inharmonic
//! frequencies: N. Fletcher and T. Rossing, *The Physics of Musical Instruments*, 2nd ed. 1998, sections
//! 3.3 (membranes), 18 (drums) and 20 (cymbals).

use std::f64::consts::PI;

use crate::filter::{Biquad, OnePole};
use crate::random::Random;

/// What can be struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drum {
    Kick,
    /// Head and shell of the snare.
    Snare,
    /// The wires under the snare: sound together with the head, mostly below.
    Wires,
    HatClosed,
    HatOpen,
    RackTom,
    FloorTom,
    Crash,
}

/// Every drum, in the order of the bank.
pub(crate) const DRUMS: [Drum; 8] = [
    Drum::Kick,
    Drum::Snare,
    Drum::Wires,
    Drum::HatClosed,
    Drum::HatOpen,
    Drum::RackTom,
    Drum::FloorTom,
    Drum::Crash,
];

/// Strokes recorded of each drum, so that no two neighbours are the same.
pub(crate) const TAKES: usize = 3;

/// One stroke in two layers. A hard stroke is not only louder but brighter, so the attack grows faster
/// with velocity than the body.
#[derive(Debug, Clone)]
pub(crate) struct Stroke {
    pub(crate) body: Vec<f64>,
    pub(crate) attack: Vec<f64>,
}

/// One take of a drum.
pub(crate) fn stroke(drum: Drum, random: &mut Random, rate_hz: f64) -> Stroke {
    match drum {
        Drum::Kick => kick(random, rate_hz),
        Drum::Snare => snare(random, rate_hz),
        Drum::Wires => wires(random, rate_hz),
        Drum::HatClosed => hat(random, rate_hz, 0.22, 0.045, 0.5),
        Drum::HatOpen => hat(random, rate_hz, 0.9, 0.30, 0.8),
        Drum::RackTom => tom(random, rate_hz, 128.0, 0.26),
        Drum::FloorTom => tom(random, rate_hz, 82.0, 0.38),
        Drum::Crash => crash(random, rate_hz),
    }
}

fn frames(seconds: f64, rate_hz: f64) -> usize {
    (seconds * rate_hz).round() as usize
}

/// A sine whose pitch falls from `hz * (1 + bend)` to `hz` within `bend_s`, dying over `decay_s` (to 1/e).
fn add_mode(out: &mut [f64], hz: f64, bend: f64, bend_s: f64, decay_s: f64, gain: f64, rate_hz: f64) {
    let (mut phase, mut bent, mut level) = (0.0_f64, bend, gain);
    let bend_step = (-1.0 / (bend_s * rate_hz)).exp();
    let decay_step = (-1.0 / (decay_s * rate_hz)).exp();
    for x in out {
        *x += level * (2.0 * PI * phase).sin();
        phase = (phase + hz * (1.0 + bent) / rate_hz).fract();
        bent *= bend_step;
        level *= decay_step;
    }
}

/// A fixed sine with a random phase: the two-pole recursion, for the many modes of metal.
fn add_partial(out: &mut [f64], hz: f64, decay_s: f64, gain: f64, random: &mut Random, rate_hz: f64) {
    let radius = (-1.0 / (decay_s * rate_hz)).exp();
    let angle = 2.0 * PI * hz / rate_hz;
    let start = 2.0 * PI * random.unit();
    let (c1, c2) = (2.0 * radius * angle.cos(), -radius * radius);
    let (mut y2, mut y1) = (gain * (start - 2.0 * angle).sin(), gain * (start - angle).sin());
    for x in out {
        let y = c1 * y1 + c2 * y2;
        *x += y;
        y2 = y1;
        y1 = y;
    }
}

/// A burst of noise rising over `rise_s` and dying over `decay_s`, through `shape`.
fn add_burst(
    out: &mut [f64],
    rise_s: f64,
    decay_s: f64,
    gain: f64,
    mut shape: impl FnMut(f64) -> f64,
    random: &mut Random,
    rate_hz: f64,
) {
    let decay_step = (-1.0 / (decay_s * rate_hz)).exp();
    let rise_step = (-1.0 / (rise_s * rate_hz)).exp();
    let (mut level, mut missing) = (gain, 1.0);
    for x in out {
        *x += level * (1.0 - missing) * shape(random.noise());
        level *= decay_step;
        missing *= rise_step;
    }
}

/// Lets the end of a stroke fade, so that its last sample is no click.
fn fade_out(samples: &mut [f64]) {
    let fade = samples.len() / 5;
    let start = samples.len() - fade;
    for (n, x) in samples[start..].iter_mut().enumerate() {
        *x *= 0.5 + 0.5 * (PI * n as f64 / fade as f64).cos();
    }
}

fn kick(random: &mut Random, rate_hz: f64) -> Stroke {
    let mut body = vec![0.0; frames(0.55, rate_hz)];
    let hz = 54.0 * (1.0 + 0.006 * random.normal());
    add_mode(&mut body, hz, 1.3, 0.018, 0.115, 0.85, rate_hz);
    add_mode(&mut body, hz * 1.593, 0.5, 0.012, 0.045, 0.20, rate_hz);
    add_mode(&mut body, hz * 2.8, 0.3, 0.010, 0.022, 0.14, rate_hz);
    // The pillow inside: short, dull air.
    let mut dull = OnePole::low_pass(420.0, rate_hz);
    add_burst(&mut body, 0.001, 0.03, 0.25, |x| dull.process(x), random, rate_hz);
    fade_out(&mut body);

    let mut attack = vec![0.0; frames(0.06, rate_hz)];
    let mut felt = Biquad::band_pass(3400.0 * (1.0 + 0.04 * random.normal()), 0.9, rate_hz);
    add_burst(&mut attack, 0.000_15, 0.0055, 1.5, |x| felt.process(x), random, rate_hz);
    let mut slap = Biquad::band_pass(1300.0, 1.2, rate_hz);
    add_burst(&mut attack, 0.0003, 0.009, 0.7, |x| slap.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}

fn snare(random: &mut Random, rate_hz: f64) -> Stroke {
    let hz = 192.0 * (1.0 + 0.008 * random.normal());
    let mut body = vec![0.0; frames(0.42, rate_hz)];
    // Ideal membrane ratios (Fletcher and Rossing, table 3.1), the lowest pulled by the second head.
    let modes = [(1.0, 0.060, 0.48), (1.593, 0.050, 0.30), (2.136, 0.040, 0.22), (2.653, 0.032, 0.18)];
    for (ratio, decay_s, gain) in modes {
        let aside = 1.0 + 0.03 * random.normal() * (ratio - 1.0);
        add_mode(&mut body, hz * ratio * aside, 0.10, 0.012, decay_s, gain, rate_hz);
    }
    let mut shell = Biquad::band_pass(900.0, 0.8, rate_hz);
    add_burst(&mut body, 0.0005, 0.05, 0.55, |x| shell.process(x), random, rate_hz);
    fade_out(&mut body);

    let mut attack = vec![0.0; frames(0.09, rate_hz)];
    let mut stick = Biquad::band_pass(3000.0, 0.6, rate_hz);
    add_burst(&mut attack, 0.0001, 0.0045, 1.6, |x| stick.process(x), random, rate_hz);
    let mut air = Biquad::high_pass(3800.0, 0.7, rate_hz);
    add_burst(&mut attack, 0.0002, 0.018, 0.5, |x| air.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}

fn wires(random: &mut Random, rate_hz: f64) -> Stroke {
    let mut band = Biquad::band_pass(3600.0, 0.35, rate_hz);
    let mut low_cut = Biquad::high_pass(900.0, 0.7, rate_hz);
    let mut body = vec![0.0; frames(0.40, rate_hz)];
    let rattle = |x| low_cut.process(band.process(x));
    add_burst(&mut body, 0.0012, 0.085, 1.1, rattle, random, rate_hz);
    fade_out(&mut body);

    let mut attack = vec![0.0; frames(0.16, rate_hz)];
    let mut air = Biquad::high_pass(4500.0, 0.6, rate_hz);
    add_burst(&mut attack, 0.0008, 0.035, 0.9, |x| air.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}

/// Two plates: many close modes from 3 kHz up, and the hiss of their touching.
fn hat(random: &mut Random, rate_hz: f64, length_s: f64, decay_s: f64, hiss: f64) -> Stroke {
    let mut body = vec![0.0; frames(length_s, rate_hz)];
    for _ in 0..28 {
        let hz = 3000.0 * 5.0f64.powf(random.unit());
        // The edge modes near 5 to 9 kHz are the loudest and the low ones the longest.
        let gain = 0.05 * (-((hz - 7000.0) / 4500.0).powi(2)).exp() * random.between(0.4, 1.0);
        let own_s = decay_s * random.between(0.6, 1.4) * (6000.0 / hz).powf(0.3);
        add_partial(&mut body, hz, own_s, gain, random, rate_hz);
    }
    let mut high = Biquad::high_pass(6500.0, 0.7, rate_hz);
    add_burst(&mut body, 0.0004, decay_s * 0.8, 0.35 * hiss, |x| high.process(x), random, rate_hz);
    fade_out(&mut body);

    let mut attack = vec![0.0; frames(0.04, rate_hz)];
    let mut tick = Biquad::high_pass(4800.0, 0.7, rate_hz);
    add_burst(&mut attack, 0.0001, 0.006, 0.55, |x| tick.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}

fn tom(random: &mut Random, rate_hz: f64, hz: f64, decay_s: f64) -> Stroke {
    let hz = hz * (1.0 + 0.006 * random.normal());
    let mut body = vec![0.0; frames(decay_s * 4.0, rate_hz)];
    for (ratio, shorter, gain) in
        [(1.0, 1.0, 0.8), (1.593, 0.55, 0.28), (2.136, 0.35, 0.16), (2.92, 0.2, 0.1)]
    {
        add_mode(&mut body, hz * ratio, 0.14, 0.05, decay_s * shorter, gain, rate_hz);
    }
    fade_out(&mut body);
    let mut attack = vec![0.0; frames(0.06, rate_hz)];
    let mut stick = Biquad::band_pass(2200.0, 0.6, rate_hz);
    add_burst(&mut attack, 0.0002, 0.007, 1.1, |x| stick.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}

fn crash(random: &mut Random, rate_hz: f64) -> Stroke {
    let mut body = vec![0.0; frames(2.8, rate_hz)];
    for _ in 0..56 {
        let hz = 420.0 * 30.0f64.powf(random.unit());
        let gain = 0.035 * (hz / 3500.0).min(1.0).powf(0.7) * random.between(0.3, 1.0);
        let own_s = (0.85 * (2500.0 / hz).powf(0.45)).clamp(0.2, 1.1) * random.between(0.6, 1.2);
        add_partial(&mut body, hz, own_s, gain, random, rate_hz);
    }
    let mut wash = Biquad::high_pass(4200.0, 0.6, rate_hz);
    // Energy climbs from the low modes into the high ones within some 10 ms of the stroke.
    add_burst(&mut body, 0.012, 0.42, 0.26, |x| wash.process(x), random, rate_hz);
    fade_out(&mut body);
    let mut attack = vec![0.0; frames(0.1, rate_hz)];
    let mut stick = Biquad::band_pass(5200.0, 0.5, rate_hz);
    add_burst(&mut attack, 0.0003, 0.012, 0.7, |x| stick.process(x), random, rate_hz);
    fade_out(&mut attack);
    Stroke { body, attack }
}
