//! Which stretches of a signal cannot hold a peak, told without the long filter.
//!
//! Between two samples a short filter is nearly right: Lagrange's interpolation through 16 of them, which is exact for
//! low frequencies and wrong near half the sample rate. What it is wrong by is bounded: the difference of the long
//! filter's spectrum and the short one's has 16 zeros at 0 Hz, as the 16th difference of the signal has
//! (`sin^16(pi f)`, since `1 / cos = sum a_k sin^2k` and Lagrange's filter is the beginning of that sum: Hermanowicz
//! 1992, *Explicit formulas for weighting coefficients of maximally flat tunable FIR delayers*). So the error is that
//! difference through a filter `g`, and by Cauchy and Schwarz no larger than the norm of `g` times the norm of the
//! difference, shell by shell around the place; what a finite `g` leaves over is a sum of absolute taps.
//!
//! The 16th difference is the 4th through a filter whose absolute taps add to one, so that its energy over a stretch is no
//! larger than that of the 4th over the stretch and six frames more on either side. That is a quarter of the work, and
//! tells enough of most music; the 16th is only worked out around what the 4th leaves open.
//!
//! The bound is a proof, not an estimate: what it passes over cannot matter, and readings stay those of the long
//! filter.

use super::halves::Halves;
use super::interpolator::{HALF, Interpolator, TAPS};
use super::minimum::{BEFORE, Minimum};
use super::scan::CHUNK;
use num_complex::Complex64;
use realfft::RealFftPlanner;
use std::f64::consts::PI;

/// Half the order of the difference, and of Lagrange's points.
const ORDER: usize = 8;
/// Samples that shape one value of the short filter.
pub(super) const SHORT_TAPS: usize = 2 * ORDER;
/// Frames that share a bound.
pub(super) const GROUP: usize = 64;
/// Frames around a group whose points shape the curve in it, on either side.
const AROUND: usize = HALF;
/// Groups of the shells: next to the place, further, and the rest.
const NEAR: usize = 1;
const MIDDLE: usize = 8;
/// Below this the difference no longer tells anything about the error, which there is a part in a thousand of it.
const LEAST: f64 = 1e-3;
/// What the long filter, which works in single precision, may be wrong by against the highest sample.
const ROUNDING: f64 = 1e-6;
/// Room for the rounding of all sums.
const MARGIN: f64 = 1.0 + 1e-9;

/// Norms of the filter from the difference to the error, for one long filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    short: [f64; SHORT_TAPS],
    difference: [f64; SHORT_TAPS + 1],
    near: f64,
    middle: f64,
    far: f64,
    /// Times the highest sample: what the shells do not hold.
    rest: f64,
}

impl Bound {
    /// For a filter of values halfway: `taps` stand `-taps / 2 + 0.5 ..` from the value they give.
    pub(super) fn new(taps: &[f64]) -> Bound {
        let (short, difference) = (lagrange(), differences());
        let reach = taps.len() / 2;
        let mut error = taps.to_vec();
        for (e, s) in error[reach - ORDER..].iter_mut().zip(short) {
            *e -= s;
        }
        // The difference is symmetric about its middle, so that its spectrum is real: sin^16(w / 2).
        let size = 4 * taps.len();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let mut time = forward.make_input_vec();
        time[..taps.len()].copy_from_slice(&error);
        let mut spectrum: Vec<Complex64> = forward.make_output_vec();
        const LENGTHS: &str = "buffers come from the plan itself";
        forward.process(&mut time, &mut spectrum).expect(LENGTHS);
        for (k, s) in spectrum.iter_mut().enumerate() {
            let d = (PI * k as f64 / size as f64).sin().powi(2 * ORDER as i32);
            *s *= d / (d * d + LEAST * LEAST) / size as f64;
        }
        // Real by nature; rounding must not say otherwise.
        spectrum[0].im = 0.0;
        spectrum[size / 2].im = 0.0;
        inverse.process(&mut spectrum, &mut time).expect(LENGTHS);
        // Only what the groups around a place are known to hold.
        let reached = reach - GROUP;
        let g = &time[reach - reached..reach + reached];
        let offset = reach - reached;
        let mut rest = vec![0.0; taps.len()];
        rest.copy_from_slice(&error);
        for (n, g) in g.iter().enumerate() {
            for (j, d) in difference.iter().enumerate() {
                rest[offset + n + j - ORDER] -= g * d;
            }
        }
        // A value stands half a frame after its own frame, which is tap `reach - 1`.
        let norm = |from: usize, to: usize| {
            let distance = |n: usize| (offset + n).abs_diff(reach - 1);
            let within = g.iter().enumerate().filter(|(n, _)| (from..=to).contains(&distance(*n)));
            within.map(|(_, g)| g * g).sum::<f64>().sqrt() * MARGIN
        };
        Bound {
            short,
            difference,
            near: norm(0, (NEAR + 1) * GROUP),
            middle: norm(NEAR * GROUP + 1, (MIDDLE + 1) * GROUP),
            far: norm(MIDDLE * GROUP + 1, usize::MAX),
            rest: rest.iter().map(|r| r.abs()).sum::<f64>() * MARGIN + ROUNDING,
        }
    }
}

