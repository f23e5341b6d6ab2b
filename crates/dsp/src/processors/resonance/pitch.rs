//! The fundamental of a single voice, and its harmonics.
//!
//! The autocorrelation is the Fourier transform of the power (Wiener and Khinchin), divided by that of the
//! window so that long periods do not look weak (Boersma, *Accurate short-term analysis of the fundamental
//! frequency and the harmonics-to-noise ratio of a sampled sound*, IFA Proc. 17, 1993). Its highest peak is the
//! period; its height, 1 for a perfectly periodic sound, tells how surely.

use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner};
use std::f64::consts::PI;
use std::sync::Arc;

/// Fundamentals that are looked for, in hertz.
const LOWEST_HZ: f64 = 65.0;
const HIGHEST_HZ: f64 = 1_100.0;

/// Heights of the peak from "no voice" to "surely one".
const VOICED: (f64, f64) = (0.5, 0.7);

/// A shorter period is taken when its peak is nearly as high: a multiple of a period is one as well.
const NEARLY: f64 = 0.93;

/// Width of a harmonic to either side as a share of its frequency.
const WIDTH: f64 = 0.03;

/// And at most this share of the fundamental, so that something is left between high harmonics.
const MOST_WIDTH: f64 = 0.25;

/// A fundamental.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Voice {
    /// In hertz.
    pub(super) fundamental_hz: f64,
    /// From 0, no single voice, to 1.
    pub(super) sure: f64,
}

impl Voice {
    /// Takes back a share of the cuts on the harmonics. `width_hz` is the distance of two bins.
    pub(super) fn spare(&self, share: f64, width_hz: f64, cuts_db: &mut [f64]) {
        if self.sure <= 0.0 {
            return;
        }
        for (k, cut) in cuts_db.iter_mut().enumerate() {
            let hz = k as f64 * width_hz;
            let harmonic = (hz / self.fundamental_hz).round().max(1.0) * self.fundamental_hz;
            let half = (WIDTH * harmonic).min(MOST_WIDTH * self.fundamental_hz).max(2.0 * width_hz);
            // In full within the width, nothing at half as much again.
            let spared = (3.0 - 2.0 * (hz - harmonic).abs() / half).clamp(0.0, 1.0);
            *cut *= 1.0 - share * self.sure * spared;
        }
    }
}

/// Finds fundamentals.
pub(super) struct Pitch {
    inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Complex64>,
    spectrum: Vec<Complex64>,
    /// Autocorrelation by lag.
    lags: Vec<f64>,
    /// What the window leaves of a lag.
    window: Vec<f64>,
    /// The shortest and the longest period in samples.
    periods: (usize, usize),
    sample_rate_hz: f64,
}

impl Pitch {
    /// For frames of `size` samples.
    pub(super) fn new(size: usize, sample_rate_hz: f64) -> Pitch {
        let inverse = RealFftPlanner::new().plan_fft_inverse(size);
        let longest = ((sample_rate_hz / LOWEST_HZ) as usize).min(size / 2 - 2);
        let shortest = ((sample_rate_hz / HIGHEST_HZ) as usize).clamp(2, longest);
        // The autocorrelation of half a sine, in closed form.
        let left = |place: f64| (1.0 - place) * (PI * place).cos() + (PI * place).sin() / PI;
        let window = (0..longest + 2).map(|lag| left(lag as f64 / size as f64)).collect();
        Pitch {
            scratch: vec![Complex64::new(0.0, 0.0); inverse.get_scratch_len()],
            spectrum: inverse.make_input_vec(),
            lags: inverse.make_output_vec(),
            inverse,
            window,
            periods: (shortest, longest),
            sample_rate_hz,
        }
    }

    /// The voice in a frame of this power.
    pub(super) fn hear(&mut self, power: &[f64]) -> Voice {
        for (x, power) in self.spectrum.iter_mut().zip(power) {
            *x = Complex64::new(*power, 0.0);
        }
        let (spectrum, lags) = (&mut self.spectrum, &mut self.lags);
        if self.inverse.process_with_scratch(spectrum, lags, &mut self.scratch).is_err() || lags[0] <= 0.0 {
            return Voice::default();
        }
        let scale = 1.0 / self.lags[0];
        let height = |lag: usize| self.lags[lag] * scale / self.window[lag];
        let (shortest, longest) = self.periods;
        let mut highest = 0.0;
        for lag in shortest..=longest {
            highest = if height(lag) > highest { height(lag) } else { highest };
        }
        let sure = ((highest - VOICED.0) / (VOICED.1 - VOICED.0)).clamp(0.0, 1.0);
        if sure <= 0.0 {
            return Voice::default();
        }
        let is_peak = |lag: &usize| {
            let here = height(*lag);
            here >= NEARLY * highest && here >= height(lag - 1) && here >= height(lag + 1)
        };
        let Some(lag) = (shortest..=longest).find(is_peak) else { return Voice::default() };
        let (before, here, after) = (height(lag - 1), height(lag), height(lag + 1));
        let bend = before - 2.0 * here + after;
        let offset = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        Voice { fundamental_hz: self.sample_rate_hz / (lag as f64 + offset), sure }
    }
}
