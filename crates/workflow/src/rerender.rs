//! The master of a finished mix, in floating point: it is not kept, since its session renders it again from the mix to the
//! same bits, in less time than a file of four times the mix takes to be written out.

use crate::ceiling::keep_ceiling;
use crate::master::Work;
use crate::saving::{mastered_file, rerender_file};
use crate::{Context, Project, WorkflowError};
use serde::{Deserialize, Serialize};
use session::Session;
use std::path::{Path, PathBuf};

/// What a master was made of, besides its session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rerender {
    /// The hash of the mix's file.
    mix: String,
    /// The ceiling that was kept, in dBTP.
    ceiling_dbtp: f64,
    /// Whether the one channel of the mix stands on both sides.
    twice: bool,
}

impl Rerender {
    /// Of a mix as it is now.
    pub(crate) fn of(mix: &Path, ceiling_dbtp: f64, twice: bool) -> Result<Rerender, WorkflowError> {
        Ok(Rerender { mix: files::audio_hash(mix)?, ceiling_dbtp, twice })
    }

    /// Notes it where [`Master::of`] looks for it.
    pub(crate) fn note(&self, project: &Project) -> Result<(), WorkflowError> {
        let text = serde_json::to_vec(self).expect("only plain values");
        Ok(files::atomic_write(rerender_file(project), &text)?)
    }

    fn noted(project: &Project) -> Option<Rerender> {
        serde_json::from_slice(&std::fs::read(rerender_file(project)).ok()?).ok()
    }
}

/// A master in floating point.
pub(crate) struct Master {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it stands in, unless it is kept.
    _workshop: Option<files::Workshop>,
}

/// Whether a project has a master.
pub(crate) fn is_there(project: &Project) -> bool {
    kept(project).exists() || Rerender::noted(project).is_some()
}

fn kept(project: &Project) -> PathBuf {
    project.state().join("master.wav")
}

impl Master {
    /// The one that is kept, or as it is rendered again.
    pub(crate) fn of(project: &Project, context: &Context) -> Result<Master, WorkflowError> {
        let kept = kept(project);
        let Some(noted) = Rerender::noted(project).filter(|_| !kept.exists()) else {
            return Ok(Master { path: kept, _workshop: None });
        };
        let file = mastered_file(project);
        let session = session::load(&file).map_err(WorkflowError::session(&file))?.session()?;
        let mix = premaster_of(project, &session);
        let changed = |how: &str| {
            let (mix, again) = (mix.display(), "`tonmeister master FILE` with the same -o");
            WorkflowError::Usage(format!("{mix}: {how} since it was mastered; run {again} first"))
        };
        if !mix.is_file() {
            return Err(changed("has vanished"));
        }
        if files::audio_hash(&mix)? != noted.mix {
            return Err(changed("has changed"));
        }
        let source = project.master_sources(&session, &mix, noted.twice)?;
        let mut work = Work::new(project, &source, context)?;
        let (path, _) = work.render(&session)?;
        keep_ceiling(&path, noted.ceiling_dbtp, None, context)?;
        Ok(Master { path, _workshop: Some(work.into_workshop()) })
    }

    /// What tells the form of it without rendering anything: itself where it is kept, or the file that was handed over.
    pub(crate) fn form_of(project: &Project, session: &Session) -> Master {
        let kept = kept(project);
        let handed_over = project.single.as_ref().map(|stem| project.home.join(format!("{stem}-master.wav")));
        let mix = || premaster_of(project, session);
        let path = match kept.exists() {
            true => kept,
            false => handed_over.filter(|file| file.is_file()).unwrap_or_else(mix),
        };
        Master { path, _workshop: None }
    }
}

/// What the master was made of: the mix of the song, or the finished mix itself.
pub(crate) fn premaster_of(project: &Project, session: &Session) -> PathBuf {
    let own =
        project.single.as_ref().and(session.tracks.values().next()).and_then(|track| track.files.first());
    own.map_or_else(|| project.out().join("premaster.wav"), |file| project.resolve(file))
}
