//! What surrounds a value in the text: blanks, line ends, and comments, a person's and the machine's.
//!
//! A person's comment begins with `#`, the machine's with `#~`. On a line that has a person's comment first, the
//! machine says nothing. Behind a machine's comment a person may add another (`#~ reason # but I like it`).

use toml_edit::{Array, Decor, InlineTable, Item, RawString, Table, Value};

/// Puts a new value in the place of an old one; blanks and comments around the old one stay. Plain assignment
/// would drop the comment on that very line.
pub(crate) fn replace_value(old: &mut Value, mut new: Value) {
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

pub(crate) fn raw(string: Option<&RawString>) -> &str {
    string.and_then(RawString::as_str).unwrap_or("")
}

/// The parts of what follows a value on its line.
struct LineEnd<'t> {
    blanks: &'t str,
    machine: Option<&'t str>,
    person: Option<&'t str>,
}

fn split(line_end: &str) -> LineEnd<'_> {
    let comment = line_end.trim_start();
    let blanks = &line_end[..line_end.len() - comment.len()];
    let comment = comment.trim_end();
    let Some(machine) = comment.strip_prefix("#~") else {
        return LineEnd { blanks, machine: None, person: Some(comment).filter(|c| !c.is_empty()) };
    };
    match machine.find(" #") {
        Some(at) => {
            let person = machine[at + 1..].trim_start();
            LineEnd { blanks, machine: Some(machine[..at].trim()), person: Some(person) }
        }
        None => LineEnd { blanks, machine: Some(machine.trim()), person: None },
    }
}

/// The machine's comment in what follows a value on its line.
pub(crate) fn machine_comment(line_end: &str) -> Option<&str> {
    split(line_end).machine
}

/// The same line end with another machine's comment, or without.
pub(crate) fn with_machine_comment(line_end: &str, note: Option<&str>) -> String {
    let LineEnd { blanks, machine, person } = split(line_end);
    let blanks = if blanks.is_empty() { "  " } else { blanks };
    let note = note.map(clean).filter(|note| !note.is_empty());
    match (machine, person, note) {
        (None, Some(_), _) => line_end.to_string(),
        (_, Some(person), Some(note)) => format!("{blanks}#~ {note} {person}"),
        (_, None, Some(note)) => format!("{blanks}#~ {note}"),
        (_, Some(person), None) => format!("{blanks}{person}"),
        (_, None, None) => String::new(),
    }
}

/// A note on one line, without what would end it.
fn clean(note: &str) -> String {
    let line: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.replace(" #", " ").trim().to_string()
}

/// A person's comments within a piece of decoration, one per line.
fn persons(decoration: &str, found: &mut Vec<String>) {
    for line in decoration.lines() {
        found.extend(split(line).person.map(str::to_string));
    }
}

fn persons_of_decor(decor: &Decor, found: &mut Vec<String>) {
    persons(raw(decor.prefix()), found);
    persons(raw(decor.suffix()), found);
}

/// Every comment of a person within something that is about to be taken out of the file.
pub(crate) fn persons_comments(item: &Item, found: &mut Vec<String>) {
    match item {
        Item::None => {}
        Item::Value(value) => persons_of_value(value, found),
        Item::Table(table) => persons_of_table(table, found),
        Item::ArrayOfTables(tables) => tables.iter().for_each(|table| persons_of_table(table, found)),
    }
}

pub(crate) fn persons_of_table(table: &Table, found: &mut Vec<String>) {
    persons_of_decor(table.decor(), found);
    for (key, item) in table.iter() {
        if let Some(key) = table.key(key) {
            persons_of_decor(key.leaf_decor(), found);
        }
        persons_comments(item, found);
    }
}

pub(crate) fn persons_of_value(value: &Value, found: &mut Vec<String>) {
    persons(raw(value.decor().prefix()), found);
    match value {
        Value::Array(array) => {
            array.iter().for_each(|value| persons_of_value(value, found));
            persons(raw(Some(array.trailing())), found);
        }
        Value::InlineTable(table) => persons_of_inline(table, found),
        _ => {}
    }
    persons(raw(value.decor().suffix()), found);
}

fn persons_of_inline(table: &InlineTable, found: &mut Vec<String>) {
    for (key, value) in table.iter() {
        if let Some(key) = table.key(key) {
            persons_of_decor(key.leaf_decor(), found);
        }
        persons_of_value(value, found);
    }
    persons(raw(Some(table.trailing())), found);
}

/// One item of an array together with the text that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    /// What stands in front of it: its own lines of comment and its indentation.
    pub(crate) lead: String,
    pub(crate) value: Value,
    /// What follows the comma on its line: a comment.
    pub(crate) line_end: String,
}

/// An array taken apart, so that its items can be moved with their comments.
pub(crate) struct Elements {
    pub(crate) items: Vec<Element>,
    /// What stands between the last item's line and the bracket.
    closing: String,
    trailing_comma: bool,
}

/// A gap between two items: up to the line end it belongs to the one before.
fn split_gap(gap: &str) -> (String, String) {
    match gap.find('\n') {
        Some(newline) => (gap[..newline].trim_end().to_string(), gap[newline..].to_string()),
        None => (String::new(), gap.to_string()),
    }
}

