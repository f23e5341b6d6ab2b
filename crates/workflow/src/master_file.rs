//! Finished mixes: `master FILE`.

use crate::finished_song::{LEAST_S, nothing_heard};
use crate::master::{Mastered, master, session_of_file};
use crate::master_request::MasterRequest;
use crate::master_song::{dry_run_of_song, master_song, plain};
use crate::mastered_file::MasteredFile;
use crate::written::shown;
use crate::{Context, Project, WorkflowError, report_song};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What `master` prints.
#[derive(Debug, Clone, Serialize)]
pub struct MasterResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file, in the order given.
    pub files: Vec<MasteredFile>,
    /// Whether every master passed its check.
    pub passed: bool,
}

/// Masters finished mixes; each gets `NAME-master.wav` and `NAME.session.toml` beside it or in `home`. Of a song's folder the mix
/// that was rendered is mastered anew.
pub fn master_files(
    paths: &[PathBuf],
    home: Option<&Path>,
    request: &MasterRequest,
    dry_run: bool,
    context: &Context,
) -> Result<MasterResult, WorkflowError> {
    for path in paths {
        let project = if path.is_dir() { Project::new(path, home)? } else { Project::of_file(path, home)? };
        project.knows_targets(&request.target)?;
    }
    let mut files = Vec::new();
    for path in paths {
        context.check()?;
        files.push(match (path.is_dir(), dry_run) {
            (false, false) => master_file(path, home, request, context)?,
            (false, true) => dry_run_of(path, home, request, context)?,
            (true, false) => master_song(path, home, request, context)?,
            (true, true) => dry_run_of_song(path, home, request, context)?,
        });
    }
    let passed = files.iter().all(|f| f.master.passed == Some(true));
    Ok(MasterResult { schema: "tonmeister.master/1", files, passed })
}

/// Decides on a copy of the session, in a folder that is thrown away.
fn dry_run_of(
    path: &Path,
    home: Option<&Path>,
    request: &MasterRequest,
    context: &Context,
) -> Result<MasteredFile, WorkflowError> {
    let temporary = std::env::temp_dir();
    let scratch = tempfile::tempdir().map_err(WorkflowError::io(
        &temporary,
        "make a folder to try it in (TMPDIR says where; another can be named there)",
    ))?;
    let at_home = home_of(path, home, request)?;
    let (real, copy) =
        (Project::of_file(path, at_home.as_deref())?, Project::of_file(path, Some(scratch.path()))?);
    let state = copy.state();
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    let kept = ["plan.toml", "decisions.json"].map(|name| (real.state().join(name), state.join(name)));
    for (from, to) in kept.into_iter().chain([(real.session_file(), copy.session_file())]) {
        if from.exists() {
            std::fs::copy(&from, &to).map_err(WorkflowError::io(&from, "copy it"))?;
        }
    }
    let request = MasterRequest { ab: false, take: None, ..request.clone() };
    let mut file = master_file(path, Some(scratch.path()), &request, context)?;
    // What is told is where things would stand.
    let there = |name: &str| {
        let name = Path::new(name).file_name().unwrap_or_default();
        shown(&real.home.join(name))
    };
    file.session = there(&file.session);
    file.report = there(&file.report);
    file.master.path = there(&file.master.path);
    Ok(file)
}

fn master_file(
    path: &Path,
    home: Option<&Path>,
    request: &MasterRequest,
    context: &Context,
) -> Result<MasteredFile, WorkflowError> {
    let info = files::probe(path)?;
    if info.channels > 2 {
        return Err(engine::EngineError::Channels {
            track: path.display().to_string(),
            channels: info.channels,
        }
        .into());
    }
    if info.duration_s() < LEAST_S {
        return Err(nothing_heard(path, ""));
    }
    let at_home = home_of(path, home, request)?;
    if let Some(take) = at_home.as_ref().filter(|_| request.take.is_some()) {
        std::fs::create_dir_all(take).map_err(WorkflowError::io(take, "create the folder"))?;
    }
    let project = Project::of_file(path, at_home.as_deref())?.hold(context)?;
    let bytes = crate::space::mastering(info.frames as u64, info.channels.max(2) as u64);
    crate::space::ensure(&project.home, bytes)?;
    let stem = crate::written::name_of(path);
    let mut told = None;
    if !project.session_file().exists() {
        let session = session_of_file(&project.relative(path), &stem).session()?;
        crate::merging::tell(&project, &session)?;
        told = Some(session);
    }
    let target = project.home.join(format!("{stem}-master.wav"));
    let mastered: Mastered = master(&project, path, &target, request, context).inspect_err(|_| {
        told.iter().for_each(|session| crate::merging::untell(&project, session));
    })?;
    let ab = compared(path, home, &project, &mastered, request, context)?;
    let report_base = project.home.join(format!("{stem}-report"));
    let report = report_song::write_master(&project, &mastered, &ab, &report_base)?;
    Ok(MasteredFile::of(path, &project, &report, ab, mastered))
}

/// Where a take has its home: in a folder of its own beside the master without a name.
fn home_of(
    path: &Path,
    home: Option<&Path>,
    request: &MasterRequest,
) -> Result<Option<PathBuf>, WorkflowError> {
    let Some(take) = &request.take else { return Ok(home.map(Path::to_path_buf)) };
    let take = plain(take)?;
    let base = Project::of_file(path, home)?;
    Ok(Some(crate::ab::takes_of(&base.home, &crate::written::name_of(path)).join(take)))
}

/// What is compared, where it is asked for: takes are made to be.
fn compared(
    path: &Path,
    home: Option<&Path>,
    project: &Project,
    mastered: &Mastered,
    request: &MasterRequest,
    context: &Context,
) -> Result<Vec<crate::AbFile>, WorkflowError> {
    if !request.ab && request.take.is_none() {
        return Ok(Vec::new());
    }
    let stem = crate::written::name_of(path);
    let base = Project::of_file(path, home)?.home;
    let sounds = crate::ab::sounds(project, path, mastered, request, &crate::ab::masters_of(&base, &stem));
    crate::ab::write(&crate::ab::folder_of(&base, &stem), &sounds, mastered.goal.ceiling_dbtp, context)
}
