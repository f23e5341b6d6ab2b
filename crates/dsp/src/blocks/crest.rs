//! The running crest factor of a signal, and the attack and release that follow from it.
//!
//! After Giannoulis, Massberg & Reiss, *Parameter automation in a dynamic range compressor*, J. Audio Eng. Soc. 61
//! (2013), section 2: a signal of short peaks has a high crest factor and wants short times, a sustained one has a
//! low crest factor and wants long times. Peak and mean power share one release, so that their ratio does not
//! depend on the level and stands still in a pause.

use super::dynamics::{Times, one_pole, settle};
use super::lookahead::greater;

/// Averaging time of peak and mean.
const CREST_MS: f64 = 200.0;
/// Attack of a signal whose crest factor is that of a sine (squared: 2).
const LONGEST_ATTACK_MS: f64 = 80.0;
/// Attack and release together of that same signal.
const LONGEST_RELEASE_MS: f64 = 1000.0;
/// The attack is never shorter: a gain that moves faster than this is distortion.
const SHORTEST_ATTACK_MS: f64 = 0.1;
/// Power that stands for silence: -120 dBFS.
const QUIET: f64 = 1e-12;

/// Follows the squared crest factor, peak power over mean power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crest {
    peak: f64,
    mean: f64,
    keep: f64,
}

impl Crest {
    /// At a sample rate, in silence.
    pub fn new(sample_rate_hz: f64) -> Crest {
        Crest { peak: 0.0, mean: 0.0, keep: one_pole(CREST_MS, sample_rate_hz) }
    }

    /// Takes in the power of some frames.
    pub fn follow(&mut self, powers: &[f64]) {
        let (mut peak, mut mean) = (self.peak, self.mean);
        let (keep, take) = (self.keep, 1.0 - self.keep);
        for power in powers {
            let new = take * *power;
            peak = greater(*power, keep * peak + new);
            mean = keep * mean + new;
        }
        (self.peak, self.mean) = (peak, mean);
    }

    /// The squared crest factor, at least one: 1 of a square wave, 2 of a sine.
    pub fn squared(&self) -> f64 {
        greater((self.peak + QUIET) / (self.mean + QUIET), 1.0)
    }

    /// Attack and release in milliseconds (equations 10 and 11).
    pub fn times_ms(&self) -> (f64, f64) {
        let crest = self.squared();
        let attack = 2.0 * LONGEST_ATTACK_MS / crest;
        let release = 2.0 * LONGEST_RELEASE_MS / crest - attack;
        (greater(attack, SHORTEST_ATTACK_MS), greater(release, 10.0 * SHORTEST_ATTACK_MS))
    }

    /// The same as coefficients.
    pub fn times(&self, sample_rate_hz: f64) -> Times {
        let (attack, release) = self.times_ms();
        Times::new(attack, release, sample_rate_hz)
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        (self.peak, self.mean) = (0.0, 0.0);
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        (self.peak, self.mean) = (settle(self.peak), settle(self.mean));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: f64 = 48_000.0;

    fn of(signal: impl Fn(usize) -> f64) -> Crest {
        let mut crest = Crest::new(RATE);
        let powers: Vec<f64> = (0..144_000).map(|n| signal(n).powi(2)).collect();
        crest.follow(&powers);
        crest
    }

    /// Crest factors known from mathematics, at two levels 60 dB apart. The peak falls by at most 0.3 % between
    /// two peaks of 1 kHz half a millisecond apart.
    #[test]
    fn the_crest_factor_is_that_of_the_waveform() {
        for level in [1.0, 0.001] {
            let sine = of(|n| level * (TAU * 1000.0 * n as f64 / RATE).sin());
            assert!((sine.squared() - 2.0).abs() < 0.01, "{}", sine.squared());
            let square = of(|n| if (n / 24) % 2 == 0 { level } else { -level });
            assert!((square.squared() - 1.0).abs() < 1e-6, "{}", square.squared());
            let triangle = of(|n| level * ((n % 48) as f64 / 24.0 - 1.0));
            assert!((triangle.squared() - 3.0).abs() < 0.02, "{}", triangle.squared());
        }
    }

    #[test]
    fn the_times_are_the_papers() {
        let (attack, release) = of(|n| (TAU * 1000.0 * n as f64 / RATE).sin()).times_ms();
        assert!((attack - 80.0).abs() < 0.5 && (release - 920.0).abs() < 5.0, "{attack} {release}");
        // A click of one frame every 100 ms: far shorter than any sustained sound's.
        let (attack, release) = of(|n| if n % 4_800 == 0 { 1.0 } else { 0.0 }).times_ms();
        assert!(attack < 0.2 && release < 2.0, "{attack} {release}");
        let (attack, release) = Crest::new(RATE).times_ms();
        assert!(
            (attack - 160.0).abs() < 1e-9 && (release - 1840.0).abs() < 1e-9,
            "silence: {attack} {release}"
        );
    }
}
