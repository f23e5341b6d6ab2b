//! What the transparent limiter will take of the loudness, foreseen from how loud and how high the music is from moment to
//! moment.
//!
//! The same law as the limiter's (`dsp::blocks::guard`), worked out every 2.5 ms instead of at every sample: what the
//! highest points ask for, their maximum over lookahead and hold, the deepest of three releases, smoothing; each 10 ms of the
//! loudness times what is left of their power; both gates of ITU-R BS.1770-5. A render tells what it really is.

use crate::MasterFacts;
use audio::{db_to_power, gain_to_db, power_to_db};
use measure::{Course, loudness_range_of_lu};
use session::Session;
use std::collections::VecDeque;

/// Tops for each power.
const PARTS: usize = 4;
/// How many tops a peak is foreseen, and how many it is remembered: 5 ms of lookahead, 18 of hold (`limiter/character.rs`).
const AHEAD: usize = 2;
const HELD: usize = 7;
/// Releases: how many tops a demand has to last for each, and the time to 63 % of the way back, in tops.
const RELEASES: [(usize, f64); 3] = [(1, 20.0), (24, 100.0), (120, 400.0)];
/// What the smoothing gives this top, the one before and the one before that.
const SMOOTHING: [f64; 3] = [0.17, 0.66, 0.17];
/// Bins of a gating block and of the step to the next (BS.1770-5, Annex 1).
const BLOCK: usize = 40;
const STEP: usize = 10;
/// Bins of the short-term loudness (BS.1770-5; EBU Tech 3341).
const SHORT_TERM: usize = 300;
const OFFSET_DB: f64 = -0.691;
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
const RELATIVE_GATE_LU: f64 = -10.0;
/// A loudness is foreseen within this, in LU.
const NEAR_LU: f64 = 0.002;
/// And by no more drive beyond what an unlimited master needed, in dB.
const MOST_DB: f64 = 3.0;

/// Foresees the loudness behind the transparent limiter.
#[derive(Debug, Clone, PartialEq)]
pub struct Foresight {
    power: Vec<f32>,
    top_db: Vec<f32>,
}

impl Foresight {
    /// Of what stands before the limiter of a session's master, where that limiter is the transparent one.
    pub fn of(session: &Session, facts: &MasterFacts) -> Option<Foresight> {
        let limiter = session.master.strip.insert("limiter").filter(|insert| insert.kind.id == "limiter")?;
        let address = limiter.address(&["character"])?;
        let character = limiter.kind.param(address).choices.get(limiter.values.get(address) as usize)?;
        let course = &facts.now.as_ref().unwrap_or(&facts.premaster).course;
        Foresight::new(course).filter(|_| character.id == "transparent")
    }

    /// From a course; `None` of an empty one.
    pub fn new(course: &Course) -> Option<Foresight> {
        let whole = course.tops.len() == PARTS * course.power.len();
        let top_db = course.tops.iter().map(|top| gain_to_db(f64::from(*top)) as f32).collect();
        (whole && !course.power.is_empty()).then(|| Foresight { power: course.power.clone(), top_db })
    }

    /// The loudness in LUFS behind a limiter with this drive in dB and ceiling in dBTP; `None` for silence.
    pub fn lufs(&self, drive_db: f64, ceiling_dbtp: f64) -> Option<f64> {
        let taken = self.reduction_db(drive_db - ceiling_dbtp);
        let each = self.power.iter().zip(self.top_db.chunks_exact(PARTS)).zip(taken.chunks_exact(PARTS));
        let left: Vec<f64> =
            each.map(|((power, tops_db), taken)| f64::from(*power) * part_left(tops_db, taken)).collect();
        Some(integrated_lufs(&left, drive_db)? + drive_db)
    }

    /// The drive in dB, not above `plain_db` by more than music ever needs, that is foreseen to give a loudness in LUFS.
    pub fn drive_db(&self, lufs: f64, ceiling_dbtp: f64, plain_db: f64) -> Option<f64> {
        let (mut drive_db, mut slope) = (plain_db, 1.0);
        let mut off = lufs - self.lufs(drive_db, ceiling_dbtp)?;
        for _ in 0..8 {
            if off.abs() < NEAR_LU {
                break;
            }
            let next_db = (drive_db + off / slope).min(plain_db + MOST_DB);
            let left = lufs - self.lufs(next_db, ceiling_dbtp)?;
            let moved = next_db - drive_db;
            if moved == 0.0 {
                break;
            }
            slope = ((off - left) / moved).clamp(0.15, 1.0);
            (drive_db, off) = (next_db, left);
        }
        Some(drive_db)
    }

