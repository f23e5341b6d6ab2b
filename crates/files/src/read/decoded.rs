//! Compressed formats, through symphonia: what it demuxes and decodes is put on its frame here.
//!
//! Every decoded packet carries the time of its first frame. Frames are taken by that time, so that encoder
//! delay falls off at the front, a packet that cannot be decoded leaves a hole of its own length, and a seek is
//! exact: it lands earlier, and what comes before the wanted frame is dropped.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use audio::{Block, Frames};
use symphonia::core::codecs::audio::well_known::CODEC_ID_ALAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;
use symphonia::default::formats;

use super::codec::{PREROLL, alac_bits, copy_planes, encoding_of, preroll};
use super::panics::guarded;
use super::{Source, check_shape, countable, mp4, ogg};
use crate::error::FileError;
use crate::info::{Encoding, Format, Info};
use crate::note::Note;

/// Before every time of a stream: where the end of a packet stands when there is none.
const NEVER: i64 = i64::MIN / 4;

/// The part of a file behind a tag.
#[derive(Debug)]
struct Part {
    file: File,
    start: u64,
    /// Its length; of a file that was cut, the length it had, since demuxers give up on boxes that reach past
    /// the end. There is nothing to read there, and they see that in time.
    bytes: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(byte) => SeekFrom::Start(byte.saturating_add(self.start)),
            SeekFrom::End(back) => {
                SeekFrom::Start((self.start + self.bytes).saturating_add_signed(back).max(self.start))
            }
            current => current,
        };
        Ok(self.file.seek(to)?.saturating_sub(self.start))
    }
}

impl MediaSource for Part {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes)
    }
}

/// Where a stream is, and how to begin it again.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    start: u64,
    bytes: u64,
    format: Format,
}

/// A demuxer and a decoder at the beginning of the stream.
struct Stream {
    demuxer: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
}

impl Place {
    /// Only the demuxer for the format that was found is asked: with all of them, damaged files are taken for
    /// something else.
    fn begin(&self) -> Result<Stream, FileError> {
        let mut probe = Probe::default();
        match self.format {
            Format::Flac => probe.register_format::<formats::FlacReader<'_>>(),
            Format::Mpeg => probe.register_format::<formats::MpaReader<'_>>(),
            Format::Ogg => probe.register_format::<formats::OggReader<'_>>(),
            Format::Mp4 => probe.register_format::<formats::IsoMp4Reader<'_>>(),
            Format::Caf => probe.register_format::<formats::CafReader<'_>>(),
            Format::Adts => probe.register_format::<formats::AdtsReader<'_>>(),
            Format::Wav | Format::Rifx | Format::Rf64 | Format::Bw64 | Format::Aiff | Format::Aifc => {}
        }
        let mut file = File::open(&self.path).map_err(|e| FileError::io(&self.path, "open it", e))?;
        let whole = match self.format {
            Format::Mp4 => mp4::stated_bytes(&mut file, self.bytes),
            _ => self.bytes,
        };
        file.seek(SeekFrom::Start(self.start)).map_err(|e| FileError::io(&self.path, "read it", e))?;
        let part = Part { file, start: self.start, bytes: whole - self.start };
        let source = MediaSourceStream::new(Box::new(part), Default::default());
        let probed = self.guard("the header", || {
            probe.probe(&Hint::new(), source, FormatOptions::default(), MetadataOptions::default())
        })?;
        let demuxer = probed.map_err(|e| self.header_error(e))?;
        let track = demuxer.default_track(TrackType::Audio);
        let Some((track, params)) = track.and_then(|t| Some((t.id, audio_params(t)?.clone()))) else {
            return Err(FileError::NotAudio {
                path: self.path.clone(),
                looks_like: format!("{} without a sound track", self.format.name()),
            });
        };
        let options = AudioDecoderOptions::default().gapless(false);
        let made = self
            .guard("the header", || symphonia::default::get_codecs().make_audio_decoder(&params, &options))?;
        let decoder = made.map_err(|e| self.header_error(e))?;
        Ok(Stream { demuxer, decoder, track })
    }

    fn guard<T>(&self, place: &str, run: impl FnOnce() -> T) -> Result<T, FileError> {
        guarded(run)
            .map_err(|panic| FileError::damaged(&self.path, place, format!("the decoder gave up ({panic})")))
    }

