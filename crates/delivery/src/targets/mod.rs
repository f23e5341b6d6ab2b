//! What each destination of a master asks for, as data.

mod rows;
mod table;

use std::borrow::Cow;

use files::{Codec, FileType, SampleFormat};
use serde::{Deserialize, Serialize};

use crate::error::DeliveryError;

pub use rows::Targets;
pub use table::TARGETS;

/// Text of a row: fixed in the table, owned where a person overrides it.
pub type Text = Cow<'static, str>;

/// The target that is meant when none is named.
pub const DEFAULT_TARGET: &str = "streaming";

/// How binding a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// The destination may refuse a file that misses it: a check fails.
    Required,
    /// Good practice, or a fact about playback: a check warns.
    Advised,
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The standard, or the service's own page.
    Standard,
    /// A page of the trade: a plant, a vendor, a distributor.
    Trade,
    /// Common knowledge that nobody has held against its source: say so wherever the figure is shown.
    #[default]
    Unverified,
    /// From a file of the person who uses the program.
    Yours,
}

impl Mark {
    /// A word or two for people.
    pub fn describe(self) -> &'static str {
        match self {
            Mark::Standard => "from the standard or the service",
            Mark::Trade => "from a trade page",
            Mark::Unverified => "unverified",
            Mark::Yours => "your own figure",
        }
    }
}

/// A kind of file that can be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Container {
    /// WAV.
    Wav,
    /// FLAC.
    Flac,
    /// AIFF.
    Aiff,
    /// Apple Lossless in MPEG-4.
    Alac,
    /// MP3; needs a build with the feature `mp3`.
    Mp3,
    /// AAC in MPEG-4; needs a build with the feature `aac`.
    Aac,
    /// Ogg Vorbis.
    OggVorbis,
    /// Opus.
    Opus,
}

impl Container {
    /// All of them, built in or not.
    pub const ALL: [Container; 8] = [
        Container::Wav,
        Container::Flac,
        Container::Aiff,
        Container::Alac,
        Container::Mp3,
        Container::Aac,
        Container::OggVorbis,
        Container::Opus,
    ];

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Container::Wav => "WAV",
            Container::Flac => "FLAC",
            Container::Aiff => "AIFF",
            Container::Alac => "ALAC",
            Container::Mp3 | Container::Aac | Container::OggVorbis | Container::Opus => {
                self.codec().map_or("", Codec::name)
            }
        }
    }

    /// What people type.
    pub fn id(self) -> &'static str {
        match self {
            Container::Wav => "wav",
            Container::Flac => "flac",
            Container::Aiff => "aiff",
            Container::Alac => "alac",
            Container::Mp3 => "mp3",
            Container::Aac => "aac",
            Container::OggVorbis => "vorbis",
            Container::Opus => "opus",
        }
    }

    /// The extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Container::Wav => "wav",
            Container::Flac => "flac",
            Container::Aiff => "aiff",
            Container::Alac => "m4a",
            Container::Mp3 | Container::Aac | Container::OggVorbis | Container::Opus => {
                self.codec().map_or("", Codec::extension)
            }
        }
    }

    /// What the writer calls it; `None` for what is coded with loss.
    pub fn file_type(self) -> Option<FileType> {
        match self {
            Container::Wav => Some(FileType::Wav),
            Container::Flac => Some(FileType::Flac),
            Container::Aiff => Some(FileType::Aiff),
            Container::Alac => Some(FileType::Alac),
            Container::Mp3 | Container::Aac | Container::OggVorbis | Container::Opus => None,
        }
    }

    /// The codec of what is coded with loss.
    pub fn codec(self) -> Option<Codec> {
        match self {
            Container::Mp3 => Some(Codec::Mp3),
            Container::Aac => Some(Codec::Aac),
            Container::OggVorbis => Some(Codec::Vorbis),
            Container::Opus => Some(Codec::Opus),
            Container::Wav | Container::Flac | Container::Aiff | Container::Alac => None,
        }
    }
}

