//! What an insert took away over a song, in memory that does not grow with the song.
//!
//! One reading stands for [`READING_FRAMES`]. Nothing is kept of an insert that has not reduced anything yet. When there are
//! more than [`MOST`] values, neighbours become one, the deeper of them: a curve that is drawn keeps its shape and every
//! depth. Mean and percentile stay those of the single readings: the mean by a running sum, the percentile by counts of
//! readings in steps of [`COUNTED_DB`].

use audio::Frames;

/// Frames that one reading of gain reduction stands for.
pub(crate) const READING_FRAMES: Frames = 4096;

/// Values that are kept of a song, whatever its length: six minutes of single readings at 48 kHz.
const MOST: usize = 4096;

/// Width of a count of readings, in decibels. What is told of one is its middle, hence right to half of this.
const COUNTED_DB: f64 = 1.0 / 64.0;

/// Counts: reductions from 0 to 64 dB, and all that are deeper.
const COUNTS: usize = 4096;

/// The share of the readings that [`Taken::p95_db`] is not below.
const PERCENT: usize = 95;

/// Gain reduction of an insert over a song, in decibels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taken {
    /// Frames of song time that a value of `deepest_db` stands for; the last value may stand for fewer.
    pub step_frames: Frames,
    /// The deepest reduction within each step, from song frame 0 on, in decibels.
    pub deepest_db: Vec<f32>,
    /// Mean over the song of the deepest reduction in each 4096 frames, in decibels.
    pub mean_db: f64,
    /// What 95 % of those stay below, in decibels; of a song of more than 4096 of them right to 1/128 dB.
    pub p95_db: f64,
}

/// Collects readings in the order of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taking {
    /// Frames of the song: of what follows nothing is told.
    frames: Frames,
    /// The reading that is not over yet, and its number.
    now_db: f32,
    number: usize,
    begun: bool,
    /// Readings that are over.
    readings: usize,
    /// Readings in a value.
    step: usize,
    /// The deepest of each step; empty until something was reduced.
    values: Vec<f32>,
    /// The sum of all readings.
    sum_db: f64,
    /// How many readings lie in each step of [`COUNTED_DB`], from when readings share values.
    counts: Vec<u32>,
}

impl Taking {
    /// Over a song of so many frames.
    pub(crate) fn of(frames: Frames) -> Taking {
        Taking { frames, ..Taking::default() }
    }

    /// Frames of the song from `frame` on; `None` from its end on, where slabs go on as far as their length wants.
    pub(crate) fn left(&self, frame: Frames) -> Option<Frames> {
        self.frames.checked_sub(frame).filter(|left| *left > 0)
    }

    /// Takes the deepest reduction of a piece that begins at `frame` of the song, in decibels; pieces come in order, and none
    /// lies in two readings, nor on both sides of the song's end.
    pub(crate) fn note(&mut self, frame: Frames, reduction_db: f64) {
        if self.left(frame).is_none() {
            return;
        }
        let number = frame / READING_FRAMES;
        if self.begun && number > self.number {
            self.close();
        }
        while self.readings < number {
            self.take(0.0);
        }
        (self.begun, self.number) = (true, number);
        self.now_db = self.now_db.max(reduction_db as f32);
    }

    /// The reading in work is over.
    fn close(&mut self) {
        let reading_db = std::mem::take(&mut self.now_db);
        self.take(reading_db);
    }

    fn take(&mut self, reading_db: f32) {
        let place = self.readings;
        self.readings += 1;
        self.sum_db += f64::from(reading_db);
        if self.values.is_empty() {
            if reading_db <= 0.0 {
                return;
            }
            self.step = 1;
            while place / self.step >= MOST {
                self.step *= 2;
            }
            self.values.resize(place / self.step, 0.0);
            if self.step > 1 {
                self.counts = vec![0; COUNTS];
                self.counts[0] = place as u32;
            }
        }
        if place / self.step >= MOST {
            self.fold();
        }
        match self.values.get_mut(place / self.step) {
            Some(value) => *value = value.max(reading_db),
            None => self.values.push(reading_db),
        }
        if let Some(count) = self.counts.get_mut(counted(reading_db)) {
            *count += 1;
        }
    }

    /// Makes two values one.
    fn fold(&mut self) {
        if self.counts.is_empty() {
            // Up to here each value is a reading.
            self.counts = vec![0; COUNTS];
            self.values.iter().for_each(|db| self.counts[counted(*db)] += 1);
        }
        for n in 0..MOST / 2 {
            self.values[n] = self.values[2 * n].max(self.values[2 * n + 1]);
        }
        self.values.truncate(MOST / 2);
        self.step *= 2;
    }

    /// What was taken away; `None` when nothing was.
    pub(crate) fn finish(mut self) -> Option<Taken> {
        if self.begun {
            self.close();
        }
        if self.values.is_empty() {
            return None;
        }
        let at = self.readings * PERCENT / 100;
        let p95_db = match self.counts.is_empty() {
            true => {
                let mut sorted = self.values.clone();
                sorted.sort_by(f32::total_cmp);
                f64::from(sorted[at])
            }
            false => middle_of(&self.counts, at),
        };
        Some(Taken {
            step_frames: self.step * READING_FRAMES,
            mean_db: self.sum_db / self.readings as f64,
            p95_db,
            deepest_db: self.values,
        })
    }
}

