//! A session under planning: what a person wrote, what the machine wrote last, and the new plan.

use crate::saving::{decisions_file, plan_file};
use crate::{Project, WorkflowError};
use serde::{Deserialize, Serialize};
use session::{Change, Decision, Document, Merged, Path, Session, StepId};
use std::path::PathBuf;

/// What is told with the recordings, by whoever starts the plan, and stands until somebody says otherwise.
const TOLD: [&str; 3] = ["title", "tempo_bpm", "sections"];

/// What is kept beside a session to explain it.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub(crate) struct Evidence {
    /// All decisions behind the session, in order.
    pub(crate) decisions: Vec<Decision>,
}

impl Evidence {
    /// What was kept; nothing when nothing can be read.
    pub(crate) fn load(project: &Project) -> Evidence {
        let text = std::fs::read(decisions_file(project)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("decisions have only plain values")
    }
}

fn load_if_there(file: &std::path::Path) -> Result<Option<Document>, WorkflowError> {
    if file.exists() {
        Ok(Some(session::load(file).map_err(WorkflowError::session(file))?))
    } else {
        Ok(None)
    }
}

/// What a person has set in the session of a project, against what the machine wrote last.
pub(crate) fn persons(project: &Project, mine: &Document) -> Result<Vec<Path>, WorkflowError> {
    let base = load_if_there(&plan_file(project))?;
    Ok(edits(session::yours(base.as_ref(), mine)))
}

/// The recordings that a person wants in no track. What the machine left out is looked at anew in every plan.
pub(crate) fn left_out(project: &Project) -> Result<Vec<PathBuf>, WorkflowError> {
    let file = project.session_file();
    let Some(mine) = load_if_there(&file)? else { return Ok(Vec::new()) };
    let list = mine.session().map_err(WorkflowError::session(&file))?.song.left_out;
    let path = Path::new(["song", "left_out"]);
    let is_theirs = !list.is_empty() && persons(project, &mine)?.iter().any(|yours| yours.contains(&path));
    Ok(if is_theirs { list } else { Vec::new() })
}

/// Every file has a version: it is nobody's wish.
fn edits(mut yours: Vec<Path>) -> Vec<Path> {
    let version = Path::new(["version"]);
    yours.retain(|path| *path != version);
    yours
}

/// Writes a first session that the machine was told, not a person wrote.
pub(crate) fn tell(project: &Project, session: &Session) -> Result<(), WorkflowError> {
    let state = project.state();
    std::fs::create_dir_all(&state).map_err(WorkflowError::io(&state, "create the folder"))?;
    let text = Document::new(session).to_string();
    session::save(&plan_file(project), &text)?;
    Ok(session::save(&project.session_file(), &text)?)
}

/// Takes back a first session that nothing came of, where it still says only what was told.
pub(crate) fn untell(project: &Project, session: &Session) {
    let text = Document::new(session).to_string();
    let [file, plan] = [project.session_file(), plan_file(project)];
    let told = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|is| is == text);
    if told(&file) && told(&plan) {
        // What cannot be removed is a session like any other.
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::remove_file(&plan);
    }
}

/// Begins a project with the session of another, and with what the machine wrote and decided there; `named` gives a
/// session with its files named from here.
pub(crate) fn tell_as_it_was(
    from: &Project,
    to: &Project,
    named: impl Fn(Document) -> Result<Document, WorkflowError>,
) -> Result<(), WorkflowError> {
    let session = named(from.load()?)?.to_string();
    let plan = match load_if_there(&plan_file(from))? {
        Some(plan) => named(plan)?.to_string(),
        None => session.clone(),
    };
    crate::saving::save(to, session, plan, Evidence::load(from).text())
}

/// A session under planning.
pub(crate) struct Merging {
    /// The session file as it is; absent before the first plan.
    pub(crate) mine: Option<Document>,
    base: Option<Document>,
    theirs: Document,
    decisions: Vec<Decision>,
    evidence: Evidence,
    /// The mixing decisions of the plan before this one.
    earlier: Vec<Decision>,
    /// What was told with the recordings.
    told: Vec<Path>,
}

