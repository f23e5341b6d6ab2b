//! One solution, from wherever the faders stood, that leaves alone what is not to be moved.

use super::*;

#[test]
fn a_balanced_session_is_left_alone() {
    let (session, facts) = song(BAND);
    let mixed = mixed(&session, &facts);
    let again = decide(&StaticMix, &facts, &mixed, &Rules::default());
    assert!(again.is_empty(), "{again:#?}");
}

#[test]
fn a_persons_fader_stays_and_the_rest_follows_it() {
    let (mut session, facts) = song(BAND);
    let free = mixed(&session, &facts);
    session.tracks["vox"].fader_db = -9.0;
    let rules = Rules { yours: vec!["track.vox.fader_db".parse::<Path>().unwrap()], ..Rules::default() };
    let decisions = decide(&StaticMix, &facts, &session, &rules);
    assert!(!decisions.iter().any(|d| *d.change.path() == rules.yours[0]));
    let bound = applied(&session, &decisions);
    let moved: Vec<f64> =
        free.tracks.keys().map(|id| bound.tracks[id].fader_db - free.tracks[id].fader_db).collect();
    // Only ratios matter: all others move together (but for what is below half a decibel), and with the lead but
    // for what it had been raised by itself.
    let at_the_end: Vec<bool> = bound.tracks.values().map(|track| track.fader_db <= -20.0).collect();
    let others = moved.iter().enumerate().filter(|(n, _)| *n != 9 && !at_the_end[*n]).map(|(_, m)| m);
    assert!(others.clone().all(|m| (m - moved[0]).abs() < 0.8), "{moved:?}");
    assert!((moved[9] - moved[0]).abs() < 2.1, "{moved:?}");
}

#[test]
fn muted_silent_and_unheard_tracks_are_no_part_of_it() {
    let (mut session, mut facts) =
        song(&[("a", "piano"), ("b", "bass_di"), ("c", "organ"), ("d", "lead_vocal")]);
    session.tracks["a"].mute = true;
    facts.tracks.remove("c");
    let silent = facts.tracks.get_mut("d").unwrap();
    silent.raw.erb.active.fill(false);
    let decisions = StaticMix.decide(&facts, &session, &Rules::default());
    assert!(decisions.iter().all(|d| d.change.path().parts()[1] == "b"), "{decisions:?}");
    assert!(StaticMix.decide(&SongFacts::default(), &Session::new(), &Rules::default()).is_empty());
}

