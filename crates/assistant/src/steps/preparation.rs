//! Step 1: what is wrong with the recordings themselves is mended before anything is built on them.
//!
//! Clipped peaks are rebuilt, clicks, hum and steady noise are taken out, constant offset and rumble are filtered out, a
//! low end on one side goes to the middle, phrases of an uneven take are brought nearer to each other, polarity and
//! delay of microphones of one source are set right where their sum gains from it, silent tracks are set
//! aside, and tracks without a telling name get a role from their sound where it is plain. The tempo is written
//! down where the players keep one.

mod alignment;
mod blemishes;
mod doubles;
mod head;
mod hiss;
mod hum;
mod microphones;
mod sounds;
mod takes;
mod tempo;

use crate::parts::{heard, role, sources};
use crate::{Hears, Rules, SongFacts, Step, TrackFacts, roles};
use alignment::aligned;
use dsp::Values;
use dsp::processors::{gain, rumble};
use head::at_the_head;
use measure::Facts;
pub use microphones::microphone_groups;
use session::{Change, Decision, Session, StepId, Strip, Value};
use std::path::PathBuf;

/// Offsets above this waste headroom and click at edits: -60 dBFS.
const OFFSET: f64 = 0.001;
/// An offset nearer than this to the level of what is played counts as well, in dB: a quiet part is turned up with its
/// offset, and one that plays seldom steps at both ends of what it plays.
const OFFSET_TO_LEVEL_DB: f64 = -40.0;
/// Share of the energy below 25 Hz that is rumble, in dB.
const RUMBLE_DB: f64 = -35.0;
/// The same for what is meant to reach down there.
const RUMBLE_LOW_DB: f64 = -30.0;
/// The same for single microphones of a kit, all of which hear the kick.
const RUMBLE_OF_A_KIT_DB: f64 = -15.0;
/// Level below 25 Hz that is there all through, whatever is played, against what is played, in dB: no instrument plays
/// it. For what reaches down there the long ends of low notes have to be let be.
const STEADY_DB: f64 = -45.0;
const STEADY_LOW_DB: f64 = -38.0;
/// Energy down there counts as that of low notes where what is always there is less by this, and where it is no more than
/// this against the whole, in dB.
const STEADIER_DB: f64 = 12.0;
const PLAIN_RUMBLE_DB: f64 = -18.0;
/// The third octave of the lowest notes, in hertz, and the level in it against the whole from which there are any, in dB.
const LOWEST_NOTES_HZ: f64 = 31.5;
const LOWEST_NOTES_DB: f64 = -25.0;
/// Corners against rumble, in hertz: for what may reach down to the lowest note of a bass with five strings
/// (30.9 Hz), as high as the usual high-pass of a kick (25 to 30 Hz); and for what does not.
const RUMBLE_HZ: (f64, f64) = (28.0, 35.0);
/// Its steepness in dB per octave: rumble reaches up to the lowest notes.
const RUMBLE_SLOPE: &str = "48";
/// Left and right that are this much alike with opposite signs are one signal with a turned channel.
const TURNED_CORRELATION: f64 = -0.5;

/// Session preparation.
pub(crate) struct Preparation;

impl Step for Preparation {
    fn id(&self) -> StepId {
        StepId::Preparation
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Recordings
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for track in heard(session) {
            let Some(known) = facts.tracks.get(&track.id) else { continue };
            let raw = &known.raw.facts;
            if raw.active_rms_dbfs.is_none() && raw.frames > 0 {
                decisions.push(silent(track, raw));
                continue;
            }
            decisions.extend(sounds::role_from_sound(track, &known.raw, session));
            decisions.extend(turned_channel(track, raw));
        }
        let aside = doubles::set_aside(facts, session, rules);
        let is_aside = |id: &str| aside.iter().any(|decision| decision.change.path().parts()[1] == id);
        decisions.extend(session.tracks.values().filter_map(|track| repaired(track, facts)));
        decisions.extend(blemishes::restore(facts, session));
        decisions.extend(clean(facts, session));
        decisions.extend(blemishes::mend(facts, session));
        decisions.extend(tempo::tempo(facts, session));
        decisions.extend(takes::evened(facts, session, rules).into_iter().filter(|decision| {
            let id = &decision.change.path().parts()[1];
            !is_aside(id)
        }));
        let both = facts.relations.iter().filter(|r| !is_aside(&r.track) && !is_aside(&r.reference));
        decisions.extend(aligned(&both.collect::<Vec<_>>(), facts, session));
        decisions.extend(aside.iter().cloned());
        decisions.retain(|decision| !rules.is_yours(decision.change.path()));
        decisions
    }
}

