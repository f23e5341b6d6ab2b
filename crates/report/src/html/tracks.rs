//! The tracks before and after, and what would better be mended before the mix.

use super::change::pan_words;
use super::{cell, figure as picture, row_head, table};
use crate::markup::Markup;
use crate::model::{ListeningPart, Report, TrackPart};
use crate::plot::{self, TrackLevels};
use crate::text::{clock, figure, gain, prose, spaced};

const HEARD_COLUMNS: [&str; 4] = ["Heard", "Where", "How it sounds", "What to do"];
const COLUMNS: [&str; 7] = ["Track", "Recorded", "In the mix", "Trim", "Fader", "Pan", "Faults"];

/// What mastering cannot mend as well as the mix can.
pub(super) fn back_to_mix(section: &mut Markup, report: &Report) {
    if report.back_to_mix.is_empty() {
        section.leaf(
            "p",
            &[],
            "Nothing that would better be mended in the mix or at the recording was found.",
        );
        return;
    }
    section.leaf("p", &[], "These are better mended in the mix or at the recording than afterwards.");
    let heard: Vec<&ListeningPart> = report.listening.iter().filter(|l| l.back_to_mix).collect();
    if !heard.is_empty() {
        table(section, "cards", &HEARD_COLUMNS, |rows| {
            heard.iter().for_each(|part| rows.element("tr", &[], |tr| write_heard(tr, part)));
        });
    }
    // What the table holds is among the sentences as well, for those who read them alone.
    let rest: Vec<&String> =
        report.back_to_mix.iter().filter(|s| !heard.iter().any(|part| s.contains(&part.what))).collect();
    if rest.is_empty() {
        return;
    }
    section.element("ul", &[], |ul| {
        for sentence in rest {
            ul.element("li", &[], |li| prose(li, sentence));
        }
    });
}

fn write_heard(tr: &mut Markup, part: &ListeningPart) {
    row_head(tr, |th| prose(th, &part.what));
    cell(tr, HEARD_COLUMNS[1], |td| match part.from_s.zip(part.to_s) {
        Some((from, to)) => td.text(&format!("{} to {}", clock(from, 0), clock(to, 0))),
        None => td.text("all of it"),
    });
    cell(tr, HEARD_COLUMNS[2], |td| prose(td, &part.heard_as));
    cell(tr, HEARD_COLUMNS[3], |td| prose(td, &part.remedy));
}

/// Levels drawn, then the table.
pub(super) fn tracks(section: &mut Markup, report: &Report) {
    let hurt = report.tracks.iter().filter(|t| !t.faults.is_empty()).count();
    section.leaf(
        "p",
        &[],
        &match hurt {
            0 => "Every recording is clean.".to_string(),
            1 => "One recording suffers from something; what it is stands in the table.".into(),
            many => format!("{many} of {} recordings suffer from something.", report.tracks.len()),
        },
    );
    let levels: Vec<TrackLevels> = report
        .tracks
        .iter()
        .map(|t| TrackLevels { name: name(t), before: &t.before, after: t.after.as_ref() })
        .collect();
    let mut legend = vec![("point hollow", "as recorded: level while it plays, up to its highest sample")];
    if report.tracks.iter().any(|t| t.after.is_some()) {
        legend.push(("point filled", "as it leaves its strip"));
    }
    picture(section, "tracks-plot", |size, id| plot::tracks(&levels, size, id), &legend);
    table(section, "cards tracks", &COLUMNS, |rows| {
        for track in &report.tracks {
            rows.element("tr", &[], |tr| write_track(tr, track));
        }
    });
}

fn name(track: &TrackPart) -> &str {
    if track.name.is_empty() { &track.id } else { &track.name }
}

fn write_track(tr: &mut Markup, track: &TrackPart) {
    row_head(tr, |th| {
        th.text(name(track));
        th.words("small", "help", &track.role.as_deref().map_or("role not known".into(), spaced));
        th.words("small", "path", &track.file);
    });
    cell(tr, COLUMNS[1], |td| figure(td, track.before.active_lufs, 1, "LUFS"));
    cell(tr, COLUMNS[2], |td| figure(td, track.after.as_ref().and_then(|f| f.active_lufs), 1, "LUFS"));
    cell(tr, COLUMNS[3], |td| gain(td, track.trim_db));
    cell(tr, COLUMNS[4], |td| gain(td, track.fader_db));
    cell(tr, COLUMNS[5], |td| td.text(&pan_words(track.pan)));
    cell(tr, COLUMNS[6], |td| match track.faults.as_slice() {
        [] => td.words("span", "quiet", "none"),
        faults => td.element("ul", &[], |ul| {
            for fault in faults {
                ul.element("li", &[], |li| prose(li, fault));
            }
        }),
    });
}
