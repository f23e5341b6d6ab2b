//! How a sound gets into the plate: the dispersion of bending waves, then input diffusion.

use crate::blocks::grid::{CONTROL_FRAMES, FLUSH_BELOW, flush};
use crate::blocks::history::History;
use crate::blocks::primes::next_prime;
use audio::Frames;
use std::f64::consts::PI;

/// Dattorro's reference rate, at which his lengths are counted.
pub(super) const REFERENCE_HZ: f64 = 29_761.0;

/// First-order allpasses of the dispersion.
const SECTIONS: usize = 64;

/// Corners of the dispersion's first and last allpass, and the power of the frequency in which they are even: the chain
/// that comes nearest to a bending wave between 300 Hz and 8 kHz.
const CORNERS_HZ: [f64; 2] = [100.0, 20_000.0];
const EVEN_IN: f64 = 0.8;

/// Delay of the chain times the root of the frequency: 3 ms at 1 kHz, some 40 cm of a steel plate of half a millimetre.
#[cfg(test)]
const DELAY: f64 = 0.1;

/// Lengths of the diffusers of the left and the right input: Dattorro's four and two longer ones; the right ones are
/// of our own, so that equal inputs do not fall together.
const LENGTHS: [[f64; 6]; 2] =
    [[142.0, 107.0, 379.0, 277.0, 211.0, 523.0], [149.0, 113.0, 359.0, 293.0, 227.0, 499.0]];

/// Their coefficients: Dattorro's "input diffusion" 1 and 2.
const GAINS: [f64; 6] = [0.75, 0.75, 0.625, 0.625, 0.625, 0.625];

/// A bending wave travels at a speed that grows with the root of its frequency: treble arrives first, bass trails behind
/// it. A chain of first-order allpasses whose corners are spread over the spectrum delays like it.
#[derive(Debug, Clone)]
pub(super) struct Dispersion {
    gains: [f64; SECTIONS],
    state: [[f64; 2]; SECTIONS],
}

impl Dispersion {
    pub(super) fn new(sample_rate_hz: f64) -> Dispersion {
        let [first, last] = CORNERS_HZ.map(|hz| hz.powf(EVEN_IN));
        let gains = std::array::from_fn(|section| {
            let place = (section as f64 + 0.5) / SECTIONS as f64;
            let corner_hz = (first + place * (last - first)).powf(1.0 / EVEN_IN);
            let g = (PI * (corner_hz / sample_rate_hz).min(0.49)).tan();
            g / (1.0 + g)
        });
        Dispersion { gains, state: [[0.0; 2]; SECTIONS] }
    }

    pub(super) fn reset(&mut self) {
        self.state = [[0.0; 2]; SECTIONS];
    }

    pub(super) fn flush(&mut self) {
        self.state.iter_mut().flatten().for_each(|x| *x = flush(*x));
    }

    pub(super) fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        let (gains, _) = self.gains.as_chunks::<8>();
        let (states, _) = self.state.as_chunks_mut::<8>();
        for (gains, states) in gains.iter().zip(states) {
            let mut now = *states;
            for (left, right) in left.iter_mut().zip(right.iter_mut()) {
                let mut both = [*left, *right];
                for (gain, state) in gains.iter().zip(&mut now) {
                    for c in 0..2 {
                        let v = (both[c] - state[c]) * gain;
                        let low = state[c] + v;
                        state[c] = low + v;
                        both[c] = 2.0 * low - both[c];
                    }
                }
                [*left, *right] = both;
            }
            *states = now;
        }
    }
}

/// An allpass of Schroeder's.
#[derive(Debug, Clone)]
struct Allpass {
    delay: Frames,
    gain: f64,
    past: History,
}

impl Allpass {
    fn process(&mut self, samples: &mut [f64]) {
        let frames = samples.len();
        let mut inner = [0.0; CONTROL_FRAMES];
        let delayed = self.past.behind(self.delay - frames, frames);
        for ((sample, inner), delayed) in samples.iter_mut().zip(&mut inner).zip(delayed) {
            let w = *sample + self.gain * delayed;
            *inner = if w.abs() < FLUSH_BELOW { 0.0 } else { w };
            *sample = delayed - self.gain * *inner;
        }
        self.past.push(&inner[..frames]);
    }
}

/// Six allpasses per input.
#[derive(Debug, Clone)]
pub(super) struct Diffusers {
    inputs: [Vec<Allpass>; 2],
}

impl Diffusers {
    pub(super) fn new(sample_rate_hz: f64) -> Diffusers {
        let allpass = |(length, gain): (f64, f64)| {
            // Read before it is written, a control period at once.
            let delay = next_prime(((length * sample_rate_hz / REFERENCE_HZ) as Frames).max(CONTROL_FRAMES));
            Allpass { delay, gain, past: History::new(delay + CONTROL_FRAMES) }
        };
        Diffusers { inputs: LENGTHS.map(|lengths| lengths.into_iter().zip(GAINS).map(allpass).collect()) }
    }

    pub(super) fn reset(&mut self) {
        self.inputs.iter_mut().flatten().for_each(|allpass| allpass.past.reset());
    }

    pub(super) fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        let [for_left, for_right] = &mut self.inputs;
        for_left.iter_mut().for_each(|allpass| allpass.process(left));
        for_right.iter_mut().for_each(|allpass| allpass.process(right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::acoustics::{energy, spectrum};

    fn impulse(mut through: impl FnMut(&mut [f64], &mut [f64]), frames: usize) -> Vec<f64> {
        let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
        left[0] = 1.0;
        for (left, right) in left.chunks_mut(CONTROL_FRAMES).zip(right.chunks_mut(CONTROL_FRAMES)) {
            through(left, right);
        }
        assert!(right.iter().all(|x| *x == 0.0), "channels stay apart");
        left
    }

    #[test]
    fn treble_comes_first_as_in_a_plate() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            let mut dispersion = Dispersion::new(rate);
            let response = impulse(|l, r| dispersion.process(l, r), 1 << 16);
            // Allpasses: the energy is the impulse's.
            assert!((energy(&response) - 1.0).abs() < 1e-9);
            // Group delay: the spectrum of n x(n) over that of x(n).
            let moment: Vec<f64> = response.iter().enumerate().map(|(n, x)| n as f64 * x).collect();
            let (plain, moment) = (spectrum(&response), spectrum(&moment));
            for hz in [400.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0] {
                let bin = (hz / rate * 65_536.0) as usize;
                let (seen_s, wished_s) = ((moment[bin] / plain[bin]).re / rate, DELAY / f64::sqrt(hz));
                // What a chain with two ends can do: the speed of the wave to an eighth.
                assert!((seen_s / wished_s - 1.0).abs() < 0.125, "{hz} Hz: {seen_s} s, {wished_s} s");
            }
        }
    }

    #[test]
    fn diffusers_keep_the_energy() {
        let mut diffusers = Diffusers::new(48_000.0);
        let response = impulse(|l, r| diffusers.process(l, r), 1 << 16);
        assert!((energy(&response) - 1.0).abs() < 1e-9);
    }
}