impl Merging {
    /// The session as it stands, to be planned on.
    pub(crate) fn open(project: &Project) -> Result<Merging, WorkflowError> {
        let file = project.session_file();
        let mine = load_if_there(&file)?;
        if let Some(mine) = &mine {
            mine.session().map_err(WorkflowError::session(&file))?;
        }
        // Without what is a person's it need not be a whole session.
        let base = load_if_there(&plan_file(project))?;
        let theirs = base.clone().or_else(|| mine.clone()).unwrap_or_default();
        let evidence = Evidence::load(project);
        Ok(Merging {
            mine,
            base,
            theirs,
            decisions: Vec::new(),
            evidence,
            earlier: Vec::new(),
            told: Vec::new(),
        })
    }

    /// Starts the plan over; what was told, and what was decided in the mastering steps, stays.
    pub(crate) fn start_over(&mut self, theirs: Document) -> Result<(), WorkflowError> {
        self.theirs = theirs;
        if let Some(base) = &self.base {
            let decided = |path: &Path| self.evidence.decisions.iter().any(|d| d.change.path() == path);
            let told = TOLD.iter().map(|key| Path::new(["song", key]));
            self.told = told.filter(|path| base.get(path).is_some() && !decided(path)).collect();
            let paths = self.told.iter().cloned().chain([Path::new(["master"])]);
            let kept: Vec<Decision> = paths.filter_map(|path| kept(base, path)).collect();
            session::apply(&mut self.theirs, &kept)?;
        }
        let decisions = std::mem::take(&mut self.evidence.decisions);
        let is_mastering = |d: &Decision| d.step.is_mastering();
        (self.evidence.decisions, self.earlier) = decisions.into_iter().partition(is_mastering);
        Ok(())
    }

    /// What no step decides about: what is a person's, and what was told with the recordings.
    pub(crate) fn settled(&self) -> Vec<Path> {
        let mut settled = self.merged().yours;
        settled.extend(self.told.iter().cloned());
        settled
    }

    /// What the plan before decided in a step, as far as it is `wanted` and there is still what it is about.
    pub(crate) fn earlier(
        &self,
        step: StepId,
        wanted: impl Fn(&Decision) -> bool,
    ) -> Result<Vec<Decision>, WorkflowError> {
        let known = self.theirs.session()?;
        let still_there = |d: &Decision| match d.change.path().parts() {
            [table, id, ..] if table == "track" => known.tracks.contains_key(id),
            _ => true,
        };
        // The importer has spoken anew before the first step.
        let said = |d: &Decision| self.decisions.iter().any(|new| new.change.path() == d.change.path());
        let fits = |d: &&Decision| d.step == step && wanted(d) && still_there(d);
        let anew = |d: &&Decision| step != StepId::Preparation || !said(d);
        Ok(self.earlier.iter().filter(fits).filter(anew).cloned().collect())
    }

    /// What the plan before decided in a step about inserts in which a person has changed something since, and about
    /// which nothing was decided now: the person's are the settings they changed, not the whole insert.
    pub(crate) fn under_edit(
        &self,
        step: StepId,
        decided: &[Decision],
    ) -> Result<Vec<Decision>, WorkflowError> {
        let yours = self.mine.as_ref().map(|mine| session::yours(self.base.as_ref(), mine));
        let yours = yours.unwrap_or_default();
        let edited: Vec<Path> =
            yours.iter().filter_map(|path| insert_of(path).filter(|i| i != path)).collect();
        let anew =
            |insert: &Path| decided.iter().any(|d| insert_of(d.change.path()).as_ref() == Some(insert));
        let left = |insert: Path| edited.contains(&insert) && !anew(&insert);
        self.earlier(step, |d| insert_of(d.change.path()).is_some_and(left))
    }

    /// Writes decisions, some of them from the plan before: where something they rest on is gone, each that can still
    /// be written is.
    pub(crate) fn apply_what_can_be(&mut self, decisions: Vec<Decision>) {
        if session::apply(&mut self.theirs, &decisions).is_ok() {
            self.decisions.extend(decisions);
            return;
        }
        for decision in decisions {
            if session::apply(&mut self.theirs, std::slice::from_ref(&decision)).is_ok() {
                self.decisions.push(decision);
            }
        }
    }

