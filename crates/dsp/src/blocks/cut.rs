//! A low cut or a high cut for two channels, whose corner may move.
//!
//! A second-order Butterworth filter as a trapezoidal state-variable filter (Simper, *Solving the continuous
//! SVF equations using trapezoidal integration and equivalent currents*, Cytomic 2013): its state are the
//! energies of the two integrators, so the corner can move in every frame without clicks or growth.

use super::grid::flush;
use super::ramp::Ramp;
use std::f64::consts::{PI, SQRT_2};

/// Which side is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What lies below the corner.
    Low,
    /// What lies above the corner.
    High,
}

/// Takes away one side of the spectrum by 12 dB per octave.
#[derive(Debug, Clone)]
pub struct Cut {
    side: Side,
    sample_rate_hz: f64,
    /// The warped corner frequency.
    corner: Ramp,
    /// Of the update, for the corner at which they were worked out.
    factors: [f64; 3],
    band: [f64; 2],
    low: [f64; 2],
}

impl Cut {
    /// Takes away `side` from `corner_hz` on (-3 dB there).
    pub fn new(side: Side, corner_hz: f64, sample_rate_hz: f64) -> Cut {
        let corner = Ramp::new(warped(corner_hz, sample_rate_hz));
        let factors = factors(corner.target());
        Cut { side, sample_rate_hz, corner, factors, band: [0.0; 2], low: [0.0; 2] }
    }

    /// Moves the corner within the next control period.
    pub fn go_to(&mut self, corner_hz: f64) {
        self.corner.go_to(warped(corner_hz, self.sample_rate_hz));
    }

    /// Forgets the past and stands at the last corner asked for.
    pub fn reset(&mut self) {
        self.corner.finish();
        self.factors = factors(self.corner.target());
        (self.band, self.low) = ([0.0; 2], [0.0; 2]);
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub fn flush(&mut self) {
        self.band = self.band.map(flush);
        self.low = self.low.map(flush);
    }

    /// Frames by which a high cut delays what lies far below its corner: the slope of its phase at zero.
    pub fn delay_frames(&self) -> f64 {
        SQRT_2 / (2.0 * self.corner.target())
    }

    /// Seconds until the answer to an impulse has fallen by `decibels`.
    pub fn decay_s(corner_hz: f64, decibels: f64) -> f64 {
        // A Butterworth pair has its poles at 45 degrees: it falls as exp(-omega t / sqrt 2).
        decibels / 20.0 * std::f64::consts::LN_10 * SQRT_2 / (2.0 * PI * corner_hz)
    }

    /// Filters both channels in place; they are equally long.
    pub fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        let mut cut = self.clone();
        for (left, right) in left.iter_mut().zip(right) {
            [*left, *right] = cut.next_frame([*left, *right]);
        }
        *self = cut;
    }

    /// The next frame of both channels.
    #[inline(always)]
    pub fn next_frame(&mut self, input: [f64; 2]) -> [f64; 2] {
        if self.corner.moves() {
            self.factors = factors(self.corner.next_value());
        }
        let [a1, a2, a3] = self.factors;
        let mut output = [0.0; 2];
        for c in 0..2 {
            let rest = input[c] - self.low[c];
            let band = a1 * self.band[c] + a2 * rest;
            let low = self.low[c] + a2 * self.band[c] + a3 * rest;
            self.band[c] = 2.0 * band - self.band[c];
            self.low[c] = 2.0 * low - self.low[c];
            output[c] = match self.side {
                Side::Low => input[c] - SQRT_2 * band - low,
                Side::High => low,
            };
        }
        output
    }
}

/// The corner as the trapezoidal rule sees it; kept below the Nyquist frequency.
fn warped(corner_hz: f64, sample_rate_hz: f64) -> f64 {
    (PI * (corner_hz / sample_rate_hz).min(0.49)).tan()
}

fn factors(g: f64) -> [f64; 3] {
    let a1 = 1.0 / (1.0 + g * (g + SQRT_2));
    [a1, g * a1, g * g * a1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn gain_db(cut: &mut Cut, hz: f64, rate: f64) -> f64 {
        let frames = rate as usize;
        let (mut re, mut im) = (0.0, 0.0);
        for n in 0..frames {
            let x = if n == 0 { 1.0 } else { 0.0 };
            let y = cut.next_frame([x, -x])[0];
            let angle = TAU * (hz * n as f64 / rate).fract();
            re += y * angle.cos();
            im -= y * angle.sin();
        }
        10.0 * (re * re + im * im).log10()
    }

    #[test]
    fn butterworth_of_second_order() {
        for rate in [44_100.0, 192_000.0] {
            for side in [Side::Low, Side::High] {
                // One octave away: 10 log10(1 + 2^4) = 12.30 dB against 10 log10(1 + 2^-4) = 0.26 dB.
                let (removed, kept) = if side == Side::Low { (250.0, 1000.0) } else { (1000.0, 250.0) };
                for (hz, db) in [(500.0, -3.0103), (removed, -12.3045), (kept, -0.2633)] {
                    let seen = gain_db(&mut Cut::new(side, 500.0, rate), hz, rate);
                    // Warping at a twentieth of the Nyquist frequency: under 0.05 dB.
                    assert!((seen - db).abs() < 0.05, "{side:?} {hz} Hz at {rate}: {seen} dB, {db} expected");
                }
            }
        }
    }

    #[test]
    fn the_stated_delay_is_that_of_low_tones() {
        // The centre of gravity of a low-pass's impulse response is its delay at zero frequency.
        let mut cut = Cut::new(Side::High, 3_000.0, 48_000.0);
        let (mut sum, mut moment) = (0.0, 0.0);
        for n in 0..4_000 {
            let y = cut.next_frame([if n == 0 { 1.0 } else { 0.0 }, 0.0])[0];
            sum += y;
            moment += y * f64::from(n);
        }
        assert!((moment / sum - cut.delay_frames()).abs() < 1e-9);
    }
}
