//! Close microphones of drums hear the other drums between their own strokes: a gate turns that down.
//!
//! Onsets fall into two heaps, own strokes and bleed, when they are counted in the drum's own band: the level
//! that splits them best has the least variance inside of the heaps (Otsu 1979). Where no such level stands
//! clear between the heaps there is no gate: soft strokes would be lost.

use crate::levels::{at, level_db, sorted};
use crate::parts::role;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, TrackFacts};
use dsp::processors::gate;
use measure::Analysis;
use session::{Change, Decision, StepId, Strip};

/// Bleed farther below the strokes than this does not matter, in dB.
const MATTERS_DB: f64 = 30.0;
/// The heaps' middles are at least this far apart, in dB.
const APART_DB: f64 = 8.0;
/// And their nearest edges (softest tenth of the strokes, loudest of the bleed), in dB.
const CLEAR_DB: f64 = 5.0;
/// So many onsets of each, and this share of all are bleed.
const LEAST_ONSETS: usize = 3;
const LEAST_SHARE: f64 = 0.2;
/// Bounds of the range, in dB: turned down, not cut off.
const RANGE_DB: (f64, f64) = (10.0, 20.0);
/// From the mean power of 50 ms with the beginning of a decaying low tone in it to its peak: 3 dB of a sine
/// and 2 dB of decay.
const PEAK_DB: f64 = 5.0;
/// Rows after an onset in which its level is looked for.
const REACH_ROWS: usize = 3;

/// The range in which a drum hears itself, in hertz, and how long its strokes last, in ms.
struct Drum {
    low_hz: f64,
    high_hz: f64,
    hold_ms: f64,
    release_ms: f64,
}

fn drum(role: &str) -> Option<Drum> {
    let drum = |low_hz, high_hz, hold_ms, release_ms| Some(Drum { low_hz, high_hz, hold_ms, release_ms });
    match role {
        "kick" | "kick_in" | "kick_out" => drum(0.0, 130.0, 60.0, 120.0),
        "snare" | "snare_top" => drum(130.0, 1_000.0, 80.0, 150.0),
        "tom_rack" => drum(80.0, 400.0, 150.0, 250.0),
        "tom_floor" | "toms" => drum(60.0, 300.0, 180.0, 300.0),
        _ => None,
    }
}

/// Levels of the onsets in a drum's own band, in dB, in ascending order.
fn onsets_db(now: &Analysis, drum: &Drum) -> Vec<f64> {
    let erb = &now.erb;
    let own = |row: usize| -> f64 {
        let bands = erb.row(row).iter().zip(&erb.centres_hz);
        bands.filter(|(_, hz)| (drum.low_hz..drum.high_hz).contains(*hz)).map(|(p, _)| f64::from(*p)).sum()
    };
    let level = |time_s: &f64| {
        let first = (time_s / erb.frame_s.max(1e-3)) as usize;
        let rows = first..(first + REACH_ROWS).min(erb.rows());
        level_db(rows.map(own).fold(0.0, f64::max))
    };
    sorted(now.onsets_s.iter().map(level).collect())
}

/// Number of values in the lower heap of two that have the least variance inside of them.
fn split(sorted: &[f64]) -> usize {
    let scatter = |heap: &[f64]| {
        let mean = heap.iter().sum::<f64>() / heap.len() as f64;
        heap.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let places = 1..sorted.len();
    let cost = |place: &usize| scatter(&sorted[..*place]) + scatter(&sorted[*place..]);
    places.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(0)
}

pub(super) fn gate(track: &Strip, known: &TrackFacts, rules: &Rules) -> Option<Decision> {
    let drum = drum(role(track))?;
    let now = known.now();
    let onsets = onsets_db(now, &drum);
    if onsets.len() < 2 * LEAST_ONSETS {
        return None;
    }
    let (bleed, strokes) = onsets.split_at(split(&onsets));
    let enough = bleed.len() >= LEAST_ONSETS && strokes.len() >= LEAST_ONSETS;
    if !enough || (bleed.len() as f64) < LEAST_SHARE * onsets.len() as f64 {
        return None;
    }
    let distance_db = at(strokes, 0.5)? - at(bleed, 0.5)?;
    let (softest, loudest) = (at(strokes, 0.1)?, at(bleed, 0.9)?);
    if !(APART_DB..=MATTERS_DB).contains(&distance_db) || softest - loudest < CLEAR_DB {
        return None;
    }
    // Nearer to the bleed: a soft stroke that is lost is worse than a bit of bleed that is left.
    let threshold_db = tenth(loudest + 0.4 * (softest - loudest) + PEAK_DB).clamp(-80.0, 0.0);
    let range_db = (MATTERS_DB - distance_db).clamp(RANGE_DB.0, RANGE_DB.1) * rules.strength.clamp(0.0, 1.0);
    let range_db = range_db.round();
    if range_db < 1.0 {
        return None;
    }
    let mut numbers = vec![
        ("threshold_db", threshold_db),
        ("hysteresis_db", 4.0),
        ("range_db", range_db),
        ("attack_ms", 0.5),
        ("hold_ms", drum.hold_ms),
        ("release_ms", drum.release_ms),
        // Ten times the attack opens in time.
        ("lookahead_ms", 5.0),
        ("key_low_pass_hz", drum.high_hz),
    ];
    if drum.low_hz > 0.0 {
        numbers.push(("key_high_pass_hz", drum.low_hz));
    }
    let values = settings(&gate::KIND, &numbers, &[]);
    let why = format!(
        "Other drums come in only {distance_db:.1} dB below its own strokes ({} of {} onsets are not its own): a gate \
         that opens at {threshold_db:.1} dB between {:.0} and {:.0} Hz turns them down by {range_db:.0} dB.",
        bleed.len(),
        onsets.len(),
        drum.low_hz.max(20.0),
        drum.high_hz
    );
    let change = Change::insert(&track.path(), "gate", &gate::KIND, &values);
    Some(
        Decision::new(StepId::Dynamics, change, why)
            .noted(format!("bleed {distance_db:.0} dB below the strokes"))
            .measured("bleed below the strokes", distance_db, "dB")
            .measured("clear between them", softest - loudest, "dB")
            .measured("onsets of bleed", bleed.len() as f64, "")
            .sure((0.5 + 0.03 * (softest - loudest)).min(0.85))
            .unless("soft strokes go missing"),
    )
}
