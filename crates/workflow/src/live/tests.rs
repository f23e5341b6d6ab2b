//! The live meters against the meters that read files, and against arithmetic.

use super::*;
use audio::{BlockRef, Buffer, Layout};
use measure::{Loudness, TruePeak};
use std::f64::consts::{FRAC_PI_4, TAU};

const RATE_HZ: f64 = 48_000.0;

/// Noise from a linear congruential generator (Knuth's MMIX constants), uniform within +-1.
fn noise(seed: u64, frames: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}

/// Bursts of noise and tone of changing level, so that gates, maxima and range have something to decide.
fn song(seconds: usize) -> Buffer {
    let frames = seconds * RATE_HZ as usize;
    let level = |n: usize| [0.5, 0.05, 0.9, 0.001, 0.3][n / 30_000 % 5];
    let tone = |n: usize| (n as f64 * TAU * 0.2371).sin();
    let left: Vec<f64> =
        noise(1, frames).iter().enumerate().map(|(n, x)| level(n) * (0.3 * x + 0.7 * tone(n))).collect();
    let right: Vec<f64> = noise(2, frames).iter().enumerate().map(|(n, x)| 0.6 * level(n) * x).collect();
    Buffer::from_channels(&[left, right])
}

fn fed(buffer: &Buffer, cuts: &[usize]) -> LiveMeter {
    let mut meter = LiveMeter::new(RATE_HZ, Layout::from_channels(buffer.channels())).unwrap();
    let mut start = 0;
    for cut in cuts.iter().cycle() {
        let frames = (*cut).min(buffer.frames() - start);
        meter.push(&buffer.range(start, frames));
        start += frames;
        if start == buffer.frames() {
            return meter;
        }
    }
    meter
}

/// The same bins of 10 ms: equal to the last bit where they are summed in the same order, and within its rounding where
/// running windows group them otherwise.
#[test]
fn all_that_was_played_reads_as_the_meters_of_files_do() {
    let buffer = song(12);
    let mut meter = fed(&buffer, &[4096]);
    meter.finish();
    let now = meter.snapshot();
    let mut loudness = Loudness::new(RATE_HZ, Layout::Stereo).unwrap();
    loudness.push(&buffer.as_block());
    assert_eq!(now.integrated_lufs, loudness.integrated_lufs());
    assert_eq!(now.loudness_range_lu, loudness.loudness_range_lu());
    let close = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(now.max_momentary_lufs, loudness.max_momentary_lufs()), "{now:?}");
    assert!(close(now.max_short_term_lufs, loudness.max_short_term_lufs()), "{now:?}");
    assert_eq!(now.momentary_lufs, loudness.momentary_lufs());
    assert!(now.integrated_lufs.is_some() && now.loudness_range_lu.is_some());
    let mut peak = TruePeak::new(2, 16).unwrap();
    peak.push(&buffer.as_block());
    for (live, whole) in now.channels.iter().zip(peak.reading().channels) {
        let whole = audio::gain_to_db(whole.level);
        // A fade of 240 frames is -120 dB beside its slope within the interpolator's reach; 0.01 dB is a tenth of
        // what is shown.
        assert!((live.max_dbtp.unwrap() - whole).abs() < 0.01, "{live:?} {whole}");
    }
    assert_eq!(now.measured_s, 12.0);
}

#[test]
fn how_the_signal_was_cut_changes_nothing() {
    let buffer = song(2);
    let whole = fed(&buffer, &[buffer.frames()]).snapshot();
    for cuts in [&[1usize, 7, 479, 481][..], &[480], &[5000, 3], &[65_536]] {
        assert_eq!(fed(&buffer, cuts).snapshot(), whole, "{cuts:?}");
    }
}

