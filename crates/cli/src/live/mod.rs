//! `measure --live`: meters in the terminal.
//!
//! What is measured is `workflow`'s; here are the clock, the keys and the drawing.

mod app;
mod draw;
mod look;
mod marks;
mod panels;
mod screen;

use app::App;
pub(crate) use app::SPEEDS;
use look::Look;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use screen::Screen;
pub(crate) use screen::give_back;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use workflow::{Context, WorkflowError};

/// The meters are drawn twenty times a second; EBU Tech 3341 asks for ten.
const FRAME: Duration = Duration::from_millis(50);

/// How the view was left.
pub(crate) struct Left {
    /// What was read of the file that was shown last.
    pub(crate) text: String,
    /// By Ctrl-C.
    pub(crate) interrupted: bool,
}

/// Shows files until the user has seen enough.
pub(crate) fn live(files: &[PathBuf], speed: f64, context: &Context) -> Result<Left, WorkflowError> {
    // Opened first: what cannot be read is told without a flash of another screen.
    let mut app = App::new(files, speed)?;
    if !io::stdout().is_terminal() {
        return Err(WorkflowError::Usage(
            "--live draws on a terminal, and standard output is none; `tonmeister measure --json --series FILE` gives \
             scripts the same over time"
                .into(),
        ));
    }
    let failed = |source| WorkflowError::Io { path: "the terminal".into(), action: "draw on it", source };
    let mut screen = Screen::open().map_err(failed)?;
    let look = Look::of_terminal();
    let mut then = Instant::now();
    while !app.left() {
        if context.cancel.load(Ordering::Relaxed) {
            app.interrupt();
            break;
        }
        let now = Instant::now();
        app.play(now.duration_since(then).as_secs_f64())?;
        then = now;
        screen.draw(|frame| draw::draw(frame.area(), frame.buffer_mut(), &app.view(look))).map_err(failed)?;
        // Keys are taken at once; the picture waits for its turn. A machine that is late with it still takes every key.
        while event::poll(FRAME.saturating_sub(then.elapsed())).map_err(failed)? {
            match event::read().map_err(failed)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => app.key(key)?,
                Event::Resize(..) => break,
                _ => {}
            }
            if app.left() {
                break;
            }
        }
    }
    drop(screen);
    Ok(Left { text: app.summary(), interrupted: app.interrupted() })
}

/// A file's name for the screen: no control character gets into the terminal.
fn shown_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod terminal_tests;
#[cfg(test)]
mod tests;
