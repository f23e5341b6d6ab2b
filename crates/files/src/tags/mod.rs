//! What is written beside the sound: who, what, when and how loud.
//!
//! [`write_tags`] replaces what a finished file says about itself, without touching a sample; [`read_tags`] reads it back.
//! Text is UTF-8 wherever the format has a way to say so.
//!
//! | file | where |
//! |---|---|
//! | WAV, RF64 | `LIST INFO`, `bext` version 2 (EBU Tech 3285), `iXML`, and ID3v2.4 in an `id3 ` chunk, which alone holds all |
//! | AIFF | ID3v2.4 in an `ID3 ` chunk |
//! | FLAC | Vorbis comments and a picture block (RFC 9639 section 8) |
//! | ALAC, AAC | iTunes' `ilst` |
//! | MP3 | ID3v2.4 |
//! | Ogg Vorbis, Opus | Vorbis comments |

mod flac;
mod id3;
mod through_lofty;
mod wav;

use std::path::Path;

use crate::error::FileError;
use crate::info::{Encoding, Format};
use crate::read::guarded;

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The bytes of a PNG or JPEG file.
    pub bytes: Vec<u8>,
}

impl Cover {
    /// Takes a picture, if it is a PNG or a JPEG by its first bytes.
    pub fn new(bytes: Vec<u8>) -> Option<Cover> {
        let cover = Cover { bytes };
        cover.is_png().then_some(()).or(cover.bytes.starts_with(&[0xff, 0xd8, 0xff]).then_some(()))?;
        Some(cover)
    }

    fn is_png(&self) -> bool {
        self.bytes.starts_with(b"\x89PNG\r\n\x1a\n")
    }

    /// Its type on the web.
    pub fn mime(&self) -> &'static str {
        if self.is_png() { "image/png" } else { "image/jpeg" }
    }
}

/// Loudness as tags say it. What a format's tags have no place for is left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loudness {
    /// Integrated loudness of the track, in LUFS.
    pub track_lufs: Option<f64>,
    /// True peak of the track, in dBTP.
    pub track_peak_dbtp: Option<f64>,
    /// Integrated loudness of the album it is on, in LUFS.
    pub album_lufs: Option<f64>,
    /// The highest true peak of the album, in dBTP.
    pub album_peak_dbtp: Option<f64>,
    /// Loudness range of the track, in LU; only `bext` has a place for this and what follows.
    pub range_lu: Option<f64>,
    /// Its loudest 400 ms, in LUFS.
    pub max_momentary_lufs: Option<f64>,
    /// Its loudest 3 s, in LUFS.
    pub max_short_term_lufs: Option<f64>,
}

/// Everything that is said about a file. What is empty is not written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tags {
    /// Title of the song.
    pub title: Option<String>,
    /// Who plays it.
    pub artist: Option<String>,
    /// Whose album it is.
    pub album_artist: Option<String>,
    /// The album.
    pub album: Option<String>,
    /// Its place on the disc, from 1 on.
    pub track: Option<u32>,
    /// Tracks on the disc.
    pub tracks: Option<u32>,
    /// Which disc, from 1 on.
    pub disc: Option<u32>,
    /// How many discs.
    pub discs: Option<u32>,
    /// International Standard Recording Code, twelve characters.
    pub isrc: Option<String>,
    /// UPC or EAN of the release, digits alone.
    pub barcode: Option<String>,
    /// The day of release, `yyyy-mm-dd`, or its year alone.
    pub date: Option<String>,
    /// The kind of music.
    pub genre: Option<String>,
    /// Who wrote the music.
    pub composer: Option<String>,
    /// The words.
    pub lyrics: Option<String>,
    /// Whose right it is.
    pub copyright: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// Anything.
    pub comment: Option<String>,
    /// The front cover.
    pub cover: Option<Cover>,
    /// How loud it is.
    pub loudness: Loudness,
}

impl Tags {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Tags::default()
    }
}

/// What [`read_tags`] has to give back: loudness rounded as tags round it, and without what only `bext` has.
fn as_kept(tags: &Tags, opus: bool) -> Tags {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let said = &tags.loudness;
    let lufs = |said: Option<f64>| {
        let text = said.map(if opus { r128_text } else { gain_text });
        text.and_then(|text| if opus { r128_lufs(&text) } else { lufs(&text) })
    };
    let peak = |said: Option<f64>| said.filter(|_| !opus).and_then(|dbtp| peak_dbtp(&peak_text(dbtp)));
    Tags {
        title: text(&tags.title),
        artist: text(&tags.artist),
        album_artist: text(&tags.album_artist),
        album: text(&tags.album),
        isrc: text(&tags.isrc),
        barcode: text(&tags.barcode),
        date: text(&tags.date),
        genre: text(&tags.genre),
        composer: text(&tags.composer),
        lyrics: text(&tags.lyrics),
        copyright: text(&tags.copyright),
        label: text(&tags.label),
        comment: text(&tags.comment),
        loudness: Loudness {
            track_lufs: lufs(said.track_lufs),
            track_peak_dbtp: peak(said.track_peak_dbtp),
            album_lufs: lufs(said.album_lufs),
            album_peak_dbtp: peak(said.album_peak_dbtp),
            ..Loudness::default()
        },
        ..tags.clone()
    }
}

