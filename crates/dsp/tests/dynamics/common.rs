//! Building by names, running, and measuring.

use audio::{Buffer, Frames, Spec};
use dsp::{Kind, Processor, Values};
use std::f64::consts::TAU;

pub(crate) const RATE_HZ: f64 = 48_000.0;

/// A processor with these numbers and choices set, the rest neutral.
pub(crate) fn build(
    kind: &Kind,
    rate_hz: f64,
    channels: usize,
    numbers: &[(&str, f64)],
    choices: &[(&str, &str)],
) -> Box<dyn Processor> {
    let mut values = Values::neutral(kind);
    for (name, value) in numbers {
        values.set(kind, name, *value).expect("a setting of the kind");
    }
    for (name, choice) in choices {
        values.set_choice(kind, name, choice).expect("a choice of the kind");
    }
    (kind.build)(&values, &Spec { sample_rate_hz: rate_hz, channels, max_frames: 4096 })
}

/// The output for `channels`, as long as the input, the latency still in it.
pub(crate) fn run(processor: &mut dyn Processor, channels: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut buffer = Buffer::from_channels(channels);
    let frames = buffer.frames();
    for start in (0..frames).step_by(4096) {
        processor.process(&mut buffer.range_mut(start, (frames - start).min(4096)), None);
    }
    (0..channels.len()).map(|c| buffer.channel(c).to_vec()).collect()
}

/// The output with the latency taken away: silence is appended and the beginning dropped.
pub(crate) fn run_aligned(processor: &mut dyn Processor, channels: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let latency = processor.latency();
    let longer: Vec<Vec<f64>> = channels
        .iter()
        .map(|c| c.iter().copied().chain(std::iter::repeat_n(0.0, latency)).collect())
        .collect();
    run(processor, &longer).into_iter().map(|c| c[latency..].to_vec()).collect()
}

pub(crate) fn sine(frames: Frames, rate_hz: f64, hz: f64, amplitude: f64, turns: f64) -> Vec<f64> {
    (0..frames).map(|n| amplitude * (TAU * (hz * n as f64 / rate_hz + turns)).sin()).collect()
}

pub(crate) fn noise(frames: Frames, amplitude: f64, seed: u64) -> Vec<f64> {
    // Marsaglia's xorshift64*.
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..frames)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
            amplitude * (bits as f64 / (1u64 << 52) as f64 - 1.0)
        })
        .collect()
}

pub(crate) fn db(gain: f64) -> f64 {
    20.0 * gain.abs().log10()
}

pub(crate) fn rms_db(samples: &[f64]) -> f64 {
    10.0 * (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).log10()
}

/// Amplitude of one frequency, by projection; exact when the samples hold whole periods.
pub(crate) fn amplitude(samples: &[f64], rate_hz: f64, hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in samples.iter().enumerate() {
        let (sin, cos) = (TAU * hz * n as f64 / rate_hz).sin_cos();
        re += x * cos;
        im += x * sin;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

/// Total harmonic distortion in decibels, harmonics 2 to 20 below Nyquist, over whole periods.
pub(crate) fn thd_db(samples: &[f64], rate_hz: f64, hz: f64) -> f64 {
    let power: f64 = (2..=20)
        .map(|k| hz * f64::from(k))
        .filter(|hz| *hz < rate_hz / 2.0)
        .map(|hz| amplitude(samples, rate_hz, hz).powi(2))
        .sum();
    10.0 * power.log10() - db(amplitude(samples, rate_hz, hz))
}

/// Takes a tone away by least squares: its sine, its cosine and the mean. Gives its power.
pub(crate) fn remove_tone(samples: &mut [f64], rate_hz: f64, hz: f64) -> f64 {
    let mut power = 0.0;
    // Over whole periods the three are orthogonal; the later passes remove what is left of that.
    for pass in 0..3 {
        let turn = |n: usize| (TAU * (hz * n as f64 / rate_hz).fract()).sin_cos();
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples.iter().enumerate() {
            let (sin, cos) = turn(n);
            re += x * cos;
            im += x * sin;
        }
        let scale = 2.0 / samples.len() as f64;
        (re, im) = (re * scale, im * scale);
        for (n, x) in samples.iter_mut().enumerate() {
            let (sin, cos) = turn(n);
            *x -= re * cos + im * sin + mean;
        }
        if pass == 0 {
            power = 0.5 * (re * re + im * im);
        }
    }
    power
}

/// What is left of the steady end of a tone when the tone is taken away, against the tone, in decibels.
pub(crate) fn thd_n_db(samples: &[f64], rate_hz: f64, hz: f64) -> f64 {
    let mut rest = samples.to_vec();
    let power = remove_tone(&mut rest, rate_hz, hz);
    rms_db(&rest) - 10.0 * power.log10()
}
