//! Short filters of linear phase from a wanted magnitude, run as they are.

use super::grid::CONTROL_FRAMES;
use super::kaiser;
use super::symmetric::{WIDTH, around};
use audio::Frames;
use std::f64::consts::PI;

/// Points at which a wanted magnitude is looked at, over half the sample rate.
const POINTS: usize = 1_024;

/// The centre tap and those to one side of it, of the filter whose magnitude at a share of the sample rate (0 to 0.5)
/// is `magnitude`: the inverse transform under a Kaiser window, with the gain at zero frequency made exact (where it
/// is not zero).
pub fn from_magnitude(side: usize, beta: f64, magnitude: impl Fn(f64) -> f64) -> Vec<f64> {
    let wanted: Vec<f64> = (0..POINTS).map(|i| magnitude((i as f64 + 0.5) * 0.5 / POINTS as f64)).collect();
    let mut taps: Vec<f64> = (0..=side)
        .map(|k| {
            let sum: f64 = wanted
                .iter()
                .enumerate()
                .map(|(i, gain)| gain * (PI * k as f64 * (i as f64 + 0.5) / POINTS as f64).cos())
                .sum();
            sum / POINTS as f64 * kaiser::window(k as f64 / (side + 1) as f64, beta)
        })
        .collect();
    let sum = taps[0] + 2.0 * taps[1..].iter().sum::<f64>();
    if magnitude(0.0) > 0.0 {
        let exact = magnitude(0.0) / sum;
        taps.iter_mut().for_each(|tap| *tap *= exact);
    }
    taps
}

/// A symmetrical filter with an odd number of taps on one channel.
#[derive(Debug, Clone)]
pub struct Fir {
    /// The centre tap, then those to either side.
    taps: Vec<f64>,
    /// The last `2 side` samples, then the piece.
    line: Vec<f64>,
    out: [f64; CONTROL_FRAMES],
}

impl Fir {
    /// From the centre tap and those to one side of it.
    pub fn new(taps: Vec<f64>) -> Fir {
        let line = vec![0.0; 2 * (taps.len() - 1) + CONTROL_FRAMES];
        Fir { taps, line, out: [0.0; CONTROL_FRAMES] }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.taps.len() - 1
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.line.fill(0.0);
    }

    /// Filters at most a control period in place.
    pub fn process(&mut self, samples: &mut [f64]) {
        let history = 2 * self.latency();
        let frames = samples.len();
        self.line[history..history + frames].copy_from_slice(samples);
        let out = &mut self.out[..frames.next_multiple_of(WIDTH)];
        around(&self.taps, &self.line, out);
        samples.copy_from_slice(&out[..frames]);
        self.line.copy_within(frames..history + frames, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine comes out late by the latency and with the wanted magnitude.
    #[test]
    fn the_magnitude_is_the_wanted_one() {
        let wanted = |f: f64| 1.0 / (1.0 + (3.0 * f).powi(2));
        let mut fir = Fir::new(from_magnitude(31, 7.0, wanted));
        for f in [0.0, 0.01, 0.1, 0.3, 0.45] {
            fir.reset();
            let wave = |n: f64| (2.0 * PI * f * n + 0.3).cos();
            let mut samples: Vec<f64> = (0..300).map(|n| wave(f64::from(n))).collect();
            // Unequal pieces: the cut does not matter.
            samples.chunks_mut(61).for_each(|piece| fir.process(piece));
            for n in 100..300 {
                let expected = wanted(f) * wave(n as f64 - fir.latency() as f64);
                // The window smooths the curve over a sixtieth of the sample rate.
                assert!((samples[n] - expected).abs() < 5e-3, "{f}, {n}: {} {expected}", samples[n]);
            }
        }
    }
}
