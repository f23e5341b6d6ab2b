//! Mixing steps: facts and session to decisions with reasons.
//!
//! Every step is one module and one line in [`STEPS`]; a step is a pure function. It never renders and never
//! reads files: what it wants to have heard it says ([`Hears`]), and is given as [`SongFacts`]. The session
//! that the steps begin with is made by [`import()`] from the names and forms of the recordings.

mod cuts;
mod facts;
mod finding;
mod genre;
mod import;
mod levels;
mod masking;
mod parts;
mod power;
mod rack;
pub(crate) mod recordings;
mod solve;
mod step;
mod steps;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_tone;
mod tone;
mod wishes;
mod words;

pub mod roles;

pub use facts::{FileFacts, ReferenceTone, Relation, RoughMix, SongFacts, TrackFacts};
pub use finding::Finding;
pub use import::{Imported, Recording, import};
pub use parts::rough_mix;
pub use recordings::recording_faults;
pub use step::{Hears, Rules, Step};
pub use steps::automation::unanswered as unanswered_notes;
pub use steps::checks::{LeadInSection, findings, holders, lead_and_rest, lead_by_section, lower_by_db};
pub use steps::preparation::microphone_groups;
pub use steps::static_mix::rebalance;

/// All steps, in the order in which they are done.
pub static STEPS: &[&dyn Step] = &[
    &steps::preparation::Preparation,
    &steps::gain_staging::GainStaging,
    &steps::static_mix::StaticMix,
    &steps::subtractive_eq::SubtractiveEq,
    &steps::dynamics::Dynamics,
    &steps::additive_eq::AdditiveEq,
    &steps::space::Space,
    &steps::character::Character,
    &steps::automation::Automation,
    &steps::checks::Checks,
    &steps::premaster::Premaster,
];