/// Lagrange's weights for the value halfway between the two middle ones of 16 points.
pub(super) fn lagrange() -> [f64; SHORT_TAPS] {
    let place = ORDER as f64 - 0.5;
    std::array::from_fn(|j| {
        let others = (0..SHORT_TAPS).filter(|m| *m != j);
        others.map(|m| (place - m as f64) / (j as f64 - m as f64)).product()
    })
}

/// The 16th difference, its gain 1 at half the sample rate: alternating binomial coefficients over 2^16.
fn differences() -> [f64; SHORT_TAPS + 1] {
    let mut row = [0.0; SHORT_TAPS + 1];
    row[0] = 1.0;
    for n in 1..row.len() {
        (1..=n).rev().for_each(|k| row[k] += row[k - 1]);
    }
    std::array::from_fn(|j| row[j] * if j % 2 == ORDER % 2 { 1.0 } else { -1.0 } / 4f64.powi(ORDER as i32))
}

/// What is known of the groups around the search, in step with the samples of a scanner.
#[derive(Debug, Clone, Default)]
pub(super) struct Screen {
    /// For each group of the scanner's samples the energy of the difference or more than that, whether it is the energy
    /// itself, and the highest sample.
    energies: Vec<f64>,
    exact: Vec<bool>,
    highest: Vec<f64>,
}

impl Screen {
    /// Takes the groups that `samples` have and earlier calls did not see, whose difference is known; and shows them to the
    /// least meter, where there is one.
    pub(super) fn take(&mut self, samples: &[f64], minimum: &mut Option<Minimum>) {
        if self.energies.is_empty() {
            // Its difference reaches before the samples, where there are only zeros; it is never asked.
            self.energies.push(0.0);
            self.exact.push(true);
            self.highest.push(0.0);
        }
        let known = self.energies.len();
        let start = FIRST + known * GROUP;
        let groups = samples.len().saturating_sub(start + ORDER) / GROUP;
        self.energies.resize(known + groups, 0.0);
        self.exact.resize(known + groups, false);
        self.highest.resize(known + groups, 0.0);
        let mut room = Squares::default();
        let (energies, highest) = (&mut self.energies[known..], &mut self.highest[known..]);
        fourths(&samples[start - ORDER..], energies, highest, &mut room);
        if let Some(minimum) = minimum {
            for (group, highest) in highest.iter().enumerate() {
                let start = start + group * GROUP;
                minimum.look(&samples[start - BEFORE..start + GROUP], *highest);
            }
        }
    }

    /// The highest sample of each chunk of a block whose first group is `first`; the groups of the block have been taken.
    pub(super) fn tops(&self, first: usize, chunks: usize) -> Vec<f64> {
        const GROUPS: usize = CHUNK / GROUP;
        let highest = self.highest[first..first + chunks * GROUPS].chunks_exact(GROUPS);
        highest.map(|groups| groups.iter().fold(0.0, |most: f64, h| most.max(*h))).collect()
    }

    /// Forgets the groups of `frames` that leave the front of the samples.
    pub(super) fn forget(&mut self, frames: usize) {
        let groups = (frames / GROUP).min(self.energies.len());
        self.energies.drain(..groups);
        self.exact.drain(..groups);
        self.highest.drain(..groups);
    }

