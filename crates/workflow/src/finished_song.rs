//! A finished song as a source: nothing of it is kept under its hash.

use crate::WorkflowError;
use engine::{Audio, MASTER, Sources};
use std::path::Path;

/// A loudness needs so much sound, in seconds: one block of ITU-R BS.1770.
pub(crate) const LEAST_S: f64 = 0.4;

/// What a mastering chain hears of a file.
pub(crate) fn source_of(premaster: &Path) -> Result<Sources, WorkflowError> {
    source_on(premaster, false)
}

/// The same; a mono file's one channel `twice`, on both sides, where two are asked for.
pub(crate) fn source_on(premaster: &Path, twice: bool) -> Result<Sources, WorkflowError> {
    let info = files::probe(premaster)?;
    let mut audio = file(premaster, info.sample_rate_hz, info.channels, info.frames)?;
    if let Audio::Files { paths, channels, stamps, .. } = &mut audio
        && twice
        && *channels == 1
    {
        paths.push(premaster.to_path_buf());
        stamps.extend_from_within(..);
        *channels = 2;
    }
    let mut sources = Sources::default();
    sources.insert(MASTER, audio);
    Ok(sources)
}

/// Why a file has no loudness: it is too short for one, or silent.
pub(crate) fn nothing_heard(path: &Path, what: &str) -> WorkflowError {
    let length_s = files::probe(path).map_or(f64::INFINITY, |info| info.duration_s());
    let why = match length_s < LEAST_S {
        true => format!("lasts {length_s:.2} s, and a loudness needs {LEAST_S} s of sound"),
        false => "is silent: it has nothing above -70 LUFS".to_string(),
    };
    WorkflowError::Silent { reason: format!("{}: {what}{why}", path.display()) }
}

/// A file as a source; its samples are known, and nothing is kept under their hash.
pub(crate) fn file(
    path: &Path,
    sample_rate_hz: u32,
    channels: usize,
    frames: usize,
) -> Result<Audio, WorkflowError> {
    let stamps = vec![files::Stamp::of(path)?];
    Ok(Audio::Files {
        paths: vec![path.to_path_buf()],
        sample_rate_hz,
        channels,
        frames,
        hash: String::new(),
        stamps,
    })
}
