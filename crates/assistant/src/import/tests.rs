use super::*;
use proptest::prelude::*;

fn recording(name: &str) -> Recording {
    Recording {
        path: format!("audio/{name}").into(),
        sample_rate_hz: 48_000,
        channels: 1,
        duration_s: 30.0,
        depth: "24-bit integer".into(),
        ..Recording::default()
    }
}

fn import_names(names: &[&str]) -> Imported {
    let recordings: Vec<Recording> = names.iter().map(|name| recording(name)).collect();
    import(&recordings, "Song")
}

const BAND: &[&str] = &[
    "14_Lead Vox.wav",
    "09_Bass DI.wav",
    "01_Kick In.wav",
    "02_Kick Out.wav",
    "03_Snare Top.wav",
    "06_OH L.wav",
    "07_OH R.wav",
    "10_EGtr L.wav",
    "11_EGtr R.wav",
    "12_Keys.wav",
    "15_BVox 1.wav",
    "16_BVox 2.wav",
    "17_Tambourine.wav",
    "19_click.wav",
    "20_Audio 14.wav",
];

fn ids(imported: &Imported) -> Vec<&str> {
    imported.session.tracks.keys().map(String::as_str).collect()
}

#[test]
fn a_band_is_named_ordered_and_grouped_as_a_mixer_would() {
    let imported = import_names(BAND);
    assert_eq!(
        ids(&imported),
        [
            "kick_in",
            "kick_out",
            "snare_top",
            "oh_l",
            "oh_r",
            "tambourine",
            "bass_di",
            "egtr_l",
            "egtr_r",
            "keys",
            "audio_14",
            "lead_vox",
            "bvox_1",
            "bvox_2",
            "click"
        ]
    );
    let session = &imported.session;
    let bus = |id: &str| session.tracks[id].bus.as_deref();
    assert_eq!(bus("kick_in"), Some("drums"));
    assert_eq!((bus("lead_vox"), bus("egtr_l")), (Some("vocals"), Some("guitars")));
    // One bass, one keyboard, one tambourine need no bus.
    assert_eq!((bus("bass_di"), bus("keys"), bus("tambourine")), (None, None, None));
    assert_eq!(session.buses.keys().collect::<Vec<_>>(), ["drums", "guitars", "vocals"]);
    assert_eq!(session.tracks["kick_in"].label.as_deref(), Some("Kick In"));
    assert_eq!(session.tracks["oh_l"].role.as_deref(), Some("overhead_left"));
    // Two places in the list are two tracks of the desk, though they are called left and right.
    assert_eq!(session.tracks["egtr_l"].files.len(), 1);
    assert_eq!(session.song.title.as_deref(), Some("Song"));
    assert_eq!(session.song.sample_rate_hz, None);
}

#[test]
fn what_is_no_music_is_set_aside_and_what_is_unknown_is_asked() {
    let imported = import_names(BAND);
    let session = &imported.session;
    assert!(session.tracks["click"].mute && session.tracks["click"].bus.is_none());
    assert!(session.tracks.values().filter(|t| t.mute).count() == 1);
    let about = |id: &str| {
        let path = Path::new(["track", id]);
        imported.decisions.iter().filter(move |d| path.contains(d.change.path())).collect::<Vec<_>>()
    };
    assert!(about("click").iter().any(|d| d.note == "set aside"));
    let [asked] = about("audio_14")[..] else { panic!("one decision") };
    assert!(asked.why.contains('?') && asked.note.contains('?') && asked.confidence < 0.4, "{asked:?}");
    assert_eq!(session.tracks["audio_14"].role, None);
}

#[test]
fn every_decision_is_in_the_session_already_and_has_a_number() {
    let imported = import_names(BAND);
    for id in imported.session.tracks.keys() {
        let path = Path::new(["track", id]);
        assert!(imported.decisions.iter().any(|d| path.contains(d.change.path())), "{id}");
    }
    for decision in &imported.decisions {
        assert!(!decision.evidence.is_empty() && !decision.why.is_empty(), "{decision:?}");
    }
    let before = session::Document::new(&imported.session);
    let mut after = before.clone();
    session::apply(&mut after, &imported.decisions).unwrap();
    assert_eq!(before.session().unwrap(), after.session().unwrap());
}

#[test]
fn split_files_are_one_track_with_left_first() {
    let imported = import_names(&["05_Piano_R.wav", "05_Piano_L.wav", "Pad.L.wav", "Pad.R.wav", "Gtr.wav"]);
    let piano = &imported.session.tracks["piano"];
    assert_eq!(piano.files, [PathBuf::from("audio/05_Piano_L.wav"), PathBuf::from("audio/05_Piano_R.wav")]);
    assert_eq!(imported.session.tracks["pad"].files.len(), 2);
    assert_eq!(imported.session.tracks.len(), 3);
}

