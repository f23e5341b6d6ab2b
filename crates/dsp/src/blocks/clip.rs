//! Clipping at a raised rate that leaves everything below its knee alone, bit for bit.
//!
//! Not the signal is bent and brought back, but what is taken away from it: the raised signal above the knee
//! ([`super::antiderivative::Knee`], second order) is brought back to the sample rate and subtracted from the delayed
//! input. Where nothing is above the knee nothing is subtracted, and no filter stands in the signal's way.
//!
//! What is taken away loses its highest part on the way back, hence the waveform between the samples passes
//! the ceiling a little again (0.1 dB after a slow tone, 4 dB after driven white noise). Where that matters the
//! same is done again: [`TruePeakClipper`]. Each round takes away twice what it finds, because a short peak
//! loses about half of itself in the filter (repeated clipping and filtering, J. Armstrong, *Peak-to-average power
//! reduction for OFDM by repeated clipping and frequency domain filtering*, Electronics Letters 2002).

use super::antiderivative::{Knee, TriangleAverage};
use super::lookahead::Delay;
use super::oversample::{CHUNK, Oversampler};
use audio::Frames;

/// Finds what one channel has above a knee, in the band of the sample rate.
#[derive(Debug, Clone)]
pub struct Excess {
    oversampler: Oversampler,
    average: TriangleAverage,
    /// Frames since there was anything above the knee, up to the length of the filters.
    quiet: Frames,
}

impl Excess {
    /// Works at `factor` (2, 4, 8 or 16) times the sample rate. Eight is enough for a hard clip: 5 kHz driven
    /// by 12 dB folds back under -100 dB.
    pub fn new(factor: usize) -> Excess {
        let oversampler = Oversampler::new(factor, TriangleAverage::DELAY);
        let quiet = 2 * oversampler.latency() + 2;
        Excess { oversampler, average: TriangleAverage::default(), quiet }
    }

    /// Frames by which the result stands later than the input.
    pub fn latency(&self) -> Frames {
        self.oversampler.latency()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.oversampler.reset();
        self.average = TriangleAverage::default();
        self.quiet = self.ring();
    }

    /// Frames for which the filters remember.
    fn ring(&self) -> Frames {
        2 * self.oversampler.latency() + 2
    }

    /// Replaces at most [`CHUNK`] samples by what is to be subtracted from them once they are late by the latency, exactly
    /// zero where nothing is. `knee` is asked once per frame. Gives false if all of it is zero.
    pub fn process(&mut self, samples: &mut [f64], knee: impl Fn(usize) -> Knee) -> bool {
        let factor = self.oversampler.factor();
        let average = &mut self.average;
        let raised = self.oversampler.raise(samples);
        let mut any = false;
        for (n, group) in raised.chunks_exact_mut(factor).enumerate() {
            let knee = knee(n);
            for x in group {
                *x = average.next(*x, |from, to| knee.stretch(from, to));
                any |= *x != 0.0;
            }
        }
        self.quiet = if any { 0 } else { self.quiet + samples.len() };
        if self.quiet > self.ring() + CHUNK {
            // Everything in the way back is zero, and stays so.
            self.quiet = self.ring() + CHUNK;
            samples.fill(0.0);
            return false;
        }
        self.oversampler.lower(samples);
        true
    }
}

/// Clips one channel.
#[derive(Debug, Clone)]
pub struct Clipper {
    excess: Excess,
    delay: Delay,
    taken: [f64; CHUNK],
}

impl Clipper {
    /// Works at `factor` times the sample rate; see [`Excess::new`].
    pub fn new(factor: usize) -> Clipper {
        let excess = Excess::new(factor);
        Clipper { delay: Delay::new(excess.latency()), excess, taken: [0.0; CHUNK] }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.excess.latency()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.excess.reset();
        self.delay.reset();
    }

