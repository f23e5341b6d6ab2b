//! `measure --between`: planted delays and polarity, rates that differ, and requests that cannot be met.

use crate::common::{object, refuses, succeeds, tonmeister, wav16, words};
use std::f64::consts::PI;
use std::path::Path;

const USAGE: i32 = 2;

/// Noise in strokes, band-limited to an eighth of the rate by a moving mean, so that it can be read at any instant.
struct Noise(Vec<f64>);

impl Noise {
    fn new(seed: u64) -> Noise {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let white: Vec<f64> = (0..(4 * 48_000))
            .map(|n| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let stroke = (-f64::from(n % 12_000) / 3_000.0).exp();
                stroke * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
            })
            .collect();
        Noise(white.windows(16).map(|w| w.iter().sum::<f64>() / 8.0).collect())
    }

    /// The value at an instant in frames of 48 kHz: a windowed sinc.
    fn at(&self, frame: f64) -> f64 {
        let middle = frame.floor() as i64;
        (middle - 15..=middle + 16)
            .filter_map(|n| Some((n, self.0.get(usize::try_from(n).ok()?)?)))
            .map(|(n, x)| {
                let t = frame - n as f64;
                let sinc = if t.abs() < 1e-9 { 1.0 } else { (PI * t).sin() / (PI * t) };
                x * sinc * (0.5 + 0.5 * (PI * t / 17.0).cos())
            })
            .sum()
    }

    /// Three seconds at a rate, `delay_s` later.
    fn heard(&self, rate_hz: f64, delay_s: f64, gain: f64) -> Vec<f64> {
        (0..(3.0 * rate_hz) as usize)
            .map(|n| gain * self.at((n as f64 / rate_hz - delay_s) * 48_000.0))
            .collect()
    }
}

fn write(path: &Path, samples: &[f64], rate_hz: u32) {
    let mut bytes = wav16(&[samples.to_vec()]);
    bytes[24..28].copy_from_slice(&rate_hz.to_le_bytes());
    bytes[28..32].copy_from_slice(&(2 * rate_hz).to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn microphones_and_maskers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let (drum, other) = (Noise::new(1), Noise::new(2));
    let mut bottom = drum.heard(48_000.0, 0.0011, -0.5);
    // The other instrument bleeds into it, 20 dB below.
    bottom.iter_mut().zip(other.heard(48_000.0, 0.0, 0.05)).for_each(|(x, bleed)| *x += bleed);
    write(&home.join("top.wav"), &drum.heard(48_000.0, 0.0, 0.5), 48_000);
    write(&home.join("bottom.wav"), &bottom, 48_000);
    // The same source at another rate, early, and shorter.
    write(&home.join("room.wav"), &drum.heard(44_100.0, -0.0025, 0.4)[..88_200], 44_100);
    write(&home.join("other.wav"), &other.heard(48_000.0, 0.0, 0.02), 48_000);
    let value = object(&succeeds(home, "measure --json --between top.wav bottom.wav room.wav other.wav"));
    assert_eq!(value["schema"], "tonmeister.measure/1");
    assert_eq!(value["files"].as_array().unwrap().len(), 4);
    let pairs = value["between"]["pairs"].as_array().unwrap();
    let pair = |a: &str, b: &str| pairs.iter().find(|p| p["a"] == a && p["b"] == b).expect("a pair");
    let bottom = pair("top.wav", "bottom.wav");
    // A tenth of a frame is 2 us; 52.8 frames.
    assert!((bottom["delay_ms"].as_f64().unwrap() - 1.1).abs() < 0.002, "{bottom}");
    assert!(bottom["inverted"] == true && bottom["shares_sound"] == true, "{bottom}");
    let room = pair("top.wav", "room.wav");
    assert!((room["delay_ms"].as_f64().unwrap() + 2.5).abs() < 0.002, "{room}");
    // More than half of both is one sound.
    assert!(room["inverted"] == false && room["coherence"].as_f64().unwrap() > 0.5, "{room}");
    assert_eq!(pair("top.wav", "other.wav")["shares_sound"], false);
    // The other one is 28 dB below in the same bands at the same time.
    let masking = value["between"]["masking"].as_array().unwrap();
    let soft = masking.iter().find(|m| m["file"] == "other.wav").unwrap();
    assert!(
        soft["masked_share"].as_f64().unwrap() > 0.8 && soft["loudness_left"].as_f64().unwrap() < 0.3,
        "{soft}"
    );
    let top = masking.iter().find(|m| m["file"] == "top.wav").unwrap();
    // Nor is it masked by other microphones that hold the same.
    assert_eq!(top["by"].as_array().unwrap().len(), 0, "{top}");
    assert_eq!(top["same_source"].as_array().unwrap().len(), 2, "{top}");
    assert!(soft.get("same_source").is_none(), "{soft}");

    let text = succeeds(home, "measure --between top.wav bottom.wav other.wav").stdout;
    assert!(
        text.contains("top and bottom: opposite polarity, the second is 52.8 frames (1.10 ms) late"),
        "{text}"
    );
    assert!(text.contains("other is masked by top") || text.contains("other is masked by bottom"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn one_file_is_no_pair_and_a_broken_one_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let noise = Noise::new(3).heard(48_000.0, 0.0, 0.5);
    write(&home.join("a.wav"), &noise, 48_000);
    write(&home.join("b.wav"), &noise, 48_000);
    write(&home.join("silent.wav"), &[0.0; 48_000], 48_000);
    write(&home.join("short.wav"), &[0.5], 48_000);
    std::fs::write(home.join("broken.wav"), b"no audio").unwrap();
    refuses(home, &words("measure --between a.wav"), USAGE, &["two or more"]);
    let ran =
        tonmeister(home, &words("measure --between --json a.wav broken.wav b.wav silent.wav short.wav"));
    let value = object(&ran);
    assert_eq!(value["unreadable"].as_array().unwrap().len(), 1, "{ran:?}");
    let pairs = value["between"]["pairs"].as_array().unwrap();
    let same = pairs.iter().find(|p| p["a"] == "a.wav" && p["b"] == "b.wav").unwrap();
    assert!(same["delay_frames"].as_f64().unwrap().abs() < 0.01 && same["inverted"] == false, "{same}");
    assert!(pairs.iter().all(|p| p["b"] != "silent.wav"), "{pairs:?}");
}
