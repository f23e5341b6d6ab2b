//! MPEG-4 files of one sound track (ISO/IEC 14496-12 and -14): sound first, then what is needed to read it.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::WriteSpec;
use crate::atomic::PendingFile;
use crate::error::FileError;

/// Packets of one chunk: about a second.
const CHUNK_PACKETS: usize = 16;
/// Where the size of the `mdat` box stands, and its content.
const FILE_TYPE: &[u8] = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0";
const MEDIA_AT: u64 = FILE_TYPE.len() as u64;

/// What is sound in a track that has more frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gap {
    /// Frames before the sound.
    pub(crate) delay: u64,
    /// Frames of sound.
    pub(crate) frames: u64,
}

/// A file being written.
#[derive(Debug)]
pub(crate) struct Mp4 {
    out: BufWriter<PendingFile>,
    /// Bytes of each packet.
    sizes: Vec<u32>,
    /// Number of packets and frames of each, where neighbours have the same.
    durations: Vec<(u32, u32)>,
    /// Where chunks begin.
    chunks: Vec<u64>,
    position: u64,
}

impl Mp4 {
    /// Begins it.
    pub(crate) fn begin(pending: PendingFile) -> Result<Mp4, FileError> {
        let mut mp4 = Mp4 {
            out: BufWriter::new(pending),
            sizes: Vec::new(),
            durations: Vec::new(),
            chunks: Vec::new(),
            position: 0,
        };
        mp4.put(FILE_TYPE)?;
        // The size is known at the end, and may need 64 bits.
        mp4.put(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0")?;
        Ok(mp4)
    }

    /// The file's name to be.
    pub(crate) fn target(&self) -> &Path {
        self.out.get_ref().target()
    }

    /// Bytes of sound so far.
    pub(crate) fn media_bytes(&self) -> u64 {
        self.position - MEDIA_AT - 16
    }

    /// Appends a packet that holds `frames` frames.
    pub(crate) fn packet(&mut self, packet: &[u8], frames: u32) -> Result<(), FileError> {
        if self.sizes.len().is_multiple_of(CHUNK_PACKETS) {
            self.chunks.push(self.position);
        }
        self.sizes.push(packet.len() as u32);
        match self.durations.last_mut() {
            Some((count, same)) if *same == frames => *count += 1,
            _ => self.durations.push((1, frames)),
        }
        self.put(packet)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.out
            .write_all(bytes)
            .map_err(|e| FileError::io(self.out.get_ref().target(), "write to it", e))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Completes the file, which still has its temporary name. `entry` is the box that describes the sound; what is not
    /// in `gap` is cut off by an edit list and, for players that know only that, by iTunes' comment.
    pub(crate) fn finish(mut self, rate_hz: u32, entry: &[u8], gap: Gap) -> Result<PendingFile, FileError> {
        let media_bytes = self.position - MEDIA_AT;
        let padding = self.end_with_sound(gap);
        let movie = self.movie(rate_hz, entry, gap, padding);
        self.put(&movie)?;
        let target = self.target().to_owned();
        let failed = |e| FileError::io(&target, "write to it", e);
        let mut pending = self.out.into_inner().map_err(|e| failed(e.into_error()))?;
        let file = pending.file();
        file.seek(SeekFrom::Start(MEDIA_AT + 8)).map_err(failed)?;
        file.write_all(&media_bytes.to_be_bytes()).map_err(failed)?;
        Ok(pending)
    }

    fn frames(&self) -> u64 {
        self.durations.iter().map(|(count, each)| u64::from(*count) * u64::from(*each)).sum()
    }

    /// Lets the last packet end with the sound, for players that go by durations, and gives the frames cut off so.
    fn end_with_sound(&mut self, gap: Gap) -> u64 {
        let padding = self.frames().saturating_sub(gap.delay + gap.frames);
        if let Some((count, each)) = self.durations.last_mut().filter(|(_, each)| u64::from(*each) > padding)
        {
            let last = *each - padding as u32;
            *count -= 1;
            self.durations.push((1, last));
            self.durations.retain(|(count, _)| *count > 0);
        }
        padding
    }

    fn movie(&self, rate_hz: u32, entry: &[u8], gap: Gap, padding: u64) -> Vec<u8> {
        let frames = self.frames();
        let mut moov = movie_header(rate_hz, gap.frames);
        let mut trak = track_header(gap.frames);
        trak.extend(edit_list(gap));
        let mut mdia = media_header(rate_hz, frames);
        mdia.extend(full(b"hdlr", 0, &[b"\0\0\0\0soun", &[0; 12][..], b"Sound\0"].concat()));
        let mut minf = full(b"smhd", 0, &[0; 4]);
        let reference = full(b"dref", 0, &[&1u32.to_be_bytes()[..], &full_flags(b"url ", 1)].concat());
        minf.extend(boxed(b"dinf", &reference));
        minf.extend(boxed(b"stbl", &self.sample_table(entry)));
        mdia.extend(boxed(b"minf", &minf));
        trak.extend(boxed(b"mdia", &mdia));
        moov.extend(boxed(b"trak", &trak));
        // Tags stand behind the track, where readers look for free-form ones: whoever writes some finds their place here.
        moov.extend(boxed(b"udta", &tag_list(gap, padding)));
        boxed(b"moov", &moov)
    }

    fn sample_table(&self, entry: &[u8]) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let count = |n: usize| n as u32;
        let mut table = full(b"stsd", 0, &[&words(&[1])[..], entry].concat());
        let mut times = words(&[count(self.durations.len())]);
        times.extend(self.durations.iter().flat_map(|(packets, frames)| words(&[*packets, *frames])));
        table.extend(full(b"stts", 0, &times));
        let rest = self.sizes.len() % CHUNK_PACKETS;
        let whole = self.sizes.len() / CHUNK_PACKETS;
        let mut runs = Vec::new();
        if whole > 0 {
            runs.extend([1, CHUNK_PACKETS as u32, 1]);
        }
        if rest > 0 {
            runs.extend([count(whole) + 1, count(rest), 1]);
        }
        table.extend(full(b"stsc", 0, &[words(&[count(runs.len() / 3)]), words(&runs)].concat()));
        table.extend(full(b"stsz", 0, &[words(&[0, count(self.sizes.len())]), words(&self.sizes)].concat()));
        let mut places = words(&[count(self.chunks.len())]);
        if self.position <= u64::from(u32::MAX) {
            places.extend(self.chunks.iter().flat_map(|c| (*c as u32).to_be_bytes()));
            table.extend(full(b"stco", 0, &places));
        } else {
            places.extend(self.chunks.iter().flat_map(|c| c.to_be_bytes()));
            table.extend(full(b"co64", 0, &places));
        }
        table
    }
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut all = (content.len() as u32 + 8).to_be_bytes().to_vec();
    all.extend(kind);
    all.extend(content);
    all
}

/// A box with a version and no flags.
fn full(kind: &[u8; 4], version: u8, content: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], content].concat())
}

