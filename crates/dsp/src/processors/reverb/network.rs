//! The late field: a network of sixteen delay lines that feed each other.
//!
//! Jot & Chaigne, *Digital delay networks for designing artificial reverberators*, AES 90th Convention (1991):
//! lines of mutually prime lengths, an orthogonal (here Hadamard) feedback matrix, and in each line the
//! attenuation that its length needs for the wished decay time. The matrix turns slowly (Schlecht & Habets,
//! *Time-varying feedback matrices in feedback delay networks*, JASA 138, 2015): a rotation loses no energy at
//! any frequency, whereas moving delays would damp the treble in every round through their interpolation.
//! A chamber's lines have an absorbent allpass each (Dahl & Jot, *A reverberator based on absorbent all-pass filters*,
//! DAFx 2000): every round multiplies the echoes once more, so that short paths are dense at once.
//!
//! Sixteen lines are one `[f64; 16]` per frame, so that the compiler can do several lines at once.

use super::space::Space;
use crate::blocks::absorption::Absorption;
use crate::blocks::decay::Shelves;
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::history::History;
use crate::blocks::primes::prime_lengths;
use audio::Frames;
use std::f64::consts::TAU;

/// Lines of the network.
pub(super) const LINES: usize = 16;

/// One frame of all lines.
pub(super) type Vector = [f64; LINES];

/// One control period of all lines, frame by frame.
type Tile = [Vector; CONTROL_FRAMES];

/// One control period of all lines, line by line.
pub(super) type Planes = [[f64; CONTROL_FRAMES]; LINES];

/// Sixteen delays, each read a piece before it is written.
struct Delays {
    lengths: [Frames; LINES],
    past: [History; LINES],
}

impl Delays {
    fn new(lengths: [Frames; LINES]) -> Delays {
        Delays { lengths, past: lengths.map(History::new) }
    }

    fn reset(&mut self) {
        self.past.iter_mut().for_each(History::reset);
    }

    /// Reads the next frames of every line, of which there are fewer than the shortest delay has.
    fn read(&self, tile: &mut [Vector]) {
        let frames = tile.len();
        for first in (0..LINES).step_by(SQUARE) {
            let lines =
                [0, 1, 2, 3].map(|n| self.past[first + n].behind(self.lengths[first + n] - frames, frames));
            frame_by_frame(lines, first, tile);
        }
    }

    /// Puts in the mixtures of what comes after that, and `input` with them; hears two of them.
    fn write_mixed(&mut self, tile: &[Vector], input: &Planes, left: &mut [f64], right: &mut [f64]) {
        let lines = self.past.each_mut().map(|past| past.next(tile.len()));
        mix_lines(tile, input, lines, left, right);
        self.past.iter_mut().for_each(|past| past.advance(tile.len()));
    }

    /// Puts in what comes after that, and `input` with it.
    fn write(&mut self, tile: &[Vector], input: &Planes) {
        let (pasts, _) = self.past.as_chunks_mut::<SQUARE>();
        let (inputs, _) = input.as_chunks::<SQUARE>();
        for (group, (pasts, inputs)) in pasts.iter_mut().zip(inputs).enumerate() {
            let lines = pasts.each_mut().map(|past| past.next(tile.len()));
            line_by_line(tile, group * SQUARE, inputs, lines);
            pasts.iter_mut().for_each(|past| past.advance(tile.len()));
        }
    }
}

/// Numbers of every line, line by line.
type Rows<const N: usize> = [[f64; N]; LINES];

/// Frames and lines that are turned over together.
const SQUARE: usize = 4;

type Square = [[f64; SQUARE]; SQUARE];

/// Rows become columns.
#[inline(always)]
fn turned([a, b, c, d]: Square) -> Square {
    [[a[0], b[0], c[0], d[0]], [a[1], b[1], c[1], d[1]], [a[2], b[2], c[2], d[2]], [a[3], b[3], c[3], d[3]]]
}

/// Four numbers from a place on.
#[inline(always)]
fn four(samples: &[f64], at: usize) -> [f64; SQUARE] {
    let mut four = [0.0; SQUARE];
    four.copy_from_slice(&samples[at..at + SQUARE]);
    four
}

