//! The stereo image against time, and what two channels are to each other.
//!
//! Both are read from the spectra of [`crate::spectrum`]: windows of 0.34 to 0.37 s (a power of two frames), a new one
//! every half of that. A window is weighed by the square of a sine, so that its middle counts most.

use crate::bands::OCTAVE_EDGES_HZ;
use crate::levels::{Stereo, halve, ratio_db};
use audio::{db_to_power, power_to_db};
use num_complex::Complex;
use realfft::RealFftPlanner;
use serde::{Deserialize, Serialize};
use std::array::from_fn;

/// Number of bands.
pub(crate) const BANDS: usize = OCTAVE_EDGES_HZ.len() - 1;
/// A band of a channel below this is silent, in dBFS: the dither of 16 bits says nothing about an image.
const SILENT_DBFS: f64 = -90.0;
/// Windows of a band more than this below its mean say nothing about its worst moment, in dB.
const GATE_DB: f64 = -20.0;

/// One band of [`ImageSeries`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BandImage {
    /// Lower edge in hertz.
    pub low_hz: f64,
    /// Upper edge in hertz.
    pub high_hz: f64,
    /// Correlation of left and right, -1 to 1; `None` where a channel is silent (under -90 dBFS in the band).
    pub correlation: Vec<Option<f32>>,
    /// Level lost when both are added to mono, in dB; `None` where both are silent.
    pub mono_loss_db: Vec<Option<f32>>,
}

/// The stereo image by band against time; empty unless the signal has two channels and the spectrum was asked for.
///
/// An hour has 19,400 (44.1 kHz) to 21,100 (48 kHz) windows of nine bands: 2.3 MB while it is measured. Of what is longer two
/// neighbours are one, of what is longer than two hours four, and so on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageSeries {
    /// Length of the windows in seconds.
    pub window_s: f64,
    /// Ends of the windows, in seconds from the start.
    pub time_s: Vec<f64>,
    /// The bands, the lowest first.
    pub bands: Vec<BandImage>,
}

/// The stereo image of one band of the whole signal, and at its worst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StereoBand {
    /// Lower edge in hertz.
    pub low_hz: f64,
    /// Upper edge in hertz.
    pub high_hz: f64,
    /// Correlation of left and right; `None` when a channel is silent there.
    pub correlation: Option<f64>,
    /// Level lost when both are added to mono, in dB.
    pub mono_loss_db: Option<f64>,
    /// The least correlation of a window that is less than 20 dB below the band's mean.
    pub min_correlation: Option<f64>,
    /// The end of that window, in seconds.
    pub min_correlation_s: Option<f64>,
    /// Seconds of such windows whose correlation is below zero.
    pub below_zero_s: f64,
}

/// What two channels are to each other, where it can be told surely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChannelRelation {
    /// Both carry the same, at whatever level: mono in two channels.
    Identical,
    /// One is upside down: what both have in common has opposite polarity.
    Inverted,
    /// Only the left one sounds.
    LeftOnly,
    /// Only the right one sounds.
    RightOnly,
    /// What both have in common comes later in one.
    Late {
        /// The late channel, from 0.
        channel: usize,
        /// By so many frames.
        frames: usize,
        /// And upside down.
        inverted: bool,
    },
}

/// The powers of one window: left, right and the real part of the cross-power in each band, mean squares.
pub(crate) type Row = [[f32; 3]; BANDS];

/// Windows that are kept at most, an even number: about an hour's.
const MOST_ROWS: usize = 22_000;

/// The windows of a signal. When there are more than an hour has, neighbours become one, the mean of both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    all: Vec<Row>,
    /// How often neighbours have become one.
    doubled: u32,
    /// The sum of the windows that are not one yet, and their number.
    open: (Row, usize),
}

impl Rows {
    /// How many windows are one.
    pub(crate) fn windows(&self) -> usize {
        1 << self.doubled
    }

    /// Takes the next window.
    pub(crate) fn push(&mut self, row: Row) {
        let (sum, count) = &mut self.open;
        sum.as_flattened_mut().iter_mut().zip(row.as_flattened()).for_each(|(sum, power)| *sum += power);
        *count += 1;
        if *count < 1 << self.doubled {
            return;
        }
        let part = 1.0 / *count as f32;
        self.all.push(sum.map(|band| band.map(|power| part * power)));
        self.open = Default::default();
        if self.all.len() == MOST_ROWS {
            let mean = |a: f32, b: f32| 0.5 * (a + b);
            let both = |a: Row, b: Row| from_fn(|band| from_fn(|part| mean(a[band][part], b[band][part])));
            halve(&mut self.all, both);
            self.doubled += 1;
        }
    }

