//! A ride that brings the loudness range to that of the reference: quiet parts and loud parts move apart or together,
//! as a hand on the fader would do it.
//!
//! The gain follows the short-term loudness (3 s) around its energy mean by a factor; the factor is found so that the
//! loudness range of what comes out (EBU Tech 3342), foreseen from the momentary loudness, is the one asked for.

use audio::{db_to_power, power_to_db};
use measure::{LoudnessSeries, loudness_range_of_lu};

/// What is softer than this against the mean is a pause, and is not moved any farther, in LU (EBU Tech 3342).
const PAUSE_LU: f64 = 20.0;
/// Time between breakpoints, in seconds.
const STEP_S: f64 = 0.5;
/// Breakpoints that the others tell within this are left out, in dB.
const FINE_DB: f64 = 0.1;
/// Windows of short-term and momentary loudness, in seconds.
const SHORT_S: f64 = 3.0;
const MOMENTARY_S: f64 = 0.4;
/// Powers are taken every so often, in seconds.
const GRID_S: f64 = 0.1;

/// The level of a song against time, on a grid of 100 ms.
pub(super) struct Course {
    /// Power of the 400 ms around each point of the grid.
    power: Vec<f64>,
    /// Loudness of the 3 s around it, in LUFS; pauses at the level where pauses begin.
    level: Vec<f64>,
    pivot: f64,
}

impl Course {
    /// From the series of a meter; `None` of what is too short or silent.
    pub(super) fn of(series: &LoudnessSeries) -> Option<Course> {
        let (first, last) = (*series.time_s.first()?, *series.time_s.last()?);
        let step = (series.time_s.get(1)? - first).max(1e-3);
        let points = (last / GRID_S) as usize + 1;
        let at = |time_s: f64| {
            let place = ((time_s + 0.5 * MOMENTARY_S - first) / step).round().max(0.0) as usize;
            let lufs = series.momentary_lufs.get(place.min(series.momentary_lufs.len() - 1))?;
            lufs.map(db_to_power)
        };
        let power: Vec<f64> = (0..points).map(|n| at(n as f64 * GRID_S).unwrap_or(0.0)).collect();
        let around = windows(&power);
        let mean = power.iter().sum::<f64>() / points as f64;
        let sounding: Vec<f64> =
            around.iter().copied().filter(|p| *p > mean * db_to_power(-PAUSE_LU)).collect();
        if sounding.is_empty() {
            return None;
        }
        let pivot = power_to_db(sounding.iter().sum::<f64>() / sounding.len() as f64);
        let floor = pivot - PAUSE_LU;
        let level = around.iter().map(|p| power_to_db(p.max(1e-30)).max(floor)).collect();
        Some(Course { power, level, pivot })
    }

    /// Gain of the whole ride at a point of the grid, in dB: what it was, and a factor on the level more.
    fn gain_db(&self, n: usize, factor: f64, before: &Ride, most_db: f64) -> f64 {
        (before.at(n) + factor * (self.level[n] - self.pivot)).clamp(-most_db, most_db)
    }

    /// The loudness range that a factor leads to, in LU.
    pub(super) fn range_lu(&self, factor: f64, before: &Ride, most_db: f64) -> Option<f64> {
        let changed = |n: usize| self.gain_db(n, factor, before, most_db) - before.at(n);
        let powers: Vec<f64> =
            self.power.iter().enumerate().map(|(n, power)| power * db_to_power(changed(n))).collect();
        let half = (0.5 * SHORT_S / GRID_S) as usize;
        let whole = windows(&powers);
        let kept = whole.get(half..whole.len().saturating_sub(half))?;
        loudness_range_of_lu(kept.iter().map(|p| power_to_db(p.max(1e-30))))
    }

