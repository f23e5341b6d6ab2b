//! The ceiling of a rendered file: verified between the samples, and kept.

mod on_the_way;

pub(crate) use on_the_way::OnTheWay;

use crate::{Context, WorkflowError};
use audio::{BlockRef, Buffer, Layout, db_to_gain, gain_to_db};
use dsp::blocks::repair::{Over, REPAIR_MARGIN_DB, repair};
use measure::{Loudness, Overs};
use std::ops::Range;
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

/// Behind a place that was lowered, and before it, so many frames are verified again: what a smooth dip of hundredths of a
/// decibel rings farther off is far below [`WRITING_MARGIN_DB`].
const RINGING_FRAMES: usize = 1024;

/// Loudness is measured anew where lowering may have taken more than this, in LU.
const NOTHING_LU: f64 = 0.002;

/// A peak stands no higher than this over the mean power of a programme, for what lowering takes from it at most: 17 dB and
/// the 4 dB of K-weighting.
const MOST_OVER_MEAN: f64 = 126.0;

/// What keeping a ceiling has done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kept {
    /// Places that were lowered.
    pub(crate) repaired: usize,
    /// Integrated loudness in LUFS of the file as it was lowered; `None` where it is as it was.
    pub(crate) lowered_lufs: Option<f64>,
}

/// Verifies what is on its way into a working file against a ceiling.
pub(crate) struct Verifying {
    search: Overs,
    ceiling: f64,
    found: Vec<measure::Over>,
}

/// The peaks above a ceiling that a working file was found to have, in order of time.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    ceiling: f64,
    overs: Vec<Over>,
}

impl Verifying {
    /// For the channels of a file and a ceiling in dBTP.
    pub(crate) fn new(channels: usize, ceiling_dbtp: f64) -> Result<Verifying, WorkflowError> {
        let ceiling = to_keep(ceiling_dbtp);
        Ok(Verifying { search: Overs::new(channels, ceiling, VERIFY_FACTOR)?, ceiling, found: Vec::new() })
    }

    /// Takes the next block of the file.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        self.found.extend(self.search.push(block));
    }

    /// Everything before this frame was searched.
    fn searched(&self) -> usize {
        self.search.searched()
    }

    /// Searches to the end; nothing more is taken.
    fn end(&mut self) {
        self.found.extend(self.search.finish());
    }

    /// What was found and not taken yet, in order of time.
    fn take_found(&mut self) -> Vec<Over> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|over| over.frame);
        let excess_db = |level: f64| gain_to_db(level / self.ceiling);
        found.iter().map(|o| Over { frame: o.frame, excess_db: excess_db(o.level) }).collect()
    }

    /// What was found, once the file has ended.
    pub(crate) fn finish(mut self) -> Verified {
        self.end();
        Verified { ceiling: self.ceiling, overs: self.take_found() }
    }
}

/// What peaks are held against for a ceiling in dBTP, 1.0 being full scale.
fn to_keep(ceiling_dbtp: f64) -> f64 {
    db_to_gain(ceiling_dbtp - WRITING_MARGIN_DB)
}

/// Verifies a working file of 64-bit floating point against a ceiling and lowers it around every peak above, until there is
/// none. What was `verified` while it was written is not searched for again.
pub(crate) fn keep_ceiling(
    file: &Path,
    ceiling_dbtp: f64,
    verified: Option<Verified>,
    context: &Context,
) -> Result<Kept, WorkflowError> {
    let ceiling = to_keep(ceiling_dbtp);
    let mut kept = Kept { repaired: 0, lowered_lufs: None };
    context.check()?;
    let mut overs = match verified.filter(|verified| verified.ceiling == ceiling) {
        Some(verified) => verified.overs,
        None => {
            context.listener.stage("verifying the peaks", None);
            find_overs(file, ceiling_dbtp, None, context)?
        }
    };
    for _ in 0..REPAIR_PASSES {
        if overs.is_empty() {
            return Ok(kept);
        }
        kept.repaired += overs.len();
        lower(file, &overs, context)?;
        context.listener.stage("verifying the peaks", None);
        overs = match Lowered::by(file, &overs)?.few() {
            Some(places) => find_overs_in(file, ceiling_dbtp, &places, context)?,
            None => find_overs(file, ceiling_dbtp, Some(&mut kept.lowered_lufs), context)?,
        };
    }
    tell_of_left(overs.len(), ceiling_dbtp, context);
    Ok(kept)
}

