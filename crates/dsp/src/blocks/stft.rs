//! A streaming short-time Fourier transform that changes only what it is asked to change.
//!
//! Frames of `size` samples, a quarter of a frame apart, are weighted by the root of the Hann window, looked
//! at as spectra, multiplied by a gain per bin, and laid over each other under the same weight (Griffin & Lim,
//! *Signal estimation from modified short-time Fourier transform*, IEEE Trans. ASSP 32, 1984): the squares of
//! the weights sum to a constant, so that a gain of one gives the input back.
//!
//! What is laid over each other here is only the *difference* `(G - 1) X`; it is added to the delayed input.
//! A gain of exactly one therefore changes no bit, without an error of the transform, and costs no transform
//! back. One gain serves all channels, so that the image stays still.

use super::lookahead::Delay;
use audio::{Block, BlockRef, Frames};
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Frames that cover each sample.
pub const OVERLAP: usize = 4;

const ZERO: Complex64 = Complex64::new(0.0, 0.0);

/// How the transform is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Samples of a frame: even, a multiple of [`OVERLAP`].
    pub size: Frames,
    /// Hops that the gains wait for what comes: a gain may look this many frames ahead.
    pub ahead: usize,
}

impl Shape {
    /// A power of two of about `seconds`, at any sample rate.
    pub fn of_seconds(seconds: f64, sample_rate_hz: f64, ahead: usize) -> Shape {
        let octaves = (seconds * sample_rate_hz).max(64.0).log2().round();
        Shape { size: 1 << (octaves as u32).min(18), ahead }
    }

    /// Samples between two frames.
    pub fn hop(&self) -> Frames {
        self.size / OVERLAP
    }

    /// Frames by which the output stands later.
    pub fn latency(&self) -> Frames {
        self.size + self.ahead * self.hop()
    }

    /// Bins of a spectrum, from 0 Hz to half the sample rate.
    pub fn bins(&self) -> usize {
        self.size / 2 + 1
    }

    /// Expected power `|X|^2` of a bin for noise of one unit of power per hertz (one-sided density).
    pub fn bin_power_per_density(&self, sample_rate_hz: f64) -> f64 {
        // Half the density at either sign of the frequency, times the rate, times the sum of the squared
        // weights, which is half the frame.
        0.5 * sample_rate_hz * 0.5 * self.size as f64
    }
}

/// What [`Stft`] asks for the gains.
pub trait Spectral {
    /// True while the gains are known to be one whatever comes: nothing is transformed then.
    fn idle(&self) -> bool;

    /// Begins again after a stretch of idling.
    fn wake(&mut self);

    /// Hears the newest frame and writes one gain per bin for the frame `ahead` hops before it. Gives false
    /// when all of them are one; what is in `gains` does not count then.
    fn hear(&mut self, frame: &Frame<'_>, gains: &mut [f64]) -> bool;
}

/// The newest frame.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Power `|X|^2` per bin, the mean of the channels.
    pub power: &'a [f64],
    /// The same of the key when there is one.
    pub key_power: Option<&'a [f64]>,
    /// False where a part of the frame is digital silence in a channel: its power tells nothing about the noise.
    pub whole: bool,
}

/// The transform of all channels of a stream, back and forth.
pub struct Stft {
    shape: Shape,
    window: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Complex64>,
    samples: Vec<f64>,
    spectrum: Vec<Complex64>,
    lanes: Vec<Lane>,
    keys: Vec<Vec<f64>>,
    power: Vec<f64>,
    key_power: Vec<f64>,
    gains: Vec<f64>,
    /// Place of the newest spectrum in each lane's ring.
    slot: usize,
    /// Spectra in the rings that are of the frames right before the present one.
    held: usize,
    /// Samples since the last frame.
    filled: Frames,
    /// Hops for which changes are still to be added.
    sounding: usize,
}

/// One channel.
struct Lane {
    recent: Vec<f64>,
    spectra: Vec<Vec<Complex64>>,
    /// Differences that are not given out yet, from the next sample on.
    changes: Vec<f64>,
    dry: Delay,
}

