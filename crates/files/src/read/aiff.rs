//! AIFF 1.3 (Apple, 1989) and AIFF-C (Apple draft, 1991), with the encodings that QuickTime added.

use std::fs::File;
use std::io;
use std::path::Path;

use super::chunk::{Chunk, Chunks};
use super::pcm::{Layout, PcmSource};
use super::wav::left_out;
use super::{check_shape, countable};
use crate::error::FileError;
use crate::info::{Broadcast, Format, Info};
use crate::note::Note;

/// What the `COMM` chunk says.
struct Common {
    channels: usize,
    frames: u64,
    sample_rate_hz: u32,
    bits: u32,
    layout: Layout,
}

/// Where the samples are.
#[derive(Clone, Copy)]
struct Sound {
    chunk: Chunk,
    /// The byte of the first.
    start: u64,
    /// They lie in blocks of a size of the writer's own.
    in_blocks: bool,
}

impl Sound {
    /// False for a recorder that crashed, and for streams.
    fn states_its_size(&self) -> bool {
        self.chunk.stated > 8 && self.chunk.stated != u64::from(u32::MAX)
    }
}

/// Opens an AIFF or AIFF-C file of `bytes`.
pub(super) fn open(path: &Path, mut file: File, bytes: u64) -> Result<(Info, PcmSource), FileError> {
    let failed = |e: io::Error| FileError::io(path, "read it", e);
    let form = Chunk { id: *b"FORM", start: 8, stated: 4 };
    let mut chunks = Chunks::new(&mut file, bytes, 12, true);
    let compressed = chunks.content(form, 4).map_err(failed)? == b"AIFC";
    let mut common: Option<Common> = None;
    let mut sound: Option<Sound> = None;
    let mut empty: Option<Sound> = None;
    while common.is_none() || sound.is_none() {
        let Some(chunk) = chunks.next(&[b"COMM", b"SSND"]).map_err(failed)? else { break };
        match &chunk.id {
            b"COMM" if common.is_none() => {
                let content = chunks.content(chunk, 22).map_err(failed)?;
                common = Some(parse_common(path, &content, compressed)?);
            }
            b"SSND" if sound.is_none() => {
                // Eight bytes before the samples: an offset to the first of them and a block size.
                let content = chunks.content(chunk, 8).map_err(failed)?;
                let word = |at: usize| content.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b));
                let found = Sound {
                    chunk,
                    start: chunk.start + 8 + u64::from(word(0).unwrap_or(0)),
                    in_blocks: word(4).unwrap_or(0) > 0,
                };
                // An empty one may stand in front of the one with the sound.
                let more = chunk.stated == 8 && chunks.is_boundary(chunk.start + 8).map_err(failed)?;
                let place = if more { &mut empty } else { &mut sound };
                *place = place.or(Some(found));
            }
            _ => {}
        }
    }
    let sound = sound.or(empty);
    let junk = chunks.junk;
    let (mut more, mut left_over) = ((0, 0), 0);
    if let Some(sound) = sound.filter(Sound::states_its_size) {
        chunks.continue_after(sound.chunk, sound.chunk.stated);
        while let Some(chunk) = chunks.next(&[]).map_err(failed)? {
            if &chunk.id == b"SSND" && chunk.stated > 8 {
                more = (more.0 + 1, more.1 + (chunk.stated - 8).min(bytes - chunk.start));
            }
        }
        left_over = chunks.left_over().map_err(failed)?;
    }
    let common = common.ok_or_else(|| FileError::damaged(path, "the header", "there is no COMM chunk"))?;
    let Some(sound) = sound else {
        // The standard allows a file without sound data when there are no frames.
        return Err(if common.frames == 0 {
            FileError::Empty { path: path.to_owned(), bytes }
        } else {
            FileError::damaged(path, "the header", "there is no sound data (SSND) chunk")
        });
    };
    let stride = (common.channels * common.layout.bytes()) as u64;
    let there = bytes.saturating_sub(sound.start) / stride;
    let in_chunk = sound.chunk.stated.saturating_sub(sound.start - sound.chunk.start) / stride;
    let mut notes = Vec::new();
    let frames = if !sound.states_its_size() || common.frames == 0 {
        let found_frames = if sound.states_its_size() { there.min(in_chunk) } else { there };
        if found_frames != common.frames {
            notes.push(Note::LengthUnset { found_frames });
        }
        found_frames
    } else if in_chunk > common.frames && there > common.frames && !sound.in_blocks {
        // Blocks may be filled up; without them there is no reason for more than is counted.
        let found_frames = in_chunk.min(there);
        notes.push(Note::LengthsDiffer { stated_frames: common.frames, found_frames });
        found_frames
    } else {
        let found_frames = common.frames.min(there).min(in_chunk);
        if found_frames < common.frames {
            notes.push(Note::Truncated { stated_frames: common.frames, found_frames });
        }
        found_frames
    };
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    if junk > 0 {
        notes.push(Note::JunkSkipped { bytes: junk });
    }
    notes.extend(left_out(more, left_over, stride));
    let info = Info {
        format: if compressed { Format::Aifc } else { Format::Aiff },
        encoding: common.layout.encoding(common.bits),
        sample_rate_hz: common.sample_rate_hz,
        channels: common.channels,
        channel_mask: None,
        frames: countable(path, frames)?,
        broadcast: Broadcast::default(),
        notes,
    };
    Ok((info, PcmSource::new(path, file, sound.start, common.channels, common.layout)))
}

