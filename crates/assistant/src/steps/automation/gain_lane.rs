//! Lanes that are moved by a constant over a stretch of the song.

/// How long a move takes at either end of its stretch, in seconds: a hand on a fader.
const RAMP_S: f64 = 0.2;

/// A move: by so much from when to when, or all through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pulse {
    /// From and to in seconds; `None` for all of the song.
    pub(super) span_s: Option<(f64, f64)>,
    /// In the unit of the lane.
    pub(super) by: f64,
}

impl Pulse {
    fn at(&self, time_s: f64) -> f64 {
        let Some((from_s, to_s)) = self.span_s else { return self.by };
        let rise = (time_s - (from_s - RAMP_S)) / RAMP_S;
        let fall = ((to_s + RAMP_S) - time_s) / RAMP_S;
        self.by * rise.min(fall).clamp(0.0, 1.0)
    }

    /// The places where it bends.
    fn bends(&self) -> Vec<f64> {
        let ends = self.span_s.map(|(from, to)| [from - RAMP_S, from, to, to + RAMP_S]);
        ends.into_iter().flatten().filter(|time_s| *time_s >= 0.0).collect()
    }
}

/// A lane of straight lines, moved. Both are straight between the points of either, so that their sum is exact; steps (two
/// points at one time) stay steps.
pub(super) fn moved(lane: &[(f64, f64)], pulse: &Pulse, (least, most): (f64, f64)) -> Vec<(f64, f64)> {
    let value = |time_s: f64| {
        let after = lane.partition_point(|(t, _)| *t <= time_s);
        let Some(left) = after.checked_sub(1) else { return lane.first().map_or(0.0, |point| point.1) };
        match (lane[left], lane.get(after)) {
            ((t0, v0), Some((t1, v1))) => v0 + (v1 - v0) * (time_s - t0) / (t1 - t0),
            ((_, v0), None) => v0,
        }
    };
    let mut points: Vec<(f64, f64)> = lane.to_vec();
    let bends = pulse.bends().into_iter().filter(|time_s| lane.iter().all(|(t, _)| t != time_s));
    points.extend(bends.map(|time_s| (time_s, value(time_s))));
    // Stable: the two points of a step keep their order.
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    points.into_iter().map(|(t, v)| (rounded(t), rounded((v + pulse.at(t)).clamp(least, most)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: (f64, f64) = (-120.0, 24.0);

    #[test]
    fn a_stretch_is_moved_and_the_rest_stays() {
        let pulse = Pulse { span_s: Some((10.0, 12.0)), by: -3.0 };
        let flat = moved(&[(0.0, -6.0)], &pulse, WIDE);
        assert_eq!(flat, [(0.0, -6.0), (9.8, -6.0), (10.0, -9.0), (12.0, -9.0), (12.2, -6.0)]);
        // On a ramp, and twice over the same stretch.
        let ramp = moved(&[(0.0, 0.0), (20.0, 20.0)], &pulse, WIDE);
        assert_eq!(ramp[2], (10.0, 7.0));
        let twice = moved(&flat, &pulse, WIDE);
        assert_eq!(twice[2], (10.0, -12.0));
    }

    #[test]
    fn steps_stay_steps_and_bounds_hold() {
        let pulse = Pulse { span_s: Some((0.05, 3.0)), by: 30.0 };
        let stepped = moved(&[(1.0, 0.0), (1.0, 6.0)], &pulse, WIDE);
        let at_one: Vec<f64> = stepped.iter().filter(|(t, _)| *t == 1.0).map(|(_, v)| *v).collect();
        assert_eq!(at_one, [24.0, 24.0]);
        assert!(stepped.iter().all(|(t, _)| *t >= 0.0), "{stepped:?}");
        let all = moved(&[(1.0, 0.0), (1.0, 6.0)], &Pulse { span_s: None, by: -2.0 }, WIDE);
        assert_eq!(all, [(1.0, -2.0), (1.0, 4.0)]);
    }
}
