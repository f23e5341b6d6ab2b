//! The twenty steps: what was found, what was done, why, how sure.

use super::change::describe;
use super::{cell, row_head, table};
use crate::markup::Markup;
use crate::model::{Report, StepPart, TrackPart};
use crate::text::{capital, prose, quantity, trimmed};
use session::{Decision, StepId};

/// A step with more decisions than this is folded on a screen; paper shows all.
const MOST_UNFOLDED: usize = 6;

const COLUMNS: [&str; 5] = ["Where", "Found", "Done", "Why", "How sure"];

/// All twenty, mixing and mastering apart.
pub(super) fn decisions(section: &mut Markup, report: &Report) {
    let all: usize = report.steps.iter().map(|s| s.decisions.len()).sum();
    section.leaf(
        "p",
        &[],
        &match all {
            0 => "Nothing was decided in this run: what the session says was rendered as it stands.".to_string(),
            1 => "One decision was taken. It stands in the session file with its reason and can be changed.".into(),
            all => format!(
                "{all} decisions were taken, each from something that was measured. They stand in the session file with \
                 their reasons; any of them can be changed there, and stays changed."
            ),
        },
    );
    for (name, steps) in [("Mixing", 1..=11), ("Mastering", 12..=20)] {
        section.leaf("h3", &[], name);
        for step in StepId::ALL.iter().filter(|s| steps.contains(&s.number())) {
            let part = report.steps.iter().find(|p| p.number == step.number());
            write_step(section, *step, part, &report.tracks);
        }
    }
}

fn write_step(section: &mut Markup, step: StepId, part: Option<&StepPart>, tracks: &[TrackPart]) {
    let label = part.map(|p| p.label.as_str()).filter(|label| !label.is_empty()).unwrap_or(step.label());
    let decisions = part.map(|p| p.decisions.as_slice()).unwrap_or_default();
    let note = part.map(|p| p.note.as_str()).unwrap_or_default();
    let state = match (decisions.len(), part.is_some_and(|p| p.ran)) {
        (0, true) if note.is_empty() => "nothing needed".into(),
        (0, true) => "done".into(),
        (0, false) => "not part of this run".into(),
        (1, _) => "1 decision".to_string(),
        (many, _) => format!("{many} decisions{}", on_strips(decisions, tracks)),
    };
    let heading = |out: &mut Markup| {
        out.words("span", "step-number", &step.number().to_string());
        out.words("span", "step-name", &capital(label));
        out.words("span", "step-state", &state);
    };
    let id = format!("step-{}", step.number());
    if decisions.is_empty() {
        section.element("div", &[("class", "step empty"), ("id", &id)], |div| {
            div.block("p", "step-head", heading);
            if !note.is_empty() {
                div.block("p", "step-note", |p| prose(p, note));
            }
        });
        return;
    }
    let mut attributes = vec![("class", "step"), ("id", id.as_str())];
    if decisions.len() <= MOST_UNFOLDED {
        attributes.push(("open", "open"));
    }
    section.element("details", &attributes, |details| {
        details.block("summary", "step-head", heading);
        if !note.is_empty() {
            details.block("p", "step-note", |p| prose(p, note));
        }
        table(details, "cards decisions", &COLUMNS, |rows| {
            for decision in decisions {
                rows.element("tr", &[], |tr| write_decision(tr, decision, tracks));
            }
        });
    });
}

/// How many strips or parts of the session the decisions are about.
fn on_strips(decisions: &[Decision], tracks: &[TrackPart]) -> String {
    let mut places: Vec<String> = decisions.iter().map(|d| describe(&d.change, tracks).place).collect();
    places.sort();
    places.dedup();
    match places.as_slice() {
        [one] => format!(" on {one}"),
        many => format!(" in {} places", many.len()),
    }
}

fn write_decision(tr: &mut Markup, decision: &Decision, tracks: &[TrackPart]) {
    let described = describe(&decision.change, tracks);
    row_head(tr, |th| th.text(&described.place));
    cell(tr, COLUMNS[1], |td| {
        if decision.evidence.is_empty() {
            td.words("span", "quiet", "see why");
        }
        for evidence in &decision.evidence {
            td.block("span", "evidence", |span| {
                span.text(&capital(&evidence.name));
                span.text(" ");
                quantity(span, &trimmed(evidence.value), &evidence.unit);
            });
        }
    });
    cell(tr, COLUMNS[2], |td| td.text(&described.done));
    cell(tr, COLUMNS[3], |td| {
        td.block("span", "why", |span| prose(span, &decision.why));
        if !decision.costs.is_empty() {
            td.block("span", "unless", |span| {
                span.text("Costs ");
                prose(span, &decision.costs);
                span.text(".");
            });
        }
        if !decision.unless.is_empty() {
            td.block("span", "unless", |span| {
                span.text("Unless ");
                prose(span, &decision.unless);
                span.text(".");
            });
        }
    });
    cell(tr, COLUMNS[4], |td| write_confidence(td, decision.confidence));
}

/// A small bar and its number.
fn write_confidence(td: &mut Markup, confidence: f64) {
    let share = if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.0 };
    let width = format!("{:.0}", share * 48.0);
    td.block("span", "sure", |span| {
        let attributes = [("class", "sure-bar"), ("viewBox", "0 0 48 6"), ("aria-hidden", "true")];
        span.element("svg", &attributes, |svg| {
            svg.void("rect", &[("class", "sure-all"), ("width", "48"), ("height", "6")]);
            svg.void("rect", &[("class", "sure-part"), ("width", &width), ("height", "6")]);
        });
        quantity(span, &format!("{:.0}", share * 100.0), "%");
    });
}
