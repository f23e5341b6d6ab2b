//! Reading: one [`Reader`] over every format.

mod aiff;
mod au;
mod broadcast;
mod caf;
mod chunk;
mod codec;
mod decoded;
mod flac_frames;
mod flac_record;
mod framed;
mod matroska;
mod mp4;
mod ogg;
mod ogg_gaps;
mod opus;
mod panics;
mod pcm;
mod sniff;
mod w64;
mod wav;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use audio::{Block, Buffer, Frames};

use crate::error::FileError;
use crate::info::{Encoding, Format, Info};
use crate::note::{Note, Places};
use crate::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

pub use framed::mpeg_bit_rates_kbps;
pub(crate) use panics::guarded;
pub use panics::silence_decoder_panics;
pub(crate) use sniff::{Kind, sniff};

/// The largest sample that is passed on: +60 dBFS. Nothing a converter or a plug-in makes on purpose is louder.
const LARGEST_SAMPLE: f64 = 1000.0;

/// Something that gives frames in order and can stand at any of them.
trait Source: Send {
    /// Fills the block from the current frame on; fewer frames only at the end.
    fn read(&mut self, block: &mut Block) -> Result<Frames, FileError>;
    /// Stands at `frame`, which is at most the length.
    fn seek(&mut self, frame: u64) -> Result<(), FileError>;
    /// What was found wrong while reading since the last call.
    fn take_notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

/// An open audio file: gives blocks of `f64`, where 1.0 is full scale, from any frame on.
///
/// It streams: memory does not grow with the length of the file. It may be moved to another thread.
pub struct Reader {
    path: PathBuf,
    info: Info,
    /// `None` when a decoder in it has panicked.
    source: Option<Box<dyn Source>>,
    position: Frames,
    /// Frames before this one have been looked at, and are not counted again in the notes.
    seen: Frames,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).field("info", &self.info).finish_non_exhaustive()
    }
}

/// Opens an audio file of any format that is read. The content decides; the extension is only a hint.
///
/// # Errors
/// [`FileError::NotFound`], [`FileError::NotAFile`], [`FileError::NotAudio`], [`FileError::Unsupported`],
/// [`FileError::Damaged`], [`FileError::Empty`] or [`FileError::Io`].
pub fn open(path: impl AsRef<Path>) -> Result<Reader, FileError> {
    let path = path.as_ref();
    guarded(|| open_it(path)).unwrap_or_else(|panic| Err(gave_up(path, "the header".to_owned(), &panic)))
}

fn open_it(path: &Path) -> Result<Reader, FileError> {
    let (file, bytes) = open_regular_file(path)?;
    let mut head = Vec::new();
    (&file).take(4096).read_to_end(&mut head).map_err(|e| FileError::io(path, "read it", e))?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    // A tag in front hides the format behind it, and may be larger than what was read.
    let tag = sniff::id3_length(&head).filter(|tag| *tag < bytes);
    if let Some(tag) = tag {
        head.clear();
        (&file)
            .seek(SeekFrom::Start(tag))
            .and_then(|_| (&file).take(4096).read_to_end(&mut head))
            .map_err(|e| FileError::io(path, "read it", e))?;
    }
    let format = match sniff(&head, &extension) {
        Kind::Audio(format) => format,
        Kind::NotRead(what) => {
            return Err(FileError::unsupported(
                path,
                format!("{what} is not read; export it as WAV or FLAC"),
            ));
        }
        Kind::NotAudio(looks_like) => {
            return Err(FileError::NotAudio { path: path.to_owned(), looks_like: looks_like.to_owned() });
        }
    };
    let start = tag.unwrap_or(0);
    let (info, source): (Info, Box<dyn Source>) = match format {
        Format::Wav | Format::Rifx | Format::Rf64 | Format::Bw64 => wav::open(path, file, bytes)?,
        Format::Wave64 => {
            let (info, source) = w64::open(path, file, bytes)?;
            (info, Box::new(source))
        }
        Format::Au => {
            let (info, source) = au::open(path, file, bytes)?;
            (info, Box::new(source))
        }
        Format::Aiff | Format::Aifc => {
            let (info, source) = aiff::open(path, file, bytes)?;
            (info, Box::new(source))
        }
        _ => {
            let plain = if format == Format::Caf { caf::open_pcm(path, bytes)? } else { None };
            match plain {
                Some((info, source)) => (info, Box::new(source)),
                None => {
                    let (info, source) = decoded::open(path, start, bytes, format)?;
                    (info, Box::new(source))
                }
            }
        }
    };
    let mut reader = Reader { path: path.to_owned(), info, source: Some(source), position: 0, seen: 0 };
    if !extension.is_empty() && !format.extensions().contains(&extension.as_str()) {
        let note = Note::ExtensionMismatch { extension, format: format.name() };
        reader.info.notes.push(note);
    }
    Ok(reader)
}

