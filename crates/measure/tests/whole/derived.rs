//! Derived readings of signals whose readings follow from mathematics, or were computed by another program.

use crate::common::{Random, tones};
use audio::{Buffer, Layout, db_to_gain};
use measure::{Analysis, ChannelRelation, Facts, Options, analyse};
use std::f64::consts::{PI, TAU};

fn analysis(rate: f64, channels: &[Vec<f64>]) -> Analysis {
    let buffer = Buffer::from_channels(channels);
    let options = Options { true_peak_factor: 4, ..Options::default() };
    analyse(&buffer.as_block(), rate, Layout::from_channels(channels.len()), options).unwrap()
}

fn facts(rate: f64, channels: &[Vec<f64>]) -> Facts {
    analysis(rate, channels).facts
}

#[track_caller]
fn near(what: &str, got: Option<f64>, expected: f64, tolerance: f64) {
    let error = got.map_or(f64::NAN, |got| (got - expected).abs());
    assert!(error <= tolerance, "{what}: {got:?} for {expected}");
}

fn sine(rate: f64, hz: f64, frames: usize, level: f64) -> Vec<f64> {
    (0..frames).map(|n| level * (TAU * hz * n as f64 / rate).sin()).collect()
}

fn noise(frames: usize, level: f64, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..frames).map(|_| level * random.number()).collect()
}

/// Computed with NumPy from the definition in the DR meter's description: blocks of 132,480 frames at 44.1 kHz and of
/// 3 s elsewhere, `sqrt(2 mean(x^2))`, the second-highest peak, the loudest fifth of the blocks by RMS.
#[test]
fn dr_is_that_of_an_independent_program() {
    for (rate, expected) in [
        (44_100.0, [5.871563243611409, 5.677683265127253]),
        (48_000.0, [5.866256543287625, 5.6710879419653715]),
    ] {
        let channel = |seed: u64| {
            let mut random = Random(seed);
            let swell = |t: f64| 0.1 + 0.8 * (0.37 * t + seed as f64).sin().abs();
            (0..(31.3 * rate) as usize)
                .map(|n| swell(n as f64 / rate) * random.number().powi(3))
                .collect::<Vec<f64>>()
        };
        let facts = facts(rate, &[channel(7), channel(9)]);
        for (channel, expected) in facts.per_channel.iter().zip(expected) {
            // The order of the sums is another; nothing else may differ.
            near("DR", channel.dr_db, expected, 1e-9);
        }
        assert_eq!(facts.dr_db, Some(6.0));
    }
}

#[test]
fn dr_takes_the_second_highest_peak_and_the_loudest_fifth() {
    let rate = 48_000.0;
    let quiet = sine(rate, 1000.0, 1_440_000, 0.25);
    let mut once = quiet.clone();
    once[50_000] = 1.0;
    let mut twice = once.clone();
    twice[500_000] = -1.0;
    let read = |samples: &[f64]| facts(rate, &[samples.to_vec()]).per_channel[0].dr_db;
    near("a sine", read(&quiet), 0.0, 1e-3);
    // One sample of 144,000 adds 16/144,000 x 2 to the power: 0.001 dB.
    near("one high block", read(&once), 0.0, 0.002);
    near("two high blocks", read(&twice), 20.0 * 4f64.log10(), 0.002);
    // Two of ten blocks are loud.
    let level = |n: usize| if (3..5).contains(&(n / 144_000)) { 1.0 } else { 0.1 };
    let fifth: Vec<f64> = quiet.iter().enumerate().map(|(n, x)| level(n) * x).collect();
    near("the loudest fifth", read(&fifth), 0.0, 1e-3);
    assert_eq!(read(&quiet[..140_000]), None, "one block has no second peak");
    assert_eq!(read(&[0.0; 500_000]), None);
    // At 44.1 kHz both peaks lie in the first block of 132,480 frames; 3 s would part them.
    let mut cd = sine(44_100.0, 1000.0, 1_000_000, 0.25);
    (cd[1_000], cd[132_400]) = (1.0, 1.0);
    near("3.004 s", facts(44_100.0, &[cd]).dr_db, 0.0, 0.0);
}

