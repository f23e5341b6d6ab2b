//! A tube stage: a triode whose bias moves when its grid draws current.
//!
//! Curve: the triode of `triode` at 4, 8 or 16 times the sample rate. Positive tops make the grid conduct; the current
//! charges the coupling capacitor (22 nF), which moves the working point towards cut-off and lets it come back over the
//! recovery time (capacitor times grid leak): after a hot passage the stage is more asymmetrical and, for a moment,
//! softer. The curve's direct current is taken away at 5 Hz.
//!
//! Harmonics of a sine of 1 kHz at -18 dBFS RMS, relative to the fundamental:
//!
//! | stage | drive | 2nd | 3rd |
//! |---|---|---|---|
//! | single | 0 dB | -35.2 dB | -59.3 dB |
//! | single | 12 dB | -21.0 dB | -32.0 dB |
//! | double | 0 dB | -41.1 dB | -55.7 dB |
//! | double | 12 dB | -24.9 dB | -29.1 dB |
//! | push-pull | 0 dB | none | -59.3 dB |
//! | push-pull | 12 dB | none | -32.0 dB |

mod triode;

pub use crate::blocks::colour::Match;
pub use crate::blocks::oversample::Rate;

use crate::blocks::antiderivative::MakeUp;
use crate::blocks::colour::{Blend, direct_current_filter, nominal_amplitude};
use crate::blocks::grid::flush;
use crate::blocks::oversample::Oversampler;
use crate::blocks::path::{Bend, Path};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::Chain;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use std::f64::consts::TAU;
use std::sync::Arc;
use triode::{REST_V, Triode};

choices! {
    /// How many triodes there are, and how they stand together.
    pub enum Stage {
        /// One: mostly the second harmonic.
        Single = "single",
        /// Two in a row, the second at half the level: they bend opposite sides, the second harmonic halves.
        Double = "double",
        /// A pair that works in opposition: even harmonics cancel.
        PushPull = "push_pull",
    }
}

