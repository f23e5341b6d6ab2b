//! AAC-LC in MPEG-4 (ISO/IEC 14496-3), through the Fraunhofer FDK library, which takes 16 bits: they are dithered here.

use std::path::{Path, PathBuf};

use fdk_aac::enc::{AudioObjectType, BitRate, ChannelMode, Encoder, EncoderParams, Transport};

use super::{Codec, Coder, EncodeSpec, refused};
use crate::atomic::PendingFile;
use crate::error::FileError;
use crate::write::mp4::{Gap, Mp4, aac_entry};

/// Frames of a packet.
const PACKET_FRAMES: usize = 1024;
/// A packet has at most 6144 bits a channel (ISO/IEC 14496-3 clause 4.5.3.1).
const PACKET_BYTES: usize = 2 * 6144 / 8;

pub(super) struct Aac {
    encoder: Encoder,
    mp4: Mp4,
    delay: usize,
    config: Vec<u8>,
    spec: EncodeSpec,
    /// Interleaved samples that are no packet yet.
    pending: Vec<i16>,
    frames: usize,
    packets: usize,
    dither: Dither,
    target: PathBuf,
}

impl Aac {
    pub(super) fn create(path: &Path, spec: &EncodeSpec) -> Result<Aac, FileError> {
        let failed = |e| refused(path, Codec::Aac, e);
        let encoder = Encoder::new(EncoderParams {
            bit_rate: BitRate::Cbr(spec.bit_rate_kbps() * 1000),
            sample_rate: spec.sample_rate_hz,
            transport: Transport::Raw,
            channels: if spec.channels == 1 { ChannelMode::Mono } else { ChannelMode::Stereo },
            audio_object_type: AudioObjectType::Mpeg4LowComplexity,
        })
        .map_err(failed)?;
        let info = encoder.info().map_err(failed)?;
        if info.frameLength as usize != PACKET_FRAMES {
            return Err(refused(path, Codec::Aac, "its packets are not of 1024 frames"));
        }
        let config = info.confBuf.iter().take(info.confSize as usize).copied().collect();
        Ok(Aac {
            encoder,
            mp4: Mp4::begin(PendingFile::create(path)?)?,
            delay: info.nDelay as usize,
            config,
            spec: *spec,
            pending: Vec::new(),
            frames: 0,
            packets: 0,
            dither: Dither(1),
            target: path.to_owned(),
        })
    }

    fn encode(&mut self) -> Result<(), FileError> {
        let samples = PACKET_FRAMES * self.spec.channels;
        let mut packet = [0; PACKET_BYTES];
        while self.pending.len() >= samples {
            let done = self.encoder.encode(&self.pending[..samples], &mut packet);
            let done = done.map_err(|e| refused(&self.target, Codec::Aac, e))?;
            self.pending.drain(..done.input_consumed);
            if done.output_size > 0 {
                self.mp4.packet(&packet[..done.output_size], PACKET_FRAMES as u32)?;
                self.packets += 1;
            } else if done.input_consumed == 0 {
                return Err(refused(&self.target, Codec::Aac, "the encoder takes nothing"));
            }
        }
        Ok(())
    }
}

impl Coder for Aac {
    fn push(&mut self, planes: &[Vec<f64>]) -> Result<(), FileError> {
        let frames = planes[0].len();
        for frame in 0..frames {
            for plane in planes {
                let step = (plane[frame] * 32_768.0 + self.dither.triangle()).round_ties_even();
                // The cast keeps to the ends of the scale.
                self.pending.push(step as i16);
            }
        }
        self.frames += frames;
        self.encode()
    }

    fn finish(mut self: Box<Self>) -> Result<PendingFile, FileError> {
        // Silence drives out what the encoder still holds.
        let wanted = (self.frames + self.delay).div_ceil(PACKET_FRAMES);
        while self.packets < wanted {
            self.pending.resize(PACKET_FRAMES * self.spec.channels, 0);
            self.encode()?;
        }
        let (rate, channels) = (self.spec.sample_rate_hz, self.spec.channels);
        let entry = aac_entry(channels, rate, self.spec.bit_rate_kbps() * 1000, &self.config);
        let gap = Gap { delay: self.delay as u64, frames: self.frames as u64 };
        self.mp4.finish(rate, &entry, gap)
    }
}

/// Triangular noise of two steps in all, from a 64-bit xorshift generator (Marsaglia 2003): the same for every file.
struct Dither(u64);

impl Dither {
    fn triangle(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        };
        uniform() - uniform()
    }
}
