//! The grid of 10 ms bins on which everything slower than a sample is measured.
//!
//! A meter that works bin by bin cannot depend on how the audio was cut into blocks: every sum starts and
//! ends at a bin edge counted from the start of the signal, whatever arrived together. 10 ms is fine enough
//! for the maximum of momentary loudness (EBU Tech 3341 case 13 needs 20 ms), and 400 ms, 3 s and the 100 ms
//! step of the gating blocks are whole numbers of bins.

use audio::{BlockRef, Buffer, Frames};

/// Bins in one second.
pub(crate) const BINS_PER_SECOND: usize = 100;

/// Samples above this are no audio but a broken file, and would overflow when squared and summed.
const LIMIT: f64 = 1e10;

/// The sample itself, or zero for what no converter could have made: not a number, infinite, beyond +200 dBFS.
pub(crate) fn clean(sample: f64) -> f64 {
    if sample.abs() <= LIMIT { sample } else { 0.0 }
}

/// Whether all samples are usable numbers.
pub(crate) fn is_clean(samples: &[f64]) -> bool {
    beyond(samples) >= 0
}

audio::wide! {
    /// Negative where a sample is beyond [`LIMIT`], infinite or no number. The bits of numbers without their sign are ordered as the
    /// numbers are, and those of infinity and of what is no number come behind them (IEEE 754, section 3.4).
    fn beyond(samples: &[f64]) -> i64 {
        let limit = LIMIT.to_bits() as i64;
        let mut beyond = 0;
        for sample in samples {
            beyond |= limit - (sample.to_bits() & !(1 << 63)) as i64;
        }
        beyond
    }
}

/// Sets what is no usable number to zero.
pub(crate) fn clean_all(samples: &mut [f64]) {
    if !is_clean(samples) {
        samples.iter_mut().for_each(|s| *s = clean(*s));
    }
}

/// The bin edges for one sample rate. Where a rate has no whole number of frames in 10 ms (22.05 kHz, say)
/// the edges are rounded, so that bins differ by one frame and never drift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    sample_rate_hz: f64,
}

impl Grid {
    pub(crate) fn new(sample_rate_hz: f64) -> Grid {
        Grid { sample_rate_hz }
    }

    /// First frame of a bin.
    pub(crate) fn start(&self, bin: usize) -> Frames {
        (bin as f64 * self.sample_rate_hz / BINS_PER_SECOND as f64).round() as Frames
    }

    /// Frames from the start of bin `from` to the start of bin `to`.
    pub(crate) fn frames(&self, from: usize, to: usize) -> Frames {
        self.start(to) - self.start(from)
    }
}

/// Collects blocks of any size into whole bins of clean samples.
#[derive(Debug, Clone)]
pub(crate) struct Binner {
    grid: Grid,
    bin: usize,
    filled: Frames,
    buffer: Buffer,
    dirty: usize,
}

impl Binner {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> Binner {
        let grid = Grid::new(sample_rate_hz);
        let longest = (sample_rate_hz / BINS_PER_SECOND as f64).ceil() as Frames + 1;
        Binner { grid, bin: 0, filled: 0, buffer: Buffer::new(channels, longest), dirty: 0 }
    }

    /// Frames taken so far.
    pub(crate) fn frames(&self) -> Frames {
        self.grid.start(self.bin) + self.filled
    }

    /// Samples that were replaced by zero because they were not usable numbers.
    pub(crate) fn dirty_samples(&self) -> usize {
        self.dirty
    }

    /// As if every sample of the bin that is being filled had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        for channel in 0..self.buffer.channels() {
            self.buffer.channel_mut(channel).iter_mut().for_each(|x| *x *= gain);
        }
    }

    /// Takes a block, and calls `each` for every bin that became full.
    ///
    /// # Panics
    /// When the block has another number of channels than the meter was built for.
    pub(crate) fn push(&mut self, block: &BlockRef, mut each: impl FnMut(&BlockRef)) {
        assert_eq!(
            block.channels(),
            self.buffer.channels(),
            "a block of the channels the meter was built for"
        );
        let mut taken = 0;
        while taken < block.frames() {
            let length = self.grid.frames(self.bin, self.bin + 1);
            let frames = (length - self.filled).min(block.frames() - taken);
            let part = block.range(taken, frames);
            let usable = part.iter().all(is_clean);
            if frames == length && usable {
                // A whole bin of clean samples, which is the usual case, needs no copy.
                each(&part);
                self.bin += 1;
                taken += frames;
                continue;
            }
            for (c, from) in part.iter().enumerate() {
                let to = &mut self.buffer.channel_mut(c)[self.filled..self.filled + frames];
                to.copy_from_slice(from);
                if !usable {
                    self.dirty += from.iter().filter(|s| clean(**s) != **s).count();
                    to.iter_mut().for_each(|s| *s = clean(*s));
                }
            }
            self.filled += frames;
            taken += frames;
            if self.filled == length {
                each(&self.buffer.range(0, length));
                self.bin += 1;
                self.filled = 0;
            }
        }
    }

    /// The frames of the last, unfinished bin.
    pub(crate) fn rest(&self) -> BlockRef<'_> {
        self.buffer.range(0, self.filled)
    }
}
