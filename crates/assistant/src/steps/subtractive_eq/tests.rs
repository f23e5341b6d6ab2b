use super::*;
use crate::testing::{Sound, analysis, applied, decide};
use crate::testing_tone::{bump, louder, put_spectrum, raw, usual, usual_song};
use crate::tone::thirds;
use dsp::processors::eq::{Settings, Shape};

fn bands(session: &Session, track: &str) -> Vec<dsp::processors::eq::Band> {
    let insert = session.tracks[track].insert("eq");
    insert.map(|insert| Settings::from_values(&insert.values).bands).unwrap_or_default()
}

fn run(session: &Session, facts: &SongFacts) -> (Vec<Decision>, Session) {
    let decisions = decide(&SubtractiveEq, facts, session, &Rules::default());
    let session = applied(session, &decisions);
    (decisions, session)
}

/// Too much or too little of something, on a track that is usual otherwise.
fn with_bump(role: &str, hz: f64, gain_db: f64) -> (Session, SongFacts) {
    let (session, mut facts) = usual_song(&[("it", role)]);
    let usual = usual(role);
    put_spectrum(&mut raw(&mut facts, "it").facts, &|at| usual(at) + bump(at, hz, gain_db, 1.5));
    (session, facts)
}

fn bells(session: &Session) -> Vec<dsp::processors::eq::Band> {
    bands(session, "it").into_iter().filter(|band| band.r#type == Shape::Bell).collect()
}

#[test]
fn usual_tracks_get_no_bells() {
    for role in
        ["lead_vocal", "guitar_electric", "guitar_acoustic", "keys", "snare_top", "kick_in", "unknown"]
    {
        let (session, facts) = usual_song(&[("it", role)]);
        let (decisions, session) = run(&session, &facts);
        assert!(bells(&session).is_empty(), "{role}: {decisions:?}");
    }
}

#[test]
fn mud_is_cut_where_it_is() {
    let (session, facts) = with_bump("guitar_electric", 280.0, 9.0);
    let (decisions, session) = run(&session, &facts);
    let [mud] = &bells(&session)[..] else { panic!("{decisions:?}") };
    assert!((200.0..=400.0).contains(&mud.freq_hz) && mud.q <= 1.5, "{mud:?}");
    assert!((-6.0..=-2.0).contains(&mud.gain_db), "{mud:?}");
    let why = &decisions.iter().find(|d| d.change.path().to_string().contains("eq")).unwrap().why;
    let excess = decisions.iter().flat_map(|d| &d.evidence).find(|e| e.name == "more than usual").unwrap();
    assert!(decisions.iter().any(|d| d.why.contains(&format!("{:.1} dB more", excess.value))), "{why}");
}

#[test]
fn a_cut_never_goes_deeper_than_six_decibels_and_says_so() {
    let (session, facts) = with_bump("lead_vocal", 3_000.0, 24.0);
    let (decisions, session) = run(&session, &facts);
    let deepest = bells(&session).iter().map(|band| band.gain_db).fold(0.0, f64::min);
    assert_eq!(deepest, -6.0, "{decisions:?}");
    assert!(decisions.iter().any(|d| d.why.contains("stopped at 6")), "{decisions:?}");
}

#[test]
fn strength_scales_cuts() {
    let (session, facts) = with_bump("guitar_electric", 280.0, 9.0);
    let cut = |strength: f64| {
        let rules = Rules { strength, ..Rules::default() };
        let decisions = SubtractiveEq.decide(&facts, &session, &rules);
        bells(&applied(&session, &decisions)).iter().map(|band| band.gain_db).sum::<f64>()
    };
    assert!(cut(0.5) > cut(1.0) + 1.0 && cut(0.0) == 0.0, "{} {}", cut(0.5), cut(1.0));
}

/// A snare with a ring at a third octave, sounding in a share of the rows.
fn ringing(hz: f64, height_db: f64, share: f64) -> (Session, SongFacts) {
    let (session, mut facts) = usual_song(&[("it", "snare_top")]);
    let usual = usual("snare_top");
    let it = raw(&mut facts, "it");
    put_spectrum(&mut it.facts, &|at| {
        usual(at) + if (at / hz).log2().abs() < 1.0 / 6.0 { height_db } else { 0.0 }
    });
    let nearest = it.erb.centres_hz.iter().map(|at| (at / hz).ln().abs());
    let band = nearest.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
    let active: Vec<usize> = (0..it.erb.rows()).filter(|row| it.erb.active[*row]).collect();
    for row in active.iter().take((active.len() as f64 * share) as usize) {
        it.erb.power[row * measure::ERB_BANDS + band] *= 100.0;
    }
    (session, facts)
}

#[test]
fn a_ring_is_cut_at_its_pitch() {
    let (session, mut facts) = ringing(630.0, 14.0, 0.7);
    raw(&mut facts, "it").facts.pitch_median_hz = Some(641.0);
    let (decisions, session) = run(&session, &facts);
    let [ring] = &bells(&session)[..] else { panic!("{decisions:?}") };
    // Within 2 % of the ring, by at least half of it, and narrow.
    assert!((ring.freq_hz / 641.0 - 1.0).abs() < 0.02 && ring.q > 4.0, "{ring:?}");
    assert!((-9.0..=-6.0).contains(&ring.gain_db), "{ring:?}");
    assert!(decisions.iter().any(|d| d.why.contains("641 Hz") && d.why.contains("70 %")), "{decisions:?}");
}

#[test]
fn what_does_not_ring_stays() {
    // Not persistent, not prominent, a note of the body, and no drum at all.
    let quiet = [ringing(630.0, 14.0, 0.2), ringing(630.0, 5.0, 0.7), ringing(200.0, 14.0, 0.7)];
    for (session, facts) in quiet {
        assert!(bells(&run(&session, &facts).1).is_empty());
    }
    let (mut session, facts) = ringing(630.0, 14.0, 0.7);
    session.tracks["it"].role = Some("saxophone".into());
    assert!(bells(&run(&session, &facts).1).is_empty());
}

#[test]
fn a_deep_ring_stops_at_nine_decibels() {
    let (session, facts) = ringing(630.0, 30.0, 0.9);
    let (decisions, session) = run(&session, &facts);
    assert_eq!(bells(&session)[0].gain_db, -9.0);
    assert!(decisions.iter().any(|d| d.why.contains("stopped at 9")));
}

fn corner(session: &Session, track: &str) -> Option<f64> {
    bands(session, track).iter().find(|band| band.r#type == Shape::HighPass).map(|band| band.freq_hz)
}

#[test]
fn high_passes_stay_below_the_lowest_note() {
    let (session, mut facts) = usual_song(&[("it", "lead_vocal"), ("other", "lead_vocal")]);
    for (track, low_hz, median_hz) in [("it", 100.0, 160.0), ("other", 240.0, 330.0)] {
        let own = &mut raw(&mut facts, track).facts;
        (own.pitch_low_hz, own.pitch_median_hz, own.pitched_share) =
            (Some(low_hz), Some(median_hz), Some(0.8));
        put_spectrum(own, &|_| 0.0);
    }
    let (decisions, session) = run(&session, &facts);
    // 0.7 of the lowest note of the low voice; the maximum of a high one.
    assert_eq!((corner(&session, "it"), corner(&session, "other")), (Some(70.0), Some(120.0)));
    assert!(decisions.iter().any(|d| d.why.contains("around 100 Hz")), "{decisions:?}");
}

#[test]
fn nothing_is_passed_where_nothing_lies_below() {
    let (session, mut facts) = usual_song(&[("it", "backing_vocal")]);
    let own = &mut raw(&mut facts, "it").facts;
    put_spectrum(own, &|hz| if hz < 200.0 { -60.0 } else { 0.0 });
    assert!(thirds(own).len() == 30);
    assert_eq!(corner(&run(&session, &facts).1, "it"), None);
    // Unknown roles are left alone.
    let (session, facts) = usual_song(&[("it", "unknown")]);
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn programmed_drums_keep_the_low_end_that_is_their_own() {
    let corner = |beside: &str| {
        let (session, mut facts) = usual_song(&[("hat", "hihat"), ("beside", beside)]);
        let hat = &mut raw(&mut facts, "hat").facts;
        put_spectrum(hat, &|_| 0.0);
        hat.energy_1_percent_hz = Some(125.0);
        let (_, session) = run(&session, &facts);
        bands(&session, "hat")
            .into_iter()
            .find(|band| band.r#type == Shape::HighPass)
            .map(|band| band.freq_hz)
    };
    // 0.8 of the frequency below which lies 1 %, against what a microphone in a room hears of the rest.
    assert_eq!((corner("drum_room"), corner("synth")), (Some(250.0), Some(100.0)));
}

#[test]
fn no_second_high_pass_where_rumble_is_filtered() {
    let with_rumble_filter = |hz: Option<f64>| {
        let (mut session, mut facts) = usual_song(&[("it", "kick"), ("bass", "bass_di")]);
        let usual = usual("kick_in");
        // Something to cut from 20 Hz on.
        put_spectrum(&mut raw(&mut facts, "it").facts, &|at| if at < 30.0 { -20.0 } else { usual(at) });
        if let Some(hz) = hz {
            let mut filter = session::Insert::new("clean", &dsp::processors::rumble::KIND);
            filter.values.set(&dsp::processors::rumble::KIND, "freq_hz", hz).unwrap();
            session.tracks["it"].inserts.push(filter);
        }
        corner(&run(&session, &facts).1, "it")
    };
    assert!(with_rumble_filter(None).is_some(), "the test has something to see");
    assert_eq!(with_rumble_filter(Some(28.0)), None);
    // One that only takes what moves the cone does not stand in for it.
    assert!(with_rumble_filter(Some(12.0)).is_some());
}

#[test]
fn microphones_of_one_drum_get_the_same_high_pass() {
    let (session, mut facts) = usual_song(&[("top", "snare_top"), ("bottom", "snare_bottom")]);
    // Only one of them needs it.
    put_spectrum(&mut raw(&mut facts, "bottom").facts, &|hz| if hz < 150.0 { -60.0 } else { 0.0 });
    let (_, session) = run(&session, &facts);
    assert_eq!((corner(&session, "top"), corner(&session, "bottom")), (Some(90.0), Some(90.0)));
}

/// Guitars that play over the voice's middle, and a bass that does not.
fn hiding() -> (Session, SongFacts) {
    let (session, mut facts) =
        usual_song(&[("voice", "lead_vocal"), ("guitar", "guitar_electric"), ("bass", "bass_di")]);
    let voice = Sound { on: 80, of: 100, ..Sound::band(300.0, 4_000.0) };
    raw(&mut facts, "voice").erb = analysis(&voice).erb;
    raw(&mut facts, "guitar").erb = analysis(&Sound::band(1_500.0, 3_500.0).at(-12.0)).erb;
    raw(&mut facts, "bass").erb = analysis(&Sound::band(45.0, 150.0).at(-8.0)).erb;
    (session, facts)
}

#[test]
fn the_accompaniment_makes_room_for_the_lead() {
    let (session, facts) = hiding();
    let (decisions, session) = run(&session, &facts);
    let cuts = bands(&session, "guitar");
    let cuts: Vec<_> = cuts.iter().filter(|band| band.r#type == Shape::Bell).collect();
    assert!(!cuts.is_empty() && cuts.len() <= 2, "{decisions:?}");
    assert!(
        cuts.iter().all(|cut| (1_000.0..=4_500.0).contains(&cut.freq_hz) && cut.gain_db >= -3.0),
        "{cuts:?}"
    );
    let room = decisions.iter().find(|d| d.why.contains("Makes room")).unwrap();
    let value = |name: &str| room.evidence.iter().find(|e| e.name == name).unwrap().value;
    assert!(value("hidden after") < 0.95 * value("hidden before"), "{room:?}");
    assert!(room.why.contains(&format!("{:.0} %", value("hidden before"))));
    // Nothing is taken from the lead, nor from what does not hide it.
    let bells = |track: &str| bands(&session, track).iter().filter(|b| b.r#type == Shape::Bell).count();
    assert_eq!((bells("voice"), bells("bass")), (0, 0));
}

#[test]
fn what_plays_on_while_the_lead_rests_gives_way_only_to_the_lead() {
    let (session, mut facts) = hiding();
    let voice = Sound { on: 40, of: 100, ..Sound::band(300.0, 4_000.0) };
    raw(&mut facts, "voice").erb = analysis(&voice).erb;
    let (decisions, session) = run(&session, &facts);
    let room = session.tracks["guitar"].insert("room").expect("a keyed equaliser");
    assert_eq!((room.kind.id, room.key.as_deref()), ("dynamic_eq", Some("voice")));
    let settings = dsp::processors::dynamic_eq::Settings::from_values(&room.values);
    assert!(!settings.bands.is_empty() && settings.bands.len() <= 2, "{settings:?}");
    // A tone's peak stands 3 dB above its power; the voice's 22 bands share -18 dBFS, and what it sings all through
    // stands 6 dB above the threshold.
    for band in &settings.bands {
        assert!((-3.0..=-1.0).contains(&band.range_db), "{band:?}");
        assert!((-40.0..=-18.0).contains(&band.threshold_db), "{band:?}");
    }
    let eq = bands(&session, "guitar").into_iter().filter(|band| band.r#type == Shape::Bell).count();
    assert_eq!(eq, 0, "nothing is cut twice");
    assert!(decisions.iter().any(|d| d.why.contains("Only while `voice` plays")), "{decisions:?}");
}

#[test]
fn a_lead_that_is_heard_needs_no_room() {
    let (session, mut facts) = hiding();
    // Faders make good how loud a recording is, so only what plays elsewhere hides nothing.
    raw(&mut facts, "guitar").erb = analysis(&Sound::band(80.0, 160.0)).erb;
    let (decisions, _) = run(&session, &facts);
    assert!(!decisions.iter().any(|d| d.why.contains("Makes room")), "{decisions:?}");
}

#[test]
fn the_bass_leaves_the_kick_its_fundamental() {
    let (session, mut facts) = usual_song(&[("kick", "kick_in"), ("bass", "bass_di")]);
    for (track, level) in [("kick", -24.0), ("bass", -12.0)] {
        let it = raw(&mut facts, track);
        it.erb = analysis(&Sound::band(45.0, 110.0).at(level)).erb;
        put_spectrum(&mut it.facts, &|hz| if (50.0..70.0).contains(&hz) { 20.0 } else { 0.0 });
    }
    let (decisions, session) = run(&session, &facts);
    let cut = bands(&session, "bass").into_iter().find(|band| band.r#type == Shape::Bell).unwrap();
    assert!((45.0..=75.0).contains(&cut.freq_hz) && cut.gain_db == -2.0, "{cut:?}");
    assert!(decisions.iter().any(|d| d.why.contains("of the kick's low end")));
}

#[test]
fn a_persons_equaliser_and_muted_tracks_stay_as_they_are() {
    let (mut session, facts) = with_bump("guitar_electric", 280.0, 9.0);
    let yours = Rules { yours: vec!["track.it.insert.eq".parse().unwrap()], ..Rules::default() };
    assert!(SubtractiveEq.decide(&facts, &session, &yours).is_empty());
    session.tracks["it"].mute = true;
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn level_does_not_matter() {
    let (session, facts) = hiding();
    for gain_db in [-24.0, 17.0] {
        assert_eq!(run(&session, &facts).0.len(), run(&session, &louder(&facts, gain_db)).0.len());
        let inserts = |facts: &SongFacts| run(&session, facts).1;
        assert_eq!(inserts(&facts), inserts(&louder(&facts, gain_db)));
    }
}

#[test]
fn silence_and_missing_facts_are_no_trouble() {
    let (session, mut facts) = usual_song(&[("voice", "lead_vocal"), ("guitar", "guitar_electric")]);
    facts.tracks.get_mut("guitar").unwrap().raw = measure::Analysis::default();
    run(&session, &facts);
    facts.tracks.clear();
    assert!(run(&session, &facts).0.is_empty());
}

/// A bass line over seven semitones of a scale, one of which (50 Hz) is `boom_db` louder; the notes below it
/// by `below_db`.
fn bass_line(boom_db: f64, below_db: f64) -> Vec<dsp::processors::eq::Band> {
    let pitches: Vec<f64> =
        [-5, -3, 0, 2, 4, 5, 7].map(|semitone: i32| 50.0 * (f64::from(semitone) / 12.0).exp2()).into();
    let (session, mut facts) = usual_song(&[("it", "bass_di")]);
    let it = raw(&mut facts, "it");
    // Half a second each.
    let note = |row: usize| (row / 10) % pitches.len();
    let moves_db = (0..crate::testing::ROWS)
        .map(|row| match note(row) {
            2 => boom_db,
            0 | 1 => below_db,
            _ => 0.0,
        })
        .collect();
    it.erb = analysis(&Sound { moves_db, ..Sound::band(40.0, 160.0) }).erb;
    it.pitch_hz = (0..crate::testing::ROWS / 2).map(|n| Some(pitches[note(2 * n)] as f32)).collect();
    bands(&run(&session, &facts).1, "it").into_iter().filter(|band| band.r#type == Shape::Bell).collect()
}

#[test]
fn a_note_that_booms_is_cut_and_a_loud_register_is_not() {
    let found = bass_line(8.0, 0.0);
    let boom = found.iter().find(|band| (band.freq_hz - 50.0).abs() < 0.5).expect("a cut");
    // 0.7 of the eight decibels; a made-up band has no steps finer than itself, hence one decibel.
    assert!((boom.gain_db + 5.6).abs() < 1.0, "{boom:?}");
    assert!(bass_line(3.0, 0.0).is_empty(), "players differ by that");
    assert!(bass_line(8.0, 7.0).is_empty(), "all low notes are loud");
}

#[test]
fn a_leaning_spectrum_is_turned_back_in_part() {
    let turned = |role: &str, db_per_oct: f64| {
        let (session, mut facts) = usual_song(&[("it", role), ("bass", "bass_di")]);
        let usual = usual(role);
        let shape = move |hz: f64| usual(hz) + db_per_oct * (hz.clamp(40.0, 16_000.0) / 1_000.0).log2();
        put_spectrum(&mut raw(&mut facts, "it").facts, &shape);
        let after = applied(&session, &decide(&SubtractiveEq, &facts, &session, &Rules::default()));
        let insert = after.tracks["it"].insert("tilt").cloned();
        insert.map(|i| dsp::processors::tilt::Settings::from_values(&i.values).tilt_db_per_oct)
    };
    for lean in [-1.2, 1.2] {
        let turn = turned("lead_vocal", lean).expect("a turn");
        // As far as it is an accident: with equal spreads of voices and of chains, half. Octaves are coarse.
        assert!((turn + 0.5 * lean).abs() < 0.12, "{lean} {turn}");
    }
    assert_eq!(turned("lead_vocal", 0.1), None, "nobody hears that");
    assert_eq!(turned("lead_vocal", 4.0), None, "that is no accident");
    assert_eq!(turned("unknown", 1.2), None);
}

#[test]
fn a_slope_on_its_bound_says_so() {
    let told = |strength: f64| {
        let (session, mut facts) = usual_song(&[("it", "lead_vocal"), ("bass", "bass_di")]);
        let usual = usual("lead_vocal");
        let shape = move |hz: f64| usual(hz) - 1.9 * (hz.clamp(40.0, 16_000.0) / 1_000.0).log2();
        put_spectrum(&mut raw(&mut facts, "it").facts, &shape);
        let rules = Rules { strength, ..Rules::default() };
        let all = decide(&SubtractiveEq, &facts, &session, &rules);
        let is_tilt = |d: &&Decision| d.change.path().to_string().ends_with("it.insert.tilt");
        let why = all.iter().find(is_tilt).expect("a turn").why.clone();
        let after = applied(&session, &all);
        let insert = after.tracks["it"].insert("tilt").expect("a turn");
        (dsp::processors::tilt::Settings::from_values(&insert.values).tilt_db_per_oct, why)
    };
    // About half of it as it is (octaves are coarse); half as much again comes to the bound.
    let (turn, why) = told(1.0);
    assert!((0.9..1.2).contains(&turn) && !why.contains("bound"), "{turn} {why}");
    let (turn, why) = told(1.5);
    assert!(turn == 1.5 && why.contains("stopped at that bound"), "{turn} {why}");
}
