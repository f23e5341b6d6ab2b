//! Which crate may use which: the table of ARCHITECTURE.md, against the workspace's own metadata.

use std::collections::{BTreeMap, BTreeSet};

/// Each crate and all of our crates it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("audio", &[]),
    ("dsp", &["audio"]),
    ("files", &["audio"]),
    ("measure", &["audio", "dsp"]),
    ("session", &["audio", "dsp"]),
    ("engine", &["audio", "dsp", "files", "session"]),
    ("assistant", &["audio", "dsp", "measure", "session"]),
    ("mastering", &["audio", "dsp", "measure", "session"]),
    ("delivery", &["audio", "dsp", "files", "measure"]),
    ("report", &["measure", "session"]),
    ("demo", &["audio"]),
    (
        "workflow",
        &[
            "audio",
            "dsp",
            "files",
            "measure",
            "session",
            "engine",
            "assistant",
            "mastering",
            "delivery",
            "report",
            "demo",
        ],
    ),
    ("cli", &["workflow"]),
    ("benches", &["assistant", "audio", "demo", "dsp", "engine", "files", "measure", "session", "workflow"]),
    ("dev", &["assistant", "audio", "cli", "delivery", "demo", "dsp", "measure", "session"]),
];

fn folder_of(package: &cargo_metadata::Package) -> String {
    package.manifest_path.parent().and_then(|p| p.file_name()).expect("a folder").to_string()
}

#[test]
fn no_arrow_outside_the_table() {
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().expect("workspace metadata");
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let names: BTreeMap<String, String> =
        metadata.packages.iter().map(|p| (p.name.to_string(), folder_of(p))).collect();
    let ours: BTreeSet<&str> = names.values().map(String::as_str).collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "the table names every crate");
    for package in &metadata.packages {
        let name = folder_of(package);
        for dependency in &package.dependencies {
            // Tests may look to the right (a test of `dsp` may use a meter); what ships may not.
            if dependency.kind != cargo_metadata::DependencyKind::Normal {
                continue;
            }
            if let Some(used) = names.get(&dependency.name) {
                assert!(allowed[name.as_str()].contains(used.as_str()), "{name} must not use {used}");
            }
        }
    }
}

#[test]
fn the_table_itself_points_one_way() {
    let place = |name: &str| ALLOWED.iter().position(|(n, _)| *n == name).expect("a crate of the table");
    for (name, uses) in ALLOWED {
        for used in *uses {
            assert!(place(used) < place(name), "{used} stands after {name}");
        }
    }
}

/// What carries the work on from one stage to the next meets in one place.
#[test]
fn only_workflow_joins_the_stages() {
    let stages = ["engine", "assistant", "mastering", "delivery"];
    for (name, uses) in ALLOWED {
        let joined = uses.iter().filter(|used| stages.contains(used)).count();
        // `dev` writes the manual, `benches` measures; neither ships.
        let may_join = ["workflow", "dev", "benches"].contains(name);
        assert!(joined <= 1 || may_join, "{name} joins {joined} stages, which is for `workflow` alone");
        assert!(!stages.contains(name) || joined == 0, "{name} knows another stage");
    }
    let faces: Vec<&str> = ALLOWED
        .iter()
        .filter(|(n, uses)| *n != "benches" && uses.contains(&"workflow"))
        .map(|(n, _)| *n)
        .collect();
    for face in faces {
        let (_, uses) = ALLOWED.iter().find(|(name, _)| *name == face).expect("found above");
        assert_eq!(*uses, ["workflow"], "a face knows nothing but `workflow`");
    }
}
