//! Generated files are fresh, and nothing stands beside them that is not generated any more.

use std::fs;

/// What to do about any failure here.
const REMEDY: &str = "run `cargo run -p tonmeister-dev -- generate` and commit what it writes";

#[test]
fn generated_files_are_as_committed() {
    let root = dev::root();
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).expect("docs/SUMMARY.md");
    let files = dev::files(&summary);
    for (path, text) in &files {
        let committed = fs::read_to_string(root.join(path)).unwrap_or_default();
        let differs = text.lines().zip(committed.lines()).position(|(new, old)| new != old);
        let line = differs.unwrap_or(text.lines().count().min(committed.lines().count())) + 1;
        assert!(*text == committed, "{path}: line {line} is stale; {REMEDY}");
    }
    for entry in fs::read_dir(root.join(dev::GENERATED_FOLDER)).expect("the folder of generated pages") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let path = format!("{}/{name}", dev::GENERATED_FOLDER);
        assert!(files.contains_key(&path), "{path}: is no longer generated; {REMEDY}");
    }
}
