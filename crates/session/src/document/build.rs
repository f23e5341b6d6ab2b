//! New pieces of the file, laid out as a person would.

use super::decoration::{Element, Elements};
use crate::fields::{self, Field, Form};
use crate::tree::{self, Identities, Tree};
use crate::{Path, StripClass, Value};
use toml_edit::{ArrayOfTables, Decor, InlineTable, Item, Table};

/// A new item. Within an inline table everything is inline; elsewhere tables and inserts get headers.
pub(super) fn item(path: &Path, tree: &Tree, inline: bool) -> Item {
    match tree {
        Tree::Map(branches) if !inline && !is_inline_table(path) => {
            let mut table = Table::new();
            // `[track]` alone says nothing: only its strips have headers.
            table.set_implicit(tree::is_ordered_table(path) && !branches.is_empty());
            fill(&mut table, path, tree);
            if within_automation(path) {
                table.set_dotted(true);
            }
            Item::Table(table)
        }
        Tree::Items(items) if !inline && tree::is_insert_list(path) => {
            let mut ids = Identities::default();
            let mut tables = ArrayOfTables::new();
            for (id, tree) in items {
                let mut table = Table::new();
                name_item(&mut table, id, tree, &mut ids);
                fill(&mut table, &path.child(id.as_str()), tree);
                tables.push(table);
            }
            Item::ArrayOfTables(tables)
        }
        tree => Item::Value(value(path, tree)),
    }
}

/// Fills a new table.
fn fill(table: &mut Table, path: &Path, tree: &Tree) {
    let Some(branches) = tree.branches() else {
        return;
    };
    let mut keys: Vec<&String> = branches.keys().collect();
    if !tree::is_ordered_table(path) {
        // Stable: keys of equal rank stay in the order in which they were decided.
        keys.sort_by_key(|key| rank(path, key));
    }
    for key in keys {
        let path = path.child(key.as_str());
        table.insert(key, item(&path, &branches[key.as_str()], false));
    }
}

/// Writes an item's id into its table where it does not follow from kind and place.
pub(super) fn name_item(table: &mut dyn toml_edit::TableLike, id: &str, tree: &Tree, ids: &mut Identities) {
    let kind = tree.get_text("kind");
    let default = ids.next(None, kind);
    let key = if kind.is_some() { "id" } else { "name" };
    let present = table.get(key).and_then(Item::as_str);
    if present.unwrap_or(&default) != id {
        match table.get_mut(key) {
            Some(Item::Value(value)) => super::decoration::replace_value(value, id.into()),
            _ => drop(table.insert(key, Item::Value(id.into()))),
        }
    }
}

/// A new value on one line, lists of items on several.
pub(super) fn value(path: &Path, tree: &Tree) -> toml_edit::Value {
    match tree {
        Tree::Leaf(value) => leaf(path, value),
        Tree::Map(_) => inline_table(path, tree, None).into(),
        Tree::Items(items) => {
            let mut ids = Identities::default();
            let mut elements = Elements::on_lines();
            for (id, tree) in items {
                let element = new_element(&elements, &path.child(id.as_str()), id, tree, &mut ids);
                elements.items.push(element);
            }
            elements.array(&Decor::default()).into()
        }
    }
}

/// A new item of a list, laid out like its neighbours.
pub(super) fn new_element(
    elements: &Elements,
    path: &Path,
    id: &str,
    tree: &Tree,
    ids: &mut Identities,
) -> Element {
    elements.element(inline_table(path, tree, Some((id, ids))).into())
}

fn inline_table(path: &Path, tree: &Tree, name: Option<(&str, &mut Identities)>) -> InlineTable {
    let mut table = InlineTable::new();
    if let Some((id, ids)) = name {
        name_item(&mut table, id, tree, ids);
    }
    let mut entries: Vec<(&String, &Tree)> = tree.branches().into_iter().flatten().collect();
    entries.sort_by_key(|(key, _)| rank(path, key));
    for (key, tree) in entries {
        let path = path.child(key.as_str());
        let value = match tree {
            // A list within an inline table stays on its line.
            Tree::Items(_) => plain(&path, &tree.to_value()),
            tree => value(&path, tree),
        };
        table.insert(key.as_str(), value);
    }
    table
}

/// A value that is taken whole.
pub(super) fn leaf(path: &Path, value: &Value) -> toml_edit::Value {
    plain(path, value)
}

fn plain(path: &Path, value: &Value) -> toml_edit::Value {
    match value {
        Value::Switch(switch) => (*switch).into(),
        Value::Number(number) => self::number(*number, is_whole(path)),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => toml_edit::Value::Array(items.iter().map(|item| plain(path, item)).collect()),
        Value::Table(entries) => {
            let pair =
                |(key, value): (&String, &Value)| (key.clone(), plain(&path.child(key.as_str()), value));
            toml_edit::Value::InlineTable(entries.iter().map(pair).collect())
        }
    }
}

/// A number, without a point if it is one that is always whole.
pub(super) fn number(number: f64, whole: bool) -> toml_edit::Value {
    // Above 2^53 not every whole number is a float: there the float says what is meant.
    if whole && number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        (number as i64).into()
    } else {
        number.into()
    }
}

/// The list of keys of the table at a path.
pub(crate) fn fields_at(path: &Path) -> Option<&'static [Field]> {
    let parts: Vec<&str> = path.parts().iter().map(String::as_str).collect();
    Some(match parts.as_slice() {
        [] => fields::ROOT,
        ["song"] => fields::SONG,
        ["deliver"] => fields::DELIVER,
        ["premaster"] => fields::strip(StripClass::Premaster),
        ["master"] => fields::strip(StripClass::Master),
        ["track", _] => fields::strip(StripClass::Track),
        ["bus", _] => fields::strip(StripClass::Bus),
        ["return", _] => fields::strip(StripClass::Return),
        _ => return None,
    })
}

fn is_whole(path: &Path) -> bool {
    let form = path.split_last().and_then(|(above, last)| {
        fields_at(&above)?.iter().find(|field| field.id == last).map(|field| field.form)
    });
    matches!(form, Some(Form::Number(quantity)) if quantity.whole)
}

/// Where a key stands among those of its table: as in its list; settings of processors as in their kind.
pub(super) fn rank(path: &Path, key: &str) -> usize {
    if let Some(fields) = fields_at(path) {
        let tables = fields::TABLES.iter().position(|table| *table == key);
        let own = fields.iter().position(|field| field.id == key);
        return own.or(tables.map(|place| fields.len() + place)).unwrap_or(usize::MAX);
    }
    let own = fields::INSERT.iter().position(|field| field.id == key);
    own.unwrap_or(fields::INSERT.len())
}

/// Sends, and everything beneath an insert that is not an insert.
fn is_inline_table(path: &Path) -> bool {
    path.split_last().is_some_and(|(above, last)| {
        (tree::is_strip(&above) && matches!(last, "sends" | "pre_sends"))
            || tree::is_item_path(path) && !tree::is_strip(path) && !tree::is_insert(path)
    })
}

/// `track.vox.automation.send` and deeper: written as one dotted name, not as a table with a header.
fn within_automation(path: &Path) -> bool {
    let parts = path.parts();
    (1..parts.len()).any(|at| {
        parts[at] == "automation" && at + 1 < parts.len() && tree::is_strip(&Path::new(&parts[..at]))
    })
}
