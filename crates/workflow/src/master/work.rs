//! The rendering that mastering asks for: each insert before the limiter once, the limiter as often as the solver wants, and no
//! sound twice.

use super::order::{Going, Hopes, Order, Sound, Way};
use super::stage::{Part, Stage, is_quick};
use crate::ceiling::{Kept, OnTheWay, Verifying, keep_ceiling, tell_of_left};
use crate::ear::Ear;
use crate::listen::{hear, render_options};
use crate::{Context, Project, WorkflowError};
use audio::{BlockRef, Layout};
use delivery::{Delivered, Extent, Streamed};
use engine::{EngineError, GainReduction, Output, Plan, RenderOptions, Sources, Tap};
use files::{FileType, SampleFormat, Workshop, WriteSpec, Writer};
use mastering::{Goal, Solved, Trial, Unlimited};
use measure::{Analysis, Density, Facts, Loudness, Options};
use session::Session;
use std::path::{Path, PathBuf};

/// Listens to what is rendered, block by block.
type Listening<'a> = dyn FnMut(&BlockRef) -> Result<(), EngineError> + Send + 'a;

/// Frames of a slab while a chain is rendered: the one strip of a master takes so long over them that its threads seldom wait
/// for one another and seldom have to be woken, and they stay near.
const RENDERED_AT_A_TIME: usize = 1 << 15;

/// The id of the last insert of the chain.
pub(crate) const LIMITER: &str = "limiter";

/// What of a chain is heard: its strip, without what a master of the song says beside it.
pub(super) fn sound_of(master: &session::Master) -> &session::Strip {
    &master.strip
}

/// What is measured between the steps; how dense it gets is asked behind the limiter, and what is clipped of the recording.
pub(super) fn on_the_way() -> Options {
    Options { true_peak_factor: 4, psr: false, clipping: false, ..crate::listen::of_a_song() }
}

