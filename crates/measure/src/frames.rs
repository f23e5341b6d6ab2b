//! Overlapping frames of a stream, and their spectra.

use audio::{BlockRef, Frames};
use num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
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

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        self.lines.iter_mut().flatten().for_each(|x| *x *= gain);
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
        // Seldom enough that moving the rest costs little, often enough that what is held stays in fast memory.
        if unused >= self.size {
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
        if is_silent(part) {
            self.output.fill(Complex::ZERO);
            return &self.output;
        }
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

/// The spectra of two channels by one complex transform: the one is its real part, the other its imaginary part, and the
/// symmetries of real signals take them apart again (Oppenheim & Schafer, *Discrete-Time Signal Processing*, problem on
/// two real sequences in one DFT). Half the work of two transforms, and in single precision half of that again; each is right
/// to the rounding of the louder, some 140 dB below it (the noise of 24 bits is 144 dB below full scale), and channels that
/// are equal, opposite or silent are so to the last bit.
#[derive(Clone)]
pub(crate) struct PairSpectrum {
    plan: Arc<dyn Fft<f32>>,
    window: Vec<f64>,
    /// Sum of the window.
    weight: f64,
    both: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    first: Vec<Complex<f32>>,
    second: Vec<Complex<f32>>,
}

impl PairSpectrum {
    pub(crate) fn new(window: Vec<f64>) -> PairSpectrum {
        let plan = FftPlanner::new().plan_fft_forward(window.len());
        let half = vec![Complex::ZERO; window.len() / 2 + 1];
        PairSpectrum {
            both: vec![Complex::ZERO; window.len()],
            scratch: vec![Complex::ZERO; plan.get_inplace_scratch_len()],
            first: half.clone(),
            second: half,
            plan,
            weight: lanes_sum(&window),
            window,
        }
    }

    /// The two spectra of what was found in a pair of frames.
    pub(crate) fn each_channel(&mut self, found: Found) -> [&[Complex<f32>]; 2] {
        match found {
            Found::Nothing => {
                self.first.fill(Complex::ZERO);
                [&self.first, &self.first]
            }
            Found::Equal => [&self.both[..self.first.len()], &self.both[..self.first.len()]],
            Found::Opposite => {
                let half = &self.both[..self.second.len()];
                self.second.iter_mut().zip(half).for_each(|(second, first)| *second = -first);
                [half, &self.second]
            }
            Found::OnlyLeft => {
                self.second.fill(Complex::ZERO);
                [&self.both[..self.first.len()], &self.second]
            }
            Found::OnlyRight => {
                take_apart(&self.both, &mut self.first, &mut self.second);
                self.first.fill(Complex::ZERO);
                [&self.first, &self.second]
            }
            Found::Both => {
                take_apart(&self.both, &mut self.first, &mut self.second);
                [&self.first, &self.second]
            }
        }
    }

    /// The transform of two channels that are neither equal nor silent, as one complex spectrum.
    pub(crate) fn both(&self) -> &[Complex<f32>] {
        &self.both
    }

    /// Transforms one frame of each channel, both as long as the window, of which the part `sounding` belongs to the
    /// signal, without the means of that part (see [`Spectrum::without_dc`]), and tells what there was.
    pub(crate) fn transform(&mut self, left: &[f64], right: &[f64], sounding: Range<usize>) -> Found {
        let window = &self.window[sounding.clone()];
        let (left, right) = (&left[sounding.clone()], &right[sounding.clone()]);
        let (equal, silent) = (left == right, is_silent(right));
        if equal && silent {
            return Found::Nothing;
        }
        let opposite = !silent && left.iter().zip(right).all(|(l, r)| *l == -*r);
        let whole = sounding == (0..self.window.len());
        let weight = if whole { self.weight } else { lanes_sum(window) };
        let mean = |sum: f64| if weight > 0.0 { sum / weight } else { 0.0 };
        self.both[..sounding.start].fill(Complex::ZERO);
        self.both[sounding.end..].fill(Complex::ZERO);
        let to = &mut self.both[sounding];
        if equal || silent || opposite {
            window_one(to, left, window, mean(lanes_dot(left, window)));
        } else {
            let (left_sum, right_sum) = lanes_dot_two(left, right, window);
            window_two(to, (left, mean(left_sum)), (right, mean(right_sum)), window);
        }
        self.plan.process_with_scratch(&mut self.both, &mut self.scratch);
        match (equal, silent) {
            (true, _) => Found::Equal,
            (_, true) => Found::OnlyLeft,
            _ if opposite => Found::Opposite,
            _ if is_silent(left) => Found::OnlyRight,
            _ => Found::Both,
        }
    }
}

/// What a pair of frames holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Silence.
    Nothing,
    /// The same in both channels; the transform is that of one.
    Equal,
    /// The same in both channels, of opposite polarity; the transform is that of the left.
    Opposite,
    /// The right channel is silent.
    OnlyLeft,
    /// The left channel is silent.
    OnlyRight,
    /// Two different sounds.
    Both,
}

