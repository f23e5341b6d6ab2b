//! Tremolo: loudness that swings.
//!
//! The gain moves between one and `1 - depth` along the shape of an oscillator, its crest on the beat. In the harmonic
//! mode, as in Fender's "brownface" amplifiers of the early sixties, bass and treble swing against each other: the two
//! sides of a first-order crossover, whose sum is the input bit for bit while both gains are one.
//!
//! Path: in -> { gain | low-pass -> gain, rest -> opposite gain } -> out.

use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded, flush};
use crate::blocks::lfo::{Lfo, NO_LAG, Origin, Shape, Sync};
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::PI;

choices! {
    /// What swings.
    pub enum Mode {
        /// The loudness of the whole sound.
        Volume = "volume",
        /// Bass and treble against each other.
        Harmonic = "harmonic",
    }
}

settings! {
    /// Settings of the tremolo.
    pub struct Settings {
        /// How deep the sound falls: at 50 to half its level, -6 dB; at 100 to silence.
        depth_percent: f64 { label: "Depth", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Swings per second, when they do not follow the tempo.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.02, max: 20.0, default: 5.0, taper: Taper::Logarithmic,
        },
        /// Length of a swing as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// The path of a swing.
        shape: Shape { label: "Shape" },
        /// What swings.
        mode: Mode { label: "Mode" },
        /// Between bass and treble in the harmonic mode.
        crossover_hz: f64 {
            label: "Crossover", unit: Unit::Hertz, min: 100.0, max: 4000.0, default: 700.0, taper: Taper::Logarithmic,
        },
        /// How far the right channel's swing is behind the left one's: at 100 half a swing.
        spread_percent: f64 { label: "Spread", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Where in its swing the song begins, in parts of a swing: 0 is loudest.
        start_percent: f64 { label: "Start", unit: Unit::Percent, min: 0.0, max: 100.0, fixed: true },
    }
}

/// Swinging loudness.
pub static KIND: Kind = Kind {
    id: "tremolo",
    label: "Tremolo",
    family: Family::Modulation,
    help: "Lets the loudness swing, freely or in tempo; in the harmonic mode bass against treble, which sounds like a \
           gentle phaser. For electric pianos, guitars, and rhythm in a pad (square shape).",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Tremolo::new(Settings::from_values(values), spec)),
    response: None,
};

/// Half the depth, the sign with which treble follows, and the right channel's lag in turns.
fn design(settings: &Settings) -> [f64; 3] {
    let treble = match settings.mode {
        Mode::Volume => 1.0,
        Mode::Harmonic => -1.0,
    };
    [settings.depth_percent / 200.0, treble, settings.spread_percent / 200.0]
}

struct Tremolo {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lfo: Lfo,
    half_depth: Ramp,
    treble: Ramp,
    lag: Ramp,
    pole: Ramp,
    low: [f64; 2],
}

impl Tremolo {
    fn new(settings: Settings, spec: &Spec) -> Tremolo {
        let start = settings.start_percent / 100.0;
        let [half_depth, treble, lag] = design(&settings).map(Ramp::new);
        let mut tremolo = Tremolo {
            sample_rate_hz: spec.sample_rate_hz,
            changed: true,
            grid: Grid::default(),
            lfo: Lfo::new(settings.shape, Origin::Crest, start, spec.sample_rate_hz),
            half_depth,
            treble,
            lag,
            pole: Ramp::new(0.0),
            low: [0.0; 2],
            settings,
        };
        tremolo.reset();
        tremolo
    }

    /// The step of a trapezoidal one-pole low-pass.
    fn pole(&self) -> f64 {
        let g = (PI * (self.settings.crossover_hz / self.sample_rate_hz).min(0.49)).tan();
        g / (1.0 + g)
    }

    fn retarget(&mut self) {
        let ramps = [&mut self.half_depth, &mut self.treble, &mut self.lag];
        ramps.into_iter().zip(design(&self.settings)).for_each(|(ramp, value)| ramp.go_to(value));
        self.pole.go_to(self.pole());
        self.changed = false;
    }

    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        let Settings { sync, rate_hz, tempo_bpm, shape, .. } = self.settings;
        self.lfo.control(sync.rate_hz(rate_hz, tempo_bpm), shape);
        self.low = self.low.map(flush);
    }

    /// One channel of a piece within a control period; the paths are those of its frames.
    fn swing(&mut self, channel: usize, samples: &mut [f64], paths: &[[f64; CONTROL_FRAMES]; 4]) {
        let [half_depth, treble, lag, pole] = paths;
        let mut swing = [0.0; CONTROL_FRAMES];
        let lag = if channel == 0 { &NO_LAG } else { lag };
        self.lfo.values(0.0, lag, &mut swing[..samples.len()]);
        let mut low = self.low[channel];
        for (n, sample) in samples.iter_mut().enumerate().take(CONTROL_FRAMES) {
            let bass_gain = 1.0 - half_depth[n] * (1.0 - swing[n]);
            let gain = 1.0 - half_depth[n] * (1.0 - treble[n] * swing[n]);
            let to_low = (*sample - low) * pole[n];
            let bass = low + to_low;
            low = bass + to_low;
            *sample = gain * *sample + (bass_gain - gain) * bass;
        }
        self.low[channel] = low;
    }
}

