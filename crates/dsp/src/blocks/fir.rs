//! Filters of finite length from a magnitude: of linear, minimum or mixed phase.
//!
//! The wished spectrum is set on a grid finer than the filter is long, transformed back and cut off under a window that
//! is flat over its inner half: whatever has rung out by then is kept as it is, so that a curve is followed between the
//! points of the grid too. The minimum phase that belongs to a magnitude comes from the real
//! cepstrum, its causal half doubled (A. V. Oppenheim & R. W. Schafer, *Discrete-Time Signal Processing*, section
//! 12.5 of the second edition, "homomorphic" minimum phase); a grid eight times as fine keeps the cepstrum from folding over.
//! Mixed phase is minimum below a split, where linear phase would ring before the sound for long, and linear above;
//! the two are joined in the phase, over an octave.
//!
//! Drawn curves are joined by monotone cubics in log frequency and decibels, which never overshoot their points:
//! F. N. Fritsch & J. Butland, *A method for constructing local monotone piecewise cubic interpolants*, SIAM J. Sci.
//! Stat. Comput. 5 (1984).

use super::math;
use audio::Frames;
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::{LN_2, PI, TAU};
use std::sync::Arc;

/// Least points of the grid per tap: for linear phase, and where the minimum phase is looked for.
const FINENESS: [usize; 2] = [2, 8];

/// Smallest gain whose phase is looked for, of the largest: -160 dB. The logarithm of nothing is no number.
const FLOOR: f64 = 1e-8;

/// Periods of the split frequency that mixed phase may ring before the sound.
const MIXED_PERIODS: f64 = 12.0;

const LENGTHS: &str = "buffers come from the plan itself";

/// How a filter's phase follows from its magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// All frequencies are delayed alike, by half the filter: no change of shape, but ringing before the sound.
    Linear,
    /// The least delay that the magnitude allows: what an analogue filter would do.
    Minimum,
    /// Minimum below, linear above.
    Mixed {
        /// Where the two meet, as a share of the sample rate.
        split: f64,
    },
}

impl Phase {
    /// Frames by which a filter of `taps` taps is late.
    pub fn delay(self, taps: usize) -> Frames {
        let half = taps.saturating_sub(1) / 2;
        match self {
            Phase::Linear => half,
            Phase::Minimum => 0,
            Phase::Mixed { split } => half.min((MIXED_PERIODS / split.max(1e-6)).ceil() as Frames),
        }
    }

    /// Share of the minimum phase at a frequency, both as shares of the sample rate.
    fn minimum_share(self, frequency: f64) -> f64 {
        match self {
            Phase::Linear => 0.0,
            Phase::Minimum => 1.0,
            Phase::Mixed { split } => {
                let octaves = (frequency / split).max(1e-9).log2().clamp(-0.5, 0.5);
                0.5 - 0.5 * (PI * octaves).sin()
            }
        }
    }
}

/// The filter of `taps` taps whose gain at each share of the sample rate (0 to 0.5) is `gain`; it is late by
/// `phase.delay(taps)`. With linear phase an odd number of taps is symmetrical.
pub fn design(taps: usize, phase: Phase, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    let grid = Grid::new(taps, phase);
    let gains: Vec<f64> = grid.frequencies().map(gain).collect();
    grid.realise(&grid.spectrum(&gains, phase), taps, phase.delay(taps))
}

