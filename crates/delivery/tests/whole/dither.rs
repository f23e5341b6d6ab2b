//! Dither as it stands in a delivered file: a tone far under the last bit, the noise around it, and its spectrum.

use std::f64::consts::TAU;
use std::path::Path;

use crate::support::{noise, rounded, tone, write};
use delivery::{Container, Depth, Dither, Job, deliver, find_target};
use files::SampleFormat::{Float32, Int16};

const RATE: u32 = 44_100;
const HZ: f64 = 1_000.0;
/// One step of 16 bits.
const STEP: f64 = 1.0 / 32_768.0;
/// Wannamaker 1992, nine coefficients, F-weighting: `1 - sum c z^-k` shapes the noise.
const F9: [f64; 9] = [2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847];

/// The 16-bit samples of the first channel, taken from the bytes of a WAV file by this test itself.
fn samples(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|w| w == b"data").unwrap();
    let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
    let frames = bytes[at + 8..at + 8 + length].chunks_exact(4);
    frames.map(|frame| f64::from(i16::from_le_bytes([frame[0], frame[1]])) * STEP).collect()
}

/// Twenty seconds of a 1 kHz tone of -100 dBFS, delivered as 16-bit WAV.
fn delivered(folder: &Path, dither: Dither) -> Vec<f64> {
    let plane = tone(HZ, 0.0, -100.0, RATE, 20.0);
    let source = write(folder, "tone.wav", &[plane.clone(), plane], Float32, RATE);
    let job = Job { dither: Some(dither), ..Job::new(&source, find_target("cd").unwrap(), folder, "out") };
    let done = deliver(&job).unwrap();
    assert_eq!((done.container, done.depth, done.dither), (Container::Wav, Some(Depth::Int16), dither));
    samples(&done.path)
}

/// Mean power of segments of `size` frames under a Hann window at a bin, as a density: 1 for white noise of power 1.
fn density(signal: &[f64], size: usize, bin: usize) -> f64 {
    let window: Vec<f64> = (0..size).map(|n| 0.5 - 0.5 * (TAU * n as f64 / size as f64).cos()).collect();
    let wave: Vec<(f64, f64)> =
        (0..size).map(|n| (TAU * (bin * n % size) as f64 / size as f64).sin_cos()).collect();
    let power = |part: &[f64]| {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for ((sample, window), (sin, cos)) in part.iter().zip(&window).zip(&wave) {
            real += sample * window * cos;
            imaginary += sample * window * sin;
        }
        real * real + imaginary * imaginary
    };
    let parts = signal.chunks_exact(size);
    let (count, sum) = parts.fold((0, 0.0), |(count, sum), part| (count + 1, sum + power(part)));
    // A Hann window passes 3/8 of the power of noise.
    sum / f64::from(count) / (0.375 * size as f64)
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

// Finds rounding without dither, dither of another size, and harmonics that stand out of the noise.
#[test]
fn a_tone_of_minus_100_dbfs_stands_in_a_file_of_16_bits_without_harmonics() {
    let folder = tempfile::tempdir().unwrap();
    // Bins of 10 Hz: the tone and its harmonics fall on whole ones.
    let size = RATE as usize / 10;
    let bin = |hz: f64| (hz / 10.0).round() as usize;
    let levels = |dither: Dither| {
        let signal = delivered(folder.path(), dither);
        let level = |hz: f64| db(density(&signal, size, bin(hz)));
        // A tone of amplitude a has a density of a^2 n / 6 in its bin under a Hann window: (a n / 4)^2 / (3/8 n).
        let tone = level(HZ) - db(size as f64 / 6.0);
        let harmonics = (2..=10).map(|n| {
            let hz = f64::from(n) * HZ;
            let around: f64 = [-70.0, -50.0, -40.0, 40.0, 50.0, 70.0]
                .iter()
                .map(|d| 10f64.powf(level(hz + d) / 10.0))
                .sum();
            level(hz) - db(around / 6.0)
        });
        (tone, harmonics.fold(f64::NEG_INFINITY, f64::max))
    };
    for dither in [Dither::Tpdf, Dither::F9, Dither::Quiet] {
        let (tone, harmonics) = levels(dither);
        // What noise adds to the bin moves the tone by tenths at most; 0.7 dB is what is asked.
        assert!((tone + 100.0).abs() < 0.7, "{dither:?}: {tone} dBFS");
        // Two hundred segments: a bin of noise stays within 1.5 dB (five standard deviations) of its neighbours' mean.
        assert!(harmonics < 1.5, "{dither:?}: a harmonic stands {harmonics} dB over the noise");
    }
}

// Finds a set with a wrong sign or order, noise that is not white behind it, and a file that is shaped in another way.
#[test]
fn the_noise_of_a_shaped_file_has_the_shape_that_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let size = 512;
    for dither in [Dither::Tpdf, Dither::F9] {
        let signal = delivered(folder.path(), dither);
        let steps: Vec<f64> = signal.iter().map(|sample| sample / STEP).collect();
        for bin in (24..size / 2 - 4).step_by(10) {
            let angle = TAU * bin as f64 / size as f64;
            let (mut real, mut imaginary) = (1.0, 0.0);
            for (k, c) in F9.iter().enumerate().filter(|_| dither == Dither::F9) {
                real -= c * (angle * (k + 1) as f64).cos();
                imaginary += c * (angle * (k + 1) as f64).sin();
            }
            // White noise of a quarter of a step squared through the filter.
            let computed = db(0.25 * (real * real + imaginary * imaginary));
            let found = db(density(&steps, size, bin));
            // 1700 segments: 0.1 dB of standard deviation; the window lets 0.4 dB of the steepest slopes through.
            assert!(
                (found - computed).abs() < 0.9,
                "{dither:?}, bin {bin}: {found} dB instead of {computed}"
            );
        }
    }
}

// Finds dither that is added where no bit is dropped.
#[test]
fn what_has_16_bits_already_comes_out_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let plane = rounded(&noise(4, 3 * RATE as usize).iter().map(|s| 0.3 * s).collect::<Vec<_>>(), 16);
    for (name, format) in [("integers.wav", Int16), ("floats.wav", Float32)] {
        let source = write(folder.path(), name, &[plane.clone(), plane.clone()], format, RATE);
        let out = folder.path().join("out");
        let job =
            Job { dither: Some(Dither::F9), ..Job::new(&source, find_target("cd").unwrap(), &out, "out") };
        let done = deliver(&job).unwrap();
        assert_eq!(done.dither, Dither::None);
        assert_eq!(samples(&done.path), plane, "{name}");
    }
}
