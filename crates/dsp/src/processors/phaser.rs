//! Phaser: notches that sweep through the spectrum, further apart than a flanger's.
//!
//! Four to twelve first-order allpasses of the trapezoidal kind (Zavalishin, *The Art of VA Filter Design*, 2.1.2, 2018,
//! sections 3.10 and 10.3), whose common corner sweeps in octaves. Beside the dry sound `n` of them cancel where each
//! turns by an odd multiple of `180 / n` degrees: at `tan(pi f / fs) = g tan((2k + 1) pi / 2n)`. The feedback has no
//! delay: the loop is solved within the frame, so that resonances stand where the analogue circuit has them.
//!
//! Path: in -> + -> allpasses -> mix; allpasses -> feedback -> +.

use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded, flush};
use crate::blocks::lfo::{Lfo, Origin, Shape, Sync};
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, gain_to_db};
use std::f64::consts::PI;

choices! {
    /// How many allpasses there are; two of them make a notch.
    pub enum Stages {
        /// Two notches.
        Four = "4",
        /// Three notches.
        Six = "6",
        /// Four notches.
        Eight = "8",
        /// Five notches.
        Ten = "10",
        /// Six notches.
        Twelve = "12",
    }
}

settings! {
    /// Settings of the phaser.
    pub struct Settings {
        /// How many allpasses there are; two of them make a notch.
        stages: Stages { label: "Stages", fixed: true },
        /// Lower end of the sweep.
        low_freq_hz: f64 {
            label: "Low end", unit: Unit::Hertz, min: 30.0, max: 4000.0, default: 250.0, taper: Taper::Logarithmic,
        },
        /// Upper end of the sweep; equal to the lower end it stands still.
        high_freq_hz: f64 {
            label: "High end", unit: Unit::Hertz, min: 30.0, max: 12_000.0, default: 2500.0,
            taper: Taper::Logarithmic,
        },
        /// Sweeps per second, when they do not follow the tempo.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.02, max: 10.0, default: 0.4, taper: Taper::Logarithmic,
        },
        /// Length of a sweep as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// The path of the sweep.
        shape: Shape { label: "Shape" },
        /// What comes back into the allpasses: sharpens what lies between the notches.
        feedback_percent: f64 { label: "Feedback", unit: Unit::Percent, min: -90.0, max: 90.0 },
        /// How far the right channel's sweep is behind the left one's: at 100 half a sweep.
        spread_percent: f64 { label: "Spread", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// Dry against wet at constant power: 0 only dry, 50 the deepest notches, 100 only wet.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
    }
}

/// Sweeping notches.
pub static KIND: Kind = Kind {
    id: "phaser",
    label: "Phaser",
    family: Family::Modulation,
    help: "Sweeps a few notches through the spectrum: movement for electric pianos, guitars and pads. More stages are \
           thicker, feedback is more vocal.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Phaser::new(Settings::from_values(values), spec)),
    response: None,
};

/// Most allpasses.
const MOST: usize = 12;

fn count(stages: Stages) -> usize {
    match stages {
        Stages::Four => 4,
        Stages::Six => 6,
        Stages::Eight => 8,
        Stages::Ten => 10,
        Stages::Twelve => 12,
    }
}

/// The step of the allpasses' low-passes, `g / (1 + g)`, for a place of the sweep from -1 to 1.
fn design(settings: &Settings, place: f64, sample_rate_hz: f64) -> f64 {
    let (low, high) = (settings.low_freq_hz, settings.high_freq_hz);
    let corner_hz = low * (high / low).powf(0.5 + 0.5 * place);
    let g = (PI * (corner_hz / sample_rate_hz).min(0.49)).tan();
    g / (1.0 + g)
}

struct Phaser {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lfo: Lfo,
    count: usize,
    /// The allpasses' step, per channel: straight from control point to control point.
    steps: [Ramp; 2],
    lag: Ramp,
    /// Feedback, dry, wet.
    ramps: [Ramp; 3],
    state: [[f64; MOST]; 2],
}

impl Phaser {
    fn new(settings: Settings, spec: &Spec) -> Phaser {
        let mut phaser = Phaser {
            sample_rate_hz: spec.sample_rate_hz,
            changed: true,
            grid: Grid::default(),
            lfo: Lfo::new(settings.shape, Origin::Beginning, 0.0, spec.sample_rate_hz),
            count: count(settings.stages),
            steps: [Ramp::new(0.0); 2],
            lag: Ramp::new(0.0),
            ramps: [Ramp::new(0.0); 3],
            state: [[0.0; MOST]; 2],
            settings,
        };
        phaser.reset();
        phaser
    }