    /// In which chunks of [`CHUNK`] frames of a block, the first of which is sample `reach - 1 + HALF`, the curve may reach
    /// its floor of `floors`; the groups of all `samples` have been taken.
    pub(super) fn may_reach(
        &mut self,
        halves: &Halves,
        interpolator: &Interpolator,
        samples: &[f64],
        floors: &[f64],
    ) -> Vec<bool> {
        let first = halves.reach() / GROUP;
        let groups = first..first + halves.block() / GROUP;
        let all: Vec<usize> = groups.clone().collect();
        let search = (halves, interpolator, samples, floors);
        let mut reached = self.reached(search, &all, false);
        if !reached.is_empty() {
            for group in &reached {
                let around = group - 1 - MIDDLE..group + 2 + MIDDLE;
                around.for_each(|group| self.refine(halves.bound(), samples, group));
            }
            reached = self.reached(search, &reached, true);
        }
        let mut chunks = vec![false; groups.len() * GROUP / CHUNK];
        reached.into_iter().for_each(|group| chunks[(group - first) * GROUP / CHUNK] = true);
        chunks
    }

    /// Works out the energy of a group, unless it is known or no longer can be.
    fn refine(&mut self, bound: &Bound, samples: &[f64], group: usize) {
        let start = FIRST + group * GROUP;
        let around = start.checked_sub(ORDER).and_then(|from| samples.get(from..start + GROUP + ORDER));
        if let Some((around, known)) = around.zip(self.exact.get_mut(group)).filter(|(_, known)| !**known) {
            self.energies[group] = energy(&bound.difference, around);
            *known = true;
        }
    }

    /// In which of some groups the curve may reach the floor of their chunk, by what is known of the energies; `finely` asks the points
    /// between the halves as well.
    fn reached(
        &self,
        (halves, interpolator, samples, floors): (&Halves, &Interpolator, &[f64], &[f64]),
        groups: &[usize],
        finely: bool,
    ) -> Vec<usize> {
        let (bound, bounds) = (halves.bound(), &interpolator.bounds);
        let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return Vec::new() };
        // What lies further ahead shapes nothing here.
        let seen = (samples.len() - FIRST - ORDER) / GROUP;
        let highest = self.highest[..seen].iter().fold(0.0, |most: f64, h| most.max(*h));
        let errors = self.errors(bound, (first - 1..last + 2, seen), halves.reach() / GROUP - 1, highest);
        // Silence has no peaks, however low a floor is.
        if highest == 0.0 {
            return Vec::new();
        }
        let highests = &self.highest[first - 1..last + 2];
        let quick = around(&errors, highests, (bounds.halves, bounds.short));
        let reaches = |group: &usize| {
            let group = *group;
            let floor = floors[(group - halves.reach() / GROUP) * GROUP / CHUNK];
            if quick[group - first] * MARGIN < floor {
                return false;
            }
            let error =
                errors[group - first..group - first + 3].iter().fold(0.0, |most: f64, e| most.max(*e));
            let start = FIRST + group * GROUP;
            let around = &samples[start - AROUND - (ORDER - 1)..start + GROUP + AROUND + ORDER + 1];
            let mut double = [0.0; DOUBLED];
            let (points, bend) = shape(&bound.short, around, &mut double);
            let curvature = bounds.bend * (bend + 2.0 * error)
                + bounds.bend_rest * (self.highest[group] + points + error);
            // The top between two points, and then that between four times as many.
            let reaches =
                |level: f64, distance: f64| (level + curvature * distance * distance / 8.0) * MARGIN >= floor;
            let fine =
                || reaches(points.max(between(interpolator, &double)) + bounds.halves.max(1.0) * error, 0.5);
            reaches(points + error, 1.0) && (!finely || fine())
        };
        groups.iter().copied().filter(reaches).collect()
    }

    /// How far the short filter may be wrong in each of some `groups` of so many that can shape them, for a filter that reaches
    /// over `reach` groups.
    fn errors(
        &self,
        bound: &Bound,
        (groups, seen): (std::ops::Range<usize>, usize),
        reach: usize,
        highest: f64,
    ) -> Vec<f64> {
        // Running sums of the energies, with as many as a shell reaches over before the first and behind the last.
        let mut total = 0.0;
        let running = self.energies[..seen].iter().map(|energy| {
            total += energy;
            total
        });
        let mut sums = vec![0.0; reach + 1];
        sums.extend(running);
        sums.resize(sums.len() + reach, total);
        let within = |shell: usize| {
            [&sums[groups.start + reach - shell..], &sums[groups.start + reach + shell + 1..]]
                .map(|sums| &sums[..groups.len()])
        };
        let weights = [bound.near, bound.middle, bound.far, bound.rest * highest];
        let mut errors = vec![0.0; groups.len()];
        // The rounding of running sums is a part of the largest of them.
        let rounding = 1e-12 * total;
        shells([within(NEAR), within(MIDDLE), within(reach)], weights, rounding, &mut errors);
        errors
    }
}

