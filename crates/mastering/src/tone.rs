//! Step 13: broad strokes toward a reference or the tonal balance of finished records.
//!
//! The difference of both spectra is taken at equal level from 200 Hz to 4 kHz; what lies within the spread of records
//! is left alone; of the rest half is corrected, by a few broad filters fitted by least squares.

use crate::curve::{TargetBand, at};
use crate::{Goal, MasterFacts, MasterStep};
use audio::Spec;
use dsp::{Kind, Values};
use measure::BandLevel;
use session::{Change, Decision, Session, StepId};

/// Part of the spread in which nothing is corrected.
const DEAD_ZONE: f64 = 0.7;
/// Part of what lies outside of it that is corrected.
const STRENGTH: f64 = 0.5;
/// The most a filter moves, in dB.
const MOST_DB: f64 = 3.0;
/// A smaller move is not heard.
const LEAST_DB: f64 = 0.3;
/// Against a reference, this is taken as the spread in dB: one song says less than many.
const REFERENCE_SPREAD_DB: f64 = 2.0;
/// A band that misses more than this, in dB, does not play: there is nothing in it to lift but noise.
const EMPTY_DB: f64 = 20.0;
/// Energy below 25 Hz above this (against all of it, in dB) only costs headroom.
const SUB_ENERGY_DB: f64 = -35.0;
/// A mean farther from zero than this part of full scale clicks at both ends and takes headroom.
const DC_OFFSET: f64 = 0.000_5;
/// Weight against large gains in the fit: it keeps neighbouring filters from fighting.
const RIDGE: f64 = 0.05;

/// The filters: name, type, frequency in hertz, Q.
const FILTERS: &[(&str, &str, f64, f64)] = &[
    ("low", "low_shelf", 90.0, 0.7),
    ("mud", "bell", 250.0, 0.7),
    ("middle", "bell", 900.0, 0.7),
    ("presence", "bell", 3_000.0, 0.7),
    ("air", "high_shelf", 8_000.0, 0.7),
];

/// How a band stands against the target.
pub(crate) struct Deviation {
    pub(crate) hz: f64,
    /// What would have to be added, in dB.
    pub(crate) missing_db: f64,
    /// The part of it beyond the spread of records, in dB.
    pub(crate) outside_db: f64,
    /// How much records vary there, in dB.
    pub(crate) spread_db: f64,
}

/// Every third octave against the target, at equal level from 200 Hz to 4 kHz.
pub(crate) fn deviation(facts: &MasterFacts, curve: &[TargetBand]) -> Vec<Deviation> {
    let target = |hz: f64| match facts.references.first() {
        Some(reference) => {
            let heard = (31.0..=16_000.0).contains(&hz);
            let bands = &reference.analysis.facts.third_octave_db;
            let band = bands.iter().find(|b| heard && b.hz == hz)?;
            Some((band.db?, REFERENCE_SPREAD_DB))
        }
        None => at(curve, hz),
    };
    against(&facts.heard().third_octave_db, target)
}

/// Third octaves against a level and a spread for each, at equal level from 200 Hz to 4 kHz.
pub(crate) fn against(heard: &[BandLevel], target: impl Fn(f64) -> Option<(f64, f64)>) -> Vec<Deviation> {
    let bands: Vec<(f64, f64, f64)> = heard
        .iter()
        .filter_map(|band| {
            let (db, spread) = target(band.hz)?;
            Some((band.hz, db - band.db?, spread))
        })
        .collect();
    let mut middle: Vec<f64> =
        bands.iter().filter(|b| (200.0..=4_000.0).contains(&b.0)).map(|b| b.1).collect();
    middle.sort_by(f64::total_cmp);
    let Some(&level) = middle.get(middle.len() / 2) else { return Vec::new() };
    let soft = |db: f64, zone: f64| db.signum() * (db.abs() - zone).max(0.0);
    let one = |(hz, db, spread): (f64, f64, f64)| {
        let missing_db = db - level;
        Deviation { hz, missing_db, outside_db: soft(missing_db, DEAD_ZONE * spread), spread_db: spread }
    };
    bands.into_iter().map(one).filter(|band| band.missing_db < EMPTY_DB).collect()
}

/// Moves the tone.
pub(crate) struct Tone;

impl MasterStep for Tone {
    fn id(&self) -> StepId {
        StepId::MasteringEq
    }