/// Whether there is nothing to transform: tracks are silent for much of a song.
pub(crate) fn is_silent(samples: &[f64]) -> bool {
    samples.iter().all(|x| *x == 0.0)
}

audio::wide! {
    fn window_one(to: &mut [Complex<f32>], samples: &[f64], window: &[f64], mean: f64) {
        to.iter_mut()
            .zip(samples)
            .zip(window)
            .for_each(|((to, x), w)| *to = Complex::new(((x - mean) * w) as f32, 0.0));
    }
}

audio::wide! {
    fn window_two(to: &mut [Complex<f32>], left: (&[f64], f64), right: (&[f64], f64), window: &[f64]) {
        let frames = to.len();
        let ((left, left_mean), (right, right_mean)) = (left, right);
        let (left, right, window) = (&left[..frames], &right[..frames], &window[..frames]);
        for n in 0..frames {
            let (l, r) = ((left[n] - left_mean) * window[n], (right[n] - right_mean) * window[n]);
            to[n] = Complex::new(l as f32, r as f32);
        }
    }
}

audio::wide! {
    /// `L[k] = (Z[k] + conj Z[N - k]) / 2` and `R[k] = (Z[k] - conj Z[N - k]) / 2i`, for half of the spectrum.
    fn take_apart(both: &[Complex<f32>], first: &mut [Complex<f32>], second: &mut [Complex<f32>]) {
        let half = both.len() / 2;
        let (first, second) = (&mut first[..half + 1], &mut second[..half + 1]);
        (first[0], second[0]) = (Complex::new(both[0].re, 0.0), Complex::new(both[0].im, 0.0));
        let mirrored = both[half..].iter().rev();
        let pairs = both[1..=half].iter().zip(mirrored);
        for ((a, b), (l, r)) in pairs.zip(first[1..].iter_mut().zip(&mut second[1..])) {
            *l = Complex::new(0.5 * (a.re + b.re), 0.5 * (a.im - b.im));
            *r = Complex::new(0.5 * (a.im + b.im), 0.5 * (b.re - a.re));
        }
    }
}

/// Sums are taken in so many lanes side by side: one after another they would wait for each addition.
const LANES: usize = 8;

