//! Signals and files for the tests.
#![allow(dead_code)] // Each test file uses its part.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};

/// A sine of a peak amplitude in dBFS with raised-cosine fades of 20 ms.
pub(crate) fn tone(hz: f64, phase_degrees: f64, peak_dbfs: f64, rate: u32, seconds: f64) -> Vec<f64> {
    let frames = (seconds * f64::from(rate)) as usize;
    let amplitude = audio::db_to_gain(peak_dbfs);
    let step = TAU * hz / f64::from(rate);
    let mut samples: Vec<f64> =
        (0..frames).map(|n| amplitude * (step * n as f64 + phase_degrees.to_radians()).sin()).collect();
    fade(&mut samples, rate);
    samples
}

/// Raised-cosine fades of 20 ms at both ends.
pub(crate) fn fade(samples: &mut [f64], rate: u32) {
    let length = (rate as usize / 50).min(samples.len() / 2);
    let last = samples.len().saturating_sub(1);
    for n in 0..length {
        let gain = 0.5 - 0.5 * (std::f64::consts::PI * n as f64 / length as f64).cos();
        samples[n] *= gain;
        samples[last - n] *= gain;
    }
}

/// Noise between -1 and 1 that is the same on every machine.
pub(crate) fn noise(seed: u64, frames: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..frames)
        .map(|_| {
            // Knuth's linear congruential generator (The Art of Computer Programming, 3.3.4); its high bits.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1u32 << 23) - 1.0
        })
        .collect()
}

/// Rounds to the grid of `bits` bits.
pub(crate) fn rounded(samples: &[f64], bits: u32) -> Vec<f64> {
    let scale = (1u64 << (bits - 1)) as f64;
    samples.iter().map(|s| (s * scale).round() / scale).collect()
}

/// Writes channels to `folder/name`, the format after the extension.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    channels: &[Vec<f64>],
    format: SampleFormat,
    rate: u32,
) -> PathBuf {
    let path = folder.join(name);
    let spec = WriteSpec {
        file_type: if name.ends_with(".flac") { FileType::Flac } else { FileType::Wav },
        sample_format: format,
        sample_rate_hz: rate,
        channels: channels.len(),
    };
    let mut writer = Writer::create(&path, spec).unwrap();
    writer.write_f64(&Buffer::from_channels(channels).as_block()).unwrap();
    writer.finish().unwrap();
    path
}

/// Every sample of a file.
pub(crate) fn read(path: &Path) -> Buffer {
    files::open(path).unwrap().read_to_end().unwrap()
}

/// Names of what stands in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
