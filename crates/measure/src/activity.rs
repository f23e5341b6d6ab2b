//! When a signal plays, and how loud it is while it does.
//!
//! Most tracks of a song are silent most of the time; a figure over all of it says more about the
//! arrangement than about the sound. A frame of 50 ms is active when its level lies within 22.5 dB of the 95th
//! percentile of what sounds.

use crate::facts::Region;
use crate::levels::{FRAME_BINS, Levels, power_db};
use crate::stats::{nearest_rank, sorted};
use audio::{db_to_power, power_to_db};

/// Length of a frame in seconds.
pub(crate) const FRAME_S: f64 = 0.05;
/// Frames this far below the loud ones still belong to the playing, in dB.
const RANGE_DB: f64 = 22.5;
/// The 95th percentile is taken of frames this near to the loudest one, in dB, and above -70 dBFS: a track
/// that plays for 3 % of the song would otherwise be judged by its pauses.
const SOUNDING_DB: f64 = 40.0;
const LOWEST_DBFS: f64 = -70.0;
/// Pauses up to this many frames (300 ms) do not end a region.
const LONGEST_PAUSE: usize = 6;
/// The noise floor is the level that this share of the sounding frames stays below.
const NOISE_SHARE: f64 = 0.10;

/// The activity of a signal by frames of 50 ms; an incomplete last frame is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Activity {
    pub(crate) active: Vec<bool>,
    power: Vec<f64>,
    sounds: Vec<bool>,
}

impl Activity {
    pub(crate) fn new(levels: &Levels) -> Activity {
        let stretches: Vec<(f64, f64)> =
            (0..levels.stretches()).map(|frame| levels.stretch(frame, frame + 1)).collect();
        let power: Vec<f64> = stretches.iter().map(|(_, power)| *power).collect();
        let sounds: Vec<bool> = stretches.iter().map(|(peak, _)| *peak > 0.0).collect();
        let loudest = power.iter().copied().fold(0.0, f64::max);
        let least = (loudest * db_to_power(-SOUNDING_DB)).max(db_to_power(LOWEST_DBFS));
        let loud = sorted(power.iter().copied().filter(|p| *p >= least));
        let threshold = nearest_rank(&loud, 0.95).map(|p| (p * db_to_power(-RANGE_DB)).max(least));
        let active = power.iter().map(|p| threshold.is_some_and(|t| *p >= t)).collect();
        Activity { active, power, sounds }
    }

    /// Number of active frames.
    pub(crate) fn count(&self) -> usize {
        self.active.iter().filter(|a| **a).count()
    }

    /// Share of frames that are active.
    pub(crate) fn share(&self) -> f64 {
        self.count() as f64 / self.active.len().max(1) as f64
    }

    /// Seconds of playing: the length of all regions.
    pub(crate) fn seconds(&self) -> f64 {
        self.regions().iter().map(|r| r.end_s - r.start_s).sum()
    }

    /// Whether the frame at a time in seconds, or one beside it, is active.
    pub(crate) fn near(&self, time_s: f64) -> bool {
        let frame = (time_s / FRAME_S) as usize;
        let from = frame.saturating_sub(1).min(self.active.len());
        self.active[from..(frame + 2).min(self.active.len())].contains(&true)
    }

    /// Whether at least half of the frames of the bins `from .. to` are active.
    pub(crate) fn mostly(&self, from: usize, to: usize) -> bool {
        let frames = &self.active[from / FRAME_BINS..(to / FRAME_BINS).min(self.active.len())];
        !frames.is_empty() && 2 * frames.iter().filter(|a| **a).count() >= frames.len()
    }

    /// RMS of the active frames in dBFS.
    pub(crate) fn rms_dbfs(&self) -> Option<f64> {
        let sum: f64 = self.power.iter().zip(&self.active).filter(|(_, a)| **a).map(|(p, _)| p).sum();
        let count = self.count();
        (count > 0).then(|| power_db(sum / count as f64)).flatten()
    }

