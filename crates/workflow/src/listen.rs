//! Listening: recordings, strips and the mix are measured, and what was measured is kept by content.

use crate::ear::{Ear, Until};
use crate::heard::Heard;
use crate::kept::{keep, meters, read_kept};
use crate::{Context, Project, WorkflowError};
use assistant::{FileFacts, SongFacts, TrackFacts};
use audio::{Buffer, Frames, db_to_gain};
use engine::{EngineError, Output, Plan, RenderOptions, Sources, Tap};
use measure::{Analyser, Analysis, AtAnyLevel, Options};
use rayon::prelude::*;
use session::Session;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// Frames of a slab while tracks are measured: the meters of one track, which fill the fastest memory, then work for a
/// while before those of the next come.
const HEARD_AT_A_TIME: usize = 1 << 15;

/// Everything that is measured of a recording once. No step asks a track how its peaks stand over its loudness from
/// moment to moment.
fn recording_options() -> Options {
    Options {
        true_peak_factor: 4,
        spectrum: true,
        pitch: true,
        music: false,
        psr: false,
        ..Options::default()
    }
}

/// What is measured of a strip at each listening: pitch does not change, and what was clipped is a matter of the recording.
fn strip_options() -> Options {
    Options { pitch: false, clipping: false, ..recording_options() }
}

/// What is measured of a bus, which is asked only how dense it is.
fn group_options() -> Options {
    Options { spectrum: false, series: false, ..strip_options() }
}

/// What is measured of everything that is written.
pub(crate) fn written_options() -> Options {
    Options { true_peak_factor: 16, spectrum: true, pitch: false, music: false, ..Options::default() }
}

/// Measures a finished song.
pub(crate) fn listen_to(source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    listen_for(of_a_song(), source, context)
}

/// The same of one that is to be mastered, with what a limiter's work is foreseen from.
pub(crate) fn listen_to_premaster(source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    listen_for(Options { course: true, ..of_a_song() }, source, context)
}

fn listen_for(options: Options, source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    let plan = engine::compile_master(&Session::new(), source)?;
    Ok(hear(&plan, source, &[(0, Tap::Output)], options, context, None)?.remove(0))
}

/// What is measured of pre-masters and references: little that grows with their length.
pub(crate) fn of_a_song() -> Options {
    Options { lean: true, ..written_options() }
}

/// Renders some nodes of a plan into analysers.
pub(crate) fn hear(
    plan: &Plan,
    sources: &Sources,
    taps: &[(usize, Tap)],
    options: Options,
    context: &Context,
    cache: Option<&Path>,
) -> Result<Vec<Analysis>, WorkflowError> {
    let until = plan.heard().frames;
    let taps: Vec<Heed> = taps.iter().map(|&(node, tap)| Heed { node, tap, until, options }).collect();
    let ears = ears(plan, sources, &taps, context, cache)?;
    Ok(ears.into_par_iter().map(Analyser::finish).collect())
}

/// A signal of a plan, how many of its frames are listened to, and for what.
#[derive(Debug, Clone, Copy)]
struct Heed {
    node: usize,
    tap: Tap,
    until: Frames,
    options: Options,
}

/// Analysers that have heard some signals of a plan, each up to a frame of its own.
fn ears(
    plan: &Plan,
    sources: &Sources,
    taps: &[Heed],
    context: &Context,
    cache: Option<&Path>,
) -> Result<Vec<Analyser>, WorkflowError> {
    let mut ears = Vec::new();
    for heed in taps {
        let channels = match heed.tap {
            Tap::PreFader => plan.nodes[heed.node].channels,
            Tap::Output => plan.nodes[heed.node].output_channels,
        };
        ears.push(Until::new(Ear::new(plan.sample_rate_hz, channels, heed.options)?, heed.until));
    }
    let outputs = taps
        .iter()
        .zip(&mut ears)
        .map(|(heed, ear)| Output { node: heed.node, tap: heed.tap, sink: Box::new(ear) })
        .collect();
    let progress = |part| context.listener.progress(part);
    let options = RenderOptions { slab_frames: HEARD_AT_A_TIME, ..render_options(context, &progress, cache) };
    engine::render(plan, sources, outputs, &options)?;
    Ok(ears.into_iter().map(Until::into_analyser).collect())
}

