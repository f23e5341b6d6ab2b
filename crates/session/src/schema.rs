//! The JSON schema of the session file, for editors: made from the field lists and the registry.

use crate::fields::{self, Field, Form, Quantity};
use crate::{OUTPUT_NAMES, StripClass, VERSION};
use dsp::{Group, KINDS, Kind};
use serde_json::{Map, Value as Json, json};

/// The JSON schema (draft 2020-12) of the session file. It describes the shape and the ranges; whether
/// names of buses and returns exist, and circles, only [`crate::read()`] tells.
///
/// ```
/// let schema = session::json_schema();
/// assert_eq!(schema["properties"]["version"]["const"], 1);
/// assert!(schema["$defs"]["insert_gain"]["properties"]["gain_db"]["description"].is_string());
/// ```
pub fn json_schema() -> Json {
    let mut properties = field_properties(fields::ROOT);
    properties["version"]["const"] = json!(VERSION);
    for table in fields::TABLES {
        let reference = json!({ "$ref": format!("#/$defs/{table}") });
        let of_ids = |reference: Json| {
            json!({
                "type": "object",
                "additionalProperties": reference,
                "propertyNames": { "pattern": r"^[^.\s]+$", "not": { "enum": OUTPUT_NAMES } },
            })
        };
        let value = if matches!(*table, "track" | "bus" | "return") { of_ids(reference) } else { reference };
        properties.insert((*table).to_string(), value);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tonmeister session",
        "description": "A mix and its master: session.toml.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version"],
        "properties": properties,
        "$defs": definitions(),
    })
}

fn definitions() -> Map<String, Json> {
    let mut definitions = Map::new();
    definitions.insert("song".into(), table(fields::SONG, &[]));
    for class in
        [StripClass::Track, StripClass::Bus, StripClass::Return, StripClass::Premaster, StripClass::Master]
    {
        let required: &[&str] = if class == StripClass::Track { &["file"] } else { &[] };
        definitions.insert(class.table().into(), table(fields::strip(class), required));
    }
    definitions.insert("deliver".into(), table(fields::DELIVER, &[]));
    definitions.insert("points".into(), points(&Quantity { min: f64::MIN, max: f64::MAX, ..fields::FADER }));
    definitions.insert("automation".into(), automation());
    definitions.insert("insert".into(), insert());
    for kind in KINDS {
        definitions.insert(format!("insert_{}", kind.id), insert_of(kind));
    }
    definitions
}

fn table(fields: &[Field], required: &[&str]) -> Json {
    let mut table = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": field_properties(fields),
    });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn field_properties(fields: &[Field]) -> Map<String, Json> {
    fields.iter().map(|field| (field.id.to_string(), described(form(&field.form), field.help))).collect()
}

fn described(mut schema: Json, help: &str) -> Json {
    schema["description"] = json!(help);
    schema
}

/// The schema of a value of this form.
fn form(form: &Form) -> Json {
    match form {
        Form::Number(quantity) => number(quantity),
        Form::Text | Form::Bus => json!({ "type": "string" }),
        Form::Switch => json!({ "type": "boolean", "default": false }),
        Form::Choice(param) => {
            let described = |choice: &dsp::Choice| json!({ "const": choice.id, "description": dsp::help_text(choice.help) });
            let neutral = &param.choices[param.clamp(param.default) as usize];
            let choices: Vec<Json> = param.choices.iter().map(described).collect();
            json!({ "oneOf": choices, "default": neutral.id })
        }
        Form::Files { most: 1 } => json!({ "type": "string", "minLength": 1 }),
        Form::Files { most } => json!({
            "oneOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "maxItems": most },
            ],
        }),
        Form::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Form::Sections => json!({
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [{ "type": "string" }, number(&fields::TIME)],
                "items": false,
                "minItems": 2,
            },
        }),
        Form::Notes => json!({
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [{ "type": "string" }, number(&fields::TIME), number(&fields::TIME)],
                "items": false,
                "minItems": 1,
            },
        }),
        Form::Sends => json!({
            "type": "object",
            "propertyNames": { "pattern": "^.+_db$" },
            "additionalProperties": number(&fields::SEND),
        }),
        Form::Points(quantity) => points(quantity),
        Form::Automation => json!({ "$ref": "#/$defs/automation" }),
        Form::Inserts => json!({ "type": "array", "items": { "$ref": "#/$defs/insert" } }),
    }
}

