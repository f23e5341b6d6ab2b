//! Saturation: a curve bent into the signal without folding tones back.
//!
//! Path: emphasis, then at 4, 8 or 16 times the sample rate drive, curve and level match, then the inverse
//! emphasis, mix with the delayed input, output gain. The raised rate is [`crate::blocks::oversample`]'s; the
//! hard curve, whose corners make harmonics without end, is also averaged along its antiderivative
//! (J. Parker, V. Zavalishin and E. Le Bivic, *Reducing the aliasing of nonlinear waveshaping using
//! continuous-time convolution*, DAFx 2016).
//!
//! Harmonics of a sine at -18 dBFS RMS, relative to the fundamental:
//!
//! | curve | drive | 2nd | 3rd |
//! |---|---|---|---|
//! | soft | 0 dB | none | -51.6 dB |
//! | soft | 12 dB | none | -28.6 dB |
//! | soft | 24 dB | none | -12.9 dB |
//! | tube | 0 dB | -31.8 dB | -54.1 dB |
//! | tube | 12 dB | -21.3 dB | -30.6 dB |
//! | hard | 12 dB | none | none |
//! | hard | 24 dB | none | -11.1 dB |

pub use crate::blocks::oversample::Rate;

use crate::blocks::antiderivative::ClipAverage;
use crate::blocks::lookahead::Delay;
use crate::blocks::matched::{self, Fraction};
use crate::blocks::math::exp2;
use crate::blocks::oversample::Oversampler;
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Unit, choices, settings};
use audio::{Block, BlockRef, Buffer, Frames, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2, TAU};

choices! {
    /// The curve that bends the signal.
    pub enum Curve {
        /// Rounds both sides alike: the hyperbolic tangent. Odd harmonics that rise with level.
        Soft = "soft",
        /// Rounds one side earlier than the other, as a triode does: mostly the second harmonic.
        Tube = "tube",
        /// Leaves everything below the ceiling alone and cuts off what is above.
        Hard = "hard",
    }
}

