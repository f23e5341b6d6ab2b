//! A value that moves to its target in a straight line over one control period.

use super::grid::CONTROL_FRAMES;
use audio::Block;

/// A number on its way to a target.
///
/// While it does not move it is exactly the target, so that a neutral setting stays exactly neutral.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    value: f64,
    target: f64,
    step: f64,
    left: usize,
}

impl Ramp {
    /// Stands still at `value`.
    pub fn new(value: f64) -> Ramp {
        Ramp { value, target: value, step: 0.0, left: 0 }
    }

    /// Begins to move to `target`, which is reached [`CONTROL_FRAMES`] frames from now.
    pub fn go_to(&mut self, target: f64) {
        self.target = target;
        self.left = CONTROL_FRAMES;
        self.step = (target - self.value) / CONTROL_FRAMES as f64;
    }

    /// Jumps to the target.
    pub fn finish(&mut self) {
        *self = Ramp::new(self.target);
    }

    /// True while the value moves.
    pub fn moves(&self) -> bool {
        self.left > 0
    }

    /// Frames until it stands.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Where it is now.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Where it is going, or stands.
    pub fn target(&self) -> f64 {
        self.target
    }

    /// The value for the next frame.
    #[inline]
    pub fn next_value(&mut self) -> f64 {
        if self.left > 0 {
            self.left -= 1;
            self.value = if self.left == 0 { self.target } else { self.value + self.step };
        }
        self.value
    }

    /// The values for the next `frames` frames, at most a control period.
    pub fn path(&mut self, frames: usize) -> [f64; CONTROL_FRAMES] {
        let mut values = [self.target; CONTROL_FRAMES];
        if self.moves() {
            values[..frames].iter_mut().for_each(|value| *value = self.next_value());
        }
        values
    }

    /// Multiplies every channel of a block by the value, frame by frame.
    pub fn scale_block(&mut self, block: &mut Block) {
        let mut after = *self;
        for samples in block.iter_mut() {
            after = *self;
            after.scale(samples);
        }
        *self = after;
    }

    /// Multiplies `samples` by the value, frame by frame.
    pub fn scale(&mut self, samples: &mut [f64]) {
        let moving = self.left.min(samples.len());
        for sample in &mut samples[..moving] {
            *sample *= self.next_value();
        }
        if self.value != 1.0 {
            for sample in &mut samples[moving..] {
                *sample *= self.value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_the_target_exactly_and_in_equal_steps() {
        let mut ramp = Ramp::new(1.0);
        ramp.go_to(0.3);
        let path: Vec<f64> = (0..CONTROL_FRAMES + 2).map(|_| ramp.next_value()).collect();
        assert_eq!(path[CONTROL_FRAMES - 1], 0.3);
        assert_eq!(path[CONTROL_FRAMES + 1], 0.3);
        let step = -0.7 / CONTROL_FRAMES as f64;
        // 64 additions of a rounded step: a few ulp.
        assert!(path.windows(2).take(CONTROL_FRAMES - 1).all(|w| (w[1] - w[0] - step).abs() < 1e-14));
    }

    /// The sum along the way is that of the straight line, whatever the ends: what automation adds up to is exact.
    #[test]
    fn the_sum_along_the_way_is_the_lines() {
        for (from, to) in [(1.0, 0.251), (0.0, 1.0), (-3.0, 1e6), (0.3, 0.3)] {
            let mut ramp = Ramp::new(from);
            ramp.go_to(to);
            let sum: f64 = (0..CONTROL_FRAMES).map(|_| ramp.next_value()).sum();
            let frames = CONTROL_FRAMES as f64;
            let expected = frames * from + (to - from) * (frames + 1.0) / 2.0;
            assert!(
                (sum - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                "{from} to {to}: {sum} {expected}"
            );
        }
    }

    /// Each channel goes the same way, and the way goes on where the block ended.
    #[test]
    fn channels_are_scaled_alike() {
        let mut whole = Ramp::new(1.0);
        whole.go_to(0.25);
        let mut cut = whole;
        let mut expected = [1.0; 100];
        whole.scale(&mut expected);
        let mut buffer = audio::Buffer::from_channels(&[vec![1.0; 100], vec![1.0; 100]]);
        cut.scale_block(&mut buffer.range_mut(0, 30));
        cut.scale_block(&mut buffer.range_mut(30, 70));
        assert!(buffer.channel(0) == expected && buffer.channel(1) == expected);
    }

    #[test]
    fn scaling_by_one_changes_no_bit() {
        let mut samples = [0.1, -1e-300, f64::MIN_POSITIVE, -0.0];
        let before = samples.map(f64::to_bits);
        Ramp::new(1.0).scale(&mut samples);
        assert_eq!(samples.map(f64::to_bits), before);
    }
}
