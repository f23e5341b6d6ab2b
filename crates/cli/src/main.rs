//! The command line: a thin face over `workflow`. Standard output is the result, standard error the talk.

mod args;
mod print;
mod progress;
mod run;
mod table;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use progress::Teller;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `tonmeister` alone prints.
const WELCOME: &str = "\
Tonmeister mixes and masters a song from its raw multitrack recordings.

  tonmeister demo                     a song with planted faults, mixed, mastered and explained
  tonmeister produce SONG/            your folder of tracks to a finished master and a report

  scan, plan, why, set                look, decide, ask for reasons, change
  render, mix, master, deliver        audio from the session or from a finished mix
  measure, check, compare             numbers, pass or fail, differences
  processors, targets, roles          what it knows

`tonmeister COMMAND --help` says more. Recordings are never written to.
";

/// Exit code of a check that did not pass.
const NOT_PASSED: u8 = 3;

fn main() -> ExitCode {
    workflow::begin();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let Some(command) = cli.command else {
        out(WELCOME);
        return ExitCode::SUCCESS;
    };
    match command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tonmeister", &mut std::io::stdout());
            return ExitCode::SUCCESS;
        }
        Command::Man => {
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout());
            return if rendered.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        _ => {}
    }
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    // Without a handler an interrupt ends the program at once, which loses nothing either.
    let _ = ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed));
    let teller = Teller::new(cli.voice.quiet);
    let context = workflow::Context { listener: &teller, cancel: &cancel, threads: cli.voice.threads };
    let result = run::run(command, &cli.voice, &context);
    teller.done();
    match result {
        Ok(answer) => {
            out(&answer.text);
            if answer.passed { ExitCode::SUCCESS } else { ExitCode::from(NOT_PASSED) }
        }
        Err(error) => {
            complain(&error, cli.voice.json);
            ExitCode::from(error.failure() as u8)
        }
    }
}

/// Writes the result; a closed pipe is no failure.
fn out(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn complain(error: &workflow::WorkflowError, json: bool) {
    use std::io::Write;
    if json {
        let object = serde_json::json!({
            "schema": "tonmeister.error/1",
            "error": error.to_string(),
            "exit_code": error.failure() as u8,
        });
        out(&format!("{object}\n"));
    }
    let _ = writeln!(std::io::stderr().lock(), "tonmeister: {error}");
}
