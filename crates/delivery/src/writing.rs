//! One pass of writing: read, converted, lowered, quantised or coded, written.

use std::ops::ControlFlow;
use std::path::Path;

use audio::{Buffer, db_to_gain};
use dsp::blocks::resample::Resampler;
use files::{EncodeSpec, Encoder, Info, WriteSpec, Writer};

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
    let dither = plan.depth.map_or(Dither::None, |depth| {
        choose_dither(job.dither, depth, on_grid && trim_db == 0.0).suited(depth.bits(), plan.sample_rate_hz)
    });
    let mut sink = Sink::create(path, plan, dither, job)?;
    let mut hearing = match plan.depth.filter(|depth| !depth.is_float()) {
        Some(depth) => {
            Hearing::of_written(path, plan.sample_rate_hz, (plan.channels, depth.bits()), job.listed)?
        }
        None => None,
    };
    let mut reader = files::open(job.source)?;
    let mut resampler = Resampler::new(plan.source_rate_hz, plan.sample_rate_hz, plan.channels);
    let mut buffer = Buffer::new(plan.channels, BLOCK_FRAMES);
    let mut converted = vec![Vec::new(); plan.channels];
    let gain = db_to_gain(trim_db);
    loop {
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            resampler.finish(&mut converted);
        } else {
            resampler.push(&buffer.range(0, frames), &mut converted);
        }
        if gain != 1.0 {
            converted.iter_mut().flatten().for_each(|sample| *sample *= gain);
        }
        sink.write(&Buffer::from_channels(&converted), hearing.as_mut())?;
        converted.iter_mut().for_each(Vec::clear);
        if frames == 0 {
            break;
        }
        report(observe, Stage::Writing, reader.position(), reader.info().frames)?;
    }
    let (clipped, heard) = (sink.finish()?, hearing.map(Hearing::finish));
    Ok(Pass { dither, clipped, about_source: about_source(reader.info()), heard })
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
    /// Integers, with the quantiser before them.
    Integers(Writer, Box<Quantiser>, Vec<Vec<i32>>),
    /// Coded with loss.
    Coded(Encoder),
}

impl Sink {
    fn create(path: &Path, plan: &Plan, dither: Dither, job: &Job) -> Result<Sink, DeliveryError> {
        let rate_hz = plan.sample_rate_hz;
        if let Some(codec) = plan.container.codec() {
            let spec = EncodeSpec {
                codec,
                bit_rate_kbps: plan.bit_rate_kbps,
                sample_rate_hz: rate_hz,
                channels: plan.channels,
            };
            return Ok(Sink::Coded(Encoder::create(path, spec)?));
        }
        let depth = plan.depth.unwrap_or(Depth::Int24);
        let spec = WriteSpec {
            file_type: plan.container.file_type().unwrap_or(files::FileType::Wav),
            sample_format: depth.sample_format(),
            sample_rate_hz: rate_hz,
            channels: plan.channels,
        };
        let writer = Writer::create(path, spec)?;
        if depth.is_float() {
            return Ok(Sink::Floats(writer));
        }
        let quantiser = Quantiser::new(depth.bits(), dither, plan.channels, job.seed)?.at_rate(rate_hz);
        let quantiser = if job.auto_blank { quantiser.blanking(rate_hz) } else { quantiser };
        Ok(Sink::Integers(writer, Box::new(quantiser), vec![Vec::new(); plan.channels]))
    }

    /// Writes a block; who listens hears it as it will be read.
    fn write(&mut self, buffer: &Buffer, hearing: Option<&mut Hearing>) -> Result<(), DeliveryError> {
        match self {
            Sink::Floats(writer) => writer.write_f64(&buffer.as_block())?,
            Sink::Integers(writer, quantiser, planes) => {
                quantiser.process(&buffer.as_block(), planes);
                if let Some(hearing) = hearing {
                    let step = 1.0 / (1u64 << (quantiser.bits() - 1)) as f64;
                    let as_read =
                        |plane: &Vec<i32>| plane.iter().map(|n| f64::from(*n) * step).collect::<Vec<f64>>();
                    let as_read: Vec<Vec<f64>> = planes.iter().map(as_read).collect();
                    hearing.push(&Buffer::from_channels(&as_read).as_block());
                }
                let planes: Vec<&[i32]> = planes.iter().map(Vec::as_slice).collect();
                writer.write_i32(&planes)?;
            }
            Sink::Coded(encoder) => encoder.write_f64(&buffer.as_block())?,
        }
        Ok(())
    }

    /// Completes the file and gives the number of samples that were clipped.
    fn finish(self) -> Result<u64, DeliveryError> {
        Ok(match self {
            Sink::Floats(writer) => writer.finish()?.clipped,
            Sink::Integers(writer, quantiser, _) => {
                writer.finish()?;
                quantiser.clipped()
            }
            Sink::Coded(encoder) => encoder.finish()?.clipped,
        })
    }
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