/// A box of flags alone.
fn full_flags(kind: &[u8; 4], flags: u32) -> Vec<u8> {
    boxed(kind, &flags.to_be_bytes())
}

/// The matrix that turns nothing.
const UPRIGHT: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

fn upright() -> Vec<u8> {
    UPRIGHT.iter().flat_map(|w| w.to_be_bytes()).collect()
}

/// Times count in frames, so that every length is exact. Dates stay zero: the same sound gives the same file.
fn movie_header(rate_hz: u32, frames: u64) -> Vec<u8> {
    let mut head = vec![0; 16];
    head.extend(rate_hz.to_be_bytes());
    head.extend(frames.to_be_bytes());
    head.extend(0x10000u32.to_be_bytes());
    head.extend([1, 0]);
    head.extend([0; 10]);
    head.extend(upright());
    head.extend([0; 24]);
    head.extend(2u32.to_be_bytes());
    full(b"mvhd", 1, &head)
}

fn track_header(frames: u64) -> Vec<u8> {
    let mut head = vec![1, 0, 0, 7];
    head.extend([0; 16]);
    head.extend(1u32.to_be_bytes());
    head.extend([0; 4]);
    head.extend(frames.to_be_bytes());
    head.extend([0; 8 + 4]);
    head.extend([1, 0, 0, 0]);
    head.extend(upright());
    head.extend([0; 8]);
    boxed(b"tkhd", &head)
}

