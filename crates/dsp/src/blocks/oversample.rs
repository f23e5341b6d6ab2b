//! Work on a signal at a multiple of its sample rate.
//!
//! A curve bent into a signal makes harmonics; those above the Nyquist frequency fold back as tones that
//! belong to nothing. The signal is therefore raised to 2, 4, 8 or 16 times its rate, bent there, cleaned and
//! brought back. Each doubling is a half-band filter of linear phase (every second tap but the middle one is
//! zero; P. P. Vaidyanathan, *Multirate Systems and Filter Banks*, 1993, section 4.6.2) under a Kaiser window
//! (J. F. Kaiser, *Nonrecursive digital filter design using the I0-sinh window function*, 1974).
//!
//! The first filter decides: its band between passing and stopping lies symmetrically about the Nyquist
//! frequency, here 20.0 to 24.1 kHz at 44.1 kHz. With a shorter one the residue is what it lets through,
//! whatever the factor. The delay of all stages together is a whole number of frames.

use super::kaiser;
use super::lookahead::Delay;
use super::symmetric::{WIDTH, halfway};
use crate::choices;
use audio::Frames;
use std::f64::consts::PI;

/// Most frames worked on at a time; the result does not depend on it.
pub const CHUNK: Frames = 64;

choices! {
    /// How far the sample rate is raised for the curve.
    pub enum Rate {
        /// 4x for curves without corners, 8x for those with corners.
        Auto = "auto",
        /// Four times.
        Four = "4x",
        /// Eight times.
        Eight = "8x",
        /// Sixteen times.
        Sixteen = "16x",
    }
}

impl Rate {
    /// The factor, where `auto` is the kind's own choice.
    pub fn factor(self, auto: usize) -> usize {
        match self {
            Rate::Auto => auto,
            Rate::Four => 4,
            Rate::Eight => 8,
            Rate::Sixteen => 16,
        }
    }
}

/// Half the number of non-zero outer taps of each doubling, outermost first.
///
/// Kaiser's estimate for 120 dB, taps = 112 / (14.36 width): 168 taps for the first transition of 4.1 kHz at
/// 88.2 kHz; 34, 22 and 19 for the wider ones that follow. Rounded up to what the loop likes.
const HALF_TAPS: [usize; 4] = [44, 12, 8, 8];

/// 120 dB of attenuation.
const KAISER_BETA: f64 = kaiser::beta(120.0);

/// Raises one channel to a multiple of its rate, lets something happen there, and brings it back.
#[derive(Debug, Clone)]
pub struct Oversampler {
    stages: Vec<Stage>,
    /// The signal after each doubling.
    rungs: Vec<Vec<f64>>,
    /// Completes the delay to whole frames.
    pad: Delay,
    latency: Frames,
}

impl Oversampler {
    /// For a factor of 2, 4, 8 or 16 (others are rounded up to one of these). What happens in between may
    /// itself delay by `inner_delay` samples of the raised rate, which counts for the latency.
    pub fn new(factor: usize, inner_delay: usize) -> Oversampler {
        let doublings = (factor.clamp(2, 16).next_power_of_two().ilog2()) as usize;
        let factor = 1 << doublings;
        let stages: Vec<Stage> = (0..doublings).map(|s| Stage::new(HALF_TAPS[s], CHUNK << s)).collect();
        let filters: usize =
            (0..doublings).map(|s| (2 * (2 * HALF_TAPS[s] - 1)) << (doublings - 1 - s)).sum();
        let delay = filters + inner_delay;
        let latency = delay.div_ceil(factor);
        Oversampler {
            stages,
            rungs: (1..=doublings).map(|s| vec![0.0; CHUNK << s]).collect(),
            pad: Delay::new(latency * factor - delay),
            latency,
        }
    }

    /// By how much the rate is raised.
    pub fn factor(&self) -> usize {
        1 << self.stages.len()
    }

    /// Whole frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.stages.iter_mut().for_each(Stage::reset);
        self.pad.reset();
    }

    /// Processes `samples` in place. `work` is given the raised signal, a whole number of frames at a time
    /// and at most [`CHUNK`] of them, in order. Never allocates.
    pub fn process(&mut self, samples: &mut [f64], mut work: impl FnMut(&mut [f64])) {
        for chunk in samples.chunks_mut(CHUNK) {
            work(self.raise(chunk));
            self.lower(chunk);
        }
    }

    /// The way up alone: the raised signal of at most [`CHUNK`] frames, to be changed in place before
    /// [`Oversampler::lower`] is called for as many. For work on several channels at once.
    pub fn raise(&mut self, chunk: &[f64]) -> &mut [f64] {
        let frames = chunk.len();
        self.stages[0].up(chunk, &mut self.rungs[0][..2 * frames]);
        for s in 1..self.stages.len() {
            let (below, above) = self.rungs.split_at_mut(s);
            self.stages[s].up(&below[s - 1][..frames << s], &mut above[0][..frames << (s + 1)]);
        }
        let last = self.stages.len() - 1;
        &mut self.rungs[last][..frames << (last + 1)]
    }

    /// The way back of what [`Oversampler::raise`] gave and somebody has changed.
    pub fn lower(&mut self, chunk: &mut [f64]) {
        let frames = chunk.len();
        let last = self.stages.len() - 1;
        self.pad.pass(&mut self.rungs[last][..frames << (last + 1)]);
        for s in (1..self.stages.len()).rev() {
            let (below, above) = self.rungs.split_at_mut(s);
            self.stages[s].down(&above[0][..frames << (s + 1)], &mut below[s - 1][..frames << s]);
        }
        self.stages[0].down(&self.rungs[0][..2 * frames], chunk);
    }
}

