//! Where the sound of a compressed file begins and how long it is.

use std::fs::File;

use symphonia::core::formats::Track;

use super::super::codec::frames_of;
use super::super::panics::guarded;
use super::super::{matroska, mp4, ogg, opus};
use super::stream::audio_params;
use super::{Clock, DecodedSource, length};
use crate::error::FileError;
use crate::info::{Encoding, Format};
use crate::note::Note;

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
    pub(super) fn find_length(
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
                // A survey knows it without the stream.
                if self.place.survey.get().is_none() {
                    self.restart()?;
                }
                let extent = self.walk()?;
                if let Some(survey) = self.place.survey.get() {
                    if survey.estimated() > 0 {
                        notes.push(Note::HolesEstimated { count: survey.estimated() as u64 });
                    }
                    if survey.junk_bytes() > 0 {
                        notes.push(Note::JunkSkipped { bytes: survey.junk_bytes() });
                    }
                }
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
            // The filter bank of both older layers.
            Encoding::Lossy { codec: codec @ ("MPEG layer I" | "MPEG layer II") } => {
                Some(Note::PrimingUnknown { codec, usual_frames: 481 })
            }
            Encoding::Lossy { codec: codec @ "Opus" } => {
                Some(Note::PrimingUnknown { codec, usual_frames: 312 })
            }
            _ => None,
        };
        let head = audio_params(track).and_then(|p| p.extra_data.as_deref()).and_then(opus::Head::parse);
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
                let gaps = self.place.pages.get().map(|pages| pages.gaps(track.id)).unwrap_or_default();
                let lost = gaps.is_first_lost();
                let encoder_delay = head.map_or(0, |h| h.pre_skip);
                self.origin = if lost { 0 } else { extent.first.max(0) } + encoder_delay;
                self.first = if lost { 0 } else { self.first };
                let file = File::open(&self.place.path);
                let start = file.ok().and_then(|mut f| ogg::last_page_start(&mut f, self.place.bytes));
                self.latest_seek = start.map_or(i64::MIN, |s| s - 1);
                if let Some(before) = gaps.before_last_page() {
                    self.latest_seek = self.latest_seek.min(before - 1);
                    if encoding.is_lossy() {
                        notes.push(Note::HolesEstimated { count: 1 });
                    }
                }
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
            Format::Caf if track.delay.is_none() => {
                notes.extend(unknown);
                all
            }
            Format::Matroska => {
                let discarded = matroska::discarded_end(&self.place.path, self.sample_rate_hz) as i64;
                match head {
                    Some(head) => self.origin = head.pre_skip,
                    None => notes.extend(unknown),
                }
                Ok((extent.heard_end - discarded - self.origin).max(0) as u64)
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
        let (decoder, channels) = (&mut self.stream.decoder, self.channels);
        let decoded = guarded(|| decoder.decode(&packet).ok().and_then(|sound| frames_of(&sound, channels)));
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
        if let Some(survey) = self.place.survey.get() {
            let first = -i64::from(self.stream.demuxer.tracks().first().and_then(|t| t.delay).unwrap_or(0));
            let end = survey.end();
            return Ok(Extent { first, heard_end: end, coded_end: end, ..Extent::default() });
        }
        while let Some(packet) = self.next_packet()? {
            let begin = packet.pts.get();
            let trimmed = packet.trim_start.get() as i64;
            let heard_end = begin + trimmed + packet.dur.get() as i64;
            let all = extent.get_or_insert(Extent { first: begin + trimmed, ..Extent::default() });
            all.heard_end = all.heard_end.max(heard_end);
            all.coded_end = all.coded_end.max(begin + length(&packet));
        }
        let mut extent = extent.unwrap_or_default();
        extent.breaks_off = self.broke_off;
        extent.restarts = self.notes.drain(..).any(|n| matches!(n, Note::StreamRestarts { .. }));
        Ok(extent)
    }
}
