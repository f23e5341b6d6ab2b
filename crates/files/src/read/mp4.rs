//! Where the sound begins and ends in an MP4 file: edit lists (ISO/IEC 14496-12 clause 8.6.6) and the gapless
//! comment that iTunes writes. The demuxer gives every coded frame, encoder delay and padding included.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F64BE, CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S32BE,
};

/// One entry of an edit list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    /// Length in units of the movie's time scale; 0 means "to the end".
    duration: u64,
    /// Where it begins in units of the track's time scale; -1 is silence.
    media_time: i64,
}

/// What a movie header says about time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Timing {
    movie_scale: u32,
    tracks: Vec<Track>,
    gapless: Option<Gapless>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Track {
    id: u32,
    scale: u32,
    edits: Vec<Edit>,
}

/// The `iTunSMPB` comment: frames of delay, of padding, and of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gapless {
    delay: u64,
    frames: u64,
}

/// The part of a track that is heard, in the track's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    /// Time of the first frame; negative when silence comes first.
    pub(super) start: i64,
    /// Frames; `None` when everything to the end is heard.
    pub(super) frames: Option<u64>,
    /// Entries of the edit list that were left out.
    pub(super) left_out: usize,
}

/// The largest movie header that is looked into: hours of audio need a few megabytes.
const LARGEST_HEADER: u64 = 1 << 26;

impl Timing {
    /// Reads the movie header of a file of `bytes`; empty when there is none that makes sense.
    pub(super) fn read(file: &mut File, bytes: u64) -> Timing {
        movie_header(file, bytes).and_then(|header| parse_movie(&header)).unwrap_or_default()
    }

    /// What is heard of track `id`, whose coded frames end at `end` in a time scale equal to its sample rate.
    /// `None` when the file does not say.
    pub(super) fn heard(&self, id: u32, end: i64) -> Option<Heard> {
        // The comment counts in frames; edit lists may count in milliseconds.
        if let Some(Gapless { delay, frames }) = self.gapless {
            let fits = i64::try_from(delay + frames).is_ok_and(|stop| stop <= end);
            if fits && self.tracks.len() == 1 {
                return Some(Heard { start: delay as i64, frames: Some(frames), left_out: 0 });
            }
        }
        let track = self.tracks.iter().find(|t| t.id == id)?;
        let scale = |movie_units: u64| -> u64 {
            let scaled =
                u128::from(movie_units) * u128::from(track.scale) / u128::from(self.movie_scale.max(1));
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        let mut edits = track.edits.iter();
        let mut edit = edits.next()?;
        let mut silence = 0;
        while edit.media_time < 0 {
            silence += scale(edit.duration);
            edit = edits.next()?;
        }
        let start = edit.media_time;
        // A length that falls short of the end by less than one tick of the coarser clock is the whole rest.
        let rest = u64::try_from(end - start).unwrap_or(0);
        let length = scale(edit.duration);
        let whole = edit.duration == 0 || scale(edit.duration + 1) > rest;
        let frames = silence + if whole { rest } else { length };
        let start = start - i64::try_from(silence).unwrap_or(0);
        Some(Heard { start, frames: Some(frames), left_out: edits.count() })
    }
}

/// Longer than any file: a size beyond it is not a size.
pub(super) const LONGEST_FILE: u64 = 1 << 44;

/// A box at the outermost level of a file.
struct OuterBox {
    kind: [u8; 4],
    /// The byte its content begins with.
    content: u64,
    /// One past its last byte, as its header states.
    end: u64,
}

/// The outermost boxes, up to one that makes no sense or reaches past the end.
fn outer_boxes(file: &mut File, bytes: u64) -> impl Iterator<Item = OuterBox> {
    let mut at = 0u64;
    let next = move || {
        if at >= bytes {
            return None;
        }
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        let length = (&mut *file).take(16).read(&mut header).ok()?;
        let [s0, s1, s2, s3, kind @ ..] = *header.first_chunk::<8>()?;
        let (size, head) = match u64::from(u32::from_be_bytes([s0, s1, s2, s3])) {
            0 => (bytes - at, 8),
            1 if length == 16 => (u64::from_be_bytes(*header.last_chunk::<8>()?), 16),
            short => (short, 8),
        };
        if length < 8 || size < head || size > LONGEST_FILE {
            return None;
        }
        let found = OuterBox { kind, content: at + head, end: at + size };
        at = found.end;
        Some(found)
    };
    std::iter::from_fn(next).take(10_000)
}

/// The length that the boxes of a file state, which is more than `bytes` when it was cut.
pub(super) fn stated_bytes(file: &mut File, bytes: u64) -> u64 {
    outer_boxes(file, bytes).last().map_or(bytes, |last| last.end.max(bytes))
}

/// A `ftyp` box that says "QuickTime".
pub(super) const QUICKTIME_FILE_TYPE: &[u8] = b"\0\0\0\x14ftypqt  \0\0\x02\0qt  ";

/// Whether the file begins with its type, as all have since 2001; older QuickTime files have none.
pub(super) fn has_file_type(file: &mut File) -> Option<bool> {
    let mut head = [0; 8];
    let here = file.stream_position().ok()?;
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut head));
    file.seek(SeekFrom::Start(here)).ok()?;
    read.ok()?;
    Some(head.ends_with(b"ftyp"))
}

