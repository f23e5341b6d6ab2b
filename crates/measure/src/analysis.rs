//! Everything about one signal in one pass.

use crate::bins::Binner;
use crate::error::Error;
use crate::facts::{ChannelFacts, Facts};
use crate::loudness::{Energy, LoudnessSeries, SHORT_TERM_BINS, STEP_BINS};
use crate::stats::{nearest_rank, sorted};
use crate::true_peak::TruePeak;
use audio::{BlockRef, Layout, gain_to_db};

/// The peaks that PSR compares with short-term loudness are kept for stretches of this length, in seconds.
const PEAK_STRETCH_S: f64 = 0.25;
/// Windows more than this below integrated loudness say nothing about density: pauses and fades, in LU.
const PSR_GATE_LU: f64 = -20.0;

/// What to read, beyond loudness and levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Oversampling of the true peak: 4, 8, 16 or 32.
    pub true_peak_factor: usize,
    /// Spectrum, bands, width, onsets and the power frames for masking.
    pub spectrum: bool,
    /// The range of pitch.
    pub pitch: bool,
}

impl Default for Options {
    /// Everything, with a true peak fit for quality control.
    fn default() -> Options {
        Options { true_peak_factor: 16, spectrum: true, pitch: true }
    }
}

/// What came out of one pass over a signal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// The readings.
    pub facts: Facts,
    /// Momentary and short-term loudness every 10 ms.
    pub loudness: LoudnessSeries,
}

/// Reads a signal block by block and makes its [`Facts`].
#[derive(Debug, Clone)]
pub struct Analyser {
    sample_rate_hz: f64,
    options: Options,
    binner: Binner,
    energy: Energy,
    true_peak: TruePeak,
}

impl Analyser {
    /// An analyser for signals of a sample rate in hertz (8 to 768 kHz) and a layout.
    pub fn new(sample_rate_hz: f64, layout: Layout, options: Options) -> Result<Analyser, Error> {
        let channels = layout.channels();
        let energy = Energy::new(sample_rate_hz, layout)?;
        Ok(Analyser {
            sample_rate_hz,
            options,
            binner: Binner::new(sample_rate_hz, channels),
            energy,
            true_peak: TruePeak::new(channels, options.true_peak_factor)?
                .with_stretches((PEAK_STRETCH_S * sample_rate_hz) as usize),
        })
    }

    /// Takes the next block: channels x any number of frames; how the signal is cut does not matter.
    pub fn push(&mut self, block: &BlockRef) {
        let (energy, true_peak) = (&mut self.energy, &mut self.true_peak);
        self.binner.push(block, |bin| {
            energy.bin(bin);
            true_peak.push(bin);
        });
    }

    /// The readings of all that was taken.
    pub fn finish(mut self) -> Analysis {
        self.true_peak.push(&self.binner.rest());
        let peaks = self.true_peak.reading();
        let frames = self.binner.frames();
        let integrated_lufs = self.energy.integrated_lufs();
        let true_peak_dbtp = peaks.dbtp();
        let psr = self.peak_to_short_term(integrated_lufs);
        let facts = Facts {
            sample_rate_hz: self.sample_rate_hz,
            channels: peaks.channels.len(),
            frames,
            duration_s: frames as f64 / self.sample_rate_hz,
            integrated_lufs,
            max_momentary_lufs: self.energy.max_momentary_lufs(),
            max_short_term_lufs: self.energy.max_short_term_lufs(),
            loudness_range_lu: self.energy.range_lu(),
            true_peak_dbtp,
            true_peak_frame: true_peak_dbtp.and(peaks.highest()).map(|p| p.frame),
            true_peak_factor: self.options.true_peak_factor,
            plr_lu: true_peak_dbtp.zip(integrated_lufs).map(|(peak, loudness)| peak - loudness),
            psr_min_lu: psr.first().copied(),
            psr_p5_lu: nearest_rank(&psr, 0.05),
            psr_median_lu: nearest_rank(&psr, 0.5),
            non_finite_samples: self.binner.dirty_samples(),
            per_channel: peaks
                .channels
                .iter()
                .map(|p| ChannelFacts {
                    true_peak_dbtp: Some(gain_to_db(p.level)).filter(|db| db.is_finite()),
                    ..ChannelFacts::default()
                })
                .collect(),
            ..Facts::default()
        };
        Analysis { facts, loudness: self.energy.series(1) }
    }

    /// True peak of the last 3 s minus their short-term loudness every 100 ms, in ascending order.
    fn peak_to_short_term(&self, integrated_lufs: Option<f64>) -> Vec<f64> {
        let Some(gate) = integrated_lufs.map(|lufs| lufs + PSR_GATE_LU) else { return Vec::new() };
        let (peaks, length) = self.true_peak.stretches();
        let ends = (SHORT_TERM_BINS..=self.energy.bins()).step_by(STEP_BINS);
        sorted(ends.filter_map(|end| {
            let loudness = self.energy.short_term_lufs(end).filter(|lufs| *lufs >= gate)?;
            let (from, to) = self.energy.frames(end - SHORT_TERM_BINS, end);
            let peak = peaks[from / length..to.div_ceil(length).min(peaks.len())].iter().copied();
            Some(gain_to_db(peak.fold(0.0, f64::max)) - loudness).filter(|lu| lu.is_finite())
        }))
    }
}

/// Everything about a whole block: channels of the layout x frames, at a sample rate in hertz.
pub fn analyse(
    block: &BlockRef,
    sample_rate_hz: f64,
    layout: Layout,
    options: Options,
) -> Result<Analysis, Error> {
    let mut analyser = Analyser::new(sample_rate_hz, layout, options)?;
    analyser.push(block);
    Ok(analyser.finish())
}