impl Stft {
    /// For `channels` channels; `keyed` keeps room for a key of as many.
    pub fn new(shape: Shape, channels: usize, keyed: bool) -> Stft {
        let size = shape.size;
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let lane = || Lane {
            recent: vec![0.0; size],
            spectra: vec![vec![ZERO; shape.bins()]; shape.ahead + 1],
            changes: vec![0.0; size],
            dry: Delay::new(shape.latency()),
        };
        Stft {
            shape,
            window: root_hann(size),
            forward,
            inverse,
            scratch: vec![ZERO; scratch],
            samples: vec![0.0; size],
            spectrum: vec![ZERO; shape.bins()],
            lanes: (0..channels).map(|_| lane()).collect(),
            keys: vec![vec![0.0; size]; if keyed { channels } else { 0 }],
            power: vec![0.0; shape.bins()],
            key_power: vec![0.0; shape.bins()],
            gains: vec![1.0; shape.bins()],
            slot: 0,
            held: 0,
            filled: 0,
            sounding: 0,
        }
    }

    /// How it is cut.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        for lane in &mut self.lanes {
            lane.recent.fill(0.0);
            lane.changes.fill(0.0);
            lane.dry.reset();
        }
        self.keys.iter_mut().for_each(|key| key.fill(0.0));
        (self.slot, self.held, self.filled, self.sounding) = (0, 0, 0, 0);
    }

    /// Changes `block` in place by the gains that `spectral` gives. Without a key the key is the block itself.
    pub fn process(&mut self, block: &mut Block, key: Option<&BlockRef>, spectral: &mut impl Spectral) {
        let (frames, hop) = (block.frames(), self.shape.hop());
        let mut start = 0;
        while start < frames {
            let count = (frames - start).min(hop - self.filled);
            self.take(&mut block.range_mut(start, count), key.map(|key| key.range(start, count)));
            self.filled += count;
            start += count;
            if self.filled == hop {
                self.filled = 0;
                self.hop(spectral, key.is_some());
            }
        }
    }

    /// Takes samples in and gives the delayed and changed ones out.
    fn take(&mut self, block: &mut Block, key: Option<BlockRef>) {
        let (count, hop) = (block.frames(), self.shape.hop());
        let at = self.shape.size - hop + self.filled;
        if let Some(key) = key {
            for (recent, samples) in self.keys.iter_mut().zip(key.iter()) {
                recent[at..at + count].copy_from_slice(samples);
            }
        }
        for (lane, samples) in self.lanes.iter_mut().zip(block.iter_mut()) {
            lane.recent[at..at + count].copy_from_slice(samples);
            lane.dry.pass(samples);
            if self.sounding > 0 {
                let changes = &lane.changes[self.filled..self.filled + count];
                samples.iter_mut().zip(changes).for_each(|(sample, change)| *sample += change);
            }
        }
    }

    /// A frame is complete: looks at it and works out the changes of the next hop.
    fn hop(&mut self, spectral: &mut impl Spectral, keyed: bool) {
        let hop = self.shape.hop();
        if self.sounding > 0 {
            self.sounding -= 1;
            for lane in &mut self.lanes {
                lane.changes.copy_within(hop.., 0);
                lane.changes[self.shape.size - hop..].fill(0.0);
            }
        }
        if spectral.idle() {
            self.held = 0;
        } else {
            if self.held == 0 {
                spectral.wake();
            }
            self.analyse();
            if keyed {
                self.analyse_key();
            }
            let key_power = keyed.then_some(&self.key_power[..]);
            let whole = self.lanes.iter().all(|lane| is_whole(&lane.recent));
            let acts = spectral.hear(&Frame { power: &self.power, key_power, whole }, &mut self.gains);
            if acts && self.held > self.shape.ahead {
                self.lay_over();
                self.sounding = OVERLAP;
            }
        }
        for recent in self.lanes.iter_mut().map(|lane| &mut lane.recent).chain(&mut self.keys) {
            recent.copy_within(hop.., 0);
        }
    }

    /// Spectra of the newest frame.
    fn analyse(&mut self) {
        self.slot = (self.slot + 1) % (self.shape.ahead + 1);
        self.held = (self.held + 1).min(self.shape.ahead + 1);
        self.power.fill(0.0);
        let share = 1.0 / self.lanes.len() as f64;
        for lane in &mut self.lanes {
            let spectrum = &mut lane.spectra[self.slot];
            weigh(&lane.recent, &self.window, &mut self.samples);
            transform(&self.forward, &mut self.samples, spectrum, &mut self.scratch);
            add_power(spectrum, share, &mut self.power);
        }
    }

    /// Power of the key's newest frame.
    fn analyse_key(&mut self) {
        self.key_power.fill(0.0);
        let share = 1.0 / self.keys.len().max(1) as f64;
        for key in &self.keys {
            weigh(key, &self.window, &mut self.samples);
            transform(&self.forward, &mut self.samples, &mut self.spectrum, &mut self.scratch);
            add_power(&self.spectrum, share, &mut self.key_power);
        }
    }

    /// Adds what the gains change in the frame `ahead` hops ago.
    fn lay_over(&mut self) {
        let size = self.shape.size as f64;
        // The transform back multiplies by the size; the squared weights of the overlapping frames sum to
        // half the overlap.
        let scale = 1.0 / size / (0.5 * OVERLAP as f64);
        let slot = (self.slot + 1) % (self.shape.ahead + 1);
        for lane in &mut self.lanes {
            let spectrum = &lane.spectra[slot];
            for ((change, x), gain) in self.spectrum.iter_mut().zip(spectrum).zip(&self.gains) {
                *change = *x * ((*gain - 1.0) * scale);
            }
            let samples = &mut self.samples;
            if self.inverse.process_with_scratch(&mut self.spectrum, samples, &mut self.scratch).is_ok() {
                for ((change, sample), weight) in lane.changes.iter_mut().zip(samples).zip(&self.window) {
                    *change += *sample * weight;
                }
            }
        }
    }
}

