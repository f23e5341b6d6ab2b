//! Brings the microphones of one source together: delay by parts of a frame, polarity, and phase.
//!
//! *Delay.* A windowed sinc of 96 taps (Kaiser, side lobes 110 dB down): at 44.1 kHz and above its level and
//! its delay are exact to 0.01 dB and 0.01 frame up to 20 kHz (Laakso, Välimäki, Karjalainen & Laine, *Splitting
//! the unit delay*, IEEE Signal Processing Magazine 1996). Whole frames move bits. Negative delays are early:
//! the latency makes room for them.
//!
//! *Rotation.* The same angle at all frequencies: `cos(a) x - sin(a) H x`, with a Hilbert transformer `H` of 43
//! ms (type III, Kaiser window; A. V. Oppenheim & R. W. Schafer, *Discrete-time signal processing*, section on
//! Hilbert transformers). It holds from 90 Hz on; below, the angle fades.
//!
//! *All-pass.* First or second order: turns the phase by 90 or 180 degrees at its frequency and leaves every
//! level, for microphones that agree above and disagree below.

use crate::blocks::grid::{CONTROL_FRAMES, Grid};
use crate::blocks::history::History;
use crate::blocks::kaiser;
use crate::blocks::lookahead::Delay;
use crate::blocks::matched::Fraction;
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Unit, Values, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::{PI, TAU};

choices! {
    /// The all-pass.
    pub enum AllPass {
        /// None.
        Off = "off",
        /// Turns the phase by 90 degrees at its frequency, by 180 far above.
        First = "first",
        /// Turns the phase by 180 degrees at its frequency, by 360 far above.
        Second = "second",
    }
}

settings! {
    /// Settings of the alignment.
    pub struct Settings {
        /// Later by this much; negative is earlier.
        delay_ms: f64 { label: "Delay", unit: Unit::Millisecond, min: -MOST_MS, max: MOST_MS },
        /// Turns the polarity.
        invert: bool { label: "Invert" },
        /// Turns the phase of all frequencies by this angle, in degrees.
        rotation_degrees: f64 { label: "Rotation", unit: Unit::Degree, min: -180.0, max: 180.0 },
        /// Turns the phase around one frequency.
        all_pass: AllPass { label: "All-pass" },
        /// Frequency of the all-pass.
        all_pass_hz: f64 {
            label: "All-pass frequency", unit: Unit::Hertz, min: 20.0, max: 8_000.0, default: 200.0,
            taper: crate::Taper::Logarithmic,
        },
        /// How quickly the phase of a second-order all-pass turns: higher is narrower.
        all_pass_q: f64 {
            label: "All-pass Q", min: 0.1, max: 10.0, default: std::f64::consts::FRAC_1_SQRT_2,
            taper: crate::Taper::Logarithmic,
        },
    }
}

/// Time and phase of a microphone against another.
pub static KIND: Kind = Kind {
    id: "align",
    label: "Alignment",
    family: Family::Restoration,
    help: "Moves a recording in time by parts of a sample, turns its polarity or its phase. Use it where two \
           microphones of one source are added and cancel each other.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Align::new(Settings::from_values(values), spec)),
    response: Some(response),
};

/// Furthest delay either way, in milliseconds: 17 m of air.
const MOST_MS: f64 = 50.0;
/// Taps of the delay, and how far down its side lobes are.
const TAPS: usize = 96;
const SIDE_LOBES_DB: f64 = 110.0;
/// Parts of a frame smaller than this are none.
const LEAST_FRACTION: f64 = 1e-9;
/// Reach of the Hilbert transformer to either side, in seconds, and its side lobes.
const HILBERT_S: f64 = 0.0213;
const HILBERT_LOBES_DB: f64 = 60.0;

/// A delay: whole frames, and taps for the rest.
#[derive(Clone)]
struct Shift {
    /// Frames later than the earliest possible.
    whole: Frames,
    /// `None` where whole frames are enough.
    taps: Option<[f64; TAPS]>,
    sign: f64,
}

