//! Numbers only: `measure`.

use crate::error::BadInput;
use crate::{Context, Failure, WorkflowError};
use audio::{BlockRef, Buffer, Layout};
use delivery::{Preview, Service};
use measure::{Analyser, Analysis, Blemishes, Facts, ImageSeries, LoudnessSeries, Options, PsrSeries};
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
    /// The pictures that were drawn, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plots: Vec<String>,
}

impl MeasuredFile {
    pub(crate) fn new(
        path: &Path,
        info: &files::Info,
        analysis: Analysis,
        series: bool,
        services: &[Service],
    ) -> MeasuredFile {
        let facts = analysis.facts;
        MeasuredFile {
            path: crate::written::shown(path),
            format: format!("{}, {}", info.format.name(), info.encoding.describe()),
            services: delivery::preview_of(services, facts.integrated_lufs, facts.true_peak_dbtp),
            facts,
            blemishes: analysis.blemishes,
            notes: info.notes.iter().map(ToString::to_string).collect(),
            series: series.then_some(analysis.loudness),
            psr_series: series.then_some(analysis.psr),
            stereo_series: series.then_some(analysis.image),
            plots: Vec::new(),
        }
    }
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
    measure_each(paths, context, |_, path| measure_file(path, series, Options::default(), &services, context))
}

/// Measures each file by a function of its place and path, several at a time.
pub(crate) fn measure_each(
    paths: &[PathBuf],
    context: &Context,
    each: impl Fn(usize, &Path) -> Result<MeasuredFile, WorkflowError> + Sync,
) -> Result<Measured, WorkflowError> {
    context.listener.stage("measuring", None);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Result<MeasuredFile, WorkflowError>> = paths
        .par_iter()
        .enumerate()
        .map(|(place, path)| {
            context.check()?;
            let measured = each(place, path);
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
    let (info, analysis) = read_through(path, options, context, &mut |_, _| Ok(()))?;
    Ok(MeasuredFile::new(path, &info, analysis, series, services))
}

/// Somebody who hears a file along with the meters.
pub(crate) type Also<'a> = dyn FnMut(&files::Info, &BlockRef) -> Result<(), WorkflowError> + 'a;

/// Reads a file from its beginning to its end into an analyser and whoever hears it along, in bounded memory.
pub(crate) fn read_through(
    path: &Path,
    options: Options,
    context: &Context,
    also: &mut Also,
) -> Result<(files::Info, Analysis), WorkflowError> {
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
        also(&info, &buffer.range(0, frames))?;
    }
    stamp.check()?;
    // Reading may have added notes.
    Ok((reader.info().clone(), analyser.finish()))
}
