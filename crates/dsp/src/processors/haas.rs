//! Haas widener: what stands in the middle reaches one side later.
//!
//! Two sounds within 1 to 35 ms are heard as one that comes from where the first one was (H. Haas, *Über den Einfluss
//! eines Einfachechos auf die Hörsamkeit von Sprache*, Acustica 1, 1951). A plain delay of one channel combs the sum
//! to mono, with full notches at odd multiples of `1/(2 t)`.
//!
//! Here the middle `M` is delayed on one side, in the part above the low cut, `F`: with the amount `a` that side
//! gets `M + a F (D - 1) M`. Seen as middle and side this adds `a F (D - 1) M / 2` to the middle and its negative to
//! the side. The guard weakens the first of the two by `d = 1 - 10^(-guard/20)` and leaves the second: then
//! `M' = M (1 + a d F (D - 1)/2)`, and because `|F| <= 1` and `|D - 1| <= 2` the sum to mono loses at no frequency more
//! than the guard, whatever is played. A guard of 0 dB leaves the sum to mono as it was; the largest is the plain
//! delay nearly. The side signal itself is never delayed.

use crate::blocks::cut::{Cut, Side};
use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::lookahead::Delay;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};

choices! {
    /// Which side comes later.
    pub enum Later {
        /// The right: the sound leans to the left.
        Right = "right",
        /// The left: the sound leans to the right.
        Left = "left",
    }
}

settings! {
    /// Settings of the Haas widener.
    pub struct Settings {
        /// How much of the middle is delayed; 0 does nothing.
        amount_percent: f64 { label: "Amount", unit: Unit::Percent, max: 100.0 },
        /// By how much one side comes later, to the nearest frame.
        delay_ms: f64 {
            label: "Delay", unit: Unit::Millisecond, min: 1.0, max: 35.0, default: 12.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Which side comes later.
        later: Later { label: "Later side", fixed: true },
        /// The most that the sum to mono may lose at any frequency; 0 leaves it as it was.
        guard_db: f64 { label: "Mono guard", unit: Unit::Decibel, max: 24.0, default: 0.5 },
        /// What is below stays in the middle.
        low_cut_hz: f64 {
            label: "Low cut", unit: Unit::Hertz, min: 20.0, max: 1000.0, default: 150.0,
            taper: Taper::Logarithmic,
        },
    }
}

/// Haas widener.
pub static KIND: Kind = Kind {
    id: "haas",
    label: "Haas widener",
    family: Family::Stereo,
    help: "Lets one side hear a little later, which makes a mono source wide and lets it lean to the other side. The \
           guard bounds what the sum to mono may lose. On signals that are not stereo it does nothing.",
    // 2: recursions run four frames at a time, which rounds otherwise.
    revision: 2,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: false,
    build: |values, spec| Box::new(Haas::new(Settings::from_values(values), spec)),
    response: None,
};

/// Shares of the delayed difference that go to the side and to the middle.
fn design(settings: &Settings) -> [f64; 2] {
    let amount = settings.amount_percent / 100.0;
    let depth = 1.0 - 10f64.powf(-settings.guard_db / 20.0);
    let sign = match settings.later {
        Later::Right => -1.0,
        Later::Left => 1.0,
    };
    [0.5 * sign * amount, 0.5 * amount * depth]
}

struct Haas {
    settings: Settings,
    stereo: bool,
    /// Of the middle.
    delay: Delay,
    delay_frames: Frames,
    cut: Cut,
    shares: [Ramp; 2],
    grid: Grid,
    sample_rate_hz: f64,
}

impl Haas {
    fn new(settings: Settings, spec: &Spec) -> Haas {
        let delay_frames = spec.frames(settings.delay_ms / 1000.0);
        Haas {
            stereo: spec.channels == 2,
            delay: Delay::new(delay_frames),
            delay_frames,
            cut: Cut::new(Side::Low, settings.low_cut_hz, spec.sample_rate_hz),
            shares: design(&settings).map(Ramp::new),
            grid: Grid::default(),
            sample_rate_hz: spec.sample_rate_hz,
            settings,
        }
    }
}

impl Gridded for Haas {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.cut.flush();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let (left, right) = block.stereo_mut();
        let frames = left.len();
        let mut late = [0.0; CONTROL_FRAMES];
        for n in 0..frames {
            late[n] = 0.5 * (left[n] + right[n]);
        }
        let early = late;
        self.delay.pass(&mut late[..frames]);
        let [side, mid] = &mut self.shares;
        let silent = [&*side, &*mid].iter().all(|share| !share.moves() && share.target() == 0.0);
        let mut change = late;
        change.iter_mut().zip(&early).for_each(|(change, early)| *change -= early);
        self.cut.process_mono(&mut change[..frames]);
        for n in 0..frames {
            if !silent {
                let (side, mid) = (side.next_value() * change[n], mid.next_value() * change[n]);
                left[n] += mid + side;
                right[n] += mid - side;
            }
        }
    }
}

