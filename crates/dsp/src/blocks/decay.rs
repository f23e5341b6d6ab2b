//! Decay times as filters.
//!
//! Jot & Chaigne (1991), equation 13: a line of `m` frames loses `60 m / (fs T60(f))` decibels. Here the loss has
//! three levels, joined by two first-order shelves of the proportional kind (Jot, *Proportional parametric
//! equalizers*, AES 139th Convention, 2015): half of a shelf's decibels at its crossover, whatever their number,
//! so that lines of all lengths agree on one decay time per frequency:
//! `1 / T(f) = 1/T_mid + (1/T_low - 1/T_mid) / (1 + (f/f_low)^2) + (1/T_high - 1/T_mid) / (1 + (f_high/f)^2)`.

use super::dynamics::StateVariable;
use super::quads::{Channel, Fours, Matrix};
use super::ramp::Ramp;
use audio::{db_to_gain, db_to_power};
use std::f64::consts::PI;

/// Numbers that make a pair of shelves.
pub const SHELF_COEFFICIENTS: usize = 5;

/// A low and a high shelf around a middle gain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shelves {
    low_pole: f64,
    low_gain: f64,
    high_pole: f64,
    direct: f64,
    smooth: f64,
}

impl Shelves {
    /// Changes nothing.
    #[cfg(test)]
    pub const NONE: Shelves =
        Shelves { low_pole: 0.0, low_gain: 0.0, high_pole: 0.0, direct: 1.0, smooth: 0.0 };

    /// Gain in the middle, and by how many decibels the ends differ from it.
    fn new(middle_db: f64, low_db: f64, high_db: f64, corners: &Corners) -> Shelves {
        let (middle, low, high) = (db_to_gain(middle_db), db_to_gain(low_db), db_to_gain(high_db));
        Shelves {
            low_pole: corners.pole(corners.low_hz / low.sqrt()),
            low_gain: low - 1.0,
            high_pole: corners.pole(corners.high_hz * high.sqrt()),
            direct: middle * high,
            smooth: middle * (1.0 - high),
        }
    }

    /// As [`Decay`] joins them, from decibels in the middle and those by which bass and treble differ from it;
    /// crossovers in hertz.
    pub fn between(
        middle_db: f64,
        low_db: f64,
        high_db: f64,
        [low_hz, high_hz]: [f64; 2],
        sample_rate_hz: f64,
    ) -> Shelves {
        Shelves::new(middle_db, low_db, high_db, &Corners { low_hz, high_hz, sample_rate_hz })
    }

    /// The gain at a frequency, for tests.
    #[cfg(test)]
    pub(crate) fn response(&self, hz: f64, sample_rate_hz: f64) -> num_complex::Complex64 {
        let z = num_complex::Complex64::from_polar(1.0, 2.0 * PI * hz / sample_rate_hz);
        // Trapezoidal one-pole: G (z + 1) / ((z - 1) + G ((z + 1) - (z - 1))) with G = g / (1 + g).
        let low_pass = |pole: f64| {
            let g = pole / (1.0 - pole);
            g * (z + 1.0) / ((z - 1.0) + g * (z + 1.0))
        };
        let shelved = 1.0 + self.low_gain * low_pass(self.low_pole);
        shelved * (self.direct + self.smooth * low_pass(self.high_pole))
    }

    /// The same with another overall gain.
    pub fn scaled(self, factor: f64) -> Shelves {
        Shelves { direct: self.direct * factor, smooth: self.smooth * factor, ..self }
    }

    /// In the order the loops use them: `y1 = x + low_gain LP(x)`, `y = direct y1 + smooth LP(y1)`.
    pub fn coefficients(self) -> [f64; SHELF_COEFFICIENTS] {
        [self.low_pole, self.low_gain, self.high_pole, self.direct, self.smooth]
    }
}

/// Crossovers at a sample rate.
#[derive(Debug, Clone)]
struct Corners {
    low_hz: f64,
    high_hz: f64,
    sample_rate_hz: f64,
}

