//! Delay and phase between two channels of one recording.
//!
//! Generalised cross-correlation with a nearly full phase transform (C. H. Knapp & G. C. Carter, *The generalized
//! correlation method for estimation of time delay*, IEEE Trans. ASSP 24, 1976): the cross-spectrum of a window is
//! whitened, so that a delay makes one sharp peak whatever the tone, and windows are added up. The peak is searched on
//! the analytic correlation, whose size does not depend on a phase between the channels and whose angle at the peak is
//! that phase; it is refined to a fraction of a frame on the summed cross-spectrum itself.

use super::grid::FLUSH_BELOW;
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Length of a window in seconds, at least.
const WINDOW_S: f64 = 0.2;
/// The band that is heard, in hertz: rumble below, what no two microphones share above.
const BAND_HZ: (f64, f64) = (80.0, 6_000.0);
/// Exponent of the whitening; 1 is the pure phase transform, which lets bins of mere noise vote as well.
const WHITENING: f64 = 0.8;
/// Half-width of a peak in seconds: the second peak is searched outside of it.
const PEAK_S: f64 = 0.0004;
/// Mean power under which a window is silent: -90 dBFS.
const SILENT_POWER: f64 = 1e-9;

const LENGTHS: &str = "buffers come from the plan itself";

/// How the second channel lies against the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Frames by which it is late (negative: early), to a fraction of a frame.
    pub delay_frames: f64,
    /// Phase in radians, -pi to pi, by which it is ahead after the delay is undone.
    pub phase: f64,
    /// Height of the peak over the next one; from 1.5 on the delay can be trusted.
    pub peak_ratio: f64,
}

/// Listens to windows of two channels and finds their delay.
pub struct Finder {
    size: usize,
    longest: usize,
    apart: usize,
    bins: std::ops::Range<usize>,
    window: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    other: Vec<f64>,
    first: Vec<Complex64>,
    second: Vec<Complex64>,
    cross: Vec<Complex64>,
    scratch: Vec<Complex64>,
    heard: bool,
}

/// Frames of a window at this rate.
pub fn window_frames(sample_rate_hz: f64) -> usize {
    ((WINDOW_S * sample_rate_hz).ceil() as usize).clamp(256, 1 << 20).next_power_of_two()
}

