//! A person's edits survive, everything else follows the plan.

use super::*;
use crate::testing::sessions;
use crate::tree::is_insert_list;
use crate::{Decision, Session, StepId, apply, list};
use proptest::prelude::*;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// Every number in a tree that is not beneath an item without a name, whose path may mean another item in
/// another plan.
fn numbers(path: &Path, tree: &Tree, found: &mut Vec<(Path, f64)>) {
    match tree {
        Tree::Leaf(Value::Number(number)) => found.push((path.clone(), *number)),
        Tree::Leaf(_) => {}
        Tree::Map(branches) | Tree::Items(branches) => {
            for (key, tree) in branches {
                let unnamed =
                    matches!(tree, Tree::Map(_)) && key.parse::<usize>().is_ok() && path.parts().len() > 3;
                if !unnamed {
                    numbers(&path.child(key.as_str()), tree, found);
                }
            }
        }
    }
}

fn numbers_of(document: &Document) -> Vec<(Path, f64)> {
    let mut found = Vec::new();
    numbers(&Path::root(), &document.tree(), &mut found);
    found
}

/// A person at work: some numbers are changed (kept in range), a track is added, faders are set where there
/// was nothing. Gives the paths.
fn edited(base: &Document, rolls: &[usize]) -> (Document, Vec<Path>) {
    let mut tree = base.tree();
    let mut paths = Vec::new();
    let numbers = numbers_of(base);
    for roll in rolls {
        let (path, value) = match numbers.get(roll % (numbers.len() + 2)) {
            Some((path, _)) if path.to_string() == "version" => continue,
            // Half of a number within a range around 0, or above 0 as here, mostly lies in the range too; 0.5 is
            // the one number that this would leave as it is.
            Some((path, 0.5)) => (path.clone(), Value::Number(0.375)),
            Some((path, number)) => (path.clone(), Value::Number(number / 2.0 + 0.25)),
            None if roll % 2 == 0 => (path("track.mine.file"), "mine.wav".into()),
            None => (path("master.fader_db"), Value::Number(-0.5)),
        };
        if paths.contains(&path) {
            continue;
        }
        tree.set(&path, Tree::Leaf(value)).unwrap();
        paths.push(path);
    }
    let mut mine = base.clone();
    mine.become_tree(&tree);
    (mine, paths)
}

fn rolls() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..8)
}

proptest! {
    #![proptest_config(crate::testing::config())]

    #[test]
    fn edits_survive_every_new_plan(a in sessions(), plans in prop::collection::vec(sessions(), 1..4), rolls in rolls()) {
        let mut base = Document::new(&a);
        let (mut mine, paths) = edited(&base, &rolls);
        let edits = mine.clone();
        for plan in &plans {
            let theirs = Document::new(plan);
            let merged = merge(Some(&base), &mine, &theirs);
            for path in &paths {
                prop_assert_eq!(merged.document.get(path), edits.get(path), "{}\n{}", path, merged.document);
                prop_assert!(merged.yours.iter().any(|yours| yours.contains(path)), "{}", path);
            }
            // Nothing is named that does not exist. (Circles may come of a person's bus and a plan's.)
            let mut problems = merged.document.read().problems;
            problems.retain(|problem| problem.code.starts_with("unknown"));
            prop_assert_eq!(list("session.toml", &problems), "", "{}", merged.document);
            (base, mine) = (merged.base, merged.document);
        }
    }

    #[test]
    fn without_edits_the_plan_is_the_session(a in sessions(), b in sessions()) {
        let base = Document::new(&a);
        let theirs = Document::new(&b);
        let merged = merge(Some(&base), &base, &theirs);
        prop_assert!(merged.document.tree().same(&theirs.tree()), "{}\n{}", merged.document, theirs);
        let session = merged.document.read().session;
        prop_assert!(session.tracks.keys().eq(b.tracks.keys()));
        prop_assert!(merged.base.tree().same(&theirs.tree()));
        prop_assert_eq!(merged.yours, vec![]);
    }

    #[test]
    fn what_is_not_the_persons_follows_the_plan(a in sessions(), b in sessions(), rolls in rolls()) {
        let base = Document::new(&a);
        let (mine, _) = edited(&base, &rolls);
        let theirs = Document::new(&b);
        let merged = merge(Some(&base), &mine, &theirs);
        let tree = merged.document.tree();
        for (path, number) in numbers_of(&theirs) {
            // An insert whose kind the plan changed stays whole if there is an edit in it, and so do its lanes.
            let whole = path.parts().windows(2).enumerate().any(|(at, pair)| {
                let insert = Path::new(&path.parts()[..at + 2]);
                let mine = tree.get(&insert).and_then(|insert| insert.get_text("kind"));
                pair[0] == "insert" && is_insert_list(&insert.split_last().unwrap().0)
                    && mine != theirs.tree().get(&insert).and_then(|insert| insert.get_text("kind"))
            }) || path.parts().iter().any(|part| part == "automation");
            // A list of bands without names is one value.
            let list = if is_strip(&Path::new(&path.parts()[..1])) { 4 } else { 5 };
            let beside = Path::new(path.parts().iter().take(list));
            let beside = path.parts().len() > list && merged.yours.iter().any(|yours| beside.contains(yours));
            if !whole && !beside && !merged.yours.iter().any(|yours| yours.contains(&path)) {
                prop_assert_eq!(merged.document.get(&path), Some(Value::Number(number)), "{}", path);
            }
        }
    }

    #[test]
    fn merging_once_more_changes_nothing(a in sessions(), b in sessions(), rolls in rolls()) {
        let base = Document::new(&a);
        let (mine, _) = edited(&base, &rolls);
        let theirs = Document::new(&b);
        let once = merge(Some(&base), &mine, &theirs);
        let twice = merge(Some(&once.base), &once.document, &theirs);
        prop_assert_eq!(twice.document.to_string(), once.document.to_string());
        prop_assert_eq!(twice.yours, once.yours);
    }

    #[test]
    fn a_line_taken_away_is_given_back(a in sessions(), b in sessions(), roll: usize) {
        let base = Document::new(&a);
        let numbers = numbers_of(&base);
        let (path, _) = &numbers[roll % numbers.len()];
        let mut tree = base.tree();
        tree.remove(path);
        let mut mine = base.clone();
        mine.become_tree(&tree);
        let theirs = Document::new(&b);
        let merged = merge(Some(&base), &mine, &theirs);
        prop_assert_eq!(merged.document.get(path), theirs.get(path));
    }

    #[test]
    fn without_a_base_everything_is_the_persons(a in sessions(), b in sessions()) {
        let mine = Document::new(&a);
        let merged = merge(None, &mine, &Document::new(&b));
        for (path, number) in numbers_of(&mine) {
            prop_assert_eq!(merged.document.get(&path), Some(Value::Number(number)));
        }
    }
}

