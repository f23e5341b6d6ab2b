//! From a pre-master to a master: decide, render, solve the loudness, verify and repair the peaks.

use crate::ceiling::keep_ceiling;
use crate::listen::{hear, render_options, written_options};
use crate::matching::Matched;
use crate::merging::Merging;
use crate::space;
use crate::{Context, Project, WorkflowError};
use audio::BlockRef;
use delivery::{Delivered, Job, Target};
use engine::{Audio, GainReduction, MASTER, Output, Sources, Tap};
use files::{FileType, SampleFormat, Workshop, WriteSpec, Writer};
use mastering::{Bounds, Goal, MasterFacts, MatchPlan, Matching, Solved, Trial, Verdict};
use measure::{Analysis, Options};
use session::{Document, Session};
use std::path::{Path, PathBuf};

/// Rounds of hearing and correcting a match; the second already leaves little.
const MATCH_ROUNDS: usize = 4;

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
    /// How near it came to the references.
    pub matched: Option<Matched>,
    /// What was heard before anything was done, and what of it should go back to the mix.
    pub verdicts: Vec<Verdict>,
    /// What was aimed at.
    pub goal: Goal,
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
    /// Finished songs to be near to, each with its weight; none for those the session names.
    pub references: Vec<(PathBuf, f64)>,
    /// How near, by aspect.
    pub matching: Option<Matching>,
    /// The kind of music whose tonal balance stands in where there is no reference.
    pub genre: Option<String>,
    /// Loudness instead of the target's, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// Factor on the size of every move of taste.
    pub strength: Option<f64>,
    /// Keep the chain that the session has; decide nothing.
    pub as_it_is: bool,
    /// Write before, after, references and takes at one loudness.
    pub ab: bool,
    /// The name of a take: another master of the same mix, kept beside the others.
    pub take: Option<String>,
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
    let target = &target_of(project, &session, request)?;
    let source = project.master_sources(&session, premaster)?;
    context.listener.stage("listening to the pre-master", None);
    let facts = listen_to(&source, context)?;
    if facts.facts.integrated_lufs.is_none() {
        let reason = "the pre-master has nothing above -70 LUFS; are all tracks muted?".to_string();
        return Err(WorkflowError::Silent { reason });
    }
    let mut goal = goal(&session, target, facts.facts.channels, request)?;
    let references = match request.as_it_is {
        false => crate::matching::references(project, &session, request, context)?,
        true => Vec::new(),
    };
    let mut facts = MasterFacts { premaster: facts, now: None, references };
    let mut plan = MatchPlan::new(&facts, &goal);
    if let Some(plan) = &plan {
        goal.loudness_lufs = plan.loudness_lufs(goal.loudness_lufs);
        let psr = facts.references.iter().filter_map(|r| r.analysis.facts.psr_p5_lu).reduce(f64::min);
        goal.bounds = goal.bounds.toward(psr, goal.matching.loudness);
    }
    if !request.as_it_is {
        decide(&mut merging, &source, &mut facts, (&goal, plan.as_ref()), context)?;
    }
    let work = Work::new(project, &source, context)?;
    let mut solved = None;
    let mut rounds = 0;
    while let Some(session) = session_with_limiter(&merging)?.filter(|_| !request.as_it_is) {
        let found = work.solve(&session, &goal)?;
        merging.apply_anew(mastering::limiter_decisions(&goal, &found))?;
        solved = Some(found);
        rounds += 1;
        let next = match plan.as_ref().filter(|_| rounds < MATCH_ROUNDS) {
            Some(plan) => plan.corrected(&work.hear(&merging.merged().document.session()?)?),
            None => None,
        };
        let Some(next) = next else { break };
        let decided = next.decisions(&merging.merged().document.session()?);
        merging.apply_anew(decided)?;
        plan = Some(next);
    }
    let session = merging.merged().document.session()?;
    let (rendered, reductions) = work.render(&session)?;
    let repaired = keep_ceiling(&rendered, goal.ceiling_dbtp, context)?;
    context.listener.stage("writing the master", None);
    let folder = path.parent().unwrap_or(Path::new("."));
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let tags = crate::deliver::tags_of(&session, project)?;
    let job = Job { seed: session.seed, tags: Some(&tags), ..Job::new(&rendered, target, folder, &title) };
    let delivered = crate::deliver::delivered(&job, context)?;
    let analysis = delivered.reading.analysis.clone();
    let matched = plan.map(|plan| crate::matching::matched(&plan, &facts.premaster, &analysis));
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
        verdicts: mastering::verdicts(&facts, &goal),
        premaster: facts.premaster,
        solved,
        repaired,
        reductions,
        matched,
        goal,
        session,
        decisions,
    })
}

pub(crate) fn target_of(
    project: &Project,
    session: &Session,
    request: &MasterRequest,
) -> Result<Target, WorkflowError> {
    let named = request.target.as_deref().or(session.deliver.targets.first().map(String::as_str));
    Ok(project.targets()?.find(named.unwrap_or(delivery::DEFAULT_TARGET))?.clone())
}

