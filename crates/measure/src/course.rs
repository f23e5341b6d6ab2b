//! How loud and how high a signal is from moment to moment: what a limiter's work can be foreseen from.
//!
//! The loudness of every 10 ms says what a gain costs there, the highest point of every 2.5 ms what gain a ceiling asks
//! for. Points between samples are taken from a short filter around the highest samples: right to a percent up to a third of
//! the sample rate, which is enough to foresee with. [`TruePeak`](crate::TruePeak) is the meter.

use crate::bins::BINS_PER_SECOND;
use crate::levels::highest;
use audio::{BlockRef, db_to_power};
use std::f64::consts::PI;

/// Stretches of 10 ms that have a highest point of their own.
pub(crate) const PARTS: usize = 4;
/// Samples on either side that shape a point.
const REACH: usize = 8;
/// A sample that may have the highest point beside it is no lower than this part of the highest sample.
const CANDIDATE: f64 = 0.8;
/// Of a stretch that is lower than this part of the highest point so far the highest sample will do: no ceiling is near it.
const NEAR: f64 = 0.4;
/// The constant of the loudness equation (BS.1770-5, Annex 1), in dB.
const OFFSET_DB: f64 = 0.691;
/// Nothing that long is a song, in bins of 10 ms.
const LONGEST_BINS: usize = 3600 * BINS_PER_SECOND;

/// How loud and how high a signal is from moment to moment; empty unless asked for, and of what is longer than an hour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// K-weighted power of every 10 ms, all channels added with their weights (ITU-R BS.1770-5): `10 lg` of it less 0.691
    /// is a loudness in LUFS.
    pub power: Vec<f32>,
    /// The highest point of all channels in each 2.5 ms, four for each power, 1.0 being full scale: an estimate.
    pub tops: Vec<f32>,
}

/// Finds the highest points.
#[derive(Debug, Clone)]
pub(crate) struct Tops {
    /// Of each channel the last samples, then those of the bin.
    lines: Vec<Vec<f64>>,
    highest: f64,
    /// Whole bins taken.
    bins: usize,
    course: Course,
    between: [[f64; 2 * REACH]; 2],
}

impl Tops {
    pub(crate) fn new(channels: usize) -> Tops {
        let lines = vec![vec![0.0; 2 * REACH]; channels];
        let between = [between(0.25), between(0.5)];
        Tops { lines, highest: 0.0, bins: 0, course: Course::default(), between }
    }

    /// Takes the loudness of a whole bin, in LUFS.
    pub(crate) fn loud(&mut self, lufs: Option<f64>) {
        self.bins += 1;
        if self.is_too_long() {
            self.course = Course::default();
            return;
        }
        let power = lufs.map_or(0.0, |lufs| db_to_power(lufs + OFFSET_DB));
        self.course.power.push(power as f32);
    }

    /// Whether it is longer than anything that has a course.
    fn is_too_long(&self) -> bool {
        self.bins > LONGEST_BINS
    }

    /// Takes a bin of clean samples. Points stand [`REACH`] frames late.
    pub(crate) fn bin(&mut self, bin: &BlockRef) {
        if self.is_too_long() {
            return;
        }
        let frames = bin.frames();
        let mut tops = [0.0f64; PARTS];
        for (line, samples) in self.lines.iter_mut().zip(bin.iter()) {
            line.extend_from_slice(samples);
            for (part, top) in tops.iter_mut().enumerate() {
                let (from, to) = (frames * part / PARTS, frames * (part + 1) / PARTS);
                let found = highest_point(&self.between, &line[from..to + 2 * REACH], NEAR * self.highest);
                *top = top.max(found);
            }
            line.copy_within(frames.., 0);
            line.truncate(2 * REACH);
        }
        for top in tops {
            self.highest = self.highest.max(top);
            self.course.tops.push(top as f32);
        }
    }

    /// The whole bins.
    pub(crate) fn finish(self) -> Course {
        let mut course = self.course;
        course.tops.truncate(PARTS * course.power.len());
        course
    }
}

/// Weights of the samples around a point that stands a part `t` of a frame after the middle one, sample [`REACH`]` - 1` of
/// them.
fn between(t: f64) -> [f64; 2 * REACH] {
    let weight = |n: usize| {
        let u = n as f64 - (REACH - 1) as f64 - t;
        (PI * u).sin() / (PI * u) * (PI * u / (2 * REACH) as f64).cos().powi(2)
    };
    let weights: [f64; 2 * REACH] = std::array::from_fn(weight);
    let sum: f64 = weights.iter().sum();
    weights.map(|w| w / sum)
}

/// The highest point around each of some samples, which have [`REACH`] others on either side; only the highest sample where
/// that is below `low`.
fn highest_point(between: &[[f64; 2 * REACH]; 2], around: &[f64], low: f64) -> f64 {
    let last = around.len() - REACH;
    let samples = &around[REACH..last];
    let most = highest(samples);
    if most < low || most == 0.0 {
        return most;
    }
    let least = CANDIDATE * most;
    let mut top = most;
    for n in REACH..last {
        let x = around[n].abs();
        if x >= least && x >= around[n - 1].abs() && x >= around[n + 1].abs() {
            top = top.max(summit(between, &around[n - REACH..=n + REACH]));
        }
    }
    top
}

