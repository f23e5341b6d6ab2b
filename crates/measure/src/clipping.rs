//! Clipped samples: flat tops where the signal is as high as it ever gets.
//!
//! A run counts when at least three samples of a channel stand still within 2 % of its highest (or lowest)
//! value and the signal enters or leaves them with a corner. Still means within the dither of a 16-bit file,
//! which many clipped recordings got later. The corner tells a cut peak from the round top of a slow wave: where
//! three samples of a parabola differ by no more than `t`, the next ones lie at most `4 t` lower. And nothing within ten
//! milliseconds stands higher: a ceiling is the highest there is, while a tone in noise, whose samples may by chance be
//! equal near its top, has others above them.
//!
//! What moves fast leaves the ceiling again after two samples. Two that are equal to the last bit, both at the very top,
//! with a corner on either side, are a chance that a wave which was not cut takes once in a recording; where many stand
//! there, each left and entered from somewhere else (a repeated sample comes from the same place each time), they were
//! cut.

use crate::facts::ClippedRun;
use audio::{BlockRef, Frames, gain_to_db};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Shortest run that counts.
const SHORTEST: Frames = 3;
/// Runs lie above this share of the highest value of their side.
const NEAR_TOP: f64 = 0.98;
/// Samples of a run differ from its first by at most this: two steps of 16 bits, the reach of triangular
/// dither after rounding.
const FLAT: f64 = 2.1 / 32_768.0;
/// The least step into or out of a run: four times that for a round top, and room for quantisation.
const CORNER: f64 = 6.0 * FLAT;
/// Frames before and after a run within which nothing is higher: 10 ms at 48 kHz, several tops of what is not bass.
const AROUND: Frames = 480;
/// A run within so many frames of which other samples nearly reach it, one for four that stand still, is the top of a tone in
/// noise: what is cut leaves its ceiling with a corner.
const BESIDE: Frames = 48;
/// Of a stretch near the top so many samples are kept; whatever stays there longer stands still.
const MOST_KEPT: usize = 4096;
/// A ceiling below full scale that is met less often than this, or in fewer than one of so many tops that come near it, and
/// shortly, is none: a tone in noise does so in one of a hundred tops.
const FEWEST: (usize, usize) = (3, 40);
/// What reaches this is at full scale: the last steps of 16 bits.
const FULL_SCALE: f64 = 1.0 - 3.0 / 32_768.0;
/// So many samples in a row are no chance, whatever stands beside them.
const LONG: Frames = 32;
/// Higher is what stands above a run by more than this: dither lifts one end of a cut top by as much over the other.
const HIGHER: f64 = 2.0 * FLAT;
/// Signals below this (-26 dBFS) are not searched: no converter clips there, and coarse steps look flat.
const LOWEST: f64 = 0.05;
/// Levels are counted in steps of this many to the decibel, so that the top may still rise.
const STEPS_PER_DB: f64 = 50.0;
/// So many pairs of samples at the very top, entered from different values, were cut.
const LEAST_PAIRS: usize = 8;
/// Places kept.
const PLACES: usize = 100;

/// The search for clipped runs in all channels.
#[derive(Debug, Clone)]
pub(crate) struct Clipping {
    channels: Vec<Channel>,
    frame: Frames,
}

#[derive(Debug, Clone)]
struct Channel {
    number: usize,
    /// The run that goes on, if any.
    run: Option<Run>,
    previous: Option<f64>,
    /// The stretch near the top of a side that goes on.
    stretch: Stretch,
    /// Below zero, above zero.
    sides: [Side; 2],
}

/// Samples one after the other near the top of one side.
#[derive(Debug, Clone, Default)]
struct Stretch {
    /// The side; none where none goes on.
    side: Option<usize>,
    /// Where it begins.
    frame: Frames,
    /// Its first samples, without sign.
    levels: Vec<f64>,
    runs: Vec<(ClippedRun, f64)>,
}

impl Stretch {
    /// Whether a run has as many neighbours that nearly reach it as noise gives a round top.
    fn is_noisy(&self, (run, level): &(ClippedRun, f64)) -> bool {
        if run.frames >= LONG || self.levels.len() == MOST_KEPT {
            return false;
        }
        let from = run.frame.saturating_sub(BESIDE).max(self.frame);
        let to = (run.frame + run.frames + BESIDE).min(self.frame + self.levels.len());
        let flat =
            |frame: Frames| self.runs.iter().any(|(r, _)| (r.frame..r.frame + r.frames).contains(&frame));
        let (mut still, mut beside) = (0, 0);
        for frame in from..to {
            if flat(frame) {
                still += 1;
            } else if self.levels[frame - self.frame] > level - CORNER {
                beside += 1;
            }
        }
        4 * beside > still
    }
}

