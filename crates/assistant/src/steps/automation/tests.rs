use super::*;
use crate::testing::{ROWS, Sound, analysis, applied, decide, song_of};
use proptest::prelude::*;
use session::{Path, Section};

/// A voice in phrases of 3 s with pauses of 1 s that moves by `moves_db`, over a steady band.
fn sung(moves_db: Vec<f64>) -> (Session, SongFacts) {
    let vox = Sound { on: 60, of: 80, moves_db, ..Sound::band(250.0, 4_000.0).at(-20.0) };
    song_of(&[("vox", "lead_vocal", vox), ("keys", "keys", Sound::band(150.0, 3_000.0).at(-22.0))])
}

fn lane(session: &Session, facts: &SongFacts) -> Option<session::Lane> {
    let decisions = decide(&Automation, facts, session, &Rules::default());
    applied(session, &decisions).tracks["vox"].lanes.first().cloned()
}

/// Every other phrase is quieter.
fn uneven(db: f64) -> Vec<f64> {
    (0..ROWS).map(|row| if row / 80 % 2 == 1 { db } else { 0.0 }).collect()
}

#[test]
fn a_steady_voice_is_not_ridden() {
    for level in [0.0, -9.0, 9.0] {
        let (session, facts) = sung(vec![level; ROWS]);
        assert!(decide(&Automation, &facts, &session, &Rules::default()).is_empty());
    }
}

#[test]
fn quiet_phrases_come_up_and_the_distance_steadies() {
    let (mut session, facts) = sung(uneven(-5.0));
    session.tracks["vox"].fader_db = -3.0;
    let lane = lane(&session, &facts).expect("a ride");
    // In the middle of the first (loud) and of the second (quiet) phrase: 5 dB apart at first, what is left is
    // the play of the fader and what the lane was simplified by.
    let (loud, quiet) = (lane.value_at(1.5), lane.value_at(5.5));
    assert!(quiet - loud > 3.0 && quiet - loud < 5.5, "{loud} {quiet}");
    assert!(lane.points.iter().all(|p| (p.value + 3.0).abs() <= 4.0 + 1e-9));
    // The variation of the distance falls by 40 % at least (the acceptance of a ride).
    let evidence = &decide(&Automation, &facts, &session, &Rules::default())[0].evidence;
    assert!(evidence[1].value < 0.6 * evidence[0].value, "{evidence:?}");
}

#[test]
fn a_ride_stays_within_bounds_and_moves_like_a_hand() {
    let (session, facts) = sung(uneven(-18.0));
    let lane = lane(&session, &facts).expect("a ride");
    assert!(lane.points.iter().all(|p| p.value.abs() <= 4.0));
    // At most one breakpoint in 250 ms.
    assert!(lane.points.windows(2).all(|p| p[1].time_s - p[0].time_s > 0.249), "{:?}", lane.points);
}

#[test]
fn ends_of_words_are_not_pulled_up() {
    // Each phrase fades by 30 dB in its last half second.
    let moves = (0..ROWS)
        .map(|row| if row % 80 >= 50 && row % 80 < 60 { -3.0 * (row % 80 - 50) as f64 } else { 0.0 });
    let (session, facts) = sung(moves.collect());
    let most =
        lane(&session, &facts).map_or(0.0, |lane| lane.points.iter().map(|p| p.value).fold(0.0, f64::max));
    assert!(most < 2.5, "{most}");
}

#[test]
fn nothing_is_ridden_against_silence_or_without_a_lead() {
    let (mut session, facts) = sung(uneven(-6.0));
    session.tracks["keys"].mute = true;
    assert!(lane(&session, &facts).is_none());
    let (mut session, facts) = sung(uneven(-6.0));
    session.tracks["vox"].role = Some("synth_pad".into());
    assert!(lane(&session, &facts).is_none());
    assert!(Automation.decide(&SongFacts::default(), &Session::new(), &Rules::default()).is_empty());
}

#[test]
fn a_persons_ride_stays() {
    let (session, facts) = sung(uneven(-6.0));
    let path: Path = "track.vox.automation.fader_db".parse().unwrap();
    let rules = Rules { yours: vec![path], ..Rules::default() };
    assert!(decide(&Automation, &facts, &session, &rules).is_empty());
}

