//! Early reflections: the mirror images of two sources in a box-shaped room.
//!
//! Allen & Berkley, *Image method for efficiently simulating small-room acoustics*, JASA 65 (1979). Left and
//! right channel are two sources in front of a listener who stands slightly aside, as one does: a listener in
//! the very middle would hear both sides at the same instants, which adds up to a comb. Every bounce swallows what
//! its surface swallows in each octave, and the air on the way to it takes its share of the treble.

use super::space::Walls;
use crate::blocks::decay::{Shelves, Tone};
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::history::History;
use crate::blocks::pan;
use audio::Frames;
use std::f64::consts::PI;

/// Metres per second, at 20 degrees Celsius.
const SPEED_OF_SOUND: f64 = 343.0;

/// Reflections kept per source, loudest first: more are not told apart from the late field.
const KEPT: usize = 48;

/// Bounces followed.
const ORDER: usize = 6;

/// What air swallows per metre, in the octaves from 125 Hz to 8 kHz: ISO 9613-1, table 1, 20 degrees, 50 % humidity.
const AIR_DB_PER_M: [f64; 7] = [0.000_445, 0.001_32, 0.002_73, 0.004_66, 0.009_89, 0.029_7, 0.105];

/// One reflection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tap {
    pub(super) delay: Frames,
    pub(super) left: f64,
    pub(super) right: f64,
    /// Surfaces met on the way.
    bounces: usize,
}

impl Tap {
    fn energy(&self) -> f64 {
        self.left * self.left + self.right * self.right
    }
}

/// Cubic metres and square metres.
fn volume_and_surface([width, length, height]: [f64; 3]) -> (f64, f64) {
    (width * length * height, 2.0 * (width * length + width * height + length * height))
}

/// What a bounce takes in each octave, in decibels, beyond what it takes at 1 kHz. The air of one mean free path
/// (Kosten 1960: four volumes by the surface) goes with it, since a reflection of `n` bounces comes from about `n` of
/// these paths further than the direct sound.
fn bounce_db(walls: &Walls) -> [f64; 7] {
    let (volume, surface) = volume_and_surface(walls.size_m);
    let path_m = 4.0 * volume / surface;
    let loss =
        |octave: usize| 10.0 * (1.0 - walls.absorption[octave]).log10() - path_m * AIR_DB_PER_M[octave];
    std::array::from_fn(|octave| loss(octave) - loss(3))
}

/// The shelves of one bounce: they meet the lowest octave, one octave beyond its crossover, where a shelf has four
/// fifths of its decibels, and the highest, at its crossover, where it has half of them.
fn bounce(walls: &Walls, sample_rate_hz: f64) -> Shelves {
    let db = bounce_db(walls);
    Shelves::between(0.0, db[0] / 0.8, db[6] * 2.0, [250.0, 8000.0], sample_rate_hz)
}

/// Part of the image sources' pressure that is played at a time after the direct sound: all until the mixing time,
/// the root of the volume in milliseconds (Polack, *Playing billiards in the concert hall*, Applied Acoustics 38,
/// 1993), from where the field is as good as random; then less and less until the late field has come.
fn joining(walls: &Walls, after_ms: f64) -> f64 {
    let mixing_ms = volume_and_surface(walls.size_m).0.sqrt();
    let part = ((after_ms - mixing_ms) / walls.late_ms).clamp(0.0, 1.0);
    (part * PI / 2.0).cos()
}

/// The reflections of the left and of the right source; each set has the energy of the source.
pub(super) fn design(walls: &Walls, sample_rate_hz: f64) -> [Vec<Tap>; 2] {
    let [width, length, height] = walls.size_m;
    let listener = [width * 0.47, length * 0.38, height * 0.41];
    let reflection = (1.0 - walls.absorption[3]).sqrt();
    // 30 degrees either side, the listening triangle.
    [-1.0, 1.0].map(|side| {
        let source = [width * (0.5 + side * 0.17), length * 0.71, height * 0.45];
        let direct = distance(source, listener);
        let mut taps: Vec<Tap> = images(source, walls.size_m)
            .map(|(image, bounces)| {
                let far = distance(image, listener);
                let sideways = (image[0] - listener[0]) / far;
                let (left, right) = pan::mono(100.0 * sideways);
                // Relative to the direct sound, which is the dry signal.
                let after_s = (far - direct) / SPEED_OF_SOUND;
                let spread = reflection.powi(bounces as i32) * direct / far;
                let gain = spread * joining(walls, 1000.0 * after_s);
                let delay = ((after_s * sample_rate_hz).round() as Frames).max(1);
                Tap { delay, left: gain * left, right: gain * right, bounces }
            })
            .filter(|tap| tap.energy() > 1e-12)
            .collect();
        taps.sort_by(|a, b| b.energy().total_cmp(&a.energy()));
        taps.truncate(KEPT);
        let unit = 1.0 / taps.iter().map(Tap::energy).sum::<f64>().sqrt();
        taps.iter().map(|tap| Tap { left: tap.left * unit, right: tap.right * unit, ..*tap }).collect()
    })
}

