//! Finite filters between the channels of a signal, all late by the same time; or, where there are none, that delay
//! alone, bit for bit.
//!
//! Filters that do to left and right what they do to right and left are one of their middle and one of their sides: two
//! instead of four, and none for a middle that is only late.

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

/// What a filter of middle or side may differ from a delay by, rounding of its design: -240 dB.
const ROUNDING: f64 = 1e-12;

/// Applies [`Kernels`]: without any further latency where they have none themselves, else in blocks.
pub struct FirBank {
    latency: Frames,
    tail: Frames,
    convolver: Option<Convolver>,
    delays: Vec<Delay>,
    /// For two channels that are convolved as middle and side.
    sides: Option<Sides>,
}

/// The filters of middle and side.
struct Sides {
    /// Of both, or of the side alone.
    convolver: Convolver,
    /// Of a middle that is only late, and its gain.
    middle: Option<(Delay, f64)>,
}

/// The impulse responses of middle and side, each halved, of filters between two channels that treat them alike.
fn middle_and_side(kernels: &Kernels) -> Option<[Vec<f64>; 2]> {
    let taps = |input: usize, output: usize| {
        let mut here = kernels.kernels.iter().filter(|k| (k.input, k.output) == (input, output));
        here.next().map(|k| &k.taps).filter(|_| here.next().is_none())
    };
    let (own, across) = (taps(0, 0)?, taps(0, 1)?);
    let alike = Arc::ptr_eq(own, taps(1, 1)?) && Arc::ptr_eq(across, taps(1, 0)?);
    let of =
        |sign: f64| own.iter().zip(across.iter()).map(|(own, across)| 0.5 * (own + sign * across)).collect();
    (alike && kernels.kernels.len() == 4 && own.len() == across.len()).then(|| [of(1.0), of(-1.0)])
}

impl Sides {
    fn new(taps: &[Vec<f64>; 2], delay: Frames, partition: &Partition) -> Sides {
        let [middle, side] = taps;
        let gain = middle.get(delay).copied().unwrap_or(0.0);
        let only_late =
            middle.iter().enumerate().all(|(n, tap)| n == delay || tap.abs() < ROUNDING) && gain != 0.0;
        let each: &[&Vec<f64>] = if only_late { &[side] } else { &[middle, side] };
        let paths = each.iter().enumerate();
        let paths = paths.map(|(c, taps)| Path { input: c, output: c, filter: Filter::new(taps, partition) });
        Sides {
            convolver: Convolver::new(each.len(), each.len(), paths.collect()),
            middle: only_late.then(|| (Delay::new(delay + partition.latency()), gain)),
        }
    }

    fn process(&mut self, block: &mut Block) {
        let (left, right) = block.stereo_mut();
        for (left, right) in left.iter_mut().zip(right) {
            (*left, *right) = (*left + *right, *left - *right);
        }
        match &mut self.middle {
            Some((delay, gain)) => {
                let (middle, side) = block.stereo_mut();
                delay.pass(middle);
                middle.iter_mut().for_each(|x| *x *= *gain);
                self.convolver.process(&mut Block::from_mono(side));
            }
            None => self.convolver.process(block),
        }
        let (middle, side) = block.stereo_mut();
        for (middle, side) in middle.iter_mut().zip(side) {
            (*middle, *side) = (*middle + *side, *middle - *side);
        }
    }

    fn reset(&mut self) {
        self.convolver.reset();
        self.middle.iter_mut().for_each(|(delay, _)| delay.reset());
    }
}

impl FirBank {
    /// For `channels` channels in and out.
    pub fn new(kernels: &Kernels, channels: usize) -> FirBank {
        if kernels.kernels.is_empty() || channels == 0 {
            let delays = vec![Delay::new(kernels.delay); channels];
            return FirBank { latency: kernels.delay, tail: 0, convolver: None, delays, sides: None };
        }
        let longest = kernels.kernels.iter().map(|k| k.taps.len()).max().unwrap_or(0);
        let partition = match kernels.delay {
            0 => Partition::without_latency(longest),
            _ => Partition::uniform((longest / PARTS).next_power_of_two().min(LONGEST_BLOCK)),
        };
        let latency = kernels.delay + partition.latency();
        let tail = longest.saturating_sub(1 + kernels.delay);
        if let Some(taps) = middle_and_side(kernels).filter(|_| channels == 2) {
            let sides = Some(Sides::new(&taps, kernels.delay, &partition));
            return FirBank { latency, tail, convolver: None, delays: Vec::new(), sides };
        }
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
        FirBank { latency, tail, convolver: Some(convolver), delays: Vec::new(), sides: None }
    }

    /// Frames by which the output is late.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Frames for which it sounds on after the delayed input has ended.
    pub fn tail(&self) -> Frames {
        self.tail
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.delays.iter_mut().for_each(Delay::reset);
        if let Some(convolver) = &mut self.convolver {
            convolver.reset();
        }
        self.sides.iter_mut().for_each(Sides::reset);
    }

    /// Filters `block` in place. Never allocates.
    pub fn process(&mut self, block: &mut Block) {
        match (&mut self.convolver, &mut self.sides) {
            (Some(convolver), _) => convolver.process(block),
            (None, Some(sides)) => sides.process(block),
            (None, None) => {
                block.iter_mut().zip(&mut self.delays).for_each(|(samples, delay)| delay.pass(samples));
            }
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

    /// Four filters that treat left and right alike, and a side beside a middle that is only late, against sums by hand; and one
    /// sound in both channels stays one.
    #[test]
    fn middle_and_side_are_what_four_filters_are() {
        let (delay, frames) = (40, 700);
        let mut noise = crate::blocks::testing::noise(5);
        let mut only_late = vec![0.0; 81];
        only_late[delay] = 1.0;
        let any: Vec<f64> = (0..81).map(|_| noise()).collect();
        let side: Vec<f64> = (0..81).map(|_| noise()).collect();
        for middle in [only_late, any] {
            let of = |sign: f64| -> Arc<[f64]> {
                middle.iter().zip(&side).map(|(m, s)| 0.5 * (m + sign * s)).collect()
            };
            let (own, across) = (of(1.0), of(-1.0));
            let path = |input, output| Kernel {
                input,
                output,
                taps: if input == output { own.clone() } else { across.clone() },
            };
            let kernels = [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(i, o)| path(i, o)).to_vec();
            let kernels = Kernels { delay, kernels };
            assert!(middle_and_side(&kernels).is_some());
            let input = [(); 2].map(|()| (0..frames).map(|_| noise()).collect::<Vec<f64>>());
            let mut bank = FirBank::new(&kernels, 2);
            let mut audio = Buffer::from_channels(&input);
            for start in (0..frames).step_by(100) {
                bank.process(&mut audio.range_mut(start, 100));
            }
            let late = bank.latency() - delay;
            for n in late..frames {
                let sum = |output: usize| -> f64 {
                    let each = (0..81).filter_map(|t| Some((t, (n - late).checked_sub(t)?)));
                    each.map(|(t, at)| own[t] * input[output][at] + across[t] * input[1 - output][at]).sum()
                };
                for output in 0..2 {
                    let off = (audio.channel(output)[n] - sum(output)).abs();
                    // Rounding of transforms of sums of 81 numbers around 1.
                    assert!(off < 1e-12, "{output} {n}: {off:e}");
                }
            }
            bank.reset();
            let mut mono = Buffer::from_channels(&[input[0].clone(), input[0].clone()]);
            bank.process(&mut mono.as_block_mut());
            assert!(mono.channel(0) == mono.channel(1));
            assert_eq!((bank.latency(), bank.tail()), (delay + late, 40));
        }
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
