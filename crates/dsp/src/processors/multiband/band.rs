//! The dynamics of one band: level, static curve, time, gain, and the return of what it took on average.

use super::{Band, Detector, Mode};
use crate::blocks::dynamics::{
    POWER_FLOOR, Smoother, Times, knee_scale, one_pole, reduction_db, reductions_db, settle,
};
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::lookahead::{BoxCascade, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use audio::{Frames, db_to_gain};

/// One value per frame of a piece.
pub(super) type Piece = [f64; CONTROL_FRAMES];

/// More change of gain than the range allows: bounds the sums of the smoothing filter.
const LARGEST_CHANGE_DB: f64 = 1024.0;
/// Power of the whole signal under which a relative level says nothing: -100 dBFS.
const QUIET_POWER: f64 = 1e-10;
/// The most that is returned on average.
const LARGEST_RETURN_DB: f64 = 24.0;

/// What all bands share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    pub(super) sample_rate_hz: f64,
    pub(super) lookahead: Frames,
    pub(super) detector: Detector,
    /// One-pole coefficient of the mean power.
    pub(super) rms: f64,
}

/// The gain of one channel, or of all channels when they are fully linked.
struct Lane {
    ahead: SlidingMaximum,
    main: Smoother,
    smooth: BoxCascade,
    /// Of the present piece: power, then decibels taken away (negative: added), then gain.
    values: Piece,
}

impl Lane {
    fn new(lookahead: Frames) -> Lane {
        // The smoothing is shorter than the lookahead by the margin and the maximum longer by it, so that the
        // gain stands still around a peak.
        let margin = (lookahead / 2).min(4);
        Lane {
            ahead: SlidingMaximum::new(lookahead + margin + 1),
            main: Smoother::default(),
            smooth: BoxCascade::new(lookahead - margin + 1, LARGEST_CHANGE_DB),
            values: [0.0; CONTROL_FRAMES],
        }
    }
}

/// Returns slowly the mean power that a band's gain took.
///
/// The means are plain at first and exponential from the time constant on, so that the first seconds of a song
/// are not judged by silence before it.
struct Return {
    coefficient: f64,
    share: f64,
    before: f64,
    after: f64,
    gain: Ramp,
}

impl Return {
    fn new() -> Return {
        Return { coefficient: 0.0, share: 1.0, before: 0.0, after: 0.0, gain: Ramp::new(1.0) }
    }

    fn reset(&mut self) {
        *self = Return { coefficient: self.coefficient, ..Return::new() };
    }

    #[inline(always)]
    fn hear(&mut self, before: f64, after: f64) {
        self.before += self.share * (before - self.before);
        self.after += self.share * (after - self.after);
        let least = 1.0 - self.coefficient;
        // A division is spared once the mean is exponential.
        self.share = if self.share > least { greater(self.share / (1.0 + self.share), least) } else { least };
    }

    /// Work for a point of the control grid.
    fn aim(&mut self, active: bool) {
        self.before = settle(self.before);
        self.after = settle(self.after);
        let lost_db = math::power_to_db((self.before + POWER_FLOOR) / (self.after + POWER_FLOOR));
        let target_db = if active { lost_db.clamp(-LARGEST_RETURN_DB, LARGEST_RETURN_DB) } else { 0.0 };
        let target = math::db_to_gain(target_db);
        if target != self.gain.target() {
            self.gain.go_to(target);
        }
    }
}

/// One band.
pub(super) struct Voice {
    mode: Mode,
    times: Times,
    threshold_db: Ramp,
    slope: Ramp,
    knee_db: Ramp,
    range_db: Ramp,
    makeup: Ramp,
    lanes: Vec<Lane>,
    /// Mean power of each source.
    means: Vec<f64>,
    returned: Return,
}

fn slope(settings: &Band) -> f64 {
    1.0 - 1.0 / settings.ratio
}

