//! Three gains for three bands of one signal, without splitting it.
//!
//! A low shelf and a high shelf, each out of one state-variable filter (V. Zavalishin, *The Art of VA Filter Design*,
//! section 4), stand in a row behind the middle band's gain:
//! `(s^2 + sqrt(2 a) s + a) / (s^2 + sqrt(2) s + 1)` with a, the low gain over the middle one, and
//! `(b s^2 + sqrt(2 b) s + 1) / (s^2 + sqrt(2) s + 1)` with b, the high gain over the middle one. All is of minimum
//! phase at every setting, and with equal gains it is that gain and nothing else; the sum of a crossover's bands
//! would turn the phase. The denominators do not move with the gains, which may be others in every frame.

use super::dynamics::{StateVariable, loop_gain, tangent};
use super::ramp::Ramp;
use std::f64::consts::{PI, SQRT_2};

/// The two edges between the bands.
#[derive(Debug, Clone, Copy)]
pub struct Edges {
    low: Ramp,
    high: Ramp,
    sample_rate_hz: f64,
}

impl Edges {
    /// Between low and middle, and middle and high.
    pub fn new(low_hz: f64, high_hz: f64, sample_rate_hz: f64) -> Edges {
        let at = |hz: f64| Ramp::new(tangent(hz, sample_rate_hz));
        Edges { low: at(low_hz), high: at(high_hz), sample_rate_hz }
    }

    /// Moves them over the next control period.
    pub fn go_to(&mut self, low_hz: f64, high_hz: f64) {
        for (ramp, hz) in [(&mut self.low, low_hz), (&mut self.high, high_hz)] {
            let target = tangent(hz, self.sample_rate_hz);
            if ramp.target() != target {
                ramp.go_to(target);
            }
        }
    }

    /// Stands where it was going.
    pub fn finish(&mut self) {
        self.low.finish();
        self.high.finish();
    }

    /// Seconds until the response has fallen by 120 dB while the gains move: half as long again as a Butterworth
    /// pair, which falls as `exp(-sqrt 2 pi f t)`, at the lower edge.
    pub fn tail_s(low_hz: f64) -> f64 {
        1.5 * 1e6f64.ln() / (SQRT_2 * PI * low_hz)
    }
}

/// The filters of one channel.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreeBands {
    low: StateVariable,
    high: StateVariable,
}

impl ThreeBands {
    /// Applies the gains (low, middle, high per frame) to `samples`; where all are one, they stay bit for bit.
    ///
    /// `edges` moves on by the frames: give each channel of a block a copy from its beginning.
    pub fn process(&mut self, samples: &mut [f64], [low, middle, high]: [&[f64]; 3], edges: &mut Edges) {
        let mut state = *self;
        for (n, sample) in samples.iter_mut().enumerate() {
            let (low, middle, high) = (low[n], middle[n], high[n]);
            let (a, b) = (low / middle, high / middle);
            let g = edges.low.next_value();
            let out = state.low.next(*sample, g, SQRT_2, loop_gain(g, SQRT_2));
            let shelved = out.high + (2.0 * a).sqrt() * out.band + a * out.low;
            let g = edges.high.next_value();
            let out = state.high.next(shelved, g, SQRT_2, loop_gain(g, SQRT_2));
            if low != 1.0 || middle != 1.0 || high != 1.0 {
                *sample = middle * (b * out.high + (2.0 * b).sqrt() * out.band + out.low);
            }
        }
        *self = state;
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        self.low.flush();
        self.high.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The magnitude that the two quotients have on the bilinear transform's frequency scale; equal gains are a gain.
    #[test]
    fn the_response_is_the_stated_one() {
        const RATE: f64 = 48_000.0;
        for gains in [[2.0, 0.5, 1.0], [0.25, 1.0, 4.0], [1.7, 1.7, 1.7]] {
            let mut impulse = vec![0.0; 24_000];
            impulse[0] = 1.0;
            let paths = gains.map(|gain| vec![gain; impulse.len()]);
            let mut edges = Edges::new(200.0, 3_000.0, RATE);
            ThreeBands::default().process(&mut impulse, [&paths[0], &paths[1], &paths[2]], &mut edges);
            for hz in [20.0, 100.0, 200.0, 800.0, 3_000.0, 6_000.0, 18_000.0] {
                let (re, im) = impulse.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, h)| {
                    let (sin, cos) = (2.0 * PI * hz * n as f64 / RATE).sin_cos();
                    (re + h * cos, im - h * sin)
                });
                let fourth = |edge: f64| (tangent(hz, RATE) / tangent(edge, RATE)).powi(4);
                let (a, b) = (gains[0] / gains[1], gains[2] / gains[1]);
                let (l, h) = (fourth(200.0), fourth(3_000.0));
                // |s^2 + sqrt(2 a) s + a|^2 = a^2 + w^4.
                let power = (a * a + l) / (1.0 + l) * (1.0 + b * b * h) / (1.0 + h) * gains[1] * gains[1];
                let seen = re * re + im * im;
                assert!((seen / power - 1.0).abs() < 1e-6, "{gains:?} at {hz} Hz: {seen} {power}");
            }
        }
    }
}
