//! The terminal while it is ours; it is given back whatever happens.

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::{Mutex, PoisonError};

/// What a panic said: printed when the terminal is itself again, because the other screen takes it along.
static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

/// The terminal's other screen, without echo and cursor.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn open() -> io::Result<Screen> {
        enable_raw_mode()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()));
        // From here on dropping it gives the terminal back.
        let screen = terminal.map(|terminal| Screen { terminal }).inspect_err(|_| give_back())?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        let before = panic::take_hook();
        drop(before);
        panic::set_hook(Box::new(|info| {
            *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        }));
        Ok(screen)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        if std::thread::panicking() {
            let words = LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner).take();
            let _ = writeln!(io::stderr(), "{}", words.unwrap_or_default());
        }
    }
}

/// Whoever leaves cannot do anything about a failure here.
fn give_back() {
    let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}