impl Voice {
    /// For `lanes` gains, heard from at most `sources` channels.
    pub(super) fn new(settings: &Band, shared: &Shared, lanes: usize, sources: usize) -> Voice {
        Voice {
            mode: settings.mode,
            times: Times::new(settings.attack_ms, settings.release_ms, shared.sample_rate_hz),
            threshold_db: Ramp::new(settings.threshold_db),
            slope: Ramp::new(slope(settings)),
            knee_db: Ramp::new(settings.knee_db),
            range_db: Ramp::new(settings.range_db),
            makeup: Ramp::new(db_to_gain(settings.makeup_db)),
            lanes: (0..lanes).map(|_| Lane::new(shared.lookahead)).collect(),
            means: vec![0.0; sources],
            returned: Return::new(),
        }
    }

    /// Moves to new settings; the mode stays as built.
    pub(super) fn go_to(&mut self, settings: &Band, sample_rate_hz: f64) {
        self.times = Times::new(settings.attack_ms, settings.release_ms, sample_rate_hz);
        for (ramp, target) in [
            (&mut self.threshold_db, settings.threshold_db),
            (&mut self.slope, slope(settings)),
            (&mut self.knee_db, settings.knee_db),
            (&mut self.range_db, settings.range_db),
            (&mut self.makeup, db_to_gain(settings.makeup_db)),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
    }

    /// Time constant of the slow return.
    pub(super) fn set_return(&mut self, seconds: f64, sample_rate_hz: f64) {
        self.returned.coefficient = one_pole(seconds * 1000.0, sample_rate_hz);
    }

    pub(super) fn reset(&mut self) {
        for ramp in
            [&mut self.threshold_db, &mut self.slope, &mut self.knee_db, &mut self.range_db, &mut self.makeup]
        {
            ramp.finish();
        }
        for lane in &mut self.lanes {
            lane.ahead.reset();
            lane.main = Smoother::default();
            lane.smooth.reset();
        }
        self.means.fill(0.0);
        self.returned.reset();
    }

    /// Work for a point of the control grid.
    pub(super) fn flush(&mut self, returns: bool) {
        self.means.iter_mut().for_each(|mean| *mean = settle(*mean));
        self.lanes.iter_mut().for_each(|lane| lane.main.flush());
        self.returned.aim(returns);
    }

    /// Fills the lanes with the band's power; `heard` is the band of each source.
    pub(super) fn detect<'a>(&mut self, heard: impl Iterator<Item = &'a [f64]>, shared: &Shared) {
        let most = self.lanes.len() - 1;
        self.lanes.iter_mut().for_each(|lane| lane.values.fill(POWER_FLOOR));
        let mut heard = heard.take(self.means.len()).enumerate();
        // Two at a time: each mean waits for itself only.
        while let Some((source, first)) = heard.next() {
            let second = heard.next().map_or(&[][..], |(_, samples)| samples);
            let mut powers = [[0.0; CONTROL_FRAMES]; 2];
            for (powers, samples) in powers.iter_mut().zip([first, second]) {
                powers.iter_mut().zip(samples).for_each(|(power, x)| *power = x * x);
            }
            if shared.detector == Detector::Rms {
                let last = (source + 2).min(self.means.len());
                average(&mut self.means[source..last], shared.rms, &mut powers, first.len());
            }
            for (place, powers) in powers.iter().enumerate().take(if second.is_empty() { 1 } else { 2 }) {
                let values = &mut self.lanes[(source + place).min(most)].values;
                values.iter_mut().zip(powers).for_each(|(value, power)| *value = greater(*power, *value));
            }
        }
    }

