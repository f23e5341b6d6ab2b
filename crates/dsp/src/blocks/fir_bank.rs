//! Finite filters between the channels of a signal, all late by the same time; or, where there are none, that delay
//! alone, bit for bit.

use super::convolution::{Convolver, Filter, Partition, Path};
use super::fir;
use super::lookahead::Delay;
use crate::Values;
use audio::{Block, Frames, Spec};
use num_complex::Complex64;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A filter from one channel to another.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The channel that is heard.
    pub input: usize,
    /// The channel to which the result is added.
    pub output: usize,
    /// The impulse response.
    pub taps: Arc<[f64]>,
}

/// Filters that work together.
#[derive(Debug, Clone)]
pub struct Kernels {
    /// Frames by which every one of them is late.
    pub delay: Frames,
    /// All of them, equally long; none is the delay alone.
    pub kernels: Vec<Kernel>,
}

impl Kernels {
    /// The same filter on each of `channels` channels.
    pub fn each(taps: Vec<f64>, delay: Frames, channels: usize) -> Kernels {
        let taps: Arc<[f64]> = taps.into();
        let kernels = (0..channels).map(|c| Kernel { input: c, output: c, taps: taps.clone() }).collect();
        Kernels { delay, kernels }
    }

    /// Complex gain of channel `output` for the same signal in every channel, the delay taken away; `frequency` is a
    /// share of the sample rate.
    pub fn response(&self, output: usize, frequency: f64) -> Complex64 {
        if self.kernels.is_empty() {
            return Complex64::new(1.0, 0.0);
        }
        let here = self.kernels.iter().filter(|k| k.output == output);
        here.map(|k| fir::response(&k.taps, self.delay, frequency)).sum()
    }
}

/// The filters that were designed last: a response is looked at frequency by frequency, and a design takes
/// milliseconds. The same question gets the same answer with it and without.
#[derive(Debug, Default)]
pub struct Memo {
    known: RefCell<Vec<(Values, Spec, Rc<Kernels>)>>,
}

impl Memo {
    /// Designs that are kept: one per usual sample rate.
    const MOST: usize = 6;

    /// Knows nothing yet.
    pub const fn new() -> Memo {
        Memo { known: RefCell::new(Vec::new()) }
    }

    /// The filters for these settings, by `design` when they are not known.
    pub fn get(&self, values: &Values, spec: &Spec, design: impl FnOnce() -> Kernels) -> Rc<Kernels> {
        let mut known = self.known.borrow_mut();
        if let Some((_, _, kernels)) = known.iter().find(|(v, s, _)| v == values && s == spec) {
            return kernels.clone();
        }
        let kernels = Rc::new(design());
        if known.len() == Memo::MOST {
            known.remove(0);
        }
        known.push((values.clone(), *spec, kernels.clone()));
        kernels
    }
}

/// A filter that is late anyway is applied in equal blocks, so many of which it fills, up to a length in frames: a quarter of the
/// work, and later by a block, 0.2 s at most at 44.1 kHz.
const PARTS: usize = 4;
const LONGEST_BLOCK: Frames = 8_192;

/// Applies [`Kernels`]: without any further latency where they have none themselves, else in blocks.
pub struct FirBank {
    delay: Frames,
    latency: Frames,
    convolver: Option<Convolver>,
    delays: Vec<Delay>,
}

impl FirBank {
    /// For `channels` channels in and out.
    pub fn new(kernels: &Kernels, channels: usize) -> FirBank {
        if kernels.kernels.is_empty() || channels == 0 {
            let delays = vec![Delay::new(kernels.delay); channels];
            return FirBank { delay: kernels.delay, latency: kernels.delay, convolver: None, delays };
        }
        let longest = kernels.kernels.iter().map(|k| k.taps.len()).max().unwrap_or(0);
        let partition = match kernels.delay {
            0 => Partition::without_latency(longest),
            _ => Partition::uniform((longest / PARTS).next_power_of_two().min(LONGEST_BLOCK)),
        };
        // One transform of each impulse response, however many channels use it.
        let mut made: Vec<(&Arc<[f64]>, Arc<Filter>)> = Vec::new();
        let mut filter = |taps| {
            if let Some((_, filter)) = made.iter().find(|(known, _)| Arc::ptr_eq(known, taps)) {
                return filter.clone();
            }
            let filter = Filter::new(taps, &partition);
            made.push((taps, filter.clone()));
            filter
        };
        let paths = kernels.kernels.iter();
        let paths =
            paths.map(|k| Path { input: k.input, output: k.output, filter: filter(&k.taps) }).collect();
        let convolver = Convolver::new(channels, channels, paths);
        let latency = kernels.delay + partition.latency();
        FirBank { delay: kernels.delay, latency, convolver: Some(convolver), delays: Vec::new() }
    }

    /// Frames by which the output is late.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Frames for which it sounds on after the delayed input has ended.
    pub fn tail(&self) -> Frames {
        self.convolver.as_ref().map_or(0, |c| c.tail().saturating_sub(self.delay))
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.delays.iter_mut().for_each(Delay::reset);
        if let Some(convolver) = &mut self.convolver {
            convolver.reset();
        }
    }

    /// Filters `block` in place. Never allocates.
    pub fn process(&mut self, block: &mut Block) {
        match &mut self.convolver {
            Some(convolver) => convolver.process(block),
            None => block.iter_mut().zip(&mut self.delays).for_each(|(samples, delay)| delay.pass(samples)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    #[test]
    fn no_filters_are_the_delay_alone() {
        let mut bank = FirBank::new(&Kernels { delay: 3, kernels: Vec::new() }, 1);
        let mut audio = Buffer::from_channels(&[vec![1.0, -2.0, 0.3, 4.0, 5.0]]);
        bank.process(&mut audio.as_block_mut());
        assert_eq!(audio.channel(0), [0.0, 0.0, 0.0, 1.0, -2.0]);
        assert_eq!((bank.latency(), bank.tail()), (3, 0));
    }

    #[test]
    fn filters_lead_from_channel_to_channel() {
        let kernel = |input, output, taps: &[f64]| Kernel { input, output, taps: taps.into() };
        let kernels = Kernels {
            delay: 1,
            kernels: vec![kernel(0, 0, &[0.0, 2.0, 0.5]), kernel(1, 0, &[0.0, -1.0]), kernel(1, 1, &[1.0])],
        };
        let mut bank = FirBank::new(&kernels, 2);
        let mut audio =
            Buffer::from_channels(&[vec![1.0, 0.0, 0.0, 0.0, 0.0], vec![0.0, 1.0, 0.0, 0.0, 0.0]]);
        bank.process(&mut audio.as_block_mut());
        // In blocks of a frame; transforms round.
        let near = |channel: &[f64], expected: [f64; 5]| {
            channel.iter().zip(expected).all(|(x, expected)| (x - expected).abs() < 1e-15)
        };
        assert!(near(audio.channel(0), [0.0, 0.0, 2.0, -0.5, 0.0]), "{audio:?}");
        assert!(near(audio.channel(1), [0.0, 0.0, 1.0, 0.0, 0.0]), "{audio:?}");
        assert_eq!((bank.latency(), bank.tail()), (2, 1));
        // At zero frequency: the sums of all taps that lead to the left.
        assert!((kernels.response(0, 0.0) - 1.5).norm() < 1e-12);
    }
}
