//! Taking values out of tables, and noting what is wrong with them.

use crate::fields::Quantity;
use crate::node::{Data, Entry, Node};
use crate::problem::Lines;
use crate::{Path, Problem, Severity, text_file};
use indexmap::IndexMap;
use std::ops::Range;
use std::path::PathBuf;

pub(crate) type Entries = IndexMap<String, Entry>;

/// Where the reader is: the path, and what messages call it ("track.vox, compressor").
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) path: Path,
    pub(crate) who: String,
}

impl Scope {
    pub(crate) fn root() -> Scope {
        Scope { path: Path::root(), who: "the session".into() }
    }

    /// One level deeper, called by its path.
    pub(crate) fn table(&self, id: &str) -> Scope {
        let path = self.path.child(id);
        Scope { who: path.to_string(), path }
    }

    /// Deeper, called by the present name and something more.
    pub(crate) fn part(&self, path: Path, what: &str) -> Scope {
        Scope { who: format!("{}, {what}", self.who), path }
    }
}

/// Notes problems while values are taken out of tables.
pub(crate) struct Reader<'t> {
    lines: Lines<'t>,
    pub(crate) problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Reader<'t> {
        Reader { lines: Lines::new(text), problems: Vec::new() }
    }

    /// Where something stands in the text.
    pub(crate) fn place(&self, span: &Range<usize>) -> crate::Place {
        self.lines.place(span.start)
    }

    /// Notes an error.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        path: Path,
        span: &Range<usize>,
        message: String,
        hint: Option<String>,
    ) {
        let place = self.lines.place(span.start);
        let (path, severity) = (path.to_string(), Severity::Error);
        self.problems.push(Problem { code, severity, path, place, message, hint });
    }

    /// Notes a value of the wrong type.
    pub(crate) fn wrong_type(&mut self, scope: &Scope, id: &str, node: &Node, expected: &str) {
        let message = format!("{}: {id} is {}, not {expected}", scope.who, node.what());
        self.error("wrong_type", scope.path.child(id), &node.span, message, None);
    }

    /// The entries of a node that must be a table.
    pub(crate) fn table<'n>(&mut self, scope: &Scope, node: &'n Node) -> Option<&'n Entries> {
        if let Data::Table(entries) = &node.data {
            return Some(entries);
        }
        let message = format!("{} is {}, not a table", scope.who, node.what());
        let hint = format!("write [{}] on a line of its own, its settings beneath", scope.path);
        self.error("wrong_type", scope.path.clone(), &node.span, message, Some(hint));
        None
    }

    /// A table within a table, if there is one.
    pub(crate) fn sub_table<'n>(
        &mut self,
        scope: &Scope,
        entries: &'n Entries,
        id: &str,
    ) -> Option<(Scope, &'n Entries)> {
        let scope = scope.table(id);
        let entries = self.table(&scope, &entries.get(id)?.node)?;
        Some((scope, entries))
    }

    /// Notes every key that is not known, with the nearest known one.
    pub(crate) fn known_keys<'k>(
        &mut self,
        scope: &Scope,
        entries: &Entries,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        for (id, entry) in entries {
            if !known.contains(&id.as_str()) {
                let message = format!("{}: there is no setting `{id}`", scope.who);
                let hint = Some(instead(id, &known));
                self.error("unknown_key", scope.path.child(id.as_str()), &entry.key_span, message, hint);
            }
        }
    }

    /// A number within its range.
    pub(crate) fn number(&mut self, scope: &Scope, entries: &Entries, quantity: &Quantity) -> Option<f64> {
        let node = &entries.get(quantity.id)?.node;
        let Data::Number(value) = node.data else {
            self.wrong_type(scope, quantity.id, node, "a number");
            return None;
        };
        let path = scope.path.child(quantity.id);
        self.in_range(scope, &path, quantity.id, node, value, quantity).then_some(value)
    }

    /// Whether a number is allowed; notes it if not.
    pub(crate) fn in_range(
        &mut self,
        scope: &Scope,
        path: &Path,
        what: &str,
        node: &Node,
        value: f64,
        quantity: &Quantity,
    ) -> bool {
        if !(quantity.min..=quantity.max).contains(&value) {
            let allowed = format!("{} to {} {}", quantity.min, quantity.max, quantity.unit);
            let message = format!("{}: {what} is {value}, allowed {}", scope.who, allowed.trim_end());
            self.error("out_of_range", path.clone(), &node.span, message, None);
            return false;
        }
        if quantity.whole && value.fract() != 0.0 {
            let message = format!("{}: {what} is {value}, allowed are whole numbers", scope.who);
            self.error("out_of_range", path.clone(), &node.span, message, None);
            return false;
        }
        true
    }

    /// A text.
    pub(crate) fn text(&mut self, scope: &Scope, entries: &Entries, id: &str) -> Option<String> {
        let node = &entries.get(id)?.node;
        let Data::Text(text) = &node.data else {
            self.wrong_type(scope, id, node, "a text in quotes");
            return None;
        };
        Some(text.clone())
    }

    /// A text that has to be a code of its kind. It stays as it is written; `check` only says what is wrong with it.
    pub(crate) fn code(
        &mut self,
        scope: &Scope,
        entries: &Entries,
        id: &str,
        check: fn(&str) -> Result<String, String>,
    ) -> Option<String> {
        let text = self.text(scope, entries, id)?;
        if let Err(wrong) = check(&text) {
            let span = entries.get(id)?.node.span.clone();
            let message = format!("{}: {id}: {wrong}", scope.who);
            self.error("bad_code", scope.path.child(id), &span, message, None);
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, scope: &Scope, entries: &Entries, id: &str) -> Option<bool> {
        let node = &entries.get(id)?.node;
        let Data::Switch(switch) = node.data else {
            self.wrong_type(scope, id, node, "true or false");
            return None;
        };
        Some(switch)
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, scope: &Scope, entries: &Entries, id: &str) -> Option<Vec<String>> {
        let node = &entries.get(id)?.node;
        let Data::List(items) = &node.data else {
            self.wrong_type(scope, id, node, "a list of texts");
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.data {
                Data::Text(text) => texts.push(text.clone()),
                _ => self.wrong_type(scope, id, item, "a text in quotes"),
            }
        }
        Some(texts)
    }

    /// One file name, or a list of at most `most`.
    pub(crate) fn files(
        &mut self,
        scope: &Scope,
        entries: &Entries,
        id: &str,
        most: usize,
    ) -> Option<Vec<PathBuf>> {
        let node = &entries.get(id)?.node;
        let items = match &node.data {
            Data::List(items) => items.as_slice(),
            Data::Text(_) => std::slice::from_ref(node),
            _ => {
                self.wrong_type(scope, id, node, "a file name, or a list of them");
                return None;
            }
        };
        let path = scope.path.child(id);
        if items.len() > most {
            let message = format!("{}: {id} has {} files, allowed are {most}", scope.who, items.len());
            self.error("too_many", path.clone(), &node.span, message, None);
            return None;
        }
        let mut files = Vec::new();
        for item in items {
            let Data::Text(text) = &item.data else {
                self.wrong_type(scope, id, item, "a file name");
                continue;
            };
            match text_file(text) {
                Some(file) if !text.is_empty() => files.push(file),
                _ => {
                    let message = format!("{}: `{text}` is not a file name", scope.who);
                    let hint = "after bytes: every % is followed by two hexadecimal digits".to_string();
                    let hint = Some(hint).filter(|_| !text.is_empty());
                    self.error("bad_file_name", path.clone(), &item.span, message, hint);
                }
            }
        }
        Some(files)
    }

    /// Whether a text can be an id; notes it if not.
    pub(crate) fn good_id(&mut self, scope: &Scope, id: &str, span: &Range<usize>) -> bool {
        let good = !id.is_empty() && !id.contains(|c: char| c == '.' || c.is_whitespace() || c.is_control());
        if !good {
            let message = format!("{}: `{id}` cannot be a name here", scope.who);
            let hint = "use letters, digits, - and _; what people see goes into label".to_string();
            self.error("bad_id", scope.path.clone(), span, message, Some(hint));
        }
        good
    }
}

/// What to write instead of a name that is not known.
pub(crate) fn instead(id: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "there are none".to_string();
    }
    let all = known.join(", ");
    match nearest(id, known) {
        Some(near) => format!("did you mean `{near}`? Known here: {all}"),
        None => format!("known here: {all}"),
    }
}

/// The known name that a misspelt one probably means. 0.8 lets one or two wrong letters and a missing unit
/// pass (fader, fader_db: 0.93), and nothing that merely shares a few letters (pan, label: 0.51).
pub(crate) fn nearest<'k>(id: &str, known: &[&'k str]) -> Option<&'k str> {
    let likeness = |name: &str| strsim::jaro_winkler(&id.to_lowercase(), name);
    let best = known.iter().rev().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= 0.8).then_some(best)
}
