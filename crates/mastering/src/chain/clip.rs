//! Step 16: a clipper before the limiter, where the limiter alone stops short of the loudness.
//!
//! A limiter turns everything down for a hit; a clipper cuts the hit alone, for less than a millisecond. It is tried only where
//! limiting was stopped by its bounds, leaves to the limiter what stands up to 3 dB above the ceiling, has bounds of its own on
//! what it cuts, and is kept where, as measured on both renders, the master comes nearer to its loudness or is limited less.

use super::{hundredth, setting};
use crate::{Goal, Solved};
use dsp::Values;
use session::{Change, Decision, Session, StepId};

/// The id of the clipper.
pub const CLIPPER: &str = "clip";
/// What stands no farther above the ceiling is the limiter's business, in dB.
const LIMITERS_DB: f64 = 3.0;
/// How far below its ceiling the curve begins to bend, in dB.
const KNEE_DB: f64 = 1.0;
/// A loudness this near is reached, in LU.
const REACHED_LU: f64 = 0.1;
/// It is kept where it brings as much loudness, in LU, or half of what is missing, or spares as much mean limiting, in dB.
const LOUDER_LU: f64 = 0.3;
const SPARED_DB: f64 = 0.5;

fn missing_lu(goal: &Goal, solved: &Solved) -> f64 {
    goal.loudness_lufs.zip(solved.best.facts.integrated_lufs).map_or(0.0, |(goal, is)| goal - is)
}

/// Whether limiting alone stopped short of the loudness.
pub fn wants_clipping(goal: &Goal, solved: &Solved) -> bool {
    solved.stopped.is_some() && missing_lu(goal, solved) > REACHED_LU
}

fn path(session: &Session) -> session::Path {
    session.master.strip.path().child("insert").child(CLIPPER)
}

/// The clipper in front of the limiter, to be tried.
pub fn clipper(session: &Session, goal: &Goal, without: &Solved) -> Vec<Decision> {
    let Some(kind) = dsp::kind("clipper") else { return Vec::new() };
    let drive_db = session.master.strip.insert("limiter").and_then(|limiter| setting(limiter, "drive_db"));
    let drive_db = drive_db.unwrap_or(without.best.drive_db);
    let mut values = Values::neutral(kind);
    let ceiling_db = hundredth(goal.ceiling_dbtp - drive_db + LIMITERS_DB).clamp(-36.0, 24.0);
    values.set(kind, "ceiling_db", ceiling_db).expect("a setting of the clipper");
    values.set(kind, "knee_db", KNEE_DB).expect("a setting of the clipper");
    let insert = Change::insert(&session.master.strip.path(), CLIPPER, kind, &values);
    let place = Change::Place { path: path(session), before: Some("limiter".into()) };
    [insert, place].map(|change| Decision::new(StepId::Limiting, change, "tried")).to_vec()
}

/// The clipper as decided, once both ways were heard; `None` where it is not worth it.
pub fn clip_decisions(
    session: &Session,
    goal: &Goal,
    without: &Solved,
    with: &Solved,
) -> Option<Vec<Decision>> {
    let louder = missing_lu(goal, without) - missing_lu(goal, with);
    let spared = without.best.mean_reduction_db - with.best.mean_reduction_db;
    let enough = LOUDER_LU.min(0.5 * missing_lu(goal, without));
    if louder < enough && !(louder > -REACHED_LU && spared >= SPARED_DB) {
        return None;
    }
    let (mean, p95) = with.best.clipped_db;
    let why = format!(
        "The limiter alone stopped {:.1} LU short; a clipper {LIMITERS_DB:.0} dB above the ceiling cuts {mean:.2} dB on average and \
         {p95:.1} dB off the loudest hits, the limiter takes {:.1} dB on average instead of {:.1}, and the master is {louder:+.1} LU \
         louder.",
        missing_lu(goal, without),
        with.best.mean_reduction_db,
        without.best.mean_reduction_db,
    );
    // At the drive that was found it stands where it stood in the trial.
    let mut at_drive = without.clone();
    at_drive.best.drive_db = with.best.drive_db;
    let mut bare = session.clone();
    bare.master.strip.inserts.iter_mut().filter(|i| i.id == "limiter").for_each(|limiter| {
        if let Ok(address) = limiter.kind.address("drive_db") {
            limiter.values.put(address, with.best.drive_db);
        }
    });
    let tried = clipper(&bare, goal, &at_drive);
    let told = |decision: Decision| {
        Decision { why: why.clone(), ..decision }
            .measured("missing without it", missing_lu(goal, without), "LU")
            .measured("cut off on average", mean, "dB")
            .measured("cut off the loudest hits", p95, "dB")
            .sure(0.6)
            .costs("the tips of the hardest hits, and harmonics for less than a millisecond each")
            .unless("a quieter master")
    };
    Some(tried.into_iter().map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trial;
    use measure::Facts;

    fn solved(lufs: f64, mean_db: f64, stopped: bool) -> Solved {
        let facts = Facts { integrated_lufs: Some(lufs), ..Facts::default() };
        let best = Trial::new(8.0, facts, (mean_db, mean_db)).clipping((0.1, 0.1));
        Solved { best, trials: 3, stopped: stopped.then(|| "stopped".into()), cost: None }
    }

    #[test]
    fn it_is_tried_only_where_limiting_stopped_and_kept_only_where_it_helps() {
        let goal = Goal::new(Some(-9.0), -1.0);
        assert!(!wants_clipping(&goal, &solved(-9.0, 1.0, false)));
        let short = solved(-10.5, 3.0, true);
        assert!(wants_clipping(&goal, &short));
        let kept = |with: Solved| clip_decisions(&Session::new(), &goal, &short, &with);
        assert!(kept(solved(-10.4, 2.9, true)).is_none(), "no gain");
        assert!(kept(solved(-9.6, 3.0, true)).is_some(), "louder");
        assert!(kept(solved(-10.5, 2.3, true)).is_some(), "limited less");
        assert!(kept(solved(-11.0, 2.0, true)).is_none(), "quieter is no gain");
    }

    #[test]
    fn it_stands_before_the_limiter_and_leaves_it_three_decibels() {
        let goal = Goal::new(Some(-9.0), -1.0);
        let decisions = clipper(&Session::new(), &goal, &solved(-10.5, 3.0, true));
        let Change::Set { value, .. } = &decisions[0].change else { panic!("{decisions:?}") };
        // -1 dBTP less 8 dB of drive, and 3 dB more.
        assert!(format!("{value:?}").contains("-6.0"), "{value:?}");
        let Change::Place { before, .. } = &decisions[1].change else { panic!("{decisions:?}") };
        assert_eq!(before.as_deref(), Some("limiter"));
    }
}