#[test]
fn facts_without_bands_still_balance() {
    let (session, mut facts) = song(&[("bass", "bass_di"), ("vox", "lead_vocal")]);
    for track in facts.tracks.values_mut() {
        track.raw.erb = measure::ErbFrames::default();
        track.raw.facts.active_lufs = Some(-20.0);
    }
    let mixed = mixed(&session, &facts);
    let difference = mixed.tracks["vox"].fader_db - mixed.tracks["bass"].fader_db;
    // A lead at -4.8 LU, a bass at -5.5.
    assert!((difference - 0.7).abs() < 1.0, "{difference}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The solution does not depend on where the faders stood, nor on how loud a recording was, nor on the order
    /// of the files.
    #[test]
    fn one_solution_from_everywhere(
        faders in prop::collection::vec(-12.0..12.0f64, BAND.len()),
        gains in prop::collection::vec(-3.0..3.0f64, BAND.len()),
        turn in 0..BAND.len(),
    ) {
        let (session, facts) = song(BAND);
        let expected = mixed(&session, &facts);

        let mut moved = session.clone();
        moved.tracks.values_mut().zip(&faders).for_each(|(track, db)| track.fader_db = *db);
        let found = mixed(&moved, &facts);
        for (id, track) in &expected.tracks {
            // To a tenth, as faders are written.
            prop_assert!((found.tracks[id].fader_db - track.fader_db).abs() < 0.11, "{}", id);
        }

        let sounds: Vec<(&str, &str, Sound)> = BAND
            .iter()
            .zip(&gains)
            .map(|((id, role), db)| {
                let sound = Sound::of_role(role);
                let level = sound.level_dbfs;
                (*id, *role, sound.at(level + db))
            })
            .collect();
        let (louder, its_facts) = song_of(&sounds);
        let found = mixed(&louder, &its_facts);
        for ((id, track), db) in expected.tracks.iter().zip(&gains) {
            // The overheads' own difference is made good within 6 dB.
            let compensated = found.tracks[id].fader_db + db;
            // One fader at its upper bound lowers the whole mix.
            let common = found.tracks["vox"].fader_db + gains[9] - expected.tracks["vox"].fader_db;
            prop_assert!((compensated - common - track.fader_db).abs() <= 1.3, "{} {}", id, compensated - track.fader_db);
        }

        let mut order: Vec<(&str, &str)> = BAND.to_vec();
        order.rotate_left(turn);
        let (turned, its_facts) = song(&order);
        let found = mixed(&turned, &its_facts);
        for (id, track) in &expected.tracks {
            prop_assert!((found.tracks[id].fader_db - track.fader_db).abs() <= 0.1, "{}", id);
            prop_assert_eq!(found.tracks[id].pan, track.pan, "{}", id);
        }
    }

    #[test]
    fn nothing_made_up_leaves_the_bounds(
        levels in prop::collection::vec((-70.0..0.0f64, 30.0..15_000.0f64, 1usize..3), 1..7),
        roles in prop::collection::vec(0usize..8, 7),
    ) {
        const ROLES: &[&str] =
            &["kick_in", "snare_bottom", "bass_di", "lead_vocal", "backing_vocal", "unknown", "guitar_acoustic", "overhead"];
        let ids = ["a", "b", "c", "d", "e", "f", "g"];
        let tracks: Vec<(&str, &str, Sound)> = levels
            .iter()
            .enumerate()
            .map(|(n, (level, hz, channels))| {
                (ids[n], ROLES[roles[n]], Sound { channels: *channels, ..Sound::tone(*hz).at(*level) })
            })
            .collect();
        let (session, facts) = song_of(&tracks);
        for decision in decide(&StaticMix, &facts, &session, &Rules::default()) {
            let Change::Set { path, value } = &decision.change else { panic!() };
            let number = value.as_number().unwrap();
            let bounds = if path.parts()[2] == "pan" { -100.0..=100.0 } else { -20.0..=10.0 };
            prop_assert!(bounds.contains(&number), "{} {}", path, number);
        }
    }
}

#[test]
fn faders_are_set_again_when_something_has_changed_and_only_then() {
    let (session, mut facts) = song(BAND);
    let mixed = mixed(&session, &facts);
    let rules = Rules::default();
    let settle = |mut session: Session, facts: &SongFacts| {
        let mut rounds = 0;
        loop {
            let moves = rebalance(facts, &session, &rules);
            if moves.is_empty() || rounds == 4 {
                return (session, rounds);
            }
            session = applied(&session, &moves);
            rounds += 1;
        }
    };
    let (settled, rounds) = settle(mixed, &facts);
    assert!(rounds <= 1, "{rounds}");
    // The voice was compressed, and is 3 dB louder by that.
    let vox = facts.tracks.get_mut("vox").unwrap();
    vox.strip = Some(crate::testing::analysis(&Sound::of_role("lead_vocal").at(-15.0)));
    let (again, rounds) = settle(settled.clone(), &facts);
    assert_eq!(rounds, 1, "one solution is the solution");
    let moved = |id: &str| again.tracks[id].fader_db - settled.tracks[id].fader_db;
    // The common gain is headroom's.
    assert!((moved("vox") - moved("bass") + 3.0).abs() < 0.4, "{} {}", moved("vox"), moved("bass"));
    // What a person has set stays.
    let yours = Rules { yours: vec!["track.vox.fader_db".parse::<Path>().unwrap()], ..Rules::default() };
    let moves = rebalance(&facts, &settled, &yours);
    assert!(moves.iter().all(|d| *d.change.path() != yours.yours[0]));
}

#[test]
fn a_fader_on_its_bound_says_so() {
    // 40 dB quieter than a working level: nobody staged it.
    let faint = |id, role| (id, role, Sound::of_role(role).at(-58.0));
    let (session, facts) = song_of(&[
        faint("kick", "kick"),
        ("bass", "bass_di", Sound::of_role("bass_di")),
        ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
    ]);
    let decisions = decide(&StaticMix, &facts, &session, &Rules::default());
    let of = |id: &str| {
        let path = format!("track.{id}.fader_db");
        decisions.iter().find(|d| d.change.path().to_string() == path).unwrap_or_else(|| panic!("{id}"))
    };
    let value = |decision: &session::Decision| match &decision.change {
        Change::Set { value, .. } => value.as_number().unwrap(),
        _ => panic!(),
    };
    assert_eq!(value(of("kick")), 10.0);
    assert!(of("kick").why.contains("bound"), "{}", of("kick").why);
    for id in ["bass", "vox"] {
        let on_bound = value(of(id)) <= -20.0;
        assert_eq!(of(id).why.contains("bound"), on_bound, "{}", of(id).why);
    }
}
