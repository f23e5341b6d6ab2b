//! The figure-eight tank.
//!
//! Two halves, each an allpass whose length sways, a delay, an allpass and a delay; each half feeds the other. Dattorro,
//! *Effect design, part 1*, JAES 45 (1997), figure 1 and table 1. Every delay, those within the allpasses too, absorbs in
//! proportion to its length: replacing `z^-m` by `z^-m g^m` moves all poles of the lossless tank to one decay time (Jot &
//! Chaigne 1991), where the one damping filter per half of the original lets every mode decay as it likes.

use super::drive::REFERENCE_HZ;
use crate::blocks::absorption::Absorption;
use crate::blocks::decay::{Decay, Shelves};
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::history::History;
use crate::blocks::math::sin_turns;
use crate::blocks::moving::MovingDelay;
use crate::blocks::primes::next_prime;
use audio::Frames;

/// Delays of both halves: those of one kind stand beside each other.
const DELAYS: usize = 8;
/// Places of the kinds of delays among the eight: first allpass, delay, second allpass, delay.
const FIRST: usize = 0;
const MIDDLE: usize = 2;
const SECOND: usize = 4;
const LAST: usize = 6;

/// Lengths at the reference rate.
const LENGTHS: [f64; DELAYS] = [672.0, 908.0, 4453.0, 4217.0, 1800.0, 2656.0, 3720.0, 3163.0];

/// "Decay diffusion" 1, whose sign is turned, and 2.
const FIRST_GAIN: f64 = -0.7;
const SECOND_GAIN: f64 = 0.5;

/// Swing of the first allpasses at 100 %, at the reference rate, and its speeds: near Dattorro's 1 Hz, never in step.
const SWING: f64 = 8.0;
const SWING_HZ: [f64; 2] = [0.93, 0.61];

/// Taps of an output.
const HEARD: usize = 9;

/// Where the outputs listen: which delay, how many frames into it, and with which sign. Table 2, and two more each: with
/// these the power of the first rounds is as even as that of the later ones, so that short decays are as straight as
/// long ones.
const TAPS: [[(usize, f64, f64); HEARD]; 2] = [
    [
        (MIDDLE + 1, 266.0, 1.0),
        (MIDDLE + 1, 2974.0, 1.0),
        (SECOND + 1, 1913.0, -1.0),
        (LAST + 1, 1996.0, 1.0),
        (MIDDLE, 1990.0, -1.0),
        (SECOND, 187.0, -1.0),
        (LAST, 1066.0, -1.0),
        (MIDDLE + 1, 2020.0, 1.0),
        (LAST + 1, 2270.0, -1.0),
    ],
    [
        (MIDDLE, 353.0, 1.0),
        (MIDDLE, 3627.0, 1.0),
        (SECOND, 1228.0, -1.0),
        (LAST, 2673.0, 1.0),
        (MIDDLE + 1, 2111.0, -1.0),
        (SECOND + 1, 335.0, -1.0),
        (LAST + 1, 121.0, -1.0),
        (MIDDLE + 1, 520.0, 1.0),
        (MIDDLE, 20.0, -1.0),
    ],
];

type Tile = [[f64; DELAYS]; CONTROL_FRAMES];

pub(super) struct Tank {
    lengths: [Frames; DELAYS],
    /// Memories of all delays but the first allpasses.
    past: [History; DELAYS - 2],
    swaying: [MovingDelay; 2],
    taps: [[(usize, Frames, f64); HEARD]; 2],
    /// Each takes half of the loss: a shelf of few decibels is proportional, one of many is not.
    absorption: [Absorption<DELAYS>; 2],
    tile: Box<Tile>,
    /// Control points since the start, by which the swing stands.
    points: u64,
    /// Frames by which the first allpasses are longer, and the change per frame.
    sway: [f64; 2],
    sway_step: [f64; 2],
    swing: f64,
    sample_rate_hz: f64,
}

impl Tank {
    pub(super) fn new(scale: f64, sample_rate_hz: f64) -> Tank {
        let unit = scale * sample_rate_hz / REFERENCE_HZ;
        let swing = SWING * unit;
        // Read before it is written, a control period at once, however far it sways.
        let lengths = LENGTHS
            .map(|length| next_prime((length * unit).max(CONTROL_FRAMES as f64 + swing + 32.0) as Frames));
        let tap = |(delay, frames, sign): (usize, f64, f64)| {
            (delay, ((frames * unit) as Frames).min(lengths[delay] - 1), sign)
        };
        Tank {
            lengths,
            past: std::array::from_fn(|n| History::new(lengths[n + 2] + CONTROL_FRAMES)),
            swaying: std::array::from_fn(|n| MovingDelay::new(lengths[n] as f64 + swing + 1.0)),
            taps: TAPS.map(|taps| taps.map(tap)),
            absorption: [Absorption::default(), Absorption::default()],
            tile: Box::new([[0.0; DELAYS]; CONTROL_FRAMES]),
            points: 0,
            sway: [0.0; 2],
            sway_step: [0.0; 2],
            swing,
            sample_rate_hz,
        }
    }

