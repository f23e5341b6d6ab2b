//! Files that cannot be read, and those that can, but not wholly.

use crate::common::{
    FRAMES, RATE_HZ, Ran, contents, object, recordings, refuses, song, succeeds, tonmeister, unfinished,
    voice, wav16, wav32, words,
};
use std::path::Path;
use tempfile::TempDir;

const UNREADABLE: i32 = 4;

/// A good file `good.wav` and bad ones of every kind, each with what must be said about it.
fn bad_files() -> (TempDir, [(&'static str, &'static str); 5]) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("good.wav", &wav16(&[voice(), voice()]));
    write("text.wav", b"Dear band,\nthe files are on the other disk.\n");
    write("nothing.wav", b"");
    write("no-frames.wav", &wav16(&[Vec::new()]));
    std::fs::create_dir(folder.path().join("folder.wav")).unwrap();
    let bad = [
        ("missing.wav", "not found"),
        ("text.wav", "looks like text"),
        ("nothing.wav", "holds no audio (0 bytes"),
        ("no-frames.wav", "holds no audio (44 bytes"),
        ("folder.wav", "is a folder"),
    ];
    (folder, bad)
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason_by_every_command() {
    let (folder, bad) = bad_files();
    for (file, why) in bad {
        for line in
            ["measure FILE", "check FILE", "compare FILE good.wav", "compare good.wav FILE", "master FILE"]
        {
            // A folder is a song to `master`, whatever it is called.
            if line != "master FILE" || why != "is a folder" {
                refuses(folder.path(), &words(&line.replace("FILE", file)), UNREADABLE, &[file, why]);
            }
        }
    }
    refuses(folder.path(), &words("master folder.wav"), 2, &["folder.wav: no session", "tonmeister plan"]);
    for line in
        ["master good.wav --reference text.wav", "master good.wav text.wav", "master --dry-run text.wav"]
    {
        refuses(folder.path(), &words(line), UNREADABLE, &["text.wav", "looks like text"]);
    }
}

// Finds an answer that comes only when half of the work is done, and one that blames the music.
#[test]
fn what_cannot_be_made_is_told_before_any_work() {
    let (folder, _) = bad_files();
    let home = folder.path();
    std::fs::write(home.join("album.toml"), "[[track]]\nfile = \"good.wav\"\n").unwrap();
    refuses(home, &words("album album.toml --format mp5"), 2, &["no format", "opus"]);
    // A build with the feature has its own test (`files`).
    if !cfg!(feature = "mp3") {
        let says = ["writes no MP3", "--features mp3"];
        refuses(home, &words("album album.toml --to listening --format flac,mp3"), 2, &says);
    }
    let blip: Vec<f64> = voice()[..RATE_HZ as usize / 5].to_vec();
    std::fs::write(home.join("blip.wav"), wav16(&[blip.clone(), blip])).unwrap();
    refuses(home, &words("master blip.wav"), 1, &["blip.wav: lasts 0.20 s", "0.4 s"]);
    std::fs::write(home.join("silence.wav"), wav16(&[vec![0.0; FRAMES]])).unwrap();
    let ran = tonmeister(home, &words("master good.wav --reference silence.wav"));
    assert!(ran.code == 1 && ran.stderr.contains("silence.wav: the reference is silent"), "{ran:?}");
}

