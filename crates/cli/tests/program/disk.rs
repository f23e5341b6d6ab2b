//! Disks that are full, and folders and systems that do not let everything be done.

use crate::common::{
    contents, not_tested, object, recordings, refuses, shell, shell_in_own_room, song, succeeds, tonmeister,
    unfinished, voice, wav16, words,
};
use std::path::{Path, PathBuf};

const FAILED: i32 = 1;

/// Everything that stands under a name of its own below a folder.
fn finished(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    contents(folder).into_iter().collect()
}

#[test]
fn a_disk_that_is_too_small_is_told_before_the_work() {
    let folder = song();
    // 3 MB hold the recordings, and not what is made of them.
    let script = "mkdir disk && mount -t tmpfs -o size=3m none disk && cp song/*.wav disk && \
                  $TONMEISTER COMMAND; code=$?; ls -A disk >&2; exit $code";
    for command in ["produce disk", "mix disk --stems", "master 'disk/01_Kick.wav'"] {
        let Some(ran) = shell_in_own_room(folder.path(), &script.replace("COMMAND", command)) else { return };
        std::fs::remove_dir(folder.path().join("disk")).unwrap();
        assert_eq!(ran.code, FAILED, "{command}: {ran:?}");
        for word in ["disk: not enough room", "MB are free", "-o"] {
            assert!(ran.stderr.contains(word), "{command}: `{word}` is not said: {ran:?}");
        }
        let left: Vec<&str> = ran.stderr.lines().skip_while(|line| !line.starts_with("01_Kick")).collect();
        assert_eq!(left, ["01_Kick.wav", "02_Bass.wav", "03_Lead Vox.wav"], "{command}");
    }
}

/// Kept tracks are a convenience: where there is only room for the song, there is the song.
#[test]
fn a_disk_without_room_for_kept_tracks_still_gets_the_song() {
    let folder = song();
    let script = "mkdir disk && mount -t tmpfs -o size=5m none disk && cp song/*.wav disk && $TONMEISTER mix disk; \
                  code=$?; ls -A disk/out disk/.tonmeister >&2; exit $code";
    let Some(ran) = shell_in_own_room(folder.path(), script) else { return };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("too little room to keep finished tracks"), "{ran:?}");
    assert!(ran.stderr.contains("premaster.wav") && !ran.stderr.contains("strips"), "{ran:?}");
}

/// The system refuses in the middle of a file: what was there before stands, and nothing half-written beside it.
#[test]
fn a_file_that_cannot_be_written_to_its_end_leaves_the_old_one() {
    let folder = song();
    let home = folder.path();
    succeeds(home, "produce song");
    succeeds(home, "set track.bass.fader_db=-9 -C song");
    let before = finished(&home.join("song/out"));
    let master = std::fs::read(home.join("song/.tonmeister/master.wav")).unwrap();
    // In blocks of 512 bytes: longer than the report, shorter than any audio file.
    let ran = shell(home, "ulimit -f 500; $TONMEISTER render song premaster master");
    assert_eq!(ran.code, FAILED, "{ran:?}");
    for word in ["song/out/premaster.wav", "cannot write to it", "ulimit -f"] {
        assert!(ran.stderr.contains(word), "`{word}` is not said: {ran:?}");
    }
    let told = shell(home, "ulimit -f 500; $TONMEISTER render song --json");
    assert_eq!(object(&told)["kind"], "failed");
    assert!(finished(&home.join("song/out")) == before, "the earlier outputs are untouched");
    assert!(std::fs::read(home.join("song/.tonmeister/master.wav")).unwrap() == master);
    assert_eq!(unfinished(home), Vec::<PathBuf>::new());
    succeeds(home, "render song premaster master");
    assert!(finished(&home.join("song/out")) != before);
}

/// Nobody can write to a disk that is read only, the administrator neither.
#[test]
fn a_disk_that_is_read_only_can_be_looked_at_and_is_told_before_the_work() {
    let folder = song();
    let home = folder.path();
    succeeds(home, "plan song");
    let read_only = "mount --bind song song && mount -o remount,ro,bind song && $TONMEISTER ";
    for line in [
        "scan song",
        "measure song/01_Kick.wav",
        "why lead_vox -C song",
        "plan song --dry-run",
        "check song/01_Kick.wav --target cd || [ $? = 3 ]",
    ] {
        let Some(ran) = shell_in_own_room(home, &format!("{read_only}{line}")) else { return };
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
    for line in [
        "plan song",
        "mix song",
        "produce song",
        "render song",
        "set song.title=x -C song",
        "master song/01_Kick.wav",
    ] {
        let ran = shell_in_own_room(home, &format!("{read_only}{line}")).expect("as above");
        assert_eq!(ran.code, FAILED, "{line}: {ran:?}");
        assert!(ran.stderr.contains("song") && ran.stderr.contains("elsewhere with -o"), "{line}: {ran:?}");
        assert!(!ran.stderr.contains("listening"), "before any work: {ran:?}");
    }
    let ran = shell_in_own_room(home, &format!("{read_only} mix song -o made")).expect("as above");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(home.join("made/out/premaster.wav").is_file());
}

#[test]
fn what_is_made_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    for (mask, wanted) in [("022", 0o644), ("077", 0o600)] {
        let folder = song();
        let home = folder.path();
        let ran = shell(home, &format!("umask {mask}; $TONMEISTER -q produce song"));
        assert_eq!(ran.code, 0, "{ran:?}");
        let sources = recordings(&home.join("song"));
        let made = contents(&home.join("song"))
            .into_keys()
            .filter(|path| path.is_file() && !sources.contains_key(path));
        let mut seen = 0;
        for path in made {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, wanted, "umask {mask}: {}", path.display());
            seen += 1;
        }
        assert!(seen > 8, "else this proves nothing");
    }
}

