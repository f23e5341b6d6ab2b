//! Sun/NeXT audio, `.au` and `.snd` (Sun Microsystems, audio_intro and the header `<audio/au.h>`): six numbers,
//! free text, samples.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::pcm::{Layout, PcmSource};
use super::wav::left_out;
use super::{check_shape, countable};
use crate::error::FileError;
use crate::info::{Broadcast, Format, Info};
use crate::note::Note;

const PLACE: &str = "the header";

/// The shortest header: magic, offset, size, encoding, rate, channels.
const HEADER_BYTES: u64 = 24;

/// Opens a file of `bytes` that begins with `.snd`, or with `dns.`, which some machines wrote the other way round.
pub(super) fn open(path: &Path, mut file: File, bytes: u64) -> Result<(Info, PcmSource), FileError> {
    let mut header = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| (&file).take(HEADER_BYTES).read_to_end(&mut header))
        .map_err(|e| FileError::io(path, "read it", e))?;
    let big_endian = header.starts_with(b".snd");
    let word = |at: usize| -> Result<u32, FileError> {
        let bytes = header.get(at..).and_then(|rest| rest.first_chunk::<4>());
        let bytes = bytes.ok_or_else(|| FileError::damaged(path, PLACE, "the file ends inside it"))?;
        Ok(if big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    };
    let (start, stated) = (u64::from(word(4)?), word(8)?);
    let channels = word(20)? as usize;
    let sample_rate_hz = check_shape(path, PLACE, f64::from(word(16)?), channels)?;
    let (layout, bits) = match word(12)? {
        1 => (Layout::MuLaw, 8),
        2 => (Layout::Signed8, 8),
        3 => (Layout::Int16 { big_endian }, 16),
        4 => (Layout::Int24 { big_endian }, 24),
        5 => (Layout::Int32 { big_endian }, 32),
        6 => (Layout::Float32 { big_endian }, 32),
        7 => (Layout::Float64 { big_endian }, 64),
        27 => (Layout::ALaw, 8),
        other => {
            let what = format!("AU with encoding {other} is not read; export it as PCM");
            return Err(FileError::unsupported(path, what));
        }
    };
    if start < HEADER_BYTES {
        let what = format!("the sound is said to begin at byte {start}, inside the header");
        return Err(FileError::damaged(path, PLACE, what));
    }
    let stride = (channels * layout.bytes()) as u64;
    let there = bytes.saturating_sub(start);
    let mut notes = Vec::new();
    // All ones is "not known", which streams are allowed to write; zero with sound behind it is a crash.
    let frames = if stated == u32::MAX || stated == 0 {
        notes.push(Note::LengthUnset { found_frames: there / stride });
        there / stride
    } else {
        let stated = u64::from(stated);
        if stated > there {
            notes.push(Note::Truncated { stated_frames: stated / stride, found_frames: there / stride });
        }
        notes.extend(left_out((0, 0), there.saturating_sub(stated), stride));
        stated.min(there) / stride
    };
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    let info = Info {
        format: Format::Au,
        encoding: layout.encoding(bits),
        sample_rate_hz,
        channels,
        channel_mask: None,
        frames: countable(path, frames)?,
        broadcast: Broadcast::default(),
        notes,
    };
    Ok((info, PcmSource::new(path, file, start, channels, layout)))
}
