//! How loud and where each recording stands in a mix that somebody made of them.
//!
//! In each third of an octave the mix is explained as a sum of the recordings, each with one complex gain: least
//! squares over time and bins (the multichannel Wiener solution; Bendat & Piersol, *Random Data*, chapter 7:
//! multiple-input systems). What the mix adds by itself (reverberation, compression that moves, distortion) is
//! residue, and the residue tells how far each gain can be trusted.

use crate::error::{Error, check_rate};
use crate::frames::{Framer, Spectrum, size_for};
use crate::loudness::k_weighting_db;
use audio::{BlockRef, Buffer, db_to_power, power_to_db};
use num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::ops::Range;

/// Length of a frame in seconds, at least: much longer than a recording's delay in the mix may be wrong.
const FRAME_S: f64 = 0.08;
/// The thirds of an octave that are explained: middles `1000 * 2^(n/3)` Hz, 63 Hz to 8 kHz.
const THIRDS: Range<i32> = -12..10;
/// What is added to the powers of the recordings before the system is solved, against their mean: recordings that are
/// the same sound then share what they give together instead of cancelling each other.
const RIDGE: f64 = 1e-6;
/// Levels whose error is larger are not told, in dB.
const MOST_ERROR_DB: f64 = 3.0;

/// Where a recording stands in a mix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// What the mix does to the recording's loudness, in dB.
    pub gain_db: f64,
    /// How much louder the right channel got than the left, in dB, within +-40.
    pub right_db: f64,
    /// The standard error of `gain_db`, in dB.
    pub error_db: f64,
}

/// What was found of a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unmixed {
    /// Each recording, in the order given; `None` where the mix does not tell.
    pub placed: Vec<Option<Placed>>,
    /// Share of the mix's K-weighted energy that the recordings explain, 0 to 1.
    pub explained: f64,
}

/// Takes recordings and a mix of them as they come, and finds how the mix was made. Memory does not grow with time.
pub struct Unmixer {
    spectrum: Spectrum,
    /// The recordings, and last the mix: two channels each.
    framers: Vec<Framer>,
    /// By how much the mix is late, in frames.
    delay: i64,
    /// The frame that comes next.
    next: i64,
    bands: Vec<(Range<usize>, f64)>,
    /// For each band the sums of the left and right channels.
    sums: Vec<[Sums; 2]>,
    frames: usize,
}

/// The sums that a least-squares solution needs.
#[derive(Clone)]
struct Sums {
    /// `conj(x_i) x_j`, the lower triangle, row by row.
    between: Vec<Complex<f64>>,
    /// `conj(x_i) y`.
    with_mix: Vec<Complex<f64>>,
    mix: f64,
}

impl Unmixer {
    /// For so many recordings at a sample rate in hertz, and a mix that is `delay_frames` late (negative: early).
    ///
    /// # Errors
    /// When the rate is none.
    pub fn new(sample_rate_hz: f64, recordings: usize, delay_frames: i64) -> Result<Unmixer, Error> {
        check_rate(sample_rate_hz)?;
        let size = size_for(FRAME_S, sample_rate_hz);
        let window = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect();
        let bin_hz = sample_rate_hz / size as f64;
        let band = |n: i32| {
            let hz = 1000.0 * 2f64.powf(f64::from(n) / 3.0);
            let bin = |hz: f64| ((hz / bin_hz).round() as usize).min(size / 2);
            (bin(hz * 2f64.powf(-1.0 / 6.0))..bin(hz * 2f64.powf(1.0 / 6.0)), db_to_power(k_weighting_db(hz)))
        };
        let bands: Vec<_> = THIRDS.map(band).filter(|(bins, _)| !bins.is_empty()).collect();
        let none = Sums {
            between: vec![Complex::ZERO; recordings * (recordings + 1) / 2],
            with_mix: vec![Complex::ZERO; recordings],
            mix: 0.0,
        };
        Ok(Unmixer {
            spectrum: Spectrum::new(window),
            framers: vec![Framer::new(2, size, 0); recordings + 1],
            delay: delay_frames,
            next: (-delay_frames).max(0),
            sums: vec![[none.clone(), none]; bands.len()],
            bands,
            frames: 0,
        })
    }

