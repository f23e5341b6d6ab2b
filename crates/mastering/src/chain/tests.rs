//! All steps together: what lies inside of what records have is left as it is.

use crate::curve::at;
use crate::{Goal, MasterFacts, RECORDS, STEPS, TARGET};
use measure::{Analysis, BandFacts, BandLevel, Facts, LoudnessSeries, ToneSeries, WIDE_EDGES_HZ};
use session::{Change, Decision, Session, StepId};

const HZ: [f64; 28] = [
    31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10_000.0, 12_500.0,
    16_000.0,
];

/// A mix that has in everything what records have in the middle, but for the tone, which is off by `off_db(hz)`.
fn usual(off_db: impl Fn(f64) -> f64) -> MasterFacts {
    let level = |hz: f64| at(TARGET, hz).expect("on the curve").0 - 40.0 + off_db(hz);
    let width = |hz: f64| {
        let place = WIDE_EDGES_HZ.windows(2).position(|e| (e[0]..e[1]).contains(&hz)).expect("a band");
        RECORDS.width_db[place].0
    };
    let mut tone = ToneSeries { stretch_s: 3.0, step_s: 0.17, hz: HZ.to_vec(), ..ToneSeries::default() };
    for stretch in 0..12 {
        let power = |hz: &f64| audio::db_to_power(level(*hz) + 0.5 * f64::from(stretch)) as f32;
        tone.mid.push(HZ.iter().map(power).collect());
        tone.side.push(HZ.iter().map(|hz| power(hz) * audio::db_to_power(width(*hz)) as f32).collect());
    }
    for n in 0..400 {
        let swing = (f64::from(n) * 23.0 * std::f64::consts::TAU / 400.0).sin();
        let band = |b: usize| -25.0 - 3.0 * b as f64 + RECORDS.spread_db[b].0 * swing;
        tone.wide.push(std::array::from_fn(|b| audio::db_to_power(band(b)) as f32));
    }
    let short: Vec<Option<f64>> = (0..600).map(|n| Some(-21.0 + 5.0 * f64::from(n) / 600.0)).collect();
    let loudness = LoudnessSeries {
        time_s: (0..600).map(|n| 0.1 * f64::from(n)).collect(),
        momentary_lufs: short.clone(),
        short_term_lufs: short,
    };
    let low = BandFacts {
        low_hz: 60.0,
        high_hz: 120.0,
        share_db: Some(-8.0),
        side_mid_db: Some(-12.0),
        correlation: Some(0.9),
    };
    let facts = Facts {
        sample_rate_hz: 48_000.0,
        channels: 2,
        duration_s: 60.0,
        integrated_lufs: Some(-18.0),
        loudness_range_lu: Some(5.0),
        true_peak_dbtp: Some(-4.0),
        plr_lu: Some(14.0),
        psr_p5_lu: Some(10.0),
        below_25_hz_db: Some(-50.0),
        bands: vec![low],
        third_octave_db: HZ.iter().map(|&hz| BandLevel { hz, db: Some(level(hz)) }).collect(),
        third_octave_side_mid_db: HZ.iter().map(|&hz| BandLevel { hz, db: Some(width(hz)) }).collect(),
        leading_silence_s: 0.05,
        trailing_silence_s: 0.2,
        ..Facts::default()
    };
    MasterFacts {
        premaster: Analysis { facts, tone, loudness, ..Analysis::default() },
        ..MasterFacts::default()
    }
}

/// The inserts that all steps together put into the chain.
fn inserts(facts: &MasterFacts, goal: &Goal) -> Vec<String> {
    let decided: Vec<Decision> =
        STEPS.iter().flat_map(|step| step.decide(facts, &Session::new(), goal)).collect();
    let of = |d: &Decision| match &d.change {
        Change::Set { path, .. } => Some(path.parts().to_vec()).filter(|p| p.len() == 3 && p[1] == "insert"),
        _ => None,
    };
    decided.iter().filter_map(|d| of(d).map(|p| p[2].clone())).collect()
}

#[test]
fn a_mix_as_records_are_gets_a_limiter_and_nothing_else() {
    let goal = Goal::new(Some(-14.0), -1.0);
    assert_eq!(inserts(&usual(|_| 0.0), &goal), ["limiter"]);
    // Nor does one that differs in tone as records differ.
    assert_eq!(inserts(&usual(|hz| if hz > 4_000.0 { 2.0 } else { -1.0 }), &goal), ["limiter"]);
}

#[test]
fn a_finished_master_is_let_be_unless_a_person_asks() {
    let mut dull = usual(|hz| if hz > 2_500.0 { -14.0 } else { 0.0 });
    let goal = Goal::new(Some(-14.0), -1.0);
    assert!(inserts(&dull, &goal).contains(&"tone".to_string()));
    dull.premaster.facts.integrated_lufs = Some(-9.0);
    dull.premaster.facts.true_peak_dbtp = Some(-0.2);
    assert_eq!(inserts(&dull, &goal), ["limiter"]);
    assert!(inserts(&dull, &Goal { asked: true, ..goal }).contains(&"tone".to_string()));
}

#[test]
fn every_decision_of_every_step_has_a_reason_with_a_number_and_its_cost() {
    // A mix with something wrong for each step.
    let mut wrong = usual(|hz| if hz > 6_000.0 { -16.0 } else { 0.0 });
    let facts = &mut wrong.premaster.facts;
    (facts.plr_lu, facts.loudness_range_lu) = (Some(19.0), Some(17.0));
    facts.third_octave_side_mid_db.iter_mut().for_each(|b| b.db = Some(4.0));
    facts.bands[0].side_mid_db = Some(0.0);
    let tone = &mut wrong.premaster.tone;
    for (n, window) in tone.wide.iter_mut().enumerate() {
        window[1] *= audio::db_to_power(9.0 * (n as f64 * 0.3).sin()) as f32;
    }
    tone.mid[8..].iter_mut().for_each(|mid| mid[18..22].iter_mut().for_each(|p| *p *= 20.0));
    for (n, short) in wrong.premaster.loudness.short_term_lufs.iter_mut().enumerate() {
        *short = Some(-33.0 + 18.0 * n as f64 / 600.0);
    }
    let goal = Goal::new(Some(-14.0), -1.0);
    let found = inserts(&wrong, &goal);
    for id in ["tone", "sections", "multiband", "glue", "parallel", "air", "low_end", "image", "limiter"] {
        assert!(found.contains(&id.to_string()), "{id} is not in {found:?}");
    }
    for step in STEPS.iter().filter(|step| step.id() != StepId::Album) {
        for decision in step.decide(&wrong, &Session::new(), &goal) {
            assert!(decision.why.bytes().any(|b| b.is_ascii_digit()), "{}", decision.why);
            assert!(!decision.costs.is_empty() && !decision.unless.is_empty(), "{}", decision.why);
            assert!(!decision.evidence.is_empty(), "{}", decision.why);
        }
    }
}
