//! Level, width and correlation by band, of the whole and over time: what a picture of spectrum and stereo shows.
//!
//! The same frames as the long-term spectrum: about a third of a second, half overlapping, under a sine window, so
//! that the powers of all frames add to exactly the energy of the signal.

use crate::bands::{OCTAVE_EDGES_HZ, THIRD_OCTAVES_HZ};
use crate::frames::{Bands, Framer, Spectrum, size_for};
use crate::levels::{Stereo, power_db};
use audio::{BlockRef, Frames};
use std::f64::consts::PI;

/// Frames last at least this long, in seconds, as in the long-term spectrum.
const FRAME_S: f64 = 0.3;
/// Parts of an octave in the finer curve.
const FINE_PARTS: usize = 12;
/// From 20 Hz to 20 kHz: 10 octaves.
const FINE_BANDS: usize = 10 * FINE_PARTS;
/// At most so many moments are kept; then two become one, so that memory does not grow with the signal.
const MOST_MOMENTS: usize = 2048;
/// The tilt leaves out the ends of the spectrum, where records bend away from a line (Pestana et al., AES 135th
/// convention, 2013).
const TILT_HZ: (f64, f64) = (50.0, 10_000.0);
/// Both sides of a band at least this far below the whole say nothing about its image, in dB.
const UNHEARD_DB: f64 = -90.0;

/// One band of a [`BandPortrait`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandReading {
    /// Centre in hertz: nominal for third octaves, exact for finer bands.
    pub hz: f64,
    /// Lower and upper edge in hertz.
    pub edges_hz: (f64, f64),
    /// Mean level over channels and frames, in dBFS; `None` for silence or above half the sample rate.
    pub db: Option<f64>,
    /// Level of the side signal against the middle, in dB; for two channels, where the band can be heard.
    pub side_mid_db: Option<f64>,
    /// Correlation of left and right, -1 to 1; for two channels that both sound in the band.
    pub correlation: Option<f64>,
}

/// What [`BandMeter`] reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BandPortrait {
    /// Third octaves, 25 Hz to 20 kHz (IEC 61260-1).
    pub thirds: Vec<BandReading>,
    /// Twelfths of an octave from 20 Hz on; their levels are those of a third octave of the same density (+6.02 dB),
    /// so that pink noise lies on one line in both.
    pub fine: Vec<BandReading>,
    /// The line through the third octaves from 50 Hz to 10 kHz (least squares): its slope in dB per octave and its
    /// level at 1 kHz in dBFS. Pink noise has slope 0.
    pub tilt: Option<(f64, f64)>,
    /// Edges of the bands of `moments`, in hertz.
    pub moment_edges_hz: Vec<(f64, f64)>,
    /// Length of a moment in seconds.
    pub moment_s: f64,
    /// For each moment the correlation of all bands together, and of each band.
    pub moments: Vec<(Option<f64>, Vec<Option<f64>>)>,
}

/// Powers of left and right and the real part of their product.
#[derive(Debug, Clone, Copy, Default)]
struct Sums([f64; 3]);

impl Sums {
    fn add(&mut self, other: Sums) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }

    fn image(self) -> Stereo {
        Stereo { left: self.0[0], right: self.0[1], product: self.0[2] }
    }
}

/// Reads a signal block by block.
#[derive(Clone)]
pub struct BandMeter {
    sample_rate_hz: f64,
    channels: usize,
    frames: Frames,
    framer: Framer,
    spectrum: Spectrum,
    hop: usize,
    next: i64,
    /// Sum over channels and frames for each bin; for two channels also the three sums.
    power: Vec<f64>,
    stereo: [Vec<f64>; 3],
    octaves: Bands,
    /// The sums of each octave in each moment.
    moments: Vec<[Sums; OCTAVE_EDGES_HZ.len() - 1]>,
    /// Frames of the transform in one moment, and those in the last.
    per_moment: usize,
    in_last: usize,
}