impl Shift {
    /// The delay for these settings; at zero it is the middle of what is possible.
    fn design(settings: &Settings, sample_rate_hz: f64) -> Shift {
        let frames = most_frames(sample_rate_hz) as f64 + settings.delay_ms * 1e-3 * sample_rate_hz;
        let frames = frames.max(0.0);
        let nearest = frames.round();
        let sign = if settings.invert { -1.0 } else { 1.0 };
        if (frames - nearest).abs() < LEAST_FRACTION {
            return Shift { whole: nearest as Frames, taps: None, sign };
        }
        let whole = frames.floor();
        let centre = (TAPS / 2 - 1) as f64 + (frames - whole);
        let beta = kaiser::beta(SIDE_LOBES_DB);
        let mut taps = [0.0; TAPS];
        for (n, tap) in taps.iter_mut().enumerate() {
            let x = n as f64 - centre;
            *tap = (PI * x).sin() / (PI * x) * kaiser::window(x / (TAPS as f64 / 2.0), beta);
        }
        let sum: f64 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap *= sign / sum);
        Shift { whole: whole as Frames, taps: Some(taps), sign }
    }

    /// Complex gain at `z`, without the constant latency.
    fn response(&self, z: Complex64, latency: f64) -> Complex64 {
        let turn = |frames: f64| Complex64::from_polar(1.0, -z.arg() * frames);
        match &self.taps {
            None => self.sign * turn(self.whole as f64 + (TAPS / 2 - 1) as f64 - latency),
            Some(taps) => {
                let sum: Complex64 = taps.iter().enumerate().map(|(n, tap)| tap * turn(n as f64)).sum();
                sum * turn(self.whole as f64 - latency)
            }
        }
    }

    /// The next samples of what `history` holds, to `out` (at most a control period).
    fn read(&self, history: &History, out: &mut [f64]) {
        let frames = out.len();
        let Some(taps) = &self.taps else {
            out.copy_from_slice(history.behind(self.whole + TAPS / 2 - 1, frames));
            if self.sign < 0.0 {
                out.iter_mut().for_each(|x| *x = -*x);
            }
            return;
        };
        out.fill(0.0);
        for (n, tap) in taps.iter().enumerate() {
            add_scaled(out, history.behind(self.whole + n, frames), *tap);
        }
    }
}

audio::wide! {
    /// `sum[n] += factor * x[n]`.
    fn add_scaled(sum: &mut [f64], x: &[f64], factor: f64) {
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum += factor * x;
        }
    }
}

audio::wide! {
    /// `sum[n] += factor * (before[n] - after[n])`.
    fn add_difference(sum: &mut [f64], before: &[f64], after: &[f64], factor: f64) {
        for ((sum, before), after) in sum.iter_mut().zip(before).zip(after) {
            *sum += factor * (before - after);
        }
    }
}

fn most_frames(sample_rate_hz: f64) -> Frames {
    (MOST_MS * 1e-3 * sample_rate_hz).ceil() as Frames
}

/// The Hilbert transformer's taps at distances 1, 3, 5 ... after its middle; before it they are the negatives.
fn hilbert(sample_rate_hz: f64) -> Vec<f64> {
    let reach = (HILBERT_S * sample_rate_hz) as usize / 2 * 2;
    let beta = kaiser::beta(HILBERT_LOBES_DB);
    (1..reach)
        .step_by(2)
        .map(|n| 2.0 / (PI * n as f64) * kaiser::window(n as f64 / reach as f64, beta))
        .collect()
}