impl Corners {
    /// The step of a trapezoidal one-pole low-pass.
    fn pole(&self, hz: f64) -> f64 {
        let g = (PI * (hz / self.sample_rate_hz).min(0.49)).tan();
        g / (1.0 + g)
    }
}

/// What a reverb is told about its decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Decay time of the middle of the spectrum, in seconds.
    pub middle_s: f64,
    /// Those of bass and treble as a part of it.
    pub low_ratio: f64,
    /// See `low_ratio`.
    pub high_ratio: f64,
    /// Where bass goes over into the middle.
    pub low_crossover_hz: f64,
    /// Where the middle goes over into treble.
    pub high_crossover_hz: f64,
}

/// Decay times in seconds and where they change over.
#[derive(Debug, Clone)]
pub struct Decay {
    middle_s: f64,
    low_s: f64,
    high_s: f64,
    corners: Corners,
}

impl Decay {
    /// The decay of a space at a sample rate.
    pub fn new(times: &Times, sample_rate_hz: f64) -> Decay {
        Decay {
            middle_s: times.middle_s,
            low_s: times.middle_s * times.low_ratio,
            high_s: times.middle_s * times.high_ratio,
            corners: Corners {
                low_hz: times.low_crossover_hz,
                high_hz: times.high_crossover_hz,
                sample_rate_hz,
            },
        }
    }

    /// The longest of the three.
    pub fn longest_s(&self) -> f64 {
        self.middle_s.max(self.low_s).max(self.high_s)
    }

    /// What a line of `frames` frames loses.
    pub fn of_line(&self, frames: usize) -> Shelves {
        self.shelves(|decay_s| -60.0 * frames as f64 / (self.corners.sample_rate_hz * decay_s))
    }

    /// What makes the late field of lines of these lengths as loud as what it comes from, at every frequency:
    /// its energy is the product of decay time and power (Jot & Chaigne 1991, "tone correction").
    pub fn tone(&self, lengths: &[usize]) -> Shelves {
        let db = |decay_s: f64| {
            // Of 16 lines one mixture is heard; each line keeps `kept` of its energy per round.
            let kept: f64 = lengths
                .iter()
                .map(|&m| db_to_power(-60.0 * m as f64 / (self.corners.sample_rate_hz * decay_s)))
                .sum::<f64>()
                / lengths.len() as f64;
            // Decays shorter than a round are not brought up: they end before they become a field.
            10.0 * ((1.0 - kept) / kept.max(0.25) * lengths.len() as f64 / 2.0).log10()
        };
        self.shelves(db)
    }

    /// Shelves through the decibels that a decay time in seconds asks for, at bass, middle and treble.
    pub fn shelves(&self, db: impl Fn(f64) -> f64) -> Shelves {
        let middle_db = db(self.middle_s);
        Shelves::new(middle_db, db(self.low_s) - middle_db, db(self.high_s) - middle_db, &self.corners)
    }

    /// The part of the energy that a path of `frames` frames leaves at a decay time in seconds.
    pub fn kept(&self, frames: usize, decay_s: f64) -> f64 {
        db_to_power(-60.0 * frames as f64 / (self.corners.sample_rate_hz * decay_s))
    }

    /// The decay time at a frequency, in seconds.
    #[cfg(test)]
    pub fn at(&self, hz: f64) -> f64 {
        let rate = 1.0 / self.middle_s;
        let low = (1.0 / self.low_s - rate) / (1.0 + (hz / self.corners.low_hz).powi(2));
        let high = (1.0 / self.high_s - rate) / (1.0 + (self.corners.high_hz / hz).powi(2));
        1.0 / (rate + low + high)
    }
}

/// A pair of shelves over two channels, which may move: the tone correction of a late field. Four frames at a time while they
/// stand (see [`super::quads`]).
#[derive(Debug, Clone)]
pub struct Tone {
    coefficients: [Ramp; SHELF_COEFFICIENTS],
    /// A step of the shelves where they go, or stand: for a frame, and for four.
    matrix: Matrix,
    fours: Fours,
    channels: [Channel; 2],
}