/// The block of FLAC that holds a picture has a length of 24 bits, some of which its head takes.
const LARGEST_COVER: usize = (1 << 24) - 100;

/// ReplayGain 2.0 brings everything to this loudness.
const GAIN_REFERENCE_LUFS: f64 = -18.0;
/// R128 tags in Opus bring everything to this (RFC 7845 section 5.2.1).
const R128_REFERENCE_LUFS: f64 = -23.0;

/// The gain of ReplayGain 2.0, to a hundredth of a dB.
fn gain_db(lufs: f64) -> f64 {
    ((GAIN_REFERENCE_LUFS - lufs) * 100.0).round() / 100.0
}

fn gain_text(lufs: f64) -> String {
    format!("{:.2} dB", gain_db(lufs))
}

fn peak_text(dbtp: f64) -> String {
    format!("{:.6}", audio::db_to_gain(dbtp))
}

fn peak_dbtp(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|peak| *peak > 0.0).map(audio::gain_to_db)
}

fn lufs(text: &str) -> Option<f64> {
    let gain = text.trim().trim_end_matches(['d', 'B', ' ']).parse::<f64>().ok()?;
    Some(GAIN_REFERENCE_LUFS - gain)
}

/// A gain as Opus has it: a whole number of 1/256 dB, in 16 bits.
fn r128_text(lufs: f64) -> String {
    let gain = ((R128_REFERENCE_LUFS - lufs) * 256.0).round();
    gain.clamp(f64::from(i16::MIN), f64::from(i16::MAX)).to_string()
}

fn r128_lufs(text: &str) -> Option<f64> {
    text.trim().parse::<i16>().ok().map(|gain| R128_REFERENCE_LUFS - f64::from(gain) / 256.0)
}

/// The names and values of Vorbis comments, in a fixed order. Opus says loudness in its own way.
fn vorbis_comments(tags: &Tags, opus: bool) -> Vec<(&'static str, String)> {
    let number = |n: Option<u32>| n.map(|n| n.to_string());
    let loudness = &tags.loudness;
    let mut all: Vec<(&'static str, Option<String>)> = vec![
        ("TITLE", tags.title.clone()),
        ("ARTIST", tags.artist.clone()),
        ("ALBUMARTIST", tags.album_artist.clone()),
        ("ALBUM", tags.album.clone()),
        ("TRACKNUMBER", number(tags.track)),
        ("TRACKTOTAL", number(tags.tracks)),
        ("DISCNUMBER", number(tags.disc)),
        ("DISCTOTAL", number(tags.discs)),
        ("ISRC", tags.isrc.clone()),
        ("BARCODE", tags.barcode.clone()),
        ("DATE", tags.date.clone()),
        ("GENRE", tags.genre.clone()),
        ("COMPOSER", tags.composer.clone()),
        ("LYRICS", tags.lyrics.clone()),
        ("COPYRIGHT", tags.copyright.clone()),
        ("LABEL", tags.label.clone()),
        ("COMMENT", tags.comment.clone()),
    ];
    if opus {
        all.push(("R128_TRACK_GAIN", loudness.track_lufs.map(r128_text)));
        all.push(("R128_ALBUM_GAIN", loudness.album_lufs.map(r128_text)));
    } else {
        all.push(("REPLAYGAIN_TRACK_GAIN", loudness.track_lufs.map(gain_text)));
        all.push(("REPLAYGAIN_TRACK_PEAK", loudness.track_peak_dbtp.map(peak_text)));
        all.push(("REPLAYGAIN_ALBUM_GAIN", loudness.album_lufs.map(gain_text)));
        all.push(("REPLAYGAIN_ALBUM_PEAK", loudness.album_peak_dbtp.map(peak_text)));
    }
    all.into_iter().filter_map(|(name, value)| value.filter(|v| !v.is_empty()).map(|v| (name, v))).collect()
}