/// The frequencies at which a filter is designed, and the transforms over them.
pub struct Grid {
    size: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Grid {
    /// Fine enough for a filter of `taps` taps and this phase.
    pub fn new(taps: usize, phase: Phase) -> Grid {
        let fineness = FINENESS[usize::from(phase != Phase::Linear)];
        let size = (fineness * taps.max(2)).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        Grid { size, forward: planner.plan_fft_forward(size), inverse: planner.plan_fft_inverse(size) }
    }

    /// The grid's frequencies from 0 to 0.5 of the sample rate, in order.
    pub fn frequencies(&self) -> impl Iterator<Item = f64> + use<> {
        let size = self.size;
        (0..=size / 2).map(move |k| k as f64 / size as f64)
    }

    /// The spectrum with these gains at the grid's frequencies, undelayed.
    ///
    /// # Panics
    /// When there is not one gain per frequency.
    pub fn spectrum(&self, gains: &[f64], phase: Phase) -> Vec<Complex64> {
        assert_eq!(gains.len(), self.size / 2 + 1, "one gain per frequency");
        if phase == Phase::Linear {
            return gains.iter().map(|&gain| Complex64::new(gain, 0.0)).collect();
        }
        let angles = self.minimum_phase(gains);
        let turned = |((&gain, angle), frequency): ((&f64, f64), f64)| {
            Complex64::from_polar(gain, angle * phase.minimum_share(frequency))
        };
        gains.iter().zip(angles).zip(self.frequencies()).map(turned).collect()
    }

    /// The minimum phase in radians that belongs to these gains.
    fn minimum_phase(&self, gains: &[f64]) -> Vec<f64> {
        let largest = gains.iter().fold(f64::MIN_POSITIVE, |most, gain| most.max(gain.abs()));
        let scale = LN_2 / self.size as f64;
        let mut logarithms: Vec<Complex64> = gains
            .iter()
            .map(|gain| Complex64::new(scale * math::log2(gain.abs().max(largest * FLOOR)), 0.0))
            .collect();
        let mut cepstrum = self.inverse.make_output_vec();
        self.inverse.process(&mut logarithms, &mut cepstrum).expect(LENGTHS);
        // What lies before zero is added to what lies after it.
        let half = self.size / 2;
        cepstrum[1..half].iter_mut().for_each(|c| *c *= 2.0);
        cepstrum[half + 1..].fill(0.0);
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut cepstrum, &mut spectrum).expect(LENGTHS);
        spectrum.into_iter().map(|bin| bin.im).collect()
    }

    /// The filter of `taps` taps with this spectrum, late by `delay`, under the window.
    ///
    /// # Panics
    /// When there is not one value per frequency, or the delay is not within the filter.
    pub fn realise(&self, spectrum: &[Complex64], taps: usize, delay: Frames) -> Vec<f64> {
        assert!(delay < taps && taps <= self.size, "a delay within the filter");
        let scale = 1.0 / self.size as f64;
        let mut bins: Vec<Complex64> = spectrum.iter().map(|bin| bin * scale).collect();
        bins[0].im = 0.0;
        bins[self.size / 2].im = 0.0;
        let mut circle = self.inverse.make_output_vec();
        self.inverse.process(&mut bins, &mut circle).expect(LENGTHS);
        let (before, after) = ((delay + 1) as f64, (taps - delay) as f64);
        let tap = |n: usize| {
            let distance = n as f64 - delay as f64;
            let share = if distance < 0.0 { -distance / before } else { distance / after };
            circle[(n + self.size - delay) % self.size] * window(share)
        };
        (0..taps).map(tap).collect()
    }
}

/// Flat to the half, then a falling cosine.
fn window(share: f64) -> f64 {
    if share <= 0.5 { 1.0 } else { 0.5 - 0.5 * (TAU * share).cos() }
}

/// Complex gain of a filter at a share of the sample rate, its delay taken away.
pub fn response(taps: &[f64], delay: Frames, frequency: f64) -> Complex64 {
    let turn = Complex64::from_polar(1.0, -TAU * frequency);
    // Horner's rule from the end: one rotation per tap and no growing error of the angle.
    let sum = taps.iter().rev().fold(Complex64::default(), |sum, &tap| sum * turn + tap);
    sum * Complex64::from_polar(1.0, TAU * (frequency * delay as f64).fract())
}

/// A curve drawn through points, in decibels over log frequency.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// log2 of the frequency, decibels, slope in decibels per octave; frequencies rise.
    points: Vec<[f64; 3]>,
}

