use crate::common::*;
use audio::db_to_gain;
use dsp::processors::leveller::KIND;
use std::f64::consts::TAU;

const SECOND: usize = 48_000;

/// K-weighted, ungated loudness at 48 kHz by the coefficients printed in BS.1770: an implementation of its own.
fn lufs(samples: &[f64]) -> f64 {
    let biquad = |b: [f64; 3], a: [f64; 2], input: &[f64]| -> Vec<f64> {
        let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
        let step = |now: &f64| {
            let out = b[0] * now + b[1] * x[0] + b[2] * x[1] - a[0] * y[0] - a[1] * y[1];
            (x, y) = ([*now, x[0]], [out, y[0]]);
            out
        };
        input.iter().map(step).collect()
    };
    let shelf = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
    let shelved = biquad(shelf, [-1.690_659_293_182_41, 0.732_480_774_215_85], samples);
    -0.691 + rms_db(&biquad([1.0, -2.0, 1.0], [-1.990_047_454_833_98, 0.990_072_250_366_21], &shelved))
}

/// A phrase with syllables, four a second, at a loudness: a harmonic tone and breath that swell and fade by 12 dB.
fn phrase(seconds: usize, loudness: f64, seed: u64) -> Vec<f64> {
    let breath = noise(seconds * SECOND, 0.05, seed);
    let raw: Vec<f64> = (0..seconds * SECOND)
        .map(|n| {
            let t = n as f64 / RATE_HZ;
            let syllable = db_to_gain(-6.0 + 6.0 * (TAU * 4.0 * t).sin());
            let tone: f64 = (1..12).map(|k| (TAU * 180.0 * f64::from(k) * t).sin() / f64::from(k)).sum();
            syllable * (0.2 * tone + breath[n])
        })
        .collect();
    let gain = db_to_gain(loudness - lufs(&raw));
    raw.iter().map(|x| gain * x).collect()
}

const PAUSE_S: usize = 4;
const PHRASE_S: usize = 4;
const LOUDNESS: [f64; 3] = [-30.0, -18.0, -24.0];

/// Pause, phrase, pause, ...; room noise at -65 LUFS everywhere.
fn voice(gain: f64) -> Vec<f64> {
    let mut voice = vec![0.0; PAUSE_S * SECOND];
    for (seed, loudness) in LOUDNESS.into_iter().enumerate() {
        voice.extend(phrase(PHRASE_S, loudness, seed as u64 + 50));
        voice.extend(vec![0.0; PAUSE_S * SECOND]);
    }
    let room = noise(voice.len(), 1.0, 77);
    let level = db_to_gain(-65.0 - lufs(&room[..SECOND]));
    voice.iter().zip(&room).map(|(v, r)| gain * (v + level * r)).collect()
}

fn levelled(input: &[f64], numbers: &[(&str, f64)], choices: &[(&str, &str)]) -> Vec<f64> {
    run_aligned(build(&KIND, RATE_HZ, 1, numbers, choices).as_mut(), &[input.to_vec()]).remove(0)
}

fn phrase_at(n: usize) -> std::ops::Range<usize> {
    let start = (PAUSE_S + n * (PHRASE_S + PAUSE_S)) * SECOND;
    start..start + PHRASE_S * SECOND
}

#[test]
fn phrases_come_to_one_loudness_and_pauses_stay() {
    let input = voice(1.0);
    let output = levelled(&input, &[("range_db", 15.0), ("target_lufs", -20.0)], &[]);
    for (n, before) in LOUDNESS.into_iter().enumerate() {
        let after = lufs(&output[phrase_at(n)]);
        assert!((after + 20.0).abs() < 0.5, "a phrase at {before} LUFS came to {after}");
    }
    // A ride of a second is over 1.2 s after the phrase: the rest of each pause is untouched.
    for n in 0..=LOUDNESS.len() {
        let end = (PAUSE_S + n * (PHRASE_S + PAUSE_S)) * SECOND;
        let rest = end - PAUSE_S * SECOND + 5 * SECOND / 4..end - 5 * SECOND / 4;
        assert_eq!(output[rest.clone()], input[rest], "pause {n}");
    }
}

#[test]
fn the_range_holds() {
    let input = voice(1.0);
    let output = levelled(&input, &[("range_db", 4.0), ("target_lufs", -20.0)], &[]);
    for (n, expected) in [-26.0, -20.0, -20.0].into_iter().enumerate() {
        let after = lufs(&output[phrase_at(n)]);
        assert!((after - expected).abs() < 0.6, "phrase {n}: {after}");
    }
}

