//! Step 8: the drums are glued by a gentle compressor on their bus, and a bass that small loudspeakers cannot
//! play gets the overtones it lacks beside it. Nothing is saturated for its own sake.

use crate::levels::{Curve, Levels, crossing};
use crate::parts::{heard, role};
use crate::rack::{is_taken, settings};
use crate::roles;
use crate::tone::share_db;
use crate::words::tenth;
use crate::{Hears, Rules, SongFacts, Step};
use dsp::processors::{compressor, eq, saturator};
use dsp::{Kind, Values};
use session::{Change, Decision, Path, Session, StepId, Strip, Value};
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
/// The id of the path that gives a bass overtones.
const RETURN: &str = "overtones";
/// Small loudspeakers begin here, in hertz.
const SMALL_HZ: f64 = 250.0;
/// A bass that has less than this share of its energy above is not heard there, in dB.
const LEAST_SHARE_DB: f64 = -14.0;
/// Overtones beside it should have this level against the bass itself, in dB; more changes the instrument.
const WANTED_DB: f64 = -20.0;
/// Drive of the path beside it against the working level, in dB: the fundamental, which it would bend most, is
/// not heard from there.
const DRIVE_DB: f64 = 18.0;
/// Where the overtones begin and end that the path beside it gives, in hertz, and how steeply.
const OVERTONES_HZ: (f64, f64) = (200.0, 2_500.0);
const SLOPE_DB_PER_OCT: f64 = 24.0;
/// Bounds of the path's fader, in dB.
const FADER_DB: (f64, f64) = (-30.0, 10.0);
/// Working point of the saturator's tube on its curve (see there).
const TUBE_BIAS: f64 = 0.3;
/// The working level of the saturator, in dBFS.
const WORKING_DBFS: f64 = -18.0;

/// Saturation and glue.
pub(crate) struct Character;

impl Step for Character {
    fn id(&self) -> StepId {
        StepId::Character
    }

    fn hears(&self, session: &Session) -> Hears {
        let glued = session.buses.values().any(|bus| !bus.mute && was_one_room(&joined(bus, session)));
        if glued { Hears::Buses } else { Hears::Strips }
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions = overtones(facts, session, rules);
        let buses = session.buses.values().filter(|bus| !bus.mute && !is_taken(bus, "glue", rules));
        decisions.extend(buses.filter_map(|bus| glue(bus, facts, session, rules)));
        decisions
    }
}

/// The tracks that go to a bus.
fn joined<'a>(bus: &Strip, session: &'a Session) -> Vec<&'a Strip> {
    heard(session).filter(|track| track.bus.as_deref() == Some(bus.id.as_str())).collect()
}

/// Whether some tracks are drums that were played in one room: parts that were programmed or are mixed already have none.
fn was_one_room(tracks: &[&Strip]) -> bool {
    let drums = tracks.iter().filter(|track| roles::family(role(track)) == "drums").count();
    let room =
        |track: &&Strip| matches!(role(track), "overhead" | "overhead_left" | "overhead_right" | "drum_room");
    tracks.len() >= GROUP && 2 * drums > tracks.len() && tracks.iter().any(room)
}