    fn retarget(&mut self) {
        let (dry, wet) = dry_wet(self.settings.mix_percent);
        let feedback = self.settings.feedback_percent / 100.0;
        // Over all phases of the allpasses a loop of gain f has the mean power 1 / (1 - f^2).
        let targets = [feedback, dry, wet * (1.0 - feedback * feedback).sqrt()];
        self.ramps.iter_mut().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.lag.go_to(self.settings.spread_percent / 200.0);
        self.changed = false;
    }

    fn rate_hz(&self) -> f64 {
        self.settings.sync.rate_hz(self.settings.rate_hz, self.settings.tempo_bpm)
    }

    /// Prepares the next control period.
    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        self.lfo.control(self.rate_hz(), self.settings.shape);
        let lags = [0.0, self.lag.target()];
        for (step, lag) in self.steps.iter_mut().zip(lags) {
            step.go_to(design(&self.settings, self.lfo.next_point(-lag), self.sample_rate_hz));
        }
        self.lag.finish();
        self.state.iter_mut().flatten().for_each(|x| *x = flush(*x));
    }

    /// Frames in which a resonance falls by 126 dB, at most, when the sweep stands at its lower end.
    fn ringing(&self) -> f64 {
        let lowest_hz = self.settings.low_freq_hz.min(self.settings.high_freq_hz);
        let feedback = self.settings.feedback_percent.abs() / 100.0;
        let repeats = if feedback > 0.0 { 126.0 / -gain_to_db(feedback) } else { 0.0 };
        // Far below its corner an allpass delays by 1 / (pi f); as many again for its own decay by 126 dB.
        (repeats + 14.5) * self.count as f64 / (PI * lowest_hz) * self.sample_rate_hz
    }
}

/// One channel of a piece through its allpasses.
#[inline(always)]
fn run<const STAGES: usize>(
    samples: &mut [f64],
    state: &mut [f64; MOST],
    steps: &[f64; CONTROL_FRAMES],
    [feedback, dry, wet]: &[[f64; CONTROL_FRAMES]; 3],
) {
    let mut now: [f64; STAGES] = std::array::from_fn(|stage| state[stage]);
    for (n, sample) in samples.iter_mut().enumerate().take(CONTROL_FRAMES) {
        // An allpass is `y = a x + c s` of its input and state: so is the whole chain.
        let (a, c) = (2.0 * steps[n] - 1.0, 2.0 * (1.0 - steps[n]));
        let (mut direct, mut stored) = (1.0, 0.0);
        for s in now {
            direct *= a;
            stored = a * stored + c * s;
        }
        let mut x = (*sample + feedback[n] * stored) / (1.0 - feedback[n] * direct);
        for s in &mut now {
            let v = (x - *s) * steps[n];
            let low = *s + v;
            *s = low + v;
            x = 2.0 * low - x;
        }
        *sample = dry[n] * *sample + wet[n] * x;
    }
    state[..STAGES].copy_from_slice(&now);
}

impl Gridded for Phaser {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (channels, frames) = (block.channels().min(2), block.frames());
        let ramps = self.ramps.each_mut().map(|ramp| ramp.path(frames));
        let steps = self.steps.each_mut().map(|ramp| ramp.path(frames));
        let run = match self.settings.stages {
            Stages::Four => run::<4>,
            Stages::Six => run::<6>,
            Stages::Eight => run::<8>,
            Stages::Ten => run::<10>,
            Stages::Twelve => run::<12>,
        };
        for c in 0..channels {
            let samples = block.channel_mut(c);
            run(samples, &mut self.state[c], &steps[c], &ramps);
        }
    }
}

impl Processor for Phaser {
    fn tail(&self) -> Tail {
        Tail::Frames(self.ringing().ceil() as Frames + CONTROL_FRAMES)
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lfo.reset(self.settings.shape);
        self.lag.finish();
        self.ramps.iter_mut().for_each(Ramp::finish);
        self.state = [[0.0; MOST]; 2];
        for (step, lag) in self.steps.iter_mut().zip([0.0, self.lag.target()]) {
            // No rate has been told yet: the next point is the present one.
            *step = Ramp::new(design(&self.settings, self.lfo.next_point(-lag), self.sample_rate_hz));
        }
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
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 48_000.0;
    const ALL: [Stages; 5] = [Stages::Four, Stages::Six, Stages::Eight, Stages::Ten, Stages::Twelve];

    fn render(settings: &Settings, input: Vec<f64>) -> Vec<f64> {
        let mut buffer = Buffer::from_channels(&[input]);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 1, max_frames: buffer.frames() };
        Phaser::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        buffer.channel(0).to_vec()
    }