/// The note at a recording whose sound is not what its file holds. It changes nothing: who reads the session shall know.
fn repaired(track: &Strip, facts: &SongFacts) -> Option<Decision> {
    let file = &facts.tracks.get(&track.id)?.file;
    let repairs = Some(file.repairs.join("; ")).filter(|all| !all.is_empty())?;
    let text = |file: &PathBuf| Value::Text(session::file_text(file));
    let (value, note) = match &track.files[..] {
        [one] => (text(one), format!("repaired: {repairs}")),
        many => {
            (many.iter().map(text).collect::<Vec<_>>().into(), format!("left and right; repaired: {repairs}"))
        }
    };
    let why = format!("The file was mended when it was read: {repairs}. Export or copy it again if you can.");
    let decision = Decision::set(StepId::Preparation, track.path().child("file"), value, why);
    Some(
        decision
            .noted(note)
            .measured("repairs", file.repairs.len() as f64, "")
            .costs("what the damage took away, which nobody can tell any more")
            .unless("the file is replaced by one that is whole"),
    )
}

fn silent(track: &Strip, raw: &Facts) -> Decision {
    let why = format!("Nothing is recorded on it in {:.1} s: set aside.", raw.duration_s);
    Decision::set(StepId::Preparation, track.path().child("mute"), true, why)
        .noted("silent")
        .measured("length", raw.duration_s, "s")
        .sure(0.99)
        .costs("nothing: there is no sound in it")
        .unless("something is recorded on it later")
}

/// A stereo file whose right channel is the left one turned loses everything in mono.
fn turned_channel(track: &Strip, raw: &Facts) -> Option<Decision> {
    let correlation = raw.correlation.filter(|c| *c < TURNED_CORRELATION)?;
    if track.insert("polarity").is_some() {
        return None;
    }
    let loss = raw.mono_loss_db.unwrap_or(0.0);
    let mut values = Values::neutral(&gain::KIND);
    values.set(&gain::KIND, "invert_right", 1.0).expect("a setting of the gain stage");
    let why = format!(
        "Left and right are each other's opposite (correlation {correlation:.2}): in mono {loss:.1} dB would be \
         lost. The right channel is turned."
    );
    let change = Change::insert(&track.path(), "polarity", &gain::KIND, &values);
    Some(
        Decision::new(StepId::Preparation, change, why)
            .noted(format!("correlation {correlation:.2}"))
            .measured("correlation", correlation, "")
            .measured("loss in mono", loss, "dB")
            .sure((-correlation).clamp(0.0, 1.0))
            .costs("the width that the opposite channels seemed to have")
            .unless("the width is an effect that is wanted"),
    )
}

/// What lies below hearing on a track.
#[derive(Clone, Copy, PartialEq)]
enum Dirt {
    Offset {
        dbfs: f64,
    },
    Rumble {
        share_db: f64,
    },
    /// There all through, whatever is played.
    Steady {
        below_db: f64,
    },
}

fn dirt(track: &Strip, known: &TrackFacts) -> Option<Dirt> {
    let (raw, raw_blemishes) = (&known.raw.facts, &known.raw.blemishes);
    let rms_db = raw.active_rms_dbfs?;
    let steady_db = raw_blemishes.subsonic_dbfs.map(|dbfs| dbfs - rms_db);
    let share_db = raw.below_25_hz_db.filter(|share| *share > rumble_limit_db(role(track)));
    if let Some(share_db) = share_db {
        // What comes and goes with low notes and strokes is theirs.
        let steady = steady_db.is_none_or(|steady| steady > share_db - STEADIER_DB);
        if steady || share_db > PLAIN_RUMBLE_DB || !reaches_down(role(track)) {
            return Some(Dirt::Rumble { share_db });
        }
    }
    if let Some(against_db) = steady_db.filter(|db| *db > steady_limit_db(role(track))) {
        return Some(Dirt::Steady { below_db: -against_db });
    }
    let dbfs = audio::gain_to_db(raw.dc_offset.abs());
    let matters = raw.dc_offset.abs() > OFFSET || dbfs - rms_db > OFFSET_TO_LEVEL_DB;
    (matters && dbfs > -100.0).then_some(Dirt::Offset { dbfs })
}

/// Whether anything lies where the lowest notes would be, between 28 and 36 Hz.
fn has_lowest_notes(raw: &Facts) -> bool {
    let band = raw.third_octave_db.iter().find(|band| band.hz == LOWEST_NOTES_HZ).and_then(|band| band.db);
    let share_db = band.zip(raw.active_rms_dbfs).map(|(db, whole)| db - whole);
    share_db.is_none_or(|db| db > LOWEST_NOTES_DB)
}

fn steady_limit_db(role: &str) -> f64 {
    if reaches_down(role) { STEADY_LOW_DB } else { STEADY_DB }
}

