//! The album file: order, gaps, joins and what is said about an album, read strictly.

use crate::node::{Data, Node};
use crate::read::reader::{Entries, Reader, Scope, instead};
use crate::{Place, Problem, SessionError, codes, fields};
use std::path::{Path, PathBuf};

/// What an album does with the loudness of its tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// The masters stay as they are.
    #[default]
    AsMastered,
    /// One gain for all: what is between the tracks stays.
    Album,
    /// Every track by itself.
    Track,
}

const LEVELS: [(&str, Level); 3] =
    [("as_mastered", Level::AsMastered), ("album", Level::Album), ("track", Level::Track)];

/// An album.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Album {
    /// Its title.
    pub title: Option<String>,
    /// Whose album it is.
    pub artist: Option<String>,
    /// UPC or EAN, digits alone.
    pub barcode: Option<String>,
    /// Which disc this is.
    pub disc: Option<u32>,
    /// How many discs there are.
    pub discs: Option<u32>,
    /// Its genre.
    pub genre: Option<String>,
    /// The day of release, or the year.
    pub date: Option<String>,
    /// Who wrote the music.
    pub composer: Option<String>,
    /// Whose right it is.
    pub copyright: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// The front cover, relative to the album file.
    pub cover: Option<PathBuf>,
    /// What happens to the loudness of its tracks.
    pub level: Level,
    /// Loudness to come to, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// True peak that no gain goes beyond, in dBTP.
    pub ceiling_dbtp: Option<f64>,
    /// Ids of delivery targets.
    pub targets: Vec<String>,
    /// Ids of kinds of file.
    pub formats: Vec<String>,
    /// The pattern of the files' names.
    pub file_name: Option<String>,
    /// Whether each target's folder becomes a ZIP file.
    pub zip: bool,
    /// Seeds the dither.
    pub seed: u64,
    /// In the order of the album.
    pub tracks: Vec<AlbumTrack>,
}

/// One track of an album.
#[derive(Debug, Clone, PartialEq)]
pub struct AlbumTrack {
    /// The master, relative to the album file.
    pub file: PathBuf,
    /// Where the album file names it.
    pub place: Place,
    /// Its title.
    pub title: Option<String>,
    /// Who plays it.
    pub artist: Option<String>,
    /// International Standard Recording Code, twelve characters.
    pub isrc: Option<String>,
    /// Its genre.
    pub genre: Option<String>,
    /// Who wrote it.
    pub composer: Option<String>,
    /// The words.
    pub lyrics: Option<String>,
    /// Silence before it, in seconds. 0 joins it to the track before.
    pub gap_s: f64,
    /// Time in which it comes up while the track before goes down, in seconds.
    pub crossfade_s: f64,
    /// Its own gain besides the album's, in dB.
    pub trim_db: f64,
    /// Length of the fade at its beginning, in seconds.
    pub fade_in_s: f64,
    /// Length of the fade at its end, in seconds.
    pub fade_out_s: f64,
}

/// Silence between tracks where nothing is said, in seconds: the Red Book's pause.
const USUAL_GAP_S: f64 = 2.0;

/// Reads an album file.
///
/// # Errors
/// [`SessionError::File`] and [`SessionError::NotText`]; [`SessionError::Invalid`] with everything that is wrong, each
/// with its place.
pub fn load_album(file: &Path) -> Result<Album, SessionError> {
    let (album, problems) = album_of(&crate::save::text_of(file)?);
    if problems.is_empty() { Ok(album) } else { Err(SessionError::Invalid { problems }) }
}

/// What the text of an album file says, and everything that is wrong with it, each with its place.
pub fn album_of(text: &str) -> (Album, Vec<Problem>) {
    let mut reader = Reader::new(text);
    let mut album = Album::default();
    match Node::parse(text) {
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = format!("this is not TOML: {}", error.message().trim().replace('\n', "; "));
            reader.error("syntax", crate::Path::root(), &span, message, None);
        }
        Ok(root) => {
            let scope = Scope { path: crate::Path::root(), who: "the album".into() };
            if let Some(entries) = reader.table(&scope, &root) {
                album = read_album(&mut reader, &scope, entries);
            }
        }
    }
    reader.problems.sort_by_key(|problem| problem.place);
    (album, reader.problems)
}

