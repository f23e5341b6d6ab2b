//! Delay and polarity of two microphones: right in nearly all cases, silent where nothing is common.

use crate::common::Random;
use audio::BlockRef;
use measure::{Alignment, delay_and_polarity};
use std::f64::consts::{PI, TAU};

const RATE: f64 = 48_000.0;
const SECONDS: f64 = 3.0;
const LONGEST_S: f64 = 0.03;

fn noise(seed: u64) -> Vec<f64> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..(SECONDS * RATE) as usize).map(|_| random.number()).collect()
}

/// A low-pass of first order.
fn duller(samples: &[f64], hz: f64) -> Vec<f64> {
    let share = 1.0 - (-TAU * hz / RATE).exp();
    let mut last = 0.0;
    samples
        .iter()
        .map(|x| {
            last += share * (x - last);
            last
        })
        .collect()
}

/// Later by a number of frames that need not be whole: a windowed sinc, flat to 0.42 of the rate.
fn later(samples: &[f64], frames: f64) -> Vec<f64> {
    const REACH: i64 = 24;
    let whole = frames.floor();
    let taps: Vec<f64> = (-REACH..=REACH)
        .map(|k| {
            let t = k as f64 - (frames - whole);
            let sinc = if t.abs() < 1e-12 { 1.0 } else { (PI * t).sin() / (PI * t) };
            sinc * (0.5 + 0.5 * (PI * t / (REACH as f64 + 1.0)).cos())
        })
        .collect();
    (0..samples.len() as i64)
        .map(|n| {
            let at = |k: i64| usize::try_from(n - whole as i64 - k).ok().and_then(|i| samples.get(i));
            (-REACH..=REACH).zip(&taps).filter_map(|(k, tap)| at(k).map(|x| tap * x)).sum()
        })
        .collect()
}

/// Sources of some kinds: noise, dull noise, strokes of noise, and strokes of tones with noise.
fn source(kind: usize, seed: u64) -> Vec<f64> {
    let white = noise(seed);
    match kind % 4 {
        0 => white,
        1 => duller(&white, 600.0),
        2 => {
            let stroke = |n: usize| (-((n % 12_000) as f64) / 2_000.0).exp();
            white.iter().enumerate().map(|(n, x)| stroke(n) * x).collect()
        }
        _ => {
            let tone = |n: usize| {
                let t = (n % 16_000) as f64 / RATE;
                (TAU * 82.0 * t).sin() * (-t / 0.12).exp() + 0.6 * (TAU * 213.0 * t).sin() * (-t / 0.06).exp()
            };
            let beat = |n: usize| (-((n % 16_000) as f64) / 400.0).exp();
            white.iter().enumerate().map(|(n, x)| tone(n) + 0.6 * beat(n) * x).collect()
        }
    }
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>()
}

fn find(a: &[f64], b: &[f64]) -> Alignment {
    let found = delay_and_polarity(&BlockRef::from_mono(a), &BlockRef::from_mono(b), RATE, LONGEST_S);
    found.expect("a usable rate").expect("two signals that sound")
}

/// A source, and the same later with uncorrelated bleed 12 dB below it.
fn pair(case: usize, frames: f64, sign: f64) -> (Vec<f64>, Vec<f64>) {
    let near = source(case, 1_000 + case as u64);
    let far = later(&near, frames);
    let bleed = source(case / 4 + 1, 5_000 + case as u64);
    let level = (power(&far) / power(&bleed)).sqrt() * 10f64.powf(-12.0 / 20.0);
    let far = far.iter().zip(&bleed).map(|(x, y)| sign * 0.7 * (x + level * y)).collect();
    (near, far)
}

#[test]
fn known_delays_up_to_20_ms_are_found_under_bleed() {
    let mut random = Random(99);
    let (mut right, cases) = (0, 40);
    let mut misses = Vec::new();
    for case in 0..cases {
        let frames = 0.5 * (random.number() + 1.0) * 0.02 * RATE;
        let sign = if random.number() < 0.0 { -1.0 } else { 1.0 };
        let (near, far) = pair(case, frames, sign);
        let found = find(&near, &far);
        assert_eq!(found.inverted, sign < 0.0, "case {case}, {frames:.2} frames: {found:?}");
        if (found.delay_frames - frames).abs() < 0.1 {
            right += 1;
        } else {
            misses.push((case, frames, found));
        }
    }
    assert!(right as f64 >= 0.95 * cases as f64, "{right} of {cases}: {misses:?}");
}

#[test]
fn strangers_are_left_alone() {
    for case in 0..24 {
        let (a, b) = (source(case, 200 + case as u64), source(case / 3, 900 + case as u64));
        let found = find(&a, &b);
        assert!(!found.is_worth_it(), "case {case}: {found:?}");
    }
}

#[test]
fn the_sum_says_whether_it_is_worth_it() {
    let near = source(1, 7);
    // Inverted and late: the sum all but cancels low down; together it is 6 dB above either.
    let far: Vec<f64> = later(&near, 20.0).iter().map(|x| -x).collect();
    let found = find(&near, &far);
    assert!(found.is_worth_it() && found.inverted, "{found:?}");
    // Against the sums themselves, from 60 to 500 Hz by two low-passes.
    let body =
        |x: &[f64]| duller(&x.iter().zip(duller(x, 60.0)).map(|(x, low)| x - low).collect::<Vec<_>>(), 250.0);
    let sum = |b: &[f64]| power(&body(&near.iter().zip(b).map(|(x, y)| x + y).collect::<Vec<_>>()));
    let mended: Vec<f64> = later(&far, -found.delay_frames).iter().map(|x| -x).collect();
    let gain_db = 10.0 * (sum(&mended) / sum(&far)).log10();
    // The filters' slopes are gentle where the reading's band ends at once.
    assert!((found.sum_gain_db - gain_db).abs() < 4.0, "{:.2} and {gain_db:.2} dB", found.sum_gain_db);
    // What is together already gains nothing.
    let same = find(&near, &near);
    assert!(same.sum_gain_db.abs() < 1e-6 && !same.is_worth_it(), "{same:?}");
    // A tenth of a millisecond turns 500 Hz by 18 degrees: nothing that is heard in the sum.
    let close = find(&near, &later(&near, 4.8));
    assert!(close.sum_gain_db < 0.5 && !close.is_worth_it(), "{close:?}");
}
