//! The ride itself, at the control rate: from powers to decibels of gain, every window centred.

use crate::blocks::k_weighting::OFFSET_LUFS;
use crate::blocks::lookahead::greater;
use crate::blocks::math;
use std::f64::consts::PI;

/// Half the momentary window of BS.1770, in seconds.
const MOMENTARY_HALF_S: f64 = 0.2;
/// What is this far under the running mean is a pause.
const PAUSE_LU: f64 = 20.0;
/// The relative gate of BS.1770.
const GATE_LU: f64 = 10.0;
/// Memory of the running mean, in seconds of what sounded.
const MEMORY_S: f64 = 30.0;
/// Power that stands for silence.
const QUIET: f64 = 1e-14;

/// What the ride goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Aim {
    /// Loudness to come to; none is the running mean.
    pub(super) target_lufs: Option<f64>,
    /// Most gain either way.
    pub(super) range_db: f64,
    /// What is quieter is a pause.
    pub(super) pause_lufs: f64,
}

fn lufs(power: f64) -> f64 {
    OFFSET_LUFS + math::power_to_db(greater(power, QUIET))
}

/// The last values of a series, as many as a window holds.
#[derive(Debug, Clone)]
struct Window<T> {
    ring: Vec<T>,
    at: usize,
    /// At rest.
    empty: T,
}

impl<T: Copy> Window<T> {
    /// `half` on either side of the middle.
    fn new(half: usize, empty: T) -> Window<T> {
        Window { ring: vec![empty; 2 * half + 1], at: 0, empty }
    }

    fn push(&mut self, value: T) {
        self.ring[self.at] = value;
        self.at = (self.at + 1) % self.ring.len();
    }

    /// From the oldest to the newest.
    fn values(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.ring.split_at(self.at);
        older.iter().chain(newer)
    }

    fn middle(&self) -> T {
        self.ring[(self.at + self.ring.len() / 2) % self.ring.len()]
    }

    fn reset(&mut self) {
        self.ring.fill(self.empty);
        self.at = 0;
    }
}

/// Momentary power, and whether something sounds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Moment {
    power: f64,
    sounds: bool,
}

/// From mean powers of hops to decibels of gain, [`Ride::delay`] hops later.
#[derive(Debug, Clone)]
pub(super) struct Ride {
    powers: Window<f64>,
    moments: Window<Moment>,
    /// Gain asked for where something sounds.
    asked: Window<Option<f64>>,
    held: Window<f64>,
    /// Weights of the last two windows.
    triangle: Vec<f64>,
    hann: Vec<f64>,
    mean: f64,
    /// Hops that the mean was taken over, up to its memory.
    heard: f64,
    memory: f64,
}

impl Ride {
    /// For hops of this length and a ride of this time.
    pub(super) fn new(hop_s: f64, ride_s: f64) -> Ride {
        let half = |seconds: f64| ((seconds / hop_s).round() as usize).max(1);
        let (momentary, ride) = (half(MOMENTARY_HALF_S), half(ride_s / 2.0));
        let count = (2 * ride + 1) as f64;
        let place = |n: usize| n as f64 - ride as f64;
        let triangle = (0..2 * ride + 1).map(|n| 1.0 - place(n).abs() / (ride as f64 + 1.0)).collect();
        let mut hann: Vec<f64> =
            (0..2 * ride + 1).map(|n| 0.5 + 0.5 * (2.0 * PI * place(n) / (count + 1.0)).cos()).collect();
        let sum: f64 = hann.iter().sum();
        hann.iter_mut().for_each(|weight| *weight /= sum);
        Ride {
            powers: Window::new(momentary, 0.0),
            moments: Window::new(ride, Moment::default()),
            asked: Window::new(ride, None),
            held: Window::new(ride, 0.0),
            triangle,
            hann,
            mean: 0.0,
            heard: 0.0,
            memory: MEMORY_S / hop_s,
        }
    }

    /// By how many hops the gain comes later than the power it belongs to.
    pub(super) fn delay(&self) -> usize {
        let lengths =
            [self.powers.ring.len(), self.moments.ring.len(), self.asked.ring.len(), self.held.ring.len()];
        lengths.iter().map(|length| length / 2).sum()
    }

    pub(super) fn reset(&mut self) {
        self.powers.reset();
        self.moments.reset();
        self.asked.reset();
        self.held.reset();
        (self.mean, self.heard) = (0.0, 0.0);
    }

    /// Takes the mean power of the next hop and gives the gain in decibels.
    pub(super) fn next(&mut self, power: f64, aim: &Aim) -> f64 {
        self.powers.push(if power.is_finite() { power } else { 0.0 });
        let moment = self.moment(aim);
        self.moments.push(moment);
        let asked = self.ask(aim);
        self.asked.push(asked);
        let held = self.hold();
        self.held.push(held);
        self.held.values().zip(&self.hann).map(|(gain, weight)| gain * weight).sum()
    }

    /// The momentary power; tells pauses and keeps the running mean.
    fn moment(&mut self, aim: &Aim) -> Moment {
        let sum: f64 = self.powers.values().sum();
        let power = sum / self.powers.ring.len() as f64;
        let loudness = lufs(power);
        let known = self.heard > 0.0;
        let sounds = loudness > aim.pause_lufs && (!known || loudness > lufs(self.mean) - PAUSE_LU);
        if sounds {
            self.heard = (self.heard + 1.0).min(self.memory);
            self.mean += (power - self.mean) / self.heard;
        }
        Moment { power, sounds }
    }

    /// The gain from the phrase's loudness to the target, if something sounds in the window's middle.
    fn ask(&self, aim: &Aim) -> Option<f64> {
        if !self.moments.middle().sounds {
            return None;
        }
        let mean_above = |least: f64| {
            let above = self.moments.values().filter(|moment| moment.sounds && moment.power > least);
            let (sum, count) = above.fold((0.0, 0.0), |(sum, count), m| (sum + m.power, count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        };
        let ungated = mean_above(0.0);
        let loudness = lufs(mean_above(ungated * math::exp2(-GATE_LU * 2.0 / math::DB_PER_DOUBLING)));
        let target = aim.target_lufs.unwrap_or(lufs(self.mean));
        Some((target - loudness).clamp(-aim.range_db, aim.range_db))
    }

    /// The gain asked for nearby, most of all in the middle; none where nothing sounds nearby.
    fn hold(&self) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (asked, weight) in self.asked.values().zip(&self.triangle) {
            if let Some(gain) = asked {
                sum += weight * gain;
                weights += weight;
            }
        }
        if weights > 0.0 { sum / weights } else { 0.0 }
    }
}
