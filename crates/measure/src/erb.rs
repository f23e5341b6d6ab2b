//! Power in 40 auditory bands every 10 ms: what masks what, and where notes begin.
//!
//! Bands are equally wide on the scale of equivalent rectangular bandwidths (Glasberg & Moore 1990),
//! `21.4 log10(1 + 0.00437 f)`, from 20 Hz to 20 kHz: 1.02 each.

use crate::activity::{Activity, FRAME_BINS};
use crate::bins::{BINS_PER_SECOND, Grid};
use crate::frames::{Bands, Framer, Spectrum, add_powers, size_for};
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Frames};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Number of bands.
pub const ERB_BANDS: usize = 40;
/// Frames last at least this long.
const FRAME_S: f64 = 0.04;
/// Powers are raised to this before they are compared, close to how loudness grows (Stevens 1955, 0.3 for
/// intensity, halved since a step of 20 dB must count as more than its loudness).
const COMPRESSION: f64 = 0.15;
/// A rise is measured against the spectrum of so many bins before: attacks last longer than one.
const LAG: usize = 2;
/// An onset is the highest rise within so many bins, either way.
const ALONE: usize = 4;
/// And stands above the middle rise of so many bins, either way.
const AROUND: usize = 12;
/// By this factor, and by this share of the strongest rises (95th percentile of the local maxima).
const ABOVE_AROUND: f64 = 1.6;
const ABOVE_STRONG: f64 = 0.25;
/// And by this share of all compressed powers: what a step of 2 dB in every band gives.
const ABOVE_ALL: f64 = 0.07;
/// Bands that are low: to 160 Hz.
const LOW_BANDS: usize = 4;
/// Intervals longer than this are pauses, in seconds.
const LONGEST_INTERVAL_S: f64 = 2.0;

/// Power in each auditory band against time: rows of 50 ms, columns of bands, mean square per channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ErbFrames {
    /// Length of one row in seconds.
    pub frame_s: f64,
    /// Centres of the bands in hertz.
    pub centres_hz: Vec<f64>,
    /// All rows after one another: rows x [`ERB_BANDS`].
    pub power: Vec<f32>,
    /// Whether the signal plays in each row.
    pub active: Vec<bool>,
}

impl ErbFrames {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.power.len() / ERB_BANDS
    }

    /// The powers of the bands in one row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.power[row * ERB_BANDS..][..ERB_BANDS]
    }
}

/// The frequency at a place on the scale of equivalent rectangular bandwidths.
fn hz_at(erb: f64) -> f64 {
    (10f64.powf(erb / 21.4) - 1.0) / 0.00437
}

fn erb_at(hz: f64) -> f64 {
    21.4 * (1.0 + 0.00437 * hz).log10()
}

/// The place of band edge `edge`, in hertz; half-numbers are centres.
fn edge_hz(edge: f64) -> f64 {
    let (low, high) = (erb_at(20.0), erb_at(20_000.0));
    hz_at(low + edge / ERB_BANDS as f64 * (high - low))
}

/// The lower and upper edge of a band, in hertz.
pub(crate) fn band_edges_hz(band: usize) -> (f64, f64) {
    (edge_hz(band as f64), edge_hz((band + 1) as f64))
}

/// The analysis of a stream.
#[derive(Clone)]
pub(crate) struct Erb {
    grid: Grid,
    framer: Framer,
    spectrum: Spectrum,
    bands: Bands,
    channels: usize,
    frames: Frames,
    size: usize,
    /// Bins analysed.
    bin: usize,
    scale: f64,
    squares: Vec<f64>,
    row: [f64; ERB_BANDS],
    rows: Vec<f32>,
    /// Compressed powers of the last bins, the newest first.
    past: [[f64; ERB_BANDS]; LAG],
    /// How much each bin rises above the one `LAG` before.
    rises: Vec<f64>,
    /// The same of the lowest bands.
    low_rises: Vec<f64>,
    /// The least of that which can be an onset.
    least: Vec<f64>,
}

/// How much new sound begins in each 10 ms, and how much of it is low.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Novelty {
    /// In all bands.
    pub(crate) all: Vec<f64>,
    /// In the bands below about 160 Hz.
    pub(crate) low: Vec<f64>,
}

impl Erb {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> Erb {
        let size = size_for(FRAME_S, sample_rate_hz);
        let window: Vec<f64> =
            (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect();
        let energy: f64 = window.iter().map(|w| w * w).sum();
        let edges = (0..ERB_BANDS).map(band_edges_hz);
        Erb {
            grid: Grid::new(sample_rate_hz),
            framer: Framer::new(channels, size, -(size as i64)),
            spectrum: Spectrum::new(window),
            bands: Bands::new(edges, size / 2 + 1, sample_rate_hz / size as f64),
            channels,
            frames: 0,
            size,
            bin: 0,
            scale: 2.0 / (size as f64 * energy * channels as f64),
            squares: vec![0.0; size / 2 + 1],
            row: [0.0; ERB_BANDS],
            rows: Vec::new(),
            past: [[0.0; ERB_BANDS]; LAG],
            rises: Vec::new(),
            low_rises: Vec::new(),
            least: Vec::new(),
        }
    }

