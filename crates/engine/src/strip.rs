//! A strip at work: its source or inputs, its inserts, its fader, one slab at a time.

use crate::cache::{Hit, Reductions};
use crate::error::EngineError;
use crate::gain::{add_scaled, apply_fader, apply_trim};
use crate::plan::{Edge, Element, Fader, Node, Plan, Tap};
use crate::ring::Ring;
use crate::stream::Placed;
use crate::taken::Taking;
use audio::{Block, Buffer, Frames, Spec};
use dsp::blocks::grid::CONTROL_FRAMES;
use dsp::{Processor, Values};
use std::cell::RefCell;

/// Longest block a processor is given; short enough to stay in the fastest memory.
const BLOCK_FRAMES: Frames = 1024;

/// Frames of a sum that are worked on at a time, over all inputs: 8 KiB in stereo.
const SUMMED_FRAMES: Frames = 512;

/// The signals of all strips, as far back as anyone needs.
pub(crate) struct Rings {
    pub(crate) pre_fader: Vec<Option<Ring>>,
    pub(crate) output: Vec<Option<Ring>>,
}

impl Rings {
    fn of(&self, edge: &Edge) -> &Ring {
        self.tapped(edge.from, edge.tap)
    }

    pub(crate) fn tapped(&self, node: usize, tap: Tap) -> &Ring {
        let rings = match tap {
            Tap::PreFader => &self.pre_fader,
            Tap::Output => &self.output,
        };
        rings[node].as_ref().expect("a signal that someone listens to is kept")
    }
}

/// An insert at work.
struct Running<'a> {
    element: &'a Element,
    processor: Box<dyn Processor>,
    key: Option<Buffer>,
    /// How deep its gain reduction was.
    taking: Taking,
}

thread_local! {
    /// Buffers of this worker that no strip uses at the moment.
    static SPARE: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of this shape; what is in it is to be overwritten.
fn spare(channels: usize, frames: Frames) -> Buffer {
    SPARE.with_borrow_mut(|spare| {
        let fits = |buffer: &Buffer| buffer.channels() == channels && buffer.frames() == frames;
        let found = spare.iter().position(fits).map(|place| spare.swap_remove(place));
        found.unwrap_or_else(|| Buffer::new(channels, frames))
    })
}

/// A strip at work.
pub(crate) struct Strip<'a> {
    pub(crate) node: &'a Node,
    place: usize,
    source: Option<Placed>,
    /// The source already holds trim and inserts.
    finished: bool,
    chain: Vec<Running<'a>>,
    /// What the inserts reported when this strip was put into the cache.
    remembered: Reductions,
    /// For keys and for sends with a place of their own.
    scratch: Buffer,
    /// After the inserts; between slabs empty unless somebody listens there.
    pub(crate) pre_fader: Buffer,
    slab: Frames,
    /// After fader and pan.
    pub(crate) output: Buffer,
}

