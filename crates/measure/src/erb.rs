//! Power in 40 auditory bands every 10 ms: what masks what, and where notes begin.
//!
//! Bands are equally wide on the scale of equivalent rectangular bandwidths (Glasberg & Moore 1990),
//! `21.4 log10(1 + 0.00437 f)`, from 20 Hz to 20 kHz: 1.02 each.

use crate::activity::Activity;
use crate::bins::{BINS_PER_SECOND, Grid};
use crate::frames::{Bands, Framer, size_for};
use crate::levels::FRAME_BINS;
use crate::onsets::Onsets;
use crate::powers::Powers;
use audio::{BlockRef, Frames};
use dsp::blocks::math::{exp2, log2};
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
/// An onset is a rise by at least this share of all compressed powers: what a step of 2 dB in every band gives.
const ABOVE_ALL: f64 = 0.07;
/// Bands that are low: to 160 Hz.
const LOW_BANDS: usize = 4;

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

audio::wide! {
    /// Raises powers to [`COMPRESSION`]; nothing stays nothing.
    fn compress(powers: &[f64; ERB_BANDS], to: &mut [f64; ERB_BANDS]) {
        for band in 0..ERB_BANDS {
            let compressed = exp2(COMPRESSION * log2(powers[band]));
            to[band] = if powers[band] >= f64::MIN_POSITIVE { compressed } else { 0.0 };
        }
    }
}

/// The analysis of a stream.
#[derive(Clone)]
pub(crate) struct Erb {
    grid: Grid,
    framer: Framer,
    powers: Powers,
    bands: Bands,
    channels: usize,
    frames: Frames,
    size: usize,
    /// Bins analysed.
    bin: usize,
    scale: f64,
    squares: Vec<f64>,
    row: [f64; ERB_BANDS],
    /// The rows, where they are kept.
    rows: Vec<f32>,
    keeps: Keeps,
    /// Compressed powers of the last bins, the newest first.
    past: [[f64; ERB_BANDS]; LAG],
    /// How much each bin rises above the one `LAG` before, where that is kept.
    novelty: Novelty,
    onsets: Onsets,
}

/// What of a stream is kept besides its onsets: a few kilobytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keeps {
    /// The power of the bands, for who asks.
    pub(crate) frames: bool,
    /// That and the novelty, for what is told of a song.
    pub(crate) song: bool,
}

/// What was found in a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// The power frames; empty unless kept.
    pub(crate) frames: ErbFrames,
    /// The times of the onsets in seconds.
    pub(crate) onsets_s: Vec<f64>,
    /// What tempo and beats are found in; empty unless kept.
    pub(crate) novelty: Novelty,
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
    pub(crate) fn new(sample_rate_hz: f64, channels: usize, keeps: Keeps) -> Erb {
        let size = size_for(FRAME_S, sample_rate_hz);
        let window: Vec<f64> =
            (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect();
        let energy: f64 = window.iter().map(|w| w * w).sum();
        let edges = (0..ERB_BANDS).map(band_edges_hz);
        Erb {
            grid: Grid::new(sample_rate_hz),
            framer: Framer::new(channels, size, -(size as i64)),
            powers: Powers::new(window, channels),
            bands: Bands::new(edges, size / 2 + 1, sample_rate_hz / size as f64),
            channels,
            frames: 0,
            size,
            bin: 0,
            scale: 2.0 / (size as f64 * energy * channels as f64),
            squares: vec![0.0; size / 2 + 1],
            row: [0.0; ERB_BANDS],
            rows: Vec::new(),
            keeps,
            past: [[0.0; ERB_BANDS]; LAG],
            novelty: Novelty::default(),
            onsets: Onsets::default(),
        }
    }

    /// Lets go what is kept for a song.
    pub(crate) fn forget_song(&mut self) {
        self.keeps.song = false;
        self.novelty = Novelty::default();
        if !self.keeps.frames {
            self.rows = Vec::new();
        }
    }

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        let power = gain * gain;
        let compressed = power.powf(COMPRESSION);
        self.framer.amplify(gain);
        self.row.iter_mut().for_each(|sum| *sum *= power);
        self.rows.iter_mut().for_each(|sum| *sum = (f64::from(*sum) * power) as f32);
        self.past.iter_mut().flatten().for_each(|past| *past *= compressed);
        self.novelty.all.iter_mut().chain(&mut self.novelty.low).for_each(|rise| *rise *= compressed);
        self.onsets.amplify(compressed);
    }

    /// The frames of the last bins reach beyond the end of the signal, and would see the cut as an attack: so many bins
    /// are no onsets.
    fn unsure_bins(&self) -> usize {
        let second = self.grid.start(BINS_PER_SECOND) as f64;
        (self.size as f64 / 2.0 / second * BINS_PER_SECOND as f64).ceil() as usize
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
            let sounding = self.framer.sounding(start, self.frames);
            let frame = |channel| self.framer.frame(channel, start);
            if self.channels == 2 {
                self.powers.add_two(frame(0), frame(1), sounding, &mut self.squares);
            } else {
                (0..self.channels)
                    .for_each(|c| self.powers.add_one(frame(c), sounding.clone(), &mut self.squares));
            }
            self.framer.forget(start);
            let (mut rise, mut low_rise) = (0.0, 0.0);
            let (mut powers, mut compressed) = ([0.0; ERB_BANDS], [0.0; ERB_BANDS]);
            for (band, sum) in self.bands.sums(&self.squares).enumerate() {
                powers[band] = sum * self.scale;
                self.row[band] += powers[band] / FRAME_BINS as f64;
            }
            compress(&powers, &mut compressed);
            for band in 0..ERB_BANDS {
                rise += (compressed[band] - self.past[LAG - 1][band]).max(0.0);
                if band + 1 == LOW_BANDS {
                    low_rise = rise;
                }
            }
            self.past.rotate_right(1);
            self.past[0] = compressed;
            if self.keeps.song {
                self.novelty.all.push(rise);
                self.novelty.low.push(low_rise);
            }
            let unsure = self.unsure_bins();
            self.onsets.push(rise, ABOVE_ALL * compressed.iter().sum::<f64>(), unsure);
            self.bin += 1;
            if self.bin.is_multiple_of(FRAME_BINS) {
                if self.keeps.song || self.keeps.frames {
                    self.rows.extend(self.row.map(|power| power as f32));
                }
                self.row = [0.0; ERB_BANDS];
            }
        }
    }

    /// What was found and kept.
    pub(crate) fn finish(mut self, activity: &Activity) -> Told {
        self.framer.finish();
        self.work();
        let unsure = self.unsure_bins();
        let rows = self.rows.len() / ERB_BANDS;
        let mut active = activity.active.clone();
        active.resize(rows, false);
        let frames = ErbFrames {
            frame_s: FRAME_BINS as f64 / BINS_PER_SECOND as f64,
            centres_hz: (0..ERB_BANDS).map(|b| edge_hz(b as f64 + 0.5)).collect(),
            power: self.rows,
            active,
        };
        let Novelty { mut all, mut low } = self.novelty;
        all.truncate(all.len().saturating_sub(unsure));
        low.truncate(all.len());
        Told { frames, onsets_s: self.onsets.finish(unsure, activity), novelty: Novelty { all, low } }
    }
}
