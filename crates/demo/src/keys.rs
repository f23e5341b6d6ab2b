//! The electric piano and the synthesiser pad, both stereo.

use std::f64::consts::PI;

use crate::filter::{Biquad, OnePole};
use crate::random::Random;
use crate::score::{Chord, Hand, Part, Score};

/// Left and right.
pub(crate) type Stereo = [Vec<f64>; 2];

/// Where the electric piano's left hand comes out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LeftHand {
    /// The same on both sides.
    Centre,
    /// Only in the left channel.
    LeftOnly,
}

struct Key {
    at_s: f64,
    release_s: f64,
    hz: f64,
    velocity: f64,
    bass: bool,
}

/// The electric piano: a tine before a pickup, with a slow stereo tremolo on the right hand's part.
pub(crate) fn electric_piano(score: &Score, left_hand: LeftHand, frames: usize, rate_hz: f64) -> Stereo {
    let mut upper = vec![0.0; frames];
    let mut lower = vec![0.0; frames];
    let mut random = Random::for_part(score.seed, "piano hammers");
    for key in piano_part(score) {
        let bus = if key.bass { &mut lower } else { &mut upper };
        tine(bus, &key, &mut random, rate_hz);
    }
    let (mut left, mut right) = (upper, vec![0.0; frames]);
    let low_left = if left_hand == LeftHand::Centre { 1.0 } else { 2.0 };
    let low_right = 2.0 - low_left;
    // A slow sway that is not a multiple of any beat of the song.
    let step = 4.6 / rate_hz;
    let mut phase = 0.0_f64;
    for n in 0..frames {
        let sway = 0.28 * (2.0 * PI * phase).sin();
        phase = (phase + step).fract();
        let x = left[n];
        left[n] = x * (1.0 + sway) + low_left * lower[n];
        right[n] = x * (1.0 - sway) + low_right * lower[n];
    }
    [left, right]
}

/// One key: a sine (the tine) seen by a pickup slightly beside its rest, so that hard strokes bark; a bell-like
/// overtone that dies soon, and the hammer's knock. F. Pfeifle, *Real-time physical model of a Wurlitzer and
/// Rhodes electric piano*, DAFx 2017, describes the pickup as the source of the harmonics.
fn tine(out: &mut [f64], key: &Key, random: &mut Random, rate_hz: f64) {
    let start = (key.at_s * rate_hz).round() as usize;
    let release = (key.release_s * rate_hz).round() as usize;
    let end = (release + (0.25 * rate_hz) as usize).min(out.len());
    if start >= end {
        return;
    }
    let turn = 2.0 * PI * key.hz / rate_hz;
    let (step_sin, step_cos) = turn.sin_cos();
    let (bell_sin, bell_cos) = (turn * 6.27).sin_cos();
    let (mut s, mut c, mut bs, mut bc) = (0.0, 1.0, 0.0, 1.0);
    let fall = (-1.0 / (1.5 * (220.0 / key.hz).powf(0.35) * rate_hz)).exp();
    let bell_fall = (-1.0 / (0.13 * rate_hz)).exp();
    let damper = (-1.0 / (0.05 * rate_hz)).exp();
    let (mut swing, mut bell) = (0.35 + 0.9 * key.velocity, 0.16 * key.velocity * key.velocity);
    let mut knock = 0.05 * key.velocity;
    let mut wood = OnePole::low_pass(900.0, rate_hz);
    let knock_fall = (-1.0 / (0.004 * rate_hz)).exp();
    const BESIDE: f64 = 0.32;
    // The hammer rests on the tine for a moment: no note begins at full height.
    let rise = (-1.0 / (0.0022 * rate_hz)).exp();
    let mut missing = 1.0;
    for (n, x) in out[start..end].iter_mut().enumerate() {
        (s, c) = (s * step_cos + c * step_sin, c * step_cos - s * step_sin);
        (bs, bc) = (bs * bell_cos + bc * bell_sin, bc * bell_cos - bs * bell_sin);
        let away = BESIDE + swing * s;
        let field = 1.0 / (1.0 + away * away);
        missing *= rise;
        *x += key.velocity
            * (1.0 - missing)
            * (swing * c * field * field * (0.35 + away) + bell * bs + knock * wood.process(random.noise()));
        let keep = if start + n < release { 1.0 } else { damper };
        swing *= fall * keep;
        bell *= bell_fall * keep;
        knock *= knock_fall;
    }
}

fn piano_part(score: &Score) -> Vec<Key> {
    let mut hand = Hand::new(Random::for_part(score.seed, "piano hands"), 5.0, 3.0);
    let mut keys = Vec::new();
    for bar in 0..score.bars() {
        let last = bar + 1 == score.bars();
        // Beat, length in beats, velocity of the right hand's chords.
        let chords: &[(f64, f64, f64)] = match score.part(bar) {
            Part::Intro => &[(0.0, 3.8, 0.45)],
            Part::Verse => &[(0.0, 1.4, 0.5), (1.5, 0.9, 0.38), (2.5, 1.4, 0.45)],
            Part::Chorus | Part::LastChorus => {
                &[(0.0, 0.95, 0.72), (1.0, 0.95, 0.6), (2.0, 0.95, 0.68), (3.0, 0.5, 0.6), (3.5, 0.45, 0.5)]
            }
            Part::Break => &[(0.0, 1.9, 0.5), (2.0, 1.9, 0.5)],
            Part::Outro if last => &[(0.0, 6.0, 0.6)],
            Part::Outro => &[(0.0, 1.9, 0.65), (2.0, 1.9, 0.65)],
        };
        for &(beat, beats, velocity) in chords {
            let chord = score.chord(bar, beat);
            let release_s = score.at(bar, beat + beats);
            for &note in chord.keys() {
                let (at_s, velocity) = (hand.time(score.at(bar, beat)), hand.touch(velocity));
                keys.push(Key { at_s, release_s, hz: score.hz(note), velocity, bass: false });
            }
            if beat == 0.0 || (beat == 2.0 && chord != score.chord(bar, 0.0)) {
                let (at_s, velocity) = (hand.time(score.at(bar, beat)), hand.touch(velocity));
                let release_s = release_s.max(score.at(bar, beat + 1.9));
                let hz = score.hz(chord.bass() + 12.0);
                keys.push(Key { at_s, release_s, hz, velocity, bass: true });
            }
        }
    }
    keys
}

