//! `check --apply`: what is mended is mended, what was not asked for stays, and the source is never written to.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use audio::{Buffer, db_to_gain};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use workflow::{CheckRequest, CheckedFile, Context, MendRequest, Quiet, check};

const RATE: u32 = 48_000;

fn write(path: &Path, channels: &[Vec<f64>], file_type: FileType, sample_format: SampleFormat) {
    let spec = WriteSpec { file_type, sample_format, sample_rate_hz: RATE, channels: channels.len() };
    let mut writer = Writer::create(path, spec).unwrap();
    writer.write_f64(&Buffer::from_channels(channels).as_block()).unwrap();
    writer.finish().unwrap();
}

fn read(path: &str) -> Vec<Vec<f64>> {
    let buffer = files::open(path).unwrap().read_to_end().unwrap();
    (0..buffer.channels()).map(|channel| buffer.channel(channel).to_vec()).collect()
}

/// Three tones that beat, faded at both ends.
fn music(seconds: f64, peak_dbfs: f64, hz: f64) -> Vec<f64> {
    let frames = (seconds * f64::from(RATE)) as usize;
    let edge = |n: usize| ((n.min(frames - 1 - n)) as f64 / 2_400.0).min(1.0);
    let tone = |n: usize, hz: f64| (TAU * hz * n as f64 / f64::from(RATE)).sin();
    let wave = |n: usize| 0.5 * tone(n, hz) + 0.3 * tone(n, 3.007 * hz) + 0.2 * tone(n, 7.013 * hz);
    (0..frames).map(|n| db_to_gain(peak_dbfs) * edge(n) * wave(n)).collect()
}

fn apply(path: &Path, target: &str, only: &[&str], dry_run: bool) -> CheckedFile {
    let only = only.iter().map(|id| (*id).to_string()).collect();
    let mend = Some(MendRequest { only, dry_run, output: None });
    let request = CheckRequest { target: target.into(), mend, ..CheckRequest::default() };
    let cancel = AtomicBool::new(false);
    let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
    let before = std::fs::read(path).unwrap();
    let mut result = check(&[path.to_path_buf()], &request, &context).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), before, "the source is never written to");
    result.files.remove(0)
}

fn names(folder: &Path) -> Vec<String> {
    let all =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

/// A programme with everything wrong that can be mended: a constant, a click, silence, a cut end, too loud, too high.
fn spoilt(folder: &Path) -> PathBuf {
    let mut left = music(10.0, -1.0, 300.0);
    let mut right: Vec<f64> =
        left.iter().zip(music(10.0, -1.0, 330.0)).map(|(l, other)| 0.5 * (l + other)).collect();
    left.truncate(450_000);
    right.truncate(450_000);
    left[200_000] += 0.2;
    let silence = vec![0.0; 3 * RATE as usize];
    let channels = [left, right].map(|plane| {
        let mut all = silence.clone();
        all.extend(plane.iter().map(|s| 0.9 * s + 0.02));
        all
    });
    let path = folder.join("spoilt.wav");
    write(&path, &channels, FileType::Wav, SampleFormat::Int24);
    path
}

// Finds a remedy that is told but not done, a source that is changed, and a mended file that is not the same twice.
#[test]
fn what_can_be_mended_is_mended_and_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = spoilt(folder.path());
    let planned = apply(&path, "ebu_r128", &[], true);
    assert_eq!(names(folder.path()), ["spoilt.wav"], "a dry run writes nothing");
    let file = apply(&path, "ebu_r128", &[], false);
    let mended = file.mended.unwrap();
    let told = |mended: &workflow::Mended| mended.applied.iter().map(|a| a.finding).collect::<Vec<_>>();
    assert_eq!(told(&planned.mended.unwrap()), told(&mended));
    for id in ["dc_offset", "clicks", "silence_start", "abrupt_end", "integrated_loudness"] {
        assert!(told(&mended).contains(&id), "{id} is not among {:?}", mended.applied);
    }
    let after = mended.checked.unwrap();
    assert!(after.passed && after.findings.is_empty(), "{:?}", after.findings);
    let facts = &after.reading.facts;
    assert!((facts.integrated_lufs.unwrap() + 23.0).abs() < 0.5, "{:?}", facts.integrated_lufs);
    let samples = read(&mended.path);
    for plane in &samples {
        let mean = plane.iter().sum::<f64>() / plane.len() as f64;
        assert!(mean.abs() < 2e-4, "the constant is gone: {mean}");
        // The click was 0.18 high, before the gain; the music moves by less than 0.06 from sample to sample.
        let step = plane.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(step < 0.05, "{step}");
        assert!(plane.last().unwrap().abs() < 1e-3, "the end is faded");
    }
    // A tenth of a second stays of three seconds of silence.
    assert!(samples[0].len().abs_diff(450_000 + 4_800) < 960, "{}", samples[0].len());
    let session = std::fs::read_to_string(mended.session.unwrap()).unwrap();
    assert!(session.contains("declick") && session.contains("remove_dc"), "{session}");
    let bytes = std::fs::read(&mended.path).unwrap();
    let again = apply(&path, "ebu_r128", &[], false).mended.unwrap();
    assert_eq!(std::fs::read(again.path).unwrap(), bytes);
}