impl Default for Tone {
    fn default() -> Tone {
        let silent = matrix([0.0; SHELF_COEFFICIENTS]);
        Tone {
            coefficients: [Ramp::new(0.0); SHELF_COEFFICIENTS],
            matrix: silent,
            fours: Fours::new(&silent),
            channels: [Channel::default(); 2],
        }
    }
}

impl Tone {
    /// Moves to other shelves within the next control period.
    pub fn go_to(&mut self, shelves: Shelves) {
        for channel in &mut self.channels {
            channel.settle(&self.matrix);
        }
        let targets = shelves.coefficients();
        self.coefficients.iter_mut().zip(targets).for_each(|(ramp, value)| ramp.go_to(value));
        self.matrix = matrix(targets);
        self.fours = Fours::new(&self.matrix);
    }

    /// Forgets the past and stands at the last shelves asked for.
    pub fn reset(&mut self) {
        self.coefficients.iter_mut().for_each(Ramp::finish);
        self.channels = [Channel::default(); 2];
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub fn flush(&mut self) {
        self.channels.iter_mut().for_each(|channel| channel.flush(&self.matrix));
    }

    /// Filters both channels in place; they are equally long, at most a control period.
    pub fn process(&mut self, left: &mut [f64], right: &mut [f64]) {
        let moving = self.coefficients.iter().map(Ramp::left).max().unwrap_or(0).min(left.len());
        let ((left, left_rest), (right, right_rest)) =
            (left.split_at_mut(moving), right.split_at_mut(moving));
        if moving > 0 {
            let path = self.coefficients.each_mut().map(|ramp| ramp.path(moving));
            for (channel, samples) in self.channels.iter_mut().zip([left, right]) {
                let mut state = channel.settle(&self.matrix).states();
                for (n, sample) in samples.iter_mut().enumerate() {
                    *sample = matrix(path.each_ref().map(|p| p[n])).next(&mut state, *sample);
                }
                channel.resume(StateVariable::at(state));
            }
        }
        Channel::process_two(self.channels.each_mut(), &self.fours, left_rest, right_rest);
    }
}

/// One step of a pair of shelves: its states are those of the two trapezoidal low-passes.
fn matrix([low_pole, low_gain, high_pole, direct, smooth]: [f64; SHELF_COEFFICIENTS]) -> Matrix {
    // What the low shelf gives, of its state and of what comes in; then the high shelf over it.
    let shelved = [low_gain * (1.0 - low_pole), 1.0 + low_gain * low_pole];
    let over = direct + smooth * high_pole;
    Matrix {
        first: [1.0 - 2.0 * low_pole, 0.0, 2.0 * low_pole],
        second: [2.0 * high_pole * shelved[0], 1.0 - 2.0 * high_pole, 2.0 * high_pole * shelved[1]],
        output: [over * shelved[0], smooth * (1.0 - high_pole), over * shelved[1]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_decay_time_of_the_formula() {
        for rate in [44_100.0, 96_000.0] {
            let times = Times {
                middle_s: 2.0,
                low_ratio: 1.4,
                high_ratio: 0.5,
                low_crossover_hz: 250.0,
                high_crossover_hz: 4000.0,
            };
            let decay = Decay::new(&times, rate);
            for line in [601, 2_003, 4_409] {
                for hz in [63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0] {
                    let seen = -60.0 * line as f64
                        / rate
                        / (20.0 * decay.of_line(line).response(hz, rate).norm().log10());
                    let wished = decay.at(hz);
                    // Half of the 5 % that the whole reverb may be off: shelves of up to 3 dB are not quite
                    // proportional, and the trapezoidal rule bends 8 kHz at 44.1 kHz.
                    assert!((seen / wished - 1.0).abs() < 0.025, "{line} at {hz} Hz: {seen} s, {wished} s");
                }
            }
        }
    }
}
