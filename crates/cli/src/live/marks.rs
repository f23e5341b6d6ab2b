//! Text, bars and dots on cells; nothing outside of its area, whatever the numbers are.

use super::look::{Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A place between 0 and 1 of a scale; what is not a number stands at its low end.
pub(super) fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    let share = (value - low) / (high - low);
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// What panels draw on.
pub(super) struct Cells<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) look: Look,
}

impl Cells<'_> {
    /// Text from a column of an area on; gives the column after it.
    pub(super) fn text(&mut self, area: Rect, column: u16, row: u16, text: &str, role: Role) -> u16 {
        if row >= area.height || column >= area.width {
            return column;
        }
        let room = usize::from(area.width - column);
        let (x, _) =
            self.buffer.set_stringn(area.x + column, area.y + row, text, room, self.look.style(role));
        x - area.x
    }

    /// Text that ends before a column of an area.
    pub(super) fn text_to(&mut self, area: Rect, end: u16, row: u16, text: &str, role: Role) {
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        if width <= end {
            self.text(area, end - width, row, text, role);
        }
    }

    pub(super) fn sign(&mut self, area: Rect, column: u16, row: u16, sign: char, role: Role) {
        if column < area.width && row < area.height {
            let style = self.look.style(role);
            if let Some(cell) = self.buffer.cell_mut((area.x + column, area.y + row)) {
                cell.set_char(sign).set_style(style);
            }
        }
    }

    /// A bar along a row, filled to a share of its width; each cell's role by its own share.
    pub(super) fn bar(&mut self, area: Rect, filled: f64, role: impl Fn(f64) -> Role) {
        let eighths = (filled * f64::from(area.width) * 8.0).round() as usize;
        for column in 0..area.width {
            let here = eighths.saturating_sub(usize::from(column) * 8).min(8);
            let sign = self.look.left_block(here);
            if here == 0 || sign == ' ' {
                self.sign(area, column, 0, self.look.pick('·', '.'), Role::Dim);
            } else {
                self.sign(area, column, 0, sign, role((f64::from(column) + 0.5) / f64::from(area.width)));
            }
        }
    }

    /// A mark over a bar, at a share of its width.
    pub(super) fn mark(&mut self, area: Rect, place: f64, role: Role) {
        if area.width > 0 {
            let column = (place * f64::from(area.width)).floor().min(f64::from(area.width - 1)) as u16;
            self.sign(area, column, 0, self.look.pick('┃', '|'), role);
        }
    }

    /// A column of an area, filled from below to a share of its height.
    pub(super) fn pillar(&mut self, area: Rect, column: u16, filled: f64, role: Role) {
        let eighths = (filled * f64::from(area.height) * 8.0).round() as usize;
        for row in 0..area.height {
            let below = usize::from(area.height - 1 - row) * 8;
            let here = eighths.saturating_sub(below).min(8);
            if here > 0 {
                self.sign(area, column, row, self.look.low_block(here), role);
            }
        }
    }

    /// Points of a picture whose sides run from -1 to 1, up being +1.
    pub(super) fn dots(&mut self, area: Rect, points: impl Iterator<Item = (f64, f64)>, role: Role) {
        // A cell has 2 x 4 Braille dots (Unicode 28xx), or is one dot.
        let (across, down) = self.look.pick((2, 4), (1, 1));
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let mut cells = vec![0u8; columns * rows];
        let (width, height) = ((columns * across) as f64, (rows * down) as f64);
        for (x, y) in points.filter(|(x, y)| x.abs() <= 1.0 && y.abs() <= 1.0) {
            let column = (((x + 1.0) / 2.0 * width) as usize).min((columns * across).saturating_sub(1));
            let row = (((1.0 - y) / 2.0 * height) as usize).min((rows * down).saturating_sub(1));
            let bit = match (column % across, row % down) {
                (0, 3) => 0x40,
                (1, 3) => 0x80,
                (column, row) => 1 << (3 * column + row),
            };
            if let Some(cell) = cells.get_mut(row / down * columns + column / across) {
                *cell |= bit;
            }
        }
        for (place, bits) in cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let sign = self.look.pick(char::from_u32(0x2800 + u32::from(*bits)).unwrap_or('*'), '*');
            self.sign(area, (place % columns) as u16, (place / columns) as u16, sign, role);
        }
    }
}
