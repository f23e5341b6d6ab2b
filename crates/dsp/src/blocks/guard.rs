//! The ceiling's guard: the gain of a true-peak limiter, worked out ahead of the audio that it is put on.
//!
//! The peaks of the waveform between the samples (ITU-R BS.1770-5, annex 2; see [`super::true_peak`]) ask
//! for gain reduction; its maximum over the lookahead, released slowly and smoothed by a filter with positive
//! weights, is there in full whenever a peak arrives: no overshoot at the points looked at, and no corner in
//! the gain. Path: peaks per channel, link, sliding maximum, release, smoothing; the audio waits for the
//! latency and is multiplied. Where nothing is asked for, the audio keeps every bit.
//!
//! The release may have stages: what has lasted long is let go slowly, what is short quickly. Each stage sees the
//! least demand of its own stretch of the past and lets it go at its own time; the deepest counts.

use super::dynamics::{Smoother, Times, gains, one_pole};
use super::grid::CONTROL_FRAMES;
use super::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use super::math;
use super::ramp::Ramp;
use super::true_peak::PeakFinder;
use audio::{Block, Frames, Spec};

/// How a [`Guard`] moves its gain.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// How far it hears ahead, and how long the gain takes to fall, in milliseconds.
    pub lookahead_ms: f64,
    /// How long a peak is remembered in full after it has passed, in milliseconds. Longer than half the period
    /// of a tone, it keeps the gain from following the waveform.
    pub hold_ms: f64,
    /// A demand that falls by less stays where it was, in decibels: a steady tone, whose peaks are read with
    /// the ripple of a filter, gets a gain without any.
    pub backlash_db: f64,
    /// Window of a slow stage that takes the mean of the demand and leaves the rest to the release, in milliseconds.
    pub mean_ms: Option<f64>,
    /// Further stages of the release: how long a demand has to last for each, in milliseconds, and by how much it
    /// is then released more slowly.
    pub lasting: Vec<(f64, f64)>,
    /// Time of the last stage to 63 % of the way back, in milliseconds.
    pub release_ms: f64,
    /// Up to 25 times slower under steady reduction.
    pub adaptive: bool,
    /// 100 moves all channels alike, 0 each by itself.
    pub link_percent: f64,
}

/// More reduction than any signal can ask for: bounds the sums of the smoothing filters.
const LARGEST_REDUCTION_DB: f64 = 1024.0;
/// Over how long the adaptive release looks back, and how much slower it gets: 40 ms becomes 1 s.
const ADAPTIVE_MEMORY_MS: f64 = 300.0;
const ADAPTIVE_RANGE: f64 = 25.0;
/// Reduction under which the release is over: a thousandth of the last bit of a 24-bit file.
const SETTLED_DB: f64 = 1e-9;

/// The gain of one channel, or of all channels when they are fully linked.
struct Lane {
    ahead: SlidingMaximum,
    backlash_db: f64,
    /// The demand that the backlash holds.
    held_db: f64,
    mean: Option<BoxCascade>,
    lasting: Vec<Lasting>,
    fast: Smoother,
    /// Share of the last [`ADAPTIVE_MEMORY_MS`] spent under reduction.
    busy: f64,
    /// Frames under reduction since the last point of the control grid.
    busy_frames: usize,
    smooth: BoxCascade,
    times: Times,
    /// For so many frames nothing was asked for.
    calm: Frames,
    /// After so many of them everything that remembers demands holds nothing else.
    remembers: Frames,
    /// Of the present piece: decibels of reduction, then gain.
    values: [f64; CONTROL_FRAMES],
    /// All gains of the piece are exactly one.
    idle: bool,
}

/// A stage of the release for what lasts.
struct Lasting {
    /// The least demand, as the greatest of the negated ones.
    least: SlidingMaximum,
    slower: f64,
    smoother: Smoother,
    times: Times,
}

/// Keeps every channel of a signal under a ceiling, piece by piece.
pub struct Guard {
    release_ms: f64,
    adaptive: bool,
    link: f64,
    sample_rate_hz: f64,
    latency: Frames,
    ceiling_db: Ramp,
    busy_memory: f64,
    finders: Vec<PeakFinder>,
    lanes: Vec<Lane>,
    delays: Vec<Delay>,
    deepest_db: f64,
}

