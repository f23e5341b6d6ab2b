//! Vorbis comments and pictures of FLAC (RFC 9639 section 8): the blocks in front of the sound are written anew, and the
//! sound is copied.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Cover, Tags, from_comments, vorbis_comments};
use crate::atomic::PendingFile;
use crate::error::FileError;

const STREAM_INFO: u8 = 0;
const SEEK_TABLE: u8 = 3;
const COMMENTS: u8 = 4;
const PICTURE: u8 = 6;
/// The length of a block has 24 bits.
const LARGEST_BLOCK: usize = (1 << 24) - 1;

/// What the comments say about who wrote them.
const VENDOR: &str = "Tonmeister";

/// Kind and content.
type Block = (u8, Vec<u8>);

/// The blocks of a file, and where its sound begins.
fn blocks(path: &Path, file: &mut File) -> Result<(Vec<Block>, u64), FileError> {
    let failed = |e| FileError::io(path, "read it", e);
    let mut magic = [0; 4];
    file.read_exact(&mut magic).map_err(failed)?;
    if &magic != b"fLaC" {
        return Err(FileError::unsupported(path, "something stands before the FLAC stream; write it again"));
    }
    let mut all = Vec::new();
    let mut place = 4;
    loop {
        let mut head = [0; 4];
        file.read_exact(&mut head).map_err(failed)?;
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        let mut content = Vec::new();
        file.take(u64::from(length)).read_to_end(&mut content).map_err(failed)?;
        if content.len() != length as usize {
            return Err(FileError::damaged(path, "a metadata block", "it is cut off"));
        }
        place += 4 + u64::from(length);
        all.push((head[0] & 0x7f, content));
        if head[0] & 0x80 != 0 {
            return Ok((all, place));
        }
    }
}

pub(super) fn write(path: &Path, tags: &Tags) -> Result<(), FileError> {
    let mut file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let (old, sound) = blocks(path, &mut file)?;
    let mut new: Vec<Block> =
        old.into_iter().filter(|(kind, _)| [STREAM_INFO, SEEK_TABLE].contains(kind)).collect();
    new.push((COMMENTS, comments(tags)));
    if let Some(cover) = &tags.cover {
        new.push((PICTURE, picture(cover)));
    }
    if new.iter().any(|(_, content)| content.len() > LARGEST_BLOCK) {
        return Err(FileError::unsupported(
            path,
            "its words take more than the 16 MiB that FLAC has for them",
        ));
    }
    let mut out = PendingFile::create(path)?;
    let write = |out: &mut PendingFile, file: &mut File| -> io::Result<()> {
        out.write_all(b"fLaC")?;
        for (n, (kind, content)) in new.iter().enumerate() {
            let last = if n + 1 == new.len() { 0x80 } else { 0 };
            let [_, a, b, c] = (content.len() as u32).to_be_bytes();
            out.write_all(&[kind | last, a, b, c])?;
            out.write_all(content)?;
        }
        file.seek(SeekFrom::Start(sound))?;
        io::copy(file, out.file())?;
        Ok(())
    };
    write(&mut out, &mut file).map_err(|e| FileError::io(path, "write its tags", e))?;
    out.commit()
}

pub(super) fn read(path: &Path) -> Result<Tags, FileError> {
    let mut file = File::open(path).map_err(|e| FileError::io(path, "open it", e))?;
    let (blocks, _) = blocks(path, &mut file)?;
    let content = |kind: u8| blocks.iter().find(|(k, _)| *k == kind).map(|(_, content)| content.as_slice());
    let comments = content(COMMENTS).and_then(parse_comments).unwrap_or_default();
    let mut tags = from_comments(comments.iter().filter_map(|comment| comment.split_once('=')));
    tags.cover = content(PICTURE).and_then(parse_picture);
    Ok(tags)
}

/// Lengths stand in front of every text, the lower byte first.
fn comments(tags: &Tags) -> Vec<u8> {
    let mut all = Vec::new();
    let mut put = |text: &str| {
        all.extend((text.len() as u32).to_le_bytes());
        all.extend(text.as_bytes());
    };
    put(VENDOR);
    let comments = vorbis_comments(tags, false);
    all.extend((comments.len() as u32).to_le_bytes());
    for (name, value) in comments {
        let text = format!("{name}={value}");
        all.extend((text.len() as u32).to_le_bytes());
        all.extend(text.as_bytes());
    }
    all
}

fn parse_comments(block: &[u8]) -> Option<Vec<String>> {
    let mut rest = block;
    take_text(&mut rest)?;
    let count = u32::from_le_bytes(*rest.first_chunk()?);
    rest = &rest[4..];
    Some((0..count).map_while(|_| take_text(&mut rest)).collect())
}

fn take_text(block: &mut &[u8]) -> Option<String> {
    let length = u32::from_le_bytes(*block.first_chunk()?) as usize;
    let text = block.get(4..4usize.checked_add(length)?)?;
    *block = &block[4 + length..];
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Type 3 is the front cover. Width, height and depth may be left to the reader.
fn picture(cover: &Cover) -> Vec<u8> {
    let mut all = 3u32.to_be_bytes().to_vec();
    all.extend((cover.mime().len() as u32).to_be_bytes());
    all.extend(cover.mime().as_bytes());
    all.extend([0; 4 + 16]);
    all.extend((cover.bytes.len() as u32).to_be_bytes());
    all.extend(&cover.bytes);
    all
}

fn parse_picture(block: &[u8]) -> Option<Cover> {
    let word = |at: usize| Some(u32::from_be_bytes(*block.get(at..)?.first_chunk()?) as usize);
    let description = 8 + word(4)?;
    let bytes = description.checked_add(4 + 16 + word(description)?)?;
    Cover::new(block.get(bytes + 4..bytes + 4 + word(bytes)?)?.to_vec())
}
