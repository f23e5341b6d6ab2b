//! Step 16: the limiter, last in the chain; its drive is solved on rendered audio.

use crate::{Goal, MasterFacts, MasterStep, Solved};
use dsp::{Kind, Values};
use session::{Change, Decision, Path, Session, StepId};

/// Peaks that stand no higher than this above the ceiling once the music is as loud as asked are held by the limiter
/// that costs the least time; beyond it by the one that costs the least sound, in dB.
///
/// Driven 12 dB into its ceiling the transparent limiter leaves a 60 Hz tone with 69 dB of distance to its distortion, the
/// perceptual one with 134, and is 1.1 LU louder on the same mix (`docs/reference/mastering-limiter.md`).
const LIGHT_WORK_DB: f64 = 3.0;

/// Puts the limiter into the chain.
pub(crate) struct Limiting;

impl MasterStep for Limiting {
    fn id(&self) -> StepId {
        StepId::Limiting
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let heard = facts.heard();
        let missing = goal.loudness_lufs.zip(heard.integrated_lufs).map_or(0.0, |(goal, now)| goal - now);
        let over_db = heard.true_peak_dbtp.map_or(0.0, |peak| peak + missing - goal.ceiling_dbtp);
        let hard = over_db > LIGHT_WORK_DB;
        let Some(kind) = dsp::kind(if hard { "perceptual_limiter" } else { "limiter" }) else {
            return Vec::new();
        };
        let change =
            Change::insert(&session.master.strip.path(), "limiter", kind, &settings(kind, goal, missing));
        let work = match hard {
            true => format!(
                "Peaks would stand {over_db:.1} dB above it: the perceptual limiter, whose error hides under the music"
            ),
            false => format!("Peaks would stand {:.1} dB above it: light work", over_db.max(0.0)),
        };
        let off = match missing {
            over if over < 0.0 => format!("it is {:.1} LU louder than the target", -over),
            missing => format!("{missing:.1} LU are missing to the target"),
        };
        let mut decision = Decision::new(
            StepId::Limiting,
            change,
            format!("A true-peak limiter keeps {:.1} dBTP; {off}. {work}.", goal.ceiling_dbtp),
        )
        .measured("peaks above the ceiling at the target", over_db, "dB")
        .costs("the highest peaks lose their edge, the more of it the louder the master")
        .unless("another loudness or ceiling is asked for");
        if let Some(lufs) = heard.integrated_lufs {
            decision = decision.measured("integrated loudness before the limiter", lufs, "LUFS");
        }
        vec![decision]
    }
}

fn settings(kind: &Kind, goal: &Goal, drive_db: f64) -> Values {
    let mut values = Values::neutral(kind);
    let mut set = |name: &str, value: f64| {
        let address = kind.address(name).expect("a setting of the limiter");
        values.put(address, kind.param(address).clamp(value));
    };
    set("ceiling_dbtp", goal.limiter_ceiling_dbtp());
    set("drive_db", (drive_db * 100.0).round() / 100.0);
    if kind.id == "limiter" {
        values.set_choice(kind, "character", "transparent").expect("a character");
    }
    values
}

/// How the perceptual limiter is made firmer where it stops short of the loudness: the share of short peaks that is taken off
/// by distortion under the music, in dB, and how slowly the gain moves, in ms. Driven 12 dB into its ceiling either is half a
/// LU louder, and a tone of 60 Hz stays as clean (`docs/reference/mastering-limiter.md`).
const FIRMER: [(f64, f64); 2] = [(2.0, 15.0), (3.0, 10.0)];
/// A firmer limiter is kept where it is louder by this, in LU.
const FIRMER_LU: f64 = 0.1;

/// The settings of a firmer limiter, to be tried one after another where the one that stands stopped short; the last is for
/// a reference's loudness or a bold hand.
pub fn firmer(session: &Session, goal: &Goal) -> Vec<Vec<Decision>> {
    let perceptual =
        session.master.strip.insert("limiter").is_some_and(|l| l.kind.id == "perceptual_limiter");
    let asked = goal.matching.loudness > 0.0 || goal.strength > 1.0;
    let steps = if !perceptual || goal.strength < 1.0 { 0 } else { 1 + usize::from(asked) };
    let decided = |(share_db, smoothness_ms): &(f64, f64)| {
        let why = format!(
            "With less of a firm hand the limiter stopped short of the loudness: {share_db:.0} dB of short peaks are taken off \
             by an error under the music, and the gain moves within {smoothness_ms:.0} ms."
        );
        let set = |name: &str, value: f64| {
            Decision::set(
                StepId::Limiting,
                Path::new(["master", "insert", "limiter", name]),
                value,
                why.clone(),
            )
            .costs("more of the short peaks, under what the music hides")
            .unless("a quieter master")
        };
        vec![set("share_db", *share_db), set("smoothness_ms", *smoothness_ms)]
    };
    FIRMER[..steps].iter().map(decided).collect()
}

