use super::*;
use crate::parts::part_of;
use crate::power::{Rows, busiest_third, lufs};
use crate::testing::{Sound, applied, decide, song, song_of};
use audio::db_to_power;
use proptest::prelude::*;
use session::{Change, Path, Session};

pub(super) const BAND: &[(&str, &str)] = &[
    ("kick_in", "kick_in"),
    ("snare_top", "snare_top"),
    ("hat", "hihat"),
    ("oh_l", "overhead_left"),
    ("oh_r", "overhead_right"),
    ("bass", "bass_di"),
    ("gtr_l", "guitar_electric"),
    ("gtr_r", "guitar_electric"),
    ("keys", "keys"),
    ("vox", "lead_vocal"),
    ("bv_1", "backing_vocal"),
    ("bv_2", "backing_vocal"),
    ("tambourine", "tambourine"),
];

pub(super) fn mixed(session: &Session, facts: &SongFacts) -> Session {
    applied(session, &decide(&StaticMix, facts, session, &Rules::default()))
}

/// Loudness of tracks while they play against the whole mix in its busiest third, in LU: the balance computed
/// once more, from rows and not from the solver's tables.
pub(super) fn level_lu(session: &Session, facts: &SongFacts, ids: &[&str]) -> f64 {
    let rows = |id: &str| {
        let mut rows = Rows::of(facts.tracks[id].now());
        let gain = db_to_power(session.tracks[id].fader_db);
        rows.power.iter_mut().for_each(|p| *p *= gain);
        rows
    };
    let all: Vec<Rows> = session.tracks.keys().map(|id| rows(id)).collect();
    let busy = busiest_third(&all);
    let mix: f64 = all.iter().map(|rows| rows.mean(&busy)).sum();
    let own: Vec<Rows> = ids.iter().map(|id| rows(id)).collect();
    // Blocks of 400 ms; what plays in these songs does so evenly, so that none of them falls below the gate.
    let near = |row: usize, rows: &Rows| (row.saturating_sub(4)..row + 5).any(|near| rows.is_active(near));
    let plays: Vec<usize> = (0..600).filter(|row| own.iter().any(|rows| near(*row, rows))).collect();
    lufs(own.iter().map(|rows| rows.mean(&plays)).sum()) - lufs(mix)
}

#[test]
fn parts_stand_where_they_usually_do() {
    let (session, facts) = song(BAND);
    let mixed = mixed(&session, &facts);
    for (ids, role) in [
        (&["vox"][..], "lead_vocal"),
        (&["kick_in"], "kick_in"),
        (&["snare_top"], "snare_top"),
        (&["bass"], "bass_di"),
        (&["gtr_l", "gtr_r"], "guitar_electric"),
        (&["keys"], "keys"),
        (&["bv_1", "bv_2"], "backing_vocal"),
        (&["tambourine"], "tambourine"),
    ] {
        let part = part_of(role);
        let level = level_lu(&mixed, &facts, ids);
        // Not all expectations can be met at once (powers add up to the mix): each within its spread.
        assert!((level - part.level_lu).abs() < part.spread_lu, "{role}: {level:.1} for {}", part.level_lu);
    }
    assert!(mixed.tracks.values().all(|t| (-20.0..=10.0).contains(&t.fader_db)));
    // Two players of one part are equally loud.
    assert!((mixed.tracks["gtr_l"].fader_db - mixed.tracks["gtr_r"].fader_db).abs() < 0.2);
}

#[test]
fn a_track_that_is_too_loud_by_itself_is_turned_down_by_as_much() {
    let tracks = |pad_dbfs: f64| {
        song_of(&[
            ("bass", "bass_di", Sound::of_role("bass_di")),
            ("pad", "synth_pad", Sound::of_role("synth_pad").at(pad_dbfs)),
            ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
        ])
    };
    let fader = |pad_dbfs: f64| {
        let (session, facts) = tracks(pad_dbfs);
        mixed(&session, &facts).tracks["pad"].fader_db
    };
    // Rounded to tenths twice.
    assert!((fader(-22.0) - fader(-15.0) - 7.0).abs() < 0.25, "{} {}", fader(-22.0), fader(-15.0));
}

