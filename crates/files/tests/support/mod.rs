//! Programs of others, as witnesses.

use std::process::{Command, Output};

/// Runs another's program; says loudly where there is none. With `TONMEISTER_ALL_PROGRAMS` set, as in CI, that is a failure.
#[allow(clippy::print_stdout)]
pub(crate) fn independent(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            println!("SKIPPED: {program} is not installed; what it would prove is not proved here");
            assert!(std::env::var_os("TONMEISTER_ALL_PROGRAMS").is_none(), "{program} is required here");
            None
        }
    }
}
