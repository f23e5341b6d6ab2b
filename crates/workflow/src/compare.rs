//! Two files side by side at equal loudness: `compare`.

use crate::measure_files::measure_file;
use crate::{Context, WorkflowError};
use audio::{Buffer, db_to_gain, gain_to_db};
use measure::{Facts, Options};
use serde::Serialize;
use std::path::Path;

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;

/// As much of both files is laid against each other, in seconds.
const ALIGNED_S: f64 = 30.0;

/// Searched to either side of where the first sounds lie together, in seconds.
const LONGEST_OFFSET_S: f64 = 0.25;

/// An offset in which fewer of the stretches agree is none.
const SURE: f64 = 0.6;

/// A reading of both files and their difference.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// What was measured.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The unit of the difference.
    pub difference_unit: &'static str,
    /// In the first file.
    pub a: Option<f64>,
    /// In the second file.
    pub b: Option<f64>,
    /// Second minus first.
    pub difference: Option<f64>,
}

/// A third-octave band of both files at equal loudness.
#[derive(Debug, Clone, Serialize)]
pub struct BandDifference {
    /// Centre of the band, in hertz.
    pub hz: f64,
    /// Second minus first after both were brought to one loudness, in dB.
    pub difference_db: f64,
}

/// What `compare` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// Names the form of this object.
    pub schema: &'static str,
    /// First file.
    pub a: String,
    /// Second file.
    pub b: String,
    /// The gain that makes the second as loud as the first, in dB.
    pub match_gain_db: Option<f64>,
    /// Readings side by side.
    pub readings: Vec<Side>,
    /// Spectra at equal loudness.
    pub bands: Vec<BandDifference>,
    /// Frames by which the second is later than the first; they are laid together for the null depth. Zero where no
    /// offset can be told.
    pub offset_frames: i64,
    /// RMS of the difference of both at equal loudness against the RMS of the first, in dB: the lower, the
    /// more alike. Absent when rate, channels or loudness do not allow it; minus 300 for equal samples.
    pub null_db: Option<f64>,
    /// Why there is no null depth.
    pub note: Option<String>,
}

/// Compares two files.
pub fn compare(a: &Path, b: &Path, context: &Context) -> Result<Compared, WorkflowError> {
    context.listener.stage("comparing", None);
    let first = measure_file(a, false, Options::default(), &[], context)?;
    let second = measure_file(b, false, Options::default(), &[], context)?;
    let (fa, fb) = (&first.facts, &second.facts);
    let match_gain_db = fa.integrated_lufs.zip(fb.integrated_lufs).map(|(a, b)| a - b);
    let side = |what, unit, a: Option<f64>, b: Option<f64>| {
        // A difference of two levels has no reference any more.
        let difference_unit = match unit {
            "LUFS" => "LU",
            "dBTP" => "dB",
            other => other,
        };
        Side { what, unit, difference_unit, a, b, difference: a.zip(b).map(|(a, b)| b - a) }
    };
    let readings = vec![
        side("integrated loudness", "LUFS", fa.integrated_lufs, fb.integrated_lufs),
        side("loudest 3 s", "LUFS", fa.max_short_term_lufs, fb.max_short_term_lufs),
        side("loudness range", "LU", fa.loudness_range_lu, fb.loudness_range_lu),
        side("true peak", "dBTP", fa.true_peak_dbtp, fb.true_peak_dbtp),
        side("peak to loudness", "LU", fa.plr_lu, fb.plr_lu),
        side("crest factor", "dB", fa.crest_db, fb.crest_db),
        side("correlation", "", fa.correlation, fb.correlation),
        side("side to middle", "dB", fa.side_mid_db, fb.side_mid_db),
        side("duration", "s", Some(fa.duration_s), Some(fb.duration_s)),
    ];
    let gain = match_gain_db.unwrap_or(0.0);
    let pairs = fa.third_octave_db.iter().zip(&fb.third_octave_db);
    let bands = pairs
        .filter_map(|(a, b)| Some(BandDifference { hz: a.hz, difference_db: b.db? + gain - a.db? }))
        .collect();
    let alike = fa.sample_rate_hz == fb.sample_rate_hz && fa.channels == fb.channels;
    let heard = alike && match_gain_db.is_some();
    let offset_frames = if heard { offset(a, b, fa, fb)? } else { 0 };
    let null_db = if heard { Some(null_db((a, b), offset_frames, db_to_gain(gain), context)?) } else { None };
    let silent = match_gain_db.is_none().then(|| "one of them is silent or shorter than 0.4 s".to_string());
    let note = (!alike).then(|| {
        format!(
            "{} Hz with {} channels and {} Hz with {} channels cannot be subtracted",
            fa.sample_rate_hz, fa.channels, fb.sample_rate_hz, fb.channels
        )
    });
    let note = note.or(silent);
    Ok(Compared {
        schema: "tonmeister.compare/1",
        a: first.path,
        b: second.path,
        match_gain_db,
        readings,
        bands,
        offset_frames,
        null_db,
        note,
    })
}

