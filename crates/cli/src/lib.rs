//! The command line: a thin face over `workflow`. Standard output is the result, standard error the talk.

mod args;
mod live;
mod manual;
mod print;
mod print_album;
mod print_between;
mod print_check;
mod print_known;
mod print_measured;
mod print_music;
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

  scan, plan, why, set, note          look, decide, ask for reasons, change, say what is wrong
  render, mix, master, deliver, album audio from the session or from finished mixes
  measure, check, compare, translate  numbers, pass or fail, differences, other loudspeakers
  processors, targets, roles          what it knows

`tonmeister COMMAND --help` says more. Recordings are never written to.
";

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    workflow::begin();
    outlive_limits();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let Some(command) = cli.command else {
        let commands: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().into()).collect();
        let known = json!({
            "schema": "tonmeister.welcome/1", "version": env!("CARGO_PKG_VERSION"), "commands": commands,
        });
        return out(
            &if cli.voice.json { format!("{known}\n") } else { WELCOME.to_string() },
            ExitCode::SUCCESS,
        );
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    // Without a handler an interrupt ends the program at once, which loses nothing either.
    let _ = ctrlc::set_handler(move || {
        // Somebody who asks twice does not want to wait for the end of a stage.
        if asked.swap(true, Ordering::Relaxed) {
            live::give_back();
            std::process::exit(Failure::Interrupted.code().into());
        }
    });
    let teller = Teller::new(cli.voice.quiet, cli.voice.wait);
    workflow::limit_threads(cli.voice.threads);
    let context = workflow::Context { listener: &teller, cancel: &cancel, threads: cli.voice.threads };
    let result = run::run(command, &cli.voice, &context);
    teller.done();
    match result {
        Ok(Answer { text, complaints, failure }) => {
            let code = out(&text, ExitCode::from(failure.map_or(0, Failure::code)));
            complaints.iter().for_each(|complaint| complain(complaint));
            code
        }
        Err(error) => {
            let mut code = ExitCode::from(error.failure().code());
            if cli.voice.json {
                code = out(&format!("{}\n", error_object(&error)), code);
            }
            let hint = error.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            complain(&format!("{error}{hint}"));
            code
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
        out(&format!("{}\n", object(Failure::Usage, text, None, json!([]))), ExitCode::SUCCESS);
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

/// A limit on the length of files is an error of writing, told like a full disk, and not the end of the program.
fn outlive_limits() {
    #[cfg(unix)]
    {
        let signal = signal_hook::consts::SIGXFSZ;
        // Without it the system ends the program, which leaves nothing but hidden files.
        let _ = signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)));
    }
}

/// Writes the result; gives the exit code, which is that of a failure where the result could not be written. A closed
/// pipe is none: whoever closed it has read enough.
fn out(text: &str, code: ExitCode) -> ExitCode {
    use std::io::{ErrorKind, Write};
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(words::harmless(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("the result could not be written: {error}"));
            ExitCode::from(Failure::Failed.code())
        }
        _ => code,
    }
}

/// Tells what went wrong, also to those who want quiet; a closed pipe is no failure.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "tonmeister: {}", words::harmless(text));
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
        let writes = [
            "demo",
            "produce",
            "mix",
            "plan",
            "set",
            "note",
            "render",
            "master",
            "deliver",
            "album",
            "check",
            "measure",
            "translate",
        ];
        for command in Cli::command().get_subcommands() {
            let has_dry_run = command.get_arguments().any(|a| a.get_long() == Some("dry-run"));
            assert_eq!(has_dry_run, writes.contains(&command.get_name()), "{}", command.get_name());
        }
    }
}
