//! A drum that rings on one pitch after every stroke.
//!
//! Third octaves cannot tell a resonance from a note, so only drums are asked, and only above their own body;
//! what sounds there in most of the strokes is no note.

use super::Cut;
use crate::parts::role;
use crate::rack::{Band, shown_hz};
use crate::tone::thirds;
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use measure::{Analysis, ERB_BANDS};
use session::Strip;

/// Height above the louder of the two sides from which it is a resonance, in dB.
const PROMINENT_DB: f64 = 6.0;
/// And above the nearest third octaves: a hump is no resonance.
const NARROW_DB: f64 = 4.0;
/// Weaker than the strongest third octave by more than this, it is not heard, in dB.
const HEARD_DB: f64 = 20.0;
/// It sounds in this share of the time in which the drum plays.
const PERSISTENT: f64 = 0.4;
/// Share of the prominence that is cut, and the bounds in dB.
const SHARE: f64 = 0.6;
const DEEPEST_DB: f64 = 9.0;
/// Higher than this there are only cymbals, in hertz.
const HIGHEST_HZ: f64 = 6_000.0;
/// The pitch that was measured is that of the resonance when it lies within this ratio of the band's centre:
/// half a third octave and a little.
const SAME: f64 = 1.14;
/// Narrowness of a cut whose frequency is known, and of one that is known to a third octave.
const SHARP_Q: f64 = 8.0;
const THIRD_OCTAVE_Q: f64 = 4.3;

/// Above the body of a drum, in hertz; `None` for what is no drum with a head.
fn above_body_hz(role: &str) -> Option<f64> {
    match role {
        "kick" | "kick_in" | "kick_out" => Some(150.0),
        "snare" | "snare_top" | "snare_bottom" | "snare_side" => Some(300.0),
        "tom_rack" | "tom_floor" | "toms" => Some(250.0),
        _ => None,
    }
}

/// The most prominent third octave: hertz, prominence in dB.
fn most_prominent(thirds: &[(f64, f64)], above_hz: f64) -> Option<(f64, f64)> {
    let strongest = thirds.iter().map(|(_, db)| *db).fold(f64::NEG_INFINITY, f64::max);
    let inner = 3..thirds.len().saturating_sub(3);
    let candidates = inner.filter_map(|n| {
        let (hz, db) = thirds[n];
        let at = |offset: isize| thirds[n.saturating_add_signed(offset)].1;
        let sides = [(at(-2) + at(-3)) / 2.0, (at(2) + at(3)) / 2.0];
        let prominence = db - sides[0].max(sides[1]);
        let narrow = db - at(-1).max(at(1)) >= NARROW_DB;
        let found = (above_hz..=HIGHEST_HZ).contains(&hz) && narrow && prominence > PROMINENT_DB;
        (found && db > strongest - HEARD_DB).then_some((hz, prominence))
    });
    candidates.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Share of the time in which the band around a frequency stands out from those two places away.
fn persistence(now: &Analysis, hz: f64) -> Option<f64> {
    let erb = &now.erb;
    let distance = |band: &usize| (erb.centres_hz[*band] / hz).ln().abs();
    let band = (2..ERB_BANDS - 2)
        .filter(|band| *band < erb.centres_hz.len())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let rows: Vec<usize> =
        (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false)).collect();
    let stands_out = |row: &&usize| {
        let power = erb.row(**row);
        let sides = f64::from(power[band - 2].max(power[band + 2]));
        f64::from(power[band]) > sides * audio::db_to_power(PROMINENT_DB)
    };
    (!rows.is_empty()).then(|| rows.iter().filter(stands_out).count() as f64 / rows.len() as f64)
}

pub(super) fn cut(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Cut> {
    let now = known.now();
    let (third_hz, prominence) = most_prominent(&thirds(&now.facts), above_body_hz(role(track))?)?;
    let pitch = known.raw.facts.pitch_median_hz;
    let pitch = pitch.filter(|hz| (hz / third_hz).max(third_hz / hz) < SAME);
    let hz = pitch.unwrap_or(third_hz);
    let share = persistence(now, hz).filter(|share| *share >= PERSISTENT)?;
    let wanted_db = SHARE * prominence * rules.strength;
    let gain_db = -tenth(wanted_db.min(DEEPEST_DB));
    let q = if pitch.is_some() { SHARP_Q } else { THIRD_OCTAVE_Q };
    let mut band = Band::bell("ring", hz, gain_db, q);
    // The pitch was measured to the hertz, and the cut is narrow.
    band.freq_hz = hz.round();
    let stopped = if wanted_db > DEEPEST_DB {
        format!(" Wanted {wanted_db:.1} dB, stopped at {DEEPEST_DB:.0}.")
    } else {
        String::new()
    };
    let why = format!(
        "It rings at {}: {prominence:.1} dB above what is beside it, in {:.0} % of the time it plays; cut by {:.1} \
         dB.{stopped}",
        shown_hz(band.freq_hz),
        share * 100.0,
        -gain_db
    );
    Some(Cut {
        track: track.id.clone(),
        band,
        why,
        note: format!("rings, {prominence:.0} dB prominent"),
        evidence: vec![("prominence", prominence, "dB"), ("share of the time", share * 100.0, "%")],
        confidence: if pitch.is_some() { 0.8 } else { 0.55 },
        unless: "the ring is wanted",
    })
}
