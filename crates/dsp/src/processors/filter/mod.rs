//! Filter that moves: by automation, by a low-frequency oscillator, by the level of the sound.
//!
//! One or two trapezoidal state-variable filters (A. Simper, *Linear trapezoidal integrated state variable filter*; V.
//! Zavalishin, *The Art of VA Filter Design*, chapter 4), whose corner is worked out anew for every frame: their states
//! are the integrals of band-pass and low-pass, which stay what they are however fast the corner moves. Towards full
//! resonance the damping grows with the square of the swing, as the rounding of an analogue filter's amplifiers makes
//! it (the van der Pol oscillator's law): the filter sings and never bursts. Without resonance it is linear.
//!
//! The oscillator is counted from the start of the song; at a note value it runs with the tempo.

mod sweep;
#[cfg(test)]
mod tests;

use crate::blocks::dynamics::{Smoother, StateVariable, Times, loop_gain};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::greater;
use crate::blocks::ramp::Ramp;
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::{LN_10, SQRT_2};
use sweep::Oscillator;

choices! {
    /// What the filter keeps.
    pub enum Shape {
        /// What is below the frequency.
        LowPass = "low_pass",
        /// What is above the frequency.
        HighPass = "high_pass",
        /// The surroundings of the frequency.
        BandPass = "band_pass",
        /// All but the surroundings of the frequency.
        Notch = "notch",
    }
}

choices! {
    /// The oscillator's period as a note value; `rate_hz` counts when it is off.
    pub enum Sync {
        /// Not synchronised: `rate_hz` counts.
        Off = "off",
        /// Four bars of four quarter notes.
        FourBars = "4_bars",
        /// Two bars.
        TwoBars = "2_bars",
        /// A whole note.
        Whole = "1_1",
        /// A half note.
        Half = "1_2",
        /// A dotted quarter note.
        QuarterDotted = "1_4_dotted",
        /// A quarter note.
        Quarter = "1_4",
        /// A third of a half note.
        QuarterTriplet = "1_4_triplet",
        /// A dotted eighth note.
        EighthDotted = "1_8_dotted",
        /// An eighth note.
        Eighth = "1_8",
        /// A third of a quarter note.
        EighthTriplet = "1_8_triplet",
        /// A sixteenth note.
        Sixteenth = "1_16",
    }
}

impl Sync {
    /// Length in quarter notes; `None` when off.
    fn beats(self) -> Option<f64> {
        match self {
            Sync::Off => None,
            Sync::FourBars => Some(16.0),
            Sync::TwoBars => Some(8.0),
            Sync::Whole => Some(4.0),
            Sync::Half => Some(2.0),
            Sync::QuarterDotted => Some(1.5),
            Sync::Quarter => Some(1.0),
            Sync::QuarterTriplet => Some(2.0 / 3.0),
            Sync::EighthDotted => Some(0.75),
            Sync::Eighth => Some(0.5),
            Sync::EighthTriplet => Some(1.0 / 3.0),
            Sync::Sixteenth => Some(0.25),
        }
    }
}

choices! {
    /// How the oscillator moves the frequency.
    pub enum Wave {
        /// Slows down at both ends.
        Sine = "sine",
        /// As fast at every place, in octaves.
        Triangle = "triangle",
    }
}

settings! {
    /// Settings of the filter.
    pub struct Settings {
        /// What the filter keeps.
        r#type: Shape { label: "Type", fixed: true },
        /// Steepness: 12, or 24 from 18 on. A band-pass has half of it on each side.
        slope_db_per_oct: f64 {
            label: "Slope", unit: Unit::DecibelPerOctave, min: 12.0, max: 24.0, default: 12.0, fixed: true,
        },
        /// Corner or centre, before anything moves it.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 20.0, max: 20_000.0, default: 1_000.0,
            taper: Taper::Logarithmic,
        },
        /// Emphasis of the frequency itself; at 100 the filter sings with whatever excites it.
        resonance_percent: f64 { label: "Resonance", unit: Unit::Percent, max: 100.0 },
        /// How the oscillator moves.
        wave: Wave { label: "Wave", fixed: true },
        /// How often the oscillator moves up and down.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.01, max: 20.0, default: 1.0, taper: Taper::Logarithmic,
        },
        /// The oscillator's period as a note value.
        sync: Sync { label: "Sync", fixed: true },
        /// Tempo for the note values.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 20.0, max: 400.0, default: 120.0 },
        /// How far the oscillator moves the frequency either way, in octaves.
        oscillator_octaves: f64 { label: "Oscillator", max: 5.0 },
        /// How far the level moves the frequency, in octaves, from silence (-60 dBFS) to full scale.
        envelope_octaves: f64 { label: "Envelope", min: -8.0, max: 8.0 },
        /// Time to 63 % of a rise of the level.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.5, max: 300.0, default: 5.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a fall of the level.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 5.0, max: 2_000.0, default: 120.0,
            taper: Taper::Logarithmic,
        },
        /// 100 is the filtered sound alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
    }
}

