//! Vorbis comments in Ogg and iTunes' `ilst`, through lofty, which works on a copy that then takes the file's name. It
//! reads ID3 as well.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use lofty::config::{ParseOptions, WriteOptions};
use lofty::file::{AudioFile, TaggedFileExt};
use lofty::mp4::{Ilst, Mp4File};
use lofty::ogg::tag::VorbisComments;
use lofty::picture::{MimeType, Picture, PictureType};
use lofty::probe::Probe;
use lofty::tag::{ItemKey, Tag, TagExt, TagType};

use super::{Cover, Loudness, Tags, from_comments, gain_text, lufs, peak_dbtp, peak_text, vorbis_comments};
use crate::atomic::PendingFile;
use crate::error::FileError;
use crate::info::{Encoding, Format, Info};

/// Room behind tags is of no use in a file that is written once.
fn options() -> WriteOptions {
    WriteOptions::new().preferred_padding(0).remove_others(true)
}

fn failed(path: &Path, why: impl std::fmt::Display) -> FileError {
    FileError::unsupported(path, format!("its tags cannot be written: {why}"))
}

pub(super) fn write(path: &Path, tags: &Tags, info: &Info) -> Result<(), FileError> {
    let mut out = PendingFile::create(path)?;
    let copy = |out: &mut PendingFile| -> io::Result<()> {
        io::copy(&mut File::open(path)?, out.file())?;
        out.file().rewind()
    };
    copy(&mut out).map_err(|e| FileError::io(path, "copy it", e))?;
    let file = out.file();
    match info.format {
        Format::Ogg => {
            let opus = info.encoding == Encoding::Lossy { codec: "Opus" };
            comments(tags, opus).save_to(file, options()).map_err(|e| failed(path, e))?;
        }
        _ => {
            let read = Mp4File::read_from(file, ParseOptions::new()).map_err(|e| failed(path, e))?;
            // What says where the sound begins stays.
            let mut list = Ilst::from(tag(tags));
            for atom in read.ilst().into_iter().flatten() {
                let gapless = matches!(
                    atom.ident(),
                    lofty::mp4::AtomIdent::Freeform { name, .. } if name == "iTunSMPB"
                );
                if gapless {
                    list.insert(atom.clone());
                }
            }
            file.rewind().map_err(|e| FileError::io(path, "write its tags", e))?;
            list.save_to(file, options()).map_err(|e| failed(path, e))?;
        }
    }
    out.commit()
}

pub(super) fn read(path: &Path, info: &Info) -> Result<Tags, FileError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        FileError::unsupported(path, format!("its tags cannot be read: {why}; write the file again"))
    };
    let probe = Probe::open(path).map_err(|e| unreadable(&e))?.guess_file_type();
    let file = probe.map_err(|e| unreadable(&e))?.read().map_err(|e| unreadable(&e))?;
    if info.format == Format::Ogg {
        // Read as they are: R128 gains have no place in a common tag.
        let Some(tag) = file.tag(TagType::VorbisComments) else { return Ok(Tags::default()) };
        let cover = tag.pictures().first().and_then(|p| Cover::new(p.data().to_vec()));
        let comments = raw_comments(path, info).map_err(|e| unreadable(&e))?;
        return Ok(Tags { cover, ..from_comments(comments.items()) });
    }
    let wanted = if info.format == Format::Mp4 { TagType::Mp4Ilst } else { TagType::Id3v2 };
    let tag = file.tag(wanted).or_else(|| file.primary_tag()).or_else(|| file.first_tag());
    Ok(tag.map(from_tag).unwrap_or_default())
}

fn raw_comments(path: &Path, info: &Info) -> Result<VorbisComments, String> {
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let options = ParseOptions::new();
    if info.encoding == (Encoding::Lossy { codec: "Opus" }) {
        let file = lofty::ogg::OpusFile::read_from(&mut file, options).map_err(|e| e.to_string())?;
        Ok(file.vorbis_comments().clone())
    } else {
        let file = lofty::ogg::VorbisFile::read_from(&mut file, options).map_err(|e| e.to_string())?;
        Ok(file.vorbis_comments().clone())
    }
}

fn front(cover: &Cover) -> Picture {
    let mime = if cover.mime() == "image/png" { MimeType::Png } else { MimeType::Jpeg };
    Picture::unchecked(cover.bytes.clone()).pic_type(PictureType::CoverFront).mime_type(mime).build()
}

