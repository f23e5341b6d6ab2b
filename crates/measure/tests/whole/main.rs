//! Meters against the signals of their standards and against mathematics.

mod alignment;
mod blemishes;
mod common;
mod derived;
mod facts;
mod loudness;
mod music;
mod true_peak;
