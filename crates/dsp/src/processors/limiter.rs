//! True-peak limiter: nothing passes the ceiling, not even between the samples.
//!
//! The peaks of the waveform between the samples (ITU-R BS.1770-5, annex 2; see [`crate::blocks::true_peak`])
//! ask for gain reduction; its maximum over the lookahead, released slowly and smoothed by a filter with
//! positive weights, is there in full whenever a peak arrives: no overshoot at the points looked at, and no
//! corner in the gain. Below the ceiling the output is the input, bit for bit. Path: drive, peaks per
//! channel, link, sliding maximum, release, smoothing; the audio waits for the latency and is multiplied.
//!
//! What a finer meter still finds, [`repair`] takes out of the finished file.

pub use crate::blocks::repair::{Over, REPAIR_MARGIN_DB, repair};

use crate::blocks::dynamics::{Smoother, Times, one_pole};
use crate::blocks::grid::{CONTROL_FRAMES, Grid};
use crate::blocks::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::blocks::true_peak::PeakFinder;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// How the gain comes back.
    pub enum ReleaseMode {
        /// Always at the release time.
        Fixed = "fixed",
        /// At the release time after a single peak, up to 25 times slower under steady reduction.
        Adaptive = "adaptive",
        /// A slow stage takes the mean of the reduction, a quick one the rest: the cleanest at high drive.
        TwoStage = "two_stage",
    }
}

