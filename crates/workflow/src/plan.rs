//! Decide, listen, decide again: the mixing steps in order, over a session that a person may have edited.

use crate::heard::Heard;
use crate::merging::{self, Merging};
use crate::recordings::Found;
use crate::space::{Size, Wanted};
use crate::{Context, Project, WorkflowError, listen, reference_tone, rough_mix};
use assistant::{Hears, Rules, SongFacts};
use session::{Decision, Document, Merged, Path, Section, Session, StepId};
use std::path::PathBuf;

/// What to plan.
#[derive(Debug, Clone, Default)]
pub struct PlanRequest {
    /// Only these steps; empty for all.
    pub steps: Vec<StepId>,
    /// Only these strips; empty for all.
    pub strips: Vec<String>,
    /// How far the assistant goes.
    pub rules: Rules,
    /// Decide and tell, but write nothing.
    pub dry_run: bool,
    /// Recordings that cannot be read are left out and told, instead of ending the work.
    pub skip_unreadable: bool,
    /// Finished songs to be near to, with their weights; the session's where there are none.
    pub references: Vec<(PathBuf, f64)>,
}

/// What a plan came to.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The session as it stands now.
    pub session: Session,
    /// Its text.
    pub document: Document,
    /// Everything decided, in order.
    pub decisions: Vec<Decision>,
    /// What is different from the session before.
    pub changes: Vec<session::Difference>,
    /// Settings that a person has changed, and that stayed.
    pub yours: Vec<Path>,
    /// What was measured on the way.
    pub facts: SongFacts,
    /// What a person should know about how it was planned.
    pub notes: Vec<String>,
    /// Recordings that are in no track, and why.
    pub left_out: Vec<String>,
}

/// Plans the mix and writes the session, unless it is a dry run.
///
/// With steps or strips, everything else stays as the plan before has it, and decisions and changes are only those
/// asked for. Where there is no plan before, everything is planned.
pub fn plan(project: &Project, request: &PlanRequest, context: &Context) -> Result<Planned, WorkflowError> {
    known_focus(&request.rules)?;
    mixing_only(&request.steps)?;
    let project = if request.dry_run { project.untouched() } else { project.hold(context)? };
    let found = Found::in_folder(&project, &project.some_recordings()?.files)?;
    let found = found.without_unreadable(request.skip_unreadable, &project)?;
    let project = &project.fitting(Size::of(&found.recordings), Wanted::default(), context)?;
    let merging = Merging::open(project)?;
    let part = request.is_part() && merging.has_plan();
    let (facts, heard, notes) = (SongFacts::default(), Heard::new(project), Vec::new());
    let recorded = listen::AsRecorded::default();
    let left_out = found.told();
    let mut planner = Planner { project, request, part, merging, facts, heard, recorded, notes, left_out };
    planner.begin(&found)?;
    planner.run(context)?;
    planner.finish()
}

impl PlanRequest {
    fn is_part(&self) -> bool {
        !(self.steps.is_empty() && self.strips.is_empty())
    }

    fn has_step(&self, step: StepId) -> bool {
        self.steps.is_empty() || self.steps.contains(&step)
    }

    fn has_strip_of(&self, path: &Path) -> bool {
        self.strips.is_empty() || path.parts().iter().take(2).any(|part| self.strips.contains(part))
    }

    fn asks_for(&self, decision: &Decision) -> bool {
        self.has_step(decision.step) && self.has_strip_of(decision.change.path())
    }
}

/// A role that no track can have would silently mean none.
fn known_focus(rules: &Rules) -> Result<(), WorkflowError> {
    let Some(focus) = &rules.focus else { return Ok(()) };
    let roles = assistant::roles::roles();
    if roles.iter().any(|(id, family, _)| id == focus || family == focus) {
        return Ok(());
    }
    let similar = |id: &&str| id.contains(focus.as_str()) || focus.contains(*id);
    let near: Vec<&str> = roles.iter().map(|(id, ..)| *id).filter(similar).collect();
    let hint = if near.is_empty() { String::new() } else { format!(" (perhaps {})", near.join(", ")) };
    Err(WorkflowError::Usage(format!("there is no role `{focus}`{hint}; `tonmeister roles` lists them all")))
}

