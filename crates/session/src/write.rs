//! The content of a session: everything that is not neutral, in the order of the field lists.

use crate::fields::IMPULSE_RESPONSE;
use crate::tree::{Branches, Tree};
use crate::{Insert, LaneTarget, Session, Strip, StripClass, Value, file_text};
use dsp::{Address, Class, Kind};
use std::path::PathBuf;

/// Collects keys whose values are not neutral.
#[derive(Default)]
struct Entries(Branches);

impl Entries {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_string(), Tree::Leaf(value.into()));
    }

    fn number(&mut self, key: &str, value: f64) {
        if value != 0.0 {
            self.put(key, value);
        }
    }

    fn switch(&mut self, key: &str, value: bool) {
        if value {
            self.put(key, true);
        }
    }

    fn some<V: Into<Value>>(&mut self, key: &str, value: Option<V>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn tree(&mut self, key: &str, tree: Tree) {
        if tree.branches().is_none_or(|branches| !branches.is_empty()) {
            self.0.insert(key.to_string(), tree);
        }
    }

    fn done(self) -> Tree {
        Tree::Map(self.0)
    }
}

/// The content of a session.
pub(crate) fn session_tree(session: &Session) -> Tree {
    let mut root = Entries::default();
    root.put("version", f64::from(session.version));
    root.some("engine", Some(session.engine.as_str()).filter(|engine| !engine.is_empty()));
    root.number("seed", session.seed as f64);
    root.tree("song", song_tree(session));
    for (class, strips) in [
        (StripClass::Track, &session.tracks),
        (StripClass::Bus, &session.buses),
        (StripClass::Return, &session.returns),
    ] {
        let strips = strips.iter().map(|(id, strip)| (id.clone(), strip_entries(strip).done()));
        root.tree(class.table(), Tree::Map(strips.collect()));
    }
    let mut premaster = Entries::default();
    premaster.some("peak_dbfs", session.premaster.peak_dbfs);
    premaster.0.extend(strip_entries(&session.premaster.strip).0);
    root.tree("premaster", premaster.done());
    let mut master = Entries::default();
    master.some("loudness_lufs", session.master.loudness_lufs);
    master.some("ceiling_dbtp", session.master.ceiling_dbtp);
    let references = &session.master.references;
    master.some("references", Some(files(references)).filter(|_| !references.is_empty()));
    master.number("start_s", session.master.start_s);
    master.some("end_s", session.master.end_s);
    master.number("fade_in_s", session.master.fade_in_s);
    master.number("fade_out_s", session.master.fade_out_s);
    master.0.extend(strip_entries(&session.master.strip).0);
    root.tree("master", master.done());
    let mut deliver = Entries::default();
    let targets = &session.deliver.targets;
    deliver.some("targets", Some(targets.clone()).filter(|targets| !targets.is_empty()));
    let formats = &session.deliver.formats;
    deliver.some("formats", Some(formats.clone()).filter(|formats| !formats.is_empty()));
    deliver.some("file_name", session.deliver.file_name.clone());
    deliver.switch("zip", session.deliver.zip);
    root.tree("deliver", deliver.done());
    root.done()
}

fn files(files: &[PathBuf]) -> Value {
    Value::List(files.iter().map(|file| Value::Text(file_text(file))).collect())
}

fn song_tree(session: &Session) -> Tree {
    let song = &session.song;
    let mut entries = Entries::default();
    entries.some("title", song.title.clone());
    entries.some("artist", song.artist.clone());
    entries.some("album", song.album.clone());
    entries.some("album_artist", song.album_artist.clone());
    entries.some("track", song.track.map(f64::from));
    entries.some("tracks", song.tracks.map(f64::from));
    entries.some("disc", song.disc.map(f64::from));
    entries.some("discs", song.discs.map(f64::from));
    entries.some("genre", song.genre.clone());
    entries.some("year", song.year.map(f64::from));
    entries.some("date", song.date.clone());
    entries.some("isrc", song.isrc.clone());
    entries.some("barcode", song.barcode.clone());
    entries.some("composer", song.composer.clone());
    entries.some("lyrics", song.lyrics.clone());
    entries.some("copyright", song.copyright.clone());
    entries.some("label", song.label.clone());
    entries.some("cover", song.cover.as_deref().map(file_text));
    entries.some("sample_rate_hz", song.sample_rate_hz.map(f64::from));
    entries.some("tempo_bpm", song.tempo_bpm);
    entries.some("beats_per_bar", song.beats_per_bar.map(f64::from));
    if !song.sections.is_empty() {
        let section = |s: &crate::Section| Value::List(vec![s.name.as_str().into(), s.start_s.into()]);
        entries.put("sections", song.sections.iter().map(section).collect::<Vec<_>>());
    }
    entries.some("left_out", Some(files(&song.left_out)).filter(|_| !song.left_out.is_empty()));
    entries.some("notes", song.notes.clone());
    entries.done()
}

