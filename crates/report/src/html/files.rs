//! What services will do, what was written, and how to make it again.

use super::verdict::trimmed_khz;
use super::{cell, row_head, table};
use crate::markup::Markup;
use crate::model::{FilePart, FindingPart, FindingSeverity, Report};
use crate::text::{capital, clock, figure, gain, number, prose, quantity, size};

const SERVICES: [&str; 5] = ["Service", "Gain", "Plays at", "True peak", "What happens"];
const FILES: [&str; 5] = ["File", "Format", "Loudness", "True peak", "Check"];

/// A table of services.
pub(super) fn services(section: &mut Markup, report: &Report) {
    section.leaf(
        "p",
        &[],
        "What listeners will get with the usual settings, from the levels that the services are known to play at.",
    );
    table(section, "cards services", &SERVICES, |rows| {
        for service in &report.services {
            rows.element("tr", &[], |tr| {
                row_head(tr, |th| th.text(&service.service));
                cell(tr, SERVICES[1], |td| gain(td, service.gain_db));
                cell(tr, SERVICES[2], |td| figure(td, Some(service.plays_at_lufs), 1, "LUFS"));
                cell(tr, SERVICES[3], |td| figure(td, service.plays_at_dbtp, 1, "dBTP"));
                cell(tr, SERVICES[4], |td| prose(td, &capital(&service.note)));
            });
        }
    });
}

/// A table of files, and what was found in them.
pub(super) fn files(section: &mut Markup, report: &Report) {
    let checked = report.files.iter().filter(|f| f.passed.is_some()).count();
    let failed = report.files.iter().filter(|f| f.passed == Some(false)).count();
    section.leaf(
        "p",
        &[],
        &match (checked, failed) {
            (0, _) => "These files were written. None of them is held against a target.".to_string(),
            (_, 0) => {
                "Every file that is handed over was read back from the disk, measured, and passed.".into()
            }
            (checked, failed) => format!("{failed} of {checked} checked files did not pass."),
        },
    );
    table(section, "cards files", &FILES, |rows| {
        for file in &report.files {
            rows.element("tr", &[], |tr| write_file(tr, file));
        }
    });
    for file in report.files.iter().filter(|f| !f.findings.is_empty()) {
        section.leaf("h3", &[], &format!("Found in {}", file.what));
        section.block("ul", "findings", |ul| {
            for finding in &file.findings {
                write_finding(ul, finding);
            }
        });
    }
}

fn write_file(tr: &mut Markup, file: &FilePart) {
    row_head(tr, |th| {
        th.text(&capital(&file.what));
        th.words("small", "path", &file.path);
        if !file.sha256.is_empty() {
            th.block("small", "path", |small| {
                small.words("span", "u", "SHA-256 ");
                small.text(&file.sha256);
            });
        }
        for tag in &file.tags {
            th.words("small", "tag", &format!("{}: {}", tag.name, tag.value));
        }
    });
    cell(tr, FILES[1], |td| {
        td.text(&file.format);
        let mut about = |words: &str| td.words("small", "help", words);
        about(if file.dither.is_empty() { "no dither" } else { &file.dither });
        if file.sample_rate_hz > 0.0 {
            let channels = if file.channels == 1 { "channel" } else { "channels" };
            let length = clock(file.frames as f64 / file.sample_rate_hz, 1);
            about(&format!("{}\u{a0}kHz, {} {channels}", trimmed_khz(file.sample_rate_hz), file.channels));
            about(&format!("{length} min:s, {} frames", number(file.frames as f64, 0)));
        }
        if let Some(bytes) = file.bytes {
            about(&size(bytes));
        }
    });
    let facts = file.facts.as_ref();
    cell(tr, FILES[2], |td| figure(td, facts.and_then(|f| f.integrated_lufs), 1, "LUFS"));
    cell(tr, FILES[3], |td| figure(td, facts.and_then(|f| f.true_peak_dbtp), 2, "dBTP"));
    cell(tr, FILES[4], |td| match file.passed {
        Some(true) => td.words("span", "yes", "\u{2713} passed"),
        Some(false) => td.words("span", "no", "\u{2717} failed"),
        None => td.words("span", "quiet", "no target"),
    });
}

fn write_finding(ul: &mut Markup, finding: &FindingPart) {
    let (class, word) = match finding.severity {
        FindingSeverity::Fail => ("no", "Fails"),
        FindingSeverity::Warn => ("warn", "Listen"),
        FindingSeverity::Info => ("quiet", "Note"),
    };
    ul.element("li", &[], |li| {
        li.words("span", class, word);
        li.text(" ");
        prose(li, &finding.what);
        if let Some(place_s) = finding.place_s {
            li.text(" At ");
            quantity(li, &clock(place_s, 2), "min:s");
            li.text(".");
        }
        for (name, sentence) in [("Heard as", &finding.heard_as), ("Remedy", &finding.remedy)] {
            if !sentence.is_empty() {
                li.block("span", "besides", |span| {
                    span.text(&format!("{name}: "));
                    prose(span, &capital(sentence));
                });
            }
        }
    });
}

/// The commands.
pub(super) fn reproduce(section: &mut Markup, report: &Report) {
    section.leaf(
        "p",
        &[],
        "The session file and the recordings are all it takes: the same version makes the same files again, bit for bit.",
    );
    section.element("pre", &[], |pre| pre.leaf("code", &[], &report.reproduce.join("\n")));
}
