//! One master, one target, one file: converted, dithered, written, read back and checked.
//!
//! The file is made under a hidden name, read back, and takes its own name only when it holds what was written. Samples that
//! are integers are measured on their way into the file; reading back then has to show only that they are the same. A
//! conversion of the sample rate makes new peaks, and rounding moves every sample: when the file as written is above
//! the target's ceiling it is made again, lower by the excess.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::Buffer;
use files::Tags;
use measure::Facts;

use crate::check::{judge, passes};
use crate::delivered::Delivered;
use crate::error::DeliveryError;
use crate::finding::{Finding, Severity};
use crate::grid::Grid;
use crate::job::{BLOCK_FRAMES, Job, Plan, Stage, report};
use crate::manifest::{Entry, made_from};
use crate::quantise::Dither;
use crate::reading::{Heard, Look, Reading, read_observed, read_sound, sha256, sound_of};
use crate::targets::Target;
use crate::writing::{Pass, with_loudness, write};

/// A trim goes this much below the excess, in dB, so that neither the rounding of the next pass nor another meter's
/// filter undoes it.
const HAIR_DB: f64 = 0.005;
/// Passes after which a file that is still above its ceiling stays as it is, and says so.
const MOST_PASSES: usize = 4;
/// The same for what is coded with loss.
const MOST_CODED_PASSES: usize = 8;
/// And its hair, in dB: decoders may differ in the last of 24 bits.
const CODED_HAIR_DB: f64 = 0.01;

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
    let (_workshop, hidden) = workshop_for(job, &plan)?;
    let made = make(job, &plan, &hidden, observe)?;
    handed_over(job, plan, &hidden, made, observe)
}

/// Where a file is made, and its name there.
pub(crate) fn workshop_for(job: &Job, plan: &Plan) -> Result<(files::Workshop, PathBuf), DeliveryError> {
    fs::create_dir_all(job.folder).map_err(|e| DeliveryError::io(job.folder, "make this folder", e))?;
    let workshop = files::Workshop::create_in(job.folder)
        .map_err(|e| DeliveryError::io(job.folder, "write to this folder", e))?;
    let hidden = workshop.path().join(format!("file.{}", plan.container.extension()));
    Ok((workshop, hidden))
}

