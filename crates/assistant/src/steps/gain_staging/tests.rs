use super::*;
use crate::testing::{Sound, applied, decide, song_of};
use proptest::prelude::*;
use session::Path;

fn staged(tracks: &[(&str, &str, Sound)]) -> Session {
    let (session, facts) = song_of(tracks);
    applied(&session, &decide(&GainStaging, &facts, &session, &Rules::default()))
}

fn sound(level_dbfs: f64, crest_db: f64) -> Sound {
    Sound { crest_db, ..Sound::band(200.0, 3_000.0).at(level_dbfs) }
}

#[test]
fn active_parts_come_to_the_working_level() {
    let session = staged(&[("gtr", "guitar_electric", sound(-25.4, 11.0))]);
    assert!((session.tracks["gtr"].trim_db - 7.4).abs() < 0.05);
}

#[test]
fn peaks_and_strokes_are_the_limit() {
    let session = staged(&[
        // A crest of 14 dB would bring peaks to -4 dBFS at -18 dBFS: 2 dB less.
        ("vox", "lead_vocal", sound(-30.0, 14.0)),
        // Strokes: their peaks to -10 dBFS, whatever the RMS.
        ("kick", "kick_in", sound(-30.0, 20.0)),
        // Never more than 30 dB.
        ("far", "unknown", sound(-75.0, 10.0)),
    ]);
    assert!((session.tracks["vox"].trim_db - 10.0).abs() < 0.05);
    assert!((session.tracks["kick"].trim_db - 0.0).abs() < 0.05);
    assert_eq!(session.tracks["far"].trim_db, 30.0);
}

#[test]
fn microphones_of_one_source_share_a_trim() {
    let session = staged(&[
        ("top", "snare_top", sound(-30.0, 12.0)),
        ("bottom", "snare_bottom", sound(-22.0, 12.0)),
        ("bass", "bass_di", sound(-30.0, 10.0)),
    ]);
    assert_eq!(session.tracks["top"].trim_db, session.tracks["bottom"].trim_db);
    // The hotter one decides: -18 - -22.
    assert!((session.tracks["top"].trim_db - 4.0).abs() < 0.05);
    assert!((session.tracks["bass"].trim_db - 12.0).abs() < 0.05);
}

#[test]
fn a_working_level_is_left_alone_and_silence_too() {
    let quiet = sound(-18.2, 11.0);
    let (session, mut facts) = song_of(&[("a", "piano", quiet.clone()), ("b", "organ", quiet)]);
    facts.tracks.get_mut("b").unwrap().raw.facts.active_rms_dbfs = None;
    assert!(decide(&GainStaging, &facts, &session, &Rules::default()).is_empty());
    assert!(GainStaging.decide(&SongFacts::default(), &session, &Rules::default()).is_empty());
}

#[test]
fn dirt_that_is_filtered_out_does_not_count() {
    let (session, mut facts) = song_of(&[("vox", "lead_vocal", sound(-18.0, 6.0))]);
    // Half of the power is rumble: the voice itself is 3 dB lower.
    facts.tracks.get_mut("vox").unwrap().raw.facts.below_25_hz_db = Some(-3.01);
    let prepared = applied(
        &session,
        &crate::steps::preparation::Preparation.decide(&facts, &session, &Rules::default()),
    );
    let staged = applied(&prepared, &decide(&GainStaging, &facts, &prepared, &Rules::default()));
    // To a tenth, since trims are rounded to one.
    assert!((staged.tracks["vox"].trim_db - 3.0).abs() < 0.11, "{}", staged.tracks["vox"].trim_db);
}

#[test]
fn a_persons_trim_stays_and_holds_for_the_other_microphones() {
    let (mut session, facts) =
        song_of(&[("top", "snare_top", sound(-30.0, 12.0)), ("bottom", "snare_bottom", sound(-22.0, 12.0))]);
    session.tracks["top"].trim_db = 2.0;
    let rules = Rules { yours: vec!["track.top.trim_db".parse::<Path>().unwrap()], ..Rules::default() };
    let staged = applied(&session, &decide(&GainStaging, &facts, &session, &rules));
    assert_eq!((staged.tracks["top"].trim_db, staged.tracks["bottom"].trim_db), (2.0, 2.0));
}

proptest! {
    #[test]
    fn the_level_after_the_trim_does_not_depend_on_the_level_before(
        level in -45.0..-5.0f64,
        moved in -12.0..12.0f64,
        crest in 3.0..25.0f64,
    ) {
        let trim = |level: f64| staged(&[("t", "piano", sound(level, crest))]).tracks["t"].trim_db;
        let (first, second) = (trim(level), trim(level + moved));
        prop_assume!(first.abs() < 29.0 && second.abs() < 29.0);
        // Trims are rounded to a tenth, and moves below half a decibel are not made.
        prop_assert!((level + first - (level + moved + second)).abs() <= 1.1);
        prop_assert!(level + first + crest <= -6.0 + 0.6);
    }
}
