//! A delay line that is read between two frames, and may be as short as four.
//!
//! Lagrange interpolation over eight samples is exact for whole frames and never amplifies, so that it may stand in a
//! feedback path (Laakso, Välimäki, Karjalainen & Laine, *Splitting the unit delay*, IEEE Signal Processing Magazine 13,
//! 1996).

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
