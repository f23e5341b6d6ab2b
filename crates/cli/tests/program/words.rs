//! `plan [DIR] [STEP|TRACK ...]` and `render [DIR] [PART ...]`: words that may be left out in front.

use crate::common::{object, refuses, song, succeeds, words};
use std::collections::BTreeSet;
use std::path::Path;

/// The steps and the strips that a plan's decisions are about.
fn decided(folder: &Path, line: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let value = object(&succeeds(folder, &format!("{line} --json --dry-run")));
    let decisions = value["decisions"].as_array().unwrap();
    let steps = decisions.iter().map(|d| d["step"].as_str().unwrap().to_string()).collect();
    let strip = |d: &serde_json::Value| -> String {
        // A path is written as its parts or with dots.
        let path = &d["path"];
        match path.as_array() {
            Some(parts) => parts.get(1).and_then(|p| p.as_str()).unwrap_or_default().to_string(),
            None => path.as_str().unwrap().split('.').nth(1).unwrap_or_default().to_string(),
        }
    };
    (steps, decisions.iter().map(strip).collect())
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn steps_and_tracks_need_no_folder_in_front() {
    let folder = song();
    let song = folder.path().join("song");
    let two = set(&["gain_staging", "static_mix"]);
    // Before there is a plan: everything is planned, and what was asked for is shown.
    assert_eq!(decided(folder.path(), "plan song 2 3").0, two);
    assert_eq!(decided(&song, "plan 2 3").0, two);
    let ran = succeeds(&song, "plan 2 --dry-run");
    assert!(ran.stdout.contains("no earlier plan here"), "{ran:?}");
    assert!(ran.stdout.contains("trim_db") && !ran.stdout.contains("fader_db"), "{ran:?}");
    succeeds(&song, "plan");
    for line in ["plan 2 3", "plan gain-staging static_mix", "plan . 2 3", "plan 2 static-mix"] {
        assert_eq!(decided(&song, line).0, two, "{line}");
    }
    assert_eq!(decided(&song, "plan lead_vox").1, set(&["lead_vox"]));
    let (steps, strips) = decided(&song, "plan 3 bass");
    assert_eq!((steps, strips), (set(&["static_mix"]), set(&["bass"])));
    assert_eq!(decided(folder.path(), "plan song kick").1, set(&["kick"]));
}

#[test]
fn a_folder_that_is_called_like_a_step_is_a_folder() {
    let folder = song();
    std::fs::rename(folder.path().join("song"), folder.path().join("4")).unwrap();
    let (steps, _) = decided(folder.path(), "plan 4");
    assert!(steps.contains("static_mix"), "all of the song in `4`: {steps:?}");
}

#[test]
fn a_slip_of_the_pen_is_told_as_one() {
    let folder = song();
    let song = folder.path().join("song");
    succeeds(&song, "plan");
    refuses(&song, &words("plan led_vox"), 2, &["led_vox", "neither a step nor a track", "lead_vox"]);
    // Where there is no song, it can only have been a folder.
    refuses(folder.path(), &words("plan sogn"), 4, &["sogn: not found"]);
    refuses(&song, &words("plan ../sogn 4"), 4, &["../sogn: not found"]);
}

#[test]
fn parts_of_a_render_need_no_folder_in_front() {
    let folder = song();
    let song = folder.path().join("song");
    succeeds(&song, "plan");
    let paths = |folder: &Path, line: &str| -> BTreeSet<String> {
        let value = object(&succeeds(folder, &format!("{line} --dry-run --json")));
        let name = |file: &serde_json::Value| {
            let path = Path::new(file["path"].as_str().unwrap()).to_path_buf();
            path.components().rev().nth(1).unwrap().as_os_str().to_string_lossy().into_owned()
        };
        value["files"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(paths(&song, "render stems"), set(&["stems"]));
    assert_eq!(paths(&song, "render"), set(&["out"]));
    assert_eq!(paths(folder.path(), "render song tracks stems"), set(&["stems", "tracks"]));
    assert_eq!(paths(&song, "render . master"), set(&["out"]));
}
