//! The parts of a dynamics processor: key filter, level detector, gain computer, smoothing.
//!
//! After Giannoulis, Massberg & Reiss, *Digital dynamic range compressor design: a tutorial and analysis*,
//! J. Audio Eng. Soc. 60 (2012): everything behind the detector is in decibels of gain reduction (zero or
//! positive), and smoothing comes after the gain computer, so that attack and release do not depend on how
//! far the level is above the threshold.

use super::lookahead::greater;
use super::math;
use super::quads::{Channel, Fours, Matrix};
use super::ramp::Ramp;
pub use super::smoother::{Smoother, Times};
pub use super::state_variable::{Outputs, StateVariable, loop_gain, settle, tangent};
use std::f64::consts::SQRT_2;

/// Power under which a level is not followed: -120 dBFS, so that the logarithm of silence is a number.
pub const POWER_FLOOR: f64 = 1e-12;

/// Coefficient of a one-pole that covers 1 - 1/e (63 %) of a step in `ms`; 0 for no time at all.
pub fn one_pole(ms: f64, sample_rate_hz: f64) -> f64 {
    if ms > 0.0 { (-1000.0 / (ms * sample_rate_hz)).exp() } else { 0.0 }
}

/// [`one_pole`] for times that are found from the signal: the same bits on every machine.
pub fn one_pole_of_signal(ms: f64, sample_rate_hz: f64) -> f64 {
    math::exp2(-1000.0 * std::f64::consts::LOG2_E / (ms * sample_rate_hz))
}

/// The knee's width as the gain computer wants it: half its reciprocal, or 0 for a hard knee.
pub fn knee_scale(knee_db: f64) -> f64 {
    if knee_db > 0.0 { 0.5 / knee_db } else { 0.0 }
}

/// Gain reduction of a compressor's static curve, in decibels (Giannoulis et al. 2012, equation 4).
///
/// `slope` is `1 - 1/ratio`, `knee_scale` comes from [`knee_scale`]. Below the knee it is exactly zero.
#[inline(always)]
pub fn reduction_db(level_db: f64, threshold_db: f64, slope: f64, knee_db: f64, knee_scale: f64) -> f64 {
    let over = level_db - threshold_db;
    let half = 0.5 * knee_db;
    let inside = greater(over + half, 0.0);
    let inside = if inside < knee_db { inside } else { knee_db };
    slope * (inside * inside * knee_scale + greater(over - half, 0.0))
}

/// Which side of its corner a [`KeyFilter`] lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// What is above; at 0 Hz everything.
    High,
    /// What is below; at [`LOW_PASS_OFF_HZ`] everything.
    Low,
}

/// A key low-pass with its corner here is switched off.
pub const LOW_PASS_OFF_HZ: f64 = 24_000.0;

/// A second-order Butterworth filter for what a detector listens to.
///
/// While its corner stands it takes four frames at a time (see [`super::quads`]).
#[derive(Debug, Clone)]
pub struct KeyFilter {
    pass: Pass,
    g: Ramp,
    /// Where the corner goes, or stands, is where the filter is off.
    neutral: bool,
    /// Passes the signal as it is. Changes at points of the control grid only.
    off: bool,
    sample_rate_hz: f64,
    /// The step at the corner where it goes, or stands: for a frame, and for four.
    matrix: Matrix,
    fours: Fours,
    channels: Vec<Channel>,
}

impl KeyFilter {
    /// For `channels` channels, with its corner at `freq_hz`.
    pub fn new(pass: Pass, freq_hz: f64, sample_rate_hz: f64, channels: usize) -> KeyFilter {
        let g = tangent(freq_hz, sample_rate_hz);
        let matrix = butterworth(pass, g);
        let mut filter = KeyFilter {
            pass,
            g: Ramp::new(g),
            neutral: false,
            off: false,
            sample_rate_hz,
            matrix,
            fours: Fours::new(&matrix),
            channels: vec![Channel::default(); channels],
        };
        filter.set(freq_hz);
        filter.reset();
        filter
    }

