//! A symmetrical filter with an even number of taps: values halfway between samples.

/// Outputs worked out together, so that their sums stay in registers.
pub const WIDTH: usize = 8;

audio::wide! {
    /// Writes to `out` the values halfway between `source[taps.len() - 1 + n]` and the sample after it.
    ///
    /// `taps` are the weights of the samples at distance 1/2, 3/2, ... on either side. `out` is a multiple of
    /// [`WIDTH`] long, and `source` longer than it by at least `2 taps.len() - 1`. Each sum is taken from the middle
    /// outwards, whatever stands beside it.
    pub fn halfway(taps: &[f64], source: &[f64], out: &mut [f64]) {
        let side = taps.len();
        for (group, out) in out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            // The samples under the filter: `side` to the left of the new points, `side` to the right.
            let under = &source[group * WIDTH..][..2 * side - 1 + WIDTH];
            let mut sums = [0.0; WIDTH];
            for (k, tap) in taps.iter().enumerate() {
                let (Some(left), Some(right)) =
                    (under[side - 1 - k..].first_chunk::<WIDTH>(), under[side + k..].first_chunk::<WIDTH>())
                else {
                    break;
                };
                for i in 0..WIDTH {
                    sums[i] += tap * (left[i] + right[i]);
                }
            }
            *out = sums;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_sum_it_says() {
        for side in [1, 4, 44] {
            let taps: Vec<f64> = (0..side).map(|k| 1.0 / (k + 1) as f64).collect();
            let source: Vec<f64> = (0..2 * side - 1 + 24).map(|n| ((n * n) as f64 * 0.37).sin()).collect();
            let mut out = [0.0; 24];
            halfway(&taps, &source, &mut out);
            for (n, value) in out.iter().enumerate() {
                let sum = |k: usize| source[n + side - 1 - k] + source[n + side + k];
                let expected: f64 = taps.iter().enumerate().map(|(k, tap)| tap * sum(k)).sum();
                // The same order of additions.
                assert_eq!(*value, expected, "{side} taps a side, {n}");
            }
        }
    }
}
