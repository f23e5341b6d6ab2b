//! What every panel has: its name, and what its marks mean.

use crate::plot::{Anchor, Canvas, Frame};

/// Above a frame stand its name and its legend.
const ABOVE: f64 = 12.0;
/// About how wide a letter of a legend is, in the widest of the fonts it may be seen in.
const LETTER: f64 = 7.0;

/// How an entry of a legend is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    Line(&'static str),
    Box(&'static str),
}

/// A panel's name with its unit, and from the right what its marks mean; entries that do not fit are left out, the last
/// first.
pub(super) fn title(
    canvas: &mut Canvas,
    frame: Frame,
    raised: f64,
    (name, unit): (&str, &str),
    legend: &[(Swatch, String)],
) {
    let y = frame.top - ABOVE - raised;
    canvas.text("panel", Anchor::Start, (frame.left, y), name);
    let after = frame.left + 9.6 * name.chars().count() as f64 + 10.0;
    canvas.text("unit", Anchor::Start, (after, y), unit);
    let free = frame.right - (after + LETTER * unit.chars().count() as f64 + 18.0);
    let width = |words: &str| 42.0 + LETTER * words.chars().count() as f64;
    let mut room = free;
    let fitting = legend.iter().take_while(|(_, words)| {
        room -= width(words);
        room >= 0.0
    });
    let fitting: Vec<_> = fitting.collect();
    let mut x = frame.right + 16.0 - fitting.iter().map(|(_, words)| width(words)).sum::<f64>();
    for (swatch, words) in fitting {
        match swatch {
            Swatch::Line(class) => canvas.line(class, (x, y - 4.0), (x + 20.0, y - 4.0)),
            Swatch::Box(class) => canvas.rect(class, (x, y - 10.0), (x + 20.0, y + 1.0)),
        }
        canvas.text("tick", Anchor::Start, (x + 26.0, y), words);
        x += width(words);
    }
}

/// A panel that has nothing to show, and why.
pub(super) fn nothing(canvas: &mut Canvas, frame: Frame, name: &str, why: &str) {
    title(canvas, frame, 0.0, (name, ""), &[]);
    canvas.rect("empty", (frame.left, frame.top), (frame.right, frame.bottom));
    let middle = ((frame.left + frame.right) / 2.0, (frame.top + frame.bottom) / 2.0);
    canvas.text("why", Anchor::Middle, middle, why);
}
