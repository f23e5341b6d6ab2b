//! What is wrong with recordings, in words: everything that a listener would frown at, mended or not.

use crate::finding::Finding;
use crate::parts::role;
use crate::roles;
use crate::steps::dynamics::noise_db;
use crate::words::listed;
use crate::{SongFacts, TrackFacts};
use session::Session;
use std::collections::BTreeMap;

/// An offset above this costs headroom and clicks at edits.
const OFFSET: f64 = 1e-3;
/// Energy below 25 Hz that is told, in dB.
const RUMBLE_DB: f64 = -25.0;
/// Shorter than the longest track by this is told, in seconds.
const SHORTER_S: f64 = 1.0;
/// Loss in mono that is told, in dB.
const MONO_LOSS_DB: f64 = 6.0;
/// Steady noise nearer to what is played than this is told, in dB.
const NOISE_DB: f64 = -40.0;
/// Hum nearer to what is played than this is told, in dB.
const HUM_DB: f64 = -60.0;
/// Fewer clicks than this may be consonants or strings.
const CLICKS: usize = 5;
/// So many places are named.
const PLACES: usize = 6;

/// What a listener would frown at, from the measurements of one recording.
pub fn recording_faults(track: &TrackFacts, role: &str, song: &SongFacts) -> Vec<String> {
    let facts = &track.raw.facts;
    let mut faults = track.file.notes.clone();
    let mut say = |wrong: bool, text: String| {
        if wrong {
            faults.push(text);
        }
    };
    say(facts.active_lufs.is_none(), "silent".into());
    say(facts.dc_offset.abs() > OFFSET, format!("DC offset {:+.4} of full scale", facts.dc_offset));
    say(
        facts.clipped_samples > 0,
        format!("{} clipped samples in {} runs", facts.clipped_samples, facts.clipped_runs),
    );
    let rumble = facts.below_25_hz_db.unwrap_or(-120.0);
    say(rumble > RUMBLE_DB, format!("energy below 25 Hz {rumble:.0} dB under the whole"));
    let hum = track.raw.blemishes.hum.as_ref().zip(facts.active_rms_dbfs);
    if let Some((hum, _)) = hum.filter(|(hum, level)| hum.dbfs() - level > HUM_DB) {
        let lines: Vec<String> = hum.lines.iter().map(|line| format!("{:.0}", line.hz)).collect();
        say(true, format!("hum at {} Hz, {:.0} dBFS in its pauses", listed(&lines), hum.dbfs()));
    }
    if let Some((noise, below)) = noise_db(&track.raw, role).filter(|(_, below)| *below > NOISE_DB) {
        say(true, format!("noise of {noise:.0} dBFS in its pauses, {:.0} dB below what is played", -below));
    }
    if let Some(text) = clicks(track, role) {
        say(true, text);
    }
    let (own, session) = (track.file.sample_rate_hz, song.sample_rate_hz);
    say(own != session, format!("{own} Hz instead of the session's {session} Hz: converted"));
    if let Some((depth, count)) = usual_depth(song).filter(|(depth, _)| *depth != track.file.depth) {
        say(
            true,
            format!(
                "{} where {count} of {} files are {depth}: read without loss",
                track.file.depth,
                song.tracks.len()
            ),
        );
    }
    let short = song.duration_s - track.file.duration_s;
    say(short > SHORTER_S, format!("{short:.1} s shorter than the longest track"));
    let mono = facts.mono_loss_db.unwrap_or(0.0);
    say(mono > MONO_LOSS_DB, format!("loses {mono:.1} dB in mono"));
    faults
}

/// Whether what stands out is clicks: in what neither strikes nor plucks, for strokes and plectra are short as well.
pub(crate) fn clicks_are_faults(track: &TrackFacts, role: &str) -> bool {
    let sustained =
        matches!(roles::family(role), "vocals" | "strings" | "brass" | "woodwinds") || role == "synth_pad";
    sustained && track.raw.blemishes.clicks >= CLICKS
}

/// Clicks and their first places, in words.
pub(crate) fn clicks(track: &TrackFacts, role: &str) -> Option<String> {
    let blemishes = &track.raw.blemishes;
    if !clicks_are_faults(track, role) {
        return None;
    }
    let places: Vec<String> =
        blemishes.click_places_s.iter().take(PLACES).map(|s| crate::words::clock(*s)).collect();
    let more = if blemishes.clicks > PLACES { " and elsewhere" } else { "" };
    Some(format!("{} clicks, at {}{more}", blemishes.clicks, listed(&places)))
}

/// The depth of more than half of the files, and how many they are.
fn usual_depth(song: &SongFacts) -> Option<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for track in song.tracks.values().filter(|track| !track.file.depth.is_empty()) {
        *counts.entry(&track.file.depth).or_default() += 1;
    }
    counts.into_iter().find(|(_, count)| 2 * count > song.tracks.len())
}

/// What nothing in the rack mends, and should go back to the recording or be repaired by hand.
pub(crate) fn beyond_repair(facts: &SongFacts, session: &Session) -> Vec<Finding> {
    let mut found = Vec::new();
    for track in crate::parts::heard(session) {
        let Some(known) = facts.tracks.get(&track.id) else { continue };
        let mut tell = |what: String, value: usize, unit: &str| {
            let (track, unit) = (Some(track.id.clone()), unit.to_string());
            found.push(Finding { what, track, value: value as f64, unit });
        };
        if let Some(text) = clicks(known, role(track)).filter(|_| track.insert("declick").is_none()) {
            tell(format!("{text}: to be repaired by hand"), known.raw.blemishes.clicks, "clicks");
        }
        let raw = &known.raw.facts;
        if raw.clipped_samples > 0 && track.insert("declip").is_none() {
            let text = format!("{} runs of clipped samples: to be recorded again", raw.clipped_runs);
            tell(text, raw.clipped_samples, "samples");
        }
    }
    found
}
