//! Writing: one [`Writer`] over every format.
//!
//! Samples are rounded to the nearest step, halves to the even one, and clipped at the ends of the scale.
//! No dither is added here: a signal that is on the grid is written bit for bit, and one that is not should
//! have been dithered before.

mod aiff;
mod alac;
mod bits;
mod flac;
mod golomb;
pub(crate) mod mp4;
mod pack;
mod patch;
mod wav;

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use audio::BlockRef;

use crate::atomic::PendingFile;
use crate::error::FileError;
use crate::tags::Tags;
use crate::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

use pack::{Order, Quantised};

pub use patch::Patch;

/// A kind of file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// WAV; becomes RF64 (EBU Tech 3306) when it grows past 4 GiB.
    Wav,
    /// AIFF for integers, AIFF-C for floating point; up to 4 GiB.
    Aiff,
    /// FLAC, 16 or 24 bits, up to 8 channels.
    Flac,
    /// Apple Lossless in MPEG-4, 16 or 24 bits, mono or stereo.
    Alac,
}

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// 8-bit integer.
    Int8,
    /// 16-bit integer.
    Int16,
    /// 24-bit integer.
    Int24,
    /// 32-bit integer.
    Int32,
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float64,
}

impl SampleFormat {
    /// Bits of one sample.
    pub fn bits(self) -> u32 {
        match self {
            SampleFormat::Int8 => 8,
            SampleFormat::Int16 => 16,
            SampleFormat::Int24 => 24,
            SampleFormat::Int32 | SampleFormat::Float32 => 32,
            SampleFormat::Float64 => 64,
        }
    }

    /// Whether samples are floating point.
    pub fn is_float(self) -> bool {
        matches!(self, SampleFormat::Float32 | SampleFormat::Float64)
    }
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WriteSpec {
    /// The kind of file.
    pub file_type: FileType,
    /// How samples are stored.
    pub sample_format: SampleFormat,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// Channels of every frame.
    pub channels: usize,
}

impl WriteSpec {
    fn frame_bytes(&self) -> usize {
        self.channels * (self.sample_format.bits() / 8) as usize
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The finished file.
    pub path: PathBuf,
    /// Length in frames.
    pub frames: u64,
    /// Samples that were beyond full scale of an integer format and were clipped, all channels together.
    pub clipped: u64,
    /// Samples that were not finite and were written as zero, all channels together.
    pub not_finite: u64,
}

/// Writes one audio file. It stands under its name only after [`Writer::finish`]; a writer that is dropped
/// before leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    spec: WriteSpec,
    sink: Sink,
    frames: u64,
    quantised: Quantised,
    bytes: Vec<u8>,
    clipped: u64,
    not_finite: u64,
    rf64_above: u64,
    /// Bytes of a chunk in front of the sound of a WAV file that is to be tagged; 0 without.
    room: usize,
}

#[derive(Debug)]
enum Sink {
    Bytes(PendingFile),
    Flac(Box<flac::FlacSink>),
    Alac(Box<alac::AlacSink>),
}

/// Frames that are packed at a time.
const PIECE_FRAMES: usize = 4096;

impl Writer {
    /// Starts a file at `path`, whose folder must exist. A file that stands there is replaced at `finish`.
    ///
    /// # Errors
    /// [`FileError::Unsupported`] when the format cannot hold such samples; [`FileError::Io`]
    /// when there is no such folder or it cannot be written to.
    pub fn create(path: impl AsRef<Path>, spec: WriteSpec) -> Result<Writer, FileError> {
        Writer::with_rf64_above(path.as_ref(), spec, u64::from(u32::MAX), 0)
    }

    /// As [`Writer::create`] for a WAV file, with room for the tags that it gets by [`Writer::finish_tagged`].
    ///
    /// # Errors
    /// As [`Writer::create`]; [`FileError::Unsupported`] for other kinds of file.
    pub fn create_to_be_tagged(path: impl AsRef<Path>, spec: WriteSpec) -> Result<Writer, FileError> {
        let path = path.as_ref();
        if spec.file_type != FileType::Wav {
            return Err(FileError::unsupported(path, "gets its tags once it is written".to_string()));
        }
        Writer::with_rf64_above(path, spec, u64::from(u32::MAX), crate::tags::room(&spec))
    }

