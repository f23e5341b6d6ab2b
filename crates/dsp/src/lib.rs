//! Building blocks, processors, and the description of each.
//!
//! A [`Kind`] is a processor's static description: what it is called, what can be set, how it is built and,
//! for linear kinds, its frequency response. Everything that has to know processors (the session reader, the
//! JSON schema, the command line, the manual, the conformance suite) reads [`KINDS`], so that a new processor
//! is one file in `processors/` and its two lines in `processors/mod.rs`.
//!
//! This crate never reads files, never spawns threads and never hears of tracks.

pub mod blocks;
mod description;
mod processor;
pub mod processors;

pub use description::{
    Address, Choice, Class, Family, Group, ImpulseResponse, Kind, Param, Response, Setting, Taper, Unit,
    Unknown, Values, help_text, plain_name,
};
pub use processor::{Processor, Reading, Tail};
pub use processors::{KINDS, kind};

pub use num_complex::Complex64;
