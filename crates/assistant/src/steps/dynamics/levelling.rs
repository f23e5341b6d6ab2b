//! What wanders in level is held together: threshold and ratio are solved on the levels of the track itself
//! until its loudness varies as much as is usual for its role.
//!
//! That loudness and its range are what to steer compression by: Maddams, Finn & Reiss, *An autonomous method
//! for multi-track dynamic range compression*, DAFx 2012.

use crate::levels::{Curve, Levels, Outcome, at, crossing};
use crate::parts::role;
use crate::rack::settings;
use crate::roles;
use crate::steps::space::dryness::{decay_s, is_printed};
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use dsp::processors::compressor;
use session::{Change, Decision, StepId, Strip};

/// Not heard: half a decibel and a little (the accuracy to which a spread is solved), in LU.
const TOLERANCE_LU: f64 = 0.7;
/// Bounds of the ratio; above the gentle one only where no threshold suffices.
const RATIO: (f64, f64) = (1.5, 6.0);
const GENTLE_RATIO: f64 = 4.0;
/// Where the threshold is looked for, as a share of the levels that lie below it.
const THRESHOLDS: [f64; 4] = [0.6, 0.5, 0.4, 0.25];
/// Mean reduction and its 95th percentile stay below these, in dB; a voice's may be one more.
const MEAN_DB: f64 = 5.0;
const P95_DB: f64 = 9.0;
const VOICE_P95_DB: f64 = 10.0;
/// Crest over 400 ms from which attack and detector are fast, in dB.
const PEAKY_DB: f64 = 15.0;
/// A voice that decays longer is a voice in a room: what its loudness varies by is not the singer's, in seconds.
const WET_S: f64 = 1.2;
/// At least this share of the spread stays.
const KEPT: f64 = 0.5;
/// Release follows the notes: this share of the time between two, within bounds, in ms.
const RELEASE_SHARE: f64 = 0.65;
const RELEASE_MS: (f64, f64) = (40.0, 400.0);
const USUAL_RELEASE_MS: f64 = 180.0;
/// Noise that stands above this after the make-up would be heard, in dB under the level of the playing part
/// (-55 dBFS at the working level); it may rise by so many dB.
const NOISE_BELOW_DB: f64 = -37.0;
const NOISE_RISE_DB: f64 = 6.0;

/// What is usual for a role: engineering practice.
#[derive(Clone, Copy)]
struct Usual {
    /// Spread of momentary loudness, from and to, in LU.
    spread_lu: (f64, f64),
    attack_ms: f64,
    knee_db: f64,
}

fn usual(role: &str) -> Option<Usual> {
    let usual = |from, to, attack_ms, knee_db| Some(Usual { spread_lu: (from, to), attack_ms, knee_db });
    match role {
        "lead_vocal" | "vocal_bus" | "spoken" => usual(4.0, 6.0, 12.0, 8.0),
        "backing_vocal" | "harmony_vocal" | "vocal_double" | "adlib" => usual(4.0, 8.0, 10.0, 8.0),
        "guitar_acoustic" | "guitar_acoustic_di" | "plucked_folk" => usual(5.0, 7.0, 20.0, 6.0),
        "piano" | "electric_piano" | "keys" | "clav" => usual(6.0, 8.0, 25.0, 6.0),
        "bass_upright" => usual(4.0, 6.0, 20.0, 6.0),
        _ if roles::family(role) == "bass" => usual(3.0, 4.5, 20.0, 6.0),
        _ => None,
    }
}

struct Solution {
    curve: Curve,
    outcome: Outcome,
    /// What stopped it before the target.
    stopped: bool,
}

