//! A change of the session in words: where, and what was done.

use crate::model::TrackPart;
use crate::text::{capital, shortened, spaced, trimmed, with_unit};
use session::{Change, Path, Value};

/// Endings of names that say the unit, the longer before the shorter.
const UNITS: &[(&str, &str)] = &[
    ("_db_per_oct", "dB/oct"),
    ("_percent", "%"),
    ("_frames", "frames"),
    ("_cents", "cents"),
    ("_dbtp", "dBTP"),
    ("_dbfs", "dBFS"),
    ("_lufs", "LUFS"),
    ("_bpm", "beats per minute"),
    ("_deg", "\u{b0}"),
    ("_lu", "LU"),
    ("_hz", "Hz"),
    ("_ms", "ms"),
    ("_db", "dB"),
    ("_m", "m"),
    ("_s", "s"),
];

/// A text or list in a session that is longer than this is shortened, in letters.
const LONGEST_TEXT: usize = 60;

/// A change as a person reads it.
pub(super) struct Described {
    /// The strip's name, or the part of the session.
    pub(super) place: String,
    /// What was done there.
    pub(super) done: String,
}

/// Puts a change into words.
pub(super) fn describe(change: &Change, tracks: &[TrackPart]) -> Described {
    let (place, rest) = split(change.path(), tracks);
    let name = |parts: &[&str]| parts.iter().map(|part| spaced(part)).collect::<Vec<_>>().join(" ");
    let done = match (change, rest.split_last()) {
        (Change::Set { value: Value::Table(entries), .. }, last) => {
            // A processor is called by its id, which says its kind unless somebody named it.
            let kind = entries.get("kind").and_then(Value::as_text).map(spaced);
            let id = last.map(|(id, _)| spaced(id));
            let name = match (id, kind) {
                (Some(id), Some(kind)) if id != kind => format!("{id} ({kind})"),
                (id, kind) => id.or(kind).unwrap_or_default(),
            };
            let settings = settings(entries.iter().filter(|(key, _)| *key != "kind"));
            if settings.is_empty() { name } else { format!("{name}: {settings}") }
        }
        (Change::Set { value, .. }, Some((key, []))) => setting(key, value),
        (Change::Set { value, .. }, Some((key, above))) => {
            format!("{}: {}", name(above), setting(key, value))
        }
        (Change::Set { value, .. }, None) => scalar(value, ""),
        (Change::Remove { .. }, _) => format!("{} removed", name(&rest)),
        (Change::Place { before: Some(before), .. }, _) => {
            format!("{} moved before {}", name(&rest), spaced(before))
        }
        (Change::Place { before: None, .. }, _) => format!("{} moved to the end", name(&rest)),
    };
    Described { place, done: capital(done.trim()) }
}

/// A strip (`track.vox`, `bus.drums`, `master`) by its name for people.
pub(super) fn strip_name(strip: &str, tracks: &[TrackPart]) -> String {
    match strip.split_once('.') {
        Some((class, id)) => name_of(class, id, tracks),
        None => area(strip),
    }
}

/// The name of the strip or the part of the session that a path lies in, and the path within it.
fn split<'a>(path: &'a Path, tracks: &[TrackPart]) -> (String, Vec<&'a str>) {
    let parts: Vec<&str> = path.parts().iter().map(String::as_str).collect();
    let (place, rest) = match parts.as_slice() {
        [class @ ("track" | "bus" | "return"), id, rest @ ..] => (name_of(class, id, tracks), rest),
        [first, rest @ ..] => (area(first), rest),
        [] => ("Session".into(), &[][..]),
    };
    // "insert" and the names of lists of items say nothing that their items do not say.
    (place, rest.iter().copied().filter(|part| !matches!(*part, "insert" | "bands")).collect())
}

fn name_of(class: &str, id: &str, tracks: &[TrackPart]) -> String {
    let known = tracks.iter().find(|t| t.id == id && class == "track");
    match class {
        "bus" => format!("{} bus", capital(&spaced(id))),
        "return" => format!("{} return", capital(&spaced(id))),
        _ => known
            .map(|t| t.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| capital(&spaced(id))),
    }
}

fn area(name: &str) -> String {
    match name {
        "premaster" => "Pre-master".into(),
        "deliver" => "Delivery".into(),
        other => capital(&spaced(other)),
    }
}

/// A setting's name without its unit, and the unit.
fn name_and_unit(key: &str) -> (String, &'static str) {
    let found = UNITS.iter().find_map(|(ending, unit)| Some((key.strip_suffix(ending)?, *unit)));
    let (name, unit) = found.filter(|(name, _)| !name.is_empty()).unwrap_or((key, ""));
    (spaced(name), unit)
}

fn setting(key: &str, value: &Value) -> String {
    let (name, unit) = name_and_unit(key);
    match (key, value) {
        ("pan", Value::Number(pan)) => format!("{name} {}", pan_words(*pan)),
        ("ratio", Value::Number(ratio)) => format!("{name} {}:1", trimmed(*ratio)),
        ("invert", Value::Switch(true)) => "polarity turned".into(),
        ("mute", Value::Switch(true)) => "muted".into(),
        (_, Value::Switch(true)) => format!("{name} on"),
        (_, Value::Switch(false)) => format!("{name} off"),
        (_, Value::Table(entries)) => format!("{name} ({})", settings(entries.iter())),
        (_, value) => format!("{name} {}", scalar(value, unit)),
    }
}