/// Mastering hears a rendered pre-master.
fn mixing_only(steps: &[StepId]) -> Result<(), WorkflowError> {
    match steps.iter().find(|step| step.is_mastering()) {
        None => Ok(()),
        Some(step) => Err(WorkflowError::Usage(format!(
            "step {step} is not part of the mix: steps 12 to 17 hear the rendered pre-master and are decided by \
             `tonmeister produce`, or by `tonmeister master` for a finished mix; `plan` takes 1 to 11"
        ))),
    }
}

/// The last step that changes how loud a track is before its fader.
const LEVELS_CHANGE_UNTIL: StepId = StepId::Character;
/// The faders are solved again at most so many times.
const MOST_ROUNDS: usize = 4;

struct Planner<'a> {
    project: &'a Project,
    request: &'a PlanRequest,
    /// Only what is asked for is decided; the rest is repeated from the plan before.
    part: bool,
    merging: Merging,
    facts: SongFacts,
    /// Which sounds the facts tell of.
    heard: Heard,
    /// What was heard of the recordings, until it has told how they sound at their levels.
    recorded: listen::AsRecorded,
    notes: Vec<String>,
    left_out: Vec<String>,
}

impl Planner<'_> {
    /// Every plan starts from the recordings as they are now.
    fn begin(&mut self, found: &Found) -> Result<(), WorkflowError> {
        let mut imported = assistant::import(&found.recordings, &title(self.project));
        let unreadable = found.unreadable.iter().map(|(path, error)| (path.clone(), error.to_string()));
        let left_out = imported.leave_out(&unreadable.collect::<Vec<_>>());
        let theirs = with_persons_strips(imported.session, &self.merging)?;
        self.merging.start_over(theirs)?;
        self.merging.note(imported.decisions);
        self.merging.apply(left_out.into_iter().collect())?;
        self.notes.extend(imported.notes);
        if self.request.is_part() && !self.part {
            self.notes.push(
                "there is no earlier plan here, so everything is planned; shown is what was asked for".into(),
            );
        }
        let session = self.session()?;
        let no_strip =
            |id: &&String| session.strip(id).is_none() && !["premaster", "song"].contains(&id.as_str());
        // Returns and buses may come into being on the way.
        if let Some(unknown) = self.request.strips.iter().find(no_strip)
            && !self.merging.decided_before(unknown)
        {
            let known: Vec<&str> = session.channels().map(|s| s.id.as_str()).collect();
            let known = known.join(", ");
            return Err(WorkflowError::Usage(format!(
                "`{unknown}` is neither a step nor a track; the tracks are {known}"
            )));
        }
        Ok(())
    }

    /// What a part of a plan takes over from the plan before.
    fn earlier(&self, step: StepId) -> Result<Vec<Decision>, WorkflowError> {
        if !self.part {
            return Ok(Vec::new());
        }
        self.merging.earlier(step, |d| !self.request.asks_for(d))
    }

    /// Decisions about other strips are those of the plan before, unless they make what is needed now.
    fn wanted(&self, decision: &Decision, session: &Session, earlier: &[Decision]) -> bool {
        let path = decision.change.path();
        let makes_a_strip = || match path.parts() {
            [table, id, ..] if table == "bus" || table == "return" => {
                let strip = Path::new([table, id]);
                session.strip(id).is_none() && !earlier.iter().any(|d| strip.contains(d.change.path()))
            }
            _ => false,
        };
        !self.part || self.request.has_strip_of(path) || makes_a_strip()
    }

    fn session(&self) -> Result<Session, WorkflowError> {
        Ok(self.merging.merged().document.session()?)
    }

    fn run(&mut self, context: &Context) -> Result<(), WorkflowError> {
        let session = self.session()?;
        let sources = self.project.sources(&session)?;
        let (facts, recorded) = listen::recordings(self.project, &session, &sources, context)?;
        (self.facts, self.recorded) = (facts, recorded);
        self.facts.relations =
            crate::relations::measure(&session, &sources, &self.facts, &mut self.heard, context)?;
        self.facts.rough_mix = rough_mix::measure(&session, &sources, &self.facts, &mut self.heard, context)?;
        let references = reference_tone::asked(self.project, &session, &self.request.references);
        self.facts.references = reference_tone::measure(&references, &mut self.heard, context)?;
        self.facts.tempo = session.song.tempo_bpm.map(|bpm| (bpm, 1.0));
        let mut heard = Hears::Recordings;
        for step in assistant::STEPS {
            context.check()?;
            self.take(*step, &sources, &mut heard, context)?;
            if step.id() == LEVELS_CHANGE_UNTIL {
                self.balance_again(&sources, &mut heard, context)?;
            }
        }
        Ok(())
    }

    /// Takes one step: hears what it needs to hear, and decides or repeats.
    fn take(
        &mut self,
        step: &dyn assistant::Step,
        sources: &engine::Sources,
        heard: &mut Hears,
        context: &Context,
    ) -> Result<(), WorkflowError> {
        let earlier = self.earlier(step.id())?;
        if self.part && !self.request.has_step(step.id()) {
            if !earlier.is_empty() {
                self.merging.apply_what_can_be(earlier);
                *heard = Hears::Recordings;
            }
            return Ok(());
        }
        let session = self.session()?;
        let hears = step.hears(&session);
        if hears > *heard {
            match hears {
                Hears::Recordings => {}
                Hears::Strips => {
                    self.listen_to_strips(&session, sources, context)?;
                }
                Hears::Buses => {
                    listen::buses(
                        self.project,
                        &session,
                        sources,
                        &mut self.facts,
                        &mut self.heard,
                        context,
                    )?;
                }
                Hears::Mix => {
                    listen::mix(self.project, &session, sources, &mut self.facts, &mut self.heard, context)?;
                }
            }
            *heard = hears;
        }
        context.listener.stage(&format!("step {}", step.id()), None);
        let rules = Rules { yours: self.merging.settled(), ..self.request.rules.clone() };
        let decided = step.decide(&self.facts, &session, &rules);
        // Decided as in a whole plan; what is not asked for comes as it was.
        let decided = decided.into_iter().filter(|d| self.wanted(d, &session, &earlier));
        let decided: Vec<Decision> = decided.collect();
        let mut under_edit = self.merging.under_edit(step.id(), &decided)?;
        under_edit.retain(|d| !self.part || self.request.asks_for(d));
        let decisions = [earlier, under_edit, decided].concat();
        if !decisions.is_empty() {
            match self.part {
                true => self.merging.apply_what_can_be(decisions),
                false => self.merging.apply(decisions)?,
            }
            // What was heard is heard no more once something has changed.
            *heard = Hears::Recordings;
        }
        Ok(())
    }

    /// Measures the tracks as they are now; the first time those that were only turned up or down are told by their
    /// recordings.
    fn listen_to_strips(
        &mut self,
        session: &Session,
        sources: &engine::Sources,
        context: &Context,
    ) -> Result<(), WorkflowError> {
        let mut recorded = std::mem::take(&mut self.recorded);
        listen::levels(session, sources, &mut recorded, &mut self.facts, &mut self.heard, context)?;
        drop(recorded);
        listen::strips(session, sources, &mut self.facts, &mut self.heard, context)
    }

    /// Dynamics, equalisers and spaces have changed how loud tracks are: the faders are solved again on what the
    /// tracks sound like now, until none moves.
    fn balance_again(
        &mut self,
        sources: &engine::Sources,
        heard: &mut Hears,
        context: &Context,
    ) -> Result<(), WorkflowError> {
        if self.part && !self.request.has_step(StepId::StaticMix) {
            return Ok(());
        }
        let session = self.session()?;
        if *heard < Hears::Strips {
            self.listen_to_strips(&session, sources, context)?;
            *heard = Hears::Strips;
        }
        let earlier = self.earlier(StepId::StaticMix)?;
        for _ in 0..MOST_ROUNDS {
            context.check()?;
            // Tracks are heard before their faders: what they sound like does not change with these.
            let session = self.session()?;
            let rules = Rules { yours: self.merging.settled(), ..self.request.rules.clone() };
            let moves = assistant::rebalance(&self.facts, &session, &rules);
            let moves: Vec<Decision> =
                moves.into_iter().filter(|d| self.wanted(d, &session, &earlier)).collect();
            if moves.is_empty() {
                break;
            }
            self.merging.apply_anew(moves)?;
            *heard = Hears::Recordings;
        }
        Ok(())
    }

    fn finish(self) -> Result<Planned, WorkflowError> {
        let Merged { document, yours, .. } = self.merging.merged();
        let session = document.session()?;
        if !self.part {
            self.heard.prune();
        }
        let rules = Rules { yours: yours.clone(), ..self.request.rules.clone() };
        let unanswered = assistant::unanswered_notes(&session, &rules).into_iter();
        let notes = unanswered.map(|(strip, note, why)| {
            format!("your note \"{}\" about {strip} is not answered: {why}", note.text)
        });
        let notes = self.notes.iter().cloned().chain(notes).collect();
        let mut changes = self.merging.changes()?;
        let mut decisions = match self.request.dry_run {
            true => self.merging.decisions().to_vec(),
            false => self.merging.save(self.project)?,
        };
        if self.request.is_part() {
            decisions.retain(|d| self.request.asks_for(d));
            if !self.part {
                changes.retain(|change| decisions.iter().any(|d| d.concerns(&change.path)));
            }
        }
        let left_out = self.left_out;
        Ok(Planned { session, document, decisions, changes, yours, facts: self.facts, notes, left_out })
    }
}

