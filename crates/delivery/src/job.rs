//! What is to be delivered, and what that comes to: the plan of one file.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::Frames;
use dsp::blocks::resample::resampled_frames;
use files::{EncodeSpec, Tags};
use serde::Serialize;

use crate::error::DeliveryError;
use crate::finding::{Finding, Severity};
use crate::name::file_stem;
use crate::quantise::Dither;
use crate::reading::shown_path;
use crate::targets::{Container, Depth, Target};

/// Frames that are worked on at a time.
pub(crate) const BLOCK_FRAMES: Frames = 16_384;

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
    /// Whether the file is going to stand in a manifest: the MD5 of its sound and the fingerprint of what it was made of are
    /// worked out for nothing else.
    pub listed: bool,
}

/// How large a master is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames.
    pub frames: Frames,
}

/// What stands around a file: where another one joins it, sound that begins or stops is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Joins {
    /// It goes on from the one before.
    pub start: bool,
    /// It goes on into the next one.
    pub end: bool,
    /// It is one track of an album, whose tracks are as loud as they are beside each other: advice about the loudness of one
    /// by itself would undo that. What a target requires stays required.
    pub album: bool,
}

impl Joins {
    pub(crate) fn excuse(self, finding: &Finding) -> bool {
        let advice = finding.severity != Severity::Fail && finding.id == "integrated_loudness";
        (self.start && finding.id == "abrupt_start")
            || (self.end && finding.id == "abrupt_end")
            || (self.album && advice)
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
            listed: true,
        }
    }

    /// What will be written, without writing it.
    ///
    /// # Errors
    /// When the master cannot be read, the target does not take what is asked for, or the file would be the master
    /// itself.
    pub fn plan(&self) -> Result<Plan, DeliveryError> {
        let info = files::probe(self.source)?;
        let files::Info { sample_rate_hz, channels, frames, .. } = info;
        self.plan_for(Extent { sample_rate_hz, channels, frames })
    }

    pub(crate) fn plan_for(&self, master: Extent) -> Result<Plan, DeliveryError> {
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
            self.sample_rate_hz.unwrap_or_else(|| rate_for(target, container, master.sample_rate_hz));
        if let (Some(least), Some(codec)) = (target.min_bit_rate_kbps, container.codec()) {
            let kbps = encode_spec(codec, sample_rate_hz, master.channels, self).bit_rate_kbps();
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
                .map(|codec| encode_spec(codec, sample_rate_hz, master.channels, self).bit_rate_kbps()),
            sample_rate_hz,
            source_rate_hz: master.sample_rate_hz,
            channels: master.channels,
            frames: resampled_frames(master.frames, master.sample_rate_hz, sample_rate_hz),
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

fn encode_spec(codec: files::Codec, sample_rate_hz: u32, channels: usize, job: &Job) -> EncodeSpec {
    let spec = EncodeSpec { codec, bit_rate_kbps: job.bit_rate_kbps, sample_rate_hz, channels };
    // The usual bit rate, unless the target asks for more.
    let least = job.target.min_bit_rate_kbps.filter(|least| spec.bit_rate_kbps() < *least);
    EncodeSpec { bit_rate_kbps: job.bit_rate_kbps.or(least), ..spec }
}

/// How samples are stored, for people: "24-bit", "320 kbit/s".
pub(crate) fn stored(depth: Option<Depth>, bit_rate_kbps: Option<u32>) -> String {
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

    pub(crate) fn converts(&self) -> bool {
        self.sample_rate_hz != self.source_rate_hz
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

#[cfg(test)]
mod tests {
    use super::*;

    // Finds advice that would tear the tracks of an album apart, and a rule that an album does not have to keep.
    #[test]
    fn a_track_of_an_album_is_not_advised_another_loudness() {
        let finding = |id: &'static str, severity| Finding::new(id, severity, "off");
        let album = Joins { album: true, ..Joins::default() };
        assert!(album.excuse(&finding("integrated_loudness", Severity::Warn)));
        assert!(!album.excuse(&finding("integrated_loudness", Severity::Fail)));
        assert!(!album.excuse(&finding("true_peak", Severity::Warn)));
        assert!(!Joins::default().excuse(&finding("integrated_loudness", Severity::Warn)));
        let after = Joins { start: true, ..Joins::default() };
        assert!(after.excuse(&finding("abrupt_start", Severity::Warn)));
        assert!(!after.excuse(&finding("abrupt_end", Severity::Warn)));
    }
}