/// The all-pass for these settings.
fn all_pass(settings: &Settings, sample_rate_hz: f64) -> Coefficients {
    let g = (PI * (settings.all_pass_hz / sample_rate_hz).min(0.45)).tan();
    let fraction = match settings.all_pass {
        AllPass::Off => return Coefficients::NEUTRAL,
        // (g - S)/(g + S), widened by (g + S) to second order.
        AllPass::First => Fraction { numerator: [g * g, 0.0, -1.0], denominator: [g * g, 2.0 * g, 1.0] },
        AllPass::Second => {
            let damping = g / settings.all_pass_q;
            Fraction { numerator: [g * g, -damping, 1.0], denominator: [g * g, damping, 1.0] }
        }
    };
    Coefficients::from_fraction(&fraction)
}

/// Cosine and sine of the rotation.
fn rotation(settings: &Settings) -> (f64, f64) {
    let (sin, cos) = settings.rotation_degrees.to_radians().sin_cos();
    (cos, sin)
}

fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let settings = Settings::from_values(values);
    let omega = TAU * hz / spec.sample_rate_hz;
    let z = Complex64::from_polar(1.0, omega);
    let latency = (most_frames(spec.sample_rate_hz) + TAPS / 2 - 1) as f64;
    let (cos, sin) = rotation(&settings);
    let turned = hilbert(spec.sample_rate_hz);
    let sum: f64 = turned.iter().enumerate().map(|(k, tap)| tap * (omega * (2 * k + 1) as f64).sin()).sum();
    // Taps h[n] = -h[-n]: the transform is -2j sum h[n] sin(n w).
    let turn = Complex64::new(cos, 2.0 * sin * sum);
    let all_pass = all_pass(&settings, spec.sample_rate_hz);
    let all_pass = if all_pass.is_neutral() { Complex64::new(1.0, 0.0) } else { all_pass.response(z) };
    Shift::design(&settings, spec.sample_rate_hz).response(z, latency) * turn * all_pass
}

struct Align {
    settings: Settings,
    sample_rate_hz: f64,
    now: Shift,
    /// What comes next, while it fades in.
    next: Shift,
    faded: Frames,
    cos: Ramp,
    sin: Ramp,
    taps: Vec<f64>,
    chain: Chain,
    grid: Grid,
    channels: Vec<Channel>,
}

struct Channel {
    history: History,
    /// Of the delayed signal, for the rotation.
    shifted: History,
    middle: Delay,
}

impl Align {
    fn new(settings: Settings, spec: &Spec) -> Align {
        let rate = spec.sample_rate_hz;
        let taps = hilbert(rate);
        let reach = 2 * taps.len();
        let channel = || Channel {
            history: History::new(2 * most_frames(rate) + TAPS + 2 * CONTROL_FRAMES),
            shifted: History::new(2 * reach + 2 * CONTROL_FRAMES),
            middle: Delay::new(reach),
        };
        let shift = Shift::design(&settings, rate);
        let (cos, sin) = rotation(&settings);
        Align {
            sample_rate_hz: rate,
            now: shift.clone(),
            next: shift,
            faded: CONTROL_FRAMES,
            cos: Ramp::new(cos),
            sin: Ramp::new(sin),
            chain: Chain::new([all_pass(&settings, rate)], spec.channels),
            grid: Grid::default(),
            channels: (0..spec.channels).map(|_| channel()).collect(),
            settings,
            taps,
        }
    }