fn read_album(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) -> Album {
    reader.known_keys(scope, entries, fields::ALBUM.iter().map(|field| field.id).chain(["track"]));
    let whole = |number: Option<f64>| number.map(|number| number as u32);
    let gap_s = reader.number(scope, entries, &fields::GAP).unwrap_or(USUAL_GAP_S);
    Album {
        title: reader.text(scope, entries, "title"),
        artist: reader.text(scope, entries, "artist"),
        barcode: plain(reader.code(scope, entries, "barcode", codes::barcode), codes::barcode),
        disc: whole(reader.number(scope, entries, &fields::DISC)),
        discs: whole(reader.number(scope, entries, &fields::DISCS)),
        genre: reader.text(scope, entries, "genre"),
        date: reader.code(scope, entries, "date", codes::date),
        composer: reader.text(scope, entries, "composer"),
        copyright: reader.text(scope, entries, "copyright"),
        label: reader.text(scope, entries, "label"),
        cover: reader.files(scope, entries, "cover", 1).and_then(|mut files| files.pop()),
        level: read_level(reader, scope, entries),
        loudness_lufs: reader.number(scope, entries, &fields::LOUDNESS),
        ceiling_dbtp: reader.number(scope, entries, &fields::CEILING),
        targets: reader.texts(scope, entries, "targets").unwrap_or_default(),
        formats: reader.texts(scope, entries, "formats").unwrap_or_default(),
        file_name: reader.text(scope, entries, "file_name"),
        zip: reader.switch(scope, entries, "zip").unwrap_or(false),
        seed: reader.number(scope, entries, &fields::SEED).unwrap_or(0.0) as u64,
        tracks: read_tracks(reader, scope, entries, gap_s),
    }
}

/// A code without what is for display only.
fn plain(text: Option<String>, check: fn(&str) -> Result<String, String>) -> Option<String> {
    text.and_then(|text| check(&text).ok())
}

fn read_level(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) -> Level {
    let Some(text) = reader.text(scope, entries, "loudness") else { return Level::default() };
    if let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == text) {
        return *level;
    }
    let message = format!("{}: loudness cannot be `{text}`", scope.who);
    let hint = Some(instead(&text, &LEVELS.map(|(name, _)| name)));
    let span = entries.get("loudness").map_or(0..0, |entry| entry.node.span.clone());
    reader.error("unknown_choice", scope.path.child("loudness"), &span, message, hint);
    Level::default()
}

fn read_tracks(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries, gap_s: f64) -> Vec<AlbumTrack> {
    let path = scope.path.child("track");
    let hint =
        || Some("every track is a table: [[track]] on a line of its own, file = \"...\" beneath".to_string());
    let Some(entry) = entries.get("track") else {
        reader.error("missing", path, &(0..0), "the album has no tracks".to_string(), hint());
        return Vec::new();
    };
    let Data::List(items) = &entry.node.data else {
        reader.error("wrong_type", path, &entry.key_span, "track is no list of tables".to_string(), hint());
        return Vec::new();
    };
    let mut tracks = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let scope = Scope { path: path.clone(), who: format!("track {}", n + 1) };
        if let Some(entries) = reader.table(&scope, item) {
            let track = read_track(reader, &scope, entries, gap_s, item, n == 0);
            if let (Some(isrc), Some(other)) = (&track.isrc, position(&tracks, &track)) {
                let message =
                    format!("{}: the ISRC {isrc} is that of track {} already", scope.who, other + 1);
                let span = entries.get("isrc").map_or(0..0, |entry| entry.node.span.clone());
                let hint = Some("every recording has a code of its own".to_string());
                reader.error("not_unique", scope.path.child("isrc"), &span, message, hint);
            }
            tracks.push(track);
        }
    }
    tracks
}

fn position(tracks: &[AlbumTrack], new: &AlbumTrack) -> Option<usize> {
    tracks.iter().position(|track| track.isrc.is_some() && track.isrc == new.isrc)
}

