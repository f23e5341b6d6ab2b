//! Each stage by itself: the last one, the guarantee, would hide what the others leave.

use super::canceller::Canceller;
use super::gain::SmoothGain;
use super::mask::{Mask, RAISED};
use crate::blocks::true_peak::PeakFinder;
use audio::{Buffer, Spec, gain_to_db};
use std::f64::consts::{PI, TAU};

const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 64 };

/// Ten partials with random phases, loud for a while in every half second: 0 dB is the amplitude of all together.
fn bursts(frames: usize) -> Vec<f64> {
    (0..frames)
        .map(|n| {
            let t = n as f64 / 48_000.0;
            let part = |k: usize| (TAU * (137.0 * (k * k + 1) as f64 * t + 0.37 * (k * k) as f64)).sin();
            let loud = if n / 6_000 % 4 == 1 { 1.0 } else { 0.05 };
            loud * (0..10).map(part).sum::<f64>() / 10.0
        })
        .collect()
}

fn true_peak_db(samples: &[f64]) -> f64 {
    let mut finder = PeakFinder::new();
    let mut most = 0.0f64;
    for chunk in samples.chunks(64) {
        let mut peaks = vec![0.0; chunk.len()];
        finder.find(chunk, 0.0, &mut peaks);
        most = peaks.iter().fold(most, |m, p| m.max(*p));
    }
    gain_to_db(most)
}

/// Runs a stage over a signal and takes its latency away.
fn run(samples: &[f64], latency: usize, mut piece: impl FnMut(&mut Buffer, usize, usize)) -> Vec<f64> {
    let mut buffer = Buffer::from_channels(&[[samples, &vec![0.0; latency]].concat()]);
    for start in (0..buffer.frames()).step_by(64) {
        let frames = (buffer.frames() - start).min(64);
        piece(&mut buffer, start, frames);
    }
    buffer.channel(0)[latency..].to_vec()
}

#[test]
fn the_gain_alone_keeps_the_ceiling_and_never_hurries() {
    for smoothness_ms in [5.0, 25.0, 100.0] {
        let mut gain = SmoothGain::new(0.0, smoothness_ms, &SPEC);
        let input = bursts(96_000);
        let ceiling_db = true_peak_db(&input) - 8.0;
        let output = run(&input, gain.latency(), |buffer, start, frames| {
            gain.piece(&mut buffer.range_mut(start, frames), &[ceiling_db; 64][..frames]);
        });
        // 0.02 dB is the ripple of the finder's long filter.
        let over = true_peak_db(&output) - ceiling_db;
        assert!((-0.3..0.02).contains(&over), "{smoothness_ms} ms: {over} dB over");
        let db: Vec<f64> = output
            .iter()
            .zip(&input)
            .filter(|(_, x)| x.abs() > 1e-3)
            .map(|(y, x)| gain_to_db(y / x))
            .collect();
        // All 8 dB within the time of the beam at the least: no jump from frame to frame.
        let fastest = db.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(fastest < 8.0 / (smoothness_ms * 48.0) * 20.0, "{smoothness_ms} ms: {fastest} dB in a frame");
        assert!(db.iter().all(|db| *db < 1e-9));
    }
}

#[test]
fn the_canceller_alone_takes_the_peaks_and_touches_nothing_else() {
    let input = bursts(96_000);
    let ceiling_db = true_peak_db(&input) - 2.0;
    let mut canceller = Canceller::new(&SPEC);
    let output = run(&input, canceller.latency(), |buffer, start, frames| {
        canceller.process(0, buffer.range_mut(start, frames).channel_mut(0));
        canceller.advance(frames, audio::db_to_gain(ceiling_db));
    });
    // The grid of four points per frame misses a tenth at the top of the band, the tolerance is a hundredth.
    let over = true_peak_db(&output) - ceiling_db;
    assert!((-0.1..0.1).contains(&over), "{over} dB over");
    let error: Vec<f64> = output.iter().zip(&input).map(|(y, x)| y - x).collect();
    // Where the programme has nothing to hide it, plain clipping at the same level leaves far more.
    let ceiling = audio::db_to_gain(ceiling_db);
    let clipped: Vec<f64> = input.iter().map(|x| x.clamp(-ceiling, ceiling) - x).collect();
    let high_db = |x: &[f64]| -> f64 {
        let x = &x[6_000..12_000];
        let power = |hz: f64| {
            let turn = |n: usize| TAU * hz * n as f64 / 48_000.0;
            let window = |n: usize| (PI * n as f64 / x.len() as f64).sin().powi(2);
            let (mut re, mut im) = (0.0, 0.0);
            for (n, x) in x.iter().enumerate() {
                re += x * window(n) * turn(n).cos();
                im += x * window(n) * turn(n).sin();
            }
            re * re + im * im
        };
        10.0 * (0..40).map(|k| power(14_000.0 + 137.3 * f64::from(k))).sum::<f64>().log10()
    };
    let (ours, plain) = (high_db(&error), high_db(&clipped));
    // The highest partial, at 11 kHz, still masks some of it there.
    assert!(ours < plain - 6.0, "{ours} dB above 14 kHz, clipping {plain} dB");
    // Between the bursts every bit is kept.
    assert!(output[20_000..28_000] == input[20_000..28_000]);
}

#[test]
fn the_pulse_has_the_spectrum_of_what_the_ear_does_not_hear() {
    const SIZE: usize = 2048;
    let mut mask = Mask::new(SIZE, SIZE / 4, 48_000.0);
    let tone: Vec<f64> = (0..SIZE).map(|n| 0.5 * (TAU * 1_000.0 * n as f64 / 48_000.0).sin()).collect();
    let mut pulse = vec![0.0; RAISED * SIZE / 4 + 1];
    mask.pulse(&tone, &mut pulse);
    assert!((pulse[0] - 1.0).abs() < 1e-12);
    let at = |hz: f64| {
        let turn = 2.0 * PI * hz / (48_000.0 * RAISED as f64);
        let side: f64 = pulse.iter().enumerate().skip(1).map(|(n, x)| x * (turn * n as f64).cos()).sum();
        10.0 * (1.0 + 2.0 * side).abs().log10()
    };
    // One ERB at 1 kHz is 133 Hz. The slopes are 24 dB per ERB below and 9 above, as far as a pulse of 21 ms, whose
    // taper spreads by 50 Hz, can draw them.
    let (below, top, above) = (at(800.0), at(1_000.0), at(1_300.0));
    assert!(top - below > 20.0 && top - above > 12.0 && above > below, "{below} {top} {above}");
    // Nothing beside half the rate and above.
    assert!(at(30_000.0) < top - 60.0, "{} {top}", at(30_000.0));
}
