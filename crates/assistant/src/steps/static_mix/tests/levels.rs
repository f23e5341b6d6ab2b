//! How loud parts are.

use super::*;

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
    let mixed = super::mixed(&session, &facts);
    let levels = ["a", "b", "c"].map(|id| level_lu(&mixed, &facts, &[id]));
    assert!(levels.iter().all(|level| (level - levels[0]).abs() < 1.0), "{levels:?}");
}

#[test]
fn an_echo_lies_under_what_its_name_says_it_repeats() {
    let (session, facts) = song(&[
        ("kick_in", "kick_in"),
        ("bass", "bass_di"),
        ("vox", "lead_vocal"),
        ("vox_echo", "delay_return"),
        ("bv_1", "backing_vocal"),
        ("bv_2", "backing_vocal"),
    ]);
    let free = mixed(&session, &facts);
    // 9 LU, which nothing contradicts; faders are in tenths, and moves below half a decibel are not made.
    let under =
        |session: &Session| level_lu(session, &facts, &["vox"]) - level_lu(session, &facts, &["vox_echo"]);
    assert!((under(&free) - 9.0).abs() < 0.6, "{}", under(&free));
    // It follows the voice where a person has put it.
    let mut moved = free.clone();
    moved.tracks["vox"].fader_db -= 6.0;
    let yours = vec!["track.vox.fader_db".parse::<Path>().unwrap()];
    let rules = Rules { yours, ..Rules::default() };
    let followed = applied(&moved, &decide(&StaticMix, &facts, &moved, &rules));
    assert!((under(&followed) - 9.0).abs() < 0.6, "{}", under(&followed));
}

#[test]
fn an_echo_of_several_voices_lies_under_all_of_them() {
    let (session, facts) = song(&[
        ("bass", "bass_di"),
        ("gtr", "guitar_electric"),
        ("choir_low", "backing_vocal"),
        ("choir_high", "backing_vocal"),
        ("choir_echo", "delay_return"),
    ]);
    let mixed = mixed(&session, &facts);
    let under =
        level_lu(&mixed, &facts, &["choir_low", "choir_high"]) - level_lu(&mixed, &facts, &["choir_echo"]);
    assert!((under - 9.0).abs() < 0.6, "{under}");
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
fn strength_scales_how_far_parts_stand_apart() {
    let (session, facts) = song(BAND);
    let spread = |strength: f64| {
        let rules = Rules { strength, ..Rules::default() };
        let mixed = applied(&session, &decide(&StaticMix, &facts, &session, &rules));
        level_lu(&mixed, &facts, &["vox"]) - level_lu(&mixed, &facts, &["tambourine"])
    };
    assert!(spread(0.5) < spread(1.0) - 2.0, "{} {}", spread(0.5), spread(1.0));
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
    let (fill, texture) = (level(2), level(100));
    // -14 and -22 LU, each its own though both are effects; gates reach beyond the edges of a fill.
    assert!((fill - texture - 8.0).abs() < 1.5, "{fill} {texture}");
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
