//! Tempo from the onsets of several tracks.
//!
//! Onsets are laid over each other as a curve of novelty, whose autocorrelation is combed at the multiples of a
//! beat (D. P. W. Ellis, *Beat tracking by dynamic programming*, Journal of New Music Research 36, 2007, section
//! 3.2, with its prior about 120 beats per minute). Which of several octaves is the beat is decided as by
//! G. Percival and G. Tzanetakis (*Streamlined tempo estimation based on autocorrelation and cross-correlation
//! with pulses*, IEEE/ACM TASLP 22, 2014): a train of pulses at the beat has to meet the novelty. The exact
//! value comes from the phases of the onsets against the beat's subdivisions.

use crate::erb::ErbFrames;
use std::f64::consts::TAU;

/// Steps of the novelty in one second.
const RATE_HZ: f64 = 100.0;
/// Deviation of an onset's smear in steps: players and meters are no more exact.
const SMEAR: f64 = 1.5;
/// Slowest and fastest beat, in beats per minute.
const BPM: (f64, f64) = (45.0, 220.0);
/// Ratio of neighbouring candidates: lags of a second move by less than the smear.
const STEP: f64 = 1.004;
/// The usual tempo, and how far tempi vary about it, in octaves.
const USUAL_BPM: f64 = 120.0;
const SPREAD_OCTAVES: f64 = 1.0;
/// Multiples of a beat that are combed: a bar.
const MULTIPLES: usize = 4;
/// How much it counts that the pulses of a beat meet the novelty.
const MET: f64 = 0.25;
/// Fewer onsets than this have no tempo.
const LEAST_ONSETS: usize = 16;
/// Rise of the compressed power that makes an onset strong is looked for in so many rows.
const ROWS: usize = 2;
/// Powers are compressed about as loudness is before their rise is taken.
const COMPRESSION: f64 = 0.15;
/// A beat is divided so often by the shortest notes that are asked for its exact length.
const SUBDIVISIONS: [f64; 3] = [1.0, 2.0, 4.0];
/// The exact value is looked for within this share of the coarse one.
const NEAR: f64 = 0.03;

/// A tempo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempo {
    /// Beats per minute.
    pub bpm: f64,
    /// How sure it is, 0 to 1: how exactly the onsets follow one beat all through, and how far no other beat
    /// explains them as well. Above 0.6 it may be relied on.
    pub confidence: f64,
}

/// An onset: time in seconds and strength.
type Onset = (f64, f64);

/// The tempo of tracks that play together, each by its onsets in seconds and its powers in bands; `None` where there
/// are too few onsets. A song that changes its tempo has a low confidence.
pub fn tempo<'a>(tracks: impl IntoIterator<Item = (&'a [f64], &'a ErbFrames)>) -> Option<Tempo> {
    let each = tracks.into_iter().flat_map(|(onsets_s, erb)| strengths(onsets_s, erb));
    tempo_of(&each.collect::<Vec<Onset>>())
}

/// The tempo of one signal, from its onsets.
pub(crate) fn onset_tempo(onsets_s: &[f64], erb: &ErbFrames) -> Option<Tempo> {
    tempo_of(&strengths(onsets_s, erb))
}

/// The onsets of one track, their strengths adding up to the square root of their number: a shaker does not
/// drown the kick.
fn strengths(onsets_s: &[f64], erb: &ErbFrames) -> Vec<Onset> {
    let loudness = |row: usize| -> f64 {
        if row >= erb.rows() {
            return 0.0;
        }
        erb.row(row).iter().map(|power| f64::from(*power).powf(COMPRESSION)).sum()
    };
    let strength = |time_s: f64| {
        let row = (time_s / erb.frame_s.max(1e-3)) as usize;
        let before = row.checked_sub(1).map_or(0.0, loudness);
        (row..=row + ROWS).map(|row| loudness(row) - before).fold(0.0, f64::max)
    };
    let raw: Vec<Onset> = onsets_s.iter().map(|time_s| (*time_s, strength(*time_s))).collect();
    let sum: f64 = raw.iter().map(|(_, strength)| strength).sum();
    let wanted = (raw.len() as f64).sqrt();
    raw.into_iter().map(|(time_s, s)| (time_s, if sum > 0.0 { s * wanted / sum } else { 0.0 })).collect()
}

