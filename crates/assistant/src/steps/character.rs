//! Step 8: the drums are glued by a gentle compressor on their bus, and a bass that small loudspeakers cannot
//! play gets the overtones it lacks. Nothing is saturated for its own sake.

use crate::levels::{Curve, Levels, crossing};
use crate::parts::{heard, role};
use crate::rack::{Band, is_taken, settings};
use crate::roles;
use crate::tone::share_db;
use crate::words::tenth;
use crate::{Hears, Rules, SongFacts, Step, TrackFacts};
use dsp::processors::{compressor, saturator};
use session::{Change, Decision, Session, StepId, Strip};
use std::f64::consts::{PI, SQRT_2, TAU};

/// Reduction of the glue that 10 % of the time exceed, in dB.
const GLUE_DB: f64 = 1.5;
const GLUE_RATIO: f64 = 2.0;
const GLUE_KNEE_DB: f64 = 6.0;
const GLUE_ATTACK_MS: f64 = 20.0;
/// The glue does not hear the kick's fundamental, in hertz.
const GLUE_HIGH_PASS_HZ: f64 = 100.0;
/// Release: half a beat, or this, in ms.
const GLUE_RELEASE_MS: f64 = 180.0;
/// A bus that is this dense already is glued, in dB of crest.
const DENSE_DB: f64 = 9.0;
/// So many tracks make a group.
const GROUP: usize = 2;
/// Small loudspeakers begin here, in hertz.
const SMALL_HZ: f64 = 250.0;
/// A bass that has less than this share of its energy above is not heard there, in dB.
const LEAST_SHARE_DB: f64 = -14.0;
/// So much of it should come from overtones, in dB; more than that changes the instrument.
const WANTED_SHARE_DB: f64 = -22.0;
/// Bounds of the drive, in dB, and how much of the saturated signal is added, in percent. Harder, a bass
/// turns into a fuzz.
const DRIVE_DB: (f64, f64) = (3.0, 18.0);
const MIX_PERCENT: f64 = 50.0;
/// Working point of the saturator's tube on its curve (see there).
const TUBE_BIAS: f64 = 0.3;
/// A bent wave that is not symmetric has direct current; this takes it away, in hertz.
const DIRECT_CURRENT_HZ: f64 = 20.0;
/// The working level of the saturator, in dBFS.
const WORKING_DBFS: f64 = -18.0;

/// Saturation and glue.
pub(crate) struct Character;

impl Step for Character {
    fn id(&self) -> StepId {
        StepId::Character
    }

    fn hears(&self) -> Hears {
        Hears::Mix
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let basses = heard(session)
            .filter(|track| roles::family(role(track)) == "bass" && !is_taken(track, "drive", rules));
        let mut decisions: Vec<Decision> = basses
            .filter_map(|track| overtones(track, facts.tracks.get(&track.id)?, rules))
            .flatten()
            .collect();
        let buses = session.buses.values().filter(|bus| !bus.mute && !is_taken(bus, "glue", rules));
        decisions.extend(buses.filter_map(|bus| glue(bus, facts, session, rules)));
        decisions
    }
}

