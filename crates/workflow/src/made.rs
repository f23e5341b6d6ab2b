//! What `produce` has made, and of what: a run that finds all of that as it was has nothing to do.
//!
//! Everything a run depends on is told by its content: the program itself, what was asked for, every recording and every
//! other file that the session names, the tables beside it. So is all that it leaves: session, plan and reasons, and
//! what stands in `out/`. The same session, recordings and program give the same bits, so where each of these is the same
//! to the byte another run would only write them again, and what the last one said is said again.
//!
//! This is never needed: whatever is missing, different or unreadable means that the work is done.

use crate::context::Listener;
use crate::kept::{keep, read_kept};
use crate::produced::{ProduceRequest, Produced};
use crate::{Context, Project};
use files::Stamp;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use session::{Decision, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// The file in which it is kept.
const MADE: &str = "produced.json";

/// What a run has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Hash of all that it depended on.
    of: String,
    /// What it left: hashes by place.
    left: BTreeMap<PathBuf, String>,
    /// What the listener was told.
    notes: Vec<String>,
    pub(crate) produced: Produced,
    pub(crate) decisions: Vec<Decision>,
}

/// What is asked for, and the files it depends on as they are before the work.
pub(crate) struct Asked<'a> {
    project: &'a Project,
    request: &'a ProduceRequest,
    stamps: BTreeMap<PathBuf, Stamp>,
}

impl<'a> Asked<'a> {
    /// `None` where a file cannot be looked at: the work says why.
    pub(crate) fn new(project: &'a Project, request: &'a ProduceRequest) -> Option<Asked<'a>> {
        let stamp = |path: PathBuf| Some((path.clone(), Stamp::of(&path).ok()?));
        let stamps = depended_on(project, request)?.into_iter().map(stamp).collect::<Option<_>>()?;
        Some(Asked { project, request, stamps })
    }

    /// What an earlier run has made, where this one would make the same.
    pub(crate) fn made(&self, context: &Context) -> Option<Made> {
        let mut made: Made = read_kept(&self.file())?;
        // What takes least to look at comes first.
        let is_there = made.left.par_iter().all(|(path, hash)| hash_of(path).as_ref() == Some(hash));
        if !is_there || self.hash()? != made.of {
            return None;
        }
        made.produced.schema = self.request.schema();
        made.notes.iter().for_each(|note| context.listener.note(note));
        Some(made)
    }

    /// Keeps what was made; nothing where a file has changed meanwhile, so that nobody can tell what it was made of.
    pub(crate) fn keep(
        &self,
        session: &Session,
        produced: &Produced,
        decisions: &[Decision],
        notes: Vec<String>,
    ) -> Option<()> {
        let now = self.project.load().ok()?.session().ok()?;
        let same_files = depended_on(self.project, self.request)?.iter().eq(self.stamps.keys());
        // A person may have edited the session while the mix was made.
        if now != *session || !same_files {
            return None;
        }
        let hashed = |path: PathBuf| Some((path.clone(), hash_of(&path)?));
        let left = left_behind(self.project).into_par_iter().map(hashed).collect::<Option<_>>()?;
        let of = self.hash()?;
        self.stamps.values().all(|stamp| stamp.check().is_ok()).then_some(())?;
        let (produced, decisions) = (produced.clone(), decisions.to_vec());
        keep(&self.file(), &Made { of, left, notes, produced, decisions }).ok()
    }

    fn file(&self) -> PathBuf {
        self.project.state().join(MADE)
    }

    /// Hash of all that a run depends on, besides the session and what an earlier run has left.
    fn hash(&self) -> Option<String> {
        let mut hash = blake3::Hasher::new();
        let mut text = |text: &str| {
            hash.update(text.as_bytes());
            hash.update(&(text.len() as u64).to_le_bytes());
        };
        text(program()?);
        let Project { folder, home, single, .. } = self.project;
        text(&format!("{folder:?} {home:?} {single:?} {:?}", self.request));
        text(&format!("{:?}", self.project.recordings().ok()?.ignored));
        let paths: Vec<&PathBuf> = self.stamps.keys().collect();
        let hashes: Vec<Option<String>> = paths.par_iter().map(|path| hash_of(path)).collect();
        for (path, file) in paths.into_iter().zip(hashes) {
            text(&format!("{path:?}"));
            text(&file?);
        }
        Some(hash.finalize().to_hex().to_string())
    }
}