    /// The windows in order.
    pub(crate) fn all(&self) -> &[Row] {
        &self.all
    }

    /// As if every power had been `by` times as large.
    pub(crate) fn amplify(&mut self, by: f64) {
        let powers = self.all.as_flattened_mut().as_flattened_mut().iter_mut();
        let open = self.open.0.as_flattened_mut();
        powers.chain(open).for_each(|power| *power = (f64::from(*power) * by) as f32);
    }
}

fn image(row: &[f32; 3]) -> Stereo {
    let [left, right, product] = row.map(f64::from);
    Stereo { left, right, product }
}

/// Whether both channels sound in a band.
fn both_sound(image: &Stereo) -> bool {
    image.left.min(image.right) >= db_to_power(SILENT_DBFS)
}

/// The series of some windows; `ends_s` are their ends in seconds.
pub(crate) fn series(rows: &[Row], ends_s: Vec<f64>, window_s: f64) -> ImageSeries {
    let band = |band: usize| {
        let images = || rows.iter().map(|row| image(&row[band]));
        let loud = |image: &Stereo| image.left + image.right >= 2.0 * db_to_power(SILENT_DBFS);
        BandImage {
            low_hz: OCTAVE_EDGES_HZ[band],
            high_hz: OCTAVE_EDGES_HZ[band + 1],
            correlation: images()
                .map(|i| i.correlation().filter(|_| both_sound(&i)).map(|c| c as f32))
                .collect(),
            mono_loss_db: images()
                .map(|i| i.mono_loss_db().filter(|_| loud(&i)).map(|db| db as f32))
                .collect(),
        }
    };
    ImageSeries { window_s, time_s: ends_s, bands: (0..BANDS).map(band).collect() }
}

/// What the whole band has, and its worst window. `hop_s` is the time between windows.
pub(crate) fn stereo_bands(whole: &[Stereo], rows: &[Row], ends_s: &[f64], hop_s: f64) -> Vec<StereoBand> {
    let band = |(band, all): (usize, &Stereo)| {
        let mean = rows.iter().map(|row| f64::from(row[band][0] + row[band][1])).sum::<f64>()
            / rows.len().max(1) as f64;
        let counts = |i: &Stereo| both_sound(i) && i.left + i.right >= mean * db_to_power(GATE_DB);
        let windows = rows.iter().map(|row| image(&row[band])).zip(ends_s).filter(|(i, _)| counts(i));
        let read: Vec<(f64, f64)> =
            windows.filter_map(|(i, end_s)| i.correlation().map(|c| (c, *end_s))).collect();
        let least = read.iter().min_by(|a, b| a.0.total_cmp(&b.0));
        StereoBand {
            low_hz: OCTAVE_EDGES_HZ[band],
            high_hz: OCTAVE_EDGES_HZ[band + 1],
            correlation: all.correlation().filter(|_| both_sound(all)),
            mono_loss_db: all.mono_loss_db(),
            min_correlation: least.map(|(c, _)| *c),
            min_correlation_s: least.map(|(_, end_s)| *end_s),
            below_zero_s: read.iter().filter(|(c, _)| *c < 0.0).count() as f64 * hop_s,
        }
    };
    whole.iter().enumerate().map(band).collect()
}

/// The band in which a delay between channels is looked for, in hertz.
const RELATION_HZ: (f64, f64) = (60.0, 8000.0);
/// Delays up to this are looked for, in seconds.
const LONGEST_S: f64 = 0.03;
/// What is part of one peak, in seconds to either side.
const PEAK_S: f64 = 0.0004;
/// A peak counts from this share of what two equal channels have, ...
const LEAST_PEAK: f64 = 0.3;
/// ... and when it is so many times the next one.
const ABOVE_NEXT: f64 = 1.5;
/// A channel this far below the other does not sound, in dB.
const ONLY_DB: f64 = 60.0;
/// What is left of the weaker of sum and difference of the same signal twice, in dB: the rounding of `f64`, and that
/// of 16 bits.
const SAME_DB: f64 = -75.0;

