//! The one place where decibels become linear gains, and back.

/// The decibel value shown for digital silence where a finite number is needed: below the noise of a
/// 32-bit integer file (-192 dBFS) and of any converter.
pub const SILENCE_DB: f64 = -240.0;

/// Amplitude ratio of a gain in decibels: `10^(db/20)`.
pub fn db_to_gain(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Decibels of an amplitude ratio: `20 log10 |gain|`. Zero gives negative infinity.
pub fn gain_to_db(gain: f64) -> f64 {
    20.0 * gain.abs().log10()
}

/// Power ratio of a level in decibels: `10^(db/10)`.
pub fn db_to_power(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// Decibels of a power ratio: `10 log10 power`. Zero gives negative infinity.
pub fn power_to_db(power: f64) -> f64 {
    10.0 * power.log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_ratios() {
        assert!((db_to_gain(20.0) - 10.0).abs() < 1e-12);
        assert!((gain_to_db(0.5) + 6.020_599_913_279_624).abs() < 1e-12);
        assert!((db_to_power(-10.0) - 0.1).abs() < 1e-15);
        assert_eq!(gain_to_db(0.0), f64::NEG_INFINITY);
        assert_eq!(db_to_gain(f64::NEG_INFINITY), 0.0);
        assert_eq!(db_to_gain(0.0), 1.0);
    }

    proptest! {
        // 1e-9 dB: far under anything audible or shown; powf and log10 are good to a few ulp.
        #[test]
        fn there_and_back(db in -200.0f64..100.0) {
            prop_assert!((gain_to_db(db_to_gain(db)) - db).abs() < 1e-9);
            prop_assert!((power_to_db(db_to_power(db)) - db).abs() < 1e-9);
        }
    }
}
