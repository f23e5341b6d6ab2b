//! Clicks: single samples, or a few, that follow neither from what stands before them nor from what comes after.
//!
//! The search is that of the click repair ([`dsp::processors::declick`]: autoregression from both sides, matched
//! filter, and a repair that leaves nothing), at the sensitivity that finds what is surely a click. It is asked only
//! about windows that have a sample out of line with its neighbours, which most of music has not.

use crate::frames::Framer;
use audio::{BlockRef, Frames};
use dsp::processors::declick::{Search, Settings};

/// Sensitivity of the search in percent: what is surely a click.
const SENSITIVITY_PERCENT: f64 = 50.0;
/// A window is searched when a second difference in its middle half is so many times the middle one around it.
const OUTLIER: f64 = 8.0;
/// The middle one is taken over this part of the window to either side, in seconds.
const AROUND_S: f64 = 0.004;
/// A click is as high as this at least (-66 dBFS).
const LEAST: f64 = 0.0005;
/// Clicks of two channels that begin within this are one, in seconds.
const SAME_S: f64 = 0.001;
/// In a channel that clips, clicks beside samples this near to its highest are the corners of clipped tops.
const NEAR_TOP: f64 = 0.8;
/// Nearer to the ends of the signal none counts, in seconds: a file that begins or ends within a sound steps there.
const EDGE_S: f64 = 0.012;
/// Places kept.
const PLACES: usize = 100;

/// A click.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Where its repair changes most.
    frame: Frames,
    channel: u32,
    /// By how much.
    height: f32,
    /// The highest sample near it.
    highest: f32,
}

/// The search in all channels.
#[derive(Clone)]
pub(crate) struct Clicks {
    framer: Framer,
    search: Search,
    sample_rate_hz: f64,
    size: usize,
    /// Frames that are beside a click.
    near: usize,
    next: i64,
    channels: usize,
    places: Vec<Place>,
    frames: Frames,
    differences: Vec<f64>,
    sorted: Vec<f64>,
}

impl Clicks {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> Clicks {
        let settings = Settings { sensitivity_percent: SENSITIVITY_PERCENT, ..Settings::default() };
        let search = Search::new(sample_rate_hz, &settings);
        let size = search.window_frames();
        let first = -((size / 4) as i64);
        Clicks {
            framer: Framer::new(channels, size, first),
            search,
            sample_rate_hz,
            size,
            near: (SAME_S * sample_rate_hz) as usize,
            next: first,
            channels,
            places: Vec::new(),
            frames: 0,
            differences: Vec::new(),
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
                    let (window, next) = (self.framer.frame(channel, self.next), self.next);
                    let places = &mut self.places;
                    let near = self.near;
                    self.search.search(window, |at, height| {
                        if height >= LEAST {
                            let around = at.saturating_sub(near)..(at + near).min(window.len());
                            let highest = window[around].iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                            let frame = (next + at as i64).max(0) as Frames;
                            let (height, highest) = (height as f32, highest as f32);
                            places.push(Place { frame, channel: channel as u32, height, highest });
                        }
                    });
                }
            }
            self.next += (self.size / 2) as i64;
            self.framer.forget(self.next);
        }
    }

    /// The quick test: has the middle half a second difference far above those around it?
    fn is_suspect(&mut self, channel: usize) -> bool {
        let frame = self.framer.frame(channel, self.next);
        let second = |w: &[f64]| (w[1] - 0.5 * (w[0] + w[2])).abs();
        self.differences.clear();
        self.differences.extend(frame.windows(3).map(second));
        let cell = ((2.0 * AROUND_S * self.sample_rate_hz) as usize).max(16);
        let (from, to) = (self.size / 4 - 1, 3 * self.size / 4 - 1);
        let mut at = from;
        while at < to {
            let end = (at + cell).min(to);
            let highest = self.differences[at..end].iter().fold(0.0, |most: f64, d| most.max(*d));
            if highest >= 0.5 * LEAST {
                self.sorted.clear();
                self.sorted.extend(&self.differences[at..end]);
                let middle = self.sorted.len() / 2;
                let (_, middle, _) = self.sorted.select_nth_unstable_by(middle, f64::total_cmp);
                if highest > OUTLIER * *middle {
                    return true;
                }
            }
            at = end;
        }
        false
    }

    /// The number of clicks, and the times of the first of them in seconds. `clipped` holds for each channel that
    /// clips its highest sample.
    pub(crate) fn finish(mut self, clipped: &[Option<f64>]) -> (usize, Vec<f64>) {
        self.framer.finish();
        self.work();
        let edge = (EDGE_S * self.sample_rate_hz) as Frames;
        self.places.retain(|place| {
            let top = clipped[place.channel as usize];
            let corner = top.is_some_and(|top| f64::from(place.highest) >= NEAR_TOP * top);
            place.frame > edge && place.frame + edge < self.frames && !corner
        });
        self.places.sort_by_key(|place| place.frame);
        let same = (SAME_S * self.sample_rate_hz) as Frames;
        // Both channels of one click, and its pieces: the place is that of the highest.
        self.places.dedup_by(|later, earlier| {
            let one = later.frame - earlier.frame <= same;
            if one && later.height > earlier.height {
                *earlier = *later;
            }
            one
        });
        let mut places: Vec<Frames> = self.places.iter().map(|place| place.frame).collect();
        let (count, rate) = (places.len(), self.sample_rate_hz);
        places.truncate(PLACES);
        (count, places.into_iter().map(|frame| frame as f64 / rate).collect())
    }
}
