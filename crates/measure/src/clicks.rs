//! Clicks: single samples, or a few, that do not follow from what stands before them.
//!
//! A frame whose second difference has an outlier is predicted from its own past (linear prediction by the
//! autocorrelation method, Levinson's recursion), and what the prediction misses is searched: a click is an
//! error many times the usual one (Godsill & Rayner, *Digital Audio Restoration*, 1998, chapter 5), shorter
//! than a millisecond, alone among its neighbours (the pulses of a voice have equals), and not the beginning
//! of something (a stroke goes on).

use crate::frames::Framer;
use audio::{BlockRef, Frames};

/// Frames last about this long, in seconds; half of each is new.
const FRAME_S: f64 = 0.04;
/// Coefficients of the prediction.
const ORDER: usize = 32;
/// An outlier of the second difference is so many times the middle one.
const OUTLIER: f64 = 12.0;
/// And of the prediction error so many times its robust deviation.
const DEVIATIONS: f64 = 12.0;
/// The middle magnitude of a normal distribution, in deviations.
const MIDDLE: f64 = 0.6745;
/// A click is as high as this at least (-60 dBFS).
const LEAST: f64 = 0.001;
/// And so many times higher than every other error within so many seconds, either way.
const ALONE: f64 = 4.0;
const ALONE_S: f64 = 0.012;
/// It lasts no longer than this, in seconds.
const LONGEST_S: f64 = 0.001;
/// The power of the errors after it may be so many times that before it, each over so many seconds.
const GOES_ON: f64 = 4.0;
const SIDE_S: f64 = 0.004;
/// Places kept.
const PLACES: usize = 100;

/// The search in all channels.
#[derive(Clone)]
pub(crate) struct Clicks {
    framer: Framer,
    sample_rate_hz: f64,
    size: usize,
    next: i64,
    channels: usize,
    places: Vec<Frames>,
    frames: Frames,
    error: Vec<f64>,
    sorted: Vec<f64>,
}

impl Clicks {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> Clicks {
        let size = (((FRAME_S * sample_rate_hz) as usize) / 4 * 4).max(16 * ORDER);
        Clicks {
            framer: Framer::new(channels, size, -((size / 4) as i64)),
            sample_rate_hz,
            size,
            next: -((size / 4) as i64),
            channels,
            places: Vec::new(),
            frames: 0,
            error: Vec::new(),
            sorted: Vec::new(),
        }
    }

