//! A value of the session file, apart from how it is written.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value of the session file, apart from how it is written: `-3` and `-3.0` are the same number.
///
/// As JSON it is the plain value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Switch(bool),
    /// A number; always finite in a usable session.
    Number(f64),
    /// A text.
    Text(String),
    /// A list: breakpoints, files, sections, processors.
    List(Vec<Value>),
    /// A table: a processor, a band, a whole strip.
    Table(IndexMap<String, Value>),
}

impl Value {
    /// A table from its keys and values.
    pub fn table<K: Into<String>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Table(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A list of breakpoints, `[seconds, value]`.
    pub fn points(points: impl IntoIterator<Item = (f64, f64)>) -> Value {
        Value::List(points.into_iter().map(|(time_s, value)| Value::from(vec![time_s, value])).collect())
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Value {
        Value::Number(f64::from(number))
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Value {
        Value::Switch(switch)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Value {
    /// As TOML writes it on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(switch) => write!(f, "{switch}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{}", toml_edit::Value::from(text.as_str())),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Table(entries) => {
                let pair = |(key, value): (&String, &Value)| {
                    format!("{} = {value}", toml_edit::Key::new(key.as_str()).display_repr())
                };
                write!(f, "{{ {} }}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
