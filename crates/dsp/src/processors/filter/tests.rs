use super::*;
use audio::Buffer;
use std::f64::consts::{PI, TAU};

const RATE: f64 = 48_000.0;
const SPEC: Spec = Spec { sample_rate_hz: RATE, channels: 1, max_frames: 96_000 };

fn wet() -> Settings {
    Settings { mix_percent: 100.0, ..Settings::default() }
}

fn run(settings: &Settings, input: Vec<f64>) -> Vec<f64> {
    let mut audio = Buffer::from_channels(&[input]);
    Filter::new(settings.clone(), &SPEC).process(&mut audio.as_block_mut(), None);
    audio.channel(0).to_vec()
}

fn sine(hz: f64, amplitude: f64, frames: usize) -> Vec<f64> {
    (0..frames).map(|n| amplitude * (TAU * (hz * n as f64 / RATE).fract()).sin()).collect()
}

fn noise(frames: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as f64 / u64::MAX as f64 * 2.0 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}

/// Steady gain in decibels at a frequency.
fn gain_db(settings: &Settings, hz: f64) -> f64 {
    let output = run(settings, sine(hz, 0.25, 48_000));
    let power: f64 = output[24_000..].iter().map(|x| x * x).sum::<f64>() / 24_000.0;
    10.0 * (power / (0.25f64.powi(2) / 2.0)).log10()
}

/// Butterworth's magnitudes, warped as the bilinear transform does: exact.
#[test]
fn passes_are_butterworths_without_resonance() {
    let warped = |hz: f64| -> f64 { (PI * hz / RATE).tan() };
    for (slope, order) in [(12.0, 2), (24.0, 4)] {
        for shape in [Shape::LowPass, Shape::HighPass] {
            for hz in [250.0, 500.0, 1_000.0, 2_000.0, 6_000.0] {
                let settings = Settings { r#type: shape, slope_db_per_oct: slope, ..wet() };
                let u = warped(hz) / warped(1_000.0);
                let u = if shape == Shape::LowPass { u } else { 1.0 / u };
                let expected = -10.0 * (1.0 + u.powi(2 * order)).log10();
                let seen = gain_db(&settings, hz);
                assert!(
                    (seen - expected).abs() < 0.01,
                    "{shape:?} {slope} at {hz} Hz: {seen:.3} {expected:.3}"
                );
            }
        }
    }
}

#[test]
fn band_passes_keep_and_notches_remove_the_frequency() {
    for slope in [12.0, 24.0] {
        for resonance_percent in [0.0, 50.0] {
            let of = |shape| Settings { r#type: shape, slope_db_per_oct: slope, resonance_percent, ..wet() };
            let kept = gain_db(&of(Shape::BandPass), 1_000.0);
            assert!(kept.abs() < 0.05, "{slope} {resonance_percent}: {kept}");
            assert!(gain_db(&of(Shape::Notch), 1_000.0) < -60.0);
            assert!(gain_db(&of(Shape::BandPass), 60.0) < -18.0);
            assert!(gain_db(&of(Shape::Notch), 60.0).abs() < 0.1);
        }
    }
}

/// Full resonance under loud noise, and under a tone right on it: it sings and stays within bounds.
#[test]
fn full_resonance_is_bounded() {
    for slope_db_per_oct in [12.0, 24.0] {
        let settings = Settings { slope_db_per_oct, resonance_percent: 100.0, ..wet() };
        for (name, input, bound) in [
            ("noise", noise(96_000), 3.0),
            ("tone", sine(1_000.0, 1.0, 96_000), 3.0),
            ("whisper", sine(1_000.0, 0.01, 96_000), 0.5),
        ] {
            let output = run(&settings, input);
            let peak = output.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            assert!(peak < bound, "{slope_db_per_oct} {name}: {peak}");
        }
        // It does emphasise: the cubic damping holds a quarter of full scale at about 0.8.
        assert!(gain_db(&settings, 1_000.0) > 6.0);
    }
}

/// With the tempo: at 120 a quarter note is half a second, and the sound repeats with it.
#[test]
fn the_oscillator_moves_the_corner_with_the_tempo() {
    let settings = Settings { sync: Sync::Quarter, oscillator_octaves: 2.0, ..wet() };
    let output = run(&settings, sine(2_000.0, 0.5, 96_000));
    let level = |start: usize| output[start..start + 480].iter().map(|x| x * x).sum::<f64>();
    for start in [24_000, 30_000, 36_000, 42_000] {
        assert!((level(start) / level(start + 24_000) - 1.0).abs() < 1e-6, "{start}");
    }
    // Highest (4 kHz) a quarter of the period in, lowest (250 Hz) three quarters in.
    let (open, closed) = (level(24_000 + 6_000 - 240), level(24_000 + 18_000 - 240));
    let range_db = 10.0 * (open / closed).log10();
    // 36 dB below three octaves above a low-pass of 12 dB/oct, against 0.26 dB below.
    assert!((range_db - 36.0).abs() < 1.0, "{range_db}");
}

#[test]
fn the_level_or_the_key_opens_the_filter() {
    let settings = Settings { freq_hz: 300.0, envelope_octaves: 6.0, ..wet() };
    let gain = |amplitude: f64| {
        let output = run(&settings, sine(3_000.0, amplitude, 48_000));
        let power: f64 = output[24_000..].iter().map(|x| x * x).sum::<f64>() / 24_000.0;
        10.0 * (2.0 * power).log10() - 20.0 * amplitude.log10()
    };
    // Six octaves above 300 Hz at full scale, none at -60 dBFS: 40 dB down a decade above the corner.
    assert!(gain(1.0) > -0.5 && gain(0.001) < -38.0, "{} {}", gain(1.0), gain(0.001));
    let mut quiet = Buffer::from_channels(&[sine(3_000.0, 0.001, 48_000)]);
    let key = sine(100.0, 1.0, 48_000);
    Filter::new(settings.clone(), &SPEC).process(&mut quiet.as_block_mut(), Some(&BlockRef::from_mono(&key)));
    let power: f64 = quiet.channel(0)[24_000..].iter().map(|x| x * x).sum::<f64>() / 24_000.0;
    assert!(10.0 * (2.0 * power).log10() > -62.0);
}

/// A sweep over eight octaves in a tenth of a second on a tone: what is not near the tone is splatter.
#[test]
fn fast_sweeps_do_not_click() {
    let mut audio = Buffer::from_channels(&[sine(1_000.0, 0.5, 48_000)]);
    let settings = Settings { freq_hz: 20_000.0, ..wet() };
    let mut filter = Filter::new(settings, &SPEC);
    let address = KIND.address("freq_hz").unwrap();
    for (point, start) in (0..48_000).step_by(64).enumerate() {
        let share = (point as f64 - 200.0).clamp(0.0, 75.0) / 75.0;
        filter.set(address, 20_000.0 * 2f64.powf(-8.0 * share));
        filter.process(&mut audio.range_mut(start, 64), None);
    }
    // Third differences of a tone of 1 kHz: (2 pi f / fs)^3 of its amplitude; a click has all of its own.
    let out = audio.channel(0);
    let third = |n: usize| (out[n + 3] - 3.0 * out[n + 2] + 3.0 * out[n + 1] - out[n]).abs();
    let most = (100..47_000).map(third).fold(0.0, f64::max);
    assert!(most < 2.0 * 0.5 * (TAU * 1_000.0 / RATE).powi(3), "{most}");
}
