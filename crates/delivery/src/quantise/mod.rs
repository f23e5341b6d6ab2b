//! From `f64` to integers, with dither.
//!
//! Rounding makes an error that depends on the signal: harmonics, and silence where a quiet tone should be.
//! Noise of triangular density, one step either way, added before the rounding makes the first and second moment
//! of the error independent of the signal: what is left is constant white noise of a quarter of a step squared
//! (Lipshitz, Wannamaker & Vanderkooy, *Quantization and dither: a theoretical survey*, J. Audio Eng. Soc. 40,
//! 1992), -96.33 dB RMS against amplitude 1.0 at 16 bits.
//!
//! The noise can be shaped besides, so that most of it lies where the ear hears least: see `shaping.rs`. Shaped noise is
//! louder in all and must never be coded with loss or processed again, hence white noise is the default.
//!
//! Dither is added once, last, and only where bits are dropped. It runs on through fades and pauses: noise that
//! comes and goes is heard, noise that stays is not.

mod shaping;

use audio::{BlockRef, Frames};
use serde::{Deserialize, Serialize};

use crate::error::DeliveryError;
use crate::random::Random;
use shaping::MOST_TAPS;

/// What is added before rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dither {
    /// Nothing: right for a signal that lies on the grid already, and for floating point.
    None,
    /// White noise of triangular density, one step either way.
    Tpdf,
    /// As `Tpdf`, its noise falling towards low frequencies by 6 dB per octave: the one for high sample rates.
    FirstOrder,
    /// Shaped by five coefficients, improved E-weighting (Lipshitz, Vanderkooy & Wannamaker 1991).
    Lipshitz,
    /// Shaped by three coefficients, F-weighting (Wannamaker 1992): mild.
    F3,
    /// Shaped by nine coefficients, F-weighting (Wannamaker 1992).
    F9,
    /// Shaped by nine coefficients, modified E-weighting (Lipshitz, Vanderkooy & Wannamaker 1991): mild.
    ModifiedE,
    /// Shaped by nine coefficients, improved E-weighting (Lipshitz, Vanderkooy & Wannamaker 1991): the strongest.
    ImprovedE,
    /// Shaped by nine coefficients that are the best for the sample rate: the quietest to the ear.
    Quiet,
}

/// From this depth on the noise of plain dither is below what any room lets hear, and shaping brings nothing.
const DEEP_BITS: u32 = 20;
/// The rates for which shaping sets are made lie between these, in hertz.
const SHAPED_RATES_HZ: std::ops::Range<u32> = 44_100..88_200;

impl Dither {
    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Dither::None => "none",
            Dither::Tpdf => "TPDF",
            Dither::FirstOrder => "TPDF, first-order shaping",
            Dither::Lipshitz => "TPDF, Lipshitz shaping",
            Dither::F3 => "TPDF, F-weighted shaping of 3",
            Dither::F9 => "TPDF, F-weighted shaping of 9",
            Dither::ModifiedE => "TPDF, modified E-weighted shaping",
            Dither::ImprovedE => "TPDF, improved E-weighted shaping",
            Dither::Quiet => "TPDF, quietest shaping",
        }
    }

    /// Every dither there is.
    pub const ALL: [Dither; 9] = [
        Dither::None,
        Dither::Tpdf,
        Dither::FirstOrder,
        Dither::Lipshitz,
        Dither::F3,
        Dither::F9,
        Dither::ModifiedE,
        Dither::ImprovedE,
        Dither::Quiet,
    ];

    /// The dither to use where this one is asked for: itself at 44.1 and 48 kHz and few bits; plain from 20 bits on;
    /// of first order from 88.2 kHz on, where there is room above the ear's range; plain below 44.1 kHz, where there
    /// is none.
    pub fn suited(self, bits: u32, sample_rate_hz: u32) -> Dither {
        match self {
            Dither::None | Dither::Tpdf => self,
            _ if bits >= DEEP_BITS || sample_rate_hz < SHAPED_RATES_HZ.start => Dither::Tpdf,
            _ if sample_rate_hz >= SHAPED_RATES_HZ.end => Dither::FirstOrder,
            _ => self,
        }
    }
}

/// Makes integers of 8 to 32 bits out of `f64` samples.
///
/// The result depends on the seed and the samples alone, never on how the signal was cut into blocks. Each
/// channel has its own noise, so that the noise of stereo does not stand in the middle.
#[derive(Debug, Clone)]
pub struct Quantiser {
    bits: u32,
    dither: Dither,
    seed: u64,
    channels: Vec<Channel>,
    coefficients: &'static [f64],
    /// Frames of digital silence after which the file is silent too; `None` never.
    blank_after: Option<Frames>,
    clipped: u64,
    not_finite: u64,
}

/// The state of one channel.
#[derive(Debug, Clone)]
struct Channel {
    noise: Random,
    /// The last errors, in steps, the newest first.
    errors: [f64; MOST_TAPS],
    /// Frames of digital silence so far.
    silent: Frames,
}

impl Channel {
    /// What the errors of the past add to the next sample.
    #[inline]
    fn fed_back(&self, coefficients: &[f64]) -> f64 {
        coefficients.iter().zip(&self.errors).map(|(c, e)| c * e).sum()
    }

    #[inline]
    fn remember(&mut self, error: f64) {
        self.errors.copy_within(..MOST_TAPS - 1, 1);
        self.errors[0] = error;
    }
}

/// Digital silence after which an auto-blank sets in, in seconds: shorter than any pause that music leaves.
const BLANK_AFTER_S: f64 = 0.1;

