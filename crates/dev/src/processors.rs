//! A page and a plot per processor, and their index.

use crate::markdown::{GENERATED, code, number, quantity, sentence, table};
use crate::plot::{Axis, Curve, svg};
use crate::recipes::{Shown, moved, recipe_of, values};
use crate::{GENERATED_FOLDER, measured};
use dsp::{Class, Family, KINDS, Kind, Param, Values, help_text};
use session::{Document, Insert, Session, Strip, StripClass};
use std::collections::BTreeMap;

/// Seconds of a decay that are drawn.
const DECAY_S: f64 = 3.0;

pub(crate) fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    files.insert(format!("{GENERATED_FOLDER}/index.md"), index());
    for kind in KINDS {
        let plot = plot(kind);
        files.insert(format!("{GENERATED_FOLDER}/{}.md", kind.id), page(kind, plot.as_ref()));
        if let Some((_, drawn)) = plot {
            files.insert(format!("{GENERATED_FOLDER}/{}.svg", kind.id), drawn);
        }
    }
    files
}

fn index() -> String {
    let mut text = format!(
        "# Processors\n\n{GENERATED}\n\nWhat can stand in an `insert` of a track, bus, return, of the pre-master and of the \
         master. A setting that is left out is neutral: it changes nothing. How good they are stands in \
         [figures](../sound.md), how they look on real recordings in [pictures](../heard.md).\n"
    );
    let families =
        FAMILIES.iter().map(|family| (family, KINDS.iter().filter(move |kind| kind.family == *family)));
    for (family, kinds) in families {
        let rows = kinds.map(|kind| {
            let link = format!("[{}]({}.md)", kind.label, kind.id);
            vec![link, code(kind.id), sentence(kind.help)]
        });
        let rows = table(&["processor", "`kind`", "what it does"], rows);
        text += &format!("\n## {}\n\n{rows}", capitalised(family.label()));
    }
    text
}

/// The shelves of the rack in the order people see.
const FAMILIES: [Family; 8] = [
    Family::Restoration,
    Family::Level,
    Family::Equaliser,
    Family::Dynamics,
    Family::Saturation,
    Family::Modulation,
    Family::Stereo,
    Family::Space,
];

fn capitalised(word: &str) -> String {
    format!("{}{}", word[..1].to_uppercase(), &word[1..])
}

fn page(kind: &'static Kind, plot: Option<&(String, String)>) -> String {
    let mut text = format!("# {}\n\n{GENERATED}\n\n{}\n", kind.label, sentence(kind.help));
    if let Some((caption, _)) = plot {
        text += &format!("\n![{caption}]({}.svg)\n\n*{caption}*\n", kind.id);
    }
    text += &format!("\n## In the session file\n\n```toml\n{}```\n", example(kind));
    if kind.key_input {
        text += "\nIt can listen to another strip: `key = \"kick\"` names the track, bus or return that it hears instead of \
                 its own input.\n";
    }
    if kind.impulse_response {
        text += "\nIt is built from a recording: `impulse_response = \"halls/church.wav\"` names a file of one channel, two (left \
                 and right) or four (true stereo: left to left, left to right, right to left, right to right), relative to the \
                 session. Without it the sound passes unchanged.\n";
    }
    if !kind.params.is_empty() {
        text += &format!("\n## Settings\n\n{}", params(kind.params));
    }
    for group in kind.groups {
        text += &format!(
            "\n## `{}`\n\n{} At most {}. Each may have a `name`; without it, it is called by its place, from 1.\n\n{}",
            group.id,
            sentence(group.help),
            group.max,
            params(group.params)
        );
    }
    text += &choices(kind);
    let linear = if kind.response.is_some() { "It is linear. " } else { "" };
    text += &format!(
        "\n## Facts\n\n{linear}Revision {}: the same settings sound the same as long as this number stays.\n",
        kind.revision
    );
    text
}

fn params(params: &[Param]) -> String {
    let rows = params.iter().map(|param| {
        let (range, neutral) = match param.class {
            Class::Number => (
                format!("{} to {}", number(param.min, 4), quantity(param.max, param.unit.symbol())),
                quantity(param.default, param.unit.symbol()),
            ),
            Class::Switch => {
                ("`true` or `false`".into(), code(if param.default >= 0.5 { "true" } else { "false" }))
            }
            Class::Choice => {
                let names: Vec<String> = param.choices.iter().map(|c| code(c.id)).collect();
                (names.join(", "), code(param.choices[param.default as usize].id))
            }
        };
        let automated = if param.fixed { "no" } else { "yes" };
        vec![code(param.id), sentence(param.help()), range, neutral, automated.into()]
    });
    table(&["key", "what it does", "range", "neutral", "can be automated"], rows)
}

fn choices(kind: &Kind) -> String {
    let all = kind.params.iter().chain(kind.groups.iter().flat_map(|group| group.params));
    let of_param = |param: &Param| {
        let rows = param.choices.iter().map(|c| vec![code(c.id), sentence(help_text(c.help))]);
        format!("\n## Choices of `{}`\n\n{}", param.id, table(&["name", "what it does"], rows))
    };
    all.filter(|param| param.class == Class::Choice).map(of_param).collect()
}

/// An insert as the session's own writer puts it down.
fn example(kind: &'static Kind) -> String {
    let settings = recipe_of(kind).map_or("", |recipe| recipe.curves[0].1);
    let mut strip = Strip::new(StripClass::Track, "vox");
    let mut insert = Insert::new(kind.id, kind);
    insert.values = values(kind, settings);
    insert.item_names = insert.values.groups.iter().map(|items| vec![None; items.len()]).collect();
    strip.inserts.push(insert);
    let mut session = Session::new();
    session.add(strip);
    let text = Document::new(&session).to_string();
    let start = text.find("[[track.vox.insert]]").expect("a session with an insert says so");
    format!("{}\n", text[start..].trim_end())
}