const PLAN: &str = r#"version = 1

[track.kick]
file = "kick.wav"
bus = "drums"
trim_db = -4.2  #~ active parts to -18 dBFS RMS
fader_db = -2.5  #~ 4 LU under the voice

[[track.kick.insert]]  #~ thump
kind = "eq"
bands = [
  { name = "low", freq_hz = 32.0 },  #~ nothing below 40 Hz
  { name = "mud", freq_hz = 310.0, gain_db = -3.0 },  #~ masks bass by 6.1 dB
]

[[track.kick.insert]]
kind = "compressor"
threshold_db = -17.5  #~ 4 dB on the beats

[track.vox]
file = "vox.wav"
sends = { plate_db = -18.0, slap_db = -22.0 }  #~ plate_db: 14 LU under; slap_db: eighths

[bus.drums]

[return.plate]

[return.slap]
"#;

fn document(text: &str) -> Document {
    let document: Document = text.parse().unwrap();
    assert_eq!(list("session.toml", &document.read().problems), "");
    document
}

#[test]
fn a_day_in_the_life_of_a_session() {
    let base = document(PLAN);
    let mine = document(
        &PLAN
            .replace("# session", "")
            .replace("[track.kick]", "# The good one.\n[track.kick]  # AKG")
            .replace("trim_db = -4.2", "trim_db = -6")
            .replace("fader_db = -2.5  #~ 4 LU under the voice\n", "")
            .replace("gain_db = -3.0 }", "gain_db = -1.5 }")
            .replace("threshold_db = -17.5  #~ 4 dB on the beats", "threshold_db = -17.5  # leave that")
            .replace("[bus.drums]\n", "[bus.drums]\npan = 3.0 # odd room\n\n[bus.mine]\n")
            .replace("slap_db = -22.0 }", "slap_db = -20.0 }"),
    );
    let mut theirs = document(
        &PLAN
            .replace("trim_db = -4.2  #~ active parts to -18 dBFS RMS", "trim_db = -4.4  #~ measured again")
            .replace(
                "freq_hz = 310.0, gain_db = -3.0 },  #~ masks bass by 6.1 dB",
                "freq_hz = 290.0, gain_db = -2.5 },  #~ masks bass by 5 dB",
            )
            .replace("{ name = \"low\", freq_hz = 32.0 }", "{ name = \"low\", freq_hz = 40.0 }")
            .replace(
                "threshold_db = -17.5  #~ 4 dB on the beats",
                "threshold_db = -20.0  #~ 5 dB on the beats",
            ),
    );
    let wide = Value::table([("file", Value::from("room.wav")), ("pan", 30.into())]);
    let new =
        Decision::set(StepId::Preparation, path("track.room"), wide, "found a room").noted("a new file");
    apply(&mut theirs, &[new]).unwrap();
    let merged = merge(Some(&base), &mine, &theirs);
    insta::assert_snapshot!(merged.document.to_string());
    let yours: Vec<String> = merged.yours.iter().map(Path::to_string).collect();
    assert_eq!(
        yours,
        [
            "track.kick.trim_db",
            "track.kick.insert.eq.bands.mud.gain_db",
            "track.vox.sends.slap_db",
            "bus.drums.pan",
            "bus.mine"
        ]
    );
}

