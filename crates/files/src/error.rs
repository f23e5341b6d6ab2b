//! What can go wrong with a file, for the person who has to mend it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file cannot be read or written. Every message names the file, what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is nothing under this name.
    #[error("{}: not found; check the name and the folder", .path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
    },
    /// A folder, a pipe or a device.
    #[error("{}: is {what}, not a file; give an audio file", .path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
        /// What stands there instead.
        what: &'static str,
    },
    /// The content is something else, whatever the name says.
    #[error("{}: is not audio: it looks like {looks_like}; export it again as WAV or FLAC", .path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What the content looks like, for example "text".
        looks_like: String,
    },
    /// Audio in a form that is not read, or a form that cannot be written.
    #[error("{}: {what}", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported, and what would be.
        what: String,
    },
    /// The file breaks its own format's rules where they cannot be guessed.
    #[error("{}: damaged at {place}: {what}; export or copy it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where: a chunk, a byte or a time.
        place: String,
        /// What is wrong there.
        what: String,
    },
    /// An audio file without a single frame.
    #[error("{}: holds no audio ({bytes} bytes, 0 frames); leave it out or export it again", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
    },
    /// More than the format can hold.
    #[error("{}: {frames} frames are more than {limit}; write WAV, which has no limit", .path.display())]
    TooLong {
        /// The file being written.
        path: PathBuf,
        /// Frames given so far.
        frames: u64,
        /// What the format can hold.
        limit: &'static str,
    },
    /// Somebody has changed it in the middle of the work.
    #[error("{}: {how} since the work on it began; leave it as it is and run the same command again", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What has become of it, as part of a sentence.
        how: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The system's own words.
        source: io::Error,
    },
}

impl FileError {
    /// The file the error is about.
    pub fn path(&self) -> &Path {
        match self {
            FileError::NotFound { path }
            | FileError::NotAFile { path, .. }
            | FileError::NotAudio { path, .. }
            | FileError::Unsupported { path, .. }
            | FileError::Damaged { path, .. }
            | FileError::Empty { path, .. }
            | FileError::TooLong { path, .. }
            | FileError::Changed { path, .. }
            | FileError::Io { path, .. } => path,
        }
    }

    /// Makes an error of the system into ours; "not found" has its own variant.
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> FileError {
        match source.kind() {
            io::ErrorKind::NotFound => FileError::NotFound { path: path.to_owned() },
            _ => FileError::Io { path: path.to_owned(), action, source },
        }
    }

    pub(crate) fn damaged(path: &Path, place: impl Into<String>, what: impl Into<String>) -> FileError {
        FileError::Damaged { path: path.to_owned(), place: place.into(), what: what.into() }
    }

    pub(crate) fn unsupported(path: &Path, what: impl Into<String>) -> FileError {
        FileError::Unsupported { path: path.to_owned(), what: what.into() }
    }
}
