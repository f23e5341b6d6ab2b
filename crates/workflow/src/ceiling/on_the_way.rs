//! A ceiling that is kept while a master is on its way: no file is read again for it.
//!
//! What is rendered waits until the search for peaks has passed it, a few seconds, and is lowered as
//! [`super::keep_ceiling`] lowers a file, to the same bits: peaks farther from each other than the search reaches do not
//! know of one another, so that each such zone is lowered and verified by itself.

use super::{Lowered, Over, REPAIR_PASSES, RINGING_FRAMES, Verifying, half_width, overs_of, places_around};
use crate::WorkflowError;
use audio::{BlockRef, Buffer, Frames};
use dsp::blocks::repair::repair;
use measure::Overs;
use std::collections::VecDeque;
use std::ops::Range;

/// A zone is no longer than this, so that what waits stays bounded.
const LONGEST_ZONE: Frames = 1 << 19;

/// Keeps a ceiling in what passes through it.
pub(crate) struct OnTheWay {
    search: Verifying,
    ceiling_dbtp: f64,
    half_width: Frames,
    /// The length of the whole, in frames.
    frames: Frames,
    waiting: Waiting,
    /// Peaks that are not lowered yet, in order of time.
    open: Vec<Over>,
    /// All peaks that the first search has found, in order of time.
    found: Vec<Over>,
    /// Places that were lowered, and peaks that stay all the same.
    repaired: usize,
    left: usize,
    /// There are too many peaks for this way.
    given_up: bool,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Passed {
    pub(crate) repaired: usize,
    /// Peaks that stay above the ceiling after all passes.
    pub(crate) left: usize,
}

impl OnTheWay {
    /// For a master of some channels, a rate in hertz and a length, and a ceiling in dBTP.
    pub(crate) fn new(
        (channels, sample_rate_hz, frames): (usize, u32, Frames),
        ceiling_dbtp: f64,
    ) -> Result<OnTheWay, WorkflowError> {
        Ok(OnTheWay {
            search: Verifying::new(channels, ceiling_dbtp)?,
            ceiling_dbtp,
            half_width: half_width(sample_rate_hz),
            frames,
            waiting: Waiting::default(),
            open: Vec::new(),
            found: Vec::new(),
            repaired: 0,
            left: 0,
            given_up: false,
        })
    }

    /// The ceiling that is kept, in dBTP.
    pub(crate) fn ceiling_dbtp(&self) -> f64 {
        self.ceiling_dbtp
    }

    /// Frames around a peak that all passes together may change or look at first.
    fn around(&self) -> Frames {
        (REPAIR_PASSES + 2) * (self.half_width + RINGING_FRAMES)
    }

    /// Takes the next block, and hands on to `next` what is sure by now.
    pub(crate) fn push(
        &mut self,
        block: &BlockRef,
        next: &mut (impl FnMut(&BlockRef) -> Result<(), WorkflowError> + Send),
    ) -> Result<(), WorkflowError> {
        if self.given_up {
            return Ok(());
        }
        let OnTheWay { search, waiting, .. } = self;
        // One worker searches while another takes what is sure since the last block.
        let (handed_on, ()) = rayon::join(|| waiting.hand_on(next), || search.push(block));
        handed_on?;
        self.waiting.take(block);
        self.settle(self.search.searched())?;
        Ok(())
    }

    /// Hands on the rest; `None` where the peaks are too many for this way.
    pub(crate) fn finish(
        mut self,
        next: &mut impl FnMut(&BlockRef) -> Result<(), WorkflowError>,
    ) -> Result<Option<Passed>, WorkflowError> {
        if self.given_up {
            return Ok(None);
        }
        self.search.end();
        self.settle(Frames::MAX)?;
        if self.given_up {
            return Ok(None);
        }
        self.waiting.sure = Frames::MAX;
        self.waiting.hand_on(next)?;
        Ok(Some(Passed { repaired: self.repaired, left: self.left }))
    }

