//! Session, plan and reasons are three files that belong together: all of them change, or none.
//!
//! What is going to be written stands whole in one file first. Whoever is cut off in between is completed by the next
//! run. Otherwise a new plan beside an old session would take everything decided since for a person's edits, and keep it.

use crate::{Project, WorkflowError};
use serde::{Deserialize, Serialize};
use session::Document;
use std::path::PathBuf;

/// The files as they shall be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saving {
    /// The session as it was before; absent when there was none.
    before: Option<String>,
    session: String,
    plan: String,
    decisions: String,
}

/// What the machine wrote last, against which a person's edits are seen.
pub(crate) fn plan_file(project: &Project) -> PathBuf {
    project.state().join("plan.toml")
}

/// The reasons.
pub(crate) fn decisions_file(project: &Project) -> PathBuf {
    project.state().join("decisions.json")
}

/// The session as it was when its master was rendered.
pub(crate) fn mastered_file(project: &Project) -> PathBuf {
    project.state().join("mastered.toml")
}

/// How the master of a finished mix is rendered again, whose float is not kept.
pub(crate) fn rerender_file(project: &Project) -> PathBuf {
    project.state().join("rerender.json")
}

fn saving_file(project: &Project) -> PathBuf {
    project.state().join("saving.json")
}

fn text_of(file: PathBuf) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

/// Writes session, plan and reasons as one.
pub(crate) fn save(
    project: &Project,
    session: String,
    plan: String,
    decisions: String,
) -> Result<(), WorkflowError> {
    let state = project.state();
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    let saving = Saving { before: text_of(project.session_file()), session, plan, decisions };
    let text = serde_json::to_vec(&saving).expect("texts only");
    files::atomic_write(saving_file(project), &text)?;
    saving.carry_out(project, true)
}

/// Completes what a run was cut off in, where it was.
pub(crate) fn complete(project: &Project) -> Result<(), WorkflowError> {
    let file = saving_file(project);
    let Ok(bytes) = std::fs::read(&file) else { return Ok(()) };
    let Ok(saving) = serde_json::from_slice::<Saving>(&bytes) else {
        return std::fs::remove_file(&file).map_err(WorkflowError::io(file, "remove it"));
    };
    let now = text_of(project.session_file());
    if now == saving.before || now.as_ref() == Some(&saving.session) {
        return saving.carry_out(project, true);
    }
    // A person has edited the session since. Which of the two they had before them is the one they changed less in.
    let edits = |plan: Option<String>, mine: &Document| {
        let base: Option<Document> = plan.and_then(|text| text.parse().ok());
        session::yours(base.as_ref(), mine).len()
    };
    let mine = now.and_then(|text| text.parse::<Document>().ok());
    let newer = mine.is_some_and(|mine| {
        edits(Some(saving.plan.clone()), &mine) <= edits(text_of(plan_file(project)), &mine)
    });
    if newer {
        return saving.carry_out(project, false);
    }
    std::fs::remove_file(&file).map_err(WorkflowError::io(file, "remove it"))
}

impl Saving {
    fn carry_out(&self, project: &Project, with_session: bool) -> Result<(), WorkflowError> {
        files::atomic_write(decisions_file(project), self.decisions.as_bytes())?;
        session::save(&plan_file(project), &self.plan)?;
        if with_session {
            session::save(&project.session_file(), &self.session)?;
        }
        let file = saving_file(project);
        std::fs::remove_file(&file).map_err(WorkflowError::io(file, "remove it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "version = 1\n[song]\ntitle = \"old\"\ntempo_bpm = 90.0\n";
    const NEW: &str = "version = 1\n[song]\ntitle = \"new\"\ntempo_bpm = 120.0\n";

    /// A project in which everything is old, and the new is about to be carried out.
    fn cut_off() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), None).unwrap();
        save(&project, OLD.into(), OLD.into(), "[1]".into()).unwrap();
        let saving = Saving {
            before: Some(OLD.into()),
            session: NEW.into(),
            plan: NEW.into(),
            decisions: "[2]".into(),
        };
        std::fs::write(saving_file(&project), serde_json::to_vec(&saving).unwrap()).unwrap();
        (folder, project)
    }

    fn state(project: &Project) -> [Option<String>; 4] {
        [project.session_file(), plan_file(project), decisions_file(project), saving_file(project)]
            .map(text_of)
    }

    fn all_new() -> [Option<String>; 4] {
        [Some(NEW.into()), Some(NEW.into()), Some("[2]".into()), None]
    }

    /// Whatever of the three was written already.
    #[test]
    fn every_place_to_be_cut_off_in_is_completed() {
        for written in 0..=3 {
            let (_folder, project) = cut_off();
            let steps = [
                (decisions_file(&project), "[2]"),
                (plan_file(&project), NEW),
                (project.session_file(), NEW),
            ];
            for (file, text) in &steps[..written] {
                std::fs::write(file, text).unwrap();
            }
            complete(&project).unwrap();
            assert_eq!(state(&project), all_new(), "after {written}");
            complete(&project).unwrap();
            assert_eq!(state(&project), all_new());
        }
    }

    #[test]
    fn an_edit_since_then_is_never_lost_and_stands_against_what_it_was_made_in() {
        for (seen, plan, decisions) in [(OLD, OLD, "[1]"), (NEW, NEW, "[2]")] {
            let (_folder, project) = cut_off();
            let edited = format!("{seen}sample_rate_hz = 96000\n");
            std::fs::write(project.session_file(), &edited).unwrap();
            complete(&project).unwrap();
            assert_eq!(state(&project), [Some(edited), Some(plan.into()), Some(decisions.into()), None]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_dropped() {
        let (_folder, project) = cut_off();
        std::fs::write(saving_file(&project), b"{\"before\":").unwrap();
        complete(&project).unwrap();
        assert_eq!(state(&project), [Some(OLD.into()), Some(OLD.into()), Some("[1]".into()), None]);
    }
}
