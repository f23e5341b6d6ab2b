//! Runs that are cut off, runs that meet, and recordings that change under the work.

use crate::common::{contents, object, shell, song, succeeds, tonmeister, unfinished, voice, wav16, words};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn start(home: &Path, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tonmeister"))
        .args(words(line))
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// A song in which work takes a while.
fn long_song() -> TempDir {
    let folder = song();
    let long: Vec<f64> = voice().repeat(20);
    std::fs::write(folder.path().join("song/04_Gtr.wav"), wav16(&[long.clone(), long])).unwrap();
    folder
}

/// A song in which work takes a while, and a run in it that has told of its first stage.
fn at_work(line: &str) -> (TempDir, Child, impl Iterator<Item = String> + use<>) {
    let folder = long_song();
    let mut child = start(folder.path(), line);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().expect("a stage");
    assert!(first.contains("listening"), "{first}");
    (folder, child, lines)
}

/// Sends a run a signal by its name.
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Kills a run of `line` while it is writing a file, as often as it takes to hit one before it has its name. Returns the
/// number of the process that left it.
fn kill_while_it_writes(home: &Path, mut child: Child, line: &str) -> u32 {
    for _ in 0..20 {
        let begun = Instant::now();
        while unfinished(home).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is being written");
            if child.try_wait().unwrap().is_some() {
                child = start(home, line);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if !unfinished(home).is_empty() {
            return child.id();
        }
        child = start(home, line);
    }
    panic!("twenty runs were done writing whenever they were killed")
}

/// What stands in a folder, but for what tells of the folder itself: which runs need not be repeated.
fn relative(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    contents(folder)
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_path_buf(), bytes))
        .filter(|(path, _)| !path.ends_with(".tonmeister/produced.json"))
        .collect()
}

/// Whatever has a name is whole: audio as long as its header says, the session and every JSON file can be read.
fn assert_whole(folder: &Path, when: &str) {
    for (path, bytes) in contents(folder) {
        let Some(bytes) = bytes.filter(|_| !unfinished(folder).iter().any(|part| path.starts_with(part)))
        else {
            continue;
        };
        match path.extension().and_then(|e| e.to_str()) {
            Some("wav") => {
                let said = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
                assert_eq!(said + 8, bytes.len(), "{when}: {}", path.display());
            }
            Some("json") => {
                let value = serde_json::from_slice::<serde_json::Value>(&bytes);
                assert!(value.is_ok(), "{when}: {}: {value:?}", path.display());
            }
            Some("html") => assert!(bytes.ends_with(b"</html>\n"), "{when}: {}", path.display()),
            _ => {}
        }
    }
    if folder.join("song/session.toml").exists() {
        let ran = tonmeister(folder, &words("set --dry-run song.title=x -C song"));
        assert_eq!(ran.code, 0, "{when}: the session can be read: {ran:?}");
    }
}

/// Cuts a command off at shares of the time it takes, in copies of one folder, and runs it again: every file is then
/// what it is after a run that was not disturbed.
fn cut_off_at(line: &str, before: &str, shares: &[f64]) {
    let prepared = || {
        let folder = song();
        std::fs::write(folder.path().join("song/mix.wav"), wav16(&[voice(), voice()])).unwrap();
        std::fs::rename(folder.path().join("song/mix.wav"), folder.path().join("mix.wav")).unwrap();
        if !before.is_empty() {
            succeeds(folder.path(), before);
        }
        folder
    };
    let undisturbed = prepared();
    let begun = Instant::now();
    // So short a song does not pass every check.
    let code = tonmeister(undisturbed.path(), &words(line)).code;
    let took = begun.elapsed();
    assert!([0, 3].contains(&code), "{line}: {code}");
    let wanted = relative(undisturbed.path());
    assert_eq!(unfinished(undisturbed.path()), Vec::<PathBuf>::new());
    for share in shares {
        let folder = prepared();
        let mut child = start(folder.path(), line);
        std::thread::sleep(took.mul_f64(*share));
        child.kill().unwrap();
        child.wait().unwrap();
        let when = format!("`{line}` cut off at {share} of {took:?}");
        assert_whole(folder.path(), &when);
        let ran = tonmeister(folder.path(), &words(line));
        assert_eq!(ran.code, code, "{when}: {ran:?}");
        let now = relative(folder.path());
        let names: Vec<_> =
            now.keys().chain(wanted.keys()).filter(|path| now.get(*path) != wanted.get(*path)).collect();
        assert_eq!(names, Vec::<&PathBuf>::new(), "{when}: these are not what they would have been");
    }
}

