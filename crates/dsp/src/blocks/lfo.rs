//! The slow oscillator behind every modulation.
//!
//! Its phase is counted in turns from the start of the song, so that a passage sounds the same however it is rendered.
//! A new rate takes effect on the control grid and goes on from the phase that was reached. Jumps of a shape are rounded
//! to raised cosines of 5 ms, below which a gain's edge would be heard as a click.

use super::grid::CONTROL_FRAMES;
use super::math::sin_turns;
use crate::choices;
use audio::Frames;

choices! {
    /// The path of a modulation within one turn.
    pub enum Shape {
        /// Even and round.
        Sine = "sine",
        /// In straight lines up and down.
        Triangle = "triangle",
        /// Rises in a straight line and falls back at once.
        SawUp = "saw_up",
        /// Falls in a straight line and is up again at once.
        SawDown = "saw_down",
        /// Up for half of the turn, down for the other.
        Square = "square",
        /// From one chance value to the next, one per turn.
        Random = "random",
    }
}

choices! {
    /// Length of a turn as a note value; `rate_hz` counts when it is off.
    pub enum Sync {
        /// Not synchronised: `rate_hz` counts.
        Off = "off",
        /// Four whole notes: four bars of 4/4.
        FourBars = "4_1",
        /// Two whole notes.
        TwoBars = "2_1",
        /// A whole note: a bar of 4/4.
        Whole = "1_1",
        /// A dotted half note: a bar of 3/4.
        HalfDotted = "1_2_dotted",
        /// A half note.
        Half = "1_2",
        /// A dotted quarter note.
        QuarterDotted = "1_4_dotted",
        /// A quarter note.
        Quarter = "1_4",
        /// A third of a half note.
        QuarterTriplet = "1_4_triplet",
        /// A dotted eighth note.
        EighthDotted = "1_8_dotted",
        /// An eighth note.
        Eighth = "1_8",
        /// A third of a quarter note.
        EighthTriplet = "1_8_triplet",
        /// A sixteenth note.
        Sixteenth = "1_16",
        /// A third of an eighth note.
        SixteenthTriplet = "1_16_triplet",
        /// A thirty-second note.
        ThirtySecond = "1_32",
    }
}

impl Sync {
    /// Length of a turn in quarter notes; `None` when off.
    pub fn beats(self) -> Option<f64> {
        match self {
            Sync::Off => None,
            Sync::FourBars => Some(16.0),
            Sync::TwoBars => Some(8.0),
            Sync::Whole => Some(4.0),
            Sync::HalfDotted => Some(3.0),
            Sync::Half => Some(2.0),
            Sync::QuarterDotted => Some(1.5),
            Sync::Quarter => Some(1.0),
            Sync::QuarterTriplet => Some(2.0 / 3.0),
            Sync::EighthDotted => Some(0.75),
            Sync::Eighth => Some(0.5),
            Sync::EighthTriplet => Some(1.0 / 3.0),
            Sync::Sixteenth => Some(0.25),
            Sync::SixteenthTriplet => Some(1.0 / 6.0),
            Sync::ThirtySecond => Some(0.125),
        }
    }

    /// Turns per second: the tempo's, or the free rate when off.
    pub fn rate_hz(self, free_hz: f64, tempo_bpm: f64) -> f64 {
        self.beats().map_or(free_hz, |beats| tempo_bpm / 60.0 / beats)
    }
}

/// Length of a rounded jump.
const EDGE_S: f64 = 0.005;

/// Longest rounded jump, in turns.
const LONGEST_EDGE: f64 = 0.25;

impl Shape {
    /// The phase of its highest place, or of the middle of it.
    fn crest(self) -> f64 {
        match self {
            Shape::Sine | Shape::Triangle | Shape::Square => 0.25,
            Shape::SawUp | Shape::SawDown | Shape::Random => 0.0,
        }
    }
}

/// No frame lags behind.
pub const NO_LAG: [f64; CONTROL_FRAMES] = [0.0; CONTROL_FRAMES];

