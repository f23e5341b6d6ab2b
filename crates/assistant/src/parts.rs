//! What a role is to the mix: the part it plays, how loud such parts are, and which roles are microphones of
//! one source.

use crate::roles;
use crate::{Relation, Rules, SongFacts};
use measure::Analysis;
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
pub(crate) const DRUMS: Part = drum("drums", -4.5, 2.0);

/// How loud all that carries the harmony is together, and how far that varies, in LU: what is neither drums, bass nor
/// voices stood at -5.6 and -6.2 LU in the multitracks named at [`part_of`]; practice lets it stand a little higher.
pub(crate) const HARMONY: Part = part("harmony", -5.0, 2.5);

/// The name of the part of effects.
pub(crate) const EFFECTS: &str = "effects";

/// What is not known is as loud as an instrument in the middle of the band, and may move far.
const NEUTRAL: Part = part("part", -8.0, 4.0);

/// The part of a role. Levels are engineering practice drawn halfway to what was measured on freely licensed
/// multitracks (lead -5.9 and -2.5 LU, bass -5.2 and -2.8, drums -6.0 and -2.4, keys and synths -9.7, -6.2 and
/// -5.6, guitar -9.8, violins -9.1), taken as soft expectations: real mixes lie several LU apart (lead against
/// accompaniment: Gerdes & Siedenburg, JASA Express Letters 2023).
pub(crate) fn part_of(role: &str) -> Part {
    match role {
        "lead_vocal" | "vocal_bus" | "spoken" => part("lead vocal", -4.8, 1.5),
        "vocal_double" => part("vocal doubles", -12.0, 2.0),
        "adlib" => part("ad libs", -9.0, 2.0),
        "backing_vocal" | "harmony_vocal" | "choir" | "vocoder" => part("backing vocals", -10.0, 2.0),
        "kick" | "kick_in" | "kick_out" | "kick_sub" | "kick_trigger" | "kick_electronic" => {
            drum("kick", -9.5, 2.0)
        }
        "snare" | "snare_top" | "snare_bottom" | "snare_side" | "snare_trigger" | "rimshot" => {
            drum("snare", -10.5, 2.0)
        }
        "clap" | "snap" => drum("claps", -13.0, 3.0),
        "hihat" | "hihat_closed" | "hihat_open" | "hihat_pedal" => drum("hi-hat", -15.5, 3.0),
        "tom_rack" | "tom_floor" | "toms" => drum("toms", -10.0, 2.0),
        "overhead" | "overhead_left" | "overhead_right" => drum("overheads", -13.0, 3.0),
        "ride" | "crash" | "cymbals" => drum("cymbals", -15.0, 3.0),
        "drum_room" | "drum_crush" => drum("drum room", -17.0, 3.0),
        "drum_kit" | "drum_machine" | "drum_loop" | "drum_fill" | "drum_bus" => drum("drums", -5.0, 2.0),
        "guitar_lead" | "guitar_slide" => part("lead guitar", -5.0, 2.0),
        "synth_lead" => part("lead synth", -6.0, 2.0),
        "piano" | "electric_piano" | "organ" | "clav" | "accordion" | "keys" | "keys_bus" => {
            part("keys", -9.0, 3.0)
        }
        "synth_pad" | "mellotron" => part("pads", -11.0, 3.0),
        "impact" => part("impacts", -12.0, 4.0),
        "music_bus" | "mix_bus" => part("music", -3.0, 3.0),
        _ => match roles::family(role) {
            "bass" => part("bass", -5.5, 2.0),
            "guitars" => part("guitars", -9.0, 2.0),
            "synths" => part("synths", -8.5, 3.0),
            "strings" => part("strings", -10.5, 3.0),
            "brass" | "woodwinds" => part("horns", -9.0, 3.0),
            "percussion" => part("percussion", -15.0, 3.0),
            "fx" | "returns" => part(EFFECTS, -15.0, 4.0),
            "buses" if role == "bass_bus" => part("bass", -5.5, 2.0),
            "buses" if role == "guitar_bus" => part("guitars", -9.0, 2.0),
            "buses" if role == "strings_bus" => part("strings", -10.5, 3.0),
            _ => NEUTRAL,
        },
    }
}

/// The role of a strip, `unknown` where nobody knows.
pub(crate) fn role(strip: &Strip) -> &str {
    strip.role.as_deref().unwrap_or(roles::UNKNOWN)
}

/// Both channels of a recording differ by less than this where they hold one sound: what is left is the noise of
/// converters and of lossy coders, in dB under what both have in common.
const SAME_ON_BOTH_DB: f64 = -40.0;

/// Whether a recording is one point: a single channel, or two that are the same, as programs write that know only stereo
/// files.
pub(crate) fn is_point(now: &Analysis) -> bool {
    now.facts.channels == 1 || now.facts.side_mid_db.is_some_and(|db| db <= SAME_ON_BOTH_DB)
}

