//! Loudness over the song, with what the mastering chain took away below.

use super::{Anchor, Canvas, Frame, LETTER_PX, Scale, Size, even_ticks};
use crate::markup::Markup;
use crate::model::{ReductionPart, SectionPart};
use crate::text;
use measure::LoudnessSeries;

/// What is drawn.
pub(crate) struct LoudnessPlot<'a> {
    pub(crate) duration_s: f64,
    pub(crate) series: &'a LoudnessSeries,
    /// A line across, in LUFS.
    pub(crate) aim: Option<f64>,
    /// Both ends of the loudness range, in LUFS: a band behind the curves.
    pub(crate) range_lufs: Option<(f64, f64)>,
    pub(crate) sections: &'a [SectionPart],
    /// The inserts of the mastering chain; the last is drawn as a surface, the others as lines.
    pub(crate) reductions: Vec<&'a ReductionPart>,
}

/// Between the two halves of the picture.
const GAP_PX: f64 = 36.0;
/// Pixels that share one point: a column holds the loudest of its moments.
pub(crate) const COLUMN_PX: f64 = 2.0;
/// A name that is cut keeps at least this many letters.
const LEAST_LETTERS: usize = 5;
/// The axis never shows less than this, in LU.
const LEAST_SPAN_LU: f64 = 24.0;

/// Draws it.
pub(crate) fn loudness(plot: &LoudnessPlot, size: Size, id: &str) -> Markup {
    let (main_height, reduction_height) = size.pick((250.0, 84.0), (200.0, 70.0));
    let below = if plot.reductions.is_empty() { 0.0 } else { reduction_height + GAP_PX };
    let frame = Frame {
        left: size.pick(40.0, 32.0),
        right: size.width() - 8.0,
        top: 38.0,
        bottom: 38.0 + main_height,
    };
    let mut canvas = Canvas::new(size.width(), frame.bottom + below + 40.0);
    let time = Scale::new((0.0, plot.duration_s), (frame.left, frame.right));
    draw_history(&mut canvas, plot, &time, frame, frame.bottom + below);
    canvas.text("unit", Anchor::Start, (0.0, 12.0), "LUFS");
    let mut bottom = frame.bottom;
    if !plot.reductions.is_empty() {
        let lower = Frame { top: frame.bottom + GAP_PX, bottom: frame.bottom + below, ..frame };
        draw_reductions(&mut canvas, &plot.reductions, &time, lower);
        bottom = lower.bottom;
    }
    time.draw_clock_below(&mut canvas, Frame { bottom, ..frame }, size.pick(10, 5));
    canvas.finish(id, "Loudness over time", &description(plot))
}

/// The sections, the curves and the lines across, within a frame; the sections reach down to `bottom`.
pub(crate) fn draw_history(
    canvas: &mut Canvas,
    plot: &LoudnessPlot,
    time: &Scale,
    frame: Frame,
    bottom: f64,
) {
    let (low, high) = ends(plot);
    let level = Scale::new((low, high), (frame.bottom, frame.top));
    draw_sections(canvas, plot.sections, time, frame, bottom);
    if let Some((quiet, loud)) = plot.range_lufs {
        canvas.rect("range", (frame.left, level.place(loud)), (frame.right, level.place(quiet)));
    }
    level.draw_levels(canvas, frame, &even_ticks(low, high, 6.0));
    draw_momentary(canvas, plot.series, time, &level);
    draw_short_term(canvas, plot.series, time, &level);
    if let Some(lufs) = plot.aim {
        let y = level.place(lufs);
        canvas.line("aim", (frame.left, y), (frame.right, y));
    }
}

/// Both ends of the axis, in LUFS: everything above 12 LU below the middle of the song, in steps of 6.
fn ends(plot: &LoudnessPlot) -> (f64, f64) {
    let known = |values: &[Option<f64>]| values.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    let mut short: Vec<f64> = known(&plot.series.short_term_lufs);
    let moments: Vec<f64> = known(&plot.series.momentary_lufs);
    if short.is_empty() {
        short.clone_from(&moments);
    }
    short.sort_by(f64::total_cmp);
    let middle = short.get(short.len() / 2).copied().unwrap_or(-20.0);
    let top = moments.iter().copied().chain(plot.aim).fold(middle, f64::max);
    let high = (top / 3.0).ceil() * 3.0;
    let quiet = short.get(short.len() / 20).copied().unwrap_or(middle);
    let low = quiet.min(middle - 12.0).max(middle - 36.0).min(high - LEAST_SPAN_LU);
    ((low / 6.0).floor() * 6.0, high)
}

