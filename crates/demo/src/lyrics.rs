//! What is sung: words as sounds, notes and lines; and the harmony the backing voices add.

use crate::score::{Chord, Score};

/// The sound a syllable begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onset {
    None,
    S,
    H,
    /// T, k, p: a gap and a burst.
    T,
    /// B, d, g: voiced all through.
    B,
    /// N, m.
    N,
    /// L, r.
    L,
    W,
}

/// The sound a syllable is held on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vowel {
    Ee,
    Ih,
    Eh,
    Ah,
    Aw,
    Oo,
    Uh,
    Er,
}

/// The sound a syllable ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coda {
    None,
    N,
    S,
    T,
}

/// One sung note.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syllable {
    /// When the vowel begins.
    pub(crate) at_s: f64,
    pub(crate) end_s: f64,
    /// MIDI note, written in G.
    pub(crate) note: f64,
    pub(crate) onset: Onset,
    pub(crate) vowel: Vowel,
    /// Where a diphthong goes.
    pub(crate) glide: Option<Vowel>,
    pub(crate) coda: Coda,
    /// 1 is full voice.
    pub(crate) level: f64,
    /// Begins a phrase.
    pub(crate) first: bool,
    /// Goes over into the next without letting go.
    pub(crate) tied: bool,
}

/// Beat, length in beats, note, onset, vowel, second vowel, ending.
type Written = (f64, f64, f64, Onset, Vowel, Option<Vowel>, Coda);

/// A sung line: its first bar, and its notes.
struct Line {
    bar: usize,
    level: f64,
    notes: &'static [Written],
}

use self::{Coda as C, Onset as O, Vowel as V};

/// "We saw the harbour / sleeping in snow, // and all the small boats / waiting to go, so //
/// Low tide lights, / burning for me; low / tide lights, all the way / out to sea." (bars in between)
const LINES: &[Line] = &[
    Line {
        bar: 2,
        level: 0.86,
        notes: &[
            (0.5, 0.5, 59.0, O::W, V::Ee, None, C::None),
            (1.0, 0.5, 62.0, O::S, V::Aw, None, C::None),
            (1.5, 0.5, 64.0, O::B, V::Uh, None, C::None),
            (2.0, 1.0, 67.0, O::H, V::Ah, None, C::None),
            (3.0, 0.75, 64.0, O::B, V::Er, None, C::None),
            (4.0, 0.5, 64.0, O::S, V::Ee, None, C::None),
            (4.5, 0.5, 62.0, O::T, V::Ih, None, C::N),
            (5.0, 0.5, 62.0, O::None, V::Ih, None, C::N),
            (5.5, 1.9, 59.0, O::S, V::Aw, Some(V::Oo), C::None),
        ],
    },
    Line {
        bar: 4,
        level: 0.88,
        notes: &[
            (0.0, 0.5, 60.0, O::None, V::Eh, None, C::N),
            (0.5, 0.5, 62.0, O::None, V::Aw, None, C::None),
            (1.0, 0.5, 64.0, O::L, V::Uh, None, C::None),
            (1.5, 1.0, 69.0, O::S, V::Aw, None, C::None),
            (2.5, 1.0, 67.0, O::B, V::Aw, Some(V::Oo), C::T),
            (4.0, 0.5, 67.0, O::W, V::Eh, Some(V::Ee), C::None),
            (4.5, 0.5, 66.0, O::T, V::Ih, None, C::N),
            (5.0, 0.5, 64.0, O::T, V::Oo, None, C::None),
            (5.5, 1.25, 62.0, O::B, V::Aw, Some(V::Oo), C::None),
            (7.25, 0.7, 62.0, O::S, V::Aw, Some(V::Oo), C::None),
        ],
    },
    Line {
        bar: 6,
        level: 1.0,
        notes: &[
            (0.0, 1.0, 71.0, O::L, V::Aw, Some(V::Oo), C::None),
            (1.0, 0.5, 71.0, O::T, V::Ah, Some(V::Ee), C::None),
            (1.5, 0.5, 69.0, O::L, V::Ah, Some(V::Ee), C::T),
            (2.0, 1.25, 67.0, O::S, V::Ah, None, C::None),
            (3.5, 0.5, 67.0, O::B, V::Er, None, C::None),
            (4.0, 0.75, 69.0, O::N, V::Ih, None, C::N),
            (5.0, 0.75, 66.0, O::B, V::Aw, None, C::None),
            (6.0, 1.25, 62.0, O::N, V::Ee, None, C::None),
        ],
    },
    Line {
        bar: 7,
        level: 1.0,
        notes: &[
            (3.5, 0.5, 67.0, O::L, V::Aw, Some(V::Oo), C::None),
            (4.0, 0.75, 71.0, O::T, V::Ah, Some(V::Ee), C::None),
            (5.0, 0.5, 69.0, O::L, V::Ah, Some(V::Ee), C::T),
            (5.5, 0.5, 67.0, O::None, V::Aw, None, C::None),
            (6.0, 0.5, 67.0, O::B, V::Uh, None, C::None),
            (6.5, 1.0, 64.0, O::W, V::Eh, Some(V::Ee), C::None),
            (7.5, 0.5, 64.0, O::None, V::Ah, Some(V::Oo), C::T),
            (8.0, 0.5, 62.0, O::T, V::Oo, None, C::None),
            (8.5, 2.9, 64.0, O::S, V::Ee, None, C::None),
        ],
    },
    Line {
        bar: 10,
        level: 0.8,
        notes: &[
            (1.0, 0.5, 64.0, O::S, V::Aw, Some(V::Oo), C::None),
            (1.5, 2.0, 72.0, O::L, V::Aw, Some(V::Oo), C::None),
            (4.0, 0.5, 69.0, O::S, V::Aw, Some(V::Oo), C::None),
            (4.5, 2.0, 67.0, O::L, V::Aw, Some(V::Oo), C::None),
            (7.0, 0.5, 66.0, O::H, V::Oo, None, C::None),
            (7.5, 0.5, 69.0, O::L, V::Ih, None, C::S),
        ],
    },
    Line {
        bar: 12,
        level: 1.08,
        notes: &[
            (0.0, 1.0, 71.0, O::L, V::Aw, Some(V::Oo), C::None),
            (1.0, 0.5, 71.0, O::T, V::Ah, Some(V::Ee), C::None),
            (1.5, 0.5, 69.0, O::L, V::Ah, Some(V::Ee), C::T),
            (2.0, 1.25, 67.0, O::S, V::Ah, None, C::None),
            (3.5, 0.5, 71.0, O::B, V::Er, None, C::None),
            (4.0, 0.75, 74.0, O::N, V::Ih, None, C::N),
            (5.0, 0.75, 69.0, O::B, V::Aw, None, C::None),
            (6.0, 1.25, 66.0, O::N, V::Ee, None, C::None),
        ],
    },
    Line {
        bar: 13,
        level: 1.08,
        notes: &[
            (3.5, 0.5, 69.0, O::L, V::Aw, Some(V::Oo), C::None),
            (4.0, 0.75, 71.0, O::T, V::Ah, Some(V::Ee), C::None),
            (5.0, 0.5, 69.0, O::L, V::Ah, Some(V::Ee), C::T),
            (5.5, 0.5, 67.0, O::None, V::Aw, None, C::None),
            (6.0, 0.5, 71.0, O::B, V::Uh, None, C::None),
            (6.5, 1.0, 74.0, O::W, V::Eh, Some(V::Ee), C::None),
            (7.5, 0.5, 71.0, O::None, V::Ah, Some(V::Oo), C::T),
            (8.0, 0.5, 69.0, O::T, V::Oo, None, C::None),
            (8.5, 2.9, 67.0, O::S, V::Ee, None, C::None),
        ],
    },
    Line {
        bar: 16,
        level: 0.86,
        notes: &[
            (0.5, 0.5, 64.0, O::None, V::Aw, None, C::None),
            (1.0, 1.0, 69.0, O::B, V::Uh, None, C::None),
            (2.0, 1.0, 69.0, O::W, V::Eh, Some(V::Ee), C::None),
            (3.0, 0.5, 66.0, O::None, V::Ah, Some(V::Oo), C::T),
            (3.5, 0.5, 66.0, O::T, V::Oo, None, C::None),
            (4.0, 3.4, 67.0, O::S, V::Ee, None, C::None),
        ],
    },
];