settings! {
    /// Settings of the tube stage.
    pub struct Settings {
        /// Level into the tube.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -40.0, max: 36.0 },
        /// How many triodes there are, and how they stand together.
        stage: Stage { label: "Stage", fixed: true },
        /// Working point: 100 is half a volt hotter, whose grid conducts sooner, -100 half a volt colder.
        bias_percent: f64 { label: "Bias", unit: Unit::Percent, min: -100.0, max: 100.0, fixed: true },
        /// Time in which the working point comes back after the grid has drawn current.
        recovery_ms: f64 {
            label: "Recovery", unit: Unit::Millisecond, min: 5.0, max: 50.0, default: 22.0,
            taper: Taper::Logarithmic,
        },
        /// Share of the tube's signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// How the level is matched to the input's.
        level: Match { label: "Level", fixed: true },
        /// How far the sample rate is raised; automatic is 8x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Tube stage.
pub static KIND: Kind = Kind {
    id: "tube",
    label: "Tube",
    family: Family::Saturation,
    help: "A triode stage: warms with the second harmonic, rounds one side of the wave and leans back after loud \
           passages. Use it on vocals, bass and anything that sounds thin.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Tube::new(Settings::from_values(values), spec)),
    response: None,
};

/// Volts at the grid of a full-scale sample without drive: puts the second harmonic of the nominal level at -35 dB.
const VOLTS: f64 = 1.71;
/// Half the range of the bias, in volts.
const BIAS_V: f64 = 0.5;
/// The capacitor that the grid charges.
const CAPACITOR_F: f64 = 22e-9;
/// Level at the second triode of two.
const SECOND: f64 = 0.5;
/// Ways shorter than this are taken for a point: their quotient would lose digits.
const SHORTEST_V: f64 = 1e-5;
/// Corner of the coupling between two triodes, in radians per second: 5 Hz.
const COUPLING: f64 = TAU * 5.0;

/// One triode with its coupling capacitor, through zero with a slope of one and not inverted.
#[derive(Debug, Clone, Copy)]
struct Valve {
    rest: f64,
    plate_at_rest: f64,
    current_at_rest: f64,
    scale: f64,
    /// Voltage on the capacitor.
    charge: f64,
    /// The last voltage before the grid, and the area under the curve there.
    before: f64,
    area: f64,
    make_up: MakeUp,
}

impl Valve {
    fn new(settings: &Settings, triode: &Triode) -> Valve {
        let rest = REST_V + BIAS_V * settings.bias_percent / 100.0;
        Valve {
            rest,
            plate_at_rest: triode.plate(rest),
            current_at_rest: triode.grid_current(rest),
            scale: 1.0 / (VOLTS * triode.gain(rest)),
            charge: 0.0,
            before: rest,
            area: triode.plate_area(rest),
            make_up: MakeUp::default(),
        }
    }

    /// What comes out for a steady sample, and the grid's current beyond that at rest.
    fn at(&self, triode: &Triode, x: f64) -> (f64, f64) {
        let source = self.rest + VOLTS * x - self.charge;
        let fall = self.plate_at_rest - triode.plate(source);
        (self.scale * fall, triode.grid_current(source) - self.current_at_rest)
    }

    /// The next sample, averaged on the way from the last one (see [`crate::blocks::antiderivative`]); `charge` is the
    /// time of a sample over the capacity, `keep` what the leak leaves of it.
    #[inline(always)]
    fn next(&mut self, triode: &Triode, x: f64, charge: f64, keep: f64) -> f64 {
        let source = self.rest + VOLTS * x - self.charge;
        let area = triode.plate_area(source);
        let way = source - self.before;
        let plate = if way.abs() < SHORTEST_V {
            triode.plate(0.5 * (source + self.before))
        } else {
            (area - self.area) / way
        };
        self.charge = keep * self.charge + charge * (triode.grid_current(source) - self.current_at_rest);
        self.before = source;
        self.area = area;
        self.make_up.next(self.scale * (self.plate_at_rest - plate))
    }
}

/// The triodes of one channel.
#[derive(Clone)]
struct Triodes {
    triode: Arc<Triode>,
    stage: Stage,
    /// Without signal.
    blank: Valve,
    factor: usize,
    /// Seconds of a raised sample.
    interval: f64,
    valves: [Valve; 2],
    /// Between two triodes: the mean that the coupling keeps back.
    mean: f64,
    /// What the leak leaves of the charge after a raised sample.
    keep: Ramp,
}

impl Triodes {
    fn new(settings: &Settings, triode: &Arc<Triode>, factor: usize, sample_rate_hz: f64) -> Triodes {
        let interval = 1.0 / (factor as f64 * sample_rate_hz);
        Triodes {
            triode: triode.clone(),
            stage: settings.stage,
            factor,
            interval,
            blank: Valve::new(settings, triode),
            valves: [Valve::new(settings, triode); 2],
            mean: 0.0,
            keep: Ramp::new(keep(settings, interval)),
        }
    }
}

/// What a leak leaves of a charge after some seconds.
fn keep(settings: &Settings, seconds: f64) -> f64 {
    (-1000.0 * seconds / settings.recovery_ms).exp()
}

impl Bend for Triodes {
    fn reset(&mut self) {
        self.valves = [self.blank; 2];
        self.mean = 0.0;
        self.keep.finish();
    }

    fn bend(&mut self, raised: &mut [f64], drive: &[f64]) {
        let charge = self.interval / CAPACITOR_F;
        let coupling = COUPLING * self.interval;
        let triode = &*self.triode;
        let [mut first, mut second] = self.valves;
        let mut mean = self.mean;
        for (group, drive) in raised.chunks_exact_mut(self.factor).zip(drive) {
            let keep = self.keep.next_value();
            match self.stage {
                Stage::Single => {
                    group.iter_mut().for_each(|x| *x = first.next(triode, drive * *x, charge, keep))
                }
                Stage::PushPull => group.iter_mut().for_each(|x| {
                    let (up, down) = (drive * *x, -drive * *x);
                    *x = 0.5
                        * (first.next(triode, up, charge, keep) - second.next(triode, down, charge, keep));
                }),
                Stage::Double => group.iter_mut().for_each(|x| {
                    let between = first.next(triode, drive * *x, charge, keep) - mean;
                    mean += coupling * between;
                    // The first triode has turned the wave over.
                    *x = -second.next(triode, -SECOND * between, charge, keep) / SECOND;
                }),
            }
        }
        first.charge = flush(first.charge);
        second.charge = flush(second.charge);
        self.mean = flush(mean);
        self.valves = [first, second];
    }
}

/// The gain after the tube that gives a sine at -18 dBFS RMS its level back, its working point settled.
fn trim(settings: &Settings, triode: &Triode) -> f64 {
    const POINTS: usize = 48;
    let height = db_to_gain(settings.drive_db) * nominal_amplitude();
    let wave = |i: usize| height * (TAU * (i as f64 + 0.5) / POINTS as f64).sin();
    let leak = settings.recovery_ms / 1000.0 / CAPACITOR_F;
    let mut valve = Valve::new(settings, triode);
    let settle = |valve: &mut Valve| {
        // The charge at which leak and mean current are equal: the current falls as the charge rises.
        let (mut low, mut high) = (0.0, VOLTS * height.abs() + 1.0);
        for _ in 0..20 {
            valve.charge = 0.5 * (low + high);
            let current: f64 = (0..POINTS).map(|i| valve.at(triode, wave(i)).1).sum::<f64>() / POINTS as f64;
            if current * leak > valve.charge { low = valve.charge } else { high = valve.charge }
        }
    };
    settle(&mut valve);
    let mut curve: [f64; POINTS] = std::array::from_fn(|i| valve.at(triode, wave(i)).0);
    let mean = curve.iter().sum::<f64>() / POINTS as f64;
    curve.iter_mut().for_each(|y| *y -= mean);
    match settings.stage {
        Stage::Single => {}
        // The other half of the wave, half a turn on.
        Stage::PushPull => {
            let alone = curve;
            (0..POINTS).for_each(|i| curve[i] = 0.5 * (alone[i] - alone[(i + POINTS / 2) % POINTS]));
        }
        Stage::Double => {
            let second = Valve::new(settings, triode);
            curve.iter_mut().for_each(|y| *y = -second.at(triode, -SECOND * *y).0 / SECOND);
            let mean = curve.iter().sum::<f64>() / POINTS as f64;
            curve.iter_mut().for_each(|y| *y -= mean);
        }
    }
    let power = curve.iter().map(|y| y * y).sum::<f64>() / POINTS as f64;
    db_to_gain(-18.0) / power.sqrt().max(1e-9)
}

struct Tube {
    settings: Settings,
    triode: Arc<Triode>,
    path: Path<Triodes>,
}

impl Tube {
    fn new(settings: Settings, spec: &Spec) -> Tube {
        let rate = spec.sample_rate_hz;
        let triodes_in_a_row = if settings.stage == Stage::Double { 2 } else { 1 };
        let oversampler = Oversampler::new(settings.oversampling.factor(8), triodes_in_a_row * MakeUp::DELAY);
        let triode = Arc::new(Triode::new());
        let triodes = Triodes::new(&settings, &triode, oversampler.factor(), rate);
        let mix = settings.mix_percent / 100.0;
        let output = db_to_gain(settings.output_db);
        let blend =
            Blend::new(oversampler.latency(), settings.level, trim(&settings, &triode), mix, output, spec);
        let filters =
            [Chain::new([], spec.channels), Chain::new([direct_current_filter(rate)], spec.channels)];
        let drive = db_to_gain(settings.drive_db);
        let path = Path::new(oversampler, vec![triodes; spec.channels], filters, drive, blend);
        Tube { settings, triode, path }
    }
}

impl Processor for Tube {
    fn latency(&self) -> Frames {
        self.path.latency()
    }

    fn tail(&self) -> Tail {
        Tail::Frames(if self.settings.mix_percent == 0.0 { 0 } else { self.path.tail() })
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
        self.path.drive.go_to(db_to_gain(settings.drive_db));
        for triodes in &mut self.path.benders {
            triodes.keep.go_to(keep(settings, triodes.interval));
        }
        let output = db_to_gain(settings.output_db);
        self.path.blend.go_to(trim(settings, &self.triode), settings.mix_percent / 100.0, output);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.path.process(block, |_| ());
    }
}

#[cfg(test)]
mod tests;
