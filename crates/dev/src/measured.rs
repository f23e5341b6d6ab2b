//! What is plotted is measured: a signal goes through the processor as the engine would build it.

use crate::recipes::Fault;
use audio::{Buffer, Frames, Spec, gain_to_db, power_to_db};
use dsp::{Kind, Values};
use std::f64::consts::TAU;

/// The rate of every measurement, in hertz.
const RATE_HZ: f64 = 48_000.0;
/// The frequencies of a response: logarithmically spaced, 24 an octave over ten octaves.
const LOWEST_HZ: f64 = 20.0;
const PER_OCTAVE: usize = 24;
/// The tone of level and harmonic measurements, in hertz: a whole number of periods in a tenth of a second.
const TONE_HZ: f64 = 1_000.0;

fn spec(frames: Frames) -> Spec {
    Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: frames }
}

fn run(kind: &Kind, values: &Values, mut sound: Buffer) -> Buffer {
    (kind.build)(values, &spec(sound.frames())).process(&mut sound.as_block_mut(), None);
    sound
}

/// Gain in decibels of the left channel against frequency in hertz, from the impulse response by a Fourier sum.
/// `side` turns the right channel's impulse round.
pub(crate) fn response(kind: &Kind, values: &Values, side: bool) -> Vec<(f64, f64)> {
    // Two seconds: the ring of the lowest filters has long fallen under what can be drawn.
    let mut impulse = Buffer::new(2, 96_000);
    impulse.channel_mut(0)[0] = 1.0;
    impulse.channel_mut(1)[0] = if side { -1.0 } else { 1.0 };
    let out = run(kind, values, impulse);
    let steps = 0..=(PER_OCTAVE * 10);
    steps
        .map(|step| LOWEST_HZ * 2f64.powf(step as f64 / PER_OCTAVE as f64))
        .filter(|hz| *hz <= 20_000.0)
        .map(|hz| (hz, gain_to_db(magnitude(out.channel(0), hz))))
        .collect()
}

