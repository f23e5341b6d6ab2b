//! Step 4: what does not belong to a track is taken away before anything is added: low end that is not its
//! own, too much of a range against what is usual for its role, resonances, notes that boom, and where it hides what matters
//! more.
//!
//! All of it goes into one equaliser, `eq`, whose bands are named after what they are for.

mod low_end;
mod masking;
mod tilt;

use crate::cuts::{Cut, own_cuts};
use crate::parts::heard;
use crate::rack::is_taken;
use crate::steps::static_mix::found;
use crate::{Hears, Rules, SongFacts, Step};
use session::{Decision, Session, StepId, Strip};

/// At most so many cuts besides the high-pass on one track.
const MOST_CUTS: usize = 4;

/// Subtractive EQ.
pub(crate) struct SubtractiveEq;

impl Step for SubtractiveEq {
    fn id(&self) -> StepId {
        StepId::SubtractiveEq
    }

    fn hears(&self, _: &Session) -> Hears {
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
