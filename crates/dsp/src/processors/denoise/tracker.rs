//! Follows noise under music: improved minima controlled recursive averaging.
//!
//! Cohen, *Noise spectrum estimation in adverse environments: improved minima controlled recursive averaging*,
//! IEEE Trans. Speech Audio Process. 11 (2003): the smoothed power of a bin falls to the noise in
//! every pause; where the power is near its minimum of the last seconds, it is averaged into the noise. The
//! minimum is found twice, the second time over what the first one took for noise.
//!
//! The constants per frame are the paper's, whose frames overlap by three quarters as well.

/// Weight of the past in the smoothed power, per frame.
const POWER_PAST: f64 = 0.9;

/// Weight of the past in the noise where surely nothing else sounds, per frame.
const NOISE_PAST: f64 = 0.85;

/// Frames whose mean is taken for the noise at the start.
const SETTLING: usize = 12;

/// Parts of the window in which the minimum is looked for.
const PARTS: usize = 8;

/// Above this ratio of power to minimum something sounds.
const LOUD: f64 = 4.6;
/// Above this ratio of smoothed power to minimum something sounds.
const LOUD_SMOOTHED: f64 = 1.67;
/// Above this ratio in the second round something surely sounds.
const SURE: f64 = 3.0;
/// Makes up for noise that is taken for something else.
const BIAS: f64 = 1.47;

/// Mean over minimum of noise smoothed like this, over `hops` frames: 1.645 over 120 frames and 0.145 more per
/// doubling from 30 to 1920 frames (measured on 3.8 million cells of white noise; the paper has 1.66 for 120).
fn minimum_bias(hops: f64) -> f64 {
    1.645 + 0.145 * (hops.clamp(30.0, 4_000.0) / 120.0).log2()
}

/// The noise's power per bin, from frame to frame.
#[derive(Debug, Clone)]
pub struct Tracker {
    bias: f64,
    /// Frames in one part of the window.
    part_frames: usize,
    /// Frames in the present part.
    in_part: usize,
    /// Place of the present part.
    part: usize,
    /// Frames heard since the start, up to [`SETTLING`].
    heard: usize,
    smoothed: Vec<f64>,
    rough: Minimum,
    fine: Minimum,
    /// Smoothed power of what was taken for noise.
    quiet: Vec<f64>,
    /// 1 where the present frame is near the minimum.
    near: Vec<f64>,
    clean: Vec<f64>,
    average: Vec<f64>,
    noise: Vec<f64>,
}

/// Minimum over a window of parts.
#[derive(Debug, Clone)]
struct Minimum {
    all: Vec<f64>,
    part: Vec<f64>,
    parts: Vec<Vec<f64>>,
}

impl Minimum {
    fn new(bins: usize) -> Minimum {
        Minimum { all: vec![0.0; bins], part: vec![0.0; bins], parts: vec![vec![0.0; bins]; PARTS] }
    }

    fn start(&mut self, values: &[f64]) {
        self.all.copy_from_slice(values);
        self.part.copy_from_slice(values);
        self.parts.iter_mut().for_each(|part| part.copy_from_slice(values));
    }

    fn hear(&mut self, values: &[f64]) {
        for ((all, part), value) in self.all.iter_mut().zip(&mut self.part).zip(values) {
            *all = if *value < *all { *value } else { *all };
            *part = if *value < *part { *value } else { *part };
        }
    }

    /// The present part is complete.
    fn turn(&mut self, place: usize, values: &[f64]) {
        self.parts[place].copy_from_slice(&self.part);
        self.all.copy_from_slice(&self.parts[0]);
        for part in &self.parts[1..] {
            for (all, value) in self.all.iter_mut().zip(part) {
                *all = if *value < *all { *value } else { *all };
            }
        }
        self.part.copy_from_slice(values);
    }
}

impl Tracker {
    /// For `bins` bins; a sound that stands still for `hops` frames is noise.
    pub fn new(bins: usize, hops: f64) -> Tracker {
        Tracker {
            bias: minimum_bias(hops),
            part_frames: ((hops / PARTS as f64).round() as usize).max(4),
            in_part: 0,
            part: 0,
            heard: 0,
            smoothed: vec![0.0; bins],
            rough: Minimum::new(bins),
            fine: Minimum::new(bins),
            quiet: vec![0.0; bins],
            near: vec![0.0; bins],
            clean: vec![0.0; bins],
            average: vec![0.0; bins],
            noise: vec![0.0; bins],
        }
    }

