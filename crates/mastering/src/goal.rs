//! What mastering is given.

use measure::{Analysis, Facts};
use session::{Decision, Session, StepId};

/// Where the master should arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// Integrated loudness in LUFS; without one the music keeps the loudness it has.
    pub loudness_lufs: Option<f64>,
    /// True peak never to exceed, in dBTP.
    pub ceiling_dbtp: f64,
    /// Factor on the size of every move of taste: 1 is normal.
    pub strength: f64,
}

/// What was heard.
#[derive(Debug, Clone, Default)]
pub struct MasterFacts {
    /// The pre-master.
    pub premaster: Analysis,
    /// The pre-master through the chain decided so far, without the limiter.
    pub now: Option<Analysis>,
    /// A finished song to be near to.
    pub reference: Option<Facts>,
}

impl MasterFacts {
    /// What stands before the next insert.
    pub fn heard(&self) -> &Facts {
        self.now.as_ref().map_or(&self.premaster.facts, |now| &now.facts)
    }
}

/// One step of mastering.
pub trait MasterStep: Sync {
    /// Which one.
    fn id(&self) -> StepId;

    /// Decides. Pure: the same facts, session and goal give the same decisions.
    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision>;
}