/// The magnitude of a signal's Fourier sum at one frequency, with a phasor that is turned from sample to sample.
fn magnitude(samples: &[f64], hz: f64) -> f64 {
    let (step_sin, step_cos) = (TAU * hz / RATE_HZ).sin_cos();
    let (mut sin, mut cos) = (0.0, 1.0);
    let (mut real, mut imaginary) = (0.0, 0.0);
    for sample in samples {
        real += sample * cos;
        imaginary -= sample * sin;
        (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
    }
    real.hypot(imaginary)
}

fn tone(seconds: f64, level_db: f64, hz: f64) -> Buffer {
    let frames = (seconds * RATE_HZ) as Frames;
    let gain = audio::db_to_gain(level_db);
    let samples: Vec<f64> = (0..frames).map(|n| gain * (TAU * hz * n as f64 / RATE_HZ).sin()).collect();
    Buffer::from_channels(&[samples.clone(), samples])
}

/// Peak level out against peak level in of a 1 kHz tone, in dBFS, after it has settled.
pub(crate) fn levels(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    let settled = 0.1 * RATE_HZ;
    (-60..=0)
        .map(|level| {
            let level = f64::from(level);
            let out = run(kind, values, tone(1.5, level, TONE_HZ));
            let last = &out.channel(0)[out.frames() - settled as Frames..];
            (level, gain_to_db(2.0 * magnitude(last, TONE_HZ) / settled))
        })
        .collect()
}

/// Gain in decibels of a steady tone of -18 dBFS against its frequency, six tones an octave from 20 Hz.
pub(crate) fn tones(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    let settled = (0.1 * RATE_HZ) as Frames;
    (0..60)
        .map(|step| LOWEST_HZ * 2f64.powf(f64::from(step) / 6.0))
        // Tones at multiples of 10 Hz have whole periods in the tenth of a second that is looked at.
        .map(|hz| (hz / 10.0).round() * 10.0)
        .map(|hz| {
            let sound = tone(0.5, -18.0, hz);
            let before = magnitude(&sound.channel(0)[..settled], hz);
            let out = run(kind, values, sound);
            let last = &out.channel(0)[out.frames() - settled..];
            (hz, gain_to_db(magnitude(last, hz) / before))
        })
        .collect()
}

/// The levels of harmonics 1 to 10 of a 1 kHz tone of -12 dBFS, in decibels against the first.
pub(crate) fn harmonics(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    let out = run(kind, values, tone(1.5, -12.0, TONE_HZ));
    let settled = &out.channel(0)[out.frames() - (0.1 * RATE_HZ) as Frames..];
    let level = |harmonic: usize| gain_to_db(magnitude(settled, TONE_HZ * harmonic as f64));
    (1..=10).map(|harmonic| (harmonic as f64, level(harmonic) - level(1))).collect()
}

/// The level of both channels in 10 ms windows against time in seconds, in decibels against the loudest window.
pub(crate) fn decay(kind: &Kind, values: &Values, seconds: f64) -> Vec<(f64, f64)> {
    let frames = (seconds * RATE_HZ) as Frames;
    let mut impulse = Buffer::new(2, frames);
    impulse.channel_mut(0)[0] = 1.0;
    impulse.channel_mut(1)[0] = 1.0;
    let out = run(kind, values, impulse);
    let window = (0.010 * RATE_HZ) as Frames;
    let power = |channel: usize, n: usize| -> f64 {
        out.channel(channel)[n * window..][..window].iter().map(|x| x * x).sum()
    };
    let powers: Vec<f64> = (0..frames / window).map(|n| power(0, n) + power(1, n)).collect();
    let loudest = powers.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    powers.iter().enumerate().map(|(n, p)| (0.010 * n as f64, audio::power_to_db(p / loudest))).collect()
}

/// Seconds of each part of the burst: quiet, loud, quiet again.
const BURST_S: [f64; 3] = [0.2, 0.5, 1.3];
/// Levels of its quiet and loud parts, in dBFS.
const BURST_DBFS: [f64; 2] = [-36.0, -12.0];

/// Change of level in decibels in windows of 10 ms against time in seconds, of a 1 kHz tone that becomes louder and quiet
/// again.
pub(crate) fn burst(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    let [before, loud, after] = BURST_S;
    let mut sound = tone(before + loud + after, 0.0, TONE_HZ);
    let (up, down) = ((before * RATE_HZ) as Frames, ((before + loud) * RATE_HZ) as Frames);
    for c in 0..2 {
        for (n, sample) in sound.channel_mut(c).iter_mut().enumerate() {
            *sample *= audio::db_to_gain(BURST_DBFS[usize::from((up..down).contains(&n))]);
        }
    }
    let out = aligned(kind, values, &sound);
    levels_of(sound.channel(0))
        .zip(levels_of(out.channel(0)))
        .map(|((t, before), (_, db))| (t, db - before))
        .collect()
}

/// Levels of left and right in windows of 10 ms against time, of a steady 1 kHz tone of -12 dBFS.
pub(crate) fn movement(kind: &Kind, values: &Values) -> [Vec<(f64, f64)>; 2] {
    let sound = tone(2.0, -12.0, TONE_HZ);
    let out = aligned(kind, values, &sound);
    [0, 1].map(|c| levels_of(out.channel(c)).collect())
}

/// Phase in degrees of the left channel against frequency in hertz, the latency taken off.
pub(crate) fn phase(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    const PLACE: Frames = 24_000;
    let mut impulse = Buffer::new(2, 96_000);
    (0..2).for_each(|c| impulse.channel_mut(c)[PLACE] = 1.0);
    let out = aligned(kind, values, &impulse);
    let step = |step: usize| LOWEST_HZ * 2f64.powf(step as f64 / PER_OCTAVE as f64);
    (0..=PER_OCTAVE * 10)
        .map(step)
        .filter(|hz| *hz <= 20_000.0)
        .map(|hz| {
            let angle = |n: usize| TAU * (hz * (n as f64 - PLACE as f64) / RATE_HZ).fract();
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (n, sample) in out.channel(0).iter().enumerate() {
                real += sample * angle(n).cos();
                imaginary -= sample * angle(n).sin();
            }
            (hz, imaginary.atan2(real).to_degrees())
        })
        .collect()
}

/// Deviation in cents of a steady 1 kHz tone against time in seconds: the turning of its phase over 10 ms.
pub(crate) fn pitch(kind: &Kind, values: &Values) -> Vec<(f64, f64)> {
    let sound = tone(2.0, -12.0, TONE_HZ);
    let out = aligned(kind, values, &sound);
    let window = (0.010 * RATE_HZ) as Frames;
    let angle = |chunk: &[f64]| {
        let turn = |n: usize| TAU * TONE_HZ * n as f64 / RATE_HZ;
        let real: f64 = chunk.iter().enumerate().map(|(n, x)| x * turn(n).cos()).sum();
        let imaginary: f64 = chunk.iter().enumerate().map(|(n, x)| -x * turn(n).sin()).sum();
        imaginary.atan2(real)
    };
    let angles: Vec<f64> = out.channel(0).chunks_exact(window).map(angle).collect();
    let wrapped = |turned: f64| (turned + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
    let cents = |turned: f64| 1_200.0 * (1.0 + wrapped(turned) / (TAU * TONE_HZ * 0.010)).log2();
    // The first window holds the start of the tone.
    angles
        .windows(2)
        .enumerate()
        .skip(1)
        .map(|(n, pair)| (0.010 * (n + 1) as f64, cents(pair[1] - pair[0])))
        .collect()
}

/// RMS level in dBFS of windows of 10 ms, a full-scale sine being 0.
fn levels_of(samples: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let window = (0.010 * RATE_HZ) as Frames;
    samples.chunks_exact(window).enumerate().map(move |(n, chunk)| {
        let power = chunk.iter().map(|x| x * x).sum::<f64>() / window as f64;
        (0.010 * n as f64, power_to_db(2.0 * power))
    })
}

/// Through the processor, its latency taken off, as long as what went in.
fn aligned(kind: &Kind, values: &Values, sound: &Buffer) -> Buffer {
    let latency = (kind.build)(values, &spec(1)).latency();
    let extended = |c: usize| -> Vec<f64> {
        sound.channel(c).iter().copied().chain(std::iter::repeat_n(0.0, latency)).collect()
    };
    let out = run(kind, values, Buffer::from_channels(&[extended(0), extended(1)]));
    Buffer::from_channels(&[0, 1].map(|c| out.channel(c)[latency..].to_vec()))
}

/// Seconds of a faulty signal: restoration learns before it acts.
const FAULTY_S: f64 = 10.0;

/// Five tones of a chord that swells every second, with the fault on them; fixed seed.
fn faulty(fault: Fault) -> Buffer {
    let frames = (FAULTY_S * RATE_HZ) as Frames;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut noise = move || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let sine = |hz: f64, t: f64| (TAU * (hz * t).fract()).sin();
    let mut pink = [0.0; 3];
    let chord = [220.0, 277.2, 329.6, 880.0, 1760.0];
    let sample = |n: usize| {
        let t = n as f64 / RATE_HZ;
        let swell = (-2.0 * t.fract()).exp();
        let mut x: f64 = chord.iter().map(|hz| 0.1 * swell * sine(*hz, t)).sum();
        match fault {
            Fault::Hum => {
                x += (1..=10).map(|n| 0.02 / f64::from(n) * sine(50.0 * f64::from(n), t)).sum::<f64>()
            }
            Fault::Noise => x += 0.01 * noise(),
            Fault::Rumble => x += 0.05 + 0.1 * sine(9.0, t) + 0.05 * sine(14.0, t),
            Fault::Clicks if n % 9_973 < 2 => x += if n.is_multiple_of(9_973) { 0.5 } else { -0.3 },
            Fault::Clipping => x = (2.0 * x).clamp(-0.5, 0.5),
            Fault::Ringing => {
                // Three leaky sums make pink noise within half a decibel from 50 Hz to 10 kHz (P. Kellet, 1999).
                let white = noise();
                pink[0] = 0.997_65 * pink[0] + white * 0.099_046;
                pink[1] = 0.963 * pink[1] + white * 0.296_516_4;
                pink[2] = 0.57 * pink[2] + white * 1.052_691_3;
                x = 0.05 * (pink.iter().sum::<f64>() + 0.1848 * white) + 0.02 * sine(2_500.0, t);
            }
            Fault::Clicks => {}
        }
        x
    };
    let plane: Vec<f64> = (0..frames).map(sample).collect();
    Buffer::from_channels(&[plane.clone(), plane])
}

/// Before and after a repair: power in decibels in tenths of an octave against hertz, of the last five seconds.
pub(crate) fn spectra(kind: &Kind, values: &Values, fault: Fault) -> [Vec<(f64, f64)>; 2] {
    let sound = faulty(fault);
    let out = aligned(kind, values, &sound);
    [sound, out].map(|sound| {
        let half = sound.frames() / 2;
        let powers = power_spectrum(&sound.channel(0)[half..]);
        let bins_per_hz = 2.0 * (powers.len() - 1) as f64 / RATE_HZ;
        (0..=120)
            .map(|step| LOWEST_HZ / 4.0 * 2f64.powf(f64::from(step) / 10.0))
            .filter(|hz| *hz <= 20_000.0)
            .map(|hz| {
                let edge = |octaves: f64| (hz * 2f64.powf(octaves) * bins_per_hz).round() as usize;
                let (low, high) = (edge(-0.05), edge(0.05).min(powers.len() - 1));
                (hz, power_to_db(powers[low..=high].iter().sum::<f64>()))
            })
            .collect()
    })
}

/// Power of each bin with a Hann window, a full-scale sine adding up to about one half.
fn power_spectrum(samples: &[f64]) -> Vec<f64> {
    let frames = samples.len();
    let window = |n: usize| 1.0 - (TAU * n as f64 / frames as f64).cos();
    let mut windowed: Vec<f64> = samples.iter().enumerate().map(|(n, x)| x * window(n)).collect();
    let transform = realfft::RealFftPlanner::new().plan_fft_forward(frames);
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut windowed, &mut spectrum).expect("lengths fit");
    // The window's mean square is 1.5.
    spectrum.iter().map(|x| x.norm_sqr() * 2.0 / 1.5 / (frames as f64).powi(2)).collect()
}

/// Before and after a repair: samples against milliseconds, ten of them around a fault in the sixth second.
pub(crate) fn waveforms(kind: &Kind, values: &Values, fault: Fault) -> [Vec<(f64, f64)>; 2] {
    let sound = faulty(fault);
    let out = aligned(kind, values, &sound);
    // The thirtieth planted click; clipping is everywhere in the loud start of a second.
    let centre = match fault {
        Fault::Clicks => 30 * 9_973,
        _ => (6.01 * RATE_HZ) as Frames,
    };
    let length = (0.010 * RATE_HZ) as Frames;
    let first = centre - length / 2;
    [sound, out].map(|sound| {
        let samples = &sound.channel(0)[first..first + length];
        samples.iter().enumerate().map(|(n, x)| (n as f64 * 1_000.0 / RATE_HZ, *x)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::{Shown, recipes, values};

    /// The plot is held against the response that the kind states: two ways to the same curve. 0.01 dB is a tenth of
    /// what a plot can show; below -80 dB the impulse response's end counts.
    #[test]
    fn a_measured_response_is_the_stated_one() {
        for recipe in recipes().filter(|r| r.shown == Shown::Response) {
            let kind = dsp::kind(recipe.kind).expect("a kind of the rack");
            let Some(stated) = kind.response else { continue };
            for (legend, text) in recipe.curves {
                let values = values(kind, text);
                for (hz, db) in response(kind, &values, false) {
                    let expected = gain_to_db(stated(&values, &spec(1), hz).norm());
                    assert!(
                        db < -80.0 || (db - expected).abs() < 0.01,
                        "{} {legend}: {db} dB at {hz} Hz, stated {expected}",
                        kind.id
                    );
                }
            }
        }
    }

    /// A tone through nothing comes out at its level; the Fourier sum over whole periods is exact but for rounding.
    #[test]
    fn levels_of_a_neutral_processor_are_the_input() {
        let kind = dsp::kind("gain").expect("a kind of the rack");
        for (into, out) in levels(kind, &Values::neutral(kind)) {
            assert!((into - out).abs() < 1e-6, "{into} dBFS in, {out} dBFS out");
        }
    }
}
