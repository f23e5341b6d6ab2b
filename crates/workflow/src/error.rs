//! What can go wrong in a verb, and how serious it is for whoever called.

use delivery::DeliveryError;
use engine::EngineError;
use files::FileError;
use session::{Problem, SessionError};
use std::path::{Path, PathBuf};

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
    Engine(engine::EngineError),
    /// Delivery.
    #[error(transparent)]
    Delivery(delivery::DeliveryError),
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
    /// Nothing in a sound can be heard, or too little for a loudness.
    #[error("{reason}")]
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
    /// The session file has problems that keep it from being used.
    #[error("{}", invalid(.file, .problems))]
    InvalidSession {
        /// Which file.
        file: PathBuf,
        /// All of them, in the order of the text.
        problems: Vec<Problem>,
    },
    /// Recordings that cannot be read, all of them.
    #[error("{}", listed(.0))]
    Inputs(Vec<BadInput>),
    /// Recordings of a folder that cannot be read, all of them, where the rest could do without them.
    #[error("{}", listed(.0))]
    Recordings(Vec<BadInput>),
    /// A file that the meters do not work on.
    #[error("{}: {source}", path.display())]
    Unmeasurable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: measure::Error,
    },
    /// A picture.
    #[error(transparent)]
    Picture(#[from] report::PngError),
    /// Another run works in the same folder.
    #[error(
        "{}: {holder} works here already; wait until it is done (--wait does), or choose another folder with -o",
        folder.display()
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// Who it is and since when.
        holder: String,
    },
    /// The disk has too little room for what is to be written.
    #[error(
        "{}: not enough room: this needs about {needed} and {free} are free; make room there, or choose a folder on \
         another disk with -o",
        folder.display()
    )]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// What is needed, a tenth more than reckoned.
        needed: String,
        /// What is there.
        free: String,
    },
    /// A request that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The user stopped it.
    #[error("stopped; what is finished stays, run the same command again to go on")]
    Cancelled,
}

// Whoever stops the work is told so in the same words, wherever it was.
impl From<EngineError> for WorkflowError {
    fn from(error: EngineError) -> WorkflowError {
        match error {
            EngineError::Cancelled => WorkflowError::Cancelled,
            error => WorkflowError::Engine(error),
        }
    }
}

impl From<DeliveryError> for WorkflowError {
    fn from(error: DeliveryError) -> WorkflowError {
        match error {
            DeliveryError::Cancelled => WorkflowError::Cancelled,
            error => WorkflowError::Delivery(error),
        }
    }
}

