//! One master, one target, one file: converted, dithered, written, read back and checked.
//!
//! The file is made under a hidden name, read back, and takes its own name only when it holds what was written. A
//! conversion of the sample rate makes new peaks, and rounding moves every sample: when the file as written is above
//! the target's ceiling it is made again, lower by the excess.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::{Buffer, Frames};
use dsp::blocks::resample::resampled_frames;
use files::{EncodeSpec, Info, Tags};
use measure::Facts;
use serde::Serialize;

use crate::check::{Finding, Severity, judge, passes};
use crate::error::DeliveryError;
use crate::grid::Grid;
use crate::manifest::{Entry, made_from};
use crate::name::file_stem;
use crate::quantise::Dither;
use crate::reading::{Look, Reading, read_observed, read_sound, sha256, shown_path, sound_of};
use crate::targets::{Container, Depth, Target};
use crate::writing::{Pass, write};

/// Frames that are worked on at a time.
pub(crate) const BLOCK_FRAMES: Frames = 16_384;
/// A trim goes this much below the excess, in dB, so that neither the rounding of the next pass nor another meter's
/// filter undoes it.
const HAIR_DB: f64 = 0.005;
/// Passes after which a file that is still above its ceiling stays as it is, and says so.
const MOST_PASSES: usize = 4;
/// The same for what is coded with loss.
const MOST_CODED_PASSES: usize = 8;
/// And its hair, in dB: decoders may differ in the last of 24 bits.
const CODED_HAIR_DB: f64 = 0.01;

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
    /// The same for what is coded with loss, whose codec makes new peaks: by 0.2 to 1.1 dB as a rule, 2 dB at worst.
    pub max_coded_trim_db: f64,
    /// Bits per second of what is coded with loss, in thousands; `None` for [`files::Codec::bit_rates_kbps`]' usual one.
    pub bit_rate_kbps: Option<u32>,
    /// What is written beside the sound; the track's loudness in it is that of the file. `None` writes nothing.
    pub tags: Option<&'a Tags>,
    /// Where the file goes on from or into another one without a seam.
    pub joins: Joins,
}

/// The ends of a file at which another one joins it: sound that begins or stops there is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Joins {
    /// It goes on from the one before.
    pub start: bool,
    /// It goes on into the next one.
    pub end: bool,
}

impl Joins {
    fn excuse(self, finding: &Finding) -> bool {
        (self.start && finding.id == "abrupt_start") || (self.end && finding.id == "abrupt_end")
    }
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
            max_coded_trim_db: 3.0,
            bit_rate_kbps: None,
            tags: None,
            joins: Joins::default(),
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
        let depth = match (container.codec(), self.depth) {
            (Some(_), Some(depth)) => {
                return refuse(
                    format!("{} of {}, which has no depth", depth.name(), container.name()),
                    vec!["a bit rate".to_owned()],
                );
            }
            (Some(_), None) => None,
            (None, asked) => Some(asked.unwrap_or(target.preferred_depth())),
        };
        if depth.is_some_and(|depth| !target.depths.contains(&depth)) {
            return refuse(
                depth.map_or("", Depth::name).to_owned(),
                target.depths.iter().map(|d| d.name().to_owned()).collect(),
            );
        }
        let sample_rate_hz =
            self.sample_rate_hz.unwrap_or_else(|| rate_for(target, container, info.sample_rate_hz));
        if let (Some(least), Some(codec)) = (target.min_bit_rate_kbps, container.codec()) {
            let kbps = encode_spec(codec, sample_rate_hz, info, self).bit_rate_kbps();
            if kbps < least {
                return refuse(format!("{kbps} kbit/s"), vec![format!("{least} kbit/s and more")]);
            }
        }
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
            bit_rate_kbps: container
                .codec()
                .map(|codec| encode_spec(codec, sample_rate_hz, info, self).bit_rate_kbps()),
            sample_rate_hz,
            source_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            frames: resampled_frames(info.frames, info.sample_rate_hz, sample_rate_hz),
        })
    }
}

