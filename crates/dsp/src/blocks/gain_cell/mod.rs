//! What compressors after hardware are built on: a gain element with its own law and memory, its colour, and
//! the way around both.
//!
//! Way of the audio: drive, to 2 or 4 times the sample rate, gain and colour, back, transformer, make-up, mix. Way of
//! the detector, all at the raised rate: key or driven input, high-pass, level, threshold, gain element (which, where
//! it closes a loop, subtracts its own reduction from the level), stereo link. At the raised rate a gain that moves in
//! a fraction of a millisecond makes no sidebands that fold back, and no peak falls between two samples.
//!
//! What is brought back is only the change, which is added to the delayed input: without reduction and colour the
//! output is the input bit for bit, and a parallel mix is aligned at every frequency. What lies above the band that
//! the filters pass (20 kHz at 44.1 kHz) is left as it is. The loop's high-pass and
//! averaging stand in front of the point where the reduction is subtracted; they hear a gain that moves slowly
//! against them, and the loop stays solvable without a delay.

pub mod colour;
pub mod curve;
pub mod element;

use super::dynamics::{KeyFilter, MeanPower, POWER_FLOOR, Pass, StateVariable, gains, loop_gain, tangent};
use super::grid::{CONTROL_FRAMES, Grid, Gridded};
use super::lookahead::{Delay, greater};
use super::math;
use super::oversample::Oversampler;
use super::ramp::Ramp;
use crate::{Address, Processor, Reading, Tail};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use colour::{Colour, Harmonics, MOST};
use element::Element;
use std::f64::consts::SQRT_2;

/// Amplitude of a sine at -18 dBFS RMS, the level that gear calls nominal.
pub const NOMINAL: f64 = 0.178_038_939_137_544_5;

/// What never changes after the build.
#[derive(Debug, Clone, Copy)]
pub struct Structure {
    /// By how much the rate is raised: 2 or 4.
    pub factor: usize,
    /// How far the lanes go together.
    pub link_percent: f64,
    /// Lanes are the sum and the difference of two channels.
    pub mid_side: bool,
    /// Its colour.
    pub harmonics: Harmonics,
    /// A transformer's low shelf, part of the colour: its corner in hertz and its gain in decibels.
    pub transformer: Option<(f64, f64)>,
}

/// What can move.
#[derive(Debug, Clone, Copy)]
pub struct Controls<L> {
    /// The gain element's law, found for the raised rate.
    pub law: L,
    /// Level at which the law's curves begin.
    pub threshold_db: f64,
    /// Coefficient of the mean power at the raised rate; 0 hears each sample by itself.
    pub mean: f64,
    /// Gain into everything.
    pub drive_db: f64,
    /// Gain of the wet signal.
    pub makeup_db: f64,
    /// Share of the wet signal.
    pub mix_percent: f64,
    /// Share of the colour.
    pub colour_percent: f64,
    /// Corner of the detector's high-pass; 0 is off.
    pub high_pass_hz: f64,
}

/// The settings of a kind, as the gain cell needs them.
pub trait Model: Send + 'static {
    /// The gain element.
    type Element: Element + 'static;

    /// Changes one setting, unless it is fixed.
    fn set(&mut self, address: Address, value: f64);

    /// What follows from the settings at the raised sample rate.
    fn controls(&self, raised_hz: f64) -> Controls<<Self::Element as Element>::Law>;
}

/// One channel's audio.
struct Channel {
    dry: Delay,
    up: Oversampler,
    key_up: Oversampler,
    mean: MeanPower,
    colour: Colour,
    shelf: StateVariable,
    raised: [f64; MOST],
    /// Of the present piece: the delayed input.
    late: [f64; CONTROL_FRAMES],
    /// Of the present piece: the change of the driven signal.
    change: [f64; CONTROL_FRAMES],
}

/// One gain.
struct Lane<E> {
    element: E,
    /// Power, then level over the threshold, then reduction.
    values: [f64; MOST],
}

/// A compressor around a gain element.
pub struct GainCell<M: Model> {
    model: M,
    structure: Structure,
    raised_hz: f64,
    controls: Controls<<M::Element as Element>::Law>,
    /// The law before the last change, and how far it has gone.
    law_before: <M::Element as Element>::Law,
    law_share: Ramp,
    threshold_db: Ramp,
    drive: Ramp,
    makeup: Ramp,
    wet: Ramp,
    colour: Ramp,
    /// There is colour, or was since the last point of the control grid.
    coloured: bool,
    high_pass: KeyFilter,
    /// The transformer's corner, loop gain and gain.
    shelf: Option<[f64; 3]>,
    channels: Vec<Channel>,
    /// A mono track may have a stereo key: what the second key channel needs.
    lanes: Vec<Lane<M::Element>>,
    sources: usize,
    grid: Grid,
    deepest_db: f64,
}

