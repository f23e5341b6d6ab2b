//! What a dynamics processor with lookahead is made of: a delay, a sliding maximum, and a smoothing filter.
//!
//! The gain is worked out from the samples to come while the audio waits. The sliding maximum holds the
//! greatest demand over the window, and the filter, whose weights are positive and sum to one, turns its
//! steps into slopes; averaging values that all satisfy a demand satisfies the demand.

use audio::Frames;

/// Delays one channel by a fixed number of frames.
#[derive(Debug, Clone)]
pub struct Delay {
    ring: Vec<f64>,
    at: usize,
}

impl Delay {
    /// A delay of `frames` filled with silence.
    pub fn new(frames: Frames) -> Delay {
        Delay { ring: vec![0.0; frames], at: 0 }
    }

    /// Fills it with silence.
    pub fn reset(&mut self) {
        self.ring.fill(0.0);
        self.at = 0;
    }

    /// Puts `samples` in and takes the delayed ones out, in place. Moves bits, never computes.
    pub fn pass(&mut self, mut samples: &mut [f64]) {
        while !samples.is_empty() && !self.ring.is_empty() {
            let count = samples.len().min(self.ring.len() - self.at);
            let (now, later) = samples.split_at_mut(count);
            self.ring[self.at..self.at + count].swap_with_slice(now);
            self.at = (self.at + count) % self.ring.len();
            samples = later;
        }
    }
}

/// The greatest of the last `window` values, in constant time per value on average.
///
/// Method: van Herk (1992), Gil & Werman (1993): the window always spans the end of one segment and the
/// beginning of the next; the maxima from each place to the end of the old segment are worked out once.
/// The minimum is the maximum of the negated values.
#[derive(Debug, Clone)]
pub struct SlidingMaximum {
    /// Before `at`: this segment's values. From `at` on: maxima from there to the end of the last segment.
    segment: Vec<f64>,
    at: usize,
    /// Maximum of this segment so far.
    running: f64,
}

impl SlidingMaximum {
    /// The maximum over `window` values (at least one).
    pub fn new(window: Frames) -> SlidingMaximum {
        let mut sliding = SlidingMaximum { segment: vec![0.0; window.max(1)], at: 0, running: 0.0 };
        sliding.reset();
        sliding
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.segment.fill(f64::NEG_INFINITY);
        self.at = 0;
        self.running = f64::NEG_INFINITY;
    }

    /// Takes a value in and gives the greatest of the last `window` ones.
    #[inline]
    pub fn next_value(&mut self, value: f64) -> f64 {
        self.running = greater(self.running, value);
        self.segment[self.at] = value;
        self.at += 1;
        if self.at < self.segment.len() {
            return greater(self.running, self.segment[self.at]);
        }
        let greatest = self.running;
        let mut suffix = f64::NEG_INFINITY;
        for value in self.segment.iter_mut().rev() {
            suffix = greater(suffix, *value);
            *value = suffix;
        }
        self.at = 0;
        self.running = f64::NEG_INFINITY;
        greatest
    }

    /// Number of values that it looks at.
    pub fn window(&self) -> Frames {
        self.segment.len()
    }

    /// Takes in so many values more that are the same as the last two windows of them: what [`SlidingMaximum::process`] would
    /// leave behind, in no time.
    pub fn go_on(&mut self, frames: Frames) {
        let value = self.segment[0];
        self.at = (self.at + frames) % self.segment.len();
        self.running = if self.at == 0 { f64::NEG_INFINITY } else { value };
    }

    /// Replaces each value by the greatest of the last `window` ones.
    pub fn process(&mut self, values: &mut [f64]) {
        let mut done = 0;
        while done < values.len() {
            // Up to the last value of the segment, which closes it.
            let count = (values.len() - done).min(self.segment.len() - 1 - self.at);
            let places = &mut self.segment[self.at..=self.at + count];
            let mut running = self.running;
            for (n, value) in values[done..done + count].iter_mut().enumerate() {
                running = greater(running, *value);
                places[n] = *value;
                *value = greater(running, places[n + 1]);
            }
            self.running = running;
            self.at += count;
            done += count;
            if let Some(last) = values.get_mut(done) {
                *last = self.next_value(*last);
                done += 1;
            }
        }
    }
}

/// The greater of two numbers that are not NaN: one machine instruction.
#[inline(always)]
pub fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Boxes in the cascade: three make a bell close to a Gaussian, whose slope has no corner.
const BOXES: usize = 3;

