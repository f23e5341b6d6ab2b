//! The key: which scale the notes of a song fit.
//!
//! The weight of each note is compared with the profiles of all keys: those of probes (C. Krumhansl, *Cognitive
//! foundations of musical pitch*, 1990), those of a corpus of chords (D. Temperley, *Music and probability*, 2007,
//! Kostka-Payne corpus) and those of a corpus of keys (J. Albrecht & D. Shanahan, *The use of large corpora to train a
//! new type of key-finding algorithm*, Music Perception 31, 2013). Notes are read in the tuning of the song.

use super::chroma::{Chroma, PARTS};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Major and minor, from the tonic upward.
type Profiles = ([f64; 12], [f64; 12]);

const KRUMHANSL: Profiles = (
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
);
const TEMPERLEY: Profiles = (
    [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
    [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
);
const ALBRECHT: Profiles = (
    [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
    [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
);

/// Notes from C on.
const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
/// Rows with less of their magnitude in peaks than this hold no notes.
const TONAL: f64 = 0.25;
/// A song has a key when this share of its rows holds notes.
const LEAST_ROWS: f64 = 0.3;
/// And when its peaks agree on one tuning at least so far: drums reach 0.15.
const LEAST_TUNED: f64 = 0.18;
/// And when so many notes have a fair part: fewer are a drone, a bell or a drum.
const LEAST_NOTES: usize = 4;
/// A fair part, of the strongest note.
const FAIR: f64 = 0.12;
/// And when the notes are like the profile at least so far.
const LEAST_LIKENESS: f64 = 0.5;
/// A key is sure when it is more like the notes than the next one by this.
const SURE: f64 = 0.15;

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// `C major`, `F# minor`.
    pub name: String,
    /// The tonic as a number of semitones above C, 0 to 11.
    pub tonic: usize,
    /// Whether it is a minor key.
    pub minor: bool,
    /// How sure it is, 0 to 1: how far the notes are more like this key than like the next one, and how much alike
    /// they are.
    pub confidence: f64,
}

/// How far the song is tuned above 440 Hz, in cents, -50 to 50, and how far its peaks agree on that, 0 to 1.
pub(crate) fn tuning(chroma: &Chroma) -> (f64, f64) {
    let (cos, sin, all) = chroma.tuning;
    let agree = if all > 0.0 { cos.hypot(sin) / all } else { 0.0 };
    (sin.atan2(cos) / TAU * 100.0, agree)
}

/// The twelve notes of one row of parts, in a tuning of so many cents.
pub(crate) fn notes(parts: &[f32], cents: f64) -> [f64; 12] {
    let per = PARTS as f64 / 12.0;
    let mut notes = [0.0; 12];
    for (note, to) in notes.iter_mut().enumerate() {
        let centre = (note as f64 + cents / 100.0) * per;
        for offset in -2i64..=3 {
            let place = centre.floor() as i64 + offset;
            let away = (place as f64 - centre) / per;
            if away.abs() < 0.5 {
                let weight = (std::f64::consts::PI * away).cos().powi(2);
                *to += weight * f64::from(parts[place.rem_euclid(PARTS as i64) as usize]);
            }
        }
    }
    notes
}

/// The key of a song; `None` where its sound has no notes enough: drums, noise, one tone.
pub(crate) fn key(chroma: &Chroma) -> Option<Key> {
    let (cents, agree) = tuning(chroma);
    let tonal: Vec<usize> = (0..chroma.rows()).filter(|row| f64::from(chroma.tonal[*row]) > TONAL).collect();
    if agree < LEAST_TUNED || (tonal.len() as f64) < LEAST_ROWS * chroma.rows() as f64 || tonal.len() < 10 {
        return None;
    }
    let mut sum = [0.0; 12];
    for row in tonal {
        let notes = notes(chroma.row(row), cents);
        let all: f64 = notes.iter().sum();
        sum.iter_mut().zip(notes).for_each(|(s, n)| *s += n / all.max(1e-12));
    }
    let strongest = sum.iter().copied().fold(0.0, f64::max);
    if sum.iter().filter(|n| **n > FAIR * strongest).count() < LEAST_NOTES {
        return None;
    }
    let likeness = likenesses(&sum);
    let (best, likely) = likeness[0];
    let (tonic, minor) = best;
    let next = likeness.get(1).map_or(0.0, |(_, likely)| *likely);
    if likely < LEAST_LIKENESS {
        return None;
    }
    let apart = ((likely - next) / SURE).clamp(0.0, 1.0);
    let alike = ((likely - LEAST_LIKENESS) / 0.35).clamp(0.0, 1.0);
    Some(Key {
        name: format!("{} {}", NAMES[tonic], if minor { "minor" } else { "major" }),
        tonic,
        minor,
        confidence: (apart * (0.5 + 0.5 * alike)).sqrt(),
    })
}

/// How much alike the notes are to every key, the likeliest first: mean correlation with the profiles.
fn likenesses(notes: &[f64; 12]) -> Vec<((usize, bool), f64)> {
    let mut all = Vec::new();
    for tonic in 0..12 {
        for minor in [false, true] {
            let each = [KRUMHANSL, TEMPERLEY, ALBRECHT].map(|profiles| {
                let profile = if minor { profiles.1 } else { profiles.0 };
                let mut turned = [0.0; 12];
                profile.iter().enumerate().for_each(|(n, x)| turned[(n + tonic) % 12] = *x);
                correlation(notes, &turned)
            });
            all.push(((tonic, minor), each.iter().sum::<f64>() / each.len() as f64));
        }
    }
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

fn correlation(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / 12.0, b.iter().sum::<f64>() / 12.0);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - mean_a) * (y - mean_b);
        aa += (x - mean_a).powi(2);
        bb += (y - mean_b).powi(2);
    }
    ab / (aa * bb).sqrt().max(1e-12)
}
