//! `cargo run -p tonmeister-dev -- generate`: writes every generated file of the repository.

use std::io::Write;
use std::process::ExitCode;
use std::{fs, io};

const USAGE: &str = "\
usage: cargo run -p tonmeister-dev -- generate

  generate    write the schema, the reference pages and their plots under docs/
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate"] => match generate() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "tonmeister-dev: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            let _ = io::stderr().write_all(USAGE.as_bytes());
            ExitCode::from(2)
        }
    }
}

/// Writes what differs, takes away what is no longer generated, and says so.
fn generate() -> io::Result<()> {
    let root = dev::root();
    let mut out = io::stdout().lock();
    let files = dev::files(&fs::read_to_string(root.join("docs/SUMMARY.md"))?);
    for (path, text) in &files {
        let place = root.join(path);
        if fs::read_to_string(&place).is_ok_and(|old| old == *text) {
            continue;
        }
        fs::create_dir_all(place.parent().expect("a generated file lies in a folder"))?;
        fs::write(&place, text)?;
        writeln!(out, "wrote {path}")?;
    }
    for entry in fs::read_dir(root.join(dev::GENERATED_FOLDER))? {
        let name = entry?.file_name();
        let path = format!("{}/{}", dev::GENERATED_FOLDER, name.to_string_lossy());
        if !files.contains_key(&path) {
            fs::remove_file(root.join(&path))?;
            writeln!(out, "removed {path}")?;
        }
    }
    writeln!(out, "{} generated files are fresh", files.len())
}
