//! A transform of real blocks that turns negacyclic convolution into products.
//!
//! Overlap-save drops what is wrapped around, so that it may as well be wrapped around with the other sign: the blocks are
//! polynomials modulo `t^2N + 1 = (t^N - i)(t^N + i)`, and of real ones the remainder modulo `t^N - i` tells all. That is
//! `x[n] + i x[n + N]`: the first half of a block as real parts, the second half as imaginary ones (the right-angle
//! convolution of H. J. Nussbaumer, *Fast Fourier Transform and Convolution Algorithms* (1982), section 3; R. Crandall,
//! B. Fagin, *Discrete weighted transforms and large-integer arithmetic*, Math. Comp. 62 (1994)). Its values at the roots of
//! `t^N = i` are a Fourier transform of `N` complex numbers that were turned before; `N` products of them are a convolution
//! of `2N` real numbers. A transform of `2N` real numbers costs as much and has to be unpacked.

use num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

/// The transform of blocks of `2N` real numbers, as `N` complex ones.
#[derive(Clone)]
pub struct Negacyclic {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// What number `n` is turned by: `n / N` of a quarter of the circle.
    turns: Vec<Complex64>,
}

/// What a [`Negacyclic`] works in.
pub struct Room {
    numbers: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Negacyclic {
    /// For blocks of `2 size` real numbers.
    pub fn new(size: usize) -> Negacyclic {
        let mut planner = FftPlanner::new();
        let turn = |n: usize| Complex64::cis(FRAC_PI_2 * n as f64 / size as f64);
        Negacyclic {
            forward: planner.plan_fft_inverse(size),
            inverse: planner.plan_fft_forward(size),
            turns: (0..size).map(turn).collect(),
        }
    }

    /// Half the length of a block.
    pub fn size(&self) -> usize {
        self.turns.len()
    }

    /// Room to work in.
    pub fn room(&self) -> Room {
        let scratch = self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        Room {
            numbers: vec![Complex64::default(); self.size()],
            scratch: vec![Complex64::default(); scratch],
        }
    }

    /// Transforms a block in place, its first half in `re` and its second half in `im`.
    ///
    /// # Panics
    /// When they are not [`Negacyclic::size`] long, or `room` is another transform's.
    pub fn forward(&self, re: &mut [f64], im: &mut [f64], room: &mut Room) {
        assert!(re.len() == self.size() && im.len() == self.size(), "a block's halves");
        turn(&mut room.numbers, re, im, &self.turns);
        self.forward.process_with_scratch(&mut room.numbers, &mut room.scratch);
        part(&room.numbers, re, im);
    }

    /// Transforms products back in place, `size` times as high.
    ///
    /// # Panics
    /// As [`Negacyclic::forward`].
    pub fn inverse(&self, re: &mut [f64], im: &mut [f64], room: &mut Room) {
        assert!(re.len() == self.size() && im.len() == self.size(), "a block's halves");
        join(&mut room.numbers, re, im);
        self.inverse.process_with_scratch(&mut room.numbers, &mut room.scratch);
        turn_back(&room.numbers, re, im, &self.turns);
    }
}

audio::wide! {
    fn turn(numbers: &mut [Complex64], re: &[f64], im: &[f64], turns: &[Complex64]) {
        for (((number, re), im), turn) in numbers.iter_mut().zip(re).zip(im).zip(turns) {
            *number = Complex64::new(re * turn.re - im * turn.im, re * turn.im + im * turn.re);
        }
    }
}

audio::wide! {
    fn part(numbers: &[Complex64], re: &mut [f64], im: &mut [f64]) {
        for ((number, re), im) in numbers.iter().zip(re).zip(im) {
            (*re, *im) = (number.re, number.im);
        }
    }
}

audio::wide! {
    fn join(numbers: &mut [Complex64], re: &[f64], im: &[f64]) {
        for ((number, re), im) in numbers.iter_mut().zip(re).zip(im) {
            *number = Complex64::new(*re, *im);
        }
    }
}

audio::wide! {
    fn turn_back(numbers: &[Complex64], re: &mut [f64], im: &mut [f64], turns: &[Complex64]) {
        for (((number, re), im), turn) in numbers.iter().zip(re).zip(im).zip(turns) {
            *re = number.re * turn.re + number.im * turn.im;
            *im = number.im * turn.re - number.re * turn.im;
        }
    }
}

#[cfg(test)]
mod tests;
