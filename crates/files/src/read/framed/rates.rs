//! The bit rates of a stream of MPEG audio frames.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::super::sniff::id3_length;
use super::LONGEST_FRAME;
use super::mpeg::{self, Header};
use crate::error::FileError;

/// The first frame is searched for this far.
const FURTHEST_START: u64 = 1 << 20;

/// The lowest and the highest bit rate of the frames of an MPEG audio file, in kilobits per second; equal where it is
/// constant. The frame that holds the tag of an encoder does not count. `None` where there are no such frames.
///
/// # Errors
/// When the file cannot be read.
pub fn mpeg_bit_rates_kbps(path: impl AsRef<Path>) -> Result<Option<(u32, u32)>, FileError> {
    let path = path.as_ref();
    let failed = |error| FileError::io(path, "read it", error);
    let mut file = BufReader::new(File::open(path).map_err(|e| FileError::io(path, "open it", e))?);
    let mut head = [0u8; 10];
    let got = fill(&mut file, &mut head).map_err(failed)?;
    let start = id3_length(&head[..got]).unwrap_or(0);
    let (mut first, mut found): (Option<Header>, Option<(u32, u32)>) = (None, None);
    let mut lost = 0u64;
    let mut frame = vec![0u8; LONGEST_FRAME];
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    loop {
        let got = fill(&mut file, &mut frame[..4]).map_err(failed)?;
        if got < 4 {
            return Ok(found);
        }
        let Some(header) = Header::parse(&frame[..4]).filter(|h| first.is_none_or(|f| h.is_like(&f))) else {
            // Byte by byte to the next frame; what has none within reach is no stream.
            lost += 1;
            if first.is_none() && lost > FURTHEST_START {
                return Ok(None);
            }
            file.seek_relative(-3).map_err(failed)?;
            continue;
        };
        let bytes = header.head().bytes;
        let got = fill(&mut file, &mut frame[4..bytes]).map_err(failed)?;
        let is_tag = first.is_none() && mpeg::tag(&frame[..4 + got]).is_some();
        first.get_or_insert(header);
        if !is_tag {
            let kbps = header.kbps();
            found = Some(found.map_or((kbps, kbps), |(low, high)| (low.min(kbps), high.max(kbps))));
        }
    }
}

/// Reads until `bytes` are full or the file ends.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < bytes.len() {
        match file.read(&mut bytes[got..])? {
            0 => break,
            more => got += more,
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of layer III of MPEG-1 at 44.1 kHz, stereo, without padding, at a place of the table (clause 2.4.2.3):
    /// 9 is 128 kbit/s with 417 bytes, 11 is 192 kbit/s with 626, 14 is 320 kbit/s with 1044.
    fn frame(index: u8) -> Vec<u8> {
        let bytes = [(9, 417), (11, 626), (14, 1044)].iter().find(|(i, _)| *i == index).unwrap().1;
        let mut frame = vec![0xff, 0xfb, index << 4, 0];
        frame.resize(bytes, 0);
        frame
    }

    fn rates(parts: &[Vec<u8>]) -> Option<(u32, u32)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), parts.concat()).unwrap();
        mpeg_bit_rates_kbps(file.path()).unwrap()
    }

    // Finds a mean that is taken for constant, a tag that counts, and junk that ends the search.
    #[test]
    fn every_frame_counts_but_that_of_the_tag() {
        assert_eq!(rates(&[frame(11), frame(11), frame(11)]), Some((192, 192)));
        assert_eq!(rates(&[frame(11), frame(9), frame(14)]), Some((128, 320)));
        let mut tag = frame(9);
        tag[36..40].copy_from_slice(b"Info");
        assert_eq!(rates(&[tag.clone(), frame(14), frame(14)]), Some((320, 320)));
        let id3 = b"ID3\x04\0\0\0\0\0\x05abcde".to_vec();
        assert_eq!(rates(&[id3, frame(11), b"junk".to_vec(), frame(11)]), Some((192, 192)));
        // A last frame that is cut off still says its rate.
        assert_eq!(rates(&[frame(11), frame(9)[..100].to_vec()]), Some((128, 192)));
        assert_eq!(rates(&[b"no frames here".to_vec()]), None);
        assert_eq!(rates(&[Vec::new()]), None);
    }
}
