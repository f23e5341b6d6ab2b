//! Loudness after ITU-R BS.1770-5 with the time scales of EBU Tech 3341 and the range of EBU Tech 3342.
//!
//! The meter keeps one number per 10 ms: the weighted energy of all channels. Every reading is made from
//! those, so that the memory for an hour is under 3 MB and any window can be read at any time. A meter that reads files keeps
//! a fifth of that of what is longer than an hour.

mod bins;
mod filter;
mod weighting;
mod windows;

use crate::bins::{Binner, Grid};
use crate::error::{Error, check_rate};
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Frames, Layout, db_to_power, power_to_db};
use bins::Bins;
use filter::Filter;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use weighting::k_weighting;
use windows::{Parts, each_sum};

/// BS.1770-5, Annex 1: the constant of its loudness equation, in dB.
const OFFSET_DB: f64 = -0.691;
/// Momentary loudness and gating blocks are 400 ms long.
pub(crate) const MOMENTARY_BINS: usize = 40;
/// Short-term loudness is 3 s long.
pub(crate) const SHORT_TERM_BINS: usize = 300;
/// Gating blocks overlap by 75 %: one starts every 100 ms.
pub(crate) const STEP_BINS: usize = 10;
/// Both standards drop what lies below this, in LKFS.
pub(crate) const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// The second gate for integrated loudness, in LU below the mean of what passed the first.
const RELATIVE_GATE_LU: f64 = -10.0;
/// The same for the loudness range (EBU Tech 3342).
const RANGE_GATE_LU: f64 = -20.0;
/// EBU Tech 3342 (2023) has a file meter add 1.5 s of silence, so that the end counts like the middle.
const RANGE_SILENCE_BINS: usize = 150;
/// The weight of each channel of a layout (BS.1770-5, Annex 1, table 3, and Annex 3 for other layouts): 1.41 (+1.5 dB) for
/// speakers of the middle layer from 60 to 120 degrees to the side, low-frequency effects not counted, 1 for all others.
pub fn channel_weights(layout: Layout) -> Vec<f64> {
    match layout {
        Layout::Surround50 => vec![1.0, 1.0, 1.0, SIDE, SIDE],
        Layout::Surround51 => vec![1.0, 1.0, 1.0, 0.0, SIDE, SIDE],
        Layout::Speakers(mask) => {
            (0..32).map(|bit| 1 << bit).filter(|s| mask & s != 0).map(|s| weight(s, mask)).collect()
        }
        other => vec![1.0; other.channels()],
    }
}

/// The weight of a speaker at the side, beyond 60 degrees.
const SIDE: f64 = 1.41;

/// The weight of one speaker of a mask. Pairs at the back are the surrounds of 5.1, at 110 degrees, unless there are
/// pairs at the side, which puts them behind 120 degrees (ITU-R BS.2051-3, systems B and I).
fn weight(speaker: u32, mask: u32) -> f64 {
    const LOW_FREQUENCY: u32 = 0x8;
    const BACK: u32 = 0x10 | 0x20;
    const BESIDE: u32 = 0x200 | 0x400;
    match speaker {
        LOW_FREQUENCY => 0.0,
        beside if beside & BESIDE != 0 => SIDE,
        back if back & BACK != 0 && mask & BESIDE == 0 => SIDE,
        _ => 1.0,
    }
}

/// Loudness in LUFS of a weighted mean square; `None` for silence.
fn lufs(power: f64) -> Option<f64> {
    let value = OFFSET_DB + power_to_db(power);
    value.is_finite().then_some(value)
}

/// Weighted mean square of a loudness in LUFS.
fn power_of(lufs: f64) -> f64 {
    db_to_power(lufs - OFFSET_DB)
}

/// Loudness against time; every value belongs to the window that ends at its time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LoudnessSeries {
    /// Ends of the windows, in seconds from the start.
    pub time_s: Vec<f64>,
    /// Momentary loudness (400 ms) in LUFS; `None` before the first full window and in silence.
    pub momentary_lufs: Vec<Option<f64>>,
    /// Short-term loudness (3 s) in LUFS; `None` before the first full window and in silence.
    pub short_term_lufs: Vec<Option<f64>>,
}