// Finds a refusal without a reason, which sends people away with exit code 3 and nothing else.
#[test]
fn a_master_that_does_not_pass_says_why() {
    let (folder, _) = bad_files();
    let home = folder.path();
    // Nobody's row: music of two seconds is too short for it.
    let row = "[[target]]\nid = \"long\"\nbased_on = \"streaming\"\nduration_s = [30, 600]\n";
    std::fs::write(home.join("targets.toml"), row).unwrap();
    let ran = tonmeister(home, &words("master good.wav --target long"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("FAIL") && ran.stdout.contains("30"), "{ran:?}");
    let told = object(&tonmeister(home, &words("master good.wav --target long --json")));
    assert_eq!(told["files"][0]["findings"][0]["severity"], "fail", "{told}");
}

#[test]
fn of_several_files_the_good_ones_are_told_and_the_bad_ones_too() {
    let (folder, _) = bad_files();
    for command in ["measure", "check"] {
        let ran = tonmeister(folder.path(), &words(&format!("{command} text.wav good.wav missing.wav")));
        assert_eq!(ran.code, UNREADABLE, "{ran:?}");
        assert!(ran.stdout.contains("good.wav") && !ran.stdout.contains("text.wav"), "{ran:?}");
        assert!(ran.stderr.contains("text.wav") && ran.stderr.contains("missing.wav"), "{ran:?}");
        let ran =
            tonmeister(folder.path(), &words(&format!("{command} --json text.wav good.wav missing.wav")));
        let value = object(&ran);
        assert_eq!(value["files"].as_array().unwrap().len(), 1);
        let unreadable: Vec<_> = value["unreadable"].as_array().unwrap().iter().map(|u| &u["path"]).collect();
        assert_eq!(unreadable, ["text.wav", "missing.wav"]);
    }
}

#[test]
fn folders_without_a_song_say_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::create_dir(at("notes")).unwrap();
    std::fs::write(at("notes/lyrics.txt"), "la la").unwrap();
    std::fs::write(at("mix.wav"), wav16(&[voice()])).unwrap();
    let cases = [
        ("nowhere", UNREADABLE, vec!["nowhere: not found"]),
        ("empty", UNREADABLE, vec!["empty: no audio files here", "it is empty", "exported tracks"]),
        ("notes", UNREADABLE, vec!["notes: no audio files here", "lyrics.txt"]),
        ("mix.wav", 2, vec!["mix.wav: is a file", "give the folder", "`master`"]),
    ];
    for (name, code, says) in cases {
        for line in
            ["scan DIR", "plan DIR", "mix DIR", "produce DIR", "plan DIR --dry-run", "produce DIR --dry-run"]
        {
            refuses(folder.path(), &words(&line.replace("DIR", name)), code, &says);
        }
    }
    for line in ["render nowhere", "deliver nowhere", "why vox -C nowhere", "set a.b=1 -C nowhere"] {
        refuses(folder.path(), &words(line), UNREADABLE, &["nowhere: not found"]);
    }
    for line in ["render notes", "deliver notes", "why vox -C notes", "set song.title=x -C notes"] {
        refuses(folder.path(), &words(line), 2, &["notes: no session here", "tonmeister plan notes"]);
    }
}

#[test]
fn all_bad_recordings_of_a_folder_are_told_at_once() {
    let folder = song();
    let song = folder.path().join("song");
    std::fs::write(song.join("04_Gtr.wav"), "not audio at all, sorry\n").unwrap();
    std::fs::write(song.join("05_Keys.wav"), "").unwrap();
    for line in ["plan song", "mix song", "produce song"] {
        let says = ["2 files cannot be used", "04_Gtr.wav", "looks like text", "05_Keys.wav", "0 bytes"];
        refuses(folder.path(), &words(line), UNREADABLE, &says);
    }
}

/// A header that promises twice as many frames as there are.
fn truncated(samples: &[f64]) -> Vec<u8> {
    let mut file = wav16(&[samples.to_vec(), samples.to_vec()]);
    file.truncate(44 + FRAMES / 2 * 4);
    file
}

fn broken() -> Vec<u8> {
    let mut samples = voice();
    samples[RATE_HZ as usize] = f64::NAN;
    samples[RATE_HZ as usize + 1] = f64::INFINITY;
    wav32(&[samples.clone(), samples])
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn a_truncated_file_is_read_as_far_as_it_goes_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "cut.wav", &truncated(&voice()));
    let said = format!("{} of {FRAMES} frames", FRAMES / 2);
    let ran = succeeds(folder.path(), "measure cut.wav");
    assert!(ran.stdout.contains(&said), "{ran:?}");
    let value = object(&succeeds(folder.path(), "measure --json cut.wav"));
    assert_eq!(value["files"][0]["frames"], FRAMES / 2);
    assert!(value["files"][0]["notes"][0].as_str().unwrap().contains(&said), "{value}");
    let check = tonmeister(folder.path(), &words("check cut.wav"));
    assert_eq!(check.code, 3, "a file that ends early is not delivered: {check:?}");
    assert!(check.stdout.contains(&said), "{check:?}");
}