    /// Frames of the longer half.
    pub(super) fn frames(&self) -> Frames {
        (0..2).map(|half| (0..4).map(|kind| self.lengths[2 * kind + half]).sum()).max().unwrap_or(0)
    }

    pub(super) fn reset(&mut self, depth: f64) {
        self.past.iter_mut().for_each(History::reset);
        self.swaying.iter_mut().for_each(MovingDelay::reset);
        self.absorption.iter_mut().for_each(Absorption::reset);
        self.points = 0;
        self.sway = self.swayed(depth);
    }

    /// Moves to another absorption within the next control period.
    pub(super) fn absorb(&mut self, decay: &Decay) {
        for (part, absorption) in self.absorption.iter_mut().enumerate() {
            absorption.go_to(&self.lengths, 1.0, |frames| decay.of_line((frames + part) / 2));
        }
    }

    /// What makes both outputs as loud as what comes in, at every frequency: the power that flows at the taps when
    /// every part of the tank is taken for random noise.
    pub(super) fn tone(&self, decay: &Decay) -> Shelves {
        decay.shelves(|decay_s| {
            let [left, right] = self.power(|frames| decay.kept(frames, decay_s));
            -10.0 * (0.5 * (left + right)).log10()
        })
    }

    /// Gains that make both outputs equally loud in the middle of the spectrum.
    pub(super) fn levels(&self, decay: &Decay, middle_s: f64) -> [f64; 2] {
        let powers = self.power(|frames| decay.kept(frames, middle_s));
        powers.map(|power| (0.5 * (powers[0] + powers[1]) / power).sqrt())
    }

    /// Power at both outputs while noise of unit power comes into both halves.
    fn power(&self, kept: impl Fn(Frames) -> f64) -> [f64; 2] {
        let kept = self.lengths.map(kept);
        // An absorbent allpass: what comes out, and what stands in its memory.
        let out = |gain: f64, kept: f64| {
            let square = gain * gain;
            square + (1.0 - square).powi(2) * kept / (1.0 - square * kept)
        };
        let held = |gain: f64, kept: f64| 1.0 / (1.0 - gain * gain * kept);
        let halves = [0, 1].map(|half| {
            let middle = out(FIRST_GAIN, kept[FIRST + half]);
            let second = middle * kept[MIDDLE + half];
            let last = second * out(SECOND_GAIN, kept[SECOND + half]);
            (middle, second * held(SECOND_GAIN, kept[SECOND + half]), last, last * kept[LAST + half])
        });
        // Each half receives unit power and what leaves the other.
        let round = halves[0].3 * halves[1].3;
        let into = [0, 1].map(|half: usize| (1.0 + halves[1 - half].3) / (1.0 - round));
        let at = |delay: usize| {
            let half = delay % 2;
            let (middle, second, last, _) = halves[half];
            into[half] * [middle, second, last][delay / 2 - 1]
        };
        self.taps.map(|taps| taps.iter().map(|&(delay, _, _)| at(delay)).sum())
    }

    /// Frames by which the first allpasses are longer at the present control point.
    fn swayed(&self, depth: f64) -> [f64; 2] {
        let time_s = (self.points * CONTROL_FRAMES as u64) as f64 / self.sample_rate_hz;
        SWING_HZ.map(|hz| depth * self.swing * sin_turns((time_s * hz).fract()))
    }

    /// Prepares the next control period; `depth` 0 stands still, 1 sways by Dattorro's eight samples.
    pub(super) fn control(&mut self, depth: f64) {
        self.absorption.iter_mut().for_each(Absorption::control);
        self.points += 1;
        let next = self.swayed(depth);
        for half in 0..2 {
            self.sway_step[half] = (next[half] - self.sway[half]) / CONTROL_FRAMES as f64;
            // A still tank reads whole frames.
            if depth == 0.0 && self.sway[half].abs() < 1e-9 {
                (self.sway[half], self.sway_step[half]) = (0.0, 0.0);
            }
        }
    }

