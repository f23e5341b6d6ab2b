//! Vibrato: pitch that swings.
//!
//! A delay whose length swings bends pitch by its slope: played at the ratio `1 + a v(t)`, with `v` the shape, the delay
//! is `-a` times its integral. `a = tanh(cents ln 2 / 1200)` makes the span from the lowest to the highest pitch exactly
//! twice the set depth. The sound is read by a windowed sinc (see [`crate::blocks::moving`]), so that treble neither
//! dulls nor gains sidebands of its own; the latency is the middle of the swing, so that it stays in time.

use crate::blocks::glide::Glide;
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lfo::{self, Lfo, Origin, Sync};
use crate::blocks::math::sin_turns;
use crate::blocks::moving::{MovingDelay, SHORTEST};
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::{LN_2, TAU};

choices! {
    /// The path of the pitch.
    pub enum Shape {
        /// Even and round.
        Sine = "sine",
        /// In straight lines up and down.
        Triangle = "triangle",
    }
}

settings! {
    /// Settings of the vibrato.
    pub struct Settings {
        /// How far the pitch swings either way; from lowest to highest it is twice as much.
        depth_cents: f64 { label: "Depth", unit: Unit::Cent, min: 0.0, max: 100.0 },
        /// Swings per second, when they do not follow the tempo. Below half a swing per second the depth is less than
        /// set where the delay would leave its 20 ms.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.1, max: 14.0, default: 5.5, taper: Taper::Logarithmic,
        },
        /// Length of a swing as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// The path of the pitch.
        shape: Shape { label: "Shape" },
        /// How far the right channel's swing is behind the left one's: at 100 half a swing.
        spread_percent: f64 { label: "Spread", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Where in its swing the song begins, in parts of a swing: at 0 the pitch rises through its middle.
        start_percent: f64 { label: "Start", unit: Unit::Percent, min: 0.0, max: 100.0, fixed: true },
    }
}

/// Swinging pitch.
pub static KIND: Kind = Kind {
    id: "vibrato",
    label: "Vibrato",
    family: Family::Modulation,
    help: "Lets the pitch swing by an exact number of cents: 5 to 15 for life in a synthesiser or an organ, more as an \
           effect. There is no dry sound beside it; for that use a chorus.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Vibrato::new(Settings::from_values(values), spec)),
    response: None,
};

/// Widest swing of the delay either way.
const WIDEST_S: f64 = 0.02;

/// How fast the swing follows its settings.
const FOLLOW_S: f64 = 0.05;

/// Swing of the delay either way, in seconds.
fn design(settings: &Settings) -> f64 {
    let rate_hz = settings.sync.rate_hz(settings.rate_hz, settings.tempo_bpm);
    let deviation = (settings.depth_cents * LN_2 / 1200.0).tanh();
    // The integral of a shape over the quarter turn from its middle to its crest.
    let quarter = match settings.shape {
        Shape::Sine => 1.0 / TAU,
        Shape::Triangle => 1.0 / 8.0,
    };
    (deviation * quarter / rate_hz).min(WIDEST_S)
}

/// The integral of the triangle, from its middle on; turned over and at full swing one.
#[inline(always)]
fn parabola(turns: f64) -> f64 {
    let t = turns - turns.floor();
    let (to_middle, to_end) = (t - 0.5, if t < 0.5 { t } else { t - 1.0 });
    if (0.25..0.75).contains(&t) { 16.0 * to_middle * to_middle - 1.0 } else { 1.0 - 16.0 * to_end * to_end }
}

struct Vibrato {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lfo: Lfo,
    latency: Frames,
    lines: Vec<MovingDelay>,
    /// Swing in frames.
    swing: Glide,
    /// 0 the sine's path, 1 the triangle's.
    shape: Glide,
    lag: Ramp,
}

impl Vibrato {
    fn new(settings: Settings, spec: &Spec) -> Vibrato {
        let rate = spec.sample_rate_hz;
        let latency = (WIDEST_S * rate + SHORTEST).ceil() as Frames;
        let line = MovingDelay::new(2.0 * latency as f64 + 2.0);
        let mut vibrato = Vibrato {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            lfo: Lfo::new(lfo::Shape::Sine, Origin::Beginning, settings.start_percent / 100.0, rate),
            latency,
            lines: vec![line; spec.channels],
            swing: Glide::new(0.0, FOLLOW_S, rate),
            shape: Glide::new(0.0, FOLLOW_S, rate),
            lag: Ramp::new(0.0),
            settings,
        };
        vibrato.reset();
        vibrato
    }

    fn retarget(&mut self) {
        self.swing.go_to(design(&self.settings) * self.sample_rate_hz);
        self.shape.go_to(match self.settings.shape {
            Shape::Sine => 0.0,
            Shape::Triangle => 1.0,
        });
        self.lag.go_to(self.settings.spread_percent / 200.0);
        self.changed = false;
    }

    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        let Settings { sync, rate_hz, tempo_bpm, .. } = self.settings;
        // Only its phase is asked for.
        self.lfo.control(sync.rate_hz(rate_hz, tempo_bpm), lfo::Shape::Sine);
        self.swing.control();
        self.shape.control();
    }

    /// Where to read for the next frames, in frames beside the latency.
    fn places(&self, lag: &[f64; CONTROL_FRAMES], swing: &[f64], shape: &[f64], out: &mut [f64]) {
        self.lfo.phases(0.0, lag, out);
        for (x, shape) in out.iter_mut().zip(shape) {
            let (round, straight) = (sin_turns(*x + 0.25), parabola(*x));
            *x = round + shape * (straight - round);
        }
        out.iter_mut().zip(swing).for_each(|(place, swing)| *place *= swing);
    }
}

