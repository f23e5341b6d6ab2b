//! The loudness solver: drive into the limiter until the rendered audio has the loudness asked for, or until the damage
//! bounds say stop.

use crate::Goal;
use measure::Facts;

/// The loudness is on target within this, in LU.
const TOLERANCE_LU: f64 = 0.03;
/// The range of the limiter's drive, in dB.
const LEAST_DRIVE_DB: f64 = -24.0;
const MOST_DRIVE_DB: f64 = 36.0;
/// Renders at most; the secant needs three or four.
const MOST_TRIALS: usize = 10;
/// A loudness this far from the target is not the target, in LU.
const OFF_TARGET_LU: f64 = 0.05;
/// What one more step of loudness would cost is measured at this much more, in LU.
const ONE_MORE_LU: f64 = 1.0;

/// Bounds on the damage of the last stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Mean gain reduction, in dB.
    pub mean_reduction_db: f64,
    /// Gain reduction that nineteen in twenty moments stay below, in dB.
    pub p95_reduction_db: f64,
    /// What a clipper may cut off: on average, and on the loudest twentieth of the moments, in dB.
    pub clipped_db: (f64, f64),
    /// Peak to short-term loudness that only one in twenty windows may fall below, in LU.
    pub psr_p5_lu: f64,
}

impl Default for Bounds {
    /// What a limiter takes without being heard to work.
    fn default() -> Bounds {
        Bounds { mean_reduction_db: 3.0, p95_reduction_db: 7.0, clipped_db: (0.3, 1.5), psr_p5_lu: 5.0 }
    }
}

impl Bounds {
    /// Bounds of a style: half the damage for a factor of one half, half as much again for one and a half.
    pub fn of_strength(strength: f64) -> Bounds {
        let normal = Bounds::default();
        Bounds {
            mean_reduction_db: normal.mean_reduction_db * strength,
            p95_reduction_db: normal.p95_reduction_db * (0.5 + 0.5 * strength),
            clipped_db: (normal.clipped_db.0 * strength, normal.clipped_db.1 * strength),
            psr_p5_lu: normal.psr_p5_lu + 2.0 * (1.0 - strength),
        }
    }

    /// Bounds that let the music become as dense as a reference is, at full `strength` of the loudness match.
    #[must_use]
    pub fn toward(self, psr_p5_lu: Option<f64>, strength: f64) -> Bounds {
        let theirs = psr_p5_lu.map_or(self.psr_p5_lu, |psr| psr - 0.5).min(self.psr_p5_lu);
        Bounds {
            mean_reduction_db: self.mean_reduction_db * (1.0 + 2.0 * strength),
            p95_reduction_db: self.p95_reduction_db * (1.0 + 2.0 * strength),
            psr_p5_lu: self.psr_p5_lu + strength * (theirs - self.psr_p5_lu),
            ..self
        }
    }
}

/// One render with a drive, and what it measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Drive into the limiter, in dB.
    pub drive_db: f64,
    /// What came out.
    pub facts: Facts,
    /// Mean gain reduction of the limiter, in dB.
    pub mean_reduction_db: f64,
    /// Gain reduction that 95 % of the readings stay below, in dB.
    pub p95_reduction_db: f64,
    /// What a clipper before the limiter cuts off, in dB: the mean, and what 95 % of the readings stay below. 0 without one.
    pub clipped_db: (f64, f64),
}

/// Mean of readings and what 95 % of them stay below.
fn mean_and_p95(readings_db: &[f32]) -> (f64, f64) {
    let mut sorted: Vec<f32> = readings_db.to_vec();
    sorted.sort_by(f32::total_cmp);
    let sum: f64 = sorted.iter().map(|&db| f64::from(db)).sum();
    let at = (sorted.len() * 95 / 100).min(sorted.len().saturating_sub(1));
    // The sum of nothing is -0.
    (sum / sorted.len().max(1) as f64 + 0.0, sorted.get(at).map_or(0.0, |&db| f64::from(db)))
}

impl Trial {
    /// From the readings of the limiter's gain reduction.
    pub fn new(drive_db: f64, facts: Facts, reduction_db: &[f32]) -> Trial {
        let (mean_reduction_db, p95_reduction_db) = mean_and_p95(reduction_db);
        Trial { drive_db, facts, mean_reduction_db, p95_reduction_db, clipped_db: (0.0, 0.0) }
    }

