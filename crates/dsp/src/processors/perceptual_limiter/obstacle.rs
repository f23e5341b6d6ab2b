//! The smoothest curve above an obstacle, found exactly.
//!
//! Wanted are the values `c` with the least `sum c + lambda / 2 * sum (c'')^2` under `c >= obstacle`: a weightless
//! elastic beam pressed onto stones. It is a convex quadratic programme with a banded matrix, solved by a
//! primal-dual interior-point method with Mehrotra's predictor and corrector (S. Mehrotra, *On the implementation of
//! a primal-dual interior point method*, SIAM Journal on Optimization 2, 1992); each step is a Cholesky
//! factorisation of five diagonals.

use crate::blocks::lookahead::greater;

/// Steps after which the solution is taken as it is; fifteen are usual.
const MOST_STEPS: usize = 40;
/// The mean product of slack and multiplier at which it is solved: with a multiplier of about one, a millionth of
/// a decibel.
const SOLVED: f64 = 1e-6;
/// What is taken off where the obstacle leaves room, so that the curve rests on it exactly.
const REST: f64 = 1e-4;
/// Slack and multiplier stay above it.
const LEAST: f64 = 1e-12;

/// Room for one programme.
pub(super) struct Obstacle {
    curve: Vec<f64>,
    multiplier: Vec<f64>,
    slack: Vec<f64>,
    residual: Vec<f64>,
    complement: Vec<f64>,
    step: Vec<f64>,
    multiplier_step: Vec<f64>,
    /// The factor: reciprocal of the diagonal, and the two below it.
    factor: Vec<[f64; 3]>,
}

impl Obstacle {
    /// For programmes of `count` values.
    pub(super) fn new(count: usize) -> Obstacle {
        let line = || vec![0.0; count];
        Obstacle {
            curve: line(),
            multiplier: line(),
            slack: line(),
            residual: line(),
            complement: line(),
            step: line(),
            multiplier_step: line(),
            factor: vec![[0.0; 3]; count],
        }
    }

    /// The curve above `floor`, which is zero or more everywhere, that goes on from the two values before it.
    pub(super) fn solve(&mut self, floor: &[f64], before: [f64; 2], lambda: f64) -> &[f64] {
        if before == [0.0; 2] && floor.iter().all(|f| *f == 0.0) {
            self.curve.fill(0.0);
            return &self.curve;
        }
        self.curve.iter_mut().zip(floor).for_each(|(c, f)| *c = f + 1.0);
        self.multiplier.fill(1.0);
        let count = floor.len() as f64;
        for _ in 0..MOST_STEPS {
            self.slack
                .iter_mut()
                .zip(&self.curve)
                .zip(floor)
                .for_each(|((s, c), f)| *s = greater(c - f, LEAST));
            let mean = dot(&self.slack, &self.multiplier) / count;
            if mean < SOLVED {
                break;
            }
            self.residuals(before, lambda);
            self.factorise(lambda);
            // The predictor aims at no slack at all, the corrector at what the predictor has shown to be in reach.
            for n in 0..floor.len() {
                self.complement[n] = -self.slack[n] * self.multiplier[n];
            }
            self.direction();
            let (a, b) = self.lengths();
            let reached: f64 = (0..floor.len())
                .map(|n| {
                    let slack = self.slack[n] + a * self.step[n];
                    slack * (self.multiplier[n] + b * self.multiplier_step[n])
                })
                .sum();
            let centre = (reached / count / mean).powi(3) * mean;
            for n in 0..floor.len() {
                let product = self.slack[n] * self.multiplier[n];
                self.complement[n] = centre - product - self.step[n] * self.multiplier_step[n];
            }
            self.direction();
            let (a, b) = self.lengths();
            for n in 0..floor.len() {
                self.curve[n] = greater(self.curve[n] + a * self.step[n], floor[n] + LEAST);
                self.multiplier[n] = greater(self.multiplier[n] + b * self.multiplier_step[n], LEAST);
            }
        }
        self.curve.iter_mut().zip(floor).for_each(|(c, f)| *c = greater(*c - REST, *f));
        &self.curve
    }

    /// The gradient of the programme, less the multipliers.
    fn residuals(&mut self, before: [f64; 2], lambda: f64) {
        let count = self.curve.len();
        let value = |n: usize| if n < 2 { before[n] } else { self.curve[n - 2] };
        // The second differences, each at its last value.
        let bend = |n: usize| if n < count { value(n) - 2.0 * value(n + 1) + value(n + 2) } else { 0.0 };
        let (mut here, mut next) = (bend(0), bend(1));
        for n in 0..count {
            let after = bend(n + 2);
            self.residual[n] = 1.0 + lambda * (here - 2.0 * next + after) - self.multiplier[n];
            (here, next) = (next, after);
        }
    }