settings! {
    /// Settings of the limiter.
    pub struct Settings {
        /// Gain before the limiter.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// No peak passes it; at the upper end it never acts.
        ceiling_dbtp: f64 {
            label: "Ceiling", unit: Unit::DecibelTruePeak, min: -24.0, max: 24.0, default: 24.0,
        },
        /// How far it hears ahead, and how long the gain takes to fall: longer is cleaner, shorter is louder.
        lookahead_ms: f64 {
            label: "Lookahead", unit: Unit::Millisecond, min: 0.5, max: 20.0, default: 5.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Time to 63 % of the way back.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 1000.0, default: 100.0,
            taper: Taper::Logarithmic,
        },
        /// How the gain comes back.
        release_mode: ReleaseMode { label: "Release mode", fixed: true },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 {
            label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
    }
}

/// True-peak limiter.
pub static KIND: Kind = Kind {
    id: "limiter",
    label: "True-peak limiter",
    family: Family::Dynamics,
    help: "Holds the true peak under a ceiling without overshoot. The last processor of a master: raise the \
           drive until it is loud enough. A ceiling of -1 dBTP leaves room for lossy encoders.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Limiter::new(Settings::from_values(values), spec)),
    response: None,
};

/// More reduction than any signal can ask for: bounds the sums of the smoothing filters.
const LARGEST_REDUCTION_DB: f64 = 1024.0;
/// Over how long the adaptive release looks back, and how much slower it gets: 40 ms becomes 1 s.
const ADAPTIVE_MEMORY_MS: f64 = 300.0;
const ADAPTIVE_RANGE: f64 = 25.0;
/// Window of the slow stage of the two-stage release.
const SLOW_WINDOW_MS: f64 = 150.0;
/// Reduction under which the release is over: a thousandth of the last bit of a 24-bit file.
const SETTLED_DB: f64 = 1e-9;

/// The gain of one channel, or of all channels when they are fully linked.
struct Lane {
    ahead: SlidingMaximum,
    slow: BoxCascade,
    fast: Smoother,
    /// Share of the last [`ADAPTIVE_MEMORY_MS`] spent under reduction.
    busy: f64,
    /// Frames under reduction since the last point of the control grid.
    busy_frames: usize,
    smooth: BoxCascade,
    times: Times,
    /// Of the present piece: decibels of reduction, then gain.
    values: [f64; CONTROL_FRAMES],
    /// All gains of the piece are exactly one.
    idle: bool,
}

struct Limiter {
    settings: Settings,
    sample_rate_hz: f64,
    latency: Frames,
    drive: Ramp,
    ceiling_db: Ramp,
    busy_memory: f64,
    finders: Vec<PeakFinder>,
    lanes: Vec<Lane>,
    delays: Vec<Delay>,
    grid: Grid,
    deepest_db: f64,
}

impl Limiter {
    fn new(settings: Settings, spec: &Spec) -> Limiter {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0).max(1);
        // The smoothing is shorter than the lookahead by the margin and the maximum longer by it, so that the
        // gain stands still around a peak: a gain that moves there would shift the waveform between samples.
        // A peak asks both frames beside it, hence one more frame in the maximum.
        let margin = (lookahead / 2).min(4);
        let times = Times::new(0.0, settings.release_ms, rate);
        let slow_frames = match settings.release_mode {
            ReleaseMode::TwoStage => spec.frames(SLOW_WINDOW_MS / 1000.0),
            _ => 1,
        };
        let lane = || Lane {
            ahead: SlidingMaximum::new(lookahead + margin + 2),
            slow: BoxCascade::new(slow_frames, LARGEST_REDUCTION_DB),
            fast: Smoother::default(),
            busy: 0.0,
            busy_frames: 0,
            smooth: BoxCascade::new(lookahead - margin + 1, LARGEST_REDUCTION_DB),
            times,
            values: [0.0; CONTROL_FRAMES],
            idle: true,
        };
        let linked = settings.link_percent >= 100.0;
        let lanes = if linked { 1 } else { spec.channels.max(1) };
        let latency = lookahead + PeakFinder::LATENCY;
        Limiter {
            sample_rate_hz: rate,
            latency,
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            ceiling_db: Ramp::new(settings.ceiling_dbtp),
            busy_memory: one_pole(ADAPTIVE_MEMORY_MS, rate / CONTROL_FRAMES as f64),
            finders: vec![PeakFinder::new(); spec.channels],
            lanes: (0..lanes).map(|_| lane()).collect(),
            delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }

    /// Work for a point of the control grid.
    fn control(&mut self) {
        for lane in &mut self.lanes {
            lane.fast.clear_below(SETTLED_DB);
            let now = lane.busy_frames as f64 / CONTROL_FRAMES as f64;
            lane.busy = now + self.busy_memory * (lane.busy - now);
            lane.busy_frames = 0;
            if self.settings.release_mode == ReleaseMode::Adaptive {
                let slower = math::exp2(lane.busy * ADAPTIVE_RANGE.log2());
                lane.times = Times::new(0.0, self.settings.release_ms * slower, self.sample_rate_hz);
            }
        }
    }

    /// A piece of at most [`CONTROL_FRAMES`] frames.
    fn piece(&mut self, block: &mut Block) {
        let frames = block.frames();
        self.detect(block);
        self.link(frames);
        for lane in &mut self.lanes {
            lane.compute(frames, self.settings.release_mode, &mut self.deepest_db);
        }
        for (channel, (samples, delay)) in block.iter_mut().zip(&mut self.delays).enumerate() {
            delay.pass(samples);
            let lane = &self.lanes[channel.min(self.lanes.len() - 1)];
            if !lane.idle {
                samples.iter_mut().zip(&lane.values).for_each(|(sample, gain)| *sample *= gain);
            }
        }
    }

    /// Applies the drive and fills the lanes with the reduction that each frame's peak asks for.
    fn detect(&mut self, block: &mut Block) {
        let frames = block.frames();
        let (mut drive, mut ceilings) = (self.drive, self.ceiling_db);
        let mut ceiling_db = [ceilings.target(); CONTROL_FRAMES];
        if ceilings.moves() {
            ceiling_db[..frames].iter_mut().for_each(|c| *c = ceilings.next_value());
        }
        let lowest_db = ceiling_db[..frames].iter().fold(f64::INFINITY, |m, c| m.min(*c));
        let threshold = math::db_to_gain(lowest_db);
        // Far under any ceiling, and a number the logarithm takes.
        self.lanes.iter_mut().for_each(|lane| lane.values[..frames].fill(1e-6));
        let mut above = false;
        for (channel, (samples, finder)) in block.iter_mut().zip(&mut self.finders).enumerate() {
            drive = self.drive;
            drive.scale(samples);
            let mut peaks = [0.0; CONTROL_FRAMES];
            if finder.find(samples, threshold, &mut peaks[..frames]) {
                above = true;
                let lane = channel.min(self.lanes.len() - 1);
                let values = self.lanes[lane].values.iter_mut();
                values.zip(&peaks[..frames]).for_each(|(value, peak)| *value = greater(*peak, *value));
            }
        }
        for lane in &mut self.lanes {
            for (value, ceiling_db) in lane.values[..frames].iter_mut().zip(&ceiling_db) {
                *value = if above { greater(math::amplitude_to_db(*value) - ceiling_db, 0.0) } else { 0.0 };
            }
        }
        (self.drive, self.ceiling_db) = (drive, ceilings);
    }

    /// Pulls each channel's reduction towards the greatest.
    fn link(&mut self, frames: usize) {
        let link = self.settings.link_percent / 100.0;
        if self.lanes.len() > 1 && link > 0.0 {
            for n in 0..frames {
                let greatest = self.lanes.iter().fold(0.0, |most, lane| greater(most, lane.values[n]));
                for lane in &mut self.lanes {
                    lane.values[n] += link * (greatest - lane.values[n]);
                }
            }
        }
    }
}

impl Lane {
    fn reset(&mut self) {
        self.ahead.reset();
        self.slow.reset();
        self.fast = Smoother::default();
        self.busy = 0.0;
        self.busy_frames = 0;
        self.smooth.reset();
    }

    /// Turns the reduction asked for into the gain given.
    fn compute(&mut self, frames: usize, mode: ReleaseMode, deepest_db: &mut f64) {
        let values = &mut self.values[..frames];
        self.ahead.process(values);
        match mode {
            ReleaseMode::Fixed => self.fast.released(values, self.times),
            ReleaseMode::Adaptive => {
                self.busy_frames += values.iter().filter(|v| **v > 0.0).count();
                self.fast.released(values, self.times);
            }
            ReleaseMode::TwoStage => {
                let mut mean = [0.0; CONTROL_FRAMES];
                let mean = &mut mean[..frames];
                mean.copy_from_slice(values);
                self.slow.process(mean);
                values.iter_mut().zip(&*mean).for_each(|(v, mean)| *v = greater(*v - *mean, 0.0));
                self.fast.released(values, self.times);
                values.iter_mut().zip(&*mean).for_each(|(v, mean)| *v += *mean);
            }
        }
        self.smooth.process(values);
        self.idle = values.iter().all(|v| *v == 0.0);
        if !self.idle {
            for value in values {
                *deepest_db = greater(*deepest_db, *value);
                *value = math::db_to_gain(-*value);
            }
        }
    }
}

impl Processor for Limiter {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn reset(&mut self) {
        self.drive.finish();
        self.ceiling_db.finish();
        self.finders.iter_mut().for_each(PeakFinder::reset);
        let times = Times::new(0.0, self.settings.release_ms, self.sample_rate_hz);
        for lane in &mut self.lanes {
            lane.reset();
            lane.times = times;
        }
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.lookahead_ms = before.lookahead_ms;
        self.settings.release_mode = before.release_mode;
        self.settings.link_percent = before.link_percent;
        if self.settings.drive_db != before.drive_db {
            self.drive.go_to(db_to_gain(self.settings.drive_db));
        }
        if self.settings.ceiling_dbtp != before.ceiling_dbtp {
            self.ceiling_db.go_to(self.settings.ceiling_dbtp);
        }
        if self.settings.release_mode != ReleaseMode::Adaptive {
            let times = Times::new(0.0, self.settings.release_ms, self.sample_rate_hz);
            self.lanes.iter_mut().for_each(|lane| lane.times = times);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        let mut start = 0;
        while start < block.frames() {
            if self.grid.at_point() {
                self.control();
            }
            let frames = self.grid.take(block.frames() - start);
            self.piece(&mut block.range_mut(start, frames));
            start += frames;
        }
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}
