//! The long-term spectrum: third octaves, octaves, stereo width by band, where the energy lies.
//!
//! Frames of about a third of a second, half overlapping, under a sine window: the squares of two
//! overlapping windows add to one, so that the powers of all frames add to exactly the energy of the
//! signal, wherever it has its peaks. The mean of each frame is taken out before: DC has a meter of its own.

use crate::bands::{OCTAVE_EDGES_HZ, THIRD_OCTAVES_HZ};
use crate::facts::{BandFacts, BandLevel, Facts};
use crate::frames::{Bands, Found, Framer, PairSpectrum, Spectrum, add_powers, size_for};
use crate::image::{self, ImageSeries, Row, Rows};
use crate::levels::{Stereo, power_db, ratio_db};
use crate::shape;
use crate::tone_series::{Sums, ToneMeter, ToneSeries};
use audio::{BlockRef, Frames};
use num_complex::Complex;
use std::f64::consts::PI;
use std::ops::Range;

/// Frames last at least this long: four bins in the band of 25 Hz, which is 5.8 Hz wide.
const FRAME_S: f64 = 0.3;
/// The low end, in hertz: what loudspeakers and ears hardly place.
const LOW_END_HZ: (f64, f64) = (40.0, 150.0);
/// Below this there is no music, in hertz.
const SUBSONIC_HZ: f64 = 25.0;

/// The summed power spectra of a signal.
#[derive(Clone)]
pub(crate) struct LongTerm {
    framer: Framer,
    /// For other numbers of channels than two.
    spectrum: Spectrum,
    next: i64,
    hop: usize,
    bin_hz: f64,
    frames: Frames,
    channels: usize,
    /// Sum over channels and frames.
    power: Vec<f64>,
    /// For two channels.
    stereo: Option<Pair>,
    tone: ToneMeter,
}

/// The summed spectra of two channels, and the image of every frame.
#[derive(Clone)]
struct Pair {
    spectrum: PairSpectrum,
    left: Vec<f64>,
    right: Vec<f64>,
    /// `conj(L) R`.
    cross: Vec<Complex<f64>>,
    /// Of one frame: left, right, real part of the cross-power.
    frame: [Vec<f64>; 3],
    bands: Bands,
    rows: Rows,
}

/// What the spectrum tells besides [`Facts`].
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Level of right against left in the low end, in dB.
    pub(crate) low_end_balance_db: Option<f64>,
    /// The image against time.
    pub(crate) image: ImageSeries,
    /// The tone against time.
    pub(crate) tone: ToneSeries,
}

impl Pair {
    fn new(window: Vec<f64>, bin_hz: f64) -> Pair {
        let bins = window.len() / 2 + 1;
        let zeros = || vec![0.0; bins];
        Pair {
            spectrum: PairSpectrum::new(window),
            left: zeros(),
            right: zeros(),
            cross: vec![Complex::ZERO; bins],
            frame: [zeros(), zeros(), zeros()],
            bands: Bands::new(OCTAVE_EDGES_HZ.windows(2).map(|e| (e[0], e[1])), bins, bin_hz),
            rows: Rows::default(),
        }
    }

    /// Takes one frame of each channel.
    fn take(&mut self, left: &[f64], right: &[f64], sounding: Range<usize>) {
        let powers = (&mut self.left[..], &mut self.right[..], &mut self.cross[..]);
        match self.spectrum.transform(left, right, sounding) {
            Found::Both => cross_powers_of_both(&mut self.frame, powers, self.spectrum.both()),
            found => {
                let [first, second] = self.spectrum.each_channel(found);
                cross_powers(&mut self.frame, powers, first, second);
            }
        }
        // The squares of the window add to half its length; the other half of the spectrum doubles.
        let size = left.len();
        let scale = 4.0 / (size as f64 * size as f64);
        let mut row = Row::default();
        for (part, spectrum) in self.frame.iter().enumerate() {
            for (band, sum) in self.bands.sums(spectrum).enumerate() {
                row[band][part] = (sum * scale) as f32;
            }
        }
        self.rows.push(row);
    }
}

/// Sums of many frames need more digits than one frame has.
#[inline(always)]
fn precise(value: Complex<f32>) -> Complex<f64> {
    Complex::new(f64::from(value.re), f64::from(value.im))
}

