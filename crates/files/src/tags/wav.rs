//! Chunks of WAV and RF64 files: `bext` version 2 (EBU Tech 3285), `LIST INFO`, `iXML` and `id3 `.
//!
//! The file is written anew: `bext` in front of the sound, where broadcasters look for it, the others behind it. Chunks
//! that are not ours are kept in their place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use super::{Loudness, Tags, id3};
use crate::atomic::PendingFile;
use crate::error::FileError;
use crate::info::{Encoding, Format, Info};
use crate::write::WriteSpec;

/// Fixed fields of `bext`; what was done to the sound follows.
const BEXT_BYTES: usize = 602;
/// Where the five figures of loudness stand in it (Tech 3285, version 2, section 2.3).
const LOUDNESS_AT: usize = 412;
/// A figure that is not set.
const UNSET: i16 = 0x7fff;
/// `ds64`'s content as far as it is not a table.
const DS64_BYTES: u32 = 28;

/// A chunk of the old file: its name, where its content lies, and how long that is.
struct Chunk {
    id: [u8; 4],
    at: u64,
    bytes: u64,
}

/// What a WAV file says of itself and the bytes in which its samples lie, where those are signed integers that fill their
/// bytes, the lowest first; `None` of any other file.
///
/// # Errors
/// When the file cannot be read.
pub fn plain_integers(path: impl AsRef<Path>) -> Result<Option<(Info, Range<u64>)>, FileError> {
    let path = path.as_ref();
    let info = crate::probe(path)?;
    let bits = match info.encoding {
        Encoding::Integer { bits: bits @ (16 | 24 | 32) } => bits,
        _ => return Ok(None),
    };
    if !matches!(info.format, Format::Wav | Format::Rf64 | Format::Bw64) {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let all = chunks(&mut file).map_err(|e| FileError::io(path, "read it", e))?;
    let bytes = info.frames as u64 * info.channels as u64 * u64::from(bits / 8);
    let data = all.iter().find(|chunk| &chunk.id == b"data" && chunk.bytes == bytes);
    Ok(data.map(|data| (info.clone(), data.at..data.at + bytes)))
}

/// What this module writes, and so replaces.
fn is_ours(chunk: &Chunk, file: &mut File) -> io::Result<bool> {
    Ok(match &chunk.id {
        b"bext" | b"iXML" | b"id3 " | b"ID3 " | b"JUNK" | b"ds64" => true,
        b"LIST" => {
            let mut kind = [0; 4];
            file.seek(SeekFrom::Start(chunk.at))?;
            file.read_exact(&mut kind).is_ok() && &kind == b"INFO"
        }
        _ => false,
    })
}

/// The chunks of a file that our own writer made: sizes are true.
fn chunks(file: &mut File) -> io::Result<Vec<Chunk>> {
    let end = file.metadata()?.len();
    let mut all = Vec::new();
    let mut at = 12;
    let mut long_data = None;
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, s @ ..] = head;
        let (id, mut bytes) = ([a, b, c, d], u64::from(u32::from_le_bytes(s)));
        if &id == b"ds64" {
            let mut sizes = [0; 16];
            file.read_exact(&mut sizes)?;
            long_data = sizes.last_chunk().map(|size| u64::from_le_bytes(*size));
        }
        if &id == b"data" && bytes == u64::from(u32::MAX) {
            bytes = long_data.unwrap_or(bytes);
        }
        let bytes = bytes.min(end - at - 8);
        all.push(Chunk { id, at: at + 8, bytes });
        at += 8 + bytes + bytes % 2;
    }
    Ok(all)
}

