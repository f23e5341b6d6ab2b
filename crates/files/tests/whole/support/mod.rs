//! Programs of others, as witnesses; tests of other crates use this file too.
#![allow(dead_code)] // Each test file uses its part.

use std::io::Write;
use std::process::{Command, Output};

/// Says that a part of this test is left out: on the error stream itself, which no test runner hides, with the name of the
/// test in brackets, by which `.ci/run` counts it as skipped.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED[{}]: {why}\n", thread.name().unwrap_or("?"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Says that something is not tested in this build; another build of the same tests has it.
pub(crate) fn left_out(what: &str) {
    let _ = std::io::stderr().write_all(format!("LEFT OUT: {what}\n").as_bytes());
}

/// Runs another's program; says loudly where there is none. With `TONMEISTER_ALL_PROGRAMS` set that is a failure.
pub(crate) fn independent(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            skipped(&format!("{program} is not installed; what it would prove is not proved here"));
            assert!(std::env::var_os("TONMEISTER_ALL_PROGRAMS").is_none(), "{program} is required here");
            None
        }
    }
}