settings! {
    /// Settings of the saturator.
    pub struct Settings {
        /// Level into the curve; the output is matched for a signal at -18 dBFS RMS.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -40.0, max: 36.0 },
        /// The curve that bends the signal.
        curve: Curve { label: "Curve", fixed: true },
        /// Raises the treble before the curve and lowers it after: positive bends the treble more, negative
        /// the bass.
        emphasis_db: f64 { label: "Emphasis", unit: Unit::Decibel, min: -12.0, max: 12.0 },
        /// Share of the saturated signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// How far the sample rate is raised for the curve.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Saturation.
pub static KIND: Kind = Kind {
    id: "saturator",
    label: "Saturator",
    family: Family::Saturation,
    help: "Adds harmonics and rounds peaks. Use a few decibels of drive to make a track denser or audible on \
           small loudspeakers, and the mix to blend it in.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Saturator::new(Settings::from_values(values), spec)),
    response: None,
};

/// Frames worked on at a time; the result does not depend on it.
const CHUNK: Frames = 64;

/// Working point of the tube on its curve. Puts the second harmonic of the nominal level at -32 dB.
const TUBE_BIAS: f64 = 0.3;

/// The tube's asymmetry makes direct current, which a high-pass of 6 dB per octave takes away.
const DIRECT_CURRENT_HZ: f64 = 5.0;

/// Corner of the emphasis: between the fundamentals and the presence of most instruments.
const EMPHASIS_HZ: f64 = 1_500.0;

/// Hyperbolic tangent, the same bits everywhere; its error of 1e-13 is under -250 dBFS.
#[inline(always)]
fn tanh(x: f64) -> f64 {
    1.0 - 2.0 / (1.0 + exp2(x * (2.0 / LN_2)))
}

/// The tube's curve, through zero with a slope of one.
#[inline(always)]
fn tube(x: f64, at_rest: f64) -> f64 {
    (tanh(x + TUBE_BIAS) - at_rest) / (1.0 - at_rest * at_rest)
}

/// The gain after the curve that gives a sine at -18 dBFS RMS its level back, direct current not counted.
fn trim(curve: Curve, drive: f64) -> f64 {
    const POINTS: usize = 64;
    let amplitude = db_to_gain(-18.0) * SQRT_2;
    let at_rest = tanh(TUBE_BIAS);
    let (mut sum, mut squares) = (0.0, 0.0);
    for i in 0..POINTS {
        let x = drive * amplitude * (TAU * (i as f64 + 0.5) / POINTS as f64).sin();
        let y = match curve {
            Curve::Soft => tanh(x),
            Curve::Tube => tube(x, at_rest),
            Curve::Hard => x.clamp(-1.0, 1.0),
        };
        sum += y;
        squares += y * y;
    }
    let mean = sum / POINTS as f64;
    db_to_gain(-18.0) / (squares / POINTS as f64 - mean * mean).sqrt()
}

/// The emphasis and its inverse, two sections each.
fn emphasis(settings: &Settings, sample_rate_hz: f64) -> [[Coefficients; 2]; 2] {
    let mut section = [matched::high_shelf(settings.emphasis_db.abs(), FRAC_1_SQRT_2)];
    let correction = matched::digital(&mut section, EMPHASIS_HZ / sample_rate_hz).unwrap_or(Fraction::ONE);
    let raising = [section[0], correction].map(|f| Coefficients::from_fraction(&f));
    let lowering = [section[0], correction].map(|f| Coefficients::from_fraction(&f.inverse()));
    match settings.emphasis_db {
        0.0 => [raising.map(Coefficients::silenced), lowering.map(Coefficients::silenced)],
        db if db < 0.0 => [lowering, raising],
        _ => [raising, lowering],
    }
}

fn factor(settings: &Settings) -> usize {
    settings.oversampling.factor(if settings.curve == Curve::Hard { 8 } else { 4 })
}

struct Channel {
    oversampler: Oversampler,
    clip: ClipAverage,
    dry: Delay,
}

struct Saturator {
    settings: Settings,
    sample_rate_hz: f64,
    channels: Vec<Channel>,
    before: Chain,
    /// The inverse emphasis, then for the tube the high-pass against direct current.
    after: Chain,
    drive: Ramp,
    trim: Ramp,
    mix: Ramp,
    output: Ramp,
    /// The input of a chunk, delayed like the saturated signal.
    dry: Buffer,
}

impl Saturator {
    fn new(settings: Settings, spec: &Spec) -> Saturator {
        let inner_delay = if settings.curve == Curve::Hard { ClipAverage::DELAY } else { 0 };
        let oversampler = Oversampler::new(factor(&settings), inner_delay);
        let channel = || Channel {
            dry: Delay::new(oversampler.latency()),
            oversampler: oversampler.clone(),
            clip: ClipAverage::default(),
        };
        let [raising, lowering] = emphasis(&settings, spec.sample_rate_hz);
        let mut high_pass = [Fraction::ONE; 8];
        matched::butterworth(1, true, FRAC_1_SQRT_2, &mut high_pass);
        matched::digital(&mut high_pass[..1], DIRECT_CURRENT_HZ / spec.sample_rate_hz);
        let blocker = (settings.curve == Curve::Tube).then(|| Coefficients::from_fraction(&high_pass[0]));
        let drive = db_to_gain(settings.drive_db);
        Saturator {
            channels: (0..spec.channels).map(|_| channel()).collect(),
            before: Chain::new(raising, spec.channels),
            after: Chain::new(lowering.into_iter().chain(blocker), spec.channels),
            drive: Ramp::new(drive),
            trim: Ramp::new(trim(settings.curve, drive)),
            mix: Ramp::new(settings.mix_percent / 100.0),
            output: Ramp::new(db_to_gain(settings.output_db)),
            dry: Buffer::new(spec.channels, CHUNK),
            sample_rate_hz: spec.sample_rate_hz,
            settings,
        }
    }

    fn chunk(&mut self, block: &mut Block) {
        let frames = block.frames();
        let dry_only = self.mix.target() == 0.0 && !self.mix.moves();
        let [drive, trim, mix, output] = [&mut self.drive, &mut self.trim, &mut self.mix, &mut self.output]
            .map(|ramp| {
                let mut path = [0.0; CHUNK];
                path[..frames].iter_mut().for_each(|value| *value = ramp.next_value());
                path
            });
        for (c, (samples, channel)) in block.iter_mut().zip(&mut self.channels).enumerate() {
            let dry = &mut self.dry.channel_mut(c)[..frames];
            dry.copy_from_slice(samples);
            channel.dry.pass(dry);
        }
        self.before.process(block);
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            let (factor, clip) = (channel.oversampler.factor(), &mut channel.clip);
            let curve = self.settings.curve;
            channel.oversampler.process(samples, |raised| bend(curve, clip, raised, factor, &drive, &trim));
        }
        self.after.process(block);
        for (c, samples) in block.iter_mut().enumerate() {
            let dry = &self.dry.channel(c)[..frames];
            if dry_only {
                samples.copy_from_slice(dry);
            } else {
                for (n, (sample, dry)) in samples.iter_mut().zip(dry).enumerate() {
                    *sample = mix[n] * *sample + (1.0 - mix[n]) * dry;
                }
            }
            samples.iter_mut().zip(&output).for_each(|(sample, gain)| *sample *= gain);
        }
    }
}

/// Drive, curve and trim on the raised signal of one channel; one value of each per frame.
fn bend(
    curve: Curve,
    clip: &mut ClipAverage,
    raised: &mut [f64],
    factor: usize,
    drive: &[f64],
    trim: &[f64],
) {
    let at_rest = tanh(TUBE_BIAS);
    for ((group, &drive), &trim) in raised.chunks_exact_mut(factor).zip(drive).zip(trim) {
        match curve {
            Curve::Soft => group.iter_mut().for_each(|x| *x = trim * tanh(drive * *x)),
            Curve::Tube => group.iter_mut().for_each(|x| *x = trim * tube(drive * *x, at_rest)),
            Curve::Hard => group.iter_mut().for_each(|x| *x = trim * clip.next(drive * *x)),
        }
    }
}

impl Processor for Saturator {
    fn latency(&self) -> Frames {
        self.channels.first().map_or(0, |c| c.oversampler.latency())
    }

    fn tail(&self) -> Tail {
        if self.settings.mix_percent == 0.0 {
            return Tail::Frames(0);
        }
        // The filters of linear phase ring as long after their middle as before it.
        Tail::Frames(self.latency() + self.before.tail() + self.after.tail())
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.oversampler.reset();
            channel.dry.reset();
            channel.clip = ClipAverage::default();
        }
        self.before.reset();
        self.after.reset();
        [&mut self.drive, &mut self.trim, &mut self.mix, &mut self.output].into_iter().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        let drive = db_to_gain(self.settings.drive_db);
        self.drive.go_to(drive);
        self.trim.go_to(trim(self.settings.curve, drive));
        self.mix.go_to(self.settings.mix_percent / 100.0);
        self.output.go_to(db_to_gain(self.settings.output_db));
        let [before, after] = emphasis(&self.settings, self.sample_rate_hz);
        for section in 0..2 {
            self.before.go_to(section, before[section]);
            self.after.go_to(section, after[section]);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            let frames = CHUNK.min(block.frames() - start);
            self.chunk(&mut block.range_mut(start, frames));
            start += frames;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Setting;
    use realfft::RealFftPlanner;

    const RATE: f64 = 44_100.0;
    const SECOND: usize = 44_100;

    /// The amplitudes at whole hertz of a sine's second second through the saturator.
    fn spectrum(settings: Settings, hz: f64, amplitude: f64) -> Vec<f64> {
        let mut samples: Vec<f64> =
            (0..2 * SECOND).map(|n| amplitude * (TAU * hz * n as f64 / RATE).sin()).collect();
        let spec = Spec { sample_rate_hz: RATE, channels: 1, max_frames: 4_096 };
        Saturator::new(settings, &spec).process(&mut Block::from_mono(&mut samples), None);
        let transform = RealFftPlanner::new().plan_fft_forward(SECOND);
        let mut bins = transform.make_output_vec();
        transform.process(&mut samples[SECOND..], &mut bins).expect("lengths fit");
        bins.iter().map(|x| x.norm() * 2.0 / SECOND as f64).collect()
    }

    fn wet(curve: Curve, drive_db: f64) -> Settings {
        Settings { curve, drive_db, mix_percent: 100.0, ..Settings::default() }
    }

    fn db(ratio: f64) -> f64 {
        20.0 * ratio.log10()
    }

    /// The strongest component below 20 kHz that is no harmonic, relative to the fundamental.
    fn alias_db(settings: Settings, hz: usize) -> f64 {
        let bins = spectrum(settings, hz as f64, 1.0);
        let stray = (20..20_000).filter(|n| n % hz != 0).map(|n| bins[n]).fold(0.0, f64::max);
        db(stray / bins[hz])
    }

    /// The published figures for these factors with a decimator long enough not to be the limit.
    #[test]
    fn nothing_folds_back() {
        for (curve, oversampling, bound_db) in [
            (Curve::Soft, Rate::Auto, -100.0),
            (Curve::Tube, Rate::Auto, -90.0),
            (Curve::Hard, Rate::Auto, -80.0),
            (Curve::Hard, Rate::Sixteen, -90.0),
        ] {
            let seen = alias_db(Settings { oversampling, ..wet(curve, 12.0) }, 5_000);
            assert!(seen < bound_db, "{curve:?}, {oversampling:?}: {seen:.1} dB");
        }
    }

    /// In the best mode every curve stays under -100 dB, at either rate.
    #[test]
    fn nothing_folds_back_in_the_best_mode() {
        for curve in 0..3 {
            let set = [("mix_percent", 100.0), ("curve", f64::from(curve)), ("oversampling", 3.0)];
            let seen = crate::blocks::spectrum::tests::worst_alias_db(&KIND, &set);
            assert!(seen < -100.0, "{curve}: {seen:.1} dB");
        }
    }

    /// The table of the module, which follows from the curves' Fourier coefficients; 1 dB is allowed.
    #[test]
    fn harmonics_are_as_stated() {
        let nominal = db_to_gain(-18.0) * SQRT_2;
        let none = f64::NEG_INFINITY;
        for (curve, drive_db, second, third) in [
            (Curve::Soft, 0.0, none, -51.6),
            (Curve::Soft, 12.0, none, -28.6),
            (Curve::Soft, 24.0, none, -12.9),
            (Curve::Tube, 0.0, -31.8, -54.1),
            (Curve::Tube, 12.0, -21.3, -30.6),
            (Curve::Hard, 12.0, none, none),
            (Curve::Hard, 24.0, none, -11.1),
        ] {
            let bins = spectrum(wet(curve, drive_db), 1_000.0, nominal);
            for (harmonic, expected) in [(2_000, second), (3_000, third)] {
                let seen = db(bins[harmonic] / bins[1_000]);
                let as_stated = if expected == none { seen < -120.0 } else { (seen - expected).abs() < 1.0 };
                assert!(as_stated, "{curve:?}, {drive_db} dB, {harmonic} Hz: {seen:.1}, stated {expected}");
            }
        }
    }

    #[test]
    fn little_drive_is_clean() {
        for curve in [Curve::Soft, Curve::Hard] {
            let bins = spectrum(wet(curve, -40.0), 1_000.0, 1.0);
            let rest: f64 = (2..20).map(|k| bins[k * 1_000].powi(2)).sum::<f64>().sqrt();
            assert!(db(rest / bins[1_000]) < -90.0, "{curve:?}: {:.1} dB", db(rest / bins[1_000]));
            assert!(db(bins[1_000]).abs() < 0.01, "{curve:?}: {:.3} dB", db(bins[1_000]));
        }
    }

    #[test]
    fn nominal_level_is_kept_and_no_direct_current_made() {
        let nominal = db_to_gain(-18.0) * SQRT_2;
        for curve in [Curve::Soft, Curve::Tube, Curve::Hard] {
            for drive_db in [-12.0, 0.0, 12.0, 30.0] {
                let bins = spectrum(wet(curve, drive_db), 1_000.0, nominal);
                let power: f64 = bins[1..].iter().map(|x| x * x / 2.0).sum();
                // Harmonics above 22 kHz are counted by the trim and removed by the filter: under 0.3 dB.
                let level_db = 10.0 * power.log10();
                assert!(
                    (level_db + 18.0).abs() < 0.3,
                    "{curve:?}, {drive_db} dB of drive: {level_db:.2} dBFS"
                );
                assert!(db(bins[0] / 2.0) < -80.0, "{curve:?}: direct current {:.1} dBFS", db(bins[0] / 2.0));
            }
        }
    }

    /// Without bending, the mixed signal is the input: the paths stand on the same instant to a small part
    /// of a frame, the hard curve's half sample included.
    #[test]
    fn both_paths_stand_on_the_same_instant() {
        for curve in [Curve::Soft, Curve::Hard] {
            for oversampling in [Rate::Four, Rate::Eight, Rate::Sixteen] {
                let settings =
                    Settings { mix_percent: 50.0, emphasis_db: 6.0, oversampling, ..wet(curve, -40.0) };
                let bins = spectrum(settings, 15_000.0, 0.1);
                // A tenth of a frame apart would cost 0.05 dB at 15 kHz, half a sample of the raised rate more;
                // the hard curve's averaging at 4x may cost 0.021.
                assert!(db(bins[15_000] / 0.1).abs() < 0.03, "{curve:?}: {:.3} dB", db(bins[15_000] / 0.1));
            }
        }
    }

    /// The parameters the session writes as names are what the help says.
    #[test]
    fn automatic_oversampling_follows_the_curve() {
        for (curve, expected) in [(Curve::Soft, 4), (Curve::Tube, 4), (Curve::Hard, 8)] {
            let settings = Settings { curve, oversampling: Rate::from_number(0.0), ..Settings::default() };
            assert_eq!(factor(&settings), expected);
        }
    }
}
