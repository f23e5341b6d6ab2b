//! Linear-phase crossovers for two to six bands whose sum is a pure delay.
//!
//! Every edge has a low-pass of zero phase; a band is the low-pass of its upper edge less that of its lower edge,
//! and the highest is the delayed input less the last low-pass. So the bands sum to the delayed input exactly,
//! whatever the filters are.
//!
//! The low-pass is a Butterworth filter run forward and backward in time: the magnitude of the Linkwitz-Riley
//! crossover ([`super::crossover`]), 6.02 dB down at the edge, whose complement is again its mirror image. Among
//! filters of this slope it rings least: its impulse response is a handful of two-sided exponentials, known in
//! closed form (residues of `B(z) B(1/z)` at the poles), so that an edge can be moved without designing a filter.
//!
//! Computed by overlap-save (T. G. Stockham, *High-speed convolution and correlation*, AFIPS 1966): each block of the
//! input is transformed once for all edges. The filters' spectra are real, as they have no phase. An edge that
//! moves is faded over, within one block, from its old filter to its new one. Bands that nobody asks for are not worked
//! out; where one alone is asked for that lies between two edges, the difference of their filters gives it at once.

use super::crossover::{Bands, MAX_BANDS, Slope, warped};
use super::grid::{CONTROL_FRAMES, FLUSH_BELOW};
use super::lookahead::Delay;
use audio::{BlockRef, Frames};
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Length of the transform at 48 kHz and 24 dB per octave. A filter is three quarters of it long: at an edge of
/// 40 Hz it has then fallen by 98 dB.
const TRANSFORM_FRAMES: usize = 8_192;

const LENGTHS: &str = "buffers come from the plan itself";

/// A two-sided exponential `2 Re(residue pole^|n|)`.
#[derive(Debug, Clone, Copy, Default)]
struct Mode {
    pole: Complex64,
    residue: Complex64,
}

/// The modes of the low-pass, and what it has more at its centre.
fn modes(slope: Slope, g: f64) -> ([Mode; 2], f64) {
    let dampings = slope.dampings();
    let poles: [Complex64; 2] = std::array::from_fn(|i| {
        let damping = dampings[i.min(dampings.len() - 1)];
        let s = Complex64::new(-0.5 * damping, (1.0 - 0.25 * damping * damping).sqrt()) * g;
        (1.0 + s) / (1.0 - s)
    });
    let poles = &poles[..dampings.len()];
    // One Butterworth filter: per section K (1 + 1/z)^2 / ((1 - p/z)(1 - p*/z)), one at zero frequency.
    let scale: f64 = poles.iter().map(|p| (1.0 - p).norm_sqr() / 4.0).product();
    let numerator = |z: Complex64| scale * (1.0 + 1.0 / z).powi(2 * poles.len() as i32);
    let below = |z: Complex64, p: Complex64| (1.0 - p / z) * (1.0 - p.conj() / z);
    let backward = |z: Complex64| {
        let z = 1.0 / z;
        numerator(z) / poles.iter().map(|&p| below(z, p)).product::<Complex64>()
    };
    let mut all = [Mode::default(); 2];
    for (i, &pole) in poles.iter().enumerate() {
        // At a pole, forward less its own factor, times backward.
        let others: Complex64 =
            poles.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, &p)| below(pole, p)).product();
        let forward = numerator(pole) / ((1.0 - pole.conj() / pole) * others);
        all[i] = Mode { pole, residue: forward * backward(pole) };
    }
    let centre = scale * scale / poles.iter().map(|p| p.norm_sqr()).product::<f64>();
    (all, centre)
}

/// One edge: the spectra of its filter, which are real.
struct Edge {
    g: f64,
    target: f64,
    /// Bins of the filter in use.
    now: Vec<f64>,
    /// Bins of the one before, or of the one that is being designed.
    other: Vec<f64>,
    /// Whether the present block goes over from the one before.
    moved: bool,
}

impl Edge {
    /// The bins with which the present block begins.
    fn first(&self) -> &[f64] {
        if self.moved { &self.other } else { &self.now }
    }
}

/// One channel's past and its filtered blocks.
struct Channel {
    /// The last transform's length of input; the newest block fills at the end.
    window: Vec<f64>,
    /// What was in it when the last block was full; nothing where that was silent.
    spectrum: Vec<Complex64>,
    silent: bool,
    /// Per edge: the block of results being read.
    ready: Vec<Vec<f64>>,
    delay: Delay,
}

