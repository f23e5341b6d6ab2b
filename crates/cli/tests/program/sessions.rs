//! Sessions that cannot be used, and requests that cannot be followed.

use crate::common::{object, recordings, refuses, song, succeeds, tonmeister, voice, wav16, words};
use std::path::Path;

/// Ten mistakes, each of another kind; the lines on which they stand.
const TEN_MISTAKES: &str = r#"version = 1
titel = "Rye and Rain"

[song]
tempo_bpm = "fast"

[track.kick]
file = "01_Kick.wav"
fader_bd = -3.0
pan = 140.0
bus = "drumms"
sends = { plate_db = -12.0 }

[[track.kick.insert]]
kind = "compresor"

[[track.kick.insert]]
kind = "compressor"
ratio = -4.0
threshold = -20.0

[bus.drums]
mute = "yes"

[deliver]
targets = "everywhere"
"#;

/// Line and hint of every mistake above.
const MISTAKES: [(usize, &str); 10] = [
    (2, "titel"),
    (5, "tempo_bpm"),
    (9, "fader_db"),
    (10, "pan"),
    (11, "drums"),
    (12, "plate"),
    (15, "compressor"),
    (19, "ratio"),
    (20, "threshold_db"),
    (23, "mute"),
];

#[test]
fn all_mistakes_of_a_session_are_told_at_once_with_line_and_hint() {
    let folder = song();
    let song = folder.path().join("song");
    std::fs::write(song.join("session.toml"), TEN_MISTAKES).unwrap();
    let ran = tonmeister(folder.path(), &words("plan song"));
    for (line, about) in MISTAKES {
        let place = format!("song/session.toml:{line}:");
        let told = ran.stderr.split(&place).nth(1).unwrap_or_else(|| panic!("{place} is missing: {ran:?}"));
        assert!(told.split("session.toml:").next().unwrap().contains(about), "{about}: {ran:?}");
    }
    let lines = [
        "plan song",
        "mix song",
        "produce song",
        "render song",
        "deliver song",
        "set track.kick.pan=0 -C song",
        "set --undo -C song",
        "why kick -C song",
        "plan song --dry-run",
        "render song --dry-run",
    ];
    for line in lines {
        refuses(folder.path(), &words(line), 5, &["song/session.toml:2:1", "problems to mend"]);
    }
    let value = object(&tonmeister(folder.path(), &words("why kick -C song --json")));
    assert_eq!(value["kind"], "invalid_session");
    let problems = value["problems"].as_array().unwrap();
    for (line, _) in MISTAKES {
        let found = problems.iter().find(|p| p["place"]["line"] == line);
        let problem = found.unwrap_or_else(|| panic!("line {line} is missing: {value}"));
        assert!(problem["place"]["column"].as_u64().unwrap() >= 1);
        assert!(!problem["message"].as_str().unwrap().is_empty(), "{problem}");
        assert!(!problem["code"].as_str().unwrap().is_empty(), "{problem}");
    }
}

#[test]
fn a_session_that_is_no_toml_or_no_text_is_told() {
    let folder = song();
    let file = folder.path().join("song/session.toml");
    std::fs::write(&file, "version = 1\n[track.kick\nfile = 1\n").unwrap();
    refuses(folder.path(), &words("render song"), 5, &["session.toml:2:"]);
    std::fs::write(&file, b"version = 1\n# Gitarre \xfc\n").unwrap();
    refuses(folder.path(), &words("render song"), 5, &["not UTF-8", "save it as UTF-8"]);
}

#[test]
fn a_recording_that_the_session_names_and_that_is_gone_is_told_with_its_track() {
    let folder = song();
    succeeds(folder.path(), "plan song");
    // A person's edit holds the track in the session, whatever lies in the folder.
    succeeds(folder.path(), "set track.bass.fader_db=-1 track.kick.fader_db=-1 -C song");
    std::fs::remove_file(folder.path().join("song/02_Bass.wav")).unwrap();
    let says = ["track `bass`", "02_Bass.wav: not found"];
    for line in
        ["render song", "render song stems", "plan song", "mix song", "produce song", "render song --dry-run"]
    {
        refuses(folder.path(), &words(line), 4, &says);
    }
    std::fs::write(folder.path().join("song/01_Kick.wav"), "gone as well").unwrap();
    refuses(folder.path(), &words("render song"), 4, &["2 files", "track `kick`", "track `bass`"]);
}