    /// By how much this limiter changes the loudness range, in LU (EBU Tech 3342): what it is behind it less what it is before;
    /// `None` where there is none.
    pub fn range_change_lu(&self, drive_db: f64, ceiling_dbtp: f64) -> Option<f64> {
        let taken = self.reduction_db(drive_db - ceiling_dbtp);
        let each = self.power.iter().zip(self.top_db.chunks_exact(PARTS)).zip(taken.chunks_exact(PARTS));
        let (mut before, mut behind) = (vec![0.0], vec![0.0]);
        let mut sums = (0.0, 0.0);
        for ((power, tops_db), taken) in each {
            let power = f64::from(*power);
            sums = (sums.0 + power, sums.1 + power * part_left(tops_db, taken));
            before.push(sums.0);
            behind.push(sums.1);
        }
        let range_lu = |sums: &[f64]| {
            let ends = (SHORT_TERM..sums.len()).step_by(STEP);
            let powers = ends.map(|end| (sums[end] - sums[end - SHORT_TERM]) / SHORT_TERM as f64);
            loudness_range_of_lu(powers.filter(|p| *p > 0.0).map(|power| OFFSET_DB + power_to_db(power)))
        };
        Some(range_lu(&behind)? - range_lu(&before)?)
    }

    /// The reduction in dB of every top, when the signal stands `up_db` over the ceiling's own level.
    fn reduction_db(&self, up_db: f64) -> Vec<f64> {
        let asked: Vec<f64> = self.top_db.iter().map(|top| (f64::from(*top) + up_db).max(0.0)).collect();
        if asked.iter().all(|db| *db == 0.0) {
            return asked;
        }
        // Each top stands for a peak anywhere in it: what is ahead of it and what is held behind it ask as much.
        let held = most_of_last(&asked, AHEAD + 1 + HELD, |db| db);
        let demand = |n: usize| held.get(n + AHEAD).or(held.last()).copied().unwrap_or(0.0);
        let demands: Vec<f64> = (0..asked.len()).map(demand).collect();
        let mut deepest = vec![0.0f64; demands.len()];
        for (lasts, release) in RELEASES {
            let least = most_of_last(&demands, lasts, |db| -db);
            let (kept, mut now) = ((-1.0 / release).exp(), 0.0f64);
            for (n, (deepest, least)) in deepest.iter_mut().zip(least).enumerate() {
                // Nothing was asked for before the beginning.
                let lasted = if n + 1 < lasts { 0.0 } else { -least };
                let asked = if lasts == 1 { demands[n] } else { lasted };
                now = asked.max(asked + kept * (now - asked));
                *deepest = deepest.max(now);
            }
        }
        let at = |n: usize, late: usize| n.checked_sub(late).map_or(0.0, |n| deepest[n]);
        let smoothed = |n: usize| SMOOTHING.iter().enumerate().map(|(late, w)| w * at(n, late)).sum();
        (0..deepest.len()).map(smoothed).collect()
    }
}

/// What reductions in dB leave of the power of 10 ms, which lies in its parts as the squares of their tops do: a hit begins in the
/// middle of one.
fn part_left(tops_db: &[f32], taken: &[f64]) -> f64 {
    if taken.iter().all(|db| *db == 0.0) {
        return 1.0;
    }
    let parts = tops_db.iter().zip(taken);
    let (left, whole) = parts.fold((0.0, 0.0), |(left, whole), (top_db, taken)| {
        let power = db_to_power(f64::from(*top_db));
        (left + power * db_to_power(-taken), whole + power)
    });
    if whole > 0.0 { left / whole } else { 1.0 }
}

