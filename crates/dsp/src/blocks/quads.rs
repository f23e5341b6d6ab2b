//! Recursions four frames at a time, the same whatever blocks they come in.
//!
//! A recursion waits in every frame for the one before. Solved for the state four frames ago, the four outputs need only
//! that state and the inputs since, and stand beside each other in one vector (the "scattered look-ahead" of K. Parhi &
//! D. Messerschmitt, *Pipeline interleaving and parallelism in recursive digital filters*, IEEE Trans. ASSP 37, 1989).
//!
//! Fours are counted from the start and not from the block: where a block ends within four frames, those that have come
//! are kept, and worked on again, with the same operations, when the others are there.

use super::state_variable::StateVariable;

/// Frames of a step.
pub const QUAD: usize = 4;

/// The frames that have come of four.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quads {
    held: [f64; QUAD],
    /// How many there are, less than [`QUAD`].
    count: usize,
}

impl Quads {
    /// Takes samples through `fours`, which replaces whole fours and moves `state` on.
    ///
    /// A frame that comes out of `fours` must not depend on later ones of its four.
    #[inline(always)]
    pub fn run<S: Copy>(
        &mut self,
        state: &mut S,
        mut samples: &mut [f64],
        mut fours: impl FnMut(&mut S, &mut [[f64; QUAD]]),
    ) {
        if self.count > 0 {
            let (first, later) = samples.split_at_mut(samples.len().min(QUAD - self.count));
            self.part(state, first, &mut fours);
            samples = later;
        }
        let (whole, rest) = samples.as_chunks_mut::<QUAD>();
        if !whole.is_empty() {
            fours(state, whole);
        }
        if !rest.is_empty() {
            self.part(state, rest, &mut fours);
        }
    }

    /// Some frames of four, none beyond them.
    #[inline(never)]
    fn part<S: Copy>(
        &mut self,
        state: &mut S,
        samples: &mut [f64],
        fours: &mut impl FnMut(&mut S, &mut [[f64; QUAD]]),
    ) {
        let places = self.count..self.count + samples.len();
        self.held[places.clone()].copy_from_slice(samples);
        self.held[places.end..].fill(0.0);
        let (mut after, mut four) = (*state, [self.held]);
        fours(&mut after, &mut four);
        samples.copy_from_slice(&four[0][places.clone()]);
        self.count = places.end;
        if self.count == QUAD {
            (*state, self.count) = (after, 0);
        }
    }

    /// Whether all that came has been worked on.
    pub fn is_whole(&self) -> bool {
        self.count == 0
    }

    /// Hands the frames of an unfinished four to `single`, which moves on by one, and begins a new one.
    pub fn settle(&mut self, mut single: impl FnMut(f64)) {
        self.held[..self.count].iter().for_each(|sample| single(*sample));
        self.count = 0;
    }
}

/// One step of a second-order section, each row for (first state, second state, input).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix {
    /// Row of the first state.
    pub first: [f64; 3],
    /// Row of the second state.
    pub second: [f64; 3],
    /// Row of the output.
    pub output: [f64; 3],
}

impl Matrix {
    /// One frame: moves the state on and gives the output.
    #[inline(always)]
    pub fn next(&self, state: &mut [f64; 2], input: f64) -> f64 {
        let row = |row: &[f64; 3]| row[2] * input + row[1] * state[1] + row[0] * state[0];
        let (output, first, second) = (row(&self.output), row(&self.first), row(&self.second));
        *state = [first, second];
        output
    }
}

/// A second-order section solved for four frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fours {
    /// Outputs from the first and from the second state.
    from_state: [[f64; QUAD]; 2],
    /// Outputs from each input.
    from_input: [[f64; QUAD]; QUAD],
    /// The states four frames later from the states, and from each input.
    state: [[f64; 2]; 2],
    input: [[f64; 2]; QUAD],
}

impl Fours {
    /// The same section as `matrix`.
    pub fn new(matrix: &Matrix) -> Fours {
        let mut fours = Fours {
            from_state: [[0.0; QUAD]; 2],
            from_input: [[0.0; QUAD]; QUAD],
            state: [[0.0; 2]; 2],
            input: [[0.0; 2]; QUAD],
        };
        for s in 0..2 {
            let mut state = [0.0; 2];
            state[s] = 1.0;
            for output in &mut fours.from_state[s] {
                *output = matrix.next(&mut state, 0.0);
            }
            fours.state[s] = state;
        }
        for place in 0..QUAD {
            let mut state = [0.0; 2];
            for frame in place..QUAD {
                let input = if frame == place { 1.0 } else { 0.0 };
                fours.from_input[place][frame] = matrix.next(&mut state, input);
            }
            fours.input[place] = state;
        }
        fours
    }
}

