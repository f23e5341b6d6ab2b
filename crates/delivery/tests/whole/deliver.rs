//! What is delivered, as it stands on the disk.

use std::fs;
use std::ops::ControlFlow;

use crate::support::{fade, names, noise, read, rounded, tone, write};
use audio::{db_to_gain, gain_to_db};
use delivery::{
    Container, Delivered, DeliveryError, Depth, Dither, Extent, Job, Severity, Stage, Streamed, deliver,
    deliver_observed, find_target,
};
use files::SampleFormat::{Float32, Float64, Int16, Int24};

/// Amplitude of a tone in a stretch without fades, by correlation over whole periods: independent of every meter.
fn amplitude(samples: &[f64], hz: f64, rate: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in samples.iter().enumerate() {
        let (sin, cos) = (std::f64::consts::TAU * hz / rate * n as f64).sin_cos();
        re += x * cos;
        im += x * sin;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

#[test]
fn a_master_on_the_grid_is_delivered_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("streaming").unwrap();
    for (bits, format, depth) in [(24, Int24, Depth::Int24), (16, Float32, Depth::Int16)] {
        let channel = |seed| rounded(&noise(seed, 30_000).iter().map(|s| 0.2 * s).collect::<Vec<_>>(), bits);
        let source = write(folder.path(), "master.wav", &[channel(1), channel(2)], format, 48_000);
        for container in [Container::Wav, Container::Flac] {
            let out = folder.path().join("out");
            let job = Job {
                depth: Some(depth),
                container: Some(container),
                ..Job::new(&source, target, &out, "Song")
            };
            let delivered = deliver(&job).unwrap();
            assert_eq!((delivered.dither, delivered.trim_db), (Dither::None, 0.0));
            assert_eq!(delivered.path, out.join(format!("Song.{}", container.extension())));
            assert_eq!(read(&delivered.path), read(&source));
            assert_eq!(delivered.reading.bits_used, bits);
        }
    }
}

#[test]
fn dropped_bits_are_dithered_at_the_level_of_the_theory() {
    let folder = tempfile::tempdir().unwrap();
    let left = tone(997.0, 0.0, -12.0, 48_000, 4.0);
    let source = write(folder.path(), "master.wav", &[left.clone(), left], Float64, 48_000);
    let target = find_target("streaming").unwrap();
    for (depth, bits) in [(Depth::Int16, 16), (Depth::Int24, 24)] {
        let job = Job { depth: Some(depth), ..Job::new(&source, target, folder.path(), "Song") };
        let delivered = deliver(&job).unwrap();
        assert_eq!((delivered.dither, delivered.clipped_samples), (Dither::Tpdf, 0));
        let (a, b) = (read(&source), read(&delivered.path));
        let square: f64 =
            (0..2).flat_map(|c| a.channel(c).iter().zip(b.channel(c))).map(|(x, y)| (x - y).powi(2)).sum();
        let rms = gain_to_db((square / (2.0 * a.frames() as f64)).sqrt());
        // LSB / 2: -96.33 dB at 16 bits; 0.05 dB is five standard deviations for this length.
        let expected = gain_to_db(2f64.powi(1 - bits) / 2.0);
        assert!((rms - expected).abs() < 0.05, "{rms} instead of {expected}");
    }
}

#[test]
fn shaped_dither_keeps_the_ceiling_and_leaves_alone_what_lies_on_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("streaming").unwrap();
    let asked = |source: &std::path::Path, rate_hz: Option<u32>| {
        let job = Job {
            depth: Some(Depth::Int16),
            dither: Some(Dither::Quiet),
            sample_rate_hz: rate_hz,
            ..Job::new(source, target, folder.path(), "Song")
        };
        deliver(&job).unwrap()
    };
    // A tone right at the ceiling: the noise of the shaping lifts it above, and the file is turned down for it.
    let loud = tone(997.0, 0.0, target.ceiling_dbtp, 48_000, 1.0);
    let source = write(folder.path(), "loud.wav", &[loud.clone(), loud], Float64, 48_000);
    let delivered = asked(&source, Some(48_000));
    assert_eq!((delivered.dither, delivered.needed_trim_db), (Dither::Quiet, 0.0));
    assert!(delivered.trim_db < 0.0 && delivered.trim_db > -0.05, "{} dB", delivered.trim_db);

    let grid = rounded(&tone(997.0, 0.0, -12.0, 48_000, 0.5), 16);
    let source = write(folder.path(), "grid.wav", &[grid.clone(), grid], Float64, 48_000);
    let delivered = asked(&source, Some(48_000));
    assert_eq!(delivered.dither, Dither::None);
    assert_eq!(read(&delivered.path), read(&source));
}

