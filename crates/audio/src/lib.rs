//! Samples, layouts, blocks, frames and decibels, and loops over them as wide as the machine; nothing else.
//!
//! A *sample* is one channel's value at one instant; a *frame* is one sample of every channel. Time is
//! counted in frames and converted to seconds only at the edges. There is one sample type in the whole
//! render path, `f64`, where 1.0 is digital full scale.
//!
//! This crate never knows files, threads or settings.

mod block;
mod decibel;
mod layout;
mod wide;

pub use block::{Block, BlockRef, Buffer};
pub use decibel::{SILENCE_DB, db_to_gain, db_to_power, gain_to_db, power_to_db};
pub use layout::Layout;
#[cfg(target_arch = "x86_64")]
#[doc(hidden)]
pub use wide::{Vectors, narrow_to, vectors};

/// A number of frames, or a position counted in frames.
pub type Frames = usize;

/// What a processor or a meter is built for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// Frames per second, in hertz.
    pub sample_rate_hz: f64,
    /// Channels of every block.
    pub channels: usize,
    /// The longest block that will ever arrive, in frames.
    pub max_frames: Frames,
}

impl Spec {
    /// Frames in `seconds`, rounded to the nearest frame.
    pub fn frames(&self, seconds: f64) -> Frames {
        (seconds * self.sample_rate_hz).round().max(0.0) as Frames
    }
}
