//! Mixes with a wish beside them: a rough mix, songs to be near to.

use super::tests::{BAND, level_lu, mixed};
use super::*;
use crate::testing::{Sound, analysis, decide, song};
use crate::{ReferenceTone, RoughMix, TrackFacts};
use audio::{db_to_power, power_to_db};
use measure::{BandLevel, Placed};

/// The band with a rough mix in which the faders stand so far from where they were solved without one.
fn with_rough_mix(moved_db: &[(&str, f64)], error_db: f64) -> (Session, SongFacts, Session) {
    let (session, mut facts) = song(BAND);
    let plain = mixed(&session, &facts);
    let moved = |id: &str| moved_db.iter().find(|(own, _)| *own == id).map_or(0.0, |(_, db)| *db);
    let mut placed = BTreeMap::new();
    let mut power = 0.0;
    for (id, strip) in &plain.tracks {
        let gain_db = strip.fader_db + moved(id);
        placed.insert(id.clone(), Placed { gain_db, right_db: 0.0, error_db });
        let rows = crate::power::Rows::of(&facts.tracks[id].raw);
        power += rows.mean(&crate::power::busiest_third(std::slice::from_ref(&rows))) * db_to_power(gain_db);
    }
    // A recording as loud as all of them in their busy rows; which spectrum it has plays no part.
    let mut sum = analysis(&Sound::tone(1000.0));
    let off_db = power_to_db(power) - power_to_db(crate::power::Rows::of(&sum).mean(&[0]));
    sum.erb.power.iter_mut().for_each(|p| *p *= db_to_power(off_db) as f32);
    facts.tracks.insert("rough".into(), TrackFacts { raw: sum, ..TrackFacts::default() });
    facts.rough_mix = Some(RoughMix { track: "rough".into(), explained: 0.95, placed });
    (session, facts, plain)
}

#[test]
fn what_the_rough_mix_has_louder_is_louder() {
    let (session, facts, plain) = with_rough_mix(&[("keys", 4.0), ("bass", -3.0)], 0.2);
    let wished = mixed(&session, &facts);
    let moved = |id: &str| level_lu(&wished, &facts, &[id]) - level_lu(&plain, &facts, &[id]);
    // Keys vary by 3 LU between good mixes and bass by 2, a rough mix is meant within 1.5: most of the way, not all.
    let (keys, bass) = (moved("keys"), moved("bass"));
    assert!((1.5..4.0).contains(&keys), "{keys}");
    assert!((-3.0..-0.9).contains(&bass), "{bass}");
    let why = decide(&StaticMix, &facts, &session, &Rules::default());
    let of_keys = why.iter().find(|d| d.change.path().to_string() == "track.keys.fader_db").unwrap();
    assert!(of_keys.why.contains("the rough mix has it at"), "{}", of_keys.why);
}

#[test]
fn a_rough_mix_that_agrees_changes_little() {
    let (session, facts, plain) = with_rough_mix(&[], 0.2);
    let wished = mixed(&session, &facts);
    for (id, strip) in &wished.tracks {
        let off = strip.fader_db - plain.tracks[id].fader_db;
        // The solution met expectations that contradict each other halfway; asked for itself it may come 1 dB nearer. The
        // rough mix has no cuts, and faders make good what cuts take: half a decibel more.
        assert!(off.abs() <= 1.5, "{id}: {off}");
    }
}

#[test]
fn the_less_sure_a_level_is_the_less_it_counts() {
    let keys = |error_db: f64| {
        let (session, facts, plain) = with_rough_mix(&[("keys", 6.0)], error_db);
        mixed(&session, &facts).tracks["keys"].fader_db - plain.tracks["keys"].fader_db
    };
    let (sure, unsure) = (keys(0.1), keys(3.0));
    assert!(sure > unsure + 0.5 && unsure >= 0.0, "{sure} {unsure}");
}

#[test]
fn a_dull_reference_turns_bright_parts_down() {
    let tone = |db_per_octave: f64| {
        let band = |n: i32| {
            let hz = 1000.0 * 2f64.powf(f64::from(n) / 3.0);
            BandLevel { hz, db: Some(db_per_octave * (hz / 1000.0).log2() - 20.0) }
        };
        ReferenceTone { name: "record".into(), weight: 1.0, third_octave_db: (-16..14).map(band).collect() }
    };
    let bright_against_dark = |references: Vec<ReferenceTone>| {
        let (session, mut facts) = song(BAND);
        facts.references = references;
        let mixed = mixed(&session, &facts);
        level_lu(&mixed, &facts, &["hat"]) - level_lu(&mixed, &facts, &["bass"])
    };
    let (dull, bright) = (bright_against_dark(vec![tone(-6.0)]), bright_against_dark(vec![tone(1.0)]));
    assert!(dull < bright - 1.0, "{dull} {bright}");
    // Two that differ leave more room than one.
    let both = bright_against_dark(vec![tone(-6.0), tone(1.0)]);
    assert!((dull..bright).contains(&both), "{dull} {both} {bright}");
}