fn draw_sections(canvas: &mut Canvas, sections: &[SectionPart], time: &Scale, frame: Frame, bottom: f64) {
    for (place, section) in sections.iter().enumerate() {
        let end_s = sections.get(place + 1).map_or(time.high(), |next| next.start_s);
        let (left, right) = (time.place(section.start_s), time.place(end_s));
        if place % 2 == 0 {
            canvas.rect("section", (left, frame.top - 18.0), (right, bottom));
        }
        let fits = ((right - left - 8.0) / LETTER_PX).floor() as usize;
        if fits >= section.name.chars().count().min(LEAST_LETTERS) {
            let name = text::shortened(&section.name, fits);
            canvas.text("section-name", Anchor::Start, (left + 5.0, frame.top - 5.0), &name);
        }
    }
}

/// The loudest moment of each column, filled down to the axis.
fn draw_momentary(canvas: &mut Canvas, series: &LoudnessSeries, time: &Scale, level: &Scale) {
    let moments = series.time_s.iter().zip(&series.momentary_lufs);
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for (time_s, lufs) in moments {
        let x = (time.place(*time_s) / COLUMN_PX).round() * COLUMN_PX;
        let y = level.place(lufs.unwrap_or(level.low()));
        match columns.last_mut() {
            Some(last) if last.0 == x => last.1 = last.1.min(y),
            _ => columns.push((x, y)),
        }
    }
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else { return };
    let floor = level.place(level.low());
    let corners = [(last.0, floor), (first.0, floor)];
    columns.extend(corners);
    canvas.area("momentary", &columns);
}

/// One line for each stretch in which it is defined, one point a column.
fn draw_short_term(canvas: &mut Canvas, series: &LoudnessSeries, time: &Scale, level: &Scale) {
    let mut stretch: Vec<(f64, f64)> = Vec::new();
    for (time_s, lufs) in series.time_s.iter().zip(&series.short_term_lufs) {
        match lufs {
            Some(lufs) if *lufs >= level.low() => {
                let x = time.place(*time_s);
                if stretch.last().is_none_or(|last| x - last.0 >= COLUMN_PX) {
                    stretch.push((x, level.place(*lufs)));
                }
            }
            _ => canvas.polyline("main", &std::mem::take(&mut stretch)),
        }
    }
    canvas.polyline("main", &stretch);
}

fn draw_reductions(canvas: &mut Canvas, reductions: &[&ReductionPart], time: &Scale, frame: Frame) {
    let all = reductions.iter().flat_map(|r| &r.reduction_db);
    let deepest = all.map(|db| f64::from(db.abs())).filter(|db| db.is_finite()).fold(0.0, f64::max);
    let most = (deepest / 3.0).ceil().max(1.0) * 3.0;
    let depth = Scale::new((0.0, most), (frame.top, frame.bottom));
    let ticks: &[f64] = if most > 6.0 { &[0.0, most / 2.0, most] } else { &[0.0, most] };
    for tick in ticks {
        let y = depth.place(*tick);
        canvas.line("grid", (frame.left, y), (frame.right, y));
        canvas.text("tick", Anchor::End, (frame.left - 6.0, y + 4.0), &text::trimmed(-tick));
    }
    canvas.text("unit", Anchor::Start, (0.0, frame.top - 14.0), "gain reduction, dB");
    // The surface first: the lines stand before it.
    if let Some((surface, lines)) = reductions.split_last() {
        draw_taken(canvas, surface, time, &depth);
        for line in lines {
            canvas.polyline("second", &columns(line, time, &depth));
        }
    }
}

/// A surface that hangs from zero.
pub(super) fn draw_taken(canvas: &mut Canvas, reduction: &ReductionPart, time: &Scale, depth: &Scale) {
    let mut shape = columns(reduction, time, depth);
    let (Some(first), Some(last)) = (shape.first().copied(), shape.last().copied()) else { return };
    let zero = depth.place(0.0);
    shape.extend([(last.0, zero), (first.0, zero)]);
    canvas.area("taken", &shape);
}

/// The deepest reduction of each column.
fn columns(reduction: &ReductionPart, time: &Scale, depth: &Scale) -> Vec<(f64, f64)> {
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for (step, db) in reduction.reduction_db.iter().enumerate() {
        let x = (time.place((step as f64 + 0.5) * reduction.step_s) / COLUMN_PX).round() * COLUMN_PX;
        let y = depth.place(f64::from(db.abs()));
        match columns.last_mut() {
            Some(last) if last.0 == x => last.1 = last.1.max(y),
            _ => columns.push((x, y)),
        }
    }
    columns
}

fn description(plot: &LoudnessPlot) -> String {
    let known = plot.series.short_term_lufs.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return "Short-term loudness is not defined: the signal is shorter than three seconds or silent."
            .into();
    }
    format!(
        "Short-term loudness runs from {} to {} LUFS over {}.",
        text::number(low, 1),
        text::number(high, 1),
        text::clock(plot.duration_s, 0)
    )
}
