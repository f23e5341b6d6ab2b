//! The clipper before a limiter: takes the first decibels off each peak, and leaves the rest of it standing.
//!
//! A peak that stands above the ceiling by less than the share is cut at the ceiling; a higher one is lowered by
//! the share, and what is left is for the limiter that follows. The level of the cut follows the peaks of a
//! few milliseconds, smoothly. With a hit time only the beginning of what rises above its surroundings is cut:
//! a sustained tone never is.
//!
//! Short peaks carry little loudness and their clipping is hidden by the hit itself, while a limiter has to
//! turn everything around them down.

use super::antiderivative::Knee;
use super::clip::Clipper;
use super::grid::CONTROL_FRAMES;
use super::lookahead::{BoxCascade, Delay, SlidingMaximum, greater};
use super::math;
use audio::{Block, Frames, Spec};

/// Oversampling of the clipper.
const FACTOR: usize = 8;
/// How far around a frame its peak is looked for, in seconds.
const AROUND_S: f64 = 0.001_5;
/// How long a level stands before it counts as the surroundings of a hit no more, in seconds.
const MEMORY_S: f64 = 0.03;
/// More than any signal stands above the ceiling.
const LARGEST_DB: f64 = 1024.0;

/// How a [`PeakShare`] clips.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// How far below the level of the cut the curve begins to bend, in decibels; never below the ceiling.
    pub knee_db: f64,
    /// Only the first milliseconds of a hit are clipped; `None` clips whatever stands above.
    pub hit_ms: Option<f64>,
}

/// Clips all channels at one moving level.
pub struct PeakShare {
    design: Design,
    around: SlidingMaximum,
    /// The demand on its way to the memory: so long a level is new.
    fresh: Delay,
    memory: SlidingMaximum,
    smooth: BoxCascade,
    late: Delay,
    clippers: Vec<Clipper>,
    delays: Vec<Delay>,
    latency: Frames,
    /// How far above the ceiling each frame of the piece is cut.
    levels_db: [f64; CONTROL_FRAMES],
}

impl PeakShare {
    /// For the channels and rate of `spec`.
    pub fn new(design: &Design, spec: &Spec) -> PeakShare {
        let around = spec.frames(AROUND_S).max(2);
        let hit = spec.frames(design.hit_ms.unwrap_or(0.0) / 1000.0);
        // The maximum is centred on its frame, and so is the smoothing.
        let wait = around + around / 2;
        let clippers = vec![Clipper::new(FACTOR); spec.channels];
        let clipping = clippers.first().map_or(0, Clipper::latency);
        // The clipper asks for its level halfway between its input and its output.
        let (audio_wait, level_wait) =
            (wait.saturating_sub(clipping / 2), (clipping / 2).saturating_sub(wait));
        PeakShare {
            design: design.clone(),
            around: SlidingMaximum::new(2 * around + 1),
            fresh: Delay::new(around + hit),
            memory: SlidingMaximum::new(spec.frames(MEMORY_S)),
            smooth: BoxCascade::new(2 * (around / 2) + 1, LARGEST_DB),
            late: Delay::new(level_wait),
            delays: (0..spec.channels).map(|_| Delay::new(audio_wait)).collect(),
            clippers,
            latency: audio_wait + clipping,
            levels_db: [0.0; CONTROL_FRAMES],
        }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.latency
    }

    /// Frames for which the clipper's filters ring on.
    pub fn tail(&self) -> Frames {
        self.clippers.first().map_or(0, Clipper::latency)
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.around.reset();
        self.fresh.reset();
        self.memory.reset();
        self.smooth.reset();
        self.late.reset();
        self.clippers.iter_mut().for_each(Clipper::reset);
        self.delays.iter_mut().for_each(Delay::reset);
    }

