use crate::common::*;
use audio::{Buffer, db_to_gain};
use dsp::processors::transient::KIND;
use std::f64::consts::TAU;

const STROKE: usize = 16_800;

/// Strokes 350 ms apart, of noise and a low tone, that fade at different paces; 60 dB of dynamics.
fn strokes(gain: f64) -> Vec<f64> {
    let hiss = noise(STROKE * 6, 1.0, 41);
    (0..STROKE * 6)
        .map(|n| {
            let (stroke, t) = (n / STROKE, (n % STROKE) as f64 / RATE_HZ);
            let fade = (-t * [14.0, 25.0, 8.0][stroke % 3]).exp();
            let level = [0.1, 0.02, 0.15][stroke / 2];
            gain * level * fade * (0.6 * (TAU * 160.0 * t).sin() + 0.4 * hiss[n])
        })
        .collect()
}

fn shaped(input: &[f64], numbers: &[(&str, f64)]) -> Vec<f64> {
    run_aligned(build(&KIND, RATE_HZ, 1, numbers, &[]).as_mut(), &[input.to_vec()]).remove(0)
}

/// Mean crest factor of the strokes in decibels: each by itself, from its beginning for 200 ms.
fn crest_db(samples: &[f64]) -> f64 {
    let of = |stroke: &[f64]| {
        let body = &stroke[..9_600];
        db(body.iter().fold(0.0, |most: f64, x| most.max(x.abs()))) - rms_db(body)
    };
    samples.chunks(STROKE).map(of).sum::<f64>() / 6.0
}

#[test]
fn the_crest_moves_with_the_knob() {
    let input = strokes(1.0);
    let crests: Vec<f64> = [-12.0, -9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0, 12.0]
        .iter()
        .map(|attack_db| crest_db(&shaped(&input, &[("attack_db", *attack_db)])))
        .collect();
    assert!(crests.windows(2).all(|w| w[1] > w[0] + 0.1), "{crests:?}");
    assert!(crests[8] - crests[0] > 6.0, "{crests:?}");
    // And the decay by its own: the last 100 ms of each stroke against the stroke.
    let decay_db = |samples: &[f64]| {
        samples.chunks(STROKE).map(|s| rms_db(&s[STROKE - 4_800..]) - rms_db(s)).sum::<f64>() / 6.0
    };
    let decays: Vec<f64> = [-12.0, -6.0, 0.0, 6.0, 12.0]
        .iter()
        .map(|sustain_db| decay_db(&shaped(&input, &[("sustain_db", *sustain_db)])))
        .collect();
    assert!(decays.windows(2).all(|w| w[1] > w[0] + 1.0), "{decays:?}");
}

#[test]
fn the_level_does_not_matter() {
    let (loud, quiet) = (strokes(1.0), strokes(0.1));
    for numbers in [[("attack_db", 9.0), ("sustain_db", -7.0)], [("attack_db", -12.0), ("sustain_db", 12.0)]]
    {
        let (a, b) = (shaped(&loud, &numbers), shaped(&quiet, &numbers));
        for n in 0..loud.len() {
            // Where the signal crosses zero the ratio says nothing.
            if loud[n].abs() > 1e-7 {
                let apart = db(a[n] / loud[n]) - db(b[n] / quiet[n]);
                assert!(apart.abs() < 0.01, "frame {n}: {apart} dB");
            }
        }
    }
}

#[test]
fn steady_tones_are_left_alone() {
    let numbers = [("attack_db", 12.0), ("sustain_db", 12.0)];
    for hz in [25.0, 41.2, 100.0, 997.0, 5_000.0, 11_998.0, 15_000.0] {
        let input = sine(96_000, RATE_HZ, hz, 0.3, 0.1);
        let output = shaped(&input, &numbers);
        // After the onset: 25 ms of holding and ten times the attack time.
        for n in (14_400..96_000).filter(|&n| input[n].abs() > 0.01) {
            let change = db(output[n] / input[n]);
            assert!(change.abs() < 0.1, "{hz} Hz, frame {n}: {change} dB");
        }
    }
}

/// With the lookahead the gain stands at the very first frames of the onset; without it, it comes late.
#[test]
fn the_onset_itself_is_shaped() {
    let mut input = vec![0.0; 24_000];
    input.extend(sine(24_000, RATE_HZ, 500.0, 0.1, 0.25));
    let output = shaped(&input, &[("attack_db", 8.0)]);
    for n in 24_000..24_096 {
        if input[n].abs() > 0.01 {
            let gain = db(output[n] / input[n]);
            assert!((gain - 8.0).abs() < 0.3, "frame {}: {gain} dB", n - 24_000);
        }
    }
    // No step anywhere: over the lookahead the gain moves by 8 dB in 144 frames, at most twice as steep in the middle.
    let gains: Vec<f64> =
        (23_900..47_000).filter(|n| input[*n].abs() > 0.05).map(|n| db(output[n] / input[n])).collect();
    assert!(gains.windows(2).all(|w| (w[1] - w[0]).abs() < 0.5), "steps");
}

