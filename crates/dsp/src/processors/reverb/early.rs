//! Early reflections: the mirror images of two sources in a box-shaped room.
//!
//! Allen & Berkley, *Image method for efficiently simulating small-room acoustics*, JASA 65 (1979). Left and
//! right channel are two sources in front of a listener who stands slightly aside, as one does: a listener in
//! the very middle would hear both sides at the same instants, which adds up to a comb.

use super::space::Walls;
use crate::blocks::grid::{CONTROL_FRAMES, flush};
use crate::blocks::history::History;
use crate::blocks::pan;
use audio::Frames;
use std::f64::consts::PI;

/// Metres per second, at 20 degrees Celsius.
const SPEED_OF_SOUND: f64 = 343.0;

/// Reflections kept per source, loudest first: more are not told apart from the late field. A multiple of four,
/// as they are added up four at a time.
const KEPT: usize = 16;

/// Bounces followed.
const ORDER: i32 = 3;

/// One reflection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tap {
    pub(super) delay: Frames,
    pub(super) left: f64,
    pub(super) right: f64,
}

/// The reflections of the left and of the right source; each set has the energy of the source.
pub(super) fn design(walls: &Walls, sample_rate_hz: f64) -> [Vec<Tap>; 2] {
    let [width, length, height] = walls.size_m;
    let listener = [width * 0.47, length * 0.38, height * 0.41];
    // 30 degrees either side, the listening triangle.
    [-1.0, 1.0].map(|side| {
        let source = [width * (0.5 + side * 0.17), length * 0.71, height * 0.45];
        let direct = distance(source, listener);
        let mut taps: Vec<Tap> = images(source, walls.size_m)
            .map(|(image, bounces)| {
                let far = distance(image, listener);
                let sideways = (image[0] - listener[0]) / far;
                let (left, right) = pan::mono(100.0 * sideways);
                let gain = walls.reflection.powi(bounces) * direct / far;
                // Relative to the direct sound, which is the dry signal.
                let delay = ((far - direct) / SPEED_OF_SOUND * sample_rate_hz).round() as Frames;
                Tap { delay: delay.max(1), left: gain * left, right: gain * right }
            })
            .collect();
        let energy = |tap: &Tap| tap.left * tap.left + tap.right * tap.right;
        taps.sort_by(|a, b| energy(b).total_cmp(&energy(a)));
        taps.truncate(KEPT);
        let unit = 1.0 / taps.iter().map(energy).sum::<f64>().sqrt();
        taps.iter().map(|tap| Tap { left: tap.left * unit, right: tap.right * unit, ..*tap }).collect()
    })
}

/// Images of a source with one to `ORDER` bounces, and how many bounces each has.
fn images(source: [f64; 3], size: [f64; 3]) -> impl Iterator<Item = ([f64; 3], i32)> {
    let range = -ORDER..=ORDER;
    let cells = range.clone().flat_map(move |x| {
        let range = range.clone();
        range.clone().flat_map(move |y| range.clone().map(move |z| [x, y, z]))
    });
    cells.filter_map(move |cell| {
        let bounces = cell.iter().map(|n| n.abs()).sum::<i32>();
        // An odd cell holds the room as in a mirror.
        let place = |axis: usize| {
            let inside = if cell[axis] % 2 == 0 { source[axis] } else { size[axis] - source[axis] };
            f64::from(cell[axis]) * size[axis] + inside
        };
        (1..=ORDER).contains(&bounces).then(|| ([place(0), place(1), place(2)], bounces))
    })
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
}

/// Plays the reflections of two channels.
pub(super) struct Early {
    taps: [Vec<Tap>; 2],
    past: [History; 2],
    /// Part by which the treble of the surfaces moves on per frame: a one-pole low-pass.
    treble: f64,
    smooth: [f64; 2],
}

