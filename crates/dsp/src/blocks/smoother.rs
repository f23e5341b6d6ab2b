//! Attack and release: what smooths the gain reduction of a dynamics processor.
//!
//! After Giannoulis, Massberg & Reiss, *Digital dynamic range compressor design: a tutorial and analysis*,
//! J. Audio Eng. Soc. 60 (2012), section 2.3.

use super::dynamics::{one_pole, settle};
use super::lookahead::greater;
use super::quads::{QUAD, Quads};

/// Coefficients of attack and release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// One-pole coefficient while the value rises.
    pub attack: f64,
    /// One-pole coefficient while the value falls.
    pub release: f64,
}

impl Times {
    /// From times to 63 %.
    pub fn new(attack_ms: f64, release_ms: f64, sample_rate_hz: f64) -> Times {
        Times { attack: one_pole(attack_ms, sample_rate_hz), release: one_pole(release_ms, sample_rate_hz) }
    }
}

/// A one-pole's coefficient and what is left of one: `a y + (1 - a) x`, whose frame waits for the one before it
/// by a multiplication and an addition, where `x + a (y - x)` waits for three operations.
#[derive(Clone, Copy)]
struct Pole {
    keep: f64,
    take: f64,
}

impl Pole {
    fn new(coefficient: f64) -> Pole {
        Pole { keep: coefficient, take: 1.0 - coefficient }
    }

    #[inline(always)]
    fn toward(self, y: f64, x: f64) -> f64 {
        self.keep * y + self.take * x
    }
}

/// One smoothed quantity: attack while it rises, release while it falls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Smoother {
    /// Released peak, before the attack (decoupled law only).
    held: f64,
    value: f64,
    /// What has come of four frames (decoupled law only).
    quads: Quads,
}

impl Smoother {
    /// Where it stands.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Clears what is too small to matter.
    pub fn flush(&mut self) {
        self.held = settle(self.held);
        self.value = settle(self.value);
    }

    /// Whether nothing is left of what it has heard.
    pub fn is_zero(&self) -> bool {
        self.value == 0.0 && self.held == 0.0
    }

    /// Stands at zero when it is below `least`.
    pub fn clear_below(&mut self, least: f64) {
        if settle(self.value) < least {
            *self = Smoother::default();
        }
    }

    /// Release alone: rises at once, falls with the release towards the value.
    pub fn released(&mut self, values: &mut [f64], times: Times) {
        let mut y = self.value;
        let release = Pole::new(times.release);
        for value in values {
            y = greater(*value, release.toward(y, *value));
            *value = y;
        }
        self.value = y;
    }

    /// [`Smoother::released`] of several at once, each over values of its own (all of one length): what one waits for, the
    /// others use.
    pub fn released_together<const N: usize>(
        smoothers: [&mut Smoother; N],
        values: [&mut [f64]; N],
        times: [Times; N],
    ) {
        let mut state = smoothers.each_ref().map(|smoother| smoother.value);
        release_together(values, &mut state, &times.map(|times| Pole::new(times.release)));
        for (smoother, value) in smoothers.into_iter().zip(state) {
            smoother.value = value;
        }
    }

    /// Branching law (equation 16): the exact times, one or the other.
    pub fn branching(&mut self, values: &mut [f64], times: Times) {
        let mut y = self.value;
        for value in values {
            let a = if *value > y { times.attack } else { times.release };
            y = *value + a * (y - *value);
            *value = y;
        }
        self.value = y;
        self.held = y;
    }

    /// Decoupled law (equation 17): release into a held peak, then the attack over it. The smoothest gain;
    /// its release is longer by the attack. Four frames at a time (see [`super::quads`]); in between it stands where the last
    /// four left it.
    pub fn decoupled(&mut self, values: &mut [f64], times: Times) {
        let (attack, release) = (Powers::new(times.attack), Powers::new(times.release));
        let mut state = [self.held, self.value];
        self.quads.run(&mut state, values, |state, fours| decoupled_fours(fours, state, &release, &attack));
        [self.held, self.value] = state;
    }
}

