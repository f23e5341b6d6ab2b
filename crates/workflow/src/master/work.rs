//! The rendering that mastering asks for: the chain before the limiter once, the limiter as often as the solver wants.

use crate::listen::{Ear, hear, render_options};
use crate::{Context, Project, WorkflowError};
use audio::BlockRef;
use engine::{GainReduction, Output, Sources, Tap};
use files::{FileType, SampleFormat, Workshop, WriteSpec, Writer};
use mastering::{Goal, Solved, Trial};
use measure::{Analysis, Options};
use session::Session;
use std::path::{Path, PathBuf};

/// The id of the last insert of the chain.
pub(crate) const LIMITER: &str = "limiter";

/// What of a chain is heard: its strip, without what a master of the song says beside it.
pub(super) fn sound_of(master: &session::Master) -> &session::Strip {
    &master.strip
}

/// What is measured between the steps; how dense it gets is asked behind the limiter.
pub(super) fn on_the_way() -> Options {
    Options { true_peak_factor: 4, psr: false, ..crate::master::of_a_song() }
}

/// Whether an insert belongs to the last stage, which is solved as a whole.
fn is_last_stage(id: &str) -> bool {
    id == LIMITER || id == mastering::CLIPPER
}

/// The chain before the last stage, over the whole song.
pub(super) fn without_limiter(session: &Session) -> Session {
    let mut session = uncut(session);
    session.master.strip.inserts.retain(|i| !is_last_stage(&i.id));
    session
}

/// The session with nothing cut or faded at the ends of its master.
fn uncut(session: &Session) -> Session {
    let mut session = session.clone();
    let master = &mut session.master;
    (master.start_s, master.end_s, master.fade_in_s, master.fade_out_s) = (0.0, None, 0.0, 0.0);
    session
}

/// The session under planning, when its chain has a limiter to solve.
pub(super) fn session_with_limiter(
    merging: &crate::merging::Merging,
) -> Result<Option<Session>, WorkflowError> {
    let session = merging.merged().document.session()?;
    let limits = session.master.strip.insert(LIMITER).is_some();
    Ok(limits.then_some(session))
}

/// The session with another drive and ceiling of the limiter; a clipper before it stays as far above that ceiling as it was.
pub(crate) fn with_limiter(session: &Session, drive_db: f64, ceiling_dbtp: f64) -> Session {
    let mut session = session.clone();
    let mut later_db = 0.0;
    for insert in session.master.strip.inserts.iter_mut().filter(|i| i.id == LIMITER) {
        for (name, value, sign) in [("drive_db", drive_db, -1.0), ("ceiling_dbtp", ceiling_dbtp, 1.0)] {
            if let Some(address) = insert.address(&[name]) {
                later_db += sign * (value - insert.values.get(address));
                insert.values.put(address, value);
            }
        }
    }
    for insert in session.master.strip.inserts.iter_mut().filter(|i| i.id == mastering::CLIPPER) {
        if let Some(address) = insert.address(&["ceiling_db"]) {
            let moved = insert.kind.param(address).clamp(insert.values.get(address) + later_db);
            insert.values.put(address, moved);
        }
    }
    session
}

/// The last stage alone, for a source that has passed the rest of the chain.
fn only_last_stage(session: &Session) -> Session {
    let mut session = session.clone();
    let strip = &mut session.master.strip;
    strip.trim_db = 0.0;
    strip.lanes.clear();
    strip.fader_db = 0.0;
    strip.pan = 0.0;
    strip.inserts.retain(|i| is_last_stage(&i.id));
    session
}

/// The chain before the last stage, rendered.
struct Unlimited {
    /// The chain that made it.
    chain: session::Strip,
    source: Sources,
}

