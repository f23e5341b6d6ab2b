//! Step 14: gentle glue where the music is looser than records are.
//!
//! Of 45 released tracks measured for this table 80 % have a peak-to-loudness ratio between 12.2 and 18.7 LU, half of
//! them under 15.0. A pre-master beyond that gets a slow compressor of low ratio whose threshold is solved for a stated
//! reduction; anything denser is left alone.

use crate::{Goal, MasterFacts, MasterStep};
use dsp::processors::compressor::static_reduction_db;
use dsp::{Kind, Values};
use session::{Change, Decision, Session, StepId};

/// Above this peak-to-loudness ratio, in LU, glue is worth while.
const LOOSE_PLR_LU: f64 = 15.0;
/// Ratio and knee of the glue: lower than any that is heard as compression.
const RATIO: f64 = 1.5;
const KNEE_DB: f64 = 6.0;
/// Reduction that nineteen in twenty moments stay below, in dB.
const REDUCTION_P95_DB: f64 = 1.5;
/// Attack and release in milliseconds: transients pass, half a beat at a middle tempo.
const ATTACK_MS: f64 = 30.0;
const RELEASE_MS: f64 = 250.0;
/// A stereo programme in LUFS stands this far above the RMS level of one of its channels, in dB: two equal channels add
/// 3.01 dB, and BS.1770 takes 0.691 dB off.
const CHANNEL_BELOW_LUFS_DB: f64 = 3.01 - 0.691;

/// Compresses gently.
pub(crate) struct Compression;

impl MasterStep for Compression {
    fn id(&self) -> StepId {
        StepId::MasteringCompression
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let heard = facts.now.as_ref().unwrap_or(&facts.premaster);
        let (Some(kind), Some(plr)) = (dsp::kind("compressor"), heard.facts.plr_lu) else {
            return Vec::new();
        };
        // A reference that is as loose itself is no reason to hold anything together.
        let theirs = facts.references.iter().filter_map(|r| r.analysis.facts.plr_lu).fold(0.0, f64::max);
        if plr <= LOOSE_PLR_LU.max(theirs) || facts.finished(goal) {
            return Vec::new();
        }
        let levels: Vec<f64> = sounding(&heard.loudness.momentary_lufs);
        let wanted = REDUCTION_P95_DB * goal.strength;
        let Some(threshold_db) = threshold_for(&levels, wanted) else { return Vec::new() };
        let reduction = percentile_reduction(&levels, threshold_db);
        let change =
            Change::insert(&session.master.strip.path(), "glue", kind, &settings(kind, threshold_db));
        let why = format!(
            "Glue of {RATIO}:1 above {threshold_db:.1} dB, {reduction:.1} dB on the loudest moments: peaks stand {plr:.1} LU \
             over the loudness, half of all records stay under {LOOSE_PLR_LU:.0}."
        );
        let decision = Decision::new(StepId::MasteringCompression, change, why)
            .measured("peak to loudness", plr, "LU")
            .sure(0.6)
            .costs("some of the contrast between loud and soft")
            .unless("music that lives from its peaks, such as classical or jazz");
        vec![decision]
    }
}

/// Momentary loudness where the music plays: within 20 LU of its loudest, as channel level.
fn sounding(momentary: &[Option<f64>]) -> Vec<f64> {
    let loudest = momentary.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let playing = momentary.iter().flatten().filter(|l| **l > loudest - 20.0);
    let mut levels: Vec<f64> = playing.map(|l| l - CHANNEL_BELOW_LUFS_DB).collect();
    levels.sort_by(f64::total_cmp);
    levels
}

fn percentile_reduction(levels: &[f64], threshold_db: f64) -> f64 {
    // The static curve rises with level, so the percentile of the reduction is that of the level.
    let level = levels[(levels.len() * 95 / 100).min(levels.len() - 1)];
    static_reduction_db(level, threshold_db, RATIO, KNEE_DB)
}

/// The threshold at which the loud moments are reduced by `wanted_db`, by bisection.
fn threshold_for(levels: &[f64], wanted_db: f64) -> Option<f64> {
    let highest = *levels.last()?;
    let (mut low, mut high) = (highest - 30.0, highest + KNEE_DB);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if percentile_reduction(levels, middle) > wanted_db { low = middle } else { high = middle }
    }
    Some((0.5 * (low + high) * 10.0).round() / 10.0).filter(|t| (-80.0..=0.0).contains(t))
}

fn settings(kind: &Kind, threshold_db: f64) -> Values {
    let mut values = Values::neutral(kind);
    for (name, value) in [
        ("threshold_db", threshold_db),
        ("ratio", RATIO),
        ("knee_db", KNEE_DB),
        ("attack_ms", ATTACK_MS),
        ("release_ms", RELEASE_MS),
        ("sidechain_high_pass_hz", 100.0),
    ] {
        values.set(kind, name, value).expect("a setting of the compressor");
    }
    values.set_choice(kind, "detector", "rms").expect("a detector");
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Analysis, Facts, LoudnessSeries};

    fn facts(plr_lu: f64) -> MasterFacts {
        let momentary: Vec<Option<f64>> = (0..1000).map(|n| Some(-24.0 + 0.01 * f64::from(n))).collect();
        let loudness = LoudnessSeries { momentary_lufs: momentary, ..LoudnessSeries::default() };
        let facts = Facts { plr_lu: Some(plr_lu), ..Facts::default() };
        MasterFacts {
            premaster: Analysis { facts, loudness, ..Analysis::default() },
            ..MasterFacts::default()
        }
    }

    #[test]
    fn dense_music_is_left_alone_and_loose_music_gets_what_was_asked() {
        let goal = Goal::new(None, -1.0);
        assert!(Compression.decide(&facts(12.0), &Session::new(), &goal).is_empty());
        let decisions = Compression.decide(&facts(17.0), &Session::new(), &goal);
        assert_eq!(decisions.len(), 1);
        assert!(decisions[0].why.contains("17.0 LU"));
        let levels = sounding(&facts(17.0).premaster.loudness.momentary_lufs);
        let threshold = threshold_for(&levels, REDUCTION_P95_DB).expect("a threshold");
        // The threshold is rounded to a tenth of a decibel; the curve's slope there is below one.
        assert!((percentile_reduction(&levels, threshold) - REDUCTION_P95_DB).abs() < 0.06);
    }

    #[test]
    fn silence_and_quiet_passages_do_not_count() {
        let levels = sounding(&[None, Some(-70.0), Some(-20.0), Some(-25.0)]);
        assert_eq!(levels.len(), 2);
        assert!(sounding(&[]).is_empty() && threshold_for(&[], 1.0).is_none());
    }
}
