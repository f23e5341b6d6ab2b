//! What a strip has given out lately, by slab: the history from which every edge takes its delay.

use audio::{Block, BlockRef, Buffer, Frames};
use std::collections::VecDeque;

/// The last slabs of one signal. Before the first slab there is silence.
pub(crate) struct Ring {
    slabs: VecDeque<Buffer>,
    /// Number of the oldest slab kept.
    first: usize,
    keep: usize,
    frames: Frames,
}

impl Ring {
    /// Keeps `keep` slabs of `frames` frames.
    pub(crate) fn new(keep: usize, frames: Frames) -> Ring {
        Ring { slabs: VecDeque::with_capacity(keep + 1), first: 0, keep, frames }
    }

    /// Takes a finished slab and gives back a buffer to fill next.
    pub(crate) fn push(&mut self, slab: Buffer) -> Buffer {
        let (channels, frames) = (slab.channels(), slab.frames());
        self.slabs.push_back(slab);
        if self.slabs.len() <= self.keep {
            return Buffer::new(channels, frames);
        }
        self.first += 1;
        self.slabs.pop_front().expect("more slabs than are kept")
    }

    /// Channels of the signal; none before the first slab.
    pub(crate) fn channels(&self) -> usize {
        self.slabs.front().map_or(1, Buffer::channels)
    }

    /// Calls `piece(offset, slab part)` for each unbroken part of `frames` stream frames from `start` on; frames before
    /// the first are silence, for which it is not called.
    pub(crate) fn each(&self, start: i64, frames: Frames, mut piece: impl FnMut(Frames, &BlockRef)) {
        let mut done = (-start).clamp(0, frames as i64) as usize;
        while done < frames {
            let frame = (start + done as i64) as usize;
            let (slab, offset) = (frame / self.frames, frame % self.frames);
            let count = (self.frames - offset).min(frames - done);
            piece(done, &self.slabs[slab - self.first].range(offset, count));
            done += count;
        }
    }

    /// Copies stream frames `start ..` into `target`; frames before the first are silence.
    pub(crate) fn read(&self, start: i64, target: &mut Block) {
        for (channel, samples) in target.iter_mut().enumerate() {
            self.read_channel(channel, start, samples);
        }
    }

    /// Copies stream frames `start ..` of one channel; frames before the first are silence.
    pub(crate) fn read_channel(&self, channel: usize, start: i64, target: &mut [f64]) {
        let silent = (-start).clamp(0, target.len() as i64) as usize;
        target[..silent].fill(0.0);
        let mut done = silent;
        while done < target.len() {
            let frame = (start + done as i64) as usize;
            let (slab, offset) = (frame / self.frames, frame % self.frames);
            let frames = (self.frames - offset).min(target.len() - done);
            let source = self.slabs[slab - self.first].channel(channel);
            target[done..done + frames].copy_from_slice(&source[offset..offset + frames]);
            done += frames;
        }
    }
}

/// Slabs that must be kept for a reader `levels` levels further with `delay` frames of delay.
pub(crate) fn slabs_needed(levels: usize, delay: Frames, slab_frames: Frames) -> usize {
    levels + delay.div_ceil(slab_frames)
}
