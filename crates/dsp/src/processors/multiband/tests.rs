use super::*;
use crate::blocks::crossover::{Crossover, Slope};
use audio::Buffer;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

fn spec(channels: usize) -> Spec {
    Spec { sample_rate_hz: RATE, channels, max_frames: 4_096 }
}

fn band(freq_hz: f64) -> Band {
    Band { freq_hz, ..Band::from_fields(&Band::PARAMS.iter().map(|p| p.default).collect::<Vec<_>>()) }
}

fn three(crossover: Splitting) -> Settings {
    Settings { crossover, bands: vec![band(120.0), band(3_000.0), band(20_000.0)], ..Settings::default() }
}

const ALL: [Splitting; 4] = [
    Splitting::LinkwitzRiley24,
    Splitting::LinkwitzRiley48,
    Splitting::LinearPhase24,
    Splitting::LinearPhase48,
];

fn noise(frames: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .collect()
}

fn run(settings: &Settings, input: &[f64]) -> Vec<f64> {
    let mut audio = Buffer::from_channels(&[input.to_vec()]);
    Multiband::new(settings.clone(), &spec(1)).process(&mut audio.as_block_mut(), None);
    audio.channel(0).to_vec()
}

fn tone(hz: f64, amplitude: f64, frames: usize) -> Vec<f64> {
    (0..frames).map(|n| amplitude * (TAU * hz * n as f64 / RATE).sin()).collect()
}

/// Amplitude of a tone over the second half of a signal, as a complex number.
fn amplitude(signal: &[f64], hz: f64) -> num_complex::Complex64 {
    let start = signal.len() / 2;
    let at = |n: usize| num_complex::Complex64::from_polar(signal[n], -TAU * hz * n as f64 / RATE);
    (start..signal.len()).map(at).sum::<num_complex::Complex64>() * (2.0 / (signal.len() - start) as f64)
}

fn db(gain: f64) -> f64 {
    20.0 * gain.max(1e-20).log10()
}

/// With settings that would act, on a signal that gives no cause: a pure delay, to the bit, with linear phase; the
/// sum of the bands, hence every frequency as loud as before, with Linkwitz-Riley bands.
#[test]
fn without_cause_it_is_a_pure_delay() {
    let input: Vec<f64> = noise(30_000, 5).iter().map(|x| 0.01 * x).collect();
    for crossover in ALL {
        let mut settings = three(crossover);
        settings.band_link_percent = 40.0;
        settings.auto_makeup = true;
        for band in &mut settings.bands {
            (band.threshold_db, band.ratio) = (-20.0, 4.0);
        }
        let latency = Multiband::new(settings.clone(), &spec(1)).latency();
        let seen = run(&settings, &input);
        let linear = matches!(crossover, Splitting::LinearPhase24 | Splitting::LinearPhase48);
        if linear {
            assert!(latency > 0 && seen[..latency].iter().all(|x| *x == 0.0));
            assert!(seen[latency..] == input[..input.len() - latency], "{crossover:?}");
        } else {
            assert_eq!(latency, 0);
            let mut bands = vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; 1];
            let mut crossover = Crossover::new(slope(crossover), &[120.0, 3_000.0], RATE, 1);
            for (piece, seen) in input.chunks(CONTROL_FRAMES).zip(seen.chunks(CONTROL_FRAMES)) {
                crossover.flush();
                crossover.split(&BlockRef::from_mono(piece), &mut bands);
                for (n, seen) in seen.iter().enumerate() {
                    let sum: f64 = (0..3).map(|k| bands[0][k][n]).sum();
                    // -120 dB is asked.
                    assert!((seen - sum).abs() < 1e-15);
                }
            }
        }
    }
}

/// Bands that do nothing change no bit, although they are there; and when they begin to act, the crossover's phase
/// comes in without a click: nothing beside a tone above -80 dB.
#[test]
fn neutral_bands_change_no_bit_and_wake_without_a_click() {
    for crossover in ALL {
        let settings = three(crossover);
        let latency = Multiband::new(settings.clone(), &spec(1)).latency();
        let input = noise(20_000, 6);
        assert!(run(&settings, &input)[latency..] == input[..input.len() - latency], "{crossover:?}");
        let mut audio = Buffer::from_channels(&[tone(900.0, 0.5, 48_000)]);
        let mut multiband = Multiband::new(settings, &spec(1));
        for start in (0..48_000).step_by(64) {
            if start == 64 * 375 {
                multiband.set(Address::Item { group: 0, item: 2, field: 8 }, 3.0);
            }
            multiband.process(&mut audio.range_mut(start, 64), None);
        }
        let seen = &audio.channel(0)[latency + 2_000..];
        let frames = seen.len() as f64;
        let window = |n: usize| {
            let x = TAU * n as f64 / frames;
            0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos()
        };
        let windowed: Vec<f64> = seen.iter().enumerate().map(|(n, x)| x * window(n)).collect();
        for hz in (20..400).chain(1_400..3_000).step_by(19).chain((3_000..22_000).step_by(500)) {
            let turn = |n: usize| {
                num_complex::Complex64::from_polar(windowed[n], -TAU * f64::from(hz) * n as f64 / RATE)
            };
            let sum: num_complex::Complex64 = (0..windowed.len()).map(turn).sum();
            let beside = db(2.0 * sum.norm() / (0.35875 * frames * 0.5));
            assert!(beside < -80.0, "{crossover:?} {hz} Hz: {beside:.1} dB");
        }
    }
}

