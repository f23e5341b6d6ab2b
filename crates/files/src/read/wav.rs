//! WAV in all its kinds: RIFF and RIFX (Microsoft multimedia programming interface, 1991; WAVEFORMATEXTENSIBLE),
//! RF64 (EBU Tech 3306 v1.1) and BW64 (ITU-R BS.2088-1).
//!
//! The file's own length is trusted above every size in it: recorders that crashed leave sizes of zero, streams
//! leave all ones, and files past 4 GiB without RF64 wrap around.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::chunk::{Chunk, Chunks};
use super::pcm::{Layout, PcmSource};
use super::{Source, broadcast, check_shape, countable, decoded};
use crate::error::FileError;
use crate::info::{Encoding, Format, Info};
use crate::note::Note;

/// The value of a 32-bit size that means "look elsewhere" (Tech 3306) or "not known" (streams).
const UNSET: u64 = u32::MAX as u64;

/// What the `fmt ` chunk says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FormatChunk {
    pub(super) channels: usize,
    pub(super) sample_rate_hz: u32,
    /// Bits that carry signal.
    pub(super) bits: u32,
    /// The speakers, where they are stated.
    pub(super) channel_mask: Option<u32>,
    pub(super) content: Content,
}

/// What the data chunk holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Content {
    /// Samples.
    Pcm(Layout),
    /// ADPCM, which symphonia takes apart by itself.
    Adpcm,
    /// A stream of MPEG audio.
    Mpeg,
}

/// Opens a WAV file of `bytes`.
pub(super) fn open(path: &Path, mut file: File, bytes: u64) -> Result<(Info, Box<dyn Source>), FileError> {
    let failed = |e: io::Error| FileError::io(path, "read it", e);
    let mut id = [0; 4];
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut id)).map_err(failed)?;
    let format = match &id {
        b"RIFX" => Format::Rifx,
        b"RF64" => Format::Rf64,
        b"BW64" => Format::Bw64,
        _ => Format::Wav,
    };
    let big_endian = format == Format::Rifx;
    let mut chunks = Chunks::new(&mut file, bytes, 12, big_endian);
    let mut fmt: Option<FormatChunk> = None;
    let mut data: Option<(Chunk, DataLength)> = None;
    let mut empty: Option<(Chunk, DataLength)> = None;
    let mut long_data: Option<u64> = None;
    let mut fact: Option<u64> = None;
    while fmt.is_none() || data.is_none() {
        let Some(chunk) = chunks.next(&[b"fmt ", b"data"]).map_err(failed)? else { break };
        match &chunk.id {
            b"ds64" => {
                let content = chunks.content(chunk, 16).map_err(failed)?;
                long_data = content.get(8..16).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()));
            }
            b"fact" => {
                let content = chunks.content(chunk, 4).map_err(failed)?;
                fact = content.first_chunk().map(|b| u32::from_le_bytes(*b).into());
            }
            b"fmt " if fmt.is_none() => {
                let content = chunks.content(chunk, 40).map_err(failed)?;
                fmt = Some(parse_format(path, &content, big_endian)?);
            }
            b"data" if data.is_none() => {
                let stated = if chunk.stated == UNSET { long_data.unwrap_or(UNSET) } else { chunk.stated };
                let length = data_length(&mut chunks, chunk, stated, bytes).map_err(failed)?;
                chunks.continue_after(chunk, length.bytes());
                // An empty one may stand in front of the one with the sound.
                let place = if length.bytes() > 0 { &mut data } else { &mut empty };
                *place = place.or(Some((chunk, length)));
            }
            _ => {}
        }
    }
    let junk = chunks.junk;
    let fmt = fmt.ok_or_else(|| FileError::damaged(path, "the header", "there is no format (fmt) chunk"))?;
    let (chunk, length) =
        data.or(empty).ok_or_else(|| FileError::damaged(path, "the header", "there is no data chunk"))?;
    let beside =
        broadcast::read(&mut file, bytes, big_endian, chunk, length.bytes(), fmt.channels).map_err(failed)?;
    let layout = match fmt.content {
        Content::Pcm(layout) => layout,
        packed => {
            let (mut info, source) = open_packed(path, packed, chunk, length, bytes)?;
            (info.format, info.broadcast) = (format, beside.broadcast);
            // ADPCM comes in blocks; how much of the last one is sound stands in `fact`.
            if let (Content::Adpcm, Some(frames @ 1..)) = (packed, fact) {
                info.frames = info.frames.min(countable(path, frames)?);
            }
            return Ok((info, source));
        }
    };
    let stride = (fmt.channels * layout.bytes()) as u64;
    let frames = length.bytes() / stride;
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    let mut notes = Vec::new();
    match length {
        DataLength::Sound { .. } => {}
        DataLength::CutShort { stated, .. } => {
            notes.push(Note::Truncated { stated_frames: stated / stride, found_frames: frames });
        }
        DataLength::Unset { .. } => notes.push(Note::LengthUnset { found_frames: frames }),
    }
    if junk > 0 {
        notes.push(Note::JunkSkipped { bytes: junk });
    }
    notes.extend(left_out(beside.more_data, beside.left_over, stride));
    let info = Info {
        format,
        encoding: layout.encoding(fmt.bits),
        sample_rate_hz: fmt.sample_rate_hz,
        channels: fmt.channels,
        channel_mask: fmt.channel_mask,
        frames: countable(path, frames)?,
        broadcast: beside.broadcast,
        notes,
    };
    Ok((info, Box::new(PcmSource::new(path, file, chunk.start, fmt.channels, layout))))
}

