//! Step 15: a band that stands wider or narrower than records do is brought half of the way to where they begin.
//!
//! Records are not mono in the bass and not wide everywhere; what lies within their spread is style. Widening costs sound in
//! mono, so it is bounded by it: at most half a decibel of the level in mono.

use super::hundredth;
use super::multiband::NAMES;
use crate::{Goal, MasterFacts, MasterStep};
use audio::{db_to_gain, db_to_power, power_to_db};
use dsp::{Kind, Values};
use measure::{Facts, WIDE_EDGES_HZ};
use session::{Change, Decision, Session, StepId};

/// Less than this beyond what records vary is left alone, in dB.
const LEAST_OUT_DB: f64 = 1.0;
/// Part of what lies outside that is corrected.
const STRENGTH: f64 = 0.5;
/// How far a side is raised and lowered at most, in dB.
const MOST_WIDER_DB: f64 = 1.5;
const MOST_NARROWER_DB: f64 = 3.0;
/// A smaller move is not heard, in dB.
const LEAST_DB: f64 = 0.3;
/// A side lower than this against the middle is no image that could be widened, in dB.
const NO_SIDE_DB: f64 = -25.0;
/// How much more may be lost in mono, in dB.
const MONO_LOSS_DB: f64 = 0.5;
/// A band that far below the whole does not play, in dB.
const NOTHING_DB: f64 = -30.0;
const ID: &str = "image";

/// Widens and narrows bands.
pub(crate) struct Image;

/// Middle and side of one wide band, mean squares; and what is done to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Band {
    mid: f64,
    side: f64,
    outside_db: f64,
    gain_db: f64,
}

impl Band {
    fn width_db(&self) -> f64 {
        power_to_db(self.side / self.mid)
    }
}

/// Middle and side of the wide bands out of the third octaves.
fn bands(facts: &Facts) -> [Band; 4] {
    let mut bands = [Band::default(); 4];
    for (level, width) in facts.third_octave_db.iter().zip(&facts.third_octave_side_mid_db) {
        let Some(place) = WIDE_EDGES_HZ.windows(2).position(|e| (e[0]..e[1]).contains(&level.hz)) else {
            continue;
        };
        let (Some(level), Some(width)) = (level.db, width.db) else { continue };
        let ratio = db_to_power(width);
        let mid = db_to_power(level) / (1.0 + ratio);
        bands[place].mid += mid;
        bands[place].side += mid * ratio;
    }
    bands
}

/// What is lost when both channels are added, in dB.
fn mono_loss_db(bands: &[Band; 4]) -> f64 {
    let mid: f64 = bands.iter().map(|b| b.mid).sum();
    let side: f64 = bands.iter().map(|b| b.side * db_to_power(b.gain_db)).sum();
    power_to_db((mid + side) / mid)
}

fn moved(facts: &Facts, goal: &Goal) -> Option<[Band; 4]> {
    let mut bands = bands(facts);
    let whole: f64 = bands.iter().map(|b| b.mid + b.side).sum();
    // The bass has a step of its own.
    for (band, (median_db, varies_db)) in bands.iter_mut().zip(goal.records.width_db).skip(1) {
        let plays = band.mid > 0.0 && band.mid + band.side > whole * db_to_power(NOTHING_DB);
        if !plays || band.width_db() < NO_SIDE_DB {
            continue;
        }
        let off_db = median_db - band.width_db();
        band.outside_db = off_db.signum() * (off_db.abs() - varies_db).max(0.0);
        if band.outside_db.abs() > LEAST_OUT_DB {
            let wanted = STRENGTH * goal.strength * band.outside_db;
            band.gain_db = wanted.clamp(-MOST_NARROWER_DB * goal.strength, MOST_WIDER_DB * goal.strength);
        }
    }
    within_mono(&mut bands);
    bands
        .iter_mut()
        .for_each(|b| b.gain_db = hundredth(if b.gain_db.abs() < LEAST_DB { 0.0 } else { b.gain_db }));
    bands.iter().any(|b| b.gain_db != 0.0).then_some(bands)
}

/// Takes back of what widens until mono loses no more than it may.
fn within_mono(bands: &mut [Band; 4]) {
    let before = mono_loss_db(&bands.map(|b| Band { gain_db: 0.0, ..b }));
    for _ in 0..20 {
        if mono_loss_db(bands) - before <= MONO_LOSS_DB {
            return;
        }
        bands.iter_mut().filter(|b| b.gain_db > 0.0).for_each(|b| b.gain_db *= 0.8);
    }
}

fn settings(kind: &'static Kind, bands: &[Band; 4]) -> Values {
    let mut values = Values::neutral(kind);
    for (band, edge_hz) in bands.iter().zip(&WIDE_EDGES_HZ[1..]) {
        let item = values.push(kind, "bands").expect("it has bands");
        values.set(kind, &format!("bands.{item}.freq_hz"), *edge_hz).expect("an edge");
        let width = (1000.0 * db_to_gain(band.gain_db)).round() / 10.0;
        values.set(kind, &format!("bands.{item}.width_percent"), width).expect("a width");
    }
    values
}