/// A part of a turn, 0 to 1.
#[inline(always)]
fn part(turns: f64) -> f64 {
    turns - turns.floor()
}

/// From 0 up to 1, down to -1 and back; a sine's phase.
#[inline(always)]
fn triangle(turns: f64) -> f64 {
    1.0 - 4.0 * (part(turns + 0.25) - 0.5).abs()
}

#[inline(always)]
fn saw(turns: f64, edge: f64) -> f64 {
    let t = part(turns);
    let up = 2.0 * t / (1.0 - edge) - 1.0;
    let down = sin_turns(0.25 + 0.5 * (t - (1.0 - edge)) / edge);
    if t < 1.0 - edge { up } else { down }
}

/// The triangle, steep enough to be through its middle within an edge, and rounded at the ends.
#[inline(always)]
fn square(turns: f64, edge: f64) -> f64 {
    sin_turns(0.25 * (triangle(turns) / (2.0 * edge)).clamp(-1.0, 1.0))
}

/// The value of a turn, -1 to 1, by the finaliser of Steele, Lea & Flood's SplitMix64 (OOPSLA 2014).
fn chance(turn: f64) -> f64 {
    let mut bits = (turn as i64 as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

#[inline(always)]
fn random(turns: f64) -> f64 {
    let turn = turns.floor();
    let t = turns - turn;
    let (from, to) = (chance(turn), chance(turn + 1.0));
    from + (to - from) * t * t * (3.0 - 2.0 * t)
}

/// Which place of a shape stands at the start of the song.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Its beginning: a sine rises through its middle.
    Beginning,
    /// Its highest place.
    Crest,
}

/// A phase that moves on with song time.
#[derive(Debug, Clone)]
pub struct Lfo {
    sample_rate_hz: f64,
    origin: Origin,
    start: f64,
    /// The shape that sounds, and the one that is faded in within the present control period.
    shape: Shape,
    next: Option<Shape>,
    /// Whole turns, and the part of a turn, at the last point of the control grid.
    turns: f64,
    phase: f64,
    /// Turns per frame; `None` before the first point.
    step: Option<f64>,
    /// Frames since the last point.
    since: Frames,
    /// Length of a rounded jump in turns, at the last point and at the next one.
    edges: [f64; 2],
}

impl Lfo {
    /// Begins with `shape` at `start` turns after its origin.
    pub fn new(shape: Shape, origin: Origin, start: f64, sample_rate_hz: f64) -> Lfo {
        let (turns, phase, step, since) = (0.0, start, None, 0);
        Lfo {
            sample_rate_hz,
            origin,
            start,
            shape,
            next: None,
            turns,
            phase,
            step,
            since,
            edges: [LONGEST_EDGE; 2],
        }
    }

    /// Goes back to the start of the song, with `shape`.
    pub fn reset(&mut self, shape: Shape) {
        (self.turns, self.phase, self.step, self.since) = (0.0, self.start, None, 0);
        (self.shape, self.next, self.edges) = (shape, None, [LONGEST_EDGE; 2]);
    }

    /// Belongs on every point of the control grid: the rate until the next one, and the shape from the next one on.
    pub fn control(&mut self, rate_hz: f64, shape: Shape) {
        if let Some(step) = self.step {
            self.phase += step * CONTROL_FRAMES as f64;
            let whole = self.phase.floor();
            (self.turns, self.phase) = (self.turns + whole, self.phase - whole);
        }
        self.shape = self.next.take().unwrap_or(self.shape);
        if shape != self.shape {
            self.next = Some(shape);
        }
        let first = self.step.is_none();
        (self.step, self.since) = (Some(rate_hz / self.sample_rate_hz), 0);
        self.edges[0] = self.edges[1];
        self.edges[1] = (EDGE_S * rate_hz).clamp(1e-6, LONGEST_EDGE);
        if first {
            self.edges[0] = self.edges[1];
        }
    }

    /// Moves on within the control period.
    pub fn advance(&mut self, frames: Frames) {
        self.since += frames;
    }

    /// Phases of the next frames within the control period, in turns: `offset` further, and each behind by its `lag`.
    /// They are wrapped only at grid points.
    #[inline]
    pub fn phases(&self, offset: f64, lag: &[f64; CONTROL_FRAMES], out: &mut [f64]) {
        let (step, from) = (self.step.unwrap_or(0.0), self.phase + offset);
        for (n, (phase, lag)) in out.iter_mut().zip(lag).enumerate() {
            *phase = from - lag + (self.since + n) as f64 * step;
        }
    }

    /// Values, -1 to 1, for the next frames within the control period; see [`Lfo::phases`].
    pub fn values(&self, offset: f64, lag: &[f64; CONTROL_FRAMES], out: &mut [f64]) {
        self.fill(self.shape, offset, lag, out);
        if let Some(shape) = self.next {
            let mut new = [0.0; CONTROL_FRAMES];
            self.fill(shape, offset, lag, &mut new[..out.len()]);
            for (n, (value, new)) in out.iter_mut().zip(new).enumerate() {
                *value += (self.since + n + 1) as f64 / CONTROL_FRAMES as f64 * (new - *value);
            }
        }
    }

    fn fill(&self, shape: Shape, offset: f64, lag: &[f64; CONTROL_FRAMES], out: &mut [f64]) {
        self.phases(offset + self.origin(shape), lag, out);
        let [from, to] = self.edges;
        let edge = |n: usize| from + (to - from) * ((self.since + n) as f64 / CONTROL_FRAMES as f64);
        match shape {
            Shape::Sine => out.iter_mut().for_each(|x| *x = sin_turns(*x)),
            Shape::Triangle => out.iter_mut().for_each(|x| *x = triangle(*x)),
            Shape::SawUp => out.iter_mut().enumerate().for_each(|(n, x)| *x = saw(*x, edge(n))),
            Shape::SawDown => out.iter_mut().enumerate().for_each(|(n, x)| *x = -saw(*x, edge(n))),
            Shape::Square => out.iter_mut().enumerate().for_each(|(n, x)| *x = square(*x, edge(n))),
            Shape::Random => out.iter_mut().for_each(|x| *x = random(self.turns + *x)),
        }
    }

    /// The value at the next point of the control grid if the rate stays, moved by `offset` turns.
    pub fn next_point(&self, offset: f64) -> f64 {
        let shape = self.next.unwrap_or(self.shape);
        let ahead = self.step.unwrap_or(0.0) * (CONTROL_FRAMES - self.since) as f64;
        let mut value = [0.0];
        self.fill(shape, offset + ahead, &NO_LAG, &mut value);
        value[0]
    }

    fn origin(&self, shape: Shape) -> f64 {
        match self.origin {
            Origin::Beginning => 0.0,
            Origin::Crest => shape.crest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 6] =
        [Shape::Sine, Shape::Triangle, Shape::SawUp, Shape::SawDown, Shape::Square, Shape::Random];

    fn lfo(shape: Shape, start: f64) -> Lfo {
        Lfo::new(shape, Origin::Beginning, start, 48_000.0)
    }

    /// All values over some control periods, in pieces of `size`.
    fn run(
        lfo: &mut Lfo,
        shape: Shape,
        periods: usize,
        size: usize,
        rate: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let mut all = Vec::new();
        for period in 0..periods {
            lfo.control(rate(period), shape);
            for start in (0..CONTROL_FRAMES).step_by(size) {
                let mut out = [0.0; CONTROL_FRAMES];
                let frames = size.min(CONTROL_FRAMES - start);
                lfo.values(0.0, &NO_LAG, &mut out[..frames]);
                lfo.advance(frames);
                all.extend_from_slice(&out[..frames]);
            }
        }
        all
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        // One turn per second at 48 kHz; an edge is 0.005 turns.
        let at = |shape, turns: f64| run(&mut lfo(shape, turns), shape, 1, 64, |_| 1.0)[0];
        for (shape, values) in [
            (Shape::Sine, [0.0, 1.0, 0.0, -1.0]),
            (Shape::Triangle, [0.0, 1.0, 0.0, -1.0]),
            (Shape::Square, [0.0, 1.0, 0.0, -1.0]),
            // A straight line over 0.995 of the turn.
            (Shape::SawUp, [-1.0, 0.5 / 0.995 - 1.0, 1.0 / 0.995 - 1.0, 1.5 / 0.995 - 1.0]),
            (Shape::SawDown, [1.0, 1.0 - 0.5 / 0.995, 1.0 - 1.0 / 0.995, 1.0 - 1.5 / 0.995]),
        ] {
            for (quarter, value) in values.into_iter().enumerate() {
                let seen = at(shape, quarter as f64 / 4.0);
                assert!((seen - value).abs() < 1e-12, "{shape:?} at {quarter}/4: {seen}");
            }
        }
        // Half an edge on, the square stands where a raised cosine stands half way to the top.
        assert!((at(Shape::Square, 0.00125) - (std::f64::consts::PI / 4.0).sin()).abs() < 1e-12);
    }

    #[test]
    fn no_shape_leaves_its_range_or_jumps() {
        for shape in SHAPES {
            let all = run(&mut lfo(shape, 0.3), shape, 3_000, 64, |_| 3.7);
            assert!(all.iter().all(|x| x.abs() <= 1.0 + 1e-12), "{shape:?}");
            // A raised cosine of 240 frames from -1 to 1 is pi / 240 per frame at its steepest.
            let steepest = all.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
            assert!(steepest < 0.0132, "{shape:?}: {steepest}");
        }
        let random = run(&mut lfo(Shape::Random, 0.0), Shape::Random, 3_000, 64, |_| 10.0);
        let mean = random.iter().sum::<f64>() / random.len() as f64;
        // 40 values of a uniform distribution: their mean scatters by 0.58 / sqrt 40.
        assert!(mean.abs() < 0.3, "{mean}");
    }

    #[test]
    fn phase_follows_song_time_and_goes_on_when_the_rate_changes() {
        let rate = |period: usize| if period < 1_000 { 2.0 } else { 5.0 };
        let mut lfo = lfo(Shape::Sine, 0.0);
        let whole = run(&mut lfo, Shape::Sine, 2_000, 64, rate);
        for (n, x) in whole.iter().enumerate() {
            let turns = (n.min(64_000) as f64 * 2.0 + n.saturating_sub(64_000) as f64 * 5.0) / 48_000.0;
            // Two thousand additions of a rounded step.
            assert!((x - (turns * std::f64::consts::TAU).sin()).abs() < 1e-10, "frame {n}");
        }
        lfo.reset(Shape::Sine);
        assert_eq!(run(&mut lfo, Shape::Sine, 2_000, 7, rate), whole);
    }

    #[test]
    fn a_new_shape_is_faded_in() {
        let mut lfo = Lfo::new(Shape::Sine, Origin::Crest, 0.0, 48_000.0);
        let mut all = Vec::new();
        for period in 0..400 {
            lfo.control(3.0, if period / 10 % 2 == 0 { Shape::Sine } else { Shape::SawUp });
            let mut out = [0.0; CONTROL_FRAMES];
            lfo.values(0.0, &NO_LAG, &mut out);
            lfo.advance(CONTROL_FRAMES);
            all.extend_from_slice(&out);
        }
        assert!((all[0] - 1.0).abs() < 1e-12, "on the crest");
        // The fade's own slope, two sixty-fourths at most, and the shapes'.
        assert!(all.windows(2).all(|w| (w[1] - w[0]).abs() < 0.045));
    }

    #[test]
    fn note_values_give_rates() {
        assert_eq!(Sync::Quarter.rate_hz(0.3, 120.0), 2.0);
        assert_eq!(Sync::Whole.rate_hz(0.3, 120.0), 0.5);
        assert_eq!(Sync::EighthTriplet.rate_hz(0.3, 60.0), 3.0);
        assert_eq!(Sync::Off.rate_hz(0.3, 120.0), 0.3);
    }
}