audio::wide! {
    /// For each group the sum of the weighted norms of its shells, whose energies are differences of running sums; the last
    /// weight is added.
    fn shells(sums: [[&[f64]; 2]; 3], weights: [f64; 4], rounding: f64, errors: &mut [f64]) {
        let groups = errors.len();
        let [near, middle, far] = sums.map(|ends| ends.map(|sums| &sums[..groups]));
        for group in 0..groups {
            let norm = |[from, to]: [&[f64]; 2]| {
                let energy = to[group] - from[group] + rounding;
                (if energy > 0.0 { energy } else { 0.0 }).sqrt()
            };
            errors[group] =
                weights[0] * norm(near) + weights[1] * norm(middle) + weights[2] * norm(far) + weights[3];
        }
    }
}

/// For each group but the first and the last what no point in it exceeds: the highest sample of it and of both beside it, and
/// the largest error, times their weights.
fn around(errors: &[f64], highest: &[f64], weights: (f64, f64)) -> Vec<f64> {
    let mut most = vec![0.0; errors.len() - 2];
    weighted(errors, highest, weights, &mut most);
    most
}

audio::wide! {
    fn weighted(errors: &[f64], highest: &[f64], weights: (f64, f64), most: &mut [f64]) {
        let groups = most.len();
        let three = |of: &[f64], group: usize| {
            let larger = |a: f64, b: f64| if a > b { a } else { b };
            larger(larger(of[group], of[group + 1]), of[group + 2])
        };
        let (errors, highest) = (&errors[..groups + 2], &highest[..groups + 2]);
        for group in 0..groups {
            most[group] = three(highest, group) * weights.1 + three(errors, group) * weights.0;
        }
    }
}

/// The sample at which the first group begins, so that the place of a search begins a group: half of a filter is a
/// whole number of groups.
const FIRST: usize = HALF - 1;

/// Frames on either side of a group whose 4th difference shapes its 16th.
const BESIDE: usize = 6;
/// Groups whose squares are worked out together, and stay in the nearest cache.
const TOGETHER: usize = 16;

/// What [`fourths`] works in. Lanes that are kept in memory are what a compiler makes wide vectors of.
struct Squares {
    squares: [f64; TOGETHER * GROUP + 2 * BESIDE],
    lanes: [f64; 8],
}

impl Default for Squares {
    fn default() -> Squares {
        Squares { squares: [0.0; TOGETHER * GROUP + 2 * BESIDE], lanes: [0.0; 8] }
    }
}

