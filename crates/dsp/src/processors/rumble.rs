//! Takes out direct current and rumble.
//!
//! *Direct current.* A weighted mean over three quarters of a second around each sample (three box averages in
//! a row: zeros of third order at every multiple of 4 Hz) is subtracted. The response is real and never below
//! zero: no phase is turned, and tones from 20 Hz keep their level within 0.003 dB. The mean is taken over what
//! is there: before the song begins, after it has ended and where samples are exactly zero nothing counts, so
//! that an offset does not begin with a thump nor end with one, and digital silence stays what it is. See A. V.
//! Oppenheim and R. W. Schafer, *Discrete-time signal processing*, section on moving averages.
//!
//! *Rumble.* A Butterworth high-pass of 12 to 48 dB per octave (blocks of `matched` and `svf`).

use crate::blocks::lookahead::{BoxCascade, Delay};
use crate::blocks::matched::{self, Fraction};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Family, Kind, Processor, Tail, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::FRAC_1_SQRT_2;

choices! {
    /// How steeply rumble is cut.
    pub enum Slope {
        /// 24 dB per octave.
        Db24 = "24",
        /// 12 dB per octave.
        Db12 = "12",
        /// 36 dB per octave.
        Db36 = "36",
        /// 48 dB per octave.
        Db48 = "48",
    }
}

settings! {
    /// Settings of the rumble filter.
    pub struct Settings {
        /// Removes direct current, without turning any phase.
        remove_dc: bool { label: "Remove DC" },
        /// Rumble below this frequency is cut (-3 dB there); below 10 Hz it is off.
        freq_hz: f64 { label: "Frequency", unit: Unit::Hertz, max: 80.0 },
        /// How steeply it is cut, in decibels per octave.
        slope: Slope { label: "Slope", fixed: true },
    }
}

/// DC and rumble removal.
pub static KIND: Kind = Kind {
    id: "rumble",
    label: "DC and rumble",
    family: Family::Restoration,
    help: "Removes direct current, and what the floor, the wind and the motor put below the music. Use it \
           first in a chain, where energy is found there.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Rumble::new(Settings::from_values(values), spec)),
    response: None,
};

/// Length of the weighted mean, in seconds.
const MEAN_S: f64 = 0.75;
/// Samples beyond this are not music; the mean's running sums are exact up to it.
const LARGEST: f64 = 4096.0;
/// A mean of less than this share of the window says too little: the end of a file lies in the middle.
const LEAST_SHARE: f64 = 0.5;
/// So many zeros in a row are digital silence.
const SILENT_FRAMES: Frames = 32;
/// Corners below this switch the cut off, in hertz.
const LOWEST_CORNER_HZ: f64 = 10.0;
const MOST_SECTIONS: usize = 4;

/// The high-pass for these settings; the rest of the sections is neutral.
fn design(settings: &Settings, sample_rate_hz: f64) -> [Coefficients; MOST_SECTIONS] {
    let mut coefficients = [Coefficients::NEUTRAL; MOST_SECTIONS];
    if settings.freq_hz < LOWEST_CORNER_HZ {
        return coefficients;
    }
    let order = match settings.slope {
        Slope::Db12 => 2,
        Slope::Db24 => 4,
        Slope::Db36 => 6,
        Slope::Db48 => 8,
    };
    let mut sections = [Fraction::ONE; 8];
    let count = matched::butterworth(order, true, FRAC_1_SQRT_2, &mut sections);
    matched::digital(&mut sections[..count], settings.freq_hz / sample_rate_hz);
    for (coefficients, section) in coefficients.iter_mut().zip(&sections[..count]) {
        *coefficients = Coefficients::from_fraction(section);
    }
    coefficients
}

/// The mean of what is there, and the delay that brings the samples to its middle.
struct Mean {
    /// Until it is known whether zeros are silence.
    wait: Delay,
    zeros: Frames,
    counts: Delay,
    samples: BoxCascade,
    weights: BoxCascade,
    delay: Delay,
    present: Delay,
    /// Scratch: the mean's numerator and denominator, and whether a sample counts.
    sum: Vec<f64>,
    weight: Vec<f64>,
    is_there: Vec<f64>,
}

