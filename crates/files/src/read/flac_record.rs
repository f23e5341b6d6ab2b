//! What a recorder wrote down beside the sound, in FLAC: APPLICATION blocks (RFC 9639 section 8.4) with a chunk of the
//! WAVE file it was made from (`riff`, as the `flac` program keeps them), or with iXML (`iXML`).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::broadcast::{MOST_XML, Record};
use crate::info::Broadcast;

const APPLICATION: u8 = 2;

/// Files with more blocks of metadata than this are hostile, not large.
const MOST_BLOCKS: usize = 1_000;

/// The byte at which the frames of a FLAC file begin that begins itself at byte `start`; `None` where its metadata never end.
pub(super) fn end_of_metadata(file: &mut File, start: u64) -> io::Result<Option<u64>> {
    let mut at = start + 4;
    for _ in 0..MOST_BLOCKS {
        let mut header = [0; 4];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut header).is_err() {
            break;
        }
        at += 4 + u64::from(u32::from_be_bytes(header) & 0xff_ffff);
        if header[0] & 0x80 != 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Reads the record of a FLAC file that begins at byte `start`.
pub(super) fn read(mut file: File, start: u64, channels: usize) -> io::Result<Broadcast> {
    let mut record = Record::default();
    let mut at = start + 4;
    for _ in 0..MOST_BLOCKS {
        let mut header = [0; 4];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut header).is_err() {
            break;
        }
        let [kind, rest @ ..] = header;
        let bytes = u64::from(u32::from_be_bytes([0, rest[0], rest[1], rest[2]]));
        if kind & 0x7f == APPLICATION {
            let mut content = Vec::new();
            (&file).take(bytes.min(MOST_XML)).read_to_end(&mut content)?;
            take(&content, &mut record);
        }
        at += 4 + bytes;
        if kind & 0x80 != 0 {
            break;
        }
    }
    Ok(record.finish(channels))
}

fn take(block: &[u8], record: &mut Record) {
    let Some((id, content)) = block.split_first_chunk::<4>() else { return };
    match (id, content.first_chunk::<4>(), content.get(8..)) {
        (b"iXML", ..) => record.take_ixml(content),
        (b"riff", Some(b"bext"), Some(chunk)) => record.take_bext(chunk),
        (b"riff", Some(b"iXML"), Some(chunk)) => record.take_ixml(chunk),
        _ => {}
    }
}
