//! What makes a plate good, measured on its impulse responses.

use super::*;
use crate::blocks::acoustics::*;
use audio::Buffer;

/// Only wet, one decay time at all frequencies.
fn wet() -> Settings {
    Settings {
        decay_s: 1.5,
        low_decay_ratio: 1.0,
        high_decay_ratio: 1.0,
        mix_percent: 100.0,
        ..Settings::default()
    }
}

/// What comes out of both channels after an impulse into the left, the right, or both.
fn response(settings: &Settings, into: [f64; 2], seconds: f64) -> [Vec<f64>; 2] {
    let mut buffer = Buffer::new(2, (seconds * RATE_HZ) as usize);
    (0..2).for_each(|c| buffer.channel_mut(c)[0] = into[c]);
    let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: buffer.frames() };
    Plate::new(settings.clone(), &spec, false).process(&mut buffer.as_block_mut(), None);
    [buffer.channel(0).to_vec(), buffer.channel(1).to_vec()]
}

fn many_responses(settings: &Settings, seconds: f64) -> Vec<Vec<f64>> {
    let cases = [40.0, 45.0, 50.0, 55.0, 60.0].into_iter();
    cases
        .flat_map(|size| [[1.0, 0.0], [0.0, 1.0]].map(|into| (size, into)))
        .flat_map(|(size_percent, into)| {
            response(&Settings { size_percent, ..settings.clone() }, into, seconds)
        })
        .collect()
}

#[test]
fn decay_time_in_every_octave() {
    for (low, high) in [(1.0, 1.0), (1.3, 0.5)] {
        let settings = Settings { decay_s: 1.6, low_decay_ratio: low, high_decay_ratio: high, ..wet() };
        let spectra: Vec<_> = many_responses(&settings, 2.4).iter().map(|r| padded_spectrum(r)).collect();
        let decay = Decay::new(&times(&settings), RATE_HZ);
        for hz in [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0] {
            let (seen, wished) = (decay_time_s(&spectra, hz), decay.at(hz));
            // 5 %: the just noticeable difference of reverberation time (ISO 3382-1, annex A).
            assert!((seen / wished - 1.0).abs() < 0.05, "{hz} Hz: {seen:.3} s, not {wished:.3} s");
        }
    }
}

#[test]
fn echoes_are_dense_at_once() {
    let responses = many_responses(&wet(), 0.4);
    // From 0.9 on the ear takes echoes for noise (Abel & Huang 2006).
    for time_s in [0.06, 0.08, 0.1, 0.15, 0.2] {
        let mean = responses.iter().map(|r| echo_density(r, time_s)).sum::<f64>() / responses.len() as f64;
        assert!(mean >= 0.9, "echo density {mean:.3} at {time_s} s");
    }
}

#[test]
fn the_late_field_is_gaussian_and_has_no_lines() {
    let settings = wet();
    let responses = many_responses(&settings, 1.2);
    let mean =
        |each: &dyn Fn(&Vec<f64>) -> f64| responses.iter().map(each).sum::<f64>() / responses.len() as f64;
    let kurtosis = mean(&|samples| kurtosis(samples, settings.decay_s, 0.15, 1.15).0);
    // The mean over a thousand windows of 960 samples scatters by 0.005; the tank's few delays leave a little more.
    assert!((kurtosis - 3.0).abs() < 0.1, "kurtosis {kurtosis:.3}");
    let deviation = mean(&|samples| spectral_deviation_db(samples));
    // Complex Gaussian bins (Schroeder 1954): 5.57 dB; single modes that stand out make it more.
    assert!((deviation - 5.57).abs() < 0.7, "standard deviation {deviation:.2} dB");
}

#[test]
fn left_and_right_have_nothing_in_common() {
    for into in [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
        let [left, right] = response(&wet(), into, 2.0);
        let correlation = correlation(&left, &right);
        assert!(correlation.abs() < 0.05, "impulse {into:?}: correlation {correlation:.3}");
        let loss_db = mono_loss_db(&left, &right);
        // Two signals that have nothing in common lose 3.01 dB.
        assert!(loss_db < 3.5, "impulse {into:?}: {loss_db:.2} dB lost in mono");
    }
}

