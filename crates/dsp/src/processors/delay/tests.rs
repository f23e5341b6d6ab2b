//! Time, stability and the character of the echoes.

use super::*;
use audio::Buffer;
use num_complex::Complex64;
use proptest::prelude::*;

fn wet() -> Settings {
    Settings { mix_percent: 100.0, feedback_percent: 0.0, ..Settings::default() }
}

fn build(settings: &Settings, sample_rate_hz: f64) -> Delay {
    Delay::new(settings.clone(), &Spec { sample_rate_hz, channels: 2, max_frames: 1 << 20 }, false)
}

fn render(settings: &Settings, sample_rate_hz: f64, left: Vec<f64>, right: Vec<f64>) -> [Vec<f64>; 2] {
    let mut buffer = Buffer::from_channels(&[left, right]);
    build(settings, sample_rate_hz).process(&mut buffer.as_block_mut(), None);
    [buffer.channel(0).to_vec(), buffer.channel(1).to_vec()]
}

fn impulse(frames: usize) -> Vec<f64> {
    let mut samples = vec![0.0; frames];
    samples[0] = 1.0;
    samples
}

/// Fourier transform of `samples`, the first of which stands at frame `first`, at `hz`, seen from `origin`.
fn transform(samples: &[f64], first: usize, origin: f64, hz: f64, rate: f64) -> Complex64 {
    let angle = |n: usize| -TAU * ((first + n) as f64 - origin) * hz / rate;
    samples.iter().enumerate().map(|(n, x)| Complex64::from_polar(*x, angle(n))).sum()
}

#[test]
fn note_values_of_the_tempo() {
    let at = |sync, tempo_bpm| echo_frames(&Settings { sync, tempo_bpm, ..wet() }, 48_000.0);
    // 120 per minute: a quarter is half a second.
    assert_eq!(at(Sync::Quarter, 120.0), 24_000.0);
    assert_eq!(at(Sync::EighthDotted, 120.0), 18_000.0);
    assert_eq!(at(Sync::EighthTriplet, 90.0), 48_000.0 * 60.0 / 90.0 / 3.0);
    assert_eq!(at(Sync::Half, 30.0), 4.0 * 48_000.0);
    assert_eq!(at(Sync::Off, 30.0), 0.35 * 48_000.0);
    // A dotted note is one and a half, three triplets fill two plain ones.
    for (plain, dotted, triplet) in [
        (Sync::Quarter, Sync::QuarterDotted, Sync::QuarterTriplet),
        (Sync::Eighth, Sync::EighthDotted, Sync::EighthTriplet),
        (Sync::Sixteenth, Sync::SixteenthDotted, Sync::SixteenthTriplet),
    ] {
        assert_eq!(dotted.beats().unwrap(), 1.5 * plain.beats().unwrap());
        assert!((3.0 * triplet.beats().unwrap() - 2.0 * plain.beats().unwrap()).abs() < 1e-15);
    }
}

#[test]
fn echoes_come_on_time_at_any_tempo() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        for (tempo_bpm, high_cut_hz) in [(93.7, 22_000.0), (127.33, 22_000.0), (171.0, 5_000.0)] {
            let settings = Settings { sync: Sync::Sixteenth, tempo_bpm, high_cut_hz, ..wet() };
            let frames = 60.0 / tempo_bpm / 4.0 * rate;
            let echo = render(
                &settings,
                rate,
                impulse(9_000 * rate as usize / 44_100),
                vec![0.0; 9_000 * rate as usize / 44_100],
            );
            for hz in [1500.0, 2000.0] {
                let late = -transform(&echo[0], 0, frames, hz, rate).arg() / (TAU * hz / rate);
                // The promise is a tenth of a frame; with the high cut the phase bends by its third order,
                // 0.24 (hz / cut)^2 of its delay.
                let bound = if high_cut_hz < 10_000.0 { 0.5 } else { 0.1 };
                assert!(late.abs() < bound, "{tempo_bpm} bpm at {rate} Hz: {late:.3} frames late at {hz} Hz");
            }
        }
    }
}

