//! Names and folders as they are found on old disks, and as somebody who means harm would make them.

use crate::common::{
    bass, contents, kick, not_tested, object, recordings, shell, song, succeeds, tonmeister, voice, wav16,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Every name that a recording may have, however odd.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "-rf Kick.wav",
        "Bass \"DI\" 'x' $(reboot) `id`.wav",
        "Vox\nTake 2.wav",
        "<img src=x onerror=alert(1)> Gtr.wav",
        "\u{202e}ziruk\u{202c} Keys.wav",
        "\u{1b}[2J\u{7} Piano.wav",
        "🥁 Snare 雨.wav",
        "Ge\u{301}sang.wav",
        "G\u{e9}sang.wav",
        "bytes:100%25 Org.wav",
        "  lead  .wav",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push(b"Gitarre \xfc.wav".to_vec());
    names.push(b"Gitarre \xfb.wav".to_vec());
    names.push(b"\xff\xfe\x80.wav".to_vec());
    // 255 bytes, different only where the name ends.
    for last in ["1", "2"] {
        names.push(format!("{}{last}.wav", "long".repeat(62) + "xx").into_bytes());
    }
    names
}

/// A song of such recordings; macOS refuses those that are no text.
fn odd_song() -> (tempfile::TempDir, Vec<OsString>) {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("a \"song\"\nof <b>odd names");
    std::fs::create_dir(&song).unwrap();
    let mut made = Vec::new();
    for (n, name) in odd_names().into_iter().enumerate() {
        let name = OsString::from_vec(name);
        let sound: Vec<f64> = [kick, bass, voice][n % 3]().into_iter().take(48_000).skip(n).collect();
        match std::fs::write(song.join(&name), wav16(&[sound])) {
            Ok(()) => made.push(name),
            Err(error) => not_tested(&format!("this disk has no name {name:?}: {error}")),
        }
    }
    assert!(made.len() >= 10, "{made:?}");
    (folder, made)
}

#[test]
fn odd_names_go_all_the_way() {
    let (folder, names) = odd_song();
    let home = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let sources = recordings(&home);
    let scan = object(&tonmeister(&home, &["scan", ".", "--json"]));
    let tracks = scan["tracks"].as_array().unwrap();
    assert_eq!(
        tracks.iter().map(|t| t["files"].as_array().unwrap().len()).sum::<usize>(),
        names.len(),
        "{scan}"
    );
    let ran = tonmeister(&home, &["produce", ".", "--tracks", "--stems"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // One file per track, whatever its name and however long.
    let written = contents(&home.join("out/tracks")).len();
    assert_eq!(written, tracks.len());
    // Nothing of it reaches a terminal that would obey it (the helper looks for escapes), or a browser.
    assert!(!ran.stdout.contains('\u{202e}') && !ran.stderr.contains('\u{7}'), "{ran:?}");
    let page = std::fs::read_to_string(home.join("out/report.html")).unwrap();
    assert!(!page.contains("<img src=x") && !page.contains("<b>odd"), "the report is a page of ours only");
    assert!(page.contains("&lt;img src=x"), "and tells the name");
    let report: Result<serde_json::Value, _> =
        serde_json::from_slice(&std::fs::read(home.join("out/report.json")).unwrap());
    assert!(report.is_ok());
    // The session finds every recording again, and a new plan has nothing to change.
    let again = object(&tonmeister(&home, &["plan", ".", "--json"]));
    assert_eq!(again["changes"].as_array().unwrap().len(), 0, "{again}");
    assert_eq!(again["yours"].as_array().unwrap().len(), 0, "{again}");
    assert_eq!(tonmeister(&home, &["render", "."]).code, 0);
    let session = std::fs::read_to_string(home.join("session.toml")).unwrap();
    if names.iter().any(|name| name.as_bytes() == b"Gitarre \xfc.wav") {
        assert!(
            session.contains("\"bytes:Gitarre %FC.wav\"") && session.contains("%FF%FE%80.wav"),
            "{session}"
        );
        let measured = tonmeister(
            &home,
            &[OsStr::new("measure"), OsStr::new("--json"), OsStr::from_bytes(b"Gitarre \xfc.wav")],
        );
        assert_eq!(object(&measured)["files"][0]["path"], "bytes:Gitarre %FC.wav", "told without loss");
    }
    assert_eq!(recordings(&home), sources);
}

/// What is called after a mix is told apart as the mixes are.
#[test]
fn mixes_with_odd_names_get_masters_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let names: [&[u8]; 6] =
        [b"G\xfc.wav", b"G\xfb.wav", b"-v.wav", b"mix.v2.wav", b"mix.v3.wav", &[b'x'; 251]];
    let mut arguments: Vec<OsString> = ["master", "-q", "--"].map(OsString::from).to_vec();
    let mut made = 0;
    for name in names {
        let mut name = name.to_vec();
        if name.len() == 251 {
            name.extend(b".wav");
        }
        let name = OsString::from_vec(name);
        if std::fs::write(home.join(&name), wav16(&[voice().into_iter().take(48_000).collect()])).is_ok() {
            arguments.push(name);
            made += 1;
        } else {
            not_tested(&format!("this disk has no name {name:?}"));
        }
    }
    let ran = tonmeister(home, &arguments);
    // A second of sound cut off at its end does not pass every check.
    assert!([0, 3].contains(&ran.code), "{ran:?}");
    let there: Vec<PathBuf> = contents(home).into_keys().collect();
    for ending in ["-master.wav", ".session.toml", "-report.html", "-report.json"] {
        let count = there.iter().filter(|path| path.to_string_lossy().ends_with(ending)).count();
        assert_eq!(count, made, "{ending}: {there:?}");
    }
}

#[test]
fn a_folder_of_traps_is_walked_around() {
    let folder = song();
    let song = folder.path().join("song");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, song.join(name)).unwrap();
    std::fs::write(folder.path().join("outside.wav"), wav16(&[voice()])).unwrap();
    link("loop-b.wav", "loop-a.wav");
    link("loop-a.wav", "loop-b.wav");
    link(".", "here.wav");
    link("../outside.wav", "outside.wav");
    link("/dev/zero", "zero.wav");
    link("/dev/stdin", "stdin.wav");
    assert_eq!(shell(&song, "mkfifo fifo.wav").code, 0);
    std::fs::write(song.join("._01_Kick.wav"), b"\0\x05\x16\x07 of a Mac").unwrap();
    std::fs::write(song.join(".hidden.wav"), wav16(&[voice()])).unwrap();
    std::fs::create_dir(song.join("folder.wav")).unwrap();
    let scan = object(&succeeds(folder.path(), "scan song --json"));
    assert_eq!(scan["tracks"].as_array().unwrap().len(), 3, "{scan}");
    let ignored = scan["ignored"].to_string();
    for name in ["loop-a", "loop-b", "here", "outside", "zero", "stdin", "fifo", "folder"] {
        assert!(ignored.contains(&format!("{name}.wav")), "{name}: {ignored}");
    }
    assert!(!ignored.contains("._01") && !ignored.contains("hidden"), "{ignored}");
    succeeds(folder.path(), "mix song");
    // Named one by one they are refused, and none is waited for.
    for (name, why) in [
        ("fifo.wav", "not a file"),
        ("/dev/zero", "not a file"),
        ("loop-a.wav", "loop-a"),
        ("folder.wav", "is a folder"),
    ] {
        let ran = tonmeister(&song, &["measure", name]);
        assert_eq!(ran.code, 4, "{name}: {ran:?}");
        assert!(ran.stderr.contains(why), "{name}: {ran:?}");
    }
}