#[test]
fn an_impulse_response_is_read_from_where_the_session_says() {
    let folder = song();
    let home = folder.path();
    succeeds(home, "plan song");
    let file = home.join("song/session.toml");
    let planned = std::fs::read_to_string(&file).unwrap();
    let hall = "\n[[track.bass.insert]]\nkind = \"convolution_reverb\"\nimpulse_response = \"halls/hall.wav\"\n\
                mix_percent = 100\n";
    std::fs::write(&file, format!("{planned}{hall}")).unwrap();
    let asked = words("render song tracks");
    refuses(home, &asked, 4, &["`convolution_reverb` of `bass`", "hall.wav: not found"]);

    std::fs::create_dir(home.join("song/halls")).unwrap();
    let response = home.join("song/halls/hall.wav");
    let echo: Vec<f64> = (0..48_000).map(|n| if n == 24_000 { 0.5 } else { 0.0 }).collect();
    std::fs::write(&response, wav16(&[echo.clone(), echo.clone(), echo.clone()])).unwrap();
    refuses(home, &asked, 4, &["hall.wav", "3 channels", "four (true stereo)"]);
    std::fs::write(&response, wav16(&[vec![0.0; 100]])).unwrap();
    refuses(home, &asked, 4, &["hall.wav", "nothing but silence"]);

    // A response that is one echo delays the bass: its track is another, and longer than without.
    std::fs::write(&response, wav16(&[echo])).unwrap();
    succeeds(home, "render song tracks");
    let rendered = home.join("song/out/tracks/bass.wav");
    let with = std::fs::read(&rendered).unwrap();
    std::fs::write(&file, &planned).unwrap();
    succeeds(home, "render song tracks");
    assert_ne!(with, std::fs::read(&rendered).unwrap());
    let equaliser = "\n[[track.bass.insert]]\nkind = \"tilt\"\nimpulse_response = \"halls/hall.wav\"\n";
    std::fs::write(&file, format!("{planned}{equaliser}")).unwrap();
    refuses(home, &asked, 5, &["tilt", "not built from an impulse response"]);
}

#[test]
fn what_cannot_be_asked_is_refused_before_any_work() {
    let folder = song();
    let home = folder.path();
    succeeds(home, "plan song");
    let cases = [
        ("produce song --target nowhere", vec!["nowhere", "streaming"]),
        ("check song/01_Kick.wav --target nowhere", vec!["nowhere", "streaming"]),
        ("deliver song --to streaming,nowhere", vec!["nowhere", "streaming"]),
        ("master song/01_Kick.wav --target nowhere", vec!["nowhere", "streaming"]),
        ("targets nowhere", vec!["nowhere", "streaming"]),
        ("processors flux_capacitor", vec!["flux_capacitor", "compressor"]),
        ("produce song --focus voice_of_god", vec!["voice_of_god", "tonmeister roles"]),
        ("produce song --loudness nan", vec!["-60 to 0 LUFS"]),
        ("produce song --style wild", vec!["gentle", "bold"]),
        ("why vxo -C song", vec!["vxo", "lead_vox"]),
        ("why vxo.fader_db -C song", vec!["vxo", "lead_vox"]),
        ("set track.vxo.fader_db=1 -C song", vec!["vxo", "lead_vox"]),
        ("set track.lead_vox.fadr_db=1 -C song", vec!["fadr_db", "fader_db"]),
        ("set track.lead_vox.fader_db=loud -C song", vec!["loud", "a number from"]),
        ("set track.lead_vox.fader_db=99 -C song", vec!["99", "a number from"]),
        ("set track.lead_vox.bus=drums -C song", vec!["drums"]),
        ("set track.lead_vox.fader_db -C song", vec!["KEY=VALUE"]),
        ("set track.lead_vox.pan=1 track.nobody.pan=2 -C song", vec!["nobody"]),
        ("set --undo -C song", vec!["nothing to undo"]),
        ("deliver song", vec!["no master yet", "render master"]),
        ("render song vox", vec!["vox", "stems"]),
        ("plan song nobody", vec!["nobody", "lead_vox"]),
        ("plan song 42", vec!["no step 42"]),
        ("plan song 13", vec!["mastering EQ", "produce"]),
        ("measure", vec!["FILE"]),
        ("sing", vec!["sing"]),
        ("scan song --loud", vec!["--loud"]),
    ];
    for (line, says) in cases {
        refuses(home, &words(line), 2, &says);
    }
}