#[test]
fn samples_that_are_no_numbers_are_silenced_and_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "nan.wav", &broken());
    let said = "4 NaN or infinite samples silenced, at 0:01.000";
    let finite = |ran: &Ran| assert!(!ran.stdout.contains("NaN ") && !ran.stdout.contains("inf "), "{ran:?}");
    let ran = succeeds(folder.path(), "measure nan.wav");
    assert!(ran.stdout.contains(said), "{ran:?}");
    finite(&Ran { stdout: ran.stdout.replace(said, ""), ..ran });
    let value = object(&succeeds(folder.path(), "measure --json nan.wav"));
    assert_eq!(value["files"][0]["notes"][0], said);
    // Read as numbers: JSON has no other, so a `null` here would be a reading that was spoiled.
    for reading in ["integrated_lufs", "true_peak_dbtp", "sample_peak_dbfs", "rms_dbfs"] {
        assert!(value["files"][0][reading].is_f64(), "{reading}: {}", value["files"][0]);
    }
    assert_eq!(tonmeister(folder.path(), &words("check nan.wav")).code, 3);
}

#[test]
fn a_song_with_damaged_recordings_is_produced_and_they_are_told() {
    let folder = song();
    let song = folder.path().join("song");
    write(&song, "04_Gtr.wav", &truncated(&voice()));
    write(&song, "05_Keys.wav", &broken());
    let sources = recordings(&song);
    let scan = succeeds(folder.path(), "scan song");
    assert!(scan.stdout.contains("ends early") && scan.stdout.contains("silenced"), "{scan:?}");
    assert_eq!(contents(&song).len(), sources.len(), "scan writes nothing");
    let value = object(&succeeds(folder.path(), "mix song --json"));
    let faults = value["tracks"].to_string();
    assert!(faults.contains("ends early") && faults.contains("silenced"), "{faults}");
    // Whoever opens the session sees it at the file's own line; the report gives the reason.
    let session = std::fs::read_to_string(song.join("session.toml")).unwrap();
    for (file, note) in
        [("04_Gtr.wav", "the file ends early"), ("05_Keys.wav", "4 NaN or infinite samples silenced")]
    {
        let line = session.lines().find(|l| l.contains(&format!("file = \"{file}\""))).unwrap();
        assert!(line.contains(&format!("#~ repaired: {note}")), "{line}");
    }
    let mix = succeeds(folder.path(), "measure song/out/premaster.wav --json");
    assert_eq!(object(&mix)["files"][0]["notes"].as_array().unwrap().len(), 0, "the mix is sound");
    assert_eq!(recordings(&song), sources, "recordings are never written to");
    assert_eq!(unfinished(&song), [""; 0].map(std::path::PathBuf::from));
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_work() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    let folder = song();
    // "Gitarre ü" as Latin-1 wrote it.
    let name = OsStr::from_bytes(b"04_Gitarre \xfc.wav");
    let song = folder.path().join("song");
    std::fs::write(song.join(name), wav16(&[voice()])).unwrap();
    let sources = recordings(&song);
    for command in ["measure", "check"] {
        let ran = tonmeister(&song, &[OsStr::new(command), OsStr::new("--json"), name]);
        let value = object(&ran);
        assert!(value["files"][0].to_string().contains("Gitarre"), "{command}: {ran:?}");
    }
    let missing = OsString::from(OsStr::from_bytes(b"\xff\xfe.wav"));
    refuses(folder.path(), &[OsString::from("measure"), missing], UNREADABLE, &["not found"]);
    succeeds(folder.path(), "mix song");
    assert!(succeeds(folder.path(), "plan song").stdout.contains("0 changes"), "the file is found again");
    assert_eq!(recordings(&song), sources);
}

/// A recording with a time stamp: a `bext` chunk (EBU Tech 3285 section 2.3) behind the sound.
fn stamped(samples: Vec<f64>, frames: u64) -> Vec<u8> {
    let mut bytes = wav16(&[samples]);
    bytes.extend(b"bext");
    bytes.extend(602u32.to_le_bytes());
    bytes.extend([0; 338]);
    bytes.extend(frames.to_le_bytes());
    bytes.extend([0; 602 - 346]);
    bytes
}

