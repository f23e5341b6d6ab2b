//! What makes a reverb good, measured on its impulse responses.

use super::*;
use crate::blocks::acoustics::*;
use audio::Buffer;

const STYLES: [Style; 4] = [Style::Room, Style::Plate, Style::Hall, Style::Chamber];

/// Only wet, one decay time at all frequencies.
fn wet(style: Style) -> Settings {
    Settings { style, high_decay_ratio: 1.0, mix_percent: 100.0, ..Settings::default() }
}

fn render(settings: &Settings, sample_rate_hz: f64, mut input: Buffer) -> Buffer {
    let spec = Spec { sample_rate_hz, channels: input.channels(), max_frames: input.frames() };
    Reverb::new(settings.clone(), &spec, false).process(&mut input.as_block_mut(), None);
    input
}

/// What comes out of both channels after an impulse into the left, the right, or both.
fn response(settings: &Settings, into: [f64; 2], seconds: f64) -> [Vec<f64>; 2] {
    let mut input = Buffer::new(2, (seconds * RATE_HZ) as usize);
    (0..2).for_each(|c| input.channel_mut(c)[0] = into[c]);
    let output = render(settings, RATE_HZ, input);
    [output.channel(0).to_vec(), output.channel(1).to_vec()]
}

fn many_responses(settings: &Settings, seconds: f64) -> Vec<Vec<f64>> {
    let sizes = [40.0, 45.0, 50.0, 55.0, 60.0];
    let cases = sizes.iter().flat_map(|&size| [[1.0, 0.0], [0.0, 1.0]].map(|into| (size, into)));
    cases
        .flat_map(|(size_percent, into)| {
            response(&Settings { size_percent, ..settings.clone() }, into, seconds)
        })
        .collect()
}

#[test]
fn decay_time_in_every_octave() {
    for style in STYLES {
        for (low, high) in [(1.0, 1.0), (1.3, 0.5)] {
            let settings =
                Settings { decay_s: 1.6, low_decay_ratio: low, high_decay_ratio: high, ..wet(style) };
            let spectra: Vec<_> = many_responses(&settings, 2.4).iter().map(|r| padded_spectrum(r)).collect();
            let decay = Decay::new(&times(&settings), RATE_HZ);
            for hz in [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0] {
                let (seen, wished) = (decay_time_s(&spectra, hz), decay.at(hz));
                // 5 %: the just noticeable difference of reverberation time (ISO 3382-1, annex A).
                assert!(
                    (seen / wished - 1.0).abs() < 0.05,
                    "{style:?} at {hz} Hz: {seen:.3} s, not {wished:.3} s"
                );
            }
        }
    }
}

#[test]
fn echoes_become_dense_in_time() {
    for (style, time_s) in
        [(Style::Room, 0.06), (Style::Plate, 0.06), (Style::Hall, 0.1), (Style::Chamber, 0.05)]
    {
        let responses = many_responses(&wet(style), 0.3);
        // From 0.9 on the ear takes echoes for noise (Abel & Huang 2006).
        for later in [0.0, 0.02, 0.05, 0.1] {
            let densities = responses.iter().map(|r| echo_density(r, time_s + later));
            let mean = densities.sum::<f64>() / responses.len() as f64;
            assert!(mean >= 0.9, "{style:?}: echo density {mean:.3} at {} s", time_s + later);
        }
    }
}

#[test]
fn the_late_field_is_gaussian() {
    for style in STYLES {
        let settings = wet(style);
        let responses = many_responses(&settings, 1.2);
        let each = responses.iter().map(|samples| kurtosis(samples, settings.decay_s, 0.15, 1.15).0);
        let kurtosis = each.sum::<f64>() / responses.len() as f64;
        // The mean over a thousand windows of 960 samples scatters by 0.005.
        assert!((kurtosis - 3.0).abs() < 0.05, "{style:?}: kurtosis {kurtosis:.3}");
    }
}

#[test]
fn the_late_spectrum_has_no_lines() {
    for style in STYLES {
        let responses = many_responses(&wet(style), 1.0);
        let each = responses.iter().map(|samples| spectral_deviation_db(samples));
        let deviation = each.sum::<f64>() / responses.len() as f64;
        // Complex Gaussian bins (Schroeder 1954): 5.57 dB; single modes that stand out make it more.
        assert!((deviation - 5.57).abs() < 0.7, "{style:?}: standard deviation {deviation:.2} dB");
    }
}