impl Finder {
    /// Searches delays up to `longest_frames` either way.
    pub fn new(sample_rate_hz: f64, longest_frames: f64) -> Finder {
        let size = window_frames(sample_rate_hz);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let bin = |hz: f64| (hz / sample_rate_hz * size as f64) as usize;
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Finder {
            size,
            longest: (longest_frames.ceil() as usize).clamp(1, size / 4),
            apart: (PEAK_S * sample_rate_hz).ceil() as usize,
            bins: bin(BAND_HZ.0).max(1)..bin(BAND_HZ.1).min(size / 2 - 1),
            window: (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect(),
            time: forward.make_input_vec(),
            other: forward.make_input_vec(),
            first: forward.make_output_vec(),
            second: forward.make_output_vec(),
            cross: forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            heard: false,
            forward,
            inverse,
        }
    }

    /// Forgets all windows.
    pub fn reset(&mut self) {
        self.cross.fill(Complex64::ZERO);
        self.heard = false;
    }

    /// Adds a window of both channels, [`window_frames`] long; what was heard before counts by `keep` from now on.
    pub fn hear(&mut self, a: &[f64], b: &[f64], keep: f64) {
        let loud = |samples: &[f64]| {
            samples.iter().map(|x| x * x).sum::<f64>() > SILENT_POWER * samples.len() as f64
        };
        if !loud(a) || !loud(b) {
            return;
        }
        for (samples, spectrum) in [(a, &mut self.first), (b, &mut self.second)] {
            for ((time, x), window) in self.time.iter_mut().zip(samples).zip(&self.window) {
                *time = x * window;
            }
            self.forward.process_with_scratch(&mut self.time, spectrum, &mut self.scratch).expect(LENGTHS);
        }
        let mut size = 0.0;
        for k in self.bins.clone() {
            let product = self.first[k].conj() * self.second[k];
            let norm = product.norm();
            self.second[k] =
                if norm > FLUSH_BELOW { product / norm.powf(WHITENING) } else { Complex64::ZERO };
            size += self.second[k].norm();
        }
        if size > 0.0 {
            for k in self.bins.clone() {
                self.cross[k] = keep * self.cross[k] + self.second[k] / size;
            }
            self.heard = true;
        }
    }

    /// The correlation at a delay; its angle is the phase between the channels there.
    fn at(&self, delay: f64) -> Complex64 {
        let turn = Complex64::from_polar(1.0, TAU * delay / self.size as f64);
        let mut phase = Complex64::from_polar(1.0, TAU * delay * self.bins.start as f64 / self.size as f64);
        let mut sum = Complex64::ZERO;
        for k in self.bins.clone() {
            sum += self.cross[k] * phase;
            phase *= turn;
        }
        sum
    }

    /// What the windows so far say together; with `in_phase` the delay is refined for channels that are not turned
    /// against each other. `None` before anything sounded.
    pub fn find(&mut self, in_phase: bool) -> Option<Found> {
        if !self.heard {
            return None;
        }
        // Real and imaginary part of the analytic correlation.
        for (quarter, time) in [(false, &mut self.time), (true, &mut self.other)] {
            self.first.fill(Complex64::ZERO);
            for k in self.bins.clone() {
                let c = self.cross[k];
                self.first[k] = if quarter { Complex64::new(c.im, -c.re) } else { c };
            }
            self.inverse.process_with_scratch(&mut self.first, time, &mut self.scratch).expect(LENGTHS);
        }
        let reach = self.longest as i64;
        let place = |lag: i64| lag.rem_euclid(self.size as i64) as usize;
        let height = |lag: i64| f64::hypot(self.time[place(lag)], self.other[place(lag)]);
        let best = (-reach..=reach).fold(0, |best, lag| if height(lag) > height(best) { lag } else { best });
        let beside = |lag: &i64| lag.abs_diff(best) as usize > self.apart;
        let next = (-reach..=reach).filter(beside).map(height).fold(0.0, f64::max);
        let peak_ratio = if next > 0.0 { height(best) / next } else { f64::INFINITY };
        let polarity = self.at(best as f64).re.signum();
        let score = |delay: f64| {
            let sum = self.at(delay);
            if in_phase { sum.re * polarity } else { sum.norm() }
        };
        let delay_frames = highest(best as f64 - 1.0, best as f64 + 1.0, score);
        Some(Found { delay_frames, phase: self.at(delay_frames).arg(), peak_ratio })
    }
}

/// Where a function with one maximum between two places is highest: golden section search (J. Kiefer, *Sequential
/// minimax search for a maximum*, Proc. AMS 4, 1953).
fn highest(mut low: f64, mut high: f64, score: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_a, mut at_b) = (score(a), score(b));
    // Two frames shrink to a thousandth.
    for _ in 0..16 {
        if at_a > at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - GOLDEN * (high - low);
            at_a = score(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + GOLDEN * (high - low);
            at_b = score(b);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::super::fractional::FractionalDelay;
    use super::*;

    fn noise(frames: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        (0..frames)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 11) as f64 / 2f64.powi(52) - 1.0
            })
            .collect()
    }

    fn heard(a: &[f64], b: &[f64]) -> Finder {
        let mut finder = Finder::new(48_000.0, 480.0);
        let size = window_frames(48_000.0);
        for start in (0..a.len() - size).step_by(size / 2) {
            finder.hear(&a[start..start + size], &b[start..start + size], 1.0);
        }
        finder
    }

    /// Known delays with unrelated sound 12 dB below: an error below a tenth of a frame, and the polarity.
    #[test]
    fn known_delays_are_found_to_a_tenth_of_a_frame() {
        let source = noise(80_000, 1);
        for (whole, fraction, sign) in [(0, 0.0, 1.0), (17, 0.37, 1.0), (300, 0.5, -1.0), (3, 0.9, -1.0)] {
            let mut late = source.clone();
            FractionalDelay::new(fraction).process(&mut late);
            let delay = |n: usize| if n >= whole { late[n - whole] } else { 0.0 };
            let (bleed_a, bleed_b) = (noise(80_000, 2), noise(80_000, 3));
            let a: Vec<f64> = (0..80_000)
                .map(|n| {
                    let early = if n >= 31 { source[n - 31] } else { 0.0 };
                    0.3 * (early + 0.25 * bleed_a[n])
                })
                .collect();
            let b: Vec<f64> = (0..80_000).map(|n| 0.3 * (sign * delay(n) + 0.25 * bleed_b[n])).collect();
            let expected = whole as f64 + fraction;
            for (x, y, expected) in [(&a, &b, expected), (&b, &a, -expected)] {
                let mut finder = heard(x, y);
                for in_phase in [true, false] {
                    let found = finder.find(in_phase).expect("sound");
                    assert!((found.delay_frames - expected).abs() < 0.1, "{expected}: {found:?}");
                    assert!(found.peak_ratio > 1.5, "{found:?}");
                    let phase = if sign > 0.0 { found.phase.abs() } else { PI - found.phase.abs() };
                    assert!(phase < 0.1, "{expected} {sign}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn unrelated_sounds_have_no_delay_to_trust() {
        let found = heard(&noise(80_000, 4), &noise(80_000, 5)).find(false).expect("sound");
        assert!(found.peak_ratio < 1.5, "{found:?}");
        assert_eq!(heard(&vec![0.0; 40_000], &noise(40_000, 5)).find(true), None);
    }
}
