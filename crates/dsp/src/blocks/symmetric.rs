//! Symmetrical filters: with an even number of taps, for values halfway between samples; and with an odd number.

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
            *out = outwards([0.0; WIDTH], taps, under, [side - 1, side]);
        }
    }
}

audio::wide! {
    /// Writes to `out` the sums around `source[taps.len() - 1 + n]`.
    ///
    /// `taps` are the weight of that sample and those of the samples at distance 1, 2, ... on either side. `out` is a
    /// multiple of [`WIDTH`] long, and `source` longer than it by at least `2 taps.len() - 2`. Each sum is taken from
    /// the middle outwards, whatever stands beside it.
    pub fn around(taps: &[f64], source: &[f64], out: &mut [f64]) {
        let side = taps.len() - 1;
        for (group, out) in out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            let under = &source[group * WIDTH..][..2 * side + WIDTH];
            let mut sums = [0.0; WIDTH];
            for i in 0..WIDTH {
                sums[i] = taps[0] * under[side + i];
            }
            if side > 0 {
                sums = outwards(sums, &taps[1..], under, [side - 1, side + 1]);
            }
            *out = sums;
        }
    }
}

/// `sums` and the weighted samples on either side, of which the nearest to the first point stand at these two places.
#[inline(always)]
fn outwards(mut sums: [f64; WIDTH], taps: &[f64], under: &[f64], [left, right]: [usize; 2]) -> [f64; WIDTH] {
    for (k, tap) in taps.iter().enumerate() {
        let (Some(left), Some(right)) =
            (under[left - k..].first_chunk::<WIDTH>(), under[right + k..].first_chunk::<WIDTH>())
        else {
            break;
        };
        for i in 0..WIDTH {
            sums[i] += tap * (left[i] + right[i]);
        }
    }
    sums
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

    #[test]
    fn around_is_the_sum_it_says() {
        for side in [0, 1, 4, 44] {
            let taps: Vec<f64> = (0..=side).map(|k| 1.0 / (k + 1) as f64).collect();
            let source: Vec<f64> = (0..2 * side + 24).map(|n| ((n * n) as f64 * 0.37).sin()).collect();
            let mut out = [0.0; 24];
            around(&taps, &source, &mut out);
            for (n, value) in out.iter().enumerate() {
                let middle = n + side;
                let pair = |k: usize| taps[k] * (source[middle - k] + source[middle + k]);
                let expected = (1..=side).fold(taps[0] * source[middle], |sum, k| sum + pair(k));
                // The same order of additions.
                assert_eq!(*value, expected, "{side} taps a side, {n}");
            }
        }
    }
}
