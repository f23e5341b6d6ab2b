//! The search for peaks between samples that looks only where one can be.
//!
//! The signal is doubled (see [`super::halves`]). Between its points the interpolated curve is a fixed sum of a
//! few of them, so its value is bounded by the largest point among its taps, and its second derivative by the largest
//! second difference. Between two known points `d` apart a curve whose second derivative stays within `c` rises above
//! their straight line by at most `c d^2 / 8`. Where even that bound stays below the level of interest no finer point is
//! computed; and where a bound from the samples alone does (see [`super::screen`]) the signal is not even doubled.
//! Nothing is lost by it: the result is the same as that of computing every point.

use super::halves::{Halves, Room};
use super::interpolator::{HALF, Interpolator, TAPS};
use super::minimum::Minimum;
use super::screen::{GROUP, Screen};
use crate::bins::clean_all;
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
    screen: Screen,
    /// The least meter, where it is asked for.
    minimum: Option<Minimum>,
    /// The samples from `front` on shape the next block, and those behind them the ones that are looked ahead to; those before
    /// are no longer needed.
    samples: Vec<f64>,
    front: usize,
    /// How far the tops of chunks are told that are not searched yet.
    ahead: usize,
    /// The doubled signal of a chunk, from [`CONTEXT`] frames before it on.
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
        samples.resize(2 * reach - 1 + CONTEXT, 0.0);
        Scanner {
            samples,
            front: 0,
            ahead: 0,
            screen: Screen::default(),
            minimum: None,
            double: Vec::new(),
            frame: -(reach as i64),
            taken: 0,
            halves,
            interpolator,
        }
    }

    /// The same, with the least meter beside it.
    pub(super) fn with_minimum(self, minimum: Minimum) -> Scanner {
        Scanner { minimum: Some(minimum), ..self }
    }

    /// The same, telling the tops of chunks so many frames before it comes to them.
    pub(super) fn looking_ahead(self, frames: usize) -> Scanner {
        let ahead = frames.next_multiple_of(CHUNK);
        let mut samples = self.samples;
        samples.reserve_exact((self.halves.needed() + ahead) * 3 / 2 - samples.len());
        Scanner { ahead, samples, ..self }
    }

    /// The least meter, where it was asked for.
    pub(super) fn minimum(&self) -> Option<&Minimum> {
        self.minimum.as_ref()
    }

    /// The frame up to which everything was searched; negative before the signal.
    pub(super) fn frame(&self) -> i64 {
        self.frame
    }

    /// Takes samples; those that are not usable numbers count as zero. For each chunk that may reach its floor `begin` is
    /// called with its first frame and its floor and returns the level of interest; then for each interval that may reach it
    /// `visit` is called with its frame and the largest value in it, and returns the new level of interest.
    pub(crate) fn push(&mut self, samples: &[f64], room: &mut Room, search: &mut impl Search) {
        let mut left = samples;
        while !left.is_empty() {
            let missing = self.front + self.in_sight() - self.samples.len();
            let (now, later) = left.split_at(missing.min(left.len()));
            let from = self.samples.len();
            self.samples.extend_from_slice(now);
            clean_all(&mut self.samples[from..]);
            self.taken += now.len() as i64;
            left = later;
            if self.samples.len() == self.front + self.in_sight() {
                self.work(room, search);
            }
        }
    }

    /// Searches to the end of the ringing after the last sample.
    pub(crate) fn finish(&mut self, room: &mut Room, search: &mut impl Search) {
        let end = self.taken + self.halves.reach() as i64;
        while self.frame < end {
            self.samples.resize(self.front + self.in_sight(), 0.0);
            self.work(room, search);
        }
    }

    /// Samples from the front on that a search waits for.
    fn in_sight(&self) -> usize {
        self.halves.needed() + self.ahead
    }

    /// Searches a block, if anything in it can matter.
    fn work(&mut self, room: &mut Room, search: &mut impl Search) {
        let block = self.halves.block();
        let (halves, interpolator) = (&*self.halves, &*self.interpolator);
        let samples = &self.samples[self.front..];
        self.screen.take(samples, &mut self.minimum);
        let chunks = block / CHUNK;
        let tops = self.screen.tops(halves.reach() / GROUP, chunks + self.ahead / CHUNK);
        let floors = search.floors(self.frame, &tops);
        let samples = &samples[..halves.needed()];
        let reached = self.screen.may_reach(halves, interpolator, samples, &floors[..chunks]);
        if reached.contains(&true) {
            let values = halves.find(samples, room);
            let samples = &samples[halves.reach() - 1..];
            for chunk in (0..chunks).filter(|chunk| reached[*chunk]) {
                let start = chunk * CHUNK;
                let around = start..start + CHUNK + 2 * CONTEXT;
                self.double.resize(2 * around.len(), 0.0);
                weave(&samples[around.clone()], &values[around], &mut self.double);
                let first = self.frame + start as i64;
                let floor = search.begin(first, floors[chunk]);
                scan(interpolator, &self.double, (first, floor), search);
            }
        }
        self.frame += block as i64;
        self.screen.forget(block);
        self.front += block;
        // Moved to the beginning when half as many have gone as stay, so that each is moved twice at most.
        if 2 * self.front >= self.samples.len() - self.front {
            self.samples.copy_within(self.front.., 0);
            self.samples.truncate(self.samples.len() - self.front);
            self.front = 0;
        }
    }
}

