//! What can go wrong in a render.

use std::path::PathBuf;

/// Why a session could not be compiled or rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A source could not be read.
    #[error("{source}")]
    File {
        /// What the file reader said; it names the file.
        #[from]
        source: files::FileError,
    },
    /// A track has no audio among the sources given.
    #[error("track `{track}` has no audio: its file is missing from the sources")]
    NoSource {
        /// The track.
        track: String,
    },
    /// The two files of a split pair do not fit together.
    #[error("the pair {left} and {right} does not fit: {why}; give the track one file, or two of one rate")]
    Pair {
        /// First file.
        left: PathBuf,
        /// Second file.
        right: PathBuf,
        /// What differs.
        why: String,
    },
    /// A track has more channels than a stereo mix can place.
    #[error("track `{track}` has {channels} channels; tracks have one or two: split the file")]
    Channels {
        /// The track.
        track: String,
        /// What it has.
        channels: usize,
    },
    /// A processor's impulse response is not among the sources given.
    #[error("insert `{insert}` of `{strip}` has no impulse response: {} is missing from the sources", path.display())]
    NoResponse {
        /// The strip.
        strip: String,
        /// The insert.
        insert: String,
        /// The name the session gives it.
        path: PathBuf,
    },
    /// A file cannot be an impulse response.
    #[error("{} cannot be an impulse response: {why}", path.display())]
    Response {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Strips feed each other in a circle.
    #[error("these strips feed each other in a circle: {}; send one of them elsewhere", strips.join(" -> "))]
    Cycle {
        /// The strips on the circle.
        strips: Vec<String>,
    },
    /// A strip names one that does not exist.
    #[error("`{strip}` refers to `{missing}`, which does not exist")]
    Missing {
        /// Who refers.
        strip: String,
        /// To what.
        missing: String,
    },
    /// The cache or a temporary file could not be used.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("stopped")]
    Cancelled,
    /// What takes the audio refused it.
    #[error("{0}")]
    Output(String),
}
