//! Numbers only: `measure`.

use crate::between::Between;
use crate::error::BadInput;
use crate::{Context, Failure, WorkflowError};
use audio::{BlockRef, Buffer, Layout};
use delivery::{Preview, Service};
use measure::{
    Analyser, Analysis, Blemishes, ErbFrames, Facts, ImageSeries, LOUDNESS_READINGS, LoudnessSeries, Music,
    Options, PsrSeries,
};
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use std::ops::Deref;
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

/// The readings of a file: those that were asked for. What was not measured is not shown, and not written.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredFacts {
    facts: Facts,
    loudness_only: bool,
}

impl MeasuredFacts {
    /// Whether only loudness and peaks were measured.
    pub fn loudness_only(&self) -> bool {
        self.loudness_only
    }

    /// Whether a reading is worth a line: it was asked for, and is no second figure for one true peak.
    pub fn shows(&self, id: &str) -> bool {
        let both = self.true_peak_dbtp.zip(self.true_peak_minimum_dbtp);
        let same = both.is_none_or(|(peak, least)| (peak - least).abs() <= SAME_PEAK_DB);
        let asked = !self.loudness_only || LOUDNESS_READINGS.contains(&id);
        asked && !(same && id == "true_peak_minimum_dbtp")
    }

    /// The readings themselves; what was not asked for has its default.
    pub fn into_facts(self) -> Facts {
        self.facts
    }
}

/// True peaks that differ by no more than this are the same to people, in dB.
const SAME_PEAK_DB: f64 = 0.05;

impl Deref for MeasuredFacts {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Serialize for MeasuredFacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.loudness_only {
            return self.facts.serialize(serializer);
        }
        let mut value = serde_json::to_value(&self.facts).map_err(serde::ser::Error::custom)?;
        if let Some(object) = value.as_object_mut() {
            object.retain(|id, _| id == "per_channel" || LOUDNESS_READINGS.contains(&id.as_str()));
            for channel in object.get_mut("per_channel").and_then(|c| c.as_array_mut()).into_iter().flatten()
            {
                if let Some(channel) = channel.as_object_mut() {
                    channel.retain(|id, _| LOUDNESS_READINGS.contains(&id.as_str()));
                }
            }
        }
        value.serialize(serializer)
    }
}

/// What was measured of one file.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuredFile {
    /// The file.
    pub path: String,
    /// Container and encoding.
    pub format: String,
    /// All readings, or those of loudness and peaks.
    #[serde(flatten)]
    pub facts: MeasuredFacts,
    /// Tempo, beats, key and sections, where they were asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    /// What a recording may suffer from, unless only loudness was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blemishes: Option<Blemishes>,
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
        options: Options,
        series: bool,
        services: &[Service],
    ) -> MeasuredFile {
        let facts = analysis.facts;
        let all = options.levels;
        MeasuredFile {
            path: crate::written::shown(path),
            format: format!("{}, {}", info.format.name(), info.encoding.describe()),
            services: delivery::preview_of(services, facts.integrated_lufs, facts.true_peak_dbtp),
            facts: MeasuredFacts { facts, loudness_only: !all },
            music: analysis.music,
            blemishes: all.then_some(analysis.blemishes),
            notes: info.notes.iter().map(ToString::to_string).chain(assumed_speakers(info)).collect(),
            series: series.then_some(analysis.loudness),
            psr_series: (series && all).then_some(analysis.psr),
            stereo_series: (series && all).then_some(analysis.image),
            plots: Vec::new(),
        }
    }
}

/// What loudness assumes of a file that does not say where its speakers stand.
fn assumed_speakers(info: &files::Info) -> Option<String> {
    if info.channels < 3 || info.channel_mask.is_some() {
        return None;
    }
    let assumed = match info.channels {
        3 => "left, right and centre",
        4 => "left, right and two surrounds",
        5 => "5.0 (left, right, centre, two surrounds)",
        6 => "5.1 (left, right, centre, low-frequency effects, two surrounds)",
        7 => "6.1 in the order of WAVE files",
        8 => "7.1 in the order of WAVE files",
        _ => "speakers in front",
    };
    Some(format!(
        "the file does not say where its {} speakers stand: loudness takes them for {assumed}",
        info.channels
    ))
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
    /// What lies between the files, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
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
        analyser.push(&buffer.range(0, frames));
        also(&info, &buffer.range(0, frames))?;
    }
    stamp.check()?;
    // Reading may have added notes.
    Ok((reader.info().clone(), analyser.finish()))
}
