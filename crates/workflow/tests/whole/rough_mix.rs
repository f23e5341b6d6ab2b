//! A rough mix among the recordings.

use crate::support::*;
use audio::db_to_gain;
use files::SampleFormat;
use std::path::Path;
use workflow::{PlanRequest, Project, plan};

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 8 * RATE_HZ as usize;
/// Names, corners of their noise in hertz, seconds of a stroke or a phrase, and faders and places in the rough mix.
const PARTS: [(&str, f64, f64, f64, f64); 4] = [
    ("Kick.wav", 90.0, 0.5, -2.0, 0.0),
    ("Bass DI.wav", 200.0, 1.0, 1.5, 0.0),
    ("Electric Guitar.wav", 1_500.0, 0.7, -9.0, 6.0),
    ("LVox.wav", 2_500.0, 1.9, 4.0, 0.0),
];

/// Noise below a corner that swells with a period.
fn noise(seed: u64, corner_hz: f64, period_s: f64) -> Vec<f64> {
    let mut dice = Dice(seed);
    let keep = (-std::f64::consts::TAU * corner_hz / f64::from(RATE_HZ)).exp();
    let mut low = 0.0;
    (0..FRAMES)
        .map(|n| {
            low = keep * low + (1.0 - keep) * dice.next();
            let since = (n as f64 / f64::from(RATE_HZ)) % period_s / period_s;
            low * (1.0 - since).powi(2)
        })
        .collect()
}

fn write_song(folder: &Path, late: usize, foreign: bool) {
    let mut sum = [vec![0.0; FRAMES + late], vec![0.0; FRAMES + late]];
    for (number, (name, corner_hz, period_s, fader_db, right_db)) in PARTS.into_iter().enumerate() {
        let samples = noise(number as u64 + 1, corner_hz, period_s);
        let heard = if foreign { noise(number as u64 + 50, corner_hz, period_s) } else { samples.clone() };
        for (side, sign) in sum.iter_mut().zip([-0.5, 0.5]) {
            let gain = db_to_gain(fader_db + sign * right_db);
            side[late..].iter_mut().zip(&heard).for_each(|(to, x)| *to += gain * x);
        }
        write(&folder.join(name), RATE_HZ, SampleFormat::Float32, &[samples]);
    }
    write(&folder.join("Rough Mix.wav"), RATE_HZ, SampleFormat::Float32, &sum);
}

#[test]
fn what_it_has_made_of_the_recordings_is_found_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    // As late as an MP3's coder makes it.
    write_song(folder.path(), 1105, false);
    let project = Project::new(folder.path(), None).expect("a project");
    let planned = plan(&project, &PlanRequest::default(), &context(0)).expect("a plan");
    let rough = planned.facts.rough_mix.as_ref().expect("a mix of the recordings");
    assert_eq!(rough.track, "rough_mix");
    assert!(rough.explained > 0.999, "{}", rough.explained);
    for ((_, _, _, fader_db, right_db), id) in
        PARTS.iter().zip(["kick", "bass_di", "electric_guitar", "lvox"])
    {
        let placed = rough.placed[id];
        // A mono recording goes to both sides: their mean power is what its loudness gained.
        let sides = [-0.5, 0.5].map(|sign| audio::db_to_power(fader_db + sign * right_db));
        let gain_db = audio::power_to_db((sides[0] + sides[1]) / 2.0);
        // A tenth is the step of a fader.
        assert!((placed.gain_db - gain_db).abs() < 0.1, "{id}: {placed:?} for {gain_db}");
        assert!((placed.right_db - right_db).abs() < 0.2, "{id}: {placed:?} for {right_db}");
    }
    let told = planned.decisions.iter().filter(|d| d.why.contains("the rough mix has it at")).count();
    assert!(told >= 2, "{told}");
    assert!(planned.session.tracks["rough_mix"].mute, "it is no part of the mix itself");
    // Kept, and found again as it was.
    let again = plan(&project, &PlanRequest::default(), &context(1)).expect("a plan");
    assert_eq!(again.facts.rough_mix, planned.facts.rough_mix);
}

#[test]
fn a_mix_of_something_else_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    write_song(folder.path(), 0, true);
    let project = Project::new(folder.path(), None).expect("a project");
    let planned = plan(&project, &PlanRequest::default(), &context(0)).expect("a plan");
    assert_eq!(planned.facts.rough_mix, None);
    assert!(planned.decisions.iter().all(|d| !d.why.contains("rough mix has it")));
}