    /// Takes the next frames of a recording (its number), or of the mix (the number of recordings): 1 or 2
    /// channels x frames. They need not come at the same time.
    ///
    /// # Panics
    /// When there is no such recording.
    pub fn push(&mut self, recording: usize, block: &BlockRef) {
        let mut two = Buffer::new(2, block.frames());
        for channel in 0..2 {
            let from = block.channel(channel.min(block.channels() - 1));
            let to = two.channel_mut(channel);
            to.iter_mut().zip(from).for_each(|(to, x)| *to = crate::bins::clean(*x));
        }
        self.framers[recording].push(&two.as_block());
        self.add_frames();
    }

    /// Adds every frame that all have.
    fn add_frames(&mut self) {
        let mix = self.framers.len() - 1;
        loop {
            let (start, late) = (self.next, self.next + self.delay);
            let complete = self.framers[..mix].iter().all(|f| f.has(start)) && self.framers[mix].has(late);
            if !complete {
                return;
            }
            for side in 0..2 {
                self.add_frame(side, start, late);
            }
            self.frames += 1;
            self.next += self.spectrum.size() as i64 / 2;
            let next = self.next;
            self.framers[..mix].iter_mut().for_each(|framer| framer.forget(next));
            self.framers[mix].forget(next + self.delay);
        }
    }

    fn add_frame(&mut self, side: usize, start: i64, late: i64) {
        let mix = self.framers.len() - 1;
        let last = self.bands.last().map_or(0, |(bins, _)| bins.end);
        let spectra: Vec<Vec<Complex<f64>>> = (0..=mix)
            .map(|n| {
                let frame = self.framers[n].frame(side, if n == mix { late } else { start });
                let silent = frame.iter().all(|x| *x == 0.0);
                if silent { Vec::new() } else { self.spectrum.of(frame)[..last].to_vec() }
            })
            .collect();
        for ((bins, _), sums) in self.bands.iter().zip(&mut self.sums) {
            sums[side].add(&spectra, bins.clone());
        }
    }

    /// What was found; `None` when nothing of the mix sounded.
    pub fn finish(self) -> Option<Unmixed> {
        let recordings = self.framers.len() - 1;
        let mut found = vec![Found::default(); recordings];
        let (mut whole, mut left) = (0.0, 0.0);
        for ((bins, weight), sides) in self.bands.iter().zip(&self.sums) {
            // Frames overlap by half: two of them say little more than one.
            let observations = (self.frames * bins.len()) as f64 / 2.0;
            for (side, sums) in sides.iter().enumerate() {
                whole += weight * sums.mix;
                let residue = sums.solve(observations, &mut |recording, gain, variance, power| {
                    found[recording].add(side, weight * power, gain, variance);
                });
                left += weight * residue;
            }
        }
        (whole > 0.0).then(|| Unmixed {
            placed: found.iter().map(Found::placed).collect(),
            explained: (1.0 - left / whole).clamp(0.0, 1.0),
        })
    }
}

impl Sums {
    fn add(&mut self, spectra: &[Vec<Complex<f64>>], bins: Range<usize>) {
        // What is silent has no spectrum, and adds nothing.
        let part = |n: usize| spectra[n].get(bins.clone()).unwrap_or_default();
        let count = spectra.len() - 1;
        let mix = part(count);
        self.mix += mix.iter().map(Complex::norm_sqr).sum::<f64>();
        for i in 0..count {
            for j in 0..=i {
                self.between[i * (i + 1) / 2 + j] += product(part(i), part(j));
            }
            self.with_mix[i] += product(part(i), mix);
        }
    }

    /// Solves for the gains of all recordings that sound; hands out each with its variance and the recording's power.
    /// Gives the power of the mix that is left.
    fn solve(&self, observations: f64, each: &mut dyn FnMut(usize, Complex<f64>, f64, f64)) -> f64 {
        let power = |n: usize| self.between[n * (n + 3) / 2].re;
        let sounding: Vec<usize> = (0..self.with_mix.len()).filter(|n| power(*n) > 0.0).collect();
        let mean = sounding.iter().map(|n| power(*n)).sum::<f64>() / sounding.len().max(1) as f64;
        let entry = |i: usize, j: usize| {
            let (row, column) = (sounding[i], sounding[j]);
            let ridge = if i == j { RIDGE * mean } else { 0.0 };
            self.between[row * (row + 1) / 2 + column] + ridge
        };
        let factor = cholesky(sounding.len(), &entry);
        let with_mix: Vec<Complex<f64>> = sounding.iter().map(|n| self.with_mix[*n]).collect();
        let gains = factor.solve(&with_mix);
        let explained: f64 = gains.iter().zip(&with_mix).map(|(g, c)| (g.conj() * c).re).sum();
        let residue = (self.mix - explained).clamp(0.0, self.mix);
        let noise = residue / (observations - sounding.len() as f64).max(1.0);
        for (place, recording) in sounding.iter().enumerate() {
            each(*recording, gains[place], noise * factor.inverse_diagonal(place), power(*recording));
        }
        residue
    }
}

