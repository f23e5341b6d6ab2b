//! What comes into the late field, made dense: three stages of delays and Hadamard matrices, 4096 echoes of each line.
//!
//! The network without feedback (Jot & Chaigne, *Digital delay networks for designing artificial reverberators*, AES 90th
//! Convention, 1991). A stage mixes line by line: nothing is shuffled between lanes.

use super::network::{LINES, Planes};
use super::space::Space;
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::history::History;
use audio::Frames;

/// Signs with which the two channels enter the lines: left the even ones, right the odd ones.
const SIGNS: [f64; LINES / 2] = [1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0];

/// Three stages of delays and mixing, without feedback.
pub(super) struct Diffuser {
    /// What came in, as all lines of the first stage hear it but for the sign.
    channels: [History; 2],
    first: Stage,
    later: [(Stage, [History; LINES]); 2],
}

/// Sixteen delays and a Hadamard matrix over one control period, line by line.
struct Stage {
    delays: [Frames; LINES],
    /// Between the two halves of the matrix: four groups of four lines.
    half: Box<[[[f64; CONTROL_FRAMES]; 4]; 4]>,
}

impl Stage {
    fn new(longest: f64, seed: u64) -> Stage {
        Stage { delays: diffusion_delays(longest, seed), half: Box::new([[[0.0; CONTROL_FRAMES]; 4]; 4]) }
    }

    /// What a delay of each line has to remember.
    fn past(&self) -> [History; LINES] {
        self.delays.map(|delay| History::new(delay + CONTROL_FRAMES))
    }

    fn longest(&self) -> Frames {
        self.delays.iter().max().copied().unwrap_or(0)
    }

    /// Mixes what is delayed for a piece. The matrix of sixteen is that of four, twice: across the groups and within them.
    fn mix_across(&mut self, past: &[History; LINES], frames: Frames) {
        let delayed = |line: usize| past[line].behind(self.delays[line], frames);
        for (group, to) in self.half.iter_mut().enumerate() {
            let to = to.each_mut().map(|line| &mut line[..frames]);
            mix_four([0, 4, 8, 12].map(|line| delayed(group + line)), to);
        }
    }

    /// The same of two channels, each of which is in every second line.
    fn mix_channels(&mut self, channels: &[History; 2], frames: Frames) {
        let delayed = |line: usize| channels[line % 2].behind(self.delays[line], frames);
        for (group, to) in self.half.iter_mut().enumerate() {
            let to = to.each_mut().map(|line| &mut line[..frames]);
            let lines = [0, 4, 8, 12].map(|line| group + line);
            mix_four_signed(lines.map(delayed), lines.map(|line| SIGNS[line / 2]), to);
        }
    }

    /// What four neighbouring lines are mixed from.
    fn within(&self, place: usize, frames: Frames) -> [&[f64]; 4] {
        [0, 1, 2, 3].map(|group| &self.half[group][place][..frames])
    }

    /// Mixes within the groups, straight to where the next stage remembers it.
    fn mix_within(&self, pasts: &mut [History; LINES], frames: Frames) {
        for (place, pasts) in pasts.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            mix_four(self.within(place, frames), pasts.each_mut().map(|past| past.next(frames)));
            pasts.iter_mut().for_each(|past| past.advance(frames));
        }
    }
}

audio::wide! {
    /// The Hadamard transform of four lines.
    fn mix_four(from: [&[f64]; 4], to: [&mut [f64]; 4]) {
        let frames = from[0].len().min(CONTROL_FRAMES);
        let [a, b, c, d] = from.map(|line| &line[..frames]);
        let [w, x, y, z] = to.map(|line| &mut line[..frames]);
        for n in 0..frames {
            let (sum, difference) = (a[n] + b[n], a[n] - b[n]);
            let (other_sum, other_difference) = (c[n] + d[n], c[n] - d[n]);
            (w[n], x[n]) = (sum + other_sum, difference + other_difference);
            (y[n], z[n]) = (sum - other_sum, difference - other_difference);
        }
    }
}

