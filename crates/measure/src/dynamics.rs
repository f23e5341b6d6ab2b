//! How dense a signal is: PSR against time, the DR value, and the reading of a K-system meter.

use crate::bins::BINS_PER_SECOND;
use crate::levels::{Levels, level_db, power_db};
use crate::loudness::{Energy, SHORT_TERM_BINS, STEP_BINS};
use crate::true_peak::Stretches;
use audio::{BlockRef, Frames, gain_to_db};
use serde::{Deserialize, Serialize};

/// Windows more than this below integrated loudness say nothing about density: pauses and fades, in LU.
pub(crate) const PSR_GATE_LU: f64 = -20.0;
/// The share of the windows that the PSR of the densest stays above.
pub(crate) const PSR_SHARE: f64 = 0.05;
/// The DR value is made from blocks of 3 s.
const DR_BLOCK_S: f64 = 3.0;
/// At 44.1 kHz the meter that set the scale takes 132,480 frames for them.
const DR_BLOCK_AT_44K1: Frames = 132_480;
/// The share of the blocks, by RMS, whose level counts.
const DR_LOUDEST: f64 = 0.2;
/// A block whose RMS is lower has no sound: half a step of 16 bits.
const DR_SILENCE: f64 = 1.0 / 65_536.0;
/// It reads a sine by its peak (AES17): 3.01 dB more than its RMS.
const SINE_DB: f64 = 3.010_299_956_639_812;
/// The headrooms of its three scales, in dB.
const K_SCALES_DB: [f64; 3] = [20.0, 14.0, 12.0];

/// PSR against time: the true peak of 3 s minus their short-term loudness.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PsrSeries {
    /// Ends of the windows of 3 s, in seconds from the start: every 100 ms.
    pub time_s: Vec<f64>,
    /// PSR in LU; `None` in silence, and where the 3 s are more than 20 LU below integrated loudness.
    pub psr_lu: Vec<Option<f64>>,
}

/// PSR every 100 ms from 3 s on; peaks are known for stretches of a fraction of a second, so that a window may see one
/// stretch more at its beginning.
pub(crate) fn psr_series(energy: &Energy, peaks: &Stretches, integrated_lufs: Option<f64>) -> PsrSeries {
    let Stretches { levels, frames } = peaks;
    let ends: Vec<usize> = (SHORT_TERM_BINS..=energy.bins()).step_by(STEP_BINS).collect();
    let psr = |end: &usize| {
        let gate = integrated_lufs? + PSR_GATE_LU;
        let loudness = energy.short_term_lufs(*end).filter(|lufs| *lufs >= gate)?;
        let (from, to) = energy.frames(end - SHORT_TERM_BINS, *end);
        let peak = levels[from / frames..to.div_ceil(*frames).min(levels.len())].iter().copied();
        level_db(peak.fold(0.0, f64::max)).map(|dbtp| dbtp - loudness)
    };
    PsrSeries {
        time_s: ends.iter().map(|end| *end as f64 / BINS_PER_SECOND as f64).collect(),
        psr_lu: ends.iter().map(psr).collect(),
    }
}

/// The DR value of the TT Dynamic Range Meter (Algorithmix, version 1.3).
///
/// Of each channel: blocks of 3 s (132,480 frames at 44.1 kHz, which are 3.004 s; 3 x the sample rate at every other
/// rate; what is left at the end is a block of its own). A block's RMS is `sqrt(2 mean(x^2))`, so that a sine has its
/// peak. DR is the second-highest of the blocks' sample peaks over the RMS of the loudest 20 % of the blocks (at
/// least one); that of the signal is the mean of its channels, rounded.
#[derive(Debug, Clone)]
pub(crate) struct DynamicRange {
    block_frames: Frames,
    filled: Frames,
    /// Of the block that is being filled, for each channel: sum of squares, highest sample.
    open: Vec<(f64, f64)>,
    /// For each channel and finished block: mean square, highest sample.
    blocks: Vec<Vec<(f64, f64)>>,
}

impl DynamicRange {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> DynamicRange {
        let block_frames = match sample_rate_hz {
            44_100.0 => DR_BLOCK_AT_44K1,
            rate => (DR_BLOCK_S * rate).round() as Frames,
        };
        DynamicRange {
            block_frames,
            filled: 0,
            open: vec![(0.0, 0.0); channels],
            blocks: vec![Vec::new(); channels],
        }
    }

