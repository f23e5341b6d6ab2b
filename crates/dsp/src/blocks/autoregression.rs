//! A stretch of sound as an autoregressive process: prediction from its own past, and the missing samples
//! that fit the prediction best.
//!
//! Model: `sum over k of a[k] x[n - k] = e[n]` with `a[0] = 1` and white `e`. Its filter by the autocorrelation
//! method and the recursion of Levinson and Durbin (Makhoul, *Linear prediction: a tutorial review*, Proc. IEEE
//! 1975); missing samples by least squares (Janssen, Veldhuis & Vries, *Adaptive interpolation of discrete-time
//! signals that can be modeled as autoregressive processes*, IEEE Trans. ASSP 1986).

/// White noise that is added to the model, as a share of the power: keeps the recursion stable for pure tones.
const NOISE_SHARE: f64 = 1e-9;
/// And in any case, as a power: -300 dBFS.
const NOISE_POWER: f64 = 1e-30;
/// A pivot that loses all but this share of its diagonal has no digits left.
const LEAST_PIVOT: f64 = 1e-14;

audio::wide! {
    /// Sum of products over the shorter length, in eight interleaved sums, always in the same order.
    pub fn dot(a: &[f64], b: &[f64]) -> f64 {
        let frames = a.len().min(b.len());
        let (a, b) = (&a[..frames], &b[..frames]);
        let mut sums = [0.0; 8];
        let (wide_a, wide_b) = (a.chunks_exact(8), b.chunks_exact(8));
        let rest: f64 = wide_a.remainder().iter().zip(wide_b.remainder()).map(|(x, y)| x * y).sum();
        for (x, y) in wide_a.zip(wide_b) {
            for lane in 0..8 {
                sums[lane] += x[lane] * y[lane];
            }
        }
        rest + (((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])))
    }
}

audio::wide! {
    /// `sum[n] += factor * x[n]` over the shorter length.
    fn add_scaled(sum: &mut [f64], x: &[f64], factor: f64) {
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum += factor * x;
        }
    }
}

/// The lagged products of `samples` with themselves, lag 0 first, as many as `lags` holds.
pub fn autocorrelation(samples: &[f64], lags: &mut [f64]) {
    for (lag, sum) in lags.iter_mut().enumerate() {
        *sum = if lag < samples.len() { dot(&samples[lag..], samples) } else { 0.0 };
    }
}

/// The prediction-error filter `a[0] = 1, a[1] ..` of the process with these lagged products; as long as they.
/// `scratch` is as long as the filter.
pub fn levinson(lags: &[f64], filter: &mut [f64], scratch: &mut [f64]) {
    let order = filter.len() - 1;
    filter.fill(0.0);
    filter[0] = 1.0;
    let mut power = lags[0] * (1.0 + NOISE_SHARE) + NOISE_POWER;
    for m in 1..=order {
        let sum: f64 = (0..m).map(|n| filter[n] * lags[m - n]).sum();
        let reflection = -sum / power;
        scratch[..=m].copy_from_slice(&filter[..=m]);
        for n in 1..=m {
            filter[n] = scratch[n] + reflection * scratch[m - n];
        }
        power *= 1.0 - reflection * reflection;
        if power <= 0.0 {
            break;
        }
    }
}

/// What the prediction from the past misses: `error[n] = sum of a[k] x[n - k]`; zero where the past is not
/// known in full, in the first frames.
pub fn forward_error(filter: &[f64], samples: &[f64], error: &mut [f64]) {
    let order = filter.len() - 1;
    error.fill(0.0);
    let frames = samples.len().saturating_sub(order);
    for (k, factor) in filter.iter().enumerate() {
        add_scaled(&mut error[order..order + frames], &samples[order - k..][..frames], *factor);
    }
}

