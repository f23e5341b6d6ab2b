//! Linkwitz-Riley crossovers for two to six bands whose sum is flat.
//!
//! A Linkwitz-Riley filter is a Butterworth filter run twice (S. H. Linkwitz, *Active crossover networks for
//! noncoincident drivers*, JAES 24, 1976): both sides are 6.02 dB down at the crossover and in phase at every
//! frequency, and their sum is the allpass `B(-s)/B(s)` of the Butterworth polynomial `B`. With more than two
//! bands the lowest is split off first, and every lower band passes the allpass of each higher split; without it
//! the bands do not sum flat (J. A. D'Appolito, *Active realization of multiway all-pass crossover systems*,
//! JAES 35, 1987).
//!
//! Here the upper side of a split is not filtered but is the allpass less the lower side, both out of the same
//! trapezoidal state-variable sections (V. Zavalishin, *The Art of VA Filter Design*, 2012, section 4). So the
//! bands sum to one chain of allpasses to the last bit's rounding, also while a crossover moves; and that sum is
//! what a dry path must pass to stay in phase with the bands.

use super::grid::{CONTROL_FRAMES, flush};
use super::math;
use audio::{BlockRef, Frames};
use num_complex::Complex64;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// The most bands a crossover makes.
pub const MAX_BANDS: usize = 6;

/// One channel's bands over at most a control period, the lowest first.
pub type Bands = [[f64; CONTROL_FRAMES]; MAX_BANDS];

/// How steeply the bands are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slope {
    /// 24 dB per octave: two Butterworth filters of second order.
    Db24,
    /// 48 dB per octave: two Butterworth filters of fourth order.
    Db48,
}

impl Slope {
    /// One over Q of each second-order section of one Butterworth filter.
    pub(crate) fn dampings(self) -> &'static [f64] {
        // 2 cos((2i + 1) pi / 2n).
        const FOURTH: [f64; 2] = [1.847_759_065_022_573_5, 0.765_366_864_730_179_5];
        match self {
            Slope::Db24 => &[SQRT_2],
            Slope::Db48 => &FOURTH,
        }
    }
}

/// A crossover frequency as the trapezoidal rule sees it; kept below the Nyquist frequency.
pub(crate) fn warped(freq_hz: f64, sample_rate_hz: f64) -> f64 {
    (PI * (freq_hz / sample_rate_hz).clamp(1e-6, 0.49)).tan()
}

/// Lower and upper side of one split at `hz`, as complex gains of the digital filters.
fn sides(slope: Slope, freq_hz: f64, sample_rate_hz: f64, hz: f64) -> [Complex64; 2] {
    let g = warped(freq_hz, sample_rate_hz);
    // s = i tan(w/2)/g; from Nyquist on the tangent has no end.
    let s = Complex64::new(0.0, (PI * (hz / sample_rate_hz).min(0.499_999_999)).tan() / g);
    let butterworth = |s: Complex64| -> Complex64 {
        slope.dampings().iter().map(|damping| s * s + s * damping + 1.0).product()
    };
    let low = 1.0 / (butterworth(s) * butterworth(s));
    let allpass = butterworth(-s) / butterworth(s);
    [low, allpass - low]
}

/// Complex gain of each band at `hz`, the lowest first; `edges_hz` in rising order.
pub fn responses(slope: Slope, edges_hz: &[f64], sample_rate_hz: f64, hz: f64) -> Vec<Complex64> {
    let mut rest = Complex64::new(1.0, 0.0);
    let mut bands: Vec<Complex64> = Vec::new();
    for &edge in edges_hz {
        let [low, high] = sides(slope, edge, sample_rate_hz, hz);
        bands.iter_mut().for_each(|band| *band *= low + high);
        bands.push(rest * low);
        rest *= high;
    }
    bands.push(rest);
    bands
}