/// Reads a file back that was made, and gives it its own name.
pub(crate) fn handed_over(
    job: &Job,
    plan: Plan,
    hidden: &Path,
    made: Made,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Delivered, DeliveryError> {
    let Made { written, known, trim_db, passes: tries } = made;
    let mut reading = known.finished(job, &plan, hidden, observe)?;
    if reading.sha256.is_empty() {
        reading.sha256 = sha256(hidden)?;
    }
    fs::rename(hidden, &plan.path).map_err(|e| DeliveryError::io(&plan.path, "give it its name", e))?;
    // The name is safe only once the folder is written out; some file systems cannot do that.
    if let Ok(folder) = fs::File::open(job.folder) {
        let _ = folder.sync_all();
    }
    reading.path.clone_from(&plan.path);

    let making = Making {
        dither: written.dither,
        trim_db,
        passes: tries,
        clipped_samples: written.clipped,
        kept: false,
        made_from: if job.listed { made_from(job, &plan)? } else { String::new() },
    };
    Ok(told(job, plan, making, reading, written.about_source))
}

/// A file that stands there, was made of the same master in the same way and still has every byte: read back and checked,
/// but not made again. `None` where it has to be made. `known` is what the folder's manifest says.
///
/// # Errors
/// As [`deliver`].
pub fn kept(
    job: &Job,
    known: &[Entry],
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Option<Delivered>, DeliveryError> {
    let plan = job.plan()?;
    let name = plan.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(entry) = known.iter().find(|entry| entry.name == name) else { return Ok(None) };
    if !plan.path.is_file() || entry.made_from != made_from(job, &plan)? {
        return Ok(None);
    }
    let reading = read_observed(&plan.path, Look::Written, &mut |share| observe(Stage::Verifying, share))?;
    if reading.sha256 != entry.sha256 || verify(&plan, &reading).is_err() {
        return Ok(None);
    }
    let making = Making {
        dither: entry.dither,
        trim_db: entry.trim_db,
        passes: entry.passes,
        clipped_samples: entry.clipped_samples,
        kept: true,
        made_from: entry.made_from.clone(),
    };
    Ok(Some(told(job, plan, making, reading, Vec::new())))
}

/// How a file was made.
struct Making {
    dither: Dither,
    trim_db: f64,
    passes: usize,
    clipped_samples: u64,
    kept: bool,
    made_from: String,
}

/// Everything that is told of a file, `also` with what its master brings along.
fn told(job: &Job, plan: Plan, making: Making, reading: Reading, also: Vec<Finding>) -> Delivered {
    let mut findings = judge(&reading, job.target);
    // What its neighbours excuse is no fault.
    findings.retain(|finding| !job.joins.excuse(finding));
    findings.extend(also);
    findings.extend(about_coding(&plan, making.trim_db, making.passes));
    findings.sort_by_key(|finding| finding.severity);
    Delivered {
        target: job.target.id.to_string(),
        container: plan.container,
        depth: plan.depth,
        bit_rate_kbps: plan.bit_rate_kbps,
        sample_rate_hz: plan.sample_rate_hz,
        converted_from_hz: plan.converts().then_some(plan.source_rate_hz),
        dither: making.dither,
        seed: job.seed,
        trim_db: making.trim_db,
        passes: making.passes,
        needed_trim_db: 0.0 - excess_db(&reading.facts, job.target),
        clipped_samples: making.clipped_samples,
        passed: passes(&findings),
        kept: making.kept,
        made_from: making.made_from,
        findings,
        reading,
        path: plan.path,
    }
}

/// A file that was made, what is known of it, and what it took.
pub(crate) struct Made {
    pub(crate) written: Pass,
    pub(crate) known: Known,
    pub(crate) trim_db: f64,
    pub(crate) passes: usize,
}

/// What is known of a file before its tags are written.
pub(crate) enum Known {
    /// It was heard while it was written, and is to be read back; whether it has its tags.
    Heard(Box<Heard>, bool),
    /// It was read back; what tells its sound from any other, where samples are integers.
    Read(Box<Reading>, Option<blake3::Hash>),
}

impl Known {
    fn facts(&self) -> &Facts {
        match self {
            Known::Heard(heard, _) => heard.facts(),
            Known::Read(reading, _) => &reading.facts,
        }
    }

    /// Writes the tags, and makes sure that the file holds the sound that is known of it.
    fn finished(
        self,
        job: &Job,
        plan: &Plan,
        path: &Path,
        observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
    ) -> Result<Reading, DeliveryError> {
        let tags = job.tags.map(|tags| with_loudness(tags, self.facts()));
        match self {
            Known::Heard(heard, tagged) => {
                if let Some(tags) = tags.as_ref().filter(|_| !tagged) {
                    files::write_tags(path, tags)?;
                }
                let reading = heard.read_back(path, &mut |share| observe(Stage::Verifying, share))?;
                verify(plan, &reading)?;
                Ok(reading)
            }
            Known::Read(reading, sound) => {
                if let Some(tags) = &tags {
                    tag(path, tags, sound)?;
                }
                Ok(*reading)
            }
        }
    }
}

/// Makes the file, and makes it again lower as long as it stands above its ceiling and may be lowered.
fn make(
    job: &Job,
    plan: &Plan,
    path: &Path,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<Made, DeliveryError> {
    let on_grid = lies_on_grid(job, plan, observe)?;
    let coded = plan.container.codec().is_some();
    let (most_db, most_passes, hair_db) = match coded {
        true => (job.max_coded_trim_db, MOST_CODED_PASSES, CODED_HAIR_DB),
        false => (job.max_trim_db, MOST_PASSES, HAIR_DB),
    };
    let mut trim_db = 0.0;
    let mut passes = 1;
    loop {
        let mut written = write(job, plan, path, trim_db, on_grid, observe)?;
        let known = match written.heard.take() {
            Some(heard) => Known::Heard(Box::new(heard), written.tagged),
            None => {
                let verifying = &mut |share| observe(Stage::Verifying, share);
                let (reading, sound) = read_sound(path, Look::Written, verifying)?;
                verify(plan, &reading)?;
                Known::Read(Box::new(reading), sound)
            }
        };
        let excess_db = excess_db(known.facts(), job.target);
        // What a codec makes of a lower level is not just lower: each pass goes a little farther.
        let lower = trim_db - excess_db - hair_db * passes as f64;
        // A file that was trimmed already keeps being trimmed: the rest is a matter of hairs.
        let allowed = -lower <= most_db || (!coded && trim_db < 0.0);
        if excess_db == 0.0 || passes == most_passes || !allowed {
            return Ok(Made { written, known, trim_db, passes });
        }
        trim_db = lower;
        passes += 1;
    }
}

/// Writes the tags, and makes sure that the sound is still what was read back.
fn tag(path: &Path, tags: &Tags, sound: Option<blake3::Hash>) -> Result<(), DeliveryError> {
    let same = match sound {
        Some(before) => {
            files::write_tags(path, tags)?;
            sound_of(path)? == Some(before)
        }
        None => {
            let before = files::decoded_hash(path)?;
            files::write_tags(path, tags)?;
            files::decoded_hash(path)? == before
        }
    };
    if !same {
        let what = "its sound is another since its tags were written".to_owned();
        return Err(DeliveryError::ReadBack { path: path.to_owned(), what });
    }
    Ok(())
}

/// That a codec's peaks were made room for.
fn about_coding(plan: &Plan, trim_db: f64, passes: usize) -> Option<Finding> {
    let codec = plan.container.codec().filter(|_| trim_db < 0.0)?;
    let what = format!(
        "{} makes new peaks: the file was made {passes} times and is {:.2} dB lower than the master, so that its true \
         peak holds after decoding.",
        codec.name(),
        -trim_db
    );
    Some(Finding::new("coded_lower", Severity::Info, what).figure(trim_db, 0.0, "dB"))
}

/// How far the true peak of a file stands above the target's ceiling, in dB; 0 where it does not.
pub(crate) fn excess_db(facts: &Facts, target: &Target) -> f64 {
    facts.true_peak_dbtp.map_or(0.0, |peak| (peak - target.ceiling_dbtp).max(0.0))
}

/// Whether every sample that will be rounded lies on the file's grid already.
fn lies_on_grid(
    job: &Job,
    plan: &Plan,
    observe: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>,
) -> Result<bool, DeliveryError> {
    let Some(depth) = plan.depth.filter(|depth| !depth.is_float() && !plan.converts()) else {
        return Ok(false);
    };
    let mut reader = files::open(job.source)?;
    let mut buffer = Buffer::new(plan.channels, BLOCK_FRAMES);
    let mut grid = Grid::new();
    loop {
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            return Ok(true);
        }
        grid.push(&buffer.range(0, frames));
        if grid.bits_used() > depth.bits() {
            return Ok(false);
        }
        report(observe, Stage::Looking, reader.position(), reader.info().frames)?;
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
    if (reading.container, reading.depth) != (Some(plan.container), plan.depth) {
        return differs(format!(
            "{}, {} instead of {}, {}",
            reading.format,
            reading.encoding,
            plan.container.name(),
            plan.stored()
        ));
    }
    Ok(())
}
