//! The state of the view: which file, where in it, and what the keys have chosen.

use super::look::Look;
use super::shown_name;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::path::PathBuf;
use workflow::{LivePlayer, LiveSnapshot, WorkflowError};

/// A machine that was asleep or is too slow loses time, not control: no more than this is played at once, in seconds.
const LONGEST_STEP_S: f64 = 0.25;
/// What the arrow keys move by, and the page keys, in seconds.
const STEP_S: f64 = 5.0;
const LONG_STEP_S: f64 = 30.0;
/// How slow and fast it plays.
pub(crate) const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=16.0;

/// The two scales of EBU Tech 3341, clause 2.7: LU about -23 LUFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Plus9,
    Plus18,
}

impl Scale {
    /// Both ends in LUFS.
    pub(super) fn ends_lufs(self) -> (f64, f64) {
        match self {
            Scale::Plus9 => (-41.0, -14.0),
            Scale::Plus18 => (-59.0, -5.0),
        }
    }

    /// The distance of its ticks, in LU.
    pub(super) fn step_lu(self) -> f64 {
        match self {
            Scale::Plus9 => 3.0,
            Scale::Plus18 => 6.0,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Scale::Plus9 => "EBU +9",
            Scale::Plus18 => "EBU +18",
        }
    }
}

/// Everything that a picture of the meters needs.
pub(super) struct View<'a> {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) place: (usize, usize),
    pub(super) position_s: f64,
    pub(super) duration_s: f64,
    pub(super) speed: f64,
    pub(super) paused: bool,
    pub(super) ended: bool,
    pub(super) scale: Scale,
    /// LU about -23 LUFS instead of LUFS.
    pub(super) relative: bool,
    /// The history shows short-term instead of momentary loudness.
    pub(super) short_history: bool,
    pub(super) help: bool,
    pub(super) trouble: Option<&'a str>,
    pub(super) snapshot: LiveSnapshot,
    pub(super) look: Look,
}

/// The view at work.
pub(super) struct App<'a> {
    files: &'a [PathBuf],
    file: usize,
    player: LivePlayer,
    /// Where the play head should be, in seconds.
    clock_s: f64,
    speed: f64,
    paused: bool,
    scale: Scale,
    relative: bool,
    short_history: bool,
    help: bool,
    trouble: Option<String>,
    left: bool,
    interrupted: bool,
}

impl<'a> App<'a> {
    /// Opens the first file.
    pub(super) fn new(files: &'a [PathBuf], speed: f64) -> Result<App<'a>, WorkflowError> {
        Ok(App {
            player: LivePlayer::open(&files[0])?,
            files,
            file: 0,
            clock_s: 0.0,
            speed,
            paused: false,
            scale: Scale::Plus18,
            relative: false,
            short_history: false,
            help: false,
            trouble: None,
            left: false,
            interrupted: false,
        })
    }

    pub(super) fn left(&self) -> bool {
        self.left
    }

    pub(super) fn interrupted(&self) -> bool {
        self.interrupted
    }

    pub(super) fn interrupt(&mut self) {
        (self.left, self.interrupted) = (true, true);
    }

    /// Lets so much time pass, in seconds.
    pub(super) fn play(&mut self, seconds: f64) -> Result<(), WorkflowError> {
        if !self.paused && !self.player.ended() {
            self.clock_s += seconds.min(LONGEST_STEP_S) * self.speed;
            self.player.play_to(self.clock_s)?;
        }
        Ok(())
    }

    /// Obeys a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> Result<(), WorkflowError> {
        self.trouble = None;
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if control => self.interrupt(),
            KeyCode::Char('q') => self.left = true,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Esc => self.left = true,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Char(' ') if self.player.ended() => self.seek(0.0)?,
            KeyCode::Char(' ') => self.paused = !self.paused,
            KeyCode::Char('r') => self.player.reset()?,
            KeyCode::Char('s') => {
                self.scale = if self.scale == Scale::Plus9 { Scale::Plus18 } else { Scale::Plus9 };
            }
            KeyCode::Char('u') => self.relative = !self.relative,
            KeyCode::Char('m') => self.short_history = !self.short_history,
            KeyCode::Char('+' | '=') => self.speed = (self.speed * 2.0).min(*SPEEDS.end()),
            KeyCode::Char('-') => self.speed = (self.speed / 2.0).max(*SPEEDS.start()),
            KeyCode::Left => self.seek(self.clock_s - STEP_S)?,
            KeyCode::Right => self.seek(self.clock_s + STEP_S)?,
            KeyCode::PageUp => self.seek(self.clock_s - LONG_STEP_S)?,
            KeyCode::PageDown => self.seek(self.clock_s + LONG_STEP_S)?,
            KeyCode::Home => self.seek(0.0)?,
            KeyCode::Char('n') => self.open(self.file + 1),
            KeyCode::Char('p') => self.open(self.file.wrapping_sub(1)),
            _ => {}
        }
        Ok(())
    }

    fn seek(&mut self, seconds: f64) -> Result<(), WorkflowError> {
        self.clock_s = seconds.clamp(0.0, self.player.duration_s());
        self.player.seek(self.clock_s)
    }

    /// Another file, where there is one; one that cannot be read is told, and this one stays.
    fn open(&mut self, file: usize) {
        let Some(path) = self.files.get(file) else { return };
        match LivePlayer::open(path) {
            Ok(player) => (self.player, self.file, self.clock_s) = (player, file, 0.0),
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }

    /// What is to be drawn now.
    pub(super) fn view(&self, look: Look) -> View<'_> {
        let rate = format!("{} kHz", self.player.sample_rate_hz() / 1000.0);
        let snapshot = self.player.snapshot();
        let channels = match snapshot.channels.len() {
            1 => "mono".to_string(),
            2 => "stereo".to_string(),
            n => format!("{n} channels"),
        };
        View {
            name: shown_name(&self.files[self.file]),
            about: format!("{}, {rate}, {channels}", self.player.format()),
            place: (self.file + 1, self.files.len()),
            position_s: self.player.position_s(),
            duration_s: self.player.duration_s(),
            speed: self.speed,
            paused: self.paused,
            ended: self.player.ended(),
            scale: self.scale,
            relative: self.relative,
            short_history: self.short_history,
            help: self.help,
            trouble: self.trouble.as_deref(),
            snapshot,
            look,
        }
    }

    /// What was read of the file on screen, to stay when the view is gone.
    pub(super) fn summary(&self) -> String {
        let now = self.player.snapshot();
        let value = |value: Option<f64>, unit: &str| match value {
            Some(value) => format!("{value:.1} {unit}"),
            None => format!("- {unit}"),
        };
        let whole = self.player.ended() && now.measured_s + 0.5 >= self.player.duration_s();
        let part = if whole { String::new() } else { format!(" ({} heard)", clock(now.measured_s)) };
        format!(
            "{}{part}: integrated {}, range {}, loudest 400 ms {}, loudest 3 s {}, true peak {}\n",
            shown_name(&self.files[self.file]),
            value(now.integrated_lufs, "LUFS"),
            value(now.loudness_range_lu, "LU"),
            value(now.max_momentary_lufs, "LUFS"),
            value(now.max_short_term_lufs, "LUFS"),
            value(now.true_peak_dbtp, "dBTP"),
        )
    }
}

/// Minutes and seconds; hours where there are any.
pub(super) fn clock(seconds: f64) -> String {
    let all = seconds.max(0.0).floor() as u64;
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
