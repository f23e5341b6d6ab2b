//! A small band, recorded as bands do: other rates, depths and channels in each file, and a few faults.

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use workflow::{Context, Quiet};

/// Length of the song in seconds: three windows of short-term loudness and a little more.
pub(crate) const LENGTH_S: f64 = 10.0;

static NEVER: AtomicBool = AtomicBool::new(false);

pub(crate) fn context(threads: usize) -> Context<'static> {
    Context { listener: &Quiet, cancel: &NEVER, threads }
}

/// Numbers from -1 to 1 that are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub(crate) fn write(path: &Path, rate_hz: u32, sample_format: SampleFormat, channels: &[Vec<f64>]) {
    let file_type = match path.extension().and_then(|e| e.to_str()) {
        Some("flac") => FileType::Flac,
        Some("aif") => FileType::Aiff,
        _ => FileType::Wav,
    };
    let spec = WriteSpec { file_type, sample_format, sample_rate_hz: rate_hz, channels: channels.len() };
    let mut writer = Writer::create(path, spec).expect("a file");
    writer.write_f64(&Buffer::from_channels(channels).as_block()).expect("room on the disk");
    writer.finish().expect("a whole file");
}

fn made(rate_hz: u32, at: impl FnMut(f64) -> f64) -> Vec<f64> {
    (0..(LENGTH_S * f64::from(rate_hz)) as usize).map(|n| n as f64 / f64::from(rate_hz)).map(at).collect()
}

/// A decaying sound at each beat of half a second, `late_s` after it.
fn struck(time_s: f64, late_s: f64, decay_s: f64, sound: impl FnOnce(f64) -> f64) -> f64 {
    let since = (time_s - late_s).rem_euclid(0.5);
    if time_s < late_s { 0.0 } else { sound(since) * (-since / decay_s).exp() * (since * 2_000.0).min(1.0) }
}

fn sung(time_s: f64, hz: f64) -> f64 {
    let phrase = (time_s * TAU / 5.0).sin().max(0.0).powf(0.3);
    let turn = TAU * hz * time_s + 2.0 * (TAU * 5.5 * time_s).sin();
    phrase * (1..12).map(|n| (turn * f64::from(n)).sin() / f64::from(n).powf(1.3)).sum::<f64>() * 0.2
}

/// Writes the recordings into a folder.
pub(crate) fn record(folder: &Path) {
    let mut dice = Dice(1);
    let kick = |t: f64| struck(t, 0.0, 0.12, |s| (TAU * (52.0 * s + 3.0 * (1.0 - (-s * 40.0).exp()))).sin());
    let mut snare = |t: f64| struck(t, 0.25, 0.09, |s| 0.5 * (TAU * 190.0 * s).sin() + 0.4 * dice.next());
    let file = |name: &str| folder.join(name);
    write(&file("01 Kick.wav"), 48_000, SampleFormat::Int24, &[made(48_000, |t| 0.6 * kick(t))]);
    let strokes = made(48_000, |t| 0.5 * snare(t));
    let turned: Vec<f64> = strokes.iter().map(|s| -0.7 * s).collect();
    write(&file("02 Snare Top.wav"), 48_000, SampleFormat::Int24, &[strokes]);
    write(&file("03 Snare Bottom.wav"), 48_000, SampleFormat::Int24, &[turned]);
    let bass = |t: f64| {
        let hz = [55.0, 55.0, 73.4, 49.0][(t / 1.0) as usize % 4];
        struck(t, 0.0, 0.4, |_| {
            (1..7).map(|n| (TAU * hz * f64::from(n) * t).sin() / f64::from(n)).sum::<f64>()
        })
    };
    write(&file("04 Bass DI.flac"), 44_100, SampleFormat::Int16, &[made(44_100, |t| 0.02 + 0.25 * bass(t))]);
    let keys = |t: f64, detune: f64| {
        [220.0, 277.2, 329.6].iter().map(|hz| (TAU * hz * detune * t).sin()).sum::<f64>() * 0.1
    };
    write(&file("05 Keys L.wav"), 48_000, SampleFormat::Float32, &[made(48_000, |t| keys(t, 1.0))]);
    write(&file("05 Keys R.wav"), 48_000, SampleFormat::Float32, &[made(48_000, |t| keys(t, 1.003))]);
    let mut breath = Dice(7);
    let voice = made(96_000, |t| sung(t, 330.0) + 0.0005 * breath.next());
    write(&file("06 Lead Vox.aif"), 96_000, SampleFormat::Int24, &[voice]);
}

/// The SHA-256 of a file.
pub(crate) fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder with its SHA-256, hidden ones too.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), sha256(&path));
        }
    }
    found
}

/// All samples of a file.
pub(crate) fn read(path: &Path) -> Buffer {
    files::open(path).expect("a file").read_to_end().expect("audio")
}