    /// The level in dBFS that a tenth of the frames stay below, digital silence left out.
    pub(crate) fn noise_floor_dbfs(&self) -> Option<f64> {
        let sounding = self.power.iter().zip(&self.sounds).filter(|(_, s)| **s).map(|(p, _)| *p);
        nearest_rank(&sorted(sounding), NOISE_SHARE).map(power_to_db).filter(|db| db.is_finite())
    }

    /// Where the signal plays; pauses of up to 300 ms belong to the playing.
    pub(crate) fn regions(&self) -> Vec<Region> {
        let mut regions: Vec<(usize, usize)> = Vec::new();
        for frame in (0..self.active.len()).filter(|f| self.active[*f]) {
            match regions.last_mut().filter(|(_, end)| frame - *end <= LONGEST_PAUSE) {
                Some((_, end)) => *end = frame + 1,
                None => regions.push((frame, frame + 1)),
            }
        }
        let seconds = |frame: usize| frame as f64 / (1.0 / FRAME_S).round();
        regions.iter().map(|(start, end)| Region { start_s: seconds(*start), end_s: seconds(*end) }).collect()
    }
}

#[cfg(test)]
impl Activity {
    /// A signal that plays in some frames.
    pub(crate) fn playing(active: Vec<bool>) -> Activity {
        Activity { active, ..Activity::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{BlockRef, db_to_gain};

    /// A tone of 1 kHz at 48 kHz in stretches of (seconds, peak dBFS).
    fn levels(parts: &[(f64, f64)]) -> Levels {
        let mut levels = Levels::new(1);
        for (seconds, dbfs) in parts {
            let gain = db_to_gain(*dbfs);
            let bin: Vec<f64> =
                (0..480).map(|n| gain * (n as f64 * std::f64::consts::TAU / 48.0).sin()).collect();
            for _ in 0..(seconds * 100.0).round() as usize {
                levels.bin(&BlockRef::from_mono(&bin));
            }
        }
        levels
    }

    #[test]
    fn pauses_are_found_under_noise() {
        let activity = Activity::new(&levels(&[
            (2.0, -60.0),
            (1.0, -10.0),
            (0.2, -60.0),
            (1.0, -12.0),
            (3.0, -60.0),
            (0.5, -20.0),
            (2.3, f64::NEG_INFINITY),
        ]));
        let regions = activity.regions();
        let expected = [(2.0, 4.2), (7.2, 7.7)];
        assert_eq!(regions.len(), 2);
        for (region, (start_s, end_s)) in regions.iter().zip(expected) {
            assert!(
                (region.start_s - start_s).abs() < 1e-9 && (region.end_s - end_s).abs() < 1e-9,
                "{region:?}"
            );
        }
        assert!((activity.share() - 2.5 / 10.0).abs() < 1e-9);
        // The noise is a sine of peak -60 dBFS: -63.01 dBFS RMS; silence does not pull it down.
        assert!((activity.noise_floor_dbfs().unwrap() + 63.01).abs() < 0.01);
        // Mean power of 1 s at -10, 1 s at -12 and 0.5 s at -20 dBFS peak.
        let expected: f64 = (0.1 + db_to_power(-12.0) + 0.5 * 0.01) / 2.5 / 2.0;
        assert!((activity.rms_dbfs().unwrap() - power_to_db(expected)).abs() < 0.01);
    }

    #[test]
    fn one_short_part_in_a_long_song_is_what_plays() {
        let activity = Activity::new(&levels(&[(60.0, -65.0), (1.0, -15.0), (60.0, -65.0)]));
        assert!((activity.seconds() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn silence_never_plays() {
        let activity = Activity::new(&levels(&[(5.0, f64::NEG_INFINITY)]));
        assert_eq!((activity.share(), activity.rms_dbfs(), activity.noise_floor_dbfs()), (0.0, None, None));
        assert_eq!(Activity::new(&Levels::new(1)).share(), 0.0);
    }
}