/// The lead voice's whole part.
pub(crate) fn lead(score: &Score) -> Vec<Syllable> {
    LINES.iter().flat_map(|line| sung(score, line, |note, _| note)).collect()
}

/// When the verse's second line begins and ends, in seconds.
pub(crate) fn second_verse_line_s(score: &Score) -> (f64, f64) {
    // From the breath's end before its first word to the last note before the chorus's pick-up.
    (score.at(4, -0.2), score.at(5, 2.9))
}

/// A backing voice's part: the choruses in harmony under the lead, and open vowels in the break.
/// `below` is 1 for the next chord note under the lead's, 2 for the one after.
pub(crate) fn backing(score: &Score, below: usize) -> Vec<Syllable> {
    let mut part: Vec<Syllable> = Vec::new();
    for line in LINES {
        let harmonised = matches!(line.bar, 6 | 7 | 12 | 13 | 16);
        if harmonised {
            part.extend(sung(score, line, |note, chord| under(note, chord, below)));
        }
    }
    for bar in [10, 11] {
        let chord = score.chord(bar, 0.0);
        part.push(Syllable {
            at_s: score.at(bar, 0.0),
            end_s: score.at(bar, 3.6),
            note: under(68.0, chord, below),
            onset: Onset::None,
            vowel: Vowel::Oo,
            glide: Some(Vowel::Ah),
            coda: Coda::None,
            level: 0.7,
            first: true,
            tied: false,
        });
    }
    part.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    part
}

/// The `count`-th chord note at least a third below.
fn under(note: f64, chord: Chord, count: usize) -> f64 {
    let mut found = 0;
    let mut candidate = note - 2.0;
    while found < count {
        candidate -= 1.0;
        if chord.has(candidate) {
            found += 1;
        }
    }
    candidate
}

fn sung(score: &Score, line: &Line, pitch: impl Fn(f64, Chord) -> f64) -> Vec<Syllable> {
    let count = line.notes.len();
    line.notes
        .iter()
        .enumerate()
        .map(|(index, &(beat, beats, note, onset, vowel, glide, coda))| {
            let tied = index + 1 < count && line.notes[index + 1].0 - (beat + beats) < 0.05;
            let (bar, inside) = (line.bar + (beat / 4.0) as usize, beat % 4.0);
            Syllable {
                at_s: score.at(line.bar, beat),
                end_s: score.at(line.bar, beat + beats),
                note: pitch(note, score.chord(bar, inside)),
                onset,
                vowel,
                glide,
                coda,
                // High and long notes are sung out; short words between are lighter.
                level: line.level * (0.9 + 0.1 * beats.min(1.5) + 0.008 * (note - 66.0)),
                first: index == 0,
                tied,
            }
        })
        .collect()
}