/// Hash of the program that runs: another build of the same version may decide otherwise.
fn program() -> Option<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    PROGRAM.get_or_init(|| hash_of(&std::env::current_exe().ok()?)).as_deref()
}

fn hash_of(path: &Path) -> Option<String> {
    files::audio_hash(path).ok()
}

/// Every file that a run reads and does not write: recordings, what the session and the request name, tables beside them.
fn depended_on(project: &Project, request: &ProduceRequest) -> Option<BTreeSet<PathBuf>> {
    let mut paths = project.recordings().ok()?.files;
    paths.extend([&project.folder, &project.home].into_iter().flat_map(|folder| tables(folder)));
    let references = request.plan.references.iter().chain(&request.master.references);
    paths.extend(references.map(|(path, _)| path.clone()));
    if project.session_file().exists() {
        let session = project.load().ok()?.session().ok()?;
        let responses = session.strips().flat_map(|s| &s.inserts).filter_map(|i| i.impulse_response.as_ref());
        let named = session.tracks.values().flat_map(|track| &track.files).chain(responses);
        let named = named.chain(&session.master.references).chain(&session.song.cover);
        paths.extend(named.map(|path| project.resolve(path)));
    }
    let own = std::fs::canonicalize(project.session_file()).ok();
    // One file has one name, however it is written.
    let paths =
        paths.into_iter().map(|path| std::fs::canonicalize(path).ok()).collect::<Option<BTreeSet<_>>>()?;
    Some(paths.into_iter().filter(|path| Some(path) != own.as_ref()).collect())
}

/// Tables of targets, services and the like.
fn tables(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "toml") && path.is_file()).collect()
}

/// Every file that a run leaves, but for what is measured or rendered again where it is missing.
fn left_behind(project: &Project) -> Vec<PathBuf> {
    let mut paths = vec![project.session_file()];
    let told = |path: &PathBuf| !path.ends_with(MADE) && !path.ends_with("lock");
    paths.extend(files_in(&project.state(), 0).into_iter().filter(told));
    paths.extend(files_in(&project.out(), 3));
    paths
}

/// The files of a folder, and of those in it to a depth.
fn files_in(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            Ok(kind) if kind.is_dir() && depth > 0 => found.extend(files_in(&entry.path(), depth - 1)),
            _ => {}
        }
    }
    found
}

/// Passes everything on, and remembers what was worth knowing.
pub(crate) struct Noting<'a> {
    inner: &'a dyn Listener,
    notes: Mutex<Vec<String>>,
}

impl<'a> Noting<'a> {
    pub(crate) fn new(inner: &'a dyn Listener) -> Noting<'a> {
        Noting { inner, notes: Mutex::default() }
    }

    pub(crate) fn notes(self) -> Vec<String> {
        self.notes.into_inner().unwrap_or_default()
    }
}

impl Listener for Noting<'_> {
    fn stage(&self, name: &str, seconds: Option<f64>) {
        self.inner.stage(name, seconds);
    }

    fn progress(&self, part: f64) {
        self.inner.progress(part);
    }

    fn note(&self, text: &str) {
        if let Ok(mut notes) = self.notes.lock() {
            notes.push(text.to_string());
        }
        self.inner.note(text);
    }