impl BandMeter {
    /// For a sample rate in hertz and a number of channels, at least 1.
    pub fn new(sample_rate_hz: f64, channels: usize) -> BandMeter {
        let size = size_for(FRAME_S, sample_rate_hz);
        let hop = size / 2;
        let window = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect();
        let edges = OCTAVE_EDGES_HZ.windows(2).map(|e| (e[0], e[1]));
        let zeros = vec![0.0; hop + 1];
        BandMeter {
            sample_rate_hz,
            channels,
            frames: 0,
            framer: Framer::new(channels, size, -(hop as i64)),
            spectrum: Spectrum::new(window),
            hop,
            next: -(hop as i64),
            power: zeros.clone(),
            stereo: [zeros.clone(), zeros.clone(), zeros],
            octaves: Bands::new(edges, hop + 1, sample_rate_hz / size as f64),
            moments: Vec::new(),
            per_moment: 2,
            in_last: 0,
        }
    }

    /// Takes the next block: any number of frames of samples that are finite.
    ///
    /// # Panics
    /// When the block has another number of channels.
    pub fn push(&mut self, block: &BlockRef) {
        assert_eq!(block.channels(), self.channels, "a block of the channels the meter was built for");
        self.frames += block.frames();
        self.framer.push(block);
        self.work();
    }

    fn work(&mut self) {
        while self.framer.has(self.next) && self.next < self.frames as i64 {
            let sounding = self.framer.sounding(self.next, self.frames);
            if self.channels == 2 {
                let left =
                    self.spectrum.without_dc(self.framer.frame(0, self.next), sounding.clone()).to_vec();
                let right = self.spectrum.without_dc(self.framer.frame(1, self.next), sounding);
                let mut now = [vec![0.0; left.len()], vec![0.0; left.len()], vec![0.0; left.len()]];
                for (k, (l, r)) in left.iter().zip(right).enumerate() {
                    now[0][k] = l.norm_sqr();
                    now[1][k] = r.norm_sqr();
                    now[2][k] = l.re * r.re + l.im * r.im;
                    self.power[k] += now[0][k] + now[1][k];
                }
                for (all, now) in self.stereo.iter_mut().zip(&now) {
                    all.iter_mut().zip(now).for_each(|(all, now)| *all += now);
                }
                self.keep_moment(&now);
            } else {
                for channel in 0..self.channels {
                    let frame = self.framer.frame(channel, self.next);
                    let spectrum = self.spectrum.without_dc(frame, sounding.clone());
                    self.power.iter_mut().zip(spectrum).for_each(|(p, x)| *p += x.norm_sqr());
                }
            }
            self.next += self.hop as i64;
            self.framer.forget(self.next);
        }
    }

    fn keep_moment(&mut self, now: &[Vec<f64>; 3]) {
        if self.moments.is_empty() || self.in_last == self.per_moment {
            if self.moments.len() == MOST_MOMENTS {
                self.halve();
            }
            if self.moments.is_empty() || self.in_last == self.per_moment {
                self.moments.push(Default::default());
                self.in_last = 0;
            }
        }
        if let Some(last) = self.moments.last_mut() {
            for (kind, spectrum) in now.iter().enumerate() {
                last.iter_mut().zip(self.octaves.sums(spectrum)).for_each(|(to, sum)| to.0[kind] += sum);
            }
        }
        self.in_last += 1;
    }

    /// Makes one moment of every two.
    fn halve(&mut self) {
        let pairs = self.moments.chunks(2).map(|pair| {
            let mut sum = pair[0];
            pair[1..].iter().for_each(|other| sum.iter_mut().zip(other).for_each(|(a, b)| a.add(*b)));
            sum
        });
        self.moments = pairs.collect();
        // The number that is kept is even, so that the last moment is full.
        self.per_moment *= 2;
        self.in_last = self.per_moment;
    }

    /// The readings of all that was taken.
    pub fn finish(mut self) -> BandPortrait {
        self.framer.finish();
        self.work();
        let centre = |n: usize| 1000.0 * 10f64.powf((n as f64 - 16.0) / 10.0);
        let edge = 10f64.powf(1.0 / 20.0);
        let third = |n: usize| (centre(n) / edge, centre(n) * edge);
        let mut thirds = self.bands((0..THIRD_OCTAVES_HZ.len()).map(third), 1.0);
        thirds.iter_mut().zip(THIRD_OCTAVES_HZ).for_each(|(band, hz)| band.hz = hz);
        let part = |n: usize| 20.0 * 2f64.powf(n as f64 / FINE_PARTS as f64);
        let fine = self.bands((0..FINE_BANDS).map(|n| (part(n), part(n + 1))), FINE_PARTS as f64 / 3.0);
        let whole: f64 = self.power.iter().sum();
        let heard = |sums: &Sums| sums.0[0] + sums.0[1] > whole * 1e-12 / self.moments.len().max(1) as f64;
        let correlation = |sums: Sums| Some(sums).filter(heard).and_then(|s| s.image().correlation());
        let moments = self.moments.iter().map(|bands| {
            let mut all = Sums::default();
            bands.iter().for_each(|band| all.add(*band));
            (correlation(all), bands.iter().map(|band| correlation(*band)).collect())
        });
        BandPortrait {
            tilt: tilt(&thirds),
            moments: moments.collect(),
            moment_s: (self.per_moment * self.hop) as f64 / self.sample_rate_hz,
            moment_edges_hz: OCTAVE_EDGES_HZ.windows(2).map(|e| (e[0], e[1])).collect(),
            thirds,
            fine,
        }
    }

