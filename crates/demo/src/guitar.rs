//! Two electric guitars: the left one picks and strums, the right one mutes and pushes.

use crate::filter::{Biquad, OnePole};
use crate::random::Random;
use crate::score::{Hand, Part, Score};
use crate::string::{Pluck, Touch, play};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guitar {
    /// Picked arpeggios, open strums in the chorus; a clean amplifier that just starts to break up.
    Left,
    /// Muted eighths, power chords in the chorus; a driven amplifier.
    Right,
}

/// What the microphone before the amplifier's speaker records, mono, without its working level.
pub(crate) fn amplified(guitar: Guitar, score: &Score, frames: usize, rate_hz: f64) -> Vec<f64> {
    let name = if guitar == Guitar::Left { "left guitar" } else { "right guitar" };
    let hand = Hand::new(Random::for_part(score.seed, name), 5.0, 1.0);
    let mut player = Player { score, hand, plucks: Vec::new() };
    for bar in 0..score.bars() {
        match guitar {
            Guitar::Left => player.left(bar),
            Guitar::Right => player.right(bar),
        }
    }
    let (plucks, mut random) = (player.plucks, player.hand.random().clone());
    let (touch, drive) = match guitar {
        Guitar::Left => {
            (Touch { place: 0.13, push_ms: 0.10, dullness: 0.22, warmth: 0.35, scratch: 0.10 }, 0.9)
        }
        Guitar::Right => {
            (Touch { place: 0.09, push_ms: 0.12, dullness: 0.28, warmth: 0.3, scratch: 0.12 }, 3.2)
        }
    };
    let mut out = play(&plucks, touch, &mut random, frames, rate_hz);
    amplifier(&mut out, drive, rate_hz);
    out
}

/// Pickup, valves and speaker.
fn amplifier(samples: &mut [f64], drive: f64, rate_hz: f64) {
    let mut pickup = Biquad::low_pass(4200.0, 1.6, rate_hz);
    let mut tight = Biquad::high_pass(110.0, 0.7, rate_hz);
    let mut presence = Biquad::bell(2600.0, 5.0, 1.1, rate_hz);
    let mut cone = Biquad::low_pass(4600.0, 0.9, rate_hz);
    let mut edge = Biquad::low_pass(6200.0, 0.7, rate_hz);
    let mut cabinet = Biquad::high_pass(85.0, 0.9, rate_hz);
    let mut sag = OnePole::low_pass(6.0, rate_hz);
    // A valve off its middle: even harmonics beside the odd ones.
    const BIAS: f64 = 0.18;
    let rest = f64::tanh(BIAS);
    for x in samples {
        let y = tight.process(pickup.process(*x));
        // The supply gives way under a loud chord.
        let pull = 1.0 / (1.0 + 0.8 * sag.process(y.abs()));
        let hot = (drive * pull * y + BIAS).tanh() - rest;
        *x = cabinet.process(edge.process(cone.process(presence.process(hot))));
    }
}

struct Player<'a> {
    score: &'a Score,
    hand: Hand,
    plucks: Vec<Pluck>,
}