    /// Cholesky's factor of `lambda D'D + diag(multiplier / slack)`, as `L diag L'`.
    fn factorise(&mut self, lambda: f64) {
        let count = self.curve.len();
        let (mut last, mut before_last) = ([0.0; 3], [0.0; 3]);
        // Diagonals of the two rows before, for the update.
        let (mut d1, mut d2) = (0.0, 0.0);
        for n in 0..count {
            let (one, two) = (f64::from(u8::from(n + 1 < count)), f64::from(u8::from(n + 2 < count)));
            let diagonal = lambda * (1.0 + 4.0 * one + two) + self.multiplier[n] / self.slack[n];
            let (first, second) = (lambda * (-2.0 * one - 2.0 * two), lambda * two);
            let pivot = diagonal - last[1] * last[1] * d1 - before_last[2] * before_last[2] * d2;
            let row = [1.0 / pivot, (first - last[2] * last[1] * d1) / pivot, second / pivot];
            self.factor[n] = row;
            (before_last, last) = (last, row);
            (d2, d1) = (d1, pivot);
        }
    }

    /// Solves for the step that takes the residual away and gives the complement wished for.
    fn direction(&mut self) {
        let count = self.curve.len();
        for n in 0..count {
            let mut right = self.complement[n] / self.slack[n] - self.residual[n];
            if n >= 1 {
                right -= self.factor[n - 1][1] * self.step[n - 1];
            }
            if n >= 2 {
                right -= self.factor[n - 2][2] * self.step[n - 2];
            }
            self.step[n] = right;
        }
        for n in (0..count).rev() {
            let mut value = self.step[n] * self.factor[n][0];
            if n + 1 < count {
                value -= self.factor[n][1] * self.step[n + 1];
            }
            if n + 2 < count {
                value -= self.factor[n][2] * self.step[n + 2];
            }
            self.step[n] = value;
        }
        for n in 0..count {
            self.multiplier_step[n] =
                (self.complement[n] - self.multiplier[n] * self.step[n]) / self.slack[n];
        }
    }

    /// How far both may go without leaving their range.
    fn lengths(&self) -> (f64, f64) {
        (furthest(&self.slack, &self.step), furthest(&self.multiplier, &self.multiplier_step))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The longest part of a step, up to all of it, that keeps every value positive.
fn furthest(values: &[f64], steps: &[f64]) -> f64 {
    let mut part = 1.0;
    for (value, step) in values.iter().zip(steps) {
        if *step < 0.0 && -0.995 * value > part * step {
            part = -0.995 * value / step;
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `sum c + lambda / 2 * sum (c'')^2`.
    fn cost(curve: &[f64], before: [f64; 2], lambda: f64) -> f64 {
        let all = [&before, curve].concat();
        let bends: f64 = all.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).powi(2)).sum();
        curve.iter().sum::<f64>() + 0.5 * lambda * bends
    }

    #[test]
    fn between_two_stones_it_hangs_as_a_beam_does() {
        // Far from the ends and with stones at equal distances the beam is clamped at each by symmetry; its sag
        // under a load of one is L^4 / (384 lambda), or L^2 (L^2 + 8) / (384 lambda) with differences for derivatives.
        let mut floor = vec![0.0; 401];
        (0..401).step_by(20).for_each(|n| floor[n] = 1000.0);
        let lambda = 1e4;
        let mut obstacle = Obstacle::new(401);
        let curve = obstacle.solve(&floor, [1000.0; 2], lambda);
        let sag = 1000.0 - curve[210];
        let expected = 400.0 * 408.0 / (384.0 * lambda) + REST;
        assert!((sag - expected).abs() < 1e-5, "{sag} {expected}");
        assert_eq!(curve[200], 1000.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        // No better curve lies nearby: the programme is convex, so that none lies anywhere.
        #[test]
        fn no_other_curve_is_better(
            heights in prop::collection::vec((0usize..300, 0.0f64..12.0), 1..30),
            moves in prop::collection::vec((0usize..300, 1usize..60, -1.0f64..1.0), 20),
            time in 1.0f64..60.0,
        ) {
            let mut floor = vec![0.0; 300];
            heights.iter().for_each(|(at, height)| floor[*at] = *height);
            let lambda = time.powi(4);
            let mut obstacle = Obstacle::new(300);
            let curve = obstacle.solve(&floor, [0.0; 2], lambda).to_vec();
            prop_assert!(curve.iter().zip(&floor).all(|(c, f)| c >= f && c.is_finite()));
            let best = cost(&curve, [0.0; 2], lambda);
            for (at, width, height) in moves {
                // A smooth hump added to it, kept above the floor.
                let other: Vec<f64> = curve.iter().zip(&floor).enumerate().map(|(n, (c, f))| {
                    let x = (n as f64 - at as f64) / width as f64;
                    (c + height * (-x * x).exp()).max(*f)
                }).collect();
                // What the rest on the floor costs: 1e-4 for each value, and the bends it makes.
                let allowed = 300.0 * 2.0 * REST + 300.0 * lambda * REST * REST;
                prop_assert!(cost(&other, [0.0; 2], lambda) >= best - allowed, "at {at}, {width}, {height}");
            }
        }
    }
}
