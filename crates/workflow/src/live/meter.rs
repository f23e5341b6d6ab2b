//! Meters that follow a signal: EBU mode (EBU Tech 3341), peaks with hold, image, third octaves.

use super::window::{Image, PeakWindow, Recent};
use crate::WorkflowError;
use audio::{BlockRef, Frames, Layout, gain_to_db};
use measure::{BandLevel, Loudness};
use std::collections::VecDeque;

/// Momentary and short-term loudness are read anew every 10 ms, so that their maxima are those of a file meter.
const BINS_PER_SECOND: usize = 100;
/// Peaks are read in windows of this many bins: 50 ms, twenty times a second.
const PEAK_BINS: usize = 5;
/// Image and spectrum are read every 100 ms, the slowest that EBU Tech 3341 allows for what moves.
const IMAGE_BINS: usize = 10;
/// Integrated loudness and range are read every half second; EBU Tech 3341 asks for once a second.
const WHOLE_BINS: usize = 50;
/// PSR compares with the true peak of the last 3 s: so many windows of peaks.
const PSR_WINDOWS: usize = 60;
/// How fast a peak bar falls back: 20 dB in 1.7 s (IEC 60268-18, digital peak meters).
const FALL_DB_PER_S: f64 = 20.0 / 1.7;
/// How long the mark of the highest peak stands, in seconds.
const HOLD_S: f64 = 2.0;
/// The permitted maximum true peak of EBU R 128, in dBTP: above it the lamp of a channel lights.
const PERMITTED_DBTP: f64 = -1.0;
/// One point of the history is the loudest momentary and the last short-term loudness of half a second.
const HISTORY_BINS: usize = 50;
/// Points of the history that are kept: ten minutes.
const HISTORY_POINTS: usize = 1200;

/// One channel's peaks now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LiveChannel {
    /// Where the bar stands, in dBTP: rises at once, falls 20 dB in 1.7 s.
    pub bar_dbtp: Option<f64>,
    /// The highest true peak of the last 2 s, in dBTP.
    pub hold_dbtp: Option<f64>,
    /// The highest true peak since the reset, in dBTP.
    pub max_dbtp: Option<f64>,
    /// Whether that is above the permitted maximum of EBU R 128, -1 dBTP.
    pub over: bool,
}

/// All meters at one moment. `None` is "not defined here", as in silence or before the first full window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveSnapshot {
    /// How much has been measured since the reset, in seconds.
    pub measured_s: f64,
    /// Loudness of the last 400 ms, in LUFS.
    pub momentary_lufs: Option<f64>,
    /// Loudness of the last 3 s, in LUFS.
    pub short_term_lufs: Option<f64>,
    /// The highest momentary loudness since the reset, in LUFS.
    pub max_momentary_lufs: Option<f64>,
    /// The highest short-term loudness since the reset, in LUFS.
    pub max_short_term_lufs: Option<f64>,
    /// Loudness of all since the reset with both gates, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range since the reset, in LU.
    pub loudness_range_lu: Option<f64>,
    /// The highest true peak of all channels since the reset, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// That minus integrated loudness, in LU.
    pub plr_lu: Option<f64>,
    /// True peak of the last 3 s minus their loudness, in LU.
    pub psr_lu: Option<f64>,
    /// The peaks of each channel.
    pub channels: Vec<LiveChannel>,
    /// Correlation of left and right over the last 400 ms, -1 to 1.
    pub correlation: Option<f64>,
    /// Level of right against left over the last 400 ms, in dB.
    pub balance_db: Option<f64>,
    /// Level of the side signal against the middle over the last 400 ms, in dB.
    pub side_mid_db: Option<f64>,
    /// Level lost in mono over the last 400 ms, in dB.
    pub mono_loss_db: Option<f64>,
    /// Third octaves over the last 400 ms, in dBFS.
    pub bands: Vec<BandLevel>,
    /// The loudest momentary and the last short-term loudness of each half second, oldest first, in LUFS.
    pub history_lufs: Vec<(Option<f64>, Option<f64>)>,
    /// Some hundred frames of the last 50 ms, left and right, for a goniometer; empty unless there are two channels.
    pub scope: Vec<(f64, f64)>,
}

