//! Interpolation of a signal that was already doubled, and how far it can rise between two of its points.
//!
//! Nothing lies above half of the doubled signal's own half rate, so that a filter of 16 taps is flat over all of
//! it within 0.0001 dB.

use super::screen::{SHORT_TAPS, lagrange};
use std::f64::consts::PI;
use std::sync::{LazyLock, OnceLock};

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
    pub(crate) bounds: Bounds,
}

/// How far an interpolated curve can go, whatever the points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// No interpolated value exceeds this times the largest point among its taps.
    pub(crate) value: f64,
    /// No second derivative (per point squared) exceeds this times the largest second difference of the points
    /// among its taps,
    pub(crate) bend: f64,
    /// and this times the largest of the points themselves.
    pub(crate) bend_rest: f64,
    /// Where Lagrange's interpolation doubled the signal, no value exceeds this times the largest sample around it,
    pub(crate) short: f64,
    /// and this times the largest error of that interpolation.
    pub(crate) halves: f64,
}

impl Bounds {
    /// The bounds are sums of absolute taps, which are smooth in the phase: so many phases find their maxima to far
    /// better than the 1 % that is added.
    fn find(phases: usize) -> Bounds {
        let mut bounds = Bounds { value: 0.0, bend: 0.0, bend_rest: 0.0, short: 0.0, halves: 0.0 };
        for phase in 0..=phases {
            let fraction = phase as f64 / phases as f64;
            let taps_here = taps(fraction, kernel);
            let (bend, bend_rest) = bend(&taps(fraction, kernel_curvature));
            let (short, halves) = shortened(&taps_here);
            bounds.value = bounds.value.max(absolute(&taps_here));
            bounds.bend = bounds.bend.max(bend);
            bounds.bend_rest = bounds.bend_rest.max(bend_rest);
            bounds.short = bounds.short.max(short);
            bounds.halves = bounds.halves.max(halves);
        }
        let Bounds { value, bend, bend_rest, short, halves } = bounds;
        let more = |x: f64| 1.01 * x;
        Bounds {
            value: more(value),
            bend: more(bend),
            bend_rest: more(bend_rest),
            short: more(short),
            halves: more(halves),
        }
    }
}

/// The sum of absolute values.
fn absolute(taps: &[f64]) -> f64 {
    taps.iter().map(|t| t.abs()).sum()
}

/// What a sum over points is at most, against their largest second difference, and against their largest value:
/// summation by parts, twice.
fn bend(taps: &[f64; TAPS]) -> (f64, f64) {
    let running = |taps: &[f64]| -> Vec<f64> {
        taps.iter()
            .scan(0.0, |sum, t| {
                *sum += t;
                Some(*sum)
            })
            .collect()
    };
    let once = running(taps);
    let twice = running(&once[..TAPS - 1]);
    (absolute(&twice[..TAPS - 2]), once[TAPS - 1].abs() + 2.0 * twice[TAPS - 2].abs())
}

/// For points that are samples and, between them, Lagrange's values: the sum of absolute weights of the samples, and of
/// the values halfway. Tap `HALF - 1` is a sample; what stands between a half and a sample is its mirror image.
fn shortened(taps: &[f64; TAPS]) -> (f64, f64) {
    let short = lagrange();
    let mut samples = [0.0; TAPS + SHORT_TAPS];
    let mut halves = 0.0;
    for (tap, weight) in taps.iter().enumerate() {
        if tap % 2 == 1 {
            samples[tap / 2 + SHORT_TAPS / 2] += weight;
        } else {
            // The half that stands after the sample of the tap before.
            halves += weight.abs();
            short.iter().enumerate().for_each(|(j, s)| samples[tap / 2 + j] += weight * s);
        }
    }
    (absolute(&samples), halves)
}

impl Interpolator {
    /// Tables for `factor` values per point: a power of two.
    pub(crate) fn new(factor: usize) -> Interpolator {
        static BOUNDS: OnceLock<Bounds> = OnceLock::new();
        let phases = (0..factor).map(|p| taps(p as f64 / factor as f64, kernel)).collect();
        Interpolator { phases, bounds: *BOUNDS.get_or_init(|| Bounds::find(64)) }
    }

    /// Values per point.
    pub(crate) fn factor(&self) -> usize {
        self.phases.len()
    }

    /// The taps of a phase.
    pub(crate) fn taps(&self, phase: usize) -> &[f64; TAPS] {
        &self.phases[phase]
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
    static WINDOW: LazyLock<Kaiser> = LazyLock::new(|| Kaiser::new(BETA));
    let sinc = if t.abs() < 1e-9 { 1.0 } else { (PI * t).sin() / (PI * t) };
    sinc * WINDOW.at(t / HALF as f64)
}

/// The second derivative of the kernel, by central differences of a step that leaves 1e-6 of error; at the ends of the
/// kernel, where it stops, that just inside.
fn kernel_curvature(t: f64) -> f64 {
    let step = 1e-4;
    let inside = HALF as f64 - step;
    let t = t.clamp(-inside, inside);
    (kernel(t + step) - 2.0 * kernel(t) + kernel(t - step)) / (step * step)
}

/// Kaiser's window (J. F. Kaiser, *Nonrecursive digital filter design using the I0-sinh window function*, 1974).
pub(super) struct Kaiser {
    beta: f64,
    /// Its height before it is divided by this.
    height: f64,
}

impl Kaiser {
    pub(super) fn new(beta: f64) -> Kaiser {
        Kaiser { beta, height: bessel_i0(beta) }
    }

    /// The window at `x`, -1 to 1; zero outside.
    pub(super) fn at(&self, x: f64) -> f64 {
        let edge = 1.0 - x * x;
        if edge < 0.0 { 0.0 } else { bessel_i0(self.beta * edge.sqrt()) / self.height }
    }
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

    /// A bound that a phase between those that were asked exceeds would be none.
    #[test]
    fn bounds_hold_for_phases_that_were_not_asked() {
        let (bounds, most) = (Interpolator::new(8).bounds, Bounds::find(1_000));
        let of = |b: &Bounds| [b.value, b.bend, b.bend_rest, b.short, b.halves];
        for (bound, most) in of(&bounds).into_iter().zip(of(&most)) {
            // The finer search has added the 1 % as well; nine tenths of it are to spare.
            assert!(most / 1.01 < bound / 1.009, "{bounds:?} {most:?}");
        }
    }

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
