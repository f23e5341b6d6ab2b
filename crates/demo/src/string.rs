//! A plucked string: the waveguide that bass and guitars share.

use std::f64::consts::PI;

use crate::random::Random;

/// One plucked note.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pluck {
    /// When the string leaves the finger or the pick.
    pub(crate) at_s: f64,
    /// Which string: a string sounds one note at a time.
    pub(crate) string: usize,
    pub(crate) hz: f64,
    /// 0 to 1.
    pub(crate) velocity: f64,
    /// When the player stops it.
    pub(crate) stop_s: f64,
    /// Time to fall by 60 dB, open.
    pub(crate) sustain_s: f64,
}

/// How the strings of an instrument are made and struck.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    /// Where the string is plucked, as a share of its length from the bridge.
    pub(crate) place: f64,
    /// How long the pluck pushes: a thumb is long and dull, a pick short and bright.
    pub(crate) push_ms: f64,
    /// Loss of the highs per turn, 0 (steel, new) to 0.5 (old, wound).
    pub(crate) dullness: f64,
    /// How much of the signal is the string's velocity (a box one plucking place wide, warm) against its
    /// acceleration (a spike at either end of the box, wiry), 0 to 1.
    pub(crate) warmth: f64,
    /// Scratch of the pick, relative to the pluck.
    pub(crate) scratch: f64,
}

/// Plays all plucks into one signal: K. Karplus and A. Strong, *Digital synthesis of plucked-string and drum
/// timbres*, and D. Jaffe and J. Smith, *Extensions of the Karplus-Strong plucked-string algorithm*, both CMJ
/// 7(2), 1983 (loss filter, exact tuning by an all-pass, plucking place as a comb).
pub(crate) fn play(
    plucks: &[Pluck],
    touch: Touch,
    random: &mut Random,
    frames: usize,
    rate_hz: f64,
) -> Vec<f64> {
    let mut out = vec![0.0; frames];
    let strings = plucks.iter().map(|p| p.string + 1).max().unwrap_or(0);
    for string in 0..strings {
        let mut own: Vec<Pluck> = plucks.iter().copied().filter(|p| p.string == string).collect();
        own.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        for (index, pluck) in own.iter().enumerate() {
            // Plucking again stops the note before it, 3 ms ahead, as a finger must land first.
            let next_s = own.get(index + 1).map_or(f64::INFINITY, |next| next.at_s - 0.003);
            note(&mut out, pluck, pluck.stop_s.min(next_s), touch, random, rate_hz);
        }
    }
    out
}

/// One note from its pluck until it is damped and silent.
fn note(out: &mut [f64], pluck: &Pluck, stop_s: f64, touch: Touch, random: &mut Random, rate_hz: f64) {
    let start = (pluck.at_s * rate_hz).round() as usize;
    let stop = (stop_s.min(out.len() as f64 / rate_hz) * rate_hz).round() as usize;
    // A damped string is silent within a tenth of a second.
    let end = (stop + (0.12 * rate_hz) as usize).min(out.len());
    if start >= end {
        return;
    }
    let turn = rate_hz / pluck.hz;
    let whole = (turn - touch.dullness - 0.2).floor() as usize;
    let rest = turn - touch.dullness - whole as f64;
    let all_pass = (1.0 - rest) / (1.0 + rest);
    let mut line = pluck_shape(whole, turn, pluck.velocity, touch, random, rate_hz);
    let open = 10f64.powf(-3.0 * turn / (pluck.sustain_s * rate_hz));
    let damped = 10f64.powf(-3.0 * turn / (0.07 * rate_hz));
    let (mut place, mut before, mut all_pass_x, mut all_pass_y) = (0, 0.0, 0.0, 0.0);
    for (n, x) in out[start..end].iter_mut().enumerate() {
        let gain = if start + n < stop { open } else { damped };
        let y = line[place];
        let dulled = gain * ((1.0 - touch.dullness) * y + touch.dullness * before);
        before = y;
        all_pass_y = all_pass * (dulled - all_pass_y) + all_pass_x;
        all_pass_x = dulled;
        line[place] = all_pass_y;
        place = if place + 1 == whole { 0 } else { place + 1 };
        *x += y;
    }
}

/// The string's velocity at the moment of release: a push at the plucking place and, mirrored, at the
/// other side of it; softer plucks push longer.
fn pluck_shape(
    whole: usize,
    turn: f64,
    velocity: f64,
    touch: Touch,
    random: &mut Random,
    rate_hz: f64,
) -> Vec<f64> {
    let softness = 1.6 - 0.6 * velocity;
    let push = (touch.push_ms * 1e-3 * rate_hz * softness).max(2.0);
    let away = touch.place * turn;
    let mut line = vec![0.0; whole];
    for (n, x) in line.iter_mut().enumerate() {
        let bump = |centre: f64| {
            let d = (n as f64 - centre).abs() / push;
            if d < 1.0 { 0.5 + 0.5 * (PI * d).cos() } else { 0.0 }
        };
        let scratch = if (n as f64) < away { touch.scratch * random.noise() } else { 0.0 };
        let spikes = bump(push) - bump(push + away);
        // The box with its edges as soft as the push.
        let edge = |centre: f64| {
            let d = ((n as f64 - centre) / push).clamp(-1.0, 1.0);
            0.5 + 0.5 * (0.5 * PI * d).sin()
        };
        let inside = edge(push) - edge(push + away);
        *x = velocity * ((1.0 - touch.warmth) * spikes + touch.warmth * inside + scratch);
    }
    let mean = line.iter().sum::<f64>() / whole.max(1) as f64;
    line.iter_mut().for_each(|x| *x -= mean);
    line
}
