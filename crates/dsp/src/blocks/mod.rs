//! Building blocks that processors are made of.

pub mod antiderivative;
pub mod clip;
pub mod cut;
pub mod dynamics;
pub mod fractional;
pub mod grid;
pub mod guard;
pub mod history;
pub mod kaiser;
pub mod lookahead;
pub mod matched;
pub mod math;
pub mod oversample;
pub mod pan;
pub mod peak_share;
pub mod ramp;
pub mod repair;
pub mod resample;
#[cfg(test)]
pub(crate) mod spectrum;
pub mod svf;
pub mod symmetric;
pub mod true_peak;
