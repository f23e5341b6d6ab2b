//! How a track's level moves, and what a compressor would make of it: computed, not rendered.

use crate::power::weight;
use audio::{db_to_power, power_to_db};
use dsp::processors::compressor::static_reduction_db;
use measure::Analysis;

/// Momentary loudness looks back over so many rows of 50 ms: 400 ms.
const MOMENTARY_ROWS: usize = 8;
/// And is read every second row: each 100 ms.
const STEP_ROWS: usize = 2;
/// What is quieter than the loud parts by more than this is a tail or a breath, in dB: the range within which
/// momentary loudness of phrases lies even in uneven takes.
const FULL_DB: f64 = 15.0;
/// Level of nothing, in dB.
const NOTHING_DB: f64 = -150.0;

/// Level of a track, row by row of 50 ms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels {
    /// Mean square per channel, as a compressor's detector hears it.
    pub(crate) power: Vec<f64>,
    /// The same weighted as loudness is.
    pub(crate) weighted: Vec<f64>,
    /// Whether it plays.
    pub(crate) active: Vec<bool>,
    /// Length of a row in seconds.
    pub(crate) row_s: f64,
}

/// The detector of a compressor that is simulated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    pub(crate) threshold_db: f64,
    pub(crate) ratio: f64,
    pub(crate) knee_db: f64,
    pub(crate) attack_ms: f64,
    pub(crate) release_ms: f64,
}

/// What a compressor does to a track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Mean while it plays, in dB.
    pub(crate) mean_db: f64,
    /// 90th and 95th percentile while it plays, in dB.
    pub(crate) p90_db: f64,
    pub(crate) p95_db: f64,
    /// Spread of momentary loudness afterwards, in LU.
    pub(crate) spread_lu: f64,
    /// Loudness lost, in LU.
    pub(crate) lost_lu: f64,
}

impl Levels {
    /// The levels of an analysis; the detector does not hear what is below `high_pass_hz`.
    pub(crate) fn of(analysis: &Analysis, high_pass_hz: f64) -> Levels {
        let erb = &analysis.erb;
        let heard: Vec<f64> =
            erb.centres_hz.iter().map(|hz| if *hz >= high_pass_hz { 1.0 } else { 0.0 }).collect();
        let weights: Vec<f64> = erb.centres_hz.iter().map(|hz| weight(*hz)).collect();
        let sum = |row: usize, by: &[f64]| -> f64 {
            erb.row(row).iter().zip(by).map(|(power, by)| f64::from(*power) * by).sum()
        };
        Levels {
            power: (0..erb.rows()).map(|row| sum(row, &heard)).collect(),
            weighted: (0..erb.rows()).map(|row| sum(row, &weights)).collect(),
            active: erb.active.clone(),
            row_s: if erb.frame_s > 0.0 { erb.frame_s } else { 0.05 },
        }
    }

    /// Levels of several tracks together, each with its gain on power.
    pub(crate) fn sum(parts: &[(Levels, f64)]) -> Levels {
        let length = parts.iter().map(|(levels, _)| levels.power.len()).max().unwrap_or(0);
        let mut sum = Levels {
            power: vec![0.0; length],
            weighted: vec![0.0; length],
            active: vec![false; length],
            row_s: parts.first().map_or(0.05, |(levels, _)| levels.row_s),
        };
        for (levels, gain) in parts {
            for row in 0..levels.power.len() {
                sum.power[row] += gain * levels.power[row];
                sum.weighted[row] += gain * levels.weighted[row];
                sum.active[row] |= levels.active.get(row).copied().unwrap_or(false);
            }
        }
        sum
    }

    fn is_active(&self, row: usize) -> bool {
        self.active.get(row).copied().unwrap_or(false)
    }

    /// Levels of the rows in which it plays, in dB, in ascending order.
    pub(crate) fn active_db(&self) -> Vec<f64> {
        let rows = (0..self.power.len()).filter(|row| self.is_active(*row));
        sorted(rows.map(|row| level_db(self.power[row])).collect())
    }

    /// Momentary loudness while it plays, in ascending order, on a scale of its own; with gains by row.
    fn momentary(&self, reduction_db: Option<&[f64]>) -> Vec<f64> {
        let power = |row: usize| match reduction_db {
            Some(reduction) => self.weighted[row] * db_to_power(-reduction[row]),
            None => self.weighted[row],
        };
        let ends = (MOMENTARY_ROWS..=self.weighted.len()).step_by(STEP_ROWS);
        let windows = ends
            .map(|end| end - MOMENTARY_ROWS..end)
            .filter(|window| 2 * window.clone().filter(|row| self.is_active(*row)).count() > MOMENTARY_ROWS);
        let mean = |window: std::ops::Range<usize>| window.map(power).sum::<f64>() / MOMENTARY_ROWS as f64;
        sorted(windows.map(mean).filter(|power| *power > 0.0).map(level_db).collect())
    }

    /// 95th minus 10th percentile of momentary loudness while it plays, in LU; `None` when it hardly plays.
    pub(crate) fn spread_lu(&self) -> Option<f64> {
        spread(&self.momentary(None))
    }