/// What two channels are to each other, from their summed spectra: powers of left and right, and `conj(L) R`.
///
/// The cross-spectrum is divided by the root of both powers (the smoothed coherence transform: Carter, Nuttall &
/// Cable, Proc. IEEE 61/10, 1973): its transform back has one peak where one channel is the other, late by that
/// much; upside down when it is negative.
pub(crate) fn relation(
    left: &[f64],
    right: &[f64],
    cross: &[Complex<f64>],
    sample_rate_hz: f64,
) -> Option<ChannelRelation> {
    let (l, r): (f64, f64) = (left.iter().sum(), right.iter().sum());
    let balance_db = ratio_db(r, l)?;
    if balance_db.abs() >= ONLY_DB {
        return Some(if balance_db < 0.0 { ChannelRelation::LeftOnly } else { ChannelRelation::RightOnly });
    }
    let product: f64 = cross.iter().map(|c| c.re).sum();
    // What is left when one is taken from the other at the best level.
    let rest_db = power_to_db((1.0 - product * product / (l * r)).max(1e-30));
    if rest_db <= SAME_DB {
        return Some(if product > 0.0 { ChannelRelation::Identical } else { ChannelRelation::Inverted });
    }
    let size = 2 * (cross.len() - 1);
    let bin_hz = sample_rate_hz / size as f64;
    let (from, to) = ((RELATION_HZ.0 / bin_hz).ceil() as usize, (RELATION_HZ.1 / bin_hz) as usize);
    let mut whitened = vec![Complex::ZERO; cross.len()];
    let to = to.min(cross.len() - 2);
    for k in from..=to {
        let norm = (left[k] * right[k]).sqrt();
        whitened[k] = if norm > 0.0 { cross[k] / norm } else { Complex::ZERO };
    }
    let plan = RealFftPlanner::new().plan_fft_inverse(size);
    let mut correlation = plan.make_output_vec();
    plan.process(&mut whitened, &mut correlation).ok()?;
    let scale = 1.0 / (2 * (to - from + 1)) as f64;
    let longest = (LONGEST_S * sample_rate_hz) as i64;
    let height = |lag: i64| scale * correlation[lag.rem_euclid(size as i64) as usize];
    let highest = |skip: &dyn Fn(i64) -> bool| {
        let lags = (-longest..=longest).filter(|lag| !skip(*lag));
        lags.max_by(|a, b| height(*a).abs().total_cmp(&height(*b).abs()))
    };
    let peak = highest(&|_| false)?;
    let reach = (PEAK_S * sample_rate_hz).ceil() as i64;
    let next = highest(&|lag| (lag - peak).abs() <= reach).map_or(0.0, |lag| height(lag).abs());
    let sure = height(peak).abs() >= LEAST_PEAK && height(peak).abs() >= ABOVE_NEXT * next;
    let inverted = height(peak) < 0.0;
    match peak {
        _ if !sure => None,
        // A frame is within what two converters and a resampler differ by.
        -1..=1 => inverted.then_some(ChannelRelation::Inverted),
        lag => Some(ChannelRelation::Late {
            channel: usize::from(lag > 0),
            frames: lag.unsigned_abs() as usize,
            inverted,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds rows beyond an hour that grow, that say another time than theirs, or that are not the mean of what they hold.
    #[test]
    fn a_long_signal_has_longer_windows_with_their_mean() {
        // Whole numbers, so that the mean of four is exact in f32.
        let level = |n: usize, band: usize, part: usize| (1 + n % 11 + 20 * band + 300 * part) as f32;
        let row = |n: usize| from_fn(|band| from_fn(|part| level(n, band, part)));
        let mut rows = Rows::default();
        let count = 3 * MOST_ROWS + 6;
        (0..count).for_each(|n| rows.push(row(n)));
        assert_eq!((rows.windows(), rows.all().len(), rows.open.1), (4, count / 4, 2));
        for n in [0, 1, MOST_ROWS / 4 - 1, MOST_ROWS / 2, count / 4 - 1] {
            for (band, part) in [(0, 0), (BANDS - 1, 2)] {
                let four: f32 = (4 * n..4 * n + 4).map(|n| level(n, band, part)).sum();
                assert_eq!(rows.all()[n][band][part], four / 4.0, "{n}");
            }
        }
        rows.amplify(4.0);
        assert_eq!(rows.all()[0][0][0], (1.0 + 2.0 + 3.0 + 4.0) / 4.0 * 4.0);
        assert_eq!(rows.open.0[0][0], 4.0 * (level(count - 2, 0, 0) + level(count - 1, 0, 0)));
    }
}
