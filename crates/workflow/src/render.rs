//! Audio from the session: pre-master, stems, processed tracks.

use crate::ear::Ear;
use crate::listen::{render_options, written_options};
use crate::master_request::MasterRequest;
use crate::space;
use crate::written::{WrittenFile, delivered_file, rendered_file};
use crate::{Context, Project, WorkflowError};
use audio::BlockRef;
use engine::{Amplification, Amplified, EngineError, GainReduction, Output, Plan, Sources, Tap};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::Analysis;
use serde::Serialize;
use session::{Session, Strip};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What to render of a mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The mix.
    Premaster,
    /// Every strip that goes into the mix, at the level it has in the pre-master: together they are the pre-master.
    Stems,
    /// Every track, as it leaves its fader.
    Tracks,
}

/// One file that was rendered.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The file.
    pub path: PathBuf,
    /// The strip it is the output of.
    pub strip: String,
    /// What was measured while it was written.
    pub analysis: Analysis,
}

/// Writes rendered audio to a file and measures it on the way.
struct Recorder {
    writer: Option<Writer>,
    ear: Ear,
}

impl engine::Sink for &mut Recorder {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        let writer = self.writer.as_mut().expect("a writer until the end");
        let (written, ()) = rayon::join(|| writer.write_f64(block), || self.ear.0.push(block));
        Ok(written?)
    }
}

/// Renders parts of the mix to 32-bit float files under `folder`.
///
/// Float keeps what the mix holds, also above full scale; nothing is dithered before mastering.
pub fn render_parts(
    project: &Project,
    session: &Session,
    parts: &[Part],
    folder: &Path,
    context: &Context,
) -> Result<(Vec<Rendered>, Vec<GainReduction>), WorkflowError> {
    let sources = project.sources(session)?;
    let plan = engine::compile(session, &sources)?;
    let wanted = wanted(&plan, session, parts, folder);
    for part in &wanted {
        project.protect(session, &part.path)?;
    }
    if parts.contains(&Part::Stems) && Amplification::of(&session.premaster.strip).is_none() {
        context.listener.note(
            "the pre-master does more than trim and fader: stems are what goes into it, and add up to the mix before it",
        );
    }
    context.listener.stage("rendering", Some(plan.frames() as f64 / f64::from(plan.sample_rate_hz)));
    let channels: usize = wanted.iter().map(|w| plan.nodes[w.node].output_channels).sum();
    space::ensure(&project.home, space::rendered(plan.frames() as u64, channels as u64))?;
    let (mut rendered, mut reductions) = (Vec::new(), Vec::new());
    for part in wanted.chunks(most_at_once(&sources)) {
        let strips = project.strip_cache();
        let (files, reduced) =
            write_nodes(&plan, &sources, part, &session.premaster.strip, strips.as_deref(), context)?;
        // The mix comes first, where it is wanted, and only with it everything has run.
        if rendered.is_empty() {
            reductions = reduced;
        }
        rendered.extend(files);
    }
    Ok((rendered, reductions))
}

/// Renders the mix of a session to one 32-bit float file.
pub(crate) fn render_mix(
    project: &Project,
    session: &Session,
    path: &Path,
    context: &Context,
) -> Result<Rendered, WorkflowError> {
    let sources = project.sources(session)?;
    let plan = engine::compile(session, &sources)?;
    project.protect(session, path)?;
    context.listener.stage("rendering", Some(plan.frames() as f64 / f64::from(plan.sample_rate_hz)));
    space::ensure(&project.home, space::rendered(plan.frames() as u64, 2))?;
    let mix = Wanted { path: path.to_path_buf(), node: plan.nodes.len() - 1, stem: false };
    let strips = project.strip_cache();
    let (mut files, _) =
        write_nodes(&plan, &sources, &[mix], &session.premaster.strip, strips.as_deref(), context)?;
    Ok(files.remove(0))
}

/// Files that are open besides recordings and outputs: the terminal, the session, libraries.
const OTHER_FILES: usize = 64;

/// How many files can be written at a time: where the system allows only a few to be open, there are several renders.
fn most_at_once(sources: &Sources) -> usize {
    let limit = files::open_files_limit().and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| limit.saturating_sub(sources.open_files() + OTHER_FILES).max(8))
}

/// A file to be rendered.
struct Wanted {
    path: PathBuf,
    node: usize,
    /// At the level it has in the pre-master.
    stem: bool,
}