impl Guard {
    /// For the channels and rate of `spec`, with its ceiling at `ceiling_dbtp`.
    pub fn new(design: &Design, ceiling_dbtp: f64, spec: &Spec) -> Guard {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(design.lookahead_ms / 1000.0).max(1);
        let linked = design.link_percent >= 100.0;
        let lanes = if linked { 1 } else { spec.channels.max(1) };
        let latency = lookahead + PeakFinder::LATENCY;
        Guard {
            sample_rate_hz: rate,
            latency,
            ceiling_db: Ramp::new(ceiling_dbtp),
            busy_memory: one_pole(ADAPTIVE_MEMORY_MS, rate / CONTROL_FRAMES as f64),
            finders: vec![PeakFinder::new(); spec.channels],
            lanes: (0..lanes).map(|_| Lane::new(design, lookahead, spec)).collect(),
            delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            deepest_db: 0.0,
            release_ms: design.release_ms,
            adaptive: design.adaptive,
            link: design.link_percent / 100.0,
        }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.ceiling_db.finish();
        self.finders.iter_mut().for_each(PeakFinder::reset);
        for lane in &mut self.lanes {
            lane.reset();
            lane.set_release(self.release_ms, self.sample_rate_hz);
        }
        self.delays.iter_mut().for_each(Delay::reset);
        self.deepest_db = 0.0;
    }

    /// Moves the ceiling within the next control period.
    pub fn set_ceiling(&mut self, ceiling_dbtp: f64) {
        self.ceiling_db.go_to(ceiling_dbtp);
    }

    /// Changes the time of the last stage.
    pub fn set_release(&mut self, release_ms: f64) {
        self.release_ms = release_ms;
        if !self.adaptive {
            self.lanes.iter_mut().for_each(|lane| lane.set_release(release_ms, self.sample_rate_hz));
        }
    }

    /// Work for a point of the control grid.
    pub fn control(&mut self) {
        for lane in &mut self.lanes {
            lane.fast.clear_below(SETTLED_DB);
            lane.lasting.iter_mut().for_each(|stage| stage.smoother.clear_below(SETTLED_DB));
            let now = lane.busy_frames as f64 / CONTROL_FRAMES as f64;
            lane.busy = now + self.busy_memory * (lane.busy - now);
            lane.busy_frames = 0;
            if self.adaptive {
                let slower = math::exp2(lane.busy * ADAPTIVE_RANGE.log2());
                lane.times = Times::new(0.0, self.release_ms * slower, self.sample_rate_hz);
            }
        }
    }

    /// A piece of at most [`CONTROL_FRAMES`] frames, changed in place.
    pub fn piece(&mut self, block: &mut Block) {
        let frames = block.frames();
        self.detect(block);
        self.link(frames);
        for lane in &mut self.lanes {
            lane.compute(frames, self.adaptive, &mut self.deepest_db);
        }
        for (channel, (samples, delay)) in block.iter_mut().zip(&mut self.delays).enumerate() {
            delay.pass(samples);
            let lane = &self.lanes[channel.min(self.lanes.len() - 1)];
            if !lane.idle {
                multiply(samples, &lane.values);
            }
        }
    }

    /// The deepest reduction since it was last asked for, in decibels.
    pub fn take_deepest_db(&mut self) -> f64 {
        std::mem::take(&mut self.deepest_db)
    }

    /// Fills the lanes with the reduction that each frame's peak asks for.
    fn detect(&mut self, block: &mut Block) {
        let frames = block.frames();
        let mut ceilings = self.ceiling_db;
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
            let mut peaks = [0.0; CONTROL_FRAMES];
            if finder.find(samples, threshold, &mut peaks[..frames]) {
                above = true;
                let lane = channel.min(self.lanes.len() - 1);
                raise(&mut self.lanes[lane].values[..frames], &peaks[..frames]);
            }
        }
        for lane in &mut self.lanes {
            match above {
                true => reductions(&mut lane.values[..frames], &ceiling_db[..frames]),
                false => lane.values[..frames].fill(0.0),
            }
        }
        self.ceiling_db = ceilings;
    }

    /// Pulls each channel's reduction towards the greatest.
    fn link(&mut self, frames: usize) {
        if self.lanes.len() > 1 && self.link > 0.0 {
            for n in 0..frames {
                let greatest = self.lanes.iter().fold(0.0, |most, lane| greater(most, lane.values[n]));
                for lane in &mut self.lanes {
                    lane.values[n] += self.link * (greatest - lane.values[n]);
                }
            }
        }
    }
}

