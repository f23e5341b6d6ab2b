//! Which meters fit on the screen, and where: the more room, the more is shown.

use super::app::View;
use super::look::Role;
use super::marks::Cells;
use super::panels;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Below this there is room for three numbers only.
const LEAST: (u16, u16) = (34, 8);
/// From here on a goniometer stands beside the spectrum.
const WIDE: u16 = 100;
/// No panel grows beyond this: bars as long as a hand are no better to read.
const WIDEST: u16 = 160;
const HIGHEST_SPECTRUM: u16 = 32;

/// Draws everything.
pub(super) fn draw(area: Rect, buffer: &mut Buffer, view: &View) {
    let mut cells = Cells { buffer, look: view.look };
    if area.width < LEAST.0 || area.height < LEAST.1 {
        panels::smallest(&mut cells, area, view);
        return;
    }
    let area = Rect {
        x: area.x + 1 + (area.width.saturating_sub(WIDEST + 2)) / 2,
        width: (area.width - 2).min(WIDEST),
        ..area
    };
    let mut rows = Rows { area, used: 0 };
    let keys = Rect { y: area.y + area.height - 1, height: 1, ..area };
    rows.area.height -= 1;
    panels::keys(&mut cells, keys, view);
    if view.help {
        panels::title(&mut cells, rows.take(2), view);
        panels::help(&mut cells, rows.take(rows.left()));
        return;
    }
    let stereo = view.snapshot.channels.len() == 2;
    let channels = (view.snapshot.channels.len() as u16).min(rows.left().saturating_sub(8).max(1));
    let airy = rows.left() >= 19 + channels;
    panels::title(&mut cells, rows.take(2), view);
    rows.gap(airy && rows.left() >= 20);
    panels::loudness(&mut cells, rows.take(4), view);
    panels::figures(&mut cells, rows.take(1), view);
    rows.gap(airy);
    panels::peaks(&mut cells, rows.take(channels + 1), view);
    if stereo {
        panels::image(&mut cells, rows.take(1), view);
    }
    rows.gap(airy);
    // Two thirds of what is left are the spectrum's, and a goniometer stands beside it where there is room.
    let history = match rows.left() {
        0..=4 => 0,
        left => (left / 3).max(2),
    };
    let lower = rows.take((rows.left() - history).min(HIGHEST_SPECTRUM));
    let beside = if stereo && lower.width >= WIDE && lower.height >= 8 { lower.height * 2 + 2 } else { 0 };
    panels::spectrum(&mut cells, Rect { width: lower.width - beside, ..lower }, view);
    let scope = Rect { x: lower.x + lower.width - beside, width: beside, ..lower };
    panels::goniometer(&mut cells, scope, view);
    let history = rows.take(rows.left().min(HIGHEST_SPECTRUM / 2));
    panels::history(&mut cells, history, view);
    if let Some(trouble) = view.trouble {
        cells.text(Rect { y: keys.y - 1, ..keys }, 0, 0, &format!(" {trouble} "), Role::Over);
    }
}

/// Rows of an area from top to bottom, as far as they go.
struct Rows {
    area: Rect,
    used: u16,
}

impl Rows {
    fn left(&self) -> u16 {
        self.area.height - self.used
    }

    fn take(&mut self, rows: u16) -> Rect {
        let height = rows.min(self.left());
        let taken = Rect { y: self.area.y + self.used, height, ..self.area };
        self.used += height;
        taken
    }

    fn gap(&mut self, wanted: bool) {
        if wanted {
            self.take(1);
        }
    }
}