    /// With the readings of a clipper before the limiter.
    #[must_use]
    pub fn clipping(self, clipped_db: &[f32]) -> Trial {
        Trial { clipped_db: mean_and_p95(clipped_db), ..self }
    }

    /// The first bound that this goes beyond, in words.
    fn damage(&self, bounds: &Bounds) -> Option<String> {
        let psr = self.facts.psr_p5_lu;
        if self.clipped_db.0 > bounds.clipped_db.0 || self.clipped_db.1 > bounds.clipped_db.1 {
            let (mean, p95) = self.clipped_db;
            return Some(format!(
                "the clipper would cut {mean:.1} dB on average and {p95:.1} dB off the loudest hits"
            ));
        }
        if self.mean_reduction_db > bounds.mean_reduction_db {
            return Some(format!("the limiter would take {:.1} dB on average", self.mean_reduction_db));
        }
        if self.p95_reduction_db > bounds.p95_reduction_db {
            return Some(format!("the loudest hits would lose {:.1} dB", self.p95_reduction_db));
        }
        psr.filter(|psr| *psr < bounds.psr_p5_lu)
            .map(|psr| format!("peaks would stand only {psr:.1} LU over the loudness"))
    }
}

/// How the loudness was solved.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    /// The trial that is kept.
    pub best: Trial,
    /// Renders it took.
    pub trials: usize,
    /// Why it stopped before the target, in words; absent when the target was reached.
    pub stopped: Option<String>,
    /// Where it stopped: what more loudness would have cost, as measured.
    pub cost: Option<Cost>,
}

/// What more loudness would cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How much louder, in LU.
    pub louder_lu: f64,
    /// More mean gain reduction, in dB.
    pub mean_reduction_db: f64,
    /// More gain reduction on the loudest twentieth, in dB.
    pub p95_reduction_db: f64,
    /// Less peak over short-term loudness in the densest twentieth, in LU.
    pub psr_lu: Option<f64>,
}

impl Cost {
    fn between(kept: &Trial, more: &Trial) -> Option<Cost> {
        let louder_lu = more.facts.integrated_lufs? - kept.facts.integrated_lufs?;
        (louder_lu > 0.05).then(|| Cost {
            louder_lu,
            mean_reduction_db: more.mean_reduction_db - kept.mean_reduction_db,
            p95_reduction_db: more.p95_reduction_db - kept.p95_reduction_db,
            psr_lu: kept.facts.psr_p5_lu.zip(more.facts.psr_p5_lu).map(|(kept, more)| kept - more),
        })
    }

    /// In words.
    fn told(&self) -> String {
        let psr = self.psr_lu.map_or(String::new(), |psr| format!(" and {psr:.1} LU of peaks over loudness"));
        format!(
            "{:.1} LU more would cost {:.1} dB of reduction on average, {:.1} dB on the loudest hits{psr}",
            self.louder_lu, self.mean_reduction_db, self.p95_reduction_db
        )
    }
}

/// Finds the drive. `try_drive` renders with a drive in dB and measures; loudness rises with the drive.
///
/// Without a loudness in the goal the drive is 0 and only the ceiling is kept. A programme louder than the target is
/// turned down, which limits nothing. When a damage bound is hit, the loudest drive within all bounds is kept.
///
/// # Errors
/// Whatever a trial fails with.
pub fn solve_drive<E>(
    goal: &Goal,
    start_db: f64,
    mut try_drive: impl FnMut(f64) -> Result<Trial, E>,
) -> Result<Solved, E> {
    let Some(target) = goal.loudness_lufs else {
        return Ok(Solved { best: try_drive(0.0)?, trials: 1, stopped: None, cost: None });
    };
    let missing = |trial: &Trial| trial.facts.integrated_lufs.map_or(0.0, |lufs| target - lufs);
    let mut trials = vec![try_drive(rounded(start_db))?];
    while trials.len() < MOST_TRIALS && missing(last(&trials)).abs() > TOLERANCE_LU {
        let next = rounded(next_drive(&trials, missing));
        if trials.iter().any(|t| t.drive_db == next) {
            break;
        }
        trials.push(try_drive(next)?);
    }
    let on_target = nearest(&trials, missing);
    let Some(reason) = on_target.damage(&goal.bounds) else {
        let off = missing(on_target);
        let stopped = (off.abs() > OFF_TARGET_LU).then(|| {
            format!("Stopped {:.2} LU from {target:.1} LUFS: more drive makes it no louder.", off.abs())
        });
        return Ok(Solved { best: on_target.clone(), trials: trials.len(), stopped, cost: None });
    };
    within_bounds((target, &goal.bounds), reason, trials, try_drive)
}