audio::wide! {
    by four:
    /// From four lines to frames.
    fn frame_by_frame(lines: [&[f64]; SQUARE], first: usize, tile: &mut [Vector]) {
        let frames = tile.len();
        let (a, b, c, d) = (&lines[0][..frames], &lines[1][..frames], &lines[2][..frames], &lines[3][..frames]);
        let whole = frames / SQUARE * SQUARE;
        for n in (0..whole).step_by(SQUARE) {
            let square = turned([four(a, n), four(b, n), four(c, n), four(d, n)]);
            for row in 0..SQUARE {
                tile[n + row][first..first + SQUARE].copy_from_slice(&square[row]);
            }
        }
        for n in whole..frames {
            tile[n][first..first + SQUARE].copy_from_slice(&[a[n], b[n], c[n], d[n]]);
        }
    }
}

audio::wide! {
    by four:
    /// From frames to four lines, with what else comes in.
    fn line_by_line(
        tile: &[Vector],
        first: usize,
        inputs: &[[f64; CONTROL_FRAMES]; SQUARE],
        lines: [&mut [f64]; SQUARE],
    ) {
        let whole = tile.len() / SQUARE * SQUARE;
        for n in (0..whole).step_by(SQUARE) {
            let of = |row: usize| four(&tile[n + row], first);
            let square = turned([of(0), of(1), of(2), of(3)]);
            for line in 0..SQUARE {
                let input = four(&inputs[line], n);
                let mut sum = [0.0; SQUARE];
                for i in 0..SQUARE {
                    sum[i] = square[line][i] + input[i];
                }
                lines[line][n..n + SQUARE].copy_from_slice(&sum);
            }
        }
        for n in whole..tile.len() {
            for line in 0..SQUARE {
                lines[line][n] = tile[n][first + line] + inputs[line][n];
            }
        }
    }
}

/// Nothing comes in.
static NOTHING: Planes = [[0.0; CONTROL_FRAMES]; LINES];

/// The Hadamard transform of `N` frames without its factor of a quarter. Line by line: in a frame's own vector neighbouring
/// lines would have to change places.
#[inline(always)]
fn hadamard<const N: usize>(v: &mut Rows<N>) {
    butterflies::<8, N>(v);
    butterflies::<4, N>(v);
    butterflies::<2, N>(v);
    butterflies::<1, N>(v);
}

/// Sums and differences of lines `HALF` apart. A constant distance lets the compiler lay the loops flat.
#[inline(always)]
fn butterflies<const HALF: usize, const N: usize>(v: &mut Rows<N>) {
    for pair in v.chunks_exact_mut(2 * HALF) {
        let (a, b) = pair.split_at_mut(HALF);
        for (a, b) in a.iter_mut().zip(b) {
            for n in 0..N {
                (a[n], b[n]) = (a[n] + b[n], a[n] - b[n]);
            }
        }
    }
}

audio::wide! {
    by four:
    /// From frames to lines, mixed, with what else comes in; and two of the sixteen mixtures.
    fn mix_lines(
        tile: &[Vector],
        inputs: &Planes,
        lines: [&mut [f64]; LINES],
        left: &mut [f64],
        right: &mut [f64],
    ) {
        let frames = tile.len();
        let lines = lines.map(|line| &mut line[..frames]);
        let (left, right) = (&mut left[..frames], &mut right[..frames]);
        let whole = frames / SQUARE * SQUARE;
        for n in (0..whole).step_by(SQUARE) {
            let mut rows = [[0.0; SQUARE]; LINES];
            for first in (0..LINES).step_by(SQUARE) {
                let of = |row: usize| four(&tile[n + row], first);
                rows[first..first + SQUARE].copy_from_slice(&turned([of(0), of(1), of(2), of(3)]));
            }
            hadamard(&mut rows);
            left[n..n + SQUARE].copy_from_slice(&rows[HEARD[0]]);
            right[n..n + SQUARE].copy_from_slice(&rows[HEARD[1]]);
            for line in 0..LINES {
                let input = four(&inputs[line], n);
                let mut sum = [0.0; SQUARE];
                for i in 0..SQUARE {
                    sum[i] = rows[line][i] + input[i];
                }
                lines[line][n..n + SQUARE].copy_from_slice(&sum);
            }
        }
        for n in whole..frames {
            let mut rows = tile[n].map(|sample| [sample]);
            hadamard(&mut rows);
            (left[n], right[n]) = (rows[HEARD[0]][0], rows[HEARD[1]][0]);
            for line in 0..LINES {
                lines[line][n] = rows[line][0] + inputs[line][n];
            }
        }
    }
}

