//! An uneven take: phrases that differ in level by more than a player means.
//!
//! A player follows the song: what its phrases have in common with what everybody else does is its dynamics, and is
//! not touched. What is left over is told by its spread, and evened by a leveller that rides phrases within bounds. It
//! goes by the part's own running mean, so that sections keep their levels against each other.

use crate::levels::{at, sorted};
use crate::parts::{heard, part_of, role};
use crate::power::Rows;
use crate::rack::settings;
use crate::words::tenth;
use crate::{Rules, SongFacts, roles};
use dsp::processors::leveller;
use session::{Change, Decision, Session, StepId, Strip};

/// Windows of 2 s, one every half second, in rows of 50 ms: a window as long as a phrase would nearly always lie half in
/// the next one, and a soft phrase between loud ones would not show.
const WINDOW: usize = 40;
const HOP: usize = 10;
/// So many windows are needed to speak of a spread: some 9 s.
const LEAST_WINDOWS: usize = 16;
/// Phrases that differ by less are as they were meant, in LU: 95th minus 10th percentile. Of 13 singers, basses and horns
/// of four freely licensed multitracks all stay below; the most is 6.9.
const USUAL_LU: f64 = 7.0;
/// What may be left, and the farthest that a phrase is moved, in LU and dB.
const WANTED_LU: f64 = 4.5;
const RANGE_DB: (f64, f64) = (1.5, 4.0);
/// Time of the ride: phrases, not words.
const RIDE_S: f64 = 3.0;
/// What is quieter than the loud rows by more is no playing, in dB: the range of the meter's own activity, which hears
/// what lies below the lowest note as well.
const PLAYING_DB: f64 = 22.5;
/// Smaller gains are not worth it, in LU.
const LEAST_LU: f64 = 1.0;

/// Parts that one player plays or sings phrase by phrase.
fn is_phrased(role: &str) -> bool {
    let voices = matches!(role, "lead_vocal" | "backing_vocal" | "harmony_vocal" | "vocal_double" | "spoken");
    voices
        || matches!(roles::family(role), "bass" | "brass" | "woodwinds")
        || role.starts_with("guitar_acoustic")
}

/// Levellers for uneven takes.
pub(super) fn evened(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let tracks: Vec<(&Strip, Rows)> = heard(session)
        .filter_map(|track| Some((track, audible(Rows::of(&facts.tracks.get(&track.id)?.raw)))))
        .filter(|(_, rows)| rows.power.len() > WINDOW)
        .collect();
    let strength = rules.strength.clamp(0.0, 1.5);
    let one = |(place, (track, own)): (usize, &(&Strip, Rows))| {
        let free = is_phrased(role(track)) && track.insert("level").is_none();
        free.then(|| leveller(track, own, &rest(&tracks, place), strength)).flatten()
    };
    tracks.iter().enumerate().filter_map(one).collect()
}

/// Rows that play by what is heard of them: rumble keeps a track at a level between its phrases as well.
fn audible(mut rows: Rows) -> Rows {
    let playing = sorted(rows.active_rows().into_iter().map(|row| rows.power[row]).collect());
    let least = at(&playing, 0.95).unwrap_or(0.0) * audio::db_to_power(-PLAYING_DB);
    rows.active.iter_mut().zip(&rows.power).for_each(|(active, power)| *active &= *power >= least);
    rows
}

/// What plays beside a track, row by row: every part as loud against the others as such parts are.
fn rest(tracks: &[(&Strip, Rows)], place: usize) -> Vec<f64> {
    let mut sum = Vec::new();
    for (_, (track, rows)) in tracks.iter().enumerate().filter(|(other, _)| *other != place) {
        let mean = rows.mean(&rows.active_rows());
        if mean <= 0.0 {
            continue;
        }
        let gain = audio::db_to_power(part_of(role(track)).level_lu) / mean;
        sum.resize(rows.power.len().max(sum.len()), 0.0);
        sum.iter_mut().zip(&rows.power).for_each(|(sum, power)| *sum += gain * power);
    }
    sum
}

/// Level of a part and of the rest in each window in which it plays, in dB.
fn windows(own: &Rows, rest: &[f64]) -> Vec<(f64, f64)> {
    let starts = (0..=own.power.len().saturating_sub(WINDOW)).step_by(HOP);
    let level = |start: usize| {
        let rows: Vec<usize> = (start..start + WINDOW).filter(|row| own.is_active(*row)).collect();
        let beside: f64 = (start..start + WINDOW).map(|row| rest.get(row).copied().unwrap_or(0.0)).sum();
        let own = own.mean(&rows);
        (2 * rows.len() >= WINDOW && own > 0.0)
            .then(|| (audio::power_to_db(own), audio::power_to_db(beside / WINDOW as f64 + 1e-9)))
    };
    starts.filter_map(level).collect()
}

/// What the level of the part does that the rest does not, in dB around its middle: the remainder of a regression
/// whose slope lies between nothing and all of what the rest does.
fn remainder(windows: &[(f64, f64)]) -> Vec<f64> {
    let count = windows.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| windows.iter().map(of).sum::<f64>() / count;
    let (own, beside) = (mean(&|w| w.0), mean(&|w| w.1));
    let common = mean(&|w| (w.0 - own) * (w.1 - beside));
    let varies = mean(&|w| (w.1 - beside).powi(2));
    let slope = if varies > 1e-9 { (common / varies).clamp(0.0, 1.0) } else { 0.0 };
    windows.iter().map(|w| w.0 - own - slope * (w.1 - beside)).collect()
}

fn spread_lu(levels: impl Iterator<Item = f64>) -> Option<f64> {
    let levels = sorted(levels.collect());
    Some(at(&levels, 0.95)? - at(&levels, 0.10)?)
}

fn leveller(track: &Strip, own: &Rows, rest: &[f64], strength: f64) -> Option<Decision> {
    let levels = remainder(&windows(own, rest));
    let before_lu = spread_lu(levels.iter().copied()).filter(|_| levels.len() >= LEAST_WINDOWS)?;
    if before_lu <= USUAL_LU {
        return None;
    }
    // Both ends come halfway to what is wanted.
    let range_db = tenth(((before_lu - WANTED_LU) / 2.0 * strength).clamp(0.0, RANGE_DB.1));
    let middle = at(&sorted(levels.clone()), 0.5)?;
    let moved = levels.iter().map(|level| level + (middle - level).clamp(-range_db, range_db));
    let after_lu = spread_lu(moved)?;
    if range_db < RANGE_DB.0 || before_lu - after_lu < LEAST_LU {
        return None;
    }
    let values =
        settings(&leveller::KIND, &[("range_db", range_db), ("ride_s", RIDE_S)], &[("reference", "own")]);
    let why = format!(
        "An uneven take: its phrases differ by {before_lu:.1} LU from what the song does, up to {USUAL_LU:.0} are usual. A \
         leveller rides them by up to {range_db:.1} dB towards its own mean; about {after_lu:.1} LU are left."
    );
    let change = Change::insert(&track.path(), "level", &leveller::KIND, &values);
    Some(
        Decision::new(StepId::Preparation, change, why)
            .noted(format!("phrases {before_lu:.1} LU apart"))
            .measured("spread of the phrases", before_lu, "LU")
            .measured("spread left", after_lu, "LU")
            .sure((0.5 + 0.05 * (before_lu - USUAL_LU)).min(0.75))
            .costs(format!("up to {range_db:.1} dB of the difference between soft and loud phrases"))
            .unless("the soft and loud phrases are how it is meant to be played"),
    )
}
