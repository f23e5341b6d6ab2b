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
//!
//! In three bands each has its own detector behind filters of 12 dB per octave, and its own gain: a kick moves nothing
//! of the cymbals. The gains act by shelves of minimum phase ([`crate::blocks::three_bands`]), so that no crossover
//! turns the phase of what stands still.

use crate::blocks::dynamics::{
    KeyFilter, LOW_PASS_OFF_HZ, MeanPower, Pass, Smoother, Times, one_pole, settle,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::blocks::three_bands::{Edges, ThreeBands};
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// In how many bands it works.
    pub enum Bands {
        /// All in one.
        One = "one",
        /// Low, middle and high, each by itself.
        Three = "three",
    }
}

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
        /// Raises nothing over full scale; in three bands but for the shelves' own overshoot.
        clip_safe: bool { label: "Clip-safe" },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -24.0, max: 24.0 },
        /// In how many bands it works.
        bands: Bands { label: "Bands", fixed: true },
        /// Edge between low and middle.
        low_hz: f64 {
            label: "Low edge", unit: Unit::Hertz, min: 60.0, max: 800.0, default: 200.0,
            taper: Taper::Logarithmic,
        },
        /// Edge between middle and high.
        high_hz: f64 {
            label: "High edge", unit: Unit::Hertz, min: 1000.0, max: 10_000.0, default: 3000.0,
            taper: Taper::Logarithmic,
        },
        /// Share of attack and sustain in the low band.
        low_percent: f64 { label: "Low", unit: Unit::Percent, max: 100.0, default: 100.0 },
        /// Share of attack and sustain in the middle band.
        middle_percent: f64 { label: "Middle", unit: Unit::Percent, max: 100.0, default: 100.0 },
        /// Share of attack and sustain in the high band.
        high_percent: f64 { label: "High", unit: Unit::Percent, max: 100.0, default: 100.0 },
    }
}