/// For each value the greatest of it and those before it, `count` in all, as `of` has them.
fn most_of_last(values: &[f64], count: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut falling: VecDeque<(usize, f64)> = VecDeque::new();
    let most = values.iter().enumerate().map(|(n, value)| {
        let value = of(*value);
        while falling.back().is_some_and(|(_, last)| *last <= value) {
            falling.pop_back();
        }
        falling.push_back((n, value));
        while falling.front().is_some_and(|(first, _)| first + count <= n) {
            falling.pop_front();
        }
        falling.front().map_or(value, |(_, most)| *most)
    });
    most.collect()
}

/// Integrated loudness in LUFS of the power of every 10 ms, of a signal that is `louder_db` than that where gates ask.
fn integrated_lufs(power: &[f64], louder_db: f64) -> Option<f64> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    sums.extend(power.iter().map(|power| {
        sum += power;
        sum
    }));
    let ends = (BLOCK..=power.len()).step_by(STEP);
    let blocks: Vec<f64> = ends.map(|end| (sums[end] - sums[end - BLOCK]) / BLOCK as f64).collect();
    let mean_above = |gate: f64| {
        let (sum, count) =
            blocks.iter().filter(|p| **p > gate).fold((0.0, 0usize), |(sum, n), p| (sum + p, n + 1));
        (count > 0).then(|| sum / count as f64)
    };
    let absolute = db_to_power(ABSOLUTE_GATE_LUFS - louder_db - OFFSET_DB);
    let relative = mean_above(absolute)? * db_to_power(RELATIVE_GATE_LU);
    mean_above(absolute.max(relative)).map(|power| OFFSET_DB + power_to_db(power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Buffer, Layout, Spec};
    use dsp::Values;
    use measure::{Loudness, Options, analyse};
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 44_100.0;

    /// Music of a kind: hits of falling noise at a beat of `beat_s` over a chord, with a quiet part far under the gate; the hits stand `hit`
    /// times over the chord.
    fn music(beat_s: f64, hit: f64) -> Buffer {
        let mut state = 9u64;
        let mut planes = [Vec::new(), Vec::new()];
        let mut soft = [0.0; 2];
        for n in 0..(12.0 * RATE_HZ) as usize {
            let t = n as f64 / RATE_HZ;
            let since = t % beat_s;
            let loud = if (5.0..7.0).contains(&t) { 0.1 } else { 1.0 };
            let accent = 1.0 + 0.5 * (7.3 * (t / beat_s).floor()).sin();
            for (channel, plane) in planes.iter_mut().enumerate() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let noise = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                soft[channel] = 0.7 * soft[channel] + 0.3 * noise;
                let chord =
                    (TAU * 220.0 * t).sin() + (TAU * 277.2 * t + 1.0).sin() + (TAU * 1110.0 * t).sin();
                let hit = hit * accent * (-since / 0.03).exp() * (soft[channel] + (TAU * 60.0 * t).sin());
                plane.push(0.05 * loud * (chord + hit));
            }
        }
        Buffer::from_channels(&planes)
    }

    fn heard(buffer: &Buffer) -> (Foresight, f64, f64) {
        let options = Options { course: true, ..Options::loudness() };
        let analysis = analyse(&buffer.as_block(), RATE_HZ, Layout::Stereo, options).expect("measured");
        let facts = analysis.facts;
        let course = Foresight::new(&analysis.course).expect("a course");
        (course, facts.integrated_lufs.expect("loud"), facts.true_peak_dbtp.expect("a peak"))
    }

    /// What the limiter makes of it.
    fn through(buffer: &Buffer, drive_db: f64, ceiling_dbtp: f64) -> Buffer {
        let kind = dsp::kind("limiter").expect("a kind");
        let mut values = Values::neutral(kind);
        values.set(kind, "drive_db", drive_db).expect("a setting");
        values.set(kind, "ceiling_dbtp", ceiling_dbtp).expect("a setting");
        values.set_choice(kind, "character", "transparent").expect("a setting");
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: buffer.frames() };
        let mut buffer = buffer.clone();
        (kind.build)(&values, &spec).process(&mut buffer.as_block_mut(), None);
        buffer
    }

    /// The loudness of that.
    fn limited(buffer: &Buffer, drive_db: f64, ceiling_dbtp: f64) -> f64 {
        let buffer = through(buffer, drive_db, ceiling_dbtp);
        let mut loudness = Loudness::new(RATE_HZ, Layout::Stereo).expect("a meter");
        loudness.push(&buffer.as_block());
        loudness.integrated_lufs().expect("loud")
    }

    #[test]
    fn what_is_not_limited_is_as_loud_as_the_meter_says() {
        let (foresight, lufs, peak) = heard(&music(0.5, 4.0));
        for drive_db in [-20.0, -3.0, 0.0] {
            let foreseen = foresight.lufs(drive_db, peak + 1.0).expect("loud");
            // The powers are kept in single precision.
            assert!((foreseen - lufs - drive_db).abs() < 1e-4, "{foreseen} {lufs}");
        }
        assert_eq!(foresight.reduction_db(-peak - 1.0).iter().fold(0.0f64, |most, db| most.max(*db)), 0.0);
    }

    /// Beside the limiter itself: what it takes of the loudness, up to a whole LU, is foreseen within half of what a master may miss
    /// its target by (0.03 LU).
    #[test]
    fn what_the_limiter_takes_is_foreseen() {
        for (beat_s, hit) in [(0.25, 3.0), (0.5, 4.0), (0.35, 8.0), (0.125, 5.0)] {
            let music = music(beat_s, hit);
            let (foresight, lufs, peak) = heard(&music);
            let mut most_taken: f64 = 0.0;
            for over_db in [1.0, 2.0, 3.0, 4.5] {
                let ceiling = -1.0;
                let drive_db = ceiling - peak + over_db;
                let real = limited(&music, drive_db, ceiling);
                let taken = lufs + drive_db - real;
                let foreseen = foresight.lufs(drive_db, ceiling).expect("loud");
                most_taken = most_taken.max(taken);
                let room = 0.015;
                assert!(
                    (foreseen - real).abs() < room,
                    "{beat_s} {hit} {over_db}: {foreseen} is {real}, {taken} taken"
                );
                let drive = foresight.drive_db(foreseen, ceiling, foreseen - lufs).expect("loud");
                assert!((drive - drive_db).abs() < 0.02, "{drive} {drive_db}");
            }
            assert!(most_taken > 0.1, "the limiter has work: {most_taken}");
        }
    }

    /// Beside the limiter itself: music whose loud half is limited and whose quiet half is not has a smaller range behind it, by what is
    /// foreseen within a tenth of a LU; and where nothing is limited nothing changes.
    #[test]
    fn what_becomes_of_the_range_is_foreseen() {
        let loud = music(0.25, 6.0);
        let planes = (0..2).map(|channel| {
            let part = |gain: f64| loud.channel(channel).iter().map(move |x| gain * x);
            (0..4).flat_map(|n| part(if n % 2 == 0 { 1.0 } else { 0.35 })).collect()
        });
        let music = Buffer::from_channels(&planes.collect::<Vec<Vec<f64>>>());
        let (foresight, _, peak) = heard(&music);
        let range_of = |buffer: &Buffer| {
            let facts = analyse(&buffer.as_block(), RATE_HZ, Layout::Stereo, Options::loudness())
                .expect("measured")
                .facts;
            facts.loudness_range_lu.expect("a range")
        };
        let before = range_of(&music);
        for over_db in [3.0, 6.0] {
            let drive_db = -1.0 - peak + over_db;
            let behind = range_of(&through(&music, drive_db, -1.0));
            let foreseen = foresight.range_change_lu(drive_db, -1.0).expect("a range");
            assert!((foreseen - (behind - before)).abs() < 0.1, "{over_db}: {foreseen}, {}", behind - before);
            assert!(over_db < 6.0 || foreseen < -0.2, "the limiter has work: {foreseen}");
        }
        assert_eq!(foresight.range_change_lu(-peak - 10.0, 0.0), Some(0.0));
    }

    #[test]
    fn silence_and_nothing_are_not_foreseen() {
        assert_eq!(Foresight::new(&Course::default()), None);
        let silent = Course { power: vec![0.0; 100], tops: vec![0.0; 400] };
        let foresight = Foresight::new(&silent).expect("a course");
        assert_eq!((foresight.lufs(3.0, -1.0), foresight.drive_db(-14.0, -1.0, 3.0)), (None, None));
    }
}