    /// Takes one bin of clean samples, whose sums over all of it are known.
    pub(crate) fn bin(&mut self, block: &BlockRef, sums: impl Iterator<Item = (f64, f64)>) {
        let frames = block.frames();
        if self.filled + frames < self.block_frames {
            for (open, (squares, peak)) in self.open.iter_mut().zip(sums) {
                *open = (open.0 + squares, open.1.max(peak));
            }
            self.filled += frames;
            return;
        }
        // A block ends within this bin.
        let first = self.block_frames - self.filled;
        for (open, samples) in self.open.iter_mut().zip(block.iter()) {
            take(open, &samples[..first]);
        }
        self.filled = self.block_frames;
        self.close();
        for (open, samples) in self.open.iter_mut().zip(block.iter()) {
            take(open, &samples[first..]);
        }
        self.filled = frames - first;
    }

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        for (squares, peak) in self.open.iter_mut().chain(self.blocks.iter_mut().flatten()) {
            *squares *= gain * gain;
            *peak *= gain.abs();
        }
    }

    fn close(&mut self) {
        for (blocks, open) in self.blocks.iter_mut().zip(&mut self.open) {
            blocks.push((open.0 / self.filled as f64, open.1));
            *open = (0.0, 0.0);
        }
        self.filled = 0;
    }

    /// DR of each channel in dB; `None` of fewer than two blocks and of silence.
    pub(crate) fn finish(mut self) -> Vec<Option<f64>> {
        if self.filled > 0 {
            self.close();
        }
        self.blocks.into_iter().map(channel_dr).collect()
    }
}

fn take(open: &mut (f64, f64), samples: &[f64]) {
    for x in samples {
        open.0 += x * x;
        open.1 = open.1.max(x.abs());
    }
}

fn channel_dr(mut blocks: Vec<(f64, f64)>) -> Option<f64> {
    blocks.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (_, second) = *blocks.get(1)?;
    blocks.sort_by(|a, b| b.0.total_cmp(&a.0));
    let count = ((blocks.len() as f64 * DR_LOUDEST) as usize).max(1);
    let mean = blocks[..count].iter().map(|(square, _)| square).sum::<f64>() / count as f64;
    let rms = (2.0 * mean).sqrt();
    (rms >= DR_SILENCE && second > 0.0).then(|| gain_to_db(second / rms))
}

/// The mean of the channels that have a DR, rounded to a whole number as it is published.
pub(crate) fn rounded_dr(channels: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = channels.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| (known.iter().sum::<f64>() / known.len() as f64).round())
}

/// What a meter of Katz's K-system shows on one of its scales (Katz, *An integrated approach to metering, monitoring,
/// and levelling practices*, J. Audio Eng. Soc. 48/9, 2000): level with its 0 dB so far below full scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KReading {
    /// 20, 14 or 12: 0 dB of the scale lies at -20, -14 or -12 dBFS.
    pub scale: f64,
    /// RMS of all channels over all of the signal, in dB of the scale; a sine is read by its peak.
    pub rms_db: Option<f64>,
    /// The loudest 600 ms of one channel.
    pub max_rms_db: Option<f64>,
    /// The newer form: integrated loudness (BS.1770-5) in LU of the scale.
    pub integrated_lu: Option<f64>,
    /// And the loudest 400 ms.
    pub max_momentary_lu: Option<f64>,
}

/// The reading on each of the three scales.
pub(crate) fn k_system(levels: &Levels, energy: &Energy) -> Vec<KReading> {
    let (integrated, momentary) = (energy.integrated_lufs(), energy.max_momentary_lufs());
    let (rms, loudest) = (power_db(levels.mean_square()), power_db(levels.loudest_square()));
    let scale = |scale: f64| KReading {
        scale,
        rms_db: rms.map(|db| db + SINE_DB + scale),
        max_rms_db: loudest.map(|db| db + SINE_DB + scale),
        integrated_lu: integrated.map(|lufs| lufs + scale),
        max_momentary_lu: momentary.map(|lufs| lufs + scale),
    };
    K_SCALES_DB.map(scale).to_vec()
}
