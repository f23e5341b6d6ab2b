//! Compressor: turns down what is louder than a threshold.
//!
//! Feed-forward, in the logarithmic domain, with the smoothing behind the gain computer: Giannoulis,
//! Massberg & Reiss, *Digital dynamic range compressor design: a tutorial and analysis*, J. Audio Eng. Soc.
//! 60 (2012). Automatic times follow the crest factor, as in the same authors' *Parameter automation in a dynamic
//! range compressor*, J. Audio Eng. Soc. 61 (2013). Path of the detector: key or input, high-pass, level, static curve, stereo link, sliding
//! maximum over the lookahead, attack and release, smoothing over the lookahead. Path of the audio: delay by
//! the lookahead, gain, make-up, mix.

use crate::blocks::crest::Crest;
use crate::blocks::dynamics::{
    KeyFilter, MeanPower, POWER_FLOOR, Pass, Smoother, Times, gains, knee_scale, one_pole, reduction_db,
    reductions_db,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// How the level is found.
    pub enum Detector {
        /// Each sample by itself: catches every transient.
        Peak = "peak",
        /// The mean power: follows loudness and lets short peaks pass.
        Rms = "rms",
        /// The mean power, or the peak less 6 dB where that is more: follows loudness and catches transients.
        Blend = "blend",
    }
}

choices! {
    /// How attack and release are joined.
    pub enum Law {
        /// Release first, attack over it: the least distortion; the release is longer by the attack.
        Decoupled = "decoupled",
        /// One or the other: both times exact, more colour on low notes.
        Branching = "branching",
    }
}

choices! {
    /// How the gain comes back.
    pub enum ReleaseMode {
        /// One release time for everything.
        Single = "single",
        /// Quick after a single peak, slow after long reduction: no pumping on dense programme.
        Dual = "dual",
    }
}

choices! {
    /// Where attack and release come from.
    pub enum TimesMode {
        /// As set.
        Manual = "manual",
        /// From the signal's running crest factor: short for peaks, long for what is sustained.
        Automatic = "automatic",
    }
}

settings! {
    /// Settings of the compressor.
    pub struct Settings {
        /// Level above which it turns down.
        threshold_db: f64 { label: "Threshold", unit: Unit::Decibel, min: -80.0, max: 0.0 },
        /// Decibels of input per decibel of output above the threshold; 1 does nothing.
        ratio: f64 { label: "Ratio", min: 1.0, max: 100.0, default: 1.0, taper: Taper::Logarithmic },
        /// Width of the bend around the threshold; 0 is a hard corner.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0, default: 6.0 },
        /// Time to 63 % of a rise in gain reduction.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.01, max: 300.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a fall in gain reduction.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 5000.0, default: 100.0,
            taper: Taper::Logarithmic,
        },
        /// How the level is found.
        detector: Detector { label: "Detector", fixed: true },
        /// Window of the mean power.
        rms_ms: f64 {
            label: "RMS time", unit: Unit::Millisecond, min: 1.0, max: 300.0, default: 10.0,
            taper: Taper::Logarithmic,
        },
        /// How attack and release are joined.
        law: Law { label: "Law", fixed: true },
        /// How the gain comes back.
        release_mode: ReleaseMode { label: "Release mode", fixed: true },
        /// Release after long reduction, in the dual mode.
        slow_release_ms: f64 {
            label: "Slow release", unit: Unit::Millisecond, min: 200.0, max: 5000.0, default: 1000.0,
            taper: Taper::Logarithmic,
        },
        /// The detector does not hear what is below; 0 is off.
        sidechain_high_pass_hz: f64 { label: "Sidechain high-pass", unit: Unit::Hertz, max: 1000.0 },
        /// How far the detector hears ahead; the audio waits as long.
        lookahead_ms: f64 { label: "Lookahead", unit: Unit::Millisecond, max: 20.0, fixed: true },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 {
            label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
        /// Gain after the compression.
        makeup_db: f64 { label: "Make-up", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// 100 is the compressed signal alone, 0 the input alone.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
        /// Where attack and release come from; automatic ones take the place of those set.
        times: TimesMode { label: "Times", fixed: true },
    }
}

/// Compressor.
pub static KIND: Kind = Kind {
    id: "compressor",
    label: "Compressor",
    family: Family::Dynamics,
    help: "Evens out level: turns down what is louder than the threshold. Use a slow attack to keep the \
           punch of drums, a key input to duck one track under another, the mix for parallel compression.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Compressor::new(Settings::from_values(values), spec)),
    response: None,
};

/// Gain reduction in decibels, zero or positive, of a steady level through the static curve.
///
/// All in decibels, `ratio` at least 1. Pure: for whoever looks for a threshold on a track of levels.
/// Source: Giannoulis et al. 2012, equation 4.
pub fn static_reduction_db(level_db: f64, threshold_db: f64, ratio: f64, knee_db: f64) -> f64 {
    reduction_db(level_db, threshold_db, 1.0 - 1.0 / ratio.max(1.0), knee_db, knee_scale(knee_db))
}

/// More reduction than any level can ask for: bounds the sums of the smoothing filter.
const LARGEST_REDUCTION_DB: f64 = 1024.0;

/// Attack of the slow stage of the dual release: it fills up only under lasting reduction.
const SLOW_ATTACK_MS: f64 = 200.0;

/// What follows from the settings at a sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficients {
    slope: f64,
    makeup: f64,
    wet: f64,
    times: Times,
    slow: Times,
    rms: f64,
}

