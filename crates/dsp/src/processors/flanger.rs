//! Flanger: a comb that sweeps through the spectrum.
//!
//! The sound and itself a few milliseconds later: `H = dry + wet sqrt(1 - f^2) z^-D / (1 - f z^-D)`, with the feedback `f`
//! around the delay (Dattorro, *Effect design, part 2*, JAES 45, 1997). The delay sweeps in equal ratios, as the ear hears
//! it. With two tape machines, of which either may be ahead, the delay goes through zero: then the dry sound is held back
//! by 5 ms, which is the latency, and the other passes it.
//!
//! Path: in -> + -> line -> mix; line -> feedback -> +.

use crate::blocks::glide::Glide;
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded, flush};
use crate::blocks::history::History;
use crate::blocks::lfo::{Lfo, NO_LAG, Origin, Shape, Sync};
use crate::blocks::line::{Line, POINTS, SHORTEST, Tap};
use crate::blocks::math::exp2;
use crate::blocks::pan::dry_wet;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec, gain_to_db};

settings! {
    /// Settings of the flanger.
    pub struct Settings {
        /// Longest delay of the sweep. Through zero it counts to 5 ms.
        delay_ms: f64 {
            label: "Delay", unit: Unit::Millisecond, min: 0.1, max: 8.0, default: 3.0, taper: Taper::Logarithmic,
        },
        /// How far the delay sweeps: at 100 down to 0.1 ms, through zero as far before the dry sound as behind it.
        depth_percent: f64 { label: "Depth", unit: Unit::Percent, min: 0.0, max: 100.0, default: 80.0 },
        /// Sweeps per second, when they do not follow the tempo.
        rate_hz: f64 {
            label: "Rate", unit: Unit::Hertz, min: 0.02, max: 10.0, default: 0.25, taper: Taper::Logarithmic,
        },
        /// Length of a sweep as a note value of the tempo.
        sync: Sync { label: "Sync" },
        /// Tempo of the song, in quarter notes.
        tempo_bpm: f64 { label: "Tempo", unit: Unit::BeatsPerMinute, min: 30.0, max: 300.0, default: 120.0 },
        /// The path of the sweep; up is the longest delay.
        shape: Shape { label: "Shape" },
        /// What comes back into the delay: sharpens the comb; below zero its teeth are where its gaps were.
        feedback_percent: f64 { label: "Feedback", unit: Unit::Percent, min: -90.0, max: 90.0 },
        /// How far the right channel's sweep is behind the left one's: at 100 half a sweep.
        spread_percent: f64 { label: "Spread", unit: Unit::Percent, min: 0.0, max: 100.0 },
        /// The delay may be shorter than nothing; costs 5 ms of latency.
        through_zero: bool { label: "Through zero", fixed: true },
        /// Dry against wet at constant power: 0 only dry, 50 the deepest comb, 100 only wet.
        mix_percent: f64 { label: "Mix", unit: Unit::Percent, min: 0.0, max: 100.0 },
    }
}

/// A sweeping comb.
pub static KIND: Kind = Kind {
    id: "flanger",
    label: "Flanger",
    family: Family::Modulation,
    help: "Sweeps a comb of gaps through the spectrum: jet sounds on guitars, drums, whole mixes; with feedback it rings \
           like a pipe. Through zero it is the sound of two tape machines.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Flanger::new(Settings::from_values(values), spec)),
    response: None,
};

const SHORTEST_S: f64 = 0.0001;
const LONGEST_S: f64 = 0.008;

/// By how much the other machine may be ahead.
const AHEAD_S: f64 = 0.005;

/// How fast delay and depth follow their settings.
const FOLLOW_S: f64 = 0.05;

/// Delay of the comb in frames, for a place of the sweep from -1 to 1.
#[derive(Clone, Copy)]
enum Sweep {
    /// In equal ratios from the shortest on, in frames.
    Ratios {
        /// Logarithm to base two of the shortest delay.
        shortest: f64,
    },
    /// Straight, around the dry sound.
    Straight {
        /// Frames by which the dry sound is held back.
        ahead: f64,
    },
}

