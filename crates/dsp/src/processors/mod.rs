//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod compressor;
pub mod convolution_reverb;
pub mod de_esser;
pub mod delay;
pub mod dynamic_eq;
pub mod eq;
pub mod filter;
pub mod gain;
pub mod gate;
pub mod limiter;
pub mod match_eq;
pub mod phase_eq;
pub mod reverb;
pub mod saturator;
pub mod tilt;
pub mod width;

use crate::Kind;

/// Every processor, in the order people see.
pub static KINDS: &[&Kind] = &[
    &gain::KIND,
    &eq::KIND,
    &phase_eq::KIND,
    &dynamic_eq::KIND,
    &match_eq::KIND,
    &tilt::KIND,
    &gate::KIND,
    &compressor::KIND,
    &de_esser::KIND,
    &saturator::KIND,
    &filter::KIND,
    &width::KIND,
    &reverb::KIND,
    &convolution_reverb::KIND,
    &delay::KIND,
    &limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
