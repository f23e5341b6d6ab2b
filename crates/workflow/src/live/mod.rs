//! A file as meters show it while it plays: `measure --live`.
//!
//! [`LivePlayer`] reads a file piece by piece, as fast or slow as its caller says, and feeds a [`LiveMeter`], whose
//! [`LiveSnapshot`] is all that a face has to draw. Memory does not grow with the file but for the loudness meter's
//! 3 MB an hour, without which there is no gate.

mod meter;
mod player;
mod window;

pub use meter::{LiveChannel, LiveMeter, LiveSnapshot};
pub use player::LivePlayer;
pub(crate) use window::PeakHistory;

#[cfg(test)]
mod tests;