/// Where the second lies against the first: a master may begin at its first sound, and its mix before that.
fn offset(a: &Path, b: &Path, fa: &Facts, fb: &Facts) -> Result<i64, WorkflowError> {
    let rate = fa.sample_rate_hz;
    let first_sound = |facts: &Facts| (facts.leading_silence_s * rate).round() as usize;
    let (start_a, start_b) = (first_sound(fa), first_sound(fb));
    let frames = (ALIGNED_S * rate) as usize;
    let (one, two) = (part_of(a, start_a, frames)?, part_of(b, start_b, frames)?);
    let found = measure::delay_and_polarity(&one.as_block(), &two.as_block(), rate, LONGEST_OFFSET_S)?;
    let sure = found.filter(|found| found.confidence >= SURE);
    Ok(sure.map_or(0, |found| found.delay_frames.round() as i64 + start_b as i64 - start_a as i64))
}

/// `frames` of a file from `start`, with silence after its end.
fn part_of(path: &Path, start: usize, frames: usize) -> Result<Buffer, WorkflowError> {
    let mut reader = files::open(path)?;
    skip(&mut reader, start)?;
    let frames = frames.min((reader.info().frames as usize).saturating_sub(start)).max(1);
    let mut part = Buffer::new(reader.info().channels, frames);
    let mut done = 0;
    while done < frames {
        let read = reader.read(&mut part.range_mut(done, frames))?;
        if read == 0 {
            break;
        }
        done += read;
    }
    Ok(part)
}

fn skip(reader: &mut files::Reader, frames: usize) -> Result<(), WorkflowError> {
    let mut buffer = Buffer::new(reader.info().channels, BLOCK_FRAMES);
    let mut left = frames;
    while left > 0 {
        let read = reader.read(&mut buffer.range_mut(0, left.min(BLOCK_FRAMES)))?;
        if read == 0 {
            break;
        }
        left -= read;
    }
    Ok(())
}

/// What both do not have in common at the head is left out; the shorter one is followed by silence.
fn null_db(
    (a, b): (&Path, &Path),
    offset_frames: i64,
    gain: f64,
    context: &Context,
) -> Result<f64, WorkflowError> {
    let (mut a, mut b) = (files::open(a)?, files::open(b)?);
    let late = usize::try_from(offset_frames.unsigned_abs()).unwrap_or(0);
    skip(if offset_frames < 0 { &mut a } else { &mut b }, late)?;
    let channels = a.info().channels;
    let (mut one, mut two) = (Buffer::new(channels, BLOCK_FRAMES), Buffer::new(channels, BLOCK_FRAMES));
    let (mut reference, mut difference) = (0.0, 0.0);
    loop {
        context.check()?;
        // A short read leaves silence behind it.
        let (read_a, read_b) = (a.read(&mut one.as_block_mut())?, b.read(&mut two.as_block_mut())?);
        if read_a == 0 && read_b == 0 {
            break;
        }
        for c in 0..channels {
            for (x, y) in one.channel(c).iter().zip(two.channel(c)) {
                reference += x * x;
                difference += (x - gain * y).powi(2);
            }
        }
    }
    Ok(gain_to_db((difference / reference).sqrt()).max(-300.0))
}
