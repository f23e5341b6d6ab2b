//! Tonal balance: third octaves before, after, and where they were led.

use super::{Anchor, Canvas, Frame, Scale, Size, even_ticks};
use crate::markup::Markup;
use crate::model::CurveBand;
use measure::BandLevel;

/// What is drawn; each curve may be missing.
pub(crate) struct SpectrumPlot<'a> {
    pub(crate) before: &'a [BandLevel],
    pub(crate) after: &'a [BandLevel],
    pub(crate) reference: &'a [CurveBand],
}

/// Between these, in hertz, the curves are brought to the same mean, so that tone is compared and not level: here
/// records of all genres agree best (Pestana et al., AES 135th convention, 2013).
const ALIGNED_HZ: (f64, f64) = (100.0, 5000.0);
/// The axis of frequency, in hertz: the edges of the lowest and highest third octave.
pub(crate) const ENDS_HZ: (f64, f64) = (22.4, 22_400.0);
/// The axis of level shows no more than this, in dB.
const MOST_SPAN_DB: f64 = 60.0;

/// Draws it.
pub(crate) fn spectrum(plot: &SpectrumPlot, size: Size, id: &str) -> Markup {
    let frame = Frame {
        left: size.pick(40.0, 32.0),
        right: size.width() - 12.0,
        top: 24.0,
        bottom: size.pick(324.0, 244.0),
    };
    let before = aligned(plot.before.iter().filter_map(|b| Some((b.hz, b.db?))).collect());
    let after = aligned(plot.after.iter().filter_map(|b| Some((b.hz, b.db?))).collect());
    let reference: Vec<(f64, f64)> = plot.reference.iter().map(|b| (b.hz, b.db)).collect();
    let zero = mean(&reference);
    let reference: Vec<CurveBand> = plot
        .reference
        .iter()
        .map(|b| CurveBand { db: b.db - zero, ..*b })
        .filter(|b| b.db.is_finite())
        .collect();

    let (low, high) = ends(before.iter().chain(&after).map(|p| p.1).chain(reference.iter().map(|b| b.db)));
    let mut canvas = Canvas::new(size.width(), frame.bottom + 40.0);
    let hertz = Scale::logarithmic(ENDS_HZ, (frame.left, frame.right));
    let level = Scale::new((low, high), (frame.bottom, frame.top));
    let step = if high - low > 36.0 { 12.0 } else { 6.0 };
    level.draw_levels(&mut canvas, frame, &even_ticks(low, high, step));
    canvas.text("unit", Anchor::Start, (0.0, 12.0), "dB");
    let ticks: &[f64] = size.pick(
        &[31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0],
        &[63.0, 250.0, 1000.0, 4000.0, 16_000.0],
    );
    hertz.draw_hertz_below(&mut canvas, frame, ticks);

    let point = |hz: f64, db: f64| (hertz.place(hz), level.place(db));
    if reference.iter().any(|b| b.spread_db > 0.0) {
        let upper = reference.iter().map(|b| point(b.hz, b.db + b.spread_db));
        let lower = reference.iter().rev().map(|b| point(b.hz, b.db - b.spread_db));
        canvas.area("spread", &upper.chain(lower).collect::<Vec<_>>());
    }
    canvas.polyline("goal", &reference.iter().map(|b| point(b.hz, b.db)).collect::<Vec<_>>());
    canvas.polyline("before", &before.iter().map(|p| point(p.0, p.1)).collect::<Vec<_>>());
    canvas.polyline("main", &after.iter().map(|p| point(p.0, p.1)).collect::<Vec<_>>());
    canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
    let description =
        "Levels of third octaves against frequency, brought to the same mean from 100 Hz to 5 kHz.";
    canvas.finish(id, "Spectrum in third octaves", description)
}

/// The curve with its mean in the aligned range at zero.
fn aligned(mut curve: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    curve.retain(|p| p.1.is_finite());
    let zero = mean(&curve);
    curve.iter().map(|p| (p.0, p.1 - zero)).collect()
}

fn mean(curve: &[(f64, f64)]) -> f64 {
    let inner = || curve.iter().filter(|p| p.0 >= ALIGNED_HZ.0 && p.0 <= ALIGNED_HZ.1);
    let count = inner().count();
    if count == 0 { 0.0 } else { inner().map(|p| p.1).sum::<f64>() / count as f64 }
}

fn ends(levels: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = levels.fold((0f64, 0f64), |(l, h), v| (l.min(v), h.max(v)));
    let high = (high / 6.0).ceil().max(1.0) * 6.0;
    let low = ((low - 1.0) / 6.0).floor().min(-2.0) * 6.0;
    (low.max(high - MOST_SPAN_DB), high)
}
