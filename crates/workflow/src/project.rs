//! A folder with recordings, and where its session, renders and caches stand.

use crate::WorkflowError;
use crate::error::BadInput;
use crate::held::Held;
use engine::{Audio, Sources};
use rayon::prelude::*;
use session::{Document, Session, Strip};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders that exporters put the recordings into.
const AUDIO_FOLDERS: &[&str] =
    &["audio", "tracks", "stems", "Audio", "Tracks", "Stems", "Audio Files", "multitrack"];

/// A song's folder.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder with the recordings.
    pub folder: PathBuf,
    /// Where the session file, `out/` and `.tonmeister/` stand: the same folder unless told otherwise.
    pub home: PathBuf,
    /// The name of a finished mix that is mastered by itself; its session is called after it.
    pub single: Option<String>,
    /// Nothing is written, caches neither.
    pub(crate) untouched: bool,
    /// Finished strips are not kept.
    pub(crate) uncached: bool,
    /// Others are kept out.
    pub(crate) held: Option<Arc<Held>>,
}

impl Project {
    /// The project of a folder; what is made goes to `home`, or into the folder itself.
    pub fn new(folder: &Path, home: Option<&Path>) -> Result<Project, WorkflowError> {
        let found = std::fs::metadata(folder).map_err(WorkflowError::io(folder, "open the folder"));
        match found {
            Err(WorkflowError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(files::FileError::NotFound { path: folder.to_path_buf() }.into())
            }
            Err(error) => Err(error),
            Ok(meta) if !meta.is_dir() => Err(WorkflowError::Usage(format!(
                "{}: is a file; give the folder that holds the tracks (for one finished mix use `master`)",
                folder.display()
            ))),
            Ok(_) => Ok(Project {
                folder: folder.to_path_buf(),
                home: home.unwrap_or(folder).to_path_buf(),
                single: None,
                untouched: false,
                uncached: false,
                held: None,
            }),
        }
    }

    /// The project of a finished mix: `NAME.session.toml` beside it, or in `home`.
    pub fn of_file(file: &Path, home: Option<&Path>) -> Result<Project, WorkflowError> {
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let single = Some(crate::written::name_of(file));
        let home = home.unwrap_or(&folder).to_path_buf();
        Ok(Project { home, folder, single, untouched: false, uncached: false, held: None })
    }

    /// The same project, in which nothing is written: for a dry run.
    pub(crate) fn untouched(&self) -> Project {
        Project { untouched: true, ..self.clone() }
    }

    /// The session file.
    pub fn session_file(&self) -> PathBuf {
        match &self.single {
            Some(name) => self.home.join(format!("{name}.session.toml")),
            None => self.home.join("session.toml"),
        }
    }

    /// Everything rendered.
    pub fn out(&self) -> PathBuf {
        self.home.join("out")
    }

    /// Caches and long evidence.
    pub fn state(&self) -> PathBuf {
        match &self.single {
            Some(name) => self.home.join(".tonmeister").join(name),
            None => self.home.join(".tonmeister"),
        }
    }

    /// Finished strips.
    pub fn strips(&self) -> PathBuf {
        self.state().join("strips")
    }

    /// Where finished strips are kept; nowhere in a dry run, nor where there is no room for them.
    pub(crate) fn strip_cache(&self) -> Option<PathBuf> {
        (!self.untouched && !self.uncached).then(|| self.strips())
    }

    /// The delivery targets: the table, with what `targets.toml` beside the session, or in the folder itself, says instead.
    pub(crate) fn targets(&self) -> Result<delivery::Targets, WorkflowError> {
        let file = |folder: &Path| folder.join("targets.toml").is_file();
        crate::targets::targets_in(if file(&self.home) { &self.home } else { &self.folder })
    }