#[derive(Debug, Clone, Default)]
struct Side {
    top: f64,
    /// Samples and runs by level in steps of a fraction of a decibel.
    counts: BTreeMap<i64, (usize, usize)>,
    places: Vec<ClippedRun>,
    /// Stretches near the top by the level of their highest sample.
    tops: BTreeMap<i64, usize>,
    /// Whether one of the runs is long.
    long: bool,
    pairs: Pairs,
    /// Frames and levels near the top, the newest last, each higher than all behind it: what was highest of late.
    recent: VecDeque<(Frames, f64)>,
    /// Runs of which it is not known yet whether something higher follows.
    waiting: Vec<(ClippedRun, f64)>,
}

/// Pairs of equal samples at the highest value that such a pair has had.
#[derive(Debug, Clone, Default)]
struct Pairs {
    level: f64,
    count: usize,
    /// The bits of the values before them, as many as are asked for.
    entered_from: BTreeSet<u64>,
    places: Vec<ClippedRun>,
}

impl Pairs {
    fn add(&mut self, place: ClippedRun, level: f64, before: f64) {
        if level > self.level {
            *self = Pairs { level, ..Pairs::default() };
        }
        if level == self.level {
            self.count += 1;
            if self.entered_from.len() < LEAST_PAIRS {
                self.entered_from.insert(before.to_bits());
            }
            if self.places.len() < PLACES {
                self.places.push(place);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Run {
    level: f64,
    before: Option<f64>,
    frame: Frames,
    frames: Frames,
    /// All of its samples are the same to the last bit.
    equal: bool,
}

fn step(level: f64) -> i64 {
    (gain_to_db(level) * STEPS_PER_DB).floor() as i64
}

impl Side {
    /// One more sample on this side, near the top.
    fn hear(&mut self, level: f64, frame: Frames) {
        self.waiting.retain(|(place, run)| {
            place.frames >= LONG || level <= run + HIGHER || frame >= place.frame + place.frames + AROUND
        });
        while self.recent.back().is_some_and(|(_, other)| *other <= level) {
            self.recent.pop_back();
        }
        self.recent.push_back((frame, level));
        while self.recent.front().is_some_and(|(first, _)| first + AROUND < frame) {
            self.recent.pop_front();
        }
    }

    /// A run that may be a cut top, unless something near is higher.
    fn propose(&mut self, place: ClippedRun, level: f64) {
        let near = |(frame, other): &(Frames, f64)| frame + AROUND >= place.frame && *other > level + HIGHER;
        if place.frames >= LONG || !self.recent.iter().any(near) {
            self.settle(place.frame);
            self.waiting.push((place, level));
        }
    }

    /// Counts the runs behind which nothing higher came in time.
    fn settle(&mut self, frame: Frames) {
        let is_over = |(place, _): &&(ClippedRun, f64)| place.frame + place.frames + AROUND <= frame;
        let done = self.waiting.iter().take_while(is_over).count();
        let done: Vec<(ClippedRun, f64)> = self.waiting.drain(..done).collect();
        // A top that rises takes those that are no longer near it out of those that wait.
        done.into_iter().for_each(|(place, level)| self.add(place, level));
    }

    fn add(&mut self, place: ClippedRun, level: f64) {
        let count = self.counts.entry(step(level)).or_default();
        count.0 += place.frames;
        count.1 += 1;
        self.long |= place.frames >= LONG;
        if self.places.len() < PLACES {
            self.places.push(place);
        }
    }

    /// Counts the pairs where they are at the very top, and many.
    fn add_pairs(&mut self) {
        let pairs = std::mem::take(&mut self.pairs);
        if pairs.level == self.top && pairs.entered_from.len() >= LEAST_PAIRS {
            let count = self.counts.entry(step(pairs.level)).or_default();
            count.0 += 2 * pairs.count;
            count.1 += pairs.count;
            self.places.extend(pairs.places);
        }
    }

    /// Forgets what may be chance.
    fn forget_chance(&mut self) {
        let runs: usize = self.counts.values().map(|(_, runs)| runs).sum();
        let tops: usize = self.tops.values().sum();
        let few = runs < FEWEST.0 || FEWEST.1 * runs < tops;
        if few && !self.long && self.top < FULL_SCALE {
            self.counts.clear();
            self.places.clear();
        }
    }

    fn raise(&mut self, top: f64) {
        if top > self.top {
            self.top = top;
            let (least, least_db) = (step(NEAR_TOP * top), gain_to_db(NEAR_TOP * top));
            self.counts = self.counts.split_off(&least);
            self.tops = self.tops.split_off(&least);
            self.places.retain(|place| place.level_dbfs >= least_db);
            self.waiting.retain(|(_, level)| *level >= NEAR_TOP * top);
        }
    }
}

impl Channel {
    fn take(&mut self, x: f64, frame: Frames) {
        match &mut self.run {
            Some(run) if (x - run.level).abs() <= FLAT => {
                run.frames += 1;
                run.equal &= x == run.level;
            }
            run => {
                let ended =
                    run.replace(Run { level: x, before: self.previous, frame, frames: 1, equal: true });
                ended.into_iter().for_each(|run| self.close(run, Some(x)));
            }
        }
        self.follow(x, frame);
        self.previous = Some(x);
    }

    /// Begins the stretch near the top, goes on with it, or ends it.
    fn follow(&mut self, x: f64, frame: Frames) {
        let number = usize::from(x > 0.0);
        let near = x.abs() >= LOWEST && x.abs() >= NEAR_TOP * self.sides[number].top;
        if self.stretch.side.is_some_and(|side| side != number || !near) {
            self.end_stretch();
        }
        if !near {
            return;
        }
        self.sides[number].hear(x.abs(), frame);
        if self.stretch.side.replace(number).is_none() {
            self.stretch.frame = frame;
        }
        if self.stretch.levels.len() < MOST_KEPT {
            self.stretch.levels.push(x.abs());
        }
    }

    /// The runs of a stretch are cut tops unless they are noise.
    fn end_stretch(&mut self) {
        let Some(number) = self.stretch.side.take() else { return };
        let (stretch, side) = (&mut self.stretch, &mut self.sides[number]);
        let highest = stretch.levels.iter().copied().fold(LOWEST, f64::max);
        *side.tops.entry(step(highest)).or_default() += 1;
        let cut: Vec<(ClippedRun, f64)> =
            stretch.runs.iter().filter(|run| !stretch.is_noisy(run)).copied().collect();
        cut.into_iter().for_each(|(place, level)| side.propose(place, level));
        stretch.levels.clear();
        stretch.runs.clear();
    }

    /// Takes samples of which none is near the top: they can only end a run.
    fn pass_over(&mut self, samples: &[f64]) {
        if let Some(last) = samples.last() {
            self.end(samples.first().copied());
            self.previous = Some(*last);
        }
    }

    /// Ends what goes on.
    fn end(&mut self, after: Option<f64>) {
        self.run.take().into_iter().for_each(|run| self.close(run, after));
        self.end_stretch();
    }

    /// Looks at a run that has ended.
    fn close(&mut self, run: Run, after: Option<f64>) {
        let level = run.level.abs();
        let side = &mut self.sides[usize::from(run.level > 0.0)];
        if level < LOWEST || level < NEAR_TOP * side.top {
            return;
        }
        let corner = |x: Option<f64>| x.is_some_and(|x| (x - run.level).abs() >= CORNER);
        let (entered, left) = (corner(run.before), corner(after));
        let level_dbfs = gain_to_db(level);
        let place = ClippedRun { channel: self.number, frame: run.frame, frames: run.frames, level_dbfs };
        if run.frames >= SHORTEST && (entered || left) {
            self.stretch.runs.push((place, level));
        } else if let Some(before) = run.before.filter(|_| run.frames == 2 && run.equal && entered && left) {
            side.pairs.add(place, level, before);
        }
    }
}

impl Clipping {
    pub(crate) fn new(channels: usize) -> Clipping {
        let channel = |number| Channel {
            number,
            run: None,
            previous: None,
            stretch: Stretch::default(),
            sides: [Side::default(), Side::default()],
        };
        Clipping { channels: (0..channels).map(channel).collect(), frame: 0 }
    }

    /// Takes one bin of clean samples.
    #[cfg(test)]
    pub(crate) fn bin(&mut self, block: &BlockRef) {
        self.bin_of(block, std::iter::repeat(f64::INFINITY));
    }

    /// Takes one bin of clean samples, none of which is higher in its channel than the channel's `most`.
    pub(crate) fn bin_of(&mut self, block: &BlockRef, most: impl Iterator<Item = f64>) {
        for ((channel, samples), most) in self.channels.iter_mut().zip(block.iter()).zip(most) {
            if channel.sides.iter().all(|side| most < NEAR_TOP * side.top) {
                channel.pass_over(samples);
                continue;
            }
            let (low, high) = extremes(samples);
            channel.sides[0].raise(-low);
            channel.sides[1].raise(high);
            let near = |side: &Side, top: f64| top >= LOWEST && top >= NEAR_TOP * side.top;
            if near(&channel.sides[0], -low) || near(&channel.sides[1], high) {
                samples.iter().enumerate().for_each(|(n, x)| channel.take(*x, self.frame + n));
            } else {
                channel.pass_over(samples);
            }
        }
        self.frame += block.frames();
    }

    /// Clipped samples of each channel, clipped runs, and the first places in order of time.
    pub(crate) fn finish(mut self) -> (Vec<usize>, usize, Vec<ClippedRun>) {
        let mut places = Vec::new();
        let mut runs = 0;
        let mut samples = Vec::new();
        for channel in &mut self.channels {
            channel.end(None);
            for side in &mut channel.sides {
                side.settle(Frames::MAX);
                side.forget_chance();
                side.add_pairs();
            }
            let counts = channel.sides.iter().flat_map(|side| side.counts.values());
            let (s, r) = counts.fold((0, 0), |(s, r), (samples, runs)| (s + samples, r + runs));
            samples.push(s);
            runs += r;
            places.extend(channel.sides.iter().flat_map(|side| side.places.iter().copied()));
        }
        places.sort_by_key(|place| (place.frame, place.channel));
        places.truncate(PLACES);
        (samples, runs, places)
    }
}

audio::wide! {
    /// The lowest and the highest of some samples and of zero.
    fn extremes(samples: &[f64]) -> (f64, f64) {
        let (mut low, mut high) = ([0.0f64; 8], [0.0f64; 8]);
        let chunks = samples.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for lane in 0..8 {
                let x = chunk[lane];
                low[lane] = if x < low[lane] { x } else { low[lane] };
                high[lane] = if x > high[lane] { x } else { high[lane] };
            }
        }
        for x in rest {
            low[0] = if *x < low[0] { *x } else { low[0] };
            high[0] = if *x > high[0] { *x } else { high[0] };
        }
        (low.iter().fold(0.0, |m: f64, x| if *x < m { *x } else { m }), high.iter().fold(0.0, |m: f64, x| if *x > m { *x } else { m }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn search(samples: &[f64]) -> (usize, usize, Vec<ClippedRun>) {
        let mut clipping = Clipping::new(1);
        samples.chunks(480).for_each(|bin| clipping.bin(&BlockRef::from_mono(bin)));
        let (samples, runs, places) = clipping.finish();
        (samples[0], runs, places)
    }

    fn quantised(x: f64, bits: i32) -> f64 {
        let scale = 2f64.powi(bits - 1);
        (x * scale).round() / scale
    }

    #[test]
    fn a_cut_sine_is_counted_to_the_sample() {
        for (level, hz) in [(1.0, 100.0), (0.5, 1000.0), (0.9, 441.0)] {
            let samples: Vec<f64> = (0..48_000)
                .map(|n| (1.3 * level * (TAU * hz * n as f64 / 48_000.0).sin()).clamp(-level, level))
                .collect();
            let cut = samples.iter().filter(|x| x.abs() == level).count();
            let (counted, runs, places) = search(&samples);
            assert_eq!(counted, cut, "{level} at {hz} Hz");
            assert_eq!(runs, (2.0 * hz) as usize);
            assert_eq!(places.len(), 100);
            assert!(
                places.iter().all(|p| samples[p.frame..p.frame + p.frames].iter().all(|x| x.abs() == level))
            );
            assert!(places.windows(2).all(|p| p[0].frame < p[1].frame));
        }
    }

    #[test]
    fn dither_does_not_hide_a_cut_top() {
        let mut state = 1u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let cut = |n: usize| (0.8 * (TAU * 300.0 * n as f64 / 48_000.0).sin()).clamp(-0.5, 0.5);
        let samples: Vec<f64> =
            (0..48_000).map(|n| quantised(cut(n) + (random() - random()) / 32_768.0, 16)).collect();
        let truth = (0..48_000).filter(|n| cut(*n).abs() == 0.5).count();
        let (counted, runs, _) = search(&samples);
        // The samples next to a top may be taken for part of it, or start a run that they are not part of.
        assert!(counted.abs_diff(truth) < truth / 20, "{counted} of {truth}");
        assert!(runs.abs_diff(600) < 30, "{runs} runs");
    }

    #[test]
    fn round_tops_are_not_clipped() {
        for hz in [10.0, 20.0, 37.0, 50.0, 61.7, 70.0, 83.1, 100.0, 120.0, 150.0, 211.0, 440.0] {
            for bits in [16, 24] {
                let sine: Vec<f64> = (0..96_000)
                    .map(|n| quantised(0.999 * (TAU * hz * n as f64 / 48_000.0).sin(), bits))
                    .collect();
                assert_eq!(search(&sine).0, 0, "{hz} Hz, {bits} bits");
            }
        }
        assert_eq!(search(&[0.0; 5000]).0, 0, "silence");
        assert_eq!(search(&[1.0; 5000]).0, 0, "nothing but DC has no corner");
    }

    // Finds tops of a tone in noise that are equal by chance, and noise alone that is.
    #[test]
    fn a_tone_in_noise_is_not_clipped_and_a_cut_one_is() {
        let mut state = 5u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        // Four uniform values have a third of the variance of one, and look normal.
        let mut noise = || (0..4).map(|_| uniform() - 0.5).sum::<f64>() * 3f64.sqrt();
        for hz in [31.0, 55.0, 110.0, 441.0, 997.0, 3000.0] {
            for noise_db in [-96.0, -84.0, -78.0, -72.0, -66.0, -60.0, -50.0, -40.0, -20.0] {
                let rms = audio::db_to_gain(noise_db);
                let wave: Vec<f64> = (0..192_000)
                    .map(|n| 0.7 * (TAU * hz * n as f64 / 48_000.0).sin() + rms * noise())
                    .collect();
                for bits in [16, 24] {
                    let whole: Vec<f64> = wave.iter().map(|x| quantised(*x, bits)).collect();
                    let (_, runs, places) = search(&whole);
                    assert_eq!(runs, 0, "{hz} Hz in noise of {noise_db} dB, {bits} bits: {places:?}");
                    let cut: Vec<f64> = wave.iter().map(|x| quantised(x.clamp(-0.6, 0.6), bits)).collect();
                    let (_, runs, _) = search(&cut);
                    // Each wave is cut twice. A slow one whose edges both fall beside a sample has no corner.
                    assert!(runs as f64 >= 0.75 * 8.0 * hz, "{hz} Hz in noise of {noise_db} dB cut: {runs}");
                }
            }
        }
    }

    #[test]
    fn a_flat_stretch_far_below_the_top_is_not_clipped() {
        let mut samples = vec![0.5; 4800];
        samples[..100].fill(0.0);
        samples[3000] = 0.9;
        assert_eq!(search(&samples).0, 0);
        samples[3000] = 0.505;
        assert_eq!(search(&samples).0, 4699, "within 2 % of the top it is");
    }

    #[test]
    fn fast_waves_that_leave_the_ceiling_after_two_samples_are_clipped() {
        let mut state = 9u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        // Noise around 7 kHz, as a cymbal is: three in a row above the ceiling are rare.
        let mut last = [0.0; 2];
        let cymbal: Vec<f64> = (0..96_000)
            .map(|_| {
                let x = 0.2 * noise() + 0.9 * last[0] - 0.6 * last[1];
                last = [x, last[0]];
                x
            })
            .collect();
        let top = cymbal.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
        let cut: Vec<f64> = cymbal.iter().map(|x| quantised(x.clamp(-0.8 * top, 0.8 * top), 24)).collect();
        let (_, runs, places) = search(&cut);
        assert!(runs > 20 && places.iter().any(|place| place.frames == 2), "{runs}");
        // The same whole, at 16 bits too, and one stroke of it that is played again and again.
        assert_eq!(search(&cymbal).1, 0);
        assert_eq!(search(&cymbal.iter().map(|x| quantised(*x, 16)).collect::<Vec<_>>()).1, 0);
        let stroke: Vec<f64> = [0.1, -0.3, 0.7, 0.7, -0.2, 0.0].repeat(200);
        assert_eq!(search(&stroke).1, 0);
    }

    #[test]
    fn a_full_scale_square_is_clipped() {
        let square: Vec<f64> = (0..4800).map(|n| if n % 100 < 50 { 1.0 } else { -1.0 }).collect();
        assert_eq!(search(&square).0, 4800);
    }
}
