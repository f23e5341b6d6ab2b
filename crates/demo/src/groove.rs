//! What the drummer plays.

use crate::drums::{Drum, TAKES};
use crate::random::Random;
use crate::score::{Hand, Part, Score};

/// One stroke on one drum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) at_s: f64,
    pub(crate) drum: Drum,
    /// 0 to 1; 1 is a hard stroke.
    pub(crate) velocity: f64,
    /// Which take of the bank.
    pub(crate) take: usize,
    /// When a foot closes the hi-hat on it.
    pub(crate) choked_at_s: Option<f64>,
}

/// The drummer's whole part, in order of time.
pub(crate) fn drummer(score: &Score) -> Vec<Hit> {
    let mut kit = Drummer {
        score,
        foot: Hand::new(Random::for_part(score.seed, "kick foot"), 3.0, 0.0),
        // A snare a few milliseconds behind the beat sits back.
        stick: Hand::new(Random::for_part(score.seed, "snare stick"), 3.5, 4.0),
        hat: Hand::new(Random::for_part(score.seed, "hat stick"), 4.0, -1.0),
        hits: Vec::new(),
    };
    for bar in 0..score.bars() {
        kit.bar(bar);
    }
    let mut hits = kit.hits;
    hits.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    choke(&mut hits);
    hits
}

/// An open hi-hat ends where the next hi-hat stroke begins.
fn choke(hits: &mut [Hit]) {
    let mut next = None;
    for hit in hits.iter_mut().rev() {
        if matches!(hit.drum, Drum::HatOpen | Drum::HatClosed) {
            hit.choked_at_s = next;
            next = Some(hit.at_s);
        }
    }
}

struct Drummer<'a> {
    score: &'a Score,
    foot: Hand,
    stick: Hand,
    hat: Hand,
    hits: Vec<Hit>,
}

