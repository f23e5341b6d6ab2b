//! How the microphones of one source stand to each other: delay, polarity, and what mending both is worth.

use crate::heard::Heard;
use crate::listen::{render_options, untouched};
use crate::{Context, WorkflowError};
use assistant::{Relation, SongFacts};
use audio::{BlockRef, Buffer, Frames};
use engine::{EngineError, Output, Plan, Sources, Tap};
use measure::{ErbFrames, StretchReader, Stretches};
use session::Session;
use std::collections::BTreeSet;

/// Farther than any microphone of one source stands from another: 10 m at 340 m/s.
const MAX_LAG_S: f64 = 0.030;

/// Measures every pair that the assistant asks for, in the stretches where the recordings, which are measured, are loud
/// together. Memory is bounded by the stretches.
pub(crate) fn measure(
    session: &Session,
    sources: &Sources,
    facts: &SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<Vec<Relation>, WorkflowError> {
    let pairs = assistant::microphone_groups(session);
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let plan = engine::compile(&untouched(session), sources)?;
    let ids: BTreeSet<&str> = pairs.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
    let microphones: Vec<Microphone> = ids.into_iter().map(|id| Microphone::of(id, &plan, facts)).collect();
    let name = name_of(&pairs, &microphones, &plan);
    if let Some(known) = heard.recall(&name) {
        return Ok(known);
    }
    context.listener.stage("comparing microphones", Some(facts.duration_s));
    let erbs: Vec<&ErbFrames> = microphones.iter().map(|m| m.erb).collect();
    let stretches = Stretches::choose(&erbs, f64::from(plan.sample_rate_hz), MAX_LAG_S)?;
    let read = read(&plan, sources, &microphones, &stretches, context)?;
    let place = |id: &str| microphones.iter().position(|m| m.id == id).expect("every microphone of a pair");
    let mut relations = Vec::new();
    for (track, reference) in &pairs {
        context.check()?;
        let (near, far) = (place(reference), place(track));
        let Some(found) = stretches.align((near, &read[near]), (far, &read[far])) else { continue };
        relations.push(Relation {
            track: track.clone(),
            reference: reference.clone(),
            lag_frames: found.delay_frames,
            inverted: found.inverted,
            confidence: found.confidence,
            correlation: found.correlation.abs(),
            gain_db: found.sum_gain_db,
        });
    }
    heard.remember(&name, &relations);
    Ok(relations)
}

/// A recording that is compared with others.
pub(crate) struct Microphone<'a> {
    id: &'a str,
    pub(crate) node: usize,
    pub(crate) erb: &'a ErbFrames,
}

impl Microphone<'_> {
    pub(crate) fn of<'a>(id: &'a str, plan: &Plan, facts: &'a SongFacts) -> Microphone<'a> {
        let node = plan.node(&format!("track.{id}")).expect("every track has a node");
        Microphone { id, node, erb: &facts.tracks[id].raw.erb }
    }
}

/// The name under which pairs of these recordings are kept.
fn name_of(pairs: &[(String, String)], microphones: &[Microphone], plan: &Plan) -> String {
    let sounds: Vec<String> = microphones.iter().map(|m| plan.sound(m.node, Tap::PreFader)).collect();
    blake3::hash(format!("{pairs:?} {sounds:?}").as_bytes()).to_string()
}

/// Reads the stretches of all microphones in one pass.
pub(crate) fn read(
    plan: &Plan,
    sources: &Sources,
    microphones: &[Microphone],
    stretches: &Stretches,
    context: &Context,
) -> Result<Vec<StretchReader>, WorkflowError> {
    let cutter =
        |file| Cutter { stretches, file, at: 0, open: Vec::new(), read: StretchReader::new(stretches) };
    let mut cutters: Vec<Cutter> = (0..microphones.len()).map(cutter).collect();
    let outputs = microphones
        .iter()
        .zip(&mut cutters)
        .map(|(m, cutter)| Output { node: m.node, tap: Tap::PreFader, sink: Box::new(cutter) })
        .collect();
    engine::render(
        plan,
        sources,
        outputs,
        &render_options(context, &|p| context.listener.progress(p), None),
    )?;
    Ok(cutters.into_iter().map(Cutter::finish).collect())
}

/// Cuts the stretches out of a track that is rendered.
struct Cutter<'a> {
    stretches: &'a Stretches,
    file: usize,
    /// Frames that have passed.
    at: Frames,
    /// Stretches of which only a part has come: number, samples, frames filled.
    open: Vec<(usize, Buffer, Frames)>,
    read: StretchReader,
}

impl Cutter<'_> {
    fn finish(mut self) -> StretchReader {
        // What a stretch lacks behind the end of the song is silence.
        for (number, buffer, _) in self.open.drain(..) {
            self.read.read(number, &buffer.as_block());
        }
        self.read
    }
}

impl engine::Sink for &mut Cutter<'_> {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        let (from, to, length) = (self.at, self.at + block.frames(), self.stretches.frames());
        for (number, start) in self.stretches.starts().iter().enumerate() {
            if (from..to).contains(start) && self.stretches.sounds(self.file, number) {
                self.open.push((number, Buffer::new(block.channels(), length), 0));
            }
        }
        for (number, buffer, filled) in &mut self.open {
            let first = self.stretches.starts()[*number].saturating_sub(from);
            let frames = (block.frames() - first).min(length - *filled);
            buffer.range_mut(*filled, frames).copy_from(&block.range(first, frames));
            *filled += frames;
        }
        for (number, buffer, filled) in std::mem::take(&mut self.open) {
            match filled == length {
                true => self.read.read(number, &buffer.as_block()),
                false => self.open.push((number, buffer, filled)),
            }
        }
        self.at = to;
        Ok(())
    }
}