/// The K-weighted energy of a signal per 10 ms, and every loudness reading that can be made from it.
#[derive(Debug, Clone)]
pub struct Loudness {
    binner: Binner,
    energy: Energy,
}

/// The part that works on whole bins.
#[derive(Debug, Clone)]
pub(crate) struct Energy {
    grid: Grid,
    filter: Filter,
    weights: Vec<f64>,
    /// The filter's state for each channel, in pairs.
    states: Vec<[[f64; 4]; 2]>,
    /// Sums over channels and frames of the weighted squares of full bins.
    bins: Bins,
    /// The bins that integrated loudness, range and maxima are made of.
    parts: Parts,
}

impl Loudness {
    /// A meter for signals of a sample rate in hertz (8 to 768 kHz) and a layout.
    ///
    /// A mono signal is one channel: 997 Hz at full scale reads -3.01 LUFS, not 0.
    pub fn new(sample_rate_hz: f64, layout: Layout) -> Result<Loudness, Error> {
        let energy = Energy::new(sample_rate_hz, layout)?;
        Ok(Loudness { binner: Binner::new(sample_rate_hz, layout.channels()), energy })
    }

    /// Takes the next block: channels of the layout x any number of frames. Samples that are not finite
    /// numbers count as zero.
    pub fn push(&mut self, block: &BlockRef) {
        let energy = &mut self.energy;
        self.binner.push(block, |bin| energy.bin(bin));
    }

    /// Integrated loudness in LUFS with both gates; `None` when no gating block is above -70 LUFS, as in
    /// silence or in less than 400 ms.
    pub fn integrated_lufs(&self) -> Option<f64> {
        self.energy.integrated_lufs()
    }

    /// The loudest 400 ms in LUFS, searched in steps of 10 ms; `None` for less than 400 ms or silence.
    pub fn max_momentary_lufs(&self) -> Option<f64> {
        self.energy.max_lufs(MOMENTARY_BINS)
    }

    /// The loudest 3 s in LUFS, searched in steps of 10 ms; `None` for less than 3 s or silence.
    pub fn max_short_term_lufs(&self) -> Option<f64> {
        self.energy.max_lufs(SHORT_TERM_BINS)
    }

    /// Momentary loudness now, in LUFS: of the last full 400 ms.
    pub fn momentary_lufs(&self) -> Option<f64> {
        self.energy.window_lufs(self.energy.bins.len(), MOMENTARY_BINS)
    }

    /// Short-term loudness now, in LUFS: of the last full 3 s.
    pub fn short_term_lufs(&self) -> Option<f64> {
        self.energy.window_lufs(self.energy.bins.len(), SHORT_TERM_BINS)
    }

    /// Leaves out what follows until [`Loudness::resume`]: integrated loudness, range and maxima stand still, while
    /// momentary and short-term loudness go on (EBU Tech 3341, clause 2.6). Acts at the next edge of 10 ms; no
    /// window of a later reading spans a pause.
    pub fn pause(&mut self) {
        self.energy.parts.pause(self.energy.bins.len());
    }

    /// Counts again what follows, after [`Loudness::pause`].
    pub fn resume(&mut self) {
        self.energy.parts.resume(self.energy.bins.len());
    }

    /// Forgets what integrated loudness, range and maxima were made of, together as EBU Tech 3341 asks. Paused
    /// stays paused.
    pub fn reset(&mut self) {
        self.energy.parts.reset(self.energy.bins.len());
    }

    /// True between [`Loudness::pause`] and [`Loudness::resume`].
    pub fn is_paused(&self) -> bool {
        self.energy.parts.is_paused()
    }

    /// Loudness range in LU (EBU Tech 3342); `None` for less than 3 s or when nothing is above the gate.
    /// The standard calls it not meaningful for programmes under a minute.
    pub fn loudness_range_lu(&self) -> Option<f64> {
        self.energy.range_lu()
    }

    /// Momentary and short-term loudness from 0.4 s on, one point every `step_ms` (rounded to whole 10 ms).
    pub fn series(&self, step_ms: usize) -> LoudnessSeries {
        self.energy.series((step_ms / 10).max(1))
    }
}

