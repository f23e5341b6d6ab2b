//! What is wrong with a session file: where, why, and how to mend it.

use serde::Serialize;
use std::fmt;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Whether a problem stops the session from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Works, but probably not as meant.
    Warning,
    /// Cannot be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of problem, for other programs; never changes: `unknown_key`, `out_of_range`, ...
    pub code: &'static str,
    /// Whether it stops the session from being used.
    pub severity: Severity,
    /// The setting's name; empty for the file as a whole.
    pub path: String,
    /// Where in the text.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.severity, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

/// Problems as a text for people, each beginning with the file's name: `session.toml:12:8: error: ...`.
pub fn list(file: &str, problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let Place { line, column } = problem.place;
        text += &format!("{file}:{line}:{column}: {}: {}\n", problem.severity, problem.message);
        if let Some(hint) = &problem.hint {
            text += &format!("  {hint}\n");
        }
    }
    text
}

/// Finds lines and columns for byte offsets.
pub(crate) struct Lines<'t> {
    text: &'t str,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Lines<'t> {
        Lines { text }
    }

    /// The place of a byte offset; an offset beyond the end is the end.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters_from_one() {
        let lines = Lines::new("a = 1\nö = \"ü\"\n");
        assert_eq!(lines.place(0), Place { line: 1, column: 1 });
        // `ö` takes two bytes: the equals sign stands at byte 6 + 3.
        assert_eq!(lines.place(9), Place { line: 2, column: 3 });
        // In the middle of `ö`, and beyond the end.
        assert_eq!(lines.place(7), Place { line: 2, column: 1 });
        assert_eq!(lines.place(1000), Place { line: 3, column: 1 });
    }
}
