//! Step 14: a band that goes up and down more than records do is held together by itself.
//!
//! Measured is how far the loud windows (0.34 s) of each of four bands stand above the middle one. Only a band that is out
//! by more than records vary, and by 2 dB at least, is worked on: up to half of the way, by a ratio of 1.8 at most, 1.5 dB on
//! average and 3 dB on the loud windows, and what it loses in power is given back.

use super::levels::{Curve, Levels, of};
use super::{hundredth, insert};
use crate::{Goal, MasterFacts, MasterStep};
use dsp::{Kind, Values};
use measure::{Analysis, WIDE_EDGES_HZ};
use session::{Change, Decision, Session, StepId};

/// Names of the bands, for people and for the file.
pub(crate) const NAMES: [&str; 4] = ["bass", "body", "presence", "air"];
/// Less than this out of place is not worth a compressor, in dB.
const LEAST_OUT_DB: f64 = 2.0;
/// Part of the way that is gone without a reference.
const STRENGTH: f64 = 0.5;
/// The bounds: ratio, mean reduction and reduction of the loud windows in dB.
const MOST_RATIO: f64 = 1.8;
const MOST_MEAN_DB: f64 = 1.5;
const MOST_P95_DB: f64 = 3.0;
const KNEE_DB: f64 = 6.0;
/// Attack and release of each band in milliseconds: a few periods of its lowest note.
const TIMES_MS: [(f64, f64); 4] = [(40.0, 300.0), (30.0, 200.0), (15.0, 150.0), (10.0, 120.0)];
/// The detector's window in milliseconds, near that of the meter.
const RMS_MS: f64 = 100.0;
/// Heard and wished are alike within this, in dB.
const ALIKE_DB: f64 = 0.3;
const ID: &str = "multiband";

/// Holds bands together.
pub(crate) struct Multiband;

/// A band that is out.
struct Out {
    band: usize,
    spread_db: f64,
    target_db: f64,
    /// How much less it shall go up and down, in dB.
    wanted_db: f64,
    curve: Curve,
    makeup_db: f64,
}

/// The spread aimed at in each band and how far records lie from it: of the references, else of records.
fn aims(facts: &MasterFacts, goal: &Goal) -> ([Option<(f64, f64)>; 4], f64) {
    let strength = goal.matching.dynamics;
    let songs = facts.references.iter().filter(|r| r.weight > 0.0 && strength > 0.0);
    let theirs: Vec<([Option<Levels>; 4], f64)> = songs.map(|r| (of(&r.analysis.tone), r.weight)).collect();
    if theirs.is_empty() {
        return (goal.records.spread_db.map(Some), STRENGTH * goal.strength);
    }
    let mean = |band: usize| {
        let there = theirs.iter().filter_map(|(l, w)| Some((l[band].as_ref()?.spread_db(), *w)));
        let (sum, weights) = there.fold((0.0, 0.0), |s, (db, w)| (s.0 + db * w, s.1 + w));
        (weights > 0.0).then(|| (sum / weights, LEAST_OUT_DB))
    };
    (std::array::from_fn(mean), strength)
}

fn find(facts: &MasterFacts, goal: &Goal) -> Vec<Out> {
    let heard = facts.now.as_ref().unwrap_or(&facts.premaster);
    let (aims, strength) = aims(facts, goal);
    let each = of(&heard.tone).into_iter().zip(aims).enumerate();
    each.filter_map(|(band, (levels, aim))| {
        let (levels, (target_db, varies_db)) = (levels?, aim?);
        let spread_db = levels.spread_db();
        let out_db = spread_db - target_db;
        if out_db <= varies_db.max(LEAST_OUT_DB) {
            return None;
        }
        let (curve, makeup_db) = curve_for(&levels, strength * out_db, goal.strength);
        let wanted_db = spread_db - levels.compressed_spread_db(curve);
        Some(Out { band, spread_db, target_db, wanted_db, curve, makeup_db })
    })
    .collect()
}

