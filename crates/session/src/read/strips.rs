//! Reading tracks, buses, returns, pre-master and master.

use super::links::{Link, LinkKind};
use super::reader::{Entries, Reader, Scope};
use super::{automation, inserts};
use crate::fields;
use crate::node::{Data, Entry, Node};
use crate::{Note, OUTPUT_NAMES, Send, Strip, StripClass};

/// Reads a track, bus or return; nothing when it is not a table.
pub(crate) fn read_channel(
    reader: &mut Reader<'_>,
    scope: &Scope,
    class: StripClass,
    id: &str,
    entry: &Entry,
    links: &mut Vec<Link>,
) -> Option<Strip> {
    let scope = scope.table(id);
    reader.good_id(&scope, id, &entry.key_span);
    if OUTPUT_NAMES.contains(&id) {
        let message = format!("{}: `{id}` is the name of an output, not of a {}", scope.who, class.table());
        reader.error("reserved_id", scope.path.clone(), &entry.key_span, message, None);
    }
    let entries = reader.table(&scope, &entry.node)?;
    reader.known_keys(&scope, entries, fields::strip(class).iter().map(|field| field.id));
    let mut strip = Strip::new(class, id);
    if class == StripClass::Track {
        strip.files = reader.files(&scope, entries, "file", 2).unwrap_or_default();
        if strip.files.is_empty() && entries.get("file").is_none_or(|file| is_empty_list(&file.node.data)) {
            let hint = "add: file = \"its name, relative to the session\"".to_string();
            let message = format!("{}: a track plays a file, and this one has none", scope.who);
            reader.error("missing", scope.path.child("file"), &entry.node.span, message, Some(hint));
        }
        strip.delay_frames = reader.number(&scope, entries, &fields::DELAY).unwrap_or(0.0);
        strip.start_s = reader.number(&scope, entries, &fields::START).unwrap_or(0.0);
    }
    read_into(reader, &scope, entries, &mut strip, links);
    Some(strip)
}

fn is_empty_list(data: &Data) -> bool {
    matches!(data, Data::List(items) if items.is_empty())
}

/// Reads what strips of all classes have; keys that a class does not have are noted elsewhere.
pub(crate) fn read_into(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    strip: &mut Strip,
    links: &mut Vec<Link>,
) {
    strip.trim_db = reader.number(scope, entries, &fields::TRIM).unwrap_or(0.0);
    strip.fader_db = reader.number(scope, entries, &fields::FADER).unwrap_or(0.0);
    if matches!(strip.class, StripClass::Track | StripClass::Bus | StripClass::Return) {
        strip.label = reader.text(scope, entries, "label");
        strip.role = reader.text(scope, entries, "role");
        strip.pan = reader.number(scope, entries, &fields::PAN).unwrap_or(0.0);
        strip.invert = reader.switch(scope, entries, "invert").unwrap_or(false);
        strip.mute = reader.switch(scope, entries, "mute").unwrap_or(false);
        if let Some(bus) = reader.text(scope, entries, "bus")
            && !OUTPUT_NAMES.contains(&bus.as_str())
        {
            links.push(Link::new(LinkKind::Bus, strip, &bus, scope, "bus", &entries["bus"].node));
            strip.bus = Some(bus);
        }
        read_sends(reader, scope, entries, false, strip, links);
        read_sends(reader, scope, entries, true, strip, links);
    }
    if strip.class != StripClass::Master {
        strip.notes = read_notes(reader, scope, entries);
    }
    let complete = inserts::read_inserts(reader, scope, entries, strip, links);
    automation::read_lanes(reader, scope, entries, strip, complete);
}

fn read_notes(reader: &mut Reader<'_>, scope: &Scope, entries: &Entries) -> Vec<Note> {
    let Some(entry) = entries.get("notes") else {
        return Vec::new();
    };
    let expected = "a list such as [[\"too loud\", 62.0, 70.0]]";
    let Data::List(items) = &entry.node.data else {
        reader.wrong_type(scope, "notes", &entry.node, expected);
        return Vec::new();
    };
    items.iter().filter_map(|item| read_note(reader, scope, item)).collect()
}

/// A text, and from when to when it is meant.
fn read_note(reader: &mut Reader<'_>, scope: &Scope, item: &Node) -> Option<Note> {
    let path = scope.path.child("notes");
    let parts = match &item.data {
        Data::List(parts) => parts.as_slice(),
        _ => &[],
    };
    let (text, times) = match parts {
        [Node { data: Data::Text(text), .. }, times @ ..] if times.len() <= 2 => (text, times),
        _ => {
            let message = format!("{}: a note is [\"too loud\", 62.0, 70.0]: a text, from and to", scope.who);
            reader.error("wrong_type", path, &item.span, message, None);
            return None;
        }
    };
    let mut seconds: Vec<f64> = Vec::new();
    for time in times {
        let Data::Number(time_s) = time.data else {
            reader.wrong_type(scope, "the time of a note", time, "a number of seconds");
            return None;
        };
        if !reader.in_range(scope, &path, "the time of a note", time, time_s, &fields::TIME) {
            return None;
        }
        if seconds.last().is_some_and(|from_s| *from_s >= time_s) {
            let message =
                format!("{}: the note \"{text}\" ends at {time_s} s, not after it begins", scope.who);
            reader.error("not_in_order", path, &time.span, message, None);
            return None;
        }
        seconds.push(time_s);
    }
    Some(Note { text: text.clone(), from_s: seconds.first().copied(), to_s: seconds.get(1).copied() })
}

fn read_sends(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    pre_fader: bool,
    strip: &mut Strip,
    links: &mut Vec<Link>,
) {
    let id = if pre_fader { "pre_sends" } else { "sends" };
    let Some(entry) = entries.get(id) else {
        return;
    };
    let Data::Table(levels) = &entry.node.data else {
        reader.wrong_type(scope, id, &entry.node, "a table such as { plate_db = -18.0 }");
        return;
    };
    let inner = scope.part(scope.path.child(id), id);
    for (key, level) in levels {
        let Some(to) = key.strip_suffix("_db").filter(|to| !to.is_empty()) else {
            let message = format!("{}: `{key}` does not end with the unit", inner.who);
            let hint = Some(format!("write {key}_db to send to return.{key}"));
            reader.error("unknown_key", inner.path.child(key.as_str()), &level.key_span, message, hint);
            continue;
        };
        let Data::Number(level_db) = level.node.data else {
            reader.wrong_type(&inner, key, &level.node, "a number");
            continue;
        };
        let path = inner.path.child(key.as_str());
        if !reader.in_range(&inner, &path, key, &level.node, level_db, &fields::SEND) {
            continue;
        }
        if strip.sends.iter().any(|send| send.to == to) {
            let message = format!("{}: there is a send to {to} before and after the fader", scope.who);
            let hint = Some("keep it in sends or in pre_sends".to_string());
            reader.error("duplicate_id", path, &level.key_span, message, hint);
            continue;
        }
        links.push(Link::at(LinkKind::Send, strip, to, &inner, key, level.key_span.clone()));
        strip.sends.push(Send { to: to.to_string(), level_db, pre_fader });
    }
}
