//! Apple Lossless (the format of Apple's open reference, "Apple Lossless Format", ALACMagicCookieDescription), in MPEG-4.
//!
//! A packet has 4096 frames of one or two channels. Both channels are mixed where that helps, predicted by eight
//! coefficients that follow the sign of the error, and the residuals coded with adaptive Golomb codes and runs of
//! zeros. Of 24 bits the lowest 8 go beside the prediction as
//! they are.

use super::bits::Bits;
use super::mp4::{Gap, Mp4, alac_entry};
use super::{WriteSpec, golomb};
use crate::atomic::PendingFile;
use crate::error::FileError;

/// Frames of a packet; the last one may have fewer.
pub(super) const PACKET_FRAMES: usize = 4096;
/// Coefficients of the predictor.
const ORDER: usize = 8;
/// Coefficients have this many bits behind the point.
const POINT: u32 = 9;
/// The mix of both channels is a share of quarters.
const MIX_BITS: u32 = 2;

const CHANNEL: u32 = 0;
const PAIR: u32 = 1;
const END: u32 = 7;

/// An ALAC file being written.
#[derive(Debug)]
pub(super) struct AlacSink {
    mp4: Mp4,
    packets: Packets,
    /// Frames that are no packet yet, one vector a channel.
    pending: Vec<Vec<i32>>,
    frames: u64,
    largest_packet: u32,
    spec: WriteSpec,
}

impl AlacSink {
    pub(super) fn create(pending: PendingFile, spec: &WriteSpec) -> Result<AlacSink, FileError> {
        Ok(AlacSink {
            mp4: Mp4::begin(pending)?,
            packets: Packets::new(spec.sample_format.bits(), spec.channels),
            pending: vec![Vec::with_capacity(2 * PACKET_FRAMES); spec.channels],
            frames: 0,
            largest_packet: 0,
            spec: *spec,
        })
    }

    pub(super) fn write(&mut self, planes: &[Vec<i32>]) -> Result<(), FileError> {
        for (pending, plane) in self.pending.iter_mut().zip(planes) {
            pending.extend(plane);
        }
        while self.pending[0].len() >= PACKET_FRAMES {
            self.packet(PACKET_FRAMES)?;
        }
        Ok(())
    }

    fn packet(&mut self, frames: usize) -> Result<(), FileError> {
        let packet = self.packets.encode(&self.pending, frames);
        self.largest_packet = self.largest_packet.max(packet.len() as u32);
        self.mp4.packet(packet, frames as u32)?;
        self.frames += frames as u64;
        for pending in &mut self.pending {
            pending.drain(..frames);
        }
        Ok(())
    }

    /// Completes the stream; the file still has its temporary name.
    pub(super) fn finish(mut self) -> Result<PendingFile, FileError> {
        let rest = self.pending[0].len();
        if rest > 0 {
            self.packet(rest)?;
        }
        if self.frames == 0 {
            return Err(FileError::unsupported(self.mp4.target(), "ALAC cannot hold 0 frames; write WAV"));
        }
        let entry = alac_entry(&self.spec, &self.cookie());
        self.mp4.finish(self.spec.sample_rate_hz, &entry, Gap { delay: 0, frames: self.frames })
    }

    /// What a decoder has to know beforehand.
    fn cookie(&self) -> Vec<u8> {
        let rate = u128::from(self.spec.sample_rate_hz);
        let bits_per_second = u128::from(self.mp4.media_bytes()) * 8 * rate / u128::from(self.frames.max(1));
        let mut cookie = (PACKET_FRAMES as u32).to_be_bytes().to_vec();
        let [mean, history, limit] = golomb::PARAMETERS;
        cookie.extend([0, self.spec.sample_format.bits() as u8, history, mean, limit]);
        cookie.push(self.spec.channels as u8);
        cookie.extend(255u16.to_be_bytes());
        cookie.extend(self.largest_packet.to_be_bytes());
        cookie.extend(u32::try_from(bits_per_second).unwrap_or(0).to_be_bytes());
        cookie.extend(self.spec.sample_rate_hz.to_be_bytes());
        cookie
    }
}

/// Makes packets of frames.
#[derive(Debug)]
struct Packets {
    bits: u32,
    channels: usize,
    /// The predictors as the last packet left them: a good start for the next.
    coefficients: [[i16; ORDER]; 2],
    mixed: [Vec<i32>; 2],
    low: Vec<u32>,
    residuals: [Vec<i32>; 2],
    out: Bits,
}

impl Packets {
    fn new(bits: u32, channels: usize) -> Packets {
        // Apple's start: 38/16, -29/16 and -2/16, a prediction by two differences.
        let mut start = [0; ORDER];
        start[..3].copy_from_slice(&[38 << (POINT - 4), -29 << (POINT - 4), -2 << (POINT - 4)]);
        Packets {
            bits,
            channels,
            coefficients: [start; 2],
            mixed: Default::default(),
            low: Vec::new(),
            residuals: Default::default(),
            out: Bits::default(),
        }
    }

    /// Lowest bits that are not predicted.
    fn shift(&self) -> u32 {
        if self.bits == 24 { 8 } else { 0 }
    }

    fn encode(&mut self, planes: &[Vec<i32>], frames: usize) -> &[u8] {
        self.out.clear();
        self.predicted(planes, frames);
        let plain = 3 + 4 + 12 + 4 + 32 + frames * self.channels * self.bits as usize;
        if self.out.len() > plain {
            self.out.clear();
            self.as_they_are(planes, frames);
        }
        self.out.push(END, 3);
        self.out.aligned()
    }

