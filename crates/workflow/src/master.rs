//! From a pre-master to a master: decide, render, solve the loudness, verify and repair the peaks.

use crate::listen::{hear, render_options, written_options};
use crate::merging::Merging;
use crate::space;
use crate::{Context, Project, WorkflowError};
use audio::{BlockRef, Buffer, db_to_gain, gain_to_db};
use delivery::{Delivered, Job, Target};
use dsp::blocks::repair::{Over, repair};
use engine::{Audio, GainReduction, MASTER, Output, Sources, Tap};
use files::{FileType, SampleFormat, Workshop, WriteSpec, Writer};
use mastering::{Goal, MasterFacts, Solved, Trial};
use measure::{Analysis, Options, Overs};
use session::{Document, Session};
use std::path::{Path, PathBuf};

/// Peaks are verified at this oversampling: it under-reads by at most 0.034 dB at 0.45 of the sample rate.
const VERIFY_FACTOR: usize = 16;

/// Kept below the ceiling for the rounding and the dither of the file as written, in dB.
const WRITING_MARGIN_DB: f64 = 0.004;

/// A repaired place is lowered within this time to either side, in seconds.
const REPAIR_WIDTH_S: f64 = 0.003;

/// Passes of verification and repair; the second already finds nothing on music.
const REPAIR_PASSES: usize = 6;

/// Frames worked on at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// The session as it was when its master was rendered.
pub(crate) const MASTERED: &str = "mastered.toml";

/// What came out of mastering.
#[derive(Debug, Clone)]
pub struct Mastered {
    /// The master as written and read back.
    pub delivered: Delivered,
    /// The float file it was made from.
    pub float: PathBuf,
    /// The pre-master that went in.
    pub premaster: Analysis,
    /// The master that came out.
    pub analysis: Analysis,
    /// How the loudness was solved.
    pub solved: Option<Solved>,
    /// Peaks above the ceiling that were repaired after the limiter.
    pub repaired: usize,
    /// What the inserts of the chain did.
    pub reductions: Vec<GainReduction>,
    /// The session now.
    pub session: Session,
    /// Everything decided.
    pub decisions: Vec<session::Decision>,
}

/// What to master, and to what.
#[derive(Debug, Clone, Default)]
pub struct MasterRequest {
    /// Delivery target; the session's first, or `streaming`.
    pub target: Option<String>,
    /// A finished song to be near to.
    pub reference: Option<PathBuf>,
    /// Loudness instead of the target's, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// Factor on the size of every move of taste.
    pub strength: Option<f64>,
    /// Keep the chain that the session has; decide nothing.
    pub as_it_is: bool,
}

