//! Building blocks that processors are made of.

pub mod crest;
pub mod cut;
pub mod dynamics;
pub mod fractional;
pub mod gain_cell;
pub mod grid;
pub mod history;
pub mod k_weighting;
pub mod kaiser;
pub mod lookahead;
pub mod matched;
pub mod math;
pub mod oversample;
pub mod pan;
pub mod ramp;
pub mod repair;
pub mod resample;
pub mod svf;
pub mod symmetric;
pub mod three_bands;
pub mod true_peak;