/// The rendering that mastering asks for.
pub(crate) struct Work<'a> {
    /// The pre-master.
    source: &'a Sources,
    context: &'a Context<'a>,
    unlimited: Option<Unlimited>,
    /// Where it is done; goes with it.
    workshop: Workshop,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        project: &Project,
        source: &'a Sources,
        context: &'a Context<'a>,
    ) -> Result<Work<'a>, WorkflowError> {
        let state = project.state();
        let workshop =
            Workshop::create_in(&state).map_err(WorkflowError::io(&state, "work in this folder"))?;
        Ok(Work { source, context, unlimited: None, workshop })
    }

    /// What is left when the work is done: the place of what was rendered.
    pub(crate) fn into_workshop(self) -> Workshop {
        self.workshop
    }

    /// Renders the chain before the last stage, unless it stands or does nothing: it is the same in every trial.
    fn prepare(&mut self, session: &Session) -> Result<(), WorkflowError> {
        let bare = without_limiter(session);
        let chain = sound_of(&bare.master);
        if self.unlimited.as_ref().is_some_and(|u| u.chain == *chain) {
            return Ok(());
        }
        self.unlimited = None;
        if chain == sound_of(&Session::new().master) {
            return Ok(());
        }
        let plan = engine::compile_master(&bare, self.source)?;
        self.context.listener.stage("rendering the chain", None);
        let path = self.workshop.path().join("unlimited.wav");
        write_f64(&plan, self.source, &path, self.context)?;
        let source = super::source_of(&path)?;
        self.unlimited = Some(Unlimited { chain: chain.clone(), source });
        Ok(())
    }

    /// What the last stage gets.
    fn before_it(&self) -> &Sources {
        self.unlimited.as_ref().map_or(self.source, |u| &u.source)
    }

    /// Finds the drive into the limiter that reaches the goal, on the rendered audio.
    pub(crate) fn solve(&mut self, session: &Session, goal: &Goal) -> Result<Solved, WorkflowError> {
        self.prepare(session)?;
        let limiter = session.master.strip.insert(LIMITER);
        let start = limiter.and_then(|l| Some(l.values.get(l.address(&["drive_db"])?))).unwrap_or(0.0);
        self.context.listener.stage("solving the loudness", None);
        mastering::solve_drive(goal, start, |drive_db| {
            let session = only_last_stage(&with_limiter(session, drive_db, goal.ceiling_dbtp));
            self.trial(&session, self.before_it(), drive_db)
        })
    }

    fn trial(&self, session: &Session, source: &Sources, drive_db: f64) -> Result<Trial, WorkflowError> {
        self.context.check()?;
        let plan = engine::compile_master(session, source)?;
        let options = Options {
            true_peak_factor: 4,
            spectrum: false,
            pitch: false,
            music: false,
            series: false,
            ..Options::default()
        };
        let mut ear = Ear::new(plan.sample_rate_hz, plan.nodes[0].output_channels, options)?;
        let outputs = vec![Output { node: 0, tap: Tap::Output, sink: Box::new(&mut ear) }];
        let progress = |part| self.context.listener.progress(part);
        let reductions =
            engine::render(&plan, source, outputs, &render_options(self.context, &progress, None))?;
        let of = |id: &str| reductions.iter().find(|r| r.insert == id).map(|r| r.reduction_db.as_slice());
        let facts = ear.0.finish().facts;
        let trial = Trial::new(drive_db, facts, of(LIMITER).unwrap_or_default());
        Ok(trial.clipping(of(mastering::CLIPPER).unwrap_or_default()))
    }

    /// Hears the whole chain over the whole song.
    pub(crate) fn hear(&mut self, session: &Session) -> Result<Analysis, WorkflowError> {
        self.prepare(session)?;
        let source = self.before_it();
        let plan = engine::compile_master(&only_last_stage(&uncut(session)), source)?;
        self.context.listener.stage("listening to the match", None);
        Ok(hear(&plan, source, &[(0, Tap::Output)], on_the_way(), self.context, None)?.remove(0))
    }

    /// Renders the whole chain to a 64-bit float file, which goes with the work unless it is moved.
    pub(crate) fn render(
        &mut self,
        session: &Session,
    ) -> Result<(PathBuf, Vec<GainReduction>), WorkflowError> {
        // In one piece, as whoever renders the session alone will have it: a limiter behind a latency begins elsewhere on its grid.
        let plan = engine::compile_master(session, self.source)?;
        let float = self.workshop.path().join("master.wav");
        self.context.listener.stage("rendering the master", None);
        let reductions = write_f64(&plan, self.source, &float, self.context)?;
        self.unlimited = None;
        let _ = std::fs::remove_file(self.workshop.path().join("unlimited.wav"));
        Ok((float, reductions))
    }
}

/// Writes the only node of a mastering plan to a WAV file whose folder is there.
pub(crate) fn write_wav(
    plan: &engine::Plan,
    source: &Sources,
    (path, sample_format): (&Path, SampleFormat),
    context: &Context,
) -> Result<Vec<GainReduction>, WorkflowError> {
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format,
        sample_rate_hz: plan.sample_rate_hz,
        channels: plan.nodes[0].output_channels,
    };
    let mut writer = Writer::create(path, spec)?;
    let mut sink = |block: &BlockRef| Ok(writer.write_f64(block)?);
    let outputs = vec![Output { node: 0, tap: Tap::Output, sink: Box::new(&mut sink) }];
    let progress = |part| context.listener.progress(part);
    let reductions = engine::render(plan, source, outputs, &render_options(context, &progress, None))?;
    writer.finish()?;
    Ok(reductions)
}

/// The same as 64-bit float, in a folder that is made where it is missing.
fn write_f64(
    plan: &engine::Plan,
    source: &Sources,
    path: &Path,
    context: &Context,
) -> Result<Vec<GainReduction>, WorkflowError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    write_wav(plan, source, (path, SampleFormat::Float64), context)
}
