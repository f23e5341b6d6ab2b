//! A song from its recordings to what is delivered, as somebody does it the first time.

use crate::common::{
    contents, object, recordings, song, succeeds, tonmeister, unfinished, voice, wav16, wav32, words,
};
use std::path::PathBuf;

#[test]
fn a_song_is_produced_changed_rendered_and_delivered() {
    let folder = song();
    let home = folder.path();
    let song = home.join("song");
    let sources = recordings(&song);
    let ran = succeeds(home, "produce song --stems");
    assert!(ran.stdout.contains("passed") && !ran.stdout.contains("yours"), "{ran:?}");
    for file in ["session.toml", "out/premaster.wav", "out/master.wav", "out/report.html", "out/report.json"]
    {
        assert!(song.join(file).is_file(), "{file}");
    }
    let check = succeeds(home, "check song/out/master.wav");
    assert!(check.stdout.contains("passes streaming"), "{check:?}");

    // The same session, the same bits, from the caches and without them.
    let first = std::fs::read(song.join("out/premaster.wav")).unwrap();
    succeeds(home, "render song premaster");
    assert!(std::fs::read(song.join("out/premaster.wav")).unwrap() == first, "with caches");
    std::fs::remove_dir_all(song.join(".tonmeister/strips")).unwrap();
    succeeds(home, "render song premaster --threads 1");
    assert!(std::fs::read(song.join("out/premaster.wav")).unwrap() == first, "without caches, one thread");

    // Somebody disagrees, and takes it back.
    let text = std::fs::read_to_string(song.join("session.toml")).unwrap();
    let ran = succeeds(home, "set track.lead_vox.fader_db=-5 track.bass.pan=12 -C song");
    assert!(ran.stdout.contains("-> -5") && ran.stdout.contains("-> 12"), "{ran:?}");
    succeeds(home, "render song");
    assert!(std::fs::read(song.join("out/premaster.wav")).unwrap() != first, "the change is heard");
    succeeds(home, "set --undo -C song");
    assert_eq!(std::fs::read_to_string(song.join("session.toml")).unwrap(), text, "to the letter");
    succeeds(home, "render song");
    assert!(std::fs::read(song.join("out/premaster.wav")).unwrap() == first, "as it was");

    let delivered = object(&succeeds(home, "deliver song --to streaming,qobuz --json"));
    let files = delivered["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    for file in files {
        assert!(home.join(file["path"].as_str().unwrap()).is_file(), "{file}");
        assert_eq!(file["passed"], true, "{file}");
    }
    let compared = succeeds(home, "compare song/out/premaster.wav song/out/master.wav");
    assert!(compared.stdout.contains("equally loud"), "{compared:?}");
    assert_eq!(recordings(&song), sources, "recordings are never written to");
    assert_eq!(unfinished(&song), Vec::<PathBuf>::new());
}

/// A copy that begins later and is softer is found to be the same.
#[test]
fn a_comparison_lays_both_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let late: Vec<f64> = std::iter::repeat_n(0.0, 1234).chain(voice().iter().map(|x| 0.5 * x)).collect();
    std::fs::write(at("a.wav"), wav32(&[voice(), voice()])).unwrap();
    std::fs::write(at("b.wav"), wav32(&[late.clone(), late])).unwrap();
    let value = object(&succeeds(folder.path(), "compare a.wav b.wav --json"));
    assert_eq!(value["offset_frames"], 1234);
    // The gain is that of the measured loudness, which the grid of 100 ms shifts a little with the start.
    assert!(value["null_db"].as_f64().unwrap() < -40.0, "{}", value["null_db"]);
    let same = object(&succeeds(folder.path(), "compare a.wav a.wav --json"));
    assert_eq!((same["offset_frames"].as_i64(), same["null_db"].as_f64()), (Some(0), Some(-300.0)));
}

#[test]
fn what_is_made_goes_where_it_is_asked_to() {
    let folder = song();
    let home = folder.path();
    let before = contents(&home.join("song"));
    succeeds(home, "mix song -o made");
    assert_eq!(contents(&home.join("song")), before, "nothing beside the recordings");
    assert!(home.join("made/session.toml").is_file() && home.join("made/out/premaster.wav").is_file());
    succeeds(home, "why lead_vox -C made");
    succeeds(home, "render made stems");
    assert!(home.join("made/out/stems").is_dir());
}

#[test]
fn a_finished_mix_is_mastered_beside_itself() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    std::fs::write(home.join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    let source = std::fs::read(home.join("mix.wav")).unwrap();
    let ran = succeeds(home, "master mix.wav --loudness -16");
    assert!(ran.stdout.contains("passed") && ran.stdout.contains("-16.0 LUFS"), "{ran:?}");
    for file in ["mix-master.wav", "mix.session.toml", "mix-report.html"] {
        assert!(home.join(file).is_file(), "{file}: {ran:?}");
    }
    assert_eq!(std::fs::read(home.join("mix.wav")).unwrap(), source);
    // Running it again is safe, and gives the same bits.
    let master = std::fs::read(home.join("mix-master.wav")).unwrap();
    succeeds(home, "master mix.wav --loudness -16");
    assert!(std::fs::read(home.join("mix-master.wav")).unwrap() == master);
}

/// Somebody who does not wait: what is asked to stop stops, says so, and leaves what can be gone on with.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_the_same_command_goes_on() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let folder = song();
    let home = folder.path();
    // Longer, so that there is something left to interrupt.
    let long: Vec<f64> = voice().repeat(20);
    std::fs::write(home.join("song/04_Gtr.wav"), wav16(&[long.clone(), long])).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tonmeister"))
        .args(["produce", "song"])
        .current_dir(home)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first stage is told when it is over; the interrupt comes in one of the many after it.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("listening"), "{first}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("stopped") && line.contains("again")), "{rest:?}");
    assert_eq!(unfinished(home), Vec::<PathBuf>::new());
    assert!(!home.join("song/out/master.wav").exists());
    std::fs::write(home.join("song/04_Gtr.wav"), wav16(&[voice()])).unwrap();
    let again = tonmeister(home, &words("mix song"));
    assert_eq!(again.code, 0, "{again:?}");
}
