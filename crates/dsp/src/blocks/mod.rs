//! Building blocks that processors are made of.

pub mod absorption;
#[cfg(test)]
pub(crate) mod acoustics;
pub mod cut;
pub mod decay;
pub mod ducker;
pub mod dynamics;
pub mod fractional;
pub mod glide;
pub mod grid;
pub mod history;
pub mod kaiser;
pub mod lfo;
pub mod line;
pub mod lookahead;
pub mod matched;
pub mod math;
pub mod moving;
pub mod oversample;
pub mod pan;
pub mod predelay;
pub mod primes;
pub mod ramp;
pub mod repair;
pub mod resample;
pub mod svf;
pub mod symmetric;
pub mod true_peak;
