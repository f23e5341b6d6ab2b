//! Peaks that were cut off, clicks, and a low end that lies on one side.

use super::head::{HEAD, at_the_head};
use super::{hiss, hum};
use crate::parts::{heard, is_distant, role};
use crate::rack::settings;
use crate::recordings::clicks;
use crate::words::tenth;
use crate::{SongFacts, TrackFacts, roles};
use dsp::processors::{declick, declip, width};
use measure::Facts;
use session::{Change, Decision, Session, StepId, Strip};

/// Fewer runs are single overs that nobody hears.
const CLIPPED_RUNS: usize = 4;
/// The declipper's ceiling below the flat tops: dither and filters leave them not quite flat.
const BELOW_THE_TOPS_DB: f64 = 0.1;
/// How far a peak may be rebuilt: recordings that lost more than this are past mending.
const RISE_DB: f64 = 9.0;
/// Of the click repair: high enough for most of what is heard, low enough for consonants to stay.
const SENSITIVITY_PERCENT: f64 = 50.0;
/// A low end lies on one side when it leans by this much more than the whole track, in dB: the left hand of a
/// piano before two microphones leans by less.
const LEANS_DB: f64 = 8.0;
/// It matters when at least this share of the energy lies there, in dB.
const LOW_SHARE_DB: f64 = -20.0;
/// Where the low end ends, in hertz.
const LOW_HZ: f64 = 150.0;

/// What must hear the recording as it was made, hence stands first in the chain.
pub(super) fn restore(facts: &SongFacts, session: &Session) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for track in heard(session) {
        let Some(known) = facts.tracks.get(&track.id) else { continue };
        decisions.extend(declip(track, &known.raw.facts));
        decisions.extend(declick(track, known));
        decisions.extend(hum::removal(track, known));
        decisions.extend(hiss::denoiser(track, known));
    }
    decisions
}

/// Clicks are taken out and the gap is filled; where there is none, no bit changes.
fn declick(track: &Strip, known: &TrackFacts) -> Vec<Decision> {
    let Some(found) = clicks(known, role(track)).filter(|_| track.insert("declick").is_none()) else {
        return Vec::new();
    };
    let count = known.raw.blemishes.clicks as f64;
    let values = settings(&declick::KIND, &[("sensitivity_percent", SENSITIVITY_PERCENT)], &[]);
    let why = format!("{found}: they are taken out, and what was there is rebuilt from its surroundings.");
    let change = Change::insert(&track.path(), "declick", &declick::KIND, &values);
    let decision = Decision::new(StepId::Preparation, change, why)
        .noted(format!("{count:.0} clicks"))
        .measured("clicks", count, "clicks")
        .sure(0.7)
        .costs("consonants and plectra as short as a click may be taken for one and softened")
        .unless("they are meant: a loop's grain, the crackle of a record");
    let place = at_the_head(track, "declick", HEAD).map(|place| place.measured("clicks", count, "clicks"));
    [decision].into_iter().chain(place).collect()
}

/// A cut on a line that hums alone, and low ends to the middle.
pub(super) fn mend(facts: &SongFacts, session: &Session) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for track in heard(session) {
        let Some(known) = facts.tracks.get(&track.id) else { continue };
        decisions.extend(hum::notch(track, known));
        if let Some(low_db) = known.raw.blemishes.low_end_balance_db {
            decisions.extend(low_end_to_the_middle(track, low_db, &known.raw.facts));
        }
    }
    decisions
}

/// Peaks that were cut off in the recording are given back. At the head of the chain it stands before the trim.
fn declip(track: &Strip, raw: &Facts) -> Vec<Decision> {
    let lowest = raw.clipped_places.iter().map(|run| run.level_dbfs).fold(f64::INFINITY, f64::min);
    if raw.clipped_runs < CLIPPED_RUNS || !lowest.is_finite() || track.insert("declip").is_some() {
        return Vec::new();
    }
    let ceiling_db = tenth(lowest - BELOW_THE_TOPS_DB);
    let values = settings(&declip::KIND, &[("ceiling_db", ceiling_db), ("rise_db", RISE_DB)], &[]);
    let share = 100.0 * raw.clipped_samples as f64 / raw.frames.max(1) as f64;
    let why = format!(
        "{} peaks are cut off flat at {lowest:.1} dBFS, {} samples ({share:.2} % of it): they are rebuilt from what \
         stands around them, by up to {RISE_DB:.0} dB.",
        raw.clipped_runs, raw.clipped_samples
    );
    let change = Change::insert(&track.path(), "declip", &declip::KIND, &values);
    let decision = Decision::new(StepId::Preparation, change, why)
        .noted(format!("{} clipped runs", raw.clipped_runs))
        .measured("clipped samples", raw.clipped_samples as f64, "samples")
        .measured("cut off at", lowest, "dBFS")
        .sure(0.8)
        .costs(format!("the peaks rise by up to {RISE_DB:.0} dB, so the track needs that much more headroom"))
        .unless("the clipping is the sound that is wanted, or it can be recorded again");
    let place = at_the_head(track, "declip", HEAD).map(|place| place.measured("cut off at", lowest, "dBFS"));
    [decision].into_iter().chain(place).collect()
}

/// Low notes that come from one side only are put in the middle.
fn low_end_to_the_middle(track: &Strip, low_db: f64, raw: &Facts) -> Option<Decision> {
    let whole_db = raw.balance_db.unwrap_or(0.0);
    let leans_db = low_db - whole_db;
    let share_db = crate::tone::share_db(raw, 40.0, LOW_HZ)?;
    // What was recorded by several microphones of a room has its picture there.
    let distant = matches!(roles::family(role(track)), "fx" | "returns") || is_distant(track);
    let taken = track.inserts.iter().any(|insert| insert.kind.id == width::KIND.id);
    if low_db.abs() < LEANS_DB || leans_db.abs() < LEANS_DB || share_db < LOW_SHARE_DB || distant || taken {
        return None;
    }
    let values = settings(&width::KIND, &[("width_percent", 100.0), ("mono_below_hz", LOW_HZ)], &[]);
    let side = if low_db < 0.0 { "left" } else { "right" };
    let shown_db = low_db.abs().min(60.0);
    let why = format!(
        "Below {LOW_HZ:.0} Hz it is {shown_db:.0} dB louder on the {side}, as a whole only {:.1} dB: what lies there \
         ({share_db:.1} dB of its energy) goes to the middle.",
        whole_db.abs()
    );
    let change = Change::insert(&track.path(), "low_mono", &width::KIND, &values);
    Some(
        Decision::new(StepId::Preparation, change, why)
            .noted(format!("low end {shown_db:.0} dB to the {side}"))
            .measured("right against left below 150 Hz", low_db, "dB")
            .measured("right against left", whole_db, "dB")
            .sure(0.8)
            .costs("the width below the corner")
            .unless("the low notes are meant to come from one side"),
    )
}