/// What a file is, without reading its audio. Errors as [`open`].
///
/// # Errors
/// As [`open`].
pub fn probe(path: impl AsRef<Path>) -> Result<Info, FileError> {
    Ok(open(path)?.info.clone())
}

/// What a panic of a decoder is for whoever reads.
fn gave_up(path: &Path, place: String, panic: &str) -> FileError {
    FileError::damaged(path, place, format!("the decoder gave up ({panic})"))
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Reader {
    /// What the file is. Reading may add notes.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The frame that the next `read` begins with.
    pub fn position(&self) -> Frames {
        self.position
    }

    /// Stands at `frame`, exactly. Past the end there is nothing to read.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn seek(&mut self, frame: Frames) -> Result<(), FileError> {
        let frame = frame.min(self.info.frames);
        if frame != self.position {
            self.ask(|source| source.seek(frame as u64))?;
            self.position = frame;
        }
        Ok(())
    }

    /// Fills `block` (channels x frames) from the current frame on and gives the number of frames read, which
    /// is less than the block's only at the end of the file. What is left of the block is set to zero.
    ///
    /// # Errors
    /// When the file can no longer be read.
    ///
    /// # Panics
    /// When the block has another number of channels than the file.
    pub fn read(&mut self, block: &mut Block) -> Result<Frames, FileError> {
        assert_eq!(block.channels(), self.info.channels, "a block with the channels of the file");
        let wanted = block.frames().min(self.info.frames - self.position);
        let (frames, notes) = self.ask(|source| {
            let frames = source.read(&mut block.range_mut(0, wanted))?;
            Ok((frames, source.take_notes()))
        })?;
        let all = block.frames();
        block.range_mut(frames, all - frames).clear();
        if !matches!(self.info.encoding, Encoding::Integer { .. } | Encoding::Lossless { .. }) {
            self.repair(&mut block.range_mut(0, frames));
        }
        for note in notes {
            self.add_note(note);
        }
        self.position += frames;
        self.seen = self.seen.max(self.position);
        Ok(frames)
    }

    /// Reads everything from the current frame to the end into one buffer: for short files and tests, since
    /// memory grows with the length.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn read_to_end(&mut self) -> Result<Buffer, FileError> {
        let mut buffer = Buffer::new(self.info.channels, self.info.frames - self.position);
        self.read(&mut buffer.as_block_mut())?;
        Ok(buffer)
    }

    /// The one place where the source is asked for something: decoders of others may panic on a damaged file. After
    /// that nothing more can be had from it.
    fn ask<T>(&mut self, run: impl FnOnce(&mut dyn Source) -> Result<T, FileError>) -> Result<T, FileError> {
        let place = || format!("{:.3} s", self.position as f64 / f64::from(self.info.sample_rate_hz));
        let Some(source) = &mut self.source else {
            return Err(FileError::damaged(&self.path, place(), "the decoder gave up earlier"));
        };
        match guarded(|| run(source.as_mut())) {
            Ok(result) => result,
            Err(panic) => {
                let error = gave_up(&self.path, place(), &panic);
                self.let_go();
                Err(error)
            }
        }
    }

    /// Drops the source, which may panic as well.
    fn let_go(&mut self) {
        let source = self.source.take();
        let _ = guarded(move || drop(source));
    }

    /// Makes samples that cannot be played harmless: one NaN in a recursive filter ruins the rest of a song.
    fn repair(&mut self, block: &mut Block) {
        // False for NaN as well, and the whole of what a sound file costs here.
        let sound = (0..block.channels())
            .all(|c| block.channel(c).iter().fold(true, |sound, s| sound & (s.abs() <= LARGEST_SAMPLE)));
        if sound {
            return;
        }
        let (mut not_numbers, mut clamped) = (Blemishes::default(), Blemishes::default());
        for n in 0..block.frames() {
            let frame = self.position + n;
            for channel in 0..block.channels() {
                let sample = &mut block.channel_mut(channel)[n];
                if sample.abs() <= LARGEST_SAMPLE {
                    continue;
                }
                let blemishes = if sample.is_finite() { &mut clamped } else { &mut not_numbers };
                *sample = if sample.is_finite() { LARGEST_SAMPLE.copysign(*sample) } else { 0.0 };
                if frame >= self.seen {
                    blemishes.add(frame);
                }
            }
        }
        if let Some((samples, places)) = not_numbers.places(self.info.sample_rate_hz) {
            self.add_note(Note::NotANumber { samples, places });
        }
        if let Some((samples, places)) = clamped.places(self.info.sample_rate_hz) {
            self.add_note(Note::Clamped { samples, places });
        }
    }

    /// Adds a note, or counts it into the one of its kind that is there.
    fn add_note(&mut self, new: Note) {
        for old in &mut self.info.notes {
            match (old, &new) {
                (Note::NotANumber { samples, places }, Note::NotANumber { samples: more, places: new })
                | (Note::Clamped { samples, places }, Note::Clamped { samples: more, places: new }) => {
                    *samples += more;
                    places.add(new.clone());
                    return;
                }
                (Note::Holes { places }, Note::Holes { places: new }) => {
                    if new.first.iter().all(|place| place.frame >= self.seen) {
                        places.add(new.clone());
                    }
                    return;
                }
                _ => {}
            }
        }
        self.info.notes.push(new);
    }
}

