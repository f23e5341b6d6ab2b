//! Recordings made of bytes, folders that are compared, and the program that is run.

use serde_json::Value;
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) const RATE_HZ: u32 = 48_000;

/// Length of the recordings: long enough for every meter, short enough to run often.
pub(crate) const FRAMES: usize = 2 * RATE_HZ as usize;

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in a folder. Whatever it is asked, it neither panics nor colours what is no terminal.
pub(crate) fn tonmeister<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Ran {
    let mut command = assert_cmd::Command::cargo_bin("tonmeister").expect("the program is built");
    command.current_dir(folder).args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    let output = command.output().expect("it starts");
    let ran = Ran {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "codes for a terminal: {ran:?}");
    ran
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Tells that a case was left out, past the harness, which keeps what good tests print to itself.
#[cfg(unix)]
pub(crate) fn not_tested(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "NOT TESTED: {why}");
}

/// Runs a script of the shell in a folder; `$TONMEISTER` is the program.
#[cfg(unix)]
pub(crate) fn shell(folder: &Path, script: &str) -> Ran {
    shell_in(folder, &["sh"], script)
}

/// The same in a room of its own, where disks can be mounted without being the administrator; nothing where this system
/// has no such rooms, which is told.
#[cfg(unix)]
pub(crate) fn shell_in_own_room(folder: &Path, script: &str) -> Option<Ran> {
    let room = ["unshare", "--user", "--map-root-user", "--mount", "sh"];
    let there = std::process::Command::new(room[0])
        .args(&room[1..4])
        .args(["mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        not_tested(&format!("`unshare --user --mount` is not allowed here, so no disk of its own: {script}"));
        return None;
    }
    Some(shell_in(folder, &room, script))
}

#[cfg(unix)]
fn shell_in(folder: &Path, words: &[&str], script: &str) -> Ran {
    let output = std::process::Command::new(words[0])
        .args(&words[1..])
        .args(["-c", script])
        .current_dir(folder)
        .env("TONMEISTER", env!("CARGO_BIN_EXE_tonmeister"))
        .output()
        .expect("a shell");
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!ran.stderr.contains("panicked"), "{script}: {ran:?}");
    ran
}

/// The words of a command line.
pub(crate) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// The one JSON object on standard output.
pub(crate) fn object(ran: &Ran) -> Value {
    let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{ran:?}"));
    assert!(value.is_object(), "{ran:?}");
    value
}

/// Runs a command that must succeed.
pub(crate) fn succeeds(folder: &Path, line: &str) -> Ran {
    let ran = tonmeister(folder, &words(line));
    assert_eq!(ran.code, 0, "{line}: {ran:?}");
    ran
}

/// Runs a command that must fail: with this code, with these words, with nothing on standard output, and with nothing
/// written or changed. The same with `--json`, as an object.
pub(crate) fn refuses<S: AsRef<OsStr>>(folder: &Path, arguments: &[S], code: i32, says: &[&str]) {
    let before = contents(folder);
    let ran = tonmeister(folder, arguments);
    let line: Vec<String> = arguments.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect();
    let line = line.join(" ");
    assert_eq!(ran.code, code, "{line}: {ran:?}");
    assert_eq!(ran.stdout, "", "{line}: the result is empty");
    for word in says {
        assert!(ran.stderr.contains(word), "{line}: `{word}` is not said: {ran:?}");
    }
    let with_json: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).chain([OsStr::new("--json")]).collect();
    let told = tonmeister(folder, &with_json);
    assert_eq!(told.code, code, "{line} --json: {told:?}");
    let value = object(&told);
    assert_eq!(value["schema"], "tonmeister.error/1", "{line}");
    assert_eq!(value["exit_code"], code, "{line}");
    let error = value["error"].as_str().expect("a text");
    for word in says {
        let hint = value["hint"].as_str().unwrap_or_default();
        assert!(error.contains(word) || hint.contains(word), "{line} --json: `{word}` is not in {value}");
    }
    assert_eq!(contents(folder), before, "{line}: something was written");
}

