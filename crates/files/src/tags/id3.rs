//! ID3v2.4 (id3.org, "ID3 tag version 2.4.0", structure and native frames): the tag in front of an MP3, and in the chunks of
//! WAV and AIFF.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Cover, Tags, gain_text, peak_text};
use crate::atomic::PendingFile;
use crate::error::FileError;

/// Text in UTF-8.
const UTF8: u8 = 3;

/// A tag, or nothing where there is nothing to say.
pub(super) fn tag(tags: &Tags) -> Vec<u8> {
    let pair = |n: Option<u32>, of: Option<u32>| match (n, of) {
        (Some(n), Some(of)) => Some(format!("{n}/{of}")),
        (Some(n), None) => Some(n.to_string()),
        (None, of) => of.map(|of| format!("0/{of}")),
    };
    let mut frames = Vec::new();
    let texts = [
        (b"TIT2", tags.title.clone()),
        (b"TPE1", tags.artist.clone()),
        (b"TPE2", tags.album_artist.clone()),
        (b"TALB", tags.album.clone()),
        (b"TRCK", pair(tags.track, tags.tracks)),
        (b"TPOS", pair(tags.disc, tags.discs)),
        (b"TSRC", tags.isrc.clone()),
        (b"TDRC", tags.date.clone()),
        (b"TCON", tags.genre.clone()),
        (b"TCOM", tags.composer.clone()),
        (b"TCOP", tags.copyright.clone()),
        (b"TPUB", tags.label.clone()),
    ];
    for (id, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            frame(id, &[&[UTF8], text.as_bytes()], &mut frames);
        }
    }
    let loudness = &tags.loudness;
    let own = [
        ("BARCODE", tags.barcode.clone()),
        ("REPLAYGAIN_TRACK_GAIN", loudness.track_lufs.map(gain_text)),
        ("REPLAYGAIN_TRACK_PEAK", loudness.track_peak_dbtp.map(peak_text)),
        ("REPLAYGAIN_ALBUM_GAIN", loudness.album_lufs.map(gain_text)),
        ("REPLAYGAIN_ALBUM_PEAK", loudness.album_peak_dbtp.map(peak_text)),
    ];
    for (name, text) in own {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            frame(b"TXXX", &[&[UTF8], name.as_bytes(), &[0], text.as_bytes()], &mut frames);
        }
    }
    // A language that is not known, and an empty description, stand before both.
    for (id, text) in [(b"COMM", &tags.comment), (b"USLT", &tags.lyrics)] {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            frame(id, &[&[UTF8], b"XXX\0", text.as_bytes()], &mut frames);
        }
    }
    if let Some(cover) = &tags.cover {
        frame(b"APIC", &[&picture_head(cover), &cover.bytes], &mut frames);
    }
    if frames.is_empty() {
        return frames;
    }
    let mut all = b"ID3\x04\0\0".to_vec();
    all.extend(synchsafe(frames.len()));
    all.extend(frames);
    all
}

/// Type 3 is the front cover.
fn picture_head(cover: &Cover) -> Vec<u8> {
    [&[UTF8], cover.mime().as_bytes(), &[0, 3, 0]].concat()
}

fn frame(id: &[u8; 4], parts: &[&[u8]], frames: &mut Vec<u8>) {
    frames.extend(id);
    frames.extend(synchsafe(parts.iter().map(|part| part.len()).sum()));
    frames.extend([0, 0]);
    parts.iter().for_each(|part| frames.extend(*part));
}

/// Four bytes of seven bits. What is larger than they can say has been refused before.
fn synchsafe(length: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (length >> shift) as u8 & 0x7f)
}

/// The length of the tag that a file begins with.
fn length(file: &mut File) -> io::Result<u64> {
    let mut head = [0; 10];
    file.rewind()?;
    let read = file.read(&mut head)?;
    if read < 10 || !head.starts_with(b"ID3") {
        return Ok(0);
    }
    Ok(10 + head[6..].iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f)))
}

/// Gives an MP3 another tag.
pub(super) fn write(path: &Path, tags: &Tags) -> Result<(), FileError> {
    let mut out = PendingFile::create(path)?;
    let mut copy = || -> io::Result<()> {
        let mut file = File::open(path)?;
        let old = length(&mut file)?;
        out.write_all(&tag(tags))?;
        file.seek(SeekFrom::Start(old))?;
        io::copy(&mut file, out.file())?;
        Ok(())
    };
    copy().map_err(|e| FileError::io(path, "write its tags", e))?;
    out.commit()
}

/// Gives an AIFF another tag, in its last chunk.
pub(super) fn write_aiff(path: &Path, tags: &Tags) -> Result<(), FileError> {
    let mut out = PendingFile::create(path)?;
    let mut copy = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut form = [0; 12];
        file.read_exact(&mut form)?;
        out.write_all(&form)?;
        let mut at = 12;
        while at + 8 <= end {
            file.seek(SeekFrom::Start(at))?;
            let mut head = [0; 8];
            file.read_exact(&mut head)?;
            let [a, b, c, d, s @ ..] = head;
            let bytes = u64::from(u32::from_be_bytes(s));
            let whole = (bytes + bytes % 2).min(end - at - 8);
            if &[a, b, c, d] != b"ID3 " {
                out.write_all(&head)?;
                io::copy(&mut (&mut file).take(whole), out.file())?;
            }
            at += 8 + whole;
        }
        let tag = tag(tags);
        if !tag.is_empty() {
            out.write_all(b"ID3 ")?;
            out.write_all(&(tag.len() as u32).to_be_bytes())?;
            out.write_all(&tag)?;
            out.write_all(&[0][..tag.len() % 2])?;
        }
        let Ok(size) = u32::try_from(out.file().stream_position()? - 8) else { return Ok(false) };
        out.file().seek(SeekFrom::Start(4))?;
        out.write_all(&size.to_be_bytes())?;
        Ok(true)
    };
    match copy().map_err(|e| FileError::io(path, "write its tags", e))? {
        true => out.commit(),
        false => {
            Err(FileError::unsupported(path, "with its tags it is more than an AIFF file's 4 GiB; write WAV"))
        }
    }
}