impl<M: Model> GainCell<M> {
    /// With settings, for a sample rate and number of channels.
    pub fn new(model: M, element: M::Element, structure: Structure, spec: &Spec) -> GainCell<M> {
        let up = Oversampler::new(structure.factor, 0);
        let raised_hz = spec.sample_rate_hz * structure.factor as f64;
        let controls = model.controls(raised_hz);
        let sources = spec.channels.max(2);
        let linked = structure.link_percent >= 100.0 && !(structure.mid_side && spec.channels == 2);
        let lanes = if linked { 1 } else { spec.channels.max(1) };
        let channel = || Channel {
            dry: Delay::new(up.latency()),
            up: up.clone(),
            key_up: up.clone(),
            mean: MeanPower::default(),
            colour: Colour::new(&structure.harmonics, raised_hz),
            shelf: StateVariable::default(),
            raised: [0.0; MOST],
            late: [0.0; CONTROL_FRAMES],
            change: [0.0; CONTROL_FRAMES],
        };
        GainCell {
            raised_hz,
            law_before: controls.law,
            law_share: Ramp::new(1.0),
            threshold_db: Ramp::new(controls.threshold_db),
            drive: Ramp::new(db_to_gain(controls.drive_db)),
            makeup: Ramp::new(db_to_gain(controls.makeup_db)),
            wet: Ramp::new(controls.mix_percent / 100.0),
            colour: Ramp::new(controls.colour_percent / 100.0),
            coloured: controls.colour_percent > 0.0,
            high_pass: KeyFilter::new(Pass::High, controls.high_pass_hz, raised_hz, sources),
            shelf: structure.transformer.map(|(hz, gain_db)| {
                let g = tangent(hz, spec.sample_rate_hz);
                [g, loop_gain(g, SQRT_2), db_to_gain(gain_db)]
            }),
            channels: (0..sources).map(|_| channel()).collect(),
            lanes: (0..lanes).map(|_| Lane { element: element.clone(), values: [0.0; MOST] }).collect(),
            sources: spec.channels,
            grid: Grid::default(),
            deepest_db: 0.0,
            model,
            structure,
            controls,
        }
    }

    /// Lanes hear sum and difference.
    fn is_mid_side(&self) -> bool {
        self.structure.mid_side && self.sources == 2
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        self.high_pass.flush();
        self.coloured = self.colour.moves() || self.colour.target() > 0.0;
        for channel in &mut self.channels {
            channel.mean.flush();
            channel.colour.flush();
            channel.shelf.flush();
        }
        for lane in &mut self.lanes {
            lane.element.flush(&self.controls.law);
        }
    }

