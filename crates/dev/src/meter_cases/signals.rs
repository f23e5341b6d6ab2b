//! The signals of the published cases, made from their descriptions, and our own worst cases of true peak.

use audio::{BlockRef, Buffer, db_to_gain, gain_to_db};
use realfft::RealFftPlanner;
use std::f64::consts::PI;

/// What the signals of true peak reach up to, as a part of the sample rate: 20 kHz at 44.1 kHz.
pub(super) const TOP: f64 = 0.4535;
/// The width of the edge there: it falls over the last fiftieth of the rate, so that it does not ring to the ends.
const EDGE: f64 = 0.02;
/// Length of a pathological signal, and of the pattern in its middle, in frames.
const FRAMES: usize = 1 << 13;
const PATTERN: usize = 512;

/// A level of no sound.
pub(super) const SILENT: f64 = f64::NEG_INFINITY;

/// A 1 kHz sine in phase in channels of the levels `offsets_db` against the first, as a row of (seconds, peak dBFS), block
/// by block.
pub(super) fn play(rate_hz: u32, offsets_db: &[f64], parts: &[(f64, f64)], mut each: impl FnMut(&BlockRef)) {
    // Ten periods are a whole number of frames at all of the rates.
    let period = rate_hz as usize / 100;
    let sine: Vec<f64> =
        (0..period).map(|n| (2.0 * PI * 1000.0 * n as f64 / f64::from(rate_hz)).sin()).collect();
    let mut block = Buffer::new(offsets_db.len(), 8192);
    let (mut at, mut end_s) = (0, 0.0);
    for (seconds, dbfs) in parts {
        end_s += seconds;
        let end = (end_s * f64::from(rate_hz)).round() as usize;
        while at < end {
            let frames = block.frames().min(end - at);
            for (channel, offset_db) in offsets_db.iter().enumerate() {
                let gain = db_to_gain(dbfs + offset_db);
                let samples = &mut block.channel_mut(channel)[..frames];
                samples.iter_mut().enumerate().for_each(|(n, s)| *s = gain * sine[(at + n) % period]);
            }
            each(&block.range(0, frames));
            at += frames;
        }
    }
}

/// The calibration tone of BS.1770-5: 997 Hz at full scale, ten seconds.
pub(super) fn calibration(rate_hz: u32) -> Vec<f64> {
    (0..10 * rate_hz).map(|n| (2.0 * PI * 997.0 * f64::from(n) / f64::from(rate_hz)).sin()).collect()
}

/// A tone of a fifth of a second whose ends fade over 10 ms, so that the ringing of a cut does not count (cases 15 to 19
/// of Tech 3341).
pub(super) fn faded(rate_hz: u32, cycles_per_frame: f64, degrees: f64, level: f64) -> Vec<f64> {
    let (frames, fade) = (rate_hz as usize / 5, f64::from(rate_hz / 100));
    let sine = |n: usize| level * (2.0 * PI * cycles_per_frame * n as f64 + degrees.to_radians()).sin();
    (0..frames).map(|n| edge(n, frames, fade) * sine(n)).collect()
}

/// How far a frame is from both ends, 1 from `fade` frames on.
fn edge(n: usize, frames: usize, fade: f64) -> f64 {
    (n.min(frames - 1 - n) as f64 / fade).min(1.0)
}

/// Cases 20 to 23 of Tech 3341: a period of a quarter of the rate at full scale amid a sixth of the rate at half scale, made
/// at four times the rate, freed of what the lower rate cannot hold, and thinned out from one of four offsets.
pub(super) fn thinned(rate_hz: u32, offset: usize) -> Vec<f64> {
    let sine = |period: usize, count: usize, level: f64| {
        (0..count).map(move |n| level * (2.0 * PI * n as f64 / period as f64).sin())
    };
    let around = 24 * (rate_hz as usize / 100);
    let dense: Vec<f64> =
        sine(24, around, 0.5).chain(sine(16, 16, 1.0)).chain(sine(24, around, 0.5)).collect();
    let frames = (dense.len() - offset).div_ceil(4);
    (0..frames)
        .map(|n| edge(n, frames, f64::from(rate_hz) / 100.0) * low_passed(&dense, 4 * n + offset))
        .collect()
}

/// The value at `at` of a signal low-passed to an eighth of its rate: a Hann-windowed sinc of 32 crossings.
fn low_passed(dense: &[f64], at: usize) -> f64 {
    let tap = |k: i64| {
        let t = k as f64 / 4.0;
        let sinc = if k == 0 { 1.0 } else { (PI * t).sin() / (PI * t) };
        sinc * (0.5 + 0.5 * (PI * k as f64 / 64.0).cos()) / 4.0
    };
    let sample = |n: i64| usize::try_from(n).ok().and_then(|n| dense.get(n)).copied().unwrap_or(0.0);
    (-64..=64).map(|k| tap(k) * sample(at as i64 + k)).sum()
}

