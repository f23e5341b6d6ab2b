//! Roles from sound, where the name says nothing: only what is plain, and as a question.
//!
//! Drums and percussion are noise that is struck: their spectrum from 200 Hz to 8 kHz is flat against that of anything
//! with a pitch. A bass has nearly all of its energy and its notes far down, and plays on. Everything else stays unknown:
//! a neutral chain is better than a wrong one.

use crate::levels::{at, sorted};
use crate::parts::{heard, role};
use crate::roles;
use measure::{Analysis, Facts};
use session::{Decision, Session, StepId, Strip};

/// Where flatness is judged, in hertz: below is the fundamental of everything, above the noise of everything.
const JUDGED_HZ: (f64, f64) = (200.0, 8_000.0);
/// Flatter than this (geometric against arithmetic mean of the bands' powers, middle of the playing rows) is struck noise, in
/// dB: set between the drums and the pitched instruments of four freely licensed multitracks. The page on roles counts
/// what the rules find.
const FLAT_DB: f64 = -5.2;
/// Strokes in a second, the crest in dB, and the share of clear pitch that leave no doubt.
const STROKES: f64 = 2.0;
const CREST_DB: f64 = 10.0;
const MOST_PITCH: f64 = 0.35;
/// A whole kit reaches from here to there, in hertz.
const KIT_HZ: (f64, f64) = (80.0, 5_000.0);
/// A bass: its centre of energy below, its middle pitch below, most of it pitched, and playing most of the time.
const BASS_CENTROID_HZ: f64 = 220.0;
const BASS_PITCH_HZ: f64 = 125.0;
const PITCHED: f64 = 0.5;
const PLAYS: f64 = 0.4;

/// Flatness of the spectrum while it plays, in dB; `None` where nothing is known.
fn flatness_db(raw: &Analysis) -> Option<f64> {
    let erb = &raw.erb;
    let judged = |hz: &f64| (JUDGED_HZ.0..=JUDGED_HZ.1).contains(hz);
    let flat = |row: usize| {
        let bands = erb.row(row).iter().zip(&erb.centres_hz).filter(|(_, hz)| judged(hz));
        // A floor far below hearing keeps empty bands from being infinitely far away.
        let powers: Vec<f64> = bands.map(|(power, _)| f64::from(*power) + 1e-14).collect();
        let count = powers.len().max(1) as f64;
        let geometric = (powers.iter().map(|power| power.ln()).sum::<f64>() / count).exp();
        audio::power_to_db(geometric / (powers.iter().sum::<f64>() / count))
    };
    let rows = (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false));
    at(&sorted(rows.map(flat).collect()), 0.5)
}

/// What it plainly sounds like: the role, how sure, and why.
fn heard_role(raw: &Analysis) -> Option<(&'static str, f64, String)> {
    let Facts { pitched_share, pitch_median_hz, onsets_per_s, active_crest_db, .. } = raw.facts;
    let (low, high) = (raw.facts.energy_1_percent_hz?, raw.facts.energy_99_percent_hz?);
    let (pitched, strokes) = (pitched_share.unwrap_or(0.0), onsets_per_s.unwrap_or(0.0));
    let pitch = pitch_median_hz.unwrap_or(f64::INFINITY);
    let centroid = raw.facts.centroid_hz.unwrap_or(f64::INFINITY);
    if pitched > PITCHED
        && pitch < BASS_PITCH_HZ
        && centroid < BASS_CENTROID_HZ
        && raw.facts.active_share > PLAYS
    {
        let why = format!(
            "its energy is centred at {centroid:.0} Hz, 99 % of it below {high:.0} Hz, and its notes are around {pitch:.0} Hz"
        );
        return Some(("bass_electric", 0.65, why));
    }
    let flat_db = flatness_db(raw)?;
    let crest = active_crest_db.unwrap_or(0.0);
    if flat_db > FLAT_DB && strokes > STROKES && crest > CREST_DB && pitched < MOST_PITCH {
        let why = format!(
            "{strokes:.1} strokes in a second, {crest:.1} dB of crest, {:.0} % of it with a pitch, and a spectrum as flat as \
             noise ({flat_db:.1} dB)",
            100.0 * pitched
        );
        let kit = low < KIT_HZ.0 && high > KIT_HZ.1;
        return Some(if kit { ("drum_kit", 0.6, why) } else { ("percussion", 0.5, why) });
    }
    None
}

/// A role for a track without one, as a question.
pub(super) fn role_from_sound(track: &Strip, raw: &Analysis, session: &Session) -> Option<Decision> {
    if track.role.is_some() {
        return None;
    }
    let (found, confidence, why) = heard_role(raw)?;
    let what = if found == "bass_electric" { "a bass" } else { "drums or percussion" };
    // The bus follows where others of the family have one.
    let family = roles::family(found);
    let bus = heard(session).find(|t| t.bus.is_some() && roles::family(role(t)) == family);
    let advice = match bus.and_then(|t| t.bus.as_deref()) {
        Some(bus) => format!(" If so, it may go to the bus `{bus}`."),
        None => String::new(),
    };
    let why = format!("It sounds like {what}: {why}. The name does not say.{advice}");
    Some(
        Decision::set(StepId::Preparation, track.path().child("role"), found, why)
            .noted(format!("sound {confidence:.2}; what is it?"))
            .measured("99 % of the energy below", raw.facts.energy_99_percent_hz.unwrap_or(0.0), "Hz")
            .measured("strokes", raw.facts.onsets_per_s.unwrap_or(0.0), "1/s")
            .measured("crest", raw.facts.active_crest_db.unwrap_or(0.0), "dB")
            .measured("flatness", flatness_db(raw).unwrap_or(-120.0), "dB")
            .sure(confidence)
            .costs("if it is something else, levels and filters that are usual for another instrument")
            .unless("you know what it is"),
    )
}
