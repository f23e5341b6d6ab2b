//! Streams that are nothing but frames one after another (MPEG audio, AAC in ADTS): nothing in them says what
//! time it is. Whoever skips what is damaged plays the rest early. So the whole stream is surveyed once: where its
//! frames lie, where there are gaps, and how many frames each gap held.

mod adts;
pub(super) mod mpeg;
mod rates;
mod survey;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use symphonia::core::errors::{Result, SeekErrorKind, seek_error};
use symphonia::core::formats::{FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::Metadata;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

pub use rates::mpeg_bit_rates_kbps;
pub(super) use survey::Survey;

/// What a frame's header says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    /// Length with its header.
    bytes: usize,
    /// Bytes that the decoder does not want.
    skipped: usize,
    /// Frames of sound in it.
    frames: u32,
    /// Of a constant bit rate all frames have the same.
    class: usize,
}

/// How the frames of a stream look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Mpeg(mpeg::Header),
    Adts(adts::Shape),
}

/// Longer than any frame: ADTS has 13 bits for it.
const LONGEST_FRAME: usize = 8192;

impl Framing {
    fn of(bytes: &[u8], adts: bool) -> Option<Framing> {
        if adts {
            adts::parse(bytes).map(|(shape, _)| Framing::Adts(shape))
        } else {
            mpeg::Header::parse(bytes).map(Framing::Mpeg)
        }
    }

    /// What the header at the start of `bytes` says, when it is one of this stream.
    fn head(&self, bytes: &[u8]) -> Option<Head> {
        match self {
            Framing::Mpeg(first) => mpeg::Header::parse(bytes).filter(|h| h.is_like(first)).map(|h| h.head()),
            Framing::Adts(first) => adts::parse(bytes).filter(|(shape, _)| shape == first).map(|(_, h)| h),
        }
    }
}

/// A file, of which a part is kept at hand.
#[derive(Debug)]
struct Window {
    file: File,
    start: u64,
    kept: Vec<u8>,
    /// What is kept reaches to the end of the file.
    ends: bool,
}

impl Window {
    const BYTES: u64 = 1 << 17;

    fn new(file: File) -> Window {
        Window { file, start: 0, kept: Vec::new(), ends: false }
    }

    /// The first bytes of what may begin at `at`, at most 32: a look ahead, however far, that does not give up what is
    /// kept. Files may be made of nothing but words that point somewhere else.
    fn peek(&mut self, at: u64) -> io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        let end = self.start + self.kept.len() as u64;
        if at >= self.start && at.saturating_add(32) <= end {
            bytes.copy_from_slice(&self.kept[(at - self.start) as usize..][..32]);
            return Ok(bytes);
        }
        self.file.seek(SeekFrom::Start(at))?;
        let mut left = &mut bytes[..];
        while !left.is_empty() {
            match self.file.read(left)? {
                0 => break,
                read => left = &mut left[read..],
            }
        }
        Ok(bytes)
    }

    /// `length` bytes from `at` on, at most [`LONGEST_FRAME`]; fewer only at the end of the file.
    fn at(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        let end = self.start + self.kept.len() as u64;
        let inside = (self.start..=end).contains(&at) && !self.kept.is_empty();
        if !inside || (at + length as u64 > end && !self.ends) {
            self.kept.clear();
            self.start = at;
            self.file.seek(SeekFrom::Start(at))?;
            let read = (&mut self.file).take(Window::BYTES).read_to_end(&mut self.kept)?;
            self.ends = (read as u64) < Window::BYTES;
        }
        let kept = &self.kept[(at - self.start) as usize..];
        Ok(&kept[..kept.len().min(length)])
    }
}

/// The frames of a surveyed stream, in the place of a demuxer that only counts what it finds.
pub(super) struct Framed {
    /// Says what the stream is.
    inner: Box<dyn FormatReader>,
    window: Window,
    survey: Arc<Survey>,
    /// The run that the next frame is in, its byte and its time.
    run: usize,
    byte: u64,
    time: i64,
}

impl Framed {
    /// The frames that `survey` found in `file`, which `inner` has opened as well.
    pub(super) fn new(inner: Box<dyn FormatReader>, file: File, survey: Arc<Survey>) -> Framed {
        let mut framed = Framed { inner, window: Window::new(file), survey, run: 0, byte: 0, time: 0 };
        framed.enter(0);
        framed
    }

    fn enter(&mut self, run: usize) {
        self.run = run;
        if let Some(run) = self.survey.runs.get(run) {
            (self.byte, self.time) = (run.start, run.time);
        }
    }
}

impl FormatReader for Framed {
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

    fn seek(&mut self, _: SeekMode, to: SeekTo) -> Result<SeekedTo> {
        let SeekTo::Timestamp { ts, track_id } = to else {
            return seek_error(SeekErrorKind::Unseekable);
        };
        let Some(mark) = self.survey.mark_before(ts.get()) else {
            return seek_error(SeekErrorKind::OutOfRange);
        };
        (self.run, self.byte, self.time) = (mark.run, mark.byte, mark.time);
        Ok(SeekedTo { track_id, required_ts: ts, actual_ts: Timestamp::new(mark.time) })
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            let Some(run) = self.survey.runs.get(self.run) else { return Ok(None) };
            if self.byte >= run.end {
                self.enter(self.run + 1);
                continue;
            }
            let left = usize::try_from(run.end - self.byte).unwrap_or(LONGEST_FRAME).min(LONGEST_FRAME);
            let framing = self.survey.framing;
            let bytes = self.window.at(self.byte, left)?;
            let frame =
                framing.head(bytes).and_then(|head| Some((head, bytes.get(head.skipped..head.bytes)?)));
            let Some((head, frame)) = frame else {
                // The file has changed since it was surveyed.
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            };
            let (time, duration) = (Timestamp::new(self.time), Duration::from(u64::from(head.frames)));
            let track = self.inner.tracks().first().map_or(0, |t| t.id);
            let packet = Packet::new(track, time, duration, frame);
            self.byte += head.bytes as u64;
            self.time += i64::from(head.frames);
            return Ok(Some(packet));
        }
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.inner.into_inner()
    }
}