impl Energy {
    pub(crate) fn new(sample_rate_hz: f64, layout: Layout) -> Result<Energy, Error> {
        check_rate(sample_rate_hz)?;
        Ok(Energy {
            grid: Grid::new(sample_rate_hz),
            filter: Filter::new(k_weighting(sample_rate_hz)),
            weights: channel_weights(layout),
            states: vec![[[0.0; 4]; 2]; layout.channels().div_ceil(2)],
            bins: Bins::default(),
            parts: Parts::default(),
        })
    }

    /// The same for who reads a whole file in windows that begin and end on whole tens of its bins: of what is longer than an
    /// hour it holds less.
    pub(crate) fn of_a_file(sample_rate_hz: f64, layout: Layout) -> Result<Energy, Error> {
        let energy = Energy::new(sample_rate_hz, layout)?;
        Ok(Energy { bins: Bins::that_fold([MOMENTARY_BINS, SHORT_TERM_BINS]), ..energy })
    }

    /// As if every sample of the bins taken had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        self.bins.amplify(gain * gain);
    }

    /// Takes one whole bin of clean samples.
    pub(crate) fn bin(&mut self, block: &BlockRef) {
        let mut sum = 0.0;
        for (pair, state) in self.states.iter_mut().enumerate() {
            let first = 2 * pair;
            let second = (first + 1).min(block.channels() - 1);
            let squares = self.filter.squares(state, block.channel(first), block.channel(second));
            sum += self.weights[first] * squares[0];
            if second != first {
                sum += self.weights[second] * squares[1];
            }
        }
        self.bins.push(sum, self.grid);
    }

    /// Number of full bins taken.
    pub(crate) fn bins(&self) -> usize {
        self.bins.len()
    }

    /// First frame of bin `from`, and of bin `to`.
    pub(crate) fn frames(&self, from: usize, to: usize) -> (Frames, Frames) {
        (self.grid.start(from), self.grid.start(to))
    }

    /// Mean power of `length` bins that end before bin `end`; `None` when they do not all exist.
    fn window(&self, end: usize, length: usize) -> Option<f64> {
        let start = end.checked_sub(length)?;
        (end <= self.bins.len()).then(|| self.bins.sum(start, end) / self.grid.frames(start, end) as f64)
    }

    pub(crate) fn window_lufs(&self, end: usize, length: usize) -> Option<f64> {
        self.window(end, length).and_then(lufs)
    }

    /// Loudness in LUFS of some ranges of bins together, without gates; ranges that are not full are left out.
    pub(crate) fn lufs_of(&self, ranges: impl Iterator<Item = (usize, usize)>) -> Option<f64> {
        let (mut sum, mut frames) = (0.0, 0);
        for (from, to) in ranges.filter(|(_, to)| *to <= self.bins.len()) {
            sum += self.bins.sum(from, to);
            frames += self.grid.frames(from, to);
        }
        (frames > 0).then(|| lufs(sum / frames as f64)).flatten()
    }

    /// Short-term loudness in LUFS of the 3 s that end before bin `end`.
    pub(crate) fn short_term_lufs(&self, end: usize) -> Option<f64> {
        self.window_lufs(end, SHORT_TERM_BINS)
    }

    /// Momentary loudness in LUFS of the 400 ms that end before bin `end`.
    pub(crate) fn momentary_lufs(&self, end: usize) -> Option<f64> {
        self.window_lufs(end, MOMENTARY_BINS)
    }

    pub(crate) fn max_momentary_lufs(&self) -> Option<f64> {
        self.max_lufs(MOMENTARY_BINS)
    }

    pub(crate) fn max_short_term_lufs(&self) -> Option<f64> {
        self.max_lufs(SHORT_TERM_BINS)
    }

    fn max_lufs(&self, length: usize) -> Option<f64> {
        let parts = self.parts.of(self.bins.len());
        parts.filter_map(|part| self.bins.most(part, length, self.grid)).reduce(f64::max).and_then(lufs)
    }

    pub(crate) fn integrated_lufs(&self) -> Option<f64> {
        let blocks: Vec<f64> = self
            .parts
            .of(self.bins.len())
            .flat_map(|part| (part.start + MOMENTARY_BINS..=part.end).step_by(STEP_BINS))
            .filter_map(|end| self.window(end, MOMENTARY_BINS))
            .collect();
        // A block counts only if it is above, not at, both thresholds (BS.1770-5, Annex 1, equations 4 to 7).
        let absolute = power_of(ABSOLUTE_GATE_LUFS);
        let relative = mean(blocks.iter().filter(|p| **p > absolute))? * db_to_power(RELATIVE_GATE_LU);
        lufs(mean(blocks.iter().filter(|p| **p > absolute && **p > relative))?)
    }

    pub(crate) fn range_lu(&self) -> Option<f64> {
        self.range_edges_lufs().map(|(low, high)| high - low)
    }

    /// Both ends of the loudness range, in LUFS.
    pub(crate) fn range_edges_lufs(&self) -> Option<(f64, f64)> {
        let parts: Vec<Range<usize>> = self.parts.of(self.bins.len()).collect();
        let (last, before) = parts.split_last()?;
        let powers: Vec<f64> = before
            .iter()
            .flat_map(|part| self.range_powers(part, 0))
            .chain(self.range_powers(last, RANGE_SILENCE_BINS))
            .collect();
        range_edges(powers)
    }

    /// The short-term powers of a part, every 100 ms, into `silence` after its end.
    fn range_powers(&self, part: &Range<usize>, silence: usize) -> impl Iterator<Item = f64> {
        let (start, end) = (part.start, part.end);
        let last = if part.len() < SHORT_TERM_BINS { 0 } else { end + silence };
        (start + SHORT_TERM_BINS..=last).step_by(STEP_BINS).map(move |to| {
            let from = to - SHORT_TERM_BINS;
            self.bins.sum(from, to.min(end)) / self.grid.frames(from, to) as f64
        })
    }

    pub(crate) fn series(&self, step_bins: usize) -> LoudnessSeries {
        let ends = (MOMENTARY_BINS..=self.bins.len()).step_by(step_bins);
        let loudness = |length: usize| -> Vec<Option<f64>> {
            let Some(bins) = self.bins.all() else {
                return ends.clone().map(|end| self.window_lufs(end, length)).collect();
            };
            let mut points = vec![None; ends.clone().count()];
            each_sum(bins, length, |start, sum| {
                let end = start + length;
                let place = end.checked_sub(MOMENTARY_BINS).filter(|bins| bins.is_multiple_of(step_bins));
                if let Some(place) = place {
                    points[place / step_bins] = lufs(sum / self.grid.frames(start, end) as f64);
                }
            });
            points
        };
        LoudnessSeries {
            time_s: ends.clone().map(|end| end as f64 / 100.0).collect(),
            momentary_lufs: loudness(MOMENTARY_BINS),
            short_term_lufs: loudness(SHORT_TERM_BINS),
        }
    }
}

