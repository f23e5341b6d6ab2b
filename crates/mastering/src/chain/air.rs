//! Step 14: harmonics where treble is missing that no equaliser can lift.
//!
//! What an equaliser may lift is bounded, and where nothing is there it lifts noise. Where the top is still short of what records
//! have, beyond what they vary, after the tone was moved, an exciter makes new treble out of the octaves below. It is the one
//! kind of saturation that answers a want that can be measured here; for its colour alone none is added.

use super::{insert, setting};
use crate::curve::at;
use crate::tone::against;
use crate::{Goal, MasterFacts, MasterStep};
use audio::db_to_power;
use dsp::Values;
use measure::Analysis;
use session::{Change, Decision, Session, StepId};

/// The top, in hertz.
const TOP_HZ: std::ops::RangeInclusive<f64> = 8_000.0..=12_500.0;
/// Harmonics of what stands above this fall into it, in hertz.
const FROM_HZ: f64 = 4_000.0;
/// Less than this missing is not worth it; no more than this is added; in dB.
const LEAST_MISSING_DB: f64 = 2.0;
const MOST_ADDED_DB: f64 = 2.0;
const STRENGTH: f64 = 0.5;
/// The amount that is tried first and the most, in percent.
const FIRST_PERCENT: f64 = 12.0;
const MOST_PERCENT: f64 = 40.0;
/// Heard and wished are alike within this, in dB.
const ALIKE_DB: f64 = 0.3;
/// An exciter that adds less than this is taken out again, in dB.
const NO_USE_DB: f64 = 0.1;
const ID: &str = "air";

/// Makes treble.
pub(crate) struct Air;

/// What the top misses beyond what records vary, in dB.
fn missing_db(heard: &Analysis, goal: &Goal) -> Option<f64> {
    let top = against(&heard.facts.third_octave_db, |hz| at(goal.curve, hz));
    let top: Vec<f64> = top.iter().filter(|d| TOP_HZ.contains(&d.hz)).map(|d| d.outside_db).collect();
    (!top.is_empty()).then(|| top.iter().sum::<f64>() / top.len() as f64)
}

fn wanted_db(missing_db: f64, goal: &Goal) -> f64 {
    (STRENGTH * goal.strength * missing_db).min(MOST_ADDED_DB * goal.strength)
}

fn decision(percent: f64, missing_db: f64, session: &Session, heard: &str) -> Option<Decision> {
    let kind = dsp::kind("exciter")?;
    let mut values = Values::neutral(kind);
    values.set(kind, "freq_hz", FROM_HZ).expect("a setting of the exciter");
    values.set(kind, "amount_percent", percent).expect("a setting of the exciter");
    let why = format!(
        "From 8 to 12.5 kHz {missing_db:.1} dB are missing beyond what records vary, more than an equaliser may lift: harmonics of \
         what stands above {:.0} kHz, {percent:.1} %.{heard}",
        0.001 * FROM_HZ
    );
    let change = Change::insert(&session.master.strip.path(), ID, kind, &values);
    Some(
        Decision::new(StepId::MasteringCompression, change, why)
            .measured("missing from 8 to 12.5 kHz", missing_db, "dB")
            .sure(0.4)
            .costs("distortion, in the treble alone")
            .unless("a recording that is meant to sound old"),
    )
}

impl MasterStep for Air {
    fn id(&self) -> StepId {
        StepId::MasteringCompression
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        if facts.finished(goal) || !facts.references.is_empty() {
            return Vec::new();
        }
        let heard = facts.now.as_ref().unwrap_or(&facts.premaster);
        let missing = missing_db(heard, goal).filter(|db| *db > LEAST_MISSING_DB);
        missing.and_then(|db| decision(FIRST_PERCENT, db, session, "")).into_iter().collect()
    }

    /// Power is added to power: from what an amount was heard to add follows the amount that adds what is wanted.
    fn revise(
        &self,
        before: &Analysis,
        facts: &MasterFacts,
        session: &Session,
        goal: &Goal,
    ) -> Vec<Decision> {
        let Some((insert, now)) = insert(session, ID).zip(facts.now.as_ref()) else { return Vec::new() };
        let found =
            missing_db(before, goal).zip(missing_db(now, goal)).zip(setting(insert, "amount_percent"));
        let Some(((was, is), percent)) = found else { return Vec::new() };
        let (added, wanted) = (was - is, wanted_db(was, goal));
        if added < NO_USE_DB {
            let path = session.master.strip.path().child("insert").child(ID);
            let why = format!(
                "An exciter was heard to add {:.1} dB of treble: there is nothing that it could make it of.",
                added.max(0.0)
            );
            let decision = Decision::new(StepId::MasteringCompression, Change::Remove { path }, why);
            return vec![decision.measured("added from 8 to 12.5 kHz", added, "dB")];
        }
        if (added - wanted).abs() <= ALIKE_DB {
            return Vec::new();
        }
        let more = (db_to_power(wanted) - 1.0) / (db_to_power(added.max(0.02)) - 1.0);
        let anew = ((percent * more.sqrt()).min(MOST_PERCENT) * 10.0).round() / 10.0;
        let heard = format!(" {percent:.0} % were heard to add {added:.1} dB.");
        decision(anew, was, session, &heard).filter(|_| anew != percent).into_iter().collect()
    }
}
