//! Numbers only: `measure`.

use crate::{Context, WorkflowError};
use audio::{Buffer, Layout};
use measure::{Analyser, Facts, LoudnessSeries, Options};
use rayon::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// What was measured of one file.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuredFile {
    /// The file.
    pub path: String,
    /// Container and encoding.
    pub format: String,
    /// All readings.
    #[serde(flatten)]
    pub facts: Facts,
    /// What the reader had to mend.
    pub notes: Vec<String>,
    /// Loudness against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<LoudnessSeries>,
}

/// What `measure` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file, in the order given.
    pub files: Vec<MeasuredFile>,
}

/// Measures files, several at a time; the order is that of the request.
pub fn measure(paths: &[PathBuf], series: bool, context: &Context) -> Result<Measured, WorkflowError> {
    context.listener.stage("measuring", None);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let files: Result<Vec<MeasuredFile>, WorkflowError> = paths
        .par_iter()
        .map(|path| {
            context.check()?;
            let measured = measure_file(path, series, Options::default(), context);
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            context.listener.progress(done as f64 / paths.len() as f64);
            measured
        })
        .collect();
    Ok(Measured { schema: "tonmeister.measure/1", files: files? })
}

/// Measures one file from its beginning to its end, in bounded memory.
pub(crate) fn measure_file(
    path: &Path,
    series: bool,
    options: Options,
    context: &Context,
) -> Result<MeasuredFile, WorkflowError> {
    let mut reader = files::open(path)?;
    let info = reader.info().clone();
    let layout = Layout::from_channels(info.channels);
    let mut analyser = Analyser::new(f64::from(info.sample_rate_hz), layout, options)?;
    let mut buffer = Buffer::new(info.channels, BLOCK_FRAMES);
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        analyser.push(&buffer.range(0, frames));
    }
    let analysis = analyser.finish();
    Ok(MeasuredFile {
        path: path.to_string_lossy().into_owned(),
        format: format!("{}, {}", info.format.name(), info.encoding.describe()),
        facts: analysis.facts,
        notes: reader.info().notes.iter().map(ToString::to_string).collect(),
        series: series.then_some(analysis.loudness),
    })
}
