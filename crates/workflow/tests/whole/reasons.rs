//! The numbers that decisions quote, computed anew from the recordings by the test's own arithmetic.

use crate::support::*;
use files::SampleFormat;
use std::f64::consts::TAU;
use workflow::{Decision, PlanRequest, Project, plan};

const RATE_HZ: u32 = 48_000;

fn made(at: impl FnMut(f64) -> f64) -> Vec<f64> {
    (0..(LENGTH_S * f64::from(RATE_HZ)) as usize).map(|n| n as f64 / f64::from(RATE_HZ)).map(at).collect()
}

/// The evidence of this name of a decision about this path.
fn evidence(decisions: &[Decision], path: &str, name: &str) -> f64 {
    let about = decisions.iter().filter(|d| d.change.path().to_string() == path);
    let found = about.flat_map(|d| &d.evidence).find(|e| e.name == name);
    found.unwrap_or_else(|| panic!("nothing says `{name}` about {path}")).value
}

/// Level of a line in dBFS RMS, by correlation with a sine and a cosine over whole periods.
fn line_dbfs(samples: &[f64], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in samples.iter().enumerate() {
        let angle = TAU * (hz * n as f64 / f64::from(RATE_HZ)).fract();
        re += x * angle.cos();
        im += x * angle.sin();
    }
    let amplitude = 2.0 * f64::hypot(re, im) / samples.len() as f64;
    20.0 * (amplitude / 2f64.sqrt()).log10()
}

#[test]
fn quoted_numbers_are_those_of_the_recordings() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    // Sung for two and a half seconds of every five; hum of 50 Hz and its second and third harmonic goes on.
    let lines = [(50.0, -46.0), (100.0, -52.0), (150.0, -56.0)];
    let mut breath = Dice(3);
    let voice = made(|t| {
        let sings = f64::from(u8::from(t % 5.0 < 2.5));
        let turn = TAU * 311.1 * t + 2.0 * (TAU * 5.5 * t).sin();
        let sung = sings * (1..12).map(|n| (turn * f64::from(n)).sin() / f64::from(n).powf(1.3)).sum::<f64>();
        let hum: f64 =
            lines.iter().map(|(hz, db)| 2f64.sqrt() * 10f64.powf(db / 20.0) * (TAU * hz * t).sin()).sum();
        0.15 * sung + hum + 1e-5 * breath.next()
    });
    write(&file("01 Lead Vox.wav"), RATE_HZ, SampleFormat::Float32, std::slice::from_ref(&voice));
    // Strings cut off at 0.6 and set off by 0.02.
    let bass = made(|t| (0.9 * (TAU * 55.0 * t).sin() * (-(t % 1.0) * 2.0).exp()).clamp(-0.6, 0.6) + 0.02);
    write(&file("02 Bass DI.wav"), RATE_HZ, SampleFormat::Float32, std::slice::from_ref(&bass));
    // The right channel is the left one turned, and a little of something else.
    let mut other = Dice(9);
    let left = made(|t| 0.1 * (TAU * 220.0 * t).sin() + 0.07 * (TAU * 277.2 * t).sin());
    let right: Vec<f64> = left.iter().map(|x| 0.01 * other.next() - x).collect();
    write(&file("03 Pad.wav"), RATE_HZ, SampleFormat::Float32, &[left.clone(), right.clone()]);

    let project = Project::new(folder.path(), None).expect("a project");
    let request = PlanRequest { dry_run: true, ..PlanRequest::default() };
    let decisions = plan(&project, &request, &context(0)).expect("a plan").decisions;

    // A tenth of a second after the singing has ended to the next beginning: whole periods of 50 Hz.
    let pause = &voice[(2.6 * f64::from(RATE_HZ)) as usize..(4.9 * f64::from(RATE_HZ)) as usize];
    let power: f64 = lines.iter().map(|(hz, _)| 10f64.powf(line_dbfs(pause, *hz) / 10.0)).sum();
    let quoted = evidence(&decisions, "track.lead_vox.insert.dehum", "hum in the pauses");
    // Half a decibel: the meter's window has a main lobe of its own, and noise in it.
    assert!((quoted - 10.0 * power.log10()).abs() < 0.5, "{quoted}");

    let mean = bass.iter().sum::<f64>() / bass.len() as f64;
    let clean = "track.bass_di.insert.clean";
    let quoted = evidence(&decisions, clean, "offset");
    // The file holds 32-bit floats, which are exact to 1e-7.
    assert!((quoted - 20.0 * mean.abs().log10()).abs() < 0.01, "{quoted}");

    let flat = bass.iter().filter(|x| **x > 0.62 - 1e-9 || **x < -0.58 + 1e-9).count() as f64;
    let quoted = evidence(&decisions, "track.bass_di.insert.declip", "clipped samples");
    // Runs that only touch the ceiling with a sample or two are not counted by the meter.
    assert!(quoted > 0.97 * flat && quoted <= flat, "{quoted} of {flat}");

    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlation = product(&left, &right) / (product(&left, &left) * product(&right, &right)).sqrt();
    let quoted = evidence(&decisions, "track.pad.insert.polarity", "correlation");
    assert!((quoted - correlation).abs() < 1e-3, "{quoted} {correlation}");

    // The pad plays all through: its active level is its root mean square.
    let rms = ((product(&left, &left) + product(&right, &right)) / (2.0 * left.len() as f64)).sqrt();
    let quoted = evidence(&decisions, "track.pad.trim_db", "active level");
    assert!((quoted - 20.0 * rms.log10()).abs() < 0.05, "{quoted}");
}
