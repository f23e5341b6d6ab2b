//! Files that were written, as every verb tells of them.

use delivery::Delivered;
use measure::Facts;
use serde::Serialize;
use std::path::Path;

/// A file that was written.
#[derive(Debug, Clone, Serialize)]
pub struct WrittenFile {
    /// What it is.
    pub what: String,
    /// Where it is.
    pub path: String,
    /// Integrated loudness, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range, in LU.
    pub loudness_range_lu: Option<f64>,
    /// True peak, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Whether it passed its check, where it has one.
    pub passed: Option<bool>,
}

/// A path for people and JSON.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A file that was rendered from a strip.
pub(crate) fn rendered_file(strip: &str, path: &Path, facts: &Facts) -> WrittenFile {
    WrittenFile {
        what: strip.to_string(),
        path: shown(path),
        integrated_lufs: facts.integrated_lufs,
        loudness_range_lu: facts.loudness_range_lu,
        true_peak_dbtp: facts.true_peak_dbtp,
        passed: None,
    }
}

/// A file that was delivered.
pub(crate) fn delivered_file(what: &str, delivered: &Delivered) -> WrittenFile {
    let facts = delivered.facts();
    WrittenFile {
        what: what.to_string(),
        path: shown(&delivered.path),
        integrated_lufs: facts.integrated_lufs,
        loudness_range_lu: facts.loudness_range_lu,
        true_peak_dbtp: facts.true_peak_dbtp,
        passed: Some(delivered.passed),
    }
}