#[test]
fn clip_safe_raises_nothing_over_full_scale() {
    // Peaks at -0.5 dBFS.
    let top = strokes(1.0).iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let input = strokes(0.944 / top);
    for lookahead_ms in [0.0, 3.0, 10.0] {
        let numbers = [("attack_db", 12.0), ("sustain_db", 12.0), ("lookahead_ms", lookahead_ms)];
        let loose = shaped(&input, &numbers);
        assert!(loose.iter().any(|x| x.abs() > 1.2), "it would go over");
        let numbers = [&numbers[..], &[("clip_safe", 1.0)]].concat();
        let safe = shaped(&input, &numbers);
        let peak = safe.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        assert!(peak <= 1.0 + 1e-9, "{lookahead_ms} ms: {peak}");
        // Peaks in other places are still raised.
        assert!(rms_db(&safe) > rms_db(&input) + 1.0, "{} {}", rms_db(&safe), rms_db(&input));
    }
}

#[test]
fn a_key_filter_chooses_the_drum() {
    // Low strokes and high ones in turn; the detector hears the low ones only.
    let part = |hz: f64| sine(9_600, RATE_HZ, hz, 0.2, 0.25).into_iter().enumerate();
    let fade = |(n, x): (usize, f64)| x * (-(n as f64) / 1_500.0).exp();
    let input: Vec<f64> = [60.0, 6_000.0, 60.0, 6_000.0].iter().flat_map(|hz| part(*hz).map(fade)).collect();
    let numbers = [("attack_db", 10.0), ("key_low_pass_hz", 300.0)];
    let output = shaped(&input, &numbers);
    let change = |from: usize| rms_db(&output[from..from + 960]) - rms_db(&input[from..from + 960]);
    assert!(change(19_200) > 6.0, "{}", change(19_200));
    assert!(change(28_800).abs() < 1.0, "{}", change(28_800));
    // And a key of another strip: a steady tone takes the strokes of the key.
    let mut tone = Buffer::from_channels(&[vec![0.1; 4_800]]);
    let key = Buffer::from_channels(&[[vec![0.0; 2_400], vec![db_to_gain(-20.0); 2_400]].concat()]);
    let mut processor = build(&KIND, RATE_HZ, 1, &[("attack_db", 6.0)], &[]);
    processor.process(&mut tone.as_block_mut(), Some(&key.as_block()));
    assert!(
        (db(tone.channel(0)[2_600] / 0.1) - 6.0).abs() < 0.5 && (tone.channel(0)[2_000] - 0.1).abs() < 1e-12
    );
}

/// In three bands a low stroke raises the low band and leaves a steady high tone alone; in one it raises both.
#[test]
fn three_bands_are_shaped_apart() {
    // A soft beginning, over 4 ms: a step would be an onset of all bands.
    let rise =
        |n: usize| if n < 192 { 0.5 - 0.5 * (std::f64::consts::PI * n as f64 / 192.0).cos() } else { 1.0 };
    let stroke = sine(24_000, RATE_HZ, 70.0, 0.3, 0.0).into_iter().enumerate().map(|(n, x)| x * rise(n));
    let low: Vec<f64> = std::iter::repeat_n(0.0, 24_000).chain(stroke).collect();
    let high = sine(48_000, RATE_HZ, 8_000.0, 0.1, 0.0);
    let input: Vec<f64> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    let part = 24_000..24_960;
    let change = |choices: &[(&str, &str)], more: &[(&str, f64)], hz: f64| {
        let numbers = [&[("attack_db", 9.0)], more].concat();
        let output =
            run_aligned(build(&KIND, RATE_HZ, 1, &numbers, choices).as_mut(), std::slice::from_ref(&input));
        db(amplitude(&output[0][part.clone()], RATE_HZ, hz) / amplitude(&input[part.clone()], RATE_HZ, hz))
    };
    // Over the first 20 ms the onset's gain falls from 9 dB to a third.
    assert!(change(&[], &[], 8_000.0) > 4.0);
    let three = [("bands", "three")];
    assert!(change(&three, &[], 8_000.0).abs() < 0.2, "{}", change(&three, &[], 8_000.0));
    assert!(change(&three, &[], 100.0) > 4.0, "{}", change(&three, &[], 100.0));
    assert!(change(&three, &[("low_percent", 0.0), ("middle_percent", 0.0)], 100.0).abs() < 0.5);
}

/// The three bands keep what one band promises: the level does not matter, and steady tones stay.
#[test]
fn three_bands_keep_the_promises() {
    let (loud, quiet) = (strokes(1.0), strokes(0.1));
    let numbers = [("attack_db", 9.0), ("sustain_db", -7.0)];
    let [a, b] = [&loud, &quiet].map(|input| {
        run_aligned(
            build(&KIND, RATE_HZ, 1, &numbers, &[("bands", "three")]).as_mut(),
            std::slice::from_ref(input),
        )
        .remove(0)
    });
    // The filters remember: compared in runs of 2 ms, by level.
    for (n, (a, b)) in a.chunks(96).zip(b.chunks(96)).enumerate() {
        let apart = rms_db(a) - rms_db(b) - 20.0;
        assert!(apart.abs() < 0.01, "{} ms: {apart} dB", 2 * n);
    }
    for hz in [41.2, 200.0, 997.0, 3_000.0, 11_998.0] {
        let input = sine(96_000, RATE_HZ, hz, 0.3, 0.1);
        let numbers = [("attack_db", 12.0), ("sustain_db", 12.0)];
        let mut processor = build(&KIND, RATE_HZ, 1, &numbers, &[("bands", "three")]);
        let output = run_aligned(processor.as_mut(), std::slice::from_ref(&input)).remove(0);
        for start in (24_000..91_200).step_by(4_800) {
            let change = rms_db(&output[start..start + 4_800]) - rms_db(&input[start..start + 4_800]);
            assert!(change.abs() < 0.1, "{hz} Hz: {change} dB");
        }
    }
}