/// Render options that report to and obey the context.
pub(crate) fn render_options<'a>(
    context: &Context<'a>,
    progress: &'a (dyn Fn(f64) + Sync),
    cache: Option<&'a Path>,
) -> RenderOptions<'a> {
    RenderOptions {
        threads: context.threads,
        progress: Some(progress),
        cancel: Some(context.cancel),
        cache,
        ..RenderOptions::default()
    }
}

/// A session in which nothing is done to the recordings: what they are by themselves.
pub(crate) fn untouched(session: &Session) -> Session {
    let mut bare = Session::new();
    bare.song.sample_rate_hz = session.song.sample_rate_hz;
    for track in session.tracks.values() {
        let mut strip = session::Strip::new(session::StripClass::Track, track.id.clone());
        strip.files = track.files.clone();
        strip.start_s = track.start_s;
        bare.add(strip);
    }
    bare
}

/// What was heard of recordings, by the track: the name of the sound, and what it reads at any level.
///
/// Gain staging moves nearly every track and does nothing else to most of them: those need not be heard again.
#[derive(Default)]
pub(crate) struct AsRecorded(BTreeMap<String, (String, AtAnyLevel)>);

impl AsRecorded {
    /// What was heard of a track's recording, if that has the sound `sound`.
    fn take(&mut self, id: &str, sound: &str) -> Option<AtAnyLevel> {
        self.0.remove(id).filter(|(own, _)| own == sound).map(|(_, heard)| heard)
    }
}

/// Measures every recording at the session's rate; what was measured before is read back. What was heard now is also
/// given as it would be at any level.
pub(crate) fn recordings(
    project: &Project,
    session: &Session,
    sources: &Sources,
    context: &Context,
) -> Result<(SongFacts, AsRecorded), WorkflowError> {
    let folder = project.state().join("facts");
    let mut recorded = AsRecorded::default();
    let facts = measure_recordings(project, session, sources, Some(&folder), Some(&mut recorded), context)?;
    Ok((facts, recorded))
}

/// The same without writing anything.
pub(crate) fn recordings_unkept(
    project: &Project,
    session: &Session,
    sources: &Sources,
    context: &Context,
) -> Result<SongFacts, WorkflowError> {
    measure_recordings(project, session, sources, None, None, context)
}

