//! The search for peaks between samples that looks only where one can be.
//!
//! The interpolated curve is a fixed sum of samples, so its value and its second derivative are bounded by
//! the largest sample among its taps. Between two known points `d` apart a curve whose second derivative
//! stays within `c` rises above their straight line by at most `c d^2 / 8`. Where even that bound stays
//! below the level of interest no finer point is computed. Nothing is lost by it: the result is the same as
//! that of computing every point.

use super::interpolator::{HALF, Interpolator, TAPS, TILE};
use std::sync::Arc;

/// Frames in one stretch of the search.
pub(crate) const CHUNK: usize = 1024;
/// Frames that share one bound of their largest sample.
const STEP: usize = 16;
/// Steps that the taps of the frames of one step reach over.
const REACH: usize = (TAPS + STEP) / STEP;
/// Room for the rounding of the sums in the comparison of a bound.
const MARGIN: f64 = 1.0 + 1e-9;

/// One channel's samples around the place of the search.
///
/// `line[i + HALF - 1]` is the sample at the start of interval `i`; the search begins and ends half a filter
/// outside of the signal, where it still rings.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    interpolator: Arc<Interpolator>,
    line: Vec<f64>,
    /// The frame at which interval 0 of the line starts; negative before the signal.
    first: i64,
}

impl Scanner {
    pub(crate) fn new(interpolator: Arc<Interpolator>) -> Scanner {
        let mut line = Vec::with_capacity(2 * (CHUNK + TAPS));
        line.resize(TAPS - 1, 0.0);
        Scanner { interpolator, line, first: -(HALF as i64) }
    }

    /// Takes clean samples. For each stretch that is complete `chunk` is called with its first frame and
    /// its largest sample and returns the level of interest; then for each interval that may reach it
    /// `visit` is called with its frame and the largest value in it, and returns the new level of interest.
    pub(crate) fn push(&mut self, samples: &[f64], search: &mut impl Search) {
        let mut taken = 0;
        while taken < samples.len() {
            let room = CHUNK + TAPS - self.line.len();
            let frames = room.min(samples.len() - taken);
            self.line.extend_from_slice(&samples[taken..taken + frames]);
            taken += frames;
            if self.line.len() == CHUNK + TAPS {
                self.scan(CHUNK, search);
                self.line.copy_within(CHUNK.., 0);
                self.line.truncate(TAPS);
                self.first += CHUNK as i64;
            }
        }
    }

    /// Searches to the end of the ringing after the last sample.
    pub(crate) fn finish(&mut self, search: &mut impl Search) {
        let intervals = self.line.len();
        self.line.resize((intervals + TAPS).next_multiple_of(STEP) + TAPS, 0.0);
        self.scan(intervals, search);
    }

    fn scan(&self, intervals: usize, search: &mut impl Search) {
        let intervals = intervals.next_multiple_of(STEP);
        let largest: Vec<f64> =
            self.line.chunks(STEP).map(|c| c.iter().fold(0.0, |m: f64, x| m.max(x.abs()))).collect();
        let mut floor = search.begin(self.first, largest.iter().copied().fold(0.0, f64::max));
        for step in 0..intervals / STEP {
            let around = largest[step..(step + REACH).min(largest.len())].iter().copied().fold(0.0, f64::max);
            if around == 0.0 || around * self.interpolator.value_bound * MARGIN < floor {
                continue;
            }
            let curvature = around * self.interpolator.curvature_bound;
            for tile in (step * STEP..(step + 1) * STEP).step_by(TILE) {
                let halfway = self.interpolator.halfway(&self.line[tile..]);
                for lane in 0..TILE {
                    let window = &self.line[tile + lane..][..TAPS];
                    let peak = self.interval(window, halfway[lane].abs(), curvature, floor);
                    if peak > 0.0 && peak >= floor {
                        floor = search.visit(self.first + (tile + lane) as i64, peak).max(floor);
                    }
                }
            }
        }
    }

    /// The largest value on the grid from one sample to just before the next, if it can reach `floor`.
    fn interval(&self, window: &[f64], halfway: f64, curvature: f64, floor: f64) -> f64 {
        let (left, right) = (window[HALF - 1].abs(), window[HALF].abs());
        let factor = self.interpolator.factor();
        let known = left.max(halfway);
        let find = |a, b, from, to| self.between(window, (a, from), (b, to), curvature, floor.max(known));
        known.max(find(0, factor / 2, left, halfway)).max(find(factor / 2, factor, halfway, right))
    }

    /// The largest value strictly between two grid points whose absolute values are known.
    fn between(
        &self,
        window: &[f64],
        from: (usize, f64),
        to: (usize, f64),
        curvature: f64,
        floor: f64,
    ) -> f64 {
        if to.0 - from.0 < 2 || rise(from.1, to.1, self.frames(to.0 - from.0), curvature) * MARGIN < floor {
            return 0.0;
        }
        let phase = (from.0 + to.0) / 2;
        let middle = self.interpolator.at(phase, window).abs();
        let floor = floor.max(middle);
        let left = self.between(window, from, (phase, middle), curvature, floor);
        let right = self.between(window, (phase, middle), to, curvature, floor);
        middle.max(left).max(right)
    }

    fn frames(&self, grid_steps: usize) -> f64 {
        grid_steps as f64 / self.interpolator.factor() as f64
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
