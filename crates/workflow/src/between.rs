//! What lies between several files: `measure --between`.

use crate::measure_files::{Heard, hear_file, readable};
use crate::measured::{Between, MaskedFile, MaskingFile, Measured, MeasuredFile, PairFound};
use crate::{Context, WorkflowError};
use audio::Buffer;
use dsp::blocks::resample::resample;
use measure::{Alignment, ErbFrames, Options, Part, StretchReader, Stretches};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Farther than any microphone of one source stands from another: 10 m at 340 m/s.
const LONGEST_S: f64 = 0.030;
/// Two files share sound when a delay is sure and this much of both is one sound.
const SURE: f64 = 0.6;
const COMMON: f64 = 0.02;
/// Where rates differ a stretch is read with so much more on either side, for the filter of the conversion.
const MARGIN_S: f64 = 0.02;

/// Measures files that belong together, and what lies between them; pitch, key and the like are not
/// asked. Memory: 12 MB for an hour of each file, and 2 MB of each for the stretches that are compared.
pub fn measure_between(paths: &[PathBuf], context: &Context) -> Result<Measured, WorkflowError> {
    context.listener.stage("measuring", None);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Result<Heard, WorkflowError>> = paths
        .par_iter()
        .map(|path| {
            context.check()?;
            let heard = hear_file(
                path,
                false,
                Options { pitch: false, music: false, ..Options::default() },
                &[],
                context,
            );
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            context.listener.progress(done as f64 / paths.len() as f64);
            heard
        })
        .collect();
    let good: Vec<PathBuf> =
        paths.iter().zip(&results).filter(|(_, r)| r.is_ok()).map(|(p, _)| p.clone()).collect();
    let (heard, unreadable) = readable(paths, results)?;
    if heard.len() < 2 {
        let names: Vec<String> = unreadable.iter().map(|u| u.error.clone()).collect();
        let why = if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) };
        return Err(WorkflowError::Usage(format!(
            "measure --between compares two or more files; give another{why}"
        )));
    }
    let (files, erbs): (Vec<MeasuredFile>, Vec<ErbFrames>) =
        heard.into_iter().map(|h| (h.file, h.erb)).unzip();
    let pairs = pairs(&good, &files, &erbs, context)?;
    let masking = masking(&files, &erbs, &pairs, context)?;
    let between = Some(Between { sample_rate_hz: common_rate(&files), pairs, masking });
    Ok(Measured { schema: "tonmeister.measure/1", files, unreadable, between })
}

/// The rate of most files; of equally many the highest.
fn common_rate(files: &[MeasuredFile]) -> u32 {
    let rate = |file: &MeasuredFile| file.facts.sample_rate_hz.round() as u32;
    let count = |hz: u32| files.iter().filter(|file| rate(file) == hz).count();
    files.iter().map(rate).max_by_key(|hz| (count(*hz), *hz)).unwrap_or(48_000)
}

fn pairs(
    paths: &[PathBuf],
    files: &[MeasuredFile],
    erbs: &[ErbFrames],
    context: &Context,
) -> Result<Vec<PairFound>, WorkflowError> {
    context.listener.stage("comparing", None);
    let rate_hz = common_rate(files);
    let erbs: Vec<&ErbFrames> = erbs.iter().collect();
    let stretches = Stretches::choose(&erbs, f64::from(rate_hz), LONGEST_S)?;
    let read: Result<Vec<StretchReader>, WorkflowError> = paths
        .par_iter()
        .enumerate()
        .map(|(file, path)| {
            context.check()?;
            read_stretches(path, file, &stretches, rate_hz)
        })
        .collect();
    let read = read?;
    let all: Vec<(usize, usize)> =
        (0..read.len()).flat_map(|a| (a + 1..read.len()).map(move |b| (a, b))).collect();
    let found: Result<Vec<Option<PairFound>>, WorkflowError> = all
        .par_iter()
        .map(|(a, b)| {
            context.check()?;
            let found = stretches.align((*a, &read[*a]), (*b, &read[*b]));
            Ok(found.map(|found| pair((&files[*a].path, &files[*b].path), &found, rate_hz)))
        })
        .collect();
    Ok(found?.into_iter().flatten().collect())
}