    /// What a compressor would do. Rises of reduction take the attack, falls the release; a row lasts longer
    /// than most attacks.
    pub(crate) fn compressed(&self, curve: &Curve) -> Outcome {
        let keep = |ms: f64| (-self.row_s * 1000.0 / ms.max(1.0)).exp();
        let (attack, release) = (keep(curve.attack_ms), keep(curve.release_ms));
        let mut now = 0.0;
        let mut reduction_db = Vec::with_capacity(self.power.len());
        for power in &self.power {
            let wanted =
                static_reduction_db(level_db(*power), curve.threshold_db, curve.ratio, curve.knee_db);
            let keep = if wanted > now { attack } else { release };
            now = wanted + (now - wanted) * keep;
            reduction_db.push(now);
        }
        let rows: Vec<usize> = (0..self.power.len()).filter(|row| self.is_active(*row)).collect();
        let active = sorted(rows.iter().map(|row| reduction_db[*row]).collect());
        let before: f64 = rows.iter().map(|row| self.weighted[*row]).sum();
        let after: f64 = rows.iter().map(|row| self.weighted[*row] * db_to_power(-reduction_db[*row])).sum();
        let lost_lu = if after > 0.0 { power_to_db(before / after) } else { 0.0 };
        Outcome {
            mean_db: active.iter().sum::<f64>() / active.len().max(1) as f64,
            p90_db: at(&active, 0.90).unwrap_or(0.0),
            p95_db: at(&active, 0.95).unwrap_or(0.0),
            spread_lu: spread(&self.momentary(Some(&reduction_db))).unwrap_or(0.0),
            lost_lu,
        }
    }
}

/// A level in dB that is always finite.
pub(crate) fn level_db(power: f64) -> f64 {
    if power > 0.0 { power_to_db(power).max(NOTHING_DB) } else { NOTHING_DB }
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    values
}

/// A quantile of values in ascending order.
pub(crate) fn at(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.max(1) - 1).copied()
}

fn spread(momentary: &[f64]) -> Option<f64> {
    let loud = at(momentary, 0.95)?;
    // Tails and breaths are quieter by nature: what fades is not uneven.
    let full: Vec<f64> = momentary.iter().copied().filter(|db| *db >= loud - FULL_DB).collect();
    (full.len() >= 5).then(|| Some(at(&full, 0.95)? - at(&full, 0.10)?)).flatten()
}

/// The place between two numbers where something that falls crosses zero; the nearer end where it does not.
pub(crate) fn crossing(low: f64, high: f64, falling: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    if falling(low) <= 0.0 {
        return low;
    }
    if falling(high) >= 0.0 {
        return high;
    }
    // Halved 40 times, any range is finer than a file can say.
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if falling(middle) > 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten windows at 0 dB, ten at -12 dB, long enough for attack and release to settle.
    fn steps() -> Levels {
        let power: Vec<f64> =
            (0..800).map(|row| db_to_power(if (row / 80) % 2 == 0 { -12.0 } else { -24.0 })).collect();
        Levels { weighted: power.clone(), active: vec![true; 800], row_s: 0.05, power }
    }

    #[test]
    fn steady_levels_follow_the_static_curve() {
        // Above a threshold of -30 dB, 4:1 leaves a quarter of every decibel: 12 dB become 3, the reduction is
        // 13.5 dB and 4.5 dB, half of the time each.
        let curve = Curve { threshold_db: -30.0, ratio: 4.0, knee_db: 0.0, attack_ms: 1.0, release_ms: 10.0 };
        let outcome = steps().compressed(&curve);
        assert!((steps().spread_lu().unwrap() - 12.0).abs() < 1e-9);
        assert!((outcome.spread_lu - 3.0).abs() < 0.01, "{}", outcome.spread_lu);
        assert!((outcome.p95_db - 13.5).abs() < 0.01 && (outcome.mean_db - 9.0).abs() < 0.1, "{outcome:?}");
    }

    #[test]
    fn nothing_has_no_spread_and_loses_nothing() {
        let silent =
            Levels { power: vec![0.0; 100], weighted: vec![0.0; 100], active: vec![false; 100], row_s: 0.05 };
        let curve = Curve { threshold_db: -30.0, ratio: 4.0, knee_db: 6.0, attack_ms: 1.0, release_ms: 10.0 };
        for levels in [silent, Levels::default()] {
            let outcome = levels.compressed(&curve);
            assert_eq!((levels.spread_lu(), outcome.lost_lu, outcome.mean_db), (None, 0.0, 0.0));
        }
    }

    #[test]
    fn a_crossing_is_found_or_the_nearer_end_is_taken() {
        assert!((crossing(0.0, 10.0, |x| 3.0 - x) - 3.0).abs() < 1e-9);
        assert_eq!(crossing(0.0, 10.0, |x| -1.0 - x), 0.0);
        assert_eq!(crossing(0.0, 10.0, |x| 100.0 - x), 10.0);
    }
}
