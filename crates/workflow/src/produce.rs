//! Everything: plan, mix, master, deliver, check, report.

use crate::deliver::deliver_one;
use crate::made::{Asked, Noting};
use crate::master::master;
use crate::master_request::MasterRequest;
use crate::plan::{Planned, plan};
use crate::produced::{ProduceRequest, Produced, TrackSummary};
use crate::recordings::Found;
use crate::render::{Part, render_parts};
use crate::scan::faults_of;
use crate::space::{Size, Wanted};
use crate::versions;
use crate::written::{WrittenFile, delivered_file, rendered_file, shown};
use crate::{Context, Project, WorkflowError, report_song};
use delivery::Delivered;
use session::{Decision, Session};

/// Carries a folder of recordings to a mastered, checked song.
///
/// Where all of it stands as an earlier run with the same wishes has left it, nothing is rendered, measured or written.
pub fn produce(
    project: &Project,
    request: &ProduceRequest,
    context: &Context,
) -> Result<(Produced, Session, Vec<Decision>), WorkflowError> {
    let project = &project.hold(context)?;
    let asked = Asked::new(project, request);
    if let Some(made) = asked.as_ref().and_then(|asked| asked.made(context)) {
        context.listener.note("nothing has changed since this was produced: everything stands as it is");
        return Ok((made.produced, project.load()?.session()?, made.decisions));
    }
    let noting = Noting::new(context.listener);
    let done = produced(project, request, &Context { listener: &noting, ..*context })?;
    if let Some(asked) = asked {
        let (produced, session, decisions) = &done;
        asked.keep(session, produced, decisions, noting.notes());
    }
    Ok(done)
}

fn produced(
    project: &Project,
    request: &ProduceRequest,
    context: &Context,
) -> Result<(Produced, Session, Vec<Decision>), WorkflowError> {
    let found = Found::in_folder(project, &project.some_recordings()?.files)?;
    let skip = request.plan.skip_unreadable;
    let wanted = Wanted {
        premaster: true,
        stems: request.stems,
        tracks: request.tracks,
        masters: u64::from(!request.only_mix),
    };
    let found = found.without_unreadable(skip, project)?;
    let project = &project.fitting(Size::of(&found.recordings), wanted, context)?;
    crate::plan::prepare_song(project, request.title.as_deref(), request.song.as_ref())?;
    let planned = plan(project, &request.plan, context)?;
    // What cannot be is told before anything is rendered.
    request.versions.iter().try_for_each(|version| version.of(&planned.session).map(drop))?;
    let out = project.out();
    let mut parts = vec![Part::Premaster];
    parts.extend(request.stems.then_some(Part::Stems));
    parts.extend(request.tracks.then_some(Part::Tracks));
    let (mut rendered, reductions) = render_parts(project, &planned.session, &parts, &out, context)?;
    let mut files: Vec<WrittenFile> =
        rendered.iter().map(|r| rendered_file(&r.strip, &r.path, &r.analysis.facts)).collect();
    let mut mastered = match request.only_mix {
        true => None,
        false => {
            let premaster = out.join("premaster.wav");
            Some(master(project, &premaster, &out.join("master.wav"), &request.master, context)?)
        }
    };
    if let Some(mastered) = &mut mastered {
        mastered.verdicts = crate::verdicts::of_mix(&planned, &mastered.verdicts);
    }
    let mut deliveries: Vec<Delivered> = Vec::new();
    let mut notes = planned.left_out.clone();
    if let Some(mastered) = &mastered {
        files.push(delivered_file("master", &mastered.delivered));
        notes.extend(mastered.solved.as_ref().and_then(|s| s.stopped.clone()));
        for id in &mastered.session.deliver.targets {
            if *id == mastered.delivered.target && mastered.session.deliver.formats.is_empty() {
                continue;
            }
            let (delivered, stopped) = deliver_one(project, &mastered.session, id, context)?;
            notes.extend(stopped.map(|why| format!("{id}: {why}")));
            files.extend(delivered.iter().map(|delivered| delivered_file(id, delivered)));
            deliveries.extend(delivered);
        }
    }
    if !request.versions.is_empty() {
        let session = mastered.as_ref().map_or(&planned.session, |m| &m.session);
        let with_master = mastered.is_some();
        let (mixes, masters) = versions::rendered(project, session, &request.versions, with_master, context)?;
        files.extend(mixes.iter().map(|r| rendered_file(&r.strip, &r.path, &r.analysis.facts)));
        for (version, master) in request.versions.iter().zip(&masters) {
            files.push(delivered_file(&format!("master, {}", version.name()), master));
        }
        rendered.extend(mixes);
        deliveries.extend(masters);
    }
    let passed = mastered.iter().map(|m| &m.delivered).chain(&deliveries).all(|d| d.passed);
    context.listener.stage("writing the report", None);
    let ab = compared(project, mastered.as_ref(), &request.master, context)?;
    let report =
        report_song::write(project, &planned, &rendered, &reductions, mastered.as_ref(), &deliveries, &ab)?;
    let session = mastered.as_ref().map_or(&planned.session, |m| &m.session).clone();
    let mut decisions = planned.decisions.clone();
    decisions.extend(mastered.iter().flat_map(|m| m.decisions.iter().cloned()));
    let produced = Produced {
        schema: request.schema(),
        session: shown(&project.session_file()),
        report: shown(&report),
        files,
        tracks: tracks(&planned, &session),
        decisions: decisions.len(),
        ab,
        listening: mastered.iter().flat_map(|m| &m.verdicts).map(crate::HeardFirst::from).collect(),
        yours: planned.yours.iter().map(ToString::to_string).collect(),
        notes,
        passed,
    };
    Ok((produced, session, decisions))
}

/// Before, after and references at one loudness, where they are asked for.
fn compared(
    project: &Project,
    mastered: Option<&crate::Mastered>,
    request: &MasterRequest,
    context: &Context,
) -> Result<Vec<crate::AbFile>, WorkflowError> {
    let Some(mastered) = mastered.filter(|_| request.ab) else { return Ok(Vec::new()) };
    let out = project.out();
    let master = [("master".to_string(), mastered.delivered.path.clone())];
    let sounds = crate::ab::sounds(project, &out.join("premaster.wav"), mastered, request, &master);
    crate::ab::write(&out.join("ab"), &sounds, mastered.goal.ceiling_dbtp, context)
}

fn tracks(planned: &Planned, session: &Session) -> Vec<TrackSummary> {
    let one = |track: &session::Strip| TrackSummary {
        id: track.id.clone(),
        role: track.role.clone(),
        trim_db: track.trim_db,
        fader_db: track.fader_db,
        pan: track.pan,
        faults: planned
            .facts
            .tracks
            .get(&track.id)
            .map(|t| faults_of(t, track.role.as_deref(), &planned.facts))
            .unwrap_or_default(),
    };
    session.tracks.values().map(one).collect()
}
