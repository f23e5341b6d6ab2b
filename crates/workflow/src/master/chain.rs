//! The steps before the limiter: decide, hear, make up for what is left.

use super::work::{Work, sound_of, without_limiter};
use crate::merging::Merging;
use crate::{Context, WorkflowError};
use mastering::{Goal, MasterFacts, MatchPlan};
use measure::Analysis;
use session::Session;

/// The steps before the limiter, each hearing what the ones before it have done; where those did nothing to the sound,
/// what was heard before is still true. What a step has decided is heard, and the step makes up for what is left. Tells
/// what was heard last.
///
/// A match is heard as a whole once its steps have decided, and drawn to what is heard. What makes up for something on the way
/// there is therefore not heard by itself: the steps decide from what they aim at, which lies within tenths of it. The ride stays as it
/// is meanwhile, since compressors are told by how far the level moves.
pub(super) fn decide(
    merging: &mut Merging,
    work: &mut Work,
    facts: &mut MasterFacts,
    (goal, plan): (&Goal, &mut Option<MatchPlan>),
    context: &Context,
) -> Result<HeardAs, WorkflowError> {
    for decided in ["insert", "automation", "start_s", "end_s", "fade_in_s", "fade_out_s"] {
        merging.forget(&["master", decided])?;
    }
    let keeps = plan.is_none();
    let mut so_far = SoFar { work, keeps, heard: Session::new().master, heard_as: HeardAs::ItStands };
    facts.now = Some(facts.premaster.clone());
    for step in mastering::STEPS {
        context.check()?;
        context.listener.stage(&format!("step {}", step.id()), None);
        let session = merging.merged().document.session()?;
        let mut decided = step.decide(facts, &session, goal);
        let draws = step.draws_the_match();
        if let Some(plan) = plan.as_ref().filter(|_| draws) {
            merging.apply(decided)?;
            decided = plan.decisions(&merging.merged().document.session()?);
        }
        merging.apply(decided)?;
        let before = so_far.listen(merging, facts)?;
        let heard = facts.now.as_ref().filter(|_| draws && before.is_some());
        if let Some(next) =
            plan.as_ref().zip(heard).and_then(|(plan, heard)| plan.corrected_behind(heard, None))
        {
            merging.apply_anew(next.decisions(&merging.merged().document.session()?))?;
            *plan = Some(next);
            so_far.take_as_heard(merging, HeardAs::BeforeTheMatch)?;
        }
        if let Some(before) = before {
            let session = merging.merged().document.session()?;
            let again = step.revise(&before, facts, &session, goal);
            if !again.is_empty() {
                merging.apply_anew(again)?;
                match plan {
                    Some(_) => so_far.take_as_heard(merging, HeardAs::BeforeARevision)?,
                    None => drop(so_far.listen(merging, facts)?),
                }
            }
        }
    }
    Ok(so_far.heard_as)
}

/// The chain without its limiter, as it was heard last.
struct SoFar<'a, 'w> {
    work: &'a mut Work<'w>,
    /// Whether what is rendered for it is kept for what comes behind.
    keeps: bool,
    heard: session::Master,
    heard_as: HeardAs,
}

/// What the chain was when it was heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeardAs {
    /// As it stands.
    ItStands,
    /// Before a step made up for what was left of its own.
    BeforeARevision,
    /// Before the match was drawn to what was heard.
    BeforeTheMatch,
}

impl SoFar<'_, '_> {
    /// Hears the chain where it has changed; gives what was true before it did.
    fn listen(
        &mut self,
        merging: &Merging,
        facts: &mut MasterFacts,
    ) -> Result<Option<Analysis>, WorkflowError> {
        let session = merging.merged().document.session()?;
        let bare = without_limiter(&session);
        if sound_of(&bare.master) == sound_of(&self.heard) {
            return Ok(None);
        }
        let now = self.work.listen(&session, &facts.premaster, self.keeps)?;
        (self.heard, self.heard_as) = (bare.master, HeardAs::ItStands);
        Ok(facts.now.replace(now))
    }

    /// Goes on as if the chain had been heard as it stands, unless it is as it was.
    fn take_as_heard(&mut self, merging: &Merging, heard_as: HeardAs) -> Result<(), WorkflowError> {
        let bare = without_limiter(&merging.merged().document.session()?);
        if sound_of(&bare.master) != sound_of(&self.heard) {
            let match_drawn = self.heard_as == HeardAs::BeforeTheMatch;
            (self.heard, self.heard_as) = (bare.master, if match_drawn { self.heard_as } else { heard_as });
        }
        Ok(())
    }
}
