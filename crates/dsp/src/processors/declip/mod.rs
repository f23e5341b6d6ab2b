//! Declipper: gives back the peaks that were cut off flat.
//!
//! Method: the analysis sparse audio declipper, A-SPADE (Kitić, Bertin & Gribonval, *Sparsity and cosparsity
//! for audio declipping: a flexible non-convex approach*, LVA/ICA 2015): of all signals that agree with the
//! good samples and are at least as loud where the recording is cut off, it looks for one with few partials.
//! Each frame is windowed and treated by itself, and the frames are laid over each other (Záviška, Rajmic,
//! Ozerov & Rencker, *A survey and an extensive evaluation of popular audio declipping methods*, IEEE J. Sel.
//! Top. Signal Process. 15, 2021). The iteration itself is in `spade.rs`.
//!
//! Good samples pass bit for bit. Frames without a clipped sample are not looked at.

mod detect;
mod spade;
#[cfg(test)]
mod tests;

pub use detect::{Clipping, detect};

use crate::blocks::lookahead::Delay;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use spade::Spade;

settings! {
    /// Settings of the declipper.
    pub struct Settings {
        /// Level at which the recording is cut off: samples at or above it are taken as lost. A hair below the
        /// flat tops.
        ceiling_db: f64 { label: "Ceiling", unit: Unit::Decibel, min: -48.0, max: 0.0, fixed: true },
        /// How much higher or lower the negative half is cut off than the positive half.
        asymmetry_db: f64 {
            label: "Asymmetry", unit: Unit::Decibel, min: -24.0, max: 24.0, fixed: true,
        },
        /// How far a restored peak may rise above where it was cut off; 0 restores nothing.
        rise_db: f64 { label: "Rise", unit: Unit::Decibel, max: 24.0 },
        /// Gain after the restoration: makes room for the peaks.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -24.0, max: 24.0 },
    }
}

/// Declipper.
pub static KIND: Kind = Kind {
    id: "declip",
    label: "Declipper",
    family: Family::Restoration,
    help: "Gives back the peaks of a recording that was cut off flat. Set the ceiling a hair below the flat \
           tops; what is quieter is not touched. Peaks rise above the ceiling: lower the output where they \
           have no room.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Declipper::new(Settings::from_values(values), spec)),
    response: None,
};

/// Length of a frame, rounded to a power of two: long enough to tell the partials of a chord apart.
const FRAME_SECONDS: f64 = 0.09;

/// Frames that cover each sample.
const OVERLAP: usize = 4;

/// A frame whose good samples hold a smaller share of its energy is left as it is: there is nothing to go by.
/// A waveform of evenly spread values has it where five of six samples are clipped.
const LEAST_GOOD: f64 = 0.06;

/// What follows from the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    /// From here up a positive sample is clipped; infinite when nothing is to be restored.
    positive: f64,
    /// The same for the size of a negative one.
    negative: f64,
    /// The largest ratio of a restored sample to what it was.
    rise: f64,
}

fn design(settings: &Settings) -> Bounds {
    if settings.rise_db <= 0.0 {
        return Bounds { positive: f64::INFINITY, negative: f64::INFINITY, rise: 1.0 };
    }
    Bounds {
        positive: db_to_gain(settings.ceiling_db),
        negative: db_to_gain(settings.ceiling_db + settings.asymmetry_db),
        rise: db_to_gain(settings.rise_db),
    }
}

/// What of one channel waits for its frames.
struct Lane {
    /// The last frame of input.
    recent: Vec<f64>,
    /// Of each of its samples: 1 where it is good, 0 where it is clipped.
    good: Vec<f64>,
    /// Weighted sum of the restored frames, from the next sample to be given out on.
    sum: Vec<f64>,
    /// Sum of their weights.
    weight: Vec<f64>,
    /// Frames up to the last one with a clipped sample, from the end of `recent`; none left at 0.
    clipped: Frames,
    /// Hops for which restored samples are still to be given out.
    sounding: usize,
    dry: Delay,
}

struct Declipper {
    settings: Settings,
    bounds: Bounds,
    output: Ramp,
    size: Frames,
    hop: Frames,
    filled: Frames,
    window: Vec<f64>,
    spade: Spade,
    lanes: Vec<Lane>,
}