fn media_header(rate_hz: u32, frames: u64) -> Vec<u8> {
    let mut head = vec![0; 16];
    head.extend(rate_hz.to_be_bytes());
    head.extend(frames.to_be_bytes());
    // "und": no language.
    head.extend([0x55, 0xc4, 0, 0]);
    full(b"mdhd", 1, &head)
}

fn edit_list(gap: Gap) -> Vec<u8> {
    let mut list = 1u32.to_be_bytes().to_vec();
    list.extend(gap.frames.to_be_bytes());
    list.extend(gap.delay.to_be_bytes());
    list.extend([0, 1, 0, 0]);
    boxed(b"edts", &full(b"elst", 1, &list))
}

/// The list of tags: empty, but for where the sound begins where that is not at once.
fn tag_list(gap: Gap, padding: u64) -> Vec<u8> {
    let said = if gap.delay > 0 || padding > 0 { gapless_comment(gap, padding) } else { Vec::new() };
    let handler = full(b"hdlr", 0, &[b"\0\0\0\0mdirappl", &[0; 9][..]].concat());
    full(b"meta", 0, &[handler, boxed(b"ilst", &said)].concat())
}

/// `iTunSMPB`: delay, padding and frames in hexadecimal, and nine words that are zero.
fn gapless_comment(gap: Gap, padding: u64) -> Vec<u8> {
    let text =
        format!(" 00000000 {:08X} {:08X} {:016X}{}", gap.delay, padding, gap.frames, " 00000000".repeat(8));
    let item = [
        full(b"mean", 0, b"com.apple.iTunes"),
        full(b"name", 0, b"iTunSMPB"),
        boxed(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], text.as_bytes()].concat()),
    ];
    boxed(b"----", &item.concat())
}

/// The part that every description of sound begins with. A rate that 16 bits cannot hold is left to the codec.
fn sound_entry(kind: &[u8; 4], spec_channels: usize, bits: u32, rate_hz: u32, inside: &[u8]) -> Vec<u8> {
    let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1];
    entry.extend([0; 8]);
    entry.extend((spec_channels as u16).to_be_bytes());
    entry.extend((bits as u16).to_be_bytes());
    entry.extend([0; 4]);
    entry.extend((u32::from(u16::try_from(rate_hz).unwrap_or(0)) << 16).to_be_bytes());
    entry.extend(inside);
    boxed(kind, &entry)
}

/// The description of ALAC.
pub(crate) fn alac_entry(spec: &WriteSpec, cookie: &[u8]) -> Vec<u8> {
    let cookie = full(b"alac", 0, cookie);
    sound_entry(b"alac", spec.channels, spec.sample_format.bits(), spec.sample_rate_hz, &cookie)
}

/// The description of AAC: an elementary stream descriptor (ISO/IEC 14496-1 clause 7.2.6) around the codec's own
/// configuration.
#[cfg(feature = "aac")]
pub(crate) fn aac_entry(channels: usize, rate_hz: u32, bits_per_second: u32, config: &[u8]) -> Vec<u8> {
    let descriptor = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
    let rates = [bits_per_second.to_be_bytes(), bits_per_second.to_be_bytes()].concat();
    let decoder = [&[0x40, 0x15, 0, 0x18, 0][..], &rates, &descriptor(5, config)].concat();
    let stream = [&[0, 0, 0][..], &descriptor(4, &decoder), &descriptor(6, &[2])].concat();
    sound_entry(b"mp4a", channels, 16, rate_hz, &full(b"esds", 0, &descriptor(3, &stream)))
}
