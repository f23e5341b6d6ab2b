//! The gain of each cell of the transform.
//!
//! Ephraim & Malah, *Speech enhancement using a minimum mean-square error log-spectral amplitude estimator*,
//! IEEE Trans. ASSP 33 (1985), with the a priori signal-to-noise ratio by their decision-directed estimate, and
//! the probability that something sounds after Cohen & Berdugo (2001). Three things are different, because the
//! gain may hear [`AHEAD`] frames ahead:
//!
//! - The decision is directed from both sides: the estimate of the frame before, and one that runs backwards
//!   from the frames to come; the greater counts. An onset is let through at once instead of one frame late,
//!   which halves the distortion of what stands out from the noise.
//! - The mean power of two neighbourhoods of a cell, one long in time (a partial) and one wide in frequency (a
//!   hit), tells whether anything is there at all, by how many standard deviations of noise it stands out.
//!   The probability is multiplied by that, so that a lone peak of the noise stays at the floor: no warbling.
//! - The a priori probability is a half everywhere; the neighbourhoods say the rest.

use crate::blocks::math;
use audio::{db_to_gain, db_to_power, wide};

/// Frames that the gain hears ahead.
pub const AHEAD: usize = 4;

/// Frames that are kept: as many before the present one as after it.
const KEPT: usize = 2 * AHEAD + 1;

/// Weight of the past in the decision-directed estimate (Ephraim & Malah 1984).
const PAST: f64 = 0.98;

/// Weight of the future: less, because it starts from nothing only a few frames away.
const FUTURE: f64 = 0.95;

/// The lowest a priori signal-to-noise ratio, in decibels (Cappé 1994 tells how it keeps noise from warbling).
const LEAST_PRIOR_DB: f64 = -25.0;

/// The highest ratio of a cell's power to the noise that is told apart: 60 dB.
const MOST_POSTERIOR: f64 = 1e6;

/// A partial's neighbourhood reaches so many bins to either side, over all frames kept.
const PARTIAL_BINS: usize = 1;

/// A hit's neighbourhood reaches so many bins to either side, over three frames.
const HIT_BINS: usize = 7;

/// Independent values in the mean of either neighbourhood: neighbouring bins of a root-Hann window are
/// correlated by 1/4 in power, frames a quarter apart by 0.57 and half apart by 0.10.
const PARTIAL_VALUES: f64 = 3.0 / 1.5 * (KEPT as f64 / 2.3);
const HIT_VALUES: f64 = 15.0 / 1.5 * (3.0 / 2.3);

/// Standard deviations from "nothing there" to "surely something".
const SPREAD: f64 = 4.0;

/// Standard deviations at which "nothing there" ends, at full smoothing.
const SUREST: f64 = 8.0;

/// What the gains aim at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Base-two logarithm of the gain where nothing sounds.
    floor_log2: f64,
    /// Standard deviations at which something may sound.
    least_deviation: f64,
}

impl Default for Target {
    fn default() -> Target {
        Target::new(0.0, 50.0)
    }
}

impl Target {
    /// From the reduction in decibels and the smoothing in percent.
    pub fn new(reduction_db: f64, smoothing_percent: f64) -> Target {
        Target {
            floor_log2: db_to_gain(-reduction_db).log2(),
            least_deviation: SUREST * smoothing_percent / 100.0,
        }
    }
}

/// Base-two logarithm of the gain of the log-spectral amplitude estimator.
///
/// `prior` and `posterior` are the signal-to-noise ratios in power; Ephraim & Malah 1985, equation 20:
/// `G = xi / (1 + xi) exp(E1(v) / 2)` with `v = gamma xi / (1 + xi)`. The exponential integral after Abramowitz &
/// Stegun 5.1.53 and 5.1.56, whose error is below 2e-7 and 5e-5 of it.
#[inline(always)]
pub fn log_spectral_gain_log2(prior: f64, posterior: f64) -> f64 {
    let share = prior / (1.0 + prior);
    let v = share * posterior;
    let v = if v > 1e-9 { v } else { 1e-9 };
    let v = if v < 500.0 { v } else { 500.0 };
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    let v2 = v * v;
    let low = v * (0.999_991_93 - v * 0.249_910_55) + v2 * v * (0.055_199_68 - v * 0.009_760_04)
        - 0.577_215_66
        + v2 * v2 * v * 0.001_078_57
        - math::log2(v) / LOG2_E;
    let over = v2 + 2.334_733 * v + 0.250_621;
    let under = v2 + 3.330_657 * v + 1.681_534;
    let high = math::exp2(-v * LOG2_E) * over / (v * under);
    let integral = if v < 1.0 { low } else { high };
    math::log2(share) + 0.5 * LOG2_E * integral
}

wide! {
    /// One frame further back: `future` becomes the cell's clean power in units of the noise.
    fn step_back(future: &mut [f64], power: &[f64], inverse: &[f64], least: f64) {
        for ((future, power), inverse) in future.iter_mut().zip(power).zip(inverse) {
            let posterior = bounded(power * inverse);
            let prior = prior(FUTURE, *future, posterior, least);
            *future = math::exp2(2.0 * log_spectral_gain_log2(prior, posterior)) * posterior;
        }
    }
}