fn parse_common(path: &Path, content: &[u8], compressed: bool) -> Result<Common, FileError> {
    const PLACE: &str = "the COMM chunk";
    let &[c0, c1, f0, f1, f2, f3, b0, b1, ref rest @ ..] = content else {
        return Err(FileError::damaged(path, PLACE, format!("it has {} bytes instead of 18", content.len())));
    };
    let Some(rate) = rest.first_chunk::<10>() else {
        return Err(FileError::damaged(path, PLACE, "it ends before the sample rate"));
    };
    let channels = usize::from(u16::from_be_bytes([c0, c1]));
    let bits = u32::from(u16::from_be_bytes([b0, b1]));
    let sample_rate_hz = check_shape(path, PLACE, from_extended(*rate), channels)?;
    let encoding = if compressed { rest.get(10..14).unwrap_or(b"NONE") } else { b"NONE" };
    let (layout, bits) = match encoding {
        b"NONE" | b"twos" => (Layout::integer(bits.div_ceil(8) as usize, true), bits),
        b"sowt" => (Layout::integer(bits.div_ceil(8) as usize, false), bits),
        b"raw " => (Some(Layout::Unsigned8), 8),
        b"in24" => (Layout::integer(3, true), 24),
        b"in32" => (Layout::integer(4, true), 32),
        b"42ni" => (Layout::integer(3, false), 24),
        b"23ni" => (Layout::integer(4, false), 32),
        b"fl32" | b"FL32" => (Some(Layout::Float32 { big_endian: true }), 32),
        b"fl64" | b"FL64" => (Some(Layout::Float64 { big_endian: true }), 64),
        b"alaw" | b"ALAW" => (Some(Layout::ALaw), 8),
        b"ulaw" | b"ULAW" => (Some(Layout::MuLaw), 8),
        other => {
            let name = String::from_utf8_lossy(other);
            let what = format!("AIFF-C with encoding \"{name}\" is not read; export it as PCM");
            return Err(FileError::unsupported(path, what));
        }
    };
    let Some(layout) = layout else {
        return Err(FileError::damaged(path, PLACE, format!("{bits} bits per sample")));
    };
    let frames = u64::from(u32::from_be_bytes([f0, f1, f2, f3]));
    Ok(Common { channels, frames, sample_rate_hz, bits, layout })
}

/// An 80-bit extended number (IEEE 754-1985, the Motorola layout): sign and exponent, then 64 bits of mantissa
/// with the leading one written out.
fn from_extended(bytes: [u8; 10]) -> f64 {
    let [e0, e1, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([e0 & 0x7f, e1]));
    let magnitude =
        u64::from_be_bytes(mantissa) as f64 * 2f64.powi((exponent - 16_383 - 63).clamp(-1100, 1023));
    if e0 & 0x80 != 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 44,100 is the example of Apple's AIFF specification; the others follow from the definition.
    #[test]
    fn extended_numbers_are_read() {
        assert_eq!(from_extended([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 44_100.0);
        assert_eq!(from_extended([0x40, 0x0f, 0xbb, 0x80, 0, 0, 0, 0, 0, 0]), 96_000.0);
        assert_eq!(from_extended([0x3f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1.0);
        assert_eq!(from_extended([0; 10]), 0.0);
        assert!(from_extended([0x7f, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]) > 1e300);
    }
}
