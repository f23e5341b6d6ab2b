//! The steps before the limiter: decide, hear, make up for what is left.

use super::work::{Work, sound_of, without_limiter};
use crate::merging::Merging;
use crate::{Context, WorkflowError};
use mastering::{Goal, MasterFacts, MatchPlan};
use measure::Analysis;
use session::Session;

/// The steps before the limiter, each hearing what the ones before it have done; where those did nothing to the sound,
/// what was heard before is still true. What a step has decided is heard, and the step makes up for what is left.
pub(super) fn decide(
    merging: &mut Merging,
    work: &mut Work,
    facts: &mut MasterFacts,
    (goal, plan): (&Goal, Option<&MatchPlan>),
    context: &Context,
) -> Result<(), WorkflowError> {
    for decided in ["insert", "automation", "start_s", "end_s", "fade_in_s", "fade_out_s"] {
        merging.forget(&["master", decided])?;
    }
    let mut so_far = SoFar { work, heard: Session::new().master };
    facts.now = Some(facts.premaster.clone());
    for step in mastering::STEPS {
        context.check()?;
        context.listener.stage(&format!("step {}", step.id()), None);
        let session = merging.merged().document.session()?;
        let mut decided = step.decide(facts, &session, goal);
        if let Some(plan) = plan.filter(|_| step.draws_the_match()) {
            merging.apply(decided)?;
            decided = plan.decisions(&merging.merged().document.session()?);
        }
        merging.apply(decided)?;
        let before = so_far.listen(merging, facts)?;
        if let Some(before) = before {
            let session = merging.merged().document.session()?;
            let again = step.revise(&before, facts, &session, goal);
            if !again.is_empty() {
                merging.apply_anew(again)?;
                so_far.listen(merging, facts)?;
            }
        }
    }
    Ok(())
}

/// The chain without its limiter, as it was heard last.
struct SoFar<'a, 'w> {
    work: &'a mut Work<'w>,
    heard: session::Master,
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
        let now = self.work.listen(&session)?;
        self.heard = bare.master;
        Ok(facts.now.replace(now))
    }
}
