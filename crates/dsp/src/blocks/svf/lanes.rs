//! Neighbouring sections beside each other: a lane for each section and channel.
//!
//! Every section works some frames behind the one before it, so that no lane waits for another. What they hear and give
//! stands in rows, one for each step: first what comes in, then what each lane gives. A row moved by one section is what all
//! lanes hear some steps later, so that nothing is shuffled between lanes; and by then it has long been written.
//!
//! What a lane computes is what its section would compute alone, to the bit, and whatever the vectors of the machine.

use super::{MOST_AT_ONCE, Matrix, Pieces, Section, State};
use crate::blocks::grid::{CONTROL_FRAMES, FLUSH_BELOW};

/// Lanes of the narrowest vectors that pay.
pub(super) const LANES: usize = 4;

/// Whether the machine's vectors hold eight lanes, of which twelve take as many as sixteen.
pub(super) fn are_by_eight() -> bool {
    #[cfg(target_arch = "x86_64")]
    return audio::vectors() == audio::Vectors::Eight;
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Steps that a section is behind the one before it: more than a processor works on at once. A power of two, and a part of
/// the control period.
const SKEW: usize = 16;
/// The same where the blocks are so short that the steps at both ends, in which not all sections work, would cost more than
/// waiting for a row to be written.
const SHORT_SKEW: usize = 2;
const SHORT: usize = 256;

/// Numbers of a row: two channels, what every lane gives, and room up to the next line of the cache.
const ROW: usize = (2 + 2 * MOST_AT_ONCE).next_multiple_of(8);

/// The rows of all steps that a section is behind.
#[repr(align(64))]
struct Ring([[f64; ROW]; SKEW]);

/// Rows of a matrix (see [`Matrix`]), each factor for every lane.
type Rows<const W: usize> = [[[f64; W]; 3]; 3];

/// First and second state of every lane.
type Held<const W: usize> = [[f64; W]; 2];

/// What the lanes do that no section is left for; nobody hears it.
const IDLE: Matrix = Matrix { first: [0.0; 3], second: [0.0; 3], output: [0.0; 3] };

/// Runs `group`, of any length up to `W / C`, over the channels.
#[inline(never)]
pub(super) fn run<const C: usize, const W: usize>(
    group: &[usize],
    sections: &[Section],
    states: &mut [State],
    channels: &mut [&mut [f64]; C],
    pieces: &Pieces,
) {
    let matrix = |lane: usize| group.get(lane / C).map_or(&IDLE, |section| &sections[*section].matrix);
    let row = |of: fn(&Matrix) -> [f64; 3]| -> [[f64; W]; 3] {
        std::array::from_fn(|i| std::array::from_fn(|lane| of(matrix(lane))[i]))
    };
    let rows = [row(|m| m.first), row(|m| m.second), row(|m| m.output)];
    let mut held: Held<W> = std::array::from_fn(|state| {
        std::array::from_fn(|lane| group.get(lane / C).map_or(0.0, |s| states[*s][state][lane % C]))
    });
    match W <= LANES {
        true => pass_few(&rows, &mut held, group.len(), channels, pieces),
        false => pass(&rows, &mut held, group.len(), channels, pieces),
    }
    for (place, section) in group.iter().enumerate() {
        for state in 0..2 {
            states[*section][state][..C].copy_from_slice(&held[state][place * C..][..C]);
        }
    }
}

/// One frame of every lane: the same sums in the same order as one section alone.
#[inline(always)]
fn step<const C: usize, const W: usize>(rows: &Rows<W>, held: &mut Held<W>, row: &mut [f64; ROW]) {
    let [first, second, output] = rows;
    let [a, b] = *held;
    let mut input = [0.0; W];
    input.copy_from_slice(&row[..W]);
    // Plain loops: a closure that is not inlined is not compiled for wide vectors.
    let mut given = [0.0; W];
    for l in 0..W {
        held[0][l] = first[2][l] * input[l] + first[1][l] * b[l] + first[0][l] * a[l];
        held[1][l] = second[2][l] * input[l] + second[0][l] * a[l] + second[1][l] * b[l];
        given[l] = output[0][l] * a[l] + output[1][l] * b[l] + output[2][l] * input[l];
    }
    row[C..C + W].copy_from_slice(&given);
}

#[inline(always)]
fn passed<const C: usize, const W: usize>(
    rows: &Rows<W>,
    held: &mut Held<W>,
    sections: usize,
    channels: &mut [&mut [f64]; C],
    pieces: &Pieces,
) {
    let frames = pieces.frames;
    let skew = if frames < SHORT { SHORT_SKEW } else { SKEW };
    let last = (sections - 1) * skew;
    let point = if pieces.at_point { 0 } else { pieces.first };
    let mut ring = Ring([[0.0; ROW]; SKEW]);
    for (c, channel) in channels.iter().enumerate() {
        for (row, sample) in ring.0[..skew].iter_mut().zip(channel.iter()) {
            row[c] = *sample;
        }
    }
    let mut at = 0;
    while at < frames + last {
        // Up to the next step at which a section may begin, end, or meet a point of the grid.
        let to = |place: usize| skew - ((at + skew - place % skew) & (skew - 1));
        let steps = to(0).min(to(frames)).min(to(point));
        let before = *held;
        // Each section clears what is too small to matter when the point of the grid comes to it.
        let mut least = [0.0; W];
        for l in 0..W {
            let since = at + 4 * CONTROL_FRAMES - point - l / C * skew;
            least[l] = if since.is_multiple_of(CONTROL_FRAMES) { FLUSH_BELOW } else { 0.0 };
        }
        let mut now = *held;
        for state in &mut now {
            for l in 0..W {
                state[l] = if state[l].abs() < least[l] { 0.0 } else { state[l] };
            }
        }
        // What comes in stands in its row long before it is heard, what goes out is written where all have heard it.
        let (feeds, gives) = (at + skew < frames, at >= last);
        let (mut feed, mut give): ([&[f64]; C], [&mut [f64]; C]) =
            ([&[]; C], std::array::from_fn(|_| &mut [][..]));
        for ((feed, give), channel) in feed.iter_mut().zip(&mut give).zip(channels.iter_mut()) {
            let (done, coming) = channel.split_at_mut((at + skew).min(frames));
            if feeds {
                *feed = &coming[..steps];
            }
            if gives {
                *give = &mut done[at - last..][..steps];
            }
        }
        let given = sections * C;
        for (n, row) in ring.0[at & (skew - 1)..][..steps].iter_mut().enumerate() {
            step::<C, W>(rows, &mut now, row);
            if feeds {
                for c in 0..C {
                    row[c] = feed[c][n];
                }
            }
            if gives {
                for c in 0..C {
                    give[c][n] = row[given + c];
                }
            }
        }
        if at < last || at + steps > frames {
            // At both ends some sections have no frame to work on: their states must not move.
            for l in 0..W {
                let begun = l / C * skew;
                if at < begun || at >= begun + frames {
                    (now[0][l], now[1][l]) = (before[0][l], before[1][l]);
                }
            }
        }
        *held = now;
        at += steps;
    }
}

audio::wide! {
    fn pass<const C: usize, const W: usize>(
        rows: &Rows<W>,
        held: &mut Held<W>,
        sections: usize,
        channels: &mut [&mut [f64]; C],
        pieces: &Pieces,
    ) {
        passed::<C, W>(rows, held, sections, channels, pieces);
    }
}

audio::wide! {
    by four:
    /// The same for no more lanes than four.
    fn pass_few<const C: usize, const W: usize>(
        rows: &Rows<W>,
        held: &mut Held<W>,
        sections: usize,
        channels: &mut [&mut [f64]; C],
        pieces: &Pieces,
    ) {
        passed::<C, W>(rows, held, sections, channels, pieces);
    }
}