#[test]
fn what_nobody_knows_is_as_loud_as_the_others() {
    let (session, facts) = song(&[
        ("kick_in", "kick_in"),
        ("bass", "bass_di"),
        ("gtr", "guitar_electric"),
        ("audio_1", "unknown"),
        ("audio_2", "unknown"),
        ("audio_3", "unknown"),
        ("vox", "lead_vocal"),
    ]);
    // With an equaliser of its own the guitar is not cut for the lead: faders make good what cuts take.
    let rules = Rules { yours: vec!["track.gtr.insert.eq".parse::<Path>().unwrap()], ..Rules::default() };
    let mixed = applied(&session, &decide(&StaticMix, &facts, &session, &rules));
    let guitar = level_lu(&mixed, &facts, &["gtr"]);
    for id in ["audio_1", "audio_2", "audio_3"] {
        let level = level_lu(&mixed, &facts, &[id]);
        // 2 LU below an ordinary part is where a listener begins to miss it.
        assert!((level - guitar).abs() < 2.0, "{id} {level:.1}, guitar {guitar:.1}");
    }
    // With nothing known at all, all are equally loud.
    let (session, facts) = song(&[("a", "unknown"), ("b", "unknown"), ("c", "unknown")]);
    let mixed = super::tests::mixed(&session, &facts);
    let levels = ["a", "b", "c"].map(|id| level_lu(&mixed, &facts, &[id]));
    assert!(levels.iter().all(|level| (level - levels[0]).abs() < 1.0), "{levels:?}");
}

#[test]
fn names_say_who_is_tucked_under_and_what_an_echo_repeats() {
    let (session, facts) = song(&[
        ("kick_in", "kick_in"),
        ("bass", "bass_di"),
        ("vox", "lead_vocal"),
        ("vox_echo", "delay_return"),
        ("bv_high", "backing_vocal"),
        ("bv_low", "backing_vocal"),
    ]);
    let mixed = mixed(&session, &facts);
    let level = |id: &str| level_lu(&mixed, &facts, &[id]);
    // 2 LU apart within the spread of players of one part, which the sum of both shares; faders are in tenths.
    let apart = level("bv_low") - level("bv_high");
    assert!((apart - 2.0).abs() < 0.3, "{apart}");
    // An effect that sounds all through lies at -18 LU within 4, an echo 6 LU under its voice within 2: the weighted
    // mean lies 7.4 LU under it. Half an LU each for what is masked and for the others' asks.
    let under = level("vox") - level("vox_echo");
    assert!((under - 7.4).abs() < 1.5, "{under}");
}

#[test]
fn microphones_of_one_drum_are_one_instrument() {
    let (session, facts) = song_of(&[
        ("kick_in", "kick_in", Sound::of_role("kick")),
        ("kick_out", "kick_out", Sound::of_role("kick").at(-38.0)),
        ("bass", "bass_di", Sound::of_role("bass_di")),
        ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
    ]);
    let mixed = mixed(&session, &facts);
    let level = level_lu(&mixed, &facts, &["kick_in", "kick_out"]) - level_lu(&mixed, &facts, &["bass"]);
    // A kick at -9.5 LU, a bass at -5.5: against each other, since so few parts stand nearer to their sum.
    assert!((level + 4.0).abs() < 1.0, "{level:.1}");
    // Recorded 12 dB apart, usually 3 dB: brought nearer, but by no more than 6 dB.
    let moved = mixed.tracks["kick_out"].fader_db - mixed.tracks["kick_in"].fader_db;
    // What is left is a move below half a decibel that is not made.
    assert!((moved - 6.0).abs() < 0.65, "{moved}");
}

