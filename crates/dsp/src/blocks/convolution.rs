//! Convolution with long filters, partitioned, with or without latency.
//!
//! A filter is cut into parts. The first taps are summed directly, as they are needed; later ones are applied to
//! whole blocks by Fourier transform (overlap-save), in blocks that grow with the distance from the filter's
//! start, so that every block is full before its result is asked for: W. G. Gardner, *Efficient convolution
//! without input-output delay*, J. Audio Eng. Soc. 43 (1995). Parts of one block size form a line of spectra, each
//! input block being transformed once: F. Wefers, *Partitioned convolution algorithms for real-time auralization*
//! (2015), chapters 4 to 6. A filter in equal blocks alone is cheaper, and later by one block.
//!
//! Blocks are counted from `reset`, so that the result does not depend on how the audio is cut; silent blocks cost
//! nothing. Everything is `f64`. The transforms use the widest instructions of the machine: machines of different
//! kinds agree to about -290 dB, not to the last bit.

use super::grid::FLUSH_BELOW;
use audio::{Block, BlockRef, Frames};
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Taps that are summed directly where there is no latency.
const HEAD: usize = 64;

/// Most frames that are worked on at once in the head.
const LANES: usize = 16;

/// Block sizes without latency. Each begins to serve at its own size, when its first block is full.
const GROWING: [Frames; 4] = [64, 512, 4_096, 32_768];

/// Bins that are summed together: two sums of 8 kB stay in the nearest cache.
const BINS: usize = 1_024;

const LENGTHS: &str = "buffers come from the plan itself";

/// How filters are cut, with the transforms for it. Filters that work together share one.
#[derive(Clone)]
pub struct Partition {
    stages: Arc<[StagePlan]>,
    /// Taps summed directly: [`HEAD`], or none.
    head: usize,
}

#[derive(Clone)]
struct StagePlan {
    block: Frames,
    /// The first tap it serves, a multiple of the block.
    from: usize,
    /// The first tap it does not serve any more.
    to: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl StagePlan {
    fn new(planner: &mut RealFftPlanner<f64>, block: Frames, from: usize, to: usize) -> StagePlan {
        let (forward, inverse) = (planner.plan_fft_forward(2 * block), planner.plan_fft_inverse(2 * block));
        StagePlan { block, from, to, forward, inverse }
    }

    fn bins(&self) -> usize {
        self.block + 1
    }
}

impl Partition {
    /// For filters of at most `taps` taps, without latency.
    pub fn without_latency(taps: usize) -> Partition {
        let mut planner = RealFftPlanner::new();
        let mut stages = Vec::new();
        for (place, &block) in GROWING.iter().enumerate() {
            if taps <= block {
                break;
            }
            // A larger block pays when it has at least two parts to serve.
            let next = GROWING.get(place + 1).copied().filter(|&next| taps > 2 * next);
            stages.push(StagePlan::new(&mut planner, block, block, next.unwrap_or(usize::MAX)));
            if next.is_none() {
                break;
            }
        }
        Partition { stages: stages.into(), head: HEAD }
    }

    /// For filters of any length in equal blocks: cheaper, and the result is later by `block` frames.
    ///
    /// # Panics
    /// When `block` is zero.
    pub fn uniform(block: Frames) -> Partition {
        assert!(block > 0, "blocks of at least one frame");
        let stage = StagePlan::new(&mut RealFftPlanner::new(), block, 0, usize::MAX);
        Partition { stages: Arc::new([stage]), head: 0 }
    }

    /// Frames by which results are late.
    pub fn latency(&self) -> Frames {
        if self.head > 0 { 0 } else { self.stages[0].block }
    }

