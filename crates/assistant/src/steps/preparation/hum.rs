//! Hum of the mains: several lines are followed and subtracted, one alone is cut.

use super::head::{HEAD, at_the_head};
use crate::TrackFacts;
use crate::rack::settings;
use crate::words::{listed, tenth};
use dsp::Values;
use dsp::processors::{dehum, eq};
use measure::{Hum, HumLine};
use session::{Change, Decision, StepId, Strip};

/// Hum farther than this below what is played is not heard beside it, nor after it is compressed, in dB.
const MATTERS_DB: f64 = 60.0;
/// Lines weaker than the strongest by more than this are left alone, in dB.
const WEAK_DB: f64 = 30.0;
/// The deepest cut of a single line, in dB: farther down nobody hears it.
const DEEPEST_DB: f64 = 20.0;
/// Width of a cut in hertz: notes beside the line stay, and the mains may wander by some tenths.
const WIDTH_HZ: f64 = 3.0;
/// Narrowness of a cut, at least and at most.
const Q: (f64, f64) = (8.0, 40.0);

/// The hum of a track that matters: its lines that do, and how far it is below what is played, in dB.
fn matters(known: &TrackFacts) -> Option<(&Hum, Vec<HumLine>, f64)> {
    let hum = known.raw.blemishes.hum.as_ref()?;
    let below_db = known.raw.facts.active_rms_dbfs? - hum.dbfs();
    let strongest = hum.lines.iter().map(|line| line.dbfs).fold(f64::NEG_INFINITY, f64::max);
    let lines: Vec<HumLine> =
        hum.lines.iter().filter(|line| line.dbfs > strongest - WEAK_DB).copied().collect();
    (below_db <= MATTERS_DB && !lines.is_empty()).then_some((hum, lines, below_db))
}

fn told(decision: Decision, hum: &Hum, lines: &[HumLine]) -> Decision {
    let highest = lines.iter().map(|line| line.above_floor_db).fold(0.0, f64::max);
    decision
        .noted(format!("mains hum, {:.0} Hz", hum.mains_hz))
        .measured("hum in the pauses", hum.dbfs(), "dBFS")
        .measured("highest line above the floor", highest, "dB")
        .measured("lines", lines.len() as f64, "")
        .unless("a drone at this pitch is meant")
}

/// Lines that belong together are followed and subtracted, up to the highest that was measured.
pub(super) fn removal(track: &Strip, known: &TrackFacts) -> Vec<Decision> {
    let Some((hum, lines, below_db)) = matters(known).filter(|(_, lines, _)| lines.len() >= 2) else {
        return Vec::new();
    };
    if track.insert("dehum").is_some() || track.insert("hum").is_some() {
        return Vec::new();
    }
    let highest_hz = lines.iter().map(|line| line.hz).fold(0.0, f64::max);
    let harmonics = (highest_hz / hum.mains_hz).round().max(1.0);
    let mains = if hum.mains_hz < 55.0 { "50" } else { "60" };
    let values = settings(&dehum::KIND, &[("harmonics", harmonics)], &[("mains", mains)]);
    let shown: Vec<String> = lines.iter().map(|line| format!("{:.0}", line.hz)).collect();
    let why = format!(
        "It hums: in its pauses lines stand at {} Hz, {:.1} dBFS together, {below_db:.0} dB below what is played: up to \
         {harmonics:.0} times {:.0} Hz they are followed and subtracted.",
        listed(&shown),
        hum.dbfs(),
        hum.mains_hz
    );
    let change = Change::insert(&track.path(), "dehum", &dehum::KIND, &values);
    let decision = told(Decision::new(StepId::Preparation, change, why), hum, &lines)
        .sure(0.9)
        .costs("a note held for seconds exactly on a line could lose some level");
    let place = at_the_head(track, "dehum", HEAD)
        .map(|place| place.measured("hum in the pauses", hum.dbfs(), "dBFS"));
    [decision].into_iter().chain(place).collect()
}

/// A line that stands alone is cut narrowly: nothing else would tell a follower where it is.
pub(super) fn notch(track: &Strip, known: &TrackFacts) -> Option<Decision> {
    let (hum, lines, below_db) = matters(known).filter(|(_, lines, _)| lines.len() == 1)?;
    if track.insert("dehum").is_some() || track.insert("hum").is_some() {
        return None;
    }
    let line = lines[0];
    let depth_db = tenth(line.above_floor_db.min(DEEPEST_DB));
    let mut values = Values::neutral(&eq::KIND);
    let known = "a setting of the equaliser";
    values.push(&eq::KIND, "bands").expect(known);
    let q = tenth((line.hz / WIDTH_HZ).clamp(Q.0, Q.1));
    for (name, value) in [("freq_hz", line.hz), ("gain_db", -depth_db), ("q", q)] {
        values.set(&eq::KIND, &format!("bands.0.{name}"), value).expect(known);
    }
    let why = format!(
        "It hums: in its pauses one line stands at {:.0} Hz, {:.1} dBFS and {:.0} dB above what is beside it, \
         {below_db:.0} dB below what is played: cut by {depth_db:.0} dB, {WIDTH_HZ:.0} Hz wide.",
        line.hz, line.dbfs, line.above_floor_db
    );
    let change = Change::insert(&track.path(), "hum", &eq::KIND, &values);
    let decision = told(Decision::new(StepId::Preparation, change, why), hum, &lines);
    Some(decision.sure(0.8).costs(format!("notes within a hertz or two of {:.0} Hz lose level", line.hz)))
}