    /// Clips at most [`CHUNK`] samples in place. `knee` gives the knee of each frame; `share` (one is all) of
    /// what is above is taken away.
    pub fn process(&mut self, samples: &mut [f64], knee: impl Fn(usize) -> Knee, share: f64) {
        let taken = &mut self.taken[..samples.len()];
        taken.copy_from_slice(samples);
        let any = self.excess.process(taken, knee);
        self.delay.pass(samples);
        if any {
            subtract(samples, taken, share);
        }
    }
}

/// Leaves samples alone from which nothing is taken, their sign of zero included.
fn subtract(samples: &mut [f64], taken: &[f64], share: f64) {
    for (sample, taken) in samples.iter_mut().zip(taken) {
        if *taken != 0.0 {
            *sample -= share * taken;
        }
    }
}

/// Rounds after the first: with three, noise driven by 12 dB passes the ceiling by 0.3 dB, music by less.
const ROUNDS: usize = 3;

/// How much of what it finds each round after the first takes away.
const SHARE: f64 = 2.0;

/// Clips one channel so that its true peak stays under the ceiling, but for the overshoot that is left
/// after some rounds: at most 0.3 dB for tones and music, 0.5 dB for noise with an RMS of
/// the ceiling.
#[derive(Debug, Clone)]
pub struct TruePeakClipper {
    first: Clipper,
    rounds: [Clipper; ROUNDS],
}

impl TruePeakClipper {
    /// Works at `factor` times the sample rate; see [`Excess::new`].
    pub fn new(factor: usize) -> TruePeakClipper {
        TruePeakClipper { first: Clipper::new(factor), rounds: [(); ROUNDS].map(|()| Clipper::new(factor)) }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.first.latency() + self.rounds.iter().map(Clipper::latency).sum::<Frames>()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.first.reset();
        self.rounds.iter_mut().for_each(Clipper::reset);
    }