#[test]
fn k_system_has_its_zero_at_three_levels() {
    let buffer = tones(48_000.0, 2, &[(6.0, -20.0), (6.0, f64::NEG_INFINITY)]);
    let channels: Vec<Vec<f64>> = buffer.as_block().iter().map(<[f64]>::to_vec).collect();
    let facts = facts(48_000.0, &channels);
    for (reading, scale) in facts.k_system.iter().zip([20.0, 14.0, 12.0]) {
        assert_eq!(reading.scale, scale);
        // A sine of peak -20 dBFS is 0 dB of K-20; half of the time is 3.01 dB less.
        near("loudest 600 ms", reading.max_rms_db, scale - 20.0, 1e-3);
        near("all of it", reading.rms_db, scale - 23.01, 1e-2);
        // In two channels 1 kHz has its peak as its loudness (Tech 3341, case 1, with 0.1 LU of tolerance); the gate
        // drops the silence, but for three blocks that are partly in it: 0.1 LU more.
        near("loudness", reading.integrated_lu, scale - 20.0, 0.2);
        near("loudest 400 ms", reading.max_momentary_lu, scale - 20.0, 0.1);
    }
}

#[test]
fn psr_against_time_is_that_of_each_three_seconds() {
    let buffer = tones(48_000.0, 2, &[(6.0, -12.0), (6.0, f64::NEG_INFINITY), (6.0, -12.0)]);
    let channels: Vec<Vec<f64>> = buffer.as_block().iter().map(<[f64]>::to_vec).collect();
    let psr = analysis(48_000.0, &channels).psr;
    assert_eq!((psr.time_s.len(), psr.psr_lu.len()), (151, 151));
    let at = |time_s: f64| psr.psr_lu[psr.time_s.iter().position(|t| (t - time_s).abs() < 1e-9).unwrap()];
    // The same peak and loudness; half of the window in silence lowers the loudness alone.
    near("playing", at(5.0), 0.0, 0.15);
    near("half silent", at(7.5), 3.01, 0.15);
    assert_eq!(at(10.0), None, "silence has none");
    near("again", at(18.0), 0.0, 0.15);
}

