//! How microphones of one source stand to each other, for a whole set of files in bounded memory.
//!
//! Of all files the same few stretches are compared: those in which many pairs are loud together, chosen from the
//! power frames of an analysis before. Only their spectra up to 4 kHz are held. What is found in them is told by
//! [`delay_and_polarity`](crate::delay_and_polarity).

use crate::alignment::{Aligner, Alignment, QUIET, STRETCHES, mono, stretch_frames, stretch_spectrum};
use crate::erb::ErbFrames;
use crate::error::{Error, check_rate};
use crate::frames::Spectrum;
use audio::{BlockRef, Frames};
use num_complex::Complex;

/// So many stretches are compared at most, of each file.
const MOST: usize = 48;
/// All spectra together take no more than about this many bytes, down to [`STRETCHES`] of each file.
const MEMORY_BYTES: usize = 256 << 20;

/// Which stretches of a set of files are to be compared.
#[derive(Debug, Clone)]
pub struct Stretches {
    sample_rate_hz: f64,
    size: Frames,
    longest_s: f64,
    starts: Vec<Frames>,
    /// Power of each file in each chosen stretch.
    powers: Vec<Vec<f64>>,
}

impl Stretches {
    /// Chooses stretches of files that begin together, from their power frames. `sample_rate_hz` is the rate at
    /// which the stretches will be given, delays up to `longest_s` seconds are searched.
    pub fn choose(files: &[&ErbFrames], sample_rate_hz: f64, longest_s: f64) -> Result<Stretches, Error> {
        check_rate(sample_rate_hz)?;
        let length_s = files.iter().map(|f| f.rows() as f64 * f.frame_s).fold(0.0, f64::max);
        let size = stretch_frames(sample_rate_hz, (length_s * sample_rate_hz) as Frames);
        let hop = size / 2;
        let count = ((length_s * sample_rate_hz) as Frames).div_ceil(hop);
        let powers: Vec<Vec<f64>> = files
            .iter()
            .map(|erb| {
                let rows = row_powers(erb);
                let at = |n: usize| {
                    let row = |frame: usize| (frame as f64 / sample_rate_hz / erb.frame_s.max(1e-3)) as usize;
                    let (from, to) = (row(n * hop).min(rows.len()), row(n * hop + size).min(rows.len()));
                    rows[from..to].iter().sum::<f64>()
                };
                (0..count).map(at).collect()
            })
            .collect();
        let held = 8 * Aligner::bins(size, sample_rate_hz) * files.len().max(1);
        let chosen = greedy(&powers, count, (MEMORY_BYTES / held).clamp(STRETCHES, MOST));
        let powers = powers.iter().map(|p| chosen.iter().map(|n| p[*n]).collect()).collect();
        let starts = chosen.into_iter().map(|n| n * hop).collect();
        Ok(Stretches { sample_rate_hz, size, longest_s, starts, powers })
    }

    /// Where they start, in frames at the rate they were chosen for.
    pub fn starts(&self) -> &[Frames] {
        &self.starts
    }

    /// The length of each, in frames.
    pub fn frames(&self) -> Frames {
        self.size
    }

    /// Whether a file sounds in a stretch: whether it has to be read there.
    pub fn sounds(&self, file: usize, stretch: usize) -> bool {
        self.powers[file][stretch] > 0.0
    }

    /// How file `b` lies against file `a`, from what was read of both; `None` when nothing of both sounds together.
    pub fn align(
        &self,
        (a, read_a): (usize, &StretchReader),
        (b, read_b): (usize, &StretchReader),
    ) -> Option<Alignment> {
        let mut aligner = Aligner::new(self.size, self.sample_rate_hz, self.longest_s);
        let double = |spectrum: &[Complex<f32>]| -> Vec<Complex<f64>> {
            spectrum.iter().map(|c| Complex::new(f64::from(c.re), f64::from(c.im))).collect()
        };
        for stretch in loudest(&joint(&self.powers[a], &self.powers[b]), STRETCHES) {
            if let (Some(a), Some(b)) = (&read_a.spectra[stretch], &read_b.spectra[stretch]) {
                aligner.add(&double(a), &double(b));
            }
        }
        aligner.finish()
    }
}

/// The stretches of one file.
pub struct StretchReader {
    spectrum: Spectrum,
    bins: usize,
    spectra: Vec<Option<Vec<Complex<f32>>>>,
}

impl StretchReader {
    /// For one file of a set.
    pub fn new(stretches: &Stretches) -> StretchReader {
        StretchReader {
            spectrum: stretch_spectrum(stretches.size),
            bins: Aligner::bins(stretches.size, stretches.sample_rate_hz),
            spectra: vec![None; stretches.starts.len()],
        }
    }

    /// Takes one stretch: any channels, which are added, x up to [`Stretches::frames`] frames; what is missing at
    /// the end is silence.
    ///
    /// # Panics
    /// When there is no such stretch.
    pub fn read(&mut self, stretch: usize, block: &BlockRef) {
        let mut samples = mono(block);
        samples.resize(self.spectrum.size(), 0.0);
        let spectrum = &self.spectrum.of(&samples)[..self.bins];
        self.spectra[stretch] =
            Some(spectrum.iter().map(|c| Complex::new(c.re as f32, c.im as f32)).collect());
    }
}

fn row_powers(erb: &ErbFrames) -> Vec<f64> {
    (0..erb.rows()).map(|row| erb.row(row).iter().map(|p| f64::from(*p)).sum()).collect()
}

/// How loud two files are together in each stretch.
fn joint(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| (a * b).sqrt()).collect()
}

/// The loudest stretches, at most `most`, none that is far quieter than the loudest; in order of time.
fn loudest(powers: &[f64], most: usize) -> Vec<usize> {
    let highest = powers.iter().copied().fold(0.0, f64::max);
    let mut places: Vec<usize> =
        (0..powers.len()).filter(|n| powers[*n] > 0.0 && powers[*n] >= QUIET * highest).collect();
    places.sort_by(|a, b| powers[*b].total_cmp(&powers[*a]).then(a.cmp(b)));
    places.truncate(most);
    places.sort_unstable();
    places
}

/// Stretches in which many pairs are loud together: each pair wishes its loudest twice [`STRETCHES`], and has enough
/// with [`STRETCHES`].
fn greedy(powers: &[Vec<f64>], count: usize, most: usize) -> Vec<usize> {
    let mut wishes: Vec<(Vec<usize>, usize)> = Vec::new();
    for (n, a) in powers.iter().enumerate() {
        for b in &powers[n + 1..] {
            let wished = loudest(&joint(a, b), 2 * STRETCHES);
            let enough = wished.len().min(STRETCHES);
            wishes.push((wished, enough));
        }
    }
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < most {
        let mut votes = vec![0usize; count];
        for (wished, left) in wishes.iter().filter(|(_, left)| *left > 0) {
            // Who has little yet is heard first.
            wished.iter().filter(|n| !chosen.contains(n)).for_each(|n| votes[*n] += left);
        }
        // Of equal ones the first.
        let best = (0..count).rev().max_by_key(|n| votes[*n]);
        let Some(best) = best.filter(|n| votes[*n] > 0) else { break };
        chosen.push(best);
        for (wished, left) in &mut wishes {
            *left -= usize::from(*left > 0 && wished.contains(&best));
        }
    }
    chosen.sort_unstable();
    chosen
}
