//! Numbers only: `measure`.

use crate::error::BadInput;
use crate::measured::{Measured, MeasuredFile, Unreadable};
use crate::{Context, Failure, WorkflowError, ear};
use audio::{BlockRef, Buffer, Layout};
use delivery::Service;
use measure::{Analyser, Analysis, ErbFrames, Options};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeasureRequest {
    /// Also loudness against time.
    pub series: bool,
    /// Loudness and peaks, and nothing else: several times as fast.
    pub loudness_only: bool,
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
    request: MeasureRequest,
    services: Option<&Path>,
    context: &Context,
) -> Result<Measured, WorkflowError> {
    let options = if request.loudness_only { Options::loudness() } else { Options::default() };
    let services = crate::services::services(services, Path::new(""), context)?;
    measure_each(paths, context, |_, path| measure_file(path, request.series, options, &services, context))
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
    Ok(Measured { schema: "tonmeister.measure/1", files, unreadable, between: None })
}

/// Measures one file from its beginning to its end, in bounded memory.
pub(crate) fn measure_file(
    path: &Path,
    series: bool,
    options: Options,
    services: &[Service],
    context: &Context,
) -> Result<MeasuredFile, WorkflowError> {
    Ok(hear_file(path, series, Options { series, ..options }, services, context)?.file)
}

/// What was measured of a file, and its power in auditory bands.
pub(crate) struct Heard {
    pub(crate) file: MeasuredFile,
    pub(crate) erb: ErbFrames,
}

/// The same as [`measure_file`], with its power in auditory bands.
pub(crate) fn hear_file(
    path: &Path,
    series: bool,
    options: Options,
    services: &[Service],
    context: &Context,
) -> Result<Heard, WorkflowError> {
    let (info, mut analysis) = read_through(path, options, context, &mut |_, _| Ok(()))?;
    let erb = std::mem::take(&mut analysis.erb);
    let file = MeasuredFile::new(path, &info, analysis, options, series, services);
    Ok(Heard { file, erb })
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
    let layout = Layout::from_mask(info.channels, info.channel_mask);
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
        ear::take(&mut analyser, &buffer.range(0, frames));
        also(&info, &buffer.range(0, frames))?;
    }
    stamp.check()?;
    // Reading may have added notes.
    Ok((reader.info().clone(), analyser.finish()))
}
