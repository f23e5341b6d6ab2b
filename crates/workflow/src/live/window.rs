//! The latest stretch of a signal, and meters that read it as a whole.

use crate::WorkflowError;
use audio::{BlockRef, Buffer, Frames, Layout, gain_to_db};
use measure::{Analyser, Facts, Options, TruePeak};
use std::f64::consts::PI;

/// Image and spectrum are those of the last 400 ms, as momentary loudness is.
const IMAGE_S: f64 = 0.4;
/// Both ends of that stretch are faded, so that its edges put nothing into the spectrum.
const IMAGE_FADE_S: f64 = 0.02;
/// Fades of the windows for peaks: long beside the interpolator's reach, and beside a period of the top octave.
const PEAK_FADE_S: f64 = 0.005;
const LEAST_PEAK_FADE: Frames = 64;
/// Oversampling of the true peak: as the long-term meter of a file (see `measure::Options`), 0.03 dB at most low.
const PEAK_FACTOR: usize = 16;
/// What a goniometer shows: the last 50 ms in so many points.
const SCOPE_S: f64 = 0.05;
const SCOPE_POINTS: usize = 400;

/// The latest samples of every channel.
pub(super) struct Recent {
    lines: Vec<Vec<f64>>,
    /// Frames that came in all, and at most how many of them are needed.
    frames: Frames,
    needed: Frames,
    rate_hz: f64,
}

impl Recent {
    pub(super) fn new(rate_hz: f64, channels: usize) -> Recent {
        let needed = (IMAGE_S * rate_hz).ceil() as Frames + 2 * peak_fade(rate_hz);
        Recent { lines: vec![Vec::new(); channels], frames: 0, needed, rate_hz }
    }

    pub(super) fn push(&mut self, block: &BlockRef) {
        let needed = self.needed;
        for (line, samples) in self.lines.iter_mut().zip(block.iter()) {
            line.extend_from_slice(samples);
            if line.len() > 4 * needed {
                line.drain(..line.len() - needed);
            }
        }
        self.frames += block.frames();
    }

    /// As much silence as brings the end of the signal out of the fades.
    pub(super) fn push_silence(&mut self) {
        let silence = Buffer::new(self.lines.len(), 2 * peak_fade(self.rate_hz));
        self.push(&silence.as_block());
    }

    /// The last `frames`, or all there are.
    fn last(&self, frames: Frames) -> impl Iterator<Item = &[f64]> {
        self.lines.iter().map(move |line| &line[line.len() - frames.min(line.len())..])
    }