/// Smooths with three box averages in a row: a finite impulse response with positive weights and unit sum.
///
/// Running sums of rounded numbers drift for ever. Here every value is first rounded to a multiple of a
/// power of two so small that all sums fit into 53 bits: additions are then exact, the sums never drift, a
/// constant comes out as that same constant, and zeros come out as zeros once the response has ended.
#[derive(Debug, Clone)]
pub struct BoxCascade {
    boxes: [BoxAverage; BOXES],
    /// Adding and subtracting it rounds to the quantum.
    rounder: f64,
    largest: f64,
    length: Frames,
    /// Zeros since the last other value, up to `length`: from there on everything inside is zero.
    quiet: Frames,
}

#[derive(Debug, Clone)]
struct BoxAverage {
    ring: Vec<f64>,
    at: usize,
    sum: f64,
}

impl BoxCascade {
    /// A response of `length` frames (at least one) for values from zero to `largest`, where they are cut.
    pub fn new(length: Frames, largest: f64) -> BoxCascade {
        // Boxes of n1 + n2 + n3 frames in a row have a response of n1 + n2 + n3 - 2 frames.
        let total = length.max(1) + BOXES - 1;
        let boxes = [0, 1, 2].map(|place| {
            let frames = (total + place) / BOXES;
            BoxAverage { ring: vec![0.0; frames], at: 0, sum: 0.0 }
        });
        let longest = boxes[BOXES - 1].ring.len() as f64;
        // The largest sum takes at most 51 bits of the quantum.
        let quantum = 2f64.powi((largest * longest).log2().ceil() as i32 - 51);
        let length = length.max(1);
        BoxCascade { boxes, rounder: 1.5 * 2f64.powi(52) * quantum, largest, length, quiet: length }
    }

    /// Length of the response in frames.
    pub fn length(&self) -> Frames {
        self.length
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        for stage in &mut self.boxes {
            stage.ring.fill(0.0);
            stage.at = 0;
            stage.sum = 0.0;
        }
        self.quiet = self.length;
    }

    /// Whether nothing but zeros is inside.
    pub fn is_quiet(&self) -> bool {
        self.quiet >= self.length
    }

    /// Smooths `values` in place.
    pub fn process(&mut self, values: &mut [f64]) {
        let rounder = self.rounder;
        for value in values.iter_mut() {
            let bounded = if *value < self.largest { *value } else { self.largest };
            *value = (bounded + rounder) - rounder;
        }
        let zeros = values.iter().rev().take_while(|v| **v == 0.0).count();
        if zeros == values.len() && self.is_quiet() {
            return;
        }
        self.quiet = if zeros == values.len() { self.quiet + zeros } else { zeros };
        for stage in &mut self.boxes {
            stage.process(values, rounder);
        }
    }
}

impl BoxAverage {
    fn process(&mut self, mut values: &mut [f64], rounder: f64) {
        let frames = self.ring.len();
        let scale = 1.0 / frames as f64;
        while !values.is_empty() {
            let count = values.len().min(frames - self.at);
            let (now, later) = values.split_at_mut(count);
            let ring = &mut self.ring[self.at..self.at + count];
            self.sum = averages(self.sum, now, ring, scale, rounder);
            self.at = (self.at + count) % frames;
            values = later;
        }
    }
}

