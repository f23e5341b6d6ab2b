//! The tone against time: third octaves of middle and side in stretches of about three seconds.
//!
//! It is what two songs are compared by, loud part with loud part and quiet part with quiet part, and it tells how much
//! the tone of a song varies within itself. Beside it stand four wide bands window by window: how far the level of the bass,
//! of the middle and of the treble goes up and down, which is what a multiband compressor works on.

use crate::bands::THIRD_OCTAVES_HZ;
use crate::frames::Bands;
use crate::levels::halve;
use num_complex::Complex;
use serde::{Deserialize, Serialize};

/// A stretch lasts this many steps of the long-term spectrum, half a window each: 2.7 to 3 s.
pub(crate) const STEPS: usize = 16;

/// Stretches that are kept at most, an even number: about an hour's.
const MOST_STRETCHES: usize = 1_400;

/// Edges of the wide bands in hertz: bass, body, presence, air. A mastering engineer's four-band compressor is parted about
/// there.
pub const WIDE_EDGES_HZ: [f64; 5] = [20.0, 120.0, 1_000.0, 5_000.0, 20_000.0];

/// Power in third octaves of middle `(L + R)/2` and side `(L - R)/2`, stretch by stretch; empty unless the spectrum was
/// asked for. A mono signal is all middle.
///
/// An hour has 290 kB of them, and 340 kB of wide bands; of what is longer two neighbours are one, of what is longer than two
/// hours four, and so on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ToneSeries {
    /// Length of a stretch in seconds: about three up to an hour.
    pub stretch_s: f64,
    /// Nominal centres of the bands (IEC 61260-1), in hertz.
    pub hz: Vec<f64>,
    /// For each stretch the mean square of the middle in each band; 0 above half the sample rate.
    pub mid: Vec<Vec<f32>>,
    /// The same of the side.
    pub side: Vec<Vec<f32>>,
    /// Time from one window of `wide` to the next, in seconds: half a window up to an hour.
    #[serde(default)]
    pub step_s: f64,
    /// The mean square of the channels in each of the bands between [`WIDE_EDGES_HZ`], window by window.
    #[serde(default)]
    pub wide: Vec<[f32; 4]>,
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
    wide: Bands,
    /// Sums of the wide bands at the last step.
    wide_before: [f64; 4],
    /// From power of a bin to mean square over a step.
    scale: f64,
    steps: usize,
    /// How often neighbouring stretches and windows have become one.
    doubled: u32,
    /// The sum of what the windows brought that are not one yet, and their number.
    open: ([f64; 4], usize),
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
            wide: Bands::new(WIDE_EDGES_HZ.windows(2).map(|e| (e[0], e[1])), bins, bin_hz),
            wide_before: [0.0; 4],
            // Parseval over windows of 2 hop frames whose squares add to one, both halves of the spectrum.
            scale: 2.0 / (2 * hop * hop * summed) as f64,
            steps: 0,
            doubled: 0,
            open: ([0.0; 4], 0),
            before: std::array::from_fn(|_| vec![0.0; THIRD_OCTAVES_HZ.len()]),
            series: ToneSeries {
                stretch_s: (STEPS as f64) / (2.0 * bin_hz),
                hz: THIRD_OCTAVES_HZ.to_vec(),
                step_s: 1.0 / (2.0 * bin_hz),
                ..ToneSeries::default()
            },
        }
    }

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        let by = gain * gain;
        self.open.0.iter_mut().for_each(|power| *power *= by);
        self.wide_before.iter_mut().chain(self.before.iter_mut().flatten()).for_each(|power| *power *= by);
        let ToneSeries { mid, side, wide, .. } = &mut self.series;
        let stored = mid.iter_mut().chain(side).flatten().chain(wide.iter_mut().flatten());
        stored.for_each(|power| *power = (f64::from(*power) * by) as f32);
    }

    /// One more step has been added to the sums.
    pub(crate) fn step(&mut self, sums: Sums) {
        self.steps += 1;
        self.keep_wide(&sums);
        let steps = STEPS << self.doubled;
        if self.steps.is_multiple_of(steps) {
            self.close(sums, steps);
            if self.series.mid.len() == MOST_STRETCHES {
                self.double();
            }
        }
    }

    /// Makes one of every two stretches, and of every two windows.
    fn double(&mut self) {
        let mean = |a: f32, b: f32| 0.5 * (a + b);
        for part in [&mut self.series.mid, &mut self.series.side] {
            let one = |pair: &[Vec<f32>]| pair[0].iter().zip(&pair[1]).map(|(a, b)| mean(*a, *b)).collect();
            let halved = part.chunks_exact(2).map(one).collect();
            *part = halved;
        }
        halve(&mut self.series.wide, |a, b| std::array::from_fn(|band| mean(a[band], b[band])));
        self.doubled += 1;
        self.series.stretch_s *= 2.0;
        self.series.step_s *= 2.0;
    }

    /// What the last window brought to each wide band.
    fn keep_wide(&mut self, sums: &Sums) {
        let mut now = [0.0; 4];
        let mut add = |spectrum: &[f64], part: f64| {
            now.iter_mut().zip(self.wide.sums(spectrum)).for_each(|(now, sum)| *now += part * sum);
        };
        match sums {
            Sums::Mono(power) => add(power, 1.0),
            Sums::Stereo(left, right, _) => {
                add(left, 0.5);
                add(right, 0.5);
            }
        }
        let (sums, count) = &mut self.open;
        for (sum, (now, before)) in sums.iter_mut().zip(now.iter().zip(&self.wide_before)) {
            *sum += now - before;
        }
        *count += 1;
        if *count == 1 << self.doubled {
            let scale = self.scale / *count as f64;
            self.series.wide.push(sums.map(|sum| (sum * scale).max(0.0) as f32));
            self.open = Default::default();
        }
        self.wide_before = now;
    }

    /// Closes a stretch of so many steps.
    fn close(&mut self, sums: Sums, steps: usize) {
        let scale = self.scale / steps as f64;
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
            self.close(sums, self.steps);
        }
        self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, analyse};
    use audio::{Buffer, Layout};
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 48_000.0;

    fn series(left: &[f64], right: Option<&[f64]>) -> ToneSeries {
        let options = Options { pitch: false, music: false, ..Options::default() };
        let channels: Vec<Vec<f64>> =
            [Some(left), right].into_iter().flatten().map(<[f64]>::to_vec).collect();
        let layout = Layout::from_channels(channels.len());
        let buffer = Buffer::from_channels(&channels);
        analyse(&buffer.as_block(), RATE_HZ, layout, options).expect("a meter").tone
    }

    fn sine(hz: f64, level: impl Fn(f64) -> f64, seconds: f64) -> Vec<f64> {
        let frames = (seconds * RATE_HZ) as usize;
        let at = |n: usize| n as f64 / RATE_HZ;
        (0..frames).map(|n| level(at(n)) * (TAU * hz * at(n)).sin()).collect()
    }

    fn at(series: &ToneSeries, hz: f64) -> usize {
        series.hz.iter().position(|h| *h == hz).expect("a band")
    }

    fn db(power: f32) -> f64 {
        10.0 * f64::from(power).log10()
    }

    /// A tone of amplitude a has the mean square a²/2; one that is the same in both channels is all middle, one of opposite
    /// polarity all side.
    #[test]
    fn tones_stand_in_their_band_with_their_power() {
        let low = sine(100.0, |_| 0.5, 20.0);
        let high = sine(4000.0, |_| 0.1, 20.0);
        let left: Vec<f64> = low.iter().zip(&high).map(|(l, h)| l + h).collect();
        let right: Vec<f64> = low.iter().zip(&high).map(|(l, h)| l - h).collect();
        let read = series(&left, Some(&right));
        let expected = |a: f64| 10.0 * (a * a / 2.0).log10();
        // Between the ends: the first window is half before the signal. A sine window leaks less than 0.1 % of a tone past
        // a third octave.
        for stretch in 1..read.mid.len() - 1 {
            let (mid, side) = (&read.mid[stretch], &read.side[stretch]);
            assert!((db(mid[at(&read, 100.0)]) - expected(0.5)).abs() < 0.02);
            assert!((db(side[at(&read, 4000.0)]) - expected(0.1)).abs() < 0.02);
            assert!(db(mid[at(&read, 4000.0)]) < -60.0 && db(side[at(&read, 100.0)]) < -60.0);
        }
        for window in &read.wide[1..read.wide.len() - 2] {
            assert!((db(window[0]) - expected(0.5)).abs() < 0.05, "{window:?}");
            assert!((db(window[2]) - expected(0.1)).abs() < 0.05, "{window:?}");
            assert!(db(window[1]) < -50.0 && db(window[3]) < -50.0, "{window:?}");
        }
    }

    /// The same tone in one channel and in a mono file has the same mean square a channel.
    #[test]
    fn mono_is_all_middle_and_as_loud_as_two_equal_channels() {
        let tone = sine(1000.0, |_| 0.25, 10.0);
        let (mono, stereo) = (series(&tone, None), series(&tone, Some(&tone)));
        assert!(mono.side.iter().flatten().all(|p| *p == 0.0));
        let band = at(&mono, 1000.0);
        for (a, b) in mono.mid.iter().zip(&stereo.mid) {
            assert!((db(a[band]) - db(b[band])).abs() < 1e-3);
        }
        for (a, b) in mono.wide.iter().zip(&stereo.wide).skip(1) {
            assert!((db(a[2]) - db(b[2])).abs() < 1e-3);
        }
    }

    /// A tone that steps by 12 dB every two seconds is read so, wherever a window lies wholly in a step.
    #[test]
    fn levels_are_followed_in_time() {
        let loud = |t: f64| ((t / 2.0) as usize).is_multiple_of(2);
        let read = series(&sine(60.0, |t| if loud(t) { 0.4 } else { 0.1 }, 20.0), None);
        let mut seen = [0, 0];
        for (n, window) in read.wide.iter().enumerate().skip(1) {
            let (from, to) = ((n as f64 - 1.0) * read.step_s, (n as f64 + 1.0) * read.step_s);
            if (from / 2.0) as usize != (to / 2.0) as usize || to > 20.0 {
                continue;
            }
            let amplitude: f64 = if loud(from) { 0.4 } else { 0.1 };
            seen[usize::from(loud(from))] += 1;
            assert!(
                (db(window[0]) - 10.0 * (amplitude * amplitude / 2.0).log10()).abs() < 0.05,
                "{from} {window:?}"
            );
        }
        assert!(seen.iter().all(|seen| *seen > 20), "{seen:?}");
        assert!((read.stretch_s - STEPS as f64 * read.step_s).abs() < 1e-12);
    }

    /// Finds a series that grows beyond an hour, one whose times do not say how long its stretches have become, and stretches that
    /// are not the mean of what they hold.
    #[test]
    fn a_long_signal_has_longer_stretches_with_their_mean() {
        let (bins, hop) = (513, 512.0);
        let mut meter = ToneMeter::new(bins, 40.0, 1);
        let short_s = (meter.series.stretch_s, meter.series.step_s);
        // Power in one bin at 2 kHz, other in every step: 13 levels in turn.
        let level = |step: usize| (1 + step % 13) as f64;
        let (mut power, count) = (vec![0.0; bins], 3 * MOST_STRETCHES + 100);
        for step in 0..count * STEPS {
            power[50] += level(step);
            meter.step(Sums::Mono(&power));
        }
        let series = meter.finish(Sums::Mono(&power));
        assert_eq!((series.stretch_s, series.step_s), (4.0 * short_s.0, 4.0 * short_s.1));
        assert_eq!(
            (series.mid.len(), series.side.len(), series.wide.len()),
            (count / 4, count / 4, count / 4 * STEPS)
        );
        let band = at(&series, 2000.0);
        // Parseval: both halves of the spectrum, windows of 2 x 512 whose squares add to half of that.
        let scale = 2.0 / (2.0 * hop * hop);
        let mean =
            |from: usize, steps: usize| (from..from + steps).map(level).sum::<f64>() / steps as f64 * scale;
        for stretch in [0, 1, MOST_STRETCHES / 4 - 1, MOST_STRETCHES / 2, count / 4 - 1] {
            let (read, expected) = (f64::from(series.mid[stretch][band]), mean(64 * stretch, 64));
            // Sums of a million in f64 and f32 as it is kept.
            assert!((read / expected - 1.0).abs() < 1e-6, "{stretch}: {read} for {expected}");
        }
        for window in [0, 5, 4 * MOST_STRETCHES, series.wide.len() - 1] {
            let (read, expected) = (f64::from(series.wide[window][2]), mean(4 * window, 4));
            assert!((read / expected - 1.0).abs() < 1e-6, "{window}: {read} for {expected}");
        }
    }

    #[test]
    fn a_short_signal_is_one_stretch_of_its_own_power() {
        let read = series(&sine(1000.0, |_| 0.5, 1.0), None);
        assert_eq!(read.mid.len(), 1);
        // The windows reach half a window beyond both ends, where there is silence: 6 windows of a step for 1 s.
        let band = read.mid[0][at(&read, 1000.0)];
        assert!((db(band) - 10.0 * 0.125f64.log10()).abs() < 1.0, "{}", db(band));
    }
}
