//! Uncompressed samples: bytes at a place in a file, read in pieces and unpacked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use audio::{Block, Frames};

use super::Source;
use crate::error::FileError;
use crate::info::Encoding;

/// How one sample lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Unsigned8,
    Signed8,
    Int16 { big_endian: bool },
    Int24 { big_endian: bool },
    Int32 { big_endian: bool },
    Float32 { big_endian: bool },
    Float64 { big_endian: bool },
    ALaw,
    MuLaw,
}

impl Layout {
    /// Signed integers in `bytes` bytes; `None` where there are none.
    pub(super) fn integer(bytes: usize, big_endian: bool) -> Option<Layout> {
        Some(match bytes {
            1 => Layout::Signed8,
            2 => Layout::Int16 { big_endian },
            3 => Layout::Int24 { big_endian },
            4 => Layout::Int32 { big_endian },
            _ => return None,
        })
    }

    /// Bytes of one sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Layout::Unsigned8 | Layout::Signed8 | Layout::ALaw | Layout::MuLaw => 1,
            Layout::Int16 { .. } => 2,
            Layout::Int24 { .. } => 3,
            Layout::Int32 { .. } | Layout::Float32 { .. } => 4,
            Layout::Float64 { .. } => 8,
        }
    }

    /// What to tell people, when `bits` of each sample carry signal.
    pub(super) fn encoding(self, bits: u32) -> Encoding {
        match self {
            Layout::Float32 { .. } => Encoding::Float { bits: 32 },
            Layout::Float64 { .. } => Encoding::Float { bits: 64 },
            Layout::ALaw => Encoding::Lossy { codec: "A-law" },
            Layout::MuLaw => Encoding::Lossy { codec: "mu-law" },
            _ => Encoding::Integer { bits },
        }
    }
}

/// About 64 KiB at a time: large enough for the disk, small enough for the second-level cache.
const PIECE_BYTES: usize = 1 << 16;

/// The frames of an uncompressed file.
pub(super) struct PcmSource {
    path: PathBuf,
    file: File,
    /// Byte of the first frame.
    start: u64,
    channels: usize,
    /// Bytes from one frame to the next.
    stride: usize,
    layout: Layout,
    position: u64,
    /// Whether the file's own cursor stands elsewhere.
    moved: bool,
    piece: Vec<u8>,
}

impl PcmSource {
    /// Frames that begin at byte `start`, each of `channels` samples laid out as `layout`.
    pub(super) fn new(path: &Path, file: File, start: u64, channels: usize, layout: Layout) -> PcmSource {
        let stride = channels * layout.bytes();
        let piece = vec![0; PIECE_BYTES / stride * stride];
        PcmSource {
            path: path.to_owned(),
            file,
            start,
            channels,
            stride,
            layout,
            position: 0,
            moved: true,
            piece,
        }
    }
}

impl Source for PcmSource {
    fn read(&mut self, block: &mut Block) -> Result<Frames, FileError> {
        let failed = |e: io::Error| FileError::io(&self.path, "read it", e);
        if self.moved {
            let byte = self.start + self.position * self.stride as u64;
            self.file.seek(SeekFrom::Start(byte)).map_err(failed)?;
            self.moved = false;
        }
        let mut done = 0;
        while done < block.frames() {
            let frames = (block.frames() - done).min(self.piece.len() / self.stride);
            let bytes = &mut self.piece[..frames * self.stride];
            if let Err(e) = self.file.read_exact(bytes) {
                self.moved = true;
                return Err(failed(e));
            }
            for channel in 0..self.channels {
                let out = &mut block.channel_mut(channel)[done..done + frames];
                match (self.layout, self.channels) {
                    // What a chain leaves for the next part of it.
                    (Layout::Float64 { big_endian: false }, 2) => one_of_two(bytes, 8 * channel, out),
                    _ => unpack(&bytes[channel * self.layout.bytes()..], self.stride, self.layout, out),
                }
            }
            done += frames;
            self.position += frames as u64;
        }
        Ok(done)
    }

    fn seek(&mut self, frame: u64) -> Result<(), FileError> {
        self.position = frame;
        self.moved = true;
        Ok(())
    }
}

