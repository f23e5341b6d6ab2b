//! One master, one target, one file: converted, dithered, written, read back and checked.
//!
//! The file is made under a hidden name, read back, and takes its own name only when it holds what was written. A
//! conversion of the sample rate makes new peaks, and rounding moves every sample: when the file as written is above
//! the target's ceiling it is made again, lower by the excess.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::{Buffer, Frames, db_to_gain};
use dsp::blocks::resample::{Resampler, resampled_frames};
use files::{Info, WriteSpec, Writer};
use measure::Facts;
use serde::Serialize;

use crate::check::{Finding, Severity, judge, passes};
use crate::error::DeliveryError;
use crate::grid::Grid;
use crate::name::file_stem;
use crate::quantise::{Dither, Quantiser};
use crate::reading::{Reading, read_observed, remark, shown_path};
use crate::targets::{Container, Depth, Target};

/// Frames that are worked on at a time.
const BLOCK_FRAMES: Frames = 16_384;
/// A trim goes this much below the excess, in dB, so that neither the rounding of the next pass nor another meter's
/// filter undoes it.
const HAIR_DB: f64 = 0.005;
/// Passes after which a file that is still above its ceiling stays as it is, and says so.
const MOST_PASSES: usize = 4;

/// What to deliver.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The master: any file that can be read, best 32-bit float or 24-bit.
    pub source: &'a Path,
    /// The target's row.
    pub target: &'a Target,
    /// The folder for the file; made when it is not there.
    pub folder: &'a Path,
    /// The title, which becomes the file's name (see [`file_stem`]).
    pub title: &'a str,
    /// The kind of file; `None` for the one the target prefers.
    pub container: Option<Container>,
    /// The depth; `None` for the one the target prefers.
    pub depth: Option<Depth>,
    /// The sample rate in hertz; `None` for [`Target::rate_for`] the master's.
    pub sample_rate_hz: Option<u32>,
    /// The dither where bits are dropped; `None` for TPDF at 16 and 24 bits, and none else. A shaped
    /// one becomes the one that suits depth and rate, see [`Dither::suited`].
    pub dither: Option<Dither>,
    /// Seed of the dither.
    pub seed: u64,
    /// Digital silence of a tenth of a second and more stays digital silence, without dither.
    pub auto_blank: bool,
    /// The most by which the file may be turned down to keep the ceiling, in dB. Where more is needed nothing is
    /// turned down, and the findings say so: such a master is to be limited again, not turned down.
    pub max_trim_db: f64,
}

impl<'a> Job<'a> {
    /// A delivery as the target prefers it.
    pub fn new(source: &'a Path, target: &'a Target, folder: &'a Path, title: &'a str) -> Job<'a> {
        Job {
            source,
            target,
            folder,
            title,
            container: None,
            depth: None,
            sample_rate_hz: None,
            dither: None,
            seed: 0,
            auto_blank: false,
            max_trim_db: 1.0,
        }
    }

    /// What will be written, without writing it.
    ///
    /// # Errors
    /// When the master cannot be read, the target does not take what is asked for, or the file would be the master
    /// itself.
    pub fn plan(&self) -> Result<Plan, DeliveryError> {
        let info = files::probe(self.source)?;
        self.plan_for(&info)
    }

    fn plan_for(&self, info: &Info) -> Result<Plan, DeliveryError> {
        let target = self.target;
        let refuse = |what: String, instead: Vec<String>| {
            let instead = instead.join(", ");
            Err(DeliveryError::NotTaken { target: target.id.to_string(), what, instead })
        };
        let container = self.container.unwrap_or(target.preferred_container());
        if !target.containers.contains(&container) {
            let taken = target.containers.iter().map(|c| c.name().to_owned()).collect();
            return refuse(container.name().to_owned(), taken);
        }
        let depth = self.depth.unwrap_or(target.preferred_depth());
        if !target.depths.contains(&depth) {
            return refuse(
                depth.name().to_owned(),
                target.depths.iter().map(|d| d.name().to_owned()).collect(),
            );
        }
        let sample_rate_hz = self.sample_rate_hz.unwrap_or(target.rate_for(info.sample_rate_hz));
        if !target.takes_rate(sample_rate_hz) {
            let taken = target.sample_rates_hz.iter().map(|r| format!("{r} Hz")).collect();
            return refuse(format!("{sample_rate_hz} Hz"), taken);
        }
        let path = self.folder.join(format!("{}.{}", file_stem(self.title), container.extension()));
        if same_file(&path, self.source) {
            return Err(DeliveryError::OverSource { path });
        }
        Ok(Plan {
            path,
            container,
            depth,
            sample_rate_hz,
            source_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            frames: resampled_frames(info.frames, info.sample_rate_hz, sample_rate_hz),
        })
    }
}