#[test]
fn produce_can_be_cut_off_at_any_moment() {
    cut_off_at("produce song --stems", "", &[0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92]);
}

#[test]
fn the_other_commands_that_write_can_be_cut_off_too() {
    cut_off_at("plan song", "", &[0.3, 0.8, 0.95]);
    cut_off_at("master mix.wav", "", &[0.3, 0.6, 0.9]);
}

#[test]
fn a_render_and_a_delivery_can_be_cut_off_too() {
    cut_off_at("render song premaster master stems", "produce song", &[0.3, 0.7]);
    cut_off_at("deliver song --to cd,qobuz", "produce song", &[0.3, 0.7]);
}

/// An album of fourteen short songs.
fn album_of_fourteen() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("title = \"Fourteen\"\n");
    for n in 1..=14 {
        let song: Vec<f64> = voice().iter().map(|x| x * (1.0 - 0.04 * f64::from(n))).collect();
        std::fs::write(folder.path().join(format!("{n}.wav")), wav16(&[song.clone(), song])).unwrap();
        text += &format!("[[track]]\nfile = \"{n}.wav\"\ntitle = \"Song {n}\"\n");
    }
    std::fs::write(folder.path().join("album.toml"), text).unwrap();
    folder
}

/// The files that the manifests of a delivery list, with when each was written.
fn listed(kinds: &[PathBuf]) -> BTreeMap<PathBuf, std::time::SystemTime> {
    let mut found = BTreeMap::new();
    for folder in kinds {
        let Ok(text) = std::fs::read_to_string(folder.join("manifest.json")) else { continue };
        let manifest: serde_json::Value = serde_json::from_str(&text).expect("a whole manifest");
        for file in manifest["files"].as_array().expect("a list") {
            let path = folder.join(file["name"].as_str().expect("a name"));
            let written = std::fs::metadata(&path).expect("what is listed is there").modified().unwrap();
            found.insert(path, written);
        }
    }
    found
}

/// An album whose delivery was killed when it had listed so many of its 28 files: its folder, the two folders of what is
/// delivered, and what they listed. A delivery that was done sooner than this could look is begun again.
fn killed_behind(
    few: usize,
    line: &str,
) -> (TempDir, [PathBuf; 2], BTreeMap<PathBuf, std::time::SystemTime>) {
    for _ in 0..5 {
        let folder = album_of_fourteen();
        let out = folder.path().join("out/deliver/listening");
        let kinds = [out.join("flac"), out.join("opus")];
        let mut child = start(folder.path(), line);
        let begun = Instant::now();
        while listed(&kinds).len() < few && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120), "nothing is being delivered");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let there = listed(&kinds);
        if (few..28).contains(&there.len()) {
            return (folder, kinds, there);
        }
    }
    panic!("five deliveries were done whenever they were killed behind {few} files")
}

// Finds a resumed delivery that makes again what is there, leaves out what is not, or lists what was half written; and
// one whose bytes depend on where it was killed.
#[test]
fn a_killed_delivery_of_fourteen_songs_makes_only_what_is_missing() {
    let line = "album album.toml --to listening --format flac,opus --threads 2";
    let undisturbed = album_of_fourteen();
    succeeds(undisturbed.path(), line);
    let wanted = relative(undisturbed.path());
    for few in [1, 9, 20] {
        let (folder, kinds, there) = killed_behind(few, line);
        assert_whole(folder.path(), &format!("killed behind {} files", there.len()));
        let told = object(&succeeds(folder.path(), &format!("{line} --json")));
        let details = told["details"].as_array().expect("files");
        assert_eq!(details.len(), 28);
        let kept = details.iter().filter(|file| file["kept"] == true);
        let kept: Vec<PathBuf> =
            kept.map(|file| folder.path().join(file["path"].as_str().expect("a path"))).collect();
        let mut expected: Vec<PathBuf> = there.keys().cloned().collect();
        expected.sort_by_key(|path| kept.iter().position(|other| other == path));
        assert_eq!(kept, expected, "what was listed is kept, and nothing else");
        let now = listed(&kinds);
        assert!(there.iter().all(|(path, written)| now[path] == *written), "a kept file was written again");
        let is = relative(folder.path());
        let names: Vec<_> =
            is.keys().chain(wanted.keys()).filter(|path| is.get(*path) != wanted.get(*path)).collect();
        assert_eq!(names, Vec::<&PathBuf>::new(), "killed behind {} files", there.len());
    }
}

