//! From values to places, and where the ticks go.

use super::{Anchor, Canvas, Frame};
use crate::text;

/// An axis: values between two ends, placed between two points; straight or logarithmic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from_px: f64,
    to_px: f64,
    logarithmic: bool,
}

impl Scale {
    pub(crate) fn new((low, high): (f64, f64), (from_px, to_px): (f64, f64)) -> Scale {
        Scale { low, high, from_px, to_px, logarithmic: false }
    }

    /// Octaves are equally wide; both ends are above zero.
    pub(crate) fn logarithmic(ends: (f64, f64), places: (f64, f64)) -> Scale {
        Scale { logarithmic: true, ..Scale::new(ends, places) }
    }

    /// Where a value stands; values beyond the ends stand at the end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = match self.logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { f64::from(share > 0.0) };
        self.from_px + (self.to_px - self.from_px) * share
    }

    pub(crate) fn low(&self) -> f64 {
        self.low
    }

    pub(crate) fn high(&self) -> f64 {
        self.high
    }

    /// Lines across the frame at values in dB, with labels to their left.
    pub(crate) fn draw_levels(&self, canvas: &mut Canvas, frame: Frame, ticks: &[f64]) {
        for tick in ticks {
            let y = self.place(*tick);
            canvas.line("grid", (frame.left, y), (frame.right, y));
            canvas.text("tick", Anchor::End, (frame.left - 6.0, y + 4.0), &text::number(*tick, 0));
        }
    }

    /// Lines down the frame at values in dB, with labels below.
    pub(crate) fn draw_levels_below(&self, canvas: &mut Canvas, frame: Frame, ticks: &[f64]) {
        for tick in ticks {
            let x = self.place(*tick);
            canvas.line("grid", (x, frame.top), (x, frame.bottom));
            canvas.text("tick", Anchor::Middle, (x, frame.bottom + 16.0), &text::number(*tick, 0));
        }
    }

    /// Lines down the frame at frequencies, with labels below and the axis itself.
    pub(crate) fn draw_hertz_below(&self, canvas: &mut Canvas, frame: Frame, ticks: &[f64]) {
        for tick in ticks {
            let x = self.place(*tick);
            canvas.line("grid", (x, frame.top), (x, frame.bottom));
            canvas.text("tick", Anchor::Middle, (x, frame.bottom + 17.0), &text::short_hz(*tick));
        }
        canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), "frequency, Hz");
    }

    /// An axis of time below the frame, with at most so many steps.
    pub(crate) fn draw_clock_below(&self, canvas: &mut Canvas, frame: Frame, most: usize) {
        // Under a few seconds the tenths matter.
        let decimals = usize::from(self.high < 4.0);
        for tick in clock_ticks(self.high, most) {
            let x = self.place(tick);
            canvas.line("mark", (x, frame.bottom), (x, frame.bottom + 4.0));
            canvas.text("tick", Anchor::Middle, (x, frame.bottom + 17.0), &text::clock(tick, decimals));
        }
        canvas.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
        canvas.text("unit", Anchor::End, (frame.right, frame.bottom + 34.0), "time, min:s");
    }
}

/// The multiples of a step between two values, both included.
pub(crate) fn even_ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Times for an axis of so many seconds: at most `most` steps of a round length.
pub(crate) fn clock_ticks(duration_s: f64, most: usize) -> Vec<f64> {
    const STEPS_S: [f64; 14] =
        [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];
    let enough = |step: &&f64| duration_s / **step <= most as f64;
    let step = STEPS_S.iter().find(enough).copied().unwrap_or((duration_s / most as f64).ceil());
    even_ticks(0.0, duration_s, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_they_belong_and_never_outside() {
        let level = Scale::new((-60.0, 0.0), (200.0, 20.0));
        assert_eq!(level.place(-30.0), 110.0);
        assert_eq!(level.place(f64::NEG_INFINITY), 200.0);
        assert_eq!(level.place(99.0), 20.0);
        let octaves = Scale::logarithmic((25.0, 400.0), (0.0, 400.0));
        assert!((octaves.place(100.0) - 200.0).abs() < 1e-9);
        for odd in [f64::NAN, 0.0, -5.0] {
            assert_eq!(octaves.place(odd), 0.0, "{odd}");
        }
    }

    #[test]
    fn an_axis_without_length_still_has_places() {
        assert!(Scale::new((0.0, 0.0), (10.0, 20.0)).place(0.0).is_finite());
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(clock_ticks(245.0, 8), vec![0.0, 60.0, 120.0, 180.0, 240.0]);
        assert_eq!(even_ticks(-35.0, -5.0, 12.0), vec![-24.0, -12.0]);
        for duration_s in [0.0, 0.3, 40.0, 3600.0, 1e6] {
            assert!(clock_ticks(duration_s, 6).len() <= 7, "{duration_s}");
        }
    }
}
