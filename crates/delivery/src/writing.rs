//! One pass of writing: read, converted, lowered, quantised or coded, written.

use std::ops::ControlFlow;
use std::path::Path;

use audio::{BlockRef, Buffer, db_to_gain};
use dsp::blocks::resample::Resampler;
use files::{EncodeSpec, Encoder, FileType, Info, Tags, WriteSpec, Writer};
use measure::Facts;

use crate::error::DeliveryError;
use crate::finding::{Finding, Severity};
use crate::job::{BLOCK_FRAMES, Job, Plan, Stage, report};
use crate::quantise::{Dither, Quantiser};
use crate::reading::{Heard, Hearing, remark};
use crate::targets::Depth;

/// How one pass of writing went.
pub(crate) struct Pass {
    /// What was added before rounding.
    pub(crate) dither: Dither,
    /// Samples that were clipped.
    pub(crate) clipped: u64,
    /// What the master itself brings along.
    pub(crate) about_source: Vec<Finding>,
    /// What was heard of the samples on their way into the file, where they are integers of one or two channels.
    pub(crate) heard: Option<Heard>,
    /// Whether the file has its tags already.
    pub(crate) tagged: bool,
}

/// Writes the file, lowered by `trim_db`.
pub(crate) fn write(
    job: &Job,
    plan: &Plan,
    path: &Path,
    trim_db: f64,
    on_grid: bool,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Pass, DeliveryError> {
    let dither = dither_of(job, plan, on_grid && trim_db == 0.0);
    let mut sink = Sink::create(path, plan, dither, job)?;
    let mut hearing = hearing_of(job, plan, path)?;
    let mut reader = files::open(job.source)?;
    let mut resampler = Resampler::new(plan.source_rate_hz, plan.sample_rate_hz, plan.channels);
    let mut buffer = Buffer::new(plan.channels, BLOCK_FRAMES);
    let mut converted = vec![Vec::new(); plan.channels];
    let gain = db_to_gain(trim_db);
    loop {
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if gain == 1.0 && !plan.converts() {
            sink.write(&buffer.range(0, frames), hearing.as_mut())?;
        } else {
            if frames == 0 {
                resampler.finish(&mut converted);
            } else {
                resampler.push(&buffer.range(0, frames), &mut converted);
            }
            if gain != 1.0 {
                converted.iter_mut().flatten().for_each(|sample| *sample *= gain);
            }
            sink.write(&Buffer::from_channels(&converted).as_block(), hearing.as_mut())?;
            converted.iter_mut().for_each(Vec::clear);
        }
        if frames == 0 {
            break;
        }
        report(observe, Stage::Writing, reader.position(), reader.info().frames)?;
    }
    let heard = hearing.map(Hearing::finish);
    let tags = heard.as_ref().and_then(|heard| tags_of(job, heard));
    let (clipped, tagged) = sink.finish(tags.as_ref())?;
    Ok(Pass { dither, clipped, about_source: about_source(reader.info()), heard, tagged })
}

/// What is added before rounding samples that lie `on_grid` already, or do not.
pub(crate) fn dither_of(job: &Job, plan: &Plan, on_grid: bool) -> Dither {
    plan.depth.map_or(Dither::None, |depth| {
        choose_dither(job.dither, depth, on_grid).suited(depth.bits(), plan.sample_rate_hz)
    })
}

/// What listens to the samples on their way into the file, where they are integers of one or two channels.
pub(crate) fn hearing_of(job: &Job, plan: &Plan, path: &Path) -> Result<Option<Hearing>, DeliveryError> {
    match plan.depth.filter(|depth| !depth.is_float()) {
        Some(depth) => {
            Hearing::of_written(path, plan.sample_rate_hz, (plan.channels, depth.bits()), job.listed)
        }
        None => Ok(None),
    }
}

/// What is added before rounding: nothing where no bits are dropped; what was asked for; else TPDF at 16 and 24 bits.
fn choose_dither(asked: Option<Dither>, depth: Depth, on_grid: bool) -> Dither {
    match (depth, asked) {
        (Depth::Float32, _) => Dither::None,
        _ if on_grid => Dither::None,
        (_, Some(dither)) => dither,
        (Depth::Int32, None) => Dither::None,
        (_, None) => Dither::Tpdf,
    }
}

/// A file being written.
enum Sink {
    /// Samples of floating point, as they come.
    Floats(Writer),
    Integers(Box<IntegerFile>),
    /// Coded with loss.
    Coded(Encoder),
}

impl Sink {
    fn create(path: &Path, plan: &Plan, dither: Dither, job: &Job) -> Result<Sink, DeliveryError> {
        if let Some(codec) = plan.container.codec() {
            let spec = EncodeSpec {
                codec,
                bit_rate_kbps: plan.bit_rate_kbps,
                sample_rate_hz: plan.sample_rate_hz,
                channels: plan.channels,
            };
            return Ok(Sink::Coded(Encoder::create(path, spec)?));
        }
        let depth = plan.depth.unwrap_or(Depth::Int24);
        match depth.is_float() {
            true => Ok(Sink::Floats(Writer::create(path, spec_of(plan, depth))?)),
            false => Ok(Sink::Integers(Box::new(IntegerFile::create(path, (plan, depth), dither, job)?))),
        }
    }

    /// Writes a block; who listens hears it as it will be read.
    fn write(&mut self, block: &BlockRef, hearing: Option<&mut Hearing>) -> Result<(), DeliveryError> {
        match self {
            Sink::Floats(writer) => writer.write_f64(block)?,
            Sink::Integers(file) => file.write(block, hearing)?,
            Sink::Coded(encoder) => encoder.write_f64(block)?,
        }
        Ok(())
    }

    /// Completes the file, with its tags where there is room for them; gives the number of samples that were clipped, and
    /// whether it has its tags.
    fn finish(self, tags: Option<&Tags>) -> Result<(u64, bool), DeliveryError> {
        Ok(match self {
            Sink::Floats(writer) => (writer.finish()?.clipped, false),
            Sink::Integers(file) => file.finish(tags)?,
            Sink::Coded(encoder) => (encoder.finish()?.clipped, false),
        })
    }
}

fn spec_of(plan: &Plan, depth: Depth) -> WriteSpec {
    WriteSpec {
        file_type: plan.container.file_type().unwrap_or(FileType::Wav),
        sample_format: depth.sample_format(),
        sample_rate_hz: plan.sample_rate_hz,
        channels: plan.channels,
    }
}

/// A file of integers being written, with the quantiser before it.
pub(crate) struct IntegerFile {
    writer: Writer,
    quantiser: Quantiser,
    planes: Vec<Vec<i32>>,
    /// The samples as they will be read.
    as_read: Buffer,
}

impl IntegerFile {
    pub(crate) fn create(
        path: &Path,
        (plan, depth): (&Plan, Depth),
        dither: Dither,
        job: &Job,
    ) -> Result<IntegerFile, DeliveryError> {
        let spec = spec_of(plan, depth);
        let writer = match job.tags.is_some() && spec.file_type == FileType::Wav {
            true => Writer::create_to_be_tagged(path, spec)?,
            false => Writer::create(path, spec)?,
        };
        let rate_hz = plan.sample_rate_hz;
        let quantiser = Quantiser::new(depth.bits(), dither, plan.channels, job.seed)?.at_rate(rate_hz);
        let quantiser = if job.auto_blank { quantiser.blanking(rate_hz) } else { quantiser };
        let (planes, as_read) = (vec![Vec::new(); plan.channels], Buffer::new(plan.channels, BLOCK_FRAMES));
        Ok(IntegerFile { writer, quantiser, planes, as_read })
    }

    /// Writes a block; who listens hears it as it will be read.
    pub(crate) fn write(
        &mut self,
        block: &BlockRef,
        hearing: Option<&mut Hearing>,
    ) -> Result<(), DeliveryError> {
        let IntegerFile { writer, quantiser, planes, as_read } = self;
        quantiser.process(block, planes);
        let planes: Vec<&[i32]> = planes.iter().map(Vec::as_slice).collect();
        if let Some(hearing) = hearing {
            let step = 1.0 / (1u64 << (quantiser.bits() - 1)) as f64;
            if as_read.frames() < block.frames() {
                *as_read = Buffer::new(block.channels(), block.frames());
            }
            for (channel, plane) in planes.iter().enumerate() {
                let samples = as_read.channel_mut(channel).iter_mut();
                samples.zip(*plane).for_each(|(sample, n)| *sample = f64::from(*n) * step);
            }
            hearing.push_integers(&as_read.range(0, block.frames()), &planes);
        }
        Ok(writer.write_i32(&planes)?)
    }

    /// As [`Sink::finish`].
    pub(crate) fn finish(self, tags: Option<&Tags>) -> Result<(u64, bool), DeliveryError> {
        let IntegerFile { writer, quantiser, .. } = self;
        let tags = tags.filter(|_| writer.spec().file_type == FileType::Wav);
        match tags {
            Some(tags) => writer.finish_tagged(tags)?,
            None => writer.finish()?,
        };
        Ok((quantiser.clipped(), tags.is_some()))
    }
}

/// The tags of a job, with the loudness that was heard.
pub(crate) fn tags_of(job: &Job, heard: &Heard) -> Option<Tags> {
    job.tags.map(|tags| with_loudness(tags, heard.facts()))
}

/// Tags with the loudness of the file that they are written to.
pub(crate) fn with_loudness(tags: &Tags, facts: &Facts) -> Tags {
    let mut tags = tags.clone();
    tags.loudness.track_lufs = facts.integrated_lufs;
    tags.loudness.track_peak_dbtp = facts.true_peak_dbtp;
    tags.loudness.range_lu = facts.loudness_range_lu;
    tags.loudness.max_momentary_lufs = facts.max_momentary_lufs;
    tags.loudness.max_short_term_lufs = facts.max_short_term_lufs;
    tags
}

/// What the master itself brings along: its file was mended on the way in, or had lost something before.
fn about_source(info: &Info) -> Vec<Finding> {
    let mended = info.notes.iter().map(remark).filter(|remark| remark.severity == Severity::Fail);
    let mended = mended.map(|remark| {
        Finding::new("master", Severity::Warn, format!("Of the master: {}.", remark.text))
            .heard("Missing, silenced or changed sound.")
            .advise(
                "Render the master again, and deliver it again.",
                "Nothing but the time it takes",
                "what is missing is not in the master",
            )
    });
    let lossy = info.encoding.is_lossy().then(|| {
        Finding::new(
            "master",
            Severity::Warn,
            format!("The master is {}: coded with loss already.", info.encoding.describe()),
        )
        .heard("What was lost does not come back, and later coding adds to it.")
        .advise(
            "Deliver from the lossless master, if there is one.",
            "Nothing, where there is one",
            "what its coding took away does not come back",
        )
    });
    mended.chain(lossy).collect()
}