impl Lane {
    fn new(design: &Design, lookahead: Frames, spec: &Spec) -> Lane {
        // The smoothing is shorter than the lookahead by the margin and the maximum longer by it, so that the
        // gain stands still around a peak: a gain that moves there would shift the waveform between samples.
        // A peak asks both frames beside it, hence one more frame in the maximum.
        let margin = (lookahead / 2).min(4);
        let hold = spec.frames(design.hold_ms / 1000.0);
        let lasting = design.lasting.iter().map(|(ms, slower)| Lasting {
            least: SlidingMaximum::new(spec.frames(ms / 1000.0)),
            slower: *slower,
            smoother: Smoother::default(),
            times: Times::new(0.0, slower * design.release_ms, spec.sample_rate_hz),
        });
        let longest = design.lasting.iter().map(|(ms, _)| spec.frames(ms / 1000.0)).max().unwrap_or(0);
        let ahead = lookahead + margin + 2 + hold;
        Lane {
            ahead: SlidingMaximum::new(ahead),
            calm: 0,
            // A stage hears what the maximum before it holds.
            remembers: 2 * (ahead + longest.max(1)) + lookahead + 2 * CONTROL_FRAMES,
            backlash_db: design.backlash_db,
            held_db: 0.0,
            mean: design.mean_ms.map(|ms| BoxCascade::new(spec.frames(ms / 1000.0), LARGEST_REDUCTION_DB)),
            lasting: lasting.collect(),
            fast: Smoother::default(),
            busy: 0.0,
            busy_frames: 0,
            smooth: BoxCascade::new(lookahead - margin + 1, LARGEST_REDUCTION_DB),
            times: Times::new(0.0, design.release_ms, spec.sample_rate_hz),
            values: [0.0; CONTROL_FRAMES],
            idle: true,
        }
    }

    fn reset(&mut self) {
        self.ahead.reset();
        self.held_db = 0.0;
        self.mean.iter_mut().for_each(BoxCascade::reset);
        for stage in &mut self.lasting {
            stage.least.reset();
            stage.smoother = Smoother::default();
        }
        self.fast = Smoother::default();
        self.busy = 0.0;
        self.busy_frames = 0;
        self.calm = 0;
        self.smooth.reset();
    }

    /// Whether nothing is asked for in a piece, nor was for so long that nothing is left of it.
    fn is_at_rest(&mut self, frames: usize) -> bool {
        let asked = self.values[..frames].iter().any(|v| *v != 0.0);
        self.calm = if asked { 0 } else { self.calm.saturating_add(frames) };
        self.calm > self.remembers
            && self.mean.is_none()
            && self.smooth.is_quiet()
            && self.fast.is_zero()
            && self.lasting.iter().all(|stage| stage.smoother.is_zero())
    }

    fn set_release(&mut self, release_ms: f64, sample_rate_hz: f64) {
        self.times = Times::new(0.0, release_ms, sample_rate_hz);
        for stage in &mut self.lasting {
            stage.times = Times::new(0.0, stage.slower * release_ms, sample_rate_hz);
        }
    }

    /// Turns the reduction asked for into the gain given.
    fn compute(&mut self, frames: usize, adaptive: bool, deepest_db: &mut f64) {
        if self.is_at_rest(frames) {
            self.ahead.go_on(frames);
            self.lasting.iter_mut().for_each(|stage| stage.least.go_on(frames));
            self.idle = true;
            return;
        }
        let values = &mut self.values[..frames];
        self.ahead.process(values);
        if self.backlash_db > 0.0 {
            self.held_db = hold_back(values, self.held_db, self.backlash_db);
        }
        if adaptive {
            self.busy_frames += values.iter().filter(|v| **v > 0.0).count();
        }
        let mut slow = [0.0; CONTROL_FRAMES];
        let slow = &mut slow[..frames];
        if let Some(stage) = &mut self.mean {
            slow.copy_from_slice(values);
            stage.process(slow);
            values.iter_mut().zip(&*slow).for_each(|(v, mean)| *v = greater(*v - *mean, 0.0));
            self.fast.released(values, self.times);
            values.iter_mut().zip(&*slow).for_each(|(v, mean)| *v += *mean);
        } else {
            match &mut self.lasting[..] {
                [first, second] => {
                    let mut lasted = [[0.0; CONTROL_FRAMES]; 2];
                    let [short, long] = &mut lasted;
                    let (short, long) = (&mut short[..frames], &mut long[..frames]);
                    first.lasted(values, short);
                    second.lasted(values, long);
                    Smoother::released_together(
                        [&mut self.fast, &mut first.smoother, &mut second.smoother],
                        [&mut *values, &mut *short, &mut *long],
                        [self.times, first.times, second.times],
                    );
                    raise(values, short);
                    raise(values, long);
                }
                stages => {
                    for stage in stages {
                        stage.deepen(values, slow);
                    }
                    self.fast.released(values, self.times);
                    raise(values, slow);
                }
            }
        }
        self.smooth.process(values);
        self.idle = values.iter().all(|v| *v == 0.0);
        if !self.idle {
            *deepest_db = gains(values, *deepest_db);
        }
    }
}