fn settings<'a>(entries: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let one = |(key, value): (&String, &Value)| match (key.as_str(), value) {
        // Items of a list by their own names; the list's name says nothing more.
        ("bands", Value::Table(items)) => settings(items.iter()),
        ("bands", Value::List(items)) => items.iter().map(item).collect::<Vec<_>>().join("; "),
        (key, value) => setting(key, value),
    };
    entries.map(one).filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
}

/// An item of a list that has no name, or has it among its settings.
fn item(value: &Value) -> String {
    match value {
        Value::Table(entries) => settings(entries.iter()),
        other => scalar(other, ""),
    }
}

fn scalar(value: &Value, unit: &str) -> String {
    match value {
        Value::Switch(switch) => if *switch { "on" } else { "off" }.into(),
        // What is shorter than the last decimal shown is no nothing.
        Value::Number(number) if unit == "s" && *number != 0.0 && number.abs() < 0.1 => {
            with_unit(&trimmed(1000.0 * number), "ms")
        }
        Value::Number(number) => with_unit(&trimmed(*number), unit),
        Value::Text(text) => shortened(&spaced(text), LONGEST_TEXT),
        Value::Table(entries) => settings(entries.iter()),
        Value::List(items) => list(items, unit),
    }
}

/// A list; a lane of automation by its number of points and how far they reach.
fn list(items: &[Value], unit: &str) -> String {
    let levels: Option<Vec<f64>> = items.iter().map(point_value).collect();
    match levels {
        _ if items.is_empty() => "none".into(),
        Some(levels) if !levels.is_empty() => {
            let (low, high) = levels.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let points = if levels.len() == 1 { "point" } else { "points" };
            let to = with_unit(&trimmed(high), unit);
            format!("moves over {} {points}, {} to {to}", levels.len(), trimmed(low))
        }
        _ => {
            let words: Vec<String> = items.iter().map(|value| scalar(value, unit)).collect();
            shortened(&words.join(", "), LONGEST_TEXT)
        }
    }
}

/// The value of a breakpoint, `[seconds, value]`.
fn point_value(value: &Value) -> Option<f64> {
    match value {
        Value::List(pair) => match pair.as_slice() {
            [Value::Number(_), Value::Number(value), ..] => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// A place between left and right.
pub(super) fn pan_words(pan: f64) -> String {
    match pan {
        left if left < -0.5 => format!("{:.0}\u{a0}% left", -left),
        right if right > 0.5 => format!("{right:.0}\u{a0}% right"),
        _ => "centre".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(parts: &[&str], value: impl Into<Value>) -> String {
        let tracks = [TrackPart { id: "vox".into(), name: "LVox <1>".into(), ..Default::default() }];
        let described =
            describe(&Change::Set { path: Path::new(parts.to_vec()), value: value.into() }, &tracks);
        format!("{} | {}", described.place, described.done)
    }

    #[test]
    fn settings_are_named_with_their_units() {
        assert_eq!(words(&["track", "vox", "trim_db"], -4.2), "LVox <1> | Trim \u{2212}4.2\u{a0}dB");
        assert_eq!(words(&["track", "vox", "pan"], -30.0), "LVox <1> | Pan 30\u{a0}% left");
        assert_eq!(words(&["track", "vox", "mute"], true), "LVox <1> | Muted");
        assert_eq!(words(&["bus", "drums", "role"], "drum_bus"), "Drums bus | Role drum bus");
        let ratio = words(&["master", "insert", "glue", "ratio"], 1.5);
        assert_eq!(ratio, "Master | Glue: ratio 1.5:1");
        assert_eq!(words(&["master", "fade_in_s"], 0.002), "Master | Fade in 2\u{a0}ms");
        assert_eq!(words(&["master", "fade_out_s"], 4.5), "Master | Fade out 4.5\u{a0}s");
        let gain = words(&["track", "kick", "insert", "eq", "bands", "mud", "gain_db"], -3.0);
        assert_eq!(gain, "Kick | Eq mud: gain \u{2212}3\u{a0}dB");
    }

    #[test]
    fn a_whole_processor_is_one_line() {
        let mud = Value::table([
            ("type", Value::from("bell")),
            ("freq_hz", 310.0.into()),
            ("gain_db", (-3).into()),
        ]);
        let eq = Value::table([("kind", Value::from("eq")), ("bands", Value::table([("mud", mud)]))]);
        assert_eq!(
            words(&["track", "kick", "insert", "tone"], eq),
            "Kick | Tone (eq): mud (type bell, freq 310\u{a0}Hz, gain \u{2212}3\u{a0}dB)"
        );
        let bare = Value::table([("kind", "limiter")]);
        assert_eq!(words(&["master", "insert", "limiter"], bare), "Master | Limiter");
    }

    #[test]
    fn a_moving_fader_says_how_far_it_moves() {
        let lane = Value::points([(0.0, -1.5), (4.0, 2.0)]);
        let said = words(&["track", "vox", "automation", "fader_db"], lane);
        assert_eq!(said, "LVox <1> | Automation: fader moves over 2 points, \u{2212}1.5 to 2\u{a0}dB");
    }

    #[test]
    fn odd_paths_and_values_have_words_too() {
        assert_eq!(words(&[], 1.0), "Session | 1");
        assert_eq!(words(&["master"], Value::List(Vec::new())), "Master | None");
        assert_eq!(words(&["_db"], f64::NAN), " db | \u{2013}");
    }
}
