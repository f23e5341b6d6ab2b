//! The content of a session file apart from its layout: what is merged, compared and edited.
//!
//! Items of lists are held by their ids, so that a path means the same thing whatever stands before it.

use crate::change::Change;
use crate::model::default_insert_id;
use crate::{Path, SessionError, Value};
use indexmap::IndexMap;
use toml_edit::Item;

/// The content of a session file apart from its layout.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    /// A value that is taken whole: a number, a text, a list of breakpoints.
    Leaf(Value),
    /// A table.
    Map(Branches),
    /// A list of tables by id: inserts, bands.
    Items(Branches),
}

pub(crate) type Branches = IndexMap<String, Tree>;

/// The keys that give an item of a list its id. They stand in the file where needed, never in the tree.
pub(crate) const IDENTITY: [&str; 2] = ["id", "name"];

/// Gives items their ids in turn, as the reader does.
#[derive(Default)]
pub(crate) struct Identities {
    place: usize,
    of_kind: IndexMap<String, usize>,
}

impl Identities {
    /// The id of the next item: its own, or else its kind counted, or else its place from 1.
    pub(crate) fn next(&mut self, own: Option<&str>, kind: Option<&str>) -> String {
        self.place += 1;
        let default = match kind {
            Some(kind) => {
                let before = self.of_kind.entry(kind.to_string()).or_default();
                *before += 1;
                default_insert_id(kind, *before - 1)
            }
            None => self.place.to_string(),
        };
        own.map_or(default, str::to_string)
    }
}

fn text<'t>(table: &'t dyn toml_edit::TableLike, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Item::as_str)
}

/// The ids of a list's items.
pub(crate) fn identities<'t>(items: impl Iterator<Item = &'t dyn toml_edit::TableLike>) -> Vec<String> {
    let mut ids = Identities::default();
    let mut seen: Vec<String> = Vec::new();
    for table in items {
        let kind = text(table, "kind");
        // An insert is named by `id`, a band by `name`.
        let own = if kind.is_some() { text(table, "id") } else { text(table, "name") };
        let mut id = ids.next(own, kind);
        // Two items of one name are a problem that the reader reports; neither may be lost here.
        while seen.contains(&id) {
            id.push('~');
        }
        seen.push(id);
    }
    seen
}

impl Tree {
    /// The content of an item of the file.
    pub(crate) fn of(item: &Item) -> Tree {
        match item {
            Item::None => Tree::Map(Branches::new()),
            Item::Value(value) => Tree::of_value(value),
            Item::Table(table) => Tree::of_table(table, false),
            Item::ArrayOfTables(tables) => {
                let ids = identities(tables.iter().map(|table| table as &dyn toml_edit::TableLike));
                let trees = tables.iter().map(|table| Tree::of_table(table, true));
                Tree::Items(ids.into_iter().zip(trees).collect())
            }
        }
    }

    fn of_table(table: &dyn toml_edit::TableLike, item: bool) -> Tree {
        let entries = table.iter().filter(|(key, _)| !(item && is_identity(table, key)));
        Tree::Map(entries.map(|(key, item)| (key.to_string(), Tree::of(item))).collect())
    }

    fn of_value(value: &toml_edit::Value) -> Tree {
        match value {
            toml_edit::Value::InlineTable(table) => Tree::of_table(table, false),
            toml_edit::Value::Array(array) if is_item_list(array) => {
                let tables = || array.iter().filter_map(toml_edit::Value::as_inline_table);
                let ids = identities(tables().map(|table| table as &dyn toml_edit::TableLike));
                Tree::Items(ids.into_iter().zip(tables().map(|t| Tree::of_table(t, true))).collect())
            }
            value => Tree::Leaf(plain(value)),
        }
    }

