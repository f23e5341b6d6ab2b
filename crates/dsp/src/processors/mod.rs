//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod compressor;
pub mod de_esser;
pub mod delay;
pub mod ducker;
pub mod eq;
pub mod fet_compressor;
pub mod gain;
pub mod gate;
pub mod leveller;
pub mod limiter;
pub mod opto_compressor;
pub mod reverb;
pub mod saturator;
pub mod transient;
pub mod vari_mu_compressor;
pub mod vca_compressor;
pub mod width;

use crate::Kind;

/// Every processor, in the order people see.
pub static KINDS: &[&Kind] = &[
    &gain::KIND,
    &eq::KIND,
    &gate::KIND,
    &compressor::KIND,
    &vca_compressor::KIND,
    &fet_compressor::KIND,
    &opto_compressor::KIND,
    &vari_mu_compressor::KIND,
    &de_esser::KIND,
    &transient::KIND,
    &ducker::KIND,
    &leveller::KIND,
    &saturator::KIND,
    &width::KIND,
    &reverb::KIND,
    &delay::KIND,
    &limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
