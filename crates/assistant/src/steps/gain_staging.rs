//! Step 2: every track comes to a working level by its trim, so that processors that follow level work where
//! they were made to work and faders stay near 0 dB.

use crate::parts::{role, sources};
use crate::words::{signed_db, tenth};
use crate::{Hears, Rules, SongFacts, Step};
use measure::Facts;
use session::{Decision, Session, StepId, Strip};

/// Where the active parts of a track stand, in dBFS RMS.
pub(crate) const WORKING_DBFS: f64 = -18.0;
/// Where the peaks of a track may stand, in dBFS.
const PEAK_DBFS: f64 = -6.0;
/// Where the peaks of strokes stand, in dBFS.
const STROKE_PEAK_DBFS: f64 = -10.0;
/// Crest from which a track consists of strokes, in dB: RMS says little of how loud those are.
const STROKE_CREST_DB: f64 = 15.0;
/// The most that a trim moves, in dB.
const MOST_DB: f64 = 30.0;
/// Smaller moves are not heard, in dB.
const LEAST_DB: f64 = 0.5;

/// Gain staging.
pub(crate) struct GainStaging;

/// What a track would get by itself.
struct Wish {
    trim_db: f64,
    rms_dbfs: f64,
    peak_dbfs: f64,
    crest_db: f64,
    reason: Reason,
}

#[derive(Clone, Copy, PartialEq)]
enum Reason {
    Level,
    Peak,
    Strokes,
}

impl Step for GainStaging {
    fn id(&self) -> StepId {
        StepId::GainStaging
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Recordings
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for source in sources(facts, session) {
            let wishes: Vec<(&Strip, Wish)> = source
                .into_iter()
                .filter_map(|track| Some((track, wish(track, &facts.tracks.get(&track.id)?.raw.facts)?)))
                .collect();
            // The loudest microphone decides: the balance between microphones of one source is information.
            let Some((deciding, _)) =
                wishes.iter().enumerate().min_by(|(_, a), (_, b)| a.1.trim_db.total_cmp(&b.1.trim_db))
            else {
                continue;
            };
            let shared = shared_trim(&wishes, deciding, rules);
            for (place, (track, wish)) in wishes.iter().enumerate() {
                let path = track.path().child("trim_db");
                if rules.is_yours(&path) || (shared - track.trim_db).abs() < LEAST_DB {
                    continue;
                }
                let leader = (place != deciding).then(|| wishes[deciding].0.name());
                decisions.push(decision(track, wish, shared, leader));
            }
        }
        decisions
    }
}

/// The trim of all microphones of a source: a person's, or that of the loudest.
fn shared_trim(wishes: &[(&Strip, Wish)], deciding: usize, rules: &Rules) -> f64 {
    let yours = wishes.iter().find(|(track, _)| rules.is_yours(&track.path().child("trim_db")));
    yours.map_or(tenth(wishes[deciding].1.trim_db.clamp(-MOST_DB, MOST_DB)), |(track, _)| track.trim_db)
}

fn wish(track: &Strip, raw: &Facts) -> Option<Wish> {
    let rms_dbfs = level_after_cleaning(track, raw)?;
    let peak_dbfs = raw.true_peak_dbtp.or(raw.sample_peak_dbfs)?;
    let crest_db = raw.active_crest_db.unwrap_or(peak_dbfs - rms_dbfs);
    let (trim_db, reason) = if crest_db > STROKE_CREST_DB {
        (STROKE_PEAK_DBFS - peak_dbfs, Reason::Strokes)
    } else if WORKING_DBFS - rms_dbfs <= PEAK_DBFS - peak_dbfs {
        (WORKING_DBFS - rms_dbfs, Reason::Level)
    } else {
        (PEAK_DBFS - peak_dbfs, Reason::Peak)
    };
    Some(Wish { trim_db, rms_dbfs, peak_dbfs, crest_db, reason })
}

/// The active level without what the filter of step 1 takes away.
fn level_after_cleaning(track: &Strip, raw: &Facts) -> Option<f64> {
    let rms_dbfs = raw.active_rms_dbfs?;
    if track.insert("clean").is_none() {
        return Some(rms_dbfs);
    }
    let power = audio::db_to_power(rms_dbfs);
    let without_offset = power - raw.dc_offset.powi(2);
    let rumble = raw.below_25_hz_db.map_or(0.0, audio::db_to_power);
    let left = without_offset * (1.0 - rumble.min(1.0));
    // At least a thousandth is left: what is nearly all dirt cannot be told by subtraction.
    Some(audio::power_to_db(left.max(power * 1e-3)))
}

fn decision(track: &Strip, wish: &Wish, trim_db: f64, leader: Option<&str>) -> Decision {
    let Wish { rms_dbfs, peak_dbfs, crest_db, .. } = *wish;
    let trim = signed_db(trim_db);
    let bounded = (trim_db - wish.trim_db).abs() > 0.1 && trim_db.abs() >= MOST_DB;
    let (why, note) = match (leader, wish.reason) {
        (Some(leader), _) => (
            format!(
                "Trim {trim}, like `{leader}`: microphones of one source keep their balance (this one averaged \
                 {rms_dbfs:.1} dBFS)."
            ),
            format!("as {leader}"),
        ),
        (None, _) if bounded => (
            format!(
                "Trim {trim}: its active parts averaged {rms_dbfs:.1} dBFS; wanted {}, stopped there.",
                signed_db(wish.trim_db)
            ),
            format!("active {rms_dbfs:.1} dBFS, stopped at {MOST_DB:.0} dB"),
        ),
        (None, Reason::Level) => (
            format!(
                "Trim {trim}: its active parts averaged {rms_dbfs:.1} dBFS, the working level is -18 dBFS."
            ),
            format!("active parts {rms_dbfs:.1} to -18 dBFS"),
        ),
        (None, Reason::Peak) => (
            format!("Trim {trim}: it peaks at {peak_dbfs:.1} dBFS, and peaks stay below -6 dBFS."),
            format!("peaks {peak_dbfs:.1} to -6 dBFS"),
        ),
        (None, Reason::Strokes) => (
            format!(
                "Trim {trim}: strokes ({crest_db:.1} dB of crest) peaked at {peak_dbfs:.1} dBFS, and belong at -10 dBFS."
            ),
            format!("strokes {peak_dbfs:.1} to -10 dBFS"),
        ),
    };
    Decision::set(StepId::GainStaging, track.path().child("trim_db"), trim_db, why)
        .noted(note)
        .measured("active level", rms_dbfs, "dBFS")
        .measured("peak", peak_dbfs, "dBTP")
        .measured("crest of active parts", crest_db, "dB")
        .sure(if role(track) == crate::roles::UNKNOWN { 0.8 } else { 0.95 })
        .costs("nothing: noise and signal move together")
        .unless("the file is replaced")
}

#[cfg(test)]
mod tests;
