//! What a master is handed over as, and where a trial of it goes meanwhile.

use crate::ceiling::{OnTheWay, Verified, Verifying};
use crate::{Project, WorkflowError};
use audio::BlockRef;
use delivery::{Job, Streamed, Target};
use engine::EngineError;
use files::{Tags, Writer};
use session::Session;
use std::path::{Path, PathBuf};

/// The file that a master becomes.
pub(super) struct Order {
    target: Target,
    folder: PathBuf,
    title: String,
    tags: Tags,
    seed: u64,
    /// What is mastered.
    pub(super) mix: PathBuf,
    /// Whether nobody needs a float file besides: a trial that is hoped to be the master goes right into the file.
    pub(super) streams: bool,
}

impl Order {
    /// By a session and its target, to `path`.
    pub(super) fn of(
        project: &Project,
        session: &Session,
        mix: &Path,
        (target, path): (&Target, &Path),
    ) -> Result<Order, WorkflowError> {
        Ok(Order {
            target: target.clone(),
            folder: path.parent().unwrap_or(Path::new(".")).to_path_buf(),
            title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            tags: crate::tags::tags_of(session, project)?,
            seed: session.seed,
            mix: mix.to_path_buf(),
            streams: project.single.is_some(),
        })
    }

    /// The delivery of a float file, or of what is made of the mix.
    pub(super) fn job<'a>(&'a self, source: &'a Path) -> Job<'a> {
        Job {
            seed: self.seed,
            tags: Some(&self.tags),
            listed: false,
            ..Job::new(source, &self.target, &self.folder, &self.title)
        }
    }
}

/// What is known of the first render of a search for the loudness.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hopes {
    /// It starts near the target; one that is aimed from afar is not kept.
    pub(super) near: bool,
    /// It is the master nearly always; another's peaks are not verified.
    pub(super) is_master: bool,
}

/// What becomes of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is heard.
    Heard,
    /// It may be the master.
    Kept,
    /// The same, and its peaks are verified.
    Verified,
    /// The same, and it is the master nearly always.
    Hoped,
}

/// Where a chain is that was rendered.
pub(super) enum Sound {
    /// In a 64-bit float file, which goes with the work unless it is moved; its peaks, where they were verified on the way.
    File(PathBuf, Option<Verified>),
    /// On its way into the file that is handed over, and nowhere else.
    OnItsWay(Box<OnItsWay>),
}

/// A master on its way into the file that is handed over.
pub(super) struct OnItsWay {
    pub(super) streamed: Streamed,
    /// The ceiling that was kept, in dBTP.
    pub(super) ceiling_dbtp: f64,
    /// Peaks that were lowered for it, and peaks that stay above it.
    pub(super) repaired: usize,
    pub(super) left: usize,
}

/// Where a trial goes to.
pub(super) enum Going {
    Nowhere,
    /// Into a 64-bit float file; its peaks are verified on the way.
    To(Box<(Writer, Option<Verifying>)>, PathBuf),
    /// Into the file that is handed over; why that failed.
    On(Box<(OnTheWay, Streamed)>, Option<WorkflowError>),
}

impl Going {
    pub(super) fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        match self {
            Going::Nowhere => Ok(()),
            Going::To(file, _) => {
                let (writer, verifying) = &mut **file;
                verifying.iter_mut().for_each(|verifying| verifying.push(block));
                Ok(writer.write_f64(block)?)
            }
            Going::On(way, failed) => {
                let (way, streamed) = &mut **way;
                let done = way
                    .push(block, &mut |block: &BlockRef| streamed.write(block).map_err(WorkflowError::from));
                done.map_err(|error| {
                    let told = EngineError::Output(error.to_string());
                    *failed = Some(error);
                    told
                })
            }
        }
    }

    /// What was rendered, or why it could not be handed over.
    pub(super) fn say_why<T>(&mut self, rendered: Result<T, WorkflowError>) -> Result<T, WorkflowError> {
        match self {
            Going::On(_, failed) => failed.take().map_or(rendered, Err),
            _ => rendered,
        }
    }

    /// Where it is now; nowhere, too, where it has more peaks than can be lowered on the way.
    pub(super) fn arrived(self) -> Result<Option<Sound>, WorkflowError> {
        Ok(match self {
            Going::Nowhere => None,
            Going::To(file, float) => {
                let (writer, verifying) = *file;
                writer.finish_unsynced()?;
                Some(Sound::File(float, verifying.map(Verifying::finish)))
            }
            Going::On(way, _) => {
                let (way, mut streamed) = *way;
                let ceiling_dbtp = way.ceiling_dbtp();
                let mut next = |block: &BlockRef| streamed.write(block).map_err(WorkflowError::from);
                let passed = way.finish(&mut next)?;
                passed.map(|passed| {
                    let (repaired, left) = (passed.repaired, passed.left);
                    Sound::OnItsWay(Box::new(OnItsWay { streamed, ceiling_dbtp, repaired, left }))
                })
            }
        })
    }
}
