//! Step 6: what is missing against what is usual for the role is lifted, broadly and little, after dynamics
//! and within the mix: presence and air of voices, the thump and click of a kick, body and crack of a snare.
//!
//! All of it goes into one equaliser, `tone`. Boosts cost double: half of what is missing beyond the usual
//! variation is given back, and never more than two bands.

use crate::levels::{at, level_db, sorted};
use crate::parts::{heard, role};
use crate::rack::{Band, is_taken, shown_hz};
use crate::tone::{Deviation, deviation, thirds};
use crate::words::{spoken_role, tenth};
use crate::{Hears, Rules, SongFacts, Step, TrackFacts};
use measure::Analysis;
use session::{Decision, Session, StepId, Strip};

/// At most so many boosts.
const MOST_BOOSTS: usize = 2;
/// Share of what is missing beyond the usual variation.
const SHARE: f64 = 0.5;
/// Less is not heard, in dB.
const LEAST_DB: f64 = 0.5;
/// Bounds in dB: of everything, and of air.
const MOST_DB: f64 = 3.0;
const MOST_AIR_DB: f64 = 4.0;
/// Missing by more than this nothing is there to be lifted, in dB; and of backing voices, which are often filtered on
/// purpose to stay behind the lead, less.
const NOTHING_DB: f64 = 18.0;
const NOTHING_OF_LAYERS_DB: f64 = 12.0;
/// Noise above 5 kHz that stands nearer than this to the level of the playing part forbids air, in dB
/// (-60 dBFS at the working level).
const NOISE_DB: f64 = -42.0;
const NOISE_HZ: f64 = 5_000.0;
/// Noise this far below needs no smaller number, in dB.
const NO_NOISE_DB: f64 = -90.0;
/// Narrowness of the bells.
const Q: f64 = 0.9;

/// Additive EQ.
pub(crate) struct AdditiveEq;

/// Something that may be missing.
struct Move {
    name: &'static str,
    what: &'static str,
    /// Octave of `Facts::bands` that is judged.
    octave: usize,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// A bell at a frequency in hertz.
    Bell(f64),
    /// A bell at the strongest third octave between two frequencies in hertz.
    Strongest(f64, f64),
    /// A high shelf at a frequency in hertz.
    Shelf(f64),
}

const fn move_of(name: &'static str, what: &'static str, octave: usize, place: Place) -> Move {
    Move { name, what, octave, place }
}

/// What is lifted on a role, the most important first.
fn moves(role: &str) -> Vec<Move> {
    use Place::{Bell, Shelf, Strongest};
    match role {
        "lead_vocal" | "spoken" | "backing_vocal" | "harmony_vocal" | "vocal_double" | "adlib" => vec![
            move_of("presence", "Presence", 6, Bell(3_200.0)),
            move_of("brilliance", "Clarity", 7, Shelf(5_000.0)),
            move_of("air", "Air", 8, Shelf(11_000.0)),
        ],
        "guitar_acoustic" => {
            vec![move_of("presence", "Presence", 6, Bell(3_500.0)), move_of("air", "Air", 8, Shelf(11_000.0))]
        }
        "kick" | "kick_in" => vec![
            move_of("thump", "Thump", 1, Strongest(45.0, 100.0)),
            move_of("click", "Click", 6, Bell(4_000.0)),
        ],
        "snare" | "snare_top" => vec![
            move_of("body", "Body", 2, Strongest(140.0, 260.0)),
            move_of("crack", "Crack", 7, Bell(5_500.0)),
        ],
        _ => Vec::new(),
    }
}

impl Step for AdditiveEq {
    fn id(&self) -> StepId {
        StepId::AdditiveEq
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Strips
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let free = heard(session).filter(|track| !is_taken(track, "tone", rules));
        free.filter_map(|track| Some(boosts(track, facts.tracks.get(&track.id)?, rules))).flatten().collect()
    }
}

/// A boost that is worth it.
struct Boost {
    band: Band,
    what: &'static str,
    missing_db: f64,
    wanted_db: f64,
}

