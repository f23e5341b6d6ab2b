//! Levels of the tracks, as they came and as they leave.

use super::{Anchor, Canvas, Frame, Scale, Size, even_ticks};
use crate::markup::Markup;
use crate::text;
use measure::Facts;

/// A track's levels.
pub(crate) struct TrackLevels<'a> {
    pub(crate) name: &'a str,
    pub(crate) before: &'a Facts,
    pub(crate) after: Option<&'a Facts>,
}

const ROW: f64 = 34.0;
/// The axis begins here, in dBFS: what is below is not heard in a mix.
const LOW_DBFS: f64 = -60.0;
/// The axis ends here, in dBFS: a strip may be above full scale on its way.
const HIGH_DBFS: f64 = 6.0;

/// Draws them: from the level while it plays to the highest sample.
pub(crate) fn tracks(levels: &[TrackLevels], size: Size, id: &str) -> Markup {
    let frame = Frame {
        left: size.pick(160.0, 104.0),
        right: size.width() - 12.0,
        top: 4.0,
        bottom: 4.0 + ROW * levels.len() as f64,
    };
    let mut canvas = Canvas::new(size.width(), frame.bottom + 40.0);
    let scale = Scale::new((LOW_DBFS, HIGH_DBFS), (frame.left, frame.right));
    let ticks = even_ticks(LOW_DBFS, HIGH_DBFS, size.pick(6.0, 12.0));
    scale.draw_levels_below(&mut canvas, frame, &ticks);
    canvas.line("axis", (scale.place(0.0), frame.top), (scale.place(0.0), frame.bottom));
    canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), "level, dBFS");
    for (place, track) in levels.iter().enumerate() {
        let middle = frame.top + ROW * (place as f64 + 0.5);
        let name = text::shortened(track.name, size.pick(19, 12));
        canvas.text("row-name", Anchor::End, (frame.left - 10.0, middle + 4.0), &name);
        draw(&mut canvas, track.before, &scale, middle - 6.0, ["stroke-before", "peak-before", "hollow"]);
        if let Some(after) = track.after {
            draw(&mut canvas, after, &scale, middle + 6.0, ["stroke-main", "peak-main", "filled"]);
        }
    }
    let description = "Per track, the level while it plays (point) and its highest sample (end of the line): above as \
                       recorded, below as it leaves its strip.";
    canvas.finish(id, "Levels of the tracks", description)
}

fn draw(canvas: &mut Canvas, facts: &Facts, scale: &Scale, y: f64, [line, end, point]: [&str; 3]) {
    let place = |value: Option<f64>| value.filter(|v| v.is_finite()).map(|v| scale.place(v));
    let (level, peak) = (place(facts.active_rms_dbfs), place(facts.sample_peak_dbfs));
    if let (Some(level), Some(peak)) = (level, peak) {
        canvas.line(line, (level, y), (peak, y));
        canvas.line(end, (peak, y - 4.0), (peak, y + 4.0));
    }
    if let Some(level) = level {
        canvas.dot(point, (level, y), 3.5);
    }
}
