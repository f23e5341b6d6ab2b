//! Other versions of a mix: without its singers, of its singers alone, without its lead.
//!
//! A version is the session with some tracks taken out behind their processing: keys still hear them, every setting and
//! lane stays, the mastering chain is that of the song, and the length is that of the mix, so that versions can be cut into
//! one another.

use crate::ceiling::keep_ceiling;
use crate::master::{Work, goal, target_of};
use crate::master_request::MasterRequest;
use crate::render::{RenderResult, Rendered, render_mix, unwritten};
use crate::written::{delivered_file, rendered_file};
use crate::{Context, Project, WorkflowError};
use delivery::{Delivered, Job};
use serde::Serialize;
use session::{Session, Strip};
use std::path::Path;

/// A version of a song.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// Without lead and backing vocals.
    Instrumental,
    /// Vocals with their effects, and nothing else.
    Acappella,
    /// Without the lead; backing vocals stay, for a singer on television.
    Tv,
}

impl Version {
    /// All of them.
    pub const ALL: &'static [Version] = &[Version::Instrumental, Version::Acappella, Version::Tv];

    /// Its name, as files have it: `master-instrumental.wav`.
    pub fn name(self) -> &'static str {
        match self {
            Version::Instrumental => "instrumental",
            Version::Acappella => "acappella",
            Version::Tv => "tv",
        }
    }

    /// Whether a track is taken out.
    fn drops(self, track: &Strip) -> bool {
        let role = track.role.as_deref().unwrap_or(assistant::roles::UNKNOWN);
        let sings = assistant::roles::family(role) == "vocals" || role == "vocal_bus";
        match self {
            Version::Instrumental => sings,
            Version::Acappella => !sings,
            // What follows the lead word by word belongs to it.
            Version::Tv => matches!(role, "lead_vocal" | "vocal_double" | "adlib"),
        }
    }

    /// The session of this version; an error where nothing would be taken out, or nothing left.
    pub(crate) fn of(self, session: &Session) -> Result<Session, WorkflowError> {
        let mut version = session.clone();
        let (mut dropped, mut kept) = (0, 0);
        for track in version.tracks.values_mut().filter(|track| !track.mute) {
            if self.drops(track) {
                track.mute = true;
                // A send before the fader does not know of it. The way to the return stays: the version is as long as
                // the mix, to the end of the tail that this track would have had.
                for send in &mut track.sends {
                    send.level_db = f64::NEG_INFINITY;
                }
                track.lanes.retain(|lane| !matches!(lane.target, session::LaneTarget::Send(_)));
                dropped += 1;
            } else {
                kept += 1;
            }
        }
        let why = match (dropped, kept) {
            (0, _) => "no track has a role that it leaves out",
            (_, 0) => "nothing would be left",
            _ => return Ok(version),
        };
        Err(WorkflowError::Usage(format!(
            "there is no {} version of this session: {why} (roles stand in the session as `role`, \
             `tonmeister roles` lists them)",
            self.name()
        )))
    }
}

/// The pre-masters of versions, and their masters where they are wanted.
pub(crate) fn rendered(
    project: &Project,
    session: &Session,
    versions: &[Version],
    with_master: bool,
    context: &Context,
) -> Result<(Vec<Rendered>, Vec<Delivered>), WorkflowError> {
    // All of them, before any work is done.
    let sessions: Result<Vec<Session>, WorkflowError> = versions.iter().map(|v| v.of(session)).collect();
    let out = project.out();
    let (mut mixes, mut masters) = (Vec::new(), Vec::new());
    for (version, session) in versions.iter().zip(sessions?) {
        let name = version.name();
        let file = out.join(format!("premaster-{name}.wav"));
        let mut mix = render_mix(project, &session, &file, context)?;
        mix.strip = format!("premaster, {name}");
        if with_master {
            masters.push(mastered(
                project,
                &session,
                &file,
                &out.join(format!("master-{name}.wav")),
                context,
            )?);
        }
        mixes.push(mix);
    }
    Ok((mixes, masters))
}