    /// Lowers what is known to stand by itself, once everything before frame `searched` was searched.
    fn settle(&mut self, searched: Frames) -> Result<(), WorkflowError> {
        let found = self.search.take_found();
        if !found.is_empty() {
            self.open.extend(&found);
            self.found.extend(&found);
            self.open.sort_by_key(|over| over.frame);
            self.found.sort_by_key(|over| over.frame);
            if !Lowered::of(self.frames, self.half_width, &self.found).is_few() {
                self.give_up();
                return Ok(());
            }
        }
        let apart = 2 * self.around() + Overs::reach();
        while let Some(first) = self.open.first() {
            let gap = self.open.windows(2).position(|pair| pair[0].frame + apart < pair[1].frame);
            let count = gap.map_or(self.open.len(), |last| last + 1);
            let last = self.open[count - 1].frame;
            if last - first.frame > LONGEST_ZONE {
                self.give_up();
                return Ok(());
            }
            if last.saturating_add(apart) >= searched {
                break;
            }
            let zone: Vec<Over> = self.open.drain(..count).collect();
            self.lower(zone)?;
        }
        let first = self.open.first().map_or(searched, |over| over.frame.min(searched));
        self.waiting.sure = first.saturating_sub(self.around());
        Ok(())
    }

    fn give_up(&mut self) {
        self.given_up = true;
        (self.waiting, self.open) = (Waiting::default(), Vec::new());
    }

    /// Lowers a zone until nothing in it stands above the ceiling.
    fn lower(&mut self, mut overs: Vec<Over>) -> Result<(), WorkflowError> {
        let wide = self.around() + Overs::reach();
        let (first, last) = (overs[0].frame, overs[overs.len() - 1].frame);
        let from = first.saturating_sub(wide);
        let mut zone = self.waiting.copy(from..last.saturating_add(wide));
        let end = from + zone.frames();
        for _ in 0..REPAIR_PASSES {
            if overs.is_empty() {
                break;
            }
            self.repaired += overs.len();
            repair(&mut zone.as_block_mut(), from, &overs, self.half_width);
            let mut again = Vec::new();
            for place in places_around(&overs, self.half_width, self.frames) {
                let stretch =
                    place.start.saturating_sub(Overs::reach())..(place.end + Overs::reach()).min(end);
                let mut verifying = Verifying::new(zone.channels(), self.ceiling_dbtp)?;
                verifying.push(&zone.range(stretch.start - from, stretch.len()));
                again.extend(overs_of(verifying, stretch.start, &place));
            }
            overs = again;
        }
        self.left += overs.len();
        self.waiting.put_back(from, &zone);
        Ok(())
    }
}

/// What was rendered and is not sure yet, and what the search for peaks still needs of what was before.
#[derive(Default)]
struct Waiting {
    /// Blocks in order of time, each with its first frame.
    blocks: VecDeque<(Frames, Buffer)>,
    /// Blocks that can be used again.
    spare: Vec<Buffer>,
    /// Frames that were taken.
    taken: Frames,
    /// Frames that were handed on.
    handed_on: Frames,
    /// Frames before this one are as they will be.
    sure: Frames,
}

impl Waiting {
    fn take(&mut self, block: &BlockRef) {
        let fits =
            |buffer: &Buffer| (buffer.channels(), buffer.frames()) == (block.channels(), block.frames());
        let mut buffer =
            self.spare.pop().filter(fits).unwrap_or_else(|| Buffer::new(block.channels(), block.frames()));
        for (channel, samples) in block.iter().enumerate() {
            buffer.channel_mut(channel).copy_from_slice(samples);
        }
        self.blocks.push_back((self.taken, buffer));
        self.taken += block.frames();
    }

    /// Hands on what is sure, and forgets what nobody needs any more.
    fn hand_on(
        &mut self,
        next: &mut impl FnMut(&BlockRef) -> Result<(), WorkflowError>,
    ) -> Result<(), WorkflowError> {
        let sure = self.sure.min(self.taken);
        for (first, buffer) in &self.blocks {
            let (from, to) = (self.handed_on.max(*first), sure.min(first + buffer.frames()));
            if from < to {
                next(&buffer.range(from - first, to - from))?;
                self.handed_on = to;
            }
        }
        let needed = self.handed_on.saturating_sub(Overs::reach());
        while self.blocks.front().is_some_and(|(first, buffer)| first + buffer.frames() <= needed) {
            self.spare.extend(self.blocks.pop_front().map(|(_, buffer)| buffer));
        }
        Ok(())
    }

