//! The range of pitch, coarsely: YIN (de Cheveigné & Kawahara, JASA 2002) ten times a second.

use crate::bins::{BINS_PER_SECOND, Grid};
use crate::frames::{Framer, add_channels, lanes_dot};
use audio::{BlockRef, Frames};
use std::f64::consts::PI;

/// One estimate every so many bins: 100 ms.
const STEP_BINS: usize = 10;
/// The signal is thinned out to at least this rate, in hertz.
const RATE_HZ: f64 = 8000.0;
/// From below the low E of a bass to above most voices, in hertz.
const LOWEST_HZ: f64 = 38.0;
const HIGHEST_HZ: f64 = 1100.0;
/// The difference function is summed over this time, in seconds: two periods of the lowest pitch.
const WINDOW_S: f64 = 0.05;
/// A frame has a pitch when its normalised difference falls below this (the paper uses 0.1 to 0.15).
const THRESHOLD: f64 = 0.15;
/// Taps of the low-pass before thinning out, per step of it and side.
const CROSSINGS: usize = 6;

audio::wide! {
    fn add_squared_differences(to: &mut [f64], x: f64, values: &[f64]) {
        to.iter_mut().zip(values).for_each(|(to, y)| *to += (x - y) * (x - y));
    }
}

/// Pitch against time.
#[derive(Debug, Clone)]
pub(crate) struct Pitch {
    grid: Grid,
    factor: usize,
    rate_hz: f64,
    taps: Vec<f64>,
    framer: Framer,
    frames: Frames,
    bin: usize,
    mono: Vec<f64>,
    thin: Vec<f64>,
    differences: Vec<f64>,
    /// Hertz, where there is a pitch, for each 100 ms.
    estimates: Vec<Option<f64>>,
}

impl Pitch {
    pub(crate) fn new(sample_rate_hz: f64) -> Pitch {
        let factor = ((sample_rate_hz / RATE_HZ) as usize).max(1);
        let rate_hz = sample_rate_hz / factor as f64;
        let lags = (rate_hz / LOWEST_HZ).ceil() as usize + 2;
        let window = (WINDOW_S * rate_hz) as usize;
        let reach = CROSSINGS * factor;
        let size = (window + lags) * factor + 2 * reach;
        let taps: Vec<f64> = (0..=2 * reach)
            .map(|n| {
                let t = (n as f64 - reach as f64) / factor as f64;
                let sinc = if t == 0.0 { 1.0 } else { (PI * 0.8 * t).sin() / (PI * 0.8 * t) };
                let hann = 0.5 + 0.5 * (PI * t / (CROSSINGS as f64 + 1.0 / factor as f64)).cos();
                0.8 * sinc * hann / factor as f64
            })
            .collect();
        Pitch {
            grid: Grid::new(sample_rate_hz),
            factor,
            rate_hz,
            taps: if factor == 1 { vec![1.0] } else { taps },
            framer: Framer::new(1, size, 0),
            frames: 0,
            bin: 0,
            mono: Vec::new(),
            thin: vec![0.0; window + lags],
            differences: vec![0.0; lags],
            estimates: Vec::new(),
        }
    }

    /// Takes clean samples; channels are added.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        add_channels(block, &mut self.mono);
        self.frames += block.frames();
        self.framer.push(&BlockRef::from_mono(&self.mono));
        self.work();
    }

    fn work(&mut self) {
        loop {
            let start = self.grid.start(self.bin) as i64;
            if self.grid.start(self.bin + STEP_BINS) > self.frames || !self.framer.has(start) {
                return;
            }
            let frame = self.framer.frame(0, start);
            for (n, to) in self.thin.iter_mut().enumerate() {
                let window = &frame[n * self.factor..][..self.taps.len()];
                *to = lanes_dot(window, &self.taps);
            }
            let estimate = self.estimate();
            self.estimates.push(estimate);
            self.framer.forget(start);
            self.bin += STEP_BINS;
        }
    }

    /// Steps 2 to 5 of the paper on the thinned-out frame.
    fn estimate(&mut self) -> Option<f64> {
        let lags = self.differences.len();
        let window = self.thin.len() - lags;
        self.differences.fill(0.0);
        for n in 0..window {
            add_squared_differences(&mut self.differences, self.thin[n], &self.thin[n..n + lags]);
        }
        let mut sum = 0.0;
        for (lag, d) in self.differences.iter_mut().enumerate().skip(1) {
            sum += *d;
            *d = if sum > 0.0 { *d * lag as f64 / sum } else { 1.0 };
        }
        let d = &self.differences;
        let shortest = ((self.rate_hz / HIGHEST_HZ) as usize).max(2);
        let below = (shortest..lags - 1).find(|lag| d[*lag] < THRESHOLD)?;
        let lag = (below..lags - 1).find(|lag| d[*lag + 1] >= d[*lag])?;
        let bend = d[lag - 1] - 2.0 * d[lag] + d[lag + 1];
        let shift = if bend > 0.0 { 0.5 * (d[lag - 1] - d[lag + 1]) / bend } else { 0.0 };
        Some(self.rate_hz / (lag as f64 + shift))
    }

    /// The pitch of each 100 ms, with the time of its middle in seconds.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = (f64, Option<f64>)> {
        self.framer.finish();
        self.work();
        let time_s = |n: usize| ((n * STEP_BINS) as f64 / BINS_PER_SECOND as f64) + WINDOW_S;
        self.estimates.into_iter().enumerate().map(move |(n, hz)| (time_s(n), hz))
    }
}
