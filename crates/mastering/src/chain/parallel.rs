//! Step 14: quiet passages come up beside the music as it is, where they lie farther down than in nine of ten records.
//!
//! A compressed copy is added to the untouched sound (`mix`): loud moments and their attacks stay as they are, quiet ones are
//! lifted. Music whose quiet passages are meant to be quiet is never lifted to reach a number.

use super::{hundredth, insert, setting};
use crate::chain::levels::Curve;
use crate::{Goal, MasterFacts, MasterStep};
use audio::{db_to_gain, gain_to_db};
use dsp::{Kind, Values};
use measure::{Analysis, loudness_range_of_lu};
use session::{Change, Decision, Session, StepId};

/// Part of what is too much that is taken, and the most of it, in LU.
const STRENGTH: f64 = 0.5;
const MOST_LU: f64 = 1.5;
/// Less than this beyond records is left alone, in LU.
const LEAST_OUT_LU: f64 = 1.0;
/// No passage is lifted farther, in dB.
const MOST_LIFT_DB: f64 = 3.0;
const RATIO: f64 = 4.0;
const KNEE_DB: f64 = 12.0;
const TIMES_MS: (f64, f64) = (20.0, 400.0);
const RMS_MS: f64 = 100.0;
/// A stereo programme in LUFS stands this far above the RMS level of one of its channels, in dB (BS.1770-5: two equal channels
/// add 3.01 dB, and 0.691 dB are taken off).
const CHANNEL_BELOW_LUFS_DB: f64 = 3.01 - 0.691;
/// Passages this far under the loudest are pauses, in LU.
const PAUSE_LU: f64 = 20.0;
/// Heard and wished are alike within this, in LU.
const ALIKE_LU: f64 = 0.3;
const ID: &str = "parallel";

/// Lifts quiet passages.
pub(crate) struct Parallel;

/// A compressor beside the music.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Beside {
    curve: Curve,
    /// Gives the copy the level of the music where that is loud.
    makeup_db: f64,
    mix: f64,
}

impl Beside {
    /// Gain of copy and music together at a level, in dB.
    fn gain_db(&self, level_db: f64) -> f64 {
        let copy = db_to_gain(self.makeup_db - self.curve.reduction_db(level_db));
        gain_to_db(1.0 - self.mix + self.mix * copy)
    }

    fn range_lu(&self, short_term: &[f64]) -> Option<f64> {
        loudness_range_of_lu(short_term.iter().map(|l| l + self.gain_db(l - CHANNEL_BELOW_LUFS_DB)))
    }
}

fn passages(heard: &Analysis) -> Vec<f64> {
    let all = heard.loudness.short_term_lufs.iter().flatten().copied();
    let loudest = all.clone().fold(f64::NEG_INFINITY, f64::max);
    all.filter(|l| *l > loudest - PAUSE_LU).collect()
}

/// How much the range is to shrink, in LU.
fn wanted_lu(heard: &Analysis, facts: &MasterFacts, goal: &Goal) -> Option<(f64, f64)> {
    let followed = !facts.references.is_empty() && goal.matching.dynamics > 0.0;
    let most = goal.records.range_lu.filter(|_| !followed && goal.loudness_lufs.is_some())?;
    let range = heard.facts.loudness_range_lu?;
    let wanted = (STRENGTH * goal.strength * (range - most)).min(MOST_LU * goal.strength);
    (range - most > LEAST_OUT_LU).then_some((range, wanted))
}

/// The copy that takes `wanted_lu` of the range, or as much as the bound on lifting lets it.
fn beside(passages: &[f64], wanted_lu: f64) -> Option<Beside> {
    let mut sorted = passages.to_vec();
    sorted.sort_by(f64::total_cmp);
    let level = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize] - CHANNEL_BELOW_LUFS_DB;
    if sorted.len() < 30 {
        return None;
    }
    let threshold_db = hundredth(level(0.1));
    if !(-80.0..=0.0).contains(&threshold_db) {
        return None;
    }
    let curve = Curve { threshold_db, ratio: RATIO, knee_db: KNEE_DB };
    let makeup_db = hundredth(curve.reduction_db(level(0.75)).min(24.0));
    let with = |mix: f64| Beside { curve, makeup_db, mix };
    let came = with(0.0).range_lu(passages)?;
    let within = |mix: f64| {
        let lifted = with(mix).gain_db(level(0.02));
        let range = with(mix).range_lu(passages);
        lifted <= MOST_LIFT_DB && range.is_some_and(|range| came - range <= wanted_lu)
    };
    let (mut low, mut high) = (0.0, 0.6);
    for _ in 0..20 {
        let middle = 0.5 * (low + high);
        if within(middle) { low = middle } else { high = middle }
    }
    Some(with((low * 1000.0).round() / 1000.0)).filter(|b| b.mix > 0.01)
}

fn settings(kind: &'static Kind, beside: &Beside) -> Values {
    let mut values = Values::neutral(kind);
    for (name, value) in [
        ("threshold_db", beside.curve.threshold_db),
        ("ratio", beside.curve.ratio),
        ("knee_db", beside.curve.knee_db),
        ("attack_ms", TIMES_MS.0),
        ("release_ms", TIMES_MS.1),
        ("rms_ms", RMS_MS),
        ("makeup_db", beside.makeup_db),
        ("mix_percent", 100.0 * beside.mix),
    ] {
        values.set(kind, name, value).expect("a setting of the compressor");
    }
    values.set_choice(kind, "detector", "rms").expect("a detector");
    values
}

