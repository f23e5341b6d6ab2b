//! Curves averaged along their antiderivative, so that their corners fold less back.
//!
//! A curve makes harmonics of a sampled signal that fold back at the sample rate. Here the signal is taken as
//! a continuous one, straight between its samples, the curve is applied to that, and the result is sampled
//! through a low-pass whose integral can be written down: over one sample interval (first order: the divided
//! difference of the antiderivative; J. Parker, V. Zavalishin and E. Le Bivic, *Reducing the aliasing of
//! nonlinear waveshaping using continuous-time convolution*, DAFx 2016) or under a triangle of two (second
//! order; S. Bilbao, F. Esqueda, J. Parker and V. Välimäki, *Antiderivative antialiasing for memoryless
//! nonlinearities*, IEEE Signal Processing Letters 2017).
//!
//! What is left folds back lower by sinc(f) per order, which near the sample rate, where it would land in
//! the audible band, is 25 to 60 dB. Each filter's fall in the band is made up for.

/// The area under a hard clip at one, from zero.
#[inline(always)]
fn clip_area(x: f64) -> f64 {
    if x.abs() <= 1.0 { 0.5 * x * x } else { x.abs() - 0.5 }
}

/// First order: a clip at one, averaged between neighbouring samples.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClipAverage {
    before: f64,
    averages: MakeUp,
}

impl ClipAverage {
    /// Samples by which the result is late.
    pub const DELAY: usize = MakeUp::DELAY;

    /// The clipped sample.
    #[inline(always)]
    pub fn next(&mut self, x: f64) -> f64 {
        let step = x - self.before;
        let average = if step.abs() < 1e-6 {
            (0.5 * (x + self.before)).clamp(-1.0, 1.0)
        } else {
            (clip_area(x) - clip_area(self.before)) / step
        };
        self.before = x;
        self.averages.next(average)
    }
}

/// Makes up for what averaging between neighbouring samples takes from the treble.
#[derive(Debug, Clone, Copy, Default)]
pub struct MakeUp([f64; 3]);

impl MakeUp {
    /// Samples by which average and make-up together are late.
    pub const DELAY: usize = 2;

    /// Takes the next average.
    #[inline(always)]
    pub fn next(&mut self, average: f64) -> f64 {
        // The average stands half a sample late and falls as cos(w/2). The taps (-1, 5, 5, -1)/8 stand one and
        // a half samples late and rise as much, to the fourth order of w.
        let [a, b, c] = self.0;
        self.0 = [average, a, b];
        0.625 * (a + b) - 0.125 * (average + c)
    }
}

/// What happens to a curve along one straight stretch from one sample to the next, whose length is one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stretch {
    /// Integral of the curve.
    pub mean: f64,
    /// Integral of the curve times the way already gone: the mean under a rising slope.
    pub late: f64,
}

impl Stretch {
    /// The power `TERMS - 1` of a positive number that goes from `from` to `to` in a straight line. All terms
    /// of the sums are positive: nothing cancels.
    #[inline(always)]
    fn of_power<const TERMS: usize>(from: f64, to: f64) -> Stretch {
        let terms = TERMS as f64;
        let (mut mean, mut late) = (0.0, 0.0);
        let mut powers = [1.0; TERMS];
        for i in 1..TERMS {
            powers[i] = powers[i - 1] * to;
        }
        let mut low = 1.0;
        for i in (0..TERMS).rev() {
            mean += low * powers[i];
            late += (i + 1) as f64 * low * powers[i];
            low *= from;
        }
        Stretch { mean: mean / terms, late: late / (terms * (terms + 1.0)) }
    }

    /// Adds what happens on a part of the stretch, from `start` on and `length` long.
    #[inline(always)]
    fn add_part(&mut self, start: f64, length: f64, part: Stretch) {
        self.mean += length * part.mean;
        self.late += length * (start * part.mean + length * part.late);
    }
}

/// What a clipper takes away: nothing up to `start`, everything above the ceiling from `end` on, and between
/// them a cube, so that the curve that is left bends from a slope of one to flat without a corner:
/// `f = start + (end - start)(s - s³/3)` with s from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knee {
    start: f64,
    end: f64,
    ceiling: f64,
}

