//! The ceiling in the file as written, judged by the ideal: the whole file's spectrum, extended with zeros to
//! sixteen times its rate. What the limiter, the verification or the dither let through, shows here.

use audio::{Buffer, gain_to_db};
use files::{Encoding, FileType, SampleFormat, WriteSpec, Writer};
use realfft::RealFftPlanner;
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use workflow::{Context, MasterRequest, Quiet, master_files};

const CEILING_DBTP: f64 = -1.0;

/// The highest point of the ideal curve at 16 points per frame, in decibels.
fn ideal_dbtp(samples: &[f64]) -> f64 {
    const AROUND: usize = 8192;
    let length = (samples.len() + 2 * AROUND).next_power_of_two();
    let mut planner = RealFftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(16 * length));
    let mut time = forward.make_input_vec();
    time[AROUND..AROUND + samples.len()].copy_from_slice(samples);
    let (mut spectrum, mut wide) = (forward.make_output_vec(), inverse.make_input_vec());
    forward.process(&mut time, &mut spectrum).expect("lengths fit");
    wide[..spectrum.len()].copy_from_slice(&spectrum);
    // The bin at half the rate stands for both of its sides.
    wide[length / 2] *= 0.5;
    let mut points = inverse.make_output_vec();
    inverse.process(&mut wide, &mut points).expect("lengths fit");
    gain_to_db(points.iter().fold(0.0, |most: f64, x| most.max(x.abs())) / length as f64)
}

/// Uniform noise, -1 to 1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// About a second of each kind of signal, each peaking at -1 dBFS or less.
fn signals(rate: usize) -> Vec<(&'static str, Vec<f64>)> {
    let level = audio::db_to_gain(-1.0);
    let frames = rate;
    let quarter = |n: usize| (TAU * n as f64 / 4.0 + TAU / 8.0).sin();
    // A quarter of the rate at 45 degrees: every sample at -3 dB of the peak between them. Swells, so that the
    // limiter moves all the time.
    let tone =
        (0..frames).map(|n| level * (TAU * n as f64 / frames as f64).sin().abs() * quarter(n)).collect();
    let on = |n: usize| (n / (rate / 37)).is_multiple_of(2);
    let square = |n: usize| if (n / 29).is_multiple_of(2) { level } else { -level };
    let squares = (0..frames).map(|n| if on(n) { square(n) } else { 0.0 }).collect();
    let mut random = noise(5);
    let bursts = (0..frames).map(|n| if on(n) { level * random() } else { 0.0 }).collect();
    // Struck strings over a snare: partials with their own decays, and noise that falls quickly.
    let mut random = noise(9);
    let music = (0..frames)
        .map(|n| {
            let t = (n % (rate / 5)) as f64 / rate as f64;
            let root = [110.0, 146.8, 164.8, 220.0, 98.0][n / (rate / 5) % 5];
            let string: f64 = (1..20)
                .map(|k| {
                    let k = f64::from(k);
                    (TAU * root * k * t).sin() * (-t * (2.0 + k)).exp() / k
                })
                .sum();
            level * (0.5 * string + 0.6 * random() * (-40.0 * t).exp()).clamp(-1.0, 1.0)
        })
        .collect();
    vec![("tone", tone), ("square bursts", squares), ("noise bursts", bursts), ("music", music)]
}

fn write(path: &Path, rate: usize, samples: &[f64]) {
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float64,
        sample_rate_hz: rate as u32,
        channels: 1,
    };
    let mut writer = Writer::create(path, spec).expect("a file");
    writer.write_f64(&Buffer::from_channels(&[samples.to_vec()]).as_block()).expect("written");
    writer.finish().expect("finished");
}

/// The samples of the 24-bit master of a file, limited with this drive.
fn mastered(folder: &Path, name: &str, rate: usize, samples: &[f64], drive_db: f64) -> Vec<f64> {
    let source = folder.join(format!("{name}.wav"));
    write(&source, rate, samples);
    let session = format!(
        "version = 1\nseed = 3\n\n[track.recording]\nfile = \"{name}.wav\"\n\n[master]\nceiling_dbtp = {CEILING_DBTP:?}\n
[[master.insert]]\nkind = \"limiter\"\ndrive_db = {drive_db:?}\nceiling_dbtp = {CEILING_DBTP:?}\nlookahead_ms = 5.0\n\
         release_ms = 120.0\nrelease_mode = \"two_stage\"\n"
    );
    std::fs::write(folder.join(format!("{name}.session.toml")), session).expect("a session");
    let never = AtomicBool::new(false);
    let context = Context { listener: &Quiet, cancel: &never, threads: 1 };
    let request = MasterRequest { as_it_is: true, ..MasterRequest::default() };
    let result = master_files(&[source], Some(folder), &request, false, &context).expect("a master");
    let mut reader = files::open(&result.files[0].master.path).expect("the master");
    let encoding = reader.info().encoding;
    assert!(matches!(encoding, Encoding::Integer { bits: 24, .. }), "{name}: {encoding:?}");
    reader.read_to_end().expect("its samples").channel(0).to_vec()
}

fn the_ceiling_is_kept_at(rate: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (name, samples) in signals(rate) {
        for drive_db in [4.0, 8.0] {
            let name = format!("{name} {drive_db}");
            let peak = ideal_dbtp(&mastered(folder.path(), &name, rate, &samples, drive_db));
            // What the ceiling costs is not heard: the loudest place still stands near it.
            if !(CEILING_DBTP - 0.2..=CEILING_DBTP).contains(&peak) {
                wrong.push(format!("{name} dB: {peak:.4} dBTP"));
            }
        }
    }
    assert!(wrong.is_empty(), "at {rate} Hz: {wrong:?}");
}

#[test]
fn the_ceiling_is_kept_at_44100_hz() {
    the_ceiling_is_kept_at(44_100);
}

#[test]
fn the_ceiling_is_kept_at_48000_hz() {
    the_ceiling_is_kept_at(48_000);
}

#[test]
fn the_ceiling_is_kept_at_96000_hz() {
    the_ceiling_is_kept_at(96_000);
}
