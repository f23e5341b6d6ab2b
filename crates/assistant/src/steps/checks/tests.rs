use super::*;
use crate::testing::{Sound, analysis, applied, decide, song, song_of};
use measure::{BandFacts, BandLevel};

fn mix(facts: &mut SongFacts, change: impl Fn(&mut Facts)) {
    let mut mix = analysis(&Sound::band(40.0, 12_000.0).stereo());
    (mix.facts.balance_db, mix.facts.correlation, mix.facts.mono_loss_db) = (Some(0.1), Some(0.7), Some(0.7));
    change(&mut mix.facts);
    facts.mix = Some(mix);
}

fn wide() -> (Session, SongFacts) {
    song_of(&[
        ("bass", "bass_di", Sound::of_role("bass_di")),
        ("pad", "synth_pad", Sound::of_role("synth_pad").stereo()),
        ("vox", "lead_vocal", Sound::of_role("lead_vocal")),
    ])
}

fn decisions(session: &Session, facts: &SongFacts) -> Vec<Decision> {
    decide(&Checks, facts, session, &Rules::default())
}

#[test]
fn a_sound_mix_is_left_alone() {
    let (session, mut facts) = wide();
    mix(&mut facts, |_| {});
    assert!(decisions(&session, &facts).is_empty());
    assert!(findings(&facts, &session).is_empty());
    assert!(findings(&SongFacts::default(), &Session::new()).is_empty());
}

#[test]
fn a_track_that_cancels_in_mono_is_narrowed_to_what_mono_bears() {
    let (session, mut facts) = wide();
    mix(&mut facts, |_| {});
    let pad = &mut facts.tracks.get_mut("pad").unwrap().raw.facts;
    // Side 4 dB over the middle: 10 log10(1 + 10^0.4) = 5.5 dB are lost in mono.
    (pad.mono_loss_db, pad.side_mid_db, pad.correlation) = (Some(5.46), Some(4.0), Some(-0.43));
    let after = applied(&session, &decisions(&session, &facts));
    let insert = after.tracks["pad"].insert("width").expect("narrowed");
    let settings = dsp::processors::width::Settings::from_values(&insert.values);
    let side_mid_db = 4.0 + audio::gain_to_db(settings.width_percent / 100.0);
    let loss = audio::power_to_db(1.0 + audio::db_to_power(side_mid_db));
    // Less than two unrelated channels lose, and not narrower than that needs.
    assert!(loss < 3.0 && loss > 2.0, "{loss}");
    assert_eq!(findings(&facts, &session)[0].track.as_deref(), Some("pad"));
    // Narrowed once is enough.
    assert!(decisions(&after, &facts).is_empty());
}

#[test]
fn an_opposite_channel_is_turned_and_not_narrowed() {
    let (session, mut facts) = wide();
    mix(&mut facts, |_| {});
    let pad = &mut facts.tracks.get_mut("pad").unwrap().raw.facts;
    (pad.mono_loss_db, pad.side_mid_db, pad.correlation) = (Some(20.0), Some(20.0), Some(-0.98));
    let after = applied(&session, &decisions(&session, &facts));
    assert_eq!(after.tracks["pad"].inserts.len(), 1);
    assert!(after.tracks["pad"].insert("polarity").is_some());
}

#[test]
fn a_leaning_mix_is_evened_by_its_single_instruments() {
    let (mut session, mut facts) =
        song(&[("keys", "keys"), ("gtr", "guitar_acoustic"), ("bass", "bass_di"), ("vox", "lead_vocal")]);
    (session.tracks["keys"].pan, session.tracks["gtr"].pan) = (45.0, -20.0);
    mix(&mut facts, |mix| mix.balance_db = Some(1.2));
    let after = applied(&session, &decisions(&session, &facts));
    assert!(after.tracks["keys"].pan < 45.0 || after.tracks["gtr"].pan < -20.0);
    assert_eq!((after.tracks["bass"].pan, after.tracks["vox"].pan), (0.0, 0.0));
    // The change is that which was asked for: the balance by the pan law before and after.
    let lean = |session: &Session| {
        let sides = session.tracks.iter().map(|(id, track)| {
            let rows = crate::power::Rows::of(facts.tracks[id].now());
            let power: f64 = rows.power.iter().sum();
            let (l, r) = dsp::blocks::pan::mono(track.pan);
            (power * l * l, power * r * r)
        });
        let (l, r) = sides.fold((0.0, 0.0), |(l, r), (a, b)| (l + a, r + b));
        audio::power_to_db(r / l)
    };
    assert!((lean(&after) - lean(&session) + 1.2).abs() < 0.5, "{} {}", lean(&session), lean(&after));
}

#[test]
fn pairs_and_a_persons_pans_are_not_moved_for_balance() {
    let (mut session, mut facts) = song(&[
        ("gtr_l", "guitar_electric"),
        ("gtr_r", "guitar_electric"),
        ("keys", "keys"),
        ("vox", "lead_vocal"),
    ]);
    (session.tracks["gtr_l"].pan, session.tracks["gtr_r"].pan) = (-80.0, 80.0);
    session.tracks["keys"].pan = 40.0;
    mix(&mut facts, |mix| mix.balance_db = Some(2.0));
    let rules = Rules { yours: vec![session::Path::new(["track", "keys", "pan"])], ..Rules::default() };
    assert!(decide(&Checks, &facts, &session, &rules).is_empty());
    let moved = decisions(&session, &facts);
    assert!(moved.iter().all(|d| d.change.path().parts()[1] == "keys") && moved.len() == 1, "{moved:?}");
}

#[test]
fn what_cannot_be_mended_is_told() {
    let (session, mut facts) = wide();
    mix(&mut facts, |mix| {
        (mix.mono_loss_db, mix.correlation, mix.balance_db) = (Some(2.0), Some(0.05), Some(-0.9));
        mix.bands = vec![BandFacts {
            low_hz: 60.0,
            high_hz: 120.0,
            share_db: None,
            side_mid_db: None,
            correlation: Some(0.4),
        }];
    });
    let bass = &mut facts.tracks.get_mut("bass").unwrap().raw.facts;
    bass.third_octave_db =
        vec![BandLevel { hz: 50.0, db: Some(-20.0) }, BandLevel { hz: 400.0, db: Some(-50.0) }];
    let found = findings(&facts, &session);
    let told: Vec<(Option<&str>, f64, &str)> = found
        .iter()
        .map(|f| (f.track.as_deref(), (f.value * 10.0).round() / 10.0, f.unit.as_str()))
        .collect();
    assert_eq!(
        told,
        [(None, 2.0, "dB"), (None, 0.9, "dB"), (None, 0.1, ""), (None, 0.4, ""), (Some("bass"), -30.0, "dB")]
    );
    assert!(found[1].what.contains("left"));
}
