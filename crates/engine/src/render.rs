//! Runs a plan: slab by slab, all strips of a slab at once, the same bits whatever the threads.
//!
//! Strips are skewed by their level: while the tracks work on slab `s`, the buses work on slab `s - 1` and
//! the mix on `s - 2`. Nothing that runs at the same time depends on one another, so all strips of all
//! levels keep all cores busy, and a strip reads only what was finished in an earlier step.

use crate::cache::{self, Keeper, Reductions};
use crate::error::EngineError;
use crate::plan::{Excerpt, Plan, Tap};
use crate::ring::{Ring, slabs_needed};
use crate::sources::Sources;
use crate::strip::{Rings, Strip};
use crate::taken::Taken;
use audio::{Block, BlockRef, Buffer, Frames};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes rendered audio, block after block, from the first frame of what is heard of the plan.
pub trait Sink: Send {
    /// Takes the next frames (channels x frames).
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError>;
}

impl<F: FnMut(&BlockRef) -> Result<(), EngineError> + Send> Sink for F {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        self(block)
    }
}

/// One signal of the plan that somebody wants.
pub struct Output<'a> {
    /// The node, by its place in the plan.
    pub node: usize,
    /// Where in the strip.
    pub tap: Tap,
    /// Who takes it.
    pub sink: Box<dyn Sink + 'a>,
}

/// How to render; none of it changes the sound.
#[derive(Clone, Copy)]
pub struct RenderOptions<'a> {
    /// Worker threads; 0 for one per core.
    pub threads: usize,
    /// Frames of a slab. 2048 are 16 KiB a channel: what a strip works on stays in the processor's own caches, and so do the
    /// slabs that the next level hears.
    pub slab_frames: Frames,
    /// Told the part done, 0 to 1, after each slab.
    pub progress: Option<&'a (dyn Fn(f64) + Sync)>,
    /// Stops the render when it becomes true.
    pub cancel: Option<&'a AtomicBool>,
    /// Folder where finished strips are kept for the next render: tracks, buses and returns that have inserts.
    pub cache: Option<&'a Path>,
}

impl Default for RenderOptions<'_> {
    fn default() -> Self {
        RenderOptions { threads: 0, slab_frames: 2048, progress: None, cancel: None, cache: None }
    }
}

/// What an insert did.
#[derive(Debug, Clone, PartialEq)]
pub struct GainReduction {
    /// The strip's id.
    pub strip: String,
    /// The insert's id.
    pub insert: String,
    /// Its gain reduction over the song, without what follows until every tail has ended.
    pub taken: Taken,
}

/// Renders `outputs`; each sink receives the frames of `plan.heard()`, faded as it says.
///
/// Only the strips that the outputs need are run, and of those that lie in the cache neither they nor what only they hear.
pub fn render<'a>(
    plan: &'a Plan,
    sources: &Sources,
    outputs: Vec<Output<'a>>,
    options: &RenderOptions,
) -> Result<Vec<GainReduction>, EngineError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|e| EngineError::Output(format!("no worker threads: {e}")))?;
    // A recording that is not what it was when it was hashed would be kept under the wrong name.
    sources.unchanged()?;
    let mut job = Job::new(plan, sources, outputs, options)?;
    // The whole song in one of the workers: who calls would be woken after every slab.
    pool.install(|| job.run(options)).map_err(|error| match error {
        EngineError::Cancelled => error,
        // A recording that ends early says why better than what came of it.
        _ => sources.unchanged().err().unwrap_or(error),
    })?;
    sources.unchanged()?;
    job.finish(plan, options.cache)
}

/// Files that are open besides recordings, outputs and finished strips: the terminal, the session, libraries.
const OTHER_FILES: usize = 64;

/// How many strips can be kept while so many files are open.
fn room_to_keep(open_files: usize) -> usize {
    let limit = files::open_files_limit().and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| limit.saturating_sub(open_files + OTHER_FILES))
}

/// Renders one node of the plan to memory.
pub fn render_to_buffer(
    plan: &Plan,
    sources: &Sources,
    node: usize,
    tap: Tap,
    options: &RenderOptions,
) -> Result<Buffer, EngineError> {
    let channels = match tap {
        Tap::PreFader => plan.nodes[node].channels,
        Tap::Output => plan.nodes[node].output_channels,
    };
    let mut planes = vec![Vec::with_capacity(plan.frames()); channels];
    let mut sink = |block: &BlockRef| {
        for (plane, samples) in planes.iter_mut().zip(block.iter()) {
            plane.extend_from_slice(samples);
        }
        Ok(())
    };
    render(plan, sources, vec![Output { node, tap, sink: Box::new(&mut sink) }], options)?;
    Ok(Buffer::from_channels(&planes))
}

/// Where the audio of a delivery goes.
enum Destination<'a> {
    Caller(Box<dyn Sink + 'a>),
    /// Nobody any more, once the cache has no room: a render does not fail for it.
    Cache(Option<Keeper>),
}