impl Processor for Haas {
    fn tail(&self) -> Tail {
        if !self.stereo || self.settings.amount_percent == 0.0 {
            return Tail::Frames(0);
        }
        let decay = Cut::decay_s(self.settings.low_cut_hz, 130.0) * self.sample_rate_hz;
        Tail::Frames(self.delay_frames + decay.ceil() as Frames)
    }

    fn reset(&mut self) {
        self.delay.reset();
        self.cut.reset();
        self.shares.iter_mut().for_each(Ramp::finish);
        self.grid.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        let (delay_ms, later) = (self.settings.delay_ms, self.settings.later);
        let low_cut_hz = self.settings.low_cut_hz;
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        (self.settings.delay_ms, self.settings.later) = (delay_ms, later);
        if self.settings.low_cut_hz != low_cut_hz {
            self.cut.go_to(self.settings.low_cut_hz);
        }
        for (share, target) in self.shares.iter_mut().zip(design(&self.settings)) {
            if share.target() != target {
                share.go_to(target);
            }
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

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 48_000 };

    /// Middle and side after an impulse of this level left and right.
    fn answer(settings: Settings, impulse: [f64; 2]) -> [Vec<f64>; 2] {
        let mut audio = Buffer::new(2, 8_192);
        audio.channel_mut(0)[0] = impulse[0];
        audio.channel_mut(1)[0] = impulse[1];
        Haas::new(settings, &SPEC).process(&mut audio.as_block_mut(), None);
        let part = |sign: f64| {
            audio.channel(0).iter().zip(audio.channel(1)).map(|(l, r)| 0.5 * (l + sign * r)).collect()
        };
        [part(1.0), part(-1.0)]
    }

    fn gain_db(ir: &[f64], hz: f64) -> f64 {
        let turn = Complex64::from_polar(1.0, -TAU * hz / 48_000.0);
        let sum = ir.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, &x| sum * turn + x);
        20.0 * sum.norm().max(1e-12).log10()
    }

    /// The claim: no frequency of the sum to mono loses more than the guard, and at the full amount the bound is
    /// reached, so that it is not the effect that is missing.
    #[test]
    fn the_sum_to_mono_loses_no_more_than_the_guard() {
        for guard_db in [0.0, 3.0, 20.0] {
            for delay_ms in [1.0, 7.3, 35.0] {
                for low_cut_hz in [20.0, 1_000.0] {
                    let settings = Settings {
                        amount_percent: 100.0,
                        delay_ms,
                        guard_db,
                        low_cut_hz,
                        later: Later::Left,
                    };
                    let [mid, _] = answer(settings, [1.0, 1.0]);
                    let gains: Vec<f64> =
                        (1..450).map(|n| gain_db(&mid, 53.0 * f64::from(n) - 1.0)).collect();
                    let least = gains.iter().copied().fold(f64::MAX, f64::min);
                    // Rounding, and what is left of the impulse response after its end.
                    assert!(least > -guard_db - 1e-3, "guard {guard_db}, {delay_ms} ms: {least} dB");
                    // The grid beats against the notches of 35 ms (28.6 Hz apart) and meets some nearly.
                    let met = least < 0.7 - guard_db || guard_db > 10.0;
                    assert!(met, "guard {guard_db}, {delay_ms} ms, {low_cut_hz} Hz: {least} dB");
                }
            }
        }
    }

    #[test]
    fn a_guard_of_nothing_leaves_the_sum_as_it_was() {
        let settings = Settings { amount_percent: 80.0, guard_db: 0.0, ..Settings::default() };
        let [mid, side] = answer(settings, [0.9, 0.3]);
        assert!((mid[0] - 0.6).abs() < 1e-15 && mid[1..].iter().all(|x| x.abs() < 1e-16));
        // The side is what it was, less the early and plus the late middle above the cut.
        assert!((side[0] - 0.3 - 0.4 * 0.6).abs() < 0.01, "{}", side[0]);
        assert!((side[576] + 0.4 * 0.6).abs() < 0.01, "{}", side[576]);
    }

    #[test]
    fn without_a_guard_it_is_one_channel_later() {
        // 24 dB of guard is a depth of 0.937: the early sound on the later side is -24 dB - 6 dB of what it was.
        let settings =
            Settings { amount_percent: 100.0, guard_db: 24.0, low_cut_hz: 20.0, ..Settings::default() };
        let [mid, side] = answer(settings, [1.0, 1.0]);
        let right: Vec<f64> = mid.iter().zip(&side).map(|(m, s)| m - s).collect();
        let left: Vec<f64> = mid.iter().zip(&side).map(|(m, s)| m + s).collect();
        assert!(right[0].abs() < 0.04 && (right[576] - 1.0).abs() < 0.04, "{} {}", right[0], right[576]);
        assert!((left[0] - 1.0).abs() < 0.04 && left[576].abs() < 0.04, "{} {}", left[0], left[576]);
    }
}
