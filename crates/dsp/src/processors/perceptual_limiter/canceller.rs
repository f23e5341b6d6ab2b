//! Takes peaks off by adding pulses whose spectrum is that of what the ear does not hear.
//!
//! Wanted is the error `e` with the least noise-to-mask ratio, the sum of `|E(f)|^2 / M(f)`, for which no point of
//! `x + e` between the samples exceeds the ceiling: the quadratic programme of perception-based clipping
//! (Defraene, van Waterschoot, Ferreau, Diehl & Moonen, *Real-time perception-based clipping of audio signals
//! using convex optimization*, IEEE Trans. Audio Speech Lang. Process. 20, 2012), here without frames. Its
//! solution is a sum of pulses at the touched points whose power spectrum is `M`; their heights are the
//! multipliers of the dual problem, found by Hildreth's method (*A quadratic programming procedure*, Naval
//! Research Logistics Quarterly 4, 1957): each in turn is set so that its own point just touches the ceiling,
//! and never below zero.
//!
//! The signal passes a zone in which pulses may still change, hop by hop; behind it they are final. Where nothing
//! stands above the ceiling nothing is added, and the samples keep their bits.

use super::mask::{Mask, RAISED};
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::oversample::Upsampler;
use audio::{Frames, Spec};

/// Hops in which pulses may change.
const ACTIVE_HOPS: usize = 4;
/// Passes over the active zone per hop.
const SWEEPS: usize = 8;
/// A multiplier that would move by less, as a share of the ceiling, stays: 0.01 dB.
const TOLERANCE: f64 = 1e-3;

/// Lengths in frames.
#[derive(Clone, Copy)]
struct Lengths {
    hop: usize,
    window: usize,
    /// The pulse to either side of its middle.
    reach: usize,
    /// From the end of the active zone to the newest frame.
    wait: usize,
}

impl Lengths {
    fn new(sample_rate_hz: f64) -> Lengths {
        // A window of 43 ms at 48 kHz, hops of 5 ms.
        let scale = ((sample_rate_hz / 46_000.0).max(0.25).log2().round()).exp2();
        let window = (2048.0 * scale) as usize;
        let (hop, reach) = (window / 8, window / 4);
        Lengths { hop, window, reach, wait: window / 2 }
    }

    fn first_active(self) -> usize {
        self.reach + self.hop
    }

    fn end_active(self) -> usize {
        self.first_active() + ACTIVE_HOPS * self.hop
    }

    fn total(self) -> usize {
        self.end_active() + self.wait
    }
}

/// Takes the peaks of all channels off, each by itself.
pub(super) struct Canceller {
    lengths: Lengths,
    mask: Mask,
    channels: Vec<Channel>,
    /// Frames of the present hop that have come in.
    filled: usize,
    /// The ceiling of the present hop: the lowest that was asked for within it.
    lowest: f64,
    /// Of the hops from the oldest active one to the newest.
    ceilings: Vec<f64>,
}

struct Channel {
    upsampler: Upsampler,
    delay: Delay,
    recent: Vec<f64>,
    hop: Vec<f64>,
    raised: Vec<f64>,
    /// The signal, what is added to it, and the multipliers: all at the raised rate, over `Lengths::total`.
    signal: Vec<f64>,
    error: Vec<f64>,
    heights: Vec<f64>,
    /// The right half of each active hop's pulse.
    pulses: Vec<Vec<f64>>,
    has_pulse: Vec<bool>,
    /// Anything in `error` is not zero.
    corrected: bool,
    out: Vec<f64>,
}

impl Canceller {
    pub(super) fn new(spec: &Spec) -> Canceller {
        let lengths = Lengths::new(spec.sample_rate_hz);
        let raised = RAISED * lengths.total();
        let channel = || Channel {
            upsampler: Upsampler::new(RAISED),
            delay: Delay::new(lengths.total()),
            recent: vec![0.0; lengths.window + lengths.hop / 2],
            hop: vec![0.0; lengths.hop],
            raised: vec![0.0; RAISED * lengths.hop],
            signal: vec![0.0; raised],
            error: vec![0.0; raised],
            heights: vec![0.0; raised],
            pulses: vec![vec![0.0; RAISED * lengths.reach + 1]; ACTIVE_HOPS],
            has_pulse: vec![false; ACTIVE_HOPS],
            corrected: false,
            out: vec![0.0; lengths.hop],
        };
        Canceller {
            lengths,
            mask: Mask::new(lengths.window, lengths.reach, spec.sample_rate_hz),
            channels: (0..spec.channels).map(|_| channel()).collect(),
            filled: 0,
            lowest: f64::INFINITY,
            ceilings: vec![f64::INFINITY; ACTIVE_HOPS + lengths.wait / lengths.hop],
        }
    }

    /// Frames by which the output stands later than the input.
    pub(super) fn latency(&self) -> Frames {
        self.lengths.total()
    }

    /// Forgets the past.
    pub(super) fn reset(&mut self) {
        self.filled = 0;
        self.lowest = f64::INFINITY;
        self.ceilings.fill(f64::INFINITY);
        for channel in &mut self.channels {
            channel.reset();
        }
    }

    /// Frames until the present hop is full: never zero.
    pub(super) fn room(&self) -> Frames {
        self.lengths.hop - self.filled
    }