/// The static curve in each band, both ways, with knee and range, within 0.05 dB.
#[test]
fn each_band_follows_its_curve() {
    for crossover in [Splitting::LinkwitzRiley48, Splitting::LinearPhase48] {
        for (mode, level_db, expected_db) in [
            // A sine's mean power is 3.01 dB under its peak. 12 dB over the threshold at 4 : 1 are 9 dB.
            (Mode::Downward, -18.0 + 3.0103, -9.0),
            (Mode::Downward, -40.0, 0.0),
            // In the middle of a knee of 6 dB: (1 - 1/4) (6/2)^2 / (2 * 6) = 0.5625 dB.
            (Mode::Downward, -30.0 + 3.0103, -0.5625),
            (Mode::Upward, -42.0 + 3.0103, 9.0),
            (Mode::Upward, -10.0, 0.0),
            // 30 dB under the threshold would be 22.5 dB; the range ends it.
            (Mode::Upward, -60.0 + 3.0103, 10.0),
        ] {
            let mut settings = three(crossover);
            // A mean over a second has no ripple.
            settings.rms_ms = 300.0;
            settings.bands[1] =
                Band { mode, threshold_db: -30.0, ratio: 4.0, range_db: 10.0, ..band(3_000.0) };
            let level = 10f64.powf(level_db / 20.0);
            let seen = amplitude(&run(&settings, &tone(600.0, level, 240_000)), 600.0).norm();
            let gain_db = db(seen / level);
            // 0.02 dB of it: the band at 600 Hz is 1e-3 short of everything, and the neighbours hold the rest.
            assert!((gain_db - expected_db).abs() < 0.05, "{crossover:?} {mode:?} {level_db}: {gain_db} dB");
        }
    }
}

/// Music-like: three bands whose levels go up and down by 20 dB, each in its own time.
fn swaying(frames: usize) -> Vec<f64> {
    let hiss = noise(frames, 9);
    let swell = |n: usize, period_s: f64| 10f64.powf(-0.5 + 0.5 * (TAU * n as f64 / (RATE * period_s)).sin());
    (0..frames)
        .map(|n| {
            let t = TAU * n as f64 / RATE;
            0.3 * swell(n, 1.7) * (60.0 * t).sin()
                + 0.3 * swell(n, 1.1) * (700.0 * t).sin()
                + 0.1 * swell(n, 0.7) * hiss[n]
        })
        .collect()
}

/// Power of each band over a signal, in decibels.
fn balance_db(signal: &[f64]) -> [f64; 3] {
    let mut crossover = Crossover::new(Slope::Db48, &[120.0, 3_000.0], RATE, 1);
    let mut bands = vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; 1];
    let mut powers = [0.0; 3];
    for piece in signal.chunks(CONTROL_FRAMES) {
        crossover.flush();
        crossover.split(&BlockRef::from_mono(piece), &mut bands);
        for (power, band) in powers.iter_mut().zip(&bands[0]) {
            *power += band[..piece.len()].iter().map(|x| x * x).sum::<f64>();
        }
    }
    powers.map(|p| 10.0 * p.log10())
}

/// The balance of the bands over a song changes by less than 0.3 dB with the automatic make-up, and by much more
/// without it, so that the test can fail.
#[test]
fn automatic_make_up_keeps_the_long_term_balance() {
    let input = swaying(30 * 48_000);
    let before = balance_db(&input);
    let change = |auto_makeup: bool, crossover: Splitting| {
        let mut settings = three(crossover);
        settings.auto_makeup = auto_makeup;
        settings.auto_makeup_s = 6.0;
        for (band, threshold_db) in settings.bands.iter_mut().zip([-30.0, -20.0, -40.0]) {
            (band.threshold_db, band.ratio) = (threshold_db, 2.0);
        }
        let after = balance_db(&run(&settings, &input));
        (0..3).map(|k| (after[k] - before[k]).abs()).fold(0.0, f64::max)
    };
    for crossover in [Splitting::LinkwitzRiley24, Splitting::LinearPhase24] {
        let (with, without) = (change(true, crossover), change(false, crossover));
        assert!(with < 0.3, "{crossover:?}: {with} dB");
        assert!(without > 2.0, "{crossover:?}: {without} dB without");
    }
}

