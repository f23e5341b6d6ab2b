//! The same mix whatever the recordings' levels, the order of the files and the sample rate, and the same bytes each time.

use crate::support::*;
use files::SampleFormat;
use std::f64::consts::TAU;
use std::path::Path;
use workflow::{PlanRequest, Planned, Project, plan};

const NAMES: [&str; 7] = ["Kick", "Snare", "Hihat", "Bass DI", "Guitar", "Organ", "Lead Vox"];

/// A stroke that begins at once and fades.
fn stroke(since_s: f64, decay_s: f64) -> f64 {
    (-since_s / decay_s).exp() * (since_s * 1_000.0).min(1.0)
}

/// Noise that is the same sound at every rate: forty sines between two frequencies.
fn hiss(time_s: f64, low_hz: f64, high_hz: f64) -> f64 {
    let sine = |n: usize| {
        let hz = low_hz * (high_hz / low_hz).powf((n as f64 * 0.618_034).fract());
        (TAU * hz * time_s + n as f64).sin()
    };
    (0..40).map(sine).sum::<f64>() / 40f64.sqrt()
}

fn tones(time_s: f64, hz: f64, count: usize, fall: f64) -> f64 {
    (1..=count).map(|n| (TAU * hz * n as f64 * time_s).sin() / (n as f64).powf(fall)).sum()
}

/// What a part plays at a moment.
fn sound(part: usize, t: f64) -> f64 {
    let beat = t.rem_euclid(0.5);
    match part {
        0 => 0.5 * stroke(beat, 0.12) * (TAU * 55.0 * beat).sin(),
        1 => {
            let since = (t + 0.25).rem_euclid(0.5);
            stroke(since, 0.08) * (0.2 * (TAU * 190.0 * since).sin() + 0.1 * hiss(t, 800.0, 6_000.0))
        }
        2 => 0.1 * stroke(t.rem_euclid(0.25), 0.04) * hiss(t, 6_000.0, 14_000.0),
        3 => 0.15 * stroke(beat, 0.4) * tones(t, [55.0, 73.4][(t as usize / 2) % 2], 8, 1.2),
        4 => 0.08 * stroke(t.rem_euclid(1.0), 0.7) * tones(t, 196.0, 16, 0.8),
        5 => 0.05 * (tones(t, 261.6, 6, 1.0) + tones(t, 329.6, 6, 1.0)) * (0.8 + 0.2 * (TAU * 0.3 * t).sin()),
        _ => {
            let phrase = (t * TAU / 5.0).sin().max(0.0).powf(0.3);
            let turn = TAU * 330.0 * t + 2.0 * (TAU * 5.5 * t).sin();
            0.2 * phrase * (1..12).map(|n| (turn * f64::from(n)).sin() / f64::from(n).powf(1.3)).sum::<f64>()
        }
    }
}

/// Records the band with a gain for each part, files in an order, at a rate.
fn recorded(folder: &Path, gains_db: &[f64; 7], order: &[usize; 7], rate_hz: u32) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (part, name) in NAMES.iter().enumerate() {
        let gain = 10f64.powf(gains_db[part] / 20.0);
        let frames = (LENGTH_S * f64::from(rate_hz)) as usize;
        let samples = (0..frames).map(|n| gain * sound(part, n as f64 / f64::from(rate_hz))).collect();
        let path = folder.join(format!("{:02} {name}.wav", order[part] + 1));
        write(&path, rate_hz, SampleFormat::Float32, &[samples]);
    }
}

fn planned(folder: &Path) -> Planned {
    let project = Project::new(folder, None).expect("a project");
    plan(&project, &PlanRequest::default(), &context(0)).expect("a plan")
}

/// What every part is in the mix: gain from the sound to the mix in dB, place, and the names of what it passes.
fn parts(planned: &Planned, gains_db: &[f64; 7]) -> Vec<(f64, f64, Vec<String>)> {
    let part = |(name, gain_db): (&&str, &f64)| {
        let label = |track: &&session::Strip| track.name().eq_ignore_ascii_case(name);
        let track = planned.session.tracks.values().find(label).expect("a track of each file");
        let bus = track.bus.as_deref().and_then(|id| planned.session.buses.get(id));
        let bus_db = bus.map_or(0.0, |bus| bus.trim_db + bus.fader_db);
        let inserts = track.inserts.iter().map(|insert| insert.id.clone()).collect();
        (gain_db + track.trim_db + track.fader_db + bus_db, track.pan, inserts)
    };
    NAMES.iter().zip(gains_db).map(part).collect()
}