/// The same of what stands before the last stage, whose work is to be foreseen.
fn before_the_last_stage() -> Options {
    Options { course: true, ..on_the_way() }
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

/// The session with another drive of the limiter, and all else as it was.
fn with_drive(session: &Session, drive_db: f64) -> Session {
    let mut session = session.clone();
    for insert in session.master.strip.inserts.iter_mut().filter(|i| i.id == LIMITER) {
        if let Some(address) = insert.address(&["drive_db"]) {
            insert.values.put(address, drive_db);
        }
    }
    session
}

fn drive_of(session: &Session) -> Option<f64> {
    let limiter = session.master.strip.insert(LIMITER)?;
    Some(limiter.values.get(limiter.address(&["drive_db"])?))
}

/// A whole chain as it was rendered for a trial.
struct Candidate {
    master: session::Master,
    rendered: Rendered,
}

/// A whole chain as it was rendered.
struct Rendered {
    sound: Sound,
    reductions: Vec<GainReduction>,
    /// Integrated loudness, in LUFS.
    integrated_lufs: Option<f64>,
}

impl Candidate {
    /// Whether it is what a master sounds like.
    fn is(&self, master: &session::Master) -> bool {
        let ends = |m: &session::Master| (m.start_s, m.end_s, m.fade_in_s, m.fade_out_s);
        sound_of(&self.master) == sound_of(master) && ends(&self.master) == ends(master)
    }
}

/// A rendered master whose ceiling is kept.
pub(crate) struct Finished {
    sound: Sound,
    /// What the inserts did.
    pub(crate) reductions: Vec<GainReduction>,
    /// Peaks above the ceiling that were repaired after the limiter.
    pub(crate) repaired: usize,
}

impl Finished {
    /// The float file of what was not ordered.
    pub(crate) fn into_file(self) -> PathBuf {
        match self.sound {
            Sound::File(float, _) => float,
            Sound::OnItsWay(_) => unreachable!("nothing else is on its way than what is ordered"),
        }
    }
}

/// The rendering that mastering asks for.
pub(crate) struct Work<'a> {
    project: &'a Project,
    /// The pre-master.
    source: &'a Sources,
    context: &'a Context<'a>,
    /// The chain before the last stage as it was rendered, the newest last.
    stages: Vec<Stage>,
    /// Stages that were ever written: each has a name of its own.
    written: usize,
    candidate: Option<Candidate>,
    /// What it is going to be handed over as, where that is known.
    order: Option<Order>,
    /// Where it is done; goes with it.
    workshop: Workshop,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        project: &'a Project,
        source: &'a Sources,
        context: &'a Context<'a>,
    ) -> Result<Work<'a>, WorkflowError> {
        let state = project.state();
        let workshop =
            Workshop::create_in(&state).map_err(WorkflowError::io(&state, "work in this folder"))?;
        let (stages, candidate, order) = (Vec::new(), None, None);
        Ok(Work { project, source, context, stages, written: 0, candidate, order, workshop })
    }

    /// Where the song lives.
    pub(super) fn project(&self) -> &Project {
        self.project
    }

    /// Tells what the master is going to be handed over as.
    pub(super) fn order(&mut self, order: Order) {
        self.order = Some(order);
    }

    /// What is left when the work is done: the place of what was rendered.
    pub(crate) fn into_workshop(self) -> Workshop {
        self.workshop
    }

    /// Hears the chain before the last stage, over the whole song, and `keeps` it for what comes behind. Where all that it does to the
    /// spectrum of `premaster` is known, that is not heard.
    pub(super) fn listen(
        &mut self,
        session: &Session,
        premaster: &Analysis,
        keeps: bool,
    ) -> Result<Analysis, WorkflowError> {
        let bare = without_limiter(session);
        let known = mastering::behind_equaliser(&bare, premaster);
        let part = Part::of(&bare, self.source, &self.stages)?;
        self.context.listener.stage("listening to the master so far", None);
        let channels = part.plan.nodes[0].output_channels;
        let options = Options { spectrum: known.is_none(), ..before_the_last_stage() };
        let mut ear = Ear::new(part.plan.sample_rate_hz, channels, options)?;
        let keeps = keeps && !is_quick(&bare.master.strip, self.source, part.plan.sample_rate_hz);
        let mut left = part.plan.frames();
        let mut heard = |block: &BlockRef| {
            let frames = left.min(block.frames());
            left -= frames;
            ear.0.push(&block.range(0, frames));
            Ok(())
        };
        match keeps {
            true => self.keep(bare.master.strip, part, Some(&mut heard))?,
            false => drop(self.run(&part, vec![output(&mut heard)])?),
        }
        let heard = ear.0.finish();
        Ok(match known {
            Some(known) => mastering::with_spectrum(heard, known),
            None => heard,
        })
    }

    /// Renders the chain before the last stage, unless it stands or does nothing: it is the same in every trial.
    fn prepare(&mut self, session: &Session) -> Result<(), WorkflowError> {
        let bare = without_limiter(session);
        let chain = sound_of(&bare.master);
        let whole = |stage: &Stage| stage.begins(chain) == Some(chain.inserts.len());
        if chain == sound_of(&Session::new().master) || self.stages.last().is_some_and(whole) {
            return Ok(());
        }
        let part = Part::of(&bare, self.source, &self.stages)?;
        if is_quick(chain, self.source, part.plan.sample_rate_hz) {
            return Ok(());
        }
        self.context.listener.stage("rendering the chain", None);
        self.keep(bare.master.strip, part, None)
    }

    /// Renders a part of the chain to a stage; one before it is kept, for a step that revises what it decided.
    fn keep(
        &mut self,
        chain: session::Strip,
        part: Part,
        also: Option<&mut Listening>,
    ) -> Result<(), WorkflowError> {
        let part = part.into_stage();
        let path = self.workshop.path().join(format!("chain-{}.wav", self.written));
        self.written += 1;
        let mut writer = float_writer(&part.plan, &path)?;
        let mut write = |block: &BlockRef| Ok(writer.write_f64(block)?);
        let mut outputs = vec![output(&mut write)];
        outputs.extend(also.map(|sink| output(sink)));
        let reductions = self.run(&part, outputs)?;
        writer.finish_unsynced()?;
        self.stages.push(Stage::of(chain, path, &part.plan, part.all(reductions))?);
        if self.stages.len() > 2 {
            self.stages.remove(0);
        }
        Ok(())
    }

    fn run(&self, part: &Part, outputs: Vec<Output>) -> Result<Vec<GainReduction>, WorkflowError> {
        let progress = |done| self.context.listener.progress(done);
        let options = RenderOptions {
            slab_frames: RENDERED_AT_A_TIME,
            ..render_options(self.context, &progress, None)
        };
        Ok(engine::render(&part.plan, &part.sources, outputs, &options)?)
    }

    /// Finds the drive into the limiter that reaches the goal, on the rendered audio.
    pub(crate) fn solve(&mut self, session: &Session, goal: &Goal) -> Result<Solved, WorkflowError> {
        self.solve_from(session, goal, None, Hopes::default())
    }

    /// The same where the drive of the session has followed what was heard with it: the first render may be the master.
    pub(super) fn solve_followed(&mut self, session: &Session, goal: &Goal) -> Result<Solved, WorkflowError> {
        self.solve_from(session, goal, None, Hopes { near: true, is_master: true })
    }

    /// The same, with what was measured of the chain before the last stage.
    pub(super) fn solve_knowing(
        &mut self,
        session: &Session,
        goal: &Goal,
        before: Option<Unlimited>,
    ) -> Result<Solved, WorkflowError> {
        // What is foreseen moment by moment is nearly always the master.
        let is_master = before.is_some_and(|before| before.foresight.is_some());
        self.solve_from(session, goal, before, Hopes { near: before.is_some(), is_master })
    }

    /// Any render after the first, of which there are hopes, may be the master.
    fn solve_from(
        &mut self,
        session: &Session,
        goal: &Goal,
        before: Option<Unlimited>,
        hopes: Hopes,
    ) -> Result<Solved, WorkflowError> {
        self.prepare(session)?;
        // Room for what is to come.
        let newest = self.stages.pop();
        self.stages = newest.into_iter().collect();
        let start = drive_of(session).unwrap_or(0.0);
        self.context.listener.stage("solving the loudness", None);
        let mut way = match hopes {
            Hopes { near: true, is_master: true } => Way::Hoped,
            Hopes { near: true, .. } => Way::Kept,
            _ => Way::Heard,
        };
        mastering::solve_drive(goal, start, before, |drive_db| {
            let session = with_limiter(session, drive_db, goal.limiter_ceiling_dbtp());
            let way = std::mem::replace(&mut way, Way::Verified);
            self.trial(&session, goal, drive_db, way)
        })
    }

    fn trial(
        &mut self,
        session: &Session,
        goal: &Goal,
        drive_db: f64,
        way: Way,
    ) -> Result<Trial, WorkflowError> {
        self.context.check()?;
        self.candidate = None;
        let part = Part::of(session, self.source, &self.stages)?;
        let layout = Layout::from_channels(part.plan.nodes[0].output_channels);
        let mut density = Density::new(f64::from(part.plan.sample_rate_hz), layout)?;
        let mut going = self.going(&part.plan, way, goal)?;
        // One worker writes while another measures.
        let mut heard = |block: &BlockRef| rayon::join(|| going.write(block), || density.push(block)).0;
        let reductions = self.run(&part, vec![output(&mut heard)]);
        let reductions = part.all(going.say_why(reductions)?);
        if let Some(sound) = going.arrived()? {
            let (reductions, integrated_lufs) = (reductions.clone(), density.integrated_lufs());
            let rendered = Rendered { sound, reductions, integrated_lufs };
            self.candidate = Some(Candidate { master: session.master.clone(), rendered });
        }
        let psr_p5_lu = self.density(&density, &part, goal)?;
        let facts = Facts { integrated_lufs: density.integrated_lufs(), psr_p5_lu, ..Facts::default() };
        Ok(trial_of(drive_db, facts, &reductions).as_dense(density.psr_p5_at_least_lu()))
    }

    /// Where a trial goes to: what is hoped to be the master, and is ordered, into the file that is handed over.
    fn going(&self, plan: &Plan, way: Way, goal: &Goal) -> Result<Going, WorkflowError> {
        let (channels, sample_rate_hz, frames) =
            (plan.nodes[0].output_channels, plan.sample_rate_hz, plan.heard().frames);
        let order = self.order.as_ref().filter(|order| order.streams && way == Way::Hoped);
        if let Some(order) = order {
            let extent = Extent { sample_rate_hz, channels, frames };
            if let Some(streamed) = Streamed::begin(&order.job(&order.mix), extent)? {
                let on_the_way = OnTheWay::new((channels, sample_rate_hz, frames), goal.ceiling_dbtp)?;
                return Ok(Going::On(Box::new((on_the_way, streamed)), None));
            }
        }
        if way == Way::Heard {
            return Ok(Going::Nowhere);
        }
        let float = self.workshop.path().join("trial.wav");
        let verifying =
            (way != Way::Kept).then(|| Verifying::new(channels, goal.ceiling_dbtp)).transpose()?;
        Ok(Going::To(Box::new((float_writer(plan, &float)?, verifying)), float))
    }

    /// The PSR of the densest, as far as it must be known: which side of the bound it is on.
    fn density(&self, heard: &Density, part: &Part, goal: &Goal) -> Result<Option<f64>, WorkflowError> {
        let bound = goal.bounds.psr_p5_lu;
        let least = heard.psr_p5_at_least_lu();
        if least.is_none_or(|least| least >= bound) {
            return Ok(least);
        }
        let most = heard.psr_p5_at_most_lu(goal.ceiling_dbtp + STRAY_DB);
        if most.is_none_or(|most| most < bound) {
            return Ok(most);
        }
        let options = Options { true_peak_factor: 4, psr: true, levels: true, ..Options::loudness() };
        let taps = [(0, Tap::Output)];
        let mut read = hear(&part.plan, &part.sources, &taps, options, self.context, None)?;
        Ok(read.remove(0).facts.psr_p5_lu)
    }

    /// Hears the whole chain over the whole song.
    pub(crate) fn hear(&mut self, session: &Session) -> Result<Analysis, WorkflowError> {
        self.prepare(session)?;
        let part = Part::of(&uncut(session), self.source, &self.stages)?;
        self.context.listener.stage("listening to the match", None);
        let taps = [(0, Tap::Output)];
        Ok(hear(&part.plan, &part.sources, &taps, on_the_way(), self.context, None)?.remove(0))
    }

    /// Renders the whole chain to a 64-bit float file, which goes with the work unless it is moved.
    pub(crate) fn render(
        &mut self,
        session: &Session,
    ) -> Result<(PathBuf, Vec<GainReduction>), WorkflowError> {
        let Rendered { sound, reductions, .. } = self.rendered(session, None)?;
        Ok((Finished { sound, reductions: Vec::new(), repaired: 0 }.into_file(), reductions))
    }

    /// The same, with its loudness, and its peaks verified against a ceiling in dBTP where there is one; a trial of it is not
    /// rendered again.
    fn rendered(&mut self, session: &Session, ceiling_dbtp: Option<f64>) -> Result<Rendered, WorkflowError> {
        let float = self.workshop.path().join("master.wav");
        if let Some(made) = self.candidate.take().filter(|made| made.is(&session.master)) {
            let made = made.rendered;
            match made.sound {
                Sound::File(trial, verified) => {
                    std::fs::rename(&trial, &float).map_err(WorkflowError::io(&float, "give it its name"))?;
                    return Ok(Rendered { sound: Sound::File(float, verified), ..made });
                }
                Sound::OnItsWay(way) if Some(way.ceiling_dbtp) == ceiling_dbtp => {
                    return Ok(Rendered { sound: Sound::OnItsWay(way), ..made });
                }
                Sound::OnItsWay(_) => {}
            }
        }
        let part = Part::of(session, self.source, &self.stages)?;
        self.context.listener.stage("rendering the master", None);
        let layout = Layout::from_channels(part.plan.nodes[0].output_channels);
        let mut loudness = Loudness::new(f64::from(part.plan.sample_rate_hz), layout)?;
        let mut writer = float_writer(&part.plan, &float)?;
        let channels = part.plan.nodes[0].output_channels;
        let mut verifying = ceiling_dbtp.map(|dbtp| Verifying::new(channels, dbtp)).transpose()?;
        let mut write = |block: &BlockRef| {
            loudness.push(block);
            verifying.iter_mut().for_each(|verifying| verifying.push(block));
            Ok(writer.write_f64(block)?)
        };
        let reductions = part.all(self.run(&part, vec![output(&mut write)])?);
        writer.finish_unsynced()?;
        let sound = Sound::File(float, verifying.map(Verifying::finish));
        Ok(Rendered { sound, reductions, integrated_lufs: loudness.integrated_lufs() })
    }

    /// Renders the master and keeps its ceiling. Peaks that are repaired behind the limiter take loudness with them: where a
    /// solved loudness is missed by that, the drive makes up for it, within the bounds; what is left is said.
    pub(crate) fn finish(
        &mut self,
        session: &Session,
        goal: &Goal,
        mut solved: Option<&mut Solved>,
    ) -> Result<Finished, WorkflowError> {
        let mut session = session.clone();
        for round in 0.. {
            let Rendered { mut sound, reductions, integrated_lufs } =
                self.rendered(&session, Some(goal.ceiling_dbtp))?;
            let Kept { repaired, lowered_lufs } = match &mut sound {
                Sound::File(float, verified) => {
                    keep_ceiling(float, goal.ceiling_dbtp, verified.take(), self.context)?
                }
                Sound::OnItsWay(way) => {
                    tell_of_left(way.left, goal.ceiling_dbtp, self.context);
                    Kept { repaired: way.repaired, lowered_lufs: None }
                }
            };
            let integrated_lufs = lowered_lufs.or(integrated_lufs);
            if let Some((solved, drive_db)) = solved.as_deref_mut().zip(drive_of(&session)) {
                let facts = Facts { integrated_lufs, ..solved.best.facts.clone() };
                let as_rendered = trial_of(drive_db, facts, &reductions).as_dense(solved.best.density_lu);
                match solved.made_up(as_rendered, goal, (repaired, round)) {
                    Some(next_db) => {
                        session = with_drive(&session, next_db);
                        continue;
                    }
                    None => return Ok(Finished { sound, reductions, repaired }),
                }
            }
            return Ok(Finished { sound, reductions, repaired });
        }
        unreachable!("rounds end with a master")
    }

    /// Hands over what was ordered, made by the session: completes the file that it is on its way into, or writes it from the
    /// float file, whose place is told then.
    pub(super) fn handed_over(
        &mut self,
        made: Finished,
        session: &Session,
        order: &Order,
    ) -> Result<(Delivered, Option<PathBuf>), WorkflowError> {
        let float = match made.sound {
            Sound::File(float, _) => float,
            Sound::OnItsWay(way) => {
                let ceiling_dbtp = way.ceiling_dbtp;
                let mut observe = crate::handing_over::observer(self.context);
                if let Some(delivered) = way.streamed.finish(&order.job(&order.mix), &mut observe)? {
                    return Ok((delivered, None));
                }
                let (float, _) = self.render(session)?;
                keep_ceiling(&float, ceiling_dbtp, None, self.context)?;
                float
            }
        };
        let delivered = crate::handing_over::delivered(&order.job(&float), self.context)?;
        Ok((delivered, Some(float)))
    }
}