    fn bands(&self, edges: impl Iterator<Item = (f64, f64)> + Clone, density: f64) -> Vec<BandReading> {
        let size = 2 * self.hop;
        // Parseval, both halves of the spectrum folded into one; mean over frames and channels.
        let scale = 2.0 * density / (size as f64 * (self.frames * self.channels).max(1) as f64);
        let bands = Bands::new(edges.clone(), self.hop + 1, self.sample_rate_hz / size as f64);
        let [left, right, product] = &self.stereo;
        let whole: f64 = self.power.iter().sum();
        let images = bands.sums(left).zip(bands.sums(right)).zip(bands.sums(product));
        let readings = bands.sums(&self.power).zip(images).zip(edges);
        readings
            .map(|((power, ((left, right), product)), (low_hz, high_hz))| {
                let hz = (low_hz * high_hz).sqrt();
                let heard = power_db(power / whole).is_some_and(|db| db > UNHEARD_DB);
                let image = Some(Stereo { left, right, product }).filter(|_| self.channels == 2 && heard);
                BandReading {
                    hz,
                    edges_hz: (low_hz, high_hz),
                    db: power_db(power * scale).filter(|_| hz < self.sample_rate_hz / 2.0),
                    side_mid_db: image.and_then(|image| image.side_mid_db()),
                    correlation: image.and_then(|image| image.correlation()),
                }
            })
            .collect()
    }
}

