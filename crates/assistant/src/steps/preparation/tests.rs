use super::*;
use crate::testing::{Sound, applied, decide, song, song_of};
use proptest::prelude::*;
use session::Path;

fn prepared(session: &Session, facts: &SongFacts) -> Session {
    applied(session, &decide(&Preparation, facts, session, &Rules::default()))
}

fn two_snares(relation: Relation) -> (Session, SongFacts) {
    let (session, mut facts) =
        song(&[("top", "snare_top"), ("bottom", "snare_bottom"), ("room", "drum_room")]);
    facts.relations = vec![relation];
    (session, facts)
}

fn relation() -> Relation {
    Relation {
        track: "bottom".into(),
        reference: "top".into(),
        lag_frames: 24.3,
        inverted: true,
        confidence: 0.9,
        gain_db: 4.0,
    }
}

#[test]
fn a_clean_session_is_left_alone() {
    let (session, facts) =
        song(&[("kick", "kick_in"), ("bass", "bass_di"), ("vox", "lead_vocal"), ("what", "unknown")]);
    assert!(decide(&Preparation, &facts, &session, &Rules::default()).is_empty());
}

#[test]
fn offset_and_rumble_are_filtered_below_hearing() {
    let (session, mut facts) =
        song(&[("bass", "bass_di"), ("vox", "lead_vocal"), ("gtr", "guitar_electric")]);
    facts.tracks.get_mut("bass").unwrap().raw.facts.dc_offset = -0.02;
    facts.tracks.get_mut("vox").unwrap().raw.facts.below_25_hz_db = Some(-20.5);
    let after = prepared(&session, &facts);
    let band = |id: &str| {
        let insert = after.tracks[id].insert("clean").expect("a filter");
        eq::Settings::from_values(&insert.values).bands[0].clone()
    };
    assert_eq!((band("bass").freq_hz, band("bass").slope_db_per_oct), (15.0, 24.0));
    assert_eq!((band("vox").freq_hz, band("vox").r#type), (20.0, eq::Shape::HighPass));
    assert!(after.tracks["gtr"].inserts.is_empty());
    // A second look finds nothing more to do.
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty());
}

#[test]
fn what_is_meant_to_be_low_is_not_rumble() {
    let (session, mut facts) = song(&[("sub", "bass_808"), ("kick", "kick_in"), ("vox", "lead_vocal")]);
    for track in facts.tracks.values_mut() {
        track.raw.facts.below_25_hz_db = Some(-25.0);
    }
    let after = prepared(&session, &facts);
    let filtered: Vec<&str> =
        after.tracks.values().filter(|t| !t.inserts.is_empty()).map(|t| t.id.as_str()).collect();
    assert_eq!(filtered, ["vox"]);
}

#[test]
fn all_microphones_of_a_drum_get_the_same_filter() {
    let (session, mut facts) = song(&[("in", "kick_in"), ("out", "kick_out"), ("oh", "overhead")]);
    facts.tracks.get_mut("out").unwrap().raw.facts.dc_offset = 0.01;
    let after = prepared(&session, &facts);
    assert_eq!(after.tracks["in"].inserts[0].values, after.tracks["out"].inserts[0].values);
    assert!(after.tracks["oh"].inserts.is_empty());
}

#[test]
fn the_filter_stands_first_in_a_chain_that_is_there() {
    let (mut session, mut facts) = song(&[("vox", "lead_vocal")]);
    session.tracks["vox"].inserts.push(session::Insert::new("gain", &gain::KIND));
    facts.tracks.get_mut("vox").unwrap().raw.facts.dc_offset = 0.01;
    let after = prepared(&session, &facts);
    let chain: Vec<&str> = after.tracks["vox"].inserts.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(chain, ["clean", "gain"]);
}

#[test]
fn polarity_and_delay_are_mended_when_they_are_sure_and_worth_it() {
    let (session, facts) = two_snares(relation());
    let after = prepared(&session, &facts);
    assert!(after.tracks["bottom"].invert && !after.tracks["top"].invert);
    // It comes later, so it is moved earlier.
    assert_eq!(after.tracks["bottom"].delay_frames, -24.3);
    assert!(decide(&Preparation, &facts, &after, &Rules::default()).is_empty());
}

#[test]
fn nothing_is_moved_on_doubt() {
    let doubts: [fn(&mut Relation); 6] = [
        |r| r.confidence = 0.5,
        |r| r.gain_db = 0.4,
        // More than 30 ms: not one source.
        |r| r.lag_frames = 1_500.0,
        |r| r.lag_frames = f64::NAN,
        |r| r.track = "room".into(),
        |r| r.reference = "gone".into(),
    ];
    for doubt in doubts {
        let mut doubtful = relation();
        doubt(&mut doubtful);
        let (session, facts) = two_snares(doubtful.clone());
        assert!(decide(&Preparation, &facts, &session, &Rules::default()).is_empty(), "{doubtful:?}");
    }
}

#[test]
fn a_turned_channel_is_turned_back() {
    let (session, mut facts) = song_of(&[
        ("keys", "keys", Sound::of_role("keys").stereo()),
        ("pad", "synth_pad", Sound::of_role("synth_pad").stereo()),
    ]);
    let keys = &mut facts.tracks.get_mut("keys").unwrap().raw.facts;
    (keys.correlation, keys.mono_loss_db) = (Some(-0.97), Some(18.0));
    let after = prepared(&session, &facts);
    let insert = after.tracks["keys"].insert("polarity").unwrap();
    assert!(gain::Settings::from_values(&insert.values).invert_right);
    assert!(after.tracks["pad"].inserts.is_empty());
}

#[test]
fn silence_is_set_aside() {
    let (session, mut facts) = song(&[("vox", "lead_vocal"), ("empty", "keys")]);
    facts.tracks.get_mut("empty").unwrap().raw.facts.active_rms_dbfs = None;
    let after = prepared(&session, &facts);
    assert!(after.tracks["empty"].mute && !after.tracks["vox"].mute);
}

#[test]
fn only_what_is_plain_gets_a_role_from_its_sound() {
    let (session, mut facts) = song(&[("low", "unknown"), ("beat", "unknown"), ("what", "unknown")]);
    let mut change =
        |id: &str, change: &dyn Fn(&mut Facts)| change(&mut facts.tracks.get_mut(id).unwrap().raw.facts);
    change("low", &|f| {
        (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(45.0), Some(380.0));
        (f.pitched_share, f.pitch_median_hz) = (Some(0.8), Some(82.0));
    });
    change("beat", &|f| {
        (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(50.0), Some(9_000.0));
        (f.onsets_per_s, f.active_crest_db, f.pitched_share) = (Some(4.3), Some(17.0), Some(0.05));
    });
    change("what", &|f| {
        (f.energy_1_percent_hz, f.energy_99_percent_hz) = (Some(200.0), Some(5_000.0));
        (f.onsets_per_s, f.active_crest_db, f.pitched_share) = (Some(1.0), Some(12.0), Some(0.6));
    });
    let decisions = decide(&Preparation, &facts, &session, &Rules::default());
    assert!(decisions.iter().all(|d| d.confidence < 0.7));
    let after = applied(&session, &decisions);
    let role = |id: &str| after.tracks[id].role.as_deref();
    assert_eq!((role("low"), role("beat"), role("what")), (Some("bass_electric"), Some("drum_kit"), None));
}

#[test]
fn what_a_person_has_set_is_not_decided() {
    let (session, facts) = two_snares(relation());
    let rules = Rules { yours: vec!["track.bottom.invert".parse::<Path>().unwrap()], ..Rules::default() };
    let decisions = decide(&Preparation, &facts, &session, &rules);
    let paths: Vec<String> = decisions.iter().map(|d| d.change.path().to_string()).collect();
    assert_eq!(paths, ["track.bottom.delay_frames"]);
}

fn pairs(tracks: &[(&str, &str)]) -> Vec<(String, String)> {
    microphone_groups(&song(tracks).0)
}

fn pair(track: &str, reference: &str) -> (String, String) {
    (track.into(), reference.into())
}

#[test]
fn microphones_of_one_source_are_compared_with_the_nearest() {
    let found = pairs(&[
        ("kick_out", "kick_out"),
        ("kick_in", "kick_in"),
        ("snare_bottom", "snare_bottom"),
        ("snare_top", "snare_top"),
        ("oh_l", "overhead_left"),
        ("oh_r", "overhead_right"),
        ("room", "drum_room"),
        ("bass_amp", "bass_amp"),
        ("bass_di", "bass_di"),
        ("gtr_57", "guitar_electric"),
        ("gtr_421", "guitar_electric"),
        ("vox", "lead_vocal"),
        ("bv_1", "backing_vocal"),
        ("bv_2", "backing_vocal"),
    ]);
    assert_eq!(
        found,
        [
            pair("kick_out", "kick_in"),
            pair("snare_bottom", "snare_top"),
            pair("bass_amp", "bass_di"),
            pair("gtr_421", "gtr_57"),
        ]
    );
}

#[test]
fn alike_names_are_compared_and_others_are_not() {
    assert_eq!(
        pairs(&[("guitar_mic1", "guitar_electric"), ("guitar_mic2", "guitar_electric")]),
        [pair("guitar_mic2", "guitar_mic1")]
    );
    assert_eq!(
        pairs(&[("egtr_l", "guitar_electric"), ("egtr_r", "guitar_electric")]),
        [pair("egtr_r", "egtr_l")]
    );
    assert!(pairs(&[("rhythm", "guitar_rhythm"), ("solo", "guitar_lead")]).is_empty());
}

proptest! {
    #[test]
    fn any_relation_gives_a_session_that_can_be_read(
        lag in -1e6..1e6f64, inverted: bool, confidence in -1.0..2.0f64, gain in -50.0..50.0f64,
        offset in -1.0..1.0f64, below in -100.0..0.0f64,
    ) {
        let relation = Relation { lag_frames: lag, inverted, confidence, gain_db: gain, ..relation() };
        let (session, mut facts) = two_snares(relation);
        for track in facts.tracks.values_mut() {
            (track.raw.facts.dc_offset, track.raw.facts.below_25_hz_db) = (offset, Some(below));
        }
        let after = prepared(&session, &facts);
        let delay_ms = after.tracks["bottom"].delay_frames.abs() / 48.0;
        prop_assert!(delay_ms <= 30.0);
        prop_assert!(!after.tracks["bottom"].invert || (inverted && gain >= 0.5 && confidence >= 0.6));
    }
}