    /// What is there of some frames, which begin no earlier than what waits.
    fn copy(&self, frames: Range<Frames>) -> Buffer {
        let end = frames.end.min(self.taken);
        let channels = self.blocks.front().map_or(0, |(_, buffer)| buffer.channels());
        let mut copy = Buffer::new(channels, end - frames.start);
        for (first, buffer) in &self.blocks {
            let (from, to) = (frames.start.max(*first), end.min(first + buffer.frames()));
            for channel in 0..if from < to { channels } else { 0 } {
                let there = &buffer.channel(channel)[from - first..to - first];
                copy.channel_mut(channel)[from - frames.start..to - frames.start].copy_from_slice(there);
            }
        }
        copy
    }

    /// Puts frames from `start` on back where they were; what was handed on is as it was.
    fn put_back(&mut self, start: Frames, frames: &Buffer) {
        let end = start + frames.frames();
        for (first, buffer) in &mut self.blocks {
            let (from, to) = (start.max(*first), end.min(*first + buffer.frames()));
            for channel in 0..if from < to { frames.channels() } else { 0 } {
                let there = &frames.channel(channel)[from - start..to - start];
                buffer.channel_mut(channel)[from - *first..to - *first].copy_from_slice(there);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BLOCK_FRAMES, keep_ceiling, to_keep};
    use super::*;
    use crate::{Context, Quiet};
    use audio::db_to_gain;

    const RATE_HZ: u32 = 44_100;

    /// Soft white noise, whose points between samples are shaped from afar, under single samples of a height.
    fn noise(frames: Frames, (places, height): (&[Frames], f64)) -> Buffer {
        let mut state = 3u64;
        let mut planes = vec![vec![0.0; frames]; 2];
        for sample in planes.iter_mut().flatten() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *sample = 2e-4 * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
        }
        places.iter().for_each(|place| planes[place % 2][*place] = height);
        Buffer::from_channels(&planes)
    }

    fn passed(sound: &Buffer, cut: Frames, ceiling_dbtp: f64) -> (Buffer, Option<Passed>) {
        let mut planes = vec![Vec::new(); sound.channels()];
        let mut next = |block: &BlockRef| -> Result<(), WorkflowError> {
            planes.iter_mut().zip(block.iter()).for_each(|(plane, samples)| plane.extend_from_slice(samples));
            Ok(())
        };
        let extent = (sound.channels(), RATE_HZ, sound.frames());
        let mut way = OnTheWay::new(extent, ceiling_dbtp).expect("a search");
        for first in (0..sound.frames()).step_by(cut) {
            let frames = cut.min(sound.frames() - first);
            way.push(&sound.range(first, frames), &mut next).expect("taken");
        }
        let passed = way.finish(&mut next).expect("finished");
        (Buffer::from_channels(&planes), passed)
    }

    /// What passes has the bits that a file has whose ceiling is kept: finds a frame that is lost or comes twice, a zone that
    /// is lowered before all of its peaks are known, or without what is around it, and dips that are handed on half.
    #[test]
    fn what_passes_is_what_a_file_becomes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("float.wav");
        let cancel = std::sync::atomic::AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        // At both ends, near each other, farther than a dip and nearer than the search reaches; one by itself; none at all.
        let places = [3, 400_000, 401_501, 440_000, 1_999_990];
        for places in [&places[..], &places[1..2], &[]] {
            let ceiling_dbtp = -1.5;
            // So little above the ceiling that lowering it takes no loudness.
            let sound = noise(2_000_000, (places, to_keep(ceiling_dbtp) * db_to_gain(0.004)));
            super::super::tests::write(&path, &[sound.channel(0).to_vec(), sound.channel(1).to_vec()]);
            let kept = keep_ceiling(&path, ceiling_dbtp, None, &context).expect("kept");
            let mut expected = Buffer::new(2, sound.frames());
            files::open(&path).expect("a file").read(&mut expected.as_block_mut()).expect("read");
            for cut in [BLOCK_FRAMES, 100_003] {
                let (found, passed) = passed(&sound, cut, ceiling_dbtp);
                assert_eq!(passed, Some(Passed { repaired: kept.repaired, left: 0 }), "{places:?}, by {cut}");
                assert_eq!(kept.repaired > 0, !places.is_empty());
                assert!(found == expected, "{places:?}, by {cut}");
            }
        }
    }

    /// Where peaks are everywhere a file is worked on instead, and nothing waits for ever.
    #[test]
    fn peaks_everywhere_are_left_to_a_file() {
        let places: Vec<Frames> = (0..1_400_000).step_by(20_000).collect();
        let sound = noise(1_400_000, (&places, 0.9));
        assert_eq!(passed(&sound, BLOCK_FRAMES, -1.5).1, None);
    }
}
