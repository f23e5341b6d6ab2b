//! A delay that may be read at any place, which may move with every frame.
//!
//! Between two samples stands a windowed sinc of 32 taps (Kaiser, 84 dB), read from a table of 256 phases between which
//! the coefficients run straight: Smith & Gossett, *A flexible sampling-rate conversion method*, ICASSP 1984. Its error
//! is below -78 dB up to 0.4 of the sample rate, 19.2 kHz at 48 kHz, so that a place that moves neither damps the
//! treble nor puts sidebands beside it. A whole number of frames is read exactly.

use super::grid::CONTROL_FRAMES;
use super::kaiser;
use audio::Frames;
use std::f64::consts::PI;

/// Samples that one interpolated sample is made of.
const TAPS: usize = 32;

/// Phases of the table.
const PHASES: usize = 256;

/// Shortest delay that can be read, in frames: half the taps lie after the place.
pub const SHORTEST: f64 = (TAPS / 2 + 1) as f64;

/// The window's parameter, for side lobes 84 dB down.
const BETA: f64 = kaiser::beta(84.0);

/// One row per phase, and the first of the next sample; worked out by the compiler, so that building a delay costs no
/// more than its memory.
#[allow(long_running_const_eval)]
static TABLE: [[f64; TAPS]; PHASES + 1] = {
    let mut table = [[0.0; TAPS]; PHASES + 1];
    let mut phase = 0;
    while phase <= PHASES {
        table[phase] = row(phase);
        phase += 1;
    }
    table
};

/// The taps of a place `phase / PHASES` frames after a sample.
const fn row(phase: usize) -> [f64; TAPS] {
    let part = phase as f64 / PHASES as f64;
    let mut taps = [0.0; TAPS];
    let (mut tap, mut sum) = (0, 0.0);
    while tap < TAPS {
        let frames = tap as f64 - (TAPS / 2 - 1) as f64;
        let x = frames - part;
        // sin(pi (k - part)) = -(-1)^k sin(pi part): whole distances are exact zeros.
        let sign = if tap % 2 == (TAPS / 2 - 1) % 2 { -1.0 } else { 1.0 };
        let sinc = if x == 0.0 { 1.0 } else { sign * sine(part) / (PI * x) };
        let across = x / (TAPS / 2) as f64;
        taps[tap] = sinc * bessel(1.0 - across * across) / bessel(1.0);
        sum += taps[tap];
        tap += 1;
    }
    let mut tap = 0;
    while tap < TAPS {
        taps[tap] /= sum;
        tap += 1;
    }
    taps
}