/// The master of a version: the song's chain as it stands, its ceiling kept.
fn mastered(
    project: &Project,
    session: &Session,
    premaster: &Path,
    path: &Path,
    context: &Context,
) -> Result<Delivered, WorkflowError> {
    project.protect(session, path)?;
    let source = project.master_sources(session, premaster, false)?;
    let request = MasterRequest { as_it_is: true, ..MasterRequest::default() };
    let target = &target_of(project, session, &request)?;
    let goal = goal(session, target, files::probe(premaster)?.channels, &request)?;
    let mut work = Work::new(project, &source, context)?;
    let (float, _) = work.render(session)?;
    keep_ceiling(&float, goal.ceiling_dbtp, None, context)?;
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut tags = crate::tags::tags_of(session, project)?;
    // A version is another recording: it has its own name, and no ISRC until it is given one.
    tags.title = tags.title.map(|song| format!("{song} ({title})"));
    tags.isrc = None;
    let job = Job { seed: session.seed, tags: Some(&tags), ..Job::new(&float, target, folder, &title) };
    crate::handing_over::delivered(&job, context)
}

/// Renders versions of a session as it stands; nothing is decided.
pub fn render_versions(
    project: &Project,
    versions: &[Version],
    with_master: bool,
    dry_run: bool,
    context: &Context,
) -> Result<RenderResult, WorkflowError> {
    let project = &if dry_run { project.untouched() } else { project.loaded()?.hold(context)? };
    let session = project.load()?.session()?;
    let mut result = RenderResult { schema: "tonmeister.render/1", files: Vec::new(), dry_run };
    if dry_run {
        for version in versions {
            version.of(&session)?;
            let kinds = [Some("premaster"), with_master.then_some("master")];
            result.files.extend(kinds.into_iter().flatten().map(|kind| {
                let name = version.name();
                unwritten(&project.out().join(format!("{kind}-{name}.wav")), &format!("{kind}, {name}"))
            }));
        }
        return Ok(result);
    }
    let (mixes, masters) = rendered(project, &session, versions, with_master, context)?;
    result.files =
        mixes.iter().map(|mix| rendered_file(&mix.strip, &mix.path, &mix.analysis.facts)).collect();
    result.files.extend(
        versions
            .iter()
            .zip(&masters)
            .map(|(version, master)| delivered_file(&format!("master, {}", version.name()), master)),
    );
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::StripClass;

    fn song(tracks: &[(&str, &str)]) -> Session {
        let mut session = Session::new();
        for (id, role) in tracks {
            let mut strip = Strip::new(StripClass::Track, *id);
            strip.role = Some(role.to_string());
            strip.sends.push(session::Send { to: "plate".into(), level_db: -12.0, pre_fader: true });
            session.add(strip);
        }
        session
    }

    #[test]
    fn each_version_leaves_out_what_its_name_says() {
        let session = song(&[
            ("kick", "kick_in"),
            ("gtr", "guitar_electric"),
            ("lead", "lead_vocal"),
            ("double", "vocal_double"),
            ("choir", "backing_vocal"),
        ]);
        for (version, left) in [
            (Version::Instrumental, &["kick", "gtr"][..]),
            (Version::Acappella, &["lead", "double", "choir"]),
            (Version::Tv, &["kick", "gtr", "choir"]),
        ] {
            let made = version.of(&session).unwrap();
            let heard: Vec<&str> = made.tracks.values().filter(|t| !t.mute).map(|t| t.id.as_str()).collect();
            assert_eq!(heard, left, "{version:?}");
            let sends = |t: &Strip| t.sends.iter().all(|send| send.level_db == f64::NEG_INFINITY);
            assert!(made.tracks.values().all(|t| t.mute == sends(t)), "{version:?}");
            // Everything else stands as it was.
            assert_eq!(made.tracks["kick"].fader_db, session.tracks["kick"].fader_db);
        }
    }

    #[test]
    fn a_version_that_would_be_the_song_or_nothing_is_refused() {
        let band = song(&[("kick", "kick_in"), ("gtr", "guitar_electric")]);
        assert!(Version::Instrumental.of(&band).is_err());
        assert!(Version::Acappella.of(&band).unwrap_err().to_string().contains("nothing would be left"));
        assert!(Version::Tv.of(&song(&[("choir", "backing_vocal")])).is_err());
    }
}