/// Transient shaper.
pub static KIND: Kind = Kind {
    id: "transient",
    label: "Transient shaper",
    family: Family::Dynamics,
    help: "Sharpens or softens the beginning of drums and plucked notes, lengthens or shortens what follows. It has \
           no threshold: soft and loud strokes are treated alike.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
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

/// The detector and the gain of one band.
struct Lane {
    /// Its part of what is heard; nothing in one band.
    filters: Vec<KeyFilter>,
    mean: MeanPower,
    hold: SlidingMaximum,
    fast: Smoother,
    late: Smoother,
    long: Smoother,
    share: Ramp,
    smooth: BoxCascade,
    /// Of the present piece: power, then level, then decibels of gain, then gain.
    values: [f64; CONTROL_FRAMES],
}

impl Lane {
    /// Envelopes: turns power into the shares of onset and sustain.
    fn shares(
        &mut self,
        frames: usize,
        keep: f64,
        coefficients: &Coefficients,
    ) -> [[f64; CONTROL_FRAMES]; 2] {
        let levels = &mut self.values[..frames];
        for level in levels.iter_mut() {
            *level = self.mean.next(*level, keep);
        }
        self.hold.process(levels);
        levels.iter_mut().for_each(|level| *level = level.sqrt());
        let [mut fast, mut late, mut long] = [self.values; 3];
        self.fast.branching(&mut fast[..frames], coefficients.fast);
        late[..frames].copy_from_slice(&fast[..frames]);
        self.late.branching(&mut late[..frames], coefficients.late);
        self.long.branching(&mut long[..frames], coefficients.long);
        ratios(&fast[..frames], &mut late[..frames], &mut long[..frames]);
        [late, long]
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

    fn reset(&mut self) {
        self.filters.iter_mut().for_each(KeyFilter::reset);
        self.mean = MeanPower::default();
        self.hold.reset();
        for smoother in [&mut self.fast, &mut self.late, &mut self.long] {
            *smoother = Smoother::default();
        }
        self.share.finish();
        self.rest();
    }

    fn flush(&mut self) {
        self.filters.iter_mut().for_each(KeyFilter::flush);
        self.mean.flush();
        [&mut self.fast, &mut self.late, &mut self.long].into_iter().for_each(Smoother::flush);
    }
}

/// The filters of each band's detector.
fn filters(settings: &Settings, sample_rate_hz: f64, sources: usize) -> Vec<Vec<KeyFilter>> {
    let filter = |pass, hz| KeyFilter::new(pass, hz, sample_rate_hz, sources);
    let (low, high) = (settings.low_hz, settings.high_hz);
    match settings.bands {
        Bands::One => vec![Vec::new()],
        Bands::Three => vec![
            vec![filter(Pass::Low, low)],
            vec![filter(Pass::High, low), filter(Pass::Low, high)],
            vec![filter(Pass::High, high)],
        ],
    }
}

fn shares(settings: &Settings) -> [f64; 3] {
    let percents = match settings.bands {
        Bands::One => [100.0; 3],
        Bands::Three => [settings.low_percent, settings.middle_percent, settings.high_percent],
    };
    percents.map(|percent| percent / 100.0)
}

struct Transient {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    coefficients: Coefficients,
    mean_keep: f64,
    attack_db: Ramp,
    sustain_db: Ramp,
    safe: Ramp,
    output: Ramp,
    high_pass: KeyFilter,
    low_pass: KeyFilter,
    lanes: Vec<Lane>,
    /// Peaks of the audio itself, for what must not go over full scale.
    peaks: SlidingMaximum,
    edges: Edges,
    bands: Vec<ThreeBands>,
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
        let lane = |(filters, share): (Vec<KeyFilter>, f64)| Lane {
            filters,
            mean: MeanPower::default(),
            hold: SlidingMaximum::new(hold),
            fast: Smoother::default(),
            late: Smoother::default(),
            long: Smoother::default(),
            share: Ramp::new(share),
            smooth: BoxCascade::new(lookahead + 1, 2.0 * OFFSET_DB),
            values: [0.0; CONTROL_FRAMES],
        };
        let mut transient = Transient {
            sample_rate_hz: rate,
            lookahead,
            coefficients: design(&settings, rate),
            mean_keep: one_pole(MEAN_MS, rate),
            attack_db: Ramp::new(settings.attack_db),
            sustain_db: Ramp::new(settings.sustain_db),
            safe: Ramp::new(settings.clip_safe.into()),
            output: Ramp::new(db_to_gain(settings.output_db)),
            high_pass: KeyFilter::new(Pass::High, settings.key_high_pass_hz, rate, sources),
            low_pass: KeyFilter::new(Pass::Low, settings.key_low_pass_hz, rate, sources),
            lanes: filters(&settings, rate, sources).into_iter().zip(shares(&settings)).map(lane).collect(),
            peaks: SlidingMaximum::new(hold),
            edges: Edges::new(settings.low_hz, settings.high_hz, rate),
            bands: vec![ThreeBands::default(); spec.channels],
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        };
        transient.lanes.iter_mut().for_each(Lane::rest);
        transient
    }

    /// Power of the loudest channel in each band.
    fn hear(&mut self, key: &BlockRef) {
        let frames = key.frames();
        self.lanes.iter_mut().for_each(|lane| lane.values[..frames].fill(0.0));
        for source in 0..key.channels().min(self.delays.len().max(2)) {
            let mut heard = [0.0; CONTROL_FRAMES];
            let heard = &mut heard[..frames];
            heard.copy_from_slice(key.channel(source));
            self.high_pass.process(source, heard);
            self.low_pass.process(source, heard);
            for lane in &mut self.lanes {
                let mut part = [0.0; CONTROL_FRAMES];
                let part = &mut part[..frames];
                part.copy_from_slice(heard);
                lane.filters.iter_mut().for_each(|filter| filter.process(source, part));
                for (power, sample) in lane.values.iter_mut().zip(part) {
                    *power = greater(*sample * *sample, *power);
                }
            }
        }
        self.high_pass.advance(frames);
        self.low_pass.advance(frames);
        for filter in self.lanes.iter_mut().flat_map(|lane| &mut lane.filters) {
            filter.advance(frames);
        }
    }

    /// Decibels of gain that keep the audio under full scale, beside what is no limit at all.
    fn room(&mut self, block: &BlockRef, room_db: &mut [f64]) {
        room_db.fill(0.0);
        for samples in block.iter() {
            for (peak, sample) in room_db.iter_mut().zip(samples) {
                *peak = greater(sample.abs(), *peak);
            }
        }
        self.peaks.process(room_db);
        for room_db in room_db {
            let left_db = greater(-math::amplitude_to_db(greater(*room_db, QUIET)), 0.0);
            // Not safe: room for everything.
            let safe = self.safe.next_value();
            *room_db = if left_db < RANGE_DB { RANGE_DB + safe * (left_db - RANGE_DB) } else { RANGE_DB };
        }
    }

    /// Turns each band's power into gain.
    fn decide(&mut self, frames: usize, room_db: &[f64]) {
        let (mut attack, mut sustain) = (self.attack_db, self.sustain_db);
        for lane in &mut self.lanes {
            (attack, sustain) = (self.attack_db, self.sustain_db);
            let [onset, rest] = lane.shares(frames, self.mean_keep, &self.coefficients);
            for n in 0..frames {
                let gain_db = attack.next_value() * onset[n] + sustain.next_value() * rest[n];
                let gain_db = (gain_db * lane.share.next_value()).clamp(-RANGE_DB, RANGE_DB);
                let gain_db = if gain_db < room_db[n] { gain_db } else { room_db[n] };
                lane.values[n] = gain_db + OFFSET_DB;
            }
            let values = &mut lane.values[..frames];
            lane.smooth.process(values);
            for value in values {
                let gain_db = *value - OFFSET_DB;
                self.deepest_db = greater(-gain_db, self.deepest_db);
                *value = math::db_to_gain(gain_db);
            }
        }
        (self.attack_db, self.sustain_db) = (attack, sustain);
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

impl Gridded for Transient {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.high_pass.flush();
        self.low_pass.flush();
        self.lanes.iter_mut().for_each(Lane::flush);
        self.bands.iter_mut().for_each(ThreeBands::flush);
    }

    fn piece(&mut self, block: &mut Block, key: Option<&BlockRef>) {
        let frames = block.frames();
        match key {
            Some(key) if key.channels() > 0 => self.hear(key),
            _ => self.hear(&block.as_ref()),
        }
        let mut room_db = [0.0; CONTROL_FRAMES];
        self.room(&block.as_ref(), &mut room_db[..frames]);
        self.decide(frames, &room_db);
        let (mut edges, mut output) = (self.edges, self.output);
        for ((samples, delay), bands) in block.iter_mut().zip(&mut self.delays).zip(&mut self.bands) {
            (edges, output) = (self.edges, self.output);
            delay.pass(samples);
            match &self.lanes[..] {
                [low, middle, high] => {
                    bands.process(samples, [&low.values, &middle.values, &high.values], &mut edges);
                }
                lanes => {
                    for (sample, gain) in samples.iter_mut().zip(&lanes[0].values) {
                        *sample *= gain;
                    }
                }
            }
            output.scale(samples);
        }
        (self.edges, self.output) = (edges, output);
    }
}

impl Processor for Transient {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn tail(&self) -> Tail {
        let seconds = if self.lanes.len() == 1 { 0.0 } else { Edges::tail_s(self.settings.low_hz) };
        Tail::Frames((seconds * self.sample_rate_hz).ceil() as Frames)
    }

    fn reset(&mut self) {
        let ramps = [&mut self.attack_db, &mut self.sustain_db, &mut self.safe, &mut self.output];
        ramps.into_iter().for_each(Ramp::finish);
        self.high_pass.reset();
        self.low_pass.reset();
        self.lanes.iter_mut().for_each(Lane::reset);
        self.peaks.reset();
        self.edges.finish();
        self.bands.fill(ThreeBands::default());
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
        for (lane, share) in self.lanes.iter_mut().zip(shares(&self.settings)) {
            if lane.share.target() != share {
                lane.share.go_to(share);
            }
        }
        let (low, high) = (self.settings.low_hz, self.settings.high_hz);
        if (before.low_hz, before.high_hz) != (low, high) {
            self.edges.go_to(low, high);
            if let [lows, middles, highs] = &mut self.lanes[..] {
                lows.filters[0].set(low);
                middles.filters[0].set(low);
                middles.filters[1].set(high);
                highs.filters[0].set(high);
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
        self.on_grid(block, key);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: settle(self.deepest_db) }
    }
}
