//! Mixing steps: facts and session to decisions with reasons.
//!
//! Every step is one module and one line in [`STEPS`]; a step is a pure function. It never renders and never
//! reads files: what it wants to have heard it says ([`Hears`]), and is given as [`SongFacts`]. The session
//! that the steps begin with is made by [`import()`] from the names and forms of the recordings.

mod facts;
mod import;
mod masking;
mod parts;
mod power;
mod step;
mod steps;
#[cfg(test)]
mod testing;
mod words;

pub mod roles;

pub use facts::{FileFacts, Relation, SongFacts, TrackFacts};
pub use import::{Imported, Recording, import};
pub use step::{Hears, Rules, Step};
pub use steps::checks::{Finding, findings};
pub use steps::preparation::microphone_groups;

/// All steps, in the order in which they are done.
pub static STEPS: &[&dyn Step] = &[
    &steps::preparation::Preparation,
    &steps::gain_staging::GainStaging,
    &steps::static_mix::StaticMix,
    &steps::automation::Automation,
    &steps::checks::Checks,
    &steps::premaster::Premaster,
];