#[test]
fn a_plan_that_agrees_today_may_not_change_it_tomorrow() {
    let plan = |fader: &str| document(&PLAN.replace("fader_db = -2.5", &format!("fader_db = {fader}")));
    let first = merge(Some(&plan("-2.5")), &plan("-3.0"), &plan("-3.0"));
    assert_eq!(first.yours, [path("track.kick.fader_db")]);
    let second = merge(Some(&first.base), &first.document, &plan("-9.0"));
    assert_eq!(second.document.get(&path("track.kick.fader_db")), Some((-3).into()));
    // The same for a value that the machine had never written.
    let with_pan = PLAN.replace("bus = \"drums\"\n", "bus = \"drums\"\npan = 5.0\n");
    let first = merge(Some(&document(PLAN)), &document(&with_pan), &document(&with_pan));
    let second = merge(Some(&first.base), &first.document, &document(PLAN));
    assert_eq!(second.document.get(&path("track.kick.pan")), Some(5.into()));
}

#[test]
fn an_insert_taken_away_comes_back_and_a_bypassed_one_stays_bypassed() {
    let base = document(PLAN);
    let gone = PLAN.replace(
        "[[track.kick.insert]]\nkind = \"compressor\"\nthreshold_db = -17.5  #~ 4 dB on the beats\n",
        "",
    );
    assert_eq!(document(&gone).session().unwrap().tracks["kick"].inserts.len(), 1);
    let merged = merge(Some(&base), &document(&gone), &base);
    assert!(merged.document.tree().same(&base.tree()), "{}", merged.document);
    let bypassed = PLAN.replace("kind = \"compressor\"", "kind = \"compressor\"\nbypass = true");
    let merged = merge(Some(&base), &document(&bypassed), &base);
    assert!(merged.document.session().unwrap().tracks["kick"].inserts[1].bypass);
    // No bands at all is a value like any other.
    let start = PLAN.find("bands = [").unwrap();
    let end = start + PLAN[start..].find("\n]").unwrap() + 2;
    let none = format!("{}bands = []{}", &PLAN[..start], &PLAN[end..]);
    let merged = merge(Some(&base), &document(&none), &base);
    assert!(merged.document.session().unwrap().tracks["kick"].inserts[0].values.groups[0].is_empty());
}

#[test]
fn what_a_persons_value_needs_stays_when_the_plan_drops_it() {
    let base = document(PLAN);
    let mine = document(&PLAN.replace("file = \"vox.wav\"", "file = \"vox.wav\"\nbus = \"drums\"").replace(
        "[track.vox]",
        "[track.kick.automation]\ninsert.eq.bands.mud.gain_db = [[0, -3], [9, 0]]\n\n[track.vox]",
    ));
    let mut tree = base.tree();
    for gone in ["bus.drums", "track.kick.bus", "track.kick.insert", "track.vox.sends"] {
        tree.remove(&path(gone));
    }
    let mut theirs = base.clone();
    theirs.become_tree(&tree);
    let merged = merge(Some(&base), &mine, &theirs);
    let session: Session = merged.document.session().unwrap();
    assert_eq!(session.tracks["vox"].bus.as_deref(), Some("drums"));
    assert_eq!(session.tracks["vox"].sends, []);
    assert_eq!(session.tracks["kick"].inserts.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["eq"]);
}

#[test]
fn the_order_is_the_plans_unless_a_person_changed_it() {
    let order = |document: &Document| document.session().unwrap().tracks.keys().cloned().collect::<Vec<_>>();
    let tracks = |ids: &[&str]| {
        let strips: String = ids.iter().map(|id| format!("[track.{id}]\nfile = \"{id}.wav\"\n")).collect();
        document(&format!("version = 1\n{strips}"))
    };
    let base = tracks(&["a", "b", "c"]);
    let plan = tracks(&["c", "new", "b", "a"]);
    assert_eq!(order(&merge(Some(&base), &base, &plan).document), ["c", "new", "b", "a"]);
    // An addition stays behind what it stood behind.
    let added = tracks(&["a", "mine", "b", "c"]);
    assert_eq!(order(&merge(Some(&base), &added, &plan).document), ["c", "new", "b", "a", "mine"]);
    let moved = tracks(&["b", "a", "c"]);
    let merged = merge(Some(&base), &moved, &plan);
    assert_eq!(order(&merged.document), ["b", "a", "c", "new"]);
    assert_eq!(merged.yours, [path("track")]);
    // A plan that agrees does not take the order over.
    let merged = merge(Some(&base), &moved, &moved);
    assert_eq!(order(&merge(Some(&merged.base), &merged.document, &base).document), ["b", "a", "c"]);
}
