//! How the speed of the line sways, and how it glides to another time.

use crate::blocks::grid::CONTROL_FRAMES;
use std::f64::consts::TAU;

/// Speed of the wow: between the half and the whole turn per second of tape machines' capstans and loops.
pub(super) const WOW_HZ: f64 = 0.7;

/// How fast the wow's depth follows its setting.
const WOW_SLEW_S: f64 = 0.1;

/// The slow swing of the delay time.
pub(super) struct Wow {
    phase: [f64; 2],
    advance: [f64; 2],
    follow: f64,
    /// Swing in frames, on its way to what the settings want.
    depth: f64,
    offset: f64,
    step: f64,
}

impl Wow {
    pub(super) fn new(sample_rate_hz: f64) -> Wow {
        let period_s = CONTROL_FRAMES as f64 / sample_rate_hz;
        let angle = TAU * WOW_HZ * period_s;
        Wow {
            phase: [1.0, 0.0],
            advance: [angle.cos(), angle.sin()],
            follow: 1.0 - (-period_s / WOW_SLEW_S).exp(),
            depth: 0.0,
            offset: 0.0,
            step: 0.0,
        }
    }

    pub(super) fn reset(&mut self, depth: f64) {
        (self.phase, self.depth, self.offset, self.step) = ([1.0, 0.0], depth, 0.0, 0.0);
    }

    /// Prepares one control period.
    pub(super) fn control(&mut self, depth: f64) {
        let ([a, b], [c, s]) = (self.phase, self.advance);
        let turned = [a * c - b * s, a * s + b * c];
        // One step of Newton's method keeps the point on the unit circle.
        let unit = 1.5 - 0.5 * (turned[0] * turned[0] + turned[1] * turned[1]);
        self.phase = turned.map(|x| x * unit);
        self.depth += self.follow * (depth - self.depth);
        // A thousandth of a frame is nothing: from here on the line stands still again.
        if depth == 0.0 && self.depth < 1e-3 {
            (self.depth, self.offset) = (0.0, 0.0);
        }
        self.step = (self.depth * self.phase[1] - self.offset) / CONTROL_FRAMES as f64;
    }

    /// Frames to add to the delay of the next frame.
    #[inline]
    pub(super) fn next_offset(&mut self) -> f64 {
        self.offset += self.step;
        self.offset
    }

    pub(super) fn is_still(&self) -> bool {
        self.offset == 0.0 && self.step == 0.0
    }
}

/// How fast a tape delay's time follows its knob: the time of a motor.
const SLIDE_S: f64 = 0.12;

/// Largest change of delay per frame: pitch stays between one octave under and a half of it over.
const STEEPEST: f64 = 0.5;

/// What is left of an old delay time on its way to the new one.
pub(super) struct Slide {
    follow: f64,
    offset: f64,
    step: f64,
}

impl Slide {
    pub(super) fn new(sample_rate_hz: f64) -> Slide {
        let follow = 1.0 - (-(CONTROL_FRAMES as f64) / (SLIDE_S * sample_rate_hz)).exp();
        Slide { follow, offset: 0.0, step: 0.0 }
    }

    pub(super) fn reset(&mut self) {
        (self.offset, self.step) = (0.0, 0.0);
    }

    /// The time has been changed by so many frames, which are to be made up for.
    pub(super) fn start(&mut self, frames: f64) {
        self.offset += frames;
    }

    /// Prepares one control period.
    pub(super) fn control(&mut self) {
        // A thousandth of a frame is nothing: from here on the line stands still again.
        if self.offset.abs() < 1e-3 {
            self.offset = 0.0;
        }
        let step = -self.follow * self.offset / CONTROL_FRAMES as f64;
        self.step = step.clamp(-STEEPEST, STEEPEST);
    }

    /// Frames to add to the delay of the next frame.
    #[inline]
    pub(super) fn next_offset(&mut self) -> f64 {
        self.offset += self.step;
        self.offset
    }

    pub(super) fn is_still(&self) -> bool {
        self.offset == 0.0 && self.step == 0.0
    }
}
