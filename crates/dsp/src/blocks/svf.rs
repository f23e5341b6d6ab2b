//! A chain of second-order state-variable filters that may be moved while they sound.
//!
//! Each section is the trapezoidal ("zero delay") state-variable filter (V. Zavalishin, *The Art of VA Filter
//! Design*; A. Simper, *Linear trapezoidal integrated state variable filter*), whose states are the integrals
//! of band-pass and low-pass: when coefficients move they stay meaningful, where a direct form bursts
//! (A. Wishnick, *Time-varying filters for musical applications*, DAFx 2014).
//!
//! While nothing moves the same recursion runs as a matrix, several sections per pass over the samples and
//! in two lanes: the two channels of stereo, or two neighbouring sections of mono. A section that is exactly
//! neutral costs nothing.

use super::grid::{CONTROL_FRAMES, Grid, flush};
use super::matched::Fraction;
use audio::{Block, Frames};
use num_complex::Complex64;

/// What one section does: `g` and `k` place its poles, `m0 m1 m2` mix input, band-pass and low-pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// tan(w0/2).
    pub g: f64,
    /// One over Q.
    pub k: f64,
    /// Share of the input.
    pub m0: f64,
    /// Share of the band-pass.
    pub m1: f64,
    /// Share of the low-pass.
    pub m2: f64,
}

impl Coefficients {
    /// Changes nothing.
    pub const NEUTRAL: Coefficients = Coefficients { g: 1.0, k: 2.0, m0: 1.0, m1: 0.0, m2: 0.0 };

    /// The section whose transfer function is this fraction in `S = (z - 1)/(z + 1)`.
    ///
    /// The denominator's coefficients must be positive.
    pub fn from_fraction(fraction: &Fraction) -> Coefficients {
        let [n0, n1, n2] = fraction.numerator.map(|c| c / fraction.denominator[2]);
        let [d0, d1, _] = fraction.denominator.map(|c| c / fraction.denominator[2]);
        // With s = S/g: below s² + k s + 1; band-pass s, low-pass 1 above.
        let g = d0.sqrt();
        let k = d1 / g;
        Coefficients { g, k, m0: n2, m1: n1 / g - n2 * k, m2: n0 / d0 - n2 }
    }

    /// The same poles, heard by nobody.
    pub fn silenced(self) -> Coefficients {
        Coefficients { m0: 1.0, m1: 0.0, m2: 0.0, ..self }
    }

    /// True when the output is the input.
    pub fn is_neutral(&self) -> bool {
        self.m0 == 1.0 && self.m1 == 0.0 && self.m2 == 0.0
    }

    /// Complex gain at `z`.
    pub fn response(&self, z: Complex64) -> Complex64 {
        let s = (z - 1.0) / (z + 1.0) / self.g;
        let below = s * s + s * self.k + 1.0;
        self.m0 + (s * self.m1 + self.m2) / below
    }

    /// The poles; two real ones or a pair.
    pub fn poles(&self) -> [Complex64; 2] {
        let root = Complex64::new(self.k * self.k - 4.0, 0.0).sqrt();
        [root, -root].map(|r| {
            let s = (r - self.k) * 0.5 * self.g;
            (1.0 + s) / (1.0 - s)
        })
    }

    fn plus(self, step: &Coefficients) -> Coefficients {
        Coefficients {
            g: self.g + step.g,
            k: self.k + step.k,
            m0: self.m0 + step.m0,
            m1: self.m1 + step.m1,
            m2: self.m2 + step.m2,
        }
    }

    fn matrix(&self) -> Matrix {
        let a1 = 1.0 / (1.0 + self.g * (self.g + self.k));
        let a2 = self.g * a1;
        let a3 = self.g * a2;
        Matrix {
            first: [2.0 * a1 - 1.0, -2.0 * a2, 2.0 * a2],
            second: [2.0 * a2, 1.0 - 2.0 * a3, 2.0 * a3],
            output: [
                self.m1 * a1 + self.m2 * a2,
                self.m2 * (1.0 - a3) - self.m1 * a2,
                self.m0 + self.m1 * a2 + self.m2 * a3,
            ],
        }
    }
}

/// One step of a section, each row for (first state, second state, input).
#[derive(Debug, Clone, Copy)]
struct Matrix {
    first: [f64; 3],
    second: [f64; 3],
    output: [f64; 3],
}

/// Two states for two channels.
type State = [[f64; 2]; 2];

