//! Gain curves inside a feedback loop, solved without a delay.
//!
//! A feedback compressor hears its own output. In decibels its output stands at `over - r`, the input over the
//! threshold less the reduction, and one step of its smoothing reads `r = offset + share f(over - r)`. Because the
//! curve `f` never falls, this has exactly one solution; a unit delay in the loop would instead make the loop
//! overshoot and ring when it is fast (V. Zavalishin, *The Art of VA Filter Design*, chapter 3).

use crate::blocks::math;
use std::f64::consts::LN_2;

/// A gain curve: reduction in decibels against a level over the threshold in decibels, never falling, zero far below.
pub trait Curve: Copy {
    /// Reduction at a level.
    fn reduction_db(&self, over_db: f64) -> f64;

    /// The one `r` with `r = offset + share f(over - r)`; `share` between 0 and 1.
    fn solve(&self, over_db: f64, offset_db: f64, share: f64) -> f64;

    /// A `share` of the way to another curve.
    fn toward(&self, other: &Self, share: f64) -> Self;
}

fn between(from: f64, to: f64, share: f64) -> f64 {
    from + share * (to - from)
}

/// Nothing, then a parabola, then a line (Giannoulis, Massberg & Reiss 2012, equation 4).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Knee {
    /// Decibels of reduction per decibel above the knee.
    pub slope: f64,
    /// Width of the parabola in decibels of what the curve hears.
    pub width_db: f64,
}

impl Knee {
    /// For a compressor that hears its input.
    pub fn feed_forward(ratio: f64, knee_db: f64) -> Knee {
        Knee { slope: 1.0 - 1.0 / ratio, width_db: knee_db }
    }

    /// For a compressor that hears its output; ratio and knee are those that the input meets.
    ///
    /// With `y` the output, `r = (R - 1)(y - T)` is `y = T + (x - T)/R`. Along a parabola of width W the input moves
    /// by `W + (R - 1) W / 2`.
    pub fn feedback(ratio: f64, knee_db: f64) -> Knee {
        let slope = ratio - 1.0;
        Knee { slope, width_db: knee_db / (1.0 + 0.5 * slope) }
    }
}

impl Curve for Knee {
    #[inline(always)]
    fn reduction_db(&self, over_db: f64) -> f64 {
        let inside = over_db + 0.5 * self.width_db;
        if inside <= 0.0 {
            0.0
        } else if inside < self.width_db {
            self.slope * inside * inside / (2.0 * self.width_db)
        } else {
            self.slope * over_db
        }
    }

    #[inline(always)]
    fn solve(&self, over_db: f64, offset_db: f64, share: f64) -> f64 {
        let inside = over_db + 0.5 * self.width_db - offset_db;
        if inside <= 0.0 {
            return offset_db;
        }
        let (q, width) = (share * self.slope, self.width_db);
        let heard = if inside < width * (1.0 + 0.5 * q) {
            // The positive root of q u^2 / (2 W) + u = inside, in the form that does not cancel.
            2.0 * inside / (1.0 + (1.0 + 2.0 * q * inside / width).sqrt())
        } else {
            (inside + 0.5 * q * width) / (1.0 + q)
        };
        offset_db + (inside - heard)
    }

    fn toward(&self, other: &Knee, share: f64) -> Knee {
        Knee {
            slope: between(self.slope, other.slope, share),
            width_db: between(self.width_db, other.width_db, share),
        }
    }
}

/// Ratio at the threshold of a [`Remote`] curve.
pub const FIRST_RATIO: f64 = 1.5;
/// Ratio from [`DRIVE_DB`] above the threshold on.
pub const LAST_RATIO: f64 = 6.0;
/// Over how many decibels of input the ratio grows.
pub const DRIVE_DB: f64 = 20.0;
/// Growth of the ratio per decibel of input.
const GROWTH: f64 = (LAST_RATIO - FIRST_RATIO) / DRIVE_DB;
/// The same line reaches a ratio of one this far below the threshold.
const FOOT_DB: f64 = (FIRST_RATIO - 1.0) / GROWTH;

/// The curve of a remote cut-off tube: the ratio that the input meets grows with its level, by 0.225 per decibel.
///
/// With the input `e` above the foot the local ratio is `1 + c e`, hence the output `u = ln(1 + c e) / c`; turned
/// round, the reduction is `e - u = (exp(c u) - 1) / c - u` of the output: the exponential characteristic of such a
/// tube. From [`LAST_RATIO`] on it is a line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Remote;

impl Remote {
    /// Output above the foot, and reduction, where the line begins: ln(6)/c, and the rest of what went in.
    fn corner() -> (f64, f64) {
        const LN_LAST: f64 = 1.791_759_469_228_055;
        let heard = LN_LAST / GROWTH;
        (heard, (LAST_RATIO - 1.0) / GROWTH - heard)
    }

