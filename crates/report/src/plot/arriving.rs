//! A spectrum before and behind a loudspeaker, small enough for the cell of a table.

use super::{Canvas, Scale, spectrum::ENDS_HZ};
use crate::markup::Markup;

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 56.0;
/// The picture shows so much below the loudest band, in dB: what is softer is hidden by it.
const SPAN_DB: f64 = 42.0;

/// Draws it: centres in hertz, levels before and after in dB.
pub(crate) fn arriving(bands: &[(f64, f64, f64)], title: &str, id: &str) -> Markup {
    let bands: Vec<&(f64, f64, f64)> =
        bands.iter().filter(|(hz, a, b)| [hz, a, b].into_iter().all(|v| v.is_finite())).collect();
    let top = bands.iter().flat_map(|(_, a, b)| [*a, *b]).fold(f64::NEG_INFINITY, f64::max);
    let top = if top.is_finite() { top + 1.5 } else { 0.0 };
    let hertz = Scale::logarithmic(ENDS_HZ, (0.0, WIDTH));
    let level = Scale::new((top - SPAN_DB, top), (HEIGHT - 1.0, 1.0));
    let place = |hz: f64, db: f64| (hertz.place(hz), level.place(db.max(top - SPAN_DB)));
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let before: Vec<(f64, f64)> = bands.iter().map(|(hz, before, _)| place(*hz, *before)).collect();
    if let (Some(first), Some(last)) = (before.first(), before.last()) {
        let closed = [(first.0, HEIGHT - 1.0)].into_iter().chain(before.iter().copied());
        canvas.area("momentary", &closed.chain([(last.0, HEIGHT - 1.0)]).collect::<Vec<_>>());
    }
    canvas.polyline("main", &bands.iter().map(|(hz, _, after)| place(*hz, *after)).collect::<Vec<_>>());
    canvas.line("grid", (0.0, HEIGHT - 0.5), (WIDTH, HEIGHT - 0.5));
    let description = "Third octaves from 22 Hz to 22 kHz: the area is the master, the line what arrives.";
    canvas.finish(id, title, description)
}