#[test]
fn files_that_only_look_like_a_pair_stay_apart() {
    let pair = || vec![recording("Piano_L.wav"), recording("Piano_R.wav")];
    let change: [fn(&mut Recording); 4] = [
        |r| r.duration_s += 0.001,
        |r| r.sample_rate_hz = 44_100,
        |r| r.channels = 2,
        |r| r.path = "elsewhere/Piano_R.wav".into(),
    ];
    for change in change {
        let mut files = pair();
        change(&mut files[1]);
        let session = import(&files, "").session;
        assert_eq!(session.tracks.len(), 2);
        assert!(session.tracks.values().all(|t| t.files.len() == 1));
    }
    assert_eq!(import(&pair(), "").session.tracks.len(), 1);
}

#[test]
fn a_sum_is_set_aside_only_beside_its_parts() {
    let session = import_names(&["Drum Bus.wav", "Kick.wav", "Snare.wav", "Rough Mix.wav"]).session;
    assert!(session.tracks["drum_bus"].mute && session.tracks["rough_mix"].mute);
    let session = import_names(&["Drum Bus.wav", "Bass.wav", "Vox.wav"]).session;
    assert!(!session.tracks["drum_bus"].mute);
    // A folder with nothing but a finished mix still sounds.
    assert!(!import_names(&["Rough Mix.wav"]).session.tracks["rough_mix"].mute);
    assert!(!import_names(&["click.wav"]).session.tracks["click"].mute);
}

#[test]
fn names_that_mean_something_are_not_given_away() {
    let session = import_names(&["drums.wav", "Kick.wav", "Snare.wav", "master.wav", "mix.wav"]).session;
    assert_eq!(session.tracks["drums"].bus.as_deref(), Some("drums_bus"));
    assert!(session.buses.contains_key("drums_bus"));
    assert!(session.tracks.keys().all(|id| !session::OUTPUT_NAMES.contains(&id.as_str())));
    session::Document::new(&session).session().unwrap();
}

#[test]
fn several_rates_become_that_of_most() {
    let mut files: Vec<Recording> = ["Kick.wav", "Snare.wav", "Vox.wav"].map(recording).into();
    files[0].sample_rate_hz = 44_100;
    assert_eq!(import(&files, "").session.song.sample_rate_hz, Some(48_000));
    // As many of each: nothing is thrown away.
    assert_eq!(import(&files[..2], "").session.song.sample_rate_hz, Some(48_000));
}

