//! Stereo recordings of wide things that are narrower than such things usually are.

use crate::parts::role;
use crate::rack::{is_taken, settings};
use crate::roles;
use crate::words::spoken_role;
use crate::{Rules, SongFacts};
use dsp::processors::width;
use session::{Change, Decision, StepId, Strip};

/// The side is raised by no more than this, in dB: as far as the width goes.
const MOST_DB: f64 = 6.0;
/// Less is not worth it, in dB.
const LEAST_DB: f64 = 2.0;
/// A side weaker than this holds nothing but noise, in dB.
const NOTHING_DB: f64 = -30.0;

/// Side against middle below which a recording of the role is narrow, and what it is brought towards, in dB:
/// measured on freely licensed multitracks, -0.9 to -6.5 dB for synthesizers, keys, strings and the like, -6 dB for
/// horns, -11 dB for guitars; backing voices are spread over 30 to 80 % of the stage, which comes to -4 dB. What nobody
/// knows is taken for the narrower of what sustains. Kits, basses and leading voices are often meant to be points.
fn usual_db(role: &str) -> Option<(f64, f64)> {
    match role {
        "synth_lead" | "impact" | "guitar_lead" | "guitar_slide" => None,
        "backing_vocal" | "harmony_vocal" | "choir" => Some((-9.0, -5.0)),
        _ => match roles::family(role) {
            "synths" | "fx" => Some((-12.0, -8.0)),
            // What was printed around a dry sound is there to be wide.
            "returns" => Some((-7.0, -4.0)),
            "keys" | "strings" => Some((-13.0, -9.0)),
            "brass" | "woodwinds" => Some((-14.0, -9.0)),
            "guitars" => Some((-17.0, -12.0)),
            "other" if role == roles::UNKNOWN => Some((-14.0, -9.0)),
            "buses" if role == "music_bus" => Some((-13.0, -8.0)),
            _ => None,
        },
    }
}

/// A recording that is narrower than such things are.
#[derive(Debug, Clone)]
pub(super) struct Narrow {
    pub(super) track: String,
    /// Side against middle, now and as is usual, and the most the side may be raised by, in dB.
    pub(super) side_db: f64,
    pub(super) usual_db: f64,
    pub(super) most_db: f64,
}

/// What its side is raised by, in dB.
#[derive(Debug, Clone)]
pub(super) struct Raised {
    pub(super) narrow: Narrow,
    pub(super) raised_db: f64,
}

pub(super) fn narrow(track: &Strip, facts: &SongFacts, rules: &Rules) -> Option<Narrow> {
    let known = facts.tracks.get(&track.id)?;
    let now = &known.now().facts;
    let side_db = now.side_mid_db.filter(|_| now.channels == 2)?;
    let (narrow_db, usual_db) = usual_db(role(track))?;
    let has_width = track.inserts.iter().any(|insert| insert.kind.id == width::KIND.id);
    if side_db > narrow_db || side_db < NOTHING_DB || has_width || is_taken(track, "wide", rules) {
        return None;
    }
    Some(Narrow { track: track.id.clone(), side_db, usual_db, most_db: MOST_DB })
}

pub(super) fn wider(track: &Strip, raised: &Raised, rules: &Rules) -> Option<Decision> {
    let Narrow { side_db: side_mid_db, usual_db, most_db, .. } = raised.narrow;
    let raised_db = raised.raised_db * rules.strength.clamp(0.0, 1.0);
    if raised_db < LEAST_DB {
        return None;
    }
    let percent = (100.0 * audio::db_to_gain(raised_db)).round().min(200.0);
    let values = settings(&width::KIND, &[("width_percent", percent)], &[]);
    let stopped = if raised.raised_db >= most_db - 1e-6 {
        format!("; {:.1} dB were wanted, stopped at the bound", usual_db - side_mid_db)
    } else {
        String::new()
    };
    let what =
        if role(track) == roles::UNKNOWN { "what sustains".to_string() } else { spoken_role(role(track)) };
    let why = format!(
        "Its side lies {:.1} dB under its middle, {:.0} dB are usual for {what}: widened to {percent:.0} %{stopped}. In mono \
         it stays as it is.",
        -side_mid_db, -usual_db,
    );
    Some(
        Decision::new(StepId::StaticMix, Change::insert(&track.path(), "wide", &width::KIND, &values), why)
            .noted(format!("side {side_mid_db:.0} dB"))
            .measured("side against middle", side_mid_db, "dB")
            .measured("usual", usual_db, "dB")
            .sure(0.55)
            .costs("focus: its place is less exact")
            .unless("it is meant to stand as a point"),
    )
}
