//! What the invariants of ARCHITECTURE.md forbid is nowhere in the sources.

mod common;

use common::{files, shown, text};
use std::path::{Path, PathBuf};

/// The code of a file without comments and without its test module: what ships.
///
/// A `//` in a text ends the line too; nothing that is forbidden follows one.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = text(path);
    let shipped = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    shipped.map(|(n, line)| (n + 1, line.split("//").next().unwrap_or_default().to_string())).collect()
}

/// True where `line` has `word` not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // What begins or ends with a sign (`files::`) may have a letter there.
    let (begins, ends) = (letter(word.chars().next()), letter(word.chars().next_back()));
    line.match_indices(word).any(|(at, _)| {
        let before = letter(line[..at].chars().next_back());
        let after = letter(line[at + word.len()..].chars().next());
        let is_part = (begins && before) || (ends && after);
        !is_part
    })
}

/// Tests that live in files of their own.
fn is_test(path: &Path) -> bool {
    shown(path)
        .split('/')
        .any(|part| matches!(part, "tests" | "tests.rs" | "testing.rs" | "examples" | "benches"))
}

/// The manifests of all crates.
fn manifests() -> Vec<PathBuf> {
    files("crates", &["toml"]).into_iter().filter(|path| path.ends_with("Cargo.toml")).collect()
}

/// Fails where one of the words stands in what ships of a folder.
fn forbid(folder: &str, words: &[&str], why: &str) {
    for path in files(folder, &["rs"]).iter().filter(|path| !is_test(path)) {
        for (line, code) in code(path) {
            for word in words {
                assert!(!has_word(&code, word), "{}:{line}: `{word}`: {why}", shown(path));
            }
        }
    }
}

#[test]
fn only_session_uses_the_toml_library() {
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().expect("workspace metadata");
    let with_toml = |package: &cargo_metadata::Package| {
        package.dependencies.iter().any(|d| d.name.starts_with("toml")).then(|| package.name.to_string())
    };
    let users: Vec<String> = metadata.packages.iter().filter_map(with_toml).collect();
    assert_eq!(users, ["tonmeister-session"], "nothing but `session` writes the session file");
}

#[test]
fn assistant_and_mastering_are_pure() {
    let words = ["fs", "thread", "time", "Instant", "SystemTime", "files", "env", "net", "process"];
    let paths = words.map(|word| format!("std::{word}"));
    let paths: Vec<&str> =
        paths.iter().map(String::as_str).chain(["files::", "engine::", "workflow::", "rayon"]).collect();
    for folder in ["crates/assistant/src", "crates/mastering/src"] {
        forbid(folder, &paths, "steps are pure functions of facts and session");
    }
}

/// Kinds whose `response` keeps the filter it has just designed.
const DESIGNS: [&str; 2] = ["processors/match_eq/", "processors/phase_eq"];

#[test]
fn processors_never_wait_log_or_touch_files() {
    let words = [
        "Mutex",
        "RwLock",
        "Condvar",
        "Once",
        "OnceLock",
        "LazyLock",
        "Atomic",
        "AtomicBool",
        "AtomicU64",
        "AtomicUsize",
        "thread_local",
        "print",
        "println",
        "eprint",
        "eprintln",
        "dbg",
        "log",
        "tracing",
        "std::fs",
        "std::io",
        "std::net",
        "std::thread",
        "std::time",
        "rand",
    ];
    let is_method = |code: &str, word: &str| code.contains(&format!(".{word}("));
    for folder in ["crates/dsp/src/processors", "crates/dsp/src/blocks"] {
        for path in files(folder, &["rs"]).iter().filter(|path| !is_test(path)) {
            for (line, code) in code(path) {
                for word in words {
                    // `x.log(base)` is arithmetic.
                    // What a response remembers between two frequencies of a plot is never called in the audio path.
                    let of_plots =
                        *word == *"thread_local" && DESIGNS.iter().any(|kind| shown(path).contains(kind));
                    let found = has_word(&code, word) && !is_method(&code, word) && !of_plots;
                    assert!(!found, "{}:{line}: `{word}` has no place in the audio path", shown(path));
                }
            }
        }
    }
}