    /// One channel's part of a piece of at most [`Self::room`] frames. After the last channel: `advance`.
    pub(super) fn process(&mut self, channel: usize, samples: &mut [f64]) {
        let channel = &mut self.channels[channel];
        let place = self.filled..self.filled + samples.len();
        channel.hop[place.clone()].copy_from_slice(samples);
        channel.delay.pass(samples);
        if channel.corrected {
            samples.iter_mut().zip(&channel.out[place]).for_each(|(sample, error)| *sample += error);
        }
    }

    /// Completes a piece of this many frames, whose ceiling was never below `ceiling`.
    pub(super) fn advance(&mut self, frames: Frames, ceiling: f64) {
        self.filled += frames;
        self.lowest = if ceiling < self.lowest { ceiling } else { self.lowest };
        if self.filled == self.lengths.hop {
            self.filled = 0;
            self.ceilings.rotate_left(1);
            if let Some(newest) = self.ceilings.last_mut() {
                *newest = self.lowest;
            }
            self.lowest = f64::INFINITY;
            for channel in &mut self.channels {
                channel.hop(self.lengths, &mut self.mask, &self.ceilings);
            }
        }
    }
}

impl Channel {
    fn reset(&mut self) {
        self.upsampler.reset();
        self.delay.reset();
        let lines = [&mut self.recent, &mut self.signal, &mut self.error, &mut self.heights, &mut self.out];
        lines.into_iter().for_each(|line| line.fill(0.0));
        self.has_pulse.fill(false);
        self.corrected = false;
    }

    /// Work for a full hop.
    fn hop(&mut self, lengths: Lengths, mask: &mut Mask, ceilings: &[f64]) {
        let Lengths { hop, window, .. } = lengths;
        self.recent.copy_within(hop.., 0);
        let heard = self.recent.len() - hop;
        self.recent[heard..].copy_from_slice(&self.hop);
        self.upsampler.process(&self.hop, &mut self.raised);
        let step = RAISED * hop;
        for line in [&mut self.signal, &mut self.error, &mut self.heights] {
            line.copy_within(step.., 0);
            let kept = line.len() - step;
            line[kept..].fill(0.0);
        }
        let newest = RAISED * (lengths.total() - hop - self.upsampler.latency());
        self.signal[newest..newest + step].copy_from_slice(&self.raised);

        // The hop that comes into the active zone; the older frames of `recent` are the window centred on it.
        self.pulses.rotate_left(1);
        self.has_pulse.rotate_left(1);
        let last = ACTIVE_HOPS - 1;
        let entering = RAISED * (lengths.end_active() - hop);
        let ceiling = ceilings[last];
        let loudest = largest(&self.signal[entering..entering + step]);
        // A little below the ceiling a neighbour's pulse may lift a point above it.
        self.has_pulse[last] = loudest > 0.9 * ceiling;
        if self.has_pulse[last] {
            mask.pulse(&self.recent[..window], &mut self.pulses[last]);
        }
        if self.has_pulse.iter().any(|has| *has) {
            for _ in 0..SWEEPS {
                if !self.sweep(lengths, ceilings) {
                    break;
                }
            }
        }
        self.emit();
    }

    /// Sets every multiplier of the active zone once; false when none had to move.
    fn sweep(&mut self, lengths: Lengths, ceilings: &[f64]) -> bool {
        let step = RAISED * lengths.hop;
        let mut moved = false;
        for active in (0..ACTIVE_HOPS).filter(|active| self.has_pulse[*active]) {
            let (ceiling, pulse) = (ceilings[active], &self.pulses[active]);
            let first = RAISED * lengths.first_active() + active * step;
            for at in first..first + step {
                let here = self.signal[at] + self.error[at];
                let height = self.heights[at];
                if height == 0.0 {
                    let size = here.abs();
                    if size <= ceiling
                        || size < (self.signal[at - 1] + self.error[at - 1]).abs()
                        || size < (self.signal[at + 1] + self.error[at + 1]).abs()
                    {
                        continue;
                    }
                }
                // A height is positive against positive peaks.
                let sign = if height == 0.0 { here.signum() } else { height.signum() };
                let wanted = greater(height.abs() + sign * here - ceiling, 0.0);
                let change = wanted - height.abs();
                if change.abs() <= TOLERANCE * ceiling {
                    continue;
                }
                moved = true;
                self.heights[at] = sign * wanted;
                add_pulse(&mut self.error, at, -sign * change, pulse);
            }
        }
        moved
    }

    /// Reads the oldest hop of the error off at the sample rate.
    fn emit(&mut self) {
        self.corrected = false;
        for (out, error) in self.out.iter_mut().zip(self.error.chunks_exact(RAISED)) {
            *out = error[0];
            self.corrected |= *out != 0.0;
        }
    }
}

fn largest(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |most, x| greater(x.abs(), most))
}

/// Adds a symmetrical pulse of a height, given by its right half, around a place.
fn add_pulse(line: &mut [f64], at: usize, height: f64, half: &[f64]) {
    let reach = half.len() - 1;
    let (left, right) = line[at - reach..at + reach + 1].split_at_mut(reach);
    add_scaled(right, half, height);
    add_mirrored(left, &half[1..], height);
}

audio::wide! {
    fn add_scaled(to: &mut [f64], from: &[f64], factor: f64) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += factor * from;
        }
    }
}

audio::wide! {
    fn add_mirrored(to: &mut [f64], from: &[f64], factor: f64) {
        for (to, from) in to.iter_mut().zip(from.iter().rev()) {
            *to += factor * from;
        }
    }
}
