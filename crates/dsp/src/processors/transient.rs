//! Transient shaper: more or less of a sound's beginning, more or less of what follows, whatever its level.
//!
//! Differences of envelopes in decibels decide, so that the level falls out by construction. The level is the mean
//! power over 0.5 ms, which does not see where the samples fall on a wave, and of that the greatest of the last 25 ms,
//! half a period of the lowest tone: a steady tone stands still in it. Over it
//!
//! - onset: an envelope that rises at once and falls in 50 ms, less one that follows it in the attack time;
//! - sustain: an envelope that falls in the release time, less the one that falls in 50 ms.
//!
//! Both are zero on a steady tone. Each counts up to 12 dB and moves the gain by its share of the decibels set; the
//! sum stays within 12 dB. The gain in decibels is averaged over the lookahead by a filter of unit sum (three boxes),
//! while the audio waits as long: at the first frame of an onset the gain is where it shall be.

use crate::blocks::dynamics::{
    KeyFilter, LOW_PASS_OFF_HZ, MeanPower, Pass, Smoother, Times, one_pole, settle,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid};
use crate::blocks::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

settings! {
    /// Settings of the transient shaper.
    pub struct Settings {
        /// Gain of a clear onset, one that rises by 12 dB or more.
        attack_db: f64 { label: "Attack", unit: Unit::Decibel, min: -12.0, max: 12.0 },
        /// Gain of a clear decay, where it has fallen 12 dB further than the release time would.
        sustain_db: f64 { label: "Sustain", unit: Unit::Decibel, min: -12.0, max: 12.0 },
        /// How long an onset counts as one: time to 63 %.
        attack_ms: f64 {
            label: "Attack time", unit: Unit::Millisecond, min: 5.0, max: 100.0, default: 20.0,
            taper: Taper::Logarithmic,
        },
        /// How far the sustain reaches: time to 63 %.
        release_ms: f64 {
            label: "Release time", unit: Unit::Millisecond, min: 100.0, max: 2000.0, default: 400.0,
            taper: Taper::Logarithmic,
        },
        /// How far the detector hears ahead; the audio waits as long.
        lookahead_ms: f64 {
            label: "Lookahead", unit: Unit::Millisecond, max: 10.0, default: 3.0, fixed: true,
        },
        /// The detector does not hear what is below; 0 is off.
        key_high_pass_hz: f64 { label: "Key high-pass", unit: Unit::Hertz, max: 8000.0 },
        /// The detector does not hear what is above; 24000 is off.
        key_low_pass_hz: f64 {
            label: "Key low-pass", unit: Unit::Hertz, min: 40.0, max: LOW_PASS_OFF_HZ,
            default: LOW_PASS_OFF_HZ, taper: Taper::Logarithmic,
        },
        /// Raises nothing over full scale.
        clip_safe: bool { label: "Clip-safe" },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -24.0, max: 24.0 },
    }
}

/// Transient shaper.
pub static KIND: Kind = Kind {
    id: "transient",
    label: "Transient shaper",
    family: Family::Dynamics,
    help: "Sharpens or softens the beginning of drums and plucked notes, lengthens or shortens what follows. It has \
           no threshold: soft and loud strokes are treated alike.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: true,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Transient::new(Settings::from_values(values), spec)),
    response: None,
};

/// The level holds its peaks as long: half a period of 20 Hz.
const HOLD_MS: f64 = 25.0;
/// Averaging time of the power.
const MEAN_MS: f64 = 0.5;
/// Fall of the fast envelope.
const FALL_MS: f64 = 50.0;
/// Onset and sustain count up to here, and the gain moves no further.
const RANGE_DB: f64 = 12.0;
/// Amplitude that stands for silence, far below any noise: -180 dBFS.
const QUIET: f64 = 1e-9;
/// Added to the gain for the averaging filter, which takes positive values only.
const OFFSET_DB: f64 = 32.0;

/// What follows from the settings at a sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficients {
    fast: Times,
    /// Follows the fast envelope: late up, at its pace down.
    late: Times,
    /// Rises as the fast one and falls in the release time.
    long: Times,
}