/// Raises one channel to a multiple of its rate, for what only has to be looked at there.
#[derive(Debug, Clone)]
pub struct Upsampler {
    stages: Vec<Stage>,
    rungs: Vec<Vec<f64>>,
    pad: Delay,
    latency: Frames,
}

impl Upsampler {
    /// For a factor of 2, 4, 8 or 16 (others are rounded up to one of these).
    pub fn new(factor: usize) -> Upsampler {
        let doublings = (factor.clamp(2, 16).next_power_of_two().ilog2()) as usize;
        let factor = 1 << doublings;
        let delay: usize = (0..doublings).map(|s| (2 * HALF_TAPS[s] - 1) << (doublings - 1 - s)).sum();
        let latency = delay.div_ceil(factor);
        Upsampler {
            stages: (0..doublings).map(|s| Stage::new(HALF_TAPS[s], CHUNK << s)).collect(),
            rungs: (1..doublings).map(|s| vec![0.0; CHUNK << s]).collect(),
            pad: Delay::new(latency * factor - delay),
            latency,
        }
    }

    /// Whole frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.stages.iter_mut().for_each(Stage::reset);
        self.pad.reset();
    }

    /// Writes `samples` at the raised rate; `raised` is longer by the factor. Never allocates.
    pub fn process(&mut self, samples: &[f64], raised: &mut [f64]) {
        let last = self.stages.len() - 1;
        let factor = 1 << (last + 1);
        for (chunk, raised) in samples.chunks(CHUNK).zip(raised.chunks_mut(CHUNK * factor)) {
            let frames = chunk.len();
            for s in 0..last {
                let (below, above) = self.rungs.split_at_mut(s);
                let input = if s == 0 { chunk } else { &below[s - 1][..frames << s] };
                self.stages[s].up(input, &mut above[0][..frames << (s + 1)]);
            }
            let input = if last == 0 { chunk } else { &self.rungs[last - 1][..frames << last] };
            self.stages[last].up(input, &mut raised[..frames * factor]);
            self.pad.pass(&mut raised[..frames * factor]);
        }
    }
}

/// One doubling and its way back.
#[derive(Debug, Clone)]
struct Stage {
    /// The right half of the outer taps that are not zero, `m` of them, summing to a quarter; the left half is its
    /// mirror image, and the middle tap a half.
    taps: Vec<f64>,
    /// The last `2 m - 1` inputs, then the chunk.
    low: Vec<f64>,
    /// The same for the even and odd samples of the raised signal.
    even: Vec<f64>,
    odd: Vec<f64>,
    halves: Vec<f64>,
}

impl Stage {
    fn new(half_taps: usize, chunk: Frames) -> Stage {
        let length = 2 * half_taps - 1 + chunk;
        Stage {
            taps: half_band(half_taps)[half_taps..].to_vec(),
            low: vec![0.0; length],
            even: vec![0.0; length],
            odd: vec![0.0; length],
            halves: vec![0.0; chunk],
        }
    }

    fn reset(&mut self) {
        [&mut self.low, &mut self.even, &mut self.odd].into_iter().for_each(|line| line.fill(0.0));
    }

    /// Between every two samples stands the filtered one; the samples themselves pass the middle tap.
    fn up(&mut self, input: &[f64], output: &mut [f64]) {
        let history = 2 * self.taps.len() - 1;
        self.low[history..history + input.len()].copy_from_slice(input);
        let halves = &mut self.halves[..input.len().next_multiple_of(WIDTH)];
        halfway(&self.taps, &self.low, halves);
        for (i, pair) in output.chunks_exact_mut(2).enumerate() {
            pair[0] = 2.0 * halves[i];
            pair[1] = self.low[i + self.taps.len()];
        }
        self.low.copy_within(input.len()..input.len() + history, 0);
    }

