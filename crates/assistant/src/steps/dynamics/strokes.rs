//! Peaks of drums that stick out: caught with a fast compressor.
//!
//! What the peaks lose is solved on a model of a stroke whose decay has the crest that was measured: amplitude
//! `e^(-t/tau)` over the 400 ms in which crest is measured has the crest `1.6 / (tau (1 - e^(-0.8/tau)))` in
//! power, a sine's own 3 dB included.

use crate::levels::crossing;
use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use audio::{gain_to_db, power_to_db};
use dsp::processors::compressor::{self, static_reduction_db};
use session::{Change, Decision, StepId, Strip};

/// Crest is measured over this time, in seconds.
const WINDOW_S: f64 = 0.4;
/// Settings that hold for all drums.
const RATIO: f64 = 4.0;
const KNEE_DB: f64 = 2.0;
const ATTACK_MS: f64 = 1.0;
const LOOKAHEAD_MS: f64 = 2.0;
/// Peaks lose at most this, in dB.
const MOST_DB: f64 = 5.0;
/// Less is not worth it, in dB.
const LEAST_DB: f64 = 1.0;
/// Crest above the usual that is tolerated, in dB.
const TOLERANCE_DB: f64 = 1.0;
/// Release follows the strokes: this share of the time between two, within bounds, in ms.
const RELEASE_SHARE: f64 = 0.3;
const RELEASE_MS: (f64, f64) = (50.0, 150.0);

/// The highest crest that is usual for a role, in dB: engineering practice.
fn usual_db(role: &str) -> Option<f64> {
    match role {
        "kick" | "kick_in" | "kick_out" => Some(13.0),
        "snare" | "snare_top" | "snare_bottom" | "tom_rack" | "tom_floor" | "toms" => Some(15.0),
        _ => None,
    }
}

/// Crest of the model's stroke, in dB.
fn crest_db(tau_s: f64) -> f64 {
    power_to_db(4.0 * WINDOW_S / (tau_s * (1.0 - (-2.0 * WINDOW_S / tau_s).exp())))
}

/// The decay with this crest, in seconds.
fn decay_s(crest: f64) -> f64 {
    crossing(0.001, 10.0, |tau_s| crest_db(tau_s) - crest)
}

/// Crest of a stroke after the compressor, and the loudness it lost, both in dB; its peak stands at 0 dB.
fn compressed(tau_s: f64, threshold_db: f64, release_ms: f64) -> (f64, f64) {
    let keep = (-1.0 / release_ms).exp();
    let (mut reduction, mut peak, mut before, mut after) = (0.0f64, 0.0f64, 0.0, 0.0);
    // Milliseconds; the lookahead has the whole reduction ready when the peak comes.
    for ms in 0..(WINDOW_S * 1000.0) as usize {
        let amplitude = (-(ms as f64) / 1000.0 / tau_s).exp();
        let wanted = static_reduction_db(gain_to_db(amplitude), threshold_db, RATIO, KNEE_DB);
        reduction = if wanted > reduction { wanted } else { wanted + (reduction - wanted) * keep };
        let out = amplitude * audio::db_to_gain(-reduction);
        peak = peak.max(out);
        before += amplitude * amplitude / 2.0;
        after += out * out / 2.0;
    }
    (power_to_db(peak * peak / (after / (WINDOW_S * 1000.0))), power_to_db(before / after))
}

pub(super) fn compressor(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let usual_db = usual_db(role(track))?;
    let now = &known.now().facts;
    let (crest, rms_dbfs) = (now.active_crest_db?, now.active_rms_dbfs?);
    if crest <= usual_db + TOLERANCE_DB {
        return None;
    }
    // A stroke in the middle of all: the level of the windows times their crest.
    let peak_dbfs = (rms_dbfs + crest).min(now.true_peak_dbtp.unwrap_or(f64::INFINITY));
    let interval_s = now.inter_onset_median_s.unwrap_or(0.3);
    let release_ms = (RELEASE_SHARE * interval_s * 1000.0).clamp(RELEASE_MS.0, RELEASE_MS.1);
    let release_ms = (release_ms / 5.0).round() * 5.0;
    let tau_s = decay_s(crest);
    let target_db = crest - (crest - usual_db) * rules.strength.clamp(0.0, 1.2);
    // The lower the threshold the lower the crest, until even the decay is held down.
    let lost = |threshold: f64| static_reduction_db(0.0, threshold, RATIO, KNEE_DB);
    let lowest = crossing(-30.0, 0.0, |threshold| lost(threshold) - MOST_DB * rules.strength.min(1.2));
    let below = |depth: f64| compressed(tau_s, -depth, release_ms).0 - target_db;
    let threshold = -crossing(0.0, -lowest, below);
    let reduction_db = lost(threshold);
    if reduction_db < LEAST_DB {
        return None;
    }
    let (after_db, lost_db) = compressed(tau_s, threshold, release_ms);
    let (threshold_db, makeup_db) = (tenth(peak_dbfs + threshold), tenth(lost_db));
    let values = settings(
        &compressor::KIND,
        &[
            ("threshold_db", threshold_db),
            ("ratio", RATIO),
            ("knee_db", KNEE_DB),
            ("attack_ms", ATTACK_MS),
            ("release_ms", release_ms),
            ("lookahead_ms", LOOKAHEAD_MS),
            ("makeup_db", makeup_db),
        ],
        &[],
    );
    let reached = if after_db > target_db + 0.5 { "as far as is gentle" } else { "as usual" };
    let why = format!(
        "Peaks stand {crest:.1} dB above the level ({usual_db:.0} dB at most are usual): {RATIO:.0}:1 above \
         {threshold_db:.1} dB takes {reduction_db:.1} dB off a stroke's peak and leaves {after_db:.1}, {reached}; \
         {release_ms:.0} ms release, {makeup_db:.1} dB of make-up keep the loudness."
    );
    let change = Change::insert(&track.path(), "comp", &compressor::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("crest {crest:.1} dB, peaks {:.1}", -reduction_db))
            .measured("crest of active parts", crest, "dB")
            .measured("reduction at a stroke's peak", reduction_db, "dB")
            .sure(0.6)
            .unless("the attack shall stick out"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_has_the_crest_that_was_measured() {
        for crest in [10.0, 14.0, 20.0] {
            let tau_s = decay_s(crest);
            // Summed millisecond by millisecond, which is more than the formula's integral by 1 ms / tau: 0.27 dB
            // for 16 ms, the decay with a crest of 20 dB.
            let (unchanged, lost) = compressed(tau_s, 0.0, 80.0);
            assert!((unchanged - crest).abs() < 0.3, "{crest} {unchanged}");
            // At the threshold itself the knee takes an eighth of its width times the slope.
            assert!(lost < 0.2);
        }
    }

    #[test]
    fn a_lower_threshold_lowers_the_crest() {
        let crests: Vec<f64> = (0..6).map(|n| compressed(0.05, -f64::from(n), 60.0).0).collect();
        assert!(crests.windows(2).all(|pair| pair[1] < pair[0]), "{crests:?}");
    }
}