audio::wide! {
    /// [`mix_four`] of lines with a sign each.
    fn mix_four_signed(from: [&[f64]; 4], signs: [f64; 4], to: [&mut [f64]; 4]) {
        let frames = from[0].len().min(CONTROL_FRAMES);
        let [a, b, c, d] = from.map(|line| &line[..frames]);
        let [w, x, y, z] = to.map(|line| &mut line[..frames]);
        for n in 0..frames {
            let [a, b, c, d] = [signs[0] * a[n], signs[1] * b[n], signs[2] * c[n], signs[3] * d[n]];
            let (sum, difference) = (a + b, a - b);
            let (other_sum, other_difference) = (c + d, c - d);
            (w[n], x[n]) = (sum + other_sum, difference + other_difference);
            (y[n], z[n]) = (sum - other_sum, difference - other_difference);
        }
    }
}

audio::wide! {
    fn scale_into(to: &mut [f64], from: &[f64], gain: f64) {
        to.iter_mut().zip(from).for_each(|(to, sample)| *to = gain * sample);
    }
}

impl Diffuser {
    pub(super) fn new(space: &Space, sample_rate_hz: f64) -> Diffuser {
        let mut seed = 0;
        let [first, second, third] = space.diffusion_ms.map(|longest_ms| {
            seed += 1;
            Stage::new(longest_ms * sample_rate_hz / 1000.0, seed)
        });
        let channel = History::new(first.longest() + CONTROL_FRAMES);
        let later = [second, third].map(|stage| {
            let past = stage.past();
            (stage, past)
        });
        Diffuser { channels: [channel.clone(), channel], first, later }
    }

    /// Frames until the last echo of a frame has come out.
    pub(super) fn frames(&self) -> Frames {
        self.first.longest() + self.later.iter().map(|(stage, _)| stage.longest()).sum::<Frames>()
    }

    pub(super) fn reset(&mut self) {
        let later = self.later.iter_mut().flat_map(|(_, past)| past);
        self.channels.iter_mut().chain(later).for_each(History::reset);
    }

    /// Spreads two channels, at most a control period, over all lines, which together carry their energy.
    pub(super) fn process(&mut self, channels: [&[f64]; 2], planes: &mut Planes) {
        // A channel enters eight lines and has to keep its energy there, and each stage makes it sixteenfold.
        let unit = 1.0 / (8.0 * 4096.0f64).sqrt();
        let frames = channels[0].len();
        for (past, channel) in self.channels.iter_mut().zip(channels) {
            scale_into(past.next(frames), channel, unit);
            past.advance(frames);
        }
        let Diffuser { first, later: [(second, second_past), (third, third_past)], .. } = self;
        first.mix_channels(&self.channels, frames);
        first.mix_within(second_past, frames);
        second.mix_across(second_past, frames);
        second.mix_within(third_past, frames);
        third.mix_across(third_past, frames);
        for (place, planes) in planes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            mix_four(third.within(place, frames), planes.each_mut().map(|plane| &mut plane[..frames]));
        }
    }
}

/// One delay in each sixteenth of the longest, at a place and in an order that only look random.
fn diffusion_delays(longest: f64, seed: u64) -> [Frames; LINES] {
    // Marsaglia's xorshift64*, seeded by the stage: the same delays on every machine and in every build.
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut delays = [0; LINES];
    for (slot, delay) in delays.iter_mut().enumerate() {
        *delay = (((slot as f64 + next()) / LINES as f64 * longest) as Frames).max(1);
    }
    for place in (1..LINES).rev() {
        delays.swap(place, (next() * (place + 1) as f64) as usize);
    }
    delays
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::*;

    #[test]
    fn the_diffuser_spreads_an_impulse_and_keeps_its_energy() {
        for channel in 0..2 {
            let mut diffuser = Diffuser::new(&Space::new(Style::Hall, 50.0), 48_000.0);
            let (mut energy, mut echoes) = (0.0, 0);
            for tile in 0..=diffuser.frames() / CONTROL_FRAMES {
                let (mut channels, mut planes) = ([[0.0; CONTROL_FRAMES]; 2], [[0.0; CONTROL_FRAMES]; LINES]);
                channels[channel][0] = if tile == 0 { 1.0 } else { 0.0 };
                diffuser.process([&channels[0], &channels[1]], &mut planes);
                energy += planes.iter().flatten().map(|x| x * x).sum::<f64>();
                echoes += planes[9].iter().filter(|x| **x != 0.0).count();
            }
            // Whole numbers times one that is rounded: exact to its square. The 2048 paths to one line fall on the 2400
            // frames of three stages, so that more than a third of them are hit.
            assert!((energy - 1.0).abs() < 1e-12, "{energy}");
            assert!(echoes > 800, "{echoes} echoes");
        }
    }
}
