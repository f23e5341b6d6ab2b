//! The head of a chain, where recordings are mended.

use session::{Change, Decision, StepId, Strip};

/// Why restoration stands first.
pub(super) const HEAD: &str = "A recording is restored before anything else changes it.";

/// Puts a new insert before those that are on the track already; nothing when there are none.
pub(super) fn at_the_head(track: &Strip, id: &str, why: &str) -> Option<Decision> {
    let next = track.inserts.first()?;
    let path = track.path().child("insert").child(id);
    Some(Decision::new(StepId::Preparation, Change::Place { path, before: Some(next.id.clone()) }, why))
}
