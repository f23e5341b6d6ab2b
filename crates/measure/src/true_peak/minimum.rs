//! What the least meter that ITU-R BS.1770-5 allows would read.
//!
//! Annex 2 asks for four times oversampling at 48 kHz and proportionally less at higher rates, and prints an example
//! of a filter: 48 taps in four phases. Most meters in use are of this kind. It reads tones near 20 kHz up to 0.6 dB
//! high, and steep or dense sound some tenths of a decibel low or high, so that two honest meters may disagree about one
//! master; the difference is shown rather than argued about.

use super::screen::GROUP;
use std::sync::OnceLock;

/// Taps of one phase.
const TAPS: usize = 12;
/// Samples before a group that shape its values.
pub(super) const BEFORE: usize = TAPS - 1;
/// Room for the rounding of sums in the comparison of a bound.
const MARGIN: f64 = 1.0 + 1e-9;

/// BS.1770-5, Annex 2, the table of the order 48, 4-phase filter, in units of 2^-13: phases 0 and 1. Phases 2 and 3 are
/// these two reversed.
const PRINTED: [[f64; TAPS]; 2] = [
    [14.0, 90.0, -161.0, 272.0, -487.0, 1125.0, 7964.0, -838.0, 390.0, -218.0, 122.0, -68.0],
    [-239.0, 240.0, -424.0, 730.0, -1364.0, 3810.0, 6388.0, -1641.0, 832.0, -477.0, 271.0, -155.0],
];

/// One phase: its taps in the order of the samples, oldest first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Phase {
    taps: [f64; TAPS],
    /// No value exceeds this times the largest sample,
    all: f64,
    /// nor the larger of the two middle samples, plus this times the largest second difference,
    bend: f64,
    /// plus this times the largest sample.
    rest: f64,
}

/// The printed phases.
fn phases() -> &'static [Phase; 4] {
    static MADE: OnceLock<[Phase; 4]> = OnceLock::new();
    MADE.get_or_init(|| {
        let [first, second] = PRINTED;
        let reversed = |taps: [f64; TAPS]| std::array::from_fn(|n| taps[TAPS - 1 - n]);
        [first, second, reversed(second), reversed(first)].map(|printed| {
            // The printed order is that of convolution, newest sample first.
            Phase::new(reversed(printed).map(|tap| tap / 8192.0))
        })
    })
}

impl Phase {
    fn new(taps: [f64; TAPS]) -> Phase {
        // Less the straight line between the two middle samples, which never exceeds the larger of them, the taps
        // are summed by parts twice.
        let (a, b) = (taps[TAPS / 2 - 1].max(0.0), taps[TAPS / 2].max(0.0));
        let mut left = taps;
        left[TAPS / 2 - 1] -= a / (a + b);
        left[TAPS / 2] -= b / (a + b);
        let running = |taps: &mut [f64]| (1..taps.len()).for_each(|n| taps[n] += taps[n - 1]);
        let absolute = |taps: &[f64]| taps.iter().map(|t| t.abs()).sum::<f64>();
        running(&mut left);
        let sum = left[TAPS - 1];
        running(&mut left[..TAPS - 1]);
        Phase {
            taps,
            all: absolute(&taps),
            bend: absolute(&left[..TAPS - 2]),
            rest: sum.abs() + 2.0 * left[TAPS - 2].abs(),
        }
    }
}

/// The least meter for one channel. It looks at the groups of the search, whose highest samples are known there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Minimum {
    phases: &'static [Phase],
    /// The highest sample of the last group, and of all.
    last: f64,
    highest: f64,
    peak: f64,
}

impl Minimum {
    /// Four times below 88.2 kHz, two times below 176.4 kHz (every second phase of the printed filter), samples alone
    /// from there on.
    pub(super) fn new(sample_rate_hz: f64) -> Minimum {
        // A little is allowed to rates, which files may give rounded.
        let phases: &'static [Phase] = match sample_rate_hz {
            rate if rate < 88_000.0 => phases(),
            rate if rate < 176_000.0 => {
                static HALF: OnceLock<[Phase; 2]> = OnceLock::new();
                HALF.get_or_init(|| [phases()[0], phases()[2]])
            }
            _ => &[],
        };
        Minimum { phases, last: 0.0, highest: 0.0, peak: 0.0 }
    }

    /// Takes the next group: its clean samples after the [`BEFORE`] that come before it, and the highest of the group.
    pub(super) fn look(&mut self, samples: &[f64], highest: f64) {
        let around = highest.max(self.last);
        self.last = highest;
        self.highest = self.highest.max(highest);
        if self.phases.iter().all(|phase| phase.all * around * MARGIN < self.peak) {
            return;
        }
        let bend = largest_bend(samples);
        for phase in self.phases {
            if (around + phase.bend * bend + phase.rest * around) * MARGIN >= self.peak {
                self.peak = self.peak.max(filtered(&phase.taps, samples));
            }
        }
    }

    /// The highest sample, and the highest value of the meter, of all that was taken.
    pub(super) fn reading(&self) -> (f64, f64) {
        (self.highest, if self.phases.is_empty() { self.highest } else { self.peak })
    }
}

audio::wide! {
    /// The largest second difference.
    fn largest_bend(samples: &[f64]) -> f64 {
        let mut most = [0.0f64; 8];
        let inner = samples.len() - 2;
        let (before, at, after) = (&samples[..inner], &samples[1..=inner], &samples[2..]);
        for start in (0..inner / 8 * 8).step_by(8) {
            let (before, at, after) = (&before[start..start + 8], &at[start..start + 8], &after[start..start + 8]);
            for lane in 0..8 {
                let bend = (before[lane] - 2.0 * at[lane] + after[lane]).abs();
                most[lane] = if bend > most[lane] { bend } else { most[lane] };
            }
        }
        let mut bend = most.iter().fold(0.0, |most: f64, x| if *x > most { *x } else { most });
        for n in inner / 8 * 8..inner {
            let last = (before[n] - 2.0 * at[n] + after[n]).abs();
            bend = if last > bend { last } else { bend };
        }
        bend
    }
}

audio::wide! {
    /// The largest value of a phase over a group.
    fn filtered(taps: &[f64; TAPS], samples: &[f64]) -> f64 {
        let mut most = [0.0f64; 16];
        for start in (0..GROUP).step_by(16) {
            let mut sums = [0.0; 16];
            for (tap, h) in taps.iter().enumerate() {
                let from = &samples[start + tap..start + tap + 16];
                for lane in 0..16 {
                    sums[lane] += h * from[lane];
                }
            }
            for lane in 0..16 {
                let x = sums[lane].abs();
                most[lane] = if x > most[lane] { x } else { most[lane] };
            }
        }
        most.iter().fold(0.0, |most: f64, x| if *x > most { *x } else { most })
    }
}
