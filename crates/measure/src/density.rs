//! Loudness and how dense it is, and nothing else: what a search asks of each of its renders.
//!
//! PSR needs the true peak of every three seconds, which costs several times what loudness does. A highest sample is never
//! above the true peak, and a limiter's ceiling never below it: both bounds are had for nothing, and a search needs the
//! true peak itself only where they stand on either side of what it asks.

use crate::bins::Binner;
use crate::dynamics::{PSR_GATE_LU, PSR_SHARE};
use crate::error::Error;
use crate::levels::level_db;
use crate::loudness::{Energy, SHORT_TERM_BINS, STEP_BINS};
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Layout};

/// Reads integrated loudness and bounds of PSR in one pass.
///
/// ```
/// use audio::{Buffer, Layout};
/// use measure::Density;
///
/// // 1 kHz at -6 dBFS: its peaks stand 3 dB above its RMS, and the loudness of two channels 3 dB above that of one.
/// let tone: Vec<f64> = (0..480_000).map(|n| 0.5 * (n as f64 * std::f64::consts::TAU / 48.0).sin()).collect();
/// let mut meter = Density::new(48_000.0, Layout::Stereo)?;
/// meter.push(&Buffer::from_channels(&[tone.clone(), tone]).as_block());
/// assert!((meter.integrated_lufs().unwrap() + 6.0).abs() < 0.1);
/// assert!(meter.psr_p5_at_least_lu().unwrap().abs() < 0.1);
/// assert!((meter.psr_p5_at_most_lu(-1.0).unwrap() - 5.0).abs() < 0.1);
/// # Ok::<(), measure::Error>(())
/// ```
#[derive(Clone)]
pub struct Density {
    binner: Binner,
    energy: Energy,
    /// The highest sample of all channels in each [`STEP_BINS`] bins; the last may be open.
    peaks: Vec<f32>,
}

impl Density {
    /// A meter for signals of a sample rate in hertz (8 to 768 kHz) and a layout.
    ///
    /// # Errors
    /// When the rate is none that audio has.
    pub fn new(sample_rate_hz: f64, layout: Layout) -> Result<Density, Error> {
        let energy = Energy::of_a_file(sample_rate_hz, layout)?;
        Ok(Density { binner: Binner::new(sample_rate_hz, layout.channels()), energy, peaks: Vec::new() })
    }

    /// Takes the next block: channels of the layout x any number of frames. Samples that are not finite numbers count as
    /// zero.
    ///
    /// # Panics
    /// When the block has another number of channels than the layout.
    pub fn push(&mut self, block: &BlockRef) {
        let Density { binner, energy, peaks } = self;
        binner.push(block, |bin| {
            if energy.bins().is_multiple_of(STEP_BINS) {
                peaks.push(0.0);
            }
            energy.bin(bin);
            let highest = bin.iter().map(highest).fold(0.0, f64::max);
            // Rounded down, so that it stays a bound.
            let highest = (highest * (1.0 - f64::from(f32::EPSILON))) as f32;
            peaks.iter_mut().next_back().into_iter().for_each(|open| *open = open.max(highest));
        });
    }

    /// Integrated loudness in LUFS with both gates; `None` when no gating block is above -70 LUFS.
    pub fn integrated_lufs(&self) -> Option<f64> {
        self.energy.integrated_lufs()
    }

    /// The PSR that one in twenty windows may stay below is no lower than this, in LU: highest sample of 3 s over their
    /// loudness, every 100 ms, what is 20 LU below integrated loudness left out.
    pub fn psr_p5_at_least_lu(&self) -> Option<f64> {
        self.p5(|end| {
            let peaks = &self.peaks[(end - SHORT_TERM_BINS) / STEP_BINS..end / STEP_BINS];
            level_db(f64::from(peaks.iter().fold(0.0f32, |most, peak| most.max(*peak))))
        })
    }

    /// And no higher than this where no true peak is above a ceiling in dBTP.
    pub fn psr_p5_at_most_lu(&self, ceiling_dbtp: f64) -> Option<f64> {
        self.p5(|_| Some(ceiling_dbtp))
    }

    fn p5(&self, peak_db: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let gate = self.integrated_lufs()? + PSR_GATE_LU;
        let ends = (SHORT_TERM_BINS..=self.energy.bins()).step_by(STEP_BINS);
        let psr = |end: usize| {
            let loudness = self.energy.short_term_lufs(end).filter(|lufs| *lufs >= gate)?;
            peak_db(end).map(|db| db - loudness)
        };
        nearest_rank(&sorted(ends.filter_map(psr)), PSR_SHARE)
    }
}

audio::wide! {
    /// The highest absolute sample.
    fn highest(samples: &[f64]) -> f64 {
        let mut most = [0.0f64; 8];
        let chunks = samples.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for lane in 0..8 {
                let x = chunk[lane].abs();
                most[lane] = if x > most[lane] { x } else { most[lane] };
            }
        }
        let of_rest = rest.iter().fold(0.0, |most: f64, x| if x.abs() > most { x.abs() } else { most });
        most.iter().fold(of_rest, |most: f64, x| if *x > most { *x } else { most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, analyse};
    use audio::Buffer;
    use proptest::prelude::*;

    /// Noise through a slow level, in two channels: each block of 50 ms at a level of its own.
    fn music(levels: &[f64], smooth: f64) -> Buffer {
        let mut state = 11u64;
        let mut last = 0.0;
        let plane: Vec<f64> = (0..levels.len() * 2400)
            .map(|n| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let noise = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                last = smooth * last + (1.0 - smooth) * noise;
                last * levels[n / 2400]
            })
            .collect();
        let other = plane.iter().rev().copied().collect();
        Buffer::from_channels(&[plane, other])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// The bounds hold what the whole analysis reads, which searches true peaks, however the signal is cut.
        #[test]
        fn the_psr_lies_between_its_bounds(
            levels in prop::collection::vec(0.02f64..1.0, 90..160), smooth in 0.0f64..0.9, cut in 1usize..5000,
        ) {
            let buffer = music(&levels, smooth);
            let facts = analyse(&buffer.as_block(), 48_000.0, Layout::Stereo, Options::default()).unwrap().facts;
            let mut meter = Density::new(48_000.0, Layout::Stereo).unwrap();
            let mut start = 0;
            while start < buffer.frames() {
                let frames = cut.min(buffer.frames() - start);
                meter.push(&buffer.range(start, frames));
                start += frames;
            }
            prop_assert_eq!(meter.integrated_lufs(), facts.integrated_lufs);
            let psr = facts.psr_p5_lu.unwrap();
            let (least, most) =
                (meter.psr_p5_at_least_lu().unwrap(), meter.psr_p5_at_most_lu(facts.true_peak_dbtp.unwrap()).unwrap());
            prop_assert!(least <= psr + 1e-9 && psr <= most + 1e-9, "{} {} {}", least, psr, most);
        }
    }

    #[test]
    fn silence_has_no_density() {
        let mut meter = Density::new(48_000.0, Layout::Stereo).unwrap();
        meter.push(&Buffer::new(2, 400_000).as_block());
        assert_eq!((meter.integrated_lufs(), meter.psr_p5_at_least_lu()), (None, None));
    }
}
