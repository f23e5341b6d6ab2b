//! Coding with loss: one [`Encoder`] over every codec.
//!
//! What stood at frame `n` before coding stands at frame `n` after decoding, and the length is the same: every file says
//! what its codec put before and behind the sound (the LAME tag of an MP3, an edit list and iTunes' comment around AAC,
//! the pre-skip and the last granule of Opus, the last granule of Vorbis). The same sound gives the same bytes.

#[cfg(feature = "aac")]
mod aac;
#[cfg(feature = "mp3")]
mod mp3;
mod opus;
mod vorbis;

use std::path::Path;

use audio::BlockRef;

use crate::atomic::PendingFile;
use crate::error::FileError;
use crate::write::Written;

/// A codec that loses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// MPEG-1 layer III, by LAME; needs the feature `mp3`.
    Mp3,
    /// AAC-LC in MPEG-4, by the Fraunhofer FDK library; needs the feature `aac`.
    Aac,
    /// Vorbis in Ogg, by aoTuV's libvorbis.
    Vorbis,
    /// Opus in Ogg.
    Opus,
}

impl Codec {
    /// All of them, built in or not.
    pub const ALL: [Codec; 4] = [Codec::Mp3, Codec::Aac, Codec::Vorbis, Codec::Opus];

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Mp3 => "MP3",
            Codec::Aac => "AAC",
            Codec::Vorbis => "Ogg Vorbis",
            Codec::Opus => "Opus",
        }
    }

    /// The extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Codec::Mp3 => "mp3",
            Codec::Aac => "m4a",
            Codec::Vorbis => "ogg",
            Codec::Opus => "opus",
        }
    }

    /// The feature of this build that it needs; `None` where it is always there.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Codec::Mp3 => Some("mp3"),
            Codec::Aac => Some("aac"),
            Codec::Vorbis | Codec::Opus => None,
        }
    }

    /// Whether this build can write it.
    pub fn is_built_in(self) -> bool {
        match self {
            Codec::Mp3 => cfg!(feature = "mp3"),
            Codec::Aac => cfg!(feature = "aac"),
            Codec::Vorbis | Codec::Opus => true,
        }
    }

    /// Sample rates that are written, in hertz, in rising order.
    pub fn sample_rates_hz(self) -> &'static [u32] {
        match self {
            Codec::Mp3 => &[32_000, 44_100, 48_000],
            Codec::Aac => &[32_000, 44_100, 48_000, 64_000, 88_200, 96_000],
            Codec::Vorbis => &[32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000],
            // Opus counts in 48 kHz whatever comes in (RFC 7845 section 4).
            Codec::Opus => &[48_000],
        }
    }

    /// Bit rates of stereo that are written, in kbit/s: the lowest, the usual one and the highest. MP3 knows only some
    /// between them. Mono takes half of it.
    pub fn bit_rates_kbps(self) -> [u32; 3] {
        match self {
            Codec::Mp3 => [64, 320, 320],
            Codec::Aac => [64, 256, 320],
            Codec::Vorbis => [64, 256, 480],
            Codec::Opus => [32, 160, 510],
        }
    }
}

/// What to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodeSpec {
    /// The codec.
    pub codec: Codec,
    /// Bits per second of all channels together, in thousands: constant for MP3 and AAC, a mean for Vorbis and Opus.
    /// `None` for the usual one.
    pub bit_rate_kbps: Option<u32>,
    /// Frames per second, in hertz: one of [`Codec::sample_rates_hz`].
    pub sample_rate_hz: u32,
    /// Channels of every frame: 1 or 2.
    pub channels: usize,
}

impl EncodeSpec {
    /// The bit rate that will be written, in kbit/s.
    pub fn bit_rate_kbps(&self) -> u32 {
        let usual = self.codec.bit_rates_kbps()[1];
        self.bit_rate_kbps.unwrap_or(if self.channels == 1 { usual / 2 } else { usual })
    }
}

/// One codec at work.
trait Coder {
    /// Takes frames, a vector a channel, all of one length; every sample is finite.
    fn push(&mut self, planes: &[Vec<f64>]) -> Result<(), FileError>;
    /// Completes the stream; the file still has its temporary name.
    fn finish(self: Box<Self>) -> Result<PendingFile, FileError>;
}