fn comments(tags: &Tags, opus: bool) -> VorbisComments {
    let mut comments = VorbisComments::new();
    comments.set_vendor("Tonmeister".to_owned());
    for (name, value) in vorbis_comments(tags, opus) {
        comments.push(name.to_owned(), value);
    }
    if let Some(cover) = &tags.cover {
        use lofty::ogg::OggPictureStorage;
        // Width and height may be left to the reader.
        let _ = comments.insert_picture(front(cover), Some(Default::default()));
    }
    comments
}

fn tag(tags: &Tags) -> Tag {
    let mut tag = Tag::new(TagType::Mp4Ilst);
    let number = |n: Option<u32>| n.map(|n| n.to_string());
    let loudness = &tags.loudness;
    let texts: [(ItemKey, Option<String>); 21] = [
        (ItemKey::TrackTitle, tags.title.clone()),
        (ItemKey::TrackArtist, tags.artist.clone()),
        (ItemKey::AlbumArtist, tags.album_artist.clone()),
        (ItemKey::AlbumTitle, tags.album.clone()),
        (ItemKey::TrackNumber, number(tags.track)),
        (ItemKey::TrackTotal, number(tags.tracks)),
        (ItemKey::DiscNumber, number(tags.disc)),
        (ItemKey::DiscTotal, number(tags.discs)),
        (ItemKey::Isrc, tags.isrc.clone()),
        (ItemKey::Barcode, tags.barcode.clone()),
        (ItemKey::RecordingDate, tags.date.clone()),
        (ItemKey::Genre, tags.genre.clone()),
        (ItemKey::Composer, tags.composer.clone()),
        (ItemKey::Lyrics, tags.lyrics.clone()),
        (ItemKey::CopyrightMessage, tags.copyright.clone()),
        (ItemKey::Label, tags.label.clone()),
        (ItemKey::Comment, tags.comment.clone()),
        (ItemKey::ReplayGainTrackGain, loudness.track_lufs.map(gain_text)),
        (ItemKey::ReplayGainTrackPeak, loudness.track_peak_dbtp.map(peak_text)),
        (ItemKey::ReplayGainAlbumGain, loudness.album_lufs.map(gain_text)),
        (ItemKey::ReplayGainAlbumPeak, loudness.album_peak_dbtp.map(peak_text)),
    ];
    for (key, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            tag.insert_text(key, text);
        }
    }
    if let Some(cover) = &tags.cover {
        tag.push_picture(front(cover));
    }
    tag
}

fn from_tag(tag: &Tag) -> Tags {
    let text = |key: ItemKey| tag.get_string(key).map(str::to_owned);
    // ID3 has no total without a number: it is written as the total of number 0.
    let number = |key: ItemKey| tag.get_string(key)?.trim().parse().ok().filter(|n| *n > 0);
    let kept = |key: ItemKey, read: fn(&str) -> Option<f64>| tag.get_string(key).and_then(read);
    Tags {
        title: text(ItemKey::TrackTitle),
        artist: text(ItemKey::TrackArtist),
        album_artist: text(ItemKey::AlbumArtist),
        album: text(ItemKey::AlbumTitle),
        track: number(ItemKey::TrackNumber),
        tracks: number(ItemKey::TrackTotal),
        disc: number(ItemKey::DiscNumber),
        discs: number(ItemKey::DiscTotal),
        isrc: text(ItemKey::Isrc),
        barcode: text(ItemKey::Barcode),
        date: text(ItemKey::RecordingDate),
        genre: text(ItemKey::Genre),
        composer: text(ItemKey::Composer),
        lyrics: text(ItemKey::UnsyncLyrics).or_else(|| text(ItemKey::Lyrics)),
        copyright: text(ItemKey::CopyrightMessage),
        label: text(ItemKey::Label).or_else(|| text(ItemKey::Publisher)),
        comment: text(ItemKey::Comment),
        cover: tag.pictures().first().and_then(|p| Cover::new(p.data().to_vec())),
        loudness: Loudness {
            track_lufs: kept(ItemKey::ReplayGainTrackGain, lufs),
            track_peak_dbtp: kept(ItemKey::ReplayGainTrackPeak, peak_dbtp),
            album_lufs: kept(ItemKey::ReplayGainAlbumGain, lufs),
            album_peak_dbtp: kept(ItemKey::ReplayGainAlbumPeak, peak_dbtp),
            ..Loudness::default()
        },
    }
}