/// An output at work.
struct Delivery<'a> {
    node: usize,
    tap: Tap,
    destination: Destination<'a>,
    /// Frames by which its signal stands later than the song.
    late: Frames,
    level: usize,
    buffer: Buffer,
    /// The part of the song that is handed on.
    part: Excerpt,
}

impl<'a> Delivery<'a> {
    fn new(plan: &Plan, place: usize, tap: Tap, destination: Destination<'a>, slab: Frames) -> Self {
        let node = &plan.nodes[place];
        let part = match destination {
            Destination::Caller(_) => plan.heard(),
            Destination::Cache(_) => plan.whole(),
        };
        let channels = match tap {
            Tap::PreFader => node.channels,
            Tap::Output => node.output_channels,
        };
        let buffer = Buffer::new(channels, slab);
        let (late, level) = (node.departure(), node.level + 1);
        Delivery { node: place, tap, destination, late, level, buffer, part }
    }
}

struct Job<'a> {
    strips: Vec<Strip<'a>>,
    /// What the inserts of strips reported that need not run, each with its place in the plan.
    remembered: Vec<(usize, Reductions)>,
    deliveries: Vec<Delivery<'a>>,
    rings: Rings,
    slab: Frames,
}

impl<'a> Job<'a> {
    fn new(
        plan: &'a Plan,
        sources: &Sources,
        outputs: Vec<Output<'a>>,
        options: &RenderOptions,
    ) -> Result<Job<'a>, EngineError> {
        let slab = options.slab_frames;
        let mut hits = cache::find_all(options.cache, plan);
        let whole = needed(plan, &outputs, |_| false);
        let needed = needed(plan, &outputs, |place| hits[place].is_some());
        let spared = (0..plan.nodes.len()).filter(|&place| whole[place] && !needed[place]);
        let remembered = spared.filter_map(|place| Some((place, hits[place].take()?.reductions))).collect();
        let mut room = room_to_keep(sources.open_files() + outputs.len());
        let mut deliveries: Vec<Delivery> = outputs
            .into_iter()
            .map(|o| Delivery::new(plan, o.node, o.tap, Destination::Caller(o.sink), slab))
            .collect();
        let mut strips = Vec::new();
        for (place, node) in plan.nodes.iter().enumerate().filter(|(place, _)| needed[*place]) {
            if let Some(hit) = hits[place].take() {
                strips.push(Strip::from_cache(plan, place, hit, slab));
                continue;
            }
            let placed = match &node.source {
                Some(source) => Some(sources.place(source, node, plan.sample_rate_hz)?),
                None => None,
            };
            strips.push(Strip::new(plan, place, placed, slab));
            let folder = options.cache.filter(|_| cache::is_worth_keeping(plan, place) && room > 0);
            if let Some(folder) = folder {
                room -= 1;
                let keeper = Destination::Cache(Some(Keeper::new(folder, plan, place)?));
                deliveries.push(Delivery::new(plan, place, Tap::PreFader, keeper, slab));
            }
        }
        let rings = rings(plan, &strips, &deliveries, slab);
        Ok(Job { strips, remembered, deliveries, rings, slab })
    }

    /// Steps until every delivery has all its frames.
    fn steps(&self) -> usize {
        let last = self.deliveries.iter().map(|d| d.level + d.end().div_ceil(self.slab));
        last.max().unwrap_or(0)
    }

    /// All slabs, one after another.
    fn run(&mut self, options: &RenderOptions) -> Result<(), EngineError> {
        let steps = self.steps();
        for step in 0..steps {
            if options.cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
                return Err(EngineError::Cancelled);
            }
            self.step(step)?;
            if let Some(progress) = options.progress {
                progress((step + 1) as f64 / steps as f64);
            }
        }
        Ok(())
    }

    fn step(&mut self, step: usize) -> Result<(), EngineError> {
        let (rings, slab) = (&self.rings, self.slab);
        let mut strip_results: Vec<Result<(), EngineError>> = self.strips.iter().map(|_| Ok(())).collect();
        let mut sink_results: Vec<Result<(), EngineError>> = self.deliveries.iter().map(|_| Ok(())).collect();
        rayon::scope(|scope| {
            for (strip, result) in self.strips.iter_mut().zip(&mut strip_results) {
                if let Some(turn) = step.checked_sub(strip.node.level) {
                    scope.spawn(move |_| *result = strip.run(turn * slab, rings));
                }
            }
            for (delivery, result) in self.deliveries.iter_mut().zip(&mut sink_results) {
                if let Some(turn) = step.checked_sub(delivery.level) {
                    scope.spawn(move |_| *result = delivery.run(turn * slab, rings));
                }
            }
        });
        strip_results.into_iter().chain(sink_results).collect::<Result<(), _>>()?;
        for strip in self.strips.iter_mut().filter(|s| s.node.level <= step) {
            hand_over(&mut self.rings.pre_fader[strip.place()], &mut strip.pre_fader);
            hand_over(&mut self.rings.output[strip.place()], &mut strip.output);
        }
        Ok(())
    }

    /// Completes the cache and collects what the inserts report.
    fn finish(self, plan: &Plan, cache: Option<&Path>) -> Result<Vec<GainReduction>, EngineError> {
        let mut reductions = vec![Vec::new(); plan.nodes.len()];
        self.remembered.into_iter().for_each(|(place, spared)| reductions[place] = spared);
        for strip in self.strips {
            let place = strip.place();
            reductions[place] = strip.reductions();
        }
        for delivery in self.deliveries {
            if let Destination::Cache(Some(keeper)) = delivery.destination {
                // What cannot be kept is rendered again next time.
                let _ = keeper.finish(&reductions[delivery.node]);
            }
        }
        if let Some(folder) = cache {
            cache::prune(folder, plan);
        }
        let per_strip = plan.nodes.iter().zip(reductions).flat_map(|(node, inserts)| {
            inserts.into_iter().map(|(insert, taken)| GainReduction { strip: node.id.clone(), insert, taken })
        });
        Ok(per_strip.collect())
    }
}

