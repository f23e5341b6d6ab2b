//! What is plotted is measured: a signal goes through the processor as the engine would build it.

use audio::{Buffer, Frames, Spec, gain_to_db};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::{RECIPES, Shown, values};

    /// The plot is held against the response that the kind states: two ways to the same curve. 0.01 dB is a tenth of
    /// what a plot can show; below -80 dB the impulse response's end counts.
    #[test]
    fn a_measured_response_is_the_stated_one() {
        for recipe in RECIPES.iter().filter(|r| r.shown == Shown::Response) {
            let kind = dsp::kind(recipe.kind).expect("a kind of the rack");
            let stated = kind.response.expect("a linear kind");
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
