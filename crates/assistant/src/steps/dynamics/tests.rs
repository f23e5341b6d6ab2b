use super::*;
use crate::levels::Levels;
use crate::testing::{ROWS, Sound, analysis, applied, decide};
use crate::testing_tone::{louder, raw, usual_song};
use crate::words::tenth;
use dsp::processors::{compressor, de_esser, gate};
use measure::ERB_BANDS;
use proptest::prelude::*;

fn run(session: &Session, facts: &SongFacts) -> (Vec<Decision>, Session) {
    let decisions = decide(&Dynamics, facts, session, &Rules::default());
    let session = applied(session, &decisions);
    (decisions, session)
}

fn comp(session: &Session, track: &str) -> Option<compressor::Settings> {
    session.tracks[track].insert("comp").map(|insert| compressor::Settings::from_values(&insert.values))
}

/// A voice whose phrases of two seconds swing by so many dB, either way.
fn swinging(role: &str, swing_db: f64) -> (Session, SongFacts) {
    let (session, mut facts) = usual_song(&[("it", role)]);
    let moves_db = (0..ROWS).map(|row| if (row / 40) % 2 == 0 { swing_db } else { -swing_db }).collect();
    let it = raw(&mut facts, "it");
    it.erb = analysis(&Sound { moves_db, ..Sound::band(200.0, 4_000.0) }).erb;
    it.facts.inter_onset_median_s = Some(0.3);
    (session, facts)
}

#[test]
fn a_wandering_voice_is_held_together() {
    let (session, facts) = swinging("lead_vocal", 4.5);
    let (decisions, session) = run(&session, &facts);
    let comp = comp(&session, "it").expect("a compressor");
    assert!((1.5..=6.0).contains(&comp.ratio), "{comp:?}");
    // Two thirds of 300 ms, to the next five.
    assert_eq!(comp.release_ms, 195.0);
    let value = |name: &str| decisions[0].evidence.iter().find(|e| e.name == name).unwrap().value;
    let (before, after) = (value("spread of loudness before"), value("spread of loudness after"));
    assert!((before - 9.0).abs() < 0.1, "{before}");
    // The middle of what is usual, 5 LU, within 0.7.
    assert!((after - 5.0).abs() <= 0.7, "{after}");
    assert!(decisions[0].why.contains(&format!("{before:.1} LU")), "{}", decisions[0].why);
}