/// What lies in the way of our own names is never followed, and never taken for ours.
#[test]
fn links_where_we_write_lead_nowhere_else() {
    let folder = song();
    let home = folder.path();
    std::fs::write(home.join("precious.wav"), "a song of somebody else").unwrap();
    std::fs::create_dir(home.join("song/out")).unwrap();
    std::os::unix::fs::symlink("../../precious.wav", home.join("song/out/premaster.wav")).unwrap();
    succeeds(home, "mix song");
    assert_eq!(std::fs::read(home.join("precious.wav")).unwrap(), b"a song of somebody else");
    assert!(std::fs::read(home.join("song/out/premaster.wav")).unwrap().starts_with(b"RIFF"));
}

#[test]
fn twenty_thousand_files_are_no_trouble() {
    let folder = song();
    let song = folder.path().join("song");
    for n in 0..20_000 {
        std::fs::write(song.join(format!("{n}.txt")), "").unwrap();
    }
    let begun = std::time::Instant::now();
    let scan = object(&succeeds(folder.path(), "scan song --json"));
    assert_eq!(scan["tracks"].as_array().unwrap().len(), 3);
    assert_eq!(scan["ignored"].as_array().unwrap().len(), 20_000);
    // Listing takes well under a second; anything that grows with the square takes minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let told = succeeds(folder.path(), "scan song");
    assert!(told.stdout.lines().count() < 100, "people are told how many, not all of them");
}

/// The peak memory of a run, in bytes.
#[cfg(target_os = "linux")]
fn peak_bytes(home: &std::path::Path, line: &str) -> u64 {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tonmeister"))
        .args(line.split_whitespace())
        .current_dir(home)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        // The highest so far (proc(5)): nothing is missed between two looks but what comes after the last.
        let said = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib =
            line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert!(status.success(), "{line}");
    peak
}

/// Files are streamed. `cargo run -p tonmeister-benches -- endurance` shows the same for hours and gigabytes.
#[cfg(target_os = "linux")]
#[test]
fn a_long_file_needs_hardly_more_memory_than_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let minute = voice().repeat(30);
    std::fs::write(home.join("short.wav"), wav16(&[minute.clone(), minute.clone()])).unwrap();
    let long = minute.repeat(6);
    std::fs::write(home.join("long.wav"), wav16(&[long.clone(), long])).unwrap();
    let (short, long) = (peak_bytes(home, "measure short.wav"), peak_bytes(home, "measure long.wav"));
    // Readings are kept ten times a second and more, some 100 kB a minute; decoded, the file has 276 MB.
    assert!(long < short + 30_000_000, "{long} bytes against {short}");
    assert!(long < 150_000_000, "{long} bytes");
}
