//! Step 11: the pre-master leaves with headroom, unclipped, and with nothing on it that mastering would have to
//! undo.

use crate::words::signed_db;
use crate::{Hears, Rules, SongFacts, Step};
use session::{Decision, LaneTarget, Session, StepId};

/// Where the true peak of the pre-master stands, in dBTP.
const PEAK_DBTP: f64 = -6.0;
/// How exactly, in dB.
const EXACT_DB: f64 = 0.1;
/// The most that the pre-master's gain moves, in dB.
const MOST_DB: f64 = 24.0;

/// Headroom of the pre-master.
pub(crate) struct Premaster;

impl Step for Premaster {
    fn id(&self) -> StepId {
        StepId::Premaster
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Mix
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let strip = &session.premaster.strip;
        let Some(peak_dbtp) = facts.mix.as_ref().and_then(|mix| mix.facts.true_peak_dbtp) else {
            return Vec::new();
        };
        let mut decisions = Vec::new();
        let target_path = strip.path().child("peak_dbfs");
        let goal_dbtp = match session.premaster.peak_dbfs {
            Some(yours) if rules.is_yours(&target_path) => yours,
            _ => PEAK_DBTP,
        };
        if session.premaster.peak_dbfs != Some(goal_dbtp) {
            let why = format!("Mastering needs room: the pre-master peaks at {goal_dbtp:.1} dBTP.");
            decisions.push(
                Decision::set(StepId::Premaster, target_path, goal_dbtp, why)
                    .measured("true peak before", peak_dbtp, "dBTP")
                    .costs("nothing: a pre-master in float or 24 bits has level to spare")
                    .unless("you want another level"),
            );
        }
        // A moving fader keeps its movement; then the trim takes the whole of it up or down.
        let moving = strip.lanes.iter().any(|lane| lane.target == LaneTarget::Fader);
        let (key, now_db) = if moving { ("trim_db", strip.trim_db) } else { ("fader_db", strip.fader_db) };
        let path = strip.path().child(key);
        let move_db = goal_dbtp - peak_dbtp;
        if move_db.abs() <= EXACT_DB / 2.0 || rules.is_yours(&path) {
            return decisions;
        }
        // Two digits: the peak is promised within a tenth.
        let gain_db = ((now_db + move_db).clamp(-MOST_DB, MOST_DB) * 100.0).round() / 100.0;
        let loudness = facts.mix.as_ref().and_then(|mix| mix.facts.integrated_lufs);
        let stopped = if gain_db.abs() >= MOST_DB { "; stopped at the bound" } else { "" };
        let why = format!(
            "The mix peaked at {peak_dbtp:.1} dBTP: {} brings it to {goal_dbtp:.1} dBTP, unclipped, with room for \
             mastering{stopped}.",
            signed_db(move_db)
        );
        let mut decision = Decision::set(StepId::Premaster, path, gain_db, why)
            .noted(format!("peak {peak_dbtp:.1} to {goal_dbtp:.1} dBTP"))
            .measured("true peak before", peak_dbtp, "dBTP")
            .costs("nothing: all of the mix moves together")
            .unless("you want another level");
        if let Some(lufs) = loudness {
            decision = decision.measured("loudness before", lufs, "LUFS");
        }
        decisions.push(decision);
        decisions
    }
}

#[cfg(test)]
mod tests;
