//! Mastering decisions, and the solver that puts the loudness on target.
//!
//! The steps are pure functions from what was measured to decisions with reasons; [`solve_drive`] finds the drive into
//! the limiter on rendered audio, which it asks for through a closure, so that it is tested without any.
//!
//! This crate never knows file formats and never renders.

pub mod album;
mod behind;
mod chain;
mod curve;
mod dynamics;
mod ends;
mod foresight;
mod goal;
mod limiting;
mod listening;
mod matching;
mod records;
mod solve;
mod stereo;
mod tone;
mod trial;

pub use behind::{behind_equaliser, with_spectrum};
pub use chain::clip::{CLIPPER, clip_decisions, clipper, wants_clipping};
pub use curve::{GENRES, Genre, TARGET, TargetBand, genre};
pub use foresight::Foresight;
pub use goal::{Goal, MasterFacts, MasterStep};
pub use limiting::{firmer, is_firmer, limiter_decisions, wants_firmer};
pub use listening::{Verdict, verdicts};
pub use matching::{MatchPlan, Matching, Move, Reference};
pub use records::{AMBIENT_RECORDS, ORCHESTRAL_RECORDS, RECORDS, ROCK_RECORDS, Records};
pub use solve::{Solved, Unlimited, corrected_drive, solve_drive};
pub use trial::{Bounds, Cost, Trial};

/// The steps before the loudness is solved, in order.
pub static STEPS: &[&dyn MasterStep] = &[
    &listening::Listening,
    &tone::Tone,
    &chain::sections::Sections,
    &chain::multiband::Multiband,
    &dynamics::Compression,
    &chain::parallel::Parallel,
    &chain::air::Air,
    &stereo::Stereo,
    &chain::image::Image,
    &limiting::Limiting,
    &ends::Ends,
];
