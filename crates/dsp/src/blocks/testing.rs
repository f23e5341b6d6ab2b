//! Signals that tests of several kinds share.

use crate::{Kind, Values};
use audio::{Buffer, Spec};
use std::f64::consts::TAU;

/// Seeded noise, uniform in -1 .. 1.
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed * 2 + 1;
    move || {
        // Knuth's multiplier; the upper bits are random enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    }
}

/// White noise, close to Gaussian, of unit power.
pub(crate) fn hiss(frames: usize, seed: u64) -> Vec<f64> {
    let mut random = noise(seed);
    // Three uniform values of variance 1/3 sum to one.
    (0..frames).map(|_| random() + random() + random()).collect()
}

/// Chords of plucked notes with slightly stretched partials at 48 kHz, from `start_s` on, peak 1.
pub(crate) fn plucked(seconds: f64, start_s: f64, chord_s: f64) -> Vec<f64> {
    const CHORDS: [[f64; 4]; 3] =
        [[110.0, 164.8, 220.0, 277.2], [98.0, 146.8, 246.9, 293.7], [130.8, 196.0, 329.6, 523.3]];
    let mut random = noise(11);
    let frames = (seconds * 48_000.0) as usize;
    let mut sum = vec![0.0; frames];
    let count = ((seconds - start_s) / chord_s).floor() as usize;
    for chord in 0..count.max(1) {
        for (note, root) in CHORDS[chord % 3].iter().enumerate() {
            let start = (start_s + chord as f64 * chord_s + note as f64 * 0.013) * 48_000.0;
            for partial in 1..16 {
                let order = f64::from(partial);
                let hz = root * order * (1.0 + 2e-4 * order * order).sqrt();
                let phase = TAU * random();
                for n in start as usize..frames {
                    let t = (n as f64 - start) / 48_000.0;
                    let decay = (-t * (2.0 + order)).exp() * (1.0 - (-t * 900.0).exp());
                    if t > 0.1 && decay < 1e-6 {
                        break;
                    }
                    sum[n] += decay / order * (TAU * hz * t + phase).sin();
                }
            }
        }
    }
    let peak = sum.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    sum.iter().map(|x| x / peak).collect()
}

/// Ten times the logarithm of the ratio of a signal's power to that of what differs.
pub(crate) fn sdr_db(truth: &[f64], seen: &[f64]) -> f64 {
    let signal: f64 = truth.iter().map(|x| x * x).sum();
    let error: f64 = truth.iter().zip(seen).map(|(a, b)| (a - b) * (a - b)).sum();
    10.0 * (signal / error).log10()
}

/// Spectrogram of one channel: frames of powers, a quarter of `size` apart.
pub(crate) fn spectrogram(samples: &[f64], size: usize) -> Vec<Vec<f64>> {
    let window = super::stft::root_hann(size);
    let forward = realfft::RealFftPlanner::<f64>::new().plan_fft_forward(size);
    let mut spectrum = forward.make_output_vec();
    (0..samples.len().saturating_sub(size - 1))
        .step_by(size / 4)
        .map(|start| {
            let mut frame: Vec<f64> =
                samples[start..start + size].iter().zip(&window).map(|(x, w)| x * w).collect();
            forward.process(&mut frame, &mut spectrum).expect("equal lengths");
            spectrum.iter().map(|x| x.norm_sqr()).collect()
        })
        .collect()
}

/// Kurtosis of the power of all cells against the mean of their bin: 9 for noise, more where lone peaks stand
/// out (Yu & Fingscheidt, *Black box measurement of musical tones produced by noise reduction systems*, 2011).
pub(crate) fn kurtosis(cells: &[Vec<f64>], bins: std::ops::Range<usize>) -> f64 {
    let (mut fourth, mut second, mut count) = (0.0, 0.0, 0.0);
    for k in bins {
        let mean = cells.iter().map(|frame| frame[k]).sum::<f64>() / cells.len() as f64;
        for frame in cells {
            let apart = (frame[k] / mean - 1.0).powi(2);
            second += apart;
            fourth += apart * apart;
            count += 1.0;
        }
    }
    (fourth / count) / (second / count).powi(2)
}

/// Block sizes, reset and equal channels on a signal longer than the conformance suite's, for kinds whose latency
/// is about as long as that: whatever the cut, the same bits; after a reset too; mono stays mono.
pub(crate) fn assert_cuts_agree(kind: &Kind, values: &Values, mono: &[f64]) {
    let input = Buffer::from_channels(&[mono.to_vec(), mono.to_vec()]);
    let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: mono.len() };
    let mut whole = input.clone();
    let mut processor = (kind.build)(values, &spec);
    processor.process(&mut whole.as_block_mut(), None);
    assert_ne!(whole.channel(0)[mono.len() - 1], mono[mono.len() - 1 - processor.latency()], "it acts");
    let same = |a: &[f64], b: &[f64]| a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
    assert_eq!(same(whole.channel(0), whole.channel(1)), None, "mono stays mono up to this frame");
    processor.reset();
    let mut cut = input.clone();
    let (mut start, mut turn) = (0, 0);
    while start < mono.len() {
        let frames = [1_000, 7, 64, 1, 0, 4_097, 333][turn % 7].min(mono.len() - start);
        processor.process(&mut cut.range_mut(start, frames), None);
        (start, turn) = (start + frames, turn + 1);
    }
    assert_eq!(
        same(cut.channel(0), whole.channel(0)),
        None,
        "cut and after a reset, the same up to this frame"
    );
}