audio::wide! {
    by four:
    /// Puts averages in the place of values, and these in the place of those that leave the sum; gives the sum. Additions are
    /// exact here, so that four frames can be put together before the sum comes to them, which waits for itself once then.
    fn averages(sum: f64, values: &mut [f64], ring: &mut [f64], scale: f64, rounder: f64) -> f64 {
        let mut sum = sum;
        let ((fours, rest), (old_fours, old_rest)) = (values.as_chunks_mut::<4>(), ring.as_chunks_mut::<4>());
        for (values, old) in fours.iter_mut().zip(old_fours) {
            let mut steps = [0.0; 4];
            for n in 0..4 {
                steps[n] = values[n] - old[n];
            }
            *old = *values;
            let (first, last) = (steps[0] + steps[1], steps[2] + steps[3]);
            let sums = [sum + steps[0], sum + first, sum + (first + steps[2]), sum + (first + last)];
            sum = sums[3];
            for n in 0..4 {
                values[n] = (sums[n] * scale + rounder) - rounder;
            }
        }
        for (value, old) in rest.iter_mut().zip(old_rest) {
            sum += *value - *old;
            *old = *value;
            *value = (sum * scale + rounder) - rounder;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sliding_maximum_is_the_maximum(
            values in prop::collection::vec(-5.0f64..5.0, 0..200), window in 1usize..40,
        ) {
            let mut sliding = SlidingMaximum::new(window);
            for n in 0..values.len() {
                let start = (n + 1).saturating_sub(window);
                let expected = values[start..=n].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                prop_assert_eq!(sliding.next_value(values[n]), expected, "frame {}", n);
            }
        }

        /// Where nothing changes any more, going on is taking values in.
        #[test]
        fn the_sliding_maximum_goes_on_as_if_it_had_heard(
            values in prop::collection::vec(-5.0f64..5.0, 0..60), window in 1usize..40, more in 0usize..90, zero in 0usize..2,
        ) {
            let still = [-0.0, 0.0][zero];
            let mut hears = SlidingMaximum::new(window);
            for value in &values {
                let _ = hears.next_value(*value);
            }
            hears.process(&mut vec![still; 2 * window]);
            let mut goes_on = hears.clone();
            hears.process(&mut vec![still; more]);
            goes_on.go_on(more);
            for value in values.iter().chain([&still; 80]) {
                let (heard, went_on) = (hears.next_value(*value), goes_on.next_value(*value));
                prop_assert_eq!(heard.to_bits(), went_on.to_bits());
            }
        }

        /// Slices of any length give what frames give one by one.
        #[test]
        fn the_sliding_maximum_is_the_same_for_any_cut(
            values in prop::collection::vec(-5.0f64..5.0, 0..200), window in 1usize..40, cut in 1usize..50,
        ) {
            let (mut by_frame, mut by_slice) = (SlidingMaximum::new(window), SlidingMaximum::new(window));
            let expected: Vec<f64> = values.iter().map(|value| by_frame.next_value(*value)).collect();
            let mut actual = values;
            actual.chunks_mut(cut).for_each(|part| by_slice.process(part));
            prop_assert_eq!(actual, expected);
        }

        #[test]
        fn the_delay_is_exact_for_any_cut(
            frames in 0usize..50, cuts in prop::collection::vec(0usize..30, 1..12),
        ) {
            let mut delay = Delay::new(frames);
            let mut position = 0;
            for cut in cuts {
                let mut part: Vec<f64> = (position..position + cut).map(|n| n as f64 + 1.0).collect();
                delay.pass(&mut part);
                for (n, value) in part.iter().enumerate() {
                    let expected = ((position + n) as f64 - frames as f64 + 1.0).max(0.0);
                    prop_assert_eq!(*value, expected);
                }
                position += cut;
            }
        }

        // The response against the definition (three averages in a row); 1e-9 is the rounding to the quantum.
        #[test]
        fn the_cascade_is_three_averages(
            values in prop::collection::vec(0.0f64..100.0, 1..120), length in 1usize..40, cut in 1usize..20,
        ) {
            let mut expected = values.clone();
            for place in 0..3 {
                let frames = (length + 2 + place) / 3;
                let source = expected.clone();
                for n in 0..expected.len() {
                    let start = (n + 1).saturating_sub(frames);
                    expected[n] = source[start..=n].iter().sum::<f64>() / frames as f64;
                }
            }
            let mut cascade = BoxCascade::new(length, 128.0);
            let mut actual = values.clone();
            actual.chunks_mut(cut).for_each(|part| cascade.process(part));
            for (a, e) in actual.iter().zip(&expected) {
                prop_assert!((a - e).abs() < 1e-9, "{} {}", a, e);
            }
        }
    }

    #[test]
    fn the_cascade_never_drifts() {
        let mut cascade = BoxCascade::new(200, 1.0);
        let mut state = 1u64;
        let mut noise: Vec<f64> = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 11) as f64 / 2f64.powi(53)
            })
            .collect();
        cascade.process(&mut noise);
        let mut constant = vec![0.75; 400];
        cascade.process(&mut constant);
        assert!(constant[200..].iter().all(|v| *v == 0.75), "a constant comes out as itself");
        let mut zeros = vec![0.0; 400];
        cascade.process(&mut zeros);
        assert!(zeros[200..].iter().all(|v| *v == 0.0), "and zero as zero");
    }
}
