//! One reading by band: before hollow, after filled.

use super::{Anchor, Canvas, Frame, Scale, even_ticks};
use crate::markup::Markup;
use crate::text;

/// What is drawn.
pub(crate) struct BandPlot<'a> {
    /// The picture's name.
    pub(crate) title: &'a str,
    /// What stands below the axis.
    pub(crate) axis: &'a str,
    /// Both ends of the axis, and the distance of its ticks.
    pub(crate) ends: (f64, f64, f64),
    /// Decimals of the ticks.
    pub(crate) decimals: usize,
    /// Where a line is drawn stronger.
    pub(crate) zero: f64,
    /// Lower and upper edge in hertz, the value before, the value after; from low to high.
    pub(crate) rows: &'a [BandRow],
}

/// Edges in hertz; values before and after.
pub(crate) type BandRow = ((f64, f64), Option<f64>, Option<f64>);

/// Narrow enough for a phone, and for two beside each other on a screen.
const WIDTH: f64 = 390.0;
const ROW: f64 = 24.0;

/// Draws it, the highest band above.
pub(crate) fn bands(plot: &BandPlot, id: &str) -> Markup {
    let frame =
        Frame { left: 96.0, right: WIDTH - 14.0, top: 6.0, bottom: 10.0 + ROW * plot.rows.len() as f64 };
    let mut canvas = Canvas::new(WIDTH, frame.bottom + 40.0);
    let (low, high, step) = plot.ends;
    let scale = Scale::new((low, high), (frame.left, frame.right));
    for tick in even_ticks(low, high, step) {
        let x = scale.place(tick);
        canvas.line(if tick == plot.zero { "axis" } else { "grid" }, (x, frame.top), (x, frame.bottom));
        let label = text::number(tick, plot.decimals);
        canvas.text("tick", Anchor::Middle, (x, frame.bottom + 16.0), &label);
    }
    canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), plot.axis);
    for (place, ((low_hz, high_hz), before, after)) in plot.rows.iter().rev().enumerate() {
        let y = frame.top + 4.0 + ROW * (place as f64 + 0.5);
        let name = format!("{}\u{2013}{} Hz", text::short_hz(*low_hz), text::short_hz(*high_hz));
        canvas.text("tick", Anchor::End, (frame.left - 10.0, y + 4.0), &name);
        let [before, after] = [before, after].map(|v| v.filter(|v| v.is_finite()).map(|v| scale.place(v)));
        if let (Some(from), Some(to)) = (before, after) {
            canvas.line("moved", (from, y), (to, y));
        }
        if let Some(x) = before {
            canvas.dot("hollow", (x, y), 4.5);
        }
        if let Some(x) = after {
            canvas.dot("filled", (x, y), 4.5);
        }
        if before.is_none() && after.is_none() {
            canvas.text("tick", Anchor::Start, (frame.left + 6.0, y + 4.0), "\u{2013}");
        }
    }
    canvas.finish(id, plot.title, "Filled points are what came out, hollow points what it was made from.")
}