/// The kind of file with a name; case, and `ogg` for `vorbis` or `m4a` for `aac`, do not matter.
///
/// # Errors
/// [`DeliveryError::UnknownFormat`], and [`DeliveryError::NotBuilt`] for one that this build cannot write.
pub fn find_format(name: &str) -> Result<Container, DeliveryError> {
    let plain = match name.trim().to_ascii_lowercase().as_str() {
        "ogg" | "ogg_vorbis" | "oga" => "vorbis".to_owned(),
        "m4a" => "aac".to_owned(),
        "wave" | "bwf" => "wav".to_owned(),
        "aif" => "aiff".to_owned(),
        other => other.to_owned(),
    };
    let found = Container::ALL.into_iter().find(|container| container.id() == plain).ok_or_else(|| {
        let known = Container::ALL.iter().map(|container| container.id().to_owned()).collect();
        DeliveryError::UnknownFormat { name: name.to_owned(), known }
    })?;
    match found.codec().filter(|codec| !codec.is_built_in()) {
        Some(codec) => {
            let feature = codec.feature().unwrap_or_default();
            Err(DeliveryError::NotBuilt { name: codec.name(), feature })
        }
        None => Ok(found),
    }
}

/// How the samples of a delivered file are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Depth {
    /// 16-bit integer.
    #[serde(rename = "16")]
    Int16,
    /// 24-bit integer.
    #[serde(rename = "24")]
    Int24,
    /// 32-bit integer.
    #[serde(rename = "32")]
    Int32,
    /// 32-bit floating point.
    #[serde(rename = "32f")]
    Float32,
}

impl Depth {
    /// The name people use: "24-bit", "32-bit float".
    pub fn name(self) -> &'static str {
        match self {
            Depth::Int16 => "16-bit",
            Depth::Int24 => "24-bit",
            Depth::Int32 => "32-bit",
            Depth::Float32 => "32-bit float",
        }
    }

    /// Bits of one sample.
    pub fn bits(self) -> u32 {
        self.sample_format().bits()
    }

    /// Whether samples are floating point.
    pub fn is_float(self) -> bool {
        self.sample_format().is_float()
    }

    /// What the writer calls it.
    pub fn sample_format(self) -> SampleFormat {
        match self {
            Depth::Int16 => SampleFormat::Int16,
            Depth::Int24 => SampleFormat::Int24,
            Depth::Int32 => SampleFormat::Int32,
            Depth::Float32 => SampleFormat::Float32,
        }
    }
}