    /// True when there is a plan to go on from.
    pub(crate) fn has_plan(&self) -> bool {
        let mixing = |d: &Decision| !d.step.is_mastering();
        self.base.is_some() && self.mine.is_some() && self.evidence.decisions.iter().any(mixing)
    }

    /// True when the plan before had something to say about a strip.
    pub(crate) fn decided_before(&self, strip: &str) -> bool {
        self.earlier.iter().any(|d| d.change.path().parts().iter().take(2).any(|part| part == strip))
    }

    /// True for a strip that the machine made: it will make it again where it is needed.
    pub(crate) fn is_the_machines(&self, strip: &Path) -> bool {
        self.base.as_ref().is_some_and(|base| base.get(strip).is_some())
    }

    /// The session that a person would get now: the plan so far, with their edits.
    pub(crate) fn merged(&self) -> Merged {
        match &self.mine {
            Some(mine) => {
                let merged = session::merge(self.base.as_ref(), mine, &self.theirs);
                Merged { yours: edits(merged.yours), ..merged }
            }
            None => Merged { document: self.theirs.clone(), base: self.theirs.clone(), yours: Vec::new() },
        }
    }

    /// Writes decisions into the plan.
    pub(crate) fn apply(&mut self, decisions: Vec<Decision>) -> Result<(), WorkflowError> {
        session::apply(&mut self.theirs, &decisions)?;
        self.decisions.extend(decisions);
        Ok(())
    }

    /// Writes decisions that take the place of those before about the same.
    pub(crate) fn apply_anew(&mut self, decisions: Vec<Decision>) -> Result<(), WorkflowError> {
        session::apply(&mut self.theirs, &decisions)?;
        let anew = |old: &Decision| decisions.iter().any(|new| new.change.path() == old.change.path());
        self.decisions.retain(|old| !anew(old));
        self.decisions.extend(decisions);
        Ok(())
    }

    /// Remembers decisions that the plan holds already.
    pub(crate) fn note(&mut self, decisions: Vec<Decision>) {
        self.decisions.extend(decisions);
    }

    /// Takes something out of the plan, so that a new plan need not repeat what is no longer wanted.
    pub(crate) fn forget(&mut self, path: &[&str]) -> Result<(), WorkflowError> {
        let path = Path::new(path.iter().copied());
        self.evidence.decisions.retain(|d| !path.contains(d.change.path()));
        let removal = Decision::new(StepId::CriticalListening, Change::Remove { path }, "");
        Ok(session::apply(&mut self.theirs, &[removal])?)
    }

    /// What was decided since this was opened.
    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What has changed against the session file.
    pub(crate) fn changes(&self) -> Result<Vec<session::Difference>, WorkflowError> {
        let before = match &self.mine {
            Some(mine) => mine.session()?,
            None => Session::new(),
        };
        Ok(session::difference(&before, &self.merged().document.session()?))
    }

    /// Writes session, plan and evidence; gives the new decisions.
    pub(crate) fn save(mut self, project: &Project) -> Result<Vec<Decision>, WorkflowError> {
        let merged = self.merged();
        let replaced: Vec<&Path> = self.decisions.iter().map(|d| d.change.path()).collect();
        self.evidence.decisions.retain(|old| !replaced.contains(&old.change.path()));
        self.evidence.decisions.extend(self.decisions.iter().cloned());
        self.evidence.decisions.sort_by_key(|d| d.step);
        let (session, plan) = (merged.document.to_string(), merged.base.to_string());
        crate::saving::save(project, session, plan, self.evidence.text())?;
        Ok(self.decisions)
    }
}

/// The insert that a path lies on or in.
fn insert_of(path: &Path) -> Option<Path> {
    let parts = path.parts();
    let at = parts.iter().position(|part| part == "insert")?;
    parts.get(..at + 2).map(Path::new)
}

/// What the plan before holds at a path, as a change.
fn kept(base: &Document, path: Path) -> Option<Decision> {
    let value = base.get(&path)?;
    Some(Decision::new(StepId::Preparation, Change::Set { path, value }, ""))
}