impl Knee {
    /// A curve that never passes `ceiling` and changes nothing below `start`, at most the ceiling.
    pub fn new(start: f64, ceiling: f64) -> Knee {
        let start = if start < ceiling { start } else { ceiling };
        Knee { start, end: start + 1.5 * (ceiling - start), ceiling }
    }

    /// Nothing is taken away from magnitudes up to this one.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// What is taken away at one place.
    pub fn excess(&self, x: f64) -> f64 {
        let size = x.abs();
        let taken = if size <= self.start {
            0.0
        } else if size >= self.end {
            size - self.ceiling
        } else {
            let width = self.end - self.start;
            ((size - self.start) / width).powi(3) * width / 3.0
        };
        taken.copysign(x)
    }

    /// What is taken away on the way from one sample to the next.
    #[inline]
    pub fn stretch(&self, from: f64, to: f64) -> Stretch {
        let mut sum = Stretch::default();
        if from > self.start || to > self.start {
            sum = self.above(from, to);
        }
        if from < -self.start || to < -self.start {
            let below = self.above(-from, -to);
            sum.mean -= below.mean;
            sum.late -= below.late;
        }
        sum
    }

    /// The same for the positive side alone.
    fn above(&self, from: f64, to: f64) -> Stretch {
        let mut sum = Stretch::default();
        let width = self.end - self.start;
        if width > 0.0
            && let Some((start, length, low, high)) = between(from, to, self.start, self.end)
        {
            let part = Stretch::of_power::<4>((low - self.start) / width, (high - self.start) / width);
            let scale = width / 3.0;
            sum.add_part(start, length, Stretch { mean: scale * part.mean, late: scale * part.late });
        }
        if let Some((start, length, low, high)) = between(from, to, self.end, f64::INFINITY) {
            let part = Stretch::of_power::<2>(low - self.ceiling, high - self.ceiling);
            sum.add_part(start, length, part);
        }
        sum
    }
}

/// The part of a straight way from `from` to `to` that lies between two values: where it begins, how long it
/// is, and the values at its ends.
#[inline(always)]
fn between(from: f64, to: f64, low: f64, high: f64) -> Option<(f64, f64, f64, f64)> {
    let (least, most) = if from < to { (from, to) } else { (to, from) };
    if most <= low || least >= high {
        return None;
    }
    let step = to - from;
    // A way without length is all inside.
    let inside = |value: f64| value >= low && value <= high;
    let place = |bound: f64| ((bound - from) / step).clamp(0.0, 1.0);
    let (start, first) = if inside(from) {
        (0.0, from)
    } else {
        let bound = if from < low { low } else { high };
        (place(bound), bound)
    };
    let (end, last) = if inside(to) {
        (1.0, to)
    } else {
        let bound = if to < low { low } else { high };
        (place(bound), bound)
    };
    Some((start, end - start, first, last))
}

/// Second order: a curve averaged under a triangle of two samples, stretch by stretch.
#[derive(Debug, Clone, Copy, Default)]
pub struct TriangleAverage {
    before: f64,
    /// Of the last stretch: its share in the next result.
    rising: f64,
    averages: [f64; 2],
}

impl TriangleAverage {
    /// Samples by which the result is late: one by the triangle, one by the filter that makes up for its fall.
    pub const DELAY: usize = 2;