fn design(settings: &Settings, sample_rate_hz: f64) -> Coefficients {
    Coefficients {
        fast: Times::new(0.0, FALL_MS, sample_rate_hz),
        late: Times::new(settings.attack_ms, 0.0, sample_rate_hz),
        long: Times::new(0.0, settings.release_ms, sample_rate_hz),
    }
}

struct Transient {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    coefficients: Coefficients,
    attack_db: Ramp,
    sustain_db: Ramp,
    safe: Ramp,
    output: Ramp,
    high_pass: KeyFilter,
    low_pass: KeyFilter,
    mean: MeanPower,
    mean_keep: f64,
    hold: SlidingMaximum,
    /// Peaks of the audio itself, for what must not go over full scale.
    peaks: SlidingMaximum,
    fast: Smoother,
    late: Smoother,
    long: Smoother,
    smooth: BoxCascade,
    delays: Vec<Delay>,
    grid: Grid,
    deepest_db: f64,
}

impl Transient {
    fn new(settings: Settings, spec: &Spec) -> Transient {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0);
        // A mono track may have a stereo key.
        let sources = spec.channels.max(2);
        let hold = spec.frames(HOLD_MS / 1000.0).max(lookahead + 1);
        let mut transient = Transient {
            sample_rate_hz: rate,
            lookahead,
            coefficients: design(&settings, rate),
            attack_db: Ramp::new(settings.attack_db),
            sustain_db: Ramp::new(settings.sustain_db),
            safe: Ramp::new(settings.clip_safe.into()),
            output: Ramp::new(db_to_gain(settings.output_db)),
            high_pass: KeyFilter::new(Pass::High, settings.key_high_pass_hz, rate, sources),
            low_pass: KeyFilter::new(Pass::Low, settings.key_low_pass_hz, rate, sources),
            mean: MeanPower::default(),
            mean_keep: one_pole(MEAN_MS, rate),
            hold: SlidingMaximum::new(hold),
            peaks: SlidingMaximum::new(hold),
            fast: Smoother::default(),
            late: Smoother::default(),
            long: Smoother::default(),
            smooth: BoxCascade::new(lookahead + 1, 2.0 * OFFSET_DB),
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        };
        transient.rest();
        transient
    }

    /// The level of the loudest channel, held.
    fn levels(&mut self, key: &BlockRef, levels: &mut [f64]) {
        let frames = key.frames();
        levels.fill(0.0);
        for source in 0..key.channels().min(self.delays.len().max(2)) {
            let mut heard = [0.0; CONTROL_FRAMES];
            let heard = &mut heard[..frames];
            heard.copy_from_slice(key.channel(source));
            self.high_pass.process(source, heard);
            self.low_pass.process(source, heard);
            for (level, sample) in levels.iter_mut().zip(heard) {
                *level = greater(*sample * *sample, *level);
            }
        }
        self.high_pass.advance(frames);
        self.low_pass.advance(frames);
        for level in levels.iter_mut() {
            *level = self.mean.next(*level, self.mean_keep);
        }
        self.hold.process(levels);
        levels.iter_mut().for_each(|level| *level = level.sqrt());
    }

    /// The greatest amplitude of the audio, held.
    fn room(&mut self, block: &BlockRef, peaks: &mut [f64]) {
        peaks.fill(0.0);
        for samples in block.iter() {
            for (peak, sample) in peaks.iter_mut().zip(samples) {
                *peak = greater(sample.abs(), *peak);
            }
        }
        self.peaks.process(peaks);
    }

    /// Turns levels into decibels of gain.
    fn decide(&mut self, levels: &mut [f64], peaks: &[f64]) {
        let frames = levels.len();
        let coefficients = self.coefficients;
        let [mut fast, mut late, mut long] = [[0.0; CONTROL_FRAMES]; 3];
        let (fast, late, long) = (&mut fast[..frames], &mut late[..frames], &mut long[..frames]);
        fast.copy_from_slice(levels);
        self.fast.branching(fast, coefficients.fast);
        late.copy_from_slice(fast);
        self.late.branching(late, coefficients.late);
        long.copy_from_slice(levels);
        self.long.branching(long, coefficients.long);
        ratios(fast, late, long);
        for n in 0..frames {
            let (onset, sustain) = (late[n], long[n]);
            let attack = self.attack_db.next_value() * onset;
            let gain_db = attack + self.sustain_db.next_value() * sustain;
            let gain_db = gain_db.clamp(-RANGE_DB, RANGE_DB);
            let safe = self.safe.next_value();
            let room_db = greater(-math::amplitude_to_db(greater(peaks[n], QUIET)), 0.0);
            let over = greater(gain_db - room_db, 0.0);
            levels[n] = gain_db - safe * over;
        }
    }

    /// A piece of at most [`CONTROL_FRAMES`] frames.
    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let mut values = [0.0; CONTROL_FRAMES];
        let values = &mut values[..block.frames()];
        match key {
            Some(key) if key.channels() > 0 => self.levels(key, values),
            _ => self.levels(&block.as_ref(), values),
        }
        let mut peaks = [0.0; CONTROL_FRAMES];
        self.room(&block.as_ref(), &mut peaks[..block.frames()]);
        self.decide(values, &peaks);
        values.iter_mut().for_each(|gain_db| *gain_db += OFFSET_DB);
        self.smooth.process(values);
        for value in values.iter_mut() {
            let gain_db = *value - OFFSET_DB;
            self.deepest_db = greater(-gain_db, self.deepest_db);
            *value = math::db_to_gain(gain_db) * self.output.next_value();
        }
        for (samples, delay) in block.iter_mut().zip(&mut self.delays) {
            delay.pass(samples);
            samples.iter_mut().zip(&*values).for_each(|(sample, gain)| *sample *= gain);
        }
    }

    /// Fills the averaging filter with no gain, as if silence had gone before.
    fn rest(&mut self) {
        self.smooth.reset();
        let mut none = [OFFSET_DB; CONTROL_FRAMES];
        for _ in 0..self.smooth.length().div_ceil(CONTROL_FRAMES) {
            self.smooth.process(&mut none);
            none.fill(OFFSET_DB);
        }
    }
}