#[inline(always)]
fn release_together<const N: usize>(values: [&mut [f64]; N], state: &mut [f64; N], poles: &[Pole; N]) {
    let frames = values.iter().map(|values| values.len()).min().unwrap_or(0);
    let mut now = *state;
    for frame in 0..frames {
        for n in 0..N {
            let value = values[n][frame];
            now[n] = greater(value, poles[n].toward(now[n], value));
            values[n][frame] = now[n];
        }
    }
    *state = now;
}

/// A one-pole over one, two and four frames.
struct Powers {
    pole: Pole,
    square: f64,
    /// What is kept after one to four frames.
    kept: [f64; QUAD],
}

impl Powers {
    fn new(coefficient: f64) -> Powers {
        let square = coefficient * coefficient;
        let kept = [coefficient, square, square * coefficient, square * square];
        Powers { pole: Pole::new(coefficient), square, kept }
    }
}

/// Fours that are solved side by side.
const TOGETHER: usize = 8;

audio::wide! {
    by four:
    /// [`Smoother::decoupled`] of whole fours; `state` is the held peak and the value.
    fn decoupled_fours(fours: &mut [[f64; QUAD]], state: &mut [f64; 2], release: &Powers, attack: &Powers) {
        let (many, rest) = fours.as_chunks_mut::<TOGETHER>();
        // Plain loops here and below: a closure that is not inlined is not compiled for wide vectors.
        for fours in many {
            decoupled_together(fours, state, release, attack);
        }
        for four in rest {
            decoupled_together(std::array::from_mut(four), state, release, attack);
        }
    }
}

/// Some fours, to the same bits however many they are.
///
/// A frame of the release is `h -> max(v, r h + c)`, and so are two of them, since r is not negative: with (V, C) of
/// the later and (v, c) of the earlier, `max(max(V, r v + C), r^2 h + (r c + C))`. In two steps every frame knows its
/// peak from its four's first `h`. All but the last of a four is worked out beside the other fours; what is left to wait for is
/// one step a four.
#[inline(always)]
fn decoupled_together<const G: usize>(
    fours: &mut [[f64; QUAD]; G],
    [held, y]: &mut [f64; 2],
    release: &Powers,
    attack: &Powers,
) {
    // By place in the four, so that a vector holds several fours.
    let (mut peak, mut rest) = ([[0.0; G]; QUAD], [[0.0; G]; QUAD]);
    for n in 0..QUAD {
        for g in 0..G {
            peak[n][g] = fours[g][n];
            rest[n][g] = release.pole.take * peak[n][g];
        }
    }
    // Joins each frame's release with that of the frame one and two before it.
    for (by, keep) in [(1, release.pole.keep), (2, release.square)] {
        for n in (by..QUAD).rev() {
            for g in 0..G {
                peak[n][g] = greater(peak[n][g], keep * peak[n - by][g] + rest[n][g]);
                rest[n][g] += keep * rest[n - by][g];
            }
        }
    }
    let mut before = [0.0; G];
    for g in 0..G {
        before[g] = *held;
        *held = greater(peak[QUAD - 1][g], release.kept[QUAD - 1] * *held + rest[QUAD - 1][g]);
    }
    let mut sum = [[0.0; G]; QUAD];
    for n in 0..QUAD {
        for g in 0..G {
            peak[n][g] = greater(peak[n][g], release.kept[n] * before[g] + rest[n][g]);
            sum[n][g] = attack.pole.take * peak[n][g];
        }
    }
    for (by, keep) in [(1, attack.pole.keep), (2, attack.square)] {
        for n in (by..QUAD).rev() {
            for g in 0..G {
                sum[n][g] += keep * sum[n - by][g];
            }
        }
    }
    for g in 0..G {
        before[g] = *y;
        *y = attack.kept[QUAD - 1] * *y + sum[QUAD - 1][g];
    }
    for n in 0..QUAD {
        for g in 0..G {
            fours[g][n] = attack.kept[n] * before[g] + sum[n][g];
        }
    }
}
