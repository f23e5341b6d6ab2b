//! Loudness from power in auditory bands: what gains do to it can be computed without rendering.

use audio::{db_to_power, power_to_db};
use measure::{Analysis, ERB_BANDS};
use std::f64::consts::TAU;

/// A number for each band.
pub(crate) type Bands = [f64; ERB_BANDS];

/// Coefficients of BS.1770's weighting at 48 kHz (ITU-R BS.1770-5, annex 1, tables 1 and 2): the shelf of the
/// head, then the high-pass; `b0 b1 b2 a1 a2`.
const WEIGHTING: [[f64; 5]; 2] = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585],
    [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621],
];
/// What is added to the level of weighted power to get LUFS (BS.1770-5, equation 2).
const OFFSET_LU: f64 = -0.691;
/// Nothing is quieter than this, in LUFS: keeps logarithms finite.
const NOTHING_LUFS: f64 = -200.0;

/// The factor of the weighting on power at a frequency.
pub(crate) fn weight(hz: f64) -> f64 {
    // Above the coefficients' own half rate the weighting is flat.
    let omega = TAU * hz.min(23_000.0) / 48_000.0;
    let squared = |c0: f64, c1: f64, c2: f64| {
        let re = c0 + c1 * omega.cos() + c2 * (2.0 * omega).cos();
        let im = c1 * omega.sin() + c2 * (2.0 * omega).sin();
        re * re + im * im
    };
    WEIGHTING.iter().map(|[b0, b1, b2, a1, a2]| squared(*b0, *b1, *b2) / squared(1.0, *a1, *a2)).product()
}

/// Loudness of weighted power, in LUFS.
pub(crate) fn lufs(power: f64) -> f64 {
    if power > 0.0 { (power_to_db(power) + OFFSET_LU).max(NOTHING_LUFS) } else { NOTHING_LUFS }
}

/// How loud a track is, row by row of 50 ms, before its fader.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Weighted power on both loudspeakers together. Panning keeps it.
    pub(crate) power: Vec<f64>,
    /// Whether it plays.
    pub(crate) active: Vec<bool>,
}

impl Rows {
    /// The rows of an analysis; one row with the loudness of its active parts where there are no bands.
    pub(crate) fn of(analysis: &Analysis) -> Rows {
        let erb = &analysis.erb;
        if erb.rows() == 0 {
            return match analysis.facts.active_lufs {
                Some(lufs) => Rows { power: vec![db_to_power(lufs - OFFSET_LU)], active: vec![true] },
                None => Rows::default(),
            };
        }
        let weights: Vec<f64> = erb.centres_hz.iter().map(|hz| weight(*hz)).collect();
        // Bands hold the mean of the channels, loudness adds them up.
        let channels = analysis.facts.channels.max(1) as f64;
        let row = |n: usize| -> f64 { erb.row(n).iter().zip(&weights).map(|(p, w)| f64::from(*p) * w).sum() };
        let power = (0..erb.rows()).map(|n| channels * row(n)).collect();
        Rows { power, active: erb.active.clone() }
    }

    /// Whether it plays in a row; never beyond the end.
    pub(crate) fn is_active(&self, row: usize) -> bool {
        self.active.get(row).copied().unwrap_or(false)
    }

    /// The power in a row; none beyond the end.
    pub(crate) fn at(&self, row: usize) -> f64 {
        self.power.get(row).copied().unwrap_or(0.0)
    }

    /// Mean power over rows.
    pub(crate) fn mean(&self, rows: &[usize]) -> f64 {
        rows.iter().map(|row| self.at(*row)).sum::<f64>() / rows.len().max(1) as f64
    }

    /// The rows in which it plays.
    pub(crate) fn active_rows(&self) -> Vec<usize> {
        (0..self.active.len()).filter(|row| self.active[*row]).collect()
    }

    /// The rows that count for its loudness: those whose 400 ms are at most 10 LU quieter than all 400 ms in which it
    /// plays (the blocks and the relative gate of ITU-R BS.1770-5, annex 1). Tails and breaths are no part of how loud
    /// a part is, and the pauses between strokes are.
    pub(crate) fn loud_rows(&self) -> Vec<usize> {
        let length = self.power.len();
        let mut sums = vec![0.0];
        for power in &self.power {
            sums.push(sums[sums.len() - 1] + power);
        }
        let block = |row: usize| {
            let (from, to) = (row.saturating_sub(BLOCK / 2), (row + BLOCK / 2).min(length).max(row + 1));
            // Differences of running sums can fall below zero by rounding.
            ((sums[to] - sums[from]) / (to - from) as f64).max(0.0)
        };
        let near = self.near(BLOCK / 2);
        let plays: Vec<usize> = (0..length).filter(|row| near.get(*row).copied().unwrap_or(false)).collect();
        let all = plays.iter().map(|row| block(*row)).sum::<f64>() / plays.len().max(1) as f64;
        let gate = all * db_to_power(-GATE_LU);
        plays.into_iter().filter(|row| block(*row) >= gate).collect()
    }

