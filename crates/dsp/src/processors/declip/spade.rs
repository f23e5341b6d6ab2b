//! The analysis sparse audio declipper on one windowed frame.
//!
//! Kitić, Bertin & Gribonval 2015: an alternating direction method of multipliers that keeps the
//! `k` largest coefficients of the spectrum, takes the nearest signal that agrees with the recording, and
//! lets `k` grow until both are the same but for `ACCURACY`. The spectrum is twice oversampled; scaled so, the
//! transform is a tight frame, and the nearest signal is found sample by sample.
//!
//! The paper adds one coefficient per turn. Here the count grows by a share of itself ([`GROWTH`]) once that is
//! more than one: as the count doubles, the coefficients that join are each half as large. It needs a fifth of
//! the turns, and restores chords better by about 1 dB, as many more turns follow the loudest partials.

use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Bins of the spectrum per bin that a frame needs.
const REDUNDANCY: usize = 2;

/// Growth of the number of coefficients per turn.
const GROWTH: f64 = 0.045;

/// Largest distance between the sparse and the consistent signal, as a share of the recording's: -40 dB. The
/// survey's 0.1 for frames of about 10 in norm.
const ACCURACY: f64 = 0.01;

/// A frame whose norm is below this is silence.
const SILENCE: f64 = 1e-12;

const ZERO: Complex64 = Complex64::new(0.0, 0.0);

/// The weights of a frame: half a sine, nowhere zero.
pub(super) fn window(size: usize) -> Vec<f64> {
    (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect()
}

/// Restores frames of one size.
pub(super) struct Spade {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Complex64>,
    /// Input and output of the transform: the frame and as many zeros.
    padded: Vec<f64>,
    /// The windowed frame, on its way from recorded to restored.
    frame: Vec<f64>,
    /// Per sample the smallest and the largest allowed value; equal where the sample is good.
    lowest: Vec<f64>,
    highest: Vec<f64>,
    /// Spectrum of the frame, its sparse neighbour, and the scaled multipliers.
    spectrum: Vec<Complex64>,
    sparse: Vec<Complex64>,
    multipliers: Vec<Complex64>,
    power: Vec<f64>,
    sorted: Vec<f64>,
}

impl Spade {
    /// For frames of `size` samples.
    pub(super) fn new(size: usize) -> Spade {
        let long = size * REDUNDANCY;
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(long), planner.plan_fft_inverse(long));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let bins = long / 2 + 1;
        Spade {
            forward,
            inverse,
            scratch: vec![ZERO; scratch],
            padded: vec![0.0; long],
            frame: vec![0.0; size],
            lowest: vec![0.0; size],
            highest: vec![0.0; size],
            spectrum: vec![ZERO; bins],
            sparse: vec![ZERO; bins],
            multipliers: vec![ZERO; bins],
            power: vec![0.0; bins],
            sorted: vec![0.0; bins],
        }
    }

    /// The frame as restored, still weighted by the window.
    pub(super) fn restored(&self) -> &[f64] {
        &self.frame
    }

    /// Takes a frame as it is.
    pub(super) fn keep(&mut self, recorded: &[f64], window: &[f64]) {
        for n in 0..window.len() {
            self.frame[n] = recorded[n] * window[n];
        }
    }

    /// Restores a frame. `good` is 1 for a good sample and 0 for a clipped one, which may become `rise` times
    /// as large.
    pub(super) fn restore(&mut self, recorded: &[f64], good: &[f64], window: &[f64], rise: f64) {
        let mut energy = 0.0;
        for n in 0..window.len() {
            let weighted = recorded[n] * window[n];
            let farthest = weighted * (1.0 + (1.0 - good[n]) * (rise - 1.0));
            self.frame[n] = weighted;
            self.lowest[n] = weighted.min(farthest);
            self.highest[n] = weighted.max(farthest);
            energy += weighted * weighted;
        }
        if energy.sqrt() < SILENCE {
            return;
        }
        self.multipliers.fill(ZERO);
        self.analyse();
        let bins = self.spectrum.len();
        let mut count = 1;
        while count < bins {
            self.sparsify(count);
            self.project();
            self.analyse();
            // One of two mirrored halves is kept: each coefficient counts twice.
            if 2.0 * self.advance() <= ACCURACY * ACCURACY * energy {
                break;
            }
            count += ((GROWTH * count as f64) as usize).max(1);
        }
    }

    /// Spectrum of the frame.
    fn analyse(&mut self) {
        let size = self.frame.len();
        self.padded[..size].copy_from_slice(&self.frame);
        self.padded[size..].fill(0.0);
        if self.forward.process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch).is_err()
        {
            self.spectrum.fill(ZERO);
        }
        let scale = 1.0 / (self.padded.len() as f64).sqrt();
        self.spectrum.iter_mut().for_each(|x| *x *= scale);
    }

    /// Keeps the `count` largest coefficients of spectrum and multipliers together.
    fn sparsify(&mut self, count: usize) {
        for k in 0..self.sparse.len() {
            self.sparse[k] = self.spectrum[k] + self.multipliers[k];
            self.power[k] = self.sparse[k].norm_sqr();
        }
        self.sorted.copy_from_slice(&self.power);
        let rank = self.sorted.len() - count;
        let least = *self.sorted.select_nth_unstable_by(rank, f64::total_cmp).1;
        for (sparse, power) in self.sparse.iter_mut().zip(&self.power) {
            if *power < least {
                *sparse = ZERO;
            }
        }
    }

    /// The frame nearest to the sparse spectrum less the multipliers, within its bounds.
    fn project(&mut self) {
        let scale = 1.0 / (self.padded.len() as f64).sqrt();
        for k in 0..self.sparse.len() {
            self.spectrum[k] = (self.sparse[k] - self.multipliers[k]) * scale;
        }
        // A real signal's spectrum is real at both ends; rounding may have left something there.
        let last = self.spectrum.len() - 1;
        self.spectrum[0].im = 0.0;
        self.spectrum[last].im = 0.0;
        let (inverse, scratch) = (&self.inverse, &mut self.scratch);
        if inverse.process_with_scratch(&mut self.spectrum, &mut self.padded, scratch).is_err() {
            return;
        }
        for n in 0..self.frame.len() {
            let bounded = if self.padded[n] > self.lowest[n] { self.padded[n] } else { self.lowest[n] };
            self.frame[n] = if bounded < self.highest[n] { bounded } else { self.highest[n] };
        }
    }

    /// Moves the multipliers by the distance between the two spectra, and gives its square.
    fn advance(&mut self) -> f64 {
        let mut distance = 0.0;
        for k in 0..self.sparse.len() {
            let apart = self.spectrum[k] - self.sparse[k];
            self.multipliers[k] += apart;
            distance += apart.norm_sqr();
        }
        distance
    }
}