fn with_sections(chorus_lu: f64) -> (Session, SongFacts) {
    let (mut session, mut facts) = sung(vec![0.0; ROWS]);
    let section = |name: &str, start_s: f64| Section { name: name.into(), start_s };
    session.song.sections = vec![section("Verse 1", 0.0), section("Chorus 1", 10.0), section("Outro", 20.0)];
    let mut mix = analysis(&Sound::band(50.0, 10_000.0));
    for n in 0..3_000 {
        let time_s = n as f64 / 100.0;
        let lufs = if (10.0..20.0).contains(&time_s) { -20.0 + chorus_lu } else { -20.0 };
        mix.loudness.time_s.push(time_s);
        mix.loudness.momentary_lufs.push(Some(lufs));
        mix.loudness.short_term_lufs.push(None);
    }
    facts.mix = Some(mix);
    (session, facts)
}

#[test]
fn a_chorus_that_does_not_lift_by_itself_is_lifted() {
    let (session, facts) = with_sections(0.5);
    let after = applied(&session, &decide(&Automation, &facts, &session, &Rules::default()));
    let lane = &after.premaster.strip.lanes[0];
    assert_eq!((lane.value_at(5.0), lane.value_at(25.0)), (0.0, 0.0));
    let lifted = lane.value_at(15.0);
    assert!((0.5..=1.5).contains(&lifted), "{lifted}");

    let (session, facts) = with_sections(3.0);
    assert!(decide(&Automation, &facts, &session, &Rules::default()).is_empty());
    let (mut session, facts) = with_sections(0.5);
    session.song.sections.clear();
    assert!(decide(&Automation, &facts, &session, &Rules::default()).is_empty());
}

/// A snare with a stroke every second; the one at 12 s is `hot_db` louder, as on the microphone below it.
fn snares(hot_db: f64) -> (Session, SongFacts) {
    let moves_db: Vec<f64> = (0..ROWS)
        .map(|row| match row {
            240 => hot_db,
            row if row % 20 == 0 => {
                if row % 40 == 0 {
                    0.0
                } else {
                    -2.0
                }
            }
            _ => -50.0,
        })
        .collect();
    let sound = || Sound { moves_db: moves_db.clone(), ..Sound::band(150.0, 900.0) };
    let (session, mut facts) = song_of(&[
        ("top", "snare_top", sound()),
        ("bottom", "snare_bottom", sound()),
        ("keys", "keys", sound()),
    ]);
    for track in facts.tracks.values_mut() {
        track.raw.onsets_s = (0..30).map(|n| f64::from(n) + 0.01).collect();
    }
    (session, facts)
}