/// A peak that a limiter lets pass stands no farther above its ceiling, in dB: what repairs behind it are for.
const STRAY_DB: f64 = 0.5;

/// A trial from what the last stage did.
fn trial_of(drive_db: f64, facts: Facts, reductions: &[GainReduction]) -> Trial {
    let of = |id: &str| {
        let found = reductions.iter().find(|r| r.insert == id);
        found.map_or((0.0, 0.0), |r| (r.taken.mean_db, r.taken.p95_db))
    };
    Trial::new(drive_db, facts, of(LIMITER)).clipping(of(mastering::CLIPPER))
}

/// What the only node of a mastering plan gives.
fn output<'o>(sink: &'o mut Listening) -> Output<'o> {
    Output { node: 0, tap: Tap::Output, sink: Box::new(sink) }
}

fn float_writer(plan: &Plan, path: &Path) -> Result<Writer, WorkflowError> {
    wav_writer(plan, path, SampleFormat::Float64)
}

fn wav_writer(plan: &Plan, path: &Path, sample_format: SampleFormat) -> Result<Writer, WorkflowError> {
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format,
        sample_rate_hz: plan.sample_rate_hz,
        channels: plan.nodes[0].output_channels,
    };
    Ok(Writer::create(path, spec)?)
}

/// Writes the only node of a mastering plan to a WAV file whose folder is there.
pub(crate) fn write_wav(
    plan: &Plan,
    source: &Sources,
    (path, sample_format): (&Path, SampleFormat),
    context: &Context,
) -> Result<Vec<GainReduction>, WorkflowError> {
    let mut writer = wav_writer(plan, path, sample_format)?;
    let mut sink = |block: &BlockRef| Ok(writer.write_f64(block)?);
    let progress = |part| context.listener.progress(part);
    let outputs = vec![output(&mut sink)];
    let reductions = engine::render(plan, source, outputs, &render_options(context, &progress, None))?;
    writer.finish()?;
    Ok(reductions)
}