    /// Moves the corner.
    pub fn set(&mut self, freq_hz: f64) {
        self.settle();
        self.g.go_to(tangent(freq_hz, self.sample_rate_hz));
        self.matrix = butterworth(self.pass, self.g.target());
        self.fours = Fours::new(&self.matrix);
        self.neutral = match self.pass {
            Pass::High => freq_hz <= 0.0,
            Pass::Low => freq_hz >= LOW_PASS_OFF_HZ,
        };
        self.off = false;
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.g.finish();
        self.off = self.neutral;
        self.channels.fill(Channel::default());
    }

    /// Work for a point of the control grid.
    pub fn flush(&mut self) {
        self.off = self.neutral && !self.g.moves();
        if self.off {
            self.channels.fill(Channel::default());
        }
        self.channels.iter_mut().for_each(|channel| channel.flush(&self.matrix));
    }

    /// Ends a four that has begun.
    fn settle(&mut self) {
        for channel in &mut self.channels {
            channel.settle(&self.matrix);
        }
    }

    /// Filters one channel's part of a piece in place. After the last channel of the piece: `advance`.
    pub fn process(&mut self, channel: usize, samples: &mut [f64]) {
        if !self.off {
            let standing = self.moving(channel, samples);
            self.channels[channel].process(&self.fours, standing);
        }
    }

    /// Filters two neighbouring channels in place, for less than the price of two; they are equally long.
    pub fn process_two(&mut self, channel: usize, left: &mut [f64], right: &mut [f64]) {
        if !self.off {
            let (left, right) = (self.moving(channel, left), self.moving(channel + 1, right));
            if let [l, r] = &mut self.channels[channel..channel + 2] {
                Channel::process_two([l, r], &self.fours, left, right);
            }
        }
    }

    /// Filters the samples until the corner comes to rest, and gives those after it.
    fn moving<'a>(&mut self, channel: usize, samples: &'a mut [f64]) -> &'a mut [f64] {
        let (moving, standing) = samples.split_at_mut(self.g.left().min(samples.len()));
        if !moving.is_empty() {
            let (mut g, mut state) = (self.g, self.channels[channel].settle(&self.matrix));
            for sample in moving {
                let g = g.next_value();
                let outputs = state.next(*sample, g, SQRT_2, loop_gain(g, SQRT_2));
                *sample = if self.pass == Pass::High { outputs.high } else { outputs.low };
            }
            self.channels[channel].resume(state);
        }
        standing
    }

    /// Moves on by the piece's frames.
    pub fn advance(&mut self, frames: usize) {
        for _ in 0..frames {
            if !self.g.moves() {
                break;
            }
            self.g.next_value();
        }
    }
}

/// One step of a [`KeyFilter`] that does not move: the same recursion as [`StateVariable::next`], solved for the states.
fn butterworth(pass: Pass, g: f64) -> Matrix {
    let scale = loop_gain(g, SQRT_2);
    let (band, low) = (g * scale, g * g * scale);
    Matrix {
        first: [2.0 * scale - 1.0, -2.0 * band, 2.0 * band],
        second: [2.0 * band, 1.0 - 2.0 * low, 2.0 * low],
        output: match pass {
            Pass::High => [-(SQRT_2 + g) * scale, -scale, scale],
            Pass::Low => [band, 1.0 - low, low],
        },
    }
}

/// Turns decibels of reduction into gains, in place, and gives the deepest reduction among them (at least
/// `deepest_db`). No reduction is a gain of exactly one.
pub fn gains(reductions_db: &mut [f64], deepest_db: f64) -> f64 {
    let deepest = greatest(reductions_db, 0.0);
    if deepest == 0.0 {
        reductions_db.fill(1.0);
    } else {
        all_gains(reductions_db);
    }
    greater(deepest, deepest_db)
}

audio::wide! {
    fn all_gains(reductions_db: &mut [f64]) {
        reductions_db.iter_mut().for_each(|value| *value = math::db_to_gain(-*value));
    }
}

audio::wide! {
    /// The greatest of `values`, and at least `least`; eight at a time.
    fn greatest(values: &[f64], least: f64) -> f64 {
        let mut most = [least; 8];
        let (eights, rest) = values.as_chunks::<8>();
        for eight in eights {
            for lane in 0..8 {
                most[lane] = greater(eight[lane], most[lane]);
            }
        }
        rest.iter().chain(&most).fold(least, |most, value| greater(*value, most))
    }
}

