//! What a role is to the mix: the part it plays, how loud such parts are, and which roles are microphones of
//! one source.

use crate::Rules;
use crate::roles;
use session::{Session, Strip};

/// A musical part: one or several tracks that are balanced as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    /// Its name for people.
    pub(crate) name: &'static str,
    /// How loud it is while it plays against the whole mix, in LU.
    pub(crate) level_lu: f64,
    /// How far that varies between good mixes, in LU.
    pub(crate) spread_lu: f64,
    /// True for what the sum of all drums is made of.
    pub(crate) drums: bool,
}

const fn part(name: &'static str, level_lu: f64, spread_lu: f64) -> Part {
    Part { name, level_lu, spread_lu, drums: false }
}

const fn drum(name: &'static str, level_lu: f64, spread_lu: f64) -> Part {
    Part { name, level_lu, spread_lu, drums: true }
}

/// How loud all drums together are against the mix, and how far that varies, in LU.
pub(crate) const DRUMS: Part = drum("drums", -5.0, 2.0);

/// What is not known is as loud as an instrument in the middle of the band, and may move far.
const NEUTRAL: Part = part("part", -9.0, 4.0);

/// The part of a role. Levels are engineering practice, taken as soft expectations: real mixes lie several LU
/// apart (lead against accompaniment: Gerdes & Siedenburg, JASA Express Letters 2023).
pub(crate) fn part_of(role: &str) -> Part {
    match role {
        "lead_vocal" | "vocal_bus" | "spoken" => part("lead vocal", -3.0, 1.5),
        "vocal_double" => part("vocal doubles", -12.0, 2.0),
        "adlib" => part("ad libs", -9.0, 2.0),
        "backing_vocal" | "harmony_vocal" | "choir" | "vocoder" => part("backing vocals", -10.0, 2.0),
        "kick" | "kick_in" | "kick_out" | "kick_sub" | "kick_trigger" | "kick_electronic" => {
            drum("kick", -10.0, 2.0)
        }
        "snare" | "snare_top" | "snare_bottom" | "snare_side" | "snare_trigger" | "rimshot" => {
            drum("snare", -10.5, 2.0)
        }
        "clap" | "snap" => drum("claps", -13.0, 3.0),
        "hihat" | "hihat_closed" | "hihat_open" | "hihat_pedal" => drum("hi-hat", -18.0, 3.0),
        "tom_rack" | "tom_floor" | "toms" => drum("toms", -10.0, 2.0),
        "overhead" | "overhead_left" | "overhead_right" => drum("overheads", -13.0, 3.0),
        "ride" | "crash" | "cymbals" => drum("cymbals", -15.0, 3.0),
        "drum_room" | "drum_crush" => drum("drum room", -17.0, 3.0),
        "drum_kit" | "drum_machine" | "drum_loop" | "drum_fill" | "drum_bus" => drum("drums", -5.0, 2.0),
        "guitar_lead" | "guitar_slide" => part("lead guitar", -5.0, 2.0),
        "synth_lead" => part("lead synth", -6.0, 2.0),
        "piano" | "electric_piano" | "organ" | "clav" | "accordion" | "keys" | "keys_bus" => {
            part("keys", -10.0, 3.0)
        }
        "synth_pad" | "mellotron" => part("pads", -13.0, 3.0),
        "impact" => part("impacts", -12.0, 4.0),
        "music_bus" | "mix_bus" => part("music", -3.0, 3.0),
        _ => match roles::family(role) {
            "bass" => part("bass", -7.0, 2.0),
            "guitars" => part("guitars", -9.0, 2.0),
            "synths" => part("synths", -11.0, 3.0),
            "strings" => part("strings", -12.0, 3.0),
            "brass" | "woodwinds" => part("horns", -9.0, 3.0),
            "percussion" => part("percussion", -15.0, 3.0),
            "fx" | "returns" => part("effects", -18.0, 4.0),
            "buses" if role == "bass_bus" => part("bass", -7.0, 2.0),
            "buses" if role == "guitar_bus" => part("guitars", -9.0, 2.0),
            "buses" if role == "strings_bus" => part("strings", -12.0, 3.0),
            _ => NEUTRAL,
        },
    }
}

/// The role of a strip, `unknown` where nobody knows.
pub(crate) fn role(strip: &Strip) -> &str {
    strip.role.as_deref().unwrap_or(roles::UNKNOWN)
}

/// Tracks that are heard, in the session's order.
pub(crate) fn heard(session: &Session) -> impl Iterator<Item = &Strip> {
    session.tracks.values().filter(|track| !track.mute)
}

/// Microphones of one drum: they share one trim and are balanced as one.
fn shared_source(role: &str) -> Option<&'static str> {
    match role {
        "kick" | "kick_in" | "kick_out" | "kick_sub" => Some("kick"),
        "snare" | "snare_top" | "snare_bottom" | "snare_side" => Some("snare"),
        "overhead_left" | "overhead_right" | "overhead" => Some("overheads"),
        _ => None,
    }
}

/// The tracks that are heard, as sources: microphones of one source together, everything else alone, in the
/// session's order.
pub(crate) fn sources(session: &Session) -> Vec<Vec<&Strip>> {
    let mut sources: Vec<(Option<&str>, Vec<&Strip>)> = Vec::new();
    for track in heard(session) {
        let shared = shared_source(role(track));
        match sources.iter_mut().find(|(source, _)| source.is_some() && *source == shared) {
            Some((_, tracks)) => tracks.push(track),
            None => sources.push((shared, vec![track])),
        }
    }
    sources.into_iter().map(|(_, tracks)| tracks).collect()
}

/// What the mix is about: tracks of the role asked for, or else the lead vocal, or else what comes nearest.
pub(crate) fn lead<'a>(session: &'a Session, rules: &Rules) -> Vec<&'a Strip> {
    let with_role = |wanted: &dyn Fn(&str) -> bool| -> Vec<&'a Strip> {
        heard(session).filter(|track| wanted(role(track))).collect()
    };
    if let Some(focus) = &rules.focus {
        let found = with_role(&|role| role == focus || roles::family(role) == focus);
        if !found.is_empty() {
            return found;
        }
    }
    for wanted in ["lead_vocal", "vocal_bus", "spoken", "guitar_lead", "synth_lead"] {
        let found = with_role(&|role| role == wanted);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}