/// Masters the pre-master of a project into `path`.
pub fn master(
    project: &Project,
    premaster: &Path,
    path: &Path,
    request: &MasterRequest,
    context: &Context,
) -> Result<Mastered, WorkflowError> {
    let project = &project.hold(context)?;
    let mut merging = Merging::open(project)?;
    let session = merging.merged().document.session()?;
    project.protect(&session, path)?;
    let info = files::probe(premaster)?;
    space::ensure(&project.home, space::mastering(info.frames as u64, info.channels.max(2) as u64))?;
    let target = target_of(&session, request)?;
    let source = project.master_sources(&session, premaster)?;
    context.listener.stage("listening to the pre-master", None);
    let facts = listen_to(&source, context)?;
    if facts.facts.integrated_lufs.is_none() {
        let reason = "the pre-master has nothing above -70 LUFS; are all tracks muted?".to_string();
        return Err(WorkflowError::Silent { reason });
    }
    let goal = goal(&session, target, facts.facts.channels, request);
    let reference = match &request.reference {
        Some(file) => {
            let measured = crate::measure_files::measure_file(file, false, written_options(), &[], context)?;
            Some(measured.facts.into_facts())
        }
        None => None,
    };
    let mut facts = MasterFacts { premaster: facts, now: None, reference };
    if !request.as_it_is {
        decide(&mut merging, &source, &mut facts, &goal, context)?;
    }
    let work = Work::new(project, &source, context)?;
    let solved = match session_with_limiter(&merging)?.filter(|_| !request.as_it_is) {
        Some(session) => {
            let solved = work.solve(&session, &goal)?;
            merging.apply(mastering::limiter_decisions(&goal, &solved))?;
            Some(solved)
        }
        None => None,
    };
    let session = merging.merged().document.session()?;
    let (rendered, reductions) = work.render(&session)?;
    let repaired = keep_ceiling(&rendered, goal.ceiling_dbtp, context)?;
    context.listener.stage("writing the master", None);
    let folder = path.parent().unwrap_or(Path::new("."));
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let job = Job { seed: session.seed, ..Job::new(&rendered, target, folder, &title) };
    let delivered = crate::deliver::delivered(&job, context)?;
    let analysis = listen_to(&source_of(&delivered.path)?, context)?;
    let decisions = merging.save(project)?;
    // Only what is wholly done stands where `deliver` looks for it.
    let float = project.state().join("master.wav");
    std::fs::rename(&rendered, &float).map_err(WorkflowError::io(&float, "give it its name"))?;
    let session_file = project.session_file();
    let text = std::fs::read(&session_file).map_err(WorkflowError::io(&session_file, "read"))?;
    files::atomic_write(project.state().join(MASTERED), &text)?;
    Ok(Mastered {
        delivered,
        float,
        analysis,
        premaster: facts.premaster,
        solved,
        repaired,
        reductions,
        session,
        decisions,
    })
}

pub(crate) fn target_of(
    session: &Session,
    request: &MasterRequest,
) -> Result<&'static Target, WorkflowError> {
    let named = request.target.as_deref().or(session.deliver.targets.first().map(String::as_str));
    Ok(delivery::find_target(named.unwrap_or(delivery::DEFAULT_TARGET))?)
}

/// What a person has asked for comes first, then the session, then the target's row.
pub(crate) fn goal(session: &Session, target: &Target, channels: usize, request: &MasterRequest) -> Goal {
    let row = target.integrated_lufs_for(channels);
    Goal {
        loudness_lufs: request.loudness_lufs.or(session.master.loudness_lufs).or(row),
        ceiling_dbtp: session.master.ceiling_dbtp.unwrap_or(target.ceiling_dbtp),
        strength: request.strength.unwrap_or(1.0),
    }
}

pub(crate) fn source_of(premaster: &Path) -> Result<Sources, WorkflowError> {
    let mut sources = Sources::default();
    sources.insert(MASTER, Audio::open(&[premaster.to_path_buf()])?);
    Ok(sources)
}

fn listen_to(source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    let plan = engine::compile_master(&Session::new(), source)?;
    Ok(hear(&plan, source, &[(0, Tap::Output)], written_options(), context, None)?.remove(0))
}

/// The steps before the limiter, each hearing what the ones before it have done.
fn decide(
    merging: &mut Merging,
    source: &Sources,
    facts: &mut MasterFacts,
    goal: &Goal,
    context: &Context,
) -> Result<(), WorkflowError> {
    for decided in ["insert", "start_s", "end_s", "fade_in_s", "fade_out_s"] {
        merging.forget(&["master", decided])?;
    }
    let mut changed = false;
    for step in mastering::STEPS {
        context.check()?;
        if changed || facts.now.is_none() {
            let session = without_limiter(&merging.merged().document.session()?);
            let plan = engine::compile_master(&session, source)?;
            context.listener.stage("listening to the master so far", None);
            let heard = hear(&plan, source, &[(0, Tap::Output)], written_options(), context, None)?;
            facts.now = heard.into_iter().next();
        }
        context.listener.stage(&format!("step {}", step.id()), None);
        let session = merging.merged().document.session()?;
        let decided = step.decide(facts, &session, goal);
        changed = !decided.is_empty();
        merging.apply(decided)?;
    }
    Ok(())
}

