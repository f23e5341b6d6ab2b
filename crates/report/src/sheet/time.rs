//! What changes over time: loudness, true peak, correlation.

use super::PlotPart;
use super::panel::{Swatch, nothing, title};
use super::theme::STEPS;
use crate::plot::{Anchor, COLUMN_PX, Canvas, Frame, LoudnessPlot, Scale, draw_history, even_ticks};
use crate::text;

/// The permitted maximum true peak of EBU R 128, in dBTP.
pub(super) const PERMITTED_DBTP: f64 = -1.0;
/// Above the frame stand the names of sections, where there are any.
const SECTION_NAMES: f64 = 18.0;
/// The correlation of everything stands apart from that of the bands.
const APART: f64 = 5.0;

fn scale(part: &PlotPart, frame: Frame) -> Scale {
    Scale::new((0.0, part.duration_s().max(1e-3)), (frame.left, frame.right))
}

/// The axis that all panels above each other share.
pub(super) fn axis(canvas: &mut Canvas, part: &PlotPart, frame: Frame) {
    scale(part, frame).draw_clock_below(canvas, frame, ((frame.right - frame.left) / 90.0) as usize);
}

/// Momentary and short-term loudness, integrated loudness, and the loudness range.
pub(super) fn loudness(canvas: &mut Canvas, part: &PlotPart, frame: Frame) {
    let series = &part.loudness;
    let known = |lufs: &[Option<f64>]| lufs.iter().flatten().any(|l| l.is_finite());
    if !known(&series.momentary_lufs) {
        return nothing(canvas, frame, "Loudness", "silent, or shorter than 0.4 s: no loudness");
    }
    let number = |value: Option<f64>| value.filter(|v| v.is_finite()).map(|v| text::number(v, 1));
    let mut legend = Vec::new();
    if known(&series.short_term_lufs) {
        legend.push((Swatch::Line("main"), "short-term, 3 s".to_string()));
    }
    legend.push((Swatch::Box("momentary"), "momentary, 400 ms".to_string()));
    if let Some(lufs) = number(part.facts.integrated_lufs) {
        legend.push((Swatch::Line("aim"), format!("integrated {lufs}")));
    }
    let range_lufs = part.range_lufs.filter(|(low, high)| low.is_finite() && high.is_finite());
    if let (Some(lu), Some(_)) = (number(part.facts.loudness_range_lu), range_lufs) {
        legend.push((Swatch::Box("range"), format!("range {lu} LU")));
    }
    let raised = if part.sections.is_empty() { 0.0 } else { SECTION_NAMES };
    title(canvas, frame, raised, ("Loudness", "LUFS"), &legend);
    let plot = LoudnessPlot {
        duration_s: part.duration_s(),
        series,
        aim: part.facts.integrated_lufs.filter(|l| l.is_finite()),
        range_lufs,
        sections: &part.sections,
        reductions: Vec::new(),
    };
    draw_history(canvas, &plot, &scale(part, frame), frame, frame.bottom);
}

/// The highest true peak of each column; what is above -1 dBTP stands out.
pub(super) fn peaks(canvas: &mut Canvas, part: &PlotPart, frame: Frame) {
    let known = part.peaks_dbtp.iter().flatten().copied().filter(|db| db.is_finite());
    let highest = known.fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return nothing(canvas, frame, "True peak", "silent: no peak");
    }
    let time = scale(part, frame);
    let high = ((highest.max(0.0) / 3.0).ceil() * 3.0).max(3.0);
    // What is quiet has its peaks shown too, but a master's are seen closely.
    let low = ((highest - 18.0) / 6.0).floor() * 6.0;
    let level = Scale::new((low, high), (frame.bottom, frame.top));
    let over = highest > PERMITTED_DBTP;
    let mut legend = vec![(Swatch::Line("aim"), "\u{2212}1 dBTP".to_string())];
    if over {
        legend.push((Swatch::Box("over"), "above it".to_string()));
    }
    title(canvas, frame, 0.0, ("True peak", "dBTP"), &legend);
    let step = if high - low > 24.0 { 12.0 } else { 6.0 };
    level.draw_levels(canvas, frame, &even_ticks(low, high, step));
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for (place, dbtp) in part.peaks_dbtp.iter().enumerate() {
        let Some(dbtp) = dbtp.filter(|db| db.is_finite()) else { continue };
        let x = (time.place(place as f64 * part.peak_step_s) / COLUMN_PX).floor() * COLUMN_PX;
        match columns.last_mut() {
            Some(last) if last.0 == x => last.1 = last.1.max(dbtp),
            _ => columns.push((x, dbtp)),
        }
    }
    let wide = (time.place(part.peak_step_s) - time.place(0.0)).max(COLUMN_PX);
    for (x, dbtp) in columns {
        // A little more, so that no seam shows between two.
        let (left, right) = (x.max(frame.left), (x + wide + 0.4).min(frame.right));
        let class = if dbtp > PERMITTED_DBTP { "over" } else { "peaks" };
        canvas.rect(class, (left, level.place(dbtp)), (right, frame.bottom));
    }
    let y = level.place(PERMITTED_DBTP);
    canvas.line("aim", (frame.left, y), (frame.right, y));
    canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
}

