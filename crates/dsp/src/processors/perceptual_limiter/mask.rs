//! How much error the programme hides at each frequency, and the pulse that has the same spectrum.
//!
//! The programme's power is spread along the ear's frequency scale (ERB rate: Glasberg & Moore, *Derivation of
//! auditory filter shapes from notched-noise data*, Hearing Research 47, 1990, equation 4) with straight slopes
//! in decibels (Terhardt, *Calculating virtual pitch*, Hearing Research 1, 1979), steep below and shallow above
//! the masker, and laid over the threshold in quiet (Terhardt 1979, equation 1). Only its shape matters here: how
//! much of it is used follows from the peaks.

use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Points per frame at which the ceiling is looked after.
pub(super) const RAISED: usize = 4;
/// Fall of the spread power per ERB, in decibels, towards low and high frequencies.
const FALL_BELOW_DB: f64 = 24.0;
const FALL_ABOVE_DB: f64 = 9.0;
/// Sound pressure of a full-scale tone for the threshold in quiet, in decibels: playing quietly is the safe guess.
const FULL_SCALE_SPL_DB: f64 = 90.0;
/// Above the pulse holds nothing: a share of the sample rate that leaves room to the filters.
const TOP: f64 = 0.45;
/// The least of the mask against its greatest.
const FLOOR: f64 = 1e-8;

/// Works out pulses; one for all channels, whose state is the pulse only.
pub(super) struct Mask {
    window: Vec<f64>,
    /// What the spread power loses from a bin to the one above it, and to the one below.
    up: Vec<f64>,
    down: Vec<f64>,
    /// Reciprocal of the spread of a flat spectrum.
    level: Vec<f64>,
    quiet: Vec<f64>,
    taper: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    spectrum: Vec<Complex64>,
    powers: Vec<f64>,
    sums: Vec<f64>,
    raised_spectrum: Vec<Complex64>,
    raised: Vec<f64>,
    scratch: Vec<Complex64>,
}

impl Mask {
    /// For analysis windows of `size` frames and pulses that reach `reach` frames to either side.
    pub(super) fn new(size: usize, reach: usize, sample_rate_hz: f64) -> Mask {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(RAISED * size));
        let hz = |bin: usize| bin as f64 * sample_rate_hz / size as f64;
        let erb = |bin: usize| 21.4 * (1.0 + 0.004_37 * hz(bin)).log10();
        let bins = size / 2 + 1;
        let fall = |db: f64, bin: usize| audio::db_to_power(-db * (erb(bin + 1) - erb(bin)));
        // A full-scale tone's power in its highest bin under a Hann window.
        let full = (size as f64 / 4.0).powi(2);
        let taper = |i: usize| (0.5 * PI * i as f64 / (RAISED * reach + 1) as f64).cos().powi(2);
        let mut mask = Mask {
            window: (0..size).map(|n| 0.5 - 0.5 * (2.0 * PI * n as f64 / size as f64).cos()).collect(),
            up: (0..bins).map(|bin| fall(FALL_ABOVE_DB, bin)).collect(),
            down: (0..bins).map(|bin| fall(FALL_BELOW_DB, bin)).collect(),
            level: vec![1.0; bins],
            quiet: (0..bins)
                .map(|bin| full * audio::db_to_power(threshold_in_quiet_db(hz(bin)) - FULL_SCALE_SPL_DB))
                .collect(),
            taper: (0..=RAISED * reach).map(taper).collect(),
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            powers: vec![1.0; bins],
            sums: vec![0.0; bins],
            raised_spectrum: inverse.make_input_vec(),
            raised: inverse.make_output_vec(),
            scratch: vec![Complex64::default(); forward.get_scratch_len().max(inverse.get_scratch_len())],
            forward,
            inverse,
        };
        mask.spread();
        mask.level = mask.sums.iter().map(|sum| 1.0 / sum).collect();
        mask
    }

    /// Spreads `powers` into `sums`.
    fn spread(&mut self) {
        let bins = self.powers.len();
        let mut carried = 0.0;
        for bin in 0..bins {
            carried += self.powers[bin];
            self.sums[bin] = carried;
            carried *= self.up[bin];
        }
        carried = 0.0;
        for bin in (0..bins).rev() {
            self.sums[bin] += carried;
            carried = (carried + self.powers[bin]) * self.down[bin.max(1) - 1];
        }
    }

    /// Writes the right half of the pulse for the programme `recent` (as many frames as a window) into `pulse`:
    /// symmetrical, at [`RAISED`] times the sample rate, one in its middle, its power spectrum that of the mask.
    pub(super) fn pulse(&mut self, recent: &[f64], pulse: &mut [f64]) {
        const LENGTHS: &str = "buffers come from the plan itself";
        self.time.iter_mut().zip(recent).zip(&self.window).for_each(|((t, x), w)| *t = x * w);
        self.forward
            .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
            .expect(LENGTHS);
        self.powers.iter_mut().zip(&self.spectrum).for_each(|(p, bin)| *p = bin.norm_sqr());
        self.spread();
        self.raised_spectrum.fill(Complex64::default());
        let top = (TOP * self.window.len() as f64) as usize;
        let mut greatest = 0.0f64;
        for bin in 0..top {
            self.sums[bin] = self.sums[bin] * self.level[bin] + self.quiet[bin];
            greatest = greatest.max(self.sums[bin]);
        }
        for bin in 1..top {
            self.raised_spectrum[bin].re = self.sums[bin].max(FLOOR * greatest) / greatest;
        }
        self.inverse
            .process_with_scratch(&mut self.raised_spectrum, &mut self.raised, &mut self.scratch)
            .expect(LENGTHS);
        let unit = 1.0 / self.raised[0];
        for ((pulse, value), taper) in pulse.iter_mut().zip(&self.raised).zip(&self.taper) {
            *pulse = value * unit * taper;
        }
    }
}

/// Terhardt 1979, equation 1, bounded where its fit ends.
fn threshold_in_quiet_db(hz: f64) -> f64 {
    let khz = (hz / 1000.0).max(0.02);
    let db = 3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4);
    db.min(60.0)
}
