//! Compile a session to a plan; render a plan.
//!
//! A [`Plan`] is plain data: strips in order, what each sums, how long every connection must wait. Rendering
//! it needs no search and no lock, takes memory that does not grow with the song, and gives the same bits for
//! any number of threads and any slab size.
//!
//! This crate never decides anything, and keeps nothing between renders except the cache.

mod amplified;
mod arrange;
mod cache;
mod compensate;
mod compile;
mod curve;
mod error;
mod gain;
mod plan;
mod render;
mod ring;
mod sources;
mod stream;
mod strip;
mod taken;

pub use amplified::{Amplification, Amplified};
pub use compile::{MASTER, PREMASTER, compile, compile_master, session_rate};
pub use curve::Curve;
pub use error::EngineError;
pub use plan::{Edge, Element, Excerpt, Fader, Node, Plan, Source, Tap};
pub use render::{GainReduction, Output, RenderOptions, Sink, render, render_to_buffer};
pub use sources::{Audio, Sources, read_response};
pub use taken::Taken;
