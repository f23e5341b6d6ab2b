//! One song, several targets: where a target asks for another loudness or a lower ceiling than the master has, the
//! limiter is solved anew for it. The session keeps its own master.

use crate::master::{LIMITER, Work, goal, target_of, with_limiter};
use crate::master_request::MasterRequest;
use crate::rerender::premaster_of;
use crate::{Context, Project, WorkflowError};
use delivery::{Force, Target};
use mastering::Goal;
use session::Session;
use std::path::{Path, PathBuf};

/// Loudness nearer than this is the same, in LU: the accuracy of the solver.
const SAME_LU: f64 = 0.1;

/// A float master for a target.
pub(crate) struct Float {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Why the target's loudness was not reached, in words.
    pub(crate) stopped: Option<String>,
    /// What it stands in, unless it is the master that stands.
    _workshop: Option<files::Workshop>,
}

/// The `master` that stands, or one that is limited anew where the target asks for something else.
pub(crate) fn float_for(
    project: &Project,
    session: &Session,
    target: &Target,
    master: &Path,
    context: &Context,
) -> Result<Float, WorkflowError> {
    let stands = files::probe(master)?.channels;
    // A mono master is no master for who takes two channels only.
    let twice = target.doubles(stands);
    let channels = if twice { 2 } else { stands };
    let nothing_asked = MasterRequest::default();
    let standing = goal(session, &target_of(project, session, &nothing_asked)?, channels, &nothing_asked)?;
    let wanted = goal_for(session, &standing, target, channels);
    let limits = session.master.strip.inserts.last().is_some_and(|i| i.id == LIMITER && !i.bypass);
    if (same(&standing, &wanted) && !twice) || !limits {
        return Ok(Float { path: master.to_path_buf(), stopped: None, _workshop: None });
    }
    let premaster = premaster_of(project, session);
    if !premaster.exists() {
        return Err(WorkflowError::Usage(format!(
            "{}: {} asks for another loudness than the master has, and there is no {} to limit anew; run `tonmeister \
             render premaster` first",
            project.home.display(),
            target.id,
            premaster.display()
        )));
    }
    let source = project.master_sources(session, &premaster, channels == 2)?;
    let mut work = Work::new(project, &source, context)?;
    let mut solved = work.solve(session, &wanted)?;
    let retargeted = with_limiter(session, solved.best.drive_db, wanted.limiter_ceiling_dbtp());
    let path = work.finish(&retargeted, &wanted, Some(&mut solved))?.into_file();
    Ok(Float { path, stopped: solved.stopped, _workshop: Some(work.into_workshop()) })
}

/// What a target must have stands in its row; what it only advises gives way to what the session says. A music service
/// takes the master that stands: it levels in its player.
fn goal_for(session: &Session, standing: &Goal, target: &Target, channels: usize) -> Goal {
    if target.service {
        let ceiling_dbtp = standing.ceiling_dbtp.min(target.ceiling_dbtp);
        return Goal { ceiling_dbtp, ..standing.clone() };
    }
    let row = target.integrated_lufs_for(channels);
    let own = session.master.loudness_lufs.filter(|_| target.loudness == Force::Advised);
    Goal {
        loudness_lufs: own.or(row).or(standing.loudness_lufs),
        ceiling_dbtp: standing.ceiling_dbtp.min(target.ceiling_dbtp),
        ..standing.clone()
    }
}

fn same(a: &Goal, b: &Goal) -> bool {
    let loudness = match (a.loudness_lufs, b.loudness_lufs) {
        (Some(a), Some(b)) => (a - b).abs() <= SAME_LU,
        (a, b) => a == b,
    };
    loudness && a.ceiling_dbtp == b.ceiling_dbtp
}
