//! The peak of the waveform between the samples, found at eight times the sample rate.
//!
//! ITU-R BS.1770-5, annex 2: a true-peak value is read from the oversampled signal. Here three halvings
//! follow each other (2x, 4x, 8x), each a Kaiser-windowed sinc that computes only the points between those
//! already there; the first is long because its band ends right below Nyquist, the others are short because
//! the spectrum above them is empty. Where a point of the 8x grid is a maximum, a parabola through it and its
//! neighbours gives the top between them: the grid alone under-reads a tone at 0.45 fs by up to 0.136 dB
//! (20 log10 cos(pi f / (8 fs))), with the parabola by less than 0.004 dB.

use super::grid::CONTROL_FRAMES;
use super::kaiser;
use super::lookahead::greater;
use audio::Frames;
use std::f64::consts::PI;

/// Taps on each side of the new point: 2x (flat to 0.47 fs), 4x, 8x.
const FIRST: usize = 48;
const SECOND: usize = 6;
const THIRD: usize = 4;
/// Kaiser's beta: ripple of -53 dB (0.02 dB) for the long one, -70 dB for the short ones.
const FIRST_BETA: f64 = 4.8;
const OTHER_BETA: f64 = 7.0;

/// Frames that must be known on either side of the intervals asked for; see `PeakFinder::find`.
const MARGIN: usize = FIRST + 4;
/// No top lies higher above the 8x grid than this share of the largest value around: the second derivative of
/// a band-limited signal is at most pi^2 per frame squared of its maximum (Bernstein), and a top is at most
/// 1/16 frame from the grid.
const ABOVE_GRID: f64 = PI * PI / 512.0;
/// Frames of a piece, rounded up to what the filter loop takes at a time.
const WIDTH: usize = 8;

/// Right half of a half-sample interpolator: weight of the samples at distance 1/2, 3/2, ... on either side.
fn halfway<const TAPS: usize>(beta: f64) -> [f64; TAPS] {
    let weight = |k: usize| {
        let t = k as f64 + 0.5;
        let window = kaiser::window(t / TAPS as f64, beta);
        (PI * t).sin() / (PI * t) * window
    };
    let sum: f64 = (0..TAPS).map(|k| 2.0 * weight(k)).sum();
    std::array::from_fn(|k| weight(k) / sum)
}

audio::wide! {
    /// Writes the points halfway between `source[first + n]` and `source[first + n + 1]` for `n < count`,
    /// rounded up to a multiple of [`WIDTH`].
    fn interpolate<const TAPS: usize>(
        taps: &[f64; TAPS],
        source: &[f64],
        first: usize,
        count: usize,
        out: &mut [f64],
    ) {
        for n in (0..count).step_by(WIDTH) {
            let mut sums = [0.0; WIDTH];
            // The samples under the filter: `TAPS` to the left of the new points, `TAPS` to the right.
            let under = &source[first + n + 1 - TAPS..][..2 * TAPS - 1 + WIDTH];
            for k in 0..TAPS {
                let left = &under[TAPS - 1 - k..][..WIDTH];
                let right = &under[TAPS + k..][..WIDTH];
                for i in 0..WIDTH {
                    sums[i] += taps[k] * (left[i] + right[i]);
                }
            }
            out[n..n + WIDTH].copy_from_slice(&sums);
        }
    }
}

audio::wide! {
    fn interleave(even: &[f64], odd: &[f64], count: usize, out: &mut [f64]) {
        let (pairs, _) = out.as_chunks_mut::<2>();
        for ((pair, even), odd) in pairs.iter_mut().zip(&even[..count]).zip(&odd[..count]) {
            *pair = [*even, *odd];
        }
    }
}

audio::wide! {
    fn largest(samples: &[f64]) -> f64 {
        let mut most = [0.0; WIDTH];
        let (chunks, rest) = samples.as_chunks::<WIDTH>();
        for chunk in chunks {
            for i in 0..WIDTH {
                most[i] = greater(most[i], chunk[i].abs());
            }
        }
        for (most, sample) in most.iter_mut().zip(rest) {
            *most = greater(*most, sample.abs());
        }
        most.iter().fold(0.0, |m, x| greater(m, *x))
    }
}

audio::wide! {
    /// The highest of the eight points of each interval, four on the 4x grid and four halfway between; where it stands above
    /// `room`, the top of the parabola through it and its neighbours. `between` begins one point before `on`.
    fn tops(on: &[f64], between: &[f64], room: f64, peaks: &mut [f64]) {
        let frames = peaks.len();
        let (on_now, on_next) = (&on.as_chunks::<4>().0[..frames], &on[4..].as_chunks::<4>().0[..frames]);
        let (now, next) = (&between.as_chunks::<4>().0[..frames], &between[4..].as_chunks::<4>().0[..frames]);
        for n in 0..frames {
            let on = [on_now[n][0], on_now[n][1], on_now[n][2], on_now[n][3], on_next[n][0]];
            let between = [now[n][0], now[n][1], now[n][2], now[n][3], next[n][0]];
            let mut pairs = [0.0; 4];
            for i in 0..4 {
                pairs[i] = greater(on[i].abs(), between[i + 1].abs());
            }
            let peak = greater(greater(pairs[0], pairs[1]), greater(pairs[2], pairs[3]));
            // The first that is as high.
            let mut points = [0.0; 3];
            for i in (0..4).rev() {
                let (late, early) = ([on[i], between[i + 1], on[i + 1]], [between[i], on[i], between[i + 1]]);
                points = if late[1].abs() == peak { late } else { points };
                points = if early[1].abs() == peak { early } else { points };
            }
            let top = parabola_top(points);
            peaks[n] = if peak > room { top } else { peak };
        }
    }
}

