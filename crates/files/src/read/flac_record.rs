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
    each_block(file, start, |_, _, _| Ok(()))
}

/// Reads the record of a FLAC file that begins at byte `start`.
pub(super) fn read(mut file: File, start: u64, channels: usize) -> io::Result<Broadcast> {
    let mut record = Record::default();
    each_block(&mut file, start, |kind, bytes, file| {
        if kind == APPLICATION {
            let mut content = Vec::new();
            file.take(bytes.min(MOST_XML)).read_to_end(&mut content)?;
            take(&content, &mut record);
        }
        Ok(())
    })?;
    Ok(record.finish(channels))
}

/// Gives every block of metadata to `see`: its kind, its bytes, and the file where they begin. Returns the byte behind the last
/// block, `None` where none says that it is the last.
fn each_block(
    file: &mut File,
    start: u64,
    mut see: impl FnMut(u8, u64, &mut File) -> io::Result<()>,
) -> io::Result<Option<u64>> {
    let mut at = start + 4;
    for _ in 0..MOST_BLOCKS {
        let mut header = [0; 4];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut header).is_err() {
            break;
        }
        let bytes = u64::from(u32::from_be_bytes(header) & 0xff_ffff);
        see(header[0] & 0x7f, bytes, file)?;
        at += 4 + bytes;
        if header[0] & 0x80 != 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
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