/// Tells of peaks that stay above a ceiling in dBTP after all passes.
pub(crate) fn tell_of_left(peaks: usize, ceiling_dbtp: f64, context: &Context) {
    if peaks > 0 {
        context.listener.note(&format!(
            "{peaks} peaks stay above {ceiling_dbtp:.1} dBTP after {REPAIR_PASSES} passes of repair; the check of the \
             file tells by how much"
        ));
    }
}

/// The peaks above a ceiling, in order of time; and the integrated loudness in LUFS, where it is asked for.
fn find_overs(
    file: &Path,
    ceiling_dbtp: f64,
    lufs: Option<&mut Option<f64>>,
    context: &Context,
) -> Result<Vec<Over>, WorkflowError> {
    let mut reader = files::open(file)?;
    let channels = reader.info().channels;
    let mut verifying = Verifying::new(channels, ceiling_dbtp)?;
    let mut loudness = match &lufs {
        Some(_) => {
            let rate_hz = f64::from(reader.info().sample_rate_hz);
            Some(Loudness::new(rate_hz, Layout::from_channels(channels))?)
        }
        None => None,
    };
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        let block = buffer.range(0, frames);
        verifying.push(&block);
        loudness.iter_mut().for_each(|loudness| loudness.push(&block));
    }
    if let Some((lufs, loudness)) = lufs.zip(loudness) {
        *lufs = loudness.integrated_lufs();
    }
    Ok(verifying.finish().overs)
}

/// The peaks above a ceiling in some places of a file, in order of time.
fn find_overs_in(
    file: &Path,
    ceiling_dbtp: f64,
    places: &[Range<usize>],
    context: &Context,
) -> Result<Vec<Over>, WorkflowError> {
    let mut reader = files::open(file)?;
    let (channels, frames) = (reader.info().channels, reader.info().frames);
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    let mut overs = Vec::new();
    for place in places {
        let first = place.start.saturating_sub(Overs::reach());
        let end = (place.end + Overs::reach()).min(frames);
        let mut verifying = Verifying::new(channels, ceiling_dbtp)?;
        reader.seek(first)?;
        let mut at = first;
        while at < end {
            context.check()?;
            let read = reader.read(&mut buffer.range_mut(0, BLOCK_FRAMES.min(end - at)))?;
            if read == 0 {
                break;
            }
            verifying.push(&buffer.range(0, read));
            at += read;
        }
        overs.extend(overs_of(verifying, first, place));
    }
    Ok(overs)
}

/// The peaks of a place in a stretch that begins at frame `first`; where the stretch was cut out it rings.
fn overs_of(verifying: Verifying, first: usize, place: &Range<usize>) -> impl Iterator<Item = Over> {
    let whole =
        verifying.finish().overs.into_iter().map(move |over| Over { frame: first + over.frame, ..over });
    whole.filter(|over| place.contains(&over.frame))
}

/// Where a file was lowered.
struct Lowered {
    /// Frames in which a peak may have changed, in order of time and apart.
    places: Vec<Range<usize>>,
    /// The loudness that this took, or more, in LU.
    most_lu: f64,
    frames: usize,
}

impl Lowered {
    /// Around overs in order of time.
    fn by(file: &Path, overs: &[Over]) -> Result<Lowered, WorkflowError> {
        let reader = files::open(file)?;
        Ok(Lowered::of(reader.info().frames, half_width(reader.info().sample_rate_hz), overs))
    }

    /// The same of what has so many frames, by dips of a half width.
    fn of(frames: usize, half_width: usize, overs: &[Over]) -> Lowered {
        let places = places_around(overs, half_width, frames);
        let deepest_db =
            overs.iter().fold(0.0, |most: f64, over| most.max(over.excess_db)) + REPAIR_MARGIN_DB;
        let share = (overs.len() * 2 * half_width) as f64 / frames.max(1) as f64;
        Lowered { places, most_lu: share * MOST_OVER_MEAN * deepest_db, frames }
    }

    /// The places, where looking into them costs less than looking into everything and the loudness is as it was.
    fn few(self) -> Option<Vec<Range<usize>>> {
        self.is_few().then_some(self.places)
    }