audio::wide! {
    /// The sum of a slice.
    pub(crate) fn lanes_sum(values: &[f64]) -> f64 {
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
    /// Two of them with the same weights: each as by itself.
    pub(crate) fn lanes_dot_two(first: &[f64], second: &[f64], weights: &[f64]) -> (f64, f64) {
        let (mut sums, mut others) = ([0.0; LANES], [0.0; LANES]);
        let chunks = weights.chunks_exact(LANES);
        let done = weights.len() - chunks.remainder().len();
        let rest = |values: &[f64]| values[done..].iter().zip(&weights[done..]).map(|(x, w)| x * w).sum::<f64>();
        for ((x, y), w) in first.chunks_exact(LANES).zip(second.chunks_exact(LANES)).zip(chunks) {
            for lane in 0..LANES {
                sums[lane] += x[lane] * w[lane];
                others[lane] += y[lane] * w[lane];
            }
        }
        (sums.iter().sum::<f64>() + rest(first), others.iter().sum::<f64>() + rest(second))
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
        self.shares.iter().map(|(first, shares)| lanes_dot(&spectrum[*first..*first + shares.len()], shares))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(frames: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..frames).map(|_| next()).collect()
    }

    fn window(size: usize) -> Vec<f64> {
        (0..size).map(|n| (std::f64::consts::PI * (n as f64 + 0.5) / size as f64).sin()).collect()
    }

    fn apart<'a>(
        pair: &'a mut PairSpectrum,
        left: &[f64],
        right: &[f64],
        sounding: Range<usize>,
    ) -> [&'a [Complex<f32>]; 2] {
        let found = pair.transform(left, right, sounding);
        pair.each_channel(found)
    }

    /// Each channel of a pair has the spectrum that it has alone, also where the signal fills only a part of the frame.
    #[test]
    fn a_pair_is_two_single_channels() {
        for size in [64, 2048, 16_384] {
            let (left, right) = (noise(size, 1), noise(size, 2));
            let (mut pair, mut single) = (PairSpectrum::new(window(size)), Spectrum::new(window(size)));
            for sounding in [0..size, size / 4..size, 0..size / 3, 5..6, 7..7] {
                let alone = [&left, &right].map(|x| single.without_dc(x, sounding.clone()).to_vec());
                let both = apart(&mut pair, &left, &right, sounding.clone());
                for (alone, both) in alone.iter().zip(both) {
                    let most = alone.iter().map(|x| x.norm()).fold(1.0, f64::max);
                    // Rounding grows with the logarithm of the size: a few times 2^-24.
                    let precise = |x: &Complex<f32>| Complex::new(f64::from(x.re), f64::from(x.im));
                    let off = alone.iter().zip(both).map(|(a, b)| (a - precise(b)).norm());
                    let wrong = off.fold(0.0, f64::max);
                    assert!(wrong <= 1e-6 * most, "{size} {sounding:?}: {wrong:e} of {most}");
                }
            }
        }
    }

    /// Sums of two channels with one window are those of each, to the last bit.
    #[test]
    fn sums_of_a_pair_are_those_of_each() {
        let (sound, other) = (noise(2048, 4), noise(2048, 5));
        let (first, second) = lanes_dot_two(&sound[..1003], &other[..1003], &window(1003));
        let alone = |values: &[f64]| lanes_dot(&values[..1003], &window(1003));
        assert_eq!((first.to_bits(), second.to_bits()), (alone(&sound).to_bits(), alone(&other).to_bits()));
    }

    /// What is silent has no power at all, and what is equal is so to the last bit: readings tell them by that.
    #[test]
    fn silent_and_equal_channels_are_exact() {
        let (sound, silence) = (noise(2048, 3), vec![0.0; 2048]);
        let mut pair = PairSpectrum::new(window(2048));
        let [left, right] = apart(&mut pair, &sound, &silence, 0..2048);
        assert!(right.iter().all(|x| x.norm_sqr() == 0.0) && left.iter().any(|x| x.norm_sqr() > 0.0));
        let [left, right] = apart(&mut pair, &silence, &sound, 0..2048);
        assert!(left.iter().all(|x| x.norm_sqr() == 0.0) && right.iter().any(|x| x.norm_sqr() > 0.0));
        let [left, right] = apart(&mut pair, &sound, &sound, 0..2048);
        assert_eq!(left, right);
        let turned: Vec<f64> = sound.iter().map(|x| -x).collect();
        let [left, right] = apart(&mut pair, &sound, &turned, 0..2048);
        assert!(left.iter().zip(right).all(|(l, r)| *l == -*r) && left.iter().any(|x| x.norm_sqr() > 0.0));
        let [left, right] = apart(&mut pair, &silence, &silence, 0..2048);
        assert!(left.iter().chain(right).all(|x| x.norm_sqr() == 0.0));
    }
}
