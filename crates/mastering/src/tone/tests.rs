use super::*;
use crate::TARGET;
use measure::{Analysis, BandLevel, Facts};

const CENTRES: &[f64] = &[
    25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10000.0, 12500.0,
    16000.0, 20000.0,
];

fn goal() -> Goal {
    Goal::new(Some(-14.0), -1.0)
}

/// A pre-master that stands exactly on the target curve, moved by `off`.
fn facts(off: impl Fn(f64) -> f64) -> MasterFacts {
    let bands =
        CENTRES.iter().map(|&hz| BandLevel { hz, db: at(TARGET, hz).map(|(db, _)| db - 30.0 + off(hz)) });
    let facts = Facts { sample_rate_hz: 48_000.0, third_octave_db: bands.collect(), ..Facts::default() };
    MasterFacts { premaster: Analysis { facts, ..Analysis::default() }, ..MasterFacts::default() }
}

fn deviation_of(facts: &MasterFacts) -> Vec<Deviation> {
    deviation(facts, TARGET)
}

fn decided(facts: &MasterFacts) -> Vec<Decision> {
    Tone.decide(facts, &Session::new(), &goal())
}

#[test]
fn what_records_vary_is_left_alone() {
    assert!(decided(&facts(|_| 0.0)).is_empty());
    assert!(decided(&facts(|_| 12.0)).is_empty(), "level is not tone");
    assert!(decided(&facts(|hz| if hz > 5_000.0 { 3.0 } else { 0.0 })).is_empty(), "bright is a style");
}

#[test]
fn a_dull_mix_is_brightened_within_bounds_and_the_reason_quotes_the_measurement() {
    let dull = facts(|hz| if hz > 2_500.0 { -14.0 } else { 0.0 });
    let decisions = decided(&dull);
    assert_eq!(decisions.len(), 1);
    let evidence = &decisions[0].evidence[0];
    assert!((evidence.value - 14.0).abs() < 1e-9 && decisions[0].why.contains("14.0 dB too little"));
    let kind = dsp::kind("eq").expect("an equaliser");
    let gains = fit(kind, &deviation_of(&dull), 48_000.0, STRENGTH);
    assert!(gains.iter().all(|g| g.abs() <= MOST_DB));
    assert!(gains[4] > 1.0 && gains[0].abs() < 0.5, "{gains:?}");
}

#[test]
fn the_fit_lessens_what_lies_outside() {
    // A hump of 8 dB around 250 Hz: after the filters less of it must be left, and nothing new be made.
    let humped = facts(|hz| 8.0 * (-((hz / 250.0f64).log2() / 0.7).powi(2)).exp());
    let kind = dsp::kind("eq").expect("an equaliser");
    let before = deviation_of(&humped);
    let gains = fit(kind, &before, 48_000.0, STRENGTH);
    let mut values = Values::neutral(kind);
    for (&(_, form, hz, q), gain) in FILTERS.iter().zip(&gains) {
        push(kind, &mut values, form, hz, *gain, q);
    }
    let spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 1 };
    let response = kind.response.expect("a linear kind");
    let moved = facts(|hz| {
        8.0 * (-((hz / 250.0f64).log2() / 0.7).powi(2)).exp()
            + audio::gain_to_db(response(&values, &spec, hz).norm())
    });
    let energy = |d: &[Deviation]| d.iter().map(|d| d.outside_db.powi(2)).sum::<f64>();
    let after = energy(&deviation_of(&moved));
    assert!(after < 0.6 * energy(&before), "{after} of {}", energy(&before));
}

#[test]
fn bands_that_do_not_play_are_not_lifted() {
    // A recording that ends at 10 kHz: nothing is above, and nothing must be done about it.
    assert!(decided(&facts(|hz| if hz > 10_000.0 { -60.0 } else { 0.0 })).is_empty());
}

#[test]
fn where_records_differ_widely_little_is_moved() {
    // The same 14 dB beyond the spread, once where records agree within 3 dB and once where within 11.
    let kind = dsp::kind("eq").expect("an equaliser");
    let moved = |hz: f64, spread_db: f64| {
        let mut deviation = deviation_of(&facts(|_| 0.0));
        let hit = deviation.iter_mut().find(|d| d.hz == hz).expect("a third octave");
        (hit.outside_db, hit.spread_db) = (14.0, spread_db);
        fit(kind, &deviation, 48_000.0, STRENGTH).iter().fold(0.0, |m: f64, g| m.max(g.abs()))
    };
    assert!(moved(250.0, 3.0) > 4.0 * moved(250.0, 11.0), "{} {}", moved(250.0, 3.0), moved(250.0, 11.0));
}

#[test]
fn an_offset_from_zero_is_taken_away() {
    let mut standing = facts(|_| 0.0);
    standing.premaster.facts.dc_offset = -0.004;
    assert!(decided(&standing)[0].why.contains("0.40 % of full scale off zero"));
    standing.premaster.facts.dc_offset = 1e-5;
    assert!(decided(&standing).is_empty());
}

#[test]
fn sub_energy_is_cut_only_where_it_is() {
    let mut subby = facts(|_| 0.0);
    subby.premaster.facts.below_25_hz_db = Some(-20.0);
    assert!(decided(&subby)[0].why.contains("22 Hz"));
    subby.premaster.facts.below_25_hz_db = Some(-50.0);
    assert!(decided(&subby).is_empty());
}
