//! A delay line that is read between two frames, and may be as short as four.
//!
//! Lagrange interpolation over eight samples is exact for whole frames and never amplifies, so that it may stand in a
//! feedback path (Laakso, Välimäki, Karjalainen & Laine, *Splitting the unit delay*, IEEE Signal Processing Magazine 13,
//! 1996).

use super::grid::CONTROL_FRAMES;
use audio::Frames;

/// Samples that one interpolated sample is made of.
pub const POINTS: usize = 8;

/// Shortest delay that the interpolation can read, in frames.
pub const SHORTEST: f64 = 4.0;

/// Where to read a delay of any length: the last whole frame and the weights of eight samples, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    /// Frames ago of the oldest of the samples.
    oldest: Frames,
    pub(crate) weights: [f64; POINTS],
}

impl Tap {
    /// Reads `frames` frames back, at least [`SHORTEST`].
    pub fn new(frames: f64) -> Tap {
        let frames = frames.max(SHORTEST);
        let whole = frames.floor();
        // Lagrange's polynomial through the points 0 to 7 (samples from late to early), read between 3 and 4.
        let x = frames - whole + 3.0;
        let mut before = [1.0; POINTS];
        let mut after = [1.0; POINTS];
        for k in 1..POINTS {
            before[k] = before[k - 1] * (x - (k - 1) as f64);
            after[POINTS - 1 - k] = after[POINTS - k] * (x - (POINTS - k) as f64);
        }
        // k! (7 - k)! with its sign: the products of the distances between the points.
        const PRODUCTS: [f64; POINTS] = [-5040.0, 720.0, -240.0, 144.0, -144.0, 240.0, -720.0, 5040.0];
        let mut weights = [0.0; POINTS];
        for k in 0..POINTS {
            weights[POINTS - 1 - k] = before[k] * after[k] / PRODUCTS[k];
        }
        Tap { oldest: whole as Frames + POINTS - 4, weights }
    }
}

/// The past of one channel, as a ring whose first samples stand a second time behind its end.
#[derive(Debug, Clone)]
pub struct Line {
    samples: Vec<f64>,
    ring: Frames,
    at: Frames,
}

impl Line {
    /// Holds taps of up to `frames` frames less [`POINTS`].
    pub fn new(frames: Frames) -> Line {
        Line { samples: vec![0.0; frames + POINTS], ring: frames, at: 0 }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.samples.fill(0.0);
        self.at = 0;
    }

    /// What a tap finds, counted from the next sample to be written.
    #[inline]
    pub fn read(&self, tap: &Tap) -> f64 {
        let start = if self.at >= tap.oldest { self.at } else { self.at + self.ring } - tap.oldest;
        let samples = &self.samples[start..start + POINTS];
        samples.iter().zip(&tap.weights).map(|(x, w)| x * w).sum()
    }

    /// What a tap finds for each of the next samples to be written, at most a control period; `None` where it would find
    /// one of them.
    pub fn read_ahead(&self, tap: &Tap, frames: Frames) -> Option<[f64; CONTROL_FRAMES]> {
        if tap.oldest < frames + POINTS - 1 {
            return None;
        }
        let start = if self.at >= tap.oldest { self.at } else { self.at + self.ring } - tap.oldest;
        let mut past = [0.0; CONTROL_FRAMES + POINTS - 1];
        let past = &mut past[..frames + POINTS - 1];
        let before_end = past.len().min(self.ring - start);
        let (first, second) = past.split_at_mut(before_end);
        first.copy_from_slice(&self.samples[start..start + before_end]);
        second.copy_from_slice(&self.samples[..second.len()]);
        let mut found = [0.0; CONTROL_FRAMES];
        interpolate(past, &tap.weights, &mut found[..frames]);
        Some(found)
    }

    /// Appends samples, fewer than it holds.
    pub fn write_all(&mut self, samples: &[f64]) {
        let (first, second) = samples.split_at(samples.len().min(self.ring - self.at));
        self.samples[self.at..][..first.len()].copy_from_slice(first);
        self.samples[..second.len()].copy_from_slice(second);
        let end = self.at + samples.len();
        if self.at < POINTS || end > self.ring {
            self.samples.copy_within(..POINTS, self.ring);
        }
        self.at = if end < self.ring { end } else { end - self.ring };
    }

    /// Appends a sample.
    #[inline]
    pub fn write(&mut self, sample: f64) {
        self.samples[self.at] = sample;
        if self.at < POINTS {
            self.samples[self.ring + self.at] = sample;
        }
        self.at += 1;
        if self.at == self.ring {
            self.at = 0;
        }
    }
}

audio::wide! {
    /// Each of `found` from its eight samples, summed as [`Line::read`] does.
    fn interpolate(past: &[f64], weights: &[f64; POINTS], found: &mut [f64]) {
        let past = &past[..found.len() + POINTS - 1];
        for (n, found) in found.iter_mut().enumerate() {
            let mut sum = past[n] * weights[0];
            for point in 1..POINTS {
                sum += past[n + point] * weights[point];
            }
            *found = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Reading ahead finds what reading in turn finds, across every wrap.
        #[test]
        fn ahead_is_in_turn(delay in 4.0f64..180.0, sizes in prop::collection::vec(1usize..=CONTROL_FRAMES, 1..30)) {
            let (tap, mut line, mut frame) = (Tap::new(delay), Line::new(200), 0);
            for size in sizes {
                let ahead = line.read_ahead(&tap, size);
                // Two frames of the eight points are later than the place, and one is the next to be written.
                prop_assert_eq!(ahead.is_none(), (delay.floor() as usize) < size + 3);
                for n in 0..size {
                    if let Some(ahead) = &ahead {
                        prop_assert_eq!(ahead[n], line.read(&tap));
                    }
                    line.write((frame as f64 * 0.37).sin());
                    frame += 1;
                }
            }
        }
    }
}