/// Images of a source with one to `ORDER` bounces, and how many bounces each has.
fn images(source: [f64; 3], size: [f64; 3]) -> impl Iterator<Item = ([f64; 3], usize)> {
    let range = -(ORDER as i32)..=ORDER as i32;
    let cells = range.clone().flat_map(move |x| {
        let range = range.clone();
        range.clone().flat_map(move |y| range.clone().map(move |z| [x, y, z]))
    });
    cells.filter_map(move |cell| {
        let bounces = cell.iter().map(|n| n.unsigned_abs() as usize).sum::<usize>();
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

/// The reflections of one source that have met the same number of surfaces, in fours.
type Fours = Vec<[Tap; 4]>;

/// Plays the reflections of two channels.
pub(super) struct Early {
    /// Per source, and per bounce.
    taps: [[Fours; ORDER]; 2],
    past: [History; 2],
    /// What each bounce swallows: reflections of `n` bounces pass `n` of these.
    bounces: [Tone; ORDER],
}

impl Early {
    pub(super) fn new(walls: &Walls, sample_rate_hz: f64) -> Early {
        let sources = design(walls, sample_rate_hz);
        let reach = sources.iter().flatten().map(|tap| tap.delay).max().unwrap_or(0) + CONTROL_FRAMES;
        let mut tone = Tone::default();
        tone.go_to(bounce(walls, sample_rate_hz));
        tone.reset();
        Early {
            taps: sources.map(|taps| std::array::from_fn(|order| fours(&taps, order + 1))),
            past: [History::new(reach), History::new(reach)],
            bounces: std::array::from_fn(|_| tone.clone()),
        }
    }

    /// Frames until the last reflection.
    pub(super) fn frames(&self) -> Frames {
        self.taps.iter().flatten().flatten().flatten().map(|tap| tap.delay).max().unwrap_or(0)
    }

    pub(super) fn reset(&mut self) {
        self.past.iter_mut().for_each(History::reset);
        self.bounces.iter_mut().for_each(Tone::reset);
    }

    /// Clears what is too small to matter; belongs on the control grid.
    pub(super) fn flush(&mut self) {
        self.bounces.iter_mut().for_each(Tone::flush);
    }

    /// Writes the reflections of `input` to `output`, both of the same length, at most a control period.
    pub(super) fn process(&mut self, input: [&[f64]; 2], output: [&mut [f64]; 2]) {
        let [left, right] = output;
        left.fill(0.0);
        right.fill(0.0);
        for (past, samples) in self.past.iter_mut().zip(input) {
            past.push(samples);
        }
        // From the most bounces down: what has met six surfaces meets them one after the other.
        for order in (0..ORDER).rev() {
            for (past, taps) in self.past.iter().zip(&self.taps) {
                for taps in &taps[order] {
                    let from = taps.map(|tap| past.behind(tap.delay, left.len()));
                    add_four(taps, from, left, right);
                }
            }
            self.bounces[order].process(left, right);
        }
    }
}

/// The reflections of this many bounces, filled up with silent ones.
fn fours(taps: &[Tap], bounces: usize) -> Fours {
    let silent = Tap { delay: 1, left: 0.0, right: 0.0, bounces };
    let these: Vec<Tap> = taps.iter().copied().filter(|tap| tap.bounces == bounces).collect();
    these.chunks(4).map(|four| std::array::from_fn(|n| four.get(n).copied().unwrap_or(silent))).collect()
}

audio::wide! {
    /// Adds four reflections at once: a quarter of the traffic to the sums.
    fn add_four(taps: &[Tap; 4], from: [&[f64]; 4], left: &mut [f64], right: &mut [f64]) {
        let frames = left.len();
        let (left, right) = (&mut left[..frames], &mut right[..frames]);
        let (a, b, c, d) = (&from[0][..frames], &from[1][..frames], &from[2][..frames], &from[3][..frames]);
        let (l, r) = (taps.map(|tap| tap.left), taps.map(|tap| tap.right));
        for n in 0..frames {
            left[n] += l[0] * a[n] + l[1] * b[n] + l[2] * c[n] + l[3] * d[n];
            right[n] += r[0] * a[n] + r[1] * b[n] + r[2] * c[n] + r[3] * d[n];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::super::space::{OCTAVES_HZ, Space};
    use super::*;
    use num_complex::Complex64;

    fn room() -> Walls {
        Space::new(Style::Room, 50.0).walls.expect("a room has walls")
    }

    #[test]
    fn all_images_up_to_the_sixth_order() {
        // Cells of a cubic lattice within six steps: (2n + 1)(2n^2 + 2n + 3) / 3 = 377, one of them the source itself.
        assert_eq!(images([1.0, 2.0, 1.5], [4.0, 5.0, 3.0]).count(), 376);
    }

    #[test]
    fn every_bounce_swallows_its_part_of_every_octave() {
        for style in [Style::Room, Style::Hall] {
            let walls = Space::new(style, 50.0).walls.expect("walls");
            let shelves = bounce(&walls, 48_000.0);
            for (octave, wished) in bounce_db(&walls).into_iter().enumerate() {
                let seen = 20.0 * shelves.response(OCTAVES_HZ[octave], 48_000.0).norm().log10();
                // Two shelves with the slope of air and cloth: a quarter of a decibel per bounce, under what is heard
                // of one reflection (3 dB, Toole 1990, even of a single one).
                assert!(
                    (seen - wished).abs() < 0.25,
                    "{style:?} octave {octave}: {seen:.2} dB, {wished:.2} dB"
                );
            }
        }
    }

    #[test]
    fn a_reflection_passes_as_many_bounces_as_it_has() {
        let walls = room();
        let mut early = Early::new(&walls, 48_000.0);
        let frames = 64 * 200;
        let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
        for start in (0..frames).step_by(64) {
            let mut input = [0.0; 64];
            input[0] = if start == 0 { 1.0 } else { 0.0 };
            let output = [&mut left[start..start + 64], &mut right[start..start + 64]];
            early.process([&input, &[0.0; 64]], output);
        }
        // The taps' own sum, each with the shelves of its bounces, is an independent way to the same spectrum.
        let taps = &design(&walls, 48_000.0)[0];
        let shelves = bounce(&walls, 48_000.0);
        for hz in [100.0, 1_234.0, 9_000.0] {
            let turn = |n: usize| Complex64::from_polar(1.0, -2.0 * PI * hz / 48_000.0 * n as f64);
            let expected: Complex64 = taps
                .iter()
                .map(|tap| {
                    tap.left * turn(tap.delay) * shelves.response(hz, 48_000.0).powi(tap.bounces as i32)
                })
                .sum();
            let seen: Complex64 = left.iter().enumerate().map(|(n, x)| x * turn(n)).sum();
            // What rings on after the end.
            assert!((seen - expected).norm() < 1e-9, "{hz} Hz: {seen}, {expected}");
        }
    }

    #[test]
    fn the_images_end_when_the_late_field_has_come() {
        for style in [Style::Room, Style::Hall] {
            let walls = Space::new(style, 50.0).walls.expect("walls");
            let mixing_ms = walls.size_m.iter().product::<f64>().sqrt();
            assert_eq!(joining(&walls, mixing_ms), 1.0);
            let end = ((mixing_ms + walls.late_ms) * 48.0) as Frames + 1;
            for taps in design(&walls, 48_000.0) {
                assert!(taps.iter().all(|tap| tap.delay <= end));
                // Before the mixing time there is more than the first order.
                assert!(taps.iter().any(|tap| tap.bounces > 2));
            }
        }
    }

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
        let walls = room();
        let [left, right] = design(&walls, 48_000.0);
        for taps in [&left, &right] {
            let energy: f64 = taps.iter().map(|t| t.left * t.left + t.right * t.right).sum();
            assert!((energy - 1.0).abs() < 1e-12);
        }
        // Only those between floor and ceiling come from both sources at once, give or take the step aside: most of
        // the energy does not coincide.
        let shared = |l: &Tap| right.iter().any(|r| r.delay == l.delay);
        let coinciding: f64 = left.iter().filter(|l| shared(l)).map(Tap::energy).sum();
        assert!(coinciding < 0.35, "{coinciding} of the energy coincides");
        // The source on the left is heard from the left.
        let leaning = |taps: &[Tap]| taps.iter().map(|t| t.left * t.left - t.right * t.right).sum::<f64>();
        assert!(leaning(&left) > 0.0 && leaning(&right) < 0.0);
    }
}