fn design(settings: &Settings, sample_rate_hz: f64) -> Coefficients {
    Coefficients {
        slope: 1.0 - 1.0 / settings.ratio,
        makeup: db_to_gain(settings.makeup_db),
        wet: settings.mix_percent / 100.0,
        times: Times::new(settings.attack_ms, settings.release_ms, sample_rate_hz),
        slow: Times::new(SLOW_ATTACK_MS, settings.slow_release_ms, sample_rate_hz),
        rms: one_pole(settings.rms_ms, sample_rate_hz),
    }
}

/// The gain of one channel, or of all channels when they are fully linked.
struct Lane {
    ahead: SlidingMaximum,
    main: Smoother,
    slow: Smoother,
    smooth: BoxCascade,
    crest: Crest,
    /// The automatic times, found at the last point of the control grid.
    times: Times,
    /// Power of the present piece before any averaging; kept for the automatic times only.
    plain: [f64; CONTROL_FRAMES],
    /// Of the present piece: power, then decibels of reduction, then gain.
    values: [f64; CONTROL_FRAMES],
}

struct Compressor {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    coefficients: Coefficients,
    threshold_db: Ramp,
    slope: Ramp,
    knee_db: Ramp,
    makeup: Ramp,
    wet: Ramp,
    high_pass: KeyFilter,
    means: Vec<MeanPower>,
    lanes: Vec<Lane>,
    delays: Vec<Delay>,
    /// The key of the present piece, two channels at a time.
    heard: [[f64; CONTROL_FRAMES]; 2],
    grid: Grid,
    deepest_db: f64,
}

impl Compressor {
    fn new(settings: Settings, spec: &Spec) -> Compressor {
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0);
        let linked = settings.link_percent >= 100.0;
        let lanes = if linked { 1 } else { spec.channels.max(1) };
        // The smoothing is shorter than the lookahead by the margin and the maximum longer by it, so that
        // the gain stands still around a peak.
        let margin = (lookahead / 2).min(4);
        let lane = || Lane {
            ahead: SlidingMaximum::new(lookahead + margin + 1),
            main: Smoother::default(),
            slow: Smoother::default(),
            smooth: BoxCascade::new(lookahead - margin + 1, LARGEST_REDUCTION_DB),
            crest: Crest::new(spec.sample_rate_hz),
            times: Crest::new(spec.sample_rate_hz).times(spec.sample_rate_hz),
            plain: [0.0; CONTROL_FRAMES],
            values: [0.0; CONTROL_FRAMES],
        };
        let coefficients = design(&settings, spec.sample_rate_hz);
        // A mono track may have a stereo key.
        let sources = spec.channels.max(2);
        Compressor {
            sample_rate_hz: spec.sample_rate_hz,
            lookahead,
            coefficients,
            threshold_db: Ramp::new(settings.threshold_db),
            slope: Ramp::new(coefficients.slope),
            knee_db: Ramp::new(settings.knee_db),
            makeup: Ramp::new(coefficients.makeup),
            wet: Ramp::new(coefficients.wet),
            high_pass: KeyFilter::new(
                Pass::High,
                settings.sidechain_high_pass_hz,
                spec.sample_rate_hz,
                sources,
            ),
            means: vec![MeanPower::default(); sources],
            lanes: (0..lanes).map(|_| lane()).collect(),
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            heard: [[0.0; CONTROL_FRAMES]; 2],
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        self.high_pass.flush();
        self.means.iter_mut().for_each(MeanPower::flush);
        for lane in &mut self.lanes {
            lane.main.flush();
            lane.slow.flush();
            if self.settings.times == TimesMode::Automatic {
                lane.crest.flush();
                lane.times = lane.crest.times(self.sample_rate_hz);
            }
        }
    }

