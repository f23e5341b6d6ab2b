//! Microphones of one source: polarity, and what comes later is moved earlier.
//!
//! Nothing is delayed: the microphone that heard the source first stays where the players were, and the others are
//! advanced onto it, whichever of them was taken as the reference.

use crate::parts::{MOST_DELAY_S, SURE, is_distant};
use crate::words::signed_db;
use crate::{Relation, SongFacts};
use session::{Decision, Session, StepId, Strip};

/// What a mend has to bring, in dB: the least change of level that is heard.
const LEAST_GAIN_DB: f64 = 0.5;
/// Delays below half a frame are no delays.
const LEAST_DELAY_FRAMES: f64 = 0.5;

/// A relation that is sure and worth mending, with its tracks.
struct Pair<'a> {
    relation: &'a Relation,
    track: &'a Strip,
    reference: &'a Strip,
}

fn pair<'a>(relation: &'a Relation, facts: &SongFacts, session: &'a Session) -> Option<Pair<'a>> {
    let audible = |id: &str| session.tracks.get(id).filter(|track| !track.mute && !is_distant(track));
    let (track, reference) = (audible(&relation.track)?, audible(&relation.reference)?);
    let most = MOST_DELAY_S * f64::from(facts.sample_rate_hz.max(1));
    let believable = relation.lag_frames.is_finite() && relation.lag_frames.abs() <= most;
    let worth = relation.confidence >= SURE && relation.gain_db >= LEAST_GAIN_DB;
    (believable && worth).then_some(Pair { relation, track, reference })
}

/// Polarity and place in time of all microphones.
pub(super) fn aligned(relations: &[&Relation], facts: &SongFacts, session: &Session) -> Vec<Decision> {
    let pairs: Vec<Pair> = relations.iter().filter_map(|relation| pair(relation, facts, session)).collect();
    let mut decisions: Vec<Decision> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for first in &pairs {
        if seen.contains(&first.reference.id.as_str()) {
            continue;
        }
        seen.push(&first.reference.id);
        let of_source: Vec<&Pair> =
            pairs.iter().filter(|pair| pair.reference.id == first.reference.id).collect();
        for decision in source(&of_source, facts) {
            // A microphone of two sources is moved once.
            if decisions.iter().all(|other| other.change.path() != decision.change.path()) {
                decisions.push(decision);
            }
        }
    }
    decisions
}

fn gained(relation: &Relation) -> String {
    format!("together they gain {} between 60 and 500 Hz", signed_db(relation.gain_db))
}

fn finish(decision: Decision, relation: &Relation, costs: &str) -> Decision {
    decision
        .measured("gain of the sum, 60-500 Hz", relation.gain_db, "dB")
        .measured("certainty", relation.confidence, "")
        .sure(relation.confidence)
        .costs(costs)
        .unless("the recording was meant to sound hollow")
}

/// All microphones that are compared with one.
fn source(pairs: &[&Pair], facts: &SongFacts) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for Pair { relation, track, reference } in pairs {
        if relation.inverted && !track.invert {
            let other = reference.name();
            let why = format!("It has the opposite polarity of `{other}`: turned; {}.", gained(relation));
            let decision = Decision::set(StepId::Preparation, track.path().child("invert"), true, why)
                .noted(format!("against {other}, {}", signed_db(relation.gain_db)));
            decisions.push(finish(decision, relation, "nothing: a turned polarity alone is not heard"));
        }
    }
    let Some(earliest) = pairs.iter().min_by(|a, b| a.relation.lag_frames.total_cmp(&b.relation.lag_frames))
    else {
        return decisions;
    };
    // Places in time against the reference; the earliest of all is where the others go.
    let (from, base) = match earliest.relation.lag_frames < -LEAST_DELAY_FRAMES {
        true => (earliest.track, earliest.relation.lag_frames),
        false => (earliest.reference, 0.0),
    };
    for Pair { relation, track, .. } in pairs {
        decisions.extend(advanced(track, relation.lag_frames - base, from, relation, facts));
    }
    decisions.extend(advanced(earliest.reference, -base, from, earliest.relation, facts));
    decisions
}

/// Moves a track earlier by so many frames, onto the one that heard the source first.
fn advanced(
    track: &Strip,
    late_frames: f64,
    onto: &Strip,
    relation: &Relation,
    facts: &SongFacts,
) -> Option<Decision> {
    let frames = -(late_frames * 100.0).round() / 100.0;
    if late_frames < LEAST_DELAY_FRAMES || (frames - track.delay_frames).abs() <= 0.05 {
        return None;
    }
    let ms = late_frames / f64::from(facts.sample_rate_hz.max(1)) * 1000.0;
    let other = onto.name();
    let why = format!("It comes {ms:.2} ms later than `{other}`: moved onto it; {}.", gained(relation));
    let decision = Decision::set(StepId::Preparation, track.path().child("delay_frames"), frames, why)
        .noted(format!("{ms:.2} ms later than {other}"))
        .measured("delay", late_frames, "frames");
    Some(finish(decision, relation, "the depth that the distance between the microphones gave"))
}