fn boosts(track: &Strip, known: &TrackFacts, rules: &Rules) -> Vec<Decision> {
    let now = known.now();
    let role = role(track);
    let Some(deviation) = deviation(role, &now.facts) else { return Vec::new() };
    let noise_db = noise_against_level(now);
    let mut boosts: Vec<Boost> = Vec::new();
    for wanted in moves(role) {
        let noisy = matches!(wanted.place, Place::Shelf(_)) && noise_db.is_some_and(|db| db > NOISE_DB);
        // A shelf that lifts from 5 kHz lifts the air as well.
        let covered = wanted.name == "air" && boosts.iter().any(|boost| boost.band.name == "brilliance");
        if noisy || covered || boosts.len() == MOST_BOOSTS {
            continue;
        }
        boosts.extend(boost(&wanted, &deviation, now, nothing_db(role), rules));
    }
    let decisions = boosts.into_iter().enumerate();
    decisions.map(|(place, boost)| decision(track, role, boost, noise_db, place == 0)).collect()
}

fn nothing_db(role: &str) -> f64 {
    match role {
        "backing_vocal" | "harmony_vocal" | "vocal_double" => NOTHING_OF_LAYERS_DB,
        _ => NOTHING_DB,
    }
}

fn boost(
    wanted: &Move,
    deviation: &Deviation,
    now: &Analysis,
    nothing_db: f64,
    rules: &Rules,
) -> Option<Boost> {
    let missing_db = -deviation.excess_db[wanted.octave];
    let beyond_db = missing_db - deviation.spread_db[wanted.octave];
    if beyond_db <= 0.0 || missing_db > nothing_db {
        return None;
    }
    let most_db = if matches!(wanted.place, Place::Shelf(_)) { MOST_AIR_DB } else { MOST_DB };
    let wanted_db = SHARE * beyond_db * rules.strength;
    let gain_db = tenth(wanted_db.min(most_db));
    if gain_db < LEAST_DB {
        return None;
    }
    let band = match wanted.place {
        Place::Bell(hz) => Band::bell(wanted.name, hz, gain_db, Q),
        Place::Shelf(hz) => Band::high_shelf(wanted.name, hz, gain_db),
        Place::Strongest(low_hz, high_hz) => {
            let inside = thirds(&now.facts).into_iter().filter(|(hz, _)| (low_hz..=high_hz).contains(hz));
            let (hz, _) = inside.max_by(|a, b| a.1.total_cmp(&b.1))?;
            Band::bell(wanted.name, hz, gain_db, Q)
        }
    };
    Some(Boost { band, what: wanted.what, missing_db, wanted_db })
}

fn decision(track: &Strip, role: &str, boost: Boost, noise_db: Option<f64>, first: bool) -> Decision {
    let Boost { band, what, missing_db, wanted_db } = boost;
    let around = if band.shape == "high_shelf" { "above" } else { "around" };
    let stopped = if wanted_db > band.gain_db + 0.1 {
        format!(" Wanted {wanted_db:+.1} dB, stopped at {:+.1}.", band.gain_db)
    } else {
        String::new()
    };
    let allows = match noise_db.filter(|_| band.shape == "high_shelf") {
        Some(db) => format!("; its noise there lies {:.0} dB below it and allows that", -db),
        None => String::new(),
    };
    let why = format!(
        "{what}: {:+.1} dB {around} {}; it has {missing_db:.1} dB less there than is usual for its role, {}{allows}.{stopped}",
        band.gain_db,
        shown_hz(band.freq_hz),
        spoken_role(role)
    );
    Decision::new(StepId::AdditiveEq, band.change(track, "tone", first), why)
        .noted(format!("{:+.1} dB against the usual", -missing_db))
        .measured("less than usual", missing_db, "dB")
        .sure(0.6)
        .costs("headroom, and noise that lies there rises with it")
        .unless("it is meant to be dark")
}

/// Noise in the treble while nothing plays against the playing part, in dB; `None` where it always plays.
fn noise_against_level(now: &Analysis) -> Option<f64> {
    let erb = &now.erb;
    let treble = |row: usize| -> f64 {
        let bands = erb.row(row).iter().zip(&erb.centres_hz);
        bands.filter(|(_, hz)| **hz > NOISE_HZ).map(|(power, _)| f64::from(*power)).sum()
    };
    let silent = (0..erb.rows()).filter(|row| !erb.active.get(*row).copied().unwrap_or(false));
    let levels = sorted(silent.map(|row| level_db(treble(row))).collect());
    // The middle one: tails of notes are no noise.
    at(&levels, 0.5).zip(now.facts.active_rms_dbfs).map(|(noise, level)| (noise - level).max(NO_NOISE_DB))
}

#[cfg(test)]
mod tests;