/// The mixtures that the two outputs are: rows whose product is balanced in every half, so that what they share cancels
/// everywhere.
const HEARD: [usize; 2] = [5, 10];

/// Eight slow oscillators, each of which turns a pair of lines.
struct Turning {
    /// Where the oscillators stand, as points on the unit circle.
    phase: [[f64; 2]; LINES / 2],
    /// By how much each moves on in a control period, as a rotation.
    advance: [[f64; 2]; LINES / 2],
    cos: [f64; LINES / 2],
    sin: [f64; LINES / 2],
    cos_step: [f64; LINES / 2],
    sin_step: [f64; LINES / 2],
    next: [[f64; 2]; LINES / 2],
}

impl Turning {
    fn new(sample_rate_hz: f64) -> Turning {
        let mut pair = 0;
        let advance = [(); LINES / 2].map(|()| {
            // 0.1 to 1 Hz in equal ratios: slow enough not to be heard as beating, and never in step.
            let hz = 0.11 * (0.93f64 / 0.11).powf(f64::from(pair) / 7.0);
            pair += 1;
            let angle = TAU * hz * CONTROL_FRAMES as f64 / sample_rate_hz;
            [angle.cos(), angle.sin()]
        });
        let zero = [0.0; LINES / 2];
        let mut turning = Turning {
            phase: [[1.0, 0.0]; LINES / 2],
            advance,
            cos: zero,
            sin: zero,
            cos_step: zero,
            sin_step: zero,
            next: [[1.0, 0.0]; LINES / 2],
        };
        turning.reset(0.0);
        turning
    }

    fn reset(&mut self, depth: f64) {
        for (pair, phase) in self.phase.iter_mut().enumerate() {
            let angle = TAU * pair as f64 * 0.381_966;
            *phase = [angle.cos(), angle.sin()];
        }
        for (next, phase) in self.next.iter_mut().zip(&self.phase) {
            *next = rotation(depth * phase[1]);
        }
    }

    /// Prepares one control period; `depth` 0 stands still, 1 swings by a quarter turn either way.
    fn control(&mut self, depth: f64) {
        for pair in 0..LINES / 2 {
            let ([a, b], [c, s]) = (self.phase[pair], self.advance[pair]);
            let turned = [a * c - b * s, a * s + b * c];
            // One step of Newton's method keeps the point on the circle for ever.
            let unit = 1.5 - 0.5 * (turned[0] * turned[0] + turned[1] * turned[1]);
            self.phase[pair] = turned.map(|x| x * unit);
            let (from, to) = (self.next[pair], rotation(depth * self.phase[pair][1]));
            self.next[pair] = to;
            (self.cos[pair], self.sin[pair]) = (from[0], from[1]);
            self.cos_step[pair] = (to[0] - from[0]) / CONTROL_FRAMES as f64;
            self.sin_step[pair] = (to[1] - from[1]) / CONTROL_FRAMES as f64;
        }
    }
}

/// Cosine and sine of twice the angle whose tangent is `t`: a rotation from arithmetic alone, and the chord
/// between two of them lies within the circle, so that nothing between them can grow.
fn rotation(t: f64) -> [f64; 2] {
    let unit = 1.0 / (1.0 + t * t);
    [(1.0 - t * t) * unit, 2.0 * t * unit]
}

/// The network of sixteen lines.
pub(super) struct Network {
    delays: Delays,
    absorption: Absorption<LINES>,
    nested: Option<Nested>,
    turning: Turning,
    tile: Box<Tile>,
}

impl Network {
    pub(super) fn new(space: &Space, sample_rate_hz: f64) -> Network {
        let frames = |ms: f64| ms * sample_rate_hz / 1000.0;
        // A control period is read before it is written: no line may be shorter.
        let shortest = frames(space.lines_ms.0).max(CONTROL_FRAMES as f64 + 1.0);
        let mut primes = prime_lengths(shortest, frames(space.lines_ms.1).max(2.0 * shortest), LINES);
        // Seven steps apart: neighbours in length do not meet in the same pair.
        let mut lengths = [0; LINES];
        for n in 0..LINES {
            lengths[n * 7 % LINES] = primes.next().expect("as many lengths as lines");
        }
        Network {
            delays: Delays::new(lengths),
            absorption: Absorption::default(),
            nested: space.nested_ms.map(|ms| Nested::new(ms, sample_rate_hz)),
            turning: Turning::new(sample_rate_hz),
            tile: Box::new([[0.0; LINES]; CONTROL_FRAMES]),
        }
    }