    /// Feeds the halves with two inputs and turns them into the outputs; at most a control period.
    pub(super) fn process(&mut self, first: &mut [f64], second: &mut [f64]) {
        let frames = first.len();
        let tile = &mut self.tile[..frames];
        for (delay, past) in self.past.iter().enumerate() {
            let samples = past.behind(self.lengths[delay + 2] - frames, frames);
            tile.iter_mut().zip(samples).for_each(|(frame, sample)| frame[delay + 2] = *sample);
        }
        for (half, delay) in self.swaying.iter().enumerate() {
            let length = self.lengths[half] as f64;
            for (n, frame) in tile.iter_mut().enumerate() {
                // Nothing of this control period has been written: the place is so much nearer.
                self.sway[half] += self.sway_step[half];
                frame[half] = delay.read(length + self.sway[half] - n as f64);
            }
        }
        run(tile, first, second, &mut self.absorption);
        let mut plane = [0.0; CONTROL_FRAMES];
        for (delay, past) in self.past.iter_mut().enumerate() {
            plane.iter_mut().zip(tile.iter()).for_each(|(to, frame)| *to = frame[delay + 2]);
            past.push(&plane[..frames]);
        }
        for (half, delay) in self.swaying.iter_mut().enumerate() {
            tile.iter().for_each(|frame| delay.write(frame[half]));
        }
        for (output, taps) in [first, second].into_iter().zip(&self.taps) {
            output.fill(0.0);
            for &(delay, back, sign) in taps {
                let samples = self.past[delay - 2].behind(back, frames);
                output.iter_mut().zip(samples).for_each(|(to, sample)| *to += sign * sample);
            }
        }
    }
}

audio::wide! {
    /// From what the delays give to what they take, frame by frame.
    fn run(
        tile: &mut [[f64; DELAYS]],
        first: &[f64],
        second: &[f64],
        absorption: &mut [Absorption<DELAYS>; 2],
    ) {
        for ((frame, first), second) in tile.iter_mut().zip(first).zip(second) {
            let mut given = *frame;
            absorption.iter_mut().for_each(|part| part.absorb(&mut given));
            let input = [*first, *second];
            for half in 0..2 {
                let w = input[half] + given[LAST + 1 - half] + FIRST_GAIN * given[FIRST + half];
                frame[FIRST + half] = w;
                frame[MIDDLE + half] = given[FIRST + half] - FIRST_GAIN * w;
                let w = given[MIDDLE + half] + SECOND_GAIN * given[SECOND + half];
                frame[SECOND + half] = w;
                frame[LAST + half] = given[SECOND + half] - SECOND_GAIN * w;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the tank holds; an allpass's memory counts for `1 - g^2` of its samples.
    fn held(tank: &Tank) -> f64 {
        let mut sum = 0.0;
        for (delay, past) in tank.past.iter().enumerate() {
            let length = tank.lengths[delay + 2];
            let weight =
                if delay + 2 >= SECOND && delay + 2 < LAST { 1.0 - SECOND_GAIN.powi(2) } else { 1.0 };
            for back in (0..length).step_by(CONTROL_FRAMES) {
                let frames = CONTROL_FRAMES.min(length - back);
                sum += weight * past.behind(back, frames).iter().map(|x| x * x).sum::<f64>();
            }
        }
        for (half, delay) in tank.swaying.iter().enumerate() {
            // The last length of samples, read whole frames back; those nearer than the shortest are silence here.
            let places = 17..=tank.lengths[half];
            sum += (1.0 - FIRST_GAIN.powi(2)) * places.map(|n| delay.read(n as f64).powi(2)).sum::<f64>();
        }
        sum
    }

    #[test]
    fn a_still_lossless_tank_keeps_its_energy() {
        let mut tank = Tank::new(1.0, 48_000.0);
        tank.absorption.iter_mut().for_each(|part| part.go_to(&tank.lengths, 1.0, |_| Shelves::NONE));
        tank.reset(0.0);
        for period in 0..3_000 {
            let (mut first, mut second) = ([0.0; CONTROL_FRAMES], [0.0; CONTROL_FRAMES]);
            if period == 0 {
                // The first frame has left the nearest samples when it is measured.
                (first[0], second[1]) = (1.0, 0.5);
            }
            tank.control(0.0);
            tank.process(&mut first, &mut second);
        }
        // The nearest 16 samples of the first allpasses are not seen: their part of the whole.
        let unseen = 2.0 * 16.0 * 0.51 / tank.lengths.iter().sum::<Frames>() as f64;
        let energy = held(&tank) / 1.25;
        assert!((energy - 1.0).abs() < 4.0 * unseen, "energy {energy}, not seen {unseen}");
    }
}