/// The rate in hertz at which a kind of file is written for a target: the target's, unless the codec lacks it; then the
/// highest that the codec has and that is not above it, one that divides it evenly before others.
fn rate_for(target: &Target, container: Container, source_hz: u32) -> u32 {
    let wanted = target.rate_for(source_hz);
    let Some(codec) = container.codec() else { return wanted };
    let rates = codec.sample_rates_hz().iter().copied().filter(|rate| target.takes_rate(*rate));
    rates
        .clone()
        .filter(|rate| *rate <= wanted)
        .max_by_key(|rate| (wanted.is_multiple_of(*rate), *rate))
        .or(rates.min())
        .unwrap_or(wanted)
}

fn encode_spec(codec: files::Codec, sample_rate_hz: u32, info: &Info, job: &Job) -> EncodeSpec {
    let spec =
        EncodeSpec { codec, bit_rate_kbps: job.bit_rate_kbps, sample_rate_hz, channels: info.channels };
    // The usual bit rate, unless the target asks for more.
    let least = job.target.min_bit_rate_kbps.filter(|least| spec.bit_rate_kbps() < *least);
    EncodeSpec { bit_rate_kbps: job.bit_rate_kbps.or(least), ..spec }
}

/// How samples are stored, for people: "24-bit", "320 kbit/s".
fn stored(depth: Option<Depth>, bit_rate_kbps: Option<u32>) -> String {
    match (depth, bit_rate_kbps) {
        (Some(depth), _) => depth.name().to_owned(),
        (None, Some(kbps)) => format!("{kbps} kbit/s"),
        (None, None) => String::new(),
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
    /// How samples are stored; `None` for what is coded with loss.
    pub depth: Option<Depth>,
    /// Bits per second of what is coded with loss, in thousands: constant for MP3 and AAC, a mean for the others.
    pub bit_rate_kbps: Option<u32>,
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
    /// How samples are stored, for people: "24-bit", "320 kbit/s".
    pub fn stored(&self) -> String {
        stored(self.depth, self.bit_rate_kbps)
    }

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
    /// How samples are stored; `None` for what is coded with loss.
    pub depth: Option<Depth>,
    /// Bits per second of what is coded with loss, in thousands: constant for MP3 and AAC, a mean for the others.
    pub bit_rate_kbps: Option<u32>,
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
    /// How often the file was made until it kept the ceiling.
    pub passes: usize,
    /// Gain that would still be needed to keep the ceiling, in dB: 0 where it is kept.
    pub needed_trim_db: f64,
    /// Samples beyond full scale that were clipped.
    pub clipped_samples: u64,
    /// Whether no finding is a failure.
    pub passed: bool,
    /// Whether it was there already, made of the same, and was left as it was.
    pub kept: bool,
    /// A fingerprint of everything it was made of: master, target and settings.
    pub made_from: String,
    /// What was found in the file, the worst first.
    pub findings: Vec<Finding>,
    /// The file, read back.
    pub reading: Reading,
}

impl Delivered {
    /// How samples are stored, for people: "24-bit", "320 kbit/s".
    pub fn stored(&self) -> String {
        stored(self.depth, self.bit_rate_kbps)
    }

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

    let made = make(job, &plan, &hidden, observe)?;
    let Made { written, mut reading, sound, trim_db, passes: tries } = made;
    if let Some(tags) = job.tags {
        tag(&hidden, tags, &reading.facts, sound)?;
    }
    reading.sha256 = sha256(&hidden)?;
    fs::rename(&hidden, &plan.path).map_err(|e| DeliveryError::io(&plan.path, "give it its name", e))?;
    // The name is safe only once the folder is written out; some file systems cannot do that.
    if let Ok(folder) = fs::File::open(job.folder) {
        let _ = folder.sync_all();
    }
    reading.path.clone_from(&plan.path);

    let mut findings = judged(job, &reading);
    findings.extend(written.about_source);
    findings.extend(about_coding(&plan, trim_db, tries));
    findings.sort_by_key(|finding| finding.severity);
    Ok(Delivered {
        target: job.target.id.to_string(),
        container: plan.container,
        depth: plan.depth,
        bit_rate_kbps: plan.bit_rate_kbps,
        sample_rate_hz: plan.sample_rate_hz,
        converted_from_hz: plan.converts().then_some(plan.source_rate_hz),
        dither: written.dither,
        seed: job.seed,
        trim_db,
        passes: tries,
        needed_trim_db: 0.0 - excess_db(&reading, job.target),
        clipped_samples: written.clipped,
        passed: passes(&findings),
        kept: false,
        made_from: made_from(job, &plan)?,
        findings,
        reading,
        path: plan.path,
    })
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
    let mut findings = judged(job, &reading);
    findings.extend(about_coding(&plan, entry.trim_db, entry.passes));
    findings.sort_by_key(|finding| finding.severity);
    Ok(Some(Delivered {
        target: job.target.id.to_string(),
        container: plan.container,
        depth: plan.depth,
        bit_rate_kbps: plan.bit_rate_kbps,
        sample_rate_hz: plan.sample_rate_hz,
        converted_from_hz: plan.converts().then_some(plan.source_rate_hz),
        dither: entry.dither,
        seed: job.seed,
        trim_db: entry.trim_db,
        passes: entry.passes,
        needed_trim_db: 0.0 - excess_db(&reading, job.target),
        clipped_samples: entry.clipped_samples,
        passed: passes(&findings),
        kept: true,
        made_from: entry.made_from.clone(),
        findings,
        reading,
        path: plan.path,
    }))
}

/// What is to be said of a file, but for what its neighbours excuse.
fn judged(job: &Job, reading: &Reading) -> Vec<Finding> {
    let mut findings = judge(reading, job.target);
    findings.retain(|finding| !job.joins.excuse(finding));
    findings
}

/// A file that was made and read back, and what it took.
struct Made {
    written: Pass,
    reading: Reading,
    /// Tells its sound from any other, where samples are integers.
    sound: Option<blake3::Hash>,
    trim_db: f64,
    passes: usize,
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
        let written = write(job, plan, path, trim_db, on_grid, observe)?;
        let (reading, sound) =
            read_sound(path, Look::Written, &mut |share| observe(Stage::Verifying, share))?;
        verify(plan, &reading)?;
        let excess_db = excess_db(&reading, job.target);
        // What a codec makes of a lower level is not just lower: each pass goes a little farther.
        let lower = trim_db - excess_db - hair_db * passes as f64;
        // A file that was trimmed already keeps being trimmed: the rest is a matter of hairs.
        let allowed = -lower <= most_db || (!coded && trim_db < 0.0);
        if excess_db == 0.0 || passes == most_passes || !allowed {
            return Ok(Made { written, reading, sound, trim_db, passes });
        }
        trim_db = lower;
        passes += 1;
    }
}

/// Writes the tags, and makes sure that the sound is still what was read back.
fn tag(path: &Path, tags: &Tags, facts: &Facts, sound: Option<blake3::Hash>) -> Result<(), DeliveryError> {
    let mut tags = tags.clone();
    tags.loudness.track_lufs = facts.integrated_lufs;
    tags.loudness.track_peak_dbtp = facts.true_peak_dbtp;
    tags.loudness.range_lu = facts.loudness_range_lu;
    tags.loudness.max_momentary_lufs = facts.max_momentary_lufs;
    tags.loudness.max_short_term_lufs = facts.max_short_term_lufs;
    let same = match sound {
        Some(before) => {
            files::write_tags(path, &tags)?;
            sound_of(path)? == Some(before)
        }
        None => {
            let before = files::decoded_hash(path)?;
            files::write_tags(path, &tags)?;
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
fn excess_db(reading: &Reading, target: &Target) -> f64 {
    reading.facts.true_peak_dbtp.map_or(0.0, |peak| (peak - target.ceiling_dbtp).max(0.0))
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

/// Tells how far a stage is.
pub(crate) fn report(
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
