//! What moves the filter: the oscillator, the level's mark, and the corner's coefficient.
//!
//! Plain arithmetic throughout: the same bits on every machine, and loops that the compiler widens.

use super::Wave;
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::math;
use audio::Frames;
use std::f64::consts::{FRAC_PI_2, PI};

/// Lowest and highest corner as shares of the sample rate.
const LOWEST_SHARE: f64 = 1.0 / 8_192.0;
const HIGHEST_SHARE: f64 = 0.48;

/// An oscillator whose phase at a point of the control grid depends on nothing but the rates until then.
#[derive(Debug, Clone)]
pub(super) struct Oscillator {
    /// In turns, at the last point of the grid.
    at_point: f64,
    /// Turns per frame until the next point.
    step: f64,
    /// Frames since the last point.
    since: Frames,
    started: bool,
}

impl Oscillator {
    /// At the start of its turn, with a rate in turns per frame.
    pub(super) fn new(step: f64) -> Oscillator {
        Oscillator { at_point: 0.0, step, since: 0, started: false }
    }

    /// Takes a rate up at a point of the grid.
    pub(super) fn control(&mut self, step: f64) {
        if self.started {
            self.at_point = (self.at_point + CONTROL_FRAMES as f64 * self.step).fract();
        }
        (self.step, self.since, self.started) = (step, 0, true);
    }

    /// Moves on without being heard.
    pub(super) fn pass(&mut self, frames: Frames) {
        self.since += frames;
    }

    /// The next values, -1 to 1, from 0 upwards at first.
    pub(super) fn next_values(&mut self, wave: Wave, values: &mut [f64]) {
        for (n, value) in values.iter_mut().enumerate() {
            let turns = self.at_point + (self.since + n) as f64 * self.step + 0.75;
            let triangle = 4.0 * (turns - turns.floor() - 0.5).abs() - 1.0;
            *value = if wave == Wave::Sine { quarter_sine(triangle) } else { triangle };
        }
        self.since += values.len();
    }
}

/// sin(pi x / 2) for -1 to 1, by its series (Abramowitz & Stegun 4.3.65); error below 1e-7.
fn quarter_sine(x: f64) -> f64 {
    let x = FRAC_PI_2 * x;
    let u = x * x;
    let high = 1.0 / 362_880.0 - u / 39_916_800.0;
    let middle = -1.0 / 5_040.0 + u * high;
    let low = 1.0 / 120.0 + u * middle;
    let sum = -1.0 / 6.0 + u * low;
    x + x * u * sum
}

/// Turns amplitudes into how far they open the filter: 0 at -60 dBFS and below, 1 at full scale and above.
pub(super) fn opening(levels: &mut [f64]) {
    for level in levels {
        let floored = if *level > 1e-6 { *level } else { 1e-6 };
        let open = 1.0 + math::amplitude_to_db(floored) / 60.0;
        *level = open.clamp(0.0, 1.0);
    }
}

audio::wide! {
    /// Turns log2 of the corner's share of the sample rate into tan(pi share), bounded.
    pub(super) fn tangents(corners: &mut [f64]) {
        for corner in corners {
            *corner = self::corner(math::exp2(*corner));
        }
    }
}

/// tan(pi share) of the nearest share that a corner may have.
#[inline(always)]
pub(super) fn corner(share: f64) -> f64 {
    let share = if share > LOWEST_SHARE { share } else { LOWEST_SHARE };
    tangent(if share < HIGHEST_SHARE { share } else { HIGHEST_SHARE })
}

/// tan(pi share) for 0 to 0.48: the continued fraction of the tangent (Abramowitz & Stegun 4.3.94) to its sixth term
/// for half the angle, then tan 2a = 2 t / (1 - t²).
#[inline(always)]
fn tangent(share: f64) -> f64 {
    let a = 0.5 * PI * share;
    let u = a * a;
    let above = a * (10_395.0 + u * (21.0 * u - 1_260.0));
    let below = 10_395.0 + u * (u * (210.0 - u) - 4_725.0);
    let t = above / below;
    2.0 * t / (1.0 - t * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tangent_and_sine_are_the_libraries() {
        for n in 0..=1_000 {
            let share = HIGHEST_SHARE * f64::from(n) / 1_000.0;
            let (seen, exact) = (tangent(share), (PI * share).tan());
            // A hundred-thousandth of a cent.
            assert!((seen - exact).abs() <= 1e-8 * exact, "{share}: {seen} {exact}");
            let x = f64::from(n) / 500.0 - 1.0;
            assert!((quarter_sine(x) - (FRAC_PI_2 * x).sin()).abs() < 1e-7, "{x}");
        }
    }

    #[test]
    fn the_oscillator_begins_at_zero_and_keeps_its_period() {
        for wave in [Wave::Sine, Wave::Triangle] {
            let mut oscillator = Oscillator::new(1.0 / 640.0);
            let mut values = Vec::new();
            for _ in 0..40 {
                let mut piece = [0.0; CONTROL_FRAMES];
                oscillator.control(1.0 / 640.0);
                oscillator.next_values(wave, &mut piece);
                values.extend(piece);
            }
            for (frame, expected) in [(0, 0.0), (160, 1.0), (320, 0.0), (480, -1.0), (640, 0.0), (1_440, 1.0)]
            {
                // The sine's series.
                assert!((values[frame] - expected).abs() < 1e-7, "{wave:?} {frame}: {}", values[frame]);
            }
        }
    }

    #[test]
    fn levels_open_in_decibels() {
        let mut levels = [0.0, 0.001, 0.031_622_776_6, 1.0, 50.0];
        opening(&mut levels);
        for (seen, expected) in levels.iter().zip([0.0, 0.0, 0.5, 1.0, 1.0]) {
            assert!((seen - expected).abs() < 1e-9, "{levels:?}");
        }
    }
}
