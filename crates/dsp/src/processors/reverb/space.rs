//! The spaces: how long the paths of a style are, at a size.

use super::Style;

/// Lengths and surfaces of one space.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    /// Shortest and longest line of the feedback network, in milliseconds.
    pub(super) lines_ms: (f64, f64),
    /// Longest delay of each diffusion stage, in milliseconds.
    pub(super) diffusion_ms: [f64; 3],
    /// What gives the early reflections.
    pub(super) walls: Option<Walls>,
}

/// A box-shaped room.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Walls {
    /// Width, length and height in metres.
    pub(super) size_m: [f64; 3],
    /// What is left of the pressure after one bounce.
    pub(super) reflection: f64,
    /// Where the surfaces begin to swallow the treble.
    pub(super) treble_hz: f64,
}

impl Space {
    /// The space of a style; `size_percent` from half (0) over 1 (50) to twice (100) its usual lengths.
    pub(super) fn new(style: Style, size_percent: f64) -> Space {
        let scale = 2f64.powf((size_percent - 50.0) / 50.0);
        let (lines_ms, diffusion_ms, walls) = match style {
            // A studio's live room; lines about as long as its mean free paths.
            Style::Room => (
                (19.0, 71.0),
                [3.1, 6.7, 12.1],
                Some(Walls { size_m: [5.3, 7.1, 3.1], reflection: 0.72, treble_hz: 6_000.0 }),
            ),
            // Bending waves reach the pickups at once and densely.
            Style::Plate => ((23.0, 83.0), [2.3, 5.3, 11.3], None),
            // A shoebox concert hall of some 11,000 cubic metres.
            Style::Hall => (
                (31.0, 113.0),
                [7.9, 15.1, 26.3],
                Some(Walls { size_m: [19.0, 39.0, 15.0], reflection: 0.8, treble_hz: 5_000.0 }),
            ),
        };
        Space {
            lines_ms: (lines_ms.0 * scale, lines_ms.1 * scale),
            diffusion_ms: diffusion_ms.map(|ms| ms * scale),
            walls: walls.map(|w| Walls { size_m: w.size_m.map(|m| m * scale), ..w }),
        }
    }
}
