//! Opus in Ogg (RFC 6716, RFC 7845), through opus-pure.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use opus_pure::{Application, MAX_PACKET_BYTES, OggOpusWriter, OpusEncoder, OpusHead, OpusTags, RateControl};

use super::{Codec, Coder, EncodeSpec, refused};
use crate::atomic::PendingFile;
use crate::error::FileError;

/// Frames of a packet: 20 ms at 48 kHz, the usual compromise.
const PACKET_FRAMES: usize = 960;
/// The number of the logical stream. The Ogg format asks for one that is its own within a file.
const SERIAL: u32 = 0x746f_6e65;

pub(super) struct Opus {
    encoder: OpusEncoder,
    writer: OggOpusWriter<BufWriter<PendingFile>>,
    pre_skip: usize,
    channels: usize,
    /// Interleaved samples that are no packet yet.
    pending: Vec<f32>,
    frames: usize,
    packet: Vec<u8>,
    target: PathBuf,
}

impl Opus {
    pub(super) fn create(path: &Path, spec: &EncodeSpec) -> Result<Opus, FileError> {
        let failed = |e: opus_pure::Error| refused(path, Codec::Opus, e);
        let rate = spec.sample_rate_hz as i32;
        let mut encoder = OpusEncoder::new(rate, spec.channels, Application::Audio).map_err(failed)?;
        encoder.bitrate_bps = spec.bit_rate_kbps() as i32 * 1000;
        encoder.rate_control = RateControl::Vbr;
        encoder.complexity = 10;
        let head = OpusHead::for_encoder(&encoder, spec.sample_rate_hz);
        let pre_skip = usize::from(head.pre_skip);
        let out = BufWriter::new(PendingFile::create(path)?);
        let writer = OggOpusWriter::with_serial(out, head, OpusTags::new(), SERIAL).map_err(failed)?;
        Ok(Opus {
            encoder,
            writer,
            pre_skip,
            channels: spec.channels,
            pending: Vec::new(),
            frames: 0,
            packet: vec![0; MAX_PACKET_BYTES],
            target: path.to_owned(),
        })
    }

    /// Encodes the first packet of what is pending, which is the last one where `until` says where it ends.
    fn encode(&mut self, until: Option<u64>) -> Result<(), FileError> {
        let samples = PACKET_FRAMES * self.channels;
        let bytes = self
            .encoder
            .encode(&self.pending[..samples], PACKET_FRAMES, &mut self.packet)
            .map_err(|e| refused(&self.target, Codec::Opus, e))?;
        self.pending.drain(..samples);
        let packet = &self.packet[..bytes];
        match until {
            None => self.writer.write_packet(packet),
            Some(until) => {
                let frames = until - self.writer.granule() as u64;
                self.writer.write_packet_with_duration(packet, frames as u32)
            }
        }
        .map_err(|e| refused(&self.target, Codec::Opus, e))
    }
}

impl Coder for Opus {
    fn push(&mut self, planes: &[Vec<f64>]) -> Result<(), FileError> {
        let frames = planes[0].len();
        for frame in 0..frames {
            self.pending.extend(planes.iter().map(|plane| plane[frame] as f32));
        }
        self.frames += frames;
        // None of these is the last: the encoder's delay comes after them.
        while self.pending.len() >= PACKET_FRAMES * self.channels {
            self.encode(None)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<PendingFile, FileError> {
        let end = self.frames + self.pre_skip;
        let packets = end.div_ceil(PACKET_FRAMES) - self.frames / PACKET_FRAMES;
        self.pending.resize(packets * PACKET_FRAMES * self.channels, 0.0);
        for packet in 1..=packets {
            self.encode((packet == packets).then_some(end as u64))?;
        }
        let target = self.target.clone();
        let out = self.writer.finish().map_err(|e| refused(&target, Codec::Opus, e))?;
        out.into_inner().map_err(|e| FileError::io(&target, "write to it", e.into_error()))
    }
}
