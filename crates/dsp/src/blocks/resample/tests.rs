use super::*;
use audio::gain_to_db;
use proptest::prelude::*;

const RATES_HZ: [u32; 9] = [8_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

fn sine(hz: f64, rate_hz: u32, frames: usize) -> Vec<f64> {
    (0..frames).map(|n| (2.0 * PI * (hz * n as f64 / f64::from(rate_hz)).fract()).sin()).collect()
}

fn convert(samples: &[f64], from_hz: u32, to_hz: u32) -> Vec<f64> {
    resample(&Buffer::from_channels(&[samples.to_vec()]), from_hz, to_hz).channel(0).to_vec()
}

/// Largest sample of the part that the kernel's ends do not touch, in decibels.
fn inner_peak_db(samples: &[f64], rate_hz: u32, low_hz: u32) -> f64 {
    let edge = (2.0 * kernel_half_frames() * f64::from(rate_hz) / f64::from(low_hz)) as usize;
    gain_to_db(samples[edge..samples.len() - edge].iter().fold(0.0, |peak: f64, s| peak.max(s.abs())))
}

#[test]
fn a_tone_in_the_pass_band_is_the_same_tone_at_every_rate() {
    // The difference to the tone computed at the new rate holds every fault at once: gain, phase, delay,
    // images and noise. -140 dB is a ten-thousandth of the 0.01 dB that is promised for gain.
    for from_hz in RATES_HZ {
        for to_hz in RATES_HZ {
            let nyquist_hz = f64::from(from_hz.min(to_hz)) / 2.0;
            for part in [0.001, 0.37, 0.8, 0.9, PASS] {
                let frames = (from_hz as usize / 10).max(from_hz as usize * 500 / to_hz as usize);
                let output = convert(&sine(part * nyquist_hz, from_hz, frames), from_hz, to_hz);
                let wished = sine(part * nyquist_hz, to_hz, output.len());
                let error: Vec<f64> = output.iter().zip(&wished).map(|(a, b)| a - b).collect();
                let db = inner_peak_db(&error, to_hz, from_hz.min(to_hz));
                assert!(db < -140.0, "{from_hz} to {to_hz} Hz, {part} of Nyquist: error {db:.1} dB");
            }
        }
    }
}

#[test]
fn tones_between_the_two_nyquist_frequencies_vanish() {
    // The hardest place: a tone just above the new Nyquist frequency comes back just below it.
    for (from_hz, to_hz) in [(48_000, 44_100), (96_000, 44_100), (96_000, 48_000), (192_000, 44_100)] {
        let (low_hz, high_hz) = (f64::from(to_hz) / 2.0, f64::from(from_hz) / 2.0);
        for step in 0..=60 {
            // Dense near the edge: the fourth power.
            let hz = low_hz + 0.5 + (high_hz - low_hz - 1.0) * (f64::from(step) / 60.0).powi(4);
            let output = convert(&sine(hz, from_hz, from_hz as usize / 8), from_hz, to_hz);
            let db = inner_peak_db(&output, to_hz, to_hz);
            assert!(db < -140.0, "{hz:.1} Hz from {from_hz} to {to_hz} Hz left {db:.1} dB");
        }
    }
}

/// The loudest part of the spectrum above `hz`, through a window of 8192 frames, in decibels.
fn loudest_above_db(samples: &[f64], hz: f64, rate_hz: f64) -> f64 {
    let window = 8192;
    let forward = RealFftPlanner::new().plan_fft_forward(window);
    let mut spectrum = forward.make_output_vec();
    let beta = 20.0;
    let kaiser: Vec<f64> = (0..window)
        .map(|n| {
            let x = (2 * n) as f64 / (window - 1) as f64 - 1.0;
            kaiser::window(x, beta)
        })
        .collect();
    let sum: f64 = kaiser.iter().sum();
    // 12 bins are the width of the window's main lobe.
    let first = (hz / rate_hz * window as f64) as usize + 12;
    let mut loudest = 0.0f64;
    for start in (0..samples.len() - window).step_by(1024) {
        let mut piece: Vec<f64> =
            samples[start..start + window].iter().zip(&kaiser).map(|(s, w)| s * w).collect();
        forward.process(&mut piece, &mut spectrum).unwrap();
        loudest = spectrum[first..].iter().fold(loudest, |peak, bin| peak.max(bin.norm() * 2.0 / sum));
    }
    gain_to_db(loudest)
}

#[test]
fn a_sweep_over_the_whole_band_leaves_no_image() {
    // 44.1 to 48 kHz: whatever stands above 22.05 kHz in the result is an image.
    let frames = 1 << 16;
    let sweep: Vec<f64> = (0..frames)
        .map(|n| {
            let part = n as f64 / frames as f64;
            // Faded at both ends: a sweep that begins or ends at once has energy everywhere.
            let fade = (part.min(1.0 - part) / 0.1).min(1.0);
            let phase = PI * 0.5 * (n as f64) * part;
            (phase + 0.25 * PI * n as f64).sin() * (0.5 - 0.5 * (PI * fade).cos()).powi(4)
        })
        .collect();
    // Frequency runs from 0.125 to 0.125 + 0.5 of the rate: past the Nyquist frequency, where it folds.
    let output = convert(&sweep, 44_100, 48_000);
    let db = loudest_above_db(&output, 22_050.0, 48_000.0);
    assert!(db < -140.0, "image at {db:.1} dB");
}

#[test]
fn an_impulse_stays_where_it_was() {
    // Frames that fall on a frame of the other rate: there the result is symmetric and highest.
    for (from_hz, to_hz, frame) in [
        (44_100, 48_000, 147 * 40),
        (48_000, 44_100, 160 * 40),
        (96_000, 48_000, 5000),
        (22_050, 96_000, 2940),
    ] {
        let mut samples = vec![0.0; 2 * frame];
        samples[frame] = 1.0;
        let output = convert(&samples, from_hz, to_hz);
        let place = frame * to_hz as usize / from_hz as usize;
        let peak = (0..output.len()).max_by(|a, b| output[*a].abs().total_cmp(&output[*b].abs())).unwrap();
        assert_eq!(peak, place, "{from_hz} to {to_hz} Hz");
        for distance in 1..500 {
            // Rounding of the transforms only.
            assert!((output[place - distance] - output[place + distance]).abs() < 1e-13);
        }
    }
}

#[test]
fn there_and_back_is_what_it_was() {
    // Noise within the pass band: made at 40 kHz, hence with nothing above 20 kHz.
    let noise: Vec<f64> = {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let slow: Vec<f64> = (0..8_000).map(|_| next()).collect();
        convert(&slow, 40_000, 44_100)
    };
    for rate_hz in [48_000, 88_200, 96_000, 192_000, 48_001] {
        let back = convert(&convert(&noise, 44_100, rate_hz), rate_hz, 44_100);
        assert_eq!(back.len(), noise.len());
        let error: Vec<f64> = back.iter().zip(&noise).map(|(a, b)| a - b).collect();
        let db = inner_peak_db(&error, 44_100, 44_100);
        assert!(db < -120.0, "over {rate_hz} Hz: {db:.1} dB");
    }
}

/// The pairs of rates between which music is converted.
const MUSIC_RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

#[test]
fn the_distortion_of_997_hz_is_that_of_the_arithmetic() {
    for from_hz in MUSIC_RATES_HZ {
        for to_hz in MUSIC_RATES_HZ {
            for phase in [Phase::Linear, Phase::Minimum] {
                let input = Buffer::from_channels(&[sine(997.0, from_hz, from_hz as usize / 2)]);
                let output = resample_with(&input, from_hz, to_hz, phase);
                // The middle, without the kernel's ends; the sine, the cosine and the mean are taken away by least
                // squares, twice, because they are not quite orthogonal.
                let edge = to_hz as usize / 8;
                let mut rest = output.channel(0)[edge..output.frames() - edge].to_vec();
                let turn = |n: usize| (2.0 * PI * (997.0 * n as f64 / f64::from(to_hz)).fract()).sin_cos();
                let (mut sum_re, mut sum_im) = (0.0, 0.0);
                for _ in 0..4 {
                    let scale = 2.0 / rest.len() as f64;
                    let mean = 0.5 * scale * rest.iter().sum::<f64>();
                    let project = |rest: &[f64], part: fn((f64, f64)) -> f64| {
                        scale * rest.iter().enumerate().map(|(n, x)| x * part(turn(n))).sum::<f64>()
                    };
                    let (im, re) = (project(&rest, |t| t.0), project(&rest, |t| t.1));
                    for (n, x) in rest.iter_mut().enumerate() {
                        let (sin, cos) = turn(n);
                        *x -= mean + im * sin + re * cos;
                    }
                    (sum_re, sum_im) = (sum_re + re, sum_im + im);
                }
                let amplitude = f64::hypot(sum_re, sum_im);
                let rms = (rest.iter().map(|x| x * x).sum::<f64>() / rest.len() as f64).sqrt();
                let db = gain_to_db(rms * 2f64.sqrt() / amplitude);
                assert!(db < -150.0, "{from_hz} to {to_hz} Hz, {phase:?}: THD+N {db:.1} dB");
                // 0.005 dB is what is asked of the pass band.
                assert!(
                    gain_to_db(amplitude).abs() < 0.005,
                    "{from_hz} to {to_hz} Hz, {phase:?}: {amplitude}"
                );
            }
        }
    }
}

#[test]
fn the_pass_band_is_flat_to_20_khz_and_lengths_are_exact() {
    for from_hz in MUSIC_RATES_HZ {
        for to_hz in MUSIC_RATES_HZ {
            for phase in [Phase::Linear, Phase::Minimum] {
                // An impulse holds every frequency: its transform is the response, up to 20 kHz.
                let frames = from_hz as usize / 10 + 7;
                let mut samples = vec![0.0; frames];
                samples[frames / 2] = 1.0;
                let output = resample_with(&Buffer::from_channels(&[samples]), from_hz, to_hz, phase);
                let exact = (frames as f64 * f64::from(to_hz) / f64::from(from_hz)).round() as usize;
                assert_eq!(output.frames(), exact, "{from_hz} to {to_hz} Hz");
                for step in 0..=20 {
                    let turn = 2.0 * PI * 1_000.0 * f64::from(step) / f64::from(to_hz);
                    let (mut re, mut im) = (0.0, 0.0);
                    for (n, x) in output.channel(0).iter().enumerate() {
                        re += x * (turn * n as f64).cos();
                        im += x * (turn * n as f64).sin();
                    }
                    let db = gain_to_db(re.hypot(im) * f64::from(from_hz) / f64::from(to_hz));
                    assert!(db.abs() < 0.005, "{from_hz} to {to_hz} Hz, {phase:?}, {step} kHz: {db} dB");
                }
            }
        }
    }
}

#[test]
fn with_the_least_phase_nothing_rings_before_a_hit_and_low_tones_stay() {
    for (from_hz, to_hz) in [(44_100, 48_000), (96_000, 44_100), (48_000, 192_000)] {
        let frame = from_hz as usize / 10;
        let mut samples = vec![0.0; 2 * frame];
        samples[frame] = 1.0;
        let input = Buffer::from_channels(&[samples]);
        let place = frame * to_hz as usize / from_hz as usize;
        let early = |phase| {
            let output = resample_with(&input, from_hz, to_hz, phase);
            let energy = |range: &[f64]| range.iter().map(|x| x * x).sum::<f64>();
            // Half a millisecond before the hit and all that is earlier.
            let before = energy(&output.channel(0)[..place - to_hz as usize / 2_000]);
            10.0 * (before / energy(output.channel(0))).log10()
        };
        assert!(early(Phase::Linear) > -40.0, "{} dB", early(Phase::Linear));
        assert!(early(Phase::Minimum) < -100.0, "{from_hz} to {to_hz}: {} dB", early(Phase::Minimum));

        let low = Buffer::from_channels(&[sine(100.0, from_hz, from_hz as usize / 2)]);
        let output = resample_with(&low, from_hz, to_hz, Phase::Minimum);
        let error: Vec<f64> =
            output.channel(0).iter().zip(sine(100.0, to_hz, output.frames())).map(|(a, b)| a - b).collect();
        // Half a frame of the higher rate: 100 Hz turns by 0.0071 within one at 44.1 kHz.
        let db = inner_peak_db(&error, to_hz, from_hz.min(to_hz));
        assert!(db < -42.0, "{from_hz} to {to_hz}: {db} dB");
    }
}

#[test]
fn the_least_phase_stops_what_the_linear_one_stops() {
    for (from_hz, to_hz) in [(48_000, 44_100), (192_000, 44_100)] {
        for hz in [22_060.0, 22_500.0, 23_900.0] {
            let input = Buffer::from_channels(&[sine(hz, from_hz, from_hz as usize / 4)]);
            let output = resample_with(&input, from_hz, to_hz, Phase::Minimum);
            let db = inner_peak_db(output.channel(0), to_hz, to_hz);
            assert!(db < -140.0, "{hz:.1} Hz from {from_hz} to {to_hz} Hz left {db:.1} dB");
        }
    }
}

#[test]
fn equal_rates_change_no_bit() {
    let samples = vec![0.1, -1e-300, 1.0, f64::MIN_POSITIVE];
    assert_eq!(convert(&samples, 44_100, 44_100), samples);
}

#[test]
fn silence_and_nothing() {
    assert_eq!(convert(&[], 44_100, 48_000), Vec::<f64>::new());
    assert_eq!(convert(&[0.0; 1000], 44_100, 48_000), vec![0.0; 1088]);
    assert_eq!(convert(&[1.0], 44_100, 48_000).len(), 1);
    assert_eq!(resample(&Buffer::new(0, 100), 44_100, 48_000).channels(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_rates_keep_length_time_and_level(from_hz in 3_000u32..50_000, to_hz in 3_000u32..50_000) {
        // Longer than both ends of the kernel, which `inner_peak_db` leaves out, at every pair of rates: the
        // kernel spans frames of the slower rate, so the least length is a number of those.
        let slow_frames = 8.0 * kernel_half_frames() + 400.0;
        let frames = (slow_frames * f64::from(from_hz) / f64::from(from_hz.min(to_hz))) as usize;
        let hz = 0.3 * f64::from(from_hz.min(to_hz));
        let output = convert(&sine(hz, from_hz, frames), from_hz, to_hz);
        let exact = frames as f64 * f64::from(to_hz) / f64::from(from_hz);
        prop_assert!((output.len() as f64 - exact).abs() <= 0.5);
        let wished = sine(hz, to_hz, output.len());
        let error: Vec<f64> = output.iter().zip(&wished).map(|(a, b)| a - b).collect();
        let db = inner_peak_db(&error, to_hz, from_hz.min(to_hz));
        prop_assert!(db < -140.0, "error {db} dB");
    }

    #[test]
    fn the_cuts_change_no_bit(
        cuts in prop::collection::vec(0usize..6000, 0..12), pair in 0usize..4, channels in 1usize..3,
    ) {
        let (from_hz, to_hz) = [(44_100, 48_000), (96_000, 44_100), (48_000, 96_000), (22_050, 22_051)][pair];
        let frames = cuts.iter().sum::<usize>() + 1;
        let planes: Vec<Vec<f64>> =
            (0..channels).map(|c| sine(1000.0 + 77.0 * c as f64, from_hz, frames)).collect();
        let input = Buffer::from_channels(&planes);
        let whole = resample(&input, from_hz, to_hz);
        let mut resampler = Resampler::new(from_hz, to_hz, channels);
        // Twice: the second time shows that finishing forgets the first.
        for _ in 0..2 {
            let mut output = vec![Vec::new(); channels];
            let mut start = 0;
            for &cut in cuts.iter().chain(&[1]) {
                resampler.push(&input.range(start, cut), &mut output);
                start += cut;
            }
            resampler.finish(&mut output);
            for (c, samples) in output.iter().enumerate() {
                prop_assert_eq!(&samples[..], whole.channel(c));
            }
        }
    }
}