impl Sweep {
    /// What [`Sweep::frames`] needs of the longest delay.
    fn longest(self, seconds: f64, sample_rate_hz: f64) -> f64 {
        match self {
            Sweep::Ratios { .. } => (seconds * sample_rate_hz).log2(),
            Sweep::Straight { .. } => seconds.min(AHEAD_S) * sample_rate_hz,
        }
    }

    #[inline(always)]
    fn frames(self, longest: f64, depth: f64, place: f64) -> f64 {
        match self {
            Sweep::Ratios { shortest } => exp2(longest + depth * 0.5 * (1.0 - place) * (shortest - longest)),
            Sweep::Straight { ahead } => ahead + longest * (1.0 - depth * (1.0 - place)),
        }
    }
}

struct Flanger {
    settings: Settings,
    sample_rate_hz: f64,
    changed: bool,
    grid: Grid,
    lfo: Lfo,
    latency: Frames,
    sweep: Sweep,
    dry_past: Vec<History>,
    lines: [Line; 2],
    longest: Glide,
    depth: Glide,
    /// Lag, feedback, dry, wet.
    ramps: [Ramp; 4],
}

impl Flanger {
    fn new(settings: Settings, spec: &Spec) -> Flanger {
        let rate = spec.sample_rate_hz;
        // The line itself needs a few frames before it passes the dry sound.
        let latency = if settings.through_zero { spec.frames(AHEAD_S) + SHORTEST as Frames } else { 0 };
        let sweep = match settings.through_zero {
            true => Sweep::Straight { ahead: latency as f64 },
            false => Sweep::Ratios { shortest: (SHORTEST_S * rate).log2() },
        };
        let line = Line::new(spec.frames(LONGEST_S.max(2.0 * AHEAD_S)) + 4 * POINTS);
        let mut flanger = Flanger {
            sample_rate_hz: rate,
            changed: true,
            grid: Grid::default(),
            lfo: Lfo::new(settings.shape, Origin::Crest, 0.0, rate),
            latency,
            sweep,
            dry_past: vec![History::new(latency + CONTROL_FRAMES); spec.channels],
            lines: [line.clone(), line],
            longest: Glide::new(0.0, FOLLOW_S, rate),
            depth: Glide::new(0.0, FOLLOW_S, rate),
            ramps: [Ramp::new(0.0); 4],
            settings,
        };
        flanger.reset();
        flanger
    }

    fn retarget(&mut self) {
        self.longest.go_to(self.sweep.longest(self.settings.delay_ms / 1000.0, self.sample_rate_hz));
        self.depth.go_to(self.settings.depth_percent / 100.0);
        let (dry, wet) = dry_wet(self.settings.mix_percent);
        let feedback = self.settings.feedback_percent / 100.0;
        // Noise comes out of the comb as loud as it went in: its echoes' powers add up to 1 / (1 - f^2).
        let wet = wet * (1.0 - feedback * feedback).sqrt();
        let targets = [self.settings.spread_percent / 200.0, feedback, dry, wet];
        self.ramps.iter_mut().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.changed = false;
    }

    fn control(&mut self) {
        if self.changed {
            self.retarget();
        }
        let Settings { sync, rate_hz, tempo_bpm, shape, .. } = self.settings;
        self.lfo.control(sync.rate_hz(rate_hz, tempo_bpm), shape);
        self.longest.control();
        self.depth.control();
    }

