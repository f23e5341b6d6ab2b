//! A chain of second-order state-variable filters that may be moved while they sound.
//!
//! Each section is the trapezoidal ("zero delay") state-variable filter (V. Zavalishin, *The Art of VA Filter
//! Design*; A. Simper, *Linear trapezoidal integrated state variable filter*), whose states are the integrals
//! of band-pass and low-pass: when coefficients move they stay meaningful, where a direct form bursts
//! (A. Wishnick, *Time-varying filters for musical applications*, DAFx 2014).
//!
//! While nothing moves the same recursion runs as a matrix, up to eight sections per pass over the samples, a lane for each
//! of their channels. A section that is exactly neutral costs nothing.

mod lanes;

use crate::blocks::grid::{CONTROL_FRAMES, Grid, flush};
use crate::blocks::matched::Fraction;
use audio::{Block, Frames};
use lanes::LANES;
use num_complex::Complex64;
use std::ops::Range;

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

    /// Squared gain where tan(w/2) is `tangent`.
    pub fn power(&self, tangent: f64) -> f64 {
        let u = tangent / self.g;
        let (real, imaginary) = (1.0 - u * u, self.k * u);
        let above_real = self.m0 * real + self.m2;
        let above_imaginary = (self.m0 * self.k + self.m1) * u;
        let above = above_real * above_real + above_imaginary * above_imaginary;
        above / (real * real + imaginary * imaginary)
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
            let left = block.frames() - start;
            let moving = self.sections.iter().filter(|s| s.left > 0).map(|s| s.left).min();
            let pieces = Pieces::take(&mut self.grid, left, moving);
            self.run(&mut block.range_mut(start, pieces.frames), &pieces);
            if moving.is_some() {
                self.advance(pieces.frames);
            }
            start += pieces.frames;
        }
    }

    /// Frames within which no section starts, ends or changes its way of moving.
    fn run(&mut self, block: &mut Block, pieces: &Pieces) {
        let mut channels = block.iter_mut();
        let mut pair = 0;
        while let Some(left) = channels.next() {
            let states = &mut self.states[pair * self.sections.len()..][..self.sections.len()];
            match channels.next() {
                Some(right) => run_all(&self.sections, states, [left, right], pieces),
                None => run_all(&self.sections, states, [left], pieces),
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

/// Frames cut at the points of the control grid, where states too small to matter are cleared.
struct Pieces {
    frames: Frames,
    /// Frames up to the first point that is not the very start.
    first: Frames,
    /// The first frame stands on the grid.
    at_point: bool,
}

impl Pieces {
    /// All of `left` frames while nothing moves; else up to the next point or the end of the move.
    fn take(grid: &mut Grid, left: Frames, moving: Option<Frames>) -> Pieces {
        let at_point = grid.at_point();
        let first = grid.take(left.min(moving.unwrap_or(Frames::MAX)));
        let mut frames = first;
        while moving.is_none() && frames < left {
            frames += grid.take(left - frames);
        }
        Pieces { frames, first, at_point }
    }

    /// Calls `piece` for each stretch between two points, after clearing `held` where it begins on one.
    fn each<S>(
        &self,
        held: &mut [S],
        clear: impl Fn(&mut S),
        mut piece: impl FnMut(&mut [S], Range<Frames>),
    ) {
        let (mut start, mut end) = (0, self.first);
        while start < self.frames {
            if start > 0 || self.at_point {
                held.iter_mut().for_each(&clear);
            }
            piece(held, start..end);
            (start, end) = (end, (end + CONTROL_FRAMES).min(self.frames));
        }
    }
}

fn clear(state: &mut State) {
    state.iter_mut().flatten().for_each(|s| *s = flush(*s));
}

/// Sections that are run in one pass over the samples.
const MOST_AT_ONCE: usize = 8;

/// All sounding sections over `L` channels: those that stand still up to eight at a time, moving ones alone.
fn run_all<const L: usize>(
    sections: &[Section],
    states: &mut [State],
    mut channels: [&mut [f64]; L],
    pieces: &Pieces,
) {
    let mut group = [0; MOST_AT_ONCE];
    let mut held = 0;
    for (i, section) in sections.iter().enumerate().filter(|(_, s)| s.sounds()) {
        if section.left > 0 {
            run_group(&group[..held], sections, states, &mut channels, pieces);
            held = 0;
            run_moving(section, &mut states[i], &mut channels, pieces);
        } else {
            group[held] = i;
            held += 1;
            if held == MOST_AT_ONCE {
                run_group(&group, sections, states, &mut channels, pieces);
                held = 0;
            }
        }
    }
    run_group(&group[..held], sections, states, &mut channels, pieces);
}

fn run_group<const L: usize>(
    group: &[usize],
    sections: &[Section],
    states: &mut [State],
    channels: &mut [&mut [f64]; L],
    pieces: &Pieces,
) {
    match (channels.as_mut_slice(), group) {
        (_, []) => {}
        ([left, right], &[a]) => run_stereo(a, sections, states, left, right, pieces),
        ([mono], &[a]) => run_one(a, sections, states, mono, pieces),
        _ => match (group.len() * L).div_ceil(LANES) {
            1 => lanes::run::<L, 4>(group, sections, states, channels, pieces),
            2 => lanes::run::<L, 8>(group, sections, states, channels, pieces),
            3 if !lanes::are_by_eight() => lanes::run::<L, 12>(group, sections, states, channels, pieces),
            _ => lanes::run::<L, 16>(group, sections, states, channels, pieces),
        },
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
    let mut given = [0.0; 2];
    for l in 0..2 {
        given[l] = output[0][l] * a[l] + output[1][l] * b[l] + output[2][l] * input[l];
    }
    given
}

/// A matrix for each of two lanes.
type Wide = [[[f64; 2]; 3]; 3];

fn wide(left: &Matrix, right: &Matrix) -> Wide {
    let rows = |m: &Matrix| [m.first, m.second, m.output];
    let (left, right) = (rows(left), rows(right));
    std::array::from_fn(|row| std::array::from_fn(|i| [left[row][i], right[row][i]]))
}

/// One section on two channels: the channels are the lanes.
#[inline(never)]
fn run_stereo(
    section: usize,
    sections: &[Section],
    states: &mut [State],
    left: &mut [f64],
    right: &mut [f64],
    pieces: &Pieces,
) {
    let matrix = wide(&sections[section].matrix, &sections[section].matrix);
    pieces.each(&mut states[section..=section], clear, |states, frames| {
        let mut held = states[0];
        for (left, right) in left[frames.clone()].iter_mut().zip(&mut right[frames]) {
            [*left, *right] = step(&matrix, &mut held, [*left, *right]);
        }
        states[0] = held;
    });
}

fn run_one(section: usize, sections: &[Section], states: &mut [State], samples: &mut [f64], pieces: &Pieces) {
    let Matrix { first, second, output } = sections[section].matrix;
    pieces.each(&mut states[section..=section], clear, |states, frames| {
        let [mut s1, mut s2] = states[0].map(|row| row[0]);
        for sample in &mut samples[frames] {
            let (a, b, input) = (s1, s2, *sample);
            s1 = first[2] * input + first[1] * b + first[0] * a;
            s2 = second[2] * input + second[0] * a + second[1] * b;
            *sample = output[0] * a + output[1] * b + output[2] * input;
        }
        (states[0][0][0], states[0][1][0]) = (s1, s2);
    });
}

fn run_moving<const L: usize>(
    section: &Section,
    state: &mut State,
    channels: &mut [&mut [f64]; L],
    pieces: &Pieces,
) {
    let mut now = section.now;
    if pieces.at_point {
        clear(state);
    }
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
mod tests;