#[test]
fn a_histogram_holds_every_loudness_once() {
    let parts = [(10.0, -20.0), (10.0, -30.0), (10.0, f64::NEG_INFINITY)];
    let buffer = tones(48_000.0, 2, &parts);
    let channels: Vec<Vec<f64>> = buffer.as_block().iter().map(<[f64]>::to_vec).collect();
    let facts = facts(48_000.0, &channels);
    for (histogram, window_s) in [(&facts.momentary_histogram, 0.4), (&facts.short_term_histogram, 3.0)] {
        assert_eq!((histogram.window_s, histogram.bin_lu), (window_s, 0.5));
        assert!((histogram.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let lowest = histogram.lowest_lufs.unwrap();
        let share = |lufs: f64| histogram.shares[((lufs - lowest) / 0.5) as usize];
        // Windows wholly within one level: its length less the window; those above -70 LUFS end with the sound.
        let whole = (10.0 - window_s) / 20.0;
        // 1 kHz reads 0.0 to 0.1 LU beside its level: either bin beside -20 may hold it.
        let both = |lufs: f64| share(lufs + 0.1) + share(lufs - 0.1);
        assert!((both(-20.0) - whole).abs() < 0.03, "{:?}", histogram.shares);
        assert!((both(-30.0) - whole).abs() < 0.03, "{:?}", histogram.shares);
        near("median", histogram.p50_lufs, -25.0, 5.3);
        near("95 %", histogram.p95_lufs, -20.0, 0.1);
        // Windows that end up to their length after the sound still hold some of it; those with 45 % of silence are
        // at -32.6 LUFS, 10 LU below the mean of half at -20 and half at -30. A window or two of 0.1 s: 0.01.
        let all = 30.0 - window_s;
        near("sounding", Some(histogram.sounding_share), 20.0 / all, 0.01);
        near("gated", Some(histogram.gated_share), (20.0 - 0.55 * window_s) / all, 0.01);
    }
    let nothing = self::facts(48_000.0, &[vec![0.0; 480_000]]);
    assert_eq!(nothing.momentary_histogram.p50_lufs, None);
    assert!(nothing.momentary_histogram.shares.is_empty());
}

#[test]
fn tilt_is_the_slope_of_the_third_octaves() {
    let rate = 48_000.0;
    for slope in [0.0, -4.5, 3.0] {
        // A tone at each exact centre from 50 Hz to 10 kHz.
        let mut sum = vec![0.0; 480_000];
        for n in -13..=10 {
            let hz = 1000.0 * 10f64.powf(f64::from(n) / 10.0);
            let level = 0.01 * db_to_gain(slope * (hz / 1000.0).log2());
            sum.iter_mut().zip(sine(rate, hz, 480_000, level)).for_each(|(sum, x)| *sum += x);
        }
        // Skirts of the window reach into neighbouring bands at the steep end.
        near("tones", facts(rate, &[sum]).tilt_db_per_octave, slope, 0.02);
    }
    // White noise: twice the width in every octave. The scatter of 50 Hz (11.5 Hz x 20 s) is 0.3 dB, over 7.6
    // octaves and 24 bands under 0.05 dB.
    near("white", facts(rate, &[noise(960_000, 0.3, 5)]).tilt_db_per_octave, 3.01, 0.05);
    assert_eq!(facts(rate, &[vec![0.0; 48_000]]).tilt_db_per_octave, None);
    assert_eq!(facts(16_000.0, &[noise(80_000, 0.3, 5)]).tilt_db_per_octave, None, "no band of 10 kHz");
}

/// Low-pass by a windowed sinc of 1,023 taps: 6 dB down at `hz`, done within 200 Hz.
fn low_passed(samples: &[f64], hz: f64, rate: f64) -> Vec<f64> {
    let taps: Vec<f64> = (-511..=511)
        .map(|n| {
            let x = f64::from(n);
            let sinc = if n == 0 { 2.0 * hz / rate } else { (TAU * hz * x / rate).sin() / (PI * x) };
            sinc * (0.5 + 0.5 * (PI * x / 512.0).cos())
        })
        .collect();
    samples.windows(1_023).map(|w| w.iter().zip(&taps).map(|(x, t)| x * t).sum()).collect()
}

#[test]
fn a_spectrum_that_ends_all_at_once_is_told() {
    let mut dither = Random(77);
    for (rate, hz) in [(44_100.0, 16_000.0), (48_000.0, 11_025.0), (96_000.0, 22_050.0)] {
        let sound = low_passed(&noise(150_000, 0.3, 3), hz, rate);
        let quantised: Vec<f64> = sound
            .iter()
            .map(|x| (x * 32_768.0 + 0.5 * (dither.number() + dither.number())).round() / 32_768.0)
            .collect();
        // A step of 100 Hz, and half of the filter's slope (4 bins of 1,023 taps under a Hann window).
        let tolerance = 100.0 + 2.0 * rate / 1_023.0;
        near(&format!("{hz} at {rate}"), facts(rate, &[quantised]).bandwidth_hz, hz, tolerance);
    }
    let white = noise(150_000, 0.3, 3);
    assert_eq!(facts(44_100.0, std::slice::from_ref(&white)).bandwidth_hz, None, "all of it");
    // 12 dB per octave from 2 kHz on: a slope, no edge.
    let mut state = [0.0; 2];
    let dull: Vec<f64> = white
        .iter()
        .map(|x| {
            state[0] += 0.25 * (x - state[0]);
            state[1] += 0.25 * (state[0] - state[1]);
            state[1]
        })
        .collect();
    assert_eq!(facts(44_100.0, &[dull]).bandwidth_hz, None, "a slope");
    assert_eq!(facts(44_100.0, &[sine(44_100.0, 5000.0, 150_000, 0.5)]).bandwidth_hz, None, "a tone");
    assert_eq!(facts(44_100.0, &[vec![0.0; 44_100]]).bandwidth_hz, None, "silence");
}

#[test]
fn what_two_channels_are_to_each_other() {
    let frames = 240_000;
    let (a, b, c) = (noise(frames, 0.3, 3), noise(frames, 0.3, 4), noise(frames, 0.3, 5));
    let relation = |left: Vec<f64>, right: Vec<f64>| facts(48_000.0, &[left, right]).channel_relation;
    let scaled = |x: &[f64], gain: f64| x.iter().map(|x| gain * x).collect::<Vec<f64>>();
    let late = |x: &[f64], by: usize| [vec![0.0; by], x[..x.len() - by].to_vec()].concat();
    let added = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x + y).collect::<Vec<f64>>();
    let silence = vec![0.0; frames];
    use ChannelRelation::*;
    assert_eq!(relation(a.clone(), a.clone()), Some(Identical));
    assert_eq!(relation(a.clone(), scaled(&a, 0.5)), Some(Identical), "6 dB apart");
    assert_eq!(relation(a.clone(), scaled(&a, -0.8)), Some(Inverted));
    assert_eq!(relation(a.clone(), silence.clone()), Some(LeftOnly));
    assert_eq!(relation(scaled(&a, 1e-4), a.clone()), Some(RightOnly));
    for frames in [2, 22, 700] {
        let right = added(&late(&a, frames), &scaled(&b, 0.3));
        assert_eq!(relation(a.clone(), right), Some(Late { channel: 1, frames, inverted: false }));
    }
    let left = scaled(&late(&a, 100), -1.0);
    assert_eq!(relation(left, a.clone()), Some(Late { channel: 0, frames: 100, inverted: true }));
    // A mix: a middle and two sides; and the same with one channel upside down.
    let (left, right) = (added(&a, &b), added(&a, &c));
    assert_eq!(relation(left.clone(), right.clone()), None);
    assert_eq!(relation(left, scaled(&right, -1.0)), Some(Inverted));
    assert_eq!(relation(b, c), None, "nothing in common");
    assert_eq!(relation(silence.clone(), silence), None);
    assert_eq!(facts(48_000.0, &[a]).channel_relation, None, "one channel");
}

#[test]
fn the_image_is_read_by_band_against_time() {
    let rate = 48_000.0;
    let second = 48_000;
    // Noise in phase, then opposite, then on the left alone.
    let left = noise(12 * second, 0.3, 8);
    let sign = |n: usize| [1.0, -1.0, 0.0][n / (4 * second)];
    let right: Vec<f64> = left.iter().enumerate().map(|(n, x)| sign(n) * x).collect();
    let analysis = analysis(rate, &[left, right]);
    let image = &analysis.image;
    assert!((0.3..=0.6).contains(&image.window_s), "{}", image.window_s);
    assert_eq!(image.bands.len(), 9);
    let row = |time_s: f64| image.time_s.iter().position(|t| *t >= time_s).unwrap();
    for band in &image.bands {
        assert_eq!(
            (band.correlation.len(), band.mono_loss_db.len()),
            (image.time_s.len(), image.time_s.len())
        );
        assert_eq!(band.correlation[row(2.0)], Some(1.0));
        assert_eq!(band.mono_loss_db[row(2.0)], Some(0.0));
        assert_eq!(band.correlation[row(6.0)], Some(-1.0));
        assert_eq!(band.mono_loss_db[row(6.0)], Some(240.0));
        assert_eq!(band.correlation[row(10.0)], None, "a silent channel");
        near("half of it", band.mono_loss_db[row(10.0)].map(f64::from), 3.01, 0.01);
    }
    for band in &analysis.facts.stereo_bands {
        // Four seconds against four: nothing in common on the whole; scatter of noise in 40 Hz x 8 s.
        near("on the whole", band.correlation, 0.0, 0.2);
        near("at worst", band.min_correlation, -1.0, 1e-6);
        let at_s = band.min_correlation_s.unwrap();
        assert!((4.0..=8.6).contains(&at_s), "{at_s}");
        // A window more or less at either end.
        near("below zero", Some(band.below_zero_s), 4.0, 0.4);
    }
    // Width by third octave: a low tone in the middle, a high one with the side 6.02 dB under the middle.
    let (low, high) = (sine(rate, 100.0, 6 * second, 0.3), sine(rate, 5000.0, 6 * second, 0.3));
    let right = low.iter().zip(&high).map(|(low, high)| low + high / 3.0).collect();
    let left = low.iter().zip(&high).map(|(low, high)| low + high).collect();
    let facts = facts(rate, &[left, right]);
    let width = |hz: f64| facts.third_octave_side_mid_db.iter().find(|band| band.hz == hz).unwrap().db;
    assert!(width(100.0).unwrap() < -60.0, "{:?}", width(100.0));
    near("5 kHz", width(5000.0), -6.02, 0.01);
    let mono = self::facts(rate, &[low]);
    assert!(mono.third_octave_side_mid_db.is_empty() && mono.stereo_bands.is_empty());
}

#[test]
fn quiet_ends_and_used_bits_are_told() {
    let rate = 48_000.0;
    let mut samples = vec![2.0 / 32_768.0; 240_000];
    samples[48_000..192_000].copy_from_slice(&sine(rate, 500.0, 144_000, 0.5));
    samples.iter_mut().for_each(|x| *x = (*x * 32_768.0).round() / 32_768.0);
    let facts = facts(rate, &[samples]);
    assert_eq!((facts.leading_silence_s, facts.leading_quiet_s, facts.trailing_quiet_s), (0.0, 1.0, 1.0));
    assert_eq!(facts.bits_used, Some(16));
    let silent = self::facts(rate, &[vec![0.0; 48_000]]);
    assert_eq!((silent.leading_quiet_s, silent.trailing_quiet_s, silent.bits_used), (1.0, 0.0, None));
}

#[test]
fn a_cut_below_full_scale_has_its_level() {
    let cut: Vec<f64> = sine(48_000.0, 200.0, 480_000, 1.0).iter().map(|x| x.clamp(-0.5, 0.5)).collect();
    let facts = facts(48_000.0, &[cut]);
    near("cut at", facts.clipped_level_dbfs, -6.02, 0.01);
    assert_eq!(self::facts(48_000.0, &[sine(48_000.0, 200.0, 48_000, 1.0)]).clipped_level_dbfs, None);
}
