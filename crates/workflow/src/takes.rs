//! Takes: masters of one mix that are kept beside each other, and the one that becomes the master.
//!
//! A take has a home of its own with a session, a master and a report. When it becomes the master, the master of before is
//! kept as a take, so that nothing is lost and the change can be taken back. What was the master is copied whole before
//! anything is moved, and a note says what is going on: whoever is cut off in between calls the same command again.

mod pages;

use crate::saving::{decisions_file, mastered_file, plan_file, rerender_file};
use crate::written::shown;
use crate::{Context, Project, WorkflowError};
use pages::{Renamed, rename_in, rename_sounds};
use serde::{Deserialize, Serialize};
use session::{Decision, Document, StepId, Value};
use std::path::{Path, PathBuf};

/// The note of a change that is going on, among the takes.
const NOTE: &str = ".promoting.json";
/// Keys of the session that name files.
const FILES: [&str; 4] = ["file", "references", "cover", "impulse_response"];

/// A take that became the master.
#[derive(Debug, Clone, Serialize)]
pub struct Promoted {
    /// Its name.
    pub take: String,
    /// The master now.
    pub master: String,
    /// The name of the take that the master of before is kept as; absent where there was none.
    pub kept_as: Option<String>,
    /// Nothing was written.
    pub dry_run: bool,
}

/// What a change to another master is about, for whoever goes on with it.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    take: String,
    kept_as: Option<String>,
}

/// Where a master and all that belongs to it stands.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) project: Project,
    pub(crate) master: PathBuf,
    /// The report's path without an extension.
    pub(crate) report: PathBuf,
}

impl Home {
    /// Of a finished mix.
    pub(crate) fn of_file(project: Project, stem: &str) -> Home {
        let at = |ending: &str| project.home.join(format!("{stem}{ending}"));
        Home { master: at("-master.wav"), report: at("-report"), project }
    }

    /// Of a song.
    pub(crate) fn of_song(project: Project) -> Home {
        let out = project.out();
        Home { master: out.join("master.wav"), report: out.join("master-report"), project }
    }

    /// The report's page.
    pub(crate) fn page(&self) -> PathBuf {
        self.reported(".html")
    }

    fn reported(&self, ending: &str) -> PathBuf {
        let mut name = self.report.as_os_str().to_os_string();
        name.push(ending);
        PathBuf::from(name)
    }

    /// Its files; the session itself comes last, as the sign that all is there.
    fn files(&self) -> Vec<(PathBuf, Kind)> {
        let state = self.project.state();
        vec![
            (self.master.clone(), Kind::Plain),
            (state.join("master.wav"), Kind::Plain),
            (self.reported(".json"), Kind::Report),
            (self.page(), Kind::Page),
            (state.join("edits.json"), Kind::Plain),
            (decisions_file(&self.project), Kind::Plain),
            (rerender_file(&self.project), Kind::Plain),
            (mastered_file(&self.project), Kind::Session),
            (plan_file(&self.project), Kind::Session),
            (self.project.session_file(), Kind::Session),
        ]
    }
}

/// What names other files from where it stands, and is told otherwise elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Session,
    /// A report, which names its sounds from its folder; its page is written with it.
    Report,
    /// The page of a report, for itself only where there is none.
    Page,
}

/// Where the masters of one mix stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The master without a name.
    pub(crate) base: &'a Home,
    /// The folder of its takes.
    pub(crate) takes: &'a Path,
    /// The folder of their comparison.
    pub(crate) ab: &'a Path,
}

/// Makes a take the master. What is compared is called by what it is now, in every report of the mix.
///
/// # Errors
/// When there is no such take, or a file cannot be written.
pub(crate) fn promote(
    Places { base, takes, ab }: Places,
    take: &str,
    home_of: &dyn Fn(&Path) -> Result<Home, WorkflowError>,
    dry_run: bool,
    context: &Context,
) -> Result<Promoted, WorkflowError> {
    let _held = if dry_run { None } else { Some(base.project.hold(context)?) };
    let going_on = going_on(takes).filter(|note| note.take == take);
    let from = home_of(&takes.join(take))?;
    if going_on.is_none() {
        is_there(&from, takes, take)?;
    }
    let kept_as = match &going_on {
        Some(note) => note.kept_as.clone(),
        None => base.master.is_file().then(|| free_name(takes)),
    };
    let told = Promoted { take: take.into(), master: shown(&base.master), kept_as: kept_as.clone(), dry_run };
    if dry_run {
        return Ok(told);
    }
    // Nobody masters this take meanwhile.
    let taken = from.project.hold(context)?;
    if going_on.is_none() {
        if let Some(name) = &kept_as {
            keep(base, takes, name, home_of)?;
        }
        let note = Note { take: take.into(), kept_as: kept_as.clone() };
        let text = serde_json::to_vec(&note).expect("texts only");
        files::atomic_write(takes.join(NOTE), &text)?;
    }
    for ((old, kind), (new, _)) in from.files().into_iter().zip(base.files()) {
        match old.is_file() {
            true => moved((&old, &new), kind, (&from, base))?,
            // What only the master of before had does not belong to this one.
            false if going_on.is_none() => remove(&new)?,
            false => {}
        }
    }
    drop(taken);
    let renamed = Renamed { take, kept_as: kept_as.as_deref() };
    rename_sounds(ab, renamed)?;
    rename_in(&base.reported(".json"), renamed)?;
    for other in names(takes).iter().filter(|name| *name != take) {
        rename_in(&home_of(&takes.join(other))?.reported(".json"), renamed)?;
    }
    let folder = takes.join(take);
    std::fs::remove_dir_all(&folder).map_err(WorkflowError::io(&folder, "clear what is left of the take"))?;
    remove(&takes.join(NOTE))?;
    Ok(told)
}