fn measure_recordings(
    project: &Project,
    session: &Session,
    sources: &Sources,
    folder: Option<&Path>,
    mut recorded: Option<&mut AsRecorded>,
    context: &Context,
) -> Result<SongFacts, WorkflowError> {
    let bare = untouched(session);
    let plan = engine::compile(&bare, sources)?;
    let rate = plan.sample_rate_hz;
    let mut facts = SongFacts {
        sample_rate_hz: rate,
        duration_s: plan.song_frames as f64 / f64::from(rate),
        ..SongFacts::default()
    };
    let mut missing: Vec<(&str, Option<PathBuf>, usize)> = Vec::new();
    for (id, track) in &session.tracks {
        let audio = sources.get(id).ok_or_else(|| EngineError::NoSource { track: id.clone() })?;
        let name = format!("{}-{rate}-{}-{}.json", meters(), track.start_s, audio.hash());
        let kept = folder.map(|f| f.join(name));
        let mut file = file_facts(project, track)?;
        let notes = kept.as_ref().map(|kept| kept.with_extension("notes.json"));
        let found = notes_of_reading(project, track, notes.as_deref())?;
        // What only shows while reading is always a repair.
        file.repairs.extend(found.iter().cloned());
        file.notes.extend(found);
        match kept.as_deref().and_then(read_kept) {
            Some(raw) => {
                facts.tracks.insert(id.clone(), TrackFacts { file, raw, strip: None });
            }
            None => {
                let node = plan.node(&format!("track.{id}")).expect("every track has a node");
                missing.push((id, kept, node));
                facts.tracks.insert(id.clone(), TrackFacts { file, ..TrackFacts::default() });
            }
        }
    }
    if missing.is_empty() {
        return Ok(facts);
    }
    let (tap, until, options) = (Tap::PreFader, plan.song_frames, recording_options());
    let heed = |(_, _, node): &(_, _, usize)| Heed { node: *node, tap, until, options };
    let taps: Vec<Heed> = missing.iter().map(heed).collect();
    context.listener.stage("listening to the recordings", Some(facts.duration_s * taps.len() as f64));
    let heard = ears(&plan, sources, &taps, context, None)?;
    let any_level = recorded.is_some();
    let read = |(ear, (_, kept, _)): (Analyser, &(&str, Option<PathBuf>, usize))| {
        let at_any_level = any_level.then(|| ear.at_any_level());
        let raw = ear.finish();
        if let Some(kept) = kept.as_ref().filter(|_| !project.untouched) {
            keep(kept, &raw)?;
        }
        Ok((at_any_level, raw))
    };
    let readings: Vec<Result<_, WorkflowError>> = heard.into_par_iter().zip(&missing).map(read).collect();
    for ((id, _, node), reading) in missing.iter().zip(readings) {
        let (at_any_level, raw) = reading?;
        if let Some((recorded, own)) = recorded.as_mut().zip(at_any_level) {
            recorded.0.insert(id.to_string(), (plan.sound_until(*node, tap, until), own));
        }
        facts.tracks.get_mut(*id).expect("inserted above").raw = raw;
    }
    Ok(facts)
}

