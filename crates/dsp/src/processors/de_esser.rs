//! De-esser: turns the sibilants of a voice down, however loud the voice is.
//!
//! It compares the level of the sibilant band with the level of the whole voice, in decibels; where the
//! difference exceeds the threshold it lowers a shelf or a bell. Both are added to the dry signal from one
//! state-variable filter (Zavalishin, *The Art of VA Filter Design*, 2012, section 4): the sum is a minimum
//! phase shelf or bell at every depth, without a crossover and its ripple, and the input itself at depth zero.
//!
//! Shelf: `H = (G s^2 + sqrt(2 G) s + 1) / (s^2 + sqrt(2) s + 1)`, whose magnitude falls steadily from 1 to G.
//! Bell: `H = 1 + (G - 1) s / (s^2 + s + 1)`. One depth for all channels.

use crate::blocks::dynamics::{
    MeanPower, Smoother, StateVariable, Times, gains, loop_gain, one_pole, tangent,
};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::{Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::{PI, SQRT_2};

choices! {
    /// What is turned down.
    pub enum Shape {
        /// Everything above the frequency.
        Shelf = "shelf",
        /// The surroundings of the frequency: for a whistling s, keeps the air above.
        Bell = "bell",
    }
}

settings! {
    /// Settings of the de-esser.
    pub struct Settings {
        /// Corner of the shelf or centre of the bell; the detector hears the same band.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 2000.0, max: 12_000.0, default: 6000.0,
            taper: Taper::Logarithmic,
        },
        /// What is turned down.
        shape: Shape { label: "Shape", fixed: true },
        /// How far a clear sibilant is turned down; 0 does nothing.
        range_db: f64 { label: "Range", unit: Unit::Decibel, max: 24.0 },
        /// Level of the band against the whole voice above which it acts; in full 3 dB higher.
        threshold_db: f64 {
            label: "Threshold", unit: Unit::Decibel, min: -40.0, max: 0.0, default: -12.0,
        },
        /// Time to 63 % of a rise in reduction.
        attack_ms: f64 {
            label: "Attack", unit: Unit::Millisecond, min: 0.1, max: 20.0, default: 1.0,
            taper: Taper::Logarithmic,
        },
        /// Time to 63 % of a fall in reduction.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 5.0, max: 500.0, default: 40.0,
            taper: Taper::Logarithmic,
        },
        /// How far the detector hears ahead; the audio waits as long.
        lookahead_ms: f64 {
            label: "Lookahead", unit: Unit::Millisecond, max: 10.0, default: 3.0, fixed: true,
        },
    }
}

/// De-esser.
pub static KIND: Kind = Kind {
    id: "de_esser",
    label: "De-esser",
    family: Family::Dynamics,
    help: "Softens s, sh and t of a voice. The threshold is relative: quiet and loud phrases are treated alike. \
           Set the frequency to the singer's sibilants, the range to how much softer they shall be.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(DeEsser::new(Settings::from_values(values), spec)),
    response: None,
};

/// Averaging time of both levels: shorter than a sibilant's beginning, longer than the gap between two
/// periods of a voice's overtones.
const LEVEL_MS: f64 = 3.0;
/// The reduction is complete this far above the threshold.
const KNEE_DB: f64 = 3.0;
/// Power of the whole voice under which the comparison says nothing: -100 dBFS.
const QUIET_POWER: f64 = 1e-10;
/// Damping of the two sections of a fourth-order Butterworth filter: 2 cos(pi/8), 2 cos(3 pi/8).
const DETECTOR_DAMPING: [f64; 2] = [1.847_759_065_022_573_5, 0.765_366_864_730_179_5];
/// Damping of the bell and of the detector's two band-passes: Q = 1.
const BELL_DAMPING: f64 = 1.0;

/// The filters of one channel.
#[derive(Clone, Default)]
struct Voice {
    detector: [StateVariable; 2],
    filter: StateVariable,
}

/// Coefficients per frame: the corner, and the loop gains of the two detector sections and of the filter.
struct Tuning {
    g: [f64; CONTROL_FRAMES],
    first: [f64; CONTROL_FRAMES],
    second: [f64; CONTROL_FRAMES],
    filter: [f64; CONTROL_FRAMES],
}

struct DeEsser {
    settings: Settings,
    sample_rate_hz: f64,
    lookahead: Frames,
    times: Times,
    level: f64,
    g: Ramp,
    threshold_db: Ramp,
    range_db: Ramp,
    voices: Vec<Voice>,
    band: MeanPower,
    whole: MeanPower,
    ahead: SlidingMaximum,
    smooth: Smoother,
    delays: Vec<Delay>,
    grid: Grid,
    deepest_db: f64,
}