#[test]
fn recordings_are_placed_by_their_time_stamps() {
    let folder = song();
    let song = folder.path().join("song");
    let hour = 3_600 * u64::from(RATE_HZ);
    write(&song, "01_Kick.wav", &stamped(voice(), hour));
    write(&song, "02_Bass.wav", &stamped(voice(), hour));
    write(&song, "03_Lead Vox.wav", &stamped(voice(), hour + u64::from(RATE_HZ) / 2));
    let told = "Placed by time stamps: 1 of 3 tracks begin after the earliest, which is stamped 1:00:00.000.";
    let scan: Vec<String> = words_of(&succeeds(folder.path(), "scan song").stdout);
    assert!(scan.join(" ").contains(told), "{scan:?}");
    let plan = succeeds(folder.path(), "plan song");
    assert!(words_of(&format!("{}{}", plan.stdout, plan.stderr)).join(" ").contains(told), "{plan:?}");
    let session = std::fs::read_to_string(song.join("session.toml")).unwrap();
    assert!(session.contains("start_s = 0.5\n"), "{session}");
    // One without a stamp: nothing is moved, and that is told.
    write(&song, "02_Bass.wav", &wav16(&[voice()]));
    let scan = succeeds(folder.path(), "scan song").stdout;
    assert!(words_of(&scan).join(" ").contains("Time stamps not used: 2 of 3 recordings"), "{scan}");
}

/// Lines are wrapped to the terminal.
fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_recording_of_many_channels_is_refused_with_the_way_out() {
    let folder = song();
    let song = folder.path().join("song");
    write(&song, "04_Field.wav", &wav16(&vec![voice(); 8]));
    let says = ["04_Field.wav", "has 8 channels", "a track has one or two", "split it into mono files"];
    for line in ["plan song", "produce song"] {
        refuses(folder.path(), &words(line), UNREADABLE, &says);
    }
    let scan = tonmeister(folder.path(), &words("scan song"));
    assert_eq!(scan.code, UNREADABLE);
    assert!(says.iter().all(|said| scan.stderr.contains(said)), "{scan:?}");
}

/// A song of three good recordings with two bad ones among them.
fn song_with_bad_ones() -> TempDir {
    let folder = song();
    write(&folder.path().join("song"), "02_Gtr.wav", b"Dear band,\nthe files are on the other disk.\n");
    write(&folder.path().join("song"), "05_Keys.wav", &wav16(&[Vec::new()]));
    folder
}

#[test]
fn scan_tells_bad_recordings_and_goes_on_with_the_others() {
    let folder = song_with_bad_ones();
    let scan = tonmeister(folder.path(), &words("scan song"));
    assert_eq!(scan.code, UNREADABLE, "{scan:?}");
    assert!(scan.stdout.contains("3 tracks") && scan.stdout.contains("01_Kick.wav"), "{scan:?}");
    for said in ["02_Gtr.wav", "looks like text", "05_Keys.wav", "holds no audio"] {
        assert!(scan.stderr.contains(said), "{said}: {scan:?}");
    }
    let value = object(&tonmeister(folder.path(), &words("scan song --json")));
    assert_eq!(value["tracks"].as_array().unwrap().len(), 3);
    let bad: Vec<_> =
        value["unreadable"].as_array().unwrap().iter().map(|u| u["path"].as_str().unwrap()).collect();
    assert!(bad.len() == 2 && bad[0].ends_with("02_Gtr.wav") && bad[1].ends_with("05_Keys.wav"), "{bad:?}");
    assert!(value["unreadable"][0]["error"].as_str().unwrap().contains("looks like text"));
    for name in ["01_Kick.wav", "02_Bass.wav", "03_Lead Vox.wav"] {
        std::fs::remove_file(folder.path().join("song").join(name)).unwrap();
    }
    refuses(folder.path(), &words("scan song"), UNREADABLE, &["2 files cannot be used", "02_Gtr.wav"]);
    refuses(folder.path(), &words("plan song --skip-unreadable"), UNREADABLE, &["2 files", "05_Keys.wav"]);
}

