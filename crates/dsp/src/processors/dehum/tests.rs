use super::*;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

/// Seeded noise, uniform in -1 .. 1 (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn processed(input: &[f64], rate: f64, mains: Mains) -> Vec<f64> {
    let spec = Spec { sample_rate_hz: rate, channels: 1, max_frames: 1_000 };
    let mut dehum = Dehum::new(Settings { mains, ..Settings::default() }, &spec);
    let latency = dehum.latency();
    let mut samples = input.to_vec();
    samples.resize(input.len() + latency, 0.0);
    samples.chunks_mut(1_000).for_each(|part| dehum.process(&mut Block::from_mono(part), None));
    samples.split_off(latency)
}

/// Lines of hum by multiple and amplitude.
const LINES: [(f64, f64); 7] =
    [(1.0, 0.02), (2.0, 0.01), (3.0, 0.008), (4.0, 0.004), (5.0, 0.006), (7.0, 0.004), (9.0, 0.002)];

/// Hum whose fundamental goes from one frequency to another.
fn hum(seconds: f64, rate: f64, from_hz: f64, to_hz: f64) -> Vec<f64> {
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let turns = from_hz * t + 0.5 * (to_hz - from_hz) / seconds * t * t;
            LINES.iter().map(|(k, level)| level * (TAU * (k * turns).fract() + k).sin()).sum()
        })
        .collect()
}

/// Plucked notes of some pitches with noise, a part of every four seconds silent but for the room.
fn music(seconds: f64, rate: f64, pitches: &[f64]) -> Vec<f64> {
    let mut noise = Noise(77);
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let (note, since) = ((t / 0.8) as usize, t % 0.8);
            let plays = if t % 4.0 < 3.2 { 1.0 } else { 0.0 };
            let hz = pitches[note * 3 % pitches.len()];
            let begins = (since / 0.005).min(1.0);
            // Every stroke begins with a phase of its own.
            let phase = 2.4 * (note * note) as f64;
            let tone: f64 = (1..8)
                .map(|k| (TAU * hz * f64::from(k) * since + phase * f64::from(k)).sin() / f64::from(k))
                .sum();
            0.1 * plays * begins * (-since * 4.0).exp() * tone + 1e-4 * noise.next()
        })
        .collect()
}

const PITCHES: [f64; 6] = [82.4, 110.0, 146.8, 196.0, 261.6, 73.4];

/// Power within a hertz of a frequency over a stretch, by the transform under Hann's window.
fn level_db(samples: &[f64], hz: f64, rate: f64) -> f64 {
    let size = samples.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in samples.iter().enumerate() {
        let window = (std::f64::consts::PI * (n as f64 + 0.5) / size).sin().powi(2);
        let angle = TAU * (hz * n as f64 / rate).fract();
        re += window * x * angle.cos();
        im += window * x * angle.sin();
    }
    20.0 * (4.0 * re.hypot(im) / size).max(1e-9).log10()
}

#[test]
fn lines_go_and_their_neighbours_stay() {
    for (rate, hz, mains) in
        [(44_100.0, 50.02, Mains::Auto), (48_000.0, 59.93, Mains::Auto), (32_000.0, 50.1, Mains::Hz50)]
    {
        let clean = music(12.0, rate, &PITCHES);
        let hum = hum(12.0, rate, hz, hz);
        let humming: Vec<f64> = clean.iter().zip(&hum).map(|(a, b)| a + b).collect();
        let output = processed(&humming, rate, mains);
        let whole = 0..humming.len();
        let left: Vec<f64> = output.iter().zip(&clean).map(|(a, b)| a - b).collect();
        for (k, level) in LINES {
            let before = level_db(&hum[whole.clone()], k * hz, rate);
            let after = level_db(&left[whole.clone()], k * hz, rate);
            let partials = PITCHES.iter().flat_map(|pitch| (1..8).map(move |n| pitch * f64::from(n)));
            let nearest = partials.map(|partial| (partial - k * hz).abs()).fold(f64::MAX, f64::min);
            // A louder note nearer than 4 Hz lies within the lobe of the window, and hides a part of the line.
            let down = if nearest > 4.0 { 25.0 } else { 20.0 };
            assert!(before - after >= down, "{k} x {hz} Hz ({level}): {before:.1} to {after:.1} dB");
            for beside in [-5.0, 5.0] {
                let (old, new) = (
                    level_db(&clean[whole.clone()], k * hz + beside, rate),
                    level_db(&output[whole.clone()], k * hz + beside, rate),
                );
                assert!((old - new).abs() < 0.5, "{beside} Hz beside {k} x {hz}: {old:.2}, {new:.2} dB");
            }
        }
        // And over all time, the ends included.
        let power = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        let down = 10.0 * (power(&hum) / power(&left)).log10();
        assert!(down > 25.0, "{down:.1} dB of all hum at {hz} Hz");
    }
}

#[test]
fn drifting_hum_is_followed() {
    let clean = music(20.0, RATE, &PITCHES);
    let hum = hum(20.0, RATE, 49.9, 50.1);
    let humming: Vec<f64> = clean.iter().zip(&hum).map(|(a, b)| a + b).collect();
    let output = processed(&humming, RATE, Mains::Auto);
    let left: Vec<f64> = output.iter().zip(&clean).map(|(a, b)| a - b).collect();
    let power = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    let down = 10.0 * (power(&hum) / power(&left)).log10();
    assert!(down > 25.0, "{down:.1} dB");
}

#[test]
fn what_does_not_hum_keeps_every_bit() {
    let mut noise = Noise(5);
    let white: Vec<f64> = (0..480_000).map(|_| 0.1 * noise.next()).collect();
    // Notes on the mains' own pitches that come and go, and one tone that stays.
    let notes = music(12.0, RATE, &[50.0, 73.4, 60.0, 100.0, 82.4, 65.4]);
    let tone: Vec<f64> = (0..480_000).map(|n| 0.3 * (TAU * 100.0 * f64::from(n) / RATE).sin()).collect();
    let cases = [
        ("music", music(12.0, RATE, &PITCHES)),
        ("notes on the pitches of the mains", notes),
        ("a tone", tone),
        ("noise", white),
        ("silence", vec![0.0; 300_000]),
        ("one frame", vec![0.7]),
    ];
    for (name, input) in cases {
        let output = processed(&input, RATE, Mains::Auto);
        let first = input.iter().zip(&output).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(first, None, "{name}");
    }
}

#[test]
fn a_bass_on_the_pitch_of_the_hum_keeps_its_notes() {
    let bass = music(16.0, RATE, &[50.0, 73.4, 61.7, 100.0, 82.4, 65.4]);
    let hum = hum(16.0, RATE, 50.03, 50.03);
    let humming: Vec<f64> = bass.iter().zip(&hum).map(|(a, b)| a + b).collect();
    let output = processed(&humming, RATE, Mains::Auto);
    // Second by second: what has changed of the bass is never more than the hum was.
    let left: Vec<f64> = output.iter().zip(&bass).map(|(a, b)| a - b).collect();
    for second in 0..16 {
        let part = second * 48_000..(second + 1) * 48_000;
        for hz in [50.0, 100.0, 150.0] {
            let (was, is) = (level_db(&hum[part.clone()], hz, RATE), level_db(&left[part.clone()], hz, RATE));
            // 3 dB: as much again, in another phase.
            assert!(is < was + 3.0, "{hz} Hz at {second} s: hum {was:.1}, left {is:.1} dB");
        }
    }
    // Where it cannot be told from the bass the hum stays; it never grows.
    let power = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    assert!(power(&left) < power(&hum));
}
