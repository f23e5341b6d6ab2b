use super::*;
use crate::ImpulseResponse;
use std::sync::Arc;

const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };

fn noise(frames: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as f64 / u64::MAX as f64 * 2.0 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}

/// Noise that falls by 60 dB in `seconds`, and is cut off after `frames`.
fn tail(seconds: f64, frames: usize, rate: f64, seed: u64) -> Vec<f64> {
    let fall = |n: usize| 10f64.powf(-3.0 * n as f64 / (seconds * rate));
    noise(frames, seed).iter().enumerate().map(|(n, x)| x * fall(n)).collect()
}

fn values(channels: &[Vec<f64>], rate: f64, settings: &[(&str, f64)]) -> Values {
    let mut values = Values::neutral(&KIND);
    values.set(&KIND, "mix_percent", 100.0).unwrap();
    settings.iter().for_each(|(name, value)| values.set(&KIND, name, *value).unwrap());
    let audio = Buffer::from_channels(channels);
    values.impulse_response = Some(Arc::new(ImpulseResponse { audio, sample_rate_hz: rate }));
    values
}

fn run(values: &Values, input: &[Vec<f64>]) -> Buffer {
    let mut audio = Buffer::from_channels(input);
    let mut reverb = ConvolutionReverb::new(values, &Spec { channels: input.len(), ..SPEC });
    reverb.process(&mut audio.as_block_mut(), None);
    audio
}

fn impulse(frames: usize) -> Vec<f64> {
    let mut samples = vec![0.0; frames];
    samples[0] = 1.0;
    samples
}

fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum()
}

/// A click is the identity, whatever its level: unit energy. Its silence is taken away, and the predelay comes instead.
#[test]
fn a_click_is_the_sound_itself_after_the_predelay() {
    let mut click = vec![0.0; 9_000];
    click[7_000] = -0.02;
    let input = [noise(3_000, 1), noise(3_000, 2)];
    for predelay_ms in [0.0, 10.0] {
        let output = run(&values(&[click.clone()], 48_000.0, &[("predelay_ms", predelay_ms)]), &input);
        // The lead of half a millisecond is kept.
        let late = (predelay_ms * 48.0) as usize + 24;
        for c in 0..2 {
            for n in 0..3_000 - late {
                let (seen, expected) = (output.channel(c)[n + late], -input[c][n]);
                assert!((seen - expected).abs() < 1e-13, "{predelay_ms} ms, {n}: {seen} {expected}");
            }
        }
    }
}

/// From each side to each side, all four at their place and in proportion.
#[test]
fn a_true_stereo_response_leads_from_each_side_to_each_side() {
    let responses: Vec<Vec<f64>> = (0..4).map(|n| tail(0.2, 4_000, 48_000.0, n + 5)).collect();
    let total: f64 = responses.iter().map(|r| energy(r)).sum();
    let scale = (2.0 / total).sqrt();
    let settings = values(&responses, 48_000.0, &[]);
    for input in 0..2 {
        let mut signal = [vec![0.0; 4_000], vec![0.0; 4_000]];
        signal[input][0] = 1.0;
        let output = run(&settings, &signal);
        for out in 0..2 {
            for n in 0..4_000 {
                let (seen, expected) = (output.channel(out)[n], scale * responses[2 * input + out][n]);
                assert!((seen - expected).abs() < 1e-13, "{input} to {out}, {n}: {seen} {expected}");
            }
        }
    }
}

#[test]
fn a_stereo_response_serves_each_side_and_a_mono_track_gets_one() {
    let responses = [tail(0.2, 3_000, 48_000.0, 1), tail(0.2, 3_000, 48_000.0, 2)];
    let settings = values(&responses, 48_000.0, &[]);
    let output = run(&settings, &[impulse(3_000), vec![0.0; 3_000]]);
    assert!(output.channel(1).iter().all(|x| *x == 0.0));
    // Rounding of the transforms: a channel has about half of the two sides' energy of 2.
    assert!((energy(output.channel(0)) - 1.0).abs() < 0.1, "{}", energy(output.channel(0)));
    let mono = run(&settings, &[impulse(3_000)]);
    assert!((energy(mono.channel(0)) - 1.0).abs() < 1e-9, "{}", energy(mono.channel(0)));
}

/// Steady noise is as loud wet as dry, at any rate of the recording.
#[test]
fn wet_is_as_loud_as_dry() {
    let input = [noise(96_000, 3), noise(96_000, 4)];
    let power = |samples: &[f64]| energy(&samples[48_000..]) / 48_000.0;
    for rate in [44_100.0, 48_000.0] {
        let frames = (0.5 * rate) as usize;
        let responses = [tail(0.4, frames, rate, 8), tail(0.4, frames, rate, 9)];
        let output = run(&values(&responses, rate, &[]), &input);
        for c in 0..2 {
            let db = 10.0 * (power(output.channel(c)) / power(&input[c])).log10();
            // A response is one draw of noise, and so is a second of signal through it; 44.1 kHz lacks the top.
            assert!(db.abs() < 1.0, "{rate} Hz, channel {c}: {db:.2} dB");
        }
    }
}

