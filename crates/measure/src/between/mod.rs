//! What lies between several signals: who hides whom, and how microphones of one source stand to each other.

mod ear;
mod masking;
mod partial_loudness;
mod phase;
mod unmix;

pub use masking::{Masked, Masker, Part, loudness_left, masked, masking};
pub use partial_loudness::LoudnessModel;
pub use phase::{StretchReader, Stretches};
pub use unmix::{Placed, Unmixed, Unmixer};

#[cfg(test)]
mod tests;