#[derive(Debug, Clone)]
struct Section {
    now: Coefficients,
    target: Coefficients,
    step: Coefficients,
    left: Frames,
    matrix: Matrix,
}

impl Section {
    fn new(coefficients: Coefficients) -> Section {
        Section {
            now: coefficients,
            target: coefficients,
            step: coefficients,
            left: 0,
            matrix: coefficients.matrix(),
        }
    }

    fn go_to(&mut self, target: Coefficients) {
        // A neutral section has poles that nobody hears: it enters with those of its target, and leaves with
        // its own, so that only the shares move.
        let target = if target.is_neutral() { self.target.silenced() } else { target };
        if target == self.target {
            return;
        }
        if !self.sounds() {
            self.now = target.silenced();
        }
        let part = |from: f64, to: f64| (to - from) / CONTROL_FRAMES as f64;
        self.step = Coefficients {
            g: part(self.now.g, target.g),
            k: part(self.now.k, target.k),
            m0: part(self.now.m0, target.m0),
            m1: part(self.now.m1, target.m1),
            m2: part(self.now.m2, target.m2),
        };
        self.target = target;
        self.left = CONTROL_FRAMES;
    }

    fn sounds(&self) -> bool {
        self.left > 0 || !self.now.is_neutral()
    }
}

/// Sections in series on any number of channels.
#[derive(Debug, Clone)]
pub struct Chain {
    sections: Vec<Section>,
    /// For each pair of channels, one state per section.
    states: Vec<State>,
    grid: Grid,
}

impl Chain {
    /// A chain that stands still at these coefficients.
    pub fn new(coefficients: impl IntoIterator<Item = Coefficients>, channels: usize) -> Chain {
        let sections: Vec<Section> = coefficients.into_iter().map(Section::new).collect();
        let states = vec![State::default(); sections.len() * channels.div_ceil(2)];
        Chain { sections, states, grid: Grid::default() }
    }

    /// Moves one section to new coefficients within one control period from now.
    pub fn go_to(&mut self, section: usize, coefficients: Coefficients) {
        self.sections[section].go_to(coefficients);
    }

    /// True when nothing is heard of any section, now or in its move.
    pub fn is_neutral(&self) -> bool {
        self.sections.iter().all(|s| !s.sounds())
    }

    /// Where the sections stand or are going, in order.
    pub fn targets(&self) -> impl Iterator<Item = &Coefficients> {
        self.sections.iter().map(|s| &s.target)
    }

    /// Forgets the past and stands at the targets.
    pub fn reset(&mut self) {
        self.grid.reset();
        self.states.fill(State::default());
        self.sections.iter_mut().for_each(|s| *s = Section::new(s.target));
    }

    /// Filters `block` in place. Never allocates.
    pub fn process(&mut self, block: &mut Block) {
        let mut start = 0;
        while start < block.frames() {
            if self.grid.at_point() {
                self.states.iter_mut().flatten().flatten().for_each(|s| *s = flush(*s));
            }
            let moving = self.sections.iter().filter(|s| s.left > 0).map(|s| s.left).min();
            let frames = self.grid.take((block.frames() - start).min(moving.unwrap_or(Frames::MAX)));
            self.piece(&mut block.range_mut(start, frames));
            self.advance(frames);
            start += frames;
        }
    }

    /// A piece within which no section starts, ends or changes its way of moving.
    fn piece(&mut self, block: &mut Block) {
        let mut channels = block.iter_mut();
        let mut pair = 0;
        while let Some(left) = channels.next() {
            let states = &mut self.states[pair * self.sections.len()..][..self.sections.len()];
            match channels.next() {
                Some(right) => run_all(&self.sections, states, [left, right]),
                None => run_all(&self.sections, states, [left]),
            }
            pair += 1;
        }
    }

    fn advance(&mut self, frames: Frames) {
        let count = self.sections.len();
        for (i, section) in self.sections.iter_mut().enumerate().filter(|(_, s)| s.left > 0) {
            for _ in 0..frames {
                section.now = section.now.plus(&section.step);
            }
            section.left -= frames;
            if section.left == 0 {
                *section = Section::new(section.target);
                if section.now.is_neutral() {
                    self.states.iter_mut().skip(i).step_by(count).for_each(|s| *s = State::default());
                }
            }
        }
    }