fn going_on(takes: &Path) -> Option<Note> {
    serde_json::from_slice(&std::fs::read(takes.join(NOTE)).ok()?).ok()
}

/// An error that says which takes there are, where this one is not.
fn is_there(from: &Home, takes: &Path, take: &str) -> Result<(), WorkflowError> {
    if from.master.is_file() && from.project.session_file().is_file() {
        return Ok(());
    }
    let known = names(takes);
    let hint = match known.is_empty() {
        true => "there is none yet: `--take NAME` makes one".to_string(),
        false => format!("there are {}", known.join(", ")),
    };
    Err(WorkflowError::Usage(format!("{}: there is no take `{take}`; {hint}", takes.display())))
}

/// The takes in a folder, in the order of their names.
pub(crate) fn names(takes: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(takes).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// What the master of before is called as a take.
fn free_name(takes: &Path) -> String {
    let name = |n: usize| if n == 1 { "before".to_string() } else { format!("before-{n}") };
    (1..).map(name).find(|name| !takes.join(name).exists()).expect("numbers do not end")
}

/// Copies the master that stands into a take, which appears whole.
fn keep(
    base: &Home,
    takes: &Path,
    name: &str,
    home_of: &dyn Fn(&Path) -> Result<Home, WorkflowError>,
) -> Result<(), WorkflowError> {
    let part = takes.join(format!(".{name}.part"));
    let _ = std::fs::remove_dir_all(&part);
    std::fs::create_dir_all(&part).map_err(WorkflowError::io(&part, "create the folder"))?;
    let (there, place) = (home_of(&takes.join(name))?, home_of(&part)?);
    for ((old, kind), (new, _)) in base.files().into_iter().zip(place.files()) {
        if old.is_file() {
            copied((&old, &new), kind, (base, &there))?;
        }
    }
    let whole = takes.join(name);
    std::fs::rename(&part, &whole).map_err(WorkflowError::io(&whole, "give it its name"))
}

fn moved(files: (&Path, &Path), kind: Kind, homes: (&Home, &Home)) -> Result<(), WorkflowError> {
    let (old, new) = files;
    if kind == Kind::Plain && make_folder(new).is_ok() && std::fs::rename(old, new).is_ok() {
        return Ok(());
    }
    copied(files, kind, homes)?;
    remove(old)
}

/// Copies a file of one home into another, and names in it what it names from there.
fn copied((old, new): (&Path, &Path), kind: Kind, (from, to): (&Home, &Home)) -> Result<(), WorkflowError> {
    make_folder(new)?;
    match kind {
        Kind::Session => {
            let document = session::load(old).map_err(WorkflowError::session(old))?;
            let text = elsewhere(document, &from.project, &to.project)?.to_string();
            Ok(files::atomic_write(new, text.as_bytes())?)
        }
        Kind::Report if pages::copied(old, new, &to.report)? => Ok(()),
        // The report has written its page.
        Kind::Page if pages::is_report(&new.with_extension("json")) => Ok(()),
        Kind::Plain | Kind::Report | Kind::Page => {
            std::fs::copy(old, new).map(drop).map_err(WorkflowError::io(new, "copy to it"))
        }
    }
}

fn make_folder(file: &Path) -> Result<(), WorkflowError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))
}

fn remove(file: &Path) -> Result<(), WorkflowError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(WorkflowError::io(file, "remove it")(error))
        }
        _ => Ok(()),
    }
}

/// A session whose files are named from another home.
pub(crate) fn elsewhere(
    mut document: Document,
    from: &Project,
    to: &Project,
) -> Result<Document, WorkflowError> {
    let mut changes = Vec::new();
    for table in ["song", "track", "bus", "return", "premaster", "master"] {
        let path = session::Path::new([table]);
        if let Some(value) = document.get(&path) {
            renamed(&path, &value, &|text| named_from(text, from, to), &mut changes);
        }
    }
    session::apply(&mut document, &changes)?;
    Ok(document)
}

/// Collects the files that are named otherwise now.
fn renamed(
    path: &session::Path,
    value: &Value,
    name: &dyn Fn(&str) -> Option<String>,
    changes: &mut Vec<Decision>,
) {
    let Value::Table(entries) = value else { return };
    for (key, value) in entries {
        let path = path.child(key.clone());
        let new = match value {
            Value::Text(text) if FILES.contains(&key.as_str()) => name(text).map(Value::Text),
            Value::List(all) if FILES.contains(&key.as_str()) => {
                let text = |value: &Value| value.as_text().and_then(name).map(Value::Text);
                all.iter().map(text).collect::<Option<Vec<Value>>>().map(Value::List)
            }
            _ => {
                renamed(&path, value, name, changes);
                None
            }
        };
        if let Some(new) = new.filter(|new| new != value) {
            changes.push(Decision::set(StepId::Preparation, path, new, ""));
        }
    }
}

/// A file as a session in another home names it.
fn named_from(text: &str, from: &Project, to: &Project) -> Option<String> {
    let file = from.resolve(&session::text_file(text)?);
    // What is not there any more is left as it is named, but from here.
    let file = std::fs::canonicalize(&file).or_else(|_| std::path::absolute(&file)).ok()?;
    Some(session::file_text(&to.relative(&file)))
}
