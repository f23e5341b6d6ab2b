//! Delay and polarity between two recordings of one source.
//!
//! Generalised cross-correlation with phase transform (Knapp & Carter, *The generalized correlation method
//! for estimation of time delay*, IEEE Trans. ASSP 1976): the cross-spectrum is whitened, so that a delay
//! makes one sharp peak whatever the source's tone. Several stretches of about a second vote; what they
//! agree on is refined to a fraction of a frame on their summed cross-spectrum.

use crate::error::{Error, check_rate};
use crate::frames::{Spectrum, size_for};
use crate::levels::dot;
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Frames};
use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};
use std::f64::consts::{PI, TAU};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Length of one stretch in seconds, at least.
const STRETCH_S: f64 = 1.0;
/// The loudest stretches vote, so many at most.
pub(crate) const STRETCHES: usize = 12;
/// Stretches quieter than the loudest by more than this say nothing, as a power ratio (-40 dB).
pub(crate) const QUIET: f64 = 1e-4;
/// The band that is looked at, in hertz: rumble below, unlike microphones above.
const BAND_HZ: (f64, f64) = (80.0, 4000.0);
/// Polarity is judged below this, in hertz: higher up a small error of the delay turns the phase.
const POLARITY_HZ: f64 = 2000.0;
/// What two microphones of one source add up to or cancel is judged here, in hertz.
const SUM_HZ: (f64, f64) = (60.0, 500.0);
/// Alignment is worth it when the sum gains this much there, in decibels, and the delay can be trusted.
const WORTH_DB: f64 = 0.5;
const TRUSTED: f64 = 0.6;
/// Exponent of the whitening: 1 is the pure phase transform, which lets bins of mere noise vote as well.
const WHITENING: f64 = 0.8;
/// Half-width of a peak in seconds: the second peak is searched outside of it.
const PEAK_S: f64 = 0.0004;
/// A stretch is sure when its peak stands above the next by this factor.
const SURE_RATIO: f64 = 1.5;
/// Stretches agree when their delays differ by at most this, in seconds.
const AGREE_S: f64 = 0.0002;

/// How one signal lies against another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Frames by which the second signal is late (negative: early), to a fraction of a frame.
    pub delay_frames: f64,
    /// Whether the second signal has the opposite polarity at that delay.
    pub inverted: bool,
    /// Share of the stretches that are sure and agree, 0 to 1; above 0.6 the delay can be trusted.
    pub confidence: f64,
    /// Middle value of the height of the peak over the next one.
    pub peak_ratio: f64,
    /// Correlation of both from 80 Hz to 2 kHz at that delay, -1 to 1.
    pub correlation: f64,
    /// How much of both is one sound, from 80 Hz to 2 kHz, 0 to 1: magnitude-squared coherence, whatever the delay.
    pub coherence: f64,
    /// What the energy of the sum of both gains from 60 to 500 Hz, in decibels, when the second one is moved
    /// by that delay and turned if it is inverted.
    pub sum_gain_db: f64,
}

impl Alignment {
    /// Decided by result: the delay can be trusted, and the sum gains half a decibel where the body of a sound
    /// is. Otherwise the recordings are better left as they are.
    pub fn is_worth_it(&self) -> bool {
        self.confidence > TRUSTED && self.sum_gain_db >= WORTH_DB
    }
}

/// One stretch of both signals.
struct Vote {
    /// `conj(A) B`, whitened, bin by bin.
    cross: Vec<Complex<f64>>,
    lag: i64,
    ratio: f64,
}

/// The length of the stretches that are compared, in frames, for signals of so many frames.
pub(crate) fn stretch_frames(sample_rate_hz: f64, frames: Frames) -> Frames {
    size_for(STRETCH_S, sample_rate_hz).min(frames.next_power_of_two()).max(4096)
}