/// A result that nobody gets is no success, unless they have closed the pipe themselves.
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    std::fs::write(home.join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    if Path::new("/dev/full").exists() {
        for line in ["measure mix.wav", "targets", "", "measure mix.wav --json"] {
            let ran = shell(home, &format!("$TONMEISTER {line} > /dev/full"));
            assert_eq!(ran.code, FAILED, "{line}: {ran:?}");
            assert!(ran.stderr.contains("the result could not be written"), "{line}: {ran:?}");
        }
    } else {
        not_tested("there is no /dev/full here");
    }
    for script in [
        "$TONMEISTER measure mix.wav >&-",
        "$TONMEISTER measure mix.wav 2>&-",
        "$TONMEISTER measure mix.wav <&- >&- 2>&-",
        "$TONMEISTER measure mix.wav mix.wav mix.wav | head -1 > /dev/null",
    ] {
        let ran = shell(home, script);
        assert_eq!(ran.code, 0, "{script}: {ran:?}");
        assert!(!ran.stderr.contains("could not"), "{script}: {ran:?}");
    }
}

#[test]
fn neither_home_nor_language_nor_a_place_for_temporary_files_is_needed() {
    let folder = song();
    let home = folder.path();
    let bare = "env -i LANG=C LC_ALL=C TMPDIR=/nowhere/at/all $TONMEISTER";
    // A recording that is cut off at its end makes no good master; that is another matter.
    for line in ["produce song", "master 'song/02_Bass.wav' -o made || [ $? = 3 ]", "scan song"] {
        let ran = shell(home, &format!("{bare} {line}"));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
    // Only trying a master out needs one, and says which.
    let ran = shell(home, &format!("{bare} master --dry-run song/02_Bass.wav"));
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/at/all") && ran.stderr.contains("TMPDIR"), "{ran:?}");
}

/// Somebody else's folder, as far as this machine lets anybody be somebody else.
#[test]
fn another_user_is_told_what_they_may_not() {
    use std::os::unix::fs::PermissionsExt;
    let folder = song();
    let home = folder.path();
    let song = home.join("song");
    let permit =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(home, 0o755);
    permit(&song, 0o555);
    let program = home.join("tonmeister");
    std::fs::copy(env!("CARGO_BIN_EXE_tonmeister"), &program).unwrap();
    let as_other = match std::fs::write(song.join("probe"), "") {
        Err(_) => "",
        Ok(()) => {
            std::fs::remove_file(song.join("probe")).unwrap();
            "setpriv --reuid 65534 --regid 65534 --clear-groups"
        }
    };
    if shell(home, &format!("{as_other} true")).code != 0 {
        not_tested("nobody can be somebody else here (setpriv)");
        return;
    }
    let run = |line: &str| shell(home, &format!("{as_other} ./tonmeister {line}"));
    assert_eq!(run("scan song").code, 0);
    assert_eq!(run("measure song/01_Kick.wav").code, 0);
    let ran = run("plan song");
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.stderr.contains("ermission") && ran.stderr.contains("-o"), "{ran:?}");
    // One recording that may not be read: it is named, and of several files the others are measured.
    permit(&song.join("02_Bass.wav"), 0o000);
    let ran = run("scan song");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("02_Bass.wav"), "{ran:?}");
    let ran = run("measure song/01_Kick.wav song/02_Bass.wav");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stdout.contains("01_Kick.wav") && ran.stderr.contains("02_Bass.wav"), "{ran:?}");
    permit(&song, 0o755);
}

/// A hundred recordings where a program may have 128 files open: one for each, not two.
#[test]
fn a_song_of_many_tracks_needs_few_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let song_folder = folder.path().join("song");
    std::fs::create_dir(&song_folder).unwrap();
    // Half a second is long enough to be measured, and there are many.
    let hit: Vec<f64> = voice().into_iter().take(24_000).collect();
    for n in 0..100 {
        let sound: Vec<f64> = hit.iter().skip(n).copied().collect();
        std::fs::write(song_folder.join(format!("{n:03} Synth {n}.wav")), wav16(&[sound])).unwrap();
    }
    let ran = shell(folder.path(), "ulimit -n 128; $TONMEISTER -q mix song --tracks");
    assert_eq!(ran.code, 0, "{ran:?}");
    let tracks = song_folder.join("out/tracks");
    assert_eq!(contents(&tracks).len(), 100);
    assert_eq!(unfinished(folder.path()), Vec::<PathBuf>::new());
    let folder = song();
    let ran = shell(folder.path(), "ulimit -n 12; $TONMEISTER mix song");
    assert!(ran.code == 0 || ran.stderr.contains("ulimit -n 4096"), "{ran:?}");
}

#[test]
fn a_command_that_fails_leaves_no_folder_of_its_own() {
    let folder = song();
    std::fs::write(folder.path().join("song/04_Gtr.wav"), "not audio\n").unwrap();
    refuses(folder.path(), &words("produce song -o made/deeper"), 4, &["04_Gtr.wav"]);
    refuses(folder.path(), &words("deliver song"), 2, &["no session here"]);
    let ran = tonmeister(folder.path(), &words("plan song"));
    assert_eq!(ran.code, 4, "{ran:?}");
}