    /// Frames after which the output stays under -120 dB of a full-scale input that has ended.
    ///
    /// On a circle of radius r outside all poles the impulse response is at most `max |H| r^n` (Cauchy's
    /// bound); the smallest answer among a few radii is taken.
    pub fn tail(&self) -> Frames {
        let sounding = || self.sections.iter().map(|s| &s.target).filter(|c| !c.is_neutral());
        let largest = sounding().flat_map(|c| c.poles()).map(|p| p.norm()).fold(0.0, f64::max);
        if sounding().next().is_none() {
            return 0;
        }
        let gap = (1.0 - largest).max(1e-9);
        let mut shortest = f64::INFINITY;
        for share in [0.95, 0.9, 0.8, 0.65, 0.5] {
            let radius = 1.0 - gap * share;
            let gain_at = |angle: f64| {
                let z = Complex64::from_polar(radius, angle);
                sounding().map(|c| c.response(z).norm()).product::<f64>()
            };
            let gain = sounding().flat_map(|c| c.poles()).map(|p| gain_at(p.arg())).fold(0.0, f64::max);
            // All earlier samples at full scale: the impulse response is summed, 1/(1 - r).
            let decays = (gain.max(1e-6) * 1e6 / (1.0 - radius)).ln() / -radius.ln();
            shortest = shortest.min(decays);
        }
        shortest.ceil().max(2.0) as Frames
    }
}

/// All sounding sections over `L` channels: those that stand still up to four at a time, moving ones alone.
fn run_all<const L: usize>(sections: &[Section], states: &mut [State], mut channels: [&mut [f64]; L]) {
    let mut group = [0; 4];
    let mut held = 0;
    for (i, section) in sections.iter().enumerate().filter(|(_, s)| s.sounds()) {
        if section.left > 0 {
            run_group(&group[..held], sections, states, &mut channels);
            held = 0;
            run_moving(section, &mut states[i], &mut channels);
        } else {
            group[held] = i;
            held += 1;
            if held == 4 {
                run_group(&group, sections, states, &mut channels);
                held = 0;
            }
        }
    }
    run_group(&group[..held], sections, states, &mut channels);
}

fn run_group<const L: usize>(
    group: &[usize],
    sections: &[Section],
    states: &mut [State],
    channels: &mut [&mut [f64]; L],
) {
    match (channels.as_mut_slice(), group) {
        (_, []) => {}
        ([left, right], &[a]) => run_stereo([a], sections, states, left, right),
        ([left, right], &[a, b]) => run_stereo([a, b], sections, states, left, right),
        ([left, right], &[a, b, c]) => run_stereo([a, b, c], sections, states, left, right),
        ([left, right], &[a, b, c, d]) => run_stereo([a, b, c, d], sections, states, left, right),
        ([mono], &[a, b]) => run_mono([[a, b]], sections, states, mono),
        ([mono], &[a, b, c, d]) => run_mono([[a, b], [c, d]], sections, states, mono),
        ([mono], &[a, ref rest @ ..]) => {
            run_one(a, sections, states, mono);
            run_group(rest, sections, states, &mut [&mut **mono]);
        }
        _ => {}
    }
}

/// The same step for two lanes at once; what each lane computes is what it would compute alone, to the bit.
#[inline(always)]
fn step(matrix: &Wide, state: &mut [[f64; 2]; 2], input: [f64; 2]) -> [f64; 2] {
    let [first, second, output] = matrix;
    let [a, b] = *state;
    for l in 0..2 {
        state[0][l] = first[2][l] * input[l] + first[1][l] * b[l] + first[0][l] * a[l];
        state[1][l] = second[2][l] * input[l] + second[0][l] * a[l] + second[1][l] * b[l];
    }
    std::array::from_fn(|l| output[0][l] * a[l] + output[1][l] * b[l] + output[2][l] * input[l])
}

/// A matrix for each of two lanes.
type Wide = [[[f64; 2]; 3]; 3];

fn wide(left: &Matrix, right: &Matrix) -> Wide {
    let rows = |m: &Matrix| [m.first, m.second, m.output];
    let (left, right) = (rows(left), rows(right));
    std::array::from_fn(|row| std::array::from_fn(|i| [left[row][i], right[row][i]]))
}

/// Sections on two channels: the channels are the lanes.
#[inline(never)]
fn run_stereo<const N: usize>(
    group: [usize; N],
    sections: &[Section],
    states: &mut [State],
    left: &mut [f64],
    right: &mut [f64],
) {
    let matrices = group.map(|i| wide(&sections[i].matrix, &sections[i].matrix));
    let mut held = group.map(|i| states[i]);
    for (left, right) in left.iter_mut().zip(right) {
        let mut x = [*left, *right];
        for i in 0..N {
            x = step(&matrices[i], &mut held[i], x);
        }
        [*left, *right] = x;
    }
    group.into_iter().zip(held).for_each(|(i, state)| states[i] = state);
}