#[test]
fn a_balanced_session_is_left_alone() {
    let (session, facts) = song(BAND);
    let mixed = mixed(&session, &facts);
    let again = decide(&StaticMix, &facts, &mixed, &Rules::default());
    assert!(again.is_empty(), "{again:#?}");
}

#[test]
fn a_hidden_lead_is_raised_and_told() {
    let vox = Sound { on: 1, of: 1, ..Sound::band(300.0, 3_000.0) };
    let wall = Sound::band(300.0, 3_000.0);
    // Nobody knows these, so that they are no part of a sum that would be held down together.
    let unknown: Vec<String> = (0..3).map(|n| format!("audio_{n}")).collect();
    let unknown = unknown.iter().map(|id| (id.as_str(), "unknown", wall.clone()));
    let known = [
        ("vox", "lead_vocal", vox),
        ("a", "guitar_electric", wall.clone()),
        ("b", "keys", wall.clone()),
        ("c", "synth", wall.clone()),
        ("d", "organ", wall.clone()),
        ("e", "violin", wall.clone()),
    ];
    let (mut session, facts) = song_of(&known.into_iter().chain(unknown).collect::<Vec<_>>());
    session.tracks["vox"].fader_db = -6.0;
    // Gently mixed, the lead stands out less.
    let rules = Rules { strength: 0.5, ..Rules::default() };
    let decisions = decide(&StaticMix, &facts, &session, &rules);
    let vox = Path::new(["track", "vox", "fader_db"]);
    let lead = decisions.iter().find(|d| *d.change.path() == vox).expect("the lead moves");
    let hidden = lead.evidence.iter().find(|e| e.unit == "%").map(|e| e.value);
    assert!(hidden.is_some_and(|share| share < 100.0) && lead.why.contains("hid"), "{lead:?}");
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

#[test]
fn the_genre_moves_the_lead() {
    let lead = |genre: &str| {
        let (mut session, facts) = song(BAND);
        session.song.genre = Some(genre.into());
        level_lu(&mixed(&session, &facts), &facts, &["vox"])
    };
    assert!(
        lead("Country") > lead("Rock") && lead("Rock") > lead("Metal"),
        "{} {}",
        lead("Country"),
        lead("Metal")
    );
}

#[test]
fn low_and_leading_parts_stand_in_the_centre_and_pairs_opposite() {
    let (session, facts) = song(BAND);
    let mixed = mixed(&session, &facts);
    let pan = |id: &str| mixed.tracks[id].pan;
    for id in ["kick_in", "snare_top", "bass", "vox"] {
        assert_eq!(pan(id), 0.0, "{id}");
    }
    assert_eq!((pan("oh_l"), pan("oh_r")), (-100.0, 100.0));
    assert_eq!(pan("gtr_l"), -pan("gtr_r"));
    assert!(pan("gtr_r") >= 60.0, "{}", pan("gtr_r"));
    assert_eq!(pan("bv_1"), -pan("bv_2"));
    assert!(pan("bv_2") >= 30.0);
    assert!(pan("hat").abs() >= 20.0 && pan("keys") != 0.0);
}

#[test]
fn both_loudspeakers_are_equally_loud() {
    for extra in [&[][..], &[("organ", "organ"), ("shaker", "shaker"), ("strings", "violin")]] {
        let tracks: Vec<(&str, &str)> = BAND.iter().chain(extra).copied().collect();
        let (session, facts) = song(&tracks);
        let mixed = mixed(&session, &facts);
        let (mut left, mut right) = (0.0, 0.0);
        for (id, track) in &mixed.tracks {
            let rows = Rows::of(facts.tracks[id].now());
            let power: f64 = rows.power.iter().sum::<f64>() * db_to_power(track.fader_db);
            let (l, r) = dsp::blocks::pan::mono(track.pan);
            left += power * l * l;
            right += power * r * r;
        }
        let lean = lufs(right) - lufs(left);
        assert!(lean.abs() < 0.5, "{lean}");
    }
}

#[test]
fn stereo_tracks_keep_their_image_and_low_sounds_their_place() {
    let (session, facts) = song_of(&[
        ("piano", "piano", Sound::of_role("piano").stereo()),
        ("drone", "synth", Sound::band(40.0, 120.0)),
        ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
    ]);
    let mixed = mixed(&session, &facts);
    assert!(mixed.tracks.values().all(|track| track.pan == 0.0));
}

#[test]
fn the_hi_hat_stands_where_the_overheads_hear_it() {
    for (louder, sign) in [("oh_l", -1.0), ("oh_r", 1.0)] {
        let (session, mut facts) = song(BAND);
        // Where the hi-hat plays, its bands are 6 dB louder in one overhead.
        let hat = facts.tracks["hat"].raw.erb.clone();
        let overhead = &mut facts.tracks.get_mut(louder).unwrap().raw.erb;
        let bands = measure::ERB_BANDS;
        for n in (0..overhead.power.len()).filter(|n| hat.active[n / bands] && hat.power[*n] > 0.0) {
            overhead.power[n] *= 4.0;
        }
        let mixed = mixed(&session, &facts);
        assert!(mixed.tracks["hat"].pan * sign >= 20.0, "{louder}: {}", mixed.tracks["hat"].pan);
    }
}

#[test]
fn a_persons_pan_stays() {
    let (mut session, facts) = song(BAND);
    session.tracks["vox"].pan = 20.0;
    let rules = Rules { yours: vec!["track.vox.pan".parse::<Path>().unwrap()], ..Rules::default() };
    let decisions = decide(&StaticMix, &facts, &session, &rules);
    assert!(!decisions.iter().any(|d| *d.change.path() == rules.yours[0]));
}

#[test]
fn strength_scales_how_far_parts_stand_apart() {
    let (session, facts) = song(BAND);
    let spread = |strength: f64| {
        let rules = Rules { strength, ..Rules::default() };
        let mixed = applied(&session, &decide(&StaticMix, &facts, &session, &rules));
        level_lu(&mixed, &facts, &["vox"]) - level_lu(&mixed, &facts, &["tambourine"])
    };
    assert!(spread(0.5) < spread(1.0) - 2.0, "{} {}", spread(0.5), spread(1.0));
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
fn few_parts_keep_the_same_distances_as_many() {
    // What drums are to each other does not depend on whether a band plays with them.
    let drums = &BAND[..5];
    let distance = |tracks: &[(&str, &str)]| {
        let (session, facts) = song(tracks);
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["snare_top"]) - level_lu(&mixed, &facts, &["oh_l", "oh_r"])
    };
    let (alone, together) = (distance(drums), distance(BAND));
    assert!((alone - together).abs() < 0.7, "{alone} {together}");
}

#[test]
fn a_kit_is_seen_from_one_side() {
    let (mut session, mut facts) = song(&[
        ("hat", "hihat"),
        ("tom_1", "tom_rack"),
        ("tom_2", "tom_floor"),
        ("oh_l", "overhead_left"),
        ("oh_r", "overhead_right"),
    ]);
    let pans = |session: &Session, facts: &SongFacts| {
        let mixed = mixed(session, facts);
        ["hat", "tom_1", "tom_2"].map(|id| mixed.tracks[id].pan)
    };
    assert_eq!(pans(&session, &facts), [30.0, 25.0, -40.0]);
    // The hi-hat is heard on the left: the whole kit turns.
    let hat = facts.tracks["hat"].raw.erb.clone();
    let overhead = &mut facts.tracks.get_mut("oh_l").unwrap().raw.erb;
    for n in (0..overhead.power.len()).filter(|n| hat.active[n / measure::ERB_BANDS] && hat.power[*n] > 0.0) {
        overhead.power[n] *= 4.0;
    }
    assert_eq!(pans(&session, &facts), [-30.0, -25.0, 40.0]);
    session.tracks["tom_2"].pan = 10.0;
    let rules = Rules { yours: vec![Path::new(["track", "tom_2", "pan"])], ..Rules::default() };
    let decisions = decide(&StaticMix, &facts, &session, &rules);
    assert!(decisions.iter().all(|d| *d.change.path() != rules.yours[0]));
}

#[test]
fn backing_voices_without_a_lead_are_the_lead() {
    let expected = |lead_plays: bool| {
        let (session, mut facts) = song(&[
            ("bass", "bass_di"),
            ("gtr", "guitar_electric"),
            ("bv", "backing_vocal"),
            ("vox", "lead_vocal"),
        ]);
        if !lead_plays {
            let lead = facts.tracks.get_mut("vox").unwrap();
            // One call in half a minute.
            lead.raw.erb.active[20..].fill(false);
        }
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["bv"]) - level_lu(&mixed, &facts, &["gtr"])
    };
    assert!(expected(false) > expected(true) + 3.0, "{} {}", expected(false), expected(true));
}

