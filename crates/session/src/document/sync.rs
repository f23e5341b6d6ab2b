//! Bringing a file's text to a content with the fewest changes to its layout.

use super::build;
use super::decoration::{self, Element, Elements, raw, replace_value};
use crate::Path;
use crate::tree::{self, Branches, Identities, Tree, identities};
use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Key, Table, TableLike, Value};

/// Brings a table to a content. Comments of a person whose lines go are handed back.
pub(super) fn table(table: &mut Table, target: &Branches, path: &Path, is_item: bool) -> Vec<String> {
    let mut homeless = remove_others(table, target, is_item);
    for (key, tree) in target {
        let path = path.child(key.as_str());
        match table.get_mut(key) {
            Some(item) => existing(item, tree, &path, false, &mut homeless),
            None => insert_in_rank(table, &path, key, build::item(&path, tree, false)),
        }
    }
    if tree::is_ordered_table(path) {
        reorder(table, target);
    }
    if !homeless.is_empty() && has_header(table) {
        let prefix = table.decor().prefix().map_or("\n", |prefix| raw(Some(prefix)));
        let prefix = format!("{prefix}{}\n", homeless.join("\n"));
        table.decor_mut().set_prefix(prefix);
        homeless.clear();
    }
    homeless
}

fn has_header(table: &Table) -> bool {
    !table.is_implicit() && !table.is_dotted() && table.position().is_some()
}

fn inline(table: &mut InlineTable, target: &Branches, path: &Path, is_item: bool) -> Vec<String> {
    let closing = table.iter().last().map(|(_, value)| raw(value.decor().suffix()).to_string());
    let mut homeless = remove_others(table, target, is_item);
    for (key, tree) in target {
        let path = path.child(key.as_str());
        match TableLike::get_mut(table, key) {
            Some(item) => existing(item, tree, &path, true, &mut homeless),
            None => drop(table.insert(key.as_str(), build::value(&path, tree))),
        }
    }
    close(table, closing.as_deref().unwrap_or(" "));
    homeless
}

/// The blanks in front of an inline table's closing brace stay there, whichever value is the last.
fn close(table: &mut InlineTable, closing: &str) {
    let last = table.len().saturating_sub(1);
    for (place, (_, value)) in table.iter_mut().enumerate() {
        if raw(value.decor().suffix()).trim().is_empty() && closing.trim().is_empty() {
            value.decor_mut().set_suffix(if place == last { closing } else { "" });
        }
    }
}

/// Takes out every key that is not wanted.
fn remove_others(table: &mut dyn TableLike, target: &Branches, is_item: bool) -> Vec<String> {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_string()).collect();
    let mut homeless = Vec::new();
    for key in keys {
        if target.contains_key(&key) || is_item && tree::IDENTITY.contains(&key.as_str()) {
            continue;
        }
        if let Some(decor) = table.key(&key).map(|key| key.leaf_decor().clone()) {
            decoration::persons_of_value(
                &Value::from(false).decorated(raw(decor.prefix()), ""),
                &mut homeless,
            );
        }
        if let Some(item) = table.remove(&key) {
            decoration::persons_comments(&item, &mut homeless);
        }
    }
    homeless
}

/// Brings something that exists to a content.
fn existing(item: &mut Item, target: &Tree, path: &Path, within_inline: bool, homeless: &mut Vec<String>) {
    let order_counts = tree::is_ordered_table(path);
    if Tree::of(item).same(target) && (!order_counts || same_order(item, target)) {
        return;
    }
    match (&mut *item, target) {
        (Item::Value(old), Tree::Leaf(leaf)) => {
            let mut inner = Vec::new();
            if let Value::Array(array) = old {
                array.iter().for_each(|value| decoration::persons_of_value(value, &mut inner));
            }
            let whole = old.is_integer();
            let new = match leaf {
                crate::Value::Number(number) if whole => build::number(*number, true),
                leaf => build::leaf(path, leaf),
            };
            homeless.extend(inner);
            replace_value(old, new);
        }
        (Item::Table(old), Tree::Map(branches)) => {
            homeless.extend(table(old, branches, path, is_list_item(path)));
        }
        (Item::Value(Value::InlineTable(old)), Tree::Map(branches)) => {
            homeless.extend(inline(old, branches, path, is_list_item(path)));
        }
        (Item::ArrayOfTables(old), Tree::Items(items)) => homeless.extend(tables(old, items, path)),
        (Item::Value(Value::Array(old)), Tree::Items(items)) => homeless.extend(array(old, items, path)),
        (old, target) => {
            decoration::persons_comments(old, homeless);
            let was_value = old.is_value();
            let mut new = build::item(path, target, within_inline || was_value);
            if let (Item::Value(old), Item::Value(new)) = (&*old, &mut new) {
                *new.decor_mut() = old.decor().clone();
            }
            *old = new;
        }
    }
}

fn is_list_item(path: &Path) -> bool {
    tree::is_item_path(path) && !tree::is_strip(path)
}

fn same_order(item: &Item, target: &Tree) -> bool {
    let tree = Tree::of(item);
    match (tree.branches(), target.branches()) {
        (Some(mine), Some(theirs)) => mine.keys().eq(theirs.keys()),
        _ => true,
    }
}

