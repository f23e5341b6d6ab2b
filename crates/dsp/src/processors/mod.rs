//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod auto_pan;
pub mod chorus;
pub mod compressor;
pub mod de_esser;
pub mod delay;
pub mod eq;
pub mod flanger;
pub mod gain;
pub mod gate;
pub mod limiter;
pub mod phaser;
pub mod plate;
pub mod reverb;
pub mod saturator;
pub mod tremolo;
pub mod vibrato;
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
    &chorus::KIND,
    &flanger::KIND,
    &phaser::KIND,
    &tremolo::KIND,
    &vibrato::KIND,
    &auto_pan::KIND,
    &width::KIND,
    &reverb::KIND,
    &plate::KIND,
    &delay::KIND,
    &limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
