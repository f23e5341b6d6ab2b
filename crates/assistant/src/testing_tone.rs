//! Spectra for made-up facts.

use crate::testing::{Sound, analysis, song_of};
use crate::tone::typical;
use crate::{SongFacts, TrackFacts};
use measure::{Analysis, BandFacts, BandLevel, Facts};
use session::Session;

/// Edges of the octaves of `Facts::bands`.
const EDGES_HZ: [f64; 10] = [20.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];

/// Puts a spectrum of third octaves into facts, at any level: `shape` gives dB at hertz.
pub(crate) fn put_spectrum(facts: &mut Facts, shape: &dyn Fn(f64) -> f64) {
    let level_dbfs = facts.active_rms_dbfs.unwrap_or(-18.0);
    let centres: Vec<f64> = (0..30).map(|n| 1000.0 * 10f64.powf((f64::from(n) - 16.0) / 10.0)).collect();
    let powers: Vec<f64> = centres.iter().map(|hz| audio::db_to_power(shape(*hz))).collect();
    let sum: f64 = powers.iter().sum();
    let db = |power: f64| audio::power_to_db(power / sum);
    facts.third_octave_db = centres
        .iter()
        .zip(&powers)
        .map(|(hz, power)| BandLevel { hz: *hz, db: Some(db(*power) + level_dbfs) })
        .collect();
    facts.bands = EDGES_HZ
        .windows(2)
        .map(|edge| {
            let inside = centres.iter().zip(&powers).filter(|(hz, _)| **hz >= edge[0] && **hz < edge[1]);
            let power: f64 = inside.map(|(_, power)| power).sum();
            BandFacts {
                low_hz: edge[0],
                high_hz: edge[1],
                share_db: Some(db(power)),
                side_mid_db: None,
                correlation: None,
            }
        })
        .collect();
    let mut below = 0.0;
    let first = centres.iter().zip(&powers).find(|(_, power)| {
        below += **power;
        below >= 0.01 * sum
    });
    facts.energy_1_percent_hz = first.map(|(hz, _)| *hz);
}

/// The usual spectrum of a role, in dB at hertz; flat where there is none.
pub(crate) fn usual(role: &str) -> impl Fn(f64) -> f64 + use<> {
    let typical = typical(role);
    move |hz: f64| {
        let octave = EDGES_HZ.windows(2).position(|edge| hz >= edge[0] && hz < edge[1]);
        // Three thirds to the octave.
        match (typical, octave) {
            (Some(typical), Some(octave)) => typical.share_db[octave] - 4.77,
            (None, Some(_)) => 0.0,
            (_, None) => -60.0,
        }
    }
}

/// Too much or too little of something: a bell in dB over the logarithm of frequency.
pub(crate) fn bump(hz: f64, centre_hz: f64, gain_db: f64, octaves: f64) -> f64 {
    gain_db * (-((hz / centre_hz).log2() / (octaves / 2.0)).powi(2)).exp()
}

/// An analysis with a spectrum.
pub(crate) fn with_spectrum(sound: &Sound, shape: &dyn Fn(f64) -> f64) -> Analysis {
    let mut analysis = analysis(sound);
    put_spectrum(&mut analysis.facts, shape);
    analysis
}

/// A session of tracks `(id, role)` that sound as is usual for their roles.
pub(crate) fn usual_song(tracks: &[(&str, &str)]) -> (Session, SongFacts) {
    let sounds: Vec<(&str, &str, Sound)> =
        tracks.iter().map(|(id, role)| (*id, *role, Sound::of_role(role))).collect();
    let (session, mut facts) = song_of(&sounds);
    for (id, role, sound) in &sounds {
        let raw = with_spectrum(sound, &usual(role));
        facts.tracks.insert(id.to_string(), TrackFacts { raw, ..TrackFacts::default() });
    }
    (session, facts)
}

/// The facts of a track of the song, to be changed.
pub(crate) fn raw<'a>(facts: &'a mut SongFacts, id: &str) -> &'a mut Analysis {
    &mut facts.tracks.get_mut(id).expect("a track of the song").raw
}

/// Everything by so many dB louder.
pub(crate) fn louder(facts: &SongFacts, gain_db: f64) -> SongFacts {
    let mut facts = facts.clone();
    for track in facts.tracks.values_mut() {
        let Analysis { facts: own, erb, .. } = &mut track.raw;
        for level in [
            &mut own.true_peak_dbtp,
            &mut own.sample_peak_dbfs,
            &mut own.active_rms_dbfs,
            &mut own.noise_floor_dbfs,
            &mut own.active_lufs,
        ] {
            *level = level.map(|level| level + gain_db);
        }
        own.third_octave_db.iter_mut().for_each(|band| band.db = band.db.map(|db| db + gain_db));
        erb.power.iter_mut().for_each(|power| *power *= audio::db_to_power(gain_db) as f32);
    }
    facts
}