    /// Frames after which every stage's block has begun anew.
    fn period(&self) -> Frames {
        if self.head > 0 { HEAD } else { self.stages[0].block }
    }
}

/// A filter, cut and transformed; made once and shared by all who use it.
pub struct Filter {
    partition: Partition,
    taps: usize,
    head: Vec<f64>,
    stages: Vec<Spectra>,
}

/// One stage's part of a filter: partitions x bins.
struct Spectra {
    parts: usize,
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Filter {
    /// Cuts and transforms `taps`.
    pub fn new(taps: &[f64], partition: &Partition) -> Arc<Filter> {
        let head = taps[..taps.len().min(partition.head)].to_vec();
        let stages = partition.stages.iter().map(|plan| Spectra::new(plan, taps)).collect();
        Arc::new(Filter { partition: partition.clone(), taps: taps.len(), head, stages })
    }

    /// Its length in taps.
    pub fn taps(&self) -> usize {
        self.taps
    }
}

impl Spectra {
    fn new(plan: &StagePlan, taps: &[f64]) -> Spectra {
        let served = &taps[plan.from.min(taps.len())..plan.to.min(taps.len())];
        let (mut re, mut im) = (Vec::new(), Vec::new());
        let mut time = plan.forward.make_input_vec();
        let mut spectrum = plan.forward.make_output_vec();
        // The pair of transforms multiplies by their length.
        let scale = 1.0 / (2 * plan.block) as f64;
        for part in served.chunks(plan.block) {
            time.fill(0.0);
            time.iter_mut().zip(part).for_each(|(to, tap)| *to = tap * scale);
            plan.forward.process(&mut time, &mut spectrum).expect(LENGTHS);
            re.extend(spectrum.iter().map(|bin| bin.re));
            im.extend(spectrum.iter().map(|bin| bin.im));
        }
        Spectra { parts: served.len().div_ceil(plan.block), re, im }
    }
}

/// Which filter leads from an input channel to an output channel.
#[derive(Clone)]
pub struct Path {
    /// The channel that is heard.
    pub input: usize,
    /// The channel to which the result is added.
    pub output: usize,
    /// What happens in between.
    pub filter: Arc<Filter>,
}

/// Convolves some input channels to some output channels, each input being transformed once.
pub struct Convolver {
    partition: Partition,
    paths: Vec<Path>,
    /// Per input, for the direct part: the last [`HEAD`] frames, those of the block in work, and room to read over.
    windows: Vec<Vec<f64>>,
    /// Frames into the head's block.
    at: Frames,
    stages: Vec<Stage>,
}

impl Convolver {
    /// From `inputs` to `outputs` channels by `paths`; results of paths with one output are summed in their order.
    ///
    /// # Panics
    /// When there is no path, a path leads elsewhere, or the filters are cut in different ways.
    pub fn new(inputs: usize, outputs: usize, paths: Vec<Path>) -> Convolver {
        assert!(!paths.is_empty(), "at least one path");
        assert!(paths.iter().all(|p| p.input < inputs && p.output < outputs), "paths between the channels");
        let partition = paths[0].filter.partition.clone();
        let same = |p: &Path| Arc::ptr_eq(&p.filter.partition.stages, &partition.stages);
        assert!(paths.iter().all(same), "filters of one partition");
        let longest = |place: usize| paths.iter().map(|p| p.filter.stages[place].parts).max().unwrap_or(0);
        let stages = (0..partition.stages.len())
            .filter(|&place| longest(place) > 0)
            .map(|place| Stage::new(&partition.stages[place], place, longest(place), inputs, outputs))
            .collect();
        Convolver { windows: vec![vec![0.0; 2 * HEAD + LANES]; inputs], at: 0, stages, partition, paths }
    }

    /// The same filter on each of `channels` channels.
    pub fn each(filter: &Arc<Filter>, channels: usize) -> Convolver {
        let path = |c| Path { input: c, output: c, filter: filter.clone() };
        Convolver::new(channels, channels, (0..channels).map(path).collect())
    }

    /// Frames by which the result is late, not counting what the filters themselves do.
    pub fn latency(&self) -> Frames {
        self.partition.latency()
    }

    /// Frames for which it sounds on after its input has ended.
    pub fn tail(&self) -> Frames {
        self.paths.iter().map(|p| p.filter.taps.saturating_sub(1)).max().unwrap_or(0)
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.at = 0;
        self.windows.iter_mut().for_each(|w| w.fill(0.0));
        self.stages.iter_mut().for_each(Stage::reset);
    }

    /// Replaces the channels of `block` by the result. Never allocates.
    ///
    /// # Panics
    /// When the block has fewer channels than there are inputs or outputs.
    pub fn process(&mut self, block: &mut Block) {
        let mut start = 0;
        while start < block.frames() {
            let frames = self.next_piece(block.frames() - start);
            let mut piece = block.range_mut(start, frames);
            self.take(&piece.as_ref());
            self.give(&mut piece);
            self.advance(frames);
            start += frames;
        }
    }

