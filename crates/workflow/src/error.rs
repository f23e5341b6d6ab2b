//! What can go wrong in a verb, and how serious it is for whoever called.

use std::path::PathBuf;

/// Why a verb did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkflowError {
    /// An audio file.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// The session file.
    #[error(transparent)]
    Session(#[from] session::SessionError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    /// Delivery.
    #[error(transparent)]
    Delivery(#[from] delivery::DeliveryError),
    /// A meter.
    #[error(transparent)]
    Measure(#[from] measure::Error),
    /// A folder that has nothing to mix.
    #[error("{}: no audio files here ({reason}); give the folder that holds the exported tracks", folder.display())]
    NoAudio {
        /// The folder.
        folder: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A folder without a session.
    #[error("{}: no session here; run `tonmeister plan {}` first", folder.display(), folder.display())]
    NoSession {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing in a mix can be heard.
    #[error("the mix is silent: {reason}")]
    Silent {
        /// What may be the cause.
        reason: String,
    },
    /// A file that would be written is a recording.
    #[error("{}: is one of the recordings and is never written to; choose another folder with -o", path.display())]
    Protected {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder of ours.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A request that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The user stopped it.
    #[error("stopped; what is finished stays, run the same command again to go on")]
    Cancelled,
}

/// What kind of failure it is: the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Failed.
    Failed = 1,
    /// Asked wrongly.
    Usage = 2,
    /// An input cannot be read.
    Unreadable = 4,
    /// The session is invalid.
    InvalidSession = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl WorkflowError {
    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        use engine::EngineError;
        use session::SessionError;
        match self {
            WorkflowError::File(files::FileError::Io { .. }) => Failure::Failed,
            WorkflowError::File(_) | WorkflowError::NoAudio { .. } => Failure::Unreadable,
            WorkflowError::Session(SessionError::File { .. }) => Failure::Failed,
            WorkflowError::Session(SessionError::Invalid { .. } | SessionError::NotText { .. }) => {
                Failure::InvalidSession
            }
            WorkflowError::Session(_) | WorkflowError::Usage(_) => Failure::Usage,
            WorkflowError::Engine(e) => match e {
                EngineError::File { .. } | EngineError::Pair { .. } | EngineError::Channels { .. } => {
                    Failure::Unreadable
                }
                EngineError::NoSource { .. } | EngineError::Cycle { .. } | EngineError::Missing { .. } => {
                    Failure::InvalidSession
                }
                EngineError::Cancelled => Failure::Interrupted,
                _ => Failure::Failed,
            },
            WorkflowError::NoSession { .. } => Failure::Usage,
            WorkflowError::Cancelled => Failure::Interrupted,
            _ => Failure::Failed,
        }
    }

    pub(crate) fn io(
        path: impl Into<PathBuf>,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> WorkflowError {
        let path = path.into();
        move |source| WorkflowError::Io { path, action, source }
    }
}
