//! Steady noise in the pauses of a track, which an expander turns down.

use crate::levels::{at, level_db, sorted};
use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts, roles};
use dsp::processors::gate;
use measure::{Analysis, ErbFrames};
use session::{Change, Decision, StepId, Strip};

/// Noise farther than this below what is played is left alone, in dB.
const MATTERS_DB: f64 = 35.0;
/// What differs by more between the pauses (tenth and ninetieth percentile) is no noise, in dB.
const STEADY_DB: f64 = 6.0;
/// Pauses of at least this length together, in rows of 50 ms, not counting what has just ended.
const LEAST_ROWS: usize = 20;
const TAIL_ROWS: usize = 8;
/// Peaks of noise above its power, in dB.
const PEAK_DB: f64 = 12.0;
/// The softest that is played (5th percentile) stands above the threshold by this, in dB.
const CLEAR_DB: f64 = 3.0;
/// Bounds of the range, in dB: turned down, not cut off.
const RANGE_DB: (f64, f64) = (6.0, 12.0);
/// How far below what is played noise should be, in dB.
const WANTED_DB: f64 = 42.0;

/// Rows in which nothing plays and nothing has just ended, digital silence left out.
pub(crate) fn pause_rows(erb: &ErbFrames) -> Vec<usize> {
    let active = |row: usize| erb.active.get(row).copied().unwrap_or(false);
    let quiet = |row: &usize| !(row.saturating_sub(TAIL_ROWS)..row + 2).any(active);
    (0..erb.rows()).filter(quiet).filter(|row| erb.row(*row).iter().any(|power| *power > 0.0)).collect()
}

/// Steady noise in the pauses: its level in dBFS, and that against what is played in dB. `None` where there is
/// none, or where nobody can tell it from bleed and room.
pub(crate) fn noise_db(analysis: &Analysis, role: &str) -> Option<(f64, f64)> {
    if matches!(roles::family(role), "drums" | "fx" | "returns" | "buses" | "utility") {
        return None;
    }
    let erb = &analysis.erb;
    let power = |row: usize| erb.row(row).iter().map(|power| f64::from(*power)).sum::<f64>();
    let rows = pause_rows(erb).into_iter();
    let levels = sorted(rows.map(power).filter(|power| *power > 0.0).map(level_db).collect());
    let (low, high) = (at(&levels, 0.1)?, at(&levels, 0.9)?);
    if levels.len() < LEAST_ROWS || high - low > STEADY_DB {
        return None;
    }
    let hum = analysis.blemishes.hum.as_ref().map_or(0.0, |hum| audio::db_to_power(hum.dbfs()));
    let noise = audio::db_to_power(at(&levels, 0.5)?) - hum;
    let dbfs = level_db(noise.max(0.0));
    Some((dbfs, dbfs - analysis.facts.active_rms_dbfs?))
}

pub(super) fn expander(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let now = known.now();
    let (noise_dbfs, against_db) = noise_db(now, role(track)).filter(|(_, db)| *db > -MATTERS_DB)?;
    let erb = &now.erb;
    let rows = (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false));
    let power = |row: usize| erb.row(row).iter().map(|power| f64::from(*power)).sum::<f64>();
    let playing = sorted(rows.map(|row| level_db(power(row))).collect());
    let threshold_db = tenth(noise_dbfs + PEAK_DB);
    if at(&playing, 0.05)? < threshold_db + CLEAR_DB - PEAK_DB / 2.0 {
        return None;
    }
    let wanted_db = (WANTED_DB + against_db).clamp(RANGE_DB.0, RANGE_DB.1);
    let range_db = (wanted_db * rules.strength.clamp(0.0, 1.0)).round();
    if range_db < 1.0 {
        return None;
    }
    let values = settings(
        &gate::KIND,
        &[
            ("threshold_db", threshold_db),
            ("hysteresis_db", 6.0),
            ("range_db", range_db),
            ("ratio", 2.0),
            ("attack_ms", 1.0),
            ("hold_ms", 250.0),
            ("release_ms", 300.0),
            // Ten times the attack opens in time for a consonant.
            ("lookahead_ms", 10.0),
        ],
        &[],
    );
    let why = format!(
        "Steady noise of {noise_dbfs:.1} dBFS in its pauses, only {:.0} dB below what is played: an expander (2:1 below \
         {threshold_db:.1} dB) turns the pauses down by {range_db:.0} dB, gently, so that breaths and ends of words stay.",
        -against_db
    );
    let change = Change::insert(&track.path(), "gate", &gate::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("noise {:.0} dB below what is played", -against_db))
            .measured("noise in the pauses", noise_dbfs, "dBFS")
            .measured("noise against what is played", against_db, "dB")
            .sure(0.7)
            .costs("breaths and the ends of words become softer")
            .unless("the noise is part of the sound"),
    )
}
