//! Compressed formats, through symphonia: what it demuxes and decodes is put on its frame here.
//!
//! Every decoded packet carries the time of its first frame. Frames are taken by that time, so that encoder
//! delay falls off at the front, a packet that cannot be decoded leaves a hole of its own length, and a seek is
//! exact: it lands earlier, and what comes before the wanted frame is dropped.

mod continuity;
mod length;
mod sbr;
mod stream;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::OnceLock;

use audio::{Block, Frames};
use symphonia::core::codecs::audio::well_known::CODEC_ID_ALAC;
use symphonia::core::errors::Error;
use symphonia::core::formats::{SeekMode, SeekTo};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::codec::{PREROLL, alac_bits, copy_frames, encoding_of, frames_of, preroll, usual_mask};
use super::panics::guarded;
use super::{Source, check_shape, countable, flac_record};
use crate::error::FileError;
use crate::info::{Broadcast, Encoding, Format, Info};
use crate::note::{Note, Places};
use continuity::Continuity;
use sbr::Replication;
pub(super) use stream::audio_params;
use stream::{Place, Stream};

/// Before every time of a stream: where the end of a packet stands when there is none.
const NEVER: i64 = i64::MIN / 4;

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
    /// Length of the whole.
    frames: u64,
    channels: usize,
    /// The last packet, which the decoder keeps until the next: the time of its first frame that counts, how many are
    /// trimmed before that one, and how many count.
    packet_time: i64,
    trimmed: usize,
    packet_frames: usize,
    /// The time of the next packet when counting.
    counted: i64,
    /// The next packet only prepares the decoder for the one behind it.
    prepares: bool,
    is_vorbis: bool,
    continuity: Continuity,
    /// A hole that may still grow: its first frame, and its length.
    hole: Option<(u64, u64)>,
    notes: Vec<Note>,
    /// The demuxer ran into the end of the file where it expected more.
    broke_off: bool,
}

/// Opens a compressed file of `bytes`, whose stream begins at byte `start`.
pub(super) fn open(
    path: &Path,
    start: u64,
    bytes: u64,
    format: Format,
) -> Result<(Info, DecodedSource), FileError> {
    let place = Place {
        path: path.to_owned(),
        start,
        bytes,
        format,
        survey: OnceLock::new(),
        pages: OnceLock::new(),
    };
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
        frames: u64::MAX,
        channels,
        packet_time: NEVER,
        trimmed: 0,
        packet_frames: 0,
        counted: 0,
        prepares: false,
        is_vorbis: encoding == Encoding::Lossy { codec: "Vorbis" },
        continuity: Continuity::new(encoding),
        hole: None,
        notes: Vec::new(),
        broke_off: false,
    };
    let mut notes = Vec::new();
    let frames = source.find_length(&track, encoding, &mut notes)?;
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    if encoding == (Encoding::Lossy { codec: "AAC" }) && source.has_replication()? {
        notes.push(Note::LowerBandOnly { up_to_hz: sample_rate_hz / 2 });
    }
    for note in &mut notes {
        // It begins anew behind what is heard.
        if let Note::StreamRestarts { frame } = note {
            *frame = frames;
        }
    }
    let record = match format {
        Format::Flac => std::fs::File::open(path).and_then(|file| flac_record::read(file, start, channels)),
        _ => Ok(Broadcast::default()),
    };
    let broadcast = record.map_err(|e| FileError::io(path, "read it", e))?;
    source.restart()?;
    source.frames = frames;
    let info = Info {
        format,
        encoding,
        sample_rate_hz,
        channels,
        channel_mask: usual_mask(encoding, channels),
        frames: countable(path, frames)?,
        broadcast,
        notes,
    };
    Ok((info, source))
}

impl DecodedSource {
    /// Begins the stream again.
    fn restart(&mut self) -> Result<(), FileError> {
        self.stream = self.place.begin()?;
        self.forget_packet();
        self.begin_anew();
        let track = self.stream.track;
        if self.place.pages.get().is_some_and(|pages| pages.gaps(track).is_first_lost()) {
            self.continuity.lose();
        }
        self.counted = 0;
        // Of Vorbis the first packet gives no sound (Vorbis I section 4.3.8); the decoder gives half of its block. Ogg
        // says at what time it would be.
        self.prepares = self.clock == Clock::Counting && self.is_vorbis;
        Ok(())
    }

