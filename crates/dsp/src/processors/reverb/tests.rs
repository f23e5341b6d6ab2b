//! What makes a reverb good, measured on its impulse responses.

use super::*;
use audio::Buffer;
use num_complex::Complex64;
use realfft::RealFftPlanner;

const RATE_HZ: f64 = 48_000.0;
const STYLES: [Style; 3] = [Style::Room, Style::Plate, Style::Hall];

/// Only wet, one decay time at all frequencies.
fn wet(style: Style) -> Settings {
    Settings { style, high_decay_ratio: 1.0, mix_percent: 100.0, ..Settings::default() }
}

fn render(settings: &Settings, sample_rate_hz: f64, mut input: Buffer) -> Buffer {
    let spec = Spec { sample_rate_hz, channels: input.channels(), max_frames: input.frames() };
    Reverb::new(settings.clone(), &spec).process(&mut input.as_block_mut(), None);
    input
}

/// What comes out of both channels after an impulse into the left, the right, or both.
fn response(settings: &Settings, into: [f64; 2], seconds: f64) -> [Vec<f64>; 2] {
    let mut input = Buffer::new(2, (seconds * RATE_HZ) as usize);
    (0..2).for_each(|c| input.channel_mut(c)[0] = into[c]);
    let output = render(settings, RATE_HZ, input);
    [output.channel(0).to_vec(), output.channel(1).to_vec()]
}

fn noise(frames: usize, seed: u64) -> Vec<f64> {
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

fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum()
}

fn spectrum(samples: &[f64]) -> Vec<Complex64> {
    let forward = RealFftPlanner::new().plan_fft_forward(samples.len());
    let mut bins = forward.make_output_vec();
    forward.process(&mut samples.to_vec(), &mut bins).unwrap();
    bins
}