fn read_track(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    gap_s: f64,
    node: &Node,
    first: bool,
) -> AlbumTrack {
    reader.known_keys(scope, entries, fields::ALBUM_TRACK.iter().map(|field| field.id));
    let file = reader.files(scope, entries, "file", 1).and_then(|mut files| files.pop());
    if file.is_none() && !entries.contains_key("file") {
        let message = format!("{} has no file", scope.who);
        let hint = Some("name its master: file = \"01 Song.wav\"".to_string());
        reader.error("missing", scope.path.child("file"), &node.span, message, hint);
    }
    let own_gap_s = reader.number(scope, entries, &fields::GAP);
    let crossfade_s = reader.number(scope, entries, &fields::CROSSFADE).unwrap_or(0.0);
    let wrong = match (crossfade_s > 0.0, first, own_gap_s.is_some_and(|gap| gap > 0.0)) {
        (true, true, _) => Some("the first track has none before it to fade from"),
        (true, false, true) => Some("a track has a gap before it or a crossfade, not both"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        let span = entries.get("crossfade_s").map_or(0..0, |entry| entry.key_span.clone());
        let message = format!("{}: {wrong}", scope.who);
        reader.error("contradiction", scope.path.child("crossfade_s"), &span, message, None);
    }
    let span = entries.get("file").map_or(node.span.clone(), |entry| entry.node.span.clone());
    AlbumTrack {
        file: file.unwrap_or_default(),
        place: reader.place(&span),
        title: reader.text(scope, entries, "title"),
        artist: reader.text(scope, entries, "artist"),
        isrc: plain(reader.code(scope, entries, "isrc", codes::isrc), codes::isrc),
        genre: reader.text(scope, entries, "genre"),
        composer: reader.text(scope, entries, "composer"),
        lyrics: reader.text(scope, entries, "lyrics"),
        gap_s: if crossfade_s > 0.0 { 0.0 } else { own_gap_s.unwrap_or(if first { 0.0 } else { gap_s }) },
        crossfade_s,
        trim_db: reader.number(scope, entries, &fields::TRIM).unwrap_or(0.0),
        fade_in_s: reader.number(scope, entries, &fields::FADE_IN).unwrap_or(0.0),
        fade_out_s: reader.number(scope, entries, &fields::FADE_OUT).unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_is_read_whole() {
        let (album, problems) = album_of(
            "title = \"Füße\"\nbarcode = \"4-006381-333931\"\nloudness = \"album\"\nloudness_lufs = -14\ngap_s = 1.5\n\n\
             [[track]]\nfile = \"a.wav\"\nisrc = \"de-a12-34-00001\"\n\n\
             [[track]]\nfile = \"b.wav\"\ntrim_db = -1\n\n[[track]]\nfile = \"c.wav\"\ncrossfade_s = 3\n\n\
             [[track]]\nfile = \"d.wav\"\ngap_s = 0\n",
        );
        assert_eq!(problems, []);
        assert_eq!((album.title.as_deref(), album.barcode.as_deref()), (Some("Füße"), Some("4006381333931")));
        assert_eq!((album.level, album.loudness_lufs), (Level::Album, Some(-14.0)));
        assert_eq!(album.tracks[0].isrc.as_deref(), Some("DEA123400001"));
        let joins: Vec<(f64, f64)> = album.tracks.iter().map(|t| (t.gap_s, t.crossfade_s)).collect();
        assert_eq!(joins, [(0.0, 0.0), (1.5, 0.0), (0.0, 3.0), (0.0, 0.0)]);
    }

    // Everything at once, each with its line and column.
    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, line, column, said) in [
            ("title = = 1", 1, 9, "not TOML"),
            ("title = \"A\"\n", 1, 1, "no tracks"),
            ("titel = \"A\"\n[[track]]\nfile = \"a\"\n", 1, 1, "there is no setting `titel`"),
            ("[[track]]\ntitle = \"A\"\n", 1, 1, "track 1 has no file"),
            ("[[track]]\nfile = \"a\"\nisrc = \"DE123\"\n", 3, 8, "this has 5"),
            ("barcode = \"4006381333932\"\n[[track]]\nfile = \"a\"\n", 1, 11, "have to be 1"),
            ("loudness = \"loud\"\n[[track]]\nfile = \"a\"\n", 1, 12, "cannot be `loud`"),
            ("[[track]]\nfile = \"a\"\ncrossfade_s = 2\n", 3, 1, "none before it"),
            (
                "[[track]]\nfile = \"a\"\n[[track]]\nfile = \"b\"\ngap_s = 1\ncrossfade_s = 2\n",
                6,
                1,
                "not both",
            ),
            ("[[track]]\nfile = \"a\"\ngap_s = -1\n", 3, 9, "gap_s is -1"),
            ("date = \"yesterday\"\n[[track]]\nfile = \"a\"\n", 1, 8, "is not a day"),
            ("track = 3\n", 1, 1, "no list of tables"),
            (
                "[[track]]\nfile = \"a\"\nisrc = \"DEA123400001\"\n[[track]]\nfile = \"b\"\nisrc = \"DEA123400001\"\n",
                6,
                8,
                "that of track 1",
            ),
        ] {
            let (_, problems) = album_of(text);
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            let place = problems[0].place;
            assert_eq!((place.line, place.column), (line, column), "{text}: {problems:?}");
            assert!(problems[0].message.contains(said), "{problems:?}");
        }
    }
}