impl Gridded for Tremolo {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (channels, frames) = (block.channels().min(2), block.frames());
        let ramps = [&mut self.half_depth, &mut self.treble, &mut self.lag, &mut self.pole];
        let paths = ramps.map(|ramp| ramp.path(frames));
        for c in 0..channels {
            self.swing(c, block.channel_mut(c), &paths);
        }
        self.lfo.advance(frames);
    }
}

impl Processor for Tremolo {
    fn tail(&self) -> Tail {
        match self.settings.mode {
            Mode::Volume => Tail::Frames(0),
            // What the low-pass keeps falls by 126 dB in 14.5 of its times.
            Mode::Harmonic => {
                let frames = 14.5 / (2.0 * PI * self.settings.crossover_hz) * self.sample_rate_hz;
                Tail::Frames(frames.ceil() as Frames)
            }
        }
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lfo.reset(self.settings.shape);
        let ramps = [&mut self.half_depth, &mut self.treble, &mut self.lag, &mut self.pole];
        ramps.into_iter().for_each(Ramp::finish);
        self.low = [0.0; 2];
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        self.changed = true;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.on_grid(block, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 48_000.0;

    fn render(settings: &Settings, planes: &[Vec<f64>]) -> Buffer {
        let mut buffer = Buffer::from_channels(planes);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: planes.len(), max_frames: buffer.frames() };
        Tremolo::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        buffer
    }

    fn ones(frames: usize) -> Vec<f64> {
        vec![1.0; frames]
    }

    #[test]
    fn the_gain_is_the_stated_one_at_every_frame() {
        let settings =
            Settings { depth_percent: 60.0, rate_hz: 4.0, spread_percent: 50.0, ..Settings::default() };
        let seen = render(&settings, &[ones(48_000), ones(48_000)]);
        for n in 0..48_000 {
            let turns = 4.0 * n as f64 / RATE_HZ;
            for (c, lag) in [(0, 0.0), (1, 0.25)] {
                // From 1 on the crest to 0.4: cosine, the right channel a quarter behind.
                let expected = 0.7 + 0.3 * (TAU * (turns - lag)).cos();
                assert!((seen.channel(c)[n] - expected).abs() < 1e-9, "channel {c}, frame {n}");
            }
        }
    }

    #[test]
    fn every_shape_reaches_both_ends_at_the_tempos_rate() {
        for shape in [Shape::Sine, Shape::Triangle, Shape::SawUp, Shape::SawDown, Shape::Square] {
            let settings = Settings {
                depth_percent: 100.0 * (1.0 - 10f64.powf(-6.0 / 20.0)),
                sync: Sync::Eighth,
                tempo_bpm: 100.0,
                shape,
                ..Settings::default()
            };
            let out = render(&settings, &[ones(144_000)]);
            let gain = out.channel(0);
            let lowest = gain.iter().fold(f64::INFINITY, |m, x| m.min(*x));
            let highest = gain.iter().fold(0.0, |m: f64, x| m.max(*x));
            // 6 dB of depth; a sampled crest is missed by up to half a frame.
            assert!((20.0 * lowest.log10() + 6.0).abs() < 0.01, "{shape:?}: {lowest}");
            assert!((highest - 1.0).abs() < 1e-3, "{shape:?}: {highest}");
            // An eighth at 100 per minute is 0.3 s: ten of them in three seconds, each the same.
            let turn = 14_400;
            let apart = (0..144_000 - turn).map(|n| (gain[n] - gain[n + turn]).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-9, "{shape:?}: turns differ by {apart}");
        }
    }

    #[test]
    fn in_the_harmonic_mode_bass_and_treble_swing_against_each_other() {
        let settings = Settings {
            depth_percent: 80.0,
            rate_hz: 2.0,
            mode: Mode::Harmonic,
            crossover_hz: 700.0,
            ..Settings::default()
        };
        let level = |hz: f64, from: usize| {
            let tone: Vec<f64> = (0..48_000).map(|n| (TAU * hz * n as f64 / RATE_HZ).sin()).collect();
            let out = render(&settings, &[tone]);
            // 20 ms around a place of the swing.
            out.channel(0)[from - 480..from + 480].iter().fold(0.0, |m: f64, x| m.max(x.abs()))
        };
        // Half a second is a swing: bass is loud at its start, treble in its middle. Six octaves apart the other side
        // of a first-order crossover leaves a tenth.
        assert!(level(50.0, 24_000) > 0.95 && level(50.0, 36_000) < 0.35);
        assert!(level(9_000.0, 24_000) < 0.35 && level(9_000.0, 36_000) > 0.95);
    }

    #[test]
    fn a_new_rate_goes_on_from_the_phase() {
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 1, max_frames: 64 };
        let mut tremolo = Tremolo::new(Settings { depth_percent: 100.0, ..Settings::default() }, &spec);
        let mut last = 1.0;
        for period in 0..2_000 {
            // Up and down the whole range, a step at every control point.
            let rate_hz = 0.02 * 1000f64.powf(0.5 - 0.5 * (period as f64 / 50.0).cos());
            tremolo.set(KIND.address("rate_hz").unwrap(), rate_hz);
            let mut block = Buffer::from_channels(&[ones(64)]);
            tremolo.process(&mut block.as_block_mut(), None);
            for gain in block.channel(0) {
                // The steepest slope of a 20 Hz cosine between 0 and 1.
                assert!((gain - last).abs() <= PI * 20.0 / RATE_HZ + 1e-9, "period {period}");
                last = *gain;
            }
        }
    }
}