    /// A phaser that stands still.
    fn still(stages: Stages, hz: f64) -> Settings {
        Settings { stages, low_freq_hz: hz, high_freq_hz: hz, mix_percent: 50.0, ..Settings::default() }
    }

    fn gain(settings: &Settings, hz: f64) -> Complex64 {
        let mut input = vec![0.0; 48_000];
        input[0] = 1.0;
        let turn = |n: usize| Complex64::from_polar(1.0, -TAU * hz * n as f64 / RATE_HZ);
        render(settings, input).iter().enumerate().map(|(n, x)| x * turn(n)).sum()
    }

    #[test]
    fn notches_stand_where_the_allpasses_turn_the_sound_over() {
        for stages in ALL {
            let n = count(stages);
            let corner = (PI * 900.0 / RATE_HZ).tan();
            for notch in 0..n / 2 {
                let turned = (f64::from(2 * notch as u32 + 1) * PI / (2 * n) as f64).tan();
                let hz = RATE_HZ / PI * (corner * turned).atan();
                let depth_db = 20.0 * gain(&still(stages, 900.0), hz).norm().log10();
                // Equal and opposite to rounding.
                assert!(depth_db < -180.0, "{stages:?}, notch at {hz:.1} Hz: {depth_db:.1} dB");
            }
            // Half way in phase between two notches nothing is lost: both add up, 3 dB at constant power.
            let hz = RATE_HZ / PI * (corner * (PI / n as f64).tan()).atan();
            let db = 20.0 * gain(&still(stages, 900.0), hz).norm().log10();
            assert!((db - 3.0103).abs() < 1e-6, "{stages:?} between at {hz:.1} Hz: {db}");
        }
    }

    #[test]
    fn feedback_has_the_response_of_a_loop_without_delay() {
        for stages in ALL {
            for feedback_percent in [-90.0, 40.0, 90.0] {
                let settings = Settings { feedback_percent, mix_percent: 70.0, ..still(stages, 900.0) };
                let (dry, wet) = dry_wet(70.0);
                let f = feedback_percent / 100.0;
                for hz in [200.0, 900.0, 3_000.0, 15_000.0] {
                    let s = Complex64::new(0.0, (PI * hz / RATE_HZ).tan() / (PI * 900.0 / RATE_HZ).tan());
                    let chain = ((1.0 - s) / (1.0 + s)).powi(count(stages) as i32);
                    let expected = dry + wet * (1.0 - f * f).sqrt() * chain / (1.0 - f * chain);
                    // What rings on after a second.
                    assert!((gain(&settings, hz) - expected).norm() < 1e-9, "{stages:?} {f} {hz}");
                }
            }
        }
    }

    #[test]
    fn the_sweep_is_even_in_octaves() {
        let settings = Settings { low_freq_hz: 200.0, high_freq_hz: 3_200.0, ..Settings::default() };
        for (place, hz) in [(-1.0, 200.0), (-0.5, 400.0), (0.0, 800.0), (0.5, 1_600.0), (1.0, 3_200.0)] {
            let g = (PI * hz / RATE_HZ).tan();
            assert!((design(&settings, place, RATE_HZ) - g / (1.0 + g)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_sweeping_chain_stays_bounded_and_follows_its_time() {
        let sweeping = Settings {
            stages: Stages::Twelve,
            low_freq_hz: 30.0,
            high_freq_hz: 12_000.0,
            rate_hz: 10.0,
            feedback_percent: 90.0,
            mix_percent: 100.0,
            ..Settings::default()
        };
        let square = |n: usize| if n < 48_000 { (n / 24 % 2) as f64 * 2.0 - 1.0 } else { 0.0 };
        let out = render(&sweeping, (0..144_000).map(square).collect());
        let peak = |s: &[f64]| s.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        // A loop of 0.9 holds at most ten times what came in.
        assert!(
            peak(&out) < 10.0 && peak(&out[143_000..]) < 1e-3,
            "{} {}",
            peak(&out),
            peak(&out[143_000..])
        );

        // A tone at the first notch of the sweep's middle vanishes when the sweep passes its middle.
        let slow = Settings {
            low_freq_hz: 500.0,
            high_freq_hz: 2_000.0,
            rate_hz: 1.0,
            mix_percent: 50.0,
            ..Settings::default()
        };
        let hz = RATE_HZ / PI * ((PI * 1_000.0 / RATE_HZ).tan() * (PI / 8.0).tan()).atan();
        let out = render(&slow, (0..96_000).map(|n| (TAU * hz * n as f64 / RATE_HZ).sin()).collect());
        let (at, beside) = (peak(&out[71_800..72_200]), peak(&out[59_800..60_200]));
        assert!(at < 0.06 && beside > 0.3, "{at} {beside}");
    }
}