fn pair((a, b): (&str, &str), found: &Alignment, rate_hz: u32) -> PairFound {
    PairFound {
        a: a.to_string(),
        b: b.to_string(),
        shares_sound: found.confidence > SURE && found.coherence > COMMON,
        coherence: found.coherence,
        confidence: found.confidence,
        delay_frames: found.delay_frames,
        delay_ms: 1e3 * found.delay_frames / f64::from(rate_hz),
        inverted: found.inverted,
        correlation: found.correlation,
        sum_gain_db: found.sum_gain_db,
    }
}

/// Reads what is compared of one file, at the common rate.
fn read_stretches(
    path: &Path,
    file: usize,
    stretches: &Stretches,
    rate_hz: u32,
) -> Result<StretchReader, WorkflowError> {
    let mut reader = files::open(path)?;
    let own_hz = reader.info().sample_rate_hz;
    let mut read = StretchReader::new(stretches);
    for (number, start) in stretches.starts().iter().enumerate().filter(|(n, _)| stretches.sounds(file, *n)) {
        if own_hz == rate_hz {
            let part = part_of(&mut reader, *start, stretches.frames())?;
            read.read(number, &part.as_block());
            continue;
        }
        // From a frame on that stands on a frame of the common rate as well.
        let divisor = gcd(own_hz, rate_hz);
        let (own, common) = ((own_hz / divisor) as usize, (rate_hz / divisor) as usize);
        let margin = (MARGIN_S * f64::from(rate_hz)) as usize;
        let step = start.saturating_sub(margin) / common;
        let frames = (stretches.frames() + 2 * margin + common) * own / common + own;
        let part = resample(&part_of(&mut reader, step * own, frames)?, own_hz, rate_hz);
        let from = (start - step * common).min(part.frames());
        read.read(number, &part.range(from, stretches.frames().min(part.frames() - from)));
    }
    Ok(read)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Up to `frames` of a file from `start` on, with silence after its end.
fn part_of(reader: &mut files::Reader, start: usize, frames: usize) -> Result<Buffer, WorkflowError> {
    let mut part = Buffer::new(reader.info().channels, frames);
    reader.seek(start)?;
    let mut done = 0;
    while done < frames {
        let read = reader.read(&mut part.range_mut(done, frames - done))?;
        if read == 0 {
            break;
        }
        done += read;
    }
    Ok(part)
}

fn masking(
    files: &[MeasuredFile],
    erbs: &[ErbFrames],
    pairs: &[PairFound],
    context: &Context,
) -> Result<Vec<MaskedFile>, WorkflowError> {
    context.listener.stage("listening for what is hidden", None);
    let part = |(file, erb): (&MeasuredFile, _)| Part {
        erb,
        gain: file.facts.channels.max(1) as f64,
        emphasis: None,
    };
    let parts: Vec<Part> = files.iter().zip(erbs).map(part).collect();
    let name = |n: usize| files[n].path.clone();
    (0..parts.len())
        .into_par_iter()
        .map(|n| {
            context.check()?;
            let same = |other: &usize| {
                let (one, other) = (&files[n].path, &files[*other].path);
                let both = |pair: &&PairFound| {
                    (&pair.a == one && &pair.b == other) || (&pair.a == other && &pair.b == one)
                };
                one != other && pairs.iter().filter(both).any(PairFound::is_one_source)
            };
            let (same, others): (Vec<usize>, Vec<usize>) =
                (0..parts.len()).filter(|other| *other != n).partition(same);
            let together: Vec<Part> = std::iter::once(n).chain(others.clone()).map(|n| parts[n]).collect();
            let found = measure::masked(&together, 0);
            let by = found.by.into_iter().map(|by| MaskingFile {
                file: name(others[by.masker - 1]),
                masked_share: by.masked_share,
                low_hz: by.low_hz,
                high_hz: by.high_hz,
                over_db: by.over_db,
                places: by.places,
            });
            Ok(MaskedFile {
                file: name(n),
                masked_share: found.masked_share,
                loudness_left: found.loudness_left,
                by: by.collect(),
                same_source: same.into_iter().map(name).collect(),
            })
        })
        .collect()
}