/// How the first sound track is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoundEntry {
    /// Four letters: the codec.
    pub(super) kind: [u8; 4],
    little_endian: bool,
}

impl SoundEntry {
    /// The codec when its samples are big-endian ones of QuickTime (QuickTime File Format, "Sound sample
    /// descriptions": they are, unless an `enda` atom holds 1).
    pub(super) fn big_endian_codec(self) -> Option<AudioCodecId> {
        match &self.kind {
            _ if self.little_endian => None,
            b"in24" => Some(CODEC_ID_PCM_S24BE),
            b"in32" => Some(CODEC_ID_PCM_S32BE),
            b"fl32" => Some(CODEC_ID_PCM_F32BE),
            b"fl64" => Some(CODEC_ID_PCM_F64BE),
            _ => None,
        }
    }
}

/// Reads how the first sound track of a file is coded; `None` when there is none.
pub(super) fn sound_entry(path: &Path, bytes: u64) -> Option<SoundEntry> {
    let movie = movie_header(&mut File::open(path).ok()?, bytes)?;
    let tracks = boxes(&movie).filter(|(kind, _)| kind == b"trak");
    tracks.filter_map(|(_, track)| parse_sound_entry(track)).next()
}

fn parse_sound_entry(track: &[u8]) -> Option<SoundEntry> {
    let media = child(track, b"mdia")?;
    if child(media, b"hdlr")?.get(8..12)? != b"soun" {
        return None;
    }
    let list = child(child(child(media, b"minf")?, b"stbl")?, b"stsd")?.get(8..)?;
    let (kind, entry) = boxes(list).next()?;
    // Version 1 adds 16 bytes to the 28 of version 0, version 2 adds 36; boxes follow.
    let fields = match entry.get(8..10)? {
        [0, 1] => 44,
        [0, 2] => 64,
        _ => 28,
    };
    let extensions = entry.get(fields..).unwrap_or_default();
    let order =
        child(extensions, b"wave").and_then(|w| child(w, b"enda")).or_else(|| child(extensions, b"enda"));
    Some(SoundEntry { kind, little_endian: order.is_some_and(|o| o.get(..2) == Some(&[0, 1])) })
}

/// The content of the `moov` box.
fn movie_header(file: &mut File, bytes: u64) -> Option<Vec<u8>> {
    let movie = outer_boxes(file, bytes).find(|b| b.kind == *b"moov")?;
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(movie.content)).ok()?;
    (&mut *file).take((movie.end - movie.content).min(LARGEST_HEADER)).read_to_end(&mut content).ok()?;
    Some(content)
}

/// The boxes inside a box: kind and content.
fn boxes(mut content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = u32_at(content, 0)? as usize;
        let kind = *content.get(4..8)?.first_chunk::<4>()?;
        let (size, head) = match size {
            0 => (content.len(), 8),
            1 => (usize::try_from(u64_at(content, 8)?).ok()?, 16),
            _ => (size, 8),
        };
        let inside = content.get(head..size.min(content.len()))?;
        content = content.get(size..).unwrap_or_default();
        Some((kind, inside))
    })
}

fn child<'a>(content: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(content).find(|(k, _)| k == kind).map(|(_, inside)| inside)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The time scale in `mvhd` and `mdhd` boxes, behind dates of 32 or 64 bits by version.
fn time_scale(header: &[u8]) -> Option<u32> {
    u32_at(header, if *header.first()? == 1 { 20 } else { 12 })
}

fn parse_movie(movie: &[u8]) -> Option<Timing> {
    let movie_scale = time_scale(child(movie, b"mvhd")?)?;
    let tracks =
        boxes(movie).filter(|(kind, _)| kind == b"trak").filter_map(|(_, t)| parse_track(t)).collect();
    Some(Timing { movie_scale, tracks, gapless: parse_gapless(movie) })
}

fn parse_track(track: &[u8]) -> Option<Track> {
    let header = child(track, b"tkhd")?;
    let id = u32_at(header, if *header.first()? == 1 { 20 } else { 12 })?;
    let scale = time_scale(child(child(track, b"mdia")?, b"mdhd")?)?;
    let edits = child(track, b"edts").and_then(|e| child(e, b"elst")).map(parse_edits).unwrap_or_default();
    Some(Track { id, scale, edits })
}

fn parse_edits(list: &[u8]) -> Vec<Edit> {
    let long = list.first() == Some(&1);
    let entries = list.get(8..).unwrap_or_default().chunks_exact(if long { 20 } else { 12 });
    let count = u32_at(list, 4).unwrap_or(0) as usize;
    entries
        .take(count)
        .filter_map(|e| {
            Some(if long {
                Edit { duration: u64_at(e, 0)?, media_time: u64_at(e, 8)? as i64 }
            } else {
                Edit { duration: u32_at(e, 0)?.into(), media_time: i64::from(u32_at(e, 4)? as i32) }
            })
        })
        .collect()
}

