//! The K-weighting run four frames at a time.
//!
//! A recursive filter waits for its own last output at every frame. Written as a state space (Oppenheim & Schafer,
//! *Discrete-Time Signal Processing*, section 6.3) and stepped by four frames at once, the same filter is sums of
//! products that do not wait for each other: `state' = A^4 state + B x`, `z = C state + D x`, with four frames in `x`
//! and `z`. The order of all sums is fixed, so that the bits do not depend on the machine's vectors.

use super::weighting::Section;

/// Frames of one step, and state variables of the two sections.
const STEP: usize = 4;
/// A vector of four frames, or of the four state variables.
type Four = [f64; STEP];

/// Filter states below this are set to zero at the end of a bin: denormal numbers are slow, and -600 dB is
/// no sound.
const FLUSH: f64 = 1e-30;

/// Both sections for steps of one frame and of four.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    sections: [Section; 2],
    /// Columns: what each state variable adds to the four outputs, and to the next state.
    output_of_state: [Four; STEP],
    state_of_state: [Four; STEP],
    /// Columns: what each input adds to the four outputs, and to the next state.
    output_of_input: [Four; STEP],
    state_of_input: [Four; STEP],
}

impl Filter {
    pub(crate) fn new(sections: [Section; 2]) -> Filter {
        let run = |mut state: Four, input: Four| {
            let output = input.map(|x| step(&sections, &mut state, x));
            (output, state)
        };
        // The response to each unit vector is a column of the matrices.
        let unit = |n: usize| std::array::from_fn(|i| if i == n { 1.0 } else { 0.0 });
        let of_state: [(Four, Four); STEP] = std::array::from_fn(|n| run(unit(n), [0.0; STEP]));
        let of_input: [(Four, Four); STEP] = std::array::from_fn(|n| run([0.0; STEP], unit(n)));
        Filter {
            sections,
            output_of_state: of_state.map(|(output, _)| output),
            state_of_state: of_state.map(|(_, state)| state),
            output_of_input: of_input.map(|(output, _)| output),
            state_of_input: of_input.map(|(_, state)| state),
        }
    }

    /// Runs two equally long channels through the filter and gives the sums of the squares of what comes out.
    pub(crate) fn squares(&self, states: &mut [Four; 2], first: &[f64], second: &[f64]) -> [f64; 2] {
        let whole = first.len() / STEP * STEP;
        let mut sums = fours(self, states, &first[..whole], &second[..whole]);
        for (c, rest) in [&first[whole..], &second[whole..]].into_iter().enumerate() {
            for x in rest {
                let z = step(&self.sections, &mut states[c], *x);
                sums[c] += z * z;
            }
            states[c] = states[c].map(|s| if s.abs() < FLUSH { 0.0 } else { s });
        }
        sums
    }
}

/// One frame through both sections (transposed direct form II).
fn step(sections: &[Section; 2], state: &mut Four, x: f64) -> f64 {
    let [shelf, high_pass] = sections;
    let [s1, s2, h1, h2] = *state;
    let y = shelf.b0 * x + s1;
    let z = high_pass.b0 * y + h1;
    *state = [
        shelf.b1 * x - shelf.a1 * y + s2,
        shelf.b2 * x - shelf.a2 * y,
        high_pass.b1 * y - high_pass.a1 * z + h2,
        high_pass.b2 * y - high_pass.a2 * z,
    ];
    z
}

/// The product of a matrix, given by its columns, and a vector.
#[inline(always)]
fn product(columns: &[Four; STEP], by: Four) -> Four {
    std::array::from_fn(|i| {
        (columns[0][i] * by[0] + columns[1][i] * by[1]) + (columns[2][i] * by[2] + columns[3][i] * by[3])
    })
}

#[inline(always)]
fn sum(a: Four, b: Four) -> Four {
    std::array::from_fn(|i| a[i] + b[i])
}

audio::wide! {
    /// Steps of four frames of two channels; gives the sums of squares.
    fn fours(filter: &Filter, states: &mut [Four; 2], first: &[f64], second: &[f64]) -> [f64; 2] {
        let mut sums = [[0.0; STEP]; 2];
        let mut now = *states;
        for (a, b) in first.chunks_exact(STEP).zip(second.chunks_exact(STEP)) {
            for (c, from) in [a, b].into_iter().enumerate() {
                let x = [from[0], from[1], from[2], from[3]];
                let z = sum(product(&filter.output_of_input, x), product(&filter.output_of_state, now[c]));
                now[c] = sum(product(&filter.state_of_input, x), product(&filter.state_of_state, now[c]));
                sums[c] = std::array::from_fn(|i| sums[c][i] + z[i] * z[i]);
            }
        }
        *states = now;
        sums.map(|s| (s[0] + s[1]) + (s[2] + s[3]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loudness::weighting::k_weighting;

    /// The same filter frame by frame, in ordinary order. Rounding: the state of the high-pass decays over thousands
    /// of frames, so that some thousand roundings of 1e-16 add up.
    #[test]
    fn four_at_a_time_is_one_at_a_time() {
        let mut random = 1u64;
        let mut noise = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        for rate in [8_000.0, 44_100.0, 192_000.0, 768_000.0] {
            let sections = k_weighting(rate);
            let filter = Filter::new(sections);
            let (mut fast, mut slow) = ([[0.0; 4]; 2], [[0.0; 4]; 2]);
            for length in [441, 0, 1, 2, 3, 4, 5, 480, 1920, 7] {
                let planes: [Vec<f64>; 2] = std::array::from_fn(|_| (0..length).map(|_| noise()).collect());
                let got = filter.squares(&mut fast, &planes[0], &planes[1]);
                for c in 0..2 {
                    let squares = planes[c].iter().map(|x| step(&sections, &mut slow[c], *x).powi(2));
                    let expected: f64 = squares.sum();
                    assert!((got[c] - expected).abs() <= 1e-9 * expected, "{rate}: {} {expected}", got[c]);
                }
            }
        }
    }

    #[test]
    fn a_state_that_nobody_hears_becomes_zero() {
        let filter = Filter::new(k_weighting(48_000.0));
        let mut states = [[1.0; 4]; 2];
        for _ in 0..2_000 {
            filter.squares(&mut states, &[0.0; 480], &[0.0; 480]);
        }
        assert_eq!(states, [[0.0; 4]; 2]);
    }
}