/// A gentle compressor on a bus of drums: it joins what was played in one room.
fn glue(bus: &Strip, facts: &SongFacts, session: &Session, rules: &Rules) -> Option<Decision> {
    let tracks = joined(bus, session);
    if !was_one_room(&tracks) {
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
        .costs(format!("{:.1} dB of the contrast between hard and soft hits", outcome.p90_db))
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

/// Level in dBFS of what the tube gives a sine of a level and a pitch in its overtones, behind the filters of
/// the path; by Fourier's sums over one period. The saturator matches its output for the working level.
fn overtones_dbfs(level_dbfs: f64, drive_db: f64, pitch_hz: f64) -> f64 {
    let wave = curved(level_dbfs + drive_db);
    let count = wave.len() as f64;
    // Butterworth's of fourth order.
    let passes = |hz: f64| {
        let (low, high) = ((hz / OVERTONES_HZ.0).powi(8), (hz / OVERTONES_HZ.1).powi(8));
        low / (1.0 + low) / (1.0 + high)
    };
    let harmonic = |number: usize| {
        let turn = |n: usize| 2.0 * PI * number as f64 * (n as f64 + 0.5) / count;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in wave.iter().enumerate() {
            re += x * turn(n).cos();
            im += x * turn(n).sin();
        }
        2.0 * (re * re + im * im) / (count * count) * passes(number as f64 * pitch_hz)
    };
    let matched = curved_power(WORKING_DBFS + drive_db);
    let power: f64 = (1..64).map(harmonic).sum();
    audio::power_to_db((power / matched).max(1e-18)) + WORKING_DBFS
}

/// Mean square of a sine behind the curve.
fn curved_power(level_dbfs: f64) -> f64 {
    let wave = curved(level_dbfs);
    wave.iter().map(|x| x * x).sum::<f64>() / wave.len() as f64
}

/// Overtones for a bass that has none: a driven path beside it, of which only the overtones are heard. The bass
/// itself stays as it is.
fn overtones(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let is_bass = |track: &&Strip| roles::family(role(track)) == "bass";
    let share = |track: &Strip| share_db(&facts.tracks.get(&track.id)?.now().facts, SMALL_HZ, 20_000.0);
    let basses: Vec<(&Strip, f64)> =
        heard(session).filter(is_bass).filter_map(|track| Some((track, share(track)?))).collect();
    // One microphone that has them is enough.
    if basses.iter().any(|(_, share)| *share >= LEAST_SHARE_DB) {
        return Vec::new();
    }
    let Some((track, share)) = basses.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Vec::new();
    };
    let path = Path::new(["return", RETURN]);
    let send = track.path().child("sends").child(format!("{RETURN}_db"));
    let taken = session.strip(RETURN).is_some() || rules.is_yours(&path) || rules.is_yours(&send);
    let wanted_db = WANTED_DB + 6.0 * rules.strength.clamp(0.01, 1.5).log2();
    let level_dbfs = facts.tracks.get(&track.id).and_then(|known| known.now().facts.active_rms_dbfs);
    let Some(level_dbfs) = level_dbfs.filter(|_| !taken && wanted_db > -40.0) else { return Vec::new() };
    path_beside(track, share, level_dbfs, wanted_db, facts)
}

fn path_beside(
    track: &Strip,
    share_db: f64,
    level_dbfs: f64,
    wanted_db: f64,
    facts: &SongFacts,
) -> Vec<Decision> {
    let raw = facts.tracks.get(&track.id).map(|known| &known.raw.facts);
    let pitched = raw.and_then(|raw| raw.pitched_share).unwrap_or(0.0) > 0.5;
    // The middle note; without one, a low A.
    let pitch_hz = raw.and_then(|raw| raw.pitch_median_hz).filter(|_| pitched).unwrap_or(55.0);
    // The send takes the bass behind its fader; the drive brings it to where the curve was made to work.
    let sent_dbfs = level_dbfs + track.fader_db;
    let drive_db = tenth((DRIVE_DB + WORKING_DBFS - sent_dbfs).clamp(0.0, 30.0));
    let made_dbfs = overtones_dbfs(sent_dbfs, drive_db, pitch_hz);
    let wanted_fader_db = sent_dbfs + wanted_db - made_dbfs;
    let fader_db = tenth(wanted_fader_db.clamp(FADER_DB.0, FADER_DB.1));
    let reached_db = made_dbfs + fader_db - sent_dbfs;
    let curve =
        settings(&saturator::KIND, &[("drive_db", drive_db), ("mix_percent", 100.0)], &[("curve", "tube")]);
    let mut filter = Values::neutral(&eq::KIND);
    for (place, (shape, hz)) in
        [("high_pass", OVERTONES_HZ.0), ("low_pass", OVERTONES_HZ.1)].iter().enumerate()
    {
        let known = "a setting of the equaliser";
        filter.push(&eq::KIND, "bands").expect(known);
        filter.set_choice(&eq::KIND, &format!("bands.{place}.type"), shape).expect(known);
        filter.set(&eq::KIND, &format!("bands.{place}.freq_hz"), *hz).expect(known);
        filter.set(&eq::KIND, &format!("bands.{place}.slope_db_per_oct"), SLOPE_DB_PER_OCT).expect(known);
    }
    let path = Path::new(["return", RETURN]);
    let insert =
        |id: &str, kind: &'static Kind, values: &Values| match Change::insert(&path, id, kind, values) {
            Change::Set { value: Value::Table(mut table), .. } => {
                table.insert("id".to_string(), Value::from(id));
                Value::Table(table)
            }
            _ => Value::from(Vec::<Value>::new()),
        };
    let value = Value::table([
        ("label", Value::from("Overtones")),
        ("fader_db", Value::from(fader_db)),
        (
            "insert",
            Value::from(vec![insert("drive", &saturator::KIND, &curve), insert("eq", &eq::KIND, &filter)]),
        ),
    ]);
    let stopped = match wanted_fader_db > FADER_DB.1 + 0.1 {
        true => format!(" {wanted_db:.0} dB were wanted."),
        false => String::new(),
    };
    let why = format!(
        "`{}` has only {share_db:.1} dB of its energy above {SMALL_HZ:.0} Hz, where small loudspeakers begin \
         ({LEAST_SHARE_DB:.0} dB at least are usual): beside it, {drive_db:.1} dB of drive make overtones, of which \
         {:.0} Hz to {:.0} Hz are added at {reached_db:.0} dB against it.{stopped}",
        track.name(),
        OVERTONES_HZ.0,
        OVERTONES_HZ.1
    );
    let to = Decision::new(StepId::Character, Change::Set { path, value }, why)
        .noted(format!("{share_db:.0} dB above {SMALL_HZ:.0} Hz"))
        .measured("energy above 250 Hz", share_db, "dB")
        .measured("level", level_dbfs, "dBFS")
        .sure(0.7)
        .costs("overtones that the instrument did not play")
        .unless("the bass shall only be felt");
    let why = format!(
        "Sent whole to the path that makes overtones of it ({sent_dbfs:.1} dBFS); its fader decides how much is heard."
    );
    let sent = track.path().child("sends").child(format!("{RETURN}_db"));
    let sent = Decision::set(StepId::Character, sent, 0.0, why)
        .noted(format!("overtones at {reached_db:.0} dB"))
        .measured("level behind the fader", sent_dbfs, "dBFS")
        .sure(0.7)
        .costs("nothing by itself: the path decides what is heard")
        .unless("the path for its overtones goes");
    vec![to, sent]
}

#[cfg(test)]
mod tests;
