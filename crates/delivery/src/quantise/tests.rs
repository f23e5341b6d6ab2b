use super::*;
use audio::{Buffer, gain_to_db};
use proptest::prelude::*;
use std::f64::consts::TAU;

const LSB_16: f64 = 1.0 / 32_768.0;

fn quantised(channels: &[Vec<f64>], bits: u32, dither: Dither, seed: u64) -> Vec<Vec<i32>> {
    let mut quantiser = Quantiser::new(bits, dither, channels.len(), seed).unwrap();
    let mut output = vec![Vec::new(); channels.len()];
    quantiser.process(&Buffer::from_channels(channels).as_block(), &mut output);
    output
}

/// The error of each sample in steps of the 16-bit grid.
fn error_16(input: &[f64], dither: Dither, seed: u64) -> Vec<f64> {
    let output = quantised(&[input.to_vec()], 16, dither, seed).remove(0);
    output.iter().zip(input).map(|(y, x)| f64::from(*y) - x * 32_768.0).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / values.len() as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let product: Vec<f64> = a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).collect();
    mean(&product) / (variance(a) * variance(b)).sqrt()
}

fn tone(amplitude_dbfs: f64, hz: f64, frames: usize) -> Vec<f64> {
    let amplitude = audio::db_to_gain(amplitude_dbfs);
    (0..frames).map(|n| amplitude * (TAU * hz / 48_000.0 * n as f64).sin()).collect()
}

/// The amplitude at one frequency (48 kHz), with a whole number of periods in the signal.
fn amplitude_at(signal: &[f64], hz: f64) -> f64 {
    // A phasor turned step by step: its drift over ten seconds is under 1e-10.
    let (step_im, step_re) = (TAU * hz / 48_000.0).sin_cos();
    let (mut re, mut im, mut cos, mut sin) = (0.0, 0.0, 1.0, 0.0);
    for x in signal {
        re += x * cos;
        im += x * sin;
        (cos, sin) = (cos * step_re - sin * step_im, sin * step_re + cos * step_im);
    }
    2.0 * re.hypot(im) / signal.len() as f64
}

#[test]
fn the_total_error_of_dithered_16_bits_is_minus_96_33_db() {
    // Lipshitz, Wannamaker & Vanderkooy: LSB^2 / 4 in all. The tolerance is five standard deviations of the
    // mean square of this many samples (0.14 %, 0.006 dB each).
    let input = tone(-12.0, 997.0, 1 << 20);
    let error = error_16(&input, Dither::Tpdf, 1);
    let rms = (error.iter().map(|e| e * e).sum::<f64>() / error.len() as f64).sqrt() * LSB_16;
    assert!((gain_to_db(rms) + 96.33).abs() < 0.03, "{}", gain_to_db(rms));
}

#[test]
fn the_moments_of_the_error_do_not_know_the_input() {
    for sixteenth in 0..16 {
        let input = vec![(100.0 + f64::from(sixteenth) / 16.0) * LSB_16; 1 << 19];
        let error = error_16(&input, Dither::Tpdf, 3 + sixteenth as u64);
        assert!(mean(&error).abs() < 0.01, "mean {} at {sixteenth}/16", mean(&error));
        let part = variance(&error) / 0.25;
        assert!((part - 1.0).abs() < 0.01, "variance {part} at {sixteenth}/16");
    }
}

#[test]
fn the_error_is_white_and_each_channel_has_its_own() {
    let input = vec![0.123; 200_000];
    let mut quantiser = Quantiser::new(16, Dither::Tpdf, 2, 5).unwrap();
    let mut output = vec![Vec::new(); 2];
    quantiser.process(&Buffer::from_channels(&[input.clone(), input]).as_block(), &mut output);
    let planes: Vec<Vec<f64>> = output.iter().map(|p| p.iter().map(|s| f64::from(*s)).collect()).collect();
    // 0.05 is what is asked; five standard deviations of such an estimate are 0.011.
    assert!(correlation(&planes[0], &planes[1]).abs() < 0.011);
    for lag in 1..20 {
        let count = planes[0].len() - lag;
        assert!(correlation(&planes[0][..count], &planes[0][lag..]).abs() < 0.011, "lag {lag}");
    }
}

