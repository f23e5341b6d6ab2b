//! What is read, and what is said about mistakes.

use super::*;
use crate::{Curve, LaneTarget, Point, list};
use proptest::prelude::*;
use std::path::PathBuf;

/// Every mistake here stands on a line of its own.
const TEN_MISTAKES: &str = r#"version = 1
seed = 1.5
[song]
tempo_bpm = "fast"
[track.kick]
file = "kick.wav"
bus = "drum"
fadr_db = -3
pan = 140
[[track.kick.insert]]
kind = "gian"
[[track.kick.insert]]
kind = "gain"
gain_db = 90
[track.vox]
sends = { plate = -3 }
[track.vox.automation]
fader_db = [[2.0, 0], [1.0, 0]]
[bus.drums]
[return.plate]
"#;

/// The problems as text, without the names of the processors, of which there may be more tomorrow.
fn without_registry(reading: &Reading) -> String {
    let kinds: Vec<&str> = dsp::KINDS.iter().map(|kind| kind.id).collect();
    list("session.toml", &reading.problems).replace(&kinds.join(", "), "(every processor)")
}

#[test]
fn notes_are_texts_with_their_places() {
    let reading = read(
        "version = 1\n[track.vox]\nfile = \"vox.wav\"\nnotes = [[\"too loud\", 62.0, 70.5], [\"harsh\", 3.0], [\"dry\"]]\n",
    );
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let notes = &reading.session.tracks["vox"].notes;
    let shown: Vec<_> = notes.iter().map(|note| (note.text.as_str(), note.from_s, note.to_s)).collect();
    assert_eq!(
        shown,
        [("too loud", Some(62.0), Some(70.5)), ("harsh", Some(3.0), None), ("dry", None, None)]
    );
    let written = crate::Document::new(&reading.session).to_string();
    assert_eq!(read(&written).session.tracks["vox"].notes, *notes, "{written}");
    for bad in [
        "\"loud\"",
        "[1.0]",
        "[\"loud\"]",
        "[[]]",
        "[[\"loud\", 5.0, 4.0]]",
        "[[\"loud\", -1.0]]",
        "[[\"a\", 1, 2, 3]]",
    ] {
        let text = format!("version = 1\n[track.vox]\nfile = \"vox.wav\"\nnotes = {bad}\n");
        assert_eq!(read(&text).problems.len(), 1, "{bad}");
    }
}

#[test]
fn ten_mistakes_are_ten_problems_each_in_its_place() {
    let reading = read(TEN_MISTAKES);
    let found: Vec<(usize, usize, &str)> =
        reading.problems.iter().map(|p| (p.place.line, p.place.column, p.code)).collect();
    let expected = [
        (2, 8, "out_of_range"),
        (4, 13, "wrong_type"),
        (7, 7, "unknown_strip"),
        (8, 1, "unknown_key"),
        (9, 7, "out_of_range"),
        (11, 8, "unknown_kind"),
        (14, 11, "out_of_range"),
        (15, 1, "missing"),
        (16, 11, "unknown_key"),
        (18, 24, "not_in_order"),
    ];
    assert_eq!(found, expected, "{}", list("session.toml", &reading.problems));
    assert!(!reading.is_usable());
    insta::assert_snapshot!(without_registry(&reading));
}

#[test]
fn other_mistakes() {
    let text = r#"version = 2
colour = 1
track.a = 3
[track."b.c"]
file = "bytes:%4"
[track.mix]
file = ["a.wav", "b.wav", "c.wav"]
invert = 1
trim_db = nan
sends = { plate_db = -3, plate = 2 }
pre_sends = { plate_db = -6 }
[track.drums]
file = 2021-01-01
sends = 4
[track.drums.automation]
send.hall_db = [[0, 1]]
insert.gain.gain_db = [[0, 1]]
insert.eq = [[0, 1]]
volume = [[0, 1]]
pan = [[0, 1, 2], ["a", 1], [-1, 0], [0, 300]]
fader_db = []
trim_db = 3
[[track.drums.insert]]
[[track.drums.insert]]
kind = "gain"
key = "mix"
invert_left = "yes"
[[track.drums.insert]]
kind = "gain"
id = "gain"
[bus.drums]
bus = "a"
[bus.x]
bus = "y"
[bus.y]
bus = "x"
[return.plate]
sends = { plate_db = -3 }
insert = 3
[premaster]
pan = 3
[master]
references = [1]
[song]
sections = [["a", 3], ["b", 2], ["c"], 4]
[deliver]
targets = "cd"
"#;
    insta::assert_snapshot!(without_registry(&read(text)));
}

#[test]
fn broken_toml_is_one_problem_with_its_place() {
    let reading = read("version = 1\n[track.kick\nfile = 3\n");
    assert_eq!(reading.problems.len(), 1);
    assert_eq!((reading.problems[0].code, reading.problems[0].place.line), ("syntax", 2));
    let twice = read("version = 1\nseed = 1\nseed = 2\n");
    assert_eq!((twice.problems[0].code, twice.problems[0].place.line), ("syntax", 3));
}

