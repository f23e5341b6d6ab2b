//! Overlapping frames of a stream, and their spectra.

use audio::{BlockRef, Frames};
use num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::ops::Range;
use std::sync::Arc;

/// Holds as much of a stream as frames of one length need.
#[derive(Debug, Clone)]
pub(crate) struct Framer {
    lines: Vec<Vec<f64>>,
    /// The frame number of the first sample held.
    origin: i64,
    size: usize,
}

impl Framer {
    /// For frames of `size` samples of which the first starts at `first`, zero or negative.
    pub(crate) fn new(channels: usize, size: usize, first: i64) -> Framer {
        let silence = vec![0.0; usize::try_from(-first).unwrap_or(0)];
        Framer { lines: vec![silence; channels], origin: first.min(0), size }
    }

    pub(crate) fn push(&mut self, block: &BlockRef) {
        for (line, samples) in self.lines.iter_mut().zip(block.iter()) {
            line.extend_from_slice(samples);
        }
    }

    /// Adds silence, so that every frame that starts before the end is complete.
    pub(crate) fn finish(&mut self) {
        let size = self.size;
        self.lines.iter_mut().for_each(|line| line.resize(line.len() + size, 0.0));
    }

    /// Whether the frame that starts at `start` is complete.
    pub(crate) fn has(&self, start: i64) -> bool {
        let held = self.lines.first().map_or(0, Vec::len) as i64;
        start + self.size as i64 <= self.origin + held
    }

    /// One channel of the frame that starts at `start`, which must be complete and not dropped.
    pub(crate) fn frame(&self, channel: usize, start: i64) -> &[f64] {
        &self.lines[channel][(start - self.origin) as usize..][..self.size]
    }

    /// The part of the frame that starts at `start` which lies inside a signal of `frames`.
    pub(crate) fn sounding(&self, start: i64, frames: Frames) -> Range<usize> {
        let inside = |n: i64| n.clamp(0, self.size as i64) as usize;
        inside(-start)..inside(frames as i64 - start).max(inside(-start))
    }

    /// Forgets what lies before `start`, from time to time.
    pub(crate) fn forget(&mut self, start: i64) {
        let unused = (start - self.origin).max(0) as usize;
        if unused > 4 * self.size {
            self.lines.iter_mut().for_each(|line| {
                line.drain(..unused.min(line.len()));
            });
            self.origin += unused as i64;
        }
    }
}

/// The spectrum of windowed frames.
#[derive(Clone)]
pub(crate) struct Spectrum {
    plan: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    /// Sum of the window.
    weight: f64,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Spectrum {
    pub(crate) fn new(window: Vec<f64>) -> Spectrum {
        let plan = RealFftPlanner::new().plan_fft_forward(window.len());
        Spectrum {
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
            weight: lanes_sum(&window),
            window,
        }
    }

    /// Length of the frames.
    pub(crate) fn size(&self) -> usize {
        self.window.len()
    }

    /// Transforms a frame as long as the window.
    pub(crate) fn of(&mut self, frame: &[f64]) -> &[Complex<f64>] {
        for ((to, x), w) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *to = x * w;
        }
        self.transform()
    }

    /// Transforms a frame whose part `sounding` belongs to the signal, without the mean of that part: DC
    /// would leak into the lowest bands, and its step at the ends of the signal into all.
    pub(crate) fn without_dc(&mut self, frame: &[f64], sounding: Range<usize>) -> &[Complex<f64>] {
        let (part, window) = (&frame[sounding.clone()], &self.window[sounding.clone()]);
        let whole = sounding == (0..self.window.len());
        let weight = if whole { self.weight } else { lanes_sum(window) };
        let mean = if weight > 0.0 { lanes_dot(part, window) / weight } else { 0.0 };
        self.input[..sounding.start].fill(0.0);
        self.input[sounding.end..].fill(0.0);
        window_without(&mut self.input[sounding], part, window, mean);
        self.transform()
    }

    fn transform(&mut self) -> &[Complex<f64>] {
        let done = self.plan.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok(), "all vectors have the lengths of the plan");
        &self.output
    }
}

/// Sums are taken in so many lanes side by side: one after another they would wait for each addition.
const LANES: usize = 8;

audio::wide! {
    /// The sum of a slice.
    fn lanes_sum(values: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let chunks = values.chunks_exact(LANES);
        let rest: f64 = chunks.remainder().iter().sum();
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += chunk[lane];
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}

audio::wide! {
    /// The sum of products of two slices of one length.
    pub(crate) fn lanes_dot(values: &[f64], weights: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let (values, weights) = (values.chunks_exact(LANES), weights.chunks_exact(LANES));
        let rest: f64 = values.remainder().iter().zip(weights.remainder()).map(|(x, w)| x * w).sum();
        for (x, w) in values.zip(weights) {
            for lane in 0..LANES {
                sums[lane] += x[lane] * w[lane];
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}

audio::wide! {
    fn window_without(to: &mut [f64], samples: &[f64], window: &[f64], mean: f64) {
        to.iter_mut().zip(samples).zip(window).for_each(|((to, x), w)| *to = (x - mean) * w);
    }
}

audio::wide! {
    /// Adds the power of each bin of a spectrum.
    pub(crate) fn add_powers(to: &mut [f64], spectrum: &[Complex<f64>]) {
        to.iter_mut().zip(spectrum).for_each(|(to, x)| *to += x.re * x.re + x.im * x.im);
    }
}

/// Bands as ranges of spectral bins, the bins at an edge shared in proportion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bands {
    /// For each band the first bin and the share of each bin from there on.
    shares: Vec<(usize, Vec<f64>)>,
}

impl Bands {
    /// Bands between edges in hertz, for spectra of `bins` bins that are `bin_hz` apart.
    pub(crate) fn new(edges: impl Iterator<Item = (f64, f64)>, bins: usize, bin_hz: f64) -> Bands {
        let shares = edges.map(|(low_hz, high_hz)| {
            let (low, high) = (low_hz / bin_hz + 0.5, high_hz / bin_hz + 0.5);
            let first = (low.max(0.0) as usize).min(bins);
            let last = (high.max(0.0).ceil() as usize).min(bins);
            // Bin k holds what lies from k - 1/2 to k + 1/2.
            let share = |k: usize| ((k + 1) as f64).min(high) - (k as f64).max(low);
            (first, (first..last).map(|k| share(k).max(0.0)).collect())
        });
        Bands { shares: shares.collect() }
    }

    /// The sum of a spectrum over each band.
    pub(crate) fn sums<'a>(&'a self, spectrum: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.shares.iter().map(|(first, shares)| {
            let bins = &spectrum[*first..*first + shares.len()];
            bins.iter().zip(shares).map(|(x, share)| x * share).sum()
        })
    }
}

/// A power of two frames that last at least `seconds`.
pub(crate) fn size_for(seconds: f64, sample_rate_hz: f64) -> usize {
    ((seconds * sample_rate_hz).ceil() as usize).next_power_of_two()
}

/// Adds the channels of a block into `mono`, which takes its length.
pub(crate) fn add_channels(block: &BlockRef, mono: &mut Vec<f64>) {
    mono.clear();
    mono.extend_from_slice(block.channel(0));
    for channel in 1..block.channels() {
        mono.iter_mut().zip(block.channel(channel)).for_each(|(m, x)| *m += x);
    }
}