/// Hundredths of a decibel: what stands in the session file is what was tried.
fn rounded(drive_db: f64) -> f64 {
    (drive_db * 100.0).round() / 100.0
}

fn last(trials: &[Trial]) -> &Trial {
    trials.last().expect("at least one trial")
}

fn nearest(trials: &[Trial], missing: impl Fn(&Trial) -> f64) -> &Trial {
    trials.iter().min_by(|a, b| missing(a).abs().total_cmp(&missing(b).abs())).expect("at least one trial")
}

/// The secant through the last two trials; a limiter makes a decibel of drive worth less than a decibel.
fn next_drive(trials: &[Trial], missing: impl Fn(&Trial) -> f64) -> f64 {
    let now = last(trials);
    let before = trials.len().checked_sub(2).map(|i| &trials[i]);
    let slope = before.map_or(1.0, |before| {
        let moved = now.drive_db - before.drive_db;
        if moved.abs() < 1e-9 { 1.0 } else { ((missing(before) - missing(now)) / moved).clamp(0.15, 1.5) }
    });
    (now.drive_db + (missing(now) / slope).clamp(-12.0, 12.0)).clamp(LEAST_DRIVE_DB, MOST_DRIVE_DB)
}

/// The loudest drive within the bounds, by bisection between a drive that keeps them and one that does not.
fn within_bounds<E>(
    (target, bounds): (f64, &Bounds),
    reason: String,
    mut trials: Vec<Trial>,
    mut try_drive: impl FnMut(f64) -> Result<Trial, E>,
) -> Result<Solved, E> {
    let mut high = trials.iter().map(|t| t.drive_db).fold(f64::NEG_INFINITY, f64::max);
    while !trials.iter().any(|t| t.damage(bounds).is_none()) && trials.len() < 2 * MOST_TRIALS {
        let lowest = trials.iter().map(|t| t.drive_db).fold(f64::INFINITY, f64::min);
        trials.push(try_drive(rounded(lowest - 3.0))?);
    }
    let loudest_kept = |trials: &[Trial]| {
        trials
            .iter()
            .filter(|t| t.damage(bounds).is_none())
            .max_by(|a, b| a.drive_db.total_cmp(&b.drive_db))
            .cloned()
    };
    let Some(mut best) = loudest_kept(&trials) else {
        // Even turned down it is as it is: the damage was there before.
        let best = trials.remove(0);
        return Ok(Solved {
            best,
            trials: trials.len() + 1,
            stopped: Some(format!("As dense as it came: {reason}.")),
            cost: None,
        });
    };
    for t in &trials {
        if t.drive_db > best.drive_db && t.damage(bounds).is_some() {
            high = high.min(t.drive_db);
        }
    }
    while high - best.drive_db > 0.1 && trials.len() < 2 * MOST_TRIALS {
        let trial = try_drive(rounded(0.5 * (best.drive_db + high)))?;
        if trial.damage(bounds).is_some() {
            high = trial.drive_db
        } else {
            best = trial.clone()
        }
        trials.push(trial);
    }
    let reached = best.facts.integrated_lufs.unwrap_or(f64::NEG_INFINITY);
    // What gave way first, at the least drive that was too much.
    let too_much = trials.iter().filter(|t| t.damage(bounds).is_some());
    let first = too_much.min_by(|a, b| a.drive_db.total_cmp(&b.drive_db));
    let reason = first.and_then(|t| t.damage(bounds)).unwrap_or(reason);
    let more = one_more(&best, target, &trials, try_drive)?;
    let cost = Cost::between(&best, &more);
    let told = cost.map_or(String::new(), |cost| format!(" {}.", cost.told()));
    let stopped = format!("Asked {target:.1} LUFS, stopped at {reached:.1}: beyond it {reason}.{told}");
    Ok(Solved { best, trials: trials.len(), stopped: Some(stopped), cost })
}