    /// Drives and raises the input, and keeps it for the mix.
    fn raise(&mut self, block: &mut Block, drive: &[f64]) {
        let raised = block.frames() * self.structure.factor;
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            let mut driven = [0.0; CONTROL_FRAMES];
            let driven = &mut driven[..samples.len()];
            for ((driven, sample), drive) in driven.iter_mut().zip(&*samples).zip(drive) {
                *driven = *sample * *drive;
            }
            channel.raised[..raised].copy_from_slice(channel.up.raise(driven));
            channel.late[..samples.len()].copy_from_slice(samples);
            channel.dry.pass(&mut channel.late[..samples.len()]);
        }
        if self.is_mid_side() {
            let (left, right) = self.channels.split_at_mut(1);
            to_mid_side(&mut left[0].raised[..raised], &mut right[0].raised[..raised]);
        }
    }

    fn hear_input(&mut self, frames: usize) {
        let raised = frames * self.structure.factor;
        self.lanes.iter_mut().for_each(|lane| lane.values[..raised].fill(POWER_FLOOR));
        for source in 0..self.sources {
            let mut heard = self.channels[source].raised;
            self.hear(source, &mut heard[..raised]);
        }
        self.high_pass.advance(raised);
    }

    fn hear_key(&mut self, key: &BlockRef, drive: &[f64]) {
        let (frames, factor) = (key.frames(), self.structure.factor);
        let raised = frames * factor;
        self.lanes.iter_mut().for_each(|lane| lane.values[..raised].fill(POWER_FLOOR));
        let sources = key.channels().max(self.sources).min(self.channels.len());
        let mut heard = [[0.0; MOST]; 2];
        for first in (0..sources).step_by(2) {
            let pair = (sources - first).min(2);
            for (place, heard) in heard.iter_mut().enumerate().take(pair) {
                let mut driven = [0.0; CONTROL_FRAMES];
                let samples = key.channel((first + place).min(key.channels() - 1));
                for ((driven, sample), drive) in driven.iter_mut().zip(samples).zip(drive) {
                    *driven = *sample * *drive;
                }
                let up = &mut self.channels[first + place].key_up;
                heard[..raised].copy_from_slice(up.raise(&driven[..frames]));
            }
            let [one, two] = &mut heard;
            if self.is_mid_side() && pair == 2 {
                to_mid_side(&mut one[..raised], &mut two[..raised]);
            }
            for (place, heard) in heard.iter_mut().enumerate().take(pair) {
                self.hear(first + place, &mut heard[..raised]);
            }
        }
        self.high_pass.advance(raised);
    }

    /// Brings the power of one source into its lane.
    fn hear(&mut self, source: usize, heard: &mut [f64]) {
        self.high_pass.process(source, heard);
        heard.iter_mut().for_each(|sample| *sample *= *sample);
        let (mean, keep) = (&mut self.channels[source].mean, self.controls.mean);
        if keep > 0.0 {
            heard.iter_mut().for_each(|power| *power = mean.next(*power, keep));
        }
        let place = if self.lanes.len() == 1 { 0 } else { source.min(self.lanes.len() - 1) };
        for (power, heard) in self.lanes[place].values.iter_mut().zip(heard) {
            *power = greater(*heard, *power);
        }
    }

    /// Turns power into reduction.
    fn reduce(&mut self, frames: usize) {
        let factor = self.structure.factor;
        let raised = frames * factor;
        let (mut threshold, mut share) = (self.threshold_db, self.law_share);
        for lane in &mut self.lanes {
            (threshold, share) = (self.threshold_db, self.law_share);
            let values = &mut lane.values[..raised];
            levels(values);
            if threshold.moves() || share.moves() {
                for values in values.chunks_mut(factor) {
                    let threshold_db = threshold.next_value();
                    values.iter_mut().for_each(|level| *level -= threshold_db);
                    // Where it has arrived, it is the same in every block.
                    let law = match share.next_value() {
                        1.0 => self.controls.law,
                        share => M::Element::toward(&self.law_before, &self.controls.law, share),
                    };
                    lane.element.reduce(values, &law);
                }
            } else {
                let threshold_db = threshold.target();
                values.iter_mut().for_each(|level| *level -= threshold_db);
                lane.element.reduce(values, &self.controls.law);
            }
        }
        (self.threshold_db, self.law_share) = (threshold, share);
        if self.lanes.len() > 1 && self.structure.link_percent > 0.0 {
            let link = self.structure.link_percent / 100.0;
            for n in 0..raised {
                let greatest = self.lanes.iter().fold(0.0, |most, lane| greater(most, lane.values[n]));
                for lane in &mut self.lanes {
                    lane.values[n] += link * (greatest - lane.values[n]);
                }
            }
        }
    }

    /// Turns the raised signal down, colours it, and brings the change back.
    fn act(&mut self, frames: usize, colour: &[f64]) {
        let raised = frames * self.structure.factor;
        for (c, channel) in self.channels[..self.sources].iter_mut().enumerate() {
            let lane = &self.lanes[c.min(self.lanes.len() - 1)];
            let mut factors = lane.values;
            self.deepest_db = gains(&mut factors[..raised], self.deepest_db);
            let mut wet = channel.raised;
            let wet = &mut wet[..raised];
            wet.iter_mut().zip(&factors).for_each(|(sample, gain)| *sample *= gain);
            if self.coloured {
                channel.colour.process(wet, &lane.values[..raised], &colour[..frames], self.structure.factor);
            }
            for (sample, wet) in channel.raised[..raised].iter_mut().zip(wet) {
                *sample = *wet - *sample;
            }
        }
        if self.is_mid_side() {
            let (mid, side) = self.channels.split_at_mut(1);
            from_mid_side(&mut mid[0].raised[..raised], &mut side[0].raised[..raised]);
        }
        for channel in &mut self.channels[..self.sources] {
            channel.up.lower_from(&channel.raised[..raised], &mut channel.change[..frames]);
        }
    }

    /// Adds the change to the delayed input.
    fn mix(&mut self, block: &mut Block, [drive, makeup, wet, colour]: [&[f64]; 4]) {
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            if let (Some([g, scale, gain]), true) = (self.shelf, self.coloured) {
                // (s^2 + sqrt(2 G) s + G) / (s^2 + sqrt(2) s + 1), less the signal itself.
                let root = (gain.sqrt() - 1.0) * SQRT_2;
                for (n, late) in channel.late[..samples.len()].iter().enumerate() {
                    let out = channel.shelf.next(drive[n] * *late + channel.change[n], g, SQRT_2, scale);
                    channel.change[n] += colour[n] * ((gain - 1.0) * out.low + root * out.band);
                }
            }
            for (n, sample) in samples.iter_mut().enumerate() {
                let late = channel.late[n];
                let change = wet[n] * ((makeup[n] * drive[n] - 1.0) * late + makeup[n] * channel.change[n]);
                // Adding zero would turn a negative zero into a positive one.
                *sample = if change == 0.0 { late } else { late + change };
            }
        }
    }
}

