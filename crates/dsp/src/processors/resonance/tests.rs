//! What the resonance suppressor promises.

use super::*;
use crate::Values;
use crate::blocks::testing::{assert_cuts_agree, hiss, kurtosis, noise, spectrogram};
use audio::{Buffer, db_to_gain};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

fn run(settings: Settings, input: &[f64], key: Option<&[f64]>) -> Vec<f64> {
    let spec = Spec { sample_rate_hz: RATE, channels: 1, max_frames: 4_096 };
    let mut processor = Suppressor::new(settings, &spec);
    let latency = processor.latency();
    let padded = |samples: &[f64]| {
        let planes = [samples.iter().copied().chain(std::iter::repeat_n(0.0, latency)).collect::<Vec<f64>>()];
        Buffer::from_channels(&planes)
    };
    let mut audio = padded(input);
    let key = key.map(padded);
    let key = key.as_ref().map(|key| key.as_block());
    processor.process(&mut audio.as_block_mut(), key.as_ref());
    audio.channel(0)[latency..].to_vec()
}

/// Noise that falls by 3 dB per octave from 20 Hz on (Kellet's filter is within 0.05 dB of it).
fn pink(frames: usize, seed: u64) -> Vec<f64> {
    const POLES: [(f64, f64); 6] = [
        (0.998_86, 0.055_517_9),
        (0.993_32, 0.075_075_9),
        (0.969, 0.153_852),
        (0.866_5, 0.310_485_6),
        (0.55, 0.532_952_2),
        (-0.761_6, -0.016_898),
    ];
    let (mut states, mut last) = ([0.0; 6], 0.0);
    hiss(frames, seed)
        .iter()
        .map(|white| {
            for (state, (pole, gain)) in states.iter_mut().zip(POLES) {
                *state = pole * *state + gain * white;
            }
            let out = states.iter().sum::<f64>() + last + 0.536_2 * white;
            last = 0.115_926 * white;
            0.02 * out
        })
        .collect()
}

/// The cookbook's peaking equaliser (Bristow-Johnson).
fn ringing(samples: &[f64], hz: f64, gain_db: f64, q: f64) -> Vec<f64> {
    let a = db_to_gain(gain_db / 2.0);
    let (sine, cosine) = (TAU * hz / RATE).sin_cos();
    let alpha = sine / (2.0 * q);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    samples
        .iter()
        .map(|&x| {
            let forward = (1.0 + alpha * a) * x - 2.0 * cosine * x1 + (1.0 - alpha * a) * x2;
            let y = (forward + 2.0 * cosine * y1 - (1.0 - alpha / a) * y2) / (1.0 + alpha / a);
            (x2, x1, y2, y1) = (x1, x, y1, y);
            y
        })
        .collect()
}

/// Mean power per bin of 8192 samples.
fn spectrum(samples: &[f64]) -> Vec<f64> {
    let cells = spectrogram(samples, 8_192);
    (0..4_097).map(|k| cells.iter().map(|frame| frame[k]).sum()).collect()
}

/// Level in decibels between two frequencies.
fn band_db(spectrum: &[f64], from_hz: f64, to_hz: f64) -> f64 {
    let bin = |hz: f64| (hz * 8_192.0 / RATE).round() as usize;
    10.0 * spectrum[bin(from_hz)..=bin(to_hz)].iter().sum::<f64>().log10()
}

/// The largest change of a sixth of an octave from 50 Hz up, at least a third of an octave from `spared_hz`.
fn largest_change_db(before: &[f64], after: &[f64], spared_hz: f64) -> f64 {
    (0..51)
        .map(|n| 50.0 * (f64::from(n) / 6.0).exp2())
        .filter(|hz| (hz / spared_hz).log2().abs() > 1.0 / 3.0 && *hz < 18_000.0)
        .map(|hz| {
            let (from, to) = (hz * (-1.0f64 / 12.0).exp2(), hz * (1.0f64 / 12.0).exp2());
            (band_db(after, from, to) - band_db(before, from, to)).abs()
        })
        .fold(0.0, f64::max)
}

/// The ring of the acceptance figures: what is left of it, and what else changed.
fn ring(mode: Mode) {
    let even = pink(480_000, 5);
    let ringing = ringing(&even, 1_000.0, 12.0, 30.0);
    let settings = Settings { mode, range_db: 18.0, ..Settings::default() };
    let output = run(settings, &ringing, None);
    // After it has got to know the room.
    let late = 96_000..480_000;
    let [even, before, after] = [&even, &ringing, &output].map(|samples| spectrum(&samples[late.clone()]));
    let left = |spectrum: &[f64]| band_db(spectrum, 990.0, 1_010.0) - band_db(&even, 990.0, 1_010.0);
    let (was, is) = (left(&before), left(&after));
    let elsewhere = largest_change_db(&before, &after, 1_000.0);
    let cells = |samples: &[f64]| kurtosis(&spectrogram(&samples[late.clone()], 2_048), 4..900);
    let rise = cells(&output).ln() / cells(&ringing).ln();
    assert!(was > 10.0 && is.abs() < 2.0, "{mode:?}: the ring went from {was:.2} to {is:.2} dB");
    assert!(elsewhere < 0.3, "{mode:?}: {elsewhere:.2} dB elsewhere");
    assert!(rise < 1.1, "{mode:?}: log-kurtosis ratio {rise:.3}");
}

#[test]
fn a_ring_goes_and_the_rest_stays() {
    ring(Mode::Dynamic);
}

