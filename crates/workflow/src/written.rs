//! Files that were written, as every verb tells of them.

use delivery::Delivered;
use measure::Facts;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A file that was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// A path for people and JSON: as the session writes it, so that none is told as another.
pub(crate) fn shown(path: &Path) -> String {
    session::file_text(path)
}

/// Longest name of what is called after a file, in bytes: `-master` follows, and titles longer than 200 are cut off.
const MOST_NAME_BYTES: usize = 190;

/// What is called after a file, without its extension: its own name wherever that is text and not too long. Two files
/// never come to share one name for either reason.
pub(crate) fn name_of(file: &Path) -> String {
    let stem = Path::new(file.file_stem().unwrap_or_default());
    let text = match stem.to_str() {
        Some(text) => text.to_string(),
        None => shown(stem).trim_start_matches("bytes:").to_string(),
    };
    if text.len() <= MOST_NAME_BYTES {
        return text;
    }
    let end = (0..=MOST_NAME_BYTES - 9).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}~{:08x}", &text[..end], fnv1a(text.as_bytes()))
}

/// The hash of Fowler, Noll and Vo, 32 bits (RFC 9923).
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_where_they_can_be_and_never_shared() {
        assert_eq!(name_of(Path::new("mixes/Rye & Rain.v2.wav")), "Rye & Rain.v2");
        let long = |end: &str| name_of(Path::new(&format!("{}{end}.wav", "雨".repeat(80))));
        let (a, b) = (long("1"), long("2"));
        assert!(a != b && a.len() <= MOST_NAME_BYTES && a.starts_with("雨雨"), "{a} {b}");
        assert_eq!(long("1"), a);
        // The published value for one letter.
        assert_eq!(fnv1a(b"a"), 0xe40c_292c);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes: &[u8]| name_of(Path::new(std::ffi::OsStr::from_bytes(bytes)));
        assert_eq!(name(b"Gitarre \xfc.wav"), "Gitarre %FC");
        assert_eq!(name(b"Gitarre \xfb.wav"), "Gitarre %FB");
    }
}
