//! What every processor can do.

use crate::Address;
use audio::{Block, BlockRef, Frames};

/// How long a processor sounds on after its input has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// After this many frames (its latency not counted) the output stays under -120 dB of what went in.
    Frames(Frames),
    /// It never ends by itself (a delay with full feedback).
    Endless,
}

/// What a processor can tell about what it just did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Deepest gain reduction within the last block, in decibels, zero or positive.
    pub gain_reduction_db: f64,
}

/// Changes audio, block by block.
///
/// Everything is sized when a [`crate::Kind`] builds it. From then on the output depends only on the samples
/// and settings received since `reset`, never on how the samples were cut into blocks.
pub trait Processor: Send {
    /// Frames by which the output stands later than the input. Constant from build to drop.
    fn latency(&self) -> Frames {
        0
    }

    /// How long the output goes on after the input has ended.
    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }

    /// Forgets the past: afterwards it behaves as newly built with its present settings.
    fn reset(&mut self);

    /// Changes a setting that is not `fixed`; takes effect from the next frame and moves there without a step.
    ///
    /// # Realtime contract
    /// Called between blocks. Never allocates, locks or fails; a value outside the range is clamped.
    fn set(&mut self, address: Address, value: f64);

    /// Changes `block` (channels x frames) in place. `key` is the signal a dynamics processor listens to
    /// instead of its input, equally long and already aligned with it.
    ///
    /// # Realtime contract
    /// Never allocates, locks, logs, reads files or fails.
    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>);

    /// What happened within the last block.
    fn reading(&self) -> Reading {
        Reading::default()
    }
}