/// Samples of one kind that had to be replaced, frame by frame.
#[derive(Default)]
struct Blemishes {
    samples: u64,
    /// First frame and number of frames.
    runs: Vec<(Frames, u64)>,
}

impl Blemishes {
    fn add(&mut self, frame: Frames) {
        self.samples += 1;
        match self.runs.last_mut() {
            Some((first, frames)) if *first + *frames as usize == frame + 1 => {}
            Some((first, frames)) if *first + *frames as usize == frame => *frames += 1,
            _ => self.runs.push((frame, 1)),
        }
    }

    /// Samples and places, when there are any.
    fn places(self, sample_rate_hz: u32) -> Option<(u64, Places)> {
        let mut runs = self.runs.into_iter();
        let (frame, frames) = runs.next()?;
        let mut places = Places::one(frame, frames, sample_rate_hz);
        for (frame, frames) in runs {
            places.add(Places::one(frame, frames, sample_rate_hz));
        }
        Some((self.samples, places))
    }
}

/// Opens a regular file; a pipe would hang, a folder has no bytes.
fn open_regular_file(path: &Path) -> Result<(File, u64), FileError> {
    let metadata = fs::metadata(path).map_err(|e| FileError::io(path, "look at it", e))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(FileError::NotAFile { path: path.to_owned(), what });
    }
    if metadata.len() == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes: 0 });
    }
    let file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    Ok((file, metadata.len()))
}

/// Refuses rates and channel counts that nothing real has, before anything is sized by them.
fn check_shape(path: &Path, place: &str, sample_rate_hz: f64, channels: usize) -> Result<u32, FileError> {
    if sample_rate_hz == 0.0 {
        return Err(FileError::damaged(path, place, "the sample rate is 0 Hz"));
    }
    let range = f64::from(MIN_SAMPLE_RATE_HZ)..=f64::from(MAX_SAMPLE_RATE_HZ);
    if !range.contains(&sample_rate_hz) {
        let what = format!(
            "a sample rate of {sample_rate_hz} Hz is not read; {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz are"
        );
        return Err(FileError::unsupported(path, what));
    }
    if channels == 0 {
        return Err(FileError::damaged(path, place, "the file has 0 channels"));
    }
    if channels > MAX_CHANNELS {
        let what = format!("{channels} channels are not read; up to {MAX_CHANNELS} are");
        return Err(FileError::unsupported(path, what));
    }
    Ok(sample_rate_hz.round() as u32)
}

/// A length that this machine can count.
fn countable(path: &Path, frames: u64) -> Result<Frames, FileError> {
    Frames::try_from(frames)
        .map_err(|_| FileError::unsupported(path, format!("{frames} frames are too many")))
}

#[cfg(test)]
mod tests;
