//! Loudness after ITU-R BS.1770-5 with the time scales of EBU Tech 3341 and the range of EBU Tech 3342.
//!
//! The meter keeps one number per 10 ms: the weighted energy of all channels. Every reading is made from
//! those, so that the memory for an hour is under 3 MB and any window can be read at any time.

mod weighting;

use crate::bins::{Binner, Grid};
use crate::error::{Error, check_rate};
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Frames, Layout, db_to_power, power_to_db};
use serde::{Deserialize, Serialize};
use weighting::{Section, k_weighting};

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
/// Filter states below this are set to zero at the end of a bin: denormal numbers are slow, and -600 dB is
/// no sound.
const FLUSH: f64 = 1e-30;

/// The weight of each channel of a layout (BS.1770-5, Annex 1, table 3): front channels 1, surrounds 1.41
/// (+1.5 dB), low-frequency effects not counted.
pub fn channel_weights(layout: Layout) -> Vec<f64> {
    match layout {
        Layout::Surround50 => vec![1.0, 1.0, 1.0, 1.41, 1.41],
        Layout::Surround51 => vec![1.0, 1.0, 1.0, 0.0, 1.41, 1.41],
        other => vec![1.0; other.channels()],
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
    sections: [Section; 2],
    weights: Vec<f64>,
    /// Two state variables of two sections for each pair of channels.
    states: Vec<[[f64; 2]; 4]>,
    /// Sum over channels and frames of the weighted squares, one per full bin.
    bins: Vec<f64>,
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
            sections: k_weighting(sample_rate_hz),
            weights: channel_weights(layout),
            states: vec![[[0.0; 2]; 4]; layout.channels().div_ceil(2)],
            bins: Vec::new(),
        })
    }

    /// Takes one whole bin of clean samples.
    pub(crate) fn bin(&mut self, block: &BlockRef) {
        let mut sum = 0.0;
        for (pair, state) in self.states.iter_mut().enumerate() {
            let first = 2 * pair;
            let second = (first + 1).min(block.channels() - 1);
            let squares = weigh(&self.sections, state, block.channel(first), block.channel(second));
            sum += self.weights[first] * squares[0];
            if second != first {
                sum += self.weights[second] * squares[1];
            }
        }
        self.bins.push(sum);
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
        let sum: f64 = self.bins.get(start..end)?.iter().sum();
        Some(sum / self.grid.frames(start, end) as f64)
    }

    pub(crate) fn window_lufs(&self, end: usize, length: usize) -> Option<f64> {
        self.window(end, length).and_then(lufs)
    }

    /// Loudness in LUFS of some ranges of bins together, without gates; ranges that are not full are left out.
    pub(crate) fn lufs_of(&self, ranges: impl Iterator<Item = (usize, usize)>) -> Option<f64> {
        let (mut sum, mut frames) = (0.0, 0);
        for (from, to) in ranges.filter(|(_, to)| *to <= self.bins.len()) {
            sum += self.bins[from..to].iter().sum::<f64>();
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
        (length..=self.bins.len()).filter_map(|end| self.window(end, length)).reduce(f64::max).and_then(lufs)
    }

    pub(crate) fn integrated_lufs(&self) -> Option<f64> {
        let blocks: Vec<f64> = (MOMENTARY_BINS..=self.bins.len())
            .step_by(STEP_BINS)
            .filter_map(|end| self.window(end, MOMENTARY_BINS))
            .collect();
        // A block counts only if it is above, not at, both thresholds (BS.1770-5, Annex 1, equations 4 to 7).
        let absolute = power_of(ABSOLUTE_GATE_LUFS);
        let relative = mean(blocks.iter().filter(|p| **p > absolute))? * db_to_power(RELATIVE_GATE_LU);
        lufs(mean(blocks.iter().filter(|p| **p > absolute && **p > relative))?)
    }

    pub(crate) fn range_lu(&self) -> Option<f64> {
        if self.bins.len() < SHORT_TERM_BINS {
            return None;
        }
        let powers: Vec<f64> = (SHORT_TERM_BINS..=self.bins.len() + RANGE_SILENCE_BINS)
            .step_by(STEP_BINS)
            .map(|end| {
                let start = end - SHORT_TERM_BINS;
                let sum: f64 = self.bins[start..end.min(self.bins.len())].iter().sum();
                sum / self.grid.frames(start, end) as f64
            })
            .collect();
        // Here a value at the threshold counts (EBU Tech 3342, clause 3).
        let absolute = power_of(ABSOLUTE_GATE_LUFS);
        let relative = mean(powers.iter().filter(|p| **p >= absolute))? * db_to_power(RANGE_GATE_LU);
        let kept = sorted(powers.into_iter().filter(|p| *p >= absolute && *p >= relative));
        let (low, high) = (nearest_rank(&kept, 0.10)?, nearest_rank(&kept, 0.95)?);
        Some(power_to_db(high) - power_to_db(low))
    }

    pub(crate) fn series(&self, step_bins: usize) -> LoudnessSeries {
        let ends: Vec<usize> = (MOMENTARY_BINS..=self.bins.len()).step_by(step_bins).collect();
        LoudnessSeries {
            time_s: ends.iter().map(|end| *end as f64 / 100.0).collect(),
            momentary_lufs: ends.iter().map(|end| self.momentary_lufs(*end)).collect(),
            short_term_lufs: ends.iter().map(|end| self.short_term_lufs(*end)).collect(),
        }
    }
}

/// The mean of some powers; `None` of none.
fn mean<'a>(powers: impl Iterator<Item = &'a f64>) -> Option<f64> {
    let (sum, count) = powers.fold((0.0, 0usize), |(sum, count), p| (sum + p, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Runs two channels through both sections (transposed direct form II) and returns their sums of squares.
fn weigh(sections: &[Section; 2], state: &mut [[f64; 2]; 4], first: &[f64], second: &[f64]) -> [f64; 2] {
    let [shelf, high_pass] = *sections;
    let [mut s1, mut s2, mut h1, mut h2] = *state;
    let mut sum = [0.0; 2];
    for (a, b) in first.iter().zip(second) {
        let x = [*a, *b];
        for c in 0..2 {
            let y = shelf.b0 * x[c] + s1[c];
            s1[c] = shelf.b1 * x[c] - shelf.a1 * y + s2[c];
            s2[c] = shelf.b2 * x[c] - shelf.a2 * y;
            let z = high_pass.b0 * y + h1[c];
            h1[c] = high_pass.b1 * y - high_pass.a1 * z + h2[c];
            h2[c] = high_pass.b2 * y - high_pass.a2 * z;
            sum[c] += z * z;
        }
    }
    *state = [s1, s2, h1, h2].map(|v| v.map(|s| if s.abs() < FLUSH { 0.0 } else { s }));
    sum
}
