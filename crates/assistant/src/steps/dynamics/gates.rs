//! Close microphones of drums hear the other drums between their own strokes: a gate turns that down.
//!
//! Where no level stands clear between own strokes and bleed there is no gate: soft strokes would be lost.

use super::onsets::{PEAK_DB, drum, onsets_db, split};
use crate::levels::at;
use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use dsp::processors::gate;
use session::{Change, Decision, StepId, Strip};

/// Bleed farther below the strokes than this does not matter, in dB.
const MATTERS_DB: f64 = 30.0;
/// The heaps' middles are at least this far apart, in dB.
const APART_DB: f64 = 8.0;
/// And their nearest edges (softest tenth of the strokes, loudest of the bleed), in dB.
const CLEAR_DB: f64 = 5.0;
/// So many onsets of each, and this share of all are bleed.
const LEAST_ONSETS: usize = 3;
const LEAST_SHARE: f64 = 0.2;
/// Bounds of the range, in dB: turned down, not cut off.
const RANGE_DB: (f64, f64) = (10.0, 20.0);
pub(super) fn gate(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let drum = drum(role(track))?;
    let now = known.now();
    let onsets = onsets_db(now, &drum);
    if onsets.len() < 2 * LEAST_ONSETS {
        return None;
    }
    let (bleed, strokes) = onsets.split_at(split(&onsets));
    let enough = bleed.len() >= LEAST_ONSETS && strokes.len() >= LEAST_ONSETS;
    if !enough || (bleed.len() as f64) < LEAST_SHARE * onsets.len() as f64 {
        return None;
    }
    let distance_db = at(strokes, 0.5)? - at(bleed, 0.5)?;
    let (softest, loudest) = (at(strokes, 0.1)?, at(bleed, 0.9)?);
    if !(APART_DB..=MATTERS_DB).contains(&distance_db) || softest - loudest < CLEAR_DB {
        return None;
    }
    // Nearer to the bleed: a soft stroke that is lost is worse than a bit of bleed that is left.
    let threshold_db = tenth(loudest + 0.4 * (softest - loudest) + PEAK_DB).clamp(-80.0, 0.0);
    let range_db = (MATTERS_DB - distance_db).clamp(RANGE_DB.0, RANGE_DB.1) * rules.strength.clamp(0.0, 1.0);
    let range_db = range_db.round();
    if range_db < 1.0 {
        return None;
    }
    let mut numbers = vec![
        ("threshold_db", threshold_db),
        ("hysteresis_db", 4.0),
        ("range_db", range_db),
        ("attack_ms", 0.5),
        ("hold_ms", drum.hold_ms),
        ("release_ms", drum.release_ms),
        // Ten times the attack opens in time.
        ("lookahead_ms", 5.0),
        ("key_low_pass_hz", drum.high_hz),
    ];
    if drum.low_hz > 0.0 {
        numbers.push(("key_high_pass_hz", drum.low_hz));
    }
    let values = settings(&gate::KIND, &numbers, &[]);
    let why = format!(
        "Other drums come in only {distance_db:.1} dB below its own strokes ({} of {} onsets are not its own): a gate \
         that opens at {threshold_db:.1} dB between {:.0} and {:.0} Hz turns them down by {range_db:.0} dB.",
        bleed.len(),
        onsets.len(),
        drum.low_hz.max(20.0),
        drum.high_hz
    );
    let change = Change::insert(&track.path(), "gate", &gate::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("bleed {distance_db:.0} dB below the strokes"))
            .measured("bleed below the strokes", distance_db, "dB")
            .measured("clear between them", softest - loudest, "dB")
            .measured("onsets of bleed", bleed.len() as f64, "")
            .sure((0.5 + 0.03 * (softest - loudest)).min(0.85))
            .costs("the room between the strokes; strokes softer than the threshold are turned down as well")
            .unless("soft strokes go missing"),
    )
}
