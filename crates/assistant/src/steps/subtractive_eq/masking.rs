//! Room for what matters most: accompaniment steps back where it hides the lead, the bass where it hides the
//! kick. Where and how far is solved with the levels; what plays on while the part it hides has long pauses steps back
//! only while that plays, by a dynamic equaliser that listens to it.

use crate::cuts::Cut;
use crate::levels::{at, level_db, sorted};
use crate::rack::{Band, shown_hz};
use crate::steps::static_mix::{Room, RoomFor};
use crate::words::tenth;
use crate::{Rules, SongFacts, TrackFacts};
use dsp::processors::dynamic_eq;
use session::{Change, Decision, Session, StepId, Value};

/// The key opens the cut fully when this share of what it plays is louder in the band, and lies so far above the
/// threshold, in dB.
const OPENING_SHARE: f64 = 0.3;
const ABOVE_DB: f64 = 6.0;
/// Times of keyed cuts, in ms: within a syllable, and back between phrases; for strokes faster.
const PHRASES_MS: (f64, f64) = (20.0, 250.0);
const STROKES_MS: (f64, f64) = (2.0, 90.0);

/// Cuts that are always there.
pub(super) fn cuts(rooms: &[Room], session: &Session, rules: &Rules) -> Vec<Cut> {
    let steady = rooms.iter().filter(|room| room.key.is_none());
    steady.map(|room| cut(room, nth(rooms, room), session, rules)).collect()
}

/// The number of a room among those of its track and purpose.
fn nth(rooms: &[Room], room: &Room) -> usize {
    let own = rooms.iter().filter(|other| other.track == room.track && other.part == room.part);
    own.into_iter().position(|other| other == room).unwrap_or(0)
}

fn name(room: &Room, number: usize) -> String {
    match (room.part, number) {
        (RoomFor::Kick, _) => "kick".to_string(),
        (RoomFor::Lead, 0) => "room".to_string(),
        (RoomFor::Lead, number) => format!("room_{}", number + 1),
    }
}

fn said(room: &Room, session: &Session, rules: &Rules) -> String {
    let lead = crate::parts::lead(session, rules);
    let lead = lead.first().map(|strip| strip.name().to_string()).unwrap_or_default();
    let (depth_db, hz) = (room.depth_db, shown_hz(room.hz));
    let (before, after) = (room.before * 100.0, room.after * 100.0);
    let stopped = if room.stopped { " It wanted more, and stopped at the bound." } else { "" };
    match room.part {
        RoomFor::Lead => format!(
            "Makes room for `{lead}`: {depth_db:.1} dB less at {hz}. The accompaniment hid {before:.0} % of it; with all \
             cuts together {after:.0} %.{stopped}"
        ),
        RoomFor::Kick => format!(
            "Leaves the kick its fundamental: {depth_db:.1} dB less at {hz}; the bass hid {before:.0} % of the kick's low \
             end, now {after:.0} %.{stopped}"
        ),
    }
}

fn unless(room: &Room) -> &'static str {
    match room.part {
        RoomFor::Lead => "this part is what the song is about",
        RoomFor::Kick => "the bass shall carry the low end",
    }
}

fn note(room: &Room) -> String {
    let part = if room.part == RoomFor::Lead { "lead" } else { "kick" };
    format!("{part} hidden {:.0} to {:.0} %", room.before * 100.0, room.after * 100.0)
}

fn cut(room: &Room, number: usize, session: &Session, rules: &Rules) -> Cut {
    Cut {
        track: room.track.clone(),
        band: Band::bell(name(room, number), room.hz, -room.depth_db, room.q),
        why: said(room, session, rules),
        note: note(room),
        evidence: vec![
            ("hidden before", room.before * 100.0, "%"),
            ("hidden after", room.after * 100.0, "%"),
        ],
        confidence: 0.6,
        unless: unless(room),
    }
}

/// Cuts that another track opens: one dynamic equaliser for each track and key.
pub(super) fn keyed(rooms: &[Room], facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut begun: Vec<(&str, &str)> = Vec::new();
    for room in rooms {
        let Some(key) = room.key.as_deref() else { continue };
        let (Some(strip), Some(heard)) = (session.tracks.get(&room.track), facts.tracks.get(key)) else {
            continue;
        };
        let Some(threshold_db) = threshold_db(heard, room) else { continue };
        let of_kick = room.part == RoomFor::Kick;
        let insert = if of_kick { "room_kick" } else { "room" };
        let (attack_ms, release_ms) = if of_kick { STROKES_MS } else { PHRASES_MS };
        let mut band = vec![
            ("freq_hz", Value::from(room.hz)),
            ("q", Value::from(room.q)),
            ("range_db", Value::from(-room.depth_db)),
            ("threshold_db", Value::from(threshold_db)),
            ("ratio", Value::from(10.0)),
            ("attack_ms", Value::from(attack_ms)),
            ("release_ms", Value::from(release_ms)),
        ];
        let path = strip.path().child("insert").child(insert);
        let name = name(room, nth(rooms, room));
        let change = if begun.contains(&(room.track.as_str(), insert)) {
            Change::Set { path: path.child("bands").child(&name), value: Value::table(band) }
        } else {
            begun.push((room.track.as_str(), insert));
            band.push(("name", Value::from(name.as_str())));
            let bands = Value::from(vec![Value::table(band)]);
            let kind = Value::from(dynamic_eq::KIND.id);
            let value = Value::table([("kind", kind), ("key", Value::from(key)), ("bands", bands)]);
            Change::Set { path, value }
        };
        let of = session.tracks.get(key).map_or(key, |strip| strip.name());
        let why = format!(
            "{} Only while `{of}` plays: the equaliser listens to it and opens above {threshold_db:.1} dB there.",
            said(room, session, rules)
        );
        decisions.push(
            Decision::new(StepId::SubtractiveEq, change, why)
                .noted(note(room))
                .measured("hidden before", room.before * 100.0, "%")
                .measured("hidden after", room.after * 100.0, "%")
                .sure(0.6)
                .costs(format!("what else of it lies around {} while that plays", shown_hz(room.hz)))
                .unless(unless(room)),
        );
    }
    decisions
}

/// The level in the band of a cut above which the key plays, in dB of a tone's peak; `None` where it has nothing there.
fn threshold_db(key: &TrackFacts, room: &Room) -> Option<f64> {
    /// From the power of a tone to its peak.
    const PEAK_DB: f64 = 3.0;
    let erb = &key.now().erb;
    // What a band-pass of that narrowness lets through.
    let heard = |hz: f64| 1.0 / (1.0 + (room.q * (hz / room.hz - room.hz / hz)).powi(2));
    let weights: Vec<f64> = erb.centres_hz.iter().map(|hz| heard(*hz)).collect();
    let power = |row: usize| erb.row(row).iter().zip(&weights).map(|(p, w)| f64::from(*p) * w).sum::<f64>();
    let active = (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false));
    let levels = sorted(active.map(power).filter(|power| *power > 0.0).map(level_db).collect());
    Some(tenth((at(&levels, OPENING_SHARE)? + PEAK_DB - ABOVE_DB).clamp(-80.0, 0.0)))
}
