//! Decide, listen, decide again: the mixing steps in order, over a session that a person may have edited.

use crate::{Context, Project, WorkflowError, listen};
use assistant::{Hears, Recording, Rules, SongFacts};
use serde::{Deserialize, Serialize};
use session::{Decision, Document, Merged, Path, Session, StepId};
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

/// What is kept beside a session to explain and to merge it.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub(crate) struct Evidence {
    /// All decisions behind the session.
    pub(crate) decisions: Vec<Decision>,
}

impl Evidence {
    fn file(project: &Project) -> PathBuf {
        project.state().join("decisions.json")
    }

    /// What was kept; nothing when nothing can be read.
    pub(crate) fn load(project: &Project) -> Evidence {
        let text = std::fs::read(Evidence::file(project)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(crate) fn save(&self, project: &Project) -> Result<(), WorkflowError> {
        let folder = project.state();
        std::fs::create_dir_all(&folder).map_err(WorkflowError::io(&folder, "create the folder"))?;
        let text = serde_json::to_vec_pretty(self).expect("decisions have only plain values");
        Ok(files::atomic_write(Evidence::file(project), &text)?)
    }
}

/// What the machine wrote last, against which a person's edits are seen.
fn plan_file(project: &Project) -> PathBuf {
    project.state().join("plan.toml")
}

/// A document that is read when its file is there.
fn load_if_there(file: &std::path::Path) -> Result<Option<Document>, WorkflowError> {
    if file.exists() { Ok(Some(session::load(file)?)) } else { Ok(None) }
}

/// Plans the mix and writes the session, unless it is a dry run.
pub fn plan(project: &Project, request: &PlanRequest, context: &Context) -> Result<Planned, WorkflowError> {
    let mine = load_if_there(&project.session_file())?;
    if let Some(mine) = &mine {
        mine.session()?;
    }
    let base = load_if_there(&plan_file(project))?;
    let mut planner = Planner::new(project, request, mine, base)?;
    planner.run(context)?;
    let planned = planner.finish()?;
    if !request.dry_run {
        write(project, &planned)?;
    }
    Ok(planned.told)
}

struct Finished {
    told: Planned,
    /// Against which a person's next edits will be seen.
    base: Document,
    evidence: Evidence,
}

fn write(project: &Project, finished: &Finished) -> Result<(), WorkflowError> {
    let state = project.state();
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    // The session last: killed in between, the next plan sees the old session against a newer plan, and takes
    // what differs for a person's edits, which loses nothing.
    finished.evidence.save(project)?;
    session::save(&plan_file(project), &finished.base.to_string())?;
    Ok(session::save(&project.session_file(), &finished.told.document.to_string())?)
}

struct Planner<'a> {
    project: &'a Project,
    request: &'a PlanRequest,
    mine: Option<Document>,
    base: Option<Document>,
    theirs: Document,
    evidence: Evidence,
    decisions: Vec<Decision>,
    facts: SongFacts,
}

impl<'a> Planner<'a> {
    fn new(
        project: &'a Project,
        request: &'a PlanRequest,
        mine: Option<Document>,
        base: Option<Document>,
    ) -> Result<Planner<'a>, WorkflowError> {
        let partial = !(request.steps.is_empty() && request.strips.is_empty());
        let mut evidence = Evidence::load(project);
        let mut decisions = Vec::new();
        let theirs = match base.clone().filter(|_| partial) {
            Some(base) => base,
            None => {
                let listing = project.some_recordings()?;
                let recordings = recordings(project, &listing.files)?;
                let imported = assistant::import(&recordings, &title(project));
                decisions.extend(imported.decisions);
                evidence.decisions.clear();
                with_persons_strips(imported.session, mine.as_ref())?
            }
        };
        Ok(Planner {
            project,
            request,
            mine,
            base,
            theirs,
            evidence,
            decisions,
            facts: SongFacts::default(),
        })
    }

    /// The session that a person would get now: the plan so far, with their edits.
    fn merged(&self) -> Merged {
        match &self.mine {
            Some(mine) => session::merge(self.base.as_ref(), mine, &self.theirs),
            None => {
                Merged { document: self.theirs.clone(), base: self.theirs.clone(), yours: Vec::new() }
            }
        }
    }

    fn wanted(&self, decision: &Decision) -> bool {
        let strips = &self.request.strips;
        let parts = decision.change.path().parts();
        strips.is_empty() || parts.iter().take(2).any(|part| strips.contains(part))
    }

    fn run(&mut self, context: &Context) -> Result<(), WorkflowError> {
        let session = self.merged().document.session()?;
        let sources = self.project.sources(&session)?;
        self.facts = listen::recordings(self.project, &session, &sources, context)?;
        self.facts.relations = crate::relations::measure(&session, &sources, context)?;
        if let Some(bpm) = session.song.tempo_bpm {
            self.facts.tempo = Some((bpm, 1.0));
        }
        let mut heard = Hears::Recordings;
        for step in assistant::STEPS {
            let steps = &self.request.steps;
            if !(steps.is_empty() || steps.contains(&step.id())) {
                continue;
            }
            context.check()?;
            let session = self.merged().document.session()?;
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
            let decided = step.decide(&self.facts, &session, &self.request.rules);
            let decided: Vec<Decision> = decided.into_iter().filter(|d| self.wanted(d)).collect();
            if !decided.is_empty() {
                session::apply(&mut self.theirs, &decided)?;
                // What was heard is heard no more once something has changed.
                heard = Hears::Recordings;
            }
            self.decisions.extend(decided);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Finished, WorkflowError> {
        let Merged { document, base, yours } = self.merged();
        let session = document.session()?;
        let before = match &self.mine {
            Some(mine) => mine.session()?,
            None => Session::new(),
        };
        let changes = session::difference(&before, &session);
        let replaced: Vec<&Path> = self.decisions.iter().map(|d| d.change.path()).collect();
        self.evidence.decisions.retain(|old| !replaced.contains(&old.change.path()));
        self.evidence.decisions.extend(self.decisions.iter().cloned());
        let told =
            Planned { session, document, decisions: self.decisions, changes, yours, facts: self.facts };
        Ok(Finished { told, base, evidence: self.evidence })
    }
}

/// What a person has added stands in the plan as well, so that it is staged and placed like the rest.
fn with_persons_strips(mut session: Session, mine: Option<&Document>) -> Result<Document, WorkflowError> {
    if let Some(mine) = mine {
        let mine = mine.session()?;
        for strip in mine.channels().filter(|s| session.strip(&s.id).is_none()) {
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
