//! Step 9: the lead is ridden to keep its distance to what plays with it, single strokes that stick out are
//! taken down, choruses lift where the recording itself does not, and notes of a person are answered.

mod gain_lane;
mod notes;
mod ride;
mod strokes;

use crate::parts::{heard, lead, role};
use crate::power::Rows;
use crate::words::{clock, signed_db, tenth};
use crate::{Hears, Rules, SongFacts, Step, roles};
use audio::db_to_power;
pub use notes::unanswered;
use ride::{Bounds, Ride};
use session::{Decision, LaneTarget, Session, StepId, Strip, Value};

/// Farthest a ride goes from the fader, in dB: sung and spoken.
const RIDE_DB: f64 = 4.0;
const SPOKEN_DB: f64 = 6.0;
/// A ride that never goes as far as this is not worth having, in dB.
const LEAST_DB: f64 = 1.0;
/// It has to take away this share of the variation.
const LEAST_IMPROVEMENT: f64 = 0.2;
/// A chorus less than this above the verse is lifted, in LU, and by how much, in dB.
const LIFT_BELOW_LU: f64 = 1.5;
const LIFT_DB: f64 = 0.8;
/// A lift fades in over this time before the boundary, in seconds.
const LIFT_FADE_S: f64 = 0.3;

/// Rides and lifts.
pub(crate) struct Automation;

impl Step for Automation {
    fn id(&self) -> StepId {
        StepId::Automation
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Mix
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let leads = lead(session, rules);
        // An instrument's dynamics are its player's, unless somebody asked for it.
        let voice = |track: &&&Strip| rules.focus.is_some() || roles::family(role(track)) == "vocals";
        for track in leads.iter().filter(voice) {
            decisions.extend(ride_of(track, &leads, facts, session, rules));
        }
        decisions.extend(strokes::dips(facts, session, rules));
        decisions.extend(chorus_lift(facts, session, rules));
        notes::answers(facts, session, rules, decisions)
    }
}

/// Weighted power of a track behind its fader and buses, row by row.
fn behind_fader(track: &Strip, facts: &SongFacts, session: &Session) -> Option<Rows> {
    let mut rows = Rows::of(facts.tracks.get(&track.id)?.now());
    let gain = db_to_power(track.fader_db + crate::parts::path_gain_db(session, track));
    rows.power.iter_mut().for_each(|power| *power *= gain);
    Some(rows)
}

fn ride_of(
    track: &Strip,
    leads: &[&Strip],
    facts: &SongFacts,
    session: &Session,
    rules: &Rules,
) -> Option<Decision> {
    let path = track.path().child("automation").child("fader_db");
    if rules.is_yours(&path) || rules.is_yours(&track.path().child("fader_db")) && !track.lanes.is_empty() {
        return None;
    }
    let own = behind_fader(track, facts, session)?;
    let mut rest = vec![0.0; own.power.len()];
    for other in heard(session).filter(|other| leads.iter().all(|lead| lead.id != other.id)) {
        let Some(rows) = behind_fader(other, facts, session) else { continue };
        rest.iter_mut().enumerate().for_each(|(row, sum)| *sum += rows.at(row));
    }
    let most_db = if role(track) == "spoken" { SPOKEN_DB } else { RIDE_DB } * rules.strength.clamp(0.0, 1.5);
    let bounds = Bounds { most_db, highest_db: session::fields::FADER.max - track.fader_db };
    let row_s = facts.tracks.get(&track.id)?.now().erb.frame_s;
    let ride = Ride::new(&own, &rest, row_s, bounds)?;
    let (lowest, highest) = ride.extremes_db();
    let gained = 1.0 - ride.after_db / ride.before_db.max(1e-9);
    if highest.max(-lowest) < LEAST_DB || gained < LEAST_IMPROVEMENT {
        return None;
    }
    let points = ride.points.iter().map(|(time_s, db)| (*time_s, tenth(track.fader_db + db)));
    let (when_s, most) = ride.farthest();
    let why = format!(
        "Its distance to what plays with it wandered by {:.1} dB within its phrases; ridden between {} and {}, by \
         {:.1} dB. The farthest is {} at {}.",
        ride.before_db,
        signed_db(lowest),
        signed_db(highest),
        ride.after_db,
        signed_db(most),
        clock(when_s)
    );
    Some(
        Decision::set(StepId::Automation, path, Value::points(points), why)
            .noted(format!("distance to the rest {:.1} to {:.1} dB", ride.before_db, ride.after_db))
            .measured("standard deviation of the distance before", ride.before_db, "dB")
            .measured("standard deviation of the distance after", ride.after_db, "dB")
            .measured("phrases", ride.phrases as f64, "")
            .sure(0.7)
            .costs(format!("up to {:.1} dB of the singer's own dynamics", highest.max(-lowest)))
            .unless("its dynamics are the expression of the song"),
    )
}

