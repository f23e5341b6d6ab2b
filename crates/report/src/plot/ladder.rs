//! Loudness and peaks of each signal on one scale.

use super::{Anchor, Canvas, Frame, Scale, Size, even_ticks};
use crate::markup::Markup;
use crate::text;
use measure::Facts;

/// A signal on the scale.
pub(crate) struct Rung<'a> {
    pub(crate) name: &'a str,
    pub(crate) facts: &'a Facts,
    /// Whether it is the one that counts.
    pub(crate) main: bool,
}

const ROW: f64 = 62.0;

/// Draws it; `aims` are lines down the picture with their names.
pub(crate) fn ladder(rungs: &[Rung], aims: &[(f64, String)], size: Size, id: &str) -> Markup {
    let top = if aims.is_empty() { 6.0 } else { 24.0 };
    let frame =
        Frame { left: 10.0, right: size.width() - 14.0, top, bottom: top + ROW * rungs.len() as f64 + 4.0 };
    let mut canvas = Canvas::new(size.width(), frame.bottom + 40.0);
    let quietest = rungs.iter().filter_map(|r| r.facts.integrated_lufs).fold(-18.0, f64::min);
    let low = ((quietest - 3.0) / 6.0).floor().max(-12.0) * 6.0;
    let scale = Scale::new((low, 3.0), (frame.left, frame.right));
    scale.draw_levels_below(&mut canvas, frame, &even_ticks(low, 3.0, size.pick(3.0, 6.0)));
    canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), "LUFS and dBFS");
    for (value, name) in aims {
        let x = scale.place(*value);
        canvas.line("aim", (x, top - 6.0), (x, frame.bottom));
        canvas.text("aim-label", Anchor::Middle, (x, 12.0), name);
    }
    for (place, rung) in rungs.iter().enumerate() {
        draw(&mut canvas, rung, &scale, frame.top + ROW * place as f64);
    }
    canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
    canvas.finish(id, "Loudness and peaks", &description(rungs))
}

fn draw(canvas: &mut Canvas, rung: &Rung, scale: &Scale, top: f64) {
    let facts = rung.facts;
    let y = top + 40.0;
    let place = |value: Option<f64>| value.filter(|v| v.is_finite()).map(|v| scale.place(v));
    let (loudness, peak) = (place(facts.integrated_lufs), place(facts.true_peak_dbtp));
    canvas.text("row-name", Anchor::Start, (scale.place(scale.low()) + 2.0, top + 18.0), rung.name);
    let class = if rung.main { "span-main" } else { "span-before" };
    if let (Some(from), Some(to)) = (loudness, peak) {
        canvas.rect(class, (from, y - 5.0), (to, y + 5.0));
    }
    let mark = if rung.main { "stroke-main" } else { "stroke-before" };
    for value in [facts.max_short_term_lufs, facts.max_momentary_lufs] {
        if let Some(x) = place(value) {
            canvas.line(mark, (x, y - 5.0), (x, y + 5.0));
        }
    }
    if let Some(x) = loudness {
        canvas.dot(if rung.main { "filled" } else { "hollow" }, (x, y), 5.5);
        let label = text::number(facts.integrated_lufs.unwrap_or(f64::NAN), 1);
        canvas.text("value", Anchor::End, (x - 9.0, y + 4.0), &label);
    }
    if let Some(x) = peak {
        canvas.line(if rung.main { "peak-main" } else { "peak-before" }, (x, y - 9.0), (x, y + 9.0));
        let label = text::number(facts.true_peak_dbtp.unwrap_or(f64::NAN), 1);
        canvas.text("value", Anchor::End, (x - 6.0, y - 9.0), &label);
    }
}

fn description(rungs: &[Rung]) -> String {
    let one = |rung: &Rung| {
        let [loudness, peak] = [rung.facts.integrated_lufs, rung.facts.true_peak_dbtp]
            .map(|value| value.map_or("not defined".to_string(), |v| text::number(v, 1)));
        format!("{}: integrated loudness {loudness} LUFS, true peak {peak} dBTP.", rung.name)
    };
    rungs.iter().map(one).collect::<Vec<_>>().join(" ")
}