/// The curve that takes `wanted_db` of the spread or as much as the bounds let it, and what to give back.
fn curve_for(levels: &Levels, wanted_db: f64, strength: f64) -> (Curve, f64) {
    let curve = |ratio: f64| Curve {
        threshold_db: hundredth(levels.at(0.5).clamp(-80.0, 0.0)),
        ratio,
        knee_db: KNEE_DB,
    };
    let within = |ratio: f64| {
        let curve = curve(ratio);
        levels.spread_db() - levels.compressed_spread_db(curve) <= wanted_db
            && levels.mean_reduction_db(curve) <= MOST_MEAN_DB * strength
            && curve.reduction_db(levels.at(0.95)) <= MOST_P95_DB * strength
    };
    let (mut low, mut high) = (1.0, MOST_RATIO);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if within(middle) { low = middle } else { high = middle }
    }
    let curve = curve(hundredth(low));
    (curve, hundredth(levels.lost_db(curve)))
}

fn settings(kind: &'static Kind, out: &[Out]) -> Values {
    let mut values = Values::neutral(kind);
    values.set_choice(kind, "crossover", "linear_phase_24").expect("a crossover");
    values.set(kind, "rms_ms", RMS_MS).expect("a setting of the multiband");
    for (band, edge_hz) in WIDE_EDGES_HZ[1..].iter().enumerate() {
        let item = values.push(kind, "bands").expect("the multiband has bands");
        let mut set = |field: &str, value: f64| {
            values.set(kind, &format!("bands.{item}.{field}"), value).expect("a setting of a band");
        };
        set("freq_hz", *edge_hz);
        if let Some(o) = out.iter().find(|o| o.band == band) {
            set("threshold_db", o.curve.threshold_db);
            set("ratio", o.curve.ratio);
            set("knee_db", o.curve.knee_db);
            set("attack_ms", TIMES_MS[band].0);
            set("release_ms", TIMES_MS[band].1);
            set("makeup_db", o.makeup_db);
        }
    }
    values
}

fn decision(kind: &'static Kind, out: &[Out], session: &Session, heard: &str) -> Decision {
    let told = out.iter().map(|o| {
        format!(
            "the {} swings {:.1} dB, {:.1} are usual: {:.2}:1 takes {:.1} dB of it",
            NAMES[o.band], o.spread_db, o.target_db, o.curve.ratio, o.wanted_db
        )
    });
    let why = format!("Compressed by band: {}.{heard}", told.collect::<Vec<_>>().join("; "));
    let change = Change::insert(&session.master.strip.path(), ID, kind, &settings(kind, out));
    let decision = Decision::new(StepId::MasteringCompression, change, why)
        .sure(0.6)
        .costs(format!("life of the band: at most {MOST_P95_DB:.0} dB on its loud moments"))
        .unless("a part that is meant to come and go");
    out.iter().fold(decision, |d, o| {
        d.measured(format!("spread of the {}", NAMES[o.band]), o.spread_db, "dB").measured(
            format!("usual spread of the {}", NAMES[o.band]),
            o.target_db,
            "dB",
        )
    })
}

impl MasterStep for Multiband {
    fn id(&self) -> StepId {
        StepId::MasteringCompression
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let Some(kind) = dsp::kind("multiband").filter(|_| !facts.finished(goal)) else { return Vec::new() };
        let out: Vec<Out> = find(facts, goal).into_iter().filter(|o| o.wanted_db > ALIKE_DB).collect();
        if out.is_empty() { Vec::new() } else { vec![decision(kind, &out, session, "")] }
    }

    /// The level is found over a time of its own: what the curve was to take, and what was heard to go, give the ratio that
    /// takes it.
    fn revise(
        &self,
        before: &Analysis,
        facts: &MasterFacts,
        session: &Session,
        goal: &Goal,
    ) -> Vec<Decision> {
        let Some(now) = insert(session, ID).and(facts.now.as_ref()) else { return Vec::new() };
        let Some(kind) = dsp::kind("multiband") else { return Vec::new() };
        let then = MasterFacts { now: Some(before.clone()), ..facts.clone() };
        let mut out: Vec<Out> = find(&then, goal).into_iter().filter(|o| o.wanted_db > ALIKE_DB).collect();
        let (was, is) = (of(&before.tone), of(&now.tone));
        let mut missed = Vec::new();
        for o in &mut out {
            let (Some(was), Some(is)) = (&was[o.band], &is[o.band]) else { continue };
            let took = was.spread_db() - is.spread_db();
            if (took - o.wanted_db).abs() <= ALIKE_DB {
                continue;
            }
            let slope = (1.0 - 1.0 / o.curve.ratio) * (o.wanted_db / took.max(0.1)).clamp(0.5, 2.0);
            let ratio = hundredth((1.0 / (1.0 - slope).max(0.1)).min(MOST_RATIO));
            let wider = Curve { ratio, ..o.curve };
            let bound = MOST_P95_DB * goal.strength;
            if ratio != o.curve.ratio && wider.reduction_db(was.at(0.95)) <= bound {
                missed.push(format!(" It was heard to take {took:.1} dB of the {} at first.", NAMES[o.band]));
                (o.curve, o.makeup_db) = (wider, hundredth(was.lost_db(wider)));
            }
        }
        if missed.is_empty() { Vec::new() } else { vec![decision(kind, &out, session, &missed.concat())] }
    }
}

