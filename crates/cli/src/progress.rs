//! How the work goes, on standard error: a line per stage, and on a terminal a line that is rewritten.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;
use workflow::Listener;

/// Between two rewrites of the line, in milliseconds.
const REDRAW_MS: u128 = 100;

struct Stage {
    name: String,
    seconds: Option<f64>,
    begun: Instant,
    drawn: Instant,
    part: f64,
}

/// Tells standard error.
pub(crate) struct Teller {
    quiet: bool,
    /// Another run in the same folder is waited for.
    patient: bool,
    terminal: bool,
    stage: Mutex<Option<Stage>>,
}

impl Teller {
    pub(crate) fn new(quiet: bool, patient: bool) -> Teller {
        Teller { quiet, patient, terminal: std::io::stderr().is_terminal(), stage: Mutex::new(None) }
    }

    /// Ends the last stage's line.
    pub(crate) fn done(&self) {
        let mut stage = self.stage.lock().expect("nobody panics while telling");
        if let Some(last) = stage.take() {
            self.end(&last);
        }
    }

    fn end(&self, stage: &Stage) {
        if self.quiet {
            return;
        }
        let took = stage.begun.elapsed().as_secs_f64();
        // Only work on audio is worth a line of its own.
        if took < 0.05 {
            if self.terminal {
                self.say("\r\x1b[K");
            }
            return;
        }
        let speed = stage.seconds.map(|s| format!(", {:.0}x real time", s / took)).unwrap_or_default();
        let start = if self.terminal { "\r\x1b[K" } else { "" };
        self.say(&format!("{start}{} ({took:.1} s{speed})\n", stage.name));
    }

    fn say(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        // A closed standard error is no reason to stop working.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

impl Listener for Teller {
    fn stage(&self, name: &str, seconds: Option<f64>) {
        let mut stage = self.stage.lock().expect("nobody panics while telling");
        if let Some(last) = stage.take() {
            self.end(&last);
        }
        let now = Instant::now();
        *stage = Some(Stage {
            name: crate::words::harmless(name).into_owned(),
            seconds,
            begun: now,
            drawn: now,
            part: 0.0,
        });
    }

    fn progress(&self, part: f64) {
        if self.quiet || !self.terminal {
            return;
        }
        let mut stage = self.stage.lock().expect("nobody panics while telling");
        let Some(stage) = stage.as_mut() else { return };
        if part < stage.part || stage.drawn.elapsed().as_millis() < REDRAW_MS {
            return;
        }
        stage.part = part;
        stage.drawn = Instant::now();
        let took = stage.begun.elapsed().as_secs_f64();
        let left =
            if part > 0.02 { format!(", {:.0} s left", took * (1.0 - part) / part) } else { String::new() };
        let speed = stage
            .seconds
            .map(|s| format!(", {:.0}x real time", s * part / took.max(1e-3)))
            .unwrap_or_default();
        self.say(&format!("\r\x1b[K{} {:.0} %{speed}{left}", stage.name, part * 100.0));
    }

    fn waits_for(&self, holder: &str) -> bool {
        if self.patient {
            self.note(&format!("waiting for {holder} to be done in this folder"));
        }
        self.patient
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            let start = if self.terminal { "\r\x1b[K" } else { "" };
            self.say(&format!("{start}{}\n", crate::words::harmless(text)));
        }
    }
}
