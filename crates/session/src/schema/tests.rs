//! The schema accepts what the reader accepts, and refuses mistakes of shape and range.
//!
//! The validator here knows the keywords that the schema uses, after JSON Schema 2020-12, Core section 10 and
//! Validation section 6; a keyword that it does not know fails the test.

use super::*;
use crate::node::{Data, Node};
use crate::testing::sessions;
use crate::{Document, read};
use proptest::prelude::*;

/// Why a value is not allowed; nothing if it is.
fn refused(schema: &Json, value: &Json, root: &Json) -> Option<String> {
    let schema = match schema {
        Json::Bool(true) => return None,
        Json::Bool(false) => return Some(format!("{value} is not allowed here")),
        schema => schema.as_object().expect("a schema is an object"),
    };
    let fails = |schema: &Json, value: &Json| refused(schema, value, root);
    for (keyword, rule) in schema {
        let list = || rule.as_array().expect("a list").iter();
        let reason = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "additionalProperties" => None,
            "$ref" => {
                let pointer = rule.as_str().expect("a pointer").trim_start_matches('#');
                fails(root.pointer(pointer).expect("a definition"), value)
            }
            "type" => {
                let fits = match rule.as_str().expect("one type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "number" => value.is_number(),
                    "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
                    other => panic!("type {other}"),
                };
                (!fits).then(|| format!("{value} is not of type {rule}"))
            }
            "const" => (!equal(rule, value)).then(|| format!("{value} is not {rule}")),
            "enum" => (!list().any(|one| equal(one, value))).then(|| format!("{value} is not in {rule}")),
            "minimum" => below(value, rule).then(|| format!("{value} is below {rule}")),
            "maximum" => below(rule, value).then(|| format!("{value} is above {rule}")),
            "minLength" => value.as_str().is_some_and(str::is_empty).then(|| "an empty text".to_string()),
            "minItems" => (value.as_array().is_some_and(|v| (v.len() as u64) < rule.as_u64().unwrap()))
                .then(|| format!("{value} is too short")),
            "maxItems" => (value.as_array().is_some_and(|v| v.len() as u64 > rule.as_u64().unwrap()))
                .then(|| format!("{value} is too long")),
            "required" => list()
                .find(|key| value.is_object() && value.get(key.as_str().unwrap()).is_none())
                .map(|key| format!("{key} is missing")),
            "properties" => {
                rule.as_object().unwrap().iter().find_map(|(key, rule)| fails(rule, value.get(key)?))
            }
            "prefixItems" => {
                value.as_array().and_then(|v| list().zip(v).find_map(|(rule, v)| fails(rule, v)))
            }
            "items" => {
                let prefix = schema.get("prefixItems").map_or(0, |prefix| prefix.as_array().unwrap().len());
                value
                    .as_array()
                    .and_then(|items| items.iter().skip(prefix).find_map(|item| fails(rule, item)))
            }
            "oneOf" => {
                let fit = list().filter(|rule| fails(rule, value).is_none()).count();
                (fit != 1).then(|| format!("{value} fits {fit} of {} choices", list().count()))
            }
            "not" => fails(rule, value).is_none().then(|| format!("{value} is forbidden")),
            "propertyNames" => value.as_object().and_then(|o| o.keys().find_map(|k| fails(rule, &json!(k)))),
            // The patterns used, by hand: a regular-expression library would serve nothing else.
            "pattern" => value.as_str().and_then(|text| {
                let plain = !text.is_empty() && !text.contains(|c: char| c == '.' || c.is_whitespace());
                let fits = match rule.as_str().unwrap() {
                    r"^[^.\s]+$" => plain,
                    r"^[^.\s]*[^.\s0-9][^.\s]*$" => plain && !text.bytes().all(|b| b.is_ascii_digit()),
                    "^.+_db$" => text.len() > 3 && text.ends_with("_db"),
                    other => panic!("pattern {other}"),
                };
                (!fits).then(|| format!("{text} does not match {rule}"))
            }),
            other => panic!("keyword {other}"),
        };
        if reason.is_some() {
            return reason;
        }
    }
    if let (Some(extra), Some(object)) = (schema.get("additionalProperties"), value.as_object()) {
        let known =
            |key: &str| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
        return object.iter().filter(|(key, _)| !known(key)).find_map(|(_, value)| fails(extra, value));
    }
    None
}

