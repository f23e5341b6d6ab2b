//! Mixing steps: facts and session to decisions with reasons.
//!
//! Every step is one module and one line in [`STEPS`]; a step is a pure function. It never renders and never
//! reads files: what it wants to have heard it says ([`Hears`]), and is given as [`SongFacts`].

mod facts;
mod step;

pub mod roles;

pub use facts::{FileFacts, Relation, SongFacts, TrackFacts};
pub use step::{Hears, Rules, Step};
