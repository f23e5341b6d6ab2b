//! The bass guitar: in the kick drum's pocket, recorded straight from the pickup.

use crate::filter::{Biquad, OnePole};
use crate::random::Random;
use crate::score::{Hand, Part, Score};
use crate::string::{Pluck, Touch, play};

/// The bass guitar's direct signal, mono, without its working level.
pub(crate) fn direct(score: &Score, frames: usize, rate_hz: f64) -> Vec<f64> {
    let mut random = Random::for_part(score.seed, "bass strings");
    let touch = Touch { place: 0.17, push_ms: 0.6, dullness: 0.42, warmth: 0.62, scratch: 0.03 };
    let mut out = play(&part(score), touch, &mut random, frames, rate_hz);
    // The pickup's coil, and the body under the fundamental.
    let mut coil = Biquad::low_pass(3200.0, 0.8, rate_hz);
    let mut body = Biquad::bell(75.0, 4.0, 0.6, rate_hz);
    let mut low = OnePole::low_pass(160.0, rate_hz);
    // The box passes no direct current.
    let mut capacitor = Biquad::high_pass(20.0, 0.7, rate_hz);
    for x in &mut out {
        let y = capacitor.process(body.process(coil.process(*x)));
        *x = 0.75 * y + 0.45 * low.process(y);
    }
    out
}

fn part(score: &Score) -> Vec<Pluck> {
    let mut player = Player {
        score,
        hand: Hand::new(Random::for_part(score.seed, "bass hand"), 4.0, 2.0),
        plucks: Vec::new(),
    };
    for bar in 1..score.bars() {
        player.bar(bar);
    }
    player.plucks
}

struct Player<'a> {
    score: &'a Score,
    hand: Hand,
    plucks: Vec<Pluck>,
}

impl Player<'_> {
    fn note(&mut self, bar: usize, beat: f64, beats: f64, note: f64, velocity: f64) {
        let at_s = self.hand.time(self.score.at(bar, beat));
        let stop_s = self.score.at(bar, beat + beats) - 0.015;
        let velocity = self.hand.touch(velocity);
        // A real bass is played on one string at a time, so that each note ends the one before.
        self.plucks.push(Pluck {
            at_s,
            string: 0,
            hz: self.score.hz(note),
            velocity,
            stop_s,
            sustain_s: 4.5,
        });
    }

    /// The scale step that leads into the next bar's root.
    fn approach(&self, bar: usize) -> f64 {
        let here = self.score.chord(bar, 3.5).bass();
        let next = self.score.chord(bar + 1, 0.0).bass();
        let whole_tone = if next >= here { -2.0 } else { 2.0 };
        let in_g = |note: f64| [0, 2, 4, 6, 7, 9, 11].contains(&(note.rem_euclid(12.0) as usize));
        if in_g(next + whole_tone) { next + whole_tone } else { next + 0.5 * whole_tone }
    }

    fn bar(&mut self, bar: usize) {
        let root = |beat: f64| self.score.chord(bar, beat).bass();
        let (early, late) = (root(0.0), root(2.5));
        match self.score.part(bar) {
            Part::Intro => {
                self.note(bar, 0.0, 2.4, early, 0.6);
                self.note(bar, 2.5, 1.0, early + 7.0, 0.5);
                self.note(bar, 3.5, 0.5, self.approach(bar), 0.55);
            }
            Part::Verse => {
                self.note(bar, 0.0, 1.4, early, 0.8);
                self.note(bar, 1.5, 0.9, early, 0.62);
                self.note(bar, 2.5, 0.7, late, 0.75);
                self.note(bar, 3.25, 0.25, late + 12.0, 0.45);
                self.note(bar, 3.5, 0.5, self.approach(bar), 0.62);
            }
            Part::Chorus | Part::LastChorus => {
                for eighth in 0..7 {
                    let beat = f64::from(eighth) * 0.5;
                    let note = root(beat) + if eighth == 5 { 12.0 } else { 0.0 };
                    let velocity = if eighth % 4 == 0 { 0.95 } else { 0.78 };
                    self.note(bar, beat, 0.46, note, velocity);
                }
                self.note(bar, 3.5, 0.48, self.approach(bar), 0.8);
            }
            Part::Break if bar == 10 => {
                self.note(bar, 0.0, 2.7, early, 0.7);
                self.note(bar, 2.75, 1.2, early + 7.0, 0.5);
            }
            Part::Break => {
                for eighth in 0..8 {
                    let beat = f64::from(eighth) * 0.5;
                    self.note(bar, beat, 0.44, root(beat), 0.5 + 0.055 * f64::from(eighth));
                }
            }
            Part::Outro if bar + 1 == self.score.bars() => self.note(bar, 0.0, 5.0, early, 0.9),
            Part::Outro => {
                self.note(bar, 0.0, 1.4, early, 0.85);
                self.note(bar, 1.5, 0.45, early, 0.65);
                self.note(bar, 2.0, 1.4, late, 0.85);
                self.note(bar, 3.5, 0.45, late - 2.0, 0.7);
            }
        }
    }
}