fn decision(
    kind: &'static Kind,
    beside: &Beside,
    (range, most): (f64, f64),
    session: &Session,
    heard: &str,
) -> Decision {
    let change = Change::insert(&session.master.strip.path(), ID, kind, &settings(kind, beside));
    let why = format!(
        "Loudness range {range:.1} LU, nine in ten records stay under {most:.1}: a copy compressed {RATIO:.0}:1 beside the music, \
         {:.0} % of it, lifts the quiet passages and leaves the loud ones.{heard}",
        100.0 * beside.mix
    );
    Decision::new(StepId::MasteringCompression, change, why)
        .measured("loudness range", range, "LU")
        .measured("usual at most", most, "LU")
        .sure(0.5)
        .costs("room and noise of the quiet passages come up with them")
        .unless("music that is meant to whisper")
}

impl MasterStep for Parallel {
    fn id(&self) -> StepId {
        StepId::MasteringCompression
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let Some(kind) = dsp::kind("compressor").filter(|_| !facts.finished(goal)) else { return Vec::new() };
        let heard = facts.now.as_ref().unwrap_or(&facts.premaster);
        let Some((range, wanted)) = wanted_lu(heard, facts, goal) else { return Vec::new() };
        let most = goal.records.range_lu.unwrap_or(range);
        let found = beside(&passages(heard), wanted);
        found.map(|beside| decision(kind, &beside, (range, most), session, "")).into_iter().collect()
    }

    fn revise(
        &self,
        before: &Analysis,
        facts: &MasterFacts,
        session: &Session,
        goal: &Goal,
    ) -> Vec<Decision> {
        let found = insert(session, ID).zip(facts.now.as_ref()).zip(wanted_lu(before, facts, goal));
        let Some(((insert, now), (range, wanted))) = found else { return Vec::new() };
        let is = now.facts.loudness_range_lu;
        let mix = setting(insert, "mix_percent").map(|percent| 0.01 * percent);
        let (Some(is), Some(mix), Some(beside)) = (is, mix, beside(&passages(before), wanted)) else {
            return Vec::new();
        };
        let took = range - is;
        if (took - wanted).abs() <= ALIKE_LU || took < 0.05 {
            return Vec::new();
        }
        let mix = (mix * (wanted / took).clamp(0.4, 1.6) * 1000.0).round() / 1000.0;
        let anew = Beside { mix: mix.min(0.6), ..beside };
        let lowest = passages(before).into_iter().fold(f64::INFINITY, f64::min) - CHANNEL_BELOW_LUFS_DB;
        if anew.mix == beside.mix || anew.gain_db(lowest) > MOST_LIFT_DB + 1.0 {
            return Vec::new();
        }
        let heard = format!(" {took:.1} LU were heard to go at first.");
        let most = goal.records.range_lu.unwrap_or(range);
        vec![decision(insert.kind, &anew, (range, most), session, &heard)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RECORDS, Records};
    use measure::{Facts, LoudnessSeries};

    /// A song that lies at every loudness from -14 LUFS down to `range` LU under it for as long.
    fn facts(range: f64) -> MasterFacts {
        let short: Vec<Option<f64>> = (0..1000).map(|n| Some(-14.0 - range * f64::from(n) / 999.0)).collect();
        let range = loudness_range_of_lu(short.iter().flatten().copied());
        let loudness = LoudnessSeries { short_term_lufs: short, ..LoudnessSeries::default() };
        let facts = Facts { loudness_range_lu: range, ..Facts::default() };
        MasterFacts {
            premaster: Analysis { facts, loudness, ..Analysis::default() },
            ..MasterFacts::default()
        }
    }

    fn goal() -> Goal {
        Goal::new(Some(-14.0), -1.0)
    }

    #[test]
    fn a_usual_range_and_music_that_whispers_are_left_alone() {
        let most = RECORDS.range_lu.expect("records have one");
        assert!(Parallel.decide(&facts(most), &Session::new(), &goal()).is_empty());
        let whispers = Box::leak(Box::new(Records { range_lu: None, ..RECORDS }));
        let wide = facts(19.0);
        assert!(Parallel.decide(&wide, &Session::new(), &Goal { records: whispers, ..goal() }).is_empty());
        assert!(Parallel.decide(&wide, &Session::new(), &Goal { loudness_lufs: None, ..goal() }).is_empty());
    }

    #[test]
    fn a_wide_range_is_taken_together_from_below() {
        let wide = facts(19.0);
        let (range, wanted) = wanted_lu(&wide.premaster, &wide, &goal()).expect("it is too wide");
        let passages = passages(&wide.premaster);
        let beside = beside(&passages, wanted).expect("a copy");
        let after = beside.range_lu(&passages).expect("a range");
        // Either as wanted, or as far as lifting may go.
        let lifted = beside.gain_db(-33.0 - CHANNEL_BELOW_LUFS_DB);
        assert!(
            (range - after - wanted).abs() < 0.05 || lifted > MOST_LIFT_DB - 0.3,
            "{range} {after} {wanted}"
        );
        assert!(lifted <= MOST_LIFT_DB + 0.1 && lifted > 0.5, "{lifted}");
        // The loud quarter stays where it is within what the knee bends.
        assert!(beside.gain_db(-15.0 - CHANNEL_BELOW_LUFS_DB).abs() < 0.8);
        let decisions = Parallel.decide(&wide, &Session::new(), &goal());
        assert!(decisions[0].why.contains("nine in ten records"), "{}", decisions[0].why);
    }
}
