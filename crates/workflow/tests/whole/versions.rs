//! Versions of a mix lie sample by sample on the mix.

use crate::support::*;
use files::SampleFormat;
use std::f64::consts::TAU;
use workflow::{Project, Version, render, render_versions};

const RATE_HZ: u32 = 48_000;

/// A voice that alone goes to a plate, before its fader and behind it, and a guitar that goes nowhere.
const SESSION: &str = r#"version = 1
engine = "0.1.0"

[song]
title = "Two"

[track.voice]
file = "voice.wav"
role = "lead_vocal"
sends = { plate_db = -6.0 }

[track.choir]
file = "choir.wav"
role = "backing_vocal"
pre_sends = { plate_db = -3.0 }

[track.guitar]
file = "guitar.wav"
role = "guitar_electric"

[return.plate]

[[return.plate.insert]]
kind = "reverb"
style = "plate"
decay_s = 1.5
mix_percent = 100.0
"#;

#[test]
fn versions_are_as_long_as_the_mix_and_add_up_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let tone = |hz: f64| -> Vec<f64> {
        (0..RATE_HZ).map(|n| 0.1 * (TAU * hz * f64::from(n) / f64::from(RATE_HZ)).sin()).collect()
    };
    for (name, hz) in [("voice", 330.0), ("choir", 440.0), ("guitar", 196.0)] {
        let path = folder.path().join(format!("{name}.wav"));
        write(&path, RATE_HZ, SampleFormat::Float32, &[tone(hz)]);
    }
    std::fs::write(folder.path().join("session.toml"), SESSION).expect("a session");
    let project = Project::new(folder.path(), None).expect("a project");
    render(&project, &[workflow::Part::Premaster], false, false, &context(1)).expect("a mix");
    render_versions(&project, Version::ALL, false, false, &context(1)).expect("versions");

    let out = |name: &str| read(&folder.path().join("out").join(name));
    let mix = out("premaster.wav");
    // One second is played; the plate rings on.
    assert!(mix.frames() > 2 * RATE_HZ as usize, "{}", mix.frames());
    let versions: Vec<_> =
        Version::ALL.iter().map(|version| out(&format!("premaster-{}.wav", version.name()))).collect();
    for (version, made) in Version::ALL.iter().zip(&versions) {
        assert_eq!(made.frames(), mix.frames(), "{version:?}");
    }
    let place = |version| Version::ALL.iter().position(|v| *v == version).expect("a version");
    let (instrumental, acappella) =
        (&versions[place(Version::Instrumental)], &versions[place(Version::Acappella)]);
    // The plate is linear but for its slow modulation, which is the same: without and with add up to all of it, to the
    // resolution of 32-bit floats.
    for c in 0..2 {
        for (frame, all) in mix.channel(c).iter().enumerate() {
            let sum = instrumental.channel(c)[frame] + acappella.channel(c)[frame];
            assert!((sum - all).abs() < 1e-6, "{frame}: {sum} {all}");
        }
    }
    // Nothing of the singers is left in what they are taken out of, not by their sends either.
    let last =
        instrumental.channel(0)[RATE_HZ as usize + 1_000..].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    assert_eq!(last, 0.0);
}