/// A quarter of the sample rate with samples at 45 degrees: the wave is 3.01 dB higher than every sample. Windows that
/// end abruptly would read up to 0.8 dB more at their edges.
#[test]
fn peaks_between_samples_are_seen_and_edges_of_windows_are_not() {
    let tone: Vec<f64> = (0..96_000).map(|n| 0.7 * (n as f64 * TAU / 4.0 + FRAC_PI_4).sin()).collect();
    // Faded at both ends: a sudden start is a higher peak by itself.
    let fade = |n: usize| (n.min(95_999 - n) as f64 / 4800.0).min(1.0);
    let tone: Vec<f64> = tone.iter().enumerate().map(|(n, x)| x * fade(n)).collect();
    let mut meter = fed(&Buffer::from_channels(&[tone]), &[1000]);
    meter.finish();
    let expected = audio::gain_to_db(0.7);
    let read = meter.snapshot().true_peak_dbtp.unwrap();
    assert!((read - expected).abs() < 0.02, "{read} for {expected}");
}

#[test]
fn a_reset_begins_anew_what_is_of_all_and_leaves_what_is_of_now() {
    let (first, second) = (song(5), Buffer::from_channels(&[noise(8, 240_000), noise(9, 240_000)]));
    let mut meter = fed(&first, &[4096]);
    let before = meter.snapshot();
    meter.reset().unwrap();
    let after = meter.snapshot();
    assert_eq!(
        (after.momentary_lufs, after.short_term_lufs),
        (before.momentary_lufs, before.short_term_lufs)
    );
    assert_eq!((after.integrated_lufs, after.true_peak_dbtp, after.max_momentary_lufs), (None, None, None));
    assert!(after.channels.iter().all(|c| c.max_dbtp.is_none() && !c.over));
    meter.push(&second.as_block());
    let fresh = fed(&second, &[4096]).snapshot();
    let now = meter.snapshot();
    assert_eq!(now.integrated_lufs, fresh.integrated_lufs);
    assert_eq!(now.max_short_term_lufs, fresh.max_short_term_lufs);
    assert_eq!(now.measured_s, 5.0);
}

/// IEC 60268-18: 20 dB in 1.7 s; the mark stands 2 s.
#[test]
fn a_bar_rises_at_once_and_falls_slowly() {
    let mut burst = vec![0.0; 48_000 * 4];
    burst[..4800].copy_from_slice(&noise(3, 4800));
    let buffer = Buffer::from_channels(&[burst]);
    let mut meter = LiveMeter::new(RATE_HZ, Layout::Mono).unwrap();
    meter.push(&buffer.range(0, 9600));
    let top = meter.snapshot().channels[0];
    assert!(top.over && top.bar_dbtp.unwrap() > -1.0, "{top:?}");
    meter.push(&buffer.range(9600, 81_600));
    let later = meter.snapshot().channels[0];
    let fallen = top.bar_dbtp.unwrap() - later.bar_dbtp.unwrap();
    assert!((fallen - 20.0).abs() < 1e-6, "{fallen}");
    assert_eq!(later.hold_dbtp, top.hold_dbtp);
    meter.push(&buffer.range(91_200, 48_000));
    let end = meter.snapshot().channels[0];
    assert!(end.hold_dbtp.is_none() && end.over && end.max_dbtp == top.max_dbtp, "{end:?}");
}

#[test]
fn image_and_spectrum_are_those_of_now() {
    let tone: Vec<f64> = (0..96_000).map(|n| 0.5 * (n as f64 * TAU / 48.0).sin()).collect();
    let turned: Vec<f64> = tone.iter().enumerate().map(|(n, x)| if n < 48_000 { *x } else { -x }).collect();
    let buffer = Buffer::from_channels(&[tone, turned]);
    let mut meter = LiveMeter::new(RATE_HZ, Layout::Stereo).unwrap();
    meter.push(&buffer.range(0, 48_000));
    assert!(meter.snapshot().correlation.unwrap() > 0.999_999);
    let bands = meter.snapshot().bands;
    let highest = bands.iter().max_by(|a, b| a.db.partial_cmp(&b.db).unwrap()).unwrap();
    // -9.03 dBFS; the faded ends of the window take 0.3 dB (1 - 2 x 20 ms x 5/8 / 400 ms).
    assert!(highest.hz == 1000.0 && (highest.db.unwrap() + 9.3).abs() < 0.1, "{highest:?}");
    // Ten octaves away there is nothing: the window's edges put nothing there.
    assert!(bands.iter().filter(|b| b.hz < 100.0 || b.hz > 10_000.0).all(|b| b.db.unwrap_or(-200.0) < -90.0));
    meter.push(&buffer.range(48_000, 48_000));
    let now = meter.snapshot();
    assert!(now.correlation.unwrap() < -0.999_999);
    assert!(now.scope.iter().all(|(l, r)| (l + r).abs() < 1e-12) && now.scope.len() > 100);
}

