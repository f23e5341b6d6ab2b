//! What a recorder wrote down beside the sound: the `bext` chunk (EBU Tech 3285, version 2) and the `iXML` chunk
//! (Gallery Software, iXML 3.01) of broadcast WAVE files, RF64 and Wave64 alike.

use std::fs::File;
use std::io;

use super::chunk::{Chunk, Chunks};
use crate::info::Broadcast;

/// The part of `bext` with fixed fields.
pub(super) const BEXT_BYTES: u64 = 602;

/// The most of an `iXML` chunk that is looked at: real ones have a few kilobytes.
pub(super) const MOST_XML: u64 = 1 << 20;

/// Both chunks of one file.
#[derive(Debug, Default)]
pub(super) struct Record {
    bext: Option<Broadcast>,
    ixml: Option<Broadcast>,
}

impl Record {
    pub(super) fn take_bext(&mut self, content: &[u8]) {
        self.bext = self.bext.take().or_else(|| parse_bext(content));
    }

    pub(super) fn take_ixml(&mut self, content: &[u8]) {
        if self.ixml.is_none() {
            self.ixml = Some(parse_ixml(&String::from_utf8_lossy(content)));
        }
    }

    /// What both say together of a file with that many channels; `bext` is the standard and goes first.
    pub(super) fn finish(self, channels: usize) -> Broadcast {
        let mut all = self.bext.unwrap_or_default();
        let ixml = self.ixml.unwrap_or_default();
        // Recorders without a clock write a `bext` of zeros beside a stamp in `iXML`.
        if all.time_reference_frames.unwrap_or(0) == 0 {
            all.time_reference_frames = ixml.time_reference_frames.or(all.time_reference_frames);
        }
        if all.description.is_empty() {
            all.description = ixml.description;
        }
        if all.originator.is_empty() {
            all.originator = ixml.originator;
        }
        all.channel_names = ixml.channel_names;
        all.channel_names.truncate(channels);
        all
    }
}

/// What else there is in a RIFF file.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) broadcast: Broadcast,
    /// Further chunks called `data`, and their bytes.
    pub(super) more_data: (usize, u64),
    /// Bytes behind the last chunk.
    pub(super) left_over: u64,
}

/// Reads all chunks of a RIFF file whose samples are in `data`, of which `data_bytes` are really there. They may
/// stand before the samples or behind them.
pub(super) fn read(
    file: &mut File,
    bytes: u64,
    big_endian: bool,
    data: Chunk,
    data_bytes: u64,
    channels: usize,
) -> io::Result<Beside> {
    let mut chunks = Chunks::new(file, bytes, 12, big_endian);
    let mut record = Record::default();
    let mut beside = Beside::default();
    while let Some(chunk) = chunks.next(&[b"data"])? {
        match &chunk.id {
            b"data" if chunk == data => chunks.continue_after(chunk, data_bytes),
            b"data" if chunk.stated > 0 => {
                beside.more_data.0 += 1;
                beside.more_data.1 += chunk.stated.min(bytes - chunk.start);
            }
            // Sizes in `bext` are little-endian in every kind of WAVE; a big-endian one was never specified.
            b"bext" if !big_endian => record.take_bext(&chunks.content(chunk, BEXT_BYTES as usize)?),
            b"iXML" => record.take_ixml(&chunks.content(chunk, MOST_XML as usize)?),
            _ => {}
        }
    }
    beside.left_over = chunks.left_over()?;
    beside.broadcast = record.finish(channels);
    Ok(beside)
}

/// Text in a field that zeros fill up. Tech 3285 asks for ASCII; what is beyond is read as Latin-1 if it is no UTF-8.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    let field = &field[..end];
    let text = match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => field.iter().map(|b| char::from(*b)).collect(),
    };
    text.trim().to_owned()
}

/// Tech 3285 section 2.3: description (256), originator (32), its reference (32), date (10), time (8), then the
/// time stamp as two words, the lower one first.
fn parse_bext(content: &[u8]) -> Option<Broadcast> {
    let stamp = content.get(338..346)?.first_chunk::<8>()?;
    Some(Broadcast {
        time_reference_frames: Some(u64::from_le_bytes(*stamp)),
        originator: text(content.get(256..288)?),
        description: text(content.get(..256)?),
        channel_names: Vec::new(),
    })
}

/// The content of every element of that name, in order. iXML has no attributes, and no element inside itself.
fn elements<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let length = rest[start..].find(&close)?;
        let found = &rest[start..start + length];
        rest = &rest[start + length + close.len()..];
        Some(found)
    })
}

fn element<'a>(xml: &'a str, name: &'a str) -> Option<&'a str> {
    elements(xml, name).next()
}

