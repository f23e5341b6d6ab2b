//! Onsets in the microphone of one drum, counted in its own band.
//!
//! They fall into two heaps, own strokes and bleed: the level that splits them best has the least variance
//! inside of the heaps (N. Otsu, *A threshold selection method from gray-level histograms*, IEEE Trans. SMC 9,
//! 1979).

use crate::levels::{at, level_db, sorted};
use measure::Analysis;

/// From the mean power of 50 ms with the beginning of a decaying low tone in it to its peak: 3 dB of a sine
/// and 2 dB of decay.
pub(super) const PEAK_DB: f64 = 5.0;
/// Rows after an onset in which its level is looked for.
const REACH_ROWS: usize = 3;

/// The range in which a drum hears itself, in hertz, and how long its strokes last, in ms.
pub(super) struct Drum {
    pub(super) low_hz: f64,
    pub(super) high_hz: f64,
    pub(super) hold_ms: f64,
    pub(super) release_ms: f64,
}

pub(super) fn drum(role: &str) -> Option<Drum> {
    let drum = |low_hz, high_hz, hold_ms, release_ms| Some(Drum { low_hz, high_hz, hold_ms, release_ms });
    match role {
        "kick" | "kick_in" | "kick_out" => drum(0.0, 130.0, 60.0, 120.0),
        "snare" | "snare_top" => drum(130.0, 1_000.0, 80.0, 150.0),
        "tom_rack" => drum(80.0, 400.0, 150.0, 250.0),
        "tom_floor" | "toms" => drum(60.0, 300.0, 180.0, 300.0),
        _ => None,
    }
}

/// A heap of fewer than this is not all that a drum plays.
const LEAST_OWN: usize = 4;

/// Own strokes of a drum: onset in seconds and level in its own band in dB, in order of time. Bleed is left out
/// where it is told from them. `None` for what is no drum.
pub(crate) fn strokes_db(now: &Analysis, role: &str) -> Option<Vec<(f64, f64)>> {
    let all = timed_db(now, &drum(role)?);
    let levels = sorted(all.iter().map(|(_, level)| *level).collect());
    // A few strokes far above all others are not the only ones of the drum.
    let place = Some(bleed(&levels)).filter(|place| levels.len() - place >= LEAST_OWN).unwrap_or(0);
    let own = &levels[place..];
    let softest = own.first().copied()?;
    Some(all.into_iter().filter(|(_, level)| *level >= softest).collect())
}

/// Strokes are what lies within this of the loudest, in dB: the rest is bleed.
pub(super) const STROKES_DB: f64 = 16.0;

/// How many of the onsets are bleed: the lower heap, where the heaps are far apart.
pub(super) fn bleed(onsets: &[f64]) -> usize {
    let place = split(onsets);
    match (at(&onsets[..place], 0.5), at(&onsets[place..], 0.5)) {
        (Some(low), Some(high)) if high - low > STROKES_DB / 2.0 => place,
        _ => 0,
    }
}

/// Levels of the onsets in a drum's own band, in dB, in ascending order.
pub(super) fn onsets_db(now: &Analysis, drum: &Drum) -> Vec<f64> {
    sorted(timed_db(now, drum).into_iter().map(|(_, level)| level).collect())
}

/// Onsets in seconds with their levels in a drum's own band, in dB.
fn timed_db(now: &Analysis, drum: &Drum) -> Vec<(f64, f64)> {
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
    now.onsets_s.iter().map(|time_s| (*time_s, level(time_s))).collect()
}

/// Number of values in the lower heap of two that have the least variance inside of them.
pub(super) fn split(sorted: &[f64]) -> usize {
    let scatter = |heap: &[f64]| {
        let mean = heap.iter().sum::<f64>() / heap.len() as f64;
        heap.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let places = 1..sorted.len();
    let cost = |place: &usize| scatter(&sorted[..*place]) + scatter(&sorted[*place..]);
    places.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(0)
}