/// Renders outputs of nodes to 32-bit float files; all appear whole or not at all.
fn write_nodes(
    plan: &Plan,
    sources: &Sources,
    wanted: &[Wanted],
    premaster: &Strip,
    cache: Option<&Path>,
    context: &Context,
) -> Result<(Vec<Rendered>, Vec<GainReduction>), WorkflowError> {
    let mut recorders = Vec::new();
    for Wanted { path, node, .. } in wanted {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
        let channels = plan.nodes[*node].output_channels;
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float32,
            sample_rate_hz: plan.sample_rate_hz,
            channels,
        };
        let ear = Ear::new(plan.sample_rate_hz, channels, written_options())?;
        recorders.push(Recorder { writer: Some(Writer::create(path, spec)?), ear });
    }
    let outputs = wanted
        .iter()
        .zip(&mut recorders)
        .map(|(wanted, recorder)| Output {
            node: wanted.node,
            tap: Tap::Output,
            sink: sink(wanted, premaster, recorder),
        })
        .collect();
    let progress = |part| context.listener.progress(part);
    let reductions = engine::render(plan, sources, outputs, &render_options(context, &progress, cache))?;
    let mut rendered = Vec::new();
    for (wanted, recorder) in wanted.iter().zip(recorders) {
        recorder.writer.expect("a writer until the end").finish()?;
        let strip = plan.nodes[wanted.node].id.clone();
        rendered.push(Rendered { path: wanted.path.clone(), strip, analysis: recorder.ear.0.finish() });
    }
    Ok((rendered, reductions))
}

/// A stem passes the gain of the pre-master, where that is all the pre-master does.
fn sink<'a>(wanted: &Wanted, premaster: &Strip, recorder: &'a mut Recorder) -> Box<dyn engine::Sink + 'a> {
    match Amplification::of(premaster).filter(|_| wanted.stem) {
        Some(amplification) => Box::new(Amplified::new(amplification, recorder)),
        None => Box::new(recorder),
    }
}

/// What `render` prints.
#[derive(Debug, Clone, Serialize)]
pub struct RenderResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// What was written, or would be.
    pub files: Vec<WrittenFile>,
    /// Nothing was written.
    pub dry_run: bool,
}

/// Renders parts of a session as it stands, and its master when asked for; nothing is decided.
pub fn render(
    project: &Project,
    parts: &[Part],
    with_master: bool,
    dry_run: bool,
    context: &Context,
) -> Result<RenderResult, WorkflowError> {
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    let session = project.load()?.session()?;
    let out = project.out();
    let mut result = RenderResult { schema: "tonmeister.render/1", files: Vec::new(), dry_run };
    if dry_run {
        let plan = engine::compile(&session, &project.sources(&session)?)?;
        let mut paths = wanted(&plan, &session, parts, &out);
        paths.extend(with_master.then(|| Wanted { path: out.join("master.wav"), node: 0, stem: false }));
        result.files = paths.iter().map(|w| unwritten(&w.path, &plan.nodes[w.node].id)).collect();
        return Ok(result);
    }
    let (rendered, _) = render_parts(project, &session, parts, &out, context)?;
    result.files = rendered.iter().map(|r| rendered_file(&r.strip, &r.path, &r.analysis.facts)).collect();
    if with_master {
        let request = MasterRequest { as_it_is: true, ..MasterRequest::default() };
        let premaster = out.join("premaster.wav");
        let mastered =
            crate::master::master(project, &premaster, &out.join("master.wav"), &request, context)?;
        result.files.push(delivered_file("master", &mastered.delivered));
    }
    Ok(result)
}

/// A file that would be written.
pub(crate) fn unwritten(path: &Path, strip: &str) -> WrittenFile {
    WrittenFile {
        what: strip.to_string(),
        path: crate::written::shown(path),
        integrated_lufs: None,
        loudness_range_lu: None,
        true_peak_dbtp: None,
        passed: None,
    }
}

/// The files that the parts come to, each with its node.
fn wanted(plan: &Plan, session: &Session, parts: &[Part], folder: &Path) -> Vec<Wanted> {
    let mix = plan.nodes.len() - 1;
    let file = |sub: &str, id: &str, node: usize| Wanted {
        path: folder.join(sub).join(format!("{}.wav", delivery::file_stem(id))),
        node,
        stem: sub == "stems",
    };
    let mut wanted = Vec::new();
    for part in parts {
        match part {
            Part::Premaster => {
                wanted.push(Wanted { path: folder.join("premaster.wav"), node: mix, stem: false })
            }
            Part::Stems => {
                let into_mix = plan.nodes[mix].inputs.iter().map(|edge| edge.from);
                wanted.extend(into_mix.map(|node| file("stems", &plan.nodes[node].id, node)));
            }
            Part::Tracks => {
                let places = session
                    .tracks
                    .keys()
                    .map(|id| (id, plan.node(&format!("track.{id}")).expect("every track has a node")));
                wanted.extend(places.map(|(id, node)| file("tracks", id, node)));
            }
        }
    }
    told_apart(wanted)
}

/// Ids that differ only where a file name ends get names of their own.
fn told_apart(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut taken = BTreeSet::new();
    for Wanted { path, .. } in &mut wanted {
        let plain = path.clone();
        let mut next = 2;
        while !taken.insert(path.clone()) {
            let stem = plain.file_stem().unwrap_or_default().to_string_lossy();
            *path = plain.with_file_name(format!("{stem}-{next}.wav"));
            next += 1;
        }
    }
    wanted
}
