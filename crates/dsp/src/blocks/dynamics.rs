//! The parts of a dynamics processor: key filter, level detector, gain computer, smoothing.
//!
//! After Giannoulis, Massberg & Reiss, *Digital dynamic range compressor design: a tutorial and analysis*,
//! J. Audio Eng. Soc. 60 (2012): everything behind the detector is in decibels of gain reduction (zero or
//! positive), and smoothing comes after the gain computer, so that attack and release do not depend on how
//! far the level is above the threshold.

use super::grid::flush;
use super::lookahead::greater;
use super::math;
use super::quads::{Channel, Fours, Matrix, QUAD, Quads};
use super::ramp::Ramp;
use std::f64::consts::{PI, SQRT_2};

/// Power under which a level is not followed: -120 dBFS, so that the logarithm of silence is a number.
pub const POWER_FLOOR: f64 = 1e-12;

/// Coefficient of a one-pole that covers 1 - 1/e (63 %) of a step in `ms`; 0 for no time at all.
pub fn one_pole(ms: f64, sample_rate_hz: f64) -> f64 {
    if ms > 0.0 { (-1000.0 / (ms * sample_rate_hz)).exp() } else { 0.0 }
}

/// [`one_pole`] for times that are found from the signal: the same bits on every machine.
pub fn one_pole_of_signal(ms: f64, sample_rate_hz: f64) -> f64 {
    math::exp2(-1000.0 * std::f64::consts::LOG2_E / (ms * sample_rate_hz))
}

/// The knee's width as the gain computer wants it: half its reciprocal, or 0 for a hard knee.
pub fn knee_scale(knee_db: f64) -> f64 {
    if knee_db > 0.0 { 0.5 / knee_db } else { 0.0 }
}

/// Gain reduction of a compressor's static curve, in decibels (Giannoulis et al. 2012, equation 4).
///
/// `slope` is `1 - 1/ratio`, `knee_scale` comes from [`knee_scale`]. Below the knee it is exactly zero.
#[inline(always)]
pub fn reduction_db(level_db: f64, threshold_db: f64, slope: f64, knee_db: f64, knee_scale: f64) -> f64 {
    let over = level_db - threshold_db;
    let half = 0.5 * knee_db;
    let inside = greater(over + half, 0.0);
    let inside = if inside < knee_db { inside } else { knee_db };
    slope * (inside * inside * knee_scale + greater(over - half, 0.0))
}

/// State of a second-order state-variable filter, trapezoidal integrators (Zavalishin, *The Art of VA
/// Filter Design*, 2012, section 4): stays stable while its frequency moves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StateVariable {
    first: f64,
    second: f64,
}

/// What a [`StateVariable`] gives for one sample.
#[derive(Debug, Clone, Copy)]
pub struct Outputs {
    /// Above the corner.
    pub high: f64,
    /// Around it; its gain at the corner is 1/damping.
    pub band: f64,
    /// Below the corner.
    pub low: f64,
}

/// Frequency of a [`StateVariable`] as its coefficient; frequencies near and above Nyquist stay below it.
pub fn tangent(freq_hz: f64, sample_rate_hz: f64) -> f64 {
    (PI * (freq_hz / sample_rate_hz).clamp(0.0, 0.49)).tan()
}

/// `1 / (1 + damping g + g^2)`, the factor a [`StateVariable`] needs beside `g`.
pub fn loop_gain(g: f64, damping: f64) -> f64 {
    1.0 / (1.0 + g * (g + damping))
}

impl StateVariable {
    /// Stands at these integrals of the band-pass and of the low-pass.
    pub fn at([first, second]: [f64; 2]) -> StateVariable {
        StateVariable { first, second }
    }

    /// The integrals of the band-pass and of the low-pass.
    pub fn states(&self) -> [f64; 2] {
        [self.first, self.second]
    }

    /// One sample; `g` from [`tangent`], `damping` is 1/Q, `scale` from [`loop_gain`].
    #[inline(always)]
    pub fn next(&mut self, sample: f64, g: f64, damping: f64, scale: f64) -> Outputs {
        let high = (sample - (damping + g) * self.first - self.second) * scale;
        let band = g * high + self.first;
        let low = g * band + self.second;
        self.first = 2.0 * band - self.first;
        self.second = 2.0 * low - self.second;
        Outputs { high, band, low }
    }

    /// What the band-pass was, near enough: the integral it leads to.
    #[inline(always)]
    pub fn band(&self) -> f64 {
        self.first
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        self.first = settle(self.first);
        self.second = settle(self.second);
    }
}

/// Zero for what is too small to matter or no number at all, else the value.
pub fn settle(value: f64) -> f64 {
    if value.is_finite() { flush(value) } else { 0.0 }
}

/// Which side of its corner a [`KeyFilter`] lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// What is above; at 0 Hz everything.
    High,
    /// What is below; at [`LOW_PASS_OFF_HZ`] everything.
    Low,
}

