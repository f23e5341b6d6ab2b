use crate::common::*;
use audio::Buffer;
use dsp::processors::compressor::{KIND, static_reduction_db};

/// Frames after a step at which `gains` (decibels) have covered 63.2 % of the way from `from` to `to`.
fn frames_to_63_percent(gains: &[f64], from: f64, to: f64) -> usize {
    let there = from + (to - from) * (1.0 - (-1f64).exp());
    gains.iter().position(|g| (g - from).abs() >= (there - from).abs()).expect("reached")
}

fn gains_db(output: &[f64], input: &[f64]) -> Vec<f64> {
    output.iter().zip(input).map(|(o, i)| db(o / i)).collect()
}

#[test]
fn the_static_curve_is_met_by_every_detector() {
    // A constant has the same peak and RMS level, so that one figure serves both; blend is RMS here.
    for detector in ["peak", "rms", "blend"] {
        for law in ["decoupled", "branching"] {
            for (threshold, ratio, knee) in
                [(-20.0, 4.0, 0.0), (-30.0, 2.0, 12.0), (-12.0, 100.0, 6.0), (-40.0, 1.3, 24.0)]
            {
                for level in [-60.0, -41.0, -33.0, -24.0, -19.9, -14.0, -6.0, 0.0] {
                    let numbers = [
                        ("threshold_db", threshold),
                        ("ratio", ratio),
                        ("knee_db", knee),
                        ("release_ms", 20.0),
                    ];
                    let mut compressor =
                        build(&KIND, RATE_HZ, 1, &numbers, &[("detector", detector), ("law", law)]);
                    let input = vec![audio::db_to_gain(level); 24_000];
                    let output = run(compressor.as_mut(), &[input]);
                    let seen = db(output[0][23_999]);
                    let over = 2.0 * (level - threshold);
                    let expected = if over < -knee {
                        level
                    } else if over <= knee && knee > 0.0 {
                        level + (1.0 / ratio - 1.0) * (over / 2.0 + knee / 2.0).powi(2) / (2.0 * knee)
                    } else {
                        threshold + (level - threshold) / ratio
                    };
                    // 0.05 dB is the promise; the mathematics leaves only the last of the attack.
                    assert!(
                        (seen - expected).abs() < 0.001,
                        "{detector} {law} {threshold} {ratio} {knee}: {level} gave {seen}, not {expected}"
                    );
                    let pure = static_reduction_db(level, threshold, ratio, knee);
                    assert!((level - pure - expected).abs() < 1e-9, "{level}: {pure}");
                    let told = compressor.reading().gain_reduction_db;
                    assert!((told - pure).abs() < 0.001, "{level}: reading {told}, curve {pure}");
                }
            }
        }
    }
}

#[test]
fn the_static_curve_is_met_by_a_sine() {
    for (detector, under_peak) in [("peak", 0.0), ("rms", 3.0103)] {
        let numbers = [("threshold_db", -24.0), ("ratio", 4.0), ("release_ms", 1000.0), ("rms_ms", 50.0)];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[("detector", detector)]);
        let input = sine(96_000, RATE_HZ, 1000.0, audio::db_to_gain(-4.0), 0.0);
        let output = run(compressor.as_mut(), std::slice::from_ref(&input));
        let seen = rms_db(&input[48_000..]) - rms_db(&output[0][48_000..]);
        let expected = static_reduction_db(-4.0 - under_peak, -24.0, 4.0, 6.0);
        assert!((seen - expected).abs() < 0.05, "{detector}: {seen} not {expected}");
    }
}

