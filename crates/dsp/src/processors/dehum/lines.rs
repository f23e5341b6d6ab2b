//! Oscillators, filters and transforms that the hum's tracker counts with.

use crate::Complex64;
use crate::blocks::kaiser;
use std::f64::consts::{PI, TAU};

/// Harmonics that can be removed.
pub(super) const MOST: usize = 40;
/// The band that the lower rate keeps, in hertz, and how far down is what folds into it.
pub(super) const BAND_HZ: f64 = 2_450.0;
const FOLDED_DB: f64 = 90.0;
/// Frequencies beside a line that are looked at together.
pub(super) const LANES: usize = 8;

/// A fundamental and its harmonics, sample by sample, by repeated multiplication of whole arrays.
pub(super) struct Oscillator {
    pub(super) base: [Vec<f64>; 2],
    pub(super) now: [Vec<f64>; 2],
}

impl Oscillator {
    pub(super) fn new(frames: usize) -> Oscillator {
        let part = || [vec![0.0; frames], vec![0.0; frames]];
        Oscillator { base: part(), now: part() }
    }

    /// Begins at the fundamental: phase zero at place `middle`, `step` radians per sample.
    pub(super) fn begin(&mut self, frames: usize, middle: f64, step: f64) {
        // Exact every 64 samples, by rotation in between.
        let turn = Complex64::from_polar(1.0, step);
        let mut value = Complex64::ONE;
        for n in 0..frames {
            if n % 64 == 0 {
                value = Complex64::from_polar(1.0, (n as f64 - middle) * step);
            }
            (self.base[0][n], self.base[1][n]) = (value.re, value.im);
            value *= turn;
        }
        for part in 0..2 {
            self.now[part][..frames].copy_from_slice(&self.base[part][..frames]);
        }
    }

    /// Goes on to the next harmonic.
    pub(super) fn next(&mut self, frames: usize) {
        let [now_re, now_im] = &mut self.now;
        multiply(
            &mut now_re[..frames],
            &mut now_im[..frames],
            &self.base[0][..frames],
            &self.base[1][..frames],
        );
    }
}

audio::wide! {
    fn multiply(re: &mut [f64], im: &mut [f64], by_re: &[f64], by_im: &[f64]) {
        for (((re, im), by_re), by_im) in re.iter_mut().zip(im.iter_mut()).zip(by_re).zip(by_im) {
            (*re, *im) = (*re * by_re - *im * by_im, *re * by_im + *im * by_re);
        }
    }
}

audio::wide! {
    /// `sum[n] += a re[n] - b im[n]`: the real part of a complex amplitude times the oscillator.
    pub(super) fn add_line(sum: &mut [f64], re: &[f64], im: &[f64], a: f64, b: f64) {
        for ((sum, re), im) in sum.iter_mut().zip(re).zip(im) {
            *sum += a * re - b * im;
        }
    }
}

/// The low-pass in front of the lower rate: Kaiser's, of odd length; one tap where the rate stays.
pub(super) fn low_pass(sample_rate_hz: f64, divisor: usize) -> Vec<f64> {
    if divisor == 1 {
        return vec![1.0];
    }
    let stop_hz = sample_rate_hz / divisor as f64 - BAND_HZ;
    let slope = TAU * (stop_hz - BAND_HZ) / sample_rate_hz;
    // Kaiser 1974: the length that falls by so much within the slope.
    let half = ((FOLDED_DB - 7.95) / (2.285 * slope) / 2.0).ceil() as i64;
    let cut = TAU * 0.5 * (stop_hz + BAND_HZ) / sample_rate_hz;
    let beta = kaiser::beta(FOLDED_DB);
    let tap = |n: i64| {
        let sinc = if n == 0 { cut / PI } else { (cut * n as f64).sin() / (PI * n as f64) };
        sinc * kaiser::window(n as f64 / (half + 1) as f64, beta)
    };
    (-half..=half).map(tap).collect()
}

/// Gain of a symmetric filter at an angle per sample.
pub(super) fn response(taps: &[f64], angle: f64) -> f64 {
    let half = (taps.len() / 2) as f64;
    taps.iter().enumerate().map(|(n, tap)| tap * ((n as f64 - half) * angle).cos()).sum()
}

audio::wide! {
    /// Magnitudes of the transform of `samples` at some angles per sample, of which twice the cosines are given
    /// (Goertzel 1958).
    pub(super) fn goertzel(samples: &[f64], factors: &[f64; LANES]) -> [f64; LANES] {
        let (mut one, mut two) = ([0.0; LANES], [0.0; LANES]);
        for x in samples {
            for lane in 0..LANES {
                let next = x + factors[lane] * one[lane] - two[lane];
                two[lane] = one[lane];
                one[lane] = next;
            }
        }
        let mut magnitudes = [0.0; LANES];
        for lane in 0..LANES {
            let (one, two) = (one[lane], two[lane]);
            magnitudes[lane] = (one * one + two * two - factors[lane] * one * two).max(0.0).sqrt();
        }
        magnitudes
    }
}

/// The middle value; of an even number the upper one.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