/// What the block of an edge holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Holds {
    /// Nobody asks for it.
    Nothing,
    /// What lies below the edge.
    Low,
    /// What lies between the edge before and this one.
    Between,
}

/// Splits channels into bands without turning any phase.
pub struct LinearCrossover {
    slope: Slope,
    sample_rate_hz: f64,
    block: Frames,
    reach: Frames,
    /// Frames into the block.
    at: Frames,
    edges: Vec<Edge>,
    /// Which bands are asked for.
    wanted: [bool; MAX_BANDS],
    /// Per edge, what follows from that.
    holds: [Holds; MAX_BANDS],
    channels: Vec<Channel>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    other: Vec<f64>,
    product: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl LinearCrossover {
    /// Bands between `edges_hz` (at most five, in rising order) for `channels` channels.
    pub fn new(slope: Slope, edges_hz: &[f64], sample_rate_hz: f64, channels: usize) -> LinearCrossover {
        assert!(edges_hz.len() < MAX_BANDS, "at most {MAX_BANDS} bands");
        let frames = transform_frames(slope, sample_rate_hz);
        let (block, reach) = (frames / 4, frames / 8 * 3);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(frames), planner.plan_fft_inverse(frames));
        let edge = |&hz: &f64| {
            let g = warped(hz, sample_rate_hz);
            Edge {
                g: 0.0,
                target: g,
                now: vec![0.0; frames / 2 + 1],
                other: vec![0.0; frames / 2 + 1],
                moved: false,
            }
        };
        let channel = || Channel {
            window: vec![0.0; frames],
            spectrum: forward.make_output_vec(),
            silent: true,
            ready: vec![vec![0.0; block]; edges_hz.len()],
            delay: Delay::new(if edges_hz.is_empty() { 0 } else { block + reach }),
        };
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let mut crossover = LinearCrossover {
            slope,
            sample_rate_hz,
            block,
            reach,
            at: 0,
            edges: edges_hz.iter().map(edge).collect(),
            wanted: [true; MAX_BANDS],
            holds: [Holds::Low; MAX_BANDS],
            channels: (0..channels).map(|_| channel()).collect(),
            time: forward.make_input_vec(),
            other: forward.make_input_vec(),
            product: forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            forward,
            inverse,
        };
        crossover.reset();
        crossover
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.edges.len() + 1
    }

    /// Frames by which the bands are late; none without an edge.
    pub fn latency(&self) -> Frames {
        if self.edges.is_empty() { 0 } else { self.block + self.reach }
    }

    /// Frames for which it sounds on after its input has ended, the latency not counted.
    pub fn tail(&self) -> Frames {
        if self.edges.is_empty() { 0 } else { self.reach }
    }

    /// Moves an edge; it is there two blocks later (at 48 kHz and 24 dB per octave 85 ms).
    pub fn go_to(&mut self, edge: usize, hz: f64) {
        self.edges[edge].target = warped(hz, self.sample_rate_hz);
    }

    /// Works out these bands alone from now on, and writes no others. What was not asked for so far begins at once, as if it
    /// had been.
    pub fn want(&mut self, wanted: [bool; MAX_BANDS]) {
        if wanted == self.wanted {
            return;
        }
        let (last, before) = (self.edges.len(), self.holds);
        self.wanted = wanted;
        let mut asked = (0..=last).filter(|band| wanted[*band]);
        let alone = asked.next().filter(|band| asked.next().is_none() && *band > 0 && *band < last);
        self.holds = std::array::from_fn(|edge| match alone {
            Some(band) if band == edge => Holds::Between,
            None if edge < last && (wanted[edge] || wanted[edge + 1]) => Holds::Low,
            _ => Holds::Nothing,
        });
        for edge in 0..last {
            if self.holds[edge] != before[edge] {
                (0..self.channels.len()).for_each(|channel| self.filter(channel, edge));
            }
        }
    }

    /// Forgets the past and stands at the last edges asked for.
    pub fn reset(&mut self) {
        self.at = 0;
        for edge in 0..self.edges.len() {
            self.settle(edge);
            self.edges[edge].moved = false;
        }
        for channel in &mut self.channels {
            channel.window.fill(0.0);
            channel.silent = true;
            channel.ready.iter_mut().for_each(|ready| ready.fill(0.0));
            channel.delay.reset();
        }
    }

