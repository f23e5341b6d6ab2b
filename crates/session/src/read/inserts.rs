//! Reading processors: everything about their settings is asked of the registry.

use super::links::{Link, LinkKind};
use super::reader::{Entries, Reader, Scope, instead};
use crate::fields::{self, Form};
use crate::model::default_insert_id;
use crate::node::{Data, Node};
use crate::{Insert, Strip};
use dsp::{Address, Group, KINDS, Kind, Param};
use indexmap::IndexMap;
use std::ops::Range;

/// Reads the inserts of a strip; whether every one of them could be understood.
pub(crate) fn read_inserts(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    strip: &mut Strip,
    links: &mut Vec<Link>,
) -> bool {
    let Some(entry) = entries.get("insert") else {
        return true;
    };
    let Data::List(items) = &entry.node.data else {
        let message = format!("{}: insert is {}, not a list of processors", scope.who, entry.node.what());
        let hint = Some(format!("write [[{}]], with two brackets, above each", scope.path.child("insert")));
        reader.error("wrong_type", scope.path.child("insert"), &entry.node.span, message, hint);
        return false;
    };
    let mut of_kind: IndexMap<&str, usize> = IndexMap::new();
    for (place, item) in items.iter().enumerate() {
        let numbered = scope.part(scope.path.child("insert"), &format!("insert {}", place + 1));
        let Data::Table(entries) = &item.data else {
            let message = format!("{} is {}, not a table", numbered.who, item.what());
            reader.error("wrong_type", numbered.path.clone(), &item.span, message, None);
            continue;
        };
        let Some(kind) = read_kind(reader, &numbered, item, entries) else {
            continue;
        };
        let before = of_kind.entry(kind.id).or_default();
        let default_id = default_insert_id(kind.id, *before);
        *before += 1;
        let id = reader.text(&numbered, entries, "id");
        let id_span = entries.get("id").map_or(&item.span, |id| &id.node.span);
        let id = id.filter(|id| reader.good_id(&numbered, id, id_span)).unwrap_or(default_id);
        if strip.insert(&id).is_some() {
            let message = format!("{}: two inserts are called {id}", scope.who);
            let hint = Some("give one of them an id of its own: id = \"...\"".to_string());
            reader.error("duplicate_id", numbered.path.child(id.as_str()), id_span, message, hint);
            continue;
        }
        let scope = scope.part(scope.path.child("insert").child(id.as_str()), &id);
        let insert = read_insert(reader, &scope, entries, Insert::new(id, kind));
        if let Some(key) = &insert.key {
            links.push(Link::new(LinkKind::Key, strip, key, &scope, "key", &entries["key"].node));
        }
        strip.inserts.push(insert);
    }
    strip.inserts.len() == items.len()
}

fn read_kind(
    reader: &mut Reader<'_>,
    scope: &Scope,
    item: &Node,
    entries: &Entries,
) -> Option<&'static Kind> {
    let known: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
    let Some(entry) = entries.get("kind") else {
        let message = format!("{} does not say which processor it is", scope.who);
        let hint = Some(format!("add: kind = \"...\", one of {}", known.join(", ")));
        reader.error("missing", scope.path.clone(), &item.span, message, hint);
        return None;
    };
    let id = reader.text(scope, entries, "kind")?;
    let kind = dsp::kind(&id);
    if kind.is_none() {
        let message = format!("{}: there is no processor `{id}`", scope.who);
        let hint = Some(instead(&id, &known));
        reader.error("unknown_kind", scope.path.clone(), &entry.node.span, message, hint);
    }
    kind
}