/// The five entities of XML; others stay as they are.
fn unescaped(text: &str) -> String {
    let mut text = text.trim().to_owned();
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    text
}

fn number(xml: &str, name: &str) -> Option<u64> {
    element(xml, name)?.trim().parse().ok()
}

/// A number that is written as two words.
fn two_words(xml: &str, high: &str, low: &str) -> Option<u64> {
    let low = number(xml, low)?;
    let high = number(xml, high).unwrap_or(0);
    (low <= u64::from(u32::MAX) && high <= u64::from(u32::MAX)).then_some(high << 32 | low)
}

fn parse_ixml(xml: &str) -> Broadcast {
    let since_midnight =
        two_words(xml, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO");
    let of_bext = two_words(xml, "BWF_TIME_REFERENCE_HIGH", "BWF_TIME_REFERENCE_LOW");
    let mut names: Vec<(u64, String)> = Vec::new();
    for (at, track) in elements(element(xml, "TRACK_LIST").unwrap_or(""), "TRACK").enumerate() {
        // Where the channel lies in this file; the other index is that of the recorder's input.
        let place = number(track, "INTERLEAVE_INDEX").unwrap_or(at as u64 + 1);
        names.push((place, element(track, "NAME").map(unescaped).unwrap_or_default()));
    }
    let last = names.iter().map(|n| n.0).max().unwrap_or(0).min(crate::MAX_CHANNELS as u64);
    let name_of = |place: u64| names.iter().find(|n| n.0 == place).map(|n| n.1.clone()).unwrap_or_default();
    Broadcast {
        time_reference_frames: of_bext.or(since_midnight),
        originator: element(xml, "BWF_ORIGINATOR").map(unescaped).unwrap_or_default(),
        description: element(xml, "BWF_DESCRIPTION").map(unescaped).unwrap_or_default(),
        channel_names: (1..=last).map(name_of).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The places of the fields follow from the table in Tech 3285 section 2.3.
    fn bext(stamp: u64) -> Vec<u8> {
        let mut all = vec![0; 602];
        all[..9].copy_from_slice(b"Take 3 OK");
        all[256..265].copy_from_slice(b"Pro Tools");
        all[338..346].copy_from_slice(&stamp.to_le_bytes());
        all
    }

    const IXML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><BWFXML><IXML_VERSION>1.5</IXML_VERSION>\
        <SPEED><TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>1</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>\
        <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>5</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED>\
        <TRACK_LIST><TRACK_COUNT>2</TRACK_COUNT>\
        <TRACK><CHANNEL_INDEX>4</CHANNEL_INDEX><INTERLEAVE_INDEX>2</INTERLEAVE_INDEX><NAME>Boom &amp; Co</NAME></TRACK>\
        <TRACK><CHANNEL_INDEX>3</CHANNEL_INDEX><INTERLEAVE_INDEX>1</INTERLEAVE_INDEX><NAME>Lav</NAME></TRACK>\
        </TRACK_LIST></BWFXML>";

    #[test]
    fn a_time_stamp_has_both_words() {
        let found = parse_bext(&bext(0x1_0000_0002)).unwrap();
        assert_eq!(found.time_reference_frames, Some(0x1_0000_0002));
        assert_eq!((found.originator.as_str(), found.description.as_str()), ("Pro Tools", "Take 3 OK"));
        assert_eq!(parse_bext(&bext(1)[..345]), None);
    }

    #[test]
    fn ixml_names_channels_by_their_place_in_the_file() {
        let found = parse_ixml(IXML);
        assert_eq!(found.time_reference_frames, Some((1 << 32) + 5));
        assert_eq!(found.channel_names, ["Lav", "Boom & Co"]);
        // Rubbish and every cut do no harm.
        for cut in 0..IXML.len() {
            let _ = parse_ixml(&IXML[..cut]);
        }
        assert_eq!(parse_ixml("<TRACK_LIST><TRACK></TRACK></TRACK_LIST>").channel_names, [""]);
    }

    #[test]
    fn the_two_chunks_fill_each_other_up() {
        let mut record = Record::default();
        record.take_bext(&bext(0));
        record.take_ixml(IXML.as_bytes());
        let both = record.finish(1);
        assert_eq!(both.time_reference_frames, Some((1 << 32) + 5));
        assert_eq!((both.originator.as_str(), both.channel_names.len()), ("Pro Tools", 1));
        let mut record = Record::default();
        record.take_bext(&bext(7));
        record.take_ixml(IXML.as_bytes());
        assert_eq!(record.finish(2).time_reference_frames, Some(7));
    }
}