audio::wide! {
    fn levels(powers: &mut [f64]) {
        powers.iter_mut().for_each(|power| *power = math::power_to_db(*power));
    }
}

fn to_mid_side(left: &mut [f64], right: &mut [f64]) {
    for (left, right) in left.iter_mut().zip(right) {
        (*left, *right) = (0.5 * (*left + *right), 0.5 * (*left - *right));
    }
}

fn from_mid_side(mid: &mut [f64], side: &mut [f64]) {
    for (mid, side) in mid.iter_mut().zip(side) {
        (*mid, *side) = (*mid + *side, *mid - *side);
    }
}

impl<M: Model> Gridded for GainCell<M> {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.flush();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let frames = block.frames();
        let [drive, makeup, wet, colour] =
            [&mut self.drive, &mut self.makeup, &mut self.wet, &mut self.colour].map(|ramp| {
                let mut path = [0.0; CONTROL_FRAMES];
                path[..frames].iter_mut().for_each(|value| *value = ramp.next_value());
                path
            });
        self.raise(block, &drive);
        match key {
            Some(key) if key.channels() > 0 => self.hear_key(key, &drive),
            _ => self.hear_input(frames),
        }
        self.reduce(frames);
        self.act(frames, &colour);
        self.mix(block, [&drive, &makeup, &wet, &colour]);
    }
}

impl<M: Model> Processor for GainCell<M> {
    fn latency(&self) -> Frames {
        self.channels[0].up.latency()
    }

    fn tail(&self) -> Tail {
        // The filters of linear phase ring as long after their middle as before it.
        let seconds = if self.controls.colour_percent > 0.0 { Colour::tail_s() } else { 0.0 };
        let rate = self.raised_hz / self.structure.factor as f64;
        Tail::Frames(self.latency() + (seconds * rate).ceil() as Frames)
    }

    fn reset(&mut self) {
        let ramps = [&mut self.threshold_db, &mut self.drive, &mut self.makeup, &mut self.wet];
        ramps.into_iter().chain([&mut self.colour, &mut self.law_share]).for_each(Ramp::finish);
        self.high_pass.reset();
        for channel in &mut self.channels {
            channel.dry.reset();
            channel.up.reset();
            channel.key_up.reset();
            channel.mean = MeanPower::default();
            channel.colour.reset();
            channel.shelf = StateVariable::default();
        }
        self.coloured = self.colour.target() > 0.0;
        self.lanes.iter_mut().for_each(|lane| lane.element.reset());
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        self.model.set(address, value);
        let before = self.controls;
        self.controls = self.model.controls(self.raised_hz);
        let now = &self.controls;
        self.law_before = M::Element::toward(&self.law_before, &before.law, self.law_share.value());
        self.law_share = Ramp::new(0.0);
        self.law_share.go_to(1.0);
        for (ramp, target) in [
            (&mut self.threshold_db, now.threshold_db),
            (&mut self.drive, db_to_gain(now.drive_db)),
            (&mut self.makeup, db_to_gain(now.makeup_db)),
            (&mut self.wet, now.mix_percent / 100.0),
            (&mut self.colour, now.colour_percent / 100.0),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
        self.coloured |= self.colour.moves();
        if before.high_pass_hz != self.controls.high_pass_hz {
            self.high_pass.set(self.controls.high_pass_hz);
        }
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        self.on_grid(block, key);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}