/// Unpacks one channel: a sample every `stride` bytes. An integer of `b` bits becomes `value / 2^(b-1)`
/// exactly, since the divisor is a power of two.
fn unpack(bytes: &[u8], stride: usize, layout: Layout, out: &mut [f64]) {
    match layout {
        Layout::Unsigned8 => each(bytes, stride, out, |[b]| (f64::from(b) - 128.0) / 128.0),
        Layout::Signed8 => each(bytes, stride, out, |[b]| f64::from(b as i8) / 128.0),
        Layout::Int16 { big_endian: false } => {
            each(bytes, stride, out, |b| f64::from(i16::from_le_bytes(b)) / 32_768.0)
        }
        Layout::Int16 { big_endian: true } => {
            each(bytes, stride, out, |b| f64::from(i16::from_be_bytes(b)) / 32_768.0)
        }
        Layout::Int24 { big_endian: false } if stride == 3 => int24_alone(bytes, out),
        Layout::Int24 { big_endian: false } if stride == 6 => int24_of_two(bytes, out),
        // A zero byte below makes 24 bits the upper part of 32, sign included.
        Layout::Int24 { big_endian: false } => each(bytes, stride, out, |[a, b, c]| {
            f64::from(i32::from_le_bytes([0, a, b, c])) / 2_147_483_648.0
        }),
        Layout::Int24 { big_endian: true } => each(bytes, stride, out, |[a, b, c]| {
            f64::from(i32::from_be_bytes([a, b, c, 0])) / 2_147_483_648.0
        }),
        Layout::Int32 { big_endian: false } => {
            each(bytes, stride, out, |b| f64::from(i32::from_le_bytes(b)) / 2_147_483_648.0)
        }
        Layout::Int32 { big_endian: true } => {
            each(bytes, stride, out, |b| f64::from(i32::from_be_bytes(b)) / 2_147_483_648.0)
        }
        Layout::Float32 { big_endian: false } => {
            each(bytes, stride, out, |b| f64::from(f32::from_le_bytes(b)))
        }
        Layout::Float32 { big_endian: true } => {
            each(bytes, stride, out, |b| f64::from(f32::from_be_bytes(b)))
        }
        Layout::Float64 { big_endian: false } => each(bytes, stride, out, f64::from_le_bytes),
        Layout::Float64 { big_endian: true } => each(bytes, stride, out, f64::from_be_bytes),
        Layout::ALaw => each(bytes, stride, out, |[b]| a_law(b)),
        Layout::MuLaw => each(bytes, stride, out, |[b]| mu_law(b)),
    }
}

audio::wide! {
    /// One channel of two in little-endian `f64`, `at` bytes into each frame.
    fn one_of_two(bytes: &[u8], at: usize, out: &mut [f64]) {
        for (to, frame) in out.iter_mut().zip(bytes.chunks_exact(16)) {
            let mut sample = [0; 8];
            sample.copy_from_slice(&frame[at..at + 8]);
            *to = f64::from_le_bytes(sample);
        }
    }
}

/// What one step of 24 bits is of the upper part of 32.
const STEP: f64 = 1.0 / 2_147_483_648.0;

/// 24 little-endian bits in the upper part of 32: of four bytes the lower three, or the upper three.
#[inline(always)]
fn lower(bytes: [u8; 4]) -> f64 {
    f64::from((u32::from_le_bytes(bytes) << 8) as i32) * STEP
}

#[inline(always)]
fn upper(bytes: [u8; 4]) -> f64 {
    f64::from((u32::from_le_bytes(bytes) & !0xFF) as i32) * STEP
}

audio::wide! {
    /// One channel of 24 bits by itself: four samples are three words, each read with a byte of its neighbour.
    fn int24_alone(bytes: &[u8], out: &mut [f64]) {
        let (fours, rest) = out.as_chunks_mut::<4>();
        let (words, left) = bytes.as_chunks::<12>();
        for (four, word) in fours.iter_mut().zip(words) {
            let [a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2] = *word;
            *four = [
                lower([a0, a1, a2, b0]),
                upper([a2, b0, b1, b2]),
                lower([c0, c1, c2, d0]),
                upper([c2, d0, d1, d2]),
            ];
        }
        for (to, from) in rest.iter_mut().zip(left.as_chunks::<3>().0) {
            *to = upper([0, from[0], from[1], from[2]]);
        }
    }
}

audio::wide! {
    /// One channel of two in 24 bits: each sample is read with a byte of its neighbour, which the last one may not have.
    fn int24_of_two(bytes: &[u8], out: &mut [f64]) {
        let (frames, rest) = bytes.as_chunks::<6>();
        for (to, frame) in out.iter_mut().zip(frames) {
            *to = lower([frame[0], frame[1], frame[2], frame[3]]);
        }
        if let (Some(to), [a, b, c, ..]) = (out.get_mut(frames.len()), rest) {
            *to = upper([0, *a, *b, *c]);
        }
    }
}

