//! The frames of a FLAC file, at the speed of reading.
//!
//! The library's demuxer copies each frame and sums its check byte after byte, which is a sixth of the time that decoding
//! takes. Here frames are cut out where one follows another, each with a header that fits the stream, the time that is expected and a
//! check that is right. At the first that is otherwise the library goes on, from some frames before: what is
//! damaged is its own matter.

mod header;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};

use crc::{CRC_16_UMTS, Crc, Table};
use symphonia::core::errors::{Error, Result, SeekErrorKind, seek_error};
use symphonia::core::formats::{
    FormatInfo, FormatOptions, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track,
};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::core::meta::Metadata;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::formats::FlacReader;

use super::decoded::audio_params;
use super::flac_record;
use header::{Head, LONGEST, StreamInfo, next_sync};

/// The check of a whole frame, with its own two bytes (RFC 9639 section 9.3): zero where it is right.
static CHECK: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_UMTS);

/// Bytes that are read at a time: some frames, and less than a core's own cache.
const READ_BYTES: usize = 1 << 17;
/// A frame that is longer is the library's: 65,535 frames of eight channels with 32 bits are no more.
const MOST_BYTES: usize = 1 << 21;
/// Frames that the library hears again before it goes on: it knows false headers by the length of the frames before.
const HEARD_AGAIN: usize = 8;

/// Frames that follow one another.
struct Frames {
    file: File,
    stream: StreamInfo,
    /// What was read and is not yet given away stands from `at` to `end` in `kept`, whose first byte is byte `byte` of the file.
    kept: Vec<u8>,
    at: usize,
    end: usize,
    byte: u64,
    ends: bool,
    /// The time that is expected next; `None` before the first frame.
    time: Option<u64>,
    /// The byte of each of the last frames.
    last: VecDeque<u64>,
}

/// What comes next.
enum Next {
    Frame(Head, usize),
    End,
    /// Something else than a frame that can be trusted.
    Other,
}

/// Who cuts out the frames.
enum Way {
    /// Nothing has been read yet.
    Begin,
    Ours(Frames),
    /// The library, from where it was opened.
    Library,
    /// The library, opened again in the middle; what begins before a time was given away already.
    Rest(Box<dyn FormatReader>, u64),
    /// No one: the library found nothing where it was opened again.
    Over,
}

/// A demuxer in the place of the library's own.
pub(super) struct FlacFrames {
    /// Says what the stream is, seeks, and reads from there on.
    inner: Box<dyn FormatReader>,
    file: Option<File>,
    /// The byte at which the stream begins.
    start: u64,
    way: Way,
}

impl FlacFrames {
    /// The frames of `file`, whose stream begins at byte `start`, and which `inner` has opened as well and not yet read from.
    pub(super) fn new(inner: Box<dyn FormatReader>, file: File, start: u64) -> FlacFrames {
        FlacFrames { inner, file: Some(file), start, way: Way::Begin }
    }

    fn stream_info(&self) -> Option<&[u8]> {
        audio_params(self.inner.tracks().first()?)?.extra_data.as_deref()
    }

    /// Finds the first frame; where there is none the library says why.
    fn begin(&mut self) -> Result<Way> {
        let (file, stream) = (self.file.take(), self.stream_info().and_then(StreamInfo::parse));
        let Some((mut file, stream)) = file.zip(stream) else { return Ok(Way::Library) };
        let Some(byte) = flac_record::end_of_metadata(&mut file, self.start)? else {
            return Ok(Way::Library);
        };
        file.seek(SeekFrom::Start(byte))?;
        let (kept, last) = (Vec::new(), VecDeque::with_capacity(HEARD_AGAIN));
        Ok(Way::Ours(Frames { file, stream, kept, at: 0, end: 0, byte, ends: false, time: None, last }))
    }

    /// The library from some frames before the place of `frames` on.
    fn go_on(&self, frames: Frames) -> Result<Way> {
        let Some((time, info)) = frames.time.zip(self.stream_info()) else { return Ok(Way::Library) };
        let from = frames.last.front().copied().unwrap_or(frames.byte + frames.at as u64);
        // The stream as it would be if it began there: the marker, and its first block as the last one.
        let head = [&b"fLaC\x80\0\0"[..], &[info.len() as u8], info].concat();
        let mut file = frames.file;
        file.seek(SeekFrom::Start(from))?;
        let source = ReadOnlySource::new(Cursor::new(head).chain(file));
        let source = MediaSourceStream::new(Box::new(source), Default::default());
        let rest = FlacReader::try_new(source, FormatOptions::default())?;
        Ok(Way::Rest(Box::new(rest), time))
    }
}