    /// Convolves `input` and writes the result over `output`, equally long. Never allocates.
    ///
    /// # Panics
    /// When the lengths differ or channels are missing.
    pub fn convolve(&mut self, input: &BlockRef, output: &mut Block) {
        assert_eq!(input.frames(), output.frames(), "blocks of one length");
        let mut start = 0;
        while start < input.frames() {
            let frames = self.next_piece(input.frames() - start);
            self.take(&input.range(start, frames));
            self.give(&mut output.range_mut(start, frames));
            self.advance(frames);
            start += frames;
        }
    }

    fn next_piece(&self, left: Frames) -> Frames {
        left.min(self.partition.period() - self.at)
    }

    fn take(&mut self, input: &BlockRef) {
        for (channel, window) in self.windows.iter_mut().enumerate() {
            let samples = input.channel(channel);
            if self.partition.head > 0 {
                window[HEAD + self.at..][..samples.len()].copy_from_slice(samples);
            }
            for stage in &mut self.stages {
                let (block, at) = (stage.plan.block, stage.at);
                stage.inputs[channel].window[block + at..][..samples.len()].copy_from_slice(samples);
            }
        }
    }

    fn give(&mut self, output: &mut Block) {
        let frames = output.frames();
        output.clear();
        if self.partition.head > 0 {
            for path in &self.paths {
                let window = &self.windows[path.input];
                add_direct(&path.filter.head, window, HEAD + self.at, output.channel_mut(path.output));
            }
        }
        for stage in &self.stages {
            for (channel, ready) in stage.ready.iter().enumerate() {
                let ready = &ready[stage.at..stage.at + frames];
                output.channel_mut(channel).iter_mut().zip(ready).for_each(|(out, x)| *out += x);
            }
        }
    }

    fn advance(&mut self, frames: Frames) {
        self.at += frames;
        if self.at == self.partition.period() {
            self.at = 0;
            if self.partition.head > 0 {
                self.windows.iter_mut().for_each(|w| w.copy_within(HEAD..2 * HEAD, 0));
            }
        }
        for stage in &mut self.stages {
            stage.at += frames;
            if stage.at == stage.plan.block {
                stage.at = 0;
                stage.turn(&self.paths);
            }
        }
    }
}

/// All parts of one block size.
struct Stage {
    plan: StagePlan,
    /// Its place in the partition.
    place: usize,
    /// Input blocks that are remembered: the most parts that a filter has here.
    slots: usize,
    /// The slot of the newest input block; older ones follow.
    newest: usize,
    at: Frames,
    inputs: Vec<Input>,
    /// Per output: the results for the block in work.
    ready: Vec<Vec<f64>>,
    sum_re: Vec<f64>,
    sum_im: Vec<f64>,
    time: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

/// What one input channel was.
struct Input {
    /// The last block and the one that fills.
    window: Vec<f64>,
    /// Spectra: slots x bins.
    re: Vec<f64>,
    im: Vec<f64>,
    /// Per slot: nothing was heard.
    silent: Vec<bool>,
}

impl Stage {
    fn new(plan: &StagePlan, place: usize, slots: usize, inputs: usize, outputs: usize) -> Stage {
        let (block, bins) = (plan.block, plan.bins());
        let input = || Input {
            window: vec![0.0; 2 * block],
            re: vec![0.0; slots * bins],
            im: vec![0.0; slots * bins],
            silent: vec![true; slots],
        };
        let scratch = plan.forward.get_scratch_len().max(plan.inverse.get_scratch_len());
        Stage {
            place,
            slots,
            newest: 0,
            at: 0,
            inputs: (0..inputs).map(|_| input()).collect(),
            ready: vec![vec![0.0; block]; outputs],
            sum_re: vec![0.0; bins],
            sum_im: vec![0.0; bins],
            time: vec![0.0; 2 * block],
            spectrum: plan.forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            plan: plan.clone(),
        }
    }

    fn reset(&mut self) {
        self.at = 0;
        self.newest = 0;
        self.ready.iter_mut().for_each(|r| r.fill(0.0));
        for input in &mut self.inputs {
            input.window.fill(0.0);
            input.silent.fill(true);
        }
    }

