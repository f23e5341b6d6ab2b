//! A person's edits and a new plan, brought together.
//!
//! Three texts: the *base* is what the machine last wrote, *mine* is the file as a person left it, *theirs* is the new
//! plan. Path by path, ids and not positions:
//!
//! - A value of mine that differs from the base, or that the base does not have, is the person's: it stays.
//! - Every other value follows the new plan: it changes, comes and goes with it.
//! - A line that the person took away is given back to the machine: the new plan's value comes, if there is one.
//!   To be rid of an insert for good, write `bypass = true`; of a track, `mute = true`; of all bands,
//!   `bands = []`.
//! - A strip, an insert or a band in which something is the person's stays whole when the new plan no longer
//!   has it, or has another kind of processor under its id.
//! - Bands without names cannot be told apart: their list is one value. (The machine names the bands it writes.)
//! - The order of strips, inserts and bands is the new plan's, unless the person changed it.
//! - What a value of the person's needs stays as well: the bus or return it names, the insert a lane moves.

use crate::tree::{Branches, Tree, is_insert, is_item_path, is_ordered_table, is_strip, self_numbered};
use crate::{Document, Path, Value};

/// What a merge gives.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The new text of the session.
    pub document: Document,
    /// What to compare with at the next merge: keep it beside the session. It is the new plan, except where
    /// the plan happens to agree with a person: what a person wrote stays that person's.
    pub base: Document,
    /// What is the person's in the new text: settings, and whole items where the person made them.
    pub yours: Vec<Path>,
}

/// Brings a person's edits (`mine`, against `base`) and a new plan (`theirs`) together. Without a base
/// everything in `mine` is the person's.
pub fn merge(base: Option<&Document>, mine: &Document, theirs: &Document) -> Merged {
    let base = base.map_or_else(|| Tree::Map(Branches::new()), Document::tree);
    let (mine_tree, theirs_tree) = (mine.tree(), theirs.tree());
    let mut merger = Merger { next_base: theirs_tree.clone() };
    let root = Path::root();
    let merged = merger.merge(&root, Some(&base), Some(&mine_tree), Some(&theirs_tree));
    let mut merged = merged.unwrap_or(Tree::Map(Branches::new()));
    match_lanes_to_kinds(&mut merged, &mine_tree, &theirs_tree);
    bring_back_what_is_needed(&mut merged, &mine_tree);
    drop_lanes_of_nothing(&mut merged, &mine_tree);

    let mut document = mine.clone();
    document.become_tree(&merged);
    let mut next_base = theirs.clone();
    next_base.become_tree(&merger.next_base);
    let yours = yours(Some(&next_base), &document);
    refresh_notes(&mut document, theirs, &theirs_tree, &yours);
    Merged { document, base: next_base, yours }
}

/// What in `mine` is a person's: settings that differ from the base or that it does not have, and whole
/// items (strips, inserts, bands) that it does not have. The rest is the machine's to change.
pub fn yours(base: Option<&Document>, mine: &Document) -> Vec<Path> {
    let mut found = Vec::new();
    let base = base.map(Document::tree);
    collect(&Path::root(), base.as_ref(), &mine.tree(), &mut found);
    found
}

fn collect(path: &Path, base: Option<&Tree>, mine: &Tree, found: &mut Vec<Path>) {
    let is_new_item = base.is_none() && is_item_path(path);
    match mine.branches() {
        Some(branches) if !is_new_item => {
            let base = base.and_then(Tree::branches);
            if order_is_mine(path, base, branches) {
                found.push(path.clone());
            }
            for (key, tree) in branches {
                collect(&path.child(key.as_str()), base.and_then(|b| b.get(key)), tree, found);
            }
        }
        _ if !base.is_some_and(|base| base.same(mine)) => found.push(path.clone()),
        _ => {}
    }
}

/// Whether anything in a tree is a person's.
fn is_mine(path: &Path, base: Option<&Tree>, mine: &Tree) -> bool {
    let mut found = Vec::new();
    collect(path, base, mine, &mut found);
    !found.is_empty()
}