/// Asserts that two mixes are one: levels against each other within a tolerance in dB, places, and what is passed.
fn same(one: &Planned, one_db: &[f64; 7], other: &Planned, other_db: &[f64; 7], tolerance_db: f64) {
    let (one, other) = (parts(one, one_db), parts(other, other_db));
    let common = one.iter().zip(&other).map(|(a, b)| b.0 - a.0).sum::<f64>() / one.len() as f64;
    for ((name, a), b) in NAMES.iter().zip(&one).zip(&other) {
        let moved = b.0 - a.0 - common;
        assert!(moved.abs() <= tolerance_db, "{name} moved by {moved:.2} dB: {one:?} {other:?}");
        // Places are written in percent; 5 are the least that is heard.
        assert!((a.1 - b.1).abs() < 5.0, "{name} went from {} to {}", a.1, b.1);
        assert_eq!(a.2, b.2, "{name}");
    }
}

const LEVEL: [f64; 7] = [0.0; 7];
const ORDER: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

#[test]
fn levels_and_order_of_the_files_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).join("song");
    recorded(&at("usual"), &LEVEL, &ORDER, 48_000);
    let usual = planned(&at("usual"));

    let gains_db = [-12.0, 7.0, 12.0, -5.0, 3.0, -9.0, 10.0];
    recorded(&at("gains"), &gains_db, &ORDER, 48_000);
    // Half a decibel is what is heard; faders and trims are written in tenths.
    same(&usual, &LEVEL, &planned(&at("gains")), &gains_db, 0.5);

    recorded(&at("order"), &LEVEL, &[6, 2, 5, 0, 3, 1, 4], 48_000);
    // Nothing but sums in another order: not even a tenth.
    same(&usual, &LEVEL, &planned(&at("order")), &LEVEL, 1e-9);

    recorded(&at("again"), &LEVEL, &ORDER, 48_000);
    planned(&at("again"));
    let session = |name: &str| std::fs::read(at(name).join("session.toml")).expect("a session");
    assert!(session("usual") == session("again"), "the same bytes");

    // Nothing is left to balance: faders are where they would be solved to be.
    let moves = assistant::rebalance(&usual.facts, &usual.session, &assistant::Rules::default());
    assert!(moves.is_empty(), "{moves:#?}");
}

#[test]
fn the_sample_rate_changes_nothing_that_is_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut mixes = [44_100, 48_000, 96_000].into_iter().map(|rate_hz| {
        let song = folder.path().join(rate_hz.to_string()).join("song");
        recorded(&song, &LEVEL, &ORDER, rate_hz);
        planned(&song)
    });
    let usual = mixes.next().expect("three");
    for other in mixes {
        // Rows of 50 ms begin at whole samples and bands are made of other bins: a third of a decibel.
        same(&usual, &LEVEL, &other, &LEVEL, 0.3);
    }
}

// Finds a reading that depends on whether its recording was heard in the same run: planned from the kept measurements of the
// recordings alone, as after a run that was cut off, every reason has the same numbers to the last digit.
#[test]
fn what_is_kept_of_an_earlier_run_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path(), &[0.0; 7], &[0, 1, 2, 3, 4, 5, 6], 44_100);
    let state = folder.path().join(".tonmeister");
    let planned = || {
        let project = Project::new(folder.path(), None).expect("a project");
        plan(&project, &PlanRequest::default(), &context(1)).expect("a plan");
        let read = |path: &Path| std::fs::read_to_string(path).expect("written");
        [read(&folder.path().join("session.toml")), read(&state.join("decisions.json"))]
    };
    let first = planned();
    std::fs::remove_dir_all(state.join("heard")).expect("what was heard of strips");
    for file in [folder.path().join("session.toml"), state.join("plan.toml"), state.join("decisions.json")] {
        std::fs::remove_file(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    assert!(std::fs::read_dir(state.join("facts")).expect("kept").count() >= NAMES.len());
    assert_eq!(planned(), first);
}