/// What Vorbis comments say; names in any case.
fn from_comments<'a>(comments: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
    let mut tags = Tags::default();
    for (name, value) in comments {
        let text = Some(value.to_owned());
        let number = value.trim().parse().ok();
        let loudness = &mut tags.loudness;
        match name.to_ascii_uppercase().as_str() {
            "TITLE" => tags.title = text,
            "ARTIST" => tags.artist = text,
            "ALBUMARTIST" => tags.album_artist = text,
            "ALBUM" => tags.album = text,
            "TRACKNUMBER" => tags.track = number,
            "TRACKTOTAL" => tags.tracks = number,
            "DISCNUMBER" => tags.disc = number,
            "DISCTOTAL" => tags.discs = number,
            "ISRC" => tags.isrc = text,
            "BARCODE" => tags.barcode = text,
            "DATE" => tags.date = text,
            "GENRE" => tags.genre = text,
            "COMPOSER" => tags.composer = text,
            "LYRICS" => tags.lyrics = text,
            "COPYRIGHT" => tags.copyright = text,
            "LABEL" => tags.label = text,
            "COMMENT" => tags.comment = text,
            "REPLAYGAIN_TRACK_GAIN" => loudness.track_lufs = lufs(value),
            "REPLAYGAIN_TRACK_PEAK" => loudness.track_peak_dbtp = peak_dbtp(value),
            "REPLAYGAIN_ALBUM_GAIN" => loudness.album_lufs = lufs(value),
            "REPLAYGAIN_ALBUM_PEAK" => loudness.album_peak_dbtp = peak_dbtp(value),
            "R128_TRACK_GAIN" => loudness.track_lufs = r128_lufs(value),
            "R128_ALBUM_GAIN" => loudness.album_lufs = r128_lufs(value),
            _ => {}
        }
    }
    tags
}

/// Replaces what a file says about itself; its sound stays as it is, bit for bit. At every moment the old or the new
/// file stands there whole. What was written is read back and compared.
///
/// # Errors
/// When the file cannot be read or written, is of a kind that is not tagged here, or its tags do not read back.
pub fn write_tags(path: impl AsRef<Path>, tags: &Tags) -> Result<(), FileError> {
    let path = path.as_ref();
    whatever_happens(path, || write_them(path, tags))
}

/// The library that knows most kinds of tags may panic on damaged ones; that must reach nobody.
fn whatever_happens<T>(path: &Path, run: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
    guarded(run).unwrap_or_else(|panic| {
        Err(FileError::damaged(path, "its tags", format!("their reader gave up ({panic})")))
    })
}

fn write_them(path: &Path, tags: &Tags) -> Result<(), FileError> {
    check(path, tags)?;
    let info = crate::probe(path)?;
    match info.format {
        Format::Wav | Format::Rf64 | Format::Bw64 => wav::write(path, tags, &info),
        Format::Flac => flac::write(path, tags),
        Format::Mpeg => id3::write(path, tags),
        Format::Aiff | Format::Aifc => id3::write_aiff(path, tags),
        Format::Mp4 | Format::Ogg => through_lofty::write(path, tags, &info),
        other => {
            let what = format!("{} is not tagged; write WAV or FLAC", other.name());
            return Err(FileError::unsupported(path, what));
        }
    }?;
    compared(path, tags, info.encoding == Encoding::Lossy { codec: "Opus" })
}

/// Reads tags of a WAV file back that were written with it.
pub(crate) fn read_back(path: &Path, tags: &Tags) -> Result<(), FileError> {
    whatever_happens(path, || compared(path, tags, false))
}

fn compared(path: &Path, tags: &Tags, opus: bool) -> Result<(), FileError> {
    match read_tags(path)? == as_kept(tags, opus) {
        true => Ok(()),
        false => Err(FileError::damaged(path, "its tags", "they do not read back as they were written")),
    }
}

/// Whether tags can be written.
pub(crate) fn check(path: &Path, tags: &Tags) -> Result<(), FileError> {
    if tags.cover.as_ref().is_some_and(|cover| cover.bytes.len() > LARGEST_COVER) {
        let what =
            "a cover of more than 16 MB does not fit into tags; make it smaller: 3000 pixels are enough";
        return Err(FileError::unsupported(path, what));
    }
    Ok(())
}

/// What a file says about itself, as far as [`Tags`] has a place for it.
///
/// # Errors
/// When the file cannot be read, or is of a kind that is not tagged here.
pub fn read_tags(path: impl AsRef<Path>) -> Result<Tags, FileError> {
    let path = path.as_ref();
    let info = crate::probe(path)?;
    whatever_happens(path, || match info.format {
        Format::Flac => flac::read(path),
        _ => through_lofty::read(path, &info),
    })
}

pub(crate) use wav::{fill, room};
pub use wav::{plain_integers, read_broadcast_loudness};
