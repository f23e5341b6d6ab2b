//! Loudness against the published cases of EBU Tech 3341 and Tech 3342 (2023), against the calibration of
//! BS.1770-5, and against an independent implementation.

use crate::common::{RATES, play, programme, tones};
use audio::{Buffer, Layout};
use measure::Loudness;
use proptest::prelude::*;

const SILENT: f64 = f64::NEG_INFINITY;

fn meter(rate: f64, buffer: &Buffer) -> Loudness {
    let mut meter = Loudness::new(rate, Layout::from_channels(buffer.channels())).unwrap();
    meter.push(&buffer.as_block());
    meter
}

fn stereo(rate: f64, parts: &[(f64, f64)]) -> Loudness {
    let mut meter = Loudness::new(rate, Layout::Stereo).unwrap();
    play(rate, 2, parts, |block| meter.push(block));
    meter
}

#[track_caller]
fn near(what: &str, rate: f64, got: Option<f64>, expected: f64, tolerance: f64) {
    let got = got.unwrap_or(f64::NAN);
    assert!((got - expected).abs() <= tolerance, "{what} at {rate} Hz: {got} for {expected}");
}

#[test]
fn tech_3341_cases_1_to_5_integrated() {
    type Case<'a> = (&'a str, &'a [(f64, f64)], f64);
    let cases: [Case; 5] = [
        ("case 1", &[(20.0, -23.0)], -23.0),
        ("case 2", &[(20.0, -33.0)], -33.0),
        ("case 3", &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)], -23.0),
        ("case 4", &[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)], -23.0),
        ("case 5", &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)], -23.0),
    ];
    for rate in RATES {
        for (name, parts, expected) in cases {
            let meter = stereo(rate, parts);
            near(name, rate, meter.integrated_lufs(), expected, 0.1);
            if parts.len() == 1 {
                near(name, rate, meter.max_momentary_lufs(), expected, 0.1);
                near(name, rate, meter.max_short_term_lufs(), expected, 0.1);
                near(name, rate, meter.momentary_lufs(), expected, 0.1);
                near(name, rate, meter.short_term_lufs(), expected, 0.1);
            }
        }
    }
}

#[test]
fn tech_3341_case_6_surround() {
    for rate in RATES {
        let of = |dbfs: f64| tones(rate, 1, &[(20.0, dbfs)]).channel(0).to_vec();
        let [front, centre, back] = [of(-28.0), of(-24.0), of(-30.0)];
        let five = Buffer::from_channels(&[
            front.clone(),
            front.clone(),
            centre.clone(),
            back.clone(),
            back.clone(),
        ]);
        near("case 6", rate, meter(rate, &five).integrated_lufs(), -23.0, 0.1);
        // The sixth channel of 5.1 is not counted, however loud.
        let loud = of(0.0);
        let six = Buffer::from_channels(&[front.clone(), front, centre, loud, back.clone(), back]);
        near("case 6 with effects", rate, meter(rate, &six).integrated_lufs(), -23.0, 0.1);
    }
}