proptest! {
    // Each case renders up to two seconds.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tempo_is_kept_to_a_tenth_of_a_frame(tempo_bpm in 60.0f64..300.0, rate in 44_100.0f64..96_000.0) {
        let settings = Settings { sync: Sync::Eighth, tempo_bpm, ..wet() };
        let frames = 30.0 / tempo_bpm * rate;
        let length = frames as usize + 2_000;
        let echo = render(&settings, rate, impulse(length), vec![0.0; length]);
        // The low cut at 10 Hz turns 4 kHz by 0.0035 rad, 0.006 frames.
        let late = -transform(&echo[0], 0, frames, 4_000.0, rate).arg() / (TAU * 4_000.0 / rate);
        prop_assert!(late.abs() < 0.1, "{late:.3} frames late");
    }
}

#[test]
fn a_tape_slides_to_its_new_time() {
    let rate = 48_000.0;
    let settings = Settings { time_ms: 100.0, time_change: TimeChange::Slide, ..wet() };
    for new_ms in [50.0, 110.0, 300.0] {
        let mut delay = build(&settings, rate);
        let (mut out, mut n) = (Vec::new(), 0);
        for period in 0..1_500 {
            if period == 200 {
                delay.set(KIND.address("time_ms").unwrap(), new_ms);
            }
            let tone = |n: usize| (TAU * 1_000.0 * n as f64 / rate).sin();
            let samples: Vec<f64> = (n..n + 64).map(tone).collect();
            n += 64;
            let mut block = Buffer::from_channels(&[samples.clone(), samples]);
            delay.process(&mut block.as_block_mut(), None);
            out.extend_from_slice(block.channel(0));
        }
        // Never faster than half an octave up and more, and never a step: the slope of 1.5 kHz.
        let fastest = out[6_000..].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(fastest < TAU * 1_500.0 / rate * 1.01, "{new_ms}: {fastest}");
        // Two seconds later the echo stands at its new place, as exactly as ever.
        let end = out.len();
        let late = |n: usize| (TAU * 1_000.0 * (n as f64 - new_ms * 48.0) / rate).sin();
        let worst = (end - 4_800..end).map(|n| (out[n] - late(n)).abs()).fold(0.0, f64::max);
        // The low cut turns 1 kHz by 0.014 rad.
        assert!(worst < 0.02, "{new_ms}: {worst}");
        // On the way the pitch was lower or higher: one second of zero crossings counts the cycles that are left out.
        let crossings = |range: std::ops::Range<usize>| {
            out[range].windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count() as f64
        };
        let seen = crossings(200 * 64..end);
        let expected = (end - 200 * 64) as f64 / 48.0 - (new_ms - 100.0);
        assert!((seen - expected).abs() <= 1.5, "{new_ms}: {seen} cycles, {expected} expected");
    }
}

#[test]
fn repeats_stay_on_the_grid_for_five_minutes() {
    // A burst of 6 kHz, whose phase tells its place to a hundredth of a frame.
    let rate = 48_000.0;
    let settings = Settings { feedback_percent: 98.0, sync: Sync::Quarter, tempo_bpm: 120.7, ..wet() };
    let mut delay = build(&settings, rate);
    let burst = |n: usize| {
        let t = n as f64 - 400.0;
        (-(t / 100.0).powi(2)).exp() * (TAU * 6_000.0 * t / rate).cos()
    };
    let beat = 60.0 / 120.7 * rate;
    // The cuts' phases at 6 kHz, Butterworth under the trapezoidal rule, against the delay that the line gives up for
    // the high cut.
    let warped = |hz: f64| (std::f64::consts::PI * (hz / rate).min(0.49)).tan();
    let turned = |cut_hz: f64| {
        let ratio = warped(6_000.0) / warped(cut_hz);
        (2f64.sqrt() * ratio).atan2(1.0 - ratio * ratio)
    };
    let lead = std::f64::consts::PI - turned(settings.low_cut_hz);
    let filtered =
        (turned(settings.high_cut_hz) - lead) / (TAU * 6_000.0 / rate) - delay.high_cut.delay_frames();
    let (mut block, mut repeat) = (Buffer::new(2, 4_800), 1.0f64);
    let mut past: Vec<f64> = Vec::new();
    let mut begin = 0usize;
    for second_tenth in 0..3_000 {
        block.clear();
        if second_tenth == 0 {
            (0..800).for_each(|n| block.channel_mut(0)[n] = burst(n));
        }
        delay.process(&mut block.as_block_mut(), None);
        past.extend_from_slice(block.channel(0));
        // When the whole of the next repeat has come, it is measured and forgotten.
        let place = 400.0 + repeat * beat;
        if (begin + past.len()) as f64 > place + 400.0 {
            let first = place as usize - 400;
            let piece = &past[first - begin..first - begin + 800];
            let late = -transform(piece, first, place, 6_000.0, rate).arg() / (TAU * 6_000.0 / rate);
            // What the cuts turn 6 kHz each time is theirs; beside it not a tenth of a frame in five minutes.
            assert!((late - repeat * filtered).abs() < 0.1, "repeat {repeat}: {late:.3} frames");
            past.drain(..first + 800 - begin);
            begin = first + 800;
            repeat += 1.0;
        }
    }
    assert!(repeat > 600.0);
}