/// `sin(pi x)` for x from 0 to 1, by its Taylor series (Abramowitz & Stegun 4.3.65).
const fn sine(x: f64) -> f64 {
    let angle = PI * if x > 0.5 { 1.0 - x } else { x };
    let (mut term, mut sum, mut n) = (angle, angle, 1.0);
    while n < 24.0 {
        term *= -angle * angle / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sum
}

/// `I0(BETA sqrt x)` by its power series (Abramowitz & Stegun 9.6.10); nothing where x is below zero.
const fn bessel(x: f64) -> f64 {
    if x < 0.0 {
        return 0.0;
    }
    let quarter = BETA * BETA * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The past of one channel.
#[derive(Debug, Clone)]
pub struct MovingDelay {
    /// A ring whose first samples stand a second time behind its end, so that the taps are always one slice.
    samples: Vec<f64>,
    ring: Frames,
    at: Frames,
}

impl MovingDelay {
    /// Delays of up to `longest` frames.
    pub fn new(longest: f64) -> MovingDelay {
        let ring = longest.ceil() as Frames + TAPS + CONTROL_FRAMES;
        MovingDelay { samples: vec![0.0; ring + TAPS], ring, at: 0 }
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.samples.fill(0.0);
        self.at = 0;
    }

    /// What came `delay` frames before the next sample to be written; at least [`SHORTEST`], at most the longest.
    pub fn read(&self, delay: f64) -> f64 {
        let mut sample = [0.0];
        read_all(&self.samples, self.ring, self.at, &[delay], &mut sample);
        sample[0]
    }

    /// Appends samples, at most a control period, and reads for each of them what came `delays` frames before the one
    /// after it: as writing and reading in turn, and faster.
    pub fn pass(&mut self, new: &[f64], delays: &[f64], out: &mut [f64]) {
        self.push(new);
        self.read_again(delays, &mut out[..new.len()]);
    }

    /// Appends samples, at most a control period.
    pub fn push(&mut self, new: &[f64]) {
        new.iter().for_each(|sample| self.write(*sample));
    }

    /// As [`MovingDelay::pass`], for the samples that have just been appended.
    pub fn read_again(&self, delays: &[f64], out: &mut [f64]) {
        read_all(&self.samples, self.ring, self.at, delays, out);
    }

    /// Appends a sample.
    #[inline]
    pub fn write(&mut self, sample: f64) {
        self.samples[self.at] = sample;
        if self.at < TAPS {
            self.samples[self.ring + self.at] = sample;
        }
        self.at += 1;
        if self.at == self.ring {
            self.at = 0;
        }
    }
}

audio::wide! {
    /// Reads for each of the last frames before `at` its delay, counted from the frame after it.
    fn read_all(
        samples: &[f64],
        ring: usize,
        at: usize,
        delays: &[f64],
        out: &mut [f64],
    ) {
        let frames = out.len();
        for (n, (out, delay)) in out.iter_mut().zip(delays).enumerate() {
            let delay = delay.max(SHORTEST);
            let back = delay.ceil();
            let place = (back - delay) * PHASES as f64;
            let phase = place as usize;
            let rows = &TABLE[phase..phase + 2];
            // Frames are counted apart from the parts of a frame, so that no rounding depends on the block.
            let oldest = back as usize + TAPS / 2 - 1 + (frames - 1 - n);
            let start = if at >= oldest { at - oldest } else { at + ring - oldest };
            *out = dot(&samples[start..start + TAPS], &rows[0], &rows[1], place - phase as f64);
        }
    }
}

/// Sum of the samples under a row between two others, in eight interleaved sums, always in the same order.
#[inline(always)]
fn dot(samples: &[f64], from: &[f64; TAPS], to: &[f64; TAPS], part: f64) -> f64 {
    let mut sums = [0.0; 8];
    for (x, (a, b)) in samples.chunks_exact(8).zip(from.chunks_exact(8).zip(to.chunks_exact(8))) {
        for lane in 0..8 {
            sums[lane] += x[lane] * (a[lane] + part * (b[lane] - a[lane]));
        }
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    #[test]
    fn the_table_is_a_windowed_sinc() {
        for (phase, row) in TABLE.iter().enumerate() {
            let part = phase as f64 / PHASES as f64;
            let ideal = |n: usize| {
                let x = n as f64 - 15.0 - part;
                let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                sinc * kaiser::window(x / 16.0, BETA)
            };
            let sum: f64 = (0..TAPS).map(ideal).sum();
            for (n, tap) in row.iter().enumerate() {
                // The library's own functions, to their rounding.
                assert!((tap - ideal(n) / sum).abs() < 1e-14, "phase {phase}, tap {n}: {tap}");
            }
        }
    }

    #[test]
    fn whole_frames_are_read_exactly_at_every_wrap() {
        let mut delay = MovingDelay::new(40.0);
        for n in 0..500 {
            for back in [17, 18, 30, 40] {
                let expected = if n >= back { (n - back + 1) as f64 } else { 0.0 };
                assert_eq!(delay.read(back as f64), expected, "{back} frames back at {n}");
            }
            delay.write((n + 1) as f64);
        }
    }

    #[test]
    fn passing_is_writing_and_reading_in_turn() {
        let (mut whole, mut single) = (MovingDelay::new(300.0), MovingDelay::new(300.0));
        for piece in 0..40 {
            let frames = 1 + piece * 17 % CONTROL_FRAMES;
            let new: Vec<f64> = (0..frames).map(|n| ((n * 7 + piece * 13) % 31) as f64 - 15.0).collect();
            let delays: Vec<f64> = (0..frames).map(|n| 17.0 + ((n + piece) as f64 * 5.37) % 283.0).collect();
            let mut out = vec![0.0; frames];
            whole.pass(&new, &delays, &mut out);
            for (n, out) in out.into_iter().enumerate() {
                single.write(new[n]);
                assert_eq!(out.to_bits(), single.read(delays[n]).to_bits(), "piece {piece}, frame {n}");
            }
        }
    }

    proptest! {
        #[test]
        fn tones_are_read_where_they_were(frames in 17.0f64..60.0, cycles in 0.0f64..0.4) {
            let mut delay = MovingDelay::new(60.0);
            let tone = |t: f64| (TAU * cycles * t).sin();
            (0..120).for_each(|n| delay.write(tone(f64::from(n))));
            // -78 dB: twice the window's side lobes at 84 dB, and the straight line between two phases.
            prop_assert!((delay.read(frames) - tone(120.0 - frames)).abs() < 1.26e-4);
        }
    }
}
