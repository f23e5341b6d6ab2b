//! The opening: what came out, in words and four numbers; and the target, row by row.

use super::{cell, row_head, table};
use crate::markup::Markup;
use crate::model::{Bound, Report, TargetRow};
use crate::text::{self, capital, figure, nothing, number, prose, quantity, trimmed, with_unit};

/// Title, verdict and key figures.
pub(super) fn opening(main: &mut Markup, report: &Report) {
    main.element("header", &[("id", "top")], |header| {
        header.words("p", "kicker", "Tonmeister report");
        header.leaf("h1", &[], if report.title.is_empty() { "Untitled" } else { &report.title });
        write_about(header, report);
    });
    main.element("div", &[("class", verdict_class(report))], |verdict| {
        write_badge(verdict, report);
        for (place, sentence) in report.verdict.iter().enumerate() {
            verdict.block("p", if place == 0 { "lead" } else { "rest" }, |p| prose(p, sentence));
        }
        write_key_figures(verdict, report);
    });
}

fn write_about(header: &mut Markup, report: &Report) {
    let mut about = vec![format!("{} min:s", text::clock(report.duration_s, 0))];
    if report.sample_rate_hz > 0.0 {
        about.push(with_unit(&trimmed_khz(report.sample_rate_hz), "kHz"));
    }
    if let Some(tempo) = report.tempo_bpm.filter(|t| t.is_finite()) {
        about.push(with_unit(&trimmed(tempo), "beats per minute"));
    }
    if !report.tracks.is_empty() {
        let plural = if report.tracks.len() == 1 { "track" } else { "tracks" };
        about.push(with_unit(&report.tracks.len().to_string(), plural));
    }
    if !report.engine.is_empty() {
        about.push(format!("engine {}", report.engine));
    }
    header.words("p", "about", &about.join(" \u{b7} "));
}

/// A sample rate in kilohertz with all digits it has: 44.1, 48, 176.4.
pub(super) fn trimmed_khz(sample_rate_hz: f64) -> String {
    let text = number(sample_rate_hz / 1000.0, 3);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn verdict_class(report: &Report) -> &'static str {
    match report.passed {
        Some(true) => "verdict passed",
        Some(false) => "verdict failed",
        None => "verdict",
    }
}

fn write_badge(verdict: &mut Markup, report: &Report) {
    let target = report.target.as_ref().map(|t| t.label.as_str()).filter(|label| !label.is_empty());
    let words = match (report.passed, target) {
        (Some(true), Some(target)) => format!("\u{2713} Passes: {target}"),
        (Some(true), None) => "\u{2713} Passes every check".into(),
        (Some(false), Some(target)) => format!("\u{2717} Does not pass: {target}"),
        (Some(false), None) => "\u{2717} Does not pass".into(),
        (None, _) if report.master.is_none() && report.premaster.is_some() => {
            "A mix, not mastered yet".into()
        }
        (None, _) => "Not checked against a target".into(),
    };
    verdict.words("p", "badge", &words);
}

/// The four numbers that people ask for first, of the master or else of the mix.
fn write_key_figures(verdict: &mut Markup, report: &Report) {
    let Some(signal) = report.master.as_ref().or(report.premaster.as_ref()) else { return };
    let facts = &signal.facts;
    let target = report.target.as_ref();
    let aim = target.and_then(|t| t.loudness_lufs).map(|l| format!("aim {} LUFS", number(l, 1)));
    let ceiling = target.and_then(|t| t.ceiling_dbtp).map(|c| format!("at most {} dBTP", number(c, 1)));
    verdict.block("dl", "key", |list| {
        let mut one = |name: &str, value: Option<f64>, decimals: usize, unit: &str, besides: &str| {
            list.element("div", &[], |entry| {
                entry.leaf("dt", &[], name);
                entry.element("dd", &[], |dd| {
                    dd.block("b", "", |b| figure(b, value, decimals, unit));
                    dd.words("small", "besides", besides);
                });
            });
        };
        one("Loudness", facts.integrated_lufs, 1, "LUFS", &aim.unwrap_or("whole song".into()));
        one("True peak", facts.true_peak_dbtp, 2, "dBTP", &ceiling.unwrap_or("highest point".into()));
        one("Loudness range", facts.loudness_range_lu, 1, "LU", "quiet against loud passages");
        one("Peak to loudness", facts.plr_lu, 1, "LU", "room for punch");
    });
}

/// The target table.
pub(super) fn target(section: &mut Markup, report: &Report) {
    let Some(target) = &report.target else { return };
    let missed = target.rows.iter().filter(|row| !row.ok).count();
    let words = match (target.rows.len(), missed) {
        (0, _) => "Nothing is asked for.".to_string(),
        (_, 0) => "Everything that is asked for is met.".into(),
        (all, missed) => format!("{missed} of {all} requirements missed."),
    };
    section.element("p", &[], |p| {
        p.leaf("strong", &[], &target.label);
        p.text(&format!(". {words}"));
    });
    let columns = ["Requirement", "Asked for", "Measured", "Met"];
    table(section, "cards target", &columns, |rows| {
        for row in &target.rows {
            rows.element("tr", &[], |tr| write_row(tr, row, &columns));
        }
    });
}

fn write_row(tr: &mut Markup, row: &TargetRow, columns: &[&str; 4]) {
    row_head(tr, |th| th.text(&capital(&row.what)));
    cell(tr, columns[1], |td| write_bound(td, &row.limit, &row.unit));
    cell(tr, columns[2], |td| match row.measured_words.as_str() {
        "" => figure(td, row.measured, decimals(&row.unit), &row.unit),
        words => td.text(words),
    });
    cell(tr, columns[3], |td| match row.ok {
        true => td.words("span", "yes", "\u{2713} met"),
        false => td.words("span", "no", "\u{2717} missed"),
    });
}

/// True peaks are judged to a hundredth of a decibel, loudness to a tenth.
fn decimals(unit: &str) -> usize {
    match unit {
        "dBTP" | "dBFS" | "LUFS" | "s" => 2,
        "LU" | "dB" => 1,
        _ => 0,
    }
}

fn write_bound(td: &mut Markup, bound: &Bound, unit: &str) {
    let number = |value: f64| if unit == "Hz" { number(value, 0) } else { trimmed(value) };
    match bound {
        Bound::AtMost(most) => {
            td.text("at most ");
            quantity(td, &number(*most), unit);
        }
        Bound::AtLeast(least) => {
            td.text("at least ");
            quantity(td, &number(*least), unit);
        }
        Bound::Between(low, high) => {
            quantity(td, &number(*low), unit);
            td.text(" to ");
            quantity(td, &number(*high), unit);
        }
        Bound::About { value, tolerance } => {
            let tolerance_unit = if unit == "LUFS" { "LU" } else { unit };
            quantity(td, &number(*value), unit);
            td.text(" \u{b1} ");
            quantity(td, &number(*tolerance), tolerance_unit);
        }
        Bound::Words(words) if words.is_empty() => nothing(td),
        Bound::Words(words) => prose(td, words),
    }
}
