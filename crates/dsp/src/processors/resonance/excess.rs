//! How far each bin sticks out of the spectrum's envelope.
//!
//! The power is smoothed over time and over the width of a peak; its logarithm is compared with its own mean
//! over the width of the envelope. The mean is taken twice: the second time what stands out of the first one is
//! cut down to it, so that a resonance does not lift the envelope it is measured against. Bins weigh as much as
//! they are wide in octaves, so that a spectrum that falls evenly has no bias.

use crate::blocks::math;

/// In the second round, what is farther from the first envelope than this counts as this far.
const ABOVE_DB: f64 = 3.0;
const BELOW_DB: f64 = -6.0;

/// Bins to either side that an envelope is taken over at least.
const LEAST_ENVELOPE: usize = 4;

/// Power below which nothing is compared: -300 dB.
const POWER_FLOOR: f64 = 1e-30;

/// By how many standard deviations noise must be exceeded.
const DEVIATIONS: f64 = 2.5;

/// Standard deviation in decibels of one cell's power of noise, averaged over n: 4.34 / root n.
const CELL_DB: f64 = 4.342_944_819;

/// First and last bin of the two averages around each bin.
pub(super) struct Widths {
    envelope: Vec<(u32, u32)>,
    peak: Vec<(u32, u32)>,
    /// Running sum of 1/k: the width of a bin in octaves.
    weights: Vec<f64>,
}

impl Widths {
    pub(super) fn new(bins: usize) -> Widths {
        let mut weights = vec![0.0; bins + 1];
        for k in 1..bins {
            weights[k + 1] = weights[k] + 1.0 / k as f64;
        }
        Widths { envelope: vec![(1, 1); bins], peak: vec![(1, 1); bins], weights }
    }

    /// For averages this wide in octaves. Allocates nothing.
    pub(super) fn fill(&mut self, envelope_octaves: f64, peak_octaves: f64) {
        for (around, octaves, least) in
            [(&mut self.envelope, envelope_octaves, LEAST_ENVELOPE), (&mut self.peak, peak_octaves, 0)]
        {
            let ratio = math::exp2(0.5 * octaves);
            let last = around.len() - 1;
            for (k, around) in around.iter_mut().enumerate() {
                let k = k.max(1);
                let to = ((k as f64 * ratio + 0.5) as usize).max(k + least).min(last);
                // Evenly to both sides also where the upper one ends.
                let from = ((k * k) as f64 / (to as f64 + 0.5)).ceil() as usize;
                let from = from.min(k.saturating_sub(least)).max(1);
                *around = (from as u32, to.max(k) as u32);
            }
        }
    }

    /// What noise sticks out by at a bin by chance, in decibels, when a share `past` of the power before is kept
    /// from frame to frame.
    ///
    /// Neighbouring bins of a root-Hann window are correlated by 1/4 in power, frames a quarter apart by 0.57
    /// and half apart by 0.10: a mean of many has one independent value per 1.5 bins and 2.3 frames.
    pub(super) fn chance_db(&self, k: usize, past: f64) -> f64 {
        let (from, to) = self.peak[k];
        let over_bins = (f64::from(to - from + 1) / 1.5).max(1.0);
        let over_frames = ((1.0 + past) / (1.0 - past).max(1e-9) / 2.3).max(1.0);
        DEVIATIONS * CELL_DB / (over_bins * over_frames).sqrt()
    }
}

/// The excess of one signal.
pub(super) struct Excess {
    power: Vec<f64>,
    /// Level of each bin, smoothed, in decibels.
    pub(super) level_db: Vec<f64>,
    /// How far it stands above the envelope, in decibels; negative below.
    pub(super) excess_db: Vec<f64>,
    envelope_db: Vec<f64>,
    running: Vec<f64>,
    started: bool,
}

impl Excess {
    pub(super) fn new(bins: usize) -> Excess {
        let zeros = || vec![0.0; bins];
        Excess {
            power: zeros(),
            level_db: zeros(),
            excess_db: zeros(),
            envelope_db: zeros(),
            running: vec![0.0; bins + 1],
            started: false,
        }
    }

    pub(super) fn reset(&mut self) {
        self.started = false;
    }

    /// Takes the newest frame's power; a share `past` of the power before is kept.
    pub(super) fn hear(&mut self, power: &[f64], widths: &Widths, past: f64) {
        let past = if self.started { past } else { 0.0 };
        self.started = true;
        let mut sum = 0.0;
        for k in 0..power.len() {
            let smoothed = past * self.power[k] + (1.0 - past) * power[k];
            self.power[k] = if smoothed > POWER_FLOOR { smoothed } else { 0.0 };
            sum += self.power[k];
            self.running[k + 1] = sum;
        }
        for (k, level) in self.level_db.iter_mut().enumerate() {
            let (from, to) = (widths.peak[k].0 as usize, widths.peak[k].1 as usize);
            let mean = (self.running[to + 1] - self.running[from]) / (to - from + 1) as f64;
            *level = math::power_to_db(if mean > POWER_FLOOR { mean } else { POWER_FLOOR });
        }
        // The differences of a running sum are exact to its last bit only: what lies 150 dB below the whole
        // spectrum is not compared with its surroundings.
        let floor_db = math::power_to_db(sum.max(POWER_FLOOR)) - 140.0;
        self.level_db.iter_mut().for_each(|level| *level = level.max(floor_db));
        self.envelope_db.copy_from_slice(&self.level_db);
        self.average(widths);
        for (envelope, level) in self.envelope_db.iter_mut().zip(&self.level_db) {
            *envelope += (level - *envelope).clamp(BELOW_DB, ABOVE_DB);
        }
        self.average(widths);
        for k in 0..self.excess_db.len() {
            self.excess_db[k] = self.level_db[k] - self.envelope_db[k];
        }
    }

    /// Replaces `envelope_db` by its mean over the envelope's width.
    fn average(&mut self, widths: &Widths) {
        // The first bin has no width in octaves.
        (self.running[0], self.running[1]) = (0.0, 0.0);
        for k in 1..self.envelope_db.len() {
            self.running[k + 1] = self.running[k] + self.envelope_db[k] / k as f64;
        }
        for (k, envelope) in self.envelope_db.iter_mut().enumerate() {
            let (from, to) = (widths.envelope[k].0 as usize, widths.envelope[k].1 as usize);
            let weight = widths.weights[to + 1] - widths.weights[from];
            *envelope = (self.running[to + 1] - self.running[from]) / weight;
        }
    }
}