audio::wide! {
    by four:
    /// Writes the powers of two spectra and the real part of their cross-power, and adds them and the whole of it.
    fn cross_powers(
        frame: &mut [Vec<f64>; 3],
        sums: (&mut [f64], &mut [f64], &mut [Complex<f64>]),
        first: &[Complex<f32>],
        second: &[Complex<f32>],
    ) {
        let bins = first.len();
        let [left, right, product] = frame;
        let (left, right, product) = (&mut left[..bins], &mut right[..bins], &mut product[..bins]);
        let (all_left, all_right, cross) = (&mut sums.0[..bins], &mut sums.1[..bins], &mut sums.2[..bins]);
        let second = &second[..bins];
        for k in 0..bins {
            let (l, r) = (precise(first[k]), precise(second[k]));
            left[k] = l.re * l.re + l.im * l.im;
            right[k] = r.re * r.re + r.im * r.im;
            product[k] = l.re * r.re + l.im * r.im;
            all_left[k] += left[k];
            all_right[k] += right[k];
            cross[k].re += product[k];
            cross[k].im += l.re * r.im - l.im * r.re;
        }
    }
}

/// Bins that are taken apart together.
const WIDE: usize = 8;

audio::wide! {
    by four:
    /// The same of the transform of two channels, each bin taken apart on the way (see [`PairSpectrum`]).
    fn cross_powers_of_both(
        frame: &mut [Vec<f64>; 3],
        sums: (&mut [f64], &mut [f64], &mut [Complex<f64>]),
        both: &[Complex<f32>],
    ) {
        let (bins, size) = (both.len() / 2 + 1, both.len());
        let [left, right, product] = frame;
        let (left, right, product) = (&mut left[..bins], &mut right[..bins], &mut product[..bins]);
        let (all_left, all_right, cross) = (&mut sums.0[..bins], &mut sums.1[..bins], &mut sums.2[..bins]);
        let mut put = |k: usize, powers: [f64; 4]| {
            (left[k], right[k], product[k]) = (powers[0], powers[1], powers[2]);
            all_left[k] += powers[0];
            all_right[k] += powers[1];
            cross[k].re += powers[2];
            cross[k].im += powers[3];
        };
        // The bin of no frequency is its own mirror.
        put(0, powers_of(both[0], both[0]).map(f64::from));
        let whole = 1 + (bins - 1) / WIDE * WIDE;
        for k in (1..whole).step_by(WIDE) {
            let (upward, downward) = (&both[k..k + WIDE], &both[size - k + 1 - WIDE..size - k + 1]);
            let mut powers = [[0.0f32; WIDE]; 4];
            for n in 0..WIDE {
                let [l, r, re, im] = powers_of(upward[n], downward[WIDE - 1 - n]);
                (powers[0][n], powers[1][n], powers[2][n], powers[3][n]) = (l, r, re, im);
            }
            for n in 0..WIDE {
                put(k + n, [powers[0][n], powers[1][n], powers[2][n], powers[3][n]].map(f64::from));
            }
        }
        for k in whole..bins {
            put(k, powers_of(both[k], both[size - k]).map(f64::from));
        }
    }
}

/// Of a bin of two channels in one transform and its mirror: the power of the left, of the right, and both parts of the
/// cross-power.
#[inline(always)]
fn powers_of(a: Complex<f32>, b: Complex<f32>) -> [f32; 4] {
    let (l_re, l_im) = (0.5 * (a.re + b.re), 0.5 * (a.im - b.im));
    let (r_re, r_im) = (0.5 * (a.im + b.im), 0.5 * (b.re - a.re));
    [
        l_re * l_re + l_im * l_im,
        r_re * r_re + r_im * r_im,
        l_re * r_re + l_im * r_im,
        l_re * r_im - l_im * r_re,
    ]
}

/// The sums as the tone against time takes them.
fn sums_of<'a>(power: &'a [f64], pair: Option<&'a Pair>) -> Sums<'a> {
    pair.map_or(Sums::Mono(power), |pair| Sums::Stereo(&pair.left, &pair.right, &pair.cross))
}

