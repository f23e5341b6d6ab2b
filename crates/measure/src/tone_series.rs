//! The tone against time: third octaves of middle and side in stretches of about three seconds.
//!
//! It is what two songs are compared by, loud part with loud part and quiet part with quiet part, and it tells how much
//! the tone of a song varies within itself.

use crate::frames::Bands;
use crate::spectrum::THIRD_OCTAVES_HZ;
use num_complex::Complex;
use serde::{Deserialize, Serialize};

/// A stretch lasts this many steps of the long-term spectrum, half a window each: 2.7 to 3 s.
pub(crate) const STEPS: usize = 16;

/// Power in third octaves of middle `(L + R)/2` and side `(L - R)/2`, stretch by stretch; empty unless the spectrum was
/// asked for. A mono signal is all middle.
///
/// It grows by 290 kB an hour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ToneSeries {
    /// Length of a stretch in seconds.
    pub stretch_s: f64,
    /// Nominal centres of the bands (IEC 61260-1), in hertz.
    pub hz: Vec<f64>,
    /// For each stretch the mean square of the middle in each band; 0 above half the sample rate.
    pub mid: Vec<Vec<f32>>,
    /// The same of the side.
    pub side: Vec<Vec<f32>>,
}

/// The summed spectra so far, as the series needs them.
pub(crate) enum Sums<'a> {
    /// Power of one channel, or of more than two.
    Mono(&'a [f64]),
    /// Powers of left and right, and their cross-power.
    Stereo(&'a [f64], &'a [f64], &'a [Complex<f64>]),
}

/// Collects the series from running sums.
#[derive(Clone)]
pub(crate) struct ToneMeter {
    bands: Bands,
    /// From power of a bin to mean square over a stretch.
    scale: f64,
    steps: usize,
    /// Sums at the end of the last stretch: left, right, product; or the power alone.
    before: [Vec<f64>; 3],
    series: ToneSeries,
}

impl ToneMeter {
    /// For spectra of `bins` bins, `bin_hz` apart; `channels` are summed in a mono power.
    pub(crate) fn new(bins: usize, bin_hz: f64, channels: usize) -> ToneMeter {
        let hop = bins - 1;
        let edge = 10f64.powf(1.0 / 20.0);
        let centre = |n: usize| 1000.0 * 10f64.powf((n as f64 - 16.0) / 10.0);
        let edges = (0..THIRD_OCTAVES_HZ.len()).map(|n| (centre(n) / edge, centre(n) * edge));
        let summed = if channels == 2 { 1 } else { channels.max(1) };
        ToneMeter {
            bands: Bands::new(edges, bins, bin_hz),
            // Parseval over windows of 2 hop frames whose squares add to one, both halves of the spectrum.
            scale: 2.0 / (2 * hop * STEPS * hop * summed) as f64,
            steps: 0,
            before: std::array::from_fn(|_| vec![0.0; THIRD_OCTAVES_HZ.len()]),
            series: ToneSeries {
                stretch_s: (STEPS as f64) / (2.0 * bin_hz),
                hz: THIRD_OCTAVES_HZ.to_vec(),
                ..ToneSeries::default()
            },
        }
    }

    /// One more step has been added to the sums.
    pub(crate) fn step(&mut self, sums: Sums) {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS) {
            self.close(sums);
        }
    }

    fn close(&mut self, sums: Sums) {
        let scale = self.scale;
        let mut gained = |part: usize, spectrum: &[f64]| -> Vec<f64> {
            let now: Vec<f64> = self.bands.sums(spectrum).collect();
            let gain =
                now.iter().zip(&self.before[part]).map(|(now, before)| (now - before) * scale).collect();
            self.before[part] = now;
            gain
        };
        let (mid, side) = match sums {
            Sums::Mono(power) => {
                let mid = gained(0, power);
                let side = vec![0.0; mid.len()];
                (mid, side)
            }
            Sums::Stereo(left, right, cross) => {
                let product: Vec<f64> = cross.iter().map(|c| c.re).collect();
                let (left, right, product) = (gained(0, left), gained(1, right), gained(2, &product));
                let part = |sign: f64| -> Vec<f64> {
                    let pairs = left.iter().zip(&right).zip(&product);
                    pairs.map(|((l, r), p)| 0.25 * (l + r + sign * 2.0 * p)).collect()
                };
                (part(1.0), part(-1.0))
            }
        };
        // What rounding of large sums leaves below zero is nothing.
        let stored = |powers: Vec<f64>| powers.into_iter().map(|p| p.max(0.0) as f32).collect();
        self.series.mid.push(stored(mid));
        self.series.side.push(stored(side));
    }

    /// What was collected; a signal shorter than a stretch is one stretch, a rest is left out.
    pub(crate) fn finish(mut self, sums: Sums) -> ToneSeries {
        if self.series.mid.is_empty() && self.steps > 0 {
            self.scale *= STEPS as f64 / self.steps as f64;
            self.close(sums);
        }
        self.series
    }
}