    fn header_error(&self, error: Error) -> FileError {
        let name = self.format.name();
        match error {
            Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof && self.format == Format::Mp4 => {
                let what = "the index (moov) is missing: the end of the file is cut off";
                FileError::damaged(&self.path, "the header", what)
            }
            Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
                FileError::damaged(&self.path, "the header", format!("the {name} file ends inside it"))
            }
            Error::IoError(e) => FileError::io(&self.path, "read it", e),
            // The demuxer calls a missing index unsupported; it is what a cut file looks like.
            Error::Unsupported(what) if what.contains("missing") => {
                FileError::damaged(&self.path, "the header", what)
            }
            Error::Unsupported(what) => {
                // What the decoder calls too complex is band replication (SBR) or parametric stereo.
                let what = if what.contains("too complex") { "HE-AAC" } else { what };
                let what = format!("this {name} file is not read ({what}); export it as WAV or FLAC");
                FileError::unsupported(&self.path, what)
            }
            other => FileError::damaged(&self.path, "the header", other.to_string()),
        }
    }
}

fn audio_params(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref()?.audio()
}

/// How the time of a packet is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The container counts in frames.
    Stamps,
    /// The container counts in something else: frames are counted from the beginning.
    Counting,
}

/// Frames of a compressed file.
pub(super) struct DecodedSource {
    place: Place,
    stream: Stream,
    clock: Clock,
    sample_rate_hz: u32,
    /// The stream's time of frame 0.
    origin: i64,
    /// The stream's time of its first frame; anything before is silence by intention.
    first: i64,
    /// Frames to decode ahead of a seek; `None` when everything before has to be.
    preroll: Option<i64>,
    /// The latest time a seek may ask the demuxer for.
    latest_seek: i64,
    position: u64,
    /// The last decoded packet, one vector a channel, and the time of its first frame.
    packet: Vec<Vec<f64>>,
    packet_time: i64,
    /// The time of the next packet when counting.
    counted: i64,
    /// A hole that may still grow: its first frame, and its length.
    hole: Option<(u64, u64)>,
    notes: Vec<Note>,
    /// The demuxer ran into the end of the file where it expected more.
    broke_off: bool,
    broken: bool,
}

/// Opens a compressed file of `bytes`, whose stream begins at byte `start`.
pub(super) fn open(
    path: &Path,
    start: u64,
    bytes: u64,
    format: Format,
) -> Result<(Info, DecodedSource), FileError> {
    let place = Place { path: path.to_owned(), start, bytes, format };
    let stream = place.begin()?;
    let missing = |what: &str| FileError::damaged(path, "the header", format!("it states no {what}"));
    let track = stream.demuxer.tracks().iter().find(|t| t.id == stream.track).cloned();
    let track = track.ok_or_else(|| missing("sound track"))?;
    let params = stream.decoder.codec_params().clone();
    let stated = audio_params(&track).ok_or_else(|| missing("codec"))?;
    let rate = params.sample_rate.or(stated.sample_rate).ok_or_else(|| missing("sample rate"))?;
    let channels = params.channels.as_ref().or(stated.channels.as_ref()).map(|c| c.count());
    let channels = channels.ok_or_else(|| missing("number of channels"))?;
    let sample_rate_hz = check_shape(path, "the header", f64::from(rate), channels)?;
    let bits = params.bits_per_sample.or(stated.bits_per_sample).filter(|b| *b > 0);
    let bits = if stated.codec == CODEC_ID_ALAC { alac_bits(stated) } else { bits };
    let encoding = encoding_of(stated.codec, bits);
    let in_frames = track.time_base.is_some_and(|base| {
        u64::from(base.numer.get()) * u64::from(sample_rate_hz) == u64::from(base.denom.get())
    });
    let clock = if in_frames { Clock::Stamps } else { Clock::Counting };
    let mut source = DecodedSource {
        place,
        stream,
        clock,
        sample_rate_hz,
        origin: 0,
        first: 0,
        preroll: preroll(encoding),
        latest_seek: i64::MAX,
        position: 0,
        packet: vec![Vec::new(); channels],
        packet_time: NEVER,
        counted: 0,
        hole: None,
        notes: Vec::new(),
        broke_off: false,
        broken: false,
    };
    let mut notes = Vec::new();
    let frames = source.find_length(&track, encoding, &mut notes)?;
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    source.restart()?;
    let info = Info { format, encoding, sample_rate_hz, channels, frames: countable(path, frames)?, notes };
    Ok((info, source))
}

/// The packets of a stream, from its first to its last frame.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    first: i64,
    /// One past the last frame that is heard.
    heard_end: i64,
    /// One past the last frame that is coded.
    coded_end: i64,
    restarts: bool,
    breaks_off: bool,
}

