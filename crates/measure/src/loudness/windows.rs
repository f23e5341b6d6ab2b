//! Sums over sliding windows of bins, and the parts of a signal that are measured.

use std::ops::Range;

/// Calls `each` with every bin that has `length` bins from it on, and with their sum.
///
/// Every window is the end of one stretch of `length` bins and the beginning of the next, so that two running sums
/// give all of them (van Herk 1992 and Gil & Werman 1993 do so for maxima). Nothing is subtracted: silence after a
/// loud passage is exactly silent.
pub(crate) fn each_sum(bins: &[f64], length: usize, mut each: impl FnMut(usize, f64)) {
    if length == 0 {
        return;
    }
    let mut ends = Vec::with_capacity(length);
    for (part, stretch) in bins.chunks_exact(length).enumerate() {
        let start = part * length;
        let next = &bins[start + length..];
        each(start, stretch.iter().copied().reduce(|sum, bin| bin + sum).unwrap_or(0.0));
        // What each of its bins and those after it have, the last first.
        let mut end = 0.0;
        ends.clear();
        ends.extend(stretch.iter().rev().enumerate().map(|(n, bin)| {
            end = if n == 0 { *bin } else { bin + end };
            end
        }));
        let mut beginning = 0.0;
        for (n, bin) in next.iter().take(length - 1).enumerate() {
            beginning = if n == 0 { *bin } else { bin + beginning };
            each(start + n + 1, ends[length - 2 - n] + beginning);
        }
    }
}

/// Which bins are measured: all, until someone pauses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// Parts that are over.
    done: Vec<Range<usize>>,
    /// Where the part that goes on began.
    from: usize,
    paused: bool,
}

impl Parts {
    /// The parts, when `bins` have been taken.
    pub(crate) fn of(&self, bins: usize) -> impl Iterator<Item = Range<usize>> {
        let now = (!self.paused).then_some(self.from..bins);
        self.done.iter().cloned().chain(now)
    }

    pub(crate) fn pause(&mut self, bins: usize) {
        if !self.paused {
            self.done.push(self.from..bins);
            self.paused = true;
        }
    }

    pub(crate) fn resume(&mut self, bins: usize) {
        if self.paused {
            (self.from, self.paused) = (bins, false);
        }
    }

    pub(crate) fn reset(&mut self, bins: usize) {
        self.done.clear();
        self.from = bins;
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sums in order, each at its bin.
    fn sums(bins: &[f64], length: usize) -> Vec<f64> {
        let mut all = Vec::new();
        each_sum(bins, length, |start, sum| {
            assert_eq!(start, all.len());
            all.push(sum);
        });
        all
    }

    proptest! {
        // Whole numbers, so that every order of adding gives the same sum.
        #[test]
        fn every_window_is_the_sum_of_its_bins(
            bins in prop::collection::vec(0u32..1000, 0..90), length in 0usize..40,
        ) {
            let bins: Vec<f64> = bins.into_iter().map(f64::from).collect();
            let expected: Vec<f64> =
                if length == 0 { Vec::new() } else { bins.windows(length).map(|w| w.iter().sum()).collect() };
            prop_assert_eq!(sums(&bins, length), expected);
        }
    }

    #[test]
    fn silence_after_a_loud_passage_is_silent() {
        let bins: Vec<f64> = (0..100).map(|n| if n < 50 { 0.1 * n as f64 } else { 0.0 }).collect();
        assert!(sums(&bins, 7)[50..].iter().all(|s| *s == 0.0));
    }
}
