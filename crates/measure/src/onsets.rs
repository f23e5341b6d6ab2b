//! Where notes begin: the times at which the spectrum rises most.

use crate::activity::Activity;
use crate::bins::BINS_PER_SECOND;
use crate::stats::{nearest_rank, sorted};

/// An onset is the highest rise within so many bins, either way.
const ALONE: usize = 4;
/// And stands above the middle rise of so many bins, either way.
const AROUND: usize = 12;
/// By this factor, and by this share of the strongest rises (95th percentile of the local maxima).
const ABOVE_AROUND: f64 = 1.6;
const ABOVE_STRONG: f64 = 0.25;
/// Intervals longer than this are pauses, in seconds.
const LONGEST_INTERVAL_S: f64 = 2.0;
/// Bins that are held before those that were judged are let go.
const HELD: usize = 1024;

/// Collects local maxima of the rise as the bins come in; a few numbers are kept of each, and none of the bins between.
#[derive(Debug, Clone, Default)]
pub(crate) struct Onsets {
    /// The rises of bin `first` and on, and the least of each that can be an onset.
    rises: Vec<f64>,
    least: Vec<f64>,
    first: usize,
    /// The next bin to judge.
    next: usize,
    peaks: Vec<Rise>,
}

/// A local maximum.
#[derive(Debug, Clone, Copy)]
struct Rise {
    bin: usize,
    rise: f64,
    /// The middle rise around it.
    middle: f64,
}

impl Onsets {
    /// Takes the next bin: its rise, and the least that can be an onset. The last `unsure` bins may yet be taken away.
    pub(crate) fn push(&mut self, rise: f64, least: f64, unsure: usize) {
        self.rises.push(rise);
        self.least.push(least);
        let known = (self.first + self.rises.len()).saturating_sub(unsure);
        while self.next + AROUND < known {
            self.judge(known);
        }
        let done = self.next.saturating_sub(AROUND) - self.first;
        if done > HELD {
            self.rises.drain(..done);
            self.least.drain(..done);
            self.first += done;
        }
    }

    /// As if every rise had been `factor` times as high, and what is asked of it as well.
    pub(crate) fn amplify(&mut self, factor: f64) {
        self.rises.iter_mut().chain(&mut self.least).for_each(|rise| *rise *= factor);
        for peak in &mut self.peaks {
            peak.rise *= factor;
            peak.middle *= factor;
        }
    }

    /// Looks at the next bin of `known`.
    fn judge(&mut self, known: usize) {
        let (bin, first) = (self.next, self.first);
        let around = |reach: usize| {
            &self.rises[bin.saturating_sub(reach).max(first) - first..(bin + reach + 1).min(known) - first]
        };
        let rise = self.rises[bin - first];
        if rise > self.least[bin - first] && around(ALONE).iter().all(|r| *r <= rise) {
            let middle = nearest_rank(&sorted(around(AROUND).iter().copied()), 0.5).unwrap_or(0.0);
            self.peaks.push(Rise { bin, rise, middle });
        }
        self.next += 1;
    }

    /// The onsets in seconds while the signal plays, without those of the last `unsure` bins.
    pub(crate) fn finish(mut self, unsure: usize, activity: &Activity) -> Vec<f64> {
        let known = (self.first + self.rises.len()).saturating_sub(unsure);
        while self.next < known {
            self.judge(known);
        }
        let time_s = |bin: usize| (bin as f64 + 0.5) / BINS_PER_SECOND as f64;
        let mut last: Option<usize> = None;
        self.peaks.retain(|peak| {
            let apart = last.is_none_or(|last| peak.bin - last > ALONE);
            let kept = apart && activity.near(time_s(peak.bin));
            if kept {
                last = Some(peak.bin);
            }
            kept
        });
        let strong = nearest_rank(&sorted(self.peaks.iter().map(|peak| peak.rise)), 0.95).unwrap_or(0.0);
        let stands_out =
            |peak: &&Rise| peak.rise > ABOVE_AROUND * peak.middle && peak.rise > ABOVE_STRONG * strong;
        self.peaks.iter().filter(stands_out).map(|peak| time_s(peak.bin)).collect()
    }
}

/// The middle interval between neighbouring onsets that are not a pause apart, in seconds.
pub(crate) fn inter_onset_median_s(onsets_s: &[f64]) -> Option<f64> {
    let intervals = onsets_s.windows(2).map(|pair| pair[1] - pair[0]).filter(|s| *s <= LONGEST_INTERVAL_S);
    nearest_rank(&sorted(intervals), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same with everything at hand.
    fn at_once(rises: &[f64], least: &[f64], activity: &Activity) -> Vec<f64> {
        let around =
            |bin: usize, reach: usize| &rises[bin.saturating_sub(reach)..(bin + reach + 1).min(rises.len())];
        let time_s = |bin: usize| (bin as f64 + 0.5) / BINS_PER_SECOND as f64;
        let mut peaks: Vec<usize> = Vec::new();
        for bin in 0..rises.len() {
            let highest = around(bin, ALONE).iter().all(|r| *r <= rises[bin]);
            let apart = peaks.last().is_none_or(|last| bin - last > ALONE);
            if highest && apart && rises[bin] > least[bin] && activity.near(time_s(bin)) {
                peaks.push(bin);
            }
        }
        let strong = nearest_rank(&sorted(peaks.iter().map(|bin| rises[*bin])), 0.95).unwrap_or(0.0);
        peaks.retain(|bin| {
            let middle = nearest_rank(&sorted(around(*bin, AROUND).iter().copied()), 0.5).unwrap_or(0.0);
            rises[*bin] > ABOVE_AROUND * middle && rises[*bin] > ABOVE_STRONG * strong
        });
        peaks.into_iter().map(time_s).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        // Whole numbers, so that equal neighbours happen; more bins than are held.
        #[test]
        fn bin_by_bin_is_all_at_once(seed in any::<u64>(), length in 0usize..3000, unsure in 0usize..4) {
            let mut state = seed | 1;
            let mut number = move |of: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % of
            };
            let rises: Vec<f64> = (0..length).map(|_| number(12).pow(2) as f64).collect();
            let least: Vec<f64> = (0..length).map(|_| number(60) as f64).collect();
            let plays = (0..length / 5).map(|n| n % 40 < 30).collect();
            let activity = Activity::playing(plays);
            let mut onsets = Onsets::default();
            rises.iter().zip(&least).for_each(|(rise, least)| onsets.push(*rise, *least, unsure));
            let known = length.saturating_sub(unsure);
            let expected = at_once(&rises[..known], &least[..known], &activity);
            prop_assert_eq!(onsets.finish(unsure, &activity), expected);
        }
    }
}
