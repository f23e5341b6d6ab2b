//! Building blocks that processors are made of.

pub mod absorption;
#[cfg(test)]
pub(crate) mod acoustics;
pub mod antiderivative;
pub mod approach;
pub mod autoregression;
pub mod clip;
pub mod colour;
pub mod convolution;
pub mod correlation;
pub mod crest;
pub mod crossover;
pub mod cut;
pub mod decay;
pub mod ducker;
pub mod dynamics;
pub mod fir;
pub mod fir_bank;
pub mod fir_equaliser;
pub mod fractional;
pub mod gain_cell;
pub mod glide;
pub mod grid;
pub mod guard;
pub mod history;
pub mod k_weighting;
pub mod kaiser;
pub mod lfo;
pub mod line;
pub mod linear_crossover;
pub mod lookahead;
pub mod matched;
pub mod math;
pub mod moving;
pub mod negacyclic;
pub mod oversample;
pub mod pan;
pub mod path;
pub mod peak_share;
pub mod predelay;
pub mod primes;
pub mod quads;
pub mod ramp;
pub mod repair;
pub mod resample;
pub mod short_fir;
pub mod smoother;
#[cfg(test)]
pub(crate) mod spectrum;
pub mod stft;
pub mod svf;
pub mod symmetric;
#[cfg(test)]
pub(crate) mod testing;
pub mod three_bands;
pub mod true_peak;
