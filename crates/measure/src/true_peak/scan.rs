//! The search for peaks between samples that looks only where one can be.
//!
//! The signal is doubled (see [`super::halves`]). Between its points the interpolated curve is a fixed sum of a
//! few of them, so its value and its second derivative are bounded by the largest point among its taps. Between
//! two known points `d` apart a curve whose second derivative stays within `c` rises above their straight line by
//! at most `c d^2 / 8`. Where even that bound stays below the level of interest no finer point is computed.
//! Nothing is lost by it: the result is the same as that of computing every point.

use super::halves::{Halves, Room};
use super::interpolator::{HALF, Interpolator, TAPS};
use std::sync::Arc;

/// Frames in one stretch of the search.
pub(crate) const CHUNK: usize = 1024;
/// Points of the doubled signal that share one bound of their largest value.
const STEP: usize = 16;
/// Frames before and after an interval whose points its taps reach.
const CONTEXT: usize = HALF;
/// Room for the rounding of the sums in the comparison of a bound.
const MARGIN: f64 = 1.0 + 1e-9;

/// One channel's samples around the place of the search, which begins and ends half a filter outside of the
/// signal, where it still rings.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    halves: Arc<Halves>,
    interpolator: Arc<Interpolator>,
    /// The samples that shape the next block of halves.
    samples: Vec<f64>,
    /// The doubled signal from [`CONTEXT`] frames before the search on.
    double: Vec<f64>,
    /// The frame at which the search stands; negative before the signal.
    frame: i64,
    /// Frames taken so far.
    taken: i64,
}

impl Scanner {
    pub(super) fn new(halves: Arc<Halves>, interpolator: Arc<Interpolator>) -> Scanner {
        let reach = halves.reach();
        let mut samples = Vec::with_capacity(halves.needed());
        samples.resize(2 * reach - 1, 0.0);
        Scanner {
            samples,
            double: vec![0.0; 2 * CONTEXT],
            frame: -(reach as i64),
            taken: 0,
            halves,
            interpolator,
        }
    }

    /// Takes clean samples. For each stretch that is complete `begin` is called with its first frame and its
    /// largest sample and returns the level of interest; then for each interval that may reach it `visit` is
    /// called with its frame and the largest value in it, and returns the new level of interest.
    pub(crate) fn push(&mut self, samples: &[f64], room: &mut Room, search: &mut impl Search) {
        let mut left = samples;
        while !left.is_empty() {
            let missing = self.halves.needed() - self.samples.len();
            let (now, later) = left.split_at(missing.min(left.len()));
            self.samples.extend_from_slice(now);
            self.taken += now.len() as i64;
            left = later;
            if self.samples.len() == self.halves.needed() {
                self.work(room, search);
            }
        }
    }

    /// Searches to the end of the ringing after the last sample.
    pub(crate) fn finish(&mut self, room: &mut Room, search: &mut impl Search) {
        let end = self.taken + self.halves.reach() as i64;
        while self.frame < end {
            self.samples.resize(self.halves.needed(), 0.0);
            self.work(room, search);
        }
    }

    /// Doubles a block and searches what stands between enough points.
    fn work(&mut self, room: &mut Room, search: &mut impl Search) {
        let (block, reach) = (self.halves.block(), self.halves.reach());
        let halves = self.halves.find(&self.samples, room);
        for (sample, half) in self.samples[reach - 1..].iter().zip(halves) {
            self.double.extend([sample, half]);
        }
        self.samples.copy_within(block.., 0);
        self.samples.truncate(self.samples.len() - block);
        let mut start = 0;
        while self.double.len() / 2 - start >= CHUNK + 2 * CONTEXT {
            let points = &self.double[2 * start..][..2 * (CHUNK + 2 * CONTEXT)];
            scan(&self.interpolator, points, self.frame, search);
            start += CHUNK;
            self.frame += CHUNK as i64;
        }
        self.double.drain(..2 * start);
    }
}

/// Searches [`CHUNK`] frames; `points` begin [`CONTEXT`] frames before `first` and end as many after the last.
fn scan(interpolator: &Interpolator, points: &[f64], first: i64, search: &mut impl Search) {
    let largest: Vec<f64> =
        points.chunks(STEP).map(|c| c.iter().fold(0.0, |m: f64, x| m.max(x.abs()))).collect();
    let inner = &points[2 * CONTEXT..][..2 * CHUNK];
    let mut floor = search.begin(first, inner.iter().step_by(2).fold(0.0, |m: f64, x| m.max(x.abs())));
    let curve = Curve { interpolator };
    for step in 1..=2 * CHUNK / STEP {
        let around = largest[step - 1].max(largest[step]).max(largest[step + 1]);
        if around == 0.0 || around * interpolator.value_bound * MARGIN < floor {
            continue;
        }
        let curvature = around * interpolator.curvature_bound;
        for at in (step * STEP..(step + 1) * STEP).step_by(2) {
            let [a, b, c] = [points[at].abs(), points[at + 1].abs(), points[at + 2].abs()];
            if (a.max(b).max(c) + curvature / 8.0) * MARGIN < floor {
                continue;
            }
            let window = |at: usize| &points[at + 1 - HALF..][..TAPS];
            let (start, end) = (0, interpolator.factor());
            let known = a.max(b);
            let early = curve.between(window(at), (start, a), (end, b), curvature, floor.max(known));
            let late = curve.between(window(at + 1), (start, b), (end, c), curvature, floor.max(known));
            let peak = known.max(early).max(late);
            if peak > 0.0 && peak >= floor {
                floor = search.visit(first + (at / 2 - CONTEXT) as i64, peak).max(floor);
            }
        }
    }
}

struct Curve<'a> {
    interpolator: &'a Interpolator,
}

impl Curve<'_> {
    /// The largest value strictly between two grid points whose absolute values are known, if it can reach
    /// `floor`.
    fn between(
        &self,
        window: &[f64],
        from: (usize, f64),
        to: (usize, f64),
        curvature: f64,
        floor: f64,
    ) -> f64 {
        let distance = (to.0 - from.0) as f64 / self.interpolator.factor() as f64;
        if to.0 - from.0 < 2 || rise(from.1, to.1, distance, curvature) * MARGIN < floor {
            return 0.0;
        }
        let phase = (from.0 + to.0) / 2;
        let middle = self.interpolator.at(phase, window).abs();
        let floor = floor.max(middle);
        let left = self.between(window, from, (phase, middle), curvature, floor);
        let right = self.between(window, (phase, middle), to, curvature, floor);
        middle.max(left).max(right)
    }
}

/// The highest that a curve can stand between two points of heights `a` and `b`, `distance` apart, when its
/// second derivative never exceeds `curvature`: the top of the parabola through both.
fn rise(a: f64, b: f64, distance: f64, curvature: f64) -> f64 {
    let bend = curvature * distance * distance;
    let slope = (b - a).abs();
    if slope >= bend / 2.0 { a.max(b) } else { (a + b) / 2.0 + bend / 8.0 + slope * slope / (2.0 * bend) }
}

/// What a search does with what it finds.
pub(crate) trait Search {
    /// A stretch begins at `first` (negative before the signal) whose largest sample is `largest`; returns
    /// the level from which on values matter.
    fn begin(&mut self, first: i64, largest: f64) -> f64;
    /// The interval that starts at `frame` reaches `peak`; returns the level from which on values matter.
    fn visit(&mut self, frame: i64, peak: f64) -> f64;
}