    /// Works out the filter of where an edge is to be.
    fn design(&mut self, place: usize) {
        let edge = &mut self.edges[place];
        let frames = self.time.len();
        let (modes, centre) = modes(self.slope, edge.target);
        self.time.fill(0.0);
        for mode in modes {
            let mut value = 2.0 * mode.residue;
            self.time[0] += value.re;
            for n in 1..=self.reach {
                value *= mode.pole;
                self.time[n] += value.re;
                self.time[frames - n] += value.re;
            }
        }
        self.time[0] += centre;
        // What was cut off is missing at zero frequency; the pair of transforms multiplies by their length.
        let sum: f64 = self.time.iter().sum();
        let scale = 1.0 / (sum * frames as f64);
        self.forward
            .process_with_scratch(&mut self.time, &mut self.product, &mut self.scratch)
            .expect(LENGTHS);
        edge.other.iter_mut().zip(&self.product).for_each(|(other, bin)| *other = bin.re * scale);
    }

    /// Goes over to the filter of where an edge is to be, where that is elsewhere.
    fn settle(&mut self, place: usize) {
        self.edges[place].moved = self.edges[place].g != self.edges[place].target;
        if self.edges[place].moved {
            self.design(place);
            let edge = &mut self.edges[place];
            std::mem::swap(&mut edge.now, &mut edge.other);
            edge.g = edge.target;
        }
    }

    /// Splits a piece of at most a control period; writes the bands of each channel that are asked for, later by the latency.
    pub fn split(&mut self, piece: &BlockRef, bands: &mut [Bands]) {
        let mut start = 0;
        while start < piece.frames() {
            let frames = (piece.frames() - start).min(self.block - self.at);
            for c in 0..self.channels.len().min(piece.channels()).min(bands.len()) {
                self.pass(c, &piece.channel(c)[start..start + frames], &mut bands[c], start);
            }
            self.at += frames;
            start += frames;
            if self.at == self.block {
                self.at = 0;
                if !self.edges.is_empty() {
                    self.turn();
                }
            }
        }
    }

    /// Takes one channel's samples in and writes its bands from frame `start` of the piece on.
    fn pass(&mut self, c: usize, samples: &[f64], bands: &mut Bands, start: usize) {
        let (channel, count) = (&mut self.channels[c], self.edges.len());
        let frames = samples.len();
        let newest = channel.window.len() - self.block + self.at;
        channel.window[newest..newest + frames].copy_from_slice(samples);
        let mut whole = [0.0; CONTROL_FRAMES];
        whole[..frames].copy_from_slice(samples);
        channel.delay.pass(&mut whole[..frames]);
        let ready = |edge: usize| &channel.ready[edge][self.at..self.at + frames];
        for (k, band) in bands.iter_mut().enumerate().take(count + 1).filter(|(k, _)| self.wanted[*k]) {
            let out = &mut band[start..start + frames];
            out.copy_from_slice(if k < count { ready(k) } else { &whole[..frames] });
            if k > 0 && (k == count || self.holds[k] == Holds::Low) {
                out.iter_mut().zip(ready(k - 1)).for_each(|(out, low)| *out -= low);
            }
        }
    }

    /// A block is full: works out the next block of every low-pass.
    fn turn(&mut self) {
        (0..self.edges.len()).for_each(|edge| self.settle(edge));
        for place in 0..self.channels.len() {
            let channel = &mut self.channels[place];
            channel.silent = channel.window.iter().all(|x| x.abs() < FLUSH_BELOW);
            if !channel.silent {
                self.time.copy_from_slice(&channel.window);
                self.forward
                    .process_with_scratch(&mut self.time, &mut channel.spectrum, &mut self.scratch)
                    .expect(LENGTHS);
            }
            channel.window.copy_within(self.block.., 0);
            (0..self.edges.len()).for_each(|edge| self.filter(place, edge));
        }
    }

    /// Works out what the present block of an edge holds for one channel.
    fn filter(&mut self, channel: usize, edge: usize) {
        let LinearCrossover { edges, channels, holds, inverse, time, other, product, scratch, .. } = self;
        let heard = self.reach..self.reach + self.block;
        let Channel { spectrum, silent, ready, .. } = &mut channels[channel];
        let (ready, upper) = (&mut ready[edge], &edges[edge]);
        let lower = match holds[edge] {
            Holds::Nothing => return,
            Holds::Low => None,
            Holds::Between => Some(&edges[edge - 1]),
        };
        if *silent {
            ready.fill(0.0);
            return;
        }
        let mut back = |bins: (&[f64], Option<&[f64]>), time: &mut Vec<f64>| {
            multiply(spectrum, bins, product);
            inverse.process_with_scratch(product, time, scratch).expect(LENGTHS);
        };
        back((upper.first(), lower.map(Edge::first)), time);
        ready.copy_from_slice(&time[heard.clone()]);
        if upper.moved || lower.is_some_and(|lower| lower.moved) {
            back((&upper.now, lower.map(|lower| &lower.now[..])), other);
            fade(ready, &other[heard]);
        }
    }
}

