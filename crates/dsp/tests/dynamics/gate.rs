use crate::common::*;
use audio::Buffer;
use dsp::processors::gate::KIND;

const HIT_EVERY: usize = 12_000;
const HITS: usize = 8;

/// Drum hits at full level every 250 ms, and bleed 24 dB below: noise and a neighbour's softer hits.
fn hits_and_bleed() -> (Vec<f64>, Vec<f64>) {
    let frames = HIT_EVERY * (HITS + 1);
    let hiss = noise(frames, 1.0, 21);
    let hit = |n: usize| {
        let t = n as f64 / RATE_HZ;
        let tone = (std::f64::consts::TAU * (180.0 * t)).cos();
        (0.7 * tone + 0.3 * hiss[n]) * (-t * 25.0).exp()
    };
    let drum: Vec<f64> =
        (0..frames).map(|n| if n < HIT_EVERY { 0.0 } else { 0.9 * hit(n % HIT_EVERY) }).collect();
    let bleed: Vec<f64> = (0..frames)
        .map(|n| 0.9 * audio::db_to_gain(-24.0) * (0.5 * hit((n + 5_000) % HIT_EVERY) + 0.3 * hiss[n]))
        .collect();
    (drum.iter().zip(&bleed).map(|(d, b)| d + b).collect(), drum)
}

#[test]
fn hits_stay_and_bleed_goes() {
    let (signal, _) = hits_and_bleed();
    for range_db in [12.0, 20.0, 40.0] {
        let numbers = [
            ("threshold_db", -12.0),
            ("hysteresis_db", 6.0),
            ("range_db", range_db),
            ("hold_ms", 30.0),
            ("attack_ms", 0.3),
            ("release_ms", 20.0),
            ("lookahead_ms", 3.0),
        ];
        let mut gate = build(&KIND, RATE_HZ, 1, &numbers, &[]);
        let output = run_aligned(gate.as_mut(), std::slice::from_ref(&signal));
        let gain = |n: usize| db(output[0][n] / signal[n]);
        for hit in 1..=HITS {
            let start = hit * HIT_EVERY;
            for n in start..start + 240 {
                // The first 5 ms. Where the signal crosses zero the ratio says nothing.
                if signal[n].abs() > 1e-6 {
                    assert!(
                        gain(n).abs() < 0.1,
                        "range {range_db}, hit {hit}, frame {}: {}",
                        n - start,
                        gain(n)
                    );
                }
            }
            let quiet = start + HIT_EVERY - 1_500..start + HIT_EVERY - 500;
            let down = rms_db(&signal[quiet.clone()]) - rms_db(&output[0][quiet]);
            assert!((down - range_db).abs() < 1.0, "range {range_db}, after hit {hit}: {down} dB");
        }
        let gains: Vec<f64> = (0..signal.len()).filter(|&n| signal[n].abs() > 1e-5).map(gain).collect();
        let opens = gains.windows(2).filter(|w| w[0] < -range_db / 2.0 && w[1] >= -range_db / 2.0).count();
        assert_eq!(opens, HITS, "range {range_db}: one opening per hit");
    }
}

#[test]
fn the_expander_follows_its_curve() {
    for (ratio, knee, range) in [(2.0, 0.0, 60.0), (4.0, 6.0, 60.0), (3.0, 12.0, 20.0)] {
        for level in [-70.0, -50.0, -43.0, -41.0, -38.0, -30.0] {
            let numbers = [
                ("threshold_db", -40.0),
                ("ratio", ratio),
                ("knee_db", knee),
                ("range_db", range),
                ("release_ms", 10.0),
                ("hysteresis_db", 0.0),
                ("hold_ms", 0.0),
            ];
            let mut gate = build(&KIND, RATE_HZ, 1, &numbers, &[]);
            let output = run(gate.as_mut(), &[vec![audio::db_to_gain(level); 24_000]]);
            // Below the threshold T: T + (x - T) R; the knee is a parabola that meets both lines smoothly.
            let under = -40.0 - level;
            let expected: f64 = if under <= -knee / 2.0 {
                0.0
            } else if under < knee / 2.0 {
                (ratio - 1.0) * (under + knee / 2.0).powi(2) / (2.0 * knee)
            } else {
                (ratio - 1.0) * under
            };
            let seen = level - db(output[0][23_999]);
            assert!((seen - expected.min(range)).abs() < 0.001, "{ratio} {knee} {level}: {seen} {expected}");
        }
    }
}