/// The transform of stretches of a length: a sine window.
pub(crate) fn stretch_spectrum(size: Frames) -> Spectrum {
    Spectrum::new((0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect())
}

/// Collects stretches of two signals, and says how the second lies against the first.
pub(crate) struct Aligner {
    size: usize,
    rate_hz: f64,
    longest: usize,
    plan: Arc<dyn ComplexToReal<f64>>,
    votes: Vec<Vote>,
    /// Powers and cross-spectrum where polarity is judged, bin by bin.
    powers_a: Vec<f64>,
    powers_b: Vec<f64>,
    cross_low: Vec<Complex<f64>>,
    sum_power: f64,
    cross_sum: Vec<Complex<f64>>,
}

impl Aligner {
    /// For stretches of `size` frames, delays up to `longest_s` seconds.
    pub(crate) fn new(size: usize, rate_hz: f64, longest_s: f64) -> Aligner {
        let bins = Aligner::bins(size, rate_hz);
        // Nothing lies above the band: a correlation at half again its rate has all of it.
        let short = (3 * bins).next_power_of_two().min(size);
        Aligner {
            size,
            rate_hz,
            longest: ((longest_s * rate_hz).ceil() as usize).clamp(1, size / 4),
            plan: RealFftPlanner::new().plan_fft_inverse(short),
            votes: Vec::new(),
            powers_a: vec![0.0; bins],
            powers_b: vec![0.0; bins],
            cross_low: vec![Complex::ZERO; bins],
            sum_power: 0.0,
            cross_sum: vec![Complex::ZERO; bins],
        }
    }

    /// How many bins of a spectrum are looked at, from 0 Hz.
    pub(crate) fn bins(size: usize, rate_hz: f64) -> usize {
        *Aligner::band(size, rate_hz, BAND_HZ).end() + 1
    }

    fn band(size: usize, rate_hz: f64, hz: (f64, f64)) -> RangeInclusive<usize> {
        let bin_hz = rate_hz / size as f64;
        (hz.0 / bin_hz).ceil() as usize..=((hz.1 / bin_hz) as usize).min(size / 2 - 1)
    }

    /// Takes the spectra of one stretch of both.
    pub(crate) fn add(&mut self, a: &[Complex<f64>], b: &[Complex<f64>]) {
        let band = |hz| Aligner::band(self.size, self.rate_hz, hz);
        for k in band((BAND_HZ.0, POLARITY_HZ)) {
            self.powers_a[k] += a[k].norm_sqr();
            self.powers_b[k] += b[k].norm_sqr();
            self.cross_low[k] += a[k].conj() * b[k];
        }
        for k in band(SUM_HZ) {
            self.sum_power += a[k].norm_sqr() + b[k].norm_sqr();
            self.cross_sum[k] += a[k].conj() * b[k];
        }
        let mut cross = vec![Complex::ZERO; self.cross_low.len()];
        for k in band(BAND_HZ) {
            let c = a[k].conj() * b[k];
            let norm = c.norm();
            cross[k] = if norm > 0.0 { c / norm.powf(WHITENING) } else { Complex::ZERO };
        }
        let vote = self.vote(cross);
        self.votes.extend(vote);
    }

    /// How the second signal lies; `None` when nothing sounded together.
    pub(crate) fn finish(self) -> Option<Alignment> {
        let (power_a, power_b): (f64, f64) = (self.powers_a.iter().sum(), self.powers_b.iter().sum());
        let lags = sorted(self.votes.iter().map(|v| v.lag as f64));
        let middle = nearest_rank(&lags, 0.5).filter(|_| power_a > 0.0 && power_b > 0.0)?;
        let step = (self.size / self.plan.len()) as f64;
        let reach = (AGREE_S * self.rate_hz).max(step);
        let agreeing = || self.votes.iter().filter(|v| (v.lag as f64 - middle).abs() <= reach);
        let mut cross = vec![Complex::ZERO; self.cross_low.len()];
        for vote in agreeing() {
            let norm: f64 = vote.cross.iter().map(|c| c.norm()).sum();
            cross.iter_mut().zip(&vote.cross).for_each(|(sum, c)| *sum += c / norm);
        }
        let delay_frames = refine(&cross, self.size, middle, reach);
        let correlation = at_delay(&self.cross_low, self.size, delay_frames) / (power_a * power_b).sqrt();
        let sign = if correlation < 0.0 { -1.0 } else { 1.0 };
        let summed = |cross: f64| (self.sum_power + 2.0 * cross).max(1e-12 * self.sum_power);
        let sum_gain = summed(sign * at_delay(&self.cross_sum, self.size, delay_frames))
            / summed(at_delay(&self.cross_sum, self.size, 0.0));
        let sure = agreeing().filter(|v| v.ratio >= SURE_RATIO).count();
        let votes = &self.votes;
        Some(Alignment {
            delay_frames,
            inverted: correlation < 0.0,
            confidence: sure as f64 / votes.len() as f64,
            peak_ratio: nearest_rank(&sorted(votes.iter().map(|v| v.ratio)), 0.5).unwrap_or(0.0),
            correlation: correlation.clamp(-1.0, 1.0),
            coherence: self.coherence(),
            sum_gain_db: if self.sum_power > 0.0 { audio::power_to_db(sum_gain) } else { 0.0 },
        })
    }

    /// Magnitude-squared coherence over the stretches, weighted by power, without what chance gives.
    fn coherence(&self) -> f64 {
        let common: f64 = self.cross_low.iter().map(|c| c.norm_sqr()).sum();
        let both: f64 = self.powers_a.iter().zip(&self.powers_b).map(|(a, b)| a * b).sum();
        let chance = 1.0 / self.votes.len() as f64;
        if both <= 0.0 || chance >= 1.0 {
            return 0.0;
        }
        ((common / both - chance) / (1.0 - chance)).clamp(0.0, 1.0)
    }

    /// The highest peak of one stretch's correlation within the longest delay, and how far it stands above the
    /// highest that is not part of it.
    fn vote(&self, cross: Vec<Complex<f64>>) -> Option<Vote> {
        let mut spectrum = self.plan.make_input_vec();
        let bins = cross.len().min(spectrum.len());
        spectrum[..bins].copy_from_slice(&cross[..bins]);
        // The transform takes the last bin for a real one.
        if let Some(last) = spectrum.last_mut() {
            last.im = 0.0;
        }
        let mut correlation = self.plan.make_output_vec();
        self.plan.process(&mut spectrum, &mut correlation).ok()?;
        let (short, step) = (correlation.len() as i64, (self.size / correlation.len()) as i64);
        let longest = self.longest as i64 / step;
        let peak = ((PEAK_S * self.rate_hz / step as f64).ceil() as i64).max(1);
        let height = |lag: i64| correlation[lag.rem_euclid(short) as usize].abs();
        let highest = |skip: &dyn Fn(i64) -> bool| {
            (-longest..=longest).filter(|lag| !skip(*lag)).max_by(|x, y| height(*x).total_cmp(&height(*y)))
        };
        let lag = highest(&|_| false).filter(|lag| height(*lag) > 0.0)?;
        let next = highest(&|other| (other - lag).abs() <= peak).map_or(0.0, height);
        // A ratio above 100 says no more than 100, and division by nothing is avoided.
        let ratio = height(lag) / next.max(0.01 * height(lag));
        Some(Vote { cross, lag: lag * step, ratio })
    }
}

/// Finds by how many frames `b` is later than `a`, and whether it is inverted.
///
/// Channels of a block are added. Delays up to `longest_s` seconds either way are searched (30 ms is 10 m of
/// air). `None` when one of the signals is silent or nothing of both sounds together.
pub fn delay_and_polarity(
    a: &BlockRef,
    b: &BlockRef,
    sample_rate_hz: f64,
    longest_s: f64,
) -> Result<Option<Alignment>, Error> {
    check_rate(sample_rate_hz)?;
    let (a, b) = (mono(a), mono(b));
    let frames = a.len().min(b.len());
    let size = stretch_frames(sample_rate_hz, frames);
    let mut spectrum = stretch_spectrum(size);
    let mut aligner = Aligner::new(size, sample_rate_hz, longest_s);
    for start in loudest(&a[..frames], &b[..frames], size) {
        let spectrum_a = spectrum.of(&stretch(&a[..frames], start, size)).to_vec();
        aligner.add(&spectrum_a, spectrum.of(&stretch(&b[..frames], start, size)));
    }
    Ok(aligner.finish())
}

/// Correlation of two signals as they lie, -1 to 1, channels added: `sum ab / sqrt(sum a^2 sum b^2)` over
/// the shorter length; `None` when one of them is silent.
pub fn correlation(a: &BlockRef, b: &BlockRef) -> Option<f64> {
    let (a, b) = (mono(a), mono(b));
    let frames = a.len().min(b.len());
    let (a, b) = (&a[..frames], &b[..frames]);
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    (norm > 0.0).then(|| (dot(a, b) / norm).clamp(-1.0, 1.0))
}

pub(crate) fn mono(block: &BlockRef) -> Vec<f64> {
    let mut sum = vec![0.0; block.frames()];
    for samples in block.iter() {
        sum.iter_mut().zip(samples).for_each(|(s, x)| *s += crate::bins::clean(*x));
    }
    sum
}

/// `size` frames from `start`, with silence after the end.
fn stretch(samples: &[f64], start: Frames, size: usize) -> Vec<f64> {
    let mut stretch = samples[start..(start + size).min(samples.len())].to_vec();
    stretch.resize(size, 0.0);
    stretch
}

/// The starts of the stretches in which both signals are loudest together, in order of time.
fn loudest(a: &[f64], b: &[f64], size: usize) -> Vec<Frames> {
    let energy = |samples: &[f64], start: usize| {
        let part = &samples[start..(start + size).min(samples.len())];
        dot(part, part)
    };
    let mut starts: Vec<(f64, Frames)> = (0..a.len())
        .step_by(size / 2)
        .map(|start| ((energy(a, start) * energy(b, start)).sqrt(), start))
        .filter(|(energy, _)| *energy > 0.0)
        .collect();
    starts.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    let least = starts.first().map_or(0.0, |(energy, _)| energy * QUIET);
    let mut kept: Vec<Frames> = starts
        .into_iter()
        .filter(|(energy, _)| *energy >= least)
        .map(|(_, start)| start)
        .take(STRETCHES)
        .collect();
    kept.sort_unstable();
    kept
}

/// The correlation that a cross-spectrum gives at a delay in frames, which need not be whole.
fn at_delay(cross: &[Complex<f64>], size: usize, delay_frames: f64) -> f64 {
    let step = Complex::from_polar(1.0, TAU * delay_frames / size as f64);
    let mut turn = Complex::new(1.0, 0.0);
    let mut sum = 0.0;
    for (k, c) in cross.iter().enumerate() {
        // The running product drifts by an ulp each step: it starts anew from time to time.
        if k.is_multiple_of(256) {
            turn = Complex::from_polar(1.0, TAU * delay_frames * k as f64 / size as f64);
        }
        sum += c.re * turn.re - c.im * turn.im;
        turn *= step;
    }
    sum
}

/// The delay near `middle` at which the absolute correlation is highest, by narrowing down three times
/// around the best of a grid.
fn refine(cross: &[Complex<f64>], size: usize, middle: f64, reach: f64) -> f64 {
    let mut best = middle;
    let mut step = 0.25f64.min(reach);
    let mut points = (reach / step).ceil() as i64;
    for _ in 0..4 {
        let candidates = (-points..=points).map(|n| best + n as f64 * step);
        let highest =
            candidates.map(|d| (at_delay(cross, size, d).abs(), d)).max_by(|x, y| x.0.total_cmp(&y.0));
        best = highest.map_or(best, |(_, d)| d);
        (points, step) = (4, step / 4.0);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise through a windowed sinc: flat to 0.4 of the rate, delayed by any fraction of a frame.
    fn delayed(noise: &[f64], delay: f64) -> Vec<f64> {
        const REACH: i64 = 40;
        let whole = delay.floor() as i64;
        let taps: Vec<f64> = (-REACH..=REACH)
            .map(|k| {
                let t = k as f64 - (delay - whole as f64);
                let sinc = if t.abs() < 1e-12 { 1.0 } else { (PI * 0.8 * t).sin() / (PI * 0.8 * t) };
                0.8 * sinc * (0.5 + 0.5 * (PI * t / (REACH as f64 + 1.0)).cos())
            })
            .collect();
        (0..noise.len() as i64)
            .map(|n| {
                let at = |k: i64| usize::try_from(n - whole - k).ok().and_then(|i| noise.get(i)).copied();
                (-REACH..=REACH).zip(&taps).map(|(k, h)| h * at(k).unwrap_or(0.0)).sum()
            })
            .collect()
    }

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

    fn find(a: &[f64], b: &[f64], rate: f64) -> Alignment {
        delay_and_polarity(&BlockRef::from_mono(a), &BlockRef::from_mono(b), rate, 0.03).unwrap().unwrap()
    }

    #[test]
    fn planted_delays_under_bleed_are_found_to_a_tenth_of_a_frame() {
        let rate = 48_000.0;
        let source = noise(150_000, 1);
        let near = delayed(&source, 0.0);
        let bleed = noise(150_000, 2);
        for (n, delay) in [0.0, 0.37, -0.5, 12.25, 100.8, -333.33, 480.0, 959.6].into_iter().enumerate() {
            let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
            let far: Vec<f64> =
                delayed(&source, delay).iter().zip(&bleed).map(|(x, y)| sign * 0.5 * x + 0.125 * y).collect();
            let found = find(&near, &far, rate);
            assert!((found.delay_frames - delay).abs() < 0.1, "{found:?} for {delay}");
            assert_eq!(found.inverted, sign < 0.0, "{found:?} for {delay}");
            assert!(found.confidence > 0.6 && found.correlation.abs() > 0.8, "{found:?}");
        }
    }

    #[test]
    fn drum_hits_are_aligned_as_well() {
        // Decaying tones of 60 and 190 Hz with a click, every half second; the second microphone hears them
        // 3 ms later, duller and inverted.
        let rate = 44_100.0;
        let mut click = noise(220_500, 5);
        click.iter_mut().enumerate().for_each(|(n, x)| {
            let t = (n % 22_050) as f64 / rate;
            let tone =
                (TAU * 60.0 * t).sin() * (-t / 0.1).exp() + (TAU * 190.0 * t).sin() * (-t / 0.05).exp();
            *x = 0.5 * tone + 0.3 * *x * (-t / 0.004).exp();
        });
        let late = delayed(&click, 132.3);
        let mut last = 0.0;
        let far: Vec<f64> = late
            .iter()
            .map(|x| {
                last = 0.7 * last + 0.3 * x;
                -last
            })
            .collect();
        let found = find(&click, &far, rate);
        // The dull microphone's own low-pass is late by up to 0.7 / 0.3 frames at low frequencies.
        assert!((found.delay_frames - 132.3).abs() < 2.5 && found.inverted, "{found:?}");
        assert!(found.confidence > 0.6, "{found:?}");
    }

    #[test]
    fn strangers_are_not_aligned() {
        for seed in 0..5 {
            let found = find(&noise(200_000, 10 + seed), &noise(200_000, 20 + seed), 48_000.0);
            assert!(found.confidence < 0.6 && found.correlation.abs() < 0.2, "{found:?}");
        }
    }

    #[test]
    fn silence_has_no_alignment() {
        let (silence, sound) = (vec![0.0; 100_000], noise(100_000, 3));
        for (a, b) in [(&silence, &sound), (&sound, &silence), (&silence, &silence)] {
            let (a, b) = (BlockRef::from_mono(a), BlockRef::from_mono(b));
            assert_eq!(delay_and_polarity(&a, &b, 48_000.0, 0.03), Ok(None));
            assert_eq!(correlation(&a, &b), None);
        }
        let nothing = BlockRef::from_mono(&[]);
        assert_eq!(delay_and_polarity(&nothing, &nothing, 48_000.0, 0.03), Ok(None));
        let one = BlockRef::from_mono(&[1.0]);
        let found = delay_and_polarity(&one, &one, 48_000.0, 0.03).unwrap();
        assert!(found.is_none_or(|f| f.delay_frames.abs() < 1e-9 && !f.inverted), "{found:?}");
    }

    #[test]
    fn correlation_as_they_lie() {
        let a = noise(10_000, 1);
        let minus: Vec<f64> = a.iter().map(|x| -2.0 * x).collect();
        let of =
            |a: &[f64], b: &[f64]| correlation(&BlockRef::from_mono(a), &BlockRef::from_mono(b)).unwrap();
        assert!((of(&a, &a) - 1.0).abs() < 1e-12);
        assert!((of(&a, &minus) + 1.0).abs() < 1e-12);
        assert!(of(&a, &noise(10_000, 2)).abs() < 0.05);
    }
}