impl Lasting {
    /// What has lasted of these demands.
    fn lasted(&mut self, demands: &[f64], lasted: &mut [f64]) {
        lasted.iter_mut().zip(demands).for_each(|(lasted, demand)| *lasted = -demand);
        self.least.process(lasted);
        // Nothing was asked for before the beginning.
        lasted.iter_mut().for_each(|least| *least = greater(-*least, 0.0));
    }

    /// Raises `slow` to what has lasted of these demands, released.
    fn deepen(&mut self, demands: &[f64], slow: &mut [f64]) {
        let mut lasted = [0.0; CONTROL_FRAMES];
        let lasted = &mut lasted[..demands.len()];
        self.lasted(demands, lasted);
        self.smoother.released(lasted, self.times);
        raise(slow, lasted);
    }
}

audio::wide! {
    /// Raises each value to another.
    fn raise(values: &mut [f64], to: &[f64]) {
        values.iter_mut().zip(to).for_each(|(value, to)| *value = greater(*to, *value));
    }
}

audio::wide! {
    fn multiply(samples: &mut [f64], gains: &[f64]) {
        samples.iter_mut().zip(gains).for_each(|(sample, gain)| *sample *= gain);
    }
}

audio::wide! {
    /// What peaks ask for, as decibels above their ceilings.
    fn reductions(peaks: &mut [f64], ceilings_db: &[f64]) {
        for (peak, ceiling_db) in peaks.iter_mut().zip(ceilings_db) {
            *peak = greater(math::amplitude_to_db(*peak) - ceiling_db, 0.0);
        }
    }
}

/// Lets a value fall only when it falls by more than `backlash`, or to zero; gives the last one.
pub(crate) fn hold_back(values: &mut [f64], mut held: f64, backlash: f64) -> f64 {
    for value in values {
        if *value > held || *value < held - backlash || *value == 0.0 {
            held = *value;
        }
        *value = held;
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed over where nothing is asked for leaves every bit as it would have been: bursts over the ceiling with pauses
    /// of many lengths between them, beside a guard that passes over nothing.
    #[test]
    fn rest_changes_nothing() {
        let spec = Spec { sample_rate_hz: 44_100.0, channels: 2, max_frames: CONTROL_FRAMES };
        for lasting in [vec![], vec![(60.0, 5.0), (300.0, 20.0)], vec![(20.0, 3.0)]] {
            let design = Design {
                lookahead_ms: 5.0,
                hold_ms: 18.0,
                backlash_db: 0.01,
                mean_ms: None,
                lasting,
                release_ms: 20.0,
                adaptive: false,
                link_percent: 100.0,
            };
            let mut noise = crate::blocks::testing::noise(11);
            let (mut rests, mut works) = (Guard::new(&design, -6.0, &spec), Guard::new(&design, -6.0, &spec));
            works.lanes.iter_mut().for_each(|lane| lane.remembers = usize::MAX);
            let mut rested = 0;
            for piece in 0..12_000 {
                // Pauses of a few pieces up to some seconds.
                let loud = piece % 97 == 0 || piece % 1_900 < 40 || piece > 7_000 && piece < 7_100;
                let loud = loud && !(2_500..6_000).contains(&piece);
                let frames = [CONTROL_FRAMES, 37, 5][piece % 3];
                let plane = |noise: &mut dyn FnMut() -> f64| -> Vec<f64> {
                    (0..frames).map(|_| if loud { 1.4 } else { 0.2 } * noise()).collect()
                };
                let mut one = audio::Buffer::from_channels(&[plane(&mut noise), plane(&mut noise)]);
                let mut two = one.clone();
                for (guard, audio) in [(&mut rests, &mut one), (&mut works, &mut two)] {
                    if piece % 3 == 0 {
                        guard.control();
                    }
                    guard.piece(&mut audio.as_block_mut());
                }
                rested += usize::from(rests.lanes[0].calm > rests.lanes[0].remembers);
                assert_eq!(rests.take_deepest_db().to_bits(), works.take_deepest_db().to_bits(), "{piece}");
                for channel in 0..2 {
                    assert!(one.channel(channel) == two.channel(channel), "{piece}");
                }
            }
            assert!(rested > 2_000, "{rested}");
        }
    }

    #[test]
    fn the_backlash_never_gives_less_than_was_asked_and_ends_at_zero() {
        let asked: Vec<f64> =
            (0..400).map(|n| (3.0 - 0.01 * f64::from(n) + 0.02 * f64::from(n % 3)).max(0.0)).collect();
        let mut given = asked.clone();
        let last = hold_back(&mut given, 0.0, 0.05);
        for (given, asked) in given.iter().zip(&asked) {
            assert!(given >= asked && *given <= asked + 0.05, "{given} for {asked}");
        }
        assert_eq!(last, 0.0);
    }
}
