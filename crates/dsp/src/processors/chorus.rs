//! Chorus: several players instead of one.
//!
//! Two to four voices, each the sound some 8 to 25 ms later through a delay that swings (Dattorro, *Effect design, part 2:
//! delay-line modulation and chorus*, JAES 45, 1997), read by a windowed sinc. The voices are even parts of a swing apart,
//! their middle delays spread in equal ratios, the right channel a quarter of a swing behind the left; bass stays dry, so
//! that it is neither thinned nor moved.
//!
//! Path: in -> low cut -> line -> voices -> mix.

use crate::blocks::cut::{Cut, Side};
use crate::blocks::glide::Glide;
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lfo::{Lfo, NO_LAG, Origin, Shape, Sync};
use crate::blocks::moving::MovingDelay;
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};

choices! {
    /// How many voices there are.
    pub enum Voices {
        /// Two voices.
        Two = "2",
        /// Three voices.
        Three = "3",
        /// Four voices.
        Four = "4",
    }
}

settings! {
    /// Settings of the chorus.
    pub struct Settings {
        /// How many voices there are.
        voices: Voices { label: "Voices", fixed: true },
        /// How late the voices are, in the middle.
        delay_ms: f64 {
            label: "Delay", unit: Unit::Millisecond, min: 8.0, max: 25.0, default: 14.0, taper: Taper::Logarithmic,
        },
        /// How far their delay swings either way: what detunes them.
        depth_ms: f64 { label: "Depth", unit: Unit::Millisecond, min: 0.0, max: 3.0, default: 1.5 },
        /// Swings per second, when they do not follow the tempo.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.05, max: 5.0, default: 0.5, taper: Taper::Logarithmic,
        },
        /// Length of a swing as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// Keeps the voices out of the bass, 12 dB per octave.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 10.0, max: 1000.0, default: 150.0, taper: Taper::Logarithmic,
        },
        /// How far the right channel's swing is behind the left one's: at 100 a quarter of a swing.
        spread_percent: f64 { label: "Spread", unit: Unit::Percent, min: 0.0, max: 100.0, default: 100.0 },
        /// Dry against wet at constant power: 0 only dry, 50 both equally, 100 only the voices.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
    }
}

/// Several players instead of one.
pub static KIND: Kind = Kind {
    id: "chorus",
    label: "Chorus",
    family: Family::Modulation,
    help: "Makes several players of one: warmth and width for guitars, pads, backing voices. Bass and lead voices bear \
           little of it.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Chorus::new(Settings::from_values(values), spec)),
    response: None,
};

/// Most voices.
const MOST: usize = 4;

/// Ratio of the last voice's middle delay to the first one's.
const APART: f64 = 1.45;

/// Latest place that a voice is read at.
const LONGEST_S: f64 = 0.025 * APART + 0.003;

/// How fast delay and depth follow their settings: slow enough to be no more than a bend.
const FOLLOW_S: f64 = 0.1;

fn count(voices: Voices) -> usize {
    match voices {
        Voices::Two => 2,
        Voices::Three => 3,
        Voices::Four => 4,
    }
}

/// Middle delay of each voice as a part of the set one.
fn ratios(count: usize) -> [f64; MOST] {
    std::array::from_fn(|voice| APART.powf(voice as f64 / (count - 1) as f64 - 0.5))
}

/// One control period of the swings of all voices.
type Swings = [[f64; CONTROL_FRAMES]; MOST];

struct Chorus {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lfo: Lfo,
    count: usize,
    ratios: [f64; MOST],
    low_cut: Cut,
    lines: [MovingDelay; 2],
    /// In frames.
    delay: Glide,
    depth: Glide,
    lag: Ramp,
    dry: Ramp,
    wet: Ramp,
}

impl Chorus {
    fn new(settings: Settings, spec: &Spec) -> Chorus {
        let rate = spec.sample_rate_hz;
        let count = count(settings.voices);
        let line = MovingDelay::new(LONGEST_S * rate + 2.0);
        let mut chorus = Chorus {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            lfo: Lfo::new(Shape::Sine, Origin::Beginning, 0.0, rate),
            count,
            ratios: ratios(count),
            low_cut: Cut::new(Side::Low, settings.low_cut_hz, rate),
            lines: [line.clone(), line],
            delay: Glide::new(0.0, FOLLOW_S, rate),
            depth: Glide::new(0.0, FOLLOW_S, rate),
            lag: Ramp::new(0.0),
            dry: Ramp::new(1.0),
            wet: Ramp::new(0.0),
            settings,
        };
        chorus.reset();
        chorus
    }