/// What a delivery will write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The file.
    #[serde(serialize_with = "shown_path")]
    pub path: PathBuf,
    /// The kind of file.
    pub container: Container,
    /// How samples are stored.
    pub depth: Depth,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// The master's frames per second, in hertz.
    pub source_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames, at the new rate.
    pub frames: Frames,
}

impl Plan {
    fn converts(&self) -> bool {
        self.sample_rate_hz != self.source_rate_hz
    }
}

/// What was delivered, as it stands on the disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivered {
    /// The target's id.
    pub target: String,
    /// The file.
    #[serde(serialize_with = "shown_path")]
    pub path: PathBuf,
    /// The kind of file.
    pub container: Container,
    /// How samples are stored.
    pub depth: Depth,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// The master's frames per second in hertz, where it was converted.
    pub converted_from_hz: Option<u32>,
    /// What was added before rounding.
    pub dither: Dither,
    /// Seed of the dither.
    pub seed: u64,
    /// Gain that was applied to keep the ceiling, in dB: 0 or a little less.
    pub trim_db: f64,
    /// Gain that would still be needed to keep the ceiling, in dB: 0 where it is kept.
    pub needed_trim_db: f64,
    /// Samples beyond full scale that were clipped.
    pub clipped_samples: u64,
    /// Whether no finding is a failure.
    pub passed: bool,
    /// What was found in the file, the worst first.
    pub findings: Vec<Finding>,
    /// The file, read back.
    pub reading: Reading,
}

impl Delivered {
    /// SHA-256 of the file, as 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.reading.sha256
    }

    /// The readings of the file.
    pub fn facts(&self) -> &Facts {
        &self.reading.facts
    }
}

/// What a delivery is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Looking whether any bits will be dropped.
    Looking,
    /// Converting, dithering and writing.
    Writing,
    /// Reading back what was written.
    Verifying,
}

/// Writes one file for one target and reads it back.
///
/// # Errors
/// When the master cannot be read, the target does not take what is asked for, the disk refuses, or the file does not
/// read back as written. Nothing is left behind then. A file that is written but not fit for the target is no error:
/// see [`Delivered::passed`].
pub fn deliver(job: &Job) -> Result<Delivered, DeliveryError> {
    deliver_observed(job, &mut |_, _| ControlFlow::Continue(()))
}

