//! A session under planning: what a person wrote, what the machine wrote last, and the new plan.

use crate::{Project, WorkflowError};
use serde::{Deserialize, Serialize};
use session::{Change, Decision, Document, Merged, Path, Session, StepId};
use std::path::PathBuf;

/// What is kept beside a session to explain it.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub(crate) struct Evidence {
    /// All decisions behind the session, in order.
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

    fn save(&self, project: &Project) -> Result<(), WorkflowError> {
        let text = serde_json::to_vec_pretty(self).expect("decisions have only plain values");
        Ok(files::atomic_write(Evidence::file(project), &text)?)
    }
}

/// What the machine wrote last, against which a person's edits are seen.
fn plan_file(project: &Project) -> PathBuf {
    project.state().join("plan.toml")
}

fn load_if_there(file: &std::path::Path) -> Result<Option<Document>, WorkflowError> {
    if file.exists() { Ok(Some(session::load(file)?)) } else { Ok(None) }
}

/// A session under planning.
pub(crate) struct Merging {
    /// The session file as it is; absent before the first plan.
    pub(crate) mine: Option<Document>,
    base: Option<Document>,
    theirs: Document,
    decisions: Vec<Decision>,
    evidence: Evidence,
}

impl Merging {
    /// The session as it stands, to be planned on.
    pub(crate) fn open(project: &Project) -> Result<Merging, WorkflowError> {
        let mine = load_if_there(&project.session_file())?;
        if let Some(mine) = &mine {
            mine.session()?;
        }
        let base = load_if_there(&plan_file(project))?;
        let theirs = base.clone().or_else(|| mine.clone()).unwrap_or_default();
        let evidence = Evidence::load(project);
        Ok(Merging { mine, base, theirs, decisions: Vec::new(), evidence })
    }

    /// Starts the plan over; what was decided in the mastering steps stays.
    pub(crate) fn start_over(&mut self, theirs: Document) -> Result<(), WorkflowError> {
        let kept = self.base.as_ref().map(mastering_changes).unwrap_or_default();
        self.theirs = theirs;
        session::apply(&mut self.theirs, &kept)?;
        self.evidence.decisions.retain(|d| crate::master::is_mastering(d.step));
        Ok(())
    }

    /// True when there is a plan to go on from.
    pub(crate) fn has_plan(&self) -> bool {
        self.base.is_some()
    }

    /// The session that a person would get now: the plan so far, with their edits.
    pub(crate) fn merged(&self) -> Merged {
        match &self.mine {
            Some(mine) => session::merge(self.base.as_ref(), mine, &self.theirs),
            None => Merged { document: self.theirs.clone(), base: self.theirs.clone(), yours: Vec::new() },
        }
    }

    /// Writes decisions into the plan.
    pub(crate) fn apply(&mut self, decisions: Vec<Decision>) -> Result<(), WorkflowError> {
        session::apply(&mut self.theirs, &decisions)?;
        self.decisions.extend(decisions);
        Ok(())
    }

    /// Remembers decisions that the plan holds already.
    pub(crate) fn note(&mut self, decisions: Vec<Decision>) {
        self.decisions.extend(decisions);
    }

    /// Takes something out of the plan, so that a new plan need not repeat what is no longer wanted.
    pub(crate) fn forget(&mut self, path: &[&str]) -> Result<(), WorkflowError> {
        let path = Path::new(path.iter().copied());
        self.evidence.decisions.retain(|d| !path.contains(d.change.path()));
        let removal = Decision::new(StepId::CriticalListening, Change::Remove { path }, "");
        Ok(session::apply(&mut self.theirs, &[removal])?)
    }

    /// What was decided since this was opened.
    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What has changed against the session file.
    pub(crate) fn changes(&self) -> Result<Vec<session::Difference>, WorkflowError> {
        let before = match &self.mine {
            Some(mine) => mine.session()?,
            None => Session::new(),
        };
        Ok(session::difference(&before, &self.merged().document.session()?))
    }

    /// Writes session, plan and evidence; gives the new decisions.
    pub(crate) fn save(mut self, project: &Project) -> Result<Vec<Decision>, WorkflowError> {
        let merged = self.merged();
        let state = project.state();
        std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
        let replaced: Vec<&Path> = self.decisions.iter().map(|d| d.change.path()).collect();
        self.evidence.decisions.retain(|old| !replaced.contains(&old.change.path()));
        self.evidence.decisions.extend(self.decisions.iter().cloned());
        self.evidence.decisions.sort_by_key(|d| d.step);
        // The session last: killed in between, the next plan sees the old session against a newer plan, and takes
        // what differs for a person's edits, which loses nothing.
        self.evidence.save(project)?;
        session::save(&plan_file(project), &merged.base.to_string())?;
        session::save(&project.session_file(), &merged.document.to_string())?;
        Ok(self.decisions)
    }
}

/// What a plan holds of the mastering chain, as changes.
fn mastering_changes(base: &Document) -> Vec<Decision> {
    let path = Path::new(["master"]);
    let value = base.get(&path);
    let set = |value| Decision::new(StepId::CriticalListening, Change::Set { path, value }, "");
    value.map(set).into_iter().collect()
}