    fn retarget(&mut self) {
        let frames = |ms: f64| ms / 1000.0 * self.sample_rate_hz;
        self.delay.go_to(frames(self.settings.delay_ms));
        self.depth.go_to(frames(self.settings.depth_ms));
        self.lag.go_to(self.settings.spread_percent / 400.0);
        let (dry, wet) = dry_wet(self.settings.mix_percent);
        self.dry.go_to(dry);
        // The voices have little in common: their powers add.
        self.wet.go_to(wet / (self.count as f64).sqrt());
        self.low_cut.go_to(self.settings.low_cut_hz);
        self.changed = false;
    }

    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        let Settings { sync, rate_hz, tempo_bpm, .. } = self.settings;
        self.lfo.control(sync.rate_hz(rate_hz, tempo_bpm), Shape::Sine);
        self.delay.control();
        self.depth.control();
        self.low_cut.flush();
    }

    fn is_neutral(&self) -> bool {
        let still = |ramp: &Ramp, value: f64| !ramp.moves() && ramp.target() == value;
        still(&self.dry, 1.0) && still(&self.wet, 0.0)
    }

    /// Where each voice of a channel is read in the next frames.
    fn places(&self, lag: &[f64; CONTROL_FRAMES], delay: &[f64], depth: &[f64], frames: Frames) -> Swings {
        let mut swings = [[0.0; CONTROL_FRAMES]; MOST];
        for (voice, swing) in swings.iter_mut().enumerate().take(self.count) {
            let apart = voice as f64 / self.count as f64;
            self.lfo.values(apart, lag, &mut swing[..frames]);
            let ratio = self.ratios[voice];
            for (place, (delay, depth)) in swing.iter_mut().zip(delay.iter().zip(depth)) {
                // The sample just written counts as one frame back.
                *place = 1.0 + ratio * delay + depth * *place;
            }
        }
        swings
    }
}

impl Gridded for Chorus {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (channels, frames) = (block.channels().min(2), block.frames());
        let mut input = [[0.0; CONTROL_FRAMES]; 2];
        for c in 0..2 {
            // One channel is both sides.
            let samples = block.channel(c.min(channels - 1));
            input[c][..frames].copy_from_slice(samples);
        }
        let [left, right] = &mut input;
        self.low_cut.process(&mut left[..frames], &mut right[..frames]);
        let neutral = self.is_neutral();
        let [lag, dry, wet] = [&mut self.lag, &mut self.dry, &mut self.wet].map(|ramp| ramp.path(frames));
        let [delay, depth] = [&mut self.delay, &mut self.depth].map(|glide| glide.path(frames));
        for c in 0..channels {
            let lag = if c == 0 { &NO_LAG } else { &lag };
            let places = self.places(lag, &delay, &depth, frames);
            let samples = block.channel_mut(c);
            let line = &mut self.lines[c];
            line.push(&input[c][..frames]);
            if neutral {
                continue;
            }
            let mut sum = [0.0; CONTROL_FRAMES];
            for places in &places[..self.count] {
                let mut voice = [0.0; CONTROL_FRAMES];
                line.read_again(places, &mut voice[..frames]);
                sum.iter_mut().zip(voice).for_each(|(sum, voice)| *sum += voice);
            }
            for (n, sample) in samples.iter_mut().enumerate().take(CONTROL_FRAMES) {
                *sample = dry[n] * *sample + wet[n] * sum[n];
            }
        }
        self.lfo.advance(frames);
    }
}