impl Quantiser {
    /// For `channels` channels of `bits` bits. Shaping is as for 44.1 kHz until [`Quantiser::at_rate`] says otherwise.
    ///
    /// # Errors
    /// [`DeliveryError::BitDepth`] for fewer than 8 or more than 32 bits.
    pub fn new(bits: u32, dither: Dither, channels: usize, seed: u64) -> Result<Quantiser, DeliveryError> {
        if !(8..=32).contains(&bits) {
            return Err(DeliveryError::BitDepth { bits });
        }
        Ok(Quantiser {
            bits,
            dither,
            seed,
            channels: fresh(seed, channels),
            coefficients: shaping::coefficients(dither, 44_100),
            blank_after: None,
            clipped: 0,
            not_finite: 0,
        })
    }

    /// For this sample rate: takes the dither that suits it (see [`Dither::suited`]) and its coefficients.
    #[must_use]
    pub fn at_rate(mut self, sample_rate_hz: u32) -> Quantiser {
        self.dither = self.dither.suited(self.bits, sample_rate_hz);
        self.coefficients = shaping::coefficients(self.dither, sample_rate_hz);
        self
    }

    /// Silent as soon as the signal has been digitally silent for a tenth of a second, instead of noise for ever: for
    /// files that begin or end with silence which has to be digital.
    #[must_use]
    pub fn blanking(mut self, sample_rate_hz: u32) -> Quantiser {
        self.blank_after = Some((BLANK_AFTER_S * f64::from(sample_rate_hz)) as Frames);
        self
    }

    /// Forgets the past: the next block is the first again.
    pub fn reset(&mut self) {
        self.channels = fresh(self.seed, self.channels.len());
        self.clipped = 0;
        self.not_finite = 0;
    }

    /// Bits of the integers.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// What is added before rounding.
    pub fn dither(&self) -> Dither {
        self.dither
    }

    /// Samples so far that were beyond full scale and were clipped, all channels together.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Samples so far that were not finite numbers and became zero, all channels together.
    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// Quantises a block (channels x any number of frames), replacing what each vector of `output` held.
    ///
    /// A sample `x` becomes `x * 2^(bits-1)`, less what the shaping feeds back, plus dither, rounded to the nearest integer (halves to the even
    /// one) and clipped to `-2^(bits-1) ..= 2^(bits-1) - 1`.
    ///
    /// # Panics
    /// When the block or `output` have another number of channels than this quantiser.
    pub fn process(&mut self, block: &BlockRef, output: &mut [Vec<i32>]) {
        assert_eq!(block.channels(), self.channels.len(), "a block of the channels this was built for");
        assert_eq!(output.len(), self.channels.len(), "one vector per channel");
        let scale = (1u64 << (self.bits - 1)) as f64;
        let mut lost = Lost::default();
        let blank_after = self.blank_after.unwrap_or(Frames::MAX);
        for ((samples, channel), plane) in block.iter().zip(&mut self.channels).zip(output) {
            plane.clear();
            match self.dither {
                Dither::None => {
                    plane.extend(samples.iter().map(|s| lost.keep(*s, (s * scale).round_ties_even(), scale)));
                }
                // Plain white noise: no sample waits for what became of the one before it.
                _ if self.coefficients.is_empty() && self.blank_after.is_none() => {
                    plane.resize(samples.len(), 0);
                    with_white_noise(samples, scale, &mut channel.noise, plane, &mut lost);
                }
                _ => plane.extend(samples.iter().map(|s| {
                    let noise = channel.noise.triangular();
                    channel.silent = if *s == 0.0 { channel.silent.saturating_add(1) } else { 0 };
                    if channel.silent > blank_after {
                        channel.errors = [0.0; MOST_TAPS];
                        return 0;
                    }
                    let wished = s * scale - channel.fed_back(self.coefficients);
                    let step = (wished + noise).round_ties_even();
                    // Before clipping: at full scale the error that is fed back stays within a step and a half.
                    channel.remember(if s.is_finite() { step - wished } else { 0.0 });
                    lost.keep(*s, step, scale)
                })),
            }
        }
        self.clipped += lost.clipped;
        self.not_finite += lost.not_finite;
    }
}

/// Samples of a block that did not become what they were.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    clipped: u64,
    not_finite: u64,
}

impl Lost {
    /// The integer of a sample that was rounded to `step`, within full scale.
    #[inline(always)]
    fn keep(&mut self, sample: f64, step: f64, scale: f64) -> i32 {
        let kept = step.clamp(-scale, scale - 1.0);
        if kept != step {
            if !sample.is_finite() {
                self.not_finite += 1;
                return 0;
            }
            self.clipped += 1;
        }
        kept as i32
    }
}

audio::wide! {
    /// Quantises one channel with noise of triangular density and nothing fed back. Vectors are not the point: the machines
    /// that have them round in one instruction.
    fn with_white_noise(samples: &[f64], scale: f64, noise: &mut Random, plane: &mut [i32], lost: &mut Lost) {
        for (sample, kept) in samples.iter().zip(plane) {
            let step = (sample * scale + noise.triangular()).round_ties_even();
            *kept = lost.keep(*sample, step, scale);
        }
    }
}

fn fresh(seed: u64, channels: usize) -> Vec<Channel> {
    let channel = |n| Channel { noise: Random::new(seed, n as u64), errors: [0.0; MOST_TAPS], silent: 0 };
    (0..channels).map(channel).collect()
}

#[cfg(test)]
mod tests;
