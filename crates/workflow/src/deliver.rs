//! The files of a finished master: `deliver`.

use crate::handing_over::{DeliverRequest, HandedOver, Order, Wishes, hand_over, plans};
use crate::rerender::{self, Master};
use crate::saving::mastered_file;
use crate::tags::tags_of;
use crate::written::{WrittenFile, delivered_file};
use crate::{Context, Project, WorkflowError};
use delivery::{Delivered, Joins, Preview};
use serde::Serialize;
use session::Session;
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
    /// ZIP files of whole folders.
    pub zips: Vec<String>,
    /// What each streaming service will do to the master, where one was asked for.
    pub services: Vec<Preview>,
    /// What would be written, when nothing was.
    pub planned: Vec<delivery::Plan>,
    /// Whether every file passed its check.
    pub passed: bool,
}

/// Writes the master of a project for targets.
pub fn deliver(
    project: &Project,
    request: &DeliverRequest,
    context: &Context,
) -> Result<DeliverResult, WorkflowError> {
    let dry_run = request.dry_run;
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    project.knows_targets(&request.targets)?;
    let session = project.load()?.session()?;
    if !rerender::is_there(project) {
        let first = match project.single {
            Some(_) => "`tonmeister master FILE` with the same -o",
            None => "`tonmeister produce` or `tonmeister render master`",
        };
        let place = project.home.display();
        return Err(WorkflowError::Usage(format!("{place}: there is no master yet; run {first} first")));
    }
    if changed_since(&mastered_file(project), &session) {
        context.listener.note(
            "the session has changed since this master was rendered; `tonmeister render premaster master` renders it anew",
        );
    }
    let ids = match (request.targets.as_slice(), session.deliver.targets.as_slice()) {
        ([], []) => vec![delivery::DEFAULT_TARGET.to_string()],
        ([], own) => own.to_vec(),
        (asked, _) => asked.to_vec(),
    };
    let master = match dry_run {
        true => Master::form_of(project, &session),
        false => Master::of(project, context)?,
    };
    if !dry_run {
        let info = files::probe(&master.path)?;
        let bytes = crate::space::mastering(info.frames as u64, info.channels as u64);
        crate::space::ensure(&project.home, bytes)?;
    }
    let targets = project.targets()?;
    request.check(&targets)?;
    let wishes = Wishes { among_others: project.single.clone(), ..Wishes::of(request, &session.deliver)? };
    let tags = tags_of(&session, project)?;
    let mut floats = Vec::new();
    let mut orders = Vec::new();
    for id in &ids {
        context.check()?;
        let target = targets.find(id)?;
        let source = if dry_run {
            master.path.clone()
        } else {
            let float = crate::retarget::float_for(project, &session, target, &master.path, context)?;
            if let Some(why) = &float.stopped {
                context.listener.note(&format!("{id}: {why}"));
            }
            let path = float.path.clone();
            floats.push(float);
            path
        };
        let folder = project.out().join("deliver").join(target.id.as_ref());
        orders.push(Order {
            source,
            target: target.clone(),
            folder,
            tags: tags.clone(),
            joins: Joins::default(),
            seed: session.seed,
        });
    }
    let services = match orders.iter().any(|order| order.target.service) && !dry_run {
        true => preview(&master.path, project)?,
        false => Vec::new(),
    };
    let planned = if dry_run { plans(&orders, &wishes)? } else { Vec::new() };
    let handed = if dry_run { HandedOver::default() } else { hand_over(&orders, &wishes, context)? };
    Ok(DeliverResult {
        schema: "tonmeister.deliver/1",
        files: handed.files.iter().map(|d| delivered_file(&d.target, d)).collect(),
        passed: handed.files.iter().all(|d| d.passed),
        details: handed.files,
        zips: handed.zips,
        services,
        planned,
    })
}

/// What the services do to the one master that all of them get.
fn preview(master: &Path, project: &Project) -> Result<Vec<Preview>, WorkflowError> {
    let facts = delivery::read_back(master)?.facts;
    let rows = crate::services::services_in(&project.folder)?;
    Ok(delivery::preview_of(&rows, facts.integrated_lufs, facts.true_peak_dbtp))
}

/// Writes the master for one target, in the session's kinds of file; says why where its loudness could not be reached.
pub(crate) fn deliver_one(
    project: &Project,
    session: &Session,
    target: &str,
    context: &Context,
) -> Result<(Vec<Delivered>, Option<String>), WorkflowError> {
    let target = project.targets()?.find(target)?.clone();
    let master = Master::of(project, context)?;
    let float = crate::retarget::float_for(project, session, &target, &master.path, context)?;
    let folder: PathBuf = project.out().join("deliver").join(target.id.as_ref());
    let wishes = Wishes::of(&DeliverRequest::default(), &session.deliver)?;
    let tags = tags_of(session, project)?;
    let order = Order {
        source: float.path.clone(),
        target,
        folder,
        tags,
        joins: Joins::default(),
        seed: session.seed,
    };
    Ok((hand_over(&[order], &wishes, context)?.files, float.stopped))
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
