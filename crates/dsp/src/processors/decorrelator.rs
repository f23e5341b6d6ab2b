//! Decorrelator: makes what is mono wide, and leaves the sum to mono as it was.
//!
//! The middle `M` passes a velvet-noise sequence, 30 impulses of decaying size within 25 ms, and the result is added to
//! the side alone: `L = M + S + a V(M)`, `R = M + S - a V(M)`. The sequence is an optimised, exponentially decaying one
//! (S. J. Schlecht, B. Alary, V. Välimäki & E. A. P. Habets, *Optimized velvet-noise decorrelator*, DAFx 2018; B.
//! Alary, A. Politis & V. Välimäki, *Velvet-noise decorrelator*, DAFx 2017): short and decaying, so that
//! transients are smeared little, and cheap, as only 30 products make it. Places and sizes were optimised here for what
//! is heard of it in this arrangement: the mean powers of `1 + V`, of `1 - V` and of `V` in every third of an octave.
//! Each channel keeps its tone within 1.4 dB at the full amount, above 300 Hz.
//!
//! With `V` as strong as `M` and unrelated to it, the channels' correlation is `(1 - a^2)/(1 + a^2)`: none at 100 %.

use crate::blocks::cut::{Cut, Side};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::history::History;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec};

settings! {
    /// Settings of the decorrelator.
    pub struct Settings {
        /// How wide the middle becomes; 0 does nothing, at 100 the channels are unrelated.
        amount_percent: f64 { label: "Amount", unit: Unit::Percent, max: 100.0 },
        /// What is below stays in the middle.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 20.0, max: 2000.0, default: 300.0,
            taper: Taper::Logarithmic,
        },
        /// Length of the sequence: longer spreads lower frequencies too, shorter keeps transients tighter.
        length_ms: f64 {
            label: "Length", unit: Unit::Millisecond, min: 10.0, max: 50.0, default: 25.0,
            taper: Taper::Logarithmic, fixed: true,
        },
    }
}

/// Decorrelator.
pub static KIND: Kind = Kind {
    id: "decorrelator",
    label: "Decorrelator",
    family: Family::Stereo,
    help: "Makes a mono source wide without delay effects and without any change of its sum to mono: for pads, \
           strings, backing voices and effects. On signals that are not stereo it does nothing.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Decorrelator::new(Settings::from_values(values), spec)),
    response: None,
};

/// Length that the sequence was optimised for, in milliseconds.
const LENGTH_MS: f64 = 25.0;

/// The sequence: time in milliseconds, and size. The sizes' squares sum to one.
const IMPULSES: [(f64, f64); 30] = [
    (1.4678, 0.1601),
    (2.0568, 0.1633),
    (2.7543, 0.1971),
    (4.2488, 0.2671),
    (4.4452, -0.4206),
    (4.7042, 0.1984),
    (6.2026, -0.2921),
    (8.6950, 0.1230),
    (9.2845, 0.1685),
    (9.5743, 0.2444),
    (10.1354, -0.3174),
    (11.2483, 0.1545),
    (11.4744, 0.3088),
    (12.8703, 0.1999),
    (13.2992, -0.2169),
    (13.4944, -0.2058),
    (14.1890, 0.0868),
    (14.6519, -0.1241),
    (15.4840, -0.0674),
    (15.4899, -0.0679),
    (15.7947, -0.1166),
    (16.0872, -0.0605),
    (16.7638, -0.0902),
    (18.1448, -0.1076),
    (19.9157, 0.0403),
    (20.6293, -0.0694),
    (21.2780, 0.0609),
    (21.3185, -0.0322),
    (22.1062, -0.0303),
    (23.1690, -0.0481),
];

/// The sequence in frames.
fn design(length_ms: f64, spec: &Spec) -> [(Frames, f64); 30] {
    IMPULSES.map(|(ms, size)| (spec.frames(ms * length_ms / LENGTH_MS / 1000.0), size))
}

struct Decorrelator {
    settings: Settings,
    stereo: bool,
    impulses: [(Frames, f64); 30],
    history: History,
    cut: Cut,
    amount: Ramp,
    grid: Grid,
    sample_rate_hz: f64,
}

impl Decorrelator {
    fn new(settings: Settings, spec: &Spec) -> Decorrelator {
        let impulses = design(settings.length_ms, spec);
        let last = impulses.iter().map(|(frame, _)| *frame).max().unwrap_or(0);
        Decorrelator {
            stereo: spec.channels == 2,
            history: History::new(last + CONTROL_FRAMES),
            cut: Cut::new(Side::Low, settings.low_cut_hz, spec.sample_rate_hz),
            amount: Ramp::new(settings.amount_percent / 100.0),
            grid: Grid::default(),
            sample_rate_hz: spec.sample_rate_hz,
            impulses,
            settings,
        }
    }
}

fn add(sum: &mut [f64], samples: &[f64], size: f64) {
    sum.iter_mut().zip(samples).for_each(|(sum, x)| *sum += size * x);
}

impl Gridded for Decorrelator {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.cut.flush();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (left, right) = block.stereo_mut();
        let frames = left.len();
        let mut middle = [0.0; CONTROL_FRAMES];
        for n in 0..frames {
            middle[n] = 0.5 * (left[n] + right[n]);
        }
        self.cut.process_mono(&mut middle[..frames]);
        self.history.push(&middle[..frames]);
        if !self.amount.moves() && self.amount.target() == 0.0 {
            return;
        }
        let mut spread = [0.0; CONTROL_FRAMES];
        for (delay, size) in self.impulses {
            add(&mut spread[..frames], self.history.behind(delay, frames), size);
        }
        for n in 0..frames {
            let side = spread[n] * self.amount.next_value();
            left[n] += side;
            right[n] -= side;
        }
    }
}