/// Everything in a folder with its content; folders have none.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, None);
        } else {
            found.insert(path.clone(), Some(std::fs::read(&path).expect("a file")));
        }
    }
    found
}

/// The recordings of a folder: what must never change.
pub(crate) fn recordings(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = contents(folder);
    found.retain(|path, _| path.parent() == Some(folder) && path.extension().is_some_and(|e| e == "wav"));
    found
}

/// A file that is left of something that was not finished.
pub(crate) fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let is_part = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".part") || name.ends_with(".tmp") || name.starts_with(".tmp")
    };
    names(folder).into_iter().filter(is_part).collect()
}

/// Every path in a folder in which a program may be at work: what vanishes while one looks is not there.
fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let inner: Vec<PathBuf> =
        found.iter().filter(|path| path.is_dir()).flat_map(|path| names(path)).collect();
    found.extend(inner);
    found
}

/// Samples as a WAV file of 16-bit integers, written byte by byte: independent of our own writer.
pub(crate) fn wav16(channels: &[Vec<f64>]) -> Vec<u8> {
    let sample = |x: f64| ((x * 32767.0).round().clamp(-32768.0, 32767.0) as i16).to_le_bytes().to_vec();
    wav(1, 16, channels, &sample)
}

/// The same of 32-bit floats, which can hold what is no number.
pub(crate) fn wav32(channels: &[Vec<f64>]) -> Vec<u8> {
    wav(3, 32, channels, &|x| (x as f32).to_le_bytes().to_vec())
}

fn wav(tag: u16, bits: u16, channels: &[Vec<f64>], sample: &dyn Fn(f64) -> Vec<u8>) -> Vec<u8> {
    let frames = channels.first().map_or(0, Vec::len);
    let data: Vec<u8> =
        (0..frames).flat_map(|n| channels.iter().flat_map(move |c| [c[n]])).flat_map(sample).collect();
    let count = channels.len().max(1) as u16;
    let frame_bytes = count * bits / 8;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend([tag.to_le_bytes(), count.to_le_bytes()].concat());
    file.extend([RATE_HZ.to_le_bytes(), (RATE_HZ * u32::from(frame_bytes)).to_le_bytes()].concat());
    file.extend([frame_bytes.to_le_bytes(), bits.to_le_bytes()].concat());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Samples of a sound that is a function of time.
fn sound(of: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..FRAMES).map(|n| of(n as f64 / f64::from(RATE_HZ))).collect()
}

fn tone(hz: f64, overtones: usize, time_s: f64) -> f64 {
    (1..=overtones).map(|n| (TAU * hz * n as f64 * time_s).sin() / n as f64).sum()
}

pub(crate) fn kick() -> Vec<f64> {
    sound(|t| 0.7 * (TAU * 55.0 * t).sin() * (-(t % 0.5) * 12.0).exp())
}

pub(crate) fn bass() -> Vec<f64> {
    sound(|t| 0.25 * tone(82.4, 5, t))
}

/// Begins and ends in silence, as a finished mix does.
pub(crate) fn voice() -> Vec<f64> {
    let length = FRAMES as f64 / f64::from(RATE_HZ);
    sound(|t| {
        let swell = 0.6 - 0.4 * (TAU * 2.0 * t).cos();
        0.2 * swell * tone(220.0, 8, t + 0.001 * (TAU * 5.0 * t).sin()) * (30.0 * t.min(length - t)).min(1.0)
    })
}

/// A folder `song` with three recordings, in a folder of its own.
pub(crate) fn song() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let song = folder.path().join("song");
    std::fs::create_dir(&song).expect("a folder");
    for (name, samples) in [("01_Kick.wav", kick()), ("02_Bass.wav", bass()), ("03_Lead Vox.wav", voice())] {
        std::fs::write(song.join(name), wav16(&[samples])).expect("a file");
    }
    folder
}