fn strip_entries(strip: &Strip) -> Entries {
    let mut entries = Entries::default();
    entries.some("label", strip.label.clone());
    match strip.files.as_slice() {
        [] => {}
        [file] => entries.put("file", file_text(file)),
        several => entries.put("file", files(several)),
    }
    entries.some("role", strip.role.clone());
    entries.some("bus", strip.bus.clone());
    entries.number("trim_db", strip.trim_db);
    entries.switch("invert", strip.invert);
    entries.number("delay_frames", strip.delay_frames);
    entries.number("start_s", strip.start_s);
    entries.number("fader_db", strip.fader_db);
    entries.number("pan", strip.pan);
    entries.switch("mute", strip.mute);
    for (key, pre_fader) in [("sends", false), ("pre_sends", true)] {
        let sends = strip.sends.iter().filter(|send| send.pre_fader == pre_fader);
        let level = |send: &crate::Send| (format!("{}_db", send.to), Tree::Leaf(send.level_db.into()));
        entries.tree(key, Tree::Map(sends.map(level).collect()));
    }
    if !strip.notes.is_empty() {
        entries.put("notes", strip.notes.iter().map(note_value).collect::<Vec<_>>());
    }
    let mut automation = Tree::Map(Branches::new());
    for lane in &strip.lanes {
        let points = Value::points(lane.points.iter().map(|point| (point.time_s, point.value)));
        let name = lane_name(strip, &lane.target).unwrap_or_else(|| lane.name.clone());
        // Only a name beneath another lane's could fail, and no setting lies beneath another.
        let _ = automation.set(&name, Tree::Leaf(points));
    }
    entries.tree("automation", automation);
    let inserts = strip.inserts.iter().map(|insert| (insert.id.clone(), insert_tree(insert)));
    entries.tree("insert", Tree::Items(inserts.collect()));
    entries
}

fn note_value(note: &crate::Note) -> Value {
    let times = [note.from_s, note.from_s.and(note.to_s)];
    let items = [note.text.as_str().into()].into_iter().chain(times.into_iter().flatten().map(Value::from));
    Value::List(items.collect())
}

/// The name of a lane by what it moves, so that a lane made by hand needs no name; nothing when its insert
/// does not exist.
fn lane_name(strip: &Strip, target: &LaneTarget) -> Option<crate::Path> {
    Some(match target {
        LaneTarget::Trim => crate::Path::new(["trim_db"]),
        LaneTarget::Fader => crate::Path::new(["fader_db"]),
        LaneTarget::Pan => crate::Path::new(["pan"]),
        LaneTarget::Send(to) => crate::Path::new(["send".to_string(), format!("{to}_db")]),
        LaneTarget::Insert { id, address } => {
            let setting = strip.insert(id)?.setting_name(*address);
            crate::Path::new(["insert", id].into_iter().chain(setting.split('.')))
        }
    })
}

/// The content of an insert.
pub(crate) fn insert_tree(insert: &Insert) -> Tree {
    let kind = insert.kind;
    let mut entries = Entries::default();
    entries.put("kind", kind.id);
    entries.switch("bypass", insert.bypass);
    entries.some("key", insert.key.clone());
    entries.some(IMPULSE_RESPONSE, insert.impulse_response.as_deref().map(file_text));
    for (field, param) in kind.params.iter().enumerate() {
        put_setting(&mut entries, insert, param.id, Address::Field(field));
    }
    let names = insert.named_items();
    for (group, description) in kind.groups.iter().enumerate() {
        let item_tree = |item: usize| {
            let mut entries = Entries::default();
            for (field, param) in description.params.iter().enumerate() {
                put_setting(&mut entries, insert, param.id, Address::Item { group, item, field });
            }
            let name = names[group][item].clone().unwrap_or_else(|| (item + 1).to_string());
            (name, entries.done())
        };
        let items = (0..insert.values.groups[group].len()).map(item_tree);
        entries.tree(description.id, Tree::Items(items.collect()));
    }
    entries.done()
}

fn put_setting(entries: &mut Entries, insert: &Insert, id: &str, address: Address) {
    let value = insert.values.get(address);
    if value != insert.kind.param(address).default {
        entries.put(id, setting_value(insert.kind, address, value));
    }
}

/// A setting's value as the file has it: a number, a switch, or the name of a choice.
pub(crate) fn setting_value(kind: &Kind, address: Address, number: f64) -> Value {
    let param = kind.param(address);
    match param.class {
        Class::Number => Value::Number(number),
        Class::Switch => Value::Switch(number >= 0.5),
        Class::Choice => Value::from(param.choices[param.clamp(number) as usize].id),
    }
}
