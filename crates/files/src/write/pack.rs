//! From samples to integers, and from integers to bytes.

use audio::BlockRef;

use super::{FileType, SampleFormat, WriteSpec};

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// A piece of sound as integers, one vector a channel.
#[derive(Debug)]
pub(super) struct Quantised {
    planes: Vec<Vec<i32>>,
}

impl Quantised {
    pub(super) fn new(channels: usize, frames: usize) -> Quantised {
        Quantised { planes: (0..channels).map(|_| Vec::with_capacity(frames)).collect() }
    }

    pub(super) fn planes(&self) -> &[Vec<i32>] {
        &self.planes
    }

    /// Rounds to `bits`; gives how many samples were clipped and how many were not finite.
    pub(super) fn take_f64(&mut self, block: &BlockRef, bits: u32) -> (u64, u64) {
        let scale = (1u64 << (bits - 1)) as f64;
        let (lowest, highest) = (-scale, scale - 1.0);
        let (mut clipped, mut not_finite) = (0, 0);
        for (plane, samples) in self.planes.iter_mut().zip(block.iter()) {
            plane.clear();
            plane.extend(samples.iter().map(|sample| {
                let step = (sample * scale).round_ties_even();
                let kept = step.clamp(lowest, highest);
                // NaN is unequal to itself; infinity is clipped first, but is no sound either.
                if kept != step {
                    if sample.is_finite() {
                        clipped += 1;
                    } else {
                        not_finite += 1;
                        return 0;
                    }
                }
                kept as i32
            }));
        }
        (clipped, not_finite)
    }

    /// Takes `frames` frames from `start` on; gives how many samples were clipped to `bits`.
    pub(super) fn take_i32(&mut self, channels: &[&[i32]], start: usize, frames: usize, bits: u32) -> u64 {
        let highest = i32::MAX >> (32 - bits);
        let lowest = -highest - 1;
        let mut clipped = 0;
        for (plane, samples) in self.planes.iter_mut().zip(channels) {
            let samples = &samples[start..start + frames];
            plane.clear();
            plane.extend_from_slice(samples);
            if beyond(samples, lowest, highest) {
                for sample in plane {
                    let kept = (*sample).clamp(lowest, highest);
                    clipped += u64::from(kept != *sample);
                    *sample = kept;
                }
            }
        }
        clipped
    }

    /// Interleaves into bytes, replacing what `bytes` held.
    pub(super) fn pack(&self, bits: u32, order: Order, unsigned: bool, bytes: &mut Vec<u8>) {
        let flip = if unsigned { 0x80 } else { 0 };
        match (bits, order) {
            (8, _) => interleave(&self.planes, bytes, |s| [s as u8 ^ flip]),
            (16, Order::Little) => interleave(&self.planes, bytes, |s| (s as i16).to_le_bytes()),
            (16, Order::Big) => interleave(&self.planes, bytes, |s| (s as i16).to_be_bytes()),
            (24, Order::Little) => interleave(&self.planes, bytes, |s| {
                let [a, b, c, _] = s.to_le_bytes();
                [a, b, c]
            }),
            (24, Order::Big) => interleave(&self.planes, bytes, |s| {
                let [_, a, b, c] = s.to_be_bytes();
                [a, b, c]
            }),
            (_, Order::Little) => interleave(&self.planes, bytes, i32::to_le_bytes),
            (_, Order::Big) => interleave(&self.planes, bytes, i32::to_be_bytes),
        }
    }
}

/// Whether any of some integers lies outside of two others.
fn beyond(samples: &[i32], lowest: i32, highest: i32) -> bool {
    let outside = |any: bool, sample: &i32| any | (*sample < lowest) | (*sample > highest);
    samples.chunks(1024).any(|samples| samples.iter().fold(false, outside))
}

fn interleave<const N: usize>(planes: &[Vec<i32>], bytes: &mut Vec<u8>, pack: impl Fn(i32) -> [u8; N]) {
    let planes: Vec<&[i32]> = planes.iter().map(Vec::as_slice).collect();
    weave(&planes, bytes, pack);
}

/// Interleaves channels of one length, each sample packed into `N` bytes.
fn weave<S: Copy, const N: usize>(planes: &[&[S]], bytes: &mut Vec<u8>, pack: impl Fn(S) -> [u8; N]) {
    let frames = planes.first().map_or(0, |p| p.len());
    let stride = planes.len() * N;
    bytes.clear();
    bytes.resize(frames * stride, 0);
    if let [left, right] = planes {
        // Two channels at once: each place in memory is met once.
        for ((frame, left), right) in bytes.chunks_exact_mut(2 * N).zip(*left).zip(*right) {
            frame[..N].copy_from_slice(&pack(*left));
            frame[N..].copy_from_slice(&pack(*right));
        }
        return;
    }
    for (channel, plane) in planes.iter().enumerate() {
        for (frame, sample) in bytes.chunks_exact_mut(stride).zip(*plane) {
            frame[channel * N..][..N].copy_from_slice(&pack(*sample));
        }
    }
}

/// Packs floating point samples into `bytes`; gives how many were not finite and became zero.
pub(super) fn pack_floats(block: &BlockRef, spec: &WriteSpec, bytes: &mut Vec<u8>) -> u64 {
    let planes: Vec<&[f64]> = block.iter().collect();
    let largest = if spec.sample_format == SampleFormat::Float32 { f64::from(f32::MAX) } else { f64::MAX };
    let bad = |s: &f64| u64::from(!s.is_finite());
    let not_finite = planes.iter().map(|p| p.iter().map(bad).sum::<u64>()).sum();
    let sound = |s: f64| if s.is_finite() { s.clamp(-largest, largest) } else { 0.0 };
    match (spec.sample_format, spec.file_type) {
        (SampleFormat::Float32, FileType::Wav) => weave(&planes, bytes, |s| (sound(s) as f32).to_le_bytes()),
        (SampleFormat::Float32, _) => weave(&planes, bytes, |s| (sound(s) as f32).to_be_bytes()),
        (_, FileType::Wav) => weave(&planes, bytes, |s| sound(s).to_le_bytes()),
        _ => weave(&planes, bytes, |s| sound(s).to_be_bytes()),
    }
    not_finite
}
