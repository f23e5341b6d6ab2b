use crate::common::*;
use audio::Buffer;
use dsp::Kind;
use dsp::processors::limiter::{KIND, Over, repair};
use std::f64::consts::PI;

/// A true-peak meter of its own: 16 points per frame, each a sinc under a Blackman window of 128 frames.
struct Meter {
    phases: Vec<Vec<f64>>,
}

const POINTS: usize = 16;
const REACH: usize = 64;

impl Meter {
    fn new() -> Meter {
        let phases = (0..POINTS)
            .map(|phase| {
                let tap = |k: usize| {
                    let t = phase as f64 / POINTS as f64 + (REACH - 1) as f64 - k as f64;
                    let sinc = if t == 0.0 { 1.0 } else { (PI * t).sin() / (PI * t) };
                    let turn = PI * t / REACH as f64;
                    sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
                };
                (0..2 * REACH).map(tap).collect()
            })
            .collect();
        Meter { phases }
    }

    /// Highest peak of each interval between two frames that may exceed `least`, else 0.
    fn intervals(&self, samples: &[f64], least: f64) -> Vec<f64> {
        let silence = vec![0.0; REACH];
        let padded = [&silence[..], samples, &silence].concat();
        (0..samples.len())
            .map(|n| {
                // The windowed sincs sum to less than 3 in magnitude, most of it from the nearest frames.
                let near = padded[n + REACH - 3..n + REACH + 4].iter().fold(0.0f64, |m, x| m.max(x.abs()));
                if near < 0.3 * least {
                    return 0.0;
                }
                let under = &padded[n + 1..n + 1 + 2 * REACH];
                self.phases
                    .iter()
                    .map(|taps| taps.iter().zip(under).map(|(t, x)| t * x).sum::<f64>().abs())
                    .fold(0.0, f64::max)
            })
            .collect()
    }

    fn peak_dbtp(&self, channels: &[Vec<f64>]) -> f64 {
        let peak = |c: &Vec<f64>| self.intervals(c, 0.1).into_iter().fold(0.0, f64::max);
        db(channels.iter().map(peak).fold(1e-9, f64::max))
    }

    fn overs(&self, channels: &[Vec<f64>], ceiling_dbtp: f64) -> Vec<Over> {
        let ceiling = audio::db_to_gain(ceiling_dbtp);
        let mut overs = Vec::new();
        for channel in channels {
            for (frame, peak) in self.intervals(channel, ceiling).into_iter().enumerate() {
                if peak > ceiling {
                    overs.push(Over { frame, excess_db: db(peak / ceiling) });
                }
            }
        }
        overs
    }
}

#[test]
fn the_meter_reads_tones() {
    let meter = Meter::new();
    for frequency in [0.01, 0.25, 0.4, 0.45] {
        let tone = sine(4000, 1.0, frequency, 1.0, 0.125);
        let fade: Vec<f64> =
            tone.iter().enumerate().map(|(n, x)| x * (PI * n as f64 / 4000.0).sin().powi(2)).collect();
        // 0.034 dB is what 16 points can miss at 0.45 fs.
        let read = meter.peak_dbtp(&[fade]);
        assert!((-0.04..0.005).contains(&read), "{frequency}: {read}");
    }
}