/// Frames until all bands have fallen by `decibels` after an impulse through a crossover with these edges.
pub fn decay_frames(slope: Slope, edges_hz: &[f64], decibels: f64, sample_rate_hz: f64) -> Frames {
    let mut slowest = 0.0f64;
    for &edge in edges_hz {
        let g = warped(edge, sample_rate_hz);
        for damping in slope.dampings() {
            // s = g (-k/2 + i sqrt(1 - k^2/4)), z = (1 + s)/(1 - s).
            let s = Complex64::new(-0.5 * damping, (1.0 - 0.25 * damping * damping).sqrt()) * g;
            slowest = slowest.max(((1.0 + s) / (1.0 - s)).norm());
        }
    }
    if slowest == 0.0 {
        return 0;
    }
    // Each split has its poles twice, and edges may fall together: powers of time before the exponential, which
    // a third more time for each split covers up to -120 dB.
    let frames = decibels / 20.0 * LN_10 / -slowest.min(1.0 - 1e-12).ln();
    (frames * (1.35 + 0.35 * edges_hz.len() as f64)).ceil() as Frames
}

/// A corner on its way: three one-poles in a row on its logarithm, so that neither it, nor its speed, nor the
/// change of its speed jumps.
#[derive(Debug, Clone, Copy)]
struct Glide {
    target: f64,
    stages: [f64; 3],
    coefficient: f64,
    moves: bool,
}

/// Time constant of each stage of a [`Glide`]: a move is over after some 30 ms, slow enough that a tone beside
/// the crossover gets no audible side band.
const GLIDE_S: f64 = 0.004;
/// Octaves from its target at which a corner is there.
const ARRIVED: f64 = 1e-8;

impl Glide {
    fn new(g: f64, sample_rate_hz: f64) -> Glide {
        let target = g.log2();
        let coefficient = (-1.0 / (GLIDE_S * sample_rate_hz)).exp();
        Glide { target, stages: [target; 3], coefficient, moves: false }
    }

    fn go_to(&mut self, g: f64) {
        let target = g.log2();
        if target != self.target {
            self.target = target;
            self.moves = true;
        }
    }

    fn finish(&mut self) {
        self.stages = [self.target; 3];
        self.moves = false;
    }

    /// Work for a point of the control grid.
    fn settle(&mut self) {
        if self.moves && self.stages.iter().all(|s| (s - self.target).abs() < ARRIVED) {
            self.finish();
        }
    }

    #[inline]
    fn next_value(&mut self) -> f64 {
        let mut ahead = self.target;
        for stage in &mut self.stages {
            *stage = ahead + self.coefficient * (*stage - ahead);
            ahead = *stage;
        }
        math::exp2(ahead)
    }
}

/// Coefficients of one second-order section.
#[derive(Debug, Clone, Copy, Default)]
struct Section {
    first: f64,
    cross: f64,
    second: f64,
    damping: f64,
}

impl Section {
    fn new(g: f64, damping: f64) -> Section {
        let scale = 1.0 / (1.0 + g * (g + damping));
        Section { first: 2.0 * scale - 1.0, cross: 2.0 * g * scale, second: 2.0 * g * g * scale, damping }
    }
}

/// The two sections of a split at one frame; the second is idle at 24 dB per octave.
type Tuning = [Section; 2];

fn tuning(slope: Slope, g: f64) -> Tuning {
    let mut tuning = Tuning::default();
    for (section, &damping) in tuning.iter_mut().zip(slope.dampings()) {
        *section = Section::new(g, damping);
    }
    tuning
}

/// States of one section on two channels.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    first: [f64; 2],
    second: [f64; 2],
}

/// One frame of two channels.
type Frame = [f64; 2];

impl State {
    /// Twice the band-pass, and the low-pass, of one frame.
    #[inline(always)]
    fn tick(&mut self, x: Frame, c: &Section) -> (Frame, Frame) {
        let (mut band, mut low) = ([0.0; 2], [0.0; 2]);
        for l in 0..2 {
            let rest = x[l] - self.second[l];
            let first = c.first * self.first[l] + c.cross * rest;
            let second = self.second[l] + (c.cross * self.first[l] + c.second * rest);
            band[l] = first + self.first[l];
            low[l] = 0.5 * (second + self.second[l]);
            (self.first[l], self.second[l]) = (first, second);
        }
        (band, low)
    }

    #[inline(always)]
    fn low_pass(&mut self, x: Frame, c: &Section) -> Frame {
        self.tick(x, c).1
    }