#[test]
fn a_rooms_ring_goes_and_the_rest_stays() {
    ring(Mode::Room);
}

#[test]
fn noise_alone_is_left_alone() {
    let input = pink(240_000, 6);
    for mode in [Mode::Dynamic, Mode::Room] {
        let output = run(Settings { mode, range_db: 24.0, ..Settings::default() }, &input, None);
        let change = largest_change_db(&spectrum(&input), &spectrum(&output), 1.0);
        assert!(change < 0.3, "{mode:?}: {change:.2} dB");
    }
}

/// The mode `room` leaves a note alone that the other mode cuts.
#[test]
fn a_rooms_ring_stays_and_notes_go() {
    let background = pink(288_000, 7);
    let gate = |n: usize| if n % 96_000 < 4_800 { 1.0 } else { 0.0 };
    let input: Vec<f64> = (0..288_000)
        .map(|n| background[n] + 0.05 * gate(n) * (TAU * 1_500.0 * n as f64 / RATE).sin())
        .collect();
    let level = |samples: &[f64]| band_db(&spectrum(&samples[96_000..]), 1_480.0, 1_520.0);
    let change = |mode| {
        level(&run(Settings { mode, range_db: 12.0, ..Settings::default() }, &input, None)) - level(&input)
    };
    let (room, dynamic) = (change(Mode::Room), change(Mode::Dynamic));
    assert!(room > -0.5 && dynamic < -4.0, "room {room:.2} dB, dynamic {dynamic:.2} dB");
}

#[test]
fn a_key_makes_room_for_itself() {
    let input = pink(192_000, 8);
    let voice = ringing(&pink(192_000, 9), 2_000.0, 15.0, 8.0);
    let settings = || Settings { range_db: 12.0, ..Settings::default() };
    let change = |key: &[f64], from_hz: f64| {
        let output = run(settings(), &input, Some(key));
        let (before, after) = (spectrum(&input[48_000..]), spectrum(&output[48_000..]));
        band_db(&after, from_hz, from_hz * 1.05) - band_db(&before, from_hz, from_hz * 1.05)
    };
    assert!(change(&voice, 1_950.0) < -4.0, "{:.2} dB", change(&voice, 1_950.0));
    assert!(change(&voice, 700.0).abs() < 0.3);
    // A voice that is buried 50 dB under it is not helped by any cut.
    let buried: Vec<f64> = voice.iter().map(|x| 0.003 * x).collect();
    assert!(change(&buried, 1_950.0).abs() < 0.1);
}

/// A buzzing voice of 180 Hz with vibrato, and a whistle between two of its harmonics.
#[test]
fn harmonics_are_spared_and_a_whistle_is_not() {
    let mut random = noise(3);
    let mut phase = 0.0;
    let input: Vec<f64> = (0..192_000)
        .map(|n| {
            let t = n as f64 / RATE;
            phase += 180.0 * (0.008 * (TAU * 5.0 * t).sin()).exp2() / RATE;
            let buzz: f64 = (1..25).map(|h| (TAU * f64::from(h) * phase).sin() / f64::from(h)).sum();
            0.1 * buzz + 0.02 * (TAU * 3_333.0 * t).sin() + 0.001 * random()
        })
        .collect();
    let change = |spare_percent: f64| {
        let settings = Settings { range_db: 12.0, spare_percent, ..Settings::default() };
        let output = run(settings, &input, None);
        let (before, after) = (spectrum(&input[48_000..]), spectrum(&output[48_000..]));
        let in_band = |from, to| band_db(&after, from, to) - band_db(&before, from, to);
        (in_band(150.0, 2_000.0), in_band(3_320.0, 3_346.0))
    };
    let (harmonics, whistle) = change(100.0);
    assert!(harmonics.abs() < 0.3 && whistle < -4.0, "spared: {harmonics:.2} dB, whistle {whistle:.2} dB");
    let (harmonics, _) = change(0.0);
    assert!(harmonics < -1.0, "not spared: {harmonics:.2} dB");
}

#[test]
fn the_fundamental_is_found() {
    let mut pitch = Pitch::new(4_096, RATE);
    for hz in [70.0, 98.3, 146.8, 220.0, 440.4, 880.0] {
        let samples: Vec<f64> = (0..4_096)
            .map(|n| {
                (1..12)
                    .map(|h| (TAU * hz * f64::from(h * n) / RATE + f64::from(h * h)).sin() / f64::from(h))
                    .sum()
            })
            .collect();
        let voice = pitch.hear(&spectrogram(&samples, 4_096)[0]);
        // A hundredth of a semitone is 0.06 %; the 20th harmonic still lies within its 3 %.
        assert!((voice.fundamental_hz / hz - 1.0).abs() < 2e-3 && voice.sure > 0.99, "{hz} Hz: {voice:?}");
    }
    assert_eq!(pitch.hear(&spectrogram(&hiss(4_096, 4), 4_096)[0]).sure, 0.0);
    assert_eq!(pitch.hear(&[0.0; 2_049]), Voice::default());
}

#[test]
fn the_cut_into_blocks_does_not_matter() {
    let input = ringing(&pink(72_000, 12), 900.0, 18.0, 20.0);
    for mode in ["dynamic", "room"] {
        let mut values = Values::neutral(&KIND);
        values.set(&KIND, "range_db", 12.0).expect("a setting");
        values.set(&KIND, "spare_percent", 50.0).expect("a setting");
        values.set_choice(&KIND, "mode", mode).expect("a choice");
        assert_cuts_agree(&KIND, &values, &input);
    }
}