    /// The ride that leads to a loudness range, or as near as a bound of `most_db` either way allows. The course was
    /// heard with the ride `before` in it.
    pub(super) fn ride_to(&self, range_lu: f64, before: &Ride, most_db: f64) -> Ride {
        let (mut low, mut high) = (-1.0, 6.0);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            match self.range_lu(middle, before, most_db) {
                Some(range) if range > range_lu => high = middle,
                Some(_) => low = middle,
                None => return before.clone(),
            }
        }
        let factor = 0.5 * (low + high);
        Ride((0..self.level.len()).map(|n| self.gain_db(n, factor, before, most_db)).collect())
    }
}

/// Gain against time on the grid of the course, in dB; 0 beyond its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ride(Vec<f64>);

impl Ride {
    fn at(&self, n: usize) -> f64 {
        self.0.get(n).or(self.0.last()).copied().unwrap_or(0.0)
    }

    /// Its breakpoints: seconds, dB.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let every = (STEP_S / GRID_S) as usize;
        let points = (0..self.0.len()).step_by(every);
        let points: Vec<(f64, f64)> = points.map(|n| (n as f64 * GRID_S, self.0[n])).collect();
        let hundredth = |x: f64| (x * 100.0).round() / 100.0;
        let fewest = session::fewest_points(&points, FINE_DB).into_iter();
        fewest.map(|(time_s, gain_db)| (hundredth(time_s), hundredth(gain_db))).collect()
    }
}

/// Means over the 3 s around each point; at the ends over what there is of them.
fn windows(power: &[f64]) -> Vec<f64> {
    let half = (0.5 * SHORT_S / GRID_S) as usize;
    let mut sums = vec![0.0; power.len() + 1];
    for (n, p) in power.iter().enumerate() {
        sums[n + 1] = sums[n] + p;
    }
    let mean = |n: usize| {
        let (from, to) = (n.saturating_sub(half), (n + half).min(power.len()));
        ((sums[to] - sums[from]) / (to - from).max(1) as f64).max(0.0)
    };
    (0..power.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loudness that steps between two levels every 10 s.
    fn steps(quiet: f64, loud: f64) -> LoudnessSeries {
        let level = |t: f64| if ((t / 10.0) as usize).is_multiple_of(2) { quiet } else { loud };
        let time_s: Vec<f64> = (40..12_000).map(|n| f64::from(n) / 100.0).collect();
        let momentary_lufs = time_s.iter().map(|t| Some(level(t - 0.2))).collect();
        LoudnessSeries { momentary_lufs, time_s, ..LoudnessSeries::default() }
    }

    #[test]
    fn the_range_of_the_ridden_course_is_the_one_asked_for() {
        for (range, asked) in [(10.0, 4.0), (4.0, 8.0), (6.0, 6.0), (3.0, 0.5)] {
            let course = Course::of(&steps(-20.0 - range, -20.0)).expect("a course");
            let ride = course.ride_to(asked, &Ride::default(), 6.0).points();
            let gain = |t: f64| {
                let after = ride.partition_point(|p| p.0 <= t).clamp(1, ride.len() - 1);
                let (a, b) = (ride[after - 1], ride[after]);
                a.1 + (b.1 - a.1) * ((t - a.0) / (b.0 - a.0)).clamp(0.0, 1.0)
            };
            // In the middle of a step the gain has settled: there loud against quiet is the range, but for the moments
            // around the steps, where a gain that is under way belongs to the range as well.
            let got = range + gain(55.0) - gain(45.0);
            assert!((got - asked).abs() < 0.7, "{range} to {asked}: {got:.2} {ride:?}");
        }
    }

    #[test]
    fn the_bound_holds_and_what_is_right_is_left() {
        let course = Course::of(&steps(-50.0, -20.0)).expect("a course");
        assert!(course.ride_to(0.0, &Ride::default(), 6.0).points().iter().all(|p| p.1.abs() <= 6.0));
        let course = Course::of(&steps(-26.0, -20.0)).expect("a course");
        let none = Ride::default();
        let range = course.range_lu(0.0, &none, 6.0).expect("a range");
        let moved = course.ride_to(range, &none, 6.0).points();
        assert!(moved.iter().all(|p| p.1.abs() < 0.05), "{moved:?}");
        assert!(Course::of(&LoudnessSeries::default()).is_none());
    }
}
