//! The terminal is given back, whatever ends the view. A terminal of its own comes from `script` of util-linux, which
//! every Linux has.

use super::screen::Screen;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the copy of this test program that runs in the other terminal.
const INSIDE: &str = "TONMEISTER_TEST_TERMINAL";

/// Runs only in the other terminal.
#[test]
fn a_view_that_ends_badly() {
    match std::env::var(INSIDE).as_deref() {
        Ok("panic") => {
            let _screen = Screen::open().unwrap();
            panic!("the last words");
        }
        Ok("exit") => {
            let screen = Screen::open().unwrap();
            std::mem::forget(screen);
            super::give_back();
            std::process::exit(7);
        }
        _ => {}
    }
}

/// What a program in a terminal of its own leaves: what it wrote, its exit code, and whether the terminal is as before.
fn in_a_terminal(folder: &Path, command: &str) -> (String, i32, bool) {
    let mut child = begin(folder, command);
    end(folder, &mut child)
}

fn begin(folder: &Path, command: &str) -> Child {
    // The exit code is the program's, and the settings are asked in the same terminal.
    let line = format!("stty -g > before; {command}; echo $? > code; stty -g > after");
    Command::new("script")
        .args(["-q", "-e", "-c", &line, "typescript"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`script` of util-linux")
}

fn end(folder: &Path, child: &mut Child) -> (String, i32, bool) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("it does not end: {}", seen(folder));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (seen(folder), read("code").trim().parse().unwrap(), read("before") == read("after"))
}

fn seen(folder: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join("typescript")).unwrap_or_default()).into_owned()
}

/// The other screen was entered and left, and the cursor is back.
fn assert_given_back(seen: &str, what: &str) {
    let last = |sequence: &str| seen.rfind(sequence);
    let entered = last("\x1b[?1049h").unwrap_or_else(|| panic!("{what}: the view was not there: {seen}"));
    assert!(
        last("\x1b[?1049l").is_some_and(|left| left > entered),
        "{what}: the other screen stays: {seen:?}"
    );
    assert!(last("\x1b[?25h") > last("\x1b[?25l"), "{what}: the cursor is hidden: {seen:?}");
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let program = std::env::current_exe().unwrap();
    for (how, code, said) in [("panic", 101, "the last words"), ("exit", 7, "")] {
        let folder = tempfile::tempdir().unwrap();
        let test = "live::terminal_tests::a_view_that_ends_badly";
        let command =
            format!("{INSIDE}={how} {} --exact {test} --nocapture --test-threads=1", program.display());
        let (seen, ended, same) = in_a_terminal(folder.path(), &command);
        assert_eq!(ended, code, "{how}: {seen}");
        assert!(same, "{how}: the settings of the terminal");
        assert_given_back(&seen, how);
        let after = &seen[seen.rfind("\x1b[?1049l").unwrap()..];
        assert!(after.contains(said), "{how}: what was said is on the screen that stays: {seen:?}");
    }
}
