//! The last pages of an Ogg stream (RFC 3533 section 6).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Two pages of the largest size (65,307 bytes) and a half.
const TAIL_BYTES: u64 = 163_840;

/// The granule position at which the last page begins: where the page before it ends. `None` when the last
/// part of the file does not hold two pages.
///
/// A page states where it ends, and the last one may end inside its last packet. Its beginning cannot be had by
/// counting back, so a seek must land before it.
pub(super) fn last_page_start(file: &mut File, bytes: u64) -> Option<i64> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES))).ok()?;
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    let mut ends = Vec::new();
    for at in 0..tail.len().saturating_sub(27) {
        let Some(page) = tail.get(at..at + 27).filter(|p| p.starts_with(b"OggS\0")) else { continue };
        let end = i64::from_le_bytes(*page.get(6..)?.first_chunk()?);
        // -1 marks a page on which no packet ends.
        if end >= 0 {
            ends.push(end);
        }
    }
    ends.iter().rev().nth(1).copied().filter(|start| *start > 0)
}
