//! Tells clicks from music within one window, and takes them out of it.

use crate::blocks::autoregression::{Interpolator, autocorrelation, backward_error, forward_error, levinson};
use std::f64::consts::PI;

/// Length of a window in seconds; the middle half of it is searched.
const WINDOW_S: f64 = 0.0427;
/// The scale of the errors is taken over this part of a window: longer than the answer to a click.
const CELLS: usize = 16;
/// Coefficients of the prediction at 48 kHz, and their bounds at other rates.
const ORDER_AT_48K: f64 = 40.0;
const ORDERS: (usize, usize) = (24, 64);
/// What may be wrong is an error so many robust deviations high; where that marks too long a stretch it is
/// searched again with twice as many.
const SUSPECT: f64 = 4.0;
/// No error is looked at that is so many deviations high.
const ENDLESS: f64 = 1e7;
/// A click begins and ends where the errors are this share of its highest: lower ones beside it are not its own.
const EDGE: f64 = 1.0 / 12.0;
/// Marks that lie no further apart are one.
const JOIN: usize = 3;
/// The model and the suspects are found in turn, so many times.
const TURNS: usize = 4;
/// The middle magnitude of a normal distribution, in deviations.
const MIDDLE: f64 = 0.6745;
/// What surrounds a click, in seconds: the search for equals, and the powers before and after.
const ALONE_S: f64 = 0.012;
const SIDE_S: f64 = 0.005;
/// A click stands so many times above whatever its repair leaves within the model's memory, ...
const ABOVE_FLANKS: f64 = 5.0;
/// ... above the highest and above the 97th percentile of its surroundings, ...
const ABOVE_HIGHEST: f64 = 4.0;
const ABOVE_MOST: f64 = 8.0;
/// ... and after it neither the errors nor the samples are so many times stronger than before: a stroke goes on.
const ERRORS_GO_ON: f64 = 2.0;
const SOUND_GOES_ON: f64 = 4.0;
/// Nothing under -80 dBFS is touched.
const LEAST: f64 = 1e-4;
/// A repair is at most so many times as high as all that surrounds it.
const HIGHEST_REPAIR: f64 = 2.0;
/// Under these scales errors, and what the matched filter makes of them, are the rounding of 16 bits.
const SMALLEST_ERROR: f64 = 2e-5;
const SMALLEST_MATCHED: f64 = 1e-6;
/// A suspect is a piece of a longer one beside it whose height is more than this share of its own.
const PIECE: f64 = 0.16;

/// A click within a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    /// Its first frame.
    pub(super) start: usize,
    /// The frame after its last.
    pub(super) end: usize,
    /// The greatest change that its repair makes.
    pub(super) height: f64,
}

/// What counts as a click.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Robust deviations above which it counts.
    pub(super) deviations: f64,
    /// Factor on how far it has to stand out of its surroundings.
    pub(super) strictness: f64,
    /// Frames up to which it counts.
    pub(super) longest: usize,
}

/// A stretch of the window that is searched for errors so many deviations high and no further apart than `reach`.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: usize,
    to: usize,
    deviations: f64,
    reach: usize,
}

/// Everything that the search of a window needs, sized once.
#[derive(Debug, Clone)]
pub(super) struct Finder {
    size: usize,
    order: usize,
    reach: usize,
    longest: usize,
    alone: usize,
    side: usize,
    taper: Vec<f64>,
    filter: Vec<f64>,
    /// Lagged products of the window; then of the filter, as shares of the first.
    lags: Vec<f64>,
    scratch: Vec<f64>,
    forward: Vec<f64>,
    backward: Vec<f64>,
    /// Per frame: the nearest later frame with an error of the backward prediction.
    later: Vec<usize>,
    cells: Vec<f64>,
    matched_cells: Vec<f64>,
    sorted: Vec<f64>,
    original: Vec<f64>,
    filled: Vec<f64>,
    missing: Vec<usize>,
    suspects: Vec<(usize, usize)>,
    to_search: Vec<Stretch>,
    interpolator: Interpolator,
    pub(super) found: Vec<Mark>,
}