/// Measures every track before its fader, as the session has it now.
///
/// Nothing is kept of how they sound: the next step changes most of them, and a strip costs more to write and to read
/// than most chains cost to render.
pub(crate) fn strips(
    session: &Session,
    sources: &Sources,
    facts: &mut SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<(), WorkflowError> {
    levels(session, sources, &mut AsRecorded::default(), facts, heard, context)?;
    let plan = engine::compile(session, sources)?;
    let taps = tracks(&plan, session);
    let what = Listening { plan: &plan, sources, stage: "listening to the tracks", cache: None };
    what.listen(&taps, facts, heard, context)
}

/// Tells the readings of tracks that differ from their recordings by trim and polarity alone, from what is heard of these: in
/// this run already (`recorded`), or for this. Such a track reads the same, to the bit, whatever is kept of earlier runs.
pub(crate) fn levels(
    session: &Session,
    sources: &Sources,
    recorded: &mut AsRecorded,
    facts: &mut SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<(), WorkflowError> {
    let mut level_less = session.clone();
    for track in level_less.tracks.values_mut() {
        (track.trim_db, track.invert) = (0.0, false);
    }
    let (plan, level_less) = (engine::compile(session, sources)?, engine::compile(&level_less, sources)?);
    let alone = engine::compile(&untouched(session), sources)?;
    let sound =
        |plan: &Plan, id: &str| plan.sound_until(place(plan, "track", id), Tap::PreFader, plan.song_frames);
    let (mut known, mut missing) = (Vec::new(), Vec::new());
    for id in session.tracks.keys() {
        let (recording, now) = (sound(&alone, id), sound(&plan, id));
        let node = &plan.nodes[place(&plan, "track", id)].id;
        if sound(&level_less, id) != recording || heard.is_current(node, &now) {
            continue;
        }
        if let Some(analysis) = heard.recall(&now) {
            put(facts, node, analysis);
            heard.set_current(node, now);
            continue;
        }
        match recorded.take(id, &recording) {
            Some(own) => known.push((id, own)),
            None => missing.push(id),
        }
    }
    if !missing.is_empty() {
        let (tap, until, options) = (Tap::PreFader, alone.song_frames, strip_options());
        let heed = |id: &&String| Heed { node: place(&alone, "track", id), tap, until, options };
        let heeds: Vec<Heed> = missing.iter().map(heed).collect();
        context.listener.stage("listening to the tracks", Some(facts.duration_s));
        let found = ears(&alone, sources, &heeds, context, None)?;
        known.extend(missing.into_iter().zip(found.iter().map(Analyser::at_any_level)));
    }
    let read = |(id, own): (&String, AtAnyLevel)| {
        let track = &session.tracks[id];
        let turned = if track.invert { -1.0 } else { 1.0 };
        let analysis = own.at(turned * db_to_gain(track.trim_db))?;
        Some((place(&plan, "track", id), sound(&plan, id), analysis))
    };
    let readings: Vec<_> = known.into_par_iter().filter_map(read).collect();
    take_in(&plan, readings, facts, heard);
    Ok(())
}

/// Measures the buses, as the session has them now, and the tracks before their faders.
pub(crate) fn buses(
    project: &Project,
    session: &Session,
    sources: &Sources,
    facts: &mut SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<(), WorkflowError> {
    levels(session, sources, &mut AsRecorded::default(), facts, heard, context)?;
    let plan = engine::compile(session, sources)?;
    let mut taps: Vec<(usize, Tap)> =
        session.buses.keys().map(|id| (place(&plan, "bus", id), Tap::Output)).collect();
    taps.extend(tracks(&plan, session));
    let cache = project.strip_cache();
    let what = Listening { plan: &plan, sources, stage: "listening to the buses", cache: cache.as_deref() };
    what.listen(&taps, facts, heard, context)
}

/// Measures the mix, as the session has it now, and the tracks before their faders.
pub(crate) fn mix(
    project: &Project,
    session: &Session,
    sources: &Sources,
    facts: &mut SongFacts,
    heard: &mut Heard,
    context: &Context,
) -> Result<(), WorkflowError> {
    levels(session, sources, &mut AsRecorded::default(), facts, heard, context)?;
    let plan = engine::compile(session, sources)?;
    let mut taps = tracks(&plan, session);
    taps.push((plan.nodes.len() - 1, Tap::Output));
    let cache = project.strip_cache();
    let what = Listening { plan: &plan, sources, stage: "listening to the mix", cache: cache.as_deref() };
    what.listen(&taps, facts, heard, context)
}

fn place(plan: &Plan, table: &str, id: &str) -> usize {
    plan.node(&format!("{table}.{id}")).expect("every strip has a node")
}

fn tracks(plan: &Plan, session: &Session) -> Vec<(usize, Tap)> {
    session.tracks.keys().map(|id| (place(plan, "track", id), Tap::PreFader)).collect()
}

/// A session as it sounds now.
struct Listening<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    stage: &'static str,
    /// Where strips are kept for the next render, if they are.
    cache: Option<&'a Path>,
}

impl Listening<'_> {
    /// A track is listened to until the recordings end, whatever rings on elsewhere: a reverb that comes into being on a
    /// return leaves what is known of all tracks true.
    fn heed(&self, node: usize, tap: Tap) -> Heed {
        let until = match tap {
            Tap::PreFader => self.plan.song_frames,
            Tap::Output => self.plan.frames(),
        };
        let of_a_group = tap == Tap::Output && node + 1 < self.plan.nodes.len();
        let options = if of_a_group { group_options() } else { strip_options() };
        Heed { node, tap, until, options }
    }

    fn sound(&self, heed: Heed) -> String {
        self.plan.sound_until(heed.node, heed.tap, heed.until)
    }

    /// Brings the facts of some strips up to date; each strip is asked for at one tap only.
    fn listen(
        &self,
        taps: &[(usize, Tap)],
        facts: &mut SongFacts,
        heard: &mut Heard,
        context: &Context,
    ) -> Result<(), WorkflowError> {
        let mut missing = Vec::new();
        for &(node, tap) in taps {
            let heed = self.heed(node, tap);
            let (id, sound) = (&self.plan.nodes[node].id, self.sound(heed));
            if heard.is_current(id, &sound) {
                continue;
            }
            match heard.recall(&sound) {
                Some(analysis) => {
                    put(facts, id, analysis);
                    heard.set_current(id, sound);
                }
                None => missing.push(heed),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        context.listener.stage(self.stage, Some(facts.duration_s));
        let found = ears(self.plan, self.sources, &missing, context, self.cache)?;
        let read = |(ear, heed): (Analyser, &Heed)| (heed.node, self.sound(*heed), ear.finish());
        let readings = found.into_par_iter().zip(&missing).map(read).collect();
        take_in(self.plan, readings, facts, heard);
        Ok(())
    }
}

/// Keeps what was read of some nodes and their sounds, and puts it where the steps look for it.
fn take_in(plan: &Plan, readings: Vec<(usize, String, Analysis)>, facts: &mut SongFacts, heard: &mut Heard) {
    heard.remember_all(readings.par_iter().map(|(_, sound, analysis)| (sound.as_str(), analysis)));
    for (node, sound, analysis) in readings {
        let id = &plan.nodes[node].id;
        put(facts, id, analysis);
        heard.set_current(id, sound);
    }
}

/// Puts what was measured of a node where the steps look for it.
fn put(facts: &mut SongFacts, node: &str, analysis: Analysis) {
    match node.split_once('.') {
        Some(("track", id)) => {
            if let Some(track) = facts.tracks.get_mut(id) {
                track.strip = Some(analysis);
            }
        }
        Some((_, id)) => {
            facts.groups.insert(id.to_string(), analysis.facts);
        }
        None => facts.mix = Some(analysis),
    }
}

fn file_facts(project: &Project, track: &session::Strip) -> Result<FileFacts, WorkflowError> {
    let mut facts = FileFacts::default();
    for file in &track.files {
        let info = files::probe(project.resolve(file))?;
        facts.names.push(crate::written::shown(std::path::Path::new(file.file_name().unwrap_or_default())));
        facts.sample_rate_hz = info.sample_rate_hz;
        facts.depth = info.encoding.describe();
        facts.duration_s = facts.duration_s.max(info.duration_s());
        facts.notes.extend(info.notes.iter().map(ToString::to_string));
        facts.repairs.extend(info.notes.iter().filter(|n| n.is_repair()).map(ToString::to_string));
    }
    Ok(facts)
}

/// What only shows when all of a file is read: samples that are no numbers, which only floats can hold, and damaged
/// places, which only coded files have. Kept by the content of the recording, as its measurements are.
fn notes_of_reading(
    project: &Project,
    track: &session::Strip,
    kept: Option<&Path>,
) -> Result<Vec<String>, WorkflowError> {
    let known = kept.and_then(|kept| std::fs::read(kept).ok());
    if let Some(notes) = known.and_then(|text| serde_json::from_slice(&text).ok()) {
        return Ok(notes);
    }
    let (mut notes, mut was_read) = (Vec::new(), false);
    for file in &track.files {
        let mut reader = files::open(project.resolve(file))?;
        let at_opening = reader.info().notes.len();
        if matches!(reader.info().encoding, files::Encoding::Integer { .. }) {
            continue;
        }
        was_read = true;
        let mut buffer = Buffer::new(reader.info().channels, BLOCK_FRAMES);
        while reader.read(&mut buffer.as_block_mut())? > 0 {}
        notes.extend(reader.info().notes.iter().skip(at_opening).map(ToString::to_string));
    }
    if let Some(kept) = kept.filter(|_| was_read && !project.untouched) {
        keep(kept, &notes)?;
    }
    Ok(notes)
}