/// Where a file stands in the way of a folder, nobody can write, the administrator neither.
#[test]
fn a_place_that_cannot_be_written_to_is_told_before_the_work_and_leaves_nothing() {
    let folder = song();
    let home = folder.path();
    std::fs::write(home.join("taken"), "a file").unwrap();
    for line in [
        "plan song -o taken",
        "mix song -o taken",
        "produce song -o taken",
        "master song/01_Kick.wav -o taken",
    ] {
        refuses(home, &words(line), 1, &["taken", "cannot", "choose another folder with -o"]);
    }
    refuses(home, &words("demo taken"), 1, &["taken", "cannot"]);
    std::fs::write(home.join("song/.tonmeister"), "a file").unwrap();
    for line in ["plan song", "produce song"] {
        refuses(home, &words(line), 1, &[".tonmeister", "cannot"]);
    }
    std::fs::remove_file(home.join("song/.tonmeister")).unwrap();
    std::fs::write(home.join("song/out"), "a file").unwrap();
    let sources = recordings(&home.join("song"));
    let ran = tonmeister(home, &words("mix song"));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("song/out"), "{ran:?}");
    assert_eq!(recordings(&home.join("song")), sources);
    assert_eq!(std::fs::read(home.join("song/out")).unwrap(), b"a file", "what stood there stands");
}

/// A folder without write permission; the administrator may write all the same, and then there is nothing to see.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = song();
    let song = folder.path().join("song");
    let permit = |mode| std::fs::set_permissions(&song, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    let may_write = std::fs::write(song.join("probe"), "").is_ok();
    if !may_write {
        refuses(folder.path(), &words("plan song"), 1, &["song", "-o"]);
        succeeds(folder.path(), "scan song");
        succeeds(folder.path(), "plan song --dry-run");
    }
    permit(0o755);
}

/// The demo writes recordings: not into a folder that has somebody else's.
#[test]
fn the_demo_takes_only_a_folder_of_its_own() {
    let folder = song();
    refuses(folder.path(), &words("demo song"), 2, &["song: is not empty", "a folder of its own"]);
}

/// A session may name what would be rendered over.
#[test]
fn a_recording_is_never_written_over() {
    let folder = song();
    let song = folder.path().join("song");
    let out = song.join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::rename(song.join("03_Lead Vox.wav"), out.join("premaster.wav")).unwrap();
    std::fs::write(
        song.join("session.toml"),
        "version = 1\n[track.vox]\nfile = \"out/premaster.wav\"\nrole = \"lead_vocal\"\n",
    )
    .unwrap();
    refuses(folder.path(), &words("render song"), 2, &["premaster.wav", "recordings", "-o"]);
    assert!(Path::new(&out.join("premaster.wav")).exists());
}

