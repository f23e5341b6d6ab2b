use crate::common::*;
use dsp::processors::de_esser::KIND;
use std::f64::consts::{PI, TAU};

const PART: usize = 12_000;

/// A voice of four parts of 250 ms: a low vowel, a sibilant, a higher vowel, a soft sibilant.
fn voice(gain: f64) -> Vec<f64> {
    let hiss = noise(PART, 1.0, 31);
    // A sibilant: noise through a resonance near 7 kHz and a first difference (12 dB per octave below).
    let sibilant = |level: f64| {
        let (r, turn) = (0.75, TAU * 7_000.0 / RATE_HZ);
        let (mut y1, mut y2, mut x1) = (0.0, 0.0, 0.0);
        hiss.iter()
            .map(|x| {
                let y = x - x1 + 2.0 * r * turn.cos() * y1 - r * r * y2;
                (x1, y2, y1) = (*x, y1, y);
                0.3 * level * y
            })
            .collect::<Vec<f64>>()
    };
    // A vowel: overtones falling by 12 dB per octave, with a formant at 2.5 kHz.
    let vowel = |f0: f64| {
        (0..PART)
            .map(|n| {
                (1..(10_000.0 / f0) as usize)
                    .map(|k| {
                        let hz = f0 * k as f64;
                        let formant = 1.0 + 2.0 / (1.0 + ((hz - 2_500.0) / 300.0).powi(2));
                        0.3 * formant / (k * k) as f64 * (TAU * hz * n as f64 / RATE_HZ + k as f64).sin()
                    })
                    .sum()
            })
            .collect::<Vec<f64>>()
    };
    let parts = [vowel(110.0), sibilant(0.5), vowel(300.0), sibilant(0.1)];
    parts.concat().into_iter().map(|x| x * gain).collect()
}

/// Power between two frequencies, in decibels, by projection on a 25 Hz raster.
fn band_db(samples: &[f64], from_hz: f64, to_hz: f64) -> f64 {
    let mut power = 0.0;
    let mut hz = from_hz;
    while hz < to_hz {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples.iter().enumerate() {
            let (sin, cos) = (TAU * hz * n as f64 / RATE_HZ).sin_cos();
            re += x * cos;
            im += x * sin;
        }
        power += re * re + im * im;
        hz += 25.0;
    }
    10.0 * power.log10()
}

#[test]
fn sibilants_fall_by_the_range_and_vowels_stay() {
    let numbers = [("freq_hz", 4_000.0), ("threshold_db", -10.0)];
    let mut changes = Vec::new();
    for gain_db in [0.0, -12.0] {
        let input = voice(audio::db_to_gain(gain_db));
        for range_db in [3.0, 6.0] {
            let numbers: Vec<_> = numbers.iter().copied().chain([("range_db", range_db)]).collect();
            let mut processor = build(&KIND, RATE_HZ, 1, &numbers, &[]);
            let output = run_aligned(processor.as_mut(), std::slice::from_ref(&input)).remove(0);
            for part in 0..4 {
                // The middle of each part: 25 ms to 245 ms.
                let inner = part * PART + 1_200..part * PART + 1_200 + 1_920 * 4;
                if part % 2 == 0 {
                    let change = rms_db(&output[inner.clone()]) - rms_db(&input[inner]);
                    assert!(change.abs() < 0.2, "vowel {part} at {gain_db} dB: {change} dB");
                } else {
                    let change = band_db(&output[inner.clone()], 5_000.0, 10_000.0)
                        - band_db(&input[inner], 5_000.0, 10_000.0);
                    assert!((change + range_db).abs() < 1.0, "sibilant {part} at {gain_db} dB: {change} dB");
                    changes.push(change);
                }
            }
        }
    }
    // The same voice 12 dB quieter is treated the same.
    let (loud, quiet) = changes.split_at(changes.len() / 2);
    for (loud, quiet) in loud.iter().zip(quiet) {
        assert!((loud - quiet).abs() < 0.05, "{loud} {quiet}");
    }
}

/// Gains of weak probe tones while a strong tone at 9 kHz holds the reduction at its full range.
fn probe_gains(shape: &str, range_db: f64, probes_hz: &[f64]) -> Vec<f64> {
    let frames = 48_000;
    let tone = sine(frames, RATE_HZ, 9_000.0, 0.5, 0.0);
    let amplitude = |samples: &[f64], hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples.iter().enumerate() {
            let (sin, cos) = (TAU * hz * n as f64 / RATE_HZ).sin_cos();
            re += x * cos;
            im += x * sin;
        }
        re.hypot(im)
    };
    probes_hz
        .iter()
        .map(|&hz| {
            let probe = sine(frames, RATE_HZ, hz, 0.001, 0.3);
            let input: Vec<f64> = tone.iter().zip(&probe).map(|(t, p)| t + p).collect();
            let numbers = [("freq_hz", 6_000.0), ("range_db", range_db), ("threshold_db", -20.0)];
            let mut processor = build(&KIND, RATE_HZ, 1, &numbers, &[("shape", shape)]);
            let output = run_aligned(processor.as_mut(), std::slice::from_ref(&input)).remove(0);
            amplitude(&output[24_000..], hz) / amplitude(&input[24_000..], hz)
        })
        .collect()
}

#[test]
fn shelf_and_bell_have_the_stated_curves_without_ripple() {
    let probes = [200.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 5_000.0, 6_000.0, 7_000.0, 12_000.0, 18_000.0];
    for range_db in [3.0, 8.0, 20.0] {
        let gain = audio::db_to_gain(-range_db);
        // The bilinear transform's frequency scale, in units of the corner.
        let scaled = |hz: f64| (PI * hz / RATE_HZ).tan() / (PI * 6_000.0 / RATE_HZ).tan();
        let shelf = probe_gains("shelf", range_db, &probes);
        for (hz, seen) in probes.iter().zip(&shelf) {
            // |G s^2 + sqrt(2 G) s + 1|^2 = 1 + G^2 w^4: both polynomials are Butterworth's.
            let w4 = scaled(*hz).powi(4);
            let expected = ((1.0 + gain * gain * w4) / (1.0 + w4)).sqrt();
            assert!(db(seen / expected).abs() < 0.01, "shelf {range_db} at {hz} Hz: {seen} {expected}");
        }
        assert!(shelf.windows(2).all(|w| w[1] < w[0] + 1e-6), "falls steadily: {shelf:?}");
        let bell = probe_gains("bell", range_db, &probes);
        for (hz, seen) in probes.iter().zip(&bell) {
            let w = scaled(*hz);
            let detuned = (1.0 - w * w).powi(2);
            let expected = ((detuned + gain * gain * w * w) / (detuned + w * w)).sqrt();
            assert!(db(seen / expected).abs() < 0.01, "bell {range_db} at {hz} Hz: {seen} {expected}");
        }
    }
}

#[test]
fn silence_and_hiss_at_the_noise_floor_do_not_wake_it() {
    let mut processor = build(&KIND, RATE_HZ, 1, &[("range_db", 12.0)], &[]);
    run(processor.as_mut(), &[noise(24_000, 1e-7, 3)]);
    assert!(processor.reading().gain_reduction_db < 0.01);
}
