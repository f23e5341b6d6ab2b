//! Colours and signs that the terminal can show.

use ratatui::style::{Color, Modifier, Style};

/// What something means, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    Dim,
    Strong,
    /// Loudness.
    Accent,
    /// Peaks far from, near and above the permitted maximum.
    Good,
    Near,
    Over,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) colour: bool,
    /// More than ASCII.
    pub(super) signs: bool,
}

impl Look {
    /// Colours unless `NO_COLOR` is set (no-color.org) or the terminal is a dumb one; signs where the locale has UTF-8.
    pub(super) fn of_terminal() -> Look {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name));
        let utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Look { colour: set("NO_COLOR").is_none() && !dumb, signs: utf8 || cfg!(windows) }
    }

    pub(super) fn style(self, role: Role) -> Style {
        let style = Style::new();
        if !self.colour {
            return match role {
                Role::Strong | Role::Near => style.add_modifier(Modifier::BOLD),
                Role::Over => style.add_modifier(Modifier::BOLD | Modifier::REVERSED),
                Role::Dim => style.add_modifier(Modifier::DIM),
                _ => style,
            };
        }
        match role {
            Role::Plain => style,
            Role::Dim => style.fg(Color::DarkGray),
            Role::Strong => style.add_modifier(Modifier::BOLD),
            Role::Accent => style.fg(Color::Cyan),
            Role::Good => style.fg(Color::Green),
            Role::Near => style.fg(Color::Yellow),
            Role::Over => style.fg(Color::LightRed).add_modifier(Modifier::BOLD),
        }
    }

    /// The first where more than ASCII can be shown.
    pub(super) fn pick<T>(self, sign: T, ascii: T) -> T {
        if self.signs { sign } else { ascii }
    }

    /// A block of so many eighths of a cell from the left.
    pub(super) fn left_block(self, eighths: usize) -> char {
        match (self.signs, eighths) {
            (true, n) => [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'][n.min(8)],
            (false, 0..=3) => ' ',
            (false, _) => '=',
        }
    }

    /// A block of so many eighths of a cell from below.
    pub(super) fn low_block(self, eighths: usize) -> char {
        match (self.signs, eighths) {
            (true, n) => [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][n.min(8)],
            (false, 0..=1) => ' ',
            (false, 2..=4) => '.',
            (false, 5..=7) => ':',
            (false, _) => '#',
        }
    }
}