/// Fours that are solved side by side: two fill the time that the states of one wait, and more would not fit the registers.
const TOGETHER: usize = 2;

/// What some fours of inputs make of their own: by frame of the four, and of the states after it.
type Own<const G: usize> = ([[f64; G]; QUAD], [[f64; G]; 2]);

#[inline(always)]
fn own<const G: usize>(fours: &Fours, samples: &[[f64; QUAD]; G]) -> Own<G> {
    // By place in the four, so that a vector holds several fours.
    let mut x = [[0.0; G]; QUAD];
    for n in 0..QUAD {
        for g in 0..G {
            x[n][g] = samples[g][n];
        }
    }
    let (mut outputs, mut states) = ([[0.0; G]; QUAD], [[0.0; G]; 2]);
    let [i0, i1, i2, i3] = &fours.from_input;
    for n in 0..QUAD {
        for g in 0..G {
            outputs[n][g] = (i0[n] * x[0][g] + i1[n] * x[1][g]) + (i2[n] * x[2][g] + i3[n] * x[3][g]);
        }
    }
    let [i0, i1, i2, i3] = &fours.input;
    for n in 0..2 {
        for g in 0..G {
            states[n][g] = (i0[n] * x[0][g] + i1[n] * x[1][g]) + (i2[n] * x[2][g] + i3[n] * x[3][g]);
        }
    }
    (outputs, states)
}

/// The states before each of some fours; moves `state` on.
#[inline(always)]
fn states_before<const G: usize>(fours: &Fours, own: &[[f64; G]; 2], state: &mut [f64; 2]) -> [[f64; G]; 2] {
    let mut before = [[0.0; G]; 2];
    let [from_a, from_b] = &fours.state;
    let [mut a, mut b] = *state;
    for g in 0..G {
        (before[0][g], before[1][g]) = (a, b);
        (a, b) = ((own[0][g] + from_b[0] * b) + from_a[0] * a, (own[1][g] + from_b[1] * b) + from_a[1] * a);
    }
    *state = [a, b];
    before
}

/// Puts together what the fours' own inputs and the states before them give.
#[inline(always)]
fn together<const G: usize>(
    fours: &Fours,
    own: &[[f64; G]; QUAD],
    before: &[[f64; G]; 2],
    samples: &mut [[f64; QUAD]; G],
) {
    let [from_a, from_b] = &fours.from_state;
    for n in 0..QUAD {
        for g in 0..G {
            samples[g][n] = (own[n][g] + from_b[n] * before[1][g]) + from_a[n] * before[0][g];
        }
    }
}

#[inline(always)]
fn solve<const G: usize>(fours: &Fours, state: &mut [f64; 2], samples: &mut [[f64; QUAD]; G]) {
    let (outputs, states) = own(fours, samples);
    let before = states_before(fours, &states, state);
    together(fours, &outputs, &before, samples);
}

audio::wide! {
    by four:
    fn one(fours: &Fours, state: &mut [f64; 2], samples: &mut [[f64; QUAD]]) {
        let (many, rest) = samples.as_chunks_mut::<TOGETHER>();
        // Plain loops: a closure that is not inlined is not compiled for wide vectors.
        for samples in many {
            solve(fours, state, samples);
        }
        for four in rest {
            solve(fours, state, std::array::from_mut(four));
        }
    }
}

audio::wide! {
    by four:
    /// Two equally long channels, whose states are waited for together.
    fn two(
        fours: &Fours,
        left_state: &mut [f64; 2],
        right_state: &mut [f64; 2],
        left: &mut [[f64; QUAD]],
        right: &mut [[f64; QUAD]],
    ) {
        let (left_many, left_rest) = left.as_chunks_mut::<TOGETHER>();
        let (right_many, right_rest) = right.as_chunks_mut::<TOGETHER>();
        for (left, right) in left_many.iter_mut().zip(right_many) {
            let ((left_own, left_states), (right_own, right_states)) = (own(fours, left), own(fours, right));
            let left_before = states_before(fours, &left_states, left_state);
            let right_before = states_before(fours, &right_states, right_state);
            together(fours, &left_own, &left_before, left);
            together(fours, &right_own, &right_before, right);
        }
        for four in left_rest {
            solve(fours, left_state, std::array::from_mut(four));
        }
        for four in right_rest {
            solve(fours, right_state, std::array::from_mut(four));
        }
    }
}