    /// Whether the stream is high-efficiency AAC that does not say so. Leaves it anywhere.
    fn has_replication(&mut self) -> Result<bool, FileError> {
        self.restart()?;
        let mut replication = Replication::default();
        while let Some(packet) = self.next_packet()? {
            if !replication.take(&packet.data) {
                break;
            }
        }
        self.notes.clear();
        Ok(replication.is_there())
    }

    /// Nothing that was decoded before counts for what comes.
    fn begin_anew(&mut self) {
        let checked = self.place.survey.get().is_some_and(|s| s.is_checked());
        self.continuity.begin(checked);
    }

    fn forget_packet(&mut self) {
        self.packet_frames = 0;
        self.packet_time = NEVER;
    }

    fn packet_end(&self) -> i64 {
        self.packet_time + self.packet_frames as i64
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
            let Stream { demuxer, track, .. } = &mut self.stream;
            match demuxer.next_packet() {
                Ok(Some(packet)) if packet.track_id == *track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Err(Error::ResetRequired) => {
                    self.notes.push(Note::StreamRestarts { frame: self.packet_end().max(0) as u64 });
                    return Ok(None);
                }
                Err(Error::IoError(e)) if e.kind() != ErrorKind::UnexpectedEof => {
                    return Err(FileError::io(&self.place.path, "read it", e));
                }
                Err(Error::IoError(_)) => {
                    self.broke_off = true;
                    return Ok(None);
                }
                Ok(None) | Err(_) => return Ok(None),
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
            // Where frames are counted nothing tells of a packet that is missing, and durations are not exact.
            let stamped = matches!(self.clock, Clock::Stamps);
            if stamped && self.continuity.is_broken_before(time, length(&packet)) {
                self.stream.decoder.reset();
            }
            let whole = self.continuity.take(&packet.data);
            let prepares = self.prepares;
            let continuity = &mut self.continuity;
            let decoded = self.stream.decoder.decode(&packet).map(|sound| {
                let frames = frames_of(&sound, self.channels)?;
                Some((frames, !prepares && continuity.is_heard(whole, &sound, trimmed)))
            });
            match decoded {
                Ok(Some(_)) if prepares => {
                    self.prepares = false;
                    self.forget_packet();
                }
                Ok(Some((frames, heard))) => {
                    self.counted = time + frames as i64;
                    if heard {
                        self.packet_time = time + trimmed as i64;
                        self.trimmed = trimmed;
                        self.packet_frames = frames.saturating_sub(trimmed);
                        return Ok(true);
                    }
                    self.forget_packet();
                }
                // What cannot be decoded keeps its time: the next packet says where it stands.
                failed => {
                    self.forget_packet();
                    self.counted += length(&packet);
                    if failed.is_err() {
                        self.continuity.lose();
                        self.stream.decoder.reset();
                    }
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
            let places = Places::one(first as Frames, frames, self.sample_rate_hz);
            self.notes.push(Note::Holes { places });
        }
    }
}

impl Source for DecodedSource {
    fn read(&mut self, block: &mut Block) -> Result<Frames, FileError> {
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
                let frames = left.min(self.packet_frames - inside);
                let sound = self.stream.decoder.last_decoded();
                copy_frames(&sound, self.trimmed + inside, &mut block.range_mut(done, frames));
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
        if near {
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
        self.begin_anew();
        Ok(())
    }

    fn take_notes(&mut self) -> Vec<Note> {
        // One that reaches to here may go on, unless this is the end.
        let at_end = self.position >= self.frames;
        let hole = self.hole.take_if(|(first, length)| at_end || *first + *length < self.position);
        self.note_hole(hole);
        std::mem::take(&mut self.notes)
    }
}

/// Frames that a packet decodes to, those that are trimmed included.
fn length(packet: &Packet) -> i64 {
    i64::try_from(packet.block_dur().get()).unwrap_or(i64::MAX / 4)
}