    /// Up to a control period that does not cross a point of the grid.
    fn advance(&mut self, block: &mut Block) {
        let frames = block.frames();
        let reach = 2 * self.taps.len();
        let (mut shifted, mut other) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
        let (shifted, other) = (&mut shifted[..frames], &mut other[..frames]);
        for (samples, channel) in block.iter_mut().zip(&mut self.channels) {
            channel.history.push(samples);
            self.now.read(&channel.history, shifted);
            if self.faded < CONTROL_FRAMES {
                self.next.read(&channel.history, other);
                for (n, (now, next)) in shifted.iter_mut().zip(other.iter()).enumerate() {
                    let share = (self.faded + n + 1) as f64 / CONTROL_FRAMES as f64;
                    *now += share * (next - *now);
                }
            }
            channel.shifted.push(shifted);
            samples.copy_from_slice(shifted);
            channel.middle.pass(samples);
            let (mut cos, mut sin) = (self.cos, self.sin);
            if sin.moves() || sin.target() != 0.0 {
                other.fill(0.0);
                for (k, tap) in self.taps.iter().enumerate() {
                    let n = 2 * k + 1;
                    let after = channel.shifted.behind(reach - n, frames);
                    add_difference(other, channel.shifted.behind(reach + n, frames), after, *tap);
                }
                for (x, turned) in samples.iter_mut().zip(other.iter()) {
                    *x = cos.next_value() * *x - sin.next_value() * turned;
                }
            } else {
                cos.scale(samples);
            }
        }
        for _ in 0..frames {
            self.cos.next_value();
            self.sin.next_value();
        }
        self.fade(frames);
    }

    /// Counts the fade on, and begins another where the settings have moved meanwhile.
    fn fade(&mut self, frames: Frames) {
        if self.faded < CONTROL_FRAMES {
            self.faded += frames;
            if self.faded >= CONTROL_FRAMES {
                self.now = self.next.clone();
            }
        }
    }
}

impl Processor for Align {
    fn latency(&self) -> Frames {
        most_frames(self.sample_rate_hz) + TAPS / 2 - 1 + 2 * self.taps.len()
    }

