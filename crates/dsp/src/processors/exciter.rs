//! An exciter: adds harmonics of the treble and leaves everything else alone.
//!
//! The band above `freq_hz` is cut out by a filter of linear phase, bent at 8 times the sample rate into even
//! (`sqrt(1 + u²) - 1`) and odd (`u³/(1 + u²)`) harmonics, brought back, freed of what is still the band itself (its
//! projection onto it, over twice 10 ms) and, by the same filter, of everything below, such as the difference tones of two
//! partials; then it is added to the input. All of it is late by the same whole number of frames and keeps its phase:
//! the harmonics stand where the wave makes them, and nothing is cancelled.

pub use crate::blocks::oversample::Rate;

use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded, flush};
use crate::blocks::lookahead::Delay;
use crate::blocks::oversample::Oversampler;
use crate::blocks::ramp::Ramp;
use crate::blocks::short_fir::{self, Fir};
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use std::f64::consts::PI;

settings! {
    /// Settings of the exciter.
    pub struct Settings {
        /// Only what is above gets harmonics.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 1_000.0, max: 10_000.0, default: 3_000.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Level of the band into the curve: more makes higher and more even harmonics of soft sounds too.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: 0.0, max: 36.0, default: 12.0 },
        /// Share of even harmonics: 0 is odd ones alone, 100 even ones alone.
        even_percent: f64 { label: "Even", unit: Unit::Percent, max: 100.0, default: 50.0 },
        /// How much is added.
        amount_percent: f64 { label: "Amount", unit: Unit::Percent, max: 100.0 },
        /// How far the sample rate is raised; automatic is 8x.
        oversampling: Rate { label: "Oversampling", fixed: true },
    }
}

/// Exciter.
pub static KIND: Kind = Kind {
    id: "exciter",
    label: "Exciter",
    family: Family::Saturation,
    help: "Makes new treble out of the treble that is there. Use a little on vocals, strings or a dull mix where an \
           equaliser would only raise noise.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Exciter::new(Settings::from_values(values), spec)),
    response: None,
};

/// Gain of the harmonics at 100 %.
const MOST: f64 = 4.0;
/// Over how long, twice, the band itself is sought in what was made of it.
const MEMORY_S: f64 = 0.01;
/// The filter goes from silence to the whole signal within half the frequency below `freq_hz`; 80 dB.
const TRANSITION: f64 = 0.5;
const KAISER_BETA: f64 = 7.9;
/// Taps on one side times the transition's share of the sample rate: half of Kaiser's (80 - 8)/(14.36 width), and what
/// the transition's own shape needs.
const LENGTH: f64 = 3.0;

/// The centre tap and those to one side of it, of the high-pass.
fn high_pass(settings: &Settings, sample_rate_hz: f64) -> Vec<f64> {
    let top = settings.freq_hz / sample_rate_hz;
    let width = TRANSITION * top;
    let side = (LENGTH / width).ceil() as usize;
    short_fir::from_magnitude(side, KAISER_BETA, |f| {
        let way = ((f - (top - width)) / width).clamp(0.0, 1.0);
        0.5 - 0.5 * (PI * way).cos()
    })
}

/// One channel.
struct Channel {
    dry: Delay,
    cut: Fir,
    oversampler: Oversampler,
    /// The band, late as what is made of it.
    band: Delay,
    clean: Fir,
    /// Harmonics times band, and the band's power, each averaged once and twice.
    once: [f64; 2],
    twice: [f64; 2],
    /// Share of the band in the harmonics.
    share: Ramp,
}

struct Exciter {
    settings: Settings,
    channels: Vec<Channel>,
    latency: Frames,
    grid: Grid,
    /// What each sample pulls the averages by.
    pull: f64,
    drive: Ramp,
    even: Ramp,
    amount: Ramp,
}