#[test]
fn wet_is_as_loud_as_dry() {
    for (decay_s, low, high) in
        [(0.4, 1.0, 1.0), (0.8, 1.0, 1.0), (1.5, 1.0, 1.0), (6.0, 1.0, 1.0), (2.0, 1.5, 0.4)]
    {
        let settings = Settings { decay_s, low_decay_ratio: low, high_decay_ratio: high, ..wet() };
        let into = |into| response(&settings, into, 2.2 * decay_s * low);
        let (left, right) = (into([1.0, 0.0]), into([0.0, 1.0]));
        for c in 0..2 {
            let db = 10.0 * (energy(&left[c]) + energy(&right[c])).log10();
            // 1 dB: nobody hears a reverb become louder by that when its time is changed.
            assert!(db.abs() < 1.0, "{decay_s} s: {db:.2} dB");
        }
    }
}

#[test]
fn minutes_of_the_longest_decay_only_fall() {
    // The smallest plate sways fastest against its losses: 90 s of bass, all modulation. A still tank cannot grow
    // (its energy is proven constant without absorption), and swaying shortens a passage by up to a part in six hundred.
    let settings = Settings {
        decay_s: 30.0,
        low_decay_ratio: 3.0,
        high_decay_ratio: 1.5,
        size_percent: 0.0,
        modulation_percent: 100.0,
        ..wet()
    };
    let spec = Spec { sample_rate_hz: 44_100.0, channels: 2, max_frames: 44_100 };
    let mut plate = Plate::new(settings, &spec, false);
    let mut second = Buffer::from_channels(&[noise(44_100, 1), noise(44_100, 2)]);
    plate.process(&mut second.as_block_mut(), None);
    let mut last = f64::INFINITY;
    for part in 0..6 {
        let mut loud = 0.0;
        for _ in 0..20 {
            second.clear();
            plate.process(&mut second.as_block_mut(), None);
            loud += energy(second.channel(0)) + energy(second.channel(1));
        }
        assert!(loud.is_finite() && loud < last, "part {part}: energy {loud}, before {last}");
        last = loud;
    }
}

#[test]
fn predelay_moves_the_whole_answer_and_further_channels_pass() {
    let settings = Settings { modulation_percent: 0.0, ..wet() };
    let now = response(&settings, [1.0, 0.5], 0.5);
    let later = response(&Settings { predelay_ms: 100.0, ..settings }, [1.0, 0.5], 0.6);
    for c in 0..2 {
        assert!(later[c][..4_800].iter().all(|x| *x == 0.0));
        assert_eq!((0..24_000).find(|&n| later[c][4_800 + n] != now[c][n]), None);
    }
    let planes: Vec<Vec<f64>> = (0..3).map(|seed| noise(9_000, seed)).collect();
    let mut buffer = Buffer::from_channels(&planes);
    let spec = Spec { sample_rate_hz: 96_000.0, channels: 3, max_frames: 9_000 };
    Plate::new(wet(), &spec, false).process(&mut buffer.as_block_mut(), None);
    assert_eq!(buffer.channel(2), planes[2]);
    assert_ne!(buffer.channel(1), planes[1]);
}

#[test]
fn the_plate_steps_back_while_the_dry_sound_plays() {
    let frames = 96_000;
    let input: Vec<f64> =
        noise(frames, 5).into_iter().enumerate().map(|(n, x)| if n < 48_000 { x } else { 0.0 }).collect();
    let render = |ducking_db: f64| {
        let mut buffer = Buffer::from_channels(&[input.clone(), input.clone()]);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: frames };
        Plate::new(Settings { ducking_db, ..wet() }, &spec, false).process(&mut buffer.as_block_mut(), None);
        buffer.channel(0).to_vec()
    };
    let (plain, ducked) = (render(0.0), render(12.0));
    let db = |range: std::ops::Range<usize>| {
        10.0 * (energy(&ducked[range.clone()]) / energy(&plain[range])).log10()
    };
    // Full-scale noise is far above the half-way level; 0.9 s after it are seven release times.
    assert!((db(24_000..48_000) + 12.0).abs() < 0.2, "{}", db(24_000..48_000));
    assert!(db(92_000..96_000).abs() < 0.2, "{}", db(92_000..96_000));
}