    /// One channel of a piece within a control period.
    fn comb(&mut self, c: usize, samples: &mut [f64], glides: &[[f64; CONTROL_FRAMES]; 2], ramps: &Paths) {
        let frames = samples.len();
        let [longest, depth] = glides;
        let [lag, feedback, dry, wet] = ramps;
        let lag = if c == 0 { &NO_LAG } else { lag };
        let mut places = [0.0; CONTROL_FRAMES];
        self.lfo.values(0.0, lag, &mut places[..frames]);
        let past = &mut self.dry_past[c];
        past.push(samples);
        let held = past.behind(self.latency, frames);
        let line = &mut self.lines[c];
        for (n, (sample, held)) in samples.iter_mut().zip(held).enumerate().take(CONTROL_FRAMES) {
            let echo = line.read(&Tap::new(self.sweep.frames(longest[n], depth[n], places[n])));
            line.write(flush(*sample + feedback[n] * echo));
            // Neutral is the very input, whatever waits in the line.
            let neutral = dry[n] == 1.0 && wet[n] == 0.0;
            *sample = if neutral { *held } else { dry[n] * held + wet[n] * echo };
        }
    }
}

/// The values of the ramps within a control period.
type Paths = [[f64; CONTROL_FRAMES]; 4];

impl Gridded for Flanger {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        let ramps = self.ramps.each_mut().map(|ramp| ramp.path(frames));
        let glides = [&mut self.longest, &mut self.depth].map(|glide| glide.path(frames));
        for c in 0..block.channels() {
            let samples = block.channel_mut(c);
            if c < 2 {
                self.comb(c, samples, &glides, &ramps);
            } else {
                // Further channels only wait.
                self.dry_past[c].push(samples);
                samples.copy_from_slice(self.dry_past[c].behind(self.latency, frames));
            }
        }
        self.lfo.advance(frames);
    }
}

impl Processor for Flanger {
    fn latency(&self) -> Frames {
        self.latency
    }

    fn tail(&self) -> Tail {
        let feedback = self.settings.feedback_percent.abs() / 100.0;
        // 6 dB more for what the comb's teeth hold.
        let repeats = if feedback > 0.0 { (126.0 / -gain_to_db(feedback)).ceil() } else { 0.0 };
        let each = (LONGEST_S.max(2.0 * AHEAD_S) * self.sample_rate_hz).ceil() + 2.0 * POINTS as f64;
        Tail::Frames(((repeats + 1.0) * each) as Frames)
    }

