//! Lost pages of an Ogg stream (RFC 3533 section 6). A page states where it ends, so that the page behind a lost
//! one can be put on its time; the demuxer lets it begin where the last page it saw had ended, which is early.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use symphonia::core::errors::Result;
use symphonia::core::formats::{FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::Metadata;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

/// The largest page: header, 255 segments of 255 bytes.
const LARGEST_PAGE: usize = 27 + 255 + 255 * 255;

/// One page that is whole.
#[derive(Debug, Clone, Copy)]
struct Page {
    begins_stream: bool,
    ends_stream: bool,
    /// Where its last packet ends, in frames; -1 when none ends on it.
    granule: i64,
    serial: u32,
    sequence: u32,
    bytes: usize,
}

/// One place where pages are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    /// Where the last page before it ended.
    before: i64,
    /// Where the first page behind it ends.
    end: i64,
    /// That page is the last one, which may end inside its last packet.
    is_last: bool,
}

/// What is missing in a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Gaps {
    gaps: Vec<Gap>,
    /// Pages are missing between the headers and the first page with sound.
    first_lost: bool,
}

/// The pages of a file that are whole.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Their bytes: first, and one past the last.
    ranges: Vec<(u64, u64)>,
    streams: BTreeMap<u32, Arc<Gaps>>,
}

/// What is known of a stream while its pages are looked at.
#[derive(Debug, Default)]
struct Looked {
    gaps: Gaps,
    sequence: Option<u32>,
    ended: Option<i64>,
    missing: bool,
    over: bool,
}

impl Looked {
    fn take(&mut self, page: &Page) {
        self.over |= page.begins_stream && self.ended.is_some();
        if self.over {
            return;
        }
        self.missing |= self.sequence.is_some_and(|last| page.sequence.wrapping_sub(last) != 1);
        self.sequence = Some(page.sequence);
        if page.granule <= 0 {
            return;
        }
        match self.ended {
            None => self.gaps.first_lost = self.missing,
            Some(before) if self.missing => {
                self.gaps.gaps.push(Gap { before, end: page.granule, is_last: page.ends_stream });
            }
            Some(_) => {}
        }
        (self.ended, self.missing) = (Some(page.granule), false);
    }
}

/// With more damaged places or streams than this there is no music between them.
const MOST_RANGES: usize = 1 << 16;
const MOST_STREAMS: usize = 64;

impl Pages {
    /// Looks at every page of `file`. `None` when hardly one is whole.
    pub(super) fn of(mut file: File) -> io::Result<Option<Pages>> {
        let mut found = Pages::default();
        let mut streams: BTreeMap<u32, Looked> = BTreeMap::new();
        file.seek(SeekFrom::Start(0))?;
        let mut kept: Vec<u8> = Vec::new();
        // Where `kept` begins in the file, and where the next page is looked for in it.
        let (mut start, mut at, mut more) = (0u64, 0, true);
        loop {
            if more && kept.len() - at < LARGEST_PAGE {
                kept.drain(..at);
                start += at as u64;
                at = 0;
                more = (&mut file).take(1 << 18).read_to_end(&mut kept)? > 0;
            }
            if at >= kept.len() {
                break;
            }
            let Some(page) = page_at(&kept[at..]) else {
                let next = kept[at + 1..].iter().position(|b| *b == b'O');
                at = next.map_or(kept.len(), |n| at + 1 + n);
                continue;
            };
            let first = start + at as u64;
            at += page.bytes;
            match found.ranges.last_mut() {
                Some((_, end)) if *end == first => *end += page.bytes as u64,
                _ => found.ranges.push((first, first + page.bytes as u64)),
            }
            if found.ranges.len() > MOST_RANGES {
                return Ok(None);
            }
            if streams.len() < MOST_STREAMS || streams.contains_key(&page.serial) {
                streams.entry(page.serial).or_default().take(&page);
            }
        }
        found.streams = streams.into_iter().map(|(serial, looked)| (serial, Arc::new(looked.gaps))).collect();
        Ok((!found.ranges.is_empty()).then_some(found))
    }