/// Pairs of sections on one channel: the two sections are the lanes, the second one frame behind the first.
#[inline(never)]
fn run_mono<const P: usize>(
    pairs: [[usize; 2]; P],
    sections: &[Section],
    states: &mut [State],
    samples: &mut [f64],
) {
    let matrices = pairs.map(|[a, b]| wide(&sections[a].matrix, &sections[b].matrix));
    let mut held =
        pairs.map(|[a, b]| [[states[a][0][0], states[b][0][0]], [states[a][1][0], states[b][1][0]]]);
    // What the first section of each pair gave one frame ago, waiting for the second.
    let mut waiting = [0.0; P];
    let frames = samples.len();
    // At both ends some lanes have no frame to work on: their state must not move.
    let at_the_ends = |turn: usize, held: &mut [State; P], waiting: &mut [f64; P], samples: &mut [f64]| {
        let mut x = samples.get(turn).copied().unwrap_or(0.0);
        for p in 0..P {
            let before = held[p];
            let [passed, out] = step(&matrices[p], &mut held[p], [x, waiting[p]]);
            for lane in 0..2 {
                let has_frame = turn >= p + lane && turn - p - lane < frames;
                if !has_frame {
                    (held[p][0][lane], held[p][1][lane]) = (before[0][lane], before[1][lane]);
                }
            }
            waiting[p] = passed;
            x = out;
        }
        if turn >= P {
            samples[turn - P] = x;
        }
    };
    for turn in 0..P {
        at_the_ends(turn, &mut held, &mut waiting, samples);
    }
    for turn in P..frames {
        let mut x = samples[turn];
        for p in 0..P {
            [waiting[p], x] = step(&matrices[p], &mut held[p], [x, waiting[p]]);
        }
        samples[turn - P] = x;
    }
    for turn in frames.max(P)..frames + P {
        at_the_ends(turn, &mut held, &mut waiting, samples);
    }
    for ([a, b], state) in pairs.into_iter().zip(held) {
        for row in 0..2 {
            (states[a][row][0], states[b][row][0]) = (state[row][0], state[row][1]);
        }
    }
}

fn run_one(section: usize, sections: &[Section], states: &mut [State], samples: &mut [f64]) {
    let Matrix { first, second, output } = sections[section].matrix;
    let [mut s1, mut s2] = states[section].map(|row| row[0]);
    for sample in samples {
        let (a, b, input) = (s1, s2, *sample);
        s1 = first[2] * input + first[1] * b + first[0] * a;
        s2 = second[2] * input + second[0] * a + second[1] * b;
        *sample = output[0] * a + output[1] * b + output[2] * input;
    }
    (states[section][0][0], states[section][1][0]) = (s1, s2);
}

