//! Where the beats are, and which of them begin a bar.
//!
//! D. P. W. Ellis, *Beat tracking by dynamic programming*, Journal of New Music Research 36, 2007: of all rows of
//! times the one that meets most novelty while its intervals are those of the tempo; here of the tempo at that place.
//! Bars: of all metres and phases the one at whose beats low notes begin and harmony changes (after M. Davies & M.
//! Plumbley, *A spectral difference approach to downbeat extraction*, EUSIPCO 2006).

use super::tempogram::{Pulse, RATE_HZ};
use crate::stats::{nearest_rank, sorted};
use std::f64::consts::TAU;

/// How much the evenness of beats counts against the novelty they meet.
const TIGHT: f64 = 400.0;
/// Deviation of the smear of a beat, as a part of its length (Ellis: 1/32).
const SMEAR: f64 = 1.0 / 32.0;
/// Beats at both ends that meet less than this part of the usual are none.
const WEAK: f64 = 0.3;
/// A bar is told when its first beats stand out by this many standard errors from the next best.
const SURE_ERRORS: f64 = 3.0;
/// And when there are so many bars.
const LEAST_BARS: usize = 6;
/// The exact tempo is looked for within this part of the coarse one, in the middle five minutes.
const NEAR: f64 = 0.015;
const EXACT_STEPS: usize = 30_000;
/// A beat is divided so often by the notes that are asked for its exact length.
const SUBDIVISIONS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];
/// Metres that are asked for.
const METRES: [usize; 2] = [4, 3];

/// The times of the beats in seconds.
pub(crate) fn beats(novelty: &[f64], pulse: &Pulse) -> Vec<f64> {
    let local = smeared(novelty, pulse);
    let mut scores = vec![0.0; local.len()];
    let mut before: Vec<Option<usize>> = vec![None; local.len()];
    for row in 0..local.len() {
        let beat = pulse.beat(row);
        let (far, near) = ((2.0 * beat) as usize, (0.5 * beat).ceil() as usize);
        let mut best = (0.0, None);
        for last in row.saturating_sub(far)..row.saturating_sub(near.max(1)).saturating_add(1).min(row) {
            let bend = ((row - last) as f64 / beat).ln();
            let score = scores[last] - TIGHT * bend * bend;
            if score > best.0 {
                best = (score, Some(last));
            }
        }
        scores[row] = local[row] + best.0;
        before[row] = best.1;
    }
    // The best end within the last two beats.
    let tail = (2.0 * pulse.beat(local.len().saturating_sub(1))) as usize;
    let ends = local.len().saturating_sub(tail)..local.len();
    let Some(mut at) = ends.max_by(|a, b| scores[*a].total_cmp(&scores[*b])) else { return Vec::new() };
    let mut places = vec![at];
    while let Some(last) = before[at] {
        places.push(last);
        at = last;
    }
    places.reverse();
    trimmed(&local, places).into_iter().map(|at| refined(&local, at)).collect()
}

/// The novelty smeared by a part of the beat.
fn smeared(novelty: &[f64], pulse: &Pulse) -> Vec<f64> {
    let mut out = vec![0.0; novelty.len()];
    for (n, value) in novelty.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        let deviation = (SMEAR * pulse.beat(n)).max(0.7);
        let reach = (3.0 * deviation).ceil() as usize;
        for (at, to) in out.iter_mut().enumerate().take(n + reach + 1).skip(n.saturating_sub(reach)) {
            *to += value * (-0.5 * ((at as f64 - n as f64) / deviation).powi(2)).exp();
        }
    }
    let square = out.iter().map(|x| x * x).sum::<f64>() / out.len().max(1) as f64;
    out.iter_mut().for_each(|x| *x *= 10.0 / square.sqrt().max(1e-12));
    out
}

/// Without what stands in silence before the first and after the last sounding beat.
fn trimmed(local: &[f64], places: Vec<usize>) -> Vec<usize> {
    let usual = nearest_rank(&sorted(places.iter().map(|at| local[*at])), 0.5).unwrap_or(0.0);
    let sounds = |at: &usize| local[*at] >= WEAK * usual && local[*at] > 0.0;
    let (Some(first), Some(last)) = (places.iter().position(sounds), places.iter().rposition(sounds)) else {
        return Vec::new();
    };
    places[first..=last].to_vec()
}

/// The time of the highest point near a step, between steps, in seconds.
fn refined(local: &[f64], at: usize) -> f64 {
    let value = |n: usize| local.get(n).copied().unwrap_or(0.0);
    let (before, here, after) = (value(at.wrapping_sub(1)), value(at), value(at + 1));
    let bend = before - 2.0 * here + after;
    let shift = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    // A bin of novelty is read in its middle.
    (at as f64 + 0.5 + shift) / RATE_HZ
}

/// The tempo near a coarse one to whose subdivisions the novelty is locked best: where its spectrum is highest.
pub(crate) fn exact(novelty: &[f64], coarse_bpm: f64) -> f64 {
    let from = novelty.len().saturating_sub(EXACT_STEPS) / 2;
    let sounding: Vec<(f64, f64)> = novelty[from..]
        .iter()
        .take(EXACT_STEPS)
        .enumerate()
        .filter(|(_, value)| **value > 0.0)
        .map(|(n, value)| (n as f64 / RATE_HZ, *value))
        .collect();
    let locked = |hz: f64| {
        let sum = sounding.iter().fold((0.0, 0.0), |sum, (time_s, value)| {
            let (sin, cos) = (TAU * hz * time_s).sin_cos();
            (sum.0 + value * cos, sum.1 + value * sin)
        });
        sum.0.hypot(sum.1)
    };
    let score = |bpm: f64| SUBDIVISIONS.iter().map(|n| locked(n * bpm / 60.0)).sum::<f64>();
    let best = |centre: f64, reach: f64, points: i32| {
        let places = (-points..=points).map(|n| centre * (1.0 + reach * f64::from(n) / f64::from(points)));
        places
            .map(|bpm| (bpm, score(bpm)))
            .fold((centre, f64::NEG_INFINITY), |a, b| if b.1 > a.1 { b } else { a })
            .0
    };
    let bpm = best(coarse_bpm, NEAR, 60);
    best(bpm, NEAR / 60.0, 20)
}

/// How many beats a bar has and which of the first beats begins one, where that is sure. `accents` tell for each beat
/// how far a bar might begin there.
pub(crate) fn bars(accents: &[f64]) -> Option<(usize, usize)> {
    let mean = accents.iter().sum::<f64>() / accents.len().max(1) as f64;
    let mut found: Vec<(f64, usize, usize)> = Vec::new();
    for metre in METRES.into_iter().filter(|metre| accents.len() >= metre * LEAST_BARS) {
        for phase in 0..metre {
            let first: Vec<f64> = accents.iter().skip(phase).step_by(metre).copied().collect();
            let own = first.iter().sum::<f64>() / first.len() as f64;
            let square = first.iter().map(|x| (x - own).powi(2)).sum::<f64>() / (first.len() - 1) as f64;
            let error = (square / first.len() as f64).sqrt().max(1e-9);
            found.push(((own - mean) / error, metre, phase));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, metre, phase) = *found.first()?;
    let next = found.iter().find(|(_, other, at)| *other == metre && *at != phase).map_or(0.0, |f| f.0);
    let other = found.iter().find(|(_, other, _)| *other != metre).map_or(0.0, |f| f.0);
    (best - next.max(other) > SURE_ERRORS).then_some((metre, phase))
}