wide! {
    /// The gains of the present frame. `past` and `future` are the clean power of the frames beside it in units
    /// of the noise; `past` becomes that of this one.
    fn decide(
        past: &mut [f64], future: &[f64], power: &[f64], inverse: &[f64], presence: &[f64], least: f64,
        floor_log2: f64, gains: &mut [f64],
    ) {
        for k in 0..gains.len() {
            let posterior = bounded(power[k] * inverse[k]);
            let beside = if past[k] > future[k] { past[k] } else { future[k] };
            let prior = prior(PAST, beside, posterior, least);
            let gain_log2 = log_spectral_gain_log2(prior, posterior);
            past[k] = math::exp2(2.0 * gain_log2) * posterior;
            let v = posterior * prior / (1.0 + prior);
            // Cohen & Berdugo 2001, with an a priori probability of a half.
            let odds = (1.0 + prior) * math::exp2(-v * std::f64::consts::LOG2_E);
            let probability = presence[k] / (1.0 + odds);
            // The estimator may ask for more than one, or for less than the floor.
            let bounded = if gain_log2 < 0.0 { gain_log2 } else { 0.0 };
            let bounded = if bounded > floor_log2 { bounded } else { floor_log2 };
            gains[k] = math::exp2(floor_log2 + probability * (bounded - floor_log2));
        }
    }
}

#[inline(always)]
fn bounded(posterior: f64) -> f64 {
    if posterior < MOST_POSTERIOR { posterior } else { MOST_POSTERIOR }
}

/// The decision-directed estimate (Ephraim & Malah 1984, equation 51).
#[inline(always)]
fn prior(weight: f64, beside: f64, posterior: f64, least: f64) -> f64 {
    let excess = if posterior > 1.0 { posterior - 1.0 } else { 0.0 };
    let prior = weight * beside + (1.0 - weight) * excess;
    if prior > least { prior } else { least }
}

/// Works out the gains of the frame [`AHEAD`] frames before the newest one.
pub(super) struct Suppressor {
    /// Power of the frames kept, a ring.
    powers: Vec<Vec<f64>>,
    /// Where the newest one stands.
    newest: usize,
    past: Vec<f64>,
    future: Vec<f64>,
    inverse: Vec<f64>,
    presence: Vec<f64>,
    sum: Vec<f64>,
    running: Vec<f64>,
}

impl Suppressor {
    pub(super) fn new(bins: usize) -> Suppressor {
        Suppressor {
            powers: vec![vec![0.0; bins]; KEPT],
            newest: 0,
            past: vec![0.0; bins],
            future: vec![0.0; bins],
            inverse: vec![0.0; bins],
            presence: vec![0.0; bins],
            sum: vec![0.0; bins],
            running: vec![0.0; bins + 1],
        }
    }

    pub(super) fn reset(&mut self) {
        self.powers.iter_mut().for_each(|power| power.fill(0.0));
        self.past.fill(0.0);
        self.newest = 0;
    }

    /// Place in the ring of the frame `back` frames before the newest.
    fn place(&self, back: usize) -> usize {
        (self.newest + KEPT - back) % KEPT
    }

    /// Takes the newest frame's power and the noise, and gives the gains. False where nothing sounds at all.
    pub(super) fn hear(&mut self, power: &[f64], noise: &[f64], target: &Target, gains: &mut [f64]) -> bool {
        self.newest = (self.newest + 1) % KEPT;
        self.powers[self.newest].copy_from_slice(power);
        let present = self.place(AHEAD);
        if self.powers[present].iter().all(|power| *power <= 0.0) {
            self.past.fill(0.0);
            return false;
        }
        for (inverse, noise) in self.inverse.iter_mut().zip(noise) {
            *inverse = 1.0 / noise.max(1e-60);
        }
        self.weigh_neighbourhoods(target.least_deviation);
        let least = db_to_power(LEAST_PRIOR_DB);
        self.future.fill(0.0);
        for back in 0..AHEAD {
            let place = self.place(back);
            step_back(&mut self.future, &self.powers[place], &self.inverse, least);
        }
        let (past, power) = (&mut self.past, &self.powers[present]);
        let floor = target.floor_log2;
        decide(past, &self.future, power, &self.inverse, &self.presence, least, floor, gains);
        true
    }

    /// Tells by the mean of the neighbourhoods how surely something is there.
    fn weigh_neighbourhoods(&mut self, least_deviation: f64) {
        self.presence.fill(0.0);
        for (frames, reach, values) in [(KEPT, PARTIAL_BINS, PARTIAL_VALUES), (3, HIT_BINS, HIT_VALUES)] {
            let first = AHEAD - frames / 2;
            self.sum.fill(0.0);
            for back in first..first + frames {
                let place = self.place(back);
                add_posterior(&mut self.sum, &self.powers[place], &self.inverse);
            }
            average(&mut self.sum, &mut self.running, reach);
            let scale = 1.0 / frames as f64;
            for (presence, mean) in self.presence.iter_mut().zip(&self.sum) {
                let deviation = (mean * scale - 1.0) * values.sqrt();
                let sure = ((deviation - least_deviation) / SPREAD).clamp(0.0, 1.0);
                *presence = if sure > *presence { sure } else { *presence };
            }
        }
    }
}

fn add_posterior(sum: &mut [f64], power: &[f64], inverse: &[f64]) {
    for ((sum, power), inverse) in sum.iter_mut().zip(power).zip(inverse) {
        *sum += bounded(power * inverse);
    }
}

/// Replaces each value by the mean of itself and `reach` values to either side, as far as there are any.
fn average(values: &mut [f64], running: &mut [f64], reach: usize) {
    let count = values.len();
    for k in 0..count {
        running[k + 1] = running[k] + values[k];
    }
    for k in 0..count {
        let (from, to) = (k.saturating_sub(reach), (k + reach + 1).min(count));
        values[k] = (running[to] - running[from]) / (to - from) as f64;
    }
}
