//! The magnetisation of a tape under a bias.
//!
//! The model of D. C. Jiles and D. L. Atherton (*Theory of ferromagnetic hysteresis*, J. Magn. Magn. Mater.
//! 1986) as J. Chowdhury uses it (*Real-time physical modelling for analog tape machines*, DAFx 2019): with the field H, He = H + alpha M and the anhysteretic magnetisation Man = Ms L(He/a), L(q) = coth q - 1/q,
//!
//! ```text
//! M = (1 - c) Mirr + c Man,    dMirr/dH = (Man - Mirr) / (delta k - alpha (Man - Mirr)),
//! ```
//!
//! delta the direction of H, and nothing irreversible happens against that direction. This is the paper's
//! dM/dH with its reversible part written out. The model knows no time, only turns of the field: it is solved
//! along H, not along t, and needs no derivative of the signal.
//!
//! A recorder's bias, a tone far above the band that carries the field round the loop again and again, makes the
//! loop a nearly straight line, and how straight is what its level decides. Here it is really there: for each raised
//! sample the field goes once up by the bias and once down, and the sample that comes out is the mean of the
//! magnetisation on that way. Because every sample holds one whole turn, the tones that bias and signal make together
//! fall onto the signal's own harmonics. The signal goes on in a straight line meanwhile: up and down are then treated
//! alike, and no even harmonic is made.
//!
//! Solved with four steps per way. In each, M is replaced by the value at the same place of the previous turn
//! where it acts on itself (alpha M is a fiftieth of the field; the difference fades as the field stands), which
//! leaves a linear equation: the exact solution for a field and an anhysteretic curve that move in straight lines, with
//! exp(-z) taken as 1/(1 + z + z²/2), which is stable for steps of any size.

/// Mean field parameter, times Ms/a: the paper's 1.6e-3, 350 kA/m and 22 kA/m.
const ALPHA: f64 = 1.6e-3 * 350.0 / 22.0;
/// Coercivity over a: the paper's 27 kA/m.
const PINNING: f64 = 27.0 / 22.0;
/// Share of the reversible magnetisation, as the paper.
const REVERSIBLE: f64 = 0.17;
/// Places at which a turn of the bias is looked at, half of them on the way up.
const PLACES: usize = 8;
const WAY: usize = PLACES / 2;
/// Where, on the signal's way from one sample to the next, the field turns: half a way apart, and so that the
/// mean stands at the first of the two samples.
const TURNS: [f64; 2] = [0.1, 0.6];

/// Samples by which the magnetisation is late.
pub(super) const DELAY: usize = 1;

/// What is smaller is taken for zero: rounding of a loop that is as high as one.
const NOTHING: f64 = 1e-13;

/// Fields up to this one take the fraction, larger ones 1 - 1/q, from which L differs there by 4e-9.
const FAR: f64 = 10.0;

/// Langevin's function L(q) = coth q - 1/q; its error is below 5e-9 (-166 dB).
///
/// Lambert's continued fraction, q/(3 + q²/(5 + q²/(7 + ...))), to the fourteenth level, multiplied out.
#[inline(always)]
pub(super) fn langevin(q: f64) -> f64 {
    const ABOVE: [f64; 7] = [
        1.0,
        0.08275862068965517,
        0.0020069330414158,
        1.9461168886456244e-05,
        8.076769695960101e-08,
        1.314899421401726e-10,
        5.767102725446166e-14,
    ];
    const BELOW: [f64; 8] = [
        3.0,
        0.4482758620689655,
        0.01685823754789272,
        0.000240831964969896,
        1.4807411109260185e-06,
        3.846080807600048e-09,
        3.4602616352676994e-12,
        4.846304811299299e-16,
    ];
    let size = q.abs();
    let near = if size < FAR { size } else { FAR };
    let u = near * near;
    let mut above = ABOVE[6];
    for i in (0..6).rev() {
        above = above * u + ABOVE[i];
    }
    let mut below = BELOW[7];
    for i in (0..7).rev() {
        below = below * u + BELOW[i];
    }
    let (above, below) = if size < FAR { (near * above, below) } else { (size - 1.0, size) };
    (above / below).copysign(q)
}

