//! What mastering is asked for.

use mastering::Matching;
use std::path::PathBuf;

/// What to master, and to what.
#[derive(Debug, Clone, Default)]
pub struct MasterRequest {
    /// Delivery target; the session's first, or `streaming`.
    pub target: Option<String>,
    /// Finished songs to be near to, each with its weight; none for those the session names.
    pub references: Vec<(PathBuf, f64)>,
    /// How near, by aspect.
    pub matching: Option<Matching>,
    /// The kind of music whose tonal balance stands in where there is no reference.
    pub genre: Option<String>,
    /// Loudness instead of the target's, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// Factor on the size of every move of taste.
    pub strength: Option<f64>,
    /// Keep the chain that the session has; decide nothing.
    pub as_it_is: bool,
    /// Write before, after, references and takes at one loudness.
    pub ab: bool,
    /// The name of a take: another master of the same mix, kept beside the others.
    pub take: Option<String>,
}