    /// Turns power into decibels taken away; with `whole`, the power of the whole signal per lane, the threshold
    /// is counted from that.
    pub(super) fn compute(&mut self, frames: usize, whole: Option<&[Piece]>) {
        let moving =
            [&self.threshold_db, &self.slope, &self.knee_db, &self.range_db].iter().any(|r| r.moves());
        let start = (self.threshold_db, self.slope, self.knee_db, self.range_db);
        let mut end = start;
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            let values = &mut lane.values[..frames];
            if let Some(whole) = whole {
                values.iter_mut().zip(&whole[place]).for_each(|(v, w)| *v /= w + QUIET_POWER);
            }
            let sign = match self.mode {
                Mode::Downward => 1.0,
                Mode::Upward => {
                    // The same curve upside down: what is below the threshold is lifted.
                    values.iter_mut().for_each(|v| *v = 1.0 / greater(*v, POWER_FLOOR));
                    -1.0
                }
            };
            end = start;
            let (threshold, slope, knee, range) = (&mut end.0, &mut end.1, &mut end.2, &mut end.3);
            if moving {
                for value in values {
                    let (threshold, knee) = (sign * threshold.next_value(), knee.next_value());
                    let level_db = math::power_to_db(*value);
                    let change =
                        reduction_db(level_db, threshold, slope.next_value(), knee, knee_scale(knee));
                    *value = sign * change.min(range.next_value());
                }
            } else if slope.target() == 0.0 {
                values.fill(0.0);
            } else {
                reductions_db(values, sign * threshold.target(), slope.target(), knee.target());
                let range = range.target();
                values.iter_mut().for_each(|v| *v = sign * if *v < range { *v } else { range });
            }
        }
        (self.threshold_db, self.slope, self.knee_db, self.range_db) = end;
    }

    /// The decibels of the present piece.
    pub(super) fn values(&mut self, lane: usize) -> &mut Piece {
        &mut self.lanes[lane].values
    }

    /// Smooths the decibels in time; gives the most that is taken away.
    pub(super) fn smooth(&mut self, frames: usize, lookahead: Frames) -> f64 {
        let mut deepest = 0.0;
        for lane in &mut self.lanes {
            let values = &mut lane.values[..frames];
            if lookahead > 0 {
                lane.ahead.process(values);
            }
            lane.main.decoupled(values, self.times);
            if lookahead > 0 {
                lane.smooth.process(values);
            }
            deepest = values.iter().fold(deepest, |most, value| greater(*value, most));
        }
        deepest
    }

    /// Turns the decibels into gains, make-up and mix included.
    ///
    /// `bands` is the band of each channel, as long as the piece, already delayed by the lookahead; with `returns` it
    /// is heard for what the gain takes of it.
    pub(super) fn gains<'a>(
        &mut self,
        frames: usize,
        bands: impl Iterator<Item = &'a [f64]>,
        wet: Ramp,
        returns: bool,
    ) {
        for lane in &mut self.lanes {
            let values = &mut lane.values[..frames];
            if values.iter().all(|v| *v == 0.0) {
                values.fill(1.0);
            } else {
                to_gains(values);
            }
        }
        if returns {
            self.listen(frames, bands);
        }
        let (mut makeup, mut returned) = (self.makeup, self.returned.gain);
        for lane in &mut self.lanes {
            let mut wet_now = wet;
            (makeup, returned) = (self.makeup, self.returned.gain);
            for gain in &mut lane.values[..frames] {
                let whole = *gain * (makeup.next_value() * returned.next_value());
                *gain = 1.0 + wet_now.next_value() * (whole - 1.0);
            }
        }
        (self.makeup, self.returned.gain) = (makeup, returned);
    }

    /// Compares the band's power before and after its gain.
    fn listen<'a>(&mut self, frames: usize, bands: impl Iterator<Item = &'a [f64]>) {
        let most = self.lanes.len() - 1;
        let (mut before, mut after) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
        for (channel, samples) in bands.enumerate() {
            let gains = &self.lanes[channel.min(most)].values;
            for n in 0..frames {
                let power = samples[n] * samples[n];
                before[n] += power;
                after[n] += power * (gains[n] * gains[n]);
            }
        }
        for n in 0..frames {
            self.returned.hear(before[n], after[n]);
        }
    }

    /// The gains of one channel's piece.
    pub(super) fn gain_of(&self, channel: usize) -> &Piece {
        &self.lanes[channel.min(self.lanes.len() - 1)].values
    }
}

/// Turns the power of one or two sources into its running mean, exponential window, in place.
fn average(means: &mut [f64], keep: f64, powers: &mut [Piece; 2], frames: usize) {
    let take = 1.0 - keep;
    let mut held = [means[0], means.get(1).copied().unwrap_or(0.0)];
    let [first, second] = powers;
    for (a, b) in first[..frames].iter_mut().zip(&mut second[..frames]) {
        held = [keep * held[0] + take * *a, keep * held[1] + take * *b];
        [*a, *b] = held;
    }
    means.iter_mut().zip(held).for_each(|(mean, held)| *mean = held);
}

audio::wide! {
    fn to_gains(values: &mut [f64]) {
        values.iter_mut().for_each(|value| *value = math::db_to_gain(-*value));
    }
}
