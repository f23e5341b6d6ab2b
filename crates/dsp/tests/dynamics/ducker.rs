use crate::common::*;
use audio::{Buffer, db_to_gain};
use dsp::processors::ducker::KIND;

/// Output for a key, in one call per 4096 frames, the latency taken away.
fn ducked(input: &[f64], key: &[f64], numbers: &[(&str, f64)], choices: &[(&str, &str)]) -> Vec<f64> {
    let mut processor = build(&KIND, RATE_HZ, 1, numbers, choices);
    let latency = processor.latency();
    let longer =
        |x: &[f64]| -> Vec<f64> { x.iter().copied().chain(std::iter::repeat_n(0.0, latency)).collect() };
    let (mut buffer, key) = (Buffer::from_channels(&[longer(input)]), Buffer::from_channels(&[longer(key)]));
    for start in (0..buffer.frames()).step_by(4096) {
        let frames = (buffer.frames() - start).min(4096);
        let part = key.range(start, frames);
        processor.process(&mut buffer.range_mut(start, frames), Some(&part));
    }
    buffer.channel(0)[latency..].to_vec()
}

/// A voice: two words of a tone, 0.5 s each, 0.1 s apart, in silence.
fn words() -> Vec<f64> {
    let word = sine(24_000, RATE_HZ, 220.0, 0.25, 0.0);
    [vec![0.0; 24_000], word.clone(), vec![0.0; 4_800], word, vec![0.0; 120_000]].concat()
}

#[test]
fn the_depth_is_exact_and_the_way_back_whole() {
    let key = words();
    let music = vec![0.5; key.len()];
    for range_db in [2.0, 6.0, 20.0] {
        let numbers = [
            ("range_db", range_db),
            ("attack_ms", 20.0),
            ("hold_ms", 150.0),
            ("release_ms", 100.0),
            ("lookahead_ms", 50.0),
        ];
        let output = ducked(&music, &key, &numbers, &[]);
        let gain = |n: usize| db(output[n] / music[n]);
        // From 200 ms into the first word to the end of the second: exactly the range, through the gap as well. What
        // is left of the attack after 250 ms is e^-12.
        for n in 33_600..76_000 {
            assert!((gain(n) + range_db).abs() < 1e-3, "{range_db} dB, frame {n}: {}", gain(n));
        }
        assert_eq!(output[20_000], 0.5, "untouched before the lookahead");
        assert_eq!(output[key.len() - 1], 0.5, "bit for bit after the way back");
        // Smooth: over the steepest frame of a 20 ms attack no more than the range over it.
        let steepest = (0..key.len() - 1).map(|n| (gain(n + 1) - gain(n)).abs()).fold(0.0, f64::max);
        assert!(steepest < 1.05 * range_db / 960.0, "{range_db} dB: {steepest} dB in one frame");
    }
}

#[test]
fn the_times_are_as_stated() {
    let key: Vec<f64> = [vec![0.0; 24_000], vec![0.5; 24_000], vec![0.0; 96_000]].concat();
    let music = vec![0.5; key.len()];
    let numbers = [("range_db", 12.0), ("attack_ms", 30.0), ("hold_ms", 200.0), ("release_ms", 300.0)];
    let output = ducked(&music, &key, &numbers, &[]);
    let first = |from: usize, test: &dyn Fn(f64) -> bool| {
        (from..key.len()).find(|n| test(db(output[*n] / 0.5))).expect("reached") - from
    };
    let down = 12.0 * (1.0 - (-1f64).exp());
    let attack = first(24_000, &|gain| gain <= -down) as f64 / 48.0;
    assert!((attack - 30.0).abs() < 0.1, "{attack} ms");
    // The envelope falls from -6 dBFS by 37 dB, to the lower end of the knee, in 10 ms times ln of that; from the
    // upper end on the way back has begun, 6 dB earlier.
    let envelope = |fall_db: f64| 10.0 * fall_db / 20.0 * 10f64.ln();
    let begins = first(48_000, &|gain| gain > -11.99) as f64 / 48.0;
    let expected = 200.0 + envelope(31.0);
    assert!((expected - 1.0..expected + 6.0).contains(&begins), "{begins} ms, not {expected}");
    let release = first(48_000, &|gain| gain > -(12.0 - down)) as f64 / 48.0 - 200.0;
    let range = 300.0 + envelope(31.0)..300.0 + envelope(37.0);
    assert!((range.start - 1.0..range.end + 1.0).contains(&release), "{release} ms, not in {range:?}");
}

