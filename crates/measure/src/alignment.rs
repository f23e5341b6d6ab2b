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
use realfft::RealFftPlanner;
use std::f64::consts::{PI, TAU};

/// Length of one stretch in seconds, at least.
const STRETCH_S: f64 = 1.0;
/// The loudest stretches vote, so many at most.
const STRETCHES: usize = 12;
/// Stretches quieter than the loudest by more than this say nothing, as a power ratio (-40 dB).
const QUIET: f64 = 1e-4;
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
    /// `conj(A) B`, bin by bin.
    cross: Vec<Complex<f64>>,
    lag: i64,
    ratio: f64,
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
    let size = size_for(STRETCH_S, sample_rate_hz).min(frames.next_power_of_two()).max(4096);
    let bin_hz = sample_rate_hz / size as f64;
    let band =
        |hz: (f64, f64)| (hz.0 / bin_hz).ceil() as usize..=((hz.1 / bin_hz) as usize).min(size / 2 - 1);
    let longest = ((longest_s * sample_rate_hz).ceil() as usize).clamp(1, size / 4);

    let window: Vec<f64> = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect();
    let mut spectrum = Spectrum::new(window);
    let mut votes: Vec<Vote> = Vec::new();
    let (mut power_a, mut power_b, mut cross_low) = (0.0, 0.0, vec![Complex::ZERO; size / 2 + 1]);
    let (mut sum_power, mut cross_sum) = (0.0, vec![Complex::ZERO; size / 2 + 1]);
    for start in loudest(&a[..frames], &b[..frames], size) {
        let spectrum_a = spectrum.of(&stretch(&a[..frames], start, size)).to_vec();
        let spectrum_b = spectrum.of(&stretch(&b[..frames], start, size));
        for k in band((BAND_HZ.0, POLARITY_HZ)) {
            power_a += spectrum_a[k].norm_sqr();
            power_b += spectrum_b[k].norm_sqr();
            cross_low[k] += spectrum_a[k].conj() * spectrum_b[k];
        }
        for k in band(SUM_HZ) {
            sum_power += spectrum_a[k].norm_sqr() + spectrum_b[k].norm_sqr();
            cross_sum[k] += spectrum_a[k].conj() * spectrum_b[k];
        }
        let mut cross = vec![Complex::ZERO; size / 2 + 1];
        for k in band(BAND_HZ) {
            let c = spectrum_a[k].conj() * spectrum_b[k];
            let norm = c.norm();
            cross[k] = if norm > 0.0 { c / norm.powf(WHITENING) } else { Complex::ZERO };
        }
        votes.extend(vote(cross, longest, (PEAK_S * sample_rate_hz).ceil() as i64));
    }
    let lags = sorted(votes.iter().map(|v| v.lag as f64));
    let (Some(middle), true) = (nearest_rank(&lags, 0.5), power_a > 0.0 && power_b > 0.0) else {
        return Ok(None);
    };

    let reach = (AGREE_S * sample_rate_hz).max(1.0);
    let agreeing = || votes.iter().filter(|v| (v.lag as f64 - middle).abs() <= reach);
    let mut cross = vec![Complex::ZERO; size / 2 + 1];
    for vote in agreeing() {
        let norm: f64 = vote.cross.iter().map(|c| c.norm()).sum();
        cross.iter_mut().zip(&vote.cross).for_each(|(sum, c)| *sum += c / norm);
    }
    let delay_frames = refine(&cross, size, middle, reach);
    let correlation = at_delay(&cross_low, size, delay_frames) / (power_a * power_b).sqrt();
    let sign = if correlation < 0.0 { -1.0 } else { 1.0 };
    let summed = |cross: f64| (sum_power + 2.0 * cross).max(1e-12 * sum_power);
    let sum_gain =
        summed(sign * at_delay(&cross_sum, size, delay_frames)) / summed(at_delay(&cross_sum, size, 0.0));
    let sure = agreeing().filter(|v| v.ratio >= SURE_RATIO).count();
    Ok(Some(Alignment {
        delay_frames,
        inverted: correlation < 0.0,
        confidence: sure as f64 / votes.len() as f64,
        peak_ratio: nearest_rank(&sorted(votes.iter().map(|v| v.ratio)), 0.5).unwrap_or(0.0),
        correlation: correlation.clamp(-1.0, 1.0),
        sum_gain_db: if sum_power > 0.0 { audio::power_to_db(sum_gain) } else { 0.0 },
    }))
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

fn mono(block: &BlockRef) -> Vec<f64> {
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

/// The highest peak of one stretch's correlation within `longest` frames, and how far it stands above the
/// highest that is not part of it.
fn vote(cross: Vec<Complex<f64>>, longest: usize, peak_frames: i64) -> Option<Vote> {
    let size = 2 * (cross.len() - 1);
    let plan = RealFftPlanner::new().plan_fft_inverse(size);
    let mut correlation = plan.make_output_vec();
    plan.process(&mut cross.clone(), &mut correlation).ok()?;
    let longest = longest as i64;
    let height = |lag: i64| correlation[lag.rem_euclid(size as i64) as usize].abs();
    let highest = |skip: &dyn Fn(i64) -> bool| {
        (-longest..=longest).filter(|lag| !skip(*lag)).max_by(|x, y| height(*x).total_cmp(&height(*y)))
    };
    let lag = highest(&|_| false).filter(|lag| height(*lag) > 0.0)?;
    let next = highest(&|other| (other - lag).abs() <= peak_frames).map_or(0.0, height);
    // A ratio above 100 says no more than 100, and division by nothing is avoided.
    let ratio = height(lag) / next.max(0.01 * height(lag));
    Some(Vote { cross, lag, ratio })
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
