//! The colour of a gain element: a little second and third harmonic that follow level and reduction.
//!
//! A parabola makes the second harmonic and a cubic the third: `y = x + a t^2 - b t^3`, where `t` is the signal in
//! units of a reference level, bounded at four times that level, so that nothing folds over however loud it gets.
//! Up to the reference level the harmonics are those of the powers: 6 and 12 dB per 6 dB of level.

use crate::blocks::dynamics::{one_pole, settle};

/// Where the bound of the curve stands, in units of the reference level, squared.
const BOUND_SQUARED: f64 = 16.0;

/// The direct current of the parabola is taken away below this.
const DIRECT_CURRENT_HZ: f64 = 5.0;

/// Samples worked on at a time, at most.
pub const MOST: usize = 256;

/// How much of each harmonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harmonics {
    /// Amplitude of a sine for which the figures hold.
    pub reference: f64,
    /// Second harmonic of that sine against the fundamental, in decibels, without reduction and in full.
    pub second_db: [f64; 2],
    /// The same of the third.
    pub third_db: [f64; 2],
    /// Reduction at which the second figures hold; between, the amplitude moves in a straight line.
    pub full_at_db: f64,
}

/// Coefficients of the powers: without reduction, and what each decibel of reduction adds.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    second: f64,
    second_per_db: f64,
    third: f64,
    third_per_db: f64,
}

/// The colour of one channel.
#[derive(Debug, Clone)]
pub struct Colour {
    reference: f64,
    full_at_db: f64,
    amounts: Amounts,
    keep: f64,
    direct_current: f64,
}

impl Colour {
    /// At the rate at which it will run.
    pub fn new(harmonics: &Harmonics, sample_rate_hz: f64) -> Colour {
        // A sine of the reference level reaches this far on the bounded axis.
        let peak = 1.0 / (1.0 + 1.0 / BOUND_SQUARED).sqrt();
        // sin^2 holds half of itself as the second harmonic, sin^3 a quarter as the third.
        let second = harmonics.second_db.map(|db| 2.0 * audio::db_to_gain(db) / (peak * peak));
        let third = harmonics.third_db.map(|db| 4.0 * audio::db_to_gain(db) / peak.powi(3));
        Colour {
            reference: harmonics.reference,
            full_at_db: harmonics.full_at_db,
            amounts: Amounts {
                second: second[0],
                second_per_db: (second[1] - second[0]) / harmonics.full_at_db,
                third: third[0],
                third_per_db: (third[1] - third[0]) / harmonics.full_at_db,
            },
            keep: one_pole(500.0 / (std::f64::consts::PI * DIRECT_CURRENT_HZ), sample_rate_hz),
            direct_current: 0.0,
        }
    }

    /// Seconds until what is left of the direct current has fallen by 120 dB.
    pub fn tail_s() -> f64 {
        1e6f64.ln() / (2.0 * std::f64::consts::PI * DIRECT_CURRENT_HZ)
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.direct_current = 0.0;
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        self.direct_current = settle(self.direct_current);
    }

    /// Adds the harmonics of `samples` (at most [`MOST`]) to them; `reductions_db` says how far each has been turned
    /// down, `amount` (0 to 1, one value per `per` samples) how much colour there is.
    pub fn process(&mut self, samples: &mut [f64], reductions_db: &[f64], amount: &[f64], per: usize) {
        let (mut even, mut odd) = ([0.0; MOST], [0.0; MOST]);
        let (even, odd) = (&mut even[..samples.len()], &mut odd[..samples.len()]);
        bend(samples, reductions_db, even, odd, self.reference, self.full_at_db, &self.amounts);
        let mut direct_current = self.direct_current;
        let (keep, take) = (self.keep, 1.0 - self.keep);
        for even in even.iter_mut() {
            direct_current = keep * direct_current + take * *even;
            *even -= direct_current;
        }
        self.direct_current = direct_current;
        for ((group, amount), at) in samples.chunks_mut(per).zip(amount).zip((0..).step_by(per)) {
            for (n, sample) in group.iter_mut().enumerate() {
                *sample += amount * (even[at + n] - odd[at + n]);
            }
        }
    }
}

audio::wide! {
    fn bend(
        samples: &[f64],
        reductions_db: &[f64],
        even: &mut [f64],
        odd: &mut [f64],
        reference: f64,
        full_at_db: f64,
        amounts: &Amounts,
    ) {
        let (inverse, bound) = (1.0 / reference, 1.0 / BOUND_SQUARED);
        let halves = even.iter_mut().zip(odd.iter_mut());
        for ((sample, reduction), (even, odd)) in samples.iter().zip(reductions_db).zip(halves) {
            let v = *sample * inverse;
            let t = v / (1.0 + bound * v * v).sqrt();
            let depth = if *reduction < full_at_db { *reduction } else { full_at_db };
            let square = reference * t * t;
            *even = (amounts.second + depth * amounts.second_per_db) * square;
            *odd = (amounts.third + depth * amounts.third_per_db) * square * t;
        }
    }
}
