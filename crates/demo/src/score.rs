//! The written song: form, harmony, tempo; and the players' small freedom against the grid.

use crate::random::Random;

/// Silence before bar one, as an engineer who starts the recorder in time leaves it.
const LEAD_IN_S: f64 = 0.4;
/// What rings after the last bar.
const RING_S: f64 = 0.9;
const BEATS_PER_BAR: f64 = 4.0;

/// Bars of each section, in order.
pub(crate) const FORM: [(Part, usize); 6] = [
    (Part::Intro, 2),
    (Part::Verse, 4),
    (Part::Chorus, 4),
    (Part::Break, 2),
    (Part::LastChorus, 4),
    (Part::Outro, 2),
];

/// A section of the song.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Intro,
    Verse,
    Chorus,
    Break,
    LastChorus,
    Outro,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Intro => "intro",
            Part::Verse => "verse",
            Part::Chorus | Part::LastChorus => "chorus",
            Part::Break => "break",
            Part::Outro => "outro",
        }
    }

    /// The loud sections.
    pub(crate) fn is_chorus(self) -> bool {
        matches!(self, Part::Chorus | Part::LastChorus)
    }
}

/// The chords of the song, written in G major; voicings are in `Chord`'s methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chord {
    Em7,
    Cmaj7,
    Am7,
    Dsus4,
    D,
    G,
    DoverFsharp,
    Cadd9,
}

impl Chord {
    /// The bass guitar's root, as a MIDI note in its low octave.
    pub(crate) fn bass(self) -> f64 {
        match self {
            Chord::Em7 => 28.0,
            Chord::Cmaj7 | Chord::Cadd9 => 36.0,
            Chord::Am7 => 33.0,
            Chord::Dsus4 | Chord::D => 38.0,
            Chord::G => 31.0,
            Chord::DoverFsharp => 30.0,
        }
    }

    /// The open-position guitar grip, lowest string first.
    pub(crate) fn guitar(self) -> &'static [f64] {
        match self {
            Chord::Em7 => &[40.0, 47.0, 52.0, 55.0, 62.0, 64.0],
            Chord::Cmaj7 => &[48.0, 52.0, 55.0, 59.0, 64.0],
            Chord::Am7 => &[45.0, 52.0, 55.0, 60.0, 64.0],
            Chord::Dsus4 => &[50.0, 57.0, 62.0, 67.0],
            Chord::D => &[50.0, 57.0, 62.0, 66.0],
            Chord::G => &[43.0, 50.0, 55.0, 62.0, 67.0],
            Chord::DoverFsharp => &[42.0, 50.0, 57.0, 62.0, 66.0],
            Chord::Cadd9 => &[48.0, 52.0, 55.0, 62.0, 67.0],
        }
    }

    /// The second guitar's grip: root, fifth and octave, with the third on top where it is free.
    pub(crate) fn power(self) -> &'static [f64] {
        match self {
            Chord::Em7 => &[52.0, 59.0, 64.0, 67.0],
            Chord::Cmaj7 | Chord::Cadd9 => &[48.0, 55.0, 60.0, 64.0],
            Chord::Am7 => &[45.0, 52.0, 57.0, 60.0],
            Chord::Dsus4 => &[50.0, 57.0, 62.0, 67.0],
            Chord::D => &[50.0, 57.0, 62.0, 66.0],
            Chord::G => &[43.0, 50.0, 55.0, 59.0],
            Chord::DoverFsharp => &[45.0, 50.0, 57.0, 62.0],
        }
    }

    /// The right hand at the keyboard: each chord moves as little as it can from the one before.
    pub(crate) fn keys(self) -> &'static [f64] {
        match self {
            Chord::Em7 => &[59.0, 62.0, 64.0, 67.0],
            Chord::Cmaj7 => &[59.0, 60.0, 64.0, 67.0],
            Chord::Am7 => &[57.0, 60.0, 64.0, 67.0],
            Chord::Dsus4 => &[57.0, 62.0, 64.0, 67.0],
            Chord::D => &[57.0, 62.0, 64.0, 66.0],
            Chord::G => &[59.0, 62.0, 67.0, 71.0],
            Chord::DoverFsharp => &[57.0, 62.0, 66.0, 69.0],
            Chord::Cadd9 => &[60.0, 62.0, 64.0, 67.0],
        }
    }

    /// The pad: open position, one octave wider than the keys.
    pub(crate) fn pad(self) -> &'static [f64] {
        match self {
            Chord::Em7 => &[52.0, 59.0, 67.0, 74.0],
            Chord::Cmaj7 => &[48.0, 59.0, 67.0, 76.0],
            Chord::Am7 => &[45.0, 60.0, 67.0, 76.0],
            Chord::Dsus4 => &[50.0, 57.0, 67.0, 74.0],
            Chord::D => &[50.0, 57.0, 66.0, 74.0],
            Chord::G => &[43.0, 59.0, 67.0, 74.0],
            Chord::DoverFsharp => &[42.0, 57.0, 66.0, 74.0],
            Chord::Cadd9 => &[48.0, 55.0, 64.0, 74.0],
        }
    }

    /// Whether a note (MIDI, in G) belongs to the chord, in any octave.
    pub(crate) fn has(self, note: f64) -> bool {
        self.keys().iter().any(|k| (k - note).rem_euclid(12.0) < 0.5)
    }
}