    /// Frames of one round through each line.
    pub(super) fn lengths(&self) -> [Frames; LINES] {
        let nested = self.nested.as_ref().map_or([0; LINES], |nested| nested.delays.lengths);
        std::array::from_fn(|line| self.delays.lengths[line] + nested[line])
    }

    /// Moves to another absorption within the next control period. `shelves` are those of each line; the
    /// factor of the Hadamard matrix goes with them.
    pub(super) fn absorb(&mut self, mut shelves: impl FnMut(Frames) -> Shelves) {
        self.absorption.go_to(&self.delays.lengths, 0.25, &mut shelves);
        if let Some(nested) = &mut self.nested {
            nested.absorption.go_to(&nested.delays.lengths, 1.0, shelves);
        }
    }

    pub(super) fn reset(&mut self, turning_depth: f64) {
        self.delays.reset();
        self.absorption.reset();
        if let Some(nested) = &mut self.nested {
            nested.delays.reset();
            nested.absorption.reset();
        }
        self.turning.reset(turning_depth);
    }

    /// Prepares the next control period.
    pub(super) fn control(&mut self, turning_depth: f64) {
        self.absorption.control();
        self.nested.iter_mut().for_each(|nested| nested.absorption.control());
        self.turning.control(turning_depth);
    }

    /// Feeds as many frames of `input` as the outputs are long, within one control period, and writes two of
    /// the sixteen mixtures.
    pub(super) fn process(&mut self, input: &Planes, left: &mut [f64], right: &mut [f64]) {
        let frames = left.len();
        let tile = &mut self.tile[..frames];
        self.delays.read(tile);
        if let Some(nested) = &mut self.nested {
            nested.process(tile);
        }
        absorb_and_turn(tile, &mut self.absorption, &mut self.turning);
        self.delays.write_mixed(tile, input, left, right);
    }
}

/// An allpass behind every line, whose own delay absorbs in proportion to its length: all modes of the network keep
/// one decay time per frequency.
struct Nested {
    delays: Delays,
    absorption: Absorption<LINES>,
    tile: Box<Tile>,
}

/// Coefficient of the nested allpasses: near the golden section, where an allpass's first two echoes
/// are equally loud.
const NESTED_GAIN: f64 = 0.6;

impl Nested {
    fn new(range_ms: (f64, f64), sample_rate_hz: f64) -> Nested {
        let frames = |ms: f64| ms * sample_rate_hz / 1000.0;
        // Read before it is written, like the lines.
        let shortest = frames(range_ms.0).max(CONTROL_FRAMES as f64 + 1.0);
        let mut primes = prime_lengths(shortest, frames(range_ms.1).max(2.0 * shortest), LINES);
        // In another order than the lines': long allpasses stand behind short lines as well.
        let mut lengths = [0; LINES];
        for n in 0..LINES {
            lengths[(n * 11 + 5) % LINES] = primes.next().expect("as many lengths as lines");
        }
        Nested {
            delays: Delays::new(lengths),
            absorption: Absorption::default(),
            tile: Box::new([[0.0; LINES]; CONTROL_FRAMES]),
        }
    }

    fn process(&mut self, tile: &mut [Vector]) {
        let own = &mut self.tile[..tile.len()];
        self.delays.read(own);
        allpass(tile, own, &mut self.absorption);
        self.delays.write(own, &NOTHING);
    }
}

audio::wide! {
    /// `w = x + g A(w delayed)`, `y = A(w delayed) - g w`: from `own`, what was delayed, and `tile`, x, to w and y.
    fn allpass(tile: &mut [Vector], own: &mut [Vector], absorption: &mut Absorption<LINES>) {
        for (x, w) in tile.iter_mut().zip(own) {
            let mut delayed = *w;
            absorption.absorb(&mut delayed);
            for line in 0..LINES {
                w[line] = x[line] + NESTED_GAIN * delayed[line];
                x[line] = delayed[line] - NESTED_GAIN * w[line];
            }
        }
    }
}