    /// What is missing in a stream.
    pub(super) fn gaps(&self, serial: u32) -> Arc<Gaps> {
        self.streams.get(&serial).cloned().unwrap_or_default()
    }

    /// A file in which there is nothing but whole pages.
    pub(super) fn whole(&self, file: File) -> WholePages {
        WholePages { file, ranges: self.ranges.clone(), at: 0 }
    }
}

/// The whole pages of a file, as if nothing were between them: demuxers give up on what is.
pub(super) struct WholePages {
    file: File,
    ranges: Vec<(u64, u64)>,
    at: u64,
}

impl WholePages {
    fn length(&self) -> u64 {
        self.ranges.iter().map(|(first, end)| end - first).sum()
    }
}

impl Read for WholePages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut before = 0;
        for (first, end) in &self.ranges {
            let length = end - first;
            if self.at < before + length {
                let inside = self.at - before;
                self.file.seek(SeekFrom::Start(first + inside))?;
                let read = (&mut self.file).take(length - inside).read(buffer)?;
                self.at += read as u64;
                return Ok(read);
            }
            before += length;
        }
        Ok(0)
    }
}

impl Seek for WholePages {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(byte) => byte,
            SeekFrom::End(back) => self.length().saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

impl MediaSource for WholePages {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length())
    }
}

impl Gaps {
    /// Whether the stream as it is begins later than it once did.
    pub(super) fn is_first_lost(&self) -> bool {
        self.first_lost
    }

    /// Where the last page before the stream's last one ends, when pages are missing between them.
    pub(super) fn before_last_page(&self) -> Option<i64> {
        self.gaps.last().filter(|gap| gap.is_last).map(|gap| gap.before)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// The page at the start of `bytes`, when its checksum is right.
fn page_at(bytes: &[u8]) -> Option<Page> {
    let header = bytes.get(..27).filter(|h| h.starts_with(b"OggS\0"))?;
    let segments = bytes.get(27..27 + usize::from(header[26]))?;
    let length = 27 + segments.len() + segments.iter().map(|s| usize::from(*s)).sum::<usize>();
    let whole = bytes.get(..length)?;
    let sum = whole.iter().enumerate().fold(0u32, |sum, (n, byte)| {
        let byte = if (22..26).contains(&n) { 0 } else { *byte };
        sum << 8 ^ CRC[usize::from((sum >> 24) as u8 ^ byte)]
    });
    let word = |at: usize| Some(u32::from_le_bytes(*header.get(at..)?.first_chunk()?));
    (sum == word(22)?).then_some(Page {
        begins_stream: header[5] & 2 != 0,
        ends_stream: header[5] & 4 != 0,
        granule: i64::from_le_bytes(*header.get(6..)?.first_chunk()?),
        serial: word(14)?,
        sequence: word(18)?,
        bytes: length,
    })
}

/// The generator of RFC 3533 section 6: 0x04c11db7, most significant bit first.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut sum = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ if sum & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[n] = sum;
        n += 1;
    }
    table
};

/// A demuxer whose packets behind a gap are put on their time.
pub(super) struct Mended {
    inner: Box<dyn FormatReader>,
    gaps: Arc<Gaps>,
    /// Packets with their right time.
    ready: VecDeque<Packet>,
    /// Packets of the page behind a gap, until its last one is known.
    waiting: Vec<Packet>,
    gap: Option<Gap>,
    /// The demuxer's own end, kept until the packets before it are given.
    ended: bool,
}

/// Longer than what any demuxer reads before the place it is asked for, in frames.
const LONGEST_PREROLL: i64 = 16_384;

/// More packets than this are not on one page: 255 segments.
const MOST_ON_A_PAGE: usize = 255;

impl Mended {
    pub(super) fn new(inner: Box<dyn FormatReader>, gaps: Arc<Gaps>) -> Mended {
        Mended { inner, gaps, ready: VecDeque::new(), waiting: Vec::new(), gap: None, ended: false }
    }