audio::wide! {
    /// For each of as many groups as `energies` has the energy of the 4th difference over the group and [`BESIDE`] frames more on
    /// either side, its gain 1 at half the sample rate, and the highest sample of the group; `around` has [`ORDER`] samples more
    /// on either side.
    fn fourths(around: &[f64], energies: &mut [f64], highest: &mut [f64], room: &mut Squares) {
        let Squares { squares, lanes } = room;
        let pieces = energies.chunks_mut(TOGETHER).zip(highest.chunks_mut(TOGETHER)).enumerate();
        for (piece, (energies, highest)) in pieces {
            let around = &around[piece * TOGETHER * GROUP..][..energies.len() * GROUP + 2 * ORDER];
            let places = energies.len() * GROUP + 2 * BESIDE;
            let from: [&[f64]; 5] = std::array::from_fn(|n| &around[ORDER - BESIDE - 2 + n..][..places]);
            let [a, b, c, d, e] = from;
            let squares = &mut squares[..places];
            for n in 0..places {
                let difference = 0.375 * c[n] - 0.25 * (b[n] + d[n]) + 0.0625 * (a[n] + e[n]);
                squares[n] = difference * difference;
            }
            for (group, energy) in energies.iter_mut().enumerate() {
                let squares = &squares[group * GROUP..][..GROUP + 2 * BESIDE];
                lanes.copy_from_slice(&squares[..8]);
                for start in (8..squares.len() / 8 * 8).step_by(8) {
                    let squares = &squares[start..start + 8];
                    for lane in 0..8 {
                        lanes[lane] += squares[lane];
                    }
                }
                let rest = &squares[squares.len() / 8 * 8..];
                for lane in 0..rest.len() {
                    lanes[lane] += rest[lane];
                }
                let [a, b, c, d, e, f, g, h] = *lanes;
                *energy = ((a + e) + (c + g)) + ((b + f) + (d + h));
            }
            for (group, highest) in highest.iter_mut().enumerate() {
                let samples = &around[ORDER + group * GROUP..][..GROUP];
                for lane in 0..8 {
                    lanes[lane] = samples[lane].abs();
                }
                for start in (8..GROUP).step_by(8) {
                    let samples = &samples[start..start + 8];
                    for lane in 0..8 {
                        let x = samples[lane].abs();
                        lanes[lane] = if x > lanes[lane] { x } else { lanes[lane] };
                    }
                }
                let larger = |a: f64, b: f64| if a > b { a } else { b };
                let [a, b, c, d, e, f, g, h] = *lanes;
                *highest = larger(larger(larger(a, e), larger(c, g)), larger(larger(b, f), larger(d, h)));
            }
        }
    }
}

audio::wide! {
    /// The energy of the difference over a group; `around` has [`ORDER`] samples more on either side.
    fn energy(difference: &[f64; SHORT_TAPS + 1], around: &[f64]) -> f64 {
        let mut energy = [0.0; 8];
        for start in (0..GROUP).step_by(8) {
            let window = &around[start..start + 8 + SHORT_TAPS];
            let mut sum = [0.0; 8];
            for lane in 0..8 {
                sum[lane] = difference[ORDER] * window[lane + ORDER];
            }
            for j in 0..ORDER {
                for lane in 0..8 {
                    sum[lane] += difference[j] * (window[lane + j] + window[lane + SHORT_TAPS - j]);
                }
            }
            for lane in 0..8 {
                energy[lane] += sum[lane] * sum[lane];
            }
        }
        energy.iter().sum()
    }
}

/// Frames of a group and of its surroundings, and points of the doubled signal there.
const SHAPED: usize = GROUP + 2 * AROUND;
const DOUBLED: usize = 2 * SHAPED;

/// The highest value in the middle between two points of the doubled signal of a group.
fn between(interpolator: &Interpolator, double: &[f64; DOUBLED]) -> f64 {
    let middle = interpolator.factor() / 2;
    if middle == 0 { 0.0 } else { highest_of_phase(interpolator.taps(middle), double) }
}

audio::wide! {
    /// The highest value of a phase over a group.
    fn highest_of_phase(taps: &[f64; TAPS], double: &[f64; DOUBLED]) -> f64 {
        let mut most = [0.0f64; 16];
        for at in (2 * AROUND..2 * (AROUND + GROUP)).step_by(16) {
            let window = &double[at + 1 - HALF..][..16 + TAPS - 1];
            let mut sums = [0.0; 16];
            for (tap, h) in taps.iter().enumerate() {
                let from = &window[tap..tap + 16];
                for lane in 0..16 {
                    sums[lane] += h * from[lane];
                }
            }
            for lane in 0..16 {
                let x = sums[lane].abs();
                most[lane] = if x > most[lane] { x } else { most[lane] };
            }
        }
        most.iter().fold(0.0, |most: f64, x| if *x > most { *x } else { most })
    }
}