    /// Takes the next sample; `curve` gives the stretch from the last one to it.
    #[inline(always)]
    pub fn next(&mut self, x: f64, curve: impl Fn(f64, f64) -> Stretch) -> f64 {
        let stretch = curve(self.before, x);
        let average = self.rising + (stretch.mean - stretch.late);
        self.before = x;
        self.rising = stretch.late;
        // The triangle falls as 1 - w²/12; the taps (-1, 14, -1)/12 rise as much.
        let [a, b] = self.averages;
        self.averages = [average, a];
        (14.0 * a - (average + b)) / 12.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The integrals by brute force: midpoints of many small steps.
    fn by_steps(knee: &Knee, from: f64, to: f64) -> Stretch {
        const STEPS: usize = 20_000;
        let mut sum = Stretch::default();
        for i in 0..STEPS {
            let way = (i as f64 + 0.5) / STEPS as f64;
            let value = knee.excess(from + way * (to - from));
            sum.mean += value / STEPS as f64;
            sum.late += way * value / STEPS as f64;
        }
        sum
    }

    proptest! {
        // The midpoint rule's error: corners count with the square of the step, 1/20,000² of the way's
        // height; 1e-7 has room for it.
        #[test]
        fn the_integrals_are_the_curves(
            from in -4.0f64..4.0, to in -4.0f64..4.0, ceiling in 0.1f64..2.0, softness in 0.0f64..1.0,
        ) {
            let knee = Knee::new(ceiling * (1.0 - softness), ceiling);
            let (seen, expected) = (knee.stretch(from, to), by_steps(&knee, from, to));
            prop_assert!((seen.mean - expected.mean).abs() < 1e-7, "{:?} {:?}", seen, expected);
            prop_assert!((seen.late - expected.late).abs() < 1e-7, "{:?} {:?}", seen, expected);
        }

        // A short way is where divided differences lose their digits; here the ends bound the mean.
        #[test]
        fn short_ways_are_as_exact(from in -2.0f64..2.0, step in -1e-9f64..1e-9, soft in 0.0f64..1.0) {
            let knee = Knee::new(1.0 - soft, 1.0);
            let seen = knee.stretch(from, from + step);
            let expected = knee.excess(from + 0.5 * step);
            prop_assert!((seen.mean - expected).abs() < 1e-9, "{:?} {}", seen, expected);
            prop_assert!((seen.late - 0.5 * expected).abs() < 1e-9, "{:?} {}", seen, expected);
        }
    }

    /// What is left under the ceiling: never above it, rising, a slope of one to the start and none at the end.
    #[test]
    fn the_knee_is_a_curve_without_corners() {
        let knee = Knee::new(0.5, 1.0);
        let left = |x: f64| x - knee.excess(x);
        let mut last = 0.0;
        for i in 0..=4_000 {
            let x = f64::from(i) / 1_000.0;
            assert!(left(x) >= last - 1e-12 && left(x) <= 1.0 + 1e-12, "{x}: {}", left(x));
            assert_eq!(left(-x), -left(x));
            last = left(x);
            // The slope's greatest change within a step of 1e-3 is 2 s / width: 2.7e-3.
            let slope = |x: f64| (left(x + 1e-6) - left(x)) / 1e-6;
            assert!((slope(x + 1e-3) - slope(x)).abs() < 3e-3, "{x}");
        }
        assert_eq!(left(0.5), 0.5);
        assert!((left(1.25) - 1.0).abs() < 1e-12 && (left(3.0) - 1.0).abs() < 1e-12);
    }

    /// A slow signal comes out as its curve, late by the stated delay: the averaging costs nothing where it
    /// is not needed.
    #[test]
    fn slow_signals_come_out_as_the_curve() {
        let wave = |n: f64| 1.5 * (n * 0.01).sin();
        let knee = Knee::new(0.4, 1.0);
        let (mut first, mut second) = (ClipAverage::default(), TriangleAverage::default());
        for n in 0..2_000 {
            let x = wave(f64::from(n));
            let (one, two) = (first.next(x), second.next(x, |from, to| knee.stretch(from, to)));
            if n > 10 {
                let x = wave(f64::from(n) - ClipAverage::DELAY as f64);
                // A corner is rounded over two samples of 0.015: a quarter of one of these.
                assert!((one - x.clamp(-1.0, 1.0)).abs() < 5e-3, "{n}");
                let x = wave(f64::from(n) - TriangleAverage::DELAY as f64);
                // The straight lines miss the arc by 0.015 0.01/8.
                assert!((two - knee.excess(x)).abs() < 3e-5, "{n}: {two} {}", knee.excess(x));
            }
        }
    }
}
