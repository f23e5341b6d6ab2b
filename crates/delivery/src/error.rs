//! What can go wrong with a delivery.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file cannot be delivered or checked. What is wrong *with the sound* is a [`crate::Finding`], not an
/// error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// A file cannot be measured.
    #[error("{}: {source}", .path.display())]
    Measure {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: measure::Error,
    },
    /// No target has this name.
    #[error("there is no target {name:?}{}; the targets are {}", suggested(.suggestion), .known.join(", "))]
    UnknownTarget {
        /// The name that was given.
        name: String,
        /// The name that was perhaps meant.
        suggestion: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// No kind of file has this name.
    #[error("there is no format {name:?}; the formats are {}", .known.join(", "))]
    UnknownFormat {
        /// The name that was given.
        name: String,
        /// All names.
        known: Vec<String>,
    },
    /// This build has no encoder for a kind of file.
    #[error(
        "this build writes no {name}: its encoder's licence keeps it out of the usual build; build with `cargo install \
         --path crates/cli --features {feature}`"
    )]
    NotBuilt {
        /// The kind of file.
        name: &'static str,
        /// The cargo feature that brings its encoder.
        feature: &'static str,
    },
    /// A pattern of file names holds something that is not known.
    #[error("the file name pattern {pattern:?}: {what}; it can hold {}", .known.join(", "))]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        what: String,
        /// What it can hold.
        known: Vec<String>,
    },
    /// Integers of this many bits are not made.
    #[error("{bits} bits are not possible: integers have 8 to 32")]
    BitDepth {
        /// The bits that were asked for.
        bits: u32,
    },
    /// The target does not take what was asked for.
    #[error("the target {target} does not take {what}; it takes {instead}")]
    NotTaken {
        /// The target's id.
        target: String,
        /// What was asked for.
        what: String,
        /// What it takes.
        instead: String,
    },
    /// The file to be written is the master itself.
    #[error("{}: is the master itself and is never written to; choose another folder or title", .path.display())]
    OverSource {
        /// The master.
        path: PathBuf,
    },
    /// A written file does not hold what was written to it.
    #[error("{}: does not read back as written: {what}; nothing was delivered (is the disk sound?)", .path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// The difference.
        what: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The system's own words.
        source: io::Error,
    },
    /// The caller asked to stop. Nothing is left behind.
    #[error("cancelled")]
    Cancelled,
}

impl DeliveryError {
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> DeliveryError {
        DeliveryError::Io { path: path.to_owned(), action, source }
    }
}

fn suggested(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}
