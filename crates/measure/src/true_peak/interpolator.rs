//! Interpolation of a signal that was already doubled, and how far it can rise between two of its points.
//!
//! Nothing lies above half of the doubled signal's own half rate, so that a filter of 16 taps is flat over all of
//! it within 0.0001 dB.

use std::f64::consts::PI;

/// Taps per phase: the points of the doubled signal that shape one interpolated value.
pub(crate) const TAPS: usize = 16;
/// Points on either side.
pub(crate) const HALF: usize = TAPS / 2;
/// Kaiser's window parameter for side lobes of -110 dB: 0.1102 (110 - 8.7) (Kaiser 1974).
const BETA: f64 = 11.163;

/// One table of taps per phase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interpolator {
    phases: Vec<[f64; TAPS]>,
    /// No interpolated value exceeds this times the largest point among its taps.
    pub(crate) value_bound: f64,
    /// No second derivative (per point squared) exceeds this times the largest point among its taps.
    pub(crate) curvature_bound: f64,
}

impl Interpolator {
    /// Tables for `factor` values per point: a power of two.
    pub(crate) fn new(factor: usize) -> Interpolator {
        let phases = (0..factor).map(|p| taps(p as f64 / factor as f64, kernel)).collect();
        // The bounds are sums of absolute taps, which are smooth in the phase: 512 phases find their maxima
        // to far better than the 1 % that is added.
        let largest = |f: fn(f64) -> f64| {
            (0..512)
                .map(|p| taps(p as f64 / 512.0, f).iter().map(|t| t.abs()).sum::<f64>())
                .fold(0.0, f64::max)
        };
        Interpolator {
            phases,
            value_bound: 1.01 * largest(kernel),
            curvature_bound: 1.01 * largest(kernel_curvature),
        }
    }

    /// Values per point.
    pub(crate) fn factor(&self) -> usize {
        self.phases.len()
    }

    /// The value `phase / factor` points after `window[HALF - 1]`; `window` is `TAPS` long.
    #[inline]
    pub(crate) fn at(&self, phase: usize, window: &[f64]) -> f64 {
        let (taps, window) = (&self.phases[phase], &window[..TAPS]);
        let mut sums = [0.0; 4];
        for (x, h) in window.chunks_exact(4).zip(taps.chunks_exact(4)) {
            for lane in 0..4 {
                sums[lane] += x[lane] * h[lane];
            }
        }
        (sums[0] + sums[2]) + (sums[1] + sums[3])
    }
}

/// The taps for a value `fraction` of a point after the one that tap `HALF - 1` meets.
fn taps(fraction: f64, kernel: fn(f64) -> f64) -> [f64; TAPS] {
    std::array::from_fn(|tap| kernel(tap as f64 - (HALF - 1) as f64 - fraction))
}

/// The windowed sinc at `t` points from its centre.
fn kernel(t: f64) -> f64 {
    let sinc = if t.abs() < 1e-9 { 1.0 } else { (PI * t).sin() / (PI * t) };
    sinc * kaiser(t / HALF as f64, BETA)
}

/// The second derivative of the kernel, by central differences of a step that leaves 1e-6 of error.
fn kernel_curvature(t: f64) -> f64 {
    let step = 1e-4;
    (kernel(t + step) - 2.0 * kernel(t) + kernel(t - step)) / (step * step)
}

/// Kaiser's window at `x`, -1 to 1 (J. F. Kaiser, *Nonrecursive digital filter design using the I0-sinh window
/// function*, 1974); zero outside.
pub(super) fn kaiser(x: f64, beta: f64) -> f64 {
    let edge = 1.0 - x * x;
    if edge < 0.0 { 0.0 } else { bessel_i0(beta * edge.sqrt()) / bessel_i0(beta) }
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_of_a_doubled_signal_is_interpolated_as_the_tone_it_is() {
        let interpolator = Interpolator::new(8);
        // A doubled signal has nothing above a quarter of its rate.
        for cycles in [0.001, 0.05, 0.1, 0.2, 0.25] {
            for start in [0.0, 0.7, 2.1] {
                let tone = |t: f64| (2.0 * PI * cycles * t + start).cos();
                let line: Vec<f64> = (0..TAPS).map(|n| tone(n as f64)).collect();
                for phase in 0..8 {
                    let expected = tone((HALF - 1) as f64 + phase as f64 / 8.0);
                    let got = interpolator.at(phase, &line);
                    // -95 dB: all side lobes together.
                    assert!((got - expected).abs() < 2e-5, "{cycles} {phase}: {got} for {expected}");
                }
            }
        }
    }
}
