//! Files of the repository, for tests that look at all of them.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file under a folder of the workspace with one of these extensions, in order; what is built or hidden is left
/// out.
pub(crate) fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&dev::root().join(folder), extensions, &mut found);
    found.sort();
    assert!(!found.is_empty(), "{folder}: has no {extensions:?}");
    found
}

fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            walk(&path, extensions, found);
        } else if extensions.iter().any(|extension| path.extension().is_some_and(|e| e == *extension)) {
            found.push(path);
        }
    }
}

/// A path as people read it: from the workspace's folder.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(dev::root()).unwrap_or(path).display().to_string()
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", shown(path)))
}
