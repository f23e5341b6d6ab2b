//! What every compressor, gate and limiter took away: one small curve each, all on one scale.

use super::loudness::draw_taken;
use super::{Anchor, Canvas, Frame, Scale, Size, clock_ticks};
use crate::markup::Markup;
use crate::model::ReductionPart;
use crate::text;

const ROW: f64 = 38.0;

/// Draws them; each with its strip's name.
pub(crate) fn reductions(
    parts: &[(String, &ReductionPart)],
    duration_s: f64,
    size: Size,
    id: &str,
) -> Markup {
    let frame = Frame {
        left: size.pick(210.0, 118.0),
        right: size.width() - 66.0,
        top: 22.0,
        bottom: 22.0 + ROW * parts.len() as f64,
    };
    let mut canvas = Canvas::new(size.width(), frame.bottom + 40.0);
    let time = Scale::new((0.0, duration_s), (frame.left, frame.right));
    let deepest =
        |part: &ReductionPart| part.reduction_db.iter().map(|db| f64::from(db.abs())).fold(0.0, f64::max);
    let most = parts.iter().map(|(_, part)| deepest(part)).filter(|d| d.is_finite()).fold(3.0, f64::max);
    canvas.text("unit", Anchor::End, (size.width(), 12.0), "deepest, dB");
    for tick in clock_ticks(duration_s, size.pick(6, 3)) {
        let x = time.place(tick);
        canvas.line("grid", (x, frame.top), (x, frame.bottom));
        canvas.text("tick", Anchor::Middle, (x, frame.bottom + 17.0), &text::clock(tick, 0));
    }
    canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), "time, min:s");
    for (place, (name, part)) in parts.iter().enumerate() {
        let top = frame.top + ROW * place as f64 + 3.0;
        let depth = Scale::new((0.0, most), (top, top + ROW - 8.0));
        let [strip, insert] =
            [name.as_str(), &text::spaced(&part.insert)].map(|name| text::shortened(name, size.pick(26, 13)));
        canvas.text("row-name", Anchor::End, (frame.left - 10.0, top + 10.0), &strip);
        canvas.text("unit", Anchor::End, (frame.left - 10.0, top + 24.0), &insert);
        canvas.line("grid", (frame.left, top), (frame.right, top));
        draw_taken(&mut canvas, part, &time, &depth);
        canvas.text("value", Anchor::End, (size.width(), top + 13.0), &text::number(-deepest(part), 1));
    }
    let description =
        "Gain reduction over time, drawn downwards; the number at the right is its deepest, in dB.";
    canvas.finish(id, "What the dynamics took away", description)
}
