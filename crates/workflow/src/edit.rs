//! Looking into a session and changing it from the shell: `why`, `set`, `undo`.

use crate::merging::Evidence;
use crate::{Context, Project, WorkflowError};
use serde::Serialize;
use session::{Decision, Edit, Path, SessionError, Value};
use std::path::PathBuf;

/// What `set` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Edited {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The session file.
    pub session: String,
    /// What was changed, in order.
    pub edits: Vec<Edit>,
    /// Nothing was written.
    pub dry_run: bool,
}

fn journal_file(project: &Project) -> PathBuf {
    project.state().join("edits.json")
}

fn journal(project: &Project) -> Vec<Vec<Edit>> {
    serde_json::from_slice(&std::fs::read(journal_file(project)).unwrap_or_default()).unwrap_or_default()
}

fn save_journal(project: &Project, journal: &[Vec<Edit>]) -> Result<(), WorkflowError> {
    let folder = project.state();
    std::fs::create_dir_all(&folder).map_err(WorkflowError::io(&folder, "create the folder"))?;
    let text = serde_json::to_vec_pretty(journal).expect("edits have only plain values");
    Ok(files::atomic_write(journal_file(project), &text)?)
}

/// Changes settings, `KEY=VALUE` each; all of them or none.
pub fn set(
    project: &Project,
    settings: &[String],
    dry_run: bool,
    context: &Context,
) -> Result<Edited, WorkflowError> {
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    let mut document = project.load()?;
    let mut edits = Vec::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(WorkflowError::Usage(format!(
                "`{setting}` is not KEY=VALUE, such as track.vox.fader_db=-2.5"
            )));
        };
        edits.push(document.set(key.trim(), value.trim()).map_err(|error| refused(setting, error))?);
    }
    if !dry_run {
        let mut journal = journal(project);
        journal.push(edits.clone());
        session::save(&project.session_file(), &document.to_string())?;
        save_journal(project, &journal)?;
    }
    Ok(edited(project, edits, dry_run))
}

/// The session stands; what was asked for would have spoiled it.
fn refused(setting: &str, error: SessionError) -> WorkflowError {
    let SessionError::Invalid { problems } = error else { return error.into() };
    let mut text = format!("`{setting}` would spoil the session, so nothing was changed");
    for problem in &problems {
        text += &format!("\n  {}", problem.message);
        text.extend(problem.hint.iter().map(|hint| format!(": {hint}")));
    }
    WorkflowError::Usage(text)
}

/// Takes the last `set` back.
pub fn undo(project: &Project, dry_run: bool, context: &Context) -> Result<Edited, WorkflowError> {
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    let mut document = project.load()?;
    let mut journal = journal(project);
    let last = journal.pop().ok_or_else(|| WorkflowError::Usage("there is nothing to undo".into()))?;
    let inverse: Vec<Edit> = last.iter().rev().map(Edit::inverse).collect();
    for edit in &inverse {
        document.edit(edit).map_err(|error| {
            WorkflowError::Usage(format!(
                "`{}` has changed since the last `set`, which can no longer be taken back: {error}",
                edit.path
            ))
        })?;
    }
    if !dry_run {
        session::save(&project.session_file(), &document.to_string())?;
        save_journal(project, &journal)?;
    }
    Ok(edited(project, inverse, dry_run))
}

fn edited(project: &Project, edits: Vec<Edit>, dry_run: bool) -> Edited {
    let session = crate::written::shown(&project.session_file());
    Edited { schema: "tonmeister.set/1", session, edits, dry_run }
}

/// What `why` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// Names the form of this object.
    pub schema: &'static str,
    /// What was asked for.
    pub path: Path,
    /// The value now; absent means neutral.
    pub value: Option<Value>,
    /// True when a person has set it.
    pub yours: bool,
    /// The decisions about it, in order.
    pub decisions: Vec<Decision>,
}

/// The evidence behind a strip or a setting; `vox` and `vox.fader_db` are found without their table's name.
pub fn why(project: &Project, what: &str, _context: &Context) -> Result<Why, WorkflowError> {
    let document = project.load()?;
    let session = document.session()?;
    let path: Path = what.parse().map_err(|_| {
        WorkflowError::Usage(format!("`{what}` is not a strip or a setting; one looks like vox.fader_db"))
    })?;
    let path = full_path(&session, path);
    let decisions: Vec<Decision> =
        Evidence::load(project).decisions.into_iter().filter(|d| d.concerns(&path)).collect();
    let value = document.get(&path);
    if value.is_none() && decisions.is_empty() {
        let known: Vec<&str> = session.strips().map(|s| s.id.as_str()).collect();
        return Err(WorkflowError::Usage(format!(
            "nothing is known about `{path}`; the strips are {}",
            known.join(", ")
        )));
    }
    let yours = crate::merging::persons(project, &document)?.iter().any(|p| p.contains(&path) || *p == path);
    Ok(Why { schema: "tonmeister.why/1", path, value, yours, decisions })
}

/// Completes `vox.fader_db` to `track.vox.fader_db`.
fn full_path(session: &session::Session, path: Path) -> Path {
    let Some(first) = path.parts().first() else { return path };
    match session.strip(first) {
        Some(strip) if !["premaster", "master"].contains(&first.as_str()) => {
            strip.path().join(&Path::new(path.parts()[1..].to_vec()))
        }
        _ => path,
    }
}
