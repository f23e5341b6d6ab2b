//! Instructions of the hot paths, counted one by one, so that nobody loses a vector loop without noticing.
//!
//! Time would be no guard: a machine that does other things doubles it. `count.c` steps through one block of each path
//! instead, which needs neither counters of the processor nor a program that has to be installed, and gives the same
//! number on every run. The numbers belong to this profile (optimised, overflow checks on) and to AVX2. Elsewhere, and
//! where a machine forbids stepping, the tests say so and count as ignored.

// What is skipped is said aloud, and so is each count.
#![allow(clippy::print_stderr)]

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

/// Instructions for 64 frames in stereo; of loudness, for 960. What was counted stands here; another compiler, or a machine with
/// another copy of a library's routine, gives some percent more or less.
const PATHS: &[(&str, f64)] = &[
    // Blocks as short as these end often, where not all sections work; in those of a render it takes fewer than before.
    ("eq", 30_299.0),
    ("compressor", 8_574.0),
    ("multiband", 54_084.0),
    ("reverb", 114_530.0),
    ("delay", 13_480.0),
    ("convolution_reverb", 55_014.0),
    ("limiter", 44_197.0),
    ("loudness", 88_709.0),
    ("read_wav", 1_508.0),
];

/// What counts as a loss: less than any loop that is no longer a vector loop loses, more than a change of compiler.
const ROOM: f64 = 1.3;
/// Below this part of it the number is out of date and guards nothing.
const STALE: f64 = 0.6;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let counter = counter();
    let missing = counter.as_ref().err().cloned();
    if let Some(why) = &missing {
        eprintln!("SKIPPED, no instructions are counted: {why}");
    }
    let trials = PATHS.iter().map(|&(path, bound)| {
        let counter = counter.clone();
        let name = format!("{path}_needs_no_more_instructions");
        Trial::test(name, move || guard(&counter?, path, bound)).with_ignored_flag(missing.is_some())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The program that counts, made for this run; or why nothing can be counted.
fn counter() -> Result<PathBuf, String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", debug_assertions)) || !has_avx2() {
        return Err("the numbers are those of x86-64 with AVX2 on Linux, in the test profile".into());
    }
    let counter = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("count-{}", std::process::id()));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/count.c");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let made = Command::new(&compiler).args(["-O1", source, "-o"]).arg(&counter).output();
    match made {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => return Err(format!("`{compiler}`: {error}")),
    }
    match count(&counter, "gain").map_err(|error| error.to_string())? {
        output if output.status.code() == Some(77) => {
            Err("this machine does not let one program step another".into())
        }
        _ => Ok(counter),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    audio::vectors() >= audio::Vectors::Four
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

fn count(counter: &PathBuf, path: &str) -> std::io::Result<Output> {
    Command::new(counter).args([env!("CARGO_BIN_EXE_tonmeister-benches"), "step", path]).output()
}

fn guard(counter: &PathBuf, path: &str, bound: f64) -> Result<(), Failed> {
    let output = count(counter, path)?;
    let told = String::from_utf8_lossy(&output.stdout);
    let counted: f64 = told
        .lines()
        .find_map(|line| line.parse().ok())
        .ok_or_else(|| format!("{}: {told}{}", output.status, String::from_utf8_lossy(&output.stderr)))?;
    eprintln!("{path}: {counted} instructions, {bound} here");
    if counted > ROOM * bound {
        return Err(format!(
            "{path} takes {counted} instructions for a block, {:.2} times {bound}",
            counted / bound
        )
        .into());
    }
    if counted < STALE * bound {
        return Err(format!("{path} takes {counted} instructions only: write that instead of {bound}").into());
    }
    Ok(())
}