#[test]
fn only_what_is_named_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let file = apply(&spoilt(folder.path()), "ebu_r128", &["clicks"], false);
    let mended = file.mended.unwrap();
    assert_eq!(mended.applied.len(), 1);
    let after = mended.checked.unwrap();
    assert!(
        after.findings.iter().any(|f| f.id == "dc_offset") && after.findings.iter().all(|f| f.id != "clicks")
    );
    let (before, now) = (read(folder.path().join("spoilt.wav").to_str().unwrap()), read(&mended.path));
    // All but the click is left as it was, to the dither of one more rounding to 24 bits.
    let far = before[0].iter().zip(&now[0]).filter(|(a, b)| (*a - *b).abs() > 4.0 / 8_388_608.0).count();
    assert_eq!(before[0].len(), now[0].len());
    assert!((1..200).contains(&far), "{far}");
}

// Finds samples that are dithered though only the kind of file changes.
#[test]
fn another_kind_of_file_keeps_every_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.flac");
    let rounded = |plane: Vec<f64>| -> Vec<f64> {
        plane.iter().map(|s| (s * 8_388_608.0).round() / 8_388_608.0).collect()
    };
    let channels = [rounded(music(5.0, -6.0, 300.0)), rounded(music(5.0, -6.0, 301.0))];
    write(&path, &channels, FileType::Flac, SampleFormat::Int24);
    let mended = apply(&path, "vinyl", &["container"], false).mended.unwrap();
    assert!(mended.path.ends_with("song-mended.wav") && mended.session.is_none(), "{mended:?}");
    assert_eq!(read(&mended.path), channels);
}

#[test]
fn a_channel_that_is_upside_down_is_turned_and_one_that_is_silent_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let (path, left) = (folder.path().join("turned.wav"), music(6.0, -12.0, 300.0));
    let noise = music(6.0, -40.0, 777.0);
    let right: Vec<f64> = left.iter().zip(&noise).map(|(l, n)| n - l).collect();
    write(&path, &[left.clone(), right.clone()], FileType::Wav, SampleFormat::Int24);
    let mended = apply(&path, "streaming", &[], false).mended.unwrap();
    let samples = read(&mended.path);
    for n in 0..left.len() {
        // Dither of 24 bits.
        assert!((samples[0][n] - left[n]).abs() < 1e-6 && (samples[1][n] + right[n]).abs() < 1e-6, "{n}");
    }
    assert!(mended.checked.unwrap().findings.iter().all(|f| f.id != "mono_loss" && f.id != "correlation"));

    let path = folder.path().join("silent.wav");
    write(&path, &[left.clone(), vec![0.0; left.len()]], FileType::Wav, SampleFormat::Int24);
    let mended = apply(&path, "streaming", &[], false).mended.unwrap();
    let samples = read(&mended.path);
    for n in 0..left.len() {
        // Dither of 24 bits.
        assert!((samples[0][n] - left[n]).abs() < 1e-6, "{n}");
        assert!((samples[1][n] - left[n]).abs() < 1e-6, "{n}");
    }
}

// Finds a peak that is turned down where the level has to stay, and the other way round.
#[test]
fn a_level_is_reached_by_gain_or_by_a_limiter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    let mut left = music(8.0, -24.0, 300.0);
    // Single peaks far above everything else, as of a snare drum: 5 ms of a burst every second.
    for burst in 0..7 {
        for n in 0..240 {
            let window = (std::f64::consts::PI * n as f64 / 240.0).sin();
            left[24_000 + burst * 48_000 + n] += 0.8 * window * (TAU * 1_000.0 * n as f64 / 48_000.0).sin();
        }
    }
    write(&path, &[left.clone(), left.clone()], FileType::Wav, SampleFormat::Int24);
    let music_file = apply(&path, "streaming", &[], false);
    assert!(music_file.mended.is_none(), "no rule is broken: {:?}", music_file.checked.findings);
    let broadcast = apply(&path, "ebu_r128", &[], false).mended.unwrap();
    let after = broadcast.checked.unwrap();
    assert!(after.passed, "{:?}", after.findings);
    assert!((after.reading.facts.integrated_lufs.unwrap() + 23.0).abs() <= 0.5);

    let hot: Vec<f64> = left.iter().map(|s| 1.2 * s).collect();
    let peak = hot.iter().fold(0.0, |peak: f64, s| peak.max(s.abs()));
    let path = folder.path().join("hot.wav");
    write(&path, &[hot.clone(), hot.clone()], FileType::Wav, SampleFormat::Float32);
    let mended = apply(&path, "premaster", &[], false).mended.unwrap();
    let samples = read(&mended.path);
    let now = samples[0].iter().fold(0.0, |peak: f64, s| peak.max(s.abs()));
    // Gain alone: every sample by the same factor (32-bit floats have 24 bits).
    for (a, b) in hot.iter().zip(&samples[0]) {
        assert!((a * now / peak - b).abs() < 1e-6);
    }
    assert!(mended.checked.unwrap().findings.iter().all(|f| f.id != "true_peak"));
}

#[test]
fn what_is_coded_with_loss_is_not_coded_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.opus");
    let spec = files::EncodeSpec {
        codec: files::Codec::Opus,
        bit_rate_kbps: Some(96),
        sample_rate_hz: RATE,
        channels: 2,
    };
    let mut encoder = files::Encoder::create(&path, spec).unwrap();
    let plane = music(5.0, -0.1, 300.0);
    encoder.write_f64(&Buffer::from_channels(&[plane.clone(), plane]).as_block()).unwrap();
    encoder.finish().unwrap();
    let file = apply(&path, "streaming", &[], false);
    assert!(file.mended.is_none() && !file.checked.passed);
    assert_eq!(names(folder.path()), ["song.opus"]);
}