/// The magnetisation of `LANES` channels; `ALL` is `LANES` for each of the [`PLACES`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Tape<const LANES: usize, const ALL: usize> {
    /// Height of the bias, in units of a.
    bias: f64,
    /// The sample that comes now: the last one is needed to know the way.
    coming: [f64; LANES],
    /// Field at the end of the last turn, without the bias, and the anhysteretic and irreversible magnetisation there.
    field: [f64; LANES],
    anhysteretic: [f64; LANES],
    irreversible: [f64; LANES],
    /// Of the last turn, place by place: the magnetisation, and by how much Man was ahead of Mirr.
    before: [f64; ALL],
    ahead: [f64; ALL],
    /// What comes out for a field that has always been zero.
    rest: [f64; LANES],
}

/// One channel, and two.
pub(super) type Mono = Tape<1, PLACES>;
/// See [`Mono`].
pub(super) type Stereo = Tape<2, { 2 * PLACES }>;

impl<const LANES: usize, const ALL: usize> Tape<LANES, ALL> {
    /// A tape that has been under this bias, in units of a, for long.
    pub(super) fn new(bias: f64) -> Tape<LANES, ALL> {
        let mut tape = Tape {
            bias,
            coming: [0.0; LANES],
            field: [0.0; LANES],
            anhysteretic: [0.0; LANES],
            irreversible: [0.0; LANES],
            before: [0.0; ALL],
            ahead: [0.0; ALL],
            rest: [0.0; LANES],
        };
        // Every turn brings it nearer to its loop by at least a third while there is a bias worth the name;
        // without one it is there already.
        let mut silence = [[0.0; LANES]; 100];
        magnetise(&mut tape, &mut silence);
        tape.rest = silence[99];
        tape
    }
}

audio::wide! {
    /// Replaces fields (in units of a, one per lane) by magnetisations (of Ms), late by [`DELAY`].
    pub(super) fn magnetise<const LANES: usize, const ALL: usize>(
        tape: &mut Tape<LANES, ALL>, signal: &mut [[f64; LANES]],
    ) {
        let mut t = *tape;
        for sample in signal.iter_mut() {
            // The field's three turns, and the two ways between them.
            let mut turns = [[0.0; LANES]; 3];
            for lane in 0..LANES {
                let rise = sample[lane] - t.coming[lane];
                turns[0][lane] = t.field[lane] - t.bias;
                turns[1][lane] = t.coming[lane] + TURNS[0] * rise + t.bias;
                t.field[lane] = t.coming[lane] + TURNS[1] * rise;
                turns[2][lane] = t.field[lane] - t.bias;
            }
            t.coming = *sample;
            let (man, last, keep, add) = shares(&t, &turns);
            let mut sums = [0.0; LANES];
            let mut now = t.irreversible;
            for i in 0..ALL {
                let (lane, way) = (i % LANES, i / LANES / WAY);
                let free = keep[i] * now[lane] + add[i];
                let forward = turns[way + 1][lane] > turns[way][lane];
                let (low, high) = if free < now[lane] { (free, now[lane]) } else { (now[lane], free) };
                let next = if forward { high } else { low };
                sums[lane] += (1.0 - REVERSIBLE) * (now[lane] + next) + REVERSIBLE * (last[i] + man[i]);
                now[lane] = next;
                t.before[i] = (1.0 - REVERSIBLE) * next + REVERSIBLE * man[i];
                let lead = if forward { man[i] - next } else { next - man[i] };
                t.ahead[i] = if lead > 0.0 { lead } else { 0.0 };
            }
            t.irreversible = now;
            for lane in 0..LANES {
                t.anhysteretic[lane] = man[ALL - LANES + lane];
                let mean = sums[lane] * (0.5 / PLACES as f64) - t.rest[lane];
                sample[lane] = if mean.abs() < NOTHING { 0.0 } else { mean };
            }
        }
        *tape = t;
    }
}

