//! A low cut or a high cut for two channels, whose corner may move.
//!
//! A second-order Butterworth filter as a trapezoidal state-variable filter (Simper, *Solving the continuous
//! SVF equations using trapezoidal integration and equivalent currents*, Cytomic 2013): its state are the
//! energies of the two integrators, so the corner can move in every frame without clicks or growth.

use super::dynamics::{KeyFilter, Pass, tangent};
use std::f64::consts::{PI, SQRT_2};

/// Which side is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What lies below the corner.
    Low,
    /// What lies above the corner.
    High,
}

/// Takes away one side of the spectrum by 12 dB per octave: the filter of a detector's key, on two channels that are heard.
#[derive(Debug, Clone)]
pub struct Cut {
    sample_rate_hz: f64,
    corner_hz: f64,
    filter: KeyFilter,
}

impl Cut {
    /// Takes away `side` from `corner_hz` on (-3 dB there).
    pub fn new(side: Side, corner_hz: f64, sample_rate_hz: f64) -> Cut {
        let pass = if side == Side::Low { Pass::High } else { Pass::Low };
        Cut { sample_rate_hz, corner_hz, filter: KeyFilter::new(pass, corner_hz, sample_rate_hz, 2) }
    }

    /// Moves the corner within the next control period.
    pub fn go_to(&mut self, corner_hz: f64) {
        if corner_hz != self.corner_hz {
            self.corner_hz = corner_hz;
            self.filter.set(corner_hz);
        }
    }

    /// Forgets the past and stands at the last corner asked for.
    pub fn reset(&mut self) {
        self.filter.reset();
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub fn flush(&mut self) {
        self.filter.flush();
    }

    /// Frames by which a high cut delays what lies far below its corner: the slope of its phase at zero.
    pub fn delay_frames(&self) -> f64 {
        SQRT_2 / (2.0 * tangent(self.corner_hz, self.sample_rate_hz))
    }

    /// Seconds until the answer to an impulse has fallen by `decibels`.
    pub fn decay_s(corner_hz: f64, decibels: f64) -> f64 {
        // A Butterworth pair has its poles at 45 degrees: it falls as exp(-omega t / sqrt 2).
        decibels / 20.0 * std::f64::consts::LN_10 * SQRT_2 / (2.0 * PI * corner_hz)
    }

    /// Filters both channels in place; they are equally long.
    pub fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        self.filter.process_two(0, left, right);
        self.filter.advance(left.len());
    }

    /// Filters a single channel in place.
    pub fn process_mono(&mut self, samples: &mut [f64]) {
        self.filter.process(0, samples);
        self.filter.advance(samples.len());
    }

    /// The next frame of both channels.
    pub fn next_frame(&mut self, [left, right]: [f64; 2]) -> [f64; 2] {
        let (mut left, mut right) = ([left], [right]);
        self.process(&mut left, &mut right);
        [left[0], right[0]]
    }
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