/// JSON does not tell 1 from 1.0 (Core section 4.2.2).
fn equal(one: &Json, other: &Json) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

fn below(one: &Json, other: &Json) -> bool {
    one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one < other)
}

fn json_of(text: &str) -> Json {
    fn of(node: &Node) -> Json {
        match &node.data {
            Data::Number(number) => json!(number),
            Data::Text(text) => json!(text),
            Data::Switch(switch) => json!(switch),
            Data::List(items) => items.iter().map(of).collect(),
            Data::Table(entries) => {
                entries.iter().map(|(key, entry)| (key.clone(), of(&entry.node))).collect()
            }
            Data::Date => Json::Null,
        }
    }
    of(&Node::parse(text).unwrap())
}

proptest! {
    #![proptest_config(crate::testing::config())]

    #[test]
    fn every_usable_session_is_valid(session in sessions()) {
        let text = Document::new(&session).to_string();
        let schema = json_schema();
        prop_assert_eq!(refused(&schema, &json_of(&text), &schema), None, "{}", text);
    }
}

#[test]
fn mistakes_of_shape_and_range_are_refused() {
    let schema = json_schema();
    let good = "version = 1\n[track.vox]\nfile = \"vox.wav\"\n";
    assert_eq!(refused(&schema, &json_of(good), &schema), None);
    for bad in [
        "[track.vox]\nfile = \"a.wav\"\n",
        "version = 2\n",
        "version = 1\nseed = 1.5\n",
        "version = 1\ncolour = 1\n",
        "version = 1\n[track.vox]\n",
        "version = 1\n[track.mix]\nfile = \"a.wav\"\n",
        "version = 1\n[track.\"a b\"]\nfile = \"a.wav\"\n",
        "version = 1\n[track.vox]\nfile = [\"a\", \"b\", \"c\"]\n",
        "version = 1\n[bus.a]\npan = 101\n",
        "version = 1\n[bus.a]\nfadr_db = 1\n",
        "version = 1\n[bus.a]\nfile = \"a.wav\"\n",
        "version = 1\n[bus.a]\nsends = { plate = 1 }\n",
        "version = 1\n[bus.a]\nmute = 1\n",
        "version = 1\n[bus.a]\nautomation.fader_db = [[0, 25]]\n",
        "version = 1\n[bus.a]\nautomation.pan = []\n",
        "version = 1\n[bus.a]\nautomation.pan = [[0, 1, 2]]\n",
        "version = 1\n[bus.a]\ninsert = [{ gain_db = 1 }]\n",
        "version = 1\n[bus.a]\ninsert = [{ kind = \"gian\" }]\n",
        "version = 1\n[bus.a]\ninsert = [{ kind = \"gain\", gain_db = 1000 }]\n",
        "version = 1\n[bus.a]\ninsert = [{ kind = \"gain\", key = \"a\" }]\n",
        "version = 1\n[bus.a]\ninsert = [{ kind = \"eq\", bands = [{ type = \"bel\" }] }]\n",
        "version = 1\n[bus.a]\ninsert = [{ kind = \"eq\", bands = [{ name = \"1\" }] }]\n",
        "version = 1\n[song]\nsections = [[\"a\"]]\n",
    ] {
        assert!(!read(bad).is_usable(), "the reader accepts {bad}");
        assert!(refused(&schema, &json_of(bad), &schema).is_some(), "the schema accepts {bad}");
    }
}
