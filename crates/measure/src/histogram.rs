//! How often each loudness occurs: the distribution of momentary and short-term loudness.
//!
//! It asks nobody whether what sounds is speech or music. Windows are read every 100 ms; those above -70 LUFS count
//! (the absolute gate of BS.1770-5), since silence has no place on the scale.

use crate::loudness::{ABSOLUTE_GATE_LUFS, Energy, MOMENTARY_BINS, SHORT_TERM_BINS, STEP_BINS};
use crate::stats::{nearest_rank, sorted};
use audio::{db_to_power, power_to_db};
use serde::{Deserialize, Serialize};

/// Width of a bin in LU.
const BIN_LU: f64 = 0.5;

/// How often each loudness occurs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoudnessHistogram {
    /// Length of the windows in seconds: 0.4 or 3.
    pub window_s: f64,
    /// Width of a bin in LU.
    pub bin_lu: f64,
    /// Lower edge of the first bin in LUFS; the first and the last bin hold something.
    pub lowest_lufs: Option<f64>,
    /// Share of the windows above -70 LUFS that lies in each bin; they add to 1.
    pub shares: Vec<f64>,
    /// Share of all windows that is above -70 LUFS, 0 to 1.
    pub sounding_share: f64,
    /// Share of all windows that is also above the relative gate, 10 LU below the mean of those above -70 LUFS.
    pub gated_share: f64,
    /// 10 % of the windows above -70 LUFS are quieter, in LUFS.
    pub p10_lufs: Option<f64>,
    /// Half of them are quieter, in LUFS.
    pub p50_lufs: Option<f64>,
    /// 95 % of them are quieter, in LUFS.
    pub p95_lufs: Option<f64>,
}

/// Of momentary loudness (400 ms), and of short-term loudness (3 s).
pub(crate) fn histograms(energy: &Energy) -> [LoudnessHistogram; 2] {
    [MOMENTARY_BINS, SHORT_TERM_BINS].map(|bins| histogram(energy, bins))
}

fn histogram(energy: &Energy, bins: usize) -> LoudnessHistogram {
    let windows: Vec<Option<f64>> =
        (bins..=energy.bins()).step_by(STEP_BINS).map(|end| energy.window_lufs(end, bins)).collect();
    let sounding = sorted(windows.iter().flatten().copied().filter(|lufs| *lufs > ABSOLUTE_GATE_LUFS));
    let mut histogram =
        LoudnessHistogram { window_s: bins as f64 / 100.0, bin_lu: BIN_LU, ..LoudnessHistogram::default() };
    let (Some(lowest), Some(highest)) = (sounding.first(), sounding.last()) else { return histogram };
    // Bins lie on whole multiples of their width, so that histograms of two signals have the same edges.
    let bin = |lufs: f64| (lufs / BIN_LU).floor() as i64;
    let first = bin(*lowest);
    histogram.lowest_lufs = Some(first as f64 * BIN_LU);
    let mut counts = vec![0usize; (bin(*highest) - first + 1) as usize];
    sounding.iter().for_each(|lufs| counts[(bin(*lufs) - first) as usize] += 1);
    histogram.shares = counts.iter().map(|count| *count as f64 / sounding.len() as f64).collect();

    let mean = sounding.iter().map(|lufs| db_to_power(*lufs)).sum::<f64>() / sounding.len() as f64;
    let gate = power_to_db(mean) - 10.0;
    let all = windows.len() as f64;
    histogram.sounding_share = sounding.len() as f64 / all;
    histogram.gated_share = sounding.iter().filter(|lufs| **lufs > gate).count() as f64 / all;
    histogram.p10_lufs = nearest_rank(&sounding, 0.10);
    histogram.p50_lufs = nearest_rank(&sounding, 0.50);
    histogram.p95_lufs = nearest_rank(&sounding, 0.95);
    histogram
}
