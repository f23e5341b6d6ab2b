//! The parts of a song: where one ends, which are alike, how loud each is.
//!
//! Boundaries: J. Foote, *Automatic audio segmentation using a measure of audio novelty*, ICME 2000: a chequered kernel
//! slides along the diagonal of the matrix of self-similarity, here of three lengths, over features that are
//! taken beat by beat (harmony, tone, loudness). Names: parts whose diagonals in that matrix are alike are one
//! (after M. Cooper & J. Foote, *Summarizing popular music via structural similarity analysis*, WASPAA 2003): A, B,
//! A; A' where the notes are the same and the sound is another.

use super::chroma::{Chroma, ROW_S};
use super::key::{notes, tuning};
use crate::erb::{ERB_BANDS, ErbFrames};
use crate::stats::{nearest_rank, sorted};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// At most so many steps: the matrix has their square.
const MOST_STEPS: usize = 1200;
/// A step where there are no beats, in seconds.
const PLAIN_STEP_S: f64 = 0.5;
/// Half lengths of the kernels in steps.
const KERNELS: [usize; 3] = [8, 16, 32];
/// A boundary is the highest novelty within so many steps, either way: two bars.
const ALONE: usize = 8;
/// And stands above this part of the highest, and above the mean by so many deviations.
const LEAST: f64 = 0.2;
const ABOVE: f64 = 0.5;
/// Or by so much, where nothing stands out: what chords that go round make is 0.05.
const PLAIN: f64 = 0.06;
/// Songs shorter than this have one part, in seconds.
const SHORTEST_S: f64 = 16.0;
/// Coefficients that describe the tone.
const TONES: usize = 10;
/// What harmony, tone and loudness count.
const HARMONY: f64 = 1.0;
const TONE: f64 = 0.7;
const LOUDNESS: f64 = 0.5;
/// Powers below this are silence (-80 dBFS).
const SILENCE: f64 = 1e-8;
/// Parts are alike when their likeness stands above that of any two places by this part of what is possible.
const ALIKE: f64 = 0.5;
/// Parts of one name whose loudness differs by more than this, in LU, are varied.
const VARIED_LU: f64 = 3.0;
/// Parts begin a little earlier or later than the boundary found: so many steps are tried.
const SHIFT: i64 = 4;
/// Parts below this are silence, in LUFS.
const SILENT_LUFS: f64 = -60.0;

/// One part of a song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Where it begins, in seconds.
    pub start_s: f64,
    /// Where it ends, in seconds.
    pub end_s: f64,
    /// Parts that are alike have one letter, in the order in which they come; with a stroke where they are varied;
    /// `silence` where nothing plays.
    pub label: String,
    /// Loudness without gating, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// Where its loudness lies between that of the softest and of the loudest seconds of the song, 0 to 1.
    pub energy: f64,
    /// How plainly it begins, 0 to 1: the novelty there against the highest. 1 for the first.
    pub confidence: f64,
}

/// What sections are found from.
pub(crate) struct Material<'a> {
    pub(crate) erb: &'a ErbFrames,
    pub(crate) chroma: &'a Chroma,
    pub(crate) duration_s: f64,
    /// Beats, or nothing.
    pub(crate) beats_s: &'a [f64],
    /// Loudness between two times in seconds, in LUFS.
    pub(crate) loudness: &'a dyn Fn(f64, f64) -> Option<f64>,
    /// Loudness of each second.
    pub(crate) energy_lufs: &'a [Option<f64>],
}

