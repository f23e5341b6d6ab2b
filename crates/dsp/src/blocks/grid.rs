//! The control grid: slow work happens every 64 frames counted from the start, never once per block.
//!
//! A value worked out once per block would depend on how the audio was cut; on a grid that is counted from
//! `reset` it cannot. 64 frames are 1.3 ms at 48 kHz, shorter than the ear resolves for gain moves that are
//! ramped in between.

use audio::{Block, BlockRef, Frames};

/// Frames between two points of the control grid.
pub const CONTROL_FRAMES: Frames = 64;

/// Counts frames since `reset` and cuts blocks at the points of the control grid.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// Frames since the last point of the grid, always less than [`CONTROL_FRAMES`].
    since_point: Frames,
}

impl Grid {
    /// Starts again at a point of the grid.
    pub fn reset(&mut self) {
        self.since_point = 0;
    }

    /// True when the next frame stands on the grid.
    pub fn at_point(&self) -> bool {
        self.since_point == 0
    }

    /// How many of `left` frames can be taken up to the next point of the grid.
    pub fn take(&mut self, left: Frames) -> Frames {
        let frames = left.min(CONTROL_FRAMES - self.since_point);
        self.since_point = (self.since_point + frames) % CONTROL_FRAMES;
        frames
    }
}

/// What works slowly at the points of the control grid and on the sound in pieces between them.
pub trait Gridded {
    /// Where it stands on the grid.
    fn grid(&mut self) -> &mut Grid;

    /// The slow work, before the frame that stands on a point of the grid.
    fn at_point(&mut self) {}

    /// Changes a piece in place that does not reach over a point of the grid: at most [`CONTROL_FRAMES`] frames, and
    /// the same frames of the key.
    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>);

    /// Changes a block of any length in place, cut at the points of the grid. A key is as long as the block.
    fn on_grid(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            if self.grid().at_point() {
                self.at_point();
            }
            let frames = self.grid().take(block.frames() - start);
            let key = key.map(|key| key.range(start, frames));
            self.piece(&mut block.range_mut(start, frames), key.as_ref());
            start += frames;
        }
    }
}

/// State smaller than this is cleared at grid points: a denormal number slows the processor down, and at
/// -600 dBFS nothing is lost.
pub const FLUSH_BELOW: f64 = 1e-30;

/// Zero when the value is too small to matter, else the value.
#[inline(always)]
pub fn flush(value: f64) -> f64 {
    if value.abs() < FLUSH_BELOW { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn points_do_not_depend_on_the_blocks(blocks in prop::collection::vec(0usize..300, 1..20)) {
            let mut grid = Grid::default();
            let mut position = 0;
            for block in blocks {
                let mut left = block;
                while left > 0 {
                    prop_assert_eq!(grid.at_point(), position % CONTROL_FRAMES == 0);
                    let taken = grid.take(left);
                    prop_assert!(taken > 0 && taken <= left);
                    prop_assert!(position / CONTROL_FRAMES == (position + taken - 1) / CONTROL_FRAMES);
                    left -= taken;
                    position += taken;
                }
            }
        }
    }
}
