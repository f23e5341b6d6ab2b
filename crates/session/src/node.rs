//! The parsed file as a plain tree in which every value knows its place in the text.

use indexmap::IndexMap;
use std::ops::Range;
use toml_edit::{Item, Key, Table, Value};

/// A value and its bytes in the text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Number(f64),
    Text(String),
    Switch(bool),
    List(Vec<Node>),
    Table(IndexMap<String, Entry>),
    Date,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

impl Node {
    /// Parses a whole file; the error is the parser's.
    pub(crate) fn parse(text: &str) -> Result<Node, toml_edit::TomlError> {
        let document = toml_edit::Document::parse(text)?;
        Ok(Node::from_item(document.as_item(), 0..0))
    }

    /// `near` is the place of an item that has none of its own, such as a table that no header names.
    fn from_item(item: &Item, near: Range<usize>) -> Node {
        let span = item.span().unwrap_or(near);
        match item {
            Item::Value(value) => Node::from_value(value, span),
            Item::Table(table) => Node::from_table(table, span),
            Item::ArrayOfTables(tables) => {
                let item = |table: &Table| Node::from_table(table, table.span().unwrap_or(span.clone()));
                Node { data: Data::List(tables.iter().map(item).collect()), span }
            }
            Item::None => Node { span, data: Data::Table(IndexMap::new()) },
        }
    }

    fn from_table(table: &Table, span: Range<usize>) -> Node {
        let entries = table.iter().filter_map(|(id, item)| Some((table.key(id)?, item)));
        let data = Data::Table(entries.map(|(key, item)| Entry::pair(key, item, &span)).collect());
        Node { span, data }
    }

    fn from_value(value: &Value, near: Range<usize>) -> Node {
        let span = value.span().unwrap_or(near);
        let data = match value {
            Value::String(text) => Data::Text(text.value().clone()),
            Value::Integer(number) => Data::Number(*number.value() as f64),
            Value::Float(number) => Data::Number(*number.value()),
            Value::Boolean(switch) => Data::Switch(*switch.value()),
            Value::Datetime(_) => Data::Date,
            Value::Array(array) => {
                Data::List(array.iter().map(|value| Node::from_value(value, span.clone())).collect())
            }
            Value::InlineTable(table) => {
                let entries = table.iter().filter_map(|(id, value)| Some((table.key(id)?, value)));
                let pair = |(key, value): (&Key, &Value)| {
                    let key_span = key.span().unwrap_or(span.clone());
                    let node = Node::from_value(value, key_span.clone());
                    (key.get().to_string(), Entry { key_span, node })
                };
                Data::Table(entries.map(pair).collect())
            }
        };
        Node { span, data }
    }

    /// What it is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match &self.data {
            Data::Number(_) => "a number",
            Data::Text(_) => "a text",
            Data::Switch(_) => "true or false",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Date => "a date",
        }
    }
}

impl Entry {
    fn pair(key: &Key, item: &Item, near: &Range<usize>) -> (String, Entry) {
        let key_span = key.span().unwrap_or(near.clone());
        let node = Node::from_item(item, key_span.clone());
        (key.get().to_string(), Entry { key_span, node })
    }
}
