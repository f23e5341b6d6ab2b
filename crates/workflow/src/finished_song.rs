//! A finished song as a source: nothing of it is kept under its hash.

use crate::WorkflowError;
use engine::{Audio, MASTER, Sources};
use std::path::Path;

/// What a mastering chain hears of a file.
pub(crate) fn source_of(premaster: &Path) -> Result<Sources, WorkflowError> {
    let info = files::probe(premaster)?;
    let mut sources = Sources::default();
    sources.insert(MASTER, file(premaster, info.sample_rate_hz, info.channels, info.frames)?);
    Ok(sources)
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
