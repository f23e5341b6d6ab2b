//! A value in song time: constant, or breakpoints of automation.

use audio::Frames;

/// A value over the song. Between points it moves straight, or straight in octaves where `logarithmic`.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The value where there are no points.
    pub value: f64,
    /// Song position in frames, and the value there; in order.
    pub points: Vec<(f64, f64)>,
    /// Straight in ratios instead of differences.
    pub logarithmic: bool,
}

impl Curve {
    /// A value that never moves.
    pub fn constant(value: f64) -> Curve {
        Curve { value, points: Vec::new(), logarithmic: false }
    }

    /// True when the value never moves.
    pub fn is_constant(&self) -> bool {
        self.points.is_empty()
    }

    /// The value at a frame of the song. Before the first point and after the last the value stands still.
    pub fn at(&self, frame: Frames) -> f64 {
        let frame = frame as f64;
        let after = self.points.partition_point(|p| p.0 <= frame);
        match (after.checked_sub(1).map(|i| self.points[i]), self.points.get(after)) {
            (None, None) => self.value,
            (Some((_, value)), None) => value,
            (None, Some(&(_, value))) => value,
            (Some((t0, v0)), Some(&(t1, v1))) => {
                let place = (frame - t0) / (t1 - t0);
                if self.logarithmic && v0 > 0.0 && v1 > 0.0 {
                    v0 * (v1 / v0).powf(place)
                } else {
                    v0 + (v1 - v0) * place
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_met_and_lines_between_are_straight() {
        let mut curve = Curve {
            value: 5.0,
            points: vec![(100.0, 10.0), (200.0, 40.0), (200.0, 80.0)],
            logarithmic: false,
        };
        let seen: Vec<f64> = [0, 100, 150, 199, 200, 900].map(|n| curve.at(n)).to_vec();
        assert_eq!(seen, [10.0, 10.0, 25.0, 39.7, 80.0, 80.0]);
        curve.logarithmic = true;
        assert!((curve.at(150) - 20.0).abs() < 1e-12, "the geometric mean of 10 and 40");
        assert_eq!(Curve::constant(3.0).at(7), 3.0);
    }
}
