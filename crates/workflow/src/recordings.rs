//! The recordings of a folder before anybody listens: what each is, which cannot be read, which are not wanted.

use crate::error::BadInput;
use crate::{Project, WorkflowError, merging};
use assistant::Recording;
use rayon::prelude::*;
use std::path::PathBuf;

/// What lies in a folder, as the importer is told of it.
pub(crate) struct Found {
    pub(crate) recordings: Vec<Recording>,
    /// Those that cannot be read, as the session names them, and why.
    pub(crate) unreadable: Vec<(PathBuf, WorkflowError)>,
    /// Those that a person wants in no track.
    pub(crate) unwanted: Vec<PathBuf>,
}

impl Found {
    /// Looks at every file.
    pub(crate) fn in_folder(project: &Project, files: &[PathBuf]) -> Result<Found, WorkflowError> {
        let named = merging::left_out(project)?;
        let mut found = Found { recordings: Vec::new(), unreadable: Vec::new(), unwanted: Vec::new() };
        for file in files {
            let path = project.relative(file);
            if named.contains(&path) {
                found.unwanted.push(path);
                continue;
            }
            match recording(file, path.clone()) {
                Ok(recording) => found.recordings.push(recording),
                Err(error) => found.unreadable.push((path, error)),
            }
        }
        Ok(found)
    }

    /// An error that tells all that cannot be read, unless they are to be left out and something remains.
    pub(crate) fn without_unreadable(
        mut self,
        skip: bool,
        project: &Project,
    ) -> Result<Found, WorkflowError> {
        if skip {
            self.decode(project);
        }
        match self.recordings.is_empty() || !(skip || self.unreadable.is_empty()) {
            true => Err(self.nothing_left(project)),
            false => Ok(self),
        }
    }

    /// Why there is nothing to work on.
    pub(crate) fn nothing_left(self, project: &Project) -> WorkflowError {
        if self.unreadable.is_empty() {
            let reason = "the session leaves all of it out, at song.left_out".into();
            return WorkflowError::NoAudio { folder: project.folder.clone(), reason };
        }
        let bad = |(_, error)| BadInput { wanted_by: None, error };
        let bad = self.unreadable.into_iter().map(bad).collect();
        // There is something to go on with, if that is wanted, or there is not.
        if self.recordings.is_empty() { WorkflowError::Inputs(bad) } else { WorkflowError::Recordings(bad) }
    }

    /// Reads every recording to its end, as listening will: some files can be opened and break off later.
    pub(crate) fn decode(&mut self, project: &Project) {
        let read: Vec<_> = std::mem::take(&mut self.recordings)
            .into_par_iter()
            .map(|recording| (files::decoded_hash(project.resolve(&recording.path)), recording))
            .collect();
        for (heard, recording) in read {
            match heard {
                Ok(_) => self.recordings.push(recording),
                Err(error) => self.unreadable.push((recording.path, error.into())),
            }
        }
    }

    /// What is left out, in sentences.
    pub(crate) fn told(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter().map(|(_, error)| format!("left out: {error}"));
        let unwanted = self
            .unwanted
            .iter()
            .map(|path| format!("left out, as song.left_out of the session says: {}", path.display()));
        unreadable.chain(unwanted).collect()
    }
}

fn recording(file: &std::path::Path, path: PathBuf) -> Result<Recording, WorkflowError> {
    let info = files::probe(file)?;
    splittable(file, &info)?;
    Ok(Recording {
        path,
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
        duration_s: info.duration_s(),
        depth: info.encoding.describe(),
        time_reference_frames: info.broadcast.time_reference_frames,
        notes: info.notes.iter().map(ToString::to_string).collect(),
    })
}

/// Refuses what no track can hold, before anything is listened to: the many channels of a field recorder or a
/// surround mix.
fn splittable(path: &std::path::Path, info: &files::Info) -> Result<(), files::FileError> {
    if info.channels <= 2 {
        return Ok(());
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let named = info.broadcast.channel_names.iter().enumerate().filter(|(_, name)| !name.is_empty());
    let names: Vec<String> = named.map(|(n, name)| format!("{} {name}", n + 1)).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let what = format!(
        "has {} channels{names}, and a track has one or two; split it into mono files, in your DAW or with \
         `sox \"{file}\" NAME.wav remix N` for channel N, and move this one out of the folder",
        info.channels
    );
    Err(files::FileError::Unsupported { path: path.to_path_buf(), what })
}
