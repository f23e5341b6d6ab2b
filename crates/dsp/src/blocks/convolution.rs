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
mod tests {
    use super::*;
    use audio::Buffer;
    use proptest::prelude::*;

    fn noise(frames: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as f64 / u64::MAX as f64 * 2.0 - 1.0
        };
        (0..frames).map(|_| next()).collect()
    }

    /// The definition.
    fn direct_sum(input: &[f64], taps: &[f64], frame: usize) -> f64 {
        (0..taps.len().min(frame + 1)).map(|k| taps[k] * input[frame - k]).sum()
    }

    fn run(convolver: &mut Convolver, input: &[Vec<f64>], outputs: usize, sizes: &[usize]) -> Buffer {
        let input = Buffer::from_channels(input);
        let mut output = Buffer::new(outputs, input.frames());
        let (mut start, mut turn) = (0, 0);
        while start < input.frames() {
            let frames = sizes[turn % sizes.len()].min(input.frames() - start);
            convolver.convolve(&input.range(start, frames), &mut output.range_mut(start, frames));
            start += frames;
            turn += 1;
        }
        output
    }

    /// Every stage, its first and last tap, and lengths on either side of every seam.
    #[test]
    fn is_the_sum_of_products_without_latency() {
        for taps in [1, 2, 63, 64, 65, 128, 129, 512, 1_024, 1_025, 8_192, 8_193, 20_000] {
            let h = noise(taps, 3);
            let input = noise(taps + 9_000, 4);
            let filter = Filter::new(&h, &Partition::without_latency(taps));
            let mut convolver = Convolver::each(&filter, 1);
            assert_eq!((convolver.latency(), convolver.tail()), (0, taps - 1));
            let output = run(&mut convolver, std::slice::from_ref(&input), 1, &[4_096]);
            let loudest = (taps as f64).sqrt();
            for frame in (0..input.len()).step_by(397).chain([taps - 1, taps, taps + 63]) {
                let expected = direct_sum(&input, &h, frame);
                let seen = output.channel(0)[frame];
                // -140 dB is asked, of a sum whose size grows with the root of the length; f64 leaves -280.
                assert!((seen - expected).abs() < 1e-13 * loudest, "{taps} taps, {frame}: {seen} {expected}");
            }
        }
    }

    /// The largest stage: a filter of more than 65536 taps that is nearly empty, so that the sum is quick.
    #[test]
    fn the_longest_blocks_stand_where_they_should() {
        let mut h = vec![0.0; 140_000];
        let places = [0, 63, 64, 511, 512, 4_095, 4_096, 32_767, 32_768, 65_536, 99_999, 139_999];
        places.iter().enumerate().for_each(|(n, &place)| h[place] = (n + 1) as f64);
        let partition = Partition::without_latency(h.len());
        assert_eq!(partition.stages.len(), 4);
        let mut input = vec![0.0; 150_000];
        input[77] = 1.0;
        let output = run(&mut Convolver::each(&Filter::new(&h, &partition), 1), &[input], 1, &[10_000]);
        for frame in 0..150_000usize {
            let expected = frame.checked_sub(77).and_then(|k| h.get(k)).copied().unwrap_or(0.0);
            // Rounding of transforms whose largest value is 12.
            assert!((output.channel(0)[frame] - expected).abs() < 1e-13, "{frame}");
        }
    }

    #[test]
    fn equal_blocks_are_late_by_one() {
        let (h, input) = (noise(1_000, 5), noise(5_000, 6));
        for block in [1, 32, 256, 2_048] {
            let mut convolver = Convolver::each(&Filter::new(&h, &Partition::uniform(block)), 1);
            assert_eq!(convolver.latency(), block);
            let output = run(&mut convolver, std::slice::from_ref(&input), 1, &[777]);
            assert_eq!(output.channel(0)[..block], vec![0.0; block]);
            for frame in (0..5_000 - block).step_by(131) {
                let error = output.channel(0)[frame + block] - direct_sum(&input, &h, frame);
                // As above.
                assert!(error.abs() < 1e-12, "blocks of {block}, {frame}: {error:e}");
            }
        }
    }

    /// True stereo: four filters of different lengths, two of them to one output.
    #[test]
    fn paths_lead_where_they_say_and_are_summed() {
        let input = [noise(4_000, 7), noise(4_000, 8)];
        let lengths = [3_000, 40, 700, 1];
        let partition = Partition::without_latency(3_000);
        let taps: Vec<Vec<f64>> = lengths.iter().map(|&n| noise(n, n as u64)).collect();
        let path = |n: usize| Path { input: n / 2, output: n % 2, filter: Filter::new(&taps[n], &partition) };
        let mut convolver = Convolver::new(2, 2, (0..4).map(path).collect());
        assert_eq!(convolver.tail(), 2_999);
        let output = run(&mut convolver, &input, 2, &[512]);
        for frame in (0..4_000).step_by(59) {
            for out in 0..2 {
                let expected =
                    direct_sum(&input[0], &taps[out], frame) + direct_sum(&input[1], &taps[2 + out], frame);
                assert!((output.channel(out)[frame] - expected).abs() < 1e-11, "{out} {frame}");
            }
        }
    }

    #[test]
    fn silence_is_exactly_silent_and_reset_forgets() {
        let filter = Filter::new(&noise(3_000, 1), &Partition::without_latency(3_000));
        let mut convolver = Convolver::each(&filter, 1);
        let first = run(&mut convolver, &[noise(5_000, 2)], 1, &[4_096]);
        let after = run(&mut convolver, &[vec![0.0; 20_000]], 1, &[4_096]);
        // After the tail at most the rest of a block whose window still holds sound.
        assert!(after.channel(0)[3_000 + 2 * 512..].iter().all(|x| *x == 0.0));
        convolver.reset();
        let again = run(&mut convolver, &[noise(5_000, 2)], 1, &[4_096]);
        assert_eq!(first, again);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_bits_do_not_depend_on_the_blocks(
            taps in 1usize..3_000,
            sizes in prop::collection::vec(0usize..700, 1..12),
            uniform in any::<bool>(),
        ) {
            prop_assume!(sizes.iter().any(|s| *s > 0));
            let partition =
                if uniform { Partition::uniform(300) } else { Partition::without_latency(taps) };
            let filter = Filter::new(&noise(taps, 9), &partition);
            let input = [noise(4_000, 10)];
            let whole = run(&mut Convolver::each(&filter, 1), &input, 1, &[4_000]);
            let cut = run(&mut Convolver::each(&filter, 1), &input, 1, &sizes);
            prop_assert_eq!(whole, cut);
        }
    }
}
