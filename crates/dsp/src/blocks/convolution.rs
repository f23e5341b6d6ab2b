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
use super::negacyclic::{Negacyclic, Room};
use audio::{Block, BlockRef, Frames};
use std::sync::Arc;

/// Taps that are summed directly where there is no latency.
const HEAD: usize = 64;

/// Most frames that are worked on at once in the head.
const LANES: usize = 16;

/// Block sizes without latency. Each begins to serve at its own size, when its first block is full.
const GROWING: [Frames; 4] = [64, 512, 4_096, 32_768];

/// Bins that are summed together: two sums of 8 kB stay in the nearest cache.
const BINS: usize = 1_024;

/// Numbers between real and imaginary parts: parts of long blocks lie whole pages apart, and would all fall into the same few
/// places of the nearest cache.
const GAP: usize = 256;

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
    transform: Arc<Negacyclic>,
}

impl StagePlan {
    fn new(block: Frames, from: usize, to: usize) -> StagePlan {
        StagePlan { block, from, to, transform: Arc::new(Negacyclic::new(block)) }
    }
}

impl Partition {
    /// For filters of at most `taps` taps, without latency.
    pub fn without_latency(taps: usize) -> Partition {
        let mut stages = Vec::new();
        for (place, &block) in GROWING.iter().enumerate() {
            if taps <= block {
                break;
            }
            // A larger block pays when it has at least two parts to serve.
            let next = GROWING.get(place + 1).copied().filter(|&next| taps > 2 * next);
            stages.push(StagePlan::new(block, block, next.unwrap_or(usize::MAX)));
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
        Partition { stages: Arc::new([StagePlan::new(block, 0, usize::MAX)]), head: 0 }
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
    /// Per stage the transforms of its part of the filter.
    stages: Vec<Spectra>,
}

/// Transforms of one size.
struct Spectra {
    count: usize,
    bins: usize,
    /// Of each the real parts, and after a [`GAP`] the imaginary ones.
    numbers: Vec<f64>,
}

impl Spectra {
    fn new(count: usize, bins: usize) -> Spectra {
        Spectra { count, bins, numbers: vec![0.0; count * 2 * (bins + GAP)] }
    }

    /// The real and the imaginary parts of one of them.
    fn of(&self, place: usize) -> (&[f64], &[f64]) {
        let each = self.bins + GAP;
        let (re, im) = self.numbers[2 * place * each..][..2 * each].split_at(each);
        (&re[..self.bins], &im[..self.bins])
    }

    fn of_mut(&mut self, place: usize) -> (&mut [f64], &mut [f64]) {
        let each = self.bins + GAP;
        let (re, im) = self.numbers[2 * place * each..][..2 * each].split_at_mut(each);
        (&mut re[..self.bins], &mut im[..self.bins])
    }
}

impl Filter {
    /// Cuts and transforms `taps`.
    pub fn new(taps: &[f64], partition: &Partition) -> Arc<Filter> {
        let head = taps[..taps.len().min(partition.head)].to_vec();
        let stages = partition.stages.iter().map(|plan| transformed(plan, taps)).collect();
        Arc::new(Filter { partition: partition.clone(), taps: taps.len(), head, stages })
    }

    /// Its length in taps.
    pub fn taps(&self) -> usize {
        self.taps
    }
}

/// The transforms of the taps that a stage serves.
fn transformed(plan: &StagePlan, taps: &[f64]) -> Spectra {
    let served = &taps[plan.from.min(taps.len())..plan.to.min(taps.len())];
    let mut spectra = Spectra::new(served.len().div_ceil(plan.block), plan.block);
    let mut room = plan.transform.room();
    // The pair of transforms multiplies by the block.
    let scale = 1.0 / plan.block as f64;
    for (place, part) in served.chunks(plan.block).enumerate() {
        let (re, im) = spectra.of_mut(place);
        re.iter_mut().zip(part).for_each(|(to, tap)| *to = tap * scale);
        plan.transform.forward(re, im, &mut room);
    }
    spectra
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
        let longest = |place: usize| paths.iter().map(|p| p.filter.stages[place].count).max().unwrap_or(0);
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
                stage.inputs[channel].now[stage.at..][..samples.len()].copy_from_slice(samples);
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
                add(output.channel_mut(channel), &ready[stage.at..stage.at + frames]);
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
    /// The real parts of a sum after a [`GAP`]; its imaginary ones are summed where they become results.
    sum: Vec<f64>,
    room: Room,
}

/// What one input channel was.
struct Input {
    /// The block that fills, and the one before it.
    now: Vec<f64>,
    last: Vec<f64>,
    last_silent: bool,
    /// Transforms of both together, per slot.
    spectra: Spectra,
    /// Per slot: nothing was heard.
    silent: Vec<bool>,
}

impl Stage {
    fn new(plan: &StagePlan, place: usize, slots: usize, inputs: usize, outputs: usize) -> Stage {
        let block = plan.block;
        let input = || Input {
            now: vec![0.0; block],
            last: vec![0.0; block],
            last_silent: true,
            spectra: Spectra::new(slots, block),
            silent: vec![true; slots],
        };
        Stage {
            place,
            slots,
            newest: 0,
            at: 0,
            inputs: (0..inputs).map(|_| input()).collect(),
            ready: vec![vec![0.0; block]; outputs],
            sum: vec![0.0; GAP + block],
            room: plan.transform.room(),
            plan: plan.clone(),
        }
    }

    fn reset(&mut self) {
        self.at = 0;
        self.newest = 0;
        self.ready.iter_mut().for_each(|r| r.fill(0.0));
        for input in &mut self.inputs {
            input.now.fill(0.0);
            input.last.fill(0.0);
            input.last_silent = true;
            input.silent.fill(true);
        }
    }

    /// A block is full: transforms it and works out the next block of results.
    fn turn(&mut self, paths: &[Path]) {
        self.newest = if self.newest == 0 { self.slots - 1 } else { self.newest - 1 };
        for input in &mut self.inputs {
            let silent = input.now.iter().all(|x| x.abs() < FLUSH_BELOW);
            input.silent[self.newest] = silent && input.last_silent;
            if !input.silent[self.newest] {
                let (re, im) = input.spectra.of_mut(self.newest);
                re.copy_from_slice(&input.last);
                im.copy_from_slice(&input.now);
                self.plan.transform.forward(re, im, &mut self.room);
            }
            input.last_silent = silent;
            std::mem::swap(&mut input.last, &mut input.now);
        }
        for output in 0..self.ready.len() {
            if self.sum(output, paths) {
                // The first half, which is wrapped around, comes as real parts; the second is the result.
                let (re, im) = (&mut self.sum[GAP..], &mut self.ready[output]);
                self.plan.transform.inverse(re, im, &mut self.room);
            } else {
                self.ready[output].fill(0.0);
            }
        }
    }

    /// Sums all products for one output; false when all of them are zero.
    fn sum(&mut self, output: usize, paths: &[Path]) -> bool {
        let mut sounds = false;
        let (all_re, all_im) = (&mut self.sum[GAP..], &mut self.ready[output]);
        for first in (0..self.plan.block).step_by(BINS) {
            let range = first..(first + BINS).min(self.plan.block);
            let (sum_re, sum_im) = (&mut all_re[range.clone()], &mut all_im[range.clone()]);
            let mut begun = false;
            for path in paths.iter().filter(|p| p.output == output) {
                let (input, filter) = (&self.inputs[path.input], &path.filter.stages[self.place]);
                for part in 0..filter.count {
                    let slot = (self.newest + part) % self.slots;
                    if input.silent[slot] {
                        continue;
                    }
                    let ((x_re, x_im), (h_re, h_im)) = (input.spectra.of(slot), filter.of(part));
                    let (x_re, x_im) = (&x_re[range.clone()], &x_im[range.clone()]);
                    let (h_re, h_im) = (&h_re[range.clone()], &h_im[range.clone()]);
                    if begun {
                        add_product(sum_re, sum_im, x_re, x_im, h_re, h_im);
                    } else {
                        put_product(sum_re, sum_im, x_re, x_im, h_re, h_im);
                        begun = true;
                    }
                }
            }
            sounds |= begun;
        }
        sounds
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
    fn add(to: &mut [f64], what: &[f64]) {
        to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
    }
}

audio::wide! {
    /// The product of two transforms, real and imaginary parts apart.
    fn put_product(
        sum_re: &mut [f64], sum_im: &mut [f64], x_re: &[f64], x_im: &[f64], h_re: &[f64], h_im: &[f64],
    ) {
        let bins = sum_re.len();
        let (sum_im, x_re, x_im) = (&mut sum_im[..bins], &x_re[..bins], &x_im[..bins]);
        let (h_re, h_im) = (&h_re[..bins], &h_im[..bins]);
        for i in 0..bins {
            sum_re[i] = x_re[i] * h_re[i] - x_im[i] * h_im[i];
            sum_im[i] = x_re[i] * h_im[i] + x_im[i] * h_re[i];
        }
    }
}

audio::wide! {
    /// Adds the product of two transforms.
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