/// How many dB the highest of the harmonics 2 to 10 of 1 kHz stands above the mean of their neighbourhood.
fn harmonics_over_floor_db(signal: &[f64]) -> f64 {
    (2..=10)
        .map(|harmonic| {
            let hz = 1000.0 * f64::from(harmonic);
            let around: Vec<f64> =
                (1..=12).flat_map(|k| [-25.0, 25.0].map(|d| hz + d * f64::from(k))).collect();
            let floor = around.iter().map(|f| amplitude_at(signal, *f).powi(2)).sum::<f64>() / 24.0;
            gain_to_db(amplitude_at(signal, hz)) - audio::power_to_db(floor + 1e-30)
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn a_tone_a_third_of_a_step_high_survives_without_harmonics() {
    // Ten seconds, a whole number of periods of everything that is looked at.
    let input = tone(-100.0, 1000.0, 480_000);
    let scaled = |dither, input: &[f64]| -> Vec<f64> {
        let output = quantised(&[input.to_vec()], 16, dither, 11).remove(0);
        output.iter().map(|s| f64::from(*s) * LSB_16).collect()
    };
    let output = scaled(Dither::Tpdf, &input);
    let level = gain_to_db(amplitude_at(&output, 1000.0));
    // The noise of one bin is 44 dB below this tone: 0.1 dB is sixteen of its standard deviations.
    assert!((level + 100.0).abs() < 0.1, "{level} dBFS");
    // One bin of noise stays under 8 dB over the mean of its neighbours with probability 0.998.
    assert!(harmonics_over_floor_db(&output) < 8.0, "{}", harmonics_over_floor_db(&output));

    // Without dither nothing is left of it, and a louder tone has harmonics: the test can fail.
    assert!(scaled(Dither::None, &input).iter().all(|s| *s == 0.0));
    assert!(harmonics_over_floor_db(&scaled(Dither::None, &tone(-90.0, 1000.0, 480_000))) > 40.0);
}

const SHAPED: [Dither; 7] = [
    Dither::FirstOrder,
    Dither::Lipshitz,
    Dither::F3,
    Dither::F9,
    Dither::ModifiedE,
    Dither::ImprovedE,
    Dither::Quiet,
];

#[test]
fn shaped_noise_keeps_the_tone_and_makes_no_harmonic() {
    let input = tone(-100.0, 1000.0, 480_000);
    for dither in SHAPED {
        let mut quantiser = Quantiser::new(16, dither, 1, 11).unwrap().at_rate(48_000);
        let mut planes = vec![Vec::new()];
        quantiser.process(&BlockRef::from_mono(&input), &mut planes);
        let output: Vec<f64> = planes[0].iter().map(|s| f64::from(*s) * LSB_16).collect();
        let level = gain_to_db(amplitude_at(&output, 1000.0));
        assert!((level + 100.0).abs() < 0.1, "{dither:?}: {level} dBFS");
        // As for plain dither; the floor is the neighbourhood's, which a shaped one moves with it.
        assert!(harmonics_over_floor_db(&output) < 8.0, "{dither:?}: {}", harmonics_over_floor_db(&output));
    }
}

#[test]
fn shaped_moments_do_not_know_the_input_and_the_power_is_that_of_the_set() {
    for dither in SHAPED {
        // The error is white noise of a quarter of a step squared through 1 - sum c z^-k.
        let set = shaping::coefficients(dither, 48_000);
        let expected = 0.25 * (1.0 + set.iter().map(|c| c * c).sum::<f64>());
        for eighth in 0..8 {
            let input = vec![(100.0 + f64::from(eighth) / 8.0) * LSB_16; 1 << 18];
            let mut quantiser = Quantiser::new(16, dither, 1, 30 + eighth as u64).unwrap().at_rate(48_000);
            let mut planes = vec![Vec::new()];
            quantiser.process(&BlockRef::from_mono(&input), &mut planes);
            let error: Vec<f64> =
                planes[0].iter().zip(&input).map(|(y, x)| f64::from(*y) - x * 32_768.0).collect();
            // One per cent of the error's own size; its mean square is a mean of fewer independent values than white
            // noise has, five standard deviations of which are two per cent for the strongest sets.
            assert!(mean(&error).abs() < 0.01 * expected.sqrt(), "{dither:?}: mean {}", mean(&error));
            let part = variance(&error) / expected;
            assert!((part - 1.0).abs() < 0.02, "{dither:?}: variance {part} at {eighth}/8");
        }
    }
}

#[test]
fn shaping_moves_the_noise_out_of_the_ears_best_range() {
    // Measured with the 9-tap F set at 48 kHz: 22 dB less between 2 and 5 kHz, 18.4 dB more in all.
    let power = |dither| {
        let mut quantiser = Quantiser::new(16, dither, 1, 4).unwrap().at_rate(48_000);
        let mut planes = vec![Vec::new()];
        quantiser.process(&BlockRef::from_mono(&vec![0.0; 480_000]), &mut planes);
        let noise: Vec<f64> = planes[0].iter().map(|s| f64::from(*s)).collect();
        let band: f64 = (0..60).map(|k| amplitude_at(&noise, 2000.0 + 50.3 * f64::from(k)).powi(2)).sum();
        (10.0 * band.log10(), 10.0 * variance(&noise).log10())
    };
    let (plain, shaped) = (power(Dither::Tpdf), power(Dither::F9));
    // Sixty bins of noise: five standard deviations are 2.8 dB for each of the two.
    assert!((plain.0 - shaped.0 - 22.0).abs() < 4.0, "{} dB", plain.0 - shaped.0);
    assert!((shaped.1 - plain.1 - 18.4).abs() < 0.2, "{} dB", shaped.1 - plain.1);
}

#[test]
fn a_full_scale_signal_does_not_upset_the_shaping() {
    // A square, a loud tone, and what is far beyond full scale; then the noise is what it was.
    for dither in SHAPED {
        let loud = |n: usize| match n / 20_000 {
            0 => {
                if (n / 50).is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                }
            }
            1 => (TAU * 0.021 * n as f64).sin(),
            2 => 3.0 * (TAU * 0.021 * n as f64).sin(),
            _ => 0.0,
        };
        let input: Vec<f64> = (0..120_000).map(loud).collect();
        let mut quantiser = Quantiser::new(16, dither, 1, 6).unwrap().at_rate(48_000);
        let mut planes = vec![Vec::new()];
        quantiser.process(&BlockRef::from_mono(&input), &mut planes);
        let set = shaping::coefficients(dither, 48_000);
        // Within a step and a half of each error that is fed back.
        let most = 1.5 * (1.0 + set.iter().map(|c| c.abs()).sum::<f64>());
        for (y, x) in planes[0].iter().zip(&input) {
            let error = f64::from(*y) - (x * 32_768.0).clamp(-32_768.0, 32_767.0);
            assert!(error.abs() <= most, "{dither:?}: {x} became {y}");
        }
        let quiet: Vec<f64> = planes[0][60_100..].iter().map(|s| f64::from(*s)).collect();
        let expected = 0.25 * (1.0 + set.iter().map(|c| c * c).sum::<f64>());
        assert!((variance(&quiet) / expected - 1.0).abs() < 0.05, "{dither:?}");
    }
}

#[test]
fn an_auto_blank_is_silent_after_a_tenth_of_a_second() {
    let mut input = vec![0.25; 1000];
    input.extend(vec![0.0; 20_000]);
    input.extend(vec![0.25; 1000]);
    let mut quantiser = Quantiser::new(16, Dither::F9, 1, 6).unwrap().at_rate(48_000).blanking(48_000);
    let mut planes = vec![Vec::new()];
    quantiser.process(&BlockRef::from_mono(&input), &mut planes);
    // The dither goes on for 4800 frames, then every bit is zero until there is something again.
    assert!(planes[0][5_700..5_800].iter().any(|s| *s != 0));
    assert!(planes[0][5_800..21_000].iter().all(|s| *s == 0));
    assert!(planes[0][21_000..].iter().all(|s| (*s - 8_192).abs() < 40));
}

#[test]
fn each_dither_is_used_where_it_suits() {
    for (asked, bits, rate_hz, used) in [
        (Dither::Quiet, 16, 44_100, Dither::Quiet),
        (Dither::F9, 16, 48_000, Dither::F9),
        (Dither::F9, 16, 96_000, Dither::FirstOrder),
        (Dither::F9, 16, 32_000, Dither::Tpdf),
        (Dither::Quiet, 24, 48_000, Dither::Tpdf),
        (Dither::Tpdf, 16, 96_000, Dither::Tpdf),
        (Dither::None, 16, 44_100, Dither::None),
    ] {
        assert_eq!(asked.suited(bits, rate_hz), used, "{asked:?}, {bits} bits, {rate_hz} Hz");
    }
}

#[test]
fn full_scale_is_kept_and_what_is_beyond_is_counted() {
    let mut quantiser = Quantiser::new(16, Dither::None, 1, 0).unwrap();
    let mut output = vec![Vec::new()];
    let input = [-1.0, 32_767.0 / 32_768.0, 1.0, -1.1, 0.0];
    quantiser.process(&BlockRef::from_mono(&input), &mut output);
    assert_eq!(output[0], [-32_768, 32_767, 32_767, -32_768, 0]);
    assert_eq!(quantiser.clipped(), 2);
    quantiser.process(&BlockRef::from_mono(&[f64::NAN, f64::INFINITY, 0.5]), &mut output);
    assert_eq!(output[0], [0, 0, 16_384]);
    assert_eq!((quantiser.clipped(), quantiser.not_finite()), (2, 2));
    quantiser.reset();
    assert_eq!((quantiser.clipped(), quantiser.not_finite()), (0, 0));
}

#[test]
fn a_dithered_full_scale_square_never_wraps() {
    let input: Vec<f64> = (0..10_000).map(|n| if n / 50 % 2 == 0 { 1.0 } else { -1.0 }).collect();
    for bits in [8, 16, 24, 32] {
        let output = quantised(std::slice::from_ref(&input), bits, Dither::Tpdf, 2).remove(0);
        let far = (1i64 << (bits - 1)) - 4;
        for (x, y) in input.iter().zip(&output) {
            assert!(i64::from(*y) * (*x as i64) >= far, "{x} became {y} at {bits} bits");
        }
    }
}

#[test]
fn nothing_gives_nothing() {
    let mut quantiser = Quantiser::new(24, Dither::Tpdf, 2, 0).unwrap();
    let mut output = vec![vec![7]; 2];
    quantiser.process(&Buffer::new(2, 0).as_block(), &mut output);
    assert_eq!(output, vec![Vec::new(), Vec::<i32>::new()]);
}

#[test]
fn depths_that_no_file_has_are_refused() {
    for bits in [0, 7, 33, 64] {
        let error = Quantiser::new(bits, Dither::Tpdf, 2, 0).unwrap_err();
        assert!(error.to_string().contains(&bits.to_string()), "{error}");
    }
}

#[test]
fn dither_goes_on_through_silence() {
    let output = quantised(&[vec![0.0; 10_000]], 16, Dither::Tpdf, 9).remove(0);
    // The sum of two uniform draws rounds away from zero with probability 1/4.
    let moved = output.iter().filter(|s| **s != 0).count();
    assert!((2_280..2_720).contains(&moved), "{moved} of 10000");
    assert!(output.iter().all(|s| s.abs() <= 1));
}

#[test]
fn the_seed_decides_the_noise() {
    let input = vec![vec![0.1; 1000]];
    let first = quantised(&input, 16, Dither::Tpdf, 1);
    assert_eq!(first, quantised(&input, 16, Dither::Tpdf, 1));
    assert_ne!(first, quantised(&input, 16, Dither::Tpdf, 2));
}

proptest! {
    #[test]
    fn what_lies_on_the_grid_is_not_touched(
        bits in 8u32..=32, values in prop::collection::vec(i32::MIN..=i32::MAX, 1..200),
    ) {
        let steps: Vec<i32> = values.iter().map(|v| v >> (32 - bits)).collect();
        let scale = (1u64 << (bits - 1)) as f64;
        let input: Vec<f64> = steps.iter().map(|s| f64::from(*s) / scale).collect();
        prop_assert_eq!(&quantised(&[input], bits, Dither::None, 0)[0], &steps);
    }

    #[test]
    fn blocks_of_any_size_give_the_same_bits(
        cuts in prop::collection::vec(0usize..100, 1..20), seed in any::<u64>(),
    ) {
        let frames: usize = cuts.iter().sum();
        let planes: Vec<Vec<f64>> =
            (0..2).map(|c| (0..frames).map(|n| ((n + c * 31) as f64 * 0.37).sin()).collect()).collect();
        let whole = quantised(&planes, 16, Dither::Tpdf, seed);
        let buffer = Buffer::from_channels(&planes);
        let mut quantiser = Quantiser::new(16, Dither::Tpdf, 2, seed).unwrap();
        let mut pieces = vec![Vec::<i32>::new(); 2];
        let mut output = vec![Vec::new(); 2];
        for round in 0..2 {
            let mut start = 0;
            pieces.iter_mut().for_each(Vec::clear);
            for cut in &cuts {
                quantiser.process(&buffer.range(start, *cut), &mut output);
                pieces.iter_mut().zip(&output).for_each(|(p, o)| p.extend(o));
                start += cut;
            }
            prop_assert_eq!(&pieces, &whole, "round {}", round);
            quantiser.reset();
        }
    }
}
