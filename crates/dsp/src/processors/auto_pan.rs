//! Auto-pan: a sound that moves between left and right.
//!
//! The gains of the channels are `sqrt 2` times cosine and sine of an angle that swings around 45 degrees: their squares
//! always add up to two, so that a sound that is equally strong in both channels keeps its power wherever it stands.
//! Nothing is folded across: each channel stays on its side.

use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lfo::{Lfo, NO_LAG, Origin, Shape, Sync};
use crate::blocks::math::sin_turns;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Taper, Unit, settings};
use audio::{Block, BlockRef, Spec};
use std::f64::consts::SQRT_2;

settings! {
    /// Settings of the auto-pan.
    pub struct Settings {
        /// How far the sound moves: at 100 from loudspeaker to loudspeaker.
        depth_percent: f64 { label: "Depth", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Swings per second, when they do not follow the tempo.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.02, max: 20.0, default: 0.5, taper: Taper::Logarithmic,
        },
        /// Length of a swing as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// The path of a swing; up is to the right.
        shape: Shape { label: "Shape" },
        /// Where in its swing the song begins, in parts of a swing.
        start_percent: f64 { label: "Start", unit: Unit::Percent, min: 0.0, max: 100.0, fixed: true },
    }
}

/// Moves between the loudspeakers.
pub static KIND: Kind = Kind {
    id: "auto_pan",
    label: "Auto-pan",
    family: Family::Modulation,
    help: "Moves a sound between left and right at constant power, freely or in tempo. For percussion, pads and \
           electric pianos; a sound in one channel only has nowhere to go.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(AutoPan::new(Settings::from_values(values), spec)),
    response: None,
};

/// Gains of left and right at a position from -1 (left) to 1 (right).
#[inline(always)]
fn design(position: f64) -> [f64; 2] {
    let turns = (1.0 + position) / 8.0;
    [SQRT_2 * sin_turns(0.25 - turns), SQRT_2 * sin_turns(turns)]
}

struct AutoPan {
    settings: Settings,
    grid: Grid,
    lfo: Lfo,
    depth: Ramp,
    changed: bool,
}

impl AutoPan {
    fn new(settings: Settings, spec: &Spec) -> AutoPan {
        AutoPan {
            grid: Grid::default(),
            lfo: Lfo::new(
                settings.shape,
                Origin::Beginning,
                settings.start_percent / 100.0,
                spec.sample_rate_hz,
            ),
            depth: Ramp::new(settings.depth_percent / 100.0),
            changed: false,
            settings,
        }
    }

    fn control(&mut self) {
        if self.changed {
            self.depth.go_to(self.settings.depth_percent / 100.0);
            self.changed = false;
        }
        let Settings { sync, rate_hz, tempo_bpm, shape, .. } = self.settings;
        self.lfo.control(sync.rate_hz(rate_hz, tempo_bpm), shape);
    }
}

impl Gridded for AutoPan {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let neutral = !self.depth.moves() && self.depth.target() == 0.0;
        // With one channel there is nowhere to go.
        if block.channels() >= 2 && !neutral {
            let mut swing = [0.0; CONTROL_FRAMES];
            self.lfo.values(0.0, &NO_LAG, &mut swing[..frames]);
            let depth = self.depth.path(frames);
            let (left, right) = block.stereo_mut();
            for (n, (left, right)) in left.iter_mut().zip(right).enumerate().take(CONTROL_FRAMES) {
                let [to_left, to_right] = design(depth[n] * swing[n]);
                (*left, *right) = (to_left * *left, to_right * *right);
            }
        }
        self.lfo.advance(frames);
    }
}

impl Processor for AutoPan {
    fn reset(&mut self) {
        self.depth = Ramp::new(self.settings.depth_percent / 100.0);
        self.changed = false;
        self.grid.reset();
        self.lfo.reset(self.settings.shape);
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

    fn gains(settings: &Settings, frames: usize) -> [Vec<f64>; 2] {
        let mut buffer = Buffer::from_channels(&[vec![1.0; frames], vec![1.0; frames]]);
        let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: frames };
        AutoPan::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        [buffer.channel(0).to_vec(), buffer.channel(1).to_vec()]
    }

    #[test]
    fn power_is_constant_and_the_ends_are_reached() {
        for shape in [Shape::Sine, Shape::Triangle, Shape::SawUp, Shape::Square, Shape::Random] {
            let settings = Settings { depth_percent: 100.0, rate_hz: 3.0, shape, ..Settings::default() };
            let [left, right] = gains(&settings, 48_000);
            for (l, r) in left.iter().zip(&right) {
                // The sine is good to 1e-13.
                assert!((l * l + r * r - 2.0).abs() < 1e-12, "{shape:?}: {l} {r}");
            }
            if shape != Shape::Random {
                let lowest = |side: &[f64]| side.iter().fold(f64::INFINITY, |m, x| m.min(*x));
                // Sampled beside the end by up to a frame: 2 pi 3 / 48000 of an eighth turn for the saw.
                assert!(lowest(&left).abs() < 1e-2 && lowest(&right).abs() < 1e-2, "{shape:?}");
            }
        }
    }

    #[test]
    fn the_place_is_the_stated_one() {
        let settings = Settings { depth_percent: 50.0, rate_hz: 2.0, ..Settings::default() };
        let [left, right] = gains(&settings, 24_000);
        for n in 0..24_000 {
            let position = 0.5 * (TAU * 2.0 * n as f64 / 48_000.0).sin();
            let angle = (1.0 + position) * std::f64::consts::FRAC_PI_4;
            // The sine's 1e-13, and a thousand steps of the phase.
            assert!((left[n] - SQRT_2 * angle.cos()).abs() < 1e-10, "frame {n}");
            assert!((right[n] - SQRT_2 * angle.sin()).abs() < 1e-10, "frame {n}");
        }
    }

    #[test]
    fn in_tempo_a_bar_later_it_stands_where_it_stood() {
        let settings =
            Settings { depth_percent: 80.0, sync: Sync::Whole, tempo_bpm: 150.0, ..Settings::default() };
        let [left, _] = gains(&settings, 230_400);
        // 150 per minute: a bar is 1.6 s, 76,800 frames.
        let apart = (0..153_600).map(|n| (left[n] - left[n + 76_800]).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-9, "{apart}");
    }
}