/// The count that a reading belongs to; nothing has one of its own.
fn counted(reading_db: f32) -> usize {
    if reading_db > 0.0 { ((f64::from(reading_db) / COUNTED_DB) as usize + 1).min(COUNTS - 1) } else { 0 }
}

/// The middle of the count that holds the reading with the number `at` in the order of size.
fn middle_of(counts: &[u32], at: usize) -> f64 {
    let mut below = 0;
    for (place, count) in counts.iter().enumerate() {
        below += *count as usize;
        if below > at {
            return if place == 0 { 0.0 } else { (place as f64 - 0.5) * COUNTED_DB };
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reductions that come and go, some of them none, each reading noted in several pieces.
    fn reading_db(number: usize) -> f64 {
        let slow = 6.0 * (number as f64 * 0.0007).sin() - 1.0;
        let hit = if number.is_multiple_of(1013) { 17.0 } else { 0.0 };
        (slow + 1.7 * (number as f64 * 1.3).sin() + hit).max(0.0)
    }

    fn taken(readings: usize, of: impl Fn(usize) -> f64) -> Option<Taken> {
        let mut taking = Taking::of(Frames::MAX);
        for number in 0..readings {
            for piece in 0..4 {
                let deepest = if piece == number % 4 { 1.0 } else { 0.5 };
                taking.note(number * READING_FRAMES + piece * 1024, deepest * of(number));
            }
            assert!(taking.values.len() <= MOST && taking.counts.len() <= COUNTS, "{number}");
        }
        taking.finish()
    }

    /// Against all readings in a list: finds values that are lost, moved or counted twice where neighbours become one, and a
    /// mean or percentile of the deepest instead of all. The mean is a sum of at most 200,000 numbers in another order.
    #[test]
    fn the_figures_are_those_of_all_readings() {
        for readings in [1, 2, 100, MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1, 50_000, 200_003] {
            let all: Vec<f64> = (0..readings).map(|n| f64::from(reading_db(n) as f32)).collect();
            let Some(taken) = taken(readings, reading_db) else {
                assert!(all.iter().all(|db| *db == 0.0), "{readings}");
                continue;
            };
            let mean = all.iter().sum::<f64>() / readings as f64;
            assert!((taken.mean_db - mean).abs() < 1e-9, "{readings}: {} {mean}", taken.mean_db);
            let mut sorted = all.clone();
            sorted.sort_by(f64::total_cmp);
            let p95 = sorted[readings * 95 / 100];
            let room = if readings <= MOST { 0.0 } else { COUNTED_DB / 2.0 };
            assert!((taken.p95_db - p95).abs() <= room, "{readings}: {} {p95}", taken.p95_db);
            let step = taken.step_frames / READING_FRAMES;
            let deepest = all.chunks(step).map(|some| some.iter().copied().fold(0.0, f64::max) as f32);
            assert_eq!(taken.deepest_db, deepest.collect::<Vec<_>>(), "{readings}");
            assert!(taken.deepest_db.len() > MOST / 2 || step == 1, "{readings}: no coarser than it must be");
        }
    }

    /// An insert that reduces nothing keeps nothing, however long; one that begins late is as one that always did.
    #[test]
    fn nothing_is_kept_before_something_is_reduced() {
        let mut idle = Taking::of(Frames::MAX);
        (0..100_000).for_each(|number| idle.note(number * READING_FRAMES, 0.0));
        assert_eq!((idle.values.capacity(), idle.counts.capacity()), (0, 0));
        assert_eq!(idle.finish(), None);
        for first in [0, 1, MOST - 1, MOST, MOST + 5, 3 * MOST + 2, 99_999] {
            let of = |number: usize| if number >= first { 3.0 } else { 0.0 };
            let taken = taken(100_000, of).expect("it reduced");
            let share = (100_000 - first) as f64 / 100_000.0;
            assert!((taken.mean_db - 3.0 * share).abs() < 1e-9, "{first}");
            let p95_db = if share > 0.05 { 3.0 } else { 0.0 };
            assert!((taken.p95_db - p95_db).abs() <= COUNTED_DB / 2.0, "{first}: {}", taken.p95_db);
            let step = taken.step_frames / READING_FRAMES;
            assert_eq!(taken.deepest_db.iter().position(|db| *db > 0.0), Some(first / step), "{first}");
            assert_eq!(taken.deepest_db.len(), 100_000usize.div_ceil(step), "{first}");
        }
    }

    /// What no count has room for stays the deepest, and frames that were left out took nothing.
    #[test]
    fn gaps_and_depths_beyond_all_counts_are_held() {
        let mut taking = Taking::of(Frames::MAX);
        taking.note(0, 2.0);
        taking.note(10_000 * READING_FRAMES + 5, 400.0);
        let taken = taking.finish().expect("it reduced");
        assert_eq!(taken.deepest_db[0], 2.0);
        assert_eq!(taken.deepest_db.last(), Some(&400.0));
        assert!((taken.mean_db - 402.0 / 10_001.0).abs() < 1e-12);
        assert_eq!(taken.p95_db, 0.0);
    }
}