    /// Reduction and its slope at an output above the foot.
    #[inline(always)]
    fn at(heard: f64) -> (f64, f64) {
        let (corner, reduction) = Remote::corner();
        if heard <= 0.0 {
            (0.0, 0.0)
        } else if heard < corner {
            let grown = math::exp2(heard * (GROWTH / LN_2)) - 1.0;
            (grown / GROWTH - heard, grown)
        } else {
            (reduction + (LAST_RATIO - 1.0) * (heard - corner), LAST_RATIO - 1.0)
        }
    }
}

impl Curve for Remote {
    #[inline(always)]
    fn reduction_db(&self, over_db: f64) -> f64 {
        Remote::at(over_db + FOOT_DB).0
    }

    #[inline(always)]
    fn solve(&self, over_db: f64, offset_db: f64, share: f64) -> f64 {
        let inside = over_db + FOOT_DB - offset_db;
        if inside <= 0.0 {
            return offset_db;
        }
        let (corner, reduction) = Remote::corner();
        let slope = LAST_RATIO - 1.0;
        // On the line; where the curve has not reached it, this is left of the solution's line and serves as a
        // bound: the curve lies above its own tangent.
        let line = (inside - share * (reduction - slope * corner)) / (1.0 + share * slope);
        let mut heard = if line < inside { line } else { inside };
        if heard < corner {
            heard = if inside < corner { inside } else { corner };
            // The function is convex and this starts to the right of its zero: Newton's steps go one way and
            // double their digits. Four leave 2e-7 dB at most, where the start is farthest: at the corner, with a share of 1.
            for _ in 0..4 {
                let (reduction, slope) = Remote::at(heard);
                heard -= (heard + share * reduction - inside) / (1.0 + share * slope);
            }
        }
        offset_db + (inside - heard)
    }

    fn toward(&self, _other: &Remote, _share: f64) -> Remote {
        Remote
    }
}

/// The smoothing coefficient inside a loop whose closed response shall have the pole `pole` where the curve has this
/// slope: closing the loop makes it faster by `1 + slope`.
///
/// From `r = a r' + (1 - a) slope (x - r)`: the pole is `a / (1 + (1 - a) slope)`.
pub fn inside_loop(pole: f64, slope: f64) -> f64 {
    pole * (1.0 + slope) / (1.0 + pole * slope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bisection, which needs nothing but that the curve never falls.
    fn bisected(curve: &impl Curve, over: f64, offset: f64, share: f64) -> f64 {
        let (mut low, mut high) = (offset, offset + share * curve.reduction_db(over.max(0.0)) + 1.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle < offset + share * curve.reduction_db(over - middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    proptest! {
        #[test]
        fn the_loop_is_solved(
            over in -40.0f64..80.0, held in 0.0f64..60.0, share in 0.0f64..1.0,
            ratio in 1.0f64..100.0, knee in 0.0f64..24.0,
        ) {
            let offset = (1.0 - share) * held;
            let curve = Knee::feedback(ratio, knee);
            let seen = curve.solve(over, offset, share);
            prop_assert!((seen - bisected(&curve, over, offset, share)).abs() < 1e-8, "{}", seen);
            // What four steps leave, at most: the same recursion in another language, over a grid of shares and levels.
            let seen = Remote.solve(over, offset, share);
            prop_assert!((seen - bisected(&Remote, over, offset, share)).abs() < 2.1e-7, "{}", seen);
        }
    }

    /// The stated law by its own words: between the threshold and 20 dB above, the ratio grows in a straight line
    /// from 1.5 to 6.
    #[test]
    fn the_remote_curve_has_the_stated_ratios() {
        let output = |input: f64| input - Remote.solve(input, 0.0, 1.0);
        for (input, ratio) in
            [(-10.0, 1.0), (0.0, 1.5), (5.0, 2.625), (10.0, 3.75), (19.9, 5.9775), (30.0, 6.0)]
        {
            let step = 1e-3;
            let seen = 2.0 * step / (output(input + step) - output(input - step));
            assert!((seen - ratio).abs() < 0.01, "{input} dB over: a ratio of {seen}, not {ratio}");
        }
        assert_eq!(output(-2.3), -2.3);
    }

    #[test]
    fn a_closed_loop_has_the_pole_asked_for() {
        for (pole, slope) in [(0.5, 19.0), (0.99, 3.0), (0.9999, 1.0), (0.2, 0.0)] {
            let a = inside_loop(pole, slope);
            assert!((a / (1.0 + (1.0 - a) * slope) - pole).abs() < 1e-14 && a < 1.0);
        }
    }
}
