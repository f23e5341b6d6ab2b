//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod band_width;
pub mod clipper;
pub mod compressor;
pub mod de_esser;
pub mod declip;
pub mod decorrelator;
pub mod delay;
pub mod eq;
pub mod gain;
pub mod gate;
pub mod haas;
pub mod limiter;
pub mod mid_side;
pub mod multiband;
pub mod phase_align;
pub mod phase_eq;
pub mod reverb;
pub mod rotation;
pub mod saturator;
pub mod width;

use crate::Kind;

/// Every processor, in the order people see.
pub static KINDS: &[&Kind] = &[
    &gain::KIND,
    &declip::KIND,
    &eq::KIND,
    &phase_eq::KIND,
    &gate::KIND,
    &compressor::KIND,
    &multiband::KIND,
    &de_esser::KIND,
    &saturator::KIND,
    &clipper::KIND,
    &width::KIND,
    &band_width::KIND,
    &mid_side::KIND,
    &rotation::KIND,
    &haas::KIND,
    &decorrelator::KIND,
    &phase_align::KIND,
    &reverb::KIND,
    &delay::KIND,
    &limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
