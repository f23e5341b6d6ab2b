//! What is written can be read, and what a person wrote stays.

use super::*;
use crate::testing::sessions;
use crate::{Change, Decision, StepId, apply, list};
use proptest::prelude::*;

const SONG: &str = include_str!("song.toml");

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn song() -> Document {
    let document: Document = SONG.parse().unwrap();
    assert_eq!(list("session.toml", &document.read().problems), "");
    document
}

proptest! {
    #![proptest_config(crate::testing::config())]

    #[test]
    fn a_written_session_is_read_again(session in sessions()) {
        let text = Document::new(&session).to_string();
        let reading = read(&text);
        prop_assert_eq!(list("session.toml", &reading.problems), "", "{}", text);
        // Lanes stand in the order of their names' first parts; what they move has no order.
        prop_assert_eq!(sorted(reading.session), sorted(session), "{}", text);
    }

    #[test]
    fn one_text_becomes_another_session(from in sessions(), to in sessions()) {
        let mut document = Document::new(&from);
        document.become_tree(&write::session_tree(&to));
        let reading = document.read();
        prop_assert_eq!(list("session.toml", &reading.problems), "", "{}", document);
        prop_assert_eq!(sorted(reading.session), sorted(to), "{}", document);
    }

    #[test]
    fn a_persons_comments_survive_every_change(from in sessions(), to in sessions()) {
        let plain = Document::new(&from).to_string();
        let commented: String =
            plain.lines().enumerate().map(|(n, line)| format!("{line} # c{n}.\n# own line {n}.\n")).collect();
        let mut document: Document = commented.parse().unwrap();
        document.become_tree(&write::session_tree(&to));
        let text = document.to_string();
        prop_assert_eq!(sorted(document.read().session), sorted(to), "{}", text);
        for n in 0..plain.lines().count() {
            prop_assert!(text.contains(&format!("# c{n}.\n")), "comment {} lost:\n{}\n{}", n, commented, text);
            prop_assert!(text.contains(&format!("# own line {n}.\n")), "own line {} lost:\n{}", n, text);
        }
    }

    #[test]
    fn becoming_what_it_is_changes_no_byte(session in sessions()) {
        let text = Document::new(&session).to_string();
        let commented: String = text.lines().map(|line| format!("{line}   # mine\n\n")).collect();
        let mut document: Document = commented.parse().unwrap();
        let tree = document.tree();
        document.become_tree(&tree);
        prop_assert_eq!(document.to_string(), commented);
    }
}

/// Lanes and sends are written in tables, whose order says nothing.
fn sorted(mut session: Session) -> Session {
    let ids: Vec<String> = session.strips().map(|strip| strip.id.clone()).collect();
    for id in ids {
        let strip = session.strip_mut(&id).unwrap();
        strip.lanes.sort_by(|a, b| a.name.cmp(&b.name));
        strip.sends.sort_by(|a, b| a.to.cmp(&b.to));
    }
    session
}

#[test]
fn text_that_is_not_touched_keeps_every_byte() {
    assert_eq!(song().to_string(), SONG);
    let windows = SONG.replace('\n', "\r\n");
    assert_eq!(windows.parse::<Document>().unwrap().to_string(), windows);
}

#[test]
fn decisions_are_written_where_a_person_would_write_them() {
    let mut document = song();
    let set = |at: &str, value: crate::Value, note: &str| {
        Decision::set(StepId::StaticMix, path(at), value, "because").noted(note)
    };
    let gain = crate::Value::table([("kind", "gain".into()), ("gain_db", crate::Value::from(-1))]);
    let decisions = [
        set("track.kick.trim_db", (-5.5).into(), "active parts to -18 dBFS RMS"),
        set("track.kick.fader_db", (-1).into(), "4 LU under the voice"),
        set("track.kick.role", "kick_in".into(), "name 0.99"),
        set("track.vox.sends.plate_db", (-12.5).into(), "14 LU under the voice"),
        set("track.vox.sends.slap_db", (-20.5).into(), "eighths"),
        set("track.vox.automation.fader_db", crate::Value::points([(0.0, 0.0), (41.6, 1.5)]), "chorus"),
        set("track.vox.automation.send.plate_db", crate::Value::points([(0.0, -12.0)]), ""),
        set("track.vox.insert.gain", gain, "a little less"),
        set("track.vox.insert.gain_2.pan", 20.into(), "to the side"),
        set("track.bass", crate::Value::table([("file", "bass.wav"), ("bus", "band")]), "new"),
        set("bus.band", crate::Value::Table(Default::default()), ""),
        set(
            "song.sections",
            crate::Value::List(vec![vec![crate::Value::from("intro"), 0.into()].into()]),
            "found",
        ),
        set("premaster.peak_dbfs", (-6).into(), ""),
    ];
    apply(&mut document, &decisions).unwrap();
    insta::assert_snapshot!(document.to_string());

    // The same once more changes nothing; the notes can be taken away again.
    let before = document.to_string();
    apply(&mut document, &decisions).unwrap();
    assert_eq!(document.to_string(), before);
    let notes = document.notes();
    assert_eq!(notes.len(), 7, "{notes:?}");
    assert!(notes.contains(&(path("track.kick.role"), "name 0.99".into())));
    for (path, _) in notes {
        assert!(document.note(&path, ""));
    }
    assert!(!document.to_string().contains("#~"), "{document}");
}