/// A gentle compressor on a bus of drums.
fn glue(bus: &Strip, facts: &SongFacts, session: &Session, rules: &Rules) -> Option<Decision> {
    let tracks: Vec<&Strip> =
        heard(session).filter(|track| track.bus.as_deref() == Some(bus.id.as_str())).collect();
    let drums = tracks.iter().filter(|track| roles::family(role(track)) == "drums").count();
    if tracks.len() < GROUP || 2 * drums <= tracks.len() {
        return None;
    }
    let crest_db = facts.groups.get(&bus.id).and_then(|group| group.active_crest_db);
    if crest_db.is_some_and(|crest| crest < DENSE_DB) {
        return None;
    }
    let part = |track: &&Strip| {
        let now = facts.tracks.get(&track.id)?.now();
        let gain = audio::db_to_power(track.fader_db + bus.trim_db);
        Some((Levels::of(now, GLUE_HIGH_PASS_HZ), gain))
    };
    let levels = Levels::sum(&tracks.iter().filter_map(part).collect::<Vec<_>>());
    let sorted = levels.active_db();
    let (quietest, loudest) = (*sorted.first()?, *sorted.last()?);
    let beat_s = session.song.tempo_bpm.or(facts.tempo.map(|(bpm, _)| bpm)).map(|bpm| 60.0 / bpm);
    let release_ms = beat_s.map_or(GLUE_RELEASE_MS, |s| (s * 500.0).clamp(80.0, 400.0));
    let curve = |threshold_db: f64| Curve {
        threshold_db,
        ratio: GLUE_RATIO,
        knee_db: GLUE_KNEE_DB,
        attack_ms: GLUE_ATTACK_MS,
        release_ms: (release_ms / 5.0).round() * 5.0,
    };
    let wanted_db = GLUE_DB * rules.strength.clamp(0.0, 1.4);
    if wanted_db < 0.5 {
        return None;
    }
    let threshold_db =
        crossing(quietest - 12.0, loudest + 6.0, |db| levels.compressed(&curve(db)).p90_db - wanted_db);
    let curve = curve(tenth(threshold_db).clamp(-80.0, 0.0));
    let outcome = levels.compressed(&curve);
    let makeup_db = tenth(outcome.lost_lu.max(0.0));
    let values = settings(
        &compressor::KIND,
        &[
            ("threshold_db", curve.threshold_db),
            ("ratio", curve.ratio),
            ("knee_db", curve.knee_db),
            ("attack_ms", curve.attack_ms),
            ("release_ms", curve.release_ms),
            ("rms_ms", 10.0),
            ("sidechain_high_pass_hz", GLUE_HIGH_PASS_HZ),
            ("makeup_db", makeup_db),
        ],
        &[("detector", "rms")],
    );
    let beat = if beat_s.is_some() { " (half a beat)" } else { "" };
    let why = format!(
        "Glue for {} drum tracks: {GLUE_RATIO:.0}:1 above {:.1} dB, {:.1} dB of reduction on the loudest tenth, {:.1} on \
         average; {:.0} ms release{beat}, {makeup_db:.1} dB of make-up keep the loudness.",
        tracks.len(),
        curve.threshold_db,
        outcome.p90_db,
        outcome.mean_db,
        curve.release_ms
    );
    let change = Change::insert(&bus.path(), "glue", &compressor::KIND, &values);
    let decision = Decision::new(StepId::Character, change, why)
        .noted(format!("{:.1} dB on the loudest tenth", outcome.p90_db))
        .measured("90th percentile of the reduction", outcome.p90_db, "dB")
        .measured("mean reduction", outcome.mean_db, "dB")
        .sure(0.65)
        .unless("the drums shall stay untouched");
    Some(match crest_db {
        Some(crest) => decision.measured("crest of the bus", crest, "dB"),
        None => decision,
    })
}

/// The tube's curve of a sine of a level in dBFS, over one period, without its direct current.
fn curved(level_dbfs: f64) -> Vec<f64> {
    const POINTS: usize = 256;
    let amplitude = audio::db_to_gain(level_dbfs) * SQRT_2;
    let at_rest = TUBE_BIAS.tanh();
    let bent = |n: usize| {
        let x = amplitude * (TAU * (n as f64 + 0.5) / POINTS as f64).sin();
        ((x + TUBE_BIAS).tanh() - at_rest) / (1.0 - at_rest * at_rest)
    };
    let wave: Vec<f64> = (0..POINTS).map(bent).collect();
    let mean = wave.iter().sum::<f64>() / POINTS as f64;
    wave.into_iter().map(|x| x - mean).collect()
}

/// Share of the energy above [`SMALL_HZ`], as a factor, that the tube gives a sine of a level and a pitch, by
/// Fourier's sums over one period.
fn harmonics_share(level_dbfs: f64, drive_db: f64, pitch_hz: f64) -> f64 {
    let wave = curved(level_dbfs + drive_db);
    let harmonic = |number: usize| {
        let turn = |n: usize| 2.0 * PI * number as f64 * (n as f64 + 0.5) / wave.len() as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in wave.iter().enumerate() {
            re += x * turn(n).cos();
            im += x * turn(n).sin();
        }
        re * re + im * im
    };
    let all: f64 = (1..40).map(harmonic).sum();
    let heard: f64 = (1..40).filter(|number| *number as f64 * pitch_hz >= SMALL_HZ).map(harmonic).sum();
    heard / all.max(1e-30)
}