    fn waits_for(&self, holder: &str) -> bool {
        self.inner.waits_for(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn produced() -> Produced {
        let track = crate::TrackSummary {
            id: "kick".into(),
            role: None,
            trim_db: 0.1 + 0.2,
            // Muted to the end.
            fader_db: f64::NEG_INFINITY,
            pan: -12.5,
            faults: vec!["hum".into()],
        };
        Produced {
            schema: "tonmeister.produce/1",
            session: "session.toml".into(),
            report: "out/report.html".into(),
            files: Vec::new(),
            tracks: vec![track],
            decisions: 1,
            yours: Vec::new(),
            ab: Vec::new(),
            listening: Vec::new(),
            notes: vec!["a note".into()],
            passed: true,
        }
    }

    /// A song of which everything is there, none of it sound.
    fn song() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        let session = "version = 1\n[song]\ncover = \"cover.png\"\n[track.kick]\nfile = \"Kick.wav\"\n";
        for (name, text) in [
            ("Kick.wav", "RIFF of a kick"),
            ("cover.png", "a picture"),
            ("session.toml", session),
            ("targets.toml", "# none"),
            (".tonmeister/plan.toml", session),
            ("out/premaster.wav", "a mix"),
            ("out/deliver/cd/song.wav", "a song"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = Project::new(folder.path(), None).unwrap();
        (folder, project)
    }

    fn context() -> Context<'static> {
        static NEVER: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        Context { listener: &crate::Quiet, cancel: &NEVER, threads: 1 }
    }

    fn keep_all(project: &Project, request: &ProduceRequest) -> Option<()> {
        let session = project.load().unwrap().session().unwrap();
        Asked::new(project, request).unwrap().keep(&session, &produced(), &[], vec!["told".into()])
    }

    fn stands(project: &Project, request: &ProduceRequest) -> bool {
        Asked::new(project, request).is_some_and(|asked| asked.made(&context()).is_some())
    }

    #[test]
    fn what_is_as_it_was_stands_and_says_the_same() {
        let (_folder, project) = song();
        let request = ProduceRequest::default();
        assert!(!stands(&project, &request), "nothing was made yet");
        keep_all(&project, &request).unwrap();
        let made = Asked::new(&project, &request).unwrap().made(&context()).unwrap();
        assert_eq!(format!("{:?}", made.produced), format!("{:?}", produced()), "to the last bit");
        assert_eq!(made.notes, ["told"]);
        // Neither times nor what is only kept for speed, nor what others put there, count.
        for name in [".tonmeister/facts/a.json", ".tonmeister/strips/b.strip", "out/mine.txt"] {
            let path = project.home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "new").unwrap();
        }
        let again = fs::read(project.home.join("Kick.wav")).unwrap();
        fs::write(project.home.join("Kick.wav"), again).unwrap();
        assert!(stands(&project, &request));
    }

    /// Each file in turn, by one byte of the same length.
    #[test]
    fn whatever_is_different_makes_the_work_be_done() {
        let names = [
            "Kick.wav",
            "cover.png",
            "session.toml",
            "targets.toml",
            ".tonmeister/plan.toml",
            "out/premaster.wav",
            "out/deliver/cd/song.wav",
        ];
        for name in names {
            let (_folder, project) = song();
            let request = ProduceRequest::default();
            keep_all(&project, &request).unwrap();
            let path = project.home.join(name);
            let mut text = fs::read(&path).unwrap();
            // In the session it is a letter of a path.
            let place = text.len() - 3;
            text[place] ^= 1;
            fs::write(&path, text).unwrap();
            assert!(!stands(&project, &request), "{name} was changed");
            let (_folder, project) = song();
            keep_all(&project, &request).unwrap();
            fs::remove_file(project.home.join(name)).unwrap();
            assert!(!stands(&project, &request), "{name} was removed");
        }
        for name in ["Snare.wav", "services.toml"] {
            let (_folder, project) = song();
            let request = ProduceRequest::default();
            keep_all(&project, &request).unwrap();
            fs::write(project.home.join(name), "new").unwrap();
            assert!(!stands(&project, &request), "{name} has come");
        }
    }

    #[test]
    fn another_wish_is_another_work() {
        let (_folder, project) = song();
        keep_all(&project, &ProduceRequest::default()).unwrap();
        let mut louder = ProduceRequest::default();
        louder.master.loudness_lufs = Some(-9.0);
        let more = ProduceRequest { stems: true, ..ProduceRequest::default() };
        assert!(!stands(&project, &louder) && !stands(&project, &more));
        assert!(stands(&project, &ProduceRequest::default()));
    }

    #[test]
    fn what_changed_during_the_work_is_not_kept() {
        let (_folder, project) = song();
        let request = ProduceRequest::default();
        let session = project.load().unwrap().session().unwrap();
        let asked = Asked::new(&project, &request).unwrap();
        fs::write(project.home.join("Kick.wav"), "RIFF of another").unwrap();
        assert!(asked.keep(&session, &produced(), &[], Vec::new()).is_none(), "a recording");
        let asked = Asked::new(&project, &request).unwrap();
        fs::write(project.session_file(), "version = 1\n[song]\ntempo_bpm = 90.0\n").unwrap();
        assert!(asked.keep(&session, &produced(), &[], Vec::new()).is_none(), "the session");
        assert!(!stands(&project, &request));
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let (_folder, project) = song();
        keep_all(&project, &ProduceRequest::default()).unwrap();
        fs::write(project.state().join(MADE), "{\"of\":").unwrap();
        assert!(!stands(&project, &ProduceRequest::default()));
    }
}
