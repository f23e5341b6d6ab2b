//! A ride: gain against time that keeps a voice at its distance to the rest.
//!
//! The distance is measured in windows of 0.4 s for the voice and 3 s for the rest; the middle of it is kept.
//! Inside phrases the wanted gain is smoothed, then followed with play (it moves only when it is wrong by more
//! than half a decibel); between phrases it goes straight from one to the next. The lane is what Ramer (1972)
//! and Douglas & Peucker (1973) leave of it.

use crate::power::Rows;
use audio::power_to_db;

/// Windows of the voice and of the rest, in seconds.
const OWN_S: f64 = 0.4;
const REST_S: f64 = 3.0;
/// Pauses shorter than this are inside a phrase; shorter phrases are none. In seconds.
const PAUSE_S: f64 = 0.35;
const PHRASE_S: f64 = 0.3;
/// The hand on the fader, in seconds (deviation of a Gaussian).
const HAND_S: f64 = 0.4;
/// Half the play of the fader, in dB.
const PLAY_DB: f64 = 0.5;
/// What the lane may differ from the ride, in dB.
const SIMPLE_DB: f64 = 0.4;
/// Breakpoints are no closer than this, in seconds.
const APART_S: f64 = 0.25;
/// The fader is there this long before the phrase begins, in seconds.
const EARLY_S: f64 = 0.05;
/// What is this far below the phrase's own middle level is an end of a word, not a word, in dB.
const FADING_DB: f64 = 9.0;
/// The rest counts as silent below this share of its loudest power.
const BESIDE: f64 = 1e-4;

/// How far a ride may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Either way, in dB.
    pub(super) most_db: f64,
    /// Upward, because the fader ends there, in dB.
    pub(super) highest_db: f64,
}

/// A ride and what it does.
#[derive(Debug, Clone)]
pub(super) struct Ride {
    /// Breakpoints: seconds, and gain against the fader in dB.
    pub(super) points: Vec<(f64, f64)>,
    /// Standard deviation of the distance inside phrases without and with the ride, in dB.
    pub(super) before_db: f64,
    pub(super) after_db: f64,
    /// Number of phrases.
    pub(super) phrases: usize,
}

impl Ride {
    /// A ride from rows of weighted power of the voice and of the rest; `None` where there is no phrase with
    /// anything beside it.
    pub(super) fn new(own: &Rows, rest: &[f64], row_s: f64, bounds: Bounds) -> Option<Ride> {
        if row_s <= 0.0 {
            return None;
        }
        let rows = |seconds: f64| ((seconds / row_s).round() as usize).max(1);
        let spans = phrases(&own.active, rows(PAUSE_S), rows(PHRASE_S));
        let voice = windowed(&own.power, rows(OWN_S));
        let band = windowed(rest, rows(REST_S));
        let phrases: Vec<Phrase> =
            spans.iter().map(|span| Phrase::new(*span, &voice, &band, row_s)).collect();
        let mut all: Vec<f64> = phrases.iter().flat_map(|p| &p.distances).map(|(_, db)| *db).collect();
        all.sort_by(f64::total_cmp);
        let target_db = *all.get(all.len() / 2)?;

        let mut gain_db = 0.0;
        let mut curve = Vec::new();
        for phrase in phrases.iter().filter(|phrase| !phrase.distances.is_empty()) {
            phrase.follow(target_db, bounds, &mut gain_db, &mut curve);
        }
        let points = spaced(session::fewest_points(&curve, SIMPLE_DB), APART_S);
        let points = level_kept(points, own, row_s, bounds);
        let distances = phrases.iter().flat_map(|phrase| &phrase.distances);
        let before_db = deviation(distances.clone().map(|(_, db)| *db));
        let after_db = deviation(distances.map(|(time_s, db)| db + value_at(&points, *time_s)));
        Some(Ride { before_db, after_db, phrases: phrases.len(), points })
    }

    /// The lowest and the highest gain, in dB.
    pub(super) fn extremes_db(&self) -> (f64, f64) {
        let gains = self.points.iter().map(|(_, db)| *db);
        gains.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), db| (low.min(db), high.max(db)))
    }

    /// When and how far it is farthest from the fader.
    pub(super) fn farthest(&self) -> (f64, f64) {
        let farther = |a: (f64, f64), b: &(f64, f64)| if b.1.abs() > a.1.abs() { *b } else { a };
        self.points.iter().fold((0.0, 0.0), farther)
    }
}

/// The balance has set how loud the voice is: a ride that lifts more than it lowers would move all of it.
fn level_kept(mut points: Vec<(f64, f64)>, own: &Rows, row_s: f64, bounds: Bounds) -> Vec<(f64, f64)> {
    let (mut before, mut after) = (0.0, 0.0);
    for row in own.active_rows() {
        let gain_db = value_at(&points, (row as f64 + 0.5) * row_s);
        before += own.at(row);
        after += own.at(row) * audio::db_to_power(gain_db);
    }
    if before > 0.0 && after > 0.0 {
        let louder_db = power_to_db(after / before);
        let (low, high) = (-bounds.most_db, bounds.most_db.min(bounds.highest_db));
        points.iter_mut().for_each(|(_, db)| *db = (*db - louder_db).min(high).max(low));
    }
    points
}