impl Exciter {
    fn new(settings: Settings, spec: &Spec) -> Exciter {
        let filter = Fir::new(high_pass(&settings, spec.sample_rate_hz));
        let oversampler = Oversampler::new(settings.oversampling.factor(8), 0);
        let latency = 2 * filter.latency() + oversampler.latency();
        let channel = || Channel {
            dry: Delay::new(latency),
            cut: filter.clone(),
            band: Delay::new(oversampler.latency()),
            oversampler: oversampler.clone(),
            clean: filter.clone(),
            once: [0.0; 2],
            twice: [0.0; 2],
            share: Ramp::new(0.0),
        };
        Exciter {
            channels: (0..spec.channels).map(|_| channel()).collect(),
            latency,
            grid: Grid::default(),
            pull: 1.0 - (-1.0 / (MEMORY_S * spec.sample_rate_hz)).exp(),
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            even: Ramp::new(settings.even_percent / 100.0),
            amount: Ramp::new(MOST * settings.amount_percent / 100.0),
            settings,
        }
    }
}

impl Channel {
    /// Replaces the input by its harmonics.
    fn make(&mut self, samples: &mut [f64], drive: &[f64], even: &[f64], pull: f64) {
        self.cut.process(samples);
        let mut band = [0.0; CONTROL_FRAMES];
        let band = &mut band[..samples.len()];
        band.copy_from_slice(samples);
        self.band.pass(band);
        let factor = self.oversampler.factor();
        let raised = self.oversampler.raise(samples);
        for ((group, &drive), &even) in raised.chunks_exact_mut(factor).zip(drive).zip(even) {
            for x in group {
                let u = drive * *x;
                let square = u * u;
                let root = (1.0 + square).sqrt();
                let harmonics = even * (square / (1.0 + root)) + (1.0 - even) * (u * square / (1.0 + square));
                *x = harmonics / drive;
            }
        }
        self.oversampler.lower(samples);
        for (sample, band) in samples.iter_mut().zip(band.iter()) {
            // At every sample: sums over pieces would beat with the tones in the band.
            for (i, product) in [*sample * band, band * band].into_iter().enumerate() {
                self.once[i] += pull * (product - self.once[i]);
                self.twice[i] += pull * (self.once[i] - self.twice[i]);
            }
            *sample -= self.share.next_value() * band;
        }
        self.clean.process(samples);
    }

    /// At a point of the grid: how much of the band is in the harmonics.
    fn at_point(&mut self) {
        self.once = self.once.map(flush);
        self.twice = self.twice.map(flush);
        let [product, power] = self.twice;
        self.share.go_to(if power > 0.0 { product / power } else { 0.0 });
    }
}

impl Gridded for Exciter {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.channels.iter_mut().for_each(Channel::at_point);
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let [drive, even, amount] = [&mut self.drive, &mut self.even, &mut self.amount].map(|ramp| {
            let mut path = [0.0; CONTROL_FRAMES];
            path[..frames].iter_mut().for_each(|value| *value = ramp.next_value());
            path
        });
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            let mut made = [0.0; CONTROL_FRAMES];
            let made = &mut made[..frames];
            made.copy_from_slice(samples);
            channel.dry.pass(samples);
            channel.make(made, &drive, &even, self.pull);
            for (n, sample) in samples.iter_mut().enumerate() {
                let more = amount[n] * made[n];
                if more != 0.0 {
                    *sample += more;
                }
            }
        }
    }
}

