//! The absorption of the delay lines of a reverb.

use super::decay::{SHELF_COEFFICIENTS, Shelves};
use super::grid::{CONTROL_FRAMES, FLUSH_BELOW, flush};
use audio::Frames;

/// One frame of `N` lines through shelves that stand still.
#[inline(always)]
fn absorb_some<const N: usize>(
    [low_pole, low_gain, high_pole, direct, smooth]: &[[f64; N]; SHELF_COEFFICIENTS],
    low: &mut [f64; N],
    high: &mut [f64; N],
    lines: &mut [f64],
) {
    let lines = &mut lines[..N];
    for line in 0..N {
        let to_low = (lines[line] - low[line]) * low_pole[line];
        let below = low[line] + to_low;
        low[line] = below + to_low;
        let shelved = lines[line] + low_gain[line] * below;
        let to_high = (shelved - high[line]) * high_pole[line];
        let below = high[line] + to_high;
        high[line] = below + to_high;
        let absorbed = direct[line] * shelved + smooth[line] * below;
        lines[line] = if absorbed.abs() < FLUSH_BELOW { 0.0 } else { absorbed };
    }
}

/// The shelves of all lines, and where it is going.
#[derive(Debug, Clone)]
pub struct Absorption<const LINES: usize> {
    now: [[f64; LINES]; SHELF_COEFFICIENTS],
    step: [[f64; LINES]; SHELF_COEFFICIENTS],
    target: [[f64; LINES]; SHELF_COEFFICIENTS],
    changed: bool,
    moves: bool,
    low: [f64; LINES],
    high: [f64; LINES],
}

impl<const LINES: usize> Default for Absorption<LINES> {
    /// Absorbs everything until it is told otherwise.
    fn default() -> Absorption<LINES> {
        let zero = [[0.0; LINES]; SHELF_COEFFICIENTS];
        Absorption {
            now: zero,
            step: zero,
            target: zero,
            changed: false,
            moves: false,
            low: [0.0; LINES],
            high: [0.0; LINES],
        }
    }
}

impl<const LINES: usize> Absorption<LINES> {
    /// Moves to the shelves of these lengths, times `factor`, within the next control period.
    pub fn go_to(
        &mut self,
        lengths: &[Frames; LINES],
        factor: f64,
        mut shelves: impl FnMut(Frames) -> Shelves,
    ) {
        for (line, &frames) in lengths.iter().enumerate() {
            let coefficients = shelves(frames).scaled(factor).coefficients();
            for (vector, value) in self.target.iter_mut().zip(coefficients) {
                vector[line] = value;
            }
        }
        self.changed = true;
    }

    /// Prepares the next control period.
    pub fn control(&mut self) {
        if self.moves {
            self.now = self.target;
        }
        self.moves = self.changed;
        self.changed = false;
        if self.moves {
            for ((step, target), now) in self.step.iter_mut().zip(&self.target).zip(&self.now) {
                for line in 0..LINES {
                    step[line] = (target[line] - now[line]) / CONTROL_FRAMES as f64;
                }
            }
        }
        self.low = self.low.map(flush);
        self.high = self.high.map(flush);
    }

    /// Forgets the past and stands at the last shelves asked for.
    pub fn reset(&mut self) {
        self.now = self.target;
        (self.changed, self.moves) = (false, false);
        (self.low, self.high) = ([0.0; LINES], [0.0; LINES]);
    }

    /// Frames one after another through the shelves of every line: [`Absorption::absorb`] of each.
    ///
    /// Where the shelves stand still sixteen or eight lines pass at a time, whose states never leave the registers.
    #[inline(always)]
    pub fn absorb_all(&mut self, frames: &mut [[f64; LINES]]) {
        if self.moves || !LINES.is_multiple_of(8) {
            for lines in frames {
                self.absorb(lines);
            }
        } else if LINES.is_multiple_of(16) {
            self.absorb_groups::<16>(frames);
        } else {
            self.absorb_groups::<8>(frames);
        }
    }

    #[inline(always)]
    fn absorb_groups<const N: usize>(&mut self, frames: &mut [[f64; LINES]]) {
        for first in (0..LINES).step_by(N) {
            let (mut shelves, mut low, mut high) = ([[0.0; N]; SHELF_COEFFICIENTS], [0.0; N], [0.0; N]);
            for (part, vector) in shelves.iter_mut().zip(&self.now) {
                part.copy_from_slice(&vector[first..first + N]);
            }
            low.copy_from_slice(&self.low[first..first + N]);
            high.copy_from_slice(&self.high[first..first + N]);
            for lines in frames.iter_mut() {
                absorb_some(&shelves, &mut low, &mut high, &mut lines[first..first + N]);
            }
            self.low[first..first + N].copy_from_slice(&low);
            self.high[first..first + N].copy_from_slice(&high);
        }
    }

    /// One frame through the shelves of every line, which move on by a frame where they move.
    #[inline(always)]
    pub fn absorb(&mut self, lines: &mut [f64; LINES]) {
        let Absorption { now, step, moves, low, high, .. } = self;
        let [low_pole, low_gain, high_pole, direct, smooth] = &*now;
        for line in 0..LINES {
            let to_low = (lines[line] - low[line]) * low_pole[line];
            let below = low[line] + to_low;
            low[line] = below + to_low;
            let shelved = lines[line] + low_gain[line] * below;
            let to_high = (shelved - high[line]) * high_pole[line];
            let below = high[line] + to_high;
            high[line] = below + to_high;
            let absorbed = direct[line] * shelved + smooth[line] * below;
            lines[line] = if absorbed.abs() < FLUSH_BELOW { 0.0 } else { absorbed };
        }
        if *moves {
            for (now, step) in now.iter_mut().zip(step.iter()) {
                for line in 0..LINES {
                    now[line] += step[line];
                }
            }
        }
    }
}