    /// Takes clean samples.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        self.frames += block.frames();
        self.framer.push(block);
        self.work();
    }

    fn work(&mut self) {
        while self.framer.has(self.next) {
            for channel in 0..self.channels {
                if self.is_suspect(channel) {
                    self.search(channel);
                }
            }
            self.next += (self.size / 2) as i64;
            self.framer.forget(self.next);
        }
    }

    /// The quick test: does the second difference of the new half have an outlier?
    fn is_suspect(&mut self, channel: usize) -> bool {
        let frame = self.framer.frame(channel, self.next);
        let second = |w: &[f64]| (w[1] - 0.5 * (w[0] + w[2])).abs();
        let new = &frame[self.size / 4..3 * self.size / 4];
        let highest = new.windows(3).map(second).fold(0.0, f64::max);
        if highest < 0.5 * LEAST {
            return false;
        }
        self.sorted.clear();
        self.sorted.extend(frame.windows(3).map(second));
        let middle = self.sorted.len() / 2;
        let (_, middle, _) = self.sorted.select_nth_unstable_by(middle, f64::total_cmp);
        highest > OUTLIER * *middle
    }

    fn search(&mut self, channel: usize) {
        let frames = |seconds: f64| ((seconds * self.sample_rate_hz) as usize).max(2);
        let (alone, longest, side) = (frames(ALONE_S), frames(LONGEST_S), frames(SIDE_S));
        predict(self.framer.frame(channel, self.next), &mut self.error);
        let error = std::mem::take(&mut self.error);
        self.sorted.clear();
        self.sorted.extend(error.iter().map(|e| e.abs()));
        let middle = self.sorted.len() / 2;
        let (_, middle, _) = self.sorted.select_nth_unstable_by(middle, f64::total_cmp);
        let least = (DEVIATIONS * *middle / MIDDLE).max(LEAST);
        let mut at = self.size / 4;
        while at < 3 * self.size / 4 {
            if error[at].abs() < least {
                at += 1;
                continue;
            }
            // The cluster: up to the last outlier within its longest duration.
            let reach = &error[at..(at + longest).min(error.len())];
            let length = reach.iter().rposition(|e| e.abs() >= least).map_or(1, |last| last + 1);
            let highest = |best: (usize, f64), (n, e): (usize, &f64)| {
                if e.abs() > best.1 { (n, e.abs()) } else { best }
            };
            let (place, height) = reach[..length].iter().enumerate().fold((0, 0.0), highest);
            // The prediction of what follows a click is wrong for as long as the click is in its past.
            let after = (at + length + ORDER).min(error.len());
            let near = error[at.saturating_sub(alone)..at.saturating_sub(2)]
                .iter()
                .chain(&error[after..(after + alone).min(error.len())]);
            let highest = near.fold(0.0, |most: f64, e| most.max(e.abs()));
            let power = |part: &[f64]| part.iter().map(|e| e * e).sum::<f64>() / part.len().max(1) as f64;
            let before = power(&error[at.saturating_sub(side)..at.saturating_sub(2)]);
            let goes_on = power(&error[after..(after + side).min(error.len())])
                > GOES_ON * before.max((LEAST * 0.03).powi(2));
            if height > ALONE * highest && !goes_on {
                self.note((self.next + (at + place) as i64).max(0) as Frames);
            }
            at = after;
        }
        self.error = error;
    }

    fn note(&mut self, frame: Frames) {
        // Both channels of one click, and one that two frames have seen.
        let same = (LONGEST_S * 2.0 * self.sample_rate_hz) as Frames;
        let near = self.places.iter().rev().take(2 * self.channels * PLACES);
        if near.into_iter().any(|place| place.abs_diff(frame) <= same) {
            return;
        }
        self.places.push(frame);
    }

    /// The number of clicks, and the times of the first of them in seconds.
    pub(crate) fn finish(mut self) -> (usize, Vec<f64>) {
        self.framer.finish();
        self.work();
        // A file that begins or ends within a sound steps there.
        let edge = (ALONE_S * self.sample_rate_hz) as Frames;
        self.places.retain(|frame| *frame > edge && *frame + edge < self.frames);
        self.places.sort_unstable();
        let (count, rate) = (self.places.len(), self.sample_rate_hz);
        self.places.truncate(PLACES);
        (count, self.places.into_iter().map(|frame| frame as f64 / rate).collect())
    }
}

/// What linear prediction of a frame from its own past misses.
fn predict(frame: &[f64], error: &mut Vec<f64>) {
    let mut correlation = [0.0; ORDER + 1];
    for (lag, sum) in correlation.iter_mut().enumerate() {
        *sum = crate::levels::dot(&frame[lag..], &frame[..frame.len() - lag]);
    }
    // A little white noise keeps the recursion stable for pure tones.
    correlation[0] = correlation[0] * (1.0 + 1e-9) + 1e-12;
    let mut filter = [0.0; ORDER + 1];
    filter[0] = 1.0;
    let mut power = correlation[0];
    for order in 1..=ORDER {
        let sum: f64 = (0..order).map(|n| filter[n] * correlation[order - n]).sum();
        let reflection = -sum / power;
        let before = filter;
        for n in 1..=order {
            filter[n] = before[n] + reflection * before[order - n];
        }
        power *= 1.0 - reflection * reflection;
        if power <= 0.0 {
            break;
        }
    }
    error.clear();
    error.resize(frame.len(), 0.0);
    for n in ORDER..frame.len() {
        error[n] = (0..=ORDER).map(|k| filter[k] * frame[n - k]).sum();
    }
}