    fn head(&mut self, frames: usize, low_bytes: u32, plain: bool) {
        let partial = frames != PACKET_FRAMES;
        self.out.push(if self.channels == 2 { PAIR } else { CHANNEL }, 3);
        self.out.push(0, 4 + 12);
        self.out.push(u32::from(partial), 1);
        self.out.push(low_bytes, 2);
        self.out.push(u32::from(plain), 1);
        if partial {
            self.out.push(frames as u32, 32);
        }
    }

    fn as_they_are(&mut self, planes: &[Vec<i32>], frames: usize) {
        self.head(frames, 0, true);
        for frame in 0..frames {
            for plane in planes {
                self.out.push(plane[frame] as u32, self.bits);
            }
        }
    }

    fn predicted(&mut self, planes: &[Vec<i32>], frames: usize) {
        let shift = self.shift();
        let mix = self.split(planes, frames);
        self.head(frames, shift / 8, false);
        self.out.push(if mix == 0 { 0 } else { MIX_BITS }, 8);
        self.out.push(mix, 8);
        let width = self.bits - shift + self.channels as u32 - 1;
        for channel in 0..self.channels {
            self.out.push(POINT, 8);
            // The pace of the mean of the Golomb codes: four quarters of the cookie's.
            self.out.push(4 << 5 | ORDER as u32, 8);
            for coefficient in self.coefficients[channel] {
                self.out.push(coefficient as u16 as u32, 16);
            }
            predict(
                &self.mixed[channel],
                &mut self.residuals[channel],
                &mut self.coefficients[channel],
                width,
            );
        }
        for low in &self.low {
            self.out.push(*low, shift);
        }
        for channel in 0..self.channels {
            golomb::encode(&self.residuals[channel], width, &mut self.out);
        }
    }

    /// Splits off the low bits, mixes what is left, and says by how many quarters of the left channel.
    fn split(&mut self, planes: &[Vec<i32>], frames: usize) -> u32 {
        let shift = self.shift();
        self.low.clear();
        if shift > 0 {
            for frame in 0..frames {
                for plane in planes {
                    self.low.push(plane[frame] as u32 & ((1 << shift) - 1));
                }
            }
        }
        let high = |plane: &Vec<i32>| plane[..frames].iter().map(|s| s >> shift).collect::<Vec<i32>>();
        if self.channels == 1 {
            self.mixed[0] = high(&planes[0]);
            return 0;
        }
        let (left, right) = (high(&planes[0]), high(&planes[1]));
        let side: Vec<i32> = left.iter().zip(&right).map(|(l, r)| l - r).collect();
        let middle = |mix: i32| -> Vec<i32> {
            right.iter().zip(&side).map(|(r, s)| r + ((mix * s) >> MIX_BITS)).collect()
        };
        let mut best = (roughness(&left) + roughness(&right), 0);
        for mix in 1..=3 {
            best = best.min((roughness(&middle(mix)) + roughness(&side), mix));
        }
        self.mixed = match best.1 {
            0 => [left, right],
            mix => [middle(mix), side],
        };
        best.1 as u32
    }
}

/// What is left of a signal after two differences: about what its residuals will cost.
fn roughness(signal: &[i32]) -> u64 {
    signal
        .windows(3)
        .map(|w| (i64::from(w[2]) - 2 * i64::from(w[1]) + i64::from(w[0])).unsigned_abs())
        // Bits grow with the logarithm.
        .map(|size| u64::from(64 - size.leading_zeros()))
        .sum()
}

/// Keeps the lowest `width` bits, with their sign.
fn narrow(value: i32, width: u32) -> i32 {
    if width >= 32 { value } else { value << (32 - width) >> (32 - width) }
}

/// Residuals of a prediction from the differences to the sample before the window. The coefficients follow the
/// sign of the error, and a decoder follows them.
fn predict(signal: &[i32], residuals: &mut Vec<i32>, coefficients: &mut [i16; ORDER], width: u32) {
    residuals.clear();
    residuals.extend(signal.first());
    for n in 1..signal.len().min(ORDER + 1) {
        residuals.push(narrow(signal[n].wrapping_sub(signal[n - 1]), width));
    }
    for n in ORDER + 1..signal.len() {
        let base = signal[n - ORDER - 1];
        // The nearest sample first, as the coefficients are.
        let mut nearness = [0; ORDER];
        for (k, difference) in nearness.iter_mut().enumerate() {
            *difference = signal[n - 1 - k].wrapping_sub(base);
        }
        let sum = nearness
            .iter()
            .zip(coefficients.iter())
            .fold(0i32, |sum, (d, c)| sum.wrapping_add(d.wrapping_mul(i32::from(*c))));
        let expected = base.wrapping_add(sum.wrapping_add(1 << (POINT - 1)) >> POINT);
        let residual = narrow(signal[n].wrapping_sub(expected), width);
        residuals.push(residual);
        follow(coefficients, &nearness, residual);
    }
}

/// Moves each coefficient, the farthest sample's first, by one step against the error, until the error is made up for.
fn follow(coefficients: &mut [i16; ORDER], nearness: &[i32; ORDER], residual: i32) {
    let direction = residual.signum();
    let mut left = residual;
    for k in (0..ORDER).rev() {
        if direction == 0 || left.signum() != direction {
            return;
        }
        let sign = nearness[k].signum();
        coefficients[k] = coefficients[k].wrapping_add((direction * sign) as i16);
        let step = (direction * sign).wrapping_mul(nearness[k]) >> POINT;
        left = left.wrapping_sub(step.wrapping_mul((ORDER - k) as i32));
    }
}