impl Processor for Exciter {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn tail(&self) -> Tail {
        Tail::Frames(if self.settings.amount_percent == 0.0 { 0 } else { self.latency })
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.dry.reset();
            channel.cut.reset();
            channel.oversampler.reset();
            channel.band.reset();
            channel.clean.reset();
            (channel.once, channel.twice) = ([0.0; 2], [0.0; 2]);
            channel.share = Ramp::new(0.0);
        }
        self.grid.reset();
        [&mut self.drive, &mut self.even, &mut self.amount].into_iter().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        self.drive.go_to(db_to_gain(self.settings.drive_db));
        self.even.go_to(self.settings.even_percent / 100.0);
        self.amount.go_to(MOST * self.settings.amount_percent / 100.0);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.on_grid(block, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::spectrum::tests::*;

    fn excited(set: &[(&str, f64)], input: Vec<f64>) -> Vec<f64> {
        let mut all = vec![("amount_percent", 100.0)];
        all.extend(set);
        spectrum(&rendered(&KIND, &all, input, 48_000), 48_000)
    }

    /// Below the band nothing is added; the filter stops by 80 dB, and a square and cube of that is nothing.
    #[test]
    fn the_bass_is_left_alone() {
        let bins = excited(&[], sine(48_000, 1_000, 0.5));
        let rest = (20..20_000).filter(|hz| *hz != 1_000).map(|hz| bins[hz]).fold(0.0, f64::max);
        assert!(db(rest / 0.5) < -100.0, "{:.1} dB", db(rest / 0.5));
        assert!(db(bins[1_000] / 0.5).abs() < 0.001);
    }

    /// A tone in the band keeps its own level to 0.02 dB and gets what was asked for: even harmonics, odd ones, or both.
    #[test]
    fn the_band_gets_its_harmonics() {
        for (even_percent, present, absent) in [(0.0, 3, 2), (100.0, 2, 3)] {
            let bins = excited(&[("even_percent", even_percent)], sine(48_000, 5_000, 0.2));
            assert!(db(bins[5_000] / 0.2).abs() < 0.02, "{:.3} dB", db(bins[5_000] / 0.2));
            assert!(db(bins[5_000 * present] / 0.2) > -30.0, "{:.1}", db(bins[5_000 * present] / 0.2));
            assert!(db(bins[5_000 * absent] / 0.2) < -100.0, "{:.1}", db(bins[5_000 * absent] / 0.2));
        }
    }

    /// By their series: u²/2 gives a second harmonic of u/4, u³ a third of u²/4, of small u.
    #[test]
    fn small_signals_follow_the_series() {
        let (gain, amplitude) = (db_to_gain(12.0), 0.01);
        let u = gain * amplitude;
        let even = excited(&[("even_percent", 100.0)], sine(48_000, 5_000, amplitude));
        let expected = MOST * u / 4.0;
        assert!(
            (db(even[10_000] / amplitude) - db(expected)).abs() < 0.1,
            "{}",
            db(even[10_000] / amplitude)
        );
        let odd = excited(&[("even_percent", 0.0)], sine(48_000, 5_000, amplitude));
        let expected = MOST * u * u / 4.0;
        assert!((db(odd[15_000] / amplitude) - db(expected)).abs() < 0.1, "{}", db(odd[15_000] / amplitude));
    }

    /// Two partials make no difference tone below the band.
    #[test]
    fn no_difference_tones() {
        let two: Vec<f64> =
            sine(48_000, 5_000, 0.2).iter().zip(sine(48_000, 6_000, 0.2)).map(|(a, b)| a + b).collect();
        let bins = excited(&[("even_percent", 100.0)], two);
        assert!(db(bins[1_000] / 0.2) < -70.0, "{:.1} dB", db(bins[1_000] / 0.2));
    }

    /// 5 kHz at full scale with 12 dB of drive, against the fundamental.
    #[test]
    fn nothing_folds_back() {
        for (oversampling, bound_db) in [(0.0, -100.0), (3.0, -100.0)] {
            let set = [("amount_percent", 100.0), ("oversampling", oversampling)];
            let seen = worst_alias_db(&KIND, &set);
            assert!(seen < bound_db, "{oversampling}: {seen:.1} dB");
        }
    }

    /// A second harmonic of a cosine stands at the crests of the cosine: the paths keep their phase.
    #[test]
    fn harmonics_keep_their_phase() {
        let tone: Vec<f64> =
            (0..96_000).map(|n| 0.05 * (2.0 * PI * (n % 48) as f64 / 48.0 * 5.0).cos()).collect();
        let set = [("amount_percent", 100.0), ("even_percent", 100.0)];
        let output = rendered(&KIND, &set, tone, 48_000);
        let mut values = crate::Values::neutral(&KIND);
        values.put(KIND.address("amount_percent").expect("a parameter"), 100.0);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 4_096 };
        let latency = (KIND.build)(&values, &spec).latency();
        let (mut re, mut im) = (0.0, 0.0);
        for n in 48_000..96_000 {
            let turn = 2.0 * PI * ((n - latency) % 48) as f64 / 48.0 * 10.0;
            re += output[n] * turn.cos();
            im += output[n] * turn.sin();
        }
        assert!(im.atan2(re).abs() < 0.01, "{} rad", im.atan2(re));
    }
}
