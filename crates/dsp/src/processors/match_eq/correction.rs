//! The curve that brings one spectrum towards another; pure.

use crate::blocks::fir::Curve;
use crate::blocks::matched::Fraction;
use std::f64::consts::PI;

/// Both spectra at one frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectrumPoint {
    /// In hertz.
    pub freq_hz: f64,
    /// Level of what is corrected, in decibels, in a band of constant width in octaves.
    pub source_db: f64,
    /// Level of what it is to sound like, in the same band.
    pub target_db: f64,
}

/// How the difference of two spectra becomes a correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// Share of the difference, 0 to 1.
    pub strength: f64,
    /// The most it lifts, in decibels, zero or positive.
    pub max_boost_db: f64,
    /// The most it lowers, in decibels, zero or positive.
    pub max_cut_db: f64,
    /// Width of the smoothing in octaves.
    pub smoothing_octaves: f64,
    /// Below it nothing is corrected.
    pub low_hz: f64,
    /// Above it nothing is corrected.
    pub high_hz: f64,
}

/// Points of the correction per octave.
const PER_OCTAVE: f64 = 12.0;

/// Octaves inside either end of the range over which the correction fades in.
const FADE_OCTAVES: f64 = 0.5;

/// The curve, in decibels, that brings the source's spectrum towards the target's.
///
/// Both are first brought to equal loudness (power weighted as in ITU-R BS.1770, summed over bands of equal width in
/// octaves), so that a louder target does not only ask for level. The difference is scaled by the strength, kept within
/// the limits, then smoothed over log frequency by a raised cosine, which never leads beyond the limits, and faded to
/// 0 dB at the ends of the range. Without points, or with spectra of one shape, it is level at 0 dB.
pub fn correction_curve(points: &[SpectrumPoint], correction: &Correction) -> Curve {
    if points.len() < 2 || correction.strength == 0.0 || correction.high_hz <= correction.low_hz {
        return Curve::new(&[]);
    }
    let louder_db = loudness_db(points, |p| p.target_db) - loudness_db(points, |p| p.source_db);
    let difference: Vec<(f64, f64)> =
        points.iter().map(|p| (p.freq_hz, p.target_db - p.source_db - louder_db)).collect();
    let difference = Curve::new(&difference);
    let wished = |octave: f64| {
        let db = difference.db(octave.exp2()) * correction.strength;
        db.clamp(-correction.max_cut_db, correction.max_boost_db)
    };
    let (low, high) = (correction.low_hz.log2(), correction.high_hz.log2());
    let steps = ((high - low) * PER_OCTAVE).ceil() as usize;
    let drawn: Vec<(f64, f64)> = (0..=steps)
        .map(|n| {
            let octave = low + (high - low) * n as f64 / steps as f64;
            let fade = ((octave - low).min(high - octave) / FADE_OCTAVES).clamp(0.0, 1.0);
            let share = 0.5 - 0.5 * (PI * fade).cos();
            (octave.exp2(), share * smoothed(octave, correction.smoothing_octaves, wished))
        })
        .collect();
    Curve::new(&drawn)
}

/// Mean of `curve` over octaves around a place, under a raised cosine of this width at half its height.
fn smoothed(octave: f64, width: f64, curve: impl Fn(f64) -> f64) -> f64 {
    // Fine enough for a curve with a point every third of an octave.
    let half = ((width * 24.0).ceil() as i32).max(4);
    let (mut sum, mut weights) = (0.0, 0.0);
    for n in 1 - half..half {
        let place = f64::from(n) / f64::from(half);
        let weight = 0.5 + 0.5 * (PI * place).cos();
        sum += weight * curve(octave + place * width);
        weights += weight;
    }
    sum / weights
}

/// Loudness of a spectrum in decibels, but for a constant.
fn loudness_db(points: &[SpectrumPoint], level_db: impl Fn(&SpectrumPoint) -> f64) -> f64 {
    let mut sorted: Vec<(f64, f64)> = points.iter().map(|p| (p.freq_hz.log2(), level_db(p))).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = sorted.len() - 1;
    let power = (0..=last).map(|n| {
        let (octave, db) = sorted[n];
        // Octaves that the point stands for: half the way to both neighbours.
        let width = 0.5 * (sorted[(n + 1).min(last)].0 - sorted[n.saturating_sub(1)].0);
        width * weighting(octave.exp2()) * audio::db_to_power(db)
    });
    audio::power_to_db(power.sum::<f64>().max(f64::MIN_POSITIVE))
}

