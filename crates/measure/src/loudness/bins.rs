//! The sums of a signal's bins, and of its windows.

use super::windows::each_sum;
use crate::bins::{BINS_PER_SECOND, Grid};
use std::ops::Range;

/// Bins in a sum of several.
const FOLDED: usize = 5;
/// The sums of single bins are kept of an hour.
const MOST: usize = 3600 * BINS_PER_SECOND;

/// One sum per bin. Where they fold, and there are more than an hour has, the older ones are sums of five, and the highest
/// windows among them are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins {
    /// For each length of a window: the highest mean power of those that begin in a bin that is folded.
    highest: Vec<(usize, f64)>,
    /// Sums of [`FOLDED`] bins each.
    folded: Vec<f64>,
    /// Sums of the bins behind them.
    single: Vec<f64>,
}

impl Bins {
    /// Bins that fold, whose highest windows of these lengths will be asked for.
    pub(super) fn that_fold(lengths: [usize; 2]) -> Bins {
        Bins { highest: lengths.map(|length| (length, 0.0)).to_vec(), ..Bins::default() }
    }

    /// Takes the next sum; `grid` tells how long bins are.
    pub(super) fn push(&mut self, sum: f64, grid: Grid) {
        self.single.push(sum);
        let kept = if self.folded.is_empty() { MOST } else { 2 * self.longest() };
        if !self.highest.is_empty() && self.single.len() > kept {
            self.fold(grid);
        }
    }

    /// The longest window whose highest is asked for.
    fn longest(&self) -> usize {
        self.highest.iter().map(|(length, _)| *length).max().unwrap_or(0)
    }

    /// Folds the single sums but for those that windows of the next bins begin in.
    fn fold(&mut self, grid: Grid) {
        let folds = (self.single.len() - self.longest()) / FOLDED * FOLDED;
        let first = FOLDED * self.folded.len();
        for (length, highest) in &mut self.highest {
            let now = most(&self.single[..folds + *length - 1], first, *length, grid);
            *highest = now.map_or(*highest, |now| highest.max(now));
        }
        self.folded.extend(self.single[..folds].chunks(FOLDED).map(|five| five.iter().sum::<f64>()));
        self.single.drain(..folds);
        self.single.shrink_to(2 * self.longest() + 1);
    }

    /// Number of bins taken.
    pub(super) fn len(&self) -> usize {
        FOLDED * self.folded.len() + self.single.len()
    }

    /// The sums of all bins, while each has its own.
    pub(super) fn all(&self) -> Option<&[f64]> {
        self.folded.is_empty().then_some(&self.single)
    }

    /// The sum of the bins `from .. to`, which exist; where some of them are folded, `from` is a multiple of five, and so is
    /// `to` or behind them.
    pub(super) fn sum(&self, from: usize, to: usize) -> f64 {
        let folded = FOLDED * self.folded.len();
        if from >= folded {
            return self.single[from - folded..to - folded].iter().sum();
        }
        let older = to.min(folded);
        debug_assert!(from.is_multiple_of(FOLDED) && older.is_multiple_of(FOLDED), "{from} .. {to}");
        let sum: f64 = self.folded[from / FOLDED..older / FOLDED].iter().sum();
        sum + self.single[..to - older].iter().sum::<f64>()
    }

    /// The highest mean power of a window of `length` bins within a part; where some are folded the part is all of them.
    pub(super) fn most(&self, part: Range<usize>, length: usize, grid: Grid) -> Option<f64> {
        let folded = FOLDED * self.folded.len();
        let single = most(
            &self.single[part.start.max(folded) - folded..part.end - folded],
            part.start.max(folded),
            length,
            grid,
        );
        let older =
            self.highest.iter().find(|(of, _)| *of == length && folded > 0).map(|(_, highest)| *highest);
        single.into_iter().chain(older).reduce(f64::max)
    }

