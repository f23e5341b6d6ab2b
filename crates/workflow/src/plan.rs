//! Decide, listen, decide again: the mixing steps in order, over a session that a person may have edited.

use crate::merging::Merging;
use crate::{Context, Project, WorkflowError, listen};
use assistant::{Hears, Recording, Rules, SongFacts};
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
}

/// Plans the mix and writes the session, unless it is a dry run.
pub fn plan(project: &Project, request: &PlanRequest, context: &Context) -> Result<Planned, WorkflowError> {
    let mut planner =
        Planner { project, request, merging: Merging::open(project)?, facts: SongFacts::default() };
    planner.begin()?;
    planner.run(context)?;
    planner.finish()
}

struct Planner<'a> {
    project: &'a Project,
    request: &'a PlanRequest,
    merging: Merging,
    facts: SongFacts,
}

impl Planner<'_> {
    /// A whole plan starts from the recordings; a part of one goes on from the last.
    fn begin(&mut self) -> Result<(), WorkflowError> {
        let part = !(self.request.steps.is_empty() && self.request.strips.is_empty());
        if part && self.merging.has_plan() {
            return Ok(());
        }
        let listing = self.project.some_recordings()?;
        let recordings = recordings(self.project, &listing.files)?;
        let imported = assistant::import(&recordings, &title(self.project));
        let theirs = with_persons_strips(imported.session, self.merging.mine.as_ref())?;
        self.merging.start_over(theirs)?;
        self.merging.note(imported.decisions);
        Ok(())
    }

    fn wanted(&self, decision: &Decision) -> bool {
        let strips = &self.request.strips;
        let parts = decision.change.path().parts();
        strips.is_empty() || parts.iter().take(2).any(|part| strips.contains(part))
    }

    fn session(&self) -> Result<Session, WorkflowError> {
        Ok(self.merging.merged().document.session()?)
    }

    fn run(&mut self, context: &Context) -> Result<(), WorkflowError> {
        let session = self.session()?;
        let sources = self.project.sources(&session)?;
        self.facts = listen::recordings(self.project, &session, &sources, context)?;
        self.facts.relations = crate::relations::measure(&session, &sources, context)?;
        self.facts.tempo = session.song.tempo_bpm.map(|bpm| (bpm, 1.0));
        let mut heard = Hears::Recordings;
        for step in assistant::STEPS {
            let steps = &self.request.steps;
            if !(steps.is_empty() || steps.contains(&step.id())) {
                continue;
            }
            context.check()?;
            let session = self.session()?;
            if step.hears() > heard {
                match step.hears() {
                    Hears::Recordings => {}
                    Hears::Strips => {
                        listen::strips(self.project, &session, &sources, &mut self.facts, context)?;
                    }
                    Hears::Mix => {
                        listen::mix(self.project, &session, &sources, &mut self.facts, context)?;
                    }
                }
                heard = step.hears();
            }
            context.listener.stage(&format!("step {}", step.id()), None);
            let rules = Rules { yours: self.merging.merged().yours, ..self.request.rules.clone() };
            let decided = step.decide(&self.facts, &session, &rules);
            let decided: Vec<Decision> = decided.into_iter().filter(|d| self.wanted(d)).collect();
            if !decided.is_empty() {
                self.merging.apply(decided)?;
                // What was heard is heard no more once something has changed.
                heard = Hears::Recordings;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Planned, WorkflowError> {
        let Merged { document, yours, .. } = self.merging.merged();
        let session = document.session()?;
        let changes = self.merging.changes()?;
        let decisions = match self.request.dry_run {
            true => self.merging.decisions().to_vec(),
            false => self.merging.save(self.project)?,
        };
        Ok(Planned { session, document, decisions, changes, yours, facts: self.facts })
    }
}

/// What a person has added stands in the plan as well, so that it is staged and placed like the rest.
fn with_persons_strips(mut session: Session, mine: Option<&Document>) -> Result<Document, WorkflowError> {
    if let Some(mine) = mine {
        let mine = mine.session()?;
        for strip in mine.channels() {
            if session.strip(&strip.id).is_some() {
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

/// What the importer is told of each file.
pub(crate) fn recordings(project: &Project, files: &[PathBuf]) -> Result<Vec<Recording>, WorkflowError> {
    let one = |path: &PathBuf| {
        let info = files::probe(path)?;
        Ok(Recording {
            path: project.relative(path),
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            duration_s: info.duration_s(),
            depth: info.encoding.describe(),
            notes: info.notes.iter().map(ToString::to_string).collect(),
        })
    };
    files.iter().map(one).collect()
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

/// Writes what is known about the song before anything is planned: as a person's words, which stay.
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
    let home = &project.home;
    std::fs::create_dir_all(home).map_err(WorkflowError::io(home, "create the folder"))?;
    Ok(session::save(&project.session_file(), &Document::new(&session).to_string())?)
}
