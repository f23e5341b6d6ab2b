//! What the kinds that colour a signal share: the untouched signal beside the coloured one, a match of their
//! loudness, the mix of both, and a filter against direct current.
//!
//! Loudness: both signals are weighted as in ITU-R BS.1770-5, annex 1 (a shelf and a high-pass, here designed for
//! any sample rate from their analogue corners), their powers summed over all channels and averaged over the last
//! seconds, gated as there, and the coloured one is given the root of the ratio as its gain; what was too much or too
//! little since the start is made good. The gain moves slower than any beat and is the
//! same in all channels, hence changes neither rhythm nor image.

use super::grid::{CONTROL_FRAMES, Grid};
use super::lookahead::Delay;
use super::matched::{self, Fraction};
use super::math::{db_to_gain as gain_of, power_to_db};
use super::ramp::Ramp;
use super::svf::{Chain, Coefficients};
use crate::choices;
use audio::{Block, Buffer, Frames, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

choices! {
    /// How the level of the coloured signal is matched to the input's.
    pub enum Match {
        /// As loud as the input, by a slow running measurement of both.
        Loudness = "loudness",
        /// By a gain that follows from the settings: right for a steady signal at -18 dBFS RMS, and never moving.
        Nominal = "nominal",
    }
}

/// Amplitude of a sine at the working level of -18 dBFS RMS.
pub fn nominal_amplitude() -> f64 {
    db_to_gain(-18.0) * SQRT_2
}

/// Corner of the filter against direct current.
const DIRECT_CURRENT_HZ: f64 = 5.0;

/// A high-pass of 6 dB per octave at 5 Hz, against direct current that curves make.
pub fn direct_current_filter(sample_rate_hz: f64) -> Coefficients {
    let mut high_pass = [Fraction::ONE; 8];
    matched::butterworth(1, true, FRAC_1_SQRT_2, &mut high_pass);
    matched::digital(&mut high_pass[..1], DIRECT_CURRENT_HZ / sample_rate_hz);
    Coefficients::from_fraction(&high_pass[0])
}

/// Corner, Q and gain of the shelf that stands for a head, and corner and Q of the high-pass: the analogue
/// filters whose bilinear transform at 48 kHz are the coefficients of BS.1770-5, annex 1, tables 1 and 2.
const HEAD_HZ: f64 = 1_681.974_450_955_533;
const HEAD_Q: f64 = 0.707_175_236_955_419_6;
const HEAD_DB: f64 = 3.999_843_853_973_347;
/// Share of the shelf's gain, in decibels, in the middle term of its numerator.
const HEAD_MIDDLE: f64 = 0.499_666_774_154_541_6;
const BASS_HZ: f64 = 38.135_470_876_024_44;
const BASS_Q: f64 = 0.500_327_037_323_877_3;

/// The two sections of the loudness weighting.
pub fn loudness_weighting(sample_rate_hz: f64) -> [Coefficients; 2] {
    let g = (PI * HEAD_HZ / sample_rate_hz).tan();
    let top = db_to_gain(HEAD_DB);
    let middle = db_to_gain(HEAD_DB * HEAD_MIDDLE);
    let head =
        Fraction { numerator: [g * g, middle * g / HEAD_Q, top], denominator: [g * g, g / HEAD_Q, 1.0] };
    let g = (PI * BASS_HZ / sample_rate_hz).tan();
    let bass = Fraction { numerator: [0.0, 0.0, 1.0], denominator: [g * g, g / BASS_Q, 1.0] };
    [Coefficients::from_fraction(&head), Coefficients::from_fraction(&bass)]
}

/// Over how long loudness is compared.
const MEMORY_S: f64 = 3.0;
/// The standard's block. One is taken every control period, where the standard takes one every 100 ms.
const BLOCK_S: f64 = 0.4;
/// Blocks under -70 LUFS, and under a tenth of the mean power, are not heard: the standard's two gates.
const SILENT_DB: f64 = -69.309;
const RELATIVE_GATE_DB: f64 = -10.0;
/// Blocks are kept by their level, in steps of a tenth of a decibel, up to +31 LUFS.
const STEPS: usize = 1_000;
const STEPS_PER_DB: f64 = 10.0;

/// Power (of weighted samples, all channels together) that both signals are thought to have had before the
/// start, so that the first frames do not decide alone.
const BEFORE: f64 = 1e-5;

/// Most that the match may move the gain either way, as a power: 24 dB.
const LARGEST: f64 = 256.0;

/// What the whole is too loud or too soft by is made good: so many times at once, and that share of it more with every
/// period, each by at most so many decibels.
const OWED_AT_ONCE: f64 = 2.0;
const OWED_PER_PERIOD: f64 = 0.002;
const MOST_OWED_DB: f64 = 2.0;

/// The loudness of one signal, control period by control period.
struct Level {
    /// The last block's periods, and their sum.
    periods: Vec<f64>,
    at: usize,
    sum: f64,
    /// Mean power of the last seconds' blocks.
    recent: f64,
    keep: f64,
    /// Number and power of all blocks since the start, by their level.
    blocks: Vec<[f64; 2]>,
    whole: [f64; 2],
}

impl Level {
    /// `rate` is the number of control periods in a second.
    fn new(rate: f64) -> Level {
        let mut level = Level {
            periods: vec![0.0; ((BLOCK_S * rate).round() as usize).max(1)],
            at: 0,
            sum: 0.0,
            recent: 0.0,
            keep: 1.0 - 1.0 / (MEMORY_S * rate),
            blocks: vec![[0.0; 2]; STEPS],
            whole: [0.0; 2],
        };
        level.reset();
        level
    }

    fn reset(&mut self) {
        self.periods.fill(0.0);
        self.blocks.fill([0.0; 2]);
        (self.at, self.sum, self.recent, self.whole) = (0, 0.0, BEFORE, [0.0; 2]);
    }

    /// Takes in the mean power of a period.
    fn take(&mut self, power: f64) {
        self.sum = (self.sum + power - self.periods[self.at]).max(0.0);
        self.periods[self.at] = power;
        self.at = (self.at + 1) % self.periods.len();
        let block = self.sum / self.periods.len() as f64;
        let level_db = power_to_db(block + f64::MIN_POSITIVE);
        if level_db > SILENT_DB {
            self.recent = self.keep * self.recent + (1.0 - self.keep) * block;
            let step = ((level_db - SILENT_DB) * STEPS_PER_DB) as usize;
            for all in [&mut self.blocks[step.min(STEPS - 1)], &mut self.whole] {
                all[0] += 1.0;
                all[1] += block;
            }
        }
    }

    /// Integrated loudness since the start, but for a constant; the sum over the blocks above the gate.
    fn integrated_db(&self) -> Option<f64> {
        let [count, power] = self.whole;
        if count == 0.0 {
            return None;
        }
        let gate_db = power_to_db(power / count) + RELATIVE_GATE_DB;
        let first = ((gate_db - SILENT_DB) * STEPS_PER_DB).max(0.0) as usize;
        let (mut count, mut power) = (0.0, 0.0);
        for [number, sum] in &self.blocks[first.min(STEPS - 1)..] {
            count += number;
            power += sum;
        }
        (count > 0.0).then(|| power_to_db(power / count))
    }
}

/// Measures two signals and finds the gain that makes one as loud as the other.
struct Loudness {
    weighting: [Chain; 2],
    heard: Buffer,
    /// Of each channel's input and coloured signal: power since the last point of the grid.
    sums: Vec<[f64; 2]>,
    /// Of all channels' input and coloured signal, and of the latter with its gain.
    levels: [Level; 3],
    /// The gain, squared.
    square: f64,
    /// What the whole was too soft by, summed up, and what is added for it, in decibels.
    total_db: f64,
    owed_db: f64,
    /// Control periods until that is looked at again: a tenth of a second.
    left: usize,
    every: usize,
}

impl Loudness {
    fn new(spec: &Spec) -> Loudness {
        let chain = || Chain::new(loudness_weighting(spec.sample_rate_hz), spec.channels);
        let level = || Level::new(spec.sample_rate_hz / CONTROL_FRAMES as f64);
        Loudness {
            weighting: [chain(), chain()],
            heard: Buffer::new(spec.channels, CONTROL_FRAMES),
            sums: vec![[0.0; 2]; spec.channels],
            levels: [level(), level(), level()],
            square: 1.0,
            total_db: 0.0,
            owed_db: 0.0,
            left: 0,
            every: (0.1 * spec.sample_rate_hz) as usize / CONTROL_FRAMES + 1,
        }
    }

    fn reset(&mut self) {
        self.weighting.iter_mut().for_each(Chain::reset);
        self.sums.fill([0.0; 2]);
        self.levels.iter_mut().for_each(Level::reset);
        (self.square, self.total_db, self.owed_db, self.left) = (1.0, 0.0, 0.0, 0);
    }

    /// Hears a piece of one of the signals.
    fn hear(&mut self, which: usize, piece: &Block) {
        let mut heard = self.heard.range_mut(0, piece.frames());
        heard.copy_from(&piece.as_ref());
        self.weighting[which].process(&mut heard);
        for (samples, sums) in heard.iter_mut().zip(&mut self.sums) {
            // One after the other, so that the sum does not depend on how the samples were cut.
            samples.iter().for_each(|x| sums[which] += x * x);
        }
    }

    /// At a point of the grid: the gain from here on.
    fn gain(&mut self) -> f64 {
        let now =
            [0, 1].map(|which| self.sums.iter().map(|sums| sums[which]).sum::<f64>() / CONTROL_FRAMES as f64);
        self.sums.fill([0.0; 2]);
        let [input, coloured, heard] = &mut self.levels;
        input.take(now[0]);
        coloured.take(now[1]);
        heard.take(now[1] * self.square);
        if self.left == 0
            && let (Some(wanted_db), Some(has_db)) = (input.integrated_db(), heard.integrated_db())
        {
            let missing_db = wanted_db - has_db;
            let more_db = OWED_PER_PERIOD * self.every as f64 * missing_db;
            self.total_db = (self.total_db + more_db).clamp(-MOST_OWED_DB, MOST_OWED_DB);
            self.owed_db = (OWED_AT_ONCE * missing_db).clamp(-MOST_OWED_DB, MOST_OWED_DB) + self.total_db;
        }
        self.left = if self.left == 0 { self.every } else { self.left } - 1;
        let owed = gain_of(2.0 * self.owed_db);
        self.square = (input.recent / coloured.recent * owed).clamp(1.0 / LARGEST, LARGEST);
        self.square.sqrt()
    }
}

/// How the coloured signal goes back into the path.
pub struct Blend {
    delays: Vec<Delay>,
    dry: Buffer,
    loudness: Option<Loudness>,
    grid: Grid,
    /// Gain of the coloured signal by its settings, and by measurement.
    nominal: Ramp,
    matched: Ramp,
    mix: Ramp,
    output: Ramp,
}

impl Blend {
    /// For a coloured signal that is late by `latency` frames, with `mix` (0 to 1) of it in an output with the gain
    /// `output`. `nominal` is the gain of the coloured signal that its settings ask for.
    pub fn new(latency: Frames, kind: Match, nominal: f64, mix: f64, output: f64, spec: &Spec) -> Blend {
        Blend {
            delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            dry: Buffer::new(spec.channels, CONTROL_FRAMES),
            loudness: (kind == Match::Loudness).then(|| Loudness::new(spec)),
            grid: Grid::default(),
            nominal: Ramp::new(nominal),
            matched: Ramp::new(1.0),
            mix: Ramp::new(mix),
            output: Ramp::new(output),
        }
    }

    /// Moves to other values within a control period.
    pub fn go_to(&mut self, nominal: f64, mix: f64, output: f64) {
        self.nominal.go_to(nominal);
        self.mix.go_to(mix);
        self.output.go_to(output);
    }

    /// True when nothing of the coloured signal is heard, now or at the end of a move.
    pub fn is_dry(&self) -> bool {
        self.mix.target() == 0.0 && !self.mix.moves()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        if let Some(loudness) = &mut self.loudness {
            loudness.reset();
        }
        self.matched = Ramp::new(1.0);
        [&mut self.nominal, &mut self.mix, &mut self.output].into_iter().for_each(Ramp::finish);
    }

    /// Processes `block` in place: `colour` is given pieces of at most a control period, which never reach over a
    /// point of the grid, and leaves in them what it makes of them, late by the latency.
    pub fn process(&mut self, block: &mut Block, mut colour: impl FnMut(&mut Block)) {
        let mut start = 0;
        while start < block.frames() {
            if self.grid.at_point()
                && let Some(loudness) = &mut self.loudness
            {
                self.matched.go_to(loudness.gain());
            }
            let frames = self.grid.take(block.frames() - start);
            self.piece(&mut block.range_mut(start, frames), &mut colour);
            start += frames;
        }
    }

    fn piece(&mut self, block: &mut Block, colour: &mut impl FnMut(&mut Block)) {
        let frames = block.frames();
        for (c, samples) in block.iter_mut().enumerate() {
            let dry = &mut self.dry.channel_mut(c)[..frames];
            dry.copy_from_slice(samples);
            self.delays[c].pass(dry);
        }
        colour(block);
        let dry_only = self.is_dry();
        let [nominal, matched, mix, output] =
            [&mut self.nominal, &mut self.matched, &mut self.mix, &mut self.output].map(|ramp| {
                let mut path = [0.0; CONTROL_FRAMES];
                path[..frames].iter_mut().for_each(|value| *value = ramp.next_value());
                path
            });
        for samples in block.iter_mut() {
            samples.iter_mut().zip(&nominal).for_each(|(sample, gain)| *sample *= gain);
        }
        if let Some(loudness) = &mut self.loudness {
            loudness.hear(0, &self.dry.range_mut(0, frames));
            loudness.hear(1, block);
        }
        for (c, samples) in block.iter_mut().enumerate() {
            let dry = &self.dry.channel(c)[..frames];
            if dry_only {
                samples.copy_from_slice(dry);
            } else {
                for (n, (sample, dry)) in samples.iter_mut().zip(dry).enumerate() {
                    *sample = mix[n] * (matched[n] * *sample) + (1.0 - mix[n]) * dry;
                }
            }
            samples.iter_mut().zip(&output).for_each(|(sample, gain)| *sample *= gain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn power(samples: &[f64]) -> f64 {
        samples.iter().map(|x| x * x).sum()
    }

    use num_complex::Complex64;
    use std::f64::consts::TAU;

    /// The weighting at 48 kHz against the coefficients that the recommendation prints (annex 1, tables 1 and 2).
    #[test]
    fn the_weighting_is_the_recommendations() {
        let [head, bass] = loudness_weighting(48_000.0);
        let printed = |b: [f64; 3], a: [f64; 2], z: Complex64| {
            let w = 1.0 / z;
            (b[0] + w * (b[1] + w * b[2])) / (1.0 + w * (a[0] + w * a[1]))
        };
        for hz in [20.0, 40.0, 100.0, 997.0, 2_000.0, 5_000.0, 15_000.0] {
            let z = Complex64::from_polar(1.0, TAU * hz / 48_000.0);
            let shelf = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
            let expected = printed(shelf, [-1.690_659_293_182_41, 0.732_480_774_215_85], z)
                * printed([1.0, -2.0, 1.0], [-1.990_047_454_833_98, 0.990_072_250_366_21], z);
            let seen = head.response(z) * bass.response(z);
            // The printed high-pass is scaled by its first coefficient, which is 1 where the exact one is 0.995.
            let ratio = 20.0 * (seen / expected).norm().log10();
            assert!((ratio - -0.043).abs() < 0.005, "{hz} Hz: {ratio:.4} dB");
        }
    }

    /// A colour that takes half the level is given it back within its memory; without a match it is not.
    #[test]
    fn loudness_is_matched() {
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
        for (kind, expected_db) in [(Match::Loudness, 0.0), (Match::Nominal, -12.04)] {
            let mut blend = Blend::new(0, kind, 0.5, 1.0, 1.0, &spec);
            let wave: Vec<f64> = (0..48_000 * 8).map(|n| 0.1 * (n as f64 * 0.1).sin()).collect();
            let mut audio = Buffer::from_channels(&[wave.clone(), wave.clone()]);
            blend.process(&mut audio.as_block_mut(), |wet| {
                wet.iter_mut().for_each(|samples| samples.iter_mut().for_each(|x| *x *= 0.5));
            });
            let seen_db =
                |from: usize| 10.0 * (power(&audio.channel(1)[from..]) / power(&wave[from..])).log10();
            // The whole within what is asked for; what the beginning lacked is made good at the end.
            assert!((seen_db(0) - expected_db).abs() < 0.1, "{kind:?}: {:.3} dB", seen_db(0));
            assert!(
                (seen_db(48_000 * 7) - expected_db).abs() < 0.3,
                "{kind:?}: {:.3} dB",
                seen_db(48_000 * 7)
            );
        }
    }
}
