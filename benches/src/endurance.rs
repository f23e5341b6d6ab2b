//! Files of hours and gigabytes: memory stays where it is.
//!
//! `endurance` runs each case in a process of its own, so that its peak memory is its own. It needs up to 5 GB of room in
//! the folder for temporary files (`TMPDIR`), which is given back, and some minutes; so it is no test that runs with the
//! others.

use crate::clock::{peak_memory_mb, process_cpu_s};
use crate::{Failure, say};
use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use workflow::{Context, MasterRequest, Project, Quiet};

const RATE_HZ: u32 = 44_100;

/// The most memory that any case may need, in megabytes.
const MOST_MEMORY_MB: f64 = 200.0;

/// What is run without words, in this order.
const CASES: &[&[&str]] = &[
    &["measure", "10"],
    &["measure", "180"],
    &["sparse", "measure"],
    &["sparse", "scan"],
    &["write"],
    &["master", "5"],
    &["master", "20"],
];

/// Runs all cases, or one.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        [] => {
            say("| case | wall | CPU | peak memory |\n|---|---|---|---|")?;
            for words in CASES {
                let status = Command::new(std::env::current_exe()?).arg("endurance").args(*words).status()?;
                if !status.success() {
                    return Err(format!("{} failed: {status}", words.join(" ")).into());
                }
            }
            Ok(())
        }
        ["measure", minutes] => measure(minutes.parse()?),
        ["sparse", verb] => sparse(verb),
        ["write"] => write(),
        ["master", minutes] => master(minutes.parse()?),
        _ => Err(
            "run without words, or with: measure MINUTES, sparse measure, sparse scan, write, master MINUTES"
                .into(),
        ),
    }
}

fn with_context<T>(of: impl FnOnce(&Context) -> T) -> T {
    let cancel = AtomicBool::new(false);
    of(&Context { listener: &Quiet, cancel: &cancel, threads: 2 })
}

/// Runs a case, tells what it took, and fails where it took too much memory.
fn told<T>(case: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let (wall, cpu) = (Instant::now(), process_cpu_s());
    let result = work()?;
    let cpu_s = process_cpu_s().zip(cpu).map(|(to, from)| to - from);
    let cpu_s = cpu_s.map_or("-".into(), |s| format!("{s:.1} s"));
    let memory = peak_memory_mb();
    let shown = memory.map_or("-".into(), |mb| format!("{mb:.0} MB"));
    say(&format!("| {case} | {:.1} s | {cpu_s} | {shown} |", wall.elapsed().as_secs_f64()))?;
    match memory {
        Some(mb) if mb > MOST_MEMORY_MB => {
            Err(format!("{case}: {mb:.0} MB, more than {MOST_MEMORY_MB}").into())
        }
        _ => Ok(result),
    }
}

/// A stereo file of decaying chords over noise from a fixed seed, ten seconds that come again and again.
fn music(path: &Path, minutes: usize) -> Result<(), Failure> {
    let frames = 10 * RATE_HZ as usize;
    let mut seed = 1u32;
    let planes: Vec<Vec<f64>> = [220.0, 277.2]
        .iter()
        .map(|hz| {
            let sample = |n: usize| {
                let t = n as f64 / f64::from(RATE_HZ);
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(seed >> 8) / 8_388_608.0 - 1.0;
                0.4 * (std::f64::consts::TAU * hz * t).sin() * (-(t % 0.5) * 6.0).exp() + 0.01 * noise
            };
            (0..frames).map(sample).collect()
        })
        .collect();
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Int16,
        sample_rate_hz: RATE_HZ,
        channels: 2,
    };
    let mut writer = Writer::create(path, spec)?;
    let block = Buffer::from_channels(&planes);
    for _ in 0..minutes * 6 {
        writer.write_f64(&block.as_block())?;
    }
    writer.finish()?;
    Ok(())
}

fn measure(minutes: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("long.wav");
    music(&path, minutes)?;
    let case = format!("measure {minutes} min, 44.1 kHz, stereo, 16-bit");
    let measured =
        told(&case, || Ok(with_context(|context| workflow::measure(&[path], false, None, context))?))?;
    let seconds = measured.files[0].facts.duration_s;
    if (seconds - 60.0 * minutes as f64).abs() > 1e-6 {
        return Err(format!("{seconds} s were measured").into());
    }
    Ok(())
}

/// An RF64 file (EBU Tech 3306) of 6 GiB of silence, 64-bit float in stereo, that takes no room on the disk.
fn sparse(verb: &str) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("mix.wav");
    let data: u64 = 6 << 30;
    let frames = data / 16;
    let mut head = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    head.extend([(72 + data).to_le_bytes(), data.to_le_bytes(), frames.to_le_bytes()].concat());
    head.extend(b"\0\0\0\0fmt \x10\0\0\0\x03\0\x02\0");
    head.extend([RATE_HZ.to_le_bytes(), (16 * RATE_HZ).to_le_bytes()].concat());
    head.extend(b"\x10\0\x40\0data\xff\xff\xff\xff");
    let mut file = File::create(&path)?;
    file.write_all(&head)?;
    file.set_len(head.len() as u64 + data)?;
    let read = told(&format!("{verb} 6 GiB of RF64, 2.5 h, 64-bit float"), || match verb {
        "measure" => Ok(with_context(|context| workflow::measure(&[path], false, None, context))?.files[0]
            .facts
            .frames),
        _ => {
            let scanned =
                with_context(|context| workflow::scan(&Project::new(folder.path(), None)?, context))?;
            Ok((scanned.tracks[0].duration_s * f64::from(RATE_HZ)).round() as usize)
        }
    })?;
    if read as u64 != frames {
        return Err(format!("{read} frames were read of {frames}").into());
    }
    Ok(())
}

/// A file of more than 4 GiB becomes RF64 and is read back frame for frame.
fn write() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("long.wav");
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float64,
        sample_rate_hz: RATE_HZ,
        channels: 2,
    };
    let blocks = 4_200;
    let block = Buffer::from_channels(&[vec![0.25; 1 << 16], vec![-0.5; 1 << 16]]);
    told("write 4.4 GB of WAV", || {
        let mut writer = Writer::create(&path, spec)?;
        for _ in 0..blocks {
            writer.write_f64(&block.as_block())?;
        }
        Ok(writer.finish()?)
    })?;
    let mut reader = files::open(&path)?;
    let (format, frames) = (reader.info().format.name(), reader.info().frames);
    let mut last = Buffer::new(2, 16);
    reader.seek(frames - 16)?;
    let read = reader.read(&mut last.as_block_mut())?;
    let whole =
        frames == blocks << 16 && read == 16 && last.channel(0)[15] == 0.25 && last.channel(1)[15] == -0.5;
    if format != "RF64" || !whole {
        return Err(format!("read back as {format} with {frames} frames").into());
    }
    Ok(())
}

fn master(minutes: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("mix.wav");
    music(&path, minutes)?;
    let request = MasterRequest { strength: Some(1.0), ..MasterRequest::default() };
    told(&format!("master {minutes} min, 44.1 kHz, stereo"), || {
        Ok(with_context(|context| workflow::master_files(&[path], None, &request, false, context))?)
    })?;
    Ok(())
}
