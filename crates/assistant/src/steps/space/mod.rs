//! Step 7: one or two rooms that several tracks share, and an echo in tempo for the lead.
//!
//! Returns and their sends are made together: a plate for voices and what sings, a room for drums and
//! instruments, a delay. How far the wet sound lies under the dry one depends on the role; low drums and
//! basses stay dry. The reverbs are as loud as what they are given, but for what their cuts take away, so that
//! the send's level follows from the distance that is wanted.

pub(crate) mod dryness;
mod returns;

use crate::genre;
use crate::parts::{heard, is_point, path_gain_db, role};
use crate::power::band_shares;
use crate::rack::is_set_whole;
use crate::roles;
use crate::words::spoken_role;
use crate::{Hears, Rules, SongFacts, Step};
use measure::Analysis;
use returns::{Return, Tempo};
use session::{Decision, Session, StepId, Strip};

/// Sends move in steps of half a decibel.
const STEP_DB: f64 = 0.5;
/// Each factor of two in strength moves the wet sound by so many dB.
const STRENGTH_DB: f64 = 6.0;
/// Nothing is wetter than this, in LU under the dry sound; so all of it stays 9 LU under the mix, the middle
/// of what listeners preferred (Pestana & Reiss, *Intelligent audio production strategies informed by best
/// practices*, AES 53rd conference, 2014).
const WETTEST_LU: f64 = 9.0;
/// What the cuts of a return take is given back by the send up to this, in LU: low sounds stay drier.
const MOST_GIVEN_BACK_LU: f64 = 3.0;
/// What already has a room of its own gets less: by so many LU.
const HAS_ROOM_LU: f64 = 4.0;
/// What already decays as long as a plate gets nothing, in seconds: the room that it has is taken off the room that
/// it should have.
const WET_ALREADY_S: f64 = 1.2;
/// Songs of so few sources are made of groups.
const FEW: usize = 4;
/// The widest that a side of its own makes a mono recording, in LU under the middle.
const WIDEST_LU: f64 = 3.0;

/// Time-based effects.
pub(crate) struct Space;

/// Where a track is sent, and how far its wet sound lies under the dry one, in LU: engineering practice.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wish {
    to: &'static str,
    below_lu: f64,
}

fn wishes(role: &str, slow: bool) -> Vec<Wish> {
    let wish = |to, below_lu| Wish { to, below_lu };
    match role {
        "lead_vocal" => {
            vec![wish("plate", if slow { 11.0 } else { 14.0 }), wish("slap", if slow { 17.0 } else { 19.0 })]
        }
        "adlib" => vec![wish("plate", 12.0), wish("slap", 16.0)],
        "backing_vocal" | "harmony_vocal" | "choir" => vec![wish("plate", 9.0)],
        "vocal_double" => vec![wish("plate", 12.0)],
        "guitar_lead" | "guitar_slide" | "synth_lead" => vec![wish("plate", 13.0), wish("slap", 18.0)],
        "snare" | "snare_top" | "rimshot" | "clap" | "snap" => vec![wish("plate", 12.0)],
        "tom_rack" | "tom_floor" | "toms" => vec![wish("room", 13.0)],
        "overhead" | "overhead_left" | "overhead_right" => vec![wish("room", 15.0)],
        "drum_kit" | "drum_loop" => vec![wish("room", 15.0)],
        "synth_pad" | "mellotron" => vec![wish("plate", 14.0)],
        _ => match roles::family(role) {
            "percussion" => vec![wish("room", 12.0)],
            "guitars" => vec![wish("room", 16.0)],
            "keys" | "synths" => vec![wish("room", 15.0)],
            "strings" => vec![wish("plate", 11.0)],
            "brass" | "woodwinds" => vec![wish("plate", 13.0)],
            _ => Vec::new(),
        },
    }
}

/// How far the side of a mono recording of something wide lies under its middle. Measured on freely licensed
/// multitracks, sides of synthesizers, keys and the like lie 0.9 to 6.5 dB under the middle, of single voices and
/// drums 10 to 26 dB; backing voices are spread over 30 to 80 % of the stage, which comes to 4 dB. Where a few tracks
/// are the whole song (`few`), what nobody knows is a group of players rather than one.
fn width(track: &Strip, now: &Analysis, few: bool) -> Option<Wish> {
    let wide = |below_lu| Some(Wish { to: "wide", below_lu });
    let role = role(track);
    if !is_point(now) || track.pan != 0.0 {
        return None;
    }
    match role {
        "synth_lead" | "impact" => None,
        "backing_vocal" | "harmony_vocal" | "choir" | "vocoder" => wide(5.0),
        _ => match roles::family(role) {
            "synths" => wide(7.0),
            "keys" | "strings" => wide(9.0),
            "fx" | "returns" => wide(6.0),
            "other" if role == roles::UNKNOWN && few => wide(8.0),
            "buses" if role == "music_bus" => wide(8.0),
            _ => None,
        },
    }
}