/// The pad: three saws a few cents apart for each note, through a filter that breathes with the song.
pub(crate) fn pad(score: &Score, frames: usize, rate_hz: f64) -> Stereo {
    let mut random = Random::for_part(score.seed, "pad");
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    for (chord, from_s, to_s, loud) in pad_part(score) {
        for &note in chord.pad() {
            // Low notes weigh more to the ear of a filter; high ones are held back.
            let gain = loud * if note < 53.0 { 0.8 } else { 0.62 };
            for (cents, side) in [(-6.0, -0.45), (0.5, 0.0), (7.0, 0.45)] {
                let hz = score.hz(note + cents / 100.0);
                let mut saw = Saw { phase: random.unit(), step: hz / rate_hz };
                let range = (from_s, to_s, rate_hz);
                swell(&mut left, &mut right, range, |level| {
                    let x = gain * level * saw.next();
                    (x * (1.0 - side), x * (1.0 + side))
                });
            }
        }
    }
    breathe(&mut left, score, rate_hz);
    breathe(&mut right, score, rate_hz);
    [left, right]
}

/// Adds what `next` gives for the current level, left and right, between two times, with a slow start and end.
fn swell(
    left: &mut [f64],
    right: &mut [f64],
    (from_s, to_s, rate_hz): (f64, f64, f64),
    mut next: impl FnMut(f64) -> (f64, f64),
) {
    const RISE_S: f64 = 0.30;
    const FALL_S: f64 = 0.45;
    let start = (from_s * rate_hz).round() as usize;
    let release = (to_s * rate_hz).round() as usize;
    let end = (release + (FALL_S * rate_hz) as usize).min(left.len());
    let (rise, fall) = (1.0 / (RISE_S * rate_hz), 1.0 / (FALL_S * rate_hz));
    let mut level: f64 = 0.0;
    for n in start..end {
        level = if n < release { (level + rise).min(1.0) } else { (level - fall).max(0.0) };
        // A raised curve: ramps in straight lines sound like switches.
        let (l, r) = next(level * level * (3.0 - 2.0 * level));
        left[n] += l;
        right[n] += r;
    }
}

/// The pad's low-pass: opens in the choruses, and sways slowly.
fn breathe(samples: &mut [f64], score: &Score, rate_hz: f64) {
    const GRID: usize = 64;
    let mut cutoff_hz = 700.0;
    let (mut one, mut two) = (OnePole::low_pass(700.0, rate_hz), Biquad::low_pass(700.0, 0.8, rate_hz));
    for (block, chunk) in samples.chunks_mut(GRID).enumerate() {
        let at_s = (block * GRID) as f64 / rate_hz;
        let bar = ((at_s - score.at(0, 0.0)).max(0.0) / (4.0 * score.beat_s())) as usize;
        let open_hz = if score.part(bar).is_chorus() { 2400.0 } else { 1100.0 };
        let sway = 1.0 + 0.25 * (2.0 * PI * 0.13 * at_s).sin();
        cutoff_hz += 0.003 * (open_hz * sway - cutoff_hz);
        one.tune(cutoff_hz * 2.0, rate_hz);
        two.tune(Biquad::low_pass(cutoff_hz, 0.8, rate_hz));
        chunk.iter_mut().for_each(|x| *x = two.process(one.process(*x)));
    }
}

/// Chord, from, to, and how loud.
fn pad_part(score: &Score) -> Vec<(Chord, f64, f64, f64)> {
    let mut held: Vec<(Chord, f64, f64, f64)> = Vec::new();
    for half in 0..score.bars() * 2 {
        let (bar, beat) = (half / 2, (half % 2) as f64 * 2.0);
        let loud = match score.part(bar) {
            Part::Verse => 0.55,
            Part::Chorus | Part::LastChorus => 1.0,
            _ => 0.8,
        };
        let (chord, from_s, to_s) = (score.chord(bar, beat), score.at(bar, beat), score.at(bar, beat + 2.0));
        match held.last_mut() {
            Some(before) if before.0 == chord && before.3 == loud => before.2 = to_s,
            _ => held.push((chord, from_s, to_s, loud)),
        }
    }
    held
}

/// A sawtooth with its jump rounded: V. Välimäki, J. Pekonen and J. Nam, *Perceptually informed synthesis of
/// bandlimited classical waveforms using integrated polynomial interpolation*, JASA 131(1), 2012 (PolyBLEP).
struct Saw {
    phase: f64,
    step: f64,
}

impl Saw {
    fn next(&mut self) -> f64 {
        let value = 2.0 * self.phase - 1.0 - jump(self.phase, self.step);
        self.phase += self.step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
        }
        value
    }
}

/// What PolyBLEP adds around a unit jump (of height 2) at phase zero.
pub(crate) fn jump(phase: f64, step: f64) -> f64 {
    if phase < step {
        let t = phase / step;
        2.0 * t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + 2.0 * t + 1.0
    } else {
        0.0
    }
}