/// What the prediction from the future misses: `error[n] = sum of a[k] x[n + k]`; zero where the future is not
/// known in full, in the last frames. Of the forward error it makes the matched filter for a lone wrong sample.
pub fn backward_error(filter: &[f64], samples: &[f64], error: &mut [f64]) {
    let order = filter.len() - 1;
    error.fill(0.0);
    let frames = samples.len().saturating_sub(order);
    for (k, factor) in filter.iter().enumerate() {
        add_scaled(&mut error[..frames], &samples[k..][..frames], *factor);
    }
}

/// Works out missing samples; sized once for a greatest number of them.
#[derive(Debug, Clone)]
pub struct Interpolator {
    most: usize,
    /// Entries of a row that may differ from zero: the order and the diagonal.
    width: usize,
    /// The lower triangle within its band, row by row, `width` apart, from `first` on.
    matrix: Vec<f64>,
    right: Vec<f64>,
    /// First column of each row that is not zero.
    first: Vec<usize>,
    products: Vec<f64>,
}

impl Interpolator {
    /// For at most `most` missing samples and filters of at most `order` coefficients after the first.
    pub fn new(most: usize, order: usize) -> Interpolator {
        Interpolator {
            most,
            width: order + 1,
            matrix: vec![0.0; most * (order + 1)],
            right: vec![0.0; most],
            first: vec![0; most],
            products: vec![0.0; order + 1],
        }
    }

    /// Replaces the `missing` samples, places in rising order, by those that make the power of the prediction
    /// errors least. All lie at least the filter's order from both ends. False, and nothing is replaced, when
    /// there are too many, or too near an end, or the equations have no safe solution.
    pub fn fill(&mut self, filter: &[f64], samples: &mut [f64], missing: &[usize]) -> bool {
        let order = filter.len() - 1;
        let inside = |at: &usize| *at >= order && at + order < samples.len();
        let count = missing.len();
        if order >= self.width || count == 0 || count > self.most || !missing.iter().all(inside) {
            return false;
        }
        autocorrelation(filter, &mut self.products[..=order]);
        self.equations(order, samples, missing);
        if !self.solve(count) || !self.right[..count].iter().all(|x| x.is_finite()) {
            return false;
        }
        missing.iter().zip(&self.right).for_each(|(at, value)| samples[*at] = *value);
        true
    }

    /// `sum over missing v of b[|u - v|] x[v] = -sum over known w of b[|u - w|] x[w]` for each missing u.
    fn equations(&mut self, order: usize, samples: &[f64], missing: &[usize]) {
        let b = &self.products;
        let mut first = 0;
        for (row, &at) in missing.iter().enumerate() {
            while at - missing[first] > order {
                first += 1;
            }
            let mut sum = b[0] * samples[at];
            for lag in 1..=order {
                sum += b[lag] * (samples[at - lag] + samples[at + lag]);
            }
            for &other in missing[first..].iter().take_while(|other| **other <= at + order) {
                sum -= b[other.abs_diff(at)] * samples[other];
            }
            self.right[row] = -sum;
            self.first[row] = first;
            let line = &mut self.matrix[row * self.width..];
            for (entry, other) in line.iter_mut().zip(&missing[first..=row]) {
                *entry = b[at - other];
            }
        }
    }

    /// Cholesky's factors within the band, then both triangles.
    fn solve(&mut self, count: usize) -> bool {
        let (width, first) = (self.width, &self.first);
        for row in 0..count {
            let start = first[row];
            let (above, this) = self.matrix.split_at_mut(row * width);
            let this = &mut this[..=row - start];
            for column in start..row {
                let from = start.max(first[column]);
                let other = &above[column * width..][from - first[column]..=column - first[column]];
                let known = dot(&this[from - start..column - start], other);
                this[column - start] = (this[column - start] - known) / other[column - from];
            }
            let (known, diagonal) = this.split_at_mut(row - start);
            let rest = diagonal[0] - dot(known, known);
            if rest.is_nan() || rest <= LEAST_PIVOT * diagonal[0] {
                return false;
            }
            diagonal[0] = rest.sqrt();
            self.right[row] = (self.right[row] - dot(known, &self.right[start..row])) / diagonal[0];
        }
        for row in (0..count).rev() {
            let start = first[row];
            let line = &self.matrix[row * width..][..=row - start];
            let value = self.right[row] / line[row - start];
            self.right[row] = value;
            for (right, factor) in self.right[start..row].iter_mut().zip(line) {
                *right -= factor * value;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn noise(frames: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..frames)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
            })
            .collect()
    }

