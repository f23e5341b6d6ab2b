//! Numbers only: `measure`.

use crate::error::BadInput;
use crate::{Context, Failure, WorkflowError};
use audio::{Buffer, Layout};
use delivery::{Preview, Service};
use measure::{Analyser, Blemishes, Facts, ImageSeries, LoudnessSeries, Options, PsrSeries};
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
    /// What a recording may suffer from.
    pub blemishes: Blemishes,
    /// What each streaming service will do; empty for silence.
    pub services: Vec<Preview>,
    /// What the reader had to mend.
    pub notes: Vec<String>,
    /// Loudness against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<LoudnessSeries>,
    /// PSR against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psr_series: Option<PsrSeries>,
    /// The stereo image by band against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stereo_series: Option<ImageSeries>,
}

/// What `measure` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file that could be read, in the order given.
    pub files: Vec<MeasuredFile>,
    /// Those that could not be read, and why.
    pub unreadable: Vec<Unreadable>,
}

/// A file of several that could not be read; the others were.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// The file.
    pub path: String,
    /// What is wrong with it and how to mend it.
    pub error: String,
}

/// Splits results of several files; an error when none could be read, or when it was no fault of the file.
pub(crate) fn readable<T>(
    paths: &[PathBuf],
    results: Vec<Result<T, WorkflowError>>,
) -> Result<(Vec<T>, Vec<Unreadable>), WorkflowError> {
    let (mut good, mut unreadable, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for (path, result) in paths.iter().zip(results) {
        match result {
            Ok(one) => good.push(one),
            Err(error) if error.failure() == Failure::Unreadable => {
                let path = crate::written::shown(path);
                unreadable.push(Unreadable { path, error: error.to_string() });
                bad.push(BadInput { wanted_by: None, error });
            }
            Err(error) => return Err(error),
        }
    }
    if good.is_empty() {
        WorkflowError::inputs(bad)?;
    }
    Ok((good, unreadable))
}

/// Tells whether a file can be read as audio, before work that needs it begins.
pub fn readable_audio(path: &Path) -> Result<(), WorkflowError> {
    Ok(files::probe(path).map(drop)?)
}

/// Measures files, several at a time; the order is that of the request. `services` is a file of a person's own rows for
/// the preview of streaming services.
pub fn measure(
    paths: &[PathBuf],
    series: bool,
    services: Option<&Path>,
    context: &Context,
) -> Result<Measured, WorkflowError> {
    let services = crate::services::services(services, Path::new(""), context)?;
    context.listener.stage("measuring", None);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Result<MeasuredFile, WorkflowError>> = paths
        .par_iter()
        .map(|path| {
            context.check()?;
            let measured = measure_file(path, series, Options::default(), &services, context);
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            context.listener.progress(done as f64 / paths.len() as f64);
            measured
        })
        .collect();
    let (files, unreadable) = readable(paths, results)?;
    Ok(Measured { schema: "tonmeister.measure/1", files, unreadable })
}

/// Measures one file from its beginning to its end, in bounded memory.
pub(crate) fn measure_file(
    path: &Path,
    series: bool,
    options: Options,
    services: &[Service],
    context: &Context,
) -> Result<MeasuredFile, WorkflowError> {
    let stamp = files::Stamp::of(path)?;
    let mut reader = files::open(path)?;
    let info = reader.info().clone();
    let layout = Layout::from_channels(info.channels);
    let unmeasurable = |source| WorkflowError::Unmeasurable { path: path.to_path_buf(), source };
    let mut analyser =
        Analyser::new(f64::from(info.sample_rate_hz), layout, options).map_err(unmeasurable)?;
    let mut buffer = Buffer::new(info.channels, BLOCK_FRAMES);
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            break;
        }
        analyser.push(&buffer.range(0, frames));
    }
    stamp.check()?;
    let analysis = analyser.finish();
    let services =
        delivery::preview_of(services, analysis.facts.integrated_lufs, analysis.facts.true_peak_dbtp);
    Ok(MeasuredFile {
        path: crate::written::shown(path),
        format: format!("{}, {}", info.format.name(), info.encoding.describe()),
        facts: analysis.facts,
        blemishes: analysis.blemishes,
        services,
        notes: reader.info().notes.iter().map(ToString::to_string).collect(),
        series: series.then_some(analysis.loudness),
        psr_series: series.then_some(analysis.psr),
        stereo_series: series.then_some(analysis.image),
    })
}