impl Early {
    pub(super) fn new(walls: &Walls, sample_rate_hz: f64) -> Early {
        let taps = design(walls, sample_rate_hz);
        let reach = taps.iter().flatten().map(|tap| tap.delay).max().unwrap_or(0) + CONTROL_FRAMES;
        let treble = 1.0 - (-2.0 * PI * walls.treble_hz / sample_rate_hz).exp();
        Early { taps, past: [History::new(reach), History::new(reach)], treble, smooth: [0.0; 2] }
    }

    /// Frames until the last reflection.
    pub(super) fn frames(&self) -> Frames {
        self.taps.iter().flatten().map(|tap| tap.delay).max().unwrap_or(0)
    }

    pub(super) fn reset(&mut self) {
        self.past.iter_mut().for_each(History::reset);
        self.smooth = [0.0; 2];
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub(super) fn flush(&mut self) {
        self.smooth = self.smooth.map(flush);
    }

    /// Writes the reflections of `input` to `output`, both of the same length, at most a control period.
    pub(super) fn process(&mut self, input: [&[f64]; 2], output: [&mut [f64]; 2]) {
        let [left, right] = output;
        left.fill(0.0);
        right.fill(0.0);
        for ((past, samples), taps) in self.past.iter_mut().zip(input).zip(&self.taps) {
            past.push(samples);
            let (fours, _) = taps.as_chunks::<4>();
            for taps in fours {
                let from = taps.map(|tap| past.behind(tap.delay, left.len()));
                add_four(taps, from, left, right);
            }
        }
        for (l, r) in left.iter_mut().zip(right.iter_mut()) {
            self.smooth[0] += self.treble * (*l - self.smooth[0]);
            self.smooth[1] += self.treble * (*r - self.smooth[1]);
            (*l, *r) = (self.smooth[0], self.smooth[1]);
        }
    }
}

/// Adds four reflections at once: a quarter of the traffic to the sums.
#[inline]
fn add_four(taps: &[Tap; 4], from: [&[f64]; 4], left: &mut [f64], right: &mut [f64]) {
    let frames = left.len();
    let (left, right) = (&mut left[..frames], &mut right[..frames]);
    let [a, b, c, d] = from.map(|samples| &samples[..frames]);
    for n in 0..frames {
        let x = [a[n], b[n], c[n], d[n]];
        left[n] += taps[0].left * x[0] + taps[1].left * x[1] + taps[2].left * x[2] + taps[3].left * x[3];
        right[n] += taps[0].right * x[0] + taps[1].right * x[1] + taps[2].right * x[2] + taps[3].right * x[3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_images_stand_where_a_mirror_puts_them() {
        let (source, size) = ([2.0, 3.0, 1.0], [5.0, 7.0, 3.0]);
        let found: Vec<_> =
            images(source, size).filter(|(_, bounces)| *bounces == 1).map(|(i, _)| i).collect();
        let mirrored = [
            [-2.0, 3.0, 1.0],
            [8.0, 3.0, 1.0],
            [2.0, -3.0, 1.0],
            [2.0, 11.0, 1.0],
            [2.0, 3.0, -1.0],
            [2.0, 3.0, 5.0],
        ];
        assert_eq!(found.len(), 6);
        assert!(mirrored.iter().all(|image| found.contains(image)), "{found:?}");
    }

    #[test]
    fn both_sources_have_unit_energy_and_their_own_instants() {
        let walls = Walls { size_m: [5.3, 7.1, 3.1], reflection: 0.72, treble_hz: 6_000.0 };
        let [left, right] = design(&walls, 48_000.0);
        for taps in [&left, &right] {
            let energy: f64 = taps.iter().map(|t| t.left * t.left + t.right * t.right).sum();
            assert!((energy - 1.0).abs() < 1e-12);
        }
        // Only floor and ceiling are met at the same distance from both sources, give or take the step aside.
        let shared = left.iter().filter(|l| right.iter().any(|r| r.delay == l.delay)).count();
        assert!(shared <= 4, "{shared} reflections coincide");
        // The source on the left is heard from the left.
        let leaning = |taps: &[Tap]| taps.iter().map(|t| t.left * t.left - t.right * t.right).sum::<f64>();
        assert!(leaning(&left) > 0.0 && leaning(&right) < 0.0);
    }
}