/// Mean loudness of the mix over the sections whose name begins so, in LUFS.
fn loudness_of(name: &str, facts: &SongFacts, session: &Session) -> Option<f64> {
    let mix = &facts.mix.as_ref()?.loudness;
    let (mut sum, mut count) = (0.0, 0usize);
    for (start_s, end_s) in spans(name, facts, session) {
        let inside = mix.time_s.iter().zip(&mix.momentary_lufs);
        // Windows of 0.4 s, told by their ends.
        for lufs in inside.filter(|(t, _)| **t >= start_s + 0.4 && **t <= end_s).filter_map(|(_, lufs)| *lufs)
        {
            sum += db_to_power(lufs);
            count += 1;
        }
    }
    (count > 0 && sum > 0.0).then(|| audio::power_to_db(sum / count as f64))
}

fn spans(name: &str, facts: &SongFacts, session: &Session) -> Vec<(f64, f64)> {
    let sections = &session.song.sections;
    let end = |place: usize| sections.get(place + 1).map_or(facts.duration_s, |next| next.start_s);
    let named =
        sections.iter().enumerate().filter(|(_, section)| section.name.to_lowercase().starts_with(name));
    named.map(|(place, section)| (section.start_s, end(place))).filter(|(start, end)| end > start).collect()
}

fn chorus_lift(facts: &SongFacts, session: &Session, rules: &Rules) -> Option<Decision> {
    let strip = &session.premaster.strip;
    let path = strip.path().child("automation").child("fader_db");
    let moves = strip.lanes.iter().any(|lane| lane.target == LaneTarget::Fader);
    if moves || rules.is_yours(&path) || rules.is_yours(&strip.path().child("fader_db")) {
        return None;
    }
    let chorus_lufs = loudness_of("chorus", facts, session)?;
    let verse_lufs = loudness_of("verse", facts, session)?;
    let difference = chorus_lufs - verse_lufs;
    let lift_db = tenth((LIFT_DB * rules.strength).clamp(0.0, 1.5));
    if difference >= LIFT_BELOW_LU || lift_db < 0.5 {
        return None;
    }
    let base = strip.fader_db;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (start_s, end_s) in spans("chorus", facts, session) {
        let rise_s = (start_s - LIFT_FADE_S).max(0.0);
        // Two choruses in a row stay lifted.
        if points.last().is_some_and(|(time, _)| *time > rise_s) {
            points.truncate(points.len() - 2);
        } else {
            points.extend([(rise_s, base), (start_s, base + lift_db)]);
        }
        points.extend([(end_s, base + lift_db), (end_s + LIFT_FADE_S, base)]);
    }
    let why = format!(
        "The choruses are only {difference:.1} LU above the verses: lifted by {lift_db:.1} dB, so that they open up."
    );
    Some(
        Decision::set(StepId::Automation, path, Value::points(points), why)
            .noted(format!("choruses {}", signed_db(lift_db)))
            .measured("loudness of the choruses", chorus_lufs, "LUFS")
            .measured("loudness of the verses", verse_lufs, "LUFS")
            .sure(0.6)
            .costs(format!("{lift_db:.1} dB of headroom in the choruses"))
            .unless("the song is meant to stay level"),
    )
}

#[cfg(test)]
mod tests;