impl Processor for Decorrelator {
    fn tail(&self) -> Tail {
        if !self.stereo || self.settings.amount_percent == 0.0 {
            return Tail::Frames(0);
        }
        let last = self.impulses.iter().map(|(frame, _)| *frame).max().unwrap_or(0);
        // The impulses' sizes sum to 4.6 (13 dB).
        let decay = Cut::decay_s(self.settings.low_cut_hz, 140.0) * self.sample_rate_hz;
        Tail::Frames(last + decay.ceil() as Frames)
    }

    fn reset(&mut self) {
        self.history.reset();
        self.cut.reset();
        self.amount.finish();
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.length_ms = before.length_ms;
        if self.settings.low_cut_hz != before.low_cut_hz {
            self.cut.go_to(self.settings.low_cut_hz);
        }
        if self.settings.amount_percent != before.amount_percent {
            self.amount.go_to(self.settings.amount_percent / 100.0);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if self.stereo && block.channels() == 2 {
            self.on_grid(block, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use num_complex::Complex64;
    use std::f64::consts::TAU;

    const FRAMES: usize = 16_384;

    /// Left and right after a mono impulse at the full amount.
    fn answer(rate: f64, amount_percent: f64) -> Buffer {
        let spec = Spec { sample_rate_hz: rate, channels: 2, max_frames: FRAMES };
        let mut audio = Buffer::new(2, FRAMES);
        audio.channel_mut(0)[100] = 1.0;
        audio.channel_mut(1)[100] = 1.0;
        let settings = Settings { amount_percent, low_cut_hz: 20.0, ..Settings::default() };
        Decorrelator::new(settings, &spec).process(&mut audio.as_block_mut(), None);
        audio
    }

    fn at(ir: &[f64], hz: f64, rate: f64) -> Complex64 {
        let turn = Complex64::from_polar(1.0, -TAU * hz / rate);
        ir.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, &x| sum * turn + x)
    }

    /// Mean over a third of an octave of products of two channels' spectra.
    fn third(one: &[f64], other: &[f64], centre_hz: f64, rate: f64) -> f64 {
        let count = 40;
        let hz = |n: usize| centre_hz * 2f64.powf((n as f64 + 0.5) / count as f64 / 3.0 - 1.0 / 6.0);
        (0..count).map(|n| (at(one, hz(n), rate) * at(other, hz(n), rate).conj()).re).sum::<f64>()
            / count as f64
    }

    /// The sum to mono within 1 dB of the dry per third of an octave is asked for; it is the dry to rounding.
    #[test]
    fn the_sum_to_mono_is_the_dry() {
        let audio = answer(48_000.0, 100.0);
        for n in 0..FRAMES {
            let sum = 0.5 * (audio.channel(0)[n] + audio.channel(1)[n]);
            assert!((sum - f64::from(u8::from(n == 100))).abs() < 1e-15, "{n}: {sum}");
        }
    }

    /// Each channel keeps its tone, and the channels have nothing in common, in every third of an octave.
    #[test]
    fn channels_keep_their_tone_and_are_unrelated() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            let audio = answer(rate, 100.0);
            let (left, right) = (&audio.channel(0)[100..6_000], &audio.channel(1)[100..6_000]);
            let mut worst = 0.0f64;
            for step in 0..18 {
                let hz = 315.0 * 2f64.powf(f64::from(step) / 3.0);
                let (ll, rr) = (third(left, left, hz, rate), third(right, right, hz, rate));
                for power in [ll, rr] {
                    // Twice the dry power: middle and side, equally strong.
                    let off_db = 10.0 * (power / 2.0).log10();
                    assert!(off_db.abs() < 1.4, "{hz:.0} Hz at {rate}: {off_db:.2} dB");
                }
                let correlation = third(left, right, hz, rate) / (ll * rr).sqrt();
                worst = worst.max(correlation.abs());
            }
            // A side within 1.4 dB of the middle: |1 - v|/(1 + v) with v = 1.38 is 0.16.
            assert!(worst < 0.16, "{worst} at {rate} Hz");
        }
    }

    #[test]
    fn the_amount_sets_the_correlation() {
        // White noise through it: (1 - a^2)/(1 + a^2).
        let mut state = 3u64;
        let noise: Vec<f64> = (0..96_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 11) as f64 / 2f64.powi(52) - 1.0
            })
            .collect();
        for amount_percent in [0.0, 30.0, 60.0, 100.0] {
            let mut audio = Buffer::from_channels(&[noise.clone(), noise.clone()]);
            let spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 96_000 };
            let settings = Settings { amount_percent, ..Settings::default() };
            Decorrelator::new(settings, &spec).process(&mut audio.as_block_mut(), None);
            let dot = |a: usize, b: usize| -> f64 {
                audio.channel(a).iter().zip(audio.channel(b)).map(|(x, y)| x * y).sum()
            };
            let seen = dot(0, 1) / (dot(0, 0) * dot(1, 1)).sqrt();
            let power = (amount_percent / 100.0f64).powi(2);
            let expected = (1.0 - power) / (1.0 + power);
            // What is under the low cut (1 % of white noise) stays, and the sequence is unrelated to within 2 %.
            assert!((seen - expected).abs() < 0.04, "{amount_percent} %: {seen}, {expected} expected");
        }
    }
}
