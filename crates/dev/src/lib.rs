//! Regenerates schema, references and plots; guards the shape of the workspace. Never ships.
//!
//! [`files`] makes every generated file of the repository from the descriptions in the code: the JSON schema of the
//! session file, a page per processor with measured plots, roles, targets, readings, every published case of a meter, the command
//! line, and the demo's planted faults.
//! `cargo run -p tonmeister-dev -- generate` writes them; a test compares them with what is committed.

mod demo_faults;
mod keys;
mod markdown;
mod measured;
mod meter_cases;
mod plot;
mod processors;
mod readings;
mod recipes;
mod roles;
mod summary;
mod targets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder in which every file is a generated one.
pub const GENERATED_FOLDER: &str = "docs/reference/processors";

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every generated file: its path from the workspace's folder, with `/`, and its text.
///
/// `summary` is the book's table of contents as it stands; only its lines about processors are generated.
pub fn files(summary: &str) -> BTreeMap<String, String> {
    let mut files = processors::files();
    let mut add = |path: &str, text: String| files.insert(format!("docs/{path}"), text);
    add("reference/session.schema.json", format!("{:#}\n", session::json_schema()));
    add("reference/session-keys.md", keys::page());
    add("reference/roles.md", roles::page());
    add("reference/targets.md", targets::page());
    add("reference/readings.md", readings::page());
    add("reference/meter-cases.md", meter_cases::page());
    add("reference/command-line.md", cli::reference(markdown::GENERATED));
    add("tutorial/planted-faults.md", demo_faults::page());
    add("SUMMARY.md", summary::with_processors(summary));
    files
}
