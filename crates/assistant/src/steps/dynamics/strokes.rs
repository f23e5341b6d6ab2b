//! Drums that are struck unevenly: a compressor brings the strokes nearer to each other.
//!
//! It is solved on the levels of the strokes themselves through the static curve. Peaks that stand high above
//! the level are left alone: the crest of a stroke is that of its decay, and a compressor that is slow enough
//! not to bend the drum's own tone takes the whole stroke down with its peak.

use super::onsets::{PEAK_DB, STROKES_DB, bleed, drum, onsets_db};
use crate::levels::{at, crossing};
use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use dsp::processors::compressor::{self, static_reduction_db};
use session::{Change, Decision, StepId, Strip};

/// What differs by more than this are not strokes of one drum: bleed is among them, and nobody can tell which.
const NOT_ONE_DRUM_DB: f64 = 11.0;
/// So many strokes are needed.
const LEAST_STROKES: usize = 6;
/// Not heard, in dB.
const TOLERANCE_DB: f64 = 1.0;
/// Bounds of the ratio, and of the reduction of the loudest strokes, in dB.
const RATIO: (f64, f64) = (1.5, 4.0);
const MOST_DB: f64 = 5.0;
/// Settings that hold for all drums: slow enough to let the attack pass.
const KNEE_DB: f64 = 2.0;
const ATTACK_MS: f64 = 8.0;
/// Release follows the strokes: this share of the time between two, within bounds, in ms.
const RELEASE_SHARE: f64 = 0.5;
const RELEASE_MS: (f64, f64) = (60.0, 200.0);

/// The spread of strokes (90th minus 10th percentile) that a good drummer has, in dB: engineering practice.
fn usual_db(role: &str) -> Option<f64> {
    match role {
        "kick" | "kick_in" | "kick_out" => Some(4.0),
        "snare" | "snare_top" => Some(6.0),
        "tom_rack" | "tom_floor" | "toms" => Some(7.0),
        _ => None,
    }
}

fn spread_db(levels: &[f64], reduction: &dyn Fn(f64) -> f64) -> Option<f64> {
    // The curve never turns the order round.
    let after: Vec<f64> = levels.iter().map(|level| level - reduction(*level)).collect();
    Some(at(&after, 0.9)? - at(&after, 0.1)?)
}

pub(super) fn compressor(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let usual_db = usual_db(role(track))?;
    let now = known.now();
    let onsets = onsets_db(now, &drum(role(track))?);
    let loudest = at(&onsets, 0.95)?;
    let strokes: Vec<f64> = onsets.split_at(bleed(&onsets)).1.to_vec();
    let strokes: Vec<f64> = strokes.into_iter().filter(|level| *level > loudest - STROKES_DB).collect();
    let before_db = spread_db(&strokes, &|_| 0.0).filter(|_| strokes.len() >= LEAST_STROKES)?;
    if before_db <= usual_db + TOLERANCE_DB || before_db > NOT_ONE_DRUM_DB {
        return None;
    }
    let target_db = before_db - (before_db - usual_db) * rules.strength.clamp(0.0, 1.2);
    // From the softer strokes on; the detector hears peaks.
    let threshold = at(&strokes, 0.2)?;
    let reduction = |level: f64, ratio: f64| static_reduction_db(level, threshold, ratio, KNEE_DB);
    let over = |ratio: f64| spread_db(&strokes, &|level| reduction(level, ratio)).unwrap_or(0.0) - target_db;
    let loud = at(&strokes, 0.9)?;
    let wanted = crossing(RATIO.0, RATIO.1, over);
    let bounded = crossing(RATIO.0, RATIO.1, |ratio| MOST_DB - reduction(loud, ratio));
    let ratio = ((wanted.min(bounded) * 10.0).floor() / 10.0).max(RATIO.0);
    let after_db = spread_db(&strokes, &|level| reduction(level, ratio))?;
    if before_db - after_db < TOLERANCE_DB {
        return None;
    }
    let lost_db = strokes.iter().map(|level| reduction(*level, ratio)).sum::<f64>() / strokes.len() as f64;
    let interval_s = now.facts.inter_onset_median_s.or(known.raw.facts.inter_onset_median_s).unwrap_or(0.3);
    let release_ms = (RELEASE_SHARE * interval_s * 1000.0).clamp(RELEASE_MS.0, RELEASE_MS.1);
    let release_ms = (release_ms / 5.0).round() * 5.0;
    let (threshold_db, makeup_db) = (tenth(threshold + PEAK_DB), tenth(lost_db));
    let values = settings(
        &compressor::KIND,
        &[
            ("threshold_db", threshold_db),
            ("ratio", ratio),
            ("knee_db", KNEE_DB),
            ("attack_ms", ATTACK_MS),
            ("release_ms", release_ms),
            ("makeup_db", makeup_db),
        ],
        &[],
    );
    let stopped = if after_db > target_db + TOLERANCE_DB { "; more would be heard as work" } else { "" };
    let why = format!(
        "Its {} strokes differ by {before_db:.1} dB, now by {after_db:.1} (up to {usual_db:.0} are usual): {ratio:.1}:1 \
         above {threshold_db:.1} dB, {:.1} dB off the loudest{stopped}; {ATTACK_MS:.0} ms attack let the attack through, \
         {release_ms:.0} ms release end before the next. {makeup_db:.1} dB of make-up keep the loudness.",
        strokes.len(),
        reduction(loud, ratio)
    );
    let change = Change::insert(&track.path(), "comp", &compressor::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("strokes differ by {before_db:.1} dB, now {after_db:.1}"))
            .measured("spread of strokes before", before_db, "dB")
            .measured("spread of strokes after", after_db, "dB")
            .measured("reduction of the loudest strokes", reduction(loud, ratio), "dB")
            .sure(0.6)
            .costs("the difference between soft and hard strokes")
            .unless("the accents are the groove"),
    )
}