/// Gives a finished slab to its ring and takes an empty one.
fn hand_over(ring: &mut Option<Ring>, slab: &mut Buffer) {
    if let Some(ring) = ring {
        *slab = ring.push(std::mem::take(slab));
    }
}

impl Delivery<'_> {
    /// The stream frame after the last that is handed on.
    fn end(&self) -> Frames {
        self.late + self.part.first + self.part.frames
    }

    /// Hands on what stream frames `start ..` hold of the song.
    fn run(&mut self, start: Frames, rings: &Rings) -> Result<(), EngineError> {
        let slab = self.buffer.frames();
        let begin = self.late + self.part.first;
        let first = start.max(begin);
        let end = (start + slab).min(self.end());
        if first >= end {
            return Ok(());
        }
        let ring = rings.tapped(self.node, self.tap);
        ring.read(start as i64, &mut self.buffer.as_block_mut());
        fade(&mut self.buffer.range_mut(first - start, end - first), first - begin, &self.part);
        let block = self.buffer.range(first - start, end - first);
        match &mut self.destination {
            Destination::Caller(sink) => sink.write(&block),
            Destination::Cache(keeper) => {
                if keeper.as_mut().is_some_and(|keeper| keeper.write(&block).is_err()) {
                    // Its file goes with it, and what it had taken of the disk is free for the outputs.
                    *keeper = None;
                }
                Ok(())
            }
        }
    }
}

/// Applies the fades of an excerpt to a block that begins at its frame `first`.
fn fade(block: &mut Block, first: Frames, part: &Excerpt) {
    let frames = block.frames();
    let fading = |frame: Frames| frame < part.fade_in || frame + part.fade_out >= part.frames;
    if !fading(first) && !fading(first + frames - 1) {
        return;
    }
    for channel in 0..block.channels() {
        for (offset, sample) in block.channel_mut(channel).iter_mut().enumerate() {
            if fading(first + offset) {
                *sample *= part.gain(first + offset);
            }
        }
    }
}

/// Which nodes the outputs depend on; what only finished ones listen to is not needed.
fn needed(plan: &Plan, outputs: &[Output], finished: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut needed = vec![false; plan.nodes.len()];
    for output in outputs {
        needed[output.node] = true;
    }
    for place in (0..plan.nodes.len()).rev() {
        if needed[place] && !finished(place) {
            for edge in plan.heard_by(place) {
                needed[edge.from] = true;
            }
        }
    }
    needed
}

/// A ring for each signal that anybody reads, as long as its furthest reader needs.
fn rings(plan: &Plan, strips: &[Strip], deliveries: &[Delivery], slab: Frames) -> Rings {
    let none = || plan.nodes.iter().map(|_| 0usize).collect::<Vec<_>>();
    let (mut pre_fader, mut output) = (none(), none());
    let mut want = |node: usize, tap: Tap, slabs: usize| {
        let keep = match tap {
            Tap::PreFader => &mut pre_fader[node],
            Tap::Output => &mut output[node],
        };
        *keep = (*keep).max(slabs);
    };
    for place in strips.iter().filter(|strip| !strip.is_finished()).map(Strip::place) {
        for edge in plan.heard_by(place) {
            let levels = plan.nodes[place].level - plan.nodes[edge.from].level;
            want(edge.from, edge.tap, slabs_needed(levels, edge.delay, slab));
        }
    }
    for delivery in deliveries {
        want(delivery.node, delivery.tap, 1);
    }
    let build = |keep: Vec<usize>| {
        keep.into_iter().map(|slabs| (slabs > 0).then(|| Ring::new(slabs, slab))).collect()
    };
    Rings { pre_fader: build(pre_fader), output: build(output) }
}