fn number(quantity: &Quantity) -> Json {
    let mut schema = json!({ "type": if quantity.whole { "integer" } else { "number" } });
    if quantity.min > f64::MIN {
        schema["minimum"] = plain(quantity.min);
        schema["maximum"] = plain(quantity.max);
    }
    schema
}

/// A number as short as JSON lets it be.
fn plain(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

fn points(quantity: &Quantity) -> Json {
    json!({
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "array",
            "prefixItems": [number(&fields::TIME), number(quantity)],
            "items": false,
            "minItems": 2,
        },
    })
}

fn automation() -> Json {
    let mut properties = Map::new();
    for quantity in [fields::TRIM, fields::FADER, fields::PAN] {
        properties.insert(quantity.id.to_string(), points(&quantity));
    }
    let lane = json!({ "$ref": "#/$defs/points" });
    let group = json!({ "type": "object", "additionalProperties": { "type": "object", "additionalProperties": lane } });
    properties
        .insert("send".into(), json!({ "type": "object", "additionalProperties": points(&fields::SEND) }));
    properties.insert(
        "insert".into(),
        json!({
            "type": "object",
            "description": "By the insert's id, then by setting, such as insert.eq.bands.mud.gain_db.",
            "additionalProperties": { "type": "object", "additionalProperties": { "oneOf": [lane, group] } },
        }),
    );
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn insert() -> Json {
    let kinds: Vec<Json> =
        KINDS.iter().map(|kind| json!({ "$ref": format!("#/$defs/insert_{}", kind.id) })).collect();
    json!({
        "type": "object",
        "required": ["kind"],
        "properties": { "kind": { "enum": KINDS.iter().map(|kind| kind.id).collect::<Vec<_>>() } },
        "oneOf": kinds,
    })
}

fn insert_of(kind: &Kind) -> Json {
    let mut properties = field_properties(fields::INSERT);
    properties["kind"] = json!({ "const": kind.id });
    if !kind.key_input {
        properties.shift_remove("key");
    }
    if !kind.impulse_response {
        properties.shift_remove(fields::IMPULSE_RESPONSE);
    }
    properties.extend(param_properties(kind.params));
    for group in kind.groups {
        properties.insert(group.id.to_string(), group_schema(group));
    }
    json!({
        "title": kind.label,
        "description": kind.help,
        "type": "object",
        "required": ["kind"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn group_schema(group: &'static Group) -> Json {
    let mut properties = param_properties(group.params);
    let name = described(
        json!({ "type": "string", "pattern": r"^[^.\s]*[^.\s0-9][^.\s]*$" }),
        fields::ITEM_NAME.help,
    );
    properties.insert(fields::ITEM_NAME.id.to_string(), name);
    let item = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    json!({ "type": "array", "maxItems": group.max, "description": group.help(), "items": item })
}

fn param_properties(params: &'static [dsp::Param]) -> Map<String, Json> {
    let property = |param: &'static dsp::Param| {
        let mut schema = described(form(&Form::of(param)), param.help());
        schema["title"] = json!(param.label);
        match Form::of(param) {
            Form::Number(quantity) => schema["default"] = plain(quantity.neutral),
            Form::Switch => schema["default"] = json!(param.default >= 0.5),
            _ => {}
        }
        (param.id.to_string(), schema)
    };
    params.iter().map(property).collect()
}

#[cfg(test)]
mod tests;
