//! Finished files: `deliver` and `check`.

use crate::master::MASTERED;
use crate::written::{WrittenFile, delivered_file};
use crate::{Context, Project, WorkflowError};
use delivery::{Checked, Delivered, Job, Preview, Target};
use serde::Serialize;
use session::Session;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What `deliver` prints.
#[derive(Debug, Clone, Serialize)]
pub struct DeliverResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// What was written.
    pub files: Vec<WrittenFile>,
    /// Everything about each.
    pub details: Vec<delivery::Delivered>,
    /// What would be written, when nothing was.
    pub planned: Vec<delivery::Plan>,
    /// Whether every file passed its check.
    pub passed: bool,
}

/// Writes the master of a project for targets.
pub fn deliver(
    project: &Project,
    targets: &[String],
    dry_run: bool,
    context: &Context,
) -> Result<DeliverResult, WorkflowError> {
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    let session = project.load()?.session()?;
    let float = project.state().join("master.wav");
    if !float.exists() {
        return Err(WorkflowError::Usage(format!(
            "{}: there is no master yet; run `tonmeister produce` or `tonmeister render master` first",
            project.home.display()
        )));
    }
    if changed_since(&project.state().join(MASTERED), &session) {
        context.listener.note(
            "the session has changed since this master was rendered; `tonmeister render premaster master` renders it anew",
        );
    }
    let targets = match (targets, session.deliver.targets.as_slice()) {
        ([], []) => vec![delivery::DEFAULT_TARGET.to_string()],
        ([], own) => own.to_vec(),
        (asked, _) => asked.to_vec(),
    };
    let title = session.song.title.clone().unwrap_or_else(|| "master".into());
    if !dry_run {
        let info = files::probe(&float)?;
        let bytes = crate::space::mastering(info.frames as u64, info.channels as u64);
        crate::space::ensure(&project.home, bytes)?;
    }
    let mut result = DeliverResult {
        schema: "tonmeister.deliver/1",
        files: Vec::new(),
        details: Vec::new(),
        planned: Vec::new(),
        passed: true,
    };
    for id in &targets {
        context.check()?;
        context.listener.stage(&format!("delivering for {id}"), None);
        if dry_run {
            let target = delivery::find_target(id)?;
            let folder = project.out().join("deliver").join(target.id.as_ref());
            result.planned.push(delivery::Job::new(&float, target, &folder, &title).plan()?);
            continue;
        }
        let (delivered, stopped) = deliver_one(project, &session, id, &title, context)?;
        if let Some(why) = stopped {
            context.listener.note(&format!("{id}: {why}"));
        }
        result.passed &= delivered.passed;
        result.files.push(delivered_file(id, &delivered));
        result.details.push(delivered);
    }
    Ok(result)
}

/// Writes the master for one target; says why where its loudness could not be reached.
pub(crate) fn deliver_one(
    project: &Project,
    session: &Session,
    target: &str,
    title: &str,
    context: &Context,
) -> Result<(Delivered, Option<String>), WorkflowError> {
    let target = delivery::find_target(target)?;
    let float = crate::retarget::float_for(project, session, target, context)?;
    let folder: PathBuf = project.out().join("deliver").join(target.id.as_ref());
    std::fs::create_dir_all(&folder).map_err(WorkflowError::io(&folder, "create the folder"))?;
    let job = Job { seed: session.seed, ..Job::new(&float.path, target, &folder, title) };
    Ok((delivered(&job, context)?, float.stopped))
}

/// Writes a file for a target, as long as the user wants it.
pub(crate) fn delivered(job: &Job, context: &Context) -> Result<Delivered, WorkflowError> {
    let delivered = delivery::deliver_observed(job, &mut |_, part| {
        context.listener.progress(part);
        if context.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    Ok(delivered?)
}

/// Whether the sound of a session is another than that of the one a master was rendered from; not when that one cannot
/// be told.
fn changed_since(mastered: &Path, session: &Session) -> bool {
    let then = session::load(mastered).and_then(|document| document.session());
    let told = ["version", "deliver", "song"];
    let sounds =
        |path: &session::Path| path.parts().first().is_none_or(|table| !told.contains(&table.as_str()));
    then.is_ok_and(|then| session::difference(&then, session).iter().any(|d| sounds(&d.path)))
}

/// A file, its check and what the services will do to it.
#[derive(Debug, Clone, Serialize)]
pub struct CheckedFile {
    /// The check.
    #[serde(flatten)]
    pub checked: Checked,
    /// What each streaming service will do.
    pub services: Vec<Preview>,
}

/// What `check` prints.
#[derive(Debug, Clone, Serialize)]
pub struct CheckResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file that could be read, in the order given.
    pub files: Vec<CheckedFile>,
    /// Those that could not be read, and why.
    pub unreadable: Vec<crate::Unreadable>,
    /// Whether every file passed.
    pub passed: bool,
}

/// Holds finished files against a target. `services` is a file of a person's own rows for the preview of streaming
/// services.
pub fn check(
    paths: &[PathBuf],
    target: &str,
    services: Option<&Path>,
    context: &Context,
) -> Result<CheckResult, WorkflowError> {
    let target = delivery::find_target(target)?;
    let rows = crate::services::services(services, Path::new(""), context)?;
    let one = |path: &PathBuf| {
        context.check()?;
        context.listener.stage(&format!("checking {}", path.display()), None);
        let checked = delivery::check(path, target)?;
        let facts = &checked.reading.facts;
        let services = delivery::preview_of(&rows, facts.integrated_lufs, facts.true_peak_dbtp);
        Ok(CheckedFile { checked, services })
    };
    let (files, unreadable) = crate::measure_files::readable(paths, paths.iter().map(one).collect())?;
    let passed = unreadable.is_empty() && files.iter().all(|f| f.checked.passed);
    Ok(CheckResult { schema: "tonmeister.check/1", files, unreadable, passed })
}

/// All targets, or those with these ids.
pub fn targets(ids: &[String]) -> Result<Vec<&'static Target>, WorkflowError> {
    if ids.is_empty() {
        return Ok(delivery::TARGETS.iter().collect());
    }
    ids.iter().map(|id| Ok(delivery::find_target(id)?)).collect()
}
