//! What the denoiser promises, against signals of which the noise is known.

use super::*;
use crate::Values;
use crate::blocks::testing::{assert_cuts_agree, hiss, kurtosis, plucked, sdr_db, spectrogram};
use audio::Buffer;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

fn run(settings: Settings, channels: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let spec = Spec { sample_rate_hz: RATE, channels: channels.len(), max_frames: 4_096 };
    let mut processor = Denoiser::new(settings, &spec);
    let latency = processor.latency();
    let padded: Vec<Vec<f64>> = channels
        .iter()
        .map(|samples| samples.iter().copied().chain(std::iter::repeat_n(0.0, latency)).collect())
        .collect();
    let mut audio = Buffer::from_channels(&padded);
    processor.process(&mut audio.as_block_mut(), None);
    (0..channels.len()).map(|c| audio.channel(c)[latency..].to_vec()).collect()
}

fn printed(points: &[PrintPoint]) -> Vec<Point> {
    points.iter().map(|point| Point { freq_hz: point.freq_hz, level_db: point.level_db }).collect()
}

fn scaled(samples: &[f64], factor: f64) -> Vec<f64> {
    samples.iter().map(|x| x * factor).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64
}

/// E1(v) by the trapezoidal rule over `t = v e^u`: the integrand falls doubly exponentially.
fn exponential_integral(v: f64) -> f64 {
    (0..40_000).map(|n| 1e-3 * (-(v * (f64::from(n) * 1e-3).exp())).exp()).sum::<f64>() - 0.5e-3 * (-v).exp()
}

#[test]
fn the_gain_is_that_of_the_log_spectral_estimator() {
    for prior_db in [-25.0, -10.0, 0.0, 10.0, 30.0] {
        for posterior_db in [-20.0, -3.0, 0.0, 6.0, 20.0, 40.0] {
            let (prior, posterior) = (db_to_power(prior_db), db_to_power(posterior_db));
            let share = prior / (1.0 + prior);
            let expected_db = 20.0 * share.log10()
                + 10.0 * exponential_integral(posterior * share) / std::f64::consts::LN_10;
            let seen_db = gain::log_spectral_gain_log2(prior, posterior) * 6.020_599_913;
            // 5e-5 of the integral by the approximation, and the sum's own error.
            assert!(
                (seen_db - expected_db).abs() < 2e-3,
                "{prior_db} {posterior_db}: {seen_db} {expected_db}"
            );
        }
    }
}