impl DeEsser {
    fn new(settings: Settings, spec: &Spec) -> DeEsser {
        let rate = spec.sample_rate_hz;
        let lookahead = spec.frames(settings.lookahead_ms / 1000.0);
        DeEsser {
            sample_rate_hz: rate,
            lookahead,
            times: Times::new(settings.attack_ms, settings.release_ms, rate),
            level: one_pole(LEVEL_MS, rate),
            g: Ramp::new(tangent(settings.freq_hz, rate)),
            threshold_db: Ramp::new(settings.threshold_db),
            range_db: Ramp::new(settings.range_db),
            voices: vec![Voice::default(); spec.channels],
            band: MeanPower::default(),
            whole: MeanPower::default(),
            ahead: SlidingMaximum::new(lookahead + 1),
            smooth: Smoother::default(),
            delays: (0..spec.channels).map(|_| Delay::new(lookahead)).collect(),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }

    /// Writes the power of band and whole of all channels.
    fn listen(&mut self, block: &BlockRef, tuning: &Tuning, band: &mut [f64], whole: &mut [f64]) {
        let shape = self.settings.shape;
        let [wide, narrow] = match shape {
            Shape::Shelf => DETECTOR_DAMPING,
            Shape::Bell => [BELL_DAMPING; 2],
        };
        for (samples, voice) in block.iter().zip(&mut self.voices) {
            let [mut first, mut second] = voice.detector;
            for (n, &sample) in samples.iter().enumerate() {
                let g = tuning.g[n];
                let (once, second_scale) = (first.next(sample, g, wide, tuning.first[n]), tuning.second[n]);
                let heard = match shape {
                    Shape::Shelf => second.next(once.high, g, narrow, second_scale).high,
                    Shape::Bell => {
                        second.next(BELL_DAMPING * once.band, g, narrow, second_scale).band * BELL_DAMPING
                    }
                };
                band[n] += heard * heard;
                whole[n] += sample * sample;
            }
            voice.detector = [first, second];
        }
    }

    /// The filters' coefficients for the frames of a piece.
    fn tuning(&mut self, frames: usize) -> Tuning {
        let ([first, second], filter) = match self.settings.shape {
            Shape::Shelf => (DETECTOR_DAMPING, SQRT_2),
            Shape::Bell => ([BELL_DAMPING; 2], BELL_DAMPING),
        };
        let g = self.g.target();
        let mut tuning = Tuning {
            g: [g; CONTROL_FRAMES],
            first: [loop_gain(g, first); CONTROL_FRAMES],
            second: [loop_gain(g, second); CONTROL_FRAMES],
            filter: [loop_gain(g, filter); CONTROL_FRAMES],
        };
        if self.g.moves() {
            for n in 0..frames {
                let g = self.g.next_value();
                tuning.g[n] = g;
                tuning.first[n] = loop_gain(g, first);
                tuning.second[n] = loop_gain(g, second);
                tuning.filter[n] = loop_gain(g, filter);
            }
        }
        tuning
    }

    /// Delays the audio and lowers the shelf or bell by `gains`.
    fn apply(&mut self, block: &mut Block, tuning: &Tuning, gains: &[f64]) {
        let shape = self.settings.shape;
        for ((samples, voice), delay) in block.iter_mut().zip(&mut self.voices).zip(&mut self.delays) {
            delay.pass(samples);
            let mut filter = voice.filter;
            for (n, sample) in samples.iter_mut().enumerate() {
                let (g, scale, gain) = (tuning.g[n], tuning.filter[n], gains[n]);
                let change = match shape {
                    Shape::Shelf => {
                        let out = filter.next(*sample, g, SQRT_2, scale);
                        (gain - 1.0) * out.high + (gain.sqrt() - 1.0) * SQRT_2 * out.band
                    }
                    Shape::Bell => {
                        let out = filter.next(*sample, g, BELL_DAMPING, scale);
                        (gain - 1.0) * BELL_DAMPING * out.band
                    }
                };
                // Adding zero would turn a negative zero into a positive one.
                if gain != 1.0 {
                    *sample += change;
                }
            }
            voice.filter = filter;
        }
    }

    /// Work for a point of the control grid.
    fn flush(&mut self) {
        for voice in &mut self.voices {
            voice.detector.iter_mut().for_each(StateVariable::flush);
            voice.filter.flush();
        }
        self.band.flush();
        self.whole.flush();
        self.smooth.flush();
    }
}

impl Gridded for DeEsser {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.flush();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let tuning = self.tuning(frames);
        let (mut band, mut whole) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
        self.listen(&block.as_ref(), &tuning, &mut band[..frames], &mut whole[..frames]);
        for n in 0..frames {
            band[n] = self.band.next(band[n], self.level);
            whole[n] = self.whole.next(whole[n], self.level);
        }
        let mut values = [0.0; CONTROL_FRAMES];
        let values = &mut values[..frames];
        for n in 0..frames {
            let ratio = greater(band[n] / (whole[n] + QUIET_POWER), 1e-12);
            let over_db = math::power_to_db(ratio) - self.threshold_db.next_value();
            values[n] = self.range_db.next_value() * (over_db / KNEE_DB).clamp(0.0, 1.0);
        }
        if self.lookahead > 0 {
            self.ahead.process(values);
        }
        self.smooth.branching(values, self.times);
        self.deepest_db = gains(values, self.deepest_db);
        self.apply(block, &tuning, values);
    }
}

impl Processor for DeEsser {
    fn latency(&self) -> Frames {
        self.lookahead
    }

    fn tail(&self) -> Tail {
        // The slowest poles are the bell's at the lowest frequency: e^(-pi f t) reaches -120 dB at
        // ln(10^6) / (pi f). Half as much again covers what the moving gain adds.
        let lowest_hz = Settings::PARAMS[0].min;
        Tail::Frames((1.5 * 1e6f64.ln() / (PI * lowest_hz) * self.sample_rate_hz).ceil() as Frames)
    }

    fn reset(&mut self) {
        self.g.finish();
        self.threshold_db.finish();
        self.range_db.finish();
        self.voices.fill(Voice::default());
        self.band = MeanPower::default();
        self.whole = MeanPower::default();
        self.ahead.reset();
        self.smooth = Smoother::default();
        self.delays.iter_mut().for_each(Delay::reset);
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.shape = before.shape;
        self.settings.lookahead_ms = before.lookahead_ms;
        self.times = Times::new(self.settings.attack_ms, self.settings.release_ms, self.sample_rate_hz);
        for (ramp, target) in [
            (&mut self.g, tangent(self.settings.freq_hz, self.sample_rate_hz)),
            (&mut self.threshold_db, self.settings.threshold_db),
            (&mut self.range_db, self.settings.range_db),
        ] {
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        self.on_grid(block, None);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}