pub(super) fn write(path: &Path, tags: &Tags, info: &Info) -> Result<(), FileError> {
    let failed = |e| FileError::io(path, "write its tags", e);
    let mut file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let old = chunks(&mut file).map_err(failed)?;
    let Some(data) = old.iter().find(|chunk| &chunk.id == b"data") else {
        return Err(FileError::damaged(path, "the chunks", "there is no data chunk"));
    };
    let sound = Sound {
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
        bits: info.encoding.bit_depth().unwrap_or(0),
    };
    let mut before = in_front(tags, &sound);
    let mut behind = behind(tags, &sound);
    for chunk in &old {
        if chunk.at != data.at && !is_ours(chunk, &mut file).map_err(failed)? {
            let mut content = Vec::new();
            let read = file
                .seek(SeekFrom::Start(chunk.at))
                .and_then(|_| (&mut file).take(chunk.bytes).read_to_end(&mut content));
            read.map_err(failed)?;
            let side = if chunk.at < data.at { &mut before } else { &mut behind };
            side.push((chunk.id, content));
        }
    }
    let mut out = PendingFile::create(path)?;
    put(&mut out, &mut file, &before, data, info.frames as u64, &behind).map_err(failed)?;
    out.commit()
}

/// What is said of the sound of a file.
struct Sound {
    sample_rate_hz: u32,
    channels: usize,
    bits: u32,
}

impl Sound {
    fn of(spec: &WriteSpec) -> Sound {
        let WriteSpec { sample_rate_hz, channels, sample_format, .. } = *spec;
        Sound { sample_rate_hz, channels, bits: sample_format.bits() }
    }
}

/// A chunk to be written: its name and its content.
type New = ([u8; 4], Vec<u8>);

fn in_front(tags: &Tags, sound: &Sound) -> Vec<New> {
    vec![(*b"bext", bext(tags, sound))]
}

fn behind(tags: &Tags, sound: &Sound) -> Vec<New> {
    let mut behind = vec![(*b"LIST", info_list(tags)), (*b"iXML", ixml(tags, sound))];
    behind.push((*b"id3 ", id3::tag(tags)));
    behind.retain(|(_, content)| !content.is_empty());
    behind
}

/// Bytes of what stands in front of the sound of a file that is tagged, whatever its tags say.
pub(crate) fn room(spec: &WriteSpec) -> usize {
    chunk_bytes(&in_front(&Tags::default(), &Sound::of(spec))) as usize
}

/// Tags a file that is wholly written and has [`room`] for it behind its first chunk, of so many frames: the bytes become those
/// that [`write`] leaves.
pub(crate) fn fill(file: &mut File, tags: &Tags, spec: &WriteSpec, frames: u64) -> io::Result<()> {
    let sound = Sound::of(spec);
    let all = chunks(file)?;
    let Some(data) = all.iter().find(|chunk| &chunk.id == b"data") else {
        return Err(io::Error::other("there is no data chunk"));
    };
    let (before, behind) = (in_front(tags, &sound), behind(tags, &sound));
    let riff = data.at - 8 + data.bytes + data.bytes % 2 + chunk_bytes(&behind);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head(riff, data.bytes, frames))?;
    put_chunks(file, &before)?;
    file.seek(SeekFrom::Start(data.at - 4))?;
    file.write_all(&short(riff, data.bytes).to_le_bytes())?;
    file.seek(SeekFrom::Start(data.at + data.bytes + data.bytes % 2))?;
    put_chunks(file, &behind)
}

fn chunk_bytes(chunks: &[New]) -> u64 {
    chunks.iter().map(|(_, content)| 8 + content.len() as u64 + content.len() as u64 % 2).sum()
}

/// A size as the header has it, in a file whose own size is `riff`.
fn short(riff: u64, bytes: u64) -> u32 {
    if riff > u64::from(u32::MAX) { u32::MAX } else { bytes as u32 }
}

/// The first bytes of a file: `RIFF` and room for what RF64 needs, or that.
fn head(riff: u64, data_bytes: u64, frames: u64) -> Vec<u8> {
    let long = riff > u64::from(u32::MAX);
    let mut head = if long { b"RF64".to_vec() } else { b"RIFF".to_vec() };
    head.extend(short(riff, riff).to_le_bytes());
    head.extend(b"WAVE");
    head.extend(if long { b"ds64" } else { b"JUNK" });
    head.extend(DS64_BYTES.to_le_bytes());
    for size in [riff, data_bytes, frames] {
        head.extend(if long { size.to_le_bytes() } else { [0; 8] });
    }
    head.extend([0; 4]);
    head
}