impl Step for Space {
    fn id(&self) -> StepId {
        StepId::Space
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Strips
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let tempo = Tempo::of(facts, session);
        let returns = Return::all(tempo.as_ref(), facts, session, rules);
        let slow = tempo.is_some_and(|tempo| tempo.is_slow());
        let few = crate::parts::sources(facts, session).len() <= FEW;
        let mut sends = Vec::new();
        for track in heard(session) {
            let Some(known) = facts.tracks.get(&track.id) else { continue };
            for wish in wishes(role(track), slow).into_iter().chain(width(track, known.now(), few)) {
                if let Some(to) = returns.iter().find(|to| to.space == wish.to) {
                    sends.extend(send(track, known.now(), wish, to, session, rules).map(|d| (to.space, d)));
                }
            }
        }
        let used = |space: &str| sends.iter().any(|(to, _)| *to == space);
        let made = returns.iter().filter(|to| used(to.space) && !session.returns.contains_key(&to.id));
        let mut decisions: Vec<Decision> = made.map(|to| to.decision(tempo.as_ref())).collect();
        decisions.extend(sends.into_iter().map(|(_, decision)| decision));
        decisions
    }
}

/// What the cuts of a return take from the loudness of a track, in LU.
fn lost_lu(now: &Analysis, to: &Return) -> f64 {
    let shares = band_shares(now);
    let through = shares.iter().zip(&now.erb.centres_hz).map(|(share, hz)| {
        // Second-order Butterworth each, as the reverb's own cuts.
        let (low, high) = ((hz / to.low_cut_hz).powi(4), (hz / to.high_cut_hz).powi(4));
        share * low / (1.0 + low) / (1.0 + high)
    });
    let through: f64 = through.sum();
    if through > 0.0 { -audio::power_to_db(through) } else { 0.0 }
}

fn send(
    track: &Strip,
    now: &Analysis,
    wish: Wish,
    to: &Return,
    session: &Session,
    rules: &Rules,
) -> Option<Decision> {
    let path = track.path().child("sends").child(format!("{}_db", to.id));
    let silent = now.facts.active_rms_dbfs.is_none();
    if silent || is_set_whole(rules, &path) || track.sends.iter().any(|send| send.to == to.id) {
        return None;
    }
    let room = dryness::decay_s(now);
    // What rings or sustains by itself says nothing of a room: only voices and winds stop at once.
    let stops = matches!(roles::family(role(track)), "vocals" | "brass" | "woodwinds" | "percussion");
    let room = room.filter(|_| stops);
    let printed = dryness::is_printed(track, now);
    let has_room = printed || room.is_some_and(|seconds| seconds > dryness::WET_S);
    let wide = to.space == "wide";
    let whole_kit = matches!(role(track), "drum_kit" | "drum_loop" | "drum_machine");
    if !wide && (room.is_some_and(|seconds| seconds > WET_ALREADY_S) || printed && whole_kit) {
        return None;
    }
    let more_lu = if has_room && !wide { HAS_ROOM_LU } else { 0.0 };
    let strength = rules.strength.max(1e-3).log2() * STRENGTH_DB;
    let genre = genre::known(session.song.genre.as_deref()).filter(|genre| !wide && genre.drier_lu != 0.0);
    let genre_lu = genre.map_or(0.0, |genre| genre.drier_lu);
    let wanted_lu =
        (wish.below_lu + more_lu + genre_lu - strength).max(if wide { WIDEST_LU } else { WETTEST_LU });
    if wanted_lu > 40.0 {
        return None;
    }
    let lost_lu = lost_lu(now, to);
    let given_back_lu = lost_lu.min(MOST_GIVEN_BACK_LU);
    let below_lu = wanted_lu + lost_lu - given_back_lu;
    let path_db = path_gain_db(session, track);
    let level_db = ((given_back_lu - wanted_lu + path_db) / STEP_DB).round() * STEP_DB;
    let dry = match room {
        _ if printed => format!(
            " Its side, {:.0} dB under the middle, holds the room that it was recorded or printed with, so {HAS_ROOM_LU:.0} \
             LU less than usual.",
            -now.facts.side_mid_db.unwrap_or(0.0)
        ),
        Some(seconds) if has_room => format!(
            " It has a room of its own ({seconds:.1} s of decay were measured), so {HAS_ROOM_LU:.0} LU less than usual."
        ),
        Some(seconds) => format!(" It is dry: it falls as fast as in a room of {seconds:.2} s."),
        None => String::new(),
    };
    let dry = match genre {
        Some(genre) if genre_lu > 0.0 => {
            format!("{dry} It is {}: {genre_lu:.0} LU drier than usual.", genre.word)
        }
        Some(genre) => format!("{dry} It is {}: {:.0} LU wetter than usual.", genre.word, -genre_lu),
        None => dry,
    };
    let side = format!(
        "Sent to the {} at {level_db:.1} dB: it is recorded in mono, and {} is wide by nature; its side lies \
         {below_lu:.0} LU under its middle, and nothing of it is left in mono.",
        to.label.to_lowercase(),
        spoken_role(role(track))
    );
    let why = format!(
        "Sent to the {} at {level_db:.1} dB: the wet sound lies {below_lu:.0} LU under the dry one, {wanted_lu:.0} LU \
         suit its role, {}; the return's cuts take {lost_lu:.1} LU.{dry}",
        to.label.to_lowercase(),
        spoken_role(role(track)),
    );
    let (why, room) = if wide { (side, None) } else { (why, room) };
    let mut decision = Decision::set(StepId::Space, path, level_db, why)
        .noted(format!("{below_lu:.0} LU under the dry sound"))
        .measured("loudness lost in the return's cuts", lost_lu, "LU")
        .measured("wet under dry", below_lu, "LU")
        .sure(0.6)
        .costs("clearness: what is farther away is less distinct")
        .unless("it shall stand nearer or farther away");
    if let Some(seconds) = room {
        decision = decision.measured("decay of the recording", seconds, "s");
    }
    Some(decision)
}

#[cfg(test)]
mod tests;