impl DecodedSource {
    /// Finds where the sound begins and how long it is. Leaves the stream anywhere.
    fn find_length(
        &mut self,
        track: &Track,
        encoding: Encoding,
        notes: &mut Vec<Note>,
    ) -> Result<u64, FileError> {
        let stated = track.num_frames.and_then(|n| i64::try_from(n).ok()).filter(|n| *n > 0);
        let trusted = match self.place.format {
            Format::Flac | Format::Mp4 | Format::Caf if self.clock == Clock::Stamps => {
                let end = stated.map(|n| n + i64::from(track.padding.unwrap_or(0)));
                match end {
                    Some(end) => self.true_end(end, encoding)?,
                    None => None,
                }
            }
            _ => None,
        };
        let extent = match (trusted, stated) {
            (Some(coded_end), Some(heard_end)) => {
                let first = -i64::from(track.delay.unwrap_or(0));
                Extent { first, heard_end: heard_end.min(coded_end), coded_end, ..Extent::default() }
            }
            _ => {
                self.restart()?;
                let extent = self.walk()?;
                // Without a tag the length of an MPEG stream is the demuxer's guess; and within a few packets a
                // header may count what no one hears.
                let known = self.clock == Clock::Stamps
                    && (self.place.format != Format::Mpeg || track.delay.is_some());
                if let Some(stated) = stated.filter(|s| known && *s > extent.coded_end + 4608) {
                    let found_frames = extent.coded_end.max(0) as u64;
                    notes.push(Note::Truncated { stated_frames: stated as u64, found_frames });
                }
                extent
            }
        };
        if extent.restarts {
            notes.push(Note::StreamRestarts { frame: extent.coded_end.max(0) as u64 });
        }
        if extent.breaks_off && self.place.format == Format::Ogg {
            notes.push(Note::EndMissing { found_frames: extent.heard_end.max(0) as u64 });
        }
        self.first = extent.first;
        let unknown = match encoding {
            Encoding::Lossy { codec: codec @ "AAC" } => {
                Some(Note::PrimingUnknown { codec, usual_frames: 2112 })
            }
            // The decoder's own 529 frames and the usual 576 of an encoder.
            Encoding::Lossy { codec: codec @ "MP3" } => {
                Some(Note::PrimingUnknown { codec, usual_frames: 1105 })
            }
            _ => None,
        };
        let all = Ok((extent.heard_end.max(0)) as u64);
        match self.place.format {
            Format::Mp4 => {
                let timing = File::open(&self.place.path)
                    .map(|mut file| mp4::Timing::read(&mut file, self.place.bytes))
                    .unwrap_or_default();
                let heard = match self.clock {
                    Clock::Stamps => timing.heard(track.id, extent.coded_end),
                    Clock::Counting => None,
                };
                match heard {
                    Some(heard) => {
                        if heard.left_out > 0 {
                            notes.push(Note::EditsIgnored { edits: heard.left_out });
                        }
                        self.origin = heard.start;
                        let delay = heard.start.max(0) as u64;
                        for note in notes.iter_mut() {
                            if let Note::Truncated { stated_frames, found_frames } = note {
                                *stated_frames = stated_frames.saturating_sub(delay);
                                *found_frames = found_frames.saturating_sub(delay);
                            }
                        }
                        let rest = u64::try_from(extent.coded_end - heard.start).unwrap_or(0);
                        return Ok(heard.frames.map_or(rest, |n| n.min(rest)));
                    }
                    None => notes.extend(unknown),
                }
                all
            }
            Format::Mpeg => {
                let coded_end = extent.coded_end.max(0);
                let (Some(1..), Some(padding), Some(stated)) = (track.delay, track.padding, stated) else {
                    notes.extend(unknown);
                    return Ok(coded_end as u64);
                };
                // A tag that is short by a packet or more speaks of a part of the file only.
                let longer = coded_end >= stated + i64::from(padding) + 1152;
                Ok(if longer { coded_end } else { stated.min(coded_end) } as u64)
            }
            Format::Ogg => {
                // A stream that was cut from a longer one begins later; its first frame is frame 0.
                self.origin = extent.first.max(0);
                let file = File::open(&self.place.path);
                let start = file.ok().and_then(|mut f| ogg::last_page_start(&mut f, self.place.bytes));
                self.latest_seek = start.map_or(i64::MIN, |s| s - 1);
                Ok((extent.heard_end - self.origin).max(0) as u64)
            }
            Format::Flac => {
                let inside = stated.is_some_and(|total| extent.first < total);
                self.origin = if inside { 0 } else { extent.first };
                Ok((extent.heard_end - self.origin).max(0) as u64)
            }
            Format::Adts => {
                notes.extend(unknown);
                all
            }
            _ => all,
        }
    }

