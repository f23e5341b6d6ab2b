//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod clip_limiter;
pub mod clipper;
pub mod compressor;
pub mod de_esser;
pub mod delay;
pub mod eq;
pub mod gain;
pub mod gate;
pub mod limiter;
pub mod perceptual_limiter;
pub mod reverb;
pub mod saturator;
pub mod width;

use crate::Kind;

/// Every processor, in the order people see.
pub static KINDS: &[&Kind] = &[
    &gain::KIND,
    &eq::KIND,
    &gate::KIND,
    &compressor::KIND,
    &de_esser::KIND,
    &saturator::KIND,
    &clipper::KIND,
    &width::KIND,
    &reverb::KIND,
    &delay::KIND,
    &limiter::KIND,
    &clip_limiter::KIND,
    &perceptual_limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
