//! The master of a song folder, made anew from its rendered mix, and its takes.

use crate::ab::{self, take_label};
use crate::master::master;
use crate::master_request::MasterRequest;
use crate::mastered_file::MasteredFile;
use crate::merging::tell_as_it_was;
use crate::takes::{Home, Places, Promoted, elsewhere, names, promote};
use crate::written::shown;
use crate::{Context, Project, WorkflowError, report_song};
use session::Session;
use std::path::{Path, PathBuf};

/// Masters the mix of a song as it was rendered; a take goes into a folder of its own beside the master.
pub(crate) fn master_song(
    folder: &Path,
    home: Option<&Path>,
    request: &MasterRequest,
    context: &Context,
) -> Result<MasteredFile, WorkflowError> {
    let song = Project::new(folder, home)?;
    let premaster = premaster_of(&song)?;
    let at = home_of(&song, request)?;
    let project = at.project.hold(context)?;
    if request.take.is_some() {
        begin_take(&song, &project)?;
    }
    let mastered = master(&project, &premaster, &at.master, request, context)?;
    let compared = match request.ab || request.take.is_some() {
        true => {
            let masters = masters_of(&song);
            let sounds = ab::sounds(&project, &premaster, &mastered, request, &masters);
            ab::write(&ab_of(&song), &sounds, mastered.goal.ceiling_dbtp, context)?
        }
        false => Vec::new(),
    };
    let report = report_song::write_master(&project, &mastered, &compared, &at.report)?;
    Ok(MasteredFile::of(&premaster, &project, &report, compared, mastered))
}

/// The same in a folder that is thrown away; told is where things would stand.
pub(crate) fn dry_run_of_song(
    folder: &Path,
    home: Option<&Path>,
    request: &MasterRequest,
    context: &Context,
) -> Result<MasteredFile, WorkflowError> {
    let song = Project::new(folder, home)?;
    let premaster = premaster_of(&song)?;
    let there = home_of(&song, request)?;
    let temporary = std::env::temp_dir();
    let scratch = tempfile::tempdir().map_err(WorkflowError::io(&temporary, "make a folder to try it in"))?;
    let copy = home_of_take(&song, scratch.path());
    let from = if there.project.session_file().exists() { &there.project } else { &song };
    begin_take(from, &copy.project)?;
    let request = MasterRequest { ab: false, take: None, ..request.clone() };
    let project = copy.project.hold(context)?;
    let mastered = master(&project, &premaster, &copy.master, &request, context)?;
    let mut told = MasteredFile::of(&premaster, &there.project, &there.page(), Vec::new(), mastered);
    told.master.path = shown(&there.master);
    Ok(told)
}

/// Makes a take of a finished mix or of a song its master; what was the master becomes a take.
///
/// # Errors
/// When there is no such take, when the mix of a song has changed since it was made, or a file cannot be written.
pub fn promote_take(
    path: &Path,
    home: Option<&Path>,
    take: &str,
    dry_run: bool,
    context: &Context,
) -> Result<Promoted, WorkflowError> {
    let take = plain(take)?;
    if path.is_dir() {
        let song = Project::new(path, home)?;
        let takes = takes_of(&song);
        if takes.join(take).join("session.toml").is_file() {
            same_mix(&song, &home_of_take(&song, &takes.join(take)).project)?;
        }
        let home_of = |folder: &Path| Ok(home_of_take(&song, folder));
        let places = Places { base: &Home::of_song(song.clone()), takes: &takes, ab: &ab_of(&song) };
        return promote(places, take, &home_of, dry_run, context);
    }
    let stem = crate::written::name_of(path);
    let base = Project::of_file(path, home)?;
    let takes = ab::takes_of(&base.home, &stem);
    let home_of = |folder: &Path| Ok(Home::of_file(Project::of_file(path, Some(folder))?, &stem));
    let compared = ab::folder_of(&base.home, &stem);
    let places = Places { base: &Home::of_file(base, &stem), takes: &takes, ab: &compared };
    promote(places, take, &home_of, dry_run, context)
}

/// A name that can be a folder's.
pub(crate) fn plain(take: &str) -> Result<&str, WorkflowError> {
    if take.is_empty() || take.starts_with('.') || delivery::file_stem(take) != take {
        let reason =
            format!("'{take}' cannot name a folder; give a take a plain word, such as bright or take-2");
        return Err(WorkflowError::Usage(reason));
    }
    Ok(take)
}

fn premaster_of(song: &Project) -> Result<PathBuf, WorkflowError> {
    song.loaded()?;
    let premaster = song.out().join("premaster.wav");
    match premaster.is_file() {
        true => Ok(premaster),
        false => Err(WorkflowError::Usage(format!(
            "{}: there is no out/premaster.wav to master yet; `tonmeister produce {}` makes it",
            song.home.display(),
            song.folder.display()
        ))),
    }
}

fn ab_of(song: &Project) -> PathBuf {
    song.out().join("ab")
}

fn takes_of(song: &Project) -> PathBuf {
    song.out().join("takes")
}

/// Where the master that is asked for stands: the song's, or that of a take.
fn home_of(song: &Project, request: &MasterRequest) -> Result<Home, WorkflowError> {
    Ok(match &request.take {
        Some(take) => home_of_take(song, &takes_of(song).join(plain(take)?)),
        None => Home::of_song(song.clone()),
    })
}

fn home_of_take(song: &Project, folder: &Path) -> Home {
    Home::of_song(Project { home: folder.to_path_buf(), held: None, ..song.clone() })
}

/// The masters of a song that there are, the one without a name first.
fn masters_of(song: &Project) -> Vec<(String, PathBuf)> {
    let takes = takes_of(song);
    let take = |name: String| {
        let master = home_of_take(song, &takes.join(&name)).master;
        (take_label(&name), master)
    };
    let first = [(ab::MASTER.to_string(), Home::of_song(song.clone()).master)];
    let all = first.into_iter().chain(names(&takes).into_iter().map(take));
    all.filter(|(_, path)| path.is_file()).collect()
}

/// A take begins with the session of the song; one that is there goes on with its own.
fn begin_take(song: &Project, take: &Project) -> Result<(), WorkflowError> {
    if take.session_file().exists() {
        return same_mix(song, take);
    }
    tell_as_it_was(song, take, |document| elsewhere(document, song, take))
}

/// An error where the mix of a song is another than that of a take.
fn same_mix(song: &Project, take: &Project) -> Result<(), WorkflowError> {
    let session = |project: &Project| -> Result<Session, WorkflowError> {
        Ok(elsewhere(project.load()?, project, song)?.session()?)
    };
    let mixes = |path: &session::Path| {
        path.parts().first().is_none_or(|t| ["track", "bus", "return", "premaster"].contains(&t.as_str()))
    };
    let difference = session::difference(&session(song)?, &session(take)?);
    match difference.iter().find(|d| mixes(&d.path)) {
        None => Ok(()),
        Some(first) => Err(WorkflowError::Usage(format!(
            "{}: the mix has changed since this take was made ({}); make it again under another name, or take its folder \
             away first",
            take.home.display(),
            first.path
        ))),
    }
}