/// The id of the last insert of the chain.
const LIMITER: &str = "limiter";

/// The chain before the limiter, over the whole song.
fn without_limiter(session: &Session) -> Session {
    let mut session = session.clone();
    let master = &mut session.master;
    master.strip.inserts.retain(|i| i.id != LIMITER);
    (master.start_s, master.end_s, master.fade_in_s, master.fade_out_s) = (0.0, None, 0.0, 0.0);
    session
}

/// The session under planning, when its chain has a limiter to solve.
fn session_with_limiter(merging: &Merging) -> Result<Option<Session>, WorkflowError> {
    let session = merging.merged().document.session()?;
    let limits = session.master.strip.insert(LIMITER).is_some();
    Ok(limits.then_some(session))
}

/// The session with another drive and ceiling of the limiter.
pub(crate) fn with_limiter(session: &Session, drive_db: f64, ceiling_dbtp: f64) -> Session {
    let mut session = session.clone();
    for insert in session.master.strip.inserts.iter_mut().filter(|i| i.id == LIMITER) {
        for (name, value) in [("drive_db", drive_db), ("ceiling_dbtp", ceiling_dbtp)] {
            if let Some(address) = insert.address(&[name]) {
                insert.values.put(address, value);
            }
        }
    }
    session
}

fn only_limiter(session: &Session, drive_db: f64, ceiling_dbtp: f64) -> Session {
    let mut session = with_limiter(session, drive_db, ceiling_dbtp);
    let strip = &mut session.master.strip;
    strip.trim_db = 0.0;
    strip.lanes.clear();
    strip.fader_db = 0.0;
    strip.pan = 0.0;
    strip.inserts.retain(|i| i.id == LIMITER);
    session
}

/// The rendering that mastering asks for.
pub(crate) struct Work<'a> {
    /// The pre-master.
    source: &'a Sources,
    context: &'a Context<'a>,
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
        Ok(Work { source, context, workshop })
    }

    /// What is left when the work is done: the place of what was rendered.
    pub(crate) fn into_workshop(self) -> Workshop {
        self.workshop
    }

    /// Finds the drive into the limiter that reaches the goal, on the rendered audio.
    pub(crate) fn solve(&self, session: &Session, goal: &Goal) -> Result<Solved, WorkflowError> {
        // The chain before the limiter is the same in every trial: it is rendered once.
        let plan = engine::compile_master(&without_limiter(session), self.source)?;
        let unlimited = self.workshop.path().join("unlimited.wav");
        self.context.listener.stage("rendering the chain", None);
        write_f64(&plan, self.source, &unlimited, self.context)?;
        let trial_source = source_of(&unlimited)?;
        let limiter = session.master.strip.insert(LIMITER);
        let start = limiter.and_then(|l| Some(l.values.get(l.address(&["drive_db"])?))).unwrap_or(0.0);
        self.context.listener.stage("solving the loudness", None);
        let solved = mastering::solve_drive(goal, start, |drive_db| {
            let session = only_limiter(session, drive_db, goal.ceiling_dbtp);
            self.trial(&session, &trial_source, drive_db)
        })?;
        let _ = std::fs::remove_file(&unlimited);
        Ok(solved)
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
        let mut ear = crate::listen::Ear::new(plan.sample_rate_hz, plan.nodes[0].output_channels, options)?;
        let outputs = vec![Output { node: 0, tap: Tap::Output, sink: Box::new(&mut ear) }];
        let progress = |part| self.context.listener.progress(part);
        let reductions =
            engine::render(&plan, source, outputs, &render_options(self.context, &progress, None))?;
        let reduction_db = reductions.into_iter().next().map(|r| r.reduction_db).unwrap_or_default();
        Ok(Trial::new(drive_db, ear.0.finish().facts, &reduction_db))
    }

    /// Renders the whole chain to a 64-bit float file, which goes with the work unless it is moved.
    pub(crate) fn render(&self, session: &Session) -> Result<(PathBuf, Vec<GainReduction>), WorkflowError> {
        let plan = engine::compile_master(session, self.source)?;
        let float = self.workshop.path().join("master.wav");
        self.context.listener.stage("rendering the master", None);
        let reductions = write_f64(&plan, self.source, &float, self.context)?;
        Ok((float, reductions))
    }
}

