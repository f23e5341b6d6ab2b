//! Gain elements: how reduction follows level in time, in an open or a closed loop.

use super::curve::Curve;
use crate::blocks::dynamics::{Times, settle};

/// One lane's gain element with its memory.
pub trait Element: Clone + Send {
    /// What it goes by; found from the settings.
    type Law: Copy + Send;

    /// A `share` of the way from one law to another.
    fn toward(from: &Self::Law, to: &Self::Law, share: f64) -> Self::Law;

    /// Turns levels over the threshold, in decibels, into decibels of reduction, in place.
    fn reduce(&mut self, levels_db: &mut [f64], law: &Self::Law);

    /// Work for a point of the control grid: clears what is too small to matter, and what is no number.
    fn flush(&mut self, law: &Self::Law);

    /// Forgets the past.
    fn reset(&mut self);
}

/// What a [`Follower`] goes by.
#[derive(Debug, Clone, Copy)]
pub struct FollowerLaw<C> {
    /// The gain curve.
    pub curve: C,
    /// Whether the curve hears the output.
    pub feedback: bool,
    /// Coefficients of attack and release; in a closed loop those inside it.
    pub times: Times,
    /// A second stage that fills up under lasting reduction and then releases slowly; none when its attack is 1.
    pub slow: Times,
}

/// No second stage: it never fills.
pub const NO_SLOW_STAGE: Times = Times { attack: 1.0, release: 0.0 };

/// Branching attack and release (Giannoulis, Massberg & Reiss 2012, equation 16), and beside it a slow stage; the
/// greater of both holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Follower<C> {
    fast: f64,
    slow: f64,
    curve: std::marker::PhantomData<C>,
}

impl<C: Curve + Default + Send> Follower<C> {
    #[inline(always)]
    fn open(&mut self, level_db: f64, law: &FollowerLaw<C>) {
        let asked = law.curve.reduction_db(level_db);
        let keep = if asked > self.fast { law.times.attack } else { law.times.release };
        self.fast = asked + keep * (self.fast - asked);
    }

    #[inline(always)]
    fn closed(&mut self, level_db: f64, law: &FollowerLaw<C>) {
        let before = if self.fast > self.slow { self.fast } else { self.slow };
        let asked = law.curve.reduction_db(level_db - before);
        let keep = if asked > self.fast { law.times.attack } else { law.times.release };
        let solved = law.curve.solve(level_db, keep * self.fast, 1.0 - keep);
        self.fast = if solved >= self.slow {
            solved
        } else {
            // The slow stage holds the gain: the loop is closed through it.
            asked + keep * (self.fast - asked)
        };
    }
}

impl<C: Curve + Default + Send> Element for Follower<C> {
    type Law = FollowerLaw<C>;

    fn toward(from: &FollowerLaw<C>, to: &FollowerLaw<C>, share: f64) -> FollowerLaw<C> {
        FollowerLaw { curve: from.curve.toward(&to.curve, share), ..*to }
    }

    fn reduce(&mut self, levels_db: &mut [f64], law: &FollowerLaw<C>) {
        let mut state = *self;
        for level in levels_db {
            if law.feedback {
                state.closed(*level, law);
            } else {
                state.open(*level, law);
            }
            let keep = if state.fast > state.slow { law.slow.attack } else { law.slow.release };
            state.slow = state.fast + keep * (state.slow - state.fast);
            *level = if state.fast > state.slow { state.fast } else { state.slow };
        }
        *self = state;
    }

    fn flush(&mut self, _law: &FollowerLaw<C>) {
        self.fast = settle(self.fast);
        self.slow = settle(self.slow);
    }

    fn reset(&mut self) {
        (self.fast, self.slow) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::dynamics::one_pole;
    use crate::blocks::gain_cell::curve::{Knee, inside_loop};

    const RATE: f64 = 192_000.0;

    fn law(ratio: f64, feedback: bool, attack_ms: f64, release_ms: f64) -> FollowerLaw<Knee> {
        let curve = if feedback { Knee::feedback(ratio, 0.0) } else { Knee::feed_forward(ratio, 0.0) };
        let pole = one_pole(attack_ms, RATE);
        let attack = if feedback { inside_loop(pole, curve.slope) } else { pole };
        let times = Times { attack, release: one_pole(release_ms, RATE) };
        FollowerLaw { curve, feedback, times, slow: NO_SLOW_STAGE }
    }

    fn reached(values: &[f64], from: f64, to: f64) -> f64 {
        let there = (to - from).abs() * (1.0 - (-1f64).exp());
        let count = values.iter().position(|v| (v - from).abs() >= there).expect("reached") + 1;
        count as f64 / RATE * 1000.0
    }

    /// Above the threshold every closed loop is one pole, which is where it was put: the times are exact to a frame,
    /// however high the ratio and short the attack.
    #[test]
    fn times_are_exact_in_open_and_closed_loops() {
        for feedback in [false, true] {
            for ratio in [2.0, 4.0, 20.0] {
                for attack_ms in [0.02, 0.2, 10.0] {
                    let law = law(ratio, feedback, attack_ms, 50.0);
                    let mut follower = Follower::<Knee>::default();
                    let rest = |over: f64| over * (1.0 - 1.0 / ratio);
                    follower.reduce(&mut vec![10.0; 200_000], &law);
                    let mut rise = vec![20.0; 20_000];
                    follower.reduce(&mut rise, &law);
                    let seen = reached(&rise, rest(10.0), rest(20.0));
                    let frame = 1000.0 / RATE;
                    assert!(
                        (seen - attack_ms).abs() <= 1.01 * frame,
                        "{feedback} {ratio} {attack_ms}: {seen}"
                    );
                    let mut fall = vec![-60.0; 200_000];
                    follower.reduce(&mut fall, &law);
                    let seen = reached(&fall, rest(20.0), 0.0);
                    assert!((seen - 50.0).abs() < 0.02, "{feedback} {ratio}: release {seen}");
                }
            }
        }
    }
}
