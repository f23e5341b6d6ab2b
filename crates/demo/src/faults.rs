//! The faults themselves: each a small, exactly known change.

use std::f64::consts::PI;

use audio::db_to_gain;

use crate::filter::Biquad;
use crate::random::Random;

/// Delays a signal by whole frames; its end falls off.
pub(crate) fn delay(samples: &mut [f64], frames: usize) {
    let frames = frames.min(samples.len());
    samples.rotate_right(frames);
    samples[..frames].fill(0.0);
}

/// Turns the polarity round.
pub(crate) fn flip(samples: &mut [f64]) {
    samples.iter_mut().for_each(|x| *x = -*x);
}

/// A constant added by a bad converter.
pub(crate) fn add_dc(samples: &mut [f64], offset: f64) {
    samples.iter_mut().for_each(|x| *x += offset);
}

/// White noise of a stated level.
pub(crate) fn add_noise(samples: &mut [f64], rms_dbfs: f64, random: &mut Random) {
    // Uniform noise of half width w has the deviation w / sqrt(3).
    let width = db_to_gain(rms_dbfs) * 3f64.sqrt();
    samples.iter_mut().for_each(|x| *x += width * random.noise());
}

/// Mains hum: the fundamental at `rms_dbfs`, with harmonics as a rectifier makes them.
pub(crate) fn add_hum(samples: &mut [f64], mains_hz: f64, rms_dbfs: f64, rate_hz: f64) {
    const HARMONICS: [(f64, f64); 6] =
        [(1.0, 1.0), (2.0, 0.7), (3.0, 0.5), (4.0, 0.25), (5.0, 0.2), (7.0, 0.1)];
    let peak = db_to_gain(rms_dbfs) * 2f64.sqrt();
    for (multiple, gain) in HARMONICS {
        let (step_sin, step_cos) = (2.0 * PI * mains_hz * multiple / rate_hz).sin_cos();
        let (mut s, mut c) = (0.0, peak * gain);
        for x in samples.iter_mut() {
            (s, c) = (s * step_cos + c * step_sin, c * step_cos - s * step_sin);
            *x += s;
        }
    }
}

/// Lorries and footsteps through the microphone stand: noise around 14 Hz with a stated level.
pub(crate) fn add_rumble(samples: &mut [f64], rms_dbfs: f64, random: &mut Random, rate_hz: f64) {
    let mut band = Biquad::band_pass(14.0, 1.5, rate_hz);
    let mut steep = Biquad::low_pass(22.0, 0.7, rate_hz);
    let rumble: Vec<f64> = samples.iter().map(|_| steep.process(band.process(random.noise()))).collect();
    let power = rumble.iter().map(|x| x * x).sum::<f64>() / rumble.len().max(1) as f64;
    let gain = db_to_gain(rms_dbfs) / power.sqrt().max(f64::MIN_POSITIVE);
    samples.iter_mut().zip(rumble).for_each(|(x, r)| *x += gain * r);
}

/// Clicks of two samples, up and down, at the given frames.
pub(crate) fn add_clicks(samples: &mut [f64], frames: &[usize], height: f64) {
    for &frame in frames {
        if frame + 1 < samples.len() {
            samples[frame] += height;
            samples[frame + 1] -= 0.7 * height;
        }
    }
}

/// Cuts off what goes beyond `ceiling` and says how many samples that were.
pub(crate) fn clip(samples: &mut [f64], ceiling: f64) -> usize {
    let mut clipped = 0;
    for x in samples {
        if x.abs() > ceiling {
            *x = ceiling.copysign(*x);
            clipped += 1;
        }
    }
    clipped
}

/// A ring of the drum's head at a fixed pitch after each of its strokes.
pub(crate) fn add_ring(samples: &mut [f64], strokes: &[(usize, f64)], hz: f64, decay_s: f64, rate_hz: f64) {
    let length = (decay_s * 7.0 * rate_hz) as usize;
    let fall = (-1.0 / (decay_s * rate_hz)).exp();
    for &(start, height) in strokes {
        let (step_sin, step_cos) = (2.0 * PI * hz / rate_hz).sin_cos();
        let (mut s, mut c) = (0.0, height);
        let end = (start + length).min(samples.len());
        for x in samples.iter_mut().take(end).skip(start) {
            (s, c) = (fall * (s * step_cos + c * step_sin), fall * (c * step_cos - s * step_sin));
            *x += s;
        }
    }
}

/// A fader moved by hand: gains in decibels from their times on, with 15 ms between one and the next.
pub(crate) fn ride(samples: &mut [f64], points: &[(f64, f64)], rate_hz: f64) {
    let keep = (-1.0 / (0.015 * rate_hz)).exp();
    let (mut gain, mut goal, mut next) = (1.0, 1.0, 0);
    for (n, x) in samples.iter_mut().enumerate() {
        while next < points.len() && points[next].0 * rate_hz <= n as f64 {
            goal = db_to_gain(points[next].1);
            next += 1;
        }
        gain = goal + (gain - goal) * keep;
        *x *= gain;
    }
}