    /// As if every sum had been `by` times as large.
    pub(super) fn amplify(&mut self, by: f64) {
        let highest = self.highest.iter_mut().map(|(_, highest)| highest);
        self.folded.iter_mut().chain(&mut self.single).chain(highest).for_each(|sum| *sum *= by);
    }
}

/// The highest mean power of the windows of `length` bins, of which the first has the number `first`.
fn most(bins: &[f64], first: usize, length: usize, grid: Grid) -> Option<f64> {
    let mut most: Option<f64> = None;
    each_sum(bins, length, |start, sum| {
        let start = first + start;
        let power = sum / grid.frames(start, start + length) as f64;
        most = Some(most.map_or(power, |most| most.max(power)));
    });
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bins whose sums are whole numbers, so that every order of adding gives the same sum.
    fn level(bin: usize) -> f64 {
        // Wanders over minutes, with one peak of a second in the first hour and a higher one in the last.
        let peak = match bin {
            200_003..200_103 => 900,
            711_111..711_171 => 1_000,
            _ => 0,
        };
        (peak + (bin / 977) % 89 + (bin * 7919) % 13) as f64
    }

    /// Finds windows across the fold that lose or count bins twice, a peak that is forgotten or lies on the edge of two folds, and
    /// memory that grows as without folding.
    #[test]
    fn folded_bins_have_the_sums_of_single_ones() {
        for rate_hz in [48_000.0, 22_050.0] {
            let grid = Grid::new(rate_hz);
            let (mut folding, mut plain) = (Bins::that_fold([40, 300]), Bins::default());
            for bin in 0..2 * MOST + 12_345 {
                folding.push(level(bin), grid);
                plain.push(level(bin), grid);
                if [39, MOST - 1, MOST, MOST + 1, MOST + 777, 2 * MOST].contains(&bin) {
                    for length in [40, 300] {
                        let all = 0..bin + 1;
                        assert_eq!(
                            folding.most(all.clone(), length, grid),
                            plain.most(all, length, grid),
                            "{bin}"
                        );
                    }
                }
            }
            let bins = plain.len();
            assert_eq!(folding.len(), bins);
            for end in (40..=bins).step_by(10) {
                assert_eq!(folding.sum(end - 40, end), plain.sum(end - 40, end), "{end}");
            }
            for end in (300..=bins).step_by(990) {
                assert_eq!(folding.sum(end - 300, end), plain.sum(end - 300, end), "{end}");
            }
            assert_eq!(folding.most(0..bins, 40, grid), plain.most(0..bins, 40, grid));
            assert_eq!(folding.most(0..bins, 300, grid), plain.most(0..bins, 300, grid));
            assert!(folding.all().is_none() && plain.all().is_some_and(|all| all.len() == bins));
            assert!(folding.single.capacity() <= 601 && folding.folded.len() * FOLDED + 600 >= bins);
            folding.amplify(4.0);
            assert_eq!(
                folding.most(0..bins, 40, grid),
                plain.most(0..bins, 40, grid).map(|power| 4.0 * power)
            );
            assert_eq!(folding.sum(0, bins), 4.0 * plain.sum(0, bins));
        }
    }

    /// Every window of a signal that gets ever quieter begins in its first bins, and of one that gets louder in its last.
    #[test]
    fn the_highest_window_may_be_the_first_or_the_last() {
        let grid = Grid::new(48_000.0);
        for falling in [true, false] {
            let mut folding = Bins::that_fold([40, 300]);
            let of = |bin: usize| (if falling { 1_000_000 - bin } else { bin }) as f64;
            (0..MOST + 5_000).for_each(|bin| folding.push(of(bin), grid));
            let start = if falling { 0 } else { MOST + 5_000 - 300 };
            let sum: f64 = (start..start + 300).map(of).sum();
            assert_eq!(folding.most(0..MOST + 5_000, 300, grid), Some(sum / 144_000.0));
        }
    }
}
