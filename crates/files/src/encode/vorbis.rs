//! Vorbis in Ogg (Vorbis I), through vorbis_rs: libvorbis with aoTuV's tuning.

use std::io::BufWriter;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::{Path, PathBuf};

use vorbis_rs::{VorbisBitrateManagementStrategy, VorbisEncoder, VorbisEncoderBuilder};

use super::{Codec, Coder, EncodeSpec, refused};
use crate::atomic::PendingFile;
use crate::error::FileError;

/// The number of the logical stream. The Ogg format asks for one that is its own within a file.
const SERIAL: i32 = 0x746f_6e65;

/// The mean bit rate of stereo music at 44.1 kHz, in kbit/s, at each tenth of libvorbis' scale of quality.
const NOMINAL_KBPS: [f64; 11] = [64.0, 80.0, 96.0, 112.0, 128.0, 160.0, 192.0, 224.0, 256.0, 320.0, 500.0];

/// The quality, 0 to 1, at which music takes that rate. At other sample rates it is the same quality.
fn quality(kbps: f64) -> f32 {
    let above =
        NOMINAL_KBPS.iter().position(|nominal| *nominal > kbps).unwrap_or(NOMINAL_KBPS.len() - 1).max(1);
    let (low, high) = (NOMINAL_KBPS[above - 1], NOMINAL_KBPS[above]);
    let tenths = (above - 1) as f64 + ((kbps - low) / (high - low)).clamp(0.0, 1.0);
    (tenths / 10.0) as f32
}

pub(super) struct Vorbis {
    encoder: VorbisEncoder<BufWriter<PendingFile>>,
    planes: Vec<Vec<f32>>,
    target: PathBuf,
}

impl Vorbis {
    pub(super) fn create(path: &Path, spec: &EncodeSpec) -> Result<Vorbis, FileError> {
        let rate = NonZeroU32::new(spec.sample_rate_hz).unwrap_or(NonZeroU32::MIN);
        let channels = NonZeroU8::new(spec.channels as u8).unwrap_or(NonZeroU8::MIN);
        let stereo_kbps = f64::from(spec.bit_rate_kbps()) * 2.0 / spec.channels as f64;
        let strategy = VorbisBitrateManagementStrategy::QualityVbr { target_quality: quality(stereo_kbps) };
        let out = BufWriter::new(PendingFile::create(path)?);
        let encoder = VorbisEncoderBuilder::new_with_serial(rate, channels, out, SERIAL)
            .bitrate_management_strategy(strategy)
            .build()
            .map_err(|e| refused(path, Codec::Vorbis, e))?;
        Ok(Vorbis { encoder, planes: vec![Vec::new(); spec.channels], target: path.to_owned() })
    }
}

impl Coder for Vorbis {
    fn push(&mut self, planes: &[Vec<f64>]) -> Result<(), FileError> {
        for (plane, samples) in self.planes.iter_mut().zip(planes) {
            plane.clear();
            plane.extend(samples.iter().map(|s| *s as f32));
        }
        self.encoder.encode_audio_block(&self.planes).map_err(|e| refused(&self.target, Codec::Vorbis, e))
    }

    fn finish(self: Box<Self>) -> Result<PendingFile, FileError> {
        let target = self.target;
        let out = self.encoder.finish().map_err(|e| refused(&target, Codec::Vorbis, e))?;
        out.into_inner().map_err(|e| FileError::io(&target, "write to it", e.into_error()))
    }
}
