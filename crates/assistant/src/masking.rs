//! How sounds hide each other: power that spreads in auditory bands.
//!
//! The masker's power spreads to neighbouring bands, by 10 dB for each equivalent rectangular bandwidth upward
//! and 25 dB downward (the slopes of excitation patterns at middle levels: Moore & Glasberg 1987). What stands
//! level with the spread power in its band counts as half hidden.

use crate::power::Bands;
use measure::ERB_BANDS;

/// Fall of spread power toward higher bands, in dB per band of about one ERB.
const UPWARD_DB: f64 = 10.0;
/// The same toward lower bands.
const DOWNWARD_DB: f64 = 25.0;
/// How gently hidden turns into heard, in dB.
pub(crate) const SOFTNESS_DB: f64 = 3.0;

/// Power as it reaches into neighbouring bands.
pub(crate) fn spread(power: &Bands) -> Bands {
    reaching(power, UPWARD_DB, DOWNWARD_DB)
}

/// The transpose of [`spread`]: what the bands that a power reaches give back to it.
pub(crate) fn spread_back(power: &Bands) -> Bands {
    reaching(power, DOWNWARD_DB, UPWARD_DB)
}

fn reaching(power: &Bands, upward_db: f64, downward_db: f64) -> Bands {
    let (up, down) = (audio::db_to_power(-upward_db), audio::db_to_power(-downward_db));
    let mut spread = *power;
    let mut from_below = 0.0;
    for band in 0..ERB_BANDS {
        spread[band] += from_below;
        from_below = (from_below + power[band]) * up;
    }
    let mut from_above = 0.0;
    for band in (0..ERB_BANDS).rev() {
        spread[band] += from_above;
        from_above = (from_above + power[band]) * down;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_power_falls_by_the_stated_slopes() {
        let mut one = [0.0; ERB_BANDS];
        one[20] = 1.0;
        let spread = spread(&one);
        for (band, db) in [(20, 0.0), (21, -10.0), (23, -30.0), (19, -25.0), (18, -50.0)] {
            assert!((audio::power_to_db(spread[band]) - db).abs() < 1e-9, "{band}");
        }
    }

    #[test]
    fn spreading_back_is_the_transpose() {
        // For any two powers a and b: spread(a) b = a spread_back(b).
        let a: Bands = std::array::from_fn(|n| 1.0 + (n as f64).sin());
        let b: Bands = std::array::from_fn(|n| 1.0 + (3.0 * n as f64).cos());
        let dot = |x: &Bands, y: &Bands| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let (left, right) = (dot(&spread(&a), &b), dot(&a, &spread_back(&b)));
        assert!((left - right).abs() < 1e-10 * left, "{left} {right}");
    }
}