/// Signals that find the weak places of a limiter, at 0 dBFS, before the drive.
fn nasty(rate_hz: f64) -> Vec<(String, Vec<f64>)> {
    let frames = 6_000;
    let burst = |n: usize| if (n / 700) % 3 == 1 { 1.0 } else { 0.05 };
    let bursts = |x: Vec<f64>| -> Vec<f64> { x.iter().enumerate().map(|(n, x)| x * burst(n)).collect() };
    let square = |hz: f64| -> Vec<f64> {
        (0..frames).map(|n| if (n as f64 * hz / rate_hz).fract() < 0.5 { 1.0 } else { -1.0 }).collect()
    };
    let alternating: Vec<f64> = (0..frames).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let impulses: Vec<f64> = (0..frames).map(|n| if n % 977 == 500 { 1.0 } else { 0.0 }).collect();
    let mut signals = vec![
        ("square".to_string(), square(120.0)),
        ("square bursts".into(), bursts(square(1_234.0))),
        ("white noise".into(), noise(frames, 1.0, 3)),
        ("noise bursts".into(), bursts(noise(frames, 1.0, 4))),
        ("fs/4 at 45 degrees".into(), sine(frames, 1.0, 0.25, 1.0, 0.125)),
        ("fs/4 bursts".into(), bursts(sine(frames, 1.0, 0.25, 1.0, 0.125))),
        ("alternating".into(), alternating.clone()),
        ("alternating bursts".into(), bursts(alternating)),
        ("impulses".into(), impulses),
        ("0.45 fs".into(), sine(frames, 1.0, 0.45, 1.0, 0.05)),
        ("0.45 fs bursts".into(), bursts(sine(frames, 1.0, 0.45, 1.0, 0.05))),
        ("low tone".into(), sine(frames, rate_hz, 50.0, 1.0, 0.0)),
    ];
    let kick: Vec<f64> = (0..frames)
        .map(|n| {
            let t = (n % 2_400) as f64 / rate_hz;
            (-t * 30.0).exp() * (2.0 * PI * (50.0 * t + 4.0 * (1.0 - (-t * 80.0).exp()))).sin()
        })
        .collect();
    let hiss = noise(frames, 0.4, 8);
    // Struck strings that sound on into each other, over the drum.
    let strings = |n: usize| -> f64 {
        let t = (n % 1_500) as f64 / rate_hz;
        let root = [110.0, 146.8, 196.0, 98.0][n / 1_500];
        (1..16).map(|k| (2.0 * PI * root * f64::from(k) * t).sin() * (-t * f64::from(20 + 8 * k)).exp()).sum()
    };
    let programme = kick.iter().zip(&hiss).enumerate().map(|(n, (k, h))| k + 0.4 * h + 0.3 * strings(n));
    signals.push(("programme".into(), programme.collect()));
    signals.push(("kick and hiss".into(), kick.iter().zip(&hiss).map(|(k, h)| k + h).collect()));
    signals
}

/// Runs a limiter over all of these at one rate and takes the last overs out: none may be left. `most_db` is what may be
/// left before the repair.
pub(crate) fn the_ceiling_is_kept(
    kind: &Kind,
    rate_hz: f64,
    numbers: &[(&str, f64)],
    choices: &[(&str, &str)],
    most_db: f64,
) {
    let meter = Meter::new();
    for (name, mut signal) in nasty(rate_hz) {
        // Room for what stands after the end.
        signal.extend([0.0; 600]);
        let mut limiter = build(kind, rate_hz, 1, &[numbers, &[("ceiling_dbtp", -1.0)]].concat(), choices);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&signal));
        let over_db = meter.peak_dbtp(&output) + 1.0;
        // Beside half the rate, where a clipper leaves something, every meter reads another value.
        let most_db = if name.starts_with("alternating") && most_db > 0.02 { 3.0 } else { most_db };
        let what = format!("{name}, {rate_hz} Hz, {numbers:?}, {choices:?}");
        assert!(over_db <= most_db, "{what}: {over_db} dB over before repair");

        let mut buffer = Buffer::from_channels(&output);
        let half_width = (rate_hz * 0.002) as usize;
        let mut passes = 0;
        loop {
            let overs = meter.overs(&[buffer.channel(0).to_vec()], -1.0);
            if overs.is_empty() {
                break;
            }
            passes += 1;
            assert!(passes <= 3, "{what}: {} overs left after 3 passes", overs.len());
            repair(&mut buffer.as_block_mut(), 0, &overs, half_width);
        }
    }
}

pub(crate) const RATES_HZ: [f64; 4] = [44_100.0, 48_000.0, 88_200.0, 96_000.0];

#[test]
fn overshoot_is_hundredths_before_and_zero_after_repair() {
    for rate_hz in RATES_HZ {
        for (drive, mode) in [(4.0, "fixed"), (12.0, "two_stage"), (8.0, "adaptive"), (12.0, "multi_stage")] {
            // A meter of 128 frames and one of 96 with another window agree to hundredths wherever the
            // signal has no strength between 0.48 and 0.5 fs, and nearly so on white noise.
            let numbers = [("drive_db", drive), ("release_ms", 30.0)];
            the_ceiling_is_kept(&KIND, rate_hz, &numbers, &[("release_mode", mode)], 0.02);
        }
    }
}