/// Which channels count by how much: BS.1770-5, Annex 1, table 3 and Annex 3, in the order of WAVE files.
#[test]
fn speakers_count_as_where_they_stand() {
    let weights = |channels, mask| measure::channel_weights(Layout::from_mask(channels, mask));
    // Quadraphonic: the pair behind is the surround. 7.1: the pair at the side is, the pair behind it is not.
    assert_eq!(weights(4, None), [1.0, 1.0, 1.41, 1.41]);
    assert_eq!(weights(8, None), [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.41, 1.41]);
    // 5.1 with its surrounds at the side or behind is the same programme.
    assert_eq!(weights(6, Some(0x60f)), weights(6, Some(0x3f)));
    // Left, right, centre and effects: no surrounds, effects left out. Heights count as fronts.
    assert_eq!(weights(4, Some(0xf)), [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(weights(4, Some(0x5003)), [1.0; 4]);
    assert_eq!(weights(12, None), [1.0; 12]);
}

#[test]
fn tech_3341_cases_9_and_12_constant_readings() {
    for rate in RATES {
        let series = stereo(rate, &[(1.34, -20.0), (1.66, -30.0)].repeat(5)).series(10);
        let from_3_s = series.time_s.iter().position(|t| *t >= 3.0).unwrap();
        assert!(series.short_term_lufs[..from_3_s].iter().all(Option::is_none), "before 3 s at {rate}");
        for value in &series.short_term_lufs[from_3_s..] {
            near("case 9", rate, *value, -23.0, 0.1);
        }
        let series = stereo(rate, &[(0.18, -20.0), (0.22, -30.0)].repeat(25)).series(10);
        let from_1_s = series.time_s.iter().position(|t| *t >= 1.0).unwrap();
        for value in &series.momentary_lufs[from_1_s..] {
            near("case 12", rate, *value, -23.0, 0.1);
        }
    }
}

#[test]
fn tech_3341_cases_10_and_13_maxima_anywhere() {
    for rate in RATES {
        for i in 0..20 {
            let i = f64::from(i);
            let long = stereo(rate, &[(0.15 * i, SILENT), (3.0, -23.0), (1.0, SILENT)]);
            near(&format!("case 10-{i}"), rate, long.max_short_term_lufs(), -23.0, 0.1);
            let short = stereo(rate, &[(0.02 * i, SILENT), (0.4, -23.0), (1.0, SILENT)]);
            near(&format!("case 13-{i}"), rate, short.max_momentary_lufs(), -23.0, 0.1);
        }
    }
}

/// The live cases feed one signal whose maximum grows step by step; the maximum must follow.
#[test]
fn tech_3341_cases_11_and_14_live_maxima() {
    for rate in RATES {
        let mut short_term = Loudness::new(rate, Layout::Stereo).unwrap();
        let mut momentary = Loudness::new(rate, Layout::Stereo).unwrap();
        for i in 0..20 {
            let i = f64::from(i);
            let level = -38.0 + i;
            let parts = [(0.15 * i, SILENT), (3.0, level), (3.0 - 0.15 * i, SILENT)];
            play(rate, 2, &parts, |block| short_term.push(block));
            near(&format!("case 11-{i}"), rate, short_term.max_short_term_lufs(), level, 0.1);
            let parts = [(0.02 * i, SILENT), (0.4, level), (0.4 - 0.02 * i, SILENT)];
            play(rate, 2, &parts, |block| momentary.push(block));
            near(&format!("case 14-{i}"), rate, momentary.max_momentary_lufs(), level, 0.1);
        }
    }
}

#[test]
fn tech_3342_cases_1_to_4_loudness_range() {
    let cases: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for rate in RATES {
        for (levels, expected) in cases {
            let parts: Vec<(f64, f64)> = levels.iter().map(|level| (20.0, *level)).collect();
            near("range", rate, stereo(rate, &parts).loudness_range_lu(), expected, 1.0);
            // Repeating a signal must not change the result: only the seam and the end are new.
            if rate == 48_000.0 {
                let twice = [parts.clone(), parts].concat();
                near("range, twice", rate, stereo(rate, &twice).loudness_range_lu(), expected, 1.0);
            }
        }
    }
}

#[test]
fn calibration_of_one_channel_and_of_two() {
    for rate in [8_000.0, 11_025.0, 22_050.0, 32_000.0, 44_100.0, 48_000.0, 96_000.0, 384_000.0] {
        let frames = (5.0 * rate) as usize;
        let tone: Vec<f64> =
            (0..frames).map(|n| (2.0 * std::f64::consts::PI * 997.0 * n as f64 / rate).sin()).collect();
        let silence = vec![0.0; frames];
        let of = |planes: &[Vec<f64>]| meter(rate, &Buffer::from_channels(planes)).integrated_lufs();
        // BS.1770-5 prints -3.01 LKFS: two decimals, and a tenth of that for the start of the filter.
        near("left only", rate, of(&[tone.clone(), silence]), -3.01, 0.006);
        near("mono", rate, of(std::slice::from_ref(&tone)), -3.01, 0.006);
        near("both", rate, of(&[tone.clone(), tone]), 0.0, 0.006);
    }
}

#[test]
fn an_independent_implementation_agrees() {
    use ebur128::{EbuR128, Mode};
    for (seed, rate, bound) in
        // At 48 kHz the filters are the same; elsewhere the other one leaves the high-pass unscaled.
        [(1, 48_000.0, 1e-6), (2, 48_000.0, 1e-6), (3, 44_100.0, 0.01), (4, 96_000.0, 0.05)]
    {
        let buffer = programme(rate, 2, 40.0, seed);
        let mut oracle = EbuR128::new(2, rate as u32, Mode::I | Mode::LRA | Mode::S | Mode::M).unwrap();
        oracle.add_frames_planar_f64(&[buffer.channel(0), buffer.channel(1)]).unwrap();
        let ours = meter(rate, &buffer);
        near("integrated", rate, ours.integrated_lufs(), oracle.loudness_global().unwrap(), bound);
        near("momentary", rate, ours.momentary_lufs(), oracle.loudness_momentary().unwrap(), bound);
        near("short-term", rate, ours.short_term_lufs(), oracle.loudness_shortterm().unwrap(), bound);
        // The other one takes one value a second, and adds no silence at the end: 38 values for our 386.
        near("range", rate, ours.loudness_range_lu(), oracle.loudness_range().unwrap(), 1.0);
    }
}

#[test]
fn what_is_not_there_is_not_read() {
    let nothing = meter(48_000.0, &Buffer::new(2, 0));
    let one = meter(48_000.0, &Buffer::from_channels(&[vec![1.0], vec![1.0]]));
    let silence = meter(48_000.0, &Buffer::new(2, 480_000));
    for meter in [&nothing, &one, &silence] {
        assert_eq!(meter.integrated_lufs(), None);
        assert_eq!(meter.max_momentary_lufs(), None);
        assert_eq!(meter.max_short_term_lufs(), None);
        assert_eq!(meter.loudness_range_lu(), None);
    }
    assert!(silence.series(100).momentary_lufs.iter().all(Option::is_none));
    // Two seconds: momentary and integrated exist, 3 s do not.
    let short = stereo(48_000.0, &[(2.0, -20.0)]);
    near("two seconds", 48_000.0, short.integrated_lufs(), -20.0, 0.1);
    assert_eq!((short.max_short_term_lufs(), short.loudness_range_lu()), (None, None));
}

#[test]
fn broken_samples_do_not_spread() {
    let mut buffer = tones(48_000.0, 2, &[(10.0, -23.0)]);
    for (n, bad) in [(100_000, f64::NAN), (200_000, f64::INFINITY), (300_000, -1e300)] {
        buffer.channel_mut(0)[n] = bad;
    }
    // Three samples of a tone at -23 dBFS made zero: clicks 20 dB and more under the tone's energy.
    near("broken", 48_000.0, meter(48_000.0, &buffer).integrated_lufs(), -23.0, 0.1);
}

#[test]
fn rates_out_of_range_are_refused() {
    for rate in [0.0, 4_000.0, 1e6, f64::NAN, f64::INFINITY] {
        assert!(Loudness::new(rate, Layout::Mono).is_err(), "{rate}");
    }
}

/// What a pause leaves out does not count, whatever it is; momentary loudness goes on.
#[test]
fn a_pause_leaves_out_what_is_loud() {
    let mut meter = Loudness::new(48_000.0, Layout::Stereo).unwrap();
    let feed = |meter: &mut Loudness, seconds: f64, dbfs: f64| {
        play(48_000.0, 2, &[(seconds, dbfs)], |block| meter.push(block));
    };
    feed(&mut meter, 15.0, -23.0);
    meter.pause();
    feed(&mut meter, 5.0, -3.0);
    assert!(meter.is_paused());
    near("momentary in a pause", 48_000.0, meter.momentary_lufs(), -3.0, 0.1);
    near("integrated in a pause", 48_000.0, meter.integrated_lufs(), -23.0, 0.01);
    meter.resume();
    feed(&mut meter, 15.0, -23.0);
    near("integrated after it", 48_000.0, meter.integrated_lufs(), -23.0, 0.01);
    // No window spans the edge. What rings on in the filter from 20 dB above is heard for a few milliseconds.
    near("loudest 400 ms", 48_000.0, meter.max_momentary_lufs(), -23.0, 0.3);
    near("loudest 3 s", 48_000.0, meter.max_short_term_lufs(), -23.0, 0.1);
    near("range", 48_000.0, meter.loudness_range_lu(), 0.0, 0.1);
    meter.reset();
    assert_eq!((meter.integrated_lufs(), meter.max_momentary_lufs()), (None, None));
    assert_eq!((meter.loudness_range_lu(), meter.max_short_term_lufs()), (None, None));
    feed(&mut meter, 5.0, -33.0);
    near("after a reset", 48_000.0, meter.integrated_lufs(), -33.0, 0.1);
}

/// The usual speakers of so many channels, each with its weight and its power; what has no usual place counts as front.
#[test]
fn many_channels_add_their_power() {
    let sine = tones(48_000.0, 1, &[(5.0, -23.0)]).channel(0).to_vec();
    for (channels, weights) in [(3usize, 3.0), (4, 4.82), (7, 6.82), (8, 7.82), (9, 9.0)] {
        let planes = vec![sine.clone(); channels];
        // One channel of 997 Hz at -23 dBFS is 3.01 under two.
        let expected = -23.0 + 10.0 * (weights / 2.0f64).log10();
        let got = meter(48_000.0, &Buffer::from_channels(&planes)).integrated_lufs();
        near(&format!("{channels} channels"), 48_000.0, got, expected, 0.1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn blocks_of_any_size_give_the_same_bits(seed in 1u64..1000, size in 1usize..5000, odd_rate in any::<bool>()) {
        let rate = if odd_rate { 22_050.0 } else { 48_000.0 };
        let buffer = programme(rate, 2, 4.0, seed);
        let whole = meter(rate, &buffer);
        let mut cut = Loudness::new(rate, Layout::Stereo).unwrap();
        let mut start = 0;
        while start < buffer.frames() {
            let frames = size.min(buffer.frames() - start);
            cut.push(&buffer.range(start, frames));
            start += frames;
        }
        prop_assert_eq!(cut.integrated_lufs(), whole.integrated_lufs());
        prop_assert_eq!(cut.loudness_range_lu(), whole.loudness_range_lu());
        prop_assert_eq!(cut.series(10), whole.series(10));
    }
}