    fn down(&mut self, input: &[f64], output: &mut [f64]) {
        let history = 2 * self.taps.len() - 1;
        for (i, pair) in input.chunks_exact(2).enumerate() {
            self.even[history + i] = pair[0];
            self.odd[history + i] = pair[1];
        }
        let halves = &mut self.halves[..output.len().next_multiple_of(WIDTH)];
        halfway(&self.taps, &self.even, halves);
        for (i, sample) in output.iter_mut().enumerate() {
            *sample = halves[i] + 0.5 * self.odd[i + self.taps.len() - 1];
        }
        for line in [&mut self.even, &mut self.odd] {
            line.copy_within(output.len()..output.len() + history, 0);
        }
    }
}

/// The non-zero outer taps of a windowed half-band filter of `4 m - 1` taps.
fn half_band(half_taps: usize) -> Vec<f64> {
    let centre = (2 * half_taps - 1) as f64;
    let mut taps: Vec<f64> = (0..2 * half_taps)
        .map(|j| {
            let x = 2.0 * j as f64 - centre;
            // The window reaches zero one tap beyond the ends.
            let across = x / (centre + 1.0);
            (0.5 * PI * x).sin() / (PI * x) * kaiser::window(across, KAISER_BETA)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap *= 0.5 / sum);
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Gain in decibels of one half-band filter at a share of its (raised) sample rate.
    fn gain_db(half_taps: usize, frequency: f64) -> f64 {
        let centre = (2 * half_taps - 1) as f64;
        let outer: f64 = half_band(half_taps)
            .iter()
            .enumerate()
            .map(|(j, tap)| tap * (TAU * frequency * (2.0 * j as f64 - centre)).cos())
            .sum();
        20.0 * (0.5 + outer).abs().log10()
    }

    #[test]
    fn every_stage_passes_20_khz_and_stops_its_images() {
        for (stage, half_taps) in HALF_TAPS.into_iter().enumerate() {
            let rate = 88_200.0 * f64::from(1 << stage);
            for i in 0..=400 {
                let pass = gain_db(half_taps, 20_000.0 * f64::from(i) / 400.0 / rate);
                // A half-band filter's ripples are equal in both bands: 110 dB down is 3e-5 dB.
                assert!(pass.abs() < 1e-4, "stage {stage}: {pass} dB in the pass band");
                let from = 0.5 - 20_000.0 / rate;
                let stop = gain_db(half_taps, from + (0.5 - from) * f64::from(i) / 400.0);
                assert!(stop < -110.0, "stage {stage}: {stop} dB in the stop band");
            }
        }
    }

    #[test]
    fn the_delay_is_whole_and_the_level_kept() {
        for factor in [2, 4, 8, 16] {
            for inner_delay in [0, 2] {
                let mut oversampler = Oversampler::new(factor, inner_delay);
                assert_eq!(oversampler.factor(), factor);
                let sine = |n: f64| (TAU * 0.21 * n).sin();
                let mut samples: Vec<f64> = (0..1_000).map(|n| sine(f64::from(n))).collect();
                let mut inner = Delay::new(inner_delay);
                oversampler.process(&mut samples, |raised| inner.pass(raised));
                let late = oversampler.latency() as f64;
                for n in 500..1_000 {
                    // Twice the ripple of each stage, four stages.
                    let expected = sine(n as f64 - late);
                    assert!(
                        (samples[n] - expected).abs() < 2e-5,
                        "factor {factor}, {n}: {} {expected}",
                        samples[n]
                    );
                }
            }
        }
    }

    #[test]
    fn raised_alone_the_points_between_are_those_of_the_tone() {
        for factor in [2, 4, 8, 16] {
            let mut upsampler = Upsampler::new(factor);
            let sine = |n: f64| (TAU * 0.21 * n).sin();
            let samples: Vec<f64> = (0..1_000).map(|n| sine(f64::from(n))).collect();
            let mut raised = vec![0.0; 1_000 * factor];
            for (samples, raised) in samples.chunks(37).zip(raised.chunks_mut(37 * factor)) {
                upsampler.process(samples, raised);
            }
            for n in 400 * factor..1_000 * factor {
                let expected = sine(n as f64 / factor as f64 - upsampler.latency() as f64);
                // The ripple of each stage, four stages.
                assert!(
                    (raised[n] - expected).abs() < 1e-5,
                    "factor {factor}, {n}: {} {expected}",
                    raised[n]
                );
            }
        }
    }

    #[test]
    fn the_cut_into_blocks_does_not_matter() {
        let input: Vec<f64> = (0..700).map(|n| f64::from(n * n % 97) / 97.0 - 0.5).collect();
        let cube = |raised: &mut [f64]| raised.iter_mut().for_each(|x| *x = x.powi(3));
        let mut whole = input.clone();
        Oversampler::new(8, 0).process(&mut whole, cube);
        let mut pieces = input;
        let mut oversampler = Oversampler::new(8, 0);
        for piece in pieces.chunks_mut(37) {
            oversampler.process(piece, cube);
        }
        assert_eq!(pieces, whole);
    }
}
