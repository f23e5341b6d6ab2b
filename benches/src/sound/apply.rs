//! One processor on one file, to be heard and looked at.

use super::table::read;
use crate::Failure;
use audio::{Buffer, Spec};
use dsp::{ImpulseResponse, Values};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::path::Path;
use std::sync::Arc;

/// Writes `from` through a kind to `to` as 32-bit floats, the latency taken off; `response` is an impulse response.
pub(crate) fn run(
    kind: &str,
    settings: &str,
    from: &str,
    to: &str,
    response: Option<&str>,
) -> Result<(), Failure> {
    let kind = dsp::kind(kind).ok_or_else(|| format!("no kind `{kind}`"))?;
    let mut values = Values::parse(kind, settings)?;
    if let Some(file) = response {
        let (channels, sample_rate_hz) = read(Path::new(file))?;
        let audio = Buffer::from_channels(&channels);
        values.impulse_response = Some(Arc::new(ImpulseResponse { audio, sample_rate_hz }));
    }
    let (channels, sample_rate_hz) = read(Path::new(from))?;
    let sound = Buffer::from_channels(&channels);
    let spec = Spec { sample_rate_hz, channels: sound.channels(), max_frames: super::BLOCK_FRAMES };
    let out = super::through_at(kind, &values, &sound, &spec);
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: sample_rate_hz as u32,
        channels: out.channels(),
    };
    let mut writer = Writer::create(to, spec)?;
    writer.write_f64(&out.as_block())?;
    writer.finish()?;
    Ok(())
}
