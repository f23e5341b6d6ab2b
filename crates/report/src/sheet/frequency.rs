//! What depends on frequency: spectrum, width, correlation.

use super::PlotPart;
use super::panel::{Swatch, nothing, title};
use crate::plot::{Anchor, Canvas, ENDS_HZ, Frame, Scale, even_ticks};
use crate::text;
use measure::BandReading;

const OCTAVES_HZ: [f64; 10] = [31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];
/// The axis of level shows at least and at most so much, in dB.
const LEAST_SPAN_DB: f64 = 48.0;
const MOST_SPAN_DB: f64 = 84.0;
/// Where the line of the tilt is drawn, in hertz: where it was read.
const TILT_HZ: (f64, f64) = (50.0, 10_000.0);
/// More side than middle by this is marked, in dB: independent channels differ from 0 dB by chance.
const TOO_WIDE_DB: f64 = 1.0;
/// The axis of width, in dB.
const WIDTH_ENDS_DB: (f64, f64) = (-36.0, 6.0);

fn hertz(frame: Frame) -> Scale {
    Scale::logarithmic(ENDS_HZ, (frame.left, frame.right))
}

/// Lines down at octaves; with the labels of the axis where nothing stands below that has them.
fn axis(canvas: &mut Canvas, frame: Frame, labels: bool) {
    let hertz = hertz(frame);
    if labels {
        hertz.draw_hertz_below(canvas, frame, &OCTAVES_HZ);
    } else {
        for tick in OCTAVES_HZ {
            canvas.line("grid", (hertz.place(tick), frame.top), (hertz.place(tick), frame.bottom));
        }
    }
}

/// Third octaves as bars, twelfths as a curve; the tilt, and the line of pink noise.
pub(super) fn spectrum(canvas: &mut Canvas, part: &PlotPart, frame: Frame, labels: bool) {
    let portrait = &part.portrait;
    let (thirds, fine) = (known(&portrait.thirds, |b| b.db), known(&portrait.fine, |b| b.db));
    let highest = thirds.iter().chain(&fine).map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return nothing(canvas, frame, "Spectrum", "silent: no spectrum");
    }
    let high = ((highest + 1.0) / 6.0).ceil() * 6.0;
    let lowest = thirds.iter().map(|p| p.1).fold(high, f64::min);
    let low = ((lowest / 6.0).floor() * 6.0).clamp(high - MOST_SPAN_DB, high - LEAST_SPAN_DB);
    let (hertz, level) = (hertz(frame), Scale::new((low, high), (frame.bottom, frame.top)));
    let mut legend = vec![
        (Swatch::Line("fine"), "1/12 octave".to_string()),
        (Swatch::Box("bar"), "1/3 octave".to_string()),
    ];
    let tilt = portrait.tilt.filter(|(slope, level)| slope.is_finite() && level.is_finite());
    if let Some((slope, _)) = tilt {
        legend.push((Swatch::Line("goal"), format!("{} dB/octave", text::signed(slope, 1))));
    }
    title(canvas, frame, 0.0, ("Spectrum", "dBFS"), &legend);
    axis(canvas, frame, labels);
    let step = if high - low > 48.0 { 12.0 } else { 6.0 };
    level.draw_levels(canvas, frame, &even_ticks(low, high, step));
    for (band, db) in &thirds {
        let (left, right) = (hertz.place(band.edges_hz.0), hertz.place(band.edges_hz.1));
        canvas.rect("bar", (left + 0.8, level.place(*db)), (right - 0.8, frame.bottom));
    }
    let shown = fine.iter().filter(|(band, _)| band.hz >= ENDS_HZ.0 && band.hz <= ENDS_HZ.1);
    let points: Vec<(f64, f64)> = shown.map(|(band, db)| (hertz.place(band.hz), level.place(*db))).collect();
    canvas.polyline("fine", &points);
    if let Some((slope, at_1k)) = tilt {
        let of = |hz: f64| at_1k + slope * (hz / 1000.0).log2();
        let line = |hz: f64, db: f64| (hertz.place(hz), level.place(db));
        // Pink noise is level in bands of equal ratio; it is laid through the middle of the tilt.
        let middle = of((TILT_HZ.0 * TILT_HZ.1).sqrt());
        canvas.line("pink", line(ENDS_HZ.0, middle), line(ENDS_HZ.1, middle));
        let (right, y) = line(ENDS_HZ.1, middle);
        canvas.text("on-plot", Anchor::End, (right - 5.0, y - 6.0), "pink noise");
        canvas.line("goal", line(TILT_HZ.0, of(TILT_HZ.0)), line(TILT_HZ.1, of(TILT_HZ.1)));
    }
    canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
}

/// A band and one of its readings.
type Known<'a> = (&'a BandReading, f64);

fn known(bands: &[BandReading], value: fn(&BandReading) -> Option<f64>) -> Vec<Known<'_>> {
    bands.iter().filter_map(|band| Some((band, value(band).filter(|v| v.is_finite())?))).collect()
}

/// Side against middle by third octave.
pub(super) fn width(canvas: &mut Canvas, part: &PlotPart, frame: Frame, labels: bool) {
    let bands = known(&part.portrait.thirds, |b| b.side_mid_db);
    if bands.is_empty() {
        return nothing(canvas, frame, "Width", "silent: no width");
    }
    let legend = [(Swatch::Line("aim"), "as much side as middle".to_string())];
    title(canvas, frame, 0.0, ("Width", "side against middle, dB"), &legend);
    let level = Scale::new(WIDTH_ENDS_DB, (frame.bottom, frame.top));
    columns(canvas, frame, &level, &bands, WIDTH_ENDS_DB.0, 12.0, labels);
    // Wider than independent channels: mono loses more than 3 dB.
    canvas.line("aim", (frame.left, level.place(0.0)), (frame.right, level.place(0.0)));
}

/// Correlation by third octave.
pub(super) fn correlation(canvas: &mut Canvas, part: &PlotPart, frame: Frame, labels: bool) {
    let bands = known(&part.portrait.thirds, |b| b.correlation);
    if bands.is_empty() {
        return nothing(canvas, frame, "Correlation", "a channel is silent: no correlation");
    }
    title(canvas, frame, 0.0, ("Correlation", "by third octave"), &[]);
    let level = Scale::new((-1.0, 1.0), (frame.bottom, frame.top));
    columns(canvas, frame, &level, &bands, 0.0, 1.0, labels);
    canvas.line("axis", (frame.left, level.place(0.0)), (frame.right, level.place(0.0)));
}

/// Bars from a base to their values.
fn columns(
    canvas: &mut Canvas,
    frame: Frame,
    level: &Scale,
    bands: &[Known],
    base: f64,
    step: f64,
    labels: bool,
) {
    let hertz = hertz(frame);
    axis(canvas, frame, labels);
    level.draw_levels(canvas, frame, &even_ticks(level.low(), level.high(), step));
    for (band, value) in bands {
        let (left, right) = (hertz.place(band.edges_hz.0), hertz.place(band.edges_hz.1));
        let against = if base == 0.0 { *value < 0.0 } else { *value > TOO_WIDE_DB };
        let class = if against { "bar-against" } else { "bar" };
        canvas.rect(class, (left + 0.8, level.place(*value)), (right - 0.8, level.place(base)));
    }
    canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
}