    /// Clips at most [`CHUNK`] samples in place. `knee` gives the knee of each frame.
    pub fn process(
        &mut self,
        samples: &mut [f64],
        knee: impl Fn(usize) -> Knee,
        ceiling: impl Fn(usize) -> f64,
    ) {
        self.first.process(samples, &knee, 1.0);
        for round in &mut self.rounds {
            round.process(samples, |n| Knee::new(ceiling(n), ceiling(n)), SHARE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::true_peak::PeakFinder;
    use std::f64::consts::TAU;

    fn hard(ceiling: f64) -> impl Fn(usize) -> Knee {
        move |_| Knee::new(ceiling, ceiling)
    }

    fn clipped(mut samples: Vec<f64>, knee: impl Fn(usize) -> Knee) -> (Vec<f64>, Frames) {
        let mut clipper = Clipper::new(8);
        samples.chunks_mut(CHUNK).for_each(|chunk| clipper.process(chunk, &knee, 1.0));
        (samples, clipper.latency())
    }

    /// Deterministic noise, uniform from -1 to 1.
    fn noise(frames: usize) -> Vec<f64> {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        };
        (0..frames).map(|_| next()).collect()
    }

    #[test]
    fn below_the_knee_no_bit_changes() {
        // Noise can pass its largest sample between the samples: 0.25 leaves 12 dB for that.
        let mut input: Vec<f64> = noise(3_000).iter().map(|x| 0.25 * x).collect();
        input[100] = -0.0;
        let (output, latency) = clipped(input.clone(), hard(1.0));
        for n in latency..input.len() {
            assert_eq!(output[n].to_bits(), input[n - latency].to_bits(), "{n}");
        }
    }

    /// After the loud part has gone by, the bits are those of the input again.
    #[test]
    fn bits_return_after_a_loud_part() {
        let mut input: Vec<f64> = noise(4_000).iter().map(|x| 0.2 * x).collect();
        input[500..900].iter_mut().for_each(|x| *x *= 30.0);
        let (output, latency) = clipped(input.clone(), hard(1.0));
        assert!(output[latency + 500..latency + 900].iter().all(|x| x.abs() < 2.0));
        // The filters ring as long before the loud part as after it.
        for n in (0..500 - 2 * latency).chain(900 + 3 * latency..input.len() - latency) {
            assert_eq!(output[n + latency].to_bits(), input[n].to_bits(), "{n}");
        }
    }

    /// A clipped sine by its Fourier series: harmonic n (odd) of a sine of amplitude a cut at 1.
    #[test]
    fn harmonics_are_fouriers() {
        const RATE: usize = 48_000;
        let amplitude = 4.0;
        let input = (0..RATE + 2_000).map(|n| amplitude * (TAU * 1_000.0 * n as f64 / RATE as f64).sin());
        let (output, _) = clipped(input.collect(), hard(1.0));
        let edge = (1.0f64 / amplitude).asin();
        for harmonic in [1, 3, 5, 7, 9, 11] {
            let n = f64::from(harmonic);
            // 4/pi times the integral over a quarter of a turn, in small steps.
            const STEPS: usize = 20_000;
            let quarter = TAU / 4.0;
            let expected: f64 = (0..STEPS)
                .map(|i| quarter * (i as f64 + 0.5) / STEPS as f64)
                .map(|t| if t < edge { amplitude * t.sin() * (n * t).sin() } else { (n * t).sin() })
                .sum::<f64>()
                * 4.0
                / std::f64::consts::PI
                * quarter
                / STEPS as f64;
            let (mut re, mut im) = (0.0, 0.0);
            for (i, x) in output[2_000..].iter().enumerate() {
                let turn = TAU * 1_000.0 * n * i as f64 / RATE as f64;
                re += x * turn.cos();
                im += x * turn.sin();
            }
            let seen = 2.0 * f64::hypot(re, im) / RATE as f64;
            // Straight lines between the samples of 384 kHz make a sine of 1 kHz smaller by w²/12: 9e-5 of 4.
            assert!((seen - expected.abs()).abs() < 1e-4, "{harmonic}: {seen} {expected}");
        }
    }

    fn true_peak(samples: &[f64]) -> f64 {
        let mut finder = PeakFinder::new();
        let mut peaks = vec![0.0; CHUNK];
        let mut most = 0.0f64;
        for chunk in samples.chunks(CHUNK) {
            finder.find(chunk, 0.0, &mut peaks[..chunk.len()]);
            most = peaks[..chunk.len()].iter().copied().fold(most, f64::max);
        }
        most
    }

    #[test]
    fn true_peaks_stay_within_the_stated_overshoot() {
        let square: Vec<f64> = (0..24_000).map(|n| if (n / 240) % 2 == 0 { 1.5 } else { -1.5 }).collect();
        let tone: Vec<f64> =
            (0..24_000).map(|n| 4.0 * (TAU * 11_025.0 * n as f64 / 44_100.0 + 0.7).sin()).collect();
        // Nothing at the Nyquist frequency, where the way back takes half.
        let loud: Vec<f64> = noise(24_000).windows(2).map(|w| 1.22 * (w[0] + w[1])).collect();
        // A one-pole slope on the noise: more like music.
        let mut state = 0.0;
        let soft: Vec<f64> = noise(24_000)
            .iter()
            .map(|x| {
                state = 0.9 * state + x;
                0.75 * state
            })
            .collect();
        for (name, input, over_db) in
            [("square", square, 0.3), ("tone", tone, 0.3), ("sloping noise", soft, 0.4), ("noise", loud, 0.5)]
        {
            let mut clipper = TruePeakClipper::new(8);
            let mut output = input;
            output.chunks_mut(CHUNK).for_each(|chunk| clipper.process(chunk, hard(1.0), |_| 1.0));
            let seen = 20.0 * true_peak(&output).log10();
            assert!(seen < over_db, "{name}: {seen:.2} dB over");
        }
    }
}