/// Finds the peaks of one channel, piece by piece.
#[derive(Debug, Clone)]
pub struct PeakFinder {
    first: [f64; FIRST],
    second: [f64; SECOND],
    third: [f64; THIRD],
    /// No point of the 8x grid exceeds the largest sample by more.
    most_over_samples: f64,
    /// No point of the 8x grid exceeds the largest point of the 2x grid by more.
    most_over_double: f64,
    /// The last `2 MARGIN - 1` frames, then the piece.
    samples: Vec<f64>,
    halves: Vec<f64>,
    double: Vec<f64>,
    quarters: Vec<f64>,
    fourfold: Vec<f64>,
    eighths: Vec<f64>,
}

impl PeakFinder {
    /// Frames by which what is found stands later than what was put in.
    pub const LATENCY: Frames = MARGIN;

    const HISTORY: usize = 2 * MARGIN - 1;

    /// A finder that has heard silence.
    pub fn new() -> PeakFinder {
        let room = CONTROL_FRAMES + 2 * WIDTH;
        let mut finder = PeakFinder {
            first: halfway(FIRST_BETA),
            second: halfway(OTHER_BETA),
            third: halfway(OTHER_BETA),
            most_over_samples: 0.0,
            most_over_double: 0.0,
            samples: vec![0.0; Self::HISTORY + room],
            halves: vec![0.0; room],
            double: vec![0.0; 2 * room],
            quarters: vec![0.0; 2 * room],
            fourfold: vec![0.0; 4 * room],
            eighths: vec![0.0; 4 * room],
        };
        finder.measure_bounds();
        finder
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.samples.fill(0.0);
    }

    /// The sum of the magnitudes of each phase's impulse response bounds what any signal can do.
    fn measure_bounds(&mut self) {
        let phases = |finder: &mut PeakFinder, halvings_first: bool| {
            let mut sums = [0.0; 8];
            let length = 2 * MARGIN + 2;
            for place in 0..length {
                if halvings_first {
                    finder.samples.fill(0.0);
                    finder.samples[place] = 1.0;
                    finder.double_rate(1);
                } else {
                    // An impulse on one point of the 2x grid.
                    finder.double.fill(0.0);
                    finder.double[place] = 1.0;
                }
                finder.eightfold_rate(1);
                for phase in 0..4 {
                    sums[2 * phase] += finder.fourfold[4 + phase].abs();
                    sums[2 * phase + 1] += finder.eighths[1 + phase].abs();
                }
            }
            finder.samples.fill(0.0);
            sums.iter().fold(1.0, |m, s| greater(m, *s))
        };
        self.most_over_samples = phases(self, true);
        self.most_over_double = phases(self, false);
    }

    // Numbering, with `m` the first interval asked for and N their count:
    //   samples[i]  = x[m - 35 + i]
    //   double[i]   = 2x grid, point 2m - 8 + i;   needed up to 2m + 2N + 7
    //   fourfold[i] = 4x grid, point 4m - 4 + i;   needed up to 4m + 4N + 3
    //   eighths[i]  = halfway after the 4x point 4m - 1 + i, up to 4m + 4N - 1

    fn double_rate(&mut self, frames: usize) {
        let count = frames + 8;
        interpolate(&self.first, &self.samples, FIRST - 1, count, &mut self.halves);
        interleave(&self.samples[FIRST - 1..], &self.halves, count, &mut self.double);
    }

    fn eightfold_rate(&mut self, frames: usize) {
        let count = 2 * frames + 4;
        interpolate(&self.second, &self.double, 6, count, &mut self.quarters);
        interleave(&self.double[6..], &self.quarters, count, &mut self.fourfold);
        interpolate(&self.third, &self.fourfold, 3, 4 * frames + 1, &mut self.eighths);
    }

    /// Takes the next samples in and writes, for each frame n of them, the peak in the interval from frame
    /// n - [`Self::LATENCY`] to the one after it. Peaks up to `threshold` may be read as zero.
    ///
    /// At most [`CONTROL_FRAMES`] frames at a time; `peaks` is as long as `samples`. True when there may be
    /// peaks above the threshold.
    pub fn find(&mut self, samples: &[f64], threshold: f64, peaks: &mut [f64]) -> bool {
        let frames = samples.len();
        self.samples[Self::HISTORY..][..frames].copy_from_slice(samples);
        let heard = Self::HISTORY + frames;
        let found = self.search(heard, frames, threshold, peaks);
        if !found {
            peaks.fill(0.0);
        }
        self.samples.copy_within(frames..heard, 0);
        found
    }

