use super::*;
use audio::Buffer;
use realfft::RealFftPlanner;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;
const SPEC: Spec = Spec { sample_rate_hz: RATE, channels: 1, max_frames: 4_096 };

fn band(shape: Shape, freq_hz: f64, range_db: f64, threshold_db: f64) -> Band {
    Band { r#type: shape, freq_hz, range_db, threshold_db, ..Band::default() }
}

fn sine(hz: f64, amplitude: f64, frames: usize) -> Vec<f64> {
    (0..frames).map(|n| amplitude * (TAU * (hz * n as f64 / RATE).fract()).sin()).collect()
}

fn run(bands: Vec<Band>, input: &[Vec<f64>]) -> Buffer {
    let spec = Spec { channels: input.len(), ..SPEC };
    let mut audio = Buffer::from_channels(input);
    let mut eq = DynamicEqualiser::new(Settings { bands, ..Settings::default() }, &spec);
    for start in (0..audio.frames()).step_by(4_096) {
        let frames = 4_096.min(audio.frames() - start);
        eq.process(&mut audio.range_mut(start, frames), None);
    }
    audio
}

/// Level change in decibels of a steady tone, over its last half second.
fn change_db(band: &Band, hz: f64, amplitude: f64) -> f64 {
    let input = sine(hz, amplitude, 96_000);
    let output = run(vec![band.clone()], std::slice::from_ref(&input));
    let power = |x: &[f64]| x[72_000..].iter().map(|x| x * x).sum::<f64>();
    10.0 * (power(output.channel(0)) / power(&input)).log10()
}

/// The static law at the centre: loud down, loud up, quiet up, quiet down; below, at and far beyond the threshold.
#[test]
fn a_steady_tone_is_moved_by_the_law() {
    for (range_db, trigger) in
        [(-12.0, Trigger::Above), (9.0, Trigger::Above), (12.0, Trigger::Below), (-20.0, Trigger::Below)]
    {
        for hz in [60.0, 1_000.0, 9_000.0] {
            for level_db in [-60.0, -33.0, -28.0, -20.0, -3.0] {
                let band = Band { trigger, ratio: 3.0, ..band(Shape::Bell, hz, range_db, -30.0) };
                let expected = f64::signum(range_db) * static_move_db(level_db, &band);
                let seen = change_db(&band, hz, db_to_gain(level_db));
                // 0.1 dB is asked.
                assert!(
                    (seen - expected).abs() < 0.1,
                    "{hz} Hz {level_db} dB: {seen:.3} {expected:.3} {band:?}"
                );
            }
        }
    }
}

#[test]
fn shelves_move_what_lies_beyond_the_corner() {
    let hard = |shape, hz| Band { ratio: 100.0, knee_db: 0.0, ..band(shape, hz, -9.0, -60.0) };
    // Two octaves and more beyond the corner: a shelf of Q 0.7071 is within 0.2 dB of its gain there.
    for (shape, corner, inside, outside) in
        [(Shape::LowShelf, 400.0, 60.0, 4_000.0), (Shape::HighShelf, 3_000.0, 15_000.0, 300.0)]
    {
        let seen = change_db(&hard(shape, corner), inside, 0.3);
        assert!((seen + 9.0).abs() < 0.2, "{shape:?}: {seen}");
        // Outside it is not heard (24 dB down and more), hence hardly moved, and would hardly be changed.
        let seen = change_db(&hard(shape, corner), outside, 0.3);
        assert!(seen.abs() < 0.2, "{shape:?} outside: {seen}");
    }
}

/// At full range the bell is the audio-EQ cookbook's.
#[test]
fn the_shape_at_full_range_is_the_cookbooks() {
    for range_db in [-12.0, 9.0] {
        let bell = Band { ratio: 100.0, knee_db: 0.0, q: 2.0, ..band(Shape::Bell, 1_000.0, range_db, -80.0) };
        for hz in [500.0, 800.0, 1_000.0, 1_300.0, 2_500.0] {
            let prototype = crate::blocks::matched::bell(range_db, 2.0);
            let expected = 10.0 * prototype.power((hz / 1_000.0f64).powi(2)).log10();
            let seen = change_db(&bell, hz, 0.5);
            // Warping at a tenth of the Nyquist frequency: under 0.1 dB on the slopes.
            assert!((seen - expected).abs() < 0.1, "{hz} Hz: {seen:.3} {expected:.3}");
        }
    }
}

/// 100 Hz and 5 kHz, 6 dB of action at 5 kHz: whatever is neither of the two is intermodulation.
#[test]
fn bands_do_not_modulate_one_another() {
    let frames = 96_000;
    let input: Vec<f64> =
        sine(100.0, 0.4, frames).iter().zip(sine(5_000.0, 0.2, frames)).map(|(a, b)| a + b).collect();
    let bell = Band { ratio: 100.0, knee_db: 0.0, q: 1.0, ..band(Shape::Bell, 5_000.0, -6.0, -60.0) };
    let by_law = Band { ratio: 2.0, range_db: -30.0, threshold_db: -26.0, ..bell.clone() };
    for band in [bell, by_law] {
        let output = run(vec![band.clone()], std::slice::from_ref(&input));
        let mut last = output.channel(0)[48_000..].to_vec();
        let transform = RealFftPlanner::new().plan_fft_forward(48_000);
        let mut spectrum = transform.make_output_vec();
        transform.process(&mut last, &mut spectrum).expect("lengths fit");
        let level = |hz: usize| 20.0 * (spectrum[hz].norm() / 24_000.0).log10();
        // A bin per hertz.
        let moved = level(5_000) + 13.979;
        assert!((moved + 6.0).abs() < 0.3, "{moved} dB of action");
        let worst = (1..24_000).filter(|hz| *hz != 100 && *hz != 5_000).map(level).fold(-400.0, f64::max);
        assert!(worst < -70.0 - 13.979, "{band:?}: {worst:.1} dBFS");
    }
}

#[test]
fn a_relative_threshold_does_not_hear_the_level() {
    let bell = Band { relative: true, ratio: 4.0, ..band(Shape::Bell, 3_000.0, -24.0, -20.0) };
    let mix = |gain: f64| -> Vec<f64> {
        let low = sine(200.0, 0.5 * gain, 96_000);
        low.iter().zip(sine(3_000.0, 0.25 * gain, 96_000)).map(|(a, b)| a + b).collect()
    };
    let loud = run(vec![bell.clone()], &[mix(1.0)]);
    let soft = run(vec![bell], &[mix(0.01)]);
    for n in (60_000..96_000).step_by(37) {
        let (a, b) = (loud.channel(0)[n], soft.channel(0)[n] * 100.0);
        // The floor of -120 dBFS under each power.
        assert!((a - b).abs() < 1e-4, "{n}: {a} {b}");
    }
    let power: f64 = loud.channel(0)[60_000..].iter().map(|x| x * x).sum();
    let before: f64 = mix(1.0)[60_000..].iter().map(|x| x * x).sum();
    assert!(power < 0.9 * before, "it works");
}

#[test]
fn a_key_moves_the_band_and_lookahead_moves_it_early() {
    let bell = Band { attack_ms: 1.0, ..band(Shape::Bell, 1_000.0, -12.0, -40.0) };
    let settings = Settings { lookahead_ms: 10.0, bands: vec![bell], ..Settings::default() };
    let mut eq = DynamicEqualiser::new(settings, &SPEC);
    assert_eq!(eq.latency(), 480);
    let mut audio = Buffer::from_channels(&[sine(1_000.0, 0.01, 4_000)]);
    let key: Vec<f64> =
        sine(1_000.0, 0.5, 4_000).iter().enumerate().map(|(n, x)| if n < 2_000 { 0.0 } else { *x }).collect();
    eq.process(&mut audio.as_block_mut(), Some(&BlockRef::from_mono(&key)));
    let peak =
        |range: std::ops::Range<usize>| audio.channel(0)[range].iter().fold(0.0f64, |m, x| m.max(x.abs()));
    // Nothing before the key; nearly all of 12 dB on the frame that came with it.
    assert!((peak(600..2_000) - 0.01).abs() < 1e-5, "{}", peak(600..2_000));
    assert!(peak(2_480..2_600) < 0.01 * db_to_gain(-11.0), "{}", peak(2_480..2_600));
    assert!(eq.reading().gain_reduction_db > 11.5);
}

/// Only what is changed is added: a side band leaves the middle to the last bit of rounding.
#[test]
fn a_side_band_leaves_the_middle() {
    let left = sine(1_000.0, 0.5, 20_000);
    let right = sine(700.0, 0.4, 20_000);
    let bell = Band { channel: Channel::Side, ..band(Shape::Bell, 1_000.0, -12.0, -40.0) };
    let output = run(vec![bell], &[left.clone(), right.clone()]);
    let mut most = 0.0f64;
    for n in 0..20_000 {
        let (l, r) = (output.channel(0)[n], output.channel(1)[n]);
        assert!((l + r - left[n] - right[n]).abs() < 1e-15, "{n}");
        most = most.max((l - left[n]).abs());
    }
    assert!(most > 0.05, "it works");
}

#[test]
fn below_the_threshold_no_bit_changes() {
    let input = sine(900.0, 0.02, 20_000);
    let bands = vec![
        band(Shape::Bell, 1_000.0, -12.0, -20.0),
        band(Shape::LowShelf, 1_000.0, -12.0, -20.0),
        band(Shape::HighShelf, 700.0, 12.0, -20.0),
    ];
    assert_eq!(run(bands, std::slice::from_ref(&input)).channel(0), &input[..]);
}