    /// Left and right of the last 50 ms, thinned out; empty unless there are two channels.
    pub(super) fn scope(&self) -> Vec<(f64, f64)> {
        let frames = (SCOPE_S * self.rate_hz) as Frames;
        let mut last = self.last(frames);
        match (last.next(), last.next(), last.next()) {
            (Some(left), Some(right), None) => {
                let step = frames.div_ceil(SCOPE_POINTS).max(1);
                left.iter().copied().zip(right.iter().copied()).step_by(step).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn peak_fade(rate_hz: f64) -> Frames {
    ((PEAK_FADE_S * rate_hz).ceil() as Frames).max(LEAST_PEAK_FADE)
}

/// Raised-cosine fades over so many frames at the chosen ends.
fn fade(samples: &mut [f64], frames: Frames, at_start: bool) {
    let frames = frames.min(samples.len() / 2);
    let weight = |n: usize| 0.5 - 0.5 * (PI * (n as f64 + 0.5) / frames as f64).cos();
    let last = samples.len() - 1;
    for n in 0..frames {
        samples[last - n] *= weight(n);
        if at_start {
            samples[n] *= weight(n);
        }
    }
}

/// True peaks since the last reading. Windows overlap by twice their fades, so that every moment stands once in a part
/// that is not faded: the highest of all readings is the true peak of the whole, and an abrupt end of a window makes
/// no peak that the signal does not have.
pub(super) struct PeakWindow {
    fresh: TruePeak,
    fade: Frames,
    end: Frames,
}

impl PeakWindow {
    pub(super) fn new(rate_hz: f64, channels: usize) -> Result<PeakWindow, WorkflowError> {
        Ok(PeakWindow { fresh: TruePeak::new(channels, PEAK_FACTOR)?, fade: peak_fade(rate_hz), end: 0 })
    }

    /// The highest absolute value of each channel since the last call, 1.0 being full scale.
    pub(super) fn read(&mut self, recent: &Recent) -> Vec<f64> {
        let frames = recent.frames - self.end + (2 * self.fade).min(self.end);
        let begins = frames == recent.frames;
        self.end = recent.frames;
        if frames == 0 {
            return vec![0.0; recent.lines.len()];
        }
        let mut channels: Vec<Vec<f64>> = recent.last(frames).map(<[f64]>::to_vec).collect();
        channels.iter_mut().for_each(|samples| fade(samples, self.fade, !begins));
        let mut meter = self.fresh.clone();
        meter.push(&Buffer::from_channels(&channels).as_block());
        meter.reading().channels.iter().map(|peak| peak.level).collect()
    }
}

/// Image and spectrum of the last 400 ms, by the meters that read files.
pub(super) struct Image {
    fresh: Analyser,
    frames: Frames,
    fade: Frames,
}

impl Image {
    pub(super) fn new(rate_hz: f64, layout: Layout) -> Result<Image, WorkflowError> {
        let options =
            Options { true_peak_factor: 4, spectrum: true, pitch: false, music: false, ..Options::default() };
        let frames = |seconds: f64| (seconds * rate_hz).round() as Frames;
        let fresh = Analyser::new(rate_hz, layout, options)?;
        Ok(Image { fresh, frames: frames(IMAGE_S), fade: frames(IMAGE_FADE_S) })
    }

    /// `None` before the first full stretch.
    pub(super) fn read(&self, recent: &Recent) -> Option<Facts> {
        let mut channels: Vec<Vec<f64>> = recent.last(self.frames).map(<[f64]>::to_vec).collect();
        if channels.first()?.len() < self.frames {
            return None;
        }
        channels.iter_mut().for_each(|samples| fade(samples, self.fade, true));
        let mut meter = self.fresh.clone();
        meter.push(&Buffer::from_channels(&channels).as_block());
        Some(meter.finish().facts)
    }
}

/// How long each value of a history of peaks is, in seconds.
const HISTORY_STEP_S: f64 = 0.05;

/// The true peak of every 50 ms, the highest of all channels.
pub(crate) struct PeakHistory {
    recent: Recent,
    window: PeakWindow,
    rate_hz: f64,
    peaks_dbtp: Vec<Option<f64>>,
}

impl PeakHistory {
    /// For a sample rate in hertz and a number of channels.
    pub(crate) fn new(rate_hz: f64, channels: usize) -> Result<PeakHistory, WorkflowError> {
        let (recent, window) = (Recent::new(rate_hz, channels), PeakWindow::new(rate_hz, channels)?);
        Ok(PeakHistory { recent, window, rate_hz, peaks_dbtp: Vec::new() })
    }

    /// Takes the next block of any length.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        let mut taken = 0;
        while taken < block.frames() {
            let end = ((self.peaks_dbtp.len() + 1) as f64 * HISTORY_STEP_S * self.rate_hz).round() as Frames;
            let wanted = end - self.recent.frames;
            let frames = wanted.min(block.frames() - taken);
            self.recent.push(&block.range(taken, frames));
            taken += frames;
            if frames == wanted {
                self.read();
            }
        }
    }

    fn read(&mut self) {
        let highest = self.window.read(&self.recent).into_iter().fold(0.0, f64::max);
        self.peaks_dbtp.push(Some(gain_to_db(highest)).filter(|db| db.is_finite()));
    }

    /// Seconds of a step, and the peak of each in dBTP; `None` for silence. The last step may be short.
    pub(crate) fn finish(mut self) -> (f64, Vec<Option<f64>>) {
        // What stood in the fade of the last window belongs to it.
        self.recent.push_silence();
        let before = self.peaks_dbtp.len();
        self.read();
        let begun = (before as f64 * HISTORY_STEP_S * self.rate_hz).round() as Frames;
        let rest = self.recent.frames - 2 * peak_fade(self.rate_hz) > begun;
        if !rest && let (Some(last), Some(before)) = (self.peaks_dbtp.pop(), self.peaks_dbtp.last_mut()) {
            *before = match (*before, last) {
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
        }
        (HISTORY_STEP_S, self.peaks_dbtp)
    }
}
