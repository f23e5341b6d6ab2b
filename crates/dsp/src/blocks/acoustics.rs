//! What tells a good reverb from a bad one, measured on its impulse responses. For tests.

use num_complex::Complex64;
use realfft::RealFftPlanner;

/// All measures are taken at this sample rate.
pub(crate) const RATE_HZ: f64 = 48_000.0;

/// Seeded noise, uniform in -1 .. 1 (Marsaglia's xorshift64*).
pub(crate) fn noise(frames: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..frames)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Sum of squares.
pub(crate) fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum()
}

/// The spectrum of real samples, from zero to the Nyquist frequency.
pub(crate) fn spectrum(samples: &[f64]) -> Vec<Complex64> {
    let forward = RealFftPlanner::new().plan_fft_forward(samples.len());
    let mut bins = forward.make_output_vec();
    forward.process(&mut samples.to_vec(), &mut bins).unwrap();
    bins
}

/// The spectrum of a response with as much silence behind it: what a filter rings before the impulse comes out
/// there, not in the decay.
pub(crate) fn padded_spectrum(samples: &[f64]) -> Vec<Complex64> {
    let mut padded = samples.to_vec();
    padded.resize(2 * samples.len(), 0.0);
    spectrum(&padded)
}

/// The octave around `hz` of a padded spectrum, with edges that fall over a sixth of an octave, as a signal at a
/// lower rate; the silence behind is cut off. Also gives that rate.
fn octave(bins: &[Complex64], hz: f64) -> (Vec<f64>, f64) {
    let length = 2 * (bins.len() - 1);
    let per_bin = RATE_HZ / length as f64;
    // The band ends 0.6 octaves above its middle.
    let mut band: Vec<Complex64> = bins[..(1.6 * hz / per_bin) as usize].to_vec();
    for (k, bin) in band.iter_mut().enumerate() {
        let distance = ((k as f64 * per_bin / hz).max(1e-9).log2().abs() - 0.5) * 6.0;
        *bin *= 0.5 - 0.5 * (std::f64::consts::PI * distance.clamp(-0.5, 0.5)).sin();
    }
    let inverse = RealFftPlanner::new().plan_fft_inverse(2 * (band.len() - 1));
    let mut samples = inverse.make_output_vec();
    inverse.process(&mut band, &mut samples).unwrap();
    let rate = RATE_HZ * samples.len() as f64 / length as f64;
    samples.truncate(samples.len() / 2);
    (samples, rate)
}

/// Decay time from the fall between -5 and -25 dB of the backward-integrated energy (ISO 3382-1, T20), summed
/// over several impulse responses: one alone scatters by 0.9 T / sqrt(bandwidth T).
pub(crate) fn decay_time_s(spectra: &[Vec<Complex64>], hz: f64) -> f64 {
    let mut curve = Vec::new();
    let mut rate = 0.0;
    for bins in spectra {
        let (samples, its_rate) = octave(bins, hz);
        rate = its_rate;
        curve.resize(samples.len(), 0.0);
        let mut sum = 0.0;
        for (total, x) in curve.iter_mut().zip(samples).rev() {
            sum += x * x;
            *total += sum;
        }
    }
    let (mut n, mut st, mut sd, mut stt, mut std) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (frame, energy) in curve.iter().enumerate() {
        let (t, db) = (frame as f64 / rate, 10.0 * (energy / curve[0]).log10());
        if (-25.0..=-5.0).contains(&db) {
            n += 1.0;
            st += t;
            sd += db;
            stt += t * t;
            std += t * db;
        }
    }
    -60.0 * (n * stt - st * st) / (n * std - st * sd)
}

/// The part of samples beyond one standard deviation, 1 for Gaussian noise (Abel & Huang, *A simple, robust measure of
/// reverberation echo density*, AES 121st Convention, 2006), around a time, over 20 ms.
pub(crate) fn echo_density(samples: &[f64], time_s: f64) -> f64 {
    let from = ((time_s - 0.01) * RATE_HZ) as usize;
    let window = &samples[from..from + (0.02 * RATE_HZ) as usize];
    let deviation = (energy(window) / window.len() as f64).sqrt();
    let outside = window.iter().filter(|x| x.abs() > deviation).count() as f64;
    // erfc(1 / sqrt 2).
    outside / window.len() as f64 / 0.317_310_507_862_914_1
}

/// The late part of a response with its decay taken back.
fn late(samples: &[f64], decay_s: f64, from_s: f64, to_s: f64) -> Vec<f64> {
    let range = (from_s * RATE_HZ) as usize..(to_s * RATE_HZ) as usize;
    range.map(|n| samples[n] * 10f64.powf(3.0 * n as f64 / RATE_HZ / decay_s)).collect()
}

/// Mean kurtosis of windows of 20 ms, 3 for Gaussian noise, of a response whose decay is taken back, and the number of
/// windows.
pub(crate) fn kurtosis(samples: &[f64], decay_s: f64, from_s: f64, to_s: f64) -> (f64, f64) {
    let (mut sum, mut count) = (0.0, 0.0);
    for window in late(samples, decay_s, from_s, to_s).chunks_exact(960) {
        let square = energy(window) / 960.0;
        sum += window.iter().map(|x| x.powi(4)).sum::<f64>() / 960.0 / (square * square);
        count += 1.0;
    }
    (sum / count, count)
}

/// Standard deviation in decibels of the spectrum of half a second from 0.4 s on, between 100 Hz and 10 kHz.
pub(crate) fn spectral_deviation_db(samples: &[f64]) -> f64 {
    // 2 Hz per bin.
    let bins = spectrum(&samples[(0.4 * RATE_HZ) as usize..(0.9 * RATE_HZ) as usize]);
    let levels: Vec<f64> = bins[50..5000].iter().map(|b| 10.0 * b.norm_sqr().log10()).collect();
    let mean = levels.iter().sum::<f64>() / levels.len() as f64;
    (levels.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / levels.len() as f64).sqrt()
}

/// Correlation of left and right above 300 Hz, from 150 ms on.
pub(crate) fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let (l, r) = (spectrum(&left[7200..]), spectrum(&right[7200..]));
    let first = (300.0 * left[7200..].len() as f64 / RATE_HZ) as usize;
    let power = |bins: &[Complex64]| bins[first..].iter().map(Complex64::norm_sqr).sum::<f64>();
    let common: f64 = l[first..].iter().zip(&r[first..]).map(|(l, r)| (l * r.conj()).re).sum();
    common / (power(&l) * power(&r)).sqrt()
}

/// What the sum of both channels loses against their mean, in decibels: 3.01 dB when they have nothing in common.
pub(crate) fn mono_loss_db(left: &[f64], right: &[f64]) -> f64 {
    let sum: Vec<f64> = left.iter().zip(right).map(|(l, r)| (l + r) / 2.0).collect();
    10.0 * ((energy(left) + energy(right)) / 2.0 / energy(&sum)).log10()
}