/// Both ends of the loudness range of some short-term powers, in LUFS.
fn range_edges(powers: Vec<f64>) -> Option<(f64, f64)> {
    // Here a value at the threshold counts (EBU Tech 3342, clause 3).
    let absolute = power_of(ABSOLUTE_GATE_LUFS);
    let relative = mean(powers.iter().filter(|p| **p >= absolute))? * db_to_power(RANGE_GATE_LU);
    let kept = sorted(powers.into_iter().filter(|p| *p >= absolute && *p >= relative));
    let (low, high) = (nearest_rank(&kept, 0.10)?, nearest_rank(&kept, 0.95)?);
    lufs(low).zip(lufs(high))
}

/// Loudness range in LU of short-term loudnesses in LUFS that were read at equal distances (EBU Tech 3342): for who
/// foresees what a change of level does to it. `None` when nothing passes the gate.
pub fn loudness_range_of_lu(short_term_lufs: impl Iterator<Item = f64>) -> Option<f64> {
    range_edges(short_term_lufs.map(power_of).collect()).map(|(low, high)| high - low)
}

/// What the K-weighting of BS.1770 does to a tone, in dB: 0 near 500 Hz, 4 at the top, falling below 100 Hz.
pub fn k_weighting_db(hz: f64) -> f64 {
    OFFSET_DB + power_to_db(weighting::power_48k(hz))
}

/// The mean of some powers; `None` of none.
fn mean<'a>(powers: impl Iterator<Item = &'a f64>) -> Option<f64> {
    let (sum, count) = powers.fold((0.0, 0usize), |(sum, count), p| (sum + p, count + 1));
    (count > 0).then(|| sum / count as f64)
}