#[test]
fn every_character_keeps_the_ceiling() {
    for rate_hz in RATES_HZ {
        // What a clipper takes away reaches right up to half the rate, where two meters differ most.
        for (character, most_db) in
            [("transparent", 0.02), ("punchy", 0.3), ("aggressive", 0.3), ("safe", 0.02)]
        {
            the_ceiling_is_kept(&KIND, rate_hz, &[("drive_db", 12.0)], &[("character", character)], most_db);
        }
    }
}

#[test]
fn repair_ends_where_a_longer_filter_disagrees() {
    // Peaks of full-scale noise planted in a file that no limiter has seen: 1 dB and more to take away.
    let meter = Meter::new();
    let mut buffer = Buffer::from_channels(&[noise(6_000, 1.0, 11), noise(6_000, 0.7, 12)]);
    let before = buffer.clone();
    let planes = |b: &Buffer| [b.channel(0).to_vec(), b.channel(1).to_vec()];
    assert!(meter.peak_dbtp(&planes(&buffer)) > 1.0);
    let mut passes = 0;
    loop {
        let overs = meter.overs(&planes(&buffer), -0.5);
        if overs.is_empty() {
            break;
        }
        passes += 1;
        assert!(passes <= 6, "{} overs left", overs.len());
        repair(&mut buffer.as_block_mut(), 0, &overs, 96);
    }
    // Both channels by the same gain: the image stands still.
    for n in 0..6_000 {
        let (left, right) =
            (buffer.channel(0)[n] / before.channel(0)[n], buffer.channel(1)[n] / before.channel(1)[n]);
        assert!((left - right).abs() < 1e-12, "frame {n}");
    }
}

#[test]
fn below_the_ceiling_every_bit_is_kept() {
    let signal = noise(20_000, 0.4, 9);
    for (what, mode) in [
        ("release_mode", "fixed"),
        ("release_mode", "adaptive"),
        ("release_mode", "two_stage"),
        ("release_mode", "multi_stage"),
        ("character", "transparent"),
        ("character", "punchy"),
        ("character", "aggressive"),
        ("character", "safe"),
    ] {
        let mut limiter = build(&KIND, RATE_HZ, 1, &[("ceiling_dbtp", -1.0)], &[(what, mode)]);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&signal));
        assert!(meter_free_equal(&output[0], &signal), "{mode}");
        // And again after it has worked: 5 s are 50 release times, 20 of the slowest adaptive one.
        run(limiter.as_mut(), &[vec![2.0; 4_800]]);
        run(limiter.as_mut(), &[vec![0.0; 48_000 * 60]]);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&signal));
        assert!(meter_free_equal(&output[0], &signal), "{mode} after limiting");
    }
}