impl Mean {
    fn new(length: Frames, max_frames: Frames) -> Mean {
        Mean {
            wait: Delay::new(SILENT_FRAMES),
            zeros: SILENT_FRAMES,
            counts: Delay::new(SILENT_FRAMES),
            samples: BoxCascade::new(length, LARGEST),
            weights: BoxCascade::new(length, 1.0),
            delay: Delay::new(length / 2),
            present: Delay::new(length / 2),
            sum: vec![0.0; max_frames],
            weight: vec![0.0; max_frames],
            is_there: vec![0.0; max_frames],
        }
    }

    fn reset(&mut self) {
        self.wait.reset();
        self.counts.reset();
        self.samples.reset();
        self.weights.reset();
        self.delay.reset();
        self.present.reset();
        self.zeros = SILENT_FRAMES;
    }

    /// Delays `samples` and takes `share` of the mean from them.
    fn process(&mut self, samples: &mut [f64], mut share: Ramp) {
        let frames = samples.len();
        let (sum, weight) = (&mut self.sum[..frames], &mut self.weight[..frames]);
        for (x, weight) in samples.iter().zip(weight.iter_mut()) {
            self.zeros = if *x == 0.0 { (self.zeros + 1).min(SILENT_FRAMES) } else { 0 };
            // What is missing to silence: nothing before the first sample, as the delay holds it.
            *weight = (SILENT_FRAMES - self.zeros) as f64;
        }
        self.wait.pass(samples);
        let there = &mut self.is_there[..frames];
        there.copy_from_slice(weight);
        self.counts.pass(there);
        // A zero is part of a silence when its run is that long already, or is so many frames later.
        for (there, later) in there.iter_mut().zip(weight.iter_mut()) {
            let silent = *there == 0.0 || (*there < SILENT_FRAMES as f64 && *later == 0.0);
            *there = f64::from(u8::from(!silent));
            *later = *there;
        }
        sum.copy_from_slice(samples);
        self.samples.process(sum);
        self.weights.process(weight);
        self.delay.pass(samples);
        self.present.pass(there);
        for n in 0..frames {
            let share = share.next_value();
            if share != 0.0 && there[n] != 0.0 {
                let (sum, weight) = (self.sum[n], self.weight[n]);
                samples[n] -= share * sum / if weight > LEAST_SHARE { weight } else { LEAST_SHARE };
            }
        }
    }
}

struct Rumble {
    settings: Settings,
    sample_rate_hz: f64,
    length: Frames,
    max_frames: Frames,
    means: Vec<Mean>,
    share: Ramp,
    chain: Chain,
}

impl Rumble {
    fn new(settings: Settings, spec: &Spec) -> Rumble {
        let length = spec.frames(MEAN_S) / 2 * 2 + 1;
        Rumble {
            sample_rate_hz: spec.sample_rate_hz,
            length,
            max_frames: spec.max_frames.max(1),
            means: (0..spec.channels).map(|_| Mean::new(length, spec.max_frames.max(1))).collect(),
            share: Ramp::new(f64::from(u8::from(settings.remove_dc))),
            chain: Chain::new(design(&settings, spec.sample_rate_hz), spec.channels),
            settings,
        }
    }
}

