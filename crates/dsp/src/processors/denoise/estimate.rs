//! Noise prints: learning one, and spreading it over the bins of a transform.

use super::Tracker;
use crate::blocks::math;
use crate::blocks::stft::{Frame, Shape, Spectral, Stft};
use audio::{Buffer, SILENCE_DB, power_to_db};

/// One point of a noise print.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintPoint {
    /// Centre of the band in hertz.
    pub freq_hz: f64,
    /// Mean power per hertz in decibels; 0 dB is a mean square of 1.
    pub level_db: f64,
}

/// The lowest point of a print.
const LOWEST_HZ: f64 = 20.0;

/// Points per octave: the steepest part of most noise falls by 3 dB from one to the next.
const POINTS_PER_OCTAVE: f64 = 6.0;

/// Length of the frames that are looked at.
const FRAME_SECONDS: f64 = 0.0853;

/// How long something must stand still under music to be noise.
const STILL_SECONDS: f64 = 3.0;

/// Collects the frames' power.
struct Collector {
    sum: Vec<f64>,
    frames: usize,
}

impl Spectral for Collector {
    fn idle(&self) -> bool {
        false
    }
    fn wake(&mut self) {}
    fn hear(&mut self, frame: &Frame<'_>, _: &mut [f64]) -> bool {
        if frame.whole {
            self.sum.iter_mut().zip(frame.power).for_each(|(sum, power)| *sum += power);
            self.frames += 1;
        }
        false
    }
}

/// Follows the noise and keeps what it was from time to time.
struct Follower {
    tracker: Tracker,
    /// Frames that are complete and heard.
    frames: usize,
    every: usize,
    kept: Vec<Vec<f64>>,
}

impl Spectral for Follower {
    fn idle(&self) -> bool {
        false
    }
    fn wake(&mut self) {
        self.tracker.reset(None);
    }
    fn hear(&mut self, frame: &Frame<'_>, _: &mut [f64]) -> bool {
        if !frame.whole {
            return false;
        }
        self.tracker.hear(frame.power);
        self.frames += 1;
        if self.frames.is_multiple_of(self.every) {
            self.kept.push(self.tracker.noise().to_vec());
        }
        false
    }
}

/// The noise print of a stretch where nothing but the noise sounds.
///
/// `samples` is one channel (of several, learn from each and take the mean power, or from the loudest); at
/// least half a second, better some seconds. Empty when it is too short or holds digital silence only. The print has six points
/// per octave from 20 Hz to just under half the sample rate. Method: Welch's mean of squared spectra (1967).
pub fn learn(samples: &[f64], sample_rate_hz: f64) -> Vec<PrintPoint> {
    let shape = Shape::of_seconds(FRAME_SECONDS, sample_rate_hz, 0);
    let mut collector = Collector { sum: vec![0.0; shape.bins()], frames: 0 };
    // Only frames that are noise from end to end count.
    let whole = (samples.len() / shape.hop()).saturating_sub(3);
    if whole == 0 {
        return Vec::new();
    }
    let mut stft = Stft::new(shape, 1, false);
    let mut audio = Buffer::from_channels(&[samples.to_vec()]);
    stft.process(&mut audio.range_mut(0, 3 * shape.hop()), None, &mut Discard);
    stft.process(&mut audio.range_mut(3 * shape.hop(), whole * shape.hop()), None, &mut collector);
    if collector.frames == 0 {
        return Vec::new();
    }
    let share = 1.0 / collector.frames as f64;
    collector.sum.iter_mut().for_each(|sum| *sum *= share);
    print_of(shape.bins(), shape, sample_rate_hz, |from, to| {
        collector.sum[from..=to].iter().sum::<f64>() / (to - from + 1) as f64
    })
}

/// The noise print of a recording without a silent stretch: the median over time of what [`Tracker`] finds,
/// and a lower quantile of it over neighbouring bins, as partials that stand for long are narrow.
///
/// `samples` is one channel, at least some seconds; the louder the noise against the music's pauses and gaps
/// between partials, the surer. Empty when it is too short.
pub fn learn_under_music(samples: &[f64], sample_rate_hz: f64) -> Vec<PrintPoint> {
    let shape = Shape::of_seconds(FRAME_SECONDS, sample_rate_hz, 0);
    let hops = (STILL_SECONDS * sample_rate_hz / shape.hop() as f64).round();
    let tracker = Tracker::new(shape.bins(), hops);
    let mut follower = Follower { tracker, frames: 0, every: (hops as usize / 8).max(1), kept: Vec::new() };
    let mut stft = Stft::new(shape, 1, false);
    let mut audio = Buffer::from_channels(&[samples.to_vec()]);
    stft.process(&mut audio.as_block_mut(), None, &mut follower);
    // The first window knows too little.
    let settled = if follower.kept.len() > 16 { 8 } else { follower.kept.len() / 2 };
    let kept = &follower.kept[settled..];
    if kept.is_empty() {
        return Vec::new();
    }
    let mut values = vec![0.0; kept.len()];
    let median: Vec<f64> = (0..shape.bins())
        .map(|k| {
            values.iter_mut().zip(kept).for_each(|(value, noise)| *value = noise[k]);
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        })
        .collect();
    let mut scratch = vec![0.0; shape.bins()];
    print_of(shape.bins(), shape, sample_rate_hz, |from, to| {
        let width_hz = sample_rate_hz / shape.size as f64;
        let centre_hz = width_hz * 0.5 * (from + to) as f64;
        let (from, to) = around(centre_hz, REACH_OCTAVES, REACH_BINS, width_hz, median.len());
        quantile(&median[from..=to], &mut scratch)
    })
}

