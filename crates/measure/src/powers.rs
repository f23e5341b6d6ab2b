//! Power spectra of short frames in single precision.
//!
//! What is asked of them is the power of wide bands, kept in single precision and compared in steps of decibels. A transform
//! of 2048 points of 24 significant bits is wrong by some 140 dB less than all the power of a frame, which no band is asked
//! that finely, and takes half the time and memory of one in double precision. Long spectra, in which noise 120 dB below
//! a tone is read, are not made here.

use crate::frames::{is_silent, lanes_dot, lanes_dot_two, lanes_sum};
use num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use std::ops::Range;
use std::sync::Arc;

/// Adds the powers of windowed frames.
#[derive(Clone)]
pub(crate) struct Powers {
    window: Vec<f64>,
    /// Sum of the window.
    weight: f64,
    transform: Transform,
}

/// A transform and its room.
#[derive(Clone)]
enum Transform {
    /// Of one channel after another.
    One {
        plan: Arc<dyn RealToComplex<f32>>,
        input: Vec<f32>,
        output: Vec<Complex<f32>>,
        scratch: Vec<Complex<f32>>,
    },
    /// Of two at once: one is the real part and the other the imaginary part.
    Two { plan: Arc<dyn Fft<f32>>, both: Vec<Complex<f32>>, scratch: Vec<Complex<f32>> },
}

impl Powers {
    /// For signals of so many channels: two are taken together, others one by one.
    pub(crate) fn new(window: Vec<f64>, channels: usize) -> Powers {
        let transform = if channels == 2 {
            let plan = FftPlanner::new().plan_fft_forward(window.len());
            let both = vec![Complex::ZERO; window.len()];
            Transform::Two { scratch: vec![Complex::ZERO; plan.get_inplace_scratch_len()], both, plan }
        } else {
            let plan = RealFftPlanner::new().plan_fft_forward(window.len());
            let (input, output) = (plan.make_input_vec(), plan.make_output_vec());
            Transform::One { input, output, scratch: plan.make_scratch_vec(), plan }
        };
        Powers { weight: lanes_sum(&window), window, transform }
    }

    /// Adds the power in every bin of a frame as long as the window, of which the part `sounding` belongs to the signal,
    /// without the mean of that part (DC would leak into the lowest bands).
    pub(crate) fn add_one(&mut self, frame: &[f64], sounding: Range<usize>, to: &mut [f64]) {
        let (part, window) = (&frame[sounding.clone()], &self.window[sounding.clone()]);
        let Transform::One { plan, input, output, scratch } = &mut self.transform else {
            panic!("a meter for two channels is given both")
        };
        if is_silent(part) {
            return;
        }
        let weight = if part.len() == self.window.len() { self.weight } else { lanes_sum(window) };
        let mean = mean(lanes_dot(part, window), weight);
        input[..sounding.start].fill(0.0);
        input[sounding.end..].fill(0.0);
        window_one(&mut input[sounding], part, window, mean);
        let done = plan.process_with_scratch(input, output, scratch);
        debug_assert!(done.is_ok(), "all vectors have the lengths of the plan");
        add_one(to, output);
    }

    /// Adds the power of both channels in every bin.
    pub(crate) fn add_two(&mut self, left: &[f64], right: &[f64], sounding: Range<usize>, to: &mut [f64]) {
        let window = &self.window[sounding.clone()];
        let (left, right) = (&left[sounding.clone()], &right[sounding.clone()]);
        let Transform::Two { plan, both, scratch } = &mut self.transform else {
            panic!("a meter for one channel is given one")
        };
        if is_silent(left) && is_silent(right) {
            return;
        }
        let weight = if window.len() == self.window.len() { self.weight } else { lanes_sum(window) };
        let (left_sum, right_sum) = lanes_dot_two(left, right, window);
        both[..sounding.start].fill(Complex::ZERO);
        both[sounding.end..].fill(Complex::ZERO);
        let means = (mean(left_sum, weight), mean(right_sum, weight));
        window_two(&mut both[sounding], (left, means.0), (right, means.1), window);
        plan.process_with_scratch(both, scratch);
        add_two(to, both);
    }
}

fn mean(sum: f64, weight: f64) -> f64 {
    if weight > 0.0 { sum / weight } else { 0.0 }
}

audio::wide! {
    fn window_one(to: &mut [f32], samples: &[f64], window: &[f64], mean: f64) {
        to.iter_mut().zip(samples).zip(window).for_each(|((to, x), w)| *to = ((x - mean) * w) as f32);
    }
}