impl Curve {
    /// Through points of (hertz, decibels) in any order; several at one frequency count as their mean. Beyond the
    /// ends the curve stays level; without points it is 0 dB.
    pub fn new(points: &[(f64, f64)]) -> Curve {
        let mut sorted: Vec<[f64; 2]> = points.iter().map(|&(hz, db)| [hz.max(1e-3).log2(), db]).collect();
        sorted.sort_by(|a, b| a[0].total_cmp(&b[0]));
        // Closer than a thousandth of an octave is one place.
        let merged: Vec<[f64; 3]> = sorted
            .chunk_by(|a, b| b[0] - a[0] < 1e-3)
            .map(|same| {
                let count = same.len() as f64;
                [same[0][0], same.iter().map(|p| p[1]).sum::<f64>() / count, 0.0]
            })
            .collect();
        let mut curve = Curve { points: merged };
        curve.find_slopes();
        curve
    }

    /// Level within half a thousandth of a decibel of 0 dB at every point, hence everywhere.
    pub fn is_flat(&self) -> bool {
        self.points.iter().all(|p| p[1].abs() < 5e-4)
    }

    fn find_slopes(&mut self) {
        let points = &mut self.points;
        for i in 1..points.len().saturating_sub(1) {
            let ([x0, y0, _], [x1, y1, _], [x2, y2, _]) = (points[i - 1], points[i], points[i + 1]);
            let (left, right) = ((y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1));
            if left * right > 0.0 {
                // Brodlie's weighted harmonic mean (Fritsch & Butland, equation 5).
                let weight = (1.0 + (x2 - x1) / (x2 - x0)) / 3.0;
                points[i][2] = left * right / (weight * right + (1.0 - weight) * left);
            }
        }
    }