/// As [`deliver`]; `observe` is told the stage and the share of it that is done (0 to 1), and may end the work. Stages
/// may come again when the file has to be made lower.
///
/// # Errors
/// As [`deliver`]; [`DeliveryError::Cancelled`] when `observe` ends the work.
pub fn deliver_observed(
    job: &Job,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Delivered, DeliveryError> {
    let plan = job.plan()?;
    fs::create_dir_all(job.folder).map_err(|e| DeliveryError::io(job.folder, "make this folder", e))?;
    let workshop = files::Workshop::create_in(job.folder)
        .map_err(|e| DeliveryError::io(job.folder, "write to this folder", e))?;
    let hidden = workshop.path().join(format!("file.{}", plan.container.extension()));

    let on_grid = lies_on_grid(job, &plan, observe)?;
    let mut trim_db = 0.0;
    let mut pass = 1;
    let (written, mut reading) = loop {
        let written = write(job, &plan, &hidden, trim_db, on_grid, observe)?;
        let reading = read_observed(&hidden, &mut |share| observe(Stage::Verifying, share))?;
        verify(&plan, &reading)?;
        let excess_db = excess_db(&reading, job.target);
        let lower = trim_db - excess_db - HAIR_DB;
        // A file that was trimmed already keeps being trimmed: the rest is a matter of hairs.
        let allowed = -lower <= job.max_trim_db || trim_db < 0.0;
        if excess_db == 0.0 || pass == MOST_PASSES || !allowed {
            break (written, reading);
        }
        trim_db = lower;
        pass += 1;
    };
    fs::rename(&hidden, &plan.path).map_err(|e| DeliveryError::io(&plan.path, "give it its name", e))?;
    // The name is safe only once the folder is written out; some file systems cannot do that.
    if let Ok(folder) = fs::File::open(job.folder) {
        let _ = folder.sync_all();
    }
    reading.path.clone_from(&plan.path);

    let mut findings = judge(&reading, job.target);
    findings.extend(written.about_source);
    findings.sort_by_key(|finding| finding.severity);
    Ok(Delivered {
        target: job.target.id.to_string(),
        container: plan.container,
        depth: plan.depth,
        sample_rate_hz: plan.sample_rate_hz,
        converted_from_hz: plan.converts().then_some(plan.source_rate_hz),
        dither: written.dither,
        seed: job.seed,
        trim_db,
        needed_trim_db: 0.0 - excess_db(&reading, job.target),
        clipped_samples: written.clipped,
        passed: passes(&findings),
        findings,
        reading,
        path: plan.path,
    })
}

/// How far the true peak of a file stands above the target's ceiling, in dB; 0 where it does not.
fn excess_db(reading: &Reading, target: &Target) -> f64 {
    reading.facts.true_peak_dbtp.map_or(0.0, |peak| (peak - target.ceiling_dbtp).max(0.0))
}

/// Whether every sample that will be rounded lies on the file's grid already.
fn lies_on_grid(
    job: &Job,
    plan: &Plan,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<bool, DeliveryError> {
    if plan.depth.is_float() || plan.converts() {
        return Ok(false);
    }
    let mut reader = files::open(job.source)?;
    let mut buffer = Buffer::new(plan.channels, BLOCK_FRAMES);
    let mut grid = Grid::new();
    loop {
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            return Ok(true);
        }
        grid.push(&buffer.range(0, frames));
        if grid.bits_used() > plan.depth.bits() {
            return Ok(false);
        }
        report(observe, Stage::Looking, reader.position(), reader.info().frames)?;
    }
}

/// What the master itself brings along: its file was mended on the way in, or had lost something before.
fn about_source(info: &Info) -> Vec<Finding> {
    let mended = info.notes.iter().map(remark).filter(|remark| remark.severity == Severity::Fail);
    let mended = mended.map(|remark| {
        Finding::new("master", Severity::Warn, format!("Of the master: {}.", remark.text))
            .heard("Missing, silenced or changed sound.")
            .mend("Render the master again, and deliver it again.")
    });
    let lossy = info.encoding.is_lossy().then(|| {
        Finding::new(
            "master",
            Severity::Warn,
            format!("The master is {}: coded with loss already.", info.encoding.describe()),
        )
        .heard("What was lost does not come back, and later coding adds to it.")
        .mend("Deliver from the lossless master, if there is one.")
    });
    mended.chain(lossy).collect()
}

/// How one pass of writing went.
struct Pass {
    dither: Dither,
    clipped: u64,
    about_source: Vec<Finding>,
}

fn write(
    job: &Job,
    plan: &Plan,
    path: &Path,
    trim_db: f64,
    on_grid: bool,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Pass, DeliveryError> {
    let dither = choose_dither(job.dither, plan.depth, on_grid && trim_db == 0.0)
        .suited(plan.depth.bits(), plan.sample_rate_hz);
    let mut sink = Sink::create(path, plan, dither, job)?;
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
        sink.write(&Buffer::from_channels(&converted))?;
        converted.iter_mut().for_each(Vec::clear);
        if frames == 0 {
            break;
        }
        report(observe, Stage::Writing, reader.position(), reader.info().frames)?;
    }
    Ok(Pass { dither, clipped: sink.finish()?, about_source: about_source(reader.info()) })
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

/// A file being written, with the quantiser before it where its samples are integers.
struct Sink {
    writer: Writer,
    quantiser: Option<(Quantiser, Vec<Vec<i32>>)>,
}

impl Sink {
    fn create(path: &Path, plan: &Plan, dither: Dither, job: &Job) -> Result<Sink, DeliveryError> {
        let writer = Writer::create(
            path,
            WriteSpec {
                file_type: plan.container.file_type(),
                sample_format: plan.depth.sample_format(),
                sample_rate_hz: plan.sample_rate_hz,
                channels: plan.channels,
            },
        )?;
        let quantiser = if plan.depth.is_float() {
            None
        } else {
            let rate_hz = plan.sample_rate_hz;
            let quantiser =
                Quantiser::new(plan.depth.bits(), dither, plan.channels, job.seed)?.at_rate(rate_hz);
            let quantiser = if job.auto_blank { quantiser.blanking(rate_hz) } else { quantiser };
            Some((quantiser, vec![Vec::new(); plan.channels]))
        };
        Ok(Sink { writer, quantiser })
    }

    fn write(&mut self, buffer: &Buffer) -> Result<(), DeliveryError> {
        match &mut self.quantiser {
            None => self.writer.write_f64(&buffer.as_block())?,
            Some((quantiser, planes)) => {
                quantiser.process(&buffer.as_block(), planes);
                let planes: Vec<&[i32]> = planes.iter().map(Vec::as_slice).collect();
                self.writer.write_i32(&planes)?;
            }
        }
        Ok(())
    }

    /// Completes the file and gives the number of samples that were clipped.
    fn finish(self) -> Result<u64, DeliveryError> {
        let clipped = self.quantiser.map(|(quantiser, _)| quantiser.clipped());
        let written = self.writer.finish()?;
        Ok(clipped.unwrap_or(written.clipped))
    }
}

/// Holds what was read back against what was meant.
fn verify(plan: &Plan, reading: &Reading) -> Result<(), DeliveryError> {
    let differs = |what: String| Err(DeliveryError::ReadBack { path: plan.path.clone(), what });
    if reading.frames != plan.frames {
        return differs(format!("{} frames instead of {}", reading.frames, plan.frames));
    }
    if (reading.sample_rate_hz, reading.channels) != (plan.sample_rate_hz, plan.channels) {
        return differs(format!(
            "{} Hz and {} channels instead of {} Hz and {}",
            reading.sample_rate_hz, reading.channels, plan.sample_rate_hz, plan.channels
        ));
    }
    if (reading.container, reading.depth) != (Some(plan.container), Some(plan.depth)) {
        return differs(format!(
            "{}, {} instead of {}, {}",
            reading.format,
            reading.encoding,
            plan.container.name(),
            plan.depth.name()
        ));
    }
    Ok(())
}

fn report(
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
    stage: Stage,
    done: Frames,
    all: Frames,
) -> Result<(), DeliveryError> {
    if observe(stage, done as f64 / all.max(1) as f64).is_break() {
        return Err(DeliveryError::Cancelled);
    }
    Ok(())
}

/// Whether two names mean one file that is there.
fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
