//! A mixing console's amplifiers: a trace of harmonics, a soft end of the range, and crosstalk.
//!
//! Curve: a hyperbolic tangent whose end is 27 dB above the nominal level, where a console's headroom ends. The
//! `integrated` amplifier is symmetrical; the `discrete` one works off its middle, which adds the second harmonic. Drive
//! it as a bus and it becomes the sum's.
//!
//! Crosstalk couples through capacities between neighbours: it is set at 1 kHz and rises by 12 dB up to the treble.
//!
//! Harmonics of a sine of 1 kHz at -18 dBFS RMS, relative to the fundamental:
//!
//! | circuit | drive | 2nd | 3rd | THD |
//! |---|---|---|---|---|
//! | integrated | 0 dB | none | -70.0 dB | -70.0 dB |
//! | integrated | 12 dB | none | -46.3 dB | -46.3 dB |
//! | discrete | 0 dB | -66.0 dB | -70.0 dB | -64.5 dB |
//! | discrete | 12 dB | -54.3 dB | -46.3 dB | -45.7 dB |

pub use crate::blocks::colour::Match;
pub use crate::blocks::oversample::Rate;

use crate::blocks::colour::{Blend, direct_current_filter, nominal_amplitude};
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::matched::{self, Fraction};
use crate::blocks::math::exp2;
use crate::blocks::oversample::Oversampler;
use crate::blocks::path::{Bend, Path};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Unit, choices, settings};
use audio::{Block, BlockRef, Buffer, Frames, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, TAU};

choices! {
    /// How the amplifiers are built.
    pub enum Circuit {
        /// Of single transistors: second and third harmonic.
        Discrete = "discrete",
        /// Integrated and symmetrical: the third harmonic alone, and less of it in all.
        Integrated = "integrated",
    }
}