/// Samples of the base rate, by their place.
type Pattern<'a> = &'a dyn Fn(i64) -> f64;

/// Our own worst cases: a name, what it is, and its samples, whose ideal peak is at 0 dBTP.
pub(super) fn pathological() -> Vec<(&'static str, &'static str, Vec<f64>)> {
    let middle = PATTERN as i64 / 2;
    let sign = |positive: bool| if positive { 1.0 } else { -1.0 };
    let mut random = 1770u64;
    let noise: Vec<f64> = (0..PATTERN).map(|_| number(&mut random)).collect();
    let patterns: [(&str, &str, Pattern); 5] = [
        ("impulses", "isolated impulses", &|n| if [100, 101, 230, 361].contains(&n) { 1.0 } else { 0.0 }),
        ("pairs", "+1 +1 -1 -1 ...", &|n| sign(n / 2 % 2 == 0)),
        ("reversal", "+1 -1 ... with a turn of phase", &|n| sign((n % 2 == 0) == (n < middle))),
        // The sinc half a frame after the middle: its signs alternate away from it on either side.
        ("sinc", "signs that make all sincs add up", &|n| {
            let k = n - middle;
            sign(if k >= 0 { k % 2 == 0 } else { k.rem_euclid(2) == 1 })
        }),
        ("noise", "a burst of noise", &|n| noise[n as usize]),
    ];
    patterns.map(|(name, what, of)| (name, what, limited(of))).into()
}

/// A number from -1 to 1 of xorshift (Marsaglia 2003), as the peers' signals are made of.
fn number(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A pattern amid silence without what lies above [`TOP`], its ideal peak at 0 dBTP.
fn limited(pattern: &dyn Fn(i64) -> f64) -> Vec<f64> {
    let mut planner = RealFftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(FRAMES), planner.plan_fft_inverse(FRAMES));
    let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    for (n, sample) in time[(FRAMES - PATTERN) / 2..][..PATTERN].iter_mut().enumerate() {
        *sample = pattern(n as i64);
    }
    const LENGTHS: &str = "buffers come from the plan itself";
    forward.process(&mut time, &mut spectrum).expect(LENGTHS);
    for (k, bin) in spectrum.iter_mut().enumerate() {
        let over = ((k as f64 / FRAMES as f64 - TOP + EDGE) / EDGE).clamp(0.0, 1.0);
        *bin *= (0.5 + 0.5 * (PI * over).cos()) / FRAMES as f64;
    }
    inverse.process(&mut spectrum, &mut time).expect(LENGTHS);
    time.iter_mut().enumerate().for_each(|(n, x)| *x *= edge(n, FRAMES, 500.0));
    let gain = 1.0 / db_to_gain(ideal_dbtp(&time));
    time.iter_mut().for_each(|x| *x *= gain);
    time
}

/// The peak of the band-limited curve: the spectrum of the signal amid silence extended with zeros, 64 points a frame.
fn ideal_dbtp(samples: &[f64]) -> f64 {
    const POINTS: usize = 64;
    let length = 2 * samples.len();
    let mut planner = RealFftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(POINTS * length));
    let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    time[..samples.len()].copy_from_slice(samples);
    const LENGTHS: &str = "buffers come from the plan itself";
    forward.process(&mut time, &mut spectrum).expect(LENGTHS);
    let mut wide = inverse.make_input_vec();
    wide[..spectrum.len()].copy_from_slice(&spectrum);
    // Half the rate is a bin of its own before and two after; nothing is there.
    let mut points = inverse.make_output_vec();
    inverse.process(&mut wide, &mut points).expect(LENGTHS);
    gain_to_db(points.iter().fold(0.0, |most: f64, x| most.max(x.abs())) / length as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tones whose peak lies between samples, and is known.
    #[test]
    fn the_ideal_peak_of_a_tone_is_its_level() {
        for cycles in [0.1, 0.25, TOP] {
            let peak = ideal_dbtp(&faded(44_100, cycles, 45.0, 0.7));
            // 64 points a frame are low by at most 20 log10 cos(pi 0.4535 / 64), 0.002 dB; the corners of the fades ring by
            // 1 / (2 pi) of their slope a frame against what is left to half the rate: 0.005 dB at the highest tone.
            assert!((peak - gain_to_db(0.7)).abs() < 0.006, "{cycles}: {peak}");
        }
    }

    /// What makes them hard: no sample is near the peak, or the peak comes from afar.
    #[test]
    fn samples_of_the_worst_cases_stay_under_their_peak() {
        for (name, _, samples) in pathological() {
            let highest = gain_to_db(samples.iter().fold(0.0, |most: f64, x| most.max(x.abs())));
            assert!(highest < -0.01, "{name}: {highest} dBFS");
            assert!((ideal_dbtp(&samples)).abs() < 1e-9, "{name}");
        }
    }
}
