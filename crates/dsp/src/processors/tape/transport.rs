//! How the tape runs: wow, flutter and hiss.

use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::kaiser;
use audio::Frames;
use std::f64::consts::{PI, TAU};

/// Speeds of the sway: three of the reels and the capstan below 4 Hz (wow), three above (flutter). No ratio of them is
/// simple, so that the pattern does not come again within a song.
const WOW_HZ: [f64; 3] = [0.43, 0.71, 1.13];
const FLUTTER_HZ: [f64; 3] = [6.1, 9.7, 14.3];

/// How fast the depths follow their settings.
const FOLLOW_S: f64 = 0.1;

/// Samples that one read between two samples is made of, and how finely the place between them is told.
const TAPS: usize = 32;
const PLACES: usize = 512;

/// Windowed sincs for every place; between two of them it is gone straight: 1e-5 of the signal.
fn sincs() -> Vec<[f64; TAPS]> {
    (0..=PLACES)
        .map(|place| {
            let mut taps = [0.0; TAPS];
            for (n, tap) in taps.iter_mut().enumerate() {
                let x = n as f64 - (TAPS / 2 - 1) as f64 - place as f64 / PLACES as f64;
                let sinc = if x.abs() < 1e-12 { 1.0 } else { (PI * x).sin() / (PI * x) };
                *tap = sinc * kaiser::window(x / (TAPS as f64 / 2.0), 7.0);
            }
            let sum: f64 = taps.iter().sum();
            taps.map(|tap| tap / sum)
        })
        .collect()
}

/// Reads channels with a delay that sways about a fixed one.
pub(super) struct Sway {
    sample_rate_hz: f64,
    /// Control periods since the start.
    periods: u64,
    /// Depths of wow and flutter: RMS of the speed, as a share.
    depths: [f64; 2],
    targets: [f64; 2],
    follow: f64,
    /// Delay beyond the middle at the last point of the grid, and by how much it grows per frame to the next.
    offset: f64,
    step: f64,
    middle: Frames,
    lines: Vec<Vec<f64>>,
    sincs: Vec<[f64; TAPS]>,
}

impl Sway {
    /// Greatest depths: RMS of the speed, as a share.
    pub(super) const MOST: [f64; 2] = [0.005, 0.003];

    pub(super) fn new(depths: [f64; 2], sample_rate_hz: f64, channels: usize) -> Sway {
        let reach: f64 = (0..2).map(|kind| Self::MOST[kind] * unit_reach(kind)).sum();
        let middle = (reach * sample_rate_hz).ceil() as Frames + TAPS;
        let mut sway = Sway {
            sample_rate_hz,
            periods: 0,
            depths,
            targets: depths,
            follow: 1.0 - (-(CONTROL_FRAMES as f64) / (FOLLOW_S * sample_rate_hz)).exp(),
            offset: 0.0,
            step: 0.0,
            middle,
            lines: vec![vec![0.0; 2 * middle + CONTROL_FRAMES]; channels],
            sincs: sincs(),
        };
        sway.reset();
        sway
    }

    /// Frames by which the output stands later than the input, in the mean.
    pub(super) fn latency(&self) -> Frames {
        self.middle
    }

    pub(super) fn go_to(&mut self, depths: [f64; 2]) {
        self.targets = depths;
    }

    pub(super) fn reset(&mut self) {
        self.lines.iter_mut().for_each(|line| line.fill(0.0));
        self.depths = self.targets;
        self.periods = 0;
        self.offset = self.offset_at(0);
        self.step = 0.0;
    }

    /// The delay beyond the middle at a point of the grid.
    fn offset_at(&self, periods: u64) -> f64 {
        let seconds = (periods * CONTROL_FRAMES as u64) as f64 / self.sample_rate_hz;
        let mut offset = 0.0;
        for (kind, speeds) in [WOW_HZ, FLUTTER_HZ].iter().enumerate() {
            if self.depths[kind] > 0.0 {
                for (i, hz) in speeds.iter().enumerate() {
                    let turn = (hz * seconds + 0.31 * i as f64).fract();
                    // Three equal speeds of this RMS together; the delay is the integral of the speed.
                    offset += self.depths[kind] * (2.0f64 / 3.0).sqrt() / (TAU * hz) * (TAU * turn).sin();
                }
            }
        }
        offset * self.sample_rate_hz
    }

