//! The spaces: how long the paths of a style are, at a size.

use super::Style;

/// Lengths and surfaces of one space.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    /// Shortest and longest line of the feedback network, in milliseconds.
    pub(super) lines_ms: (f64, f64),
    /// Shortest and longest allpass behind the lines, in milliseconds, if there are any.
    pub(super) nested_ms: Option<(f64, f64)>,
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
    /// Part of the energy that one bounce swallows, on average over the surfaces, in the octaves from 125 Hz
    /// to 8 kHz.
    pub(super) absorption: [f64; 7],
    /// After this time the late field has taken over, in milliseconds.
    pub(super) late_ms: f64,
}

/// Middles of the octaves in which absorption is given.
#[cfg(test)]
pub(super) const OCTAVES_HZ: [f64; 7] = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0];

/// A wooden floor, panels that swing with the bass, curtains: a studio's live room.
const WOOD_AND_CURTAINS: [f64; 7] = [0.36, 0.32, 0.30, 0.30, 0.32, 0.36, 0.41];
/// Plaster, and seats on one surface of six: a concert hall.
const PLASTER_AND_SEATS: [f64; 7] = [0.17, 0.18, 0.20, 0.22, 0.24, 0.27, 0.31];

impl Space {
    /// The space of a style; `size_percent` from half (0) over 1 (50) to twice (100) its usual lengths.
    pub(super) fn new(style: Style, size_percent: f64) -> Space {
        let scale = 2f64.powf((size_percent - 50.0) / 50.0);
        let (lines_ms, diffusion_ms, walls) = match style {
            // A studio's live room; lines about as long as its mean free paths.
            Style::Room => (
                (19.0, 71.0),
                [3.1, 6.7, 12.1],
                Some(Walls { size_m: [5.3, 7.1, 3.1], absorption: WOOD_AND_CURTAINS, late_ms: 41.0 }),
            ),
            // Bending waves reach the pickups at once and densely.
            Style::Plate => ((23.0, 83.0), [2.3, 5.3, 11.3], None),
            // A shoebox concert hall of some 11,000 cubic metres.
            Style::Hall => (
                (31.0, 113.0),
                [7.9, 15.1, 26.3],
                Some(Walls { size_m: [19.0, 39.0, 15.0], absorption: PLASTER_AND_SEATS, late_ms: 80.0 }),
            ),
            // A tiled cellar of some 100 cubic metres, full of columns: hard, bright, dense at once. Its echoes are
            // scattered, not mirrored; the first of them are the diffuser's.
            Style::Chamber => ((11.0, 37.0), [1.9, 4.7, 10.3], None),
        };
        let nested_ms = match style {
            Style::Chamber => Some((5.3, 23.0)),
            Style::Room | Style::Plate | Style::Hall => None,
        };
        Space {
            nested_ms: nested_ms.map(|(shortest, longest)| (shortest * scale, longest * scale)),
            lines_ms: (lines_ms.0 * scale, lines_ms.1 * scale),
            diffusion_ms: diffusion_ms.map(|ms| ms * scale),
            walls: walls.map(|w| Walls {
                size_m: w.size_m.map(|m| m * scale),
                late_ms: w.late_ms * scale,
                ..w
            }),
        }
    }
}