audio::wide! {
    /// Absorbs and turns the lines of each frame.
    fn absorb_and_turn(tile: &mut [Vector], absorption: &mut Absorption<LINES>, turning: &mut Turning) {
        absorption.absorb_all(tile);
        let Turning { mut cos, mut sin, cos_step, sin_step, .. } = *turning;
        for frame in tile {
            let mut lines = *frame;
            for pair in 0..LINES / 2 {
                let (a, b) = (lines[pair], lines[pair + LINES / 2]);
                lines[pair] = cos[pair] * a - sin[pair] * b;
                lines[pair + LINES / 2] = sin[pair] * a + cos[pair] * b;
                cos[pair] += cos_step[pair];
                sin[pair] += sin_step[pair];
            }
            *frame = lines;
        }
        (turning.cos, turning.sin) = (cos, sin);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::*;

    #[test]
    fn the_matrix_is_sixteen_times_its_own_inverse() {
        for line in 0..LINES {
            // Another factor for each of the frames.
            let mut v = [[0.0; 3]; LINES];
            v[line] = [1.0, -2.0, 4.0];
            hadamard(&mut v);
            assert!(v.iter().all(|x| x.map(f64::abs) == [1.0, 2.0, 4.0]));
            hadamard(&mut v);
            for (other, x) in v.iter().enumerate() {
                assert_eq!(*x, if other == line { [16.0, -32.0, 64.0] } else { [0.0; 3] });
            }
        }
    }

    /// What the network holds: an allpass's memory counts for `1 - g^2` of its samples, since
    /// `y^2 + (1 - g^2) w^2 = x^2 + (1 - g^2) w'^2` with `w'` the delayed `w`.
    fn held(network: &Network) -> f64 {
        let energy = |delays: &Delays| delays.past.iter().flat_map(History::held).map(|x| x * x).sum::<f64>();
        let nested = network.nested.as_ref().map_or(0.0, |nested| energy(&nested.delays));
        energy(&network.delays) + (1.0 - NESTED_GAIN * NESTED_GAIN) * nested
    }

    #[test]
    fn a_turning_lossless_network_keeps_its_energy() {
        // Without absorption what is held must stay what it was, to rounding: any loss or gain of a rotation, the
        // matrix or an allpass would show after a hundred rounds. With absorption, whose gain is below one at all
        // frequencies, it can hence only fall, whatever the decay time.
        for style in [Style::Room, Style::Plate, Style::Hall, Style::Chamber] {
            let mut network = Network::new(&Space::new(style, 0.0), 48_000.0);
            network.absorb(|_| Shelves::NONE);
            network.reset(0.5);
            let mut input = [[0.0; CONTROL_FRAMES]; LINES];
            let (mut l, mut r) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
            input.iter_mut().for_each(|line| line[3] = 0.25);
            network.control(0.5);
            network.process(&input, &mut l, &mut r);
            let before = held(&network);
            assert!((before - 1.0).abs() < 1e-12);
            input.iter_mut().for_each(|line| line[3] = 0.0);
            for _ in 0..2_000 {
                network.control(0.5);
                network.process(&input, &mut l, &mut r);
            }
            let after = held(&network);
            // Chords between rotations lose at most (0.4 degrees)^2 / 8 per frame met: 1e-4 in this time.
            assert!(after <= 1.0 + 1e-9 && after > 1.0 - 1e-3, "{style:?}: energy {after}");
        }
    }

    #[test]
    fn delays_are_as_long_as_asked_however_cut() {
        let mut lengths = [0; LINES];
        for (line, length) in lengths.iter_mut().enumerate() {
            *length = CONTROL_FRAMES + 11 * line;
        }
        let mut delays = Delays::new(lengths);
        let mut time = 0usize;
        for size in [1, 64, 3, 17, 64, 64, 50, 1, 64, 64, 64, 64] {
            let mut tile = vec![[0.0; LINES]; size];
            delays.read(&mut tile);
            for (n, frame) in tile.iter().enumerate() {
                for line in 0..LINES {
                    let expected = (time + n + 1).saturating_sub(lengths[line]) as f64;
                    assert_eq!(frame[line], expected, "line {line}, frame {}", time + n);
                }
            }
            let half: Vec<Vector> = (0..size).map(|_| [0.25; LINES]).collect();
            let mut input = [[0.0; CONTROL_FRAMES]; LINES];
            for line in &mut input {
                (0..size).for_each(|n| line[n] = (time + n + 1) as f64 - 0.25);
            }
            delays.write(&half, &input);
            time += size;
        }
    }
}