    #[inline(always)]
    fn allpass(&mut self, x: Frame, c: &Section) -> Frame {
        let (band, _) = self.tick(x, c);
        std::array::from_fn(|l| x[l] - c.damping * band[l])
    }

    /// Low-pass and allpass of one section.
    #[inline(always)]
    fn both(&mut self, x: Frame, c: &Section) -> (Frame, Frame) {
        let (band, low) = self.tick(x, c);
        (low, std::array::from_fn(|l| x[l] - c.damping * band[l]))
    }

    fn flush(&mut self) {
        self.first = self.first.map(flush);
        self.second = self.second.map(flush);
    }
}

/// Sections that one split takes at most: allpass 2, low-pass 3 more.
const SPLIT_STATES: usize = 5;

/// All states of one pair of channels.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    splits: [[State; SPLIT_STATES]; MAX_BANDS - 1],
    /// Of each split, for each lower band: the allpass.
    allpasses: [[[State; 2]; MAX_BANDS - 2]; MAX_BANDS - 1],
}

impl Pair {
    /// Clears what is too small to matter in the states of the first `edges` splits.
    fn flush(&mut self, edges: usize) {
        self.splits[..edges].iter_mut().flatten().for_each(State::flush);
        for (k, allpasses) in self.allpasses[..edges].iter_mut().enumerate() {
            allpasses[..k].iter_mut().flatten().for_each(State::flush);
        }
    }
}

/// One edge between two bands.
#[derive(Debug, Clone)]
struct Edge {
    glide: Glide,
    /// Per frame of the piece; only the first counts while nothing moves.
    tunings: [Tuning; CONTROL_FRAMES],
}

impl Edge {
    /// Frames in a row share a coefficient: with a mask of 0 the first one is taken for all.
    fn mask(&self) -> usize {
        if self.glide.moves { CONTROL_FRAMES - 1 } else { 0 }
    }
}

/// Splits channels into bands.
#[derive(Debug, Clone)]
pub struct Crossover {
    slope: Slope,
    sample_rate_hz: f64,
    edges: Vec<Edge>,
    pairs: Vec<Pair>,
}

impl Crossover {
    /// Bands between `edges_hz` (at most five, in rising order) for `channels` channels.
    pub fn new(slope: Slope, edges_hz: &[f64], sample_rate_hz: f64, channels: usize) -> Crossover {
        assert!(edges_hz.len() < MAX_BANDS, "at most {MAX_BANDS} bands");
        let edge = |&hz: &f64| {
            let glide = Glide::new(warped(hz, sample_rate_hz), sample_rate_hz);
            Edge { tunings: [tuning(slope, math::exp2(glide.target)); CONTROL_FRAMES], glide }
        };
        Crossover {
            slope,
            sample_rate_hz,
            edges: edges_hz.iter().map(edge).collect(),
            pairs: vec![Pair::default(); channels.div_ceil(2)],
        }
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.edges.len() + 1
    }

    /// Moves an edge; it glides there within some 30 ms.
    pub fn go_to(&mut self, edge: usize, hz: f64) {
        self.edges[edge].glide.go_to(warped(hz, self.sample_rate_hz));
    }

    /// Forgets the past and stands at the last edges asked for.
    pub fn reset(&mut self) {
        for edge in &mut self.edges {
            edge.glide.finish();
            edge.tunings[0] = tuning(self.slope, math::exp2(edge.glide.target));
        }
        self.pairs.fill(Pair::default());
    }

    /// Work for a point of the control grid: clears what is too small to matter.
    pub fn flush(&mut self) {
        for edge in self.edges.iter_mut().filter(|edge| edge.glide.moves) {
            edge.glide.settle();
            edge.tunings[0] = tuning(self.slope, math::exp2(edge.glide.target));
        }
        let edges = self.edges.len();
        self.pairs.iter_mut().for_each(|pair| pair.flush(edges));
    }