    /// A process whose filter is known: the model finds it, and its error is the noise that drove it.
    #[test]
    fn the_filter_of_a_known_process_is_found() {
        let truth = [1.0, -1.6, 1.2, -0.4];
        let drive = noise(200_000, 1);
        let mut x = vec![0.0; drive.len()];
        for n in 3..x.len() {
            x[n] = drive[n] - (1..4).map(|k| truth[k] * x[n - k]).sum::<f64>();
        }
        let (mut lags, mut filter, mut scratch) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        autocorrelation(&x, &mut lags);
        levinson(&lags, &mut filter, &mut scratch);
        for (seen, expected) in filter.iter().zip(truth) {
            // The deviation of an estimate from 200 000 samples is about 1 / sqrt(200 000) = 0.002.
            assert!((seen - expected).abs() < 0.01, "{filter:?}");
        }
        let mut error = vec![0.0; x.len()];
        forward_error(&truth, &x, &mut error);
        assert!(error[6..].iter().zip(&drive[6..]).all(|(e, d)| (e - d).abs() < 1e-12));
        let reversed: Vec<f64> = x.iter().rev().copied().collect();
        let mut backward = vec![0.0; x.len()];
        backward_error(&truth, &reversed, &mut backward);
        assert!(backward.iter().rev().zip(&error).skip(3).all(|(b, e)| (b - e).abs() < 1e-12));
    }

    /// Against the definition: no change of any missing sample makes the errors' power smaller.
    #[test]
    fn missing_samples_are_the_best_ones() {
        let x = noise(400, 3);
        let filter = [1.0, -1.1, 0.7, 0.2, -0.3];
        for missing in [vec![100], (150..190).collect(), vec![50, 51, 53, 54, 60, 200, 201, 395]] {
            let mut filled = x.clone();
            assert!(Interpolator::new(64, 8).fill(&filter, &mut filled, &missing));
            let power = |x: &[f64]| {
                let mut error = vec![0.0; x.len()];
                forward_error(&filter, x, &mut error);
                dot(&error, &error)
            };
            let least = power(&filled);
            for &at in &missing {
                for step in [1e-3, -1e-3] {
                    let mut other = filled.clone();
                    other[at] += step;
                    assert!(power(&other) > least, "{at}");
                }
            }
            let kept = (0..400).filter(|n| !missing.contains(n));
            assert!(kept.into_iter().all(|n| filled[n] == x[n]));
        }
    }

    #[test]
    fn a_tone_is_continued_through_a_gap() {
        let tone: Vec<f64> = (0..2_000).map(|n| (TAU * 0.013 * f64::from(n)).sin()).collect();
        let filter = [1.0, -2.0 * (TAU * 0.013).cos(), 1.0];
        let mut torn = tone.clone();
        torn[900..1_000].fill(0.7);
        let missing: Vec<usize> = (900..1_000).collect();
        assert!(Interpolator::new(100, 2).fill(&filter, &mut torn, &missing));
        // The equations of a hundred samples of a slow tone are ill-conditioned by 1e8 or so.
        assert!(torn.iter().zip(&tone).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn what_cannot_be_filled_is_left() {
        let mut x = noise(50, 5);
        let before = x.clone();
        let mut interpolator = Interpolator::new(4, 3);
        for missing in [vec![], vec![1], vec![48], vec![10, 11, 12, 13, 14]] {
            assert!(!interpolator.fill(&[1.0, -0.5, 0.2, 0.1], &mut x, &missing));
        }
        assert!(!interpolator.fill(&[f64::NAN, 0.0], &mut x, &[20]));
        assert_eq!(x, before);
    }
}