#[test]
fn one_stroke_that_sticks_out_is_taken_down_and_no_other() {
    let (session, facts) = snares(8.0);
    let after = applied(&session, &decide(&Automation, &facts, &session, &Rules::default()));
    for id in ["top", "bottom"] {
        let lane = &after.tracks[id].lanes[0];
        // All but one of the eight decibels, from before the stroke until it has died away.
        assert_eq!((lane.value_at(12.0), lane.value_at(12.2)), (-7.0, -7.0), "{id}");
        for second in (0..30).filter(|second| *second != 12) {
            assert_eq!(lane.value_at(f64::from(second) + 0.1), 0.0, "{id} at {second} s");
        }
    }
    assert!(after.tracks["keys"].lanes.is_empty());
    // An accent is none.
    let (session, facts) = snares(3.5);
    assert!(decide(&Automation, &facts, &session, &Rules::default()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_voice_gives_a_lane_in_order_and_within_bounds(
        moves in prop::collection::vec(-40.0..12.0f64, 30),
        on in 1usize..60, of in 60usize..90, fader in -20.0..23.0f64,
    ) {
        let vox = Sound {
            on, of,
            moves_db: (0..ROWS).map(|row| moves[row / 20]).collect(),
            ..Sound::band(250.0, 4_000.0).at(-20.0)
        };
        let (mut session, facts) = song_of(&[("vox", "lead_vocal", vox), ("keys", "keys", Sound::band(150.0, 3_000.0))]);
        session.tracks["vox"].fader_db = fader;
        if let Some(lane) = lane(&session, &facts) {
            for point in &lane.points {
                prop_assert!((point.value - fader).abs() <= 4.1 && point.value <= 24.0);
            }
            prop_assert!(lane.points.windows(2).all(|p| p[0].time_s < p[1].time_s));
        }
    }
}

fn note(text: &str, span_s: Option<(f64, f64)>) -> session::Note {
    session::Note { text: text.into(), from_s: span_s.map(|s| s.0), to_s: span_s.map(|s| s.1) }
}

fn noted(notes: &[(&str, session::Note)]) -> (Session, SongFacts) {
    let (mut session, facts) = sung(uneven(-5.0));
    for (id, note) in notes {
        session.strip_mut(id).unwrap().notes.push(note.clone());
    }
    (session, facts)
}

#[test]
fn a_note_at_a_place_moves_the_fader_there_and_nowhere_else() {
    let (session, facts) = noted(&[("keys", note("keys too loud here", Some((10.0, 14.0))))]);
    let decisions = decide(&Automation, &facts, &session, &Rules::default());
    let after = applied(&session, &decisions);
    let lane = after.tracks["keys"].lanes.first().expect("a lane");
    assert_eq!([5.0, 10.0, 12.0, 14.0, 20.0].map(|t| lane.value_at(t)), [0.0, -3.0, -3.0, -3.0, 0.0]);
    let answer = decisions.iter().find(|d| d.why.contains("keys too loud here")).expect("a reason");
    assert!(
        answer.why.contains("0:10.0")
            && !answer.costs.is_empty()
            && answer.unless.contains("track.keys.notes")
    );
    // Decided again on what it made, it comes to the same.
    let (mut session, facts) = noted(&[("vox", note("a bit too quiet", Some((5.0, 7.0))))]);
    let mut bare = session.clone();
    bare.tracks["vox"].notes.clear();
    let ridden = lane_of(&bare, &facts);
    let with_note = lane_of(&session, &facts);
    for time_s in [1.5, 5.5, 6.5, 9.5, 13.5] {
        let by = if (5.0..7.0).contains(&time_s) { 1.5 } else { 0.0 };
        // Breakpoints are rounded to a thousandth of a decibel.
        assert!(
            (with_note.value_at(time_s) - ridden.value_at(time_s) - by).abs() < 2e-3,
            "at {time_s} s: the ride stays"
        );
    }
    session.tracks["vox"].notes = vec![note("harsh", None), note("love it", None)];
    assert!(decide(&Automation, &facts, &session, &Rules::default()).iter().any(|d| d.why.contains("harsh")));
}

fn lane_of(session: &Session, facts: &SongFacts) -> session::Lane {
    lane(session, facts).expect("a lane")
}

#[test]
fn notes_about_all_of_the_song_turn_a_setting_and_an_eq() {
    let (mut session, mut facts) =
        noted(&[("keys", note("much too muddy", None)), ("keys", note("way too quiet", None))]);
    // Seven decibels too much at 250 Hz.
    let raw = &mut facts.tracks.get_mut("keys").unwrap().raw.facts;
    crate::testing_tone::put_spectrum(raw, &|hz| if (hz - 250.0).abs() < 20.0 { 7.0 } else { 0.0 });
    session.tracks["keys"].fader_db = -6.0;
    let after = applied(&session, &decide(&Automation, &facts, &session, &Rules::default()));
    let keys = &after.tracks["keys"];
    // 1.6 times 3 dB.
    assert!((keys.fader_db + 6.0 - 4.8).abs() < 1e-9, "{}", keys.fader_db);
    let bands =
        dsp::processors::eq::Settings::from_values(&keys.insert("noted").expect("an equaliser").values).bands;
    assert_eq!((bands[0].freq_hz, bands[0].gain_db), (250.0, -3.0));
}

#[test]
fn what_cannot_be_answered_is_kept_and_told() {
    let (session, facts) = noted(&[
        ("keys", note("make it magic", Some((3.0, 4.0)))),
        ("keys", note("too dry", None)),
        ("vox", note("too loud", None)),
    ]);
    let left = unanswered(&session, &Rules::default());
    let told: Vec<(&str, &str)> =
        left.iter().map(|(id, note, _)| (id.as_str(), note.text.as_str())).collect();
    assert_eq!(told, [("keys", "make it magic"), ("keys", "too dry")]);
    assert!(left[1].2.contains("reverb"), "{left:?}");
    let found = crate::findings(&facts, &session);
    assert!(found.iter().any(|f| f.what.contains("make it magic") && f.value == 3.0), "{found:?}");
    // A fader that somebody has set is theirs.
    let yours = Rules { yours: vec!["track.vox.fader_db".parse::<Path>().unwrap()], ..Rules::default() };
    assert!(unanswered(&session, &yours).iter().any(|(id, ..)| id == "vox"));
}