/// What does not depend on the irreversible magnetisation, for all places at once: the anhysteretic one there and at
/// the place before, and the linear equation `Mirr = keep Mirr + add`.
#[inline(always)]
fn shares<const LANES: usize, const ALL: usize>(
    t: &Tape<LANES, ALL>,
    turns: &[[f64; LANES]; 3],
) -> ([f64; ALL], [f64; ALL], [f64; ALL], [f64; ALL]) {
    let mut man = [0.0; ALL];
    let mut step = [0.0; ALL];
    for i in 0..ALL {
        let (lane, place) = (i % LANES, i / LANES);
        let way = place / WAY;
        let length = turns[way + 1][lane] - turns[way][lane];
        man[i] = turns[way][lane] + (place % WAY + 1) as f64 * (1.0 / WAY as f64) * length;
        step[i] = length.abs() * (1.0 / WAY as f64);
    }
    for i in 0..ALL {
        man[i] = langevin(man[i] + ALPHA * t.before[i]);
    }
    let mut last = [0.0; ALL];
    last[..LANES].copy_from_slice(&t.anhysteretic);
    last[LANES..].copy_from_slice(&man[..ALL - LANES]);
    let (mut keep, mut add) = ([0.0; ALL], [0.0; ALL]);
    for i in 0..ALL {
        let hold = PINNING - ALPHA * t.ahead[i];
        let (square, half) = (hold * hold, 0.5 * step[i] * hold);
        let rest = half + 0.5 * step[i] * step[i];
        let over = 1.0 / (square + half + rest);
        keep[i] = square * over;
        add[i] = over * (man[i] * rest + last[i] * half);
    }
    (man, last, keep, add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The paper's equation for dM/dH (units of a and Ms), with the library's hyperbolic functions.
    fn slope(m: f64, h: f64, direction: f64) -> f64 {
        let q = h + ALPHA * m;
        let (man, rise) = if q.abs() < 1e-3 {
            (q / 3.0, 1.0 / 3.0)
        } else {
            (1.0 / q.tanh() - 1.0 / q, 1.0 / (q * q) - 1.0 / q.sinh().powi(2))
        };
        let (lead, c) = (man - m, REVERSIBLE);
        let moves = if lead * direction > 0.0 { 1.0 } else { 0.0 };
        let irreversible = (1.0 - c) * moves * lead / ((1.0 - c) * direction * PINNING - ALPHA * lead);
        (irreversible + c * rise) / (1.0 - ALPHA * c * rise)
    }

    /// The same recording by Runge and Kutta's fourth order with `steps` per way of the bias.
    fn reference(signal: &[f64], bias: f64, steps: usize) -> Vec<f64> {
        let (mut m, mut h) = (0.0, 0.0);
        let mut coming = 0.0;
        let mut run = |u: f64| {
            let mut sum = 0.0;
            let at = |way: f64| coming + way * (u - coming);
            let targets = [at(TURNS[0]) + bias, at(TURNS[1]) - bias];
            coming = u;
            for target in targets {
                let step = (target - h) / steps as f64;
                let direction = step.signum();
                for _ in 0..steps {
                    let k1 = slope(m, h, direction);
                    let k2 = slope(m + 0.5 * step * k1, h + 0.5 * step, direction);
                    let k3 = slope(m + 0.5 * step * k2, h + 0.5 * step, direction);
                    let k4 = slope(m + step * k3, h + step, direction);
                    let next = m + step / 6.0 * (k1 + 2.0 * (k2 + k3) + k4);
                    sum += 0.5 * (m + next);
                    m = next;
                    h += step;
                }
                h = target;
            }
            sum / (2 * steps) as f64
        };
        (0..100).for_each(|_| {
            run(0.0);
        });
        let rest = run(0.0);
        signal.iter().map(|u| run(*u) - rest).collect()
    }

    fn recorded(signal: &[f64], bias: f64) -> Vec<f64> {
        let mut tape = Mono::new(bias);
        let mut samples: Vec<[f64; 1]> = signal.iter().map(|x| [*x]).collect();
        magnetise(&mut tape, &mut samples);
        samples.iter().map(|x| x[0]).collect()
    }

    /// Amplitude of the harmonics 1, 3 and 5 of the last turn of a sine of `period` samples.
    fn harmonics(samples: &[f64], period: usize) -> [f64; 3] {
        [1.0, 3.0, 5.0].map(|n| {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, x) in samples[samples.len() - period..].iter().enumerate() {
                let turn = TAU * n * i as f64 / period as f64;
                re += x * turn.cos();
                im += x * turn.sin();
            }
            2.0 * f64::hypot(re, im) / period as f64
        })
    }

    #[test]
    fn langevins_function_is_right() {
        for i in -4_000..=4_000 {
            let q = f64::from(i) / 100.0;
            let expected = if q.abs() < 1e-3 { q / 3.0 } else { 1.0 / q.tanh() - 1.0 / q };
            // Near zero the library's difference of large numbers is the less exact: 1e-13 there.
            assert!((langevin(q) - expected).abs() < 5e-9, "{q}: {} {expected}", langevin(q));
        }
        assert!((langevin(1e9) - 1.0).abs() < 2e-9 && langevin(0.0) == 0.0);
    }

    /// Level and harmonics are those of the equations solved finely, at small, nominal and large levels and with
    /// little, right and much bias. The four steps per way are coarse: within 0.5 dB and, for harmonics, 2 dB.
    #[test]
    fn is_the_papers_hysteresis() {
        const PERIOD: usize = 96;
        for (bias, amplitude) in
            [(2.25, 0.05), (2.25, 0.7), (2.25, 2.0), (2.25, 8.0), (1.5, 2.0), (3.0, 2.0), (0.0, 2.0)]
        {
            let signal: Vec<f64> =
                (0..4 * PERIOD).map(|n| amplitude * (TAU * n as f64 / PERIOD as f64).sin()).collect();
            let seen = harmonics(&recorded(&signal, bias), PERIOD);
            let expected = harmonics(&reference(&signal, bias, 64), PERIOD);
            let apart = |a: f64, b: f64| (20.0 * (a / b).log10()).abs();
            assert!(apart(seen[0], expected[0]) < 0.6, "{bias}, {amplitude}: {seen:?} {expected:?}");
            // Below -80 dB the corners of the fine solution's own steps are as large.
            let small = expected[1] < 1e-4 * expected[0] && seen[1] < 1e-4 * seen[0];
            assert!(small || apart(seen[1], expected[1]) < 2.0, "{bias}, {amplitude}: {seen:?} {expected:?}");
        }
    }

    /// What bias is for: without it a small signal is bent by a hundredth of itself, with it by less than a
    /// millionth (third harmonic, a fourteenth of the nominal level).
    #[test]
    fn bias_makes_a_straight_line() {
        let signal: Vec<f64> = (0..400).map(|n| 0.05 * (TAU * f64::from(n) / 100.0).sin()).collect();
        let third = |bias: f64| {
            let [first, third, _] = harmonics(&recorded(&signal, bias), 100);
            20.0 * (third / first).log10()
        };
        assert!(third(0.0) > -50.0, "{:.1}", third(0.0));
        assert!(third(2.25) < -90.0, "{:.1}", third(2.25));
    }

    /// Bounded by saturation whatever comes, in lanes that do not touch each other.
    #[test]
    fn is_stable() {
        for bias in [0.0, 2.25, 6.0] {
            let mut tape = Stereo::new(bias);
            let mut state = 1u64;
            for turn in 0..200 {
                let mut samples = [[0.0; 2]; 500];
                for (n, sample) in samples.iter_mut().enumerate() {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let noise = (state >> 11) as f64 / 2f64.powi(52) - 1.0;
                    let square = if (n / 100) % 2 == 0 { 1e6 } else { -1e6 };
                    *sample = [noise * 10f64.powi(turn % 8 - 2), square];
                }
                magnetise(&mut tape, &mut samples);
                assert!(samples.iter().flatten().all(|x| x.abs() <= 1.01), "{bias}");
            }
            let mut silence = [[0.0; 2]; 3_000];
            magnetise(&mut tape, &mut silence);
            let left = silence[2_999];
            // A bias wipes the tape clean; without one the last magnetisation stays.
            assert!(bias == 0.0 || left.iter().all(|x| x.abs() < 1e-9), "{bias}: {left:?}");
        }
    }
}
