use super::*;
use crate::testing::{applied, decide};
use crate::testing_tone::{louder, put_spectrum, raw, usual, usual_song};
use dsp::processors::eq::{Band as EqBand, Settings, Shape};

fn run(session: &Session, facts: &SongFacts) -> (Vec<Decision>, Vec<EqBand>) {
    let decisions = decide(&AdditiveEq, facts, session, &Rules::default());
    let session = applied(session, &decisions);
    let insert = session.tracks["it"].insert("tone");
    (decisions, insert.map(|i| Settings::from_values(&i.values).bands).unwrap_or_default())
}

/// A track with so many dB more or less above a frequency.
fn shelved(role: &str, from_hz: f64, gain_db: f64) -> (Session, SongFacts) {
    let (session, mut facts) = usual_song(&[("it", role)]);
    let usual = usual(role);
    put_spectrum(&mut raw(&mut facts, "it").facts, &|hz| {
        usual(hz) + if hz >= from_hz { gain_db } else { 0.0 }
    });
    (session, facts)
}

#[test]
fn a_dull_voice_gets_clarity() {
    let (session, facts) = shelved("lead_vocal", 4_000.0, -9.0);
    let (decisions, bands) = run(&session, &facts);
    let [band] = &bands[..] else { panic!("{decisions:?}") };
    // Half of what is missing beyond the usual 4 dB.
    assert_eq!((band.r#type, band.gain_db), (Shape::HighShelf, 2.5), "{band:?}");
    assert!(decisions[0].why.contains("9.0 dB less there"), "{}", decisions[0].why);
    assert!((decisions[0].evidence[0].value - 9.0).abs() < 0.01);
}

#[test]
fn usual_bright_and_unknown_tracks_are_left_alone() {
    for (role, gain_db) in [
        ("lead_vocal", 0.0),
        ("lead_vocal", -3.0),
        ("lead_vocal", 12.0),
        // So much is missing by design, not by a microphone.
        ("backing_vocal", -14.0),
        ("kick_in", 0.0),
        ("snare", 0.0),
        ("unknown", -20.0),
    ] {
        let (session, facts) = shelved(role, 4_000.0, gain_db);
        assert!(run(&session, &facts).0.is_empty(), "{role} {gain_db}");
    }
}

#[test]
fn boosts_are_few_and_bounded() {
    for missing_db in [-9.0, -13.0, -17.0] {
        for from_hz in [2_000.0, 4_000.0, 8_000.0] {
            let (session, facts) = shelved("lead_vocal", from_hz, missing_db);
            let (decisions, bands) = run(&session, &facts);
            assert!(bands.len() <= 2 && !bands.is_empty(), "{decisions:?}");
            for band in &bands {
                let most = if band.r#type == Shape::HighShelf { 4.0 } else { 3.0 };
                assert!((0.5..=most).contains(&band.gain_db) && band.q <= 1.2, "{band:?}");
            }
        }
    }
    let (session, facts) = shelved("lead_vocal", 4_000.0, -13.0);
    assert!(run(&session, &facts).0[0].why.contains("stopped at +4.0"));
}

#[test]
fn what_is_not_there_cannot_be_lifted() {
    let (session, facts) = shelved("lead_vocal", 4_000.0, -60.0);
    assert!(run(&session, &facts).1.is_empty());
}

#[test]
fn noise_forbids_air() {
    let (session, mut facts) = shelved("lead_vocal", 4_000.0, -9.0);
    let hiss = |facts: &mut SongFacts, db: f32| {
        let erb = &mut raw(facts, "it").erb;
        for row in 0..erb.active.len() {
            if !erb.active[row] {
                let band = erb.centres_hz.iter().position(|hz| *hz > 8_000.0).unwrap();
                erb.power[row * measure::ERB_BANDS + band] = 10f32.powf(db / 10.0);
            }
        }
    };
    // The voice stands at -18 dBFS: -62 is 44 below, -56 is 38 below.
    hiss(&mut facts, -62.0);
    assert_eq!(run(&session, &facts).1.len(), 1);
    hiss(&mut facts, -56.0);
    assert!(run(&session, &facts).0.is_empty());
}

#[test]
fn a_kick_is_lifted_at_its_own_fundamental() {
    let (session, mut facts) = usual_song(&[("it", "kick_in")]);
    let usual = usual("kick_in");
    put_spectrum(&mut raw(&mut facts, "it").facts, &|hz| match hz {
        hz if (60.0..70.0).contains(&hz) => usual(hz) - 8.0,
        hz if (40.0..120.0).contains(&hz) => usual(hz) - 14.0,
        hz => usual(hz),
    });
    let (decisions, bands) = run(&session, &facts);
    assert!(bands.iter().any(|band| (60.0..=70.0).contains(&band.freq_hz)), "{decisions:?}");
}

#[test]
fn level_does_not_matter_and_what_is_set_stays() {
    let (session, facts) = shelved("lead_vocal", 4_000.0, -9.0);
    assert_eq!(run(&session, &facts), run(&session, &louder(&facts, -21.0)));
    let yours = Rules { yours: vec!["track.it.insert.tone".parse().unwrap()], ..Rules::default() };
    assert!(AdditiveEq.decide(&facts, &session, &yours).is_empty());
}