#[test]
fn a_steady_voice_and_an_unknown_track_are_left_alone() {
    for (role, swing_db) in [("lead_vocal", 2.0), ("unknown", 6.0), ("synth_pad", 6.0)] {
        let (session, facts) = swinging(role, swing_db);
        assert!(run(&session, &facts).0.is_empty(), "{role}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn compression_keeps_its_bounds(swing_db in 0.0..18.0f64, strength in 0.0..2.0f64, place in 0..4usize) {
        let role = ["lead_vocal", "bass_di", "guitar_acoustic", "keys"][place];
        let (session, facts) = swinging(role, swing_db);
        let rules = Rules { strength, ..Rules::default() };
        for decision in decide(&Dynamics, &facts, &session, &rules) {
            let value = |name: &str| decision.evidence.iter().find(|e| e.name == name).map(|e| e.value);
            prop_assert!(value("mean reduction").unwrap() <= 5.1);
            prop_assert!(value("95th percentile of the reduction").unwrap() <= 10.1);
            let before = value("spread of loudness before").unwrap();
            // Half of the spread stays, less what the solver leaves open.
            prop_assert!(value("spread of loudness after").unwrap() >= 0.5 * before - 0.7);
        }
    }

    #[test]
    fn thresholds_move_with_the_level(gain_db in -24.0..0.0f64) {
        let strokes = [-28.0, -36.0, -29.0, -35.0, -30.0, -37.0, -28.5, -36.5, -32.0, -33.0];
        for (session, facts) in [swinging("lead_vocal", 4.5), drum("kick_in", &strokes, &[])] {
            let of = |facts: &SongFacts| comp(&run(&session, facts).1, "it").expect("a compressor");
            let (before, after) = (of(&facts), of(&louder(&facts, gain_db)));
            // Everything is rounded to a tenth, and the power of the rows has 24 bits.
            prop_assert!((after.threshold_db - before.threshold_db - gain_db).abs() < 0.11);
            prop_assert!((after.ratio - before.ratio).abs() < 0.11);
            prop_assert!((after.makeup_db - before.makeup_db).abs() < 0.11);
        }
    }
}

/// A floor tom: strokes and bleed at so many dB each, in turn, one every half second.
fn tom(strokes: &[f64], bleed: &[f64]) -> (Session, SongFacts) {
    drum("tom_floor", strokes, bleed)
}

fn drum(role: &str, strokes: &[f64], bleed: &[f64]) -> (Session, SongFacts) {
    let (session, mut facts) = usual_song(&[("it", role)]);
    let it = raw(&mut facts, "it");
    let levels: Vec<f64> = strokes.iter().chain(bleed).copied().collect();
    it.erb = analysis(&Sound::band(70.0, 200.0).at(0.0)).erb;
    it.erb.power.iter_mut().for_each(|power| *power *= 1e-9);
    it.onsets_s = (0..levels.len()).map(|n| 0.5 * n as f64 + 0.01).collect();
    for (n, level) in levels.iter().enumerate() {
        let row = 10 * n;
        let powers = &mut it.erb.power[row * ERB_BANDS..(row + 1) * ERB_BANDS];
        powers.iter_mut().for_each(|power| *power *= 1e9 * audio::db_to_power(*level) as f32);
    }
    (session, facts)
}

fn gate_of(session: &Session) -> Option<gate::Settings> {
    session.tracks["it"].insert("gate").map(|insert| gate::Settings::from_values(&insert.values))
}

#[test]
fn bleed_between_strokes_is_turned_down() {
    let (session, facts) = tom(&[-10.0, -12.0, -9.0, -11.0], &[-28.0, -30.0, -27.0, -29.0, -28.0, -31.0]);
    let (decisions, session) = run(&session, &facts);
    let gate = gate_of(&session).expect("a gate");
    // Between the loudest bleed and the softest stroke, peaks 5 dB above the mean.
    assert!((-27.0 + 5.0..-12.0 + 5.0).contains(&gate.threshold_db), "{gate:?}");
    assert!((10.0..=20.0).contains(&gate.range_db), "{gate:?}");
    // -10.5 (the middle of the strokes is -11 or -10) against -28.
    let distance = decisions[0].evidence[0].value;
    assert!((16.9..=18.1).contains(&distance), "{distance}");
    assert!(decisions[0].why.contains(&format!("{distance:.1} dB below its own strokes")));
    assert!(decisions[0].why.contains("6 of 10 onsets"), "{}", decisions[0].why);
}

#[test]
fn no_gate_where_strokes_would_be_lost_or_nothing_bleeds() {
    let soft = tom(&[-10.0, -14.0, -18.0, -22.0], &[-25.0, -28.0, -31.0, -34.0]);
    let clean = tom(&[-10.0, -12.0, -11.0, -9.0, -10.0], &[-50.0, -52.0, -51.0]);
    let alone = tom(&[-10.0, -12.0, -11.0, -9.0, -10.0], &[]);
    for (session, facts) in [soft, clean, alone] {
        let (decisions, session) = run(&session, &facts);
        assert!(gate_of(&session).is_none(), "{decisions:?}");
    }
}

#[test]
fn uneven_strokes_are_evened() {
    let strokes = [-8.0, -16.0, -9.0, -15.0, -10.0, -17.0, -8.5, -16.5, -12.0, -13.0];
    let (session, facts) = drum("kick_in", &strokes, &[-40.0, -42.0, -41.0]);
    let (decisions, session) = run(&session, &facts);
    let even = comp(&session, "it").expect("a compressor");
    assert!((1.5..=4.0).contains(&even.ratio) && even.attack_ms >= 5.0, "{even:?}");
    let decision = decisions.iter().find(|d| d.change.path().to_string().ends_with("comp")).unwrap();
    let value = |name: &str| decision.evidence.iter().find(|e| e.name == name).unwrap().value;
    let (before, after) = (value("spread of strokes before"), value("spread of strokes after"));
    // The second loudest against the softest of ten: -8.5 and -17.
    assert!((before - 8.5).abs() < 0.01 && after < before - 1.0, "{before} {after}");
    assert!(value("reduction of the loudest strokes") <= 5.0);
    assert!(decision.why.contains("10 strokes differ by 8.5 dB"), "{}", decision.why);
}

#[test]
fn even_strokes_are_left_alone_however_soft_the_bleed() {
    for bleed in [&[][..], &[-40.0, -41.0, -42.0, -43.0]] {
        let (session, facts) = drum("kick_in", &[-10.0, -11.0, -12.0, -10.5, -11.5, -13.0, -10.2], bleed);
        assert!(comp(&run(&session, &facts).1, "it").is_none());
    }
}

#[test]
fn strokes_that_cannot_be_told_from_bleed_are_left_alone() {
    let graded: Vec<f64> = (0..20).map(|n| -10.0 - 0.8 * f64::from(n)).collect();
    let (session, facts) = drum("tom_floor", &graded, &[]);
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn a_gate_moves_with_the_level() {
    let (session, facts) = tom(&[-20.0, -22.0, -19.0, -21.0], &[-38.0, -40.0, -37.0, -39.0, -38.0]);
    let of = |facts: &SongFacts| gate_of(&run(&session, facts).1).expect("a gate");
    let (before, after) = (of(&facts), of(&louder(&facts, 9.0)));
    assert!((after.threshold_db - before.threshold_db - 9.0).abs() < 0.11);
    assert_eq!(after.range_db, before.range_db);
}

/// Voices with sibilants at so many dB against their vowels.
fn voices(levels_db: &[f64]) -> (Session, SongFacts) {
    let names = ["one", "two", "three"];
    let tracks: Vec<(&str, &str)> =
        names.iter().take(levels_db.len()).map(|n| (*n, "backing_vocal")).collect();
    let (session, mut facts) = usual_song(&tracks);
    for (name, level) in names.iter().zip(levels_db) {
        let it = raw(&mut facts, name);
        it.erb = analysis(&Sound::band(250.0, 3_000.0)).erb;
        let sibilant = analysis(&Sound::band(6_000.0, 8_000.0).at(-18.0 + level)).erb;
        for row in (0..ROWS).step_by(20) {
            let range = row * ERB_BANDS..(row + 1) * ERB_BANDS;
            it.erb.power[range.clone()].copy_from_slice(&sibilant.power[range]);
        }
    }
    (session, facts)
}

fn de_esser_of(session: &Session, track: &str) -> Option<de_esser::Settings> {
    session.tracks[track].insert("deess").map(|insert| de_esser::Settings::from_values(&insert.values))
}

#[test]
fn sharp_voices_are_softened() {
    let (session, facts) = voices(&[3.0, -9.0]);
    let (decisions, session) = run(&session, &facts);
    let sharp = de_esser_of(&session, "one").expect("a de-esser");
    assert!(
        (2.0..=6.0).contains(&sharp.range_db) && (3_500.0..=8_000.0).contains(&sharp.freq_hz),
        "{sharp:?}"
    );
    assert!(de_esser_of(&session, "two").is_none());
    // 12 dB above the other voice outweigh 7 dB above the usual.
    let level = decisions[0].evidence[0].value;
    assert!((level - 3.0).abs() < 0.1, "{level}");
    assert!(decisions[0].why.contains(&format!("{level:+.1} dB against its vowels")), "{}", decisions[0].why);
}

#[test]
fn a_voice_sharper_than_its_neighbours_is_softened_and_usual_ones_are_not() {
    let (_, session) = {
        let (session, facts) = voices(&[-16.0, -9.0, -17.0]);
        run(&session, &facts)
    };
    assert!(de_esser_of(&session, "two").is_some() && de_esser_of(&session, "one").is_none());
    for usual in [&[-8.0, -9.0, -7.0][..], &[-15.0, -22.0], &[-9.0]] {
        let (session, facts) = voices(usual);
        assert!(run(&session, &facts).0.is_empty(), "{usual:?}");
    }
}

#[test]
fn what_a_person_has_set_and_what_is_muted_stays() {
    let (mut session, facts) = swinging("lead_vocal", 4.5);
    let yours = Rules { yours: vec!["track.it.insert.comp".parse().unwrap()], ..Rules::default() };
    assert!(Dynamics.decide(&facts, &session, &yours).is_empty());
    // A threshold set by hand is the merge's to keep; the compressor is still wanted.
    let inside =
        Rules { yours: vec!["track.it.insert.comp.threshold_db".parse().unwrap()], ..Rules::default() };
    assert_eq!(Dynamics.decide(&facts, &session, &inside).len(), 1);
    session.tracks["it"].mute = true;
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn silence_and_missing_facts_are_no_trouble() {
    let (session, mut facts) = usual_song(&[("v", "lead_vocal"), ("k", "kick_in"), ("b", "bass_di")]);
    for track in facts.tracks.values_mut() {
        track.raw = measure::Analysis::default();
    }
    assert!(run(&session, &facts).0.is_empty());
    facts.tracks.clear();
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn the_loudness_that_compression_takes_is_given_back() {
    let (session, facts) = swinging("lead_vocal", 4.5);
    let comp = comp(&run(&session, &facts).1, "it").expect("a compressor");
    let levels = Levels::of(facts.tracks["it"].now(), 0.0);
    let outcome = levels.compressed(&crate::levels::Curve {
        threshold_db: comp.threshold_db,
        ratio: comp.ratio,
        knee_db: comp.knee_db,
        attack_ms: comp.attack_ms,
        release_ms: comp.release_ms,
    });
    assert_eq!(comp.makeup_db, tenth(outcome.lost_lu));
    assert!(comp.makeup_db > 0.5);
}

/// A voice that sings half of the time, over noise of so many dBFS that wanders by so many dB.
fn noisy(noise_dbfs: f64, wanders_db: f64) -> Option<gate::Settings> {
    let (session, mut facts) = usual_song(&[("it", "backing_vocal")]);
    let it = raw(&mut facts, "it");
    it.erb = analysis(&Sound { on: 100, of: 200, ..Sound::band(200.0, 4_000.0) }).erb;
    for row in (0..ROWS).filter(|row| row % 200 >= 100) {
        let level = noise_dbfs + if row % 2 == 0 { wanders_db } else { 0.0 };
        it.erb.power[row * ERB_BANDS..][..ERB_BANDS]
            .fill((audio::db_to_power(level) / ERB_BANDS as f64) as f32);
    }
    let session = run(&session, &facts).1;
    session.tracks["it"].insert("gate").map(|insert| gate::Settings::from_values(&insert.values))
}

#[test]
fn steady_noise_in_pauses_is_turned_down_gently() {
    let expander = noisy(-46.0, 1.0).expect("an expander");
    assert!((6.0..=12.0).contains(&expander.range_db) && expander.ratio <= 2.0, "{expander:?}");
    // Above the peaks of the noise, under the voice at -18 dBFS.
    assert!((-40.0..-25.0).contains(&expander.threshold_db), "{expander:?}");
    assert!(noisy(-70.0, 1.0).is_none(), "nobody hears that");
    assert!(noisy(-46.0, 12.0).is_none(), "bleed wanders");
}

/// A track whose highest peak stands so high above its level.
fn tall(role: &str, peak_db: f64, crest_db: f64) -> Option<dsp::processors::limiter::Settings> {
    let (session, mut facts) = usual_song(&[("it", role)]);
    let it = &mut raw(&mut facts, "it").facts;
    it.true_peak_dbtp = it.active_rms_dbfs.map(|level| level + peak_db);
    it.active_crest_db = Some(crest_db);
    let session = run(&session, &facts).1;
    let insert = session.tracks["it"].insert("peaks");
    insert.map(|insert| dsp::processors::limiter::Settings::from_values(&insert.values))
}

#[test]
fn tops_are_taken_off_within_bounds() {
    // 26 dB above -18 dBFS, 18 are usual, 6 dB at most.
    assert_eq!(tall("backing_vocal", 26.0, 14.0).map(|l| l.ceiling_dbtp), Some(2.0));
    assert_eq!(tall("backing_vocal", 17.0, 14.0), None);
    // A voice of nothing but consonants: 4 dB of crest more than usual.
    assert_eq!(tall("lead_vocal", 21.0, 18.0).map(|l| l.ceiling_dbtp), Some(-1.0));
    // A plucked part of which every note is as tall.
    assert_eq!(tall("guitar_electric", 23.0, 21.0), None);
    // Strokes are judged by their crest: 0.8 of 3 dB off a peak 19 dB above -26 dBFS, where a made-up kick stands.
    assert_eq!(tall("kick_in", 19.0, 19.0).map(|l| l.ceiling_dbtp), Some(-9.4));
    assert_eq!(tall("kick_in", 26.0, 15.0), None);
    assert_eq!(tall("shaker", 26.0, 20.0), None);
}

#[test]
fn the_room_of_a_voice_is_not_brought_up() {
    // Notes of half a second that ring on by 30 dB in a second: 2 s of decay.
    let ringing = |fall_db: f64| {
        let (session, mut facts) = usual_song(&[("it", "backing_vocal")]);
        let level = |row: usize| match row % 40 {
            on @ 0..10 => -0.01 * on as f64,
            off => (-2.5 - fall_db * (off - 9) as f64).max(-60.0),
        };
        let moves_db = (0..ROWS).map(level).collect();
        raw(&mut facts, "it").erb = analysis(&Sound { moves_db, ..Sound::band(200.0, 4_000.0) }).erb;
        comp(&run(&session, &facts).1, "it")
    };
    assert!(ringing(1.5).is_none());
    // Falls of 8 dB in 50 ms: that is a dry voice, and its loudness is the singer's.
    let (session, facts) = swinging("backing_vocal", 6.0);
    assert!(comp(&run(&session, &facts).1, "it").is_some());
}

#[test]
fn jazz_is_held_together_less() {
    let (mut session, facts) = swinging("lead_vocal", 4.5);
    let after = |session: &Session| {
        let decisions = decide(&Dynamics, &facts, session, &Rules::default());
        let held =
            decisions.iter().find(|d| d.change.path().to_string().ends_with("comp")).expect("a compressor");
        (held.evidence.iter().find(|e| e.name == "spread of loudness after").unwrap().value, held.why.clone())
    };
    let usual = after(&session);
    session.song.genre = Some("jazz".into());
    let jazz = after(&session);
    assert!(jazz.0 > usual.0 + 0.5 && jazz.1.contains("jazz"), "{jazz:?} {usual:?}");
}
