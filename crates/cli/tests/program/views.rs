//! What people look at: pictures, and meters in the terminal.

use crate::common::{bass, kick, voice};
use crate::common::{contents, object, refuses, song, succeeds, unfinished, wav16, words};
use std::ffi::OsString;
use std::path::Path;

/// Eight bytes that begin every PNG (ISO/IEC 15948, 5.2).
const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

fn names(folder: &Path) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    contents(folder).keys().map(name).collect()
}

fn mix(folder: &Path) {
    std::fs::write(folder.join("mix.wav"), wav16(&[kick(), voice()])).expect("a file");
    std::fs::write(folder.join("bass.wav"), wav16(&[bass()])).expect("a file");
}

#[test]
fn pictures_stand_beside_the_file_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    mix(folder.path());
    let before = contents(folder.path());
    let told = succeeds(folder.path(), "measure --plot --dry-run mix.wav");
    assert!(told.stdout.contains("plot: mix-sheet.svg") && told.stdout.contains("nothing was written"));
    assert_eq!(contents(folder.path()), before, "a dry run writes nothing");

    let value = object(&succeeds(folder.path(), "measure --plot --json mix.wav"));
    let plots = ["mix-sheet.svg", "mix-loudness.svg", "mix-spectrum.svg", "mix-stereo.svg"];
    assert_eq!(value["files"][0]["plots"], serde_json::json!(plots));
    assert_eq!(value["dry_run"], false);
    for plot in plots {
        let svg = std::fs::read_to_string(folder.path().join(plot)).expect(plot);
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("mix.wav") && svg.contains("LUFS"), "{plot}");
        for odd in ["NaN", "inf", "var("] {
            assert!(!svg.contains(odd), "{plot}: {odd}");
        }
    }
    // Again: the same files, to the last byte, and nothing besides.
    let first = contents(folder.path());
    succeeds(folder.path(), "measure --plot mix.wav");
    assert_eq!(contents(folder.path()), first);
    assert!(unfinished(folder.path()).is_empty());
}

#[test]
fn pictures_go_where_they_are_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    mix(folder.path());
    succeeds(folder.path(), "measure --plot=pictures/of mix.wav bass.wav --plot-dark");
    assert_eq!(names(&folder.path().join("pictures/of")).len(), 8);
    if cfg!(feature = "png") {
        succeeds(folder.path(), "measure --plot=one.PNG bass.wav");
        assert_eq!(std::fs::read(folder.path().join("one.PNG")).unwrap()[..8], PNG);
        succeeds(folder.path(), "measure --plot --plot-format png bass.wav");
        assert_eq!(std::fs::read(folder.path().join("bass-stereo.png")).unwrap()[..8], PNG);
    } else {
        let says = ["without PNG", "SVG"];
        refuses(folder.path(), &words("measure --plot=one.png bass.wav"), 2, &says);
        refuses(folder.path(), &words("measure --plot --plot-format png bass.wav"), 2, &says);
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_keep_their_bytes() {
    use std::os::unix::ffi::OsStringExt;
    let folder = tempfile::tempdir().unwrap();
    let name = |end: &[u8]| OsString::from_vec([b"l\xe4rm".as_slice(), end].concat());
    std::fs::write(folder.path().join(name(b".wav")), wav16(&[kick()])).unwrap();
    let arguments = [OsString::from("measure"), "--plot".into(), name(b".wav")];
    assert_eq!(crate::common::tonmeister(folder.path(), &arguments).code, 0);
    assert!(folder.path().join(name(b"-sheet.svg")).exists());
}

#[test]
fn what_cannot_be_drawn_is_refused_before_any_work() {
    let folder = song();
    mix(folder.path());
    let refuse = |line: &str, says: &[&str]| refuses(folder.path(), &words(line), 2, says);
    refuse("measure --plot=one.svg mix.wav bass.wav", &["--plot=FOLDER"]);
    refuse("measure --plot=one.svg --plot-format png mix.wav", &["--plot-format"]);
    refuse("measure --live --speed 99 mix.wav", &["0.25 to 16"]);
    refuse("measure --speed 2 mix.wav", &["--live"]);
    refuse("measure --plot-dark mix.wav", &["--plot"]);
    // A picture would take the name of a recording.
    std::fs::copy(folder.path().join("mix.wav"), folder.path().join("odd.svg")).unwrap();
    refuse("measure --plot=odd.svg odd.svg", &["never written to"]);
}

/// A pipe has no meters: scripts are told where they find the same.
#[test]
fn the_live_view_needs_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    mix(folder.path());
    refuses(folder.path(), &words("measure --live mix.wav"), 2, &["--series"]);
    std::fs::write(folder.path().join("text.wav"), "no sound").unwrap();
    let ran = crate::common::tonmeister(folder.path(), &words("measure --live text.wav"));
    assert_eq!(ran.code, 4, "{ran:?}");
}
