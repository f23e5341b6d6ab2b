//! The rack. One file per processor; adding one is its `mod` line and its line in [`KINDS`].

pub mod align;
pub mod auto_pan;
pub mod band_width;
pub mod chorus;
pub mod clip_limiter;
pub mod clipper;
pub mod compressor;
pub mod console;
pub mod convolution_reverb;
pub mod de_esser;
pub mod declick;
pub mod declip;
pub mod decorrelator;
pub mod dehum;
pub mod delay;
pub mod denoise;
pub mod ducker;
pub mod dynamic_eq;
pub mod eq;
pub mod exciter;
pub mod fet_compressor;
pub mod filter;
pub mod flanger;
pub mod gain;
pub mod gate;
pub mod haas;
pub mod leveller;
pub mod limiter;
pub mod match_eq;
pub mod mid_side;
pub mod multiband;
pub mod opto_compressor;
pub mod perceptual_limiter;
pub mod phase_align;
pub mod phase_eq;
pub mod phaser;
pub mod plate;
pub mod resonance;
pub mod reverb;
pub mod rotation;
pub mod rumble;
pub mod saturator;
pub mod tape;
pub mod tilt;
pub mod transformer;
pub mod transient;
pub mod tremolo;
pub mod tube;
pub mod vari_mu_compressor;
pub mod vca_compressor;
pub mod vibrato;
pub mod width;

use crate::Kind;

/// Every processor, in the order people see.
pub static KINDS: &[&Kind] = &[
    &gain::KIND,
    &declip::KIND,
    &declick::KIND,
    &dehum::KIND,
    &rumble::KIND,
    &denoise::KIND,
    &resonance::KIND,
    &align::KIND,
    &eq::KIND,
    &phase_eq::KIND,
    &dynamic_eq::KIND,
    &match_eq::KIND,
    &tilt::KIND,
    &filter::KIND,
    &gate::KIND,
    &compressor::KIND,
    &vca_compressor::KIND,
    &fet_compressor::KIND,
    &opto_compressor::KIND,
    &vari_mu_compressor::KIND,
    &multiband::KIND,
    &de_esser::KIND,
    &transient::KIND,
    &ducker::KIND,
    &leveller::KIND,
    &saturator::KIND,
    &clipper::KIND,
    &tape::KIND,
    &tube::KIND,
    &transformer::KIND,
    &console::KIND,
    &exciter::KIND,
    &chorus::KIND,
    &flanger::KIND,
    &phaser::KIND,
    &tremolo::KIND,
    &vibrato::KIND,
    &auto_pan::KIND,
    &width::KIND,
    &band_width::KIND,
    &mid_side::KIND,
    &rotation::KIND,
    &haas::KIND,
    &decorrelator::KIND,
    &phase_align::KIND,
    &reverb::KIND,
    &plate::KIND,
    &convolution_reverb::KIND,
    &delay::KIND,
    &limiter::KIND,
    &clip_limiter::KIND,
    &perceptual_limiter::KIND,
];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.id == id)
}
