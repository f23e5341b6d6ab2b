//! Clipping: cuts off what stands above a ceiling, hard or round a knee, without folding tones back.
//!
//! Curve: a slope of one up to the knee's beginning, then a cube that bends to flat without a corner, then the
//! ceiling; see [`crate::blocks::antiderivative::Knee`]. At 8 times the sample rate with second-order
//! antiderivative antialiasing, 5 kHz driven 12 dB into a hard ceiling folds back under -100 dB. Only what is taken
//! away passes the filters ([`crate::blocks::clip`]): a signal under the knee keeps its bits, and a clipped one has
//! them again soon after.
//!
//! What is left between the samples may pass the ceiling again; with `true_peak` it is clipped in rounds until
//! that is at most 0.3 dB for music (0.5 dB for noise with an RMS of the ceiling).

pub use crate::blocks::oversample::Rate;

use crate::blocks::antiderivative::Knee;
use crate::blocks::clip::{Clipper, TruePeakClipper};
use crate::blocks::lookahead::Delay;
use crate::blocks::math;
use crate::blocks::oversample::CHUNK;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Setting, Tail, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// What is heard.
    pub enum Listen {
        /// The clipped signal.
        Output = "output",
        /// What was taken away, to judge what it costs.
        Removed = "removed",
    }
}