/// Level of a sine behind the curve, in dBFS.
fn curved_dbfs(level_dbfs: f64) -> f64 {
    let wave = curved(level_dbfs);
    audio::power_to_db(wave.iter().map(|x| x * x).sum::<f64>() / wave.len() as f64)
}

/// Gain that keeps the loudness of a blend: the saturator matches a signal at the working level, and this one
/// stands `lift_db` lower.
fn matched_db(needed_db: f64, lift_db: f64) -> f64 {
    let (own, matched) =
        (curved_dbfs(WORKING_DBFS + needed_db), curved_dbfs(WORKING_DBFS + needed_db + lift_db));
    let wet = MIX_PERCENT / 100.0;
    -audio::gain_to_db(1.0 - wet + wet * audio::db_to_gain(own - matched + lift_db))
}

/// The share in dB that a blend of dry and saturated signal has, both equally loud and in phase.
fn blended_db(level_dbfs: f64, drive_db: f64, pitch_hz: f64) -> f64 {
    let wet = MIX_PERCENT / 100.0;
    audio::power_to_db((harmonics_share(level_dbfs, drive_db, pitch_hz) * wet * wet).max(1e-12))
}

/// Overtones for a bass that has none.
fn overtones(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<[Decision; 2]> {
    let now = &known.now().facts;
    let share = share_db(now, SMALL_HZ, 20_000.0)?;
    if share >= LEAST_SHARE_DB {
        return None;
    }
    let level_dbfs = now.active_rms_dbfs?;
    let pitched = known.raw.facts.pitched_share.unwrap_or(0.0) > 0.5;
    // The middle note; without one, a low A.
    let pitch_hz = known.raw.facts.pitch_median_hz.filter(|_| pitched).unwrap_or(55.0);
    // The level decides how hard the curve is driven; what stands lower than usual needs so much more.
    let lift_db = (WORKING_DBFS - level_dbfs).clamp(-12.0, 12.0);
    let missing = |drive_db: f64| WANTED_SHARE_DB - blended_db(WORKING_DBFS, drive_db, pitch_hz);
    let most_db = DRIVE_DB.1 * rules.strength.clamp(0.0, 1.2);
    if most_db < DRIVE_DB.0 {
        return None;
    }
    let needed_db = crossing(DRIVE_DB.0, most_db, missing);
    let drive_db = tenth(needed_db + lift_db);
    let after_db = blended_db(WORKING_DBFS, needed_db, pitch_hz);
    let values = settings(
        &saturator::KIND,
        &[
            ("drive_db", drive_db),
            ("mix_percent", MIX_PERCENT),
            ("output_db", tenth(matched_db(needed_db, drive_db - needed_db))),
        ],
        &[("curve", "tube")],
    );
    let stopped = if after_db < WANTED_SHARE_DB - 0.5 {
        format!(" {WANTED_SHARE_DB:.0} dB were wanted; more drive would be heard as distortion.")
    } else {
        String::new()
    };
    let why = format!(
        "Only {share:.1} dB of its energy lie above {SMALL_HZ:.0} Hz, where small loudspeakers begin \
         ({LEAST_SHARE_DB:.0} dB at least are usual): {drive_db:.1} dB of drive, {MIX_PERCENT:.0} % mixed in, give it \
         overtones of about {after_db:.0} dB.{stopped}"
    );
    let change = Change::insert(&track.path(), "drive", &saturator::KIND, &values);
    let drive = Decision::new(StepId::Character, change, why)
        .noted(format!("{share:.0} dB above {SMALL_HZ:.0} Hz"))
        .measured("energy above 250 Hz", share, "dB")
        .measured("level", level_dbfs, "dBFS")
        .sure(0.7)
        .unless("the bass shall only be felt");
    let band = Band::high_pass("direct_current", DIRECT_CURRENT_HZ);
    let why = format!(
        "The curve bends one side of the wave more than the other, by {drive_db:.1} dB of drive: a high-pass at \
         {DIRECT_CURRENT_HZ:.0} Hz takes away the direct current of that."
    );
    let clean = Decision::new(StepId::Character, band.change(track, "drive_clean", true), why)
        .noted("no direct current")
        .measured("drive", drive_db, "dB")
        .sure(0.9);
    Some([drive, clean])
}

#[cfg(test)]
mod tests;