fn tempo_of(onsets: &[Onset]) -> Option<Tempo> {
    let all: f64 = onsets.iter().map(|(_, strength)| strength).sum();
    if onsets.len() < LEAST_ONSETS || all <= 0.0 {
        return None;
    }
    let novelty = novelty(onsets);
    let correlation = autocorrelation(&novelty)?;
    let steps = ((BPM.1 / BPM.0).ln() / STEP.ln()) as usize;
    let candidates: Vec<(f64, f64)> = (0..=steps)
        .map(|n| BPM.0 * STEP.powi(n as i32))
        .map(|bpm| (bpm, prior(bpm) * comb(&correlation, bpm).powi(2) * met(&novelty, bpm).powf(MET)))
        .collect();
    let best = candidates.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let bpm = exact(onsets, best.0);
    // The best of those that are no simple multiple of it.
    let related = |other: f64| {
        let ratio = (other / bpm).log2().abs();
        [0.0, 1.0, 2.0, 1.585, 0.585].iter().any(|simple: &f64| (ratio - simple).abs() < 0.06)
    };
    let other = candidates.iter().filter(|(bpm, _)| !related(*bpm)).map(|c| c.1).fold(0.0, f64::max);
    let alone = (1.0 - other / best.1.max(1e-12)).clamp(0.0, 1.0);
    let kept = [0.0, 0.5].map(|from| kept_in_half(onsets, bpm, from));
    let follows = kept[0].min(kept[1]);
    // Onsets at random reach 0.3 or so by chance, players 0.7 and more.
    let follows = ((follows - 0.3) / 0.4).clamp(0.0, 1.0);
    let alone = (alone / 0.4).clamp(0.0, 1.0);
    Some(Tempo { bpm: (bpm * 10.0).round() / 10.0, confidence: (follows * alone).sqrt() })
}

/// The onsets as a curve, each smeared a little.
fn novelty(onsets: &[Onset]) -> Vec<f64> {
    let last_s = onsets.iter().map(|(time_s, _)| *time_s).fold(0.0, f64::max);
    let mut curve = vec![0.0; (last_s * RATE_HZ) as usize + 8];
    let reach = (4.0 * SMEAR) as i64;
    for (time_s, strength) in onsets {
        let place = time_s * RATE_HZ;
        for step in place as i64 - reach..=place as i64 + reach {
            if let Some(value) = usize::try_from(step).ok().and_then(|step| curve.get_mut(step)) {
                *value += strength * (-0.5 * ((step as f64 - place) / SMEAR).powi(2)).exp();
            }
        }
    }
    curve
}

/// Likeness of the novelty to itself by lag in steps, 1 at none and 0 by chance.
fn autocorrelation(novelty: &[f64]) -> Option<Vec<f64>> {
    let longest = (MULTIPLES as f64 * 60.0 / BPM.0 * RATE_HZ) as usize + 2;
    let mean = novelty.iter().sum::<f64>() / novelty.len() as f64;
    let centred: Vec<f64> = novelty.iter().map(|value| value - mean).collect();
    let product = |lag: usize| -> f64 {
        let pairs = centred.len().saturating_sub(lag);
        if pairs < centred.len() / 4 {
            return 0.0;
        }
        let sum: f64 = centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum();
        sum / pairs as f64
    };
    let none = product(0);
    (none > 0.0).then(|| (0..=longest).map(|lag| product(lag) / none).collect())
}

/// How usual a tempo is (Ellis 2007, equation 7).
fn prior(bpm: f64) -> f64 {
    (-0.5 * ((bpm / USUAL_BPM).log2() / SPREAD_OCTAVES).powi(2)).exp()
}

/// Mean likeness at the multiples of a beat; nothing below zero counts.
fn comb(correlation: &[f64], bpm: f64) -> f64 {
    let beat = 60.0 / bpm * RATE_HZ;
    let at = |multiple: usize| {
        let place = beat * multiple as f64;
        let step = place as usize;
        let value = |step: usize| correlation.get(step).copied().unwrap_or(0.0);
        let share = place - step as f64;
        (1.0 - share) * value(step) + share * value(step + 1)
    };
    ((1..=MULTIPLES).map(at).sum::<f64>() / MULTIPLES as f64).max(0.0)
}

/// Share of the novelty that the best train of pulses at a tempo meets, within a bar at a time: players drift.
fn met(novelty: &[f64], bpm: f64) -> f64 {
    let beat = 60.0 / bpm * RATE_HZ;
    let stretch = (2.0 * MULTIPLES as f64 * beat) as usize;
    let (mut met, mut all) = (0.0, 0.0);
    for part in novelty.chunks(stretch.max(1)) {
        let pulses = |phase: usize| -> f64 {
            let places =
                (0..).map(|n| phase as f64 + n as f64 * beat).take_while(|at| (*at as usize) < part.len());
            places.map(|at| part[at as usize]).sum()
        };
        met += (0..beat as usize).map(pulses).fold(0.0, f64::max);
        all += part.iter().sum::<f64>();
    }
    // A smeared onset has this share of itself in its highest step.
    let highest = 1.0 / (SMEAR * TAU.sqrt());
    (met / (all * highest).max(1e-12)).min(1.0)
}

