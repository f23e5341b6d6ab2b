//! The notes of a signal, whatever the octave: peaks of the spectrum ten times a second.
//!
//! E. Gómez, *Tonal description of polyphonic audio for music content processing*, INFORMS Journal on Computing 18,
//! 2006: each spectral peak counts for the pitch it has and, less, for those whose overtone it may be. Fifths of a
//! semitone are kept, so that the tuning can be found afterwards.

use crate::bins::Grid;
use crate::frames::{Framer, Spectrum, add_channels, size_for};
use audio::{BlockRef, Frames};
use std::f64::consts::PI;

/// Parts of an octave that are kept.
pub(crate) const PARTS: usize = 60;
/// One row every so many bins: 100 ms.
const STEP_BINS: usize = 10;
/// Length of a row in seconds.
pub(crate) const ROW_S: f64 = 0.1;
/// A frame lasts at least this long: two semitones apart are told from the A of 110 Hz on.
const FRAME_S: f64 = 0.3;
/// Peaks are looked for in this range, in hertz: below are drums, above overtones.
const RANGE_HZ: (f64, f64) = (80.0, 2500.0);
/// A peak stands above the mean of so many hertz either way by this factor of magnitude.
const AROUND_HZ: f64 = 60.0;
const ABOVE: f64 = 2.0;
/// And is not weaker than the strongest peak by more than this, as a magnitude.
const LEAST: f64 = 0.02;
/// A peak may be the first to the fourth overtone; each counts less by this.
const HARMONICS: [(f64, f64); 4] = [(1.0, 1.0), (2.0, 0.5), (3.0, 0.3), (4.0, 0.15)];
/// The C below the A of 440 Hz, four octaves down.
const C_HZ: f64 = 16.351_597_831_287_414;

/// The notes against time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Chroma {
    /// Rows x [`PARTS`]: how strong each fifth of a semitone from C on is.
    pub(crate) parts: Vec<f32>,
    /// For each row, how much of its magnitude lies in peaks, 0 to 1.
    pub(crate) tonal: Vec<f32>,
    /// Sum over all peaks of their weight at a point of the circle of one semitone: the tuning.
    pub(crate) tuning: (f64, f64, f64),
}

impl Chroma {
    pub(crate) fn rows(&self) -> usize {
        self.tonal.len()
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.parts[row * PARTS..][..PARTS]
    }
}

/// The analysis of a stream.
#[derive(Clone)]
pub(crate) struct ChromaMeter {
    grid: Grid,
    framer: Framer,
    spectrum: Spectrum,
    bin_hz: f64,
    frames: Frames,
    size: usize,
    bin: usize,
    mono: Vec<f64>,
    magnitudes: Vec<f64>,
    chroma: Chroma,
}

impl ChromaMeter {
    pub(crate) fn new(sample_rate_hz: f64) -> ChromaMeter {
        let size = size_for(FRAME_S, sample_rate_hz);
        let window = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect();
        ChromaMeter {
            grid: Grid::new(sample_rate_hz),
            framer: Framer::new(1, size, -(size as i64)),
            spectrum: Spectrum::new(window),
            bin_hz: sample_rate_hz / size as f64,
            frames: 0,
            size,
            bin: 0,
            mono: Vec::new(),
            magnitudes: Vec::new(),
            chroma: Chroma::default(),
        }
    }

    /// Takes clean samples; channels are added.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        add_channels(block, &mut self.mono);
        self.frames += block.frames();
        self.framer.push(&BlockRef::from_mono(&self.mono));
        self.work();
    }

    fn work(&mut self) {
        loop {
            // Each frame is centred on its row of 100 ms.
            let (from, to) = (self.grid.start(self.bin), self.grid.start(self.bin + STEP_BINS));
            let start = ((from + to) / 2) as i64 - (self.size / 2) as i64;
            if to > self.frames || !self.framer.has(start) {
                return;
            }
            let sounding = self.framer.sounding(start, self.frames);
            let spectrum = self.spectrum.without_dc(self.framer.frame(0, start), sounding);
            let highest = ((RANGE_HZ.1 + AROUND_HZ) / self.bin_hz) as usize + 2;
            self.magnitudes.clear();
            self.magnitudes.extend(spectrum.iter().take(highest).map(|x| x.norm()));
            self.framer.forget(start);
            self.row();
            self.bin += STEP_BINS;
        }
    }

    /// One row from the magnitudes.
    fn row(&mut self) {
        let m = &self.magnitudes;
        let around = (AROUND_HZ / self.bin_hz) as usize + 1;
        let mut sums = vec![0.0; m.len() + 1];
        for (n, x) in m.iter().enumerate() {
            sums[n + 1] = sums[n] + x;
        }
        let mean = |n: usize| {
            let (from, to) = (n.saturating_sub(around), (n + around + 1).min(m.len()));
            (sums[to] - sums[from]) / (to - from) as f64
        };
        let range = (RANGE_HZ.0 / self.bin_hz) as usize..m.len().saturating_sub(2);
        let is_peak = |n: &usize| m[*n] > m[*n - 1] && m[*n] >= m[*n + 1] && m[*n] > ABOVE * mean(*n);
        let peaks: Vec<usize> = range.clone().filter(is_peak).collect();
        let strongest = peaks.iter().map(|n| m[*n]).fold(0.0, f64::max);
        let mut parts = [0.0; PARTS];
        let mut in_peaks = 0.0;
        for n in peaks.into_iter().filter(|n| m[*n] >= LEAST * strongest && strongest > 0.0) {
            in_peaks += m[n - 1..=n + 1].iter().sum::<f64>();
            let hz = (n as f64 + between(m[n - 1], m[n], m[n + 1])) * self.bin_hz;
            // Compressed, as loudness is.
            let weight = (m[n] / strongest).sqrt();
            let semitones = 12.0 * (hz / C_HZ).log2();
            let (sin, cos) = (2.0 * PI * semitones).sin_cos();
            let tuning = &mut self.chroma.tuning;
            *tuning = (tuning.0 + weight * cos, tuning.1 + weight * sin, tuning.2 + weight);
            for (harmonic, less) in HARMONICS {
                let place = (semitones - 12.0 * f64::log2(harmonic)) * PARTS as f64 / 12.0;
                let share = place - place.floor();
                let part = (place.floor() as i64).rem_euclid(PARTS as i64) as usize;
                parts[part] += less * weight * (1.0 - share);
                parts[(part + 1) % PARTS] += less * weight * share;
            }
        }
        let all: f64 = range.map(|n| m[n]).sum();
        self.chroma.parts.extend(parts.map(|x| x as f32));
        self.chroma.tonal.push(if all > 0.0 { (in_peaks / all) as f32 } else { 0.0 });
    }

    pub(crate) fn finish(mut self) -> Chroma {
        self.framer.finish();
        self.work();
        self.chroma
    }
}

/// Where between bins a peak is, from the logarithms of three magnitudes.
fn between(before: f64, here: f64, after: f64) -> f64 {
    let log = |x: f64| x.max(1e-30).ln();
    let (before, here, after) = (log(before), log(here), log(after));
    let bend = before - 2.0 * here + after;
    if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}