// Nothing is left out unless it is asked for, and what is left out is told wherever somebody may look.
#[test]
fn bad_recordings_are_left_out_only_when_asked_for() {
    let folder = song_with_bad_ones();
    let song = folder.path().join("song");
    let says = ["2 files cannot be used", "02_Gtr.wav", "05_Keys.wav", "--skip-unreadable"];
    for line in ["plan song", "mix song", "produce song", "produce song --dry-run"] {
        refuses(folder.path(), &words(line), UNREADABLE, &says);
    }
    assert!(!song.join("session.toml").exists());
    let sources = recordings(&song);
    let mix = succeeds(folder.path(), "mix song --skip-unreadable --json");
    let notes = object(&mix)["notes"].to_string();
    assert!(
        notes.contains("left out") && notes.contains("02_Gtr.wav") && notes.contains("05_Keys.wav"),
        "{notes}"
    );
    let session = || std::fs::read_to_string(song.join("session.toml")).unwrap();
    let line = session().lines().find(|l| l.starts_with("left_out")).unwrap().to_owned();
    assert!(
        line.contains(r#"["02_Gtr.wav", "05_Keys.wav"]"#) && line.contains("2 recordings cannot be read"),
        "{line}"
    );
    let why = succeeds(folder.path(), "why song.left_out -C song").stdout;
    assert!(words_of(&why).join(" ").contains("looks like text"), "{why}");
    let report = std::fs::read_to_string(song.join("out/report.html")).unwrap();
    assert!(report.contains("left out: ") && report.contains("02_Gtr.wav"), "the report tells it");
    assert_eq!(recordings(&song), sources, "recordings are never written to");
    // Once left out is not left out for ever: each plan asks again, and takes what has been mended.
    refuses(folder.path(), &words("plan song"), UNREADABLE, &["02_Gtr.wav"]);
    write(&song, "02_Gtr.wav", &wav16(&[voice()]));
    let plan = succeeds(folder.path(), "plan song --skip-unreadable");
    assert!(plan.stdout.contains("left out: ") && !plan.stdout.contains("02_Gtr.wav: is not"), "{plan:?}");
    assert!(session().contains(r#"left_out = ["05_Keys.wav"]"#), "{}", session());
    std::fs::remove_file(song.join("05_Keys.wav")).unwrap();
    succeeds(folder.path(), "plan song");
    assert!(!session().contains("left_out") && session().contains("02_Gtr.wav"), "{}", session());
}

#[test]
fn a_person_says_what_is_left_out() {
    let folder = song_with_bad_ones();
    let song = folder.path().join("song");
    succeeds(folder.path(), "plan song --skip-unreadable");
    let list = r#"song.left_out=["02_Gtr.wav", "05_Keys.wav", "01_Kick.wav"]"#;
    let set = tonmeister(folder.path(), &["set", list, "-C", "song"].map(std::ffi::OsString::from));
    assert_eq!(set.code, 0, "{set:?}");
    for _ in 0..2 {
        let plan = succeeds(folder.path(), "plan song");
        let told = words_of(&plan.stdout).join(" ");
        assert!(told.contains("left out, as song.left_out of the session says: 01_Kick.wav"), "{plan:?}");
        assert!(told.contains("yours, and kept: song.left_out"), "{plan:?}");
        let session = std::fs::read_to_string(song.join("session.toml")).unwrap();
        assert!(
            !session.contains("file = \"01_Kick.wav\"") && session.contains("file = \"02_Bass.wav\""),
            "{session}"
        );
    }
}

// Finds a session, a plan or a folder that is left of a mix that says nothing, and one of a person's that goes with it.
#[test]
fn a_silent_mix_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    std::fs::write(home.join("silent.wav"), wav16(&[vec![0.0; 48_000], vec![0.0; 48_000]])).unwrap();
    let before = contents(home);
    refuses(home, &words("master silent.wav"), 1, &["silent.wav", "is silent"]);
    assert_eq!(contents(home), before);
    refuses(home, &words("master silent.wav -o there"), 1, &["is silent"]);
    assert!(!home.join("there/silent.session.toml").exists());
    let own = "version = 1\n\n# Mine.\n[song]\ntitle = \"Silence\"\n";
    std::fs::write(home.join("silent.session.toml"), own).unwrap();
    refuses(home, &words("master silent.wav"), 1, &["is silent"]);
    assert_eq!(std::fs::read_to_string(home.join("silent.session.toml")).unwrap(), own);
}