/// What the pan law takes from both channels of a stereo file, as gains of left and right; a mono file loses nothing.
pub(crate) fn balanced_db(now: &Analysis, position: f64) -> f64 {
    if now.facts.channels != 2 {
        return 0.0;
    }
    let ratio = audio::db_to_power(now.facts.balance_db.unwrap_or(0.0).clamp(-60.0, 60.0));
    let (left, right) = dsp::blocks::pan::balance(position);
    audio::power_to_db(((left * left + ratio * right * right) / (1.0 + ratio)).max(1e-6))
}

/// Tracks that are heard, in the session's order.
pub(crate) fn heard(session: &Session) -> impl Iterator<Item = &Strip> {
    session.tracks.values().filter(|track| !track.mute)
}

/// The rough mix among the tracks, set aside because the recordings are here by themselves; the first of several.
pub fn rough_mix(session: &Session) -> Option<&Strip> {
    session.tracks.values().find(|track| track.mute && role(track) == "mix_bus")
}

/// Microphones of one drum: they share one trim and are balanced as one.
pub(crate) fn shared_source(role: &str) -> Option<&'static str> {
    match role {
        "kick" | "kick_in" | "kick_out" | "kick_sub" => Some("kick"),
        "snare" | "snare_top" | "snare_bottom" | "snare_side" => Some("snare"),
        "overhead_left" | "overhead_right" | "overhead" => Some("overheads"),
        _ => None,
    }
}

/// How sure a delay must be for two tracks to count as microphones of one source.
pub(crate) const SURE: f64 = 0.6;
/// Two microphones of one source have this much in common, at least, once they are aligned.
const ALIKE: f64 = 0.5;
/// The longest way between two microphones of one source: 10 m.
pub(crate) const MOST_DELAY_S: f64 = 0.030;

/// Whether a relation says that both tracks are microphones of one source.
pub(crate) fn is_one_source(relation: &Relation, facts: &SongFacts) -> bool {
    let most = MOST_DELAY_S * f64::from(facts.sample_rate_hz.max(1));
    relation.confidence >= SURE
        && relation.correlation >= ALIKE
        && relation.lag_frames.is_finite()
        && relation.lag_frames.abs() <= most
}

/// The microphones of one drum, or what was heard to be of one source: they share one key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Drum(&'static str),
    Near(String),
}

fn key(track: &Strip, facts: &SongFacts) -> Key {
    if let Some(drum) = shared_source(role(track)) {
        return Key::Drum(drum);
    }
    let of = facts.relations.iter().filter(|relation| is_one_source(relation, facts));
    let near = of.into_iter().find(|relation| relation.track == track.id);
    Key::Near(near.map_or_else(|| track.id.clone(), |relation| relation.reference.clone()))
}

/// The tracks that are heard, as sources: microphones of one source together, whether their roles say so or
/// they were heard to be; everything else alone, in the session's order.
pub(crate) fn sources<'a>(facts: &SongFacts, session: &'a Session) -> Vec<Vec<&'a Strip>> {
    let mut sources: Vec<(Key, Vec<&Strip>)> = Vec::new();
    for track in heard(session) {
        let key = key(track, facts);
        match sources.iter_mut().find(|(other, _)| *other == key) {
            Some((_, tracks)) => tracks.push(track),
            None => sources.push((key, vec![track])),
        }
    }
    sources.into_iter().map(|(_, tracks)| tracks).collect()
}

/// What several microphones of one source are louder together than their powers add up to, in dB: what they
/// have in common adds as amplitude. `level` gives each track's own loudness in dB.
pub(crate) fn together_db(tracks: &[&Strip], facts: &SongFacts, level: impl Fn(&Strip) -> f64) -> f64 {
    let gain = |track: &Strip| audio::db_to_gain(level(track));
    let alone: f64 = tracks.iter().map(|track| gain(track).powi(2)).sum();
    let mut common = 0.0;
    for relation in facts.relations.iter().filter(|relation| is_one_source(relation, facts)) {
        let of = |id: &str| tracks.iter().find(|track| track.id == id);
        if let (Some(track), Some(reference)) = (of(&relation.track), of(&relation.reference)) {
            common += 2.0 * relation.correlation * gain(track) * gain(reference);
        }
    }
    if alone > 0.0 { audio::power_to_db((alone + common) / alone) } else { 0.0 }
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

/// Gain of all buses behind a strip, in dB.
pub(crate) fn path_gain_db(session: &Session, strip: &Strip) -> f64 {
    let mut gain_db = 0.0;
    let mut bus = strip.bus.as_deref().and_then(|id| session.buses.get(id));
    // Buses cannot feed themselves in a session that was read; the count only guards against one made by hand.
    for _ in 0..=session.buses.len() {
        let Some(strip) = bus else { break };
        gain_db += strip.trim_db + strip.fader_db;
        bus = strip.bus.as_deref().and_then(|id| session.buses.get(id));
    }
    gain_db
}

/// Rooms and overheads hear the kit from where they stand: their delay is the picture.
pub(crate) fn is_distant(track: &Strip) -> bool {
    matches!(
        role(track),
        "overhead" | "overhead_left" | "overhead_right" | "drum_room" | "cymbals" | "ambience"
    )
}