impl MasterStep for Image {
    fn id(&self) -> StepId {
        StepId::Stereo
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        // A reference draws the whole image by itself.
        if facts.finished(goal) || !facts.references.is_empty() && goal.matching.width > 0.0 {
            return Vec::new();
        }
        let Some(kind) = dsp::kind("band_width") else { return Vec::new() };
        let Some(bands) = moved(facts.heard(), goal) else { return Vec::new() };
        let each = bands.iter().zip(NAMES).zip(goal.records.width_db).filter(|((b, _), _)| b.gain_db != 0.0);
        let told: Vec<String> = each
            .clone()
            .map(|((band, name), (median_db, _))| {
                format!(
                    "the side of the {name} {:+.1} dB: it stands {:.1} dB against the middle, {median_db:.1} are usual",
                    band.gain_db,
                    band.width_db()
                )
            })
            .collect();
        let still = bands.map(|b| Band { gain_db: 0.0, ..b });
        let lost = mono_loss_db(&bands) - mono_loss_db(&still);
        let why = format!("Image by band, {}. In mono {:+.1} dB are lost by it.", told.join("; "), lost);
        let change = Change::insert(&session.master.strip.path(), ID, kind, &settings(kind, &bands));
        let decision = Decision::new(StepId::Stereo, change, why)
            .sure(0.5)
            .costs(format!(
                "{:.1} dB of the level in mono; at most {MONO_LOSS_DB:.1} are allowed",
                lost.max(0.0)
            ))
            .unless("an image that is meant to be as it is");
        vec![each.fold(decision, |d, ((band, name), _)| {
            d.measured(format!("side to middle of the {name}"), band.width_db(), "dB")
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RECORDS;
    use measure::{Analysis, BandLevel};
    use proptest::prelude::*;

    const HZ: [f64; 8] = [63.0, 100.0, 250.0, 800.0, 2_000.0, 4_000.0, 8_000.0, 12_500.0];

    fn facts(width: impl Fn(f64) -> f64) -> MasterFacts {
        let levels = HZ.map(|hz| BandLevel { hz, db: Some(-30.0) });
        let widths = HZ.map(|hz| BandLevel { hz, db: Some(width(hz)) });
        let facts = Facts {
            third_octave_db: levels.to_vec(),
            third_octave_side_mid_db: widths.to_vec(),
            ..Facts::default()
        };
        MasterFacts { premaster: Analysis { facts, ..Analysis::default() }, ..MasterFacts::default() }
    }

    fn usual(hz: f64) -> f64 {
        let place = WIDE_EDGES_HZ.windows(2).position(|e| (e[0]..e[1]).contains(&hz)).expect("a band");
        RECORDS.width_db[place].0
    }

    fn goal() -> Goal {
        Goal::new(Some(-14.0), -1.0)
    }

    #[test]
    fn what_records_have_and_what_has_no_side_is_left_alone() {
        let decide = |facts: &MasterFacts| Image.decide(facts, &Session::new(), &goal());
        assert!(decide(&facts(usual)).is_empty());
        assert!(decide(&facts(|_| -60.0)).is_empty(), "mono is not widened");
        assert!(decide(&MasterFacts::default()).is_empty());
    }

    #[test]
    fn what_is_out_is_brought_nearer() {
        let narrow = facts(|hz| usual(hz) - if hz > 5_000.0 { 12.0 } else { 0.0 });
        let bands = moved(&narrow.premaster.facts, &goal()).expect("moves");
        assert!(bands[3].gain_db > LEAST_DB && bands[3].gain_db <= MOST_WIDER_DB, "{bands:?}");
        assert!(bands[..3].iter().all(|b| b.gain_db == 0.0));
        let wide = facts(|hz| usual(hz) + if (120.0..1_000.0).contains(&hz) { 12.0 } else { 0.0 });
        let bands = moved(&wide.premaster.facts, &goal()).expect("moves");
        assert!(bands[1].gain_db < -LEAST_DB && bands[1].gain_db >= -MOST_NARROWER_DB, "{bands:?}");
        assert!(Image.decide(&wide, &Session::new(), &goal())[0].why.contains("the side of the body"));
    }

    proptest! {
        #[test]
        fn mono_never_loses_more_than_it_may(widths in proptest::array::uniform8(-24.0f64..6.0), strength in 0.5f64..1.5) {
            let at = |hz: f64| widths[HZ.iter().position(|h| *h == hz).expect("a band")];
            let facts = facts(at);
            if let Some(bands) = moved(&facts.premaster.facts, &Goal { strength, ..goal() }) {
                let still = bands.map(|b| Band { gain_db: 0.0, ..b });
                // Gains are rounded to hundredths of a decibel.
                prop_assert!(mono_loss_db(&bands) - mono_loss_db(&still) <= MONO_LOSS_DB + 0.01);
                prop_assert!(bands[0].gain_db == 0.0);
            }
        }
    }
}