    fn draws_the_match(&self) -> bool {
        true
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let Some(kind) = dsp::kind("eq") else { return Vec::new() };
        let deviation = deviation(facts, goal.curve);
        // With references the match draws the whole curve, and a finished master has its own.
        let untouched = !facts.references.is_empty() || facts.finished(goal);
        let strength = if untouched { 0.0 } else { STRENGTH * goal.strength };
        let gains = fit(kind, &deviation, facts.heard().sample_rate_hz, strength);
        let mut values = Values::neutral(kind);
        let mut moved = Vec::new();
        let mut names = Vec::new();
        let sub_db = facts.heard().below_25_hz_db.unwrap_or(f64::NEG_INFINITY);
        let dc = facts.heard().dc_offset;
        if sub_db > SUB_ENERGY_DB || dc.abs() > DC_OFFSET {
            push(kind, &mut values, "high_pass", 22.0, 0.0, 0.7);
            names.push("sub");
        }
        for (&(name, form, hz, q), gain_db) in FILTERS.iter().zip(gains) {
            if gain_db.abs() >= LEAST_DB {
                push(kind, &mut values, form, hz, gain_db, q);
                names.push(name);
                moved.push(format!("{gain_db:+.1} dB at {hz:.0} Hz"));
            }
        }
        if names.is_empty() {
            return Vec::new();
        }
        let unusual = |d: &Deviation| d.outside_db.abs() / d.spread_db;
        let worst = deviation.iter().max_by(|a, b| unusual(a).total_cmp(&unusual(b)));
        let mut why = Vec::new();
        if let Some(worst) = worst.filter(|_| !moved.is_empty()) {
            let way = if worst.missing_db > 0.0 { "too little" } else { "too much" };
            why.push(format!(
                "{}: {:.1} dB {way} at {:.0} Hz, outside what finished records vary.",
                moved.join(", "),
                worst.missing_db.abs(),
                worst.hz
            ));
        }
        if sub_db > SUB_ENERGY_DB {
            why.push(format!("Below 22 Hz cut: energy there is only {:.0} dB under the whole.", -sub_db));
        }
        if dc.abs() > DC_OFFSET {
            why.push(format!(
                "Below 22 Hz cut: the mix stands {:.2} % of full scale off zero.",
                100.0 * dc.abs()
            ));
        }
        let change = Change::insert(&session.master.strip.path(), "tone", kind, &values);
        let mut decision = Decision::new(StepId::MasteringEq, change, why.join(" "))
            .sure(0.7)
            .costs("the balance between instruments in that range moves with it")
            .unless("a reference song that is balanced like this mix");
        if let Some(worst) = worst {
            decision = decision.measured(format!("deviation at {:.0} Hz", worst.hz), worst.missing_db, "dB");
        }
        if sub_db.is_finite() {
            decision = decision.measured("energy below 25 Hz", sub_db, "dB");
        }
        if dc.abs() > DC_OFFSET {
            decision = decision.measured("offset from zero", 100.0 * dc, "%");
        }
        vec![decision]
    }
}

fn push(kind: &Kind, values: &mut Values, form: &str, hz: f64, gain_db: f64, q: f64) {
    let item = values.push(kind, "bands").expect("the equaliser has bands");
    let name = |field: &str| format!("bands.{item}.{field}");
    values.set_choice(kind, &name("type"), form).expect("a type of band");
    values.set(kind, &name("freq_hz"), hz).expect("a band has a frequency");
    // Hundredths of a decibel are finer than any ear.
    values.set(kind, &name("gain_db"), (gain_db * 100.0).round() / 100.0).expect("a band has a gain");
    values.set(kind, &name("q"), q).expect("a band has a Q");
    if form == "high_pass" {
        values.set(kind, &name("slope_db_per_oct"), 24.0).expect("a band has a slope");
    }
}

/// Gains of the filters that come nearest to what lies outside the spread, by weighted ridge regression on the
/// filters' own curves; one decibel of each is taken as the measure of its shape, which holds for small gains.
///
/// A band weighs by how much records agree there: what is a matter of style does not pull on what is a law.
fn fit(kind: &Kind, deviation: &[Deviation], sample_rate_hz: f64, strength: f64) -> Vec<f64> {
    let Some(response) = kind.response else { return vec![0.0; FILTERS.len()] };
    let spec = Spec { sample_rate_hz, channels: 1, max_frames: 1 };
    let shapes: Vec<Vec<f64>> = FILTERS
        .iter()
        .map(|&(_, form, hz, q)| {
            let mut values = Values::neutral(kind);
            push(kind, &mut values, form, hz, 1.0, q);
            deviation.iter().map(|d| audio::gain_to_db(response(&values, &spec, d.hz).norm())).collect()
        })
        .collect();
    let wanted: Vec<f64> = deviation.iter().map(|d| d.outside_db * strength).collect();
    let narrowest = deviation.iter().map(|d| d.spread_db).fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = deviation.iter().map(|d| (narrowest / d.spread_db).powi(2)).collect();
    let dot = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).zip(&weights).map(|((x, y), weight)| x * y * weight).sum::<f64>()
    };
    let n = FILTERS.len();
    let mut matrix: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| dot(&shapes[i], &shapes[j]) + if i == j { RIDGE } else { 0.0 }).collect())
        .collect();
    let mut right: Vec<f64> = shapes.iter().map(|shape| dot(shape, &wanted)).collect();
    solve(&mut matrix, &mut right);
    right.into_iter().map(|gain| gain.clamp(-MOST_DB, MOST_DB)).collect()
}

/// Solves a small symmetric positive definite system in place, by Gaussian elimination.
fn solve(matrix: &mut [Vec<f64>], right: &mut [f64]) {
    let n = right.len();
    for pivot in 0..n {
        for row in pivot + 1..n {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            for column in pivot..n {
                matrix[row][column] -= factor * matrix[pivot][column];
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
}

#[cfg(test)]
mod tests;
