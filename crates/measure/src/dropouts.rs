//! Dropouts: holes of digital silence in the middle of a sound.
//!
//! A hole is a run of samples that are zero but for the dither of 16 bits, 1 ms to 1 s long, into which the sound breaks off and out of
//! which it goes on at about the same level. A pause that was cut fades out before, or begins with something else
//! after; one that was gated does both. Waves that are zero for a part of every period have holes all the time, and
//! are left alone.

use audio::{BlockRef, Frames, db_to_power};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Samples up to this are zero: two steps of 16 bits, the reach of triangular dither after rounding.
const ZERO: f64 = 2.1 / 32_768.0;
/// Shortest and longest hole in seconds.
const SHORTEST_S: f64 = 0.001;
const LONGEST_S: f64 = 1.0;
/// The sound before and after is judged over this, in seconds, ...
const SIDE_S: f64 = 0.005;
/// ... and its very edge over this.
const EDGE_S: f64 = 0.001;
/// Either side is at least this loud in dBFS RMS, ...
const LEAST_DBFS: f64 = -60.0;
/// ... no more than this apart, in dB, ...
const ALIKE_DB: f64 = 14.0;
/// ... and at its edge no further below itself than this, in dB: it did not fade.
const FADED_DB: f64 = -9.0;
/// More than this many holes within so many seconds are a wave.
const CROWD: usize = 4;
const CROWD_S: f64 = 0.25;
/// Places kept.
const PLACES: usize = 100;
/// Holes judged for crowds.
const MOST: usize = 100_000;

/// A hole in a sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    /// The channel, from 0.
    pub channel: usize,
    /// Its first silent frame.
    pub frame: Frames,
    /// Its length in frames.
    pub frames: Frames,
}

/// The search in all channels.
#[derive(Debug, Clone)]
pub(crate) struct Dropouts {
    sample_rate_hz: f64,
    channels: Vec<Channel>,
    frame: Frames,
    found: Vec<Dropout>,
}

#[derive(Debug, Clone)]
struct Channel {
    number: usize,
    side: usize,
    edge: usize,
    /// The last sounding samples, at most as many as a side.
    recent: VecDeque<f64>,
    /// Zeros since the last sample that was none.
    zeros: Frames,
    /// A hole that waits for the sound after it.
    hole: Option<Hole>,
}

#[derive(Debug, Clone)]
struct Hole {
    frame: Frames,
    frames: Frames,
    before: f64,
    after: Vec<f64>,
}

/// Mean square of some samples, and of their differences.
fn powers(samples: &[f64]) -> (f64, f64) {
    let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
    let squares = samples.iter().map(|x| x * x).sum();
    let slopes = samples.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
    (mean(squares, samples.len()), mean(slopes, samples.len().saturating_sub(1)))
}

/// Whether a side is loud enough, and as loud at its edge: a swing that crosses zero there is steep instead.
fn is_whole(side: &[f64], edge: &[f64]) -> bool {
    let ((whole, slope), (edge, edge_slope)) = (powers(side), powers(edge));
    let swing = if slope > 0.0 { edge_slope * whole / slope } else { edge };
    whole >= db_to_power(LEAST_DBFS) && 0.5 * (edge + swing) >= whole * db_to_power(FADED_DB)
}

impl Channel {
    /// The power of the side before the run of zeros that just ended, where the sound broke off there.
    fn broke_off(&mut self) -> Option<f64> {
        if self.recent.len() < self.side {
            return None;
        }
        let side = &*self.recent.make_contiguous();
        is_whole(side, &side[self.side - self.edge..]).then(|| powers(side).0)
    }

    fn judge(&self, hole: &Hole) -> bool {
        let after = powers(&hole.after).0;
        let alike = (after / hole.before).max(hole.before / after) <= db_to_power(ALIKE_DB);
        alike && is_whole(&hole.after, &hole.after[..self.edge])
    }

    fn take(&mut self, x: f64, frame: Frames, limits: (Frames, Frames), found: &mut Vec<Dropout>) {
        if let Some(hole) = &mut self.hole {
            hole.after.push(x);
            if hole.after.len() == self.side {
                let hole = self.hole.take().expect("it was there");
                if self.judge(&hole) && found.len() < MOST {
                    found.push(Dropout { channel: self.number, frame: hole.frame, frames: hole.frames });
                }
            }
        }
        if x.abs() <= ZERO {
            self.zeros += 1;
            return;
        }
        if self.zeros >= limits.0 {
            if self.zeros <= limits.1
                && self.hole.is_none()
                && let Some(before) = self.broke_off()
            {
                let after = Vec::with_capacity(self.side);
                self.hole = Some(Hole { frame: frame - self.zeros, frames: self.zeros, before, after });
                self.hole.as_mut().expect("just made").after.push(x);
            }
            self.recent.clear();
        } else {
            // Single zeros belong to the sound.
            for _ in 0..self.zeros {
                self.keep(0.0);
            }
        }
        self.zeros = 0;
        self.keep(x);
    }

    fn keep(&mut self, x: f64) {
        if self.recent.len() == self.side {
            self.recent.pop_front();
        }
        self.recent.push_back(x);
    }

    /// Takes a bin in which nothing can begin or end.
    fn pass(&mut self, samples: &[f64]) {
        let last = &samples[samples.len().saturating_sub(self.side)..];
        if last.len() == self.side {
            self.recent.clear();
            self.recent.extend(last);
        } else {
            last.iter().for_each(|x| self.keep(*x));
        }
    }
}

