//! Clicks: single samples, or a few, that follow neither from what stands before them nor from what comes after.
//!
//! The search is that of the click repair ([`dsp::processors::declick`]: autoregression from both sides, matched
//! filter, and a repair that leaves nothing), at the sensitivity that finds what is surely a click. It is asked only
//! about windows that have a sample out of line with its neighbours, which most of music has not.
//!
//! A round pulse is foretold by its own beginning, and no sample of it is out of line. Where it stands alone it is told by
//! that: sound about a millisecond long, far above everything in 8 ms on either side. Instruments and voices do not stop so soon.

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
/// A lonely pulse is looked for in cells of this length, in seconds; it fills three of them at most.
const CELL_S: f64 = 0.0004;
/// After one cell more on either side there is nothing near its height for so many cells.
const LONELY_CELLS: usize = 20;
/// It stands so high above that, by the steps from sample to sample (21 dB), ...
const LONELY: f64 = 11.2;
/// ... and those are taken for no lower than this (-74 dBFS): noise is no sound that a pulse stands alone in.
const FLOOR: f64 = 2e-4;
/// It comes back to where it began, within this part of its height: a step is the edge of a wave.
const RETURNS: f64 = 0.25;
/// More than this many within so many seconds are a wave of pulses.
const CROWD: usize = 4;
const CROWD_S: f64 = 0.25;
/// Places kept.
const PLACES: usize = 100;

audio::wide! {
    /// How far each sample but the first and the last is from the middle between its neighbours.
    fn second_differences(samples: &[f64], to: &mut [f64]) {
        let inner = to.len();
        let (before, at, after) = (&samples[..inner], &samples[1..=inner], &samples[2..inner + 2]);
        for n in 0..inner {
            to[n] = (at[n] - 0.5 * (before[n] + after[n])).abs();
        }
    }
}

audio::wide! {
    /// The highest of some values that are not negative.
    fn highest_of(values: &[f64]) -> f64 {
        let mut most = [0.0f64; 8];
        let chunks = values.chunks_exact(8);
        let rest = chunks.remainder().iter().fold(0.0, |most: f64, x| if *x > most { *x } else { most });
        for chunk in chunks {
            for lane in 0..8 {
                most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
            }
        }
        most.iter().fold(rest, |most, x| if *x > most { *x } else { most })
    }
}

audio::wide! {
    /// How many values are below a limit when they are taken so many times.
    fn count_below(values: &[f64], times: f64, limit: f64) -> usize {
        values.iter().map(|x| usize::from(times * x < limit)).sum()
    }
}

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
    /// A pulse that was found by standing alone.
    lonely: bool,
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
    cells: Vec<f64>,
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
            cells: Vec::new(),
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
                            let channel = channel as u32;
                            places.push(Place { frame, channel, height, highest, lonely: false });
                        }
                    });
                }
                self.find_lonely(channel);
            }
            self.next += (self.size / 2) as i64;
            self.framer.forget(self.next);
        }
    }

    /// Finds pulses that stand alone in the middle half.
    fn find_lonely(&mut self, channel: usize) {
        let frame = self.framer.frame(channel, self.next);
        let length = ((CELL_S * self.sample_rate_hz) as usize).max(2);
        let step = |w: &[f64]| (w[1] - w[0]).abs();
        let highest = |cell: &[f64]| cell.windows(2).map(step).fold(0.0, f64::max);
        // Cells share their edges, so that every step is in one.
        let cells = (frame.len() - 1) / length;
        self.cells.clear();
        self.cells.extend((0..cells).map(|cell| highest(&frame[cell * length..=(cell + 1) * length])));
        let most = |cells: &[f64]| cells.iter().fold(FLOOR, |most, x| most.max(*x));
        let (from, to) = (self.size / 4 / length, 3 * self.size / 4 / length);
        for cell in from.max(LONELY_CELLS + 1)..(to + 1).min(cells.saturating_sub(LONELY_CELLS + 2)) {
            let height = self.cells[cell].max(self.cells[cell + 1]);
            // The cell of its highest step; what rises to it is in the one before, what falls in the one after.
            if self.cells[cell] < height || height < LONELY * FLOOR {
                continue;
            }
            let before = most(&self.cells[cell - 1 - LONELY_CELLS..cell - 1]);
            let after = most(&self.cells[cell + 2..cell + 2 + LONELY_CELLS]);
            if height > LONELY * before.max(after) {
                let pulse = &frame[(cell - 1) * length..=(cell + 2) * length];
                let (start, end) = (pulse[0], pulse[pulse.len() - 1]);
                let above = |n: usize| (pulse[n] - 0.5 * (start + end)).abs();
                let top = (0..pulse.len()).fold(0, |top, n| if above(n) > above(top) { n } else { top });
                if (end - start).abs() > RETURNS * above(top) {
                    continue;
                }
                self.places.push(Place {
                    frame: (self.next + ((cell - 1) * length + top) as i64).max(0) as Frames,
                    channel: channel as u32,
                    height: height as f32,
                    highest: pulse[top].abs() as f32,
                    lonely: true,
                });
            }
        }
    }

    /// Takes away the pulses of waves, whose places are in the order of time.
    fn thin_crowds(&mut self) {
        let reach = (CROWD_S * self.sample_rate_hz) as Frames;
        let places = &self.places;
        let is_crowded = |at: usize| {
            let place = places[at];
            let same = |other: &&Place| other.lonely && other.channel == place.channel;
            let near = |other: &&Place| other.frame.abs_diff(place.frame) <= reach;
            let before = places[..at].iter().rev().take_while(near).filter(same).count();
            let after = places[at..].iter().take_while(near).filter(same).count();
            place.lonely && before + after > CROWD
        };
        let kept = (0..places.len()).filter(|at| !is_crowded(*at)).map(|at| places[at]).collect();
        self.places = kept;
    }

    /// The quick test: has the middle half a second difference far above those around it?
    fn is_suspect(&mut self, channel: usize) -> bool {
        let frame = self.framer.frame(channel, self.next);
        let cell = ((2.0 * AROUND_S * self.sample_rate_hz) as usize).max(16);
        let (from, to) = (self.size / 4 - 1, 3 * self.size / 4 - 1);
        self.differences.resize(to - from, 0.0);
        second_differences(&frame[from..to + 2], &mut self.differences);
        for differences in self.differences.chunks(cell) {
            let highest = highest_of(differences);
            // Higher than so many times the middle one: then more than half of them are that far below it.
            if highest >= 0.5 * LEAST && 2 * count_below(differences, OUTLIER, highest) > differences.len() {
                return true;
            }
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
        self.thin_crowds();
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