impl Player<'_> {
    fn pluck(&mut self, at_s: f64, string: usize, note: f64, velocity: f64, stop_s: f64, sustain_s: f64) {
        let velocity = self.hand.touch(velocity);
        self.plucks.push(Pluck { at_s, string, hz: self.score.hz(note), velocity, stop_s, sustain_s });
    }

    /// A chord, string after string; upstrokes are quicker, lighter and leave the low strings out.
    fn strum(&mut self, bar: usize, beat: f64, beats: f64, grip: &[f64], down: bool, velocity: f64) {
        let at_s = self.hand.time(self.score.at(bar, beat));
        let stop_s = self.score.at(bar, beat + beats);
        let apart_s = if down { 0.009 } else { 0.006 };
        let skipped = if down { 0 } else { grip.len() / 3 };
        let sounding = grip.len() - skipped;
        for (order, &note) in grip.iter().enumerate().skip(skipped) {
            let turn = if down { order } else { grip.len() - 1 - order };
            let fade = 1.0 - 0.35 * turn as f64 / sounding as f64;
            self.pluck(at_s + apart_s * turn as f64, order, note, velocity * fade, stop_s, 3.2);
        }
    }

    /// Eighths picked up and down the grip, each string left to ring until the chord changes.
    fn arpeggio(&mut self, bar: usize, velocity: f64) {
        const TURN: [usize; 8] = [0, 2, 3, 4, 3, 2, 4, 3];
        for (eighth, &turn) in TURN.iter().enumerate() {
            let beat = eighth as f64 * 0.5;
            let grip = self.score.chord(bar, beat).guitar();
            let string = turn.min(grip.len() - 1);
            let half = if beat < 2.0 { 2.0 } else { 4.0 };
            let changes = self.score.chord(bar, 0.0) != self.score.chord(bar, 2.0);
            let stop_s = self.score.at(bar, if changes { half } else { 4.0 }) + 0.02;
            let at_s = self.hand.time(self.score.at(bar, beat));
            let accent = if eighth % 4 == 0 { 1.15 } else { 0.92 };
            self.pluck(at_s, string, grip[string], velocity * accent, stop_s, 3.5);
        }
    }

    fn left(&mut self, bar: usize) {
        let grip = |beat: f64| self.score.chord(bar, beat).guitar();
        match self.score.part(bar) {
            Part::Intro => self.arpeggio(bar, 0.62),
            Part::Verse | Part::Break => self.arpeggio(bar, 0.5),
            Part::Chorus | Part::LastChorus => {
                // Down, down-up, up-down-up: the strum of a thousand songs.
                let strokes = [
                    (0.0, 1.0, true, 0.9),
                    (1.0, 0.5, true, 0.98),
                    (1.5, 1.0, false, 0.7),
                    (2.5, 0.5, false, 0.75),
                    (3.0, 0.5, true, 0.98),
                    (3.5, 0.5, false, 0.72),
                ];
                for (beat, beats, down, velocity) in strokes {
                    self.strum(bar, beat, beats, grip(beat), down, velocity);
                }
            }
            Part::Outro if bar + 1 == self.score.bars() => self.strum(bar, 0.0, 6.0, grip(0.0), true, 0.9),
            Part::Outro => {
                self.strum(bar, 0.0, 1.5, grip(0.0), true, 0.9);
                self.strum(bar, 1.5, 0.5, grip(1.5), false, 0.65);
                self.strum(bar, 2.0, 2.0, grip(2.0), true, 0.9);
            }
        }
    }

    /// Two low strings under the palm.
    fn muted(&mut self, bar: usize, beat: f64, velocity: f64) {
        let grip = self.score.chord(bar, beat).power();
        let at_s = self.hand.time(self.score.at(bar, beat));
        let stop_s = at_s + 0.40 * self.score.beat_s();
        for (string, &note) in grip.iter().enumerate().take(2) {
            self.pluck(at_s + 0.003 * string as f64, string, note, velocity, stop_s, 0.45);
        }
    }

    fn right(&mut self, bar: usize) {
        let grip = |beat: f64| self.score.chord(bar, beat).power();
        match self.score.part(bar) {
            Part::Intro => {}
            Part::Break if bar == 10 => {}
            Part::Verse => {
                for eighth in 0..8 {
                    let accent = if matches!(eighth, 0 | 3 | 5) { 0.8 } else { 0.5 };
                    self.muted(bar, f64::from(eighth) * 0.5, accent);
                }
            }
            Part::Break => {
                for eighth in 0..8 {
                    self.muted(bar, f64::from(eighth) * 0.5, 0.35 + 0.08 * f64::from(eighth));
                }
            }
            Part::Chorus | Part::LastChorus => {
                self.strum(bar, 0.0, 2.4, grip(0.0), true, 0.95);
                self.strum(bar, 2.5, 1.0, grip(2.5), true, 0.85);
                self.strum(bar, 3.5, 0.45, grip(3.5), false, 0.7);
            }
            Part::Outro if bar + 1 == self.score.bars() => self.strum(bar, 0.0, 6.0, grip(0.0), true, 0.95),
            Part::Outro => {
                self.strum(bar, 0.0, 1.9, grip(0.0), true, 0.9);
                self.strum(bar, 2.0, 1.9, grip(2.0), true, 0.9);
            }
        }
    }
}