/// An input that cannot be used, with the place that names it.
#[derive(Debug)]
pub struct BadInput {
    /// Who in the session needs it, such as "track `vox`", where there is somebody.
    pub wanted_by: Option<String>,
    /// What is wrong with it; names the file.
    pub error: WorkflowError,
}

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.wanted_by {
            Some(who) => write!(f, "{who}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

/// `EMFILE` on Linux, macOS and the BSDs; the standard library has no name for it yet.
const TOO_MANY_OPEN_FILES: i32 = 24;

/// What kind of failure it is: the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Failed.
    Failed = 1,
    /// Asked wrongly.
    Usage = 2,
    /// A check did not pass; no error, everything else worked.
    NotPassed = 3,
    /// An input cannot be read.
    Unreadable = 4,
    /// The session is invalid.
    InvalidSession = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl Failure {
    /// The exit code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its name for other programs.
    pub fn id(self) -> &'static str {
        match self {
            Failure::Failed => "failed",
            Failure::Usage => "usage",
            Failure::NotPassed => "not_passed",
            Failure::Unreadable => "unreadable",
            Failure::InvalidSession => "invalid_session",
            Failure::Interrupted => "interrupted",
        }
    }
}

impl WorkflowError {
    /// What kind of failure it is: the one place that says so, whichever crate it comes from.
    pub fn failure(&self) -> Failure {
        match self {
            WorkflowError::File(error) => of_file(error),
            WorkflowError::Session(error) => of_session(error),
            WorkflowError::Engine(error) => of_engine(error),
            WorkflowError::Delivery(error) => of_delivery(error),
            WorkflowError::Measure(_) => Failure::Unreadable,
            WorkflowError::NoAudio { .. } | WorkflowError::Unmeasurable { .. } => Failure::Unreadable,
            WorkflowError::Inputs(inputs) | WorkflowError::Recordings(inputs) => {
                inputs.first().map_or(Failure::Unreadable, |input| input.error.failure())
            }
            WorkflowError::InvalidSession { .. } => Failure::InvalidSession,
            WorkflowError::NoSession { .. } | WorkflowError::Usage(_) | WorkflowError::Protected { .. } => {
                Failure::Usage
            }
            WorkflowError::Picture(report::PngError::NotBuilt) => Failure::Usage,
            WorkflowError::Picture(_)
            | WorkflowError::Silent { .. }
            | WorkflowError::Io { .. }
            | WorkflowError::Busy { .. }
            | WorkflowError::NoSpace { .. } => Failure::Failed,
            WorkflowError::Cancelled => Failure::Interrupted,
        }
    }

    /// All problems of an invalid session, in the order of its text.
    pub fn problems(&self) -> &[Problem] {
        match self {
            WorkflowError::InvalidSession { problems, .. }
            | WorkflowError::Session(SessionError::Invalid { problems }) => problems,
            _ => &[],
        }
    }

    /// How to mend what the system refused, where its own words do not say it.
    pub fn hint(&self) -> Option<&'static str> {
        use std::io::ErrorKind;
        if matches!(self, WorkflowError::Recordings(_)) {
            return Some("mend or export it again, or go on without it: --skip-unreadable");
        }
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return match error.kind() {
                    ErrorKind::PermissionDenied => {
                        Some("change its permissions, or choose another folder with -o")
                    }
                    ErrorKind::ReadOnlyFilesystem => {
                        Some("this disk cannot be written to: choose a folder elsewhere with -o")
                    }
                    ErrorKind::StorageFull => {
                        Some("the disk is full: make room, or choose a folder elsewhere with -o")
                    }
                    ErrorKind::QuotaExceeded => Some(
                        "your share of this disk is used up: make room, or choose a folder elsewhere with -o",
                    ),
                    ErrorKind::FileTooLarge => Some(
                        "files may not grow so long here: raise the limit (`ulimit -f`), or choose another disk with -o",
                    ),
                    _ if error.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => Some(
                        "too many files are open at once: allow more with `ulimit -n 4096` and run it again",
                    ),
                    ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                        Some("a file stands where a folder is needed: choose another folder with -o")
                    }
                    _ => None,
                };
            }
            next = error.source();
        }
        None
    }

    /// What the session file at `file` says wrong, with its name before every line.
    pub(crate) fn session(file: &Path) -> impl FnOnce(SessionError) -> WorkflowError {
        let file = file.to_path_buf();
        move |error| match error {
            SessionError::Invalid { problems } => WorkflowError::InvalidSession { file, problems },
            other => other.into(),
        }
    }

    /// One input by itself, several as a list; nothing for none.
    pub(crate) fn inputs(mut bad: Vec<BadInput>) -> Result<(), WorkflowError> {
        match bad.len() {
            0 => Ok(()),
            1 if bad[0].wanted_by.is_none() => Err(bad.remove(0).error),
            _ => Err(WorkflowError::Inputs(bad)),
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

fn of_file(error: &FileError) -> Failure {
    match error {
        // The system refused: what was being read is an input, what was being written is not.
        FileError::Io { action, .. } => match *action {
            "read it" | "open it" | "look at it" | "list the folder" => Failure::Unreadable,
            _ => Failure::Failed,
        },
        FileError::TooLong { .. } => Failure::Failed,
        _ => Failure::Unreadable,
    }
}

fn of_session(error: &SessionError) -> Failure {
    match error {
        SessionError::Invalid { .. } | SessionError::NotText { .. } => Failure::InvalidSession,
        SessionError::File { action: "read", .. } | SessionError::Data { .. } => Failure::Unreadable,
        SessionError::File { .. } => Failure::Failed,
        SessionError::NotAPath { .. } | SessionError::Unknown { .. } | SessionError::NotAValue { .. } => {
            Failure::Usage
        }
    }
}

fn of_engine(error: &EngineError) -> Failure {
    match error {
        EngineError::File { source } => of_file(source),
        EngineError::Pair { .. } | EngineError::Channels { .. } | EngineError::Response { .. } => {
            Failure::Unreadable
        }
        EngineError::NoSource { .. }
        | EngineError::NoResponse { .. }
        | EngineError::Cycle { .. }
        | EngineError::Missing { .. } => Failure::InvalidSession,
        _ => Failure::Failed,
    }
}

fn of_delivery(error: &DeliveryError) -> Failure {
    match error {
        DeliveryError::File(source) => of_file(source),
        DeliveryError::Measure { .. } => Failure::Unreadable,
        DeliveryError::UnknownTarget { .. }
        | DeliveryError::UnknownFormat { .. }
        | DeliveryError::NotBuilt { .. }
        | DeliveryError::Pattern { .. }
        | DeliveryError::BitDepth { .. }
        | DeliveryError::NotTaken { .. }
        | DeliveryError::OverSource { .. } => Failure::Usage,
        _ => Failure::Failed,
    }
}

/// Every problem on its own line, as compilers write them: editors jump to `FILE:LINE:COLUMN`.
fn invalid(file: &Path, problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "one problem".to_string(),
        n => format!("{n} problems"),
    };
    let name = file.display().to_string();
    format!("{name} has {count} to mend\n{}", session::list(&name, problems).trim_end())
}

fn listed(inputs: &[BadInput]) -> String {
    match inputs {
        [one] => one.to_string(),
        _ => {
            let lines: String = inputs.iter().map(|input| format!("\n  {input}")).collect();
            format!("{} files cannot be used{lines}", inputs.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(action: &'static str) -> FileError {
        FileError::Io { path: "a.wav".into(), action, source: std::io::ErrorKind::PermissionDenied.into() }
    }

    /// A missing file is an input that cannot be read, however deep the error lies.
    #[test]
    fn nested_errors_have_the_code_of_what_is_wrong() {
        let missing = || FileError::NotFound { path: "a.wav".into() };
        let invalid = || SessionError::Invalid { problems: Vec::new() };
        let cases: [(WorkflowError, u8); 16] = [
            (missing().into(), 4),
            (EngineError::from(missing()).into(), 4),
            (DeliveryError::from(missing()).into(), 4),
            (io("open it").into(), 4),
            (EngineError::from(io("read it")).into(), 4),
            (io("write to it").into(), 1),
            (DeliveryError::from(io("create it")).into(), 1),
            (DeliveryError::Cancelled.into(), 130),
            (EngineError::Cancelled.into(), 130),
            (WorkflowError::Cancelled, 130),
            (measure::Error::SampleRate { sample_rate_hz: 1.0 }.into(), 4),
            (invalid().into(), 5),
            (WorkflowError::session(Path::new("session.toml"))(invalid()), 5),
            (SessionError::NotAPath { text: String::new() }.into(), 2),
            (delivery::find_target("nothing").unwrap_err().into(), 2),
            (
                WorkflowError::inputs(vec![BadInput {
                    wanted_by: Some("track `vox`".into()),
                    error: missing().into(),
                }])
                .unwrap_err(),
                4,
            ),
        ];
        for (error, code) in cases {
            assert_eq!(error.failure().code(), code, "{error}");
        }
    }

    /// The actions are those that `files` names; a new one would otherwise count as a failure of the disk.
    #[test]
    fn what_cannot_be_opened_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let missing = files::probe(folder.path().join("none.wav")).unwrap_err();
        assert_eq!(of_file(&missing), Failure::Unreadable);
        let listing = files::audio_files(folder.path().join("none")).unwrap_err();
        assert_eq!(of_file(&listing), Failure::Unreadable);
        let no_folder = folder.path().join("file");
        std::fs::write(&no_folder, "").unwrap();
        let write = files::atomic_write(no_folder.join("x.wav"), b"x").unwrap_err();
        assert_eq!(of_file(&write), Failure::Failed, "{write}");
    }
}