/// The sections of a song, one after the other from its beginning to its end; none of silence.
pub(crate) fn sections(material: &Material) -> Vec<Section> {
    if material.energy_lufs.iter().flatten().all(|lufs| *lufs < SILENT_LUFS) {
        return Vec::new();
    }
    let steps = steps(material);
    let features = features(material, &steps);
    let mut starts = vec![(0, 1.0)];
    if material.duration_s >= SHORTEST_S && features.len() >= 4 * ALONE {
        starts.extend(boundaries(&features));
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([features.len()]);
    let parts: Vec<(usize, usize)> = starts.iter().map(|(at, _)| *at).zip(ends).collect();
    let (low, high) = range(material.energy_lufs);
    let plain = parts.iter().zip(&starts).map(|((from, to), (_, confidence))| {
        let (start_s, end_s) = (steps[*from], steps[*to]);
        let loudness_lufs = (material.loudness)(start_s, end_s);
        let energy = loudness_lufs.map_or(0.0, |lufs| ((lufs - low) / (high - low)).clamp(0.0, 1.0));
        Section { start_s, end_s, label: String::new(), loudness_lufs, energy, confidence: *confidence }
    });
    let mut sections: Vec<Section> = plain.collect();
    name(&mut sections, &parts, &Likeness::new(&features));
    sections
}

/// Gives each section its letter.
fn name(sections: &mut [Section], parts: &[(usize, usize)], alike: &Likeness) {
    // For each letter the sections that have it.
    let mut families: Vec<Vec<usize>> = Vec::new();
    for n in 0..sections.len() {
        let Some(lufs) = sections[n].loudness_lufs.filter(|lufs| *lufs > SILENT_LUFS) else {
            sections[n].label = "silence".to_string();
            continue;
        };
        let near = |family: &Vec<usize>| {
            family.iter().map(|other| alike.of(parts[*other], parts[n])).sum::<f64>() / family.len() as f64
        };
        let best = families.iter().map(near).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        sections[n].label = match best.filter(|(_, likeness)| *likeness > ALIKE) {
            Some((family, _)) => {
                let first = sections[families[family][0]].loudness_lufs.unwrap_or(lufs);
                families[family].push(n);
                let stroke = if (first - lufs).abs() > VARIED_LU { "'" } else { "" };
                format!("{}{stroke}", letter(family))
            }
            None => {
                families.push(vec![n]);
                letter(families.len() - 1)
            }
        };
    }
}

/// A, B ... Z, AA, AB ...
fn letter(number: usize) -> String {
    let last = char::from(b'A' + (number % 26) as u8);
    if number < 26 { last.to_string() } else { format!("{}{last}", letter(number / 26 - 1)) }
}

/// The loudness of soft and of loud seconds, at least 6 LU apart.
fn range(energy_lufs: &[Option<f64>]) -> (f64, f64) {
    let sounding = sorted(energy_lufs.iter().flatten().copied().filter(|lufs| *lufs > SILENT_LUFS));
    let high = nearest_rank(&sounding, 0.95).unwrap_or(0.0);
    (nearest_rank(&sounding, 0.1).unwrap_or(0.0).min(high - 6.0), high)
}

/// The edges of the steps in seconds, one more than there are steps: beats, or an even grid.
fn steps(material: &Material) -> Vec<f64> {
    let end = material.duration_s;
    let plain: Vec<f64> = (0..).map(|n| f64::from(n) * PLAIN_STEP_S).take_while(|at| *at < end).collect();
    let mut edges: Vec<f64> = match material.beats_s {
        [first, .., last] if material.beats_s.len() >= 16 => {
            // The grid goes on before the first beat and after the last, where it sounds or not.
            let mean = (last - first) / (material.beats_s.len() - 1) as f64;
            let before = (1..).map(|n| first - f64::from(n) * mean).take_while(|at| *at > 0.25 * mean);
            let mut edges: Vec<f64> = before.collect();
            edges.reverse();
            edges.extend_from_slice(material.beats_s);
            let after = (1..).map(|n| last + f64::from(n) * mean);
            edges.extend(after.take_while(|at| *at < end - 0.25 * mean));
            edges
        }
        _ => plain.into_iter().skip(1).collect(),
    };
    let thin = edges.len().div_ceil(MOST_STEPS).max(1);
    edges = edges.into_iter().step_by(thin).filter(|at| *at > 0.0 && *at < end).collect();
    edges.insert(0, 0.0);
    edges.push(end);
    edges
}

/// One vector for each step.
fn features(material: &Material, steps: &[f64]) -> Vec<Vec<f64>> {
    let (cents, _) = tuning(material.chroma);
    let mut harmony = Vec::new();
    let mut sound = Vec::new();
    for pair in steps.windows(2) {
        harmony.push(step_notes(material.chroma, cents, pair[0], pair[1]));
        sound.push(step_tone(material.erb, pair[0], pair[1]));
    }
    let scaled = standardised(&sound);
    let each = harmony.into_iter().zip(scaled).map(|(notes, tone)| {
        let (tone, loudness) = tone.split_at(TONES);
        let notes = notes.iter().map(|x| HARMONY * x);
        let tone = tone.iter().map(|x| TONE * x / (TONES as f64).sqrt());
        notes.chain(tone).chain(loudness.iter().map(|x| LOUDNESS * x)).collect()
    });
    each.collect()
}

/// The notes of a step, of length 1 or nothing.
fn step_notes(chroma: &Chroma, cents: f64, from_s: f64, to_s: f64) -> [f64; 12] {
    let mut sum = [0.0; 12];
    let row = |time_s: f64| ((time_s / ROW_S) as usize).min(chroma.rows());
    for row in row(from_s)..row(to_s).max((row(from_s) + 1).min(chroma.rows())) {
        sum.iter_mut().zip(notes(chroma.row(row), cents)).for_each(|(s, n)| *s += n);
    }
    let mean = sum.iter().sum::<f64>() / 12.0;
    sum.iter_mut().for_each(|s| *s -= mean);
    let length = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
    if length > 1e-9 { sum.map(|s| s / length) } else { [0.0; 12] }
}

/// The cepstrum of the auditory bands and the loudness of a step.
fn step_tone(erb: &ErbFrames, from_s: f64, to_s: f64) -> Vec<f64> {
    let row = |time_s: f64| ((time_s / erb.frame_s.max(1e-3)) as usize).min(erb.rows());
    let (from, to) = (row(from_s), row(to_s).max((row(from_s) + 1).min(erb.rows())));
    let mut power = [0.0; ERB_BANDS];
    for row in from..to {
        power.iter_mut().zip(erb.row(row)).for_each(|(sum, p)| *sum += f64::from(*p) / (to - from) as f64);
    }
    let levels = power.map(|p| (p + SILENCE / ERB_BANDS as f64).ln());
    let coefficient = |n: usize| {
        let wave = |band: usize| (PI * n as f64 * (band as f64 + 0.5) / ERB_BANDS as f64).cos();
        levels.iter().enumerate().map(|(band, level)| level * wave(band)).sum::<f64>()
    };
    let mut tone: Vec<f64> = (1..=TONES).map(coefficient).collect();
    tone.push((power.iter().sum::<f64>() + SILENCE).ln());
    tone
}

/// Each coefficient with mean 0 and deviation 1; what hardly varies stays small.
fn standardised(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let count = rows.len().max(1) as f64;
    let width = rows.first().map_or(0, Vec::len);
    let mean: Vec<f64> = (0..width).map(|n| rows.iter().map(|row| row[n]).sum::<f64>() / count).collect();
    let deviation: Vec<f64> = (0..width)
        .map(|n| (rows.iter().map(|row| (row[n] - mean[n]).powi(2)).sum::<f64>() / count).sqrt().max(0.3))
        .collect();
    rows.iter().map(|row| (0..width).map(|n| (row[n] - mean[n]) / deviation[n]).collect()).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// The mean of each step with its neighbours.
fn smoothed(features: &[Vec<f64>], reach: usize) -> Vec<Vec<f64>> {
    let around = |n: usize| &features[n.saturating_sub(reach)..(n + reach + 1).min(features.len())];
    let mean = |rows: &[Vec<f64>]| {
        (0..rows[0].len()).map(|k| rows.iter().map(|row| row[k]).sum::<f64>() / rows.len() as f64).collect()
    };
    (0..features.len()).map(|n| mean(around(n))).collect()
}

/// Where new parts begin, and how plainly, in order.
fn boundaries(features: &[Vec<f64>]) -> Vec<(usize, f64)> {
    let smooth = smoothed(features, 1);
    let count = smooth.len();
    let mut novelty = vec![0.0; count];
    let kernels: Vec<usize> = KERNELS.into_iter().filter(|half| 3 * half <= count).collect();
    for half in &kernels {
        let curve = kernel_novelty(&smooth, *half);
        novelty.iter_mut().zip(curve).for_each(|(sum, x)| *sum += x / kernels.len() as f64);
    }
    let highest = novelty.iter().copied().fold(0.0, f64::max);
    let mean = novelty.iter().sum::<f64>() / count as f64;
    let deviation = (novelty.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64).sqrt();
    let least = (LEAST * highest).max(mean + (ABOVE * deviation).max(PLAIN));
    let mut found: Vec<(usize, f64)> = Vec::new();
    for at in ALONE..count.saturating_sub(ALONE) + 1 {
        let around = &novelty[at.saturating_sub(ALONE)..(at + ALONE + 1).min(count)];
        let apart = found.last().is_none_or(|(last, _)| at - last >= ALONE);
        if novelty[at] > least && apart && around.iter().all(|x| *x <= novelty[at]) {
            found.push((at, novelty[at] / highest));
        }
    }
    found
}

/// Foote's novelty for a kernel with so many steps either way.
fn kernel_novelty(features: &[Vec<f64>], half: usize) -> Vec<f64> {
    let count = features.len();
    let scale = typical(features);
    let taper: Vec<f64> =
        (0..half).map(|n| (-0.5 * ((n as f64 + 0.5) / (0.5 * half as f64)).powi(2)).exp()).collect();
    let near = |i: usize, j: usize| (-distance(&features[i], &features[j]) / scale).exp();
    (0..count)
        .map(|at| {
            // At both ends of the song the kernel is as long as there is song.
            let reach = half.min(at).min(count - at);
            let (mut same, mut across, mut weight) = (0.0, 0.0, 1e-12);
            for i in 0..reach {
                for j in 0..reach {
                    let w = taper[i] * taper[j];
                    weight += w;
                    same += 0.5 * w * (near(at + i, at + j) + near(at - 1 - i, at - 1 - j));
                    across += w * near(at + i, at - 1 - j);
                }
            }
            let whole = (reach as f64 / half as f64).min(1.0);
            ((same - across) / weight).max(0.0) * whole
        })
        .collect()
}

/// The middle distance of two places anywhere.
fn typical(features: &[Vec<f64>]) -> f64 {
    let step = (features.len() / 60).max(1);
    let some: Vec<&Vec<f64>> = features.iter().step_by(step).collect();
    let pairs = some.iter().enumerate().flat_map(|(n, a)| some[n + 1..].iter().map(move |b| distance(a, b)));
    nearest_rank(&sorted(pairs), 0.5).unwrap_or(0.0).max(1e-6)
}

/// How much alike two parts are.
struct Likeness<'a> {
    features: &'a [Vec<f64>],
    scale: f64,
}

impl<'a> Likeness<'a> {
    fn new(features: &'a [Vec<f64>]) -> Likeness<'a> {
        Likeness { features, scale: typical(features) }
    }

    /// 1 for the same, 0 for any two places: the mean distance along the best diagonal against the typical one.
    fn of(&self, a: (usize, usize), b: (usize, usize)) -> f64 {
        let length = (a.1 - a.0).min(b.1 - b.0);
        if length == 0 {
            return 0.0;
        }
        let along = |shift: i64| {
            let (mut sum, mut count) = (0.0, 0usize);
            for n in 0..length as i64 {
                let (i, j) = (a.0 as i64 + n, b.0 as i64 + n + shift);
                if j >= b.0 as i64 && j < b.1 as i64 {
                    sum += distance(&self.features[i as usize], &self.features[j as usize]);
                    count += 1;
                }
            }
            // At least three quarters of the shorter one have to meet.
            if 4 * count >= 3 * length { 1.0 - sum / count as f64 / self.scale } else { f64::NEG_INFINITY }
        };
        (-SHIFT..=SHIFT).map(along).fold(f64::NEG_INFINITY, f64::max)
    }
}