    /// Fills the lanes with the power of the key.
    fn detect(&mut self, key: &BlockRef) {
        let frames = key.frames();
        let linked = self.lanes.len() == 1;
        let sources = if linked { key.channels() } else { key.channels().max(self.lanes.len()) };
        let sources = sources.min(self.means.len());
        // The usual case, in one pass: nothing else asks for a channel's power.
        let plain_peaks = linked
            && (1..=2).contains(&sources)
            && self.settings.detector == Detector::Peak
            && self.settings.times == TimesMode::Manual;
        for lane in self.lanes.iter_mut().filter(|_| !plain_peaks) {
            lane.values[..frames].fill(POWER_FLOOR);
            if self.settings.times == TimesMode::Automatic {
                lane.plain[..frames].fill(0.0);
            }
        }
        for first in (0..sources).step_by(2) {
            let pair = (sources - first).min(2);
            let [left, right] = &mut self.heard;
            let (left, right) = (&mut left[..frames], &mut right[..frames]);
            left.copy_from_slice(key.channel(first.min(key.channels() - 1)));
            if pair == 2 {
                right.copy_from_slice(key.channel((first + 1).min(key.channels() - 1)));
                self.high_pass.process_two(first, left, right);
            } else {
                self.high_pass.process(first, left);
            }
            if plain_peaks {
                let (left, right) = (&*left, if pair == 2 { &*right } else { &*left });
                peak_powers(left, right, &mut self.lanes[0].values[..frames]);
                continue;
            }
            for (source, heard) in (first..first + pair).zip([left, right]) {
                let place = if linked { 0 } else { source.min(self.lanes.len() - 1) };
                square(heard);
                if self.settings.times == TimesMode::Automatic {
                    for (power, heard) in self.lanes[place].plain.iter_mut().zip(&*heard) {
                        *power = greater(*heard, *power);
                    }
                }
                let mean = &mut self.means[source];
                weigh(heard, mean, self.settings.detector, self.coefficients.rms);
                keep_greater(&mut self.lanes[place].values[..frames], heard);
            }
        }
        self.high_pass.advance(frames);
    }

    /// Turns the lanes' power into decibels of reduction, link included.
    fn compute(&mut self, frames: usize) {
        let standing = !(self.threshold_db.moves() || self.slope.moves() || self.knee_db.moves());
        let (mut threshold, mut slope, mut knee) = (self.threshold_db, self.slope, self.knee_db);
        for lane in &mut self.lanes {
            let values = &mut lane.values[..frames];
            if standing {
                reductions_db(values, threshold.target(), slope.target(), knee.target());
            } else {
                (threshold, slope, knee) = (self.threshold_db, self.slope, self.knee_db);
                for value in values {
                    let (threshold, slope) = (threshold.next_value(), slope.next_value());
                    let knee = knee.next_value();
                    let level_db = math::power_to_db(*value);
                    *value = reduction_db(level_db, threshold, slope, knee, knee_scale(knee));
                }
            }
        }
        (self.threshold_db, self.slope, self.knee_db) = (threshold, slope, knee);
        if self.lanes.len() > 1 {
            let link = self.settings.link_percent / 100.0;
            for n in 0..frames {
                let greatest = self.lanes.iter().fold(0.0, |most, lane| greater(most, lane.values[n]));
                for lane in &mut self.lanes {
                    lane.values[n] += link * (greatest - lane.values[n]);
                }
            }
        }
    }

    /// Delays the audio and applies gain, make-up and mix.
    fn apply(&mut self, block: &mut Block) {
        let frames = block.frames();
        let (mut makeup, mut wet) = (self.makeup, self.wet);
        for lane in &mut self.lanes {
            (makeup, wet) = (self.makeup, self.wet);
            if makeup.moves() || wet.moves() {
                for gain in &mut lane.values[..frames] {
                    let wet = wet.next_value();
                    *gain = (1.0 - wet) + wet * (*gain * makeup.next_value());
                }
            }
        }
        let finished = self.makeup.moves() || self.wet.moves();
        let (factor, part) = if finished { (1.0, 1.0) } else { (makeup.target(), wet.target()) };
        (self.makeup, self.wet) = (makeup, wet);
        for (channel, (samples, delay)) in block.iter_mut().zip(&mut self.delays).enumerate() {
            delay.pass(samples);
            let lane = &self.lanes[channel.min(self.lanes.len() - 1)];
            multiply(samples, &lane.values, factor, part);
        }
    }
}

