//! The steps that a finished mix rarely needs: each looks for one thing that lies outside of what records have, and does
//! nothing where it does not.
//!
//! They aim at what was measured, foresee the setting from the levels, and correct it once it was heard
//! ([`MasterStep::revise`](crate::MasterStep::revise)).

pub(crate) mod air;
pub(crate) mod clip;
pub(crate) mod image;
pub(crate) mod levels;
pub(crate) mod multiband;
pub(crate) mod parallel;
pub(crate) mod sections;

use session::{Insert, Session};

#[cfg(test)]
mod tests;

/// An insert of the master, as decided so far.
pub(crate) fn insert<'a>(session: &'a Session, id: &str) -> Option<&'a Insert> {
    session.master.strip.insert(id)
}

/// A setting of an insert by its name, items counted from 0.
pub(crate) fn setting(insert: &Insert, name: &str) -> Option<f64> {
    Some(insert.values.get(insert.kind.address(name).ok()?))
}

/// Hundredths are finer than any ear, and what stands in the file is what was tried.
pub(crate) fn hundredth(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}