/// How far onsets stand at one phase of a period of so many hertz, 0 to 1.
fn locked<'a>(onsets: impl Iterator<Item = &'a Onset>, hz: f64) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (time_s, strength) in onsets {
        let (sin, cos) = (TAU * hz * time_s).sin_cos();
        re += strength * cos;
        im += strength * sin;
        all += strength;
    }
    if all > 0.0 { re.hypot(im) / all } else { 0.0 }
}

/// The tempo near a coarse one to whose subdivisions the onsets are locked best.
fn exact(onsets: &[Onset], coarse: f64) -> f64 {
    let score =
        |bpm: f64| -> f64 { SUBDIVISIONS.iter().map(|n| locked(onsets.iter(), n * bpm / 60.0)).sum() };
    let fine = |centre: f64, reach: f64, steps: i32| {
        let places = (-steps..=steps).map(|n| centre * (1.0 + reach * f64::from(n) / f64::from(steps)));
        places
            .map(|bpm| (bpm, score(bpm)))
            .fold((centre, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    };
    // Forty seconds at four to the beat turn once for a third of a percent.
    let (bpm, _) = fine(coarse, NEAR, 60);
    fine(bpm, NEAR / 60.0, 30).0
}

/// How far the onsets of one half of the song follow the beat: the best of its subdivisions.
fn kept_in_half(onsets: &[Onset], bpm: f64, from: f64) -> f64 {
    let last_s = onsets.iter().map(|(time_s, _)| *time_s).fold(0.0, f64::max);
    let span = from * last_s..(from + 0.5) * last_s;
    let part: Vec<Onset> = onsets.iter().filter(|(time_s, _)| span.contains(time_s)).copied().collect();
    let subdivisions = SUBDIVISIONS.iter().chain(&[3.0]);
    subdivisions.map(|n| locked(part.iter(), n * bpm / 60.0)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deterministic generator of numbers in -1 .. 1 (xorshift, Marsaglia 2003).
    fn random(mut state: u64) -> impl FnMut() -> f64 {
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        }
    }

    fn clicks(bpm: f64, jitter_ms: f64, seconds: f64) -> Vec<Onset> {
        let mut random = random(11);
        let beats = (seconds * bpm / 60.0) as usize;
        (0..beats).map(|n| (n as f64 * 60.0 / bpm + 0.3 + jitter_ms * 1e-3 * random(), 1.0)).collect()
    }

    #[test]
    fn clicks_have_their_tempo_whatever_it_is() {
        for bpm in [60.0, 72.0, 84.5, 96.0, 104.0, 117.3, 130.0, 145.0, 160.0, 180.0] {
            for jitter_ms in [0.0, 10.0, 20.0] {
                let found = tempo_of(&clicks(bpm, jitter_ms, 40.0)).unwrap();
                // Half a percent: 20 ms at both ends of 40 s are a tenth of that.
                assert!((found.bpm / bpm - 1.0).abs() < 0.005, "{bpm} with {jitter_ms} ms: {found:?}");
                assert!(found.confidence > 0.6, "{bpm} with {jitter_ms} ms: {found:?}");
            }
        }
    }

    #[test]
    fn soft_eighths_between_do_not_double_it() {
        for bpm in [80.0, 92.0, 104.0, 120.0, 132.0] {
            let mut onsets = clicks(bpm, 8.0, 40.0);
            onsets.extend(clicks(bpm, 8.0, 40.0).into_iter().map(|(t, _)| (t + 30.0 / bpm, 0.5)));
            let found = tempo_of(&onsets).unwrap();
            assert!((found.bpm / bpm - 1.0).abs() < 0.005, "{bpm}: {found:?}");
        }
    }

    #[test]
    fn what_has_no_beat_is_not_believed() {
        for seed in 1..12 {
            let mut random = random(seed);
            let onsets: Vec<Onset> =
                (0..120).map(|_| (20.0 + 20.0 * random(), 1.0 + 0.5 * random())).collect();
            let found = tempo_of(&onsets).unwrap();
            assert!(found.confidence < 0.5, "{found:?}");
        }
        // A song that goes from 90 to 130 in the middle has no one tempo.
        let mut two = clicks(90.0, 5.0, 20.0);
        two.extend(clicks(131.0, 5.0, 20.0).into_iter().map(|(t, s)| (t + 20.0, s)));
        let found = tempo_of(&two).unwrap();
        assert!(found.confidence < 0.6, "{found:?}");
    }

    #[test]
    fn too_little_has_no_tempo() {
        assert_eq!(tempo_of(&clicks(120.0, 0.0, 5.0)), None);
        assert_eq!(tempo_of(&[]), None);
        assert_eq!(tempo([(&[][..], &ErbFrames::default())]), None);
        let same = vec![(1.0, 1.0); 50];
        assert!(tempo_of(&same).is_none_or(|tempo| tempo.confidence < 0.6));
    }
}
