//! Peaks that were cut off, clicks, hum of the mains, and a low end that lies on one side.

use crate::parts::{heard, role};
use crate::rack::settings;
use crate::recordings::clicks;
use crate::words::{listed, tenth};
use crate::{SongFacts, TrackFacts, roles};
use dsp::Values;
use dsp::processors::{declick, declip, eq, width};
use measure::{Facts, Hum};
use session::{Change, Decision, Session, StepId, Strip};

/// Fewer runs are single overs that nobody hears.
const CLIPPED_RUNS: usize = 4;
/// The declipper's ceiling below the flat tops: dither and filters leave them not quite flat.
const BELOW_THE_TOPS_DB: f64 = 0.1;
/// How far a peak may be rebuilt: recordings that lost more than this are past mending.
const RISE_DB: f64 = 9.0;
/// Of the click repair: high enough for most of what is heard, low enough for consonants to stay.
const SENSITIVITY_PERCENT: f64 = 50.0;
/// Why restoration stands first.
const HEAD: &str = "A recording is restored before anything else changes it.";
/// Hum farther than this below what is played is not heard beside it, nor after it is compressed, in dB.
const MATTERS_DB: f64 = 60.0;
/// Lines weaker than the strongest by more than this are left alone, in dB.
const WEAK_DB: f64 = 30.0;
/// At most so many lines, and the deepest cut, in dB: farther down nobody hears it.
const MOST_LINES: usize = 8;
const DEEPEST_DB: f64 = 20.0;
/// Width of a cut in hertz: notes beside the line stay, and the mains may wander by some tenths.
const WIDTH_HZ: f64 = 3.0;
/// Narrowness of a cut, at least and at most.
const Q: (f64, f64) = (8.0, 40.0);
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
        .unless("they are meant: a loop's grain, the crackle of a record");
    let place =
        super::at_the_head(track, "declick", HEAD).map(|place| place.measured("clicks", count, "clicks"));
    [decision].into_iter().chain(place).collect()
}

/// Cuts on the lines of hum, and low ends to the middle.
pub(super) fn mend(facts: &SongFacts, session: &Session) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for track in heard(session) {
        let Some(known) = facts.tracks.get(&track.id) else { continue };
        let blemishes = &known.raw.blemishes;
        if let Some((hum, level_dbfs)) = blemishes.hum.as_ref().zip(known.raw.facts.active_rms_dbfs) {
            decisions.extend(notches(track, hum, level_dbfs));
        }
        if let Some(low_db) = blemishes.low_end_balance_db {
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
        .unless("the clipping is the sound that is wanted, or it can be recorded again");
    let place =
        super::at_the_head(track, "declip", HEAD).map(|place| place.measured("cut off at", lowest, "dBFS"));
    [decision].into_iter().chain(place).collect()
}

/// Narrow cuts where the mains hum; what was measured in the pauses is no note.
fn notches(track: &Strip, hum: &Hum, level_dbfs: f64) -> Option<Decision> {
    let below_db = level_dbfs - hum.dbfs();
    if below_db > MATTERS_DB || track.insert("hum").is_some() {
        return None;
    }
    let strongest = hum.lines.iter().map(|line| line.dbfs).fold(f64::NEG_INFINITY, f64::max);
    let lines = hum.lines.iter().filter(|line| line.dbfs > strongest - WEAK_DB).take(MOST_LINES);
    let mut values = Values::neutral(&eq::KIND);
    let mut shown = Vec::new();
    for (place, line) in lines.enumerate() {
        let known = "a setting of the equaliser";
        values.push(&eq::KIND, "bands").expect(known);
        let mut set = |name: &str, value: f64| {
            values.set(&eq::KIND, &format!("bands.{place}.{name}"), value).expect(known);
        };
        set("freq_hz", line.hz);
        set("gain_db", -tenth(line.above_floor_db.min(DEEPEST_DB)));
        set("q", tenth((line.hz / WIDTH_HZ).clamp(Q.0, Q.1)));
        shown.push(format!("{:.0}", line.hz));
    }
    let loudest = hum.lines.iter().max_by(|a, b| a.above_floor_db.total_cmp(&b.above_floor_db))?;
    let why = format!(
        "It hums: in its pauses lines stand at {} Hz, {:.1} dBFS together and up to {:.0} dB above what is beside \
         them, {below_db:.0} dB below what is played: {} cuts of up to {DEEPEST_DB:.0} dB, {WIDTH_HZ:.0} Hz wide.",
        listed(&shown),
        hum.dbfs(),
        loudest.above_floor_db,
        shown.len()
    );
    Some(
        Decision::new(StepId::Preparation, Change::insert(&track.path(), "hum", &eq::KIND, &values), why)
            .noted(format!("mains hum, {:.0} Hz", hum.mains_hz))
            .measured("hum in the pauses", hum.dbfs(), "dBFS")
            .measured("highest line above the floor", loudest.above_floor_db, "dB")
            .sure(0.9)
            .unless("a drone at this pitch is meant"),
    )
}

/// Low notes that come from one side only are put in the middle.
fn low_end_to_the_middle(track: &Strip, low_db: f64, raw: &Facts) -> Option<Decision> {
    let whole_db = raw.balance_db.unwrap_or(0.0);
    let leans_db = low_db - whole_db;
    let share_db = crate::tone::share_db(raw, 40.0, LOW_HZ)?;
    // What was recorded by several microphones of a room has its picture there.
    let distant = matches!(roles::family(role(track)), "fx" | "returns") || super::is_distant(track);
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
            .unless("the low notes are meant to come from one side"),
    )
}