    fn is_few(&self) -> bool {
        let cost: usize = self.places.iter().map(|place| place.len() + 4 * Overs::reach()).sum();
        2 * cost < self.frames && self.most_lu < NOTHING_LU
    }
}

/// The frames around overs (in order of time) in which lowering may have changed a peak, in order of time and apart.
fn places_around(overs: &[Over], half_width: usize, frames: usize) -> Vec<Range<usize>> {
    let around = half_width + RINGING_FRAMES;
    let mut places: Vec<Range<usize>> = Vec::new();
    for over in overs {
        let (start, end) = (over.frame.saturating_sub(around), (over.frame + around).min(frames));
        match places.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => places.push(start..end),
        }
    }
    places
}

/// Frames to either side of a peak within which it is lowered.
fn half_width(sample_rate_hz: u32) -> usize {
    (REPAIR_WIDTH_S * f64::from(sample_rate_hz)) as usize
}

/// Lowers a file around the overs (in order of time), where they stand.
fn lower(file: &Path, overs: &[Over], context: &Context) -> Result<(), WorkflowError> {
    let mut reader = files::open(file)?;
    let (channels, frames) = (reader.info().channels, reader.info().frames);
    let half_width = half_width(reader.info().sample_rate_hz);
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

    pub(super) fn write(path: &Path, planes: &[Vec<f64>]) {
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float64,
            sample_rate_hz: 44_100,
            channels: planes.len(),
        };
        let mut writer = Writer::create(path, spec).expect("a file");
        writer.write_f64(&Buffer::from_channels(planes).as_block()).expect("written");
        writer.finish().expect("written");
    }

    /// A few places by themselves have the overs that they have in the whole file, and no others: finds a stretch that is cut too
    /// near, whose ends ring, and frames that are counted from its beginning.
    #[test]
    fn places_have_the_overs_of_the_whole_file() {
        let mut state = 3u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        // White noise, whose points between samples are shaped from afar, under a few bursts above the ceiling.
        let frames = 700_000;
        let burst = |n: usize| if (n % 97_000) < 300 { 0.9 } else { 0.5 };
        let planes: Vec<Vec<f64>> =
            (0..2).map(|_| (0..frames).map(|n| burst(n) * noise()).collect()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("float.wav");
        write(&path, &planes);
        let cancel = std::sync::atomic::AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        let ceiling_dbtp = -1.5;
        let whole = find_overs(&path, ceiling_dbtp, None, &context).expect("searched");
        assert!(whole.len() > 20, "{}", whole.len());
        let places = [0..400, 97_000..97_150, 291_000..291_400, 500_000..500_001, 699_000..700_000];
        let found = find_overs_in(&path, ceiling_dbtp, &places, &context).expect("searched");
        let expected: Vec<Over> =
            whole.into_iter().filter(|over| places.iter().any(|place| place.contains(&over.frame))).collect();
        assert!(expected.len() > 5, "{expected:?}");
        assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            // Transforms begin elsewhere and round otherwise, in single precision by no more than 1e-6 of the highest sample.
            let off = (found.excess_db - expected.excess_db).abs();
            assert!(found.frame == expected.frame && off < 1e-5, "{found:?} {expected:?}");
        }
    }

    /// What is lowered is verified again where it was lowered, or everywhere, by what costs less and tells the loudness: a file
    /// too short for places, many places, deep ones.
    #[test]
    fn few_places_are_few() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("float.wav");
        write(&path, &[vec![0.1; 3_000_000]]);
        let few = |places: &[usize], excess_db: f64| {
            let overs: Vec<Over> = places.iter().map(|frame| Over { frame: *frame, excess_db }).collect();
            Lowered::by(&path, &overs).expect("a file").few()
        };
        let places = few(&[5, 600, 1_000_000, 2_999_999], 0.01).expect("few");
        assert_eq!(places.len(), 3);
        assert!(places[0].contains(&600) && places[2].end == 3_000_000);
        assert_eq!(few(&[1_000_000], 3.0), None, "a deep dip is heard by the meter");
        let everywhere: Vec<usize> = (0..300).map(|n| 10_000 * n).collect();
        assert_eq!(few(&everywhere, 0.001), None);
    }

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