/// The same recording at two rates is the same filter: bursts of tones that begin and end softly, so that both
/// rates hold all of them.
#[test]
fn the_responses_rate_changes_nothing() {
    const TONES: [f64; 4] = [400.0, 2_000.0, 7_000.0, 14_000.0];
    let at = |rate: f64| -> Vec<f64> {
        let burst =
            |t: f64, hz: f64| (-((t - 0.05) / 0.004).powi(2)).exp() * (std::f64::consts::TAU * hz * t).cos();
        (0..(0.1 * rate) as usize).map(|n| TONES.iter().map(|hz| burst(n as f64 / rate, *hz)).sum()).collect()
    };
    let response = |rate: f64| run(&values(&[at(rate)], rate, &[]), &[impulse(8_000)]);
    let (own, other) = (response(48_000.0), response(96_000.0));
    for hz in TONES {
        let gain = |b: &Buffer| crate::blocks::fir::response(b.channel(0), 0, hz / 48_000.0).norm();
        let db = 20.0 * (gain(&own) / gain(&other)).log10();
        // The onset is cut 46 dB down, not at the same instant.
        assert!(db.abs() < 0.05, "{hz} Hz: {db:.3} dB");
    }
}

#[test]
fn decay_and_trim_shape_the_response() {
    let long = tail(1.0, 48_000, 48_000.0, 11);
    let shaped = |settings: &[(&str, f64)]| {
        run(&values(std::slice::from_ref(&long), 48_000.0, settings), &[impulse(48_000)]).channel(0).to_vec()
    };
    for percent in [100.0, 50.0, 25.0] {
        let seconds = response::decay_frames(&[shaped(&[("decay_percent", percent)])], 48_000.0) / 48_000.0;
        let wished = percent / 100.0;
        // 5 % is asked of a reverb's decay time.
        assert!((seconds / wished - 1.0).abs() < 0.05, "{percent} %: {seconds:.3} s");
    }
    let (whole, trimmed) = (shaped(&[]), shaped(&[("trim_ms", 10.0)]));
    assert!(trimmed[..480].iter().all(|x| x.abs() < 1e-14));
    let ratio = trimmed[1_000] / whole[1_000];
    for n in (600..48_000).step_by(331) {
        assert!((trimmed[n] - ratio * whole[n]).abs() < 1e-12, "{n}: the rest stays where it was");
    }
}

/// The stated tail ends with the response's last frame, not before and not after.
#[test]
fn the_tail_is_exact() {
    let mut response = tail(2.0, 5_000, 48_000.0, 12);
    response[4_999] = 0.3;
    let settings = values(&[response], 48_000.0, &[("predelay_ms", 5.0)]);
    let reverb = ConvolutionReverb::new(&settings, &Spec { channels: 1, ..SPEC });
    assert_eq!((reverb.latency(), reverb.tail()), (0, Tail::Frames(240 + 4_999)));
    let output = run(&settings, &[impulse(6_000)]);
    assert!(output.channel(0)[240 + 4_999].abs() > 1e-4);
    assert!(output.channel(0)[240 + 5_000..].iter().all(|x| x.abs() < 1e-15));
}

#[test]
fn ducking_holds_the_reverb_back_while_the_sound_is_loud() {
    let responses = [tail(1.5, 72_000, 48_000.0, 13)];
    let mut input = noise(72_000, 14);
    input[24_000..].fill(0.0);
    let level = |ducking_db: f64, range: std::ops::Range<usize>| {
        let output = run(&values(&responses, 48_000.0, &[("ducking_db", ducking_db)]), &[input.clone()]);
        10.0 * energy(&output.channel(0)[range]).log10()
    };
    let during = level(12.0, 10_000..24_000) - level(0.0, 10_000..24_000);
    // The detector hears peaks far above its half-way level.
    assert!((during + 12.0).abs() < 0.5, "{during}");
    let after = level(12.0, 60_000..72_000) - level(0.0, 60_000..72_000);
    // Three quarters of a second later the detector has forgotten.
    assert!(after > -1.0, "{after}");
}

#[test]
fn a_response_without_sound_is_no_reverb() {
    let input = [noise(500, 1), noise(500, 2)];
    for response in [vec![vec![0.0; 100]], vec![vec![]], vec![], vec![vec![1.0, f64::NAN]]] {
        let output = run(&values(&response, 48_000.0, &[]), &input);
        assert_eq!(output, Buffer::from_channels(&input));
    }
}