    /// The content of a value. `path` tells lists of items from others.
    pub(crate) fn from_value(value: Value) -> Tree {
        match value {
            Value::Table(entries) => {
                Tree::Map(entries.into_iter().map(|(key, value)| (key, Tree::from_value(value))).collect())
            }
            Value::List(items) if !items.is_empty() && items.iter().all(|i| matches!(i, Value::Table(_))) => {
                let mut ids = Identities::default();
                let items = items.into_iter().map(|item| {
                    let mut tree = Tree::from_value(item);
                    let id = tree.take_identity(&mut ids);
                    (id, tree)
                });
                Tree::Items(items.collect())
            }
            leaf => Tree::Leaf(leaf),
        }
    }

    /// Takes the id out of an item's table.
    fn take_identity(&mut self, ids: &mut Identities) -> String {
        let Tree::Map(entries) = self else {
            return ids.next(None, None);
        };
        let kind = entries.get("kind").and_then(Tree::as_text).map(str::to_string);
        let own = entries.shift_remove(if kind.is_some() { "id" } else { "name" });
        ids.next(own.as_ref().and_then(Tree::as_text), kind.as_deref())
    }

    /// The value of a tree; items carry their ids where these do not follow from kind and place.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Tree::Leaf(value) => value.clone(),
            Tree::Map(entries) => {
                Value::Table(entries.iter().map(|(key, tree)| (key.clone(), tree.to_value())).collect())
            }
            Tree::Items(items) => {
                let mut ids = Identities::default();
                let value = |(id, tree): (&String, &Tree)| {
                    let kind = tree.get_text("kind");
                    let mut value = tree.to_value();
                    if ids.next(None, kind) != *id
                        && let Value::Table(entries) = &mut value
                    {
                        let key = if kind.is_some() { "id" } else { "name" };
                        entries.insert(key.to_string(), Value::Text(id.clone()));
                    }
                    value
                };
                Value::List(items.iter().map(value).collect())
            }
        }
    }

    /// What lies beneath, of a table or list.
    pub(crate) fn branches(&self) -> Option<&Branches> {
        match self {
            Tree::Leaf(_) => None,
            Tree::Map(branches) | Tree::Items(branches) => Some(branches),
        }
    }

    pub(crate) fn branches_mut(&mut self) -> Option<&mut Branches> {
        match self {
            Tree::Leaf(_) => None,
            Tree::Map(branches) | Tree::Items(branches) => Some(branches),
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Tree::Leaf(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text one level beneath.
    pub(crate) fn get_text(&self, key: &str) -> Option<&str> {
        self.branches()?.get(key)?.as_text()
    }

    /// What stands at a path.
    pub(crate) fn get(&self, path: &Path) -> Option<&Tree> {
        path.parts().iter().try_fold(self, |tree, part| tree.branches()?.get(part))
    }

    /// Whether two trees say the same, the order of items included and that of other keys not.
    pub(crate) fn same(&self, other: &Tree) -> bool {
        match (self, other) {
            (Tree::Items(mine), Tree::Items(theirs)) if !mine.keys().eq(theirs.keys()) => false,
            (Tree::Leaf(mine), Tree::Leaf(theirs)) => mine == theirs,
            (Tree::Map(mine), Tree::Map(theirs)) | (Tree::Items(mine), Tree::Items(theirs)) => {
                mine.len() == theirs.len()
                    && mine.iter().all(|(key, tree)| theirs.get(key).is_some_and(|other| tree.same(other)))
            }
            _ => false,
        }
    }

    /// Makes one change.
    pub(crate) fn change(&mut self, change: &Change) -> Result<(), SessionError> {
        match change {
            Change::Set { path, value } => self.set(path, Tree::from_value(value.clone())),
            Change::Remove { path } => {
                self.remove(path);
                Ok(())
            }
            Change::Place { path, before } => self.place(path, before.as_deref()),
        }
    }

    /// Puts a tree at a path, making what must lie above it.
    pub(crate) fn set(&mut self, path: &Path, tree: Tree) -> Result<(), SessionError> {
        let unknown = |hint: &str| SessionError::Unknown { path: path.clone(), hint: Some(hint.into()) };
        let Some((above, last)) = path.split_last() else {
            return Err(unknown("name a setting"));
        };
        let mut here = Path::root();
        let mut node = self;
        for part in above.parts() {
            node.check_place(part).map_err(|hint| unknown(&hint))?;
            let Some(branches) = node.branches_mut() else {
                return Err(unknown(&format!("{here} is a plain value")));
            };
            here = here.child(part.as_str());
            // An empty list becomes the list of items that it means.
            let empty = branches.get(part).is_none_or(Tree::is_empty_list);
            if empty {
                branches.insert(part.clone(), made(&here).ok_or_else(|| unknown(NO_KIND))?);
            }
            node = &mut branches[part];
        }
        node.check_place(last).map_err(|hint| unknown(&hint))?;
        let is_item = matches!(node, Tree::Items(_));
        let Some(branches) = node.branches_mut() else {
            return Err(unknown(&format!("{above} is a plain value")));
        };
        let mut tree = tree;
        if is_item {
            let Tree::Map(entries) = &mut tree else {
                return Err(unknown(&format!("{path} is a table, not a value")));
            };
            IDENTITY.iter().for_each(|key| drop(entries.shift_remove(*key)));
            if is_insert(path) && !entries.contains_key("kind") {
                let kind = kind_of(last).ok_or_else(|| unknown(NO_KIND))?;
                entries.shift_insert(0, "kind".into(), Tree::Leaf(Value::from(kind)));
            }
        }
        branches.insert(last.to_string(), tree);
        self_numbered(node);
        Ok(())
    }

    fn is_empty_list(&self) -> bool {
        matches!(self, Tree::Leaf(Value::List(items)) if items.is_empty())
    }

    /// A band without a name can be made at the next place only; says so otherwise.
    fn check_place(&self, id: &str) -> Result<(), String> {
        let Tree::Items(items) = self else {
            return Ok(());
        };
        let next = items.len() + 1;
        let is_new_number = !items.contains_key(id) && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_new_number && id != next.to_string() {
            let known: Vec<&str> = items.keys().map(String::as_str).collect();
            return Err(format!("there are {}; a new one is {next}, or has a name", known.join(", ")));
        }
        Ok(())
    }

    /// Takes away what stands at a path, and every table above it that is empty then, except strips.
    pub(crate) fn remove(&mut self, path: &Path) -> Option<Tree> {
        let (above, last) = path.split_last()?;
        let mut node = &mut *self;
        for part in above.parts() {
            node = node.branches_mut()?.get_mut(part)?;
        }
        let removed = node.branches_mut()?.shift_remove(last)?;
        self_numbered(node);
        let may_go = !is_strip(&above) && !matches!(above.parts().len(), 0 | 1);
        if may_go && node.branches().is_some_and(Branches::is_empty) && !is_item_path(&above) {
            self.remove(&above);
        }
        Some(removed)
    }

    /// Moves an item in front of a sibling or to the end.
    fn place(&mut self, path: &Path, before: Option<&str>) -> Result<(), SessionError> {
        let unknown = |what: Path| SessionError::Unknown { path: what, hint: None };
        let (above, last) = path.split_last().ok_or_else(|| unknown(path.clone()))?;
        let mut node = self;
        for part in above.parts() {
            let branches = node.branches_mut().ok_or_else(|| unknown(above.clone()))?;
            node = branches.get_mut(part).ok_or_else(|| unknown(above.clone()))?;
        }
        let branches = node.branches_mut().ok_or_else(|| unknown(above.clone()))?;
        let tree = branches.shift_remove(last).ok_or_else(|| unknown(path.clone()))?;
        let place = match before {
            None => branches.len(),
            Some(sibling) => branches.get_index_of(sibling).ok_or_else(|| unknown(above.child(sibling)))?,
        };
        branches.shift_insert(place, last.to_string(), tree);
        self_numbered(node);
        Ok(())
    }
}

const NO_KIND: &str =
    "an insert needs a kind; give a whole insert, or an id such as compressor or compressor_2";

/// Items without names are called by their places; gives them their places anew.
pub(crate) fn self_numbered(node: &mut Tree) {
    let Tree::Items(items) = node else {
        return;
    };
    let is_number = |key: &str| key.bytes().all(|byte| byte.is_ascii_digit());
    let renumber = |(place, (key, tree)): (usize, (String, Tree))| {
        (if is_number(&key) { (place + 1).to_string() } else { key }, tree)
    };
    *items = std::mem::take(items).into_iter().enumerate().map(renumber).collect();
}

/// What is made at a path that does not exist when something is put beneath it.
fn made(path: &Path) -> Option<Tree> {
    if is_insert(path) {
        let kind = Tree::Leaf(Value::from(kind_of(path.parts().last()?)?));
        return Some(Tree::Map(Branches::from_iter([("kind".to_string(), kind)])));
    }
    let is_list = is_insert_list(path)
        || path.split_last().is_some_and(|(above, last)| {
            // A group of a processor: the only lists of items beneath an insert.
            is_insert(&above)
                && dsp::KINDS.iter().any(|kind| kind.groups.iter().any(|group| group.id == last))
        });
    Some(if is_list { Tree::Items(Branches::new()) } else { Tree::Map(Branches::new()) })
}

/// The kind that an insert's id says: `compressor_2` is a compressor.
fn kind_of(id: &str) -> Option<&'static str> {
    let counted = id.rsplit_once('_').filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
    dsp::kind(id).or_else(|| dsp::kind(counted?.0)).map(|kind| kind.id)
}

fn parts(path: &Path) -> Vec<&str> {
    path.parts().iter().map(String::as_str).collect()
}

/// `track.kick`, `master`.
pub(crate) fn is_strip(path: &Path) -> bool {
    matches!(parts(path).as_slice(), ["track" | "bus" | "return", _] | ["premaster" | "master"])
}

/// `track.kick.insert`, `master.insert`.
pub(crate) fn is_insert_list(path: &Path) -> bool {
    path.split_last().is_some_and(|(above, last)| last == "insert" && is_strip(&above))
}

/// `track.kick.insert.eq`.
pub(crate) fn is_insert(path: &Path) -> bool {
    path.split_last().is_some_and(|(above, _)| is_insert_list(&above))
}

/// `track.kick`, `track.kick.insert.eq`, `track.kick.insert.eq.bands.mud`: what comes and goes as a whole.
pub(crate) fn is_item_path(path: &Path) -> bool {
    let is_band = || {
        let group = path.split_last().map(|(group, _)| group);
        group.and_then(|group| group.split_last().map(|(insert, _)| is_insert(&insert))).unwrap_or(false)
    };
    is_strip(path) && path.parts().len() == 2 || is_insert(path) || is_band()
}

/// `track`, `bus`, `return`: tables whose order means something.
pub(crate) fn is_ordered_table(path: &Path) -> bool {
    matches!(parts(path).as_slice(), ["track" | "bus" | "return"])
}

/// Whether a key of an item's table gives it its id.
fn is_identity(table: &dyn toml_edit::TableLike, key: &str) -> bool {
    key == if table.contains_key("kind") { "id" } else { "name" }
}

/// Whether an array is a list of items: not empty, and nothing but tables.
pub(crate) fn is_item_list(array: &toml_edit::Array) -> bool {
    !array.is_empty() && array.iter().all(toml_edit::Value::is_inline_table)
}

/// A value without its layout.
fn plain(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::Text(text.value().clone()),
        toml_edit::Value::Integer(number) => Value::Number(*number.value() as f64),
        toml_edit::Value::Float(number) => Value::Number(*number.value()),
        toml_edit::Value::Boolean(switch) => Value::Switch(*switch.value()),
        // The reader refuses dates; as text they are at least not lost.
        toml_edit::Value::Datetime(date) => Value::Text(date.value().to_string()),
        toml_edit::Value::Array(array) => Value::List(array.iter().map(plain).collect()),
        toml_edit::Value::InlineTable(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.to_string(), plain(value))).collect())
        }
    }
}
