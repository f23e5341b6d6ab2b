//! The name of a place in the session: `track.vox.insert.eq.bands.mud.gain_db`.

use crate::SessionError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of a place in the session. Items of lists are named by their ids, never by their positions.
///
/// Written with dots; a part that holds anything but letters, digits, `-` and `_` is quoted as in TOML.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Path(Vec<String>);

impl Path {
    /// From its parts.
    pub fn new<S: Into<String>>(parts: impl IntoIterator<Item = S>) -> Path {
        Path(parts.into_iter().map(Into::into).collect())
    }

    /// The root of the file.
    pub fn root() -> Path {
        Path::default()
    }

    /// Its parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// One level deeper.
    pub fn child(&self, part: impl Into<String>) -> Path {
        let mut parts = self.0.clone();
        parts.push(part.into());
        Path(parts)
    }

    /// Deeper by all parts of another path.
    pub fn join(&self, other: &Path) -> Path {
        Path(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// One level up, and the last part; nothing for the root.
    pub fn split_last(&self) -> Option<(Path, &str)> {
        let (last, rest) = self.0.split_last()?;
        Some((Path(rest.to_vec()), last))
    }

    /// Whether the other path is this one or lies beneath it.
    pub fn contains(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            f.write_str(&toml_edit::Key::new(part.as_str()).display_repr())?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = SessionError;

    fn from_str(text: &str) -> Result<Path, SessionError> {
        let keys = toml_edit::Key::parse(text).map_err(|_| SessionError::NotAPath { text: text.into() })?;
        Ok(Path(keys.iter().map(|key| key.get().to_string()).collect()))
    }
}

impl TryFrom<String> for Path {
    type Error = SessionError;

    fn try_from(text: String) -> Result<Path, SessionError> {
        if text.is_empty() { Ok(Path::root()) } else { text.parse() }
    }
}

impl From<Path> for String {
    fn from(path: Path) -> String {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(parts in prop::collection::vec(".{1,8}", 1..5)) {
            let path = Path::new(parts);
            prop_assert_eq!(path.to_string().parse::<Path>().ok(), Some(path));
        }
    }

    #[test]
    fn text_without_a_name_is_refused() {
        for text in ["", "a..b", ".a", "a b", "\"a"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}