    /// A block is full: transforms it and works out the next block of results.
    fn turn(&mut self, paths: &[Path]) {
        self.newest = if self.newest == 0 { self.slots - 1 } else { self.newest - 1 };
        let (block, bins) = (self.plan.block, self.plan.bins());
        for input in &mut self.inputs {
            let silent = input.window.iter().all(|x| x.abs() < FLUSH_BELOW);
            input.silent[self.newest] = silent;
            if !silent {
                self.time.copy_from_slice(&input.window);
                self.plan
                    .forward
                    .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
                    .expect(LENGTHS);
                let place = self.newest * bins;
                let (re, im) = (&mut input.re[place..place + bins], &mut input.im[place..place + bins]);
                for ((re, im), bin) in re.iter_mut().zip(im).zip(&self.spectrum) {
                    (*re, *im) = (bin.re, bin.im);
                }
            }
            input.window.copy_within(block.., 0);
        }
        for output in 0..self.ready.len() {
            if self.sum(output, paths) {
                self.transform_back(output);
            } else {
                self.ready[output].fill(0.0);
            }
        }
    }

    /// Sums all products for one output; false when all of them are zero.
    fn sum(&mut self, output: usize, paths: &[Path]) -> bool {
        self.sum_re.fill(0.0);
        self.sum_im.fill(0.0);
        let bins = self.plan.bins();
        let mut sounds = false;
        for first in (0..bins).step_by(BINS) {
            let range = first..(first + BINS).min(bins);
            for path in paths.iter().filter(|p| p.output == output) {
                let (input, filter) = (&self.inputs[path.input], &path.filter.stages[self.place]);
                for part in 0..filter.parts {
                    let slot = (self.newest + part) % self.slots;
                    if input.silent[slot] {
                        continue;
                    }
                    sounds = true;
                    let (x, h) = (slot * bins, part * bins);
                    add_product(
                        &mut self.sum_re[range.clone()],
                        &mut self.sum_im[range.clone()],
                        &input.re[x + range.start..x + range.end],
                        &input.im[x + range.start..x + range.end],
                        &filter.re[h + range.start..h + range.end],
                        &filter.im[h + range.start..h + range.end],
                    );
                }
            }
        }
        sounds
    }

    fn transform_back(&mut self, output: usize) {
        for ((bin, re), im) in self.spectrum.iter_mut().zip(&self.sum_re).zip(&self.sum_im) {
            *bin = Complex64::new(*re, *im);
        }
        // Real at zero frequency and at the Nyquist frequency but for rounding, which the transform refuses.
        self.spectrum[0].im = 0.0;
        self.spectrum[self.plan.block].im = 0.0;
        self.plan
            .inverse
            .process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch)
            .expect(LENGTHS);
        // The first half is wrapped around.
        self.ready[output].copy_from_slice(&self.time[self.plan.block..]);
    }
}

/// Adds to each of `out` the sum of `taps` times the window's samples, `out[0]` standing at `start`.
///
/// Groups of [`LANES`] may read and work out more than is asked for; each result is summed in the same order in
/// any group, hence has the same bits.
fn add_direct(taps: &[f64], window: &[f64], start: usize, out: &mut [f64]) {
    for (group, out) in out.chunks_mut(LANES).enumerate() {
        let sums = direct(taps, window, start + group * LANES);
        out.iter_mut().zip(&sums).for_each(|(out, sum)| *out += sum);
    }
}

audio::wide! {
    fn direct(taps: &[f64], window: &[f64], start: usize) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (k, tap) in taps.iter().enumerate() {
            let Some(under) = window[start - k..].first_chunk::<LANES>() else { break };
            for i in 0..LANES {
                sums[i] += tap * under[i];
            }
        }
        sums
    }
}

audio::wide! {
    /// Adds the product of two spectra, real and imaginary parts apart.
    fn add_product(
        sum_re: &mut [f64], sum_im: &mut [f64], x_re: &[f64], x_im: &[f64], h_re: &[f64], h_im: &[f64],
    ) {
        let bins = sum_re.len();
        let (sum_im, x_re, x_im) = (&mut sum_im[..bins], &x_re[..bins], &x_im[..bins]);
        let (h_re, h_im) = (&h_re[..bins], &h_im[..bins]);
        for i in 0..bins {
            sum_re[i] += x_re[i] * h_re[i] - x_im[i] * h_im[i];
            sum_im[i] += x_re[i] * h_im[i] + x_im[i] * h_re[i];
        }
    }
}

#[cfg(test)]
mod tests;