/// A key low-pass with its corner here is switched off.
pub const LOW_PASS_OFF_HZ: f64 = 24_000.0;

/// A second-order Butterworth filter for what a detector listens to.
///
/// While its corner stands it takes four frames at a time (see [`super::quads`]).
#[derive(Debug, Clone)]
pub struct KeyFilter {
    pass: Pass,
    g: Ramp,
    /// Where the corner goes, or stands, is where the filter is off.
    neutral: bool,
    /// Passes the signal as it is. Changes at points of the control grid only.
    off: bool,
    sample_rate_hz: f64,
    /// The step at the corner where it goes, or stands: for a frame, and for four.
    matrix: Matrix,
    fours: Fours,
    channels: Vec<Channel>,
}

impl KeyFilter {
    /// For `channels` channels, with its corner at `freq_hz`.
    pub fn new(pass: Pass, freq_hz: f64, sample_rate_hz: f64, channels: usize) -> KeyFilter {
        let g = tangent(freq_hz, sample_rate_hz);
        let matrix = butterworth(pass, g);
        let mut filter = KeyFilter {
            pass,
            g: Ramp::new(g),
            neutral: false,
            off: false,
            sample_rate_hz,
            matrix,
            fours: Fours::new(&matrix),
            channels: vec![Channel::default(); channels],
        };
        filter.set(freq_hz);
        filter.reset();
        filter
    }

    /// Moves the corner.
    pub fn set(&mut self, freq_hz: f64) {
        self.settle();
        self.g.go_to(tangent(freq_hz, self.sample_rate_hz));
        self.matrix = butterworth(self.pass, self.g.target());
        self.fours = Fours::new(&self.matrix);
        self.neutral = match self.pass {
            Pass::High => freq_hz <= 0.0,
            Pass::Low => freq_hz >= LOW_PASS_OFF_HZ,
        };
        self.off = false;
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.g.finish();
        self.off = self.neutral;
        self.channels.fill(Channel::default());
    }

    /// Work for a point of the control grid.
    pub fn flush(&mut self) {
        self.off = self.neutral && !self.g.moves();
        if self.off {
            self.channels.fill(Channel::default());
        }
        self.channels.iter_mut().for_each(|channel| channel.flush(&self.matrix));
    }

    /// Ends a four that has begun.
    fn settle(&mut self) {
        for channel in &mut self.channels {
            channel.settle(&self.matrix);
        }
    }

    /// Filters one channel's part of a piece in place. After the last channel of the piece: `advance`.
    pub fn process(&mut self, channel: usize, samples: &mut [f64]) {
        if !self.off {
            let standing = self.moving(channel, samples);
            self.channels[channel].process(&self.fours, standing);
        }
    }

    /// Filters two neighbouring channels in place, for less than the price of two; they are equally long.
    pub fn process_two(&mut self, channel: usize, left: &mut [f64], right: &mut [f64]) {
        if !self.off {
            let (left, right) = (self.moving(channel, left), self.moving(channel + 1, right));
            if let [l, r] = &mut self.channels[channel..channel + 2] {
                Channel::process_two([l, r], &self.fours, left, right);
            }
        }
    }

    /// Filters the samples until the corner comes to rest, and gives those after it.
    fn moving<'a>(&mut self, channel: usize, samples: &'a mut [f64]) -> &'a mut [f64] {
        let (moving, standing) = samples.split_at_mut(self.g.left().min(samples.len()));
        if !moving.is_empty() {
            let (mut g, mut state) = (self.g, self.channels[channel].settle(&self.matrix));
            for sample in moving {
                let g = g.next_value();
                let outputs = state.next(*sample, g, SQRT_2, loop_gain(g, SQRT_2));
                *sample = if self.pass == Pass::High { outputs.high } else { outputs.low };
            }
            self.channels[channel].resume(state);
        }
        standing
    }

    /// Moves on by the piece's frames.
    pub fn advance(&mut self, frames: usize) {
        for _ in 0..frames {
            if !self.g.moves() {
                break;
            }
            self.g.next_value();
        }
    }
}

/// One step of a [`KeyFilter`] that does not move: the same recursion as [`StateVariable::next`], solved for the states.
fn butterworth(pass: Pass, g: f64) -> Matrix {
    let scale = loop_gain(g, SQRT_2);
    let (band, low) = (g * scale, g * g * scale);
    Matrix {
        first: [2.0 * scale - 1.0, -2.0 * band, 2.0 * band],
        second: [2.0 * band, 1.0 - 2.0 * low, 2.0 * low],
        output: match pass {
            Pass::High => [-(SQRT_2 + g) * scale, -scale, scale],
            Pass::Low => [band, 1.0 - low, low],
        },
    }
}

