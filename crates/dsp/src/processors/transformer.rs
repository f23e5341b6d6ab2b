//! A transformer: its core runs out of iron in the bass.
//!
//! The flux in the core is the integral of the voltage, hence falls by 6 dB per octave; the core bends it,
//! `f(q) = q / sqrt(1 + (q/s)²)` with the core's size s, and the voltage at the other side is the rate at which the flux
//! changes. Only the bent part goes that way, `y = x + d/dt (f(q) - q)`, so that what does not bend passes as it is. The
//! third harmonic, `3 A²/(8 s²)` of a tone with the flux A, so falls by 12 dB per octave upwards: the bass thickens,
//! the middle stays clean. (Voltage and flux: W. M. Flanagan, *Handbook of Transformer Design and Applications*, 1993.)
//!
//! Around it a high-pass of 12 dB per octave with a resonance, as inductance and coupling capacitor make it, and a
//! low-pass of 12 dB per octave, as leakage and winding capacity do.
//!
//! Third harmonic of a sine at -18 dBFS RMS without drive, relative to the fundamental:
//!
//! | core | 25 Hz | 50 Hz | 100 Hz | 200 Hz |
//! |---|---|---|---|---|
//! | small | -18.1 dB | -28.5 dB | -40.1 dB | -52.1 dB |
//! | medium | -28.5 dB | -40.1 dB | -52.1 dB | -64.1 dB |
//! | large | -40.1 dB | -52.1 dB | -64.1 dB | -76.1 dB |

pub use crate::blocks::colour::Match;
pub use crate::blocks::oversample::Rate;

use crate::blocks::colour::Blend;
use crate::blocks::grid::flush;
use crate::blocks::matched::{self, Fraction};
use crate::blocks::oversample::Oversampler;
use crate::blocks::path::{Bend, Path};
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

choices! {
    /// How much iron there is.
    pub enum Core {
        /// As in a line input.
        Medium = "medium",
        /// As in a microphone input: saturates an octave higher.
        Small = "small",
        /// As in an output: saturates an octave lower.
        Large = "large",
    }
}

