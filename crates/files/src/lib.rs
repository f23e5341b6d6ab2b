//! Audio files in and out: reading that loses nothing, writing that is whole or absent.
//!
//! [`open`] tells a file by its content, not by its name, and gives a [`Reader`]: blocks of `f64` from any
//! frame on, in bounded memory. An integer sample of `b` bits becomes exactly `value / 2^(b-1)`, so that
//! writing it again at the same depth gives the same bits. Encoder delay is removed where the file states it:
//! what stood at frame `n` when the file was made is read at frame `n`. What had to be mended on the way is
//! told in [`Info::notes`].
//!
//! [`Writer`] writes WAV (RF64 when it grows past 4 GiB), AIFF, FLAC and ALAC, [`Encoder`] what loses something, into a
//! temporary file beside the target, which takes the target's name only when it is complete.
//!
//! ```
//! # fn main() -> Result<(), files::FileError> {
//! use audio::Buffer;
//! use files::{FileType, SampleFormat, WriteSpec, Writer};
//!
//! let folder = tempfile::tempdir().expect("a temporary folder");
//! let path = folder.path().join("tone.wav");
//! let tone: Vec<f64> = (0..480).map(|n| (n as f64 * 0.13).sin() * 0.5).collect();
//! let spec = WriteSpec {
//!     file_type: FileType::Wav,
//!     sample_format: SampleFormat::Float64,
//!     sample_rate_hz: 48_000,
//!     channels: 1,
//! };
//! let mut writer = Writer::create(&path, spec)?;
//! writer.write_f64(&Buffer::from_channels(&[tone.clone()]).as_block())?;
//! writer.finish()?;
//!
//! let mut reader = files::open(&path)?;
//! let mut last_half = Buffer::new(1, 240);
//! reader.seek(240)?;
//! assert_eq!(reader.read(&mut last_half.as_block_mut())?, 240);
//! assert_eq!(last_half.channel(0), &tone[240..]);
//! # Ok(())
//! # }
//! ```
//!
//! This crate never decides about sound and never changes it: it repairs only what cannot be played at all
//! (samples that are not numbers, sizes that are not true), and says so.

mod atomic;
mod encode;
mod error;
mod folder;
mod hash;
mod info;
mod note;
mod read;
mod stamp;
mod system;
mod tags;
mod write;

pub use atomic::{PendingFile, Workshop, atomic_write, sweep};
pub use encode::{Codec, EncodeSpec, Encoder};
pub use error::FileError;
pub use folder::{Ignored, Listing, audio_files, natural_order};
pub use hash::{audio_hash, decoded_hash};
pub use info::{Broadcast, Encoding, Format, Info};
pub use note::{Note, Place, Places};
pub use read::{Reader, mpeg_bit_rates_kbps, open, probe, silence_decoder_panics};
pub use stamp::Stamp;
pub use system::{free_space, open_files_limit, raise_open_files_limit};
pub use tags::{Cover, Loudness, Tags, plain_integers, read_broadcast_loudness, read_tags, write_tags};
pub use write::{FileType, Patch, SampleFormat, WriteSpec, Writer, Written};

/// The lowest sample rate that is read or written, in hertz: telephone speech.
pub const MIN_SAMPLE_RATE_HZ: u32 = 8_000;

/// The highest sample rate that is read or written, in hertz: 16 times 48 kHz.
pub const MAX_SAMPLE_RATE_HZ: u32 = 768_000;

/// The most channels that are read or written.
pub const MAX_CHANNELS: usize = 64;