/// Turns power into decibels of gain reduction, in place, by a curve that stands still.
pub fn reductions_db(powers: &mut [f64], threshold_db: f64, slope: f64, knee_db: f64) {
    // Logarithm and power err by less than this; below the knee the curve is exactly zero.
    const ERROR_DB: f64 = 1e-6;
    // From the settings alone: worked out while the powers are still compared.
    let least = math::db_to_power(threshold_db - 0.5 * knee_db - ERROR_DB);
    if greatest(powers, POWER_FLOOR) < least {
        powers.fill(0.0);
    } else {
        all_reductions_db(powers, threshold_db, slope, knee_db);
    }
}

audio::wide! {
    fn all_reductions_db(powers: &mut [f64], threshold_db: f64, slope: f64, knee_db: f64) {
        let scale = knee_scale(knee_db);
        for power in powers {
            *power = reduction_db(math::power_to_db(*power), threshold_db, slope, knee_db, scale);
        }
    }
}

/// Running mean of the power, exponential window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeanPower {
    power: f64,
}

impl MeanPower {
    /// The mean after one more sample of this power.
    #[inline(always)]
    pub fn next(&mut self, power: f64, coefficient: f64) -> f64 {
        self.power = power + coefficient * (self.power - power);
        self.power
    }

    /// Clears what is too small to matter.
    pub fn flush(&mut self) {
        self.power = settle(self.power);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn the_curve_is_the_papers() {
        for ratio in [1.0, 1.5, 4.0, 20.0, 100.0] {
            for knee in [0.0, 1.0, 6.0, 24.0] {
                for tenth in -600..100 {
                    let (level, threshold) = (f64::from(tenth) / 10.0, -23.0);
                    // Equation 4, as printed: output level.
                    let over = level - threshold;
                    let output = if 2.0 * over < -knee {
                        level
                    } else if 2.0 * f64::abs(over) <= knee && knee > 0.0 {
                        level + (1.0 / ratio - 1.0) * (over + knee / 2.0).powi(2) / (2.0 * knee)
                    } else {
                        threshold + over / ratio
                    };
                    let actual = reduction_db(level, threshold, 1.0 - 1.0 / ratio, knee, knee_scale(knee));
                    assert!((level - actual - output).abs() < 1e-10, "{ratio} {knee} {level} {actual}");
                }
            }
        }
    }

    #[test]
    fn the_key_filter_is_a_butterworth() {
        for (pass, sign) in [(Pass::High, -4), (Pass::Low, 4)] {
            let mut filter = KeyFilter::new(pass, 150.0, 48_000.0, 1);
            let mut impulse = vec![0.0; 16_384];
            impulse[0] = 1.0;
            filter.process(0, &mut impulse);
            for hz in [37.5, 75.0, 150.0, 300.0, 1200.0, 12_000.0f64] {
                let (re, im) = impulse.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, h)| {
                    let angle = 2.0 * PI * hz * n as f64 / 48_000.0;
                    (re + h * angle.cos(), im - h * angle.sin())
                });
                let warped = tangent(hz, 48_000.0) / tangent(150.0, 48_000.0);
                // |H|^2 of the second-order Butterworth on the bilinear transform's frequency scale.
                let expected = 1.0 / (1.0 + warped.powi(sign));
                assert!(
                    (re * re + im * im - expected).abs() < 1e-9,
                    "{hz} Hz: {} {expected}",
                    re * re + im * im
                );
            }
        }
    }

    #[test]
    fn a_filter_that_is_off_changes_no_bit() {
        for (pass, hz) in [(Pass::High, 0.0), (Pass::Low, LOW_PASS_OFF_HZ)] {
            let mut filter = KeyFilter::new(pass, hz, 48_000.0, 1);
            let mut samples = [0.3, -0.0, 1e-300, -1.0];
            filter.process(0, &mut samples);
            assert_eq!(samples.map(f64::to_bits), [0.3, -0.0, 1e-300, -1.0].map(f64::to_bits));
        }
    }
}