#[test]
fn everything_that_is_written_is_read() {
    let reading = read(
        r#"version = 1
engine = "0.1.0"
seed = 7
[song]
title = "Rye and Rain"
tempo_bpm = 92.0
sample_rate_hz = 48000
sections = [["intro", 0.0], ["verse", 10.4]]
[track.kick]
label = "Kick"
file = "audio/01_Kick In.wav"
role = "kick_in"
bus = "drums"
trim_db = -4.2
fader_db = -2.5
pan = 10
invert = true
delay_frames = 12.5
[[track.kick.insert]]
kind = "gain"
gain_db = -3
invert_right = true
[[track.kick.insert]]
kind = "gain"
bypass = true
[track.keys]
file = ["keys.L.wav", "keys.R.wav"]
start_s = 1.5
mute = true
bus = "master"
sends = { plate_db = -18.0 }
pre_sends = { hall_db = -20 }
[track.keys.automation]
send.plate_db = [[0, -18], [2, -12]]
pan = [[1, 0], [1, 100]]
insert.late.pan = [[1, 0], [2, 100]]
insert.late.invert_left = [[1, 0]]
[[track.keys.insert]]
id = "late"
kind = "gain"
[bus.drums]
[return.plate]
[return.hall]
bus = "drums"
[premaster]
peak_dbfs = -6.0
[master]
loudness_lufs = -14
ceiling_dbtp = -1
[deliver]
targets = ["streaming", "cd"]
"#,
    );
    assert_eq!(list("session.toml", &reading.problems), "");
    let session = reading.into_session().unwrap();
    assert_eq!((session.engine.as_str(), session.seed), ("0.1.0", 7));
    assert_eq!(session.song.sections[1], Section { name: "verse".into(), start_s: 10.4 });
    let kick = session.strip("kick").unwrap();
    assert_eq!((kick.name(), kick.bus.as_deref()), ("Kick", Some("drums")));
    assert_eq!((kick.trim_db, kick.fader_db, kick.pan), (-4.2, -2.5, 10.0));
    assert_eq!((kick.invert, kick.delay_frames), (true, 12.5));
    assert_eq!(kick.inserts.iter().map(|insert| insert.id.as_str()).collect::<Vec<_>>(), ["gain", "gain_2"]);
    let mut values = dsp::Values::neutral(kick.inserts[0].kind);
    values.set(kick.inserts[0].kind, "gain_db", -3.0).unwrap();
    values.set(kick.inserts[0].kind, "invert_right", 1.0).unwrap();
    assert_eq!(kick.inserts[0].values, values);
    assert!(kick.inserts[1].bypass);
    let keys = session.strip("keys").unwrap();
    assert_eq!(keys.files, ["keys.L.wav", "keys.R.wav"].map(PathBuf::from));
    assert_eq!((keys.bus.clone(), keys.start_s, keys.mute), (None, 1.5, true));
    assert_eq!(
        keys.sends.iter().map(|s| (s.to.as_str(), s.pre_fader)).collect::<Vec<_>>(),
        [("plate", false), ("hall", true)]
    );
    assert_eq!(keys.lanes[0].target, LaneTarget::Send("plate".into()));
    assert_eq!(keys.lanes[0].points[1], Point { time_s: 2.0, value: -12.0 });
    assert_eq!(keys.lanes[2].name.to_string(), "insert.late.pan");
    assert_eq!(keys.lanes[3].curve, Curve::Step);
    assert_eq!(session.master.loudness_lufs, Some(-14.0));
    assert_eq!(session.returns.keys().collect::<Vec<_>>(), ["plate", "hall"]);
}

#[test]
fn no_processor_setting_is_called_like_a_key_of_the_insert() {
    for kind in dsp::KINDS {
        for field in fields::INSERT {
            assert!(kind.params.iter().all(|param| param.id != field.id), "{}: {}", kind.id, field.id);
            assert!(kind.groups.iter().all(|group| group.id != field.id), "{}: {}", kind.id, field.id);
        }
        for group in kind.groups {
            assert!(group.params.iter().all(|param| param.id != fields::ITEM_NAME.id), "{}", kind.id);
        }
    }
}

proptest! {
    /// Mistakes of any shape give problems, not panics: a good file with a piece cut out and another put in.
    #[test]
    fn damaged_text_never_panics(cut in 0..TEN_MISTAKES.len(), length in 0usize..40, put in "\\PC{0,6}") {
        let end = (cut + length).min(TEN_MISTAKES.len());
        let text = format!("{}{put}{}", &TEN_MISTAKES[..cut], &TEN_MISTAKES[end..]);
        for problem in read(&text).problems {
            prop_assert!(problem.place.line >= 1 && !problem.message.is_empty());
        }
    }
}

#[test]
fn a_master_that_ends_before_it_begins_is_refused() {
    let reading = read("version = 1\n[master]\nstart_s = 3.0\nend_s = 2.5\n");
    let [problem] = &reading.problems[..] else { panic!("{:?}", reading.problems) };
    assert_eq!((problem.place.line, problem.path.as_str()), (4, "master.end_s"));
    assert!(problem.message.contains("not after start_s 3"), "{}", problem.message);
    assert!(read("version = 1\n[master]\nstart_s = 2.0\nend_s = 2.5\n").problems.is_empty());
}