    /// Takes clean samples.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        self.frames += block.frames();
        self.framer.push(block);
        self.work();
    }

    fn work(&mut self) {
        loop {
            // Each frame is centred on its bin of 10 ms.
            let (from, to) = (self.grid.start(self.bin), self.grid.start(self.bin + 1));
            let start = ((from + to) / 2) as i64 - (self.size / 2) as i64;
            if to > self.frames || !self.framer.has(start) {
                return;
            }
            self.squares.fill(0.0);
            for channel in 0..self.channels {
                let sounding = self.framer.sounding(start, self.frames);
                let spectrum = self.spectrum.without_dc(self.framer.frame(channel, start), sounding);
                add_powers(&mut self.squares, spectrum);
            }
            self.framer.forget(start);
            let (mut rise, mut low_rise) = (0.0, 0.0);
            let mut compressed = [0.0; ERB_BANDS];
            for (band, sum) in self.bands.sums(&self.squares).enumerate() {
                let power = sum * self.scale;
                self.row[band] += power / FRAME_BINS as f64;
                compressed[band] = power.powf(COMPRESSION);
                rise += (compressed[band] - self.past[LAG - 1][band]).max(0.0);
                if band + 1 == LOW_BANDS {
                    low_rise = rise;
                }
            }
            self.past.rotate_right(1);
            self.past[0] = compressed;
            self.rises.push(rise);
            self.low_rises.push(low_rise);
            self.least.push(ABOVE_ALL * compressed.iter().sum::<f64>());
            self.bin += 1;
            if self.bin.is_multiple_of(FRAME_BINS) {
                self.rows.extend(self.row.map(|power| power as f32));
                self.row = [0.0; ERB_BANDS];
            }
        }
    }

    /// The power frames, the times of the onsets in seconds, and what they were found in.
    pub(crate) fn finish(mut self, activity: &Activity) -> (ErbFrames, Vec<f64>, Novelty) {
        self.framer.finish();
        self.work();
        // The frames of the last bins reach beyond the end of the signal, and would see the cut as an attack.
        let reach_bins =
            self.size as f64 / 2.0 / self.grid.start(BINS_PER_SECOND) as f64 * BINS_PER_SECOND as f64;
        self.rises.truncate(self.rises.len().saturating_sub(reach_bins.ceil() as usize));
        let rows = self.rows.len() / ERB_BANDS;
        let mut active = activity.active.clone();
        active.resize(rows, false);
        let frames = ErbFrames {
            frame_s: FRAME_BINS as f64 / BINS_PER_SECOND as f64,
            centres_hz: (0..ERB_BANDS).map(|b| edge_hz(b as f64 + 0.5)).collect(),
            power: self.rows,
            active,
        };
        self.low_rises.truncate(self.rises.len());
        let onsets_s = onsets(&self.rises, &self.least, activity);
        (frames, onsets_s, Novelty { all: self.rises, low: self.low_rises })
    }
}

/// Local maxima of the rise that stand out from their surroundings while the signal plays.
fn onsets(rises: &[f64], least: &[f64], activity: &Activity) -> Vec<f64> {
    let around =
        |bin: usize, reach: usize| &rises[bin.saturating_sub(reach)..(bin + reach + 1).min(rises.len())];
    let time_s = |bin: usize| (bin as f64 + 0.5) / BINS_PER_SECOND as f64;
    let mut peaks: Vec<usize> = Vec::new();
    for bin in 0..rises.len() {
        let highest = around(bin, ALONE).iter().all(|r| *r <= rises[bin]);
        let apart = peaks.last().is_none_or(|last| bin - last > ALONE);
        if highest && apart && rises[bin] > least[bin] && activity.near(time_s(bin)) {
            peaks.push(bin);
        }
    }
    let strong = nearest_rank(&sorted(peaks.iter().map(|bin| rises[*bin])), 0.95).unwrap_or(0.0);
    peaks.retain(|bin| {
        let middle = nearest_rank(&sorted(around(*bin, AROUND).iter().copied()), 0.5).unwrap_or(0.0);
        rises[*bin] > ABOVE_AROUND * middle && rises[*bin] > ABOVE_STRONG * strong
    });
    peaks.into_iter().map(time_s).collect()
}

/// The middle interval between neighbouring onsets that are not a pause apart, in seconds.
pub(crate) fn inter_onset_median_s(onsets_s: &[f64]) -> Option<f64> {
    let intervals = onsets_s.windows(2).map(|pair| pair[1] - pair[0]).filter(|s| *s <= LONGEST_INTERVAL_S);
    nearest_rank(&sorted(intervals), 0.5)
}