#[test]
fn floating_point_is_never_dithered() {
    let folder = tempfile::tempdir().unwrap();
    let left = tone(440.0, 0.0, -9.0, 48_000, 0.5);
    let source = write(folder.path(), "master.wav", std::slice::from_ref(&left), Float64, 48_000);
    let target = find_target("premaster").unwrap();
    let job = Job { dither: Some(Dither::Tpdf), ..Job::new(&source, target, folder.path(), "Pre") };
    let delivered = deliver(&job).unwrap();
    assert_eq!((delivered.dither, delivered.depth), (Dither::None, Some(Depth::Float32)));
    let written = read(&delivered.path);
    assert!(written.channel(0).iter().zip(&left).all(|(y, x)| *y == f64::from(*x as f32)));
}

#[test]
fn the_ceiling_is_kept_in_the_file_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("streaming").unwrap();
    // A quarter of the rate at 45 degrees: no sample comes within 3 dB of the true peak (EBU Tech 3341, case 16).
    let left = tone(12_000.0, 45.0, -0.7, 48_000, 1.0);
    let source = write(folder.path(), "master.wav", &[left.clone(), left], Float32, 48_000);
    for depth in [Depth::Int16, Depth::Int24] {
        let job = Job { depth: Some(depth), ..Job::new(&source, target, folder.path(), "Song") };
        let delivered = deliver(&job).unwrap();
        let trim = delivered.trim_db;
        // 0.3 dB, plus what the fades add at their ends and a hair.
        assert!((-0.33..-0.29).contains(&trim), "{trim} dB");
        let written = read(&delivered.path);
        let level = gain_to_db(amplitude(&written.channel(0)[4_800..43_200], 12_000.0, 48_000.0));
        assert!((level - (-0.7 + trim)).abs() < 0.001, "{level} dBFS");
        for factor in [16, 32] {
            let peak = measure::true_peak_dbtp(&written, factor).unwrap().unwrap();
            assert!(peak <= target.ceiling_dbtp, "{peak} dBTP at {factor} times");
        }
        assert_eq!(delivered.needed_trim_db, 0.0);
        assert!(delivered.findings.iter().all(|f| f.id != "true_peak"), "{:?}", delivered.findings);
    }
}

#[test]
fn new_peaks_of_a_conversion_are_found_and_held() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("cd").unwrap();
    // A square at the ceiling: its samples keep it, its continuous wave and any conversion do not.
    let mut square: Vec<f64> = (0..48_000)
        .map(|n| if (n as f64 * 441.7 / 48_000.0).fract() < 0.5 { 1.0 } else { -1.0 })
        .map(|s: f64| s * db_to_gain(-1.0))
        .collect();
    fade(&mut square, 48_000);
    let source = write(folder.path(), "master.wav", &[square.clone(), square], Float32, 48_000);

    let as_is = deliver(&Job::new(&source, target, folder.path(), "Song")).unwrap();
    assert_eq!((as_is.converted_from_hz, as_is.sample_rate_hz), (Some(48_000), 44_100));
    assert_eq!((as_is.reading.frames, as_is.depth), (44_100, Some(Depth::Int16)));
    assert_eq!(as_is.trim_db, 0.0, "more than a decibel is for a limiter");
    assert!(as_is.needed_trim_db < -1.0, "{}", as_is.needed_trim_db);
    assert!(as_is.findings.iter().any(|f| f.id == "true_peak"));

    let job = Job { max_trim_db: 6.0, ..Job::new(&source, target, folder.path(), "Song") };
    let held = deliver(&job).unwrap();
    assert!((held.trim_db - as_is.needed_trim_db).abs() < 0.02, "{}", held.trim_db);
    let peak = measure::true_peak_dbtp(&read(&held.path), 16).unwrap().unwrap();
    assert!(peak <= -1.0, "{peak} dBTP");
    assert_eq!(names(folder.path()), ["Song.wav", "master.wav"], "nothing else is left behind");
}