    fn tail(&self) -> Tail {
        let spread = TAPS + 2 * self.taps.len();
        Tail::Frames(most_frames(self.sample_rate_hz) + spread + self.chain.tail())
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.history.reset();
            channel.shifted.reset();
            channel.middle.reset();
        }
        self.now = Shift::design(&self.settings, self.sample_rate_hz);
        self.faded = CONTROL_FRAMES;
        self.cos.finish();
        self.sin.finish();
        self.chain.reset();
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        let (cos, sin) = rotation(&self.settings);
        self.cos.go_to(cos);
        self.sin.go_to(sin);
        self.chain.go_to(0, all_pass(&self.settings, self.sample_rate_hz));
        self.next = Shift::design(&self.settings, self.sample_rate_hz);
        self.faded = 0;
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let mut start = 0;
        while start < block.frames() {
            let left = block.frames() - start;
            let fading =
                if self.faded < CONTROL_FRAMES { CONTROL_FRAMES - self.faded } else { CONTROL_FRAMES };
            let frames = self.grid.take(left.min(fading));
            self.advance(&mut block.range_mut(start, frames));
            start += frames;
        }
        if !self.chain.is_neutral() {
            self.chain.process(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [f64; 2] = [44_100.0, 48_000.0];

    fn impulse_response(settings: Settings, rate: f64) -> (Vec<f64>, usize) {
        let spec = Spec { sample_rate_hz: rate, channels: 1, max_frames: 20_000 };
        let mut align = Align::new(settings, &spec);
        let latency = align.latency();
        let mut samples = vec![0.0; 20_000];
        samples[0] = 1.0;
        align.process(&mut Block::from_mono(&mut samples), None);
        (samples, latency)
    }

    /// Complex gain of an impulse response against its latency.
    fn gain(ir: &[f64], latency: usize, hz: f64, rate: f64) -> Complex64 {
        let turn = |n: f64| Complex64::from_polar(1.0, -TAU * (hz / rate * n).fract());
        let all = ir.iter().enumerate().filter(|(_, x)| **x != 0.0);
        all.map(|(n, x)| x * turn(n as f64 - latency as f64)).sum()
    }

    #[test]
    fn delays_are_exact_to_20_khz() {
        for rate in RATES {
            for frames in [0.0, 0.25, 0.5, -0.37, 11.99, -58.1, 441.5, -2_000.01, 2_150.7] {
                let settings = Settings { delay_ms: frames / rate * 1e3, ..Settings::default() };
                let (ir, latency) = impulse_response(settings, rate);
                for hz in [20.0, 100.0, 1_000.0, 5_000.0, 10_000.0, 15_000.0, 18_000.0, 20_000.0] {
                    let seen = gain(&ir, latency, hz, rate);
                    let level_db = 20.0 * seen.norm().log10();
                    let left = seen * Complex64::from_polar(1.0, TAU * (hz / rate * frames).fract());
                    let error = left.arg() / (TAU * hz / rate);
                    assert!(level_db.abs() < 0.01, "{frames} at {hz} Hz: {level_db:.4} dB");
                    assert!(error.abs() < 0.01, "{frames} at {hz} Hz: off by {error:.4} frames");
                }
            }
        }
    }

    #[test]
    fn whole_frames_and_polarity_move_bits() {
        let settings = Settings { delay_ms: 3.0, invert: true, ..Settings::default() };
        let (ir, latency) = impulse_response(settings, 48_000.0);
        let expected = |n: usize| if n == latency + 144 { -1.0 } else { 0.0 };
        assert!(ir.iter().enumerate().all(|(n, x)| *x == expected(n)));
    }

    #[test]
    fn the_rotation_is_the_same_angle_from_90_hz_on() {
        for rate in [44_100.0, 96_000.0] {
            for degrees in [30.0, 90.0, -120.0, 180.0] {
                let settings = Settings { rotation_degrees: degrees, ..Settings::default() };
                let (ir, latency) = impulse_response(settings, rate);
                for hz in [90.0, 150.0, 1_000.0, 10_000.0, 20_000.0] {
                    let seen = gain(&ir, latency, hz, rate);
                    let left = seen * Complex64::from_polar(1.0, -f64::to_radians(degrees));
                    // The transformer's ripple is a thousandth, 60 dB down.
                    assert!((left - 1.0).norm() < 5e-3, "{degrees} at {hz} Hz, {rate}: {left}");
                }
            }
        }
    }

    #[test]
    fn all_passes_keep_levels_and_turn_at_their_frequency() {
        for (order, all_pass) in [(1, AllPass::First), (2, AllPass::Second)] {
            let settings = Settings { all_pass, all_pass_hz: 200.0, ..Settings::default() };
            let (ir, latency) = impulse_response(settings, 48_000.0);
            for hz in [60.0, 200.0, 1_000.0, 15_000.0] {
                let seen = gain(&ir, latency, hz, 48_000.0);
                assert!((seen.norm() - 1.0).abs() < 1e-6, "{order} {hz}: {}", seen.norm());
            }
            let turned = gain(&ir, latency, 200.0, 48_000.0);
            let expected = Complex64::from_polar(1.0, -f64::from(order) * PI / 2.0);
            assert!((turned - expected).norm() < 1e-6, "{order}: {turned}");
        }
    }

    #[test]
    fn two_microphones_null_when_they_are_brought_together() {
        // A tone burst and its copy, 10.6 frames late and inverted: the sum's energy falls to nothing.
        let rate = 48_000.0;
        let burst = |t: f64| (-((t - 2_000.0) / 300.0).powi(2)).exp() * (TAU * 0.01 * t).sin();
        let near: Vec<f64> = (0..9_000).map(|n| burst(f64::from(n))).collect();
        let mut far: Vec<f64> = (0..20_000).map(|n| burst(f64::from(n) - 10.6)).collect();
        let spec = Spec { sample_rate_hz: rate, channels: 1, max_frames: 20_000 };
        let settings = Settings { delay_ms: -10.6 / rate * 1e3, invert: true, ..Settings::default() };
        let mut align = Align::new(settings, &spec);
        let latency = align.latency();
        align.process(&mut Block::from_mono(&mut far), None);
        let rest = near.iter().zip(&far[latency..]).map(|(a, b)| (a + b).abs()).fold(0.0, f64::max);
        // Side lobes 110 dB down.
        assert!(rest < 1e-4, "{rest:e}");
    }
}