impl Frames {
    /// What is at hand.
    fn left(&self) -> &[u8] {
        &self.kept[self.at..self.end]
    }

    /// Reads on, so that more is at hand; what was given away is forgotten.
    fn read_on(&mut self) -> io::Result<()> {
        self.kept.copy_within(self.at..self.end, 0);
        self.byte += self.at as u64;
        (self.at, self.end) = (0, self.end - self.at);
        let wanted = self.end + READ_BYTES;
        if self.kept.len() < wanted {
            self.kept.resize(wanted, 0);
        }
        while self.end < wanted && !self.ends {
            match self.file.read(&mut self.kept[self.end..wanted]) {
                Ok(read) => {
                    self.end += read;
                    self.ends = read == 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next frame and its length in bytes; its bytes are at hand.
    fn next(&mut self) -> io::Result<Next> {
        if self.left().len() < LONGEST && !self.ends {
            self.read_on()?;
        }
        if self.left().is_empty() {
            return Ok(Next::End);
        }
        let head = Head::parse(self.left(), &self.stream);
        let Some(head) = head.filter(|head| self.time.is_none_or(|time| time == head.time)) else {
            return Ok(Next::Other);
        };
        let mut looked = 1;
        let length = loop {
            let left = self.left();
            match next_sync(left, looked) {
                // A header may go on in what is read next.
                Some(length) if left.len() >= length + LONGEST || self.ends => {
                    if Head::parse(&left[length..], &self.stream).is_some() {
                        break length;
                    }
                    looked = length + 1;
                }
                None if self.ends => break left.len(),
                found => {
                    looked = found.unwrap_or(left.len() - 1);
                    if looked > MOST_BYTES {
                        return Ok(Next::Other);
                    }
                    self.read_on()?;
                }
            }
        };
        let right = CHECK.checksum(&self.left()[..length]) == 0;
        Ok(if right { Next::Frame(head, length) } else { Next::Other })
    }

    /// Goes past a frame and gives its bytes.
    fn take(&mut self, head: Head, length: usize) -> &[u8] {
        self.time = Some(head.time + u64::from(head.frames));
        if self.last.len() == HEARD_AGAIN {
            self.last.pop_front();
        }
        self.last.push_back(self.byte + self.at as u64);
        self.at += length;
        &self.kept[self.at - length..self.at]
    }
}

impl FormatReader for FlacFrames {
    fn format_info(&self) -> &FormatInfo {
        self.inner.format_info()
    }

    fn media_info(&self) -> &MediaInfo {
        self.inner.media_info()
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.inner.metadata()
    }

    fn tracks(&self) -> &[Track] {
        self.inner.tracks()
    }

    fn seek(&mut self, mode: SeekMode, to: SeekTo) -> Result<SeekedTo> {
        // What was opened in the middle cannot stand anywhere else.
        if matches!(self.way, Way::Rest(..) | Way::Over) {
            return seek_error(SeekErrorKind::Unseekable);
        }
        self.way = Way::Library;
        self.inner.seek(mode, to)
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            match &mut self.way {
                Way::Begin => self.way = self.begin()?,
                Way::Over => return Ok(None),
                Way::Library => return self.inner.next_packet(),
                Way::Rest(rest, from) => match rest.next_packet()? {
                    Some(packet) if packet.pts.get().unsigned_abs() < *from => {}
                    other => return Ok(other),
                },
                Way::Ours(frames) => match frames.next()? {
                    Next::Frame(head, length) => {
                        let time = Timestamp::new(head.time as i64);
                        let duration = Duration::from(u64::from(head.frames));
                        let bytes = frames.take(head, length);
                        return Ok(Some(Packet::new(0, time, duration, bytes)));
                    }
                    Next::End => {
                        // The library says so as well where the file ends early.
                        let early = frames.time.is_some_and(|time| time < frames.stream.frames);
                        return if early {
                            Err(Error::IoError(ErrorKind::UnexpectedEof.into()))
                        } else {
                            Ok(None)
                        };
                    }
                    Next::Other => {
                        let Way::Ours(frames) = std::mem::replace(&mut self.way, Way::Over) else {
                            continue;
                        };
                        self.way = self.go_on(frames)?;
                    }
                },
            }
        }
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.inner.into_inner()
    }
}
