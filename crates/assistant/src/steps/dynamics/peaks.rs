//! Peaks that stand far above what the track is otherwise: a limiter takes their tops off before the
//! compressor, which is too slow for them, and would raise them with its make-up.

use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts, roles};
use dsp::processors::limiter;
use session::{Change, Decision, StepId, Strip};

/// Peak above the level of the playing part from which tops are taken off, in dB, and what is usual.
const TALL_DB: f64 = 20.0;
const USUAL_DB: f64 = 18.0;
/// They are single ones where they stand this much above what is usual for the track itself (its crest over
/// 400 ms), in dB: a plucked string consists of its attacks.
const SINGLE_DB: f64 = 5.0;
/// The most that is taken off, in dB: more is heard as dullness.
const MOST_DB: f64 = 6.0;
/// The same of drums, whose strokes consist of their peak; and the share of the excess that is taken off.
const MOST_OF_STROKES_DB: f64 = 4.0;
const SHARE: f64 = 0.8;
/// Less is not worth it, in dB.
const LEAST_DB: f64 = 1.0;

/// The crest over 400 ms that a drum or a voice usually has at most, in dB: engineering practice.
fn usual_crest_db(role: &str) -> Option<f64> {
    match role {
        "lead_vocal" | "spoken" => Some(14.0),
        _ if roles::family(role) == "vocals" => Some(17.0),
        "kick" | "kick_in" | "kick_out" => Some(16.0),
        "snare" | "snare_top" | "snare_bottom" | "tom_rack" | "tom_floor" | "toms" => Some(17.0),
        _ => None,
    }
}

pub(super) fn limiter(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let now = &known.now().facts;
    let role = role(track);
    let (peak_dbtp, level_dbfs) = (now.true_peak_dbtp?, now.active_rms_dbfs?);
    let crest_db = now.active_crest_db?;
    let tall_db = peak_dbtp - level_dbfs;
    let single = tall_db >= TALL_DB && tall_db - crest_db >= SINGLE_DB;
    let (stands_db, usual_db, taken_db) = match usual_crest_db(role) {
        Some(usual_db) if roles::family(role) == "vocals" && crest_db > usual_db => {
            (crest_db, usual_db, (crest_db - usual_db).min(MOST_DB))
        }
        Some(usual_db) if roles::family(role) == "drums" => {
            (crest_db, usual_db, (SHARE * (crest_db - usual_db)).min(MOST_OF_STROKES_DB))
        }
        _ if single
            && !matches!(roles::family(role), "drums" | "percussion" | "fx" | "returns" | "other") =>
        {
            (tall_db, USUAL_DB, (tall_db - USUAL_DB).min(MOST_DB))
        }
        _ => return None,
    };
    let taken_db = tenth(taken_db * rules.strength.clamp(0.0, 1.0));
    if taken_db < LEAST_DB {
        return None;
    }
    let ceiling_dbtp = tenth(peak_dbtp - taken_db);
    let values = settings(&limiter::KIND, &[("ceiling_dbtp", ceiling_dbtp), ("release_ms", 60.0)], &[]);
    let why = format!(
        "Its peaks stand {stands_db:.1} dB above its level ({usual_db:.0} dB are usual): a limiter takes the tops off, \
         {taken_db:.1} dB of the highest, at {ceiling_dbtp:.1} dBTP."
    );
    let change = Change::insert(&track.path(), "peaks", &limiter::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("tops {taken_db:.1} dB lower"))
            .measured("peaks above the level", stands_db, "dB")
            .measured("true peak", peak_dbtp, "dBTP")
            .sure(0.65)
            .costs("the edge of the highest peaks")
            .unless("the attack is what the part is about"),
    )
}