/// Fully linked bands all move by the mean; half linked ones half the way.
#[test]
fn linking_pulls_bands_toward_their_mean() {
    let mut input = tone(60.0, 0.5, 96_000);
    input.iter_mut().zip(tone(700.0, 0.2, 96_000)).for_each(|(x, y)| *x += y);
    let reductions = |link: f64| {
        let mut settings = three(Splitting::LinkwitzRiley48);
        (settings.band_link_percent, settings.rms_ms) = (link, 200.0);
        for band in &mut settings.bands {
            (band.threshold_db, band.ratio, band.release_ms) = (-30.0, 3.0, 300.0);
        }
        let mut multiband = Multiband::new(settings, &spec(1));
        let mut audio = Buffer::from_channels(std::slice::from_ref(&input));
        multiband.process(&mut audio.as_block_mut(), None);
        multiband.reductions_db
    };
    let alone = reductions(0.0);
    let mean = alone.iter().sum::<f64>() / 3.0;
    assert!(alone[0] > 8.0 && alone[1] > 5.0 && alone[2] < 0.1, "{alone:?}");
    for (k, half) in reductions(50.0).iter().enumerate() {
        // The ripple of the mean power at twice 60 Hz, and times that smooth it differently.
        assert!((half - 0.5 * (alone[k] + mean)).abs() < 0.05, "{half} {alone:?}");
    }
    for full in reductions(100.0) {
        assert!((full - mean).abs() < 0.05, "{full} {alone:?}");
    }
}

/// The dry part is in phase with the bands: half dry and half turned down by 12 dB is one gain everywhere.
#[test]
fn a_mix_never_combs() {
    for crossover in ALL {
        let mut settings = three(crossover);
        settings.mix_percent = 50.0;
        settings.bands.iter_mut().for_each(|band| band.makeup_db = -12.0);
        let mut impulse = vec![0.0; 48_000];
        impulse[0] = 1.0;
        let seen = run(&settings, &impulse);
        let expected_db = db(0.5 + 0.5 * 10f64.powf(-12.0 / 20.0));
        for hz in [20.0, 90.0, 120.0, 250.0, 1_000.0, 3_000.0, 4_500.0, 15_000.0, 23_000.0] {
            let turn = |n: usize| num_complex::Complex64::from_polar(seen[n], -TAU * hz * n as f64 / RATE);
            let gain_db = db((0..seen.len()).map(turn).sum::<num_complex::Complex64>().norm());
            assert!((gain_db - expected_db).abs() < 0.01, "{crossover:?} {hz} Hz: {gain_db} dB");
        }
    }
}

/// A relative threshold does the same to a soft signal as to a loud one.
#[test]
fn relative_thresholds_do_not_hear_the_level() {
    let input = swaying(48_000);
    let mut settings = three(Splitting::LinkwitzRiley24);
    settings.relative = true;
    settings.bands.iter_mut().for_each(|band| (band.threshold_db, band.ratio) = (-8.0, 3.0));
    let at = |gain: f64| {
        let scaled: Vec<f64> = input.iter().map(|x| gain * x).collect();
        run(&settings, &scaled).iter().map(|x| x / gain).collect::<Vec<_>>()
    };
    let (loud, soft) = (at(1.0), at(0.1));
    let moved = loud.iter().zip(&input).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(moved > 0.05, "it acts: {moved}");
    for (a, b) in loud.iter().zip(&soft) {
        // The power under which a level says nothing (-100 dBFS) is 60 dB below the soft one at its softest.
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn actions_tell_mean_and_percentile_of_each_band() {
    let mut values = Values::neutral(&KIND);
    for (freq_hz, threshold_db) in [(300.0, -40.0), (20_000.0, 0.0)] {
        let item = values.push(&KIND, "bands").expect("a band");
        for (name, value) in [("freq_hz", freq_hz), ("threshold_db", threshold_db), ("ratio", 2.0)] {
            values.set(&KIND, &format!("bands.{item}.{name}"), value).expect("a setting");
        }
    }
    values.set(&KIND, "rms_ms", 100.0).expect("a setting");
    let level = 10f64.powf((-20.0 + 3.0103) / 20.0);
    // Nothing for two seconds, then eight seconds at 20 dB above the threshold: 10 dB each.
    let mut plane = vec![0.0; 96_000];
    plane.extend(tone(80.0, level, 384_000));
    let audio = Buffer::from_channels(&[plane]);
    let seen = actions(&values, &audio.as_block(), RATE);
    assert_eq!(seen.len(), 2);
    assert!((seen[0].mean_db - 8.0).abs() < 0.3, "{seen:?}");
    assert!((seen[0].percentile_95_db - 10.0).abs() < 0.1, "{seen:?}");
    assert_eq!(seen[1], Action { mean_db: 0.0, percentile_95_db: 0.0 });
}