/// Resonant filter that moves.
pub static KIND: Kind = Kind {
    id: "filter",
    label: "Filter",
    family: Family::Modulation,
    help: "A resonant low-, high-, band-pass or notch for movement: sweeps by automation, wobbles in tempo, wah by the \
           level or by a key. For tone that stands still use the equaliser.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Filter::new(Settings::from_values(values), spec)),
    response: None,
};

/// Damping at full resonance.
const LEAST_DAMPING: f64 = 0.002;

/// Damping that a swing of full scale adds at full resonance.
const SWING_DAMPING: f64 = 0.5;

/// Damping of both sections of a Butterworth filter of fourth order.
const FOURTH_ORDER: [f64; 2] = [1.847_759_065_022_573_5, 0.765_366_864_730_179_6];

/// What follows from the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Design {
    /// Sections in series.
    sections: usize,
    /// Of each section.
    damping: [f64; 2],
    /// Damping that a swing of one adds, in each section.
    swing: [f64; 2],
    /// Turns of the oscillator per second.
    rate_hz: f64,
}

fn design(settings: &Settings) -> Design {
    let sections = if settings.slope_db_per_oct >= 18.0 { 2 } else { 1 };
    let share = settings.resonance_percent / 100.0;
    let resonant = |damping: f64| damping + share * (LEAST_DAMPING - damping);
    let passes = matches!(settings.r#type, Shape::LowPass | Shape::HighPass);
    // A band-pass and a notch are never louder than what comes in.
    let swing = if passes { SWING_DAMPING * share.powi(4) } else { 0.0 };
    let (damping, swing) = match (sections, passes) {
        (1, _) => ([resonant(SQRT_2); 2], [swing; 2]),
        // The pair of lower Q stays as it is: one resonance, not two.
        (_, true) => ([FOURTH_ORDER[0], resonant(FOURTH_ORDER[1])], [0.0, swing]),
        _ => ([resonant(SQRT_2); 2], [0.0; 2]),
    };
    let rate_hz = match settings.sync.beats() {
        Some(beats) => settings.tempo_bpm / 60.0 / beats,
        None => settings.rate_hz,
    };
    Design { sections, damping, swing, rate_hz }
}

/// Values of one piece, one per frame.
type Piece = [f64; CONTROL_FRAMES];

/// One section's moving parts.
struct Section {
    damping: Ramp,
    swing: Ramp,
    /// One per channel.
    states: Vec<StateVariable>,
}

struct Filter {
    settings: Settings,
    sample_rate_hz: f64,
    /// The mix was other than 0 since the start.
    awake: bool,
    /// log2 of the corner's share of the sample rate.
    corner: Ramp,
    oscillation: Ramp,
    envelope: Ramp,
    mix: Ramp,
    sections: Vec<Section>,
    oscillator: Oscillator,
    follower: Smoother,
    times: Times,
    grid: Grid,
}

impl Filter {
    fn new(settings: Settings, spec: &Spec) -> Filter {
        let rate = spec.sample_rate_hz;
        let design = design(&settings);
        let section = |place: usize| Section {
            damping: Ramp::new(design.damping[place]),
            swing: Ramp::new(design.swing[place]),
            states: vec![StateVariable::default(); spec.channels],
        };
        Filter {
            awake: settings.mix_percent != 0.0,
            corner: Ramp::new((settings.freq_hz / rate).log2()),
            oscillation: Ramp::new(settings.oscillator_octaves),
            envelope: Ramp::new(settings.envelope_octaves),
            mix: Ramp::new(settings.mix_percent / 100.0),
            sections: (0..design.sections).map(section).collect(),
            oscillator: Oscillator::new(design.rate_hz / rate),
            follower: Smoother::default(),
            times: Times::new(settings.attack_ms, settings.release_ms, rate),
            grid: Grid::default(),
            sample_rate_hz: rate,
            settings,
        }
    }

    /// Work for a point of the control grid.
    fn control(&mut self) {
        self.oscillator.control(design(&self.settings).rate_hz / self.sample_rate_hz);
        self.follower.flush();
        for section in &mut self.sections {
            section.states.iter_mut().for_each(StateVariable::flush);
        }
    }

    /// Finds the corner's coefficient for each frame of a piece.
    fn sweep(&mut self, heard: &BlockRef, corners: &mut [f64]) {
        let frames = corners.len();
        let mut swing = [0.0; CONTROL_FRAMES];
        self.oscillator.next_values(self.settings.wave, &mut swing[..frames]);
        for (corner, swing) in corners.iter_mut().zip(&swing) {
            *corner = self.corner.next_value() + self.oscillation.next_value() * swing;
        }
        if self.envelope.moves() || self.envelope.target() != 0.0 {
            let mut level = [0.0; CONTROL_FRAMES];
            let level = &mut level[..frames];
            for samples in heard.iter() {
                level.iter_mut().zip(samples).for_each(|(level, x)| *level = greater(x.abs(), *level));
            }
            self.follower.branching(level, self.times);
            sweep::opening(level);
            corners
                .iter_mut()
                .zip(level)
                .for_each(|(corner, level)| *corner += self.envelope.next_value() * *level);
        }
        sweep::tangents(corners);
    }
}

/// One section over one channel's piece.
fn run(
    shape: Shape,
    state: &mut StateVariable,
    corners: &[f64],
    damping: &Piece,
    swing: &Piece,
    wet: &mut [f64],
) {
    let mut held = *state;
    // The band-pass of the frame before stands for that of this one in the damping's growth.
    for (n, x) in wet.iter_mut().enumerate() {
        let band = held.band();
        let damping = damping[n] + swing[n] * band * band;
        let g = corners[n];
        let out = held.next(*x, g, damping, loop_gain(g, damping));
        *x = match shape {
            Shape::LowPass => out.low,
            Shape::HighPass => out.high,
            Shape::BandPass => damping * out.band,
            Shape::Notch => *x - damping * out.band,
        };
    }
    *state = held;
}

/// Nepers per frame by which the slower pole of a section falls.
fn fall_per_frame(g: f64, damping: f64) -> f64 {
    let root = Complex64::new(damping * damping - 4.0, 0.0).sqrt();
    let slowest = [root, -root].map(|root| {
        let s = (root - damping) * (0.5 * g);
        ((1.0 + s) / (1.0 - s)).norm()
    });
    -slowest[0].max(slowest[1]).ln()
}

impl Gridded for Filter {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        if !self.awake {
            self.oscillator.pass(block.frames());
            return;
        }
        let frames = block.frames();
        let mut corners = [0.0; CONTROL_FRAMES];
        let corners = &mut corners[..frames];
        match key {
            Some(key) if key.channels() > 0 => self.sweep(key, corners),
            _ => self.sweep(&block.as_ref(), corners),
        }
        let mut damping = [[0.0; CONTROL_FRAMES]; 2];
        let mut swing = [[0.0; CONTROL_FRAMES]; 2];
        for (place, section) in self.sections.iter_mut().enumerate() {
            damping[place][..frames].iter_mut().for_each(|d| *d = section.damping.next_value());
            swing[place][..frames].iter_mut().for_each(|s| *s = section.swing.next_value());
        }
        let ramp = self.mix;
        for (channel, samples) in block.iter_mut().enumerate() {
            let mut wet = [0.0; CONTROL_FRAMES];
            let wet = &mut wet[..frames];
            wet.copy_from_slice(samples);
            for (place, section) in self.sections.iter_mut().enumerate() {
                let state = &mut section.states[channel];
                run(self.settings.r#type, state, corners, &damping[place], &swing[place], wet);
            }
            self.mix = ramp;
            for (sample, wet) in samples.iter_mut().zip(wet) {
                *sample += self.mix.next_value() * (*wet - *sample);
            }
        }
    }
}

impl Processor for Filter {
    fn tail(&self) -> Tail {
        if !self.awake {
            return Tail::Frames(0);
        }
        let design = design(&self.settings);
        // The slowest place that it may be moved to: low corners ring long, and those near the top too.
        let (oscillator, envelope) = (self.settings.oscillator_octaves, self.settings.envelope_octaves);
        let share = self.settings.freq_hz / self.sample_rate_hz;
        let lowest = share * (envelope.min(0.0) - oscillator).exp2();
        let highest = share * (envelope.max(0.0) + oscillator).exp2();
        let damping = design.damping[0].min(design.damping[1]);
        let per_frame = [lowest, highest].map(|share| fall_per_frame(sweep::corner(share), damping));
        // The resonance itself may stand above full scale.
        let above_db = -20.0 * damping.min(1.0).log10();
        let nepers = (126.0 + above_db) / 20.0 * LN_10;
        let frames = nepers / per_frame[0].min(per_frame[1]);
        Tail::Frames((1.3 * design.sections as f64 * frames).ceil() as Frames + 64)
    }

    fn reset(&mut self) {
        self.awake = self.settings.mix_percent != 0.0;
        for ramp in [&mut self.corner, &mut self.oscillation, &mut self.envelope, &mut self.mix] {
            ramp.finish();
        }
        for section in &mut self.sections {
            section.damping.finish();
            section.swing.finish();
            section.states.fill(StateVariable::default());
        }
        self.oscillator = Oscillator::new(design(&self.settings).rate_hz / self.sample_rate_hz);
        self.follower = Smoother::default();
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        self.awake |= self.settings.mix_percent != 0.0;
        let design = design(&self.settings);
        self.corner.go_to((self.settings.freq_hz / self.sample_rate_hz).log2());
        self.oscillation.go_to(self.settings.oscillator_octaves);
        self.envelope.go_to(self.settings.envelope_octaves);
        self.mix.go_to(self.settings.mix_percent / 100.0);
        for (place, section) in self.sections.iter_mut().enumerate() {
            section.damping.go_to(design.damping[place]);
            section.swing.go_to(design.swing[place]);
        }
        self.times = Times::new(self.settings.attack_ms, self.settings.release_ms, self.sample_rate_hz);
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.on_grid(block, key);
    }
}
