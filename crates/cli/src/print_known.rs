//! What Tonmeister knows, as text for people.

use crate::table::{row, table, text_columns, with_unit, wrapped};
use workflow::{NamedInfo, ProcessorInfo, RoleInfo, Target};

pub(crate) fn processors(all: &[ProcessorInfo]) -> String {
    let mut text = String::new();
    for p in all {
        text += &format!("{} ({}, {})\n", p.id, p.label, p.family);
        text += &wrapped(p.help, "  ", text_columns());
        let mut rows = Vec::new();
        for s in &p.params {
            let range = match s.choices.is_empty() {
                false => s.choices.join(" | "),
                true if s.neutral == "on" || s.neutral == "off" => "on | off".into(),
                true => format!("{} to {} {}", s.min, s.max, s.unit).trim_end().to_string(),
            };
            let fixed = if s.fixed { " (cannot be automated)" } else { "" };
            rows.push(vec![
                format!("  {}", s.id),
                range,
                format!("neutral {}", s.neutral),
                format!("{}{fixed}", s.help),
            ]);
        }
        text += &table(&rows);
        text.push('\n');
    }
    text
}

/// A line each, or all about some.
pub(crate) fn targets(all: &[Target], whole: bool) -> String {
    if whole {
        return all.iter().map(whole_target).collect();
    }
    let mut rows = vec![row(&["target", "loudness", "true peak", "what for"])];
    for t in all {
        rows.push(vec![
            t.id.to_string(),
            with_unit(t.integrated_lufs, 0, "LUFS"),
            with_unit(Some(t.ceiling_dbtp), 1, "dBTP"),
            t.label.to_string(),
        ]);
    }
    table(&rows) + "\n`tonmeister targets NAME` tells more and where it is from\n"
}

fn whole_target(t: &Target) -> String {
    let loudness = match t.integrated_lufs {
        Some(lufs) => format!("{lufs} LUFS, {} LU either way", t.tolerance_lu),
        None => "not asked for".to_string(),
    };
    let rows = [
        ["  loudness".into(), loudness],
        ["  true peak".into(), format!("at most {} dBTP", t.ceiling_dbtp)],
        ["  source".into(), format!("{} ({})", t.source, t.mark.describe())],
        ["  as of".into(), t.as_of.to_string()],
    ];
    format!("{}: {}\n{}\n", t.id, t.label, table(&rows.map(Vec::from)))
}

pub(crate) fn roles(all: &[RoleInfo]) -> String {
    let mut rows = vec![row(&["role", "family", "names such as"])];
    rows.extend(all.iter().map(|r| vec![r.id.to_string(), r.family.to_string(), r.names.join(", ")]));
    table(&rows)
}

pub(crate) fn named(all: &[NamedInfo]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|n| vec![n.name.clone(), n.role.to_string(), format!("{:.0} % sure", n.confidence * 100.0)])
        .collect();
    table(&rows)
}
