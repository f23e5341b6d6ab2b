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
            "synths" | "fx" | "returns" => Some((-12.0, -8.0)),
            "keys" | "strings" => Some((-13.0, -9.0)),
            "brass" | "woodwinds" => Some((-14.0, -9.0)),
            "guitars" => Some((-17.0, -12.0)),
            "other" if role == roles::UNKNOWN => Some((-14.0, -9.0)),
            "buses" if role == "music_bus" => Some((-13.0, -8.0)),
            _ => None,
        },
    }
}

pub(super) fn wider(track: &Strip, facts: &SongFacts, rules: &Rules) -> Option<Decision> {
    let known = facts.tracks.get(&track.id)?;
    let now = &known.now().facts;
    let side_mid_db = now.side_mid_db.filter(|_| now.channels == 2)?;
    let (narrow_db, usual_db) = usual_db(role(track))?;
    let has_width = track.inserts.iter().any(|insert| insert.kind.id == width::KIND.id);
    if side_mid_db > narrow_db || side_mid_db < NOTHING_DB || has_width || is_taken(track, "wide", rules) {
        return None;
    }
    let wanted_db = usual_db - side_mid_db;
    let raised_db = (wanted_db * rules.strength.clamp(0.0, 1.2)).min(MOST_DB);
    if raised_db < LEAST_DB {
        return None;
    }
    let percent = (100.0 * audio::db_to_gain(raised_db)).round().min(200.0);
    let values = settings(&width::KIND, &[("width_percent", percent)], &[]);
    let stopped =
        if wanted_db > MOST_DB { format!("; {wanted_db:.1} dB were wanted") } else { String::new() };
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