/// Whether a role may have notes down there; what nobody knows may.
fn reaches_down(role: &str) -> bool {
    matches!(roles::family(role), "bass" | "drums" | "synths" | "keys" | "other" | "buses" | "fx" | "returns")
}

fn rumble_limit_db(role: &str) -> f64 {
    match roles::family(role) {
        "drums" if !microphones::is_whole_kit(role) => RUMBLE_OF_A_KIT_DB,
        _ if matches!(role, "impact" | "downlifter") => RUMBLE_OF_A_KIT_DB,
        "bass" | "drums" => RUMBLE_LOW_DB,
        _ if role == "drum_bus" => RUMBLE_LOW_DB,
        _ => RUMBLE_DB,
    }
}

/// High-passes below hearing. All microphones of a source get the same, since its phase turns what lies an
/// octave above, and their sum would change.
fn clean(facts: &SongFacts, session: &Session) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for source in sources(facts, session) {
        let found: Vec<Option<Dirt>> =
            source.iter().map(|track| dirt(track, facts.tracks.get(&track.id)?)).collect();
        let rumbles =
            found.iter().any(|dirt| matches!(dirt, Some(Dirt::Rumble { .. } | Dirt::Steady { .. })));
        let low = source.iter().any(|track| {
            let raw = facts.tracks.get(&track.id).map(|known| &known.raw.facts);
            // A steep corner just under its fundamental takes the edge off the stroke of a kick.
            let strokes = roles::family(role(track)) == "drums" && !microphones::is_whole_kit(role(track));
            strokes || reaches_down(role(track)) && raw.is_none_or(has_lowest_notes)
        });
        let corner_hz = match rumbles {
            true if low => RUMBLE_HZ.0,
            true => RUMBLE_HZ.1,
            false => 0.0,
        };
        let Some(first) = found.iter().flatten().next().copied() else { continue };
        for (track, own) in source.iter().zip(&found) {
            if track.insert("clean").is_none() {
                decisions.extend(high_pass(track, corner_hz, *own, first));
            }
        }
    }
    decisions
}

fn high_pass(track: &Strip, corner_hz: f64, own: Option<Dirt>, of_source: Dirt) -> Vec<Decision> {
    let mut values = Values::neutral(&rumble::KIND);
    let known = "a setting of the filter";
    values.set(&rumble::KIND, "remove_dc", 1.0).expect(known);
    if corner_hz > 0.0 {
        values.set(&rumble::KIND, "freq_hz", corner_hz).expect(known);
        values.set_choice(&rumble::KIND, "slope", RUMBLE_SLOPE).expect(known);
    }
    let done = match corner_hz > 0.0 {
        true => format!("cut below {corner_hz:.0} Hz, {RUMBLE_SLOPE} dB per octave"),
        false => "the mean is taken out, without turning any phase".to_string(),
    };
    let same = if own.is_none() { " (on another microphone of it; all get the same filter)" } else { "" };
    let (why, note, name, value, unit) = match own.unwrap_or(of_source) {
        Dirt::Offset { dbfs } => (
            format!("The recording stands off zero by {dbfs:.1} dBFS{same}: {done}."),
            format!("offset {dbfs:.1} dBFS"),
            "offset",
            dbfs,
            "dBFS",
        ),
        Dirt::Steady { below_db } => (
            format!(
                "Below 25 Hz something goes on all through, {below_db:.1} dB under what is played, whether it plays or \
                 not{same}: {done}."
            ),
            format!("subsonic, {below_db:.0} dB under it"),
            "steady level below 25 Hz against what is played",
            -below_db,
            "dB",
        ),
        Dirt::Rumble { share_db } => (
            format!("Rumble below 25 Hz has {share_db:.1} dB of the track's energy{same}: {done}."),
            format!("rumble {share_db:.1} dB"),
            "energy below 25 Hz",
            share_db,
            "dB",
        ),
    };
    let change = Change::insert(&track.path(), "clean", &rumble::KIND, &values);
    let decision = Decision::new(StepId::Preparation, change, why)
        .noted(note)
        .measured(name, value, unit)
        .sure(if own.is_some() { 0.95 } else { 0.8 })
        .costs(match corner_hz > 0.0 {
            true => format!("some phase below {:.0} Hz", 2.0 * corner_hz),
            false => "nothing that is heard".to_string(),
        })
        .unless("it is meant to be felt below hearing");
    // Filters below hearing stand before whatever follows level.
    let why = "What lies below hearing is removed first in the chain.";
    let place = at_the_head(track, "clean", why).map(|place| place.measured("corner", corner_hz, "Hz"));
    [decision].into_iter().chain(place).collect()
}

#[cfg(test)]
mod tests;
