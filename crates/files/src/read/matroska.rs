//! What the demuxer for Matroska and WebM leaves out: how much of the last packet is not heard (RFC 9559,
//! DiscardPadding), without which Opus ends late.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const BLOCK_GROUP: u64 = 0xa0;
const DISCARD_PADDING: u64 = 0x75a2;

/// Elements looked at: an hour of packets of 20 ms has 200,000 blocks.
const MOST_ELEMENTS: usize = 10_000_000;

/// A number of variable length (RFC 8794 section 4); `None` at the end of the file and for one that is malformed.
/// The marker stays in an id and goes from a size.
fn number(file: &mut impl Read, keep_marker: bool) -> Option<u64> {
    let mut first = [0];
    file.read_exact(&mut first).ok()?;
    let length = first[0].leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let mut rest = [0; 7];
    file.read_exact(&mut rest[..length - 1]).ok()?;
    let marker = 1u64 << (8 - length);
    let first = u64::from(first[0]) & if keep_marker { u64::MAX } else { marker - 1 };
    Some(rest[..length - 1].iter().fold(first, |value, byte| value << 8 | u64::from(*byte)))
}

/// Nanoseconds that are cut off the end of the last packet; 0 when the file says nothing.
pub(super) fn discarded_end_ns(file: File) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut discarded = 0;
    for _ in 0..MOST_ELEMENTS {
        let (Some(id), Some(size)) = (number(&mut file, true), number(&mut file, false)) else { break };
        match id {
            // Into these, rather than past them; their sizes may be unknown.
            SEGMENT | CLUSTER => {}
            // A group without the element has a packet that is heard whole.
            BLOCK_GROUP => discarded = 0,
            DISCARD_PADDING if (1..=8).contains(&size) => {
                let mut value = [0; 8];
                file.read_exact(&mut value[8 - size as usize..])?;
                // Negative values cut the front.
                let shift = 64 - 8 * size as u32;
                discarded = u64::try_from((u64::from_be_bytes(value) << shift) as i64 >> shift).unwrap_or(0);
            }
            _ => {
                // SimpleBlock.
                if id == 0xa3 {
                    discarded = 0;
                }
                let here = file.stream_position()?;
                if here.saturating_add(size) > bytes {
                    break;
                }
                match i64::try_from(size) {
                    Ok(size) => file.seek_relative(size)?,
                    Err(_) => break,
                }
            }
        }
    }
    Ok(discarded)
}

/// The same in frames.
pub(super) fn discarded_end(path: &std::path::Path, sample_rate_hz: u32) -> u64 {
    let ns = File::open(path).and_then(discarded_end_ns).unwrap_or(0);
    (u128::from(ns) * u128::from(sample_rate_hz) / 1_000_000_000).try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_examples_of_the_standard() {
        // RFC 8794 section 4.4: the number 2 in one to four octets.
        for octets in [&[0x82u8][..], &[0x40, 2], &[0x20, 0, 2], &[0x10, 0, 0, 2]] {
            assert_eq!(number(&mut &octets[..], false), Some(2), "{octets:?}");
        }
        assert_eq!(number(&mut &[0x1a, 0x45, 0xdf, 0xa3][..], true), Some(0x1a45_dfa3));
        assert_eq!(number(&mut &[0u8][..], false), None);
        assert_eq!(number(&mut &[0x40u8][..], false), None);
    }
}
