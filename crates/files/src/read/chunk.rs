//! The chunks of RIFF and IFF files: four letters, a size, content, a byte of padding when the size is odd.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// A chunk's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) id: [u8; 4],
    /// The byte its content begins with.
    pub(super) start: u64,
    /// As the header states it, which may be wrong.
    pub(super) stated: u64,
}

/// A file made of chunks, with its true length.
pub(super) struct Chunks<'a> {
    file: &'a mut File,
    bytes: u64,
    big_endian: bool,
    next: u64,
    /// Whether the chunk before had an odd size, after which some writers forget the padding.
    after_odd: bool,
    seen: usize,
    /// Bytes between chunks that belong to none.
    pub(super) junk: u64,
}

/// Files with more chunks than this are hostile, not large: real ones have a few dozen.
const MOST_CHUNKS: usize = 100_000;

/// How far the next chunk is searched for after junk.
const SEARCH_BYTES: u64 = 1 << 16;

impl<'a> Chunks<'a> {
    /// The chunks from byte `first` to the end of a file of `bytes`.
    pub(super) fn new(file: &'a mut File, bytes: u64, first: u64, big_endian: bool) -> Chunks<'a> {
        Chunks { file, bytes, big_endian, next: first, after_odd: false, seen: 0, junk: 0 }
    }

    /// The next chunk, or `None` at the end. `wanted` are the ids that are looked for behind junk.
    pub(super) fn next(&mut self, wanted: &[&[u8; 4]]) -> io::Result<Option<Chunk>> {
        self.seen += 1;
        if self.seen > MOST_CHUNKS {
            return Ok(None);
        }
        let mut found = self.header_at(self.next)?;
        if found.is_none() && self.after_odd {
            found = self.header_at(self.next - 1)?;
        }
        if found.is_none() {
            found = self.search(wanted)?;
        }
        if let Some(chunk) = found {
            self.continue_after(chunk, chunk.stated);
        }
        Ok(found)
    }

    /// Makes the walk go on behind a chunk whose true size is `size`.
    pub(super) fn continue_after(&mut self, chunk: Chunk, size: u64) {
        self.after_odd = size % 2 == 1;
        self.next = chunk.start.saturating_add(size).saturating_add(size % 2);
    }

    /// Whether a chunk could begin at this byte, or the file ends there.
    pub(super) fn is_boundary(&mut self, byte: u64) -> io::Result<bool> {
        Ok(byte >= self.bytes || self.header_at(byte)?.is_some())
    }

    /// Up to `most` bytes of a chunk's content; fewer when chunk or file are shorter.
    pub(super) fn content(&mut self, chunk: Chunk, most: usize) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(chunk.start))?;
        let mut content = Vec::new();
        (&mut *self.file).take(chunk.stated.min(most as u64)).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Bytes behind the last chunk that belong to none; 0 when they are zeros, as blocks of a disk are filled up with.
    pub(super) fn left_over(&mut self) -> io::Result<u64> {
        let left = self.bytes.saturating_sub(self.next);
        let mut first = Vec::new();
        self.file.seek(SeekFrom::Start(self.next))?;
        (&mut *self.file).take(left.min(SEARCH_BYTES)).read_to_end(&mut first)?;
        Ok(if first.iter().all(|b| *b == 0) { 0 } else { left })
    }

    fn header_at(&mut self, byte: u64) -> io::Result<Option<Chunk>> {
        if byte.saturating_add(8) > self.bytes {
            return Ok(None);
        }
        let mut header = [0; 8];
        self.file.seek(SeekFrom::Start(byte))?;
        self.file.read_exact(&mut header)?;
        let [a, b, c, d, size @ ..] = header;
        let id = [a, b, c, d];
        let readable = id.iter().all(|c| (0x20..0x7f).contains(c));
        let stated = if self.big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
        Ok(readable.then_some(Chunk { id, start: byte + 8, stated: stated.into() }))
    }

    /// Looks for one of the wanted ids a little further on.
    fn search(&mut self, wanted: &[&[u8; 4]]) -> io::Result<Option<Chunk>> {
        if self.next.saturating_add(8) > self.bytes {
            return Ok(None);
        }
        let mut window = Vec::new();
        self.file.seek(SeekFrom::Start(self.next))?;
        (&mut *self.file).take(SEARCH_BYTES).read_to_end(&mut window)?;
        let place = window.windows(4).position(|w| wanted.iter().any(|id| w == *id));
        let Some(place) = place else { return Ok(None) };
        self.junk += place as u64;
        self.header_at(self.next + place as u64)
    }
}