    /// As `create`; a WAV file longer than `rf64_above` bytes becomes RF64, and has a chunk of `room` bytes before its sound.
    fn with_rf64_above(
        path: &Path,
        spec: WriteSpec,
        rf64_above: u64,
        room: usize,
    ) -> Result<Writer, FileError> {
        check(path, &spec)?;
        let mut pending = PendingFile::create(path)?;
        let sink = match spec.file_type {
            FileType::Flac => Sink::Flac(Box::new(flac::FlacSink::create(pending, &spec)?)),
            FileType::Alac => Sink::Alac(Box::new(alac::AlacSink::create(pending, &spec)?)),
            FileType::Wav | FileType::Aiff => {
                let header = header(&spec, 0, rf64_above, room);
                pending.file().write_all(&header).map_err(|e| FileError::io(path, "write to it", e))?;
                Sink::Bytes(pending)
            }
        };
        Ok(Writer {
            spec,
            sink,
            frames: 0,
            quantised: Quantised::new(spec.channels, PIECE_FRAMES),
            bytes: Vec::with_capacity(PIECE_FRAMES * spec.frame_bytes()),
            clipped: 0,
            not_finite: 0,
            rf64_above,
            room,
        })
    }

    /// What is being written.
    pub fn spec(&self) -> &WriteSpec {
        &self.spec
    }

    /// Appends a block (channels x frames), 1.0 being full scale. For an integer format of `b` bits each sample
    /// is multiplied by `2^(b-1)`, rounded to the nearest integer (halves to the even one) and clipped; for
    /// 32-bit float it is rounded to the nearest. Samples that are not finite become zero.
    ///
    /// # Errors
    /// When the disk refuses or the format is full.
    ///
    /// # Panics
    /// When the block has another number of channels than the file.
    pub fn write_f64(&mut self, block: &BlockRef) -> Result<(), FileError> {
        assert_eq!(block.channels(), self.spec.channels, "a block with the channels of the file");
        let mut done = 0;
        while done < block.frames() {
            let frames = (block.frames() - done).min(PIECE_FRAMES);
            let piece = block.range(done, frames);
            if self.spec.sample_format.is_float() {
                self.not_finite += pack::pack_floats(&piece, &self.spec, &mut self.bytes);
                self.write_bytes()?;
            } else {
                let (clipped, not_finite) = self.quantised.take_f64(&piece, self.spec.sample_format.bits());
                self.clipped += clipped;
                self.not_finite += not_finite;
                self.write_quantised()?;
            }
            self.frames += frames as u64;
            done += frames;
        }
        Ok(())
    }

