//! Sections in four lanes: both channels of two neighbouring sections, or one channel of four.
//!
//! Every section works one frame behind the one before it, so that no lane waits for another within a frame. What a
//! lane computes is what its section would compute alone, to the bit, and whatever the vectors of the machine. Lanes that no
//! section is left for pass on what they hear.

use super::{Matrix, Pieces, Section, State};
use crate::blocks::grid::{CONTROL_FRAMES, flush};

/// Lanes of a vector.
pub(super) const LANES: usize = 4;

/// Rows of a matrix (see [`Matrix`]), each factor for every lane.
type Rows = [[[f64; LANES]; 3]; 3];

/// First and second state of every lane.
type Held = [[f64; LANES]; 2];

/// Passes on what comes: with states of zero, sums of negative zeros change no bit of it.
const PASSING: Matrix = Matrix { first: [0.0; 3], second: [0.0; 3], output: [-0.0, -0.0, 1.0] };

/// Runs `group`, of any length up to `P * 4 / C`, over the channels: `4 / C` sections in each of `P` vectors.
#[inline(never)]
pub(super) fn run<const C: usize, const P: usize>(
    group: &[usize],
    sections: &[Section],
    states: &mut [State],
    channels: &mut [&mut [f64]; C],
    pieces: &Pieces,
) {
    let place = |p: usize, lane: usize| Some((*group.get((p * LANES + lane) / C)?, lane % C));
    let matrix = |p, lane| place(p, lane).map_or(&PASSING, |(section, _)| &sections[section].matrix);
    let rows = std::array::from_fn(|p| rows_of(std::array::from_fn(|lane| matrix(p, lane))));
    let mut held: [Held; P] = std::array::from_fn(|p| {
        std::array::from_fn(|state| {
            std::array::from_fn(|lane| {
                place(p, lane).map_or(0.0, |(section, channel)| states[section][state][channel])
            })
        })
    });
    pass(&rows, &mut held, channels, pieces);
    for (p, held) in held.iter().enumerate() {
        for lane in 0..LANES {
            if let Some((section, channel)) = place(p, lane) {
                (states[section][0][channel], states[section][1][channel]) = (held[0][lane], held[1][lane]);
            }
        }
    }
}

fn rows_of(matrices: [&Matrix; LANES]) -> Rows {
    let row = |of: fn(&Matrix) -> [f64; 3]| -> [[f64; LANES]; 3] {
        std::array::from_fn(|i| std::array::from_fn(|lane| of(matrices[lane])[i]))
    };
    [row(|m| m.first), row(|m| m.second), row(|m| m.output)]
}

/// One frame of every lane: the same sums in the same order as one section alone.
#[inline(always)]
fn step(rows: &Rows, held: &mut Held, input: &[f64; LANES]) -> [f64; LANES] {
    let [first, second, output] = rows;
    let [a, b] = *held;
    for l in 0..LANES {
        held[0][l] = first[2][l] * input[l] + first[1][l] * b[l] + first[0][l] * a[l];
    }
    for l in 0..LANES {
        held[1][l] = second[2][l] * input[l] + second[0][l] * a[l] + second[1][l] * b[l];
    }
    // Plain loops here and below: a closure that is not inlined is not compiled for wide vectors.
    let mut given = [0.0; LANES];
    for l in 0..LANES {
        given[l] = output[0][l] * a[l] + output[1][l] * b[l] + output[2][l] * input[l];
    }
    given
}

/// One turn of all vectors: takes what has come of every channel, gives what leaves the last section. `passed` is what every
/// section gave a turn ago.
#[inline(always)]
fn turn<const C: usize, const P: usize>(
    rows: &[Rows; P],
    held: &mut [Held; P],
    passed: &mut [[f64; LANES]; P],
    mut x: [f64; C],
) -> [f64; C] {
    for p in 0..P {
        let mut input = [0.0; LANES];
        input[..C].copy_from_slice(&x);
        input[C..].copy_from_slice(&passed[p][..LANES - C]);
        passed[p] = step(&rows[p], &mut held[p], &input);
        x.copy_from_slice(&passed[p][LANES - C..]);
    }
    x
}

audio::wide! {
    fn pass<const C: usize, const P: usize>(
        rows: &[Rows; P],
        held: &mut [Held; P],
        channels: &mut [&mut [f64]; C],
        pieces: &Pieces,
    ) {
        let frames = pieces.frames;
        // How many frames the section of a lane is behind the first, and the last one.
        let behind = |p: usize, lane: usize| p * (LANES / C - 1) + lane / C;
        let last = P * (LANES / C - 1);
        let mut now = *held;
        let mut passed = [[0.0; LANES]; P];
        let mut point = if pieces.at_point { 0 } else { pieces.first };
        let mut at = 0;
        while at < frames + last {
            let mut end = if point < frames { point.max(at + 1) } else { frames };
            if point < frames && at >= point {
                // Each section clears what is too small to matter when the point of the grid comes to it.
                for (p, held) in now.iter_mut().enumerate() {
                    for lane in (0..LANES).filter(|&lane| behind(p, lane) == at - point) {
                        (held[0][lane], held[1][lane]) = (flush(held[0][lane]), flush(held[1][lane]));
                    }
                }
                if at - point == last {
                    point = if point == 0 && pieces.at_point { pieces.first } else { point + CONTROL_FRAMES };
                    end = point.max(at + 1);
                }
            }
            if at >= last && at < frames {
                end = end.min(frames);
                for n in at..end {
                    let mut x = [0.0; C];
                    for c in 0..C {
                        x[c] = channels[c][n];
                    }
                    let x = turn(rows, &mut now, &mut passed, x);
                    for c in 0..C {
                        channels[c][n - last] = x[c];
                    }
                }
                at = end;
                continue;
            }
            // At both ends some sections have no frame to work on: their states must not move.
            let before = now;
            let mut heard = [0.0; C];
            for c in 0..C {
                heard[c] = channels[c].get(at).copied().unwrap_or(0.0);
            }
            let x: [f64; C] = turn(rows, &mut now, &mut passed, heard);
            for p in 0..P {
                for lane in 0..LANES {
                    let begun = behind(p, lane);
                    if at < begun || at - begun >= frames {
                        (now[p][0][lane], now[p][1][lane]) = (before[p][0][lane], before[p][1][lane]);
                    }
                }
            }
            if at >= last {
                (0..C).for_each(|c| channels[c][at - last] = x[c]);
            }
            at += 1;
        }
        *held = now;
    }
}
