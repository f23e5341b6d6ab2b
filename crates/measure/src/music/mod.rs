//! What a musician would say of a recording: tempo, beats, bars, key, sections.

mod beats;
mod chroma;
mod key;
mod sections;
pub(crate) mod tempogram;

pub(crate) use chroma::{Chroma, ChromaMeter};
pub use key::Key;
pub use sections::Section;

use crate::erb::{ErbFrames, Novelty};
use crate::stats::{nearest_rank, sorted};
use sections::{Material, sections};
use serde::{Deserialize, Serialize};
use tempogram::{RATE_HZ, conditioned, pulse};

/// What is longer than this, in seconds, is no song: an hour, for the longest of sets and symphonies.
pub(crate) const LONGEST_S: usize = 3600;
/// Mean likeness of the novelty at the beat from which on there is one, and at which it is sure: noise reaches 0.1.
const PULSED: (f64, f64) = (0.1, 0.3);
/// A tempo is kept where it stays within this part of the middle one.
const STEADY: f64 = 0.04;
/// Where this share of the song keeps it there is one exact tempo.
const EXACT: f64 = 0.4;
/// Below this there is no tempo.
const LEAST_CONFIDENCE: f64 = 0.2;
/// Below this there is no beat at all.
const LEAST_BEATING: f64 = 0.3;
/// Fewer beats are none.
const LEAST_BEATS: usize = 4;

/// What a musician would say of a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Music {
    /// Beats per minute; absent where there is no beat. Where the tempo changes, the one that lasts longest.
    pub tempo_bpm: Option<f64>,
    /// How sure it is that this is the pulse all through, 0 to 1: how far the sound repeats at it, how much of the song
    /// keeps it, and how far no unrelated tempo explains it as well.
    pub tempo_confidence: f64,
    /// The pulse of the same metre that comes next: half, double or a third more or less. It might be felt as the beat.
    pub tempo_other_bpm: Option<f64>,
    /// How sure it is that the beat is not felt there, 0 to 1.
    pub tempo_level_confidence: f64,
    /// The beats in seconds.
    pub beats_s: Vec<f64>,
    /// Beats in a bar, where that is sure.
    pub beats_per_bar: Option<usize>,
    /// The first beats of the bars in seconds, where that is sure.
    pub downbeats_s: Vec<f64>,
    /// The key; absent for drums, noise and what has no notes enough.
    pub key: Option<Key>,
    /// How far it is tuned above 440 Hz, in cents, -50 to 50; absent where there are no notes.
    pub tuning_cents: Option<f64>,
    /// The parts of the song, from its beginning to its end; none of silence.
    pub sections: Vec<Section>,
    /// Loudness of each second, without gating, in LUFS.
    pub energy_lufs: Vec<Option<f64>>,
}

/// What a recording is judged by.
pub(crate) struct Heard<'a> {
    pub(crate) novelty: &'a Novelty,
    pub(crate) chroma: &'a Chroma,
    pub(crate) erb: &'a ErbFrames,
    pub(crate) duration_s: f64,
    /// What the tempo is by the onsets alone, in beats per minute.
    pub(crate) onset_bpm: Option<f64>,
    /// Loudness between two times in seconds, in LUFS.
    pub(crate) loudness: &'a dyn Fn(f64, f64) -> Option<f64>,
}

/// Everything a musician would say.
pub(crate) fn music(heard: &Heard) -> Music {
    let mut music = Music::default();
    let seconds = heard.duration_s.ceil() as usize;
    let second = |n: usize| (heard.loudness)(n as f64, (n as f64 + 1.0).min(heard.duration_s));
    music.energy_lufs = (0..seconds).map(second).collect();
    let novelty = conditioned(&heard.novelty.all);
    if let Some(rhythm) = rhythm(&novelty, heard.onset_bpm) {
        music.tempo_bpm = (rhythm.confidence >= LEAST_CONFIDENCE).then_some(rhythm.bpm);
        music.tempo_confidence = rhythm.confidence;
        music.tempo_other_bpm = rhythm.other.map(|(bpm, _)| (bpm * 10.0).round() / 10.0);
        music.tempo_level_confidence = rhythm.level_confidence();
        music.beats_s = rhythm.beats_s;
        if let Some((metre, phase)) = beats::bars(&accents(heard, &music.beats_s)) {
            music.beats_per_bar = Some(metre);
            music.downbeats_s = music.beats_s.iter().skip(phase).step_by(metre).copied().collect();
        }
    }
    music.key = key::key(heard.chroma);
    music.tuning_cents = music.key.is_some().then(|| key::tuning(heard.chroma).0);
    music.sections = sections(&Material {
        erb: heard.erb,
        chroma: heard.chroma,
        duration_s: heard.duration_s,
        beats_s: &music.beats_s,
        loudness: heard.loudness,
        energy_lufs: &music.energy_lufs,
    });
    music
}