fn meter_free_equal(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn a_low_note_stays_clean() {
    // 100 Hz, 3 dB of reduction. The gain may not follow the waveform. With 5 ms of lookahead, half a period,
    // it stands still; with less the release has to keep it there.
    for (mode, lookahead, release) in [
        ("fixed", 2.0, 300.0),
        ("adaptive", 2.0, 50.0),
        ("two_stage", 2.0, 100.0),
        ("fixed", 5.0, 100.0),
        ("adaptive", 5.0, 50.0),
        ("two_stage", 8.0, 200.0),
    ] {
        let numbers =
            [("drive_db", 3.0), ("ceiling_dbtp", 0.0), ("lookahead_ms", lookahead), ("release_ms", release)];
        let mut limiter = build(&KIND, RATE_HZ, 1, &numbers, &[("release_mode", mode)]);
        let output = run(limiter.as_mut(), &[sine(144_000, RATE_HZ, 100.0, 1.0, 0.0)]);
        let steady = &output[0][96_000..];
        assert!((limiter.reading().gain_reduction_db - 3.0).abs() < 0.1, "{mode}");
        assert!((rms_db(steady) + 3.0103).abs() < 0.1, "{mode}: {} dB", rms_db(steady));
        let thd = thd_db(steady, RATE_HZ, 100.0);
        assert!(thd < -50.0, "{mode}, {lookahead} ms, {release} ms: {thd} dB");
    }
}

#[test]
fn the_link_keeps_the_image_and_no_link_leaves_the_other_channel_alone() {
    let loud = sine(24_000, RATE_HZ, 330.0, 1.9, 0.0);
    let quiet = sine(24_000, RATE_HZ, 270.0, 0.1, 0.1);
    let gains = |link: f64| {
        let numbers = [("ceiling_dbtp", -1.0), ("link_percent", link)];
        let mut limiter = build(&KIND, RATE_HZ, 2, &numbers, &[]);
        let output = run_aligned(limiter.as_mut(), &[loud.clone(), quiet.clone()]);
        (rms_db(&output[0]) - rms_db(&loud), rms_db(&output[1]) - rms_db(&quiet))
    };
    let (left, right) = gains(100.0);
    // The tones weigh the first milliseconds, before the gain is down, a little differently.
    assert!(left < -6.0 && (left - right).abs() < 0.01, "{left} {right}");
    let (left, right) = gains(0.0);
    assert!(left < -6.0 && right == 0.0, "{left} {right}");
    let (left, right) = gains(75.0);
    assert!((right - 0.75 * left).abs() < 0.05, "{left} {right}");
}

#[test]
fn release_is_the_time_to_63_percent_and_adapts_when_asked() {
    let recovery_ms = |mode: &str, loud_ms: usize| {
        let mut input = vec![0.5; 4_800];
        input.extend(vec![4.0; loud_ms * 48]);
        input.extend(vec![0.5; 144_000]);
        let end = 4_800 + loud_ms * 48;
        let numbers = [("ceiling_dbtp", 0.0), ("release_ms", 50.0)];
        let mut limiter = build(&KIND, RATE_HZ, 1, &numbers, &[("release_mode", mode)]);
        let output = run_aligned(limiter.as_mut(), std::slice::from_ref(&input));
        let gain = |n: usize| db(output[0][n] / 0.5);
        let deepest = db(output[0][end - 100] / 4.0);
        let there = (end..input.len()).find(|&n| gain(n) >= deepest * (-1f64).exp()).expect("it comes back");
        (there - end) as f64 / 48.0
    };
    // The hold over the lookahead (5 ms) and the middle of the smoothing come on top: under 8 ms.
    let fixed = recovery_ms("fixed", 1_000);
    assert!((50.0..58.0).contains(&fixed), "{fixed} ms");
    let (short, long) = (recovery_ms("adaptive", 2), recovery_ms("adaptive", 2_000));
    assert!(short < 70.0, "after 2 ms: {short} ms");
    assert!(long > 300.0, "after 2 s: {long} ms");
}

#[test]
fn a_transparent_limiter_leaves_tones_as_they_are() {
    // 6 dB of limiting. A second of the steady state: whole periods of all of these.
    for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
        for (hz, most_db) in
            [(30.0, -60.0), (60.0, -60.0), (1_000.0, -120.0), (997.0, -120.0), (9_001.0, -100.0)]
        {
            let frames = (rate_hz * 4.0) as usize;
            let numbers = [("drive_db", 6.0), ("ceiling_dbtp", 0.0)];
            let mut limiter = build(&KIND, rate_hz, 1, &numbers, &[("character", "transparent")]);
            let output = run(limiter.as_mut(), &[sine(frames, rate_hz, hz, 1.0, 0.0)]);
            let steady = &output[0][frames - rate_hz as usize..];
            let reduction = limiter.reading().gain_reduction_db;
            assert!((5.9..6.2).contains(&reduction), "{hz} Hz at {rate_hz}: {reduction} dB");
            let thd_n = thd_n_db(steady, rate_hz, hz);
            assert!(thd_n < most_db, "{hz} Hz at {rate_hz} Hz: THD+N {thd_n} dB");
        }
    }
}
