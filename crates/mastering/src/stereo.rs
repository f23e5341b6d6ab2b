//! Step 15: a low end that stands in the middle, where it does not.
//!
//! Real records are not mono in the bass (side to middle -10 dB below 60 Hz in the median of 45 measured), so the low
//! end is made mono as a safety by measure, not by habit.

use crate::{Goal, MasterFacts, MasterStep};
use dsp::Values;
use session::{Change, Decision, Session, StepId};

/// Below this frequency the low end is looked at, in hertz.
const LOW_HZ: f64 = 120.0;
/// A side signal above this, against the middle, is more than nine in ten records have below 120 Hz, in dB.
const WIDE_LOW_DB: f64 = -3.0;
/// Below this correlation the low end cancels in mono.
const LOW_CORRELATION: f64 = 0.5;

/// Puts the low end into the middle.
pub(crate) struct Stereo;

impl MasterStep for Stereo {
    fn id(&self) -> StepId {
        StepId::Stereo
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        // A reference says by itself how wide the low end is.
        if !facts.references.is_empty() && goal.matching.width > 0.0 {
            return Vec::new();
        }
        let Some(kind) = dsp::kind("width") else { return Vec::new() };
        let low = facts.heard().bands.iter().filter(|b| b.high_hz <= LOW_HZ * 1.1);
        // A band without energy has nothing to put anywhere.
        let sounding = low.filter(|b| b.share_db.is_some_and(|share| share > -30.0));
        let worst = sounding
            .filter_map(|b| Some((b, b.side_mid_db?, b.correlation?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((band, side_mid_db, correlation)) = worst else { return Vec::new() };
        if side_mid_db < WIDE_LOW_DB && correlation > LOW_CORRELATION {
            return Vec::new();
        }
        let mut values = Values::neutral(kind);
        values.set(kind, "mono_below_hz", LOW_HZ).expect("a setting of the width");
        let change = Change::insert(&session.master.strip.path(), "low_end", kind, &values);
        let why = format!(
            "Mono below {LOW_HZ:.0} Hz: from {:.0} to {:.0} Hz the sides stand {side_mid_db:.1} dB against the middle (correlation \
             {correlation:.2}), more than nine in ten records.",
            band.low_hz, band.high_hz
        );
        let decision = Decision::new(StepId::Stereo, change, why)
            .measured("side to middle", side_mid_db, "dB")
            .measured("correlation", correlation, "")
            .sure(0.8)
            .costs("the width of the lowest octaves")
            .unless("a bass that is meant to be wide");
        vec![decision]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Analysis, BandFacts, Facts};

    fn facts(side_mid_db: f64, correlation: f64) -> MasterFacts {
        let band = BandFacts {
            low_hz: 60.0,
            high_hz: 120.0,
            share_db: Some(-6.0),
            side_mid_db: Some(side_mid_db),
            correlation: Some(correlation),
        };
        let facts = Facts { bands: vec![band], ..Facts::default() };
        MasterFacts { premaster: Analysis { facts, ..Analysis::default() }, ..MasterFacts::default() }
    }

    #[test]
    fn only_a_wide_low_end_is_made_mono() {
        let goal = Goal::new(None, -1.0);
        let decide = |s, c| Stereo.decide(&facts(s, c), &Session::new(), &goal);
        assert!(decide(-12.0, 0.9).is_empty());
        assert_eq!(decide(-1.0, 0.3).len(), 1);
        assert!(decide(-1.0, 0.3)[0].why.contains("-1.0 dB"));
        assert!(
            Stereo.decide(&MasterFacts::default(), &Session::new(), &goal).is_empty(),
            "mono has no sides"
        );
    }
}