settings! {
    /// Settings of the clipper.
    pub struct Settings {
        /// Gain before the clipper.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// Level that no sample of the raised signal passes; at the upper end it hardly ever acts.
        ceiling_db: f64 { label: "Ceiling", unit: Unit::Decibel, min: -36.0, max: 24.0, default: 24.0 },
        /// How far under the ceiling the curve begins to bend: 0 cuts hard, more rounds sooner.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 24.0 },
        /// Share of the clipped signal.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, max: 100.0, default: 100.0 },
        /// Gain of the output.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// Clips again what comes up between the samples.
        true_peak: bool { label: "True peak", fixed: true },
        /// What is heard.
        listen: Listen { label: "Listen" },
        /// How far the sample rate is raised; automatic is 8x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Soft and hard clipping.
pub static KIND: Kind = Kind {
    id: "clipper",
    label: "Clipper",
    family: Family::Saturation,
    help: "Cuts off the highest peaks, which a limiter would turn the whole signal down for. Use it for one to \
           three decibels on drums, or before the limiter of a master. What is under its knee passes untouched.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Clip::new(Settings::from_values(values), spec)),
    response: None,
};

/// Samples whose clipped value is farther than this from the driven one were clipped: rounding is less.
const TOUCHED: f64 = 1e-12;

/// Time constant of a moving ceiling. A ceiling that falls through the signal within a few frames would be
/// heard as a click.
const GLIDE_MS: f64 = 10.0;

/// A level that moves towards its target in decibels and then stands on it.
struct Glide {
    now_db: f64,
    target_db: f64,
    gain: f64,
    share: f64,
}

impl Glide {
    fn new(level_db: f64, sample_rate_hz: f64) -> Glide {
        let share = 1.0 - (-1000.0 / (GLIDE_MS * sample_rate_hz)).exp();
        Glide { now_db: level_db, target_db: level_db, gain: db_to_gain(level_db), share }
    }

    fn finish(&mut self) {
        self.now_db = self.target_db;
        self.gain = db_to_gain(self.now_db);
    }

    /// The gain for the next frame.
    #[inline]
    fn next_value(&mut self) -> f64 {
        if self.now_db != self.target_db {
            self.now_db += self.share * (self.target_db - self.now_db);
            if (self.target_db - self.now_db).abs() < 1e-9 {
                self.finish();
            } else {
                self.gain = math::db_to_gain(self.now_db);
            }
        }
        self.gain
    }
}

enum Curve {
    Plain(Box<Clipper>),
    TruePeak(Box<TruePeakClipper>),
}

struct Channel {
    curve: Curve,
    /// The input, and the input with its drive.
    dry: Delay,
    driven: Delay,
}

struct Clip {
    settings: Settings,
    channels: Vec<Channel>,
    latency: Frames,
    drive: Ramp,
    ceiling: Glide,
    /// Where the bend begins, as a share of the ceiling.
    knee: Ramp,
    mix: Ramp,
    output: Ramp,
    /// Share of what was taken away in what is heard.
    removed: Ramp,
    deepest_db: f64,
}

impl Clip {
    fn new(settings: Settings, spec: &Spec) -> Clip {
        let factor = settings.oversampling.factor(8);
        let curve = || match settings.true_peak {
            false => Curve::Plain(Box::new(Clipper::new(factor))),
            true => Curve::TruePeak(Box::new(TruePeakClipper::new(factor))),
        };
        let latency = match curve() {
            Curve::Plain(clipper) => clipper.latency(),
            Curve::TruePeak(clipper) => clipper.latency(),
        };
        let channel = || Channel { curve: curve(), dry: Delay::new(latency), driven: Delay::new(latency) };
        Clip {
            channels: (0..spec.channels).map(|_| channel()).collect(),
            latency,
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            ceiling: Glide::new(settings.ceiling_db, spec.sample_rate_hz),
            knee: Ramp::new(db_to_gain(-settings.knee_db)),
            mix: Ramp::new(settings.mix_percent / 100.0),
            output: Ramp::new(db_to_gain(settings.output_db)),
            removed: Ramp::new(settings.listen.number()),
            deepest_db: 0.0,
            settings,
        }
    }

    fn ramps(&mut self) -> [&mut Ramp; 5] {
        [&mut self.drive, &mut self.knee, &mut self.mix, &mut self.output, &mut self.removed]
    }

    fn chunk(&mut self, block: &mut Block) {
        let frames = block.frames();
        let mut ceiling = [0.0; CHUNK];
        ceiling[..frames].iter_mut().for_each(|value| *value = self.ceiling.next_value());
        let [drive, knee, mix, output, removed] = self.ramps().map(|ramp| {
            let mut path = [0.0; CHUNK];
            path[..frames].iter_mut().for_each(|value| *value = ramp.next_value());
            path
        });
        let knee = |n: usize| Knee::new(ceiling[n] * knee[n], ceiling[n]);
        let mut depth = 1.0;
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            let mut dry = [0.0; CHUNK];
            let mut driven = [0.0; CHUNK];
            dry[..frames].copy_from_slice(samples);
            samples.iter_mut().zip(&drive).for_each(|(sample, gain)| *sample *= gain);
            driven[..frames].copy_from_slice(samples);
            channel.dry.pass(&mut dry[..frames]);
            channel.driven.pass(&mut driven[..frames]);
            match &mut channel.curve {
                Curve::Plain(clipper) => clipper.process(samples, knee, 1.0),
                Curve::TruePeak(clipper) => clipper.process(samples, knee, |n| ceiling[n]),
            }
            for (n, sample) in samples.iter_mut().enumerate() {
                let taken = driven[n] - *sample;
                if taken.abs() > TOUCHED * ceiling[n] {
                    depth = f64::max(depth, driven[n].abs() / (driven[n].abs() - taken.abs()).max(1e-6));
                }
                let mixed = dry[n] + mix[n] * (*sample - dry[n]);
                let heard = if removed[n] == 0.0 {
                    mixed
                } else {
                    (1.0 - removed[n]) * mixed + removed[n] * mix[n] * taken
                };
                *sample = heard * output[n];
            }
        }
        self.deepest_db = self.deepest_db.max(math::amplitude_to_db(depth));
    }
}

impl Processor for Clip {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn tail(&self) -> Tail {
        // The filters of linear phase ring as long after their middle as before it.
        Tail::Frames(self.latency)
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            match &mut channel.curve {
                Curve::Plain(clipper) => clipper.reset(),
                Curve::TruePeak(clipper) => clipper.reset(),
            }
            channel.dry.reset();
            channel.driven.reset();
        }
        self.ramps().into_iter().for_each(Ramp::finish);
        self.ceiling.finish();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        let settings = &self.settings;
        let targets = [
            db_to_gain(settings.drive_db),
            db_to_gain(-settings.knee_db),
            settings.mix_percent / 100.0,
            db_to_gain(settings.output_db),
            settings.listen.number(),
        ];
        for (ramp, target) in self.ramps().into_iter().zip(targets) {
            ramp.go_to(target);
        }
        self.ceiling.target_db = self.settings.ceiling_db;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        let mut start = 0;
        while start < block.frames() {
            let frames = CHUNK.min(block.frames() - start);
            self.chunk(&mut block.range_mut(start, frames));
            start += frames;
        }
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::spectrum::tests::{alias_db, db, sine, spectrum};

    fn through(settings: Settings, mut samples: Vec<f64>, sample_rate_hz: f64) -> Vec<f64> {
        let spec = Spec { sample_rate_hz, channels: 1, max_frames: 4_096 };
        Clip::new(settings, &spec).process(&mut Block::from_mono(&mut samples), None);
        samples
    }

    fn driven(drive_db: f64, knee_db: f64, oversampling: Rate) -> Settings {
        Settings { drive_db, ceiling_db: 0.0, knee_db, oversampling, ..Settings::default() }
    }

    /// The strongest component below 20 kHz that is no harmonic of 5 kHz at 0 dBFS, driven by 12 dB.
    #[test]
    fn nothing_folds_back() {
        for (rate, knee_db, oversampling, bound_db) in [
            (44_100, 0.0, Rate::Auto, -100.0),
            (48_000, 0.0, Rate::Auto, -100.0),
            (44_100, 0.0, Rate::Sixteen, -110.0),
            (48_000, 0.0, Rate::Sixteen, -110.0),
            (44_100, 6.0, Rate::Auto, -100.0),
            (48_000, 1.0, Rate::Auto, -100.0),
        ] {
            for hz in [5_000, 4_999, 6_127] {
                let settings = driven(12.0, knee_db, oversampling);
                let output = through(settings, sine(rate, hz, 1.0), rate as f64);
                let seen = alias_db(&spectrum(&output, rate), hz);
                assert!(seen < bound_db, "knee {knee_db}, {oversampling:?}, {hz} of {rate} Hz: {seen:.1} dB");
            }
        }
    }

    /// A symmetrical curve makes no direct current.
    #[test]
    fn no_direct_current_is_made() {
        for knee_db in [0.0, 12.0] {
            let bins =
                spectrum(&through(driven(12.0, knee_db, Rate::Auto), sine(48_000, 997, 1.0), 48e3), 48_000);
            assert!(db(bins[0] / 2.0) < -90.0, "{:.1} dBFS", db(bins[0] / 2.0));
        }
    }

    /// With 6 dB of drive and a ceiling at 0 dB, what stays under the ceiling is the driven input, bit for bit.
    #[test]
    fn under_the_knee_it_is_a_gain() {
        let input: Vec<f64> = sine(48_000, 997, 0.2);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 4_096 };
        for true_peak in [false, true] {
            let settings = Settings { true_peak, ..driven(6.0, 3.0, Rate::Auto) };
            let latency = Clip::new(settings.clone(), &spec).latency();
            let output = through(settings, input.clone(), 48e3);
            let gain = db_to_gain(6.0);
            for n in latency..input.len() {
                let expected = input[n - latency] * gain;
                // The mix adds the difference of two numbers to one of them: the last bit.
                assert!((output[n] - expected).abs() < 1e-16, "{n}: {} {expected}", output[n]);
            }
        }
    }

    /// Output and removed part together are the driven input.
    #[test]
    fn what_is_removed_is_what_is_missing() {
        let input = sine(48_000, 997, 0.9);
        let settings = driven(6.0, 2.0, Rate::Auto);
        let output = through(settings.clone(), input.clone(), 48e3);
        let removed = through(Settings { listen: Listen::Removed, ..settings.clone() }, input.clone(), 48e3);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 4_096 };
        let latency = Clip::new(settings, &spec).latency();
        let mut largest = 0.0f64;
        for n in latency..input.len() {
            let expected = input[n - latency] * db_to_gain(6.0);
            assert!((output[n] + removed[n] - expected).abs() < 1e-14, "{n}");
            largest = largest.max(removed[n].abs());
        }
        assert!(largest > 0.5, "{largest}");
    }

    /// The reading is how far the tops are cut, to a tenth of a decibel (what the filter leaves over them).
    #[test]
    fn the_reading_is_the_depth_of_the_cut() {
        let mut samples = sine(48_000, 100, 1.0);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 48_000 };
        let mut clip = Clip::new(driven(3.0, 0.0, Rate::Auto), &spec);
        clip.process(&mut Block::from_mono(&mut samples), None);
        let seen = clip.reading().gain_reduction_db;
        assert!((seen - 3.0).abs() < 0.1, "{seen}");
    }
}
