//! The delay line: its memory, how it is read between two frames, and how its speed sways.

use crate::blocks::grid::CONTROL_FRAMES;
use audio::Frames;
use std::f64::consts::TAU;

/// Samples that one interpolated sample is made of.
pub(super) const POINTS: usize = 8;

/// Shortest delay that the interpolation can read, in frames.
pub(super) const SHORTEST: f64 = 4.0;

/// Speed of the wow: between the half and the whole turn per second of tape machines' capstans and loops.
pub(super) const WOW_HZ: f64 = 0.7;

/// How fast the wow's depth follows its setting.
const WOW_SLEW_S: f64 = 0.1;

/// Where to read a delay of any length: the last whole frame and the weights of eight samples, oldest first.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    /// Frames ago of the oldest of the samples.
    oldest: Frames,
    pub(super) weights: [f64; POINTS],
}

impl Tap {
    pub(super) fn new(frames: f64) -> Tap {
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
pub(super) struct Line {
    samples: Vec<f64>,
    ring: Frames,
    at: Frames,
}

impl Line {
    pub(super) fn new(frames: Frames) -> Line {
        Line { samples: vec![0.0; frames + POINTS], ring: frames, at: 0 }
    }

    pub(super) fn reset(&mut self) {
        self.samples.fill(0.0);
        self.at = 0;
    }

    #[inline]
    pub(super) fn read(&self, tap: &Tap) -> f64 {
        let start = if self.at >= tap.oldest { self.at } else { self.at + self.ring } - tap.oldest;
        let samples = &self.samples[start..start + POINTS];
        samples.iter().zip(&tap.weights).map(|(x, w)| x * w).sum()
    }

    #[inline]
    pub(super) fn write(&mut self, sample: f64) {
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

/// The slow swing of the delay time.
pub(super) struct Wow {
    phase: [f64; 2],
    advance: [f64; 2],
    follow: f64,
    /// Swing in frames, on its way to what the settings want.
    depth: f64,
    offset: f64,
    step: f64,
}

impl Wow {
    pub(super) fn new(sample_rate_hz: f64) -> Wow {
        let period_s = CONTROL_FRAMES as f64 / sample_rate_hz;
        let angle = TAU * WOW_HZ * period_s;
        Wow {
            phase: [1.0, 0.0],
            advance: [angle.cos(), angle.sin()],
            follow: 1.0 - (-period_s / WOW_SLEW_S).exp(),
            depth: 0.0,
            offset: 0.0,
            step: 0.0,
        }
    }

    pub(super) fn reset(&mut self, depth: f64) {
        (self.phase, self.depth, self.offset, self.step) = ([1.0, 0.0], depth, 0.0, 0.0);
    }

    /// Prepares one control period.
    pub(super) fn control(&mut self, depth: f64) {
        let ([a, b], [c, s]) = (self.phase, self.advance);
        let turned = [a * c - b * s, a * s + b * c];
        // One step of Newton's method keeps the point on the unit circle.
        let unit = 1.5 - 0.5 * (turned[0] * turned[0] + turned[1] * turned[1]);
        self.phase = turned.map(|x| x * unit);
        self.depth += self.follow * (depth - self.depth);
        // A thousandth of a frame is nothing: from here on the line stands still again.
        if depth == 0.0 && self.depth < 1e-3 {
            (self.depth, self.offset) = (0.0, 0.0);
        }
        self.step = (self.depth * self.phase[1] - self.offset) / CONTROL_FRAMES as f64;
    }

    /// Frames to add to the delay of the next frame.
    #[inline]
    pub(super) fn next_offset(&mut self) -> f64 {
        self.offset += self.step;
        self.offset
    }

    pub(super) fn is_still(&self) -> bool {
        self.offset == 0.0 && self.step == 0.0
    }
}