    /// Whether it plays within so many rows.
    fn near(&self, reach: usize) -> Vec<bool> {
        let mut near = vec![false; self.active.len()];
        for row in self.active_rows() {
            let end = (row + reach + 1).min(near.len());
            near[row.saturating_sub(reach)..end].fill(true);
        }
        near
    }
}

/// Rows of 50 ms in a block of loudness, and how far under the mean a block is no part of it, in LU.
const BLOCK: usize = 8;
const GATE_LU: f64 = 10.0;
/// Half a second: strokes with pauses between them play all the time.
const REACH: usize = 10;

/// The third of the rows in which most tracks play. Depends on nobody's level.
pub(crate) fn busiest_third(tracks: &[Rows]) -> Vec<usize> {
    let length = tracks.iter().map(|rows| rows.active.len()).max().unwrap_or(0);
    let mut count = vec![0usize; length];
    for rows in tracks {
        for (row, near) in rows.near(REACH).into_iter().enumerate() {
            count[row] += usize::from(near);
        }
    }
    let mut sorted: Vec<usize> = count.iter().copied().filter(|c| *c > 0).collect();
    sorted.sort_unstable();
    let Some(least) = sorted.get(sorted.len() * 2 / 3).copied() else { return Vec::new() };
    (0..length).filter(|row| count[*row] >= least).collect()
}

/// Mean share of each band in the weighted power of the active rows; adds up to 1.
pub(crate) fn band_shares(analysis: &Analysis) -> [f64; ERB_BANDS] {
    let erb = &analysis.erb;
    let mut shares = [0.0; ERB_BANDS];
    for row in (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false)) {
        for ((share, power), hz) in shares.iter_mut().zip(erb.row(row)).zip(&erb.centres_hz) {
            *share += f64::from(*power) * weight(*hz);
        }
    }
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighting_is_that_of_the_standard() {
        // BS.1770-5: a 997 Hz sine at full scale in one channel reads -3.01 LUFS, so the weighting makes good
        // the offset there. 0.01 dB covers the standard's rounding.
        assert!((power_to_db(weight(997.0)) + OFFSET_LU).abs() < 0.01);
        // The shelf's limit is 4 dB, and what is below hearing counts little.
        assert!((power_to_db(weight(12_000.0)) - 4.0).abs() < 0.1);
        assert!(power_to_db(weight(20.0)) < -10.0);
    }

    #[test]
    fn tails_are_gated_and_the_pauses_between_strokes_count() {
        let rows = |level_db: &dyn Fn(usize) -> Option<f64>| Rows {
            power: (0..400).map(|n| level_db(n).map_or(0.0, db_to_power)).collect(),
            active: (0..400).map(|n| level_db(n).is_some()).collect(),
        };
        // A note for ten seconds, then its tail 15 dB under it: the loudness is the note's. Blocks of 400 ms reach
        // over the edge by half of their length, 4 rows, and 24 of 200 at -15 dB take 0.1 dB.
        let ring = rows(&|n| Some(if n < 200 { -20.0 } else { -35.0 }));
        let loud = ring.loud_rows();
        assert!((197..=204).contains(&loud.len()), "{}", loud.len());
        assert!((power_to_db(ring.mean(&loud)) + 20.0).abs() < 0.1);
        // Strokes of 100 ms every 400 ms: over every block a quarter of the time.
        let strokes = rows(&|n| (n % 8 < 2).then_some(-20.0));
        let mean_db = power_to_db(strokes.mean(&strokes.loud_rows()));
        assert!((mean_db + 20.0 + 6.02).abs() < 0.1, "{mean_db}");
        // As loud as ever where nothing is known but a number.
        let one = Rows { power: vec![0.5], active: vec![true] };
        assert_eq!((one.loud_rows(), Rows::default().loud_rows()), (vec![0], vec![]));
    }

    #[test]
    fn the_busiest_third_is_where_most_play() {
        let rows = |from: usize, to: usize| Rows {
            power: vec![1.0; 300],
            active: (0..300).map(|n| (from..to).contains(&n)).collect(),
        };
        let busy = busiest_third(&[rows(0, 300), rows(100, 220), rows(120, 200)]);
        // All three play from 120 to 200, and half a second (10 rows) counts around it.
        assert_eq!((busy[0], busy[busy.len() - 1], busy.len()), (110, 209, 100));
        assert!(busiest_third(&[]).is_empty());
    }
}