impl Declipper {
    fn new(settings: Settings, spec: &Spec) -> Declipper {
        let octaves = (FRAME_SECONDS * spec.sample_rate_hz).max(64.0).log2().round() as u32;
        let size = 1usize << octaves.min(18);
        let lane = || Lane {
            recent: vec![0.0; size],
            good: vec![1.0; size],
            sum: vec![0.0; size],
            weight: vec![0.0; size],
            clipped: 0,
            sounding: 0,
            dry: Delay::new(size),
        };
        Declipper {
            bounds: design(&settings),
            output: Ramp::new(db_to_gain(settings.output_db)),
            size,
            hop: size / OVERLAP,
            filled: 0,
            window: spade::window(size),
            spade: Spade::new(size),
            lanes: (0..spec.channels).map(|_| lane()).collect(),
            settings,
        }
    }

    /// Takes samples in, up to the end of a hop, and gives the restored ones out.
    fn take(&mut self, block: &mut Block) {
        let at = self.size - self.hop + self.filled;
        for (lane, samples) in self.lanes.iter_mut().zip(block.iter_mut()) {
            let count = samples.len();
            lane.recent[at..at + count].copy_from_slice(samples);
            lane.mark(at, count, &self.bounds);
            lane.dry.pass(samples);
            lane.restore(samples, self.filled);
        }
    }

    /// A frame is complete.
    fn hop(&mut self) {
        let (size, hop) = (self.size, self.hop);
        for lane in &mut self.lanes {
            if lane.sounding > 0 {
                lane.sounding -= 1;
                for ahead in [&mut lane.sum, &mut lane.weight] {
                    ahead.copy_within(hop.., 0);
                    ahead[size - hop..].fill(0.0);
                }
            }
            if lane.clipped > 0 {
                lane.sounding = OVERLAP;
                if lane.good_share() >= LEAST_GOOD {
                    self.spade.restore(&lane.recent, &lane.good, &self.window, self.bounds.rise);
                } else {
                    self.spade.keep(&lane.recent, &self.window);
                }
                lane.lay_over(self.spade.restored(), &self.window);
            }
            lane.clipped = lane.clipped.saturating_sub(hop);
            lane.recent.copy_within(hop.., 0);
            lane.good.copy_within(hop.., 0);
        }
    }
}

impl Lane {
    /// Tells the clipped ones of the newest samples.
    fn mark(&mut self, at: usize, count: usize, bounds: &Bounds) {
        for n in at..at + count {
            let sample = self.recent[n];
            let clipped = sample >= bounds.positive || -sample >= bounds.negative;
            self.good[n] = if clipped { 0.0 } else { 1.0 };
            if clipped {
                self.clipped = self.recent.len();
            }
        }
    }

    /// Share of the energy that the good samples hold.
    fn good_share(&self) -> f64 {
        let (mut all, mut good) = (0.0, 0.0);
        for (sample, is_good) in self.recent.iter().zip(&self.good) {
            let energy = sample * sample;
            all += energy;
            good += energy * is_good;
        }
        if all > 0.0 { good / all } else { 0.0 }
    }

    /// Adds a restored frame where samples are clipped.
    fn lay_over(&mut self, restored: &[f64], window: &[f64]) {
        for n in 0..window.len() {
            let weight = window[n] * (1.0 - self.good[n]);
            self.sum[n] += weight * restored[n];
            self.weight[n] += weight * window[n];
        }
    }

    /// Puts the restored samples in the place of the clipped ones, never quieter than they were.
    fn restore(&self, samples: &mut [f64], filled: Frames) {
        if self.sounding == 0 {
            return;
        }
        for (n, sample) in samples.iter_mut().enumerate() {
            let weight = self.weight[filled + n];
            if weight > 0.0 {
                let restored = self.sum[filled + n] / weight;
                *sample = if *sample > 0.0 { sample.max(restored) } else { sample.min(restored) };
            }
        }
    }
}

impl Processor for Declipper {
    fn latency(&self) -> Frames {
        self.size
    }

    fn reset(&mut self) {
        for lane in &mut self.lanes {
            lane.recent.fill(0.0);
            lane.good.fill(1.0);
            lane.sum.fill(0.0);
            lane.weight.fill(0.0);
            (lane.clipped, lane.sounding) = (0, 0);
            lane.dry.reset();
        }
        self.filled = 0;
        self.output.finish();
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // Where the recording is cut off is a fact about it.
        self.settings.ceiling_db = before.ceiling_db;
        self.settings.asymmetry_db = before.asymmetry_db;
        self.bounds = design(&self.settings);
        let output = db_to_gain(self.settings.output_db);
        if self.output.target() != output {
            self.output.go_to(output);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            let count = (block.frames() - start).min(self.hop - self.filled);
            self.take(&mut block.range_mut(start, count));
            self.filled += count;
            start += count;
            if self.filled == self.hop {
                self.filled = 0;
                self.hop();
            }
        }
        let output = self.output;
        for samples in block.iter_mut() {
            self.output = output;
            self.output.scale(samples);
        }
    }
}
