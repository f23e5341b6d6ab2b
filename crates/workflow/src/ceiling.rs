//! The ceiling of a rendered file: verified between the samples, and kept.

use crate::{Context, WorkflowError};
use audio::{Buffer, Layout, db_to_gain, gain_to_db};
use dsp::blocks::repair::{Over, repair};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::{Loudness, Overs};
use std::path::Path;

/// Peaks are verified at this oversampling: it under-reads by at most 0.034 dB at 0.45 of the sample rate.
const VERIFY_FACTOR: usize = 16;

/// Kept below the ceiling for the rounding and the dither of the file as written, in dB.
const WRITING_MARGIN_DB: f64 = 0.004;

/// A repaired place is lowered within this time to either side, in seconds.
const REPAIR_WIDTH_S: f64 = 0.003;

/// Passes of verification and repair; the second already finds nothing on music.
const REPAIR_PASSES: usize = 6;

/// Frames worked on at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// What keeping a ceiling has done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kept {
    /// Places that were lowered.
    pub(crate) repaired: usize,
    /// Integrated loudness in LUFS of the file as it was lowered; `None` where it is as it was.
    pub(crate) lowered_lufs: Option<f64>,
}

/// Verifies a float file against a ceiling and lowers it around every peak above, until there is none.
pub(crate) fn keep_ceiling(file: &Path, ceiling_dbtp: f64, context: &Context) -> Result<Kept, WorkflowError> {
    let ceiling = db_to_gain(ceiling_dbtp - WRITING_MARGIN_DB);
    let mut kept = Kept { repaired: 0, lowered_lufs: None };
    for _ in 0..REPAIR_PASSES {
        context.check()?;
        context.listener.stage("verifying the peaks", None);
        let overs = find_overs(file, ceiling, context)?;
        if overs.is_empty() {
            return Ok(kept);
        }
        kept.repaired += overs.len();
        kept.lowered_lufs = lower(file, &overs, context)?;
    }
    let left = find_overs(file, ceiling, context)?.len();
    if left > 0 {
        context.listener.note(&format!(
            "{left} peaks stay above {ceiling_dbtp:.1} dBTP after {REPAIR_PASSES} passes of repair; the check of the file \
             tells by how much"
        ));
    }
    Ok(kept)
}

/// The peaks above a ceiling, in order of time.
fn find_overs(file: &Path, ceiling: f64, context: &Context) -> Result<Vec<Over>, WorkflowError> {
    let mut reader = files::open(file)?;
    let channels = reader.info().channels;
    let mut search = Overs::new(channels, ceiling, VERIFY_FACTOR)?;
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    let mut found = Vec::new();
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        found.extend(search.push(&buffer.range(0, frames)));
    }
    found.extend(search.finish());
    found.sort_by_key(|over| over.frame);
    let over = |o: &measure::Over| Over { frame: o.frame, excess_db: gain_to_db(o.level / ceiling) };
    Ok(found.iter().map(over).collect())
}

/// Writes the file anew, lowered around the overs (in order of time); gives its integrated loudness in LUFS.
fn lower(file: &Path, overs: &[Over], context: &Context) -> Result<Option<f64>, WorkflowError> {
    let mut reader = files::open(file)?;
    let info = reader.info().clone();
    let half_width = (REPAIR_WIDTH_S * f64::from(info.sample_rate_hz)) as usize;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float64,
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
    };
    let mut writer = Writer::create(file, spec)?;
    let layout = Layout::from_channels(info.channels);
    let mut loudness = Loudness::new(f64::from(info.sample_rate_hz), layout)?;
    let mut buffer = Buffer::new(info.channels, BLOCK_FRAMES);
    let mut first = 0;
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        let reach = half_width + 2;
        let from = overs.partition_point(|o| o.frame + reach < first);
        let to = overs.partition_point(|o| o.frame < first + frames + reach);
        repair(&mut buffer.range_mut(0, frames), first, &overs[from..to], half_width);
        writer.write_f64(&buffer.range(0, frames))?;
        loudness.push(&buffer.range(0, frames));
        first += frames;
    }
    writer.finish()?;
    Ok(loudness.integrated_lufs())
}
