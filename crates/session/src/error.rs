//! What can go wrong.

use crate::{Path, Place, Problem};
use std::path::PathBuf;

/// What can go wrong with a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The text has problems that keep it from being used; each has its place and remedy.
    #[error("the session has {} to mend{}", count(.problems), first(.problems))]
    Invalid {
        /// All of them, in the order of the text.
        problems: Vec<Problem>,
    },
    /// Text that is not the name of a setting.
    #[error("`{text}` is not the name of a setting; one looks like track.vox.fader_db")]
    NotAPath {
        /// What was given.
        text: String,
    },
    /// A setting, strip or processor that does not exist.
    #[error("there is no {path}{}", hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        path: Path,
        /// What there is instead.
        hint: Option<String>,
    },
    /// A text that cannot stand for a value of this setting.
    #[error("{path}: `{text}` is not {expected}")]
    NotAValue {
        /// The setting.
        path: Path,
        /// What was given.
        text: String,
        /// What it can be.
        expected: String,
    },
    /// The file could not be read or written.
    #[error("{}: cannot {action}: {source}", .file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What was tried: "read", "write".
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A data file that does not say what it should.
    #[error("{}, {place}: {message}", .file.display())]
    Data {
        /// Which file.
        file: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong, and how to mend it.
        message: String,
    },
    /// The file is not UTF-8 text.
    #[error("{}: is not UTF-8 text (byte {offset}); save it as UTF-8", .file.display())]
    NotText {
        /// Which file.
        file: PathBuf,
        /// The first byte that is wrong.
        offset: usize,
    },
}

fn count(problems: &[Problem]) -> String {
    if problems.len() == 1 { "one problem".into() } else { format!("{} problems", problems.len()) }
}

fn first(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n{problem}")).collect()
}