settings! {
    /// Settings of the transformer.
    pub struct Settings {
        /// Level into the transformer.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -40.0, max: 36.0 },
        /// How much iron there is.
        core: Core { label: "Core", fixed: true },
        /// Where the bass ends.
        low_hz: f64 {
            label: "Low", unit: Unit::Hertz, min: 5.0, max: 60.0, default: 12.0, taper: Taper::Logarithmic,
        },
        /// Height of the resonance where the bass ends.
        resonance_db: f64 { label: "Resonance", unit: Unit::Decibel, max: 6.0, default: 1.0 },
        /// Where the treble ends; at the upper end it does not.
        high_hz: f64 {
            label: "High", unit: Unit::Hertz, min: 5_000.0, max: 20_000.0, default: 20_000.0, taper: Taper::Logarithmic,
        },
        /// Share of the transformer's signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// How the level is matched to the input's.
        level: Match { label: "Level", fixed: true },
        /// How far the sample rate is raised; automatic is 4x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Transformer.
pub static KIND: Kind = Kind {
    id: "transformer",
    label: "Transformer",
    family: Family::Saturation,
    help: "Bends the bass and leaves the rest alone, as iron does. Use it on bass, kick and buses that should feel \
           heavier without getting louder.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Transformer::new(Settings::from_values(values), spec)),
    response: None,
};

/// The frequency at which a tone's flux is as high as the tone.
const FLUX: f64 = TAU * 50.0;
/// The flux fades with this corner, in radians per second: 3 Hz.
const LEAK: f64 = TAU * 3.0;
/// Flux at which a medium core is bent to 0.7: puts the third harmonic of 50 Hz at the nominal level at -40 dB.
const MEDIUM: f64 = 1.09;

/// The core of one channel.
#[derive(Debug, Clone, Copy)]
struct Iron {
    factor: usize,
    /// One over the square of the core's size.
    softness: f64,
    /// Flux of a unit voltage in half a raised sample, and what is left of the flux after one.
    half: f64,
    keep: f64,
    flux: f64,
    before: f64,
    missing: f64,
}

impl Iron {
    fn new(core: Core, factor: usize, sample_rate_hz: f64) -> Iron {
        let size = match core {
            Core::Medium => MEDIUM,
            Core::Small => 0.5 * MEDIUM,
            Core::Large => 2.0 * MEDIUM,
        };
        let interval = 1.0 / (factor as f64 * sample_rate_hz);
        let half = 0.5 * interval * FLUX;
        let keep = (-LEAK * interval).exp();
        Iron { factor, softness: 1.0 / (size * size), half, keep, flux: 0.0, before: 0.0, missing: 0.0 }
    }
}

impl Bend for Iron {
    fn reset(&mut self) {
        (self.flux, self.before, self.missing) = (0.0, 0.0, 0.0);
    }

    fn bend(&mut self, raised: &mut [f64], drive: &[f64]) {
        let Iron { factor, softness, half, keep, mut flux, mut before, mut missing } = *self;
        let per_step = 0.5 / half;
        for (group, drive) in raised.chunks_exact_mut(factor).zip(drive) {
            for x in group {
                let voltage = drive * *x;
                flux = keep * flux + half * (voltage + before);
                // q (1 - 1/sqrt(1 + r)) without the difference of nearly equal numbers.
                let ratio = flux * flux * softness;
                let root = (1.0 + ratio).sqrt();
                let lost = flux * ratio / (root * (1.0 + root));
                *x = voltage - (lost - missing) * per_step;
                before = voltage;
                missing = lost;
            }
        }
        self.flux = flush(flux);
        self.before = flush(before);
        self.missing = flush(missing);
    }
}

/// High-pass; low-pass and its correction.
fn filters(settings: &Settings, sample_rate_hz: f64) -> [Coefficients; 3] {
    // The Q whose peak is this high.
    let peak = db_to_gain(settings.resonance_db);
    let q = (0.5 * (peak * peak + (peak.powi(4) - peak * peak).max(0.0).sqrt())).sqrt();
    let mut high_pass = [Fraction::ONE; 8];
    matched::butterworth(2, true, q, &mut high_pass);
    matched::digital(&mut high_pass[..1], settings.low_hz / sample_rate_hz);
    let mut low_pass = [Fraction::ONE; 8];
    matched::butterworth(2, false, FRAC_1_SQRT_2, &mut low_pass);
    let correction =
        matched::digital(&mut low_pass[..1], settings.high_hz / sample_rate_hz).unwrap_or(Fraction::ONE);
    let mut all = [high_pass[0], low_pass[0], correction].map(|f| Coefficients::from_fraction(&f));
    if settings.high_hz >= HIGHEST_HZ {
        all[1] = all[1].silenced();
        all[2] = all[2].silenced();
    }
    all
}

/// At this corner there is no low-pass.
const HIGHEST_HZ: f64 = 20_000.0;

struct Transformer {
    settings: Settings,
    sample_rate_hz: f64,
    path: Path<Iron>,
}

impl Transformer {
    fn new(settings: Settings, spec: &Spec) -> Transformer {
        let rate = spec.sample_rate_hz;
        let oversampler = Oversampler::new(settings.oversampling.factor(4), 0);
        let iron = Iron::new(settings.core, oversampler.factor(), rate);
        let drive = db_to_gain(settings.drive_db);
        let mix = settings.mix_percent / 100.0;
        let output = db_to_gain(settings.output_db);
        // In the middle of the band nothing bends: the drive is taken back.
        let blend = Blend::new(oversampler.latency(), settings.level, 1.0 / drive, mix, output, spec);
        let chains = [Chain::new([], spec.channels), Chain::new(filters(&settings, rate), spec.channels)];
        let path = Path::new(oversampler, vec![iron; spec.channels], chains, drive, blend);
        Transformer { settings, sample_rate_hz: rate, path }
    }
}

impl Processor for Transformer {
    fn latency(&self) -> Frames {
        self.path.latency()
    }

    fn tail(&self) -> Tail {
        if self.settings.mix_percent == 0.0 {
            return Tail::Frames(0);
        }
        // A core that was deep in saturation comes back as the flux leaks: to a millionth in 14 time constants.
        let leak = (14.0 / LEAK * self.sample_rate_hz) as Frames;
        Tail::Frames(self.path.tail() + leak)
    }

    fn reset(&mut self) {
        self.path.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        let settings = &self.settings;
        let drive = db_to_gain(settings.drive_db);
        self.path.drive.go_to(drive);
        for (section, coefficients) in filters(settings, self.sample_rate_hz).into_iter().enumerate() {
            self.path.after.go_to(section, coefficients);
        }
        self.path.blend.go_to(1.0 / drive, settings.mix_percent / 100.0, db_to_gain(settings.output_db));
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.path.process(block, |_| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::colour::nominal_amplitude;
    use crate::blocks::spectrum::tests::*;

    /// Without the bass filter's share in the harmonics: its corner at its lowest.
    const WET: [(&str, f64); 4] =
        [("mix_percent", 100.0), ("level", 1.0), ("low_hz", 5.0), ("resonance_db", 0.0)];

    #[test]
    fn harmonics_are_as_stated() {
        for (core, stated) in [
            (0.0, [-28.5, -40.1, -52.1, -64.1]),
            (1.0, [-18.1, -28.5, -40.1, -52.1]),
            (2.0, [-40.1, -52.1, -64.1, -76.1]),
        ] {
            for (hz, expected) in [25, 50, 100, 200].into_iter().zip(stated) {
                let mut set = WET.to_vec();
                set.push(("core", core));
                let bins =
                    spectrum(&rendered(&KIND, &set, sine(48_000, hz, nominal_amplitude()), 48_000), 48_000);
                let seen = db(bins[3 * hz] / bins[hz]);
                assert!((seen - expected).abs() < 1.0, "core {core}, {hz} Hz: {seen:.1}, stated {expected}");
                assert!(db(bins[2 * hz] / bins[hz]) < -100.0, "even harmonics");
                assert!(db(bins[0] / 2.0) < -80.0, "direct current");
            }
        }
    }

    #[test]
    fn little_drive_is_clean() {
        let mut set = WET.to_vec();
        set.push(("drive_db", -40.0));
        let bins = spectrum(&rendered(&KIND, &set, sine(48_000, 50, nominal_amplitude()), 48_000), 48_000);
        let rest: f64 = (2..20).map(|k| bins[k * 50].powi(2)).sum::<f64>().sqrt();
        assert!(db(rest / bins[50]) < -90.0, "{:.1} dB", db(rest / bins[50]));
        assert!(db(bins[50] / nominal_amplitude()).abs() < 0.01);
    }

    #[test]
    fn nothing_folds_back() {
        for (oversampling, bound_db) in [(0.0, -110.0), (3.0, -110.0)] {
            let mut set = WET.to_vec();
            set.extend([("oversampling", oversampling), ("core", 1.0)]);
            let seen = worst_alias_db(&KIND, &set);
            assert!(seen < bound_db, "{oversampling}: {seen:.1} dB");
        }
    }

    /// The resonance is as high as set, the bass falls below it, and the treble at its corner by 3 dB.
    #[test]
    fn the_tone_is_as_set() {
        let level = |hz: usize, set: &[(&str, f64)]| {
            let mut all = vec![("mix_percent", 100.0), ("level", 1.0), ("drive_db", -40.0)];
            all.extend(set);
            db(spectrum(&rendered(&KIND, &all, sine(48_000, hz, 0.1), 48_000), 48_000)[hz] / 0.1)
        };
        let bass = [("low_hz", 40.0), ("resonance_db", 4.0)];
        let highest = (40..80).step_by(4).map(|hz| level(hz, &bass)).fold(f64::NEG_INFINITY, f64::max);
        assert!((highest - 4.0).abs() < 0.1, "{highest:.2} dB");
        assert!(level(10, &bass) < -20.0);
        let treble = level(8_000, &[("high_hz", 8_000.0)]);
        assert!((treble + 3.01).abs() < 0.1, "{treble:.2} dB");
    }

    #[test]
    fn loudness_is_kept() {
        for core in [0.0, 1.0] {
            let apart = louder_by(&KIND, &[("mix_percent", 100.0), ("drive_db", 12.0), ("core", core)]);
            assert!(apart.abs() < 0.1, "{core}: {apart:.3} LU");
        }
    }

    #[test]
    fn stays_stable() {
        let (peak, direct_current_db) =
            after_abuse(&KIND, &[("mix_percent", 100.0), ("drive_db", 36.0), ("core", 1.0)]);
        assert!(peak < 100.0 && direct_current_db < -80.0, "{peak}, {direct_current_db:.1} dBFS");
    }
}
