//! What mastering is given.

use crate::curve::{TARGET, TargetBand};
use crate::{Bounds, Matching, RECORDS, Records, Reference};
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
    /// What the last stage may cost at most.
    pub bounds: Bounds,
    /// How near to come to the references, where there are any.
    pub matching: Matching,
    /// The tonal balance to come near to where there is no reference.
    pub curve: &'static [TargetBand],
    /// What else records of that kind have in common.
    pub records: &'static Records,
    /// Whether a person has asked for a kind of music or for a bold hand: then a finished master is worked on as well.
    pub asked: bool,
}

impl Goal {
    /// A goal of normal strength, toward what finished records have in common.
    pub fn new(loudness_lufs: Option<f64>, ceiling_dbtp: f64) -> Goal {
        Goal {
            loudness_lufs,
            ceiling_dbtp,
            strength: 1.0,
            bounds: Bounds::default(),
            matching: Matching::default(),
            curve: TARGET,
            records: &RECORDS,
            asked: false,
        }
    }
}

/// The limiter keeps this far under the ceiling, in dB: what rounding, dither and a longer filter than its own find above it
/// would otherwise be lowered peak by peak.
const LIMITER_BELOW_DB: f64 = 0.01;

impl Goal {
    /// The ceiling of the last limiter, in dBTP: a hair under the one to be kept.
    pub fn limiter_ceiling_dbtp(&self) -> f64 {
        ((self.ceiling_dbtp - LIMITER_BELOW_DB) * 100.0).round() / 100.0
    }
}

/// A finished master is no more than this under the loudness asked for, in LU, and its peaks stand no lower than this, in
/// dBTP: mixes are handed over with room above them.
const FINISHED_LU: f64 = 1.0;
const FINISHED_DBTP: f64 = -1.0;

/// What was heard.
#[derive(Debug, Clone, Default)]
pub struct MasterFacts {
    /// The pre-master.
    pub premaster: Analysis,
    /// The pre-master through the chain decided so far, without the limiter.
    pub now: Option<Analysis>,
    /// Finished songs to be near to.
    pub references: Vec<Reference>,
}

impl MasterFacts {
    /// Whether this is a finished master: as loud as asked for, and up to full scale. Whoever made it has decided about its
    /// tone, and without a reference or a wish nothing but its level is changed.
    pub fn finished(&self, goal: &Goal) -> bool {
        let heard = &self.premaster.facts;
        let loud = goal.loudness_lufs.zip(heard.integrated_lufs);
        let loud = loud.is_some_and(|(goal, is)| goal - is <= FINISHED_LU);
        let full = heard.true_peak_dbtp.is_some_and(|peak| peak >= FINISHED_DBTP);
        loud && full && !goal.asked && self.references.is_empty()
    }

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

    /// Whether the match with references is drawn right behind it.
    fn draws_the_match(&self) -> bool {
        false
    }

    /// Makes up for what is left once the decision was heard; nothing where it did what it was to do. Pure.
    ///
    /// `before` was heard before the step, `facts.now` after it; the session holds what was decided.
    fn revise(
        &self,
        _before: &Analysis,
        _facts: &MasterFacts,
        _session: &Session,
        _goal: &Goal,
    ) -> Vec<Decision> {
        Vec::new()
    }
}