/// Meters that are fed by time and can be read at any moment. How the signal is cut into blocks changes nothing.
pub struct LiveMeter {
    rate_hz: f64,
    layout: Layout,
    /// What the last seconds are read from, and what all since the reset is.
    running: Loudness,
    whole: Loudness,
    peaks: PeakWindow,
    image: Image,
    recent: Recent,
    /// Full bins of 10 ms since the start, and the frames that belong to the next.
    bins: usize,
    filled: Frames,
    /// Bins at the last reset.
    reset_bins: usize,
    /// The highest peak of all channels in the latest windows, linear.
    latest: VecDeque<f64>,
    /// For each channel when the mark was set, in bins.
    held: Vec<usize>,
    history: VecDeque<(Option<f64>, Option<f64>)>,
    loudest: Option<f64>,
    snapshot: LiveSnapshot,
}

impl LiveMeter {
    /// Meters for a sample rate in hertz (8 to 768 kHz) and a layout.
    ///
    /// # Errors
    /// When the meters do not work at that rate.
    pub fn new(sample_rate_hz: f64, layout: Layout) -> Result<LiveMeter, WorkflowError> {
        let channels = layout.channels();
        Ok(LiveMeter {
            rate_hz: sample_rate_hz,
            layout,
            running: Loudness::new(sample_rate_hz, layout)?,
            whole: Loudness::new(sample_rate_hz, layout)?,
            peaks: PeakWindow::new(sample_rate_hz, channels)?,
            image: Image::new(sample_rate_hz, layout)?,
            recent: Recent::new(sample_rate_hz, channels),
            bins: 0,
            filled: 0,
            reset_bins: 0,
            latest: VecDeque::new(),
            held: vec![0; channels],
            history: VecDeque::new(),
            loudest: None,
            snapshot: LiveSnapshot { channels: vec![LiveChannel::default(); channels], ..Default::default() },
        })
    }

    /// Begins anew what is measured over all: integrated loudness, range, maxima and lamps, together, as EBU Tech 3341
    /// asks; they read as if the signal began here. What shows the last seconds goes on.
    ///
    /// # Errors
    /// As [`LiveMeter::new`].
    pub fn reset(&mut self) -> Result<(), WorkflowError> {
        self.whole = Loudness::new(self.rate_hz, self.layout)?;
        self.reset_bins = self.bins;
        let now = &mut self.snapshot;
        now.measured_s = 0.0;
        (now.max_momentary_lufs, now.max_short_term_lufs) = (None, None);
        (now.integrated_lufs, now.loudness_range_lu) = (None, None);
        (now.true_peak_dbtp, now.plr_lu) = (None, None);
        for channel in &mut now.channels {
            (channel.max_dbtp, channel.over) = (None, false);
        }
        Ok(())
    }

    /// Takes the next block: channels of the layout x any number of frames.
    ///
    /// # Panics
    /// When the block has another number of channels than the layout.
    pub fn push(&mut self, block: &BlockRef) {
        let mut taken = 0;
        while taken < block.frames() {
            let wanted = self.bin_start(self.bins + 1) - self.bin_start(self.bins) - self.filled;
            let frames = wanted.min(block.frames() - taken);
            let part = block.range(taken, frames);
            self.running.push(&part);
            self.whole.push(&part);
            self.recent.push(&part);
            taken += frames;
            self.filled += frames;
            if frames == wanted {
                self.filled = 0;
                self.bins += 1;
                self.bin_is_full();
            }
        }
    }

    /// Reads what is left of the last window: the signal ends here.
    pub fn finish(&mut self) {
        self.recent.push_silence();
        self.read_peaks();
        self.read_whole();
    }

    /// All meters now.
    pub fn snapshot(&self) -> LiveSnapshot {
        LiveSnapshot {
            history_lufs: self.history.iter().copied().collect(),
            scope: self.recent.scope(),
            ..self.snapshot.clone()
        }
    }