/// What a person has asked for comes first, then the session, then the target's row.
pub(crate) fn goal(
    session: &Session,
    target: &Target,
    channels: usize,
    request: &MasterRequest,
) -> Result<Goal, WorkflowError> {
    let row = target.integrated_lufs_for(channels);
    let strength = request.strength.unwrap_or(1.0);
    let genre = match &request.genre {
        Some(id) => crate::matching::genre(id)?,
        None => &mastering::GENRES[0],
    };
    Ok(Goal {
        strength,
        bounds: Bounds::of_strength(strength),
        matching: request.matching.unwrap_or_default(),
        curve: genre.curve,
        records: genre.records,
        asked: request.genre.is_some() || strength > 1.0,
        ..Goal::new(
            request.loudness_lufs.or(session.master.loudness_lufs).or(row),
            session.master.ceiling_dbtp.unwrap_or(target.ceiling_dbtp),
        )
    })
}

pub(crate) fn source_of(premaster: &Path) -> Result<Sources, WorkflowError> {
    let mut sources = Sources::default();
    sources.insert(MASTER, Audio::open(&[premaster.to_path_buf()])?);
    Ok(sources)
}

pub(crate) fn listen_to(source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    let plan = engine::compile_master(&Session::new(), source)?;
    Ok(hear(&plan, source, &[(0, Tap::Output)], written_options(), context, None)?.remove(0))
}

/// The steps before the limiter, each hearing what the ones before it have done; where those did nothing to the sound,
/// what was heard before is still true. What a step has decided is heard, and the step makes up for what is left.
fn decide(
    merging: &mut Merging,
    source: &Sources,
    facts: &mut MasterFacts,
    (goal, plan): (&Goal, Option<&MatchPlan>),
    context: &Context,
) -> Result<(), WorkflowError> {
    for decided in ["insert", "automation", "start_s", "end_s", "fade_in_s", "fade_out_s"] {
        merging.forget(&["master", decided])?;
    }
    let mut so_far = SoFar { source, heard: Session::new().master, context };
    facts.now = Some(facts.premaster.clone());
    for step in mastering::STEPS {
        context.check()?;
        context.listener.stage(&format!("step {}", step.id()), None);
        let session = merging.merged().document.session()?;
        let mut decided = step.decide(facts, &session, goal);
        if let Some(plan) = plan.filter(|_| step.draws_the_match()) {
            merging.apply(decided)?;
            decided = plan.decisions(&merging.merged().document.session()?);
        }
        merging.apply(decided)?;
        let before = so_far.listen(merging, facts)?;
        if let Some(before) = before {
            let session = merging.merged().document.session()?;
            let again = step.revise(&before, facts, &session, goal);
            if !again.is_empty() {
                merging.apply_anew(again)?;
                so_far.listen(merging, facts)?;
            }
        }
    }
    Ok(())
}

/// The chain without its limiter, as it was heard last.
struct SoFar<'a> {
    source: &'a Sources,
    heard: session::Master,
    context: &'a Context<'a>,
}

impl SoFar<'_> {
    /// Hears the chain where it has changed; gives what was true before it did.
    fn listen(
        &mut self,
        merging: &Merging,
        facts: &mut MasterFacts,
    ) -> Result<Option<Analysis>, WorkflowError> {
        let bare = without_limiter(&merging.merged().document.session()?);
        if sound_of(&bare.master) == sound_of(&self.heard) {
            return Ok(None);
        }
        let compiled = engine::compile_master(&bare, self.source)?;
        self.context.listener.stage("listening to the master so far", None);
        let now = hear(&compiled, self.source, &[(0, Tap::Output)], on_the_way(), self.context, None)?;
        self.heard = bare.master;
        Ok(std::mem::replace(&mut facts.now, now.into_iter().next()))
    }
}

/// What of a chain is heard: its strip, without what a master of the song says beside it.
fn sound_of(master: &session::Master) -> &session::Strip {
    &master.strip
}

/// What is measured between the steps; how dense it gets is asked behind the limiter.
fn on_the_way() -> Options {
    Options {
        true_peak_factor: 4,
        spectrum: true,
        pitch: false,
        music: false,
        psr: false,
        ..Options::default()
    }
}

/// The id of the last insert of the chain.
pub(crate) const LIMITER: &str = "limiter";

/// The chain before the limiter, over the whole song.
fn without_limiter(session: &Session) -> Session {
    let mut session = uncut(session);
    session.master.strip.inserts.retain(|i| i.id != LIMITER);
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
        // The chain before the limiter is the same in every trial: it is rendered once, if it does anything.
        let bare = without_limiter(session);
        let unlimited = self.workshop.path().join("unlimited.wav");
        let rendered = match sound_of(&bare.master) == sound_of(&Session::new().master) {
            true => None,
            false => {
                let plan = engine::compile_master(&bare, self.source)?;
                self.context.listener.stage("rendering the chain", None);
                write_f64(&plan, self.source, &unlimited, self.context)?;
                Some(source_of(&unlimited)?)
            }
        };
        let trial_source = rendered.as_ref().unwrap_or(self.source);
        let limiter = session.master.strip.insert(LIMITER);
        let start = limiter.and_then(|l| Some(l.values.get(l.address(&["drive_db"])?))).unwrap_or(0.0);
        self.context.listener.stage("solving the loudness", None);
        let solved = mastering::solve_drive(goal, start, |drive_db| {
            let session = only_limiter(session, drive_db, goal.ceiling_dbtp);
            self.trial(&session, trial_source, drive_db)
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

    /// Hears the whole chain over the whole song.
    pub(crate) fn hear(&self, session: &Session) -> Result<Analysis, WorkflowError> {
        let plan = engine::compile_master(&uncut(session), self.source)?;
        self.context.listener.stage("listening to the match", None);
        Ok(hear(&plan, self.source, &[(0, Tap::Output)], on_the_way(), self.context, None)?.remove(0))
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
