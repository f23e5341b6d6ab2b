//! A value in song time: constant, or moved by a lane of automation.

use audio::Frames;
use session::Lane;

/// A value over the song.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The value where no lane moves it.
    pub value: f64,
    lane: Option<Lane>,
    frames_per_s: f64,
}

impl Curve {
    /// A value that never moves.
    pub fn constant(value: f64) -> Curve {
        Curve { value, lane: None, frames_per_s: 1.0 }
    }

    /// A value that a lane moves, if there is one.
    pub fn new(value: f64, lane: Option<&Lane>, sample_rate_hz: u32) -> Curve {
        Curve { value, lane: lane.cloned(), frames_per_s: f64::from(sample_rate_hz) }
    }

    /// True when the value never moves.
    pub fn is_constant(&self) -> bool {
        self.lane.is_none()
    }

    /// The value at a frame of the song.
    pub fn at(&self, frame: Frames) -> f64 {
        match &self.lane {
            Some(lane) => lane.value_at(frame as f64 / self.frames_per_s),
            None => self.value,
        }
    }

    /// Every number the curve is made of, for a hash.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let points = self.lane.iter().flat_map(|lane| &lane.points);
        let shape = self.lane.as_ref().map_or(-1.0, |lane| lane.curve as usize as f64);
        points.flat_map(|p| [p.time_s, p.value]).chain([self.value, shape]).collect()
    }
}
