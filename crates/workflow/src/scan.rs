//! What lies in a folder: `scan`. Nothing is written.

use crate::recordings::Found;
use crate::{Context, Project, WorkflowError, listen};
use serde::Serialize;

/// One track as it would be imported.
#[derive(Debug, Clone, Serialize)]
pub struct ScannedTrack {
    /// Its id in the session.
    pub id: String,
    /// Its file, or both of a pair.
    pub files: Vec<String>,
    /// Its role; absent when unknown.
    pub role: Option<String>,
    /// How sure the role is, 0 to 1.
    pub confidence: f64,
    /// Where it would go.
    pub bus: Option<String>,
    /// Set aside: a click, a guide, a bounced mix.
    pub muted: bool,
    /// Sample rate of the file, in hertz.
    pub sample_rate_hz: u32,
    /// Depth and encoding.
    pub depth: String,
    /// Length in seconds.
    pub duration_s: f64,
    /// Loudness where it plays, in LUFS.
    pub active_lufs: Option<f64>,
    /// True peak, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// What seems wrong, in words with numbers.
    pub faults: Vec<String>,
}

/// What `scan` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Scanned {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The folder.
    pub folder: String,
    /// The rate that a session would have, in hertz.
    pub sample_rate_hz: u32,
    /// Length of the longest track, in seconds.
    pub duration_s: f64,
    /// The tracks in the order of the mixer.
    pub tracks: Vec<ScannedTrack>,
    /// Recordings that cannot be read, and why.
    pub unreadable: Vec<crate::Unreadable>,
    /// Recordings that the session leaves out.
    pub left_out: Vec<String>,
    /// What was passed over, with reasons.
    pub ignored: Vec<String>,
    /// What concerns all of the recordings, in sentences.
    pub notes: Vec<String>,
}

/// Looks at a folder without writing to it.
pub fn scan(project: &Project, context: &Context) -> Result<Scanned, WorkflowError> {
    let listing = project.some_recordings()?;
    let mut found = Found::in_folder(project, &listing.files)?;
    found.decode(project);
    if found.recordings.is_empty() {
        return Err(found.nothing_left(project));
    }
    let imported = assistant::import(&found.recordings, "");
    let session = imported.session;
    let sources = project.sources(&session)?;
    let facts = listen::recordings_unkept(project, &session, &sources, context)?;
    let tracks = session.tracks.values().map(|track| {
        let known = &facts.tracks[&track.id];
        let told = imported.decisions.iter().find(|d| *d.change.path() == track.path().child("role"));
        ScannedTrack {
            id: track.id.clone(),
            files: known.file.names.clone(),
            role: track.role.clone(),
            confidence: told.map_or(0.0, |d| d.confidence),
            bus: track.bus.clone(),
            muted: track.mute,
            sample_rate_hz: known.file.sample_rate_hz,
            depth: known.file.depth.clone(),
            duration_s: known.file.duration_s,
            active_lufs: known.raw.facts.active_lufs,
            true_peak_dbtp: known.raw.facts.true_peak_dbtp,
            faults: faults_of(known, track.role.as_deref(), &facts),
        }
    });
    Ok(Scanned {
        schema: "tonmeister.scan/1",
        folder: crate::written::shown(&project.folder),
        sample_rate_hz: facts.sample_rate_hz,
        duration_s: facts.duration_s,
        tracks: tracks.collect(),
        unreadable: found
            .unreadable
            .iter()
            .map(|(path, error)| crate::Unreadable {
                path: crate::written::shown(path),
                error: error.to_string(),
            })
            .collect(),
        left_out: found.unwanted.iter().map(|path| path.display().to_string()).collect(),
        ignored: listing
            .ignored
            .iter()
            .map(|i| format!("{}: {}", crate::written::shown(&i.path), i.reason))
            .collect(),
        notes: imported.notes,
    })
}

/// What a listener would frown at, from the measurements of a recording.
pub(crate) fn faults_of(
    track: &assistant::TrackFacts,
    role: Option<&str>,
    song: &assistant::SongFacts,
) -> Vec<String> {
    assistant::recording_faults(track, role.unwrap_or_default(), song)
}