fn put(
    out: &mut PendingFile,
    file: &mut File,
    before: &[New],
    data: &Chunk,
    frames: u64,
    behind: &[New],
) -> io::Result<()> {
    let reserved = 8 + u64::from(DS64_BYTES);
    let riff = 4 + reserved + chunk_bytes(before) + 8 + data.bytes + data.bytes % 2 + chunk_bytes(behind);
    out.write_all(&head(riff, data.bytes, frames))?;
    put_chunks(out, before)?;
    out.write_all(b"data")?;
    out.write_all(&short(riff, data.bytes).to_le_bytes())?;
    file.seek(SeekFrom::Start(data.at))?;
    io::copy(&mut file.take(data.bytes), out.file())?;
    if data.bytes % 2 == 1 {
        out.write_all(&[0])?;
    }
    put_chunks(out, behind)
}

fn put_chunks(out: &mut impl Write, chunks: &[New]) -> io::Result<()> {
    for (id, content) in chunks {
        out.write_all(id)?;
        out.write_all(&(content.len() as u32).to_le_bytes())?;
        out.write_all(content)?;
        if content.len() % 2 == 1 {
            out.write_all(&[0])?;
        }
    }
    Ok(())
}

/// A field of fixed length. Tech 3285 asks for ASCII; other letters become `?`, and stand as they are in `iXML`.
fn field(text: &str, bytes: usize) -> Vec<u8> {
    let ascii = |c: char| if c.is_ascii() && !c.is_ascii_control() { c as u8 } else { b'?' };
    let mut field: Vec<u8> = text.chars().map(ascii).take(bytes).collect();
    field.resize(bytes, 0);
    field
}

/// Hundredths, or "not set" (Tech 3285 section 2.3).
fn hundredths(value: Option<f64>) -> [u8; 2] {
    let value = value.map(|value| (value * 100.0).round()).filter(|v| (-9999.0..=9999.0).contains(v));
    value.map_or(UNSET, |value| value as i16).to_le_bytes()
}

fn bext(tags: &Tags, sound: &Sound) -> Vec<u8> {
    let description = match (&tags.artist, &tags.title) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (one, other) => one.clone().or(other.clone()).unwrap_or_default(),
    };
    let mut all = field(&description, 256);
    all.extend(field("Tonmeister", 32));
    all.extend(field(tags.isrc.as_deref().unwrap_or_default(), 32));
    // The same sound gives the same file: the day is the release's, where there is a whole one, and no clock's. What is not
    // known stays empty: readers show zeros as a day and an hour.
    let day = tags.date.as_deref().filter(|date| date.len() == 10).unwrap_or_default();
    all.extend(field(day, 10));
    all.extend([0; 8]);
    all.extend([0; 8]);
    all.extend(2u16.to_le_bytes());
    all.extend([0; 64]);
    let loudness = &tags.loudness;
    let figures = [
        loudness.track_lufs,
        loudness.range_lu,
        loudness.track_peak_dbtp,
        loudness.max_momentary_lufs,
        loudness.max_short_term_lufs,
    ];
    all.extend(figures.into_iter().flat_map(hundredths));
    all.resize(BEXT_BYTES, 0);
    let mode = if sound.channels == 1 { "mono" } else { "stereo" };
    let (rate_hz, bits) = (sound.sample_rate_hz, sound.bits);
    let history = format!("A=PCM,F={rate_hz},W={bits},M={mode},T=Tonmeister\r\n");
    all.extend(history.as_bytes());
    all
}

