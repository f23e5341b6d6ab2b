//! A song's folder mastered anew from its mix, its takes, and the one that becomes the master.

use crate::support::*;
use files::SampleFormat;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use workflow::{MasterRequest, MasteredFile, Part, Project, WorkflowError, promote_take};

const RATE_HZ: u32 = 48_000;

const SESSION: &str = r#"version = 1
engine = "0.1.0"

[song]
title = "Three"

[track.bass]
file = "bass.wav"
role = "bass_di"

[track.keys]
file = "keys.wav"
role = "keys"

[track.voice]
file = "voice.wav"
role = "lead_vocal"
"#;

/// A song of five seconds that was recorded, not yet mixed.
fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let wave = |hz: f64| -> Vec<f64> {
        let beat = |t: f64| 0.3 + 0.7 * (-6.0 * (t * 2.0).fract()).exp();
        let time = (0..5 * RATE_HZ).map(|n| f64::from(n) / f64::from(RATE_HZ));
        time.map(|t| 0.15 * beat(t) * (TAU * hz * t).sin()).collect()
    };
    for (name, hz) in [("bass", 82.0), ("keys", 440.0), ("voice", 1_300.0)] {
        let path = folder.path().join(format!("{name}.wav"));
        write(&path, RATE_HZ, SampleFormat::Float32, &[wave(hz)]);
    }
    std::fs::write(folder.path().join("session.toml"), SESSION).expect("a session");
    folder
}

fn mixed(folder: &Path) {
    let project = Project::new(folder, None).expect("a project");
    workflow::render(&project, &[Part::Premaster], false, false, &context(1)).expect("a mix");
}

fn master(
    folder: &Path,
    loudness_lufs: f64,
    take: Option<&str>,
    dry_run: bool,
) -> Result<MasteredFile, WorkflowError> {
    let take = take.map(str::to_string);
    let request = MasterRequest { loudness_lufs: Some(loudness_lufs), take, ..MasterRequest::default() };
    let result = workflow::master_files(&[folder.to_path_buf()], None, &request, dry_run, &context(1))?;
    Ok(result.files.into_iter().next().expect("one song"))
}

fn lufs(file: &Path) -> f64 {
    let request = workflow::MeasureRequest::default();
    let result = workflow::measure(&[file.to_path_buf()], request, None, &context(1)).expect("measured");
    result.files[0].facts.integrated_lufs.expect("loud")
}

// Finds a master of anything but the rendered mix, a take that changes the song it is a take of, a dry run that leaves
// something behind, and a promoted take whose session or report stays behind.
#[test]
fn a_song_is_mastered_again_and_its_takes_stand_beside_it() {
    let folder = recorded();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let early = master(folder.path(), -18.0, None, false).expect_err("there is no mix yet").to_string();
    assert!(early.contains("out/premaster.wav") && early.contains("produce"), "{early}");

    mixed(folder.path());
    let before = contents(folder.path());
    let told = master(folder.path(), -18.0, None, true).expect("told");
    assert_eq!(contents(folder.path()), before, "a dry run writes nothing");
    let done = master(folder.path(), -18.0, None, false).expect("a master");
    // The master's true path and figures, told before they were there.
    assert_eq!(
        (&told.master.path, &told.session, &told.report),
        (&done.master.path, &done.session, &done.report)
    );
    assert_eq!(told.master.integrated_lufs, done.master.integrated_lufs);
    // 0.05 LU is what the loudness is solved to.
    assert!((lufs(&at("out/master.wav")) + 18.0).abs() < 0.05);
    assert!(at("out/master-report.html").is_file());

    let (song, master_bytes) = (contents(folder.path()), sha256(&at("out/master.wav")));
    let take = master(folder.path(), -14.0, Some("loud"), false).expect("a take");
    let there: Vec<&str> = take.ab.iter().map(|sound| sound.label.as_str()).collect();
    assert_eq!(there, ["before", "master", "take loud"]);
    let now = contents(folder.path());
    let same =
        song.iter().filter(|(path, _)| !path.components().any(|part| part.as_os_str() == ".tonmeister"));
    for (path, hash) in same {
        assert_eq!(now.get(path), Some(hash), "{}: a take is none of the song's business", path.display());
    }
    let loud = sha256(&at("out/takes/loud/out/master.wav"));
    assert!((lufs(&at("out/takes/loud/out/master.wav")) + 14.0).abs() < 0.05);

    let done = promote_take(folder.path(), None, "loud", false, &context(1)).expect("promoted");
    assert_eq!(done.kept_as.as_deref(), Some("before"));
    assert_eq!(sha256(&at("out/master.wav")), loud);
    assert_eq!(sha256(&at("out/takes/before/out/master.wav")), master_bytes);
    // What is compared is called by what it is now, where it is played and where it lies.
    let page = std::fs::read_to_string(at("out/master-report.html")).expect("a page");
    assert!(page.contains("take before") && !page.contains("take loud"));
    let links: Vec<&str> = page.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let sounds: Vec<&&str> = links.iter().filter(|link| link.ends_with(".wav")).collect();
    assert!(sounds.len() == 3 && sounds.iter().all(|link| at("out").join(link).is_file()), "{links:?}");
    assert!(at("out/ab/take-before.wav").is_file() && !at("out/ab/take-loud.wav").exists());
}

// Finds a take of a mix that is no more.
#[test]
fn a_take_of_another_mix_is_refused() {
    let folder = recorded();
    mixed(folder.path());
    master(folder.path(), -18.0, None, false).expect("a master");
    master(folder.path(), -16.0, Some("warm"), false).expect("a take");
    let session = folder.path().join("session.toml");
    let text = std::fs::read_to_string(&session).expect("a session");
    let louder = text.replacen("role = \"keys\"", "role = \"keys\"\nfader_db = 3.0", 1);
    assert_ne!(text, louder);
    std::fs::write(&session, louder).expect("written");
    mixed(folder.path());
    for error in [
        master(folder.path(), -16.0, Some("warm"), false).expect_err("refused").to_string(),
        promote_take(folder.path(), None, "warm", false, &context(1)).expect_err("refused").to_string(),
    ] {
        assert!(error.contains("the mix has changed") && error.contains("track.keys.fader_db"), "{error}");
    }
}
