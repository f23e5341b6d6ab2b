//! Data files of people in the session's language: lists of rows.

use crate::node::{Data, Node};
use crate::problem::Lines;
use crate::{Place, SessionError};
use serde_json::Value;
use std::path::Path;

/// One row of a data file.
#[derive(Debug, Clone, PartialEq)]
pub struct DataRow {
    /// Where it begins in the text.
    pub place: Place,
    /// Its keys and values.
    pub value: Value,
    /// Where each of its keys stands in the text.
    keys: Vec<(String, Place)>,
}

impl DataRow {
    /// Where a key stands in the text; where the row begins, if it has none of this name.
    pub fn place_of(&self, key: &str) -> Place {
        self.keys.iter().find(|(known, _)| known == key).map_or(self.place, |(_, place)| *place)
    }
}

/// Reads a file that holds nothing but a list of tables, `[[name]]`, and gives them in their order.
///
/// A session file is read by [`crate::load`] instead: this knows no keys and gives whatever stands there.
pub fn load_rows(file: &Path, name: &str) -> Result<Vec<DataRow>, SessionError> {
    rows_of(&crate::save::text_of(file)?, name).map_err(|(place, message)| SessionError::Data {
        file: file.into(),
        place,
        message,
    })
}

fn rows_of(text: &str, name: &str) -> Result<Vec<DataRow>, (Place, String)> {
    let lines = Lines::new(text);
    let root = Node::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (lines.place(at), error.message().trim().to_string())
    })?;
    let Data::Table(entries) = root.data else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for (key, entry) in entries {
        let place = lines.place(entry.key_span.start);
        match entry.node.data {
            Data::List(list) if key == name && list.iter().all(|n| matches!(n.data, Data::Table(_))) => {
                rows.extend(list.iter().map(|n| DataRow {
                    place: lines.place(n.span.start),
                    value: json(n),
                    keys: keys(n, &lines),
                }));
            }
            _ => return Err((place, format!("`{key}` has no place here: rows begin with [[{name}]]"))),
        }
    }
    Ok(rows)
}

fn keys(row: &Node, lines: &Lines) -> Vec<(String, Place)> {
    let Data::Table(entries) = &row.data else { return Vec::new() };
    entries.iter().map(|(key, entry)| (key.clone(), lines.place(entry.key_span.start))).collect()
}

fn json(node: &Node) -> Value {
    match &node.data {
        Data::Number(number) => Value::from(*number),
        Data::Text(text) => Value::from(text.clone()),
        Data::Switch(switch) => Value::from(*switch),
        Data::List(list) => list.iter().map(json).collect(),
        Data::Table(entries) => entries.iter().map(|(key, entry)| (key.clone(), json(&entry.node))).collect(),
        Data::Date => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_come_with_their_places() {
        let text =
            "# mine\n[[service]]\nname = \"A\"\nlevel = -3\n\n[[service]]\nup = { within = { x = 1.5 } }\n";
        let rows = rows_of(text, "service").unwrap();
        assert_eq!(rows[0].value, json!({"name": "A", "level": -3.0}));
        assert_eq!(rows[1].value, json!({"up": {"within": {"x": 1.5}}}));
        assert_eq!(rows.iter().map(|row| row.place.line).collect::<Vec<_>>(), [2, 6]);
        assert_eq!(rows_of("", "service"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_row_is_told_with_its_place() {
        let (place, message) = rows_of("[[service]]\nname = 1\n[servce]\n", "service").unwrap_err();
        assert_eq!(place.line, 3);
        assert!(message.contains("[[service]]"), "{message}");
        let (place, _) = rows_of("[[service]]\nname = = 1\n", "service").unwrap_err();
        assert_eq!(place.line, 2);
        assert!(rows_of("service = 3\n", "service").is_err());
    }
}