fn read_insert(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries, mut insert: Insert) -> Insert {
    let kind = insert.kind;
    let own = fields::INSERT.iter().map(|field| field.id);
    let settings = kind.params.iter().map(|param| param.id);
    reader.known_keys(scope, entries, own.chain(settings).chain(kind.groups.iter().map(|group| group.id)));
    insert.bypass = reader.switch(scope, entries, "bypass").unwrap_or(false);
    if let Some(key) = reader.text(scope, entries, "key") {
        if kind.key_input {
            insert.key = Some(key);
        } else {
            let message = format!("{}: {} listens to nothing but its input", scope.who, kind.label);
            let hint = Some("take the line with key away".to_string());
            let span = entries["key"].key_span.clone();
            reader.error("no_key_input", scope.path.child("key"), &span, message, hint);
        }
    }
    let response = reader.files(scope, entries, fields::IMPULSE_RESPONSE, 1);
    if let Some(file) = response.and_then(|files| files.into_iter().next()) {
        if kind.impulse_response {
            insert.impulse_response = Some(file);
        } else {
            let message = format!("{}: {} is not built from an impulse response", scope.who, kind.label);
            let hint = Some(format!("take the line with {} away", fields::IMPULSE_RESPONSE));
            let span = entries[fields::IMPULSE_RESPONSE].key_span.clone();
            let path = scope.path.child(fields::IMPULSE_RESPONSE);
            reader.error("no_impulse_response", path, &span, message, hint);
        }
    }
    for (field, param) in kind.params.iter().enumerate() {
        if let Some(value) = read_param(reader, scope, entries, param) {
            insert.values.put(Address::Field(field), value);
        }
    }
    for (place, group) in kind.groups.iter().enumerate() {
        let (items, names) = read_group(reader, scope, entries, group);
        insert.values.groups[place] = items;
        insert.item_names[place] = names;
    }
    insert
}

/// The number that stands for a parameter's value.
fn read_param(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    param: &'static Param,
) -> Option<f64> {
    match Form::of(param) {
        Form::Number(quantity) => reader.number(scope, entries, &quantity),
        Form::Switch => reader.switch(scope, entries, param.id).map(|on| f64::from(u8::from(on))),
        _ => {
            let name = reader.text(scope, entries, param.id)?;
            let place = param.choices.iter().position(|choice| choice.id == name);
            if place.is_none() {
                let known: Vec<&str> = param.choices.iter().map(|choice| choice.id).collect();
                let message = format!("{}: {} cannot be `{name}`", scope.who, param.id);
                let span = entries[param.id].node.span.clone();
                let hint = Some(instead(&name, &known));
                reader.error("unknown_choice", scope.path.child(param.id), &span, message, hint);
            }
            place.map(|place| place as f64)
        }
    }
}

type Items = (Vec<Vec<f64>>, Vec<Option<String>>);

fn read_group(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries, group: &'static Group) -> Items {
    let mut read: Items = Default::default();
    let Some(entry) = entries.get(group.id) else {
        return read;
    };
    let Data::List(items) = &entry.node.data else {
        reader.wrong_type(scope, group.id, &entry.node, "a list of tables, [{ ... }, { ... }]");
        return read;
    };
    let path = scope.path.child(group.id);
    if items.len() > group.max {
        let message = format!("{}: {} {}, allowed are {}", scope.who, items.len(), group.id, group.max);
        reader.error("too_many", path.clone(), &entry.node.span, message, None);
    }
    let neutral: Vec<f64> = group.params.iter().map(|param| param.default).collect();
    for (place, item) in items.iter().enumerate() {
        let ordinal = (place + 1).to_string();
        let what = format!("{} {ordinal}", group.label.to_lowercase());
        let mut inner = scope.part(path.child(ordinal), &what);
        let (mut values, mut name) = (neutral.clone(), None);
        if let Some(entries) = reader.table(&inner, item) {
            let known = group.params.iter().map(|param| param.id);
            reader.known_keys(&inner, entries, known.chain([fields::ITEM_NAME.id]));
            name = read_item_name(reader, &inner, entries, &read.1);
            if let Some(name) = &name {
                let what = format!("{} {name}", group.label.to_lowercase());
                inner = scope.part(path.child(name.as_str()), &what);
            }
            for (field, param) in group.params.iter().enumerate() {
                if let Some(value) = read_param(reader, &inner, entries, param) {
                    values[field] = value;
                }
            }
        }
        read.0.push(values);
        read.1.push(name);
    }
    read
}

fn read_item_name(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    before: &[Option<String>],
) -> Option<String> {
    let name = reader.text(scope, entries, fields::ITEM_NAME.id)?;
    let span: Range<usize> = entries[fields::ITEM_NAME.id].node.span.clone();
    if !reader.good_id(scope, &name, &span) {
        return None;
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("{}: `{name}` is a place in the list, not a name", scope.who);
        let hint = Some("names have at least one letter; without one, the place is the name".to_string());
        reader.error("bad_id", scope.path.clone(), &span, message, hint);
        return None;
    }
    if before.contains(&Some(name.clone())) {
        let message = format!("{}: another one is called {name}", scope.who);
        reader.error("duplicate_id", scope.path.clone(), &span, message, None);
        return None;
    }
    Some(name)
}