settings! {
    /// Settings of the console.
    pub struct Settings {
        /// Level into the amplifiers; how hot the bus is run.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -40.0, max: 36.0 },
        /// How the amplifiers are built.
        circuit: Circuit { label: "Circuit", fixed: true },
        /// What the left channel hears of the right and back, at 1 kHz; at the lower end nothing.
        crosstalk_db: f64 { label: "Crosstalk", unit: Unit::Decibel, min: -100.0, max: -40.0, default: -100.0 },
        /// Share of the console's signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// How the level is matched to the input's.
        level: Match { label: "Level", fixed: true },
        /// How far the sample rate is raised; automatic is 4x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Console.
pub static KIND: Kind = Kind {
    id: "console",
    label: "Console",
    family: Family::Saturation,
    help: "The trace of colour that a desk's amplifiers leave on every channel and more on its buses. Use it on many \
           tracks with no drive, or on a bus with some, for a denser sum.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Console::new(Settings::from_values(values), spec)),
    response: None,
};

/// Steepness of the curve: puts the third harmonic of the nominal level, (steepness amplitude)²/12, at -70 dB.
const STEEPNESS: f64 = 0.346;
/// Working point of the discrete circuit on its curve: puts the second harmonic at -66 dB.
const OFF_MIDDLE: f64 = 0.0163;

/// At this level there is no crosstalk.
const NO_CROSSTALK_DB: f64 = -100.0;
/// The crosstalk's rise towards the treble, and its middle.
const CROSSTALK_RISE_DB: f64 = 12.0;
const CROSSTALK_HZ: f64 = 5_000.0;

/// Hyperbolic tangent, the same bits everywhere; its error of 1e-13 is under -250 dBFS.
#[inline(always)]
fn tanh(x: f64) -> f64 {
    1.0 - 2.0 / (1.0 + exp2(x * (2.0 / LN_2)))
}

/// The amplifier of one channel.
#[derive(Debug, Clone, Copy)]
struct Amplifier {
    factor: usize,
    /// Working point, the curve's height there, and one over its slope.
    off: f64,
    height: f64,
    scale: f64,
}

impl Amplifier {
    fn new(circuit: Circuit, factor: usize) -> Amplifier {
        let off = if circuit == Circuit::Discrete { OFF_MIDDLE } else { 0.0 };
        let height = tanh(off);
        Amplifier { factor, off, height, scale: 1.0 / (STEEPNESS * (1.0 - height * height)) }
    }

    #[inline(always)]
    fn at(&self, x: f64) -> f64 {
        (tanh(STEEPNESS * x + self.off) - self.height) * self.scale
    }
}

impl Bend for Amplifier {
    fn reset(&mut self) {}

    fn bend(&mut self, raised: &mut [f64], drive: &[f64]) {
        for (group, drive) in raised.chunks_exact_mut(self.factor).zip(drive) {
            group.iter_mut().for_each(|x| *x = self.at(drive * *x));
        }
    }
}

/// The gain after the amplifier that gives a sine at -18 dBFS RMS its level back.
fn trim(settings: &Settings) -> f64 {
    const POINTS: usize = 64;
    let height = db_to_gain(settings.drive_db) * nominal_amplitude();
    let amplifier = Amplifier::new(settings.circuit, 1);
    let (mut sum, mut squares) = (0.0, 0.0);
    for i in 0..POINTS {
        let y = amplifier.at(height * (TAU * (i as f64 + 0.5) / POINTS as f64).sin());
        sum += y;
        squares += y * y;
    }
    let mean = sum / POINTS as f64;
    db_to_gain(-18.0) / (squares / POINTS as f64 - mean * mean).sqrt().max(1e-9)
}

/// What one channel hears of the other: a shelf that is one at 1 kHz.
struct Crosstalk {
    filter: Chain,
    heard: Buffer,
    level: Ramp,
    /// One over the shelf's gain at 1 kHz.
    scale: f64,
}

impl Crosstalk {
    fn new(settings: &Settings, spec: &Spec) -> Crosstalk {
        let corner = CROSSTALK_HZ / spec.sample_rate_hz;
        let mut section = [matched::high_shelf(CROSSTALK_RISE_DB, FRAC_1_SQRT_2)];
        let scale = 1.0 / section[0].power((1_000.0f64 / CROSSTALK_HZ).powi(2)).sqrt();
        let correction = matched::digital(&mut section, corner).unwrap_or(Fraction::ONE);
        let shelf = [section[0], correction].map(|f| Coefficients::from_fraction(&f));
        Crosstalk {
            filter: Chain::new(shelf, spec.channels),
            heard: Buffer::new(spec.channels, CONTROL_FRAMES),
            level: Ramp::new(scale * crosstalk(settings)),
            scale,
        }
    }

    fn reset(&mut self) {
        self.filter.reset();
        self.level.finish();
    }

    fn process(&mut self, block: &mut Block) {
        if block.channels() != 2 {
            return;
        }
        let mut heard = self.heard.range_mut(0, block.frames());
        heard.copy_from(&block.as_ref());
        self.filter.process(&mut heard);
        let (of_left, of_right) = heard.stereo_mut();
        let (left, right) = block.stereo_mut();
        for n in 0..left.len() {
            let level = self.level.next_value();
            left[n] += level * of_right[n];
            right[n] += level * of_left[n];
        }
    }
}

/// Gain of the crosstalk at 1 kHz.
fn crosstalk(settings: &Settings) -> f64 {
    if settings.crosstalk_db > NO_CROSSTALK_DB { db_to_gain(settings.crosstalk_db) } else { 0.0 }
}

struct Console {
    settings: Settings,
    path: Path<Amplifier>,
    crosstalk: Crosstalk,
}

impl Console {
    fn new(settings: Settings, spec: &Spec) -> Console {
        let oversampler = Oversampler::new(settings.oversampling.factor(4), 0);
        let amplifier = Amplifier::new(settings.circuit, oversampler.factor());
        let mix = settings.mix_percent / 100.0;
        let output = db_to_gain(settings.output_db);
        let blend = Blend::new(oversampler.latency(), settings.level, trim(&settings), mix, output, spec);
        let after = Chain::new([direct_current_filter(spec.sample_rate_hz)], spec.channels);
        let chains = [Chain::new([], spec.channels), after];
        let drive = db_to_gain(settings.drive_db);
        let path = Path::new(oversampler, vec![amplifier; spec.channels], chains, drive, blend);
        Console { crosstalk: Crosstalk::new(&settings, spec), path, settings }
    }
}

impl Processor for Console {
    fn latency(&self) -> Frames {
        self.path.latency()
    }

    fn tail(&self) -> Tail {
        if self.settings.mix_percent == 0.0 {
            return Tail::Frames(0);
        }
        Tail::Frames(self.path.tail() + self.crosstalk.filter.tail())
    }

    fn reset(&mut self) {
        self.path.reset();
        self.crosstalk.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        let settings = &self.settings;
        self.path.drive.go_to(db_to_gain(settings.drive_db));
        self.crosstalk.level.go_to(self.crosstalk.scale * crosstalk(settings));
        let output = db_to_gain(settings.output_db);
        self.path.blend.go_to(trim(settings), settings.mix_percent / 100.0, output);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let Console { path, crosstalk, .. } = self;
        path.process(block, |wet| crosstalk.process(wet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::spectrum::tests::*;

    fn wet(circuit: f64, drive_db: f64) -> Vec<(&'static str, f64)> {
        vec![("mix_percent", 100.0), ("level", 1.0), ("circuit", circuit), ("drive_db", drive_db)]
    }

    /// The table of the module, from the tangent's series; 1 dB is allowed.
    #[test]
    fn harmonics_are_as_stated() {
        let none = f64::NEG_INFINITY;
        for (circuit, drive_db, second, third) in [
            (1.0, 0.0, none, -70.0),
            (1.0, 12.0, none, -46.3),
            (0.0, 0.0, -66.0, -70.0),
            (0.0, 12.0, -54.3, -46.3),
        ] {
            let tone = sine(48_000, 1_000, nominal_amplitude());
            let bins = spectrum(&rendered(&KIND, &wet(circuit, drive_db), tone, 48_000), 48_000);
            for (harmonic, expected) in [(2_000, second), (3_000, third)] {
                let seen = db(bins[harmonic] / bins[1_000]);
                let as_stated = if expected == none { seen < -120.0 } else { (seen - expected).abs() < 1.0 };
                assert!(as_stated, "{circuit}, {drive_db} dB, {harmonic} Hz: {seen:.1}, stated {expected}");
            }
            assert!(db(bins[0] / 2.0) < -80.0, "direct current");
            if drive_db == 0.0 {
                let rest: f64 = (2..20).map(|k| bins[k * 1_000].powi(2)).sum::<f64>().sqrt();
                let seen = db(rest / bins[1_000]);
                assert!((-75.0..-60.0).contains(&seen), "THD {seen:.1} dB");
            }
        }
    }

    #[test]
    fn little_drive_is_clean() {
        for circuit in [0.0, 1.0] {
            let tone = sine(48_000, 1_000, nominal_amplitude());
            let bins = spectrum(&rendered(&KIND, &wet(circuit, -40.0), tone, 48_000), 48_000);
            let rest: f64 = (2..20).map(|k| bins[k * 1_000].powi(2)).sum::<f64>().sqrt();
            assert!(db(rest / bins[1_000]) < -90.0, "{:.1} dB", db(rest / bins[1_000]));
        }
    }

    #[test]
    fn nothing_folds_back() {
        for circuit in [0.0, 1.0] {
            let seen = worst_alias_db(&KIND, &wet(circuit, 0.0));
            assert!(seen < -105.0, "{circuit}: {seen:.1} dB");
        }
    }

    /// One channel hears the other at the level that is set, higher in the treble, and nothing by default.
    #[test]
    fn crosstalk_is_as_set() {
        let heard = |crosstalk_db: f64, hz: usize| {
            let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };
            let settings =
                Settings { crosstalk_db, mix_percent: 100.0, level: Match::Nominal, ..Settings::default() };
            let mut audio = Buffer::from_channels(&[sine(48_000, hz, 0.1), vec![0.0; 96_000]]);
            Console::new(settings, &spec).process(&mut audio.as_block_mut(), None);
            db(spectrum(audio.channel(1), 48_000)[hz] / 0.1)
        };
        assert!((heard(-70.0, 1_000) + 70.0).abs() < 0.1, "{:.2} dB", heard(-70.0, 1_000));
        let rise = heard(-70.0, 18_000) - heard(-70.0, 100);
        assert!((rise - CROSSTALK_RISE_DB).abs() < 0.5, "{rise:.2} dB");
        assert_eq!(heard(-100.0, 1_000), f64::NEG_INFINITY);
    }

    #[test]
    fn loudness_is_kept() {
        let apart = louder_by(&KIND, &[("mix_percent", 100.0), ("drive_db", 18.0)]);
        assert!(apart.abs() < 0.1, "{apart:.3} LU");
    }

    #[test]
    fn stays_stable() {
        let (peak, direct_current_db) = after_abuse(&KIND, &[("mix_percent", 100.0), ("drive_db", 36.0)]);
        assert!(peak < 4.0 && direct_current_db < -80.0, "{peak}, {direct_current_db:.1} dBFS");
    }
}