/// Upward the same curve stands on its head: (R - 1) decibels more per decibel over the threshold, up to the range.
#[test]
fn upward_it_raises_what_is_above() {
    for (ratio, knee, range) in [(1.5, 0.0, 24.0), (2.0, 6.0, 24.0), (2.0, 12.0, 6.0)] {
        for level in [-60.0, -45.0, -41.0, -38.0, -30.0, -20.0] {
            let numbers = [
                ("threshold_db", -40.0),
                ("ratio", ratio),
                ("knee_db", knee),
                ("range_db", range),
                ("attack_ms", 5.0),
            ];
            let mut gate = build(&KIND, RATE_HZ, 1, &numbers, &[("direction", "upward")]);
            let output = run(gate.as_mut(), &[vec![audio::db_to_gain(level); 24_000]]);
            let over = level + 40.0;
            let expected: f64 = if over <= -knee / 2.0 {
                0.0
            } else if over < knee / 2.0 {
                (ratio - 1.0) * (over + knee / 2.0).powi(2) / (2.0 * knee)
            } else {
                (ratio - 1.0) * over
            };
            let seen = db(output[0][23_999]) - level;
            assert!((seen - expected.min(range)).abs() < 0.001, "{ratio} {knee} {level}: {seen} {expected}");
        }
    }
}

#[test]
fn hysteresis_and_hold_are_as_stated() {
    let level = |db: f64, ms: usize| vec![audio::db_to_gain(db); ms * 48];
    let numbers = [
        ("threshold_db", -30.0),
        ("hysteresis_db", 6.0),
        ("range_db", 40.0),
        ("hold_ms", 100.0),
        ("attack_ms", 0.05),
        ("release_ms", 1.0),
    ];
    let mut gate = build(&KIND, RATE_HZ, 1, &numbers, &[]);
    // Below, above, between the thresholds, below for less than the hold, between, and below for good.
    let input = [
        level(-32.0, 200),
        level(-29.0, 50),
        level(-35.0, 500),
        level(-37.0, 90),
        level(-35.0, 50),
        level(-37.0, 500),
    ]
    .concat();
    let output = run(gate.as_mut(), std::slice::from_ref(&input));
    let gain = |ms: usize| db(output[0][ms * 48] / input[ms * 48]);
    assert!(gain(190) < -39.0, "closed between the thresholds when it comes from below");
    for ms in [210, 400, 740, 830, 880] {
        assert!(gain(ms) > -0.001, "open at {ms} ms: {}", gain(ms));
    }
    // Closing begins a hold after the fall at 890 ms; the envelope takes 5 ms x ln(10^(1/20)) more.
    assert!(gain(989) > -0.001 && gain(996) < -30.0, "{} {}", gain(989), gain(996));
}

#[test]
fn the_key_filters_choose_what_opens_it() {
    for (hz, key_high_pass_hz, key_low_pass_hz, opens) in [
        (60.0, 0.0, 24_000.0, true),
        (60.0, 300.0, 24_000.0, false),
        (6_000.0, 0.0, 500.0, false),
        (400.0, 200.0, 800.0, true),
    ] {
        let numbers = [
            ("threshold_db", -20.0),
            ("range_db", 60.0),
            ("release_ms", 5.0),
            ("key_high_pass_hz", key_high_pass_hz),
            ("key_low_pass_hz", key_low_pass_hz),
        ];
        let mut gate = build(&KIND, RATE_HZ, 1, &numbers, &[]);
        let input = sine(24_000, RATE_HZ, hz, 0.5, 0.0);
        let output = run(gate.as_mut(), std::slice::from_ref(&input));
        let down = rms_db(&input[12_000..]) - rms_db(&output[0][12_000..]);
        assert!(if opens { down < 0.001 } else { down > 50.0 }, "{hz} Hz: {down} dB");
    }
    // And an external key opens it for a signal that would not.
    let mut gate = build(&KIND, RATE_HZ, 2, &[("threshold_db", -20.0), ("range_db", 60.0)], &[]);
    let mut quiet = Buffer::from_channels(&[vec![0.001; 4096], vec![0.001; 4096]]);
    let key = Buffer::from_channels(&[vec![0.5; 4096]]);
    gate.process(&mut quiet.as_block_mut(), Some(&key.as_block()));
    assert!((quiet.channel(1)[4095] / 0.001 - 1.0).abs() < 1e-6);
}