// Finds checksums of a single that are gone once the next one is delivered, and a list of what is not there any more.
#[test]
fn singles_that_are_delivered_one_by_one_are_all_listed() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for (name, gain) in [("one.wav", 0.9), ("two.wav", 0.5)] {
        let sound: Vec<f64> = voice().iter().map(|x| gain * x).collect();
        std::fs::write(home.join(name), wav16(&[sound.clone(), sound])).unwrap();
        let _ = tonmeister(home, &words(&format!("master {name}")));
    }
    let sums = || -> Vec<String> {
        let text = std::fs::read_to_string(home.join("out/deliver/streaming/SHA256SUMS")).unwrap();
        text.lines().map(|line| line.split("  ").nth(1).unwrap().to_string()).collect()
    };
    for name in ["one.wav", "two.wav"] {
        let ran = tonmeister(home, &words(&format!("deliver {name} --to streaming")));
        assert!([0, 3].contains(&ran.code) && !ran.stdout.contains("-0.0 dB"), "{ran:?}");
    }
    assert_eq!(sums(), ["two.wav", "one.wav"]);
    let _ = tonmeister(home, &words("deliver one.wav --to streaming"));
    assert_eq!(sums(), ["one.wav", "two.wav"]);
    std::fs::remove_file(home.join("out/deliver/streaming/two.wav")).unwrap();
    let _ = tonmeister(home, &words("deliver one.wav --to streaming"));
    assert_eq!(sums(), ["one.wav"]);
}

// Finds a release that vanishes under another song of the same title.
#[test]
fn a_single_is_not_delivered_over_another_of_the_same_title() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for (name, gain) in [("one", 0.9), ("two", 0.5)] {
        let sound: Vec<f64> = voice().iter().map(|x| gain * x).collect();
        std::fs::write(home.join(format!("{name}.wav")), wav16(&[sound.clone(), sound])).unwrap();
        let _ = tonmeister(home, &words(&format!("master {name}.wav")));
        let session = home.join(format!("{name}.session.toml"));
        let text = std::fs::read_to_string(&session).unwrap();
        let titled = text.replace(&format!("title = \"{name}\""), "title = \"Untitled\"");
        assert_ne!(text, titled);
        std::fs::write(&session, titled).unwrap();
    }
    let release = home.join("out/deliver/streaming/Untitled.wav");
    let _ = tonmeister(home, &words("deliver one.wav --to streaming"));
    let first = std::fs::read(&release).unwrap();
    refuses(home, &words("deliver two.wav --to streaming"), 2, &["Untitled.wav", "`one`", "`two`", "title"]);
    assert!(std::fs::read(&release).unwrap() == first);
    // Its own is made anew, and what nobody has is free.
    assert!([0, 3].contains(&tonmeister(home, &words("deliver one.wav --to streaming")).code));
    std::fs::remove_file(&release).unwrap();
    assert!([0, 3].contains(&tonmeister(home, &words("deliver two.wav --to streaming")).code));
    assert!(release.exists());
}

// Finds a list that is read at the beginning of a run and written at its end, over what others have listed in between.
#[test]
fn singles_that_are_delivered_at_once_are_all_listed() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let names = ["one", "two", "three", "four"];
    for (name, gain) in names.iter().zip([0.9, 0.7, 0.6, 0.5]) {
        let sound: Vec<f64> = voice().iter().map(|x| gain * x).collect();
        std::fs::write(home.join(format!("{name}.wav")), wav16(&[sound.clone(), sound])).unwrap();
        let _ = tonmeister(home, &words(&format!("master {name}.wav")));
    }
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(move || {
                let ran = tonmeister(home, &words(&format!("deliver {name}.wav --to streaming --zip")));
                assert!([0, 3].contains(&ran.code), "{ran:?}");
            });
        }
    });
    let delivered = home.join("out/deliver/streaming");
    let sums = std::fs::read_to_string(delivered.join("SHA256SUMS")).unwrap();
    for name in names {
        assert_eq!(sums.matches(&format!("  {name}.wav\n")).count(), 1, "{sums}");
    }
    let mut left: Vec<_> = std::fs::read_dir(delivered).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["SHA256SUMS", "four.wav", "manifest.json", "one.wav", "three.wav", "two.wav"]);
}