/// A phrase of the voice.
struct Phrase {
    start_s: f64,
    end_s: f64,
    /// Seconds, and level of the voice against the rest in dB, where there is a voice in full sound and
    /// something beside it: nothing is ridden against silence.
    distances: Vec<(f64, f64)>,
}

impl Phrase {
    fn new((from, to): (usize, usize), voice: &[f64], band: &[f64], row_s: f64) -> Phrase {
        let mut levels: Vec<f64> = voice[from..to].to_vec();
        levels.sort_by(f64::total_cmp);
        let least = levels[levels.len() / 2] * audio::db_to_power(-FADING_DB);
        let loudest = band.iter().copied().fold(0.0, f64::max);
        let counts = |row: &usize| voice[*row] > least.max(0.0) && band[*row] > BESIDE * loudest;
        let distance =
            |row: usize| ((row as f64 + 0.5) * row_s, power_to_db(voice[row]) - power_to_db(band[row]));
        let distances = (from..to).filter(counts).map(distance).collect();
        Phrase { start_s: from as f64 * row_s, end_s: to as f64 * row_s, distances }
    }

    /// Adds the ride of this phrase to a curve; the gain goes on from where it was.
    fn follow(&self, target_db: f64, bounds: Bounds, gain_db: &mut f64, curve: &mut Vec<(f64, f64)>) {
        let wanted: Vec<(f64, f64)> = self.distances.iter().map(|(t, db)| (*t, target_db - db)).collect();
        let (low, high) = (-bounds.most_db, bounds.most_db.min(bounds.highest_db));
        let steps = ((self.end_s - self.start_s) / APART_S).floor().max(1.0) as usize;
        for step in 0..=steps {
            let time_s = self.start_s + (self.end_s - self.start_s) * step as f64 / steps as f64;
            let goal_db = smoothed(&wanted, time_s).min(high).max(low);
            *gain_db = gain_db.clamp(goal_db - PLAY_DB, goal_db + PLAY_DB);
            let early_s = if step == 0 { EARLY_S } else { 0.0 };
            curve.push(((time_s - early_s).max(0.0), *gain_db));
        }
    }
}

/// Stretches of activity: first row and the row after the last.
fn phrases(active: &[bool], pause: usize, least: usize) -> Vec<(usize, usize)> {
    let mut phrases: Vec<(usize, usize)> = Vec::new();
    for row in (0..active.len()).filter(|row| active[*row]) {
        match phrases.last_mut() {
            Some((_, end)) if row - *end < pause => *end = row + 1,
            _ => phrases.push((row, row + 1)),
        }
    }
    phrases.retain(|(from, to)| to - from >= least);
    phrases
}

/// Moving mean over `width` rows, centred.
fn windowed(power: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0];
    for p in power {
        sums.push(sums[sums.len() - 1] + p);
    }
    let mean = |row: usize| {
        let (from, to) = (row.saturating_sub(width / 2), (row + width.div_ceil(2)).min(power.len()));
        // Differences of running sums can fall below zero by rounding.
        ((sums[to] - sums[from]) / (to - from).max(1) as f64).max(0.0)
    };
    (0..power.len()).map(mean).collect()
}

/// Gaussian mean of points of one phrase around a time.
fn smoothed(points: &[(f64, f64)], time_s: f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    let mut nearest = (f64::INFINITY, 0.0);
    for (at_s, value) in points {
        let distance = ((at_s - time_s) / HAND_S).powi(2);
        let weight = (-0.5 * distance).exp();
        sum += weight * value;
        weights += weight;
        if distance < nearest.0 {
            nearest = (distance, *value);
        }
    }
    if weights > 1e-12 { sum / weights } else { nearest.1 }
}

/// Points without those that follow another too closely.
fn spaced(points: Vec<(f64, f64)>, apart_s: f64) -> Vec<(f64, f64)> {
    let mut spaced: Vec<(f64, f64)> = Vec::new();
    for (time_s, value) in points {
        // A rounding error is not too close.
        if spaced.last().is_none_or(|(before, _)| time_s - before >= apart_s - 1e-6) {
            spaced.push(((time_s * 1000.0).round() / 1000.0, value));
        }
    }
    spaced
}

/// The value on the line through points at a time; before the first and after the last, theirs.
fn value_at(points: &[(f64, f64)], time_s: f64) -> f64 {
    let after = points.partition_point(|(t, _)| *t <= time_s);
    let Some(left) = after.checked_sub(1) else { return points.first().map_or(0.0, |p| p.1) };
    let ((t0, v0), Some((t1, v1))) = (points[left], points.get(after)) else { return points[left].1 };
    v0 + (v1 - v0) * (time_s - t0) / (t1 - t0)
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt()
}