    /// Looks whether all these targets are known, before any work begins.
    ///
    /// # Errors
    /// When one is not, or when the table cannot be read.
    pub fn knows_targets<'a>(&self, ids: impl IntoIterator<Item = &'a String>) -> Result<(), WorkflowError> {
        let targets = self.targets()?;
        Ok(ids.into_iter().try_for_each(|id| targets.find(id).map(drop))?)
    }

    /// The recordings in natural order, and what was passed over: those of the folder, or else those of a folder
    /// in it that is called as exporters call it.
    pub fn recordings(&self) -> Result<files::Listing, WorkflowError> {
        let mut listing = files::audio_files(&self.folder)?;
        for name in AUDIO_FOLDERS {
            let inner = self.folder.join(name);
            if listing.files.is_empty() && inner.is_dir() {
                listing = files::audio_files(&inner)?;
            }
        }
        Ok(listing)
    }

    /// The recordings, or an error that says why there are none.
    pub fn some_recordings(&self) -> Result<files::Listing, WorkflowError> {
        let listing = self.recordings()?;
        if listing.files.is_empty() {
            let reason = match listing.ignored.as_slice() {
                [] => "it is empty".to_string(),
                [first, others @ ..] => {
                    let name = first.path.file_name().unwrap_or_default().to_string_lossy();
                    let more = match others.len() {
                        0 => String::new(),
                        n => format!("; passed over with {n} more"),
                    };
                    format!("{name} is {}{more}", first.reason)
                }
            };
            return Err(WorkflowError::NoAudio { folder: self.folder.clone(), reason });
        }
        Ok(listing)
    }

    /// A recording as the session names it: relative to the session's folder where it lies in or under it.
    pub fn relative(&self, path: &Path) -> PathBuf {
        let absolute = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_path_buf());
        let (path, home) = (absolute(path), absolute(&self.home));
        path.strip_prefix(&home).map(Path::to_path_buf).unwrap_or(path)
    }

    /// A file that the session names.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.home.join(path)
    }

    /// The session's text.
    pub fn load(&self) -> Result<Document, WorkflowError> {
        let file = self.session_file();
        if !file.exists() {
            return Err(WorkflowError::NoSession { folder: self.home.clone() });
        }
        let named = || WorkflowError::session(&file);
        let document = session::load(&file).map_err(named())?;
        document.session().map_err(named())?;
        Ok(document)
    }

    /// The same project; an error when it has no session that can be read, before anything else is done.
    pub(crate) fn loaded(&self) -> Result<&Project, WorkflowError> {
        self.load().map(|_| self)
    }

    /// Opens every track's recording; all that cannot be opened are told at once.
    pub fn sources(&self, session: &Session) -> Result<Sources, WorkflowError> {
        // Opening hashes the audio, which takes as long as decoding it.
        let tracks: Vec<_> = session.tracks.iter().collect();
        let open = |(id, track): &(&String, &session::Strip)| {
            let paths: Vec<PathBuf> = track.files.iter().map(|f| self.resolve(f)).collect();
            let bad = |error: engine::EngineError| BadInput {
                wanted_by: Some(format!("track `{id}`")),
                error: error.into(),
            };
            Audio::open(&paths).map_err(bad)
        };
        let opened: Vec<Result<Audio, BadInput>> = tracks.par_iter().map(open).collect();
        let (mut sources, mut bad) = (Sources::default(), Vec::new());
        for ((id, _), audio) in tracks.iter().zip(opened) {
            match audio {
                Ok(audio) => sources.insert(id.as_str(), audio),
                Err(error) => bad.push(error),
            }
        }
        bad.extend(self.add_responses(session.strips(), &mut sources));
        WorkflowError::inputs(bad)?;
        Ok(sources)
    }

    /// What the mastering chain is rendered from: a finished mix, and the impulse responses of the master's inserts.
    pub(crate) fn master_sources(
        &self,
        session: &Session,
        mix: &Path,
        twice: bool,
    ) -> Result<Sources, WorkflowError> {
        let mut sources = crate::finished_song::source_on(mix, twice)?;
        WorkflowError::inputs(self.add_responses([&session.master.strip].into_iter(), &mut sources))?;
        Ok(sources)
    }

    /// Reads the impulse responses of processors that are not bypassed; gives those that cannot be read.
    fn add_responses<'a>(
        &self,
        strips: impl Iterator<Item = &'a Strip>,
        sources: &mut Sources,
    ) -> Vec<BadInput> {
        let mut bad = Vec::new();
        for strip in strips {
            for insert in strip.inserts.iter().filter(|insert| !insert.bypass) {
                let Some(name) = insert.impulse_response.as_ref().filter(|n| sources.response(n).is_none())
                else {
                    continue;
                };
                match engine::read_response(&self.resolve(name)) {
                    Ok(response) => sources.insert_response(name, response.into()),
                    Err(error) => bad.push(BadInput {
                        wanted_by: Some(format!("`{}` of `{}`", insert.id, strip.id)),
                        error: error.into(),
                    }),
                }
            }
        }
        bad
    }

    /// An error when `path` is one of the session's recordings: they are never written to.
    pub fn protect(&self, session: &Session, path: &Path) -> Result<(), WorkflowError> {
        let Ok(target) = std::fs::canonicalize(path) else { return Ok(()) };
        let responses = session.strips().flat_map(|s| &s.inserts).filter_map(|i| i.impulse_response.as_ref());
        let recordings = session.tracks.values().flat_map(|t| &t.files).chain(responses);
        for recording in recordings {
            if std::fs::canonicalize(self.resolve(recording)).is_ok_and(|r| r == target) {
                return Err(WorkflowError::Protected { path: path.to_path_buf() });
            }
        }
        Ok(())
    }
}

/// Makes a folder that of the demo: a new one, an empty one, or that of an earlier demo. In any other the demo could
/// write over somebody's recordings.
pub(crate) fn claim_for_demo(folder: &Path) -> Result<(), WorkflowError> {
    let state = folder.join(".tonmeister");
    let mark = state.join("demo");
    let is_free = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(WorkflowError::io(folder, "open the folder")(error)),
        // One that was cut off at once has nothing but the folder of ours.
        Ok(entries) => mark.exists() || entries.flatten().all(|entry| entry.file_name() == ".tonmeister"),
    };
    if !is_free {
        return Err(WorkflowError::Usage(format!(
            "{}: is not empty, and not an earlier demo; the demo writes recordings, so give it a folder of its own",
            folder.display()
        )));
    }
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    Ok(files::atomic_write(mark, b"")?)
}
