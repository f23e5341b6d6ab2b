//! Convolution reverb: the sound of a real room, plate or machine from its recorded impulse response.
//!
//! The response is converted to the sample rate, freed of the silence before its first sound, shaped, brought to unit
//! energy, and applied by convolution in growing partitions without latency (see [`crate::blocks::convolution`]). One
//! channel serves both sides alike; two serve left and right; four are a true stereo response, from each side to
//! each side. Wet and dry are mixed at constant power.
//!
//! Path: predelay -> low cut, high cut -> convolution -> width -> ducking -> mix.

mod response;
#[cfg(test)]
mod tests;

use crate::blocks::convolution::Convolver;
use crate::blocks::cut::{Cut, Side};
use crate::blocks::ducker::Ducker;
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{Delay, greater};
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, Values, settings};
use audio::{Block, BlockRef, Buffer, Frames, Spec};
use response::Shaping;

const LOW_CUT_OFF_HZ: f64 = 10.0;
const HIGH_CUT_OFF_HZ: f64 = 22_000.0;

settings! {
    /// Settings of the convolution reverb.
    pub struct Settings {
        /// Time before the space answers, instead of the silence that the recording begins with.
        predelay_ms: f64 { label: "Predelay", unit: Unit::Millisecond, max: 500.0, fixed: true },
        /// Taken from the recording's beginning without moving the rest: 2 to 3 remove the direct sound, which the dry
        /// signal is already.
        trim_ms: f64 { label: "Trim", unit: Unit::Millisecond, max: 100.0, fixed: true },
        /// Decay time as a part of the recorded one.
        decay_percent: f64 {
            label: "Decay", unit: Unit::Percent, min: 10.0, max: 100.0, default: 100.0, fixed: true,
        },
        /// Takes bass away from what goes into the space, 12 dB per octave; off at 10.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: LOW_CUT_OFF_HZ, max: 1_000.0, default: LOW_CUT_OFF_HZ,
            taper: Taper::Logarithmic,
        },
        /// Takes treble away from what goes into the space, 12 dB per octave; off at 22000.
        high_cut_hz: f64 {
            label: "High cut", unit: Unit::Hertz, min: 1_000.0, max: HIGH_CUT_OFF_HZ, default: HIGH_CUT_OFF_HZ,
            taper: Taper::Logarithmic,
        },
        /// Side of the reverb: 0 is mono, 100 as it was recorded, 200 twice as much side.
        width_percent: f64 { label: "Width", unit: Unit::Percent, max: 200.0, default: 100.0 },
        /// How far the reverb steps back while the dry sound is loud.
        ducking_db: f64 { label: "Ducking", unit: Unit::Decibel, max: 24.0 },
        /// Dry against wet at constant power: 0 only dry, 100 only wet (on a return).
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0 },
    }
}

/// Reverb from a recorded impulse response.
pub static KIND: Kind = Kind {
    id: "convolution_reverb",
    label: "Convolution reverb",
    family: Family::Space,
    help: "Puts a sound into a recorded space: the impulse response of a hall, a plate, a spring, an amplifier's \
           cabinet. Mono, stereo and true stereo responses; without latency. Use it on a return with the mix at 100 %.",
    // 2: recursions run four frames at a time, which rounds otherwise; 3: another transform, the same.
    revision: 3,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: true,
    keeps_mono: false,
    build: |values, spec| Box::new(ConvolutionReverb::new(values, spec)),
    response: None,
};

/// Dry and wet gain, and the share of the side.
fn gains(settings: &Settings) -> [f64; 3] {
    let (dry, wet) = dry_wet(settings.mix_percent);
    [dry, wet, settings.width_percent / 100.0]
}

/// A cut of all channels that costs nothing as long as it was never asked for.
struct Cuts {
    off_hz: f64,
    used: bool,
    corner_hz: f64,
    /// One per pair of channels.
    pairs: Vec<Cut>,
}

impl Cuts {
    fn new(side: Side, corner_hz: f64, off_hz: f64, spec: &Spec) -> Cuts {
        let cut = Cut::new(side, corner_hz, spec.sample_rate_hz);
        Cuts { off_hz, used: corner_hz != off_hz, corner_hz, pairs: vec![cut; spec.channels.div_ceil(2)] }
    }

    fn go_to(&mut self, corner_hz: f64) {
        if corner_hz != self.corner_hz {
            self.corner_hz = corner_hz;
            self.used = true;
            self.pairs.iter_mut().for_each(|cut| cut.go_to(corner_hz));
        }
    }

    fn reset(&mut self) {
        self.used = self.corner_hz != self.off_hz;
        self.pairs.iter_mut().for_each(Cut::reset);
    }

    fn process(&mut self, block: &mut Block) {
        if !self.used {
            return;
        }
        let mut silence = [0.0; CONTROL_FRAMES];
        let mut channels = block.iter_mut();
        for cut in &mut self.pairs {
            let Some(left) = channels.next() else { break };
            let frames = left.len();
            let right = channels.next().unwrap_or(&mut silence[..frames]);
            cut.process(left, right);
        }
    }
}

struct ConvolutionReverb {
    settings: Settings,
    sample_rate_hz: f64,
    convolver: Option<Convolver>,
    predelay: Frames,
    delays: Vec<Delay>,
    low_cut: Cuts,
    high_cut: Cuts,
    /// Dry, wet, share of the side.
    ramps: [Ramp; 3],
    ducking: Ramp,
    /// None where it will never be asked.
    ducker: Option<Ducker>,
    grid: Grid,
    /// The wet sound of one control period.
    wet: Buffer,
}