audio::wide! {
    by four:
    /// The doubled signal of a group and of its surroundings, its values halfway by the short filter; gives the highest
    /// point in the group, and the largest second difference in the group and around it.
    fn shape(short: &[f64; SHORT_TAPS], around: &[f64], double: &mut [f64; DOUBLED]) -> (f64, f64) {
        let mut halfway = [0.0; SHAPED];
        for start in (0..SHAPED).step_by(8) {
            let window = &around[start..start + 8 + SHORT_TAPS - 1];
            let mut sum = [0.0; 8];
            for j in 0..ORDER {
                for lane in 0..8 {
                    sum[lane] += short[j] * (window[lane + j] + window[lane + SHORT_TAPS - 1 - j]);
                }
            }
            halfway[start..start + 8].copy_from_slice(&sum);
        }
        let samples = &around[ORDER - 1..];
        let samples = &samples[..SHAPED + 1];
        for n in 0..SHAPED {
            double[2 * n] = samples[n];
            double[2 * n + 1] = halfway[n];
        }
        let (mut points, mut bend) = ([0.0f64; 8], [0.0f64; 8]);
        for start in (0..SHAPED).step_by(8) {
            let (x, y) = (&samples[start..start + 9], &halfway[start..start + 8]);
            for lane in 0..8 {
                // Around a half stand two samples; around a sample two halves, whose place does not matter here.
                let at_half = (x[lane] - 2.0 * y[lane] + x[lane + 1]).abs();
                bend[lane] = if at_half > bend[lane] { at_half } else { bend[lane] };
            }
        }
        for start in (0..SHAPED - 8).step_by(8) {
            let (x, y) = (&samples[start + 1..start + 9], &halfway[start..start + 9]);
            for lane in 0..8 {
                let at_sample = (y[lane] - 2.0 * x[lane] + y[lane + 1]).abs();
                bend[lane] = if at_sample > bend[lane] { at_sample } else { bend[lane] };
            }
        }
        for start in (AROUND..AROUND + GROUP + 8).step_by(8) {
            let (x, y) = (&samples[start..start + 8], &halfway[start..start + 8]);
            for lane in 0..8 {
                let point = if x[lane].abs() > y[lane].abs() { x[lane].abs() } else { y[lane].abs() };
                points[lane] = if point > points[lane] { point } else { points[lane] };
            }
        }
        let most = |of: [f64; 8]| of.iter().fold(0.0, |most: f64, x| if *x > most { *x } else { most });
        (most(points), most(bend))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is asked of a group at once is what is asked of each of its points.
        #[test]
        fn a_phase_at_once_is_point_by_point(points in prop::collection::vec(-1.0f64..1.0, DOUBLED)) {
            let interpolator = Interpolator::new(8);
            let double: [f64; DOUBLED] = points.try_into().expect("as many as asked for");
            let first = 2 * AROUND;
            let each = (first..first + 2 * GROUP).map(|at| interpolator.at(4, &double[at + 1 - HALF..]).abs());
            let expected = each.fold(0.0, f64::max);
            // Another order of sixteen sums.
            prop_assert!((between(&interpolator, &double) - expected).abs() < 1e-14);
        }

        /// The energy of the 16th difference never exceeds what the 4th says of it: for noise, for steps, and for the
        /// alternation of half the sample rate, where both have the gain 1 and only the six frames on either side differ.
        #[test]
        fn the_fourth_difference_bounds_the_sixteenth(
            samples in prop::collection::vec(-1.0f64..1.0, GROUP + 2 * ORDER), kind in 0usize..3,
        ) {
            let alternating = |n: usize| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
            let samples: Vec<f64> = samples.iter().enumerate().map(|(n, x)| match kind {
                0 => *x,
                1 => x.signum(),
                _ => alternating(n) + 0.01 * x,
            }).collect();
            let (mut most, mut highest) = ([0.0], [0.0]);
            fourths(&samples, &mut most, &mut highest, &mut Squares::default());
            let ([most], [highest]) = (most, highest);
            let exact = energy(&differences(), &samples);
            prop_assert!(exact <= most * MARGIN, "{exact} {most}");
            let group = &samples[ORDER..ORDER + GROUP];
            prop_assert_eq!(highest, group.iter().fold(0.0, |most: f64, x| most.max(x.abs())));
            if kind == 2 {
                // Of the alternation itself 64 and 76, and at most a part in fifty of it is the noise.
                prop_assert!(exact > 60.0 && most < 80.0, "{exact} {most}");
            }
        }
    }
}
