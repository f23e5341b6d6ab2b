//! A value that follows its target as if it had weight: for delay times, whose speed is heard as pitch.

use super::grid::CONTROL_FRAMES;
use audio::Frames;

/// A number that comes nearer to its target by the same part in every control period, in straight lines between.
#[derive(Debug, Clone)]
pub struct Glide {
    value: f64,
    next: f64,
    target: f64,
    follow: f64,
    since: Frames,
}

impl Glide {
    /// Stands still at `value`; later it goes 1 - 1/e of a way in `seconds`.
    pub fn new(value: f64, seconds: f64, sample_rate_hz: f64) -> Glide {
        let follow = 1.0 - (-(CONTROL_FRAMES as f64) / (seconds * sample_rate_hz)).exp();
        Glide { value, next: value, target: value, follow, since: 0 }
    }

    /// Takes up a new target.
    pub fn go_to(&mut self, target: f64) {
        self.target = target;
    }

    /// Jumps to the target.
    pub fn finish(&mut self) {
        (self.value, self.next, self.since) = (self.target, self.target, 0);
    }

    /// Prepares the next control period.
    pub fn control(&mut self) {
        self.value = self.next;
        self.next += self.follow * (self.target - self.next);
        // So near that it may be there: the last step is a billionth of the way.
        if (self.target - self.next).abs() <= 1e-9 * self.target.abs().max(1.0) {
            self.next = self.target;
        }
        self.since = 0;
    }

    /// Where it stands throughout this control period, unless it moves.
    pub fn still(&self) -> Option<f64> {
        (self.value == self.next).then_some(self.value)
    }

    /// The values of the next frames within the control period; moves on.
    pub fn path(&mut self, frames: Frames) -> [f64; CONTROL_FRAMES] {
        let mut values = [self.value; CONTROL_FRAMES];
        if self.value != self.next {
            let step = (self.next - self.value) / CONTROL_FRAMES as f64;
            for (n, value) in values[..frames].iter_mut().enumerate() {
                *value = self.value + step * (self.since + n + 1) as f64;
            }
        }
        self.since += frames;
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_most_of_the_way_in_its_time_and_arrives() {
        let mut glide = Glide::new(0.0, 0.1, 48_000.0);
        glide.go_to(1.0);
        let mut path = Vec::new();
        for _ in 0..2_000 {
            glide.control();
            // However it is cut.
            path.extend_from_slice(&glide.path(40)[..40]);
            path.extend_from_slice(&glide.path(24)[..24]);
        }
        // Straight lines below the curve: off by an eighth of (64 / 4800)^2.
        assert!((path[4_799] - (1.0 - (-1.0f64).exp())).abs() < 1e-4, "{}", path[4_799]);
        assert_eq!(glide.still(), Some(1.0));
        let steepest = path.windows(2).map(|w| w[1] - w[0]).fold(0.0, f64::max);
        assert!(steepest <= 1.0 / 4_800.0 && path.windows(2).all(|w| w[1] >= w[0]));
    }
}
