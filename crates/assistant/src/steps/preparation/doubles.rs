//! A second microphone that heard nothing but what the first one heard.
//!
//! A second microphone brings the room, another side of the instrument, or another tone. Where it differs from
//! the first by one steady filter only, it brings nothing that an equaliser would not, and the two together are
//! duller than the better of them: that one is kept.

use crate::parts::{MOST_DELAY_S, SURE, role};
use crate::{Relation, Rules, SongFacts, TrackFacts};
use measure::ERB_BANDS;
use session::{Decision, Session, StepId, Strip};

/// Correlation of both, once aligned, from which they are the same sound.
const SAME: f64 = 0.85;
/// The difference of both in level varies by less than this in every band, in dB: a room varies by 5.6 dB
/// (deviation of the power of a diffuse field in one band; M. R. Schroeder, 1962).
const STEADY_DB: f64 = 1.5;
/// Bands nearer than this to the strongest of the moment are compared, in dB.
const NEAR_DB: f64 = 20.0;
/// At least so many moments must have been compared.
const LEAST_ROWS: usize = 40;

/// Tracks that are set aside for another one, which has all of it.
pub(super) fn set_aside(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    facts.relations.iter().filter_map(|relation| one(relation, facts, session, rules)).collect()
}

fn one(relation: &Relation, facts: &SongFacts, session: &Session, rules: &Rules) -> Option<Decision> {
    let most = MOST_DELAY_S * f64::from(facts.sample_rate_hz.max(1));
    let same = relation.correlation >= SAME && relation.confidence >= SURE;
    let heard = |id: &str| session.tracks.get(id).filter(|track| !track.mute);
    let (track, reference) = (heard(&relation.track)?, heard(&relation.reference)?);
    // Where roles differ, somebody has said what each of them is for.
    if !same || relation.lag_frames.abs() > most || role(track) != role(reference) {
        return None;
    }
    let (far, near) = (facts.tracks.get(&track.id)?, facts.tracks.get(&reference.id)?);
    let varies_db = variation_db(near, far)?;
    if varies_db > STEADY_DB {
        return None;
    }
    let top_hz = |known: &TrackFacts| known.raw.facts.energy_99_percent_hz.unwrap_or(0.0);
    let (kept, dropped) = if top_hz(far) > top_hz(near) { (track, reference) } else { (reference, track) };
    let yours = |strip: &Strip| rules.is_yours(&strip.path().child("mute"));
    if yours(dropped) {
        return None;
    }
    let (kept_hz, dropped_hz) = (top_hz(near).max(top_hz(far)), top_hz(near).min(top_hz(far)));
    let why = format!(
        "It heard the same as `{}` {:.2} ms away (correlation {:.2}): the two differ by one filter that varies by only \
         {varies_db:.1} dB. 99 % of its energy lies below {dropped_hz:.0} Hz, of the other's below {kept_hz:.0} Hz: set \
         aside, since both together would only be duller.",
        kept.name(),
        relation.lag_frames.abs() / f64::from(facts.sample_rate_hz.max(1)) * 1000.0,
        relation.correlation
    );
    Some(
        Decision::set(StepId::Preparation, dropped.path().child("mute"), true, why)
            .noted(format!("nothing but {}", kept.name()))
            .measured("correlation once aligned", relation.correlation, "")
            .measured("variation of the difference", varies_db, "dB")
            .measured("99 % of the energy below", dropped_hz, "Hz")
            .sure(relation.confidence.clamp(0.0, 0.9))
            .costs("the other microphone's own colour")
            .unless("its colour is wanted beside the other"),
    )
}

/// How far the difference in level of two recordings varies over time, in dB: the root of the mean variance over
/// bands, in rows in which both play. `None` where too little can be compared.
fn variation_db(near: &TrackFacts, far: &TrackFacts) -> Option<f64> {
    let (a, b) = (&near.raw.erb, &far.raw.erb);
    let plays = |row: &usize| a.active[*row] && b.active[*row];
    let rows: Vec<usize> = (0..a.rows().min(b.rows())).filter(plays).collect();
    if rows.len() < LEAST_ROWS {
        return None;
    }
    let least = audio::db_to_power(-NEAR_DB) as f32;
    let (mut squares, mut count) = (0.0, 0.0);
    for band in 0..ERB_BANDS {
        let mut differences: Vec<f64> = Vec::new();
        for &row in &rows {
            let (own, other) = (a.row(row), b.row(row));
            let strongest = own.iter().copied().fold(0.0, f32::max);
            if own[band] > least * strongest && other[band] > 0.0 {
                differences.push(audio::power_to_db(f64::from(other[band]) / f64::from(own[band])));
            }
        }
        if differences.len() < LEAST_ROWS {
            continue;
        }
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        squares += differences.iter().map(|db| (db - mean).powi(2)).sum::<f64>();
        count += differences.len() as f64;
    }
    (count > 0.0).then(|| (squares / count).sqrt())
}
