//! What a file is, from its first bytes.

use crate::info::Format;

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Audio that is read.
    Audio(Format),
    /// Audio that is not read, by name.
    NotRead(&'static str),
    /// Something else, as "it looks like ...".
    NotAudio(&'static str),
}

/// Bytes at an offset, and what they mean. The first match counts.
const MAGIC: &[(usize, &[u8], Kind)] = &[
    (8, b"AVI ", Kind::NotAudio("an AVI video")),
    (8, b"WEBP", Kind::NotAudio("a WebP picture")),
    (8, b"8SVX", Kind::NotRead("Amiga 8SVX")),
    (0, b"fLaC", Kind::Audio(Format::Flac)),
    (0, b"caff", Kind::Audio(Format::Caf)),
    (4, b"ftyp", Kind::Audio(Format::Mp4)),
    (0, b"\x1a\x45\xdf\xa3", Kind::Audio(Format::Matroska)),
    // QuickTime from before there were file types.
    (4, b"moov", Kind::Audio(Format::Mp4)),
    (4, b"mdat", Kind::Audio(Format::Mp4)),
    (4, b"wide", Kind::Audio(Format::Mp4)),
    (0, b"wvpk", Kind::NotRead("WavPack")),
    (0, b"TTA1", Kind::NotRead("True Audio")),
    (0, b"MAC ", Kind::NotRead("Monkey's Audio")),
    (0, b"riff\x2e\x91\xcf\x11", Kind::Audio(Format::Wave64)),
    (0, b"DSD ", Kind::NotRead("DSD (DSF)")),
    (0, b"FRM8", Kind::NotRead("DSD (DSDIFF)")),
    (0, b".snd", Kind::Audio(Format::Au)),
    (0, b"dns.", Kind::Audio(Format::Au)),
    (0, b"\x30\x26\xb2\x75", Kind::NotRead("Windows Media")),
    (0, b"MPCK", Kind::NotRead("Musepack")),
    (0, b"MP+", Kind::NotRead("Musepack")),
    (0, b"#!AMR", Kind::NotRead("AMR")),
    (0, b"MThd", Kind::NotAudio("a MIDI file: notes, but no sound")),
    (0, b"PK\x03\x04", Kind::NotAudio("a ZIP archive")),
    (0, b"\x1f\x8b", Kind::NotAudio("a gzip archive")),
    (0, b"7z\xbc\xaf", Kind::NotAudio("a 7-Zip archive")),
    (0, b"Rar!", Kind::NotAudio("a RAR archive")),
    (0, b"%PDF", Kind::NotAudio("a PDF document")),
    (0, b"\x89PNG", Kind::NotAudio("a PNG picture")),
    (0, b"\xff\xd8\xff", Kind::NotAudio("a JPEG picture")),
    (0, b"GIF8", Kind::NotAudio("a GIF picture")),
    (0, b"\x7fELF", Kind::NotAudio("a program")),
    (0, b"MZ", Kind::NotAudio("a Windows program")),
    (0, b"\xff\xfe", Kind::NotAudio("text (UTF-16)")),
    (0, b"\xfe\xff", Kind::NotAudio("text (UTF-16)")),
];

/// Tells a file by its first bytes (512 are enough); `extension` in lower case breaks ties only.
pub(crate) fn sniff(head: &[u8], extension: &str) -> Kind {
    let has = |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    if has(8, b"WAVE") {
        for (id, format) in
            [("RIFF", Format::Wav), ("RIFX", Format::Rifx), ("RF64", Format::Rf64), ("BW64", Format::Bw64)]
        {
            if has(0, id.as_bytes()) {
                return Kind::Audio(format);
            }
        }
    }
    if has(0, b"FORM") && (has(8, b"AIFF") || has(8, b"AIFC")) {
        return Kind::Audio(if has(8, b"AIFF") { Format::Aiff } else { Format::Aifc });
    }
    if has(0, b"OggS") {
        return ogg_codec(head);
    }
    if let Some((_, _, kind)) = MAGIC.iter().find(|(at, bytes, _)| has(*at, bytes)) {
        return *kind;
    }
    if let Some(format) = mpeg_sync(head) {
        return Kind::Audio(format);
    }
    // MP3 files may begin with padding or the rest of a cut frame.
    if ["mp3", "mp2"].contains(&extension) && !is_text(head) && head.iter().any(|b| *b != 0) {
        return Kind::Audio(Format::Mpeg);
    }
    Kind::NotAudio(describe(head))
}

/// The first page of an Ogg stream names its codec (RFC 3533 section 4).
fn ogg_codec(head: &[u8]) -> Kind {
    let page = &head[..head.len().min(128)];
    let holds = |word: &[u8]| page.windows(word.len()).any(|w| w == word);
    if holds(b"Speex   ") {
        Kind::NotRead("Speex")
    } else if holds(b"\x80theora") {
        Kind::NotAudio("an Ogg video")
    } else {
        Kind::Audio(Format::Ogg)
    }
}

/// A frame header of MPEG audio (ISO/IEC 11172-3 clause 2.4.1.3) or ADTS (ISO/IEC 13818-7 clause 6.2).
fn mpeg_sync(head: &[u8]) -> Option<Format> {
    let &[first, second, third, ..] = head else { return None };
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    let layer = second >> 1 & 3;
    let version = second >> 3 & 3;
    if layer == 0 {
        let rate = third >> 2 & 15;
        return (second & 0xf6 == 0xf0 && rate < 13).then_some(Format::Adts);
    }
    let (bit_rate, rate) = (third >> 4, third >> 2 & 3);
    (version != 1 && bit_rate != 15 && bit_rate != 0 && rate != 3).then_some(Format::Mpeg)
}

/// Length of an ID3v2 tag in front, header and footer included (ID3v2.4.0 structure, section 3.1).
pub(super) fn id3_length(head: &[u8]) -> Option<u64> {
    let header = head.get(..10)?;
    if !header.starts_with(b"ID3") || header[6..10].iter().any(|b| b & 0x80 != 0) {
        return None;
    }
    let size = header[6..10].iter().fold(0u64, |size, b| size << 7 | u64::from(*b));
    let footer = if header[5] & 0x10 != 0 { 10 } else { 0 };
    Some(10 + size + footer)
}

fn is_text(head: &[u8]) -> bool {
    // A cut may fall inside a character, so the last few bytes do not count.
    let (valid, length) = match std::str::from_utf8(head) {
        Ok(_) => (head, head.len()),
        Err(e) => (&head[..e.valid_up_to()], head.len()),
    };
    length > 0
        && length - valid.len() < 4
        && valid.iter().all(|b| *b >= 0x20 || [b'\n', b'\r', b'\t', 0x0c].contains(b))
}

fn describe(head: &[u8]) -> &'static str {
    if is_text(head) {
        let start: Vec<u8> = head.iter().take(256).map(u8::to_ascii_lowercase).collect();
        let holds = |word: &[u8]| start.windows(word.len()).any(|w| w == word);
        return if holds(b"<html") || holds(b"<!doctype html") { "a web page" } else { "text" };
    }
    if head.iter().all(|b| *b == 0) { "nothing but zeros" } else { "data of an unknown kind" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_by_its_first_bytes() {
        let cases: &[(&[u8], &str, Kind)] = &[
            (b"RIFF\x24\0\0\0WAVEfmt ", "", Kind::Audio(Format::Wav)),
            (b"RIFX\x24\0\0\0WAVEfmt ", "wav", Kind::Audio(Format::Rifx)),
            (b"RF64\xff\xff\xff\xffWAVEds64", "", Kind::Audio(Format::Rf64)),
            (b"FORM\0\0\0\x2eAIFCFVER", "wav", Kind::Audio(Format::Aifc)),
            (b"RIFF\x24\0\0\0AVI LIST", "wav", Kind::NotAudio("an AVI video")),
            (b"\xff\xfb\x90\x64", "", Kind::Audio(Format::Mpeg)),
            (b"\xff\xf1\x50\x80", "", Kind::Audio(Format::Adts)),
            (b"\xff\xfeh\0i\0", "mp3", Kind::NotAudio("text (UTF-16)")),
            (b"hello, this is text\n", "wav", Kind::NotAudio("text")),
            (b"hello, this is text\n", "mp3", Kind::NotAudio("text")),
            ("Grüße".as_bytes(), "wav", Kind::NotAudio("text")),
            (&"ü".as_bytes()[..1], "", Kind::NotAudio("text")),
            (b"<!DOCTYPE html><html>", "flac", Kind::NotAudio("a web page")),
            (&[0; 64], "mp3", Kind::NotAudio("nothing but zeros")),
            (&[1, 2, 3, 0x80], "wav", Kind::NotAudio("data of an unknown kind")),
            (b"R", "wav", Kind::NotAudio("text")),
        ];
        for (head, extension, expected) in cases {
            assert_eq!(sniff(head, extension), *expected, "{head:?}");
        }
    }

    #[test]
    fn a_tag_in_front_is_measured() {
        assert_eq!(id3_length(b"ID3\x04\0\0\0\0\x02\x01rest"), Some(10 + 257));
        assert_eq!(id3_length(b"ID3\x04\0\x10\0\0\x02\x01rest"), Some(20 + 257));
        assert_eq!(id3_length(b"ID3\x04\0\0\0\0\x82\x01rest"), None);
        assert_eq!(id3_length(b"ID3"), None);
    }

    // The page is written by hand: it must know everything that is told apart here.
    #[test]
    fn the_page_about_formats_names_all_that_is_read_and_refused() {
        let page = include_str!("../../../../docs/reference/formats.md").replace('\n', " ");
        let (read, refused) = page.split_once("These are recognised and refused").unwrap();
        let read_formats = [
            Format::Wav,
            Format::Rifx,
            Format::Rf64,
            Format::Bw64,
            Format::Aiff,
            Format::Aifc,
            Format::Flac,
            Format::Mpeg,
            Format::Ogg,
            Format::Mp4,
            Format::Caf,
            Format::Adts,
            Format::Wave64,
            Format::Au,
            Format::Matroska,
        ];
        for format in read_formats {
            assert!(read.contains(format.name()), "{} is read", format.name());
        }
        for (_, _, kind) in MAGIC {
            match kind {
                Kind::Audio(format) => assert!(read_formats.contains(format), "{format:?} is read"),
                Kind::NotRead(name) => assert!(refused.contains(name), "{name} is refused"),
                Kind::NotAudio(_) => {}
            }
        }
        assert!(refused.contains("Speex") && !read.contains("WavPack"));
    }
}