/// Gain in decibels, one value per 10 ms, from where the signal is not near zero.
fn gain_path(input: &[f64], output: &[f64]) -> Vec<f64> {
    input
        .chunks(480)
        .zip(output.chunks(480))
        .map(|(i, o)| {
            let n = (0..i.len()).max_by(|a, b| i[*a].abs().total_cmp(&i[*b].abs())).expect("frames");
            db(o[n] / i[n])
        })
        .collect()
}

#[test]
fn the_gain_moves_slowly() {
    let input = voice(1.0);
    let output = levelled(&input, &[("range_db", 15.0)], &[]);
    let path = gain_path(&input, &output);
    // Energy of the path's motion above 2 Hz against all of it, both without the constant; by projection over the
    // whole length, and a Hann window against its ends.
    let length = path.len();
    let power = |hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, gain) in path.iter().enumerate() {
            let window = 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos();
            let (sin, cos) = (TAU * hz * n as f64 / 100.0).sin_cos();
            re += window * gain * cos;
            im += window * gain * sin;
        }
        re * re + im * im
    };
    let step = 100.0 / length as f64;
    let sum = |from: f64, to: f64| -> f64 {
        let count = ((to - from) / step) as usize;
        (0..count).map(|n| power(from + n as f64 * step)).sum()
    };
    let share = 10.0 * (sum(2.0, 20.0) / sum(step, 2.0)).log10();
    assert!(share < -40.0, "{share} dB of the motion is above 2 Hz");
    // And the syllables, 12 dB deep at 4 Hz, are not evened out: they are the singing.
    assert!(10.0 * (power(4.0) / power(step)).log10() < -50.0);
}

/// The gain is centred on what it follows: at a step from one phrase into a louder one it is half way.
#[test]
fn the_gain_neither_leads_nor_lags() {
    let hiss = noise(12 * SECOND, 1.0, 5);
    let own = lufs(&hiss[..SECOND]);
    let [soft, loud] = [-26.0, -20.0].map(|loudness: f64| db_to_gain(loudness - own));
    let input: Vec<f64> =
        hiss.iter().enumerate().map(|(n, x)| x * if n < 6 * SECOND { soft } else { loud }).collect();
    let output = levelled(&input, &[("range_db", 12.0), ("target_lufs", -23.0)], &[]);
    let path = gain_path(&input, &output);
    assert!((path[300] - 3.0).abs() < 0.3 && (path[900] + 3.0).abs() < 0.3, "{} {}", path[300], path[900]);
    let crossing = path[200..1000].iter().position(|gain| *gain < 0.0).expect("crosses") + 200;
    // The mean of powers leans to the louder side: by less than a quarter of the ride.
    assert!((575..=605).contains(&crossing), "{crossing}0 ms");
}

#[test]
fn on_its_own_mean_the_level_does_not_matter() {
    let numbers = [("range_db", 15.0), ("pause_lufs", -80.0)];
    let paths = [1.0, 0.3].map(|gain| {
        let input = voice(gain)[PAUSE_S * SECOND..].to_vec();
        gain_path(&input, &levelled(&input, &numbers, &[("reference", "own")]))
    });
    for (n, (a, b)) in paths[0].iter().zip(&paths[1]).enumerate() {
        assert!((a - b).abs() < 0.01, "{n}0 ms: {a} {b}");
    }
    let spread = |path: &[f64]| path.iter().fold(0.0, |most: f64, gain| most.max(gain.abs()));
    assert!(spread(&paths[0]) > 3.0, "it does something");
}

/// The conformance suite's signals are shorter than its latency: blocks once more, over a whole ride.
#[test]
fn the_cut_into_blocks_does_not_matter() {
    let input = &voice(1.0)[3 * SECOND..9 * SECOND];
    let numbers = [("range_db", 15.0), ("ride_s", 0.4)];
    let whole = levelled(input, &numbers, &[]);
    let mut processor = build(&KIND, RATE_HZ, 1, &numbers, &[]);
    let mut buffer = audio::Buffer::from_channels(&[input.to_vec()]);
    let mut start = 0;
    for size in [1, 63, 64, 1_000, 7, 4_096].into_iter().cycle() {
        let frames = size.min(input.len() - start);
        processor.process(&mut buffer.range_mut(start, frames), None);
        start += frames;
        if start == input.len() {
            break;
        }
    }
    let latency = processor.latency();
    assert_eq!(&buffer.channel(0)[latency..], &whole[..input.len() - latency]);
}