#[test]
fn attack_and_release_are_times_to_63_percent() {
    // A step between two levels far above the threshold: the reduction goes from 7.5 to 22.5 dB and back.
    let (low, high) = (audio::db_to_gain(-30.0), audio::db_to_gain(-10.0));
    let mut input = vec![low; 48_000];
    input.extend(vec![high; 48_000]);
    input.extend(vec![low; 96_000]);
    for law in ["decoupled", "branching"] {
        let numbers = [
            ("threshold_db", -40.0),
            ("ratio", 4.0),
            ("knee_db", 0.0),
            ("attack_ms", 10.0),
            ("release_ms", 100.0),
        ];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[("law", law)]);
        let output = run(compressor.as_mut(), std::slice::from_ref(&input));
        let gains = gains_db(&output[0], &input);
        let attack = frames_to_63_percent(&gains[48_000..], -7.5, -22.5) as f64 / 48.0;
        assert!((attack - 10.0).abs() < 0.2, "{law}: attack {attack} ms");
        let release = frames_to_63_percent(&gains[96_000..], -22.5, -7.5) as f64 / 48.0;
        // Two one-poles in a row, a = 100 ms and b = 10 ms, leave (a e^(-t/a) - b e^(-t/b)) / (a - b) of
        // the way; that is 1/e at t = a (1 + ln(a / (a - b))) but for e^(-t/b), which is 2e-5.
        let expected = if law == "branching" { 100.0 } else { 100.0 * (1.0 + (100.0f64 / 90.0).ln()) };
        assert!((release - expected).abs() < 0.5, "{law}: release {release} ms, not {expected}");
    }
}

#[test]
fn distortion_is_low_in_the_clean_style() {
    for detector in ["peak", "blend"] {
        for (hz, bound) in [(1000.0, -60.0), (60.0, -45.0)] {
            // 6 dB of reduction: threshold 12 dB under the level, ratio 2.
            let level = if detector == "peak" { 0.0 } else { -3.01 };
            let numbers = [
                ("threshold_db", level - 18.0),
                ("ratio", 2.0),
                ("knee_db", 0.0),
                ("attack_ms", 10.0),
                ("release_ms", 100.0),
            ];
            let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[("detector", detector)]);
            let output = run(compressor.as_mut(), &[sine(144_000, RATE_HZ, hz, 0.5, 0.0)]);
            let reduction = db(0.5 / 2f64.sqrt()) - rms_db(&output[0][96_000..]);
            assert!((reduction - 6.0).abs() < 0.3, "{detector} {hz} Hz: {reduction} dB of reduction");
            let thd = thd_db(&output[0][96_000..], RATE_HZ, hz);
            assert!(thd < bound, "{detector} {hz} Hz: {thd} dB");
        }
    }
}

#[test]
fn a_full_link_moves_both_channels_alike_and_no_link_each_alone() {
    let loud = sine(24_000, RATE_HZ, 330.0, 0.9, 0.0);
    let quiet = sine(24_000, RATE_HZ, 270.0, 0.01, 0.1);
    let gain_of = |link: f64| {
        let numbers = [("threshold_db", -30.0), ("ratio", 4.0), ("link_percent", link)];
        let mut compressor = build(&KIND, RATE_HZ, 2, &numbers, &[]);
        let output = run(compressor.as_mut(), &[loud.clone(), quiet.clone()]);
        let gains = |c: usize, input: &[f64]| -> Vec<f64> {
            output[c].iter().zip(input).map(|(o, i)| if i.abs() < 1e-6 { f64::NAN } else { o / i }).collect()
        };
        (gains(0, &loud), gains(1, &quiet))
    };
    let (left, right) = gain_of(100.0);
    for n in 0..24_000 {
        let apart = (left[n] - right[n]).abs();
        // One multiplication and the division above: a few ulp.
        assert!(apart.is_nan() || apart < 1e-14, "frame {n}: {} {}", left[n], right[n]);
    }
    assert!(left[20_020] < 0.3);
    let (left, right) = gain_of(0.0);
    assert!(left[20_020] < 0.3 && right.iter().all(|g| g.is_nan() || *g == 1.0), "the quiet one is below");
    let (_, half) = gain_of(50.0);
    assert!((db(half[20_020]) - db(left[20_020]) / 2.0).abs() < 0.1, "half of the reduction of the other");
}