/// What lies behind the samples that are read and may be samples too: further chunks of them and their bytes, and bytes
/// that belong to no chunk.
pub(super) fn left_out(more: (usize, u64), left_over: u64, stride: u64) -> Vec<Note> {
    let (chunks, bytes) = more;
    let mut notes = Vec::new();
    if bytes >= stride {
        notes.push(Note::SoundLeftOut { chunks, frames: bytes / stride });
    }
    // Less than a frame, or than the header of a chunk, is no sound.
    if left_over >= stride.max(8) {
        notes.push(Note::BytesBehind { bytes: left_over, frames: left_over / stride });
    }
    notes
}

/// Opens what is compressed inside of a WAV file.
fn open_packed(
    path: &Path,
    content: Content,
    data: Chunk,
    length: DataLength,
    bytes: u64,
) -> Result<(Info, Box<dyn Source>), FileError> {
    let (start, end, format) = match content {
        Content::Mpeg => (data.start, data.start + length.bytes(), Format::Mpeg),
        _ => (0, bytes, Format::Wav),
    };
    let (info, source) = decoded::open(path, start, end, format)?;
    debug_assert!(matches!(info.encoding, Encoding::Lossy { .. }));
    Ok((info, Box::new(source)))
}

/// How many bytes of audio there really are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataLength {
    /// What the header says is there.
    Sound { bytes: u64 },
    /// The header promises more than there is.
    CutShort { bytes: u64, stated: u64 },
    /// The header says nothing of use.
    Unset { bytes: u64 },
}

impl DataLength {
    fn bytes(self) -> u64 {
        match self {
            DataLength::Sound { bytes }
            | DataLength::CutShort { bytes, .. }
            | DataLength::Unset { bytes } => bytes,
        }
    }
}

fn data_length(chunks: &mut Chunks, data: Chunk, stated: u64, file_bytes: u64) -> io::Result<DataLength> {
    let there = file_bytes - data.start;
    if stated == UNSET {
        return Ok(DataLength::Unset { bytes: there });
    }
    if stated > there {
        return Ok(DataLength::CutShort { bytes: there, stated });
    }
    let end = data.start + stated;
    let followed = chunks.is_boundary(end + stated % 2)? || chunks.is_boundary(end)?;
    // Zero with audio behind it is a recorder that crashed; past 4 GiB it is a size that wrapped around.
    if (stated == 0 || there > UNSET) && !followed {
        return Ok(DataLength::Unset { bytes: there });
    }
    Ok(DataLength::Sound { bytes: stated })
}