/// Hears nothing.
struct Discard;

impl Spectral for Discard {
    fn idle(&self) -> bool {
        true
    }
    fn wake(&mut self) {}
    fn hear(&mut self, _: &Frame<'_>, _: &mut [f64]) -> bool {
        false
    }
}

/// Frequencies of the points of a print.
fn frequencies(sample_rate_hz: f64) -> impl Iterator<Item = f64> {
    let half = (0.5 / POINTS_PER_OCTAVE).exp2();
    let points = ((0.5 * sample_rate_hz / half / LOWEST_HZ).log2() * POINTS_PER_OCTAVE).floor() as usize + 1;
    (0..points).map(|point| LOWEST_HZ * (point as f64 / POINTS_PER_OCTAVE).exp2())
}

/// A print of power per bin: at each point what `value` makes of the bins from one to another around it.
fn print_of(
    bins: usize,
    shape: Shape,
    sample_rate_hz: f64,
    mut value: impl FnMut(usize, usize) -> f64,
) -> Vec<PrintPoint> {
    let width_hz = sample_rate_hz / shape.size as f64;
    let unit = shape.bin_power_per_density(sample_rate_hz);
    frequencies(sample_rate_hz)
        .map(|freq_hz| {
            let (from, to) = around(freq_hz, 0.5 / POINTS_PER_OCTAVE, 0, width_hz, bins);
            let level_db = power_to_db(value(from, to) / unit).clamp(SILENCE_DB, 0.0);
            PrintPoint { freq_hz, level_db }
        })
        .collect()
}

/// The first and the last bin within so many octaves or bins of a frequency, whichever reaches farther; never
/// the bins at the ends, which hold half the power.
fn around(freq_hz: f64, octaves: f64, least: usize, width_hz: f64, bins: usize) -> (usize, usize) {
    let last = bins - 2;
    let middle = ((freq_hz / width_hz).round() as usize).clamp(1, last);
    let from = ((freq_hz / octaves.exp2() / width_hz).ceil() as usize).min(middle.saturating_sub(least));
    let to = ((freq_hz * octaves.exp2() / width_hz).floor() as usize).max(middle + least);
    (from.clamp(1, middle), to.clamp(middle, last))
}

/// A third of the bins lie below the noise that is followed under music: half would do for noise alone, but
/// partials that stand for long take up bins.
const QUANTILE: f64 = 0.33;

/// Octaves and bins to either side of a point in which the quantile is looked for.
const REACH_OCTAVES: f64 = 0.25;
const REACH_BINS: usize = 6;

/// A lower quantile of some bins: noise is much the same over them, partials are not.
fn quantile(power: &[f64], scratch: &mut [f64]) -> f64 {
    let part = &mut scratch[..power.len()];
    part.copy_from_slice(power);
    let rank = (power.len() as f64 * QUANTILE) as usize;
    *part.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// Takes out of followed noise what is too narrow to be broadband noise: standing partials.
pub(super) struct Broadband {
    points: Vec<(f64, f64)>,
    scratch: Vec<f64>,
    width_hz: f64,
}

impl Broadband {
    pub(super) fn new(shape: Shape, sample_rate_hz: f64) -> Broadband {
        let width_hz = sample_rate_hz / shape.size as f64;
        let points = frequencies(sample_rate_hz).map(|freq_hz| (freq_hz, SILENCE_DB)).collect();
        Broadband { points, scratch: vec![0.0; shape.bins()], width_hz }
    }

    /// Writes into `power` the broadband part of `noise` times `factor`, both in power per bin.
    pub(super) fn fill(&mut self, noise: &[f64], factor: f64, power: &mut [f64]) {
        for point in &mut self.points {
            let (from, to) = around(point.0, REACH_OCTAVES, REACH_BINS, self.width_hz, noise.len());
            point.1 = power_to_db(quantile(&noise[from..=to], &mut self.scratch));
        }
        fill(&self.points, self.width_hz, factor, power);
    }
}

/// Writes into `power` the expected power of each bin, `width_hz` apart, for noise along `points` (hertz and
/// decibels per hertz, sorted, at least one); `unit` is the power of a bin at 0 dB per hertz.
pub(super) fn fill(points: &[(f64, f64)], width_hz: f64, unit: f64, power: &mut [f64]) {
    let mut next = 0;
    for (k, power) in power.iter_mut().enumerate() {
        let hz = (k as f64 * width_hz).max(0.5 * width_hz);
        while next < points.len() && points[next].0 <= hz {
            next += 1;
        }
        let level_db = match (next.checked_sub(1).map(|place| points[place]), points.get(next)) {
            (Some(below), Some(above)) => {
                let place = math::log2(hz / below.0) / math::log2(above.0 / below.0);
                below.1 + place * (above.1 - below.1)
            }
            (Some(below), None) => below.1,
            (None, Some(above)) => above.1,
            (None, None) => SILENCE_DB,
        };
        *power = unit * math::exp2(level_db * (2.0 / math::DB_PER_DOUBLING));
    }
}