/// A job whose master comes block by block, cut anyhow.
fn streamed(job: &Job, planes: &[Vec<f64>], sample_rate_hz: u32) -> Option<Delivered> {
    let sound = audio::Buffer::from_channels(planes);
    let extent = Extent { sample_rate_hz, channels: planes.len(), frames: sound.frames() };
    let mut streamed = Streamed::begin(job, extent).unwrap()?;
    for first in (0..sound.frames()).step_by(7919) {
        streamed.write(&sound.range(first, 7919.min(sound.frames() - first))).unwrap();
    }
    streamed.finish(job, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

// Finds samples, dither, tags or readings that differ where no file of the master lies between.
#[test]
fn what_is_written_on_the_way_is_what_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let planes: Vec<Vec<f64>> =
        (1..=2).map(|seed| noise(seed, 100_000).iter().map(|x| 0.3 * x).collect()).collect();
    let source = write(folder.path(), "master.wav", &planes, Float64, 48_000);
    let target = find_target("streaming").unwrap();
    let tags = files::Tags { title: Some("Song".into()), ..files::Tags::default() };
    for (container, depth) in [(Container::Wav, Depth::Int24), (Container::Flac, Depth::Int16)] {
        let out = folder.path().join("out");
        let job = Job {
            container: Some(container),
            depth: Some(depth),
            seed: 7,
            tags: Some(&tags),
            ..Job::new(&source, target, &out, "Song")
        };
        let mut delivered = deliver(&job).unwrap();
        let bytes = fs::read(&delivered.path).unwrap();
        fs::remove_file(&delivered.path).unwrap();
        let on_the_way = streamed(&Job { listed: false, ..job.clone() }, &planes, 48_000).unwrap();
        assert!(fs::read(&on_the_way.path).unwrap() == bytes, "{container:?}");
        assert_eq!(names(&out), [format!("Song.{}", container.extension())]);
        // Of what is not listed nothing is worked out for a list.
        delivered.made_from.clear();
        delivered.reading.audio_md5 = None;
        assert_eq!(on_the_way, delivered);
        fs::remove_file(&on_the_way.path).unwrap();
    }
}

// Finds a file that keeps its first pass where it needs another one, and what such a pass leaves behind.
#[test]
fn what_takes_more_than_one_pass_is_not_written_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (mix, streaming) = (folder.path().join("mix.wav"), find_target("streaming").unwrap());
    let quiet = vec![noise(1, 30_000).iter().map(|x| 0.2 * x).collect::<Vec<f64>>(); 2];
    let job = Job { listed: false, ..Job::new(&mix, streaming, &out, "Song") };
    assert!(streamed(&job, &quiet, 48_000).is_some());
    fs::remove_dir_all(&out).unwrap();
    // With a fingerprint of a master that there is not.
    assert!(streamed(&Job { listed: true, ..job.clone() }, &quiet, 48_000).is_none());
    // On the grid already, which is delivered without dither.
    let on_grid: Vec<Vec<f64>> = quiet.iter().map(|plane| rounded(plane, 24)).collect();
    assert!(streamed(&job, &on_grid, 48_000).is_none());
    // Above the ceiling.
    let loud: Vec<Vec<f64>> = quiet.iter().map(|plane| plane.iter().map(|x| 4.9 * x).collect()).collect();
    assert!(streamed(&job, &loud, 48_000).is_none());
    // At another rate, or in floating point.
    let cd = Job { listed: false, ..Job::new(&mix, find_target("cd").unwrap(), &out, "Song") };
    assert!(streamed(&cd, &quiet, 48_000).is_none());
    let float = Job { listed: false, ..Job::new(&mix, find_target("premaster").unwrap(), &out, "Song") };
    assert!(streamed(&float, &quiet, 48_000).is_none());
    assert!(!out.exists() || names(&out).is_empty(), "{:?}", names(&out));
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let left = tone(997.0, 0.0, -14.0, 48_000, 0.5);
    let source = write(folder.path(), "master.wav", &[left.clone(), left], Float32, 48_000);
    let target = find_target("cd").unwrap();
    let sum = |seed, title| {
        let job = Job { seed, ..Job::new(&source, target, folder.path(), title) };
        deliver(&job).unwrap().sha256().to_owned()
    };
    assert_eq!(sum(1, "a"), sum(1, "b"));
    assert_ne!(sum(1, "a"), sum(2, "a"));
}

#[test]
fn what_a_target_does_not_take_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let source = write(folder.path(), "master.wav", &[vec![0.1; 100]], Int16, 48_000);
    let cd = find_target("cd").unwrap();
    let base = || Job::new(&source, cd, &out, "Song");
    for (job, word) in [
        (Job { depth: Some(Depth::Int24), ..base() }, "24-bit"),
        (Job { sample_rate_hz: Some(48_000), ..base() }, "48000 Hz"),
        (
            Job {
                container: Some(Container::Aiff),
                ..Job::new(&source, find_target("podcast").unwrap(), &out, "x")
            },
            "AIFF",
        ),
    ] {
        let error = deliver(&job).unwrap_err();
        assert!(matches!(error, DeliveryError::NotTaken { .. }));
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(!out.exists());
}