    /// Begins anew, from a known noise if there is one.
    pub fn reset(&mut self, known: Option<&[f64]>) {
        (self.in_part, self.part, self.heard) = (0, 0, 0);
        self.smoothed.fill(0.0);
        self.noise.fill(0.0);
        if let Some(known) = known {
            self.smoothed.copy_from_slice(known);
            self.heard = SETTLING;
            self.start();
            self.average.iter_mut().for_each(|average| *average /= BIAS);
            // The minimum of noise of this power.
            for minimum in [&mut self.rough, &mut self.fine] {
                let values = [&mut minimum.all, &mut minimum.part].into_iter().chain(&mut minimum.parts);
                values.for_each(|values| values.iter_mut().for_each(|value| *value /= self.bias));
            }
            self.noise.copy_from_slice(known);
        }
    }

    /// Power of the noise per bin.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// Takes the smoothed power for the noise and its minimum.
    fn start(&mut self) {
        self.quiet.copy_from_slice(&self.smoothed);
        self.rough.start(&self.smoothed);
        self.fine.start(&self.smoothed);
        self.average.copy_from_slice(&self.smoothed);
        self.noise.copy_from_slice(&self.smoothed);
        self.clean.fill(0.0);
    }

    /// Takes the next frame's power. Frames with digital silence must be left out: they are no pause of a
    /// recording, and the noise would be looked for below them for as long as they are remembered.
    pub fn hear(&mut self, power: &[f64]) {
        let bins = power.len();
        // A plain mean at first: a single frame's power may lie far below the noise's.
        let past = POWER_PAST.min(self.heard as f64 / (self.heard + 1) as f64);
        for k in 0..bins {
            let beside = 0.25 * (power[k.saturating_sub(1)] + power[(k + 1).min(bins - 1)]);
            self.smoothed[k] = past * self.smoothed[k] + (1.0 - past) * (0.5 * power[k] + beside);
        }
        if self.heard < SETTLING {
            self.heard += 1;
            self.start();
            return;
        }
        self.rough.hear(&self.smoothed);
        for k in 0..bins {
            let least = self.bias * self.rough.all[k];
            let near = power[k] < LOUD * least && self.smoothed[k] < LOUD_SMOOTHED * least;
            self.near[k] = if near { 1.0 } else { 0.0 };
        }
        self.smooth_quiet(power);
        self.fine.hear(&self.quiet);
        self.average_noise(power);
        self.in_part += 1;
        if self.in_part == self.part_frames {
            self.in_part = 0;
            self.rough.turn(self.part, &self.smoothed);
            self.fine.turn(self.part, &self.quiet);
            self.part = (self.part + 1) % PARTS;
        }
    }

    /// Second round of smoothing, over the bins near the minimum.
    fn smooth_quiet(&mut self, power: &[f64]) {
        let bins = power.len();
        for k in 0..bins {
            let (below, above) = (k.saturating_sub(1), (k + 1).min(bins - 1));
            let weights = [0.25 * self.near[below], 0.5 * self.near[k], 0.25 * self.near[above]];
            let total: f64 = weights.iter().sum();
            if total > 0.0 {
                let sum = weights[0] * power[below] + weights[1] * power[k] + weights[2] * power[above];
                self.quiet[k] = POWER_PAST * self.quiet[k] + (1.0 - POWER_PAST) * sum / total;
            }
        }
    }

    /// Averages the power into the noise as far as nothing else sounds.
    fn average_noise(&mut self, power: &[f64]) {
        for k in 0..power.len() {
            let least = (self.bias * self.fine.all[k]).max(1e-60);
            let ratio = power[k] / least;
            let absent = if self.smoothed[k] >= LOUD_SMOOTHED * least {
                0.0
            } else {
                ((SURE - ratio) / (SURE - 1.0)).clamp(0.0, 1.0)
            };
            let posterior = (power[k] / self.noise[k].max(1e-60)).min(1e6);
            let prior = (0.92 * self.clean[k] + 0.08 * (posterior - 1.0).max(0.0)).max(3e-3);
            let share = prior / (1.0 + prior);
            self.clean[k] = share * share * posterior;
            let odds = (1.0 + prior) * (-(posterior * share).min(500.0)).exp();
            let present = (1.0 - absent) / (1.0 - absent + absent * odds);
            let past = NOISE_PAST + (1.0 - NOISE_PAST) * present;
            self.average[k] = past * self.average[k] + (1.0 - past) * power[k];
            self.noise[k] = BIAS * self.average[k];
        }
    }
}