    fn reset(&mut self) {
        self.retarget();
        self.grid.reset();
        self.lfo.reset(self.settings.shape);
        self.dry_past.iter_mut().for_each(History::reset);
        self.lines.iter_mut().for_each(Line::reset);
        self.longest.finish();
        self.depth.finish();
        self.ramps.iter_mut().for_each(Ramp::finish);
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

    fn render(settings: &Settings, input: Vec<f64>) -> Vec<f64> {
        let mut buffer = Buffer::from_channels(&[input]);
        let spec = Spec { sample_rate_hz: RATE_HZ, channels: 1, max_frames: buffer.frames() };
        Flanger::new(settings.clone(), &spec).process(&mut buffer.as_block_mut(), None);
        buffer.channel(0).to_vec()
    }

    fn impulse(frames: usize) -> Vec<f64> {
        let mut samples = vec![0.0; frames];
        samples[0] = 1.0;
        samples
    }

    #[test]
    fn a_still_comb_has_the_response_of_its_formula() {
        for (delay_ms, feedback_percent, mix_percent) in [
            (0.1, 0.0, 50.0),
            (1.037, 0.0, 50.0),
            (1.0, 70.0, 50.0),
            (2.513, -90.0, 30.0),
            (8.0, 50.0, 100.0),
        ] {
            let settings = Settings {
                delay_ms,
                depth_percent: 0.0,
                feedback_percent,
                mix_percent,
                ..Settings::default()
            };
            let response = render(&settings, impulse(48_000));
            let (dry, wet) = dry_wet(mix_percent);
            let f = feedback_percent / 100.0;
            for hz in [50.0, 333.0, 1_000.0, 2_500.0, 5_000.0, 8_000.0] {
                let turn = |frames: f64| Complex64::from_polar(1.0, -TAU * hz * frames / RATE_HZ);
                let late = turn(delay_ms * 48.0);
                let expected = dry + wet * (1.0 - f * f).sqrt() * late / (1.0 - f * late);
                let seen: Complex64 = response.iter().enumerate().map(|(n, x)| x * turn(n as f64)).sum();
                // Eight points between the samples: 1e-3 of the line at 8 kHz, ten times that in a resonance of 90 %.
                let bound = 2e-3 / (1.0 - f.abs());
                assert!((seen - expected).norm() < bound, "{delay_ms} ms, {f}, {hz} Hz: {seen}, {expected}");
            }
        }
    }

    #[test]
    fn through_zero_everything_meets_and_cancels() {
        // Against the dry sound in opposite phase is not on offer; in phase all frequencies double at the meeting.
        let settings = Settings {
            delay_ms: 2.0,
            depth_percent: 100.0,
            rate_hz: 1.0,
            shape: Shape::Triangle,
            through_zero: true,
            mix_percent: 50.0,
            ..Settings::default()
        };
        let tone = |hz: f64| (0..72_000).map(|n| (TAU * hz * n as f64 / RATE_HZ).sin()).collect::<Vec<f64>>();
        let latency = 240 + 4;
        for hz in [1_000.0, 3_000.0, 7_000.0] {
            let out = render(&settings, tone(hz));
            let peak = |from: usize| out[from - 60..from + 60].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            // The crest is at 0 s, 2 ms late; at 0.25 s zero; at 0.5 s it is 2 ms ahead. A 120 frames wide look at the
            // meeting sees up to 0.02 ms.
            assert!((peak(12_000) - 2f64.sqrt()).abs() < 0.15, "{hz}: {}", peak(12_000));
            // Seen from the dry sound, it lies ahead by 2 ms at half a second.
            let place = |n: usize, ms: f64| {
                let t = n as f64 - latency as f64;
                let at = |frames: f64| (TAU * hz * frames / RATE_HZ).sin();
                (at(t) + at(t - ms * 48.0)) / 2f64.sqrt()
            };
            assert!((out[24_000] - place(24_000, -2.0)).abs() < 1e-2, "{hz}");
            assert!((out[48_000] - place(48_000, 2.0)).abs() < 1e-2, "{hz}");
        }
    }

    #[test]
    fn the_sweep_has_equal_ratios() {
        let sweep = Sweep::Ratios { shortest: 4.8f64.log2() };
        let longest = sweep.longest(0.008, RATE_HZ);
        let at = |place: f64| sweep.frames(longest, 1.0, place);
        // The fast exponential is good to 1e-11.
        assert!((at(1.0) - 384.0).abs() < 1e-6 && (at(-1.0) - 4.8).abs() < 1e-9);
        assert!((at(0.0) / at(-1.0) - at(1.0) / at(0.0)).abs() < 1e-9);
        assert!((sweep.frames(longest, 0.0, -1.0) - 384.0).abs() < 1e-6);
    }

    #[test]
    fn the_fullest_feedback_stays_bounded_while_it_sweeps() {
        for feedback_percent in [-90.0, 90.0] {
            for through_zero in [false, true] {
                let settings = Settings {
                    feedback_percent,
                    through_zero,
                    rate_hz: 10.0,
                    depth_percent: 100.0,
                    delay_ms: 8.0,
                    mix_percent: 100.0,
                    ..Settings::default()
                };
                let input: Vec<f64> = (0..96_000)
                    .map(|n| if n < 48_000 { (n / 24 % 2) as f64 * 2.0 - 1.0 } else { 0.0 })
                    .collect();
                let out = render(&settings, input);
                let peak = |s: &[f64]| s.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                // Ten times what came in, times the wet gain of 0.44; then 90 % per 10 ms: -90 dB in a second.
                assert!(peak(&out) < 6.0 && peak(&out[95_000..]) < 1e-3, "{feedback_percent} {through_zero}");
            }
        }
    }
}