/// The root of the periodic Hann window: half a sine.
pub fn root_hann(size: Frames) -> Vec<f64> {
    (0..size).map(|n| (PI * n as f64 / size as f64).sin()).collect()
}

/// True unless a sixteenth of the samples in a row are zero, which no noise does.
fn is_whole(samples: &[f64]) -> bool {
    let longest = samples.len() / 16;
    let mut zeros = 0;
    for sample in samples {
        zeros = if *sample == 0.0 { zeros + 1 } else { 0 };
        if zeros > longest {
            return false;
        }
    }
    true
}

fn weigh(recent: &[f64], window: &[f64], out: &mut [f64]) {
    for ((out, sample), weight) in out.iter_mut().zip(recent).zip(window) {
        *out = sample * weight;
    }
}

/// Transforms `samples`, which are lost; silence is told apart, as it costs nothing.
fn transform(
    forward: &Arc<dyn RealToComplex<f64>>,
    samples: &mut [f64],
    spectrum: &mut [Complex64],
    scratch: &mut [Complex64],
) {
    let silent = samples.iter().all(|sample| *sample == 0.0);
    if silent || forward.process_with_scratch(samples, spectrum, scratch).is_err() {
        spectrum.fill(ZERO);
    }
}

fn add_power(spectrum: &[Complex64], share: f64, power: &mut [f64]) {
    for (power, x) in power.iter_mut().zip(spectrum) {
        *power += share * x.norm_sqr();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use proptest::prelude::*;

    /// A gain per bin that never moves.
    struct Fixed(Vec<f64>);

    impl Spectral for Fixed {
        fn idle(&self) -> bool {
            false
        }
        fn wake(&mut self) {}
        fn hear(&mut self, _: &Frame<'_>, gains: &mut [f64]) -> bool {
            gains.copy_from_slice(&self.0);
            true
        }
    }

    /// The power it heard, frame by frame.
    #[derive(Default)]
    struct Listener(Vec<Vec<f64>>);

    impl Spectral for Listener {
        fn idle(&self) -> bool {
            false
        }
        fn wake(&mut self) {}
        fn hear(&mut self, frame: &Frame<'_>, _: &mut [f64]) -> bool {
            self.0.push(frame.power.to_vec());
            false
        }
    }

    fn noise(frames: usize, seed: u64) -> Vec<f64> {
        let mut state = seed * 2 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        };
        (0..frames).map(|_| next()).collect()
    }

    proptest! {
        // The same gain in every bin is a gain: proves weights, scale and the place of every frame at once.
        // 1e-14: two transforms in double precision.
        #[test]
        fn a_gain_is_a_gain_for_any_cut(
            gain in 0.0f64..3.0, ahead in 0usize..4, cuts in prop::collection::vec(0usize..90, 1..40),
        ) {
            let shape = Shape { size: 64, ahead };
            let mut stft = Stft::new(shape, 2, false);
            let mut spectral = Fixed(vec![gain; shape.bins()]);
            let total: usize = cuts.iter().sum();
            let input = Buffer::from_channels(&[noise(total, 1), noise(total, 2)]);
            let mut audio = input.clone();
            let mut start = 0;
            for cut in cuts {
                stft.process(&mut audio.range_mut(start, cut), None, &mut spectral);
                start += cut;
            }
            for c in 0..2 {
                for n in 0..total {
                    let expected = if n < shape.latency() {
                        0.0
                    } else {
                        gain * input.channel(c)[n - shape.latency()]
                    };
                    // The first hops lack the frames from before the start: silence, so nothing is missing.
                    prop_assert!((audio.channel(c)[n] - expected).abs() < 1e-14, "{} {}", n, expected);
                }
            }
        }
    }

    #[test]
    fn no_action_changes_no_bit() {
        let shape = Shape { size: 64, ahead: 2 };
        let mut input = noise(2_000, 3);
        input[700] = -0.0;
        input[701] = 1e-310;
        let mut audio = Buffer::from_channels(&[input.clone()]);
        Stft::new(shape, 1, false).process(&mut audio.as_block_mut(), None, &mut Listener::default());
        for n in shape.latency()..2_000 {
            assert_eq!(audio.channel(0)[n].to_bits(), input[n - shape.latency()].to_bits(), "{n}");
        }
    }

    /// Linear in the signal, so that a filter's response is what its gains say where they are smooth.
    #[test]
    fn smooth_gains_are_a_zero_phase_filter() {
        let shape = Shape { size: 1_024, ahead: 0 };
        let gains: Vec<f64> =
            (0..shape.bins()).map(|k| 1.0 - 0.5 * (-((k as f64 - 100.0) / 20.0).powi(2)).exp()).collect();
        for bin in [40.0, 90.0, 100.0, 120.5, 300.0] {
            let omega = 2.0 * PI * bin / 1_024.0;
            let sine: Vec<f64> = (0..8_192).map(|n| (omega * n as f64).sin()).collect();
            let mut audio = Buffer::from_channels(&[sine]);
            Stft::new(shape, 1, false).process(&mut audio.as_block_mut(), None, &mut Fixed(gains.clone()));
            let expected: f64 = 1.0 - 0.5 * (-((bin - 100.0) / 20.0).powi(2)).exp();
            for n in 4_000..5_000 {
                let there = expected * (omega * (n as f64 - 1_024.0)).sin();
                // The window's main lobe (2 bins wide) averages the gain over its curve.
                assert!((audio.channel(0)[n] - there).abs() < 2e-3, "bin {bin}, {n}");
            }
        }
    }

    /// The expected power of noise per hertz, against noise of known power: 2000 frames' mean is within 3 %.
    #[test]
    fn a_bin_holds_the_stated_power() {
        let shape = Shape { size: 256, ahead: 0 };
        let mut listener = Listener::default();
        let samples = noise(128_000, 5);
        let mean_square = samples.iter().map(|x| x * x).sum::<f64>() / 128_000.0;
        let mut audio = Buffer::from_channels(&[samples.clone(), samples]);
        Stft::new(shape, 2, false).process(&mut audio.as_block_mut(), None, &mut listener);
        let count = (listener.0.len() * 100) as f64;
        let mean = listener.0.iter().map(|p| p[10..110].iter().sum::<f64>()).sum::<f64>() / count;
        let expected = shape.bin_power_per_density(48_000.0) * mean_square / 24_000.0;
        assert!((mean / expected - 1.0).abs() < 0.03, "{mean} {expected}");
    }
}