    /// The curve at a frequency, in decibels.
    pub fn db(&self, hz: f64) -> f64 {
        let x = math::log2(hz.max(1e-3));
        let after = self.points.partition_point(|p| p[0] <= x);
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 0.0 };
        if after == 0 {
            return first[1];
        }
        if after == self.points.len() {
            return last[1];
        }
        let ([x0, y0, d0], [x1, y1, d1]) = (self.points[after - 1], self.points[after]);
        let width = x1 - x0;
        let t = (x - x0) / width;
        let (t2, t3) = (t * t, t * t * t);
        // Cubic Hermite form.
        let by_value = y0 + (y1 - y0) * (3.0 * t2 - 2.0 * t3);
        by_value + width * (d0 * (t3 - 2.0 * t2 + t) + d1 * (t3 - t2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::matched;
    use audio::{db_to_gain, gain_to_db};
    use proptest::prelude::*;

    const RATE: f64 = 48_000.0;
    const TAPS: usize = 16_383;

    /// A drawn curve with so many points per octave from 25 Hz, each anywhere within `range_db`.
    fn drawn(seed: u64, per_octave: i32, range_db: f64) -> Curve {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as f64 / u64::MAX as f64 * 2.0 - 1.0
        };
        let hz = |n: i32| 25.0 * 2f64.powf(f64::from(n) / f64::from(per_octave));
        let points: Vec<(f64, f64)> = (0..10 * per_octave).map(|n| (hz(n), range_db * next())).collect();
        Curve::new(&points)
    }

    fn realised(curve: &Curve, phase: Phase, taps: usize) -> Vec<f64> {
        design(taps, phase, |share| db_to_gain(curve.db(share * RATE)))
    }

    /// Mean power over a twelfth of an octave, in decibels.
    fn smoothed(hz: f64, power: impl Fn(f64) -> f64) -> f64 {
        let places = 9;
        let sum: f64 = (0..places).map(|i| power(hz * 2f64.powf((f64::from(i) / 8.0 - 0.5) / 12.0))).sum();
        10.0 * (sum / f64::from(places)).log10()
    }

    fn worst_error(curve: &Curve, taps: &[f64]) -> (f64, f64) {
        // Off the grid: the points are spread by an odd ratio.
        (0..160)
            .map(|i| {
                let hz = 30.0 * (20_000f64 / 30.0).powf(f64::from(i) / 159.0);
                let seen = smoothed(hz, |hz| response(taps, 0, hz / RATE).norm_sqr());
                (smoothed(hz, |hz| db_to_gain(curve.db(hz)).powi(2)) - seen, hz)
            })
            .fold((0.0, 0.0), |most: (f64, f64), e| if e.0.abs() > most.0.abs() { e } else { most })
    }

    /// An octave's change at 25 Hz needs 4 rates / 25 Hz taps to be begun and as many to be followed this closely;
    /// a change within a third of an octave needs four times as many.
    #[test]
    fn a_drawn_curve_is_followed_from_30_hz_to_20_khz() {
        for (per_octave, taps) in [(1, TAPS), (3, 4 * TAPS)] {
            let curve = drawn(1, per_octave, 6.0);
            for phase in [Phase::Linear, Phase::Minimum, Phase::Mixed { split: 300.0 / RATE }] {
                let (error, hz) = worst_error(&curve, &realised(&curve, phase, taps));
                assert!(error.abs() < 0.05, "{phase:?}, {per_octave} an octave: {error:.3} dB at {hz:.0} Hz");
            }
        }
    }

    #[test]
    fn linear_phase_is_symmetrical() {
        let taps = realised(&drawn(7, 3, 12.0), Phase::Linear, TAPS);
        for n in 0..TAPS / 2 {
            assert!((taps[n] - taps[TAPS - 1 - n]).abs() < 1e-12, "{n}");
        }
    }

    /// Energy that comes more than 5 ms before the sound, for curves within 3 dB that move as fast as a third of an
    /// octave lets them.
    #[test]
    fn careful_curves_ring_little_before_the_sound() {
        let early = (0.005 * RATE) as usize;
        // Mixed phase keeps it under -40 dB. Linear phase cannot: its ringing below 500 Hz is the curve's own.
        for (phase, most_db) in [(Phase::Linear, -33.0), (Phase::Mixed { split: 500.0 / RATE }, -40.0)] {
            for seed in 1..40 {
                let taps = realised(&drawn(seed, 3, 3.0), phase, TAPS);
                let energy = |taps: &[f64]| taps.iter().map(|t| t * t).sum::<f64>();
                let before = 10.0 * (energy(&taps[..phase.delay(TAPS) - early]) / energy(&taps)).log10();
                assert!(before < most_db, "{phase:?}, curve {seed}: {before:.1} dB");
            }
        }
    }

    /// A bell of second order is of minimum phase: its phase is known exactly.
    #[test]
    fn minimum_phase_is_the_analogue_bells() {
        // At 1 kHz of 48 kHz the matched bell needs no correction and its own phase is the reference.
        for (hz, gain_db, q) in [(60.0, 9.0, 1.0), (1_000.0, -12.0, 2.0), (300.0, 6.0, 0.5)] {
            let mut sections = [matched::bell(gain_db, q)];
            assert_eq!(matched::digital(&mut sections, hz / RATE), None);
            let exact = |share: f64| {
                let s = Complex64::new(0.0, (PI * share).tan());
                let polynomial = |c: &[f64; 3]| c[0] + s * c[1] + s * s * c[2];
                polynomial(&sections[0].numerator) / polynomial(&sections[0].denominator)
            };
            // At 0.5 the tangent is infinite; just below it the gain is the same.
            let taps = design(TAPS, Phase::Minimum, |share| exact(share.min(0.499_99)).norm());
            for n in 0..60 {
                let share = 20.0 * 900f64.powf(f64::from(n) / 59.0) / RATE;
                let (seen, wished) = (response(&taps, 0, share), exact(share));
                // The bell at 60 Hz has not wholly rung out under the window: 1e-3 are 0.009 dB.
                assert!((seen - wished).norm() < 1e-3, "{hz} Hz at {share}: {seen} {wished}");
            }
        }
    }

    /// Nothing before the sound, and 96 dB/oct at 30 Hz, whose logarithm falls without end at zero frequency.
    #[test]
    fn minimum_phase_begins_at_once_even_for_the_steepest_cut() {
        let gain = |share: f64| (1.0 + (30.0 / RATE / share.max(1e-9)).powi(32)).sqrt().recip();
        let grid = Grid::new(TAPS, Phase::Minimum);
        let gains: Vec<f64> = grid.frequencies().map(gain).collect();
        let spectrum = grid.spectrum(&gains, Phase::Minimum);
        // Rotated so that what comes before the sound stands at the front.
        let before = &grid.realise(&spectrum, 4 * TAPS, 2 * TAPS)[..2 * TAPS];
        let most = before.iter().fold(0.0f64, |most, tap| most.max(tap.abs()));
        // Time aliasing below -100 dB of full scale.
        assert!(most < 1e-5, "{:.1} dB", gain_to_db(most));
    }

    #[test]
    fn mixed_phase_is_linear_above_and_minimum_below() {
        let curve = drawn(3, 3, 6.0);
        let phase = Phase::Mixed { split: 300.0 / RATE };
        let mixed = realised(&curve, phase, TAPS);
        let minimum = realised(&curve, Phase::Minimum, TAPS);
        for (hz, is_linear) in [(60.0, false), (150.0, false), (800.0, true), (3_000.0, true), (9e3, true)] {
            let seen = response(&mixed, phase.delay(TAPS), hz / RATE).arg();
            let wished = if is_linear { 0.0 } else { response(&minimum, 0, hz / RATE).arg() };
            // A hundredth of a radian: 0.3 ms at 6 Hz, and nothing that is heard.
            assert!((seen - wished).abs() < 0.01, "{hz} Hz: {seen} {wished}");
        }
    }

    #[test]
    fn a_level_curve_is_one_tap() {
        for phase in [Phase::Linear, Phase::Minimum, Phase::Mixed { split: 0.005 }] {
            let taps = design(255, phase, |_| 0.5);
            for (n, tap) in taps.iter().enumerate() {
                let expected = if n == phase.delay(255) { 0.5 } else { 0.0 };
                assert!((tap - expected).abs() < 1e-14, "{phase:?} {n}: {tap}");
            }
        }
    }

    #[test]
    fn a_curve_without_points_is_level_and_one_point_is_a_gain() {
        assert_eq!(Curve::new(&[]).db(100.0), 0.0);
        assert!(Curve::new(&[]).is_flat() && Curve::new(&[(50.0, 0.0)]).is_flat());
        let one = Curve::new(&[(50.0, 3.0)]);
        assert_eq!((one.db(5.0), one.db(50.0), one.db(5_000.0)), (3.0, 3.0, 3.0));
        // Two at one place count as their mean.
        assert_eq!(Curve::new(&[(50.0, 3.0), (50.0, 5.0)]).db(70.0), 4.0);
    }

    proptest! {
        /// Between two points the curve stays between their values, and goes through both.
        #[test]
        fn curves_never_overshoot(
            points in prop::collection::vec((20.0f64..20_000.0, -24.0f64..24.0), 2..12), place in 0.0f64..1.0,
        ) {
            let curve = Curve::new(&points);
            for pair in curve.points.windows(2) {
                let x = pair[0][0] + (pair[1][0] - pair[0][0]) * place;
                let (low, high) = (pair[0][1].min(pair[1][1]), pair[0][1].max(pair[1][1]));
                let seen = curve.db(x.exp2());
                prop_assert!(seen >= low - 1e-9 && seen <= high + 1e-9, "{} {} {}", low, seen, high);
                prop_assert!((curve.db(pair[0][0].exp2()) - pair[0][1]).abs() < 1e-6);
            }
        }
    }
}
