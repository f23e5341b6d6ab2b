//! Logarithm and exponential to base two, fast enough to run on every sample.
//!
//! Both are plain additions, multiplications and one division, in one order on every machine: they give the
//! same bits everywhere, which a system's own `log` and `pow` do not, and a loop over a slice of them is
//! vectorised by the compiler. Error against the exact value: below 1e-11, relative (1e-10 dB on a gain).
//!
//! Logarithm: `ln m = 2 artanh((m - 1) / (m + 1))`, Abramowitz & Stegun 4.1.27, for m in [1/sqrt 2, sqrt 2).
//! Exponential: Taylor series of `2^f`, |f| <= 1/2, Abramowitz & Stegun 4.2.1.

use std::f64::consts::LN_2;

/// Decibels of amplitude in one octave (a factor of two).
pub const DB_PER_DOUBLING: f64 = 6.020_599_913_279_623_9;

/// Bits of 1/sqrt 2, the lower end of the mantissa's range.
const HALF_ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
/// 1024 in the place of the exponent: keeps the exponent positive while it is cut off.
const BIAS: u64 = 1024 << 52;
/// A double whose last mantissa bit is worth one: whole numbers below 2^52 can be read off its bits.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// 1/n! from n = 0: the coefficients of e^t.
const INVERSE_FACTORIALS: [f64; 11] = [
    1.0,
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
];

/// (-1)^n / (2n + 1)! from n = 0: the sine of t is t times their polynomial in t^2.
const SINE: [f64; 10] = [
    1.0,
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
    -1.0 / 121_645_100_408_832_000.0,
];

/// A polynomial by Horner's rule, coefficients from the lowest power up.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for coefficient in coefficients[..N - 1].iter().rev() {
        sum = coefficient + x * sum;
    }
    sum
}

/// Base-two logarithm of a positive normal number.
///
/// Zero, subnormal and negative numbers give a meaningless finite value: put a floor under the level first.
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let bits = x.to_bits();
    let shifted = bits.wrapping_sub(HALF_ROOT).wrapping_add(BIAS);
    let exponent = f64::from_bits((shifted >> 52) | TWO_52.to_bits()) - (TWO_52 + 1024.0);
    let mantissa = f64::from_bits(bits.wrapping_sub((shifted & (0xFFF << 52)).wrapping_sub(BIAS)));
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let u = t * t;
    // 2 artanh(t) / ln 2; with |t| <= 0.1716 the first term left out is 1.3e-12 of the result.
    let series = polynomial(u, [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0]);
    exponent + (2.0 / LN_2) * t * series
}

/// Two to the power of `x`; exactly 1 at 0. Beyond +-1000 it stays at the value there.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    const ROUND: f64 = 1.5 * TWO_52;
    let x = if x > 1000.0 { 1000.0 } else { x };
    let x = if x > -1000.0 { x } else { -1000.0 };
    let shifted = x + ROUND;
    let t = (x - (shifted - ROUND)) * LN_2;
    // e^t with |t| <= 0.347: the first term left out is 2.2e-13 of the result.
    let series = polynomial(t, INVERSE_FACTORIALS);
    f64::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// Sine of an angle in turns: `sin(2 pi x)`. Meant for phases; beyond some 10^9 turns nothing is left of the part.
///
/// Taylor series, Abramowitz & Stegun 4.3.65, after folding to a quarter turn; error below 1e-13.
#[inline(always)]
pub fn sin_turns(turns: f64) -> f64 {
    const ROUND: f64 = 1.5 * TWO_52;
    // The nearest half turn; whether it is odd is its last bit.
    let shifted = 2.0 * turns + ROUND;
    let halves = shifted - ROUND;
    let angle = (turns - 0.5 * halves) * std::f64::consts::TAU;
    let series = polynomial(angle * angle, SINE);
    f64::from_bits((angle * series).to_bits() ^ (shifted.to_bits() << 63))
}

/// Decibels of a positive amplitude.
#[inline(always)]
pub fn amplitude_to_db(amplitude: f64) -> f64 {
    log2(amplitude) * DB_PER_DOUBLING
}

/// Decibels of a positive power.
#[inline(always)]
pub fn power_to_db(power: f64) -> f64 {
    log2(power) * (DB_PER_DOUBLING / 2.0)
}

/// Power of a level in decibels.
#[inline(always)]
pub fn db_to_power(db: f64) -> f64 {
    exp2(db * (2.0 / DB_PER_DOUBLING))
}

/// Amplitude ratio of a gain in decibels; exactly 1 at 0 dB.
#[inline(always)]
pub fn db_to_gain(db: f64) -> f64 {
    exp2(db * (1.0 / DB_PER_DOUBLING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_where_it_must_be() {
        assert_eq!(exp2(0.0), 1.0);
        assert_eq!(exp2(-0.0), 1.0);
        assert_eq!(log2(1.0), 0.0);
        assert_eq!((sin_turns(0.0), sin_turns(1.0), sin_turns(0.5).abs()), (0.0, 0.0, 0.0));
        for power in -1000..=1000 {
            let value = 2f64.powi(power);
            assert_eq!(exp2(f64::from(power)), value);
            assert_eq!(log2(value), f64::from(power));
        }
    }

    #[test]
    fn the_ends_stay_finite() {
        for x in [f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, 0.0] {
            assert!(log2(x).is_finite(), "log2({x})");
        }
        for x in [f64::INFINITY, f64::NEG_INFINITY, 5000.0, -5000.0, f64::NAN] {
            assert!(exp2(x).is_finite(), "exp2({x})");
        }
    }

    proptest! {
        // 1e-11: the series' own truncation (1.3e-12) with room for rounding; a wrong coefficient shows at
        // once. The standard library is the independent implementation.
        #[test]
        fn log2_agrees_with_the_library(octaves in -1000.0f64..1000.0) {
            let x = octaves.exp2();
            prop_assert!((log2(x) - x.log2()).abs() <= 1e-11 * x.log2().abs(), "{} {}", log2(x), x.log2());
        }

        #[test]
        fn log2_keeps_its_relative_accuracy_beside_one(x in 0.9f64..1.1) {
            prop_assert!((log2(x) - x.log2()).abs() <= 1e-11 * x.log2().abs());
        }

        #[test]
        fn exp2_agrees_with_the_library(x in -999.0f64..999.0) {
            prop_assert!((exp2(x) / x.exp2() - 1.0).abs() < 1e-11);
        }

        #[test]
        fn sine_agrees_with_the_library(turns in -1000.0f64..1000.0) {
            let expected = (turns.fract() * std::f64::consts::TAU).sin();
            // The series' first term left out is 2.4e-16 of the result; the library's angle is rounded to 1e-15.
            prop_assert!((sin_turns(turns) - expected).abs() < 1e-14);
        }

        #[test]
        fn decibels_agree_with_the_one_place_they_are_defined(db in -200.0f64..100.0) {
            prop_assert!((db_to_gain(db) / audio::db_to_gain(db) - 1.0).abs() < 1e-10);
            prop_assert!((amplitude_to_db(audio::db_to_gain(db)) - db).abs() < 1e-9);
            prop_assert!((power_to_db(audio::db_to_power(db)) - db).abs() < 1e-9);
            prop_assert!((db_to_power(db) / audio::db_to_power(db) - 1.0).abs() < 1e-10);
        }
    }
}
