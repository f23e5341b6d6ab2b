//! A value that moves to its target in a straight line over one control period.

use super::grid::CONTROL_FRAMES;

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

    #[test]
    fn scaling_by_one_changes_no_bit() {
        let mut samples = [0.1, -1e-300, f64::MIN_POSITIVE, -0.0];
        let before = samples.map(f64::to_bits);
        Ramp::new(1.0).scale(&mut samples);
        assert_eq!(samples.map(f64::to_bits), before);
    }
}