impl Processor for Chorus {
    fn tail(&self) -> Tail {
        let seconds = LONGEST_S + Cut::decay_s(self.settings.low_cut_hz, 120.0);
        Tail::Frames((seconds * self.sample_rate_hz).ceil() as Frames + CONTROL_FRAMES)
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lfo.reset(Shape::Sine);
        self.low_cut.reset();
        self.lines.iter_mut().for_each(MovingDelay::reset);
        self.delay.finish();
        self.depth.finish();
        [&mut self.lag, &mut self.dry, &mut self.wet].into_iter().for_each(Ramp::finish);
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        self.changed = true;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if block.channels() > 0 {
            self.on_grid(block, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::acoustics::{RATE_HZ, energy, noise, spectrum};
    use audio::Buffer;
    use num_complex::Complex64;
    use std::f64::consts::TAU;

    fn render(settings: &Settings, left: Vec<f64>, right: Vec<f64>) -> [Vec<f64>; 2] {
        let mut buffer = Buffer::from_channels(&[left, right]);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: buffer.frames() };
        Chorus::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        [buffer.channel(0).to_vec(), buffer.channel(1).to_vec()]
    }

    /// Power of thirds of an octave from 125 Hz to 10 kHz.
    fn thirds(samples: &[f64]) -> Vec<f64> {
        let bins = spectrum(samples);
        let per_bin = RATE_HZ / samples.len() as f64;
        (0..20)
            .map(|third| {
                let middle = 125.0 * 2f64.powf(f64::from(third) / 3.0);
                let edge = |octaves: f64| (middle * 2f64.powf(octaves) / per_bin) as usize;
                bins[edge(-1.0 / 6.0)..edge(1.0 / 6.0)].iter().map(|b| b.norm_sqr()).sum()
            })
            .collect()
    }

    #[test]
    fn in_mono_the_spectrum_stays_even() {
        // Eight seconds of noise: four swings. Both channels play the same, the worst case in mono.
        let input = noise(384_000, 3);
        let plain = thirds(&input);
        for voices in [Voices::Two, Voices::Three, Voices::Four] {
            for mix_percent in [30.0, 50.0] {
                let settings = Settings { voices, mix_percent, ..Settings::default() };
                let [left, right] = render(&settings, input.clone(), input.clone());
                let mono: Vec<f64> = left.iter().zip(&right).map(|(l, r)| (l + r) / 2.0).collect();
                let db: Vec<f64> =
                    thirds(&mono).iter().zip(&plain).map(|(a, b)| 10.0 * (a / b).log10()).collect();
                let highest = db.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
                let lowest = db.iter().fold(f64::INFINITY, |m, x| m.min(*x));
                assert!(highest - lowest < 6.0, "{voices:?} at {mix_percent} %: {db:?}");
            }
        }
    }

    #[test]
    fn voices_stand_where_they_are_said_to() {
        let settings = Settings {
            voices: Voices::Three,
            delay_ms: 20.0,
            depth_ms: 0.0,
            low_cut_hz: 10.0,
            mix_percent: 100.0,
            ..Settings::default()
        };
        let mut impulse = vec![0.0; 4_800];
        impulse[0] = 1.0;
        let [left, _] = render(&settings, impulse, vec![0.0; 4_800]);
        for ratio in [APART.powf(-0.5), 1.0, APART.sqrt()] {
            let place = 960.0 * ratio;
            let around = &left[place as usize - 20..place as usize + 22];
            let turn = |n: usize| TAU * 2_000.0 / RATE_HZ * (n as f64 - 20.0 - place.fract());
            let seen: Complex64 =
                around.iter().enumerate().map(|(n, x)| Complex64::from_polar(*x, -turn(n))).sum();
            // A third of the power each. The low cut's tail of the voices before, a thousandth in each of 42 frames,
            // leaves up to three hundredths and turns 2 kHz by less than a twentieth of a frame.
            assert!((seen.norm() * 3f64.sqrt() - 1.0).abs() < 0.03, "{ratio}: {seen}");
            assert!(seen.arg().abs() < 0.013, "{ratio}: {seen}");
        }
    }

    #[test]
    fn left_and_right_part_and_bass_stays() {
        let settings = Settings { mix_percent: 50.0, voices: Voices::Four, ..Settings::default() };
        let tone = |hz: f64| -> Vec<f64> {
            (0..192_000).map(|n| (TAU * hz * f64::from(n) / RATE_HZ).sin()).collect()
        };
        let apart = |hz: f64| {
            let [left, right] = render(&settings, tone(hz), tone(hz));
            let side: Vec<f64> = left.iter().zip(&right).map(|(l, r)| l - r).collect();
            10.0 * (energy(&side) / (energy(&left) + energy(&right))).log10()
        };
        // 12 dB per octave below 150 Hz: two octaves down 24 dB of what treble has.
        assert!(apart(1_000.0) > -6.0, "{}", apart(1_000.0));
        assert!(apart(37.5) < -24.0, "{}", apart(37.5));
    }
}