    /// Splits a piece of at most a control period; writes the bands of each channel.
    pub fn split(&mut self, piece: &BlockRef, bands: &mut [Bands]) {
        let frames = piece.frames();
        for edge in self.edges.iter_mut().filter(|edge| edge.glide.moves) {
            for tuned in &mut edge.tunings[..frames] {
                *tuned = tuning(self.slope, edge.glide.next_value());
            }
        }
        let channels = piece.channels().min(bands.len());
        for (place, pair) in self.pairs.iter_mut().enumerate() {
            let first = 2 * place;
            if first >= channels {
                break;
            }
            let last = (first + 1).min(channels - 1);
            let (left, right) = (piece.channel(first), piece.channel(last));
            let mut rest = [[0.0; 2]; CONTROL_FRAMES];
            for n in 0..frames {
                rest[n] = [left[n], right[n]];
            }
            let mut lows = [[[0.0; 2]; CONTROL_FRAMES]; MAX_BANDS - 1];
            for (k, edge) in self.edges.iter().enumerate() {
                let (below, own) = lows.split_at_mut(k);
                let mask = edge.mask();
                let all = pair.allpasses[k].iter_mut().zip(below);
                match self.slope {
                    Slope::Db24 => {
                        split_24(&edge.tunings, mask, &mut pair.splits[k], &mut rest[..frames], &mut own[0]);
                        all.for_each(|(s, low)| allpass_24(&edge.tunings, mask, s, &mut low[..frames]));
                    }
                    Slope::Db48 => {
                        split_48(&edge.tunings, mask, &mut pair.splits[k], &mut rest[..frames], &mut own[0]);
                        all.for_each(|(s, low)| allpass_48(&edge.tunings, mask, s, &mut low[..frames]));
                    }
                }
            }
            for channel in first..=last {
                let lane = channel - first;
                for (k, out) in bands[channel].iter_mut().enumerate().take(self.edges.len() + 1) {
                    let source = if k < self.edges.len() { &lows[k] } else { &rest };
                    out.iter_mut().zip(source).for_each(|(out, frame)| *out = frame[lane]);
                }
            }
        }
    }
}

fn split_24(
    tunings: &[Tuning; CONTROL_FRAMES],
    mask: usize,
    states: &mut [State; SPLIT_STATES],
    rest: &mut [Frame],
    lows: &mut [Frame; CONTROL_FRAMES],
) {
    let [mut one, mut two, ..] = *states;
    for (n, (rest, low)) in rest.iter_mut().zip(lows).enumerate() {
        let c = &tunings[n & mask][0];
        let (once, allpass) = one.both(*rest, c);
        *low = two.low_pass(once, c);
        *rest = [allpass[0] - low[0], allpass[1] - low[1]];
    }
    (states[0], states[1]) = (one, two);
}

fn split_48(
    tunings: &[Tuning; CONTROL_FRAMES],
    mask: usize,
    states: &mut [State; SPLIT_STATES],
    rest: &mut [Frame],
    lows: &mut [Frame; CONTROL_FRAMES],
) {
    let mut held = *states;
    for (n, (rest, low)) in rest.iter_mut().zip(lows).enumerate() {
        let [c, d] = &tunings[n & mask];
        let (once, turned) = held[0].both(*rest, c);
        let allpass = held[1].allpass(turned, d);
        let once = held[2].low_pass(once, d);
        let twice = held[3].low_pass(once, c);
        *low = held[4].low_pass(twice, d);
        *rest = [allpass[0] - low[0], allpass[1] - low[1]];
    }
    *states = held;
}

fn allpass_24(
    tunings: &[Tuning; CONTROL_FRAMES],
    mask: usize,
    states: &mut [State; 2],
    samples: &mut [Frame],
) {
    let mut state = states[0];
    for (n, frame) in samples.iter_mut().enumerate() {
        *frame = state.allpass(*frame, &tunings[n & mask][0]);
    }
    states[0] = state;
}

fn allpass_48(
    tunings: &[Tuning; CONTROL_FRAMES],
    mask: usize,
    states: &mut [State; 2],
    samples: &mut [Frame],
) {
    let [mut one, mut two] = *states;
    for (n, frame) in samples.iter_mut().enumerate() {
        let [c, d] = &tunings[n & mask];
        *frame = two.allpass(one.allpass(*frame, c), d);
    }
    *states = [one, two];
}

#[cfg(test)]
mod tests;