/// One channel of a second-order section.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Channel {
    quads: Quads,
    state: [f64; 2],
}

impl Channel {
    /// The states as a filter needs them that works frame by frame; `matrix` is what the channel was filtered with.
    pub fn settle(&mut self, matrix: &Matrix) -> StateVariable {
        let state = &mut self.state;
        self.quads.settle(|sample| {
            matrix.next(state, sample);
        });
        StateVariable::at(self.state)
    }

    /// Clears states that are too small to matter, and those that are no number.
    pub fn flush(&mut self, matrix: &Matrix) {
        let mut state = self.settle(matrix);
        state.flush();
        self.resume(state);
    }

    /// Goes on from these states.
    pub fn resume(&mut self, state: StateVariable) {
        *self = Channel { quads: Quads::default(), state: state.states() };
    }

    /// Filters samples in place.
    pub fn process(&mut self, fours: &Fours, samples: &mut [f64]) {
        self.quads.run(&mut self.state, samples, |state, samples| one(fours, state, samples));
    }

    /// Filters two equally long channels in place, to the same bits as each alone.
    pub fn process_two([l, r]: [&mut Channel; 2], fours: &Fours, left: &mut [f64], right: &mut [f64]) {
        let whole = l.quads.is_whole() && r.quads.is_whole();
        let frames = if whole { left.len() / QUAD * QUAD } else { 0 };
        let (left, left_rest) = left.split_at_mut(frames);
        let (right, right_rest) = right.split_at_mut(frames.min(right.len()));
        two(fours, &mut l.state, &mut r.state, left.as_chunks_mut().0, right.as_chunks_mut().0);
        l.process(fours, left_rest);
        r.process(fours, right_rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A resonant section with all rows different.
    const MATRIX: Matrix =
        Matrix { first: [0.7, -0.4, 0.3], second: [0.5, 0.6, -0.2], output: [0.9, -1.1, 0.4] };

    fn sound(frames: usize, seed: usize) -> Vec<f64> {
        (0..frames).map(|n| ((n * n + 31 * seed) as f64 * 0.37).sin()).collect()
    }

    #[test]
    fn four_frames_are_four_times_one() {
        let (mut plain, mut state) = (sound(400, 1), [0.3, -0.8]);
        let mut channel = Channel { state, ..Channel::default() };
        let mut seen = plain.clone();
        channel.process(&Fours::new(&MATRIX), &mut seen);
        plain.iter_mut().for_each(|x| *x = MATRIX.next(&mut state, *x));
        for (n, (seen, plain)) in seen.iter().zip(&plain).enumerate() {
            // Another order of a dozen products of numbers about one.
            assert!((seen - plain).abs() < 1e-13, "frame {n}: {seen} {plain}");
        }
    }

    #[test]
    fn what_is_left_of_four_goes_on_frame_by_frame() {
        let (mut plain, mut state) = (sound(50, 2), [0.0; 2]);
        let mut seen = plain.clone();
        let mut channel = Channel::default();
        channel.process(&Fours::new(&MATRIX), &mut seen[..39]);
        let after = channel.settle(&MATRIX);
        plain[..39].iter_mut().for_each(|x| *x = MATRIX.next(&mut state, *x));
        for (seen, plain) in after.states().iter().zip(&state) {
            assert!((seen - plain).abs() < 1e-13);
        }
        channel.resume(after);
        assert_eq!(channel.settle(&MATRIX).states(), after.states());
    }

    proptest! {
        /// No cut changes a bit, and neither does the channel beside it.
        #[test]
        fn cuts_change_nothing(cuts in prop::collection::vec(0usize..40, 1..20)) {
            let frames = cuts.iter().sum();
            let fours = Fours::new(&MATRIX);
            let (mut whole, mut other) = (sound(frames, 3), sound(frames, 4));
            let (mut cut, mut beside) = (whole.clone(), other.clone());
            Channel::default().process(&fours, &mut whole);
            Channel::default().process(&fours, &mut other);
            let (mut l, mut r) = (Channel::default(), Channel::default());
            let mut start = 0;
            for count in cuts {
                let place = start..start + count;
                Channel::process_two([&mut l, &mut r], &fours, &mut cut[place.clone()], &mut beside[place]);
                start += count;
            }
            prop_assert_eq!(whole, cut);
            prop_assert_eq!(other, beside);
        }
    }
}