/// Whether a person changed the order of what the base and the file both have.
fn order_is_mine(path: &Path, base: Option<&Branches>, mine: &Branches) -> bool {
    let Some(base) = base.filter(|_| has_order(path)) else {
        return false;
    };
    let common = mine.keys().filter(|key| base.contains_key(*key));
    !common.eq(base.keys().filter(|key| mine.contains_key(*key)))
}

/// Whether a list has items without names: these cannot be told apart, so the list is taken whole.
fn has_unnamed(tree: &Tree) -> bool {
    let Tree::Items(items) = tree else {
        return false;
    };
    items.iter().any(|(key, item)| is_number(key) && item.get_text("kind").is_none())
}

fn is_number(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lists of items and tables of strips: their order means something.
fn has_order(path: &Path) -> bool {
    is_ordered_table(path) || is_item_path(&path.child("any"))
}

struct Merger {
    next_base: Tree,
}

impl Merger {
    fn merge(
        &mut self,
        path: &Path,
        base: Option<&Tree>,
        mine: Option<&Tree>,
        theirs: Option<&Tree>,
    ) -> Option<Tree> {
        let Some(mine) = mine else {
            return theirs.cloned();
        };
        let kinds_differ =
            |theirs: &Tree| is_insert(path) && mine.get_text("kind") != theirs.get_text("kind");
        match theirs {
            None if is_item_path(path) || mine.branches().is_none() => {
                is_mine(path, base, mine).then(|| mine.clone())
            }
            Some(theirs) if kinds_differ(theirs) => {
                let kept = if is_mine(path, base, mine) { mine } else { theirs };
                Some(kept.clone())
            }
            Some(theirs) if has_unnamed(mine) || has_unnamed(theirs) => {
                Some(self.merge_whole(path, base, mine, theirs))
            }
            theirs => match (mine.branches(), theirs.map(|theirs| (theirs, theirs.branches()))) {
                (Some(branches), Some((_, Some(theirs)))) => {
                    if base.is_none() && branches.is_empty() && is_strip(path) {
                        // A strip of the person's with nothing on it: no value would tell whose it is.
                        self.remember(path, None);
                    }
                    Some(self.merge_branches(path, base, (mine, branches), theirs))
                }
                (Some(branches), None) => {
                    let kept = self.merge_branches(path, base, (mine, branches), &Branches::new());
                    let is_empty = kept.branches().is_some_and(Branches::is_empty);
                    (!is_empty || branches.is_empty() && base.is_none()).then_some(kept)
                }
                (_, Some((theirs, _))) => Some(self.merge_whole(path, base, mine, theirs)),
                (None, None) => None,
            },
        }
    }

    /// A value against whatever the plan has there, or a table against a plain value.
    fn merge_whole(&mut self, path: &Path, base: Option<&Tree>, mine: &Tree, theirs: &Tree) -> Tree {
        if !is_mine(path, base, mine) {
            return theirs.clone();
        }
        if mine.same(theirs) {
            // They agree today; what the person wrote stays the person's when the plan moves on.
            self.remember(path, base);
        }
        mine.clone()
    }

    /// Puts the old base's value where the new base would hide that a value is a person's.
    fn remember(&mut self, path: &Path, base: Option<&Tree>) {
        match base {
            // The plan has this path, hence everything above it.
            Some(base) => drop(self.next_base.set(path, base.clone())),
            None => drop(self.next_base.remove(path)),
        }
    }

    fn merge_branches(
        &mut self,
        path: &Path,
        base: Option<&Tree>,
        (mine, mine_branches): (&Tree, &Branches),
        theirs: &Branches,
    ) -> Tree {
        let base = base.and_then(Tree::branches);
        let mut merged = Branches::new();
        for key in keys_in_order(path, base, mine_branches, theirs) {
            let path = path.child(key.as_str());
            let part = |branches: Option<&Branches>| branches.and_then(|b| b.get(&key)).cloned();
            let (base, mine, theirs) = (part(base), part(Some(mine_branches)), part(Some(theirs)));
            if let Some(tree) = self.merge(&path, base.as_ref(), mine.as_ref(), theirs.as_ref()) {
                merged.insert(key, tree);
            }
        }
        if order_is_mine(path, base, mine_branches) {
            self.remember_order(path, base, mine_branches);
        }
        let mut tree = if matches!(mine, Tree::Items(_)) { Tree::Items(merged) } else { Tree::Map(merged) };
        self_numbered(&mut tree);
        tree
    }

    /// Keeps the base's order where the plan's would hide that the person changed it.
    fn remember_order(&mut self, path: &Path, base: Option<&Branches>, mine: &Branches) {
        let next = path
            .parts()
            .iter()
            .try_fold(&mut self.next_base, |tree, part| tree.branches_mut()?.get_mut(part));
        let (Some(base), Some(next)) = (base, next.and_then(Tree::branches_mut)) else {
            return;
        };
        if !order_is_mine(path, Some(next), mine) {
            let place = |key: &str| base.get_index_of(key).unwrap_or(usize::MAX);
            next.sort_by(|a, _, b, _| place(a).cmp(&place(b)));
        }
    }
}

/// The keys of the merged table: in the plan's order, the person's additions behind what they stood behind;
/// or the other way round where the person changed the order.
fn keys_in_order(path: &Path, base: Option<&Branches>, mine: &Branches, theirs: &Branches) -> Vec<String> {
    let (first, second) = if !has_order(path) || base.is_none() || order_is_mine(path, base, mine) {
        (mine, theirs)
    } else {
        (theirs, mine)
    };
    let mut keys: Vec<String> = first.keys().cloned().collect();
    let mut before: Option<&String> = None;
    for key in second.keys() {
        if !first.contains_key(key) {
            let place = before.and_then(|before| keys.iter().position(|key| key == before));
            keys.insert(place.map_or(0, |place| place + 1), key.clone());
        }
        before = Some(key);
    }
    keys
}

/// Lanes that move an insert come from where its kind comes from, if the kinds differ: the settings of one
/// processor mean nothing on another.
fn match_lanes_to_kinds(merged: &mut Tree, mine: &Tree, theirs: &Tree) {
    let strips: Vec<Path> = strips(merged).into_iter().map(|(path, _)| path).collect();
    for strip in strips {
        let list = strip.child("insert");
        let ids: Vec<String> = merged
            .get(&list)
            .and_then(Tree::branches)
            .into_iter()
            .flat_map(Branches::keys)
            .cloned()
            .collect();
        for id in ids {
            let insert = list.child(id.as_str());
            let kind = |tree: &Tree| Some(tree.get(&insert)?.get_text("kind")?.to_string());
            let (Some(my_kind), Some(their_kind)) = (kind(mine), kind(theirs)) else {
                continue;
            };
            if my_kind == their_kind {
                continue;
            }
            let source = if kind(merged).as_ref() == Some(&my_kind) { mine } else { theirs };
            let lanes = strip.join(&Path::new(["automation", "insert", id.as_str()]));
            merged.remove(&lanes);
            if let Some(tree) = source.get(&lanes) {
                // The strip stands there, and all above its lanes are tables.
                let _ = merged.set(&lanes, tree.clone());
            }
        }
    }
}

/// What the merged values name but the plan no longer has, and the file still had.
fn bring_back_what_is_needed(merged: &mut Tree, mine: &Tree) {
    // Something brought back may need more; each thing is tried once.
    let mut tried: Vec<Path> = Vec::new();
    loop {
        let mut missing = needs(merged);
        missing
            .retain(|path| merged.get(path).is_none() && mine.get(path).is_some() && !tried.contains(path));
        if missing.is_empty() {
            return;
        }
        for path in missing {
            let whole = match path.split_last() {
                // A band without a name is needed at its place, which it has only among the others.
                Some((list, item)) if is_number(item) && is_item_path(&path) && !is_strip(&path) => list,
                _ => path.clone(),
            };
            if let Some(tree) = mine.get(&whole) {
                // Where a plain value stands in the way, the reader tells what is missing.
                let _ = merged.set(&whole, tree.clone());
            }
            tried.push(path);
        }
    }
}

/// Takes out the plan's lanes for bands that a person's list does not have.
fn drop_lanes_of_nothing(merged: &mut Tree, mine: &Tree) {
    let missing: Vec<Path> = lanes(merged)
        .into_iter()
        .filter(|(lane, band)| merged.get(band).is_none() && mine.get(lane).is_none())
        .map(|(lane, _)| lane)
        .collect();
    for lane in missing {
        merged.remove(&lane);
    }
}

/// Every automated band: the path of its lanes, and its own.
fn lanes(session: &Tree) -> Vec<(Path, Path)> {
    let mut found = Vec::new();
    for (strip, branches) in strips(session) {
        let inserts = branches.get("automation").and_then(|automation| automation.branches()?.get("insert"));
        for (id, settings) in inserts.and_then(Tree::branches).into_iter().flatten() {
            for (group, bands) in settings.branches().into_iter().flatten() {
                for band in bands.branches().into_iter().flat_map(Branches::keys) {
                    let own = Path::new(["insert", id, group, band]);
                    found.push((strip.child("automation").join(&own), strip.join(&own)));
                }
            }
        }
    }
    found
}

/// What the values of a session name: buses, returns, keys, and what lanes move.
fn needs(session: &Tree) -> Vec<Path> {
    let mut needs = Vec::new();
    for (path, strip) in strips(session) {
        needs_of_strip(&path, strip, &mut needs);
    }
    needs.extend(lanes(session).into_iter().map(|(_, band)| band));
    needs
}

/// Every strip with its path.
fn strips(session: &Tree) -> Vec<(Path, &Branches)> {
    let mut found = Vec::new();
    for (table, tree) in session.branches().into_iter().flatten() {
        let path = Path::new([table]);
        let Some(branches) = tree.branches() else {
            continue;
        };
        if is_strip(&path) {
            found.push((path, branches));
        } else if is_ordered_table(&path) {
            let channels = branches.iter().filter_map(|(id, tree)| Some((id, tree.branches()?)));
            found.extend(channels.map(|(id, branches)| (path.child(id.as_str()), branches)));
        }
    }
    found
}

fn needs_of_strip(path: &Path, strip: &Branches, needs: &mut Vec<Path>) {
    if let Some(bus) = strip.get("bus").and_then(Tree::as_text) {
        needs.push(Path::new(["bus", bus]));
    }
    for key in ["sends", "pre_sends"] {
        for send in strip.get(key).and_then(Tree::branches).into_iter().flat_map(Branches::keys) {
            needs.push(Path::new(["return", send.strip_suffix("_db").unwrap_or(send)]));
        }
    }
    for insert in strip.get("insert").and_then(Tree::branches).into_iter().flat_map(Branches::values) {
        if let Some(key) = insert.get_text("key") {
            needs.extend(["track", "bus", "return"].map(|table| Path::new([table, key])));
        }
    }
    let automation = strip.get("automation").and_then(Tree::branches);
    for (name, lanes) in automation.into_iter().flatten() {
        let parts = lanes.branches().into_iter().flatten();
        match name.as_str() {
            "send" => {
                let lists = ["sends", "pre_sends"];
                let is_there = |send: &str| {
                    let mut found = lists.iter().filter_map(|list| strip.get(*list)?.branches());
                    found.any(|sends| sends.contains_key(send))
                };
                let missing = parts.filter(|(send, _)| !is_there(send));
                for (send, _) in missing {
                    needs.extend(lists.map(|list| path.child(list).child(send.as_str())));
                }
            }
            "insert" => needs.extend(parts.map(|(id, _)| path.child("insert").child(id.as_str()))),
            _ => {}
        }
    }
}

/// The plan's notes on the machine's lines; on a person's, what the plan says.
fn refresh_notes(document: &mut Document, theirs: &Document, plan: &Tree, yours: &[Path]) {
    let notes = theirs.notes();
    for (path, _) in document.notes() {
        document.note(&path, "");
    }
    for (path, note) in &notes {
        if !yours.iter().any(|mine| mine.contains(path)) {
            document.note(path, note);
        }
    }
    let tree = document.tree();
    for path in yours {
        if let (Some(Tree::Leaf(value)), Some(mine)) = (plan.get(path), tree.get(path))
            && !matches!(mine, Tree::Leaf(mine) if mine == value)
        {
            document.note(path, &format!("yours; the plan says {}", short(value)));
        }
    }
}

/// A value in a few words.
fn short(value: &Value) -> String {
    match value {
        Value::List(items) if items.len() > 3 => format!("{} points or items", items.len()),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