    /// First frame of a bin of 10 ms; rounded, so that bins never drift.
    fn bin_start(&self, bin: usize) -> Frames {
        (bin as f64 * self.rate_hz / BINS_PER_SECOND as f64).round() as Frames
    }

    fn bin_is_full(&mut self) {
        let measured = self.bins - self.reset_bins;
        self.snapshot.measured_s = measured as f64 / BINS_PER_SECOND as f64;
        self.read_loudness();
        if self.bins.is_multiple_of(PEAK_BINS) {
            self.read_peaks();
        }
        if self.bins.is_multiple_of(IMAGE_BINS) {
            self.read_image();
        }
        if measured.is_multiple_of(WHOLE_BINS) {
            self.read_whole();
        }
        if self.bins.is_multiple_of(HISTORY_BINS) {
            self.history.push_back((self.loudest.take(), self.snapshot.short_term_lufs));
            if self.history.len() > HISTORY_POINTS {
                self.history.pop_front();
            }
        }
    }

    fn read_loudness(&mut self) {
        let now = &mut self.snapshot;
        now.momentary_lufs = self.running.momentary_lufs();
        now.short_term_lufs = self.running.short_term_lufs();
        now.max_momentary_lufs = higher(now.max_momentary_lufs, self.whole.momentary_lufs());
        now.max_short_term_lufs = higher(now.max_short_term_lufs, self.whole.short_term_lufs());
        self.loudest = higher(self.loudest, now.momentary_lufs);
    }

    /// What needs all that was heard.
    fn read_whole(&mut self) {
        let now = &mut self.snapshot;
        now.integrated_lufs = self.whole.integrated_lufs();
        now.loudness_range_lu = self.whole.loudness_range_lu();
        now.plr_lu = now.true_peak_dbtp.zip(now.integrated_lufs).map(|(peak, lufs)| peak - lufs);
    }

    fn read_peaks(&mut self) {
        let levels = self.peaks.read(&self.recent);
        let now = &mut self.snapshot;
        let fall_db = FALL_DB_PER_S * PEAK_BINS as f64 / BINS_PER_SECOND as f64;
        let hold_bins = (HOLD_S * BINS_PER_SECOND as f64) as usize;
        for ((channel, level), held) in now.channels.iter_mut().zip(&levels).zip(&mut self.held) {
            let peak = Some(gain_to_db(*level)).filter(|db| db.is_finite());
            channel.bar_dbtp = higher(channel.bar_dbtp.map(|db| db - fall_db), peak);
            if peak >= channel.hold_dbtp || self.bins - *held > hold_bins {
                (channel.hold_dbtp, *held) = (peak, self.bins);
            }
            channel.max_dbtp = higher(channel.max_dbtp, peak);
            channel.over = channel.max_dbtp.is_some_and(|db| db > PERMITTED_DBTP);
        }
        now.true_peak_dbtp = now.channels.iter().fold(None, |most, c| higher(most, c.max_dbtp));
        self.latest.push_back(levels.iter().copied().fold(0.0, f64::max));
        if self.latest.len() > PSR_WINDOWS {
            self.latest.pop_front();
        }
        let latest = Some(gain_to_db(self.latest.iter().copied().fold(0.0, f64::max)));
        let whole = self.latest.len() == PSR_WINDOWS;
        let latest = latest.filter(|db| whole && db.is_finite());
        now.psr_lu = latest.zip(now.short_term_lufs).map(|(peak, lufs)| peak - lufs);
    }

    fn read_image(&mut self) {
        let Some(facts) = self.image.read(&self.recent) else { return };
        let now = &mut self.snapshot;
        (now.correlation, now.balance_db) = (facts.correlation, facts.balance_db);
        (now.side_mid_db, now.mono_loss_db) = (facts.side_mid_db, facts.mono_loss_db);
        now.bands = facts.third_octave_db;
    }
}

/// The higher of two readings, where there are two.
fn higher(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}