#[test]
fn a_loop_beside_a_kit_is_not_the_whole_kit() {
    let loop_lu = |tracks: &[(&str, &str)]| {
        let (session, facts) = song(tracks);
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["loop"]) - level_lu(&mixed, &facts, &["bass"])
    };
    let alone = loop_lu(&[("loop", "drum_loop"), ("bass", "bass_di"), ("vox", "lead_vocal")]);
    let kick = [("loop", "drum_loop"), ("kick", "kick"), ("bass", "bass_di"), ("vox", "lead_vocal")];
    let kit: Vec<(&str, &str)> = kick.into_iter().chain([("snare", "snare")]).collect();
    let (rest, beside) = (loop_lu(&kick), loop_lu(&kit));
    // Drums at -5, bass at -5.5 LU; the rest of a kit 1.5 LU lower, a colour beside a whole one 4.
    assert!((alone - 0.5).abs() < 1.0 && beside < alone - 2.0, "{alone} {beside}");
    assert!(beside + 1.0 < rest && rest < alone, "{alone} {rest} {beside}");
}

#[test]
fn an_effect_that_runs_all_through_lies_under_one_that_is_a_fill() {
    let level = |on: usize| {
        let effect = Sound { on, of: 100, ..Sound::band(500.0, 6_000.0) };
        let (session, facts) = song_of(&[
            ("bass", "bass_di", Sound::of_role("bass_di")),
            ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
            ("gtr", "guitar_electric", Sound::of_role("guitar_electric")),
            ("fx", "sound_effect", effect),
            ("other", "sound_effect", Sound::band(500.0, 6_000.0)),
        ]);
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["fx"]) - level_lu(&mixed, &facts, &["gtr"])
    };
    let (fill, texture) = (level(6), level(100));
    // -12 and -18 LU, each its own though both are effects; gates reach beyond the edges of a fill.
    assert!((fill - texture - 6.0).abs() < 1.5, "{fill} {texture}");
}