/// Whether the loudness stopped short.
pub fn wants_firmer(goal: &Goal, solved: &Solved) -> bool {
    let missing = goal.loudness_lufs.zip(solved.best.facts.integrated_lufs).map(|(goal, is)| goal - is);
    solved.stopped.is_some() && missing.is_some_and(|missing| missing > FIRMER_LU)
}

/// Whether a firmer limiter is worth keeping.
pub fn is_firmer(without: &Solved, with: &Solved) -> bool {
    let louder = with.best.facts.integrated_lufs.zip(without.best.facts.integrated_lufs).map(|(a, b)| a - b);
    louder.is_some_and(|louder| louder >= FIRMER_LU)
}

/// What the solver found, as decisions.
pub fn limiter_decisions(goal: &Goal, solved: &Solved) -> Vec<Decision> {
    let path = Path::new(["master", "insert", "limiter", "drive_db"]);
    let trial = &solved.best;
    let reached = trial.facts.integrated_lufs;
    let mut why = match (goal.loudness_lufs, reached) {
        (Some(_), Some(lufs)) => format!("{lufs:.1} LUFS under {:.1} dBTP", goal.ceiling_dbtp),
        _ => format!("No loudness is asked for; {:.1} dBTP kept", goal.ceiling_dbtp),
    };
    why += &format!(
        ": drive {:+.2} dB, limiter {:.1} dB on average, {:.1} dB on the loudest twentieth.",
        trial.drive_db, trial.mean_reduction_db, trial.p95_reduction_db
    );
    if let Some(stopped) = &solved.stopped {
        why = format!("{why} {stopped}");
    }
    let mut decision = Decision::set(StepId::Limiting, path, trial.drive_db, why)
        .measured("drive", trial.drive_db, "dB")
        .measured("mean reduction", trial.mean_reduction_db, "dB")
        .measured("reduction p95", trial.p95_reduction_db, "dB")
        .costs(format!("{:.1} dB of reduction on average, on the peaks", trial.mean_reduction_db))
        .unless("another loudness or ceiling is asked for");
    if let Some(lufs) = reached {
        decision = decision.measured("integrated loudness", lufs, "LUFS").noted(format!("{lufs:.1} LUFS"));
    }
    vec![decision]
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Analysis, Facts};

    fn kind_for(lufs: f64, peak_dbtp: f64, target: f64) -> String {
        let facts =
            Facts { integrated_lufs: Some(lufs), true_peak_dbtp: Some(peak_dbtp), ..Facts::default() };
        let facts =
            MasterFacts { premaster: Analysis { facts, ..Analysis::default() }, ..MasterFacts::default() };
        let decisions = Limiting.decide(&facts, &Session::new(), &Goal::new(Some(target), -1.0));
        let Change::Set { value, .. } = &decisions[0].change else { panic!("{decisions:?}") };
        format!("{value:?}")
    }

    #[test]
    fn a_limiter_is_made_firmer_where_it_stopped_and_as_far_as_is_asked() {
        let session = |kind: &str| {
            let mut session = Session::new();
            let kind = dsp::kind(kind).expect("a kind");
            session.master.strip.inserts.push(session::Insert::new("limiter", kind));
            session
        };
        let goal = Goal::new(Some(-9.0), -1.0);
        let matched = Goal { matching: crate::Matching { loudness: 1.0, ..goal.matching }, ..goal.clone() };
        let gentle = Goal { strength: 0.5, ..goal.clone() };
        let steps = |kind: &str, goal: &Goal| firmer(&session(kind), goal).len();
        assert_eq!(steps("perceptual_limiter", &goal), 1);
        assert_eq!(steps("perceptual_limiter", &matched), 2);
        assert_eq!(steps("perceptual_limiter", &gentle), 0);
        assert_eq!(steps("limiter", &matched), 0);
        let solved = |lufs: f64, stopped: bool| {
            let facts = Facts { integrated_lufs: Some(lufs), ..Facts::default() };
            let stopped = stopped.then(|| "stopped".into());
            Solved { best: crate::Trial::new(8.0, facts, (0.0, 0.0)), trials: 1, stopped, cost: None }
        };
        assert!(wants_firmer(&goal, &solved(-9.4, true)) && !wants_firmer(&goal, &solved(-9.0, false)));
        assert!(
            is_firmer(&solved(-9.4, true), &solved(-9.1, false))
                && !is_firmer(&solved(-9.4, true), &solved(-9.35, true))
        );
    }

    #[test]
    fn hard_work_is_for_the_limiter_that_is_heard_least() {
        // 6 dB louder: peaks 2 dB above the ceiling, and 6 dB.
        assert!(kind_for(-20.0, -5.0, -14.0).contains("transparent"));
        assert!(kind_for(-20.0, -1.0, -14.0).contains("perceptual_limiter"));
        // What is turned down needs none.
        assert!(kind_for(-9.0, -0.1, -14.0).contains("transparent"));
    }
}
