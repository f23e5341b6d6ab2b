use super::*;
use proptest::prelude::*;

fn recording(name: &str) -> Recording {
    Recording {
        path: format!("audio/{name}").into(),
        sample_rate_hz: 48_000,
        channels: 1,
        duration_s: 30.0,
        depth: "24-bit integer".into(),
        notes: Vec::new(),
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