    /// At a point of the grid, before its frames.
    pub(super) fn at_point(&mut self) {
        for (depth, target) in self.depths.iter_mut().zip(self.targets) {
            *depth += self.follow * (target - *depth);
            if (*depth - target).abs() < 1e-9 {
                *depth = target;
            }
        }
        self.offset += CONTROL_FRAMES as f64 * self.step;
        self.periods += 1;
        let next = self.offset_at(self.periods);
        self.step = (next - self.offset) / CONTROL_FRAMES as f64;
    }

    /// Reads one channel's piece, in place, which begins `since_point` frames after a point of the grid.
    pub(super) fn process(&mut self, channel: usize, since_point: Frames, samples: &mut [f64]) {
        let frames = samples.len();
        let history = 2 * self.middle;
        let line = &mut self.lines[channel];
        line[history..history + frames].copy_from_slice(samples);
        if self.offset == 0.0 && self.step == 0.0 {
            samples.copy_from_slice(&line[history - self.middle..][..frames]);
        } else {
            let start = self.middle as f64 + self.offset;
            read(line, samples, history, start, self.step, since_point, &self.sincs);
        }
        line.copy_within(frames..history + frames, 0);
    }
}

/// Greatest delay, in seconds, of a kind of sway whose speed has an RMS of one.
fn unit_reach(kind: usize) -> f64 {
    [WOW_HZ, FLUTTER_HZ][kind].iter().map(|hz| (2.0f64 / 3.0).sqrt() / (TAU * hz)).sum()
}

audio::wide! {
    /// Reads samples with a delay of `start` at a point of the grid that grows by `step` per frame from there on.
    /// The delay is told apart from the place in the line, so that a cut changes no bit.
    fn read(
        line: &[f64], out: &mut [f64], first: usize, start: f64, step: f64, since_point: usize, sincs: &[[f64; TAPS]],
    ) {
        for (n, out) in out.iter_mut().enumerate() {
            let delay = start + step * (since_point + n) as f64;
            let whole = delay.ceil();
            let fine = (whole - delay) * PLACES as f64;
            let below = (fine as usize).min(PLACES - 1);
            let share = fine - below as f64;
            let under = &line[first + n - whole as usize - (TAPS / 2 - 1)..][..TAPS];
            let (low, high) = (&sincs[below], &sincs[below + 1]);
            let mut sums = [0.0; 8];
            for part in 0..TAPS / 8 {
                for i in 0..8 {
                    let k = 8 * part + i;
                    sums[i] += under[k] * (low[k] + share * (high[k] - low[k]));
                }
            }
            *out = ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
        }
    }
}

/// Hiss of one channel: noise that rises by 9 dB towards the treble.
#[derive(Debug, Clone)]
pub(super) struct Hiss {
    seed: u64,
    state: u64,
    before: f64,
}

impl Hiss {
    pub(super) fn new(channel: usize) -> Hiss {
        let seed = (channel as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Hiss { seed, state: seed, before: 0.0 }
    }

    pub(super) fn reset(&mut self) {
        *self = Hiss { state: self.seed, before: 0.0, ..*self };
    }

    /// The next sample, with an RMS of one.
    #[inline]
    pub(super) fn next(&mut self) -> f64 {
        // Marsaglia's xorshift64*.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let white = (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / 2f64.powi(52) - 1.0;
        // Uniform from -1 to 1 has a power of 1/3; with half of the one before taken away, 5/4 of that.
        let sample = (white - 0.5 * self.before) * (12.0f64 / 5.0).sqrt();
        self.before = white;
        sample
    }
}