/// Music 15 dB above hiss, with a second of hiss alone before it; the print is learnt from other hiss.
#[test]
fn hiss_goes_and_music_stays() {
    let clean = plucked(3.6, 1.2, 0.4);
    let level = (power(&clean) / 10f64.powf(1.5)).sqrt();
    let noise = scaled(&hiss(clean.len(), 21), level);
    let print = printed(&learn(&scaled(&hiss(96_000, 22), level), RATE));
    // The gains hear the mean power of both channels: the second one, far too quiet to count, is the clean
    // music alone and shows what the gains do to it.
    let settings = Settings { reduction_db: 15.0, sensitivity_db: -3.0103, print, ..Settings::default() };
    let output = run(settings, &[sum(&clean, &noise), scaled(&clean, 1e-7)]);

    let gained = sdr_db(&clean, &output[0]) - 15.0;
    assert!(gained >= 8.0, "signal-to-noise ratio: {gained:.2} dB more");

    let (before, after) = (spectrogram(&clean, 2_048), spectrogram(&scaled(&output[1], 1e7), 2_048));
    let floor = power(&noise) * 1_024.0 * db_to_power(8.0);
    let distances: Vec<f64> = before
        .iter()
        .zip(&after)
        .filter_map(|(before, after)| {
            let cells = before.iter().zip(after).filter(|(before, _)| **before > floor);
            let squares: Vec<f64> = cells.map(|(b, a)| (10.0 * (a / b).log10()).powi(2)).collect();
            (squares.len() > 5).then(|| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
        })
        .collect();
    let distortion = distances.iter().sum::<f64>() / distances.len() as f64;
    // Of what stands 8 dB out of the noise: below that the noise itself distorts the spectrum by more.
    assert!(distances.len() > 100 && distortion < 1.5, "log-spectral distortion {distortion:.2} dB");

    let alone = 6_000..50_000;
    let before = kurtosis(&spectrogram(&noise[alone.clone()], 2_048), 4..900);
    let after = kurtosis(&spectrogram(&output[0][alone.clone()], 2_048), 4..900);
    let ratio = after.ln() / before.ln();
    assert!(ratio < 1.2, "log-kurtosis ratio {ratio:.3} ({before:.1} to {after:.1})");

    let reduced_db = 10.0 * (power(&output[0][alone.clone()]) / power(&noise[alone])).log10();
    // The floor, and the few cells that stand out.
    assert!((reduced_db + 15.0).abs() < 0.5, "hiss alone: {reduced_db:.2} dB");
}

#[test]
fn adapting_needs_no_print() {
    // A chord every 1.2 s: between two the partials fall to the noise, as in singing and speech.
    let clean = plucked(7.0, 0.5, 1.2);
    let level = (power(&clean) / 10f64.powf(1.5)).sqrt();
    let noise = scaled(&hiss(clean.len(), 31), level);
    let settings = Settings { reduction_db: 15.0, adaptive: true, ..Settings::default() };
    let output = run(settings, &[sum(&clean, &noise)]);
    let late = 96_000..;
    let gained = sdr_db(&clean[late.clone()], &output[0][late.clone()])
        - sdr_db(&clean[late.clone()], &sum(&clean, &noise)[late]);
    // The same figure as with a print, less what cannot be known without one.
    assert!(gained >= 7.0, "{gained:.2} dB");
}

#[test]
fn a_print_tells_the_density() {
    // White noise of power 1e-4 through y = x + 0.9 y': density known at every frequency.
    let mut before = 0.0;
    let noise: Vec<f64> = hiss(384_000, 41)
        .iter()
        .map(|x| {
            before = 0.01 * x + 0.9 * before;
            before
        })
        .collect();
    let density_db = |hz: f64| {
        let omega = TAU * hz / RATE;
        10.0 * (1e-4 / 24_000.0 / (1.0 + 0.81 - 1.8 * omega.cos())).log10()
    };
    let print = learn(&noise, RATE);
    assert!(print.len() > 55 && print[0].freq_hz == 20.0);
    for point in &print {
        // 8 s are about 190 independent frames: 0.3 dB of deviation for one bin, less where a point has more.
        let bound = if point.freq_hz < 200.0 { 1.2 } else { 0.5 };
        let expected = density_db(point.freq_hz);
        assert!((point.level_db - expected).abs() < bound, "{point:?} {expected}");
    }
    // And back again: the print spread over bins is the density.
    let points: Vec<(f64, f64)> = print.iter().map(|p| (p.freq_hz, p.level_db)).collect();
    let mut bins = vec![0.0; 1_025];
    estimate::fill(&points, RATE / 2_048.0, 1.0, &mut bins);
    for k in 20..1_000 {
        let expected = density_db(k as f64 * RATE / 2_048.0);
        assert!((10.0 * bins[k].log10() - expected).abs() < 0.5, "bin {k}");
    }
    assert!(learn(&noise[..2_000], RATE).is_empty(), "too short");
}

#[test]
fn a_print_is_found_under_music() {
    let clean = plucked(14.0, 0.2, 1.2);
    let noisy = sum(&clean, &scaled(&hiss(clean.len(), 51), 0.01));
    let expected = 10.0 * (1e-4f64 / 24_000.0).log10();
    let print = learn_under_music(&noisy, RATE);
    for point in print {
        // Between 80 and 400 Hz partials stand so close that the noise is never seen by itself.
        if (80.0..400.0).contains(&point.freq_hz) {
            continue;
        }
        assert!((point.level_db - expected).abs() < 3.0, "{point:?}, {expected:.1}");
    }
    assert!(learn_under_music(&[], RATE).is_empty());
}

#[test]
fn points_may_come_in_any_order_and_twice() {
    let point = |freq_hz, level_db| Point { freq_hz, level_db };
    let noise = vec![scaled(&hiss(20_000, 61), 0.01)];
    let straight = vec![point(100.0, -90.0), point(1_000.0, -80.0), point(1_000.0, -70.0), point(9e3, -85.0)];
    let crooked = vec![straight[3].clone(), straight[1].clone(), straight[0].clone(), straight[2].clone()];
    let with = |print| Settings { reduction_db: 10.0, print, ..Settings::default() };
    let seen = run(with(crooked), &noise);
    assert_eq!(seen, run(with(straight), &noise));
    assert!(seen[0].iter().all(|x| x.is_finite()));
}

/// The tracker on noise alone, from the first second on, finds its power.
#[test]
fn the_tracker_finds_the_power_of_noise() {
    let cells = spectrogram(&hiss(240_000, 71), 1_024);
    let mut tracker = Tracker::new(513, 180.0);
    let mut errors = Vec::new();
    for (n, frame) in cells.iter().enumerate() {
        tracker.hear(frame);
        if n > 200 {
            // A bin of white noise of unit power holds half the frame.
            let mean = tracker.noise()[10..500].iter().sum::<f64>() / 490.0 / 512.0;
            errors.push(10.0 * mean.log10());
        }
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    // The paper's own figure for white noise at 0 dB and above is an error of about 1 dB.
    assert!(mean.abs() < 1.0, "{mean:.2} dB");
}

#[test]
fn the_cut_into_blocks_does_not_matter() {
    let input = sum(&plucked(0.8, 0.1, 0.3), &scaled(&hiss(38_400, 81), 0.02));
    let mut values = Values::neutral(&KIND);
    values.set(&KIND, "reduction_db", 12.0).expect("a setting");
    values.set(&KIND, "adaptive", 1.0).expect("a setting");
    assert_cuts_agree(&KIND, &values, &input);
}