impl LongTerm {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> LongTerm {
        let size = size_for(FRAME_S, sample_rate_hz);
        let hop = size / 2;
        let window: Vec<f64> = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect();
        let zeros = vec![0.0; hop + 1];
        LongTerm {
            stereo: (channels == 2).then(|| Pair::new(window.clone(), sample_rate_hz / size as f64)),
            framer: Framer::new(channels, size, -(hop as i64)),
            spectrum: Spectrum::new(window),
            next: -(hop as i64),
            hop,
            bin_hz: sample_rate_hz / size as f64,
            frames: 0,
            channels,
            power: zeros,
            tone: ToneMeter::new(hop + 1, sample_rate_hz / size as f64, channels),
        }
    }

    /// Takes clean samples.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        self.frames += block.frames();
        self.framer.push(block);
        self.work();
    }

    /// As if every sample had been `gain` times as high.
    pub(crate) fn amplify(&mut self, gain: f64) {
        let by = gain * gain;
        self.framer.amplify(gain);
        self.power.iter_mut().for_each(|power| *power *= by);
        if let Some(pair) = &mut self.stereo {
            pair.left.iter_mut().chain(&mut pair.right).for_each(|power| *power *= by);
            pair.cross.iter_mut().for_each(|power| *power *= by);
            pair.rows.amplify(by);
        }
        self.tone.amplify(gain);
    }

    fn work(&mut self) {
        while self.framer.has(self.next) && self.next < self.frames as i64 {
            let sounding = self.framer.sounding(self.next, self.frames);
            match &mut self.stereo {
                None => {
                    for channel in 0..self.channels {
                        let spectrum =
                            self.spectrum.without_dc(self.framer.frame(channel, self.next), sounding.clone());
                        add_powers(&mut self.power, spectrum);
                    }
                }
                Some(pair) => {
                    let frame = |channel| self.framer.frame(channel, self.next);
                    pair.take(frame(0), frame(1), sounding);
                }
            }
            self.tone.step(sums_of(&self.power, self.stereo.as_ref()));
            self.next += self.hop as i64;
            self.framer.forget(self.next);
        }
    }

    /// Writes what the spectrum says into the facts of the signal, and tells the rest; with the image against time where
    /// `series` are asked for.
    pub(crate) fn finish(mut self, facts: &mut Facts, series: bool) -> Told {
        self.framer.finish();
        self.work();
        let tone = self.tone.clone().finish(sums_of(&self.power, self.stereo.as_ref()));
        let size = 2 * self.hop;
        // Parseval, both halves of the spectrum folded into one; mean over frames and channels.
        let scale = 1.0 / (size as f64 * (self.frames * self.channels).max(1) as f64);
        let fold = |k: usize| if k == 0 || k == size / 2 { scale } else { 2.0 * scale };
        if let Some(pair) = &mut self.stereo {
            for k in 0..pair.left.len() {
                pair.left[k] *= fold(k);
                pair.right[k] *= fold(k);
                pair.cross[k] *= fold(k);
                self.power[k] = pair.left[k] + pair.right[k];
            }
        } else {
            self.power.iter_mut().enumerate().for_each(|(k, power)| *power *= fold(k));
        }
        let total: f64 = self.power.iter().sum();

        let nyquist_hz = self.hop as f64 * self.bin_hz;
        let centre = |n: usize| 1000.0 * 10f64.powf((n as f64 - 16.0) / 10.0);
        let edge = 10f64.powf(1.0 / 20.0);
        let thirds = (0..THIRD_OCTAVES_HZ.len()).map(|n| (centre(n) / edge, centre(n) * edge));
        let thirds = self.bands(thirds);
        let images = self.images(&thirds).into_iter().flatten();
        facts.third_octave_side_mid_db = images
            .zip(THIRD_OCTAVES_HZ)
            .map(|(image, hz)| BandLevel { hz, db: image.side_mid_db().filter(|_| hz < nyquist_hz) })
            .collect();
        facts.third_octave_db = thirds
            .sums(&self.power)
            .zip(THIRD_OCTAVES_HZ)
            .map(|(power, hz)| BandLevel { hz, db: power_db(power).filter(|_| hz < nyquist_hz) })
            .collect();
        facts.tilt_db_per_octave = shape::tilt_db_per_octave(&facts.third_octave_db);
        facts.bandwidth_hz = shape::bandwidth_hz(&self.power, self.bin_hz);
        facts.bands = self.octaves(total);

        if total > 0.0 {
            let moment: f64 = self.power.iter().enumerate().map(|(k, p)| k as f64 * self.bin_hz * p).sum();
            facts.centroid_hz = Some(moment / total);
            facts.energy_1_percent_hz = Some(self.energy_below(0.01 * total));
            facts.energy_99_percent_hz = Some(self.energy_below(0.99 * total));
            let below = self.bands([(0.0, SUBSONIC_HZ)].into_iter());
            facts.below_25_hz_db = below.sums(&self.power).next().and_then(|power| ratio_db(power, total));
        }
        Told { tone, ..self.read_pair(facts, series).unwrap_or_default() }
    }

    /// What two channels are to each other.
    fn read_pair(&self, facts: &mut Facts, series: bool) -> Option<Told> {
        let pair = self.stereo.as_ref()?;
        let rate_hz = 2.0 * self.hop as f64 * self.bin_hz;
        let hop_s = self.hop as f64 / rate_hz;
        // The first window begins half of its length before the signal, and the last may end after it.
        let whole_s = self.frames as f64 / rate_hz;
        let step_s = pair.rows.windows() as f64 * hop_s;
        let rows = pair.rows.all();
        let ends_s: Vec<f64> = (1..=rows.len()).map(|n| (n as f64 * step_s).min(whole_s)).collect();
        // Summed over overlapping windows is twice the mean of their rows; the spectra here are means per channel.
        let whole = self.images(&pair.bands).into_iter().flatten();
        let whole: Vec<Stereo> = whole
            .map(|i| Stereo { left: 2.0 * i.left, right: 2.0 * i.right, product: 2.0 * i.product })
            .collect();
        facts.stereo_bands = image::stereo_bands(&whole, rows, &ends_s, step_s);
        facts.channel_relation = image::relation(&pair.left, &pair.right, &pair.cross, rate_hz);
        let low = self.bands([LOW_END_HZ].into_iter());
        let low_end_balance_db = match (low.sums(&pair.left).next(), low.sums(&pair.right).next()) {
            (Some(left), Some(right)) => ratio_db(right, left),
            _ => None,
        };
        let window_s = step_s + hop_s;
        let image = if series { image::series(rows, ends_s, window_s) } else { ImageSeries::default() };
        Some(Told { low_end_balance_db, image, ..Told::default() })
    }

    fn bands(&self, edges: impl Iterator<Item = (f64, f64)>) -> Bands {
        Bands::new(edges, self.hop + 1, self.bin_hz)
    }

    /// The stereo image of each band, for two channels.
    fn images(&self, bands: &Bands) -> Option<Vec<Stereo>> {
        let pair = self.stereo.as_ref()?;
        let products: Vec<f64> = pair.cross.iter().map(|c| c.re).collect();
        let sums = bands.sums(&pair.left).zip(bands.sums(&pair.right)).zip(bands.sums(&products));
        Some(sums.map(|((left, right), product)| Stereo { left, right, product }).collect())
    }

    fn octaves(&self, total: f64) -> Vec<BandFacts> {
        let edges = || OCTAVE_EDGES_HZ.windows(2).map(|e| (e[0], e[1]));
        let bands = self.bands(edges());
        let images = self.images(&bands);
        bands
            .sums(&self.power)
            .zip(edges())
            .enumerate()
            .map(|(band, (power, (low_hz, high_hz)))| {
                let image = images.as_ref().map(|images| images[band]);
                let share_db = (power > 0.0).then(|| ratio_db(power, total)).flatten();
                BandFacts {
                    low_hz,
                    high_hz,
                    share_db,
                    side_mid_db: image.and_then(|i| i.side_mid_db()),
                    correlation: image.and_then(|i| i.correlation()),
                }
            })
            .collect()
    }

    /// The frequency below which a given energy lies, in hertz.
    fn energy_below(&self, energy: f64) -> f64 {
        let mut sum = 0.0;
        for (k, power) in self.power.iter().enumerate() {
            if sum + power >= energy && *power > 0.0 {
                return (k as f64 - 0.5 + (energy - sum) / power) * self.bin_hz;
            }
            sum += power;
        }
        self.hop as f64 * self.bin_hz
    }
}
