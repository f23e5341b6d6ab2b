//! What a track should lose whatever plays beside it: mud and harshness against what is usual for its role, resonances,
//! notes that boom. The balance reckons with these cuts before the equaliser makes them.

mod boom;
mod resonance;
mod too_much;

use crate::parts::heard;
use crate::power::Bands;
use crate::rack::{Band, bells, is_taken};
use crate::{Rules, SongFacts};
use session::{Decision, Session, StepId, Strip};
use std::collections::BTreeMap;

/// A band that a track should get, and why.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) track: String,
    pub(crate) band: Band,
    pub(crate) why: String,
    pub(crate) note: String,
    pub(crate) evidence: Vec<(&'static str, f64, &'static str)>,
    pub(crate) confidence: f64,
    pub(crate) unless: &'static str,
}

impl Cut {
    pub(crate) fn decision(self, strip: &Strip, first: bool) -> Decision {
        let costs = match self.band.shape {
            "high_pass" => format!(
                "phase below {:.0} Hz, and whatever of it is meant to lie there",
                2.0 * self.band.freq_hz
            ),
            _ => format!("what else of it lies around {}", crate::rack::shown_hz(self.band.freq_hz)),
        };
        let change = self.band.change(strip, "eq", first);
        let decision = Decision::new(StepId::SubtractiveEq, change, self.why)
            .noted(self.note)
            .sure(self.confidence)
            .costs(costs)
            .unless(self.unless);
        self.evidence.into_iter().fold(decision, |d, (name, value, unit)| d.measured(name, value, unit))
    }
}

/// What tracks should lose whatever plays beside them.
pub(crate) fn own_cuts(free: &[&Strip], facts: &SongFacts, rules: &Rules) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for track in free {
        let Some(known) = facts.tracks.get(&track.id) else { continue };
        cuts.extend(too_much::cuts(track, known, rules));
        cuts.extend(resonance::cut(track, known, rules));
        cuts.extend(boom::cut(track, known, rules));
    }
    cuts
}

/// Factors on power by band of the cuts that tracks will get whatever plays beside them.
pub(crate) fn planned(facts: &SongFacts, session: &Session, rules: &Rules) -> BTreeMap<String, Bands> {
    let free: Vec<&Strip> = heard(session).filter(|track| !is_taken(track, "eq", rules)).collect();
    let mut planned: BTreeMap<String, Bands> = BTreeMap::new();
    for cut in own_cuts(&free, facts, rules) {
        let Some(known) = facts.tracks.get(&cut.track) else { continue };
        let factors = bells(&known.now().erb.centres_hz, [(cut.band.freq_hz, cut.band.gain_db, cut.band.q)]);
        let all = planned.entry(cut.track).or_insert([1.0; measure::ERB_BANDS]);
        all.iter_mut().zip(factors).for_each(|(all, factor)| *all *= factor);
    }
    planned
}