    /// Shifts what waits so that it ends where its page does.
    fn release(&mut self) {
        let Some(gap) = self.gap.take() else { return };
        let end = self.waiting.last().map_or(gap.end, |p| p.pts.get().saturating_add(full_length(p)));
        let mut late = gap.end.saturating_sub(end).max(0);
        if gap.is_last {
            late = late.saturating_add(cut_off(&self.waiting, late));
        }
        for mut packet in self.waiting.drain(..) {
            let length = full_length(&packet);
            let time = packet.pts.get().saturating_add(late);
            packet.pts = Timestamp::new(time);
            let beyond = (time + length - gap.end).clamp(0, length) as u64;
            packet.trim_end = Duration::from(beyond.min(packet.dur.get()));
            packet.dur = packet.dur.saturating_sub(packet.trim_end);
            self.ready.push_back(packet);
        }
    }
}

/// How many frames the last page cuts off its last packet, when it comes `late` behind a gap. Nothing says so, but
/// packets of one length stand on a grid, and the gap is a multiple of it.
fn cut_off(packets: &[Packet], late: i64) -> i64 {
    let lengths = packets.iter().skip(1).map(full_length);
    let grid = lengths.fold(0, |mut a, mut b| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    });
    if grid > 0 { (grid - late % grid) % grid } else { 0 }
}

fn full_length(packet: &Packet) -> i64 {
    i64::try_from(packet.block_dur().get()).unwrap_or(0)
}

impl FormatReader for Mended {
    fn format_info(&self) -> &FormatInfo {
        self.inner.format_info()
    }

    fn media_info(&self) -> &MediaInfo {
        self.inner.media_info()
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.inner.metadata()
    }

    fn tracks(&self) -> &[Track] {
        self.inner.tracks()
    }

    fn seek(&mut self, mode: SeekMode, to: SeekTo) -> Result<SeekedTo> {
        self.ready.clear();
        self.waiting.clear();
        (self.gap, self.ended) = (None, false);
        let SeekTo::Timestamp { ts, track_id } = to else { return self.inner.seek(mode, to) };
        // The demuxer's times behind a gap are wrong in a seek as well: it is crossed from in front.
        let near = |gap: &&Gap| (gap.before..gap.end.saturating_add(LONGEST_PREROLL)).contains(&ts.get());
        let before = self.gaps.gaps.iter().find(near).map_or(ts.get(), |gap| gap.before - 1);
        self.inner.seek(mode, SeekTo::Timestamp { ts: Timestamp::new(before), track_id })
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.ready.pop_front() {
                return Ok(Some(packet));
            }
            if self.ended {
                return Ok(None);
            }
            let next = self.inner.next_packet();
            let Ok(Some(packet)) = next else {
                // The end and errors alike come after the packets that wait.
                self.release();
                if self.ready.is_empty() {
                    return next;
                }
                self.ended = true;
                continue;
            };
            let time = packet.pts.get();
            if self.gap.is_some_and(|gap| time >= gap.end) || self.waiting.len() >= MOST_ON_A_PAGE {
                self.release();
            }
            if self.gap.is_none() {
                self.gap = self.gaps.gaps.iter().find(|gap| gap.before == time).copied();
            }
            if self.gap.is_some() {
                self.waiting.push(packet);
            } else {
                self.ready.push_back(packet);
            }
        }
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.inner.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The sum is taken bit by bit here, as RFC 3533 describes it.
    #[test]
    fn a_page_is_known_by_its_checksum() {
        let mut page = b"OggS\0\x02\x09\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\x01\x03abc".to_vec();
        let sum = page.iter().fold(0u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte) << 24, |s, _| {
                s << 1 ^ if s & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 }
            })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        let found = page_at(&page).unwrap();
        assert_eq!((found.granule, found.serial, found.bytes, found.begins_stream), (9, 7, 31, true));
        page[30] ^= 1;
        assert!(page_at(&page).is_none());
    }
}