/// Brings a list of tables with headers to a content.
fn tables(old: &mut ArrayOfTables, target: &Branches, path: &Path) -> Vec<String> {
    let ids = identities(old.iter().map(|table| table as &dyn TableLike));
    let mut before: Vec<(String, Table)> = ids.into_iter().zip(old.iter().cloned()).collect();
    let order: Vec<String> = before.iter().map(|(id, _)| id.clone()).collect();
    let mut homeless = Vec::new();
    before.retain(|(id, table)| {
        let stays = target.contains_key(id);
        if !stays {
            decoration::persons_of_table(table, &mut homeless);
        }
        stays
    });
    let mut new = ArrayOfTables::new();
    let mut ids = Identities::default();
    for (id, tree) in target {
        let path = path.child(id.as_str());
        let kept = before.iter().position(|(name, _)| name == id).map(|place| before.remove(place).1);
        let branches = tree.branches().cloned().unwrap_or_default();
        let mut item = kept.unwrap_or_default();
        homeless.extend(table(&mut item, &branches, &path, true));
        build::name_item(&mut item, id, tree, &mut ids);
        new.push(item);
    }
    let kept_order = order.iter().filter(|id| target.contains_key(*id));
    if !kept_order.eq(target.keys().filter(|id| order.contains(id))) {
        let mut moved: Vec<&mut Table> = new.iter_mut().collect();
        renumber(&mut moved);
    }
    *old = new;
    homeless
}

/// Brings a list of inline tables to a content.
fn array(old: &mut Array, target: &Branches, path: &Path) -> Vec<String> {
    let inner = |value: &Value| value.as_inline_table().cloned().unwrap_or_default();
    let existing: Vec<InlineTable> = old.iter().map(inner).collect();
    let names = identities(existing.iter().map(|table| table as &dyn TableLike));
    let mut elements = if old.is_empty() { Elements::on_lines() } else { Elements::of(old) };
    let mut before: Vec<(String, Element)> = names.into_iter().zip(elements.items.clone()).collect();
    let mut homeless = Vec::new();
    let mut items = Vec::new();
    let mut ids = Identities::default();
    for (id, tree) in target {
        let path = path.child(id.as_str());
        match before.iter().position(|(name, _)| name == id) {
            None => items.push(build::new_element(&elements, &path, id, tree, &mut ids)),
            Some(place) => {
                let mut element = before.remove(place).1;
                if let Value::InlineTable(table) = &mut element.value {
                    let branches = tree.branches().cloned().unwrap_or_default();
                    homeless.extend(inline(table, &branches, &path, true));
                    build::name_item(table, id, tree, &mut ids);
                }
                items.push(element);
            }
        }
    }
    for (_, gone) in before {
        let comments = format!("{}\n{}", gone.lead, gone.line_end);
        decoration::persons_of_value(&Value::from(false).decorated(comments, ""), &mut homeless);
        decoration::persons_of_value(&gone.value, &mut homeless);
    }
    elements.items = items;
    let decor = old.decor().clone();
    *old = elements.array(&decor);
    homeless
}

/// Puts a new key behind the nearest one that its rank lets it follow.
fn insert_in_rank(table: &mut Table, path: &Path, key: &str, item: Item) {
    let above = path.split_last().map(|(above, _)| above).unwrap_or_default();
    let rank = build::rank(&above, key);
    let is_before = |other: &str| build::rank(&above, other) <= rank;
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_string()).collect();
    let place = keys.iter().rposition(|other| is_before(other)).map_or(0, |place| place + 1);
    let later: Vec<(Key, Item)> = keys[place..].iter().filter_map(|key| table.remove_entry(key)).collect();
    table.insert(key, item);
    for (key, item) in later {
        table.insert_formatted(&key, item);
    }
}

/// Brings the children of a table into an order, in the text as well.
fn reorder(table: &mut Table, target: &Branches) {
    if table.iter().map(|(key, _)| key).eq(target.keys().map(String::as_str)) {
        return;
    }
    for key in target.keys() {
        if let Some((key, item)) = table.remove_entry(key) {
            table.insert_formatted(&key, item);
        }
    }
    let mut children: Vec<&mut Table> =
        table.iter_mut().filter_map(|(_, item)| item.as_table_mut()).collect();
    renumber(&mut children);
}

/// Hands the places in the text that some tables have out again, in the tables' new order. Tables without a
/// place stand behind the one in front of them.
fn renumber(tables: &mut [&mut Table]) {
    let mut positions: Vec<isize> = Vec::new();
    tables.iter_mut().for_each(|table| visit(table, &mut |table| positions.extend(table.position())));
    positions.sort_unstable();
    let mut positions = positions.into_iter();
    for table in tables {
        visit(table, &mut |table| {
            if table.position().is_some() {
                table.set_position(positions.next());
            }
        });
    }
}

/// Visits a table and those beneath it, in the order in which they are written.
fn visit(table: &mut Table, action: &mut dyn FnMut(&mut Table)) {
    action(table);
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => visit(inner, action),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| visit(table, action)),
            _ => {}
        }
    }
}