impl Gridded for Vibrato {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let (lag, swing, shape) = (self.lag.path(frames), self.swing.path(frames), self.shape.path(frames));
        // The sample that is written first counts as one frame back.
        let middle = self.latency as f64 + 1.0;
        let mut input = [0.0; CONTROL_FRAMES];
        let mut places = [[0.0; CONTROL_FRAMES]; 2];
        self.places(&lfo::NO_LAG, &swing, &shape, &mut places[0][..frames]);
        self.places(&lag, &swing, &shape, &mut places[1][..frames]);
        places.iter_mut().flatten().for_each(|place| *place += middle);
        for (c, line) in self.lines.iter_mut().enumerate().take(block.channels()) {
            // Only the second channel lags.
            let places = &places[usize::from(c == 1)];
            let samples = block.channel_mut(c);
            input[..frames].copy_from_slice(samples);
            line.pass(&input[..frames], places, samples);
        }
        self.lfo.advance(frames);
    }
}

impl Processor for Vibrato {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn tail(&self) -> Tail {
        // The widest swing, and the sinc's half.
        Tail::Frames(self.latency)
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lfo.reset(lfo::Shape::Sine);
        self.lines.iter_mut().for_each(MovingDelay::reset);
        self.swing.finish();
        self.shape.finish();
        self.lag.finish();
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
    use num_complex::Complex64;

    const RATE_HZ: f64 = 48_000.0;

    /// A tone as a turning pointer, its real part in the left and its imaginary part in the right channel: the angle of
    /// what comes out is the tone's phase at every single frame. Without the first quarter of a second.
    fn pointer(settings: &Settings, hz: f64, frames: usize) -> Vec<Complex64> {
        let angle = |n: usize| TAU * (hz * n as f64 / RATE_HZ).fract();
        let mut buffer = Buffer::from_channels(&[
            (0..frames).map(|n| angle(n).cos()).collect(),
            (0..frames).map(|n| angle(n).sin()).collect(),
        ]);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: frames };
        Vibrato::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        (12_000..frames).map(|n| Complex64::new(buffer.channel(0)[n], buffer.channel(1)[n])).collect()
    }

    #[test]
    fn the_pitch_spans_exactly_the_stated_cents() {
        for (shape, rate_hz) in [(Shape::Sine, 5.5), (Shape::Triangle, 2.0), (Shape::Sine, 14.0)] {
            for depth_cents in [1.0, 12.0, 100.0] {
                let settings = Settings { depth_cents, rate_hz, shape, ..Settings::default() };
                let out = pointer(&settings, 3_000.0, 48_000);
                let cents: Vec<f64> = out
                    .windows(17)
                    .map(|w| {
                        // Turning over sixteen frames, against the tone's own.
                        let turns: f64 = w.windows(2).map(|w| (w[1] / w[0]).arg()).sum::<f64>() / 16.0;
                        1200.0 * (turns / (TAU * 3_000.0 / RATE_HZ)).log2()
                    })
                    .collect();
                let highest = cents.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
                let lowest = cents.iter().fold(f64::INFINITY, |m, x| m.min(*x));
                let span = highest - lowest;
                // A thousandth: the crest is seen over a third of a millisecond; and the sinc's error of -80 dB turns
                // the pointer by up to 1e-4 over sixteen frames, 0.03 cents either way.
                let bound = 0.06 + depth_cents * 0.003;
                assert!((span - 2.0 * depth_cents).abs() < bound, "{shape:?} {depth_cents}: {span}");
            }
        }
    }

    #[test]
    fn treble_has_no_sidebands_of_its_own() {
        let settings = Settings { depth_cents: 50.0, rate_hz: 5.0, ..Settings::default() };
        let latency = (WIDEST_S * RATE_HZ + SHORTEST).ceil();
        let swing = design(&settings) * RATE_HZ;
        for hz in [1_000.0, 10_000.0, 16_000.0] {
            let out = pointer(&settings, hz, 48_000);
            let worst = out.iter().enumerate().map(|(n, seen)| {
                let t = (n + 12_000) as f64;
                let place = t - latency - swing * (TAU * 5.0 * t / RATE_HZ).cos();
                (seen - Complex64::from_polar(1.0, TAU * hz * place / RATE_HZ)).norm()
            });
            let worst_db = 20.0 * worst.fold(0.0, f64::max).log10();
            // The exact frequency modulation has these sidebands and no others; what is beside it is the
            // interpolation's.
            assert!(worst_db < -76.0, "{hz} Hz: {worst_db} dB");
        }
    }

    #[test]
    fn a_new_rate_neither_jumps_nor_bends_far() {
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 1, max_frames: 64 };
        let settings = Settings { depth_cents: 30.0, rate_hz: 4.0, ..Settings::default() };
        let mut vibrato = Vibrato::new(settings, &spec);
        let (mut out, mut n) = (Vec::new(), 0);
        for period in 0..750 {
            if period == 400 {
                vibrato.set(KIND.address("rate_hz").unwrap(), 6.0);
            }
            let tone: Vec<f64> = (n..n + 64).map(|n| (TAU * 500.0 * n as f64 / RATE_HZ).sin()).collect();
            n += 64;
            let mut block = Buffer::from_channels(&[tone]);
            vibrato.process(&mut block.as_block_mut(), None);
            out.extend_from_slice(block.channel(0));
        }
        // A tone of 500 Hz that never turns faster than two semitones above itself.
        let fastest = out[6_000..].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(fastest < TAU * 500.0 / RATE_HZ * 1.122, "{fastest}");
    }
}