impl Drummer<'_> {
    fn strike(&mut self, drum: Drum, bar: usize, beat: f64, velocity: f64) {
        let written = self.score.at(bar, beat);
        let hand = match drum {
            Drum::Kick => &mut self.foot,
            Drum::HatClosed | Drum::HatOpen => &mut self.hat,
            _ => &mut self.stick,
        };
        let (at_s, velocity) = (hand.time(written), hand.touch(velocity));
        let take = hand.random().choose(TAKES);
        self.hits.push(Hit { at_s, drum, velocity, take, choked_at_s: None });
        if drum == Drum::Snare {
            // The wires answer the head, and ghost notes are mostly wires.
            let wires = velocity.powf(0.85);
            self.hits.push(Hit { at_s, drum: Drum::Wires, velocity: wires, take, choked_at_s: None });
        }
    }

    fn many(&mut self, drum: Drum, bar: usize, strokes: &[(f64, f64)]) {
        for &(beat, velocity) in strokes {
            self.strike(drum, bar, beat, velocity);
        }
    }

    /// Eighth notes with the weight on the beat; `drum` closed or open.
    fn eighths(&mut self, drum: Drum, bar: usize, from: f64, to: f64, loud: f64) {
        for eighth in 0..8 {
            let beat = f64::from(eighth) * 0.5;
            if beat >= from && beat < to {
                let accent = if eighth % 2 == 0 { 1.0 } else { 0.62 };
                self.strike(drum, bar, beat, loud * accent);
            }
        }
    }

    fn bar(&mut self, bar: usize) {
        let first = bar == 0 || self.score.part(bar) != self.score.part(bar - 1);
        match self.score.part(bar) {
            Part::Intro => self.intro(bar),
            Part::Verse => self.verse(bar),
            Part::Chorus | Part::LastChorus => self.chorus(bar, first),
            Part::Break => self.half_time(bar, first),
            Part::Outro => self.outro(bar, first),
        }
    }

    fn intro(&mut self, bar: usize) {
        self.eighths(Drum::HatClosed, bar, 0.0, 4.0, 0.6);
        if bar == 0 {
            self.many(Drum::Kick, bar, &[(0.0, 0.7), (2.5, 0.5)]);
            return;
        }
        self.many(Drum::Kick, bar, &[(0.0, 0.75), (1.5, 0.5), (2.5, 0.65)]);
        self.many(Drum::Snare, bar, &[(1.0, 0.5), (3.0, 0.6), (3.5, 0.55), (3.75, 0.75)]);
    }

    fn verse(&mut self, bar: usize) {
        let fill = bar == 5;
        self.eighths(Drum::HatClosed, bar, 0.0, if fill { 3.0 } else { 4.0 }, 0.72);
        self.many(Drum::Kick, bar, &[(0.0, 0.9), (1.5, 0.6), (2.5, 0.82)]);
        self.strike(Drum::Snare, bar, 1.0, 0.85);
        self.many(Drum::Snare, bar, &[(1.75, 0.14), (2.25, 0.18)]);
        if bar == 3 {
            self.strike(Drum::Kick, bar, 3.5, 0.55);
            self.strike(Drum::HatOpen, bar, 3.5, 0.6);
        }
        if !fill {
            self.strike(Drum::Snare, bar, 3.0, 0.88);
            return;
        }
        self.many(Drum::Snare, bar, &[(3.0, 0.8), (3.25, 0.6)]);
        self.strike(Drum::RackTom, bar, 3.5, 0.8);
        self.strike(Drum::FloorTom, bar, 3.75, 0.9);
    }

    fn chorus(&mut self, bar: usize, first: bool) {
        let last = self.score.part(bar) == Part::LastChorus;
        let fill = bar == 9 || bar == 15;
        if first || bar == 14 {
            self.strike(Drum::Crash, bar, 0.0, if last { 1.0 } else { 0.92 });
            self.many(Drum::HatOpen, bar, &[(0.5, 0.55)]);
        } else {
            self.strike(Drum::HatOpen, bar, 0.0, 0.8);
            self.strike(Drum::HatOpen, bar, 0.5, 0.5);
        }
        for (beat, loud) in [(1.0, 0.82), (1.5, 0.5), (2.0, 0.8), (2.5, 0.52)] {
            self.strike(Drum::HatOpen, bar, beat, loud);
        }
        self.many(Drum::Kick, bar, &[(0.0, 1.0), (0.5, 0.68), (2.0, 0.8), (2.5, 0.92)]);
        self.strike(Drum::Snare, bar, 1.0, 1.0);
        if !fill {
            self.many(Drum::HatOpen, bar, &[(3.0, 0.8), (3.5, 0.55)]);
            self.strike(Drum::Snare, bar, 3.0, 1.0);
            if bar % 2 == 1 {
                self.strike(Drum::Kick, bar, 3.75, 0.6);
            }
            return;
        }
        self.many(Drum::Snare, bar, &[(2.75, 0.3), (3.0, 0.95)]);
        self.many(Drum::RackTom, bar, &[(3.25, 0.85), (3.5, 0.8)]);
        self.strike(Drum::FloorTom, bar, 3.75, 0.95);
    }

    /// Half time: the snare on three, then the floor tom carries the song back up.
    fn half_time(&mut self, bar: usize, first: bool) {
        if first {
            self.strike(Drum::Crash, bar, 0.0, 0.55);
            self.many(Drum::Kick, bar, &[(0.0, 0.8), (2.75, 0.5)]);
            self.strike(Drum::Snare, bar, 2.0, 0.7);
            self.eighths(Drum::HatClosed, bar, 1.0, 4.0, 0.42);
            return;
        }
        self.eighths(Drum::HatClosed, bar, 0.0, 2.0, 0.45);
        self.many(Drum::Kick, bar, &[(0.0, 0.8), (1.0, 0.6), (2.0, 0.75), (3.0, 0.85)]);
        for sixteenth in 0..8 {
            let beat = 2.0 + f64::from(sixteenth) * 0.25;
            let rise = 0.35 + 0.075 * f64::from(sixteenth);
            self.strike(Drum::FloorTom, bar, beat, rise);
            if sixteenth >= 4 {
                self.strike(Drum::Snare, bar, beat, rise * 0.9);
            }
        }
    }

    fn outro(&mut self, bar: usize, first: bool) {
        if !first {
            self.strike(Drum::Crash, bar, 0.0, 0.95);
            self.strike(Drum::Kick, bar, 0.0, 1.0);
            self.strike(Drum::FloorTom, bar, 0.0, 0.7);
            return;
        }
        self.strike(Drum::Crash, bar, 0.0, 0.8);
        self.many(Drum::Kick, bar, &[(0.0, 0.95), (1.5, 0.6), (2.0, 0.8)]);
        self.many(Drum::Snare, bar, &[(1.0, 0.9), (2.5, 0.5), (2.75, 0.6), (3.0, 0.9)]);
        self.eighths(Drum::HatClosed, bar, 0.5, 3.0, 0.7);
        self.strike(Drum::RackTom, bar, 3.25, 0.8);
        self.many(Drum::FloorTom, bar, &[(3.5, 0.85), (3.75, 0.9)]);
    }
}