impl Processor for Rumble {
    fn latency(&self) -> Frames {
        SILENT_FRAMES + self.length / 2
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.chain.tail())
    }

    fn reset(&mut self) {
        self.means.iter_mut().for_each(Mean::reset);
        self.share.finish();
        self.chain.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        self.share.go_to(f64::from(u8::from(self.settings.remove_dc)));
        for (section, coefficients) in design(&self.settings, self.sample_rate_hz).into_iter().enumerate() {
            self.chain.go_to(section, coefficients);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            let frames = (block.frames() - start).min(self.max_frames);
            let mut part = block.range_mut(start, frames);
            for (samples, mean) in part.iter_mut().zip(&mut self.means) {
                mean.process(samples, self.share);
            }
            (0..frames).for_each(|_| {
                self.share.next_value();
            });
            if !self.chain.is_neutral() {
                self.chain.process(&mut part);
            }
            start += frames;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Channels of one in, latency taken away.
    fn processed(settings: Settings, input: &[f64], rate: f64) -> Vec<f64> {
        let spec = Spec { sample_rate_hz: rate, channels: 1, max_frames: 700 };
        let mut rumble = Rumble::new(settings, &spec);
        let latency = rumble.latency();
        let mut samples = input.to_vec();
        samples.resize(input.len() + latency + 9_600, 0.0);
        samples.chunks_mut(700).for_each(|part| rumble.process(&mut Block::from_mono(part), None));
        samples.split_off(latency)
    }

    fn dc() -> Settings {
        Settings { remove_dc: true, ..Settings::default() }
    }

    /// Amplitude of a whole number of hertz over one second.
    fn amplitude(samples: &[f64], hz: f64, rate: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples[..rate as usize].iter().enumerate() {
            let angle = TAU * (hz * n as f64 / rate).fract();
            re += x * angle.cos();
            im += x * angle.sin();
        }
        2.0 * re.hypot(im) / rate
    }

    #[test]
    fn direct_current_goes_without_a_thump_at_either_end() {
        for rate in [44_100.0, 96_000.0] {
            let output = processed(dc(), &vec![0.06; (2.0 * rate) as usize], rate);
            let highest = output.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            // From the first sample to the last, and after it: under -100 dBFS.
            assert!(highest < 1e-5, "{highest:e} at {rate} Hz");
        }
    }

    #[test]
    fn music_on_an_offset_keeps_its_level_and_place() {
        let rate = 48_000.0;
        for hz in [20.0, 30.0, 41.0, 440.0] {
            let tone = |n: usize| 0.4 * (TAU * hz * n as f64 / rate).sin();
            let input: Vec<f64> = (0..144_000).map(|n| tone(n) - 0.1).collect();
            let output = processed(dc(), &input, rate);
            // A second in the middle, and the first: the mean is taken over less there.
            let middle = (48_000..96_000).map(|n| (output[n] - tone(n)).abs()).fold(0.0, f64::max);
            assert!(middle < 2e-4, "{hz} Hz: {middle:e}");
            let mean = output[48_000..96_000].iter().sum::<f64>() / 48_000.0;
            assert!(mean.abs() < 1e-5, "{hz} Hz: mean {mean:e}");
            let first = (0..48_000).map(|n| (output[n] - tone(n)).abs()).fold(0.0, f64::max);
            // Half a window cannot tell the first periods of a low tone from an offset: 26 dB below the tone.
            assert!(first < 0.02, "{hz} Hz at the start: {first:e}");
        }
    }

    #[test]
    fn digital_silence_stays_and_sounds_between_it_are_told_apart() {
        let rate = 48_000.0;
        let mut input = vec![0.0; 96_000];
        input[30_000..50_000].fill(0.05);
        let output = processed(dc(), &input, rate);
        assert!(output[..30_000].iter().chain(&output[50_000..]).all(|x| *x == 0.0));
        // The sound fills more than half of the window's weight while it lasts.
        assert!(output[32_000..48_000].iter().all(|x| x.abs() < 2e-3));
        // Single zeros are samples like any other.
        let tone: Vec<f64> =
            (0..96_000).map(|n| 0.1 + 0.1 * (TAU * 0.25 * f64::from(n)).sin().round()).collect();
        let output = processed(dc(), &tone, rate);
        let mean = output[40_000..60_000].iter().sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 1e-5, "{mean:e}");
    }

    #[test]
    fn rumble_is_cut_by_the_slope_and_music_is_kept() {
        let rate = 48_000.0;
        for (slope, order) in [(Slope::Db12, 2), (Slope::Db24, 4), (Slope::Db36, 6), (Slope::Db48, 8)] {
            for hz in [5.0, 10.0, 20.0, 30.0, 40.0] {
                let input: Vec<f64> = (0..240_000).map(|n| (TAU * hz * f64::from(n) / rate).sin()).collect();
                let settings = Settings { freq_hz: 20.0, slope, ..Settings::default() };
                let output = processed(settings, &input, rate);
                let seen = 20.0 * amplitude(&output[144_000..], hz, rate).log10();
                let expected = -10.0 * (1.0 + (20.0 / hz).powi(2 * order)).log10();
                // The matched design is exact at these frequencies to hundredths of a decibel.
                assert!((seen - expected).abs() < 0.05, "{order} {hz} Hz: {seen:.2}, {expected:.2} dB");
            }
        }
    }
}
