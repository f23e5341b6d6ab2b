//! Where parts stand, and how wide they are.

use super::*;

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

/// The band with its keys on two channels, the side so far under the middle.
fn keys_on_two_channels(side_mid_db: f64) -> (Session, SongFacts) {
    let sounds = BAND.iter().map(|(id, role)| {
        let sound = Sound::of_role(role);
        (*id, *role, if *id == "keys" { sound.stereo() } else { sound })
    });
    let (session, mut facts) = song_of(&sounds.collect::<Vec<_>>());
    facts.tracks.get_mut("keys").unwrap().raw.facts.side_mid_db = Some(side_mid_db);
    (session, facts)
}

#[test]
fn one_sound_on_two_channels_is_placed_as_a_point_and_a_picture_is_not() {
    let place = |(session, facts): (Session, SongFacts)| mixed(&session, &facts).tracks["keys"].pan;
    let mono = place(song(BAND));
    let doubled = place(keys_on_two_channels(-60.0));
    assert!(mono != 0.0 && doubled != 0.0, "{mono} {doubled}");
    // 30 dB under the middle is a narrow picture, and more than a coder leaves.
    assert_eq!(place(keys_on_two_channels(-30.0)), 0.0);

    // Both loudspeakers are even by the law of stereo files: the far channel falls as sqrt(2) cos, the near one stays.
    let (session, facts) = keys_on_two_channels(-60.0);
    let mixed = mixed(&session, &facts);
    let (mut left, mut right) = (0.0, 0.0);
    for (id, track) in &mixed.tracks {
        let power: f64 = Rows::of(facts.tracks[id].now()).power.iter().sum::<f64>();
        let power = power * db_to_power(track.fader_db);
        let angle = (1.0 + track.pan / 100.0) * std::f64::consts::FRAC_PI_4;
        let (l, r) = match id.as_str() {
            "keys" => {
                ((2.0 * angle.cos().powi(2)).min(1.0) / 2.0, (2.0 * angle.sin().powi(2)).min(1.0) / 2.0)
            }
            _ => (angle.cos().powi(2), angle.sin().powi(2)),
        };
        left += power * l;
        right += power * r;
    }
    let lean = lufs(right) - lufs(left);
    assert!(lean.abs() < 0.5, "{lean}");
}

#[test]
fn what_the_law_of_stereo_files_takes_is_given_back() {
    let against_bass = |(session, facts): (Session, SongFacts)| {
        let placed = mixed(&session, &facts);
        let settled = applied(&placed, &rebalance(&facts, &placed, &Rules::default()));
        (settled.tracks["keys"].fader_db - settled.tracks["bass"].fader_db, settled.tracks["keys"].pan.abs())
    };
    let ((mono_db, _), (doubled_db, pan)) =
        (against_bass(song(BAND)), against_bass(keys_on_two_channels(-60.0)));
    // One channel as it is, the other down to 2 cos^2 of its power; two channels are 3 dB louder to begin with.
    let taken_db = -10.0 * (0.5 + ((1.0 + pan / 100.0) * std::f64::consts::FRAC_PI_4).cos().powi(2)).log10();
    assert!(taken_db > 0.4, "{taken_db}: the test has something to see");
    let given_db = doubled_db - mono_db + 10.0 * 2f64.log10();
    // Faders move in tenths, and nothing below 0.3 dB does.
    assert!((given_db - taken_db).abs() < 0.4, "{given_db} {taken_db}");
}