audio::wide! {
    fn window_two(to: &mut [Complex<f32>], left: (&[f64], f64), right: (&[f64], f64), window: &[f64]) {
        let frames = to.len();
        let ((left, left_mean), (right, right_mean)) = (left, right);
        let (left, right, window) = (&left[..frames], &right[..frames], &window[..frames]);
        for n in 0..frames {
            let (l, r) = ((left[n] - left_mean) * window[n], (right[n] - right_mean) * window[n]);
            to[n] = Complex::new(l as f32, r as f32);
        }
    }
}

audio::wide! {
    /// Adds `|X[k]|²`.
    fn add_one(to: &mut [f64], spectrum: &[Complex<f32>]) {
        to.iter_mut().zip(spectrum).for_each(|(to, x)| *to += f64::from(x.re * x.re + x.im * x.im));
    }
}

audio::wide! {
    /// Adds `|L[k]|² + |R[k]|² = (|Z[k]|² + |Z[N - k]|²) / 2` for half of the spectrum.
    fn add_two(to: &mut [f64], both: &[Complex<f32>]) {
        let half = both.len() / 2;
        to[0] += f64::from(both[0].re * both[0].re + both[0].im * both[0].im);
        let pairs = both[1..=half].iter().zip(both[half..].iter().rev());
        for (to, (a, b)) in to[1..=half].iter_mut().zip(pairs) {
            *to += f64::from(0.5 * ((a.re * a.re + a.im * a.im) + (b.re * b.re + b.im * b.im)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    const SIZE: usize = 256;

    fn window() -> Vec<f64> {
        (0..SIZE).map(|n| (PI * (n as f64 + 0.5) / SIZE as f64).sin().powi(2)).collect()
    }

    /// The transform by its definition, in double precision.
    fn by_definition(frame: &[f64], sounding: Range<usize>) -> Vec<f64> {
        let window = window();
        let weight: f64 = window[sounding.clone()].iter().sum();
        let mean = sounding.clone().map(|n| frame[n] * window[n]).sum::<f64>() / weight;
        let power = |k: usize| {
            let (mut re, mut im) = (0.0, 0.0);
            for n in sounding.clone() {
                let (x, turn) = ((frame[n] - mean) * window[n], TAU * (k * n) as f64 / SIZE as f64);
                (re, im) = (re + x * turn.cos(), im - x * turn.sin());
            }
            re * re + im * im
        };
        (0..=SIZE / 2).map(power).collect()
    }

    /// A loud low tone and a high one 100 dB below it, beside another in the other channel, with DC: every bin is what the
    /// definition gives, to 24 bits of what is there and 140 dB below the loudest.
    #[test]
    fn powers_are_those_of_the_definition() {
        let tone = |hz: f64, level: f64| move |n: usize| level * (TAU * hz * n as f64 / 48_000.0).sin();
        let (low, high, other) = (tone(700.0, 1.0), tone(15_000.0, 1e-5), tone(4_000.0, 0.01));
        let left: Vec<f64> = (0..SIZE).map(|n| 0.1 + low(n) + high(n)).collect();
        let right: Vec<f64> = (0..SIZE).map(|n| other(n) - 0.2).collect();
        let silence = vec![0.0; SIZE];
        for sounding in [0..SIZE, 40..SIZE, 0..100] {
            for pair in [(&left, &right), (&left, &left), (&silence, &left), (&right, &silence)] {
                let alone = [pair.0, pair.1].map(|channel| by_definition(channel, sounding.clone()));
                let expected: Vec<f64> = alone[0].iter().zip(&alone[1]).map(|(l, r)| l + r).collect();
                let (mut two, mut one) = (vec![0.0; SIZE / 2 + 1], vec![0.0; SIZE / 2 + 1]);
                Powers::new(window(), 2).add_two(pair.0, pair.1, sounding.clone(), &mut two);
                let mut single = Powers::new(window(), 1);
                [pair.0, pair.1].iter().for_each(|x| single.add_one(x, sounding.clone(), &mut one));
                let most = expected.iter().fold(0.0, |most: f64, p| most.max(*p));
                for k in 0..expected.len() {
                    for found in [two[k], one[k]] {
                        // Eight steps of a transform, half a unit of 24 bits each, on the amplitude of the loudest bin.
                        let wrong = (found.sqrt() - expected[k].sqrt()).abs();
                        assert!(wrong <= 5e-7 * most.sqrt(), "{k}: {found:e} for {:e}", expected[k]);
                    }
                }
            }
        }
        let mut nothing = vec![0.0; SIZE / 2 + 1];
        Powers::new(window(), 2).add_two(&silence, &silence, 0..SIZE, &mut nothing);
        assert!(nothing.iter().all(|power| *power == 0.0));
    }
}
