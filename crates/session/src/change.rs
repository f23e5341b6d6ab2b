//! One change of the session: a value put, taken away, or moved.

use crate::{Path, Value};
use serde::{Deserialize, Serialize};

/// A change of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Puts a value at a path, in place of whatever stands there.
    ///
    /// A table puts a whole strip, insert or band. A new insert goes to the end of the chain; an insert or
    /// band that does not exist yet is made when one of its settings is put, if its id says its kind
    /// (`compressor`, `compressor_2`).
    Set {
        /// Where.
        path: Path,
        /// What.
        value: Value,
    },
    /// Takes away what stands at a path; nothing happens if nothing is there.
    Remove {
        /// Where.
        path: Path,
    },
    /// Moves an insert, a band or a strip in front of a sibling, or to the end.
    Place {
        /// What is moved.
        path: Path,
        /// The id of the sibling.
        before: Option<String>,
    },
}

impl Change {
    /// What it changes.
    pub fn path(&self) -> &Path {
        match self {
            Change::Set { path, .. } | Change::Remove { path } | Change::Place { path, .. } => path,
        }
    }
}