#[test]
fn lookahead_leaves_no_overshoot() {
    let mut input = vec![0.01; 4_800];
    input.extend(sine(9_600, RATE_HZ, 900.0, 1.0, 0.25));
    for rate_hz in [44_100.0, 96_000.0] {
        let numbers = [
            ("threshold_db", -20.0),
            ("ratio", 100.0),
            ("knee_db", 0.0),
            ("attack_ms", 0.01),
            ("lookahead_ms", 2.0),
        ];
        let mut compressor = build(&KIND, rate_hz, 1, &numbers, &[]);
        let output = run_aligned(compressor.as_mut(), std::slice::from_ref(&input));
        let loudest = output[0].iter().fold(0.0f64, |m, x| m.max(x.abs()));
        // The curve asks for -20 + 20/100 dB.
        assert!(db(loudest) < -19.8 + 0.01, "{rate_hz}: {}", db(loudest));
        let step = output[0].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(step < 0.2, "{rate_hz}: the gain is there before the peak, not at it: {step}");
    }
}

#[test]
fn the_mix_is_aligned_and_make_up_is_on_the_wet_side() {
    let input = noise(20_000, 0.7, 5);
    let base = [("threshold_db", -30.0), ("ratio", 3.0), ("lookahead_ms", 3.0)];
    let with = |more: &[(&str, f64)]| {
        let numbers: Vec<_> = base.iter().chain(more).copied().collect();
        run_aligned(build(&KIND, RATE_HZ, 1, &numbers, &[]).as_mut(), std::slice::from_ref(&input)).remove(0)
    };
    let wet = with(&[]);
    let mixed = with(&[("mix_percent", 40.0), ("makeup_db", 6.0)]);
    let makeup = audio::db_to_gain(6.0);
    for n in 0..input.len() {
        let expected = 0.6 * input[n] + 0.4 * makeup * wet[n];
        assert!((mixed[n] - expected).abs() < 1e-12, "frame {n}");
    }
}

#[test]
fn the_dual_release_is_quick_after_a_peak_and_slow_after_long_reduction() {
    let recovery_ms = |loud_ms: usize, mode: &str| {
        let loud = loud_ms * 48;
        let mut input = vec![1.0; loud];
        input.extend(vec![0.001; 96_000]);
        let numbers = [("threshold_db", -20.0), ("ratio", 4.0), ("attack_ms", 1.0), ("release_ms", 60.0)];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[("release_mode", mode)]);
        let output = run(compressor.as_mut(), std::slice::from_ref(&input));
        let gains = gains_db(&output[0], &input);
        frames_to_63_percent(&gains[loud..], gains[loud - 1], 0.0) as f64 / 48.0
    };
    assert!((recovery_ms(2_000, "single") - 60.0).abs() < 3.0);
    let (short, long) = (recovery_ms(5, "dual"), recovery_ms(2_000, "dual"));
    assert!(short < 75.0, "after 5 ms: {short} ms");
    // Fully charged, the slow stage releases over a second towards the quick one: two one-poles in a row.
    let expected = 1000.0 * (1.0 + (1000.0f64 / 940.0).ln());
    assert!((long - expected).abs() < 3.0, "after 2 s: {long} ms");
}

#[test]
fn the_key_decides_and_the_high_pass_makes_it_deaf_to_the_low_end() {
    let numbers = [("threshold_db", -30.0), ("ratio", 4.0)];
    let mut compressor = build(&KIND, RATE_HZ, 2, &numbers, &[]);
    let mut quiet = Buffer::from_channels(&[vec![0.001; 4096], vec![0.001; 4096]]);
    let key = Buffer::from_channels(&[sine(4096, RATE_HZ, 500.0, 1.0, 0.0)]);
    compressor.process(&mut quiet.as_block_mut(), Some(&key.as_block()));
    assert!(quiet.channel(0)[4095] < 0.0002, "a mono key turns down both channels");
    assert_eq!(quiet.channel(0), quiet.channel(1));
    compressor.reset();
    let mut loud = Buffer::from_channels(&[vec![1.0; 4096], vec![1.0; 4096]]);
    compressor.process(&mut loud.as_block_mut(), Some(&Buffer::new(2, 4096).as_block()));
    assert_eq!(loud.channel(0), &[1.0; 4096][..], "a silent key turns down nothing");

    for (high_pass_hz, least, most) in [(0.0, 15.0, 40.0), (300.0, 0.0, 1.0)] {
        let numbers = [("threshold_db", -30.0), ("ratio", 4.0), ("sidechain_high_pass_hz", high_pass_hz)];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[]);
        run(compressor.as_mut(), &[sine(24_000, RATE_HZ, 50.0, 0.9, 0.0)]);
        let reduction = compressor.reading().gain_reduction_db;
        assert!((least..=most).contains(&reduction), "{high_pass_hz} Hz: {reduction} dB");
    }
}