/// Tempo and beats of a novelty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rhythm {
    pub(crate) bpm: f64,
    pub(crate) confidence: f64,
    pub(crate) other: Option<(f64, f64)>,
    pub(crate) beats_s: Vec<f64>,
}

impl Rhythm {
    fn level_confidence(&self) -> f64 {
        1.0 - self.other.map_or(0.0, |(_, score)| score.clamp(0.0, 1.0))
    }
}

/// The rhythm of a conditioned novelty, where it has one; a tempo from elsewhere has a say where two levels of the
/// metre are about as likely.
pub(crate) fn rhythm(novelty: &[f64], elsewhere_bpm: Option<f64>) -> Option<Rhythm> {
    let pulse = pulse(novelty, elsewhere_bpm)?;
    let strength = ((pulse.strength - PULSED.0) / (PULSED.1 - PULSED.0)).clamp(0.0, 1.0);
    let alone = (2.0 * (1.0 - pulse.rival)).clamp(0.0, 1.0);
    let beating = (strength * alone).sqrt();
    let beats_s = beats::beats(novelty, &pulse);
    if beating < LEAST_BEATING || beats_s.len() < LEAST_BEATS {
        return None;
    }
    let middle = nearest_rank(&sorted(pulse.local_bpm.iter().copied()), 0.5).unwrap_or(pulse.bpm);
    let keeps = |local: &&f64| (*local / middle - 1.0).abs() < STEADY;
    let steady = pulse.local_bpm.iter().filter(keeps).count() as f64 / pulse.local_bpm.len() as f64;
    let bpm = if steady >= EXACT { beats::exact(novelty, middle) } else { middle };
    let bpm = (bpm * 100.0).round() / 100.0;
    Some(Rhythm { bpm, confidence: beating * steady, other: pulse.other, beats_s })
}

/// How far a bar might begin at each beat: a low note begins, and the harmony is another than before; both as deviations
/// from what is usual.
fn accents(heard: &Heard, beats_s: &[f64]) -> Vec<f64> {
    let (cents, _) = key::tuning(heard.chroma);
    let low = |time_s: f64| {
        let at = (time_s * RATE_HZ) as usize;
        let near = at.saturating_sub(4)..(at + 5).min(heard.novelty.low.len());
        heard.novelty.low[near.start.min(near.end)..near.end].iter().copied().fold(0.0, f64::max)
    };
    let mean_notes = |from_s: f64, to_s: f64| {
        let row = |time_s: f64| ((time_s.max(0.0) / chroma::ROW_S) as usize).min(heard.chroma.rows());
        let mut sum = [0.0; 12];
        for row in row(from_s)..row(to_s) {
            sum.iter_mut().zip(key::notes(heard.chroma.row(row), cents)).for_each(|(s, n)| *s += n);
        }
        let length = sum.iter().map(|s| s * s).sum::<f64>().sqrt().max(1e-9);
        sum.map(|s| s / length)
    };
    let change = |n: usize| {
        let at = beats_s[n];
        let length = if n > 0 { at - beats_s[n - 1] } else { beats_s.get(1).map_or(0.5, |next| next - at) };
        let (before, after) = (mean_notes(at - 2.0 * length, at), mean_notes(at, at + 2.0 * length));
        1.0 - before.iter().zip(after).map(|(a, b)| a * b).sum::<f64>()
    };
    let lows = scaled(beats_s.iter().map(|at| low(*at)).collect());
    let changes = scaled((0..beats_s.len()).map(change).collect());
    lows.iter().zip(changes).map(|(low, change)| low + change).collect()
}

/// With mean 0 and deviation 1; all zero where nothing varies.
fn scaled(values: Vec<f64>) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    values.into_iter().map(|x| if deviation > 1e-9 { (x - mean) / deviation } else { 0.0 }).collect()
}
