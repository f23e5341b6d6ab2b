//! Notes of a person about strips, kept in the session for the next plan.

use crate::{Context, Project, WorkflowError};
use serde::Serialize;
use session::{Note, Session};

/// What `note` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Noted {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The session file.
    pub session: String,
    /// The strip.
    pub strip: String,
    /// All its notes, the new one last.
    pub notes: Vec<NotedLine>,
    /// Whether one was added.
    pub added: bool,
    /// Nothing was written.
    pub dry_run: bool,
}

/// A note about a strip.
#[derive(Debug, Clone, Serialize)]
pub struct NotedLine {
    /// In a person's words.
    pub text: String,
    /// Where it begins, in seconds; absent is all of the song.
    pub from_s: Option<f64>,
    /// Where it ends, in seconds.
    pub to_s: Option<f64>,
    /// Why no plan can answer it; absent when one can.
    pub unanswered: Option<String>,
}

/// Notes a text about a strip, where in the song it is meant; without a text, its notes are only told.
///
/// The note is an edit like any other: `set --undo` takes it back.
pub fn note(
    project: &Project,
    strip: &str,
    text: Option<&str>,
    place: Option<(f64, Option<f64>)>,
    dry_run: bool,
    context: &Context,
) -> Result<Noted, WorkflowError> {
    let mut session = project.load()?.session()?;
    let bare = strip.rsplit('.').next().unwrap_or(strip).to_string();
    let found = session.strip(&bare).filter(|strip| strip.class != session::StripClass::Master);
    let Some((path, mut notes)) = found.map(|strip| (strip.path(), strip.notes.clone())) else {
        let known: Vec<&str> = session.channels().map(|strip| strip.id.as_str()).collect();
        return Err(WorkflowError::Usage(format!(
            "there is no strip `{strip}` to note something about; there are {} and premaster",
            known.join(", ")
        )));
    };
    if let Some(text) = text {
        if text.trim().is_empty() {
            return Err(WorkflowError::Usage("a note needs words, such as \"too loud\"".into()));
        }
        let (from_s, to_s) = place.map_or((None, None), |(from_s, to_s)| (Some(from_s), to_s));
        notes.push(Note { text: text.trim().into(), from_s, to_s });
        let setting = format!("{path}.notes={}", list(&notes));
        crate::edit::set(project, &[setting], dry_run, context)?;
    }
    if let Some(strip) = session.strip_mut(&bare) {
        strip.notes = notes;
    }
    Ok(Noted {
        schema: "tonmeister.note/1",
        session: crate::written::shown(&project.session_file()),
        notes: lines(&session, &bare),
        strip: bare,
        added: text.is_some(),
        dry_run,
    })
}

/// The notes of a strip, with why they cannot be answered.
fn lines(session: &Session, strip: &str) -> Vec<NotedLine> {
    let unanswered = assistant::unanswered_notes(session, &assistant::Rules::default());
    let why = |note: &Note| {
        unanswered.iter().find(|(id, other, _)| id == strip && other == note).map(|(.., why)| why.clone())
    };
    let notes = session.strip(strip).map_or(&[][..], |strip| &strip.notes);
    let line = |note: &Note| NotedLine {
        text: note.text.clone(),
        from_s: note.from_s,
        to_s: note.to_s,
        unanswered: why(note),
    };
    notes.iter().map(line).collect()
}

/// Notes as the session file has them.
fn list(notes: &[Note]) -> String {
    let item = |note: &Note| {
        let text = serde_json::to_string(&note.text).expect("a text");
        let times = [note.from_s, note.from_s.and(note.to_s)];
        let times: String = times.into_iter().flatten().map(|time_s| format!(", {time_s:?}")).collect();
        format!("[{text}{times}]")
    };
    let items: Vec<String> = notes.iter().map(item).collect();
    format!("[{}]", items.join(", "))
}
