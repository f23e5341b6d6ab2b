//! Step 5: microphones of single drums are closed between their strokes, noise in pauses is turned down, what wanders in level is held
//! together, uneven strokes are evened, and sibilants that stick out are softened.
//!
//! In the chain a gate comes first, since a compressor would raise what it should shut out, then a limiter
//! for single peaks, which a compressor is too slow for, and a de-esser last, since a compressor raises sibilants.

mod gates;
mod levelling;
mod noise;
mod onsets;
mod peaks;
mod sibilants;
mod strokes;

pub(crate) use noise::{noise_db, pause_rows};
pub(crate) use onsets::strokes_db;

use crate::genre::{self, Genre};
use crate::parts::heard;
use crate::rack::is_taken;
use crate::{Hears, Rules, SongFacts, Step};
use session::{Decision, Session, StepId, Strip};

/// Dynamics.
pub(crate) struct Dynamics;

impl Step for Dynamics {
    fn id(&self) -> StepId {
        StepId::Dynamics
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Strips
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let voices = sibilants::voices(facts, session);
        let genre = genre::known(session.song.genre.as_deref());
        let held =
            Rules { strength: rules.strength * genre.map_or(1.0, |genre| genre.held), ..rules.clone() };
        for track in heard(session) {
            let Some(known) = facts.tracks.get(&track.id) else { continue };
            let free = |track: &Strip, insert: &str| !is_taken(track, insert, rules);
            if free(track, "gate") {
                let gate = gates::gate(track, known, rules);
                decisions.extend(gate.or_else(|| noise::expander(track, known, rules)));
            }
            if free(track, "peaks") {
                decisions.extend(peaks::limiter(track, known, rules));
            }
            if free(track, "comp") {
                let levelled = levelling::compressor(track, known, &held);
                let comp = levelled.or_else(|| strokes::compressor(track, known, &held));
                decisions.extend(comp.map(|decision| in_genre(decision, genre)));
            }
            if free(track, "deess") {
                decisions.extend(sibilants::de_esser(track, &voices, rules));
            }
        }
        decisions
    }
}

/// Says what the genre changed.
fn in_genre(mut decision: Decision, genre: Option<&Genre>) -> Decision {
    if let Some(genre) = genre.filter(|genre| genre.held != 1.0) {
        decision.why += &format!(" It is {}: held {:.0} % as far as usual.", genre.word, genre.held * 100.0);
    }
    decision
}

#[cfg(test)]
mod tests;
