//! A note of a bass that booms: its fundamental stands out against those of the notes around it.

use super::Cut;
use crate::levels::{at, level_db, sorted};
use crate::parts::role;
use crate::rack::Band;
use crate::words::tenth;
use crate::{Rules, TrackFacts, roles};
use session::Strip;
use std::collections::BTreeMap;

/// A pitch is measured every so many rows of 50 ms.
const ROWS: usize = 2;
/// The fundamental lies within this ratio of the pitch, either way: the next harmonic is one octave away.
const NEAR: f64 = 1.5;
/// So many readings make a note.
const LEAST: usize = 4;
/// Notes from so many to so many semitones away are what it is held against, below and above.
const BESIDE: std::ops::RangeInclusive<i32> = 2..=9;
/// Louder than the loudest of them by this is a boom, in dB: players differ by less from note to note.
const BOOM_DB: f64 = 5.0;
/// Share of the excess that is cut, and the deepest cut in dB.
const SHARE: f64 = 0.7;
const DEEPEST_DB: f64 = 9.0;
/// Narrowness: half as deep two semitones away.
const Q: f64 = 6.0;

pub(super) fn cut(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Cut> {
    if roles::family(role(track)) != "bass" {
        return None;
    }
    let notes = notes(known);
    let beside = |note: i32, side: i32| {
        let levels = BESIDE.filter_map(|away| notes.get(&(note + side * away)).map(|(_, level)| *level));
        levels.fold(None, |most: Option<f64>, level| Some(most.map_or(level, |most| most.max(level))))
    };
    // Held against both sides: an instrument that is loud in its whole lowest register does not boom.
    let excess = |note: &i32, level: f64| Some(level - beside(*note, -1)?.max(beside(*note, 1)?));
    let booms = notes.iter().filter_map(|(note, (hz, level))| Some((*hz, excess(note, *level)?)));
    let (hz, excess_db) = booms.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, db)| *db >= BOOM_DB)?;
    let wanted_db = SHARE * excess_db * rules.strength;
    let gain_db = -tenth(wanted_db.min(DEEPEST_DB));
    let mut band = Band::bell("boom", hz, gain_db, Q);
    band.freq_hz = tenth(hz);
    let stopped = if wanted_db > DEEPEST_DB {
        format!(" Wanted {wanted_db:.1} dB, stopped at {DEEPEST_DB:.0}.")
    } else {
        String::new()
    };
    let why = format!(
        "One note booms: at {hz:.1} Hz its fundamental is {excess_db:.1} dB louder than those of the notes below and \
         above it; cut by {:.1} dB, narrowly.{stopped}",
        -gain_db
    );
    Some(Cut {
        track: track.id.clone(),
        band,
        why,
        note: format!("one note {excess_db:+.1} dB"),
        evidence: vec![("louder than the notes beside it", excess_db, "dB"), ("pitch", hz, "Hz")],
        confidence: 0.7,
        unless: "that note is meant to stand out",
    })
}

/// Middle pitch in hertz and middle level of the fundamental in dB of every note, by semitone.
fn notes(known: &TrackFacts) -> BTreeMap<i32, (f64, f64)> {
    let erb = &known.now().erb;
    let mut readings: BTreeMap<i32, Vec<(f64, f64)>> = BTreeMap::new();
    for (place, hz) in known.raw.pitch_hz.iter().enumerate() {
        let Some(hz) = hz.map(f64::from) else { continue };
        let rows = place * ROWS..((place + 1) * ROWS).min(erb.rows());
        if rows.is_empty() || !rows.clone().all(|row| erb.active.get(row).copied().unwrap_or(false)) {
            continue;
        }
        let fundamental = |row: usize| -> f64 {
            let bands = erb.row(row).iter().zip(&erb.centres_hz);
            bands.filter(|(_, c)| (hz / NEAR..hz * NEAR).contains(*c)).map(|(p, _)| f64::from(*p)).sum()
        };
        let power = rows.map(fundamental).sum::<f64>() / ROWS as f64;
        let semitone = (12.0 * (hz / 440.0).log2()).round() as i32;
        readings.entry(semitone).or_default().push((hz, level_db(power)));
    }
    let middle = |values: Vec<f64>| at(&sorted(values), 0.5);
    let note = |(note, readings): (i32, Vec<(f64, f64)>)| {
        let pitch = middle(readings.iter().map(|(hz, _)| *hz).collect())?;
        let level = middle(readings.iter().map(|(_, db)| *db).collect())?;
        (readings.len() >= LEAST).then_some((note, (pitch, level)))
    };
    readings.into_iter().filter_map(note).collect()
}