/// Frames of the transform: long enough for the filter, in proportion to the rate.
fn transform_frames(slope: Slope, sample_rate_hz: f64) -> usize {
    let at_48_khz = match slope {
        Slope::Db24 => TRANSFORM_FRAMES,
        Slope::Db48 => 2 * TRANSFORM_FRAMES,
    };
    let wished = (at_48_khz as f64 * sample_rate_hz / 48_000.0).ceil() as usize;
    wished.clamp(TRANSFORM_FRAMES / 2, 1 << 20).next_power_of_two()
}

/// A spectrum times one that is real, or times the difference of two.
fn multiply(input: &[Complex64], (bins, less): (&[f64], Option<&[f64]>), product: &mut [Complex64]) {
    match less {
        None => {
            for ((product, input), bin) in product.iter_mut().zip(input).zip(bins) {
                *product = input * bin;
            }
        }
        Some(less) => {
            for (((product, input), bin), less) in product.iter_mut().zip(input).zip(bins).zip(less) {
                *product = input * (bin - less);
            }
        }
    }
    // Real at both ends but for rounding, which the transform refuses.
    let last = product.len() - 1;
    product[0].im = 0.0;
    product[last].im = 0.0;
}

/// Goes over from `block` to `next` by a raised cosine.
fn fade(block: &mut [f64], next: &[f64]) {
    let frames = block.len() as f64;
    for (n, (out, next)) in block.iter_mut().zip(next).enumerate() {
        let share = 0.5 - 0.5 * (0.5 * TAU * (n as f64 + 0.5) / frames).cos();
        *out += share * (next - *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    /// The bands of one channel, each as long as the input; `edges` may move edges before each piece.
    fn bands_of(
        crossover: &mut LinearCrossover,
        input: &[f64],
        piece: usize,
        mut edges: impl FnMut(usize, &mut LinearCrossover),
    ) -> Vec<Vec<f64>> {
        let mut out = vec![Vec::new(); crossover.bands()];
        let mut held = vec![[[0.0; CONTROL_FRAMES]; MAX_BANDS]; 1];
        for (place, samples) in input.chunks(piece).enumerate() {
            edges(place * piece, crossover);
            crossover.split(&BlockRef::from_mono(samples), &mut held);
            for (out, band) in out.iter_mut().zip(&held[0]) {
                out.extend_from_slice(&band[..samples.len()]);
            }
        }
        out
    }

    fn noise(frames: usize) -> Vec<f64> {
        let mut state = 7u64;
        (0..frames)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 11) as f64 / 2f64.powi(52) - 1.0
            })
            .collect()
    }

    fn transform(ir: &[f64], centre: usize, hz: f64) -> Complex64 {
        let at = |n: usize| -TAU * hz / RATE * (n as f64 - centre as f64);
        ir.iter().enumerate().map(|(n, &x)| Complex64::from_polar(x, at(n))).sum()
    }

    fn db(gain: f64) -> f64 {
        20.0 * gain.max(1e-20).log10()
    }

    /// A null below -140 dB is asked for; rounding of the differences leaves -300.
    #[test]
    fn bands_sum_to_the_delayed_input_standing_and_moving() {
        let input = noise(40_000);
        for slope in [Slope::Db24, Slope::Db48] {
            let mut crossover = LinearCrossover::new(slope, &[100.0, 700.0, 5_000.0], RATE, 1);
            let latency = crossover.latency();
            let bands = bands_of(&mut crossover, &input, 37, |frame, crossover| {
                if frame > 9_000 {
                    crossover.go_to(1, 700.0 + frame as f64 / 20.0);
                }
            });
            for n in 0..input.len() {
                let sum: f64 = bands.iter().map(|band| band[n]).sum();
                let expected = if n >= latency { input[n - latency] } else { 0.0 };
                assert!((sum - expected).abs() < 1e-14, "{slope:?} frame {n}: {sum} {expected}");
            }
        }
    }

    /// The magnitudes are those of the Linkwitz-Riley crossover, without phase; -6.02 +- 0.05 dB at the edges.
    #[test]
    fn bands_are_linkwitz_riley_magnitudes_without_phase() {
        for slope in [Slope::Db24, Slope::Db48] {
            for edge in [40.0, 120.0, 1_000.0, 6_000.0, 18_000.0] {
                let mut crossover = LinearCrossover::new(slope, &[edge], RATE, 1);
                let latency = crossover.latency();
                let mut impulse = vec![0.0; 2 * latency];
                impulse[0] = 1.0;
                let bands = bands_of(&mut crossover, &impulse, 64, |_, _| {});
                for (k, band) in bands.iter().enumerate() {
                    let at_edge = transform(band, latency, edge);
                    assert!((db(at_edge.norm()) + 6.0206).abs() < 0.005, "{slope:?} {edge}: {at_edge}");
                    for hz in [10.0, edge / 3.0, edge, 1.3 * edge, 15_000.0, 23_000.0] {
                        let seen = transform(band, latency, hz);
                        let expected = super::super::crossover::responses(slope, &[edge], RATE, hz)[k].norm();
                        // What is cut off the filter at the lowest edge is 98 dB below its centre, over a few
                        // thousand frames; the centre is about as many times smaller than one.
                        let error = (seen - expected).norm();
                        assert!(error < 1e-4, "{slope:?} {edge} Hz band {k} at {hz} Hz: {seen} {expected}");
                    }
                }
            }
        }
    }

    /// Nothing beside a tone above -80 dB while an edge jumps or glides across it.
    #[test]
    fn moving_an_edge_is_click_free() {
        let tone: Vec<f64> = (0..36_000).map(|n| 0.5 * (TAU * 1_000.0 * n as f64 / RATE).sin()).collect();
        for glide in [true, false] {
            let mut crossover = LinearCrossover::new(Slope::Db24, &[500.0], RATE, 1);
            let bands = bands_of(&mut crossover, &tone, 64, |frame, crossover| {
                if glide {
                    crossover.go_to(0, 500.0 * 8f64.powf(frame as f64 / 36_000.0));
                } else if frame > 20_000 {
                    crossover.go_to(0, 2_000.0);
                }
            });
            // The tone's beginning and the latency are left out.
            let seen = &bands[0][12_000..];
            let frames = seen.len() as f64;
            let window = |n: usize| {
                let x = TAU * n as f64 / frames;
                0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos()
            };
            let windowed: Vec<f64> = seen.iter().enumerate().map(|(n, x)| x * window(n)).collect();
            for hz in (20..480).chain(1_520..4_000).step_by(17).chain((4_000..22_000).step_by(400)) {
                let beside = 2.0 * transform(&windowed, 0, f64::from(hz)).norm() / (0.35875 * frames * 0.5);
                assert!(db(beside) < -80.0, "{hz} Hz: {:.1} dB", db(beside));
            }
        }
    }

    /// Whatever bands are asked for, they are what they are among all of them, and those that are asked for later go on from
    /// there: standing, while an edge moves, and after silence.
    #[test]
    fn bands_that_are_asked_for_are_as_among_all() {
        let mut input = noise(40_000);
        input[12_000..24_000].fill(0.0);
        let edges_hz = [100.0, 700.0, 5_000.0];
        let moves = |frame: usize, crossover: &mut LinearCrossover| {
            if frame > 30_000 {
                crossover.go_to(1, 700.0 + frame as f64 / 20.0);
            }
        };
        let mut all = LinearCrossover::new(Slope::Db24, &edges_hz, RATE, 1);
        let expected = bands_of(&mut all, &input, 37, moves);
        for set in 1u32..16 {
            for later in [1u32, 4, 15] {
                let mask = |frame: usize| if frame > 33_333 { set | later } else { set };
                let mut crossover = LinearCrossover::new(Slope::Db24, &edges_hz, RATE, 1);
                let bands = bands_of(&mut crossover, &input, 37, |frame, crossover| {
                    moves(frame, crossover);
                    crossover.want(std::array::from_fn(|band| mask(frame) >> band & 1 == 1));
                });
                for n in 0..input.len() {
                    for band in (0..4).filter(|band| mask(n / 37 * 37) >> band & 1 == 1) {
                        // Rounding of another order of the same transforms.
                        let off = (bands[band][n] - expected[band][n]).abs();
                        assert!(off < 1e-14, "{set:b} {later:b} band {band} frame {n}: {off:e}");
                    }
                }
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_bits_and_reset_forgets() {
        let input = noise(20_000);
        let mut crossover = LinearCrossover::new(Slope::Db24, &[90.0, 3_000.0], RATE, 1);
        let whole = bands_of(&mut crossover, &input, 64, |_, _| {});
        crossover.reset();
        assert_eq!(bands_of(&mut crossover, &input, 13, |_, _| {}), whole);
    }
}