/// One destination and what it asks for.
///
/// A list that is empty, or a figure that is `None`, means that the destination has no rule about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What people type; never changes.
    pub id: Text,
    /// What people read.
    pub label: Text,
    /// One sentence: for what it is.
    pub about: Text,

    /// Integrated loudness of two channels, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// The same of one channel, where it differs.
    pub mono_integrated_lufs: Option<f64>,
    /// How far either way is still right, in LU.
    pub tolerance_lu: f64,
    /// How binding the loudness is.
    pub loudness: Force,
    /// Loudest 3 s, in LUFS; required where there is one.
    pub max_short_term_lufs: Option<f64>,
    /// Plain RMS, lowest and highest, in dBFS (a full-scale sine has -3.01); required where there is one.
    pub rms_dbfs: Option<[f64; 2]>,
    /// Loudest noise in pauses, in dBFS RMS; required where there is one.
    pub max_noise_floor_dbfs: Option<f64>,

    /// True peak that the master keeps, in dBTP.
    pub ceiling_dbtp: f64,
    /// How binding the ceiling is.
    pub true_peak: Force,
    /// Highest sample, in dBFS; required where there is one.
    pub max_sample_peak_dbfs: Option<f64>,

    /// Sample rates that are taken, in hertz.
    pub sample_rates_hz: Cow<'static, [u32]>,
    /// The rate that is converted to; `None` keeps the master's where it is taken.
    pub preferred_rate_hz: Option<u32>,
    /// Depths that are taken, the preferred one first.
    pub depths: Cow<'static, [Depth]>,
    /// Kinds of file that are taken, the preferred one first.
    pub containers: Cow<'static, [Container]>,
    /// Numbers of channels that are taken.
    pub channels: Cow<'static, [usize]>,
    /// Whether padded or upsampled audio is refused.
    pub native_only: bool,
    /// Shortest and longest duration, in seconds.
    pub duration_s: Option<[f64; 2]>,
    /// Fewest bits per second of what is coded with loss, in thousands; required where there is one.
    pub min_bit_rate_kbps: Option<u32>,
    /// Whether what is coded with loss has to have a constant bit rate.
    pub constant_bit_rate: bool,
    /// Shortest and longest pause before the first sound, in seconds; required where there is one. Room tone is pause.
    pub pause_start_s: Option<[f64; 2]>,
    /// The same after the last sound.
    pub pause_end_s: Option<[f64; 2]>,
    /// Whether all files of one delivery have the same number of channels.
    pub one_layout: bool,
    /// Whether it is a music service, which takes any loudness and levels it in its player: it gets the master that the
    /// others get.
    pub service: bool,

    /// Lowest correlation of left and right that is advised.
    pub min_correlation: Option<f64>,
    /// Frequency below which the bass should be in phase, in hertz.
    pub mono_below_hz: Option<f64>,

    /// Where the figures are from.
    pub source: Text,
    /// How sure they are: the least sure one of the row.
    pub mark: Mark,
    /// Month of the figures, year first.
    pub as_of: Text,
    /// What a person should know besides.
    pub notes: Text,
}

impl Target {
    /// Integrated loudness to aim at with this many channels, in LUFS.
    pub fn integrated_lufs_for(&self, channels: usize) -> Option<f64> {
        if channels == 1 { self.mono_integrated_lufs.or(self.integrated_lufs) } else { self.integrated_lufs }
    }

    /// Whether a mono sound has to stand on both sides: two channels are taken, and one is not.
    pub fn doubles(&self, channels: usize) -> bool {
        channels == 1 && self.channels.contains(&2) && !self.channels.contains(&1)
    }

    /// Whether a level has to be reached, not only a peak kept.
    pub fn levels(&self) -> bool {
        self.rms_dbfs.is_some() || (self.integrated_lufs.is_some() && self.loudness == Force::Required)
    }

    /// Whether a rate in hertz is taken.
    pub fn takes_rate(&self, sample_rate_hz: u32) -> bool {
        self.sample_rates_hz.is_empty() || self.sample_rates_hz.contains(&sample_rate_hz)
    }

    /// The rate in hertz at which a master of `source_hz` is delivered: the preferred one; else the master's own;
    /// else the highest that is taken and not above it, one that divides it evenly before others; else the
    /// lowest.
    pub fn rate_for(&self, source_hz: u32) -> u32 {
        if let Some(preferred) = self.preferred_rate_hz {
            return preferred;
        }
        if self.takes_rate(source_hz) {
            return source_hz;
        }
        let rates = self.sample_rates_hz.iter().copied();
        rates
            .clone()
            .filter(|rate| *rate <= source_hz)
            .max_by_key(|rate| (source_hz.is_multiple_of(*rate), *rate))
            .or(rates.min())
            .unwrap_or(source_hz)
    }

    /// The depth at which it is delivered when none is asked for.
    pub fn preferred_depth(&self) -> Depth {
        self.depths.first().copied().unwrap_or(Depth::Int24)
    }

    /// The kind of file that is delivered when none is asked for.
    pub fn preferred_container(&self) -> Container {
        self.containers.first().copied().unwrap_or(Container::Wav)
    }
}

/// The row of [`TARGETS`] with an id; case, and `-` for `_`, do not matter.
///
/// # Errors
/// [`DeliveryError::UnknownTarget`], with the most similar id when there is one.
pub fn find_target(id: &str) -> Result<&'static Target, DeliveryError> {
    rows::find(&TARGETS, id)
}

#[cfg(test)]
mod tests;