#[test]
fn the_only_instrument_carries_the_harmony() {
    let level = |tracks: &[(&str, &str)]| {
        let (session, facts) = song(tracks);
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["synth"]) - level_lu(&mixed, &facts, &["bass"])
    };
    let base = [("kick", "kick"), ("bass", "bass_di"), ("vox", "lead_vocal"), ("synth", "synth")];
    let many: Vec<(&str, &str)> =
        base.into_iter().chain([("gtr", "guitar_electric"), ("keys", "keys"), ("str", "violin")]).collect();
    let (alone, among) = (level(&base), level(&many));
    // -8.5 +- 3 LU by itself, and -5 +- 2.5 LU for all that carries the harmony.
    assert!(alone > among + 1.0, "{alone} {among}");
}

#[test]
fn a_single_stands_near_the_middle_where_nothing_stands_opposite() {
    let voice = |stereo: bool| {
        let sound = Sound::of_role("backing_vocal");
        if stereo { sound.stereo() } else { sound }
    };
    let pans = |others_stereo: bool| {
        let (session, facts) = song_of(&[
            ("kick", "kick", Sound::of_role("kick")),
            ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
            ("bv_a", "backing_vocal", voice(others_stereo)),
            ("bv_b", "backing_vocal", voice(false)),
        ]);
        let mixed = mixed(&session, &facts);
        [mixed.tracks["bv_a"].pan, mixed.tracks["bv_b"].pan]
    };
    let [left, right] = pans(false);
    assert!(left == -right && right >= 30.0, "{left} {right}");
    assert_eq!(pans(true), [0.0, 0.0]);
    let (session, facts) =
        song(&[("kick", "kick"), ("vox", "lead_vocal"), ("keys", "keys"), ("hat", "hihat")]);
    let with_hat = mixed(&session, &facts);
    assert_eq!(with_hat.tracks["hat"].pan, 0.0, "neither overheads nor toms, no picture");
    let (session, facts) = song(&[("kick", "kick"), ("vox", "lead_vocal"), ("keys", "keys")]);
    let pan = mixed(&session, &facts).tracks["keys"].pan.abs();
    assert!(pan <= 20.0, "{pan}");
}