/// Power gain of the K-weighting: its two filters by their analogue prototypes (frequency, Q and gain as they follow
/// from the coefficients of ITU-R BS.1770-5, annex 1, at 48 kHz).
fn weighting(hz: f64) -> f64 {
    let (gain, q) = (10f64.powf(3.999_84 / 20.0), 0.707_175);
    let shelf =
        Fraction { numerator: [1.0, gain.powf(0.499_667) / q, gain], denominator: [1.0, 1.0 / q, 1.0] };
    let shelf = shelf.power((hz / 1_681.97).powi(2));
    let square = (hz / 38.135_5).powi(2);
    let high_pass = square * square / ((1.0 - square).powi(2) + square / 0.500_327f64.powi(2));
    shelf * high_pass
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: Correction = Correction {
        strength: 1.0,
        max_boost_db: 24.0,
        max_cut_db: 24.0,
        smoothing_octaves: 0.3,
        low_hz: 20.0,
        high_hz: 20_000.0,
    };

    fn thirds(source: impl Fn(f64) -> f64, target: impl Fn(f64) -> f64) -> Vec<SpectrumPoint> {
        (0..31)
            .map(|n| 20.0 * 2f64.powf(f64::from(n) / 3.0))
            .map(|hz| SpectrumPoint { freq_hz: hz, source_db: source(hz), target_db: target(hz) })
            .collect()
    }

    #[test]
    fn a_louder_target_of_the_same_shape_asks_for_nothing() {
        let shape = |hz: f64| -3.0 * (hz / 1_000.0).log2().abs();
        assert!(correction_curve(&thirds(shape, |hz| shape(hz) + 12.0), &WHOLE).is_flat());
        assert!(correction_curve(&[], &WHOLE).is_flat());
    }

    /// The weighted power of the corrected source is that of the source: one gets no louder, whatever the target.
    #[test]
    fn the_correction_keeps_the_loudness() {
        let source = |hz: f64| -4.0 * (hz / 500.0).log2().abs();
        let points = thirds(source, |hz| source(hz) + 5.0 * (hz / 2_000.0).log2().tanh());
        let curve = correction_curve(&points, &WHOLE);
        let corrected: Vec<SpectrumPoint> = points
            .iter()
            .map(|p| SpectrumPoint { target_db: p.source_db + curve.db(p.freq_hz), ..*p })
            .collect();
        let louder = loudness_db(&corrected, |p| p.target_db) - loudness_db(&points, |p| p.source_db);
        // The smoothing and the fades at the ends move a little power.
        assert!(louder.abs() < 0.2, "{louder:.3} dB");
    }

    #[test]
    fn strength_scales_and_the_range_bounds() {
        let points = thirds(|_| 0.0, |hz| if hz > 1_000.0 { 2.0 } else { -2.0 });
        let whole = correction_curve(&points, &WHOLE);
        let half = correction_curve(&points, &Correction { strength: 0.5, ..WHOLE });
        for hz in [60.0, 300.0, 1_200.0, 9_000.0] {
            assert!((half.db(hz) - 0.5 * whole.db(hz)).abs() < 1e-9, "{hz}");
        }
        let middle = correction_curve(&points, &Correction { low_hz: 200.0, high_hz: 4_000.0, ..WHOLE });
        for hz in [20.0, 100.0, 200.0, 4_000.0, 15_000.0] {
            assert!(middle.db(hz).abs() < 1e-9, "{hz} Hz: {}", middle.db(hz));
        }
        assert!((middle.db(500.0) - whole.db(500.0)).abs() < 0.05);
    }

    #[test]
    fn the_weighting_is_the_standards() {
        // ITU-R BS.1770: about 0 dB at 1 kHz after the standard's -0.691 dB, +4 dB at the top, falling below 100 Hz.
        for (hz, db) in [(1_000.0, 0.69), (10_000.0, 4.0), (38.0, -6.0)] {
            let seen = 10.0 * weighting(hz).log10();
            assert!((seen - db).abs() < 0.15, "{hz} Hz: {seen:.2} dB");
        }
    }

    proptest! {
        #[test]
        fn never_beyond_the_limits(
            levels in prop::collection::vec((-60.0f64..0.0, -60.0f64..0.0), 31),
            boost in 0.0f64..12.0, cut in 0.0f64..12.0, smoothing in 0.1f64..3.0,
        ) {
            let mut points = thirds(|_| 0.0, |_| 0.0);
            for (point, (source, target)) in points.iter_mut().zip(levels) {
                (point.source_db, point.target_db) = (source, target);
            }
            let correction =
                Correction { max_boost_db: boost, max_cut_db: cut, smoothing_octaves: smoothing, ..WHOLE };
            let curve = correction_curve(&points, &correction);
            for n in 0..200 {
                let db = curve.db(10.0 * 2_500f64.powf(f64::from(n) / 199.0));
                prop_assert!(db <= boost + 1e-9 && db >= -cut - 1e-9, "{}", db);
            }
        }
    }
}