impl<'a> Strip<'a> {
    /// Builds all processors of the node at `place`; `source` is the audio of a track.
    pub(crate) fn new(plan: &'a Plan, place: usize, source: Option<Placed>, slab: Frames) -> Strip<'a> {
        let node = &plan.nodes[place];
        let spec = Spec {
            sample_rate_hz: f64::from(plan.sample_rate_hz),
            channels: node.channels,
            max_frames: BLOCK_FRAMES,
        };
        let chain = node
            .chain
            .iter()
            .map(|element| Running {
                element,
                processor: (element.kind.build)(&values_at_start(element), &spec),
                key: element.key.as_ref().map(|_| Buffer::new(node.channels, slab)),
                taking: Taking::of(plan.song_frames),
            })
            .collect();
        Strip { chain, ..Strip::idle(plan, place, source, slab) }
    }

    /// A strip whose audio before the fader is already there.
    pub(crate) fn from_cache(plan: &'a Plan, place: usize, hit: Hit, slab: Frames) -> Strip<'a> {
        let node = &plan.nodes[place];
        let remembered = hit.reductions.clone();
        let placed = Placed::new(Box::new(hit), node.channels, node.departure() as i64, 0.0);
        Strip { remembered, finished: true, ..Strip::idle(plan, place, Some(placed), slab) }
    }

    fn idle(plan: &'a Plan, place: usize, source: Option<Placed>, slab: Frames) -> Strip<'a> {
        let node = &plan.nodes[place];
        let keyed = node.chain.iter().any(|element| element.key.is_some());
        let scratch = if keyed || node.inputs.iter().any(|edge| edge.pan.is_some()) { slab } else { 0 };
        Strip {
            node,
            place,
            source,
            chain: Vec::new(),
            finished: false,
            remembered: Vec::new(),
            scratch: Buffer::new(2, scratch),
            pre_fader: Buffer::default(),
            slab,
            output: Buffer::new(node.output_channels, slab),
        }
    }

    /// Whether it only plays what the cache has, and listens to nobody.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// This strip's place in the plan.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// Gain reduction of each insert that reported any, with its id.
    pub(crate) fn reductions(self) -> Reductions {
        if self.finished {
            return self.remembered;
        }
        let acted = |r: Running| Some((r.element.id.clone(), r.taking.finish()?));
        self.chain.into_iter().filter_map(acted).collect()
    }

    /// Fills `output`, and `pre_fader` where somebody listens there, with the slab that begins at stream frame `start`.
    pub(crate) fn run(&mut self, start: Frames, rings: &Rings) -> Result<(), EngineError> {
        if rings.pre_fader[self.place].is_some() {
            if self.pre_fader.frames() == 0 {
                self.pre_fader = Buffer::new(self.node.channels, self.slab);
            }
            return self.work(start, rings);
        }
        // What nobody listens to is made in a buffer that the next strip uses again: it stays in the fastest memory.
        self.pre_fader = spare(self.node.channels, self.slab);
        let done = self.work(start, rings);
        SPARE.with_borrow_mut(|spare| spare.push(std::mem::take(&mut self.pre_fader)));
        done
    }

    fn work(&mut self, start: Frames, rings: &Rings) -> Result<(), EngineError> {
        self.fill_input(start, rings)?;
        let frames = self.pre_fader.frames();
        let node = self.node;
        let restoring = node.restoring();
        for (place, running) in self.chain.iter_mut().enumerate() {
            if place == restoring {
                trim(node, start, &mut self.pre_fader.as_block_mut());
            }
            let edge = running.element.key.as_ref();
            if let (Some(key), Some(edge)) = (&mut running.key, edge) {
                read_key(edge, start, rings, &mut self.scratch, key);
            }
            let begin = node.arrival + running.element.before;
            // Up to song frame 0 there is nothing to hear, and the processor's time begins there.
            let skip = begin.saturating_sub(start).min(frames);
            let song_frame = (start + skip).saturating_sub(begin);
            running.run(&mut self.pre_fader.range_mut(skip, frames - skip), song_frame, skip);
        }
        if !self.finished && restoring == self.chain.len() {
            trim(node, start, &mut self.pre_fader.as_block_mut());
        }
        match &node.fader {
            Some(fader) => {
                let song_frame = start as i64 - node.departure() as i64;
                self.fade(fader, song_frame);
            }
            None => self.output.as_block_mut().copy_from(&self.pre_fader.as_block()),
        }
        Ok(())
    }

    /// Fader and pan in song time; before song frame 0 there is silence.
    fn fade(&mut self, fader: &Fader, song_frame: i64) {
        let frames = self.output.frames();
        let skip = ((-song_frame).max(0) as usize).min(frames);
        self.output.range_mut(0, skip).clear();
        let input = self.pre_fader.range(skip, frames - skip);
        let first = (song_frame + skip as i64).max(0) as usize;
        apply_fader(fader, &input, &mut self.output.range_mut(skip, frames - skip), first);
    }

    fn fill_input(&mut self, start: Frames, rings: &Rings) -> Result<(), EngineError> {
        let mut input = self.pre_fader.as_block_mut();
        match &mut self.source {
            Some(source) => source.read(&mut input)?,
            None => input.clear(),
        }
        if self.finished {
            return Ok(());
        }
        let node = self.node;
        // Up to song frame 0 everything is silent; from there on curves are read in song time.
        let skip = node.arrival.saturating_sub(start).min(input.frames());
        let (frames, song_frame) = (input.frames() - skip, (start + skip).saturating_sub(node.arrival));
        // All inputs of a stretch before the next one: the sum stays in the fastest memory.
        for begin in (0..frames).step_by(SUMMED_FRAMES) {
            let count = SUMMED_FRAMES.min(frames - begin);
            let mut target = input.range_mut(skip + begin, count);
            for edge in &node.inputs {
                let first = (start + skip + begin) as i64 - edge.delay as i64;
                add_edge(edge, rings, first, song_frame + begin, &mut target, &mut self.scratch);
            }
        }
        Ok(())
    }
}

/// Adds to `sum` what an edge gives from stream frame `first` on, which is frame `song_frame` of the song.
fn add_edge(
    edge: &Edge,
    rings: &Rings,
    first: i64,
    song_frame: Frames,
    sum: &mut Block,
    scratch: &mut Buffer,
) {
    let (ring, frames) = (rings.of(edge), sum.frames());
    match &edge.pan {
        None => ring.each(first, frames, |offset, heard| {
            let mut sum = sum.range_mut(offset, heard.frames());
            add_scaled(&mut sum, heard, &edge.gain_db, song_frame + offset);
        }),
        Some(pan) => {
            let mut before_fader = Buffer::new(ring.channels(), frames);
            ring.read(first, &mut before_fader.as_block_mut());
            let fader = Fader { fader_db: edge.gain_db.clone(), pan: pan.clone(), mute: false };
            apply_fader(&fader, &before_fader.as_block(), &mut scratch.range_mut(0, frames), song_frame);
            sum.add(&scratch.range(0, frames));
        }
    }
}

/// Trim and polarity, after what restores the recording: its settings are levels of the recording as it was made,
/// and stay right when the trim is moved.
fn trim(node: &Node, start: Frames, block: &mut Block) {
    let begin = node.arrival + node.chain[..node.restoring()].iter().map(|e| e.latency).sum::<Frames>();
    let skip = begin.saturating_sub(start).min(block.frames());
    let left = block.frames() - skip;
    apply_trim(
        &mut block.range_mut(skip, left),
        &node.trim_db,
        node.invert,
        (start + skip).saturating_sub(begin),
    );
}

impl Running<'_> {
    /// Processes a block whose first frame is song frame `song_frame`; `key_offset` is its place in the key.
    fn run(&mut self, block: &mut Block, song_frame: Frames, key_offset: Frames) {
        let moving = !self.element.lanes.is_empty();
        let mut done = 0;
        while done < block.frames() {
            let frame = song_frame + done;
            let grid = if moving { CONTROL_FRAMES } else { BLOCK_FRAMES };
            let most = self.taking.left(frame).unwrap_or(Frames::MAX);
            let frames = (grid - frame % grid).min(block.frames() - done).min(most);
            if moving && frame.is_multiple_of(CONTROL_FRAMES) {
                // A setting takes one control period to arrive: aim at where the lane will be then.
                for (address, curve) in &self.element.lanes {
                    self.processor.set(*address, curve.at(frame + CONTROL_FRAMES));
                }
            }
            let key = self.key.as_ref().map(|k| k.range(key_offset + done, frames));
            self.processor.process(&mut block.range_mut(done, frames), key.as_ref());
            self.taking.note(frame, self.processor.reading().gain_reduction_db);
            done += frames;
        }
    }
}

fn values_at_start(element: &Element) -> Values {
    let mut values = element.values.clone();
    values.still = element.lanes.is_empty();
    for (address, curve) in &element.lanes {
        values.put(*address, curve.at(0));
    }
    values
}

/// Reads what a key gives, folded or doubled to the channels of the strip that listens.
fn read_key(edge: &Edge, start: Frames, rings: &Rings, scratch: &mut Buffer, key: &mut Buffer) {
    let ring = rings.of(edge);
    let first = start as i64 - edge.delay as i64;
    if key.channels() == 1 && ring.channels() == 2 {
        ring.read_channel(0, first, key.channel_mut(0));
        ring.read_channel(1, first, scratch.channel_mut(1));
        for (sample, right) in key.channel_mut(0).iter_mut().zip(scratch.channel(1)) {
            *sample = 0.5 * (*sample + right);
        }
        return;
    }
    for channel in 0..key.channels() {
        ring.read_channel(channel.min(ring.channels() - 1), first, key.channel_mut(channel));
    }
}
