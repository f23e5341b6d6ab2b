//! The machine's comments: which line a setting stands on, and what is said there.

use super::decoration::{Elements, machine_comment, raw, with_machine_comment};
use crate::Path;
use crate::tree::{identities, is_item_list};
use toml_edit::{Array, Decor, Item, Table, TableLike, Value};

/// Puts a note on the line of a setting, or takes it away; whether there is such a line. Where several
/// settings share a line, the note is that setting's part of the comment.
pub(super) fn put(table: &mut Table, parts: &[String], note: Option<&str>) -> bool {
    let Some((key, rest)) = parts.split_first() else {
        let shown = !table.is_implicit() && !table.is_dotted();
        if shown {
            on_decor(table.decor_mut(), &[], note);
        }
        return shown;
    };
    match table.get_mut(key) {
        Some(Item::Table(inner)) => put(inner, rest, note),
        Some(Item::Value(value)) => on_value(value, rest, note),
        Some(Item::ArrayOfTables(tables)) => {
            let Some((id, rest)) = rest.split_first() else {
                return false;
            };
            let ids = identities(tables.iter().map(|table| table as &dyn TableLike));
            let place = ids.iter().position(|name| name == id);
            place.and_then(|place| tables.get_mut(place)).is_some_and(|table| put(table, rest, note))
        }
        _ => false,
    }
}

fn on_decor(decor: &mut Decor, rest: &[String], note: Option<&str>) {
    let line_end = with_note(raw(decor.suffix()), rest, note);
    decor.set_suffix(line_end);
}

fn on_value(value: &mut Value, rest: &[String], note: Option<&str>) -> bool {
    if let (Value::Array(array), Some((id, inner))) = (&mut *value, rest.split_first())
        && is_item_list(array)
    {
        let Some(place) = element_names(array).iter().position(|name| name == id) else {
            return false;
        };
        let mut elements = Elements::of(array);
        if elements.is_on_lines() {
            let element = &mut elements.items[place];
            element.line_end = with_note(&element.line_end, inner, note);
            let decor = array.decor().clone();
            *array = elements.array(&decor);
            return true;
        }
    }
    on_decor(value.decor_mut(), rest, note);
    true
}

fn element_names(array: &Array) -> Vec<String> {
    let tables = array.iter().filter_map(Value::as_inline_table);
    identities(tables.map(|table| table as &dyn TableLike))
}

/// A line end with another note about the setting that `rest` names on its line.
fn with_note(line_end: &str, rest: &[String], note: Option<&str>) -> String {
    if rest.is_empty() {
        return with_machine_comment(line_end, note);
    }
    let key = format!("{}: ", Path::new(rest));
    let old = machine_comment(line_end).unwrap_or("");
    let others = old.split("; ").filter(|part| !part.is_empty() && !part.starts_with(&key));
    let mut parts: Vec<String> = others.map(str::to_string).collect();
    if let Some(note) = note.filter(|note| !note.trim().is_empty()) {
        parts.push(format!("{key}{}", note.replace("; ", ", ")));
    }
    with_machine_comment(line_end, Some(parts.join("; ").as_str()).filter(|all| !all.is_empty()))
}

/// Every line that has a machine's comment, by the path of what stands on it.
pub(super) fn list(table: &Table, path: &Path, found: &mut Vec<(Path, String)>) {
    let mut add = |path: &Path, line_end: &str| {
        found.extend(machine_comment(line_end).map(|note| (path.clone(), note.to_string())));
    };
    add(path, raw(table.decor().suffix()));
    for (key, item) in table.iter() {
        let path = path.child(key);
        match item {
            Item::None => {}
            Item::Table(inner) => list(inner, &path, found),
            Item::ArrayOfTables(tables) => {
                let ids = identities(tables.iter().map(|table| table as &dyn TableLike));
                for (id, table) in ids.into_iter().zip(tables.iter()) {
                    list(table, &path.child(id), found);
                }
            }
            Item::Value(value) => {
                if let Value::Array(array) = value
                    && is_item_list(array)
                {
                    for (id, element) in element_names(array).into_iter().zip(Elements::of(array).items) {
                        let note = machine_comment(&element.line_end).map(str::to_string);
                        found.extend(note.map(|note| (path.child(id), note)));
                    }
                }
                let note = machine_comment(raw(value.decor().suffix())).map(str::to_string);
                found.extend(note.map(|note| (path, note)));
            }
        }
    }
}
