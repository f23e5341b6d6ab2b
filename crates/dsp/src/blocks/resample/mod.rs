//! Conversion from one sample rate to another, at the quality of mastering.
//!
//! A sampled signal is turned into another rate by a linear-phase low-pass kernel that is read off at the new
//! instants (Smith & Gossett, *A flexible sampling-rate conversion method*, ICASSP 1984). The kernel is a sinc
//! under a Kaiser window (Kaiser & Schafer, *On the use of the I0-sinh window for spectrum analysis*, IEEE Trans.
//! ASSP 28, 1980), flat to 0.907 of the lower Nyquist frequency (20 kHz at 44.1 kHz) and 160 dB down from that
//! Nyquist frequency on, so that nothing is mirrored back, not even from the last hertz.
//!
//! It is applied by fast convolution (overlap-add: Oppenheim & Schafer, *Discrete-time signal processing*, 8.7.3):
//! blocks are transformed, weighted, cut or extended to the other rate's length and
//! transformed back. With `in / out = M / L` in lowest terms, blocks of `k M` frames become `k L` frames
//! exactly, hence no position is ever rounded. The kernel is centred, hence there is no delay.
//!
//! With [`Phase::Minimum`] nothing rings before a hit: the kernel keeps its magnitude and takes the least phase
//! that goes with it, found from the cepstrum (Oppenheim & Schafer, 13.5). Low tones stay where they were; the
//! highest ones come later by up to a few milliseconds.
//!
//! The same input gives the same bits however it is cut. The transforms use the widest instructions of the
//! machine: machines of different kinds agree to about -290 dB, not to the last bit.

use super::kaiser;
use audio::{BlockRef, Buffer, Frames};
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// End of the pass band as a part of the lower Nyquist frequency: 20 kHz at 44.1 kHz.
const PASS: f64 = 20_000.0 / 22_050.0;

/// Attenuation from the lower Nyquist frequency on, in decibels.
const STOP_DB: f64 = 160.0;

/// Wished length of the transforms in frames of the lower rate: longer ones leave the processor's cache.
const TRANSFORM_FRAMES: usize = 4096;

/// Frames that `frames` at `from_hz` become at `to_hz`: `frames * to / from`, rounded.
pub fn resampled_frames(frames: Frames, from_hz: u32, to_hz: u32) -> Frames {
    let (from, to) = (u128::from(from_hz), u128::from(to_hz));
    ((frames as u128 * to + from / 2) / from) as Frames
}

/// How the kernel treats time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// All frequencies stay where they were; the kernel rings as much before a hit as after it.
    #[default]
    Linear,
    /// Nothing rings before a hit.
    Minimum,
}

/// Converts a whole signal.
///
/// A frame `n` of the input stands at `n * to_hz / from_hz` in the output, whose length is
/// [`resampled_frames`]. Equal rates give the input bit for bit.
///
/// # Panics
/// When a rate is zero.
pub fn resample(input: &Buffer, from_hz: u32, to_hz: u32) -> Buffer {
    resample_with(input, from_hz, to_hz, Phase::Linear)
}

/// As [`resample`], with a choice of the phase.
///
/// # Panics
/// When a rate is zero.
pub fn resample_with(input: &Buffer, from_hz: u32, to_hz: u32, phase: Phase) -> Buffer {
    let mut resampler = Resampler::with_phase(from_hz, to_hz, input.channels(), phase);
    let frames = resampled_frames(input.frames(), from_hz, to_hz);
    let mut output = vec![Vec::with_capacity(frames); input.channels()];
    resampler.push(&input.as_block(), &mut output);
    resampler.finish(&mut output);
    Buffer::from_channels(&output)
}

