//! Automation: a setting that moves with the song.

use crate::Path;
use dsp::Address;

/// A breakpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds from the start of the song.
    pub time_s: f64,
    /// The value there, in the unit of what is automated.
    pub value: f64,
}

/// What the line between two points looks like; follows from the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Straight in the unit: decibels, pan, percent.
    Linear,
    /// Straight in ratios: hertz, and whatever else has a logarithmic knob.
    Logarithmic,
    /// Stays until the next point: switches and choices.
    Step,
}

/// What is automated on a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneTarget {
    /// Gain before the inserts.
    Trim,
    /// Gain after the inserts.
    Fader,
    /// Place between the loudspeakers.
    Pan,
    /// Level of the send to the return with this id.
    Send(String),
    /// A setting of an insert.
    Insert {
        /// The insert's id.
        id: String,
        /// Which of its settings.
        address: Address,
    },
}

/// A setting that moves with the song.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// What moves.
    pub target: LaneTarget,
    /// Its name under the strip's `automation`, such as `insert.eq.bands.mud.gain_db`.
    pub name: Path,
    /// How it moves between points.
    pub curve: Curve,
    /// At least one point, in order of time; two at the same time make a step.
    pub points: Vec<Point>,
}

/// The fewest of some points, seconds and values in order of time, whose straight lines stay within `most` of all of them:
/// the first and the last, and where a line is too far off the farthest point (Ramer 1972, Douglas & Peucker 1973).
pub fn fewest_points(points: &[(f64, f64)], most: f64) -> Vec<(f64, f64)> {
    let mut kept = vec![false; points.len()];
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    (kept[0], kept[last]) = (true, true);
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let ((t0, v0), (t1, v1)) = (points[from], points[to]);
        let line = |time_s: f64| v0 + (v1 - v0) * (time_s - t0) / (t1 - t0);
        let away = |n: &usize| (points[*n].1 - line(points[*n].0)).abs();
        let farthest = (from + 1..to).max_by(|a, b| away(a).total_cmp(&away(b)).then(b.cmp(a)));
        if let Some(n) = farthest.filter(|n| away(n) > most) {
            kept[n] = true;
            open.extend([(from, n), (n, to)]);
        }
    }
    points.iter().zip(kept).filter(|(_, kept)| *kept).map(|(point, _)| *point).collect()
}

impl Lane {
    /// The value at `time_s` seconds: the first point's before it, the last point's after it, on the curve in
    /// between. At the time of a step it is already the later value. 0 for a lane without points.
    pub fn value_at(&self, time_s: f64) -> f64 {
        let after = self.points.partition_point(|point| point.time_s <= time_s);
        let Some(left) = after.checked_sub(1).map(|place| self.points[place]) else {
            return self.points.first().map_or(0.0, |point| point.value);
        };
        let Some(&right) = self.points.get(after) else {
            return left.value;
        };
        let share = (time_s - left.time_s) / (right.time_s - left.time_s);
        match self.curve {
            Curve::Step => left.value,
            Curve::Logarithmic if left.value > 0.0 && right.value > 0.0 => {
                left.value * (right.value / left.value).powf(share)
            }
            Curve::Linear | Curve::Logarithmic => left.value + (right.value - left.value) * share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lane(curve: Curve, points: &[(f64, f64)]) -> Lane {
        let points = points.iter().map(|&(time_s, value)| Point { time_s, value }).collect();
        Lane { target: LaneTarget::Fader, name: Path::new(["fader_db"]), curve, points }
    }

    #[test]
    fn decibels_are_straight_and_hertz_straight_in_octaves() {
        let level = lane(Curve::Linear, &[(1.0, -6.0), (3.0, 2.0)]);
        assert_eq!(
            [0.0, 1.0, 2.0, 2.5, 3.0, 9.0].map(|t| level.value_at(t)),
            [-6.0, -6.0, -2.0, 0.0, 2.0, 2.0]
        );
        let corner = lane(Curve::Logarithmic, &[(0.0, 100.0), (2.0, 400.0)]);
        // Half way between 100 Hz and 400 Hz in octaves; 1e-12 covers the rounding of powf.
        assert!((corner.value_at(1.0) - 200.0).abs() < 1e-12 * 200.0);
    }

    #[test]
    fn two_points_at_one_time_are_a_step_taken_at_once() {
        let step = lane(Curve::Linear, &[(0.0, 0.0), (1.0, 0.0), (1.0, 6.0), (2.0, 6.0)]);
        assert_eq!(step.value_at(1.0 - 1e-9), 0.0);
        assert_eq!(step.value_at(1.0), 6.0);
        let switch = lane(Curve::Step, &[(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!([0.5, 0.999, 1.0].map(|t| switch.value_at(t)), [0.0, 0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn a_value_stays_between_its_points(
            mut points in prop::collection::vec((0.0..100.0, 20.0..20_000.0), 1..8),
            time in -10.0..110.0,
            logarithmic: bool,
        ) {
            points.sort_by(|a: &(f64, f64), b| a.0.total_cmp(&b.0));
            let curve = if logarithmic { Curve::Logarithmic } else { Curve::Linear };
            let value = lane(curve, &points).value_at(time);
            let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(|p| p.1).fold(0.0, f64::max);
            prop_assert!(value >= low * (1.0 - 1e-12) && value <= high * (1.0 + 1e-12), "{value}");
        }
    }
}