audio::wide! {
    /// Turns the late envelope into the onset's share and the long one into the sustain's, 0 to 1.
    fn ratios(fast: &[f64], late: &mut [f64], long: &mut [f64]) {
        const SCALE: f64 = math::DB_PER_DOUBLING / RANGE_DB;
        let share = |over: f64| {
            let over = if over > 0.0 { over * SCALE } else { 0.0 };
            if over < 1.0 { over } else { 1.0 }
        };
        for ((fast, late), long) in fast.iter().zip(late).zip(long) {
            let fast = *fast + QUIET;
            *late = share(math::log2(fast / (*late + QUIET)));
            *long = share(math::log2((*long + QUIET) / fast));
        }
    }
}

impl Processor for Transient {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn reset(&mut self) {
        let ramps = [&mut self.attack_db, &mut self.sustain_db, &mut self.safe, &mut self.output];
        ramps.into_iter().for_each(Ramp::finish);
        self.high_pass.reset();
        self.low_pass.reset();
        self.mean = MeanPower::default();
        self.hold.reset();
        self.peaks.reset();
        self.fast = Smoother::default();
        self.late = Smoother::default();
        self.long = Smoother::default();
        self.rest();
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        let before = self.settings.clone();
        self.settings.set(address, value);
        self.coefficients = design(&self.settings, self.sample_rate_hz);
        for (ramp, target) in [
            (&mut self.attack_db, self.settings.attack_db),
            (&mut self.sustain_db, self.settings.sustain_db),
            (&mut self.safe, self.settings.clip_safe.into()),
            (&mut self.output, db_to_gain(self.settings.output_db)),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
        if before.key_high_pass_hz != self.settings.key_high_pass_hz {
            self.high_pass.set(self.settings.key_high_pass_hz);
        }
        if before.key_low_pass_hz != self.settings.key_low_pass_hz {
            self.low_pass.set(self.settings.key_low_pass_hz);
        }
    }

    fn process(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        let mut start = 0;
        while start < block.frames() {
            if self.grid.at_point() {
                self.high_pass.flush();
                self.low_pass.flush();
                self.mean.flush();
                self.fast.flush();
                self.late.flush();
                self.long.flush();
            }
            let frames = self.grid.take(block.frames() - start);
            let key = key.map(|key| key.range(start, frames));
            self.piece(&mut block.range_mut(start, frames), key.as_ref());
            start += frames;
        }
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: settle(self.deepest_db) }
    }
}