    /// A piece of at most a control period, changed in place. For each of its frames: the ceiling, and the most that is
    /// taken off a peak, in decibels.
    pub fn piece(&mut self, block: &mut Block, ceiling_db: &[f64], share_db: &[f64]) {
        let frames = block.frames();
        self.follow(block, ceiling_db, share_db);
        let knee = math::db_to_gain(-self.design.knee_db);
        let mut knees = [Knee::new(1.0, 1.0); CONTROL_FRAMES];
        for ((knees, level_db), ceiling_db) in knees.iter_mut().zip(&self.levels_db[..frames]).zip(ceiling_db)
        {
            let ceiling = math::db_to_gain(*ceiling_db);
            let cut = ceiling * math::db_to_gain(*level_db);
            *knees = Knee::new(greater(cut * knee, ceiling), cut);
        }
        for ((samples, delay), clipper) in block.iter_mut().zip(&mut self.delays).zip(&mut self.clippers) {
            delay.pass(samples);
            clipper.process(samples, |n| knees[n], 1.0);
        }
    }

    /// Works out how far above the ceiling each frame is cut.
    fn follow(&mut self, block: &mut Block, ceiling_db: &[f64], share_db: &[f64]) {
        let frames = block.frames();
        let levels = &mut self.levels_db[..frames];
        // A number the logarithm takes.
        levels.fill(1e-6);
        for samples in block.iter_mut() {
            levels.iter_mut().zip(&*samples).for_each(|(level, x)| *level = greater(x.abs(), *level));
        }
        for (level, ceiling_db) in levels.iter_mut().zip(ceiling_db) {
            *level = greater(math::amplitude_to_db(*level) - ceiling_db, 0.0);
        }
        let mut standing = [0.0; CONTROL_FRAMES];
        if self.design.hit_ms.is_some() {
            let standing = &mut standing[..frames];
            standing.copy_from_slice(levels);
            self.fresh.pass(standing);
            self.memory.process(standing);
        }
        self.around.process(levels);
        for ((level, standing), share_db) in levels.iter_mut().zip(&standing).zip(share_db) {
            *level = greater(*level - share_db, greater(*standing, 0.0));
        }
        self.smooth.process(levels);
        self.late.pass(levels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Buffer, gain_to_db};
    use std::f64::consts::TAU;

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 64 };

    fn run(design: &Design, samples: &[f64]) -> Vec<f64> {
        let mut share = PeakShare::new(design, &SPEC);
        let latency = share.latency();
        let mut buffer = Buffer::from_channels(&[[samples, &vec![0.0; latency]].concat()]);
        for start in (0..buffer.frames()).step_by(64) {
            let frames = (buffer.frames() - start).min(64);
            share.piece(&mut buffer.range_mut(start, frames), &[0.0; 64][..frames], &[2.0; 64][..frames]);
        }
        buffer.channel(0)[latency..].to_vec()
    }

    fn peak_db(samples: &[f64]) -> f64 {
        gain_to_db(samples.iter().fold(0.0, |most: f64, x| most.max(x.abs())))
    }

    #[test]
    fn a_peak_loses_the_share_and_no_more() {
        let design = Design { knee_db: 0.0, hit_ms: None };
        for (above_db, left_db) in [(1.0, 0.0), (2.0, 0.0), (5.0, 3.0)] {
            let level = audio::db_to_gain(above_db);
            let tone: Vec<f64> =
                (0..9_600).map(|n| level * (TAU * 200.0 * f64::from(n) / 48_000.0).sin()).collect();
            let output = run(&design, &tone);
            // What the filter on the way back lets pass above the cut of a slow tone.
            let left = peak_db(&output[1_000..8_000]);
            assert!((left - left_db).abs() < 0.15, "{above_db} dB above: {left} dB left");
        }
    }

    #[test]
    fn a_hit_is_cut_at_its_beginning_only() {
        let design = Design { knee_db: 0.0, hit_ms: Some(0.7) };
        let level = audio::db_to_gain(4.0);
        // Silence, then a tone of 2 kHz that stays.
        let tone =
            |n: usize| if n < 4_800 { 0.0 } else { level * (TAU * 2_000.0 * n as f64 / 48_000.0).sin() };
        let input: Vec<f64> = (0..14_400).map(tone).collect();
        let output = run(&design, &input);

        let first = peak_db(&output[4_800..4_800 + 24]);
        assert!((first - 2.0).abs() < 0.4, "{first} dB of the first half millisecond");
        // After the hit, the smoothing and the clipper's filters every bit is there.
        for n in 4_800 + 400..14_000 {
            assert_eq!(output[n].to_bits(), input[n].to_bits(), "{n}");
        }
    }
}