/// The song as a seed plays it: its tempo and its key.
#[derive(Debug, Clone)]
pub(crate) struct Score {
    /// The seed of every player's freedom.
    pub(crate) seed: u64,
    /// Quarter notes per minute.
    pub(crate) tempo_bpm: f64,
    /// Semitones above G.
    transpose: f64,
}

impl Score {
    pub(crate) fn new(seed: u64) -> Score {
        let mut random = Random::for_part(seed, "score");
        let tempo_bpm = 100.0 + 2.0 * random.choose(3) as f64;
        let transpose = random.choose(4) as f64 - 2.0;
        Score { seed, tempo_bpm, transpose }
    }

    /// Seconds of one beat.
    pub(crate) fn beat_s(&self) -> f64 {
        60.0 / self.tempo_bpm
    }

    /// When a beat of a bar (both from zero) falls, in seconds from the start of the files.
    pub(crate) fn at(&self, bar: usize, beat: f64) -> f64 {
        LEAD_IN_S + (bar as f64 * BEATS_PER_BAR + beat) * self.beat_s()
    }

    /// Bars of the whole song.
    pub(crate) fn bars(&self) -> usize {
        FORM.iter().map(|(_, bars)| bars).sum()
    }

    /// Length of the song's files in seconds.
    pub(crate) fn length_s(&self) -> f64 {
        self.at(self.bars(), 0.0) + RING_S
    }

    /// Section names with their starts in seconds.
    pub(crate) fn sections(&self) -> Vec<(&'static str, f64)> {
        let mut bar = 0;
        let place = |(part, bars): &(Part, usize)| {
            let start = bar;
            bar += bars;
            (part.name(), self.at(start, 0.0))
        };
        FORM.iter().map(place).collect()
    }

    /// Which section a bar belongs to; a bar after the end belongs to the outro.
    pub(crate) fn part(&self, bar: usize) -> Part {
        let mut end = 0;
        for (part, bars) in FORM {
            end += bars;
            if bar < end {
                return part;
            }
        }
        Part::Outro
    }

    /// The chord that sounds at a beat of a bar.
    pub(crate) fn chord(&self, bar: usize, beat: f64) -> Chord {
        let second_half = beat >= 2.0;
        match bar {
            0 | 2 | 8 | 14 => Chord::Em7,
            1 | 3 => Chord::Cmaj7,
            4 | 10 => Chord::Am7,
            5 | 11 => {
                if second_half {
                    Chord::D
                } else {
                    Chord::Dsus4
                }
            }
            7 | 13 => Chord::DoverFsharp,
            9 | 15 => Chord::Cadd9,
            16 => {
                if second_half {
                    Chord::D
                } else {
                    Chord::Am7
                }
            }
            _ => Chord::G,
        }
    }

    /// Frequency of a MIDI note written in G, in the key of this performance (A4 = 440 Hz).
    pub(crate) fn hz(&self, note: f64) -> f64 {
        440.0 * ((note + self.transpose - 69.0) / 12.0).exp2()
    }
}

/// A player's time and touch: a little off the grid, never the same twice.
#[derive(Debug, Clone)]
pub(crate) struct Hand {
    random: Random,
    spread_s: f64,
    lean_s: f64,
}

impl Hand {
    /// A player whose hits spread by `spread_ms` (standard deviation) around `lean_ms` after the grid.
    pub(crate) fn new(random: Random, spread_ms: f64, lean_ms: f64) -> Hand {
        Hand { random, spread_s: spread_ms * 1e-3, lean_s: lean_ms * 1e-3 }
    }

    /// When the player really plays what is written at `at_s`.
    pub(crate) fn time(&mut self, at_s: f64) -> f64 {
        (at_s + self.lean_s + self.spread_s * self.random.normal()).max(0.0)
    }

    /// How hard the player really hits what is written as `velocity` (0 to 1): about 0.7 dB off.
    pub(crate) fn touch(&mut self, velocity: f64) -> f64 {
        (velocity * (1.0 + 0.08 * self.random.normal())).clamp(0.03, 1.15)
    }

    /// The randomness itself, for choices of variant.
    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }
}