#[test]
fn what_is_removed_leaves_a_persons_comments() {
    let mut document = song();
    let step = StepId::Preparation;
    let remove = |at: &str| Decision::new(step, Change::Remove { path: path(at) }, "because");
    let place = |at: &str, before: Option<&str>| {
        let change = Change::Place { path: path(at), before: before.map(str::to_string) };
        Decision::new(step, change, "because")
    };
    let decisions = [
        remove("track.kick.pan"),
        remove("track.keys"),
        remove("track.vox.sends.slap_db"),
        remove("nothing.at.all"),
        place("track.vox", Some("kick")),
    ];
    apply(&mut document, &decisions).unwrap();
    insta::assert_snapshot!(document.to_string());
    assert_eq!(document.session().unwrap().tracks.keys().collect::<Vec<_>>(), ["vox", "kick"]);
}

#[test]
fn inserts_keep_their_names_when_their_order_changes() {
    let text = "version = 1\n[track.a]\nfile = \"a.wav\"\n\n[[track.a.insert]]\nkind = \"gain\"\n\n\
                # the second\n[[track.a.insert]]\nkind = \"gain\"\npan = 3\n[track.b]\nfile = \"b.wav\"\n";
    let mut document: Document = text.parse().unwrap();
    let change = Change::Place { path: path("track.a.insert.gain_2"), before: Some("gain".into()) };
    apply(&mut document, &[Decision::new(StepId::Character, change, "because")]).unwrap();
    let session = document.session().unwrap();
    let inserts: Vec<(&str, f64)> = session.tracks["a"]
        .inserts
        .iter()
        .map(|insert| (insert.id.as_str(), insert.values.get(insert.address(&["pan"]).unwrap())))
        .collect();
    assert_eq!(inserts, [("gain_2", 3.0), ("gain", 0.0)], "{document}");
    assert!(document.to_string().contains("# the second\n[[track.a.insert]]"), "{document}");
}

#[test]
fn a_decision_that_cannot_be_written_changes_nothing() {
    let step = StepId::Preparation;
    let bad = [
        Decision::set(step, path("track.vox.insert.flux.gain_db"), 1, "because"),
        Decision::set(step, path("track.vox.fader_db"), 300, "because"),
        Decision::set(step, path("track.vox.fader_db.deeper"), 3, "because"),
        Decision::set(step, path("track.vox.bus"), "nowhere", "because"),
        Decision::new(step, Change::Place { path: path("track.nobody"), before: None }, "because"),
    ];
    for decision in bad {
        let mut document = song();
        let good = Decision::set(step, path("track.kick.pan"), 50, "because");
        let error = apply(&mut document, &[good, decision.clone()]).unwrap_err();
        assert!(!error.to_string().is_empty());
        assert_eq!(document.to_string(), SONG, "{decision:?}");
    }
}

#[test]
fn every_layout_that_toml_allows_can_be_changed() {
    for text in [
        "version=1\ntrack.a.file='a.wav'\ntrack.a.fader_db=1 # x\n",
        "version=1\ntrack = { a = { file='a.wav', insert=[{kind='gain'}] } } # x\n",
        "version=1\n[track]\na.file='a.wav' # x\n[track.b]\nfile='b'\n",
        "version=1\n[[track.a.insert]]\nkind='eq'\n[[track.a.insert.bands]]\nfreq_hz=100 # x\n[track.a]\nfile='a'\n",
        "version=1\n[bus.x]\n[track.a.automation]\npan=[[0,1]]\n[track.a]\nfile='a'\n[[track.a.insert]]\nkind='eq'\nbands=[{freq_hz=100},{freq_hz=200}] # x\n",
        "version=1\n[track.a] # x\nfile='a'\ninsert=[]\nsends={}\n[return.plate]",
        "version=1\n[track]\n[track.a]\nfile='a'\n[track.a.sends]\nplate_db=-3 # x\n[return.plate]\n",
    ] {
        let mut document: Document = text.parse().unwrap();
        assert_eq!(list("session.toml", &document.read().problems), "", "{text}");
        let changes: [(&str, Value); 9] = [
            ("track.a.fader_db", (-2).into()),
            ("track.a.insert.eq.bands.mud.gain_db", (-2).into()),
            ("track.a.insert.eq.bands.mud.q", 2.into()),
            ("track.a.insert.compressor.ratio", 2.into()),
            ("track.a.automation.fader_db", Value::points([(0.0, 1.0)])),
            ("track.a.automation.insert.compressor.ratio", Value::points([(0.0, 2.0)])),
            ("return.hall", Value::Table(Default::default())),
            ("track.a.sends.hall_db", (-9).into()),
            ("track.new.file", "n.wav".into()),
        ];
        for all_at_once in [true, false] {
            let set = |(at, value): &(&str, Value)| {
                Decision::set(StepId::Space, path(at), value.clone(), "because").noted("a note")
            };
            let decisions: Vec<Decision> = changes.iter().map(set).collect();
            if all_at_once {
                apply(&mut document.clone(), &decisions).unwrap();
            } else {
                for decision in decisions {
                    apply(&mut document, &[decision]).unwrap();
                }
            }
        }
        for (at, value) in changes {
            assert_eq!(document.get(&path(at)), Some(value), "{at}\n{document}");
        }
        assert!(document.to_string().contains("# x\n"), "{document}");
        assert_eq!(document.session().unwrap().tracks.len(), if text.contains("track.b") { 3 } else { 2 });
    }
}

#[test]
fn a_band_without_a_name_is_made_at_the_next_place_only() {
    let mut document = song();
    let set =
        |document: &mut Document, at: &str| document.set(&format!("track.vox.insert.eq.bands.{at}.q"), "2");
    assert!(set(&mut document, "2").unwrap_err().to_string().contains("a new one is 1"));
    set(&mut document, "1").unwrap();
    set(&mut document, "2").unwrap();
    set(&mut document, "1").unwrap();
    assert!(set(&mut document, "4").unwrap_err().to_string().contains("a new one is 3"));
}
