//! Strict reading: a session, and everything that is wrong with its text.

mod automation;
mod inserts;
mod links;
pub(crate) mod reader;
mod strips;
#[cfg(test)]
mod tests;

use crate::node::{Data, Node};
use crate::{
    Deliver, Master, Place, Problem, Section, Session, SessionError, Severity, Song, StripClass, VERSION,
};
use crate::{codes, fields};
use links::Link;
pub(crate) use reader::instead;
use reader::{Entries, Reader, Scope};

/// What reading gives.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The session, as far as it could be understood: whatever was wrong is neutral in it.
    pub session: Session,
    /// Everything that is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Reading {
    /// Whether nothing keeps the session from being used.
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }

    /// The session, or all problems when one of them is an error.
    pub fn into_session(self) -> Result<Session, SessionError> {
        if self.is_usable() {
            Ok(self.session)
        } else {
            Err(SessionError::Invalid { problems: self.problems })
        }
    }
}

/// Reads the text of a session file.
///
/// ```
/// let text = "version = 1\n[track.vox]\nfile = \"vox.wav\"\nfadr_db = -2.0\n";
/// let reading = session::read(text);
/// assert_eq!(reading.problems[0].place.line, 4);
/// assert!(reading.problems[0].hint.as_ref().unwrap().contains("`fader_db`"));
/// ```
pub fn read(text: &str) -> Reading {
    let root = match Node::parse(text) {
        Ok(root) => root,
        Err(error) => return unreadable(text, &error),
    };
    let mut reader = Reader::new(text);
    let session = read_root(&mut reader, &root);
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.place);
    Reading { session, problems }
}

/// Text that is not TOML.
fn unreadable(text: &str, error: &toml_edit::TomlError) -> Reading {
    let place = error
        .span()
        .map_or(Place { line: 1, column: 1 }, |span| crate::problem::Lines::new(text).place(span.start));
    let problem = Problem {
        code: "syntax",
        severity: Severity::Error,
        path: String::new(),
        place,
        message: format!("this is not TOML: {}", error.message().trim().replace('\n', "; ")),
        hint: Some("mend this first; the rest is read once the file is TOML again".into()),
    };
    Reading { session: Session::new(), problems: vec![problem] }
}

fn read_root(reader: &mut Reader<'_>, root: &Node) -> Session {
    let mut session = Session::new();
    let scope = Scope::root();
    let Some(entries) = reader.table(&scope, root) else {
        return session;
    };
    let known = fields::ROOT.iter().map(|field| field.id).chain(fields::TABLES.iter().copied());
    reader.known_keys(&scope, entries, known);
    read_version(reader, &scope, entries);
    session.engine = reader.text(&scope, entries, "engine").unwrap_or_default();
    session.seed = reader.number(&scope, entries, &fields::SEED).unwrap_or(0.0) as u64;

    let mut links: Vec<Link> = Vec::new();
    if let Some((scope, entries)) = reader.sub_table(&scope, entries, "song") {
        session.song = read_song(reader, &scope, entries);
    }
    for class in [StripClass::Track, StripClass::Bus, StripClass::Return] {
        if let Some((scope, entries)) = reader.sub_table(&scope, entries, class.table()) {
            for (id, entry) in entries {
                if let Some(strip) = strips::read_channel(reader, &scope, class, id, entry, &mut links) {
                    session.add(strip);
                }
            }
        }
    }
    if let Some((scope, entries)) = reader.sub_table(&scope, entries, "premaster") {
        reader.known_keys(&scope, entries, fields::PREMASTER.iter().map(|field| field.id));
        session.premaster.peak_dbfs = reader.number(&scope, entries, &fields::PREMASTER_PEAK);
        strips::read_into(reader, &scope, entries, &mut session.premaster.strip, &mut links);
    }
    if let Some((scope, entries)) = reader.sub_table(&scope, entries, "master") {
        reader.known_keys(&scope, entries, fields::MASTER.iter().map(|field| field.id));
        read_master(reader, &scope, entries, &mut session.master);
        strips::read_into(reader, &scope, entries, &mut session.master.strip, &mut links);
    }
    if let Some((scope, entries)) = reader.sub_table(&scope, entries, "deliver") {
        reader.known_keys(&scope, entries, fields::DELIVER.iter().map(|field| field.id));
        session.deliver = Deliver {
            targets: reader.texts(&scope, entries, "targets").unwrap_or_default(),
            formats: reader.texts(&scope, entries, "formats").unwrap_or_default(),
            file_name: reader.text(&scope, entries, "file_name"),
            zip: reader.switch(&scope, entries, "zip").unwrap_or(false),
        };
    }
    links::check(reader, &session, entries, &links);
    session
}