#[test]
fn the_master_is_never_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let source = write(folder.path(), "master.wav", &[vec![0.1; 100]], Int16, 48_000);
    let before = fs::read(&source).unwrap();
    let error = deliver(&Job::new(&source, find_target("cd").unwrap(), folder.path(), "master")).unwrap_err();
    assert!(matches!(error, DeliveryError::OverSource { .. }), "{error}");
    assert_eq!(fs::read(&source).unwrap(), before);
}

#[test]
fn a_missing_master_and_a_refusing_disk_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("streaming").unwrap();
    let missing = folder.path().join("none.wav");
    let error = deliver(&Job::new(&missing, target, folder.path(), "x")).unwrap_err();
    assert!(error.to_string().contains("none.wav: not found"), "{error}");
    let source = write(folder.path(), "master.wav", &[vec![0.1; 100]], Int16, 48_000);
    // A file stands where the folder should.
    let error = deliver(&Job::new(&source, target, &source, "x")).unwrap_err();
    assert!(matches!(error, DeliveryError::Io { .. }), "{error}");
}

#[test]
fn a_cancelled_delivery_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let left = tone(997.0, 0.0, -14.0, 48_000, 1.0);
    let source = write(folder.path(), "master.wav", &[left.clone(), left], Float32, 48_000);
    let target = find_target("streaming").unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("Song.wav"), b"old").unwrap();
    for stage in [Stage::Writing, Stage::Verifying] {
        let error = deliver_observed(&Job::new(&source, target, &out, "Song"), &mut |now, share| {
            assert!((0.0..=1.0).contains(&share));
            if now == stage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap_err();
        assert!(matches!(error, DeliveryError::Cancelled));
        assert_eq!(names(&out), ["Song.wav"]);
        assert_eq!(fs::read(out.join("Song.wav")).unwrap(), b"old");
    }
    deliver(&Job::new(&source, target, &out, "Song")).unwrap();
    assert!(fs::metadata(out.join("Song.wav")).unwrap().len() > 3);
}

#[test]
fn silence_and_a_single_frame_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("cd").unwrap();
    let silent =
        write(folder.path(), "silent.wav", &[vec![0.0; 300_000], vec![0.0; 300_000]], Float32, 44_100);
    let delivered = deliver(&Job::new(&silent, target, folder.path(), "s")).unwrap();
    assert_eq!((delivered.dither, delivered.reading.silent), (Dither::None, true));
    assert_eq!(delivered.findings[0].id, "silent");
    assert!(!delivered.passed);

    let one = write(folder.path(), "one.wav", &[vec![0.5], vec![-0.25]], Float32, 44_100);
    for container in [Container::Wav, Container::Flac] {
        let job = Job { container: Some(container), ..Job::new(&one, target, folder.path(), "o") };
        assert_eq!(read(&deliver(&job).unwrap().path), read(&one));
    }
}

#[test]
fn faults_of_the_master_are_told_with_the_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let left = tone(997.0, 0.0, -14.0, 48_000, 1.0);
    let source = write(folder.path(), "master.wav", &[left.clone(), left], Float32, 48_000);
    // A sample that is not a number, in the middle of the data.
    let mut bytes = fs::read(&source).unwrap();
    let middle = bytes.len() - 8 * 24_000;
    bytes[middle..middle + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&source, bytes).unwrap();
    let delivered =
        deliver(&Job::new(&source, find_target("streaming").unwrap(), folder.path(), "x")).unwrap();
    let finding = delivered.findings.iter().find(|f| f.id == "master").unwrap();
    assert_eq!(finding.severity, Severity::Warn);
    assert!(finding.what.contains("1 NaN"), "{}", finding.what);
}

#[test]
fn a_plan_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = write(folder.path(), "master.wav", &[vec![0.1; 960], vec![0.1; 960]], Int24, 96_000);
    let out = folder.path().join("out");
    let plan = Job::new(&source, find_target("cd").unwrap(), &out, "AC/DC").plan().unwrap();
    assert_eq!(plan.path, out.join("AC-DC.wav"));
    assert_eq!((plan.sample_rate_hz, plan.frames, plan.depth), (44_100, 441, Some(Depth::Int16)));
    assert!(!out.exists());
}