#[cfg(test)]
mod tests {
    use super::super::levels::tests::swinging;
    use super::*;
    use crate::RECORDS;

    fn ratio_of(session: &Session, band: usize) -> Option<f64> {
        super::super::setting(insert(session, ID)?, &format!("bands.{band}.ratio"))
    }

    fn facts(band: usize, swing_db: f64) -> MasterFacts {
        let premaster = Analysis { tone: swinging(band, swing_db), ..Analysis::default() };
        MasterFacts { premaster, ..MasterFacts::default() }
    }

    fn goal() -> Goal {
        Goal::new(Some(-14.0), -1.0)
    }

    /// A session with these decisions in it.
    fn with(decisions: &[Decision]) -> Session {
        let mut document = session::Document::new(&Session::new());
        session::apply(&mut document, decisions).expect("they apply");
        document.session().expect("a session")
    }

    #[test]
    fn a_band_as_steady_as_records_is_left_alone() {
        for band in 0..4 {
            let (median, varies) = RECORDS.spread_db[band];
            let inside = (median + varies.max(LEAST_OUT_DB) - 0.5) / (0.45 * std::f64::consts::PI).sin();
            assert!(Multiband.decide(&facts(band, inside), &Session::new(), &goal()).is_empty(), "{band}");
        }
    }

    #[test]
    fn a_bass_that_swings_is_held_within_the_bounds() {
        let wild = facts(0, 14.0);
        let decisions = Multiband.decide(&wild, &Session::new(), &goal());
        assert_eq!(decisions.len(), 1);
        assert!(decisions[0].why.contains("the bass swings"), "{}", decisions[0].why);
        let session = with(&decisions);
        let ratio = ratio_of(&session, 0).expect("a ratio");
        assert!(ratio > 1.05 && ratio <= MOST_RATIO, "{ratio}");
        assert_eq!(ratio_of(&session, 1), Some(1.0), "the others are let be");
        let gentle = Goal { strength: 0.5, ..goal() };
        let softer = with(&Multiband.decide(&wild, &Session::new(), &gentle));
        assert!(ratio_of(&softer, 0).expect("a ratio") < ratio);
    }

    #[test]
    fn what_was_heard_to_do_too_little_does_more() {
        let wild = facts(0, 14.0);
        let session = with(&Multiband.decide(&wild, &Session::new(), &goal()));
        let first = ratio_of(&session, 0).expect("a ratio");
        let wanted = find(&wild, &goal())[0].wanted_db;
        // Heard: only three quarters of what was wanted.
        let heard = 14.0 - 0.75 * wanted / (0.45 * std::f64::consts::PI).sin();
        let after = MasterFacts { now: facts(0, heard).premaster.into(), ..wild.clone() };
        let again = Multiband.revise(&wild.premaster, &after, &session, &goal());
        let second = again.first().map(|d| ratio_of(&with(std::slice::from_ref(d)), 0).expect("a ratio"));
        assert!(second.is_none_or(|second| second > first && second <= MOST_RATIO), "{first} {second:?}");
        // Heard as wanted: nothing more.
        let heard = 14.0 - wanted / (0.45 * std::f64::consts::PI).sin();
        let after = MasterFacts { now: facts(0, heard).premaster.into(), ..wild.clone() };
        assert!(Multiband.revise(&wild.premaster, &after, &session, &goal()).is_empty());
    }

    #[test]
    fn a_reference_that_swings_as_much_asks_for_nothing() {
        let wild = facts(0, 14.0);
        let reference = crate::Reference { name: "it".into(), weight: 1.0, analysis: wild.premaster.clone() };
        let with_reference = MasterFacts { references: vec![reference], ..wild };
        assert!(Multiband.decide(&with_reference, &Session::new(), &goal()).is_empty());
    }
}