    /// Where the stream ends, when the packet before `end` is really there. Of a lossless codec it is decoded:
    /// a header may count whole packets, though the last one is shorter.
    fn true_end(&mut self, end: i64, encoding: Encoding) -> Result<Option<i64>, FileError> {
        if self.ask_demuxer(end - 1).is_none() {
            return Ok(None);
        }
        let Ok(Some(packet)) = self.next_packet() else { return Ok(None) };
        let begin = packet.pts.get();
        if begin >= end || begin + length(&packet) < end {
            return Ok(None);
        }
        if encoding.is_lossy() {
            return Ok(Some(end));
        }
        let (decoder, planes) = (&mut self.stream.decoder, &mut self.packet);
        let decoded =
            guarded(|| decoder.decode(&packet).ok().and_then(|sound| copy_planes(&sound, 0, planes)));
        // A last packet that cannot be decoded becomes silence of the stated length.
        let frames = decoded.ok().flatten().map_or(end - begin, |n| n as i64);
        Ok(Some(end.min(begin + frames)))
    }

    /// Goes through all packets. Only a clock that counts needs them decoded.
    fn walk(&mut self) -> Result<Extent, FileError> {
        let mut extent: Option<Extent> = None;
        if self.clock == Clock::Counting {
            while self.decode_next()? {}
            return Ok(Extent { heard_end: self.counted, coded_end: self.counted, ..Extent::default() });
        }
        let mut before = None;
        while let Some(packet) = self.next_packet()? {
            let begin = packet.pts.get();
            let trimmed = packet.trim_start.get() as i64;
            let length = match (self.place.format, before) {
                // The demuxer counts trimmed frames twice here, but all packets are of one length.
                (Format::Mpeg, Some(before)) => begin - before,
                (Format::Mpeg, None) => packet.dur.get() as i64,
                _ => length(&packet),
            };
            before = Some(begin);
            let heard_end = begin + trimmed + packet.dur.get() as i64;
            let all = extent.get_or_insert(Extent { first: begin + trimmed, ..Extent::default() });
            all.heard_end = all.heard_end.max(heard_end);
            all.coded_end = all.coded_end.max(begin + length);
        }
        let mut extent = extent.unwrap_or_default();
        extent.breaks_off = self.broke_off;
        extent.restarts = self.notes.drain(..).any(|n| matches!(n, Note::StreamRestarts { .. }));
        Ok(extent)
    }

    /// Begins the stream again.
    fn restart(&mut self) -> Result<(), FileError> {
        self.stream = self.place.begin()?;
        self.forget_packet();
        self.counted = 0;
        Ok(())
    }

    fn forget_packet(&mut self) {
        self.packet.iter_mut().for_each(Vec::clear);
        self.packet_time = NEVER;
    }

    fn packet_end(&self) -> i64 {
        self.packet_time + self.packet.first().map_or(0, Vec::len) as i64
    }

    /// Sets the demuxer before `time`; gives the time it stands at, or `None` when it cannot.
    fn ask_demuxer(&mut self, time: i64) -> Option<i64> {
        let Stream { demuxer, track, .. } = &mut self.stream;
        let to = SeekTo::Timestamp { ts: Timestamp::new(time), track_id: *track };
        let sought = guarded(|| demuxer.seek(SeekMode::Accurate, to));
        sought.ok()?.ok().map(|s| s.actual_ts.get())
    }

    /// The next packet of our track; `None` at the end, and where nothing more can be demuxed.
    fn next_packet(&mut self) -> Result<Option<Packet>, FileError> {
        loop {
            let at = self.packet_end().max(0) as f64 / f64::from(self.sample_rate_hz);
            let Stream { demuxer, track, .. } = &mut self.stream;
            let next = guarded(|| demuxer.next_packet());
            match next {
                Err(panic) => {
                    self.broken = true;
                    let what = format!("the decoder gave up ({panic})");
                    return Err(FileError::damaged(&self.place.path, format!("{at:.3} s"), what));
                }
                Ok(Ok(Some(packet))) if packet.track_id == *track => return Ok(Some(packet)),
                Ok(Ok(Some(_))) => {}
                Ok(Err(Error::ResetRequired)) => {
                    self.notes.push(Note::StreamRestarts { frame: self.packet_end().max(0) as u64 });
                    return Ok(None);
                }
                Ok(Err(Error::IoError(e))) if e.kind() != ErrorKind::UnexpectedEof => {
                    return Err(FileError::io(&self.place.path, "read it", e));
                }
                Ok(Err(Error::IoError(_))) => {
                    self.broke_off = true;
                    return Ok(None);
                }
                Ok(Ok(None) | Err(_)) => return Ok(None),
            }
        }
    }