/// The curves of one setting.
fn drawn(kind: &Kind, shown: Shown, legend: &str, values: &Values) -> Vec<Curve> {
    let one = |points| vec![Curve { legend: legend.into(), points }];
    let pair = |names: [&str; 2], curves: [Vec<(f64, f64)>; 2]| -> Vec<Curve> {
        let named = |name: &str| format!("{legend}: {name}").trim_start_matches(": ").to_string();
        names.iter().zip(curves).map(|(name, points)| Curve { legend: named(name), points }).collect()
    };
    match shown {
        Shown::Response => one(measured::response(kind, values, false)),
        Shown::SideResponse => one(measured::response(kind, values, true)),
        Shown::Levels => one(measured::levels(kind, values)),
        Shown::Tones => one(measured::tones(kind, values)),
        Shown::Harmonics => one(measured::harmonics(kind, values)),
        Shown::Decay => one(measured::decay(kind, values, DECAY_S)),
        Shown::Phase => one(measured::phase(kind, values)),
        Shown::Pitch => one(measured::pitch(kind, values)),
        Shown::Burst => one(measured::burst(kind, values)),
        Shown::Movement => pair(["left", "right"], measured::movement(kind, values)),
        Shown::Spectrum(fault) => pair(["before", "after"], measured::spectra(kind, values, fault)),
        Shown::Waveform(fault) => pair(["before", "after"], measured::waveforms(kind, values, fault)),
    }
}

/// The caption and the drawing.
fn plot(kind: &Kind) -> Option<(String, String)> {
    let (shown, curves): (Shown, Vec<(String, Values)>) = match recipe_of(kind) {
        Some(recipe) => {
            let of = |(legend, text): &(&str, &str)| (legend.to_string(), values(kind, text));
            (recipe.shown, recipe.curves.iter().map(of).collect())
        }
        None if kind.response.is_some() => (Shown::Response, moved(kind)),
        None => return None,
    };
    let curves: Vec<Curve> =
        curves.iter().flat_map(|(legend, values)| drawn(kind, shown, legend, values)).collect();
    let (what, x, y, bars) = match shown {
        Shown::Response => (
            "Measured frequency response at 48 kHz",
            Axis::frequency(),
            Axis::straight("gain, dB", -24.0, 12.0, 6.0),
            false,
        ),
        Shown::SideResponse => (
            "Measured response to a signal that is opposite left and right, at 48 kHz",
            Axis::frequency(),
            Axis::straight("gain, dB", -24.0, 12.0, 6.0),
            false,
        ),
        Shown::Levels => (
            "Measured level out against level in, of a steady 1 kHz tone",
            Axis::straight("in, dBFS", -60.0, 0.0, 10.0),
            Axis::straight("out, dBFS", -60.0, 0.0, 10.0),
            false,
        ),
        Shown::Tones => (
            "Measured gain of a steady tone of -18 dBFS against its frequency",
            Axis::frequency(),
            Axis::straight("gain, dB", -18.0, 6.0, 6.0),
            false,
        ),
        Shown::Harmonics => (
            "Measured harmonics of a 1 kHz tone of -12 dBFS, against the first",
            Axis::straight("harmonic", 0.0, 11.0, 1.0),
            Axis::straight("level, dB", -120.0, 0.0, 20.0),
            true,
        ),
        Shown::Decay => (
            "Measured level after an impulse, in windows of 10 ms",
            Axis::straight("time, s", 0.0, DECAY_S, 0.5),
            Axis::straight("level, dB", -80.0, 0.0, 20.0),
            false,
        ),
        Shown::Phase => (
            "Measured phase, the latency taken off, at 48 kHz",
            Axis::frequency(),
            Axis::straight("phase, degrees", -180.0, 180.0, 60.0),
            false,
        ),
        Shown::Pitch => (
            "Measured deviation of pitch of a steady 1 kHz tone",
            Axis::straight("time, s", 0.0, 2.0, 0.2),
            Axis::straight("deviation, cents", -60.0, 60.0, 20.0),
            false,
        ),
        Shown::Burst => (
            "Measured change of level of a 1 kHz tone that stands at -12 dBFS from 0.2 s to 0.7 s and at -36 dBFS otherwise",
            Axis::straight("time, s", 0.0, 2.0, 0.2),
            Axis::straight("change, dB", -24.0, 12.0, 6.0),
            false,
        ),
        Shown::Movement => (
            "Measured level of a steady 1 kHz tone of -12 dBFS",
            Axis::straight("time, s", 0.0, 2.0, 0.2),
            Axis::straight("level, dBFS", -42.0, -6.0, 6.0),
            false,
        ),
        Shown::Spectrum(_) => (
            "Measured spectrum of a made signal before and after, in tenths of an octave",
            Axis::spectrum(),
            Axis::straight("level, dB", -100.0, 0.0, 20.0),
            false,
        ),
        Shown::Waveform(_) => (
            "Waveform of a made signal before and after",
            Axis::straight("time, ms", 0.0, 10.0, 1.0),
            Axis::straight("sample", -1.0, 1.0, 0.5),
            false,
        ),
    };
    let caption = format!("{}: {}{}.", kind.label, what[..1].to_lowercase(), &what[1..]);
    let drawn = svg(&caption, &x, &y, &curves, bars);
    Some((caption, drawn))
}
