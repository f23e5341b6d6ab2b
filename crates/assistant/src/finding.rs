//! What is told of a mix or of its recordings.

use serde::Serialize;

/// Something found in the mix that is worth telling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is, in plain words.
    pub what: String,
    /// The track that it concerns; `None` for the mix.
    pub track: Option<String>,
    /// The measured number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
}