/// Only the program itself and the tool that never ships talk to a terminal.
#[test]
fn libraries_never_print() {
    let words = [
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "dbg!",
        "io::stdout",
        "io::stderr",
        "stdout()",
        "stderr()",
    ];
    let mut seen = 0;
    for manifest in manifests() {
        let folder = manifest.parent().expect("a crate's folder");
        let name = folder.file_name().expect("a name").to_string_lossy();
        if ["cli", "dev"].contains(&name.as_ref()) {
            continue;
        }
        seen += 1;
        forbid(&format!("crates/{name}/src"), &words, "a library tells its caller, not the terminal");
    }
    assert!(seen > 5, "the crates were looked for in the wrong place");
    for path in files("crates/cli/src", &["rs"]) {
        for (line, code) in code(&path) {
            for word in ["print!", "println!", "eprint!", "eprintln!", "process::exit"] {
                // These panic on a closed pipe; an interrupt that is repeated is the one way out without return, and a test
                // ends a program of its own so.
                let may_exit = ["src/lib.rs", "_tests.rs"].iter().any(|end| shown(&path).ends_with(end));
                let allowed = word == "process::exit" && may_exit;
                assert!(allowed || !code.contains(word), "{}:{line}: `{word}`", shown(&path));
            }
        }
    }
}

/// The one room for `unsafe`: calling a loop that is compiled for vectors which the machine was found to have.
const UNSAFE_ROOM: &str = "crates/audio/src/wide.rs";

#[test]
fn unsafe_code_stays_in_its_room() {
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "unsafe("];
    for path in files(".", &["rs"]) {
        let found = code(&path).into_iter().filter(|(_, code)| forms.iter().any(|form| has_word(code, form)));
        let lines: Vec<usize> = found.map(|(line, _)| line).collect();
        let most = if shown(&path) == UNSAFE_ROOM { 1 } else { 0 };
        assert!(lines.len() <= most || is_test(&path), "{}: unsafe at {lines:?}", shown(&path));
    }
    let manifest = text(&dev::root().join("Cargo.toml"));
    assert!(manifest.contains("unsafe_code = "), "the lint stands in the workspace's table");
    for path in manifests() {
        let manifest = text(&path);
        let inherits = manifest.contains("[lints]\nworkspace = true");
        assert!(inherits, "{}: has no `[lints] workspace = true`", shown(&path));
    }
}

/// A file that outgrows this holds more than one thing: split it by what its parts are about.
const MOST_LINES: usize = 650;

#[test]
fn no_file_is_too_long_to_be_read() {
    for path in files("crates", &["rs"]) {
        let lines = text(&path).lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines; split it, {MOST_LINES} at most", shown(&path));
    }
}

#[test]
fn every_crate_says_what_it_must_never_do() {
    let architecture = text(&dev::root().join("ARCHITECTURE.md"));
    for path in manifests() {
        let folder = path.parent().and_then(Path::file_name).expect("a crate's folder").to_string_lossy();
        let row = architecture.lines().find(|line| line.starts_with(&format!("| `{folder}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md: no row for `{folder}`"));
        let never = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        assert!(
            !never.is_empty() && row.matches('|').count() == 4,
            "ARCHITECTURE.md: `{folder}` must never what?"
        );
    }
}

#[test]
fn words_are_found_only_as_words() {
    assert!(has_word("let x = unsafe {", "unsafe") && has_word("std::fs::read", "std::fs"));
    assert!(has_word("files::open(path)", "files::") && !has_word("profiles::all()", "files::"));
    assert!(!has_word("'unsafe-inline_'", "unsafe-in") && !has_word("catalog(x)", "log"));
}
