//! What is different between two sessions.

use crate::tree::{Tree, is_item_path, is_ordered_table, is_strip};
use crate::{Path, Session, Value, write};
use serde::Serialize;
use std::fmt;

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The setting; an insert or band that only one of them has; a list whose order differs.
    pub path: Path,
    /// Its value in the first; absent is neutral.
    pub before: Option<Value>,
    /// Its value in the second.
    pub after: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{}: {before} -> {after}", self.path),
            (None, Some(after)) => write!(f, "{}: {after} (new)", self.path),
            (Some(before), None) => write!(f, "{}: {before} (gone)", self.path),
            (None, None) => write!(f, "{}", self.path),
        }
    }
}

/// What is different between two sessions, in the order of the second's file. Neutral values and absent
/// ones are the same. Inserts and bands that come or go are one difference each; those of strips are listed.
pub fn difference(before: &Session, after: &Session) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, after) = (write::session_tree(before), write::session_tree(after));
    compare(&Path::root(), Some(&before), Some(&after), &mut found);
    found
}

fn compare(path: &Path, before: Option<&Tree>, after: Option<&Tree>, found: &mut Vec<Difference>) {
    if let (Some(before), Some(after)) = (before, after)
        && before.same(after)
        && !is_ordered_table(path)
        && !path.parts().is_empty()
    {
        return;
    }
    let branches = |tree: Option<&Tree>| tree.and_then(Tree::branches).cloned();
    let whole = is_item_path(path) && !is_strip(path) && (before.is_none() || after.is_none());
    let is_leaf = |tree: Option<&Tree>| matches!(tree, Some(Tree::Leaf(_)));
    let is_bare_strip = |tree: Option<&Tree>| {
        is_strip(path) && tree.and_then(Tree::branches).is_some_and(|branches| branches.is_empty())
    };
    let comes_or_goes_bare =
        is_bare_strip(before) && after.is_none() || is_bare_strip(after) && before.is_none();
    if whole || is_leaf(before) || is_leaf(after) || comes_or_goes_bare {
        let (before, after) = (before.map(Tree::to_value), after.map(Tree::to_value));
        found.push(Difference { path: path.clone(), before, after });
        return;
    }
    let (old, new) = (branches(before).unwrap_or_default(), branches(after).unwrap_or_default());
    let has_order = is_ordered_table(path) || matches!(after, Some(Tree::Items(_)));
    let common = |one: &crate::tree::Branches, other: &crate::tree::Branches| -> Vec<Value> {
        let keys = one.keys().filter(|key| other.contains_key(*key));
        keys.map(|key| Value::from(key.as_str())).collect()
    };
    let (old_order, new_order) = (common(&old, &new), common(&new, &old));
    if has_order && old_order != new_order {
        let (before, after) = (Some(Value::List(old_order)), Some(Value::List(new_order)));
        found.push(Difference { path: path.clone(), before, after });
    }
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    for key in new.keys().chain(gone) {
        compare(&path.child(key.as_str()), old.get(key), new.get(key), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sessions;
    use crate::{Insert, Section, Strip, StripClass};
    use proptest::prelude::*;

    #[test]
    fn differences_are_told_by_path() {
        let mut before = Session::new();
        let mut vox = Strip::new(StripClass::Track, "vox");
        vox.files = vec!["vox.wav".into()];
        vox.fader_db = -2.0;
        vox.inserts.push(Insert::new("gain", dsp::kind("gain").unwrap()));
        vox.inserts.push(Insert::new("gain_2", dsp::kind("gain").unwrap()));
        before.add(vox.clone());
        let mut after = before.clone();
        after.song.sections = vec![Section { name: "verse".into(), start_s: 1.5 }];
        let changed = after.strip_mut("vox").unwrap();
        changed.fader_db = 0.0;
        changed.pan = 20.0;
        changed.inserts.swap(0, 1);
        changed.inserts.push(Insert::new("third", dsp::kind("gain").unwrap()));
        after.add(Strip::new(StripClass::Bus, "drums"));
        let shown: Vec<String> = difference(&before, &after).iter().map(Difference::to_string).collect();
        assert_eq!(
            shown,
            [
                "song.sections: [[\"verse\", 1.5]] (new)",
                "track.vox.pan: 20 (new)",
                "track.vox.insert: [\"gain\", \"gain_2\"] -> [\"gain_2\", \"gain\"]",
                "track.vox.insert.third: { kind = \"gain\" } (new)",
                "track.vox.fader_db: -2 (gone)",
                "bus.drums: {  } (new)",
            ]
        );
    }

    proptest! {
        #![proptest_config(crate::testing::config())]

        #[test]
        fn equal_sessions_differ_in_nothing_and_others_in_something(a in sessions(), b in sessions()) {
            prop_assert_eq!(difference(&a, &a), vec![]);
            prop_assert_eq!(difference(&a, &b).is_empty(), write::session_tree(&a) == write::session_tree(&b));
        }
    }
}