#[test]
fn two_microphones_of_one_source_are_one_source() {
    let tracks = |count: usize| {
        let all = [("synth", "synth"), ("synth_far", "synth"), ("bass", "bass_di"), ("vox", "lead_vocal")];
        song(&[&all[..count.min(1)], &all[2..], &all[1..count]].concat())
    };
    let level = |session: &Session, facts: &SongFacts, ids: &[&str]| {
        let mixed = mixed(session, facts);
        level_lu(&mixed, facts, ids) - level_lu(&mixed, facts, &["bass"])
    };
    let (session, facts) = tracks(1);
    let alone = level(&session, &facts, &["synth"]);
    let (session, mut facts) = tracks(2);
    let relation = |correlation: f64| crate::Relation {
        track: "synth_far".into(),
        reference: "synth".into(),
        lag_frames: 60.0,
        inverted: true,
        confidence: 0.9,
        correlation,
        gain_db: 4.0,
    };
    facts.relations = vec![relation(1.0)];
    let together = level(&session, &facts, &["synth", "synth_far"]);
    // What is fully in common adds as amplitude, 3 dB more than its powers: staged so much lower. Faders are rounded.
    assert!((together - (alone - 3.01)).abs() < 0.3, "{together} {alone}");
    // Nor is one of them moved against the other.
    let mixed = mixed(&session, &facts);
    assert!((mixed.tracks["synth"].fader_db - mixed.tracks["synth_far"].fader_db).abs() < 0.11);
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
fn narrow_recordings_of_wide_things_are_widened() {
    let width = |role: &str, side_mid_db: f64| {
        let (session, mut facts) = song_of(&[("it", role, Sound::of_role(role).stereo()), BASS]);
        facts.tracks.get_mut("it").unwrap().raw.facts.side_mid_db = Some(side_mid_db);
        let mixed = mixed(&session, &facts);
        let insert = mixed.tracks["it"].insert("wide").cloned();
        insert.map(|i| dsp::processors::width::Settings::from_values(&i.values).width_percent)
    };
    const BASS: (&str, &str, Sound) = (
        "bass",
        "bass_di",
        Sound {
            level_dbfs: -18.0,
            low_hz: 45.0,
            high_hz: 400.0,
            channels: 1,
            crest_db: 11.0,
            on: 1,
            of: 1,
            balance_db: 0.0,
            moves_db: Vec::new(),
        },
    );
    // 14 dB under the middle where 8 are usual: twice the side is 6 dB.
    assert_eq!(width("synth_pad", -14.0), Some(200.0));
    assert_eq!(width("synth_pad", -24.0), Some(200.0), "no farther than the width goes");
    for (role, side_mid_db) in
        [("synth_pad", -7.0), ("synth_pad", -45.0), ("lead_vocal", -20.0), ("bass_di", -20.0)]
    {
        assert_eq!(width(role, side_mid_db), None, "{role} {side_mid_db}");
    }
}