impl Finder {
    /// For a sample rate in hertz and clicks of at most `longest` frames.
    pub(super) fn new(sample_rate_hz: f64, longest: usize) -> Finder {
        let frames = |seconds: f64| (seconds * sample_rate_hz) as usize;
        let order = (ORDER_AT_48K * sample_rate_hz / 48_000.0) as usize;
        let order = order.clamp(ORDERS.0, ORDERS.1);
        // Half of the window on either side of the middle has room for a click and the model's memory.
        let least = 4 * (longest + 3 * order);
        let size = frames(WINDOW_S).max(least).next_multiple_of(2 * CELLS);
        let most = 3 * longest;
        Finder {
            size,
            order,
            reach: longest,
            longest,
            alone: frames(ALONE_S),
            side: frames(SIDE_S).max(1),
            taper: (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect(),
            filter: vec![0.0; order + 1],
            lags: vec![0.0; order + 1],
            scratch: vec![0.0; size.max(order + 1)],
            forward: vec![0.0; size],
            backward: vec![0.0; size],
            later: vec![0; size],
            cells: vec![0.0; CELLS],
            matched_cells: vec![0.0; CELLS],
            sorted: Vec::with_capacity(size),
            original: vec![0.0; size],
            filled: vec![0.0; size],
            missing: Vec::with_capacity(size),
            suspects: Vec::with_capacity(size),
            to_search: Vec::with_capacity(size),
            interpolator: Interpolator::new(most, order),
            found: Vec::with_capacity(size),
        }
    }

    /// Frames of a window.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Repairs in `window` the clicks that begin in its middle half, and leaves them in `found`. Every other
    /// sample stays as it is. True when there was one.
    pub(super) fn search(&mut self, window: &mut [f64], limits: &Limits) -> bool {
        self.found.clear();
        if !window.iter().any(|x| x.abs() >= LEAST) {
            return false;
        }
        self.original.copy_from_slice(window);
        self.longest = limits.longest;
        if !self.model() {
            return false;
        }
        self.describe();
        for place in 0..self.suspects.len() {
            if let Some(mark) = self.judge(place, limits) {
                self.found.push(mark);
            }
        }
        for mark in &self.found {
            window[mark.start..mark.end].copy_from_slice(&self.filled[mark.start..mark.end]);
        }
        !self.found.is_empty()
    }

    /// Finds the model of the window without its suspects, in turn with them. False without suspects.
    fn model(&mut self) -> bool {
        self.filled.copy_from_slice(&self.original);
        for _ in 0..TURNS {
            self.scratch[..self.size].copy_from_slice(&self.filled);
            self.scratch.iter_mut().zip(&self.taper).for_each(|(x, taper)| *x *= taper);
            autocorrelation(&self.scratch[..self.size], &mut self.lags);
            levinson(&self.lags, &mut self.filter, &mut self.scratch[..=self.order]);
            forward_error(&self.filter, &self.original, &mut self.forward);
            backward_error(&self.filter, &self.original, &mut self.backward);
            scales(&self.forward, &mut self.cells, &mut self.sorted);
            self.suspect();
            if self.suspects.is_empty() {
                return false;
            }
            self.filled.copy_from_slice(&self.original);
            self.fill();
        }
        true
    }

    /// Marks what lies between an error of the prediction from the past and one from the future: a wrong
    /// sample disturbs the first from its place on, the second up to its place.
    fn suspect(&mut self) {
        self.suspects.clear();
        self.to_search.clear();
        let (from, to) = (2 * self.order, self.size - 2 * self.order);
        self.to_search.push(Stretch { from, to, deviations: SUSPECT, reach: self.reach });
        while let Some(stretch) = self.to_search.pop() {
            if stretch.deviations < ENDLESS {
                self.suspect_within(&stretch);
            }
        }
        self.suspects.sort_unstable();
        let (mut kept, reach) = (0, self.reach);
        for place in 0..self.suspects.len() {
            let (from, to) = self.suspects[place];
            let before = if kept > 0 { self.suspects[kept - 1] } else { (0, 0) };
            if kept > 0 && from <= before.1 + JOIN && to - before.0 <= reach {
                self.suspects[kept - 1].1 = to.max(before.1);
            } else if kept == 0 || from > before.1 {
                self.suspects[kept] = (from, to);
                kept += 1;
            }
        }
        self.suspects.truncate(kept);
    }

    fn suspect_within(&mut self, stretch: &Stretch) {
        let &Stretch { from, to, deviations, reach } = stretch;
        let cell = self.size / CELLS;
        let limit = |cells: &[f64], n: usize| deviations * around(cells, n / cell).max(SMALLEST_ERROR);
        let mut later = usize::MAX;
        for n in (from..to).rev() {
            if self.backward[n].abs() > limit(&self.cells, n) {
                later = n;
            }
            self.later[n] = later;
        }
        let (mut last, mut run) = (None, None);
        for n in from..=to {
            let mut inside = false;
            if n < to {
                if self.forward[n].abs() > limit(&self.cells, n) {
                    last = Some(n);
                }
                let near_later = self.later[n] != usize::MAX && self.later[n] - n < reach;
                inside = near_later && last.is_some_and(|last| n - last < reach);
            }
            match (inside, run) {
                (true, None) => run = Some(n),
                (false, Some(start)) => {
                    self.take_run(&Stretch { from: start, to: n, deviations, reach });
                    run = None;
                }
                _ => {}
            }
        }
    }

    /// Takes what was found as a suspect, or, where it is too long for one click, to be searched again: for
    /// several of them close together, then for a higher one among lower errors.
    fn take_run(&mut self, run: &Stretch) {
        let &Stretch { from, to, deviations, reach } = run;
        let scale = around(&self.cells, from / (self.size / CELLS)).max(SMALLEST_ERROR);
        let most = highest(&self.forward[from..to]).min(highest(&self.backward[from..to])) / scale;
        let (close, frames) = (self.order / 4, to - from + 2);
        if frames > self.longest && reach > close {
            self.to_search.push(Stretch { reach: close, ..*run });
        } else if frames > self.longest && most * EDGE > 1.5 * deviations {
            self.to_search.push(Stretch { deviations: most * EDGE, ..*run });
        } else if frames > self.reach {
            self.to_search.push(Stretch { deviations: 2.0 * deviations, ..*run });
        } else {
            // One frame more on either side: the edge of a click may be low.
            self.suspects.push((from - 1, to + 1));
        }
    }

    /// Replaces the suspects by what fits the model; those within each other's reach together.
    fn fill(&mut self) {
        let most = 3 * self.reach;
        let mut place = 0;
        while place < self.suspects.len() {
            self.missing.clear();
            let mut end = None;
            while let Some(&(from, to)) = self.suspects.get(place) {
                let near = end.is_none_or(|end| from <= end + self.order);
                if !near || self.missing.len() + to - from > most {
                    break;
                }
                self.missing.extend(from..to);
                (end, place) = (Some(to), place + 1);
            }
            self.interpolator.fill(&self.filter, &mut self.filled, &self.missing);
        }
    }

    /// The errors of the filled window, and what a lone wrong sample would be by its matched filter
    /// (`backward`), with its scales.
    fn describe(&mut self) {
        forward_error(&self.filter, &self.filled, &mut self.forward);
        backward_error(&self.filter, &self.forward, &mut self.backward);
        let gain: f64 = self.filter.iter().map(|a| a * a).sum();
        self.backward.iter_mut().for_each(|x| *x /= gain);
        autocorrelation(&self.filter, &mut self.lags);
        self.lags.iter_mut().for_each(|x| *x /= gain);
        scales(&self.backward, &mut self.matched_cells, &mut self.sorted);
    }

    /// Is a suspect a click? By what only a short additive disturbance does: once it is out, nothing is left.
    fn judge(&mut self, place: usize, limits: &Limits) -> Option<Mark> {
        let (from, to) = self.suspects[place];
        let in_middle = (self.size / 4..3 * self.size / 4).contains(&from);
        let height = self.height(from, to);
        if !in_middle || to - from > limits.longest || height < LEAST {
            return None;
        }
        let scale = around(&self.matched_cells, from / (self.size / CELLS)).max(SMALLEST_MATCHED);
        let strength = self.strength(from, to);
        if self.is_piece(place, height, limits.longest) || strength < limits.deviations * scale {
            return None;
        }
        let (order, size) = (self.order, self.size);
        let matched = |from: usize, to: usize| {
            let to = to.min(size - order);
            &self.backward[from.max(order).min(to)..to]
        };
        let flanks = highest(matched(from.saturating_sub(order), from)).max(highest(matched(to, to + order)));
        let before = matched(from.saturating_sub(self.alone + order), from.saturating_sub(order));
        let after = matched(to + order, to + order + self.alone);
        self.sorted.clear();
        self.sorted.extend(before.iter().chain(after).map(|x| x.abs()));
        let most = self.sorted.len() * 97 / 100;
        let (_, most, above) = self.sorted.select_nth_unstable_by(most, f64::total_cmp);
        let stands = strength / limits.strictness;
        let alone = stands > ABOVE_MOST * *most && stands > ABOVE_HIGHEST * highest(above);
        if stands < ABOVE_FLANKS * flanks || !alone || self.goes_on(from, to) {
            return None;
        }
        let rest = self.original[..from].iter().chain(&self.original[to..]);
        let loudest = rest.fold(0.0, |most: f64, x| most.max(x.abs()));
        let safe = highest(&self.filled[from..to]) <= HIGHEST_REPAIR * loudest;
        safe.then_some(Mark { start: from, end: to, height })
    }

    /// True when what lies beside a suspect is too long for a click and hardly lower: it is a piece of that.
    fn is_piece(&self, place: usize, height: f64, longest: usize) -> bool {
        let (from, to) = self.suspects[place];
        self.suspects.iter().enumerate().any(|(other, &(start, end))| {
            let beside = start <= to + self.reach && from <= end + self.reach;
            other != place && end - start > longest && beside && self.height(start, end) > PIECE * height
        })
    }

    /// The greatest change of a sample that the filling of a suspect makes.
    fn height(&self, from: usize, to: usize) -> f64 {
        let changes = self.filled[from..to].iter().zip(&self.original[from..to]);
        changes.fold(0.0, |most: f64, (new, old)| most.max((new - old).abs()))
    }

    /// The highest wrong sample that the matched filter sees in the suspect while all others are filled.
    fn strength(&self, from: usize, to: usize) -> f64 {
        let order = self.order;
        // The answer of the matched filter to what the suspect differs by, added to what the rest answers:
        // the rest answers nothing in it, by the least-squares equations.
        let difference = |n: usize| self.original[n] - self.filled[n];
        (from..to)
            .map(|n| {
                let near = n.saturating_sub(order).max(from)..(n + order + 1).min(to);
                let sum: f64 = near.map(|other| self.lags[other.abs_diff(n)] * difference(other)).sum();
                (sum + self.backward[n]).abs()
            })
            .fold(0.0, f64::max)
    }

    /// True when the errors, or the sound itself, are much stronger after the suspect than before.
    fn goes_on(&self, from: usize, to: usize) -> bool {
        let end = |at: usize| at.min(self.size);
        let after = end(to + self.order);
        let louder = |signal: &[f64], after: usize, times: f64| {
            let before = power(&signal[from.saturating_sub(self.side)..from]);
            let after = power(&signal[after..end(after + self.side)]);
            after > times * times * before.max(SMALLEST_ERROR * SMALLEST_ERROR)
        };
        louder(&self.forward, after, ERRORS_GO_ON) || louder(&self.filled, end(to), SOUND_GOES_ON)
    }
}

/// The greatest magnitude.
fn highest(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64
}

/// The robust deviation of each cell of a signal, by its middle magnitude.
fn scales(signal: &[f64], cells: &mut [f64], sorted: &mut Vec<f64>) {
    let size = signal.len() / cells.len();
    for (cell, part) in cells.iter_mut().zip(signal.chunks_exact(size)) {
        sorted.clear();
        sorted.extend(part.iter().map(|x| x.abs()));
        let (_, middle, _) = sorted.select_nth_unstable_by(size / 2, f64::total_cmp);
        *cell = *middle / MIDDLE;
    }
}

/// The greatest scale of a cell and its neighbours: a click has quiet on both sides, a stroke on one.
fn around(cells: &[f64], cell: usize) -> f64 {
    let cell = cell.min(cells.len() - 1);
    let near = &cells[cell.saturating_sub(1)..(cell + 2).min(cells.len())];
    near.iter().fold(0.0, |most: f64, scale| most.max(*scale))
}
