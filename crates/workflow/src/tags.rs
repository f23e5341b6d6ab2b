//! What is written beside the sound: by the session, by the file of a finished mix, with the cover.

use crate::{Project, WorkflowError};
use files::{Cover, Tags};
use session::Session;
use std::path::Path;

/// What is written beside the sound of a project's master: what the session says about its song, and for a finished mix
/// what its file says besides.
pub(crate) fn tags_of(session: &Session, project: &Project) -> Result<Tags, WorkflowError> {
    let mut tags = tags_of_song(session, &project.home)?;
    let mix = session.tracks.values().next().and_then(|track| track.files.first());
    let Some(mix) = mix.filter(|_| project.single.is_some()) else { return Ok(tags) };
    // A kind of file that is not tagged here says nothing.
    let Ok(own) = files::read_tags(project.resolve(mix)) else { return Ok(tags) };
    // Until somebody says otherwise the session calls a mix by its file's name.
    if session.song.title.as_deref() == Some(crate::written::name_of(mix).as_str()) {
        tags.title = own.title.or(tags.title);
    }
    let or = |said: &mut Option<String>, own: Option<String>| {
        if said.is_none() {
            *said = own;
        }
    };
    or(&mut tags.artist, own.artist);
    or(&mut tags.album_artist, own.album_artist);
    or(&mut tags.album, own.album);
    or(&mut tags.isrc, own.isrc);
    or(&mut tags.barcode, own.barcode);
    or(&mut tags.date, own.date);
    or(&mut tags.genre, own.genre);
    or(&mut tags.composer, own.composer);
    or(&mut tags.lyrics, own.lyrics);
    or(&mut tags.copyright, own.copyright);
    or(&mut tags.label, own.label);
    tags.track = tags.track.or(own.track);
    tags.tracks = tags.tracks.or(own.tracks);
    tags.disc = tags.disc.or(own.disc);
    tags.discs = tags.discs.or(own.discs);
    tags.cover = tags.cover.or(own.cover);
    Ok(tags)
}

/// What a session says about its song, with the cover's bytes.
fn tags_of_song(session: &Session, home: &Path) -> Result<Tags, WorkflowError> {
    let song = &session.song;
    let code = |text: &Option<String>, read: fn(&str) -> Result<String, String>| {
        text.as_deref().and_then(|text| read(text).ok())
    };
    Ok(Tags {
        title: song.title.clone(),
        artist: song.artist.clone(),
        album_artist: song.album_artist.clone(),
        album: song.album.clone(),
        track: song.track,
        tracks: song.tracks,
        disc: song.disc,
        discs: song.discs,
        isrc: code(&song.isrc, session::codes::isrc),
        barcode: code(&song.barcode, session::codes::barcode),
        date: song.date.clone().or(song.year.map(|year| year.to_string())),
        genre: song.genre.clone(),
        composer: song.composer.clone(),
        lyrics: song.lyrics.clone(),
        copyright: song.copyright.clone(),
        label: song.label.clone(),
        comment: None,
        cover: song.cover.as_deref().map(|file| cover(&home.join(file))).transpose()?,
        loudness: files::Loudness::default(),
    })
}

/// The bytes of a cover.
pub(crate) fn cover(file: &Path) -> Result<Cover, WorkflowError> {
    let bytes = std::fs::read(file).map_err(WorkflowError::io(file, "read the cover"))?;
    Cover::new(bytes).ok_or_else(|| {
        WorkflowError::Usage(format!(
            "{}: is no PNG and no JPEG; save the cover as one of them",
            file.display()
        ))
    })
}