impl Dropouts {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> Dropouts {
        let frames = |seconds: f64| ((seconds * sample_rate_hz) as usize).max(2);
        let channel = |number| Channel {
            number,
            side: frames(SIDE_S),
            edge: frames(EDGE_S),
            recent: VecDeque::with_capacity(frames(SIDE_S)),
            zeros: 0,
            hole: None,
        };
        Dropouts {
            sample_rate_hz,
            channels: (0..channels).map(channel).collect(),
            frame: 0,
            found: Vec::new(),
        }
    }

    /// Takes one bin of clean samples.
    pub(crate) fn bin(&mut self, block: &BlockRef) {
        let limits =
            ((SHORTEST_S * self.sample_rate_hz) as Frames, (LONGEST_S * self.sample_rate_hz) as Frames);
        for (channel, samples) in self.channels.iter_mut().zip(block.iter()) {
            let zeros = samples.iter().fold(0u32, |zeros, x| zeros + u32::from(x.abs() <= ZERO)) as usize;
            if zeros == samples.len() && channel.hole.is_none() {
                channel.zeros += zeros;
            } else if zeros * 4 < limits.0 && channel.zeros == 0 && channel.hole.is_none() {
                // Too few zeros for a hole; those at the end may begin one, and are counted there.
                let open = samples.iter().rev().take_while(|x| x.abs() <= ZERO).count();
                channel.pass(&samples[..samples.len() - open]);
                channel.zeros = open;
            } else {
                for (n, x) in samples.iter().enumerate() {
                    channel.take(*x, self.frame + n, limits, &mut self.found);
                }
            }
        }
        self.frame += block.frames();
    }

    /// The number of holes, channels that have the same one counted once, and the first of them.
    pub(crate) fn finish(mut self) -> (usize, Vec<Dropout>) {
        self.found.sort_by_key(|hole| (hole.channel, hole.frame));
        let reach = (CROWD_S * self.sample_rate_hz) as Frames;
        let found = &self.found;
        let alone = |place: usize| {
            let near = |other: &&Dropout| other.frame.abs_diff(found[place].frame) <= reach;
            let channel = found[place].channel;
            let before = found[..place].iter().rev().take_while(|o| o.channel == channel && near(o)).count();
            let after = found[place..].iter().take_while(|o| o.channel == channel && near(o)).count();
            before + after <= CROWD
        };
        let mut kept: Vec<Dropout> =
            (0..found.len()).filter(|place| alone(*place)).map(|n| found[n]).collect();
        kept.sort_by_key(|hole| (hole.frame, hole.channel));
        let same = (SHORTEST_S * self.sample_rate_hz) as Frames;
        kept.dedup_by(|later, earlier| {
            later.frame - earlier.frame <= same && later.channel != earlier.channel
        });
        let count = kept.len();
        kept.truncate(PLACES);
        (count, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn search(samples: &[f64], bin: usize) -> Vec<(Frames, Frames)> {
        let mut dropouts = Dropouts::new(48_000.0, 1);
        samples.chunks(bin).for_each(|part| dropouts.bin(&BlockRef::from_mono(part)));
        dropouts.finish().1.iter().map(|hole| (hole.frame, hole.frames)).collect()
    }

    fn tone() -> Vec<f64> {
        (0..96_000).map(|n| 0.2 * (TAU * 313.7 * n as f64 / 48_000.0 + 0.4).sin() + 1e-4).collect()
    }

    #[test]
    fn holes_are_found_to_the_frame() {
        let mut torn = tone();
        let holes = [(9_000, 49), (20_011, 480), (40_000, 2_400), (70_123, 24_000)];
        holes.iter().for_each(|(at, frames)| torn[*at..at + frames].fill(0.0));
        assert_eq!(search(&torn, 480), holes);
        // Where bins lie does not matter.
        assert_eq!(search(&torn, 441), holes);
        assert_eq!(search(&torn, 96_000), holes);
        // Triangular dither of 16 bits fills the holes.
        let step = |n: usize| ((n * 7919 % 5) as f64 - 2.0) / 32_768.0;
        let dithered: Vec<f64> =
            torn.iter().enumerate().map(|(n, x)| (x * 32_768.0).round() / 32_768.0 + step(n)).collect();
        let found = search(&dithered, 480);
        assert_eq!(found.len(), holes.len(), "{found:?}");
        for ((at, frames), (found_at, found_frames)) in holes.iter().zip(found) {
            // The sound may be as low as the dither where it breaks off: one frame of this tone on either side.
            assert!(at.abs_diff(found_at) <= 1 && frames.abs_diff(found_frames) <= 2, "{at}: {found_at}");
        }
    }

    #[test]
    fn what_fades_pauses_or_is_a_wave_has_no_holes() {
        let fade = |n: usize, at: usize| (n.abs_diff(at) as f64 / 960.0).min(1.0);
        let mut gated: Vec<f64> = tone().iter().enumerate().map(|(n, x)| x * fade(n, 40_000)).collect();
        gated[39_990..40_100].fill(0.0);
        assert_eq!(search(&gated, 480), [], "fades out and begins anew");
        let mut cut = tone();
        cut[20_000..69_000].fill(0.0);
        assert_eq!(search(&cut, 480), [], "longer than a second");
        let mut ends = tone();
        ends[..5_000].fill(0.0);
        ends[90_000..].fill(0.0);
        assert_eq!(search(&ends, 480), [], "silence at the ends");
        let mut softer = tone();
        softer[30_000..30_200].fill(0.0);
        softer[30_200..].iter_mut().for_each(|x| *x *= 0.05);
        assert_eq!(search(&softer, 480), [], "something else goes on");
        let pulses: Vec<f64> = (0..96_000).map(|n| if n % 480 < 240 { 0.5 } else { 0.0 }).collect();
        assert_eq!(search(&pulses, 480), [], "a pulse wave");
        assert_eq!(search(&[0.0; 9_000], 480), []);
        assert_eq!(search(&[0.5], 480), []);
    }
}