fn read_master(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries, master: &mut Master) {
    master.loudness_lufs = reader.number(scope, entries, &fields::LOUDNESS);
    master.ceiling_dbtp = reader.number(scope, entries, &fields::CEILING);
    master.references = reader.files(scope, entries, "references", 64).unwrap_or_default();
    master.start_s = reader.number(scope, entries, &fields::MASTER_START).unwrap_or(0.0);
    master.end_s = reader.number(scope, entries, &fields::MASTER_END);
    master.fade_in_s = reader.number(scope, entries, &fields::FADE_IN).unwrap_or(0.0);
    master.fade_out_s = reader.number(scope, entries, &fields::FADE_OUT).unwrap_or(0.0);
    if let (Some(end_s), Some(entry)) = (master.end_s, entries.get("end_s"))
        && end_s <= master.start_s
    {
        let message = format!("master: end_s {end_s} is not after start_s {}", master.start_s);
        let hint = Some("leave end_s out to keep the song to its last tail".to_string());
        reader.error("not_in_order", scope.path.child("end_s"), &entry.node.span, message, hint);
    }
}

fn read_version(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) {
    if let Some(entry) = entries.get("version") {
        let version = reader.number(scope, entries, &fields::FORM_VERSION);
        if version.is_some_and(|version| version > f64::from(VERSION)) {
            let message = format!(
                "the file has form {}, this Tonmeister knows forms up to {VERSION}",
                version.unwrap_or_default()
            );
            let hint = "use the Tonmeister that wrote it, or a newer one".to_string();
            reader.error("newer_version", scope.path.child("version"), &entry.node.span, message, Some(hint));
        }
    } else {
        let hint = format!("begin the file with: version = {VERSION}");
        let message = "the file does not say which form it has".to_string();
        reader.error("missing", scope.path.child("version"), &(0..0), message, Some(hint));
    }
}

fn read_song(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) -> Song {
    reader.known_keys(scope, entries, fields::SONG.iter().map(|field| field.id));
    Song {
        title: reader.text(scope, entries, "title"),
        artist: reader.text(scope, entries, "artist"),
        album: reader.text(scope, entries, "album"),
        album_artist: reader.text(scope, entries, "album_artist"),
        track: reader.number(scope, entries, &fields::TRACK_NUMBER).map(|n| n as u32),
        tracks: reader.number(scope, entries, &fields::TRACKS).map(|n| n as u32),
        disc: reader.number(scope, entries, &fields::DISC).map(|n| n as u32),
        discs: reader.number(scope, entries, &fields::DISCS).map(|n| n as u32),
        genre: reader.text(scope, entries, "genre"),
        year: reader.number(scope, entries, &fields::YEAR).map(|year| year as u32),
        date: reader.code(scope, entries, "date", codes::date),
        isrc: reader.code(scope, entries, "isrc", codes::isrc),
        barcode: reader.code(scope, entries, "barcode", codes::barcode),
        composer: reader.text(scope, entries, "composer"),
        lyrics: reader.text(scope, entries, "lyrics"),
        copyright: reader.text(scope, entries, "copyright"),
        label: reader.text(scope, entries, "label"),
        cover: reader.files(scope, entries, "cover", 1).and_then(|mut files| files.pop()),
        sample_rate_hz: reader.number(scope, entries, &fields::SAMPLE_RATE).map(|rate| rate as u32),
        tempo_bpm: reader.number(scope, entries, &fields::TEMPO),
        beats_per_bar: reader.number(scope, entries, &fields::BEATS).map(|beats| beats as u32),
        sections: read_sections(reader, scope, entries),
        left_out: reader.files(scope, entries, "left_out", fields::MOST_LEFT_OUT).unwrap_or_default(),
        notes: reader.text(scope, entries, "notes"),
    }
}

fn read_sections(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) -> Vec<Section> {
    let Some(entry) = entries.get("sections") else {
        return Vec::new();
    };
    let path = scope.path.child("sections");
    let expected = "a list of [name, start in seconds]";
    let Data::List(items) = &entry.node.data else {
        reader.wrong_type(scope, "sections", &entry.node, expected);
        return Vec::new();
    };
    let mut sections: Vec<Section> = Vec::new();
    for item in items {
        let Data::List(pair) = &item.data else {
            reader.wrong_type(scope, "sections", item, "[name, start in seconds]");
            continue;
        };
        let [Node { data: Data::Text(name), .. }, start @ Node { data: Data::Number(start_s), .. }] =
            pair.as_slice()
        else {
            let message = format!("{}: a section is [\"verse\", 10.4]: a name and its start", scope.who);
            reader.error("wrong_type", path.clone(), &item.span, message, None);
            continue;
        };
        let what = format!("the start of {name}");
        if !reader.in_range(scope, &path, &what, start, *start_s, &fields::TIME) {
            continue;
        }
        if let Some(before) = sections.last().filter(|before| before.start_s >= *start_s) {
            let message = format!(
                "{}: {name} begins at {start_s} s, not after {} at {} s",
                scope.who, before.name, before.start_s
            );
            let hint = "sections stand in order of time".to_string();
            reader.error("not_in_order", path.clone(), &start.span, message, Some(hint));
            continue;
        }
        sections.push(Section { name: name.clone(), start_s: *start_s });
    }
    sections
}
