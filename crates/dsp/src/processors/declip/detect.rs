//! Tells whether a recording is cut off flat, and where.

use audio::gain_to_db;

/// Where a recording is cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clipping {
    /// Level of the flat tops of the positive half in decibels, rounded down; none when it is not cut off.
    pub positive_db: Option<f64>,
    /// The same of the negative half.
    pub negative_db: Option<f64>,
    /// Flat tops found.
    pub runs: usize,
    /// Samples in them.
    pub samples: usize,
}

/// The shortest flat top: three samples of one value do not happen at a peak by chance.
const SHORTEST_RUN: usize = 3;

/// Flat tops that one half of the waveform must have.
const FEWEST_RUNS: usize = 3;

/// Tops lower than this share of the highest one are no part of the pile at the top.
const PILE: f64 = 0.98;

/// Two steps of 16-bit sound: dither moves the samples of a flat top by as much.
const STEP: f64 = 2.0 / 32_768.0;

/// How much more than the tolerance a waveform drops beside a flat top. A round top that stays within the
/// tolerance for three samples or more drops by less than 2.8 times the tolerance with the next one: (1 + 2/3)^2.
const DROP: f64 = 4.0;

/// Looks for flat tops: runs of at least three samples as good as equal, within 2 % of the highest, with a
/// corner at an end, as a round top has none.
///
/// `samples` is one channel. None when there are too few of them. Pure. The levels are rounded down to
/// thousandths of a decibel, so that they can be set as they are.
pub fn detect(samples: &[f64]) -> Option<Clipping> {
    let positive = half(samples, 1.0);
    let negative = half(samples, -1.0);
    let (runs, count) = [positive, negative]
        .iter()
        .flatten()
        .fold((0, 0), |sum, top| (sum.0 + top.runs, sum.1 + top.samples));
    (runs > 0).then(|| Clipping {
        positive_db: positive.map(|top| top.level_db()),
        negative_db: negative.map(|top| top.level_db()),
        runs,
        samples: count,
    })
}

/// The flat tops of one half.
#[derive(Debug, Clone, Copy)]
struct Tops {
    lowest: f64,
    runs: usize,
    samples: usize,
}

impl Tops {
    fn level_db(&self) -> f64 {
        (gain_to_db(self.lowest) * 1_000.0 - 0.5).floor() / 1_000.0
    }
}

fn half(samples: &[f64], sign: f64) -> Option<Tops> {
    let highest = samples.iter().fold(0.0f64, |most, x| most.max(sign * x));
    let tolerance = STEP.min(1e-3 * highest);
    let mut tops = Tops { lowest: highest, runs: 0, samples: 0 };
    let mut start = 0;
    while start < samples.len() {
        let first = sign * samples[start];
        if first < PILE * highest || highest <= 0.0 {
            start += 1;
            continue;
        }
        let (mut low, mut high, mut end) = (first, first, start + 1);
        while end < samples.len() {
            let (lower, higher) = (low.min(sign * samples[end]), high.max(sign * samples[end]));
            if higher - lower > tolerance {
                break;
            }
            (low, high, end) = (lower, higher, end + 1);
        }
        let drop = |beside: Option<&f64>| beside.map_or(0.0, |x| low - sign * x);
        let before = drop(start.checked_sub(1).and_then(|n| samples.get(n)));
        let corner = before.max(drop(samples.get(end))) > DROP * tolerance;
        // A run that goes on rising is a slope, not a top.
        let rises = before < 0.0 || drop(samples.get(end)) < 0.0;
        if end - start >= SHORTEST_RUN && corner && !rises {
            tops.lowest = tops.lowest.min(low);
            tops.runs += 1;
            tops.samples += end - start;
        }
        start = end;
    }
    (tops.runs >= FEWEST_RUNS).then_some(tops)
}