/// One sample of `N` bytes every `stride` bytes. The common strides are constants, so that the loop for mono
/// and stereo is unrolled.
#[inline(always)]
fn each<const N: usize>(bytes: &[u8], stride: usize, out: &mut [f64], sample: impl Fn([u8; N]) -> f64) {
    #[inline(always)]
    fn run<const N: usize>(bytes: &[u8], stride: usize, out: &mut [f64], sample: impl Fn([u8; N]) -> f64) {
        for (to, from) in out.iter_mut().zip(bytes.chunks(stride)) {
            if let Some(from) = from.first_chunk::<N>() {
                *to = sample(*from);
            }
        }
    }
    if stride == N {
        run(bytes, N, out, sample);
    } else if stride == 2 * N {
        run(bytes, 2 * N, out, sample);
    } else {
        run(bytes, stride, out, sample);
    }
}

/// A-law, ITU-T G.711 table 1a: 13 bits, full scale 4096.
fn a_law(code: u8) -> f64 {
    let code = code ^ 0x55;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    // Half steps, so that the middle of an interval is an integer.
    let doubled = if segment == 0 { 2 * step + 1 } else { (2 * step + 33) << (segment - 1) };
    let value = f64::from(doubled) / 4096.0;
    if code & 0x80 != 0 { value } else { -value }
}

/// Mu-law, ITU-T G.711 table 2a: 14 bits, full scale 8192.
fn mu_law(code: u8) -> f64 {
    let code = !code;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let value = f64::from(((2 * step + 33) << segment) - 33) / 8192.0;
    if code & 0x80 != 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(bytes: &[u8], layout: Layout) -> Vec<f64> {
        let mut out = vec![f64::NAN; bytes.len() / layout.bytes()];
        unpack(bytes, layout.bytes(), layout, &mut out);
        out
    }

    #[test]
    fn both_ends_of_every_integer_are_exact() {
        assert_eq!(unpacked(&[0, 128, 255], Layout::Unsigned8), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(unpacked(&[0x80, 0, 0x7f], Layout::Signed8), [-1.0, 0.0, 127.0 / 128.0]);
        for big_endian in [false, true] {
            for (bytes, bits) in [(2usize, 16), (3, 24), (4, 32)] {
                let layout = Layout::integer(bytes, big_endian).unwrap();
                let full: i64 = 1 << (bits - 1);
                for value in [-full, -1, 0, 1, full - 1, 0x1234] {
                    let little = value.to_le_bytes();
                    let mut packed = little[..bytes].to_vec();
                    if big_endian {
                        packed.reverse();
                    }
                    assert_eq!(unpacked(&packed, layout), [value as f64 / full as f64], "{layout:?} {value}");
                }
            }
        }
    }

    #[test]
    fn channels_are_taken_apart() {
        for channels in 1..=5usize {
            let bytes: Vec<u8> = (0..channels * 3).flat_map(|n| (n as i16).to_le_bytes()).collect();
            let layout = Layout::Int16 { big_endian: false };
            for channel in 0..channels {
                let mut out = [f64::NAN; 3];
                unpack(&bytes[channel * 2..], channels * 2, layout, &mut out);
                let expected = [0, 1, 2].map(|n| (n * channels + channel) as f64 / 32_768.0);
                assert_eq!(out, expected, "channel {channel} of {channels}");
            }
        }
    }

    /// 24 bits alone and in two channels take ways of their own; the places of all samples, whatever the length.
    #[test]
    fn twenty_four_bits_are_found_at_every_length() {
        let layout = Layout::Int24 { big_endian: false };
        for channels in [1usize, 2, 3] {
            for frames in 0..10usize {
                let value = |n: usize| {
                    (n as i32 * 1_234_567 + 99) % 8_388_608 * if n.is_multiple_of(2) { 1 } else { -1 }
                };
                let bytes: Vec<u8> =
                    (0..channels * frames).flat_map(|n| value(n).to_le_bytes()[..3].to_vec()).collect();
                for channel in 0..channels {
                    let mut out = vec![f64::NAN; frames];
                    unpack(&bytes[(3 * channel).min(bytes.len())..], 3 * channels, layout, &mut out);
                    for (n, sample) in out.iter().enumerate() {
                        assert_eq!(
                            *sample,
                            f64::from(value(n * channels + channel)) / 8_388_608.0,
                            "{channels} {frames}"
                        );
                    }
                }
            }
        }
    }

    // Decision values of G.711 tables 1a and 2a: the largest outputs are 4032 of 4096 and 8031 of 8192.
    #[test]
    fn companded_samples_follow_the_tables() {
        assert_eq!(a_law(0b1010_1010), 4032.0 / 4096.0);
        assert_eq!(a_law(0b0010_1010), -4032.0 / 4096.0);
        assert_eq!(a_law(0b1101_0101), 1.0 / 4096.0);
        assert_eq!(mu_law(0b1000_0000), 8031.0 / 8192.0);
        assert_eq!(mu_law(0b0000_0000), -8031.0 / 8192.0);
        assert_eq!(mu_law(0b1111_1111), 0.0);
    }
}
