//! The ceiling of a rendered file: verified between the samples, and kept.

use crate::{Context, WorkflowError};
use audio::{Buffer, Layout, db_to_gain, gain_to_db};
use dsp::blocks::repair::{Over, repair};
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

/// Verifies a working file of 64-bit floating point against a ceiling and lowers it around every peak above, until there is
/// none.
pub(crate) fn keep_ceiling(file: &Path, ceiling_dbtp: f64, context: &Context) -> Result<Kept, WorkflowError> {
    let ceiling = db_to_gain(ceiling_dbtp - WRITING_MARGIN_DB);
    let mut kept = Kept { repaired: 0, lowered_lufs: None };
    context.check()?;
    context.listener.stage("verifying the peaks", None);
    let mut overs = find_overs(file, ceiling, None, context)?;
    for _ in 0..REPAIR_PASSES {
        if overs.is_empty() {
            return Ok(kept);
        }
        kept.repaired += overs.len();
        lower(file, &overs, context)?;
        context.listener.stage("verifying the peaks", None);
        overs = find_overs(file, ceiling, Some(&mut kept.lowered_lufs), context)?;
    }
    if !overs.is_empty() {
        context.listener.note(&format!(
            "{} peaks stay above {ceiling_dbtp:.1} dBTP after {REPAIR_PASSES} passes of repair; the check of the file \
             tells by how much",
            overs.len()
        ));
    }
    Ok(kept)
}

/// The peaks above a ceiling, in order of time; and the integrated loudness in LUFS, where it is asked for.
fn find_overs(
    file: &Path,
    ceiling: f64,
    lufs: Option<&mut Option<f64>>,
    context: &Context,
) -> Result<Vec<Over>, WorkflowError> {
    let mut reader = files::open(file)?;
    let channels = reader.info().channels;
    let mut search = Overs::new(channels, ceiling, VERIFY_FACTOR)?;
    let mut loudness = match &lufs {
        Some(_) => {
            let rate_hz = f64::from(reader.info().sample_rate_hz);
            Some(Loudness::new(rate_hz, Layout::from_channels(channels))?)
        }
        None => None,
    };
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    let mut found = Vec::new();
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        let block = buffer.range(0, frames);
        found.extend(search.push(&block));
        loudness.iter_mut().for_each(|loudness| loudness.push(&block));
    }
    found.extend(search.finish());
    found.sort_by_key(|over| over.frame);
    if let Some((lufs, loudness)) = lufs.zip(loudness) {
        *lufs = loudness.integrated_lufs();
    }
    let over = |o: &measure::Over| Over { frame: o.frame, excess_db: gain_to_db(o.level / ceiling) };
    Ok(found.iter().map(over).collect())
}

/// Lowers a file around the overs (in order of time), where they stand.
fn lower(file: &Path, overs: &[Over], context: &Context) -> Result<(), WorkflowError> {
    let mut reader = files::open(file)?;
    let (channels, frames) = (reader.info().channels, reader.info().frames);
    let half_width = (REPAIR_WIDTH_S * f64::from(reader.info().sample_rate_hz)) as usize;
    let reach = half_width + 2;
    let mut patch = files::Patch::open(file)?;
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    // Frames before it are done: none is lowered twice.
    let mut done = 0;
    while let Some(over) = overs.get(overs.partition_point(|o| o.frame + reach <= done)) {
        context.check()?;
        let first = over.frame.saturating_sub(reach).max(done);
        let end = (first + BLOCK_FRAMES).min(frames);
        let near = overs.partition_point(|o| o.frame + reach <= first);
        let to = overs.partition_point(|o| o.frame < end + reach);
        let end = end.min(overs[to - 1].frame + reach);
        if end <= first {
            break;
        }
        reader.seek(first)?;
        let read = reader.read(&mut buffer.range_mut(0, end - first))?;
        repair(&mut buffer.range_mut(0, read), first, &overs[near..to], half_width);
        patch.write(first as u64, &buffer.range(0, read))?;
        done = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quiet;
    use files::{FileType, SampleFormat, WriteSpec, Writer};

    /// Finds a place that is lowered twice, or not as far as its neighbours' dips reach into it, at any distance of the overs,
    /// at both ends and over more than a block.
    #[test]
    fn places_are_lowered_as_the_whole_file_would_be() {
        const RATE_HZ: u32 = 44_100;
        let half_width = (REPAIR_WIDTH_S * f64::from(RATE_HZ)) as usize;
        let planes: Vec<Vec<f64>> =
            (1..=2).map(|c| (0..60_000).map(|n| (0.01 * f64::from(c * n)).sin()).collect()).collect();
        let sparse = [0, 3, 40, 500, 766, 1_031, 1_300, 59_990, 59_999];
        let dense: Vec<usize> = (5_000..45_000).step_by(97).collect();
        for places in [&sparse[..], &dense] {
            let over = |frame: &usize| Over { frame: *frame, excess_db: 0.02 + (*frame % 7) as f64 * 0.1 };
            let overs: Vec<Over> = places.iter().map(over).collect();
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("float.wav");
            let spec = WriteSpec {
                file_type: FileType::Wav,
                sample_format: SampleFormat::Float64,
                sample_rate_hz: RATE_HZ,
                channels: 2,
            };
            let mut whole = Buffer::from_channels(&planes);
            let mut writer = Writer::create(&path, spec).expect("a file");
            writer.write_f64(&whole.as_block()).expect("written");
            writer.finish().expect("written");
            let cancel = std::sync::atomic::AtomicBool::new(false);
            let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
            lower(&path, &overs, &context).expect("lowered");
            repair(&mut whole.as_block_mut(), 0, &overs, half_width);
            let mut read = Buffer::new(2, whole.frames());
            files::open(&path).expect("a file").read(&mut read.as_block_mut()).expect("read");
            for channel in 0..2 {
                let wrong =
                    read.channel(channel).iter().zip(whole.channel(channel)).position(|(a, b)| a != b);
                assert_eq!(wrong, None, "{} overs, channel {channel}", overs.len());
            }
        }
    }
}