pub(super) fn compressor(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let role = role(track);
    let usual = usual(role)?;
    let now = known.now();
    let levels = Levels::of(now, 0.0);
    // A compressor would bring up the room that a voice was recorded or printed with.
    let voice = roles::family(role) == "vocals";
    if voice && decay_s(now).is_some_and(|seconds| seconds > WET_S) {
        return None;
    }
    // What was printed with its effects was printed with its dynamics.
    if voice && is_printed(track, now) {
        return None;
    }
    let spread_lu = levels.spread_lu()?;
    if spread_lu <= usual.spread_lu.1 + TOLERANCE_LU {
        return None;
    }
    let middle = (usual.spread_lu.0 + usual.spread_lu.1) / 2.0;
    let wanted_lu = spread_lu - (spread_lu - middle) * rules.strength.clamp(0.0, 1.2);
    let target_lu = wanted_lu.max(KEPT * spread_lu);
    let intervals = now.facts.inter_onset_median_s.or(known.raw.facts.inter_onset_median_s);
    let release_ms =
        intervals.map_or(USUAL_RELEASE_MS, |s| RELEASE_SHARE * s * 1000.0).clamp(RELEASE_MS.0, RELEASE_MS.1);
    // Peaks that stand high would pass a slow attack, and the make-up would raise them.
    let peaky = now.facts.active_crest_db.is_some_and(|crest| crest > PEAKY_DB);
    let (attack_ms, rms_ms) =
        if peaky { ((usual.attack_ms / 3.0).round(), 5.0) } else { (usual.attack_ms, 20.0) };
    let start = Curve {
        threshold_db: 0.0,
        ratio: RATIO.0,
        knee_db: usual.knee_db,
        attack_ms,
        release_ms: (release_ms / 5.0).round() * 5.0,
    };
    let p95_db = if roles::family(role) == "vocals" { VOICE_P95_DB } else { P95_DB };
    let gentle = solve(&levels, start, target_lu, p95_db, GENTLE_RATIO).filter(|solution| !solution.stopped);
    let solution = gentle.or_else(|| solve(&levels, start, target_lu, p95_db, RATIO.1))?;
    let Solution { curve, outcome, stopped } = &solution;
    if spread_lu - outcome.spread_lu < TOLERANCE_LU {
        return None;
    }
    let makeup_db = makeup(outcome.lost_lu, known);
    let values = settings(
        &compressor::KIND,
        &[
            ("threshold_db", tenth(curve.threshold_db)),
            ("ratio", curve.ratio),
            ("knee_db", curve.knee_db),
            ("attack_ms", curve.attack_ms),
            ("release_ms", curve.release_ms),
            ("rms_ms", rms_ms),
            ("makeup_db", makeup_db),
        ],
        &[("detector", "rms")],
    );
    let why = format!(
        "Its loudness varied by {spread_lu:.1} LU, now by {:.1} ({:.0} to {:.0} are usual): {:.1}:1 above {:.1} dB, {:.0} \
         ms attack, {:.0} ms release; {:.1} dB of reduction on average, {:.1} at the loudest{}. {:.1} dB of make-up keep \
         the loudness.",
        outcome.spread_lu,
        usual.spread_lu.0,
        usual.spread_lu.1,
        curve.ratio,
        curve.threshold_db,
        curve.attack_ms,
        curve.release_ms,
        outcome.mean_db,
        outcome.p95_db,
        match stopped {
            true => "; more would be heard as work",
            false if target_lu > wanted_lu => "; half of the movement stays",
            false => "",
        },
        makeup_db
    );
    let change = Change::insert(&track.path(), "comp", &compressor::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("spread {spread_lu:.1} to {:.1} LU", outcome.spread_lu))
            .measured("spread of loudness before", spread_lu, "LU")
            .measured("spread of loudness after", outcome.spread_lu, "LU")
            .measured("mean reduction", outcome.mean_db, "dB")
            .measured("95th percentile of the reduction", outcome.p95_db, "dB")
            .sure(0.75)
            .costs(format!(
                "{:.1} dB of reduction on average, and as much of what the player meant",
                outcome.mean_db
            ))
            .unless("the dynamics are the performance"),
    )
}

/// The highest threshold from which a ratio within bounds reaches the target; where none does, what comes
/// nearest without being heard as work.
fn solve(levels: &Levels, start: Curve, target_lu: f64, p95_db: f64, most: f64) -> Option<Solution> {
    let sorted = levels.active_db();
    let mut nearest: Option<Solution> = None;
    for share in THRESHOLDS {
        let threshold_db = at(&sorted, share)?;
        let curve = |ratio: f64| Curve { threshold_db, ratio, ..start };
        let over = |ratio: f64| levels.compressed(&curve(ratio)).spread_lu - target_lu;
        let room = |ratio: f64| {
            let outcome = levels.compressed(&curve(ratio));
            (MEAN_DB - outcome.mean_db).min(p95_db - outcome.p95_db)
        };
        let wanted = crossing(RATIO.0, most, over);
        let bounded = crossing(RATIO.0, most, room);
        // Rounded down: the bounds hold.
        let ratio = ((wanted.min(bounded) * 10.0).floor() / 10.0).clamp(RATIO.0, most);
        let outcome = levels.compressed(&curve(ratio));
        if room(RATIO.0) < 0.0 {
            // Even the gentlest ratio works too hard from here down.
            break;
        }
        let reached = (outcome.spread_lu - target_lu).abs() <= TOLERANCE_LU || outcome.spread_lu < target_lu;
        let solution = Solution { curve: curve(ratio), outcome, stopped: !reached };
        if reached {
            return Some(solution);
        }
        if nearest.as_ref().is_none_or(|best| solution.outcome.spread_lu < best.outcome.spread_lu) {
            nearest = Some(solution);
        }
    }
    nearest
}

/// What the compressor took, given back, unless it raised noise that is heard.
fn makeup(lost_lu: f64, known: &TrackFacts) -> f64 {
    let now = &known.now().facts;
    let noise = now.noise_floor_dbfs.zip(now.active_rms_dbfs).map(|(floor, level)| floor - level);
    let most = if noise.is_some_and(|db| db + lost_lu > NOISE_BELOW_DB) { NOISE_RISE_DB } else { lost_lu };
    tenth(lost_lu.min(most).max(0.0))
}