#[test]
fn a_whole_number_of_frames_is_read_exactly_and_nothing_is_amplified() {
    for whole in [4.0, 5.0, 100.0] {
        let weights = Tap::new(whole).weights;
        assert_eq!(weights, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }
    for part in 0..100 {
        let tap = Tap::new(50.0 + f64::from(part) / 100.0);
        for hz in 0..=48 {
            let gain = transform(&tap.weights, 0, 0.0, f64::from(hz) * 500.0, 48_000.0).norm();
            assert!(gain < 1.0 + 1e-12, "gain {gain} at {hz}");
        }
    }
}

#[test]
fn the_fullest_feedback_dies_away_under_every_filter() {
    for (low_cut_hz, high_cut_hz) in [(10.0, 22_000.0), (1000.0, 1000.0), (10.0, 1000.0), (500.0, 5_000.0)] {
        for ping_pong in [false, true] {
            let settings = Settings {
                time_ms: 1.0,
                feedback_percent: 98.0,
                low_cut_hz,
                high_cut_hz,
                ping_pong,
                wow_percent: 1.0,
                ..wet()
            };
            let mut input: Vec<f64> = (0..96_000).map(|n| if n / 24 % 2 == 0 { 1.0 } else { -1.0 }).collect();
            input[48_000..].fill(0.0);
            let [out, _] = render(&settings, 48_000.0, input.clone(), input);
            let peak = |s: &[f64]| s.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            // 50 times is what 98 % can add up to; a second later 1000 echoes have passed: -175 dB.
            assert!(peak(&out) <= 52.0 && peak(&out[90_000..]) < 1e-3, "{low_cut_hz} {high_cut_hz}");
        }
    }
}

#[test]
fn ping_pong_changes_sides() {
    let settings = Settings { time_ms: 10.0, ping_pong: true, feedback_percent: 50.0, ..wet() };
    let [left, right] = render(&settings, 48_000.0, impulse(2_400), impulse(2_400));
    let energy =
        |s: &[f64], echo: usize| s[echo * 480 - 100..echo * 480 + 100].iter().map(|x| x * x).sum::<f64>();
    for echo in 1..5 {
        let (here, there) = if echo % 2 == 1 { (&left, &right) } else { (&right, &left) };
        assert!(energy(here, echo) > 0.5 * 0.25f64.powi(echo as i32 - 1), "echo {echo}");
        // What the low cut at 10 Hz still does of the echoes before.
        assert!(energy(there, echo) < 0.01 * energy(here, echo), "echo {echo}");
    }
}

#[test]
fn echoes_step_back_while_the_dry_sound_plays() {
    let rate = 48_000.0;
    let tone = |hz: f64, n: usize| 0.25 * (TAU * hz * n as f64 / rate).sin();
    let input: Vec<f64> = (0..96_000).map(|n| if n < 48_000 { tone(1000.0, n) } else { 0.0 }).collect();
    let settings = Settings { time_ms: 1_000.0 / 3.0, feedback_percent: 90.0, ..wet() };
    let plain = render(&settings, rate, input.clone(), input.clone());
    let ducked = render(&Settings { ducking_db: 12.0, ..settings }, rate, input.clone(), input);
    let db = |range: std::ops::Range<usize>| {
        let energy = |s: &[f64]| s.iter().map(|x| x * x).sum::<f64>();
        10.0 * (energy(&ducked[0][range.clone()]) / energy(&plain[0][range])).log10()
    };
    // At -12 dBFS the detector has done over 97 % of its work; 0.9 s of release are seven times its time.
    assert!((db(40_000..48_000) + 12.0).abs() < 0.5, "{}", db(40_000..48_000));
    assert!(db(90_000..96_000).abs() < 0.5, "{}", db(90_000..96_000));
}

#[test]
fn wow_bends_the_pitch_by_what_it_says() {
    let rate = 48_000.0;
    let input: Vec<f64> = (0..144_000).map(|n| (TAU * 1000.0 * n as f64 / rate).sin()).collect();
    let settings = Settings { time_ms: 100.0, wow_percent: 0.5, ..wet() };
    let [out, _] = render(&settings, rate, input.clone(), input);
    let mut furthest = 0.0f64;
    let mut last: Option<f64> = None;
    // Pitch from the turning of the phase against 1 kHz, every 10 ms over two swings.
    for place in (9_600..143_000).step_by(480) {
        let phase = transform(&out[place..place + 480], place, 0.0, 1000.0, rate).arg();
        if let Some(last) = last {
            let turn = (phase - last + TAU * 1.5).rem_euclid(TAU) - TAU / 2.0;
            furthest = furthest.max((turn / TAU / 0.01 / 1000.0).abs());
        }
        last = Some(phase);
    }
    assert!((furthest * 100.0 - 0.5).abs() < 0.01, "{:.4} %", furthest * 100.0);
}

#[test]
fn saturation_leaves_quiet_sounds_and_rounds_loud_ones() {
    let settings = Settings { time_ms: 10.0, saturation_percent: 100.0, ..wet() };
    let echo = |level: f64| {
        let input: Vec<f64> =
            (0..9_600).map(|n| level * (TAU * 1000.0 * n as f64 / 48_000.0).sin()).collect();
        let [out, _] = render(&settings, 48_000.0, input.clone(), input);
        out[4_800..].iter().fold(0.0, |m: f64, x| m.max(x.abs()))
    };
    // Slope one at -80 dBFS. What is read between two samples of a flat top stands up to a tenth higher
    // than the line's own ceiling of -12 dBFS.
    assert!((echo(1e-4) / 1e-4 - 1.0).abs() < 1e-3, "{}", echo(1e-4));
    assert!(echo(100.0) <= db_to_gain(-12.0) * 1.1, "{}", echo(100.0));
}

/// A line that holds no more than its time gives the same bits as one that holds the longest.
#[test]
fn what_will_not_be_set_needs_no_room() {
    let (rate, frames) = (48_000.0, 30_000);
    for (time_ms, wow_percent, high_cut_hz) in
        [(1.0, 1.0, 22_000.0), (37.5, 0.0, 1_000.0), (375.0, 1.0, 5_000.0), (4_000.0, 1.0, 22_000.0)]
    {
        let settings = Settings { time_ms, wow_percent, high_cut_hz, feedback_percent: 90.0, ..wet() };
        let spec = Spec { sample_rate_hz: rate, channels: 2, max_frames: frames };
        let [roomy, tight] = [false, true].map(|still| {
            let mut delay = Delay::new(settings.clone(), &spec, still);
            let sound = |n: usize| ((n * n % 7_919) as f64 * 0.37).sin();
            let mut all = Vec::new();
            for block in 0..8 {
                let samples: Vec<f64> = (0..frames).map(|n| sound(block * frames + n)).collect();
                let mut buffer = Buffer::from_channels(&[samples.clone(), samples]);
                delay.process(&mut buffer.as_block_mut(), None);
                all.extend(buffer.channel(0).iter().chain(buffer.channel(1)).map(|x| x.to_bits()));
            }
            all
        });
        assert!(roomy == tight, "{time_ms} ms");
    }
}
