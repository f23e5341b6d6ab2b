//! Sony Wave64 (Sony Pictures Digital, "Wave 64 file format", version 1.0): WAVE whose chunks are named by 16
//! bytes and counted by 64 bits, header included, and begin at multiples of eight.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::broadcast::{self, Record};
use super::countable;
use super::pcm::PcmSource;
use super::wav::{Content, left_out, parse_format};
use crate::error::FileError;
use crate::info::{Format, Info};
use crate::note::Note;

/// What follows the four letters in the name of every chunk but the first.
const NAME_TAIL: [u8; 12] = [0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0x00, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a];

/// A name and a size.
const HEADER_BYTES: u64 = 24;

/// Files with more chunks than this are hostile, not large.
const MOST_CHUNKS: usize = 10_000;

/// A chunk: its letters, the byte its content begins with, and the content's stated size.
struct Chunk {
    id: [u8; 4],
    start: u64,
    stated: u64,
}

/// The chunk at `byte`; `None` at the end and where there is none.
fn chunk_at(file: &mut File, byte: u64, bytes: u64) -> io::Result<Option<Chunk>> {
    if byte.saturating_add(HEADER_BYTES) > bytes {
        return Ok(None);
    }
    let mut header = [0; HEADER_BYTES as usize];
    file.seek(SeekFrom::Start(byte))?;
    file.read_exact(&mut header)?;
    let [a, b, c, d, rest @ ..] = header;
    let size = u64::from_le_bytes(*rest.last_chunk().unwrap_or(&[0; 8]));
    let named = rest.starts_with(&NAME_TAIL);
    Ok(named.then_some(Chunk {
        id: [a, b, c, d],
        start: byte + HEADER_BYTES,
        stated: size.saturating_sub(HEADER_BYTES),
    }))
}

fn content(file: &mut File, chunk: &Chunk, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(chunk.start))?;
    (&mut *file).take(chunk.stated.min(most)).read_to_end(&mut content)?;
    Ok(content)
}

/// Opens a Wave64 file of `bytes`.
pub(super) fn open(path: &Path, mut file: File, bytes: u64) -> Result<(Info, PcmSource), FileError> {
    let failed = |e: io::Error| FileError::io(path, "read it", e);
    let mut fmt = None;
    let mut data: Option<Chunk> = None;
    let mut more = (0, 0);
    let mut record = Record::default();
    // The outermost chunk is a header and the letters WAVE with their tail.
    let mut at = HEADER_BYTES + 16;
    for _ in 0..MOST_CHUNKS {
        let Some(chunk) = chunk_at(&mut file, at, bytes).map_err(failed)? else { break };
        at = chunk.start.saturating_add(chunk.stated).div_ceil(8).saturating_mul(8);
        match &chunk.id {
            b"fmt " if fmt.is_none() => {
                let content = content(&mut file, &chunk, 40).map_err(failed)?;
                fmt = Some(parse_format(path, &content, false)?);
            }
            b"data" if data.is_none() => data = Some(chunk),
            b"data" if chunk.stated > 0 => {
                more = (more.0 + 1, more.1 + chunk.stated.min(bytes - chunk.start));
            }
            b"bext" => record.take_bext(&content(&mut file, &chunk, broadcast::BEXT_BYTES).map_err(failed)?),
            b"iXML" => record.take_ixml(&content(&mut file, &chunk, broadcast::MOST_XML).map_err(failed)?),
            _ => {}
        }
    }
    let fmt = fmt.ok_or_else(|| FileError::damaged(path, "the header", "there is no format (fmt) chunk"))?;
    let data = data.ok_or_else(|| FileError::damaged(path, "the header", "there is no data chunk"))?;
    let Content::Pcm(layout) = fmt.content else {
        return Err(FileError::unsupported(path, "compressed sound in Wave64 is not read; export it as PCM"));
    };
    let stride = (fmt.channels * layout.bytes()) as u64;
    let there = bytes - data.start;
    let mut notes = Vec::new();
    let frames = if data.stated == 0 {
        notes.push(Note::LengthUnset { found_frames: there / stride });
        there / stride
    } else {
        let found_frames = data.stated.min(there) / stride;
        if data.stated > there {
            notes.push(Note::Truncated { stated_frames: data.stated / stride, found_frames });
        }
        found_frames
    };
    notes.extend(left_out(more, 0, stride));
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    let info = Info {
        format: Format::Wave64,
        encoding: layout.encoding(fmt.bits),
        sample_rate_hz: fmt.sample_rate_hz,
        channels: fmt.channels,
        channel_mask: fmt.channel_mask,
        frames: countable(path, frames)?,
        broadcast: record.finish(fmt.channels),
        notes,
    };
    Ok((info, PcmSource::new(path, file, data.start, fmt.channels, layout)))
}
