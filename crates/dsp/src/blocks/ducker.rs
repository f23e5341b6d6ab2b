//! Lets a wet sound step back while the dry one plays.

use super::grid::{CONTROL_FRAMES, flush};
use super::lookahead::greater;
use super::math::db_to_gain;

/// Time constants of the detector, and the level at which it has done half its work.
const ATTACK_S: f64 = 0.005;
const RELEASE_S: f64 = 0.12;
const HALF_DBFS: f64 = -30.0;

/// Follows the level of the dry sound, the louder of both channels.
#[derive(Debug, Clone)]
pub struct Ducker {
    level: f64,
    attack: f64,
    release: f64,
}

impl Ducker {
    /// Has heard nothing yet.
    pub fn new(sample_rate_hz: f64) -> Ducker {
        let part = |seconds: f64| 1.0 - (-1.0 / (seconds * sample_rate_hz)).exp();
        Ducker { level: 0.0, attack: part(ATTACK_S), release: part(RELEASE_S) }
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.level = 0.0;
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub fn flush(&mut self) {
        self.level = flush(self.level);
    }

    /// Hears one frame.
    #[inline]
    pub fn follow(&mut self, [left, right]: [f64; 2]) {
        self.follow_all(&[left], &[right]);
    }

    /// Hears frames of both channels, at most a control period.
    pub fn follow_all(&mut self, left: &[f64], right: &[f64]) {
        follow(&mut self.level, [self.attack, self.release], left, right);
    }

    /// Gain of the wet sound at the present level, `depth_db` down at most.
    pub fn gain(&self, depth_db: f64) -> f64 {
        if depth_db == 0.0 {
            return 1.0;
        }
        let (power, half) = (self.level * self.level, db_to_gain(2.0 * HALF_DBFS));
        db_to_gain(-depth_db * power / (power + half))
    }
}

audio::wide! {
    /// Follows the louder channel. The attack is the shorter time, so that of what it makes of a level and what the release
    /// makes of it the greater counts: rising or falling, without a question that the next frame waits for.
    fn follow(level: &mut f64, parts: [f64; 2], left: &[f64], right: &[f64]) {
        let frames = left.len().min(CONTROL_FRAMES);
        let (left, right) = (&left[..frames], &right[..frames]);
        let [attack, release] = parts;
        let (mut rising, mut falling) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
        for n in 0..frames {
            let peak = greater(left[n].abs(), right[n].abs());
            (rising[n], falling[n]) = (attack * peak, release * peak);
        }
        let (keeps, holds) = (1.0 - attack, 1.0 - release);
        let mut now = *level;
        for n in 0..frames {
            now = greater(keeps * now + rising[n], holds * now + falling[n]);
        }
        *level = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_its_decibels_at_its_level_and_lets_go() {
        let mut ducker = Ducker::new(48_000.0);
        let level = audio::db_to_gain(HALF_DBFS);
        (0..24_000).for_each(|_| ducker.follow([-level, 0.0]));
        // A hundred attack times: the level is the peak's. The fast exponential is good to 1e-11.
        assert!((ducker.gain(12.0) - audio::db_to_gain(-6.0)).abs() < 1e-9);
        assert_eq!(ducker.gain(0.0), 1.0);
        (0..48_000).for_each(|_| ducker.follow([0.0, 0.0]));
        // Eight release times: -72 dB of level, and the square of it in the law.
        assert!(ducker.gain(12.0) > 0.999);
    }
}
