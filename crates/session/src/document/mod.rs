//! The text of a session file, changed without losing its layout or a person's comments.

mod build;
mod decoration;
mod notes;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use build::fields_at;

use crate::tree::Tree;
use crate::{Path, Reading, Session, SessionError, Severity, Value, read, write};
use std::fmt;
use std::str::FromStr;
use toml_edit::DocumentMut;

/// The text of a session file. Changing a value keeps everything around it: order, blanks, and a person's
/// comments. `to_string` gives the text.
///
/// A person's comment on a line or above a key that a change takes away moves above the header of its table,
/// or to the end of the file.
#[derive(Debug, Clone)]
pub struct Document {
    toml: DocumentMut,
    /// Lines end as on Windows.
    carriage_returns: bool,
}

impl Default for Document {
    /// A document of the present form with nothing in it.
    fn default() -> Document {
        Document::new(&Session::new())
    }
}

impl Document {
    /// A fresh text for a session: everything that is not neutral.
    pub fn new(session: &Session) -> Document {
        let mut document = Document { toml: DocumentMut::new(), carriage_returns: false };
        document.become_tree(&write::session_tree(session));
        document
    }

    /// Reads the session and everything that is wrong with the text.
    pub fn read(&self) -> Reading {
        read(&self.to_string())
    }

    /// The session, or all problems when one of them is an error.
    pub fn session(&self) -> Result<Session, SessionError> {
        self.read().into_session()
    }

    /// The value that stands at a path, if one does; an absent value is neutral.
    pub fn get(&self, path: &Path) -> Option<Value> {
        self.tree().get(path).map(Tree::to_value)
    }

    /// The machine's comments, each with the path of what stands on its line.
    pub fn notes(&self) -> Vec<(Path, String)> {
        let mut found = Vec::new();
        notes::list(self.toml.as_table(), &Path::root(), &mut found);
        found
    }

    /// Puts the machine's comment on the line of a setting; an empty one takes it away. A line on which a
    /// person's comment stands first keeps only that. Whether there is such a line.
    pub fn note(&mut self, path: &Path, note: &str) -> bool {
        let note = Some(note).filter(|note| !note.is_empty());
        notes::put(self.toml.as_table_mut(), path.parts(), note)
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::of(self.toml.as_item())
    }

    /// Brings the text to a content with the fewest changes.
    pub(crate) fn become_tree(&mut self, tree: &Tree) {
        let Some(branches) = tree.branches() else {
            return;
        };
        let homeless = sync::table(self.toml.as_table_mut(), branches, &Path::root(), false);
        if !homeless.is_empty() {
            let trailing = decoration::raw(Some(self.toml.trailing())).to_string();
            let joint = if trailing.is_empty() || trailing.ends_with('\n') { "" } else { "\n" };
            self.toml.set_trailing(format!("{trailing}{joint}{}\n", homeless.join("\n")));
        }
        // Tables put in among others have their places in the text only once it is written.
        if let Ok(toml) = self.toml.to_string().parse() {
            self.toml = toml;
        }
    }

    /// An error when this document has errors that an earlier one did not have.
    pub(crate) fn no_new_problems(&self, earlier: &Document) -> Result<(), SessionError> {
        let before = earlier.read().problems;
        let mut problems = self.read().problems;
        let known = |message: &str| before.iter().any(|problem| problem.message == message);
        problems.retain(|problem| problem.severity == Severity::Error && !known(&problem.message));
        if problems.is_empty() { Ok(()) } else { Err(SessionError::Invalid { problems }) }
    }
}

impl FromStr for Document {
    type Err = SessionError;

    /// From the text of a file, which must be TOML; what else is wrong with it, [`Document::read`] says.
    fn from_str(text: &str) -> Result<Document, SessionError> {
        match text.parse() {
            Ok(toml) => Ok(Document { toml, carriage_returns: text.contains("\r\n") }),
            Err(_) => Err(SessionError::Invalid { problems: read(text).problems }),
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.toml.to_string();
        if self.carriage_returns {
            f.write_str(&text.replace("\r\n", "\n").replace('\n', "\r\n"))
        } else {
            f.write_str(&text)
        }
    }
}
