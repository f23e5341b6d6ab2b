//! How much room a recording already has: a room bounds how fast any sound in it can fall.

use crate::levels::{at, level_db, sorted};
use crate::parts::role;
use measure::Analysis;
use session::Strip;

/// Decay times from which a recording counts as having a room, in seconds.
pub(super) const WET_S: f64 = 0.45;
/// Falls are looked for from levels at most so far under the loudest (95th percentile), in dB.
const LOUD_DB: f64 = 15.0;
/// A fall begins with at least this much from one row of 50 ms to the next, in dB.
const EDGE_DB: f64 = 2.0;
/// And is followed for so many rows more: 150 ms.
const ROWS: usize = 3;
/// The fastest of at least so many falls count: their 90th percentile.
const LEAST_FALLS: usize = 8;
const FASTEST: f64 = 0.9;
/// A voice or a kit whose side comes as near to its middle was printed with its room or its effects, in dB: a dry
/// voice is a point, and one microphone on a kit is mono.
const PRINTED_DB: f64 = -24.0;
/// Rumble below has nothing to do with rooms, in hertz.
const LOW_HZ: f64 = 200.0;

/// The decay time (by 60 dB) of a room in which the recording's fastest falls would be possible, in seconds.
/// `None` where it does not fall often enough to say.
pub(crate) fn decay_s(now: &Analysis) -> Option<f64> {
    let erb = &now.erb;
    let level = |row: usize| -> f64 {
        let bands = erb.row(row).iter().zip(&erb.centres_hz);
        level_db(bands.filter(|(_, hz)| **hz >= LOW_HZ).map(|(power, _)| f64::from(*power)).sum())
    };
    let levels: Vec<f64> = (0..erb.rows()).map(level).collect();
    let active = levels.iter().zip(&erb.active).filter(|(_, active)| **active).map(|(db, _)| *db).collect();
    let loudest = at(&sorted(active), 0.95)?;
    let falls: Vec<f64> = levels
        .windows(ROWS + 2)
        .filter(|w| w[0] > loudest - LOUD_DB && w[1] < w[0] - EDGE_DB && w[2] < w[1] && w[3] < w[2])
        .map(|w| w[1] - w[ROWS + 1])
        .collect();
    let fastest_db = at(&sorted(falls.clone()), FASTEST).filter(|_| falls.len() >= LEAST_FALLS)?;
    let seconds = ROWS as f64 * erb.frame_s;
    (fastest_db > 0.0).then(|| 60.0 * seconds / fastest_db)
}

/// Whether a stereo recording of what is a point when it is dry has a side: its room is in it.
pub(crate) fn is_printed(track: &Strip, now: &Analysis) -> bool {
    let point = matches!(
        role(track),
        "lead_vocal" | "backing_vocal" | "harmony_vocal" | "drum_kit" | "drum_loop" | "drum_machine"
    );
    point && now.facts.channels == 2 && now.facts.side_mid_db.is_some_and(|db| db > PRINTED_DB)
}
