//! Step 4: what does not belong to a track is taken away before anything is added: low end that is not its
//! own, too much of a range against what is usual for its role, resonances, notes that boom, and where it hides what matters
//! more.
//!
//! All of it goes into one equaliser, `eq`, whose bands are named after what they are for.

mod boom;
mod low_end;
mod masking;
mod resonance;
mod tilt;
mod too_much;

use crate::parts::heard;
use crate::rack::{Band, is_taken};
use crate::solve::Bands;
use crate::steps::static_mix::{bells, found};
use crate::{Hears, Rules, SongFacts, Step};
use session::{Decision, Session, StepId, Strip};
use std::collections::BTreeMap;

/// At most so many cuts besides the high-pass on one track.
const MOST_CUTS: usize = 4;

/// Subtractive EQ.
pub(crate) struct SubtractiveEq;

/// A band that a track should get, and why.
#[derive(Debug, Clone)]
struct Cut {
    track: String,
    band: Band,
    why: String,
    note: String,
    evidence: Vec<(&'static str, f64, &'static str)>,
    confidence: f64,
    unless: &'static str,
}

impl Cut {
    fn decision(self, strip: &Strip, first: bool) -> Decision {
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
fn own_cuts(free: &[&Strip], facts: &SongFacts, rules: &Rules) -> Vec<Cut> {
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

impl Step for SubtractiveEq {
    fn id(&self) -> StepId {
        StepId::SubtractiveEq
    }

    fn hears(&self) -> Hears {
        Hears::Strips
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let free: Vec<&Strip> = heard(session).filter(|track| !is_taken(track, "eq", rules)).collect();
        let passes = low_end::high_passes(facts, session);
        let found = found(facts, session, rules);
        let turn = |track: &Strip| tilt::turn(track, found.tilts.get(&track.id).copied()?, rules);
        let mut cuts = own_cuts(&free, facts, rules);
        cuts.extend(masking::cuts(&found.rooms, session, rules));
        let mut decisions = Vec::new();
        for track in &free {
            let mut own: Vec<Cut> = cuts.iter().filter(|cut| cut.track == track.id).cloned().collect();
            own.sort_by(|a, b| a.band.gain_db.total_cmp(&b.band.gain_db));
            own.truncate(MOST_CUTS);
            own.sort_by(|a, b| a.band.freq_hz.total_cmp(&b.band.freq_hz));
            let pass = passes.iter().find(|pass| pass.track == track.id).cloned();
            let all = pass.into_iter().chain(own).enumerate();
            decisions.extend(all.map(|(place, cut)| cut.decision(track, place == 0)));
        }
        decisions.extend(masking::keyed(&found.rooms, facts, session, rules));
        for track in heard(session) {
            let known = facts.tracks.get(&track.id).zip(turn(track));
            decisions.extend(known.and_then(|(known, turn)| tilt::decision(track, known, turn)));
        }
        decisions
    }
}

#[cfg(test)]
mod tests;
