//! Uncompressed sound in Core Audio files (Apple, Core Audio Format specification 1.0): chunks with sizes of 64
//! bits. What is compressed goes to the demuxer.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::pcm::{Layout, PcmSource};
use super::{check_shape, countable};
use crate::error::FileError;
use crate::info::{Broadcast, Format, Info};
use crate::note::Note;

const PLACE: &str = "the desc chunk";

/// Files with more chunks than this are hostile, not large.
const MOST_CHUNKS: usize = 10_000;

/// What the description says of samples; `None` when they are compressed.
struct Description {
    sample_rate_hz: u32,
    channels: usize,
    bits: u32,
    layout: Layout,
}

/// Opens a CAF file of `bytes` when its sound is not compressed.
pub(super) fn open_pcm(path: &Path, bytes: u64) -> Result<Option<(Info, PcmSource)>, FileError> {
    let failed = |e: io::Error| FileError::io(path, "read it", e);
    let mut file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let mut description = None;
    let mut at = 8u64;
    for _ in 0..MOST_CHUNKS {
        if at.saturating_add(12) > bytes {
            break;
        }
        let mut header = [0; 12];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut header)).map_err(failed)?;
        let [a, b, c, d, size @ ..] = header;
        let (start, size) = (at + 12, i64::from_be_bytes(size));
        match &[a, b, c, d] {
            b"desc" => {
                let mut content = Vec::new();
                (&file).take(32).read_to_end(&mut content).map_err(failed)?;
                let Some(found) = parse_description(path, &content)? else { return Ok(None) };
                description = Some(found);
            }
            b"data" => {
                let missing =
                    || FileError::damaged(path, "the header", "there is no desc chunk before the sound");
                let info = description.take().ok_or_else(missing)?;
                return finish(path, file, bytes, info, start, size).map(Some);
            }
            _ => {}
        }
        // Only the size of the sound may be unknown; another that is negative is none.
        let Ok(size) = u64::try_from(size) else { break };
        at = start.saturating_add(size);
    }
    Ok(None)
}

fn finish(
    path: &Path,
    file: File,
    bytes: u64,
    of: Description,
    start: u64,
    size: i64,
) -> Result<(Info, PcmSource), FileError> {
    // The first four bytes count the edits.
    let start = start + 4;
    let stride = (of.channels * of.layout.bytes()) as u64;
    let there = bytes.saturating_sub(start) / stride;
    let mut notes = Vec::new();
    let frames = match u64::try_from(size) {
        // -1 stands for "up to the end", which recorders write while they record.
        Err(_) => there,
        Ok(size) => {
            let stated_frames = size.saturating_sub(4) / stride;
            if stated_frames > there {
                notes.push(Note::Truncated { stated_frames, found_frames: there });
            }
            stated_frames.min(there)
        }
    };
    if frames == 0 {
        return Err(FileError::Empty { path: path.to_owned(), bytes });
    }
    let info = Info {
        format: Format::Caf,
        encoding: of.layout.encoding(of.bits),
        sample_rate_hz: of.sample_rate_hz,
        channels: of.channels,
        channel_mask: None,
        frames: countable(path, frames)?,
        broadcast: Broadcast::default(),
        notes,
    };
    Ok((info, PcmSource::new(path, file, start, of.channels, of.layout)))
}

/// CAFAudioFormat: rate, codec, flags (1: floating point, 2: little-endian), bytes and frames of a packet,
/// channels, bits.
fn parse_description(path: &Path, content: &[u8]) -> Result<Option<Description>, FileError> {
    let word =
        |at: usize| content.get(at..).and_then(|c| c.first_chunk::<4>()).map(|b| u32::from_be_bytes(*b));
    let fields = (content.first_chunk::<8>(), word(12), word(16), word(20), word(24), word(28));
    let (Some(rate), Some(flags), Some(packet), Some(frames), Some(channels), Some(bits)) = fields else {
        return Err(FileError::damaged(path, PLACE, "the file ends inside it"));
    };
    let codec = &content[8..12];
    if ![b"lpcm".as_slice(), b"alaw", b"ulaw"].contains(&codec) {
        return Ok(None);
    }
    let channels = channels as usize;
    let sample_rate_hz = check_shape(path, PLACE, f64::from_be_bytes(*rate), channels)?;
    let big_endian = flags & 2 == 0;
    let slot = if frames == 1 { packet as usize / channels } else { 0 };
    let whole = slot * channels == packet as usize && slot * 8 >= bits as usize;
    let layout = match (codec, flags & 1, slot) {
        _ if !whole => None,
        (b"alaw", _, 1) => Some(Layout::ALaw),
        (b"ulaw", _, 1) => Some(Layout::MuLaw),
        (b"lpcm", 0, slot) => Layout::integer(slot, big_endian),
        (b"lpcm", 1, 4) => Some(Layout::Float32 { big_endian }),
        (b"lpcm", 1, 8) => Some(Layout::Float64 { big_endian }),
        _ => None,
    };
    match layout {
        Some(layout) => Ok(Some(Description { sample_rate_hz, channels, bits, layout })),
        None => {
            let what = format!("{bits}-bit samples in {packet} bytes a frame are not read; export it as WAV");
            Err(FileError::unsupported(path, what))
        }
    }
}