/// What a person has added stands in the plan as well, so that it is staged and placed like the rest.
fn with_persons_strips(mut session: Session, merging: &Merging) -> Result<Document, WorkflowError> {
    if let Some(mine) = &merging.mine {
        let mine = mine.session()?;
        for strip in mine.channels() {
            if session.strip(&strip.id).is_some() || merging.is_the_machines(&strip.path()) {
                continue;
            }
            let mut bare = session::Strip::new(strip.class, strip.id.clone());
            bare.files = strip.files.clone();
            bare.role = strip.role.clone();
            bare.bus = strip.bus.clone();
            bare.start_s = strip.start_s;
            session.add(bare);
        }
    }
    Ok(Document::new(&session))
}

/// A song is called like its folder until somebody says better.
fn title(project: &Project) -> String {
    let absolute = std::fs::canonicalize(&project.folder).unwrap_or_else(|_| project.folder.clone());
    let name = |p: &std::path::Path| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let own = name(&absolute).unwrap_or_default();
    if ["tracks", "audio", "stems", "multitrack"].contains(&own.to_lowercase().as_str()) {
        return absolute.parent().and_then(name).unwrap_or(own);
    }
    own
}

/// Writes what is known about the song before anything is planned; every plan goes by it.
pub(crate) fn prepare_song(
    project: &Project,
    title: Option<&str>,
    song: Option<&(f64, Vec<(String, f64)>)>,
) -> Result<(), WorkflowError> {
    if (title.is_none() && song.is_none()) || project.session_file().exists() {
        return Ok(());
    }
    let mut session = Session::new();
    session.song.title = title.map(str::to_string);
    if let Some((tempo_bpm, sections)) = song {
        session.song.tempo_bpm = Some(*tempo_bpm);
        let section = |(name, start_s): &(String, f64)| Section { name: name.clone(), start_s: *start_s };
        session.song.sections = sections.iter().map(section).collect();
    }
    merging::tell(project, &session)
}