/// Encodes one file. It stands under its name only after [`Encoder::finish`]; an encoder that is dropped before leaves
/// nothing behind.
pub struct Encoder {
    spec: EncodeSpec,
    coder: Box<dyn Coder>,
    planes: Vec<Vec<f64>>,
    frames: u64,
    not_finite: u64,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("spec", &self.spec)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// Frames that are given to a codec at a time.
const PIECE_FRAMES: usize = 4096;

/// Beyond this, +24 dBFS, samples are clipped: codecs work in 32-bit floats and fixed point.
const LARGEST_SAMPLE: f64 = 16.0;

impl Encoder {
    /// Starts a file at `path`, whose folder must exist. A file that stands there is replaced at `finish`.
    ///
    /// # Errors
    /// [`FileError::Unsupported`] when this build lacks the codec, or the codec cannot hold such sound;
    /// [`FileError::Io`] when there is no such folder or it cannot be written to.
    pub fn create(path: impl AsRef<Path>, spec: EncodeSpec) -> Result<Encoder, FileError> {
        let path = path.as_ref();
        check(path, &spec)?;
        let coder = coder(path, &spec)?;
        let planes = vec![Vec::with_capacity(PIECE_FRAMES); spec.channels];
        Ok(Encoder { spec, coder, planes, frames: 0, not_finite: 0 })
    }

    /// What is being encoded.
    pub fn spec(&self) -> &EncodeSpec {
        &self.spec
    }

    /// Appends a block (channels x frames), 1.0 being full scale. What is louder stays so where the codec allows.
    /// Samples that are not finite become zero.
    ///
    /// # Errors
    /// When the disk or the codec refuses.
    ///
    /// # Panics
    /// When the block has another number of channels than the file.
    pub fn write_f64(&mut self, block: &BlockRef) -> Result<(), FileError> {
        assert_eq!(block.channels(), self.spec.channels, "a block with the channels of the file");
        let mut done = 0;
        while done < block.frames() {
            let frames = (block.frames() - done).min(PIECE_FRAMES);
            for (plane, samples) in self.planes.iter_mut().zip(block.range(done, frames).iter()) {
                plane.clear();
                plane.extend(samples.iter().map(|sample| {
                    if sample.is_finite() {
                        sample.clamp(-LARGEST_SAMPLE, LARGEST_SAMPLE)
                    } else {
                        self.not_finite += 1;
                        0.0
                    }
                }));
            }
            self.coder.push(&self.planes)?;
            self.frames += frames as u64;
            done += frames;
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When the disk or the codec refuses, or when there are no frames, which no codec can say; nothing is then left
    /// behind.
    pub fn finish(self) -> Result<Written, FileError> {
        let Encoder { coder, frames, not_finite, spec, .. } = self;
        let pending = coder.finish()?;
        let path = pending.target().to_owned();
        if frames == 0 {
            let what = format!("{} cannot hold 0 frames; write WAV", spec.codec.name());
            return Err(FileError::unsupported(&path, what));
        }
        pending.commit()?;
        Ok(Written { path, frames, clipped: 0, not_finite })
    }
}

fn coder(path: &Path, spec: &EncodeSpec) -> Result<Box<dyn Coder>, FileError> {
    let absent = || {
        let feature = spec.codec.feature().unwrap_or_default();
        FileError::unsupported(
            path,
            format!(
                "this build writes no {}: its encoder's licence keeps it out of the usual build; build with \
                 `cargo install --path crates/cli --features {feature}`",
                spec.codec.name()
            ),
        )
    };
    match spec.codec {
        #[cfg(feature = "mp3")]
        Codec::Mp3 => Ok(Box::new(mp3::Mp3::create(path, spec)?)),
        #[cfg(feature = "aac")]
        Codec::Aac => Ok(Box::new(aac::Aac::create(path, spec)?)),
        Codec::Vorbis => Ok(Box::new(vorbis::Vorbis::create(path, spec)?)),
        Codec::Opus => Ok(Box::new(opus::Opus::create(path, spec)?)),
        #[allow(unreachable_patterns)]
        _ => Err(absent()),
    }
}

fn check(path: &Path, spec: &EncodeSpec) -> Result<(), FileError> {
    let name = spec.codec.name();
    let refuse = |what: String| Err(FileError::unsupported(path, what));
    if !(1..=2).contains(&spec.channels) {
        return refuse(format!("{name} is written in mono and stereo, not with {} channels", spec.channels));
    }
    let rates = spec.codec.sample_rates_hz();
    if !rates.contains(&spec.sample_rate_hz) {
        let rates: Vec<String> = rates.iter().map(u32::to_string).collect();
        return refuse(format!(
            "{name} is written at {} Hz, not at {}",
            rates.join(", "),
            spec.sample_rate_hz
        ));
    }
    let [lowest, _, highest] = spec.codec.bit_rates_kbps();
    let share = if spec.channels == 1 { 2 } else { 1 };
    let (lowest, highest) =
        (lowest / share, if spec.codec == Codec::Mp3 { highest } else { highest / share });
    let kbps = spec.bit_rate_kbps();
    if !(lowest..=highest).contains(&kbps) {
        return refuse(format!("{name} is written with {lowest} to {highest} kbit/s here, not with {kbps}"));
    }
    Ok(())
}

/// An error of a codec, as one of ours.
fn refused(path: &Path, codec: Codec, why: impl std::fmt::Display) -> FileError {
    FileError::unsupported(path, format!("cannot be encoded as {}: {why}", codec.name()))
}
