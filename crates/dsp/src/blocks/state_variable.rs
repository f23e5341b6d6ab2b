//! The state-variable filter of detectors and splitters, and how its states come to rest.

use super::grid::flush;
use std::f64::consts::PI;

/// State of a second-order state-variable filter, trapezoidal integrators (Zavalishin, *The Art of VA
/// Filter Design*, 2012, section 4): stays stable while its frequency moves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StateVariable {
    first: f64,
    second: f64,
}

/// What a [`StateVariable`] gives for one sample.
#[derive(Debug, Clone, Copy)]
pub struct Outputs {
    /// Above the corner.
    pub high: f64,
    /// Around it; its gain at the corner is 1/damping.
    pub band: f64,
    /// Below the corner.
    pub low: f64,
}

/// Frequency of a [`StateVariable`] as its coefficient; frequencies near and above Nyquist stay below it.
pub fn tangent(freq_hz: f64, sample_rate_hz: f64) -> f64 {
    (PI * (freq_hz / sample_rate_hz).clamp(0.0, 0.49)).tan()
}

/// `1 / (1 + damping g + g^2)`, the factor a [`StateVariable`] needs beside `g`.
pub fn loop_gain(g: f64, damping: f64) -> f64 {
    1.0 / (1.0 + g * (g + damping))
}

impl StateVariable {
    /// Stands at these integrals of the band-pass and of the low-pass.
    pub fn at([first, second]: [f64; 2]) -> StateVariable {
        StateVariable { first, second }
    }

    /// The integrals of the band-pass and of the low-pass.
    pub fn states(&self) -> [f64; 2] {
        [self.first, self.second]
    }

    /// One sample; `g` from [`tangent`], `damping` is 1/Q, `scale` from [`loop_gain`].
    #[inline(always)]
    pub fn next(&mut self, sample: f64, g: f64, damping: f64, scale: f64) -> Outputs {
        let high = (sample - (damping + g) * self.first - self.second) * scale;
        let band = g * high + self.first;
        let low = g * band + self.second;
        self.first = 2.0 * band - self.first;
        self.second = 2.0 * low - self.second;
        Outputs { high, band, low }
    }

    /// What the band-pass was, near enough: the integral it leads to.
    #[inline(always)]
    pub fn band(&self) -> f64 {
        self.first
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        self.first = settle(self.first);
        self.second = settle(self.second);
    }
}

/// Zero for what is too small to matter or no number at all, else the value.
pub fn settle(value: f64) -> f64 {
    if value.is_finite() { flush(value) } else { 0.0 }
}
