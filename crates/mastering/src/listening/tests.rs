use super::*;
use crate::TARGET;
use crate::curve::at;
use measure::{BandFacts, BandLevel, ClippedRun, StereoBand};

const HZ: [f64; 28] = [
    31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10_000.0, 12_500.0,
    16_000.0,
];

fn on_target(hz: f64) -> f64 {
    at(TARGET, hz).expect("on the curve").0 - 40.0
}

/// A pre-master on the target curve, off by `off(stretch, hz)`; the last of its twelve stretches are the loud ones.
fn song(off: impl Fn(usize, f64) -> f64) -> MasterFacts {
    let mut tone = ToneSeries { stretch_s: 3.0, hz: HZ.to_vec(), step_s: 0.17, ..ToneSeries::default() };
    let mut sums = vec![0.0; HZ.len()];
    for stretch in 0..12 {
        let gain = 0.5 * stretch as f64;
        let powers: Vec<f32> = HZ
            .iter()
            .map(|hz| audio::db_to_power(on_target(*hz) + gain + off(stretch, *hz)) as f32)
            .collect();
        sums.iter_mut().zip(&powers).for_each(|(sum, p)| *sum += f64::from(*p) / 12.0);
        tone.mid.push(powers);
        tone.side.push(vec![0.0; HZ.len()]);
    }
    let bands = HZ.iter().zip(&sums).map(|(&hz, p)| BandLevel { hz, db: Some(power_to_db(*p)) });
    let facts = Facts {
        sample_rate_hz: 48_000.0,
        integrated_lufs: Some(-18.0),
        true_peak_dbtp: Some(-4.0),
        psr_p5_lu: Some(10.0),
        bandwidth_hz: None,
        third_octave_db: bands.collect(),
        ..Facts::default()
    };
    MasterFacts { premaster: Analysis { facts, tone, ..Analysis::default() }, ..MasterFacts::default() }
}

fn back(facts: &MasterFacts) -> Vec<Verdict> {
    let goal = Goal::new(Some(-14.0), -1.0);
    verdicts(facts, &goal).into_iter().filter(|v| v.back_to_mix).collect()
}

fn with(change: impl Fn(&mut Facts)) -> MasterFacts {
    let mut facts = song(|_, _| 0.0);
    change(&mut facts.premaster.facts);
    facts
}

#[test]
fn a_good_mix_has_nothing_to_go_back() {
    assert_eq!(back(&song(|_, _| 0.0)), []);
    assert_eq!(back(&MasterFacts::default()), []);
}

#[test]
fn every_fault_of_one_file_is_told_with_its_size_and_a_remedy() {
    let band = |low_hz: f64, correlation: f64| StereoBand {
        low_hz,
        high_hz: 2.0 * low_hz,
        correlation: Some(correlation),
        mono_loss_db: Some(9.0),
        min_correlation: Some(-0.9),
        min_correlation_s: Some(12.0),
        below_zero_s: 20.0,
    };
    let share = BandFacts {
        low_hz: 60.0,
        high_hz: 120.0,
        share_db: Some(-6.0),
        side_mid_db: None,
        correlation: None,
    };
    let cases: [(&str, MasterFacts); 7] = [
        (
            "clipped already",
            with(|f| {
                (f.clipped_samples, f.clipped_runs) = (40, 3);
                let run = |frame| ClippedRun { channel: 0, frame, frames: 5, level_dbfs: 0.0 };
                f.clipped_places = vec![run(48_000), run(480_000)];
            }),
        ),
        ("limited before", with(|f| f.psr_p5_lu = Some(3.5))),
        (
            "in mono",
            with(|f| {
                f.mono_loss_db = Some(5.0);
                f.stereo_bands = vec![band(500.0, -0.5)];
            }),
        ),
        (
            "work against each other",
            with(|f| {
                f.stereo_bands = vec![band(60.0, -0.5)];
                f.bands = vec![share];
            }),
        ),
        ("to the right", with(|f| f.balance_db = Some(2.0))),
        ("off zero", with(|f| f.dc_offset = -0.01)),
        ("ends at 11.0 kHz", with(|f| f.bandwidth_hz = Some(11_000.0))),
    ];
    for (said, facts) in cases {
        let found = back(&facts);
        assert_eq!(found.len(), 1, "{said}: {found:?}");
        let verdict = &found[0];
        assert!(verdict.text.contains(said), "{said}: {}", verdict.text);
        assert!(
            !verdict.remedy.is_empty() && !verdict.heard_as.is_empty() && verdict.size.is_some(),
            "{verdict:?}"
        );
    }
    let clipped = &back(&with(|f| {
        (f.clipped_samples, f.clipped_runs) = (40, 3);
        f.clipped_places = vec![ClippedRun { channel: 0, frame: 3_120_000, frames: 5, level_dbfs: 0.0 }];
    }))[0];
    assert!(clipped.told().starts_with("1:05 to 1:05"), "{}", clipped.told());
}

#[test]
fn harshness_of_the_loud_parts_is_told_where_it_is_worst() {
    let hump = |hz: f64| if (2_000.0..=5_000.0).contains(&hz) { 10.0 } else { 0.0 };
    let facts = song(|stretch, hz| if stretch >= 8 { hump(hz) + f64::from(stretch == 10) } else { 0.0 });
    let found = back(&facts);
    let harsh = found.iter().find(|v| v.text.contains("2 to 5 kHz")).expect("it is heard");
    // One decibel more on the whole spectrum is no tone: the worst is one of the loud stretches.
    assert!(harsh.place_s.is_some_and(|(from, _)| from >= 24.0), "{harsh:?}");
    let quiet = song(|stretch, hz| if stretch < 4 { hump(hz) } else { 0.0 });
    assert!(back(&quiet).iter().all(|v| !v.text.contains("2 to 5 kHz")));
}

#[test]
fn a_band_that_is_far_off_goes_back_with_its_frequency() {
    let found = back(&song(|_, hz| if (80.0..=125.0).contains(&hz) { 14.0 } else { 0.0 }));
    let boom = found.iter().find(|v| v.text.contains("too much around")).expect("it is heard");
    let (low, high) = boom.band_hz.expect("a band");
    assert!(low < 100.0 && high > 100.0 && boom.heard_as.contains("boomy"), "{boom:?}");
    assert!(boom.size.is_some_and(|(db, unit)| db > 6.0 && unit == "dB"));
}

#[test]
fn a_noise_that_stands_still_is_told_and_a_tail_is_not() {
    let wide = |floor: &dyn Fn(usize) -> f64| -> Vec<[f32; 4]> {
        let window = |n: usize| {
            let plays = n % 100 < 80;
            let top = if plays { -35.0 } else { floor(n) };
            let low = if plays { -20.0 } else { -90.0 };
            std::array::from_fn(|b| audio::db_to_power(if b == 3 { top } else { low }) as f32)
        };
        (0..1000).map(window).collect()
    };
    let mut hissing = song(|_, _| 0.0);
    // The noise of a window varies by a tenth of a decibel.
    hissing.premaster.tone.wide = wide(&|n| -68.0 + 0.1 * (n as f64).sin());
    assert!(back(&hissing).iter().any(|v| v.text.contains("steady noise")), "{:?}", back(&hissing));
    let mut fading = song(|_, _| 0.0);
    fading.premaster.tone.wide = wide(&|n| -60.0 - 1.5 * (n % 100 - 80) as f64);
    assert_eq!(back(&fading), []);
}