fn run_moving<const L: usize>(section: &Section, state: &mut State, channels: &mut [&mut [f64]; L]) {
    let mut now = section.now;
    for frame in 0..channels[0].len() {
        now = now.plus(&section.step);
        let a1 = 1.0 / (1.0 + now.g * (now.g + now.k));
        let a2 = now.g * a1;
        for l in 0..L {
            let (s1, s2, input) = (state[0][l], state[1][l], channels[l][frame]);
            let v1 = a1 * s1 + a2 * (input - s2);
            let v2 = s2 + now.g * v1;
            state[0][l] = 2.0 * v1 - s1;
            state[1][l] = 2.0 * v2 - s2;
            channels[l][frame] = now.m0 * input + now.m1 * v1 + now.m2 * v2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::matched;
    use proptest::prelude::*;

    fn bell(gain_db: f64, hz: f64) -> Coefficients {
        let mut section = [matched::bell(gain_db, 1.3)];
        matched::digital(&mut section, hz / 48_000.0);
        Coefficients::from_fraction(&section[0])
    }

    #[test]
    fn a_fraction_keeps_its_response() {
        // The same number by the polynomials and by the filter's form: rounding only.
        let mut section = [matched::low_shelf(9.0, 0.9)];
        matched::digital(&mut section, 80.0 / 48_000.0);
        let c = Coefficients::from_fraction(&section[0]);
        for hz in [1.0, 60.0, 900.0, 21_000.0] {
            let w = std::f64::consts::TAU * hz / 48_000.0;
            let seen = c.response(Complex64::from_polar(1.0, w)).norm_sqr();
            let expected = section[0].power((w / 2.0).tan().powi(2));
            assert!((seen / expected - 1.0).abs() < 1e-9, "{hz} Hz: {seen} {expected}");
        }
    }

    /// Five sections on three channels, against the recursion written out for one section and one channel.
    #[test]
    fn grouped_sections_are_the_plain_recursion() {
        let all: Vec<Coefficients> =
            (0..5).map(|i| bell(6.0 - 3.0 * i as f64, 150.0 * 3f64.powi(i))).collect();
        let input: Vec<Vec<f64>> = (0..3)
            .map(|c| (0..500).map(|n| ((n * (c + 3)) as f64 * 0.37).sin() + f64::from(n == 9)).collect())
            .collect();
        let mut audio = audio::Buffer::from_channels(&input);
        Chain::new(all.clone(), 3).process(&mut audio.as_block_mut());
        for (c, plain) in input.iter().enumerate() {
            let mut plain = plain.clone();
            for k in &all {
                let (mut s1, mut s2) = (0.0, 0.0);
                for x in &mut plain {
                    let v1 = (s1 + k.g * (*x - s2)) / (1.0 + k.g * (k.g + k.k));
                    let v2 = s2 + k.g * v1;
                    s1 = 2.0 * v1 - s1;
                    s2 = 2.0 * v2 - s2;
                    *x = k.m0 * *x + k.m1 * v1 + k.m2 * v2;
                }
            }
            for n in 0..500 {
                // Rounding of two orders of summation over 500 recursive steps.
                assert!((audio.channel(c)[n] - plain[n]).abs() < 1e-11, "channel {c}, frame {n}");
            }
        }
    }

    #[test]
    fn a_move_ends_at_its_target_and_a_neutral_section_forgets() {
        let mut chain = Chain::new([bell(12.0, 1_000.0)], 1);
        chain.go_to(0, bell(12.0, 1_000.0).silenced());
        let mut samples = vec![1.0; 100];
        chain.process(&mut Block::from_mono(&mut samples));
        // The last frame of the move still carries a share of the band-pass; from the next on nothing is left.
        assert!(samples[64..].iter().all(|&x| x == 1.0), "{:?}", &samples[60..70]);
        assert_eq!(chain.states[0], State::default());
    }

    proptest! {
        /// One channel alone, in any number of sections and any blocks, gives the bits it gives beside another.
        #[test]
        fn mono_and_stereo_are_one_filter(count in 1usize..10, blocks in prop::collection::vec(0usize..90, 1..9)) {
            let all: Vec<Coefficients> = (0..count).map(|i| bell(5.0, 80.0 * 1.9f64.powi(i as i32))).collect();
            let (mut mono, mut stereo) = (Chain::new(all.clone(), 1), Chain::new(all, 2));
            for (turn, frames) in blocks.into_iter().enumerate() {
                let plane: Vec<f64> = (0..frames).map(|n| ((n + 97 * turn) as f64 * 0.61).sin()).collect();
                let mut one = audio::Buffer::from_channels(std::slice::from_ref(&plane));
                let mut two = audio::Buffer::from_channels(&[plane.clone(), plane]);
                mono.process(&mut one.as_block_mut());
                stereo.process(&mut two.as_block_mut());
                prop_assert_eq!(one.channel(0), two.channel(0));
                prop_assert_eq!(two.channel(1), two.channel(0));
            }
        }

        /// Whatever jumps the coefficients make, the output of a bounded input stays bounded.
        #[test]
        fn moving_is_stable(moves in prop::collection::vec((10.0f64..22_000.0, -30.0f64..30.0), 1..40)) {
            let mut chain = Chain::new([Coefficients::NEUTRAL], 1);
            for (n, (hz, gain_db)) in moves.into_iter().enumerate() {
                let mut section = [matched::bell(gain_db.abs(), 3.0)];
                matched::digital(&mut section, hz / 48_000.0);
                let section = if gain_db < 0.0 { section[0].inverse() } else { section[0] };
                chain.go_to(0, Coefficients::from_fraction(&section));
                let mut samples: Vec<f64> = (0..64).map(|i| if (i / 7 + n) % 2 == 0 { 1.0 } else { -1.0 }).collect();
                chain.process(&mut Block::from_mono(&mut samples));
                // 30 dB of boost on a square wave, and as much again for a resonance that was just left.
                prop_assert!(samples.iter().all(|x| x.abs() < 1_000.0));
            }
        }
    }
}
