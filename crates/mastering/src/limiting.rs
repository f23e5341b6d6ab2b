//! Step 16: the limiter, last in the chain; its drive is solved on rendered audio.

use crate::{Goal, MasterFacts, MasterStep, Solved};
use dsp::{Kind, Values};
use session::{Change, Decision, Path, Session, StepId};

/// Lookahead and release of the limiter in milliseconds: long enough that gain moves are not heard as distortion.
const LOOKAHEAD_MS: f64 = 5.0;
const RELEASE_MS: f64 = 120.0;

/// Puts the limiter into the chain.
pub(crate) struct Limiting;

impl MasterStep for Limiting {
    fn id(&self) -> StepId {
        StepId::Limiting
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let Some(kind) = dsp::kind("limiter") else { return Vec::new() };
        let heard = facts.heard();
        let missing = goal.loudness_lufs.zip(heard.integrated_lufs).map_or(0.0, |(goal, now)| goal - now);
        let change =
            Change::insert(&session.master.strip.path(), "limiter", kind, &settings(kind, goal, missing));
        let mut decision = Decision::new(
            StepId::Limiting,
            change,
            format!(
                "A true-peak limiter keeps {:.1} dBTP; {missing:+.1} LU are missing to the target.",
                goal.ceiling_dbtp
            ),
        )
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
    set("ceiling_dbtp", goal.ceiling_dbtp);
    set("drive_db", (drive_db * 100.0).round() / 100.0);
    set("lookahead_ms", LOOKAHEAD_MS);
    set("release_ms", RELEASE_MS);
    set("link_percent", 100.0);
    values.set_choice(kind, "release_mode", "two_stage").expect("a release mode");
    values
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
