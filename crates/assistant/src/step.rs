//! A step of the work: a pure function from facts and session to decisions.

use crate::SongFacts;
use session::{Decision, Path, Session, StepId};

/// What must have been measured before a step can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hears {
    /// The recordings.
    Recordings,
    /// Also every track as it stands now, before its fader.
    Strips,
    /// Also the buses.
    Buses,
    /// Also the mix.
    Mix,
}

/// How far the assistant goes, and on what.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Factor on the size of every move of taste: 1 is normal.
    pub strength: f64,
    /// The role that the mix is about; without it, the lead vocal or what comes nearest.
    pub focus: Option<String>,
    /// What a person has set: taken as it is, and the rest decided around it.
    pub yours: Vec<Path>,
}

impl Rules {
    /// True when a person has set this, or something above or beneath it.
    pub fn is_yours(&self, path: &Path) -> bool {
        self.yours.iter().any(|yours| yours.contains(path) || path.contains(yours))
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { strength: 1.0, focus: None, yours: Vec::new() }
    }
}

/// One step.
pub trait Step: Sync {
    /// Which one.
    fn id(&self) -> StepId;

    /// What it has to have heard of a session.
    fn hears(&self, session: &Session) -> Hears;

    /// Decides. Pure: the same facts, session and rules give the same decisions. An empty list means that
    /// nothing needs to be done.
    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision>;
}
