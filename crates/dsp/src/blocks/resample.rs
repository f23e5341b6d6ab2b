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

/// Converts a whole signal.
///
/// A frame `n` of the input stands at `n * to_hz / from_hz` in the output, whose length is
/// [`resampled_frames`]. Equal rates give the input bit for bit.
///
/// # Panics
/// When a rate is zero.
pub fn resample(input: &Buffer, from_hz: u32, to_hz: u32) -> Buffer {
    let mut resampler = Resampler::new(from_hz, to_hz, input.channels());
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
    /// Output to which later blocks still add; begins `Converter::reach_out` frames before the block in work.
    sum: Vec<f64>,
}

impl Resampler {
    /// For `channels` channels from `from_hz` to `to_hz`.
    ///
    /// # Panics
    /// When a rate is zero.
    pub fn new(from_hz: u32, to_hz: u32, channels: usize) -> Resampler {
        assert!(from_hz > 0 && to_hz > 0, "sample rates above zero");
        let converter = (from_hz != to_hz).then(|| Converter::new(from_hz, to_hz));
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
                // Counted in output frames, of which `reach_out` come before the first one that is kept.
                let wanted = frames + converter.reach_out;
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
    /// Output frames by which the kernel reaches beyond either end of a block.
    reach_out: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// The kernel's spectrum, which is real, for the bins that both rates have.
    kernel: Vec<f64>,
    time_in: Vec<f64>,
    time_out: Vec<f64>,
    spectrum_in: Vec<Complex64>,
    spectrum_out: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Converter {
    fn new(from_hz: u32, to_hz: u32) -> Converter {
        let divisor = greatest_common_divisor(from_hz, to_hz);
        let (m, l) = ((from_hz / divisor) as usize, (to_hz / divisor) as usize);
        let low = m.min(l);
        let half = kernel_half_frames();

        // Periods per transform, and how many of them the kernel's ends need to themselves.
        let ends = (2.0 * half / low as f64).ceil() as usize + 1;
        let periods = TRANSFORM_FRAMES.div_ceil(low).max(2 * ends).next_power_of_two();
        let (size_in, size_out) = (periods * m, periods * l);
        let (block_in, block_out) = ((periods - ends) * m, (periods - ends) * l);

        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size_in), planner.plan_fft_inverse(size_out));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Converter {
            block_in,
            block_out,
            reach_out: (half * l as f64 / low as f64).ceil() as usize,
            kernel: kernel_spectrum(&mut planner, size_in.max(size_out), size_in.min(size_out), size_in),
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
        self.block_out + 2 * self.reach_out
    }

    /// Converts the block that waits, appends the frames that are ready and counts them in `sent`; the first
    /// `reach_out` frames of all lie before the signal and are counted only.
    fn run(&mut self, channel: &mut Channel, sent: &mut Frames, out: &mut Vec<f64>) {
        self.time_in[..self.block_in].copy_from_slice(&channel.waiting);
        self.time_in[self.block_in..].fill(0.0);
        channel.waiting.clear();

        const LENGTHS: &str = "buffers come from the plan itself";
        self.forward
            .process_with_scratch(&mut self.time_in, &mut self.spectrum_in, &mut self.scratch)
            .expect(LENGTHS);
        self.spectrum_out.fill(Complex64::default());
        for ((to, from), weight) in self.spectrum_out.iter_mut().zip(&self.spectrum_in).zip(&self.kernel) {
            *to = from * weight;
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum_out, &mut self.time_out, &mut self.scratch)
            .expect(LENGTHS);

        // What the centred kernel puts before the block stands at the end of the circle.
        let before = self.time_out.len() - self.reach_out;
        let (head, rest) = channel.sum.split_at_mut(self.reach_out);
        head.iter_mut().zip(&self.time_out[before..]).for_each(|(sum, new)| *sum += new);
        rest.iter_mut().zip(&self.time_out[..before]).for_each(|(sum, new)| *sum += new);

        let unwanted = self.reach_out.saturating_sub(*sent).min(self.block_out);
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

/// The spectrum of the centred kernel at the bins below the lower Nyquist frequency, for transforms of
/// `size_high` and `size_low` frames; it also takes back the gain of the pair of transforms.
fn kernel_spectrum(
    planner: &mut RealFftPlanner<f64>,
    size_high: usize,
    size_low: usize,
    size_in: usize,
) -> Vec<f64> {
    // Sampled at the higher rate, where what lies above its Nyquist frequency is more than 160 dB down.
    let ratio = size_low as f64 / size_high as f64;
    let cutoff = ratio * (1.0 + PASS) / 2.0;
    let half = kernel_half_frames() / ratio;
    let beta = kaiser::beta(STOP_DB);
    let mut kernel = vec![0.0; size_high];
    kernel[0] = 1.0;
    for n in 1..=half as usize {
        let x = n as f64;
        let sinc = (PI * cutoff * x).sin() / (PI * cutoff * x);
        let value = sinc * kaiser::window(x / half, beta);
        kernel[n] = value;
        kernel[size_high - n] = value;
    }
    let forward = planner.plan_fft_forward(size_high);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut kernel, &mut spectrum).expect("buffers come from the plan itself");
    // One at zero frequency, and nothing at the lower Nyquist frequency, whose bin the two rates do not share.
    let unit = 1.0 / (spectrum[0].re * size_in as f64);
    spectrum[..size_low.div_ceil(2)].iter().map(|bin| bin.re * unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::gain_to_db;
    use proptest::prelude::*;

    const RATES_HZ: [u32; 9] = [8_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

    fn sine(hz: f64, rate_hz: u32, frames: usize) -> Vec<f64> {
        (0..frames).map(|n| (2.0 * PI * (hz * n as f64 / f64::from(rate_hz)).fract()).sin()).collect()
    }

    fn convert(samples: &[f64], from_hz: u32, to_hz: u32) -> Vec<f64> {
        resample(&Buffer::from_channels(&[samples.to_vec()]), from_hz, to_hz).channel(0).to_vec()
    }

    /// Largest sample of the part that the kernel's ends do not touch, in decibels.
    fn inner_peak_db(samples: &[f64], rate_hz: u32, low_hz: u32) -> f64 {
        let edge = (2.0 * kernel_half_frames() * f64::from(rate_hz) / f64::from(low_hz)) as usize;
        gain_to_db(samples[edge..samples.len() - edge].iter().fold(0.0, |peak: f64, s| peak.max(s.abs())))
    }

    #[test]
    fn a_tone_in_the_pass_band_is_the_same_tone_at_every_rate() {
        // The difference to the tone computed at the new rate holds every fault at once: gain, phase, delay,
        // images and noise. -140 dB is a ten-thousandth of the 0.01 dB that is promised for gain.
        for from_hz in RATES_HZ {
            for to_hz in RATES_HZ {
                let nyquist_hz = f64::from(from_hz.min(to_hz)) / 2.0;
                for part in [0.001, 0.37, 0.8, 0.9, PASS] {
                    let frames = (from_hz as usize / 10).max(from_hz as usize * 500 / to_hz as usize);
                    let output = convert(&sine(part * nyquist_hz, from_hz, frames), from_hz, to_hz);
                    let wished = sine(part * nyquist_hz, to_hz, output.len());
                    let error: Vec<f64> = output.iter().zip(&wished).map(|(a, b)| a - b).collect();
                    let db = inner_peak_db(&error, to_hz, from_hz.min(to_hz));
                    assert!(db < -140.0, "{from_hz} to {to_hz} Hz, {part} of Nyquist: error {db:.1} dB");
                }
            }
        }
    }

    #[test]
    fn tones_between_the_two_nyquist_frequencies_vanish() {
        // The hardest place: a tone just above the new Nyquist frequency comes back just below it.
        for (from_hz, to_hz) in [(48_000, 44_100), (96_000, 44_100), (96_000, 48_000), (192_000, 44_100)] {
            let (low_hz, high_hz) = (f64::from(to_hz) / 2.0, f64::from(from_hz) / 2.0);
            for step in 0..=60 {
                // Dense near the edge: the fourth power.
                let hz = low_hz + 0.5 + (high_hz - low_hz - 1.0) * (f64::from(step) / 60.0).powi(4);
                let output = convert(&sine(hz, from_hz, from_hz as usize / 8), from_hz, to_hz);
                let db = inner_peak_db(&output, to_hz, to_hz);
                assert!(db < -140.0, "{hz:.1} Hz from {from_hz} to {to_hz} Hz left {db:.1} dB");
            }
        }
    }

    /// The loudest part of the spectrum above `hz`, through a window of 8192 frames, in decibels.
    fn loudest_above_db(samples: &[f64], hz: f64, rate_hz: f64) -> f64 {
        let window = 8192;
        let forward = RealFftPlanner::new().plan_fft_forward(window);
        let mut spectrum = forward.make_output_vec();
        let beta = 20.0;
        let kaiser: Vec<f64> = (0..window)
            .map(|n| {
                let x = (2 * n) as f64 / (window - 1) as f64 - 1.0;
                kaiser::window(x, beta)
            })
            .collect();
        let sum: f64 = kaiser.iter().sum();
        // 12 bins are the width of the window's main lobe.
        let first = (hz / rate_hz * window as f64) as usize + 12;
        let mut loudest = 0.0f64;
        for start in (0..samples.len() - window).step_by(1024) {
            let mut piece: Vec<f64> =
                samples[start..start + window].iter().zip(&kaiser).map(|(s, w)| s * w).collect();
            forward.process(&mut piece, &mut spectrum).unwrap();
            loudest = spectrum[first..].iter().fold(loudest, |peak, bin| peak.max(bin.norm() * 2.0 / sum));
        }
        gain_to_db(loudest)
    }

    #[test]
    fn a_sweep_over_the_whole_band_leaves_no_image() {
        // 44.1 to 48 kHz: whatever stands above 22.05 kHz in the result is an image.
        let frames = 1 << 16;
        let sweep: Vec<f64> = (0..frames)
            .map(|n| {
                let part = n as f64 / frames as f64;
                // Faded at both ends: a sweep that begins or ends at once has energy everywhere.
                let fade = (part.min(1.0 - part) / 0.1).min(1.0);
                let phase = PI * 0.5 * (n as f64) * part;
                (phase + 0.25 * PI * n as f64).sin() * (0.5 - 0.5 * (PI * fade).cos()).powi(4)
            })
            .collect();
        // Frequency runs from 0.125 to 0.125 + 0.5 of the rate: past the Nyquist frequency, where it folds.
        let output = convert(&sweep, 44_100, 48_000);
        let db = loudest_above_db(&output, 22_050.0, 48_000.0);
        assert!(db < -140.0, "image at {db:.1} dB");
    }

    #[test]
    fn an_impulse_stays_where_it_was() {
        // Frames that fall on a frame of the other rate: there the result is symmetric and highest.
        for (from_hz, to_hz, frame) in [
            (44_100, 48_000, 147 * 40),
            (48_000, 44_100, 160 * 40),
            (96_000, 48_000, 5000),
            (22_050, 96_000, 2940),
        ] {
            let mut samples = vec![0.0; 2 * frame];
            samples[frame] = 1.0;
            let output = convert(&samples, from_hz, to_hz);
            let place = frame * to_hz as usize / from_hz as usize;
            let peak =
                (0..output.len()).max_by(|a, b| output[*a].abs().total_cmp(&output[*b].abs())).unwrap();
            assert_eq!(peak, place, "{from_hz} to {to_hz} Hz");
            for distance in 1..500 {
                // Rounding of the transforms only.
                assert!((output[place - distance] - output[place + distance]).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn there_and_back_is_what_it_was() {
        // Noise within the pass band: made at 40 kHz, hence with nothing above 20 kHz.
        let noise: Vec<f64> = {
            let mut state = 1u64;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            };
            let slow: Vec<f64> = (0..8_000).map(|_| next()).collect();
            convert(&slow, 40_000, 44_100)
        };
        for rate_hz in [48_000, 88_200, 96_000, 192_000, 48_001] {
            let back = convert(&convert(&noise, 44_100, rate_hz), rate_hz, 44_100);
            assert_eq!(back.len(), noise.len());
            let error: Vec<f64> = back.iter().zip(&noise).map(|(a, b)| a - b).collect();
            let db = inner_peak_db(&error, 44_100, 44_100);
            assert!(db < -120.0, "over {rate_hz} Hz: {db:.1} dB");
        }
    }

    #[test]
    fn equal_rates_change_no_bit() {
        let samples = vec![0.1, -1e-300, 1.0, f64::MIN_POSITIVE];
        assert_eq!(convert(&samples, 44_100, 44_100), samples);
    }

    #[test]
    fn silence_and_nothing() {
        assert_eq!(convert(&[], 44_100, 48_000), Vec::<f64>::new());
        assert_eq!(convert(&[0.0; 1000], 44_100, 48_000), vec![0.0; 1088]);
        assert_eq!(convert(&[1.0], 44_100, 48_000).len(), 1);
        assert_eq!(resample(&Buffer::new(0, 100), 44_100, 48_000).channels(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn any_rates_keep_length_time_and_level(from_hz in 3_000u32..50_000, to_hz in 3_000u32..50_000) {
            // Longer than both ends of the kernel, which `inner_peak_db` leaves out, at every pair of rates: the
            // kernel spans frames of the slower rate, so the least length is a number of those.
            let slow_frames = 8.0 * kernel_half_frames() + 400.0;
            let frames = (slow_frames * f64::from(from_hz) / f64::from(from_hz.min(to_hz))) as usize;
            let hz = 0.3 * f64::from(from_hz.min(to_hz));
            let output = convert(&sine(hz, from_hz, frames), from_hz, to_hz);
            let exact = frames as f64 * f64::from(to_hz) / f64::from(from_hz);
            prop_assert!((output.len() as f64 - exact).abs() <= 0.5);
            let wished = sine(hz, to_hz, output.len());
            let error: Vec<f64> = output.iter().zip(&wished).map(|(a, b)| a - b).collect();
            let db = inner_peak_db(&error, to_hz, from_hz.min(to_hz));
            prop_assert!(db < -140.0, "error {db} dB");
        }

        #[test]
        fn the_cuts_change_no_bit(
            cuts in prop::collection::vec(0usize..6000, 0..12), pair in 0usize..4, channels in 1usize..3,
        ) {
            let (from_hz, to_hz) = [(44_100, 48_000), (96_000, 44_100), (48_000, 96_000), (22_050, 22_051)][pair];
            let frames = cuts.iter().sum::<usize>() + 1;
            let planes: Vec<Vec<f64>> =
                (0..channels).map(|c| sine(1000.0 + 77.0 * c as f64, from_hz, frames)).collect();
            let input = Buffer::from_channels(&planes);
            let whole = resample(&input, from_hz, to_hz);
            let mut resampler = Resampler::new(from_hz, to_hz, channels);
            // Twice: the second time shows that finishing forgets the first.
            for _ in 0..2 {
                let mut output = vec![Vec::new(); channels];
                let mut start = 0;
                for &cut in cuts.iter().chain(&[1]) {
                    resampler.push(&input.range(start, cut), &mut output);
                    start += cut;
                }
                resampler.finish(&mut output);
                for (c, samples) in output.iter().enumerate() {
                    prop_assert_eq!(&samples[..], whole.channel(c));
                }
            }
        }
    }
}