/// The highest point within half a frame of the middle one of some samples: a parabola through quarters of a frame.
fn summit(between: &[[f64; 2 * REACH]; 2], samples: &[f64]) -> f64 {
    let (before, after) = (&samples[..2 * REACH], &samples[1..]);
    let later = |w: &[f64; 2 * REACH]| -> f64 { w.iter().zip(after).map(|(w, x)| w * x).sum() };
    let earlier = |w: &[f64; 2 * REACH]| -> f64 { w.iter().rev().zip(before).map(|(w, x)| w * x).sum() };
    let [quarter, half] = between;
    let sign = samples[REACH].signum();
    let points = [earlier(half), earlier(quarter), samples[REACH], later(quarter), later(half)];
    let points = points.map(|point| sign * point);
    let best = (0..points.len()).fold(0, |best, n| if points[n] > points[best] { n } else { best });
    // At either end the parabola goes on over the last of them, as far as a quarter of a step.
    let middle = best.clamp(1, points.len() - 2);
    let (left, right) = (points[middle - 1], points[middle + 1]);
    let bend = 2.0 * points[middle] - left - right;
    let rises = right - left;
    let near = bend > 0.0 && rises.abs() <= 2.5 * bend;
    if near { points[middle] + rises * rises / (8.0 * bend) } else { points[best] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, analyse, true_peak_dbtp};
    use audio::{Buffer, Layout, power_to_db};
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 48_000.0;

    fn course(buffer: &Buffer) -> Course {
        let options = Options { course: true, ..Options::loudness() };
        analyse(&buffer.as_block(), RATE_HZ, Layout::from_channels(buffer.channels()), options)
            .expect("measured")
            .course
    }

    /// Sines up to a third of the sample rate, at every phase: finds points that are not looked for between samples, or on one
    /// side of them only (at a quarter of the rate samples alone read up to 3 dB low).
    #[test]
    fn the_tops_of_tones_are_found_between_the_samples() {
        for cycles in [0.001, 0.05, 0.125, 0.25, 1.0 / 3.0] {
            for phase in 0..16 {
                let turn = |n: usize| TAU * (cycles * n as f64 + f64::from(phase) / 64.0);
                let tone: Vec<f64> = (0..9600).map(|n| 0.5 * turn(n).sin()).collect();
                let Course { power, tops } = course(&Buffer::from_channels(&[tone]));
                assert_eq!((power.len(), tops.len()), (20, 80));
                // A slow tone has no top of its own in each stretch; where a tone begins in its middle it rings.
                let least = if cycles < 0.02 { 0.0 } else { 0.495 };
                for top in &tops[4..] {
                    assert!((least..=0.505).contains(&f64::from(*top)), "{cycles} {phase}: {top}");
                }
                let most = tops[4..].iter().fold(0.0f32, |most, top| most.max(*top));
                assert!((0.495..=0.505).contains(&f64::from(most)), "{cycles} {phase}: {most}");
            }
        }
    }

    /// Noise that is as loud as it may be anywhere, in two channels: the tops hold the true peak, and the powers the loudness.
    #[test]
    fn tops_and_powers_are_those_of_the_meters() {
        let mut state = 5u64;
        let mut last = 0.0;
        let mut plane = || -> Vec<f64> {
            let noise = (0..96_017).map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                last = 0.6 * last + 0.4 * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
                last
            });
            noise.collect()
        };
        let buffer = Buffer::from_channels(&[plane(), plane()]);
        let Course { power, tops } = course(&buffer);
        let most = tops.iter().fold(0.0f32, |most, top| most.max(*top));
        let peak = true_peak_dbtp(&buffer, 16).expect("measured").expect("a peak");
        let found = audio::gain_to_db(f64::from(most));
        assert!((found - peak).abs() < 0.1, "{found} for {peak} dBTP");
        // 2 s of even noise: no gate leaves anything out, and the mean of all is the loudness but for the edges of the blocks.
        let mean = power.iter().map(|p| f64::from(*p)).sum::<f64>() / power.len() as f64;
        let facts = analyse(&buffer.as_block(), RATE_HZ, Layout::Stereo, Options::loudness())
            .expect("measured")
            .facts;
        let lufs = power_to_db(mean) - 0.691;
        assert!((lufs - facts.integrated_lufs.expect("loud")).abs() < 0.05, "{lufs} {facts:?}");
    }

    #[test]
    fn nothing_has_no_course() {
        assert_eq!(course(&Buffer::new(2, 100)), Course::default());
        let silent = course(&Buffer::new(2, 4800));
        assert_eq!((silent.power, silent.tops), (vec![0.0; 10], vec![0.0; 40]));
    }
}
