//! How fast, and in how much memory.
//!
//! `cargo run --release -p tonmeister-benches` runs everything; a name after `--` runs one part. Every part runs
//! in a process of its own, so that its peak memory is its own. CPU time counts all threads and hardly depends
//! on what else the machine does; wall time does. Everything is synthesised from fixed seeds.

mod clock;
mod endurance;
mod faults;
mod kinds;
mod meters;
mod peers;
mod render;
mod roofline;
mod song;
mod sound;
mod steps;
mod work;

use song::Rides;
use std::io::Write;
use std::process::{Command, ExitCode};

type Failure = Box<dyn std::error::Error>;

/// Prints a line of the result.
fn say(line: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// What can be run: its words on the command line, and its title.
const PARTS: &[(&[&str], &str)] = &[
    (&["render", "3"], "render, 16 tracks, 3 minutes"),
    (&["render", "30"], "render, 16 tracks, 30 minutes: the same memory"),
    (&["kinds"], "processors"),
    (&["meters"], "meters, over 4 minutes of stereo at 44.1 kHz"),
    (&["files"], "decoding and resampling, 4 minutes of stereo"),
];

fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        [] => {
            for (words, title) in PARTS {
                say(&format!("## {title}\n"))?;
                let status = Command::new(std::env::current_exe()?).args(*words).status()?;
                if !status.success() {
                    return Err(format!("{} failed: {status}", words.join(" ")).into());
                }
                say("")?;
            }
            Ok(())
        }
        ["render", minutes] => render::run(minutes.parse()?),
        ["song", minutes, folder] => {
            song::write(folder.as_ref(), minutes.parse()?, song::TRACKS, Rides::All)
        }
        ["session", folder, target] => render::of_folder(folder.as_ref(), target.as_ref(), None),
        ["session", folder, target, slab_frames] => {
            render::of_folder(folder.as_ref(), target.as_ref(), Some(slab_frames.parse()?))
        }
        ["scale", tracks, minutes] => render::scale(tracks.parse()?, minutes.parse()?, Rides::All),
        ["scale", tracks, minutes, "without-rides"] => {
            render::scale(tracks.parse()?, minutes.parse()?, Rides::None)
        }
        ["roofline"] => roofline::run(),
        ["kinds", kinds @ ..] => kinds::run(kinds),
        ["meters"] => meters::meters(),
        ["files"] => meters::files(),
        ["peers", files @ ..] => peers::run(files),
        ["faults", words @ ..] => faults::run(words),
        ["endurance", words @ ..] => endurance::run(words),
        ["sound", words @ ..] => sound::run(words),
        ["step", path] => steps::run(path),
        _ => Err(
            "run without words, or with one of: render MINUTES, song MINUTES FOLDER, session FOLDER FILE [SLAB_FRAMES], \
             scale TRACKS MINUTES [without-rides], roofline, kinds KIND ..., meters, files, peers FILE ..., faults [SESSIONS] [each] [from TAKE], endurance, sound signals FOLDER, sound table FOLDER, step PATH"
                .into(),
        ),
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