impl ConvolutionReverb {
    fn new(values: &Values, spec: &Spec) -> ConvolutionReverb {
        let settings = Settings::from_values(values);
        let rate = spec.sample_rate_hz;
        let shaping = Shaping { trim_s: settings.trim_ms / 1_000.0, decay: settings.decay_percent / 100.0 };
        let response = values.impulse_response.as_ref();
        let channels = response.map_or(Vec::new(), |r| response::prepare(r, &shaping, rate));
        let predelay = spec.frames(settings.predelay_ms / 1_000.0);
        ConvolutionReverb {
            sample_rate_hz: rate,
            convolver: response::convolver(&channels, spec),
            predelay,
            delays: vec![Delay::new(predelay); spec.channels],
            low_cut: Cuts::new(Side::Low, settings.low_cut_hz, LOW_CUT_OFF_HZ, spec),
            high_cut: Cuts::new(Side::High, settings.high_cut_hz, HIGH_CUT_OFF_HZ, spec),
            ramps: gains(&settings).map(Ramp::new),
            ducking: Ramp::new(1.0),
            ducker: (!values.still || settings.ducking_db != 0.0).then(|| Ducker::new(rate)),
            grid: Grid::default(),
            wet: Buffer::new(spec.channels, CONTROL_FRAMES),
            settings,
        }
    }

    /// Work for a point of the control grid.
    fn control(&mut self) {
        self.ducker.iter_mut().for_each(Ducker::flush);
        let ducked = self.ducker.as_ref().map_or(1.0, |ducker| ducker.gain(self.settings.ducking_db));
        if ducked != self.ducking.target() {
            self.ducking.go_to(ducked);
        }
        for cut in self.low_cut.pairs.iter_mut().chain(&mut self.high_cut.pairs) {
            cut.flush();
        }
    }

    fn mix(&mut self, block: &mut Block, frames: Frames) {
        let mut wet = self.wet.range_mut(0, frames);
        if let Some(ducker) = &mut self.ducker {
            let mut loudest = [0.0; CONTROL_FRAMES];
            block.as_ref().iter().for_each(|samples| raise(&mut loudest, samples));
            ducker.follow_all(&loudest[..frames], &loudest[..frames]);
        }
        let [dry, wetness, width] = self.ramps.each_mut().map(|ramp| ramp.path(frames));
        let ducking = self.ducking.path(frames);
        let wetness = std::array::from_fn(|n| wetness[n] * ducking[n]);
        if wet.channels() == 2 && width[..frames].iter().any(|width| *width != 1.0) {
            let (left, right) = wet.stereo_mut();
            widen(left, right, &width);
        }
        for (samples, wet) in block.iter_mut().zip(wet.iter_mut()) {
            blend(samples, wet, &dry, &wetness);
        }
    }
}

audio::wide! {
    /// Raises each value to the height of a sample.
    fn raise(values: &mut [f64; CONTROL_FRAMES], samples: &[f64]) {
        values.iter_mut().zip(samples).for_each(|(value, sample)| *value = greater(sample.abs(), *value));
    }
}

audio::wide! {
    /// Multiplies the side; a factor of one changes no bit.
    fn widen(left: &mut [f64], right: &mut [f64], width: &[f64; CONTROL_FRAMES]) {
        for ((left, right), width) in left.iter_mut().zip(right).zip(width) {
            let (mid, side) = (0.5 * (*left + *right), 0.5 * width * (*left - *right));
            let wide = [mid + side, mid - side];
            [*left, *right] = if *width != 1.0 { wide } else { [*left, *right] };
        }
    }
}

audio::wide! {
    fn blend(samples: &mut [f64], wet: &[f64], dry: &[f64; CONTROL_FRAMES], wetness: &[f64; CONTROL_FRAMES]) {
        for (((sample, wet), dry), wetness) in samples.iter_mut().zip(wet).zip(dry).zip(wetness) {
            *sample = dry * *sample + wetness * wet;
        }
    }
}

impl Gridded for ConvolutionReverb {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let mut wet = self.wet.range_mut(0, frames);
        wet.copy_from(&block.as_ref());
        wet.iter_mut().zip(&mut self.delays).for_each(|(samples, delay)| delay.pass(samples));
        self.low_cut.process(&mut wet);
        self.high_cut.process(&mut wet);
        if let Some(convolver) = &mut self.convolver {
            convolver.process(&mut wet);
        }
        self.mix(block, frames);
    }
}

impl Processor for ConvolutionReverb {
    fn tail(&self) -> Tail {
        let Some(convolver) = &self.convolver else { return Tail::Frames(0) };
        // What ducking held back comes up again.
        let fall_db = 126.0 + self.settings.ducking_db;
        let mut filters_s = 0.0;
        if self.low_cut.used {
            filters_s += Cut::decay_s(self.low_cut.corner_hz, fall_db);
        }
        if self.high_cut.used {
            filters_s += Cut::decay_s(self.high_cut.corner_hz, fall_db);
        }
        let filters = (1.5 * filters_s * self.sample_rate_hz).ceil() as Frames;
        Tail::Frames(self.predelay + convolver.tail() + filters)
    }

    fn reset(&mut self) {
        if let Some(convolver) = &mut self.convolver {
            convolver.reset();
        }
        self.delays.iter_mut().for_each(Delay::reset);
        self.low_cut.reset();
        self.high_cut.reset();
        self.ramps.iter_mut().for_each(Ramp::finish);
        self.ducker.iter_mut().for_each(Ducker::reset);
        self.ducking = Ramp::new(1.0);
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        self.low_cut.go_to(self.settings.low_cut_hz);
        self.high_cut.go_to(self.settings.high_cut_hz);
        for (ramp, to) in self.ramps.iter_mut().zip(gains(&self.settings)) {
            if ramp.target() != to {
                ramp.go_to(to);
            }
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if self.convolver.is_some() {
            self.on_grid(block, None);
        }
    }
}