#[test]
fn a_second_run_is_told_who_works_and_looking_is_free() {
    let (folder, child, lines) = at_work("produce song");
    let home = folder.path();
    let process = format!("process {}", child.id());
    // However slow this machine is, it is not done before the others have asked.
    signal(&child, "-STOP");
    for line in ["produce song", "mix song", "plan song"] {
        let ran = tonmeister(home, &words(line));
        assert_eq!(ran.code, 1, "{line}: {ran:?}");
        assert!(
            ran.stderr.contains(&process) && ran.stderr.contains("works here already"),
            "{line}: {ran:?}"
        );
        let told = tonmeister(home, &words(&format!("{line} --json")));
        assert_eq!(object(&told)["exit_code"], 1, "{line}");
    }
    succeeds(home, "measure song/01_Kick.wav");
    succeeds(home, "targets");
    signal(&child, "-CONT");
    let process = kill_while_it_writes(home, child, "produce song");
    drop(lines);
    std::fs::remove_file(home.join("song/04_Gtr.wav")).unwrap();
    let ran = succeeds(home, "mix song");
    assert!(ran.stderr.contains(&format!("taking over from process {process}")), "{ran:?}");
    assert!(ran.stderr.contains("unfinished"), "what it left is cleared away: {ran:?}");
    assert_eq!(unfinished(home), Vec::<PathBuf>::new());
    let ran = succeeds(home, "mix song");
    assert!(!ran.stderr.contains("taking over"), "{ran:?}");
    assert!(!home.join("song/.tonmeister/lock").exists());
}

// The other one is this test, which holds the lock as a run does.
#[test]
fn who_waits_works_when_the_other_is_done() {
    let folder = song();
    let lock = folder.path().join("song/.tonmeister/lock");
    std::fs::create_dir(lock.parent().unwrap()).unwrap();
    std::fs::write(&lock, "process = 4242\nbegun_s = 10\n").unwrap();
    let held = std::fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    let mut child = start(folder.path(), "plan song --wait");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().unwrap(), "waiting for process 4242 to be done in this folder");
    assert!(child.try_wait().unwrap().is_none() && !folder.path().join("song/session.toml").exists());
    // As a run does that is done: the file goes while its lock is held.
    std::fs::remove_file(&lock).unwrap();
    drop(held);
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert!(!rest.iter().any(|line| line.contains("waiting") || line.contains("taking over")), "{rest:?}");
    assert!(folder.path().join("song/session.toml").exists() && !lock.exists());
}

#[test]
fn a_polite_end_is_an_interrupt() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let (folder, mut child, lines) = at_work("produce song");
        let begun = Instant::now();
        signal(&child, name);
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{name}: {rest:?}");
        // Standards of the trade: two seconds; a busy machine gets more.
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
        assert_eq!(unfinished(folder.path()), Vec::<PathBuf>::new(), "{name}");
        assert!(!folder.path().join("song/.tonmeister/lock").exists(), "{name}");
        assert!(!folder.path().join("song/out/premaster.wav").exists(), "{name}");
    }
}

#[test]
fn a_recording_that_changes_under_the_work_ends_it() {
    let long: Vec<f64> = voice().repeat(10);
    let another = wav16(&[long.clone(), long]);
    type Change<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Change); 3] = [
        ("has vanished", &|path| std::fs::remove_file(path).unwrap()),
        ("bytes long and is", &|path| {
            std::fs::File::options().write(true).open(path).unwrap().set_len(100_000).unwrap();
        }),
        ("bytes long and is", &|path| std::fs::write(path, &another).unwrap()),
    ];
    for (said, change) in cases {
        let (folder, mut child, lines) = at_work("produce song");
        change(&folder.path().join("song/04_Gtr.wav"));
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(4), "{said}: {rest:?}");
        let told = rest.iter().any(|line| line.contains("04_Gtr.wav") && line.contains(said));
        assert!(told, "{said}: {rest:?}");
        assert_eq!(unfinished(folder.path()), Vec::<PathBuf>::new());
        assert!(
            !folder.path().join("song/session.toml").exists() && !folder.path().join("song/out").exists()
        );
    }
}

/// A folder that is taken away is a failure of writing, not a recording that is missing.
#[test]
fn an_output_folder_that_vanishes_is_told() {
    let folder = long_song();
    let home = folder.path();
    succeeds(home, "plan song");
    let ran = shell(
        home,
        "$TONMEISTER render song & child=$!; while [ ! -d song/out ]; do :; done
         kill -STOP $child; rm -r song/out; kill -CONT $child; wait $child",
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("song/out/premaster.wav: cannot"), "{ran:?}");
    succeeds(home, "render song");
}