/// Microsoft's names for format tags that are met in the wild but not read.
fn tag_name(tag: u16) -> String {
    match tag {
        0x0031 => "GSM speech in WAV".to_owned(),
        0x0092 | 0x2000 => "AC-3 in WAV".to_owned(),
        _ => format!("WAV with format tag {tag:#06x}"),
    }
}

pub(super) fn parse_format(path: &Path, content: &[u8], big_endian: bool) -> Result<FormatChunk, FileError> {
    const PLACE: &str = "the format (fmt) chunk";
    let u16_at = |at: usize| -> Option<u16> {
        let bytes = content.get(at..at + 2)?.try_into().ok()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| -> Option<u32> {
        let bytes = content.get(at..at + 4)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let fields = (u16_at(0), u16_at(2), u32_at(4), u16_at(12), u16_at(14));
    let (Some(mut tag), Some(channels), Some(rate), Some(block_align), Some(container_bits)) = fields else {
        return Err(FileError::damaged(path, PLACE, format!("it has {} bytes instead of 16", content.len())));
    };
    let channels = usize::from(channels);
    let sample_rate_hz = check_shape(path, PLACE, f64::from(rate), channels)?;
    let mut bits = u32::from(container_bits);
    let mut channel_mask = None;
    if tag == 0xfffe {
        // WAVEFORMATEXTENSIBLE: valid bits at 18, then the speaker mask, then a GUID that begins with the tag.
        tag = u16_at(24).ok_or_else(|| FileError::damaged(path, PLACE, "its extension is cut off"))?;
        bits = u16_at(18).map(u32::from).filter(|b| (1..=bits).contains(b)).unwrap_or(bits);
        // A mask that names another number of speakers than there are channels says nothing.
        channel_mask = u32_at(20).filter(|mask| mask.count_ones() as usize == channels);
    }
    let packed = match tag {
        0x0002 | 0x0011 => Some(Content::Adpcm),
        0x0050 | 0x0055 => Some(Content::Mpeg),
        _ => None,
    };
    if let Some(content) = packed {
        return Ok(FormatChunk { channels, sample_rate_hz, bits, channel_mask, content });
    }
    // Samples lie in whole bytes, left-justified; the block size tells when there are more than needed.
    let needed = usize::from(container_bits).div_ceil(8);
    let slot = usize::from(block_align) / channels;
    let whole = usize::from(block_align) == slot * channels && slot >= needed;
    let slot = if whole { slot } else { needed };
    let layout = match tag {
        1 if slot == 1 => Some(Layout::Unsigned8),
        1 => Layout::integer(slot, big_endian),
        3 if container_bits == 32 && slot == 4 => Some(Layout::Float32 { big_endian }),
        3 if container_bits == 64 && slot == 8 => Some(Layout::Float64 { big_endian }),
        6 if slot == 1 => Some(Layout::ALaw),
        7 if slot == 1 => Some(Layout::MuLaw),
        3 | 6 | 7 => None,
        _ => {
            let what = format!("{} is not read; export it as PCM", tag_name(tag));
            return Err(FileError::unsupported(path, what));
        }
    };
    match layout {
        _ if container_bits == 0 => Err(FileError::damaged(path, PLACE, "0 bits per sample")),
        Some(layout) => {
            Ok(FormatChunk { channels, sample_rate_hz, bits, channel_mask, content: Content::Pcm(layout) })
        }
        None => {
            let what = format!("{container_bits}-bit samples (tag {tag}) in {slot} bytes are not read");
            Err(FileError::unsupported(path, what))
        }
    }
}