    /// Decodes the next packet that can be decoded; false at the end.
    fn decode_next(&mut self) -> Result<bool, FileError> {
        loop {
            let Some(packet) = self.next_packet()? else { return Ok(false) };
            let time = match self.clock {
                Clock::Stamps => packet.pts.get(),
                Clock::Counting => self.counted,
            };
            let trimmed = packet.trim_start.get() as usize;
            let decoder = &mut self.stream.decoder;
            let planes = &mut self.packet;
            let decoded = guarded(|| match decoder.decode(&packet) {
                Ok(sound) => copy_planes(&sound, trimmed, planes),
                Err(_) => None,
            });
            match decoded {
                Err(panic) => {
                    self.broken = true;
                    let at = time.max(0) as f64 / f64::from(self.sample_rate_hz);
                    let what = format!("the decoder gave up ({panic})");
                    return Err(FileError::damaged(&self.place.path, format!("{at:.3} s"), what));
                }
                Ok(Some(frames)) => {
                    self.packet_time = time + trimmed as i64;
                    self.counted = time + frames as i64;
                    return Ok(true);
                }
                // What cannot be decoded keeps its time: the next packet says where it stands.
                Ok(None) => {
                    self.forget_packet();
                    self.counted += length(&packet);
                }
            }
        }
    }

    fn add_hole(&mut self, frames: u64) {
        let at = self.position;
        self.hole = match self.hole {
            Some((first, length)) if first + length == at => Some((first, length + frames)),
            other => {
                self.note_hole(other);
                Some((at, frames))
            }
        };
    }

    fn note_hole(&mut self, hole: Option<(u64, u64)>) {
        if let Some((first, frames)) = hole {
            let first_time_s = first as f64 / f64::from(self.sample_rate_hz);
            self.notes.push(Note::Holes { count: 1, frames, first_frame: first as Frames, first_time_s });
        }
    }
}

impl Source for DecodedSource {
    fn read(&mut self, block: &mut Block) -> Result<Frames, FileError> {
        if self.broken {
            let what = "the decoder gave up earlier";
            return Err(FileError::damaged(&self.place.path, format!("frame {}", self.position), what));
        }
        let wanted = block.frames();
        let mut done = 0;
        while done < wanted {
            let time = self.origin + self.position as i64;
            let left = wanted - done;
            let mut at_end = false;
            while self.packet_end() <= time && !at_end {
                at_end = !self.decode_next()?;
            }
            let inside = time - self.packet_time;
            let frames = if at_end || inside < 0 {
                let silence = if at_end { left } else { left.min(inside.unsigned_abs() as usize) };
                block.range_mut(done, silence).clear();
                if time >= self.first {
                    self.add_hole(silence as u64);
                }
                silence
            } else {
                let inside = inside as usize;
                let frames = left.min(self.packet[0].len() - inside);
                for (channel, plane) in self.packet.iter().enumerate() {
                    block.channel_mut(channel)[done..done + frames]
                        .copy_from_slice(&plane[inside..][..frames]);
                }
                frames
            };
            done += frames;
            self.position += frames as u64;
        }
        Ok(done)
    }

    fn seek(&mut self, frame: u64) -> Result<(), FileError> {
        let time = self.origin + frame as i64;
        self.position = frame;
        let hole = self.hole.take();
        self.note_hole(hole);
        let ahead = time - self.packet_end();
        let near = time >= self.packet_time && ahead <= PREROLL && self.packet_end() > self.packet_time;
        if near || self.broken {
            return Ok(());
        }
        let (Some(preroll), Clock::Stamps) = (self.preroll, self.clock) else {
            return if ahead >= 0 { Ok(()) } else { self.restart() };
        };
        let earlier = (time - preroll).min(self.latest_seek);
        if earlier <= self.first.max(0) {
            return self.restart();
        }
        // A demuxer that has read something may seek wrongly: FLAC's keeps the number of the last frame, CAF's
        // refuses at its end. A fresh one does not.
        self.restart()?;
        if self.ask_demuxer(earlier).is_none_or(|at| at > earlier) {
            return self.restart();
        }
        self.stream.decoder.reset();
        Ok(())
    }

    fn take_notes(&mut self) -> Vec<Note> {
        let hole = self.hole.take_if(|(first, length)| *first + *length < self.position);
        self.note_hole(hole);
        std::mem::take(&mut self.notes)
    }
}

/// Frames that a packet decodes to, those that are trimmed included.
fn length(packet: &Packet) -> i64 {
    i64::try_from(packet.block_dur().get()).unwrap_or(i64::MAX / 4)
}
