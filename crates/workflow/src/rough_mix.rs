//! A rough mix among the recordings: how loud and where it has each of them.
//!
//! Whoever mixed the song for themselves has said how it is meant. The recordings are found in that mix by least
//! squares; where they explain it, step 3 takes what it says for a wish.

use crate::heard::Heard;
use crate::listen::{render_options, untouched};
use crate::relations::{Microphone, read};
use crate::{Context, WorkflowError};
use assistant::{RoughMix, SongFacts};
use audio::BlockRef;
use engine::{EngineError, Output, Plan, Sources, Tap};
use measure::{Stretches, Unmixed, Unmixer};
use session::Session;
use std::sync::{Mutex, PoisonError};

/// How late or early a mix may be, in seconds: coders delay by up to 50 ms, and people trim.
const MOST_DELAY_S: f64 = 0.25;
/// A delay counts when it is as sure as this.
const SURE: f64 = 0.6;
/// From this share on that the recordings explain, it is a mix of them.
const EXPLAINED: f64 = 0.5;

/// Finds the recordings in the rough mix. `None` where there is none, or where it is not made of them.
pub(crate) fn measure(
    session: &Session,
    sources: &Sources,
    facts: &SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<Option<RoughMix>, WorkflowError> {
    let Some(mix) = assistant::rough_mix(session) else { return Ok(None) };
    let sounds =
        |id: &str| facts.tracks.get(id).is_some_and(|track| track.raw.facts.integrated_lufs.is_some());
    let tracks: Vec<&str> =
        session.tracks.values().filter(|t| !t.mute && sounds(&t.id)).map(|t| t.id.as_str()).collect();
    if tracks.is_empty() || !sounds(&mix.id) {
        return Ok(None);
    }
    let plan = engine::compile(&untouched(session), sources)?;
    let all: Vec<Microphone> =
        tracks.iter().copied().chain([mix.id.as_str()]).map(|id| Microphone::of(id, &plan, facts)).collect();
    let names: Vec<String> = all.iter().map(|m| plan.sound(m.node, Tap::PreFader)).collect();
    let name = blake3::hash(format!("rough mix {names:?}").as_bytes()).to_string();
    let found: Unmixed = match heard.recall(&name) {
        Some(known) => known,
        None => {
            context.listener.stage("listening to the rough mix", Some(facts.duration_s));
            let found = unmix(&all, &plan, sources, context)?;
            heard.remember(&name, &found);
            found
        }
    };
    let placed = tracks.iter().zip(found.placed).filter_map(|(id, placed)| Some((id.to_string(), placed?)));
    let rough = RoughMix { track: mix.id.clone(), explained: found.explained, placed: placed.collect() };
    Ok((rough.explained >= EXPLAINED).then_some(rough))
}

/// Explains the last recording by the others, in two passes: when it begins, and how it was made.
fn unmix(
    all: &[Microphone],
    plan: &Plan,
    sources: &Sources,
    context: &Context,
) -> Result<Unmixed, WorkflowError> {
    let delay = delay_frames(all, plan, sources, context)?;
    let recordings = all.len() - 1;
    let meter = Mutex::new(Unmixer::new(f64::from(plan.sample_rate_hz), recordings, delay)?);
    let output = |(number, recording): (usize, &Microphone)| Output {
        node: recording.node,
        tap: Tap::PreFader,
        sink: Box::new(Side { meter: &meter, number }),
    };
    let outputs = all.iter().enumerate().map(output).collect();
    engine::render(
        plan,
        sources,
        outputs,
        &render_options(context, &|p| context.listener.progress(p), None),
    )?;
    let nothing = || Unmixed { placed: vec![None; recordings], explained: 0.0 };
    Ok(meter.into_inner().unwrap_or_else(PoisonError::into_inner).finish().unwrap_or_else(nothing))
}

/// By how many frames the last recording is late, by what most of the others say that are found in it.
fn delay_frames(
    all: &[Microphone],
    plan: &Plan,
    sources: &Sources,
    context: &Context,
) -> Result<i64, WorkflowError> {
    let erbs: Vec<_> = all.iter().map(|m| m.erb).collect();
    let stretches = Stretches::choose(&erbs, f64::from(plan.sample_rate_hz), MOST_DELAY_S)?;
    let read = read(plan, sources, all, &stretches, context)?;
    let mix = all.len() - 1;
    let told = (0..mix).filter_map(|n| stretches.align((n, &read[n]), (mix, &read[mix])));
    let mut sure: Vec<f64> =
        told.filter(|found| found.confidence >= SURE).map(|found| found.delay_frames).collect();
    sure.sort_by(f64::total_cmp);
    Ok(sure.get(sure.len() / 2).map_or(0, |middle| middle.round() as i64))
}

/// Hands one recording to the meter.
struct Side<'a> {
    meter: &'a Mutex<Unmixer>,
    number: usize,
}

impl engine::Sink for Side<'_> {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner).push(self.number, block);
        Ok(())
    }
}