impl Elements {
    pub(crate) fn of(array: &Array) -> Elements {
        let mut items: Vec<Element> = Vec::new();
        // A comment between an item and its comma stands in the item's own suffix.
        let mut pending = String::new();
        for value in array.iter() {
            let gap = format!("{pending}{}", raw(value.decor().prefix()));
            let lead = match items.last_mut() {
                None => gap,
                Some(last) => {
                    let (line_end, lead) = split_gap(&gap);
                    last.line_end = line_end;
                    lead
                }
            };
            pending = raw(value.decor().suffix()).trim_end_matches(' ').to_string();
            let mut value = value.clone();
            value.decor_mut().clear();
            items.push(Element { lead, value, line_end: String::new() });
        }
        let gap = format!("{pending}{}", raw(Some(array.trailing())));
        let closing = match items.last_mut() {
            None => gap,
            Some(last) => {
                let (line_end, closing) = split_gap(&gap);
                last.line_end = line_end;
                closing
            }
        };
        Elements { items, closing, trailing_comma: array.trailing_comma() }
    }

    /// An array with one item per line.
    pub(crate) fn on_lines() -> Elements {
        Elements { items: Vec::new(), closing: "\n".into(), trailing_comma: true }
    }

    /// Whether every item has a line of its own, so that it can have a comment.
    pub(crate) fn is_on_lines(&self) -> bool {
        self.closing.contains('\n') && self.items.iter().all(|item| item.lead.contains('\n'))
    }

    /// A new item, laid out like the others.
    pub(crate) fn element(&self, value: Value) -> Element {
        let indent = self.items.first().map(|item| {
            let line = item.lead.rsplit('\n').next().unwrap_or("");
            line[..line.len() - line.trim_start().len()].to_string()
        });
        let lead = if self.is_on_lines() || self.items.is_empty() && self.closing.contains('\n') {
            format!("\n{}", indent.unwrap_or_else(|| "  ".into()))
        } else {
            " ".to_string()
        };
        Element { lead, value, line_end: String::new() }
    }

    /// The array put together again.
    pub(crate) fn array(self, decor: &Decor) -> Array {
        let on_lines = self.is_on_lines();
        let mut array = Array::new();
        *array.decor_mut() = decor.clone();
        let mut line_end = String::new();
        for (place, Element { lead, mut value, line_end: next }) in self.items.into_iter().enumerate() {
            let lead = match (on_lines || lead.contains('\n') || lead.contains('#'), place) {
                (true, _) => lead,
                (false, 0) => String::new(),
                (false, _) => " ".to_string(),
            };
            // A comment must be ended by a line end.
            let joint = if line_end.is_empty() || lead.starts_with('\n') { "" } else { "\n" };
            *value.decor_mut() = Decor::new(format!("{line_end}{joint}{lead}"), "");
            array.push_formatted(value);
            line_end = next;
        }
        let joint = if line_end.is_empty() || self.closing.starts_with('\n') { "" } else { "\n" };
        // Without the comma the last line's comment would stand in front of it.
        array.set_trailing_comma(self.trailing_comma || !line_end.is_empty());
        array.set_trailing(format!("{line_end}{joint}{}", self.closing));
        array
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_writes_only_its_own_part_of_a_line_end() {
        let cases = [
            ("", Some("new"), "  #~ new"),
            ("   #~ old", Some("new"), "   #~ new"),
            ("   #~ old", None, ""),
            (" # mine", Some("new"), " # mine"),
            (" # mine", None, " # mine"),
            (" # mine #~ quoted", Some("new"), " # mine #~ quoted"),
            (" #~ old # mine", Some("new"), " #~ new # mine"),
            (" #~ old # mine", None, " # mine"),
            ("", Some("a #1\nhit"), "  #~ a 1 hit"),
        ];
        for (before, note, after) in cases {
            assert_eq!(with_machine_comment(before, note), after, "{before:?} {note:?}");
        }
    }

    #[test]
    fn a_replaced_value_keeps_what_stands_around_it() {
        let mut document: toml_edit::DocumentMut = "a  =  1  # mine\n".parse().unwrap();
        let Some(Item::Value(value)) = document.get_mut("a") else { panic!("a value") };
        replace_value(value, Value::from(2.5));
        assert_eq!(document.to_string(), "a  =  2.5  # mine\n");
    }

    #[test]
    fn an_array_taken_apart_and_put_together_is_the_same() {
        for text in [
            "a = []",
            "a = [1, 2]",
            "a = [ 1,2 ]",
            "a = [\n  1, # one\n  # about two\n  2, # two\n]",
            "a = [ # first\n  1,\n 2,\n]",
        ] {
            let document: toml_edit::DocumentMut = format!("{text}\n").parse().unwrap();
            let array = document["a"].as_array().unwrap();
            let again = Elements::of(array).array(array.decor());
            let values = |array: &Array| array.iter().map(|v| v.as_integer()).collect::<Vec<_>>();
            assert_eq!(values(&again), values(array), "{text}");
            if Elements::of(array).is_on_lines() || array.is_empty() {
                let mut copy = document.clone();
                copy["a"] = Item::Value(Value::Array(again));
                assert_eq!(copy.to_string(), document.to_string());
            }
        }
    }

    #[test]
    fn a_comment_in_front_of_a_comma_moves_behind_it() {
        let document: toml_edit::DocumentMut = "a = [\n 1 # one\n]\n".parse().unwrap();
        let array = document["a"].as_array().unwrap();
        let again = Elements::of(array).array(array.decor());
        assert_eq!(Value::Array(again).to_string().trim_start(), "[\n 1, # one\n]");
    }
}