/// Turns decibels of reduction into gains, in place, and gives the deepest reduction among them (at least
/// `deepest_db`). No reduction is a gain of exactly one.
pub fn gains(reductions_db: &mut [f64], deepest_db: f64) -> f64 {
    let deepest = greatest(reductions_db, 0.0);
    if deepest == 0.0 {
        reductions_db.fill(1.0);
    } else {
        all_gains(reductions_db);
    }
    greater(deepest, deepest_db)
}

audio::wide! {
    fn all_gains(reductions_db: &mut [f64]) {
        reductions_db.iter_mut().for_each(|value| *value = math::db_to_gain(-*value));
    }
}

audio::wide! {
    /// The greatest of `values`, and at least `least`; eight at a time.
    fn greatest(values: &[f64], least: f64) -> f64 {
        let mut most = [least; 8];
        let (eights, rest) = values.as_chunks::<8>();
        for eight in eights {
            for lane in 0..8 {
                most[lane] = greater(eight[lane], most[lane]);
            }
        }
        rest.iter().chain(&most).fold(least, |most, value| greater(*value, most))
    }
}

/// Turns power into decibels of gain reduction, in place, by a curve that stands still.
pub fn reductions_db(powers: &mut [f64], threshold_db: f64, slope: f64, knee_db: f64) {
    // The logarithm may err by less than this; below the knee the curve is exactly zero.
    const ERROR_DB: f64 = 1e-6;
    let loudest = greatest(powers, POWER_FLOOR);
    if math::power_to_db(loudest) + ERROR_DB < threshold_db - 0.5 * knee_db {
        powers.fill(0.0);
    } else {
        all_reductions_db(powers, threshold_db, slope, knee_db);
    }
}

audio::wide! {
    fn all_reductions_db(powers: &mut [f64], threshold_db: f64, slope: f64, knee_db: f64) {
        let scale = knee_scale(knee_db);
        for power in powers {
            *power = reduction_db(math::power_to_db(*power), threshold_db, slope, knee_db, scale);
        }
    }
}

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

/// Running mean of the power, exponential window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeanPower {
    power: f64,
}

impl MeanPower {
    /// The mean after one more sample of this power.
    #[inline(always)]
    pub fn next(&mut self, power: f64, coefficient: f64) -> f64 {
        self.power = power + coefficient * (self.power - power);
        self.power
    }

    /// Clears what is too small to matter.
    pub fn flush(&mut self) {
        self.power = settle(self.power);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_papers() {
        for ratio in [1.0, 1.5, 4.0, 20.0, 100.0] {
            for knee in [0.0, 1.0, 6.0, 24.0] {
                for tenth in -600..100 {
                    let (level, threshold) = (f64::from(tenth) / 10.0, -23.0);
                    // Equation 4, as printed: output level.
                    let over = level - threshold;
                    let output = if 2.0 * over < -knee {
                        level
                    } else if 2.0 * f64::abs(over) <= knee && knee > 0.0 {
                        level + (1.0 / ratio - 1.0) * (over + knee / 2.0).powi(2) / (2.0 * knee)
                    } else {
                        threshold + over / ratio
                    };
                    let actual = reduction_db(level, threshold, 1.0 - 1.0 / ratio, knee, knee_scale(knee));
                    assert!((level - actual - output).abs() < 1e-10, "{ratio} {knee} {level} {actual}");
                }
            }
        }
    }

    #[test]
    fn the_key_filter_is_a_butterworth() {
        for (pass, sign) in [(Pass::High, -4), (Pass::Low, 4)] {
            let mut filter = KeyFilter::new(pass, 150.0, 48_000.0, 1);
            let mut impulse = vec![0.0; 16_384];
            impulse[0] = 1.0;
            filter.process(0, &mut impulse);
            for hz in [37.5, 75.0, 150.0, 300.0, 1200.0, 12_000.0f64] {
                let (re, im) = impulse.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, h)| {
                    let angle = 2.0 * PI * hz * n as f64 / 48_000.0;
                    (re + h * angle.cos(), im - h * angle.sin())
                });
                let warped = tangent(hz, 48_000.0) / tangent(150.0, 48_000.0);
                // |H|^2 of the second-order Butterworth on the bilinear transform's frequency scale.
                let expected = 1.0 / (1.0 + warped.powi(sign));
                assert!(
                    (re * re + im * im - expected).abs() < 1e-9,
                    "{hz} Hz: {} {expected}",
                    re * re + im * im
                );
            }
        }
    }

    #[test]
    fn a_filter_that_is_off_changes_no_bit() {
        for (pass, hz) in [(Pass::High, 0.0), (Pass::Low, LOW_PASS_OFF_HZ)] {
            let mut filter = KeyFilter::new(pass, hz, 48_000.0, 1);
            let mut samples = [0.3, -0.0, 1e-300, -1.0];
            filter.process(0, &mut samples);
            assert_eq!(samples.map(f64::to_bits), [0.3, -0.0, 1e-300, -1.0].map(f64::to_bits));
        }
    }
}
