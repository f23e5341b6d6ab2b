//! Panning: where between the loudspeakers a signal stands.
//!
//! The pan law for mono signals is sine/cosine constant power: -3.01 dB per side in the centre, 0 dB at the
//! ends, so that the summed power of both loudspeakers does not change with the position. Stereo signals
//! are balanced: the side panned away from falls by the same law, scaled so that the centre is untouched,
//! and nothing is folded across.

use std::f64::consts::{FRAC_PI_2, SQRT_2};

/// Gains of the left and right loudspeaker for a mono signal; `pan` from -100 (left) to 100 (right).
pub fn mono(pan: f64) -> (f64, f64) {
    let angle = (pan.clamp(-100.0, 100.0) + 100.0) / 200.0 * FRAC_PI_2;
    match pan {
        p if p <= -100.0 => (1.0, 0.0),
        p if p >= 100.0 => (0.0, 1.0),
        _ => (angle.cos(), angle.sin()),
    }
}

/// Gains of the left and right channel of a stereo signal; exactly (1, 1) in the centre.
pub fn balance(pan: f64) -> (f64, f64) {
    let (left, right) = mono(pan);
    match pan {
        p if p < 0.0 => (1.0, (right * SQRT_2).min(1.0)),
        p if p > 0.0 => ((left * SQRT_2).min(1.0), 1.0),
        _ => (1.0, 1.0),
    }
}

/// Gains of a dry and a wet signal that have nothing in common, at constant power; exact at both ends.
pub fn dry_wet(mix_percent: f64) -> (f64, f64) {
    match mix_percent / 100.0 {
        // The ends exactly: cos of half pi is not zero in floating point.
        m if m <= 0.0 => (1.0, 0.0),
        m if m >= 1.0 => (0.0, 1.0),
        m => ((m * FRAC_PI_2).cos(), (m * FRAC_PI_2).sin()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stated_law() {
        // The law's own figures: -3.0103 dB in the centre, silence on the far side.
        assert!((20.0 * mono(0.0).0.log10() + 3.010_299_956_639_812).abs() < 1e-12);
        assert_eq!(mono(-100.0), (1.0, 0.0));
        assert_eq!(mono(100.0), (0.0, 1.0));
        assert_eq!(balance(0.0), (1.0, 1.0));
        assert_eq!(balance(100.0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn power_is_constant_and_sides_mirror(pan in -100.0f64..100.0) {
            let (left, right) = mono(pan);
            prop_assert!((left * left + right * right - 1.0).abs() < 1e-15);
            let (l, r) = mono(-pan);
            prop_assert!((l - right).abs() < 1e-15 && (r - left).abs() < 1e-15);
            let (left, right) = balance(pan);
            prop_assert!(left.max(right) == 1.0 && left.min(right) >= 0.0);
        }
    }
}