#[test]
fn left_and_right_have_nothing_in_common() {
    for style in STYLES {
        for into in [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
            let [left, right] = response(&wet(style), into, 2.0);
            let correlation = correlation(&left, &right);
            assert!(correlation.abs() < 0.05, "{style:?}, impulse {into:?}: correlation {correlation:.3}");
        }
    }
}

#[test]
fn wet_is_as_loud_as_dry_and_survives_mono() {
    for style in STYLES {
        for (decay_s, low_decay_ratio, high_decay_ratio) in
            [(0.8, 1.0, 1.0), (1.5, 1.0, 1.0), (6.0, 1.0, 1.0), (2.0, 1.5, 0.4)]
        {
            let settings =
                Settings { decay_s, low_decay_ratio, high_decay_ratio, early_percent: 0.0, ..wet(style) };
            let into = |into| response(&settings, into, 2.2 * decay_s * low_decay_ratio);
            let (left, right, both) = (into([1.0, 0.0]), into([0.0, 1.0]), into([1.0, 1.0]));
            for c in 0..2 {
                let db = 10.0 * (energy(&left[c]) + energy(&right[c])).log10();
                // 1 dB: nobody hears a reverb become louder by that when its time is changed.
                assert!(db.abs() < 1.0, "{style:?}, {decay_s} s: {db:.2} dB");
            }
            let loss_db = mono_loss_db(&both[0], &both[1]);
            // Two signals that have nothing in common lose 3.01 dB.
            assert!(loss_db < 3.5, "{style:?}, {decay_s} s: {loss_db:.2} dB lost in mono");
        }
    }
}

#[test]
fn ten_minutes_of_the_longest_decay_only_fall() {
    let settings = Settings {
        decay_s: 30.0,
        low_decay_ratio: 3.0,
        high_decay_ratio: 1.5,
        size_percent: 0.0,
        modulation_percent: 100.0,
        ..wet(Style::Room)
    };
    let spec = Spec { sample_rate_hz: 44_100.0, channels: 2, max_frames: 44_100 };
    let mut reverb = Reverb::new(settings, &spec, false);
    let mut second = Buffer::from_channels(&[noise(44_100, 1), noise(44_100, 2)]);
    reverb.process(&mut second.as_block_mut(), None);
    let mut last = f64::INFINITY;
    for minute in 0..10 {
        let mut loud = 0.0;
        for _ in 0..60 {
            second.clear();
            reverb.process(&mut second.as_block_mut(), None);
            loud += energy(second.channel(0)) + energy(second.channel(1));
        }
        assert!(loud.is_finite() && loud < last, "minute {minute}: energy {loud}, before {last}");
        last = loud;
    }
    // 60 dB per 90 s in the bass: 400 dB in ten minutes.
    assert!(last < 1e-30);
}

#[test]
fn predelay_moves_the_whole_answer() {
    for style in STYLES {
        // Without modulation time is the same everywhere: not one bit may differ.
        let settings = Settings { modulation_percent: 0.0, ..wet(style) };
        let now = response(&settings, [1.0, 0.5], 0.5);
        let later = response(&Settings { predelay_ms: 100.0, ..settings }, [1.0, 0.5], 0.6);
        for c in 0..2 {
            assert!(later[c][..4_800].iter().all(|x| *x == 0.0));
            let first = (0..24_000).find(|&n| later[c][4_800 + n] != now[c][n]);
            assert_eq!(first, None, "{style:?}");
        }
    }
}

#[test]
fn width_zero_is_mono_and_further_channels_pass() {
    let narrow = response(&Settings { width_percent: 0.0, ..wet(Style::Hall) }, [1.0, -0.3], 0.3);
    // Both sums have the same terms, in the other order.
    assert!(narrow[0].iter().zip(&narrow[1]).all(|(l, r)| (l - r).abs() < 1e-15));
    let planes: Vec<Vec<f64>> = (0..3).map(|seed| noise(2_000, seed)).collect();
    let output = render(&wet(Style::Plate), 96_000.0, Buffer::from_channels(&planes));
    assert_eq!(output.channel(2), planes[2]);
    assert_ne!(output.channel(1), planes[1]);
    let mono = render(&wet(Style::Plate), 96_000.0, Buffer::from_channels(&planes[..1]));
    assert!(energy(mono.channel(0)) > 0.0);
}
