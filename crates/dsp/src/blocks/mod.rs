//! Building blocks that processors are made of.

pub mod cut;
pub mod dynamics;
pub mod fractional;
pub mod grid;
pub mod history;
pub mod kaiser;
pub mod lookahead;
pub mod matched;
pub mod math;
pub mod oversample;
pub mod pan;
pub mod ramp;
pub mod repair;
pub mod resample;
pub mod stft;
pub mod svf;
pub mod symmetric;
#[cfg(test)]
pub(crate) mod testing;
pub mod true_peak;