/// A threshold that is not a number of the signal's, infinities included, must not stay in the state.
#[test]
fn it_recovers_from_infinities() {
    let numbers = [("threshold_db", -20.0), ("ratio", 4.0), ("lookahead_ms", 1.0), ("attack_ms", 1.0)];
    for detector in ["peak", "rms", "blend"] {
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[("detector", detector)]);
        run(compressor.as_mut(), &[vec![f64::INFINITY, f64::NAN, f64::NEG_INFINITY]]);
        let output = run(compressor.as_mut(), &[vec![0.001; 480_000]]);
        assert!((output[0][479_999] - 0.001).abs() < 1e-6, "{detector}: {}", output[0][479_999]);
    }
}

/// With automatic times the gain comes back at the paper's pace: a sine has a squared crest factor of two, hence a
/// release of 920 ms when it ends; short bursts in silence have a high one and release at once.
#[test]
fn automatic_times_follow_the_crest_factor() {
    let recovery_ms = |input: Vec<f64>, end: usize| {
        let numbers = [("threshold_db", -50.0), ("ratio", 10.0), ("knee_db", 0.0)];
        let choices = [("times", "automatic"), ("law", "branching")];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &choices);
        let output = run(compressor.as_mut(), std::slice::from_ref(&input));
        let gains = gains_db(&output[0][end..], &input[end..]);
        frames_to_63_percent(&gains, gains[0], 0.0) as f64 / 48.0
    };
    // What follows is 60 dB weaker: under the threshold, and too weak to move the crest factor's own averages.
    let quiet = vec![0.001; 96_000];
    let tone = [sine(144_000, RATE_HZ, 1000.0, 1.0, 0.0), quiet.clone()].concat();
    let after_tone = recovery_ms(tone, 144_000);
    assert!((after_tone - 920.0).abs() < 15.0, "after a tone: {after_tone} ms");
    let burst = |n: usize| if n % 9_600 < 48 { 1.0 } else { 0.001 };
    let bursts: Vec<f64> = (0..96_048).map(burst).chain(quiet).collect();
    let after_bursts = recovery_ms(bursts, 96_048);
    // Bursts of 1 ms every 200 ms: the mean is about (1 - e^-1) / 200 of the peak and more right after one.
    assert!(after_bursts < 60.0, "after bursts: {after_bursts} ms");
}

/// Half of it mixed in changes level only: the response of a noise through the mix is flat, whatever the lookahead.
#[test]
fn a_parallel_mix_combs_nothing() {
    for lookahead_ms in [0.0, 1.3, 20.0] {
        // A steady noise far above the threshold with slow times: the gain stands still.
        let input = noise(96_000, 0.5, 8);
        let numbers = [
            ("threshold_db", -40.0),
            ("ratio", 3.0),
            ("attack_ms", 100.0),
            ("release_ms", 5000.0),
            ("mix_percent", 50.0),
            ("lookahead_ms", lookahead_ms),
        ];
        let mut compressor = build(&KIND, RATE_HZ, 1, &numbers, &[]);
        let output = run_aligned(compressor.as_mut(), std::slice::from_ref(&input)).remove(0);
        // The same gain at every frame is the same gain at every frequency: a comb would show as residue.
        let (tail_in, tail_out) = (&input[72_000..], &output[72_000..]);
        let dot: f64 = tail_in.iter().zip(tail_out).map(|(a, b)| a * b).sum();
        let gain = dot / tail_in.iter().map(|a| a * a).sum::<f64>();
        let residue: Vec<f64> = tail_in.iter().zip(tail_out).map(|(a, b)| b - gain * a).collect();
        let left = rms_db(&residue) - rms_db(tail_out);
        assert!(gain < 0.7 && left < -60.0, "{lookahead_ms} ms: gain {gain}, residue {left} dB");
    }
}
