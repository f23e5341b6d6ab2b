//! Reading automation.

use super::reader::{Entries, Reader, Scope, instead};
use crate::fields::{self, Form, Quantity};
use crate::node::{Data, Entry, Node};
use crate::{Curve, Lane, LaneTarget, Path, Point, Strip, StripClass};
use dsp::Taper;

/// Reads the lanes of a strip, whose sends and inserts are already there. When not all inserts could be
/// understood, a lane of a missing one is passed over: its insert has been noted.
pub(crate) fn read_lanes(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    strip: &mut Strip,
    complete: bool,
) {
    let Some(entry) = entries.get("automation") else {
        return;
    };
    let inner = scope.part(scope.path.child("automation"), "automation");
    let Some(entries) = reader.table(&inner, &entry.node) else {
        return;
    };
    collect(reader, &inner, entries, &Path::root(), strip, complete);
}

/// Goes through nested names such as `insert.eq.bands.mud.gain_db` down to the lists of points.
fn collect(
    reader: &mut Reader<'_>,
    scope: &Scope,
    entries: &Entries,
    name: &Path,
    strip: &mut Strip,
    complete: bool,
) {
    for (id, entry) in entries {
        let name = name.child(id.as_str());
        match &entry.node.data {
            Data::Table(inner) => collect(reader, scope, inner, &name, strip, complete),
            Data::List(points) => {
                if !complete && name.parts()[0] == "insert" && !names_insert(strip, &name) {
                    continue;
                }
                if let Some((target, quantity, curve)) = target(reader, scope, &name, entry, strip) {
                    let points = read_points(reader, scope, &name, &entry.node, points, &quantity);
                    strip.lanes.push(Lane { target, name, curve, points });
                }
            }
            _ => reader.wrong_type(scope, &name.to_string(), &entry.node, "a list of [seconds, value]"),
        }
    }
}

fn names_insert(strip: &Strip, name: &Path) -> bool {
    name.parts().get(1).is_some_and(|id| strip.insert(id).is_some())
}

/// What a lane's name means on this strip.
fn target(
    reader: &mut Reader<'_>,
    scope: &Scope,
    name: &Path,
    entry: &Entry,
    strip: &Strip,
) -> Option<(LaneTarget, Quantity, Curve)> {
    let own = |target, quantity| Some((target, quantity, Curve::Linear));
    let channel = matches!(strip.class, StripClass::Track | StripClass::Bus | StripClass::Return);
    let parts: Vec<&str> = name.parts().iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["trim_db"] => own(LaneTarget::Trim, fields::TRIM),
        ["fader_db"] => own(LaneTarget::Fader, fields::FADER),
        ["pan"] if channel => own(LaneTarget::Pan, fields::PAN),
        ["send", send] if channel => {
            let to = send.strip_suffix("_db").unwrap_or(send);
            if send.ends_with("_db") && strip.sends.iter().any(|send| send.to == to) {
                return own(LaneTarget::Send(to.to_string()), fields::SEND);
            }
            let sends: Vec<String> = strip.sends.iter().map(|send| format!("{}_db", send.to)).collect();
            let sends: Vec<&str> = sends.iter().map(String::as_str).collect();
            let message = format!("{}: there is no send `{send}` to move", scope.who);
            let hint = Some(format!("a send that moves also stands in sends; {}", instead(send, &sends)));
            unknown(reader, scope, name, entry, message, hint)
        }
        ["insert", id, setting @ ..] => insert_target(reader, scope, name, entry, strip, id, setting),
        _ => {
            let own: &[&str] = if channel {
                &["trim_db", "fader_db", "pan", "send", "insert"]
            } else {
                &["trim_db", "fader_db", "insert"]
            };
            let message = format!("{}: there is no setting `{name}` to move", scope.who);
            unknown(reader, scope, name, entry, message, Some(instead(parts[0], own)))
        }
    }
}

fn unknown<T>(
    reader: &mut Reader<'_>,
    scope: &Scope,
    name: &Path,
    entry: &Entry,
    message: String,
    hint: Option<String>,
) -> Option<T> {
    reader.error("unknown_key", scope.path.join(name), &entry.key_span, message, hint);
    None
}

fn insert_target(
    reader: &mut Reader<'_>,
    scope: &Scope,
    name: &Path,
    entry: &Entry,
    strip: &Strip,
    id: &str,
    setting: &[&str],
) -> Option<(LaneTarget, Quantity, Curve)> {
    let Some(insert) = strip.insert(id) else {
        let ids: Vec<&str> = strip.inserts.iter().map(|insert| insert.id.as_str()).collect();
        let message = format!("{}: there is no insert `{id}` to move", scope.who);
        return unknown(reader, scope, name, entry, message, Some(instead(id, &ids)));
    };
    let Some(address) = insert.address(setting) else {
        let settings: Vec<String> =
            insert.values.addresses().iter().map(|&address| insert.setting_name(address)).collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let setting = setting.join(".");
        let message = format!("{}: {id} has no setting `{setting}`", scope.who);
        return unknown(reader, scope, name, entry, message, Some(instead(&setting, &settings)));
    };
    let param = insert.kind.param(address);
    if param.fixed {
        let message = format!("{}: {} of {id} cannot move", scope.who, param.id);
        let hint = Some("changing it changes the latency; set it once, on the insert".to_string());
        reader.error("fixed", scope.path.join(name), &entry.key_span, message, hint);
        return None;
    }
    let curve = match (Form::of(param), param.taper) {
        (Form::Number(_), Taper::Linear) => Curve::Linear,
        (Form::Number(_), Taper::Logarithmic) => Curve::Logarithmic,
        _ => Curve::Step,
    };
    Some((LaneTarget::Insert { id: id.to_string(), address }, Quantity::of(param), curve))
}

fn read_points(
    reader: &mut Reader<'_>,
    scope: &Scope,
    name: &Path,
    list: &Node,
    items: &[Node],
    quantity: &Quantity,
) -> Vec<Point> {
    let path = scope.path.join(name);
    if items.is_empty() {
        let message = format!("{}: {name} has no points", scope.who);
        let hint = Some("write [[seconds, value], ...], or take the line away".to_string());
        reader.error("missing", path.clone(), &list.span, message, hint);
    }
    let mut points: Vec<Point> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let pair = if let Data::List(pair) = &item.data { pair.as_slice() } else { &[] };
        let [time, value] = pair else {
            let message = format!("{}: {name}: a point is [seconds, value]", scope.who);
            reader.error("wrong_type", path.clone(), &item.span, message, None);
            continue;
        };
        let (Data::Number(time_s), Data::Number(number)) = (&time.data, &value.data) else {
            let message = format!("{}: {name}: a point is two numbers, [seconds, value]", scope.who);
            reader.error("wrong_type", path.clone(), &item.span, message, None);
            continue;
        };
        let point = Point { time_s: *time_s, value: *number };
        let what = format!("{name}, point {}", place + 1);
        if !reader.in_range(scope, &path, &format!("{what}, the time"), time, *time_s, &fields::TIME)
            || !reader.in_range(scope, &path, &what, value, *number, quantity)
        {
            continue;
        }
        if points.last().is_some_and(|last| last.time_s > point.time_s) {
            let message = format!("{}: {what} at {time_s} s comes before the one in front of it", scope.who);
            let hint = Some("points stand in order of time".to_string());
            reader.error("not_in_order", path.clone(), &time.span, message, hint);
            continue;
        }
        points.push(point);
    }
    points
}