audio::wide! {
    /// Puts the values halfway between samples behind them.
    fn weave(samples: &[f64], halves: &[f32], double: &mut [f64]) {
        let (pairs, _) = double.as_chunks_mut::<2>();
        for ((pair, sample), half) in pairs.iter_mut().zip(samples).zip(halves) {
            *pair = [*sample, f64::from(*half)];
        }
    }
}

/// Searches [`CHUNK`] frames for values from `floor` on; `points` begin [`CONTEXT`] frames before `first` and end as many after
/// the last.
fn scan(
    interpolator: &Interpolator,
    points: &[f64],
    (first, mut floor): (i64, f64),
    search: &mut impl Search,
) {
    let (largest, bends) = extremes(points);
    let curve = Curve { interpolator };
    let bounds = &interpolator.bounds;
    for step in 1..=2 * CHUNK / STEP {
        let most = |of: &[f64]| of[step - 1].max(of[step]).max(of[step + 1]);
        let around = most(&largest);
        let curvature = bounds.bend * most(&bends) + bounds.bend_rest * around;
        let reached =
            (around * bounds.value).min(largest[step].max(points[(step + 1) * STEP].abs()) + curvature / 8.0);
        if around == 0.0 || reached * MARGIN < floor {
            continue;
        }
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

/// Steps of a chunk and of its context.
const STEPS: usize = 2 * (CHUNK + 2 * CONTEXT) / STEP;

audio::wide! {
    /// The largest point, and the largest second difference, of each [`STEP`] points; the first and the last point have
    /// none.
    fn extremes(points: &[f64]) -> ([f64; STEPS], [f64; STEPS]) {
        let (mut largest, mut bends) = ([0.0; STEPS], [0.0; STEPS]);
        let inner = points.len() - 2;
        let (before, at, after) = (&points[..inner], &points[1..=inner], &points[2..]);
        for step in 0..STEPS {
            let (mut most, mut bend) = ([0.0f64; 8], [0.0f64; 8]);
            // From the last point of the step before to the one before the last of this.
            let from = (step * STEP).saturating_sub(1).min(inner - STEP);
            for half in [from, from + STEP / 2] {
                let (before, at, after) = (&before[half..half + 8], &at[half..half + 8], &after[half..half + 8]);
                for lane in 0..8 {
                    let (x, d) = (at[lane].abs(), (before[lane] - 2.0 * at[lane] + after[lane]).abs());
                    most[lane] = if x > most[lane] { x } else { most[lane] };
                    bend[lane] = if d > bend[lane] { d } else { bend[lane] };
                }
            }
            largest[step] = most.iter().fold(0.0, |m: f64, x| if *x > m { *x } else { m });
            bends[step] = bend.iter().fold(0.0, |m: f64, x| if *x > m { *x } else { m });
        }
        // What the windows left out at both ends.
        largest[0] = points[..STEP].iter().fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
        largest[STEPS - 1] = points[2 * (CHUNK + 2 * CONTEXT) - STEP..]
            .iter()
            .fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
        (largest, bends)
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
    /// The levels below which nothing matters in chunks of [`CHUNK`] frames from `first` on (negative before the signal),
    /// whose largest samples are `tops`; those behind the block that is searched now are asked again.
    fn floors(&mut self, first: i64, tops: &[f64]) -> Vec<f64>;
    /// The chunk that begins at `first` is looked into, in which nothing mattered below `floor`; returns the level from which on
    /// values matter now.
    fn begin(&mut self, first: i64, floor: f64) -> f64;
    /// The interval that starts at `frame` reaches `peak`; returns the level from which on values matter.
    fn visit(&mut self, frame: i64, peak: f64) -> f64;
}