/// The spectrum of a response with as much silence behind it: what a filter rings before the impulse comes out
/// there, not in the decay.
fn padded_spectrum(samples: &[f64]) -> Vec<Complex64> {
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
fn decay_time_s(spectra: &[Vec<Complex64>], hz: f64) -> f64 {
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

fn many_responses(settings: &Settings, seconds: f64) -> Vec<Vec<f64>> {
    let sizes = [40.0, 45.0, 50.0, 55.0, 60.0];
    let cases = sizes.iter().flat_map(|&size| [[1.0, 0.0], [0.0, 1.0]].map(|into| (size, into)));
    cases
        .flat_map(|(size_percent, into)| {
            response(&Settings { size_percent, ..settings.clone() }, into, seconds)
        })
        .collect()
}

#[test]
fn decay_time_in_every_octave() {
    for style in STYLES {
        for (low, high) in [(1.0, 1.0), (1.3, 0.5)] {
            let settings =
                Settings { decay_s: 1.6, low_decay_ratio: low, high_decay_ratio: high, ..wet(style) };
            let spectra: Vec<_> = many_responses(&settings, 2.4).iter().map(|r| padded_spectrum(r)).collect();
            let decay = Decay::new(&settings, RATE_HZ);
            for hz in [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0] {
                let (seen, wished) = (decay_time_s(&spectra, hz), decay.at(hz));
                // 5 %: the just noticeable difference of reverberation time (ISO 3382-1, annex A).
                assert!(
                    (seen / wished - 1.0).abs() < 0.05,
                    "{style:?} at {hz} Hz: {seen:.3} s, not {wished:.3} s"
                );
            }
        }
    }
}

/// The part of samples beyond one standard deviation, 1 for Gaussian noise (Abel & Huang, *A simple, robust measure of
/// reverberation echo density*, AES 121st Convention, 2006), around a time, over 20 ms.
fn echo_density(samples: &[f64], time_s: f64) -> f64 {
    let from = ((time_s - 0.01) * RATE_HZ) as usize;
    let window = &samples[from..from + (0.02 * RATE_HZ) as usize];
    let deviation = (energy(window) / window.len() as f64).sqrt();
    let outside = window.iter().filter(|x| x.abs() > deviation).count() as f64;
    // erfc(1 / sqrt 2).
    outside / window.len() as f64 / 0.317_310_507_862_914_1
}

#[test]
fn echoes_become_dense_in_time() {
    for (style, time_s) in [(Style::Room, 0.06), (Style::Plate, 0.06), (Style::Hall, 0.1)] {
        let responses = many_responses(&wet(style), 0.3);
        // From 0.9 on the ear takes echoes for noise (Abel & Huang 2006).
        for later in [0.0, 0.02, 0.05, 0.1] {
            let densities = responses.iter().map(|r| echo_density(r, time_s + later));
            let mean = densities.sum::<f64>() / responses.len() as f64;
            assert!(mean >= 0.9, "{style:?}: echo density {mean:.3} at {} s", time_s + later);
        }
    }
}

/// The late part of a response with its decay taken back.
fn late(samples: &[f64], decay_s: f64, from_s: f64, to_s: f64) -> Vec<f64> {
    let range = (from_s * RATE_HZ) as usize..(to_s * RATE_HZ) as usize;
    range.map(|n| samples[n] * 10f64.powf(3.0 * n as f64 / RATE_HZ / decay_s)).collect()
}

#[test]
fn the_late_field_is_gaussian() {
    for style in STYLES {
        let settings = wet(style);
        let (mut sum, mut count) = (0.0, 0.0);
        for samples in many_responses(&settings, 1.2) {
            for window in late(&samples, settings.decay_s, 0.15, 1.15).chunks_exact(960) {
                let square = energy(window) / 960.0;
                sum += window.iter().map(|x| x.powi(4)).sum::<f64>() / 960.0 / (square * square);
                count += 1.0;
            }
        }
        let kurtosis = sum / count;
        // The mean over a thousand windows of 960 samples scatters by 0.005.
        assert!((kurtosis - 3.0).abs() < 0.05, "{style:?}: kurtosis {kurtosis:.3}");
    }
}

#[test]
fn the_late_spectrum_has_no_lines() {
    for style in STYLES {
        let responses = many_responses(&wet(style), 1.0);
        let mut sum = 0.0;
        for samples in &responses {
            // The last half second; 2 Hz per bin: 100 Hz to 10 kHz.
            let bins = spectrum(&samples[(0.4 * RATE_HZ) as usize..(0.9 * RATE_HZ) as usize]);
            let levels: Vec<f64> = bins[50..5000].iter().map(|b| 10.0 * b.norm_sqr().log10()).collect();
            let mean = levels.iter().sum::<f64>() / levels.len() as f64;
            let variance = levels.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / levels.len() as f64;
            sum += variance.sqrt();
        }
        let deviation = sum / responses.len() as f64;
        // Complex Gaussian bins (Schroeder 1954): 5.57 dB; single modes that stand out make it more.
        assert!((deviation - 5.57).abs() < 0.7, "{style:?}: standard deviation {deviation:.2} dB");
    }
}

#[test]
fn left_and_right_have_nothing_in_common() {
    for style in STYLES {
        for into in [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
            let [left, right] = response(&wet(style), into, 2.0);
            let (l, r) = (spectrum(&left[7200..]), spectrum(&right[7200..]));
            let first = (300.0 * left[7200..].len() as f64 / RATE_HZ) as usize;
            let power = |bins: &[Complex64]| bins[first..].iter().map(Complex64::norm_sqr).sum::<f64>();
            let common: f64 = l[first..].iter().zip(&r[first..]).map(|(l, r)| (l * r.conj()).re).sum();
            let correlation = common / (power(&l) * power(&r)).sqrt();
            assert!(correlation.abs() < 0.05, "{style:?}, impulse {into:?}: correlation {correlation:.3}");
        }
    }
}

#[test]
fn wet_is_as_loud_as_dry_and_survives_mono() {
    for style in STYLES {
        for (decay_s, low_decay_ratio, high_decay_ratio) in
            [(0.8, 1.0, 1.0), (1.5, 1.0, 1.0), (6.0, 1.0, 1.0), (2.0, 1.5, 0.4)]
        {
            let settings =
                Settings { decay_s, low_decay_ratio, high_decay_ratio, early_percent: 0.0, ..wet(style) };
            let into = |into| response(&settings, into, 2.2 * decay_s * low_decay_ratio);
            let (left, right, both) = (into([1.0, 0.0]), into([0.0, 1.0]), into([1.0, 1.0]));
            for c in 0..2 {
                let db = 10.0 * (energy(&left[c]) + energy(&right[c])).log10();
                // 1 dB: nobody hears a reverb become louder by that when its time is changed.
                assert!(db.abs() < 1.0, "{style:?}, {decay_s} s: {db:.2} dB");
            }
            let sum: Vec<f64> = both[0].iter().zip(&both[1]).map(|(l, r)| (l + r) / 2.0).collect();
            let mean = (energy(&both[0]) + energy(&both[1])) / 2.0;
            let loss_db = 10.0 * (mean / energy(&sum)).log10();
            // Two signals that have nothing in common lose 3.01 dB.
            assert!(loss_db < 3.5, "{style:?}, {decay_s} s: {loss_db:.2} dB lost in mono");
        }
    }
}

#[test]
fn ten_minutes_of_the_longest_decay_only_fall() {
    let settings = Settings {
        decay_s: 30.0,
        low_decay_ratio: 3.0,
        high_decay_ratio: 1.5,
        size_percent: 0.0,
        modulation_percent: 100.0,
        ..wet(Style::Room)
    };
    let spec = Spec { sample_rate_hz: 44_100.0, channels: 2, max_frames: 44_100 };
    let mut reverb = Reverb::new(settings, &spec);
    let mut second = Buffer::from_channels(&[noise(44_100, 1), noise(44_100, 2)]);
    reverb.process(&mut second.as_block_mut(), None);
    let mut last = f64::INFINITY;
    for minute in 0..10 {
        let mut loud = 0.0;
        for _ in 0..60 {
            second.clear();
            reverb.process(&mut second.as_block_mut(), None);
            loud += energy(second.channel(0)) + energy(second.channel(1));
        }
        assert!(loud.is_finite() && loud < last, "minute {minute}: energy {loud}, before {last}");
        last = loud;
    }
    // 60 dB per 90 s in the bass: 400 dB in ten minutes.
    assert!(last < 1e-30);
}

#[test]
fn predelay_moves_the_whole_answer() {
    for style in STYLES {
        // Without modulation time is the same everywhere: not one bit may differ.
        let settings = Settings { modulation_percent: 0.0, ..wet(style) };
        let now = response(&settings, [1.0, 0.5], 0.5);
        let later = response(&Settings { predelay_ms: 100.0, ..settings }, [1.0, 0.5], 0.6);
        for c in 0..2 {
            assert!(later[c][..4_800].iter().all(|x| *x == 0.0));
            let first = (0..24_000).find(|&n| later[c][4_800 + n] != now[c][n]);
            assert_eq!(first, None, "{style:?}");
        }
    }
}

#[test]
fn width_zero_is_mono_and_further_channels_pass() {
    let narrow = response(&Settings { width_percent: 0.0, ..wet(Style::Hall) }, [1.0, -0.3], 0.3);
    // Both sums have the same terms, in the other order.
    assert!(narrow[0].iter().zip(&narrow[1]).all(|(l, r)| (l - r).abs() < 1e-15));
    let planes: Vec<Vec<f64>> = (0..3).map(|seed| noise(2_000, seed)).collect();
    let output = render(&wet(Style::Plate), 96_000.0, Buffer::from_channels(&planes));
    assert_eq!(output.channel(2), planes[2]);
    assert_ne!(output.channel(1), planes[1]);
    let mono = render(&wet(Style::Plate), 96_000.0, Buffer::from_channels(&planes[..1]));
    assert!(energy(mono.channel(0)) > 0.0);
}
