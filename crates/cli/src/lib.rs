//! The command line: a thin face over `workflow`. Standard output is the result, standard error the talk.

mod args;
mod live;
mod manual;
mod print;
mod print_known;
mod progress;
mod reference;
mod run;
mod table;
mod views;
mod words;

use args::Cli;
use clap::{CommandFactory, Parser};
use progress::Teller;
pub use reference::reference;
use run::Answer;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use workflow::{Failure, WorkflowError};

/// What `tonmeister` alone prints.
const WELCOME: &str = "\
Tonmeister mixes and masters a song from its raw multitrack recordings.

  tonmeister demo                     a song with planted faults, mixed, mastered and explained
  tonmeister produce SONG/            your folder of tracks to a finished master and a report
  tonmeister master MIX.wav           a finished mix to a master

  scan, plan, why, set                look, decide, ask for reasons, change
  render, mix, master, deliver        audio from the session or from a finished mix
  measure, check, compare             numbers, pass or fail, differences
  processors, targets, roles          what it knows

`tonmeister COMMAND --help` says more. Recordings are never written to.
";

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    workflow::begin();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let Some(command) = cli.command else {
        let commands: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().into()).collect();
        let known = json!({
            "schema": "tonmeister.welcome/1", "version": env!("CARGO_PKG_VERSION"), "commands": commands,
        });
        out(&if cli.voice.json { format!("{known}\n") } else { WELCOME.to_string() });
        return ExitCode::SUCCESS;
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    // Without a handler an interrupt ends the program at once, which loses nothing either.
    let _ = ctrlc::set_handler(move || {
        // Somebody who asks twice does not want to wait for the end of a stage.
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(Failure::Interrupted.code().into());
        }
    });
    let teller = Teller::new(cli.voice.quiet);
    let context = workflow::Context { listener: &teller, cancel: &cancel, threads: cli.voice.threads };
    let result = run::run(command, &cli.voice, &context);
    teller.done();
    match result {
        Ok(Answer { text, complaints, failure }) => {
            out(&text);
            complaints.iter().for_each(|complaint| complain(complaint));
            ExitCode::from(failure.map_or(0, Failure::code))
        }
        Err(error) => {
            if cli.voice.json {
                out(&format!("{}\n", error_object(&error)));
            }
            let hint = error.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            complain(&format!("{error}{hint}"));
            ExitCode::from(error.failure().code())
        }
    }
}

/// A command line that means nothing, or asks for help or the version.
fn refuse(error: &clap::Error) -> ExitCode {
    let code = u8::try_from(error.exit_code()).unwrap_or(Failure::Usage.code());
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if code != 0 && wants_json {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        out(&format!("{}\n", object(Failure::Usage, text, None, json!([]))));
    }
    let _ = error.print();
    ExitCode::from(code)
}

fn error_object(error: &WorkflowError) -> Value {
    let problems = serde_json::to_value(error.problems()).expect("problems have only plain values");
    object(error.failure(), &error.to_string(), error.hint(), problems)
}

/// What `--json` prints instead of a result.
fn object(failure: Failure, error: &str, hint: Option<&str>, problems: Value) -> Value {
    json!({
        "schema": "tonmeister.error/1",
        "kind": failure.id(),
        "exit_code": failure.code(),
        "error": error,
        "hint": hint,
        "problems": problems,
    })
}

/// Writes the result; a closed pipe is no failure.
fn out(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Tells what went wrong, also to those who want quiet; a closed pipe is no failure.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "tonmeister: {text}");
}

/// The command line as clap sees it, with every name filled in.
fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_welcome_has_twelve_lines_and_names_every_command_of_the_work() {
        assert_eq!(WELCOME.lines().count(), 12);
        for command in Cli::command().get_subcommands().map(clap::Command::get_name) {
            let aside = matches!(command, "completions" | "man");
            assert!(aside || WELCOME.contains(command), "{command}");
        }
    }

    #[test]
    fn every_command_says_when_it_writes_nothing() {
        let writes = ["demo", "produce", "mix", "plan", "set", "render", "master", "deliver", "measure"];
        for command in Cli::command().get_subcommands() {
            let has_dry_run = command.get_arguments().any(|a| a.get_long() == Some("dry-run"));
            assert_eq!(has_dry_run, writes.contains(&command.get_name()), "{}", command.get_name());
        }
    }
}