#[test]
fn the_knee_goes_from_nothing_to_everything() {
    let reduction = |level_db: f64, knee_db: f64| {
        let key = vec![db_to_gain(level_db); 48_000];
        let numbers = [("threshold_db", -30.0), ("range_db", 10.0), ("knee_db", knee_db), ("hold_ms", 0.0)];
        -db(ducked(&vec![0.5; 48_000], &key, &numbers, &[])[47_999] / 0.5)
    };
    for knee_db in [6.0, 24.0] {
        assert_eq!(reduction(-30.0 - knee_db / 2.0 - 0.01, knee_db), 0.0);
        assert!((reduction(-30.0, knee_db) - 5.0).abs() < 0.001);
        assert!((reduction(-30.0 + knee_db / 2.0, knee_db) - 10.0).abs() < 0.001);
        assert!((reduction(-10.0, knee_db) - 10.0).abs() < 0.001);
        let path: Vec<f64> =
            (0..=20).map(|n| reduction(-30.0 + knee_db * (f64::from(n) / 20.0 - 0.5), knee_db)).collect();
        assert!(path.windows(2).all(|w| w[1] > w[0]), "{path:?}");
    }
}

#[test]
fn the_band_mode_leaves_bass_and_air_alone() {
    let key = vec![0.5; 96_000];
    for range_db in [3.0, 6.0, 12.0] {
        let gain_at = |hz: f64| {
            let numbers = [("range_db", range_db), ("low_hz", 150.0), ("high_hz", 4_000.0)];
            let input = sine(96_000, RATE_HZ, hz, 0.1, 0.0);
            let output = ducked(&input, &key, &numbers, &[("mode", "band")]);
            db(amplitude(&output[48_000..], RATE_HZ, hz) / amplitude(&input[48_000..], RATE_HZ, hz))
        };
        // The product of both shelves on the bilinear transform's frequency scale:
        // |H|^2 = (1 + G^2 a) / (1 + a) (G^2 + b) / (1 + b) / G^2 with a, b the fourth powers of the scaled frequency.
        let g2 = db_to_gain(-2.0 * range_db);
        let scaled = |hz: f64, edge: f64| {
            let tangent = |hz: f64| (std::f64::consts::PI * hz / RATE_HZ).tan();
            (tangent(hz) / tangent(edge)).powi(4)
        };
        for hz in [30.0, 80.0, 150.0, 400.0, 800.0, 2_000.0, 4_000.0, 8_000.0, 15_000.0] {
            let (a, b) = (scaled(hz, 150.0), scaled(hz, 4_000.0));
            let expected = 10.0 * ((1.0 + g2 * a) / (1.0 + a) * (g2 + b) / (1.0 + b) / g2).log10();
            assert!(
                (gain_at(hz) - expected).abs() < 0.01,
                "{range_db} dB at {hz} Hz: {} {expected}",
                gain_at(hz)
            );
        }
        assert!(
            (gain_at(775.0) + range_db).abs() < 0.5,
            "the middle goes down by the range: {}",
            gain_at(775.0)
        );
        assert!(gain_at(40.0).abs() < 0.2 && gain_at(15_000.0).abs() < 0.3, "bass and air stay");
    }
}

#[test]
fn key_filters_let_a_kick_through_and_not_a_hat() {
    for (hz, least, most) in [(60.0, 9.9, 10.1), (8_000.0, 0.0, 0.01)] {
        let key = sine(48_000, RATE_HZ, hz, 0.5, 0.0);
        let numbers = [("threshold_db", -20.0), ("range_db", 10.0), ("key_low_pass_hz", 200.0)];
        let output = ducked(&vec![0.5; 48_000], &key, &numbers, &[]);
        let down = -db(output[47_999] / 0.5);
        assert!((least..=most).contains(&down), "{hz} Hz: {down} dB");
    }
}