    /// Appends samples that are already integers of the file's depth, one slice a channel, all of one length.
    /// Values beyond full scale are clipped. For a float format the integers are taken as 32-bit: divided by
    /// `2^31`.
    ///
    /// # Errors
    /// When the disk refuses or the format is full.
    ///
    /// # Panics
    /// When there are not as many slices as channels, or they differ in length.
    pub fn write_i32(&mut self, channels: &[&[i32]]) -> Result<(), FileError> {
        assert_eq!(channels.len(), self.spec.channels, "one slice for each channel of the file");
        let all = channels.first().map_or(0, |c| c.len());
        assert!(channels.iter().all(|c| c.len() == all), "channels of one length");
        let mut done = 0;
        while done < all {
            let frames = (all - done).min(PIECE_FRAMES);
            if self.spec.sample_format.is_float() {
                let planes: Vec<Vec<f64>> = channels
                    .iter()
                    .map(|c| c[done..done + frames].iter().map(|s| f64::from(*s) / 2_147_483_648.0).collect())
                    .collect();
                self.write_f64(&audio::Buffer::from_channels(&planes).as_block())?;
            } else {
                let bits = self.spec.sample_format.bits();
                self.clipped += self.quantised.take_i32(channels, done, frames, bits);
                self.write_quantised()?;
                self.frames += frames as u64;
            }
            done += frames;
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When the disk refuses, or when a FLAC or ALAC file has no frames, which those formats cannot say; nothing is then
    /// left behind.
    pub fn finish(self) -> Result<Written, FileError> {
        self.completed(None, PendingFile::commit)
    }

    /// The same with tags, for a file that [`Writer::create_to_be_tagged`] began: it has the bytes that
    /// [`write_tags`](crate::write_tags) would leave, which are read back and compared.
    ///
    /// # Errors
    /// As [`Writer::finish`], and when the tags do not read back.
    ///
    /// # Panics
    /// When the file was begun otherwise.
    pub fn finish_tagged(self, tags: &Tags) -> Result<Written, FileError> {
        assert!(self.room > 0, "a file with room for tags");
        if let Sink::Bytes(pending) = &self.sink {
            crate::tags::check(pending.target(), tags)?;
        }
        let written = self.completed(Some(tags), PendingFile::commit)?;
        crate::tags::read_back(&written.path, tags)?;
        Ok(written)
    }

    /// The same without waiting for the disk: for working files, which can be made again.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub fn finish_unsynced(self) -> Result<Written, FileError> {
        self.completed(None, PendingFile::commit_unsynced)
    }

    fn completed(
        self,
        tags: Option<&Tags>,
        commit: impl FnOnce(PendingFile) -> Result<(), FileError>,
    ) -> Result<Written, FileError> {
        let Writer { spec, sink, frames, clipped, not_finite, rf64_above, room, .. } = self;
        let pending = match sink {
            Sink::Flac(sink) => sink.finish()?,
            Sink::Alac(sink) => sink.finish()?,
            Sink::Bytes(mut pending) => {
                let target = pending.target().to_owned();
                let failed = |e| FileError::io(&target, "write to it", e);
                let data_bytes = frames * spec.frame_bytes() as u64;
                let file = pending.file();
                if data_bytes % 2 == 1 {
                    file.write_all(&[0]).map_err(failed)?;
                }
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                file.write_all(&header(&spec, frames, rf64_above, room)).map_err(failed)?;
                if let Some(tags) = tags {
                    crate::tags::fill(file, tags, &spec, frames).map_err(failed)?;
                }
                pending
            }
        };
        let path = pending.target().to_owned();
        commit(pending)?;
        Ok(Written { path, frames, clipped, not_finite })
    }

    /// Hands the quantised piece to the format.
    fn write_quantised(&mut self) -> Result<(), FileError> {
        match &mut self.sink {
            Sink::Flac(sink) => return sink.write(self.quantised.planes()),
            Sink::Alac(sink) => return sink.write(self.quantised.planes()),
            Sink::Bytes(_) => {}
        }
        let order = match self.spec.file_type {
            FileType::Wav => Order::Little,
            _ => Order::Big,
        };
        // WAV alone stores eight bits without a sign.
        let unsigned = self.spec.file_type == FileType::Wav && self.spec.sample_format == SampleFormat::Int8;
        self.quantised.pack(self.spec.sample_format.bits(), order, unsigned, &mut self.bytes);
        self.write_bytes()
    }

    fn write_bytes(&mut self) -> Result<(), FileError> {
        let Sink::Bytes(pending) = &mut self.sink else { return Ok(()) };
        let so_far = self.frames * self.spec.frame_bytes() as u64 + self.bytes.len() as u64;
        if self.spec.file_type == FileType::Aiff && so_far > aiff::MOST_BYTES {
            let frames = so_far / self.spec.frame_bytes() as u64;
            let path = pending.target().to_owned();
            return Err(FileError::TooLong { path, frames, limit: "an AIFF file's 4 GiB" });
        }
        let written = pending.file().write_all(&self.bytes);
        written.map_err(|e| FileError::io(pending.target(), "write to it", e))
    }
}

fn header(spec: &WriteSpec, frames: u64, rf64_above: u64, room: usize) -> Vec<u8> {
    match spec.file_type {
        FileType::Aiff => aiff::header(spec, frames),
        _ => wav::header(spec, frames, rf64_above, room),
    }
}

fn check(path: &Path, spec: &WriteSpec) -> Result<(), FileError> {
    let refuse = |what: String| Err(FileError::unsupported(path, what));
    if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&spec.sample_rate_hz) {
        return refuse(format!(
            "cannot be written at {} Hz; {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz are possible",
            spec.sample_rate_hz
        ));
    }
    let most = match spec.file_type {
        FileType::Flac => 8,
        FileType::Alac => 2,
        FileType::Wav | FileType::Aiff => MAX_CHANNELS,
    };
    if spec.channels == 0 || spec.channels > most {
        return refuse(format!(
            "cannot be written with {} channels; 1 to {most} are possible",
            spec.channels
        ));
    }
    let compressed = match spec.file_type {
        FileType::Flac => Some("FLAC"),
        FileType::Alac => Some("ALAC"),
        FileType::Wav | FileType::Aiff => None,
    };
    let fits = matches!(spec.sample_format, SampleFormat::Int16 | SampleFormat::Int24);
    if let Some(name) = compressed.filter(|_| !fits) {
        return refuse(format!("{name} is written with 16 or 24 bits; choose one of them, or WAV"));
    }
    if spec.file_type == FileType::Flac {
        // RFC 9639 has 20 bits for the rate, but before it, and in many decoders, this was the most.
        if spec.sample_rate_hz > 655_350 {
            return refuse("FLAC is written up to 655350 Hz; write WAV".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
