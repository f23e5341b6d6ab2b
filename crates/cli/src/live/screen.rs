//! The terminal while it is ours; it is given back whatever happens.

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, Stdout, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a panic said: printed when the terminal is itself again, because the other screen takes it along.
static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>;

/// The terminal's other screen, without echo and cursor.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// What tells of a panic when the terminal is not ours.
    before: Option<Hook>,
}

impl Screen {
    pub(super) fn open() -> io::Result<Screen> {
        OURS.store(true, Ordering::SeqCst);
        enable_raw_mode().inspect_err(|_| give_back())?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        // From here on dropping it gives the terminal back.
        let screen = Screen { terminal, before: Some(panic::take_hook()) };
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
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
        } else if let Some(before) = self.before.take() {
            panic::set_hook(before);
        }
    }
}

/// Gives the terminal back, once. Whoever ends the program without leaving the view calls this first; whoever leaves
/// cannot do anything about a failure here.
pub(crate) fn give_back() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}
