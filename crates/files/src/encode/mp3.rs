//! MP3 (ISO/IEC 11172-3), through LAME.

use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use mp3lame_encoder::{
    Bitrate, Builder, DualPcm, Encoder, FlushGap, MonoPcm, Quality, max_required_buffer_size,
};

use super::{Codec, Coder, EncodeSpec, refused};
use crate::atomic::PendingFile;
use crate::error::FileError;

/// Bytes that LAME may still hold when the sound ends.
const FLUSH_BYTES: usize = 7200;
/// The largest frame, which is what the LAME tag fills.
const FRAME_BYTES: usize = 2880;

const RATES: [(u32, Bitrate); 13] = [
    (32, Bitrate::Kbps32),
    (40, Bitrate::Kbps40),
    (48, Bitrate::Kbps48),
    (64, Bitrate::Kbps64),
    (80, Bitrate::Kbps80),
    (96, Bitrate::Kbps96),
    (112, Bitrate::Kbps112),
    (128, Bitrate::Kbps128),
    (160, Bitrate::Kbps160),
    (192, Bitrate::Kbps192),
    (224, Bitrate::Kbps224),
    (256, Bitrate::Kbps256),
    (320, Bitrate::Kbps320),
];

pub(super) struct Mp3 {
    encoder: Encoder,
    pending: PendingFile,
    bytes: Vec<u8>,
    target: PathBuf,
}

impl Mp3 {
    pub(super) fn create(path: &Path, spec: &EncodeSpec) -> Result<Mp3, FileError> {
        let kbps = spec.bit_rate_kbps();
        let Some((_, rate)) = RATES.iter().find(|(known, _)| *known == kbps) else {
            let known: Vec<String> = RATES.iter().map(|(kbps, _)| kbps.to_string()).collect();
            let what = format!("MP3 knows {} kbit/s, not {kbps}", known.join(", "));
            return Err(FileError::unsupported(path, what));
        };
        let build = || -> Result<Encoder, mp3lame_encoder::BuildError> {
            Builder::new()
                .ok_or(mp3lame_encoder::BuildError::NoMem)?
                .with_sample_rate(spec.sample_rate_hz)?
                .with_output_sample_rate(NonZeroU32::new(spec.sample_rate_hz))?
                .with_num_channels(spec.channels as u8)?
                .with_brate(*rate)?
                .with_quality(Quality::NearBest)?
                .with_to_write_vbr_tag(true)?
                .build()
        };
        let encoder = build().map_err(|e| refused(path, Codec::Mp3, e))?;
        Ok(Mp3 { encoder, pending: PendingFile::create(path)?, bytes: Vec::new(), target: path.to_owned() })
    }

    fn put(&mut self) -> Result<(), FileError> {
        self.pending.write_all(&self.bytes).map_err(|e| FileError::io(&self.target, "write to it", e))
    }
}

impl Coder for Mp3 {
    fn push(&mut self, planes: &[Vec<f64>]) -> Result<(), FileError> {
        self.bytes.clear();
        self.bytes.reserve(max_required_buffer_size(planes[0].len()));
        let encoded = match planes {
            [mono] => self.encoder.encode_to_vec(MonoPcm(mono), &mut self.bytes),
            planes => {
                let input = DualPcm { left: &planes[0], right: &planes[1] };
                self.encoder.encode_to_vec(input, &mut self.bytes)
            }
        };
        encoded.map_err(|e| refused(&self.target, Codec::Mp3, e))?;
        self.put()
    }

    fn finish(mut self: Box<Self>) -> Result<PendingFile, FileError> {
        self.bytes.clear();
        self.bytes.reserve(FLUSH_BYTES);
        let flushed = self.encoder.flush_to_vec::<FlushGap>(&mut self.bytes);
        flushed.map_err(|e| refused(&self.target, Codec::Mp3, e))?;
        self.put()?;
        // The first frame was left empty for what is known only now: delay, padding, length and checksums.
        self.bytes.clear();
        self.bytes.reserve(FRAME_BYTES);
        if self.encoder.lame_tag_encode_to_vec(&mut self.bytes).is_none() {
            return Err(refused(
                &self.target,
                Codec::Mp3,
                "LAME gave no tag, so the length would be unknown",
            ));
        }
        let start = self.pending.file().seek(SeekFrom::Start(0));
        start.map_err(|e| FileError::io(&self.target, "write to it", e))?;
        self.put()?;
        Ok(self.pending)
    }
}