/// The figures of `bext`, version 2, of a WAV file: track loudness, range, true peak, momentary and short-term maximum.
/// `None` when there is no such chunk.
///
/// # Errors
/// When the file cannot be read.
pub fn read_broadcast_loudness(path: impl AsRef<Path>) -> Result<Option<Loudness>, FileError> {
    let path = path.as_ref();
    let failed = |e| FileError::io(path, "read it", e);
    let mut file = File::open(path).map_err(failed)?;
    let found = chunks(&mut file).map_err(failed)?.into_iter().find(|chunk| &chunk.id == b"bext");
    let Some(chunk) = found.filter(|chunk| chunk.bytes >= BEXT_BYTES as u64) else { return Ok(None) };
    let mut content = vec![0; BEXT_BYTES];
    file.seek(SeekFrom::Start(chunk.at)).map_err(failed)?;
    file.read_exact(&mut content).map_err(failed)?;
    let figure = |n: usize| {
        let at = LOUDNESS_AT + 2 * n;
        let value = i16::from_le_bytes([content[at], content[at + 1]]);
        (value != UNSET).then_some(f64::from(value) / 100.0)
    };
    Ok(Some(Loudness {
        track_lufs: figure(0),
        range_lu: figure(1),
        track_peak_dbtp: figure(2),
        max_momentary_lufs: figure(3),
        max_short_term_lufs: figure(4),
        ..Loudness::default()
    }))
}

/// `LIST INFO`: texts that end with a zero. RIFF names no character set; UTF-8 is what most readers take.
fn info_list(tags: &Tags) -> Vec<u8> {
    let fields = [
        (b"INAM", tags.title.clone()),
        (b"IART", tags.artist.clone()),
        (b"IPRD", tags.album.clone()),
        (b"ITRK", tags.track.map(|n| n.to_string())),
        (b"ICRD", tags.date.clone()),
        (b"IGNR", tags.genre.clone()),
        (b"ICOP", tags.copyright.clone()),
        (b"ICMT", tags.comment.clone()),
        (b"ISFT", Some("Tonmeister".to_owned())),
    ];
    let mut all = b"INFO".to_vec();
    for (id, text) in fields {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        all.extend(id);
        all.extend((text.len() as u32 + 1).to_le_bytes());
        all.extend(text.as_bytes());
        all.push(0);
        if text.len() % 2 == 0 {
            all.push(0);
        }
    }
    all
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect();
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]
        .iter()
        .fold(plain, |text, (from, to)| text.replace(from, to))
}

/// `iXML` (Gallery Software, iXML 3.01): the project, the scene, and the names of the channels.
fn ixml(tags: &Tags, sound: &Sound) -> Vec<u8> {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BWFXML>\n<IXML_VERSION>3.01</IXML_VERSION>\n",
    );
    let mut put = |name: &str, text: Option<&String>| {
        if let Some(text) = text {
            xml += &format!("<{name}>{}</{name}>\n", escaped(text));
        }
    };
    put("PROJECT", tags.album.as_ref().or(tags.title.as_ref()));
    put("SCENE", tags.title.as_ref());
    put("NOTE", tags.comment.as_ref());
    let names: &[&str] = if sound.channels == 1 { &["Mono"] } else { &["Left", "Right"] };
    xml += &format!("<TRACK_LIST>\n<TRACK_COUNT>{}</TRACK_COUNT>\n", sound.channels);
    for (n, name) in names.iter().enumerate().take(sound.channels) {
        let n = n + 1;
        xml += &format!(
            "<TRACK><CHANNEL_INDEX>{n}</CHANNEL_INDEX><INTERLEAVE_INDEX>{n}</INTERLEAVE_INDEX><NAME>{name}</NAME></TRACK>\n"
        );
    }
    xml += "</TRACK_LIST>\n<USER><PRODUCER>Tonmeister</PRODUCER>";
    for (name, text) in [("ARTIST", &tags.artist), ("TITLE", &tags.title), ("ISRC", &tags.isrc)] {
        if let Some(text) = text {
            xml += &format!("<{name}>{}</{name}>", escaped(text));
        }
    }
    xml += "</USER>\n</BWFXML>\n";
    xml.into_bytes()
}