    fn search(&mut self, heard: usize, frames: usize, threshold: f64, peaks: &mut [f64]) -> bool {
        let bound = largest(&self.samples[..heard]) * self.most_over_samples;
        if bound * (1.0 + ABOVE_GRID) <= threshold {
            return false;
        }
        self.double_rate(frames);
        let bound = largest(&self.double[..2 * frames + 16]) * self.most_over_double;
        if bound * (1.0 + ABOVE_GRID) <= threshold {
            return false;
        }
        self.eightfold_rate(frames);
        // A point of the grid up to here has no top above the threshold beside it.
        let room = threshold - bound * ABOVE_GRID;
        let reaches = |start: usize| {
            let end = (start + WIDTH).min(frames);
            largest(&self.double[2 * start..2 * end + 16]) * self.most_over_double > room
        };
        let mut groups = (0..frames).step_by(WIDTH);
        let Some(first) = groups.find(|start| reaches(*start)) else { return false };
        let last = groups.rfind(|start| reaches(*start)).unwrap_or(first);
        let end = (last + WIDTH).min(frames);
        peaks[..first].fill(0.0);
        peaks[end..].fill(0.0);
        let peaks = &mut peaks[first..end];
        tops(&self.fourfold[4 + 4 * first..], &self.eighths[4 * first..], room, peaks);
        largest(peaks) > room
    }
}

/// Magnitude of the top of the parabola through three points, when the middle one is the highest.
#[inline(always)]
fn parabola_top([before, here, after]: [f64; 3]) -> f64 {
    let (height, sign) = (here.abs(), if here < 0.0 { -1.0 } else { 1.0 });
    let (rise, fall) = (height - sign * before, height - sign * after);
    let top = height + (rise - fall) * (rise - fall) / (8.0 * (rise + fall));
    if rise < 0.0 || fall < 0.0 || rise + fall == 0.0 { height } else { top }
}

impl Default for PeakFinder {
    fn default() -> PeakFinder {
        PeakFinder::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peaks(samples: &[f64], threshold: f64, cut: usize) -> Vec<f64> {
        let mut finder = PeakFinder::new();
        let mut peaks = vec![0.0; samples.len()];
        for (samples, peaks) in samples.chunks(cut).zip(peaks.chunks_mut(cut)) {
            finder.find(samples, threshold, peaks);
        }
        peaks
    }

    #[test]
    fn tones_are_read_at_their_amplitude() {
        // In every interval of a steady tone that holds a top, that top is the amplitude. 0.02 dB up to
        // 0.45 fs: the ripple of the long filter (0.0194 dB at -53 dB) and the parabola's rest.
        for frequency in [0.003, 0.02, 0.11, 0.25, 0.31, 0.4, 0.44, 0.45] {
            for turns in [0.0, 0.125, 0.31] {
                let tone: Vec<f64> =
                    (0..4000).map(|n| (2.0 * PI * (frequency * n as f64 + turns)).sin()).collect();
                let read = peaks(&tone, 0.5, 64);
                let steady = &read[200..];
                let highest = steady.iter().fold(0.0f64, |m, p| m.max(*p));
                let error_db = 20.0 * highest.log10();
                assert!(error_db.abs() < 0.02, "{frequency} fs, {turns}: {error_db} dB");
                for n in 200..3999 {
                    // The interval [n - LATENCY, + 1]: does it hold a top?
                    let start = 2.0 * (frequency * (n - PeakFinder::LATENCY) as f64 + turns) - 0.5;
                    if (start + 2.0 * frequency).floor() > start.floor() {
                        // A top right before the end is the next interval's.
                        let error_db = 20.0 * read[n].max(read[n + 1]).log10();
                        assert!(error_db.abs() < 0.025, "{frequency} fs, {turns}, {n}: {error_db} dB");
                    }
                }
            }
        }
    }

    #[test]
    fn an_impulse_is_found_in_the_intervals_beside_it() {
        let mut samples = vec![0.0; 300];
        samples[100] = 1.0;
        let read = peaks(&samples, 0.01, 64);
        let at = 100 + PeakFinder::LATENCY;
        assert!((read[at] - 1.0).abs() < 1e-3 && read[at - 1] > 0.97, "{read:?}");
        assert!(read[..at - 1].iter().chain(&read[at + 1..]).all(|p| *p < 0.98));
    }

    proptest! {
        // Whatever is skipped must not be above the threshold, and cutting must not change a bit of what is.
        #[test]
        fn what_is_skipped_is_below_the_threshold(seed in 1u64..1000, threshold in 0.05f64..3.0, cut in 1usize..64) {
            let mut state = seed;
            let samples: Vec<f64> = (0..700)
                .map(|n| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let envelope = (n as f64 / 90.0).sin().powi(4);
                    envelope * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
                })
                .collect();
            let all = peaks(&samples, 0.0, 64);
            for (a, b) in all.iter().zip(peaks(&samples, threshold, cut)) {
                prop_assert!(*a == b || (b == 0.0 && *a <= threshold) || (*a <= threshold && b <= threshold), "{} {}", a, b);
            }
        }
    }
}