/// Writes the only node of a mastering plan as 64-bit float.
fn write_f64(
    plan: &engine::Plan,
    source: &Sources,
    path: &Path,
    context: &Context,
) -> Result<Vec<GainReduction>, WorkflowError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float64,
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

/// Verifies a float file against a ceiling and lowers it around every peak above, until there is none; gives
/// the number of places that were lowered.
pub(crate) fn keep_ceiling(
    file: &Path,
    ceiling_dbtp: f64,
    context: &Context,
) -> Result<usize, WorkflowError> {
    let ceiling = db_to_gain(ceiling_dbtp - WRITING_MARGIN_DB);
    let mut repaired = 0;
    for _ in 0..REPAIR_PASSES {
        context.check()?;
        context.listener.stage("verifying the peaks", None);
        let overs = find_overs(file, ceiling, context)?;
        if overs.is_empty() {
            return Ok(repaired);
        }
        repaired += overs.len();
        lower(file, &overs, context)?;
    }
    let left = find_overs(file, ceiling, context)?.len();
    if left > 0 {
        context.listener.note(&format!(
            "{left} peaks stay above {ceiling_dbtp:.1} dBTP after {REPAIR_PASSES} passes of repair; the check of the file \
             tells by how much"
        ));
    }
    Ok(repaired)
}

fn find_overs(file: &Path, ceiling: f64, context: &Context) -> Result<Vec<Over>, WorkflowError> {
    let mut reader = files::open(file)?;
    let channels = reader.info().channels;
    let mut search = Overs::new(channels, ceiling, VERIFY_FACTOR)?;
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    let mut found = Vec::new();
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        found.extend(search.push(&buffer.range(0, frames)));
    }
    found.extend(search.finish());
    found.sort_by_key(|over| over.frame);
    Ok(found.iter().map(|o| Over { frame: o.frame, excess_db: gain_to_db(o.level / ceiling) }).collect())
}

/// Writes the file anew, lowered around the overs (in order of time).
fn lower(file: &Path, overs: &[Over], context: &Context) -> Result<(), WorkflowError> {
    let mut reader = files::open(file)?;
    let info = reader.info().clone();
    let half_width = (REPAIR_WIDTH_S * f64::from(info.sample_rate_hz)) as usize;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float64,
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
    };
    let mut writer = Writer::create(file, spec)?;
    let mut buffer = Buffer::new(info.channels, BLOCK_FRAMES);
    let mut first = 0;
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        let reach = half_width + 2;
        let from = overs.partition_point(|o| o.frame + reach < first);
        let to = overs.partition_point(|o| o.frame < first + frames + reach);
        repair(&mut buffer.range_mut(0, frames), first, &overs[from..to], half_width);
        writer.write_f64(&buffer.range(0, frames))?;
        first += frames;
    }
    writer.finish()?;
    Ok(())
}

/// What the file of a finished mix is called in its session.
pub(crate) const FINISHED_MIX: &str = "recording";

/// The session of a finished mix: one track, nothing done to it.
pub(crate) fn session_of_file(path: &Path, title: &str) -> Document {
    let mut session = Session::new();
    session.engine = env!("CARGO_PKG_VERSION").into();
    session.song.title = Some(title.to_string());
    let mut track = session::Strip::new(session::StripClass::Track, FINISHED_MIX);
    track.files = vec![path.to_path_buf()];
    track.role = Some("mix_bus".into());
    session.add(track);
    Document::new(&session)
}