/// Converts a signal that arrives piece by piece; the result does not depend on how it was cut.
///
/// Memory does not grow with the length of the signal. A sample that is not a number spoils a few thousand
/// frames around it: readers of files replace such samples first.
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` for equal rates.
    converter: Option<Converter>,
    channels: Vec<Channel>,
    received: Frames,
    sent: Frames,
}

/// What the past left behind in one channel.
#[derive(Clone, Default)]
struct Channel {
    /// Input that does not fill a block yet.
    waiting: Vec<f64>,
    /// Output to which later blocks still add; begins `Converter::before` frames before the block in work.
    sum: Vec<f64>,
}

impl Resampler {
    /// For `channels` channels from `from_hz` to `to_hz`.
    ///
    /// # Panics
    /// When a rate is zero.
    pub fn new(from_hz: u32, to_hz: u32, channels: usize) -> Resampler {
        Resampler::with_phase(from_hz, to_hz, channels, Phase::Linear)
    }

    /// As [`Resampler::new`], with a choice of the phase.
    ///
    /// # Panics
    /// When a rate is zero.
    pub fn with_phase(from_hz: u32, to_hz: u32, channels: usize, phase: Phase) -> Resampler {
        assert!(from_hz > 0 && to_hz > 0, "sample rates above zero");
        let converter = (from_hz != to_hz).then(|| Converter::new(from_hz, to_hz, phase));
        let channels = vec![Channel::default(); channels];
        let mut resampler = Resampler { from_hz, to_hz, converter, channels, received: 0, sent: 0 };
        resampler.reset();
        resampler
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.received = 0;
        self.sent = 0;
        let length = self.converter.as_ref().map_or(0, Converter::sum_frames);
        for channel in &mut self.channels {
            channel.waiting.clear();
            channel.sum.clear();
            channel.sum.resize(length, 0.0);
        }
    }

    /// Takes `input` (channels x any number of frames) and appends what is ready to `output`, one vector per
    /// channel.
    ///
    /// # Panics
    /// When `input` or `output` have another number of channels than this converter.
    pub fn push(&mut self, input: &BlockRef, output: &mut [Vec<f64>]) {
        assert_eq!(input.channels(), self.channels.len(), "as many channels as the converter has");
        assert_eq!(output.len(), self.channels.len(), "one vector per channel");
        self.received += input.frames();
        let Some(converter) = &mut self.converter else {
            output.iter_mut().zip(input.iter()).for_each(|(to, from)| to.extend_from_slice(from));
            return;
        };
        let mut sent = self.sent;
        for ((channel, samples), out) in self.channels.iter_mut().zip(input.iter()).zip(output) {
            sent = self.sent;
            let mut samples = samples;
            while !samples.is_empty() {
                let taken = samples.len().min(converter.block_in - channel.waiting.len());
                channel.waiting.extend_from_slice(&samples[..taken]);
                samples = &samples[taken..];
                if channel.waiting.len() == converter.block_in {
                    converter.run(channel, &mut sent, out);
                }
            }
        }
        self.sent = sent;
    }

    /// Appends the rest, so that [`resampled_frames`] have come out in all, and is ready for another signal.
    ///
    /// # Panics
    /// When `output` has another number of channels than this converter.
    pub fn finish(&mut self, output: &mut [Vec<f64>]) {
        assert_eq!(output.len(), self.channels.len(), "one vector per channel");
        if let Some(converter) = &mut self.converter {
            let frames = resampled_frames(self.received, self.from_hz, self.to_hz);
            for (channel, out) in self.channels.iter_mut().zip(output) {
                let mut sent = self.sent;
                // Counted in output frames, of which `before` come before the first one that is kept.
                let wanted = frames + converter.before;
                while sent < wanted {
                    channel.waiting.resize(converter.block_in, 0.0);
                    converter.run(channel, &mut sent, out);
                }
                out.truncate(out.len() - (sent - wanted));
            }
        }
        self.reset();
    }
}

/// The transforms and the kernel for one pair of rates.
struct Converter {
    /// Frames that go into one block, and that come out of it.
    block_in: usize,
    block_out: usize,
    /// Output frames by which the kernel reaches beyond the beginning and the end of a block.
    before: usize,
    after: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// The kernel's spectrum for the bins that both rates have.
    kernel: Kernel,
    time_in: Vec<f64>,
    time_out: Vec<f64>,
    spectrum_in: Vec<Complex64>,
    spectrum_out: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

/// A kernel's spectrum.
enum Kernel {
    /// Of a symmetrical kernel.
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

impl Converter {
    fn new(from_hz: u32, to_hz: u32, phase: Phase) -> Converter {
        let divisor = greatest_common_divisor(from_hz, to_hz);
        let (m, l) = ((from_hz / divisor) as usize, (to_hz / divisor) as usize);
        let low = m.min(l);
        let half = kernel_half_frames();

        // Periods per transform, and how many of them the kernel's ends need to themselves.
        let margin = if phase == Phase::Minimum { MARGIN_FRAMES } else { 0.0 };
        let ends = (2.0 * (half + margin) / low as f64).ceil() as usize + 1;
        let periods = TRANSFORM_FRAMES.div_ceil(low).max(2 * ends).next_power_of_two();
        let (size_in, size_out) = (periods * m, periods * l);
        let (block_in, block_out) = ((periods - ends) * m, (periods - ends) * l);

        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size_in), planner.plan_fft_inverse(size_out));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let (size_high, size_low) = (size_in.max(size_out), size_in.min(size_out));
        let out_frames = |low_frames: f64| (low_frames * l as f64 / low as f64).ceil() as usize;
        let (kernel, early) = match phase {
            Phase::Linear => {
                let kernel = kernel_spectrum(&mut planner, size_high, size_low, size_in);
                (Kernel::Real(kernel), half)
            }
            Phase::Minimum => {
                let (kernel, early) = minimum_phase(&mut planner, size_high, size_low, size_in);
                (Kernel::Complex(kernel), early)
            }
        };
        Converter {
            block_in,
            block_out,
            before: out_frames(early + margin),
            after: out_frames(2.0 * half - early + margin),
            kernel,
            time_in: forward.make_input_vec(),
            time_out: inverse.make_output_vec(),
            spectrum_in: forward.make_output_vec(),
            spectrum_out: inverse.make_input_vec(),
            scratch: vec![Complex64::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Output frames of one block with both ends.
    fn sum_frames(&self) -> usize {
        self.block_out + self.before + self.after
    }

    /// Converts the block that waits, appends the frames that are ready and counts them in `sent`; the first
    /// `before` frames of all lie before the signal and are counted only.
    fn run(&mut self, channel: &mut Channel, sent: &mut Frames, out: &mut Vec<f64>) {
        self.time_in[..self.block_in].copy_from_slice(&channel.waiting);
        self.time_in[self.block_in..].fill(0.0);
        channel.waiting.clear();

        const LENGTHS: &str = "buffers come from the plan itself";
        self.forward
            .process_with_scratch(&mut self.time_in, &mut self.spectrum_in, &mut self.scratch)
            .expect(LENGTHS);
        self.spectrum_out.fill(Complex64::default());
        let bins = self.spectrum_out.iter_mut().zip(&self.spectrum_in);
        match &self.kernel {
            Kernel::Real(kernel) => bins.zip(kernel).for_each(|((to, from), weight)| *to = from * weight),
            Kernel::Complex(kernel) => bins.zip(kernel).for_each(|((to, from), weight)| *to = from * weight),
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum_out, &mut self.time_out, &mut self.scratch)
            .expect(LENGTHS);

        // What the centred kernel puts before the block stands at the end of the circle.
        let end = self.time_out.len() - self.before;
        let (head, rest) = channel.sum.split_at_mut(self.before);
        head.iter_mut().zip(&self.time_out[end..]).for_each(|(sum, new)| *sum += new);
        rest.iter_mut().zip(&self.time_out[..end]).for_each(|(sum, new)| *sum += new);

        let unwanted = self.before.saturating_sub(*sent).min(self.block_out);
        out.extend_from_slice(&channel.sum[unwanted..self.block_out]);
        *sent += self.block_out;
        channel.sum.copy_within(self.block_out.., 0);
        let kept = channel.sum.len() - self.block_out;
        channel.sum[kept..].fill(0.0);
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Half the kernel's length in frames of the lower rate: Kaiser's estimate for the width of the transition.
fn kernel_half_frames() -> f64 {
    (STOP_DB - 7.95) / (2.285 * PI * (1.0 - PASS)) / 2.0
}

/// The centred kernel in a circle of `length` values of the higher rate, which is the lower one over `ratio`.
fn centred_kernel(length: usize, ratio: f64) -> Vec<f64> {
    // Sampled at the higher rate, where what lies above its Nyquist frequency is more than 160 dB down.
    let cutoff = ratio * (1.0 + PASS) / 2.0;
    let half = kernel_half_frames() / ratio;
    let beta = kaiser::beta(STOP_DB);
    let mut kernel = vec![0.0; length];
    kernel[0] = 1.0;
    for n in 1..=half as usize {
        let x = n as f64;
        let sinc = (PI * cutoff * x).sin() / (PI * cutoff * x);
        let value = sinc * kaiser::window(x / half, beta);
        kernel[n] = value;
        kernel[length - n] = value;
    }
    kernel
}

/// The spectrum of the centred kernel at the bins below the lower Nyquist frequency, for transforms of
/// `size_high` and `size_low` frames; it also takes back the gain of the pair of transforms.
fn kernel_spectrum(
    planner: &mut RealFftPlanner<f64>,
    size_high: usize,
    size_low: usize,
    size_in: usize,
) -> Vec<f64> {
    let mut kernel = centred_kernel(size_high, size_low as f64 / size_high as f64);
    let forward = planner.plan_fft_forward(size_high);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut kernel, &mut spectrum).expect("buffers come from the plan itself");
    // One at zero frequency, and nothing at the lower Nyquist frequency, whose bin the two rates do not share.
    let unit = 1.0 / (spectrum[0].re * size_in as f64);
    spectrum[..size_low.div_ceil(2)].iter().map(|bin| bin.re * unit).collect()
}

/// A kernel that begins at once does so on the grid of one rate only; on the other's it needs room around it, in
/// frames of the lower rate.
const MARGIN_FRAMES: f64 = 64.0;
/// The least that a magnitude counts for in the cepstrum, against the greatest: between the lobes of the stop band it
/// is zero, whose logarithm is none.
const CEPSTRUM_FLOOR: f64 = 1e-10;
/// The cepstrum's circle is so much longer than the transform's that what wraps around in it is nothing.
const CEPSTRUM_TIMES: usize = 16;

/// As [`kernel_spectrum`], for the kernel of least phase, early by so many frames of the lower rate that low tones
/// stay where they were; these frames are the second result.
fn minimum_phase(
    planner: &mut RealFftPlanner<f64>,
    size_high: usize,
    size_low: usize,
    size_in: usize,
) -> (Vec<Complex64>, f64) {
    const LENGTHS: &str = "buffers come from the plan itself";
    let ratio = size_low as f64 / size_high as f64;
    let length = CEPSTRUM_TIMES * size_high;
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let mut time = centred_kernel(length, ratio);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut time, &mut spectrum).expect(LENGTHS);
    let greatest = spectrum[0].norm();
    for bin in &mut spectrum {
        *bin = Complex64::from((bin.norm() / greatest).max(CEPSTRUM_FLOOR).ln() / length as f64);
    }
    inverse.process(&mut spectrum, &mut time).expect(LENGTHS);
    // What the cepstrum has before zero is folded to after it: the logarithm of a causal kernel.
    time[1..length.div_ceil(2)].iter_mut().for_each(|value| *value *= 2.0);
    time[length / 2 + 1..].fill(0.0);
    // The slope of the phase at zero frequency: the sum of n times the cepstrum, here in frames of the higher rate.
    let delay: f64 = time[..=length / 2].iter().enumerate().map(|(n, value)| n as f64 * value).sum();
    let early = delay.round() as usize;
    forward.process(&mut time, &mut spectrum).expect(LENGTHS);
    for bin in &mut spectrum {
        *bin = Complex64::from_polar(bin.re.exp() / length as f64, bin.im);
    }
    // Where the spectrum of a real signal has no phase.
    spectrum[0].im = 0.0;
    spectrum[length / 2].im = 0.0;
    inverse.process(&mut spectrum, &mut time).expect(LENGTHS);

    // As long as the kernel was, and early.
    let whole = (2.0 * kernel_half_frames() / ratio) as usize;
    let mut kernel = vec![0.0; size_high];
    for (n, value) in time[..whole].iter().enumerate() {
        kernel[(n + size_high - early) % size_high] = *value;
    }
    let forward = planner.plan_fft_forward(size_high);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut kernel, &mut spectrum).expect(LENGTHS);
    let unit = 1.0 / (spectrum[0].re * size_in as f64);
    (spectrum[..size_low.div_ceil(2)].iter().map(|bin| bin * unit).collect(), early as f64 * ratio)
}

#[cfg(test)]
mod tests;
