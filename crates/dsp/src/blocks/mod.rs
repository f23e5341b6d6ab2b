//! Building blocks that processors are made of.

pub mod fractional;
pub mod grid;
pub mod pan;
pub mod ramp;
pub mod resample;