#[test]
fn silence_mono_and_many_channels_have_no_made_up_numbers() {
    for channels in [1, 2, 6, 9] {
        let silence = Buffer::new(channels, 100_000);
        let mut meter = fed(&silence, &[4096]);
        meter.finish();
        let now = meter.snapshot();
        assert_eq!((now.integrated_lufs, now.momentary_lufs, now.true_peak_dbtp), (None, None, None));
        assert_eq!((now.psr_lu, now.correlation, now.channels.len()), (None, None, channels));
        assert_eq!(now.scope.is_empty(), channels != 2);
    }
    assert!(LiveMeter::new(1.0, Layout::Mono).is_err());
}

fn written(channels: &[Vec<f64>]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let spec = files::WriteSpec {
        file_type: files::FileType::Wav,
        sample_format: files::SampleFormat::Float64,
        sample_rate_hz: 48_000,
        channels: channels.len(),
    };
    let mut writer = files::Writer::create(&path, spec).unwrap();
    writer.write_f64(&Buffer::from_channels(channels).as_block()).unwrap();
    writer.finish().unwrap();
    (folder, path)
}

#[test]
fn a_player_plays_to_the_end_and_its_jumps_make_no_click() {
    // A low tone: a splice without a crossfade would be a step of up to twice its amplitude.
    let tone: Vec<f64> = (0..480_000).map(|n| 0.1 * (n as f64 * TAU * 53.7 / RATE_HZ).sin()).collect();
    let (_folder, path) = written(&[tone.clone(), tone]);
    let mut player = LivePlayer::open(&path).unwrap();
    player.play_to(2.0).unwrap();
    assert_eq!((player.position_s(), player.ended()), (2.0, false));
    let steady = player.snapshot().momentary_lufs.unwrap();
    for place_s in [7.123, 0.5, 3.3337, 9.0] {
        player.seek(place_s).unwrap();
        player.play_to(place_s + 0.5).unwrap();
        let now = player.snapshot();
        assert!(now.max_momentary_lufs.unwrap() < steady + 0.1, "{place_s}: {now:?}");
        assert!(now.true_peak_dbtp.unwrap() < -19.9, "{place_s}: {now:?}");
    }
    player.play_to(1e9).unwrap();
    assert!(player.ended() && player.position_s() == 10.0);
    player.seek(-5.0).unwrap();
    assert!(!player.ended() && player.position_s() < 0.02);
}

#[test]
fn every_peak_of_a_file_is_in_its_history() {
    // A click of one frame anywhere, also in the last few frames: the highest value of its step.
    for (frames, place) in [(48_000, 30_000), (48_001, 48_000), (47_999, 47_998), (2400, 2399), (100, 50)] {
        let mut samples = vec![0.0; frames];
        samples[place] = 0.5;
        let mut history = PeakHistory::new(RATE_HZ, 1).unwrap();
        samples.chunks(777).for_each(|part| history.push(&BlockRef::from_mono(part)));
        let (step_s, peaks) = history.finish();
        assert_eq!(peaks.len(), frames.div_ceil(2400), "{frames}");
        let highest = peaks.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!((highest + 6.02).abs() < 0.05, "{frames}, {place}: {highest}");
        let at = peaks.iter().position(|p| *p == Some(highest)).unwrap();
        // A window is read when it has left its fade: at most 5 ms later.
        let time_s = place as f64 / RATE_HZ;
        assert!(
            (at as f64 * step_s..=(at + 1) as f64 * step_s + 0.005).contains(&(time_s + 0.005)),
            "{at} {time_s}"
        );
    }
}