/// The trial one LU louder than what is kept, or at the target where that is nearer: one that there is, or another.
fn one_more<E>(
    best: &Trial,
    target: f64,
    trials: &[Trial],
    mut try_drive: impl FnMut(f64) -> Result<Trial, E>,
) -> Result<Trial, E> {
    let reached = best.facts.integrated_lufs.unwrap_or(target);
    let wanted = (target - reached).clamp(0.0, ONE_MORE_LU);
    let louder = |t: &Trial| t.facts.integrated_lufs.map_or(0.0, |lufs| lufs - reached);
    let near = |t: &&Trial| (louder(t) - wanted).abs() < 0.25 * wanted;
    match trials.iter().find(near) {
        Some(trial) => Ok(trial.clone()),
        // Near the bound a decibel of drive is worth rather less than one of loudness.
        None => try_drive(rounded(best.drive_db + 1.25 * wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn goal(lufs: f64) -> Goal {
        Goal::new(Some(lufs), -1.0)
    }

    /// A programme at -20 LUFS whose limiter takes `taken` of each decibel beyond 6 dB of drive.
    fn trial(drive_db: f64, taken: f64) -> Trial {
        let over = (drive_db - 6.0).max(0.0);
        let facts = Facts { integrated_lufs: Some(-20.0 + drive_db - over * taken), ..Facts::default() };
        Trial::new(drive_db, facts, &[over as f32; 100])
    }

    proptest! {
        #[test]
        fn the_target_is_reached_in_few_renders(target in -24.0f64..-12.0, taken in 0.0f64..0.5, start in -6.0f64..12.0) {
            let mut renders = 0;
            let solved = solve_drive(&goal(target), start, |drive| {
                renders += 1;
                Ok::<_, Infallible>(trial(drive, taken))
            }).expect("never fails");
            if solved.stopped.is_none() {
                prop_assert!((solved.best.facts.integrated_lufs.expect("loud") - target).abs() <= 0.05);
                prop_assert!(renders <= 6, "{} renders", renders);
            }
        }

        #[test]
        fn no_bound_is_exceeded(target in -14.0f64..-5.0, taken in 0.0f64..0.6) {
            let solved = solve_drive(&goal(target), 0.0, |drive| Ok::<_, Infallible>(trial(drive, taken)))
                .expect("never fails");
            prop_assert!(solved.best.mean_reduction_db <= Bounds::default().mean_reduction_db + 1e-6);
            prop_assert!(solved.best.damage(&Bounds::default()).is_none());
        }
    }

    #[test]
    fn a_target_that_costs_too_much_is_told_with_what_was_reached() {
        let solved =
            solve_drive(&goal(-8.0), 0.0, |d| Ok::<_, Infallible>(trial(d, 0.2))).expect("never fails");
        let reason = solved.stopped.expect("a reason");
        // 3 dB of mean reduction are reached at 9 dB of drive: -20 + 9 - 0.6 LUFS.
        assert!((solved.best.drive_db - 9.0).abs() <= 0.1, "{}", solved.best.drive_db);
        // Past 6 dB of drive a decibel brings 0.8 LU and costs 1 dB of reduction.
        let cost = solved.cost.expect("a cost");
        assert!((cost.mean_reduction_db - cost.louder_lu / 0.8).abs() < 1e-3, "{cost:?}");
        assert!((0.7..=1.3).contains(&cost.louder_lu) && reason.contains("more would cost"), "{reason}");
        assert!(reason.contains("Asked -8.0 LUFS, stopped at -11.6") || reason.contains("-11.7"), "{reason}");
    }

    #[test]
    fn loud_music_is_turned_down_and_not_limited() {
        let solved =
            solve_drive(&goal(-23.0), 0.0, |d| Ok::<_, Infallible>(trial(d, 0.5))).expect("never fails");
        assert_eq!((solved.best.drive_db, solved.best.mean_reduction_db), (-3.0, 0.0));
    }

    #[test]
    fn without_a_loudness_the_drive_is_zero() {
        let goal = Goal { loudness_lufs: None, ..goal(0.0) };
        let solved = solve_drive(&goal, 5.0, |d| Ok::<_, Infallible>(trial(d, 0.5))).expect("never fails");
        assert_eq!((solved.best.drive_db, solved.trials), (0.0, 1));
    }
}
