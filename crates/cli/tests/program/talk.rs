//! What people see: the welcome, help, silence when asked for, completions and the manual page.

use crate::common::{song, succeeds, tonmeister, voice, wav16, words};
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn alone_it_prints_twelve_lines() {
    let folder = tempfile::tempdir().unwrap();
    let ran = succeeds(folder.path(), "");
    assert_eq!(ran.stdout.lines().count(), 12, "{ran:?}");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{ran:?}");
    assert!(ran.stdout.contains("tonmeister demo") && ran.stdout.contains("tonmeister produce"), "{ran:?}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn help_and_version_are_results() {
    let folder = tempfile::tempdir().unwrap();
    assert!(succeeds(folder.path(), "--version").stdout.starts_with("tonmeister "));
    for line in ["--help", "plan --help", "render -h", "set --help"] {
        let ran = succeeds(folder.path(), line);
        assert!(ran.stdout.contains("Usage: tonmeister"), "{ran:?}");
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let folder = song();
    std::fs::write(folder.path().join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    for line in
        ["scan song", "plan song", "mix song", "measure mix.wav", "compare mix.wav mix.wav", "check mix.wav"]
    {
        let ran = tonmeister(folder.path(), &words(&format!("-q {line}")));
        assert_eq!(ran.stderr, "", "{line}");
        assert!(!ran.stdout.is_empty(), "{line}");
    }
    let ran = tonmeister(folder.path(), &words("mix song"));
    assert!(!ran.stderr.is_empty(), "else this proves nothing");
}

/// Text is for people: no line is endless, and what is a number has a unit.
#[test]
fn the_plan_says_what_it_did_in_lines_that_can_be_read() {
    let folder = song();
    let ran = succeeds(folder.path(), "plan song");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 160), "{ran:?}");
    assert!(ran.stdout.contains("track.lead_vox"), "{ran:?}");
    let again = succeeds(folder.path(), "plan song");
    assert!(again.stdout.contains("0 changes") && !again.stdout.contains("yours"), "{again:?}");
    let why = succeeds(folder.path(), "why lead_vox.fader_db -C song");
    assert!(why.stdout.contains("measured:") && why.stdout.contains("LU"), "{why:?}");
}

#[test]
fn colours_are_not_forced_on_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = assert_cmd::Command::cargo_bin("tonmeister").unwrap();
    let output = command.current_dir(folder.path()).env("NO_COLOR", "1").arg("sing").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.contains(&b'\x1b') && !output.stderr.is_empty());
}

/// Nobody reads on: `tonmeister targets | head -1`.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure() {
    for line in ["completions bash", "man", "roles", "processors --json"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tonmeister"))
            .args(words(line))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    }
}

/// Runs a checker where there is one; the answer is of no use where there is none.
fn checked_by(program: &str, arguments: &[&str], text: &str) -> Option<(bool, String)> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), said))
}

#[test]
fn completions_know_every_command_and_shells_read_them() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = succeeds(folder.path(), &format!("completions {shell}")).stdout;
        for word in ["produce", "deliver", "dry-run", "reference"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let no_run = if shell == "fish" { "--no-execute" } else { "-n" };
        if let Some((good, said)) = checked_by(shell, &[no_run], &script) {
            assert!(good, "{shell}: {said}");
        }
    }
}

#[test]
fn the_manual_page_is_roff_and_names_everything() {
    let folder = tempfile::tempdir().unwrap();
    let page = succeeds(folder.path(), "man").stdout;
    assert!(page.contains(".TH tonmeister 1"), "{}", &page[..200]);
    for section in
        ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "PRODUCE", "CHECK", "\"EXIT STATUS\"", "FILES"]
    {
        let heading = |line: &str| {
            line.strip_prefix(".SH ").is_some_and(|name| name.trim_matches('"') == section.trim_matches('"'))
        };
        assert!(page.lines().any(heading), "{section}");
    }
    assert!(page.contains("dry\\-run"), "options are in it");
    // A line that begins with a dot or a quote is an instruction: of those only these are used.
    let known = [
        ".TH", ".SH", ".SS", ".TP", ".RS", ".RE", ".PP", ".I", ".br", ".ie", ".el", ".nf", ".fi", ".B", ".IP",
    ];
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        assert!(known.contains(&line.split_whitespace().next().unwrap()), "{line}");
    }
    if let Some((good, said)) = checked_by("mandoc", &["-T", "lint", "-W", "error"], &page) {
        assert!(good, "{said}");
    }
}