/// The line through levels against octaves: slope, and level at 1 kHz.
fn tilt(thirds: &[BandReading]) -> Option<(f64, f64)> {
    let inside = thirds.iter().filter(|b| b.hz >= TILT_HZ.0 && b.hz <= TILT_HZ.1);
    let points: Vec<(f64, f64)> = inside.filter_map(|b| Some(((b.hz / 1000.0).log2(), b.db?))).collect();
    let count = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / count, y + p.1 / count));
    let (xy, xx) = points
        .iter()
        .fold((0.0, 0.0), |(xy, xx), p| (xy + (p.0 - x) * (p.1 - y), xx + (p.0 - x) * (p.0 - x)));
    Some((xy / xx, y - xy / xx * x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    const RATE_HZ: f64 = 48_000.0;

    /// White noise from a linear congruential generator (Knuth's MMIX constants), uniform within +-0.5.
    fn noise(seed: u64, frames: usize) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        (0..frames).map(|_| next()).collect()
    }

    fn portrait(channels: &[Vec<f64>], cut: usize) -> BandPortrait {
        let buffer = Buffer::from_channels(channels);
        let mut meter = BandMeter::new(RATE_HZ, channels.len());
        for start in (0..buffer.frames()).step_by(cut) {
            meter.push(&buffer.range(start, cut.min(buffer.frames() - start)));
        }
        meter.finish()
    }

    #[test]
    fn white_noise_rises_three_decibels_an_octave_and_both_curves_agree() {
        let read = portrait(&[noise(1, 960_000)], 4096);
        // Power grows with the width of the band: 3.01 dB an octave. The statistical error of a third octave at
        // 100 Hz (23 Hz wide, 20 s) is 4.34 / sqrt(23 x 20) = 0.2 dB.
        let (slope, level_1k) = read.tilt.unwrap();
        assert!((slope - 3.01).abs() < 0.1, "{slope}");
        // Uniform within +-0.5 has variance 1/12 (-10.79 dB), spread over 24 kHz; the band at 1 kHz is 231 Hz wide.
        let expected = 10.0 * (1.0f64 / 12.0 * 231.0 / 24_000.0).log10();
        assert!((level_1k - expected).abs() < 0.2, "{level_1k} for {expected}");
        for third in read.thirds.iter().filter(|b| b.hz > 400.0) {
            let near =
                read.fine.iter().min_by(|a, b| (a.hz - third.hz).abs().total_cmp(&(b.hz - third.hz).abs()));
            let (fine, third) = (near.unwrap().db.unwrap(), third.db.unwrap());
            // A twelfth at 400 Hz is 23 Hz wide: 0.2 dB by chance, and its centre lies up to 1/24 octave aside.
            assert!((fine - third).abs() < 0.9, "{fine} {third}");
        }
    }

    #[test]
    fn images_are_read_by_band_and_over_time() {
        let (low, high) = (noise(2, 480_000), noise(3, 480_000));
        let tone =
            |hz: f64| (0..480_000).map(move |n| (n as f64 * hz * std::f64::consts::TAU / RATE_HZ).sin());
        // 90 Hz in phase throughout; 3 kHz in phase for 5 s, then in opposite phase.
        let turned = |n: usize| if n < 240_000 { 1.0 } else { -1.0 };
        let left: Vec<f64> = tone(90.0).zip(tone(3000.0)).map(|(a, b)| 0.3 * (a + b)).collect();
        let right: Vec<f64> =
            tone(90.0).zip(tone(3000.0)).enumerate().map(|(n, (a, b))| 0.3 * (a + turned(n) * b)).collect();
        let read = portrait(&[left, right], 10_000);
        let band = |hz: f64| read.moment_edges_hz.iter().position(|(l, h)| (*l..*h).contains(&hz)).unwrap();
        for (place, (_, bands)) in read.moments.iter().enumerate() {
            let time_s = place as f64 * read.moment_s;
            assert!(bands[band(90.0)].unwrap() > 0.999, "{time_s}");
            // Moments and their overlapping frames reach 0.6 s to either side.
            if !(4.3..=5.7).contains(&time_s) {
                let expected = if time_s < 5.0 { 1.0 } else { -1.0 };
                assert!((bands[band(3000.0)].unwrap() - expected).abs() < 0.001, "{time_s}");
            }
        }
        let third = |hz: f64| read.thirds.iter().find(|b| b.hz == hz).unwrap();
        // In phase and in opposite phase for equally long: as much side as middle.
        assert!(third(3150.0).side_mid_db.unwrap().abs() < 0.3);
        assert!(third(3150.0).correlation.unwrap().abs() < 0.05);
        // Independent noise: 0 dB, and no correlation beyond chance (100 bins x 58 frames: 1/76).
        let read = portrait(&[low, high], 10_000);
        let wide = read.thirds.iter().find(|b| b.hz == 4000.0).unwrap();
        assert!(wide.side_mid_db.unwrap().abs() < 0.5 && wide.correlation.unwrap().abs() < 0.05);
    }

    #[test]
    fn cuts_change_nothing_and_nothing_has_no_readings() {
        let channels = [noise(4, 30_000), noise(5, 30_000)];
        let whole = portrait(&channels, 30_000);
        for cut in [1, 7, 4096] {
            assert_eq!(portrait(&channels, cut), whole);
        }
        for channels in [vec![vec![0.0; 20_000]; 2], vec![vec![]], vec![vec![0.0; 1]]] {
            let read = portrait(&channels, 1000);
            assert!(read.thirds.iter().chain(&read.fine).all(|b| b.db.is_none() && b.correlation.is_none()));
            assert_eq!(read.tilt, None);
            assert!(read.moments.iter().all(|(all, _)| all.is_none()));
        }
    }

    #[test]
    fn a_long_signal_has_no_more_moments_than_fit() {
        let mut meter = BandMeter::new(8000.0, 2);
        let second = Buffer::from_channels(&[noise(6, 8000), noise(7, 8000)]);
        for _ in 0..1500 {
            meter.push(&second.as_block());
        }
        let read = meter.finish();
        // 1500 s in moments of 0.512 s would be 2930.
        assert!(read.moments.len() <= MOST_MOMENTS && read.moments.len() > MOST_MOMENTS / 2);
        let length_s = read.moments.len() as f64 * read.moment_s;
        assert!((length_s - 1500.0).abs() <= 2.0 * read.moment_s, "{length_s}");
    }
}