#[test]
fn no_recordings_make_an_empty_session() {
    let imported = import(&[], "");
    assert!(imported.session.tracks.is_empty() && imported.decisions.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_names_in_any_order_make_the_same_valid_session(
        names in prop::collection::btree_set("[a-zA-Z0-9 _.äß-]{1,12}", 1..8),
        turn in 0usize..8,
    ) {
        let mut files: Vec<Recording> = names.iter().map(|name| recording(&format!("{name}.wav"))).collect();
        let first = import(&files, "x");
        let files_len = files.len();
        files.rotate_left(turn % files_len);
        files.reverse();
        let second = import(&files, "x");
        prop_assert_eq!(&first.session, &second.session);
        prop_assert_eq!(&first.decisions, &second.decisions);
        let document = session::Document::new(&first.session);
        prop_assert_eq!(document.session().unwrap(), first.session.clone());
        let named: usize = first.session.tracks.values().map(|t| t.files.len()).sum();
        prop_assert_eq!(named, files.len());
    }
}

/// A recording of `duration_s` at a rate, stamped so many frames after midnight.
fn stamped(name: &str, rate_hz: u32, frames: Option<u64>, duration_s: f64) -> Recording {
    Recording { sample_rate_hz: rate_hz, time_reference_frames: frames, duration_s, ..recording(name) }
}

fn starts(imported: &Imported) -> Vec<(&str, f64)> {
    imported.session.tracks.values().map(|t| (t.id.as_str(), t.start_s)).collect()
}

const HOUR: u64 = 3_600;

#[test]
fn punch_ins_are_placed_by_their_time_stamps() {
    // A session that begins at one hour, as sessions do, and a punch-in and a doubled part at other rates.
    let recordings = [
        stamped("Bass.wav", 48_000, Some(HOUR * 48_000), 200.0),
        stamped("Lead Vox.wav", 48_000, Some(HOUR * 48_000 + 7), 200.0),
        stamped("Guitar Solo.wav", 48_000, Some(HOUR * 48_000 + 48_000 * 90 + 12_345), 20.0),
        stamped("Keys.wav", 44_100, Some(HOUR * 44_100 + 44_100 * 30 + 1), 60.0),
        stamped("Strings.wav", 96_000, Some(HOUR * 96_000 + 96_000 / 2), 199.5),
    ];
    let imported = import(&recordings, "Song");
    // Seconds that are exact at each file's own rate, to a billionth.
    let expected = [
        ("bass", 0.0),
        ("guitar_solo", 90.257187500),
        ("keys", 30.000022676),
        ("strings", 0.5),
        ("lead_vox", 0.000145833),
    ];
    assert_eq!(starts(&imported), expected);
    for (id, start) in expected {
        let rate = recordings
            .iter()
            .find(|r| super::names::id(&r.path.file_stem().unwrap().to_string_lossy()) == id);
        let rate = f64::from(rate.unwrap().sample_rate_hz);
        assert!((start * rate - (start * rate).round()).abs() < 1e-3, "{id} stands on a frame");
    }
    let told: Vec<&str> = imported
        .decisions
        .iter()
        .filter(|d| d.change.path().parts().last().map(String::as_str) == Some("start_s"))
        .map(|d| d.why.as_str())
        .collect();
    assert_eq!(told.len(), 4);
    assert!(
        told[0].contains("is 1:01:30.257, and the earliest is 1:00:00.000: it begins 90.257 s later"),
        "{}",
        told[0]
    );
    assert_eq!(
        imported.notes,
        ["Placed by time stamps: 4 of 5 tracks begin after the earliest, which is stamped 1:00:00.000."]
    );
}

#[test]
fn a_pair_is_placed_once() {
    let at = Some(48_000 * 12);
    let recordings = [
        stamped("OH L.wav", 48_000, at, 60.0),
        stamped("OH R.wav", 48_000, at, 60.0),
        stamped("Kick.wav", 48_000, Some(48_000 * 10), 60.0),
    ];
    assert_eq!(starts(&import(&recordings, "Song")), [("kick", 0.0), ("oh", 2.0)]);
}

#[test]
fn stamps_that_say_nothing_move_nothing_and_need_no_word() {
    for stamp in [None, Some(0), Some(172_800_000)] {
        let recordings = ["Kick.wav", "Bass.wav", "Vox.wav"].map(|n| stamped(n, 48_000, stamp, 60.0));
        let imported = import(&recordings, "Song");
        assert!(starts(&imported).iter().all(|s| s.1 == 0.0) && imported.notes.is_empty(), "{stamp:?}");
    }
    // One moment told at two rates.
    let recordings = [
        stamped("Kick.wav", 48_000, Some(HOUR * 48_000), 60.0),
        stamped("Bass.wav", 44_100, Some(HOUR * 44_100), 60.0),
    ];
    assert!(import(&recordings, "Song").notes.is_empty());
}

#[test]
fn stamps_that_cannot_be_right_are_told_and_left() {
    let day = 24 * HOUR * 48_000;
    let cases: [(&[(&str, Option<u64>)], &str); 5] = [
        // A bounce among recordings.
        (&[("Kick.wav", Some(48_000)), ("Bass.wav", Some(96_000)), ("Vox.wav", None)], "2 of 3 recordings"),
        // Twenty minutes between takes of a minute.
        (&[("Kick.wav", Some(0)), ("Bass.wav", Some(1_200 * 48_000))], "for 1140.0 s from 0:01:00.000"),
        // A session from zero among others from one hour.
        (&[("Kick.wav", Some(HOUR * 48_000)), ("Bass.wav", Some(0))], "for 3540.0 s"),
        (&[("Kick.wav", Some(0)), ("Bass.wav", Some(day))], "24:00:00.000 apart"),
        (&[("OH L.wav", Some(0)), ("OH R.wav", Some(480)), ("Bass.wav", Some(0))], "left and right of `OH`"),
    ];
    for (files, expected) in cases {
        let recordings: Vec<Recording> =
            files.iter().map(|(name, stamp)| stamped(name, 48_000, *stamp, 60.0)).collect();
        let imported = import(&recordings, "Song");
        assert!(starts(&imported).iter().all(|s| s.1 == 0.0), "{files:?}");
        let [note] = &imported.notes[..] else { panic!("{files:?}: {:?}", imported.notes) };
        assert!(note.starts_with("Time stamps not used: ") && note.contains(expected), "{note}");
    }
    // Absurd figures do no harm.
    let recordings =
        [stamped("Kick.wav", 8_000, Some(u64::MAX), 60.0), stamped("Bass.wav", 48_000, Some(0), 0.0)];
    assert!(starts(&import(&recordings, "Song")).iter().all(|s| s.1 == 0.0));
}

proptest! {
    // Whatever the stamps: the earliest stays at the beginning, nothing moves forward in time, and the order of the
    // files does not matter.
    #[test]
    fn placing_keeps_the_distances(offsets in prop::collection::vec(0u64..400_000, 2..6), first in 0u64..10_000_000_000) {
        let recordings: Vec<Recording> = offsets
            .iter()
            .enumerate()
            .map(|(n, offset)| stamped(&format!("Audio {n}.wav"), 48_000, Some(first + offset), 30.0))
            .collect();
        let imported = import(&recordings, "Song");
        let least = offsets.iter().min().unwrap();
        for (n, offset) in offsets.iter().enumerate() {
            let found = imported.session.tracks[&format!("audio_{n}")].start_s * 48_000.0;
            prop_assert!((found - (offset - least) as f64).abs() < 1e-3, "{} {}", found, offset);
        }
        let mut turned = recordings;
        turned.reverse();
        prop_assert_eq!(import(&turned, "Song").session, imported.session);
    }
}