/// Correlation of everything and of each octave over time, as colours.
pub(super) fn correlation(canvas: &mut Canvas, part: &PlotPart, frame: Frame) {
    let portrait = &part.portrait;
    if portrait.moments.iter().all(|(all, _)| all.is_none()) {
        return nothing(canvas, frame, "Correlation", "a channel is silent: no correlation");
    }
    title(canvas, frame, 0.0, ("Correlation", "of left and right, by octave"), &[]);
    legend_of_colours(canvas, frame);
    let rows = portrait.moment_edges_hz.len() + 1;
    let height = (frame.bottom - frame.top - APART) / rows as f64;
    let time = scale(part, frame);
    let mut row = |place: usize, name: &str, top: f64, values: &mut dyn Iterator<Item = Option<f64>>| {
        // Every name where there is room, else every second.
        if height >= 12.5 || place == 0 || place % 2 == 1 {
            let y = top + height / 2.0 + 4.0;
            canvas.text("tick", Anchor::End, (frame.left - 6.0, y), name);
        }
        for (from, to, step) in runs(values, &time, portrait.moment_s) {
            // Half a pixel more, so that no seam shows between two.
            let right = (to + 0.5).min(frame.right);
            canvas.rect(&format!("h{step}"), (from, top), (right, top + height - 0.6));
        }
    };
    row(0, "all", frame.top, &mut portrait.moments.iter().map(|(all, _)| *all));
    // The highest band stands above.
    for (place, (low_hz, high_hz)) in portrait.moment_edges_hz.iter().enumerate().rev() {
        let from_top = portrait.moment_edges_hz.len() - place;
        let top = frame.top + APART + height * from_top as f64;
        let name = format!("{}\u{2013}{}", text::short_hz(*low_hz), text::short_hz(*high_hz));
        let mut values = portrait.moments.iter().map(|(_, bands)| bands.get(place).copied().flatten());
        row(from_top, &name, top, &mut values);
    }
}

/// Stretches of columns of one colour: from, to, and which of the steps. A column shows the least correlation in it.
fn runs(values: &mut dyn Iterator<Item = Option<f64>>, time: &Scale, step_s: f64) -> Vec<(f64, f64, usize)> {
    let mut columns: Vec<(f64, f64, f64)> = Vec::new();
    for (place, value) in values.enumerate() {
        let Some(value) = value.filter(|v| v.is_finite()) else { continue };
        let from = (time.place(place as f64 * step_s) / COLUMN_PX).floor() * COLUMN_PX;
        let to = time.place((place + 1) as f64 * step_s);
        match columns.last_mut() {
            Some(last) if last.0 == from => *last = (from, to, last.2.min(value)),
            _ => columns.push((from, to, value)),
        }
    }
    let mut runs: Vec<(f64, f64, usize)> = Vec::new();
    for (from, to, value) in columns {
        let step = ((value.clamp(-1.0, 1.0) + 1.0) / 2.0 * STEPS as f64).round() as usize;
        match runs.last_mut() {
            Some(last) if last.2 == step && from - last.1 < COLUMN_PX => last.1 = to,
            _ => runs.push((from, to, step)),
        }
    }
    runs
}

/// What the colours mean.
fn legend_of_colours(canvas: &mut Canvas, frame: Frame) {
    const EACH: f64 = 5.0;
    let y = frame.top - 12.0;
    let right = frame.right - 20.0;
    let left = right - EACH * (STEPS + 1) as f64;
    for step in 0..=STEPS {
        let x = left + EACH * step as f64;
        canvas.rect(&format!("h{step}"), (x, y - 10.0), (x + EACH + 0.3, y + 1.0));
    }
    canvas.text("tick", Anchor::End, (left - 6.0, y), "opposite \u{2212}1");
    canvas.text("tick", Anchor::Start, (right + 6.0, y), "+1");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_shows_the_least_correlation_in_it_and_equal_columns_are_one() {
        let time = Scale::new((0.0, 10.0), (0.0, 20.0));
        // Ten values a second, two pixels a second: the short dip must not be lost.
        let mut values = vec![Some(1.0); 100];
        values[57] = Some(-1.0);
        let found = runs(&mut values.into_iter(), &time, 0.1);
        let steps: Vec<usize> = found.iter().map(|run| run.2).collect();
        assert_eq!(steps, [STEPS, 0, STEPS]);
        assert_eq!(found[1].0, 10.0);
        let mut gap = [Some(1.0), None, None, None, None, Some(1.0)].into_iter();
        assert_eq!(runs(&mut gap, &time, 1.0).len(), 2, "what is not defined is not drawn");
    }
}