/// `sum conj(a) b`.
fn product(a: &[Complex<f64>], b: &[Complex<f64>]) -> Complex<f64> {
    let (mut re, mut im) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        re += a.re * b.re + a.im * b.im;
        im += a.re * b.im - a.im * b.re;
    }
    Complex::new(re, im)
}

/// The lower triangle `L` of a Hermitian matrix `L L^H` (Golub & Van Loan, *Matrix Computations*, algorithm 4.2.1).
struct Factor {
    rows: Vec<Vec<Complex<f64>>>,
}

/// Factors a Hermitian, positive definite matrix of which the lower triangle is given.
fn cholesky(size: usize, entry: &dyn Fn(usize, usize) -> Complex<f64>) -> Factor {
    let mut rows: Vec<Vec<Complex<f64>>> = Vec::with_capacity(size);
    for i in 0..size {
        let mut row = Vec::with_capacity(i + 1);
        for j in 0..=i {
            let above = if j < i { &rows[j][..j] } else { &row[..j] };
            let sum: Complex<f64> =
                row[..j].iter().zip(above).map(|(a, b): (&Complex<f64>, _)| a * b.conj()).sum();
            let rest = entry(i, j) - sum;
            row.push(match j < i {
                true => rest / rows[j][j].re,
                // Rounding alone can bring this to zero or below: then it is as small as it could be.
                false => Complex::from(rest.re.max(f64::EPSILON * entry(i, i).re).sqrt()),
            });
        }
        rows.push(row);
    }
    Factor { rows }
}

impl Factor {
    /// Solves `L y = b` from row `first` on, before which `b` is zero.
    fn forward(&self, first: usize, b: &[Complex<f64>]) -> Vec<Complex<f64>> {
        let mut y = vec![Complex::ZERO; b.len()];
        for i in first..b.len() {
            let sum: Complex<f64> = self.rows[i][first..i].iter().zip(&y[first..i]).map(|(l, y)| l * y).sum();
            y[i] = (b[i] - sum) / self.rows[i][i].re;
        }
        y
    }

    fn solve(&self, b: &[Complex<f64>]) -> Vec<Complex<f64>> {
        let mut x = self.forward(0, b);
        for i in (0..x.len()).rev() {
            let below = i + 1..x.len();
            let sum: Complex<f64> = below.map(|k| self.rows[k][i].conj() * x[k]).sum();
            x[i] = (x[i] - sum) / self.rows[i][i].re;
        }
        x
    }

    /// One entry of the diagonal of the matrix's inverse.
    fn inverse_diagonal(&self, place: usize) -> f64 {
        let mut unit = vec![Complex::ZERO; self.rows.len()];
        unit[place] = Complex::ONE;
        self.forward(place, &unit).iter().map(Complex::norm_sqr).sum()
    }
}

/// What the bands said of one recording.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Weighted power of the recording, of what the mix has of it, by side, and the variance of the sum of both.
    before: f64,
    after: [f64; 2],
    variance: f64,
}

impl Found {
    fn add(&mut self, side: usize, power: f64, gain: Complex<f64>, variance: f64) {
        self.before += power;
        // The square of an uncertain gain is too large by its variance on the average.
        self.after[side] += power * (gain.norm_sqr() - variance);
        self.variance += power * power * variance * (2.0 * gain.norm_sqr() + variance);
    }

    fn placed(&self) -> Option<Placed> {
        let after = self.after[0] + self.after[1];
        if !(self.before > 0.0 && after > 0.0) {
            return None;
        }
        let error_db = power_to_db(1.0 + self.variance.sqrt() / after);
        let least = after * 1e-4;
        let [left, right] = self.after.map(|power| power.max(least));
        (error_db <= MOST_ERROR_DB).then(|| Placed {
            gain_db: power_to_db(after / self.before),
            right_db: power_to_db(right / left),
            error_db,
        })
    }
}

#[cfg(test)]
mod tests;