/// Turns the power of one channel's key into its level's.
fn weigh(heard: &mut [f64], mean: &mut MeanPower, detector: Detector, rms: f64) {
    match detector {
        Detector::Peak => {}
        Detector::Rms => heard.iter_mut().for_each(|power| *power = mean.next(*power, rms)),
        Detector::Blend => {
            // A quarter of the power is 6.02 dB down.
            heard.iter_mut().for_each(|power| *power = greater(mean.next(*power, rms), 0.25 * *power));
        }
    }
}

audio::wide! {
    fn square(samples: &mut [f64]) {
        samples.iter_mut().for_each(|sample| *sample *= *sample);
    }
}

audio::wide! {
    fn keep_greater(most: &mut [f64], values: &[f64]) {
        most.iter_mut().zip(values).for_each(|(most, value)| *most = greater(*value, *most));
    }
}

audio::wide! {
    /// The greater power of two channels, never less than the floor.
    fn peak_powers(left: &[f64], right: &[f64], powers: &mut [f64]) {
        for ((power, left), right) in powers.iter_mut().zip(left).zip(right) {
            *power = greater(right * right, greater(left * left, POWER_FLOOR));
        }
    }
}

audio::wide! {
    /// Applies gains with their make-up and mix.
    fn multiply(samples: &mut [f64], gains: &[f64], makeup: f64, wet: f64) {
        let dry = 1.0 - wet;
        samples.iter_mut().zip(gains).for_each(|(sample, gain)| *sample *= dry + wet * (*gain * makeup));
    }
}

impl Gridded for Compressor {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.flush();
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let frames = block.frames();
        match key {
            Some(key) if key.channels() > 0 => self.detect(key),
            _ => self.detect(&block.as_ref()),
        }
        self.compute(frames);
        for lane in &mut self.lanes {
            let values = &mut lane.values[..frames];
            if self.lookahead > 0 {
                lane.ahead.process(values);
            }
            let times = match self.settings.times {
                TimesMode::Manual => self.coefficients.times,
                TimesMode::Automatic => {
                    lane.crest.follow(&lane.plain[..frames]);
                    lane.times
                }
            };
            match self.settings.law {
                Law::Decoupled => lane.main.decoupled(values, times),
                Law::Branching => lane.main.branching(values, times),
            }
            if self.settings.release_mode == ReleaseMode::Dual {
                let mut slow = [0.0; CONTROL_FRAMES];
                slow[..frames].copy_from_slice(values);
                lane.slow.branching(&mut slow[..frames], self.coefficients.slow);
                values.iter_mut().zip(&slow).for_each(|(fast, slow)| *fast = greater(*fast, *slow));
            }
            if self.lookahead > 0 {
                lane.smooth.process(values);
            }
            self.deepest_db = gains(values, self.deepest_db);
        }
        self.apply(block);
    }
}

impl Processor for Compressor {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn reset(&mut self) {
        for ramp in
            [&mut self.threshold_db, &mut self.slope, &mut self.knee_db, &mut self.makeup, &mut self.wet]
        {
            ramp.finish();
        }
        self.high_pass.reset();
        self.means.fill(MeanPower::default());
        for lane in &mut self.lanes {
            lane.ahead.reset();
            lane.main = Smoother::default();
            lane.slow = Smoother::default();
            lane.smooth.reset();
            lane.crest.reset();
            lane.times = lane.crest.times(self.sample_rate_hz);
        }
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.detector = before.detector;
        self.settings.law = before.law;
        self.settings.release_mode = before.release_mode;
        self.settings.lookahead_ms = before.lookahead_ms;
        self.settings.link_percent = before.link_percent;
        self.settings.times = before.times;
        self.coefficients = design(&self.settings, self.sample_rate_hz);
        for (ramp, target) in [
            (&mut self.threshold_db, self.settings.threshold_db),
            (&mut self.slope, self.coefficients.slope),
            (&mut self.knee_db, self.settings.knee_db),
            (&mut self.makeup, self.coefficients.makeup),
            (&mut self.wet, self.coefficients.wet),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
        if before.sidechain_high_pass_hz != self.settings.sidechain_high_pass_hz {
            self.high_pass.set(self.settings.sidechain_high_pass_hz);
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
