//! What the declipper promises, against signals that were whole before they were clipped here.

use super::*;
use crate::Values;
use crate::blocks::testing::{assert_cuts_agree, noise, plucked, sdr_db};
use audio::Buffer;
use std::f64::consts::TAU;

const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 48_000 };

/// Chords and noise 50 dB under them, peak 1.
fn music(seconds: f64) -> Vec<f64> {
    let mut random = noise(12);
    let sum: Vec<f64> = plucked(seconds, 0.0, 0.21).iter().map(|x| x + 0.003 * random()).collect();
    let peak = sum.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    sum.iter().map(|x| x / peak).collect()
}

fn clipped(signal: &[f64], ceiling: f64) -> Vec<f64> {
    signal.iter().map(|x| x.clamp(-ceiling, ceiling)).collect()
}

/// The ceiling at which the clipped signal is `sdr_db` from the whole one.
fn ceiling_for(signal: &[f64], wanted_db: f64) -> f64 {
    let (mut low, mut high) = (0.01, 1.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if sdr_db(signal, &clipped(signal, middle)) > wanted_db { high = middle } else { low = middle }
    }
    low
}

fn run(settings: Settings, input: &[f64]) -> Vec<f64> {
    let mut processor = Declipper::new(settings, &SPEC);
    let latency = processor.latency();
    let mut padded = input.to_vec();
    padded.extend(vec![0.0; latency]);
    let mut audio = Buffer::from_channels(&[padded]);
    processor.process(&mut audio.as_block_mut(), None);
    audio.channel(0)[latency..].to_vec()
}

fn restoring(ceiling: f64) -> Settings {
    Settings { ceiling_db: audio::gain_to_db(ceiling) - 0.001, rise_db: 20.0, ..Settings::default() }
}

#[test]
fn what_was_cut_off_comes_back() {
    let whole = music(0.45);
    let ceiling = ceiling_for(&whole, 10.0);
    let cut = clipped(&whole, ceiling);
    let restored = run(restoring(ceiling), &cut);
    let gained = sdr_db(&whole, &restored) - sdr_db(&whole, &cut);
    // The figure asked of a declipper at 10 dB of input SDR.
    assert!(gained >= 8.0, "{gained:.2} dB");
    let from = db_to_gain(restoring(ceiling).ceiling_db);
    for n in 0..cut.len() {
        if cut[n].abs() < from {
            assert_eq!(restored[n].to_bits(), cut[n].to_bits(), "the good sample {n}");
        } else {
            assert!(restored[n] * cut[n].signum() >= cut[n].abs(), "the clipped sample {n}: {}", restored[n]);
        }
    }
    assert!(restored.iter().any(|x| x.abs() > 1.2 * ceiling));
}

#[test]
fn each_half_has_its_ceiling_and_peaks_keep_their_bound() {
    let whole = music(0.2);
    let cut: Vec<f64> = whole.iter().map(|x| x.clamp(-0.5, 0.4)).collect();
    let settings = Settings {
        ceiling_db: audio::gain_to_db(0.4) - 0.001,
        asymmetry_db: audio::gain_to_db(0.5 / 0.4),
        rise_db: 2.0,
        output_db: 0.0,
    };
    let restored = run(settings, &cut);
    let rise = db_to_gain(2.0) + 1e-9;
    for n in 0..cut.len() {
        let sample_is_good = cut[n] > -0.499 && cut[n] < 0.399;
        assert!(!sample_is_good || restored[n] == cut[n], "{n}");
        assert!(restored[n] <= 0.4 * rise && restored[n] >= -0.5 * rise, "{n}: {}", restored[n]);
    }
    let most = restored.iter().copied().fold(0.0, f64::max);
    let least = restored.iter().copied().fold(0.0, f64::min);
    assert!(most > 0.42 && least < -0.52, "{most} {least}");
}

#[test]
fn a_signal_below_the_ceiling_passes_bit_for_bit() {
    let whole = music(0.2);
    let restored = run(restoring(1.001), &whole);
    assert!(whole.iter().zip(&restored).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn detection_finds_flat_tops_and_their_levels() {
    let whole = music(0.45);
    let cut: Vec<f64> = whole.iter().map(|x| x.clamp(-0.5, 0.4)).collect();
    let found = detect(&cut).expect("clipped");
    for (level, db) in [(0.4, found.positive_db), (0.5, found.negative_db)] {
        let db = db.expect("clipped");
        // Rounded down to a thousandth, from the lowest sample that counts as flat (two steps of 16 bits).
        let below = audio::gain_to_db(level) - db;
        assert!(below > 0.0 && below < 0.004, "{level}: {db}");
    }
    // Through 16 bits with triangular dither, 6 dB lower: still found, every clipped sample at the ceiling.
    let mut random = noise(3);
    let mut dithered = |x: &f64| ((0.5 * x * 32_768.0 + 0.5 * (random() + random())).round()) / 32_768.0;
    let coarse: Vec<f64> = cut.iter().map(&mut dithered).collect();
    let found = detect(&coarse).expect("clipped");
    let ceiling = db_to_gain(found.positive_db.expect("clipped"));
    assert!((ceiling / 0.2 - 1.0).abs() < 0.01, "{ceiling}");
    assert!(found.negative_db.is_some() && found.runs > 20, "{found:?}");
    let half: Vec<f64> = whole.iter().map(|x| x.min(0.4)).collect();
    let found = detect(&half).expect("clipped above");
    assert!(found.positive_db.is_some() && found.negative_db.is_none());
}

#[test]
fn detection_takes_no_round_top_for_a_flat_one() {
    let mut random = noise(5);
    for hz in [3.0, 20.0, 50.0, 200.0, 997.0, 11_000.0] {
        for amplitude in [1.0, 0.1] {
            let sine = |n: usize| amplitude * (TAU * hz * n as f64 / 48_000.0).sin();
            let exact: Vec<f64> = (0..48_000).map(sine).collect();
            assert_eq!(detect(&exact), None, "{hz} Hz");
            let rounded: Vec<f64> = exact
                .iter()
                .map(|x| (x * 32_767.0 + 0.5 * (random() + random())).round() / 32_768.0)
                .collect();
            assert_eq!(detect(&rounded), None, "{hz} Hz in 16 bits");
        }
    }
    assert_eq!(detect(&music(0.3)), None);
    assert_eq!(detect(&[]), None);
    assert_eq!(detect(&[0.0; 100]), None);
    assert_eq!(detect(&[1.0; 100]), None, "direct current has no top");
}

#[test]
fn the_cut_into_blocks_does_not_matter() {
    let cut: Vec<f64> = clipped(&music(0.3), 0.6);
    let last = cut.len() - 4_096 - 1;
    // The last sample that comes out is a clipped one, so that the comparison sees a restored one.
    let clipped_at = (0..=last).rev().find(|&n| cut[n].abs() >= 0.6).expect("a clipped sample");
    let mut values = Values::neutral(&KIND);
    values.set(&KIND, "ceiling_db", audio::gain_to_db(0.6) - 0.001).expect("a setting");
    values.set(&KIND, "rise_db", 12.0).expect("a setting");
    assert_cuts_agree(&KIND, &values, &cut[..clipped_at + 4_096 + 1]);
}