/// `udta/meta/ilst/----` with the name `iTunSMPB`: hexadecimal words, of which the second, third and fourth are
/// delay, padding and frames.
fn parse_gapless(movie: &[u8]) -> Option<Gapless> {
    let meta = child(child(movie, b"udta")?, b"meta")?;
    // A full box: version and flags come first.
    let list = child(meta.get(4..)?, b"ilst")?;
    let comment = boxes(list).filter(|(kind, _)| kind == b"----").find_map(|(_, item)| {
        let name = child(item, b"name")?.get(4..)?;
        if name == b"iTunSMPB" { child(item, b"data")?.get(8..) } else { None }
    })?;
    let text = std::str::from_utf8(comment).ok()?;
    let mut words = text.split_ascii_whitespace().map(|w| u64::from_str_radix(w, 16).ok());
    let (_, delay, _padding, frames) = (words.next()??, words.next()??, words.next()??, words.next()??);
    (frames > 0 && delay < 1 << 20 && frames < 1 << 48).then_some(Gapless { delay, frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut all = (content.len() as u32 + 8).to_be_bytes().to_vec();
        all.extend(kind);
        all.extend(content);
        all
    }

    fn movie(movie_scale: u32, scale: u32, edits: &[(u32, i32)], comment: Option<&str>) -> Vec<u8> {
        let header = |s: u32| [[0; 12].as_slice(), &s.to_be_bytes()].concat();
        let mut list = vec![0; 4];
        list.extend((edits.len() as u32).to_be_bytes());
        for (duration, media_time) in edits {
            list.extend(duration.to_be_bytes());
            list.extend(media_time.to_be_bytes());
            list.extend([0, 1, 0, 0]);
        }
        let track = [
            boxed(b"tkhd", &[[0; 12].as_slice(), &7u32.to_be_bytes()].concat()),
            boxed(b"edts", &boxed(b"elst", &list)),
            boxed(b"mdia", &boxed(b"mdhd", &header(scale))),
        ]
        .concat();
        let mut all = [boxed(b"mvhd", &header(movie_scale)), boxed(b"trak", &track)].concat();
        if let Some(comment) = comment {
            let item = [
                boxed(b"mean", b"\0\0\0\0com.apple.iTunes"),
                boxed(b"name", b"\0\0\0\0iTunSMPB"),
                boxed(b"data", &[b"\0\0\0\x01\0\0\0\0".as_slice(), comment.as_bytes()].concat()),
            ]
            .concat();
            let list = boxed(b"ilst", &boxed(b"----", &item));
            all.extend(boxed(b"udta", &boxed(b"meta", &[[0; 4].as_slice(), &list].concat())));
        }
        all
    }

    fn heard(movie: &[u8], end: i64) -> Option<Heard> {
        parse_movie(movie).unwrap().heard(7, end)
    }

    #[test]
    fn an_edit_list_takes_the_delay_off() {
        // One second at 48 kHz behind 1024 frames of delay; the movie counts milliseconds.
        let all = movie(1000, 48_000, &[(1000, 1024)], None);
        let expected = Heard { start: 1024, frames: Some(48_000), left_out: 0 };
        assert_eq!(heard(&all, 50_176), Some(expected));
        // The coded frames end within a millisecond of the stated length: they are the length.
        let expected = Heard { start: 1024, frames: Some(48_010), left_out: 0 };
        assert_eq!(heard(&all, 49_034), Some(expected));
    }

    #[test]
    fn silence_in_front_moves_the_sound_back() {
        let all = movie(1000, 48_000, &[(500, -1), (1000, 1024), (3, 9)], None);
        let expected = Heard { start: 1024 - 24_000, frames: Some(72_000), left_out: 1 };
        assert_eq!(heard(&all, 60_000), Some(expected));
    }

    #[test]
    fn the_comment_of_itunes_counts_in_frames() {
        let comment = " 00000000 00000840 000001CA 000000000000BB80 00000000 00000000";
        let all = movie(600, 48_000, &[], Some(comment));
        assert_eq!(heard(&all, 50_570), Some(Heard { start: 2112, frames: Some(48_000), left_out: 0 }));
        // More than the file has: the comment belongs to another file.
        assert_eq!(heard(&all, 40_000), None);
    }

    #[test]
    fn no_statement_is_none_and_rubbish_does_no_harm() {
        assert_eq!(heard(&movie(600, 48_000, &[], None), 50_000), None);
        let all = movie(0, 48_000, &[(u32::MAX, i32::MAX)], Some("zz"));
        assert!(heard(&all, 50_000).is_some());
        for cut in 0..all.len() {
            let _ = parse_movie(&all[..cut]);
        }
    }
}
